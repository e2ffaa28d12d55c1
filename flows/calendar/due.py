"""What falls due when, by the policy's dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.console.errors import WrongUsage
from flows.publishing.ledgers import month_after, month_of
from transforms.policies.policy import Policies

_PLACES: Final = {name: place for place, name in enumerate(COMMANDS)}


@dataclass(frozen=True, order=True)
class Due:
    """A command that falls due on a day, for a period: YYYY, or YYYY-MM."""

    on: date
    place: int
    name: str
    period: str

    @classmethod
    def of(cls, policies: Policies, command: Command, period: str) -> Due:
        """A command's period, on its day."""
        on = command.due_on(policies, period)
        return cls(on, _PLACES[command.name], command.name, period)

    @property
    def command(self) -> Command:
        return COMMANDS[self.name]

    @property
    def line(self) -> str:
        """The command line that does it."""
        return self.command.line(self.period)


def due_between(policies: Policies, first: date, last: date) -> list[Due]:
    """Everything that falls due from the first to the last month, in calendar order."""
    if first > last:
        raise WrongUsage(f"--from {first:%Y-%m} lies after --to {last:%Y-%m}; swap them")
    months = month_of(first), month_of(last)
    return sorted(
        due
        for command in COMMANDS.values()
        for period in _periods(command, first, last)
        if months[0] <= month_of((due := Due.of(policies, command, period)).on) <= months[1]
    )


def _periods(command: Command, first: date, last: date) -> Iterator[str]:
    """Every period of a command that may fall due in a span, and some that don't."""
    if command.span == "year":
        yield from (str(year) for year in range(first.year - 1, last.year + 3))
        return
    month = month_of(first)
    while month <= month_of(last):
        yield month
        month = month_after(month)
