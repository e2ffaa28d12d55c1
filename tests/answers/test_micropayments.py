"""Why a payment was declined, a limit request refused, and what would have changed that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest

from flows.console.errors import NotReady
from schemas.tables import PUBLISHED
from tests.membership import stage, table_rows
from tests.micropayments import Row, close, land_micropayments
from tests.questions import asked, change, step, steps

MONTH, NEXT = "2016-11", "2016-12"
PARTS: Final[Mapping[str, list[Row]]] = {
    "subscriptions": [
        {"subscription_id": "S"},
        {"subscription_id": "OWES", "customer_id": "D"},
        {"subscription_id": "NET", "product": "internet"},
        {"subscription_id": "NEW", "opened_on": "2016-11-15"},
        {"subscription_id": "GONE", "closed_on": "2016-11-05"},
        {"subscription_id": "YOUTH", "plan_class": "youth"},
        {"subscription_id": "PRE", "plan_class": "prepaid"},
        {"subscription_id": "LOW", "credit_grade": 7},
    ],
    "payments": [
        {"payment_id": "ok", "amount": 10_000},
        {"payment_id": "over", "amount": 295_000, "requested_at": "2016-11-11 12:00:00"},
        {"payment_id": "owes", "subscription_id": "OWES"},
        {"payment_id": "net", "subscription_id": "NET"},
        {"payment_id": "nobody", "subscription_id": "NOBODY"},
        {"payment_id": "new", "subscription_id": "NEW"},
        {"payment_id": "gone", "subscription_id": "GONE"},
        {"payment_id": "pre", "subscription_id": "PRE"},
        {"payment_id": "raised", "amount": 390_001, "requested_at": "2016-11-23 12:00:00"},
        {"payment_id": "next", "amount": 1, "requested_at": "2016-12-01 00:00:00"},
    ],
    "requests": [
        {"request_id": "low", "subscription_id": "LOW", "requested_limit": 150_000},
        {"request_id": "youth", "subscription_id": "YOUTH", "requested_limit": 200_000},
        {"request_id": "pre", "subscription_id": "PRE", "requested_limit": 1},
        {"request_id": "owes", "subscription_id": "OWES", "requested_limit": 400_000},
        {"request_id": "nobody", "subscription_id": "NOBODY", "requested_limit": 1},
        {"request_id": "net", "subscription_id": "NET", "requested_limit": 1},
        {
            "request_id": "most",
            "requested_limit": 1_000_001,
            "requested_at": "2016-11-20 12:00:00",
        },
        {"request_id": "more", "requested_limit": 500_000, "requested_at": "2016-11-21 12:00:00"},
        {"request_id": "less", "requested_limit": 400_000, "requested_at": "2016-11-22 12:00:00"},
    ],
    "billing": [
        {"billing_line_id": "open", "customer_id": "D"},
        {
            "billing_line_id": "part",
            "customer_id": "D",
            "collected_amount": 4_000,
            "collected_on": "2016-11-01",
        },
        {
            "billing_line_id": "late",
            "customer_id": "D",
            "collected_amount": 10_000,
            "collected_on": "2016-11-20",
        },
        {
            "billing_line_id": "settled",
            "customer_id": "D",
            "collected_amount": 10_000,
            "collected_on": "2016-11-09",
        },
        {"billing_line_id": "other", "customer_id": "E"},
    ],
}
KEYS: Final = {
    "subscriptions": "subscription_id",
    "payments": "payment_id",
    "requests": "request_id",
    "billing": "billing_line_id",
}


def _publish(folder: Path, parts: Mapping[str, Iterable[Row]]) -> Path:
    """Both months, closed over these rows; returns the workspace."""
    land_micropayments(folder, parts)
    stage(folder)
    close(folder, MONTH, NEXT)
    return folder


def _with(part: str, key: str, **other: object) -> dict[str, list[Row]]:
    """The rows, of which that one is another; a new one where none has the key."""
    rows = [dict(row) for row in PARTS[part]]
    found = [row for row in rows if row[KEYS[part]] == key] or [{KEYS[part]: key}]
    if found[0] not in rows:
        rows.append(found[0])
    found[0].update(other)
    return {**PARTS, part: rows}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of payments and requests; to read only."""
    return _publish(tmp_path_factory.mktemp("limits") / "workspace", PARTS)


