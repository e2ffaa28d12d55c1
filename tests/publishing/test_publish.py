"""Publishing is all or nothing, whoever dies when (Q1, Q2)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.console.errors import NotReady, RunFailed
from flows.publishing.commit import CommitRecord, Entry, Publication, State, next_run_id, recover
from flows.publishing.options import Options
from flows.publishing.run import Run, in_turn
from flows.publishing.workspace import Workspace
from tests.faults import NEW, OLD, TABLE, UNLISTED, hold_the_lock, publish, publish_with, target

KILLED = -9
LIMIT = 200
"""More changes of the disk than a run makes."""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A workspace in which OLD is published."""
    root = tmp_path / "workspace"
    publish(root, OLD)
    return root


def amounts(root: Path) -> dict[str, int]:
    """What is in place, by year."""
    found = {}
    for path in sorted((root / "warehouse" / TABLE.name).glob("*/*.parquet")):
        found[path.parent.name.partition("=")[2]] = pq.ParquetFile(path).read()["amount"][0].as_py()
    return found


def committed_amounts(root: Path) -> dict[str, int]:
    """What is committed, by year; asserts that the files are the ones committed."""
    state = State.of(Workspace(root))
    for path in state.files(UNLISTED).values():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == state.entry(path).sha256
    files = state.files(UNLISTED).items()
    return {year: pq.ParquetFile(path).read()["amount"][0].as_py() for year, path in files}


def kept_amounts(root: Path) -> dict[str, dict[str, int]]:
    """What is kept of what was replaced, by year and by the run that had published it."""
    found: dict[str, dict[str, int]] = {}
    for path in sorted((root / "versions").rglob("*.parquet")):
        amount = pq.ParquetFile(path).read()["amount"][0].as_py()
        found.setdefault(path.parent.name.partition("=")[2], {})[path.stem] = amount
    return found


def strays(root: Path) -> list[Path]:
    """What a command wrote for itself and left."""
    hidden = (path for path in root.rglob(".*") if path.name != ".lock")
    return [*hidden, *root.glob("work")]


def bytes_published(root: Path) -> dict[str, bytes]:
    files = (root / "warehouse" / TABLE.name).rglob("*.*")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def check_readers(root: Path) -> None:
    """Other readers open the table's folder at any moment."""
    folder = root / "warehouse" / TABLE.name
    assert len(pl.read_parquet(folder)) == len(pd.read_parquet(folder)) == len(amounts(root))


def under_faults(kind: str, published: Path, tmp_path: Path) -> Iterator[tuple[int, str, Path]]:
    """A run of NEW over OLD for each k at which a fault can strike, in a workspace of its own."""
    for at in range(1, LIMIT):
        root = tmp_path / f"{kind}-{at}"
        shutil.copytree(published, root)
        exit_code, error = publish_with(kind, at, root)
        if exit_code == 0:
            assert at > 20, "the faults reach no step of publishing"
            return
        yield exit_code, error, root
        shutil.rmtree(root)
    pytest.fail("a run changes the disk more often than expected")


def check_old_or_new(root: Path) -> None:
    """Every file is whole, and the next command finds the one commit or the other.

    A manifest says done exactly where its run's commit stands.
    """
    for year, amount in amounts(root).items():
        assert amount in (OLD.get(year), NEW[year])
    check_readers(root)
    recover(Workspace(root))
    assert committed_amounts(root) in (OLD, NEW)
    assert amounts(root) == committed_amounts(root)
    replaced = {year: {"000001-tiers": OLD[year]} for year in OLD if OLD[year] != NEW[year]}
    assert kept_amounts(root) == (replaced if committed_amounts(root) == NEW else {})
    assert strays(root) == []
    state = State.of(Workspace(root))
    for path in (root / "runs").glob("*/manifest.json"):
        content = path.read_bytes()
        assert json.loads(content)["status"] == ("done" if state.has(path) else "failed")
        if state.has(path):
            assert hashlib.sha256(content).hexdigest() == state.entry(path).sha256


def test_a_kill_at_any_step_leaves_old_or_new_and_a_rerun_gives_the_same_bytes(
    published: Path, tmp_path: Path
) -> None:
    undisturbed = tmp_path / "undisturbed"
    publish(undisturbed, NEW)
    outcomes = set()
    for exit_code, _, root in under_faults("kill", published, tmp_path):
        assert exit_code == KILLED
        check_old_or_new(root)
        outcomes.add(committed_amounts(root) == NEW)
        publish(root, NEW)
        assert bytes_published(root) == bytes_published(undisturbed)
        assert committed_amounts(root) == NEW
        assert strays(root) == []
    assert outcomes == {False, True}


@pytest.mark.parametrize("kind", ["full", "broken"])
def test_a_full_or_failing_disk_ends_in_one_line_and_leaves_old_or_new(
    kind: str, published: Path, tmp_path: Path
) -> None:
    for exit_code, error, root in under_faults(kind, published, tmp_path):
        assert exit_code in (3, 4)
        if exit_code == 4:
            assert error
            assert "\n" not in error
        if "nothing was published" in error:
            assert amounts(root) == OLD
        check_old_or_new(root)
        if "nothing was published" in error:
            assert committed_amounts(root) == OLD
        else:
            assert committed_amounts(root) == NEW


def test_a_rerun_touches_no_file_that_stays_the_same(published: Path) -> None:
    before = {path: path.stat() for path in published.rglob("*.parquet")}
    publish(published, NEW)
    kept = target(published, "2017")
    assert kept.stat().st_mtime_ns == before[kept].st_mtime_ns
    assert kept.stat().st_ino == before[kept].st_ino
    assert target(published, "2016").stat().st_ino != before[target(published, "2016")].st_ino


