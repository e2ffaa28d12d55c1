"""Policies: YAML files to dated, typed relations, checked as a whole.

A folder holds one file for each policy that `schemas/policy.py` declares. Dates are half-open: a
row is in force on a day when valid_from <= day < valid_to.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from importlib import resources
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final, Self, cast

import pyarrow as pa
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from schemas.policy import POLICIES, Policy
from transforms.engine.plain import relation_of
from transforms.policies.documents import NotRead, read_document

DATA: Final = Path(str(resources.files("transforms"))).with_name("data")
"""The policies, reference data and sample that Pointbook comes with: beside its packages, in a
checkout as where a wheel is installed."""

Row = dict[str, Any]
_OPEN: Final = date.max
_MONTHS: Final = 12
_LEAP_YEAR: Final = 2000


class PolicyError(Exception):
    """What is wrong with a policy folder, or that no policy is in force.

    `errors` holds one line each: which file, which row, what to do.
    """

    def __init__(self, *errors: str) -> None:
        super().__init__(*errors)
        self.errors = list(errors)

    def __str__(self) -> str:
        return "\n".join(self.errors)


class NotInForce(PolicyError):
    """No policy is in force on a day: a scheme that has not begun or is over, or a gap."""


@dataclass(frozen=True)
class _Placed:
    """A row with where it stands in its file."""

    number: int
    row: Row

    @cached_property
    def span(self) -> tuple[date, date]:
        """The day from which the row holds, and that on which it no longer does.

        Raises KeyError, TypeError or ValueError where a date is missing or none.
        """
        begins, ends = self.row["valid_from"], self.row["valid_to"]
        return date.fromisoformat(begins), _OPEN if ends is None else date.fromisoformat(ends)

    def label(self, policy: Policy) -> str:
        key = ", ".join(f"{name} {self.row[name]}" for name in policy.key if name in self.row)
        return f"row {self.number} ({key})" if key else f"row {self.number}"


class Policies:
    """Every policy of one folder.

    `digest` is the SHA-256 over all of it, notes and sources too: the manifest's policy version.
    `texts` are the files' bytes, by policy name.
    """

    def __init__(
        self, documents: Mapping[str, Mapping[str, Any]], texts: Mapping[str, bytes]
    ) -> None:
        """`documents`: the checked content of each file by policy name; see `load`, `kept`."""
        self._rows: dict[str, list[Row]] = {
            name: _typed_rows(policy, documents[name]["values"]) if name in documents else []
            for name, policy in POLICIES.items()
        }
        self.texts = dict(texts)
        self.digest = _sha256(documents)
        self._bounds = {name: _bounds(rows) for name, rows in self._rows.items()}
        # a status looks up the same few versions thousands of times
        self._in_force: dict[tuple[str, int], list[Row]] = {}
        self._fingerprints: dict[tuple[tuple[str, int], ...], str] = {}
        self._relations: dict[str, pa.Table] = {}

    @classmethod
    def load(cls, directory: Path) -> Policies:
        """Reads and checks a complete policy folder.

        Raises PolicyError with every error of every file at once. A folder is read again only
        where a file of it changed: a run of years asks for it hundreds of times.
        """
        if not directory.is_dir():
            raise PolicyError(f"{directory}: no such policy folder; name a folder with --policies")
        files = tuple(
            (path, found.st_ino, found.st_mtime_ns, found.st_size)
            for path in sorted(directory.iterdir())
            if (found := path.stat())
        )
        return cls._read_folder(directory, files)

    @classmethod
    def kept(cls, directory: Path) -> Self:
        """Reads a folder as a run once used it, whatever policies there are by now.

        One that there was not yet has no rows. Raises OSError or NotRead where a file can't be
        read.
        """
        return cls.of({path.stem: path.read_bytes() for path in sorted(directory.glob("*.yaml"))})

    @classmethod
    def of(cls, texts: Mapping[str, bytes]) -> Self:
        """The policies of files' bytes, by name, as they are; raises NotRead as `kept` does."""
        return cls({name: read_document(text)[0] for name, text in texts.items()}, texts)

    @classmethod
    @lru_cache(maxsize=4)
    def _read_folder(cls, directory: Path, files: tuple[tuple[Path, int, int, int], ...]) -> Self:
        """Reads a folder whose files are, and are as old and long, as `files` says."""
        known = [f"{name}.yaml" for name in sorted(POLICIES)]
        errors = [
            f"{path.name}: not a policy that Pointbook knows; remove it, or rename it to one of "
            f"{', '.join(known)}"
            for path, *_ in files
            if path.suffix in {".yaml", ".yml"} and path.name not in known
        ]
        documents: dict[str, Mapping[str, Any]] = {}
        texts: dict[str, bytes] = {}
        for name, policy in POLICIES.items():
            path = directory / f"{name}.yaml"
            if not path.is_file():
                errors.append(
                    f"{path.name}: missing; a policy folder is complete: "
                    f"copy the file from data/policies/as_announced ({policy.description})"
                )
                continue
            try:
                texts[name] = path.read_bytes()
                documents[name], problems = _checked(name, texts[name])
            except NotRead as why:
                problems = [str(why)]
            errors += [f"{path.name}: {what}" for what in problems]
        if errors:
            raise PolicyError(*errors)
        return cls(documents, texts)

    def relation(self, name: str) -> pa.Table:
        """The policy's rows: keys, values, valid_from, valid_to (null: open), unit, source."""
        if name not in self._relations:
            found = relation_of(self._rows[name], POLICIES[name].arrow_schema)
            self._relations[name] = found
        return self._relations[name]

    def rows(self, name: str) -> Sequence[Row]:
        """The policy's rows, as `relation` has them."""
        return self._rows[name]

    def in_force(self, name: str, on: date) -> list[Row]:
        """The rows that hold on a day, by key.

        Raises PolicyError, naming policy and day, where there is none.
        """
        rows = self.held(name, on)
        if not rows:
            raise NotInForce(_not_in_force(name, on.isoformat()))
        return rows

    def held(self, name: str, on: date) -> list[Row]:
        """The rows that hold on a day, by key; none where the policy is not in force."""
        since = self._since(name, on)
        rows = self._in_force.get(since)
        if rows is None:
            rows = self._in_force[since] = [row for row in self._rows[name] if _holds(row, on)]
        return rows

    def require(self, names: Iterable[str], first: date, last: date) -> None:
        """Raises PolicyError, naming policy and day, where one is not in force all along a span."""
        for name in names:
            for day in self.days_of_change([name], first, last):
                self.in_force(name, day)

    def days_of_change(self, names: Iterable[str], first: date, last: date) -> list[date]:
        """The first day of a span, and those after it on which a row of the policies changes."""
        bounds = (day for name in names for day in self._bounds[name])
        return sorted({first, *(day for day in bounds if first < day <= last)})

    def dated_by(self, name: str, day_of: Callable[[Row], date], what: str) -> Row:
        """The row of a policy without a key that is in force on the day that it itself gives.

        `day_of` says which day a row gives; `what` names that day in the error. Raises
        PolicyError where no row, or more than one, is in force on its own day.
        """
        fitting = [row for row in self._rows[name] if _holds(row, day_of(row))]
        if not fitting:
            raise NotInForce(_not_in_force(name, what))
        if len(fitting) > 1:
            days = " and ".join(day_of(row).isoformat() for row in fitting)
            raise PolicyError(
                f"{name}.yaml: {what} falls on {days}, each by a row in force that day; "
                "move the later row's valid_from so that one of them is left"
            )
        return fitting[0]

    def used(self, names: Iterable[str], on: date) -> str:
        """The versions in force on a day, as `name@valid_from`, by name, blank separated.

        A version begins on the latest day, up to then, on which any row of the policy begins or
        ends.
        """
        return " ".join(f"{name}@{self._version(name, on)}" for name in sorted(names))

    def fingerprint(self, names: Iterable[str], on: date) -> str:
        """SHA-256 over the values in force on a day, and since when.

        Units, sources and notes don't enter it, nor does what happens to a value later.
        """
        versions = tuple(self._since(name, on) for name in sorted(names))
        if versions not in self._fingerprints:
            in_force = {}
            for name, _ in versions:
                columns = POLICIES[name].columns
                values = [[row[column] for column in columns] for row in self.in_force(name, on)]
                in_force[name] = [self._version(name, on), *values]
            self._fingerprints[versions] = _sha256(in_force)
        return self._fingerprints[versions]

    def fingerprint_between(self, names: Sequence[str], first: date, last: date) -> str:
        """The fingerprints of every day of a span on which any of the policies changes."""
        days = self.days_of_change(names, first, last)
        return " ".join(self.fingerprint(names, day) for day in days)

    def _version(self, name: str, on: date) -> str:
        self.in_force(name, on)
        _, number = self._since(name, on)
        return self._bounds[name][number - 1].isoformat()

    def _since(self, name: str, on: date) -> tuple[str, int]:
        """Which version of a policy holds on a day: how many days of change lie up to then."""
        return name, bisect_right(self._bounds[name], on)


