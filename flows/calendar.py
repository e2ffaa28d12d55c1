"""Run: ingest, then everything that falls due in a span of months, in calendar order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from flows import progress
from flows.due import LEDGERS, Due, due_between
from flows.elite import assess_elite
from flows.grants import grant_points
from flows.ingest import held_back, ingest
from flows.landing import Deliveries
from flows.micropayments import close_micropayments
from flows.miles import close_miles
from flows.notices import send_notices
from flows.options import Options
from flows.periods import first_period, opened_period, parse_month
from flows.points import close_points
from flows.run import Context, one_catalog
from flows.steps import Step, plainly
from flows.sweep import sweep_points
from flows.tiers import assess_tiers
from transforms.airline import status_in_force

RUNNERS: Final[Mapping[str, Callable[[Options, str], dict[str, Any]]]] = {
    "tiers": lambda options, year: assess_tiers(options, int(year)),
    "grants": lambda options, year: grant_points(options, int(year)),
    "notices": send_notices,
    "points": close_points,
    "micropayments": close_micropayments,
    "elite": lambda options, year: assess_elite(options, int(year)),
    "miles": close_miles,
    "sweep": lambda options, year: sweep_points(options, int(year)),
}
"""Does what falls due, by the command's name, for a period."""


def run_calendar(
    options: Options, first_month: str, last_month: str, step: Step = plainly
) -> dict[str, Any]:
    """Ingests and runs what falls due from the first to the last month (YYYY-MM).

    Returns the manifests of all runs, and what was skipped with the reason. Stops at the first
    command that fails, with its error; where a file was held back it stops after the ingest.
    """
    context = Context.of(options)
    due = due_between(context.policies, parse_month(first_month), parse_month(last_month))
    ingested = ingest(options, (), step)
    manifest: dict[str, Any] = {
        "command": "run",
        "from": first_month,
        "to": last_month,
        "ingest": ingested,
        "runs": [],
        "skipped": [],
    }
    if held_back(ingested):
        return manifest
    deliveries = Deliveries.load(context.workspace.staged)
    done = 0
    with (
        one_catalog(context.workspace),
        progress.working("running the calendar", lambda: done / max(1, len(due))),
    ):
        for item in due:
            reason = _why_before_the_ledger(item, context) or _why_skipped(
                item, options, deliveries
            )
            if reason:
                manifest["skipped"].append({"command": item.line, "reason": reason})
            else:
                work = partial(RUNNERS[item.name], options, item.period)
                manifest["runs"].append(step(f"{item.name} {item.period}", work))
            done += 1
    return manifest


def _why_skipped(item: Due, options: Options, deliveries: Deliveries) -> str | None:
    absent = item.command.not_delivered(deliveries.ever)
    if absent:
        return absent
    if item.name == "grants":
        snapshots = Context.of(options).files("tier_snapshot")
        if item.period not in snapshots:
            return f"the tier snapshot of {item.period} is not published"
    if item.name == "elite" and not status_in_force(Context.of(options).policies, int(item.period)):
        return "the scheme is not in force (elite_year.yaml)"
    return None


def _why_before_the_ledger(item: Due, context: Context) -> str | None:
    """What falls due before the month that the ledger was opened with is the older system's."""
    table = LEDGERS.get(item.name)
    if table is None or opened_period(context, table) is None:
        return None
    start = first_period(context, table)
    if item.period >= start[: len(item.period)]:
        return None
    return f"its ledger was opened with {start}"
