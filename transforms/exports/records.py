"""Splits delimited text into records and fields, and fields into Arrow columns; compiled.

No CSV library keeps what Pointbook owes a supplier: the physical line of every record, its raw
text, a reason for every row of the wrong width (DuckDB and others drop extra empty fields, skip
blank rows and swallow good lines after a stray quote). So the splitting is done here, by RFC 4180:

- a field that begins with a quote ends at the next single quote and may hold delimiters, doubled
  quotes and line breaks; elsewhere a quote is a character like others, and everywhere where a
  source says so;
- a record that keeps these rules and has another number of fields than the header is refused whole;
- one that breaks them, or is too long, costs its first physical line; splitting goes on with the
  next line. So an unterminated quote never swallows the good lines behind it;
- where lines can't be told from a text that a quote holds together, each of them is refused: a
  record whose further lines are records by themselves, and lines up to one that ends what a
  record with broken quoting left open. So no row is swallowed, and none is made up out of a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]
Lines = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MAX_RECORD_BYTES: Final = 1 << 20
"""A longer record is refused: no export has one, and a stray quote must not hold up the file."""
MAX_FIELDS: Final = 1_000
_WIDTHS_AT_MOST: Final = 4
"""A record of more fields than so many headers is refused as one of broken quoting: it may well
have become so long by stray quotes, and is not followed to its end from each of its lines."""
_CELLS_AT_ONCE: Final = 1 << 22
_BINARY: Final = pa.binary()

_QUOTE: Final = 0x22
_LINE_FEED: Final = 0x0A
_CARRIAGE_RETURN: Final = 0x0D
_BLANK: Final = 0x20
_TAB: Final = 0x09

_BACKSLASH: Final = 0x5C

_SPLIT: Final = 0
_REFUSED: Final = 1
_INCOMPLETE: Final = 2
_OF_OTHER_WIDTH: Final = 3


@njit(cache=True, nogil=True)
def _is_blank(byte: int) -> bool:
    return byte in (_BLANK, _TAB, _CARRIAGE_RETURN, _LINE_FEED)


@njit(cache=True, nogil=True)
def _split_record(
    text: Bytes,
    start: int,
    final: bool,
    delimiter: int,
    quoted: bool,
    fills: bool,
    record: int,
    field_start: Positions,
    field_end: Positions,
    escaped: Mask,
) -> tuple[int, int, int, int]:
    """Splits the record that begins at position `start`, and notes its fields as `record`.

    Returns its status (`_SPLIT`, `_OF_OTHER_WIDTH`, `_REFUSED` where it breaks the rules above,
    `_INCOMPLETE` where its end is not in the text yet), its end, the start of the next one, and
    its number of lines. Fields, without surrounding blanks, lie from `field_start` to `field_end`,
    by field and record; `escaped` marks those with doubled quotes. `final`: nothing follows.
    `quoted`: a field may stand in quotes. `fills`: of a record of fewer fields the last are empty.
    """
    size = text.size
    width = field_start.shape[0]
    at = start
    lines = 1
    fields = 0
    while True:
        quoted_from = at
        while quoted_from < size and text[quoted_from] in (_BLANK, _CARRIAGE_RETURN):
            quoted_from += 1
        doubled = False
        if quoted and quoted_from < size and text[quoted_from] == _QUOTE:
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
        if fields < width:
            field_start[fields, record] = begin
            field_end[fields, record] = end
            escaped[fields, record] = doubled
        fields += 1
        if at >= size or text[at] == _LINE_FEED:
            break
        if fields == _WIDTHS_AT_MOST * width:
            return _REFUSED, start, start, 0
        at += 1
    if at - start > MAX_RECORD_BYTES:
        return _REFUSED, start, start, 0
    if fills and fields < width:
        field_start[fields:, record] = end
        field_end[fields:, record] = end
        escaped[fields:, record] = False
        fields = width
    return (_SPLIT if fields == width else _OF_OTHER_WIDTH), at, at + 1, lines


@njit(cache=True, nogil=True)
def _closes(text: Bytes, at: int, end: int, delimiter: int) -> bool:
    """Whether the quote at a position ends its field, by what follows it in the line."""
    at += 1
    while at < end and text[at] in (_BLANK, _CARRIAGE_RETURN):
        at += 1
    return at >= end or text[at] == delimiter


@njit(cache=True, nogil=True)
def _fields_of_line(text: Bytes, start: int, end: int, delimiter: int, quoted: bool) -> int:
    """How many fields a line has if it is a record; 0 where its quoting is broken.

    `quoted`: it is read as what a quoted text goes on with, up to the first quote that closes it.
    """
    fields = 0
    at = start
    while True:
        while at < end and text[at] in (_BLANK, _CARRIAGE_RETURN):
            at += 1
        if quoted or (at < end and text[at] == _QUOTE):
            lenient = quoted
            at += not quoted
            quoted = False
            while at < end:
                if text[at] == _QUOTE:
                    if not lenient and at + 1 < end and text[at + 1] == _QUOTE:
                        at += 1
                    elif not lenient or _closes(text, at, end, delimiter):
                        break
                at += 1
            if at >= end or not _closes(text, at, end, delimiter):
                return 0
        while at < end and text[at] != delimiter:
            at += 1
        fields += 1
        if at >= end:
            return fields
        at += 1


@njit(cache=True, nogil=True)
def _fields_until_open(text: Bytes, start: int, end: int, delimiter: int, width: int) -> int:
    """How many fields a line of broken quoting begins, the last left open; 0 where none is.

    A quote that no delimiter follows, or behind a backslash, is taken for one within its field.
    """
    fields = 0
    at = start
    while True:
        while at < end and text[at] in (_BLANK, _CARRIAGE_RETURN):
            at += 1
        fields += 1
        if at < end and text[at] == _QUOTE:
            at += 1
            while at < end and not (
                text[at] == _QUOTE
                and text[at - 1] != _BACKSLASH
                and _closes(text, at, end, delimiter)
            ):
                at += 1
            if at >= end:
                return fields
            at += 1
            while at < end and text[at] != delimiter:
                at += 1
            if at >= end:
                return fields if fields < width else 0
        else:
            while at < end and text[at] != delimiter:
                at += 1
            if at >= end:
                return 0
        at += 1


@njit(cache=True, nogil=True)
def _fields_with_stray_quote(text: Bytes, start: int, end: int, delimiter: int) -> int:
    """How many fields a line has where the quote that is not closed in it is a character."""
    fields = 0
    at = start
    stray = False
    while True:
        while at < end and text[at] in (_BLANK, _CARRIAGE_RETURN):
            at += 1
        fields += 1
        if at < end and text[at] == _QUOTE and not stray:
            begin = at
            at += 1
            while at < end and (text[at] != _QUOTE or (at + 1 < end and text[at + 1] == _QUOTE)):
                at += 1 if text[at] != _QUOTE else 2
            if at >= end:
                stray, at = True, begin
        while at < end and text[at] != delimiter:
            at += 1
        if at >= end:
            return fields
        at += 1


@njit(cache=True, nogil=True)
def _lines_are_records(text: Bytes, start: int, end: int, delimiter: int, width: int) -> bool:
    """Whether the lines of a record look like records: the first but for the quote that it leaves
    open, the last, and most of those between.
    """
    records = 0
    others = 0
    last = False
    at = _line_end(text, start)
    if _fields_with_stray_quote(text, start, at, delimiter) != width:
        return False
    at += 1
    while at <= end:
        line_end = min(_line_end(text, at), end)
        if not _is_blank_line(text, at, line_end, delimiter):
            last = _fields_of_line(text, at, line_end, delimiter, False) == width
            records += last
            others += not last
        at = line_end + 1
    return last and records > others


@njit(cache=True, nogil=True)
def _reach(text: Bytes, start: int, final: bool, delimiter: int, width: int) -> int:
    """Where the lines end that may be of the text which a line of broken quoting leaves open.

    That is the end of the next line that closes it and fills the width; `start` where there is
    none, -1 where that is not in the text yet. Looks no further than the next broken line.
    """
    line_end = _line_end(text, start)
    begun = _fields_until_open(text, start, line_end, delimiter, width)
    if begun == 0:
        return start
    at = line_end + 1
    while at < text.size and at - start <= MAX_RECORD_BYTES:
        line_end = _line_end(text, at)
        if line_end == text.size and not final:
            break
        if _fields_of_line(text, at, line_end, delimiter, False) != width:
            quotes = 0
            for place in range(at, line_end):
                quotes += text[place] == _QUOTE
            if quotes:
                closing = _fields_of_line(text, at, line_end, delimiter, True)
                return line_end if closing and begun + closing - 1 == width else start
        at = line_end + 1
    if final or at - start > MAX_RECORD_BYTES:
        return start
    return -1


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
def _split(
    text: Bytes,
    start: int,
    doubtful: int,
    line: int,
    final: bool,
    delimiter: int,
    quoted: bool,
    fills: bool,
    record_start: Positions,
    record_end: Positions,
    record_line: Lines,
    refused: Mask,
    field_start: Positions,
    field_end: Positions,
    escaped: Mask,
) -> tuple[int, int, int, int, int]:
    """Splits records until the arrays, those of `Records`, are full or no whole record is left.

    `start` is where the first record begins in the text, and `line` its line; lines before
    `doubtful` are refused. Returns the number of records, of blank lines, where the next record
    starts, its line, and `doubtful` as it is then.
    """
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
        status, end, following, lines = _REFUSED, at, at, 0
        if at >= doubtful:
            status, end, following, lines = _split_record(
                text, at, final, delimiter, quoted, fills, records, field_start, field_end, escaped
            )
            if status == _INCOMPLETE:
                break
            if status == _REFUSED and quoted:
                doubtful = _reach(text, at, final, delimiter, field_start.shape[0])
                if doubtful < 0:
                    doubtful = at
                    break
            elif lines > 1 and _lines_are_records(text, at, end, delimiter, field_start.shape[0]):
                status, doubtful = _REFUSED, end
        if status == _REFUSED:
            line_end = _line_end(text, at)
            if line_end == text.size and not final:
                break
            end = line_end
            following = line_end + 1
            lines = 1
        refused[records] = status != _SPLIT
        record_start[records] = at
        record_end[records] = end
        record_line[records] = line
        records += 1
        line += lines
        at = following
    return records, blank_lines, at, line, doubtful


@njit(cache=True, nogil=True)
def _copy(text: Bytes, begin: Positions, end: Positions, offsets: Positions, out: Bytes) -> None:
    for row in range(begin.size):
        to = offsets[row]
        for at in range(begin[row], end[row]):
            out[to] = text[at]
            to += 1


def gather(text: Bytes, begin: Positions, end: Positions, kind: pa.DataType = _BINARY) -> pa.Array:
    """The spans of the text as one Arrow array, of binary or, of spans known to be UTF-8, string.

    A loop copies them, as no kernel of Arrow's takes parts of a buffer by begin and end.
    """
    rows = begin.size
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(end - begin, out=offsets[1:])
    out = np.empty(int(offsets[-1]), np.uint8)
    _copy(text, begin, end, offsets, out)
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

    @classmethod
    def room(cls, text: Bytes, width: int, rows: int) -> Records:
        """Arrays for so many records of a width; what is not filled of them costs no memory."""
        cells = (width, rows)
        return cls(
            text,
            start=np.empty(rows, np.int32),
            end=np.empty(rows, np.int32),
            line=np.empty(rows, np.int64),
            refused=np.empty(rows, np.bool_),
            field_start=np.empty(cells, np.int32),
            field_end=np.empty(cells, np.int32),
            escaped=np.empty(cells, np.bool_),
        )

    def first(self, rows: int) -> Records:
        """The first of the records."""
        arrays = {f.name: getattr(self, f.name)[..., :rows] for f in fields(self)}
        return Records(**(arrays | {"text": self.text}))

    def __len__(self) -> int:
        return int(self.start.size)

    def field(self, index: int, rows: Rows) -> pa.Array:
        """A field of the given records, which must be UTF-8: trimmed and unquoted text."""
        spans = self.field_start[index], self.field_end[index], self.escaped[index]
        begin, end, escaped = spans if rows.size == len(self) else (span[rows] for span in spans)
        text = gather(self.text, begin, end, pa.string())
        if escaped.any():
            text = pc.if_else(pa.array(escaped), pc.replace_substring(text, '""', '"'), text)
        return text

    def raw(self, rows: Rows) -> pa.Array:
        """The given records as delivered, without their line end, as Arrow binary."""
        return gather(self.text, self.start[rows], self._without_line_end(rows))

    def raw_masked(self, rows: Rows, hidden: Sequence[Mask], mask: bytes) -> list[pa.Array]:
        """The given split records as delivered, cut into pieces, to be joined.

        `hidden` says for each field in which of the rows the mask stands in its place.
        """
        pieces: list[pa.Array] = []
        at = self.start[rows]
        for field, hides in enumerate(hidden):
            if not hides.any():
                continue
            pieces.append(gather(self.text, at, np.where(hides, self.field_start[field, rows], at)))
            pieces.append(pa.array([mask if hide else b"" for hide in hides], pa.binary()))
            at = np.where(hides, self.field_end[field, rows], at)
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

    def __init__(
        self,
        delimiter: bytes,
        width: int,
        first_line: int,
        *,
        quoted: bool = True,
        fills: bool = False,
    ) -> None:
        """`quoted`: fields may stand in quotes. `fills`: short records end in empty fields."""
        self._delimiter = delimiter[0]
        self._quoted = quoted
        self._fills = fills
        self._width = width
        self._line = first_line
        self._rest = b""
        self._too_long = b""
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
        at = doubtful = 0
        while at < text.size:
            room = min(max(1, _CELLS_AT_ONCE // self._width), text.size - at)
            records = Records.room(text, self._width, room)
            count, blank_lines, following, self._line, doubtful = _split(
                text,
                at,
                doubtful,
                self._line,
                final,
                self._delimiter,
                self._quoted,
                self._fills,
                records.start,
                records.end,
                records.line,
                records.refused,
                records.field_start,
                records.field_end,
                records.escaped,
            )
            self.blank_lines += blank_lines
            if count:
                found.append(records.first(count))
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
        self._line += 1
        return refused_lines([(self._line - 1, text)], self._width)


def refused_lines(lines: Sequence[tuple[int, bytes]], width: int) -> Records:
    """Lines, each with its number, as records of a width that are refused."""
    ends = np.cumsum([len(text) for _, text in lines], dtype=np.int32)
    text = np.frombuffer(b"".join(text for _, text in lines), np.uint8)
    records = Records.room(text, width, len(lines))
    records.end[:] = ends
    records.start[:] = [0, *ends[:-1]]
    records.line[:] = [number for number, _ in lines]
    records.refused[:] = True
    return records
