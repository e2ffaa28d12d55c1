"""The airline's members and what they do: flights, awards, payments in miles."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.sample.columns import frame
from transforms.sample.draws import (
    Draws,
    Floats,
    Ints,
    Rows,
    choose,
    day,
    draw,
    first_day,
    numbered,
    optional,
    pick,
    scaled,
    written_down,
)

_ROUTES: Final = written_down("tables/routes.csv")
"""Airports and about the miles between them; the last two have an airport that nobody knows."""
_ORIGINS, _DESTINATIONS = ([str(r[end]) for r in _ROUTES] for end in ("origin", "destination"))
_MILES: Final = np.array([int(str(route["miles"])) for route in _ROUTES])
_UNKNOWN_ROUTES: Final = 2
_COMMON_ROUTES: Final = 14
_CLASSES: Final = [*"PFJCDIRYBMSHEKLUGQNTXAO"]
"""Every class of the accrual table, and three that are not in it."""
_CARRIERS: Final = ["KE", "OZ", "DL", "AF"]
_CURRENCIES: Final = ["KRW", "USD", "JPY"]
_PILOT: Final = day("2020-11-01")
"""Two months before it, payments in cash and miles become frequent."""


def member_id(number: Ints) -> pa.Array:
    """Identifiers of members by their number, from 0 on."""
    return numbered("K", number + 1, 7)


def _route(u: Floats) -> Ints:
    """A route for each draw: the first ones more often, the unknown ones rarely."""
    known = len(_ROUTES) - _UNKNOWN_ROUTES
    common = scaled(u * 7 % 1, _COMMON_ROUTES)
    any_known = scaled(u * 11 % 1, known)
    unknown = known + scaled(u * 13 % 1, _UNKNOWN_ROUTES)
    return np.where(u < 0.5, common, np.where(u < 0.985, any_known, unknown))


def _ends(route: Ints, back: Floats) -> tuple[pa.Array, pa.Array]:
    """Origin and destination of each route, the other way round for half of the draws."""
    there, home = pick(_ORIGINS, route), pick(_DESTINATIONS, route)
    swapped = pa.array(back < 0.5)
    return pc.if_else(swapped, home, there), pc.if_else(swapped, there, home)


class Airline:
    """Makes the airline's exports over the given months.

    Each `…_rows` method takes a month (months since year 0; members ignore it) and a slice of
    members by their numbers, from `start` to before `stop`.
    """

    def __init__(self, draws: Draws, first_month: int, last_month: int) -> None:
        self._draws = draws
        self._first = first_day(first_month)
        self._last = first_day(last_month + 1) - 1

    def _enrolled(self, start: int, stop: int) -> Ints:
        """The day of enrolment of each member, in days since 1970."""
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
            "updated_at": (enrolled + 60) * 86_400 + scaled(u, 1_440) * 60,
        }
        return frame("members", len(number), columns), number

    def _events(
        self, export: str, month: int, start: int, stop: int, chances: list[float], width: int
    ) -> tuple[Ints, Ints, Floats, Ints]:
        """What members do in a month: number, which of the things, draws, second since 1970.

        Some do it up to 40 days before they enrol; one in ten does it three times as often.
        """
        flier = self._draws.uniform("members/flier", 0, start, stop - start)
        often = np.where(flier < 0.6, 0.4, np.where(flier < 0.9, 1.0, 3.0))[:, None]
        there = (self._enrolled(start, stop) < first_day(month + 1) + 40)[:, None]
        likely = np.array(chances) * often * there
        row, thing, u, second = self._draws.events(export, month, start, likely, width)
        return start + row, thing, u, second

    def flight_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's flights; of the delivered distances, one in ten is suspect."""
        chances = [0.25, 0.15, 0.08, 0.04]
        number, thing, u, second = self._events("flights", month, start, stop, chances, 8)
        route = _route(u[:, 0])
        origin, destination = _ends(route, u[:, 1])
        miles = np.where(u[:, 2] > 0.95, _MILES[route] * 5 // 4, _MILES[route])
        carrier = pick(_CARRIERS, choose([0.88, 0.05, 0.04, 0.03], u[:, 3]))
        flight = numbered("", scaled(u[:, 4], 900) + 1, 3)
        columns: dict[str, object] = {
            "activity_id": numbered("A", number * 10 + thing, 8, f"-{month}"),
            "member_id": _some_unknown(number, u[:, 6]),
            "flight_date": second // 86_400,
            "operating_carrier": carrier,
            "flight_number": pc.binary_join_element_wise(carrier, flight, ""),
            "origin": origin,
            "destination": destination,
            "booking_class": draw(_CLASSES, u[:, 5] ** 1.3),
            "ticket_type": u[:, 6] < 0.06,
            "flown": u[:, 7] < 0.97,
            "distance_miles": optional(miles, u[:, 2] > 0.55),
            "revision": optional(np.zeros(len(number), np.int64), u[:, 7] < 0.7),
        }
        return frame("flights", len(number), columns), number

    def award_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's requests for awards and upgrades."""
        export = "award_requests"
        number, thing, u, second = self._events(export, month, start, stop, [0.05, 0.03], 5)
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
        return frame(export, len(number), columns), number

    def mixed_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's payments in cash and miles.

        Some take miles for a fifth of the fare exactly or for a mile more, some 499 or 500, the
        others any smaller share.
        """
        export = "mixed_payments"
        chances = [0.16, 0.10] if first_day(month) >= _PILOT - 62 else [0.06, 0.03]
        number, thing, u, second = self._events(export, month, start, stop, chances, 7)
        fare = 50_000 + scaled(u[:, 0] ** 2, 250) * 10_000
        rate = 1_000 + scaled(u[:, 1], 1_600)
        fifth = fare * 20 // rate
        smaller = (fifth * u[:, 2]).astype(np.int64)
        miles = np.where(u[:, 2] < 0.1, fifth, np.where(u[:, 2] < 0.2, fifth + 1, smaller))
        miles = np.where(u[:, 3] < 0.08, 499, np.where(u[:, 3] < 0.16, 500, miles))
        columns: dict[str, object] = {
            "payment_id": numbered("V", number * 10 + thing, 8, f"-{month}"),
            "member_id": _some_unknown(number, u[:, 4]),
            "paid_at": second,
            "channel": choose([0.5, 0.35, 0.1, 0.05], u[:, 5]),
            "currency": pick(_CURRENCIES, choose([0.92, 0.05, 0.03], u[:, 6])),
            "fare": fare,
            "fuel_surcharge": scaled(u[:, 6], 8) * 10_000,
            "taxes": 4_000 + scaled(u[:, 5], 60_000) // 100 * 100,
            "miles": np.maximum(miles, 1),
            "krw_per_mile": rate,
        }
        return frame(export, len(number), columns), number


def _some_unknown(number: Ints, u: Floats) -> pa.Array:
    """Members' identifiers, a few of them of nobody."""
    return pc.if_else(pa.array(u > 0.99), numbered("Z", number + 1, 7), member_id(number))
