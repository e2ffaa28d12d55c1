"""Run: ingest, then everything that falls due in a span of months, in calendar order.

And a single period, which is not made from what is stale either, unless it is told to be.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flows.calendar.backfills import Outcome, recorded
from flows.calendar.due import Due
from flows.calendar.plan import Outlook, Reach, line_from, stale_before
from flows.commands.declaration import ALLOW_MISSING, Command
from flows.commands.template import perform
from flows.console import logs, progress
from flows.console.errors import HeldBack, NotReady
from flows.deliveries.ingest import held_back, ingest
from flows.publishing.options import Options
from flows.publishing.run import Context, in_turn
from flows.publishing.steps import StepRunner, plainly
from schemas.periods import Period


def make_period(
    command: Command,
    options: Options,
    period: Period,
    step: StepRunner = plainly,
    *,
    dry_run: bool = False,
    from_stale: bool = False,
    **flags: bool,
) -> dict[str, Any]:
    """Makes a period, as `perform` does, but not from stale ones; returns the manifest.

    `from_stale`: from these too; the manifest names them. Otherwise raises NotReady with the
    command that mends the first.
    """
    look = partial(stale_inputs, command, period, from_stale)
    return perform(command, options, period, step, dry_run=dry_run, look=look, **flags)


def stale_inputs(
    command: Command, period: Period, from_stale: bool, context: Context
) -> dict[str, Any]:
    """The stale periods that one is made from, as its manifest names them.

    Raises NotReady naming the command that mends the first, unless `from_stale`.
    """
    if command.ledger is None and command.feeds is None:
        return {}  # it is made from exports alone
    due = Due.of(context.policies, command, period)
    stale = stale_before(context, due)
    if stale and not from_stale:
        first = stale[0]
        raise NotReady(
            f"{due.title} is made from {first.due.title}, which is stale ({first.why}); run "
            f"`{line_from(first.due, Period.month_of(due.on))}`, or accept it with --from-stale"
        )
    return {"from_stale": [each.due.title for each in stale]}


def run_calendar(
    options: Options, reach: Reach, step: StepRunner = plainly, *, reason: str | None = None
) -> dict[str, Any]:
    """Ingests and makes what falls due within reach and is missing or stale; if forced also what
    is current.

    It goes back to what is stale and its months are made from, and says so. Each period is looked
    at when its turn comes, by what its rules read then: one that was made again and came out the
    same makes nothing after it stale, and what a killed run has done is current. Returns the
    manifests of all runs, what was current, and what was skipped with the reason. Stops at the
    first command that fails, with its error; where a file was held back it stops after the ingest.
    What was asked for, `reason` too, and what came of it is recorded (`flows.calendar.backfills`).
    """
    context = Context.of(options)
    reach.due(context)
    asked = reach.as_manifest() | {"reason": reason}
    with context.workspace.hold("run"), recorded(context.workspace, asked) as outcome:
        ingested = ingest(options, (), step)
        manifest: dict[str, Any] = {"command": "run", **asked, "ingest": ingested}
        manifest |= {"back_to": None, "runs": [], "current": [], "skipped": []}
        if held_back(ingested):
            outcome.exit = HeldBack.exit_code
        else:
            _run_due(options, reach, step, manifest, outcome)
            if any(file["status"] == "rejected" for file in ingested["files"]):
                outcome.exit = HeldBack.exit_code
        return manifest


def _run_due(
    options: Options,
    reach: Reach,
    step: StepRunner,
    manifest: dict[str, Any],
    outcome: Outcome,
) -> None:
    """Makes what is missing or stale; tells manifest and outcome of each period."""
    context = Context.of(options)
    due = reach.due(context)
    if behind := reach.behind(context):
        first = behind[0]
        manifest["back_to"] = first.due.title
        logs.tell(f"going back to {first.due.title}, which is stale ({first.why})")
        due = [*(finding.due for finding in behind), *due]
    done = 0
    with (
        in_turn(options) as shared,
        progress.working("running the calendar", lambda: done / max(1, len(due))),
    ):
        for item in due:
            finding = Outlook(context, reach.allow_missing_months).look(item)
            if finding.state == "current" and not reach.force:
                manifest["current"].append(item.title)
                outcome.current += 1
            elif finding.skipped:
                manifest["skipped"].append({"command": item.line, "reason": finding.skipped})
                outcome.skipped += 1
            else:
                work = partial(_make, item, shared, reach)
                manifest["runs"].append(step(item.title, work))
                outcome.ran.append(item.title)
                context = Context.of(options)
            done += 1


def _make(due: Due, options: Options, reach: Reach) -> dict[str, Any]:
    """Makes a period of a run, for which what it rests on was made before it."""
    flags: dict[str, Any] = {}
    if reach.allow_missing_months and ALLOW_MISSING in due.command.flags:
        flags[ALLOW_MISSING.name] = True
    if reach.from_stale:
        return make_period(due.command, options, due.period, from_stale=True, **flags)
    return perform(due.command, options, due.period, **flags)
