"""Whatever kills a command when, its tables are old or new, and the next command mends it (Q2).

The commands themselves, from staged files to the catalog; `test_publish.py` has the steps of
publishing alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from flows.publish import State
from flows.tiers import assess_tiers
from flows.workspace import Workspace
from tests.faults import work_under, work_within
from tests.membership import correction, data_hashes, land, options, published, stage

KILLED: Final = -9
DONE, MET, FAILED = 0, 3, 4
"""Exit codes of a command that met no fault, that met one and came through, that failed."""
SIZES: Final = (0, 100, 1_000, 3_000, 10_000, 100_000, 200_000)
CATALOG: Final = {"catalog.duckdb", "catalog.sql", "dictionary.md"}

Work = Callable[[Path], Any]


def assess(workspace: Path) -> dict[str, Any]:
    """`tiers --year 2018`."""
    return assess_tiers(options(workspace), 2018)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small telecom, published, and a correction that has landed."""
    workspace = published(tmp_path_factory.mktemp("crashes") / "landed")
    land(workspace, "billing", [correction()], "correction.csv")
    return workspace


@pytest.fixture(scope="module")
def staged(landed: Path) -> Path:
    """The same with the correction staged: 2018 is to be assessed again."""
    workspace = Path(shutil.copytree(landed, landed.with_name("staged")))
    stage(workspace)
    return workspace


def files(workspace: Path) -> dict[str, str]:
    """The hash of every staged and published file, less the catalog's."""
    hashes = data_hashes(workspace)
    return {path: digest for path, digest in hashes.items() if Path(path).name not in CATALOG}


def check_whole(workspace: Path, before: dict[str, str], after: dict[str, str]) -> None:
    """What readers find is old or new, file by file, and can be read."""
    for path, digest in files(workspace).items():
        if "/.aside/" not in path:
            assert digest in (before.get(path), after[path]), path
            if path.endswith(".parquet"):
                pq.ParquetFile(workspace / path).read()
    assert len(pl.read_parquet(workspace / "warehouse" / "tier_snapshot")) == 21


def check_mended(workspace: Path, after: dict[str, str]) -> None:
    """All is new, as committed, with nothing left over, and the catalog shows it."""
    assert files(workspace) == after
    state = State.of(Workspace(workspace))
    committed = {path: state.entry(workspace / path).sha256 for path in after}
    assert committed == after
    assert [path.name for path in workspace.rglob(".*")] == [".lock"]
    assert not (workspace / "work").exists()
    catalog = workspace / "warehouse" / "catalog.duckdb"
    with duckdb.connect(str(catalog), read_only=True) as connection:
        tier = "SELECT tier FROM tier_snapshot WHERE customer_id = 'white' ORDER BY membership_year"
        assert connection.execute(tier).fetchall() == [("white",), ("silver",)]


def disturb(
    kind: str, work: Work, rerun: Work, start: Path, folder: Path, after: dict[str, str], at: int
) -> tuple[int, str]:
    """One command under a fault at its change number `at`, checked before and after a rerun."""
    before = files(start)
    workspace = Path(shutil.copytree(start, folder / f"{kind}-{at}"))
    ended, error = work_under(kind, at, partial(work, workspace))
    check_whole(workspace, before, after)
    if ended == FAILED:
        assert error
        assert "\n" not in error
        if "nothing was published" in error:
            assert files(workspace) == before
    assert work_under("none", 1, partial(rerun, workspace)) == (MET, "")
    if work is not stage:
        check_mended(workspace, after)
    else:
        assert files(workspace) == after
    shutil.rmtree(workspace)
    return ended, error


def every_change(disturbed: Callable[[int], tuple[int, str]], step: int = 1) -> list[int]:
    """The endings of a command under a fault at each of its changes, two at a time."""
    endings: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        for first in range(1, 1_000, 20 * step):
            found = pool.map(disturbed, range(first, first + 20 * step, step))
            endings += [ended for ended, _ in found]
            if DONE in endings:
                return endings
    raise AssertionError("the command changes the disk more often than expected")


@pytest.fixture(scope="module")
def assessed(staged: Path) -> dict[str, str]:
    """What an undisturbed assessment leaves."""
    workspace = Path(shutil.copytree(staged, staged.with_name("assessed")))
    assess(workspace)
    return files(workspace)


@pytest.mark.parametrize(("kind", "ending"), [("kill", KILLED), ("broken", FAILED)])
def test_an_assessment_that_dies_or_fails_at_any_change_leaves_old_or_new(
    staged: Path, assessed: dict[str, str], tmp_path: Path, kind: str, ending: int
) -> None:
    endings = every_change(partial(disturb, kind, assess, assess, staged, tmp_path, assessed))
    assert endings.count(ending) > 20
    assert set(endings) <= {ending, DONE, MET}


def test_an_ingest_that_dies_at_any_change_leaves_old_or_new(
    landed: Path, staged: Path, tmp_path: Path
) -> None:
    after = files(staged)
    endings = every_change(partial(disturb, "kill", stage, stage, landed, tmp_path, after))
    assert endings.count(KILLED) > 20
    assert set(endings) == {KILLED, DONE}


@pytest.mark.parametrize("file_size", SIZES)
def test_a_disk_that_is_full_for_everybody_ends_in_one_line(
    staged: Path, assessed: dict[str, str], tmp_path: Path, file_size: int
) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    ended, error = work_within(file_size, partial(assess, workspace))
    assert ended == FAILED
    assert error
    assert "\n" not in error
    check_whole(workspace, files(staged), assessed)
    assess(workspace)
    check_mended(workspace, assessed)
