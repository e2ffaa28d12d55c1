"""The airline's members and what they do: flights, awards, payments in miles."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.sample.draws import (
    Draws,
    Floats,
    Ints,
    choose,
    day,
    first_day,
    frame,
    numbered,
    optional,
    pick,
)
from transforms.sample.telecom import Rows

_ROUTES: Final = [
    ("ICN", "FUK", 345),
    ("ICN", "PVG", 510),
    ("ICN", "HNL", 4_560),
    ("ICN", "SIN", 2_875),
    ("ICN", "CDG", 5_580),
    ("GMP", "CJU", 276),
    ("GMP", "PUS", 215),
    ("ICN", "PUS", 215),
    ("PUS", "CJU", 180),
    ("GMP", "HND", 735),
    ("ICN", "NRT", 780),
    ("ICN", "KIX", 540),
    ("ICN", "HKG", 1_290),
    ("ICN", "TPE", 915),
    ("ICN", "PEK", 568),
    ("ICN", "VVO", 465),
    ("ICN", "ULN", 1_240),
    ("ICN", "MNL", 1_625),
    ("ICN", "HAN", 1_690),
    ("ICN", "SGN", 2_220),
    ("ICN", "BKK", 2_280),
    ("ICN", "GUM", 2_003),
    ("ICN", "DEL", 2_900),
    ("ICN", "KTM", 2_550),
    ("ICN", "DXB", 4_190),
    ("ICN", "LHR", 5_646),
    ("ICN", "FRA", 5_330),
    ("ICN", "LAX", 5_970),
    ("ICN", "SFO", 5_650),
    ("ICN", "JFK", 6_865),
    ("ICN", "SYD", 5_180),
    ("ICN", "GRU", 11_400),
    ("NRT", "HNL", 3_820),
    ("NRT", "LAX", 5_450),
    ("ICN", "ZZZ", 1_000),
    ("QQQ", "ICN", 1_000),
]
"""Airports and about the miles between them; the last two have an airport that nobody knows."""

_UNKNOWN_ROUTES: Final = 2
_CLASSES: Final = "PFJCDIRYBMSHEKLUGQNTXAO"
"""Every class of the accrual table, and three that are not in it."""
_CARRIERS: Final = ["KE", "OZ", "DL", "AF"]
_CURRENCIES: Final = ["KRW", "USD", "JPY"]
_PILOT: Final = day("2020-11-01")


def member_id(number: Ints) -> pa.Array:
    """Identifiers of members by their number, from 0 on."""
    return numbered("K", number + 1, 7)


def _route(u: Floats) -> Ints:
    """A route for each draw: the first dozen more often, the unknown ones rarely."""
    known = len(_ROUTES) - _UNKNOWN_ROUTES
    common = ((u * 7 % 1) * 14).astype(np.int64)
    any_known = ((u * 11 % 1) * known).astype(np.int64)
    unknown = known + ((u * 13 % 1) * _UNKNOWN_ROUTES).astype(np.int64)
    return np.where(u < 0.5, common, np.where(u < 0.985, any_known, unknown))


def _ends(route: Ints, back: Floats) -> tuple[pa.Array, pa.Array]:
    origin, destination = ([r[n] for r in _ROUTES] for n in (0, 1))
    there, home = (
        pick([str(code) for code in origin], route),
        pick([str(c) for c in destination], route),
    )
    swapped = pa.array(back < 0.5)
    return pc.if_else(swapped, home, there), pc.if_else(swapped, there, home)


class Airline:
    """Makes the airline's exports for `members` members over the given months."""

    def __init__(self, draws: Draws, members: int, first_month: int, last_month: int) -> None:
        self._draws = draws
        self.members = members
        self._first = first_day(first_month)
        self._last = first_day(last_month + 1) - 1

    def _enrolled(self, start: int, stop: int) -> Ints:
        u = self._draws.uniform("members", 0, start, stop - start, 2)
        early = day("1990-01-01") + u[:, 1] * (self._first - day("1990-01-01"))
        during = self._first + u[:, 1] * (self._last - self._first)
        return np.where(u[:, 0] < 0.75, early, during).astype(np.int64)

    def member_rows(self, month: int, start: int, stop: int) -> Rows:
        """One row for each member of the slice."""
        number = np.arange(start, stop)
        enrolled = self._enrolled(start, stop)
        u = self._draws.uniform("members/form", 0, start, stop - start)
        columns: dict[str, object] = {
            "member_id": member_id(number),
            "enrolled_on": enrolled,
            "updated_at": (enrolled + 60) * 86_400 + (u * 1_440).astype(np.int64) * 60,
        }
        return frame("members", len(number), columns), number

    def _events(
        self, export: str, month: int, start: int, stop: int, chances: list[float], width: int
    ) -> tuple[Ints, Ints, Floats, Ints]:
        """Who does which of the things in the month: row, thing, draws, second."""
        size, things = stop - start, len(chances)
        begins, ends = first_day(month), first_day(month + 1)
        u = self._draws.uniform(export, month, start, size, things * (width + 2))
        u = u.reshape(size, things, width + 2)
        class_ = self._draws.uniform("members/flier", 0, start, size)
        often = np.where(class_ < 0.6, 0.4, np.where(class_ < 0.9, 1.0, 3.0))[:, None]
        # some before they enrol, none long before
        there = (self._enrolled(start, stop) < ends + 40)[:, None]
        row, thing = np.nonzero((u[:, :, 0] < np.array(chances) * often) & there)
        drawn = u[row, thing]
        minutes = (drawn[:, 1] * (ends - begins) * 1_440).astype(np.int64)
        return row, thing, drawn[:, 2:], begins * 86_400 + minutes * 60

    def flight_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's flights of the slice's members."""
        chances = [0.25, 0.15, 0.08, 0.04]
        row, thing, u, second = self._events("flights", month, start, stop, chances, 8)
        number = start + row
        route = _route(u[:, 0])
        origin, destination = _ends(route, u[:, 1])
        miles = np.array([r[2] for r in _ROUTES])[route]
        # one in ten of the delivered distances is suspect
        wrong = u[:, 2] > 0.95
        miles = np.where(wrong, miles * 5 // 4, miles)
        carrier = pick(_CARRIERS, choose([0.88, 0.05, 0.04, 0.03], u[:, 3]))
        flight = (u[:, 4] * 900).astype(np.int64) + 1
        class_ = (u[:, 5] ** 1.3 * len(_CLASSES)).astype(np.int64)
        columns: dict[str, object] = {
            "activity_id": numbered("A", number * 10 + thing, 8, f"-{month}"),
            "member_id": _some_unknown(number, u[:, 6]),
            "flight_date": second // 86_400,
            "operating_carrier": carrier,
            "flight_number": pc.binary_join_element_wise(carrier, numbered("", flight, 3), ""),
            "origin": origin,
            "destination": destination,
            "booking_class": pick(list(_CLASSES), class_),
            "ticket_type": u[:, 6] < 0.06,
            "flown": u[:, 7] < 0.97,
            "distance_miles": optional(miles, u[:, 2] > 0.55),
            "revision": optional(np.zeros(len(row), np.int64), u[:, 7] < 0.7),
        }
        return frame("flights", len(row), columns), number

    def award_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's requests for awards and upgrades."""
        export = "award_requests"
        row, thing, u, second = self._events(export, month, start, stop, [0.05, 0.03], 5)
        number = start + row
        origin, destination = _ends(_route(u[:, 0]), u[:, 1])
        columns: dict[str, object] = {
            "request_id": numbered("W", number * 10 + thing, 8, f"-{month}"),
            "member_id": _some_unknown(number, u[:, 2]),
            "requested_at": second,
            "kind": u[:, 3] < 0.35,
            "origin": origin,
            "destination": destination,
            "cabin": choose([0.6, 0.3, 0.1], u[:, 4]),
            "season": u[:, 2] < 0.3,
            "trip": u[:, 1] < 0.4,
        }
        return frame(export, len(row), columns), number

    def mixed_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's payments in cash and miles."""
        export = "mixed_payments"
        during = first_day(month) >= _PILOT - 62
        chances = [0.16, 0.10] if during else [0.06, 0.03]
        row, thing, u, second = self._events(export, month, start, stop, chances, 7)
        number = start + row
        fare = 50_000 + (u[:, 0] ** 2 * 250).astype(np.int64) * 10_000
        rate = 1_000 + (u[:, 1] * 1_600).astype(np.int64)
        # at the share of a fifth exactly, a mile above it, and anywhere below
        most = fare * 20 // rate
        miles = np.where(
            u[:, 2] < 0.1, most, np.where(u[:, 2] < 0.2, most + 1, (most * u[:, 2]).astype(int))
        )
        miles = np.where(u[:, 3] < 0.08, 499, np.where(u[:, 3] < 0.16, 500, miles))
        columns: dict[str, object] = {
            "payment_id": numbered("V", number * 10 + thing, 8, f"-{month}"),
            "member_id": _some_unknown(number, u[:, 4]),
            "paid_at": second,
            "channel": choose([0.5, 0.35, 0.1, 0.05], u[:, 5]),
            "currency": pick(_CURRENCIES, choose([0.92, 0.05, 0.03], u[:, 6])),
            "fare": fare,
            "fuel_surcharge": (u[:, 6] * 8).astype(np.int64) * 10_000,
            "taxes": 4_000 + (u[:, 5] * 60_000).astype(np.int64) // 100 * 100,
            "miles": np.maximum(miles, 1),
            "krw_per_mile": rate,
        }
        return frame(export, len(row), columns), number


def _some_unknown(number: Ints, u: Floats) -> pa.Array:
    return pc.if_else(pa.array(u > 0.99), numbered("Z", number + 1, 7), member_id(number))
