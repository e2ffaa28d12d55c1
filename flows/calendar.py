"""Run: ingest, then everything that falls due in a span of months, in calendar order."""

from __future__ import annotations

from functools import partial
from typing import Any

from flows import progress
from flows.due import Due, due_between
from flows.ingest import held_back, ingest
from flows.landing import Deliveries
from flows.options import Options
from flows.periods import parse_month
from flows.run import Context, one_catalog
from flows.steps import Step, plainly


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
            reason = _why_skipped(item, options, deliveries)
            if reason:
                manifest["skipped"].append({"command": item.line, "reason": reason})
            else:
                work = partial(item.command.run, options, item.period)
                manifest["runs"].append(step(f"{item.name} {item.period}", work))
            done += 1
    return manifest


def _why_skipped(item: Due, options: Options, deliveries: Deliveries) -> str | None:
    absent = item.command.not_delivered(deliveries.ever)
    return absent or item.command.passed_by(Context.of(options), item.period)
