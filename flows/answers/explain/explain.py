"""Explain: why a published row is as it is.

The answer is the published row. Its period is made again over the subject's rows, by the command's
own SQL and fold, and compared with it; the steps show what lay between (`declaration.py`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.answers.explain.declaration import Asked, Change, Due, Kind, Step, Value
from flows.answers.explain.replay import (
    Files,
    Ids,
    Replay,
    amended,
    inputs_about,
    replay,
    replayed,
)
from flows.answers.policy_settings import AS_DECIDED, Supposed
from flows.answers.policy_values import policies_of_run
from flows.answers.reading import PRESENT, Reader, Which, from_one_state
from flows.commands.declaration import Command
from flows.commands.template import fingerprints
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, ProofFailed
from flows.publishing.commit import commit_records
from flows.publishing.kept_policies import kept_policies
from flows.publishing.options import Options, start_engine
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, name_policies
from schemas.columns import INT64
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED, RESTATEMENTS, Table
from transforms.engine.dependencies import Dependencies
from transforms.engine.engine import Engine, load_transform
from transforms.engine.plain import relation_of, with_constant
from transforms.exports.merge import HISTORIES, history_name
from transforms.policies.policy import Policies

FORMAT: Final = "pointbook.explain.v1"
_PUBLISHED: Final = "published_"
_REPLAYED: Final = "replayed_"
_NEXT: Final = "next_"
_GIVEN: Final = ("outcome", "passed", "over", "short")
_ROOM: Final = "answers"

Row = dict[str, Any]


def explain(
    options: Options,
    kind: Kind,
    asked: Asked,
    supposed: Supposed = AS_DECIDED,
    which: Which = PRESENT,
) -> Row:
    """The answer to a question, as JSON has it (`schemas/answers/explain.v1.json`).

    `supposed`: policies under which the steps are made instead; nothing of it is kept.
    `which`: the state that is asked about.
    Raises NotReady (exit 4) where what is asked for is not published or not known, ProofFailed
    (exit 1) where the published row can't be explained though nothing changed since.
    """

    def answer(reader: Reader) -> Row:
        with temporary_folder() as scratch:
            return _Answer(options, kind, asked, reader, scratch).given(supposed)

    return from_one_state(options, answer, which)


class _Answer:
    """One question, answered from one committed state."""

    def __init__(
        self, options: Options, kind: Kind, asked: Asked, reader: Reader, scratch: Path
    ) -> None:
        self._options = options
        self._kind = kind
        self._reader = reader
        self._context = reader.context
        self._scratch = scratch
        self._staged: dict[str, pa.Table] = {}
        self._engine: Engine
        self._asked = self._located(asked)
        self._dues = list(kind.dues(self._context, self._asked))
        for due in self._dues:
            self._require_published(due)

    def given(self, supposed: Supposed) -> Row:
        """The answer in full."""
        with ExitStack() as opened:
            # one for all queries: to start it takes as long as a few of them
            self._engine = opened.enter_context(start_engine(self._scratch, threads=1))
            files = opened.enter_context(Files(self._reader, self._ids, self._scratch))
            published = self._published_rows(files)
            used = self._as_decided()
            made = self._made_again(opened, files, used)
            self._read_staged(published, made)
            different = self._difference(made, published)
            stale = self._why_stale(different)
            now = None
            if different is not None:
                used = self._context
                made = self._made_again(opened, files, used)
                now = self._answered(self._tables_of(made), made)
            if supposed:
                used = replace(self._context, policies=supposed.policies(used, self._dues))
                made = self._made_again(opened, files, used)
                now = self._answered(self._tables_of(made), made)
            answer = self._answered(published, made)
            if answer is None:
                raise self._unknown()
            shown = published if now is None else published | self._tables_of(made)
            return {
                "format": FORMAT,
                "kind": self._kind.name,
                "subject": self._subject(),
                "answer": answer,
                "checked": different is None,
                "stale": stale,
                **({} if now is None or different is None else {"now": now}),
                **({"hypothetical": {"answer": now}} if supposed else {}),
                "steps": list(self._steps(shown, made, used)),
                "nearest": list(self._changes(now or answer, shown, made, files, used)),
                "history": [*self._restated(published), *self._replaced(files)],
                "provenance": self._provenance(used),
                **self._reader.told,
            }

    # What is asked for

    def _located(self, asked: Asked) -> Asked:
        """What was asked, with the owner and the month of the row of that id."""
        kind = self._kind
        if kind.locate is not None:
            return kind.locate(self._reader, self._scratch, asked)
        if kind.id is None or asked.id is None:
            return asked
        files = self._context.files(kind.table)
        if asked.month is not None:
            files = self._context.file_of(kind.table, asked.month)
        given = {"member_id": asked.member, "customer_id": asked.customer}
        ids: Ids = {column: [owner] for column, owner in given.items() if owner}
        ids = ids or {kind.id: [asked.id]}
        with Files(self._reader, ids, self._scratch) as reading:
            found = reading.newest_with(kind.table, files, kind.id, asked.id)
        if found is None:
            where = f" of {asked.month}" if asked.month else ""
            raise NotReady(
                f"{asked.id} is in no published {kind.table}{where}; look the id up there, or "
                "publish its month first (`pointbook status` says what is missing)"
            )
        partition, row = found
        owners: Row = {
            name: row.get(f"{name}_id") for name in ("customer", "subscription", "member")
        }
        return replace(asked, month=Period.parse(partition, "month"), **owners)

    @cached_property
    def _ids(self) -> Ids:
        if self._kind.ids is not None:
            return self._kind.ids(self._context, self._asked, self._reader)
        return {self._kind.about: [self._asked_row[self._kind.about] or ""]}

    @cached_property
    def _asked_row(self) -> Row:
        return self._asked.as_row(self._kind.name, self._dues[-1][1])

    def _subject(self) -> Row:
        """Whom and what the answer is about; the period under the name of the table's partition."""
        partition = PUBLISHED[self._kind.table].partition
        names = {"asked_id": self._kind.id or "id", "year": partition, "month": partition}
        return {
            names.get(name, name): _plain(value)
            for name, value in self._asked_row.items()
            if value is not None and name not in ("kind", "period")
        }

    def _require_published(self, due: Due) -> None:
        """Raises NotReady where the answer's table is not published, with what makes it."""
        command, period = due
        table = self._kind.table if self._kind.table in command.tables else command.tables[0]
        if not self._context.file_of(table, command.partition(table, period)):
            raise NotReady(
                f"{table} of {period} is not published; run `{command.line(period)}` first"
            )

    def _unknown(self) -> NotReady:
        whom = " ".join(map(str, self._subject().values()))
        read = sorted({name for command, _ in self._dues for name in command.needs})
        return NotReady(
            f"{whom}: no committed file of {', '.join(read or [self._kind.table])} has it; look "
            "the id up in the export that it comes from"
        )

    # Published, and made again

    def _published_rows(self, files: Files) -> dict[str, pa.Table]:
        """The subject's published rows, by table, of all periods of the answer."""
        found: dict[str, dict[str, Path]] = {}
        for command, period in self._dues:
            for table in self._tables(command, self._reads):
                partition = command.partition(table, period)
                found.setdefault(table, {}).update(self._context.file_of(table, partition))
        found |= {name: dict(of) for name, of in self._kind.also(self._context, self._dues).items()}
        return {table: files.of_table(table, of) for table, of in found.items()}

    def _read_staged(self, published: Mapping[str, pa.Table], made: Sequence[Replay]) -> None:
        """Reads the exports that the kind narrows: the rows of whom an export's rows are."""
        for export, sql in self._kind.staged.items():
            (rows,) = self._queried([sql], published, made, made[-1].context)
            listed = {each for row in rows.to_pylist() for each in row.values()}
            of = {key: path for key, path in self._context.files(export).items() if key in listed}
            owner = EXPORTS[export].owner
            with Files(self._reader, {owner: self._ids[owner]}, self._scratch) as files:
                found = files.of_input(Inputs({export: of}), export)
            self._staged[f"staged_{export}"] = found

    def _as_decided(self) -> Context:
        """The context with the policies that the answer's last run used, where they were kept."""
        digest = self._manifest()["policies"]
        if digest == self._context.policies.digest:
            return self._context
        if self._reader.then is not None:
            run_id = self._context.state.run_of(self._answer_file)
            policies = policies_of_run(self._options, run_id)
            return replace(self._context, policies=policies)
        kept = kept_policies(self._context.workspace, digest)
        return self._context if kept is None else replace(self._context, policies=kept)

    def _made_again(self, opened: ExitStack, files: Files, context: Context) -> list[Replay]:
        """Every period of the answer, made again under the context's policies."""
        made = []
        for command, period in self._dues:
            inputs = command.inputs(context, period)
            rows = inputs_about(command, inputs, files)
            wanted = self._wanted(command, self._reads)
            made.append(replay(opened, command, context, period, inputs, rows, files, wanted))
        return made

    @cached_property
    def _reads(self) -> frozenset[str]:
        """What all queries of the kind read."""
        kind = self._kind
        changes = (
            (change.about, *change.replaces.values(), *change.amends.values())
            for change in kind.changes
        )
        queries = (kind.answer, *(step.sql for step in kind.steps), *chain.from_iterable(changes))
        return _read_by((*queries, *kind.staged.values()))

    def _tables(self, command: Command, read: Collection[str]) -> list[str]:
        """A command's tables that an answer needs: those with rows of one owner, which are compared
        with what is published, and those that queries read.
        """
        owners = self._ids.keys()
        return [
            table
            for table in command.tables
            if owners & PUBLISHED[table].columns.keys() or f"{_PUBLISHED}{table}" in read
        ]

    def _wanted(self, command: Command, read: Collection[str]) -> list[str]:
        """A command's tables and relations that are to be made again."""
        relations = (name.removeprefix(_REPLAYED) for name in sorted(read))
        made = set(command.dependencies.in_order)
        return [*self._tables(command, read), *(name for name in relations if name in made)]

    def _tables_of(self, made: Sequence[Replay]) -> dict[str, pa.Table]:
        """What the periods made again have in the place of the published rows."""
        found: dict[str, list[pa.Table]] = {}
        for one in made:
            for table in (name for name in one.command.tables if name in one.to_make):
                found.setdefault(table, []).append(_with_partition(one, table))
        return {
            name: pa.concat_tables(parts, promote_options="permissive")
            for name, parts in found.items()
        }

    def _difference(self, made: Sequence[Replay], published: Mapping[str, pa.Table]) -> str | None:
        """The first row and column in which what is made again is not what is published.

        Tables and columns that were added since a period was published are none of it.
        """
        owners = self._ids.keys()
        for one in made:
            for name in self._tables(one.command, self._reads):
                table = PUBLISHED[name]
                partition = one.command.partition(name, one.period)
                files = list(self._context.file_of(name, partition).values())
                if not files or not owners & table.columns.keys():
                    continue  # it counts all owners
                held = self._context.state.held(files, table.stored_columns)
                columns = [
                    column
                    for column in table.columns
                    if held is None or column in held or column == table.partition
                ]
                rows = _with_partition(one, name).select(columns).to_pylist()
                found = _first_difference(
                    table,
                    rows,
                    [
                        row
                        for row in published[name].select(columns).to_pylist()
                        if str(row[table.partition]) == str(partition)
                    ],
                )
                if found:
                    return found
        return None

    def _why_stale(self, difference: str | None) -> list[str]:
        """What changed since the periods were published, as far as it matters to the answer.

        Raises ProofFailed where the published rows differ and nothing changed.
        """
        changed: set[str] = set()
        for command, period in self._dues:
            recorded = self._recorded(command, period)
            found = (
                command.policies(self._context, period)
                if difference is None
                else fingerprints(command, self._context, period)
            )
            changed |= {name for name, value in found.items() if recorded.get(name) != value}
        if difference is not None and not changed:
            self._require_known()
            raise ProofFailed(
                f"the published row can't be explained: {difference}; run `pointbook verify`, and "
                "tell whoever keeps Pointbook if that finds nothing"
            )
        return sorted(changed)

    def _require_known(self) -> None:
        """Raises NotReady, naming the run, where the answer rests on hashes that are gone."""
        present = self._reader.present
        forgotten = {path for path in self._reader.files if present.entry(path).forgotten}
        for record in commit_records(self._context.workspace) if forgotten else ():
            for entry in record.files:
                if entry.forgotten and self._context.workspace.root / entry.path in forgotten:
                    raise NotReady(
                        f"{record.run_id} removed the hashes of contacts and addresses in "
                        f"{entry.path}, which the published row was decided by; it can't be "
                        "explained any more"
                    )

    def _recorded(self, command: Command, period: Period) -> Mapping[str, str]:
        table = command.tables[0]
        (path,) = self._context.file_of(table, command.partition(table, period)).values()
        return self._context.state.entry(path).inputs

    # Answer, steps and changes

    def _queried(
        self,
        queries: Iterable[str],
        tables: Mapping[str, pa.Table],
        made: Sequence[Replay],
        context: Context,
    ) -> list[pa.Table]:
        """The rows of queries of the room, over the subject's rows."""
        wanted = tuple(queries)
        dependencies = Dependencies(_ROOM, wanted)
        transforms = dependencies.transforms
        read = {name for each in transforms.values() for name in each.inputs}
        relations = {"asked": relation_of([self._asked_row], Asked.SCHEMA)}
        relations |= {name: rows for name, rows in self._staged.items() if name in read}
        for name in sorted(read):
            if name.startswith(_PUBLISHED):
                relations[name] = tables[name.removeprefix(_PUBLISHED)]
            elif name.startswith(_REPLAYED):
                relations[name] = replayed(made, name.removeprefix(_REPLAYED))
        engine = self._engine
        engine.tables(relations)
        name_policies(engine, context.policies, transforms.values())
        # few rows, which others read time and again: a view would be planned each time
        for name in dependencies.in_order:
            engine.create(name, transforms[name])
        return [engine.rows_of(name) for name in wanted]

    def _answered(self, tables: Mapping[str, pa.Table], made: Sequence[Replay]) -> Row | None:
        """The answer's row; none where nothing is known of the subject."""
        (rows,) = self._queried([self._kind.answer], tables, made, made[-1].context)
        found = rows.to_pylist()
        return {name: _plain(value) for name, value in found[0].items()} if found else None

    def _steps(
        self, tables: Mapping[str, pa.Table], made: Sequence[Replay], context: Context
    ) -> Iterator[Row]:
        """The rows of all steps."""
        queries = [step.sql for step in self._kind.steps]
        answers = self._queried(queries, tables, made, context)
        for step, rows in zip(self._kind.steps, answers, strict=True):
            rules = load_transform(f"{_ROOM}/{step.sql}").header["rules"].replace(",", "")
            for row in rows.to_pylist():
                yield _step(step, rules, row, context.policies)

    def _changes(
        self,
        answer: Row | None,
        tables: Mapping[str, pa.Table],
        made: Sequence[Replay],
        files: Files,
        context: Context,
    ) -> Iterator[Row]:
        """What alone would have changed the answer."""
        changes = self._kind.changes
        found = self._queried([change.about for change in changes], tables, made, context)
        for change, about in zip(changes, (rows.to_pylist() for rows in found), strict=True):
            if not about:
                continue
            named = [*change.replaces, *change.amends]
            queries = [*change.replaces.values(), *change.amends.values()]
            others = dict(zip(named, self._queried(queries, tables, made, context), strict=True))
            with ExitStack() as opened:
                other = self._made_with(opened, change, others, made, files)
                then = self._answered(self._tables_of([*made[:-1], other]), [*made[:-1], other])
            gives = self._gives(answer or {}, then or {})
            if gives:
                yield {"change": change.name, **_collected(about), "gives": gives}

    def _gives(self, before: Row, after: Row) -> Row:
        """What an answer has that the other one has not, of what is told of changes."""
        told = self._kind.told_of_changes or [name for name in after if name != "said"]
        return {name: after.get(name) for name in told if after.get(name) != before.get(name)}

    def _made_with(
        self,
        opened: ExitStack,
        change: Change,
        others: Mapping[str, pa.Table],
        made: Sequence[Replay],
        files: Files,
    ) -> Replay:
        """The last period made again with other rows of some inputs."""
        last = made[-1]
        rows = dict(last.rows)
        for name, other in others.items():
            own = last.rows[name]
            if name in change.amends:
                rows[name] = amended(own, other, (EXPORTS.get(name) or PUBLISHED[name]).key)
            else:
                # the partition is no part of the rows that a query makes
                fields = [each for each in own.schema if each.name in other.column_names]
                rows[name] = other.select([each.name for each in fields]).cast(pa.schema(fields))
        read = _read_by([self._kind.answer])
        made_in = set(last.command.dependencies.in_order)
        wanted = [
            name
            for each in sorted(read)
            if (name := each.removeprefix(_PUBLISHED).removeprefix(_REPLAYED)) in made_in
        ]
        return replay(
            opened, last.command, last.context, last.period, last.inputs, rows, files, wanted
        )

    # History and provenance

    def _restated(self, published: Mapping[str, pa.Table]) -> Iterator[Row]:
        """What later runs changed of the answer's rows."""
        table = PUBLISHED[self._kind.table]
        runs = self._context.files(RESTATEMENTS)
        key = [table.partition, *table.key]
        rows = published[self._kind.table].to_pylist()
        asked_for = self._asked.lot or self._asked.id
        named = {
            _row_key({name: row[name] for name in key})
            for row in rows
            if self._kind.id is None or row[self._kind.id] == asked_for
        }
        if not runs or not named:
            return
        with Files(self._reader, {"row_key": sorted(named)}, self._scratch) as reading:
            found = reading.of_table(RESTATEMENTS, runs).to_pylist()
        for row in found:
            if row["table_name"] == table.name:
                yield {
                    "what": "restated",
                    "run_id": row["run_id"],
                    "at": self._moment_of(row["run_id"]),
                    "row": json.loads(row["row_key"]),
                    "column": row["column_name"],
                    "before": row["value_before"],
                    "after": row["value_after"],
                }

    def _replaced(self, files: Files) -> Iterator[Row]:
        """The deliveries whose rows replaced others in the subject's part of the inputs."""
        counts: dict[tuple[str, int], int] = {}
        for command, period in self._dues:
            for name, of in command.inputs(self._context, period).files.items():
                if name not in EXPORTS or name in HISTORIES:
                    continue
                history = history_name(EXPORTS[name])
                kept = {k: p for k, p in self._context.files(history).items() if k in of}
                if kept:
                    for row in files.of_input(Inputs({history: kept}), history).to_pylist():
                        at = (name, row["replaced_by"])
                        counts[at] = counts.get(at, 0) + 1
        for (export, delivery), rows in sorted(counts.items()):
            yield {"what": "replaced", "export": export, "delivery": delivery, "rows": rows}

    def _moment_of(self, run_id: str) -> str | None:
        with suppress(OSError, ValueError, KeyError):
            path = self._context.workspace.runs / run_id / "manifest.json"
            return str(json.loads(path.read_bytes())["started_at"])
        return None

    @cached_property
    def _answer_file(self) -> Path:
        command, period = self._dues[-1]
        table = self._kind.table if self._kind.table in command.tables else command.tables[0]
        (path,) = self._context.file_of(table, command.partition(table, period)).values()
        return path

    def _manifest(self) -> Row:
        """What the manifest of the answer's run says; of one that is lost, the digest alone."""
        run_id = self._context.state.run_of(self._answer_file)
        with suppress(OSError, ValueError):
            path = self._context.workspace.runs / run_id / "manifest.json"
            found = json.loads(path.read_bytes())
            return {"policies": "", **found}
        return {"policies": ""}

    def _provenance(self, used: Context) -> Row:
        """Which file of which run the answer is, and by which policies and deliveries."""
        entry = self._context.state.entry(self._answer_file)
        manifest = self._manifest()
        return {
            "table": entry.table,
            "period": entry.period,
            "run_id": self._context.state.run_of(self._answer_file),
            "policies": manifest["policies"],
            "policies_kept": used.policies.digest == manifest["policies"],
            "deliveries_through": manifest.get("deliveries_through"),
            "sha256": entry.sha256,
        }


