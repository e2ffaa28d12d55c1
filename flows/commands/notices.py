"""Notices: who is told on the first day of a month which points lapse when (P10)."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final

from flows.commands.activity import YearEnd, activity_files
from flows.commands.dated import dated_files
from flows.commands.declaration import Command, Dates
from flows.commands.points import CHANGES, OF_POINTS, known_changes
from flows.console.parts import Part
from flows.publishing.ledgers import POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, digest
from schemas.periods import Period
from transforms.policies.policy import Policies

_YEAR_END: Final = "point_sweep"


def _year_end(context: Context, month: Period) -> YearEnd:
    return YearEnd.of(context.policies, month.whole_year)


def _inputs(context: Context, month: Period) -> Inputs:
    """The lots before the month, the customers, and who was active in the year until then."""
    told = _tells_of_inactivity(context.policies, month.first_day)
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", POINTS.opening(context, month)),
            **dated_files(context, "customers"),
            **activity_files(
                context, _year_end(context, month), month.first_day if told else date.min
            ),
        },
        {"opening_lots": "point_lots"},
    )


def _tells_of_inactivity(policies: Policies, first: date) -> bool:
    """Whether the notices of a first day warn the inactive: only then activity matters."""
    rows = policies.in_force("point_inactivity_notices", first)
    return any(row["told"] and row["month"] == first.month for row in rows)


def _dates(context: Context, month: Period) -> Dates:
    """What was announced after `noticed_before`, the day of the notices before, is news."""
    year_end = _year_end(context, month)
    earlier = month.before
    told_before = min(context.files("point_lots"), default=str(earlier)) < str(earlier)
    return {
        "noticed_on": month.first_day,
        "noticed_before": earlier.first_day if told_before else date.min,
        "active_from": year_end.active_from,
        "active_until": month.first_day,
        "swept_on": year_end.swept_on,
        "spared_from": year_end.spared_from,
    }


def _on_the_day() -> list[str]:
    """The policies that count as they are on the day of the notices."""
    return [name for name in COMMAND.dependencies.policies if name != CHANGES]


def _policies(context: Context, month: Period) -> dict[str, str]:
    policies, on = context.policies, month.first_day
    swept_on = _year_end(context, month).swept_on
    return {
        "policies": policies.fingerprint(_on_the_day(), on),
        _YEAR_END: policies.fingerprint((_YEAR_END,), swept_on),
        CHANGES: digest(known_changes(policies, effective_by=on, announced_by=on)),
    }


def _require(context: Context, month: Period) -> None:
    """Raises NotReady where the closing before is not published, PolicyError where a policy of the
    notices is not in force on the day.
    """
    COMMAND.require_delivered(context)
    POINTS.opening(context, month)
    context.policies.require((*_on_the_day(), CHANGES), month.first_day, month.first_day)
    _year_end(context, month)


COMMAND: Final = Command(
    name="notices",
    place=40,
    span="month",
    help="List who is told on the first day of a month which points lapse when (P10).",
    dry_run="Say which notices would change; publish nothing.",
    room="points",
    tables=("expiry_notices",),
    inputs=_inputs,
    dates=_dates,
    policies=_policies,
    asks_until=lambda _, month: datetime.combine(month.first_day, time()),
    parts=(Part("notices", "notice_counts", "Customers told of points that lapse", key="notices"),),
    due_on=lambda _, month: month.first_day,
    needs=("customers",),
    one_of=OF_POINTS,
    ledger=POINTS,
    require=_require,
    paced_by=OF_POINTS,
)
