"""Merges a delivery's accepted rows into the staged partitions of an export.

What happens to a row is decided in SQL (`transforms/staging/`); this module names the inputs and
writes the changed partitions aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.derive import DELIVERY, arrow_schema, staged_schema, stored_schema
from schemas.exports import Export
from schemas.tables import relations_of
from transforms.engine import Engine, load_transform
from transforms.exports.grouped import GroupedFile, Layout, rewrite, write

WHOLE: Final = ""
"""The partition of an export that is staged whole."""

FEW_VALUES: Final = frozenset({"enumeration", "month", "date", "code"})
"""Forms whose columns have few distinct values."""
FEW_ROWS_IN: Final = 100
"""One row in so many arrives at the most where a partition's untouched groups are copied."""

_SOURCE: Final = (pa.field("source_file", pa.int64()), pa.field("source_row", pa.int64()))
_REPLACED_BY: Final = pa.field(
    "replaced_by",
    pa.int64(),
    metadata={"description": "Number of the ingest that replaced the row"},
)


def arrivals_schema(export: Export) -> pa.Schema:
    """The columns of accepted rows on their way: the export's, and where each row comes from."""
    columns = arrow_schema(
        export.columns, description=str(export.model.description), grain="one accepted row"
    )
    for field in _SOURCE:
        columns = columns.append(field)
    return columns


def staged_layout(export: Export) -> Layout:
    """How the export's staged files are written."""
    schema = staged_schema(export)
    (key,) = [column for column in export.key if column != export.month_of]
    few = [
        name
        for name in schema.names
        if name == DELIVERY or export.metadata(name)["form"] in FEW_VALUES
    ]
    return Layout(schema, few, export.owner, key)


def history_name(export: Export) -> str:
    """The staged relation that keeps the export's replaced rows."""
    return f"{export.name}_history"


def history_schema(export: Export) -> pa.Schema:
    """The columns of an export's replaced rows."""
    return staged_schema(export).append(_REPLACED_BY)


@dataclass(frozen=True)
class Outcome:
    """Rows of one file that share a fate (accepted, duplicate, stale, conflict), and their sums."""

    file: int
    outcome: str
    rows: int
    totals: tuple[int, int]


@dataclass(frozen=True)
class Written:
    """A file that a merge wrote aside: which staged relation and partition it is to become."""

    relation: str
    partition: str
    file: Path
    rows: int


Aside = Callable[[str, str], Path]


class Merge:
    """What a delivery brings to some partitions of an export, over what is staged there.

    All are by partition: `arrivals` files of `arrivals_schema`, `held` the current rows, `history`
    the replaced ones. Rows with one key must all be among them.
    """

    def __init__(
        self,
        engine: Engine,
        export: Export,
        arrivals: Mapping[str, Sequence[Path]],
        held: Mapping[str, Path],
        history: Mapping[str, Path],
        delivery: int,
    ) -> None:
        self._engine = engine
        self._export = export
        self._arrivals = arrivals
        self._held = held
        self._history = history
        engine.table("run_context", pa.table({"delivery": [delivery]}))
        self._name_arrivals("arrivals", [file for files in arrivals.values() for file in files])
        self._name_staged("held", list(held.values()))
        for name in ("contested", "contenders", "outcomes"):
            engine.create(name, load_transform(f"staging/{name}"))
        replaced = engine.rows(load_transform("staging/replaced_partitions"))
        self._replaced = set(replaced["partition_month"].to_pylist())

    def outcomes(self) -> list[Outcome]:
        """What became of the contested rows, by file; every other row is accepted."""
        found = self._engine.rows(load_transform("staging/outcome_totals"))
        return [
            Outcome(
                row["source_file"],
                row["outcome"],
                row["row_count"],
                (int(row["first_total"]), int(row["second_total"])),
            )
            for row in found.to_pylist()
        ]

    def conflicts(self) -> pa.Table:
        """The rows (`source_file`, `source_row`) that go to quarantine as conflicts."""
        return self._engine.rows(load_transform("staging/conflicts"))

    def changed_partitions(self) -> list[str]:
        """The partitions in which rows arrive or are replaced."""
        return sorted({*self._arrivals, *self._replaced})

    def write(self, partition: str, aside: Aside) -> list[Written]:
        """Writes a changed partition, the rows replaced in it, and the relations kept of it.

        `aside` gives the path to write for a staged relation and partition.
        """
        held = [self._held[partition]] if partition in self._held else []
        self._name_arrivals("partition_arrivals", self._arrivals.get(partition, []))
        self._name_staged("partition_held", held)
        current = aside(self._export.name, partition)
        rows = self._write_current(partition, current)
        written = [Written(self._export.name, partition, current, rows)]
        if partition in self._replaced:
            written.append(self._write_history(partition, aside))
        self._name_staged(self._export.name, [current])
        for table in relations_of(self._export):
            target = aside(table.name, partition)
            rows = self._engine.write(load_transform(f"staging/{table.name}"), table, target)
            written.append(Written(table.name, partition, target, rows))
            self._engine.relation(table.name, [target], stored_schema(table))
        return written

    def _write_current(self, partition: str, target: Path) -> int:
        """Writes the partition's current rows; groups of before that nothing touches are copied."""
        layout = staged_layout(self._export)
        transform = load_transform("staging/partition")
        before = self._rewritable(partition, layout)
        if before is None:
            return write(target, layout, self._engine.stream_schema(transform, layout.schema))
        owners = self._engine.rows(load_transform("staging/touched_owners"))
        runs = before.touched(owners["owner_id"].to_pylist())
        # in a folder of its name, since the partition is read from there
        touched = self._engine.scratch / "touched" / self._held[partition].parent.name
        touched.mkdir(parents=True, exist_ok=True)
        touched /= "part-0.parquet"
        before.extract(runs, touched)
        # history reads it too: every row that is replaced lies in a touched group
        self._name_staged("partition_held", [touched])
        batches = self._engine.stream_schema(transform, layout.schema)
        return rewrite(target, layout, before, runs, batches)

    def _rewritable(self, partition: str, layout: Layout) -> GroupedFile | None:
        """The partition's file of before, where it is large beside what arrives in it."""
        if partition not in self._held:
            return None
        held = self._held[partition]
        arrivals = self._arrivals.get(partition, [])
        arrived = sum(pq.read_metadata(file).num_rows for file in arrivals)
        if arrived * FEW_ROWS_IN > pq.read_metadata(held).num_rows:
            return None
        return GroupedFile.of(held, layout)

    def _write_history(self, partition: str, aside: Aside) -> Written:
        schema = history_schema(self._export)
        before = [self._history[partition]] if partition in self._history else []
        self._engine.records("partition_history", self._export, before, schema)
        target = aside(history_name(self._export), partition)
        rows = self._engine.write_schema(load_transform("staging/history"), schema, target)
        return Written(history_name(self._export), partition, target, rows)

    def _name_arrivals(self, name: str, files: Sequence[Path]) -> None:
        self._engine.records(name, self._export, files, arrivals_schema(self._export))

    def _name_staged(self, name: str, files: Sequence[Path]) -> None:
        self._engine.records(name, self._export, files, staged_schema(self._export))
