"""Why a redemption, a cancellation or a refund was answered so, and what would have changed it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.console.errors import NotReady
from flows.publishing.options import POLICIES
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_commands
from tests.membership import options, stage, table_rows
from tests.points import ADDRESS, CONTACT, bills_of_tiers, land_points
from tests.questions import asked, change, step, steps

Row = dict[str, Any]
Delivered = Mapping[str, Sequence[Row]]

SPENDERS = ("plain", "short", "poor", "listless", "often", "golden", "chooser", "back", "other")
APPLICANTS = ("paid", "gift", "stranger", "empty")
TIERS = {"golden": "gold", "chooser": "vip"}


def _credit(customer: str, points: int = 1000, **more: object) -> Row:
    return {
        "promotion_credit_id": f"P-{customer}",
        "customer_id": customer,
        "points": points,
    } | more


def _use(name: str, customer: str, points: int = 100, at: str = "03-10", **more: object) -> Row:
    return {
        "redemption_id": name,
        "customer_id": customer,
        "points": points,
        "used_at": f"2016-{at} 12:00:00",
    } | more


def _back(name: str, customer: str, cancels: str, points: int, at: str) -> Row:
    return _use(name, customer, points, at, cancels=cancels)


def _choice(name: str, customer: str, at: str = "03-10", **more: object) -> Row:
    return _use(name, customer, 0, at, benefit="vip_choice", partner="free_movie") | more


def _refund(name: str, customer: str, points: int = 100, **more: object) -> Row:
    return {"application_id": name, "customer_id": customer, "points": points} | more


def _rows() -> dict[str, list[Row]]:
    """Each case has a customer of its own; `old` was used in February and comes back in March."""
    return {
        "customers": [
            *({"customer_id": name} for name in (*SPENDERS, *APPLICANTS, "old", "bystander")),
            {"customer_id": "later", "joined_on": "2016-03-11"},
            {"customer_id": "gone", "terminated_on": "2016-03-10"},
        ],
        "billing": bills_of_tiers(TIERS, 2016),
        "promotions": [
            *(_credit(name) for name in (*SPENDERS, *APPLICANTS[:3], "later", "gone")),
            _credit("old", 300, credited_on="2016-02-01", expires_on="2016-03-05"),
            _credit("empty", 500, refundable="false"),
            _credit("plain", 50, expires_on="2016-03-09", promotion_credit_id="P-lapsed"),
            _credit("short", 20, credited_on="2016-03-20", promotion_credit_id="P-to-come"),
        ],
        "redemptions": [
            _use("ok", "plain"),
            _use("short", "short", 1200),
            _use("nobody", "nobody"),
            _use("not-yet", "later"),
            _use("no-longer", "gone"),
            _use("elsewhere", "listless", benefit="double_discount", partner="cafe"),
            _use("once", "often", benefit="double_discount", partner="cgv"),
            _use("twice", "often", at="03-11", benefit="double_discount", partner="cgv"),
            _choice("not-vip", "golden"),
            _choice("no-tier", "plain", "03-11"),
            _choice("vip", "chooser"),
            _use("whole", "back", 700),
            _back("part", "back", "whole", 300, "03-11"),
            _back("too-much", "back", "whole", 401, "03-12"),
            _back("rest", "back", "whole", 0, "03-13"),
            _back("again", "back", "whole", 0, "03-14"),
            _back("of-nothing", "back", "never-made", 0, "03-15"),
            _back("of-another", "back", "ok", 0, "03-15"),
            _back("of-a-cancellation", "back", "part", 0, "03-15"),
            _back("too-soon", "back", "later-one", 0, "03-15"),
            _use("later-one", "back", 10, "03-20"),
            _use("refused", "poor", 5000),
            _back("of-refused", "poor", "refused", 0, "03-12"),
            _use("february", "old", 200, "02-10"),
            _back("february-part", "old", "february", 50, "02-11"),
            _back("march-too-much", "old", "february", 151, "03-10"),
            _back("march-rest", "old", "february", 0, "03-11"),
            _back("march-again", "old", "february", 0, "03-12"),
        ],
        "refunds": [
            _refund("F-paid", "paid"),
            _refund("F-gift", "gift", 199, method="gift_card", applied_at="2016-03-11 09:00:00"),
            _refund("F-stranger", "stranger", contact="010-0000-0000"),
            _refund("F-empty", "empty", 200),
            _refund("F-nobody", "nobody"),
        ],
    }


def _made(folder: Path, rows: Delivered) -> Path:
    """Tiers of 2016 and the points of February and March of these rows."""
    land_points(folder, rows)
    stage(folder)
    run_commands(options(folder), ["tiers 2016", "points 2016-02", "points 2016-03"])
    return folder


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To read only."""
    return _made(tmp_path_factory.mktemp("requests") / "workspace", _rows())


