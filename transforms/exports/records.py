"""Splits delimited text into records and fields, and fields into Arrow columns; compiled.

No CSV library keeps what Pointbook owes a supplier: the physical line of every record, its raw
text, a reason for every row of the wrong width (DuckDB and others drop extra empty fields, skip
blank rows and swallow good lines after a stray quote). So the splitting is done here, by RFC 4180:

- a field that begins with a quote ends at the next single quote and may hold delimiters, doubled
  quotes and line breaks; elsewhere a quote is a character like others;
- a record that breaks these rules, has another number of fields than the header, or is too long
  costs its first physical line; splitting goes on with the next line. So an unterminated quote
  never swallows the good lines behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from transforms.exports.keys import hashed

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]
Lines = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

MAX_RECORD_BYTES: Final = 1 << 20
"""A longer record is refused: no export has one, and a stray quote must not hold up the file."""
MAX_FIELDS: Final = 1_000
_CELLS_AT_ONCE: Final = 1 << 22
_MARKED_BYTES: Final = 1 << 15
"""So much of the text is looked at ahead of the record in work."""
_BINARY: Final = pa.binary()

_FEW: Final = 1 << 12
"""So many distinct texts make a dictionary."""
_SAFE_DIGITS: Final = 18
"""Whatever they are, 64 bits hold their number."""

_QUOTE: Final = 0x22
_MINUS: Final = 0x2D
_ZERO: Final = 0x30
_LINE_FEED: Final = 0x0A
_CARRIAGE_RETURN: Final = 0x0D
_BLANK: Final = 0x20
_TAB: Final = 0x09

_ONE: Final = np.uint64(1)
_ONES: Final = np.uint64(0x0101010101010101)
_TOP_BYTE: Final = np.uint64(56)

_SPLIT: Final = 0
_REFUSED: Final = 1
_INCOMPLETE: Final = 2


@njit(cache=True, nogil=True)
def _is_blank(byte: int) -> bool:
    return byte in (_BLANK, _TAB, _CARRIAGE_RETURN, _LINE_FEED)


@njit(cache=True, nogil=True)
def _split_record(
    text: Bytes,
    start: int,
    final: bool,
    delimiter: int,
    record: int,
    field_start: Positions,
    field_end: Positions,
    escaped: Mask,
) -> tuple[int, int, int, int]:
    """Splits the record at `start`: its status, end, the start of the next one, its lines.

    Fields are trimmed of surrounding blanks. `escaped` marks those with doubled quotes.
    """
    size = text.size
    width = field_start.shape[0]
    at = start
    lines = 1
    fields = 0
    while True:
        quoted_from = at
        while quoted_from < size and text[quoted_from] == _BLANK:
            quoted_from += 1
        doubled = False
        if quoted_from < size and text[quoted_from] == _QUOTE:
            begin = quoted_from + 1
            at = begin
            closed = False
            while at < size and at - start <= MAX_RECORD_BYTES:
                if text[at] == _QUOTE:
                    if at + 1 < size and text[at + 1] == _QUOTE:
                        doubled = True
                        at += 2
                        continue
                    if at + 1 == size and not final:
                        return _INCOMPLETE, start, start, 0
                    closed = True
                    break
                if text[at] == _LINE_FEED:
                    lines += 1
                at += 1
            if not closed:
                if at >= size and not final and at - start <= MAX_RECORD_BYTES:
                    return _INCOMPLETE, start, start, 0
                return _REFUSED, start, start, 0
            end = at
            at += 1
            while at < size and text[at] in (_BLANK, _CARRIAGE_RETURN):
                at += 1
            if at < size and text[at] != delimiter and text[at] != _LINE_FEED:
                return _REFUSED, start, start, 0
        else:
            begin = at
            while at < size and text[at] != delimiter and text[at] != _LINE_FEED:
                at += 1
            end = at
        if at >= size and not final:
            return _INCOMPLETE, start, start, 0
        while begin < end and _is_blank(text[begin]):
            begin += 1
        while end > begin and _is_blank(text[end - 1]):
            end -= 1
        if fields == width:
            return _REFUSED, start, start, 0
        field_start[fields, record] = begin
        field_end[fields, record] = end
        escaped[fields, record] = doubled
        fields += 1
        if at >= size or text[at] == _LINE_FEED:
            break
        at += 1
    if fields != width or at - start > MAX_RECORD_BYTES:
        return _REFUSED, start, start, 0
    return _SPLIT, at, at + 1, lines


@njit(cache=True, nogil=True)
def _line_end(text: Bytes, start: int) -> int:
    at = start
    while at < text.size and text[at] != _LINE_FEED:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _is_blank_line(text: Bytes, start: int, end: int, delimiter: int) -> bool:
    for at in range(start, end):
        if text[at] == delimiter or not _is_blank(text[at]):
            return False
    return True


@njit(cache=True, nogil=True)
def _mark(
    text: Bytes, at: int, delimiter: int, hits: Bytes, words: Words, marks: Positions, marked: int
) -> int:
    """Adds to the marks where delimiters, line feeds and quotes lie; returns how many marks it is.

    `text` begins at `at` of the whole. `words` are the bytes of `hits`, which has room for it.
    """
    of_fields, of_lines, of_quotes = np.uint8(delimiter), np.uint8(_LINE_FEED), np.uint8(_QUOTE)
    filled = (text.size + 7) // 8
    words[filled - 1] = 0
    # without a branch, so that many bytes are judged at once
    for place in range(text.size):
        byte = text[place]
        hits[place] = (byte == of_fields) | (byte == of_lines) | (byte == of_quotes)
    for word in range(filled):
        left = words[word]
        while left:
            lowest = left & (~left + _ONE)
            before = ((lowest - _ONE) & _ONES) * _ONES >> _TOP_BYTE
            marks[marked] = at + word * 8 + np.int64(before)
            marked += 1
            left ^= lowest
    return marked


@njit(cache=True, nogil=True)
def _split_plain(
    text: Bytes,
    start: int,
    delimiter: int,
    marks: Positions,
    mark: int,
    record: int,
    field_start: Positions,
    field_end: Positions,
) -> int:
    """Splits a record without quotes, as nearly all are, as `_split_record` does; its end.

    The marks say where its fields end; -1 if it is no such record.
    """
    last = field_start.shape[0] - 1
    for field in range(last):
        if text[marks[mark + field]] != delimiter:
            return -1
    if text[marks[mark + last]] != _LINE_FEED or marks[mark + last] - start > MAX_RECORD_BYTES:
        return -1
    at = start
    for field in range(last + 1):
        begin = at
        end = int(marks[mark + field])
        at = end + 1
        while begin < end and text[begin] <= _BLANK and _is_blank(text[begin]):
            begin += 1
        while end > begin and text[end - 1] <= _BLANK and _is_blank(text[end - 1]):
            end -= 1
        field_start[field, record] = begin
        field_end[field, record] = end
    return at - 1


@njit(cache=True, nogil=True)
def _split(
    text: Bytes,
    start: int,
    line: int,
    final: bool,
    delimiter: int,
    record_start: Positions,
    record_end: Positions,
    record_line: Lines,
    refused: Mask,
    field_start: Positions,
    field_end: Positions,
    escaped: Mask,
    hits: Bytes,
    words: Words,
    marks: Positions,
) -> tuple[int, int, int, int]:
    """Splits records until the arrays are full or no whole record is left.

    `hits`, `words` (the same bytes) and `marks` are room to look ahead in the text.

    Returns the number of records, of blank lines, where the next record starts and its line.
    """
    width = field_start.shape[0]
    mark = marked = 0
    looked = start
    at = start
    # a literal would have what it is handed to compiled twice
    records: int = int(np.int64(0))
    blank_lines = 0
    while at < text.size and records < record_start.size:
        if text[at] != delimiter and _is_blank(text[at]):
            line_end = _line_end(text, at)
            if line_end == text.size and not final and line_end - at <= MAX_RECORD_BYTES:
                break
            if _is_blank_line(text, at, line_end, delimiter):
                blank_lines += 1
                at = line_end + 1
                line += 1
                continue
        while mark < marked and marks[mark] < at:
            mark += 1
        if marked - mark < width and looked < text.size:
            for left in range(marked - mark):
                marks[left] = marks[mark + left]
            looked = max(looked, at)
            stop = min(looked + hits.size, text.size)
            marked = _mark(text[looked:stop], looked, delimiter, hits, words, marks, marked - mark)
            mark = 0
            looked = stop
        end = -1
        if marked - mark >= width:
            end = _split_plain(text, at, delimiter, marks, mark, records, field_start, field_end)
        if end >= 0:
            following = end + 1
            lines = 1
            refused[records] = False
        else:
            status, end, following, lines = _split_record(
                text, at, final, delimiter, records, field_start, field_end, escaped
            )
            if status == _INCOMPLETE:
                break
            if status == _REFUSED:
                line_end = _line_end(text, at)
                if line_end == text.size and not final:
                    break
                end = line_end
                following = line_end + 1
                lines = 1
            refused[records] = status == _REFUSED
        record_start[records] = at
        record_end[records] = end
        record_line[records] = line
        records += 1
        line += lines
        at = following
    return records, blank_lines, at, line


@njit(cache=True, nogil=True)
def _measure(
    text: Bytes, begin: Positions, end: Positions, escaped: Mask, offsets: Positions
) -> None:
    """Adds up how long the spans are without halves of doubled quotes."""
    total = 0
    for row in range(begin.size):
        total += end[row] - begin[row]
        if escaped[row]:
            at = begin[row]
            while at < end[row]:
                if text[at] == _QUOTE:
                    at += 1
                    total -= 1
                at += 1
        offsets[row + 1] = total


@njit(cache=True, nogil=True)
def _copy(
    text: Bytes, begin: Positions, end: Positions, escaped: Mask, offsets: Positions, out: Bytes
) -> None:
    for row in range(begin.size):
        to = offsets[row]
        if escaped[row]:
            at = begin[row]
            while at < end[row]:
                if text[at] == _QUOTE:
                    at += 1
                out[to] = text[at]
                to += 1
                at += 1
        else:
            for at in range(begin[row], end[row]):
                out[to] = text[at]
                to += 1


@njit(cache=True, nogil=True)
def _encode(
    text: Bytes,
    begin: Positions,
    end: Positions,
    slots: Positions,
    firsts: Positions,
    codes: Positions,
) -> int:
    """Gives each span the number of its text, as distinct ones come; returns how many they are.

    `firsts` gets the first row of each text, until it is full: then the answer is -1. `slots`, a
    power of two, empty at -1 and larger, finds numbers by the texts' hash.
    """
    distinct = 0
    for row in range(begin.size):
        length = end[row] - begin[row]
        slot = np.int64(hashed(text, begin[row], end[row]) & np.uint64(slots.size - 1))
        while True:
            code = slots[slot]
            if code < 0:
                if distinct == firsts.size:
                    return -1
                code = distinct
                slots[slot] = code
                firsts[code] = row
                distinct += 1
                break
            first = firsts[code]
            same = end[first] - begin[first] == length
            at = 0
            while same and at < length:
                same = text[begin[first] + at] == text[begin[row] + at]
                at += 1
            if same:
                break
            slot = (slot + 1) & (slots.size - 1)
        codes[row] = code
    return distinct


@njit(cache=True, nogil=True)
def _whole_numbers(text: Bytes, begin: Positions, end: Positions, numbers: Lines) -> bool:
    """Reads spans of digits, with a minus before them or none; whether that is all there is."""
    for row in range(begin.size):
        at = np.int64(begin[row])
        negative = at < end[row] and text[at] == _MINUS
        if negative:
            at += 1
        digits = end[row] - at
        if digits < 1 or digits > _SAFE_DIGITS:
            return False
        number = np.int64(0)
        while at < end[row]:
            digit = np.int64(text[at]) - _ZERO
            if digit < 0 or digit > 9:
                return False
            number = number * 10 + digit
            at += 1
        numbers[row] = -number if negative else number
    return True


def gather(
    text: Bytes,
    begin: Positions,
    end: Positions,
    escaped: Mask | None = None,
    kind: pa.DataType = _BINARY,
) -> pa.Array:
    """The spans of the text as one Arrow array; doubled quotes are halved where `escaped`.

    `kind` is binary, or string where the spans are known to be UTF-8.
    """
    rows = begin.size
    if escaped is None:
        escaped = np.zeros(rows, np.bool_)
    offsets = np.zeros(rows + 1, np.int32)
    _measure(text, begin, end, escaped, offsets)
    out = np.empty(int(offsets[-1]), np.uint8)
    _copy(text, begin, end, escaped, offsets, out)
    return pa.Array.from_buffers(kind, rows, [None, pa.py_buffer(offsets), pa.py_buffer(out)])


@dataclass(frozen=True)
class Records:
    """Some records of a file, in its order: where each lies in `text`, and its fields.

    `line` is a record's first physical line, from 1. Of fields the first index is the column; those
    of a refused record mean nothing. Rows are asked for in their order.
    """

    text: Bytes
    start: Positions
    end: Positions
    line: Lines
    refused: Mask
    field_start: Positions
    field_end: Positions
    escaped: Mask

    def __len__(self) -> int:
        return int(self.start.size)

    def field(self, index: int, rows: Rows) -> pa.Array:
        """A field of the given records, which must be UTF-8: trimmed and unquoted text."""
        return gather(self.text, *self._spans(index, rows), pa.string())

    def coded_field(self, index: int, rows: Rows) -> pa.Array:
        """The field as a dictionary of its distinct texts, as they come, where they are few."""
        begin, end, escaped = self._spans(index, rows)
        slots, firsts = np.full(4 * _FEW, -1, np.int32), np.empty(_FEW, np.int32)
        codes = np.empty(rows.size, np.int32)
        distinct = -1
        if not escaped.any():
            distinct = _encode(self.text, begin, end, slots, firsts, codes)
        if distinct < 0:
            return self.field(index, rows)
        firsts = firsts[:distinct]
        texts = gather(self.text, begin[firsts], end[firsts], kind=pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes), texts)

    def whole_numbers(self, index: int, rows: Rows) -> pa.Array | None:
        """The field as numbers, where all of them are plain digits; else none."""
        begin, end, _ = self._spans(index, rows)
        numbers = np.empty(rows.size, np.int64)
        return pa.array(numbers) if _whole_numbers(self.text, begin, end, numbers) else None

    def _spans(self, index: int, rows: Rows) -> tuple[Positions, Positions, Mask]:
        spans = self.field_start[index], self.field_end[index], self.escaped[index]
        if rows.size == len(self):
            return spans
        return spans[0][rows], spans[1][rows], spans[2][rows]

    def raw(self, rows: Rows) -> pa.Array:
        """The given records as delivered, without their line end, as Arrow binary."""
        return gather(self.text, self.start[rows], self._without_line_end(rows))

    def raw_masked(self, rows: Rows, fields: list[int], mask: bytes) -> list[pa.Array]:
        """The given records as delivered, cut into pieces: what `fields` hold becomes the mask."""
        pieces: list[pa.Array] = []
        at = self.start[rows]
        for field in sorted(fields):
            begin = np.where(self.refused[rows], at, self.field_start[field, rows])
            end = np.where(self.refused[rows], at, self.field_end[field, rows])
            pieces.append(gather(self.text, at, begin))
            pieces.append(pa.array([mask] * rows.size, pa.binary()))
            at = end
        pieces.append(gather(self.text, at, np.maximum(at, self._without_line_end(rows))))
        return pieces

    def _without_line_end(self, rows: Rows) -> Positions:
        end = self.end[rows]
        ends_in_return = (end > self.start[rows]) & (
            self.text[np.maximum(end - 1, 0)] == _CARRIAGE_RETURN
        )
        shortened: Positions = (end - ends_in_return).astype(np.int32)
        return shortened


class Splitter:
    """Splits a text that arrives in chunks into `Records`.

    Of a line longer than `MAX_RECORD_BYTES` that a chunk does not end, so many bytes are kept as
    its raw text: the rest is let go as it is read, so that no line fills the memory.
    `blank_lines` counts the lines without anything, which are no records.
    """

    def __init__(self, delimiter: bytes, width: int, first_line: int) -> None:
        self._delimiter = delimiter[0]
        self._width = width
        self._line = first_line
        self._rest = b""
        self._too_long = b""
        self._hits = np.empty(_MARKED_BYTES, np.uint8)
        self._marks = np.empty(_MARKED_BYTES + width, np.int32)
        self.blank_lines = 0

    def feed(self, chunk: bytes, *, final: bool) -> list[Records]:
        """The records that are whole with this chunk; `final` when nothing follows it."""
        found: list[Records] = []
        if self._too_long:
            line_end = chunk.find(b"\n")
            if line_end < 0 and not final:
                return found
            chunk = b"" if line_end < 0 else chunk[line_end + 1 :]
            found.append(self._refused_line(self._too_long))
            self._too_long = b""
        whole = self._rest + chunk
        text = np.frombuffer(whole, np.uint8)
        at = 0
        while at < text.size:
            # what is not filled of the arrays costs no memory
            room = min(max(1, _CELLS_AT_ONCE // self._width), text.size - at)
            start, end = (np.empty(room, np.int32) for _ in range(2))
            line = np.empty(room, np.int64)
            refused = np.empty(room, np.bool_)
            field_start, field_end = (np.empty((self._width, room), np.int32) for _ in range(2))
            escaped = np.zeros((self._width, room), np.bool_)
            count, blank_lines, following, self._line = _split(
                text,
                at,
                self._line,
                final,
                self._delimiter,
                start,
                end,
                line,
                refused,
                field_start,
                field_end,
                escaped,
                self._hits,
                self._hits.view(np.uint64),
                self._marks,
            )
            self.blank_lines += blank_lines
            if count:
                found.append(
                    Records(
                        text,
                        start[:count],
                        end[:count],
                        line[:count],
                        refused[:count],
                        field_start[:, :count],
                        field_end[:, :count],
                        escaped[:, :count],
                    )
                )
            if following == at:
                break
            at = following
        self._rest = text[at:].tobytes()
        if len(self._rest) > MAX_RECORD_BYTES and b"\n" not in self._rest:
            self._too_long, self._rest = self._rest[:MAX_RECORD_BYTES], b""
            if final:
                found.append(self._refused_line(self._too_long))
        return found

    def _refused_line(self, text: bytes) -> Records:
        line = self._line
        self._line += 1
        return Records(
            np.frombuffer(text, np.uint8),
            np.zeros(1, np.int32),
            np.full(1, len(text), np.int32),
            np.full(1, line, np.int64),
            np.ones(1, np.bool_),
            np.zeros((self._width, 1), np.int32),
            np.zeros((self._width, 1), np.int32),
            np.zeros((self._width, 1), np.bool_),
        )
