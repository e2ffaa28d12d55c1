"""What tests run, in words, as on the command line: periods are texts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flows.commands.registry import COMMANDS
from flows.commands.template import perform
from flows.publishing.options import Options
from flows.publishing.run import in_turn
from flows.publishing.steps import plainly
from schemas.periods import Period


def run_command(options: Options, command: str, **flags: Any) -> dict[str, Any]:
    """Runs a command written as `points 2016-03` or `tiers 2017 --allow-missing-months`.

    Returns the manifest. `flags`: those of the command line, as `dry_run=True`.
    """
    name, period, *words = command.split()
    flags |= {word.removeprefix("--").replace("-", "_"): True for word in words}
    return perform(COMMANDS[name], options, Period.parse(period, COMMANDS[name].span), **flags)


def run_commands(options: Options, commands: Iterable[str]) -> None:
    """Runs commands in their order, as `pointbook run` does: in one session, to one catalog."""
    with in_turn(options) as shared:
        for command in commands:
            run_command(shared, command)


def run_calendar(
    options: Options,
    first: str,
    last: str,
    step: Any = plainly,
    reason: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """`pointbook run` from the first to the last month."""
    # imported here, as below: what times `run_command` is not to pay for what it does not need
    from flows.calendar import plan
    from flows.calendar import run_calendar as calendar

    reach = plan.Reach(Period.parse(first), Period.parse(last), **more)
    return calendar.run_calendar(options, reach, step, reason=reason)


def plan_manifest(options: Options, first: str, last: str, **more: Any) -> dict[str, Any]:
    """`pointbook run --dry-run` from the first to the last month."""
    from flows.calendar import plan

    return plan.plan_manifest(options, plan.Reach(Period.parse(first), Period.parse(last), **more))


def open_ledger(options: Options, month: str, lots: Path, **more: Any) -> dict[str, Any]:
    """`pointbook open` with a month."""
    from flows.deliveries import opening

    return opening.open_ledger(options, Period.parse(month, "month"), lots, **more)
