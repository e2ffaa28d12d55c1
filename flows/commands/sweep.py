"""Sweep: the year-end expiry of points, the period YYYY-YE (P8, P9, P11, P12)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Final

from flows.commands.declaration import Command
from flows.commands.notices import YearEnd, activity_files, name_activity
from flows.commands.points import OF_POINTS
from flows.console.errors import NotReady
from flows.publishing.ledgers import (
    before_opening,
    begun,
    last_day,
    last_month,
    opening_period,
    parse_month,
    year_end,
)
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    WrittenTable,
    name_inputs,
    name_policies,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine, load_transform

TABLES: Final = (
    "expiry_sweep",
    "point_entries",
    "point_lots",
    "point_balances",
    "point_liability",
)
POLICIES: Final = ("point_extension", "point_sweep")
_INTERMEDIATE: Final = (
    "active_customers",
    "collections",
    "sweep_decisions",
    "swept_lots",
    "swept_entries",
    "swept_balances",
)
_LAST_SECOND: Final = time(23, 59, 59)


def sweep_points(
    options: Options, year: int, dry_run: bool = False, step: StepRunner = plainly
) -> dict[str, Any]:
    """Publishes the year-end sweep of a year; returns the manifest.

    `dry_run`: publishes nothing, and tells what it would take. Raises NotReady where December is
    not closed.
    """
    parameters = {"year": year, "dry_run": dry_run}
    with Run.of(options, "sweep", parameters) as run:
        context = Context.of(options)
        opening = _require(context, year)
        dates = YearEnd.of(context.policies, year)
        with options.start_engine(run.scratch) as engine:
            inputs = sweep_inputs(context, year)
            name_inputs(engine, inputs, context.state)
            step("decide", lambda: _decide(engine, context, year, dates))
            written, claims = step("sweep", lambda: _write(run, engine, context, year))
            content = {
                "year": year,
                "opens_from": opening,
                "policies": context.policies.digest,
                "swept": engine.rows(load_transform("points/sweep_counts")).to_pylist(),
                "movements": engine.rows(load_transform("points/entry_counts")).to_pylist(),
                "totals": engine.rows(load_transform("points/balance_totals")).to_pylist()[0],
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            }
        fingerprints = sweep_fingerprints(context, year)
        for table in written:
            publish_table(run, table, fingerprints)
        return run.commit(content, dry_run=dry_run)


def sweep_inputs(context: Context, year: int) -> Inputs:
    """The files that a year's sweep reads."""
    opening = _opening(context, year)
    dates = YearEnd.of(context.policies, year)
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", opening),
            "customers": context.files("customers"),
            "expiry_notices": {
                month: path
                for month, path in context.files("expiry_notices").items()
                if month <= opening
            },
            **activity_files(context, dates, dates.swept_on + timedelta(days=1)),
        },
        {"opening_lots": "point_lots"},
    )


def sweep_fingerprints(context: Context, year: int) -> dict[str, str]:
    """What a year's sweep is made from: digests of what its rules read."""
    transforms = [load_transform(f"points/{name}") for name in (*_INTERMEDIATE, *TABLES)]
    found = sweep_inputs(context, year).fingerprints(context.state, transforms)
    swept_on = YearEnd.of(context.policies, year).swept_on
    return found | {"policies": context.policies.fingerprint(POLICIES, swept_on)}


def _opening(context: Context, year: int) -> str:
    december = last_month(year)
    remedy = f"pointbook points --month {december}"
    if not opening_period(context, "point_lots", year_end(year), december, remedy):
        raise NotReady(f"sweep {year} closes a year of points; run `{remedy}` first")
    return december


def _decide(engine: Engine, context: Context, year: int, dates: YearEnd) -> None:
    day_after = dates.swept_on + timedelta(days=1)
    name_activity(engine, dates, day_after)
    run_context(
        engine,
        year=year,
        last_day=dates.swept_on,
        swept_on=dates.swept_on,
        swept_at=datetime.combine(dates.swept_on, _LAST_SECOND),
        active_from=dates.active_from,
        spared_from=dates.spared_from,
    )
    decisions = load_transform("points/sweep_decisions")
    name_policies(engine, context.policies, [decisions])
    engine.create("sweep_decisions", decisions)
    engine.view("lots_in_order", load_transform("points/swept_lots"))
    engine.view("entries_in_order", load_transform("points/swept_entries"))
    engine.view("balances_in_order", load_transform("points/swept_balances"))


def _write(
    run: Run, engine: Engine, context: Context, year: int
) -> tuple[list[WrittenTable], list[str]]:
    tables = [load_transform(f"points/{table}") for table in TABLES]
    return write_and_audit(
        run, engine, context.policies, tables, lambda table: _partition(table, str(year))
    )


def _require(context: Context, year: int) -> str:
    """December, which the sweep opens from; all that it needs is there."""
    COMMAND.require_delivered(context)
    opening = _opening(context, year)
    swept_on = YearEnd.of(context.policies, year).swept_on
    context.policies.require(POLICIES, swept_on, swept_on)
    return opening


def _partition(table: str, year: str) -> str:
    return year if table == "expiry_sweep" else year_end(int(year))


COMMAND: Final = Command(
    "sweep",
    "year",
    TABLES,
    run=lambda options, year: sweep_points(options, int(year)),
    inputs=lambda context, year: sweep_inputs(context, int(year)),
    fingerprints=lambda context, year: sweep_fingerprints(context, int(year)),
    require=lambda context, year: _require(context, int(year)),
    due_on=lambda _, year: last_day(parse_month(last_month(int(year)))),
    called_for=lambda context, year: begun(context, "point_lots", year),
    passed_by=lambda context, year: before_opening(context, "point_lots", year),
    paced_by=OF_POINTS,
    needs=("customers",),
    one_of=OF_POINTS,
    partition=_partition,
    artifacts=(("sweep", "swept", "Points swept by cause"),),
)
