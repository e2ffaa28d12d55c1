"""Every command survives its death: readers see old or new, and a rerun ends as if undisturbed.

`test_crashes.py` has tiers and ingest of the small telecom, step by step; this has the ledgers, the
airline and the calendar, and kills at moments that nobody chose.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from flows.calendar import run_calendar
from flows.elite import assess_elite
from flows.miles import close_miles
from flows.notices import send_notices
from flows.points import close_points
from flows.publish import State, recover
from flows.sweep import sweep_points
from flows.workspace import Workspace
from tests.faults import images_of
from tests.forks import FORKS
from tests.membership import land, options, stage
from tests.points import PROMOTION, REDEMPTION, land_points
from tests.test_cases_airline import FLIGHT, land_airline
from tests.test_crashes import CATALOG, KILLED, files

MONTH: Final = "2016-12"
KILLS: Final = 5
"""How often each command is killed at a moment that nobody chose, before it may finish."""
RERUN_EVERY: Final = 20

Work = Callable[[Path], Any]


@dataclass(frozen=True)
class Scene:
    """A workspace in which something was published and has changed since, and a command."""

    start: Path
    work: Work

    def copy(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.start, folder / "workspace"))


def ingest(workspace: Path) -> Any:
    return stage(workspace)


def points(workspace: Path) -> Any:
    return close_points(options(workspace), MONTH)


def sweep(workspace: Path) -> Any:
    return sweep_points(options(workspace), 2016)


def run(workspace: Path) -> Any:
    return run_calendar(options(workspace), MONTH, MONTH)


def miles(workspace: Path) -> Any:
    return close_miles(options(workspace), "2021-05")


def elite(workspace: Path) -> Any:
    return assess_elite(options(workspace), 2022)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Scene]:
    """By command: what it published is old, as more has landed since."""
    folder = tmp_path_factory.mktemp("survival")
    telecom = folder / "telecom"
    lapsing = {"expires_on": "2016-12-31", "refundable": "false"}
    land_points(
        telecom,
        {
            "customers": [{}, {"customer_id": "B"}],
            "promotions": [{}, {"customer_id": "B"}, lapsing],
            "redemptions": [{"used_at": "2016-12-10 12:00:00"}],
        },
    )
    stage(telecom)
    send_notices(options(telecom), MONTH)
    points(telecom)
    sweep(telecom)
    more = {"promotion_credit_id": "P9", "credited_on": "2016-12-05"}
    land(telecom, "promotions", [PROMOTION | more | lapsing], "more.csv")
    more = {"redemption_id": "R9", "used_at": "2016-12-20 12:00:00"}
    land(telecom, "redemptions", [REDEMPTION | more], "more.csv")
    staged = Path(shutil.copytree(telecom, folder / "staged"))
    stage(staged)
    closed = Path(shutil.copytree(staged, folder / "closed"))
    points(closed)

    airline = folder / "airline"
    land_airline(airline, {"flights": [{}], "awards": [{}], "payments": [{}]})
    stage(airline)
    miles(airline)
    elite(airline)
    land(airline, "flights", [FLIGHT | {"activity_id": "F9", "distance_miles": 9_000}], "more.csv")
    stage(airline)
    return {
        "ingest": Scene(telecom, ingest),
        "points": Scene(staged, points),
        "sweep": Scene(closed, sweep),
        "run": Scene(telecom, run),
        "miles": Scene(airline, miles),
        "elite": Scene(airline, elite),
    }


@pytest.fixture(scope="module")
def undisturbed(
    scenes: Mapping[str, Scene], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, dict[str, str]]:
    """What each command leaves where nothing happens to it."""
    left = {}
    for name, scene in scenes.items():
        workspace = scene.copy(tmp_path_factory.mktemp(name))
        scene.work(workspace)
        left[name] = files(workspace)
        assert left[name] != files(scene.start)
    return left


def check_whole(workspace: Path, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """What readers find is old or new, file by file."""
    for path, digest in files(workspace).items():
        if "/.aside/" not in path:
            assert digest in (before.get(path), after.get(path)), path


def settled(workspace: Path) -> dict[str, str]:
    """What is in place: all of it as committed, and nothing left over of dead commands."""
    found = files(workspace)
    state = State.of(Workspace(workspace))
    assert {path: state.entry(workspace / path).sha256 for path in found} == found
    assert [path.name for path in workspace.rglob(".*")] == [".lock"]
    assert not (workspace / "work").exists()
    return found


def check_readers(workspace: Path) -> None:
    """Any reader can open any table."""
    for folder in (workspace / "warehouse").iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            pl.read_parquet(folder)


@pytest.mark.parametrize("name", ["points", "sweep", "miles", "elite", "run"])
def test_a_kill_at_any_step_of_publishing_leaves_old_or_new(
    scenes: Mapping[str, Scene],
    undisturbed: Mapping[str, dict[str, str]],
    tmp_path: Path,
    name: str,
) -> None:
    scene, after = scenes[name], undisturbed[name]
    before = files(scene.start)
    workspace, images = scene.copy(tmp_path), tmp_path / "images"
    images.mkdir()
    found = images_of(partial(scene.work, workspace), workspace, images)
    assert files(workspace) == after
    outcomes = []
    for number, image in enumerate(found):
        check_whole(image, before, after)
        if number % RERUN_EVERY == 0:
            check_readers(image)
            scene.work(image)
            assert settled(image) == after
        else:
            recover(Workspace(image))
            left = settled(image)
            check_whole(image, before, after)
            outcomes.append(left)
        shutil.rmtree(image)
    assert before in outcomes
    assert after in outcomes
    if name != "run":  # which is several commands
        assert all(left in (before, after) for left in outcomes)


def run_killed(work: Callable[[], object], after_seconds: float) -> int | None:
    """Does the work in another process and kills it then; returns its exit code."""
    process = FORKS.Process(target=work)
    process.start()
    process.join(after_seconds)
    if process.exitcode is None:
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return process.exitcode


@contextmanager
def reading(
    workspace: Path, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[list[str]]:
    """Reads everything over and over meanwhile; what it finds wrong is in the list."""
    wrong: list[str] = []
    ended = threading.Event()
    catalog = workspace / "warehouse" / "catalog.duckdb"

    def read() -> None:
        while not ended.wait(0.02):
            try:
                check_whole(workspace, before, after)
                check_readers(workspace)
                with duckdb.connect(str(catalog), read_only=True) as connection:
                    for (view,) in connection.execute(
                        "SELECT view_name FROM duckdb_views() WHERE NOT internal"
                    ).fetchall():
                        connection.execute(f'SELECT count(*) FROM "{view}"').fetchall()
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield wrong
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("name", ["ingest", "points", "sweep", "run"])
def test_a_command_killed_at_random_moments_ends_as_if_undisturbed(
    scenes: Mapping[str, Scene],
    undisturbed: Mapping[str, dict[str, str]],
    tmp_path: Path,
    name: str,
) -> None:
    scene, after = scenes[name], undisturbed[name]
    before = files(scene.start)
    timed = scene.copy(tmp_path / "timed")
    started = time.monotonic()
    assert run_killed(partial(scene.work, timed), 600) == 0
    seconds = time.monotonic() - started
    workspace = scene.copy(tmp_path)
    moments = random.Random(name)
    endings = set()
    with reading(workspace, before, after) as wrong:
        for _ in range(KILLS):
            moment = moments.uniform(0.1, 1.0) * seconds
            endings.add(run_killed(partial(scene.work, workspace), moment))
            check_whole(workspace, before, after)
        scene.work(workspace)
    assert wrong == []
    assert KILLED in endings
    assert endings <= {KILLED, 0}
    assert settled(workspace) == after
    assert {path.name for path in (workspace / "warehouse").iterdir() if path.is_file()} == CATALOG
