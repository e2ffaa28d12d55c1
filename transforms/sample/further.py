"""Makes the rows of an export of which nothing is known but its declaration.

Neither `telecom.py` nor `airline.py` has code for a further export that `schemas/exports.py`
declares. Its values are drawn by form, domain and checks, and its rows are those of the drawn ones
that keep the checks across columns too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.exports.validate import as_series, failures
from transforms.sample.airline import member_id
from transforms.sample.columns import (
    LOGICAL,
    code_of,
    form_of,
    frame,
    labels_of,
    logical,
    published,
    reasons_of,
)
from transforms.sample.dirt import Kind
from transforms.sample.draws import (
    Draws,
    Floats,
    Ints,
    Rows,
    first_day,
    numbered,
    optional,
    scaled,
)
from transforms.sample.telecom import customer_id, subscription_id

RATE: Final = 0.1
"""Rows of an owner in a month; of an export without months each owner has one."""
_TRIES: Final = 8
"""Rows that are drawn for one: the first that the declaration allows is taken."""
_PROBES: Final = 512
"""Rows that are drawn to see which ones the declaration allows, and what breaks its checks."""
_MISSING: Final = 0.2
_CODES: Final = [
    code[:length]
    for length in range(1, 13)
    for code in ("ABCDEFGHIJKL", "123456789012", "A12345678901", "AB1234567890", "ABC123456789")
]
_VALUES: Final[dict[str, list[object]]] = {
    "identifier": [*_CODES],
    "code": [*_CODES],
    "text": ["표본", "a, b", '"가나" 다', "two\nlines", *_CODES],
    "integer": [0, 1, 7, 100, 1_000, 25_000, 1_234_567, -500],
    "decimal": [0, 1, 50, 1_250, 100_000, -150],
    "boolean": [False, True],
}
"""By form, what is drawn where the column's checks allow it, as the generator holds it."""
_DAYS_APART: Final = np.array([0, 1, 30, 400, -1, -30, -400])
"""From the day on which a row happens to the other days that it names."""


