"""The warehouse's catalog: a view per table over its committed files, with comments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from flows.console.errors import RunFailed
from flows.publishing.commit import State, write_durably
from flows.publishing.workspace import Workspace
from schemas.derive import attach_statement, data_dictionary, data_package, view_statements
from schemas.tables import PUBLISHED

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "python_enable_replacements": False,
    "threads": 1,
}


def build_catalog(workspace: Workspace) -> Path:
    """Rebuilds `catalog.duckdb`, `catalog.sql`, `dictionary.md` and `datapackage.json`.

    Returns the catalog's path.

    `catalog.duckdb` has absolute paths; `catalog.sql` has paths relative to the warehouse.
    Raises RunFailed where they can't be written; the tables are published all the same.
    """
    catalog = workspace.warehouse / "catalog.duckdb"
    state = State.of(workspace)
    try:
        _replace_database(workspace, catalog, _statements(state, None))
        write_durably(workspace, catalog.with_name("dictionary.md"), data_dictionary())
        for path, text in _texts(workspace, state).items():
            write_durably(workspace, path, text)
    except (OSError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        raise RunFailed(
            f"{catalog} was not rebuilt: {reason}; mend this, then run `pointbook catalog`"
        ) from error
    return catalog


def catalog_is_behind(workspace: Workspace) -> bool:
    """Whether a command died after it published and before `catalog.sql`, which is written last."""
    state = State.of(workspace)
    if not any(state.files(name) for name in PUBLISHED):
        return False
    if not _script(workspace).exists():
        return True
    return any(
        not path.exists() or path.read_text(encoding="utf-8") != text
        for path, text in _texts(workspace, state).items()
    )


def _script(workspace: Workspace) -> Path:
    return workspace.warehouse / "catalog.sql"


def _texts(workspace: Workspace, state: State) -> dict[Path, str]:
    """The Data Package, with the hash of every committed file, and `catalog.sql`, by their path."""
    files = {
        name: [
            {
                "path": path.relative_to(workspace.warehouse).as_posix(),
                "hash": f"sha256:{entry.sha256}",
                "bytes": entry.size,
                "rows": entry.rows,
            }
            for path, entry in ((path, state.entry(path)) for path in state.files(name).values())
        ]
        for name in PUBLISHED
    }
    package = json.dumps(data_package(files), ensure_ascii=False, indent=1) + "\n"
    statements = [f"{statement};" for statement in _statements(state, workspace.warehouse)]
    script = "\n".join(["-- read this in the warehouse's folder", *statements, ""])
    target = _script(workspace)
    return {target.with_name("datapackage.json"): package, target: script}


def _replace_database(workspace: Workspace, catalog: Path, statements: Iterable[str]) -> None:
    """Builds the database in a temporary folder, as DuckDB misplaces its log below a `?`."""
    with TemporaryDirectory(prefix="pointbook-") as folder:
        built = Path(folder) / catalog.name
        with duckdb.connect(config=_SETTINGS) as connection:
            connection.execute(attach_statement(built, "catalog"))
            connection.execute("USE catalog")
            # together: each by itself would be made durable
            connection.begin()
            for statement in statements:
                connection.execute(statement)
            connection.commit()
            connection.execute("USE memory")
            connection.execute("DETACH catalog")
        write_durably(workspace, catalog, built.read_bytes())


def _statements(state: State, relative_to: Path | None) -> Iterator[str]:
    for table in PUBLISHED.values():
        files = list(state.files(table.name).values())
        held = state.held(files, table.stored_columns)
        if relative_to is not None:
            files = [file.relative_to(relative_to) for file in files]
        yield from view_statements(table, files, held)
