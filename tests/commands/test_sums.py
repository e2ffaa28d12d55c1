"""Amounts near the end of 64 bits: a month adds them up exactly, a customer may be too much."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.console.errors import RunFailed
from tests.commands_in_tests import run_command
from tests.membership import land, land_all, line, options, stage

MOST = 2**63 - 1


def test_a_month_adds_up_to_more_than_64_bits_hold(tmp_path: Path) -> None:
    land_all(tmp_path)
    rows = [line(name, name, "2016-10", MOST) for name in ("rich", "richer")]
    land(tmp_path, "billing", rows, "rich.csv")
    stage(tmp_path)
    manifest = run_command(options(tmp_path), "tiers 2017")
    (month,) = [month for month in manifest["months"] if month["billing_month"] == "2016-10"]
    assert month["collected_amount"] > 2 * MOST
    assert manifest["collected"]["excepted"] > 2 * MOST


def test_a_customer_whose_sum_64_bits_do_not_hold_is_named(tmp_path: Path) -> None:
    land_all(tmp_path)
    rows = [line(f"L{n}", "rich", "2016-10", MOST) for n in range(2)]
    land(tmp_path, "billing", rows, "rich.csv")
    stage(tmp_path)
    with pytest.raises(RunFailed, match=r"hold: rich \(18,446,744,073,709,551,614 won\); correct"):
        run_command(options(tmp_path), "tiers 2017")
    assert not list((tmp_path / "warehouse").glob("tier_snapshot/*"))
