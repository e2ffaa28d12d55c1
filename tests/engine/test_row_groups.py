"""What is written as it comes: files of the same bytes however it came, and tables in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.console.errors import RunFailed
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.write_audit import TablesInBatches, run_context
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED
from transforms.engine.engine import Transform
from transforms.engine.errors import QueryError
from transforms.engine.row_groups import ROW_GROUP, RowGroups, TableFile
from transforms.engine.scale import bounds

ROWS = ROW_GROUP * 2 + 5
TABLE = pa.table(
    {
        "name": pa.array([f"name {number % 900:05}" for number in range(ROWS)]),
        "number": pa.array(range(ROWS), pa.int64()),
    }
)
EXCEPTIONS = PUBLISHED["point_exceptions"]
KEPT = Transform(
    "points/point_exceptions",
    Path(__file__),
    "SELECT source_id, customer_id, kind, points, reason FROM kept",
    {},
)
RENAMED = Transform(
    "points/kept",
    Path(__file__),
    "SELECT credit AS source_id, owner AS customer_id, 'payment' AS kind, 7::BIGINT AS points, "
    "'unknown_customer' AS reason FROM credits CROSS JOIN run_context",
    {},
)


@pytest.mark.parametrize("pieces", [[ROWS], [1, 0, ROW_GROUP, ROW_GROUP + 4], [100_000] * 3])
def test_a_file_has_the_same_bytes_however_its_rows_came(tmp_path: Path, pieces: list[int]) -> None:
    whole, parted = tmp_path / "whole.parquet", tmp_path / "parted.parquet"
    with RowGroups(whole, TABLE.schema, compression="zstd") as file:
        file.write(TABLE)
    begin = 0
    with RowGroups(parted, compression="zstd") as file:
        for piece in pieces:
            file.write(TABLE.slice(begin, piece))
            begin += piece
    assert file.rows == ROWS
    assert pq.read_table(parted).equals(TABLE)
    assert parted.read_bytes() == whole.read_bytes()
    metadata = pq.read_metadata(parted)
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [ROW_GROUP, ROW_GROUP, 5]


def test_a_table_without_rows_has_a_file_all_the_same(tmp_path: Path) -> None:
    with TableFile(tmp_path / "none.parquet", stored_schema(EXCEPTIONS), EXCEPTIONS.name):
        pass
    assert pq.read_table(tmp_path / "none.parquet").schema.equals(
        stored_schema(EXCEPTIONS), check_metadata=True
    )


def test_rows_of_another_kind_than_the_table_are_refused(tmp_path: Path) -> None:
    columns = {name: ["no number"] for name in EXCEPTIONS.stored_columns}
    with (
        pytest.raises(QueryError, match=r"point_exceptions: .*no number"),
        TableFile(tmp_path / "refused.parquet", stored_schema(EXCEPTIONS), EXCEPTIONS.name) as file,
    ):
        file.write(pa.table(columns))


def _batches(*batches: list[tuple[str, str]]) -> list[pa.Table]:
    return [
        pa.table({"owner": [owner for owner, _ in rows], "credit": [credit for _, credit in rows]})
        for rows in batches
    ]


def _write(tmp_path: Path, batches: list[pa.Table]) -> tuple[int, list[dict[str, Any]]]:
    options = Options(workspace=tmp_path)
    with Run(tmp_path, "points", {}) as run, options.start_engine(run.scratch) as engine:
        run_context(engine, month="2017-01")
        tables = TablesInBatches(run, engine, "credits", [KEPT], "2017-01", {"kept": RENAMED})
        with tables as file:
            for batch in batches:
                file.write(batch)
        (written,) = tables.written
        return written.rows, pq.read_table(written.aside, partitioning=None).to_pylist()


def test_tables_are_made_of_batches_through_what_lies_between(tmp_path: Path) -> None:
    batches = _batches([("ann", "1"), ("ann", "2")], [], [("bob", "1")])
    rows, written = _write(tmp_path, batches)
    assert rows == 3
    assert [(row["customer_id"], row["source_id"]) for row in written] == [
        ("ann", "1"),
        ("ann", "2"),
        ("bob", "1"),
    ]
    assert {row["points"] for row in written} == {7}


@pytest.mark.parametrize(
    "batches",
    [
        [[("bob", "1")], [("ann", "1")]],
        [[("ann", "1")], [("ann", "1")]],
        [[("ann", "2"), ("ann", "1")]],
    ],
)
def test_rows_out_of_order_or_twice_are_refused(
    tmp_path: Path, batches: list[list[tuple[str, str]]]
) -> None:
    refused = r"audit point_exceptions__rows_in_order found .*customer_id=ann source_id=1"
    with pytest.raises(RunFailed, match=refused):
        _write(tmp_path, _batches(*batches))


def _sorted_file(path: Path, names: list[str], group: int = 2) -> Path:
    pq.write_table(pa.table({"name": names}), path, row_group_size=group)
    return path


def test_bounds_part_rows_into_ranges_of_about_as_many(tmp_path: Path) -> None:
    one = _sorted_file(tmp_path / "one.parquet", list("aabbccddeeff"))
    other = _sorted_file(tmp_path / "other.parquet", list("acegik"))
    found = bounds([one, other], "name", 3)
    assert found == sorted(set(found))
    parts = [0] * (len(found) + 1)
    for name in "aabbccddeeff" + "acegik":
        parts[sum(name >= bound for bound in found)] += 1
    assert len(parts) == 3
    assert max(parts) <= 8
    assert bounds([one], "name", 1) == []


def test_files_that_are_not_sorted_tell_of_no_bounds(tmp_path: Path) -> None:
    unsorted = _sorted_file(tmp_path / "unsorted.parquet", list("abbaab"))
    assert bounds([unsorted], "name", 3) == []
    assert bounds([], "name", 3) == []
    same = _sorted_file(tmp_path / "same.parquet", list("aaaaaa"))
    assert len(bounds([same], "name", 3)) <= 1