def _row(workspace: Path, kind: str, key: str) -> Row:
    table, name = {
        "micropayment": ("micropayment_results", "payment_id"),
        "limit": ("limit_results", "request_id"),
    }[kind]
    (row,) = [each for each in table_rows(workspace, table) if each[name] == key]
    return row


@pytest.mark.parametrize("kind", ["micropayment", "limit"])
def test_every_row_is_answered_as_published_with_every_reason(workspace: Path, kind: str) -> None:
    table = {"micropayment": "micropayment_results", "limit": "limit_results"}[kind]
    key = {"micropayment": "payment_id", "limit": "request_id"}[kind]
    rows = table_rows(workspace, table)
    assert {row["reason"] for row in rows} == {None, *(PUBLISHED[table].domain("reason") or [])}
    for row in rows:
        answer = asked(workspace, kind, id=row[key])
        assert answer["checked"]
        told = {name: answer["answer"][name] for name in row}
        assert told == {
            name: str(value) if name == "requested_at" else value for name, value in row.items()
        }
        failed = [each for each in answer["steps"] if each.get("passed") is False]
        assert len(failed) == (row["reason"] is not None)
        subject = answer["subject"]
        assert (subject["subscription_id"], subject["month"]) == (
            row["subscription_id"],
            row["month"],
        )


def test_the_failing_value_of_each_declined_payment(workspace: Path) -> None:
    over = step(asked(workspace, "micropayment", id="over"), "micropayment_total")
    assert (over["inputs"]["total_before"], over["short"]) == (10_000, 5_000)
    assert over["inputs"]["limit_in_force"] == 300_000
    net = step(asked(workspace, "micropayment", id="net"), "limit_subscription")
    assert (net["said"], net["inputs"]["product"]) == ("other_product", "internet")
    nobody = step(asked(workspace, "micropayment", id="nobody"), "limit_subscription")
    assert nobody["said"] == "unknown"
    new = step(asked(workspace, "micropayment", id="new"), "micropayment_service")
    assert (new["said"], new["inputs"]["opened_on"]) == ("before", "2016-11-15")
    gone = step(asked(workspace, "micropayment", id="gone"), "micropayment_service")
    assert (gone["said"], gone["inputs"]["closed_on"]) == ("closed", "2016-11-05")


def test_the_bills_in_arrears_are_those_that_were_not_collected_by_then(workspace: Path) -> None:
    """Of the part that was collected before, what was missing; of the late one, all of it."""
    answer = asked(workspace, "micropayment", id="owes")
    bills = {
        row["inputs"]["billing_line_id"]: row["inputs"] for row in steps(answer, "limit_bills")
    }
    assert {name: bill["missing"] for name, bill in bills.items()} == {
        "late": 10_000,
        "open": 10_000,
        "part": 6_000,
    }
    assert {bill["since"] for bill in bills.values()} == {"2016-10-26"}
    assert {name: bill["until"] for name, bill in bills.items()} == {
        "late": "2016-11-20",
        "open": None,
        "part": None,
    }
    found = step(answer, "limit_arrears")["inputs"]
    assert (found["bills"], found["missing"], found["customer_id"]) == (3, 26_000, "D")
    assert answer["answer"]["in_arrears"] == 26_000


