"""Sorts rows, whatever their number: runs sorted in scratch, then merged block by block.

An engine's sort by text costs several times as much as that of runs that fit into the cache.
The file of the runs is mapped, not read, and a run costs the memory of one block of it.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.exports.text_order import sorted_by

_RUN_BYTES: Final = 1 << 24
_BLOCK_BYTES: Final = 1 << 17
_BLOCKS_AT_ONCE: Final = 1 << 7
"""Blocks that are merged at once at the least, some 16 MB."""


class RunFile:
    """Sorted runs in a scratch file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.py_buffer(self._map))
        self.runs = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self.rows = sum(run.num_rows for run in self.runs)

    def release(self) -> None:
        """Lets go of the memory that reading took; what is read again comes back."""
        self._map.madvise(mmap.MADV_DONTNEED)


def sort_into_runs(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, keys: Sequence[str], target: Path
) -> RunFile:
    """Sorts a stream of rows into runs of a scratch file."""
    with pa.ipc.new_file(str(target), schema) as writer:
        pending: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            pending.append(batch)
            size += batch.nbytes
            if size >= _RUN_BYTES:
                writer.write_table(_run(pending, schema, keys))
                pending, size = [], 0
        if pending:
            writer.write_table(_run(pending, schema, keys))
    runs = RunFile(target)
    target.unlink()  # it stays as long as it is mapped
    return runs


def _run(batches: list[pa.RecordBatch], schema: pa.Schema, keys: Sequence[str]) -> pa.Table:
    return sorted_by(pa.Table.from_batches(batches).cast(schema).combine_chunks(), keys)


@dataclass(frozen=True)
class Source:
    """A file of runs to be merged; `kept` makes of some rows of a run those that come out."""

    file: RunFile
    kept: Callable[[pa.RecordBatch], pa.RecordBatch] = lambda rows: rows


def merged(sources: Sequence[Source], keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of all the runs in the order of the keys.

    Blocks are taken in the order of their first rows. So every row before the first of the next
    block is at hand; those behind it wait.
    """
    runs = [(source, run) for source in sources for run in source.file.runs if run.num_rows]
    if not runs:
        return
    if sum(run.nbytes for _, run in runs) <= _BLOCKS_AT_ONCE * _BLOCK_BYTES:
        few = pa.Table.from_batches([source.kept(run) for source, run in runs])
        yield from sorted_by(few.combine_chunks(), keys).to_batches()
        for source in sources:
            source.file.release()
        return
    blocks = _blocks([run for _, run in runs], keys)
    # what waits is up to a block of each run, and is sorted anew each time
    at_once = max(_BLOCKS_AT_ONCE, 2 * len(runs))
    waiting: list[pa.RecordBatch] = []
    for at in range(0, blocks.num_rows, at_once):
        for block in blocks.slice(at, at_once).select(["run", "first", "size"]).to_pylist():
            source, run = runs[block["run"]]
            waiting.append(source.kept(run.slice(block["first"], block["size"])))
        rows = sorted_by(pa.Table.from_batches(waiting).combine_chunks(), keys)
        stop = rows.num_rows
        if at + at_once < blocks.num_rows:
            stop = _place(rows, keys, [blocks[key][at + at_once].as_py() for key in keys])
        yield from rows.slice(0, stop).to_batches()
        waiting = rows.slice(stop).combine_chunks().to_batches()
        for source in sources:
            source.file.release()


def _blocks(runs: Sequence[pa.RecordBatch], keys: Sequence[str]) -> pa.Table:
    """The runs' blocks in the order of their first rows: those rows' keys, and where they lie."""
    blocks = []
    for number, run in enumerate(runs):
        size = max(1, _BLOCK_BYTES * run.num_rows // max(1, run.nbytes))
        firsts = pa.array(np.arange(0, run.num_rows, size))
        columns = {key: run.column(key).take(firsts) for key in keys}
        places = {
            "run": pa.repeat(number, len(firsts)),
            "first": firsts,
            "size": pa.repeat(size, len(firsts)),
        }
        blocks.append(pa.table({**columns, **places}))
    return sorted_by(pa.concat_tables(blocks).combine_chunks(), keys)


def _place(rows: pa.Table, keys: Sequence[str], values: Sequence[str]) -> int:
    """Before how many of the sorted rows the values belong."""
    columns = [rows[key] for key in keys]
    return bisect_left(
        range(rows.num_rows),
        list(values),
        key=lambda row: [column[row].as_py() for column in columns],
    )
