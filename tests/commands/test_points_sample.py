"""The tracked sample through four months, a sweep and a grant, with numbers worked out by hand.

Each number below was added up from the rows of the sample: a payment credit is half a percent of
the counting lines collected in the month.
"""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from tests.commands_in_tests import run_command, run_commands
from tests.membership import data_hashes, table_rows
from tests.points import Row
from transforms.engine import scale
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import Transform
from transforms.policies.policy import DATA

SAMPLE: Final = DATA / "sample"
FILES: Final = (
    "customers/*",
    "billing/*_201511_201610*",
    "billing/*_201611_201710*",
    "promotions/*",
    "purchases/*",
    "redemptions/*",
    "refund_applications/*",
)
STEPS: Final = (
    "points 2016-10",
    "notices 2016-11",
    "points 2016-11",
    "notices 2016-12",
    "points 2016-12",
    "sweep 2016",
    "tiers 2017",
    "grants 2017",
    "notices 2017-01",
    "points 2017-01",
)
PERIODS: Final = ("2016-10", "2016-11", "2016-12", "2016-YE", "2017-01")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's customers and what the ledger reads of them, closed to January 2017."""
    workspace = tmp_path_factory.mktemp("sample") / "workspace"
    for pattern in FILES:
        for path in SAMPLE.glob(pattern):
            target = workspace / "landing" / path.relative_to(SAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    options = Options(workspace=workspace, memory="2GB", threads=2)
    assert ingest(options)["status"] == "done"
    run_commands(options, STEPS)
    return workspace


def of(workspace: Path, table: str, customer: str, *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of a customer's rows, in their order."""
    rows = [row for row in table_rows(workspace, table) if row["customer_id"] == customer]
    return [tuple(row[name] for name in columns) for row in rows]


def balances(workspace: Path, customer: str) -> dict[str, tuple[Any, ...]]:
    """Opening, credited, spent, restored, expired, closing and usable by period."""
    columns = ("opening", "credited", "spent", "restored", "expired", "closing", "usable")
    rows = of(workspace, "point_balances", customer, "period", *columns)
    return {str(period): tuple(rest) for period, *rest in rows}


def test_a_promotion_that_was_hardly_used_expires(workspace: Path) -> None:
    # October: 4,430 + 9,640 (the instalment doesn't count) = 14,070; November: 4,030 + 2,580
    # + 23,890 + 6,490 + 11,530, and a September line paid late, 27,090 = 75,610; December: 3,520
    # + 2,510 + 27,330 + 8,130 = 41,490; January: 3,690 + 25,730 + 7,790 + 10,720 = 47,930
    assert balances(workspace, "C0000024") == {
        "2016-10": (0, 70, 0, 0, 0, 70, 70),
        "2016-11": (70, 378 + 9_400, 100, 0, 0, 9_748, 9_748),
        "2016-12": (9_748, 207, 0, 0, 0, 9_955, 655),
        "2016-YE": (9_955, 0, 0, 0, 9_300, 655, 655),
        "2017-01": (655, 239 + 70_000, 0, 0, 0, 70_894, 70_894),
    }
    assert of(workspace, "expiry_notices", "C0000024", "month", "expires_on", "points") == [
        ("2016-12", date(2016, 12, 5), 9_300)
    ]
    assert of(
        workspace, "expiry_sweep", "C0000024", "lot_id", "points", "cause", "noticed_month"
    ) == [("promotion:P0000023-24202", 9_300, "validity", "2016-12")]


def test_a_refund_takes_the_oldest_points_and_costs_its_fee(workspace: Path) -> None:
    # October 23,700; November 19,980; December 20,130; January 23,670
    assert balances(workspace, "C0000150") == {
        "2016-10": (0, 118, 0, 0, 0, 118, 118),
        "2016-11": (118, 99, 0, 0, 0, 217, 217),
        "2016-12": (217, 100, 44, 0, 0, 273, 273),
        "2016-YE": (273, 0, 0, 0, 0, 273, 273),
        "2017-01": (273, 118 + 50_000, 0, 0, 0, 50_391, 50_391),
    }
    # 5 % of 44 is 2.2; Thursday, Friday and, in the new year, Monday 2 January
    columns = ("application_id", "fee", "amount_krw", "pay_on", "reason")
    assert of(workspace, "refund_results", "C0000150", *columns) == [
        ("F0000149-24203", 2, 42, date(2017, 1, 2), None)
    ]
    lots = of(workspace, "point_lots", "C0000150", "period", "lot_id", "remaining")
    assert ("2016-12", "payment:2016-10:C0000150", 118 - 44) in lots


def test_a_redemption_over_four_lots_is_cancelled_the_next_day(workspace: Path) -> None:
    # October 27,790; November 27,900; December 29,270; January 31,530. All lapse on the last day
    # of 2017, so that the oldest goes first, and the grant last: 138 + 139 + 146 + 877 = 1,300
    columns = ("lot_id", "points", "occurred_at")
    entries = of(workspace, "point_entries", "C0000244", "kind", *columns)
    used, cancelled = datetime(2017, 1, 6, 22, 58), datetime(2017, 1, 7, 10, 58)
    taken = {
        "membership:2017:C0000244": 877,
        "payment:2016-10:C0000244": 138,
        "payment:2016-11:C0000244": 139,
        "payment:2016-12:C0000244": 146,
    }
    assert [rest for kind, *rest in entries if kind == "redemption"] == [
        [lot, -points, used] for lot, points in taken.items()
    ]
    assert [rest for kind, *rest in entries if kind == "cancellation"] == [
        [lot, points, cancelled] for lot, points in taken.items()
    ]
    assert balances(workspace, "C0000244")["2017-01"] == (
        423,
        50_157,
        1_300,
        1_300,
        0,
        50_580,
        50_580,
    )


def test_eighty_nine_usable_days_are_extended_and_ninety_are_not(workspace: Path) -> None:
    columns = ("period", "lot_id", "kind", "points", "expires_on")
    entries = of(workspace, "point_entries", "C-EDGE-POINTS", *columns)
    assert [rest for period, *rest in entries if period == "2016-YE"] == [
        ["promotion:E-002", "expiry", -500, date(2016, 12, 31)],
        ["promotion:E-003", "extension", 0, date(2017, 3, 31)],
    ]
    # November: 125,000 - 3,000 + 9,999 + 10,000 = 141,999, half a percent of it 709.995
    assert balances(workspace, "C-EDGE-POINTS") == {
        "2016-10": (0, 625 + 1_000, 0, 0, 0, 1_625, 1_625),
        "2016-11": (1_625, 709, 0, 0, 0, 2_334, 2_334),
        "2016-12": (2_334, 625, 0, 0, 0, 2_959, 1_959),
        "2016-YE": (2_959, 0, 0, 0, 500, 2_459, 2_459),
        "2017-01": (2_459, 625 + 120_000, 0, 0, 0, 123_084, 123_084),
    }


def test_the_totals_go_from_period_to_period(workspace: Path) -> None:
    closing = 0
    for period in PERIODS:
        rows: list[Row] = table_rows(workspace, "point_balances", period)
        assert sum(row["opening"] for row in rows) == closing
        closing = sum(row["closing"] for row in rows)
        liability = table_rows(workspace, "point_liability", period)
        assert sum(row["points"] for row in liability) == closing
    assert closing > 0


@pytest.mark.parametrize("parts", [0, 1, 4])
def test_sorts_range_by_range_or_through_files_change_no_byte(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    copy = tmp_path / "workspace"
    shutil.copytree(workspace, copy)
    before = data_hashes(copy)
    shutil.rmtree(copy / "warehouse" / "point_entries" / "period=2016-12")
    shutil.rmtree(copy / "warehouse" / "point_lots" / "period=2016-12")
    customers = sorted({row["customer_id"] for row in table_rows(copy, "point_lots", "2016-11")})
    found = [customers[len(customers) * part // (parts + 1)] for part in range(1, parts + 1)]
    written: list[str] = []
    streamed: list[str] = []
    write, stream = DuckDBEngine._copy, DuckDBEngine._stream

    def noting(self: DuckDBEngine, transform: Transform, target: Path) -> None:
        written.append(target.name)
        write(self, transform, target)

    def telling(self: DuckDBEngine, name: str, sql: str) -> pa.RecordBatchReader:
        streamed.append(name)
        return stream(self, name, sql)

    monkeypatch.setattr(DuckDBEngine, "_copy", noting)
    monkeypatch.setattr(DuckDBEngine, "_stream", telling)
    monkeypatch.setattr(scale, "_HELD_BY_SORTS", 0)
    monkeypatch.setattr(scale, "bounds", lambda *_: found)
    run_command(Options(workspace=copy, memory="2GB", threads=2), "points 2016-12")
    assert {name: streamed.count(name) for name in streamed} == {
        "points/ledger_lots": parts + 1,
        "points/ledger_events": parts + 1,
    }
    assert ({"ledger_lots.parquet", "ledger_events.parquet"} <= set(written)) == (not parts)
    assert data_hashes(copy) == before
