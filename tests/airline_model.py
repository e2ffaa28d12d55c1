"""The mileage month told slowly: a member at a time, a lot at a time, the numbers written out.

It shares nothing with the project but the rules: no policy files, no SQL, no fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from math import floor

REFORM = date(2021, 4, 1)
HOME = {"ICN", "GMP", "CJU"}
PUBLISHED = {frozenset(["GMP", "CJU"]): 276, frozenset(["ICN", "HNL"]): 4_560}
GREAT_CIRCLES = {
    frozenset(["GMP", "CJU"]): 280.12,
    frozenset(["ICN", "HNL"]): 4_569.12,
    frozenset(["ICN", "NRT"]): 780.97,
    frozenset(["ICN", "SIN"]): 2_875.32,
    frozenset(["ICN", "CDG"]): 5_546.74,
    frozenset(["NRT", "SIN"]): 3_329.05,
}
"""The routes of the test; any other has an airport that nobody knows."""
FOREIGN = {
    "NRT": "northeast_asia",
    "SIN": "southeast_asia",
    "HNL": "americas_europe_oceania",
    "CDG": "americas_europe_oceania",
}
RATES = {"P": (200, 300), "D": (125, 150), "Y": (100, 100), "K": (100, 75), "Q": (70, 25)}
BY_REGION = {
    "domestic": {"economy": (5_000, 7_500), "prestige": (6_000, 9_000)},
    "northeast_asia": {
        "economy": (15_000, 22_500),
        "prestige": (22_500, 32_500),
        "first": (32_500, 47_500),
    },
    "southeast_asia": {
        "economy": (20_000, 30_000),
        "prestige": (35_000, 52_500),
        "first": (45_000, 67_500),
    },
    "americas_europe_oceania": {
        "economy": (35_000, 52_500),
        "prestige": (62_500, 92_500),
        "first": (80_000, 120_000),
    },
}
BANDS = [
    (0, 10_000),
    (500, 12_500),
    (1_000, 15_000),
    (1_500, 17_500),
    (2_000, 22_500),
    (3_000, 27_500),
    (4_000, 32_500),
    (5_000, 40_000),
    (6_500, 45_000),
    (10_000, 50_000),
]
BELOW = {"prestige": "economy", "first": "prestige"}


@dataclass(frozen=True)
class Flight:
    activity_id: str
    flight_date: date
    origin: str
    destination: str
    booking_class: str
    operating_carrier: str
    ticket_type: str
    flown: bool
    distance_miles: int | None


@dataclass(frozen=True)
class Award:
    request_id: str
    requested_at: datetime
    kind: str
    origin: str
    destination: str
    cabin: str
    season: str
    trip: str


@dataclass(frozen=True)
class Payment:
    payment_id: str
    paid_at: datetime
    channel: str
    currency: str
    fare: int
    fuel_surcharge: int
    taxes: int
    miles: int
    krw_per_mile: Decimal


@dataclass
class Lot:
    lot_id: str
    credited_on: date
    expires_on: date | None
    credited: int
    remaining: int


@dataclass(frozen=True)
class Accrual:
    distance: int | None
    source: str | None
    suspect: bool
    miles: int
    half_flights: int
    reason: str | None


def accrual(flight: Flight, enrolled_on: date | None) -> Accrual:
    """What a flight earns (F1–F3, E2). `enrolled_on` none: nobody knows the member."""
    route = frozenset([flight.origin, flight.destination])
    great_circle = GREAT_CIRCLES.get(route)
    suspect = False
    if flight.distance_miles is not None:
        distance, source = flight.distance_miles, "delivered"
        if great_circle is not None:
            suspect = abs(distance - great_circle) > great_circle / 10
    elif route in PUBLISHED:
        distance, source = PUBLISHED[route], "published"
    elif great_circle is not None:
        distance, source = floor(great_circle + 0.5), "great_circle"
    else:
        return Accrual(None, None, False, 0, 0, _reason(flight, enrolled_on, False))
    reason = _reason(flight, enrolled_on, great_circle is not None)
    if reason:
        return Accrual(distance, source, suspect, 0, 0, reason)
    rate = RATES[flight.booking_class][flight.flight_date >= REFORM]
    miles = floor(Fraction(distance * rate, 100) + Fraction(1, 2))
    return Accrual(distance, source, suspect, miles, 1 if route <= HOME else 2, None)


def _reason(flight: Flight, enrolled_on: date | None, known_airports: bool) -> str | None:
    if enrolled_on is None:
        return "unknown_member"
    if flight.flight_date < enrolled_on:
        return "before_enrolment"
    if not flight.flown:
        return "not_flown"
    if flight.ticket_type == "award":
        return "award_ticket"
    if flight.operating_carrier != "KE":
        return "partner_carrier"
    if flight.booking_class not in RATES:
        return "unlisted_class"
    return None if known_airports else "unknown_airport"


def price(request: Award) -> tuple[str, str, int] | str:
    """Chart, band and price of a request, or why there is none (W1–W5)."""
    route = frozenset([request.origin, request.destination])
    if route not in GREAT_CIRCLES:
        return "unknown_airport"
    chart = "distance" if request.requested_at.date() >= REFORM else "region"
    legs = 2 if request.trip == "round_trip" else 1
    found = _band(chart, route)
    if found is None:
        return "not_offered"
    band, prices = found
    peak = request.season == "peak"
    if request.cabin not in prices:
        return "not_offered"
    miles = prices[request.cabin][peak]
    if request.kind == "upgrade":
        if request.cabin not in BELOW:
            return "not_offered"
        miles -= prices[BELOW[request.cabin]][peak]
    return chart, band, legs * miles


def _band(chart: str, route: frozenset[str]) -> tuple[str, dict[str, tuple[int, int]]] | None:
    """Where a route stands in a chart, and the off-peak and peak prices there, by cabin."""
    domestic = route <= HOME
    if chart == "region":
        if domestic:
            return "domestic", BY_REGION["domestic"]
        if not route & HOME:
            return None
        (foreign,) = route - HOME
        return FOREIGN[foreign], BY_REGION[FOREIGN[foreign]]
    distance = PUBLISHED.get(route, floor(GREAT_CIRCLES[route] + 0.5))
    band, economy = max(entry for entry in BANDS if entry[0] <= distance)
    name = str(band)
    if domestic:
        name, economy = "domestic", 5_000
    shares = {"economy": 1, "prestige": 2, "first": 3}
    if domestic:
        del shares["first"]
    return name, {
        cabin: (economy * share, economy * share * 3 // 2) for cabin, share in shares.items()
    }


def refusal(payment: Payment) -> str | None:
    """Why a mixed payment is refused, whatever the miles (X1)."""
    if not date(2020, 11, 1) <= payment.paid_at.date() <= date(2022, 12, 31):
        return "outside_programme"
    if payment.channel not in ("web", "mobile"):
        return "channel"
    if payment.currency != "KRW":
        return "currency"
    if payment.miles < 500:
        return "below_minimum"
    if Fraction(payment.krw_per_mile) * payment.miles > Fraction(payment.fare, 5):
        return "above_share"
    return None


@dataclass
class Month:
    """What came of a member's month."""

    accruals: dict[str, Accrual]
    lots: list[Lot]
    entries: list[tuple[str, str, str, int]]
    awards: dict[str, tuple[str | None, tuple[str, str, int] | None]]
    payments: dict[str, tuple[str | None, int | None, int | None]]


