"""Why a flight earned what it did, an award or payment was rejected, a status is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from flows.console.errors import NotReady
from schemas.tables import PUBLISHED
from tests.airline import land_airline
from tests.commands_in_tests import run_commands
from tests.membership import options, stage, table_rows
from tests.policy_folders import replaced_policies
from tests.questions import asked, change, step, steps

Row = dict[str, Any]
MONTH: Final = "2021-05"
BEFORE: Final = "2020-10"
"""A month of the region chart, in which no mixed payment can be made yet."""
KEYS: Final = {
    "members": "member_id",
    "flights": "activity_id",
    "awards": "request_id",
    "payments": "payment_id",
}
RESULTS: Final = {
    "flight": ("mileage_accruals", "activity_id"),
    "award": ("award_results", "request_id"),
    "mixed-payment": ("mixed_payment_results", "payment_id"),
}


def _award(key: str, at: int, **other: object) -> Row:
    return {"request_id": key, "requested_at": f"2021-05-{at:02} 12:00:00", **other}


def _payment(key: str, at: int, **other: object) -> Row:
    return {"payment_id": key, "paid_at": f"2021-05-{at:02} 12:00:00", **other}


PARTS: Final[Mapping[str, list[Row]]] = {
    "members": [
        {},
        {"member_id": "LATE", "enrolled_on": "2021-05-11"},
        {"member_id": "AFTER", "enrolled_on": "2022-01-01"},
        {"member_id": "IDLE"},
    ],
    "flights": [
        {"activity_id": "far", "flight_date": "2021-05-01", "destination": "JFK"}
        | {"booking_class": "P"},
        {"activity_id": "circle"},
        {"activity_id": "said", "distance_miles": 500},
        {"activity_id": "home", "origin": "GMP", "destination": "CJU"},
        {"activity_id": "late", "member_id": "LATE"},
        {"activity_id": "nobody", "member_id": "NOBODY"},
        {"activity_id": "missed", "flown": "false"},
        {"activity_id": "award", "ticket_type": "award"},
        {"activity_id": "other", "operating_carrier": "OZ"},
        {"activity_id": "unlisted", "booking_class": "Z"},
        {"activity_id": "lost", "destination": "QQQ", "distance_miles": 500},
    ],
    "awards": [
        _award("taken", 20),
        _award("peak", 27, season="peak"),
        _award("dear", 21, destination="JFK", cabin="first", trip="round_trip"),
        _award("cabin", 21, origin="GMP", destination="CJU", cabin="first"),
        _award("upgrade", 21, kind="upgrade", cabin="economy"),
        _award("better", 23, kind="upgrade", cabin="first", destination="JFK"),
        _award("lost", 21, destination="QQQ"),
        _award("nobody", 21, member_id="NOBODY"),
    ],
    "payments": [
        _payment("taken", 22),
        _payment("channel", 22, channel="call_centre"),
        _payment("currency", 22, currency="USD"),
        _payment("few", 22, miles=499),
        _payment("share", 22, fare=10_000, krw_per_mile="3.33", miles=601),
        _payment("many", 22, fare=100_000_000, miles=1_000_000),
        _payment("nobody", 22, member_id="NOBODY"),
    ],
}
EARLY: Final[Mapping[str, list[Row]]] = {
    "members": [{}],
    "awards": [
        {
            "request_id": "abroad",
            "requested_at": "2020-10-10 12:00:00",
            "origin": "NRT",
            "destination": "LAX",
        },
        {"request_id": "region", "requested_at": "2020-10-10 12:00:00"},
    ],
    "payments": [{"payment_id": "early", "paid_at": "2020-10-31 23:59:59"}],
}


def _publish(folder: Path, parts: Mapping[str, Iterable[Row]], *commands: str) -> Path:
    land_airline(folder, parts)
    stage(folder)
    run_commands(options(folder), commands)
    return folder


def _with(part: str, key: str, **other: object) -> dict[str, list[Row]]:
    """The rows, of which that one is another; a new one where none has the key."""
    rows = [dict(row) for row in PARTS[part]]
    found = [row for row in rows if row.get(KEYS[part]) == key] or [{KEYS[part]: key}]
    if found[0] not in rows:
        rows.append(found[0])
    found[0].update(other)
    return {**PARTS, part: rows}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of miles and the status that follows; to read only."""
    folder = tmp_path_factory.mktemp("airline") / "workspace"
    return _publish(folder, PARTS, f"miles {MONTH}", "elite 2022")


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month of the region chart; to read only."""
    folder = tmp_path_factory.mktemp("early") / "workspace"
    return _publish(folder, EARLY, f"miles {BEFORE}")


def _row(workspace: Path, kind: str, key: str) -> Row:
    table, name = RESULTS[kind]
    (row,) = [each for each in table_rows(workspace, table) if each[name] == key]
    return row


@pytest.mark.parametrize("kind", list(RESULTS))
def test_every_row_is_answered_as_published_with_every_reason(
    workspace: Path, early: Path, kind: str
) -> None:
    table, key = RESULTS[kind]
    found = set()
    for folder in (workspace, early):
        for row in table_rows(folder, table):
            answer = asked(folder, kind, id=row[key])
            assert answer["checked"]
            told = {name: answer["answer"][name] for name in row}
            assert {name: str(value) for name, value in told.items()} == {
                name: str(value).removesuffix(".00") for name, value in row.items()
            }
            failed = [each for each in answer["steps"] if each.get("passed") is False]
            assert len(failed) == (row["reason"] is not None)
            found.add(row["reason"])
    assert found == {None, *(PUBLISHED[table].domain("reason") or [])}


def test_the_distance_of_a_flight_and_where_it_is_from(workspace: Path) -> None:
    found = {
        key: step(asked(workspace, "flight", id=key), "flight_route")
        for key in ("far", "circle", "said", "home", "lost")
    }
    assert {key: row["said"] for key, row in found.items()} == {
        "far": "published",
        "circle": "great_circle",
        "said": "suspect",
        "home": "published",
        "lost": "unknown",
    }
    assert found["far"]["outcome"] == 6_865
    assert found["said"]["outcome"] == 500
    assert found["said"]["inputs"]["least_plausible"] > 500
    assert found["lost"]["inputs"]["unknown_airport"] == "QQQ"


def test_what_a_flight_earned_by_class_and_day(workspace: Path) -> None:
    far = asked(workspace, "flight", id="far")
    rate = step(far, "flight_class")
    assert (rate["outcome"], rate["policy"]["value"]) == (300, 300)
    assert rate["policy"]["valid_from"] == "2021-04-01"
    earned = step(far, "flight_earned")
    assert (earned["outcome"], earned["inputs"]["lot_id"]) == (20_595, "flight:far")
    assert step(far, "flight_status")["outcome"] == 2
    assert step(asked(workspace, "flight", id="home"), "flight_status")["outcome"] == 1


def test_the_checks_of_a_flight_end_with_the_one_that_failed(workspace: Path) -> None:
    for key, checks in (("nobody", 1), ("late", 2), ("missed", 3), ("award", 4), ("other", 4)):
        answer = asked(workspace, "flight", id=key)
        assert len(steps(answer, "flight_checks")) == checks
        assert bool(steps(answer, "flight_carrier")) == (key == "other")
    late = steps(asked(workspace, "flight", id="late"), "flight_checks")[-1]
    assert (late["inputs"]["enrolled_on"], late["inputs"]["flight_date"]) == (
        "2021-05-11",
        "2021-05-10",
    )


def test_the_price_of_an_award_and_the_lots_that_paid_it(workspace: Path, early: Path) -> None:
    taken = asked(workspace, "award", id="taken")
    assert step(taken, "award_chart")["outcome"] == "distance"
    band = step(taken, "award_band")
    assert (band["outcome"], band["policy"]["value"]) == ("0", 10_000)
    price = step(taken, "award_price")
    assert (price["outcome"], price["inputs"]["legs"]) == (10_000, 1)
    lots = steps(taken, "miles_taken")
    assert sum(row["inputs"]["miles"] for row in lots) == 10_000
    assert [row["inputs"]["lot_id"] for row in lots] == ["flight:far"]
    better = step(asked(workspace, "award", id="better"), "award_price")["inputs"]
    assert (better["from_cabin"], better["own_price"] - better["lower_price"]) == (
        "prestige",
        step(asked(workspace, "award", id="better"), "award_price")["outcome"],
    )
    region = asked(early, "award", id="region")
    assert step(region, "award_region")["outcome"] == "northeast_asia"
    assert step(region, "award_region")["policy"]["key"] == {"place": "JP"}
    assert step(region, "award_price")["policy"]["value"] == 15_000
    assert step(asked(early, "award", id="abroad"), "award_region")["said"] == "none"


def test_why_an_award_is_not_offered(workspace: Path, early: Path) -> None:
    found = {
        key: step(asked(folder, "award", id=key), "award_price")["said"]
        for folder, key in ((workspace, "cabin"), (workspace, "upgrade"), (early, "abroad"))
    }
    assert found == {"cabin": "no_cabin", "upgrade": "no_upgrade", "abroad": "no_region"}


def test_the_failing_value_of_each_rejected_payment(workspace: Path, early: Path) -> None:
    outside = step(asked(early, "mixed-payment", id="early"), "mixed_payment_open")
    assert (outside["passed"], outside["inputs"]["opens_on"]) == (False, "2020-11-01")
    assert outside["inputs"]["closes_on"] == "2022-12-31"
    channel = step(asked(workspace, "mixed-payment", id="channel"), "mixed_payment_channel")
    assert (channel["inputs"]["channel"], channel["inputs"]["taken_by"]) == (
        "call_centre",
        "mobile, web",
    )
    currency = step(asked(workspace, "mixed-payment", id="currency"), "mixed_payment_currency")
    assert (currency["inputs"]["currency"], currency["inputs"]["taken_in"]) == ("USD", "KRW")
    few = step(asked(workspace, "mixed-payment", id="few"), "mixed_payment_minimum")
    assert (few["short"], few["policy"]["value"]) == (1, 500)
    share = step(asked(workspace, "mixed-payment", id="share"), "mixed_payment_share")
    assert share["inputs"]["miles_value"] == "2001.33"
    assert (share["inputs"]["greatest_value"], share["inputs"]["greatest_miles"]) == (2_000, 600)
    many = asked(workspace, "mixed-payment", id="many")
    short = step(many, "miles_enough")
    assert short["short"] == 1_000_000 - short["inputs"]["usable_before"]
    cash = step(asked(workspace, "mixed-payment", id="taken"), "mixed_payment_cash")
    assert cash["outcome"] == 1_000_000 - 5_000


def test_miles_from_opening_to_closing(workspace: Path) -> None:
    balances = {row["member_id"]: row for row in table_rows(workspace, "mileage_balances")}
    answer = asked(workspace, "miles", member="M")
    own = balances["M"]
    names = ("opening", "credited", "spent", "expired", "closing")
    assert {name: answer["answer"][name] for name in names} == {name: own[name] for name in names}
    flights = steps(answer, "miles_flights")
    assert sum(row["inputs"]["miles"] for row in flights) == own["credited"]
    requests = steps(answer, "miles_requests")
    taken = [row["inputs"]["miles"] for row in requests if row["passed"]]
    assert sum(taken) == own["spent"]
    lots = steps(answer, "miles_lots")
    assert sum(row["inputs"]["remaining"] for row in lots) == own["closing"]
    moved = sum(row["outcome"] for row in steps(answer, "miles_movements"))
    assert own["opening"] + moved == own["closing"]
    assert asked(workspace, "miles", member="M", month=MONTH)["answer"] == answer["answer"]
    assert asked(workspace, "miles", member="IDLE")["answer"]["said"] == "nothing"
    assert asked(workspace, "miles", member="NOBODY")["answer"]["said"] == "unknown_member"
    with pytest.raises(NotReady, match="no committed file of members has it"):
        asked(workspace, "miles", member="WHOEVER")


def test_what_expires_next(tmp_path: Path) -> None:
    """Under a validity the miles of a year lapse together."""
    folder = _publish(tmp_path / "workspace", PARTS)
    policies = replaced_policies({"mileage_validity": [{"years": 1}]}, tmp_path)
    run_commands(options(folder, policies=policies), [f"miles {MONTH}"])
    answer = asked(folder, "miles", member="M", policies=policies)
    found = step(answer, "miles_expiring")
    assert (found["said"], found["inputs"]["expires_on"]) == ("next", "2022-12-31")
    assert found["outcome"] == answer["answer"]["closing"]
    assert found["policy"]["value"] == 1


def test_the_flights_of_a_status_add_up_and_those_that_do_not_count_say_why(
    workspace: Path,
) -> None:
    rows = table_rows(workspace, "elite_status")
    assert {row["member_id"] for row in rows} == {"M", "LATE", "IDLE"}
    for row in rows:
        answer = asked(workspace, "elite", member=row["member_id"], year=2022)
        assert answer["checked"]
        lines = steps(answer, "elite_lines")
        assert sum(line["inputs"]["miles"] for line in lines) == row["qualifying_miles"]
        halves = sum(line["inputs"]["half_flights"] for line in lines)
        assert halves == row["qualifying_half_flights"]
        assert answer["answer"]["status"] == row["status"]
    lines = steps(asked(workspace, "elite", member="M", year=2022), "elite_lines")
    assert {line["inputs"]["activity_id"]: line["said"] for line in lines} == {
        "far": "counts",
        "circle": "counts",
        "said": "counts",
        "home": "counts",
        "missed": "not_flown",
        "award": "award_ticket",
        "other": "partner_carrier",
        "unlisted": "unlisted_class",
        "lost": "unknown_airport",
    }
    (late,) = steps(asked(workspace, "elite", member="LATE", year=2022), "elite_lines")
    assert late["said"] == "before_enrolment"
    after = asked(workspace, "elite", member="AFTER", year=2022)["answer"]
    assert (after["said"], after["enrolled_on"]) == ("not_enrolled", "2022-01-01")


def test_how_far_a_member_is_from_each_status(workspace: Path) -> None:
    answer = asked(workspace, "elite", member="M", year=2022)
    miles = answer["answer"]["qualifying_miles"]
    assert miles > 20_595
    marks = {row["inputs"]["status"]: row for row in steps(answer, "elite_by_miles")}
    assert marks["silver"]["over"] == miles - 10_000
    assert marks["gold"]["short"] == 40_000 - miles
    assert marks["gold"]["policy"]["value"] == 40_000
    flights = {row["inputs"]["status"]: row for row in steps(answer, "elite_by_flights")}
    assert (flights["silver"]["short"], flights["silver"]["inputs"]["away"]) == (13, "6½")
    assert "diamond" not in flights


@pytest.mark.parametrize("name", ["miles", "flights"])
def test_flights_more_give_the_status_that_was_promised(
    workspace: Path, tmp_path: Path, name: str
) -> None:
    """By as many miles, or as many flights of a mile; one fewer of either gives it not."""
    promised = change(asked(workspace, "elite", member="M", year=2022), name)
    number = promised["miles" if name == "miles" else "flights"]
    for fewer in (1, 0):
        more = [
            {
                "activity_id": f"more-{at}",
                "flight_date": "2021-12-31",
                "booking_class": "Y" if name == "miles" else "Q",
                "distance_miles": number - fewer if name == "miles" else 1,
            }
            for at in range(1 if name == "miles" else number - fewer)
        ]
        parts = {**PARTS, "flights": [*PARTS["flights"], *more]}
        folder = _publish(tmp_path / f"fewer-{fewer}", parts, "elite 2022")
        rows = {row["member_id"]: row for row in table_rows(folder, "elite_status")}
        came = {column: rows["M"][column] for column in promised["gives"]}
        assert (came == promised["gives"]) == (fewer == 0)


@pytest.mark.parametrize(
    ("kind", "key", "name", "part", "row", "other"),
    [
        ("flight", "late", "enrolled", "members", "LATE", {"enrolled_on": "2021-05-10"}),
        ("flight", "missed", "flown", "flights", "missed", {"flown": "true"}),
        ("flight", "award", "flown", "flights", "award", {"ticket_type": "revenue"}),
        ("award", "peak", "off_peak", "awards", "peak", {"season": "off_peak"}),
        ("mixed-payment", "few", "miles", "payments", "few", {"miles": 500}),
        ("mixed-payment", "share", "miles", "payments", "share", {"miles": 600}),
        ("mixed-payment", "channel", "channel", "payments", "channel", {"channel": "mobile"}),
    ],
)
def test_what_a_change_promises_comes_true(
    workspace: Path,
    tmp_path: Path,
    kind: str,
    key: str,
    name: str,
    part: str,
    row: str,
    other: Row,
) -> None:
    """The row is delivered with it, and the month closed anew."""
    promised = change(asked(workspace, kind, id=key), name)
    assert {each: promised[each] for each in ("miles",) if each in promised and each in other} == {
        each: other[each] for each in ("miles",) if each in other
    }
    folder = _publish(tmp_path / "then", _with(part, row, **other), f"miles {MONTH}")
    then = _row(folder, kind, key)
    assert promised["gives"]
    assert promised["gives"] == {column: then[column] for column in promised["gives"]}


@pytest.mark.parametrize(("kind", "key"), [("award", "dear"), ("mixed-payment", "many")])
def test_miles_more_give_what_was_promised(
    workspace: Path, tmp_path: Path, kind: str, key: str
) -> None:
    """A flight of as many miles on the day; of one fewer they do not suffice."""
    promised = change(asked(workspace, kind, id=key), "more")
    assert promised["gives"] == {"status": "accepted", "reason": None}
    on = {"award": "2021-05-21", "mixed-payment": "2021-05-22"}[kind]
    for fewer in (1, 0):
        flight = {"flight_date": on, "distance_miles": promised["miles"] - fewer}
        parts = _with("flights", "more", **flight)
        folder = _publish(tmp_path / f"fewer-{fewer}", parts, f"miles {MONTH}")
        assert _row(folder, kind, key)["status"] == ("rejected" if fewer else "accepted")


def test_a_payment_that_was_accepted_says_how_many_miles_would_be_too_many(
    workspace: Path,
) -> None:
    promised = change(asked(workspace, "mixed-payment", id="taken"), "miles")
    assert promised["said"] == "more"
    assert promised["gives"]["status"] == "rejected"


def test_an_id_is_looked_up_by_month_and_member_too(workspace: Path) -> None:
    known: list[Row] = [{"month": MONTH}, {"member": "M"}, {"month": MONTH, "member": "M"}]
    for given in known:
        assert asked(workspace, "award", id="taken", **given)["answer"]["status"] == "accepted"
    unknown: list[Row] = [{"id": "missing"}, {"id": "taken", "member": "IDLE"}]
    for given in unknown:
        with pytest.raises(NotReady, match="is in no published award_results"):
            asked(workspace, "award", **given)
    with pytest.raises(NotReady, match="pointbook elite --year 2023"):
        asked(workspace, "elite", member="M", year=2023)
