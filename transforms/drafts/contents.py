"""What a column of text may be read as: as which form of an export's column, and how well.

Each distinct value is read once, as ingest reads it. Where no form of every export fits, the forms
that a source can name are tried: how days and numbers are written, and the month of a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import DeclaredColumn
from schemas.exports import Export
from transforms.drafts.vocabulary import CODES, DAY_FORMATS, MONTH_FORMATS, TIME_FORMATS
from transforms.exports import forms
from transforms.exports.day_formats import in_iso
from transforms.exports.validate import as_series

MOST_CODES: Final = 60
"""A column of more distinct values is no enumeration."""
_MOST_JUDGED: Final = 2_000
"""So many distinct values of a column are read, the most frequent ones."""
_FIRST: Final = 20
_NEARLY_ALL: Final = 0.98
_NULL_WORDS: Final = ("NULL", "null", "(null)", "\\N", "NaN", "None", "N/A", "#N/A", "-")
_DAYS: Final = frozenset({"date", "timestamp", "month"})
_OTHER_DAYS: Final = (*DAY_FORMATS, "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_A_DAY: Final = r"^\d{4}(?:\d{4}|\D+\d{1,2}\D+\d{1,2})"
_POINT_THOUSANDS: Final = r"^-?\d{1,3}(?:\.\d{3})+(?:,\d+)?$|^-?\d+,\d{1,2}$"
"""Numbers as `1.234,00` has them, and `1,234.00` has not."""
NUMBER_STYLES: Final = ("1,234.00", "1.234,00")


@dataclass(frozen=True)
class Reading:
    """How a column can be read as a column of ours: the share of its values that can.

    `format`, `as_month`, `numbers` and `sign` as a source has them. `says`: how much it tells that
    a column holds such values, whatever its name: 0 to 1.
    """

    share: float
    says: float = 0.0
    format: str | None = None
    as_month: bool = False
    numbers: str | None = None
    minus: bool = False


@dataclass(frozen=True)
class Content:
    """A column of a file: its most frequent distinct values, with their counts.

    `present` counts the rows that have a value, `distinct` all different values. `null_words` are
    words for nothing that it holds.
    """

    values: pa.Array
    counts: np.ndarray[Any, np.dtype[np.int64]]
    rows: int
    present: int
    distinct: int
    null_words: tuple[str, ...]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Content:
        """The content of a column of text; words for nothing are none of its values."""
        found = pc.value_counts(column.combine_chunks() if column.num_chunks != 1 else column)
        found = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
        values, counts = found.field("values"), found.field("counts").to_numpy()
        values = pc.utf8_trim_whitespace(values)
        words = tuple(word for word in _NULL_WORDS if pc.any(pc.equal(values, word)).as_py())
        empty = pc.fill_null(pc.equal(pc.binary_length(values), 0), True)
        kept = pc.invert(pc.or_(empty, pc.is_in(values, pa.array(_NULL_WORDS))))
        kept = pc.fill_null(kept, False)
        values, counts = values.filter(kept), counts[kept.to_numpy(zero_copy_only=False)]
        # equal counts in the order of the values, so that a draft does not change by itself
        order = np.lexsort((np.array(values.to_pylist(), dtype=object), -counts))
        values, counts = values.take(pa.array(order)), counts[order]
        return cls(
            values[:_MOST_JUDGED],
            counts[:_MOST_JUDGED],
            len(column),
            int(counts.sum()),
            len(values),
            words,
        )

    @property
    def filled(self) -> float:
        """The share of rows that have a value."""
        return self.present / max(1, self.rows)

    @property
    def uniqueness(self) -> float:
        """The number of distinct values for each row with one."""
        return self.distinct / self.present if self.present else 0.0

    @property
    def most_frequent(self) -> int:
        """How often the most frequent value comes."""
        return int(self.counts[0]) if len(self.counts) else 0

    def share(self, good: pa.Array) -> float:
        """The share of the cells, of those looked at, whose values are good."""
        mask = pc.fill_null(good, False).to_numpy(zero_copy_only=False)
        whole = int(self.counts.sum())
        return float(self.counts[mask].sum()) / whole if whole else 0.0


def reading_of(export: Export, column: str, content: Content, scale: int = 1) -> Reading:
    """The best way in which a column can be read as ours; a share of 0 where there is none.

    `scale`: what its amounts are counted in, of which they may be fractions.
    """
    if not len(content.values):
        return Reading(0.5 if export.columns[column].nullable else 0.0)
    best = Reading(0.0)
    for reading, text in _tried(export.columns[column], content, scale):
        found = _judged(export, column, content, reading, text)
        if found.share > best.share:
            best = found
        if best.share >= _NEARLY_ALL:
            break
    presence = 1.0 if export.columns[column].nullable else content.filled
    return replace(best, share=best.share * presence)


def _tried(
    column: DeclaredColumn, content: Content, scale: int
) -> Iterator[tuple[Reading, pa.Array]]:
    """The ways in which values may be written, the plain one first, each with what it makes of
    them.
    """
    form = str(column.metadata["form"])
    text = content.values
    if form == "month" and pc.all(_matches(text, _A_DAY)).as_py():
        # also where each is a month's first day, as the next file's need not be
        yield Reading(0.0, as_month=True), _months_of(text)
    if form == "integer" and scale > 1 and column.metadata.get("unit"):
        yield Reading(0.0), _times_scale(text, scale)
    yield Reading(0.0), text
    if form == "integer":
        style = NUMBER_STYLES[1 if pc.any(_matches(text, _POINT_THOUSANDS)).as_py() else 0]
        yield Reading(0.0, numbers=style), _in_style(text, style)
    if form == "month":
        yield Reading(0.0, as_month=True), _months_of(text)
    if form in _DAYS and pc.any(_matches(text[:_FIRST], r"\d\D?\d")).as_py():
        formats = MONTH_FORMATS if form == "month" else ()
        for written in (*formats, *(day + time for time in _times(form) for day in _OTHER_DAYS)):
            # hundreds of forms: nearly all fit none of the first values
            if pc.all(pc.equal(in_iso(text[:_FIRST], written), forms.UNREADABLE)).as_py():
                continue
            iso = in_iso(text, written)
            as_month = form == "month" and written not in MONTH_FORMATS
            yield (
                Reading(0.0, format=written, as_month=as_month),
                _months_of(iso) if as_month else iso,
            )


def _times(form: str) -> tuple[str, ...]:
    return TIME_FORMATS if form == "timestamp" else ("",)


def _judged(
    export: Export, column: str, content: Content, reading: Reading, text: pa.Array
) -> Reading:
    """The reading with how many values it can read, and how much that says."""
    declared = export.columns[column]
    form = str(declared.metadata["form"])
    if form == "enumeration":
        return _of_codes(export, column, content, reading)
    read = forms.read(text, form, declared.dtype, declared.metadata)
    values = (
        read.values.dictionary_decode()
        if pa.types.is_dictionary(read.values.type)
        else (read.values)
    )
    good = pc.is_valid(values)
    for mask in read.broken.values():
        good = pc.and_(good, pa.array(~mask))
    minus = False
    if form == "integer":
        known = values.filter(pc.fill_null(good, False))
        least = declared.constraints.get("minimum")
        below = pc.sum(pc.less(known, 0)).as_py() or 0
        minus = bool(declared.metadata.get("unit")) and below > 0.9 * len(known)
        limit = pc.negate(values) if minus else values
        if isinstance(least, int):
            good = pc.and_(good, pc.greater_equal(limit, least))
        most = declared.constraints.get("maximum")
        if isinstance(most, int):
            good = pc.and_(good, pc.less_equal(limit, most))
    elif form in ("identifier", "code", "text"):
        for check in declared.checks:
            if callable(check.check_fn):
                passed = check.check_fn(as_series(values)).to_numpy(dtype=bool, na_value=False)
                good = pc.and_(good, pa.array(passed))
    share = content.share(good)
    if form == "boolean" and share < _NEARLY_ALL:
        return _of_codes(export, column, content, reading)
    says = _says(form, content, values, reading)
    return replace(reading, share=share, says=says * share, minus=minus)


def _says(form: str, content: Content, values: pa.Array, reading: Reading) -> float:
    """How much it tells of a column that its values can be read in a form: ids nearly all can."""
    match form:
        case "month":
            return 0.5 if reading.as_month else 0.9
        case "date":
            return 0.6
        case "timestamp":
            days = values.cast(pa.date32(), safe=False).cast(values.type)
            return 0.7 if pc.any(pc.not_equal(values, days)).as_py() else 0.4
        case "boolean":
            return 0.5
        case "code":
            return 0.6
        case "decimal":
            return 0.5
        case "integer":
            alike = pc.count_distinct(pc.utf8_length(content.values)).as_py() == 1
            like_ids = content.uniqueness > 0.95 and alike and content.distinct > 5
            return 0.1 if like_ids else 0.35
        case _:
            return 0.3


def _of_codes(export: Export, column: str, content: Content, reading: Reading) -> Reading:
    """How a column of few distinct values reads as an enumeration or a truth value of ours."""
    if content.distinct > (MOST_CODES if column in export.codes else 4):
        return replace(reading, share=0.0)
    known = pa.array([code_of(export, column, v) is not None for v in content.values.to_pylist()])
    mapped = content.share(known)
    repeated = content.most_frequent > 1 or content.rows < 10
    return replace(reading, share=1.0 if repeated else mapped, says=0.15 + 0.75 * mapped)


def code_of(export: Export, column: str, theirs: str) -> tuple[str, str] | None:
    """What a code of theirs means, and how that is known: `same` (the code or its label), `known`
    (others write it so), or `near` (by its letters); none where it is not.
    """
    meanings = _code_words(export, column)
    plain = _plain(theirs)
    for how in ("same", "known"):
        if (found := meanings[how].get(plain)) is not None:
            return found, how
    words = {**meanings["known"], **meanings["same"]}
    near = {ours for word, ours in words.items() if len(plain) > 1 and word.startswith(plain)}
    if not near and len(plain) > 2:
        near = {
            ours
            for word, ours in words.items()
            if len(word) > 2 and (plain.startswith(word) or _contains(plain, word))
        }
    if not near and len(plain) == 1 and plain.isalpha():
        near = {ours for ours in set(words.values()) if ours.startswith(plain)}
    return (near.pop(), "near") if len(near) == 1 else None


def known_words(export: Export, column: str) -> set[str]:
    """What a column's codes are known to be written as: by ourselves, and by others."""
    labels = export.columns[column].metadata.get("labels")
    ours = labels.items() if isinstance(labels, dict) else ()
    others = CODES.get(f"{export.name}.{column}", CODES.get(column, {}))
    return {word for pair in ours for word in pair} | {
        word for words in others.values() for word in words.split()
    }


