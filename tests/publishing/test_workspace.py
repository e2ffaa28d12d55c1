"""A workspace works wherever it is, and in it one command at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from flows.calendar.status import workspace_status
from flows.publishing.catalog import build_catalog
from flows.publishing.workspace import Workspace
from tests.membership import data_hashes, options, publish, published, stage

QUERIES = Path(__file__).parents[1] / "queries"


@pytest.mark.parametrize(
    "name",
    [
        "it's [a] *dir?",
        '작업 폴더/{1} #2%20&~/-- ;DROP "x"/ ',
        "membership_year=1999/customer_id=nobody/billing_month=2000-01",
    ],
)
def test_every_command_works_in_a_folder_of_any_name(
    telecom: Path, tmp_path: Path, name: str
) -> None:
    workspace = published(tmp_path / name / "workspace")
    assert data_hashes(workspace) == data_hashes(telecom)
    stage(workspace)
    publish(workspace)
    assert data_hashes(workspace) == data_hashes(telecom)
    build_catalog(Workspace(workspace))
    status = workspace_status(options(workspace))
    assert {row["state"] for row in status["published"]} == {"current"}
    catalogs = [path / "warehouse" / "catalog.duckdb" for path in (workspace, telecom)]
    for query in QUERIES.glob("*.sql"):
        found = []
        for catalog in catalogs:
            with duckdb.connect(catalog, read_only=True) as connection:
                found.append(connection.execute(query.read_text(encoding="utf-8")).fetchall())
        assert found[0] == found[1]


def test_a_workspace_that_was_moved_goes_on(telecom: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(telecom, tmp_path / "moved"))
    stage(moved)
    publish(moved)
    assert data_hashes(moved) == data_hashes(telecom)
    status = workspace_status(options(moved))
    assert {row["state"] for row in status["published"]} == {"current"}


def test_no_tracked_or_published_file_names_the_machines_folders(telecom: Path) -> None:
    records = [*telecom.glob("commits/*.json"), *telecom.glob("runs/*/manifest.json")]
    assert len(records) == 10
    for record in records:
        assert str(telecom) not in record.read_text(encoding="utf-8")
        assert json.loads(record.read_text(encoding="utf-8"))["run_id"]
