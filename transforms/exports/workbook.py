"""Reads the sheet of a workbook that holds an export: chooses it, finds its header, reads cells.

A cell is read as the text that it would be in a delimited file, so that forms, checks and
quarantine are those of text. What only cells have is told apart here: errors, numbers that a sheet
can't hold exactly, and days, which Excel counts as numbers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import FileIO
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.derive import normalised_header
from schemas.exports import EXPORTS, Export
from schemas.sources import Source
from transforms.exports.containers import FileRefused
from transforms.exports.error_cells import ENCRYPTED, ErrorCells, Inspected
from transforms.exports.header import HEADER_LINES, Header, Names, RepeatedHeaders, header_of
from transforms.exports.typed import whole_text
from transforms.exports.validate import Mask

ERROR: Final = "(error)"
"""What is shown of a cell that holds an error."""
MEMORY: Final = 3 << 30
"""Bytes that calamine may take; a million rows of eleven columns took it 0.93 GB, by itself."""
_SECONDS: Final = 60
_BYTES_A_SECOND: Final = 1_000_000
"""What a workbook may take of a processor: this time, and more by its size."""
_SHEETS_TOLD: Final = 10
_EXACT: Final = float(1 << 53)
_FIRST_SURE_DAY: Final = datetime(1900, 3, 1)
"""Days before it are one off: the calendar from 1900 has a 29 February of that year."""
_DAY_ZERO: Final = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
_FIRST_SERIAL: Final = {False: 61, True: 1}
"""The number of the first sure day in either calendar."""
_SERIALS_END: Final = 100_000
"""Numbers of days have five digits at most, to the year 2173; 20161103 and 201611 have more."""
_DAYS: Final = frozenset({"date", "timestamp", "month"})
_PROGRAM: Final = ["-P", "-m", "transforms.exports.sheet_rows"]


@dataclass(frozen=True)
class Sheet:
    """The sheet of an export: its header, with its row (from 0), and what `names` there are.

    `titles` and `blank` count the rows above the header; `rows_above` are the numbers, from 0, of
    those that have all that a row must have. `rows`: how many it has in all.
    """

    name: str
    header: Header
    row: int
    first_column: int
    rows: int
    titles: int
    blank: int
    rows_above: Sequence[int]
    errors: ErrorCells
    others: Sequence[str]


@dataclass
class SheetRows:
    """Some rows of a sheet that are not blank: their numbers in it, from 1, and their cells.

    Cells are as `sheet_rows.py` gives them, by column. `errors` marks, by column, those that hold
    an error. Rows that are no rows of the export are marked in `refused`.
    """

    line: npt.NDArray[np.int64]
    cells: pa.RecordBatch
    errors: Mapping[int, Mask] = field(default_factory=dict)
    refused: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.refused = np.zeros(len(self), np.bool_)

    def __len__(self) -> int:
        return self.line.size

    def head(self, rows: int) -> SheetRows:
        """The first of the rows."""
        some = SheetRows(
            self.line[:rows],
            self.cells.slice(0, rows),
            {column: mask[:rows] for column, mask in self.errors.items()},
        )
        some.refused[:] = self.refused[:rows]
        return some

    def no_errors(self) -> Mask:
        return np.zeros(len(self), np.bool_)


@dataclass(frozen=True)
class _Candidate:
    """A row of a sheet that may be its header: its number (from 0), names, and how many known."""

    row: int
    names: list[str]
    known: int
    whole: bool


class Workbook:
    """A workbook under way: calamine reads it in a process of its own."""

    def __init__(self, file: FileIO, kind: str, connection: Connection, child: _Child) -> None:
        self._connection = connection
        self._child = child
        self._inspected = Inspected(file, kind)
        answer = self._answer()
        self._names: list[str] = answer["names"]
        shown = [sheet["name"] for sheet in answer["sheets"] if not sheet["hidden"]]
        hidden = [sheet["name"] for sheet in answer["sheets"] if sheet["hidden"]]
        self.sheets: list[str] = shown + hidden
        """Their names, those that are hidden last."""
        self._first: dict[str, Any] = {}

    @property
    def since_1904(self) -> bool:
        return self._inspected.since_1904

    def find(self, export: Export, asked: str | None = None, source: Source | None = None) -> Sheet:
        """The sheet that was asked for, else the first whose header fits the export.

        A `source` says what it calls the columns. Raises FileRefused where there is none.
        """
        named = Names(export, source)
        if asked is not None and asked not in self.sheets:
            raise FileRefused(f"has no sheet {asked!r}; it has {self._told()}")
        nearest: tuple[str, _Candidate] | None = None
        seen: list[Sequence[Sequence[str]]] = []
        for name in self.sheets if asked is None else [asked]:
            first, errors = self._load(name)
            seen.append(first)
            found = _candidate(named, first)
            if found is None:
                continue
            if found.whole:
                return self._sheet(named, name, found, errors)
            if nearest is None or found.known > nearest[1].known:
                nearest = name, found
        if nearest is not None and 2 * nearest[1].known >= len(named.needed):
            name, found = nearest
            try:
                header_of(named, found.names, None, found.row + 1)
            except FileRefused as refusal:
                more = f"; it has {self._told()}" if len(self.sheets) > 1 else ""
                raise FileRefused(f"its sheet {name!r} {refusal}{more}") from refusal
        which = f"its sheet {asked!r}" if asked else "no sheet of it"
        fits = (other for first in seen for other in fitting(first) if other != export.name)
        other = next(fits, None)
        what = (
            f"its header is that of {other}; deliver it there"
            if other
            else f"put a header above the rows with {', '.join(export.required)} (or in Korean)"
        )
        raise FileRefused(
            f"{which} has a header of {export.name} in its first {HEADER_LINES} rows; it has "
            f"{self._told()}; {what}"
        )

    def top(self, name: str) -> list[list[str]]:
        """The first rows of a sheet as text."""
        return self._load(name)[0]

    def rows_below(self, name: str, row: int) -> Iterator[SheetRows]:
        """The rows of a sheet, of whatever columns, below a row of its first (from 0)."""
        first, errors = self._load(name)
        count, column = self._first["rows"], self._first["first_column"]
        header = Header({}, first[row], {})
        return self.rows(Sheet(name, header, row, column, count, 0, 0, (), errors, ()))

    def fitting(self) -> dict[str, int]:
        """The exports that the first sheet fits which fits any, with the columns it names."""
        for name in self.sheets:
            if found := fitting(self._load(name)[0]):
                return found
        return {}

    def rows(self, sheet: Sheet) -> Iterator[SheetRows]:
        """The rows of the sheet, which is the latest found, that are not blank, in pieces.

        The header is not among them; of the rows above it, those that are rows are.
        """
        self._connection.send_bytes(b"")
        first = 0
        while frame := self._received():
            (cells,) = pa.ipc.open_stream(frame)
            lines = np.arange(first, first + cells.num_rows, dtype=np.int64)
            kept = (lines > sheet.row) | np.isin(lines, sheet.rows_above)
            errors: dict[int, Mask] = {}
            rows, columns = sheet.errors.in_rows(first, cells.num_rows)
            for column in np.unique(columns).tolist():
                mask = np.zeros(cells.num_rows, np.bool_)
                mask[rows[columns == column]] = True
                errors[column - sheet.first_column] = mask
            kept &= ~_blank(cells, errors)
            first += cells.num_rows
            if not kept.all():
                cells = cells.filter(pa.array(kept))
                errors = {column: mask[kept] for column, mask in errors.items()}
            if cells.num_rows:
                yield SheetRows(lines[kept] + 1, cells, errors)

    def _sheet(self, named: Names, name: str, found: _Candidate, errors: ErrorCells) -> Sheet:
        """The sheet with its header; raises FileRefused where that names a column twice."""
        names = [
            text or _letters(self._first["first_column"] + index)
            for index, text in enumerate(found.names)
        ]
        header = header_of(named, names, None, found.row + 1)
        needed = {i for column in named.export.required for i in header.parts[column]}
        above = self._first["first"][: found.row]
        filled = [row for row, cells in enumerate(above) if any(map(str.strip, cells))]
        rows = [row for row in filled if all(above[row][index].strip() for index in needed)]
        return Sheet(
            name,
            header,
            found.row,
            self._first["first_column"],
            self._first["rows"],
            len(filled) - len(rows),
            found.row - len(filled),
            rows,
            errors,
            [other for other in self.sheets if other != name],
        )

    def _load(self, name: str) -> tuple[list[list[str]], ErrorCells]:
        """The first rows of a sheet as text, and its error cells, looked for meanwhile."""
        self._connection.send_bytes(name.encode())
        errors = self._inspected.errors(name, self._names.index(name))
        self._first = self._answer()
        return self._first["first"], errors

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._received())
        return answer

    def _received(self) -> bytes:
        """What the process says next; raises FileRefused where it ends, or says why it can't."""
        try:
            frame = self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise FileRefused(self._child.why_it_ended()) from error
        if frame.startswith(b'{"error": '):
            said = json.loads(frame)["error"]
            known = {"encrypted": ENCRYPTED, "memory": self._child.too_large}
            raise FileRefused(known.get(said) or f"not a readable workbook: {said}")
        return frame

    def _told(self) -> str:
        """The names of the sheets, as far as they fit a line."""
        names = ", ".join(repr(name) for name in self.sheets[:_SHEETS_TOLD])
        more = len(self.sheets) - _SHEETS_TOLD
        return f"the sheets {names}" + (f" and {more:,} more" if more > 0 else "")


