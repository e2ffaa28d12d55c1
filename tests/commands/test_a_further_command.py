"""A yearly table with its command takes four files and at most 80 lines, and all else knows it.

Customers and fees by tier and year, written into a copy of the house as CONTRIBUTING.md says.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from tests.membership import land_all

HOUSE: Final = Path(__file__).parents[2]
MOST_LINES: Final = 80

SQL: Final = """\
-- purpose: Customers and fees of a membership year by tier
-- grain: one row per tier that any customer has
-- keys: tier
-- inputs: tier_snapshot(tier, annual_fee)
-- policy: none
-- rules: T3, T4, T5
SELECT
    CAST(tier_snapshot.tier AS VARCHAR) AS tier,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(tier_snapshot.annual_fee) AS BIGINT) AS annual_fee
FROM tier_snapshot
GROUP BY tier_snapshot.tier
ORDER BY tier
"""
TABLE: Final = """\
_TIER_SUMMARY = _table(
    "tier_summary",
    "Customers and fees of a membership year by tier",
    "one row per tier that any customer has",
    {
        "membership_year": _membership_year(),
        "tier": _tier("Tier of the membership year (T4, T5)"),
        "customers": column(INT64, "Its customers", checks=[at_least(1)]),
        "annual_fee": column(INT64, "Their collected amounts (T3)", unit=_KRW),
    },
    partition="membership_year",
    key=["tier"],
    headline="annual_fee",
)
"""
COMMAND: Final = '''\
"""Tier summary: customers and fees of a membership year by tier."""

from typing import Final

from flows.commands import tiers
from flows.commands.declaration import Command
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period


def _require(context: Context, year: Period) -> None:
    if not context.file_of("tier_snapshot", year):
        raise NotReady(f"summary {year} needs tiers; run `{tiers.COMMAND.line(year)}` first")


COMMAND: Final = Command(
    name="summary",
    place=15,
    span="year",
    help="Publish customers and fees of a membership year by tier.",
    room="membership",
    tables=("tier_summary",),
    inputs=lambda context, year: Inputs({"tier_snapshot": context.file_of("tier_snapshot", year)}),
    dates=lambda _, year: {"membership_year": year.year},
    policies=lambda *_: {},
    parts=(Part("tiers", "tier_summary", "Customers and fees by tier", key="summary"),),
    due_on=tiers.COMMAND.due_on,
    require=_require,
    calls_for=tiers.COMMAND.called_for,
    paced_by=("billing",),
)
'''
SCHEDULE: Final = """\
  - command: summary
    days_after: 0
    hour: 0
    minute: 35
    valid_from: 0001-01-01
    valid_to: null
    unit: time of Asia/Seoul
    source: "assumption: after the tiers"
"""


def built(house: Path) -> Path:
    """A copy of the house with the further command."""
    left_out = shutil.ignore_patterns("__pycache__", "demo", "workspace", "sample")
    for room in ("flows", "transforms", "schemas", "data"):
        shutil.copytree(HOUSE / room, house / room, ignore=left_out)
    (house / "transforms" / "membership" / "tier_summary.sql").write_text(SQL)
    (house / "flows" / "commands" / "summary.py").write_text(COMMAND)
    tables = house / "schemas" / "tables.py"
    text, published, rest = tables.read_text().partition("PUBLISHED: Final")
    listed = rest.replace("    _TIER_SNAPSHOT,\n", "    _TIER_SNAPSHOT,\n    _TIER_SUMMARY,\n")
    assert listed != rest
    tables.write_text(f"{text}{TABLE}\n{published}{listed}")
    for schedules in house.glob("data/policies/*/schedules.yaml"):
        schedules.write_text(schedules.read_text() + SCHEDULE)
    return house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("house"))


def call(house: Path, workspace: Path, *words: str) -> str:
    """What a command of the house prints; it has to succeed."""
    environment = {**os.environ, "PYTHONPATH": str(house), "POINTBOOK_WORKSPACE": str(workspace)}
    ended = subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *words],
        cwd=house,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_table_with_its_command_takes_few_lines() -> None:
    # the line in the list of published tables, beside the texts
    lines = sum(len(text.splitlines()) for text in (SQL, TABLE, COMMAND, SCHEDULE)) + 1
    assert lines <= MOST_LINES


def test_every_command_knows_a_further_one(house: Path, tmp_path: Path, prefect_api: str) -> None:
    workspace = land_all(tmp_path / "workspace")

    def told(*words: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(call(house, workspace, *words, "--json"))
        return found

    assert "summary" in call(house, workspace, "--help")
    assert "--year" in call(house, workspace, "summary", "--help")
    told("ingest")
    plan = told("run", "--from", "2016-11", "--to", "2016-11", "--dry-run")
    assert [step["command"] for step in plan["steps"]][:2] == ["tiers", "summary"]
    ran = told("run", "--from", "2016-11", "--to", "2016-11")
    assert [run["command"] for run in ran["runs"]][:2] == ["tiers", "summary"]
    file = workspace / "warehouse" / "tier_summary" / "membership_year=2017" / "part-0.parquet"
    rows = {row["tier"]: row["customers"] for row in pq.ParquetFile(file).read().to_pylist()}
    assert rows["vip"] >= 1
    assert sum(rows.values()) == sum(row["customers"] for row in ran["runs"][0]["tiers"])
    again = call(house, workspace, "summary", "--year", "2017")
    assert "Customers and fees by tier, 2017" in again
    assert "nothing that is published would change" in call(
        house, workspace, "summary", "--year", "2017", "--dry-run"
    )
    published = {(row["table"], row["state"]) for row in told("status")["published"]}
    assert ("tier_summary", "current") in published
    served = [each["command"] for each in told("serve", "--dry-run")["deployments"]]
    assert served.index("summary") == served.index("tiers") + 1
    assert told("verify", "--table", "tier_summary")["wrong"] is None
    restored = json.loads((workspace / "warehouse" / "datapackage.json").read_text())
    assert "tier_summary" in {resource["name"] for resource in restored["resources"]}
    deployed = "from flows.prefect_flows import deployments as d; print(d.summary.name)"
    ended = subprocess.run(
        [sys.executable, "-c", deployed],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "summary\n", ended.stderr