class Further:
    """Makes one export's rows; raises ValueError where none that its declaration allows is found.

    `kinds` are the ways that were found to break its checks across columns; `altered` is the
    column in which rows of one key differ when they conflict, or "" where none is fit for it.
    """

    def __init__(self, draws: Draws, export: str, first_month: int, last_month: int) -> None:
        """Draws rows to find one that is allowed, and for each rule one that breaks only that."""
        self._draws = draws
        self._export = export
        self._declared = EXPORTS[export]
        self._first, self._end = first_day(first_month), first_day(last_month + 1)
        self._values = {
            name: self._allowed(name)
            for name in self._declared.columns
            if form_of(export, name) in (*_VALUES, "enumeration")
        }
        self.altered = self._alterable()
        width = len(self._declared.columns)
        probes = draws.uniform(f"further/{export}/probes", 0, 0, _PROBES, width)
        days = np.full(_PROBES, self._first)
        reasons = reasons_of(export, self._table(np.arange(_PROBES), days, probes))
        good = [row for row, why in enumerate(reasons) if not why]
        if not good:
            raise ValueError(f"no row of {export} was drawn that its declaration allows")
        rules = {str(check.name) for check in self._declared.checks}
        breaking = {next(iter(why)): row for row, why in enumerate(reasons) if len(why) == 1}
        found = sorted(rules & breaking.keys())
        self._patterns = probes[[good[0], *(breaking[rule] for rule in found)]]
        self.kinds = [Kind(rule, breaking=number) for number, rule in enumerate(found, 1)]

    def _allowed(self, name: str) -> pa.Array:
        """The values that may be drawn for a column, by its form, domain and checks."""
        export, declared = self._export, self._declared
        form, domain = form_of(export, name), declared.domain(name)
        if form == "enumeration":
            codes = labels_of(export, name) if domain is None else domain
            return pa.array([code_of(export, name, code) for code in codes], LOGICAL[form])
        values = list(_VALUES[form]) if domain is None else [*domain]
        for check in declared.columns[name].checks:
            bounds = [check.statistics.get(end) for end in ("min_value", "max_value")]
            values += [logical(export, name, bound) for bound in bounds if bound is not None]
        held = pa.array(values, LOGICAL[form])
        series = as_series(published(held, export, name))
        refused = np.zeros(len(held), np.bool_)
        for check in declared.model.columns[name].checks:
            refused |= failures(check, series)
        if refused.all():
            raise ValueError(f"no value of {export}.{name} is known that its checks allow")
        return held.filter(pa.array(~refused))

    def _alterable(self) -> str:
        """A required column, if there is one, whose values have others next to them."""
        declared = self._declared
        fixed = {*declared.key, declared.owner, declared.revision, declared.month_of}
        by_form = {
            form_of(self._export, name): name for name in declared.required if name not in fixed
        }
        forms = ["timestamp", "date", "integer", "decimal", "text"]
        return next((by_form[form] for form in forms if form in by_form), "")

    def _table(self, number: Ints, day: Ints, u: Floats, keys: pa.Array | None = None) -> pa.Table:
        """Rows by their owners' numbers, the days on which they happen (since 1970), and draws.

        There is a draw for every column. The month is part of the keys that are not given.
        """
        declared = self._declared
        if keys is None:
            keys = numbered("N", number, 7, "-", pa.array(_month_of(day)).cast(pa.string()))
        drawn = zip(declared.columns, u.T, strict=True)
        columns: dict[str, object] = {name: self._column(name, day, draws) for name, draws in drawn}
        columns |= {
            declared.owner: customer_id(number),
            "customer_id": customer_id(number),
            "subscription_id": subscription_id(number, 0),
            "member_id": member_id(number),
            declared.record_key: keys,
        }
        return frame(self._export, len(number), columns)

    def _column(self, name: str, day: Ints, u: Floats) -> pa.Array:
        """The column's values by day and draw, some missing where they may be."""
        declared = self._declared
        form = form_of(self._export, name)
        if name != declared.month_of:
            day = day + _DAYS_APART[scaled(u, len(_DAYS_APART))]
        match form:
            case "date":
                values = pa.array(day)
            case "month":
                values = pa.array(_month_of(day))
            case "timestamp":
                values = pa.array(day * 86_400 + scaled(u * 31 % 1, 1_440) * 60)
            case _:
                allowed = self._values[name]
                values = allowed.take(pa.array(scaled(u * 31 % 1, len(allowed))))
        if not declared.columns[name].nullable or name == declared.revision:
            return values
        return optional(values, u * 977 % 1 >= _MISSING)

    def rows(self, month: int, start: int, stop: int) -> Rows:
        """The rows of these owners in a month (months since year 0; 0: the export has none)."""
        purpose, count = f"further/{self._export}", stop - start
        if self._declared.month_of is None:
            row = np.arange(count)
            spread = self._draws.uniform(f"{purpose}/days", 0, start, count)
            day = self._first + scaled(spread, self._end - self._first)
        else:
            likely = np.full((count, 1), RATE)
            row, _, _, second = self._draws.events(purpose, month, start, likely, 0)
            day = second // 86_400
        width = len(self._declared.columns)
        u = self._draws.uniform(f"{purpose}/values", month, start, count, _TRIES * width)
        u = u.reshape(count, _TRIES, width)[row].reshape(-1, width)
        tried = self._table(np.repeat(start + row, _TRIES), np.repeat(day, _TRIES), u)
        allowed = np.array([not why for why in reasons_of(self._export, tried)], np.bool_)
        allowed = allowed.reshape(-1, _TRIES)
        taken = np.flatnonzero(allowed.any(axis=1))
        first = taken * _TRIES + allowed[taken].argmax(axis=1)
        return tried.take(pa.array(first)), start + row[taken]

    def good_rows(self, keys: pa.Array, numbers: Ints, months: Ints, breaking: Ints) -> pa.Table:
        """Rows under these keys, of these owners and months, all alike.

        Where `breaking` is not 0 the row breaks the rule of the kind of that number.
        """
        monthly = self._declared.month_of is not None
        days = [first_day(month) + 14 if monthly else self._first for month in months.tolist()]
        return self._table(numbers, np.array(days, np.int64), self._patterns[breaking], keys)


def _month_of(day: Ints) -> Ints:
    """The months (since year 0) of days since 1970."""
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months + 1970 * 12
