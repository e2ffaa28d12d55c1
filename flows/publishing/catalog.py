"""The warehouse's catalog: views over committed files, with comments.

Beside a view per published table the schemas `staged`, `quarantine`, `runs` and `policies`; of
personal data and of rejected rows' text they show nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

import duckdb

from flows.console.environment import temporary_folder
from flows.console.errors import ProofFailed, RunFailed
from flows.publishing.commit import State, write_durably
from flows.publishing.workspace import Workspace
from schemas.catalog import SHOWN
from schemas.derive import (
    attach_statement,
    data_dictionary,
    data_package,
    policies_view_statements,
    quarantine_view_statements,
    runs_view_statements,
    schema_statements,
    staged_view_statements,
    view_statements,
)
from schemas.exports import EXPORTS, opening_lots
from schemas.policy import POLICIES
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.policies.documents import NotRead
from transforms.policies.policy import Policies

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "python_enable_replacements": False,
    "threads": 1,
}
_PLACE: Final = re.compile(
    r"'(?:[^']|'')*/(?=warehouse/\w+/\w+=|staged/\w+/|quarantine/\w+/|runs/\[)"
)
"""Where the path of a committed file begins, up to its room's folder; and that of manifests."""
_QUARANTINED: Final = (*EXPORTS, opening_lots().name)


def build_catalog(workspace: Workspace) -> Path:
    """Rebuilds `catalog.duckdb`, `catalog.sql`, `dictionary.md` and `datapackage.json`.

    Returns the catalog's path.

    `catalog.duckdb` has absolute paths; `catalog.sql` has paths relative to the warehouse.
    Raises RunFailed where they can't be written; the tables are published all the same.
    """
    catalog = workspace.warehouse / "catalog.duckdb"
    state = State.of(workspace)
    try:
        with _database(_statements(workspace, state)) as built:
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


def build_scenario_catalog(target: Path, tables: Mapping[str, Sequence[Path]]) -> None:
    """Writes a catalog of a scenario's own tables, and of what they change, with absolute paths."""
    statements = [
        statement
        for name, files in tables.items()
        for statement in view_statements(PUBLISHED[name], files)
    ]
    with _database(statements) as built:
        target.write_bytes(built.read_bytes())


def catalog_of(workspace: Workspace, state: State) -> AbstractContextManager[Path]:
    """A catalog of a state, in a file of its own that is gone with the block."""
    return _database(_statements(workspace, state))


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
    with _database(_statements(workspace, state)) as built:
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


def _views(catalog: Path) -> list[tuple[str, str, str, str]]:
    """The views of a catalog, with their comments; without where the warehouse lies."""
    with duckdb.connect(str(catalog), read_only=True, config=_SETTINGS) as connection:
        views = connection.table_function("duckdb_views").filter("NOT internal")
        rows = views.project("schema_name, view_name, sql, comment").fetchall()
    return sorted((*name, _PLACE.sub("'", sql), comment) for *name, sql, comment in rows)


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
    statements = [f"{statement};" for statement in _statements(workspace, state, relative=True)]
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


def _statements(workspace: Workspace, state: State, *, relative: bool = False) -> Iterator[str]:
    """What makes the catalog; `relative`: with paths as seen from the warehouse."""

    def placed(paths: Iterable[Path]) -> list[Path]:
        if not relative:
            return list(paths)
        inside = (path.relative_to(workspace.root) for path in paths)
        return [
            path.relative_to("warehouse") if path.parts[0] == "warehouse" else Path("..", path)
            for path in inside
        ]

    yield from schema_statements()
    shown = [table for table in STAGED_RELATIONS.values() if not table.internal]
    for table in (*PUBLISHED.values(), *shown):
        files = list(state.files(table.name).values())
        held = state.held(files, table.stored_columns)
        yield from view_statements(table, placed(files), held)
    for export in EXPORTS.values():
        yield from staged_view_statements(export, placed(state.files(export.name).values()))
    quarantined = sorted(path for path in state.entries if path.startswith("quarantine/"))
    for name in _QUARANTINED:
        room = f"quarantine/{name}/"
        files = [workspace.root / path for path in quarantined if path.startswith(room)]
        held = state.held(files, SHOWN["quarantine"].columns)
        yield from quarantine_view_statements(name, placed(files), held)
    has_run = any(workspace.runs.glob("[0-9]*/manifest.json"))
    yield from runs_view_statements(placed([workspace.runs])[0] if has_run else None)
    digest = last_used_policies(workspace, state)
    values = values_of_policies(workspace.policies / digest) if digest else ()
    yield from policies_view_statements(values, digest)


def last_used_policies(workspace: Workspace, state: State) -> str | None:
    """The digest of the policies that the latest run used of those whose tables are current; none
    where its manifest is gone, or is of before the policies' texts were kept.
    """
    published = (path for name in PUBLISHED for path in state.files(name).values())
    for run_id in sorted({state.run_of(path) for path in published}, reverse=True):
        with suppress(OSError, ValueError):
            manifest = json.loads((workspace.runs / run_id / "manifest.json").read_bytes())
            if digest := manifest.get("policies"):
                folder = workspace.policies / digest
                return str(digest) if any(map(state.has, folder.glob("*.yaml"))) else None
    return None


@lru_cache(maxsize=4)
def values_of_policies(folder: Path) -> tuple[tuple[str | date | None, ...], ...]:
    """Every value of the policies that are kept in a folder, in the columns of their view."""
    try:
        policies = Policies.kept(folder)
    except (OSError, NotRead):
        return ()  # `verify` finds a text that was changed
    return tuple(
        (
            name,
            ", ".join(f"{column}={row[column]}" for column in policy.key),
            column,
            _as_text(row[column]),
            str(row["unit"]),
            row["valid_from"],
            row["valid_to"],
            str(row["source"]),
        )
        for name, policy in POLICIES.items()
        for row in policies.rows(name)
        for column in policy.values
    )


def _as_text(value: object) -> str | None:
    """A policy's value as its file has it."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    return str(value)