def test_a_published_file_that_somebody_changed_is_written_again(published: Path) -> None:
    target(published, "2016").write_bytes(b"changed by hand")
    publish(published, OLD)
    assert amounts(published) == OLD


def test_versions_beyond_those_to_keep_go_oldest_first(published: Path) -> None:
    for run in range(2, 6):
        publish(published, {"2016": run})
    assert kept_amounts(published)["2016"] == {f"{run:06d}-tiers": run for run in (2, 3, 4)}


def test_a_file_system_without_links_keeps_a_copy(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    publish(published, NEW)
    assert kept_amounts(published)["2016"] == {"000001-tiers": OLD["2016"]}
    assert strays(published) == []


def test_readers_see_no_half_written_file_while_a_run_writes(published: Path) -> None:
    with Run(Options(workspace=published), "tiers", {}) as run:
        for year in ("2016", "2020"):
            run.temporary(target(published, year)).write_bytes(b"PAR1 half")
        check_readers(published)
        assert amounts(published) == OLD


def test_a_failed_run_leaves_a_manifest_with_its_error_and_nothing_else(published: Path) -> None:
    def fail() -> None:
        with Run(Options(workspace=published), "tiers", {"year": 2016}) as run:
            run.temporary(target(published, "2016")).write_bytes(b"half")
            raise RunFailed("audit found 1 row; nothing was published")

    with pytest.raises(RunFailed):
        fail()
    manifest = json.loads((published / "runs" / "000002-tiers" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert manifest["error"] == "audit found 1 row; nothing was published"
    assert manifest["parameters"] == {"year": 2016}
    assert amounts(published) == OLD
    assert strays(published) == []


def test_a_lost_file_of_an_unfinished_commit_is_named_with_what_to_do(published: Path) -> None:
    workspace = Workspace(published)
    publication = Publication(workspace, "000002-tiers", "tiers")
    path = target(published, "2016")
    aside = publication.temporary(path)
    aside.write_bytes(b"new")
    entry = publication.replace(aside, path, table=UNLISTED, period="2016", rows=1)
    record = CommitRecord(
        run_id="000002-tiers",
        command="tiers",
        files=[entry],
        asides={entry.path: aside.relative_to(published).as_posix()},
    )
    pending = workspace.commits / ".pending-000002-tiers.json"
    pending.write_text(record.model_dump_json())
    aside.unlink()
    with pytest.raises(RunFailed) as raised:
        recover(workspace)
    assert "part-0.parquet is missing from the unfinished run 000002-tiers" in str(raised.value)
    assert f"remove {pending}" in str(raised.value)
    pending.unlink()
    publish(published, NEW)
    assert committed_amounts(published) == NEW


def test_what_operators_landed_is_never_touched(published: Path) -> None:
    theirs = published / "landing" / ".aside" / "billing.csv"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    publish(published, NEW)
    assert theirs.exists()


def write(path: Path, columns: Mapping[str, Any]) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_a_columns_digest_changes_with_that_column_alone(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    before = {"id": ["a", "b", "c"], "phone": ["1", "2", "3"], "fee": [1, 2, 3]}
    after = before | {"phone": ["1", "2", "+82 2 3"]}
    digests = []
    for run_id, columns in (("000001-ingest", before), ("000002-ingest", after)):
        publication = Publication(workspace, run_id, "ingest")
        path = workspace.staged / "customers" / "part-0.parquet"
        aside = write(publication.temporary(path), columns)
        digests.append(publication.replace(aside, path).column_digests)
    changed = [name for name in before if digests[0][name] != digests[1][name]]
    assert changed == ["phone"]


def test_run_ids_count_on_where_manifests_were_thrown_away(published: Path) -> None:
    workspace = Workspace(published)
    assert next_run_id(workspace, "grants") == "000002-grants"
    shutil.rmtree(workspace.runs)
    assert next_run_id(workspace, "grants") == "000002-grants"


def test_the_latest_commit_of_a_period_is_the_current_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.commits.mkdir(parents=True)
    path = target(tmp_path, "2016").relative_to(tmp_path).as_posix()
    for number in range(1, 1001):
        entry = Entry(path=path, sha256=str(number), size=1, table=UNLISTED, period="2016")
        record = CommitRecord(run_id=f"{number:06d}-tiers", command="tiers", files=[entry])
        (workspace.commits / f"{record.run_id}.json").write_text(record.model_dump_json())
    state = State.of(workspace)
    assert state.entry(target(tmp_path, "2016")).sha256 == "1000"
    assert state.files(UNLISTED) == {"2016": target(tmp_path, "2016")}


def test_a_second_command_waits_then_names_the_one_that_holds_the_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process, _ = hold_the_lock(tmp_path)
    workspace = Workspace(tmp_path)
    with pytest.raises(RunFailed) as raised, workspace.lock("tiers", wait_seconds=0.3):
        pass
    assert f"held by ingest (process {process.pid}); run this again" in str(raised.value)
    assert f"waiting for ingest (process {process.pid})" in capsys.readouterr().err
    process.kill()
    process.join()
    with workspace.lock("tiers", wait_seconds=0):
        assert f"tiers (process {os.getpid()})" in (tmp_path / ".lock").read_text()


def test_runs_in_turn_share_a_session_until_one_fails(tmp_path: Path) -> None:
    engines = []
    with in_turn(Options(workspace=tmp_path)) as options:
        for fails in (False, True, False):
            outcome = pytest.raises(NotReady) if fails else nullcontext()
            with outcome, Run(options, "tiers", {}) as run, run.engine() as engine:
                engines.append(engine)
                with run.engine() as within:
                    assert within is not engine
                if fails:
                    raise NotReady("no deliveries")
    first, second, third = engines
    assert first is second is not third