REDEMPTIONS: dict[str, tuple[str | None, Row]] = {
    # id: step that failed, figures of the answer
    "ok": (None, {"points": 100, "usable": 1000}),
    "short": ("redemption_balance", {"usable": 1000, "short": 200}),
    "nobody": ("redemption_membership", {}),
    "not-yet": ("redemption_membership", {"joined_on": "2016-03-11"}),
    "no-longer": ("redemption_membership", {"terminated_on": "2016-03-10"}),
    "elsewhere": ("redemption_partner", {"partner": "cafe"}),
    "twice": ("redemption_limit", {"monthly_limit": 1, "earlier_id": "once"}),
    "not-vip": ("redemption_tier", {"required_tier": "vip", "tier": "gold"}),
    "no-tier": ("redemption_tier", {"required_tier": "vip", "tier": "general"}),
    "vip": (None, {"tier": "vip", "points": 0}),
    "part": (None, {"moved": 300, "left_of_it": 700}),
    "too-much": ("redemption_left", {"left_of_it": 400, "came_back": 300}),
    "rest": (None, {"moved": 400}),
    "again": ("redemption_left", {"last_id": "rest", "left_of_it": 0}),
    "of-nothing": ("redemption_named", {"cancels": "never-made"}),
    "of-another": ("redemption_named", {"cancels": "ok"}),
    "of-a-cancellation": ("redemption_named", {"cancels": "part"}),
    "too-soon": ("redemption_named", {"cancels": "later-one"}),
    "of-refused": ("redemption_named", {"named_reason": "insufficient_points"}),
    "march-too-much": ("redemption_left", {"left_of_it": 150, "came_back": 50}),
    "march-rest": (None, {"moved": 150}),
    "march-again": ("redemption_left", {"last_id": "march-rest", "came_back": 200}),
}


@pytest.mark.parametrize("name", REDEMPTIONS)
def test_a_redemption_is_told_with_the_check_that_failed_and_its_value(
    workspace: Path, name: str
) -> None:
    failed, figures = REDEMPTIONS[name]
    answer = asked(workspace, "redemption", id=name)
    (row,) = [r for r in table_rows(workspace, "redemption_results") if r["redemption_id"] == name]
    assert answer["checked"]
    told = answer["answer"]
    assert (told["status"], told["reason"]) == (row["status"], row["reason"])
    assert {key: told[key] for key in figures} == figures
    assert [each["step"] for each in answer["steps"] if each.get("passed") is False] == (
        [failed] if failed else []
    )


def test_every_reason_of_both_tables_is_among_the_cases(workspace: Path) -> None:
    """But for the bounds of a refund, which no shipped policy sets."""
    bounds = {"below_minimum", "above_maximum", "not_in_units"}
    for table, left_out in (("redemption_results", set()), ("refund_results", bounds)):
        found = {row["reason"] for row in table_rows(workspace, table)} - {None}
        assert found == set(PUBLISHED[table].domain("reason") or ()) - left_out


def test_the_lots_that_a_request_found_are_told(workspace: Path) -> None:
    lots = {
        row["inputs"]["lot_id"]: (row["said"], row["inputs"]["before"], row["inputs"]["moved"])
        for name in ("ok", "short", "march-rest")
        for row in steps(asked(workspace, "redemption", id=name), "redemption_lots")
    }
    assert lots == {
        "promotion:P-plain": ("taken", 1000, -100),
        "promotion:P-lapsed": ("lapsed", 50, 0),
        "promotion:P-short": ("usable", 1000, 0),
        "promotion:P-to-come": ("to_come", 20, 0),
        "promotion:P-old": ("given_back_lapsed", 150, 150),
    }


def test_a_check_tells_the_policy_that_it_rests_on(workspace: Path) -> None:
    answer = asked(workspace, "redemption", id="twice")
    policy = step(answer, "redemption_limit")["policy"]
    assert (policy["file"], policy["value"]) == ("point_benefits", 1)
    assert policy["key"] == {"benefit": "double_discount"}
    assert "S0" in policy["source"]


