"""What is written as it comes: files of the same bytes however it came."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.derive import stored_schema
from schemas.tables import PUBLISHED
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
