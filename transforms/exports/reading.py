"""Reads one landed file into batches of accepted rows and of quarantined ones with reasons."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.derive import header_names, normalised_header
from schemas.exports import EXPORTS, Export
from transforms.engine.threads import pool
from transforms.exports import forms
from transforms.exports.containers import (
    Container,
    FileRefused,
    may_fail,
    utf8_chunks,
)
from transforms.exports.parquet import opened_parquet, row_batches
from transforms.exports.personal import MASK, Pseudonyms
from transforms.exports.records import MAX_FIELDS, MAX_RECORD_BYTES, Records, Splitter
from transforms.exports.text_order import sorted_by
from transforms.exports.typed import json_lines, read_typed
from transforms.exports.utf8 import bad_spans
from transforms.exports.validate import Mask, broken_rules, reasons

DELIMITERS: Final = (b",", b"\t", b"|", b";")
UNSPLIT: Final = "row:format"
CONFLICT: Final = "key:conflict"
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
    ]
)


@dataclass(frozen=True)
class Header:
    """Where the export's columns lie in a file: index by name, among the `names` delivered."""

    columns: Mapping[str, int]
    names: Sequence[str]
    delimiter: bytes | None = None

    @property
    def width(self) -> int:
        """How many columns the file has."""
        return len(self.names)

    @property
    def extra(self) -> int:
        """How many of them the export doesn't know."""
        return len(self.names) - len(self.columns)


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: accepted ones typed, with `source_row`; refused ones as quarantined.

    Accepted ones are in the export's `order`, refused ones in the file's. `source_row` counts the
    file's rows from 0. `totals` and `refused_totals` add up each control amount over all rows and
    over the refused ones, where it could be read. `undecodable` rows hold bytes that the file's
    encoding has no character for.
    """

    rows: int
    accepted: pa.Table
    quarantined: pa.Table
    reasons: Mapping[str, int]
    totals: Mapping[str, int]
    refused_totals: Mapping[str, int]
    undecodable: int = 0


@dataclass
class Reader:
    """Reads a file of an export, some pieces of it at once.

    `blank_lines` is known when it is read.
    """

    export: Export
    name: str
    file: io.FileIO
    container: Container
    encoding: str | None
    pseudonyms: Pseudonyms | None
    workers: int = 2
    header: Header = field(init=False)
    blank_lines: int = 0

    def batches(self) -> Iterator[Batch]:
        """The file's rows in order; raises FileRefused where the file as a whole is no good."""
        if self.container.kind == "parquet":
            yield from _in_order(self._typed_pieces(), self._read_typed_piece, self.workers)
        else:
            rows = undecodable = 0
            for batch in _in_order(self._text_pieces(), self._read_text_piece, self.workers):
                rows += batch.rows
                undecodable += batch.undecodable
                yield batch
            if self.encoding == "cp949" and not may_fail(undecodable, rows):
                raise FileRefused(
                    f"neither UTF-8 nor CP949: {undecodable:,} of {rows:,} rows don't decode"
                )

    def conflicting(self, wanted: npt.NDArray[np.int64]) -> Iterator[pa.Table]:
        """The rows with these (sorted) numbers, read once more, as quarantined for conflict."""
        if self.container.kind == "parquet":
            for first, batch in self._typed_pieces():
                rows = _within(wanted, first, batch.num_rows)
                texts = json_lines(batch, rows, self._personal_indices())
                yield self._conflicts(pa.array(rows + first + 1), texts)
        else:
            for first, records in self._text_pieces():
                rows = _within(wanted, first, len(records))
                yield self._conflicts(pa.array(records.line[rows]), self._raw_text(records, rows))

    def _conflicts(self, lines: pa.Array, texts: pa.Array) -> pa.Table:
        why = pa.array([[CONFLICT]] * len(lines), pa.list_(pa.string()))
        return self._quarantined(lines, texts, why)

    def _text_pieces(self) -> Iterator[tuple[int, Records]]:
        """The text's records in pieces, each with the number of its first row (from 0)."""
        assert self.encoding is not None
        self.file.seek(0)
        chunks = utf8_chunks(self.file, self.container, self.encoding)
        first_chunk, first_line, skipped = _header_line(chunks)
        self.header = _text_header(self.export, first_line)
        assert self.header.delimiter is not None
        splitter = Splitter(self.header.delimiter, self.header.width, skipped + 2)
        rows = 0
        chunk = first_chunk
        while True:
            following = next(chunks, None)
            for records in splitter.feed(chunk, final=following is None):
                yield rows, records
                rows += len(records)
            if following is None:
                break
            chunk = following
        self.blank_lines = splitter.blank_lines + skipped

    def _read_text_piece(self, first: int, records: Records) -> Batch:
        """Reads records; those that can't be split or decoded are refused without a look inside."""
        undecodable = _undecodable(records)
        unsplit = records.refused | undecodable
        rows = np.flatnonzero(~unsplit).astype(np.int64)
        columns = {
            name: self._read_cells(name, records.field(index, rows))
            for name, index in self.header.columns.items()
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
        personal = self._personal_indices()
        if not personal:
            return _printable(records.raw(rows))
        pieces = records.raw_masked(rows, personal, MASK)
        text = _printable(pc.binary_join_element_wise(*pieces, b""))
        unsplit = records.refused[rows] | _undecodable(records)[rows]
        return pc.if_else(pa.array(unsplit), MASK.decode(), text)

    def _typed_pieces(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The Parquet file's rows in pieces, each with the number of its first row (from 0)."""
        with opened_parquet(self.file) as parquet:
            self.header = _header(self.export, parquet.schema_arrow.names)
            needed = [self.header.names[index] for index in self.header.columns.values()]
            first = 0
            for batch in row_batches(parquet, self.file, needed):
                yield first, batch
                first += batch.num_rows

    def _read_typed_piece(self, first: int, batch: pa.RecordBatch) -> Batch:
        """Reads rows of a Parquet file; a refused one is quarantined as JSON."""
        rows = np.arange(batch.num_rows, dtype=np.int64)
        columns = {
            name: read_typed(
                name,
                batch.column(index),
                str(self.export.metadata(name)["form"]),
                self.export.dtype(name),
                self.export.metadata(name),
            )
            for name, index in self.header.columns.items()
        }
        return self._batch(
            first,
            batch.num_rows,
            rows,
            columns,
            np.zeros(batch.num_rows, np.bool_),
            lambda refused: (
                pa.array(refused + first + 1),
                json_lines(batch, refused, self._personal_indices()),
            ),
        )

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
        )

    def _quarantined(self, lines: pa.Array, texts: pa.Array, why: pa.Array) -> pa.Table:
        """Rows of this file as they lie in quarantine."""
        return pa.table(
            [
                pa.repeat(self.export.name, len(lines)),
                pa.repeat(self.name, len(lines)),
                lines,
                texts,
                why,
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

    def _personal_indices(self) -> list[int]:
        return [self.header.columns[n] for n in self.export.personal if n in self.header.columns]


def likely_exports(file: io.FileIO, container: Container, encoding: str | None) -> list[Export]:
    """The exports that the file's header suits best: all required columns, and most known ones."""
    file.seek(0)
    if container.kind == "parquet":
        with opened_parquet(file) as parquet:
            names = parquet.schema_arrow.names
        delivered = dict.fromkeys(EXPORTS, names)
    else:
        assert encoding is not None
        _, line, _ = _header_line(utf8_chunks(file, container, encoding))
        delivered = {name: _split_header(export, line)[0] for name, export in EXPORTS.items()}
    suits: dict[str, int] = {}
    for export in EXPORTS.values():
        known = header_names(export)
        normalised = (normalised_header(name) for name in delivered[export.name])
        columns = {known[name] for name in normalised if name in known}
        if columns.issuperset(export.required):
            suits[export.name] = len(columns)
    return [EXPORTS[name] for name, columns in suits.items() if columns == max(suits.values())]


Piece = TypeVar("Piece")


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


def _header_line(chunks: Iterator[bytes]) -> tuple[bytes, str, int]:
    """The rest of the first chunk behind the header, the header, and the blank lines before it."""
    text = b""
    skipped = 0
    while True:
        behind_blanks = text.rfind(b"\n", 0, len(text) - len(text.lstrip())) + 1
        skipped += text.count(b"\n", 0, behind_blanks)
        text = text[behind_blanks:]
        line, line_end, rest = text.partition(b"\n")
        if line_end:
            break
        if len(text) > MAX_RECORD_BYTES:
            raise FileRefused("no header: the first line is too long for one")
        following = next(chunks, None)
        if following is None:
            break
        text += following
    if not line.strip():
        raise FileRefused("empty: not even a header; deliver it again")
    try:
        return rest, line.decode("utf-8").rstrip("\r"), skipped
    except UnicodeDecodeError as error:
        raise FileRefused("its header is neither UTF-8 nor CP949") from error


def _text_header(export: Export, line: str) -> Header:
    names, delimiter = _split_header(export, line)
    if not names:
        raise FileRefused("its first line names no known column; is there an unclosed quote in it?")
    return _header(export, names, delimiter)


def _split_header(export: Export, line: str) -> tuple[list[str], bytes]:
    """The names under the delimiter that yields most known ones; none where none is known."""
    known = header_names(export)
    most, names, delimiter = 0, list[str](), b""
    for candidate in DELIMITERS:
        try:
            (fields,) = csv.reader(
                [line], delimiter=candidate.decode(), skipinitialspace=True, strict=True
            )
        except csv.Error:
            continue
        found = sum(normalised_header(name) in known for name in fields)
        if found > most:
            most, names, delimiter = found, fields, candidate
    return names, delimiter


def _header(export: Export, names: list[str], delimiter: bytes | None = None) -> Header:
    """Finds the export's columns among the delivered names.

    Raises FileRefused where one is named twice or a required one is missing, or there are too many.
    """
    if len(names) > MAX_FIELDS:
        raise FileRefused(f"its header names {len(names):,} columns; {MAX_FIELDS:,} at most")
    known = header_names(export)
    columns: dict[str, int] = {}
    for index, delivered in enumerate(names):
        name = known.get(normalised_header(delivered))
        if name in columns:
            raise FileRefused(f"names the column {name} twice; deliver it once")
        if name is not None:
            columns[name] = index
    missing = [name for name in export.required if name not in columns]
    if missing:
        raise FileRefused(f"lacks the required column {', '.join(missing)}")
    return Header(columns, names, delimiter)


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
    return "".join(
        f"\\x{ord(char) - 0xDC00:02x}" if 0xDC00 <= ord(char) <= 0xDCFF else char for char in kept
    )


def _within(wanted: npt.NDArray[np.int64], first: int, count: int) -> npt.NDArray[np.int64]:
    low, high = np.searchsorted(wanted, [first, first + count])
    return wanted[low:high] - first


def _sum(values: pa.Array | pa.ChunkedArray) -> int:
    """The exact sum of whole numbers; 64 bits don't hold it, but hold that of 32 bits of each."""
    numbers = pc.fill_null(values, 0).to_numpy()
    return (int((numbers >> 32).sum()) << 32) + int((numbers & 0xFFFFFFFF).sum())
