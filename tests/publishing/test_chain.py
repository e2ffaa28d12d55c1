"""Commit records are chained, and commands read what was committed: damage is found first."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from flows.calendar.status import workspace_status
from flows.console.errors import ProofFailed
from flows.proofs.verify import verify
from flows.publishing.commit import HEAD, State
from flows.publishing.workspace import Workspace
from tests.commands_in_tests import run_command, run_commands
from tests.membership import bills, customers, data_hashes, land, options, stage
from tests.points import land_points

FLIPS: Final = 40
STEPS: Final = ("tiers 2018", "grants 2018")


def unchain(workspace: Path) -> None:
    """Makes the commit records those of a version that did not chain them yet."""
    for record in workspace.glob("commits/[0-9]*.json"):
        content = json.loads(record.read_bytes())
        content.pop("follows", None)
        record.write_text(json.dumps(content), encoding="utf-8")
    (workspace / "commits" / HEAD).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three commits: of an ingest, of tiers and of grants."""
    workspace = tmp_path_factory.mktemp("chain") / "workspace"
    land(workspace, "customers", customers())
    land(workspace, "billing", bills("2016-11"))
    stage(workspace)
    run_commands(options(workspace), STEPS)
    return workspace


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(published, tmp_path / "workspace"))


def records(workspace: Path) -> list[Path]:
    return sorted((workspace / "commits").iterdir())


def flip(path: Path, bit: int) -> None:
    """Turns one bit of a file over."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def told(workspace: Path) -> str:
    """What a command that publishes, one that looks, and the proof all say, in one line."""
    with pytest.raises(ProofFailed) as publishing:
        run_command(options(workspace), STEPS[0])
    with pytest.raises(ProofFailed) as looking:
        workspace_status(options(workspace))
    found = str(publishing.value)
    assert str(looking.value) == verify(options(workspace))["wrong"] == found
    assert "\n" not in found
    assert "pydantic" not in found
    return found


def swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    other.replace(one)
    other.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("damage", "named", "what"),
    [
        (lambda one, two, three, head: two.unlink(), 1, "missing, though 000003-grants follows it"),
        (lambda one, two, three, head: one.unlink(), 0, "missing, though 000002-tiers follows it"),
        (lambda one, two, three, head: three.unlink(), 3, "it names 000003-grants, which is lost"),
        (lambda one, two, three, head: swap(one, two), 0, "it is the record of 000002-tiers"),
        (lambda one, two, three, head: cut(two), 1, "not a commit record (Invalid JSON: EOF"),
        (lambda one, two, three, head: head.unlink(), 3, "missing; restore it from a backup"),
        (lambda one, two, three, head: head.write_bytes(b"0"), 3, "it names 0, which is lost or"),
    ],
)
def test_a_lost_swapped_or_cut_record_is_named_at_the_start_of_every_command(
    copy: Path, damage: Callable[..., Any], named: int, what: str
) -> None:
    paths = records(copy)
    damage(*paths)
    assert told(copy).startswith(f"{paths[named]}: {what}")


def test_no_flipped_bit_of_any_record_goes_unnoticed(published: Path, tmp_path: Path) -> None:
    drawn = random.Random(9)
    before = Path(shutil.copytree(published / "commits", tmp_path / "commits"))
    for path in records(tmp_path):
        whole = path.read_bytes()
        for _ in range(FLIPS):
            flip(path, drawn.randrange(8 * len(whole)))
            with pytest.raises(ProofFailed) as raised:
                State.of(Workspace(tmp_path))
            assert "\n" not in str(raised.value)
            path.write_bytes(whole)
    assert before.is_dir()
    State.of(Workspace(tmp_path))


def test_a_workspace_from_before_the_chain_opens_and_is_bound_by_its_next_commit(
    copy: Path, published: Path
) -> None:
    unchain(copy)
    assert verify(options(copy))["wrong"] is None
    run_command(options(copy), STEPS[1])
    assert verify(options(copy))["wrong"] is None
    assert [path.name for path in records(copy)][-2:] == ["000004-grants.json", HEAD]
    assert data_hashes(copy) == data_hashes(published)
    first = records(copy)[0]
    first.write_text(first.read_text().replace('"command": "ingest"', '"command": "insest"'))
    assert "it, or one before it, was changed after 000004-grants followed it" in told(copy)


def test_what_a_command_reads_is_what_was_committed(tmp_path: Path) -> None:
    """One bit in the middle of each file that a close reads; the close names it and stops."""
    workspace = tmp_path / "workspace"
    land_points(
        workspace,
        {"customers": [{}, {"customer_id": "B"}], "promotions": [{}], "redemptions": [{}]},
    )
    stage(workspace)
    run_command(options(workspace), "points 2016-03")
    read = {
        file["path"]
        for files in run_command(options(workspace), "points 2016-04")["inputs"].values()
        for file in files
    } | {
        file["path"]
        for files in run_command(options(workspace), "points 2016-03")["inputs"].values()
        for file in files
    }
    assert {path.split("/")[1] for path in read} >= {"promotions", "customers", "point_lots"}
    before = data_hashes(workspace)
    for path in sorted(read):
        file = workspace / path
        if file.is_relative_to(workspace / "warehouse" / "point_entries"):
            continue  # of earlier months only those are read that a cancellation goes back to
        month = "2016-03" if "2016-03" in path and "staged" in path else "2016-04"
        whole = file.read_bytes()
        flip(file, 4 * len(whole))
        with pytest.raises(ProofFailed) as raised:
            run_command(options(workspace), f"points {month}")
        assert str(raised.value).startswith(f"{file}: changed since 0000")
        file.write_bytes(whole)
    assert data_hashes(workspace) == before


def test_an_ingest_stages_nothing_beside_damaged_rows(copy: Path) -> None:
    land(
        copy,
        "customers",
        [
            {
                "customer_id": "n",
                "joined_on": "2012-01-01",
                "status": "active",
                "updated_at": "2020-01-01 00:00:00",
            }
        ],
        "more.csv",
    )
    staged = copy / "staged" / "customers" / "part-0.parquet"
    before = data_hashes(copy)
    whole = staged.read_bytes()
    flip(staged, 4 * len(whole))
    with pytest.raises(ProofFailed, match=r"customers/part-0.parquet: changed since 000001-ingest"):
        stage(copy)
    staged.write_bytes(whole)
    assert data_hashes(copy) == before
    registry = copy / "staged" / "deliveries.json"
    flip(registry, 1000)
    with pytest.raises(ProofFailed, match=r"deliveries.json: changed since 000001-ingest"):
        stage(copy)


@pytest.mark.parametrize(
    "name", ["catalog.sql", "catalog.duckdb", "datapackage.json", "dictionary.md"]
)
def test_a_damaged_catalog_is_found_and_mended(copy: Path, name: str) -> None:
    path = copy / "warehouse" / name
    path.write_bytes(path.read_bytes().replace(b"annual_fee", b"annual_fie"))
    assert (
        verify(options(copy))["wrong"]
        == f"{path}: not what the commits say; run `pointbook catalog`"
    )
    path.unlink()
    assert verify(options(copy))["wrong"].startswith(f"{path}: not what the commits say")
