"""What a scenario changes, in numbers and row by row: its tables beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.answers.simulate.chain import Scenario, Span
from flows.commands import tiers
from flows.publishing.write_audit import name_policies, name_table, run_context
from schemas.tables import ELITE_STATUSES, PUBLISHED, RESTATEMENTS, TIERS, Table
from transforms.engine.engine import Engine, Transform, load_transform
from transforms.engine.plain import relation_of

LEVELS: Final = pa.schema(
    [
        ("level", pa.string()),
        ("place", pa.int64()),
        ("points_published", pa.int64()),
        ("points", pa.int64()),
    ]
)
"""The tiers, or the statuses, from the lowest on, with what a tier gives where none is granted yet.
"""
_OWNERS: Final = "scenario_owners"
_PUBLISHED: Final = "published_"

Row = dict[str, Any]


@dataclass(frozen=True)
class _Subject:
    """Whom a scenario is about: their levels, and the SQL of its blocks.

    `amounts`: the table whose points or miles owners gain and lose, `last`: the one that tells what
    is left at the end.
    """

    owners: str
    cost: str
    due: str
    levels: list[str]
    amounts: str
    last: str


_CUSTOMERS: Final = _Subject(
    "scenario_customers",
    "scenario_points_cost",
    "scenario_points_due",
    TIERS,
    "point_balances",
    "point_liability",
)
_MEMBERS: Final = _Subject(
    "scenario_members",
    "scenario_miles_cost",
    "scenario_miles_due",
    ELITE_STATUSES,
    "mileage_balances",
    "mileage_lots",
)


def blocks(engine: Engine, scenario: Scenario, span: Span) -> Row:
    """What a scenario changes, as its JSON has it; `engine`: a session in which nothing is named.

    What owners gain and lose is what they are granted, or where months are closed what they are
    credited in them; of a scenario that ends with tiers, what these give.
    """
    subject = _MEMBERS if span.through == "elite" else _CUSTOMERS
    has_months = span.last is not None
    owners, matrix, effects, cost, due = (
        load_transform(f"answers/scenario/{name}")
        for name in (
            *(subject.owners, "scenario_matrix", "scenario_effects"),
            *(subject.cost, subject.due),
        )
    )
    name_policies(engine, scenario.base.policies, [owners])
    last = max((part for table, part in scenario.tables if table == subject.last), default="")
    run_context(engine, on_day=_bands_of(scenario, span), last_period=last)
    engine.table("scenario_levels", _places(scenario, span, subject))
    # what is granted is credited in the months
    _name_tables(engine, scenario, owners, without=("point_grants",) if has_months else ())
    engine.create(_OWNERS, owners)
    pairs = engine.rows(matrix).to_pylist()
    found: Row = {
        "tiers": _levels(pairs, subject.levels),
        "matrix": [
            {"published": row["level_published"], "scenario": row["level"], "count": row["owners"]}
            for row in pairs
        ],
        "winners_and_losers": [
            {name: row[name] for name in row if name != "place"}
            for row in engine.rows(effects).to_pylist()
            if subject is _CUSTOMERS or row["divided_by"] in ("all", "level")
        ],
    }
    _name_tables(engine, scenario, cost)
    found["cost"] = engine.rows(cost).to_pylist()
    found["liability"] = engine.rows(due).to_pylist() if has_months else None
    return found


def _places(scenario: Scenario, span: Span, subject: _Subject) -> pa.Table:
    """The levels of a scenario's owners."""
    sides = {"points_published": scenario.base.policies, "points": scenario.context.policies}
    given = {
        side: tiers.points_by_tier(policies, span.year) if span.through == "tiers" else {}
        for side, policies in sides.items()
    }
    rows = (
        {"level": level, "place": place, **{side: given[side].get(level, 0) for side in given}}
        for place, level in enumerate(subject.levels)
    )
    return relation_of(rows, LEVELS)


