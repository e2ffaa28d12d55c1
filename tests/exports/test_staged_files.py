"""The files of staged rows: bytes that follow from the rows alone, and declared columns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.derive import staged_schema, stored_schema
from schemas.exports import EXPORTS
from schemas.tables import relations_of
from tests.support import KEY, Row, csv_of, ingest, staged, workspace_with
from transforms.engine import row_groups
from transforms.exports.merge import history_name, history_schema
from transforms.exports.reading import QUARANTINE_SCHEMA
from transforms.exports.staged_files import coded_rows, write_staged

BILLING = EXPORTS["billing"]
MONTH = "2016-11"
GROUP = 8


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)
    monkeypatch.setattr(row_groups, "ROW_GROUP", GROUP)


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
        "due_on": date(2016, 7, 18),
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


@pytest.mark.parametrize("seed", range(3))
def test_a_corrected_month_is_that_of_its_current_rows_delivered_at_once(
    seed: int, tmp_path: Path
) -> None:
    random_ = random.Random(seed)
    deliveries = [first_delivery(random_)]
    for revision in range(1, 4):
        deliveries.append(corrections(random_, deliveries[0], revision))
    corrected = delivered(tmp_path / "corrected", deliveries)

    current: dict[str, Row] = {}
    for rows in deliveries:
        for row in rows:
            known = current.get(row["billing_line_id"])
            if known is None or known["revision"] <= row["revision"]:
                current[row["billing_line_id"]] = row
    at_once = delivered(tmp_path / "at once", [list(current.values())])

    # they differ in the delivery that rows came with
    found, expected = (
        [row | {"delivery": None} for row in staged(root, "billing")]
        for root in (corrected, at_once)
    )
    assert found == expected
    assert group_sizes(corrected) == group_sizes(at_once)


def group_sizes(root: Path) -> list[int]:
    file = f"staged/billing/billing_month={MONTH}/part-0.parquet"
    metadata = pq.read_metadata(root / file)
    return [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]


@pytest.mark.parametrize("count", [0, 1, GROUP, 1_000])
def test_batches_do_not_show_and_every_reader_reads_the_rows(count: int, tmp_path: Path) -> None:
    schema = staged_schema(BILLING)
    rows = pa.Table.from_pylist(
        [line(number, f"C{number // 3:05}") | {"delivery": 1} for number in range(count)], schema
    )
    contents = set()
    for size in (1, 7, 64, 1_000):
        target = tmp_path / f"{size}.parquet"
        batches = [coded_rows(BILLING, batch) for batch in rows.to_batches(max_chunksize=size)]
        assert write_staged(target, BILLING, batches) == count
        contents.add(target.read_bytes())
    assert len(contents) == 1
    assert pq.ParquetFile(target).read().equals(rows)
    assert pl.read_parquet(target).to_arrow().to_pylist() == rows.to_pylist()
    with duckdb.connect() as connection:
        read = connection.execute("SELECT * FROM read_parquet(?)", [str(target)]).fetchall()
    assert read == [tuple(row.values()) for row in rows.to_pylist()]


def test_every_partition_has_the_declared_nullability(tmp_path: Path) -> None:
    months = ("2016-11", "2016-12")
    first = [line(number, "C1") | {"billing_month": month} for number, month in enumerate(months)]
    paid = {"collected_on": date(2016, 12, 8), "collected_amount": 1_000, "revision": 1}
    root = delivered(tmp_path, [first, [row | paid for row in first]])
    declared = {
        BILLING.name: staged_schema(BILLING),
        history_name(BILLING): history_schema(BILLING),
        **{table.name: stored_schema(table) for table in relations_of(BILLING)},
    }
    for relation, schema in declared.items():
        files = sorted((root / "staged" / relation).rglob("*.parquet"))
        assert len(files) == len(months)
        for file in files:
            assert nullability(pq.read_schema(file)) == nullability(schema), file


def test_quarantine_has_it_with_and_without_conflicts(tmp_path: Path) -> None:
    refused = line(1, "C1") | {"product": "unheard_of"}
    conflicting = [line(2, "C1", amount=1), line(2, "C1", amount=2)]
    root = delivered(tmp_path, [[refused], [refused | {"billing_line_id": "L3"}, *conflicting]])
    files = sorted((root / "quarantine" / "billing").glob("*.parquet"))
    assert sorted(pq.read_metadata(file).num_rows for file in files) == [1, 3]
    for file in files:
        assert nullability(pq.read_schema(file)) == nullability(QUARANTINE_SCHEMA)


def nullability(schema: pa.Schema) -> dict[str, bool]:
    return {field.name: field.nullable for field in schema}


def test_a_contact_without_a_digit_counts_as_missing(tmp_path: Path) -> None:
    application = {
        "application_id": "R1",
        "customer_id": "C1",
        "applied_at": "2020-01-31 10:00:00",
        "points": 1,
        "method": "cash",
        "channel": "online",
        "contact": "no number",
        "address": "Seoul",
    }
    customer = {
        "customer_id": "C1",
        "joined_on": "2010-01-02",
        "status": "active",
        "contact": "no number",
        "address": "Seoul",
        "updated_at": "2016-11-03",
    }
    files = {}
    for name, row in (("refund_applications", application), ("customers", customer)):
        text = f"{','.join(row)}\n{','.join(map(str, row.values()))}\n"
        files[f"{name}/1.csv"] = text.encode()
    manifest = ingest(workspace_with(tmp_path, files))
    reasons = {file["export"]: file["reasons"] for file in manifest["files"]}
    assert reasons == {"refund_applications": {"contact:required": 1}, "customers": {}}
    (row,) = staged(tmp_path, "customers")
    assert row["contact"] is None
    assert row["address"]
