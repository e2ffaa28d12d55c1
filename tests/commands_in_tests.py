"""Computing commands as tests run them: in words, as on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flows.commands.elite import assess_elite
from flows.commands.grants import grant_points
from flows.commands.micropayments import close_micropayments
from flows.commands.miles import close_miles
from flows.commands.notices import send_notices
from flows.commands.points import close_points
from flows.commands.sweep import sweep_points
from flows.commands.tiers import assess_tiers
from flows.publishing.options import Options

_OF_YEARS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "tiers": assess_tiers,
    "grants": grant_points,
    "sweep": sweep_points,
    "elite": assess_elite,
}
_OF_MONTHS: Final[Mapping[str, Callable[..., dict[str, Any]]]] = {
    "points": close_points,
    "notices": send_notices,
    "micropayments": close_micropayments,
    "miles": close_miles,
}


def run_command(options: Options, command: str, **flags: Any) -> dict[str, Any]:
    """Runs a command written as `points 2016-03` or `tiers 2017`; returns the manifest.

    `flags`: those of the command line, as `dry_run=True`.
    """
    name, period = command.split()
    if name in _OF_YEARS:
        return _OF_YEARS[name](options, int(period), **flags)
    return _OF_MONTHS[name](options, period, **flags)


def run_commands(options: Options, commands: Iterable[str]) -> None:
    """Runs commands in their order."""
    for command in commands:
        run_command(options, command)
