"""`--set POLICY.KEY[.COLUMN][@DATE]=VALUE`: policy values changed for a question.

What comes of it is a complete policy folder again, checked as every folder is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.commands.declaration import Command
from flows.console.environment import temporary_folder
from flows.console.errors import WrongUsage
from flows.publishing.run import Context
from schemas.periods import Period
from schemas.policy import POLICIES, Policy
from transforms.policies.documents import NotRead, read_document, written
from transforms.policies.policy import Policies, PolicyError

FORM: Final = "POLICY.KEY[.COLUMN][@DATE]=VALUE"
_WRITTEN: Final = re.compile(r"([^=.@]+)(?:\.([^=]*?))?(?:@([^=@]*))?=(.*)", re.DOTALL)
_NEAR: Final = 3

Row = dict[str, Any]
Days = tuple[date, date]
"""The first and the last day on which a policy is asked for."""


@dataclass(frozen=True)
class Supposed:
    """Policies of a question: those of a folder, else the ones at hand, with values set."""

    folder: Path | None = None
    settings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.folder is not None or bool(self.settings)

    def policies(self, at_hand: Context, dues: Sequence[tuple[Command, Period]]) -> Policies:
        """The policies, where these periods ask for them; raises WrongUsage for wrong settings."""
        base = at_hand.policies if self.folder is None else Policies.load(self.folder)
        if not self.settings:
            return base

        def days(name: str) -> Days:
            return days_asked(replace(at_hand, policies=base), dues, name)

        return Policies.of(changed_texts(base, self.settings, days, "set for this question"))


AS_DECIDED: Final = Supposed()


def days_asked(context: Context, dues: Sequence[tuple[Command, Period]], name: str) -> Days:
    """The first and the last day on which periods ask for a policy: those of commands whose SQL
    reads it, or where none does all of them; any day where there is no scheme on these days.
    """
    reading = [(command, of) for command, of in dues if name in command.dependencies.policies]
    days: list[date] = []
    for command, period in reading or dues:
        try:
            until = command.asks_until(context, period).date()
            first = command.dates(context, period).get("first_day", until)
            due_on = command.due_on(context.policies, period)
        except PolicyError:
            continue
        days += [due_on, until, *([first] if isinstance(first, date) else [])]
    return (min(days), max(days)) if days else (date.min, date.max)


@dataclass(frozen=True)
class Setting:
    """A value of a policy's key and column; from a day on, or where it is in force as it is."""

    text: str
    policy: str
    place: str
    on: date | None
    value: str

    @classmethod
    def parse(cls, text: str) -> Setting:
        """What a text sets; raises WrongUsage where it is not of the form, or names no policy."""
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise WrongUsage(f"--set {text}: write it as {FORM}")
        policy, place, day, value = found.groups()
        if policy not in POLICIES:
            raise WrongUsage(f"--set {text}: no policy is called {policy}{near(policy, POLICIES)}")
        on = None
        if day is not None:
            try:
                on = date.fromisoformat(day)
            except ValueError:
                raise WrongUsage(f"--set {text}: {day!r} is no day; write YYYY-MM-DD") from None
        return cls(text.strip(), policy, place or "", on, value.strip())


def changed_texts(
    base: Policies, texts: Sequence[str], days_of: Callable[[str], Days], source: str
) -> dict[str, bytes]:
    """The files of a policy folder with these settings, by name; `texts`: as they are written.

    A setting without a day holds for the rows in force on any of the days (`days_of` a policy);
    with one it ends the row in force then, and begins a new one. Raises WrongUsage with what is
    wrong with every one of the settings, unknown names with the nearest that there are.
    """
    documents: dict[str, Any] = {}
    errors = []
    for text in texts:
        try:
            setting = Setting.parse(text)
            name = setting.policy
            if name not in documents:
                documents[name] = read_document(base.texts[name])[0]
            documents[name]["values"] = _changed(setting, documents[name], days_of(name), source)
        except WrongUsage as error:
            errors.append(str(error))
    files = {**base.texts, **{name: written(each) for name, each in documents.items()}}
    if found := _problems(files):
        # policies that a run used may lack what later versions of Pointbook ask for
        before = _problems(base.texts)
        errors += [problem for problem in found if problem not in before]
    if errors:
        raise WrongUsage("\n".join(errors))
    return files


