"""The airline's dates by the policy: which policies a span of days rests on, and status years."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast

from transforms.policies.policy import NotInForce, Policies, PolicyError, Row

ACCRUAL_POLICIES: Final = (
    "accrual_rates",
    "distance_tolerance",
    "great_circle",
    "home_country",
    "mileage_carriers",
    "qualifying_flights",
)
"""What the miles of flights rest on (F1–F3)."""
_CLOSE_POLICIES: Final = (
    *ACCRUAL_POLICIES,
    "award_chart",
    "award_trips",
    "award_upgrades",
    "mileage_validity",
)
_CHART_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "region": ("award_regions", "region_awards"),
    "distance": ("distance_awards", "distance_award_cabins", "distance_award_seasons"),
}
_PROGRAMME: Final = "mixed_payment_programme"
_PAYMENT_POLICIES: Final = (
    "mixed_payment_channels",
    "mixed_payment_currencies",
    "mixed_payment_minimum",
    "mixed_payment_share",
)
_STATUS_POLICIES: Final = ("elite_flights", "elite_miles", "elite_year")


@dataclass(frozen=True)
class InForce:
    """The policies that a span of days rests on: from each day on, these, up to the next."""

    policies: Policies
    since: tuple[tuple[date, tuple[str, ...]], ...]

    @property
    def used(self) -> str:
        """The versions, as `name@valid_from`, by name and date, blank separated."""
        words = {
            word for day, names in self.since for word in self.policies.used(names, day).split()
        }
        return " ".join(sorted(words))

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the values, since when each is in force, and on which days."""
        parts = [self.policies.fingerprint(names, day) for day, names in self.since]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class StatusYear:
    """A status year (E1): when it begins and ends, and which days' flights it rests on."""

    year: int
    status_from: date
    status_to: date
    flights_from: date
    flights_to: date


def accrual_policies(policies: Policies, first: date, last: date) -> InForce:
    """What the flights of a span rest on; raises PolicyError where one is not in force."""
    days = policies.days_of_change(ACCRUAL_POLICIES, first, last)
    return _checked(policies, dict.fromkeys(days, ACCRUAL_POLICIES))


def close_policies(policies: Policies, first: date, last: date) -> InForce:
    """What the close of a month rests on; raises PolicyError where something is not in force.

    Of the charts it is the one in force (W1); the terms of mixed payments as long as the programme
    is open (X1).
    """
    charts = [name for names in _CHART_POLICIES.values() for name in names]
    every = (*_CLOSE_POLICIES, *charts, _PROGRAMME, *_PAYMENT_POLICIES)
    needed: dict[date, tuple[str, ...]] = {}
    for day in policies.days_of_change(every, first, last):
        chart = str(policies.in_force("award_chart", day)[0]["chart"])
        needed[day] = (*_CLOSE_POLICIES, *_CHART_POLICIES[chart])
        if chart == "distance":
            _check_bands(policies, day)
        if _is_open(policies, day):
            needed[day] += (_PROGRAMME, *_PAYMENT_POLICIES)
    return _checked(policies, needed)


def status_year(policies: Policies, year: int) -> StatusYear:
    """A status year by the `elite_year` row in force on its first day.

    Raises NotInForce where none is: the scheme is not in force then (E1).
    """

    def status_from(row: Row) -> date:
        return _begin(year, row)

    row = policies.dated_by("elite_year", status_from, f"the first day of status year {year}")
    flights = year - cast("int", row["years_before"])
    return StatusYear(
        year,
        status_from(row),
        _begin(year + 1, row) - timedelta(days=1),
        date(flights, 1, 1),
        date(flights, 12, 31),
    )


def status_in_force(policies: Policies, year: int) -> bool:
    """Whether the scheme is in force in a status year (E1)."""
    try:
        status_year(policies, year)
    except NotInForce:
        return False
    return True


def status_policies(policies: Policies, found: StatusYear) -> InForce:
    """What a status year rests on: its own policies on its first day, and those of its flights."""
    flights = accrual_policies(policies, found.flights_from, found.flights_to)
    return InForce(
        policies, (*flights.since, *_checked(policies, {found.status_from: _STATUS_POLICIES}).since)
    )


def _checked(policies: Policies, needed: Mapping[date, Iterable[str]]) -> InForce:
    for day, names in needed.items():
        for name in names:
            policies.in_force(name, day)
    return InForce(policies, tuple((day, tuple(names)) for day, names in needed.items()))


def _is_open(policies: Policies, day: date) -> bool:
    try:
        return bool(policies.in_force(_PROGRAMME, day)[0]["open"])
    except NotInForce:
        return False


def _check_bands(policies: Policies, day: date) -> None:
    """Every distance has a band in either zone: the lowest begins at 0."""
    rows = policies.in_force("distance_awards", day)
    for zone in ("domestic", "international"):
        if not any(row["zone"] == zone and row["from_miles"] == 0 for row in rows):
            raise PolicyError(
                f"distance_awards.yaml: on {day} no {zone} band begins at 0 miles; add one, so "
                "that every distance has its price"
            )


def _begin(year: int, row: Row) -> date:
    try:
        return date(year, cast("int", row["month"]), cast("int", row["day"]))
    except ValueError:
        raise PolicyError(
            f"elite_year.yaml: month {row['month']} and day {row['day']} are no day of {year}; "
            "give a day that every year has"
        ) from None
