"""Whatever kills a command when, its tables are old or new, and the next command mends it (Q2).

The commands themselves, from staged files to the catalog; `test_publish.py` has the steps of
publishing alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from flows.publishing.commit import CommitRecord, State, recover
from flows.publishing.workspace import Workspace
from schemas.tables import RESTATEMENTS
from tests.commands_in_tests import run_command
from tests.faults import images_of, work_under, work_within
from tests.membership import bills, correction, customers, data_hashes, land, options, stage

KILLED: Final = -9
MET, FAILED = 3, 4
"""Exit codes of a command that met a fault and came through, and that failed."""
SIZES: Final = (0, 1_000, 5_000, 200_000)
CATALOG: Final = {"catalog.duckdb", "catalog.sql", "datapackage.json", "dictionary.md"}

Work = Callable[[Path], Any]


def assess(workspace: Path) -> dict[str, Any]:
    """`tiers --year 2018`."""
    return run_command(options(workspace), "tiers 2018")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of the small telecom, published, and a correction that has landed."""
    workspace = tmp_path_factory.mktemp("crashes") / "landed"
    land(workspace, "customers", customers())
    land(workspace, "billing", bills("2016-11"))
    stage(workspace)
    assess(workspace)
    land(workspace, "billing", [correction()], "correction.csv")
    return workspace


@pytest.fixture(scope="module")
def staged(landed: Path) -> Path:
    """The same with the correction staged: 2018 is to be assessed again."""
    workspace = Path(shutil.copytree(landed, landed.with_name("staged")))
    stage(workspace)
    return workspace


def files(workspace: Path, *, restatements: bool = False) -> dict[str, str]:
    """The hash of every staged and published file, less the catalog's and, unless asked for, the
    restatements.

    These are a run's own (Q1), and a run that died before its commit leaves its number behind.
    """
    hashes = data_hashes(workspace)
    return {
        path: digest
        for path, digest in hashes.items()
        if Path(path).name not in CATALOG and (restatements or f"/{RESTATEMENTS}/" not in path)
    }


def check_whole(workspace: Path, before: dict[str, str], after: dict[str, str]) -> None:
    """What readers find is old or new, file by file."""
    for path, digest in files(workspace).items():
        if "/.aside/" not in path:
            assert digest in (before.get(path), after[path]), path
    assert len(pl.read_parquet(workspace / "warehouse" / "tier_snapshot")) == 10


def check_committed(workspace: Path, *versions: dict[str, str]) -> dict[str, str]:
    """All is of one version, as committed, with nothing left over; returns it."""
    found = files(workspace)
    assert found in versions
    state = State.of(Workspace(workspace))
    assert {path: state.entry(workspace / path).sha256 for path in found} == found
    assert [path.name for path in workspace.rglob(".*")] == [".lock"]
    assert not (workspace / "work").exists()
    check_history(workspace)
    return found


def check_history(workspace: Path) -> None:
    """What the correction replaced is kept and restated where it is published, and only there."""
    (published,) = tiers_of_white(workspace / "warehouse" / "tier_snapshot")
    restated = list((workspace / "warehouse" / RESTATEMENTS).rglob("*.parquet"))
    corrected = published == "silver"
    assert tiers_of_white(workspace / "versions" / "tier_snapshot") == ["white"] * corrected
    assert len(restated) == corrected


def tiers_of_white(folder: Path) -> list[str]:
    """The tier of the corrected customer in each file below a folder."""
    found = [pl.read_parquet(path, hive_partitioning=False) for path in folder.rglob("*.parquet")]
    return [frame.filter(pl.col("customer_id") == "white")["tier"].item() for frame in found]


def check_catalog(workspace: Path) -> None:
    """The catalog shows the correction."""
    catalog = workspace / "warehouse" / "catalog.duckdb"
    with duckdb.connect(str(catalog), read_only=True) as connection:
        tier = "SELECT tier FROM tier_snapshot WHERE customer_id = 'white'"
        assert connection.execute(tier).fetchall() == [("silver",)]


