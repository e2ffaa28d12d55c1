"""The plan: which periods are missing, stale or current and why, and what a run would do about it.

A period is stale where what its rules read has changed since, or will have once a period that it
reads is made again: both are told by its fingerprints, from the inputs that its command declares.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from flows.calendar.due import Due, due_between
from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.commands.template import fingerprints
from flows.console.errors import NotReady, PointbookError
from flows.deliveries.landing import new_files
from flows.publishing.commit import Entry
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.workspace import published_path
from flows.publishing.write_audit import changed_inputs
from schemas.periods import Period
from schemas.tables import PUBLISHED
from transforms.policies.policy import PolicyError

State = Literal["missing", "stale", "current"]
Action = Literal["run", "keep", "skip", "blocked"]
_NAMED: Final = 3


@dataclass(frozen=True)
class Finding:
    """What a look at a period found.

    `changed`: what its rules read and has changed since. `damaged`: tables whose file is gone or
    cut short. `follows`: the periods to be made again that it changes with, the first causes only.
    `reads`: the periods to be made again whose files it reads itself. `skipped` and `blocked` say
    why it is not to be made, or could not be.
    """

    due: Due
    state: State
    changed: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    follows: tuple[Due, ...] = ()
    reads: tuple[Due, ...] = ()
    skipped: str | None = None
    blocked: str | None = None

    @property
    def is_to_come(self) -> bool:
        """Whether what follows it is not current: it is to be made, or is stale and can't be."""
        return not self.skipped and (
            self.state == "stale" or (self.state == "missing" and not self.blocked)
        )

    @property
    def why(self) -> str | None:
        """Why it is stale, as a phrase."""
        if self.state != "stale":
            return None
        if self.skipped or self.blocked:
            return self.skipped or self.blocked
        if self.changed:
            return f"changed: {', '.join(self.changed)}"
        if self.damaged:
            return f"gone or damaged: {', '.join(self.damaged)}"
        named = ", ".join(due.title for due in self.follows[:_NAMED])
        more = len(self.follows) - _NAMED
        return f"follows {named}" + (f" and {more} more" if more > 0 else "")

    @property
    def causes(self) -> tuple[Due, ...]:
        """The periods that it is to be made again for: itself, or those that it follows."""
        own = self.state == "missing" or self.changed or self.damaged
        return (self.due,) if own or not self.follows else self.follows


class Outlook:
    """A workspace as it will be once what is missing or stale is made again.

    Periods are looked at in calendar order, in which none reads what falls due later.
    `allow_missing_months`: as the flag of the commands that have it.
    """

    def __init__(self, context: Context, allow_missing_months: bool = False) -> None:
        self._allow_missing_months = allow_missing_months
        self._now = context
        self._then = replace(context, state=context.state.copy())
        self._expected: dict[Path, Finding] = {}

    def look(self, due: Due) -> Finding:
        """Whether a period is missing, stale or current, and why."""
        command, context = due.command, self._then
        entries = published_entries(self._now, due)
        skipped = command.not_delivered(context) or command.why_skipped(context, due.period)
        blocked, found = None, None
        try:
            found = fingerprints(command, context, due.period)
            command.ready(context, due.period, self._allow_missing_months)
        except (PointbookError, PolicyError) as error:
            blocked = " ".join(str(error).splitlines())
        expected = self._expected_by(due, found) if found else {}
        reads = {finding.due for findings in expected.values() for finding in findings}
        find = partial(Finding, due, skipped=skipped, blocked=blocked, reads=tuple(sorted(reads)))
        if len(entries) < len(command.tables):
            return find("missing")
        if found is None:
            return find("stale")
        changed = _changed(entries, found)
        followed = changed & expected.keys()
        if followed:
            changed -= followed - self._changed_already(due, entries)
        causes = sorted({c for name in followed for each in expected[name] for c in each.causes})
        damaged = tuple(_damaged(self._now, entries))
        state: State = "stale" if changed or damaged or causes else "current"
        return find(state, tuple(sorted(changed)), damaged, tuple(causes))

    def expect(self, finding: Finding) -> None:
        """Counts a period as made anew for those after it, though it may have to wait."""
        for table, partition in finding.due.partitions.items():
            path = published_path(self._now.workspace, PUBLISHED[table], str(partition))
            self._then.state.foresee(table, str(partition), path)
            self._expected[path] = finding

    def _expected_by(self, due: Due, read: Collection[str]) -> dict[str, list[Finding]]:
        """By relation that a period reads what was found of those that are to be made again."""
        if not self._expected:
            return {}
        files = due.command.inputs(self._then, due.period).files
        found = {
            name: [self._expected[path] for path in files[name].values() if path in self._expected]
            for name in files.keys() & read
        }
        return {name: findings for name, findings in found.items() if findings}

    def _changed_already(self, due: Due, entries: Mapping[str, Entry]) -> set[str]:
        """What has changed by what is published now."""
        try:
            return _changed(entries, fingerprints(due.command, self._now, due.period))
        except (PointbookError, PolicyError):
            return set()


