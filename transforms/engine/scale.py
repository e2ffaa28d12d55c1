"""What only data beyond memory needs.

Nothing here changes a row, or where it stands. Each piece names the measurement for which it is
there; the rows were of `tests.bench.points`, on two cores in 4 GB.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from schemas.derive import literal, quoted
from transforms.engine.errors import OutOfMemory

_SORTED_ROW_BYTES: Final = 180
"""What a sort holds of a lot or event, as measured."""
_HELD_BY_SORTS: Final = 2
"""Two sorts read at the same time fit up to twice the memory; they fail from four times it on."""
_RANGES_OF_MEMORY: Final = 2
"""Ranges of rows that fill the memory once: with one, what runs beside takes a tenth longer."""
_JOINED_BYTES: Final = 12
"""What joins and groups hold at most of a byte of files, as measured."""


def sorts_fit(rows: int, memory: int) -> bool:
    """Whether two sorts of so many rows together can be read from at once, in bytes of memory.

    As long as a sort is read from it holds memory that it can't give back.
    """
    return rows * _SORTED_ROW_BYTES <= memory * _HELD_BY_SORTS


def ranges_to_sort(files: Iterable[Path], column: str, rows: int, memory: int) -> list[str]:
    """Conditions that part so many rows into ranges of a column of text which are sorted in memory.

    With these, and with one sort less, 50 M events were closed in 128 s; with sorts through files
    in 237 s. One condition, an empty one, where the files don't tell where to part them.
    """
    return _parted(files, column, rows * _SORTED_ROW_BYTES, memory)


def ranges_to_look_into(files: Sequence[Path], column: str, memory: int) -> list[str]:
    """Conditions that part files into ranges of a column which joins and groups hold in memory.

    For claims that are true of all rows where they are true of each value of the column. Of the
    close of 50 M events in 61 s this saved 9. One condition, an empty one, where all fits.
    """
    held = sum(file.stat().st_size for file in files) * _JOINED_BYTES
    return _parted(files, column, held, memory) if held > memory else [""]


def _parted(files: Iterable[Path], column: str, held: int, memory: int) -> list[str]:
    """Conditions for each range of rows that hold so many bytes all together."""
    parts = bounds(files, column, held * _RANGES_OF_MEMORY // memory + 1)
    lows = [f"{quoted(column)} >= {literal(part)}" for part in parts]
    highs = [f"{quoted(column)} < {literal(part)}" for part in parts]
    ranges = zip(["", *lows], [*highs, ""], strict=True)
    return [" AND ".join(filter(None, range_)) for range_ in ranges]


def bounds(files: Iterable[Path], column: str, ranges: int) -> list[str]:
    """Texts that part the files' rows into about so many ranges; fewer, or none, if need be.

    Row groups of files that are sorted by the column tell where its values lie, by their least
    ones; others don't.
    """
    starts = sorted(start for file in files for start in _starts(file, column))
    rows = sum(held for _, held in starts)
    found: list[str] = []
    before = 0
    for least, held in starts:
        if before * ranges >= rows * (len(found) + 1) and least not in found[-1:]:
            found.append(least)
        before += held
    return found


def _starts(file: Path, column: str) -> list[tuple[str, int]]:
    """The least value and the rows of each row group, if the file is sorted by the column."""
    with pq.ParquetFile(file) as parquet:
        metadata = parquet.metadata
    place = metadata.schema.names.index(column)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    told = [group.column(place).statistics for group in groups]
    if not all(one is not None and one.has_min_max for one in told):
        return []
    if any(one.max > other.min for one, other in pairwise(told)):
        return []
    return [(one.min, group.num_rows) for one, group in zip(told, groups, strict=True)]


class OnceMoreAlone:
    """Does pieces of work side by side; what runs out of memory is done once more, by itself.

    Statements that run at the same time share one memory, and one may fail that passes by itself.
    To do it again costs little: of 50 M events two audits that spill take as long side by side as
    one after the other.
    """

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._working = 0

    def do(self, work: Callable[[], object]) -> None:
        """Does the work, beside what other threads do; raises what it raises, or did by itself."""
        try:
            with self._beside_others():
                work()
        except OutOfMemory:
            with self._turn:
                self._turn.wait_for(lambda: not self._working)
                # nothing else begins as long as this thread has the turn
                work()

    @contextmanager
    def _beside_others(self) -> Iterator[None]:
        with self._turn:
            self._working += 1
        try:
            yield
        finally:
            with self._turn:
                self._working -= 1
                self._turn.notify_all()
