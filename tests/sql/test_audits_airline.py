"""Every audit of the airline's is silent on sound tables and returns the rows that break it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pytest

from tests.sql.test_audits import (
    SHIPPED,
    Breaches,
    Row,
    Rows,
    Sound,
    audits_of_room,
    each_breach,
    offences,
)
from transforms.engine.duckdb import DuckDBEngine
from transforms.policies.policy import Policies

AUDITS: Final = audits_of_room("mileage")
CONTEXT: Final = pa.table(
    {
        "first_day": [date(2021, 12, 1)],
        "day_after": [date(2022, 1, 1)],
        "last_second": pa.array([datetime(2021, 12, 31, 23, 59, 59)], pa.timestamp("us")),
        "status_from": [date(2022, 2, 1)],
    }
)
POLICIES: Final = ("accrual_rates", "elite_miles", "elite_flights")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path_factory.mktemp("scratch"), memory="500MB", threads=1) as started:
        started.table("run_context", CONTEXT)
        policies = Policies.load(SHIPPED)
        for name in POLICIES:
            started.table(f"policy_{name}", policies.relation(name))
        yield started


def accrual(name: str, distance: int, miles: int, reason: str | None = None) -> Row:
    """A flight in class Q, which earns a quarter of the distance."""
    return {
        "month": "2021-12",
        "activity_id": name,
        "member_id": "ann",
        "flight_date": date(2021, 12, 1),
        "origin": "ICN",
        "destination": "NRT",
        "booking_class": "Q",
        "distance": distance,
        "distance_source": "delivered",
        "distance_suspect": False,
        "rate": None if reason else 25,
        "miles": miles,
        "half_flights": 0 if reason else 2,
        "reason": reason,
    }


def lot(name: str, credited: int, remaining: int, expires_on: date | None = None) -> Row:
    return {
        "month": "2021-12",
        "lot_id": name,
        "member_id": "ann",
        "credited_on": date(2021, 12, 1),
        "expires_on": expires_on,
        "credited": credited,
        "remaining": remaining,
    }


def entry(lot_id: str, source: str, kind: str, day: int, miles: int) -> Row:
    return {
        "month": "2021-12",
        "member_id": "ann",
        "lot_id": lot_id,
        "source_id": source,
        "kind": kind,
        "occurred_at": datetime(2021, 12, day),
        "miles": miles,
    }


def movement(kind: str, lots: int, miles: int, expires_month: str | None = None) -> Row:
    return {
        "month": "2021-12",
        "lot_kind": "flight",
        "credited_month": "2021-12",
        "expires_month": expires_month,
        "movement": kind,
        "lots": lots,
        "members": 1,
        "miles": miles,
    }


def award(name: str, miles: int | None, reason: str | None = None) -> Row:
    return {
        "month": "2021-12",
        "request_id": name,
        "member_id": "ann",
        "requested_at": datetime(2021, 12, 5),
        "kind": "ticket",
        "origin": "ICN",
        "destination": "FUK",
        "cabin": "economy",
        "season": "off_peak",
        "trip": "one_way",
        "chart": None if miles is None else "distance",
        "band": None if miles is None else "0",
        "miles": miles,
        "status": "rejected" if reason else "accepted",
        "reason": reason,
    }


def payment(name: str, miles: int, reason: str | None = None) -> Row:
    """At 1.25 won a mile, of a fare of 1,000 with 50 of surcharge and taxes."""
    value = None if reason else miles * 125 // 100
    return {
        "month": "2021-12",
        "payment_id": name,
        "member_id": "ann",
        "paid_at": datetime(2021, 12, 6),
        "fare": 1_000,
        "miles": miles,
        "krw_per_mile": Decimal("1.25"),
        "miles_value_krw": value,
        "cash_due": None if value is None else 1_050 - value,
        "status": "rejected" if reason else "accepted",
        "reason": reason,
    }


def delivered_payment(name: str) -> Row:
    return {"payment_id": name, "fuel_surcharge": 30, "taxes": 20}


def status(
    name: str, miles: int, half_flights: int, missing: tuple[int | None, int | None], *of: str
) -> Row:
    """`missing`: to the next by miles and by flights; `of`: the statuses by these, and the last."""
    by_miles, by_flights, both = of
    return {
        "status_year": 2022,
        "member_id": name,
        "qualifying_miles": miles,
        "qualifying_half_flights": half_flights,
        "status_by_miles": by_miles,
        "status_by_flights": by_flights,
        "status": both,
        "valid_from": date(2022, 2, 1),
        "valid_to": date(2023, 1, 31),
        "policy": "",
        "missing_to_next": missing[0],
        "missing_half_flights_to_next": missing[1],
    }


def sound() -> Rows:
    """Ann opens with a lot of 100, flies for 250, spends 130 on an award and 21 with a fare.

    Two lots expire with the year: one of before with 10 left, and a new one with 20.
    """
    ended = date(2021, 12, 31)
    return {
        "flights": [{"activity_id": name} for name in ("f1", "f2", "f3")],
        "award_requests": [{"request_id": name} for name in ("a1", "a2", "a3")],
        "mixed_payments": [delivered_payment(name) for name in ("p1", "p2")],
        "mileage_accruals": [
            accrual("f1", 1_002, 251),
            accrual("f2", 80, 20),
            accrual("f3", 500, 0, "not_flown"),
        ],
        "opening_mileage_lots": [lot("old", 200, 100), lot("ends", 50, 10, ended)],
        "mileage_lots_at_hand": [
            lot("old", 200, 100),
            lot("ends", 50, 10, ended),
            lot("new", 251, 251),
            lot("short", 20, 20, ended),
        ],
        "mileage_entries": [
            entry("ends", "ends", "expiry", 31, -10),
            entry("new", "new", "flight", 1, 251),
            entry("new", "a1", "award", 5, -30),
            entry("new", "p1", "mixed_payment", 6, -21),
            entry("old", "a1", "award", 5, -100),
            entry("short", "short", "expiry", 31, -20),
            entry("short", "short", "flight", 1, 20),
        ],
        "mileage_lots": [lot("new", 251, 200)],
        "mileage_balances": [
            {
                "month": "2021-12",
                "member_id": "ann",
                "opening": 110,
                "credited": 271,
                "spent": 151,
                "expired": 30,
                "closing": 200,
            }
        ],
        "mileage_movements": [
            movement("credit", 1, 20, "2021-12"),
            movement("expiry", 2, -30, "2021-12"),
            movement("award", 2, -130),
            movement("credit", 1, 251),
            movement("mixed_payment", 1, -21),
        ],
        "award_results": [
            award("a1", 130),
            award("a2", 10_000, "insufficient_miles"),
            award("a3", None, "not_offered"),
        ],
        "mixed_payment_results": [payment("p1", 21), payment("p2", 400, "above_share")],
        "members": [
            {"member_id": name, "enrolled_on": date(2021, 12, 31)}
            for name in ("by-both", "by-flights", "by-miles", "nothing")
        ]
        + [{"member_id": "later", "enrolled_on": date(2022, 1, 1)}],
        "elite_status": [
            status("by-both", 69_999, 139, (1, 1), "gold", "gold", "gold"),
            status("by-flights", 9_999, 1_000, (1, None), "none", "platinum", "platinum"),
            status("by-miles", 100_000, 19, (None, 1), "diamond", "none", "diamond"),
            status("nothing", 0, 0, (10_000, 20), "none", "none", "none"),
        ],
    }


SOUND: Final = Sound(sound)
broken, doubled, without = SOUND.broken, SOUND.doubled, SOUND.without


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_silent_on_sound_tables(engine: DuckDBEngine, audit: str) -> None:
    assert offences(engine, audit, sound()) == []


BREACHES: Final[Breaches] = {
    "mileage_accruals__every_flight_answered": [
        ("a flight lost", without("mileage_accruals", 2)),
        ("a flight too many", without("flights", 2)),
    ],
    "mileage_accruals__miles_follow_rates": [
        ("half a mile rounded down", broken("mileage_accruals", 0, miles=250)),
        ("a mile too much", broken("mileage_accruals", 1, miles=21)),
        ("another rate", broken("mileage_accruals", 1, rate=100, miles=80)),
        ("another class", broken("mileage_accruals", 1, booking_class="P")),
        ("a class without a rate", broken("mileage_accruals", 1, booking_class="Z")),
        ("no miles", broken("mileage_accruals", 1, miles=None)),
        ("no distance", broken("mileage_accruals", 1, distance=None, distance_source=None)),
        ("a distance from nowhere", broken("mileage_accruals", 2, distance_source=None)),
        ("miles for nothing", broken("mileage_accruals", 2, miles=1)),
        ("a flight for nothing", broken("mileage_accruals", 2, half_flights=2)),
        ("a rate for nothing", broken("mileage_accruals", 2, rate=25)),
    ],
    "mileage_entries__within_the_lot": [
        ("no lot", without("mileage_lots_at_hand", 0)),
        ("before its credit", broken("mileage_entries", 2, occurred_at=datetime(2021, 11, 30))),
        ("after its end", broken("mileage_entries", 0, occurred_at=datetime(2022, 1, 1))),
        ("spent upwards", broken("mileage_entries", 2, miles=30)),
        ("credited downwards", broken("mileage_entries", 1, miles=-251)),
        ("another member's", broken("mileage_entries", 2, member_id="bob")),
    ],
    "mileage_lots__entries_add_up": [
        ("a mile lost", broken("mileage_lots", 0, remaining=199)),
        ("a lot lost", without("mileage_lots", 0)),
        ("an entry lost", without("mileage_entries", 3)),
        ("a lot of before lost", without("opening_mileage_lots", 1)),
    ],
    "mileage_lots__within_their_credit": [
        ("empty", broken("mileage_lots", 0, remaining=0)),
        ("more than was credited", broken("mileage_lots", 0, remaining=252)),
        ("credited later", broken("mileage_lots", 0, credited_on=date(2022, 1, 1))),
        ("lapsed", broken("mileage_lots", 0, expires_on=date(2021, 12, 31))),
    ],
    "mileage_balances__add_up": [
        ("a mile too much", broken("mileage_balances", 0, closing=201)),
        ("below 0", broken("mileage_balances", 0, spent=-1, closing=352)),
        ("nothing", broken("mileage_balances", 0, closing=None)),
    ],
    "mileage_balances__total_ties": [
        ("more before", broken("mileage_balances", 0, opening=111)),
        ("more moved", broken("mileage_balances", 0, credited=272)),
        ("more after", broken("mileage_balances", 0, closing=201)),
        ("no balances", without("mileage_balances", 0)),
        ("no entries", {**sound(), "mileage_entries": []}),
    ],
    "mileage_movements__total_ties": [
        ("a mile too much", broken("mileage_movements", 0, miles=21)),
        ("no balances", without("mileage_balances", 0)),
        ("no movements", {**sound(), "mileage_movements": []}),
    ],
    "mileage_movements__lead_to_the_lots": [
        ("a mile too much", broken("mileage_movements", 0, miles=21)),
        ("a movement lost", without("mileage_movements", 4)),
        ("a lot lost", without("mileage_lots", 0)),
    ],
    "award_results__entries_cover": [
        ("a mile short", broken("mileage_entries", 2, miles=-29)),
        ("rejected, and taken", broken("award_results", 0, status="rejected", reason="x")),
        ("accepted, and not taken", broken("award_results", 1, status="accepted", reason=None)),
        ("accepted with a reason", broken("award_results", 0, reason="not_offered")),
        ("never asked for", without("award_results", 0)),
    ],
    "award_results__every_request_answered": [
        ("a request lost", without("award_results", 1)),
        ("a request too many", without("award_requests", 1)),
    ],
    "award_results__priced_above_zero": [
        ("for nothing", broken("award_results", 0, miles=0)),
        ("no price", broken("award_results", 1, miles=None)),
        ("no chart", broken("award_results", 1, chart=None)),
        ("no band", broken("award_results", 1, band=None)),
    ],
    "mixed_payment_results__entries_cover": [
        ("a mile short", broken("mileage_entries", 3, miles=-20)),
        ("rejected, and taken", broken("mixed_payment_results", 0, status="rejected", reason="x")),
        (
            "accepted, and not taken",
            broken("mixed_payment_results", 1, status="accepted", reason=None),
        ),
        ("never asked for", without("mixed_payment_results", 0)),
    ],
    "mixed_payment_results__every_payment_answered": [
        ("a payment lost", without("mixed_payment_results", 1)),
        ("a payment too many", without("mixed_payments", 1)),
    ],
    "mixed_payment_results__won_add_up": [
        ("rounded up", broken("mixed_payment_results", 0, miles_value_krw=27, cash_due=1_023)),
        (
            "a won too little",
            broken("mixed_payment_results", 0, miles_value_krw=25, cash_due=1_025),
        ),
        ("a won lost", broken("mixed_payment_results", 0, cash_due=1_023)),
        ("nothing due", broken("mixed_payment_results", 0, cash_due=None)),
        ("no value", broken("mixed_payment_results", 0, miles_value_krw=None)),
        ("rejected, and paid", broken("mixed_payment_results", 1, miles_value_krw=500)),
    ],
    "elite_status__every_member_assessed": [
        ("a member lost", without("elite_status", 3)),
        ("a member too many", without("members", 3)),
    ],
    "elite_status__statuses_follow_policy": [
        ("below the mark", broken("elite_status", 0, qualifying_miles=39_999)),
        ("at the next mark", broken("elite_status", 0, qualifying_miles=70_000)),
        ("too few flights", broken("elite_status", 0, qualifying_half_flights=79)),
        ("flights of the next", broken("elite_status", 0, qualifying_half_flights=140)),
        ("diamond by flights", broken("elite_status", 1, status_by_flights="diamond")),
        ("not the higher", broken("elite_status", 1, status="none")),
        ("higher than both", broken("elite_status", 1, status="diamond")),
        ("an unknown status", broken("elite_status", 3, status="bronze")),
        ("no status", broken("elite_status", 3, status_by_miles=None)),
        ("a mile less to the next", broken("elite_status", 0, missing_to_next=0)),
        ("miles to none", broken("elite_status", 2, missing_to_next=1)),
        ("no flight to the next", broken("elite_status", 3, missing_half_flights_to_next=None)),
    ],
}


@pytest.mark.parametrize(("audit", "rows"), each_breach(BREACHES))
def test_an_audit_returns_the_one_offending_row(
    engine: DuckDBEngine, audit: str, rows: Rows
) -> None:
    assert len(offences(engine, audit, rows)) == 1


def test_every_audit_has_been_seen_to_fail() -> None:
    assert sorted(BREACHES) == AUDITS