def published_entries(context: Context, due: Due) -> dict[str, Entry]:
    """What is published of a period, by table."""
    return {
        table: context.state.entry(path)
        for table, partition in due.partitions.items()
        for path in context.file_of(table, partition).values()
    }


def published_dues(context: Context) -> list[Due]:
    """Everything that is published, in calendar order."""
    return sorted(
        Due.of(context.policies, command, period)
        for command in COMMANDS.values()
        for period in command.published(context)
    )


def overview(context: Context) -> Iterator[Finding]:
    """All that is published, and what is missing: what fell due within the delivered months,
    could be done, and is not. In calendar order.

    A ledger that was never begun misses nothing.
    """
    outlook = Outlook(context)
    published = published_dues(context)
    missing = set(_called_for(context)).difference(published)
    for due in sorted([*published, *missing]):
        finding = outlook.look(due)
        if finding.is_to_come:
            outlook.expect(finding)
        yield finding


def _called_for(context: Context) -> Iterator[Due]:
    paced = {name: _delivered(context, command) for name, command in COMMANDS.items()}
    months = sorted(month for span in paced.values() for month in span)
    if not months:
        return
    for due in due_between(context.policies, months[0], months[-1]):
        span = paced[due.name]
        within = span and span[0] <= Period.month_of(due.on) <= span[-1]
        if within and due.command.called_for(context, due.period):
            yield due


def _delivered(context: Context, command: Command) -> list[Period]:
    """The delivered months that say from when to when a command could be done."""
    return sorted({month for name in command.paced_by for month in context.periods(name)})


def _changed(entries: Mapping[str, Entry], found: Mapping[str, str]) -> set[str]:
    """What the entries were made from and is not what was found."""
    return {name for entry in entries.values() for name in changed_inputs(entry.inputs, found)}


def _damaged(context: Context, entries: Mapping[str, Entry]) -> Iterator[str]:
    """The tables whose published file is gone, or not as long as it was."""
    return (table for table, entry in entries.items() if not context.has_whole(entry))


# What a run would do


@dataclass(frozen=True)
class PlannedPeriod:
    """What a run would do about a period, and why not more."""

    finding: Finding
    action: Action
    reason: str | None = None

    def as_manifest(self, context: Context) -> dict[str, Any]:
        """As the plan shows it."""
        due = self.finding.due
        entries = published_entries(context, due)
        return {
            "command": due.name,
            "period": str(due.period),
            "line": due.line,
            "due": due.on.isoformat(),
            "state": self.finding.state,
            "why": self.finding.why,
            "action": self.action,
            "reason": self.reason,
            "tables": [
                {
                    "table": table,
                    "period": str(partition),
                    "state": self.finding.state if table in entries else "missing",
                }
                for table, partition in due.partitions.items()
            ],
        }


