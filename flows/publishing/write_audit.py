"""Write, audit, publish: how a computing flow turns transforms into published tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa

from flows.console import progress
from flows.console.errors import RunFailed
from flows.publishing.commit import Contents, State
from flows.publishing.side_by_side import side_by_side
from flows.publishing.workspace import Workspace, published_path
from schemas.derive import staged_partition, staged_schema, stored_schema, table_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import PUBLISHED, STAGED_RELATIONS, Table
from transforms.engine.engine import POLICY, ROOT, Engine, Transform, load_transform
from transforms.engine.errors import RowsOutOfOrder
from transforms.engine.plain import relation_of
from transforms.engine.threads import pool
from transforms.exports.merge import HISTORIES, history_schema
from transforms.policies.policy import Policies

if TYPE_CHECKING:
    from flows.publishing.run import Run

_SHOWN_ROWS: Final = 3
_AT_ONCE: Final = 2
"""Statements at a time: each of them has long stretches that use one core."""
_CONTEXT: Final = {
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    int: pa.int64(),
    str: pa.string(),
}


class Place(Protocol):
    """Where tables are written: a run, which publishes them, or a scenario, apart from all that."""

    workspace: Workspace

    def temporary(self, target: Path) -> Path:
        """Where to write a file that is to become `target`."""
        ...


@dataclass(frozen=True)
class Inputs:
    """The files that a computation reads, by relation and partition.

    `tables` says of which table a relation is, where it has another name: `opening_lots`, say.
    """

    files: Mapping[str, Mapping[str, Path]]
    tables: Mapping[str, str] = field(default_factory=dict)

    def fingerprints(self, state: State, columns: Mapping[str, Collection[str]]) -> dict[str, str]:
        """These columns of each relation, no others, as a digest.

        A partition column stands in the path, so the partitions' names are part of the digest.
        """

        found = {}
        for relation, files in self.files.items():
            if relation in columns:
                names = sorted(columns[relation])
                of = {period: state.entry(file).column_digests for period, file in files.items()}
                found[relation] = digest({p: [of[p].get(name) for name in names] for p in of})
        return found

    def as_manifest(self, state: State) -> dict[str, list[dict[str, object]]]:
        """The files with their hashes, by relation, as the manifest shows them."""
        return {
            relation: [
                state.entry(path).model_dump(include={"path", "sha256"}) for path in files.values()
            ]
            for relation, files in self.files.items()
        }


def changed_inputs(recorded: Mapping[str, str], found: Mapping[str, str]) -> set[str]:
    """The relations, or `policies`, whose fingerprint is another one than was recorded."""
    return {name for name, _ in recorded.items() ^ found.items()}


def name_inputs(engine: Engine, inputs: Inputs, state: State) -> None:
    """Names every input's files in the engine, with the schema that its declaration gives."""
    for relation, files in inputs.files.items():
        if relation in EXPORTS:
            _name_export(engine, EXPORTS[relation], list(files.values()))
        elif relation in HISTORIES:
            engine.relation(relation, list(files.values()), history_schema(HISTORIES[relation]))
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
        partition=table.partition or None,
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


def claims_of(relations: Iterable[str], folder: str = "audits") -> list[Transform]:
    """The claims about relations, every `<relation>__<claim>.sql` of a folder.

    Those in `audits` hold before a table is published; those in `proof` only `verify` proves.
    """
    return [
        load_transform(f"{folder}/{path.stem}")
        for relation in relations
        for path in sorted((ROOT / folder).glob(f"{relation}__*.sql"))
    ]


