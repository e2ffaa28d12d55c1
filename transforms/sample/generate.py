"""Plans the files of a sample, makes them, and writes down the truth about them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import EXPORTS
from transforms.engine.threads import bound_threads, pool
from transforms.sample import dirt
from transforms.sample.airline import Airline, member_id
from transforms.sample.draws import Draws, Ints, month_number, month_text
from transforms.sample.edges import edge_rows
from transforms.sample.forms import (
    Form,
    Spoilt,
    Writer,
    choose_form,
    nothing_spoilt,
)
from transforms.sample.telecom import Rows, Telecom, customer_id

Progress = Callable[[str, int, int], None]

OUTCOMES: Final = ["accepted", "duplicate", "stale", "quarantined"]
_ACCEPTED, _DUPLICATE, _STALE, _QUARANTINED = range(4)
_CONFLICT: Final = "key:conflict"

_CHUNK: Final = 1 << 16
_MAKERS: Final = 4
_FILE_ROWS: Final = 15_000
_SMALL_ROWS: Final = 50_000
_FEW_ROWS: Final = 400
_ENTITY_FILE_ROWS: Final = 1_000_000
_MONTHS_PER_FILE: Final = [48, 24, 12, 3]
_SMALL: Final = [".csv.gz", ".tsv.gz", ".csv.gz", ".txt.gz", ".csv.gz", ".csv.zst", ".parquet"]
_LARGE: Final = [".csv.gz", ".csv", ".parquet", ".txt.gz", ".csv.zst", ".tsv", ".csv.gz"]
_LATE: Final = [".csv", ".csv.gz", ".tsv", ".txt.gz", ".txt", ".tsv.zst", ".csv.gz", ".parquet"]

_DIRTY_SHARE: Final = 0.002
_MOST_DIRTY: Final = 0.03
_COPIES: Final = 12
"""How many copies of each kind a small export has about; large ones have `_LEAST_COPIED`."""
_LEAST_COPIED: Final = 0.0005
_MOST_COPIED: Final = 0.02


@dataclass(frozen=True)
class _Source:
    """Where an export's rows come from; `rate` is about how many an owner has (in a month)."""

    export: str
    rows: Callable[[int, int, int], Rows]
    owners: int
    rate: float
    monthly: bool
    identify: Callable[[Ints], pa.Array]
    altered: str
    """The column in which rows of one key differ when they conflict."""

    @property
    def revised(self) -> str | None:
        return EXPORTS[self.export].revision


def _sources(draws: Draws, customers: int, members: int, first: int, last: int) -> list[_Source]:
    telecom = Telecom(draws, customers, first, last)
    airline = Airline(draws, members, first, last)

    def of_customers(
        export: str, rows: Callable[[int, int, int], Rows], rate: float, altered: str
    ) -> _Source:
        monthly = EXPORTS[export].month_of is not None
        return _Source(export, rows, customers, rate, monthly, customer_id, altered)

    def of_members(
        export: str, rows: Callable[[int, int, int], Rows], rate: float, altered: str
    ) -> _Source:
        monthly = EXPORTS[export].month_of is not None
        return _Source(export, rows, members, rate, monthly, member_id, altered)

    return [
        of_customers("billing", telecom.billing_rows, 4.3, "due_on"),
        of_customers("customers", telecom.customer_rows, 1.0, "joined_on"),
        of_customers("subscriptions", telecom.subscription_rows, 1.8, "opened_on"),
        of_customers("promotions", telecom.promotion_rows, 0.027, "points"),
        of_customers("purchases", telecom.purchase_rows, 0.031, "amount"),
        of_customers("redemptions", telecom.redemption_rows, 0.165, "used_at"),
        of_customers("refund_applications", telecom.refund_rows, 0.023, "points"),
        of_customers("micropayments", telecom.micropayment_rows, 0.125, "amount"),
        of_customers("limit_requests", telecom.limit_rows, 0.023, "requested_limit"),
        of_members("members", airline.member_rows, 1.0, "enrolled_on"),
        of_members("flights", airline.flight_rows, 0.36, "flight_number"),
        of_members("award_requests", airline.award_rows, 0.055, "requested_at"),
        of_members("mixed_payments", airline.mixed_rows, 0.07, "taxes"),
    ]


@dataclass(frozen=True)
class _File:
    """One planned file: its months and owners, its form, its dirty rows, and its late twin.

    The twin brings what concerns the file's rows afterwards: copies, corrections, conflicts.
    """

    source: _Source
    name: str
    months: list[int]
    owners: range
    form: Form
    plan: dirt.Plan
    late_name: str
    late_form: Form

    def slices(self, chunk: int) -> Iterator[tuple[int, int, int]]:
        for month in self.months:
            for start in range(self.owners.start, self.owners.stop, chunk):
                yield month, start, min(start + chunk, self.owners.stop)


