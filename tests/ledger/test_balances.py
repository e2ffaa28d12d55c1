"""What is added up by customer, beside the plain way; sums that no number can hold are named."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pytest

from flows.commands.registry import COMMANDS
from flows.commands.template import Work
from flows.console.errors import RunFailed
from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.write_audit import Inputs
from schemas.periods import Period
from tests.commands_in_tests import run_command
from tests.points import land_points
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform
from transforms.engine.errors import QueryError

MOST: Final = 2**63 - 1
LAST: Final = date(2017, 3, 31)
_LOTS: Final = pa.schema(
    {"customer_id": pa.string(), "remaining": pa.int64(), "expires_on": pa.date32()}
)
_MOVED: Final = pa.schema(
    {
        "customer_id": pa.string(),
        "kind": pa.string(),
        "action": pa.string(),
        "points": pa.int64(),
    }
)
_MEMBERS_LOTS: Final = pa.schema(
    {"member_id": pa.string(), "remaining": pa.int64(), "credited": pa.int64()}
)
_TAKINGS: Final = pa.schema({"member_id": pa.string(), "points": pa.int64()})
_SIGNS: Final = {
    "membership": 1,
    "payment": 1,
    "promotion": 1,
    "purchase": 1,
    "redemption": -1,
    "refund": -1,
    "cancellation": 1,
    "expiry": -1,
    "extension": 0,
}
Row = dict[str, Any]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path, "500MB", 2) as engine:
        yield engine


def lot(customer: str, remaining: int, expires_on: date = date.max) -> Row:
    return {"customer_id": customer, "remaining": remaining, "expires_on": expires_on}


def moved(customer: str, points: int, kind: str = "", action: str | None = None) -> Row:
    return {"customer_id": customer, "points": points, "kind": kind, "action": action}


def balances(
    engine: DuckDBEngine, before: list[Row], entries: list[Row], after: list[Row]
) -> list[Row]:
    for name, rows, schema in (
        ("opening_lots", before, _LOTS),
        ("point_entries", entries, _MOVED),
        ("point_lots", after, _LOTS),
    ):
        engine.table(name, pa.Table.from_pylist(rows, schema))
    engine.table("run_context", pa.table({"last_day": [LAST]}))
    found: list[Row] = engine.rows(load_transform("points/point_balances")).to_pylist()
    return found


def _row(customer: str, **sums: int) -> Row:
    names = ("opening", "credited", "spent", "restored", "expired", "closing", "usable")
    return {"customer_id": customer} | dict.fromkeys(names, 0) | sums


def test_each_customer_opens_moves_and_closes(engine: DuckDBEngine) -> None:
    found = balances(
        engine,
        [lot("ann", 5), lot("cid", 9), lot("dan", 4)],
        [
            moved("ann", 7, "purchase"),
            moved("ann", -3, "redemption"),
            moved("ann", 2, "cancellation"),
            moved("ann", -4, "refund"),
            moved("bob", 6, "cancellation"),
            moved("cid", 0, "extension"),
            moved("dan", -4, "expiry"),
        ],
        [
            lot("ann", 4, LAST),
            lot("ann", 3, date(2017, 4, 1)),
            lot("bob", 6, LAST),
            lot("cid", 9, date(2017, 4, 1)),
        ],
    )
    assert found == [
        _row("ann", opening=5, credited=7, spent=7, restored=2, closing=7, usable=3),
        _row("bob", restored=6, closing=6),
        _row("cid", opening=9, closing=9, usable=9),
        _row("dan", opening=4, expired=4),
    ]


def test_nothing_has_no_balances(engine: DuckDBEngine) -> None:
    assert balances(engine, [], [], []) == []


@pytest.mark.parametrize("seed", [1, 7])
def test_sums_are_those_of_the_plain_way_however_the_rows_lie(
    engine: DuckDBEngine, seed: int
) -> None:
    chance = random.Random(seed)
    customers = [f"C{number:03}" for number in range(90)]
    before = [lot(chance.choice(customers), chance.randrange(1, 9)) for _ in range(300)]
    after = [lot(chance.choice(customers), chance.randrange(1, 9)) for _ in range(300)]
    kinds = chance.choices(list(_SIGNS), k=900)
    entries = [
        moved(chance.choice(customers), _SIGNS[kind] * chance.randrange(1, 9), kind)
        for kind in kinds
    ]
    expected: dict[str, Row] = {}
    for name, rows in (("opening", before), ("closing", after), ("usable", after)):
        for row in rows:
            of = expected.setdefault(row["customer_id"], _row(row["customer_id"]))
            of[name] += row["remaining"]
    for row in entries:
        of = expected.setdefault(row["customer_id"], _row(row["customer_id"]))
        name = {
            "redemption": "spent",
            "refund": "spent",
            "cancellation": "restored",
            "expiry": "expired",
            "extension": "expired",
        }.get(row["kind"], "credited")
        of[name] += abs(row["points"])
    assert balances(engine, before, entries, after) == [expected[name] for name in sorted(expected)]


def too_much(
    engine: DuckDBEngine, before: list[Row], movements: list[Row], after: list[Row]
) -> list[tuple[str, int]]:
    """The customers whose points 64 bits can't hold, with the sum."""
    engine.table("opening_lots", pa.Table.from_pylist(before, _LOTS))
    engine.table("movements_in_order", pa.Table.from_pylist(movements, _MOVED))
    engine.table("lots_in_order", pa.Table.from_pylist(after, _LOTS))
    rows = engine.rows(load_transform("points/points_beyond_64_bits")).to_pylist()
    return [(row["customer_id"], int(row["points"])) for row in rows]


