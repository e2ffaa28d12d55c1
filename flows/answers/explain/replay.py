"""A period of a command made again for one customer, subscription or member, in memory.

The same SQL, the same fold, the same policies and staged rows as the command's; only fewer rows.
What comes of it is compared with what is published, and shows how that came about.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from flows.answers.reading import Reader
from flows.commands.declaration import Command
from flows.commands.template import Computation
from flows.console.errors import NotReady
from flows.publishing.options import start_engine
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, name_inputs, name_table
from schemas.periods import Period
from schemas.tables import PUBLISHED
from transforms.engine.engine import Engine
from transforms.engine.errors import QueryError
from transforms.engine.plain import relation_of, with_constant

_MEMORY: Final = "1GB"
MOST_ROWS_LOOKED_THROUGH: Final = 100_000_000
"""Files are not sorted by the ids of requests: so many rows' ids are read within seconds."""
Relations = Mapping[str, pa.Table]
"""Rows by the relation that they are of."""
Ids = Mapping[str, Sequence[str]]
"""Whom an answer is about: by column the ids, the most telling column first.

Of a relation the rows are read whose first of these columns holds one of the ids; a relation with
none of them (prices, totals) is read whole.
"""


class Files:
    """The subject's rows of committed files; used as a `with` block.

    One query a relation: of files that are sorted by the subject's column only the row groups that
    may hold it are read.
    """

    def __init__(self, reader: Reader, ids: Ids, scratch: Path) -> None:
        self._reader = reader
        self.ids = ids
        self.scratch = scratch
        self._opened = ExitStack()
        self._read: dict[tuple[object, ...], pa.Table] = {}

    def __enter__(self) -> Self:
        self._engine = self._opened.enter_context(start_engine(self.scratch, _MEMORY))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def of_input(self, inputs: Inputs, name: str) -> pa.Table:
        """The subject's rows of one of a command's inputs."""
        one = Inputs({name: inputs.files[name]}, inputs.tables)
        # in an answer of a year nearly every second read is one that a month before it made
        read = (name, inputs.tables.get(name), tuple(inputs.files[name].items()))
        if read not in self._read:
            self._reader.notes(inputs.files[name].values())
            name_inputs(self._engine, one, self._reader.context.state)
            self._read[read] = self._about(name)
        return self._read[read]

    def of_table(self, name: str, files: Mapping[str, Path]) -> pa.Table:
        """The subject's published rows of a table, with its partition column."""
        self._reader.notes(files.values())
        relation = f"published_{name}"
        state = self._reader.context.state
        name_table(self._engine, PUBLISHED[name], list(files.values()), state, relation)
        return self._about(relation)

    def newest_with(
        self, name: str, files: Mapping[str, Path], column: str, value: str
    ) -> tuple[str, dict[str, Any]] | None:
        """The partition and the row of the newest file of a table whose column has a value.

        The subject's rows, if it is known; else the column alone is looked for, in up to
        `MOST_ROWS_LOOKED_THROUGH` rows; raises NotReady where it may lie further back.
        """
        looked_through = 0
        for partition, path in reversed(list(files.items())):
            looked_through += self._reader.context.state.entry(path).rows or 0
            if column in self.ids and looked_through > MOST_ROWS_LOOKED_THROUGH:
                raise NotReady(
                    f"{value} is not in {name} since {partition}; give its --month, or whose "
                    "it is, to look further back"
                )
            rows = self.of_table(name, {partition: path}).to_pylist()
            found = next((row for row in rows if row[column] == value), None)
            if found is not None:
                return partition, found
        return None

    def _about(self, relation: str) -> pa.Table:
        held = set(self._engine.columns(relation))
        column = next((column for column in self.ids if column in held), None)
        return self._engine.rows_of(relation, column, self.ids.get(column or "", ()))