def _read_by(queries: Iterable[str]) -> frozenset[str]:
    """What queries of the room read, themselves and through others."""
    transforms = Dependencies(_ROOM, tuple(queries)).transforms.values()
    return frozenset(name for each in transforms for name in each.inputs)


def _with_partition(made: Replay, name: str) -> pa.Table:
    """A table of a period made again, with its partition column."""
    rows, table = made.relation(name), PUBLISHED[name]
    if table.partition in rows.column_names:
        return rows
    partition = made.command.partition(name, made.period)
    value = partition.year if table.dtype(table.partition) == INT64 else str(partition)
    return with_constant(rows, table.partition, table.dtype(table.partition), value)


def _first_difference(table: Table, own: Sequence[Row], published: Sequence[Row]) -> str | None:
    """Where rows that the rules give first differ from those that are published."""
    key = [table.partition, *table.key]
    given, there = (
        {tuple(str(row[name]) for name in key): row for row in rows} for rows in (own, published)
    )
    for at in sorted(given.keys() | there.keys()):
        where = f"{table.name} {' '.join(at)}"
        if at not in given or at not in there:
            which = "published" if at in there else "given by its rules"
            return f"{where}: a row that is {which} alone"
        for column, value in there[at].items():
            if given[at][column] != value:
                own_value = given[at][column]
                return f"{where}: {column} is published as {value}, its rules give {own_value}"
    return None


