"""The commands of a scenario, in the calendar's order: each reads what those before it made there,
and what is published else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from flows.answers.policy_settings import Days, days_asked
from flows.answers.policy_values import policies_of_run
from flows.answers.reading import Reader
from flows.calendar.due import Due, due_between
from flows.calendar.plan import Outlook, line_from, published_dues
from flows.commands import tiers
from flows.commands.registry import COMMANDS
from flows.commands.template import compute
from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.publishing.commit import Entry
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.sessions import SharedSession
from flows.publishing.workspace import Workspace
from flows.publishing.write_audit import WrittenTable
from schemas.periods import Period
from transforms.policies.airline import status_in_force, status_year
from transforms.policies.policy import Policies

Through = Literal["tiers", "grants", "points", "elite"]
_COMMANDS: Final[Mapping[Through, tuple[str, ...]]] = {
    "tiers": ("tiers",),
    "grants": ("tiers", "grants"),
    "points": ("tiers", "grants", "notices", "points", "sweep"),
    "elite": ("miles", "elite"),
}
"""What is made again, as far as it goes."""
MONTHLY: Final[Mapping[Through, str]] = {"points": "points", "elite": "miles"}
"""The command that closes the months, of those that go on to a last one."""


@dataclass(frozen=True)
class Span:
    """What a scenario makes: a year, up to which command, and its last month, if it has any."""

    year: Period
    through: Through
    last: Period | None

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that make it."""
        return _COMMANDS[self.through]

    def dues(self, policies: Policies, other: Policies) -> list[Due]:
        """What it makes under some policies, in calendar order.

        The year's own, and where months are closed all that falls due up to the last of them.
        `other`: policies that say when flights count where the first know no such scheme.
        """
        yearly = [name for name in ("tiers", "grants", "elite") if name in self.commands]
        own = {Due.of(policies, COMMANDS[name], self.year) for name in yearly}
        if self.last is not None:
            first = self.first_month(policies, other)
            for due in due_between(policies, first, self.last):
                if due.name in self.commands:
                    own.add(due)
        return sorted(own)

    def first_month(self, policies: Policies, other: Policies) -> Period:
        """The first of its months: the year's, or of miles that of the flights that a status
        rests on.
        """
        if self.through != "elite":
            return self.year.january
        for each in (policies, other):
            if status_in_force(each, self.year):
                return Period.month_of(status_year(each, self.year).flights_from)
        raise WrongUsage(f"no policy has a status year {self.year.year}: see elite_year.yaml")


def span_of(
    context: Context, policies: Policies, year: Period, through: Through, last: Period | None
) -> Span:
    """What is asked for; without a last month it is the last closed one of the year.

    Raises WrongUsage where a last month makes no sense, NotReady where no month of it is closed.
    """
    closing_command = MONTHLY.get(through)
    if closing_command is None:
        if last is not None:
            raise WrongUsage(f"--to goes with --through points or elite, not with {through}")
        return Span(year, through, None)
    first = Span(year, through, last).first_month(context.policies, policies)
    if last is not None:
        if last < first:
            raise WrongUsage(f"--to {last} lies before {first}, the first month of {year}")
        return Span(year, through, last)
    command = COMMANDS[closing_command]
    closed = [month for month in command.published(context) if first <= month <= year.december]
    if not closed:
        raise NotReady(f"no month from {first} on is closed; run `{command.line(first)}` first")
    return Span(year, through, max(closed))


def base_policies(context: Context, through: Through, options: Options) -> Policies:
    """The policies of the latest run that published what a scenario begins with.

    Those of today where they are not kept: what was made under others is then stale.
    """
    tables = {table for name in _COMMANDS[through] for table in COMMANDS[name].tables}
    paths = (path for table in tables for path in context.files(table).values())
    for run_id in sorted({context.state.run_of(path) for path in paths}, reverse=True):
        try:
            return policies_of_run(options, run_id)
        except NotReady:
            continue  # it restored, or thinned out, what others published
    return context.policies


def require_current(base: Context, asked: Sequence[Due]) -> None:
    """Raises NotReady for the first period that is missing or stale in what is published.

    One that the published policies have no scheme for is not missing.
    """
    dues = sorted({Due.of(base.policies, due.command, due.period) for due in asked})
    wanted = set(dues)
    names = {due.name for due in dues}
    outlook = Outlook(base)
    published = [due for due in published_dues(base) if due.name in names and due <= dues[-1]]
    for due in sorted(wanted.union(published)):
        finding = outlook.look(due)
        if finding.is_to_come:
            outlook.expect(finding)
        if due not in wanted or finding.state == "current":
            continue
        if finding.state == "stale":
            raise NotReady(
                f"{due.title} is stale ({finding.why}); run "
                f"`{line_from(due, Period.month_of(dues[-1].on))}` first"
            )
        if not finding.skipped:
            raise NotReady(f"{due.title} is not published; run `{due.line}` first")


