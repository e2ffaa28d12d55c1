"""CONTRIBUTING.md's steps, walked with its own snippets in a copy of the tree."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.commands_in_tests import run_commands
from tests.membership import customer, land, line, months, options, stage

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MONTHLY: Final = {"near": 18_500, "white": 25_000, "six_years": 60_000}
"""What each customer pays a month, in both years."""
TIERS: Final = "tier_snapshot"
MOST_LINES: Final = 80
"""Of a yearly table with its command."""


def snippets(section: str) -> list[str]:
    """The fenced blocks of a section of the page, without the list's indentation."""
    text = re.split(rf"^## {re.escape(section)}$", PAGE, flags=re.MULTILINE)[1]
    text = text.split("\n## ")[0]
    blocks = re.findall(r"^   ```\w+\n(.*?)^   ```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub("^   ", "", block, flags=re.MULTILINE) for block in blocks]


@dataclass(frozen=True)
class Checkout:
    """A copy of the tree with a workspace of its own."""

    root: Path
    settings: dict[str, str]

    @property
    def workspace(self) -> Path:
        return self.root / "data" / "workspace"

    def edit(self, file: str, old: str, new: str) -> None:
        """Replaces a text that occurs once in a file."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def pointbook(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs the copy's own command line."""
        return self.python("from flows.cli import main; main()", *words)

    def python(self, code: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs code of the copy."""
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=self.root,
            env=os.environ | self.settings | {"PYTHONPATH": str(self.root)},
            capture_output=True,
            text=True,
            timeout=300,
        )

    def manifest(self, *words: str) -> dict[str, Any]:
        """What a command tells as JSON; it must succeed."""
        done = self.pointbook(*words, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def rows(self, year: int, table: str = TIERS) -> list[dict[str, Any]]:
        """The published rows of a membership year, as their file holds them."""
        (path,) = (self.workspace / "warehouse" / table / f"membership_year={year}").iterdir()
        found: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
        return found

    def states(self) -> dict[str, str]:
        """Whether the published tiers of each year are current, as `status` has it."""
        published = self.manifest("status")["published"]
        return {row["period"]: row["state"] for row in published if row["table"] == TIERS}


def moves(manifest: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Who would move by a dry run of `tiers`: tier before, after, customers."""
    return [(row["value_before"], row["value_after"], row["moved"]) for row in manifest["levels"]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the tiers of 2018 and 2019, to be copied."""
    workspace = tmp_path_factory.mktemp("published") / "workspace"
    joined = {"six_years": "2012-11-01"}
    people = [customer(name, joined_on=joined.get(name, "2015-01-01")) for name in MONTHLY]
    land(workspace, "customers", people)
    bills = [
        line(f"{name}-base", name, month, amount)
        for name, amount in MONTHLY.items()
        for month in months("2016-11", "2018-10")
    ]
    land(workspace, "billing", bills)
    stage(workspace)
    run_commands(options(workspace), ["tiers 2018", "tiers 2019"])
    return workspace


@pytest.fixture
def checkout(tmp_path: Path, published: Path) -> Checkout:
    root = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__", "demo", "workspace", "sample")
    for folder in ("flows", "transforms", "schemas", "data"):
        inner = ignored if folder == "data" else shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=inner)
    shutil.copytree(published, root / "data" / "workspace")
    return Checkout(root, {"POINTBOOK_PREFECT": "false", "POINTBOOK_WORKSPACE": ""})


def test_a_number_of_a_rule(checkout: Checkout) -> None:
    (rows,) = snippets("A number of a rule")
    before, _ = rows.split("  - tier: white\n")[1:]
    shipped = "  - tier: white\n" + before.replace("valid_to: 2018-11-01", "valid_to: null")
    checkout.edit("data/policies/as_announced/tier_thresholds.yaml", shipped, rows)

    assert checkout.states() == {"2018": "current", "2019": "stale"}
    assert moves(checkout.manifest("tiers", "--year", "2019", "--dry-run")) == [
        ("white", "general", 1)
    ]
    checkout.manifest("tiers", "--year", "2019")
    tiers = {row["customer_id"]: row["tier"] for row in checkout.rows(2019)}
    assert tiers == {"near": "general", "white": "white", "six_years": "vip"}


def test_a_rule_in_sql(checkout: Checkout) -> None:
    old, new = snippets("A rule in SQL")
    checkout.edit("transforms/membership/tier_snapshot.sql", old, new)
    tiers = ("tiers", "--year", "2019", "--dry-run")

    failed = checkout.pointbook(*tiers)

    assert failed.returncode == 1
    assert "nothing was published; see " in failed.stderr
    audit = "tier_snapshot__tiers_follow_policy.sql"
    assert audit in failed.stderr
    condition = "tier_snapshot.tenure_years {} upgrades.tenure_years"
    checkout.edit(f"transforms/audits/{audit}", condition.format(">="), condition.format(">"))
    assert moves(checkout.manifest(*tiers)) == [("vip", "gold", 1)]
    assert checkout.states() == {"2018": "stale", "2019": "stale"}


def test_a_column_of_a_table(checkout: Checkout) -> None:
    declaration, sql = snippets("A column of a table")
    anchor = '        "fee_tier": _tier("Tier by annual_fee alone (T4)"),\n'
    checkout.edit("schemas/tables.py", anchor, declaration + anchor)
    anchor = "    CAST(tiers.fee_tier AS VARCHAR) AS fee_tier,\n"
    checkout.edit("transforms/membership/tier_snapshot.sql", anchor, sql + anchor)

    checkout.manifest("tiers", "--year", "2018")

    assert {row["customer_id"]: row["monthly_fee"] for row in checkout.rows(2018)} == MONTHLY
    assert checkout.states() == {"2018": "current", "2019": "stale"}
    catalog = checkout.workspace / "warehouse" / "catalog.duckdb"
    with duckdb.connect(str(catalog), read_only=True) as connection:
        found = connection.sql(f"SELECT DISTINCT membership_year, monthly_fee FROM {TIERS}")
        values = set(found.fetchall())
    assert values == {(2019, None), *((2018, fee) for fee in MONTHLY.values())}


def test_a_table_of_a_command_and_its_policy(checkout: Checkout) -> None:
    sql, declaration, tables, audit = snippets("A table of a command")
    table = checkout.root / "transforms/membership/tier_distances.sql"
    table.write_text(sql, encoding="utf-8")
    claim = "tier_distances__none_of_the_highest_tier"
    (checkout.root / f"transforms/audits/{claim}.sql").write_text(audit, encoding="utf-8")
    anchor = "_DECLARED: Final = "
    checkout.edit("schemas/tables.py", anchor, f"{declaration}\n{anchor}")
    shipped = '    tables=("tier_snapshot", "tier_exceptions", "tier_moves", "tier_bands"),\n'
    checkout.edit("flows/commands/tiers.py", shipped, tables)
    tiers = ("tiers", "--year", "2019")

    made = checkout.manifest(*tiers)

    assert claim in made["audits"]
    lacks = {row["customer_id"]: row["missing"] for row in checkout.rows(2019, "tier_distances")}
    assert lacks == {"near": 178_000, "six_years": 280_000, "white": 100_000}
    assert checkout.manifest("verify", "--table", "tier_distances")["wrong"] is None

    shape, file, header, join = snippets("A policy")
    anchor = "\nPOLICIES: Final = "
    checkout.edit("schemas/policy.py", anchor, f"{shape}\n{anchor}")
    for folder in ("as_announced", "as_happened"):
        policy = checkout.root / f"data/policies/{folder}/tier_distance.yaml"
        policy.write_text(file, encoding="utf-8")
    of_table = table.relative_to(checkout.root).as_posix()
    begin, end = sql.index("-- inputs"), sql.index("-- rules")
    checkout.edit(of_table, sql[begin:end], header)
    anchor = "GROUP BY tier_snapshot.customer_id"
    checkout.edit(of_table, anchor, join + anchor)
    assert checkout.states()["2019"] == "stale"
    checkout.manifest(*tiers)
    assert checkout.rows(2019, "tier_distances") == [{"customer_id": "white", "missing": 100_000}]
    path = "data/policies/as_announced/tier_distance.yaml"
    checkout.edit(path, "greatest: 100000", "greatest: 99999")
    checkout.manifest(*tiers)
    assert checkout.rows(2019, "tier_distances") == []


GAP = ("--allow-missing-months",)
"""No bill of the month that is run was delivered."""


def test_a_yearly_table_with_its_command(checkout: Checkout) -> None:
    texts = sql, declaration, command, hour = snippets("A yearly table with its command")
    files = ("transforms/membership/tier_summary.sql", "flows/commands/summary.py")
    for file, text in zip(files, (sql, command), strict=True):
        (checkout.root / file).write_text(text, encoding="utf-8")
    anchor = "_DECLARED: Final = "
    checkout.edit("schemas/tables.py", anchor, f"{declaration}\n{anchor}")
    for folder in ("as_announced", "as_happened"):
        with (checkout.root / f"data/policies/{folder}/schedules.yaml").open("a") as schedules:
            schedules.write(hour)
    assert sum(len(text.splitlines()) for text in texts) <= MOST_LINES

    plan = checkout.manifest("run", "--from", "2018-11", "--to", "2018-11", *GAP, "--dry-run")
    assert [(step["command"], step["action"]) for step in plan["steps"]][:2] == [
        ("tiers", "keep"),
        ("summary", "run"),
    ]
    ran = checkout.manifest("run", "--from", "2018-11", "--to", "2018-11", "--no-report", *GAP)
    assert ran["runs"][0]["tiers"] == [
        {"tier": "vip", "customers": 1, "annual_fee": 720_000},
        {"tier": "white", "customers": 2, "annual_fee": 522_000},
    ]
    again = checkout.pointbook("summary", "--year", "2019", "--dry-run").stdout
    assert "Customers and fees by tier, 2019" in again
    assert "nothing that is published would change" in again
    status = checkout.manifest("status")
    states = {(row["table"], row["period"]): row["state"] for row in status["published"]}
    assert states["tier_summary", "2019"] == "current"
    assert "pointbook summary --year 2018" in {item["command"] for item in status["missing"]}
    served = [each["command"] for each in checkout.manifest("serve", "--dry-run")["deployments"]]
    assert served[:4] == ["ingest", "run", "tiers", "summary"]
    assert checkout.manifest("verify", "--table", "tier_summary")["wrong"] is None
    deployed = "from flows.publishing.options import Options as O; "
    deployed += "from flows.prefect_flows.deployments import deployed_flow as of; "
    deployed += "print(of('summary', O()).name)"
    assert checkout.python(deployed).stdout == "summary\n"


def test_an_export(checkout: Checkout) -> None:
    (declaration,) = snippets("An export")
    anchor = "EXPORTS: Final = "
    checkout.edit("schemas/exports.py", anchor, f"{declaration}\n{anchor}")
    land(
        checkout.workspace,
        "coupons",
        [
            {"쿠폰번호": "c1", "고객번호": "white", "발행일": "2018.03.01", "금액": "₩5,000"},
            {"쿠폰번호": "c2", "고객번호": "white", "발행일": "20180401", "금액": "0"},
        ],
    )

    found = checkout.manifest("ingest", "coupons")

    (file,) = found["files"]
    assert file["rows"]["accepted"] == 1
    assert file["reasons"] == {"worth:range": 1}
    (path,) = (checkout.workspace / "staged" / "coupons").rglob("*.parquet")
    (row,) = pq.ParquetFile(path).read().to_pylist()
    assert (row["coupon_id"], row["worth"], row["used"]) == ("c1", 5_000, False)
