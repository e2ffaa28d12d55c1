"""Staged rows as Parquet whose row groups end where the rows say, not where a count does.

A group ends with a row whose key's hash has its low bits zero. So a row that comes or goes changes
the group that it lies in and no other, and a correction of a large month copies the bytes of every
group that it does not touch. The file is nevertheless the one that writing all its rows would
give: a group's bytes follow from its own rows alone.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.derive import schema_metadata
from transforms.engine.threads import pool
from transforms.exports.forms import CODED, coded
from transforms.exports.thrift import STRUCT, Field, Struct, read_struct, value_of, write_struct

GROUP_ROWS: Final = 1 << 17
"""Rows in a group on average; a power of two."""
MAX_GROUP_ROWS: Final = 1 << 20
"""Rows in a group at the most, whatever their keys."""
_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8
_ENCODERS: Final = 2

# numbers of parquet.thrift
_FILE_ROWS, _FILE_GROUPS = 3, 4
_GROUP_COLUMNS, _GROUP_FILE_OFFSET, _GROUP_ORDINAL = 1, 5, 7
_CHUNK_METADATA = 3
_CHUNK_OFFSETS: Final = (2, 4, 6)
_COLUMN_OFFSETS: Final = (9, 10, 11, 14)
_COLUMN_SIZE, _COLUMN_DATA, _COLUMN_DICTIONARY = 7, 9, 11


@dataclass(frozen=True)
class Layout:
    """How an export's staged files are written.

    The hash of the `key` column ends groups; rows are sorted by `owner` first. `few_values` are
    columns with few of them, `codes` the codes of enumerations.
    """

    schema: pa.Schema
    few_values: Sequence[str]
    codes: Mapping[str, Sequence[str]]
    owner: str
    key: str

    @cached_property
    def written(self) -> pa.Schema:
        """The schema of the rows as they are handed to be written."""
        return with_codes(self.schema, self.codes)

    def coded(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the schema as they are handed to be written."""
        columns = [
            coded(rows[name], self.codes[name]) if name in self.codes else rows[name]
            for name in self.schema.names
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.written)


def with_codes(schema: pa.Schema, codes: Mapping[str, Sequence[str]]) -> pa.Schema:
    """The schema with enumerations as dictionaries of their codes.

    A file's bytes are the same whichever of the codes occur in its rows, and the writer need not
    find them.
    """
    fields = [field.with_type(CODED) if field.name in codes else field for field in schema]
    return pa.schema(fields, metadata=schema.metadata)


@dataclass(frozen=True)
class Group:
    """A row group of a file: its place there, its footer entry, and the first and last owner."""

    struct: Struct
    start: int
    size: int
    rows: int
    first_owner: str
    last_owner: str


class GroupedFile:
    """A file that `write` made, group by group."""

    def __init__(self, path: Path, groups: Sequence[Group]) -> None:
        self._path = path
        self.groups = groups

    @classmethod
    def of(cls, path: Path, layout: Layout) -> GroupedFile | None:
        """The file, if this very library wrote it in this very layout, and it has rows."""
        with path.open("rb") as file:
            footer = _footer(file)
        structs = value_of(footer, _FILE_GROUPS)[1]
        if not structs or _identity(footer) != _identity(_plain_footer(layout)):
            return None
        metadata = pq.read_metadata(path)
        owner = layout.schema.names.index(layout.owner)
        groups = []
        for number, struct in enumerate(structs):
            group = metadata.row_group(number)
            bounds = group.column(owner).statistics
            groups.append(Group(struct, *_extent(struct), group.num_rows, bounds.min, bounds.max))
        return cls(path, groups)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(group.rows for group in self.groups)

    def extract(self, runs: Sequence[range], target: Path) -> None:
        """Writes the rows of some groups as a file of their own, which serves for a while."""
        with (
            pq.ParquetFile(self._path) as parquet,
            pq.ParquetWriter(target, parquet.schema_arrow, compression="none") as writer,
        ):
            for run in runs:
                for number in run:
                    writer.write_table(parquet.read_row_group(number))

    def bytes_of(self, group: Group) -> bytes:
        """A group's bytes as they lie in the file."""
        with self._path.open("rb") as file:
            file.seek(group.start)
            return file.read(group.size)

    def touched(self, owners: Iterable[str]) -> list[range]:
        """Runs of the groups that may change when rows of these owners come or go.

        Each group that an owner's rows lie in, or may come to lie in; the one behind it, whose
        first rows it takes where it loses its last; and on to a group that a key ends. An owner
        whose rows lie in two runs makes them one.
        """
        lasts = np.array([group.last_owner.encode() for group in self.groups])
        touched: set[int] = set()
        for owner in owners:
            number = min(int(np.searchsorted(lasts, owner.encode())), len(self.groups) - 1)
            touched.add(number)
            while number + 1 < len(self.groups) and self.groups[number + 1].first_owner <= owner:
                number += 1
                touched.add(number)
        for number in sorted(touched):
            for following in range(number + 1, len(self.groups)):
                touched.add(following)
                if self.groups[following].rows < MAX_GROUP_ROWS:
                    break
        runs: list[range] = []
        for number in sorted(touched):
            before = self.groups[runs[-1].stop - 1].last_owner if runs else ""
            if runs and (number == runs[-1].stop or before >= self.groups[number].first_owner):
                runs[-1] = range(runs[-1].start, number + 1)
            else:
                runs.append(range(number, number + 1))
        return runs


