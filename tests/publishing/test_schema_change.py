"""A column added to a table leaves an existing workspace usable: old files read beside the new."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pyarrow.dataset as ds
import pytest

from flows.calendar.status import workspace_status
from flows.commands.registry import COMMANDS
from flows.proofs.verify import verify
from flows.publishing.catalog import build_catalog
from flows.publishing.restore import restore
from flows.publishing.workspace import Workspace
from schemas.columns import BOOL, column
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED, RESTATEMENTS
from tests.commands_in_tests import run_command, run_commands
from tests.membership import bills, customers, land, options, stage, table_rows
from transforms.engine import engine
from transforms.engine.engine import ROOT, load_transform

NAME: Final = "tier_snapshot"
ADDED: Final = "pays_nothing"
SQL: Final = f"CAST(tiers.annual_fee <= 0 AS BOOLEAN) AS {ADDED}"
COUNTS: Final = (
    f"SELECT membership_year, count(*), count({ADDED}) FROM {NAME} GROUP BY ALL ORDER BY ALL"
)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two years' tiers and grants, from before the column was added."""
    workspace = tmp_path_factory.mktemp("schema") / "workspace"
    land(workspace, "customers", customers())
    land(workspace, "billing", bills())
    stage(workspace)
    for year in (2017, 2018):
        run_commands(options(workspace), [f"tiers {year}", f"grants {year}"])
    return workspace


@dataclass(frozen=True)
class Changed:
    """The workspace after the column was added, and the rows of a year before."""

    workspace: Path
    rows: int

    def catalog(self, sql: str = COUNTS) -> list[tuple[Any, ...]]:
        build_catalog(Workspace(self.workspace))
        database = self.workspace / "warehouse" / "catalog.duckdb"
        with duckdb.connect(database, read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def changed(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changed]:
    """The column added to the declaration and to the SQL."""
    workspace = Path(shutil.copytree(before, tmp_path / "workspace"))
    rows = len(table_rows(workspace, NAME, "2017"))
    table = PUBLISHED[NAME]
    more = {**table.columns, ADDED: column(BOOL, "Whether the customer paid nothing")}
    monkeypatch.setitem(PUBLISHED, NAME, replace(table, columns=more))
    copy = Path(shutil.copytree(ROOT, tmp_path / "transforms"))
    snapshot = copy / "membership" / f"{NAME}.sql"
    text = snapshot.read_text(encoding="utf-8")
    with_column = text.replace("\nFROM tiers\nCROSS JOIN", f",\n    {SQL}\nFROM tiers\nCROSS JOIN")
    assert with_column.count(ADDED) == 1
    snapshot.write_text(with_column, encoding="utf-8")
    monkeypatch.setattr(engine, "ROOT", copy)
    _read_sql_anew()
    yield Changed(workspace, rows)
    _read_sql_anew()


def _read_sql_anew() -> None:
    load_transform.cache_clear()
    for command in COMMANDS.values():
        for name in ("dependencies", "counting", "columns_read"):
            vars(command).pop(name, None)


def test_the_catalog_and_its_script_show_the_old_rows_without_a_value(
    changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [(year, held) for year, _, held in changed.catalog()] == [(2017, 0), (2018, 0)]
    monkeypatch.chdir(changed.workspace / "warehouse")
    with duckdb.connect() as connection:
        connection.execute(Path("catalog.sql").read_text(encoding="utf-8"))
        assert connection.execute(COUNTS).fetchall() == changed.catalog()


def test_status_and_verify_take_old_files_as_they_are(changed: Changed) -> None:
    published = workspace_status(options(changed.workspace))["published"]
    states = {row["table"]: row["state"] for row in published}
    # what follows a stale year is stale as well
    published = (NAME, "tier_exceptions", "tier_moves", "tier_bands", "point_grants")
    assert states == dict.fromkeys(published, "stale")
    assert verify(options(changed.workspace))["wrong"] is None


def test_what_reads_the_table_reads_old_files(changed: Changed) -> None:
    run_command(options(changed.workspace), "tiers 2018")
    assert run_command(options(changed.workspace), "grants 2017")["status"] == "done"


def test_a_rerun_renews_a_year_and_names_the_added_values(changed: Changed) -> None:
    manifest = run_command(options(changed.workspace), "tiers 2018")
    assert manifest["restated"]
    restated = table_rows(changed.workspace, RESTATEMENTS, manifest["run_id"])
    assert {row["column_name"] for row in restated} == {ADDED}
    assert {row["value_before"] for row in restated} == {None}
    assert {row["value_after"] for row in restated} <= {"true", "false"}
    (old, _, held_before), (_, rows, held) = changed.catalog()
    assert (old, held_before) == (2017, 0)
    assert held == rows == len(restated)
    assert verify(options(changed.workspace))["wrong"] is None


def test_an_old_version_is_restored_beside_the_new_files(changed: Changed) -> None:
    run_command(options(changed.workspace), "tiers 2018")
    found = restore(options(changed.workspace), NAME, "2018", "000004-tiers")
    assert found["restated"]
    assert [held for _, _, held in changed.catalog()] == [0, 0]


def test_other_readers_read_old_files_beside_the_new(changed: Changed) -> None:
    run_command(options(changed.workspace), "tiers 2018")
    folder = changed.workspace / "warehouse" / NAME
    files = f"{folder}/*/*.parquet"
    expected = [(year, rows) for year, rows, _ in changed.catalog()]
    with_values = [held for _, _, held in changed.catalog()]
    years = [
        pl.read_parquet(file, hive_partitioning=True) for file in sorted(folder.rglob("*.parquet"))
    ]
    in_polars = pl.concat(years, how="diagonal")
    by_year = in_polars.group_by("membership_year").agg(pl.len(), pl.col(ADDED).count())
    assert [row[:2] for row in sorted(by_year.rows())] == expected
    in_arrow = ds.dataset(folder, schema=stored_schema(PUBLISHED[NAME])).to_table()
    assert in_arrow[ADDED].null_count == in_arrow.num_rows - sum(with_values)
    with duckdb.connect() as connection:
        in_duckdb = connection.read_parquet(files, union_by_name=True)
        assert in_duckdb.aggregate(f"count({ADDED})").fetchall() == [(sum(with_values),)]
