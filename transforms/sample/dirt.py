"""Dirty rows: every kind of reason of every export, each made on purpose and so known.

A `Kind` says what to write into an otherwise good row, and which reason that must yield. The
kinds of single columns follow from the declarations in `schemas/exports.py`, with what
`tables/dirt.yaml` says to write; those across columns are listed there, for somebody needs to
know what breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.sample.columns import form_of, frame, labels_of, logical, reasons_of
from transforms.sample.draws import Draws, Ints, day, first_day, numbered, settings
from transforms.sample.forms import UNDECODABLE, Spoilt

_WRITTEN: Final = settings("dirt")


@dataclass(frozen=True)
class Kind:
    """One way to spoil a row.

    `values`: by column, variants of what to write, taken in turn. `texts`: the same as text, for
    what no type can hold. `needs`: columns that must stay as they are for the reason to hold.
    `row`: the whole row can't be read: short, long or undecodable. `breaking`: which of the rows
    that a `Further` has found to break a rule is written instead of a good one; 0 for none.
    """

    reason: str
    values: Mapping[str, list[object]] = field(default_factory=dict)
    texts: Mapping[str, list[str]] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    row: str = ""
    breaking: int = 0

    @property
    def touches(self) -> frozenset[str]:
        """The columns that other kinds must not change."""
        return frozenset(self.values) | frozenset(self.texts) | self.needs

    @property
    def in_parquet(self) -> bool:
        """Whether typed columns can hold it."""
        return not self.texts and not self.row

    def goes_with(self, other: Kind) -> bool:
        """Whether one row can show both, and nothing else."""
        alone = self.row or other.row or self.breaking or other.breaking
        return not alone and not self.touches & other.touches


def kinds_of(export: str) -> list[Kind]:
    """Every kind of the export, rows that can't be split first."""
    declared = EXPORTS[export]
    kinds = [Kind("row:format", row="short"), Kind("row:format", row="long")]
    for position, (name, column) in enumerate(declared.columns.items()):
        form = form_of(export, name)
        rules = {check.name for check in column.checks}
        if not column.nullable:
            kinds.append(Kind(f"{name}:required", {name: [None]}))
        if form in _WRITTEN["unreadable"]:
            also = _held(export, _WRITTEN["written_with"].get(f"{export}.{name}", {}))
            kinds.append(Kind(f"{name}:type", also, {name: _WRITTEN["unreadable"][form]}))
        if form in _WRITTEN["misformed"] and "format" in rules:
            # turned by column, so that no two columns of a row go wrong alike
            texts = _WRITTEN["misformed"][form]
            turn = position % len(texts)
            kinds.append(Kind(f"{name}:format", {name: texts[turn:] + texts[:turn]}))
        if form == "enumeration":
            kinds.append(Kind(f"{name}:domain", {name: [len(labels_of(export, name))]}))
        if "range" in rules and (beyond := _beyond_bounds(export, name)):
            kinds.append(Kind(f"{name}:range", {name: beyond}))
        elif form == "integer":
            kinds.append(Kind(f"{name}:range", texts={name: _WRITTEN["beyond_64_bits"]}))
    across = [
        Kind(rule["reason"], _held(export, rule["values"]), needs=frozenset(rule["needs"]))
        for rule in _WRITTEN["across"].get(export, [])
    ]
    return kinds + across


def _held(export: str, values: Mapping[str, list[object]]) -> dict[str, list[object]]:
    """The values of each column, written in canonical form, as the generator holds them."""
    return {
        name: [None if value is None else logical(export, name, value) for value in variants]
        for name, variants in values.items()
    }


def _beyond_bounds(export: str, name: str) -> list[object]:
    """Values out of range, as they are held; none if the column's bounds don't tell any."""
    if given := _WRITTEN["out_of_range"].get(f"{export}.{name}"):
        return _held(export, {name: given})[name]
    beyond: list[object] = []
    for check in EXPORTS[export].columns[name].checks:
        for bound, step in (("min_value", -1), ("max_value", 1)):
            if check.name == "range" and bound in check.statistics:
                held = logical(export, name, check.statistics[bound])
                assert isinstance(held, int)
                beyond.append(held + step)
    return beyond


Bundle = tuple[Kind, ...]
"""What one dirty row shows."""


