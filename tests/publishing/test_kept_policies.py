"""What a run decided by stays readable: the policy texts it used, the deliveries it had seen."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from flows.proofs.retention import retain
from flows.proofs.verify import verify
from flows.publishing.commit import commit_records
from flows.publishing.kept_policies import kept_policies
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.workspace import Workspace
from schemas.policy import POLICIES
from tests.commands_in_tests import run_command
from tests.membership import land, line, options, published, stage
from tests.policy_folders import replaced_policies
from transforms.policies.policy import NotInForce, Policies

LATER: Final = date(2100, 1, 1)
"""When all that a run leaves is too old."""


def manifests(workspace: Path) -> dict[str, dict[str, Any]]:
    found = sorted((workspace / "runs").glob("[0-9]*/manifest.json"))
    return {path.parent.name: json.loads(path.read_bytes()) for path in found}


def digests(workspace: Path) -> list[str]:
    """The digests under which texts are kept."""
    return sorted(path.name for path in (workspace / "policies").iterdir())


@pytest.fixture
def workspace(telecom: Path, tmp_path: Path) -> Path:
    """The small telecom, published under the shipped policies."""
    return Path(shutil.copytree(telecom, tmp_path / "workspace"))


def gold_from(fee: int, folder: Path) -> Path:
    """A policy folder under which gold begins with a fee; it gives other sources."""
    starts = {"general": 0, "white": 200_000, "silver": 400_000, "gold": fee, "vip": 1_000_000}
    rows = [{"tier": tier, "from_fee": fee} for tier, fee in starts.items()]
    return replaced_policies({"tier_thresholds": rows}, folder)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A policy folder under which gold begins higher."""
    return gold_from(700_000, tmp_path)


def test_the_first_run_commits_the_texts_it_used_and_no_other_does(workspace: Path) -> None:
    shipped = Policies.load(SHIPPED).digest
    assert digests(workspace) == [shipped]
    kept = {path.name: path.read_bytes() for path in (workspace / "policies" / shipped).iterdir()}
    assert kept == {f"{name}.yaml": (SHIPPED / f"{name}.yaml").read_bytes() for name in POLICIES}
    by_run = [
        (record.command, [entry.path for entry in record.files if "policies/" in entry.path])
        for record in commit_records(Workspace(workspace))
    ]
    (first,) = [(command, paths) for command, paths in by_run if paths]
    assert first[0] == "tiers"
    assert len(first[1]) == len(POLICIES)


def test_each_run_names_what_it_decided_by_which_can_be_read_again(
    workspace: Path, other: Path
) -> None:
    run_command(options(workspace, policies=other), "tiers 2018")
    *_, before, after = manifests(workspace).values()
    old, new = (kept_policies(Workspace(workspace), run["policies"]) for run in (before, after))
    assert old is not None
    assert new is not None
    assert (old.digest, new.digest) == (before["policies"], after["policies"])
    gold = [
        row["from_fee"]
        for policies in (old, new)
        for row in policies.rows("tier_thresholds")
        if row["tier"] == "gold"
    ]
    assert gold == [600_000, 700_000]
    assert verify(options(workspace))["wrong"] is None


def test_a_dry_run_keeps_nothing(workspace: Path, other: Path) -> None:
    before = digests(workspace)
    run_command(options(workspace, policies=other), "tiers 2018", dry_run=True)
    assert digests(workspace) == before


def test_texts_that_were_changed_are_none_and_are_found(workspace: Path) -> None:
    (digest,) = digests(workspace)
    text = workspace / "policies" / digest / "tier_thresholds.yaml"
    text.write_bytes(text.read_bytes().replace(b"600000", b"500000"))
    assert kept_policies(Workspace(workspace), digest) is None
    assert kept_policies(Workspace(workspace), "0" * 64) is None
    assert str(text) in verify(options(workspace))["wrong"]


def test_a_text_that_no_run_used_is_found(workspace: Path) -> None:
    (digest,) = digests(workspace)
    stray = workspace / "policies" / digest / "notes.txt"
    stray.write_text("mine", encoding="utf-8")
    assert f"{stray}: no commit names this file" in verify(options(workspace))["wrong"]


def test_a_policy_that_there_was_not_yet_has_no_rows(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "older"))
    (folder / "tier_fee_bands.yaml").unlink()
    (folder / "of_long_ago.yaml").write_text("policy: of_long_ago\n", encoding="utf-8")
    found = Policies.kept(folder)
    assert found.rows("tier_fee_bands") == []
    with pytest.raises(NotInForce):
        found.in_force("tier_fee_bands", date(2017, 1, 1))
    assert found.rows("tier_thresholds") == Policies.load(SHIPPED).rows("tier_thresholds")


def test_a_run_names_the_last_delivery_it_had_seen(tmp_path: Path) -> None:
    workspace = published(tmp_path / "workspace")
    assert {run.get("deliveries_through") for run in manifests(workspace).values()} == {None, 1}
    land(workspace, "billing", [line("late", "white", "2017-10", 1)], "late.csv")
    stage(workspace)
    assert run_command(options(workspace), "tiers 2018")["deliveries_through"] == 2


def test_retention_removes_texts_with_the_last_manifest_that_names_them(
    workspace: Path, other: Path, tmp_path: Path
) -> None:
    (shipped,) = digests(workspace)
    same = gold_from(600_000, tmp_path / "same")
    for policies in (same, other, SHIPPED):
        run_command(options(workspace, policies=policies), "tiers 2018")
    assert len(digests(workspace)) == 3
    retain(options(workspace), LATER, remove=True)
    # the run that changed something is named by its restatements, the one that did not by nothing
    assert digests(workspace) == sorted([shipped, Policies.load(other).digest])
    assert verify(options(workspace))["wrong"] is None
    run_command(options(workspace, policies=same), "tiers 2018")
    assert len(digests(workspace)) == 3
