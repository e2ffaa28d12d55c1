"""Every command survives its death: readers see old or new, and a rerun ends as if undisturbed.

`test_crashes.py` has tiers and ingest of the small telecom, step by step; this has the ledgers, the
airline and the calendar, and kills at moments that nobody chose.
"""

from __future__ import annotations

import ctypes
import json
import os
import pkgutil
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pytest

from flows.console.errors import NotReady, RunFailed
from flows.publishing.commit import State, recover
from flows.publishing.restore import restore
from flows.publishing.workspace import Workspace
from tests.airline import FLIGHT, land_airline
from tests.commands_in_tests import open_ledger as open_with
from tests.commands_in_tests import run_calendar, run_command
from tests.console.test_cli import POINTBOOK, complaint, environment, process
from tests.deliveries.test_opening import LOT, lots_file
from tests.faults import hold_the_lock, images_of, work_under, work_within
from tests.forks import FORKS
from tests.membership import land, options, stage
from tests.micropayments import land_micropayments
from tests.points import PROMOTION, REDEMPTION, land_points
from tests.publishing.test_crashes import CATALOG, FAILED, KILLED, MET
from tests.publishing.test_crashes import files as staged_and_published
from tests.servers import prefect_server
from tests.support import staged

MONTH: Final = "2016-12"
IMPATIENT: Final = {"PREFECT_CLIENT_MAX_RETRIES": "0"}
KILLS: Final = 4
"""How often each command is killed at a moment that nobody chose, before it may finish."""
RERUN_EVERY: Final = 40
RESTATED: Final = {"run": 2}
"""How many commands restate what they replace, where it is not one."""
STRIDES: Final = {
    "points": 1,
    "run": 4,
    "sweep": 6,
    "miles": 6,
    "elite": 4,
    "micropayments": 6,
    "restore": 3,
    "open": 2,
}
"""Every which change of the disk is looked at: they all publish by the same steps."""

Work = Callable[[Path], Any]
Undisturbed = Callable[[str], "Ending"]


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
    return run_command(options(workspace), f"points {MONTH}")


def sweep(workspace: Path) -> Any:
    return run_command(options(workspace), "sweep 2016")


def run(workspace: Path) -> Any:
    return run_calendar(options(workspace), MONTH, MONTH)


def miles(workspace: Path) -> Any:
    return run_command(options(workspace), "miles 2021-05")


def micropayments(workspace: Path) -> Any:
    return run_command(options(workspace), "micropayments 2016-11")


def bring_back(workspace: Path) -> Any:
    return restore(options(workspace), "point_lots", MONTH, "000003-points")


def open_ledger(workspace: Path) -> Any:
    return open_with(options(workspace), MONTH, workspace / "landing" / "lots.csv")


def elite(workspace: Path) -> Any:
    return run_command(options(workspace), "elite 2022")


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
    run_command(options(telecom), f"notices {MONTH}")
    points(telecom)
    sweep(telecom)
    more = {"promotion_credit_id": "P9", "credited_on": "2016-12-05"}
    land(telecom, "promotions", [PROMOTION | more | lapsing], "more.csv")
    more = {"redemption_id": "R9", "used_at": "2016-12-20 12:00:00"}
    land(telecom, "redemptions", [REDEMPTION | more], "more.csv")
    stale = Path(shutil.copytree(telecom, folder / "stale"))
    stage(stale)
    closed = Path(shutil.copytree(stale, folder / "closed"))
    points(closed)

    beginning = folder / "beginning"
    land_points(beginning, {})
    stage(beginning)
    lots_file(beginning, [LOT, LOT | {"lot_id": "L2"}]).rename(beginning / "landing" / "lots.csv")
    open_ledger(beginning)
    lots_file(beginning, [LOT]).rename(beginning / "landing" / "lots.csv")

    paying = folder / "paying"
    land_micropayments(paying, {"payments": [{}]})
    stage(paying)
    micropayments(paying)
    land_micropayments(paying, {"payments": [{"payment_id": "P9"}]}, "more.csv")
    stage(paying)

    airline = folder / "airline"
    land_airline(airline, {"flights": [{}], "awards": [{}], "payments": [{}]})
    stage(airline)
    miles(airline)
    elite(airline)
    land(airline, "flights", [FLIGHT | {"activity_id": "F9", "distance_miles": 9_000}], "more.csv")
    stage(airline)
    return {
        "ingest": Scene(telecom, ingest),
        "points": Scene(stale, points),
        "sweep": Scene(closed, sweep),
        "restore": Scene(closed, bring_back),
        "open": Scene(beginning, open_ledger),
        "micropayments": Scene(paying, micropayments),
        "run": Scene(telecom, run),
        "miles": Scene(airline, miles),
        "elite": Scene(airline, elite),
    }