class _Child:
    """The process in which calamine reads.

    `too_large`: why a workbook that needs more memory than it may take is refused.
    """

    def __init__(self, process: subprocess.Popen[bytes], too_large: str) -> None:
        self._process = process
        self.too_large = too_large

    def why_it_ended(self) -> str:
        """Why a file is refused at which the process ended."""
        status = self._process.wait()
        if status == -signal.SIGXCPU:
            return "takes too long to read; save the sheet as CSV UTF-8"
        if status in (-signal.SIGABRT, -signal.SIGKILL):
            return self.too_large
        return f"calamine ended at it, with {status}; save the sheet as CSV UTF-8"


_COPIES_OF_XLS: Final = 3
"""An .xls is looked through as a whole: its bytes, as a container's, and its stream of records."""


@contextmanager
def opened_workbook(file: FileIO, kind: str, memory: int = MEMORY) -> Iterator[Workbook]:
    """The file as a workbook; any error while it is read refuses it.

    Its process ends with the block, wherever it is then.
    """
    size = os.fstat(file.fileno()).st_size
    too_large = (
        f"takes more than {memory / 1e9:.1f} GB of memory to read, for its cells, or one "
        "far from the others; save the sheet as CSV UTF-8, or raise --memory"
    )
    if kind == "xls" and _COPIES_OF_XLS * size > memory:
        raise FileRefused(too_large)
    ours, theirs = Pipe()
    with tempfile.TemporaryDirectory() as folder, ours:
        # calamine goes by the ending, whatever that of the delivered name is
        path = Path(folder) / f"a.{kind}"
        path.symlink_to(f"/dev/fd/{file.fileno()}")
        bounds = (HEADER_LINES, memory, _SECONDS + size // _BYTES_A_SECOND)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, *_PROGRAM]
                + [str(argument) for argument in (theirs.fileno(), path, *bounds)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[file.fileno(), theirs.fileno()],
                env=os.environ | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        try:
            yield Workbook(file, kind, ours, _Child(process, too_large))
        except FileRefused:
            raise
        except Exception as error:
            # of a damaged file each library raises what it stumbles upon
            raise FileRefused(f"not a readable workbook: {type(error).__name__}") from error
        finally:
            process.kill()
            process.wait()


_ENVIRONMENT: Final = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1"}
"""Other pools, and BLAS for its threads, reserve memory that the bound would count."""


def fitting(first: Sequence[Sequence[str]]) -> dict[str, int]:
    """The exports whose required columns a header among the rows names, with how many known."""
    found = {name: _candidate(Names(export), first) for name, export in EXPORTS.items()}
    return {name: each.known for name, each in found.items() if each and each.whole}


def _candidate(named: Names, first: Sequence[Sequence[str]]) -> _Candidate | None:
    """The first row that names all that is required, else the one of most known names."""
    known = named.known
    best: _Candidate | None = None
    for row, cells in enumerate(first[:HEADER_LINES]):
        names = [" ".join(text.split()) for text in cells]
        found = {known[name] for name in map(normalised_header, cells) if name in known}
        if len(found) > (best.known if best else 0):
            whole = found.issuperset(named.needed)
            best = _Candidate(row, names, len(found), whole)
            if whole:
                break
    return best


def _letters(column: int) -> str:
    """What a spreadsheet calls a column, counted from 0."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


class RepeatedSheetHeaders(RepeatedHeaders):
    """Refuses the rows of a sheet behind a header that comes again in another order."""

    def refuse_rows(self, rows: SheetRows) -> None:
        """Marks as refused the rows of the next piece that another order's header heads."""
        self.mark(rows.refused, self._repeated(rows))

    def _repeated(self, rows: SheetRows) -> Iterator[tuple[int, bool]]:
        """The rows that are headers, and whether in the sheet's order.

        A date begins with no letter: rows with one in its place are looked at, and of these those
        alone that hold its column's name.
        """
        if self.dated is None:
            return
        text = _part(rows.cells.column(self.dated), "text")
        if text is None:
            return
        likely = np.flatnonzero(_mask(pc.match_substring_regex(text, r"^\s*\pL")))
        if not likely.size:
            return
        parts = [_part(column, "text") for column in rows.cells.columns]
        texts = [part.take(pa.array(likely)) for part in parts if part is not None]
        named = np.logical_or.reduce(
            [_mask(pc.match_substring_regex(t, self.pattern, ignore_case=True)) for t in texts]
        )
        for row in likely[named].tolist():
            names = ["" if part is None else part[row].as_py() or "" for part in parts]
            same = self.in_order([normalised_header(name) for name in names])
            if same is not None:
                yield row, same


def cells_as_text(
    rows: SheetRows, column: int, form: str, *, since_1904: bool
) -> tuple[pa.Array, Mask]:
    """A column's cells as text to be read in the form, and those that can't be read so at all.

    The latter hold errors, numbers beyond 2^53, days before 1900-03-01, or days where the form
    knows none.
    """
    cells = rows.cells.column(column)
    bad = rows.errors[column].copy() if column in rows.errors else rows.no_errors()
    texts = []
    text, number, moment = (_part(cells, kind) for kind in ("text", "number", "moment"))
    if text is not None:
        texts.append(pc.ascii_trim(text, " \t\r\n"))
    if number is not None:
        bad |= _mask(pc.greater(pc.abs(number), _EXACT))
        texts.append(_number_text(number, form, since_1904=since_1904))
    if moment is not None:
        bad |= _mask(pc.less(moment, pa.scalar(_FIRST_SURE_DAY, moment.type)))
        if form not in _DAYS and form != "text":
            bad |= _mask(pc.is_valid(moment))
        texts.append(_moment_text(moment))
    joined = texts[0] if len(texts) == 1 else pc.coalesce(*texts)
    if bad.any():
        joined = pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), joined)
    return joined, bad


