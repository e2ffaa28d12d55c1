"""Reads typed Parquet columns as the values that an export declares.

A column that has the declared type is taken as it is; whole numbers and days come in several
types and are read through their text, as delivered text is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.exports import forms
from transforms.exports.containers import FileRefused
from transforms.exports.personal import MASK

_DAY_FORMS: Final = frozenset({"date", "timestamp", "month"})
_WHOLE_FLOATS: Final = 2.0**53
"""Up to here every whole number is a float of its own."""


def read_typed(
    name: str, column: pa.Array, form: str, dtype: pa.DataType, metadata: Mapping[str, object]
) -> forms.Read:
    """Reads a column of a Parquet file; FileRefused where its type can't hold such values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if kind == dtype and not pa.types.is_string(kind):
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        default = metadata.get("default")
        return forms.Read(column if default is None else pc.fill_null(column, default), missing, {})
    return forms.read(_text(name, column, form), form, dtype, metadata)


def json_lines(batch: pa.RecordBatch, rows: npt.NDArray[np.int64], personal: list[int]) -> pa.Array:
    """The given rows as JSON, personal values masked."""
    masked = {batch.schema.names[index]: MASK.decode() for index in personal}
    taken = batch.take(pa.array(rows)).to_pylist()
    return pa.array(
        [json.dumps(row | masked, ensure_ascii=False, default=str) for row in taken], pa.string()
    )


def _text(name: str, column: pa.Array, form: str) -> pa.Array:
    kind = column.type
    if (
        pa.types.is_null(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_decimal(kind)
    ):
        return column.cast(pa.string())
    if pa.types.is_floating(kind):
        return _float_text(column)
    if pa.types.is_date(kind) and form in _DAY_FORMS:
        return _day_text(column.cast(pa.timestamp("s")), form)
    if pa.types.is_timestamp(kind) and kind.tz is None and form in _DAY_FORMS:
        return _day_text(column.cast(pa.timestamp("us")), form)
    raise FileRefused(f"its column {name} is {kind}, which can't hold a {form}")


def _float_text(column: pa.Array) -> pa.Array:
    """Whole numbers without a decimal point; not-a-number, as pandas writes it, is missing."""
    column = column.cast(pa.float64())
    missing = pc.fill_null(pc.is_nan(column), True)
    whole = pc.and_(
        pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _WHOLE_FLOATS)
    )
    zero = pa.scalar(0.0)
    integers = pc.if_else(pc.fill_null(whole, False), column, zero).cast(pa.int64())
    text = pc.if_else(whole, integers.cast(pa.string()), column.cast(pa.string()))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _day_text(moments: Any, form: str) -> pa.Array:
    if form == "timestamp":
        return pc.replace_substring_regex(
            moments.cast(pa.timestamp("us")).cast(pa.string()), r"\.0+$", ""
        )
    day = pc.replace_substring_regex(
        moments.cast(pa.timestamp("us")).cast(pa.string()), r" 00:00:00(\.0+)?$", ""
    )
    return pc.replace_substring_regex(day, "-01$", "") if form == "month" else day