def close_month(
    month: str,
    enrolled_on: date | None,
    opening: Sequence[Lot],
    flights: Sequence[Flight],
    awards: Sequence[Award],
    payments: Sequence[Payment],
    validity: int | None,
) -> Month:
    """One member's month (F4, W5, X1, X2): what happens, in the order in which it does."""
    lots = [Lot(**vars(lot)) for lot in opening]
    result = Month({}, lots, [], {}, {})
    happenings: list[tuple[datetime, int, str, Flight | Award | Payment]] = []
    for flight in flights:
        at = datetime(*flight.flight_date.timetuple()[:3])
        happenings.append((at, 0, flight.activity_id, flight))
    happenings += [(award.requested_at, 1, award.request_id, award) for award in awards]
    happenings += [(payment.paid_at, 2, payment.payment_id, payment) for payment in payments]
    for _, _, name, what in sorted(happenings, key=lambda happening: happening[:3]):
        if isinstance(what, Flight):
            earned = accrual(what, enrolled_on)
            result.accruals[name] = earned
            if earned.miles > 0:
                ends = None
                if validity is not None:
                    ends = date(what.flight_date.year + validity, 12, 31)
                lot_id = f"flight:{name}"
                lots.append(Lot(lot_id, what.flight_date, ends, earned.miles, earned.miles))
                result.entries.append((lot_id, lot_id, "flight", earned.miles))
        elif isinstance(what, Award):
            found = "unknown_member" if enrolled_on is None else price(what)
            if isinstance(found, str):
                result.awards[name] = (found, None)
            elif _spend(result, found[2], name, "award"):
                result.awards[name] = (None, found)
            else:
                result.awards[name] = ("insufficient_miles", found)
        else:
            reason = "unknown_member" if enrolled_on is None else refusal(what)
            if reason is None and not _spend(result, what.miles, name, "mixed_payment"):
                reason = "insufficient_miles"
            value = due = None
            if reason is None:
                value = floor(Fraction(what.krw_per_mile) * what.miles)
                due = what.fare + what.fuel_surcharge + what.taxes - value
            result.payments[name] = (reason, value, due)
    if month.endswith("-12"):
        for lot in lots:
            if lot.expires_on is not None and lot.expires_on <= date(int(month[:4]), 12, 31):
                if lot.remaining:
                    result.entries.append((lot.lot_id, lot.lot_id, "expiry", -lot.remaining))
                lot.remaining = 0
    result.lots = [lot for lot in lots if lot.remaining]
    return result


def _spend(result: Month, miles: int, source: str, kind: str) -> bool:
    """Takes the miles one by one from the oldest lots; nothing where they don't suffice."""
    if sum(lot.remaining for lot in result.lots) < miles:
        return False
    for lot in sorted(result.lots, key=lambda lot: (lot.credited_on, lot.lot_id)):
        taken = min(miles, lot.remaining)
        if taken:
            lot.remaining -= taken
            miles -= taken
            result.entries.append((lot.lot_id, source, kind, -taken))
    return True