def write(target: Path, layout: Layout, batches: Iterable[pa.RecordBatch]) -> int:
    """Writes rows in their order; returns how many."""
    groups = _cut(layout, batches)
    first = list(islice(groups, 2))
    if len(first) == 1:
        # with one group, as most months of a small operator have, the encoder's file is the file
        target.write_bytes(_encoded(layout, first[0]))
        return int(first[0].num_rows)
    with _Writer(target, layout) as writer:
        writer.encode(chain(first, groups))
    return writer.rows


def rewrite(
    target: Path,
    layout: Layout,
    before: GroupedFile,
    runs: Sequence[range],
    batches: Iterable[pa.RecordBatch],
) -> int:
    """Writes the file before with other rows in the place of some runs of its groups.

    `batches` bring the rows of all the runs in their order; returns how many rows there are.
    """
    with _Writer(target, layout) as writer:
        rest = _Rest(batches)
        at = 0
        for run in runs:
            writer.copy(before, range(at, run.start))
            last = run.stop == len(before.groups) or run is runs[-1]
            upto = None if last else before.groups[run.stop - 1].last_owner
            writer.encode(_cut(layout, rest.upto(layout.owner, upto)))
            at = run.stop
        writer.copy(before, range(at, len(before.groups)))
    return writer.rows


class _Rest:
    """Record batches that are taken in parts."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = iter(batches)
        self._held: pa.RecordBatch | None = None

    def upto(self, column: str, last: str | None) -> Iterator[pa.RecordBatch]:
        """The rows up to those with the last value of the column; all, if it is none."""
        while True:
            batch = self._held or next(self._batches, None)
            self._held = None
            if batch is None:
                return
            behind = 0 if last is None else pc.sum(pc.greater(batch.column(column), last)).as_py()
            stop = batch.num_rows - (behind or 0)
            yield batch.slice(0, stop)
            if behind:
                self._held = batch.slice(stop)
                return


class _Writer:
    """A Parquet file to which whole groups are appended, encoded some at once."""

    def __init__(self, target: Path, layout: Layout) -> None:
        self._layout = layout
        self._target = target
        self._groups: list[Struct] = []
        self.rows = 0

    def __enter__(self) -> _Writer:
        self._file = self._target.open("wb")
        self._file.write(_MAGIC)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._file.close()

    def encode(self, groups: Iterator[pa.Table]) -> None:
        waiting: list[Future[bytes]] = []
        with pool(_ENCODERS) as encoders:
            for group in groups:
                waiting.append(encoders.submit(_encoded, self._layout, group))
                if len(waiting) > _ENCODERS:
                    self._append_encoded(waiting.pop(0).result())
            for future in waiting:
                self._append_encoded(future.result())

    def copy(self, before: GroupedFile, numbers: range) -> None:
        for number in numbers:
            group = before.groups[number]
            self._append(before.bytes_of(group), group.struct, group.start, group.rows)

    def _append_encoded(self, data: bytes) -> None:
        footer = _footer(io.BytesIO(data))
        for struct in value_of(footer, _FILE_GROUPS)[1]:
            start, size = _extent(struct)
            rows = value_of(footer, _FILE_ROWS)
            self._append(data[start : start + size], struct, start, rows)

    def _append(self, data: bytes, struct: Struct, start: int, rows: int) -> None:
        moved = self._file.tell() - start
        self._file.write(data)
        self._groups.append(_moved(struct, moved, len(self._groups)))
        self.rows += rows

    def _finish(self) -> None:
        footer = _plain_footer(self._layout)
        replaced = {_FILE_ROWS: self.rows, _FILE_GROUPS: (STRUCT, self._groups)}
        written = write_struct(
            [Field(f.number, f.kind, replaced.get(f.number, f.value)) for f in footer]
        )
        self._file.write(written + len(written).to_bytes(4, "little") + _MAGIC)


def _cut(layout: Layout, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows in the groups that their keys make of them."""
    pending: list[pa.RecordBatch] = []
    room = MAX_GROUP_ROWS
    for batch in batches:
        ends = _ends(batch.column(layout.key))
        at = 0
        while at < batch.num_rows:
            end = next((end for end in ends if end > at), batch.num_rows + 1)
            taken = batch.slice(at, min(room, end - at))
            pending.append(taken)
            at += taken.num_rows
            room -= taken.num_rows
            if at == end or not room:
                yield _table(layout, pending)
                pending, room = [], MAX_GROUP_ROWS
    if pending:
        yield _table(layout, pending)