@dataclass(frozen=True)
class Ending:
    """What a command leaves where nothing happens to it, and how long it takes for it."""

    files: dict[str, str]
    restated: dict[str, str]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(
    scenes: Mapping[str, Scene], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Ending]:
    """How each command ends where nothing happens to it."""

    @cache
    def ending(name: str) -> Ending:
        scene = scenes[name]
        workspace = scene.copy(tmp_path_factory.mktemp(name))
        started = time.monotonic()
        scene.work(workspace)
        seconds = time.monotonic() - started
        assert files(workspace) != files(scene.start)
        return Ending(files(workspace), restatements(workspace), seconds)

    return ending


def files(workspace: Path) -> dict[str, str]:
    """The hash of every staged and published file, less what is kept by run."""
    found = staged_and_published(workspace)
    return {path: digest for path, digest in found.items() if "/restatements/" not in path}


def restatements(workspace: Path) -> dict[str, str]:
    """The hash of every published restatement."""
    found = staged_and_published(workspace, restatements=True)
    return {path: digest for path, digest in found.items() if "/restatements/" in path}


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
    """Any reader can open any table.

    Polars takes the files' lengths first and opens them then: it is let off where one was replaced
    between, by a file of another length.
    """
    for folder in (workspace / "warehouse").iterdir():
        while folder.name != ".aside" and (found := sorted(folder.rglob("*.parquet"))):
            inodes = [path.stat().st_ino for path in found]
            try:
                pl.read_parquet(folder)
            except pl.exceptions.ComputeError:
                if [path.stat().st_ino for path in found] == inodes:
                    raise
            else:
                break