def _bounds(rows: Sequence[Row]) -> list[date]:
    """The days on which any of the rows begins or ends."""
    days = {row[bound] for row in rows for bound in ("valid_from", "valid_to")}
    return sorted(day for day in days if day is not None)


def day_of_year(year: int, row: Row, month: str = "month", day: str = "day") -> date:
    """The day of a year that a row gives in two columns; 29 February is 28 in a common year.

    Raises PolicyError before year 1.
    """
    if year < 1:
        raise PolicyError("policies give no day before year 1; ask for a later year")
    return date(year, row[month], min(row[day], monthrange(year, row[month])[1]))


def _not_in_force(name: str, when: str) -> str:
    return (
        f"{name}.yaml: no policy in force on {when}; "
        "add a row whose valid_from and valid_to enclose that day"
    )


def _holds(row: Row, on: date) -> bool:
    begins, ends = row["valid_from"], row["valid_to"]
    return bool(begins <= on and (ends is None or on < ends))


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _typed_rows(policy: Policy, rows: Sequence[Row]) -> list[Row]:
    """The rows in the relation's order and types, without those that only end a key."""
    fields = list(policy.arrow_schema)
    typed = [
        {field.name: _typed(field.type, row.get(field.name)) for field in fields}
        for row in rows
        if not _ends_key(policy, row)
    ]
    typed.sort(key=lambda row: (*(str(row[name]) for name in policy.key), row["valid_from"]))
    return typed