def test_what_a_cancellation_names_and_does_not_have_is_told_apart(workspace: Path) -> None:
    said = {
        name: step(asked(workspace, "redemption", id=name), "redemption_named")["said"]
        for name in ("of-nothing", "of-another", "of-a-cancellation", "too-soon", "of-refused")
    }
    assert said == {
        "of-nothing": "unknown_redemption",
        "of-another": "unknown_redemption",
        "of-a-cancellation": "a_cancellation",
        "too-soon": "later",
        "of-refused": "rejected",
    }


def test_what_would_have_changed_a_redemption_comes_true(workspace: Path, tmp_path: Path) -> None:
    """Each change is delivered instead, and the months are closed over it."""
    credited = change(asked(workspace, "redemption", id="short"), "credited")
    fewer = change(asked(workspace, "redemption", id="refused"), "points")
    more = change(asked(workspace, "redemption", id="ok"), "points")
    less_back = change(asked(workspace, "redemption", id="too-much"), "points")
    partner = change(asked(workspace, "redemption", id="elsewhere"), "partner")
    not_yet = change(asked(workspace, "redemption", id="not-yet"), "member")
    no_longer = change(asked(workspace, "redemption", id="no-longer"), "member")
    cancelled = change(asked(workspace, "redemption", id="twice"), "cancelled")
    assert (credited["points"], fewer["points"], more["points"]) == (200, 1000, 1001)
    assert (less_back["points"], not_yet["days"], no_longer["days"]) == (400, 1, 1)
    assert change(asked(workspace, "redemption", id="not-vip"), "tier")["tier"] == "vip"
    rows = _rows()
    for row in rows["redemptions"]:
        points = {"refused": fewer, "ok": more, "too-much": less_back}.get(row["redemption_id"])
        if points:
            row["points"] = points["points"]
        if row["redemption_id"] == "elsewhere":
            row["partner"] = partner["partner"]
    for who in rows["customers"]:
        if who["customer_id"] == "later":
            who["joined_on"] = "2016-03-10"
        if who["customer_id"] == "gone":
            who["terminated_on"] = "2016-03-11"
    rows["promotions"].append(
        _credit("short", credited["points"], promotion_credit_id="P-more", credited_on="2016-03-10")
    )
    rows["redemptions"].append(_back("undone", "often", cancelled["earlier_id"], 0, "03-10"))
    rows["billing"] = bills_of_tiers({**TIERS, "golden": "vip"}, 2016)
    made = _made(tmp_path / "workspace", rows)
    status = {row["redemption_id"]: row["status"] for row in table_rows(made, "redemption_results")}
    promised = {
        name: change_["gives"]["status"]
        for name, change_ in {
            "short": credited,
            "refused": fewer,
            "ok": more,
            "too-much": less_back,
            "elsewhere": partner,
            "not-yet": not_yet,
            "no-longer": no_longer,
            "twice": cancelled,
        }.items()
    }
    assert promised == {**dict.fromkeys(promised, "accepted"), "ok": "rejected"}
    assert {name: status[name] for name in promised} == promised
    assert status["not-vip"] == "accepted"


REFUNDS: dict[str, tuple[str | None, Row]] = {
    "F-paid": (None, {"fee": 0, "amount_krw": 100, "refundable": 1000}),
    "F-gift": (None, {"fee": 9, "amount_krw": 190, "pay_on": "2016-03-16"}),
    "F-stranger": ("refund_identity", {"refundable": None}),
    "F-empty": ("refund_balance", {"refundable": 0, "short": 200}),
    "F-nobody": ("refund_customer", {"refundable": None}),
}


@pytest.mark.parametrize("name", REFUNDS)
def test_a_refund_is_told_with_the_check_that_failed_and_its_value(
    workspace: Path, name: str
) -> None:
    failed, figures = REFUNDS[name]
    answer = asked(workspace, "refund", id=name)
    (row,) = [r for r in table_rows(workspace, "refund_results") if r["application_id"] == name]
    assert answer["checked"]
    told = answer["answer"]
    assert (told["status"], told["reason"]) == (row["status"], row["reason"])
    assert {key: told[key] for key in figures} == figures
    assert [each["step"] for each in answer["steps"] if each.get("passed") is False] == (
        [failed] if failed else []
    )


