"""Restatements: what a commit changes of what was published before, and who gains by it (Q4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.console import progress
from flows.publishing.commit import Replacement
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED, RESTATEMENTS, Table
from transforms.engine.engine import Engine, Transform, load_transform

_AMOUNTS: Final = "restated_amounts"
_LEVELS: Final = "restated_levels"
_ROWS: Final = "restated_rows"


def restate(
    engine: Engine, replaced: Sequence[Replacement], aside: Path
) -> tuple[dict[str, Any], int]:
    """Writes the restatements of replaced files to a temporary file, audited.

    Returns what changes in numbers, for the manifest, and how many restatements there are.
    `restated` counts rows by table and period, `amounts` and `levels` say who gains and who loses
    by the tables' headline columns, and `not_compared` names the files that were damaged before:
    of these nobody knows any more what they held.
    """
    content: dict[str, Any] = {
        "restated": [],
        "amounts": [],
        "levels": [],
        "not_compared": [
            {"table_name": one.entry.table, "period": one.entry.period}
            for one in replaced
            if not one.intact
        ],
    }
    sound = [one for one in replaced if one.intact]
    if not sound:
        return content, 0
    with progress.working("comparing with what is published", lambda: engine.progress() / 100):
        engine.compare("changed_cells", _by_table(sound))
        table = PUBLISHED[RESTATEMENTS]
        rows = engine.write(_corrections(RESTATEMENTS), table, aside)
        engine.relation(table.name, [aside], stored_schema(table))
        engine.table("headlines", _headlines())
        content["restated"] = engine.rows(_corrections(_ROWS)).to_pylist()
        content["amounts"] = engine.rows(_corrections(_AMOUNTS)).to_pylist()
        content["levels"] = [
            row | {"direction": _direction(row)}
            for row in engine.rows(_corrections(_LEVELS)).to_pylist()
        ]
    return content, rows


def _by_table(
    replaced: Sequence[Replacement],
) -> list[tuple[Table, list[Path], list[Path]]]:
    """The files before and after, by table."""
    tables: dict[str, list[Replacement]] = {}
    for one in replaced:
        tables.setdefault(str(one.entry.table), []).append(one)
    return [
        (PUBLISHED[name], [one.target for one in found], [one.aside for one in found])
        for name, found in tables.items()
    ]


def _headlines() -> pa.Table:
    """The column by which people say who gains and who loses, by table; and if it is an amount."""
    rows = [
        {
            "table_name": table.name,
            "column_name": table.headline,
            "is_amount": table.domain(table.headline) is None,
        }
        for table in PUBLISHED.values()
        if table.headline
    ]
    return pa.Table.from_pylist(rows)


def _direction(row: Mapping[str, Any]) -> str:
    """Where a level moves: up or down, in (there was no row before) or out (there is none now)."""
    before, after = row["value_before"], row["value_after"]
    if before is None or after is None:
        return "in" if before is None else "out"
    levels = PUBLISHED[row["table_name"]].domain(row["column_name"]) or []
    if before not in levels:
        return "in"
    return "up" if levels.index(before) < levels.index(after) else "down"


def _corrections(name: str) -> Transform:
    return load_transform(f"corrections/{name}")