def _typed(dtype: pa.DataType, value: object) -> object:
    if value is None:
        return None
    if pa.types.is_date(dtype):
        return date.fromisoformat(str(value))
    if pa.types.is_decimal(dtype):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-dtype.scale))
    return value


def _ends_key(policy: Policy, row: Row) -> bool:
    """Null in all values ends a key, unless null is itself a value of all of them."""
    return all(row.get(name) is None for name in policy.values) and not all(
        policy.columns[name].nullable for name in policy.values
    )


# Checking a file


@lru_cache(maxsize=4 * len(POLICIES))
def _checked(name: str, written: bytes) -> tuple[Mapping[str, Any], list[str]]:
    """The content of a policy's file, and everything that is wrong with it.

    Kept by the bytes, as folders that are compared differ in a file or two: of the 45 ms that it
    takes to read one, that saves 40. Raises NotRead where it can't be read.
    """
    document, duplicates = read_document(written)
    return document, [*duplicates, *dict.fromkeys(_problems(POLICIES[name], document))]


def _problems(policy: Policy, document: Any) -> list[str]:
    """Everything that is wrong with a file that could be read."""
    validator = Draft202012Validator(
        policy.json_schema, format_checker=FormatChecker(formats=["date"])
    )
    found = [
        line
        for error in sorted(validator.iter_errors(document), key=lambda e: list(map(str, e.path)))
        for line in _explain(policy, document, error)
    ]
    rows = document.get("values") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return found
    placed = [_Placed(n, row) for n, row in enumerate(rows, 1) if isinstance(row, dict)]
    for entry in placed:
        found += [f"{entry.label(policy)}: {what}" for what in _value_problems(policy, entry.row)]
    datable = [entry for entry in placed if _is_datable(policy, entry)]
    every_row_dated = len(datable) == len(rows)
    found += _validity_problems(policy, datable, gaps=every_row_dated)
    if every_row_dated:
        found += _ended_keys(policy, datable)
    if every_row_dated and all(_is_comparable(policy, entry.row) for entry in datable):
        found += _scale_problems(policy, datable)
        found += _completeness_problems(policy, datable)
    return found


