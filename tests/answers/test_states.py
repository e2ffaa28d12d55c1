"""Explain where a period was opened by a cut-over, restored, or is published meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.publishing.options import Options
from flows.publishing.restore import restore
from tests.answers.test_tier import WINDOW, YEAR
from tests.answers.test_tier import workspace as assessed
from tests.commands_in_tests import run_commands
from tests.deliveries.test_opening import FIRST, opened
from tests.membership import land, line, options, stage, table_rows
from tests.questions import asked, steps

__all__ = ["assessed", "opened"]


# Opened by a cut-over


@pytest.mark.parametrize("who", ["A", "B", "C"])
def test_a_ledger_that_was_opened_begins_with_its_lots(opened: Options, who: str) -> None:
    answer = asked(opened.workspace, "points", customer=who, year="2016")
    balances = [
        row
        for row in table_rows(opened.workspace, "point_balances")
        if row["customer_id"] == who and row["period"] >= FIRST
    ]
    assert answer["checked"]
    assert answer["answer"]["opening"] == balances[0]["opening"]
    assert answer["answer"]["closing"] == balances[-1]["closing"]


def test_a_lot_of_an_older_system_is_told_from_its_opening_on(opened: Options) -> None:
    answer = asked(opened.workspace, "lot", lot="L1")
    assert answer["checked"]
    rows = table_rows(opened.workspace, "point_entries")
    entries = [row for row in rows if row["lot_id"] == "L1"]
    told = [row["inputs"]["points"] for row in steps(answer, "points_entries")]
    assert sorted(told) == sorted(row["points"] for row in entries)


@pytest.mark.parametrize("request_id", ["R1", "R2", "R3", "R4"])
def test_a_request_of_an_opened_ledger_is_answered(opened: Options, request_id: str) -> None:
    answer = asked(opened.workspace, "redemption", id=request_id)
    published = {
        row["redemption_id"]: row for row in table_rows(opened.workspace, "redemption_results")
    }[request_id]
    assert answer["checked"]
    assert answer["answer"]["reason"] == published["reason"]


# Restored, and published meanwhile


def _corrected(assessed: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(assessed, tmp_path / "copy"))
    land(copy, "billing", [line("middle", "middle", WINDOW[0], 600_000, revision=1)], "new.csv")
    stage(copy)
    return copy


def test_what_was_restored_is_told_as_it_is_published(assessed: Path, tmp_path: Path) -> None:
    copy = _corrected(assessed, tmp_path)
    run_commands(options(copy), [f"tiers {YEAR}"])
    assert asked(copy, "tier", customer="middle", year=YEAR)["answer"]["tier"] == "gold"
    restore(options(copy), "tier_snapshot", str(YEAR), "000002-tiers")
    answer = asked(copy, "tier", customer="middle", year=YEAR)
    assert answer["answer"]["tier"] == "silver"
    assert (answer["checked"], answer["now"]["tier"]) == (False, "gold")
    assert "billing" in answer["stale"]


def test_an_answer_beside_a_command_is_one_of_before_or_of_after(
    assessed: Path, tmp_path: Path
) -> None:
    copy = _corrected(assessed, tmp_path)
    code = (
        "from pathlib import Path\n"
        "from tests.commands_in_tests import run_commands\n"
        "from tests.membership import options\n"
        f"run_commands(options(Path({str(copy)!r})), ['tiers {YEAR}'])\n"
    )
    command = subprocess.Popen([sys.executable, "-c", code])
    seen = []
    while command.poll() is None:
        answer = asked(copy, "tier", customer="middle", year=YEAR)
        seen.append((answer["answer"]["tier"], answer["checked"]))
    assert command.returncode == 0
    assert asked(copy, "tier", customer="middle", year=YEAR)["answer"]["tier"] == "gold"
    assert seen
    assert set(seen) <= {("silver", False), ("gold", True)}
    assert seen == sorted(seen, key=lambda one: one[1]), "never back to what was before"
