"""Merges a delivery's accepted rows into the staged partitions of an export.

What happens to a row is decided in SQL (`transforms/staging/`); this module names the inputs and
writes the changed partitions as new files, which the run then publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.derive import DELIVERY, arrow_schema, staged_schema, stored_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import relations_of
from transforms.engine.engine import Engine, load_transform
from transforms.exports.sorted_chunks import ChunkFile, Source, merged, sort_into_chunks
from transforms.exports.staged_files import coded_rows, with_codes, write_staged

WHOLE: Final = ""
"""The partition of an export that is staged whole."""

_SOURCE: Final = (pa.field("source_file", pa.int64()), pa.field("source_row", pa.int64()))
_REPLACED_BY: Final = pa.field(
    "replaced_by",
    pa.int64(),
    nullable=False,
    metadata={"description": "Number of the ingest that replaced the row"},
)


def arrivals_schema(export: Export) -> pa.Schema:
    """The columns of accepted rows on their way: the export's, and where each row comes from.

    Enumerations are dictionaries of their codes. All may be null: staged files are written as
    declared.
    """
    columns = arrow_schema(export.columns, description=export.description, grain="one accepted row")
    fields = [field.with_nullable(True) for field in (*columns, *_SOURCE)]
    return with_codes(pa.schema(fields, metadata=columns.metadata), export)


def history_name(export: Export) -> str:
    """The staged relation that keeps the export's replaced rows."""
    return f"{export.name}_history"


HISTORIES: Final = {history_name(export): export for export in EXPORTS.values()}
"""The exports by the relation of their replaced rows."""


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
    """A file that a merge wrote, and the staged relation and partition that it is to become."""

    relation: str
    partition: str
    file: Path
    rows: int


Target = Callable[[str, str], Path]
"""The path to write, by staged relation and partition."""


def write_relations(
    engine: Engine,
    export: Export,
    current: Path,
    history: Sequence[Path],
    target: Callable[[str], Path],
) -> Iterator[tuple[str, Path, int]]:
    """Writes the relations kept of a partition from its current and its replaced rows.

    `target`: the path to write, by relation. Yields each relation with its file and number of rows.
    """
    tables = relations_of(export)
    if tables:
        engine.records(export.name, export, [current], staged_schema(export))
        engine.records(history_name(export), export, history, history_schema(export))
    for table in tables:
        path = target(table.name)
        rows = engine.write(load_transform(f"staging/{table.name}"), table, path)
        yield table.name, path, rows
        engine.relation(table.name, [path], stored_schema(table))


class Merge:
    """What a delivery brings to some partitions of an export, over what is staged there.

    All are by partition: `arrivals` files of sorted chunks in the `arrivals_schema`, each of one
    delivered file, `held` the current rows, `history` the replaced ones. Rows with one key must all
    be among them.
    """

    def __init__(
        self,
        engine: Engine,
        export: Export,
        arrivals: Mapping[str, Sequence[Path]],
        held: Mapping[str, Path],
        history: Mapping[str, Path],
        delivery: int,
        changed: Collection[str] = (),
    ) -> None:
        """`changed`: partitions of which rows were taken out, and whose history is written anew."""
        self._engine = engine
        self._export = export
        self._arrivals = {
            partition: [ChunkFile(file) for file in files] for partition, files in arrivals.items()
        }
        self._held = held
        self._history = history
        self._delivery = delivery
        self._schema = with_codes(staged_schema(export), export)
        engine.table("run_context", pa.table({"delivery": [delivery]}))
        arrived = [file for files in self._arrivals.values() for file in files]
        chunks = [chunk for file in arrived for chunk in file.chunks]
        rows = pa.Table.from_batches(chunks, arrivals_schema(export))
        engine.records("arrivals", export, rows, rows.schema)
        self._name_staged("held", list(held.values()))
        for name in ("contested", "contenders", "outcomes"):
            engine.create(name, load_transform(f"staging/{name}"))
        older = load_transform("staging/older")
        if export.holds_since:
            engine.create("older", older)
        else:
            engine.records("older", export, rows.slice(0, 0), rows.schema)
        replaced = engine.rows(load_transform("staging/replaced_partitions"))
        self._replaced = set(replaced["partition_month"].to_pylist())
        self._replaced.update(month for month in changed if month in history)
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

    def write(self, partition: str, target: Target) -> list[StagedFile]:
        """Writes a changed partition, the rows replaced in it, and the relations kept of it."""
        held = [self._held[partition]] if partition in self._held else []
        self._name_staged("partition_held", held)
        current = target(self._export.name, partition)
        rows = write_staged(current, self._export, self._current_rows(partition))
        written = [StagedFile(self._export.name, partition, current, rows)]
        history = self._history_of(partition)
        if partition in self._replaced:
            path = target(history_name(self._export), partition)
            written.append(self._write_history(history, partition, path))
            history = [path]
        return [*written, *self._write_relations(partition, current, history, target)]

    def renew_relations(self, target: Target) -> list[StagedFile]:
        """Writes the relations kept of what is held, where nothing of it changes."""
        return [
            written
            for partition, path in self._held.items()
            for written in self._write_relations(
                partition, path, self._history_of(partition), target
            )
        ]

    def _history_of(self, partition: str) -> list[Path]:
        return [self._history[partition]] if partition in self._history else []

    def _write_relations(
        self, partition: str, current: Path, history: Sequence[Path], target: Target
    ) -> list[StagedFile]:
        """Writes the relations kept of a partition from its current and its replaced rows."""
        of = (self._engine, self._export, current, history)
        return [
            StagedFile(name, partition, path, rows)
            for name, path, rows in write_relations(*of, lambda name: target(name, partition))
        ]

    def _current_rows(self, partition: str) -> Iterator[pa.RecordBatch]:
        """The partition's rows that stay, and those that arrive, sorted by owner, then key."""
        order = self._export.order
        sources = [Source(file, self._arrived) for file in self._arrivals.get(partition, [])]
        if partition in self._held:
            schema = staged_schema(self._export)
            kept = self._engine.stream_schema(load_transform("staging/kept"), schema)
            coded = (coded_rows(self._export, batch) for batch in kept)
            scratch = self._engine.scratch / "kept.arrow"
            sources.append(Source(sort_into_chunks(coded, self._schema, order, scratch)))
        return merged(sources, order)

    def _arrived(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Of some rows of one file that arrived those that are staged, as they are staged."""
        lost = self._lost.get(rows["source_file"][0].as_py())
        if lost is not None:
            numbers = rows["source_row"].to_numpy()
            low, high = np.searchsorted(lost, [numbers.min(), numbers.max() + 1])
            rows = rows.filter(pa.array(~np.isin(numbers, lost[low:high])))
        delivery = pa.repeat(pa.scalar(self._delivery, pa.int64()), rows.num_rows)
        columns = [rows[name] if name != DELIVERY else delivery for name in self._schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _write_history(self, before: Sequence[Path], partition: str, target: Path) -> StagedFile:
        schema = history_schema(self._export)
        self._engine.records("partition_history", self._export, before, schema)
        rows = self._engine.write_schema(load_transform("staging/history"), schema, target)
        return StagedFile(history_name(self._export), partition, target, rows)

    def _name_staged(self, name: str, files: Sequence[Path]) -> None:
        self._engine.records(name, self._export, files, staged_schema(self._export))