def _explain(policy: Policy, document: Any, error: ValidationError) -> Iterator[str]:
    """A schema error as lines of where, what and what to do."""
    path = list(error.absolute_path)
    where = ""
    if len(path) >= 2 and path[0] == "values":
        number = int(path[1])
        row = document["values"][number]
        entry = _Placed(number + 1, row if isinstance(row, dict) else {})
        where = f"{entry.label(policy)}: "
        path = path[2:]
    where += "".join(f"{part}: " for part in path)
    instance: Any = error.instance
    value = json.dumps(instance, ensure_ascii=False, default=str)
    limit: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = cast("Mapping[str, Any]", error.schema)["properties"]
            for name in (name for name in instance if name not in known):
                yield f"{where}unknown key {name}; remove it, or use one of {', '.join(known)}"
        case "required":
            for name in (name for name in limit if name not in instance):
                yield f"{where}{name} is missing; add it"
        case "type":
            wanted = " or ".join([limit] if isinstance(limit, str) else limit)
            yield f"{where}{value} is not of the type {wanted}; correct it"
        case "enum":
            listed = ", ".join("null" if item is None else str(item) for item in limit)
            yield f"{where}{value} is not one of {listed}; use one of them"
        case "const":
            yield f"{where}{value} is not {limit}; write {limit}"
        case "minimum":
            yield f"{where}{value} is too low; give {limit} or more"
        case "maximum":
            yield f"{where}{value} is too high; give {limit} or less"
        case "format":
            yield f"{where}{value} is not a date; write it as YYYY-MM-DD"
        case "minItems":
            yield f"{where}empty; give at least one"
        case "pattern" if limit == r"\S":
            yield f"{where}empty; write something"
        case _:
            yield f"{where}{' '.join(error.message.split())}; correct it"


def _value_problems(policy: Policy, row: Row) -> Iterator[str]:
    """What the JSON schema can't say of one row: nulls and decimal places."""
    given = [name for name in policy.values if name in row]
    nulls = [name for name in given if row[name] is None]
    if len(nulls) < len(given):
        for name in nulls:
            if not policy.columns[name].nullable:
                yield (
                    f"{name}: null beside other values; give a value, "
                    "or null in all values to end the key"
                )
    for month, day in policy.days:
        in_month, on_day = row.get(month), row.get(day)
        if not isinstance(in_month, int) or not isinstance(on_day, int):
            continue  # that has its own error
        if not _is_day(in_month, on_day):
            yield (
                f"{month} {in_month} and {day} {on_day} are no day of any year; give one that "
                "there is (29 February is the 28th where a year has none)"
            )
    for name in given:
        dtype, value = policy.dtype(name), row[name]
        if pa.types.is_decimal(dtype) and isinstance(value, int | Decimal):
            try:
                pa.scalar(Decimal(value), dtype)
            except pa.ArrowInvalid:
                yield (
                    f"{name}: {value} does not fit; give at most {dtype.precision} digits, "
                    f"{dtype.scale} of them after the point"
                )


def _is_day(month: int, day: int) -> bool:
    """Whether a month has a day; what is out of range has its own error."""
    return not 1 <= month <= _MONTHS or day <= monthrange(_LEAP_YEAR, month)[1]


def _is_datable(policy: Policy, entry: _Placed) -> bool:
    """Whether it can be told of what key the row is, and when it holds."""
    try:
        dated = bool(entry.span)
    except (KeyError, TypeError, ValueError):
        dated = False
    return dated and all(isinstance(entry.row.get(name), str | int) for name in policy.key)


def _is_comparable(policy: Policy, row: Row) -> bool:
    """Whether checks across rows can read the row: keys in their domains, values present."""
    in_domain = all(
        row[name] in domain for name in policy.key if (domain := policy.domain(name)) is not None
    )
    scaled = policy.scale is None or isinstance(row.get(policy.scale), int | None)
    return in_domain and scaled and all(name in row for name in policy.values)