def test_the_limit_and_who_set_it(workspace: Path) -> None:
    standard = step(asked(workspace, "micropayment", id="pre"), "limit_set_by")
    assert (standard["said"], standard["outcome"]) == ("standard", 0)
    assert (standard["policy"]["value"], standard["policy"]["key"]) == (
        300_000,
        {"credit_grade": 1},
    )
    share = step(asked(workspace, "micropayment", id="pre"), "limit_class")
    assert (share["inputs"]["share"], share["policy"]["file"]) == (0, "micropayment_plan_classes")
    for payment in ("raised", "next"):
        answer = asked(workspace, "micropayment", id=payment)
        own = step(answer, "limit_set_by")
        assert (own["said"], own["outcome"]) == ("requested", 400_000)
        assert (own["inputs"]["request_id"], "policy" in own) == ("less", False)
        assert not steps(answer, "limit_class")


def test_the_month_before_the_payment_adds_up(workspace: Path) -> None:
    answer = asked(workspace, "micropayment", id="raised")
    earlier = steps(answer, "micropayment_earlier")
    total = step(answer, "micropayment_total")
    assert sum(row["inputs"]["amount"] for row in earlier) == total["inputs"]["total_before"]
    assert [row["inputs"]["payment_id"] for row in earlier] == ["ok"]
    assert total["short"] == 1
    usage = step(answer, "micropayment_notice")
    assert usage["inputs"]["approved_total"] == 10_000
    billed = step(asked(workspace, "micropayment", id="ok"), "micropayment_billed")
    assert (billed["inputs"]["billing_month"], billed["inputs"]["amount"]) == ("2016-12", 10_000)


def test_the_failing_value_of_each_refused_request(workspace: Path) -> None:
    low = step(asked(workspace, "limit", id="low"), "limit_request_grade")
    assert (low["inputs"]["credit_grade"], low["policy"]["value"]) == (7, 5)
    assert low["inputs"]["standard_limit"] == 100_000
    youth = step(asked(workspace, "limit", id="youth"), "limit_request_eligible")
    assert (youth["said"], youth["inputs"]["standard_limit"]) == ("above_standard", 150_000)
    pre = step(asked(workspace, "limit", id="pre"), "limit_request_eligible")
    assert (pre["said"], pre["policy"]["value"]) == ("nothing", "nothing")
    most = step(asked(workspace, "limit", id="most"), "limit_request_maximum")
    assert (most["short"], most["policy"]["value"]) == (1, 1_000_000)
    owes = step(asked(workspace, "limit", id="owes"), "limit_arrears")
    assert (owes["passed"], owes["inputs"]["missing"]) == (False, 26_000)
    less = step(asked(workspace, "limit", id="less"), "limit_request_within")
    assert (less["passed"], less["inputs"]["limit_in_force"]) == (True, 500_000)


@pytest.mark.parametrize(
    ("kind", "key", "name", "figures", "part", "row", "other"),
    [
        (
            "micropayment",
            "over",
            "price",
            {"difference": 5_000, "amount": 290_000},
            "payments",
            "over",
            {"amount": 290_000},
        ),
        (
            "micropayment",
            "ok",
            "price",
            {"difference": 290_001},
            "payments",
            "ok",
            {"amount": 300_001},
        ),
        (
            "micropayment",
            "over",
            "limit",
            {"requested_limit": 305_000, "short": 5_000},
            "requests",
            "asked",
            {"requested_limit": 305_000, "requested_at": "2016-11-11 12:00:00"},
        ),
        (
            "micropayment",
            "new",
            "service",
            {"days": 5},
            "subscriptions",
            "NEW",
            {"opened_on": "2016-11-10"},
        ),
        (
            "micropayment",
            "gone",
            "service",
            {"closed_on": "2016-11-05"},
            "subscriptions",
            "GONE",
            {"closed_on": ""},
        ),
        (
            "limit",
            "low",
            "less",
            {"requested_limit": 100_000},
            "requests",
            "low",
            {"requested_limit": 100_000},
        ),
        (
            "limit",
            "low",
            "grade",
            {"better_grade": 4},
            "subscriptions",
            "LOW",
            {"credit_grade": 4},
        ),
        (
            "limit",
            "youth",
            "less",
            {"requested_limit": 150_000},
            "requests",
            "youth",
            {"requested_limit": 150_000},
        ),
        ("limit", "pre", "less", {"requested_limit": 0}, "requests", "pre", {"requested_limit": 0}),
        (
            "limit",
            "most",
            "less",
            {"requested_limit": 1_000_000, "difference": 1},
            "requests",
            "most",
            {"requested_limit": 1_000_000},
        ),
    ],
)
def test_what_a_change_promises_comes_true(
    workspace: Path,
    tmp_path: Path,
    kind: str,
    key: str,
    name: str,
    figures: Row,
    part: str,
    row: str,
    other: Row,
) -> None:
    """The rows are delivered with it, and the months closed anew."""
    promised = change(asked(workspace, kind, id=key), name)
    assert {figure: promised[figure] for figure in figures} == figures
    then = _row(_publish(tmp_path / "then", _with(part, row, **other)), kind, key)
    before = _row(workspace, kind, key)
    assert promised["gives"] == {
        column: then[column] for column in ("status", "reason") if then[column] != before[column]
    }
    assert promised["gives"]


