"""The airline's rules as cases: tests/cases/{F,W,X,E}*/*.yaml, from landed CSV to tables.

A case is a sentence (`case`), its `source`, input rows and what to `expect`. Rows give the columns
that matter; the others have the defaults below.

- `members`, `flights`, `awards`, `payments`: rows as delivered. Ids are numbered where not given
  (F1, A1, P1 …); member M is there unless members are given.
- `close`: the months of the mileage ledger that are closed, in that order; 2021-05 unless told.
- `elite`: the status year that is assessed; none unless told.
- `policies`: the rows that replace those of a policy file. `folder`: another folder than the
  shipped one.
- `expect`: a table's rows over all periods, all of them, each with the columns that matter; or
  `not_ready`, `wrong_usage`: what the message names when a command refuses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from flows.console.errors import NotReady, PointbookError, WrongUsage
from flows.deliveries.ingest import ingest
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_command
from tests.membership import land, table_rows
from tests.test_cases import collected, replaced_policies

REFUSALS: Final[dict[str, type[PointbookError]]] = {
    "not_ready": NotReady,
    "wrong_usage": WrongUsage,
}
MONTH: Final = "2021-05"

Row = dict[str, Any]

MEMBER: Final[Row] = {
    "member_id": "M",
    "enrolled_on": "2019-01-01",
    "updated_at": "2020-01-01 00:00:00",
}
FLIGHT: Final[Row] = {
    "member_id": "M",
    "flight_date": "2021-05-10",
    "operating_carrier": "KE",
    "flight_number": "KE001",
    "origin": "ICN",
    "destination": "CSX",
    "booking_class": "Y",
    "ticket_type": "revenue",
    "flown": "true",
    "distance_miles": "",
    "revision": 0,
}
AWARD: Final[Row] = {
    "member_id": "M",
    "requested_at": "2021-05-20 12:00:00",
    "kind": "ticket",
    "origin": "ICN",
    "destination": "FUK",
    "cabin": "economy",
    "season": "off_peak",
    "trip": "one_way",
}
PAYMENT: Final[Row] = {
    "member_id": "M",
    "paid_at": "2021-05-20 12:00:00",
    "channel": "web",
    "currency": "KRW",
    "fare": 1_000_000,
    "fuel_surcharge": 0,
    "taxes": 0,
    "miles": 500,
    "krw_per_mile": 10,
}
_EXPORTS: Final = {
    "flights": ("flights", "activity_id", "F", FLIGHT),
    "awards": ("award_requests", "request_id", "A", AWARD),
    "payments": ("mixed_payments", "payment_id", "P", PAYMENT),
}


@pytest.mark.parametrize("case", collected("[FWXE]*"))
def test_case(case: Row, tmp_path: Path) -> None:
    assert case["source"]
    workspace = tmp_path / "workspace"
    land_airline(workspace, case)
    options = Options(
        workspace=workspace, policies=_policies(case, tmp_path), memory="1GB", threads=1
    )
    ingest(options)
    expected = dict(case["expect"])
    for name, refusal in REFUSALS.items():
        if named := expected.pop(name, None):
            with pytest.raises(refusal) as caught:
                _run(case, options)
            assert [words for words in named if words not in str(caught.value)] == []
            return
    _run(case, options)
    for name, wanted in expected.items():
        assert_rows(workspace, name, wanted)


def land_airline(workspace: Path, case: Row) -> None:
    """Drops a case's rows as CSV files."""
    members = case.get("members", [{}])
    land(workspace, "members", [MEMBER | row for row in members])
    for part, (export, key, letter, defaults) in _EXPORTS.items():
        rows = [
            {key: f"{letter}{number}"} | defaults | row
            for number, row in enumerate(case.get(part, []), 1)
        ]
        if rows:
            land(workspace, export, rows)


def _run(case: Row, options: Options) -> None:
    for month in case.get("close", [] if "elite" in case else [MONTH]):
        run_command(options, f"miles {month}")
    if "elite" in case:
        run_command(options, f"elite {case['elite']}")


def assert_rows(workspace: Path, name: str, wanted: list[Row]) -> None:
    """Checks that a table has these rows, over all its periods, and no others."""
    table = PUBLISHED[name]
    key = [table.partition, *table.key]
    rows = table_rows(workspace, name)
    given = [column for column in key if all(column in want for want in wanted)]
    assert [_part(row, given) for row in rows] == [_part(want, given) for want in wanted]
    for row, want in zip(rows, wanted, strict=True):
        if "policy" in want:
            assert set(want["policy"].split()) <= set(row["policy"].split())
            row["policy"] = want["policy"]
        assert _part(row, want) == want


def _part(row: Row, columns: Any) -> Row:
    return {name: row[name] for name in columns}


def _policies(case: Row, folder: Path) -> Path:
    shipped = SHIPPED.parent / case["folder"] if "folder" in case else SHIPPED
    return replaced_policies(case.get("policies", {}), folder, shipped)
