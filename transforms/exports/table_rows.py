"""Finds what is wrong with the rows of a table's files: missing values, broken checks, the order.

Files are read in batches of a million rows, many small ones together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables import Table
from transforms.engine.row_order import compared
from transforms.exports.validate import Mask, as_frame, as_series, failures

_ROWS: Final = 1 << 20


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file's rows."""

    path: Path
    what: str


def faults(table: Table, files: Mapping[str, Path]) -> Iterator[Fault]:
    """The faults of a table's files, which are by partition, batch by batch.

    Rows are to be strictly in the table's order: where that holds the key's columns, the key is
    unique as well.
    """
    yield from _partition_faults(table, files)
    for batch in _batches(table, files):
        rows = batch.rows
        yield from _missing(table, batch, rows)
        yield from _broken(table, batch, rows)
        yield from _out_of_order(table, batch, rows)


@dataclass
class _Batch:
    """Rows of one file after the other; `starts` says where each file's begin."""

    pieces: list[pa.Table] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    size: int = 0

    def add(self, path: Path, rows: pa.Table) -> None:
        self.pieces.append(rows)
        if path not in self.paths[-1:]:
            self.starts.append(self.size)
            self.paths.append(path)
        self.size += rows.num_rows

    @property
    def rows(self) -> pa.Table:
        return pa.concat_tables(self.pieces).combine_chunks()

    def file_of(self, row: int) -> Path:
        return self.paths[int(np.searchsorted(self.starts, row, side="right")) - 1]

    def fault(self, broken: Mask, what: str) -> Iterator[Fault]:
        """The fault of the first broken row, if any is."""
        if broken.any():
            yield Fault(self.file_of(int(broken.argmax())), what)


def _batches(table: Table, files: Mapping[str, Path]) -> Iterator[_Batch]:
    """The rows of a table's files, by partition, in batches that may span small files.

    A batch begins with the last row of the one before where the file goes on.
    """
    batch = _Batch()
    for partition, path in files.items():
        with pq.ParquetFile(path) as file:
            for read in file.iter_batches(_ROWS):
                rows = _with_partition(table, pa.Table.from_batches([read]), partition)
                batch.add(path, rows)
                if batch.size >= _ROWS:
                    yield batch
                    batch = _Batch()
                    # the next row of this file is compared with it
                    batch.add(path, rows.slice(rows.num_rows - 1))
    if batch.size:
        yield batch


def _with_partition(table: Table, rows: pa.Table, partition: str) -> pa.Table:
    if not table.partition:
        return rows
    value = pa.repeat(_partition_value(table, partition), rows.num_rows)
    # a file may mark columns as it likes, and one that must be there may be null: a fault to find
    schema = pa.schema([(name, table.dtype(name)) for name in table.columns])
    return rows.append_column(table.partition, value).select(schema.names).cast(schema)


def _partition_value(table: Table, partition: str) -> pa.Scalar:
    return pa.scalar(partition).cast(table.dtype(table.partition))


def _partition_faults(table: Table, files: Mapping[str, Path]) -> Iterator[Fault]:
    """The partition column stands in the path: one value for all rows of a file."""
    if not table.partition:
        return
    kind = table.dtype(table.partition)
    values = as_series(pa.array([_partition_value(table, name).as_py() for name in files], kind))
    for check in table.model.columns[table.partition].checks:
        broken = failures(check, values)
        if broken.any():
            path = list(files.values())[int(broken.argmax())]
            yield Fault(path, f"{table.partition} is not {check.title}")


def _missing(table: Table, batch: _Batch, rows: pa.Table) -> Iterator[Fault]:
    for name, column in table.stored_columns.items():
        if not column.nullable and rows[name].null_count:
            missing = rows[name].is_null().to_numpy()
            yield from batch.fault(missing, f"{name} is missing in a row")


def _broken(table: Table, batch: _Batch, rows: pa.Table) -> Iterator[Fault]:
    frame = as_frame(rows)
    for name in table.stored_columns:
        for check in table.model.columns[name].checks:
            broken = failures(check, frame[name])
            yield from batch.fault(broken, f"{name} of a row is not {check.title}")
    for check in table.model.checks:
        name = str(check.name).partition(":")[0]
        broken = failures(check, frame)
        yield from batch.fault(broken, f"{name} of a row is not {check.title}")


def _out_of_order(table: Table, batch: _Batch, rows: pa.Table) -> Iterator[Fault]:
    """Compares each row with the next one of its file."""
    after, same = compared(rows.select(table.order))
    seams = [start - 1 for start in batch.starts if 0 < start < batch.size]
    after[seams], same[seams] = True, False
    columns = ", ".join(table.order)
    yield from batch.fault(~after & ~same, f"its rows are not in the order of {columns}")
    yield from batch.fault(same, f"two rows have the same {columns}")
