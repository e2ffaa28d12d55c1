"""What a kind of question is: whom it is about, which rows answer it, and the steps to the answer.

A kind is a declaration and its SQL in `transforms/answers/`; `explain.py` answers all of them, and
`text.py` says what was found. The SQL reads, beside policies,

- `asked`: one row with what was asked (`Asked`);
- `published_<table>`: the subject's published rows of the table;
- `replayed_<relation>`: those of a relation of the command that made them, made again
  (`replay.py`), with the column `replayed_period`;
- `staged_<export>`: those of an export's current rows that the kind narrows (`Kind.staged`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from flows.answers.reading import Reader
from flows.commands.declaration import Command
from flows.publishing.run import Context
from schemas.periods import Period

Column = Literal["customer_id", "subscription_id", "member_id"]
"""Whom an answer is about."""


@dataclass(frozen=True)
class Asked:
    """What was asked: whom or which row, and when; what was not given is none.

    `periods`: those in which it was found (`Kind.locate`).
    """

    customer: str | None = None
    subscription: str | None = None
    member: str | None = None
    id: str | None = None
    lot: str | None = None
    year: Period | None = None
    month: Period | None = None
    on: date | None = None
    periods: tuple[Period, ...] = ()

    SCHEMA = pa.schema(
        {
            "kind": pa.string(),
            "customer_id": pa.string(),
            "subscription_id": pa.string(),
            "member_id": pa.string(),
            "asked_id": pa.string(),
            "lot_id": pa.string(),
            "year": pa.int64(),
            "month": pa.string(),
            "on_day": pa.date32(),
            "period": pa.string(),
        }
    )
    """The relation `asked`; `kind`: of the question; `period`: the last that the answer is of."""

    def as_row(self, kind: str, last: Period) -> dict[str, object]:
        """It as the row of `asked`."""
        return {
            "kind": kind,
            "customer_id": self.customer,
            "subscription_id": self.subscription,
            "member_id": self.member,
            "asked_id": self.id,
            "lot_id": self.lot,
            "year": None if self.year is None else self.year.year,
            "month": None if self.month is None else str(self.month),
            "on_day": self.on,
            "period": str(last),
        }


@dataclass(frozen=True)
class Sentence:
    """A sentence with places for a row's columns, in English and in Korean.

    `{annual_fee:,}` is a number with commas; codes are shown as they stand in the tables, and in
    Korean by their declared labels.
    """

    en: str
    ko: str


Sentences = Mapping[str, Sentence]
"""Sentences by the value of a row's column `said`; where there is no such column, that of ""."""


def with_reasons(head: Sentence, reasons: Sentences) -> Sentences:
    """Sentences by reason: what was asked for, and behind it why it was not given."""
    return {
        code: Sentence(f"{head.en}: {reason.en}", f"{head.ko}: {reason.ko}")
        for code, reason in reasons.items()
    }


@dataclass(frozen=True)
class Value:
    """The policy value that a step rests on.

    `key`: by the policy's key column the step's column that holds its value. `on`: the step's
    column with the day on which the policy is read; `column`: the policy's column.
    """

    policy: str
    column: str
    on: str
    key: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A step of an answer: the rows of a query, each with the rules that its header names.

    Of a row `outcome`, `passed`, `over` and `short` are what the rule gives; columns that begin
    with `next_` tell of the next value of the same policy; `said` chooses the sentence; all others
    are what went in. `detail`: rows of which there may be many: at most `most` of them are printed
    without --lines, none where `most` is 0.
    """

    sql: str
    sentences: Sentences
    value: Value | None = None
    detail: bool = False
    most: int = 6


@dataclass(frozen=True)
class Change:
    """What alone would have changed the answer, found by making the period again with it.

    `replaces`: by the input that is another one then, the query of its rows; `amends`: likewise,
    those rows of an export or table that are others, or come in addition: their key and what they
    change. `about`: the query that says what the change is; without a row there is none such. Its
    column `line`, if it has one, is collected over all of its rows; else there is one row. What it
    gives is what the answer of the period made again has that the published one has not; a change
    that gives nothing is not told.
    """

    name: str
    about: str
    replaces: Mapping[str, str]
    sentences: Sentences
    amends: Mapping[str, str] = field(default_factory=dict)


Due = tuple[Command, Period]
"""A command and the period of it that an answer is of."""


def no_more(_context: Context, _dues: Sequence[Due]) -> Mapping[str, Mapping[str, Path]]:
    return {}


@dataclass(frozen=True)
class Kind:
    """A kind of question.

    `about`: the column of the subject. `asks`: the parameters of `Asked` that are to be given, of
    which those in `optional` may be left out. `table`: the published table of the answer, `id`: its
    column that the parameter `id` gives, if it is asked for a row. `answer`: the query of the
    answer's one row, or none where nothing is known of the subject; `sentences`: what it says.
    `dues`: which periods are made again. `also`: other published tables' files that the SQL reads,
    by table; `staged`: by an export that it reads the query whose rows name, in their only column,
    the partitions that are read of it, of those in `ids` by the column that says whose they are.
    `ids`: whose rows are read, by column, where that is not the subject's alone.
    `told_of_changes`: the columns of the answer in which a change must give
    something to be told; by default any.
    `locate`: what was asked with its owner and its periods, of what is not found by `id`; raises
    NotReady where no committed file has it.
    `example`: a command line's flags.
    """

    name: str
    help: str
    example: str
    about: Column
    asks: tuple[str, ...]
    table: str
    answer: str
    sentences: Sentences
    steps: tuple[Step, ...]
    dues: Callable[[Context, Asked], Sequence[Due]]
    changes: tuple[Change, ...] = ()
    optional: tuple[str, ...] = ()
    id: str | None = None
    also: Callable[[Context, Sequence[Due]], Mapping[str, Mapping[str, Path]]] = no_more
    staged: Mapping[str, str] = field(default_factory=dict)
    ids: Callable[[Context, Asked, Any], Mapping[str, Sequence[str]]] | None = None
    told_of_changes: tuple[str, ...] = ()
    locate: Callable[[Reader, Path, Asked], Asked] | None = None