def bundles_of(kinds: list[Kind], rows: int) -> list[Bundle]:
    """Bundles that show every kind within so many rows: one by one where there is room.

    Where there is room to spare, pairs follow, so that rows with two reasons occur as well.
    """
    if rows >= len(kinds):
        pairs = [
            (kind, other)
            for kind, other in zip(kinds, kinds[len(kinds) // 2 :], strict=False)
            if kind.goes_with(other)
        ]
        return [*((kind,) for kind in kinds), *pairs]
    packed: list[list[Kind]] = [[] for _ in range(rows)]
    for kind in sorted(kinds, key=lambda k: (-len(k.touches), k.reason)):
        fitting = [row for row in packed if all(kind.goes_with(other) for other in row)]
        if fitting and (not kind.row or not fitting[0]):
            min(fitting, key=len).append(kind)
        else:
            packed.append([kind])
    return [tuple(row) for row in packed if row]


@dataclass(frozen=True)
class Plan:
    """The dirty rows of one file, in the order of their positions.

    `month`, `slot`: after whose row of which month they stand. `bundle`: what each shows.
    """

    serial: int
    month: Ints
    slot: Ints
    bundle: list[Bundle]

    def between(self, month: int, start: int, stop: int) -> Ints:
        """The rows that stand in this slice."""
        inside = (self.month == month) & (self.slot >= start) & (self.slot < stop)
        return np.flatnonzero(inside)


def plan_dirt(
    draws: Draws, name: str, serial: int, months: list[int], owners: range, bundle: list[Bundle]
) -> Plan:
    """Places the bundles over the file, evenly at random."""
    position = np.sort(draws.uniform(f"dirt/{name}", 0, 0, len(bundle))) * len(months)
    which = position.astype(np.int64)
    slot = owners.start + ((position - which) * len(owners)).astype(np.int64)
    return Plan(serial, np.array(months, np.int64)[which], slot, bundle)


Identify = Callable[[Ints], pa.Array]
"""Gives the identifiers of owners by their numbers."""
_NOT_MISSING: Final = "collected_on"
"""Optional, but there in a good bill, which is paid."""
_LONG_AGO: Final = day("2009-05-01")
_LAST_CHANGED: Final = day("2014-05-01")


def good_rows(
    export: str, identify: Identify, keys: pa.Array, numbers: Ints, months: Ints, _: Ints
) -> pa.Table:
    """Good rows under these keys, of these owners and months (0 where there are none).

    Enumerations have their first code, optional columns their default. What has a month is dated
    on its 15th, what has none long ago.
    """
    declared = EXPORTS[export]
    if declared.month_of:
        then = changed = np.array([first_day(month) + 14 for month in months.tolist()], np.int64)
    else:
        then, changed = (np.full(len(months), on) for on in (_LONG_AGO, _LAST_CHANGED))
    columns: dict[str, object] = {}
    for name, column in declared.columns.items():
        form = form_of(export, name)
        given = _WRITTEN["good"].get(f"{export}.{name}", _WRITTEN["good"].get(name))
        if name == declared.record_key:
            columns[name] = keys
        elif name in ("customer_id", "member_id"):
            columns[name] = identify(numbers)
        elif given is not None:
            columns[name] = logical(export, name, given)
        elif column.nullable and name != _NOT_MISSING:
            columns[name] = declared.metadata(name).get("default")
        else:
            required = {"enumeration": 0, "boolean": True, "month": months, "date": then}
            columns[name] = (required | {"timestamp": changed * 86_400})[form]
    return frame(export, len(months), columns)


GoodRows = Callable[[pa.Array, Ints, Ints, Ints], pa.Table]
"""Gives the rows to spoil by their keys, the numbers of their owners, their months (0 where there
are none), and which of the breaking rows each one is."""


def dirty_rows(
    export: str, plan: Plan, rows: Ints, good: GoodRows, *, judged: bool = False
) -> tuple[pa.Table, Spoilt, list[list[str]]]:
    """Makes these rows of the plan out of good ones.

    Returns their table, what is wrong with its text, and the reasons of each in column order. Where
    they are `judged`, the declaration says what is wrong with them, and not their kinds; then a
    row may have no reason.
    """
    keys = numbered(f"X{plan.serial:03d}-", rows, 6)
    bundles = [plan.bundle[row] for row in rows.tolist()]
    breaking = np.array([max(k.breaking for k in bundle) for bundle in bundles], np.int64)
    table = good(keys, plan.slot[rows], plan.month[rows], breaking)
    columns = table.to_pydict()
    texts: dict[str, dict[int, str]] = {}
    whole: dict[str, list[int]] = {"short": [], "long": [], "undecodable": []}
    for n, (row, bundle) in enumerate(zip(rows.tolist(), bundles, strict=True)):
        for kind in bundle:
            for name, variants in kind.values.items():
                columns[name][n] = variants[row % len(variants)]
            for name, options in kind.texts.items():
                texts.setdefault(name, {})[n] = options[row % len(options)]
            if kind.row:
                whole[kind.row].append(n)
    for n in whole["undecodable"]:
        texts.setdefault(EXPORTS[export].key[-1], {})[n] = f"bad{UNDECODABLE}byte"
    table = pa.table(columns, schema=table.schema)
    spoilt = Spoilt(
        {name: (np.array([*at], np.int64), [*at.values()]) for name, at in texts.items()},
        {row: np.array(at, np.int64) for row, at in whole.items()},
    )
    promised = [{kind.reason for kind in bundle} for bundle in bundles]
    if judged:
        found = reasons_of(export, table, {name: at for name, (at, _) in spoilt.texts.items()})
        for n, bundle in enumerate(bundles):
            if not any(kind.row for kind in bundle):
                promised[n] = found[n] | {kind.reason for kind in bundle if kind.texts}
    order = ["row", *EXPORTS[export].columns]
    reasons = [
        sorted(why, key=lambda reason: (order.index(reason.split(":")[0]), reason))
        for why in promised
    ]
    return table, spoilt, reasons


UNDECODABLE_ROW: Final = Kind("row:format", row="undecodable")
