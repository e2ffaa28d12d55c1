"""What falls due when, by the policy's dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.console.errors import WrongUsage
from schemas.periods import Period, months_between
from transforms.policies.policy import Policies


@dataclass(frozen=True, order=True)
class Due:
    """A command that falls due on a day, for a period; in the order in which they are done."""

    on: date
    place: int
    name: str
    period: Period

    @classmethod
    def of(cls, policies: Policies, command: Command, period: Period) -> Due:
        """A command's period, on its day."""
        return cls(command.due_on(policies, period), command.place, command.name, period)

    @property
    def command(self) -> Command:
        return COMMANDS[self.name]

    @property
    def partitions(self) -> dict[str, Period]:
        """The partition that it makes of each of the command's tables."""
        command = self.command
        return {table: command.partition(table, self.period) for table in command.tables}

    @property
    def line(self) -> str:
        """The command line that does it."""
        return self.command.line(self.period)

    @property
    def title(self) -> str:
        """The command and its period: `tiers 2017`."""
        return f"{self.name} {self.period}"


def due_between(policies: Policies, first: Period, last: Period) -> list[Due]:
    """Everything that falls due from the first to the last month, in calendar order.

    Raises WrongUsage where the first lies after the last.
    """
    if first > last:
        raise WrongUsage(f"--from {first} lies after --to {last}; swap them")
    return sorted(
        due
        for command in COMMANDS.values()
        for period in _periods(command, first, last)
        if first <= Period.month_of((due := Due.of(policies, command, period)).on) <= last
    )


def _periods(command: Command, first: Period, last: Period) -> Iterable[Period]:
    """Every period of a command that may fall due in a span, and some that don't."""
    if command.span == "year":
        return (Period(year) for year in range(first.year - 1, last.year + 3))
    return months_between(first, last)