def test_a_sum_that_no_number_holds_names_the_customer_and_the_sum(engine: DuckDBEngine) -> None:
    most = [lot("ann", MOST), lot("bob", MOST)]
    taken = [moved("ann", -MOST, action="spend"), moved("ann", MOST), moved("ann", 9, "", "cancel")]
    assert too_much(engine, most, taken, most) == []
    assert balances(engine, most, [], most)[0]["closing"] == MOST
    assert too_much(engine, [*most, lot("bob", 1)], [], most) == [("bob", MOST + 1)]
    assert too_much(engine, most, [], [*most, lot("ann", 2)]) == [("ann", MOST + 2)]
    taken.append(moved("ann", -3, action="spend_refundable"))
    given = [moved("bob", MOST, "", "cancel"), moved("bob", 4, "", "cancel")]
    assert too_much(engine, [], taken + given, []) == [("ann", MOST + 3), ("bob", MOST + 4)]
    with pytest.raises(QueryError, match="point_balances"):
        balances(engine, [*most, lot("bob", 1)], [], most)


def test_a_sum_of_miles_that_no_number_holds_names_the_member(engine: DuckDBEngine) -> None:
    def lots(*remaining: int) -> pa.Table:
        rows = [{"member_id": "M", "remaining": miles, "credited": miles} for miles in remaining]
        return pa.Table.from_pylist(rows, _MEMBERS_LOTS)

    fine = {
        "opening_mileage_lots": lots(MOST - 1, 1),
        "mileage_credits": lots(MOST),
        "mileage_lots_after_requests": lots(MOST),
        "mileage_takings": pa.Table.from_pylist([{"member_id": "M", "points": -MOST}], _TAKINGS),
    }
    no_run, no_context = cast("Run", None), cast("Context", None)
    work = Work(COMMANDS["miles"], engine, no_context, Period(2021, 3), Inputs({}), Path(), no_run)
    one = pa.Table.from_pylist([{"member_id": "M", "points": -1}], _TAKINGS)
    engine.tables(fine)
    work.raise_if_too_large(QueryError("failed for another reason"))
    for name, table in fine.items():
        more = one if name == "mileage_takings" else lots(1)
        named = (
            r"^miles that 64 bits can't hold: M \(9,223,372,036,854,775,808\); correct their lots; "
        )
        engine.tables(fine | {name: pa.concat_tables([table, more])})
        with pytest.raises(RunFailed, match=named):
            work.raise_if_too_large(QueryError("failed"))


def test_a_month_with_such_a_sum_fails_and_names_the_customer(tmp_path: Path) -> None:
    land_points(tmp_path, {"promotions": [{"points": MOST}, {"points": 7}]})
    options = Options(workspace=tmp_path)
    assert ingest(options)["status"] == "done"
    with pytest.raises(RunFailed, match=r"hold: A \(9,223,372,036,854,775,814\); correct"):
        run_command(options, "points 2016-03")
    assert not list((tmp_path / "warehouse").rglob("*.parquet"))
