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
        write_durably(workspace, _package_path(workspace), _package(workspace, state))
        write_durably(workspace, catalog.with_suffix(".sql"), _script(workspace, state))
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
    script = workspace.warehouse / "catalog.sql"
    package = _package_path(workspace)
    return not (
        script.exists()
        and package.exists()
        and script.read_text(encoding="utf-8") == _script(workspace, state)
        and package.read_text(encoding="utf-8") == _package(workspace, state)
    )


def _package_path(workspace: Workspace) -> Path:
    return workspace.warehouse / "datapackage.json"


def _package(workspace: Workspace, state: State) -> str:
    """The warehouse as a Data Package, with the hash of every committed file."""
    files = {
        name: [
            {
                "path": path.relative_to(workspace.warehouse).as_posix(),
                "hash": f"sha256:{state.entry(path).sha256}",
                "bytes": state.entry(path).size,
                "rows": state.entry(path).rows,
            }
            for path in state.files(name).values()
        ]
        for name in PUBLISHED
    }
    return json.dumps(data_package(files), ensure_ascii=False, indent=1) + "\n"


def _script(workspace: Workspace, state: State) -> str:
    statements = "\n".join(f"{statement};" for statement in _statements(state, workspace.warehouse))
    return f"-- read this in the warehouse's folder\n{statements}\n"


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
