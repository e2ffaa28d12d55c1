"""Where a customer's points came from and where they went, and the life of one lot."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from flows.console.errors import NotReady, WrongUsage
from tests.commands_in_tests import run_commands
from tests.membership import land, months, options, stage, table_rows
from tests.points import PURCHASE, bills_of_tiers, land_points
from tests.questions import asked, change, step, steps

Row = dict[str, Any]
FIELDS = ("credited", "spent", "restored", "expired")


def _rows() -> dict[str, list[Row]]:
    """A: everything; Q: nothing all year; L: left in spring; N: only in the purchases."""
    return {
        "customers": [
            {"customer_id": "A"},
            {"customer_id": "Q"},
            {"customer_id": "L", "terminated_on": "2016-05-01"},
            {"customer_id": "bystander"},
        ],
        "billing": [
            *bills_of_tiers({"A": "silver"}, 2016),
            {"billing_month": "2016-02", "collected_amount": 150_500, "collected_on": "2016-03-02"},
            {"billing_month": "2016-03", "collected_amount": 100_000, "collected_on": "2016-03-31"},
            {
                "billing_month": "2016-03",
                "collected_amount": 77_000,
                "collected_on": "2016-03-31",
                "charge_item": "late_fee",
            },
        ],
        "promotions": [
            {"promotion_credit_id": "quiet", "customer_id": "Q", "expires_on": "2017-06-30"},
            {"promotion_credit_id": "gone", "customer_id": "L", "expires_on": "2016-06-30"},
            {"promotion_credit_id": "week", "points": 70, "expires_on": "2016-03-08"},
            {"promotion_credit_id": "late", "credited_on": "2016-11-20", "points": 900},
            {"promotion_credit_id": "year", "credited_on": "2016-04-01", "points": 300},
        ],
        "purchases": [
            {"purchase_id": "shop"},
            {"purchase_id": "stray", "customer_id": "N", "channel": "partner"},
        ],
        "redemptions": [
            {"redemption_id": "use", "used_at": "2016-04-10 12:00:00", "points": 1500},
            {
                "redemption_id": "back",
                "used_at": "2016-05-10 12:00:00",
                "cancels": "use",
                "points": 300,
            },
        ],
        "refunds": [{"application_id": "paid", "applied_at": "2016-06-10 12:00:00", "points": 200}],
    }


def _monthly(month: str) -> list[str]:
    return [f"notices {month}", f"points {month} --allow-missing-months"]


def _made(folder: Path, rows: dict[str, list[Row]]) -> Path:
    """December 2015 to January 2017 of these rows."""
    land_points(folder, rows)
    stage(folder)
    commands = [
        *("tiers 2016", "points 2015-12 --allow-missing-months", "sweep 2015", "grants 2016"),
        *(line for month in months("2016-01", "2016-12") for line in _monthly(month)),
        "sweep 2016",
        *_monthly("2017-01"),
    ]
    run_commands(options(folder), commands)
    return folder


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To read only."""
    return _made(tmp_path_factory.mktemp("points") / "workspace", _rows())


def _lots(answer: Row) -> dict[str, Row]:
    return {row["inputs"]["lot_id"]: row for row in steps(answer, "points_lots")}


@pytest.mark.parametrize("who", ["A", "Q", "L"])
def test_a_span_goes_from_its_opening_to_its_closing(workspace: Path, who: str) -> None:
    balances = [r for r in table_rows(workspace, "point_balances") if r["customer_id"] == who]
    balances.sort(key=lambda row: str(row["period"]))
    spans: list[tuple[Row, list[Row]]] = [
        ({"month": row["period"]}, [row]) for row in balances if "YE" not in row["period"]
    ]
    spans.append(({"year": 2016}, [row for row in balances if row["period"].startswith("2016")]))
    for given, rows in spans:
        answer = asked(workspace, "points", customer=who, **given)
        told = answer["answer"]
        assert answer["checked"]
        assert (told["opening"], told["closing"]) == (rows[0]["opening"], rows[-1]["closing"])
        assert told["usable"] == rows[-1]["usable"]
        for name in FIELDS:
            assert told[name] == sum(row[name] for row in rows)
        entries = [row["inputs"]["points"] for row in steps(answer, "points_entries")]
        assert told["closing"] - told["opening"] == sum(entries)
        assert told["closing"] == sum(row["outcome"] for row in steps(answer, "points_upcoming"))
        assert [row["inputs"]["closing"] for row in steps(answer, "points_periods")] == [
            row["closing"] for row in rows
        ]


def test_up_to_a_day_is_what_could_be_used_that_day(workspace: Path) -> None:
    before = asked(workspace, "points", customer="A", on="2016-04-09")["answer"]
    after = asked(workspace, "points", customer="A", on="2016-04-10")["answer"]
    assert (before["spent"], after["spent"]) == (0, 1500)
    assert before["closing"] - after["closing"] == 1500
    week = asked(workspace, "points", customer="A", on="2016-03-08")["answer"]
    lapsed = asked(workspace, "points", customer="A", on="2016-03-09")["answer"]
    assert week["closing"] == lapsed["closing"]
    assert week["usable"] - lapsed["usable"] == 70


def test_a_credit_is_told_with_what_it_comes_from_and_its_rate(workspace: Path) -> None:
    answer = asked(workspace, "points", customer="A", year=2016)
    payment = step(answer, "points_payments")
    assert payment["outcome"] == 1252
    assert payment["inputs"]["collected_amount"] == 250_500
    assert (payment["inputs"]["first_bill"], payment["inputs"]["last_bill"]) == (
        "2016-02",
        "2016-03",
    )
    assert (payment["policy"]["value"], payment["inputs"]["per_amount"]) == (5, 1000)
    purchase = step(answer, "points_purchases")
    assert (purchase["outcome"], purchase["policy"]["key"]) == (1000, {"channel": "official_shop"})
    grant = step(answer, "points_grants")
    assert (grant["outcome"], grant["inputs"]["tier"]) == (70_000, "silver")
    assert grant["policy"]["value"] == 70_000


