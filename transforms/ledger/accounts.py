"""Two sorted streams of rows, lots and events, as batches of whole accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE: Final = 1 << 16


def by_account(
    lots: pa.RecordBatchReader, events: pa.RecordBatchReader, account: str
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The lots and events of some whole accounts at a time; once of none, if there are none.

    `account`: the column, of numbers or of text in byte order, that both are sorted by first.
    """
    streams = _Stream(lots, account), _Stream(events, account)
    rows = _ROWS_AT_ONCE
    some = False
    while True:
        for stream in streams:
            stream.fill(rows)
        if some and not any(stream.rows for stream in streams):
            return
        # the last account of a stream that goes on may not be complete
        incomplete = [stream.last_account for stream in streams if not stream.ended]
        below = min(incomplete, key=lambda account: account.as_py(), default=None)
        some_lots, some_events = (stream.take_below(below) for stream in streams)
        if some_lots.num_rows or some_events.num_rows or below is None:
            rows = _ROWS_AT_ONCE
            some = True
            yield some_lots, some_events
        else:
            rows *= 2


class _Stream:
    """A sorted stream of rows, handed out by account."""

    def __init__(self, reader: pa.RecordBatchReader, account: str) -> None:
        self._account = account
        self._batches = iter(cast("Iterable[pa.RecordBatch]", reader))
        self._schema = reader.schema
        self._held: list[pa.RecordBatch] = []
        self._rows = 0
        self.ended = False

    def fill(self, rows: int) -> None:
        """Reads until so many rows are held, or the stream ends."""
        while self._rows < rows and not self.ended:
            batch = next(self._batches, None)
            if batch is None:
                self.ended = True
            elif batch.num_rows:
                self._held.append(batch)
                self._rows += batch.num_rows

    @property
    def rows(self) -> int:
        return self._rows

    @property
    def last_account(self) -> pa.Scalar[Any]:
        return cast("Any", self._held[-1][self._account])[-1]

    def take_below(self, account: pa.Scalar[Any] | None) -> pa.Table:
        """The rows of accounts below this one (none: all that are held)."""
        held = pa.Table.from_batches(self._held, self._schema)
        size = held.num_rows
        if account is not None and size:
            size = pc.sum(pc.less(held[self._account], account)).as_py()
        rest = held.slice(size)
        self._held = rest.to_batches()
        self._rows = rest.num_rows
        return held.slice(0, size)
