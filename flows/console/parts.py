"""How a command's manifest is shown: what it counts, as tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from schemas.reasons import MEANINGS

Yearly = Literal["first", "sum", "last"]
"""How a year's runs add up to one number: that of its first run, of all, or of its last."""


@dataclass(frozen=True)
class Part:
    """A part of a command's manifest: rows that a query counts, for people.

    `sql`: the query, in the command's room. `title`: of the table that shows the rows, on the
    terminal and under `key` on Prefect's page. `line`: a sentence about the one row that there is,
    instead of a table. `by_year`: how the calendar's summary adds up its columns over a year, under
    `year_title`, which several commands may share. `pivot`: the column whose values stand at the
    head of the year's table, and the column of their numbers.
    """

    name: str
    sql: str
    title: str = ""
    key: str | None = None
    line: str | None = None
    year_title: str | None = None
    by_year: Mapping[str, Yearly] = field(default_factory=dict)
    pivot: tuple[str, str] | None = None


def with_sentences(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a part for people: of those with a reason a sentence with their figures.

    The sentence has the place of the reason, whose code stands behind it in brackets.
    """
    return [_with_sentence(row) for row in rows]


def _with_sentence(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with a sentence for its reason, if it has one."""
    reason = row.get("reason")
    if reason is None:
        return dict(row)
    counted = [(name, value) for name, value in row.items() if type(value) is int and value]
    told = [f"{value:,} {_AMOUNTS.get(name, name)}" for name, value in counted]
    return {**row, "reason": f"{MEANINGS[reason].en}: {', '.join(told)} ({reason})"}


_AMOUNTS: Final = {"amount": "won"}
"""What amounts are counted in, where their column's name does not say it."""


@dataclass(frozen=True)
class Shown:
    """What is shown of a command's runs.

    `span`: the name of its period in the manifest. `ledger`: the title of the ledger that it goes
    on with, if any. `told`: sentences, by the part of the manifest that has to be there for them.
    `headings`: by a part that is pivoted, the values at the head of the year's table.
    """

    span: str
    parts: Sequence[Part]
    told: Mapping[str, str]
    ledger: str | None
    headings: Mapping[str, Sequence[str]]