def write_and_audit(
    run: Place,
    engine: Engine,
    policies: Policies,
    tables: Sequence[Transform],
    partition: str | Callable[[str], str],
    audits: Sequence[Transform] | None = None,
) -> tuple[list[WrittenTable], list[str]]:
    """Writes tables to temporary files and audits them; returns them, and the claims that hold.

    `partition` is that of all tables, or says it by a table's name. `audits`: by default all of the
    tables' audits. What a table or an audit reads of the others, as its header says, is written
    before it; the rest goes on side by side. Raises RunFailed with the first rows that break a
    claim.
    """
    transforms = {transform.title: transform for transform in tables}
    names = list(transforms)
    claims = {claim.title: claim for claim in (claims_of(names) if audits is None else audits)}
    name_policies(engine, policies, [*tables, *claims.values()])
    written: dict[str, WrittenTable] = {}
    done: list[str] = []

    def write(name: str, transform: Transform) -> None:
        period = partition if isinstance(partition, str) else partition(name)
        written[name] = _write_table(run, engine, transform, period)
        done.append(name)

    def check(name: str, claim: Transform) -> None:
        audit(engine, claim)
        done.append(name)

    def look_into(name: str) -> None:
        written[name] = replace(written[name], contents=Contents.of(written[name].temporary))
        done.append(name)

    works = {
        **{name: partial(write, name, transform) for name, transform in transforms.items()},
        **{f"{name} contents": partial(look_into, name) for name in names},
        **{name: partial(check, name, claim) for name, claim in claims.items()},
    }
    waits_for = {f"{name} contents": {name} for name in names} | {
        name: {read for read in transform.inputs if read in works and read != name}
        for name, transform in (transforms | claims).items()
    }
    what = f"computing {', '.join(names)}"
    with progress.working(what, lambda: len(done) / len(works)):
        side_by_side(works, waits_for, pool(_AT_ONCE))
    return [written[name] for name in names], [
        *(f"{name}__rows_in_order" for name in names),
        *claims,
    ]


def audit(engine: Engine, claim: Transform) -> None:
    """Raises RunFailed with the first rows that break an audit's claim."""
    breach = breach_of(engine, claim)
    if breach:
        raise RunFailed(f"audit {breach}; nothing was published; see {_place(claim)}")


@dataclass(frozen=True)
class WrittenTable:
    """A table's partition, written to a temporary file."""

    table: Table
    partition: str
    temporary: Path
    target: Path
    rows: int
    contents: Contents | None = None
    """None until the file was read for its hash."""


def publish_table(
    run: Run, written: WrittenTable, fingerprints: Mapping[str, str], gaps: Iterable[str] = ()
) -> None:
    """Takes a written partition into the run's commit, with what it was made from, and without."""
    run.replace(
        written.temporary,
        written.target,
        table=written.table.name,
        period=written.partition,
        rows=written.rows,
        inputs=fingerprints,
        gaps=gaps,
        contents=written.contents,
    )


def _write_table(run: Place, engine: Engine, transform: Transform, partition: str) -> WrittenTable:
    """Writes a table's partition and names the file in the engine, so that others read it."""
    table = PUBLISHED[transform.title]
    target = published_path(run.workspace, table, partition)
    written = WrittenTable(table, partition, run.temporary(target), target, 0)
    try:
        written = replace(written, rows=engine.write(transform, table, written.temporary))
    except RowsOutOfOrder as error:
        raise RunFailed(f"{error}; nothing was published; see {_place(transform)}") from error
    engine.relation(table.name, [written.temporary], stored_schema(table))
    return written


def _place(transform: Transform) -> Path:
    return transform.path.relative_to(ROOT.parent)


def breach_of(engine: Engine, claim: Transform) -> str | None:
    """How many rows break a claim, with the first of them; none where it holds."""
    if not engine.has_rows(claim):
        return None
    broken = engine.rows(claim)
    rows = "; ".join(
        " ".join(f"{name}={value}" for name, value in row.items())
        for row in broken.slice(0, _SHOWN_ROWS).to_pylist()
    )
    return f"{claim.title} found {broken.num_rows:,} rows ({rows})"


def _name_export(engine: Engine, export: Export, files: Sequence[Path]) -> None:
    schema = staged_schema(export)
    name, kind = staged_partition(export) or (None, None)
    if name is not None:
        schema = schema.append(pa.field(name, kind))
    engine.relation(export.name, files, schema, partition=name)


def digest(content: object) -> str:
    """SHA-256 over plain values and days, as JSON says them."""
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
