"""Run: ingest, then everything that falls due in a span of months, in calendar order."""

from __future__ import annotations

from typing import Any

from flows.due import Due, due_between, not_delivered, parse_month
from flows.grants import grant_points
from flows.ingest import held_back, ingest
from flows.landing import Deliveries
from flows.options import Options
from flows.run import Context
from flows.steps import Step, plainly
from flows.tiers import assess_tiers


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
    for item in due:
        reason = _why_skipped(item, options)
        if reason:
            manifest["skipped"].append({"command": item.line, "reason": reason})
        elif item.command == "tiers":
            manifest["runs"].append(assess_tiers(options, item.period, step=step))
        else:
            manifest["runs"].append(grant_points(options, item.period, step=step))
    return manifest


def _why_skipped(item: Due, options: Options) -> str | None:
    context = Context.of(options)
    absent = not_delivered(item.command, Deliveries.load(context.workspace.staged))
    if absent:
        return f"{' and '.join(absent)} was never delivered"
    snapshots = context.files("tier_snapshot")
    if item.command == "grants" and str(item.period) not in snapshots:
        return f"the tier snapshot of {item.period} is not published"
    return None
