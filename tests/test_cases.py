"""The rules as cases: tests/cases/<rule>/*.yaml, each run from landed CSV to published tables.

A case is a sentence (`case`), its `source`, input rows and what to `expect`. Rows give the columns
that matter; the others have the defaults below.

- `year`: the membership year; 2017 unless told.
- `customers`, `billing`: rows as delivered. `terminated_on` makes a customer terminated.
- `delivered`: first and last month that has bills whatever the case; the window of 2017 unless
  told. `missing`: those of these months without.
- `policies`: the rows that replace those of a policy file.
- `assess`: false leaves the tiers out. `allow_missing_months` as on the command line.
- `expect`: a table's rows, all of them, each with the columns that matter (of `policy` the named
  words); entries of the manifest (`missing_months`, `low_months`); or `not_ready`, what the message
  names when the command must wait for something.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
import yaml

from flows.console.errors import NotReady
from flows.deliveries.ingest import ingest
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from schemas.policy import POLICIES
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_command

CASES: Final = Path(__file__).parent / "cases"
WINDOW: Final = ("2015-11", "2016-10")
BYSTANDER: Final = "bystander"
"""Is billed in every month that counts as delivered, for nothing that counts."""

Row = dict[str, Any]


def collected(rules: str) -> list[Any]:
    """The cases of the rules whose folders match the pattern, as parameters."""
    found = []
    for path in sorted(CASES.glob(f"{rules}/*.yaml")):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert document["rule"] == path.parent.name
        found += [
            pytest.param(case, id=f"{document['rule']}: {case['case']}")
            for case in document["cases"]
        ]
    return found


@pytest.mark.parametrize("case", collected("[GT]*"))
def test_case(case: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", "a key for tests")
    assert case["source"]
    workspace = tmp_path / "workspace"
    _land(workspace, "customers", [_customer(row) for row in case.get("customers", [])])
    _land(workspace, "billing", _billing(case))
    options = Options(
        workspace=workspace,
        policies=replaced_policies(case.get("policies", {}), tmp_path),
        memory="1GB",
    )
    ingest(options)
    expected = dict(case["expect"])
    if named := expected.pop("not_ready", None):
        with pytest.raises(NotReady) as caught:
            _run(case, options, expected)
        assert [name for name in named if name not in str(caught.value)] == []
        assert not list((workspace / "warehouse").glob("*/*/*.parquet"))
        return
    manifest = _run(case, options, expected)
    year = case.get("year", 2017)
    for name, wanted in expected.items():
        if name in PUBLISHED:
            _assert_rows(workspace, name, year, wanted)
        else:
            assert manifest[name] == wanted, name


def _run(case: Row, options: Options, expected: Row) -> Row:
    """Tiers, and grants where the case is about them; the manifest of the tiers."""
    year, manifest = case.get("year", 2017), {}
    if case.get("assess", True):
        missing = case.get("allow_missing_months", False)
        manifest = run_command(options, f"tiers {year}", allow_missing_months=missing)
    if "point_grants" in expected or not case.get("assess", True):
        run_command(options, f"grants {year}")
    return manifest


def _assert_rows(workspace: Path, name: str, year: int, wanted: list[Row]) -> None:
    path = workspace / "warehouse" / name / f"membership_year={year}" / "part-0.parquet"
    rows = pq.ParquetFile(path).read().to_pylist()
    key = PUBLISHED[name].key
    assert [_part(row, key) for row in rows] == sorted(
        (_part(row, key) for row in wanted), key=lambda part: list(part.values())
    )
    by_key = {tuple(_part(row, key).values()): row for row in rows}
    for want in wanted:
        row = dict(by_key[tuple(_part(want, key).values())])
        if "policy" in want:
            assert set(want["policy"].split()) <= set(row["policy"].split())
            row["policy"] = want["policy"]
        assert _part(row, want) == want


def _part(row: Row, columns: Any) -> Row:
    return {name: row[name] for name in columns}


# What lands


def _customer(row: Row) -> Row:
    gone = row.get("terminated_on")
    return {
        "joined_on": "2015-01-01",
        "status": "terminated" if gone else "active",
        "updated_at": "2020-01-01 00:00:00",
    } | row


def _billing(case: Row) -> list[Row]:
    first, last = case.get("delivered", WINDOW)
    months = [month for month in _months(first, last) if month not in case.get("missing", [])]
    bystander = {"customer_id": BYSTANDER, "charge_item": "other", "collected_amount": 0}
    rows = [bystander | {"billing_month": month} for month in months] + case.get("billing", [])
    return [_billing_line(number, row) for number, row in enumerate(rows)]


def _billing_line(number: int, row: Row) -> Row:
    month, collected = row.get("billing_month", WINDOW[1]), row["collected_amount"]
    due_on = row.get("due_on", f"{month}-25")
    return {
        "billing_line_id": f"L{number}",
        "subscription_id": f"S-{row['customer_id']}"[:40],
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": month,
        "billed_amount": collected,
        "due_on": due_on,
        "collected_on": due_on if collected else "",
    } | row


def _months(first: str, last: str) -> list[str]:
    begin, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(begin, end + 1)]


def _land(workspace: Path, export: str, rows: list[Row]) -> None:
    """A CSV export with all columns that any row has; none without rows."""
    if not rows:
        return
    folder = workspace / "landing" / export
    folder.mkdir(parents=True)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / f"{export}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def replaced_policies(
    replaced: Mapping[str, list[Row]], folder: Path, shipped: Path = SHIPPED
) -> Path:
    """The shipped policies, or a copy with these rows in place of some."""
    if not replaced:
        return shipped
    copied = Path(shutil.copytree(shipped, folder / "policies"))
    for name, rows in replaced.items():
        path = copied / f"{name}.yaml"
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
        defaults = {
            "valid_from": "0001-01-01",
            "valid_to": None,
            "unit": POLICIES[name].unit,
            "source": "assumption: a test",
        }
        document["values"] = [defaults | _dates_as_text(row) for row in rows]
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return copied


def _dates_as_text(row: Row) -> Row:
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()
    }