def test_a_refund_is_told_with_its_fee_and_its_business_days(workspace: Path) -> None:
    answer = asked(workspace, "refund", id="F-gift")
    fee, pay_day = step(answer, "refund_fee"), step(answer, "refund_pay_day")
    assert (fee["outcome"], fee["policy"]["value"], fee["inputs"]["per_points"]) == (190, 5, 100)
    assert pay_day["outcome"] == "2016-03-16"
    assert (pay_day["policy"]["value"], pay_day["inputs"]["days_between"]) == (3, 2)


def test_points_that_can_not_be_refunded_are_told(workspace: Path) -> None:
    (lot,) = steps(asked(workspace, "refund", id="F-empty"), "refund_lots")
    assert (lot["said"], lot["inputs"]["before"]) == ("not_refundable", 500)


BOUNDS = {
    "least_points": (150, "below_minimum", "refund_least", 150),
    "greatest_points": (60, "above_maximum", "refund_greatest", 60),
    "unit_points": (30, "not_in_units", "refund_units", 90),
}


@pytest.mark.parametrize("bound", BOUNDS)
def test_bounds_of_a_refund_are_told_under_a_policy_that_sets_them(
    workspace: Path, tmp_path: Path, bound: str
) -> None:
    value, reason, failed, points = BOUNDS[bound]
    folder = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    file = folder / "point_refund_terms.yaml"
    text = file.read_text(encoding="utf-8")
    assert f"{bound}: null" in text
    file.write_text(text.replace(f"{bound}: null", f"{bound}: {value}"), encoding="utf-8")
    answer = asked(workspace, "refund", id="F-paid", policies=folder)
    assert answer["answer"]["status"] == "accepted"
    assert answer["hypothetical"]["answer"]["reason"] == reason
    found = step(answer, failed)
    assert (found["passed"], found["policy"]["value"]) == (False, value)
    other = change(answer, "points")
    assert (other["points"], other["gives"]) == (points, {"status": "accepted"})


def test_what_would_have_changed_a_refund_comes_true(workspace: Path, tmp_path: Path) -> None:
    credited = change(asked(workspace, "refund", id="F-empty"), "credited")
    more = change(asked(workspace, "refund", id="F-paid"), "points")
    rows = _rows()
    rows["promotions"].append(
        _credit("empty", credited["points"], promotion_credit_id="P-m", credited_on="2016-03-10")
    )
    for row in rows["refunds"]:
        if row["application_id"] == "F-paid":
            row["points"] = more["points"]
    made = _made(tmp_path / "workspace", rows)
    status = {row["application_id"]: row["status"] for row in table_rows(made, "refund_results")}
    assert status["F-empty"] == credited["gives"]["status"] == "accepted"
    assert status["F-paid"] == more["gives"]["status"] == "rejected"


def test_whose_a_request_is_and_its_month_can_be_given(workspace: Path) -> None:
    found = asked(workspace, "redemption", id="february", month="2016-02", customer="old")
    assert found["subject"] == {
        "redemption_id": "february",
        "customer_id": "old",
        "month": "2016-02",
    }
    assert found == asked(workspace, "redemption", id="february")


def test_an_id_that_no_committed_file_has_is_not_there(workspace: Path) -> None:
    with pytest.raises(NotReady, match="never-made is in no published redemption_results"):
        asked(workspace, "redemption", id="never-made")
    with pytest.raises(NotReady, match="ok is in no published redemption_results of 2016-02"):
        asked(workspace, "redemption", id="ok", month="2016-02")
    with pytest.raises(NotReady, match="ok is in no published refund_results"):
        asked(workspace, "refund", id="ok")


def test_nothing_personal_is_told_of_an_applicant(workspace: Path) -> None:
    """Not what was given nor what is on record, and not which of the two did not match."""
    staged = [*_staged(workspace, "customers"), *_staged(workspace, "refund_applications")]
    hashes = {row[name] for row in staged for name in ("contact", "address") if row[name]}
    assert hashes
    for name in REFUNDS:
        told = str(asked(workspace, "refund", id=name))
        for secret in (CONTACT, "01012345678", "0100000", ADDRESS, *hashes, "contact", "address"):
            assert secret not in told


def _staged(workspace: Path, export: str) -> list[Row]:
    import pyarrow.parquet as pq

    paths = (workspace / "staged" / export).rglob("*.parquet")
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
