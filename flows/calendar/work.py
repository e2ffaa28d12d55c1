"""The commands that compute, by name: the functions that they call, with Prefect or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flows.calendar.demo import run_demo
from flows.calendar.plan import Reach
from flows.calendar.run_calendar import make_period, run_calendar
from flows.commands.registry import COMMANDS
from flows.deliveries.ingest import ingest
from flows.deliveries.opening import open_ledger
from flows.publishing.options import Options, asked_period
from flows.publishing.steps import StepRunner, plainly

Manifest = dict[str, Any]
Work = Callable[..., Manifest]


def _ingest(
    options: Options, step: StepRunner, *, exports: Sequence[str], again: Sequence[str] = ()
) -> Manifest:
    return ingest(options, exports, step, again)


def _open(options: Options, step: StepRunner, *, month: str, lots: Path) -> Manifest:
    return open_ledger(options, asked_period(month, "month"), lots, step=step)


def _run(
    options: Options,
    step: StepRunner,
    *,
    first_month: str,
    last_month: str,
    reason: str | None = None,
    **flags: bool,
) -> Manifest:
    """`pointbook run`: from the first to the last month, texts, with the flags of `OF_RUN`."""
    first, last = asked_period(first_month, "month"), asked_period(last_month, "month")
    return run_calendar(options, Reach(first, last, **flags), step, reason=reason)


def _demo(options: Options, step: StepRunner) -> Manifest:
    return run_demo(options, step)


_WORKS: Final[Mapping[str, Work]] = {
    "ingest": _ingest,
    "open": _open,
    "run": _run,
    "demo": _demo,
}


def work(name: str, options: Options, step: StepRunner = plainly, **given: Any) -> Manifest:
    """Does what a command does, by its name; returns the manifest.

    `given`: the command's own options, a period as a year or the text of a month under the name
    of its span.
    """
    if name in _WORKS:
        return _WORKS[name](options, step, **given)
    command = COMMANDS[name]
    period = asked_period(given.pop(command.span), command.span)
    return make_period(command, options, period, step, **given)
