"""The truth about a sample: what ingest must make of every row, by file and in total."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import EXPORTS
from transforms.sample.draws import Ints
from transforms.sample.forms import Form, Spoilt

OUTCOMES: Final = ["accepted", "duplicate", "stale", "quarantined"]
ACCEPTED, DUPLICATE, STALE, QUARANTINED = range(4)
_CONFLICT: Final = ["key:conflict"]
_ROWS: Final = "rows"
Reasons = Mapping[int, list[str]]
"""Those of dirty rows by position; other quarantined rows are in conflict."""


@dataclass
class Tally:
    """What one file holds: counts by outcome of rows and totals, reasons, and the dirty rows."""

    export: str
    file: str
    form: Form
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {_ROWS: Counter()})
    reasons: Counter[str] = field(default_factory=Counter)
    dirty: list[dict[str, object]] = field(default_factory=list)

    def add(
        self, table: pa.Table, outcome: Ints, lines: Ints, spoilt: Spoilt, reasons: Reasons
    ) -> None:
        """Counts rows with their outcomes (positions in `OUTCOMES`) and the lines they stand in."""
        self._count(_ROWS, np.ones(len(table), np.int64), outcome)
        for column in EXPORTS[self.export].totals:
            amounts = pc.fill_null(table.column(column), 0).to_numpy().copy()
            unread = [rows for name, (rows, _) in spoilt.texts.items() if name == column]
            for rows in [*spoilt.whole.values(), *unread]:
                amounts[rows] = 0
            self._count(column, amounts, outcome)
        for row in np.flatnonzero(outcome == QUARANTINED).tolist():
            why = reasons.get(row, _CONFLICT)
            shown = {"export": self.export, "file": self.file, "line": int(lines[row])}
            self.dirty.append(shown | {"reasons": why})
            self.reasons.update(why)

    def _count(self, name: str, amounts: Ints, outcome: Ints) -> None:
        counts = self.counts.setdefault(name, Counter())
        counts["delivered"] += int(amounts.sum())
        for number, fate in enumerate(OUTCOMES):
            counts[fate] += int(amounts[outcome == number].sum())


def _shown(tallies: list[Tally]) -> dict[str, object]:
    """The counts and reasons of the tallies together."""
    sums: dict[str, Counter[str]] = {}
    for tally in tallies:
        for name, counts in tally.counts.items():
            sums.setdefault(name, Counter()).update(counts)
    by_outcome = {
        name: {fate: counts[fate] for fate in ["delivered", *OUTCOMES]}
        for name, counts in ({_ROWS: Counter[str]()} | sums).items()
    }
    reasons: Counter[str] = sum((tally.reasons for tally in tallies), Counter())
    return {**by_outcome.pop(_ROWS), **by_outcome, "reasons": dict(sorted(reasons.items()))}


def truth_of(arguments: Mapping[str, object], tallies: list[Tally]) -> dict[str, object]:
    """The truth about a sample made of these arguments, as `truth.json` holds it."""
    return {
        "arguments": dict(arguments),
        "exports": {
            export: _shown([tally for tally in tallies if tally.export == export])
            for export in EXPORTS
        },
        "files": [
            {"export": tally.export, "file": tally.file}
            | _shown([tally])
            | {"form": tally.form.described()}
            for tally in tallies
        ],
        "dirty": [entry for tally in tallies for entry in tally.dirty],
    }


def write_truth(path: Path, truth: Mapping[str, object]) -> None:
    """Writes JSON with one export, file or dirty row a line, so that people can read it."""
    compact = partial(json.dumps, ensure_ascii=False)
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
