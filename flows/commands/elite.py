"""Elite: the status of every member for a status year (E1–E4).

It reads the staged flights themselves, whatever months of miles are published (E2).
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from flows.commands.dated import dated_files
from flows.commands.declaration import Command, Dates
from flows.commands.flights import OF_MILES, airports_and_distances
from flows.console.parts import Part
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period
from transforms.engine.dependencies import policies_of
from transforms.policies.airline import InForce, status_in_force, status_policies, status_year
from transforms.policies.policy import NotInForce, Policies
from transforms.policies.reference import shipped

_TABLE: Final = "elite_status"


def _in_force(context: Context, year: Period) -> InForce:
    """The policies that a status year rests on: its own, and those of its flights' days."""
    own = policies_of([COMMAND.dependencies.transforms[_TABLE]])
    of_flights = set(COMMAND.dependencies.policies).difference(own)
    found = status_year(context.policies, year)
    return status_policies(context.policies, found, own, sorted(of_flights))


def _inputs(context: Context, year: Period) -> Inputs:
    """The flights of the year that it rests on, and the members.

    Raises NotInForce where the scheme is not in force.
    """
    found = status_year(context.policies, year)
    first, last = Period.month_of(found.flights_from), Period.month_of(found.flights_to)
    flights = {
        month: path
        for month, path in context.files("flights").items()
        if str(first) <= month <= str(last)
    }
    return Inputs({"flights": flights, "award_requests": {}, **dated_files(context, "members")})


def _dates(context: Context, year: Period) -> Dates:
    found = status_year(context.policies, year)
    return {
        "first_day": found.flights_from,
        "day_after": found.flights_to + timedelta(days=1),
        "status_from": found.status_from,
        "status_to": found.status_to,
        "policies": _in_force(context, year).used,
    }


def _policies(context: Context, year: Period) -> dict[str, str]:
    return {
        "policies": _in_force(context, year).fingerprint,
        "reference": shipped().fingerprint,
    }


def _require(context: Context, year: Period) -> dict[str, str]:
    """Raises PolicyError where the scheme, or a policy of it, is not in force."""
    _in_force(context, year)
    found = status_year(context.policies, year)
    return {
        "valid_from": found.status_from.isoformat(),
        "valid_to": found.status_to.isoformat(),
        "flights_from": found.flights_from.isoformat(),
        "flights_to": found.flights_to.isoformat(),
    }


def _due_on(policies: Policies, year: Period) -> date:
    """The first day of a status year; where the scheme is not in force (E1), that of the year."""
    try:
        return status_year(policies, year).status_from
    except NotInForce:
        return year.first_day


def _skipped(context: Context, year: Period) -> str | None:
    if status_in_force(context.policies, year):
        return None
    return "the scheme is not in force (elite_year.yaml)"


def _calls_for(context: Context, year: Period) -> bool:
    return (
        bool(context.files("members"))
        and status_in_force(context.policies, year)
        and bool(_inputs(context, year).files["flights"])
    )


COMMAND: Final = Command(
    name="elite",
    place=30,
    span="year",
    help="Publish the elite status of every member for a status year (E1-E4).",
    which="The status year, named after the year in which it begins.",
    dry_run="Say who would move between statuses; publish nothing.",
    room="mileage",
    tables=(_TABLE,),
    inputs=_inputs,
    given=airports_and_distances,
    dates=_dates,
    policies=_policies,
    asks_until=lambda context, year: datetime.combine(
        status_year(context.policies, year).flights_to, time()
    ),
    parts=(
        Part(
            "statuses",
            "elite_counts",
            "Members by elite status",
            key="elite",
            pivot=("status", "members"),
        ),
    ),
    told={
        "flights_from": "from the flights of {flights_from} to {flights_to}; valid from "
        "{valid_from} to {valid_to}"
    },
    due_on=_due_on,
    needs=("members", "flights"),
    require=_require,
    skipped=_skipped,
    in_force=status_in_force,
    calls_for=_calls_for,
    paced_by=OF_MILES,
)
