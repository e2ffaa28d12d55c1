"""What is added up by account, beside the plain way; sums that no number can hold are refused."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from flows.console.errors import RunFailed
from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
from tests.points import land_points
from transforms.ledger.fold import Folded
from transforms.ledger.turnover import TooMuch, turnover

LAST: Final = date(2017, 3, 31)
_LOTS: Final = pa.schema(
    {
        "customer_id": pa.string(),
        "expires_on": pa.date32(),
        "changed_expires_on": pa.date32(),
        "remaining": pa.int64(),
        "comes": pa.bool_(),
    }
)
_MOVEMENTS: Final = pa.schema(
    {"customer_id": pa.string(), "event_id": pa.string(), "points": pa.int64()}
)
Row = dict[str, Any]


def folded(before: list[Row], after: list[Row], movements: list[Row], pieces: int = 1) -> Folded:
    def table(rows: list[Row], schema: pa.Schema) -> pa.Table:
        whole = pa.Table.from_pylist(rows, schema)
        return pa.Table.from_batches(whole.to_batches(max(1, len(rows) // pieces)), schema)

    return Folded(
        table(before, _LOTS), table(after, _LOTS), pa.table({}), table(movements, _MOVEMENTS)
    )


def lot(customer: str, remaining: int, expires_on: date = date.max, **more: object) -> Row:
    row = {"customer_id": customer, "remaining": remaining, "expires_on": expires_on}
    return row | {"comes": False} | more


def moved(customer: str, points: int, event: str | None) -> Row:
    return {"customer_id": customer, "points": points, "event_id": event}


def test_each_account_opens_moves_and_closes() -> None:
    before = [lot("ann", 5), lot("ann", 7, comes=True), lot("bob", 0), lot("cid", 9)]
    movements = [
        moved("ann", 7, None),
        moved("ann", -3, "r1"),
        moved("ann", 2, "c1"),
        moved("ann", -4, "r2"),
        moved("bob", 6, "c2"),
    ]
    after = [
        lot("ann", 4, LAST),
        lot("ann", 3, LAST, changed_expires_on=date(2017, 4, 1)),
        lot("bob", 6, changed_expires_on=LAST),
        lot("cid", 9, date(2017, 4, 1)),
    ]
    found = turnover(folded(before, after, movements), "customer_id", LAST)
    assert found.to_pylist() == [
        _row("ann", opening=5, came=7, taken=7, given_back=2, closing=7, usable=3),
        _row("bob", given_back=6, closing=6),
        _row("cid", opening=9, closing=9, usable=9),
    ]


def _row(customer: str, **sums: int) -> Row:
    names = ("opening", "came", "taken", "given_back", "closing", "usable")
    return {"customer_id": customer} | dict.fromkeys(names, 0) | sums


@pytest.mark.parametrize("pieces", [1, 7])
def test_sums_are_those_of_the_plain_way_however_the_rows_lie(pieces: int) -> None:
    chance = random.Random(pieces)
    customers = [f"C{number:03}" for number in range(90)]
    before = [
        lot(customer, chance.randrange(9), comes=chance.random() < 0.5)
        for customer in customers
        for _ in range(chance.randrange(1, 5))
    ]
    of_lots = [row["customer_id"] for row in before]
    after = [lot(customer, chance.randrange(1, 9)) for customer in of_lots if chance.random() < 0.6]
    movements = [
        moved(customer, chance.randrange(-5, 6), chance.choice(["r1", "r2"]))
        for customer in of_lots
        if chance.random() < 0.6
    ]
    found = turnover(folded(before, after, movements, pieces), "customer_id", LAST)
    assert found["customer_id"].to_pylist() == customers
    held = [(row["customer_id"], row["remaining"] * (not row["comes"])) for row in before]
    taken = [(row["customer_id"], max(0, -row["points"])) for row in movements]
    left = [(row["customer_id"], row["remaining"]) for row in after]
    for name, pairs in (("opening", held), ("taken", taken), ("closing", left)):
        sums = dict.fromkeys(customers, 0)
        for customer, points in pairs:
            sums[customer] += points
        assert found[name].to_pylist() == list(sums.values())


def test_no_lots_have_no_accounts() -> None:
    found = turnover(folded([], [], []), "customer_id", LAST)
    assert found.num_rows == 0
    assert found.column_names == list(_row("nobody"))


def test_a_sum_that_no_number_holds_names_the_account_and_the_sum() -> None:
    most = 2**63 - 1
    fine = [lot("ann", most), lot("bob", most)]
    found = turnover(folded(fine, fine, []), "customer_id", LAST)
    assert found["closing"].to_pylist() == [most, most]
    with pytest.raises(TooMuch, match=r"^bob \(9,223,372,036,854,775,808\)$"):
        turnover(folded([*fine, lot("bob", 1)], fine, []), "customer_id", LAST)


def test_a_month_with_such_a_sum_fails_and_names_the_customer(tmp_path: Path) -> None:
    land_points(tmp_path, {"promotions": [{"points": 2**63 - 1}, {"points": 7}]})
    options = Options(workspace=tmp_path)
    assert ingest(options)["status"] == "done"
    with pytest.raises(RunFailed, match=r"hold: A \(9,223,372,036,854,775,814\); correct"):
        run_command(options, "points 2016-03")
    assert not list((tmp_path / "warehouse").rglob("*.parquet"))
