"""Sweep: the year-end expiry of points, the period YYYY-YE (P8, P9, P11, P12)."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

from flows.commands.activity import YearEnd, activity_files
from flows.commands.dated import dated_files
from flows.commands.declaration import Command, Dates
from flows.commands.points import BALANCES, OF_POINTS, TOO_MANY
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.ledgers import POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period

_LAST_SECOND: Final = time(23, 59, 59)


def _opening(context: Context, year: Period) -> Period:
    """December, which the sweep opens from; raises NotReady where it is not closed."""
    opening = POINTS.opening(context, year.year_end)
    if opening is None:
        remedy = POINTS.remedy(year.december)
        raise NotReady(f"sweep {year} closes a year of points; run `{remedy}` first")
    return opening


def _inputs(context: Context, year: Period) -> Inputs:
    """December's lots, the customers, the notices told by then, and who was active in the year."""
    december = _opening(context, year)
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", december),
            **dated_files(context, "customers"),
            "expiry_notices": {
                month: path
                for month, path in context.files("expiry_notices").items()
                if month <= str(december)
            },
            **activity_files(context, YearEnd.of(context.policies, year), year.day_after),
        },
        {"opening_lots": "point_lots"},
    )


def _dates(context: Context, year: Period) -> Dates:
    """The days that P8 and P9 reckon by; the sweep comes in the last second of the year's last."""
    dates = YearEnd.of(context.policies, year)
    return {
        "year": year.year,
        "last_day": dates.swept_on,
        "swept_on": dates.swept_on,
        "swept_at": datetime.combine(dates.swept_on, _LAST_SECOND),
        "active_from": dates.active_from,
        "active_until": year.day_after,
        "spared_from": dates.spared_from,
    }


def _policies_read() -> list[str]:
    return sorted({*COMMAND.dependencies.policies, "point_sweep"})


def _policies(context: Context, year: Period) -> dict[str, str]:
    return {"policies": context.policies.fingerprint(_policies_read(), year.last_day)}


def _require(context: Context, year: Period) -> None:
    """Raises NotReady where December is not closed, PolicyError where no policy is in force."""
    COMMAND.require_delivered(context)
    _opening(context, year)
    context.policies.require(_policies_read(), year.last_day, year.last_day)


def _partition(table: str, year: Period) -> Period:
    return year if table == "expiry_sweep" else year.year_end


COMMAND: Final = Command(
    name="sweep",
    place=80,
    span="year",
    help="Expire points at the end of a year, after its December is closed (P8, P9).",
    dry_run="Say what it would take, by cause, and how much nobody was told of; publish nothing.",
    room="points",
    tables=(
        "expiry_sweep",
        "point_entries",
        "point_lots",
        "point_balances",
        "point_liability",
        "point_movements",
    ),
    partition=_partition,
    inputs=_inputs,
    stands_for={"movements_in_order": "swept_movements", "lots_in_order": "swept_lots"},
    dates=_dates,
    policies=_policies,
    too_large=TOO_MANY,
    parts=(
        Part("swept", "sweep_counts", "Points swept by cause", key="sweep"),
        Part("movements", "entry_counts", "Points by what moved them"),
        BALANCES,
    ),
    due_on=lambda _, year: year.last_day,
    needs=("customers",),
    one_of=OF_POINTS,
    ledger=POINTS,
    require=_require,
    paced_by=OF_POINTS,
)
