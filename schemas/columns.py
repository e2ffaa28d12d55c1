"""The column vocabulary that exports and tables are declared with.

Types are Arrow's, so that a pandera model describes the same bytes that DuckDB, pandas and
Polars read. Each check is named after the rule that a quarantine reason shows
(`column:rule`): required, type, format, domain, range, consistency.

`DeclaredCheck`, `DeclaredColumn` and `Declared` are plain data. They become pandera's `Check`,
`Column` and `DataFrameSchema` where rows are validated (`Declared.model`).
Everything else reads them directly: to import pandera with pandas takes about half of the time in
which a command starts, and few commands validate a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandera

TEXT: Final = pa.string()
BOOL: Final = pa.bool_()
INT64: Final = pa.int64()
DATE: Final = pa.date32()
TIMESTAMP: Final = pa.timestamp("us")
DECIMAL_9_2: Final = pa.decimal128(9, 2)
SUM: Final = pa.decimal128(38, 0)
"""Sums of 64-bit amounts, which two valid rows can drive beyond 64 bits."""

DTYPES: Final[Mapping[str, pa.DataType]] = {
    "text": TEXT,
    "bool": BOOL,
    "int64": INT64,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "decimal": DECIMAL_9_2,
    "decimal (38,0)": SUM,
}
"""The types of columns by the names that the data dictionary gives them."""
_CONSTRAINTS: Final = {"allowed_values": "enum", "min_value": "minimum", "max_value": "maximum"}
"""The constraints of JSON schemas and data packages by what pandera calls them."""


def pandas_type(dtype: pa.DataType) -> pd.ArrowDtype:
    """The type of a pandas column that holds Arrow's values."""
    import pandas as pd

    return pd.ArrowDtype(dtype)


@dataclass(frozen=True)
class DeclaredCheck:
    """What rows must satisfy, not yet pandera's: a function of a column or of a frame, or the name
    of one of pandera's built-in checks with its arguments as `statistics`.
    """

    check_fn: Callable[[Any], Any] | str
    name: str
    title: str
    statistics: Mapping[str, Any] = field(default_factory=dict)

    def as_pandera(self) -> pandera.Check:
        import pandera.pandas as pandera

        if callable(self.check_fn):
            own = partial(pandera.Check, self.check_fn, error=self.title)
        else:
            own = partial(getattr(pandera.Check, self.check_fn), **self.statistics)
        return own(name=self.name, title=self.title)


@dataclass(frozen=True)
class DeclaredColumn:
    """A column of Arrow values, in pandera's terms; `metadata`: what is particular to exports or
    tables.
    """

    dtype: pa.DataType
    checks: Sequence[DeclaredCheck]
    nullable: bool
    title: str | None
    description: str
    metadata: Mapping[str, object]

    @property
    def constraints(self) -> dict[str, object]:
        """What JSON schemas and data packages can say of the checks."""
        return {
            _CONSTRAINTS[name]: list(value) if name == "allowed_values" else value
            for check in self.checks
            for name, value in check.statistics.items()
        }

    def as_pandera(self) -> pandera.Column:
        import pandera.pandas as pandera

        checks = [check.as_pandera() for check in self.checks]
        return pandera.Column(**vars(self) | {"dtype": pandas_type(self.dtype), "checks": checks})


@dataclass(frozen=True)
class Declared:
    """An export, a table or a policy: its columns in their order, key and partition among them,
    and the checks across them.
    """

    name: str
    description: str
    columns: Mapping[str, DeclaredColumn]
    title: str | None = field(default=None, kw_only=True)
    checks: Sequence[DeclaredCheck] = field(default=(), kw_only=True)

    @cached_property
    def model(self) -> pandera.DataFrameSchema:
        """The pandera model that validates rows; the first time this imports pandera."""
        import pandera.pandas as pandera

        return pandera.DataFrameSchema(
            {name: column.as_pandera() for name, column in self.columns.items()},
            checks=[check.as_pandera() for check in self.checks],
            name=self.name,
            title=self.title,
            description=self.description,
        )

    def dtype(self, name: str) -> pa.DataType:
        return self.columns[name].dtype

    def domain(self, name: str) -> list[str] | None:
        """The values that a column may hold, in their order; none if it is open."""
        for check in self.columns[name].checks:
            if check.name == "domain":
                return list(check.statistics["allowed_values"])
        return None


_Kind = TypeVar("_Kind", bound=Declared)


def by_name(namespace: Mapping[str, object], kind: type[_Kind]) -> dict[str, _Kind]:
    """What a module, whose `globals()` the namespace is, declares of a kind, in its order."""
    return {found.name: found for found in namespace.values() if isinstance(found, kind)}


