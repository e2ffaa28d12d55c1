"""Plans the files of a sample and makes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.engine.threads import bound_threads, pool
from transforms.sample import dirt
from transforms.sample.copies import Piece, copy_shares, joined, with_copies
from transforms.sample.draws import Draws, month_number, month_text
from transforms.sample.edges import edge_rows
from transforms.sample.forms import Form, Spoilt, Writer, choose_form
from transforms.sample.sources import Source, sources
from transforms.sample.truth import (
    ACCEPTED,
    QUARANTINED,
    Tally,
    truth_of,
    write_truth,
)

Progress = Callable[[str, int, int], None]

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


@dataclass(frozen=True)
class _File:
    """One planned file: its months and owners, about how many rows, its form, what is dirty in it.

    `late_name` and `late_form` are those of its late twin, which brings what concerns the file's
    rows afterwards: copies, corrections, conflicts. `serial` tells it from the export's others.
    """

    source: Source
    serial: int
    name: str
    months: list[int]
    owners: range
    rows: int
    form: Form
    late_name: str
    late_form: Form
    dirty: list[dirt.Bundle]

    def slices(self, chunk: int) -> Iterator[tuple[int, int, int]]:
        """The months, each with slices of so many owners: from and to."""
        for month in self.months:
            for start in range(self.owners.start, self.owners.stop, chunk):
                yield month, start, min(start + chunk, self.owners.stop)


def _spans(source: Source, first: int, last: int) -> Iterator[tuple[list[int], range, str]]:
    """The export's files: months, owners, and what their names end in."""
    everyone = range(source.owners)
    if EXPORTS[source.export].month_of is None:
        size = ceil(source.owners / max(2, ceil(source.owners / _ENTITY_FILE_ROWS)))
        for number, start in enumerate(range(0, source.owners, size), 1):
            yield [0], everyone[start : start + size], f"part{number:02d}"
        return
    monthly = source.rate * source.owners
    length = next((n for n in _MONTHS_PER_FILE if n * monthly <= _FILE_ROWS), 1)
    for start in range(first, last + 1, length):
        months = list(range(start, min(start + length, last + 1)))
        name = month_text(start) + (f"_{month_text(months[-1])}" if length > 1 else "")
        yield months, everyone, name.replace("-", "")


