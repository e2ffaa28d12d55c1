"""Simulate: what would be published under other policies, made by the commands themselves.

The tables lie in the scenario's own folder (`scenarios.py`); nothing that is published is changed,
locked or copied. They are made from one committed state: where a command replaces what was read
meanwhile, all is made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from flows.answers.policy_settings import changed_texts, write_folder
from flows.answers.policy_values import folders, policy_values
from flows.answers.reading import Reader, from_one_state
from flows.answers.simulate.blocks import blocks, gained, moved, write_changes
from flows.answers.simulate.chain import (
    MONTHLY,
    Scenario,
    Through,
    base_policies,
    days_of,
    require_current,
    span_of,
)
from flows.answers.simulate.scenarios import FORMAT, emptied, finish, folder_of, set_cache, taken
from flows.calendar.due import Due
from flows.console import progress
from flows.console.errors import RunFailed, WrongUsage
from flows.publishing.catalog import build_scenario_catalog
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.workspace import published_path
from schemas.periods import Period
from schemas.tables import PUBLISHED, RESTATEMENTS
from transforms.engine.errors import QueryError
from transforms.policies.documents import read_document
from transforms.policies.policy import Policies, PolicyError

_POLICIES: Final = "policies"
_WORK: Final = "work"

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """What a scenario is asked for: its name, year, reach and last month, and what is set."""

    name: str
    year: Period
    through: Through = "grants"
    last: Period | None = None
    settings: tuple[str, ...] = ()


def simulate(options: Options, question: Question) -> Row:
    """Makes a scenario; returns what its `scenario.json` holds.

    `options.policies`: the folder that the settings change. Raises WrongUsage for a name that is
    none or taken, or settings that make no sense; NotReady where what it begins with is missing or
    stale; RunFailed where an audit fails: the scenario is not there then.
    """
    folder_of(options.place, question.name)
    folders(options.policies)
    try:
        with taken(options.place, question.name) as folder:
            if question.through in MONTHLY:
                set_cache(options.place)
            found = from_one_state(
                options, lambda reader: _Simulation(options, question, reader, folder).made()
            )
            finish(folder, found)
    except QueryError as error:
        raise RunFailed(f"{error}; there is no scenario {question.name}") from error
    except OSError as error:
        raise RunFailed(
            f"{error.filename or options.place.scenarios}: {error.strerror or error}; there is no "
            f"scenario {question.name}: mend this, then run it again"
        ) from error
    finally:
        with suppress(OSError):
            options.place.scenarios.rmdir()  # where it would have been the first
    return found


class _Simulation:
    """One scenario, made from one committed state."""

    def __init__(self, options: Options, question: Question, reader: Reader, folder: Path) -> None:
        emptied(folder)
        self._options = options
        self._question = question
        self._reader = reader
        self._folder = folder
        self._given = reader.context.policies
        published = base_policies(reader.context, question.through, options)
        self._base: Context = replace(reader.context, policies=published)
        self._span = span_of(
            self._base, self._given, question.year, question.through, question.last
        )

    def made(self) -> Row:
        """The whole scenario: policies, tables, changes, catalog; returns its numbers."""
        texts = self._texts(self._given, self._question.settings)
        write_folder(texts, self._folder / _POLICIES)
        policies = Policies.load(self._folder / _POLICIES)
        dues = self._span.dues(policies, self._base.policies)
        asked = {*dues, *self._span.dues(self._base.policies, policies)}
        require_current(self._base, sorted(asked))
        variants = list(self._variants())
        done, steps = 0, len(dues) * (1 + len(variants))

        def make(scenario: Scenario, what: Sequence[Due]) -> Row:
            nonlocal done
            for _ in scenario.make(self._reader, self._options, what):
                done += 1
            return self._blocks(scenario)

        with progress.working(f"simulating {self._question.name}", lambda: done / max(1, steps)):
            scenario = self._scenario(policies, self._folder)
            found = make(scenario, dues)
            changes = self._write_changes(scenario)
            parts: dict[str, Row | None] = {}
            for label, texts_of in variants:
                folder = self._folder / _WORK / label
                parts[label] = None
                if texts_of is not None:
                    other = Policies.of(texts_of)
                    on = self._span.dues(other, self._base.policies)
                    parts[label] = _told(make(self._scenario(other, folder), on))
                    shutil.rmtree(folder)
        shutil.rmtree(self._folder / _WORK, ignore_errors=True)
        parameters = list(self._parameters(policies, texts, sorted(asked)))
        told = _told(found)
        return {
            "format": FORMAT,
            "name": self._question.name,
            "year": self._question.year.year,
            "through": self._span.through,
            "to": self._span.last and str(self._span.last),
            "set": list(self._question.settings),
            "unit": "miles" if self._span.through == "elite" else "points",
            **told,
            "parameters": parameters,
            **found,
            "attribution": self._attribution(told, parts) if len(self._changes) > 1 else None,
            "limits": list(self._limits(scenario, parameters)),
            "made": scenario.made,
            "left_out": scenario.left_out,
            "changes": changes,
            "policies": policies.digest,
            "base": self._told_base(),
        }

    def _scenario(self, policies: Policies, folder: Path) -> Scenario:
        """A scenario under some policies, in a folder; its scratch lies within this one's."""
        return Scenario.under(self._base, policies, folder, self._folder / _WORK / "scratch")

    def _blocks(self, scenario: Scenario) -> Row:
        """The numbers of a scenario that is made."""
        for name, _ in scenario.tables:
            self._reader.notes(scenario.files(name, published=True).values())
        scratch = scenario.workspace.scratch
        with self._options.start_engine(scratch) as engine:
            return blocks(engine, scenario, self._span)

    def _write_changes(self, scenario: Scenario) -> list[Row]:
        """Writes what differs from what is published, and the catalog; returns it in numbers."""
        table = PUBLISHED[RESTATEMENTS]
        place = scenario.workspace.apart(self._folder, scenario.workspace.scratch)
        name = published_path(place, table, self._question.name).relative_to(place.warehouse)
        target = self._folder / "changes" / name.relative_to(table.name)
        with self._options.start_engine(scenario.workspace.scratch) as engine:
            changes = write_changes(engine, scenario, target)
        own = {
            name: list(scenario.files(name, published=False).values())
            for name in dict.fromkeys(name for name, _ in scenario.tables)
        }
        scenario.workspace.warehouse.mkdir(exist_ok=True)
        build_scenario_catalog(
            scenario.workspace.warehouse / "catalog.duckdb", {**own, table.name: [target]}
        )
        return changes

    # What is set

    def _texts(self, base: Policies, settings: Sequence[str]) -> dict[str, bytes]:
        """The files of a policy folder with settings."""

        def days(name: str) -> Any:
            return days_of(self._base, base, self._span, name)

        return changed_texts(base, settings, days, f"scenario {self._question.name}")

    @cached_property
    def _differs(self) -> bool:
        """Whether the given folder holds other values than what is published was made by, of those
        that the scenario's periods rest on.
        """
        given, base = self._given, self._base.policies
        dues = sorted({*self._span.dues(given, base), *self._span.dues(base, given)})
        changed = {row["policy"] for row in policy_values(given, before=base)["changes"]}
        return any(self._reaches(name, given.texts, dues) for name in sorted(changed))

    @property
    def _changes(self) -> list[str]:
        """What is changed, in its order: the folder, if it is another one, and each setting."""
        folder = ["--policies"] if self._differs else []
        return [*folder, *(f"--set {each}" for each in self._question.settings)]

    def _variants(self) -> Iterator[tuple[str, dict[str, bytes] | None]]:
        """The policies of each change alone, and of the first ones together; none of a single one.

        None where a change alone makes no sound policies.
        """
        number = len(self._changes)
        if number < 2:
            return
        first = 1 if self._differs else 0
        settings = self._question.settings
        root = self._base.policies if self._differs else self._given
        for place in range(number):
            alone = settings[place - first : place - first + 1] if place >= first else ()
            base = root if place >= first else self._given
            yield f"alone-{place}", self._sound(base, alone)
        for place in range(1, number - 1):
            yield f"stacked-{place}", self._sound(self._given, settings[: place + 1 - first])

    def _sound(self, base: Policies, settings: Sequence[str]) -> dict[str, bytes] | None:
        try:
            return self._texts(base, settings)
        except WrongUsage:
            return None

    def _attribution(self, together: Row, parts: Mapping[str, Row | None]) -> Row:
        """What each change brings alone, what it adds to those before it, and what is left over."""
        last = len(self._changes) - 1
        stacked = [parts["alone-0"], *(parts[f"stacked-{n}"] for n in range(1, last)), together]
        before = [dict.fromkeys(together, 0), *stacked[:-1]]
        changes = []
        rest: Row | None = together
        for place, change in enumerate(self._changes):
            alone = parts[f"alone-{place}"]
            added = _less(stacked[place], before[place])
            changes.append({"change": change, "alone": alone, "added": added})
            rest = _less(rest, alone)
        return {"changes": changes, "together": together, "interaction": rest}

    # What is told

    def _parameters(
        self, policies: Policies, texts: Mapping[str, bytes], dues: Sequence[Due]
    ) -> Iterator[Row]:
        """Every value that differs from those which what is published was made by."""
        found = policy_values(policies, before=self._base.policies)["changes"]
        reached = {name: self._reaches(name, texts, dues) for name in {r["policy"] for r in found}}
        for row in found:
            name = row["policy"]
            yield {
                **{part: row[part] for part in ("policy", "key", "column", "before", "after")},
                **{part: row[part] for part in ("since", "until")},
                "rules": read_document(texts[name])[0]["rules"],
                "reached": reached[name],
            }

    def _reaches(self, name: str, texts: Mapping[str, bytes], dues: Sequence[Due]) -> bool:
        """Whether a policy, changed by itself, changes what a period of the scenario rests on."""
        other = Policies.of({**self._base.policies.texts, name: texts[name]})
        context = replace(self._base, policies=other)
        return any(_rests_on(context, due) != _rests_on(self._base, due) for due in dues)

    def _limits(self, scenario: Scenario, parameters: Sequence[Row]) -> Iterator[str]:
        """What the numbers don't say."""
        yield "nobody behaves otherwise: what is billed, bought, flown and asked for stays as it is"
        last, through = self._span.last, self._span.through
        if last is not None:
            yield f"after {last} what is published stays"
        elif through == "tiers":
            yield "points are what the tiers give, also to those who leave before it is credited"
        else:
            yield "no month is closed: what is credited, used and lapses stays as it is published"
        for name in dict.fromkeys(row["policy"] for row in parameters if not row["reached"]):
            yield f"{name} is changed, and nothing that is made up to {through} reads the change"
        for each in scenario.left_out:
            yield f"{each['command']} {each['period']} is not made: {each['reason']}"

    def _told_base(self) -> Row:
        """What the scenario begins with: the commit, the policies, and the files that were read."""
        state = self._base.state
        commit, _, digest = state.link.partition(" ")
        entries = sorted((state.entry(path) for path in self._reader.files), key=lambda e: e.path)
        files = [
            entry.model_dump(include={"path", "table", "period", "sha256"}) for entry in entries
        ]
        return {
            "commit": commit,
            "digest": digest,
            "policies": self._base.policies.digest,
            "files": files,
        }


def _rests_on(context: Context, due: Due) -> object:
    """The policy values that a period rests on, as digests, or why there are none."""
    try:
        return due.command.policies(context, due.period)
    except PolicyError as error:
        return str(error)


def _told(found: Row) -> Row:
    """How many are moved in a scenario, and what all gain, less what they lose."""
    return {"moved": moved(found["matrix"]), "amount": gained(found["winners_and_losers"])}


def _less(one: Row | None, other: Row | None) -> Row | None:
    """The difference of two sums, where both are known."""
    if one is None or other is None:
        return None
    return {name: one[name] - other[name] for name in one}
