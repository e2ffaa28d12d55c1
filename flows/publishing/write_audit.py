"""Write, audit, publish: how a computing flow turns transforms into published tables."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import pyarrow as pa

from flows.console import progress
from flows.console.errors import RunFailed
from flows.publishing.commit import Contents, State
from flows.publishing.side_by_side import side_by_side
from flows.publishing.workspace import Workspace
from schemas.derive import staged_partition, staged_schema, stored_schema, table_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import PUBLISHED, STAGED_RELATIONS, Table
from transforms.engine.engine import POLICY, ROOT, Engine, Transform, load_transform
from transforms.engine.errors import RowsOutOfOrder
from transforms.engine.plain import relation_of
from transforms.engine.row_groups import TableFile
from transforms.engine.threads import beside, pool
from transforms.policies.policy import Policies

if TYPE_CHECKING:
    from flows.publishing.run import Run

_SHOWN_ROWS: Final = 3
_WRITTEN_LATER: Final = 2
"""Batches of a table that are made before those in front of them are written."""
_AT_ONCE: Final = 2
"""Statements at a time: each of them has long stretches that use one core."""
_CONTEXT: Final = {
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    int: pa.int64(),
    str: pa.string(),
}


@dataclass(frozen=True)
class Inputs:
    """The files that a computation reads, by relation and partition.

    `tables` says of which table a relation is, where it has another name: `opening_lots`, say.
    `together`: what transforms read as one, and of which relations.
    """

    files: Mapping[str, Mapping[str, Path]]
    tables: Mapping[str, str] = field(default_factory=dict)
    together: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def fingerprints(
        self,
        state: State,
        transforms: Iterable[Transform],
        but: Mapping[str, Collection[str]] | None = None,
    ) -> dict[str, str]:
        """What the transforms read of each relation, as a digest: its columns, no others.

        A partition column stands in the path, so the partitions' names are part of the digest.
        `but`: columns, by relation, that leave a period current when they change later.
        """
        columns: dict[str, set[str]] = {}
        for transform in transforms:
            for name, names in transform.inputs.items():
                for relation in self.together.get(name, [name]):
                    columns.setdefault(relation, set()).update(names)
        for relation, left_out in (but or {}).items():
            columns[relation].difference_update(left_out)

        def read(relation: str, files: Mapping[str, Path]) -> dict[str, list[str | None]]:
            names = sorted(columns[relation])
            digests = {name: state.entry(path).column_digests for name, path in files.items()}
            return {name: [of.get(column) for column in names] for name, of in digests.items()}

        return {
            relation: digest(read(relation, files))
            for relation, files in self.files.items()
            if relation in columns
        }

    def as_manifest(self, state: State) -> dict[str, list[dict[str, object]]]:
        """The files with their hashes, by relation, as the manifest shows them."""
        return {
            relation: [state.entry(path).model_dump(include={"path", "sha256"}) for path in paths]
            for relation, paths in ((name, files.values()) for name, files in self.files.items())
        }


def changed_inputs(recorded: Mapping[str, str], found: Mapping[str, str]) -> set[str]:
    """The relations, or `policies`, whose fingerprint is another one than was recorded."""
    if recorded == found:
        return set()
    names = recorded.keys() | found.keys()
    return {name for name in names if recorded.get(name) != found.get(name)}


def name_inputs(engine: Engine, inputs: Inputs, state: State) -> None:
    """Names every input's files in the engine, with the schema that its declaration gives."""
    for relation, files in inputs.files.items():
        if relation in EXPORTS:
            _name_export(engine, EXPORTS[relation], list(files.values()))
        else:
            name = inputs.tables.get(relation, relation)
            table = STAGED_RELATIONS.get(name) or PUBLISHED[name]
            name_table(engine, table, list(files.values()), state, relation)


def name_table(
    engine: Engine,
    table: Table,
    files: Sequence[Path],
    state: State,
    relation: str | None = None,
) -> None:
    """Names committed files of a table as an input, its partition column taken from their paths.

    A column that was added to the table after a file was written is null in that file's rows.
    """
    engine.relation(
        relation or table.name,
        files,
        table_schema(table),
        partition=table.partition,
        by_name=state.held(files, table.stored_columns) is not None,
    )


