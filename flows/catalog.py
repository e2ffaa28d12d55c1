"""The warehouse's catalog: a view per table over its committed files, with comments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from flows.publish import State
from flows.workspace import Workspace
from schemas.derive import (
    data_dictionary,
    duckdb_type,
    glob_escaped,
    literal,
    quoted,
    unit,
)
from schemas.tables import PUBLISHED, Table

_OLDEST_READER: Final = "v1.0.0"
"""The storage version that DuckDB 1.x can read as well."""


def build_catalog(workspace: Workspace) -> Path:
    """Rebuilds `catalog.duckdb`, `catalog.sql` and `dictionary.md`; returns the catalog's path.

    `catalog.duckdb` has absolute paths; `catalog.sql` has paths relative to the warehouse.
    """
    warehouse = workspace.warehouse
    warehouse.mkdir(parents=True, exist_ok=True)
    state = State.of(workspace)
    catalog = warehouse / "catalog.duckdb"
    aside = warehouse / ".catalog.duckdb.aside"
    aside.unlink(missing_ok=True)
    with duckdb.connect(config={"python_enable_replacements": False}) as connection:
        attach = f"ATTACH {literal(str(aside))} AS catalog"
        connection.execute(f"{attach} (STORAGE_VERSION {literal(_OLDEST_READER)})")
        connection.execute("USE catalog")
        for statement in _statements(state, None):
            connection.execute(statement)
        connection.execute("USE memory")
        connection.execute("DETACH catalog")
    os.replace(aside, catalog)
    script = "\n".join(f"{statement};" for statement in _statements(state, warehouse))
    _replace_text(warehouse / "catalog.sql", f"-- read this in the warehouse's folder\n{script}\n")
    _replace_text(warehouse / "dictionary.md", data_dictionary())
    return catalog


def _statements(state: State, relative_to: Path | None) -> Iterator[str]:
    for table in PUBLISHED.values():
        files = list(state.files(table.name).values())
        if relative_to is not None:
            files = [file.relative_to(relative_to) for file in files]
        name = quoted(table.name)
        yield f"CREATE OR REPLACE VIEW {name} AS {_rows(table, files)}"
        yield f"COMMENT ON VIEW {name} IS {literal(f'{table.description}; {table.grain}')}"
        for column, declared in table.columns.items():
            text = str(declared.description)
            if counted := unit(declared):
                text += f" [{counted}]"
            yield f"COMMENT ON COLUMN {name}.{quoted(column)} IS {literal(text)}"


def _rows(table: Table, files: list[Path]) -> str:
    kinds = {column: duckdb_type(table.dtype(column)) for column in table.columns}
    if not files:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(c)}" for c, kind in kinds.items())
        return f"SELECT {columns} WHERE false"
    columns = ", ".join(quoted(column) for column in kinds)
    paths = literal([glob_escaped(file) for file in files])
    hive = f"{{{quoted(table.partition)}: {kinds[table.partition]}}}"
    return (
        f"SELECT {columns} FROM read_parquet({paths}, "
        f"hive_partitioning = true, hive_types = {hive})"
    )


def _replace_text(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.aside")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