@dataclass
class Scenario:
    """Tables made again under other policies, in a folder of their own.

    `context`: the base's state with these tables in the place of the published ones. `made`: what
    they are of, `left_out`: what has no table, with the reason.
    """

    base: Context
    context: Context
    folder: Path
    workspace: Workspace
    made: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    tables: dict[tuple[str, str], int] = field(default_factory=dict)
    """The rows of each table and partition that was made, or has no scheme any more."""

    @classmethod
    def under(cls, base: Context, policies: Policies, folder: Path, scratch: Path) -> Scenario:
        """One in which nothing is made yet."""
        workspace = base.workspace.apart(folder, scratch)
        context = Context(workspace, base.state.copy(), policies)
        return cls(base, context, folder, workspace)

    def temporary(self, target: Path) -> Path:
        """Where to write a file: at once in its place, as nobody reads an unfinished scenario."""
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def make(self, reader: Reader, options: Options, dues: Sequence[Due]) -> Iterator[Due]:
        """Makes what falls due, and yields each when it is done.

        Raises RunFailed where an audit fails, NotReady where something can't be made.
        """

        def start() -> Any:
            return options.start_engine(self.workspace.scratch)

        with closing(SharedSession(start)) as session:
            for due in dues:
                self._make_one(reader, session, due)
                yield due

    def _make_one(self, reader: Reader, session: SharedSession, due: Due) -> None:
        """Makes a period, or leaves it out where it is none of the scenario's."""
        command, context, period = due.command, self.context, due.period
        if reason := command.lost(context, period):
            raise RunFailed(reason)
        if reason := command.not_delivered(context) or command.why_skipped(context, period):
            self._leave_out(due, reason)
            return
        command.ready(context, period)
        if command is tiers.COMMAND and self._keeps_fees(period):
            command = tiers.OF_PUBLISHED_FEES
        own = self.workspace.warehouse
        for files in command.inputs(context, period).files.values():
            reader.notes(path for path in files.values() if not path.is_relative_to(own))
        scratch = self.workspace.scratch
        scratch.mkdir(parents=True, exist_ok=True)
        try:
            with session.lend() as engine:
                work, _ = compute(command, context, period, engine, self, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        for written in work.written.values():
            self._take(written)
        rows = {table.table.name: table.rows for table in work.written.values()}
        self.made.append({"command": due.name, "period": str(period), "rows": rows})

    def _leave_out(self, due: Due, reason: str) -> None:
        """Counts a period as having no tables, and keeps why, if any are published."""
        published = {
            (table, str(partition))
            for table, partition in due.partitions.items()
            if self.base.file_of(table, partition)
        }
        for table, partition in published:
            self.tables[table, partition] = 0
            self.context.state.leave_out(table, partition)
        if published:
            about = {"command": due.name, "period": str(due.period)}
            self.left_out.append({**about, "reason": reason})

    def _keeps_fees(self, year: Period) -> bool:
        """Whether the fees of a year can be taken as they are published."""
        published = self.base.file_of("tier_snapshot", year)
        return bool(published) and tiers.adds_up_as(self.base.policies, self.context.policies, year)

    def _take(self, table: WrittenTable) -> None:
        """Counts a table that was made as current in the scenario."""
        assert table.contents is not None
        self.tables[table.table.name, table.partition] = table.rows
        entry = Entry(
            path=table.target.relative_to(self.folder).as_posix(),
            sha256=table.contents.sha256,
            size=table.contents.size,
            table=table.table.name,
            period=table.partition,
            rows=table.rows,
            column_digests=dict(table.contents.column_digests),
        )
        self.context.state.overlay(table.target, entry)

    def files(self, table: str, *, published: bool) -> dict[str, Path]:
        """A table's files of what is made again, as published or in the scenario."""
        of = self.base if published else self.context
        made = {partition for name, partition in self.tables if name == table}
        return {key: path for key, path in of.files(table).items() if key in made}


def days_of(base: Context, policies: Policies, span: Span, name: str) -> Days:
    """The first and the last day on which the scenario's commands ask for a policy."""
    dues = [(due.command, due.period) for due in span.dues(policies, base.policies)]
    return days_asked(replace(base, policies=policies), dues, name)
