"""Reads delivered text as typed values: every form of number, month, date … that exports come in.

A column is read through its distinct values, which are few, with Arrow's kernels. What can't be
read becomes null and is marked with the rule that it breaks: `type`, or `range` for a whole number
beyond 64 bits.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

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
DAY_FORMS: Final = frozenset({"date", "timestamp", "month"})
UNREADABLE: Final = "?"
"""What stands for a text that a source's form does not read: no form of a column reads it."""
KOREA: Final = "Asia/Seoul"
"""In whose time an instant is read."""


@dataclass(frozen=True)
class Read:
    """A column as read: its typed values, and where each rule is broken.

    `missing` marks the cells that held nothing; a default may stand in `values` for them. Text that
    is read through its distinct values stays a dictionary of them. `delivered`: what the cells held
    where their values don't tell.
    """

    values: pa.Array
    missing: Mask
    broken: Mapping[str, Mask]
    delivered: pa.Array | None = None


Change = Callable[[pa.Array], pa.Array]
"""From texts to as many others."""


def read(
    text: pa.Array,
    form: str,
    dtype: pa.DataType,
    metadata: Mapping[str, object],
    *,
    trimmed: bool = False,
    backslash_is_won: bool = False,
) -> Read:
    """Reads a text column, or a dictionary, in the form that its declaration names.

    `trimmed` text has no ASCII blanks around it any more. `backslash_is_won`: numbers come in
    CP949, whose 0x5C Korean machines show and write as the won sign.
    """
    if form in WHOLE_TEXTS:
        text = without_blanks(text, trimmed)
        return Read(text, _mask(pc.is_null(text)), {})
    if form == "integer" and (numbers := plain_digits(text)) is not None:
        return Read(numbers, np.zeros(len(text), np.bool_), {})
    delivered = text if pa.types.is_dictionary(text.type) else pc.dictionary_encode(text)
    distinct = pc.dictionary_encode(without_blanks(delivered.dictionary, trimmed))
    indices = pc.take(distinct.indices, delivered.indices)
    missing = _mask(pc.is_null(indices))
    texts = distinct.dictionary
    if form == "integer" and backslash_is_won:
        texts = pc.replace_substring(texts, "\\", "₩")
    values, broken = _FORMS[form](texts, metadata)
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


def as_cell(text: str) -> str:
    """A text as a cell that holds it is compared: without surrounding blanks, in NFC."""
    return unicodedata.normalize("NFC", text.strip(_BLANKS))


def without_blanks(text: pa.Array, trimmed: bool = False) -> pa.Array:
    """Without surrounding blanks, in NFC; nothing left is null. `trimmed`: see `read`."""
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

_DIGITS: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.0+)?|\d{4,}(?:\.0+)?|\d{1,3}(?:\.(?:0{1,2}|0{4,}))?)"
"""Not `33.000`, which may be 33, or 33,000 with a dot in the place of the comma."""
_WON: Final = r"(?:[₩￦][ \x{a0}]?)"
_WON_BEHIND: Final = r"(?:[ \x{a0}]?원)"
_MINUS: Final = "[-−△]"


def _number(digits: str) -> str:
    """The pattern of a number of such digits, with a sign or brackets, ₩ and 원."""
    return (
        rf"^(?:(?:{_WON}?(?:{_MINUS}|\+)?|(?:{_MINUS}|\+){_WON}){digits}{_WON_BEHIND}?"
        rf"|{_WON}?{digits}{_WON_BEHIND}?-"
        rf"|\({_WON}?{digits}{_WON_BEHIND}?\)|{_WON}\({digits}\)|\({digits}\){_WON_BEHIND})$"
    )


_NUMBER: Final = _number(_DIGITS)


