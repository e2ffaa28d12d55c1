"""Sorts rows, whatever their number: in chunks, kept in scratch, that are merged block by block.

An engine's sort by text costs several times as much as that of chunks that fit into the cache.
The file of the chunks is mapped, not read, and a chunk costs the memory of one block of it.
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

_CHUNK_BYTES: Final = 1 << 24
_BLOCK_BYTES: Final = 1 << 17
_BLOCKS_AT_ONCE: Final = 1 << 7
"""Blocks that are merged at once at the least, some 16 MB."""


class ChunkFile:
    """Sorted chunks in a scratch file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = pa.ipc.open_file(pa.py_buffer(self._map))
        self.chunks = [reader.get_batch(number) for number in range(reader.num_record_batches)]

    def release(self) -> None:
        """Frees the memory of what was read; what is read again comes from the file again."""
        self._map.madvise(mmap.MADV_DONTNEED)


def sort_into_chunks(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, keys: Sequence[str], target: Path
) -> ChunkFile:
    """Sorts a stream of rows into chunks of a scratch file."""
    with pa.ipc.new_file(str(target), schema) as writer:
        pending: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            pending.append(batch)
            size += batch.nbytes
            if size >= _CHUNK_BYTES:
                writer.write_table(_chunk(pending, schema, keys))
                pending, size = [], 0
        if pending:
            writer.write_table(_chunk(pending, schema, keys))
    chunks = ChunkFile(target)
    target.unlink()  # it stays as long as it is mapped
    return chunks


def _chunk(batches: list[pa.RecordBatch], schema: pa.Schema, keys: Sequence[str]) -> pa.Table:
    return sorted_by(pa.Table.from_batches(batches).cast(schema).combine_chunks(), keys)


@dataclass(frozen=True)
class Source:
    """A file of chunks to merge; `kept` makes of some rows of a chunk those that come out."""

    file: ChunkFile
    kept: Callable[[pa.RecordBatch], pa.RecordBatch] = lambda rows: rows


def merged(sources: Sequence[Source], keys: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of all the chunks in the order of the keys.

    Blocks are taken in the order of their first rows. So every row before the first of the next
    block is at hand; those behind it wait.
    """
    chunks = [(source, chunk) for source in sources for chunk in source.file.chunks]
    chunks = [(source, chunk) for source, chunk in chunks if chunk.num_rows]
    if not chunks:
        return
    if sum(chunk.nbytes for _, chunk in chunks) <= _BLOCKS_AT_ONCE * _BLOCK_BYTES:
        few = pa.Table.from_batches([source.kept(chunk) for source, chunk in chunks])
        yield from sorted_by(few.combine_chunks(), keys).to_batches()
        for source in sources:
            source.file.release()
        return
    blocks = _blocks([chunk for _, chunk in chunks], keys)
    # what waits is up to a block of each chunk, and is sorted anew each time
    at_once = max(_BLOCKS_AT_ONCE, 2 * len(chunks))
    waiting: list[pa.RecordBatch] = []
    for at in range(0, blocks.num_rows, at_once):
        for block in blocks.slice(at, at_once).select(["chunk", "first", "size"]).to_pylist():
            source, chunk = chunks[block["chunk"]]
            waiting.append(source.kept(chunk.slice(block["first"], block["size"])))
        rows = sorted_by(pa.Table.from_batches(waiting).combine_chunks(), keys)
        stop = rows.num_rows
        if at + at_once < blocks.num_rows:
            stop = _place(rows, keys, [blocks[key][at + at_once].as_py() for key in keys])
        yield from rows.slice(0, stop).to_batches()
        waiting = rows.slice(stop).combine_chunks().to_batches()
        for source in sources:
            source.file.release()


def _blocks(chunks: Sequence[pa.RecordBatch], keys: Sequence[str]) -> pa.Table:
    """The chunks' blocks in the order of their first rows: those rows' keys, and where they lie."""
    blocks = []
    for number, chunk in enumerate(chunks):
        size = max(1, _BLOCK_BYTES * chunk.num_rows // max(1, chunk.nbytes))
        firsts = pa.array(np.arange(0, chunk.num_rows, size))
        columns = {key: chunk.column(key).take(firsts) for key in keys}
        places = {
            "chunk": pa.repeat(number, len(firsts)),
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
