"""Whether the rows of a written file stand in their order, each key once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_ROWS_AT_ONCE: Final = 1 << 19


def out_of_order(path: Path, columns: Sequence[str]) -> dict[str, Any] | None:
    """The first row of a Parquet file that does not come after the one before it, if any.

    Rows are compared by these columns: text by bytes, nulls last. Where each comes after the one
    before, no two are the same in all of them. Holds one batch of rows at a time.
    """
    last: list[pa.RecordBatch] = []
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(columns), use_threads=False):
            # the rows at the seam by themselves, so that no batch is copied
            for rows in ([*last, batch.slice(0, 1)], [batch]):
                found = _first_falling(pa.Table.from_batches(rows).select(columns))
                if found is not None:
                    return found
            last = [batch.slice(batch.num_rows - 1)]
    return None


def _first_falling(rows: pa.Table) -> dict[str, Any] | None:
    ascends = _ascends(rows)
    if ascends.all():
        return None
    found: dict[str, Any] = rows.slice(int(ascends.argmin()) + 1, 1).to_pylist()[0]
    return found


def _ascends(rows: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """For each row but the first, whether it comes after the one before it."""
    size = max(0, rows.num_rows - 1)
    ascends = np.zeros(size, np.bool_)
    same = np.ones(size, np.bool_)
    for name in rows.column_names:
        before, after = rows[name].slice(0, size), rows[name].slice(1)
        ended = pc.and_(pc.is_valid(before), pc.is_null(after))
        less = pc.or_(pc.fill_null(pc.less(before, after), False), ended)
        equal = pc.fill_null(
            pc.equal(before, after), pc.and_(pc.is_null(before), pc.is_null(after))
        )
        ascends |= same & less.to_numpy()
        same &= equal.to_numpy()
    return ascends