@pytest.mark.parametrize(("kind", "then"), [("micropayment", "approved"), ("limit", "approved")])
def test_bills_collected_by_then_give_what_was_promised(
    workspace: Path, tmp_path: Path, kind: str, then: str
) -> None:
    promised = change(asked(workspace, kind, id="owes"), "collect")
    assert (promised["amount"], promised["lines"]) == (26_000, ["late", "open", "part"])
    assert promised["gives"]["status"] == then
    bills = [dict(row) for row in PARTS["billing"]]
    for bill in bills:
        if bill["billing_line_id"] in promised["lines"]:
            bill |= {"collected_amount": 10_000, "collected_on": "2016-11-10"}
    copy = _publish(tmp_path / "then", {**PARTS, "billing": bills})
    assert _row(copy, kind, "owes")["status"] == then


def test_a_price_that_is_a_won_nearer_changes_nothing(workspace: Path, tmp_path: Path) -> None:
    rows = _with("payments", "over", amount=290_001)
    assert _row(_publish(tmp_path / "nearly", rows), "micropayment", "over")["status"] == "declined"
    assert [row["change"] for row in asked(workspace, "micropayment", id="over")["nearest"]] == [
        "price",
        "limit",
    ]


def test_an_id_is_looked_up_by_month_and_customer_too(workspace: Path) -> None:
    known: list[Row] = [{"month": MONTH}, {"customer": "C"}, {"month": MONTH, "customer": "C"}]
    for given in known:
        found = asked(workspace, "micropayment", id="over", **given)
        assert found["answer"]["reason"] == "over_limit"
    unknown: list[Row] = [
        {"id": "missing"},
        {"id": "over", "month": NEXT},
        {"id": "ok", "customer": "D"},
    ]
    for given in unknown:
        with pytest.raises(NotReady, match="is in no published micropayment_results"):
            asked(workspace, "micropayment", **given)


def test_a_correction_that_is_not_closed_yet_is_stale(tmp_path: Path) -> None:
    """A bill paid in time, told later: the payment would be approved now."""
    folder = _publish(tmp_path / "workspace", PARTS)
    paid = [
        {**row, "revision": 1, "collected_amount": 10_000, "collected_on": "2016-10-25"}
        for row in PARTS["billing"]
        if row["customer_id"] == "D"
    ]
    land_micropayments(folder, {"billing": paid, "subscriptions": []}, "corrected.csv")
    stage(folder)
    answer = asked(folder, "micropayment", id="owes")
    assert (answer["answer"]["status"], answer["checked"]) == ("declined", False)
    assert answer["now"]["status"] == "approved"
    assert "billing_arrears" in answer["stale"]
