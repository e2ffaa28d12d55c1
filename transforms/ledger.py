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
from heapq import heappop, heappush
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from transforms.arrays import array_of, values_of
from transforms.plain import relation_of
from transforms.row_groups import RowGroups
from transforms.threads import beside

# NumPy and the engine take memory from there as well, and take over what Arrow is done with
pa.set_memory_pool(pa.system_memory_pool())

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]

SpendingOrder = Literal["earliest_expiry", "oldest_credit"]
"""Which lots go first: by expires_on, then credited_on and lot_id (P3), or by the latter (X2)."""

ACTIONS: Final = (
    "spend",
    "spend_refundable",
    "cancel",
    "earlier",
    "earlier_rejected",
    "earlier_cancelled",
    "set_limit",
    "standard_limit",
)
_SPEND, _SPEND_REFUNDABLE, _CANCEL, *_OTHERS = range(len(ACTIONS))
_EARLIER, _EARLIER_REJECTED, _EARLIER_CANCELLED, _SET_LIMIT, _STANDARD_LIMIT = _OTHERS

VERDICTS: Final = (
    "accepted",
    "refused",
    "over_quota",
    "insufficient",
    "unknown_event",
    "not_accepted",
    "already_cancelled",
)
"""What came of an event; `refused`: for the reason in its `refusal`."""
_ACCEPTED, _REFUSED, _OVER_QUOTA, _INSUFFICIENT, _UNKNOWN_EVENT, _NOT_ACCEPTED, _ALREADY = range(
    len(VERDICTS)
)

FOR_THE_LOOP: Final = ("quota", "quota_limit", "ticket", "turn")
"""What events have for the loop alone."""

_NEVER: Final = (1 << 31) - 1
_NONE: Final = -1
_POSITION_BITS: Final = 32
_POSITION: Final = (1 << _POSITION_BITS) - 1
_ROWS_AT_ONCE: Final = 1 << 16
_BATCHES_UNDER_WAY: Final = 3
_FOLDED_AT_ONCE: Final = 2

BALANCES: Final = ("usable", "spent")
"""What an account has after an event; see `Folded`."""


Sink = Callable[[pa.Table], None]


@dataclass(frozen=True)
class Into:
    """Where what is folded goes: some whole accounts at a time, in the order of the input.

    Each is called at least once, by one thread at a time; several of them may be at work at once.
    `lots`: the lots, `remaining` as it is now. `events`: the events, without what is for the loop,
    with `verdict`, and if asked for the account's balances after it: `usable`, what could be spent
    then, and `spent`, what this fold's events took until then and did not give back.
    `movements`: a row for each lot that an event took from (`points` below 0) or gave back to
    (above 0), and for each that `comes` (what it came with), with the columns that `fold` was asked
    for. They are in the order of the lots, and of one lot in that of the events. That a lot comes
    has no event; it stands where its `lot_id` belongs among the events' `event_id`, of the same
    behind cancellations and before all others.
    """

    lots: Sink
    events: Sink
    movements: Sink


