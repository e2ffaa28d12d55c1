"""`retention` lists what is kept too long, removes it when asked, and leaves a tombstone."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from flows.calendar.status import workspace_status
from flows.console.errors import RunFailed
from flows.console.zone import KOREA
from flows.deliveries.ingest import ingest
from flows.proofs.retention import retain
from flows.proofs.verify import verify
from flows.publishing.catalog import build_catalog
from flows.publishing.commit import recover
from flows.publishing.workspace import Workspace
from schemas.periods import months_before
from tests.commands_in_tests import run_calendar, run_command
from tests.faults import images_of
from tests.forks import command_line
from tests.membership import data_hashes, land, options, stage
from tests.points import PURCHASE, customer, land_points
from tests.support import staged

Row = dict[str, Any]

LONG_AGO: Final = date(2001, 1, 1)
TODAY: Final = datetime.now(KOREA).date()
SOON: Final = months_before(TODAY, -13)
"""A year and a month from now: quarantine is too old then, and nothing else that runs made."""
LATER: Final = months_before(TODAY, -61)
PROVEN: Final = 10
"""One moment of a kill in so many is proven in full."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A month closed twice, a failed run, a refused row, and a customer who left years ago."""
    workspace = tmp_path_factory.mktemp("kept") / "workspace"
    gone = {"customer_id": "B", "terminated_on": "2016-12-31"}
    land_points(
        workspace,
        {
            "customers": [{}, gone],
            "promotions": [{"refundable": "true"}, {"customer_id": "B"}],
            "refunds": [{"points": 500}],
        },
    )
    land(workspace, "purchases", [{"purchase_id": "bad"} | PURCHASE | {"amount": "x"}], "bad.csv")
    stage(workspace)
    run_command(options(workspace), "points 2016-03")
    with pytest.raises(RunFailed):
        _fail(workspace)
    land(workspace, "purchases", [{"purchase_id": "late"} | PURCHASE], "late.csv")
    land(workspace, "customers", [customer(**gone, updated_at="2021-01-01 00:00:00")], "b.csv")
    stage(workspace)
    run_command(options(workspace), "points 2016-03")
    return workspace


def _fail(workspace: Path) -> None:
    from flows.publishing.run import Run

    with Run(options(workspace), "points", {"month": "2016-03"}):
        raise RunFailed("no reason")


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "workspace"))


def listed(workspace: Path, on: date, *, remove: bool = False) -> dict[str, Row]:
    found = retain(options(workspace), on, remove)
    return {row["subject"]: row for row in found["subjects"]}


def counts(workspace: Path, on: date, *, remove: bool = False) -> dict[str, int]:
    """The number of files of each subject that has any."""
    subjects = listed(workspace, on, remove=remove).items()
    return {subject: row["files"] for subject, row in subjects if row["files"]}


def published_files(workspace: Path) -> dict[str, str]:
    """The hash of every published file."""
    hashes = data_hashes(workspace).items()
    return {path: of for path, of in hashes if path.startswith("warehouse/") and "=" in path}


def test_what_is_within_its_term_is_not_listed(kept: Path) -> None:
    assert counts(kept, LONG_AGO) == {}
    before_term = months_before(date(2016, 3, 31), -60)
    assert counts(kept, before_term) == {}
    assert counts(kept, before_term + timedelta(days=1)) == {"refund_applications": 1}
    assert listed(kept, SOON)["quarantine"]["oldest"] == TODAY.isoformat()


