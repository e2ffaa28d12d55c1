"""The column vocabulary that exports and tables are declared with.

Types are Arrow's, so that a pandera model describes the same bytes that DuckDB, pandas and
Polars read. Each check is named after the rule that a quarantine reason shows
(`column:rule`): required, type, format, domain, range, consistency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.pandas import Check, Column

TEXT: Final = pd.ArrowDtype(pa.string())
BOOL: Final = pd.ArrowDtype(pa.bool_())
INT64: Final = pd.ArrowDtype(pa.int64())
DATE: Final = pd.ArrowDtype(pa.date32())
TIMESTAMP: Final = pd.ArrowDtype(pa.timestamp("us"))
DECIMAL_9_2: Final = pd.ArrowDtype(pa.decimal128(9, 2))
SUM: Final = pd.ArrowDtype(pa.decimal128(38, 0))
"""Sums of 64-bit amounts, which two valid rows can drive beyond 64 bits."""

DTYPES: Final[Mapping[str, pd.ArrowDtype]] = {
    "text": TEXT,
    "bool": BOOL,
    "int64": INT64,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "decimal": DECIMAL_9_2,
    "decimal (38,0)": SUM,
}
"""The published types by the names that `outputs.md` gives them."""

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
        lambda frame: holds(frame).astype(BOOL).fillna(True),
        name=f"{column}:{rule}",
        error=wording,
        title=wording,
    )


def column(
    dtype: pd.ArrowDtype,
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
