"""How every command runs: prepare, name inputs, compute, audit, publish, commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.commands.dated import DATED, Strangers, told_until
from flows.commands.declaration import Command
from flows.console.errors import RunFailed
from flows.deliveries.landing import Deliveries
from flows.publishing.kept_policies import keep_policies
from flows.publishing.options import POLICIES, Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    Place,
    WrittenTable,
    digest,
    name_inputs,
    name_policies,
    publish_table,
    run_context,
    write_and_audit,
)
from schemas.derive import staged_schema, stored_schema
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.policy import POLICIES as POLICY_FILES
from schemas.tables import PUBLISHED
from transforms.engine.engine import Engine, load_transform
from transforms.engine.errors import OutOfMemory, QueryError
from transforms.policies.policy import Policies

CODE: Final = "code"
"""What the SQL and the declared tables are called in a fingerprint."""
_NAMED: Final = 3


def _nothing_more(_context: Context) -> Mapping[str, Any]:
    return {}


def perform(
    command: Command,
    options: Options,
    period: Period,
    step: StepRunner = plainly,
    *,
    dry_run: bool = False,
    look: Callable[[Context], Mapping[str, Any]] = _nothing_more,
    **flags: bool,
) -> dict[str, Any]:
    """Makes a command's tables of a period; returns the manifest.

    `flags`: those that the command declares. `dry_run`: publishes nothing, and tells what would
    change. `look`: what else has to hold before; it returns what the manifest says of it. Raises
    NotReady, WrongUsage or PolicyError where the period can't be made; RunFailed
    where an audit finds rows that break a claim.
    """
    flags = {flag.name: False for flag in command.flags} | flags
    with Run(options, command.name, {command.span: period.value, **flags}) as run:
        context = Context.of(options)
        facts = {**command.ready(context, period, **flags), **look(context)}
        if reason := command.lost(context, period):
            raise RunFailed(reason)
        with run.engine() as engine:
            work, parts = compute(command, context, period, engine, run, run.scratch, step)
        recorded = fingerprints(command, context, period)
        if of := command.strangers:
            named = [work.written[table].temporary for table in of.tables]
            recorded[of.title] = of.count(context, named)
        for table in work.written.values():
            publish_table(run, table, recorded, facts.get("gaps", ()))
        content = {command.span: period.value, **_opening(command, context, period), **facts}
        content |= {"policies": context.policies.digest, **parts}
        content["deliveries_through"] = Deliveries.load(context.workspace.staged).last
        content["inputs"] = work.inputs.as_manifest(context.state)
        content["audits"] = work.claims
        if dry_run and options.policies != POLICIES:
            content["took"] = _took(command, context, period)
        if not dry_run:
            keep_policies(run, context)
        return run.commit(content, dry_run=dry_run)


def compute(
    command: Command,
    context: Context,
    period: Period,
    engine: Engine,
    place: Place,
    scratch: Path,
    step: StepRunner = plainly,
) -> tuple[Work, dict[str, Any]]:
    """Makes a command's tables of a period, written to a place and audited.

    Returns them with what the manifest counts of them, which `Command.besides` may refuse. Raises
    RunFailed where an audit finds rows that break a claim.
    """
    inputs = command.inputs(context, period)
    for name, files in inputs.files.items():
        if name not in command.narrow:
            context.state.require_whole(files.values())
    work = Work(command, engine, context, period, inputs, scratch, place)
    try:
        step("prepare", work.prepare)
        if command.fold is not None:
            step("decide", work.decide)
        step("write", work.write)
    except QueryError as error:
        work.raise_if_too_large(error)
        raise
    counts = {part.name: work.counted(part.sql) for part in command.parts}
    alone = [part.name for part in command.parts if part.line is not None]
    parts: dict[str, Any] = {**counts, **{name: counts[name][0] for name in alone}}
    return work, {**parts, **command.besides(parts)}


def fingerprints(command: Command, context: Context, period: Period) -> dict[str, str]:
    """What a period is made from, as digests: a change in any of them makes it stale.

    By input the columns that the SQL reads, and of rows with dates of their own only those that
    could matter; by policy the values in force, and under `code` what makes the tables of these
    (`Command.code`) with their declared schema.
    """
    inputs = command.inputs(context, period)
    read = command.columns_read
    found = inputs.fingerprints(
        context.state, {name: columns for name, columns in read.items() if name not in DATED}
    )
    for export in sorted({DATED[name] for name in inputs.files if name in DATED}):
        moment = command.asks_until(context, period)
        found[export] = told_until(context, export, moment, read.keys())
    if command.strangers:
        found[command.strangers.title] = _strangers(command, command.strangers, context, period)
    return {**found, **command.policies(context, period), CODE: code_of(command)}


def _strangers(command: Command, of: Strangers, context: Context, period: Period) -> str:
    """How many of whom a period's published tables name are unknown.

    Nobody is, where nobody was when it was published; as many as then, where no row was delivered
    since. That spares `status` of a million rows 800 small files, a quarter of its time.
    """
    files = [
        path
        for table in of.tables
        for path in context.file_of(table, command.partition(table, period)).values()
    ]
    known = {context.state.entry(path).inputs.get(of.title, "0") for path in files}
    if known <= {"0"}:
        return "0"
    rows = context.files(of.export).values()
    made_after = partial(context.state.made_after, command=command.name, others=rows)
    if rows and len(known) == 1 and all(map(made_after, files)):
        return known.pop()
    return of.count(context, files)


def code_of(command: Command) -> str:
    """A digest of what makes a command's tables besides data: see `Command.code`."""
    return digest([command.code, [PUBLISHED[name].declared for name in command.tables]])


