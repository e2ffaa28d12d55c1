"""The compiled loop of the fold: takes the events of whole accounts one after another."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt
from numba import njit

from transforms.ledger.decisions import (
    ABOVE_TAKEN,
    ACCEPTED,
    ALREADY,
    CANCEL,
    EARLIER,
    EARLIER_CANCELLED,
    EARLIER_REJECTED,
    INSUFFICIENT,
    NEVER,
    NONE,
    NOT_ACCEPTED,
    OVER_QUOTA,
    POSITION,
    POSITION_BITS,
    REFUSED,
    SET_LIMIT,
    SPEND_REFUNDABLE,
    STANDARD_LIMIT,
    UNKNOWN_EVENT,
)

Numbers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def fold_accounts(
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
    tags: int,
    by_expiry: bool,
    earlier_first: Numbers,
    earlier_tag: Numbers,
    earlier_points: Numbers,
) -> tuple[Codes, Numbers, Numbers, Numbers]:
    """Decides the events of whole accounts, one after another.

    Returns of each event its verdict (a position in VERDICTS), what its account could spend after
    it, and what the account's events until then took and did not give back (points); and of each
    taking a row: position of the event, position of the lot, points (below 0 where the event took
    from the lot, above 0 where it gave back to it), in the order in which they happened.

    Of each lot, sorted by account, then day of credit; days are whole numbers since 1970, and NEVER
    stands for none:

    - `lot_account`: number of its account, ascending
    - `credited_on`, `expires_on`: first and last day on which it can be used; the latter is changed
      where a change of policy takes effect
    - `changes_on`, `changed_expires_on`: the day from which another last day holds, and that day
    - `refundable`: flag, whether a refund may take from it
    - `remaining`: points left of it; changed
    - `tag`: its number among those that earlier folds took from, or NONE

    Of each event, sorted by account, then turn:

    - `event_account`: number of its account, ascending; an account may have no lot
    - `on_day`: its day, never before that of the account's event before it
    - `action`: position in ACTIONS
    - `amount`: points wanted, or the limit asked for; of a cancellation the points to give back, 0
      for all that is left; of what an earlier fold decided the points that came back already
    - `quota`: number of the quota that it counts against, or NONE; `quota_limit`: how many events
      of that quota an account may have accepted
    - `refused`: flag, whether a reason against it was found before
    - `ticket`: number that it shares with the event that it cancels, or that cancels it, or NONE

    And besides:

    - `quotas`, `tags`: how many numbers of either there are
    - `by_expiry`: flag, whether the lots that expire first are spent first; else the lots as they
      are sorted
    - `earlier_first`: position by ticket of its first row in the next two, and behind the last
      ticket how many rows there are
    - `earlier_tag`, `earlier_points`: tag of the lot that an earlier fold took from, and points, in
      the order in which it took them

    Raises ValueError where such a lot is to be given back to and is not among the lots.
    """
    events, lots = event_account.size, lot_account.size
    # by event: position in VERDICTS, flag, points that came back of it, positions in `taken` (the
    # latter behind its last one), and points, or what else the lots hold
    verdict = np.zeros(events, np.int8)
    cancelled = np.zeros(events, np.bool_)
    came_back = np.zeros(events, np.int64)
    first_taking = np.zeros(events, np.int64)
    last_taking = np.zeros(events, np.int64)
    usable_after = np.zeros(events, np.int64)
    spent_after = np.zeros(events, np.int64)
    # by lot, flags: expired, in the heap `spending`, in `spending_refundable`
    lapsed = np.zeros(lots, np.bool_)
    queued = np.zeros(lots, np.bool_)
    queued_refundable = np.zeros(lots, np.bool_)
    # by quota: how many events of the account under way were accepted
    accepted_of = np.zeros(quotas, np.int64)
    # by ticket the position of its event, by tag that of its lot; `taken`: event, lot and points
    ticket_event = np.full(earlier_first.size - 1, NONE, np.int64)
    tag_lot = np.full(tags, NONE, np.int64)
    taken = np.empty((1024, 3), np.int64)
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
        # what no event of the account asks for isn't put in order
        ends_on = np.int64(-NEVER)
        refunds = False
        behind = event
        while behind < events and event_account[behind] == account:
            ends_on = max(ends_on, on_day[behind])
            refunds = refunds or action[behind] == SPEND_REFUNDABLE
            behind += 1
        changing = False
        while lot < lots and lot_account[lot] == account:
            if tag[lot] >= 0:
                tag_lot[tag[lot]] = lot
            changing = changing or changes_on[lot] != NEVER
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
        day = np.int64(-NEVER)

        while event < behind:
            if on_day[event] > day:
                before, day = day, on_day[event]
                if changing:
                    for changed in range(first_lot, lot):
                        if before < changes_on[changed] <= day:
                            expires_on[changed] = changed_expires_on[changed]
                            if changed < arriving and not lapsed[changed]:
                                key = (expires_on[changed] << POSITION_BITS) | changed
                                if expires_on[changed] < ends_on:
                                    heappush(expiring, key)
                                if by_expiry and queued[changed]:
                                    heappush(spending, key)
                                if by_expiry and queued_refundable[changed]:
                                    heappush(spending_refundable, key)
                while arriving < lot and credited_on[arriving] <= day:
                    key = _spending_key(expires_on, arriving, by_expiry)
                    if remaining[arriving] > 0:
                        heappush(spending, key)
                        queued[arriving] = True
                        if refunds and refundable[arriving]:
                            heappush(spending_refundable, key)
                            queued_refundable[arriving] = True
                    usable += remaining[arriving]
                    if refundable[arriving]:
                        usable_refundable += remaining[arriving]
                    if expires_on[arriving] < ends_on:
                        heappush(expiring, (expires_on[arriving] << POSITION_BITS) | arriving)
                    arriving += 1
                while len(expiring) > 0 and (expiring[0] >> POSITION_BITS) < day:
                    at = heappop(expiring) & POSITION
                    if not lapsed[at] and expires_on[at] < day:
                        lapsed[at] = True
                        usable -= remaining[at]
                        if refundable[at]:
                            usable_refundable -= remaining[at]

            did = action[event]
            first_taking[event] = takings
            if did in (EARLIER, EARLIER_REJECTED, EARLIER_CANCELLED):
                if did == EARLIER_REJECTED:
                    verdict[event] = REFUSED
                cancelled[event] = did == EARLIER_CANCELLED
                came_back[event] = amount[event]
                ticket_event[ticket[event]] = event

            elif did == CANCEL:
                target = ticket_event[ticket[event]]
                if target < first_event or target >= event or event_account[target] != account:
                    verdict[event] = UNKNOWN_EVENT
                elif verdict[target] != ACCEPTED:
                    verdict[event] = NOT_ACCEPTED
                elif cancelled[target]:
                    verdict[event] = ALREADY
                else:
                    came_earlier = action[target] == EARLIER
                    if came_earlier:
                        begin = earlier_first[ticket[event]]
                        end = earlier_first[ticket[event] + 1]
                    else:
                        begin, end = first_taking[target], last_taking[target]
                    left = -came_back[target]
                    for taking in range(begin, end):
                        left += earlier_points[taking] if came_earlier else -taken[taking, 2]
                    wanted = amount[event] if amount[event] > 0 else left
                    if wanted > left:
                        verdict[event] = ABOVE_TAKEN
                        begin, wanted = end, 0
                    elif wanted == left:
                        cancelled[target] = True
                        if quota[target] >= 0:
                            accepted_of[quota[target]] -= 1
                    # what was taken last comes back first; `behind_it` came back before
                    behind_it = came_back[target]
                    came_back[target] += wanted
                    for taking in range(end - 1, begin - 1, -1):
                        if came_earlier:
                            at = tag_lot[earlier_tag[taking]]
                            points = earlier_points[taking]
                        else:
                            at = taken[taking, 1]
                            points = -taken[taking, 2]
                        gone = min(points, behind_it)
                        behind_it -= gone
                        points = min(points - gone, wanted)
                        if points == 0:
                            continue
                        if at < 0:
                            raise ValueError("a lot that an earlier event took from is missing")
                        wanted -= points
                        remaining[at] += points
                        spent -= points
                        if not lapsed[at]:
                            usable += points
                            key = _spending_key(expires_on, at, by_expiry)
                            if not queued[at]:
                                heappush(spending, key)
                                queued[at] = True
                            if refundable[at]:
                                usable_refundable += points
                                if refunds and not queued_refundable[at]:
                                    heappush(spending_refundable, key)
                                    queued_refundable[at] = True
                        taken = _noted(taken, takings, event, at, points)
                        takings += 1

            elif did in (SET_LIMIT, STANDARD_LIMIT):
                more = amount[event] - (usable + spent)
                if first_lot == lot or (refused[event] and more > 0):
                    verdict[event] = REFUSED
                elif did == SET_LIMIT or not limit_was_set:
                    limit_was_set = limit_was_set or did == SET_LIMIT
                    remaining[first_lot] += more
                    usable += more
                    if not queued[first_lot]:
                        heappush(spending, _spending_key(expires_on, first_lot, by_expiry))
                        queued[first_lot] = True

            else:
                if ticket[event] >= 0:
                    ticket_event[ticket[event]] = event
                wanted = amount[event]
                only_refundable = did == SPEND_REFUNDABLE
                at_hand = usable_refundable if only_refundable else usable
                if refused[event]:
                    verdict[event] = REFUSED
                elif quota[event] >= 0 and accepted_of[quota[event]] >= quota_limit[event]:
                    verdict[event] = OVER_QUOTA
                elif at_hand < wanted:
                    verdict[event] = INSUFFICIENT
                else:
                    if quota[event] >= 0:
                        accepted_of[quota[event]] += 1
                    while wanted > 0:
                        heap = spending_refundable if only_refundable else spending
                        first = heap[0]
                        at = first & POSITION
                        outdated = by_expiry and (first >> POSITION_BITS) != expires_on[at]
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
                        taken = _noted(taken, takings, event, at, -points)
                        takings += 1
            last_taking[event] = takings
            usable_after[event] = usable
            spent_after[event] = spent
            event += 1
    return verdict, usable_after, spent_after, taken[:takings]


@njit(cache=True, nogil=True)
def _spending_key(expires_on: Numbers, lot: int, by_expiry: bool) -> np.int64:
    """What the heaps of lots to spend are sorted by; its lowest bits are the lot's position."""
    return np.int64((expires_on[lot] << POSITION_BITS) | lot if by_expiry else lot)


@njit(cache=True, nogil=True)
def _noted(
    taken: Numbers, row: int, event: int, lot: int | np.int64, points: int | np.int64
) -> Numbers:
    """The takings (event, lot, points) with one more at that row, in twice the room if need be."""
    if row == taken.shape[0]:
        larger = np.empty((row * 2, 3), np.int64)
        # an assignment to a slice would take 4 seconds more to compile
        for place in range(row):
            for column in range(3):
                larger[place, column] = taken[place, column]
        taken = larger
    taken[row, 0] = event
    taken[row, 1] = lot
    taken[row, 2] = points
    return taken
