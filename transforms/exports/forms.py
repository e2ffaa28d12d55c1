"""Reads delivered text as typed values: every form of number, month, date … that exports come in.

A column is read through its distinct values, which are few, with Arrow's kernels. What can't be
read becomes null and is marked with the rule that it breaks: `type`, or `range` for a whole number
beyond 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]

CODED: Final = pa.dictionary(pa.int8(), pa.string())
"""The type of enumerations until they are written: a dictionary of the declared codes."""

_LAST_OF_ASCII: Final = 0x7F
_ASCII_BLANKS: Final = " \t\r\n"
_BLANKS: Final = (
    f"{_ASCII_BLANKS}\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's blanks and line ends, but no control characters of ASCII."""
WHOLE_TEXTS: Final = frozenset({"identifier", "text"})
"""Forms whose columns are text as delivered, mostly with another value in each row."""


@dataclass(frozen=True)
class Read:
    """A column as read: its typed values, and where each rule is broken.

    `missing` marks the cells that held nothing; a default may stand in `values` for them. Text that
    is read through its distinct values stays a dictionary of them.
    """

    values: pa.Array
    missing: Mask
    broken: Mapping[str, Mask]


def read(
    text: pa.Array,
    form: str,
    dtype: pa.DataType,
    metadata: Mapping[str, object],
    *,
    trimmed: bool = False,
) -> Read:
    """Reads a text column, or a dictionary, in the form that its declaration names.

    `trimmed` text has no ASCII blanks around it any more.
    """
    if form in WHOLE_TEXTS:
        text = _trimmed(text, trimmed)
        return Read(text, _mask(pc.is_null(text)), {})
    if form == "integer" and (numbers := _plain_digits(text)) is not None:
        return Read(numbers, np.zeros(len(text), np.bool_), {})
    delivered = text if pa.types.is_dictionary(text.type) else pc.dictionary_encode(text)
    distinct = pc.dictionary_encode(_trimmed(delivered.dictionary, trimmed))
    indices = pc.take(distinct.indices, delivered.indices)
    missing = _mask(pc.is_null(indices))
    values, broken = _FORMS[form](distinct.dictionary, metadata)
    if pa.types.is_string(dtype):
        typed = _dictionary(indices, values)
    else:
        typed = pc.take(values.cast(dtype), indices)
    default = metadata.get("default")
    if default is not None:
        typed = pc.if_else(pa.array(missing), pa.scalar(default, dtype), typed)
    return Read(
        typed,
        missing,
        {
            rule: _mask(pc.fill_null(pc.take(pa.array(mask), indices), False))
            for rule, mask in broken.items()
            if mask.any()
        },
    )


def coded(text: pa.Array, codes: Sequence[str]) -> pa.DictionaryArray:
    """The text as a dictionary of these codes, whichever of them occur; what is none is null."""
    encoded = text if pa.types.is_dictionary(text.type) else pc.dictionary_encode(text)
    declared = pa.array(codes, pa.string())
    places = pc.index_in(encoded.dictionary, value_set=declared).cast(CODED.index_type)
    return pa.DictionaryArray.from_arrays(pc.take(places, encoded.indices), declared)


def _dictionary(indices: pa.Array, values: pa.Array) -> pa.DictionaryArray:
    """What the indices point at; where that is null, so is the index."""
    if values.null_count:
        places = pa.array(np.arange(len(values), dtype=np.int32), mask=_mask(pc.is_null(values)))
        indices = pc.take(places, indices)
    return pa.DictionaryArray.from_arrays(indices, values)


def _trimmed(text: pa.Array, trimmed: bool) -> pa.Array:
    """Without surrounding blanks, in NFC; nothing left is null."""
    if _largest_byte(text) > _LAST_OF_ASCII:
        text = pc.utf8_normalize(pc.utf8_trim(text, _BLANKS), form="NFC")
    elif not trimmed:
        text = pc.ascii_trim(text, _ASCII_BLANKS)
    empty = pc.equal(pc.binary_length(text), 0)
    if not pc.any(empty).as_py():
        return text
    return pc.if_else(empty, pa.scalar(None, pa.string()), text)


