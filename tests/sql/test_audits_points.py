"""Every audit of the points ledger is silent on sound tables and returns the rows that break it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sql.test_audits import (
    Breaches,
    Row,
    Rows,
    Sound,
    audits_of_room,
    each_breach,
    offences,
    tables_of,
)
from transforms.engine import scale
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform

AUDITS: Final = audits_of_room("points")
APART: Final = [name for name in AUDITS if "apart" in load_transform(f"audits/{name}").header]
CONTEXT: Final = pa.table({"last_day": [date(2016, 3, 31)], "noticed_on": [date(2016, 3, 1)]})


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path_factory.mktemp("scratch"), memory="500MB", threads=1) as started:
        started.table("run_context", CONTEXT)
        yield started


def entry(customer: str, lot: str, source: str, kind: str, day: int, points: int) -> Row:
    """Of a lot of the same customer that was credited on the 1st and lapses on 30 June."""
    return {
        "period": "2016-03",
        "customer_id": customer,
        "lot_id": lot,
        "source_id": source,
        "kind": kind,
        "occurred_at": datetime(2016, 3, day),
        "points": points,
        "cause": "validity" if kind == "expiry" else None,
        "lot_kind": "promotion",
        "credited_on": date(2016, 3, 1),
        "expires_on": date(2016, 6, 30),
        "refundable": True,
        "credited": 100,
    }


def lot(customer: str, lot_id: str, remaining: int) -> Row:
    return {
        "period": "2016-03",
        "lot_id": lot_id,
        "customer_id": customer,
        "kind": "promotion",
        "credited_on": date(2016, 3, 1),
        "expires_on": date(2016, 6, 30),
        "refundable": True,
        "credited": 100,
        "remaining": remaining,
    }


def balance(customer: str, opening: int, *moved: int, usable: int | None = None) -> Row:
    """`moved`: credited, spent, restored, expired."""
    credited, spent, restored, expired = moved
    closing = opening + credited - spent + restored - expired
    return {
        "period": "2016-03",
        "customer_id": customer,
        "opening": opening,
        "credited": credited,
        "spent": spent,
        "restored": restored,
        "expired": expired,
        "closing": closing,
        "usable": closing if usable is None else usable,
    }


def movement(kind: str, lots: int, customers: int, points: int, cause: str | None = None) -> Row:
    """Of lots that were credited in March and lapse in June."""
    return {
        "period": "2016-03",
        "lot_kind": "promotion",
        "credited_month": "2016-03",
        "expires_month": "2016-06",
        "movement": kind,
        "cause": cause,
        "left": False,
        "lots": lots,
        "customers": customers,
        "points": points,
    }


def redemption(name: str, customer: str, points: int, reason: str | None = None) -> Row:
    return {
        "month": "2016-03",
        "redemption_id": name,
        "customer_id": customer,
        "used_at": datetime(2016, 3, 10),
        "benefit": "partner_discount",
        "partner": "cafe",
        "points": points,
        "cancels": None,
        "status": "rejected" if reason else "accepted",
        "reason": reason,
    }


def refund(name: str, points: int, reason: str | None = None) -> Row:
    paid = None if reason else points
    return {
        "month": "2016-03",
        "application_id": name,
        "customer_id": "ann",
        "applied_at": datetime(2016, 3, 11),
        "points": points,
        "method": "cash",
        "fee": None if reason else 0,
        "amount_krw": paid,
        "pay_on": None if reason else date(2016, 3, 16),
        "status": "rejected" if reason else "accepted",
        "reason": reason,
    }


def sound() -> Rows:
    """Ann opens with a lot, is credited another, spends, cancels and is refunded; Bob loses one.

    (A month has no expiries and a year end no redemptions; the audits read both alike.)
    """
    results = [
        redemption("R1", "ann", 150),
        redemption("R2", "ann", 30),
        redemption("R3", "ann", 999, "insufficient_points"),
        redemption("X1", "ann", 0) | {"cancels": "R1"},
        redemption("X2", "ann", 0) | {"cancels": "R0"},
        redemption("X3", "ann", 0, "not_accepted") | {"cancels": "R3"},
    ]
    refunds = [refund("F1", 20), refund("F2", 500, "insufficient_refundable_points")]
    return {
        "opening_lots": [lot("ann", "a", 80), lot("bob", "b", 40)],
        "point_entries": [
            entry("ann", "a", "R1", "redemption", 10, -80),
            entry("ann", "a", "X1", "cancellation", 12, 80),
            entry("ann", "a", "R2", "redemption", 14, -30),
            entry("ann", "a", "F1", "refund", 14, -20),
            entry("ann", "c", "c", "promotion", 1, 100),
            entry("ann", "c", "R1", "redemption", 10, -70),
            entry("ann", "c", "X1", "cancellation", 12, 70),
            entry("ann", "d", "X2", "cancellation", 12, 5),
            entry("bob", "b", "b", "expiry", 31, -40),
            entry("bob", "e", "e", "promotion", 1, 100),
            entry("bob", "e", "e", "extension", 31, 0),
        ],
        "point_lots": [
            lot("ann", "a", 30),
            lot("ann", "c", 100),
            lot("ann", "d", 5),
            lot("bob", "e", 100),
        ],
        "point_balances": [balance("ann", 80, 100, 200, 155, 0), balance("bob", 40, 100, 0, 0, 40)],
        "point_liability": [
            {
                "period": "2016-03",
                "expires_on": date(2016, 6, 30),
                "kind": "promotion",
                "usable": True,
                "customers": 2,
                "lots": 4,
                "points": 235,
            }
        ],
        "point_movements": [
            movement("cancellation", 3, 1, 155),
            movement("change", 1, 1, -7),
            movement("change", 1, 1, 7),
            movement("credit", 2, 2, 200),
            movement("expiry", 1, 1, -40, "validity"),
            movement("extension", 1, 1, 0),
            movement("redemption", 2, 1, -180),
            movement("refund", 1, 1, -20),
        ],
        "point_exceptions": [
            {
                "month": "2016-03",
                "source_id": "promotion:P9",
                "customer_id": "nobody",
                "kind": "promotion",
                "points": 7,
                "reason": "unknown_customer",
            }
        ],
        "customers": [{"customer_id": "ann"}, {"customer_id": "bob"}],
        "customers_spans": [
            {"customer_id": "ann", "joined_on": date(2015, 1, 1)},
            {
                "customer_id": "bob",
                "joined_on": date(2015, 1, 1),
                "terminated_on": date(2016, 3, 2),
            },
        ],
        "redemptions": [_delivered(row) for row in results],
        "redemption_results": results,
        "refund_applications": [_delivered(row) for row in refunds],
        "refund_results": refunds,
        "earlier_results": [redemption("R0", "ann", 5), redemption("R0", "bob", 5)],
        "earlier_entries": [
            entry("ann", "d", "R0", "redemption", 1, -5),
            entry("ann", "d", "F0", "refund", 1, -6),
        ],
        "expiry_notices": [
            {
                "month": "2016-03",
                "customer_id": name,
                "expires_on": date(2016, 6, 30),
                "cause": "validity",
                "lead_months": 3,
                "points": points,
                "reachable": True,
            }
            for name, points in (("ann", 80), ("bob", 40))
        ],
        "expiry_sweep": [
            {
                "year": 2016,
                "lot_id": "b",
                "customer_id": "bob",
                "kind": "promotion",
                "points": 40,
                "expires_on": date(2016, 6, 30),
                "cause": "validity",
                "noticed_month": None,
                "untold": "not_run",
            }
        ],
    }


def _delivered(answer: Row) -> Row:
    made = {"status", "reason", "month", "fee", "amount_krw", "pay_on"}
    return {name: value for name, value in answer.items() if name not in made}


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_silent_on_sound_tables(engine: DuckDBEngine, audit: str) -> None:
    assert offences(engine, audit, sound()) == []


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_silent_on_empty_tables(engine: DuckDBEngine, audit: str) -> None:
    assert offences(engine, audit, {name: [] for name in sound()}) == []


SOUND: Final = Sound(sound)
broken, doubled, without = SOUND.broken, SOUND.doubled, SOUND.without


def with_one_more(table: str, row: Row) -> Rows:
    rows = sound()
    rows[table].append(row)
    return rows


ONE_TOO_MANY: Final = redemption("X9", "ann", 1) | {"cancels": "R1"}
BACK_AGAIN: Final = entry("ann", "a", "X9", "cancellation", 14, 1)


def cancelled_again(results: str, entries: str) -> Rows:
    """The tables with a point more given back of R1."""
    rows = with_one_more(results, ONE_TOO_MANY)
    rows[entries].append(BACK_AGAIN)
    return rows


NOTHING: Final = {"expires_on": date(2016, 6, 30), "kind": "payment", "lots": 1, "points": 1}
BREACHES: Final[Breaches] = {
    "point_balances__add_up": [
        ("a point too much", broken("point_balances", 0, opening=81)),
        ("spent twice", broken("point_balances", 0, spent=201)),
        ("restored too little", broken("point_balances", 0, restored=154)),
        ("an expiry forgotten", broken("point_balances", 1, expired=0)),
        ("no closing", broken("point_balances", 1, closing=None)),
        ("below 0", broken("point_balances", 1, opening=-1, credited=141)),
        ("more usable than there is", broken("point_balances", 1, usable=101)),
    ],
    "point_balances__total_ties": [
        ("a customer lost", without("point_balances", 1)),
        ("an entry lost", without("point_entries", 2)),
        ("an opening lot lost", without("opening_lots", 0)),
        ("a lot lost", without("point_lots", 0)),
        ("no balances", {**sound(), "point_balances": []}),
    ],
    "point_lots__within_their_credit": [
        ("above the credit", broken("point_lots", 1, remaining=101)),
        ("empty", broken("point_lots", 1, remaining=0)),
        ("negative", broken("point_lots", 1, remaining=-1)),
    ],
    "point_lots__entries_add_up": [
        ("a point too much", broken("point_lots", 0, remaining=31)),
        ("an entry lost", without("point_entries", 2)),
        ("a lot lost", without("point_lots", 1)),
        (
            "spent from a lot that is not there",
            with_one_more("point_entries", entry("ann", "z", "R2", "redemption", 14, -1)),
        ),
    ],
    "point_entries__extended_lots_stay": [
        (
            "not there",
            with_one_more("point_entries", entry("ann", "z", "z", "extension", 31, 0)),
        ),
        ("another day", broken("point_lots", 3, expires_on=date(2016, 6, 29))),
    ],
    "point_entries__within_the_lot": [
        (
            "spent after expiry",
            broken("point_entries", 0, expires_on=date(2016, 3, 9)),
        ),
        ("spent before credit", broken("point_entries", 0, credited_on=date(2016, 3, 11))),
        ("refunded after expiry", broken("point_entries", 3, expires_on=date(2016, 3, 13))),
        ("given back before credit", broken("point_entries", 1, credited_on=date(2016, 3, 13))),
        ("a redemption that adds", broken("point_entries", 0, points=80)),
        ("a cancellation that takes", broken("point_entries", 1, points=-80)),
        ("a credit of nothing", broken("point_entries", 4, points=0)),
        ("a credit on another day", broken("point_entries", 4, occurred_at=datetime(2016, 3, 2))),
        ("a credit of another source", broken("point_entries", 4, source_id="P1")),
        ("an expiry that adds", broken("point_entries", 8, points=40)),
        ("an expiry without a cause", broken("point_entries", 8, cause=None)),
        ("a redemption with a cause", broken("point_entries", 0, cause="validity")),
        ("an extension that moves points", broken("point_entries", 10, points=1)),
    ],
    "point_entries__no_double_expiry": [
        (
            "expired twice",
            with_one_more("point_entries", entry("bob", "b", "b2", "expiry", 31, -1)),
        ),
        ("something is left", with_one_more("point_lots", lot("bob", "b", 1))),
    ],
    "point_entries__refunds_of_refundable_lots": [
        ("promotional points", broken("point_entries", 3, refundable=False)),
    ],
    "point_liability__adds_up_to_the_lots": [
        ("a point too much", broken("point_liability", 0, points=236)),
        ("a lot too few", broken("point_liability", 0, lots=3)),
        ("not usable", broken("point_liability", 0, usable=False)),
        ("a row lost", without("point_liability", 0)),
        ("a row for nothing", with_one_more("point_liability", NOTHING)),
    ],
    "point_movements__total_ties": [
        ("a point too much", broken("point_movements", 0, points=156)),
        ("a customer lost", without("point_balances", 1)),
        ("no movements", {**sound(), "point_movements": []}),
    ],
    "point_movements__changes_cancel_out": [
        ("a point made", broken("point_movements", 2, points=8)),
        ("nothing taken", without("point_movements", 1)),
        ("an extension of points", broken("point_movements", 5, points=1)),
    ],
    "point_movements__lead_to_the_lots": [
        ("a point too much", broken("point_movements", 3, points=201)),
        ("a movement lost", without("point_movements", 6)),
        ("a lot lost", without("point_lots", 1)),
        ("no lots before", {**sound(), "opening_lots": []}),
    ],
    "point_exceptions__customers_unknown": [
        ("a known customer", broken("point_exceptions", 0, customer_id="ann")),
    ],
    "redemption_results__every_redemption_answered": [
        ("no answer", without("redemption_results", 1)),
        ("not asked", without("redemptions", 1)),
    ],
    "refund_results__every_application_answered": [
        ("no answer", without("refund_results", 1)),
        ("not asked", without("refund_applications", 1)),
    ],
    "redemption_results__entries_cover": [
        ("a point too few", broken("point_entries", 2, points=-29)),
        ("nothing taken", without("point_entries", 2)),
        ("rejected, and taken", broken("redemption_results", 1, status="rejected", reason="x")),
        ("rejected without a reason", broken("redemption_results", 2, reason=None)),
        ("accepted for a reason", broken("redemption_results", 1, reason="monthly_limit")),
        (
            "taken unasked",
            with_one_more("point_entries", entry("ann", "a", "R8", "redemption", 14, -1)),
        ),
    ],
    "refund_results__entries_cover": [
        ("a point too few", broken("point_entries", 3, points=-19)),
        ("nothing taken", without("point_entries", 3)),
        ("rejected, and taken", broken("refund_results", 0, status="rejected", reason="x")),
        ("rejected without a reason", broken("refund_results", 1, reason=None)),
    ],
    "redemption_results__cancellations_give_back": [
        ("a point too few", broken("redemption_results", 3, points=151)),
        ("a point too many", broken("redemption_results", 3, points=149)),
        ("for nothing asked", with_one_more("point_entries", BACK_AGAIN)),
        ("rejected, and given back", broken("redemption_results", 4, status="rejected")),
    ],
    "redemption_results__no_more_than_taken": [
        ("a point too few", broken("point_entries", 1, points=79)),
        ("a point too many", broken("point_entries", 1, points=81)),
        ("a lot forgotten", without("point_entries", 6)),
        ("more lots than were taken from", without("point_entries", 5)),
        ("an earlier month's forgotten", without("point_entries", 7)),
        ("an earlier month's too much", broken("point_entries", 7, points=6)),
        ("twice in the month", cancelled_again("redemption_results", "point_entries")),
        ("in an earlier month", cancelled_again("earlier_results", "earlier_entries")),
    ],
    "refund_results__amounts_add_up": [
        ("a won too much", broken("refund_results", 0, amount_krw=21)),
        ("no fee", broken("refund_results", 0, fee=None)),
        ("a negative fee", broken("refund_results", 0, fee=-1, amount_krw=21)),
        ("never paid", broken("refund_results", 0, pay_on=None)),
        ("paid before it was applied for", broken("refund_results", 0, pay_on=date(2016, 3, 10))),
        ("rejected, and paid", broken("refund_results", 1, amount_krw=500)),
    ],
    "expiry_notices__customers_stay": [
        ("left on the day", broken("customers_spans", 1, terminated_on=date(2016, 3, 1))),
        ("not known", broken("expiry_notices", 0, customer_id="nobody")),
    ],
    "expiry_notices__within_the_lots": [
        ("a point too much", broken("expiry_notices", 0, points=81)),
        ("for inactivity", broken("expiry_notices", 0, points=81, cause="inactivity")),
        ("no lots", without("opening_lots", 0)),
    ],
    "expiry_sweep__equals_the_entries": [
        ("a point too much", broken("expiry_sweep", 0, points=41)),
        ("another cause", broken("expiry_sweep", 0, cause="inactivity")),
        ("a row lost", without("expiry_sweep", 0)),
        ("an entry lost", without("point_entries", 8)),
    ],
}


@pytest.mark.parametrize(("audit", "rows"), each_breach(BREACHES))
def test_an_audit_returns_the_one_offending_row(
    engine: DuckDBEngine, audit: str, rows: Rows
) -> None:
    assert len(offences(engine, audit, rows)) == 1


def test_every_audit_has_been_seen_to_fail() -> None:
    assert sorted(BREACHES) == AUDITS


@pytest.mark.parametrize(
    ("audit", "rows", "breaks"),
    [
        *((audit, sound(), False) for audit in APART),
        *((audit, rows, True) for audit in APART for _, rows in BREACHES[audit]),
    ],
)
def test_a_claim_that_is_looked_into_range_by_range_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audit: str, rows: Rows, breaks: bool
) -> None:
    looked_into: list[str] = []

    def telling(files: list[Path], column: str, ranges: int) -> list[str]:
        looked_into.extend(bounds(files, column, ranges))
        return looked_into

    bounds = scale.bounds
    monkeypatch.setattr(scale, "bounds", telling)
    monkeypatch.setattr(scale, "_JOINED_BYTES", 1 << 40)
    claim, tables = load_transform(f"audits/{audit}"), tables_of(rows)
    with DuckDBEngine(tmp_path, memory="500MB", threads=1) as started:
        for name in claim.inputs:
            table = tables[name]
            file = tmp_path / f"{name}.parquet"
            pq.write_table(table.sort_by("customer_id"), file, row_group_size=1)
            started.relation(name, [file], table.schema)
        assert started.has_rows(claim) == breaks
    assert looked_into