def shown_cells(
    rows: SheetRows, wanted: npt.NDArray[np.int64], names: Sequence[str]
) -> pa.RecordBatch:
    """The wanted rows with their cells as text, under the names of the header; errors marked."""
    some = SheetRows(
        rows.line[wanted],
        rows.cells.take(pa.array(wanted)),
        {column: mask[wanted] for column, mask in rows.errors.items()},
    )
    columns = []
    for index in range(some.cells.num_columns):
        text, _ = cells_as_text(some, index, "text", since_1904=False)
        if index in some.errors:
            text = pc.if_else(pa.array(some.errors[index]), ERROR, text)
        columns.append(text)
    return pa.RecordBatch.from_arrays(columns, list(names))


def _part(cells: pa.Array, kind: str) -> pa.Array | None:
    """The cells of one kind, null where another is; none where the column has no such cells."""
    if pa.types.is_struct(cells.type):
        index = cells.type.get_field_index(kind)
        return cells.field(index) if index >= 0 else None
    kinds = {"text": pa.types.is_string, "number": pa.types.is_floating}
    is_kind = kinds.get(kind, pa.types.is_timestamp)
    return cells if is_kind(cells.type) else None


def _number_text(number: pa.Array, form: str, *, since_1904: bool) -> pa.Array:
    """Numbers as their digits; in columns of days, those that Excel counts days by as the day."""
    text = whole_text(number)
    if form not in _DAYS:
        return text
    serial = pc.and_(
        pc.greater_equal(number, _FIRST_SERIAL[since_1904]), pc.less(number, _SERIALS_END)
    )
    if not pc.any(serial).as_py():
        return text
    day = timedelta(days=1) / timedelta(milliseconds=1)
    milliseconds = pc.round(pc.multiply(pc.if_else(serial, number, None), day)).cast(pa.int64())
    zero = pa.scalar(_DAY_ZERO[since_1904], pa.timestamp("ms"))
    moments = pc.add(zero, milliseconds.cast(pa.duration("ms")))
    return pc.if_else(serial, _moment_text(moments), text)


def _moment_text(moments: pa.Array) -> pa.Array:
    """Moments as exports write them, days without a time; each distinct one is written once."""
    distinct = pc.dictionary_encode(moments)
    texts = distinct.dictionary.cast(pa.timestamp("us")).cast(pa.string())
    texts = pc.replace_substring_regex(texts, r"( 00:00:00)?\.0+$", "")
    return pc.take(texts, distinct.indices)


def _blank(cells: pa.RecordBatch, errors: Mapping[int, Mask]) -> Mask:
    """Which rows hold nothing at all."""
    blank = np.ones(cells.num_rows, np.bool_)
    for mask in errors.values():
        blank &= ~mask
    for column in cells.columns:
        if not blank.any():
            break
        for kind in ("text", "number", "moment"):
            part = _part(column, kind)
            if part is None:
                continue
            filled = pc.is_valid(part)
            if kind == "text":
                filled = pc.and_(
                    filled, pc.greater(pc.binary_length(pc.utf8_trim_whitespace(part)), 0)
                )
            blank &= ~_mask(filled)
    return blank


def _mask(booleans: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(booleans, False).to_numpy(zero_copy_only=False)
    return mask