def write_folder(texts: Mapping[str, bytes], folder: Path) -> None:
    """Writes a policy folder."""
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_bytes(text)


def _problems(texts: Mapping[str, bytes]) -> list[str]:
    """What the policies' own schemas say is wrong with a folder of these files."""
    with temporary_folder() as folder:
        write_folder(texts, folder / "policies")
        try:
            Policies.load(folder / "policies")
        except PolicyError as error:
            return error.errors
    return []


def _changed(setting: Setting, document: Row, days: Days, source: str) -> list[Row]:
    """The rows of a policy with a setting in them."""
    policy = POLICIES[setting.policy]
    key, column = _target(setting, policy, document["values"])
    about = {column: _value(setting, policy, column), "source": source}
    rows: list[Row] = []
    met = False
    for row in document["values"]:
        begins, ends = row["valid_from"], row["valid_to"] or date.max.isoformat()
        on = None if setting.on is None else setting.on.isoformat()
        if _key(policy, row) != key:
            rows.append(row)
        elif on is None:
            holds = begins <= days[1].isoformat() and days[0].isoformat() < ends
            rows.append({**row, **about} if holds else row)
            met = met or holds
        elif begins < on < ends:
            rows += [{**row, "valid_to": on}, {**row, **about, "valid_from": on}]
            met = True
        else:
            rows.append({**row, **about} if begins == on else row)
            met = met or begins == on
    if not met:
        when = f"on {setting.on}" if setting.on else f"from {days[0]} to {days[1]}"
        raise WrongUsage(
            f"--set {setting.text}: no row of it is in force {when}; `pointbook policies` shows "
            "which are when"
        )
    return rows


def _key(policy: Policy, row: Row) -> str:
    """What a row is about, as a setting names it."""
    return ".".join(str(row[name]) for name in policy.key)


def _target(setting: Setting, policy: Policy, rows: Sequence[Row]) -> tuple[str, str]:
    """The key and the column that a setting names, the only one where it names none.

    Raises WrongUsage, with the nearest names, where there is no such one.
    """
    place = setting.place
    keys = list(dict.fromkeys(_key(policy, row) for row in rows))
    if not policy.key:
        key, column = "", place
    else:
        fitting = [key for key in keys if place == key or place.startswith(f"{key}.")]
        if not fitting:
            parts = place.split(".")[: len(policy.key)]
            raise WrongUsage(
                f"--set {setting.text}: {setting.policy} has no {'.'.join(policy.key)} "
                f"{'.'.join(parts)}{near('.'.join(parts), keys)}"
            )
        key = max(fitting, key=len)
        column = place[len(key) + 1 :]
    if column in policy.values:
        return key, column
    if not column and len(policy.values) == 1:
        return key, policy.values[0]
    where = f"--set {setting.text}: {setting.policy}"
    if column:
        raise WrongUsage(f"{where} has no column {column}{near(column, policy.values)}")
    raise WrongUsage(f"{where} has {', '.join(policy.values)}; name one of them after the key")


def near(name: str, known: Iterable[str]) -> str:
    """The nearest names that there are."""
    names = list(known)
    near = get_close_matches(name, names, _NEAR) or get_close_matches(name, names, 1, cutoff=0.0)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _value(setting: Setting, policy: Policy, column: str) -> object:
    """The value as the column has it; as text where it is no such value, for the schema to say."""
    if not setting.value:
        raise WrongUsage(f"--set {setting.text}: give a value after =")
    if setting.value != "null" and policy.dtype(column) == pa.string():
        return setting.value
    with suppress(NotRead):
        value = read_document(setting.value.encode())[0]
        if not isinstance(value, list | dict):
            return value
    return setting.value
