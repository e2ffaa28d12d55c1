"""The fold: events that have to be decided one after another, over lots of points or miles.

Whether a redemption, refund, award or payment is accepted depends on those before it, so these go
through one compiled loop (P2–P6, W5, X1, X2, M2, M3). SQL prepares its events and lots, sorted by
account, and reads what came of them; the loop knows neither benefits nor charts, only that

- a lot can be used from the day it is credited through the day it expires (P);
- `spend` and `spend_refundable` take from the usable lots in the order of spending, all or nothing
  (P3, P6), unless `refusal` holds a reason that was found before;
- a `quota` allows so many accepted events of its name within one fold (P4: a month);
- `cancel` gives back what the event with the same ticket took, to the same lots (P5). Tickets are
  numbers from 0 on, shared by an event and its cancellations. What was decided in an earlier fold
  comes as an event `earlier`, `earlier_rejected` or `earlier_cancelled`, before the others;
- a monthly limit is a lot, the account's only one, that never expires: what is left of it can be
  spent (M3). `set_limit` makes `amount` the limit; a `refusal` doesn't hold where that is no more
  than the limit in force, unless the account has no lot (M2). What is left may be below 0 then.
  `standard_limit` makes `amount` the limit as long as no `set_limit` was accepted (M1).

An account is never split, and there is no limit on its lots or events; memory holds a few batches
of accounts at a time. The loop sees days as whole numbers since 1970.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrays import Numbers, array_of, begins_of_runs, numbers_of, values_of
from transforms.engine.plain import relation_of
from transforms.engine.row_groups import RowGroups
from transforms.engine.threads import beside
from transforms.ledger.decisions import ACTIONS, CANCEL, NEVER, NONE, VERDICTS

Codes = npt.NDArray[np.int8]

SpendingOrder = Literal["earliest_expiry", "oldest_credit"]
"""Which lots go first: by expires_on, then credited_on and lot_id (P3), or by the latter (X2)."""

FOR_THE_LOOP: Final = ("quota", "quota_limit", "ticket", "turn")
"""What events have for the loop alone."""

_ROWS_AT_ONCE: Final = 1 << 16
_BATCHES_UNDER_WAY: Final = 3
_FOLDED_AT_ONCE: Final = 2

BALANCES: Final = ("usable", "spent")
"""What an account has after an event; see `Folded`."""


@dataclass(frozen=True)
class Folded:
    """What is folded: some whole accounts, in the order of the input.

    `lots_before`: the lots as they came. `lots`: with `remaining` as it is now. `events`: without
    what is for the loop, with `verdict`, and if asked for the account's balances after it:
    `usable`, what could be spent then, and `spent`, what this fold's events took until then and did
    not give back.
    `movements`: a row for each lot that an event took from (`points` below 0) or gave back to
    (above 0), and for each that `comes` (what it came with), with the columns that `fold` was asked
    for. They are in the order of the lots, and of one lot in that of the events. That a lot comes
    has no event; it stands where its `lot_id` belongs among the events' `event_id`, of the same
    behind cancellations and before all others.
    """

    lots_before: pa.Table
    lots: pa.Table
    events: pa.Table
    movements: pa.Table


Sink = Callable[[Folded], None]


class FoldedFiles:
    """What is folded as Parquet files in scratch, whole when the `with` block ends."""

    def __init__(self, scratch: Path) -> None:
        names = ("lots", "events", "movements")
        self.lots, self.events, self.movements = (
            scratch / f"folded_{name}.parquet" for name in names
        )
        self._open = ExitStack()

    def __enter__(self) -> Sequence[Sink]:
        lots, events, movements = map(self._written, (self.lots, self.events, self.movements))
        return (
            lambda folded: lots(folded.lots),
            lambda folded: events(folded.events),
            lambda folded: movements(folded.movements),
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def _written(self, path: Path) -> Callable[[pa.Table], None]:
        file = RowGroups(path, compression="lz4", write_statistics=False)
        return self._open.enter_context(file).write


def fold(
    lots: pa.RecordBatchReader,
    events: pa.RecordBatchReader,
    sinks: Sequence[Sink],
    *,
    spending_order: SpendingOrder,
    of_lot: Sequence[str],
    of_event: Sequence[str],
    earlier_takings: pa.Table | None = None,
    account: str = "account",
    emptied: bool = True,
    balances: bool = False,
) -> None:
    """Decides all events over the lots of their accounts, and hands what came of them to the sinks.

    Each sink gets all of it, batch by batch, at least one; it is called by one thread at a time,
    and several of them may be at work at once.
    `account` is the column, of numbers or of text in byte order, that lots and events have of it.
    Further columns than these pass through:

    - lots, sorted by account and lot_id: `credited_on`, `expires_on` (null: never), `refundable`,
      `remaining`; `changes_on`, from which on, if it is not null, the lot expires on
      `changed_expires_on` (P7); `tag`, a number from 0 on of a lot that an earlier event took from,
      null for the others; and if any of them does, whether it `comes` with this fold;
    - events, sorted by account, and where lots come by `event_id` as well: `on_day`, `action`,
      `amount`, `refusal`, and as far as any event has them `quota` (null: none), `quota_limit`,
      `ticket` (null: nothing cancels it) and `turn`, a number: an account's events are taken by
      it, those of the same turn, or without any, as they come.

    `earlier_takings`: what earlier events took, if anything: `ticket`, `tag` of the lot, `points`
    above 0.
    `of_lot` and `of_event` are the columns that a row of `movements` carries of either. `balances`:
    whether events carry `usable` and `spent`; `emptied`: whether lots with nothing left stay.
    """
    by_expiry = spending_order == "earliest_expiry"
    history = _History.of(earlier_takings)
    with ExitStack() as threads:
        # a batch is read while those before are folded, and others, in their order, go on
        folder = threads.enter_context(beside(_FOLDED_AT_ONCE))
        receivers = [(threads.enter_context(beside()), sink) for sink in sinks]

        def hand_on(folding: Future[Folded], sink: Sink) -> None:
            sink(folding.result())

        under_way: deque[list[Future[None]]] = deque()
        for some_lots, some_events in _by_account(lots, events, account):
            folding = folder.submit(
                _fold_some,
                some_lots,
                some_events,
                history,
                account,
                by_expiry,
                of_lot,
                of_event,
                emptied,
                balances,
            )
            under_way.append([thread.submit(hand_on, folding, sink) for thread, sink in receivers])
            if len(under_way) > _BATCHES_UNDER_WAY:
                _wait(under_way.popleft())
        for parts in under_way:
            _wait(parts)


def _wait(parts: Iterable[Future[None]]) -> None:
    for part in parts:
        part.result()


# Arrow in and out


@dataclass(frozen=True)
class _History:
    """What earlier events took, by ticket; tags are below `tags`."""

    first: Numbers
    tag: Numbers
    points: Numbers
    tags: int

    @classmethod
    def of(cls, takings: pa.Table | None) -> _History:
        if takings is None:
            nothing = np.zeros(0, np.int64)
            return cls(np.zeros(1, np.int64), nothing, nothing, 0)
        ordered = takings.sort_by([("ticket", "ascending"), ("tag", "ascending")])
        ticket = numbers_of(ordered["ticket"], NONE)
        tag = numbers_of(ordered["tag"], NONE)
        tickets = int(ticket[-1]) + 1 if ticket.size else 0
        first = np.searchsorted(ticket, np.arange(tickets + 1)).astype(np.int64)
        return cls(first, tag, numbers_of(ordered["points"], 0), int(tag.max(initial=NONE)) + 1)

    def with_tickets(self, tickets: int) -> Numbers:
        """Offsets for so many tickets: those without earlier takings have none."""
        more = max(0, tickets + 1 - self.first.size)
        return np.concatenate([self.first, np.full(more, self.tag.size, np.int64)])


def _fold_some(
    lots: pa.Table,
    events: pa.Table,
    history: _History,
    account: str,
    by_expiry: bool,
    of_lot: Sequence[str],
    of_event: Sequence[str],
    emptied: bool,
    balances: bool,
) -> Folded:
    came_with = numbers_of(lots["remaining"], 0)
    left = came_with.copy()
    verdict, after, moved = _decide(lots, events, history, account, by_expiry, balances, left)
    decided = events.select(_handed_on(events.schema)).append_column(
        "verdict", _words(VERDICTS).take(array_of(verdict))
    )
    for name, numbers in zip(BALANCES, after, strict=False):
        decided = decided.append_column(name, array_of(numbers))
    lot, event, points = _movements(lots, events, *moved, came_with)
    which_event = pc.if_else(array_of(event >= 0), array_of(event), pa.nulls(1, pa.int64())[0])
    movements = {name: lots[name].take(array_of(lot)) for name in of_lot}
    movements |= {name: events[name].take(which_event) for name in of_event}
    movements["points"] = array_of(points)
    at = lots.schema.get_field_index("remaining")
    lots_now = lots.set_column(at, lots.schema.field(at), array_of(left))
    if not emptied and not left.all():
        lots_now = lots_now.filter(array_of(left != 0))
    return Folded(lots, lots_now, decided, pa.table(movements))


def _decide(
    lots: pa.Table,
    events: pa.Table,
    history: _History,
    account: str,
    by_expiry: bool,
    balances: bool,
    remaining: Numbers,
) -> tuple[Codes, list[Numbers], tuple[Numbers, Numbers, Numbers]]:
    """Decides the events; changes `remaining`.

    Returns their verdicts, the balances after them if asked for, and what moved: row of the lot,
    row of the event, points.
    """
    if not events.num_rows:
        nothing = np.zeros(0, np.int64)
        return np.zeros(0, np.int8), [nothing] * 2 * balances, (nothing, nothing, nothing)
    event_account, lot_account = _account_numbers(events[account], lots[account])
    # the loop takes lots by account and credited_on; those of accounts without events stay out
    credited_on = days_of(lots["credited_on"])
    of_events = np.flatnonzero(lot_account >= 0)
    place = of_events[_in_turn(lot_account[of_events], credited_on[of_events])]
    turns = _in_turn(event_account, numbers_of(_or_nulls(events, "turn"), 0))
    ticket = numbers_of(_or_nulls(events, "ticket"), NONE)
    tickets = int(ticket.max(initial=NONE)) + 1
    left = remaining[place]
    quota = pc.dictionary_encode(_or_nulls(events, "quota").combine_chunks())
    after = [np.zeros(events.num_rows if balances else 0, np.int64) for _ in BALANCES]
    # compiled code takes a while to load, and where nothing has to be decided isn't needed
    from transforms.ledger.loop import fold_accounts

    verdict, event, lot, points = fold_accounts(
        lot_account[place],
        credited_on[place],
        days_of(lots["expires_on"])[place],
        days_of(lots["changes_on"])[place],
        days_of(lots["changed_expires_on"])[place],
        values_of(lots["refundable"])[place],
        left,
        numbers_of(lots["tag"], NONE)[place],
        event_account,
        days_of(events["on_day"])[turns],
        _codes(events["action"])[turns],
        numbers_of(events["amount"], 0)[turns],
        numbers_of(quota.indices, NONE)[turns],
        numbers_of(_or_nulls(events, "quota_limit"), 0)[turns],
        values_of(pc.is_valid(events["refusal"]))[turns],
        ticket[turns],
        len(quota.dictionary),
        by_expiry,
        np.full(tickets, NONE, np.int64),
        np.full(history.tags, NONE, np.int64),
        history.with_tickets(tickets),
        history.tag,
        history.points,
        *after,
    )
    remaining[place] = left
    as_they_came = np.empty_like(turns)
    as_they_came[turns] = np.arange(turns.size)
    told = [numbers[as_they_came] for numbers in after if balances]
    return verdict[as_they_came], told, (place[lot], turns[event], points)


def _movements(
    lots: pa.Table,
    events: pa.Table,
    lot: Numbers,
    event: Numbers,
    points: Numbers,
    came_with: Numbers,
) -> tuple[Numbers, Numbers, Numbers]:
    """What moved (row of the lot, row of the event, points) in the order of `Folded.movements`.

    A lot that comes with the fold has no event: its number is below 0.
    """
    order = np.argsort(lot * max(1, events.num_rows) + event)
    lot, event, points = lot[order], event[order], points[order]
    if "comes" not in lots.column_names:
        return lot, event, points
    coming = np.flatnonzero(values_of(lots["comes"]))
    of_event, of_lot = (
        rows[name].take(array_of(which))
        for rows, name, which in ((events, "event_id", event), (lots, "lot_id", lot))
    )
    cancels = pc.equal(events["action"].take(array_of(event)), _words(ACTIONS)[CANCEL])
    behind = pc.or_(pc.greater(of_event, of_lot), pc.and_not(pc.equal(of_event, of_lot), cancels))
    parts = np.concatenate([lot * 3 + 2 * values_of(behind), coming * 3 + 1])
    # two runs, each in order
    order = np.argsort(parts, kind="stable")
    return (
        np.concatenate([lot, coming])[order],
        np.concatenate([event, np.full(coming.size, NONE)])[order],
        np.concatenate([points, came_with[coming]])[order],
    )


def _account_numbers(events: pa.ChunkedArray, lots: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
    """Accounts as numbers in their order, below 0 for a lot whose account has no event."""
    sorted_events = events.combine_chunks()
    begins = begins_of_runs(sorted_events)
    found = pc.index_in(lots, value_set=sorted_events.filter(array_of(begins)))
    return np.cumsum(begins) - 1, numbers_of(found, NONE)


def _in_turn(account: Numbers, turn: Numbers) -> Numbers:
    """Where what is taken first is, second, and so on, account by account; accounts ascend."""
    if not turn.size:
        return np.zeros(0, np.int64)
    first = int(turn.min())
    span = int(turn.max()) - first + 1
    if (int(account[-1]) + 1) * span <= np.iinfo(np.int64).max:
        # one number of both, where it fits: much faster
        return np.argsort(account * span + (turn - first), kind="stable")
    return np.lexsort((turn, account))


def _handed_on(events: pa.Schema) -> list[str]:
    return [name for name in events.names if name not in FOR_THE_LOOP]


def _or_nulls(events: pa.Table, name: str) -> pa.ChunkedArray:
    if name in events.column_names:
        return events[name]
    return pa.chunked_array([pa.nulls(events.num_rows, pa.int64())])


def days_of(values: pa.ChunkedArray) -> Numbers:
    """Days as numbers since 1970, with one after all others for nulls."""
    return numbers_of(values.cast(pa.int32()), NEVER)


@cache
def _words(words: tuple[str, ...]) -> pa.Array:
    rows = ({"word": word} for word in words)
    return relation_of(rows, pa.schema([("word", pa.string())]))["word"].combine_chunks()


def _codes(actions: pa.ChunkedArray) -> Codes:
    found = pc.index_in(actions, value_set=_words(ACTIONS))
    if found.null_count:
        raise ValueError(f"unknown action among {pc.unique(actions).to_pylist()}")
    return np.array(values_of(found), np.int8)


# Batches of whole accounts


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


def _by_account(
    lots: pa.RecordBatchReader, events: pa.RecordBatchReader, account: str
) -> Iterable[tuple[pa.Table, pa.Table]]:
    """The lots and events of some whole accounts at a time; once of none, if there are none."""
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
