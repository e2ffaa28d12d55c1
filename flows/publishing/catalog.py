"""The warehouse's catalog: a view per table over its committed files, with comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from flows.console.environment import temporary_folder
from flows.console.errors import ProofFailed, RunFailed
from flows.publishing.commit import State, write_durably
from flows.publishing.workspace import Workspace
from schemas.derive import attach_statement, data_dictionary, data_package, view_statements
from schemas.tables import PUBLISHED

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "python_enable_replacements": False,
    "threads": 1,
}
_PLACE: Final = re.compile(r"'(?:[^']|'')*/warehouse/(?=\w+/\w+=)")
"""Where the path of a published file begins, up to its table's folder."""


def build_catalog(workspace: Workspace) -> Path:
    """Rebuilds `catalog.duckdb`, `catalog.sql`, `dictionary.md` and `datapackage.json`.

    Returns the catalog's path.

    `catalog.duckdb` has absolute paths; `catalog.sql` has paths relative to the warehouse.
    Raises RunFailed where they can't be written; the tables are published all the same.
    """
    catalog = workspace.warehouse / "catalog.duckdb"
    state = State.of(workspace)
    try:
        with _database(_statements(state, None)) as built:
            write_durably(workspace, catalog, built.read_bytes())
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
    return any(not _holds(path, text) for path, text in _texts(workspace, state).items())


def check_catalog(workspace: Workspace) -> int:
    """How many files the catalog is; raises ProofFailed for one that is not as the commits say.

    One that was built before the workspace was moved still holds, for where it was.
    """
    catalog, state = workspace.warehouse / "catalog.duckdb", State.of(workspace)
    texts = {catalog.with_name("dictionary.md"): data_dictionary(), **_texts(workspace, state)}
    wrong = [path for path, text in texts.items() if not _holds(path, text)]
    with _database(_statements(state, None)) as built:
        expected = _views(built)
    try:
        found = _views(catalog)
    except (OSError, duckdb.Error):
        found = None
    for path in [*wrong, *([catalog] if found != expected else [])]:
        raise ProofFailed(f"{path}: not what the commits say; run `pointbook catalog`")
    return len(texts) + 1


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _views(catalog: Path) -> list[tuple[str, str, str]]:
    """The views of a catalog, with their comments; without where the warehouse lies."""
    with duckdb.connect(str(catalog), read_only=True, config=_SETTINGS) as connection:
        views = connection.table_function("duckdb_views").filter("NOT internal")
        rows = views.project("view_name, sql, comment").fetchall()
    return sorted((name, _PLACE.sub("'", sql), comment) for name, sql, comment in rows)


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


@contextmanager
def _database(statements: Iterable[str]) -> Iterator[Path]:
    """The database, built in a temporary folder, as DuckDB misplaces its log below a `?`."""
    with temporary_folder() as folder:
        built = folder / "catalog.duckdb"
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
        yield built


def _statements(state: State, relative_to: Path | None) -> Iterator[str]:
    for table in PUBLISHED.values():
        files = list(state.files(table.name).values())
        held = state.held(files, table.stored_columns)
        if relative_to is not None:
            files = [file.relative_to(relative_to) for file in files]
        yield from view_statements(table, files, held)
