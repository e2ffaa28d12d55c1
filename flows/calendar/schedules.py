"""When `pointbook serve` runs what falls due, and for which period: by the policy's days and hours.

A command runs so many days after it falls due, at its hour (`schedules.yaml`). Its period follows
from the day for which a run was scheduled, however late it starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from typing import Final, cast

from flows.calendar.due import Due, due_between
from flows.commands.registry import COMMANDS
from flows.console.zone import KOREA
from flows.publishing.ledgers import LEDGERS
from schemas.periods import Period
from transforms.policies.policy import Policies, PolicyError

INGEST: Final = "ingest"
RUN: Final = "run"
"""What brings up to date what has become stale, or a span of months."""
_DAILY: Final = (INGEST, RUN)
_NAMES: Final = (*_DAILY, *COMMANDS)
_POLICY: Final = "schedules"
_AHEAD: Final = 5
"""Years looked ahead: a yearly command falls due in each."""
_BEFORE: Final = 2
"""Years looked back: whatever falls due did in the last of them, and ran 27 days after."""


@dataclass(frozen=True)
class Schedule:
    """When a command runs: so many days after it falls due, at an hour of Asia/Seoul."""

    command: str
    days_after: int
    at: time

    def moment(self, due: Due) -> datetime:
        """When a command that falls due runs."""
        return datetime.combine(due.on + timedelta(days=self.days_after), self.at, KOREA)

    def crons(self, policies: Policies, today: date) -> list[str]:
        """The cron expressions, in Asia/Seoul, of all its moments in the coming years.

        More than one where the policy moves the day on which the command falls due; none where
        its scheme is not in force.
        """
        at = f"{self.at.minute} {self.at.hour}"
        if self.command in _DAILY:
            return [f"{at} * * *"]
        days = [self.moment(due).date() for due in _to_come(policies, self.command, today)]
        if COMMANDS[self.command].span == "year":
            return list(dict.fromkeys(f"{at} {day.day} {day.month} *" for day in days))
        at_the_end = all(day == Period.month_of(day).last_day for day in days)
        return list(dict.fromkeys(f"{at} {'L' if at_the_end else day.day} * *" for day in days))

    def upcoming(
        self, policies: Policies, now: datetime, count: int
    ) -> list[tuple[datetime, Period | None]]:
        """The next moments after now, and the period of each; none for what runs every day."""
        if self.command in _DAILY:
            first = datetime.combine(now.astimezone(KOREA).date(), self.at, KOREA)
            days = (first + timedelta(days=n) for n in range(count + 1))
            found: list[tuple[datetime, Period | None]] = [(moment, None) for moment in days]
        else:
            due = _to_come(policies, self.command, now.astimezone(KOREA).date())
            found = [(self.moment(item), item.period) for item in due]
        return [item for item in found if item[0] > now][:count]


def schedules(policies: Policies, on: date) -> dict[str, Schedule]:
    """The schedules in force on a day, by command, in the order of the calendar.

    Raises PolicyError where a command has no schedule, or they would not run in that order.
    """
    rows = {row["command"]: cast("dict[str, int]", row) for row in policies.in_force(_POLICY, on)}
    check_names(policies, on)
    found = {
        name: Schedule(name, row["days_after"], time(row["hour"], row["minute"]))
        for name, row in ((name, rows[name]) for name in _NAMES)
    }
    if problems := dict.fromkeys(_disorder(policies, found, on)):
        raise PolicyError(*problems)
    return found


def check_names(policies: Policies, *days: date) -> None:
    """Raises PolicyError where rows name no command, or a command has none on one of the days.

    Without days, on each on which a row begins or ends.
    """
    rows = policies.rows(_POLICY)
    first = min(cast("date", row["valid_from"]) for row in rows)
    days = days or tuple(policies.days_of_change([_POLICY], first, date.max))
    unknown = dict.fromkeys(row["command"] for row in rows if row["command"] not in _NAMES)
    problems = [f"{_POLICY}.yaml: no command is called {name}; mend its rows" for name in unknown]
    for day in days:
        named = {row["command"] for row in policies.in_force(_POLICY, day)}
        problems += [
            f"{_POLICY}.yaml: no row for command {name} on {day}; add one"
            for name in _NAMES
            if name not in named
        ]
    if problems:
        raise PolicyError(*problems)


def period_due(policies: Policies, command: str, scheduled: datetime) -> Due:
    """What a run that was scheduled for a moment is to do: what fell due last by that day.

    The hour does not matter, so that a schedule that was moved on Prefect's page keeps its period.
    Raises PolicyError where a command has no schedule on that day.
    """
    day = scheduled.astimezone(KOREA).date()
    check_names(policies, day)
    (row,) = [row for row in policies.in_force(_POLICY, day) if row["command"] == command]
    on = day - timedelta(days=cast("int", row["days_after"]))
    month = Period.month_of(on)
    due = due_between(policies, Period(month.year - _BEFORE, month.part), month)
    return max(item for item in due if item.name == command and item.on <= on)


def _to_come(policies: Policies, command: str, today: date) -> list[Due]:
    """What falls due by a command from the month before today on; without schemes not in force."""
    begin = Period.month_of(today).before
    return [
        due
        for due in due_between(policies, begin, Period(begin.year + _AHEAD, begin.part))
        if due.name == command and due.command.in_force(policies, due.period)
    ]


def _disorder(policies: Policies, found: Mapping[str, Schedule], today: date) -> Iterator[str]:
    """Commands that would run before, or with, one that goes before them in the calendar."""
    due = sorted(item for name in COMMANDS for item in _to_come(policies, name, today))
    moments = {item: found[item.name].moment(item) for item in due}
    days = groupby(sorted(due, key=lambda item: moments[item].date()), lambda i: moments[i].date())
    # each command of a ledger opens from what the one before it published
    ledgers = [
        [item for item in due if ledger in (item.command.ledger, item.command.feeds)]
        for ledger in LEDGERS
    ]
    for chain in [*ledgers, *(sorted(items) for _, items in days)]:
        for first, second in pairwise(chain):
            if moments[first] >= moments[second]:
                yield (
                    f"{_POLICY}.yaml: {second.name} would run before or with the {first.name} that "
                    f"it comes after; give {second.name} more days_after or a later hour"
                )