def check_images(work: Work, start: Path, after: dict[str, str], folder: Path) -> None:
    """A command that is killed at any of its changes leaves old or new, and can be run again."""
    workspace, images = folder / "workspace", folder / "images"
    shutil.copytree(start, workspace)
    images.mkdir()
    before = files(start)
    found = images_of(partial(work, workspace), workspace, images)
    versions = []
    for number, image in enumerate(found):
        check_whole(image, before, after)
        recover(Workspace(image))
        versions.append(check_committed(image, before, after) == after)
        if number % 12 == 0:
            work(image)
            check_committed(image, after)
        shutil.rmtree(image)
    assert versions == sorted(versions)
    assert min(versions.count(False), versions.count(True)) > 5


@pytest.fixture(scope="module")
def assessed(staged: Path) -> dict[str, str]:
    """What an undisturbed assessment leaves."""
    workspace = Path(shutil.copytree(staged, staged.with_name("assessed")))
    assess(workspace)
    return files(workspace)


def test_an_assessment_that_is_killed_at_any_change_leaves_old_or_new(
    staged: Path, assessed: dict[str, str], tmp_path: Path
) -> None:
    check_images(assess, staged, assessed, tmp_path)


def test_an_ingest_that_is_killed_at_any_change_leaves_old_or_new(
    landed: Path, staged: Path, tmp_path: Path
) -> None:
    check_images(stage, landed, files(staged), tmp_path)


@pytest.mark.parametrize(("kind", "ending"), [("kill", KILLED), ("broken", FAILED)])
@pytest.mark.parametrize("at", range(10, 70, 15))
def test_an_assessment_that_dies_or_fails_leaves_old_or_new_and_a_rerun_mends_it(
    staged: Path, assessed: dict[str, str], tmp_path: Path, kind: str, ending: int, at: int
) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    ended, error = work_under(kind, at, partial(assess, workspace))
    assert ended in (ending, MET)
    assert "\n" not in error
    check_whole(workspace, files(staged), assessed)
    if "nothing was published" in error:
        assert files(workspace) == files(staged)
    assess(workspace)
    check_committed(workspace, assessed)
    check_catalog(workspace)


def test_files_and_their_names_are_on_the_disk_before_the_record_that_promises_them(
    staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power forgets what was not synced; a name is what its folder holds."""
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    synced: set[int] = set()
    promised: list[str] = []
    fsync, replace = os.fsync, os.replace

    def lasts(path: Path) -> bool:
        within = [path, *(folder for folder in path.parents if folder.is_relative_to(workspace))]
        return all(part.stat().st_ino in synced for part in within)

    def syncing(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def replacing(source: Path, target: Path) -> None:
        if target.name.startswith(".pending-"):
            record = CommitRecord.model_validate_json(source.read_bytes())
            assert all(lasts(workspace / aside) for aside in record.asides.values())
            promised.extend(record.asides)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", replacing)
    manifest = assess(workspace)
    assert sorted(promised) == [
        f"runs/{manifest['run_id']}/manifest.json",
        f"warehouse/restatements/run_id={manifest['run_id']}/part-0.parquet",
        *(
            f"warehouse/{table}/membership_year=2018/part-0.parquet"
            for table in ("tier_bands", "tier_moves", "tier_snapshot")
        ),
    ]
    assert all(lasts(workspace / path) for path in promised)


def test_a_catalog_that_a_command_died_before_is_built_by_the_next(
    staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    for name in CATALOG:
        (workspace / "warehouse" / name).unlink()
    with monkeypatch.context() as dying:
        dying.setattr("flows.publishing.run.build_catalog", lambda _: None)
        assess(workspace)
    stage(workspace)
    check_catalog(workspace)


@pytest.mark.parametrize("file_size", SIZES)
def test_a_disk_that_is_full_for_every_writer_ends_in_one_line(
    staged: Path, assessed: dict[str, str], tmp_path: Path, file_size: int
) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    ended, error = work_within(file_size, partial(assess, workspace))
    assert ended == FAILED
    assert error
    assert "\n" not in error
    check_whole(workspace, files(staged), assessed)
    assess(workspace)
    check_committed(workspace, assessed)
    check_catalog(workspace)
