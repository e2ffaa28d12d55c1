"""Merges a delivery's accepted rows into the staged partitions of an export.

What happens to a row is decided in SQL (`transforms/staging/`); this module names the inputs and
writes the changed partitions aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.derive import DELIVERY, arrow_schema, staged_schema, stored_schema
from schemas.exports import Export
from schemas.tables import relations_of
from transforms.engine.engine import Engine, load_transform
from transforms.exports.grouped import GroupedFile, Layout, rewrite, with_codes, write
from transforms.exports.sorted_chunks import RunFile, Source, merged, sort_into_runs

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
    """The columns of accepted rows on their way: the export's, and where each row comes from.

    Enumerations are dictionaries of their codes.
    """
    columns = arrow_schema(export.columns, description=export.description, grain="one accepted row")
    # that what must be there is there was checked; readers of files don't mark it
    fields = [*(field.with_nullable(True) for field in columns), *_SOURCE]
    return with_codes(pa.schema(fields, columns.metadata), export.codes)


def staged_layout(export: Export) -> Layout:
    """How the export's staged files are written."""
    schema = staged_schema(export)
    few = [
        name
        for name in schema.names
        if name == DELIVERY or export.metadata(name)["form"] in FEW_VALUES
    ]
    return Layout(schema, few, export.codes, export.owner, export.record_key)


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
class StagedFile:
    """A file that a merge wrote aside: which staged relation and partition it is to become."""

    relation: str
    partition: str
    file: Path
    rows: int


Aside = Callable[[str, str], Path]


class Merge:
    """What a delivery brings to some partitions of an export, over what is staged there.

    All are by partition: `arrivals` files of runs of `arrivals_schema`, each of one delivered file,
    `held` the current rows, `history` the replaced ones. Rows with one key must all be among them.
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
        self._arrivals = {
            partition: [RunFile(file) for file in files] for partition, files in arrivals.items()
        }
        self._held = held
        self._history = history
        self._delivery = delivery
        self._layout = staged_layout(export)
        engine.table("run_context", pa.table({"delivery": [delivery]}))
        arrived = [file for files in self._arrivals.values() for file in files]
        self._name_arrivals("arrivals", arrived)
        self._name_staged("held", list(held.values()))
        for name in ("contested", "contenders", "outcomes"):
            engine.create(name, load_transform(f"staging/{name}"))
        replaced = engine.rows(load_transform("staging/replaced_partitions"))
        self._replaced = set(replaced["partition_month"].to_pylist())
        lost = engine.rows(load_transform("staging/lost"))
        self._lost = {
            file: lost["source_row"].filter(pc.equal(lost["source_file"], file)).to_numpy()
            for file in lost["source_file"].unique().to_pylist()
        }
        for file in arrived:
            file.release()

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

    def write(self, partition: str, aside: Aside) -> list[StagedFile]:
        """Writes a changed partition, the rows replaced in it, and the relations kept of it.

        `aside` gives the path to write for a staged relation and partition.
        """
        if partition in self._held:
            self._name_arrivals("partition_arrivals", self._arrivals.get(partition, []))
            self._name_staged("partition_held", [self._held[partition]])
        current = aside(self._export.name, partition)
        rows = self._write_current(partition, current)
        written = [StagedFile(self._export.name, partition, current, rows)]
        if partition in self._replaced:
            written.append(self._write_history(partition, aside))
        tables = relations_of(self._export)
        if tables:
            self._name_staged(self._export.name, [current])
        for table in tables:
            target = aside(table.name, partition)
            rows = self._engine.write(load_transform(f"staging/{table.name}"), table, target)
            written.append(StagedFile(table.name, partition, target, rows))
            self._engine.relation(table.name, [target], stored_schema(table))
        return written

    def _write_current(self, partition: str, target: Path) -> int:
        """Writes the partition's current rows; groups of before that nothing touches are copied."""
        layout = self._layout
        before = self._rewritable(partition)
        if before is None:
            return write(target, layout, self._current_rows(partition))
        owners = self._engine.rows(load_transform("staging/touched_owners"))
        runs = before.touched(owners["owner_id"].to_pylist())
        # in a folder of its name, since the partition is read from there
        touched = self._engine.scratch / "touched" / self._held[partition].parent.name
        touched.mkdir(parents=True, exist_ok=True)
        touched /= "part-0.parquet"
        before.extract(runs, touched)
        # history reads it too: every row that is replaced lies in a touched group
        self._name_staged("partition_held", [touched])
        return rewrite(target, layout, before, runs, self._current_rows(partition))

    def _current_rows(self, partition: str) -> Iterator[pa.RecordBatch]:
        """The rows of `partition_held` that stay, and those that arrive, in the export's order."""
        order = self._export.order
        sources = [Source(file, self._arrived) for file in self._arrivals.get(partition, [])]
        if partition in self._held:
            layout = self._layout
            kept = self._engine.stream_schema(load_transform("staging/kept"), layout.schema)
            coded = (layout.coded(batch) for batch in kept)
            scratch = self._engine.scratch / "kept.arrow"
            sources.append(Source(sort_into_runs(coded, layout.written, order, scratch)))
        return merged(sources, order)

    def _arrived(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Of some rows of one file that arrived those that are staged, as they are staged."""
        lost = self._lost.get(rows["source_file"][0].as_py())
        if lost is not None:
            numbers = rows["source_row"].to_numpy()
            low, high = np.searchsorted(lost, [numbers.min(), numbers.max() + 1])
            rows = rows.filter(pa.array(~np.isin(numbers, lost[low:high])))
        schema = self._layout.written
        delivery = pa.repeat(pa.scalar(self._delivery, pa.int64()), rows.num_rows)
        columns = [rows[name] if name != DELIVERY else delivery for name in schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _rewritable(self, partition: str) -> GroupedFile | None:
        """The partition's file of before, where it is large beside what arrives in it."""
        if partition not in self._held:
            return None
        held = self._held[partition]
        arrivals = self._arrivals.get(partition, [])
        arrived = sum(file.rows for file in arrivals)
        if arrived * FEW_ROWS_IN > pq.read_metadata(held).num_rows:
            return None
        return GroupedFile.of(held, self._layout)

    def _write_history(self, partition: str, aside: Aside) -> StagedFile:
        schema = history_schema(self._export)
        before = [self._history[partition]] if partition in self._history else []
        self._engine.records("partition_history", self._export, before, schema)
        target = aside(history_name(self._export), partition)
        rows = self._engine.write_schema(load_transform("staging/history"), schema, target)
        return StagedFile(history_name(self._export), partition, target, rows)

    def _name_arrivals(self, name: str, files: Sequence[RunFile]) -> None:
        schema = arrivals_schema(self._export)
        rows = pa.Table.from_batches([run for file in files for run in file.runs], schema)
        self._engine.records(name, self._export, rows, schema)

    def _name_staged(self, name: str, files: Sequence[Path]) -> None:
        self._engine.records(name, self._export, files, staged_schema(self._export))