def _table(layout: Layout, batches: list[pa.RecordBatch]) -> pa.Table:
    """One chunk a column: where chunks end would show in the pages."""
    return pa.Table.from_batches(batches, layout.written).combine_chunks()


def _ends(keys: pa.Array) -> list[int]:
    """Behind which rows a group ends."""
    # compiled code is loaded when rows are written: others only ask for layouts
    from transforms.exports.keys import mark_ending
    from transforms.exports.text_order import text_and_offsets

    ending = np.zeros(len(keys), np.bool_)
    mark_ending(*text_and_offsets(keys), GROUP_ROWS - 1, ending)
    ends: list[int] = (np.flatnonzero(ending) + 1).tolist()
    return ends


def _encoded(layout: Layout, table: pa.Table) -> bytes:
    """The rows as a Parquet file of one group."""
    sink = pa.BufferOutputStream()
    # readers are to see text, not the dictionary that it is written from
    with pq.ParquetWriter(
        sink,
        layout.written,
        compression="zstd",
        use_dictionary=list(layout.few_values),
        store_schema=False,
    ) as writer:
        writer.add_key_value_metadata(schema_metadata(layout.schema))
        if table.num_rows:
            writer.write_table(table, row_group_size=table.num_rows)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _footer(file: Any) -> Struct:
    file.seek(-_TAIL_BYTES, io.SEEK_END)
    size = int.from_bytes(file.read(4), "little")
    file.seek(-_TAIL_BYTES - size, io.SEEK_END)
    return read_struct(file.read(size))


def _plain_footer(layout: Layout) -> Struct:
    """The footer of a file without rows."""
    return _footer(io.BytesIO(_encoded(layout, layout.written.empty_table())))


def _identity(footer: Struct) -> bytes:
    """What a file's rows don't change of its footer."""
    return write_struct([f for f in footer if f.number not in (_FILE_ROWS, _FILE_GROUPS)])


def _extent(group: Struct) -> tuple[int, int]:
    """Where a group's bytes begin in its file, and how many they are."""
    start = size = 0
    for number, chunk in enumerate(value_of(group, _GROUP_COLUMNS)[1]):
        column = value_of(chunk, _CHUNK_METADATA)
        data = value_of(column, _COLUMN_DATA)
        first = value_of(column, _COLUMN_DICTIONARY) or data
        start = min(first, data) if number == 0 else start
        size += value_of(column, _COLUMN_SIZE)
    return start, size


def _moved(group: Struct, by: int, ordinal: int) -> Struct:
    """The group's footer entry where its bytes lie so much further on."""
    moved = []
    for field in group:
        value = field.value
        if field.number == _GROUP_COLUMNS:
            value = (value[0], [_moved_chunk(chunk, by) for chunk in value[1]])
        elif field.number == _GROUP_FILE_OFFSET:
            value += by
        elif field.number == _GROUP_ORDINAL:
            value = ordinal
        moved.append(Field(field.number, field.kind, value))
    return moved


def _moved_chunk(chunk: Struct, by: int) -> Struct:
    moved = []
    for field in chunk:
        value = field.value
        if field.number == _CHUNK_METADATA:
            value = [
                Field(f.number, f.kind, f.value + by if f.number in _COLUMN_OFFSETS else f.value)
                for f in value
            ]
        elif field.number in _CHUNK_OFFSETS and value:
            value += by
        moved.append(Field(field.number, field.kind, value))
    return moved
