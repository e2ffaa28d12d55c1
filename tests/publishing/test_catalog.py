"""The catalog opens from anywhere, says what everything means, and shows what is committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest

from flows.console.errors import RunFailed
from flows.publishing.catalog import build_catalog
from flows.publishing.commit import State
from flows.publishing.workspace import Workspace
from schemas.derive import data_dictionary, duckdb_type, unit
from schemas.tables import ELITE_STATUSES, PUBLISHED, TIERS, Table
from tests.faults import OLD, TABLE, publish, target

STORAGE_VERSION_OFFSET: Final = 12
DUCKDB_1_0_STORAGE: Final = 64
AMOUNTS: Final = f"SELECT membership_year, amount FROM {TABLE.name} ORDER BY ALL"


@pytest.fixture(params=["plain", "it's [a] *dir?", "membership_year=1999/amount=3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace in which OLD is published, in folders of awkward names."""
    root = tmp_path / str(request.param) / "workspace"
    publish(root, OLD, TABLE.name)
    return root


def query(root: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the catalog answers."""
    with duckdb.connect(root / "warehouse" / "catalog.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_catalog_answers_from_another_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert query(root, AMOUNTS) == [(int(year), amount) for year, amount in OLD.items()]


def test_the_script_answers_in_the_warehouses_folder_wherever_that_was_moved(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = root.rename(tmp_path / "moved")
    monkeypatch.chdir(moved / "warehouse")
    with duckdb.connect() as connection:
        connection.execute(Path("catalog.sql").read_text(encoding="utf-8"))
        found = connection.execute(AMOUNTS).fetchall()
    assert found == [(int(year), amount) for year, amount in OLD.items()]


def test_a_catalog_rebuilt_after_a_move_answers_again(root: Path, tmp_path: Path) -> None:
    moved = root.rename(tmp_path / "moved")
    with pytest.raises(duckdb.IOException):
        query(moved, AMOUNTS)
    build_catalog(Workspace(moved))
    assert len(query(moved, AMOUNTS)) == len(OLD)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_table_is_there_in_its_published_types_with_or_without_rows(
    root: Path, name: str
) -> None:
    table = PUBLISHED[name]
    columns = query(root, f"DESCRIBE {name}")
    assert [(c[0], c[1]) for c in columns] == [
        (column, _shown_as(table, column)) for column in table.columns
    ]
    count = len(OLD) if table is TABLE else 0
    assert query(root, f"SELECT count(*) FROM {name}") == [(count,)]


def _shown_as(table: Table, column: str) -> str:
    """The type of a view's column: tiers and statuses sort in their order, not by their letters."""
    if table.domain(column) in (TIERS, ELITE_STATUSES):
        return f"ENUM({str(table.domain(column))[1:-1]})"
    return duckdb_type(table.dtype(column))


def test_views_and_columns_carry_their_meaning(root: Path) -> None:
    views = query(root, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal")
    assert dict(views) == {t.name: f"{t.description}; {t.grain}" for t in PUBLISHED.values()}
    columns = query(
        root,
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal",
    )
    for table_name, column_name, comment in columns:
        declared = PUBLISHED[table_name].columns[column_name]
        counted = f" [{unit(declared)}]" if unit(declared) else ""
        assert comment == f"{declared.description}{counted}"


def test_a_year_opens_that_years_file_alone(root: Path) -> None:
    plan = query(root, f"EXPLAIN SELECT amount FROM {TABLE.name} WHERE membership_year = 2016")
    assert f"1/{len(OLD)}" in plan[0][1]


def test_a_file_that_was_never_committed_is_not_shown(root: Path) -> None:
    stray = target(root, "2019")
    stray.parent.mkdir()
    stray.write_bytes(target(root, "2016").read_bytes())
    build_catalog(Workspace(root))
    assert len(query(root, AMOUNTS)) == len(OLD)


def test_the_catalog_is_in_the_storage_format_that_duckdb_1_reads(root: Path) -> None:
    header = (root / "warehouse" / "catalog.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    version = int.from_bytes(header[STORAGE_VERSION_OFFSET:], "little")
    assert version == DUCKDB_1_0_STORAGE


def test_the_dictionary_lies_beside_it(root: Path) -> None:
    text = (root / "warehouse" / "dictionary.md").read_text(encoding="utf-8")
    assert text == data_dictionary()


def test_nothing_is_left_of_building_it(root: Path) -> None:
    names = {path.name for path in (root / "warehouse").iterdir()}
    assert names == {
        TABLE.name,
        "catalog.duckdb",
        "catalog.sql",
        "datapackage.json",
        "dictionary.md",
    }


def test_a_reader_keeps_its_catalog_while_another_is_built(root: Path) -> None:
    code = (
        "import sys, duckdb\n"
        "with duckdb.connect(sys.argv[1], read_only=True) as connection:\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.readline()\n"
        f"    print(len(connection.execute({AMOUNTS!r}).fetchall()))\n"
    )
    catalog = root / "warehouse" / "catalog.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", code, catalog],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        build_catalog(Workspace(root))
        out, _ = reader.communicate("go on\n", timeout=60)
    assert out == f"{len(OLD)}\n"


def test_a_catalog_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    publish(tmp_path, OLD, TABLE.name)
    catalog = tmp_path / "warehouse" / "catalog.duckdb"
    catalog.unlink()
    catalog.mkdir()
    with pytest.raises(RunFailed, match=r"was not rebuilt: .*; mend this, then run `pointbook cat"):
        build_catalog(Workspace(tmp_path))
    assert State.of(Workspace(tmp_path)).files(TABLE.name)
