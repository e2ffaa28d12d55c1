"""Reads typed Parquet columns as the values that an export declares.

A column that has the declared type is taken as it is, and so are days in any type that can hold
them; an instant is read in Korea's time. Other values are read through their text, as delivered
text is; of a number that is whole that text has digits alone, whatever its type's scale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any, Final, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.exports import forms
from transforms.exports.containers import FileRefused
from transforms.exports.personal import MASK

_CALENDAR: Final = (pa.scalar(datetime.min), pa.scalar(datetime.max))
"""The days that text can name: of the years 1 to 9999."""
_WHOLE_FLOATS: Final = 1e37
"""Whole floats up to here are read exactly; larger ones are no 64-bit numbers anyway."""


def read_typed(
    name: str, column: pa.Array, form: str, dtype: pa.DataType, metadata: Mapping[str, object]
) -> forms.Read:
    """Reads a column of a Parquet file; FileRefused where its type can't hold such values."""
    column = _plain(column)
    kind = column.type
    if form in forms.DAY_FORMS and holds_days(column):
        return _days(column, form)
    if kind == dtype and not pa.types.is_string(kind):
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        default = metadata.get("default")
        return forms.Read(column if default is None else pc.fill_null(column, default), missing, {})
    text = _utf8(column) if _is_bytes(kind) else _text(name, column, form)
    read = forms.read(text, form, dtype, metadata)
    if text.null_count == column.null_count or not _is_bytes(kind):
        return read
    undecodable = pc.and_(pc.is_null(text), pc.is_valid(column)).to_numpy(zero_copy_only=False)
    unreadable = undecodable | read.broken.get("type", False)
    return forms.Read(read.values, read.missing & ~undecodable, {**read.broken, "type": unreadable})


def holds_days(column: pa.Array) -> bool:
    """Whether a column is of dates or timestamps."""
    return bool(pa.types.is_date(column.type) or pa.types.is_timestamp(column.type))


def holds_numbers(column: pa.Array) -> bool:
    """Whether a column is of numbers, of whatever type."""
    kinds = (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating)
    return any(is_kind(column.type) for is_kind in kinds)


def month_of(column: pa.Array) -> forms.Read:
    """The months, YYYY-MM, in which dates or timestamps lie."""
    read = _days(column, "timestamp")
    return forms.Read(pc.strftime(read.values, format="%Y-%m"), read.missing, read.broken)


def as_text(name: str, column: pa.Array, form: str) -> pa.Array:
    """A column of a Parquet file as text, from which a source makes another.

    Bytes that are no UTF-8 become characters that no code, number or day has. Raises FileRefused
    where values of the column's type have no text.
    """
    column = _plain(column)
    if pa.types.is_timestamp(column.type):
        return _days(column, "timestamp").values.cast(pa.string())
    if pa.types.is_date(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    if _is_bytes(column.type):
        texts = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        return pa.array(texts, pa.string())
    return _text(name, column, form)


def json_lines(batch: pa.RecordBatch, rows: npt.NDArray[np.int64], personal: list[int]) -> pa.Array:
    """The given rows as JSON, personal values masked; this raises for no value of any type."""
    masked = [MASK.decode()] * rows.size
    columns = [
        masked if index in personal else _as_json(column, rows)
        for index, column in enumerate(batch.columns)
    ]
    texts = [
        json.dumps(dict(zip(batch.schema.names, row, strict=True)), ensure_ascii=False)
        for row in zip(*columns, strict=True)
    ]
    return pa.array(texts, pa.string())


def _as_json(column: pa.Array, rows: npt.NDArray[np.int64]) -> list[Any]:
    """The values as JSON has them; what it has no form for as Arrow writes it."""
    try:
        return _values(_plain(column).take(pa.array(rows)))
    except Exception:
        # of a type that Arrow takes or writes no values of: one by one it at least shows them
        return [_shown(column.slice(row, 1)) for row in rows.tolist()]


def _values(column: pa.Array) -> list[Any]:
    """Numbers and truth values as JSON has them, bytes and nested values shown, others as text."""
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind):
        return cast("list[Any]", column.to_pylist())
    if pa.types.is_floating(kind):
        return [v if v is None or isfinite(v) else str(v) for v in column.to_pylist()]
    if _is_bytes(kind):
        return [None if v is None else _shown_bytes(v) for v in column.to_pylist()]
    if pa.types.is_nested(kind):
        return [_shown(column.slice(row, 1)) for row in range(len(column))]
    return cast("list[Any]", column.cast(pa.string()).to_pylist())


