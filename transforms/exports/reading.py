"""Reads one landed file into batches of accepted rows and of quarantined ones with reasons."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.derive import header_names, normalised_header
from schemas.exports import EXPORTS, Export
from schemas.sources import Source
from transforms.engine.threads import pool
from transforms.exports import forms, mapping
from transforms.exports.containers import (
    WORKBOOKS,
    Container,
    FileRefused,
    utf8_chunks,
)
from transforms.exports.encodings import may_fail
from transforms.exports.header import (
    HEADER_LINES,
    Header,
    Names,
    RepeatedHeaders,
    beginning,
    columns_at_the_top,
    header_of,
)
from transforms.exports.parquet import opened_parquet, row_batches
from transforms.exports.personal import MASK, Pseudonyms, may_be_personal
from transforms.exports.records import Records, Splitter, refused_lines
from transforms.exports.text_order import sorted_by
from transforms.exports.typed import json_lines, read_typed
from transforms.exports.utf8 import bad_spans
from transforms.exports.validate import Mask, broken_rules, reasons
from transforms.exports.workbook import (
    MEMORY,
    RepeatedSheetHeaders,
    Sheet,
    SheetRows,
    cells_as_text,
    opened_workbook,
    shown_cells,
)

Rows = TypeVar("Rows", Records, SheetRows)

UNSPLIT: Final = "row:format"
CONFLICT: Final = "key:conflict"
_UNLISTED_KEPT: Final = 1_000
"""So many distinct values of a piece are counted that no list has."""
MAX_WORKERS: Final = 4
"""Pieces in work at once at the most, whatever the machine."""
PIECE_BYTES: Final = 100_000_000
"""What a piece takes of memory on its way, about."""

QUARANTINE_SCHEMA: Final = pa.schema(
    [
        pa.field("export", pa.string(), False),
        pa.field("file", pa.string(), False),
        pa.field("line", pa.int64(), False),
        pa.field("raw_text", pa.string(), False),
        pa.field("reasons", pa.list_(pa.string()), False),
        pa.field("sheet", pa.string()),
    ]
)


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: accepted ones typed, with `source_row`; refused ones as quarantined.

    Accepted ones are in the export's `order`, refused ones in the file's. `source_row` counts the
    file's rows from 0. `totals` and `refused_totals` add up each control amount over all rows and
    over the refused ones, where it could be read. `undecodable` rows hold bytes that the file's
    encoding has no character for. `unlisted` counts, by reason, the values that are in no
    list of codes, as far as they may be told.
    """

    rows: int
    accepted: pa.Table
    quarantined: pa.Table
    reasons: Mapping[str, int]
    totals: Mapping[str, int]
    refused_totals: Mapping[str, int]
    undecodable: int = 0
    unlisted: Mapping[str, Counter[str]] = field(default_factory=dict)