def run_context(engine: Engine, **parameters: date | datetime | int | str) -> None:
    """Names the one-row relation that carries a run's parameters to SQL."""
    schema = pa.schema([(name, _CONTEXT[type(value)]) for name, value in parameters.items()])
    engine.table("run_context", relation_of([parameters], schema))


def name_policies(engine: Engine, policies: Policies, transforms: Iterable[Transform]) -> None:
    """Names the policy relations that the transforms' headers list among their inputs."""
    relations = {relation for transform in transforms for relation in transform.inputs}
    engine.tables(
        {
            relation: policies.relation(relation.removeprefix(POLICY))
            for relation in sorted(relations)
            if relation.startswith(POLICY)
        }
    )


def audits_of(tables: Iterable[str]) -> list[Transform]:
    """The audits of the tables: every `audits/<table>__<claim>.sql`."""
    return _claims("audits", tables)


def proofs_of(relations: Iterable[str]) -> list[Transform]:
    """What `verify` proves of the relations besides: every `proof/<relation>__<claim>.sql`."""
    return _claims("proof", relations)


def _claims(folder: str, relations: Iterable[str]) -> list[Transform]:
    return [
        load_transform(f"{folder}/{path.stem}")
        for relation in relations
        for path in sorted((ROOT / folder).glob(f"{relation}__*.sql"))
    ]


def published_path(workspace: Workspace, table: Table, partition: str) -> Path:
    """Where a table's partition is published."""
    return workspace.warehouse / table.name / f"{table.partition}={partition}" / "part-0.parquet"


def write_and_audit(
    run: Run,
    engine: Engine,
    policies: Policies,
    tables: Sequence[Transform],
    partition: str | Callable[[str], str],
    audits: Sequence[Transform] | None = None,
    ready: Sequence[WrittenTable] = (),
) -> tuple[list[WrittenTable], list[str]]:
    """Writes tables aside and audits them; returns them, and the names of the claims that hold.

    `partition` is that of all tables, or says it by a table's name. `audits`: by default all of the
    tables' audits. `ready`: those of the tables that are written already. What a table or an audit
    reads of the others, as its header says, is written before it; the rest goes on side by side.
    Raises RunFailed with the first rows that break a claim.
    """
    names = [_table_name(transform) for transform in tables]
    audits = audits_of(names) if audits is None else audits
    name_policies(engine, policies, [*tables, *audits])
    written = {table.table.name: table for table in ready}
    for table in ready:
        _name_written(engine, table)
    done: list[str] = []

    def write(name: str, transform: Transform) -> None:
        period = partition if isinstance(partition, str) else partition(name)
        written[name] = _write_table(run, engine, transform, period)
        done.append(name)

    def check(name: str, claim: Transform) -> None:
        audit(engine, claim)
        done.append(name)

    def look_into(name: str) -> None:
        written[name] = replace(written[name], contents=Contents.of(written[name].aside))
        done.append(name)

    transforms = dict(zip(names, tables, strict=True))
    claims = {_claim(claim): claim for claim in audits}
    works = {
        **{
            name: partial(write, name, transform)
            for name, transform in transforms.items()
            if name not in written
        },
        **{_contents(name): partial(look_into, name) for name in names},
        **{name: partial(check, name, claim) for name, claim in claims.items()},
    }
    waits_for = {_contents(name): {name} & works.keys() for name in names} | {
        name: {read for read in transform.inputs if read in works and read != name}
        for name, transform in (transforms | claims).items()
        if name in works
    }
    what = f"computing {', '.join(names)}"
    with progress.working(what, lambda: len(done) / len(works)):
        side_by_side(works, waits_for, pool(_AT_ONCE))
    return [written[name] for name in names], [*map(_in_order, names), *claims]