@dataclass(frozen=True)
class Reach:
    """How far a run goes: from the first to the last month, and back to what these rest on.

    `allow_missing_months`: as the flag of the commands that have it. `strict`: it does not go back.
    `from_stale`: it does not either, and makes what it makes from what is stale.
    """

    first: Period
    last: Period
    force: bool = False
    allow_missing_months: bool = False
    strict: bool = False
    from_stale: bool = False

    def as_manifest(self) -> dict[str, Any]:
        """What it was asked for, as manifests and the record of backfills have it."""
        asked = ("allow_missing_months", "strict", "from_stale")
        told = {"from": str(self.first), "to": str(self.last), "force": self.force}
        return told | {name: True for name in asked if getattr(self, name)}

    def due(self, context: Context) -> list[Due]:
        """All that falls due in its months, in calendar order."""
        return due_between(context.policies, self.first, self.last)

    def behind(self, context: Context) -> list[Finding]:
        """The stale periods to go back to: its months are made from them.

        Raises NotReady, naming the command that mends it, where it is not to go back.
        """
        found = [] if self.from_stale else self._behind(context)
        if found and self.strict:
            first = found[0]
            raise NotReady(
                f"{first.due.title}, which {self.first} and later are made from, is stale "
                f"({first.why}); run `{line_from(first.due, self.last)}`, or leave out --strict"
            )
        return found

    def _behind(self, context: Context) -> list[Finding]:
        """The stale periods before its months that these are made from, in calendar order."""
        due = set(self.due(context))
        outlook = Outlook(context, self.allow_missing_months)
        made: list[Finding] = []
        for item in sorted(due.union(published_dues(context))):
            month = Period.month_of(item.on)
            if month > self.last or (month >= self.first and not made):
                break
            finding = outlook.look(item)
            if finding.is_to_come and (item in due or finding.state == "stale"):
                outlook.expect(finding)
                made.append(finding)
        return _resting_on((each for each in made if each.due in due), made)


def stale_before(context: Context, due: Due) -> list[Finding]:
    """The stale periods that a period would be made from, itself or through others, in order."""
    outlook = Outlook(context)
    found: list[Finding] = []
    for item in published_dues(context):
        if item >= due:
            break
        finding = outlook.look(item)
        if finding.is_to_come:
            outlook.expect(finding)
            found.append(finding)
    return _resting_on([outlook.look(due)], found) if found else []


def _resting_on(made: Iterable[Finding], found: Iterable[Finding]) -> list[Finding]:
    """Those of the findings, in calendar order, that periods to be made read, or what they read."""
    of = {finding.due: finding for finding in found}
    wanted = list(made)
    own = {finding.due for finding in wanted}
    needed: set[Due] = set()
    while wanted:
        new = set(wanted.pop().reads).difference(needed)
        needed |= new
        wanted += [of[due] for due in new]
    return [of[due] for due in sorted(needed - own)]


def line_from(due: Due, last: Period) -> str:
    """The command line that makes a period and what follows it up to a month."""
    return f"pointbook run --from {Period.month_of(due.on)} --to {last}"


def plan_run(context: Context, reach: Reach) -> list[PlannedPeriod]:
    """What a run would do, in its order; see `run_calendar`.

    A period that can't be done stops the run there: what would be done after it is blocked by it.
    """
    outlook = Outlook(context, reach.allow_missing_months)
    due = {*reach.due(context), *(finding.due for finding in reach.behind(context))}
    steps: list[PlannedPeriod] = []
    stopped_at: Due | None = None
    for item in sorted(due.union(published_dues(context))):
        if Period.month_of(item.on) > reach.last:
            break
        finding = outlook.look(item)
        if item not in due:
            if finding.is_to_come and finding.state == "stale" and not reach.from_stale:
                outlook.expect(finding)
            continue
        step = _step(finding, reach.force)
        if step.action == "run" and stopped_at is not None:
            where = f"{stopped_at.title}, where the run stops"
            step = replace(step, action="blocked", reason=where)
        elif step.action == "blocked" and stopped_at is None:
            stopped_at = item
        if finding.is_to_come:
            outlook.expect(finding)
        steps.append(step)
    return steps


def _step(finding: Finding, force: bool) -> PlannedPeriod:
    """What a run does about a period; `force`: about current ones too."""
    if finding.state == "current" and not force:
        return PlannedPeriod(finding, "keep")
    if finding.skipped:
        return PlannedPeriod(finding, "skip", finding.skipped)
    if finding.blocked:
        return PlannedPeriod(finding, "blocked", finding.blocked)
    return PlannedPeriod(finding, "run")


def plan_manifest(options: Options, reach: Reach) -> dict[str, Any]:
    """The plan of a run, as `run --dry-run` shows it; reads no data and changes nothing.

    What landed and is not ingested is named; what it will make stale is not foreseen.
    """
    context = Context.of(options)
    landed = new_files(context.workspace)
    return {
        "command": "plan",
        **reach.as_manifest(),
        "landed": [{"export": file.export.name, "file": file.name} for file in landed],
        "steps": [step.as_manifest(context) for step in plan_run(context, reach)],
    }