@dataclass
class Replay(Computation):
    """A command's period over one subject's rows; nothing is written or published.

    `rows`: of the inputs, but for those that the command narrows: `read` reads these. `wanted`: the
    tables and relations to make, with what these are made from.
    """

    rows: Relations
    read: Callable[[Inputs, str], pa.Table]
    wanted: Sequence[str]
    _relations: dict[str, pa.Table] = field(default_factory=dict)

    @cached_property
    def to_make(self) -> Sequence[str]:
        return self.command.dependencies.below(self.wanted)

    def run(self) -> None:
        """Makes what is wanted."""
        self.prepare()
        if self.command.fold is not None:
            self.decide()
        self.write()

    def holds(self, name: str) -> bool:
        """Whether a relation is one of the command's inputs, relations or tables."""
        try:
            self.engine.columns(name)
        except QueryError:
            return False
        return True

    def relation(self, name: str) -> pa.Table:
        """The rows of one of the command's inputs, relations or tables."""
        return self.engine.rows_of(name)

    def _name_inputs(self) -> None:
        self.engine.tables(self.rows)

    def _make_one(self, name: str) -> None:
        """Makes a relation; in memory, where the command would keep it in a file."""
        engine = self.engine
        if name in self.command.unions:
            parts = [engine.rows_of(part) for part in self.command.unions[name]]
            engine.table(name, pa.concat_tables(parts, promote_options="permissive"))
            return
        sql = self.command.stands_for.get(name, name)
        transform = self.command.dependencies.transforms[sql]
        for read in self.command.narrow.keys() & transform.inputs.keys():
            self._narrow(read)
        if transform.header.get("kept"):
            engine.create(name, transform)
        else:
            engine.view(name, transform)

    def _narrow(self, name: str) -> None:
        """Reads of an input the files whose partitions a query lists."""
        if name in self.rows or name in self._relations:
            return
        listed = {each for row in self.counted(self.command.narrow[name]) for each in row.values()}
        files = {key: path for key, path in self.inputs.files[name].items() if key in listed}
        self._relations[name] = self.read(Inputs({name: files}, self.inputs.tables), name)
        self.engine.table(name, self._relations[name])

    def _make_tables(self, tables: Sequence[str]) -> None:
        """Makes tables as relations, without audits: of one owner's rows totals can't tie."""
        for table in tables:
            self.engine.create(table, self.command.dependencies.transforms[table])
        self._made.update(tables)


def inputs_about(command: Command, inputs: Inputs, files: Files) -> dict[str, pa.Table]:
    """The subject's rows of a command's inputs, but for those that the command narrows."""
    return {
        name: files.of_input(inputs, name) for name in inputs.files if name not in command.narrow
    }


def replay(
    opened: ExitStack,
    command: Command,
    context: Context,
    period: Period,
    inputs: Inputs,
    rows: Relations,
    files: Files,
    wanted: Sequence[str],
) -> Replay:
    """A period made again over these rows, as far as these relations and tables are wanted; they
    can be read until `opened` ends.
    """
    # a loop over one owner's events is through before it would be compiled
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    folder = files.scratch / f"replay-{len(list(files.scratch.iterdir()))}"
    folder.mkdir()
    engine: Engine = opened.enter_context(start_engine(folder, _MEMORY, 1))
    made = Replay(command, engine, context, period, inputs, folder, rows, files.of_input, wanted)
    made.run()
    return made


def replayed(of: Iterable[Replay], name: str) -> pa.Table:
    """A relation of several periods' replays in one table, with the column `replayed_period`.

    Of periods of several commands, of those that have it.
    """
    parts = []
    for one in (each for each in of if each.holds(name)):
        rows = one.relation(name)
        parts.append(with_constant(rows, "replayed_period", pa.string(), str(one.period)))
    return pa.concat_tables(parts, promote_options="permissive")


def amended(rows: pa.Table, others: pa.Table, key: Sequence[str]) -> pa.Table:
    """Rows with others in the place of those of the same key, and beside them.

    What another one does not say is as in the row that it stands for, or null.
    """
    by_key = {tuple(row[name] for name in key): row for row in rows.to_pylist()}
    for other in others.to_pylist():
        at = tuple(other[name] for name in key)
        by_key[at] = {**by_key.get(at, {}), **other}
    names = rows.column_names
    filled = [{name: row.get(name) for name in names} for row in by_key.values()]
    return relation_of(filled, pa.schema([field.with_nullable(True) for field in rows.schema]))
