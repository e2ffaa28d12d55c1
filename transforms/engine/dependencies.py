"""What tables are made from, as the headers of their SQL say: the one source of every such list.

A header names the relations that its SQL reads, with their columns. A relation is an input (files,
a small table, `run_context`, a policy), another .sql file of the same room, or made of others
without SQL: a union of files, or what a fold hands on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from schemas.tables import PUBLISHED
from transforms.engine.engine import POLICY, ROOT, Transform, load_transform

RUN_CONTEXT: Final = "run_context"
"""The one-row relation of a run's dates and other parameters."""


@dataclass(frozen=True)
class Dependencies:
    """The tables of one room of SQL, and everything between them and their inputs.

    `made_of`: by a relation that no SQL makes, the relations that it is made of. An input is what
    has no SQL in the room, or is a table that others publish.
    """

    room: str
    tables: tuple[str, ...]
    made_of: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def in_order(self) -> tuple[str, ...]:
        """Every relation that has to be made, the tables too, each after those that it reads."""
        return self.below(self.tables)

    @cached_property
    def transforms(self) -> dict[str, Transform]:
        """The SQL of these relations, of those that have any."""
        return {name: self.transform(name) for name in self.in_order if name not in self.made_of}

    @cached_property
    def sql(self) -> str:
        """All of this SQL as one text, without headers: another one may make other rows."""
        return "\n".join(f"{name}: {each.body}" for name, each in sorted(self.transforms.items()))

    def transform(self, name: str) -> Transform:
        """The SQL file of the room that makes a relation."""
        return load_transform(f"{self.room}/{name}")

    def below(self, relations: Iterable[str]) -> tuple[str, ...]:
        """These relations and all that they are made by, each after those that it reads."""
        found: dict[str, None] = {}
        for name in relations:
            self._add(name, found, ())
        return tuple(found)

    @cached_property
    def inputs(self) -> frozenset[str]:
        """The inputs that the SQL reads, policies and `run_context` apart."""
        read = {name for transform in self.transforms.values() for name in transform.inputs}
        read |= {name for parts in self.made_of.values() for name in parts}
        return frozenset(name for name in read if self._is_input(name) and not _is_given(name))

    @cached_property
    def policies(self) -> tuple[str, ...]:
        """The policies that the SQL reads, by name."""
        return policies_of(self.transforms.values())

    def columns_read(self, others: Iterable[Transform] = ()) -> dict[str, set[str]]:
        """The columns that the SQL, and these other transforms, read of each input.

        What is made of inputs without SQL is read of these.
        """
        found: dict[str, set[str]] = {}
        for transform in (*self.transforms.values(), *others):
            for relation, columns in transform.inputs.items():
                for name in self.made_of.get(relation, (relation,)):
                    if self._is_input(name) and not _is_given(name):
                        found.setdefault(name, set()).update(columns)
        return found

    def _add(self, name: str, found: dict[str, None], waiting: Collection[str]) -> None:
        """Adds a relation behind those that it reads, unless it is there.

        `waiting`: the relations that are being added for its sake, to tell a circle.
        """
        if name in found:
            return
        if name in waiting:
            raise ValueError(f"{self.room}/{name}.sql is made from itself, through {waiting}")
        for read in self.made_of.get(name) or self.transform(name).inputs:
            if not self._is_input(read):
                self._add(read, found, (*waiting, name))
        found[name] = None

    def _is_input(self, name: str) -> bool:
        """Whether a relation is there from the start."""
        if name in self.made_of or name in self.tables:
            return False
        return name in PUBLISHED or not (ROOT / self.room / f"{name}.sql").is_file()


def _is_given(name: str) -> bool:
    """Whether every run has the relation: its dates, or a policy."""
    return name == RUN_CONTEXT or name.startswith(POLICY)


def policies_of(transforms: Iterable[Transform]) -> tuple[str, ...]:
    """The policies that transforms read, by name."""
    read = {relation for transform in transforms for relation in transform.inputs}
    return tuple(sorted(name.removeprefix(POLICY) for name in read if name.startswith(POLICY)))