@dataclass
class Reader:
    """Reads a file of an export, some pieces of it at once.

    `source` says how, where it is not in our own terms. Of a workbook it reads the sheet of the
    name `sheet`, else that which the source names, else the first that fits; `memory`: bytes that
    it may take at the most. `found`, the sheet that is read, `blank_lines`, `titles`, the lines
    above the header, and `footers`, those below its rows, are known when the file is read.
    """

    export: Export
    name: str
    file: io.FileIO
    container: Container
    encoding: str | None
    pseudonyms: Pseudonyms | None
    workers: int = 2
    source: Source | None = None
    sheet: str | None = None
    memory: int = MEMORY
    header: Header = field(init=False)
    found: Sheet | None = field(default=None, init=False)
    blank_lines: int = 0
    titles: int = 0
    footers: int = 0
    _rows_read: int = field(default=0, init=False)
    _since_1904: bool = field(default=False, init=False)

    @property
    def share(self) -> float:
        """How much of the file is read, from 0 to 1; below 0 while nobody knows."""
        if self.container.kind in WORKBOOKS:
            return self._rows_read / max(1, self.found.rows) if self.found else -1
        return self.file.tell() / max(1, os.fstat(self.file.fileno()).st_size)

    def batches(self) -> Iterator[Batch]:
        """The file's rows in order; raises FileRefused where the file as a whole is no good."""
        if self.container.kind == "parquet":
            yield from _in_order(self._typed_pieces(), self._read_typed_piece, self.workers)
        elif self.container.kind in WORKBOOKS:
            sheet = self._without_footers(self._sheet_pieces(), _texts_of_cells, SheetRows.head)
            yield from _in_order(sheet, self._read_sheet_piece, self.workers)
        else:
            rows = undecodable = 0
            pieces = self._without_footers(self._text_pieces(), _texts_of_lines, Records.first)
            for batch in _in_order(pieces, self._read_text_piece, self.workers):
                rows += batch.rows
                undecodable += batch.undecodable
                yield batch
            told = self.source is not None and self.source.encoding is not None
            if self.encoding == "cp949" and not told and not may_fail(undecodable, rows):
                raise FileRefused(
                    f"neither UTF-8 nor CP949: {undecodable:,} of {rows:,} rows don't decode"
                )

    def conflicting(self, wanted: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows with these (sorted) numbers, read once more, as quarantined for conflict."""
        if self.container.kind == "parquet":
            for first, batch in self._typed_pieces():
                rows = _within(wanted, first, batch.num_rows)
                yield self._conflicts(pa.array(rows + first + 1), self._as_json(batch, rows))
        elif self.container.kind in WORKBOOKS:
            sheet = self._without_footers(self._sheet_pieces(), _texts_of_cells, SheetRows.head)
            for first, piece in sheet:
                rows = _within(wanted, first, len(piece))
                yield self._conflicts(pa.array(piece.line[rows]), self._cells_as_json(piece, rows))
        else:
            lines = self._without_footers(self._text_pieces(), _texts_of_lines, Records.first)
            for first, records in lines:
                rows = _within(wanted, first, len(records))
                yield self._conflicts(pa.array(records.line[rows]), self._raw_text(records, rows))

    def _conflicts(self, lines: pa.Array, texts: pa.Array) -> pa.Table:
        why = pa.array([[CONFLICT]] * len(lines), pa.list_(pa.string()))
        return self._quarantined(lines, texts, why)

    def _text_pieces(self) -> Iterator[tuple[int, Records]]:
        """The text's records in pieces, each with the number of its first row (from 0)."""
        assert self.encoding is not None
        self.file.seek(0)
        chunks = with_line_feeds(utf8_chunks(self.file, self.container, self.encoding))
        found = beginning(self.export, chunks, self.source)
        self.header, self.titles = found.header, found.titles
        assert self.header.delimiter is not None
        splitter = Splitter(
            self.header.delimiter,
            self.header.width,
            found.line,
            quoted=self.source is None or self.source.quoted,
            fills=self.source is not None and self.source.fills_short_rows,
        )
        repeated = RepeatedHeaders(self.export, self.header, self.source)
        rows = len(found.rows_above)
        if rows:
            yield 0, refused_lines(found.rows_above, self.header.width)
        chunk = found.rest
        while True:
            following = next(chunks, None)
            for records in splitter.feed(chunk, final=following is None):
                repeated.refuse(records)
                yield rows, records
                rows += len(records)
            if following is None:
                break
            chunk = following
        self.blank_lines = splitter.blank_lines + found.blank_lines

    def _without_footers(
        self,
        pieces: Iterator[tuple[int, Rows]],
        texts_of: Callable[[Rows, npt.NDArray[np.int64]], pa.Array],
        head: Callable[[Rows, int], Rows],
    ) -> Iterator[tuple[int, Rows]]:
        """The pieces without the rows at the end that the source's footer fits; counts these.

        As many are looked at as a header is looked for, and as many rows held back meanwhile.
        `texts_of` gives rows of a piece as text, `head` the first of its rows.
        """
        if self.source is None or self.source.footer is None:
            yield from pieces
            return
        waiting: list[tuple[int, Rows]] = []
        for piece in pieces:
            waiting.append(piece)
            while sum(len(rows) for _, rows in waiting[1:]) >= HEADER_LINES:
                yield waiting.pop(0)
        left = HEADER_LINES
        while waiting and left:
            first, rows = waiting[-1]
            last = np.arange(max(0, len(rows) - left), len(rows), dtype=np.int64)
            fits = pc.match_substring_regex(texts_of(rows, last), self.source.footer).to_pylist()
            found = next((n for n, fit in enumerate(reversed(fits)) if not fit), len(fits))
            self.footers += found
            waiting[-1] = (first, head(rows, len(rows) - found))
            if found < len(rows):
                break
            left -= found
            waiting.pop()
        yield from waiting

    def _read_text_piece(self, first: int, records: Records) -> Batch:
        """Reads records; those that can't be split or decoded are refused without a look inside."""
        undecodable = _undecodable(records)
        unsplit = records.refused | undecodable
        rows = np.flatnonzero(~unsplit).astype(np.int64)
        columns = {
            name: self._read_texts(name, [records.field(index, rows) for index in parts], rows.size)
            for name, parts in self.header.parts.items()
        }
        batch = self._batch(
            first,
            len(records),
            rows,
            columns,
            unsplit,
            lambda refused: (pa.array(records.line[refused]), self._raw_text(records, refused)),
        )
        return replace(batch, undecodable=int(undecodable.sum()))

    def _raw_text(self, records: Records, rows: npt.NDArray[np.int64]) -> pa.Array:
        """The text of rows as it may be told: in an export with personal data nothing of them."""
        if not self.export.personal:
            return _printable(records.raw(rows))
        split = ~(records.refused[rows] | _undecodable(records)[rows])
        told = rows[split]
        hidden = [
            np.ones(told.size, np.bool_)
            if index not in self._told
            else self._may_be_personal(self._told[index], records.field(index, told))
            for index in range(self.header.width)
        ]
        texts = pc.binary_join_element_wise(*records.raw_masked(told, hidden, MASK), b"")
        masked = pa.array([MASK.decode()] * rows.size, pa.string())
        return pc.replace_with_mask(masked, pa.array(split), _printable(texts))

    def _may_be_personal(self, names: Sequence[str], values: pa.Array) -> Mask:
        """Which cells may hold what is personal, of a column from which these are read."""
        harmless: list[str] = []
        for name in names:
            labels = self.export.metadata(name).get("labels")
            harmless += labels.values() if isinstance(labels, dict) else ()
            made = self.source and self.source.columns.get(name)
            harmless += made.codes if made and made.codes else ()
        return may_be_personal(values, harmless)

    @property
    def _told(self) -> dict[int, list[str]]:
        """What is read from the columns that may be told of, by index.

        With personal data no unknown one is, nor one from which personal data is read.
        """
        known: dict[int, list[str]] = {}
        for name, parts in self.header.parts.items():
            for index in parts:
                known.setdefault(index, []).append(name)
        personal = set(self.export.personal)
        return {index: names for index, names in known.items() if personal.isdisjoint(names)}

    def _as_json(self, batch: pa.RecordBatch, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Rows of a Parquet file as JSON, as far as they may be told."""
        if not self.export.personal or not rows.size:
            return json_lines(batch, rows, [])
        for index, names in self._told.items():
            column = batch.column(index)
            if _holds_text(column.type):
                text = column.cast(pa.string())
                hidden = pa.array(self._may_be_personal(names, text))
                shown = pc.if_else(hidden, MASK.decode(), text)
                batch = batch.set_column(index, batch.schema.names[index], shown)
        unknown = [index for index in range(batch.num_columns) if index not in self._told]
        return json_lines(batch, rows, unknown)

    def _typed_pieces(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The Parquet file's rows in pieces, each with the number of its first row (from 0)."""
        with opened_parquet(self.file) as parquet:
            named = Names(self.export, self.source)
            self.header = header_of(named, parquet.schema_arrow.names)
            needed = [self.header.names[index] for index in self.header.columns.values()]
            int96 = self.source.int96 if self.source else None
            first = 0
            for batch in row_batches(parquet, self.file, needed, int96):
                yield first, batch
                first += batch.num_rows

    def _read_typed_piece(self, first: int, batch: pa.RecordBatch) -> Batch:
        """Reads rows of a Parquet file; a refused one is quarantined as JSON."""
        rows = np.arange(batch.num_rows, dtype=np.int64)
        columns = {
            name: self._read_columns(name, [batch.column(index) for index in parts], rows.size)
            for name, parts in self.header.parts.items()
        }
        return self._batch(
            first,
            batch.num_rows,
            rows,
            columns,
            np.zeros(batch.num_rows, np.bool_),
            lambda refused: (
                pa.array(refused + first + 1),
                self._as_json(batch, refused),
            ),
        )

    def _sheet_pieces(self) -> Iterator[tuple[int, SheetRows]]:
        """The sheet's rows in pieces, each with the number of its first row (from 0)."""
        with opened_workbook(self.file, self.container.kind, self.memory) as workbook:
            asked = self.sheet or (self.source.sheet if self.source else None)
            self.found = workbook.find(self.export, asked, self.source)
            self._since_1904 = workbook.since_1904
            self.header, self.titles = self.found.header, self.found.titles
            repeated = RepeatedSheetHeaders(self.export, self.header, self.source)
            first = 0
            for piece in workbook.rows(self.found):
                piece.refused |= piece.line <= self.found.row
                repeated.refuse_rows(piece)
                self._rows_read = int(piece.line[-1])
                yield first, piece
                first += len(piece)
        self.blank_lines = self.found.rows - 1 - self.titles - first

    def _read_sheet_piece(self, first: int, piece: SheetRows) -> Batch:
        """Reads rows of a sheet; a refused one is quarantined as JSON."""
        rows = np.flatnonzero(~piece.refused).astype(np.int64)
        columns = {}
        for name, parts in self.header.parts.items():
            form = str(self.export.metadata(name)["form"])
            cells = [
                cells_as_text(piece, index, form, since_1904=self._since_1904) for index in parts
            ]
            texts = [text.take(pa.array(rows)) for text, _ in cells]
            bad = np.logical_or.reduce([piece.no_errors(), *(mask for _, mask in cells)])[rows]
            columns[name] = _marked(self._read_texts(name, texts, rows.size), bad)
        return self._batch(
            first,
            len(piece),
            rows,
            columns,
            piece.refused,
            lambda refused: (
                pa.array(piece.line[refused]),
                self._cells_as_json(piece, refused),
            ),
        )

    def _cells_as_json(self, piece: SheetRows, rows: npt.NDArray[np.int64]) -> pa.Array:
        """Rows of a sheet as JSON, as far as they may be told."""
        batch = shown_cells(piece, rows, self.header.names)
        texts = self._as_json(batch, np.arange(rows.size, dtype=np.int64))
        if self.export.personal and piece.refused[rows].any():
            texts = pc.if_else(pa.array(piece.refused[rows]), MASK.decode(), texts)
        return texts

    def _batch(
        self,
        first: int,
        count: int,
        rows: npt.NDArray[np.int64],
        columns: Mapping[str, forms.Read],
        unsplit: Mask,
        raw: Callable[[npt.NDArray[np.int64]], tuple[pa.Array, pa.Array]],
    ) -> Batch:
        """Validates the columns of the split rows and tells accepted from refused ones.

        `first` is the number of the piece's first row, `count` how many it has, `rows` which of
        them were split (places in the piece), and `unsplit` marks the others. `raw` gives the
        line numbers and raw text of rows, by their places.
        """
        columns = {
            name: columns.get(name) or self._absent(name, rows.size) for name in self.export.columns
        }
        found = broken_rules(self.export, columns)
        broken: dict[str, Mask] = {}
        if unsplit.any():
            broken[UNSPLIT] = unsplit
        for reason, mask in found.items():
            broken[reason] = np.zeros(count, np.bool_)
            broken[reason][rows] = mask
        refused = np.logical_or.reduce([np.zeros(count, np.bool_), *broken.values()])
        good = ~refused[rows]
        accepted = self._staged(columns, pa.array(good))
        accepted = accepted.append_column("source_row", pa.array(rows[good] + first))
        accepted = sorted_by(accepted.combine_chunks(), self.export.order)
        refused_rows = np.flatnonzero(refused).astype(np.int64)
        totals = {name: _sum(columns[name].values) for name in self.export.totals}
        kept = {name: _sum(accepted[name]) for name in self.export.totals}
        return Batch(
            rows=count,
            accepted=accepted,
            quarantined=self._quarantined(*raw(refused_rows), reasons(broken, refused_rows))
            if refused_rows.size
            else QUARANTINE_SCHEMA.empty_table(),
            reasons={reason: int(mask.sum()) for reason, mask in broken.items()},
            totals=totals,
            refused_totals={name: totals[name] - kept[name] for name in totals},
            unlisted={
                f"{name}:domain": self._counted(name, columns[name], found[reason])
                for name in self.export.columns
                if (reason := f"{name}:domain") in found
                and (name in self.export.codes or columns[name].delivered is not None)
            },
        )

    def _counted(self, name: str, read: forms.Read, failing: Mask) -> Counter[str]:
        """The values of the failing cells, as delivered, with how often they came."""
        values = read.values if read.delivered is None else read.delivered
        counts = pc.value_counts(values.filter(pa.array(failing)))
        texts, rows = counts.field("values"), counts.field("counts").to_pylist()
        texts = texts.dictionary_decode() if pa.types.is_dictionary(texts.type) else texts
        if self.export.personal:
            hidden = pa.array(self._may_be_personal([name], texts))
            texts = pc.if_else(hidden, MASK.decode(), texts)
        told: Counter[str] = Counter()
        for text, count in zip(texts.to_pylist(), rows, strict=True):
            told[text] += count
        return Counter(dict(told.most_common(_UNLISTED_KEPT)))

    def _quarantined(self, lines: pa.Array, texts: pa.Array, why: pa.Array) -> pa.Table:
        """Rows of this file as they lie in quarantine."""
        return pa.table(
            [
                pa.repeat(self.export.name, len(lines)),
                pa.repeat(self.name, len(lines)),
                lines,
                texts,
                why,
                pa.repeat(pa.scalar(self.found and self.found.name, pa.string()), len(lines)),
            ],
            schema=QUARANTINE_SCHEMA,
        )

    def _staged(self, columns: Mapping[str, forms.Read], good: pa.Array) -> pa.Table:
        all_good = pc.all(good).as_py()
        staged = {}
        for name in self.export.columns:
            values = columns[name].values
            staged[name] = self._as_staged(name, values if all_good else values.filter(good))
        return pa.table(staged)

    def _as_staged(self, name: str, values: pa.Array) -> pa.Array:
        normalisation = self.export.metadata(name).get("personal")
        if normalisation is not None:
            assert self.pseudonyms is not None
            return self.pseudonyms.of(values, str(normalisation))
        if name in self.export.codes:
            return forms.coded(values, self.export.codes[name])
        if pa.types.is_dictionary(values.type):
            return values.dictionary_decode()
        return values

    def _read_texts(self, name: str, texts: Sequence[pa.Array], rows: int) -> forms.Read:
        """A column of ours from the fields of theirs that it is made from."""
        if self.source is None:
            return self._read_cells(name, texts[0])
        won = self.encoding == "cp949"
        return mapping.read_text(self.export, name, self.source, texts, rows, backslash_is_won=won)

    def _read_columns(self, name: str, columns: Sequence[pa.Array], rows: int) -> forms.Read:
        """A column of ours from the typed columns of theirs that it is made from."""
        if self.source is not None:
            return mapping.read_columns(self.export, name, self.source, columns, rows)
        metadata = self.export.metadata(name)
        of = (str(metadata["form"]), self.export.dtype(name), metadata)
        return read_typed(name, columns[0], *of)

    def _read_cells(self, name: str, text: pa.Array) -> forms.Read:
        metadata = self.export.metadata(name)
        return forms.read(
            text,
            str(metadata["form"]),
            self.export.dtype(name),
            metadata,
            trimmed=True,
            backslash_is_won=self.encoding == "cp949",
        )

    def _absent(self, name: str, rows: int) -> forms.Read:
        return self._read_cells(name, pa.nulls(rows, pa.string()))


def likely_exports(file: io.FileIO, container: Container, encoding: str | None) -> list[Export]:
    """The exports that the file's header suits best: all required columns, and most known ones."""
    file.seek(0)
    suits: dict[str, int | None] = {}
    if container.kind == "parquet":
        with opened_parquet(file) as parquet:
            delivered = set(map(normalised_header, parquet.schema_arrow.names))
        for name, export in EXPORTS.items():
            columns = {column for key, column in header_names(export).items() if key in delivered}
            suits[name] = len(columns) if columns.issuperset(export.required) else None
    elif container.kind in WORKBOOKS:
        with opened_workbook(file, container.kind) as workbook:
            suits |= workbook.fitting()
    else:
        assert encoding is not None
        text = next(with_line_feeds(utf8_chunks(file, container, encoding)), b"")
        if not text.strip():
            raise FileRefused("empty: not even a header; deliver it again")
        suits = {name: columns_at_the_top(export, text) for name, export in EXPORTS.items()}
    most = max((count for count in suits.values() if count is not None), default=0)
    return [EXPORTS[name] for name, count in suits.items() if count == most]


Piece = TypeVar("Piece")


def _texts_of_lines(records: Records, rows: npt.NDArray[np.int64]) -> pa.Array:
    return _printable(records.raw(rows))


def _texts_of_cells(piece: SheetRows, rows: npt.NDArray[np.int64]) -> pa.Array:
    """Rows of a sheet as lines of text, with tabs between cells."""
    columns = [
        cells_as_text(piece, index, "text", since_1904=False)[0].take(pa.array(rows))
        for index in range(piece.cells.num_columns)
    ]
    return pc.binary_join_element_wise(*(pc.fill_null(column, "") for column in columns), "\t")


def _in_order(
    pieces: Iterator[tuple[int, Piece]], work: Callable[[int, Piece], Batch], workers: int
) -> Iterator[Batch]:
    """Works on a few pieces at once and hands the results on in the pieces' order."""
    waiting: list[Future[Batch]] = []
    with pool(workers) as readers:
        for first, piece in pieces:
            waiting.append(readers.submit(work, first, piece))
            if len(waiting) > workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _marked(read: forms.Read, bad: Mask) -> forms.Read:
    """The column with the cells that could not be read marked as such, and not as missing."""
    if not bad.any():
        return read
    unreadable = bad | read.broken.get("type", False)
    return forms.Read(read.values, read.missing & ~bad, {**read.broken, "type": unreadable})


def _holds_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def with_line_feeds(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The text with a line feed for each carriage return, where it has these alone."""
    first = next(chunks, b"")
    if b"\n" in first or b"\r" not in first:
        yield first
        yield from chunks
        return
    for chunk in chain([first], chunks):
        yield chunk.replace(b"\r", b"\n")


def _undecodable(records: Records) -> Mask:
    """Which records hold bytes that are no UTF-8."""
    return bad_spans(records.text, records.start, records.end)


def _printable(texts: pa.Array) -> pa.Array:
    """Bytes as text; what is not UTF-8 is shown as \\x.. so that nothing of it is lost."""
    try:
        return texts.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_shown(text) for text in texts.to_pylist()], pa.string())


def _shown(text: bytes) -> str:
    try:
        kept = text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("utf-8", "backslashreplace")
    bad = (
        f"\\x{ord(char) - 0xDC00:02x}" if 0xDC00 <= ord(char) <= 0xDCFF else char for char in kept
    )
    # what else is a surrogate was delivered so, in bytes that look like UTF-8
    return "".join(bad).encode("utf-8", "backslashreplace").decode()


def _within(wanted: npt.NDArray[np.int64], first: int, count: int) -> npt.NDArray[np.int64]:
    low, high = np.searchsorted(wanted, [first, first + count])
    return wanted[low:high] - first


def _sum(values: pa.Array | pa.ChunkedArray) -> int:
    """The exact sum of whole numbers; 64 bits don't hold it, but hold that of 32 bits of each."""
    numbers = pc.fill_null(values, 0).to_numpy()
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())
