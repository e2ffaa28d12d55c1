"""Whether rows stand in their order, each key once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrays import values_of

Mask = npt.NDArray[np.bool_]


class Order:
    """Rows that come batch by batch and are to stand in the order of these columns.

    Text is compared by bytes, nulls come last. Where each row comes after the one before, no two
    are the same in all of the columns.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._last: list[pa.Table] = []

    def first_out_of(self, batch: pa.Table) -> dict[str, Any] | None:
        """The first row of a batch that does not come after the one before it, if any."""
        if not batch.num_rows:
            return None
        rows = batch.select(self._columns)
        # the rows at the seam by themselves, so that no batch is copied
        seam = pa.concat_tables([*self._last, rows.slice(0, 1)])
        self._last = [rows.slice(rows.num_rows - 1)]
        return _first_falling(seam) or _first_falling(rows)


def compared(rows: pa.Table) -> tuple[Mask, Mask]:
    """For each row but the first, whether it comes after the one before it, and whether it is the
    same: by all columns, text by bytes, nulls last.
    """
    import pyarrow.compute as pc

    size = max(0, rows.num_rows - 1)
    after = np.zeros(size, np.bool_)
    same = np.ones(size, np.bool_)
    for column in rows.columns:
        if not same.any():
            break
        first, second = column.slice(0, size), column.slice(1)
        less, equal = pc.less(first, second), pc.equal(first, second)
        if column.null_count:
            ended = pc.and_(pc.is_valid(first), pc.is_null(second))
            neither = pc.and_(pc.is_null(first), pc.is_null(second))
            less, equal = pc.coalesce(less, ended), pc.coalesce(equal, neither)
        after |= same & values_of(less)
        same &= values_of(equal)
    return after, same


def _first_falling(rows: pa.Table) -> dict[str, Any] | None:
    after, _ = compared(rows)
    if after.all():
        return None
    found: dict[str, Any] = rows.slice(int(after.argmin()) + 1, 1).to_pylist()[0]
    return found
