"""Tables as they were known then: a period's rows, to look at or as a file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.answers.pack import csv_cell
from flows.answers.reading import PRESENT, Reader, Which, from_one_state
from flows.answers.sheets import plain
from flows.answers.targets import require_target
from flows.console import progress
from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.publishing.options import Options
from flows.publishing.workspace import private
from schemas.columns import INT64
from schemas.derive import STAGED, shown_schema, staged_partition, table_schema, type_name
from schemas.exports import EXPORTS
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.engine.row_groups import TableFile

FORMAT: Final = "pointbook.table.v1"
SHOWN_ROWS: Final = 20
_ROWS_AT_ONCE: Final = 1 << 16
_ENDINGS: Final = (".csv", ".parquet")


@dataclass(frozen=True)
class _Shown:
    """What is shown of a published table, staged export or relation.

    `schema`: its columns, without those that are personal or not declared as shown. `partition`:
    the column that stands in the path; empty where it is kept whole.
    """

    name: str
    schema: pa.Schema
    partition: str

    @classmethod
    def of(cls, name: str) -> _Shown:
        """By its name, of what is staged with or without `staged.`; raises WrongUsage."""
        bare = name.removeprefix(f"{STAGED}.")
        if bare in EXPORTS:
            partition, _ = staged_partition(EXPORTS[bare]) or ("", None)
            return cls(bare, shown_schema(EXPORTS[bare]), partition)
        relation = STAGED_RELATIONS.get(bare)
        table = PUBLISHED.get(name) or (None if relation and relation.internal else relation)
        if table is None:
            others = [name for name, each in STAGED_RELATIONS.items() if not each.internal]
            raise WrongUsage(
                f"no table is called {name!r}; the tables are {', '.join(PUBLISHED)}, and what is "
                f"staged {', '.join([*EXPORTS, *others])}"
            )
        return cls(table.name, table_schema(table), table.partition)

    def batches(self, path: Path, period: str) -> Iterator[pa.RecordBatch]:
        """The rows of its file of a period, in their order; a column that it lacks is null."""
        with pq.ParquetFile(path) as file:
            held = set(file.schema_arrow.names) & set(self.schema.names)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=sorted(held)):
                yield pa.RecordBatch.from_arrays(
                    [self._column(batch, field, held, period) for field in self.schema],
                    schema=self.schema,
                )

    def _column(
        self, batch: pa.RecordBatch, field: pa.Field, held: set[str], period: str
    ) -> pa.Array:
        if field.name in held:
            return batch[field.name].cast(field.type)
        if field.name == self.partition:
            value = int(period) if field.type == INT64 else period
            return pa.repeat(pa.scalar(value, field.type), batch.num_rows)
        return pa.nulls(batch.num_rows, field.type)


def table(
    options: Options,
    name: str,
    period: str | None = None,
    out: Path | None = None,
    limit: int = SHOWN_ROWS,
    which: Which = PRESENT,
) -> dict[str, Any]:
    """A table's rows of a period, of the present or an earlier state, as JSON has it.

    `name`: a published table, or a staged export or relation. `period`: its partition, as
    `pointbook status` has it; of what is kept whole none. `out`: a file that gets all rows, as CSV
    or Parquet by its ending; it is written whole or not at all. `limit`: so many are told.

    Raises WrongUsage for an unknown table, a period that is none or missing, or a file that can't
    be meant; NotReady where the period was not published then, or can't be had any more.
    """
    shown = _Shown.of(name)
    if period is None and shown.partition:
        raise WrongUsage(f"{shown.name} is kept by {shown.partition}; name one with --period")
    if period is not None and not shown.partition:
        raise WrongUsage(f"{shown.name} is kept whole; leave out --period")
    if out is not None:
        _require_target(options, out)

    def answer(reader: Reader) -> dict[str, Any]:
        """What is told of the period, from one state; writes the file, if there is to be one."""
        path = _file_of(reader, shown, period)
        reader.notes([path])
        entry = reader.context.state.entry(path)
        if out is not None:
            with progress.working(f"writing {out}", lambda: -1.0):
                _write(out, shown, path, period or "")
        rows = (row for batch in shown.batches(path, period or "") for row in batch.to_pylist())
        return {
            "format": FORMAT,
            "table": shown.name,
            "period": period,
            "run_id": reader.context.state.run_of(path),
            "sha256": entry.sha256,
            "rows": entry.rows,
            "columns": [_about(field) for field in shown.schema],
            "first_rows": [
                {column: _told(value) for column, value in row.items()}
                for row in islice(rows, limit)
            ],
            **({} if out is None else {"out": str(out)}),
            **reader.told,
        }

    return from_one_state(options, answer, which, decides=False)


def _file_of(reader: Reader, shown: _Shown, period: str | None) -> Path:
    """The file of a period; raises NotReady, naming those that there are."""
    files = reader.context.files(shown.name)
    found = files.get(period or "")
    if found is None:
        then = "" if reader.then is None else f" as of {reader.then.asked}"
        known = _listed(list(files))
        raise NotReady(f"{shown.name} has no {period or 'rows'}{then}; it has {known}")
    return found


def _listed(names: Sequence[str]) -> str:
    if len(names) <= SHOWN_ROWS:
        return ", ".join(names) or "nothing"
    return f"{names[0]} to {names[-1]}, {len(names)} of them"


def _require_target(options: Options, out: Path) -> None:
    """Raises WrongUsage for a file that can't be meant."""
    if out.suffix not in _ENDINGS:
        raise WrongUsage(f"--out {out}: its ending says how it is written; .csv or .parquet")
    require_target(options, out)


def _about(field: pa.Field) -> dict[str, str | None]:
    """What is told of a column."""
    metadata = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return {
        "column": field.name,
        "type": type_name(field.type),
        "unit": metadata.get("unit"),
        "meaning": metadata["description"],
    }


def _told(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else plain(value)


def _write(out: Path, shown: _Shown, path: Path, period: str) -> None:
    """Writes all rows to a file of its owner's alone, beside its place and then into it."""
    target = out.expanduser().absolute()
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with private(), _gone_unless_renamed(temporary):
            target.parent.mkdir(parents=True, exist_ok=True)
            if out.suffix == ".parquet":
                with TableFile(temporary, shown.schema, shown.name) as parquet:
                    for batch in shown.batches(path, period):
                        parquet.write(batch)
            else:
                # with the mark by which Excel knows UTF-8
                with temporary.open("w", encoding="utf-8-sig", newline="") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerow(shown.schema.names)
                    for batch in shown.batches(path, period):
                        for row in batch.to_pylist():
                            writer.writerow(map(csv_cell, row.values()))
            os.replace(temporary, target)
    except OSError as error:
        raise RunFailed(
            f"{error.filename or target}: {error.strerror}; nothing was written: mend this, or "
            "name another file with --out"
        ) from error


@contextmanager
def _gone_unless_renamed(temporary: Path) -> Iterator[None]:
    try:
        yield
    finally:
        temporary.unlink(missing_ok=True)