def _took(command: Command, context: Context, period: Period) -> dict[str, Any]:
    """The policy values of the last day that a period asks about which are not the shipped ones."""
    on = command.asks_until(context, period).date()
    shipped = Policies.load(POLICIES)
    values = {}
    for name in command.dependencies.policies:
        own, usual = (
            [{column: row[column] for column in POLICY_FILES[name].columns} for row in rows]
            for rows in (each.held(name, on) for each in (context.policies, shipped))
        )
        if own != usual:
            values[name] = own
    return {"on": on.isoformat(), "policies": values}


def _opening(command: Command, context: Context, period: Period) -> dict[str, Any]:
    """What a manifest says of the period that a ledger's one opens from."""
    if command.ledger is None:
        return {}
    opening = command.opening(context, period)
    said: dict[str, Any] = {"opens_from": opening and str(opening)}
    if command.ledger.command == command.name:
        said["starts_ledger"] = opening is None
    return said


@dataclass
class Computation(ABC):
    """A command's period on its way: relations are made in the order in which they are read.

    `scratch`: a private folder. Where its inputs come from, and what becomes of its tables, says
    whoever computes: a run publishes them (`Work`), an answer compares them (`flows/answers`).
    """

    command: Command
    engine: Engine
    context: Context
    period: Period
    inputs: Inputs
    scratch: Path
    _made: set[str] = field(default_factory=set, kw_only=True)

    @property
    def to_make(self) -> Sequence[str]:
        """The relations and tables to make, each after those that it reads."""
        return self.command.dependencies.in_order

    @abstractmethod
    def _name_inputs(self) -> None:
        """Names the inputs in the engine."""

    @abstractmethod
    def _make_one(self, name: str) -> None:
        """Makes a relation between the inputs and the tables."""

    @abstractmethod
    def _make_tables(self, tables: Sequence[str]) -> None:
        """Makes tables, and counts them among what is made."""

    def prepare(self) -> None:
        """Names the inputs, and makes what is read before anything is decided."""
        command, engine = self.command, self.engine
        self._name_inputs()
        for name, rows in command.given(self.context, self.period).items():
            engine.table(name, rows)
        run_context(engine, **command.dates(self.context, self.period))
        transforms = [*command.dependencies.transforms.values(), *command.counting]
        name_policies(engine, self.context.policies, transforms)
        fold = command.fold
        self._make(command.dependencies.below(fold.reads) if fold else self.to_make)

    def decide(self) -> None:
        """Takes the requests one by one, and names what came of them."""
        # commands that only look do not wait for compiled code to load
        from transforms.ledger.fold import fold

        declared_fold = self.command.fold
        assert declared_fold is not None
        transforms = self.command.dependencies.transforms
        takings = declared_fold.takings and self.engine.rows(transforms[declared_fold.takings])
        lots, events = self.engine.streams(
            transforms[declared_fold.lots],
            transforms[declared_fold.events],
            declared_fold.rows_of,
            by=declared_fold.account,
        )
        folded = fold(
            lots,
            events,
            self.scratch,
            spending_order=declared_fold.spending_order,
            account=declared_fold.account or "account",
            of_lot=declared_fold.of_lot,
            of_event=declared_fold.of_event,
            earlier_takings=takings,
        )
        for kind, name in declared_fold.hands_on.items():
            self.engine.files(name, [getattr(folded, kind)])
            self._made.add(name)
        self._make(self.to_make)

    def write(self) -> None:
        """Makes the tables that are not made yet."""
        wanted = (name for name in self.command.tables if name in self.to_make)
        self._make_tables([table for table in wanted if table not in self._made])

    def counted(self, sql: str) -> list[dict[str, Any]]:
        """A query's few rows; whole decimals, which sums are, as plain numbers."""
        rows = self.engine.rows(load_transform(f"{self.command.room}/{sql}")).to_pylist()
        return [{name: _plain(value) for name, value in row.items()} for row in rows]

    def _make(self, names: Iterable[str]) -> None:
        """Makes the relations that are not there yet, as their headers say: kept, or as views.

        A table that one of them reads is made before it; the others wait.
        """
        dependencies, tables = self.command.dependencies, self.command.tables
        names = [name for name in names if name not in self._made]
        read = {
            relation
            for name in names
            if name in dependencies.transforms and name not in tables
            for relation in dependencies.transforms[name].inputs
        }
        for name in names:
            if name in tables:
                if name in read:
                    self._make_tables([name])
                continue
            self._make_one(name)
            self._made.add(name)


