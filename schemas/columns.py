"""The column vocabulary that exports and tables are declared with.

Types are Arrow's, so that a pandera model describes the same bytes that DuckDB, pandas and
Polars read. Each check is named after the rule that a quarantine reason shows
(`column:rule`): required, type, format, domain, range, consistency.

`DeclaredCheck`, `DeclaredColumn` and `DeclaredSchema` are plain data. They become pandera's
`Check`, `Column` and `DataFrameSchema` where rows are validated (`DeclaredSchema.model`).
Everything else reads them directly: to import pandera with pandas takes about half of the time in
which a command starts, and few commands validate a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

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

    def as_pandera(self) -> pandera.Column:
        import pandera.pandas as pandera

        checks = [check.as_pandera() for check in self.checks]
        return pandera.Column(**vars(self) | {"dtype": pandas_type(self.dtype), "checks": checks})


@dataclass(frozen=True)
class DeclaredSchema:
    """The columns of an export, a table or a policy, with the checks across them, in pandera's
    terms.
    """

    columns: Mapping[str, DeclaredColumn]
    name: str
    title: str | None = None
    description: str | None = None
    checks: Sequence[DeclaredCheck] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def model(self) -> pandera.DataFrameSchema:
        """The schema as pandera's, which validates rows."""
        import pandera.pandas as pandera

        columns = {name: column.as_pandera() for name, column in self.columns.items()}
        checks = [check.as_pandera() for check in self.checks]
        return pandera.DataFrameSchema(**vars(self) | {"columns": columns, "checks": checks})


@dataclass(frozen=True)
class Declared:
    """What exports, tables and policies have in common, over their schema."""

    schema: DeclaredSchema

    @property
    def model(self) -> pandera.DataFrameSchema:
        """The pandera model that validates rows; the first time this imports pandera."""
        return self.schema.model

    @property
    def name(self) -> str:
        return self.schema.name

    @property
    def description(self) -> str:
        return str(self.schema.description)

    @property
    def columns(self) -> Mapping[str, DeclaredColumn]:
        """The columns in their order, key and partition among them."""
        return self.schema.columns

    def dtype(self, name: str) -> pa.DataType:
        return self.columns[name].dtype

    def domain(self, name: str) -> list[str] | None:
        """The values that a column may hold, in their order; none if it is open."""
        for check in self.columns[name].checks:
            if check.name == "domain":
                return list(check.statistics["allowed_values"])
        return None


IDENTIFIER_PATTERN: Final = "[A-Za-z0-9_-]{1,40}"
_IDENTIFIER_BYTES: Final = 40


def matches(pattern: str, wording: str) -> DeclaredCheck:
    """The whole text matches the pattern; rule `format`."""
    return DeclaredCheck(lambda series: series.str.fullmatch(pattern), "format", wording)


def identifies(wording: str) -> DeclaredCheck:
    """The whole text is an id, as `IDENTIFIER_PATTERN` has it; rule `format`."""
    return DeclaredCheck(_are_identifiers, "format", wording)


def _are_identifiers(series: pd.Series[Any]) -> pd.Series[bool]:
    """Ids of letters and digits alone, as nearly all are, pass without the slower pattern."""
    import pandas as pd
    import pyarrow.compute as pc

    text = pa.array(series)
    short = pc.less_equal(pc.binary_length(text), _IDENTIFIER_BYTES)
    if pc.all(pc.and_(pc.ascii_is_alnum(text), short)).as_py():
        return pd.Series(True, index=series.index)
    return series.str.fullmatch(IDENTIFIER_PATTERN)


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