def test_it_lists_by_subject_and_changes_nothing(kept: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*")}
    found = counts(kept, LATER)
    assert found.pop("versions", 1) >= 1
    assert found == {"quarantine": 1, "runs": 2, "refund_applications": 1, "customers": 2}
    assert listed(kept, LATER)["customers"]["rows"] == 2
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*")} == before


def test_removal_leaves_tombstones_and_what_is_published_and_proves_it(copy: Path) -> None:
    quarantined = next(copy.glob("quarantine/purchases/*.parquet"))
    size = quarantined.stat().st_size
    before = published_files(copy)
    manifest = retain(options(copy), LATER, remove=True)
    assert manifest["removed"] is True
    (tomb,) = [stone for stone in manifest["tombstones"] if stone["subject"] == "quarantine"]
    assert tomb["path"] == quarantined.relative_to(copy).as_posix()
    assert (tomb["size"], tomb["rows"], tomb["months"]) == (size, 1, 12)
    record = json.loads((copy / "commits" / f"{manifest['run_id']}.json").read_bytes())
    assert record["removed"] == manifest["tombstones"]
    for stone in manifest["tombstones"]:
        assert not (copy / stone["path"]).exists()
        assert (copy / stone["path"]).parts[-2] != "runs"
    runs = {path.name for path in (copy / "runs").iterdir()}
    assert "000002-points" not in runs
    assert "000003-points" not in runs
    assert published_files(copy) == before
    assert verify(options(copy))["wrong"] is None
    assert counts(copy, LATER) == {}
    again = retain(options(copy), LATER, remove=True)
    assert again["status"] == "dry_run"


def test_several_files_of_quarantine_go_at_once(copy: Path) -> None:
    worse = {"purchase_id": "worse"} | PURCHASE | {"amount": "y"}
    land(copy, "purchases", [worse], "worse.csv")
    stage(copy)
    assert len(list(copy.glob("quarantine/purchases/*.parquet"))) == 2
    assert counts(copy, LATER, remove=True)["quarantine"] == 2
    assert not list(copy.glob("quarantine/purchases/*.parquet"))
    assert counts(copy, LATER) == {}


def test_a_month_whose_hashes_went_is_current_and_passed_by(copy: Path) -> None:
    retain(options(copy), LATER, remove=True)
    manifest = run_calendar(options(copy), "2016-03", "2016-03")
    assert "points 2016-03" in manifest["current"]
    forced = run_calendar(options(copy), "2016-03", "2016-03", force=True)
    reasons = {row["command"]: row["reason"] for row in forced["skipped"]}
    assert "retention removed the hashes" in reasons["pointbook points --month 2016-03"]


def test_personal_hashes_go_and_their_rows_stay_and_nothing_becomes_stale(copy: Path) -> None:
    before = {name: staged(copy, name) for name in ("customers", "refund_applications")}
    retain(options(copy), LATER, remove=True)
    for name, rows in before.items():
        now = staged(copy, name)
        for old, new in zip(rows, now, strict=True):
            forgotten = name == "refund_applications" or old["customer_id"] == "B"
            hashes = {"contact": None, "address": None} if forgotten else {}
            assert new == old | hashes
    assert any(row["contact"] for row in staged(copy, "customers"))
    (replaced,) = staged(copy, "customers_history")
    assert (replaced["contact"], replaced["customer_id"]) == (None, "B")
    states = {row["state"] for row in workspace_status(options(copy))["published"]}
    assert states == {"current"}
    with pytest.raises(RunFailed, match=r"points 2016-03 can't be closed again: retention"):
        run_command(options(copy), "points 2016-03")
    assert verify(options(copy))["wrong"] is None


def test_a_file_without_its_tombstone_is_missing(copy: Path) -> None:
    quarantined = next(copy.glob("quarantine/purchases/*.parquet"))
    quarantined.unlink()
    assert str(verify(options(copy))["wrong"]).startswith(f"{quarantined}: missing")


def test_a_tombstoned_file_that_is_there_again_is_found(copy: Path) -> None:
    quarantined = next(copy.glob("quarantine/purchases/*.parquet"))
    content = quarantined.read_bytes()
    retain(options(copy), SOON, remove=True)
    quarantined.parent.mkdir(exist_ok=True)
    quarantined.write_bytes(content)
    assert "no commit names this file" in str(verify(options(copy))["wrong"])


def test_what_was_removed_is_not_delivered_again(copy: Path) -> None:
    retain(options(copy), LATER, remove=True)
    found = ingest(options(copy))
    assert {file["status"] for file in found["files"]} == {"known"}
    assert verify(options(copy))["wrong"] is None


def test_a_kill_at_any_moment_removes_all_or_nothing(kept: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(kept, tmp_path / "workspace"))
    removing = partial(retain, options(root), LATER, True)
    images = images_of(removing, root, tmp_path / "images")
    assert len(images) > 10
    for number, image in enumerate(images):
        recover(Workspace(image))
        build_catalog(Workspace(image))  # as the next command does
        assert len(counts(image, LATER)) in (0, len(counts(kept, LATER)))
        if number % PROVEN:
            continue
        retain(options(image), LATER, remove=True)
        assert counts(image, LATER) == {}
        wrong = verify(options(image))["wrong"]
        assert wrong is None, (image.name, wrong)


def test_the_command_takes_its_day_and_lists_or_removes(copy: Path, tmp_path: Path) -> None:
    words = ["retention", "--workspace", str(copy)]

    def call(*more: str) -> Any:
        return command_line([*words, *more], {}, tmp_path / "printed")

    assert call().returncode == 2
    assert call("--on", "2026-13-01").returncode == 2
    assert json.loads(call("--on", "2020-02-29", "--json").stdout)["on"] == "2020-02-29"
    assert "'tomorrow' is no day" in call("--on", "tomorrow").stderr
    assert "exclude each other" in call("--on", str(LATER), "--dry-run", "--remove").stderr
    done = call("--on", str(LATER))
    assert done.returncode == 0
    assert "nothing was removed; --remove does" in done.stdout
    assert "the tombstones are in runs/" in call("--on", str(LATER), "--remove").stdout
    assert "nothing is kept longer than its term" in call("--on", str(LATER)).stdout


def test_months_before_a_day() -> None:
    assert months_before(date(2020, 2, 29), 12) == date(2019, 2, 28)
    assert months_before(date(2020, 1, 31), 2) == date(2019, 11, 30)
    assert months_before(date(2019, 12, 31), -2) == date(2020, 2, 29)


def test_a_file_of_before_is_read_with_its_metadata(copy: Path) -> None:
    path = copy / "staged" / "customers" / "part-0.parquet"
    before = pq.ParquetFile(path).schema_arrow
    retain(options(copy), LATER, remove=True)
    assert pq.ParquetFile(path).schema_arrow.equals(before, check_metadata=True)