def _integers(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    """Whole numbers as 64 bits: with commas, won signs, 원, `.00`, one sign or brackets.

    They are read by 38 digits, so that longer ones are told as out of `range`, not of `type`.
    """
    readable = pc.match_substring_regex(text, _NUMBER)
    negative = pc.match_substring_regex(text, rf"{_MINUS}|\(")
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


def plain_digits(text: pa.Array) -> pa.Array | None:
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


_STYLES: Final = {None: (",", r"\."), "1,234.00": (",", r"\."), "1.234,00": (r"\.", ",")}
"""What stands between thousands, and before decimals, as a source names it."""
_AMBIGUOUS: Final = r"(?:^|\D)[1-9]\d{0,2}\.\d{3}(?:\D|$)"
"""`1.234` where nobody says how numbers are written."""
_LONGEST: Final = 37
_MOST_DECIMALS: Final = 18
_FACTOR_DIGITS: Final = 18


def plain_numbers(
    text: pa.Array,
    style: str | None,
    factor: Decimal | None = None,
    *,
    backslash_is_won: bool = False,
) -> pa.Array:
    """Numbers of a style, times a factor, as text of digits with a point: `1.234,50` as `1234.5`.

    Of a product that is whole no decimals are left. What is no such number is `UNREADABLE`.
    """
    if backslash_is_won:
        text = pc.replace_substring(text, "\\", "₩")
    between, point = _STYLES[style]
    digits = rf"(?:\d{{1,3}}(?:{between}\d{{3}})+|\d+)(?:{point}\d+)?"
    readable = pc.match_substring_regex(text, _number(digits))
    if style is None:
        readable = pc.and_not(readable, pc.match_substring_regex(text, _AMBIGUOUS))
    negative = pc.match_substring_regex(text, rf"{_MINUS}|\(")
    number = pc.replace_substring_regex(pc.if_else(readable, text, "0"), rf"[^\d{point}]", "")
    number = pc.replace_substring(number, point.removeprefix("\\"), ".")
    number = pc.replace_substring_regex(number, r"\.0*$|(\.\d*[1-9])0+$", r"\1")
    number = pc.replace_substring_regex(number, r"^0+(\d)", r"\1")
    decimals = pc.binary_length(pc.replace_substring_regex(number, r"^\d*\.?", ""))
    whole = pc.binary_length(pc.replace_substring_regex(number, r"\..*$", ""))
    readable = pc.and_(readable, pc.less_equal(decimals, _MOST_DECIMALS))
    number = pc.if_else(readable, number, "0")
    number = pc.if_else(pc.greater(whole, _LONGEST), "9" * _LONGEST, number)
    exact = number.cast(pa.decimal256(_LONGEST + _MOST_DECIMALS, _MOST_DECIMALS))
    times = (Decimal(1) if factor is None else factor).normalize()
    places = max(0, -cast("int", times.as_tuple().exponent))
    scalar = pa.scalar(times.quantize(Decimal(1).scaleb(-places)), pa.decimal256(19, places))
    exact = pc.multiply(pc.if_else(negative, pc.negate(exact), exact), scalar)
    return pc.if_else(readable, decimal_text(exact), UNREADABLE)


def scaled_digits(text: pa.Array, style: str | None, factor: Decimal | None) -> pa.Array | None:
    """The numbers of a column, each of digits alone, times a factor, if all are whole then.

    Amounts mostly are, and have many distinct values. Decimals are taken where their style is told.
    None where a cell may be written otherwise: to find that out by a cast that fails takes longer.
    """
    times = Decimal(1) if factor is None else factor
    if text.null_count or not _holds_only(text, b"0123456789-."):
        return None
    try:
        if _holds_only(text, b"0123456789-"):
            numbers = text.cast(pa.int64())
            if times == times.to_integral_value():
                return pc.multiply_checked(numbers, int(times))
        elif style != "1,234.00" or not _have_digits_beside_points(text):
            return None
        scalar = pa.scalar(times, pa.decimal128(_FACTOR_DIGITS, _FACTOR_DIGITS // 2))
        exact = pc.multiply(text.cast(pa.decimal128(37 - _FACTOR_DIGITS, 6)), scalar)
        return exact.cast(pa.decimal128(38, 0)).cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _holds_only(text: pa.Array, allowed: bytes) -> bool:
    """Whether a column's buffer holds no other bytes than these."""
    data = text.buffers()[2]
    if data is None:
        return True
    return not np.bincount(np.frombuffer(data, np.uint8), minlength=256)[
        np.setdiff1d(np.arange(256), np.frombuffer(allowed, np.uint8))
    ].any()


def _have_digits_beside_points(text: pa.Array) -> bool:
    """Whether no point stands at an end of a number, which Arrow would read."""
    ends = pc.or_(pc.starts_with(text, "."), pc.ends_with(text, "."))
    return not pc.any(pc.or_(ends, pc.match_substring(text, "-."))).as_py()


def decimal_text(numbers: pa.Array) -> pa.Array:
    """Whole numbers as their digits alone, without what a scale adds; others in full."""
    whole = pc.floor(numbers)
    digits = whole.cast(pa.decimal256(76, 0), safe=False).cast(pa.string())
    return pc.if_else(pc.equal(whole, numbers), digits, numbers.cast(pa.string()))


def months_of(text: pa.Array) -> pa.Array:
    """The months, YYYY-MM, of days and moments in any form; of what is none `UNREADABLE`."""
    months = pc.coalesce(pc.strftime(_moments(text), format="%Y-%m"), UNREADABLE)
    return pc.if_else(pc.is_null(text), pa.scalar(None, pa.string()), months)


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


_MONTH: Final = r"^(\d{4})(?:[-./]?(\d{2})|년 ?(\d{1,2})월)$"


def _months(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    """A month, or the date that is its first day."""
    days, _broken = _dates(pc.replace_substring_regex(text, _MONTH, r"\1-\2\3-01"), _)
    first = _mask(pc.fill_null(pc.equal(pc.day(days), 1), False))
    return pc.strftime(_null_unless(pa.array(first), days), format="%Y-%m"), {"type": ~first}


def _dates(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    """A date, perhaps with the time at which it begins."""
    moments = _moments(text)
    days = moments.cast(pa.date32(), safe=False)
    begins = pc.fill_null(pc.equal(days.cast(pa.timestamp("us")), moments), False)
    return _null_unless(begins, days), {"type": ~_mask(begins)}


def _timestamps(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    moments = _moments(text)
    return moments, {"type": _mask(pc.is_null(moments))}


_PLAIN_MOMENT: Final = (
    r"^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?)?$"
)
"""What nearly all are: a form that Arrow reads, and a day that every month has."""
_HALF: Final = r"오전|오후|[AaPp][Mm]"
_MOMENT: Final = re.compile(
    r"(?P<year>\d{4})(?P<behind_year>-|/|\. ?|년 ?|)"
    r"(?P<month>\d{1,2})(?P<behind_month>-|/|\. ?|월 ?|)"
    r"(?P<day>\d{1,2})(?P<behind_day>\.|일|)"
    r"(?: ?\([월화수목금토일](?:요일)?\))?"
    rf"(?:[ T](?:(?P<before>{_HALF}) ?)?(?P<hour>\d{{1,2}}):(?P<minute>\d\d)"
    rf"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?(?: ?(?P<behind>{_HALF}))?"
    r"(?: ?(?P<zone>Z|(?P<offset_hours>[-+]\d\d)(?::?(?P<offset_minutes>[0-5]\d))?))?)?",
    re.ASCII,
)
_SEPARATORS: Final = frozenset({"", "--", "//", "..", "...", "년월일"})


def _moments(text: pa.Array) -> pa.Array:
    """The moments in Korea's time that the texts name, to the microsecond; null where none.

    A date alone is the moment at which it begins.
    """
    plain = pc.match_substring_regex(text, _PLAIN_MOMENT)
    others = [_moment(other) for other in text.filter(pc.invert(plain)).to_pylist()]
    moments = _null_unless(plain, text).cast(pa.timestamp("us"))
    return pc.replace_with_mask(moments, pc.invert(plain), pa.array(others, moments.type))


def _moment(text: str) -> datetime | None:
    """The moment that a text names, in Korea's time; an offset or `Z` makes it an instant."""
    if len(text) == len("20161103142233"):
        text = re.sub(r"^(\d{8})(\d\d)(\d\d)(\d\d)$", r"\1 \2:\3:\4", text)
    found = _MOMENT.fullmatch(text)
    if found is None or (found["before"] and found["behind"]):
        return None
    marks = found["behind_year"] + found["behind_month"] + found["behind_day"]
    separators = marks.replace(" ", "")
    if separators not in _SEPARATORS or (not separators and found.end("day") != len("20161103")):
        return None
    year, month, day, hour, minute, second, hours, minutes = (
        int(found[name] or 0)
        for name in (
            *("year", "month", "day", "hour", "minute", "second"),
            *("offset_hours", "offset_minutes"),
        )
    )
    fraction = int(f"{found['fraction'] or 0:0<6}"[:6])
    if half := found["before"] or found["behind"]:
        if hour > 12:
            return None
        hour = hour % 12 + (12 if half[0] in "Pp" or half == "오후" else 0)
    try:
        moment = datetime(year, month, day, hour, minute, second, fraction)
        if found["zone"]:
            offset = timedelta(hours=hours, minutes=-minutes if "-" in found["zone"] else minutes)
            instant = moment.replace(tzinfo=timezone(offset))
            moment = instant.astimezone(ZoneInfo(KOREA)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return moment


TRUTH: Final = {
    **dict.fromkeys(("true", "t", "1", "y", "yes", "예", "네"), True),
    **dict.fromkeys(("false", "f", "0", "n", "no", "아니오", "아니요"), False),
}


def _booleans(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    values = _looked_up(text, TRUTH, pa.bool_())
    return values, {"type": _mask(pc.and_(pc.is_null(values), pc.is_valid(text)))}


def _enumerations(text: pa.Array, metadata: Mapping[str, object]) -> _Parsed:
    """Canonical codes; what is neither code nor label stays as it is and fails its domain."""
    labels = cast("Mapping[str, str]", metadata["labels"])
    codes = {name.lower(): code for code, label in labels.items() for name in (code, label)}
    return pc.coalesce(_looked_up(text, codes, pa.string()), text), {}


def _codes(text: pa.Array, _: Mapping[str, object]) -> _Parsed:
    # pandas writes NaN for nothing; in capitals it is an airport's code
    return pc.ascii_upper(text), {"format": _mask(pc.fill_null(pc.equal(text, "NaN"), False))}


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


def _null_unless(condition: Any, values: pa.Array) -> pa.Array:
    return pc.if_else(condition, values, pa.scalar(None, values.type))


def _mask(booleans: Any) -> Mask:
    return cast("Mask", booleans.to_numpy(zero_copy_only=False).astype(np.bool_))