def _spans(source: _Source, first: int, last: int) -> list[tuple[list[int], range, str]]:
    """The export's files: months, owners, and what their names end in."""
    everyone = range(source.owners)
    if not source.monthly:
        parts = max(2, -(-source.owners // _ENTITY_FILE_ROWS))
        size = -(-source.owners // parts)
        starts = range(0, source.owners, size)
        return [
            ([0], range(start, min(start + size, source.owners)), f"part{number + 1:02d}")
            for number, start in enumerate(starts)
        ]
    monthly = source.rate * source.owners
    length = next((n for n in _MONTHS_PER_FILE if n * monthly <= _FILE_ROWS), 1)
    spans = []
    for start in range(first, last + 1, length):
        months = list(range(start, min(start + length, last + 1)))
        name = month_text(start) + (f"_{month_text(months[-1])}" if length > 1 else "")
        spans.append((months, everyone, name.replace("-", "")))
    return spans


def _planned(draws: Draws, source: _Source, turn: int, first: int, last: int) -> list[_File]:
    """The export's files, with its dirty rows spread over them."""
    spans = _spans(source, first, last)
    export = source.export
    drafts = []
    for number, (months, owners, ending) in enumerate(spans):
        rows = int(len(months) * len(owners) * source.rate)
        containers = _SMALL if rows < _SMALL_ROWS else _LARGE
        container = containers[(turn * 3 + number) % len(containers)]
        if rows < _FEW_ROWS and container == ".parquet":
            # typed columns show few of the reasons, and there are few rows to show them in
            container = ".txt.gz"
        late = _LATE[(turn + number) % len(_LATE)]
        name, late_name = f"{export}_{ending}", f"{export}_{ending}_late"
        drafts.append(
            (
                f"{name}{container}",
                choose_form(draws, export, name, container, turn + number, rows),
                f"{late_name}{late}",
                choose_form(draws, export, late_name, late, turn + number + 3, rows // 100),
                rows,
            )
        )
    kinds = dirt.kinds_of(export)
    in_parquet: list[dirt.Bundle] = [(kind,) for kind in kinds if kind.in_parquet]
    wanted = -(-3 * len(kinds) // (2 * len(spans)))
    budgets = [
        max(1, min(int(rows * _MOST_DIRTY), max(wanted, int(rows * _DIRTY_SHARE))))
        for *_, rows in drafts
    ]
    as_text = sum(n for n, draft in zip(budgets, drafts, strict=True) if not draft[1].parquet)
    bundles = dirt.bundles_of(kinds, as_text)
    texts = [number for number, draft in enumerate(drafts) if not draft[1].parquet]
    for extra in range(len(bundles) - as_text if texts and as_text < len(kinds) else 0):
        budgets[texts[-1 - extra % len(texts)]] += 1
    files, used = [], 0
    for number, (span, draft, budget) in enumerate(zip(spans, drafts, budgets, strict=True)):
        (months, owners, _), (name, form, late_name, late_form, rows) = span, draft
        if form.parquet:
            chosen = [in_parquet[(number + n) % len(in_parquet)] for n in range(budget)]
        else:
            chosen = [bundles[(used + n) % len(bundles)] for n in range(budget)]
            used += budget
            # one in a file: more, and a file without BOM might be taken for another encoding
            if rows > 100 and form.encoding in ("utf-8", "utf-8-sig", "cp949"):
                chosen.insert(len(chosen) // 2, (dirt.UNDECODABLE_ROW,))
        plan = dirt.plan_dirt(draws, f"{export}/{name}", number + 1, months, owners, chosen)
        files.append(_File(source, name, months, owners, form, plan, late_name, late_form))
    return files


def _copy_shares(source: _Source, rows: int) -> dict[str, float]:
    """Shares of owners (in a month) of whose first row another copy comes, by kind of copy."""
    share = min(max(_COPIES / max(rows, 1), _LEAST_COPIED), _MOST_COPIED)
    owned = min(max(source.rate, 1.0), 5.0)
    shares = {"duplicate": share * owned, "twin": share * owned, "conflict": share * owned / 2}
    if source.revised:
        # those who move house are many more than those whose bill is corrected
        often = share * owned if source.monthly else 0.12
        shares |= {"corrected": often, "overtaken": often / 2}
    return shares


@dataclass
class _Tally:
    """What one file holds: counts by outcome, won by outcome, reasons, and the dirty rows."""

    export: str
    file: str
    form: Form
    rows: Counter[str] = field(default_factory=Counter)
    won: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    dirty: list[dict[str, object]] = field(default_factory=list)

    def add(self, table: pa.Table, outcome: Ints, lines: Ints, spoilt: Spoilt) -> None:
        self.rows["delivered"] += len(table)
        for number, name in enumerate(OUTCOMES):
            self.rows[name] += int((outcome == number).sum())
        if self.export == "billing":
            for column in ("billed_amount", "collected_amount"):
                self._add_won(table, column, outcome, spoilt)
        for line in lines[np.flatnonzero(outcome == _QUARANTINED)].tolist():
            self.dirty.append({"export": self.export, "file": self.file, "line": line})

    def _add_won(self, table: pa.Table, column: str, outcome: Ints, spoilt: Spoilt) -> None:
        won = self.won.setdefault(column, Counter())
        amounts = pc.fill_null(table.column(column), 0).to_numpy().copy()
        unread = [spoilt.short, spoilt.long, spoilt.undecodable]
        unread += [at for name, (at, _) in spoilt.texts.items() if name == column]
        for rows in unread:
            amounts[rows] = 0
        won["delivered"] += int(amounts.sum())
        for number, name in enumerate(OUTCOMES):
            won[name] += int(amounts[outcome == number].sum())

    def because(self, reasons: list[list[str]]) -> None:
        """The reasons of the quarantined rows that were added last, in their order."""
        for entry, why in zip(self.dirty[len(self.dirty) - len(reasons) :], reasons, strict=True):
            entry["reasons"] = why
            self.reasons.update(why)

    def truth(self) -> dict[str, object]:
        shown: dict[str, object] = {"export": self.export, "file": self.file}
        shown |= {name: self.rows[name] for name in ["delivered", *OUTCOMES]}
        if self.won:
            shown |= {
                column: {name: sums[name] for name in ["delivered", *OUTCOMES]}
                for column, sums in self.won.items()
            }
        shown["reasons"] = dict(sorted(self.reasons.items()))
        shown["form"] = self.form.described()
        return shown


def _altered(source: _Source, table: pa.Table) -> pa.Table:
    """The rows with one column a little different: other content under the same key."""
    form = EXPORTS[source.export].metadata(source.altered)["form"]
    column = table.column(source.altered)
    if form == "text":
        changed = pc.binary_join_element_wise(column, "X", "")
    else:
        step = {"date": -1, "timestamp": 60}.get(str(form), 1)
        changed = pc.add(column, pa.scalar(step, column.type))
    return _put(table, source.altered, changed)


def _put(table: pa.Table, name: str, values: object) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(name), values)


def _same(table: pa.Table, name: str, value: object) -> pa.Table:
    scalar = pa.scalar(value, table.schema.field(name).type)
    return _put(table, name, pa.repeat(scalar, len(table)))


def _corrected(export: str, table: pa.Table) -> pa.Table:
    """The rows as a later revision brings them."""
    match export:
        case "billing":
            due = pc.coalesce(table.column("collected_on"), table.column("due_on"))
            table = _put(table, "collected_amount", table.column("billed_amount"))
            table = _put(table, "collected_on", pc.add(due, pa.scalar(30, pa.int32())))
        case "customers":
            table = _same(table, "address", "서울특별시 가상구 이사로 7")
        case "subscriptions":
            table = _same(table, "plan", "표본 새 요금제")
        case "flights":
            table = _same(table, "flown", True)
            table = _same(table, "booking_class", "Y")
    return _revised(export, table, 1, 45 * 86_400)


def _revised(export: str, table: pa.Table, step: int, seconds: int) -> pa.Table:
    name = str(EXPORTS[export].revision)
    later = seconds if EXPORTS[export].metadata(name)["form"] == "timestamp" else step
    return _put(table, name, pc.add(pc.fill_null(table.column(name), 0), later))


@dataclass(frozen=True)
class _Piece:
    """Rows in the order of their slots, with what becomes of each."""

    table: pa.Table
    slot: Ints
    outcome: Ints

    @classmethod
    def of(cls, table: pa.Table, slot: Ints, outcome: int) -> _Piece:
        return cls(table, slot, np.full(len(slot), outcome))


def _joined(pieces: list[_Piece]) -> tuple[_Piece, Ints]:
    """The pieces merged by slot, earlier pieces first; and where each row went."""
    slot = np.concatenate([piece.slot for piece in pieces])
    order = np.argsort(slot, kind="stable")
    went = np.empty(len(order), np.int64)
    went[order] = np.arange(len(order))
    table = pa.concat_tables([piece.table for piece in pieces]).take(pa.array(order))
    outcome = np.concatenate([piece.outcome for piece in pieces])
    return _Piece(table.combine_chunks(), slot[order], outcome[order]), went


def _with_copies(
    draws: Draws, source: _Source, shares: dict[str, float], at: tuple[int, int, int], base: _Piece
) -> tuple[list[_Piece], list[_Piece]]:
    """The slice's own rows and their copies: those of this file, and those that come late."""
    month, start, stop = at
    u = draws.uniform(f"copies/{source.export}", month, start, stop - start)
    which = np.searchsorted(np.cumsum(list(shares.values())), u, side="right")
    first = np.searchsorted(base.slot, np.arange(start, stop))
    first = np.minimum(first, max(len(base.slot) - 1, 0))
    there = base.slot[first] == np.arange(start, stop) if len(base.slot) else np.zeros(0, bool)
    table, outcome = base.table, base.outcome.copy()
    here: list[_Piece] = []
    late: list[_Piece] = []
    for number, copies in enumerate(shares):
        rows = first[(which == number) & there] if len(base.slot) else np.empty(0, np.int64)
        if not len(rows):
            continue
        slot, taken = base.slot[rows], base.table.take(pa.array(rows))
        match copies:
            case "twin":
                here.append(_Piece.of(taken, slot, _DUPLICATE))
            case "duplicate":
                late.append(_Piece.of(taken, slot, _DUPLICATE))
            case "conflict":
                outcome[rows] = _QUARANTINED
                late.append(_Piece.of(_altered(source, taken), slot, _QUARANTINED))
            case "corrected":
                outcome[rows] = _STALE
                late.append(_Piece.of(_corrected(source.export, taken), slot, _ACCEPTED))
            case "overtaken":
                # the copy is what was there before the file's row; a number can't go below 0
                late.append(_Piece.of(_revised(source.export, taken, 0, -3_600), slot, _STALE))
                table = _raised(source, table, rows)
    return [_Piece(table, base.slot, outcome), *here], late


def _raised(source: _Source, table: pa.Table, rows: Ints) -> pa.Table:
    """The table with a higher revision in these rows, where revisions are numbers."""
    name = str(source.revised)
    if EXPORTS[source.export].metadata(name)["form"] != "integer":
        return table
    mask = np.zeros(len(table), np.bool_)
    mask[rows] = True
    return _put(table, name, pc.if_else(pa.array(mask), 1, table.column(name)))


class _Maker:
    """Makes planned files, several at a time, and keeps count."""

    def __init__(
        self, draws: Draws, out: Path, chunk: int, total: int, progress: Progress | None
    ) -> None:
        self._draws = draws
        self._out = out
        self._chunk = chunk
        self._total = total
        self._progress = progress
        self._done = 0
        self._lock = threading.Lock()

    def make(self, file: _File) -> list[_Tally]:
        """Writes the file and its late twin."""
        source = file.source
        folder = self._out / source.export
        rows = int(source.rate * source.owners)
        shares = _copy_shares(source, rows * len(file.months) if source.monthly else rows)
        tally = _Tally(source.export, file.name, file.form)
        late: list[_Piece] = []
        with Writer(folder / file.name, source.export, file.form) as writer:
            for at in file.slices(self._chunk):
                late += self._slice(file, shares, at, writer, tally)
                self._advance(source.export)
        tallies = [tally]
        if late:
            tallies.append(self._late(file, late, folder))
        return tallies

    def _slice(
        self,
        file: _File,
        shares: dict[str, float],
        at: tuple[int, int, int],
        writer: Writer,
        tally: _Tally,
    ) -> list[_Piece]:
        source, (month, start, stop) = file.source, at
        base = _Piece.of(*source.rows(month, start, stop), _ACCEPTED)
        pieces, late = _with_copies(self._draws, source, shares, at, base)
        if start == 0:
            edges = edge_rows(source.export, month)
            pieces.insert(0, _Piece.of(edges, np.full(len(edges), -1), _ACCEPTED))
        chosen = file.plan.between(month, start, stop)
        dirty = dirt.dirty_rows(source.export, file.plan, chosen, source.identify)
        before = sum(len(piece.slot) for piece in pieces)
        pieces.append(_Piece.of(dirty.table, file.plan.slot[chosen], _QUARANTINED))
        whole, went = _joined(pieces)
        if len(whole.slot):
            spoilt = dirty.spoilt.moved(went[before:])
            lines = writer.write(whole.table, spoilt)
            tally.add(whole.table, whole.outcome, lines, spoilt)
            known = dict(zip(went[before:].tolist(), dirty.reasons, strict=True))
            rejects = np.flatnonzero(whole.outcome == _QUARANTINED).tolist()
            tally.because([known.get(row, [_CONFLICT]) for row in rejects])
        return [_joined(late)[0]] if late else []

    def _late(self, file: _File, pieces: list[_Piece], folder: Path) -> _Tally:
        export = file.source.export
        tally = _Tally(export, file.late_name, file.late_form)
        table = pa.concat_tables([piece.table for piece in pieces]).combine_chunks()
        outcome = np.concatenate([piece.outcome for piece in pieces])
        with Writer(folder / file.late_name, export, file.late_form) as writer:
            spoilt = nothing_spoilt()
            tally.add(table, outcome, writer.write(table, spoilt), spoilt)
        tally.because([[_CONFLICT]] * int((outcome == _QUARANTINED).sum()))
        return tally

    def _advance(self, export: str) -> None:
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(export, self._done, self._total)


def generate(
    out: Path,
    *,
    customers: int,
    members: int,
    seed: int,
    first_month: str = "2014-11",
    last_month: str = "2022-02",
    progress: Progress | None = None,
    chunk: int = _CHUNK,
    threads: int | None = None,
) -> dict[str, object]:
    """Writes synthetic exports under `out/<export>/` and their truth to `out/truth.json`.

    `customers` and `members` come on top of the hand-made ones on the rules' edges. Months are
    YYYY-MM, both included. `progress` is told the export, the slices done, and their number.
    Neither `chunk` (owners per slice) nor `threads` changes a byte.

    Returns the truth: by file and in total what ingest must deliver, accept, call duplicate or
    stale, and quarantine, in rows and for billing in won; and every quarantined row with its
    line and reasons. It holds when all files land in one ingest. Raises ValueError for arguments
    that leave nothing to write.
    """
    first, last = month_number(first_month), month_number(last_month)
    if customers < 1 or members < 1 or last < first:
        raise ValueError("a sample needs a customer, a member and a month; give at least one each")
    draws = Draws(seed)
    sources = _sources(draws, customers, members, first, last)
    files = [
        file
        for turn, source in enumerate(sources)
        for file in _planned(draws, source, turn, first, last)
    ]
    total = sum(sum(1 for _ in file.slices(chunk)) for file in files)
    maker = _Maker(draws, out, chunk, total, progress)
    bound_threads(threads)
    with pool(threads or _MAKERS) as makers:
        tallies = [tally for made in makers.map(maker.make, files) for tally in made]
    arguments = {
        "customers": customers,
        "members": members,
        "seed": seed,
        "first_month": first_month,
        "last_month": last_month,
    }
    truth = _truth(arguments, tallies)
    _write_truth(out / "truth.json", truth)
    return truth


def _truth(arguments: dict[str, object], tallies: list[_Tally]) -> dict[str, object]:
    exports: dict[str, dict[str, object]] = {}
    for export in EXPORTS:
        mine = [tally for tally in tallies if tally.export == export]
        reasons: Counter[str] = sum((tally.reasons for tally in mine), Counter())
        shown: dict[str, object] = {
            name: sum(tally.rows[name] for tally in mine) for name in ["delivered", *OUTCOMES]
        }
        for column in mine[0].won if mine else {}:
            shown[column] = {
                name: sum(tally.won[column][name] for tally in mine)
                for name in ["delivered", *OUTCOMES]
            }
        exports[export] = shown | {"reasons": dict(sorted(reasons.items()))}
    return {
        "arguments": arguments,
        "exports": exports,
        "files": [tally.truth() for tally in tallies],
        "dirty": [entry for tally in tallies for entry in tally.dirty],
    }


def _write_truth(path: Path, truth: dict[str, object]) -> None:
    """JSON with one file or dirty row a line, so that it can be read and compared."""

    def compact(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    parts = []
    for name, value in truth.items():
        if isinstance(value, list):
            entries = ",\n".join(compact(entry) for entry in value)
            parts.append(f"{compact(name)}: [\n{entries}\n]")
        elif name == "exports" and isinstance(value, dict):
            entries = ",\n".join(f"{compact(k)}: {compact(v)}" for k, v in value.items())
            parts.append(f"{compact(name)}: {{\n{entries}\n}}")
        else:
            parts.append(f"{compact(name)}: {compact(value)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8", newline="\n")
