"""Which staged arrears can matter on a day of a span (M4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow.parquet as pq

from flows.publishing.run import Context


def arrears_files(context: Context, first: date, last: date) -> dict[str, Path]:
    """The arrears, by billing month, of which any may lie in the span.

    The files' own statistics tell: settled bills of long ago are never read again, and a bill
    still to come makes no earlier month stale.
    """
    files = context.files("billing_arrears")
    context.prepare(files.values())
    return {
        month: path
        for month, path in files.items()
        if any(
            begins <= last and (ends is None or ends > first)
            for begins, ends in _spans(path, context.state.entry(path).sha256)
        )
    }


@lru_cache(maxsize=10_000)
def _spans(path: Path, sha256: str) -> tuple[tuple[date, date | None], ...]:
    """For each row group the first day in arrears and the last end; none while any is open.

    Read once, as the file's hash tells: a run of years asks for the same files in each of its
    months.
    """
    return tuple(_read_spans(path))


def _read_spans(path: Path) -> Iterator[tuple[date, date | None]]:
    """By row group of a file the first day of any arrears, and the last; none where they go on."""
    metadata = pq.read_metadata(path)
    columns = metadata.schema.names
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        begins, ends = (
            group.column(columns.index(name)).statistics
            for name in ("in_arrears_from", "in_arrears_until")
        )
        if not (begins and ends and begins.has_min_max and ends.has_null_count):
            yield date.min, None
        elif ends.null_count or not ends.has_min_max:
            yield begins.min, None
        else:
            yield begins.min, ends.max
