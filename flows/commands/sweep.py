"""Sweep: the year-end expiry of points, the period YYYY-YE (P8, P9, P11, P12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.commands.activity import YearEnd, activity_files
from flows.commands.dated import dated_files
from flows.commands.declaration import Command, Dates
from flows.commands.points import BALANCES, CHANGES, OF_POINTS, TOO_MANY, known_changes
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.ledgers import POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, digest
from schemas.periods import Period
from schemas.policy import POLICIES
from transforms.engine.plain import relation_of
from transforms.policies.policy import Policies

_LAST_SECOND: Final = time(23, 59, 59)
_OF_NOTICES: Final = ("point_notice_leads", "point_inactivity_notices")
"""The policies that say when notices are told (P10)."""
_MONTHS: Final = pa.schema([("month", pa.string())])


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
            "expiry_notices": _notices(context, year),
            **activity_files(context, YearEnd.of(context.policies, year), year.day_after),
        },
        {"opening_lots": "point_lots"},
    )


def _notices(context: Context, year: Period) -> dict[str, Path]:
    """The notices up to the year's end, by month."""
    files = context.files("expiry_notices")
    return {month: path for month, path in files.items() if month <= str(year.december)}


def _notice_months(context: Context, year: Period) -> dict[str, pa.Table]:
    """The months whose notices were told: one may have had nothing to tell."""
    months = ({"month": month} for month in _notices(context, year))
    return {"notice_months": relation_of(months, _MONTHS)}


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
        "ledger_from": min(context.files("point_lots")),
    }


def _policies_read() -> list[str]:
    """The policies that count as they are on the day of the sweep."""
    read = {*COMMAND.dependencies.policies, "point_sweep"}
    return sorted(read.difference(_OF_NOTICES, [CHANGES]))


def _policies(context: Context, year: Period) -> dict[str, str]:
    policies, last = context.policies, year.last_day
    known = known_changes(policies, effective_by=last)
    return {
        "policies": policies.fingerprint(_policies_read(), last),
        "policies of notices": digest([known, *(_until(policies, of, last) for of in _OF_NOTICES)]),
    }


def _until(policies: Policies, name: str, last: date) -> list[list[object]]:
    """The rows of a policy that began by a day: their values, from when, and to when by then."""
    return [
        [*(row[column] for column in POLICIES[name].columns), row["valid_from"], _ended(row, last)]
        for row in policies.rows(name)
        if row["valid_from"] <= last
    ]


def _ended(row: Mapping[str, Any], last: date) -> date | None:
    """When a row ended, if it had by a day."""
    ends: date | None = row["valid_to"]
    return ends if ends is not None and ends <= last else None


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
    given=_notice_months,
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