def _planned(draws: Draws, source: Source, turn: int, first: int, last: int) -> list[_File]:
    """The export's files, with its dirty rows spread over them.

    `turn` is the export's number, so that the containers differ from export to export.
    """
    export = source.export
    files = []
    for number, (months, owners, ending) in enumerate(_spans(source, first, last)):
        rows = int(len(months) * len(owners) * source.rate)
        containers = _SMALL if rows < _SMALL_ROWS else _LARGE
        container = containers[(turn * 3 + number) % len(containers)]
        if rows < _FEW_ROWS and container == ".parquet":
            # typed columns show few of the reasons, and there are few rows to show them in
            container = ".txt.gz"
        late = _LATE[(turn + number) % len(_LATE)]
        name, late_name = f"{export}_{ending}", f"{export}_{ending}_late"
        form = choose_form(draws, export, name, container, turn + number, rows)
        late_form = choose_form(draws, export, late_name, late, turn + number + 3, rows // 100)
        own = number + 1, f"{name}{container}", months, owners, rows, form
        files.append(_File(source, *own, f"{late_name}{late}", late_form, []))
    return _with_dirt(source.kinds, files)


def _with_dirt(kinds: list[dirt.Kind], files: list[_File]) -> list[_File]:
    """The export's files with what their dirty rows show: every kind, if there is a text file."""
    wanted = ceil(3 * len(kinds) / (2 * len(files)))
    budgets = [
        max(1, min(int(file.rows * _MOST_DIRTY), max(wanted, int(file.rows * _DIRTY_SHARE))))
        for file in files
    ]
    in_parquet: list[dirt.Bundle] = [(kind,) for kind in kinds if kind.in_parquet]
    texts = [number for number, file in enumerate(files) if not file.form.parquet]
    as_text = sum(budgets[number] for number in texts)
    bundles = dirt.bundles_of(kinds, as_text)
    for extra in range(len(bundles) - as_text if texts and as_text < len(kinds) else 0):
        budgets[texts[-1 - extra % len(texts)]] += 1
    done, used = [], 0
    for number, (file, budget) in enumerate(zip(files, budgets, strict=True)):
        if file.form.parquet:
            chosen = [in_parquet[(number + n) % len(in_parquet)] for n in range(budget)]
        else:
            chosen = [bundles[(used + n) % len(bundles)] for n in range(budget)]
            used += budget
            # one in a file: more, and a file without BOM might be taken for another encoding
            if file.rows > 100 and file.form.encoding in ("utf-8", "utf-8-sig", "cp949"):
                chosen.insert(len(chosen) // 2, (dirt.UNDECODABLE_ROW,))
        done.append(replace(file, dirty=chosen))
    return done


@dataclass
class _Maker:
    """Makes planned files, several at a time, and keeps count of the slices done."""

    draws: Draws
    out: Path
    chunk: int
    total: int
    progress: Progress | None
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, file: _File) -> list[Tally]:
        """Writes the file and its late twin."""
        export = file.source.export
        plan = dirt.plan_dirt(
            self.draws, f"{export}/{file.name}", file.serial, file.months, file.owners, file.dirty
        )
        tally = Tally(export, file.name, file.form)
        late: list[Piece] = []
        with Writer(self.out / export / file.name, export, file.form) as writer:
            for at in file.slices(self.chunk):
                late += self._slice(file, plan, at, writer, tally)
                self._advance(export)
        return [tally, self._late(file, late)] if late else [tally]

    def _slice(
        self, file: _File, plan: dirt.Plan, at: tuple[int, int, int], writer: Writer, tally: Tally
    ) -> list[Piece]:
        """Writes the rows of a month and some owners; returns those that come late."""
        source, (month, start, stop) = file.source, at
        # about the rows of the whole export in the file's months
        rows = int(source.rate * source.owners) * len(file.months)
        base = Piece.of(*source.rows(month, start, stop), ACCEPTED)
        shares = copy_shares(source, rows)
        pieces, late = with_copies(self.draws, source, shares, at, base)
        if start == 0:
            edges = edge_rows(source.export, month)
            pieces.insert(0, Piece.of(edges, np.full(len(edges), -1), ACCEPTED))
        chosen = plan.between(month, start, stop)
        dirty, spoilt, reasons = dirt.dirty_rows(
            source.export, plan, chosen, source.good, judged=source.judged
        )
        before = sum(len(piece.slot) for piece in pieces)
        outcome = np.array([QUARANTINED if why else ACCEPTED for why in reasons], np.int64)
        pieces.append(Piece(dirty, plan.slot[chosen], outcome))
        whole, went = joined(pieces)
        if len(whole.slot):
            spoilt = spoilt.moved(went[before:])
            known = dict(zip(went[before:].tolist(), reasons, strict=True))
            lines = writer.write(whole.table, spoilt)
            tally.add(whole.table, whole.outcome, lines, spoilt, known)
        return [joined(late)[0]] if late else []

    def _late(self, file: _File, pieces: list[Piece]) -> Tally:
        """Writes the late twin of a file."""
        export = file.source.export
        tally = Tally(export, file.late_name, file.late_form)
        table = pa.concat_tables([piece.table for piece in pieces]).combine_chunks()
        outcome = np.concatenate([piece.outcome for piece in pieces])
        with Writer(self.out / export / file.late_name, export, file.late_form) as writer:
            tally.add(table, outcome, writer.write(table, Spoilt()), Spoilt(), {})
        return tally

    def _advance(self, export: str) -> None:
        with self.lock:
            self.done += 1
            if self.progress is not None:
                self.progress(export, self.done, self.total)


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
    stale, and quarantine, in rows and in the export's totals (of billing, won); and every
    quarantined row with its line and reasons. It holds when all files land in one ingest. Raises
    ValueError for arguments that leave nothing to write, or for a further export of which no row
    can be drawn that its declaration allows.
    """
    first, last = month_number(first_month), month_number(last_month)
    if customers < 1 or members < 1 or last < first:
        raise ValueError("a sample needs a customer, a member and a month; give at least one each")
    draws = Draws(seed)
    files = [
        file
        for turn, source in enumerate(sources(draws, customers, members, first, last))
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
    truth = truth_of(arguments, tallies)
    write_truth(out / "truth.json", truth)
    return truth