def _contains(plain: str, word: str) -> bool:
    return bool(re.search("[가-힣]", word)) and word in plain


def _plain(code: str) -> str:
    return re.sub(r"[\s_-]", "", code).casefold()


def _code_words(export: Export, column: str) -> Mapping[str, Mapping[str, str]]:
    """What is written for each of our codes: by ourselves (`same`), and by others (`known`)."""
    labels = export.columns[column].metadata.get("labels")
    same: dict[str, str] = {}
    if isinstance(labels, dict):
        same = {_plain(word): code for code, label in labels.items() for word in (code, label)}
    elif export.columns[column].metadata["form"] == "boolean":
        same = {word: "true" if truth else "false" for word, truth in forms.TRUTH.items()}
    others = CODES.get(f"{export.name}.{column}", CODES.get(column, {}))
    known = {_plain(word): code for code, words in others.items() for word in words.split()}
    return {"same": same, "known": known}


def _matches(text: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(text, pattern)


def _in_style(text: pa.Array, style: str) -> pa.Array:
    """Numbers of a style with nothing between thousands and a point before decimals other than 0;
    what is not of the style becomes unreadable.
    """
    thousands, point = style[1], style[-3]
    pattern = rf"^-?(?:\d{{1,3}}(?:\{thousands}\d{{3}})+|\d+)(?:\{point}0+)?$"
    whole = pc.replace_substring_regex(text, rf"\{point}0+$", "")
    return pc.if_else(_matches(text, pattern), pc.replace_substring(whole, thousands, ""), "?")


def _times_scale(text: pa.Array, scale: int) -> pa.Array:
    """Numbers times what they are counted in; what is none, or leaves a fraction, unreadable."""
    plain = pc.replace_substring(text, ",", "")
    number = pc.if_else(_matches(plain, r"^-?\d{1,12}(?:\.\d{1,6})?$"), plain, None)
    product = pc.multiply(number.cast(pa.decimal128(18, 6)), pa.scalar(scale, pa.decimal128(9, 0)))
    digits = pc.replace_substring_regex(product.cast(pa.string()), r"\.0+$", "")
    return pc.fill_null(digits, "?")


def _months_of(text: pa.Array) -> pa.Array:
    """The months of days, perhaps with a time; what is no day becomes unreadable."""
    moments = forms.read(text, "timestamp", pa.timestamp("us"), {}).values
    return pc.fill_null(pc.strftime(moments, format="%Y-%m"), "?")