def _bands_of(scenario: Scenario, span: Span) -> date:
    """The day whose bands of fee and tenure customers are told by: that of the assessment."""
    if span.through == "elite":
        return span.year.first_day
    return tiers.COMMAND.asks_until(scenario.base, span.year).date()


def _name_tables(
    engine: Engine, scenario: Scenario, transform: Transform, without: Sequence[str] = ()
) -> None:
    """Names the tables that a block reads, of what is published and of the scenario; of some of
    them nothing.
    """
    for relation in transform.inputs:
        side, _, name = relation.partition("_")
        if name not in PUBLISHED:
            continue
        of = scenario.base if f"{side}_" == _PUBLISHED else scenario.context
        files = scenario.files(name, published=of is scenario.base)
        named = [] if name in without else list(files.values())
        name_table(engine, PUBLISHED[name], named, of.state, relation)


def _levels(pairs: Sequence[Row], levels: Sequence[str]) -> list[Row]:
    """How many have each tier or status, from the highest on; last those who have none."""
    counts = []
    for level in (*reversed(levels), None):
        sides = {
            side: sum(row["owners"] for row in pairs if row[column] == level)
            for side, column in (("published", "level_published"), ("scenario", "level"))
        }
        counts.append(
            {"tier": level, **sides, "difference": sides["scenario"] - sides["published"]}
        )
    return counts


def moved(matrix: Sequence[Row]) -> int:
    """How many have another tier or status than is published, or none any more, or one now."""
    return sum(row["count"] for row in matrix if row["published"] != row["scenario"])


def gained(effects: Sequence[Row]) -> int:
    """What all gain, less what they lose."""
    return next((row["total"] for row in effects if row["divided_by"] == "all"), 0)


def write_changes(engine: Engine, scenario: Scenario, target: Path) -> list[Row]:
    """Writes every value that differs from what is published, as `restatements` has them.

    Returns how many rows of each table's partition were added, removed and changed.
    """
    compared: list[tuple[Table, list[Path], list[Path]]] = []
    for name in dict.fromkeys(name for name, _ in scenario.tables):
        before, after = (scenario.files(name, published=side) for side in (True, False))
        differ = [
            partition
            for table, partition in scenario.tables
            if table == name
            and _hash(scenario, before.get(partition)) != _hash(scenario, after.get(partition))
        ]
        if differ:
            old, new = ([of[each] for each in differ if each in of] for of in (before, after))
            compared.append((PUBLISHED[name], old, new))
    # of nothing that differs there is a file too
    alike = {
        table.name: _alike(scenario, table, before, after) for table, before, after in compared
    }
    engine.compare("changed_cells", compared or [(PUBLISHED[RESTATEMENTS], [], [])], alike)
    target.parent.mkdir(parents=True)
    engine.write(load_transform(f"corrections/{RESTATEMENTS}"), PUBLISHED[RESTATEMENTS], target)
    rows: list[Row] = engine.rows(load_transform("corrections/restated_rows")).to_pylist()
    return rows


def _alike(
    scenario: Scenario, table: Table, before: Sequence[Path], after: Sequence[Path]
) -> set[str]:
    """The columns whose bytes are the same in files of a table before and after; none where rows
    came or went, or change their places.
    """
    sides = (
        [of.state.entry(path).column_digests for path in files]
        for of, files in ((scenario.base, before), (scenario.context, after))
    )
    one, other = ({name: [of.get(name) for of in side] for name in table.columns} for side in sides)
    if any(one[name] != other[name] for name in table.key) or None in one[table.key[0]]:
        return set()
    return {
        name for name in table.stored_columns if name not in table.key and one[name] == other[name]
    }


def _hash(scenario: Scenario, path: Path | None) -> str | None:
    """The hash of a committed file, or of one that the scenario made."""
    if path is None:
        return None
    of = scenario.base if scenario.base.state.has(path) else scenario.context
    return of.state.entry(path).sha256