@dataclass
class Work(Computation):
    """A computation whose tables are written and audited: to be published, or for a scenario."""

    place: Place
    written: dict[str, WrittenTable] = field(default_factory=dict)
    claims: list[str] = field(default_factory=list)
    _kept: dict[str, Path] = field(default_factory=dict)

    def _name_inputs(self) -> None:
        name_inputs(self.engine, self.inputs, self.context.state)

    def raise_if_too_large(self, error: QueryError) -> None:
        """Raises RunFailed naming whose sums no published column can hold, if that is the error."""
        too_large = self.command.too_large
        if too_large is None or isinstance(error, OutOfMemory):
            return
        try:
            over = [tuple(row.values()) for row in self.counted(too_large.sql)[:_NAMED]]
        except QueryError:
            return  # it reads what could not be made: the first error says why
        if over:
            named = ", ".join(f"{who} ({amount:,}{too_large.unit})" for who, amount in over)
            raise RunFailed(
                f"{too_large.what} that 64 bits can't hold: {named}; {too_large.remedy}; "
                "nothing was published"
            ) from error

    def _make_one(self, name: str) -> None:
        """Makes a relation: a union, or SQL whose rows its header says to keep, or a view."""
        engine = self.engine
        if name in self.command.unions:
            parts = [self._files_of(part) for part in self.command.unions[name]]
            schema = pa.unify_schemas([schema for _, schema in parts])
            engine.relation(name, [f for files, _ in parts for f in files], schema, by_name=True)
        else:
            sql = self.command.stands_for.get(name, name)
            transform = self.command.dependencies.transforms[sql]
            for read in self.command.narrow.keys() & transform.inputs.keys():
                self._narrow(read)
            kept = transform.header.get("kept")
            if kept == "table":
                engine.create(name, transform)
            elif kept == "file":
                self._kept[name] = engine.file(name, transform)
            else:
                engine.view(name, transform)

    def _narrow(self, name: str) -> None:
        """Names those files of an input again whose partitions a query lists."""
        rows = self.counted(self.command.narrow[name])
        listed = {partition for row in rows for partition in row.values()}
        files = {each: path for each, path in self.inputs.files[name].items() if each in listed}
        self.context.state.require_whole(files.values())
        name_inputs(self.engine, Inputs({name: files}, self.inputs.tables), self.context.state)

    def _files_of(self, name: str) -> tuple[list[Path], pa.Schema]:
        """The files of an input, or of a relation that is kept in one, and their columns."""
        if name in self._kept:
            return [self._kept[name]], pq.read_schema(self._kept[name])
        files = list(self.inputs.files[name].values())
        if name in EXPORTS:
            return files, staged_schema(EXPORTS[name])
        return files, stored_schema(PUBLISHED[self.inputs.tables.get(name, name)])

    def _make_tables(self, tables: Sequence[str]) -> None:
        """Writes tables and audits them."""
        transforms = [self.command.dependencies.transforms[table] for table in tables]

        def partition(table: str) -> str:
            return str(self.command.partition(table, self.period))

        written, claims = write_and_audit(
            self.place, self.engine, self.context.policies, transforms, partition
        )
        self.written |= {table.table.name: table for table in written}
        self.claims += claims
        self._made.update(tables)


def _plain(value: object) -> object:
    """A whole decimal as an integer, and anything else as it is."""
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    return value
