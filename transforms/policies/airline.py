"""The airline's dates by the policy: which policies a span of days rests on, and status years."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.periods import Period
from transforms.policies.policy import NotInForce, Policies, PolicyError, Row, day_of_year

_CHART_POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "region": ("award_regions", "region_awards"),
    "distance": ("distance_awards", "distance_award_cabins", "distance_award_seasons"),
}
"""What awards are priced by while a chart is in force (W1)."""
_PROGRAMME: Final = "mixed_payment_programme"
_PAYMENT_POLICIES: Final = (
    "mixed_payment_channels",
    "mixed_payment_currencies",
    "mixed_payment_minimum",
    "mixed_payment_share",
)
"""What mixed payments are judged by while the programme is open (X1)."""
_STATUS_YEAR: Final = "elite_year"


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
    """When a status year begins and ends, and which days' flights it rests on (E1)."""

    status_from: date
    status_to: date
    flights_from: date
    flights_to: date


def close_policies(policies: Policies, names: Iterable[str], first: date, last: date) -> InForce:
    """What the close of a month rests on, of the policies that its SQL reads.

    Of the charts it is the one in force (W1); the terms of mixed payments as long as the programme
    is open (X1). Raises PolicyError where something is not in force.
    """
    charts = {name for chart in _CHART_POLICIES.values() for name in chart}
    always = sorted({*names} - charts - {_PROGRAMME, *_PAYMENT_POLICIES})
    needed: dict[date, tuple[str, ...]] = {}
    for day in policies.days_of_change([*names], first, last):
        chart = str(policies.in_force("award_chart", day)[0]["chart"])
        needed[day] = (*always, *_CHART_POLICIES[chart])
        if chart == "distance":
            _check_bands(policies, day)
        if _is_open(policies, day):
            needed[day] += (_PROGRAMME, *_PAYMENT_POLICIES)
    return _checked(policies, needed)


def status_year(policies: Policies, year: Period) -> StatusYear:
    """A status year by the `elite_year` row in force on its first day.

    Raises NotInForce where none is: the scheme is not in force then (E1).
    """

    def status_from(row: Row) -> date:
        return day_of_year(year.year, row)

    row = policies.dated_by(_STATUS_YEAR, status_from, f"the first day of status year {year.year}")
    flights = Period(year.year - row["years_before"])
    return StatusYear(
        status_from(row),
        day_of_year(year.year + 1, row) - timedelta(days=1),
        flights.first_day,
        flights.last_day,
    )


def status_in_force(policies: Policies, year: Period) -> bool:
    """Whether the scheme is in force in a status year (E1)."""
    try:
        status_year(policies, year)
    except NotInForce:
        return False
    return True


def status_policies(
    policies: Policies, found: StatusYear, own: Iterable[str], of_flights: Sequence[str]
) -> InForce:
    """What a status year rests on: its own policies on its first day, and those of its flights'
    days. Raises PolicyError where one is not in force.
    """
    days = policies.days_of_change(of_flights, found.flights_from, found.flights_to)
    flights = _checked(policies, dict.fromkeys(days, of_flights))
    status = _checked(policies, {found.status_from: (*own, _STATUS_YEAR)})
    return InForce(policies, (*flights.since, *status.since))


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
