"""What falls due when, by the policy's dates, and what a command needs to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from flows.errors import NotReady, WrongUsage
from flows.landing import Deliveries
from flows.periods import last_day, last_month, month_after, month_of, parse_month
from flows.run import Context
from transforms.airline import status_year
from transforms.assessment import assessment, grant
from transforms.policy import NotInForce, Policies


@dataclass(frozen=True)
class Command:
    """A command that falls due regularly.

    `span`: what its period is. It needs all of the exports in `needs`, and one of those in
    `one_of`, if there are any.
    """

    name: str
    span: Literal["year", "month"]
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()

    def not_delivered(self, ever: Callable[[str], bool]) -> str | None:
        """What it needs and was never delivered to the workspace, as a sentence, if anything.

        `ever`: whether an export was.
        """
        absent = [name for name in self.needs if not ever(name)]
        if absent:
            return f"{' and '.join(absent)} was never delivered"
        if self.one_of and not any(ever(name) for name in self.one_of):
            return f"none of {', '.join(self.one_of)} was ever delivered"
        return None


_OF_POINTS: Final = ("billing", "promotions", "purchases")
_OF_MILES: Final = ("flights", "award_requests", "mixed_payments")
COMMANDS: Final = {
    command.name: command
    for command in (
        Command("tiers", "year", ("billing", "customers")),
        Command("grants", "year"),
        Command("elite", "year", ("members", "flights")),
        Command("notices", "month", ("customers",), _OF_POINTS),
        Command("points", "month", ("customers",), _OF_POINTS),
        Command("micropayments", "month", ("subscriptions",), ("micropayments", "limit_requests")),
        Command("miles", "month", ("members",), _OF_MILES),
        Command("sweep", "year", ("customers",), _OF_POINTS),
    )
}
"""The commands that fall due, in the order in which they do on one day."""
_PLACES: Final = list(COMMANDS)
LEDGERS: Final = {
    "notices": "point_lots",
    "points": "point_lots",
    "micropayments": "micropayment_limits",
    "miles": "mileage_lots",
    "sweep": "point_lots",
}
"""The table whose first period starts the ledger that a command works on."""


def not_delivered(name: str, context: Context) -> str | None:
    """What a command needs and was never delivered to the workspace, as a sentence, if anything."""
    deliveries = Deliveries.load(context.workspace.staged)
    return COMMANDS[name].not_delivered(
        lambda export: bool(context.files(export)) or deliveries.ever(export)
    )


def require_delivered(name: str, context: Context) -> None:
    """Raises NotReady where exports that a command needs were never delivered."""
    reason = not_delivered(name, context)
    if reason:
        raise NotReady(f"{name}: {reason}; land it, then run `pointbook ingest`")


@dataclass(frozen=True, order=True)
class Due:
    """A command that falls due on a day, for a period: YYYY, or YYYY-MM."""

    on: date
    place: int
    name: str
    period: str

    @property
    def command(self) -> Command:
        return COMMANDS[self.name]

    @property
    def line(self) -> str:
        """The command line that does it."""
        return f"pointbook {self.name} --{self.command.span} {self.period}"


def due_between(policies: Policies, first: date, last: date) -> list[Due]:
    """Everything that falls due from the first to the last month, in calendar order."""
    if first > last:
        raise WrongUsage(f"--from {first:%Y-%m} lies after --to {last:%Y-%m}; swap them")
    months = month_of(first), month_of(last)
    yearly = _yearly(policies, range(first.year - 1, last.year + 3))
    return sorted(
        due
        for due in [*yearly, *_monthly(first, last)]
        if months[0] <= month_of(due.on) <= months[1]
    )


def _yearly(policies: Policies, years: range) -> Iterator[Due]:
    for year in years:
        yield _due(assessment(policies, year).assessed_on, "tiers", str(year))
        yield _due(grant(policies, year).granted_on, "grants", str(year))
        yield _due(_elite_due(policies, year), "elite", str(year))
        yield _due(last_day(parse_month(last_month(year))), "sweep", str(year))


def _monthly(first: date, last: date) -> Iterator[Due]:
    month = month_of(first)
    while month <= month_of(last):
        begin = parse_month(month)
        yield _due(begin, "notices", month)
        for name in ("points", "micropayments", "miles"):
            yield _due(last_day(begin), name, month)
        month = month_after(month)


def _elite_due(policies: Policies, year: int) -> date:
    """The first day of a status year; where the scheme is not in force (E1), that of the year."""
    try:
        return status_year(policies, year).status_from
    except NotInForce:
        return date(year, 1, 1)


def _due(on: date, name: str, period: str) -> Due:
    return Due(on, _PLACES.index(name), name, period)