class FoldedFiles:
    """What is folded as Parquet files in scratch, whole when the `with` block ends."""

    def __init__(self, scratch: Path) -> None:
        names = ("lots", "events", "movements")
        self.lots, self.events, self.movements = (
            scratch / f"folded_{name}.parquet" for name in names
        )
        self._open = ExitStack()

    def __enter__(self) -> Into:
        return Into(*map(self._written, (self.lots, self.events, self.movements)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def _written(self, path: Path) -> Sink:
        file = RowGroups(path, compression="lz4", write_statistics=False)
        return self._open.enter_context(file).write


def fold(
    lots: pa.RecordBatchReader,
    events: pa.RecordBatchReader,
    into: Into,
    *,
    spending_order: SpendingOrder,
    of_lot: Sequence[str],
    of_event: Sequence[str],
    earlier_takings: pa.Table | None = None,
    account: str = "account",
    emptied: bool = True,
    balances: bool = False,
) -> None:
    """Decides all events over the lots of their accounts.

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
        sinks = [
            (threads.enter_context(beside()), sink)
            for sink in (into.lots, into.events, into.movements)
        ]

        def hand_on(folding: Future[tuple[pa.Table, ...]], which: int, sink: Sink) -> None:
            sink(folding.result()[which])

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
            under_way.append(
                [
                    thread.submit(hand_on, folding, which, sink)
                    for which, (thread, sink) in enumerate(sinks)
                ]
            )
            if len(under_way) > _BATCHES_UNDER_WAY:
                _wait(under_way.popleft())
        for parts in under_way:
            _wait(parts)


def _wait(parts: Iterable[Future[None]]) -> None:
    for part in parts:
        part.result()


# The loop


@njit(cache=True, nogil=True)
def _fold_accounts(
    lot_account: Numbers,
    credited_on: Numbers,
    expires_on: Numbers,
    changes_on: Numbers,
    changed_expires_on: Numbers,
    refundable: Flags,
    remaining: Numbers,
    tag: Numbers,
    event_account: Numbers,
    on_day: Numbers,
    action: Codes,
    amount: Numbers,
    quota: Numbers,
    quota_limit: Numbers,
    refused: Flags,
    ticket: Numbers,
    quotas: int,
    by_expiry: bool,
    ticket_event: Numbers,
    tag_lot: Numbers,
    earlier_first: Numbers,
    earlier_tag: Numbers,
    earlier_points: Numbers,
    usable_after: Numbers,
    spent_after: Numbers,
) -> tuple[Codes, Numbers, Numbers, Numbers]:
    """Decides the events; changes `remaining`. Returns verdicts and takings (event, lot, points).

    `ticket_event` and `tag_lot` are room for the loop: positions by ticket and by tag. The
    balances after each event go to `usable_after` and `spent_after`, if there is room.
    """
    events, lots = event_account.size, lot_account.size
    verdict = np.zeros(events, np.int8)
    cancelled = np.zeros(events, np.bool_)
    first_taking = np.zeros(events, np.int64)
    last_taking = np.zeros(events, np.int64)
    lapsed = np.zeros(lots, np.bool_)
    queued = np.zeros(lots, np.bool_)
    queued_refundable = np.zeros(lots, np.bool_)
    accepted_of = np.zeros(quotas, np.int64)
    taken_event = np.empty(1024, np.int64)
    taken_lot = np.empty(1024, np.int64)
    taken_points = np.empty(1024, np.int64)
    takings = 0
    # each heap holds lots by what comes first in their key, with the lot's position below it
    spending = [np.int64(0) for _ in range(0)]
    spending_refundable = [np.int64(0) for _ in range(0)]
    expiring = [np.int64(0) for _ in range(0)]

    lot = 0
    event = 0
    while event < events:
        account = event_account[event]
        while lot < lots and lot_account[lot] < account:
            lot += 1
        first_lot = lot
        first_event = event
        changing = False
        while lot < lots and lot_account[lot] == account:
            if tag[lot] >= 0:
                tag_lot[tag[lot]] = lot
            changing = changing or changes_on[lot] != _NEVER
            lot += 1
        spending.clear()
        spending_refundable.clear()
        expiring.clear()
        accepted_of[:] = 0
        usable = 0
        usable_refundable = 0
        spent = 0
        limit_was_set = False
        arriving = first_lot
        day = np.int64(-_NEVER)

        while event < events and event_account[event] == account:
            if on_day[event] > day:
                before, day = day, on_day[event]
                if changing:
                    for changed in range(first_lot, lot):
                        if before < changes_on[changed] <= day:
                            expires_on[changed] = changed_expires_on[changed]
                            if changed < arriving and not lapsed[changed]:
                                key = (expires_on[changed] << _POSITION_BITS) | changed
                                heappush(expiring, key)
                                if by_expiry and queued[changed]:
                                    heappush(spending, key)
                                if by_expiry and queued_refundable[changed]:
                                    heappush(spending_refundable, key)
                while arriving < lot and credited_on[arriving] <= day:
                    key = arriving
                    if by_expiry:
                        key = (expires_on[arriving] << _POSITION_BITS) | arriving
                    if remaining[arriving] > 0:
                        heappush(spending, key)
                        queued[arriving] = True
                        if refundable[arriving]:
                            heappush(spending_refundable, key)
                            queued_refundable[arriving] = True
                    usable += remaining[arriving]
                    if refundable[arriving]:
                        usable_refundable += remaining[arriving]
                    if expires_on[arriving] != _NEVER:
                        heappush(expiring, (expires_on[arriving] << _POSITION_BITS) | arriving)
                    arriving += 1
                while len(expiring) > 0 and (expiring[0] >> _POSITION_BITS) < day:
                    at = heappop(expiring) & _POSITION
                    if not lapsed[at] and expires_on[at] < day:
                        lapsed[at] = True
                        usable -= remaining[at]
                        if refundable[at]:
                            usable_refundable -= remaining[at]

            did = action[event]
            first_taking[event] = takings
            if did in (_EARLIER, _EARLIER_REJECTED, _EARLIER_CANCELLED):
                if did == _EARLIER_REJECTED:
                    verdict[event] = _REFUSED
                cancelled[event] = did == _EARLIER_CANCELLED
                ticket_event[ticket[event]] = event

            elif did == _CANCEL:
                target = ticket_event[ticket[event]]
                if target < first_event or target >= event or event_account[target] != account:
                    verdict[event] = _UNKNOWN_EVENT
                elif verdict[target] != _ACCEPTED:
                    verdict[event] = _NOT_ACCEPTED
                elif cancelled[target]:
                    verdict[event] = _ALREADY
                else:
                    cancelled[target] = True
                    if quota[target] >= 0:
                        accepted_of[quota[target]] -= 1
                    came_earlier = action[target] == _EARLIER
                    if came_earlier:
                        begin = earlier_first[ticket[event]]
                        end = earlier_first[ticket[event] + 1]
                    else:
                        begin, end = first_taking[target], last_taking[target]
                    for taking in range(begin, end):
                        if came_earlier:
                            at = tag_lot[earlier_tag[taking]]
                            points = earlier_points[taking]
                            if at < 0:
                                raise ValueError("a lot that an earlier event took from is missing")
                        else:
                            at = taken_lot[taking]
                            points = -taken_points[taking]
                        remaining[at] += points
                        spent -= points
                        if not lapsed[at]:
                            usable += points
                            key = at
                            if by_expiry:
                                key = (expires_on[at] << _POSITION_BITS) | at
                            if not queued[at]:
                                heappush(spending, key)
                                queued[at] = True
                            if refundable[at]:
                                usable_refundable += points
                                if not queued_refundable[at]:
                                    heappush(spending_refundable, key)
                                    queued_refundable[at] = True
                        if takings == taken_event.size:
                            taken_event = _doubled(taken_event)
                            taken_lot = _doubled(taken_lot)
                            taken_points = _doubled(taken_points)
                        taken_event[takings] = event
                        taken_lot[takings] = at
                        taken_points[takings] = points
                        takings += 1

            elif did in (_SET_LIMIT, _STANDARD_LIMIT):
                more = amount[event] - (usable + spent)
                if first_lot == lot or (refused[event] and more > 0):
                    verdict[event] = _REFUSED
                elif did == _SET_LIMIT or not limit_was_set:
                    limit_was_set = limit_was_set or did == _SET_LIMIT
                    remaining[first_lot] += more
                    usable += more
                    if not queued[first_lot]:
                        key = first_lot
                        if by_expiry:
                            key = (expires_on[first_lot] << _POSITION_BITS) | first_lot
                        heappush(spending, key)
                        queued[first_lot] = True

            else:
                if ticket[event] >= 0:
                    ticket_event[ticket[event]] = event
                wanted = amount[event]
                only_refundable = did == _SPEND_REFUNDABLE
                at_hand = usable_refundable if only_refundable else usable
                if refused[event]:
                    verdict[event] = _REFUSED
                elif quota[event] >= 0 and accepted_of[quota[event]] >= quota_limit[event]:
                    verdict[event] = _OVER_QUOTA
                elif at_hand < wanted:
                    verdict[event] = _INSUFFICIENT
                else:
                    if quota[event] >= 0:
                        accepted_of[quota[event]] += 1
                    while wanted > 0:
                        heap = spending_refundable if only_refundable else spending
                        first = heap[0]
                        at = first & _POSITION
                        outdated = by_expiry and (first >> _POSITION_BITS) != expires_on[at]
                        if outdated or lapsed[at] or remaining[at] == 0:
                            heappop(heap)
                            if not outdated:
                                if only_refundable:
                                    queued_refundable[at] = False
                                else:
                                    queued[at] = False
                            continue
                        points = min(wanted, remaining[at])
                        remaining[at] -= points
                        wanted -= points
                        usable -= points
                        spent += points
                        if refundable[at]:
                            usable_refundable -= points
                        if takings == taken_event.size:
                            taken_event = _doubled(taken_event)
                            taken_lot = _doubled(taken_lot)
                            taken_points = _doubled(taken_points)
                        taken_event[takings] = event
                        taken_lot[takings] = at
                        taken_points[takings] = -points
                        takings += 1
            last_taking[event] = takings
            if spent_after.size > 0:
                usable_after[event] = usable
                spent_after[event] = spent
            event += 1
    return verdict, taken_event[:takings], taken_lot[:takings], taken_points[:takings]


@njit(cache=True, nogil=True)
def _doubled(room: Numbers) -> Numbers:
    larger = np.empty(room.size * 2, np.int64)
    # an assignment to a slice would take 4 seconds more to compile
    for place in range(room.size):
        larger[place] = room[place]
    return larger


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
        ticket = _numbers(ordered["ticket"], _NONE)
        tag = _numbers(ordered["tag"], _NONE)
        tickets = int(ticket[-1]) + 1 if ticket.size else 0
        first = np.searchsorted(ticket, np.arange(tickets + 1)).astype(np.int64)
        return cls(first, tag, _numbers(ordered["points"], 0), int(tag.max(initial=_NONE)) + 1)

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
) -> tuple[pa.Table, pa.Table, pa.Table]:
    event_account, lot_account = _account_numbers(events[account], lots[account])
    # the loop takes lots by account and credited_on; those of accounts without events stay out
    credited_on = _days(lots["credited_on"])
    place = np.lexsort((credited_on, lot_account))
    place = place[np.searchsorted(lot_account[place], 0) :]
    turns = _in_turn(event_account, _numbers(_or_nulls(events, "turn"), 0))
    ticket = _numbers(_or_nulls(events, "ticket"), _NONE)
    tickets = int(ticket.max(initial=_NONE)) + 1
    came_with = _numbers(lots["remaining"], 0)
    left = came_with[place]
    quota = pc.dictionary_encode(_or_nulls(events, "quota").combine_chunks())
    words = _words(VERDICTS)
    usable, spent = (np.zeros(events.num_rows if balances else 0, np.int64) for _ in BALANCES)
    verdict, event, lot, points = _fold_accounts(
        lot_account[place],
        credited_on[place],
        _days(lots["expires_on"])[place],
        _days(lots["changes_on"])[place],
        _days(lots["changed_expires_on"])[place],
        values_of(lots["refundable"])[place],
        left,
        _numbers(lots["tag"], _NONE)[place],
        event_account,
        _days(events["on_day"])[turns],
        _codes(events["action"])[turns],
        _numbers(events["amount"], 0)[turns],
        _numbers(quota.indices, _NONE)[turns],
        _numbers(_or_nulls(events, "quota_limit"), 0)[turns],
        values_of(pc.is_valid(events["refusal"]))[turns],
        ticket[turns],
        len(quota.dictionary),
        by_expiry,
        np.full(tickets, _NONE, np.int64),
        np.full(history.tags, _NONE, np.int64),
        history.with_tickets(tickets),
        history.tag,
        history.points,
        usable,
        spent,
    )
    as_they_came = np.empty_like(turns)
    as_they_came[turns] = np.arange(turns.size)
    handed_on = events.select(_handed_on(events.schema))
    decided = handed_on.append_column("verdict", words.take(array_of(verdict[as_they_came])))
    if balances:
        for name, numbers in zip(BALANCES, (usable, spent), strict=True):
            decided = decided.append_column(name, array_of(numbers[as_they_came]))
    lot, event, points = _movements(lots, events, place[lot], turns[event], points, came_with)
    which_event = pc.if_else(array_of(event >= 0), array_of(event), pa.nulls(1, pa.int64())[0])
    movements = {name: lots[name].take(array_of(lot)) for name in of_lot}
    movements |= {name: events[name].take(which_event) for name in of_event}
    movements["points"] = array_of(points)
    remaining = came_with.copy()
    remaining[place] = left
    at = lots.schema.get_field_index("remaining")
    lots = lots.set_column(at, lots.schema.field(at), array_of(remaining))
    if not emptied and not remaining.all():
        lots = lots.filter(array_of(remaining != 0))
    return lots, decided, pa.table(movements)


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
    cancels = pc.equal(events["action"].take(array_of(event)), _words(ACTIONS)[_CANCEL])
    behind = pc.or_(pc.greater(of_event, of_lot), pc.and_not(pc.equal(of_event, of_lot), cancels))
    parts = np.concatenate([lot * 3 + 2 * values_of(behind), coming * 3 + 1])
    # two runs, each in order
    order = np.argsort(parts, kind="stable")
    return (
        np.concatenate([lot, coming])[order],
        np.concatenate([event, np.full(coming.size, _NONE)])[order],
        np.concatenate([points, came_with[coming]])[order],
    )


def _account_numbers(events: pa.ChunkedArray, lots: pa.ChunkedArray) -> tuple[Numbers, Numbers]:
    """Accounts as numbers in their order, below 0 for a lot whose account has no event."""
    sorted_events = events.combine_chunks()
    begins = np.ones(len(sorted_events), np.bool_)
    begins[1:] = pc.not_equal(sorted_events[1:], sorted_events[:-1])
    found = pc.index_in(lots, value_set=sorted_events.filter(array_of(begins)))
    return np.cumsum(begins) - 1, _numbers(found, _NONE)


def _in_turn(account: Numbers, turn: Numbers) -> Numbers:
    """Where the events are that are taken first, second, and so on, account by account."""
    if not turn.size:
        return turn
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


def _numbers(values: pa.ChunkedArray | pa.Array, missing: int) -> Numbers:
    """A copy: the loop writes into some of them, and Arrow's memory is read-only."""
    numbers = values.cast(pa.int64())
    if numbers.null_count:
        numbers = pc.fill_null(numbers, array_of(np.array([missing], np.int64))[0])
    return np.array(values_of(numbers), np.int64)


def _days(values: pa.ChunkedArray) -> Numbers:
    return _numbers(values.cast(pa.int32()), _NEVER)


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
