"""Restatements: what a commit changes of what was published before, and who gains by it (Q4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.console import progress
from flows.publishing.commit import Replacement
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED, RESTATEMENTS, Table
from transforms.engine.engine import Engine, load_transform


def restate(
    engine: Engine, replaced: Sequence[Replacement], temporary: Path
) -> tuple[dict[str, Any], int]:
    """Writes the restatements of replaced files to a temporary file.

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
        rows = engine.write(load_transform(f"corrections/{RESTATEMENTS}"), table, temporary)
        engine.relation(table.name, [temporary], stored_schema(table))
        engine.table("headlines", _headlines())
        for part, query in (("restated", "rows"), ("amounts", "amounts"), ("levels", "levels")):
            found = engine.rows(load_transform(f"corrections/restated_{query}"))
            content[part] = found.to_pylist()
        for row in content["levels"]:
            row["direction"] = _direction(row)
    return content, rows


def _by_table(replaced: Sequence[Replacement]) -> list[tuple[Table, list[Path], list[Path]]]:
    """The files before and after, by table."""
    tables: dict[str, list[Replacement]] = {}
    for one in replaced:
        tables.setdefault(str(one.entry.table), []).append(one)
    return [
        (PUBLISHED[name], [one.target for one in found], [one.temporary for one in found])
        for name, found in tables.items()
    ]


def _headlines() -> pa.Table:
    """The column of each table by which a restatement is told, and whether it is an amount."""
    headlines = [(table, table.headline) for table in PUBLISHED.values() if table.headline]
    rows = [
        {"table_name": of.name, "column_name": name, "is_amount": of.domain(name) is None}
        for of, name in headlines
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
