"""Reads typed Parquet columns as the values that an export declares.

A column that has the declared type is taken as it is, and so are days in any type that can hold
them. Numbers come in several types and are read through their text, as delivered text is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.exports import forms
from transforms.exports.containers import FileRefused
from transforms.exports.personal import MASK

_DAY_FORMS: Final = frozenset({"date", "timestamp", "month"})
_CALENDAR: Final = (pa.scalar(datetime.min), pa.scalar(datetime.max))
"""The days that text can name: of the years 1 to 9999."""
_WHOLE_FLOATS: Final = 1e37
"""Whole floats up to here are read exactly; larger ones are no 64-bit numbers anyway."""


def read_typed(
    name: str, column: pa.Array, form: str, dtype: pa.DataType, metadata: Mapping[str, object]
) -> forms.Read:
    """Reads a column of a Parquet file; FileRefused where its type can't hold such values."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if form in _DAY_FORMS and (
        pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)
    ):
        return _days(column, form)
    if kind == dtype and not pa.types.is_string(kind):
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        default = metadata.get("default")
        return forms.Read(column if default is None else pc.fill_null(column, default), missing, {})
    return forms.read(_text(name, column, form), form, dtype, metadata)


def json_lines(batch: pa.RecordBatch, rows: npt.NDArray[np.int64], personal: list[int]) -> pa.Array:
    """The given rows as JSON, personal values masked."""
    masked = [MASK.decode()] * rows.size
    columns = [
        masked if index in personal else _as_json(_without_view(column).take(pa.array(rows)))
        for index, column in enumerate(batch.columns)
    ]
    texts = [
        json.dumps(dict(zip(batch.schema.names, row, strict=True)), ensure_ascii=False)
        for row in zip(*columns, strict=True)
    ]
    return pa.array(texts, pa.string())


def _without_view(column: pa.Array) -> pa.Array:
    """The column in a type that Arrow's kernels take rows of."""
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column.cast(pa.binary()) if pa.types.is_binary_view(column.type) else column


def _as_json(column: pa.Array) -> list[Any]:
    """The values as JSON has them; what it has no form for as Arrow writes it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_json(column.dictionary_decode())
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return cast("list[Any]", column.to_pylist())
    if pa.types.is_floating(kind):
        return [v if v is None or isfinite(v) else str(v) for v in column.to_pylist()]
    if (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    ):
        return [None if v is None else v.hex() for v in column.to_pylist()]
    if pa.types.is_nested(kind):
        return [" ".join(str(column.slice(row, 1)).split()) for row in range(len(column))]
    return cast("list[Any]", column.cast(pa.string()).to_pylist())


def _text(name: str, column: pa.Array, form: str) -> pa.Array:
    """The column as the text that it would be in a delimited file, to be read in its form.

    Raises FileRefused where values of its type never are of that form.
    """
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
    raise FileRefused(f"its column {name} is {kind}, which can't hold a {form}")


def _float_text(column: pa.Array) -> pa.Array:
    """Whole numbers without a decimal point; not-a-number, as pandas writes it, is missing."""
    column = column.cast(pa.float64())
    missing = pc.fill_null(pc.is_nan(column), True)
    whole = pc.and_(
        pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _WHOLE_FLOATS)
    )
    zero = pa.scalar(0.0)
    integers = pc.if_else(pc.fill_null(whole, False), column, zero).cast(pa.decimal128(38, 0))
    text = pc.if_else(whole, integers.cast(pa.string()), column.cast(pa.string()))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _days(column: pa.Array, form: str) -> forms.Read:
    """Dates and timestamps, read at microseconds; a date or month is a whole day."""
    moments = column.cast(pa.timestamp("us"), safe=False)
    days = moments.cast(pa.date32(), safe=False)
    first, last = _CALENDAR
    readable = pc.and_(
        pc.equal(moments.cast(column.type, safe=False), column),
        pc.and_(pc.greater_equal(moments, first), pc.less_equal(moments, last)),
    )
    if form != "timestamp":
        readable = pc.and_(readable, pc.equal(days.cast(pa.timestamp("us"), safe=False), moments))
    if form == "month":
        readable = pc.and_(readable, pc.equal(pc.day(days), 1))
    readable = pc.fill_null(readable, True)
    values = moments if form == "timestamp" else days
    values = pc.if_else(readable, values, pa.scalar(None, values.type))
    if form == "month":
        values = pc.strftime(values, format="%Y-%m")
    unreadable = cast("forms.Mask", ~readable.to_numpy(zero_copy_only=False))
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    return forms.Read(values, missing, {"type": unreadable} if unreadable.any() else {})