IDENTIFIER_PATTERN: Final = "[A-Za-z0-9_-]{1,40}"
_IDENTIFIER_BYTES: Final = 40
_NULL_WORDS: Final = ("NULL", "null", "None", "NaN", "nan", "-")
"""What programs write where they have nothing, and that would be an id by its form."""


def matches(pattern: str, wording: str) -> DeclaredCheck:
    """The whole text matches the pattern; rule `format`."""
    return DeclaredCheck(lambda series: series.str.fullmatch(pattern), "format", wording)


def identifies(wording: str) -> DeclaredCheck:
    """The whole text is an id, as `IDENTIFIER_PATTERN` has it, and no word for null; `format`."""
    return DeclaredCheck(_are_identifiers, "format", wording)


def _are_identifiers(series: pd.Series[Any]) -> pd.Series[bool]:
    """Ids of letters and digits alone, as nearly all are, pass without the slower pattern."""
    import pandas as pd
    import pyarrow.compute as pc

    text = pa.array(series)
    lengths = pc.binary_length(text)
    short = pc.less_equal(lengths, _IDENTIFIER_BYTES)
    if pc.all(pc.and_(pc.ascii_is_alnum(text), short)).as_py():
        passed = pd.Series(True, index=series.index)
    else:
        passed = series.str.fullmatch(IDENTIFIER_PATTERN)
    if pc.any(pc.less_equal(lengths, max(map(len, _NULL_WORDS)))).as_py():
        passed = passed & ~series.isin(_NULL_WORDS)
    return passed


def has_digits() -> DeclaredCheck:
    """The text holds a digit, of ASCII or full-width; without one it counts as missing."""
    return DeclaredCheck(_have_digits, "required", "with digits")


def _have_digits(series: pd.Series[Any]) -> pd.Series[bool]:
    import pandas as pd
    import pyarrow.compute as pc

    text = pc.utf8_normalize(pa.array(series), form="NFKC")
    digits = pc.fill_null(pc.match_substring_regex(text, "[0-9]"), True)
    return pd.Series(digits.to_numpy(zero_copy_only=False), index=series.index)


def one_of(values: Sequence[object], wording: str | None = None) -> DeclaredCheck:
    """The value is in the list; rule `domain`."""
    wording = wording or f"one of {', '.join(map(str, values))}"
    return DeclaredCheck("isin", "domain", wording, {"allowed_values": values})


def at_least(bound: object) -> DeclaredCheck:
    """The value is the bound or more; rule `range`."""
    return DeclaredCheck("ge", "range", f"{bound} or more", {"min_value": bound})


def before(day: date) -> DeclaredCheck:
    """The day is an earlier one; rule `range`."""
    return DeclaredCheck("lt", "range", f"before {day}", {"max_value": day})


def between(low: object, high: object) -> DeclaredCheck:
    """The value lies between the bounds, both included; rule `range`."""
    bounds = {"min_value": low, "max_value": high}
    return DeclaredCheck("in_range", "range", f"{low} to {high}", bounds)


def across(
    column: str, rule: str, holds: Callable[[pd.DataFrame], Any], wording: str
) -> DeclaredCheck:
    """A condition over several columns, blamed on one of them.

    Where a column that it reads is missing the condition counts as met: the missing column has
    a reason of its own. Codes and enumerations are compared as text, but have no `.str`.
    """
    met = lambda frame: holds(frame).astype(pandas_type(BOOL)).fillna(True)  # noqa: E731
    return DeclaredCheck(met, f"{column}:{rule}", wording)


def consistent(column: str, holds: Callable[[pd.DataFrame], Any], wording: str) -> DeclaredCheck:
    """A condition over several columns of the rule `consistency`; see `across`."""
    return across(column, "consistency", holds, wording)


def column(
    dtype: pa.DataType,
    description: str,
    *,
    title: str | None = None,
    checks: list[DeclaredCheck] | None = None,
    nullable: bool = False,
    **metadata: object,
) -> DeclaredColumn:
    """A column; further keywords become its metadata."""
    return DeclaredColumn(dtype, checks or [], nullable, title, description, metadata)


def integer(
    description: str, least: int = 0, most: int | None = None, **terms: Any
) -> DeclaredColumn:
    """A column of whole numbers, `least` or more, and `most` or less where it is given; further
    keywords are those of `column`.
    """
    limit = at_least(least) if most is None else between(least, most)
    return column(INT64, description, checks=[limit], **terms)


def enumeration(description: str, values: Iterable[str], **terms: Any) -> DeclaredColumn:
    """A column of texts that are each one of the values; further keywords are those of `column`."""
    return column(TEXT, description, checks=[one_of(list(values))], **terms)