def _largest_byte(text: pa.Array) -> int:
    """The largest byte of a text column's buffer; 0 where it has none."""
    data = text.buffers()[2]
    return 0 if data is None else int(np.frombuffer(data, np.uint8).max(initial=0))


_Parsed = tuple[pa.Array, dict[str, Mask]]

_WHOLE: Final = r"[₩￦]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.0+)?원?"
_NUMBER: Final = rf"^(?:-?{_WHOLE}|\({_WHOLE}\))$"


def _integers(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    """Whole numbers as 64 bits: with commas, won signs, 원, `.00`, a minus or brackets.

    They are read by 38 digits, so that longer ones are told as out of `range`, not of `type`.
    """
    readable = pc.match_substring_regex(text, _NUMBER)
    negative = pc.match_substring_regex(text, r"^[-(]")
    digits = pc.replace_substring_regex(pc.if_else(readable, text, "0"), r"\..*$|[^\d]", "")
    digits = pc.replace_substring_regex(digits, r"^0+(\d)", r"\1")
    digits = pc.if_else(pc.greater(pc.binary_length(digits), 37), "9" * 37, digits)
    wide = digits.cast(pa.decimal128(38, 0))
    wide = pc.if_else(negative, pc.negate(wide), wide)
    lowest, highest = (pa.scalar(bound, pa.decimal128(38, 0)) for bound in (-(2**63), 2**63 - 1))
    fits = pc.and_(pc.greater_equal(wide, lowest), pc.less_equal(wide, highest))
    zero = pa.scalar(0, pa.decimal128(38, 0))
    values = pc.if_else(fits, wide, zero).cast(pa.int64())
    return _null_unless(pc.and_(readable, fits), values), {
        "type": ~_mask(readable),
        "range": ~_mask(fits),
    }


def _plain_digits(text: pa.Array) -> pa.Array | None:
    """The numbers of a text column, where each cell is one of digits, perhaps behind a minus.

    Amounts mostly are, and have many distinct values. Arrow reads other numbers than ours, but
    only with letters in them, which lie behind 9 in ASCII.
    """
    if pa.types.is_dictionary(text.type) or text.null_count or _largest_byte(text) > ord("9"):
        return None
    try:
        return text.cast(pa.int64())
    except pa.ArrowInvalid:
        return None


_DECIMAL: Final = r"^-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d{1,2}0*)?$"


def _decimals(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    """Numbers of two decimals, with or without commas; seven digits before the point at most."""
    readable = pc.match_substring_regex(text, _DECIMAL)
    number = pc.replace_substring(pc.if_else(readable, text, "0"), ",", "")
    number = pc.replace_substring_regex(number, r"(\.\d{2})0+$", r"\1")
    whole = pc.binary_length(pc.replace_substring_regex(number, r"\..*$|^-?0*", ""))
    fits = pc.less_equal(whole, 7)
    values = pc.if_else(fits, number, "0").cast(pa.decimal128(9, 2))
    return _null_unless(pc.and_(readable, fits), values), {
        "type": ~_mask(readable),
        "range": ~_mask(fits),
    }


_MONTH: Final = (
    r"^(?:(?P<y1>\d{4})[-./](?P<m1>\d{2})|(?P<y2>\d{4})(?P<m2>\d{2})"
    r"|(?P<y3>\d{4})년 ?(?P<m3>\d{1,2})월)$"
)


def _months(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    year, month = _parts(text, _MONTH, ("y", "m"))
    valid = (year >= 1) & (month >= 1) & (month <= 12)
    names = pc.binary_join_element_wise(_padded(year, 4), _padded(month, 2), "-")
    return _null_unless(pa.array(valid), names), {"type": ~valid}


_DATE: Final = (
    r"^(?:(?P<y1>\d{4})-(?P<m1>\d{2})-(?P<d1>\d{2})"
    r"|(?P<y2>\d{4})\.(?P<m2>\d{2})\.(?P<d2>\d{2})"
    r"|(?P<y3>\d{4})/(?P<m3>\d{2})/(?P<d3>\d{2})"
    r"|(?P<y4>\d{4})(?P<m4>\d{2})(?P<d4>\d{2})"
    r"|(?P<y5>\d{4})년 ?(?P<m5>\d{1,2})월 ?(?P<d5>\d{1,2})일)$"
)


def _dates(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    days, valid = _days(text)
    return pa.array(days, pa.date32(), mask=~valid), {"type": ~valid}


_TIMESTAMP: Final = (
    r"^(?P<date>.*?\d일?)(?:[ T](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?$"
)


def _timestamps(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    parts = pc.extract_regex(text, _TIMESTAMP)
    days, valid = _days(_part(parts, "date"))
    hour, minute, second = (
        _numbers(_part(parts, name), missing=0) for name in ("hour", "minute", "second")
    )
    valid &= (hour <= 23) & (minute <= 59) & (second <= 59)
    moment = ((days.astype(np.int64) * 24 + hour) * 60 + minute) * 60 + second
    values = pa.array(moment * 1_000_000, pa.timestamp("us"), mask=~valid)
    return values, {"type": ~valid}


_TRUTH: Final = {"true": True, "1": True, "y": True, "예": True}
_FALSITY: Final = {"false": False, "0": False, "n": False, "아니오": False}


def _booleans(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    values = _looked_up(text, {**_TRUTH, **_FALSITY}, pa.bool_())
    return values, {"type": _mask(pc.and_(pc.is_null(values), pc.is_valid(text)))}


def _enumerations(text: pa.Array, metadata: Mapping[str, object]) -> _Parsed:
    """Canonical codes; what is neither code nor label stays as it is and fails its domain."""
    labels = cast("Mapping[str, str]", metadata["labels"])
    codes = {name.lower(): code for code, label in labels.items() for name in (code, label)}
    return pc.coalesce(_looked_up(text, codes, pa.string()), text), {}


def _codes(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    return pc.ascii_upper(text), {}


_FORMS: Final[Mapping[str, Callable[[pa.Array, Mapping[str, object]], _Parsed]]] = {
    "integer": _integers,
    "decimal": _decimals,
    "month": _months,
    "date": _dates,
    "timestamp": _timestamps,
    "boolean": _booleans,
    "enumeration": _enumerations,
    "code": _codes,
}


def _looked_up(text: pa.Array, names: Mapping[str, object], dtype: pa.DataType) -> pa.Array:
    """What each text means, in any case of letters; null where it is none of the names."""
    found = pc.index_in(pc.utf8_lower(text), value_set=pa.array(list(names), pa.string()))
    return pc.take(pa.array(list(names.values()), dtype), found)


def _days(text: pa.Array) -> tuple[npt.NDArray[np.int32], Mask]:
    """Days since 1970-01-01, and which of the texts are days of the calendar."""
    year, month, day = _parts(text, _DATE, ("y", "m", "d"))
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    first = months.astype("M8[D]").astype(np.int64)
    length = (months + 1).astype("M8[D]").astype(np.int64) - first
    valid &= day <= length
    return (first + day - 1).astype(np.int32), valid


def _parts(
    text: pa.Array, pattern: str, names: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], ...]:
    """The numbers that a pattern's alternatives name, e.g. y1, y2 … for `y`; 0 where none fits."""
    parts = pc.extract_regex(text, pattern)
    groups = [parts.type.field(i).name for i in range(parts.type.num_fields)]
    return tuple(
        np.maximum.reduce(
            [_numbers(_part(parts, group), missing=0) for group in groups if group[0] == name]
        )
        for name in names
    )


def _part(parts: Any, name: str) -> pa.Array:
    return pc.struct_field(parts, name)


def _numbers(text: pa.Array, *, missing: int) -> npt.NDArray[np.int64]:
    given = pc.greater(pc.binary_length(text), 0)
    numbers = pc.if_else(given, text, pa.scalar(None, pa.string())).cast(pa.int64())
    return cast(
        "npt.NDArray[np.int64]", pc.fill_null(numbers, missing).to_numpy(zero_copy_only=False)
    )


def _padded(numbers: npt.NDArray[np.int64], width: int) -> pa.Array:
    return pc.ascii_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _null_unless(condition: Any, values: pa.Array) -> pa.Array:
    return pc.if_else(condition, values, pa.scalar(None, values.type))


def _mask(booleans: Any) -> Mask:
    return cast("Mask", booleans.to_numpy(zero_copy_only=False).astype(np.bool_))
