"""Write, audit, publish: how a computing flow turns transforms into published tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa

from flows import progress
from flows.errors import RunFailed
from flows.publish import State
from flows.run import Run
from schemas.derive import staged_partition, staged_schema, stored_schema, table_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import PUBLISHED, STAGED_RELATIONS, Table
from transforms.engine import ROOT, Engine, Transform, load_transform
from transforms.policy import Policies

_SHOWN_ROWS: Final = 3


@dataclass(frozen=True)
class Inputs:
    """The files that a computation reads, by relation and partition.

    `tables` says of which table a relation is, where it has another name: `opening_lots`, say.
    """

    files: Mapping[str, Mapping[str, Path]]
    tables: Mapping[str, str] = field(default_factory=dict)

    def fingerprints(self, state: State, transforms: Iterable[Transform]) -> dict[str, str]:
        """What the transforms read of each relation, as a digest: its columns, no others.

        A partition column stands in the path, so the partitions' names are part of the digest.
        """
        columns: dict[str, set[str]] = {}
        for transform in transforms:
            for relation, names in transform.inputs.items():
                columns.setdefault(relation, set()).update(names)
        return {
            relation: _digest(
                {
                    partition: [
                        state.entry(path).column_digests.get(column)
                        for column in sorted(columns[relation])
                    ]
                    for partition, path in files.items()
                }
            )
            for relation, files in self.files.items()
            if relation in columns
        }

    def as_manifest(self, state: State) -> dict[str, list[dict[str, object]]]:
        """The files with their hashes, by relation, as the manifest shows them."""
        return {
            relation: [state.entry(path).model_dump(include={"path", "sha256"}) for path in paths]
            for relation, paths in ((name, files.values()) for name, files in self.files.items())
        }


def name_inputs(engine: Engine, inputs: Inputs) -> None:
    """Names every input's files in the engine, with the schema that its declaration gives."""
    for relation, files in inputs.files.items():
        if relation in EXPORTS:
            _name_export(engine, EXPORTS[relation], list(files.values()))
        else:
            name = inputs.tables.get(relation, relation)
            table = STAGED_RELATIONS.get(name) or PUBLISHED[name]
            name_table(engine, table, list(files.values()), relation)


def name_table(
    engine: Engine, table: Table, files: Sequence[Path], relation: str | None = None
) -> None:
    """Names files of a table as an input, its partition column taken from their paths."""
    name = relation or table.name
    engine.relation(name, files, table_schema(table), partition=table.partition)


def run_context(engine: Engine, **parameters: date | datetime | int | str) -> None:
    """Names the one-row relation that carries a run's parameters to SQL."""
    engine.table("run_context", pa.table({name: [value] for name, value in parameters.items()}))


def name_policies(engine: Engine, policies: Policies, transforms: Iterable[Transform]) -> None:
    """Names the policy relations that the transforms' headers list among their inputs."""
    for transform in transforms:
        for relation in transform.inputs:
            if relation.startswith("policy_"):
                engine.table(relation, policies.relation(relation.removeprefix("policy_")))


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


def write_table(run: Run, engine: Engine, transform: Transform, partition: str) -> Written:
    """Writes a table's partition aside and names it in the engine, so that audits read it."""
    table = PUBLISHED[transform.name.rpartition("/")[2]]
    target = run.workspace.warehouse / table.name / f"{table.partition}={partition}"
    target /= "part-0.parquet"
    aside = run.aside(target)
    with progress.working(f"computing {table.name} {partition}", lambda: engine.progress() / 100):
        rows = engine.write(transform, table, aside)
    engine.relation(table.name, [aside], stored_schema(table))
    return Written(table, partition, aside, target, rows)


@dataclass(frozen=True)
class Written:
    """A table's partition, written aside."""

    table: Table
    partition: str
    aside: Path
    target: Path
    rows: int


def publish_table(run: Run, written: Written, fingerprints: Mapping[str, str]) -> None:
    """Takes a written partition into the run's commit, with what it was made from."""
    run.replace(
        written.aside,
        written.target,
        table=written.table.name,
        period=written.partition,
        rows=written.rows,
        inputs=fingerprints,
    )


def audit(engine: Engine, audits: Sequence[Transform]) -> list[str]:
    """Runs the audits; raises RunFailed with the first rows that break a claim.

    Returns the names of the claims that hold.
    """
    for claim in audits:
        breach = breach_of(engine, claim)
        if breach:
            raise RunFailed(
                f"audit {breach}; nothing was published; see {claim.path.relative_to(ROOT.parent)}"
            )
    return [claim.name.removeprefix("audits/") for claim in audits]


def breach_of(engine: Engine, claim: Transform) -> str | None:
    """How many rows break a claim, with the first of them; none where it holds."""
    broken = engine.rows(claim)
    if not broken.num_rows:
        return None
    rows = "; ".join(_shown(row) for row in broken.slice(0, _SHOWN_ROWS).to_pylist())
    return f"{claim.name.rpartition('/')[2]} found {broken.num_rows:,} rows ({rows})"


def _shown(row: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in row.items())


def _name_export(engine: Engine, export: Export, files: Sequence[Path]) -> None:
    schema = staged_schema(export)
    column = staged_partition(export)
    if column is not None:
        schema = schema.append(pa.field(*column))
    engine.relation(export.name, files, schema, partition=column[0] if column is not None else None)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
