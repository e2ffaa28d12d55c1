"""Notices: who is told on the first day of a month which points lapse when (P10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, cast

from flows.commands.collected import collected_files
from flows.commands.declaration import Command
from flows.commands.points import AS_OF_THEN, OF_POINTS, known_changes, points_opening
from flows.publishing.ledgers import (
    before_opening,
    begun,
    last_day,
    month_before,
    month_of,
    parse_month,
)
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    digest,
    name_inputs,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine, load_transform
from transforms.policies.policy import Policies

TABLE: Final = "expiry_notices"
POLICIES: Final = ("point_inactivity_notices", "point_notice_leads")
"""What the notices of a day read on that day."""
_YEAR_END: Final = "point_sweep"
_CHANGES: Final = "point_policy_changes"


@dataclass(frozen=True)
class YearEnd:
    """The dates of a year's sweep by the policy (P9).

    `swept_on`: its day; `active_from`: the first day on which an activity counts; `spared_from`:
    lots credited from this day on are not taken for inactivity.
    """

    swept_on: date
    active_from: date
    spared_from: date

    @classmethod
    def of(cls, policies: Policies, year: int) -> YearEnd:
        """By the `point_sweep` row in force on the year's last day.

        Raises PolicyError where none is.
        """
        swept_on = last_day(date(year, 12, 1))
        row = cast("dict[str, int]", policies.in_force(_YEAR_END, swept_on)[0])
        return cls(
            swept_on,
            date(year, row["active_from_month"], row["active_from_day"]),
            date(year, row["spared_from_month"], row["spared_from_day"]),
        )


def send_notices(
    options: Options, month: str, step: StepRunner = plainly, *, dry_run: bool = False
) -> dict[str, Any]:
    """Publishes the notices of the first day of a month (YYYY-MM); returns the manifest.

    The first month of a ledger has none. `dry_run`: publishes nothing, and tells what would change.
    Raises NotReady where the closing of the month before is not published.
    """
    first = parse_month(month)
    with Run.of(options, "notices", {"month": month}) as run:
        context = Context.of(options)
        opening = _require(context, month)
        with options.start_engine(run.scratch) as engine:
            inputs = notice_inputs(context, month)
            name_inputs(engine, inputs, context.state)
            name_activity(engine, YearEnd.of(context.policies, first.year), first)
            run_context(engine, **_dates(context, first))
            tables = [load_transform(f"points/{TABLE}")]
            (written,), claims = step(
                "notices",
                lambda: write_and_audit(run, engine, context.policies, tables, month),
            )
            notices = engine.rows(load_transform("points/notice_counts")).to_pylist()
        publish_table(run, written, notice_fingerprints(context, month))
        return run.commit(
            {
                "month": month,
                "opens_from": opening or None,
                "policies": context.policies.digest,
                "notices": notices,
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            },
            dry_run=dry_run,
        )


def notice_inputs(context: Context, month: str) -> Inputs:
    """The files that a month's notices read."""
    first = parse_month(month)
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", points_opening(context, month)),
            "customers": context.files("customers"),
            **activity_files(
                context,
                YearEnd.of(context.policies, first.year),
                first if _tells_of_inactivity(context.policies, first) else date.min,
            ),
        },
        {"opening_lots": "point_lots"},
    )


def notice_fingerprints(context: Context, month: str) -> dict[str, str]:
    """What a month's notices are made from: digests of what their rules read."""
    names = (TABLE, "active_customers", "collections")
    transforms = [load_transform(f"points/{name}") for name in names]
    found = notice_inputs(context, month).fingerprints(context.state, transforms, AS_OF_THEN)
    first, policies = parse_month(month), context.policies
    swept_on = YearEnd.of(policies, first.year).swept_on
    return found | {
        "policies": policies.fingerprint(POLICIES, first),
        _YEAR_END: policies.fingerprint((_YEAR_END,), swept_on),
        _CHANGES: digest(known_changes(policies, effective_by=first, announced_by=first)),
    }


def activity_files(
    context: Context, year_end: YearEnd, until: date
) -> dict[str, Mapping[str, Path]]:
    """The files that tell who was active in a year up to, not including, a day (P9)."""
    begin = year_end.active_from
    if begin >= until:
        bills: dict[str, Path] = {}
        late: dict[str, Path] = {}
    else:
        bills, late = collected_files(context, begin, until - timedelta(days=1))
    spans: dict[str, Mapping[str, Path]] = {"billing": bills, "billing_late_collections": late}
    first, end = month_of(begin), until.isoformat()
    for name in ("purchases", "redemption_results", "refund_results"):
        spans[name] = {
            period: path
            for period, path in context.files(name).items()
            if first <= period and f"{period}-01" < end
        }
    return spans


def name_activity(engine: Engine, year_end: YearEnd, until: date) -> None:
    """Names `active_customers`: who was active in the year up to, not including, a day."""
    run_context(engine, active_from=year_end.active_from, active_until=until)
    engine.view("collections", load_transform("points/collections"))
    engine.create("active_customers", load_transform("points/active_customers"))


def _tells_of_inactivity(policies: Policies, first: date) -> bool:
    """Whether the notices of a first day warn the inactive: only then activity matters."""
    rows = policies.in_force("point_inactivity_notices", first)
    return any(row["told"] and row["month"] == first.month for row in rows)


def _dates(context: Context, first: date) -> dict[str, date]:
    """What the notices of a first day are dated by.

    What was announced after `noticed_before`, the day of the notices before, is news.
    """
    year_end = YearEnd.of(context.policies, first.year)
    earlier = month_before(month_of(first))
    told_before = min(context.files("point_lots"), default=earlier) < earlier
    return {
        "noticed_on": first,
        "noticed_before": parse_month(earlier) if told_before else date.min,
        "active_from": year_end.active_from,
        "swept_on": year_end.swept_on,
        "spared_from": year_end.spared_from,
    }


def _require(context: Context, month: str) -> str:
    """The period that a month opens from, as `points_opening` says; all that it needs is there."""
    first = parse_month(month)
    COMMAND.require_delivered(context)
    opening = points_opening(context, month)
    context.policies.require((*POLICIES, _CHANGES), first, first)
    YearEnd.of(context.policies, first.year)
    return opening


COMMAND: Final = Command(
    "notices",
    "month",
    (TABLE,),
    run=send_notices,
    inputs=notice_inputs,
    fingerprints=notice_fingerprints,
    require=_require,
    due_on=lambda _, month: parse_month(month),
    called_for=lambda context, month: begun(context, "point_lots", month),
    passed_by=lambda context, month: before_opening(context, "point_lots", month),
    paced_by=OF_POINTS,
    needs=("customers",),
    one_of=OF_POINTS,
    artifacts=(("notices", "notices", "Customers told of points that lapse"),),
)