def _shown(value: pa.Array) -> str:
    """One value on one line, or its type where Arrow can't show it."""
    try:
        return " ".join(str(value).split())
    except Exception:
        return f"({value.type})"


def _plain(column: pa.Array) -> pa.Array:
    """The column without a dictionary or an extension of its type; of UUIDs, their text."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    if column.type.extension_name == "arrow.uuid":
        ids = [None if v is None else str(UUID(bytes=v)) for v in column.storage.to_pylist()]
        return pa.array(ids, pa.string())
    return _plain(column.storage)


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
    ):
        return column.cast(pa.string())
    if pa.types.is_decimal(kind):
        return _decimal_text(column)
    if pa.types.is_floating(kind):
        return whole_text(column)
    raise FileRefused(
        f"its column {name} is {kind}, which can't hold {_PLURALS.get(form, form)}; "
        "deliver it as text"
    )


_PLURALS: Final = {
    "identifier": "ids",
    "code": "codes",
    "integer": "whole numbers",
    "decimal": "numbers",
    "month": "months",
    "date": "dates",
    "timestamp": "times",
    "boolean": "yes or no",
    "enumeration": "codes",
}


def _shown_bytes(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()


def _is_bytes(kind: pa.DataType) -> bool:
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_binary_view,
            pa.types.is_fixed_size_binary,
        )
    )


def _utf8(column: pa.Array) -> pa.Array:
    """Bytes as the text that they encode, as older writers of Parquet have it; null where none."""
    column = column.cast(pa.binary())
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        texts = [None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()]
        decoded = pa.array(texts, pa.string())
        same = pc.equal(decoded.cast(pa.binary()), column)
        return pc.if_else(same, decoded, pa.scalar(None, pa.string()))


def _decimal_text(column: pa.Array) -> pa.Array:
    """Whole numbers as their digits alone, without what a scale adds; others in full."""
    return forms.decimal_text(column.cast(pa.decimal256(76, max(column.type.scale, 0))))


def whole_text(column: pa.Array) -> pa.Array:
    """Whole numbers as their digits alone; not-a-number, as pandas writes it, is missing.

    Whole numbers beyond `_WHOLE_FLOATS` are read as that bound, which is out of every range.
    """
    column = column.cast(pa.float64())
    missing = pc.fill_null(pc.is_nan(column), True)
    whole = pc.fill_null(pc.and_(pc.equal(pc.floor(column), column), pc.is_finite(column)), False)
    bounded = pc.max_element_wise(pc.min_element_wise(column, _WHOLE_FLOATS), -_WHOLE_FLOATS)
    integers = pc.if_else(whole, bounded, pa.scalar(0.0)).cast(pa.decimal128(38, 0))
    text = pc.if_else(whole, integers.cast(pa.string()), column.cast(pa.string()))
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _days(column: pa.Array, form: str) -> forms.Read:
    """Dates and timestamps, read at microseconds; a date or month is a whole day."""
    moments = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
    exact = pc.equal(moments.cast(column.type, safe=False), column)
    if moments.type.tz is not None:
        moments = pc.local_timestamp(moments.cast(pa.timestamp("us", forms.KOREA)))
    days = moments.cast(pa.date32(), safe=False)
    first, last = _CALENDAR
    readable = pc.and_(
        exact,
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
