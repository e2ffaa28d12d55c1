"""The fold: events that have to be decided one after another, over lots of points or miles.

Whether a redemption, refund, award or payment is accepted depends on those before it, so these go
through one compiled loop (P2–P6, W5, X1, X2, M2, M3). SQL prepares its events and lots, sorted by
account, and reads what came of them; the loop knows neither benefits nor charts, only that

- a lot can be used from the day it is credited through the day it expires (P);
- `spend` and `spend_refundable` take from the usable lots in the order of spending, all or nothing
  (P3, P6), unless `refusal` holds a reason that was found before;
- a `quota` allows so many accepted events of its name within one fold (P4: a month);
- `cancel` gives back what the event with the same ticket took, or `amount` of it, to the same lots,
  what was taken last first (P5). Tickets are numbers from 0 on, shared by an event and its
  cancellations. What was decided in an earlier fold comes as an event `earlier`, whose `amount`
  came back already, `earlier_rejected` or `earlier_cancelled`, before the others;
- a monthly limit is a lot, the account's only one, that never expires: what is left of it can be
  spent (M3). `set_limit` makes `amount` the limit; a `refusal` doesn't hold where that is no more
  than the limit in force, unless the account has no lot (M2). What is left may be below 0 then.
  `standard_limit` makes `amount` the limit as long as no `set_limit` was accepted (M1).

An account is never split, and there is no limit on its lots or events; memory holds a few batches
of accounts at a time. The loop sees days as whole numbers since 1970.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrays import Numbers, array_of, begins_of_runs, numbers_of, values_of
from transforms.engine.plain import relation_of
from transforms.engine.row_groups import RowGroups
from transforms.engine.threads import beside
from transforms.ledger.accounts import by_account
from transforms.ledger.decisions import ACTIONS, CANCEL, NEVER, NONE, VERDICTS

Codes = npt.NDArray[np.int8]

SpendingOrder = Literal["earliest_expiry", "oldest_credit"]
"""Which lots go first: by expires_on, then credited_on and lot_id (P3), or by the latter (X2)."""

FOR_THE_LOOP: Final = ("quota", "quota_limit", "ticket", "turn")
"""What events have for the loop alone."""

_BATCHES_UNDER_WAY: Final = 3
_FOLDED_AT_ONCE: Final = 2


class FoldedFiles(NamedTuple):
    """What is folded, as Parquet files whose rows stand in the order of the input.

    `lots`: with `remaining` as the events leave it; empty lots stay. `events`: without what is for
    the loop, with `verdict`, `usable`, what the account could spend after the event, and `spent`,
    what this fold's events took from the account until then and did not give back.
    `movements`: a row for each lot that an event took from (`points` below 0) or gave back to
    (above 0), and for each that `comes` (what it came with), with the columns that `fold` was asked
    for. They are in the order of the lots, and of one lot in that of the events. That a lot comes
    has no event; it stands where its `lot_id` belongs among the events' `event_id`, of the same
    behind cancellations and before all others.
    """

    lots: Path
    events: Path
    movements: Path


def fold(
    lots: pa.RecordBatchReader,
    events: pa.RecordBatchReader,
    scratch: Path,
    *,
    spending_order: SpendingOrder,
    account: str = "account",
    of_lot: Sequence[str] = (),
    of_event: Sequence[str] = (),
    earlier_takings: pa.Table | None = None,
) -> FoldedFiles:
    """Decides all events over the lots of their accounts; what came of them is in files in scratch.

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

    `of_lot` and `of_event` are the columns that a row of `movements` carries of either.
    `earlier_takings`: what earlier events took, if anything: `ticket`, `tag` of the lot, `points`
    above 0, and `place`, a number in the order in which a ticket's were taken.
    """
    batch = _Batch(account, spending_order, of_lot, of_event, _History.of(earlier_takings))
    files = FoldedFiles(*(scratch / f"folded_{name}.parquet" for name in FoldedFiles._fields))
    with ExitStack() as opened:
        writers = [
            opened.enter_context(RowGroups(path, compression="lz4", write_statistics=False))
            for path in files
        ]
        # a batch is read while those before are folded, and others, in their order, are written
        folder = opened.enter_context(beside(_FOLDED_AT_ONCE))
        threads = [opened.enter_context(beside()) for _ in files]

        def write(part: int, folding: Future[tuple[pa.Table, pa.Table, pa.Table]]) -> None:
            writers[part].write(folding.result()[part])

        under_way: deque[list[Future[None]]] = deque()
        for some_lots, some_events in by_account(lots, events, account):
            folding = folder.submit(batch.folded, some_lots, some_events)
            under_way.append(
                [thread.submit(write, part, folding) for part, thread in enumerate(threads)]
            )
            if len(under_way) > _BATCHES_UNDER_WAY:
                _wait(under_way.popleft())
        while under_way:
            _wait(under_way.popleft())
    return files


def _wait(parts: Sequence[Future[None]]) -> None:
    for part in parts:
        part.result()


# Arrow in and out


@dataclass(frozen=True)
class _History:
    """What earlier events took, a row for each lot of a ticket, by ticket as it was taken.

    `tag`: of the lot; `points`: above 0; `first`: by ticket, the position of its first row, and
    behind the last ticket how many rows there are; `tags`: how many numbers tags go through.
    """

    first: Numbers
    tag: Numbers
    points: Numbers
    tags: int

    @classmethod
    def of(cls, takings: pa.Table | None) -> _History:
        if takings is None:
            nothing = np.zeros(0, np.int64)
            return cls(np.zeros(1, np.int64), nothing, nothing, 0)
        ordered = takings.sort_by([("ticket", "ascending"), ("place", "ascending")])
        ticket = numbers_of(ordered["ticket"], NONE)
        tag = numbers_of(ordered["tag"], NONE)
        tickets = int(ticket[-1]) + 1 if ticket.size else 0
        first = np.searchsorted(ticket, np.arange(tickets + 1)).astype(np.int64)
        return cls(first, tag, numbers_of(ordered["points"], 0), int(tag.max(initial=NONE)) + 1)

    def first_of(self, tickets: int) -> Numbers:
        """`first` for at least so many tickets; those without earlier takings have no rows."""
        more = max(0, tickets + 1 - self.first.size)
        return np.concatenate([self.first, np.full(more, self.tag.size, np.int64)])


@dataclass(frozen=True)
class _Batch:
    """How batches of whole accounts are folded; the names are those of `fold`."""

    account: str
    spending_order: SpendingOrder
    of_lot: Sequence[str]
    of_event: Sequence[str]
    history: _History

    def folded(self, lots: pa.Table, events: pa.Table) -> tuple[pa.Table, pa.Table, pa.Table]:
        """Lots, events and movements of some accounts, as FoldedFiles says."""
        came_with = numbers_of(lots["remaining"], 0)
        left = came_with.copy()
        verdict, usable, spent, taken = self._decided(lots, events, left)
        decided = events.select([name for name in events.column_names if name not in FOR_THE_LOOP])
        for name, values in (
            ("verdict", _words(VERDICTS).take(array_of(verdict))),
            ("usable", array_of(usable)),
            ("spent", array_of(spent)),
        ):
            decided = decided.append_column(name, values)
        lot, event, points = _in_order(lots, events, *taken, came_with)
        which_event = pc.if_else(array_of(event >= 0), array_of(event), pa.nulls(1, pa.int64())[0])
        movements = {name: lots[name].take(array_of(lot)) for name in self.of_lot}
        movements |= {name: events[name].take(which_event) for name in self.of_event}
        movements["points"] = array_of(points)
        at = lots.schema.get_field_index("remaining")
        lots_now = lots.set_column(at, lots.schema.field(at), array_of(left))
        return lots_now, decided, pa.table(movements)

    def _decided(
        self, lots: pa.Table, events: pa.Table, remaining: Numbers
    ) -> tuple[Codes, Numbers, Numbers, tuple[Numbers, Numbers, Numbers]]:
        """Decides the events; changes `remaining`, the points left of each lot.

        Returns of each event the verdict, what was usable and what was spent after it; and what
        moved: row of the lot, row of the event, points.
        """
        if not events.num_rows:
            nothing = np.zeros(0, np.int64)
            return np.zeros(0, np.int8), nothing, nothing, (nothing, nothing, nothing)
        event_account, lot_account = _account_numbers(events[self.account], lots[self.account])
        # the loop takes lots by account and credited_on; those of accounts without events stay out
        credited_on = _days_of(lots["credited_on"])
        of_events = np.flatnonzero(lot_account >= 0)
        place = of_events[_in_turn(lot_account[of_events], credited_on[of_events])]
        turns = _in_turn(event_account, numbers_of(_or_nulls(events, "turn"), 0))
        ticket = numbers_of(_or_nulls(events, "ticket"), NONE)
        left = remaining[place]
        quota = pc.dictionary_encode(_or_nulls(events, "quota").combine_chunks())
        # compiled code takes a while to load, and where nothing has to be decided isn't needed
        from transforms.ledger.loop import fold_accounts

        verdict, usable, spent, taken = fold_accounts(
            lot_account[place],
            credited_on[place],
            _days_of(lots["expires_on"])[place],
            _days_of(lots["changes_on"])[place],
            _days_of(lots["changed_expires_on"])[place],
            values_of(lots["refundable"])[place],
            left,
            numbers_of(lots["tag"], NONE)[place],
            event_account,
            _days_of(events["on_day"])[turns],
            _codes(events["action"])[turns],
            numbers_of(events["amount"], 0)[turns],
            numbers_of(quota.indices, NONE)[turns],
            numbers_of(_or_nulls(events, "quota_limit"), 0)[turns],
            values_of(pc.is_valid(events["refusal"]))[turns],
            ticket[turns],
            len(quota.dictionary),
            self.history.tags,
            self.spending_order == "earliest_expiry",
            self.history.first_of(int(ticket.max(initial=NONE)) + 1),
            self.history.tag,
            self.history.points,
        )
        remaining[place] = left
        as_they_came = np.empty_like(turns)
        as_they_came[turns] = np.arange(turns.size)
        event, lot, points = np.ascontiguousarray(taken.T)
        return (
            verdict[as_they_came],
            usable[as_they_came],
            spent[as_they_came],
            (place[lot], turns[event], points),
        )


def _in_order(
    lots: pa.Table,
    events: pa.Table,
    lot: Numbers,
    event: Numbers,
    points: Numbers,
    came_with: Numbers,
) -> tuple[Numbers, Numbers, Numbers]:
    """Takings (row of the lot, row of the event, points) and lots that come, in the order of
    `FoldedFiles.movements`; where a lot comes the event is NONE.

    `came_with`: what each lot came with, in points.
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


def _or_nulls(events: pa.Table, name: str) -> pa.ChunkedArray:
    if name in events.column_names:
        return events[name]
    return pa.chunked_array([pa.nulls(events.num_rows, pa.int64())])


def _days_of(values: pa.ChunkedArray) -> Numbers:
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
