"""Row groups that end where keys say: a correction rewrites few of them, and no byte tells."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.exports import EXPORTS
from tests.support import KEY, Row, csv_of, ingest, staged, staged_hashes, workspace_with
from transforms.exports import grouped, merge
from transforms.exports.thrift import read_struct, write_struct

BILLING = EXPORTS["billing"]
MONTH = "2016-11"
FILE = f"staged/billing/billing_month={MONTH}/part-0.parquet"


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)
    monkeypatch.setattr(grouped, "GROUP_ROWS", 8)
    monkeypatch.setattr(grouped, "MAX_GROUP_ROWS", 20)


def line(number: int, owner: str, revision: int = 0, amount: int = 1_000) -> Row:
    return {
        "billing_line_id": f"L{number}",
        "customer_id": owner,
        "subscription_id": "S1",
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": MONTH,
        "billed_amount": amount,
        "collected_amount": 0,
        "due_on": pa.scalar(17_000, pa.date32()).as_py(),
        "collected_on": None,
        "revision": revision,
    }


def first_delivery(random_: random.Random) -> list[Row]:
    """Some customers with one line, some with many more than a group has."""
    owners = [f"C{random_.randrange(60)}" for _ in range(500)] + ["C7"] * 90
    return [line(number, owner) for number, owner in enumerate(owners)]


def corrections(random_: random.Random, rows: Sequence[Row], revision: int) -> list[Row]:
    """Lines that change, lines that change hands, and lines that are new, at either end as well."""
    changed = []
    for row in random_.sample(list(rows), random_.choice([1, 1, 3])):
        owner = random_.choice([row["customer_id"], "A", "C33", "Z", "C7"])
        number = int(row["billing_line_id"][1:])
        changed.append(line(number, owner, revision, random_.randrange(9_999)))
    for _ in range(random_.choice([0, 0, 1, 2])):
        owner = random_.choice(["0", "C7", "C12", "Z9", "C59"])
        changed.append(line(random_.randrange(1_000, 999_999), owner))
    return changed


def delivered(root: Path, deliveries: Sequence[Sequence[Row]]) -> Path:
    for number, rows in enumerate(deliveries):
        ingest(workspace_with(root, {f"billing/{number}.csv": csv_of("billing", rows)}))
    return root


@pytest.mark.parametrize("seed", range(6))
def test_corrections_give_the_bytes_of_a_full_rewrite(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_ = random.Random(seed)
    deliveries = [first_delivery(random_)]
    for revision in range(1, 4):
        deliveries.append(corrections(random_, deliveries[0], revision))
    copied: list[int] = []
    copy = grouped._Writer.copy

    def counted(writer: Any, before: Any, numbers: range) -> None:
        copied.append(len(numbers))
        copy(writer, before, numbers)

    monkeypatch.setattr(grouped._Writer, "copy", counted)
    quick = delivered(tmp_path / "quick", deliveries)
    assert sum(copied) > 0
    copied.clear()
    monkeypatch.setattr(merge, "FEW_ROWS_IN", 1_000_000)
    full = delivered(tmp_path / "full", deliveries)
    assert not copied

    assert staged_hashes(quick) == staged_hashes(full)

    # all at once, the rows and where they are cut are the same, but for the delivery they came with
    current: dict[str, Row] = {}
    for rows in deliveries:
        for row in rows:
            known = current.get(row["billing_line_id"])
            if known is None or known["revision"] <= row["revision"]:
                current[row["billing_line_id"]] = row
    at_once = delivered(tmp_path / "at once", [list(current.values())])
    found, expected = (
        [row | {"delivery": None} for row in staged(root, "billing")] for root in (quick, at_once)
    )
    assert found == expected
    assert sizes(quick) == sizes(at_once)


def sizes(root: Path) -> list[int]:
    metadata = pq.read_metadata(root / FILE)
    return [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]


def test_a_file_that_another_writer_made_is_written_anew(tmp_path: Path) -> None:
    deliveries = [first_delivery(random.Random(1)), [line(7, "C1", 1)]]
    expected = delivered(tmp_path / "expected", deliveries)
    other = delivered(tmp_path / "other", deliveries[:1])
    pq.write_table(pq.ParquetFile(other / FILE).read(), other / FILE)
    delivered(other, deliveries)
    assert staged_hashes(other) == staged_hashes(expected)


def layout() -> grouped.Layout:
    schema = pa.schema([("owner", pa.string()), ("key", pa.string()), ("amount", pa.int64())])
    return grouped.Layout(schema, ["owner"], {}, "owner", "key")


def some_rows(count: int) -> pa.Table:
    rows = [{"owner": f"o{n // 3:05}", "key": f"k{n}", "amount": n or None} for n in range(count)]
    return pa.Table.from_pylist(rows, layout().schema)


@pytest.mark.parametrize("count", [0, 1, 7, 1_000])
def test_batches_do_not_show_and_every_reader_reads_the_rows(count: int, tmp_path: Path) -> None:
    rows = some_rows(count)
    contents = set()
    for size in (1, 7, 64, 1_000):
        target = tmp_path / f"{size}.parquet"
        assert grouped.write(target, layout(), rows.to_batches(max_chunksize=size)) == count
        contents.add(target.read_bytes())
    assert len(contents) == 1
    assert pq.ParquetFile(target).read().equals(rows)
    assert pl.read_parquet(target).to_arrow().to_pylist() == rows.to_pylist()
    with duckdb.connect() as connection:
        read = connection.execute("SELECT * FROM read_parquet(?)", [str(target)]).fetchall()
    assert read == [tuple(row.values()) for row in rows.to_pylist()]


def test_a_row_that_comes_or_goes_changes_the_groups_around_it_alone(tmp_path: Path) -> None:
    rows = some_rows(1_000)
    fewer = pa.concat_tables([rows.slice(0, 500), rows.slice(501)])
    files = []
    for number, table in enumerate((rows, fewer)):
        grouped.write(tmp_path / f"{number}.parquet", layout(), table.to_batches())
        read = pq.ParquetFile(tmp_path / f"{number}.parquet")
        groups = [read.read_row_group(n) for n in range(read.num_row_groups)]
        files.append({group.column("key")[-1].as_py(): group for group in groups})
    same = [key for key in files[0] if key in files[1] and files[0][key].equals(files[1][key])]
    assert len(same) >= len(files[0]) - 2 > 20


def test_a_footer_is_written_as_it_was_read() -> None:
    target = io.BytesIO()
    table = pa.table({"flag": [True, None], "price": [1.5, 2.5], "names": [["a"], []]})
    pq.write_table(table, target, sorting_columns=[pq.SortingColumn(0, True, False)])
    data = target.getvalue()
    footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
    assert write_struct(read_struct(footer)) == footer
