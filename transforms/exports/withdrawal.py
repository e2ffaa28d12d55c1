"""Withdraws what an earlier reading of a file brought, where the file is read anew.

A correction replaces what held until then, and is kept as that. A row that was read wrongly never
held: it leaves the current and the replaced rows, and is kept in a relation of its own, with the
delivery that brought it and the one that withdrew it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.derive import staged_schema
from schemas.exports import EXPORTS, Export
from transforms.engine.engine import Engine, load_transform
from transforms.exports.merge import (
    StagedFile,
    Target,
    arrivals_schema,
    history_name,
    history_schema,
)
from transforms.exports.sorted_chunks import ChunkFile

Partitioned = Mapping[str, Sequence[Path]]
"""Files by the partition that their rows are of."""


def withdrawn_name(export: Export) -> str:
    """The staged relation that keeps the export's withdrawn rows, in its `history_schema`."""
    return f"{export.name}_withdrawn"


WITHDRAWN: Final = {withdrawn_name(export): export for export in EXPORTS.values()}
"""The exports by the relation of their withdrawn rows."""


@dataclass(frozen=True)
class Withdrawal:
    """What is left of a partition without its withdrawn rows, and the file of these.

    `held`, `history`: files of current and replaced rows; none where they had no such file.
    """

    partition: str
    held: Path | None
    history: Path | None
    written: StagedFile


class Withdrawals:
    """What earlier readings brought of an export's files that are read anew.

    `earlier` and `arrivals` are files of chunks in the `arrivals_schema`, of what the earlier and
    the new readings brought. `deliveries` are those with which a file, by its number in `earlier`,
    was read before; `delivery` is the new one. `scratch`: a folder for what is left.
    """

    def __init__(
        self,
        engine: Engine,
        export: Export,
        earlier: Partitioned,
        arrivals: Partitioned,
        deliveries: Mapping[int, Sequence[int]],
        delivery: int,
        scratch: Path,
    ) -> None:
        self._engine = engine
        self._export = export
        self._earlier = earlier
        self._arrivals = arrivals
        self._scratch = scratch
        read_before = [(file, number) for file, all_ in deliveries.items() for number in all_]
        files, numbers = zip(*read_before, strict=True)
        engine.table("run_context", pa.table({"delivery": [delivery]}))
        engine.table("read_before", pa.table({"source_file": files, "delivery": numbers}))

    def of(
        self,
        partition: str,
        held: Path | None,
        history: Path | None,
        before: Path | None,
        target: Target,
    ) -> Withdrawal | None:
        """Withdraws rows of a partition; none where none of its rows is to go.

        `held`, `history`, `before`: the files of its current, replaced and withdrawn rows. The
        latter's new file is written to `target`.
        """
        self._name_arrived("earlier", self._earlier.get(partition, ()))
        self._name_arrived("arrivals", self._arrivals.get(partition, ()))
        found: list[Path] = []
        left_held = self._withdraw(held, self._export.name, staged_schema, found)
        left_history = self._withdraw(history, history_name(self._export), history_schema, found)
        if not found:
            return None
        schema = history_schema(self._export)
        files = [*([before] if before else []), *found]
        self._engine.records("withdrawn_rows", self._export, files, schema)
        relation = withdrawn_name(self._export)
        path = target(relation, partition)
        rows = self._engine.write_schema(load_transform("staging/withdrawals"), schema, path)
        return Withdrawal(
            partition, left_held, left_history, StagedFile(relation, partition, path, rows)
        )

    def _withdraw(
        self,
        standing: Path | None,
        relation: str,
        schema_of: Callable[[Export], pa.Schema],
        found: list[Path],
    ) -> Path | None:
        """What stays of a file; adds to `found` a file of the rows that go, if there are any."""
        if standing is None:
            return None
        # both are in a folder named as that of the staged file, which holds the month
        folder = self._scratch / relation / standing.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        self._engine.records("standing", self._export, [standing], staged_schema(self._export))
        self._engine.create("withdrawn", load_transform("staging/withdrawn"))
        gone = folder / "withdrawn.parquet"
        schema = schema_of(self._export)
        of_history = schema == history_schema(self._export)
        self._engine.records("standing", self._export, [standing], schema)
        going = load_transform(f"staging/withdrawn{'_history' if of_history else ''}")
        if not self._engine.write_schema(going, history_schema(self._export), gone):
            return standing
        found.append(gone)
        left = folder / "remaining.parquet"
        self._engine.write_schema(load_transform("staging/remaining"), schema, left)
        return left

    def _name_arrived(self, name: str, files: Sequence[Path]) -> None:
        schema = arrivals_schema(self._export)
        chunks = [chunk for file in files for chunk in ChunkFile(file).chunks]
        rows = pa.Table.from_batches(chunks, schema)
        self._engine.records(name, self._export, rows, schema)
