"""Copies of rows: delivered twice, corrected later, or in conflict with what was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import EXPORTS
from transforms.sample.columns import form_of, put, reasons_of
from transforms.sample.draws import Draws, Ints
from transforms.sample.sources import Source
from transforms.sample.truth import ACCEPTED, DUPLICATE, QUARANTINED, STALE

_COPIES: Final = 12
"""How many copies of each kind a small export has about; large ones have `_LEAST_COPIED`."""
_LEAST_COPIED: Final = 0.0005
_MOST_COPIED: Final = 0.02
_FATES: Final = {
    "duplicate": (ACCEPTED, DUPLICATE),
    "twin": (ACCEPTED, DUPLICATE),
    "conflict": (QUARANTINED, QUARANTINED),
    "corrected": (STALE, ACCEPTED),
    "overtaken": (ACCEPTED, STALE),
}
"""By kind of copy, the outcomes of the copied row and of the copy.

All copies come late, in a file of their own, but for twins, which stand beside the row. What is
overtaken is what was there before the row.
"""


_CORRECTIONS: Final[dict[str, dict[str, object]]] = {
    "customers": {"address": "서울특별시 가상구 이사로 7"},
    "subscriptions": {"plan": "표본 새 요금제"},
    "flights": {"flown": True, "booking_class": "Y"},
}


@dataclass(frozen=True)
class Piece:
    """Rows of an export, the number of each one's owner (the slot), and what must become of it."""

    table: pa.Table
    slot: Ints
    outcome: Ints

    @classmethod
    def of(cls, table: pa.Table, slot: Ints, outcome: int) -> Piece:
        return cls(table, slot, np.full(len(slot), outcome))


def joined(pieces: list[Piece]) -> tuple[Piece, Ints]:
    """The pieces merged by slot, earlier pieces first; and where each row went."""
    slot = np.concatenate([piece.slot for piece in pieces])
    order = np.argsort(slot, kind="stable")
    went = np.empty(len(order), np.int64)
    went[order] = np.arange(len(order))
    table = pa.concat_tables([piece.table for piece in pieces]).take(pa.array(order))
    outcome = np.concatenate([piece.outcome for piece in pieces])
    return Piece(table.combine_chunks(), slot[order], outcome[order]), went


def copy_shares(source: Source, rows: int) -> dict[str, float]:
    """By kind of copy, the share of owners (in a month) whose first row is copied.

    `rows`: about how many rows the file has.
    """
    share = min(max(_COPIES / max(rows, 1), _LEAST_COPIED), _MOST_COPIED)
    owned = share * min(max(source.rate, 1.0), 5.0)
    shares = {"duplicate": owned, "twin": owned}
    if source.altered:
        shares["conflict"] = owned / 2
    if EXPORTS[source.export].revision:
        # those who move house are many more than those whose bill is corrected
        often = owned if EXPORTS[source.export].month_of else 0.12
        shares |= {"corrected": often, "overtaken": often / 2}
    return shares


def with_copies(
    draws: Draws, source: Source, shares: dict[str, float], at: tuple[int, int, int], base: Piece
) -> tuple[list[Piece], list[Piece]]:
    """A slice's own rows and their copies: those of this file, and those that come late.

    `at`: the slice's month and its owners' numbers, from and to.
    """
    month, start, stop = at
    u = draws.uniform(f"copies/{source.export}", month, start, stop - start)
    which = np.searchsorted(np.cumsum(list(shares.values())), u, side="right")
    owners, first = np.unique(base.slot, return_index=True)
    table, outcome = base.table, base.outcome.copy()
    here: list[Piece] = []
    late: list[Piece] = []
    for number, kind in enumerate(shares):
        rows = first[which[owners - start] == number]
        copies = _copied(kind, source, base.table.take(pa.array(rows)))
        if source.judged:
            allowed = np.array([not why for why in reasons_of(source.export, copies)], np.bool_)
            rows, copies = rows[allowed], copies.filter(pa.array(allowed))
        if not len(rows):
            continue
        outcome[rows], fate = _FATES[kind]
        (here if kind == "twin" else late).append(Piece.of(copies, base.slot[rows], fate))
        if kind == "overtaken" and not _timed(source.export):
            # the copy has the row's number, which can't go below 0: so the row's goes up
            raised = np.isin(np.arange(len(table)), rows)
            name = str(EXPORTS[source.export].revision)
            higher = _revised(source.export, table, 1).column(name)
            table = put(table, name, pc.if_else(pa.array(raised), higher, table.column(name)))
    return [Piece(table, base.slot, outcome), *here], late


def _copied(kind: str, source: Source, table: pa.Table) -> pa.Table:
    """The rows as their copies of a kind are delivered."""
    match kind:
        case "conflict":
            return _altered(source, table)
        case "corrected":
            changed = _corrected(source.export, table)
            return _revised(source.export, changed, 45 * 86_400 if _timed(source.export) else 1)
        case "overtaken":
            return _revised(source.export, table, -3_600 if _timed(source.export) else 0)
    return table


def _altered(source: Source, table: pa.Table) -> pa.Table:
    """The rows with one column a little different: other content under the same key."""
    form = form_of(source.export, source.altered)
    column = table.column(source.altered)
    if form == "text":
        return put(table, source.altered, pc.binary_join_element_wise(column, "X", ""))
    step = {"date": -1, "timestamp": 60}.get(form, 1)
    return put(table, source.altered, pc.add(column, pa.scalar(step, column.type)))


def _corrected(export: str, table: pa.Table) -> pa.Table:
    """The rows as later revisions change them: of bills, all is collected in the end."""
    for name, value in _CORRECTIONS.get(export, {}).items():
        table = put(table, name, value)
    if export == "billing":
        due = pc.coalesce(table.column("collected_on"), table.column("due_on"))
        table = put(table, "collected_amount", table.column("billed_amount"))
        table = put(table, "collected_on", pc.add(due, pa.scalar(30, pa.int32())))
    return table


def _timed(export: str) -> bool:
    """Whether the export's revisions are times (seconds), not numbers."""
    return form_of(export, str(EXPORTS[export].revision)) == "timestamp"


def _revised(export: str, table: pa.Table, step: int) -> pa.Table:
    """The rows with another revision, higher by a number or by seconds."""
    name = str(EXPORTS[export].revision)
    return put(table, name, pc.add(pc.fill_null(table.column(name), 0), step))
