"""Run: ingest, then everything that falls due in a span of months, in calendar order."""

from __future__ import annotations

from functools import partial
from typing import Any

from flows.calendar.backfills import Outcome, recorded
from flows.calendar.due import Due, due_between
from flows.calendar.plan import Outlook
from flows.commands.template import perform
from flows.console import progress
from flows.console.errors import HeldBack
from flows.deliveries.ingest import held_back, ingest
from flows.publishing.options import Options
from flows.publishing.run import Context, in_turn
from flows.publishing.steps import StepRunner, plainly
from schemas.periods import Period


def run_calendar(
    options: Options,
    first: Period,
    last: Period,
    step: StepRunner = plainly,
    *,
    force: bool = False,
    reason: str | None = None,
) -> dict[str, Any]:
    """Ingests and makes what falls due from the first to the last month and is missing or
    stale; with `force` also what is current.

    Each period is looked at when its turn comes, by what its rules read then: one that was made
    again and came out the same makes nothing after it stale, and what a killed run has done is
    current. Returns the manifests of all runs, what was current, and what was skipped with the
    reason. Stops at the first command that fails, with its error; where a file was held back it
    stops after the ingest. What was asked for, `reason` too, and what came of it is recorded
    (`flows.calendar.backfills`).
    """
    context = Context.of(options)
    due = due_between(context.policies, first, last)
    asked = {"from": str(first), "to": str(last), "force": force, "reason": reason}
    with context.workspace.hold("run"), recorded(context.workspace, asked) as outcome:
        ingested = ingest(options, (), step)
        manifest: dict[str, Any] = {"command": "run", **asked, "ingest": ingested}
        manifest |= {"runs": [], "current": [], "skipped": []}
        if held_back(ingested):
            outcome.exit = HeldBack.exit_code
        else:
            _run_due(options, due, force, step, manifest, outcome)
        return manifest


def _run_due(
    options: Options,
    due: list[Due],
    force: bool,
    step: StepRunner,
    manifest: dict[str, Any],
    outcome: Outcome,
) -> None:
    """Makes what is missing or stale; tells manifest and outcome of each period."""
    context = Context.of(options)
    done = 0
    with (
        in_turn(options) as shared,
        progress.working("running the calendar", lambda: done / max(1, len(due))),
    ):
        for item in due:
            finding = Outlook(context).look(item)
            if finding.state == "current" and not force:
                manifest["current"].append(item.title)
                outcome.current += 1
            elif finding.skipped:
                manifest["skipped"].append({"command": item.line, "reason": finding.skipped})
                outcome.skipped += 1
            else:
                work = partial(perform, item.command, shared, item.period)
                manifest["runs"].append(step(item.title, work))
                outcome.ran.append(item.title)
                context = Context.of(options)
            done += 1
