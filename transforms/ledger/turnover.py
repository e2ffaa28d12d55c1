"""What moved the accounts' points in a fold, added up account by account (P11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrays import Numbers, array_of, begins_of_runs, numbers_of, values_of
from transforms.ledger.fold import Folded, days_of

_FIRST_DAY: Final = date(1970, 1, 1)


class TooMuch(Exception):
    """Names an account, and the sum of it that 64 bits can't hold."""


def turnover(folded: Folded, account: str, last_day: date) -> pa.Table:
    """A row for each account with a lot, in their order, by the name of its column.

    `opening`: what its lots held that were there before; `came`: what those held that came;
    `taken` and `given_back`: what events took from its lots, and gave back to them; `closing`: what
    its lots hold now; `usable`: of that, what does not lapse by the last day.

    Rows of an account stand one after another, so that no table of accounts has to be kept: little
    more than a third of the time that grouping them takes. Raises TooMuch.
    """
    before, after, moved = folded.lots_before, folded.lots, folded.movements
    held = numbers_of(before["remaining"], 0)
    left = numbers_of(after["remaining"], 0)
    points = numbers_of(moved["points"], 0)
    comes = values_of(before["comes"])
    of_event = values_of(pc.is_valid(moved["event_id"]))
    expires_on = pc.coalesce(after["changed_expires_on"], after["expires_on"])
    lasts = days_of(expires_on) > (last_day - _FIRST_DAY).days
    parts = (
        _sums(before[account], {"opening": np.where(comes, 0, held)}),
        _sums(
            moved[account],
            {
                "came": np.where(of_event, 0, points),
                "taken": np.where(of_event, np.maximum(-points, 0), 0),
                "given_back": np.where(of_event, np.maximum(points, 0), 0),
            },
        ),
        _sums(after[account], {"closing": left, "usable": np.where(lasts, left, 0)}),
    )
    accounts, _ = parts[0]
    found = {account: accounts}
    for some, sums in parts:
        # whatever moves has a lot
        at = numbers_of(pc.index_in(some, value_set=accounts), 0)
        for name, numbers in sums.items():
            of_all = np.zeros(len(accounts), np.int64)
            of_all[at] = numbers
            found[name] = array_of(of_all)
    return pa.table(found)


def _sums(
    accounts: pa.ChunkedArray, columns: Mapping[str, Numbers]
) -> tuple[pa.Array, dict[str, Numbers]]:
    """The accounts, each once, and the columns' sums; accounts stand in order."""
    each = accounts.combine_chunks()
    begins = np.flatnonzero(begins_of_runs(each))
    names = each.take(array_of(begins))
    return names, {name: _added_up(names, begins, some) for name, some in columns.items()}


def _added_up(names: pa.Array, begins: Numbers, numbers: Numbers) -> Numbers:
    if not begins.size:
        return np.zeros(0, np.int64)
    sums = np.add.reduceat(numbers, begins)
    # none is below 0, so what fits all together does so account by account
    if int(numbers.max()) > np.iinfo(np.int64).max // numbers.size:
        exact = np.add.reduceat(numbers.astype(object), begins)
        over = np.flatnonzero(exact > np.iinfo(np.int64).max)
        if over.size:
            first = int(over[0])
            raise TooMuch(f"{names[first].as_py()} ({exact[first]:,})")
    return sums
