"""The column vocabulary that exports and tables are declared with.

Types are Arrow's, so that a pandera model describes the same bytes that DuckDB, pandas and
Polars read. Each check is named after the rule that a quarantine reason shows
(`column:rule`): required, type, format, domain, range, consistency.

`Check`, `Column` and `DataFrameSchema` are pandera's, deferred: they take what pandera's classes of
these names take, and become those where rows are validated (`DataFrameSchema.model`). All else is
read off them directly, since to import pandera with pandas takes about half of the time in which a
command starts, and few commands validate a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

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
class Check:
    """A check: a function that answers for a column or a frame, or the name of one of pandera's
    own, whose arguments are its `statistics`.
    """

    check_fn: Callable[[Any], Any] | str
    name: str
    title: str
    error: str | None = None
    statistics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def isin(cls, allowed_values: Sequence[object], name: str, title: str) -> Check:
        return cls("isin", name, title, statistics={"allowed_values": allowed_values})

    @classmethod
    def ge(cls, min_value: object, name: str, title: str) -> Check:
        return cls("ge", name, title, statistics={"min_value": min_value})

    @classmethod
    def lt(cls, max_value: object, name: str, title: str) -> Check:
        return cls("lt", name, title, statistics={"max_value": max_value})

    @classmethod
    def in_range(cls, min_value: object, max_value: object, name: str, title: str) -> Check:
        bounds = {"min_value": min_value, "max_value": max_value}
        return cls("in_range", name, title, statistics=bounds)

    def as_pandera(self) -> pandera.Check:
        import pandera.pandas as pandera

        named: dict[str, Any] = {"name": self.name, "title": self.title}
        if self.error is not None:
            named["error"] = self.error
        if callable(self.check_fn):
            return pandera.Check(self.check_fn, **named)
        own = getattr(pandera.Check, self.check_fn)
        return cast("pandera.Check", own(**self.statistics, **named))


@dataclass(frozen=True)
class Column:
    """A column of Arrow values; its metadata is what is particular to exports or tables."""

    dtype: pa.DataType
    checks: Sequence[Check]
    nullable: bool
    title: str | None
    description: str
    metadata: Mapping[str, object]

    def as_pandera(self) -> pandera.Column:
        import pandera.pandas as pandera

        return pandera.Column(
            pandas_type(self.dtype),
            checks=[check.as_pandera() for check in self.checks],
            nullable=self.nullable,
            title=self.title,
            description=self.description,
            metadata=dict(self.metadata),
        )


@dataclass(frozen=True)
class DataFrameSchema:
    """The columns of an export, a table or a policy, with the checks across them."""

    columns: Mapping[str, Column]
    name: str
    title: str | None = None
    description: str | None = None
    checks: Sequence[Check] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def model(self) -> pandera.DataFrameSchema:
        """The schema as pandera's, which validates rows."""
        import pandera.pandas as pandera

        return pandera.DataFrameSchema(
            {name: column.as_pandera() for name, column in self.columns.items()},
            name=self.name,
            title=self.title,
            description=self.description,
            checks=[check.as_pandera() for check in self.checks],
            metadata=dict(self.metadata),
        )


@dataclass(frozen=True)
class Declared:
    """What exports, tables and policies have in common, over their schema."""

    schema: DataFrameSchema

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
    def columns(self) -> Mapping[str, Column]:
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


def matches(pattern: str, wording: str) -> Check:
    """The whole text matches the pattern; rule `format`."""
    return Check(
        lambda series: series.str.fullmatch(pattern),
        name="format",
        error=wording,
        title=wording,
    )


def identifies(wording: str) -> Check:
    """The whole text is an id, as `IDENTIFIER_PATTERN` has it; rule `format`."""
    return Check(_are_identifiers, name="format", error=wording, title=wording)


def _are_identifiers(series: pd.Series[Any]) -> pd.Series[bool]:
    """Ids of letters and digits alone, as nearly all are, pass without the slower pattern."""
    import pandas as pd
    import pyarrow.compute as pc

    text = pa.array(series)
    short = pc.less_equal(pc.binary_length(text), _IDENTIFIER_BYTES)
    if pc.all(pc.and_(pc.ascii_is_alnum(text), short)).as_py():
        return pd.Series(True, index=series.index)
    return series.str.fullmatch(IDENTIFIER_PATTERN)


def one_of(values: list[str]) -> Check:
    """The value is in the list; rule `domain`."""
    return Check.isin(values, name="domain", title=f"one of {', '.join(values)}")


def at_least(bound: object) -> Check:
    """The value is the bound or more; rule `range`."""
    return Check.ge(bound, name="range", title=f"{bound} or more")


def between(low: object, high: object) -> Check:
    """The value lies between the bounds, both included; rule `range`."""
    return Check.in_range(low, high, name="range", title=f"{low} to {high}")


def across(column: str, rule: str, holds: Callable[[pd.DataFrame], Any], wording: str) -> Check:
    """A condition over several columns, blamed on one of them.

    Where a column that it reads is missing the condition counts as met: the missing column has
    a reason of its own. Codes and enumerations are compared as text, but have no `.str`.
    """
    return Check(
        lambda frame: holds(frame).astype(pandas_type(BOOL)).fillna(True),
        name=f"{column}:{rule}",
        error=wording,
        title=wording,
    )


def column(
    dtype: pa.DataType,
    description: str,
    *,
    title: str | None = None,
    checks: list[Check] | None = None,
    nullable: bool = False,
    **metadata: object,
) -> Column:
    """A column with its meaning; `metadata` holds what is particular to exports or tables."""
    return Column(
        dtype,
        checks=checks or [],
        nullable=nullable,
        title=title,
        description=description,
        metadata=dict(metadata),
    )
