"""Grants: the yearly points of a membership year, on its credit day (G1, G2)."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from flows.commands import tiers
from flows.commands.dated import dated_files
from flows.commands.declaration import Command, Dates
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.ledgers import POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period
from transforms.policies.assessment import grant

_DATED_BY: Final = "point_grant_terms"


def _inputs(context: Context, year: Period) -> Inputs:
    """The year's tier snapshot, and the customers."""
    return Inputs(
        {
            "tier_snapshot": context.file_of("tier_snapshot", year),
            **dated_files(context, "customers"),
        }
    )


def _policies_read() -> set[str]:
    return {*COMMAND.dependencies.policies, _DATED_BY}


def _dates(context: Context, year: Period) -> Dates:
    terms = grant(context.policies, year)
    return {
        "membership_year": year.year,
        "granted_on": terms.granted_on,
        "expires_on": terms.expires_on,
        "policies": context.policies.used(_policies_read(), terms.granted_on),
    }


def _policies(context: Context, year: Period) -> dict[str, str]:
    on = grant(context.policies, year).granted_on
    return {"policies": context.policies.fingerprint(_policies_read(), on)}


def _has_snapshot(context: Context, year: Period) -> bool:
    return str(year) in context.files("tier_snapshot")


def _require(context: Context, year: Period) -> dict[str, str]:
    """Raises NotReady where the year's tier snapshot is not published."""
    if not _has_snapshot(context, year):
        raise NotReady(
            f"grants {year} needs the tier snapshot of {year}; "
            f"run `{tiers.COMMAND.line(year)}` first"
        )
    return {"granted_on": grant(context.policies, year).granted_on.isoformat()}


def _skipped(context: Context, year: Period) -> str | None:
    if _has_snapshot(context, year):
        return None
    return f"the tier snapshot of {year} is not published"


def _calls_for(context: Context, year: Period) -> bool:
    return _has_snapshot(context, year) or tiers.COMMAND.called_for(context, year)


COMMAND: Final = Command(
    name="grants",
    place=20,
    span="year",
    help="Publish the point grants of a membership year (G1, G2).",
    which="The membership year.",
    dry_run="Say how many customers and points it would be, by tier; publish nothing.",
    room="membership",
    tables=("point_grants",),
    inputs=_inputs,
    dates=_dates,
    policies=_policies,
    asks_until=lambda context, year: datetime.combine(
        grant(context.policies, year).granted_on, time()
    ),
    parts=(
        Part(
            "points",
            "grant_counts",
            "Points granted by tier",
            key="grants",
            pivot=("tier", "points"),
        ),
    ),
    due_on=lambda policies, year: grant(policies, year).granted_on,
    feeds=POINTS,
    require=_require,
    skipped=_skipped,
    idle=lambda context, _: tiers.COMMAND.not_delivered(context),
    calls_for=_calls_for,
    paced_by=("billing",),
)
