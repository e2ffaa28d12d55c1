"""Looks at a file that nobody has described: its header, and the first rows as text.

The header is found by its shape, as no name of it need be known: of the first lines that which has
as many fields as the lines below it, all of them names. So are lines at the end that are no rows.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.drafts.vocabulary import TOTALS
from transforms.exports.containers import (
    WORKBOOKS,
    Container,
    FileRefused,
    opened,
    survey,
    utf8_chunks,
)
from transforms.exports.header import DELIMITERS
from transforms.exports.parquet import opened_parquet, row_batches
from transforms.exports.reading import with_line_feeds
from transforms.exports.records import MAX_FIELDS, Splitter
from transforms.exports.utf8 import bad_spans
from transforms.exports.workbook import cells_as_text, opened_workbook

MOST_ROWS: Final = 100_000
"""So many first rows are looked at."""
MOST_FOOTERS: Final = 20
_LINES_AT_THE_TOP: Final = 200
_LONGEST_TOP: Final = 1 << 20
_PIECE_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 1 << 16
_OTHER_DELIMITERS: Final = ("^", "~", "!", "#", "*")
"""Such as a source can name, beside those that are told without one."""
_NAMED: Final = 0.8
"""Share of a header's fields that hold a name, and of different ones."""
_SHORT: Final = 0.05
"""Share of rows of fewer fields from which on it is how the system writes them."""
_NO_NAME: Final = re.compile(r"[\d\s.,:/+()₩￦원%-]*")
_NAMED_DELIMITER: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_TOTAL: Final = re.compile(
    rf"({'|'.join(sorted(map(re.escape, TOTALS), key=len, reverse=True))})(?![A-Za-z가-힣])"
)
_COUNTED: Final = re.compile(r"\(?\d[\d,]* rows?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Sample:
    """The first rows of a file as text, a column for each of its names.

    `header_line` is the line of the header, from 1, and `titles` the lines above it that say
    something. `footers` are the words with which lines at the end begin that are no rows; `odd_end`
    counts further such lines. `quoted`: whether quotes enclose fields. `short_rows` counts rows of
    fewer fields than the header, `unsplit` others that can't be split. `whole`: every row is in it.
    """

    names: Sequence[str]
    columns: Sequence[pa.ChunkedArray]
    container: Container
    encoding: str | None = None
    delimiter: str | None = None
    quoted: bool = True
    header_line: int = 1
    titles: int = 0
    footers: Sequence[str] = ()
    odd_end: int = 0
    short_rows: int = 0
    unsplit: int = 0
    whole: bool = True
    sheet: str | None = None

    @property
    def rows(self) -> int:
        """How many rows were split."""
        return len(self.columns[0])

    @property
    def fills_short_rows(self) -> bool:
        """Whether so many rows are short that the system leaves out what is empty at the end."""
        return self.short_rows > _SHORT * (self.rows + self.short_rows)


def sample_of(path: Path) -> Sample:
    """Looks at a file; raises FileRefused where it can't be read, or has no header or no rows."""
    with opened(path, path.absolute().parent) as file:
        found = survey(file, Container.of(path))
        if found.container.kind == "parquet":
            return _of_parquet(file, found.container)
        if found.container.kind in WORKBOOKS:
            return _of_workbook(file, found.container)
        assert found.encoding is not None
        chunks = with_line_feeds(utf8_chunks(file, found.container, found.encoding))
        return _of_text(chunks, found.container, found.encoding)


def _of_parquet(file: io.FileIO, container: Container) -> Sample:
    """The first rows of a Parquet file; what holds no plain values is not among its columns."""
    with opened_parquet(file) as parquet:
        fields = [field for field in parquet.schema_arrow if not pa.types.is_nested(field.type)]
        batches: list[pa.RecordBatch] = []
        for batch in row_batches(parquet, file, ()):
            batches.append(batch)
            if sum(each.num_rows for each in batches) >= MOST_ROWS:
                break
        rows = pa.Table.from_batches(batches) if batches else parquet.schema_arrow.empty_table()
        rows = rows.slice(0, MOST_ROWS)
        whole = parquet.metadata.num_rows <= MOST_ROWS
    names = [field.name for field in fields]
    return Sample(names, [_as_text(rows[name]) for name in names], container, whole=whole)


def _of_workbook(file: io.FileIO, container: Container) -> Sample:
    """The first rows of a workbook's first sheet that has a header.

    The sheet is named where there are others, and its name says nothing of the month.
    """
    with opened_workbook(file, container.kind) as workbook:
        tops = ((name, _top_of_rows(workbook.top(name))) for name in workbook.sheets)
        sheet, top = next(((name, top) for name, top in tops if top), ("", None))
        if top is None:
            raise FileRefused("no sheet of it has a header in its first rows; put one above them")
        # of each column its cells as text, a chunk of rows each
        parts: list[list[pa.Array]] = [[] for _ in top.names]
        rows = 0
        whole = True
        for piece in workbook.rows_below(sheet, top.header_line - 1):
            whole = rows < MOST_ROWS
            if not whole:
                break
            for index, part in enumerate(parts):
                part.append(cells_as_text(piece, index, "text", since_1904=False)[0])
            rows += len(piece)
        several = len(workbook.sheets) > 1 and not re.search(r"\d", sheet)
    columns = [pa.chunked_array(part, pa.string()) for part in parts]
    last = [column[-MOST_FOOTERS:].to_pylist() for column in columns]
    lines = ["\t".join(cell or "" for cell in row) for row in zip(*last, strict=True)]
    end = _end("\n".join(lines), top) if whole else _End((), 0, 0, 0)
    rows -= end.like_rows
    if rows < 1:
        raise FileRefused(f"its sheet {sheet!r} has no rows below its header; name another file")
    return Sample(
        top.names,
        [column.slice(0, rows) for column in columns],
        container,
        header_line=top.header_line,
        titles=top.titles,
        footers=end.words,
        whole=whole,
        sheet=sheet if several else None,
    )


def _top_of_rows(rows: Sequence[Sequence[str]]) -> _Top | None:
    """The header among a sheet's first rows, as many of whose cells are filled as of most below."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    for number, row in enumerate(rows):
        below = filled[number + 1 :]
        names = [cell.strip() for cell in row]
        like = sum(2 * count > filled[number] for count in below)
        if filled[number] > 1 and _are_names([n for n in names if n]) and 2 * like >= len(below):
            return _Top("\t", names, number + 1, number + 2, sum(map(bool, filled[:number])), like)
    return None


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values of any plain type as text; what has none is null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([pa.nulls(len(column), pa.string())])


@dataclass(frozen=True)
class _Top:
    """A text as far as its header: the names, and the line in which the rows begin, from 1."""

    delimiter: str
    names: list[str]
    header_line: int
    line: int
    titles: int
    lines: int
    """How many of the first lines have as many fields as the header."""


def _of_text(chunks: Iterator[bytes], container: Container, encoding: str) -> Sample:
    """The first rows of a text; of the rest only the last lines are looked at."""
    text = b""
    for chunk in chunks:
        text += chunk
        if text.count(b"\n") > _LINES_AT_THE_TOP or len(text) > _LONGEST_TOP:
            break
    text = text.removeprefix("\ufeff".encode())
    if not text.strip():
        raise FileRefused("empty: not even a header; have it delivered again")
    top = _top(text[:_LONGEST_TOP].decode("utf-8", "replace"))
    lines = text.split(b"\n", top.line - 1)
    rest = lines[-1] if len(lines) == top.line else b""
    splitter = Splitter(top.delimiter.encode(), len(top.names), top.line)
    # of each column its values, a chunk of records each
    parts: list[list[pa.Array]] = [[] for _ in top.names]
    refused: list[bytes] = []
    tail = b""
    rows, whole = 0, True
    pieces = _pieces(chain([rest], chunks))
    piece = next(pieces, b"")
    while True:
        following = next(pieces, None)
        tail = (tail + piece)[-_TAIL_BYTES:]
        whole = rows < MOST_ROWS
        for records in splitter.feed(piece, final=following is None) if whole else ():
            bad = records.refused | bad_spans(records.text, records.start, records.end)
            good = np.flatnonzero(~bad).astype(np.int64)
            for index, part in enumerate(parts):
                part.append(records.field(index, good))
            refused += records.raw(np.flatnonzero(bad).astype(np.int64)).to_pylist()
            rows += good.size
        if following is None:
            break
        piece = following
    end = _end(tail.decode("utf-8", "replace"), top)
    rows -= end.like_rows if whole else 0
    if rows < 1:
        raise FileRefused("it has no rows below its header; name a file that has some")
    columns = [pa.chunked_array(part, pa.string()).slice(0, rows) for part in parts]
    others = refused[: len(refused) - end.unlike_rows] if whole else refused
    fields = [line.count(top.delimiter.encode()) + 1 for line in others]
    broken = sum(
        b'"' in line and n == len(top.names) for line, n in zip(others, fields, strict=True)
    )
    short = sum(n < len(top.names) for n in fields)
    return Sample(
        top.names,
        columns,
        container,
        encoding,
        top.delimiter,
        quoted=broken <= _SHORT * (rows + broken),
        header_line=top.header_line,
        titles=top.titles,
        footers=end.words,
        odd_end=end.odd,
        short_rows=short,
        unsplit=len(others) - short,
        whole=whole,
    )


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The text in pieces that are small beside its chunks: few first rows need no more."""
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[at : at + _PIECE_BYTES]


def _top(text: str) -> _Top:
    """Finds the header of a text, under the delimiter that most of the first lines agree upon.

    Raises FileRefused where no line is one.
    """
    lines = [f"{line}\n" for line in text.split("\n", _LINES_AT_THE_TOP)[:_LINES_AT_THE_TOP]]
    named = _NAMED_DELIMITER.fullmatch(next((line for line in lines if line.strip()), ""))
    tried = (named[1],) if named else (*DELIMITERS, *_OTHER_DELIMITERS)
    found = [top for delimiter in tried if (top := _top_under(delimiter, lines))]
    if not found:
        filled = sum(1 for line in lines if line.strip())
        raise FileRefused(
            f"no header in its first {filled} lines: none of them has names alone, and as many as "
            "the lines below it fields; put one above the rows"
        )
    return max(found, key=lambda top: (top.lines, len(top.names)))


def _top_under(delimiter: str, lines: Sequence[str]) -> _Top | None:
    """The header of the lines if they were delimited so; none where none of them is one."""
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    # the fields of each record with its first line and that behind its last
    records: list[tuple[list[str], int, int]] = []
    try:
        for fields in reader:
            begin = records[-1][2] if records else 1
            records.append((fields, begin, reader.line_num + 1))
    except csv.Error:
        pass
    widths = Counter(len(fields) for fields, _, _ in records if len(fields) > 1)
    for width, often in sorted(widths.items(), key=lambda item: (-item[1], -item[0])):
        for number, (fields, begin, end) in enumerate(records):
            if len(fields) == width <= MAX_FIELDS and _are_names(fields):
                above = sum(any(f.strip() for f in each) for each, _, _ in records[:number])
                return _Top(delimiter, fields, begin, end, above, often)
    return None


def _are_names(fields: Sequence[str]) -> bool:
    """Whether the fields may be a header: names, nearly everywhere and nearly all different."""
    names = [field.strip() for field in fields if field.strip()]
    wanted = _NAMED * len(fields)
    plain = not any(_NO_NAME.fullmatch(name) for name in names)
    return plain and len(names) >= wanted and len(set(names)) >= wanted


@dataclass(frozen=True)
class _End:
    """The lines at a text's end that are no rows: the words with which they begin, how many look
    like rows and how many don't, and how many lines of another width have no such word.
    """

    words: Sequence[str]
    like_rows: int
    unlike_rows: int
    odd: int


def _end(tail: str, top: _Top) -> _End:
    """Finds the lines at the end that are no rows, from the last one upwards."""
    lines = [line for line in tail.split("\n")[-2 * MOST_FOOTERS :] if line.strip()]
    words: list[str] = []
    like = unlike = odd = 0
    for line in reversed(lines[-MOST_FOOTERS:]):
        fields = next(csv.reader([line], delimiter=top.delimiter, skipinitialspace=True), [])
        said = next((field.strip() for field in fields if field.strip()), "")
        word = _TOTAL.match(said) or _COUNTED.match(said)
        if not any(field.strip() for field in fields):
            continue
        # a line with a quote may be the end of a field of several lines
        if word is None and ('"' in line or 2 * len(fields) > len(top.names)):
            break
        if word is None:
            odd += 1
        elif (begin := _begins(line, word[0] if word.re is _TOTAL else None)) not in words:
            words.append(begin)
        like += len(fields) == len(top.names)
        unlike += len(fields) != len(top.names)
    return _End(tuple(sorted(words)), like, unlike, odd)


def _begins(line: str, word: str | None) -> str:
    """How a line begins, as a regular expression: with a word, or with a count of rows."""
    return re.escape(word).replace("\\ ", " ") if word else r"\(?[\d,]+ rows?"