def _validity_problems(policy: Policy, rows: Sequence[_Placed], *, gaps: bool) -> Iterator[str]:
    """Rows that end before they begin; overlaps and gaps within a key.

    `gaps`: whether a gap can be told, which takes every row's dates.
    """

    def key_of(entry: _Placed) -> tuple[str, ...]:
        return tuple(str(entry.row[name]) for name in policy.key)

    forward = []
    for entry in rows:
        valid_from, valid_to = entry.span
        if valid_from < valid_to:
            forward.append(entry)
        else:
            gaps = False
            yield (
                f"{entry.label(policy)}: valid_to {valid_to} is not after valid_from {valid_from}; "
                "valid_to is the first day on which the row no longer holds"
            )
    forward.sort(key=lambda entry: (key_of(entry), entry.span, entry.number))
    for _, entries in groupby(forward, key=key_of):
        for before, after in pairwise(entries):
            ended, began = before.span[1], after.span[0]
            if began < ended:
                yield (
                    f"{after.label(policy)}: begins on {began}, when row {before.number} still "
                    f"holds (overlap); let that row's valid_to be {began}"
                )
            elif gaps and ended < began:
                yield (
                    f"{after.label(policy)}: begins on {began}, but row {before.number} ended on "
                    f"{ended} (gap); move one of the dates, or add a row in between "
                    "with null for the values"
                )


def _ended_keys(policy: Policy, rows: Sequence[_Placed]) -> Iterator[str]:
    """Keys that just end while others go on: a row of nulls says so, or another one holds then."""
    last = {tuple(str(entry.row[name]) for name in policy.key): entry for entry in _by_end(rows)}
    ends = max((entry.span[1] for entry in last.values()), default=_OPEN)
    for entry in last.values():
        if entry.span[1] < ends and not _ends_key(policy, entry.row):
            yield (
                f"{entry.label(policy)}: ends on {entry.span[1]}, and no row follows it though "
                "others go on; add the row that holds from then on, or one with null for the "
                "values to end it"
            )


def _by_end(rows: Sequence[_Placed]) -> list[_Placed]:
    return sorted(rows, key=lambda entry: entry.span[1])


def _moments(policy: Policy, rows: Sequence[_Placed]) -> Iterator[tuple[date, list[_Placed]]]:
    """The rows in force from each day on which any begins or ends, one a key; empty days left out.

    (An overlap has its own error.)
    """
    lasting = [entry for entry in rows if not _ends_key(policy, entry.row)]
    for day in sorted({day for entry in rows for day in entry.span} - {_OPEN}):
        in_force = {
            tuple(entry.row[name] for name in policy.key): entry
            for entry in lasting
            if entry.span[0] <= day < entry.span[1]
        }
        if in_force:
            yield day, list(in_force.values())


def _scale_problems(policy: Policy, rows: Sequence[_Placed]) -> Iterator[str]:
    """A scale starts at 0 and rises, each step once, in the order of the key's domain."""
    if policy.scale is None:
        return
    scale, (key,) = policy.scale, policy.key
    domain = policy.domain(key) or []
    for day, in_force in _moments(policy, rows):
        steps = sorted(in_force, key=lambda entry: domain.index(str(entry.row[key])))
        first = steps[0]
        if first.row[scale] != 0:
            yield (
                f"{first.label(policy)}: from {day} the lowest {scale} is {first.row[scale]}; "
                f"start at 0, so that every amount has its {key}"
            )
        for below, above in pairwise(steps):
            low, high = below.row[scale], above.row[scale]
            if low >= high:
                how = "the same as" if low == high else "below"
                yield (
                    f"{above.label(policy)}: from {day} {scale} {high} is {how} that of row "
                    f"{below.number} ({low}); let {scale} rise in the order {', '.join(domain)}"
                )


def _completeness_problems(policy: Policy, rows: Sequence[_Placed]) -> Iterator[str]:
    if not policy.complete:
        return
    (key,) = policy.key
    for day, in_force in _moments(policy, rows):
        present = {entry.row[key] for entry in in_force}
        for value in policy.domain(key) or []:
            if value not in present:
                yield f"no row for {key} {value} from {day}; add one"