class TablesInBatches(ExitStack):
    """Tables that are written aside as an input comes, batch by batch; a `with` block.

    Each of their rows is made of one row of the input, whose batches come in the tables' order.
    `relation`: the input's name. `between`: what they read it through, by name. Raises RunFailed
    where rows don't stand in a table's order, each key once.
    """

    def __init__(
        self,
        run: Run,
        engine: Engine,
        relation: str,
        tables: Sequence[Transform],
        partition: str,
        between: Mapping[str, Transform] | None = None,
    ) -> None:
        super().__init__()
        self._batches = engine.batches(relation, between or {})
        self._under_way: deque[Future[None]] = deque()
        self._empty = [_to_write(run, transform, partition) for transform in tables]
        self._files = [
            (
                transform,
                TableFile(one.aside, stored_schema(one.table), one.table.name, one.table.order),
            )
            for transform, one in zip(tables, self._empty, strict=True)
        ]

    def __enter__(self) -> Self:
        for _, file in self._files:
            self.enter_context(file)
        self._writer = self.enter_context(beside())
        # before the files are closed
        self.push(self._finish)
        return self

    def write(self, batch: pa.Table) -> None:
        """Takes what the tables make of a batch, to be written beside what comes next."""
        if not batch.num_rows:
            return
        for transform, file in self._files:
            rows = self._batches.rows(batch, transform)
            self._under_way.append(self._writer.submit(file.write, rows))
            if len(self._under_way) > _WRITTEN_LATER:
                self._under_way.popleft().result()

    def _finish(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while error is None and self._under_way:
            self._under_way.popleft().result()

    @property
    def written(self) -> list[WrittenTable]:
        """The tables, after the `with` block."""
        return [
            replace(one, rows=file.rows)
            for one, (_, file) in zip(self._empty, self._files, strict=True)
        ]


def audit(engine: Engine, claim: Transform) -> None:
    """Raises RunFailed with the first rows that break an audit's claim."""
    breach = breach_of(engine, claim)
    if breach:
        raise RunFailed(f"audit {breach}; nothing was published; see {_place(claim)}")


@dataclass(frozen=True)
class WrittenTable:
    """A table's partition, written aside."""

    table: Table
    partition: str
    aside: Path
    target: Path
    rows: int
    contents: Contents | None = None
    """As soon as somebody looked."""


def publish_table(run: Run, written: WrittenTable, fingerprints: Mapping[str, str]) -> None:
    """Takes a written partition into the run's commit, with what it was made from."""
    run.replace(
        written.aside,
        written.target,
        table=written.table.name,
        period=written.partition,
        rows=written.rows,
        inputs=fingerprints,
        contents=written.contents,
    )


def _table_name(transform: Transform) -> str:
    return transform.name.rpartition("/")[2]


def _in_order(name: str) -> str:
    """The claim that every written table has to hold."""
    return f"{name}__rows_in_order"


def _contents(name: str) -> str:
    """The work of looking into a written table's file."""
    return f"{name} contents"


def _claim(transform: Transform) -> str:
    return transform.name.rpartition("/")[2]


def _write_table(run: Run, engine: Engine, transform: Transform, partition: str) -> WrittenTable:
    """Writes a table's partition aside and names it in the engine, so that others read it."""
    empty = _to_write(run, transform, partition)
    try:
        written = replace(empty, rows=engine.write(transform, empty.table, empty.aside))
    except RowsOutOfOrder as error:
        raise RunFailed(f"{error}; nothing was published; see {_place(transform)}") from error
    _name_written(engine, written)
    return written


def _to_write(run: Run, transform: Transform, partition: str) -> WrittenTable:
    """A table's partition that has no rows yet, and where it is to be."""
    table = PUBLISHED[_table_name(transform)]
    target = published_path(run.workspace, table, partition)
    return WrittenTable(table, partition, run.aside(target), target, 0)


def _name_written(engine: Engine, written: WrittenTable) -> None:
    engine.relation(written.table.name, [written.aside], stored_schema(written.table))


def _place(transform: Transform) -> Path:
    return transform.path.relative_to(ROOT.parent)


def breach_of(engine: Engine, claim: Transform) -> str | None:
    """How many rows break a claim, with the first of them; none where it holds."""
    if not engine.has_rows(claim):
        return None
    broken = engine.rows(claim)
    rows = "; ".join(_shown(row) for row in broken.slice(0, _SHOWN_ROWS).to_pylist())
    return f"{_claim(claim)} found {broken.num_rows:,} rows ({rows})"


def _shown(row: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items())


def _name_export(engine: Engine, export: Export, files: Sequence[Path]) -> None:
    schema = staged_schema(export)
    column = staged_partition(export)
    if column is not None:
        schema = schema.append(pa.field(*column))
    engine.relation(export.name, files, schema, partition=column[0] if column is not None else None)


def digest(content: object) -> str:
    """SHA-256 over plain values and days, as JSON says them."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
