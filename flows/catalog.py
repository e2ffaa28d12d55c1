"""The warehouse's catalog: a view per table over its committed files, with comments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb

from flows.publish import State
from flows.workspace import Workspace
from schemas.derive import attach_statement, data_dictionary, view_statements
from schemas.tables import PUBLISHED


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
        connection.execute(attach_statement(aside, "catalog"))
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
        yield from view_statements(table, files)


def _replace_text(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.aside")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
