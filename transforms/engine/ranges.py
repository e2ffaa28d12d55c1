"""Ranges of a column that hold about as many rows each, by what Parquet files say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq


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