def test_a_lot_is_told_with_its_uses_and_what_set_its_last_day(workspace: Path) -> None:
    year = _lots(asked(workspace, "points", customer="A", year=2016))
    told = {
        lot: (row["inputs"]["set_by"], row["inputs"]["expires_on"], row["inputs"]["requests"])
        for lot, row in year.items()
    }
    assert (
        told
        == {
            "membership:2016:A": ("terms", "2016-12-31", "use back"),
            "payment:2016-03:A": ("terms", "2017-12-31", "paid"),
            "promotion:late": ("extension", "2017-03-31", None),
            "promotion:week": ("as_delivered", "2016-03-08", None),
            "promotion:year": ("terms", "2016-12-31", "use back"),
            "purchase:shop": ("terms", "2017-12-31", None),
        }
        or told["promotion:late"][0] == "extension"
    )
    later = _lots(asked(workspace, "points", customer="A", month="2017-01"))
    assert later["promotion:late"]["inputs"]["set_by"] == "extension"
    assert later["purchase:shop"]["inputs"]["set_by"] == "credit"


def test_an_expiry_is_told_with_its_cause_and_its_notice(workspace: Path) -> None:
    found = {
        row["inputs"]["lot_id"]: row
        for who in ("A", "Q", "L")
        for row in steps(asked(workspace, "points", customer=who, year=2016), "points_expiries")
    }
    sweep = {row["lot_id"]: row for row in table_rows(workspace, "expiry_sweep")}
    assert sweep.keys() == found.keys()
    for lot, row in found.items():
        assert row["outcome"] == sweep[lot]["points"]
        assert row["inputs"]["cause"] == sweep[lot]["cause"]
        assert row["inputs"]["noticed_month"] == sweep[lot]["noticed_month"]
    assert found["membership:2016:A"]["inputs"]["lead_months"] == 0
    assert found["promotion:quiet"]["inputs"]["cause"] == "inactivity"
    assert found["promotion:quiet"]["said"] == "told"
    assert found["promotion:gone"]["said"] == "never_told"


def test_an_activity_would_have_kept_what_it_promises(workspace: Path, tmp_path: Path) -> None:
    promised = change(asked(workspace, "points", customer="Q", year=2016), "activity")
    assert (promised["points"], promised["gives"]) == (1000, {"expired": 0, "closing": 1000})
    copy = Path(shutil.copytree(workspace, tmp_path / "workspace"))
    bought = {"purchase_id": "Q1", "customer_id": "Q", "purchased_at": "2016-12-31 10:00:00"}
    land(copy, "purchases", [PURCHASE | bought | {"amount": 50}], name="late.csv")
    stage(copy)
    run_commands(options(copy), ["points 2016-12 --allow-missing-months", "sweep 2016"])
    (row,) = [
        row for row in table_rows(copy, "point_balances", "2016-YE") if row["customer_id"] == "Q"
    ]
    assert {name: row[name] for name in promised["gives"]} == promised["gives"]


def test_credits_of_nobody_are_told(workspace: Path) -> None:
    answer = asked(workspace, "points", customer="N", month="2016-03")
    assert (answer["answer"]["said"], answer["answer"]["exceptions"]) == ("unknown_customer", 1)
    lost = step(answer, "points_exceptions")
    assert (lost["said"], lost["inputs"]["points"]) == ("unknown_customer", 500)


def test_without_a_span_the_newest_month_is_meant(workspace: Path) -> None:
    assert asked(workspace, "points", customer="A")["answer"]["last_month"] == "2017-01"


def test_a_span_is_one_and_published(workspace: Path) -> None:
    with pytest.raises(WrongUsage, match="give one of them"):
        asked(workspace, "points", customer="A", year=2016, month="2016-03")
    with pytest.raises(NotReady, match="pointbook points --month 2019-12"):
        asked(workspace, "points", customer="A", year=2019)
    with pytest.raises(NotReady, match="pointbook points --month 2019-05"):
        asked(workspace, "points", customer="A", on="2019-05-05")
    with pytest.raises(NotReady, match="whoever 2016-03: no committed file of customers has it"):
        asked(workspace, "points", customer="whoever", month="2016-03")


def test_every_lot_is_told_entry_by_entry_over_all_periods(workspace: Path) -> None:
    entries: dict[str, list[Row]] = {}
    for row in table_rows(workspace, "point_entries"):
        entries.setdefault(row["lot_id"], []).append(row)
    left = {
        row["lot_id"]: row["remaining"] for row in table_rows(workspace, "point_lots", "2017-01")
    }
    assert len(entries) > 6
    for lot, rows in entries.items():
        answer = asked(workspace, "lot", lot=lot)
        assert answer["checked"]
        assert answer["subject"] == {"lot_id": lot, "customer_id": rows[0]["customer_id"]}
        told = steps(answer, "points_entries")
        assert sorted((row["inputs"]["kind"], row["inputs"]["points"]) for row in told) == sorted(
            (row["kind"], row["points"]) for row in rows
        )
        assert answer["answer"]["remaining"] == left.get(lot, 0)
        assert {row["inputs"]["lot_id"] for row in told} == {lot}


def test_a_lot_that_no_committed_file_has_is_not_there(workspace: Path) -> None:
    for lot in ("membership:2016:whoever", "payment:2016-04:A", "promotion:none", "any"):
        with pytest.raises(NotReady, match=f"{lot} is in no published point_entries"):
            asked(workspace, "lot", lot=lot)