def _step(step: Step, rules: str, row: Row, policies: Policies) -> Row:
    """A step's row as JSON has it."""
    given = {name: _plain(row[name]) for name in _GIVEN if row.get(name) is not None}
    following = {
        name.removeprefix(_NEXT): _plain(value)
        for name, value in row.items()
        if name.startswith(_NEXT) and value is not None
    }
    inputs = {
        name: _plain(value)
        for name, value in row.items()
        if name not in _GIVEN and not name.startswith(_NEXT) and name != "said"
    }
    return {
        "rule": rules,
        "step": step.sql,
        **({"said": row["said"]} if row.get("said") else {}),
        **given,
        "inputs": inputs,
        **({"next": following} if following else {}),
        **({"policy": found} if (found := _policy(step.value, row, policies)) else {}),
    }


def _policy(value: Value | None, row: Row, policies: Policies) -> Row | None:
    """The policy value that a step rests on; none where the row rests on none."""
    if value is None or row.get(value.on) is None:
        return None
    on = row[value.on]
    on = on.date() if isinstance(on, datetime) else on
    key = {name: row[column] for name, column in value.key.items()}
    for held in policies.held(value.policy, on):
        if all(str(held[name]) == str(wanted) for name, wanted in key.items()):
            return {
                "file": value.policy,
                "key": {name: _plain(each) for name, each in key.items()},
                "valid_from": held["valid_from"].isoformat(),
                "value": _plain(held[value.column]),
                "unit": held["unit"],
                "source": held["source"],
                "digest": policies.digest,
            }
    return None


def _collected(about: Sequence[Row]) -> Row:
    """What a change is: its first row, with the lines of all rows."""
    first = {name: _plain(value) for name, value in about[0].items() if name != "line"}
    lines = [row["line"] for row in about if row.get("line") is not None]
    return {**first, **({"lines": lines} if lines else {})}


def _row_key(key: Row) -> str:
    """A row's key as the restatements have it."""
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"), default=str)


def _plain(value: object) -> object:
    """A value as JSON has it: whole numbers, truth values, texts, days and moments as ISO texts."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return int(value) if whole else format(value, "f")
    return value