@pytest.mark.parametrize("name", STRIDES)
def test_a_kill_at_any_step_of_publishing_leaves_old_or_new(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path, name: str
) -> None:
    scene, after = scenes[name], undisturbed(name).files
    before = files(scene.start)
    restated = {False: restatements(scene.start), True: undisturbed(name).restated}
    assert len(restated[True]) == len(restated[False]) + RESTATED.get(name, 1)
    workspace, images = scene.copy(tmp_path), tmp_path / "images"
    images.mkdir()
    found = images_of(partial(scene.work, workspace), workspace, images)
    assert files(workspace) == after
    outcomes = []
    for number, image in enumerate(found[:: STRIDES[name]]):
        check_whole(image, before, after)
        if number % RERUN_EVERY == 0:
            check_readers(image)
            scene.work(image)
            assert settled(image) == after
        else:
            recover(Workspace(image))
            left = settled(image)
            check_whole(image, before, after)
            if name != "run":  # which is several commands
                assert restatements(image) == restated[left == after]
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


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables that a catalog shows."""
    found = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
    )
    return [name for (name,) in found.fetchall()]


@contextmanager
def reading(
    workspace: Path, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[list[str]]:
    """Reads everything over and over meanwhile; what it finds wrong is in the list."""
    wrong: list[str] = []
    ended = threading.Event()
    catalog = workspace / "warehouse" / "catalog.duckdb"

    def read() -> None:
        while not ended.wait(0.1):
            try:
                check_whole(workspace, before, after)
                check_readers(workspace)
                with duckdb.connect(str(catalog), read_only=True) as connection:
                    for view in views(connection):
                        connection.execute(f'SELECT count(*) FROM "{view}"')
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
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path, name: str
) -> None:
    scene, ending = scenes[name], undisturbed(name)
    before, after = files(scene.start), ending.files
    workspace = scene.copy(tmp_path)
    moments = random.Random(name)
    endings = set()
    with reading(workspace, before, after) as wrong:
        for _ in range(KILLS):
            moment = moments.uniform(0.2, 1.0) * ending.seconds
            endings.add(run_killed(partial(scene.work, workspace), moment))
            check_whole(workspace, before, after)
        scene.work(workspace)
    assert wrong == []
    assert KILLED in endings
    assert endings <= {KILLED, 0}
    assert settled(workspace) == after
    assert {path.name for path in (workspace / "warehouse").iterdir() if path.is_file()} == CATALOG


# Prefect


def test_a_run_under_prefect_that_is_killed_between_commits_is_finished_by_the_next(
    prefect_api: str, scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path
) -> None:
    scene, after = scenes["run"], undisturbed("run").files
    workspace = scene.copy(tmp_path)
    words = ["run", "--from", MONTH, "--to", MONTH, "--workspace", str(workspace)]
    words += ["--threads", "1", "--no-report"]
    committed = len(list(workspace.glob("commits/[0-9]*")))
    command = subprocess.Popen(
        [POINTBOOK, *words, "--quiet"], env=environment(PREFECT_API_URL=prefect_api)
    )
    while len(list(workspace.glob("commits/[0-9]*"))) < committed + 2:
        assert command.poll() is None
        time.sleep(0.01)
    command.kill()
    assert command.wait() == KILLED
    check_whole(workspace, files(scene.start), after)
    scene.work(workspace)
    assert settled_beside_prefect(workspace) == after


def test_a_prefect_server_that_goes_away_mid_run_costs_only_its_page(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path
) -> None:
    """The run waits for the workspace's lock, which was free before, while the server is killed."""
    workspace = scenes["points"].copy(tmp_path)
    (tmp_path / "home").mkdir()
    unseen = "from flows import main; from flows.calendar import preflight as before; "
    unseen += "before.look_ahead = lambda *_: None; main()"
    words = [
        sys.executable,
        "-c",
        unseen,
        "points",
        "--month",
        MONTH,
        "--workspace",
        str(workspace),
        "--json",
    ]
    with prefect_server(tmp_path / "home") as (url, server):
        holder, _ = hold_the_lock(workspace)
        command = subprocess.Popen(
            words,
            env=environment(PREFECT_API_URL=url, **IMPATIENT),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert command.stderr is not None
        for line in command.stderr:
            if "waiting for" in line:
                break
        server.kill()
        server.wait()
        holder.kill()
        holder.join()
        out, told = command.communicate(timeout=300)
    assert command.returncode == 0, told
    assert json.loads(out)["status"] == "done"
    warnings = [line for line in told.splitlines() if not line.endswith(" …")]
    assert len(warnings) == 1, told
    assert warnings[0].startswith("pointbook: Prefect's server went away (")
    assert settled_beside_prefect(workspace) == undisturbed("points").files


def test_a_prefect_server_that_is_not_there_is_named_in_one_line(
    scenes: Mapping[str, Scene], tmp_path: Path
) -> None:
    scene = scenes["points"]
    workspace = scene.copy(tmp_path)
    words = ("points", "--month", MONTH, "--workspace", workspace)
    ended = process(*words, PREFECT_API_URL="http://127.0.0.1:9/api", **IMPATIENT)
    told = complaint(ended, NotReady.exit_code)
    assert told.startswith("no Prefect server answers at http://127.0.0.1:9/api; ")
    assert "unset PREFECT_API_URL" in told
    assert files(workspace) == files(scene.start)


def settled_beside_prefect(workspace: Path) -> dict[str, str]:
    """What is settled, where a command line made a home for Prefect and for compiled code."""
    for name in (".prefect", ".numba"):
        shutil.rmtree(workspace / name, ignore_errors=True)
    return settled(workspace)


# What disks, operators and other commands do


def dropping_privileges() -> None:
    """Makes file modes hold for this process, also where it is root."""
    header = struct.pack("Ii", 0x20080522, 0)
    assert ctypes.CDLL(None, use_errno=True).capset(header, bytes(24)) == 0


def unprivileged(work: Callable[[], object]) -> None:
    """Does the work as someone whom modes bind."""
    if os.geteuid() == 0:
        dropping_privileges()
    work()


@pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux's")
@pytest.mark.parametrize("locked", ["", "point_lots/period=2016-12"])
def test_a_read_only_warehouse_ends_in_one_line_and_a_rerun_mends_it(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path, locked: str
) -> None:
    """Closed as a whole nothing is published; closed half-way the next command goes on."""
    scene, after = scenes["points"], undisturbed("points").files
    workspace = scene.copy(tmp_path)
    folder = workspace / "warehouse" / locked
    folder.chmod(0o500)
    try:
        ended, error = work_under("none", 1, partial(unprivileged, partial(points, workspace)))
    finally:
        folder.chmod(0o700)
    assert ended == FAILED
    assert "\n" not in error
    assert str(folder) in error
    assert "Permission denied" in error
    assert ("nothing was published" if not locked else "the next command publishes it") in error
    check_whole(workspace, files(scene.start), after)
    assert (files(workspace) == files(scene.start)) == (not locked)
    recover(Workspace(workspace))
    assert settled(workspace) == (after if locked else files(scene.start))
    points(workspace)
    assert settled(workspace) == after


@pytest.mark.parametrize("file_size", [0, 2_000])
def test_a_full_disk_ends_in_one_line_and_a_rerun_mends_it(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path, file_size: int
) -> None:
    scene, after = scenes["points"], undisturbed("points").files
    workspace = scene.copy(tmp_path)
    ended, error = work_within(file_size, partial(points, workspace))
    assert ended == FAILED
    assert error
    assert "\n" not in error
    check_whole(workspace, files(scene.start), after)
    points(workspace)
    assert settled(workspace) == after


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damaged_published_files_are_repaired_by_a_rerun(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path, damage: str
) -> None:
    scene, after = scenes["points"], undisturbed("points").files
    workspace = scene.copy(tmp_path)
    points(workspace)
    published = sorted((workspace / "warehouse").glob(f"*/period={MONTH}/*.parquet"))
    assert len(published) == 5
    for path in published:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        if damage == "cut":
            os.truncate(path, 10)
        elif damage == "flipped":
            path.write_bytes(content)
        else:
            path.unlink()
    assert files(workspace) != after
    points(workspace)
    assert settled(workspace) == after


def test_commands_at_once_take_turns_or_say_who_holds_the_workspace(
    scenes: Mapping[str, Scene], undisturbed: Undisturbed, tmp_path: Path
) -> None:
    workspace = scenes["points"].copy(tmp_path)
    before = len(list(workspace.glob("commits/*.json")))
    with ThreadPoolExecutor(3) as callers:
        calls = [
            callers.submit(work_under, "none", 1, partial(points, workspace)) for _ in range(3)
        ]
    ended = [call.result() for call in calls]
    done = [error for code, error in ended if code == MET]
    assert done
    for code, error in ended:
        if code != MET:  # a slow machine, on which ten seconds are not enough
            assert code == FAILED
            assert re.search(r"is held by points \(process \d+\); run this again", error)
    assert settled(workspace) == undisturbed("points").files
    commits = sorted(path.stem for path in workspace.glob("commits/*.json"))
    assert [int(name.split("-")[0]) for name in commits] == list(range(1, before + len(done) + 1))


def test_a_lock_that_a_dead_process_left_holds_nobody_up(
    scenes: Mapping[str, Scene], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = scenes["points"].copy(tmp_path)
    process, _ = hold_the_lock(workspace)
    process.kill()
    process.join()
    assert str(process.pid) in (workspace / ".lock").read_text(encoding="utf-8")
    with Workspace(workspace).lock("points", wait_seconds=0):
        pass
    assert capsys.readouterr().err == ""


def test_a_clock_that_jumps_changes_no_byte_and_no_order(
    scenes: Mapping[str, Scene],
    undisturbed: Undisturbed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run ids count, seconds and waits go by a clock that nobody sets."""
    workspace = scenes["points"].copy(tmp_path)
    jumps = random.Random(7)

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Jumping:
            return cls(jumps.randrange(1990, 2090), 1, 1, tzinfo=tz)

    monkeypatch.setattr("flows.publishing.run.datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: jumps.uniform(0, 4e9))
    manifests = [points(workspace) for _ in range(2)]
    assert settled(workspace) == undisturbed("points").files
    ids = [manifest["run_id"] for manifest in manifests]
    assert ids == sorted(ids)
    assert len({manifest["started_at"] for manifest in manifests}) == 2
    assert all(0 <= manifest["seconds"] < 600 for manifest in manifests)
    process, _ = hold_the_lock(workspace)
    begun = time.monotonic()
    with pytest.raises(RunFailed, match="is held by"), Workspace(workspace).lock("x", 0.3):
        pass
    assert 0.3 <= time.monotonic() - begun < 60
    process.kill()
    process.join()


# Files that change while they are read


@pytest.mark.parametrize(
    ("happens", "status", "why"),
    [
        ("gone_before", "rejected", "can't be opened: No such file or directory"),
        ("gone", "accepted", None),
        ("replaced", "accepted", None),
        ("cut", "rejected", "it changed while it was read; ingest again when it is complete"),
        ("rewritten", "rejected", "it changed while it was read; ingest again when it is complete"),
    ],
)
def test_a_file_that_changes_while_it_is_read_costs_itself_at_the_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: str, status: str, why: str | None
) -> None:
    """What was read as a whole is staged, whatever becomes of its name; nothing half is."""
    workspace = tmp_path / "workspace"
    land_points(workspace, {"promotions": [{}]})
    second = {"promotion_credit_id": "P2", "customer_id": "B"}
    path = land(workspace, "promotions", [PROMOTION | second] * 1, "second.csv")
    other = land(workspace / "aside", "promotions", [PROMOTION | second | {"points": 7}])
    mischief: dict[str, Callable[[], object]] = {
        "gone_before": path.unlink,
        "gone": path.unlink,
        "replaced": lambda: other.replace(path),
        "cut": lambda: os.truncate(path, 20),
        "rewritten": lambda: path.write_bytes(path.read_bytes()[:-3] + b"9\n\n"),
    }
    where = (
        "flows.deliveries.intake.Container.of"
        if happens == "gone_before"
        else "flows.deliveries.intake.survey"
    )
    module, name = where.rsplit(".", 1)
    owner = pkgutil.resolve_name(module.replace(".Container", ":Container"))
    looking = getattr(owner, name)

    def meddling(given: Any, *more: Any) -> Any:
        found = looking(given, *more)
        name = os.readlink(f"/proc/self/fd/{given.fileno()}") if more else str(given)
        if Path(name).name == path.name and path.exists():
            mischief[happens]()
        return found

    monkeypatch.setattr(owner, name, meddling)
    reports = {file["file"]: file for file in stage(workspace)["files"]}
    monkeypatch.undo()
    monkeypatch.setenv("POINTBOOK_PII_KEY", "a key for the tests")
    assert reports["rows.csv"]["status"] == "accepted"
    assert (reports["second.csv"]["status"], reports["second.csv"]["reason"]) == (status, why)
    rows = [row["promotion_credit_id"] for row in staged(workspace, "promotions")]
    assert rows == (["P1", "P2"] if status == "accepted" else ["P1"])
    again = {file["file"]: file["status"] for file in stage(workspace)["files"]}
    assert again["rows.csv"] == "known"
    settled(workspace)
