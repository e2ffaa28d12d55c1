"""Over generated samples: every request of the last months, customers and lots, as published."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.commands_in_tests import run_commands
from tests.membership import options, stage, table_rows
from tests.questions import asked, steps
from transforms.sample.generate import generate

SEEDS = (11, 12)
COMMANDS = (
    *("tiers 2016", "tiers 2017"),
    *(f"points {month} --allow-missing-months" for month in ("2016-10", "2016-11")),
    *("notices 2016-12", "points 2016-12 --allow-missing-months", "sweep 2016"),
    *("grants 2017", "notices 2017-01", "points 2017-01 --allow-missing-months"),
)
REQUESTS, SUBJECTS = 20, 4
"""How many requests of each table, and how many customers and lots, are drawn of a sample."""


@pytest.fixture(scope="module", params=SEEDS)
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample through the end of a year; to read only."""
    folder = tmp_path_factory.mktemp("sampled") / "workspace"
    generate(
        folder / "landing",
        customers=60,
        members=1,
        seed=request.param,
        first_month="2014-11",
        last_month="2017-01",
    )
    (folder / "landing" / "truth.json").unlink()
    stage(folder, max_reject_rate=1)
    run_commands(options(folder), COMMANDS)
    return folder


@pytest.mark.parametrize(
    ("kind", "table", "key"),
    [
        ("redemption", "redemption_results", "redemption_id"),
        ("refund", "refund_results", "application_id"),
    ],
)
def test_requests_are_answered_as_published(
    workspace: Path, kind: str, table: str, key: str
) -> None:
    rows = sorted(table_rows(workspace, table), key=lambda row: str(row[key]))
    assert rows
    for row in random.Random(1).sample(rows, min(REQUESTS, len(rows))):
        answer = asked(workspace, kind, id=row[key])
        assert answer["checked"]
        told = answer["answer"]
        assert (told["status"], told["reason"]) == (row["status"], row["reason"])
        failed = [each for each in answer["steps"] if each.get("passed") is False]
        assert len(failed) == (row["status"] == "rejected")
        for balance in steps(answer, f"{kind}_balance"):
            lots = [each["inputs"] for each in steps(answer, f"{kind}_lots")]
            usable = [lot for lot in lots if lot["usable"] and lot.get("refundable", True)]
            name = "usable" if kind == "redemption" else "refundable"
            assert balance["inputs"][name] == sum(lot["before"] for lot in usable)
            taken = row["points"] if row["status"] == "accepted" else 0
            assert sum(lot["moved"] for lot in lots) == -taken


def test_customers_and_lots_are_answered_as_published(workspace: Path) -> None:
    draw = random.Random(2)
    entries = table_rows(workspace, "point_entries")
    customers = sorted({str(row["customer_id"]) for row in entries})
    for who in draw.sample(customers, SUBJECTS):
        answer = asked(workspace, "points", customer=who, year=2016)
        moved = [
            row["points"]
            for row in entries
            if row["customer_id"] == who and str(row["period"]).startswith("2016")
        ]
        assert answer["checked"]
        assert answer["answer"]["closing"] - answer["answer"]["opening"] == sum(moved)
        for credit in steps(answer, "points_payments") + steps(answer, "points_purchases"):
            of = credit["inputs"]
            amount = of.get("collected_amount", of.get("amount"))
            assert credit["outcome"] == amount * of["rate_points"] // of["per_amount"]
    for lot in draw.sample(sorted({str(row["lot_id"]) for row in entries}), SUBJECTS):
        told = [
            row["inputs"]["points"]
            for row in steps(asked(workspace, "lot", lot=lot), "points_entries")
        ]
        assert sorted(told) == sorted(row["points"] for row in entries if row["lot_id"] == lot)
