"""The command line as a process: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.calendar.demo import prepare
from flows.commands.registry import COMMANDS
from flows.console.errors import NotReady
from flows.publishing.options import POLICIES as SHIPPED
from schemas.tables import TIERS
from tests.commands_in_tests import run_calendar, run_command
from tests.forks import command_line
from tests.membership import (
    bills,
    correction,
    customer,
    customers,
    data_hashes,
    land,
    land_all,
    line,
    options,
    publish,
    stage,
)
from tests.policy_folders import replaced_policies
from tests.proofs.test_verify import forge

DONE, FAILED, USAGE, HELD_BACK, NOT_READY = range(5)
POINTBOOK: Final = str(Path(sys.executable).with_name("pointbook"))
KEY: Final = "a key for the tests"
SETTINGS: Final = {"POINTBOOK_PII_KEY": KEY, "COLUMNS": "200"}

Command = Callable[..., subprocess.CompletedProcess[str]]


def environment(**settings: str) -> dict[str, str]:
    """The test's environment, less what would lead a command elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "POINTBOOK_"))
    }
    return kept | SETTINGS | settings


@pytest.fixture
def call(tmp_path: Path) -> Command:
    """Runs the command line without Prefect, forked: for claims that are not about Prefect."""
    return lambda *words, **settings: command_line(
        [str(word) for word in words],
        environment(**{"POINTBOOK_PREFECT": "false"} | settings),
        tmp_path / "printed",
    )


def process(*words: object, **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed command."""
    return subprocess.run(
        [POINTBOOK, *map(str, words)],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.fixture(scope="session")
def pointbook(prefect_api: str) -> Command:
    """Runs the installed command against the session's Prefect server."""
    return lambda *words, **settings: process(*words, PREFECT_API_URL=prefect_api, **settings)


def complaint(ended: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """The error that a command ended with: the one line of its own on stderr."""
    assert ended.returncode == exit_code, ended.stderr
    assert "Traceback" not in ended.stderr
    told = [text for text in ended.stderr.splitlines() if not text.endswith(" …")]
    assert len(told) == 1, ended.stderr
    assert told[0].startswith("pointbook: ")
    return told[0].removeprefix("pointbook: ")


@pytest.fixture
def workspace(telecom: Path, tmp_path: Path) -> Path:
    """The small telecom, published."""
    return Path(shutil.copytree(telecom, tmp_path / "workspace"))


# Wrong usage


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["frobnicate"], 'Unknown command "frobnicate"'),
        (["tiers"], "--year"),
        (["tiers", "--year", "soon"], "soon"),
        (["tiers", "--year", "0"], "--year"),
        (["grants"], "--year"),
        (["miles", "--month", "2021-13"], "'2021-13' is no month; write it as YYYY-MM"),
        (["tiers", "--year", "2017", "--mont", "3"], "--mont"),
        (["tiers", "--year", "2017", "--memory", "lots"], "--memory: not an amount of memory"),
        (["tiers", "--year", "2017", "--threads", "0"], "--threads"),
        (["tiers", "--year", "2017", "--engine", "spark"], "--engine"),
        (["ingest", "--max-reject-rate", "2"], "--max-reject-rate: a share between 0 and 1"),
        (["ingest", "bills"], "no export is called bills; the exports are billing, customers"),
        (["run", "--from", "2016-13", "--to", "2017-01"], "'2016-13' is no month"),
        (["run", "--from", "2016-11", "--to", "17-1"], "'17-1' is no month; write it as YYYY-MM"),
        (["run", "--from", "2017-01", "--to", "2016-11"], "--from 2017-01 lies after --to 2016-11"),
        (["open", "--month", "2017-1", "--lots", "/nowhere.csv"], "'2017-1' is no month"),
        (["open", "--month", "2017-01", "--lots", "/nowhere.csv"], "no such file: /nowhere.csv"),
        (["tiers", "--year", "2017", "--policies", "/nowhere"], "/nowhere: no such policy folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_exits_2_with_one_line_before_anything_is_made(
    call: Command, words: list[str], named: str, tmp_path: Path
) -> None:
    ended = call(*words, POINTBOOK_WORKSPACE=str(tmp_path / "workspace"))
    assert named in complaint(ended, USAGE)
    assert ended.stdout == ""
    assert not (tmp_path / "workspace").exists()


def test_the_version_is_the_installed_one(call: Command) -> None:
    assert call("--version").stdout == version("pointbook") + "\n"


@pytest.mark.parametrize(
    "words",
    [
        ["catalog"],
        ["status"],
        ["run", "--from", "2016-11", "--to", "2017-01", "--dry-run"],
        ["report"],
    ],
    ids=lambda words: words[0],
)
def test_commands_that_only_look_load_no_prefect_no_compiled_code_no_pandera(
    words: list[str], workspace: Path
) -> None:
    """They take seconds; Prefect and compiled code also write to the workspace when imported."""
    code = (
        "import atexit, sys\n"
        "import flows.commands.registry, flows.calendar.demo, flows.deliveries.landing\n"
        "from flows.cli import main\n"
        "slow = {'numba', 'openlineage', 'pandas', 'pandera', 'prefect'}\n"
        "atexit.register(lambda: print(sorted(slow & set(sys.modules))))\n"
        f"main({words})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(POINTBOOK_WORKSPACE=str(workspace)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "[]"


def changed_policies(folder: Path, name: str, before: str, after: str) -> Path:
    """The shipped policies with one change in the text of one."""
    policies = Path(shutil.copytree(SHIPPED, folder))
    path = policies / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")
    return policies


def test_all_errors_of_a_policy_folder_are_listed_at_once(call: Command, tmp_path: Path) -> None:
    policies = changed_policies(tmp_path / "p", "tier_thresholds", "from_fee: 200000", "fee: 1")
    (policies / "tier_upgrade.yaml").unlink()
    (policies / "point_grant_terms.yaml").write_text("policy: [")
    ended = call("tiers", "--year", "2017", "--policies", policies, "--workspace", tmp_path / "w")
    assert ended.returncode == USAGE
    for name in ("tier_thresholds", "tier_upgrade", "point_grant_terms"):
        assert f"{name}.yaml" in ended.stderr
    assert not (tmp_path / "w").exists()


def test_personal_data_without_a_key_exits_2(call: Command, tmp_path: Path) -> None:
    land(tmp_path, "customers", customers())
    ended = call("ingest", "--workspace", tmp_path, POINTBOOK_PII_KEY="")
    assert "POINTBOOK_PII_KEY is not set" in complaint(ended, USAGE)
    assert not (tmp_path / "staged").exists()


# What a run prints


@dataclass(frozen=True)
class Session:
    """What an operator's first commands printed, and the workspace that they left."""

    workspace: Path
    ingest: subprocess.CompletedProcess[str]
    tiers: subprocess.CompletedProcess[str]
    grants: subprocess.CompletedProcess[str]
    run: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def session(pointbook: Command, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """An operator ingests, assesses and grants 2017, then leaves 2018 to `run`."""
    workspace = land_all(tmp_path_factory.mktemp("session") / "workspace")
    named = {"POINTBOOK_WORKSPACE": str(workspace)}
    return Session(
        workspace,
        pointbook("ingest", **named),
        pointbook("tiers", "--year", 2017, "--json", **named),
        pointbook("grants", "--year", 2017, "--quiet", **named),
        pointbook(
            "run",
            "--from",
            "2017-11",
            "--to",
            "2018-01",
            "--allow-missing-months",
            "--json",
            **named,
        ),
    )


def test_ingest_prints_what_became_of_the_rows(session: Session) -> None:
    assert session.ingest.returncode == DONE
    assert re.search(r"billing +│ +1 │ +576 │ +576 │", session.ingest.stdout)


def test_json_prints_the_manifest(session: Session) -> None:
    assert session.tiers.returncode == DONE
    manifest = json.loads(session.tiers.stdout)
    path = session.workspace / "runs" / manifest["run_id"] / "manifest.json"
    assert manifest == json.loads(path.read_text(encoding="utf-8"))
    assert (manifest["command"], manifest["status"], manifest["year"]) == ("tiers", "done", 2017)
    counts = {row["tier"]: row["customers"] for row in manifest["tiers"]}
    assert counts == {"general": 3, "white": 2, "silver": 1, "gold": 2, "vip": 3}


def test_quiet_prints_nothing(session: Session) -> None:
    grants = session.grants
    assert (grants.returncode, grants.stdout, grants.stderr) == (DONE, "", "")


def test_run_does_what_falls_due_in_its_months(session: Session, telecom: Path) -> None:
    assert session.run.returncode == DONE
    manifest = json.loads(session.run.stdout)
    done = [f"{run['command']} {run.get('month') or run['year']}" for run in manifest["runs"]]
    assert done == [
        "tiers 2018",
        *("notices 2017-11", "points 2017-11"),
        *("notices 2017-12", "points 2017-12", "sweep 2017"),
        *("grants 2018", "notices 2018-01", "points 2018-01"),
    ]
    assert [file["status"] for file in manifest["ingest"]["files"]] == ["known", "known"]
    published = {
        path: digest for path, digest in data_hashes(telecom).items() if path.endswith(".parquet")
    }
    assert published.items() <= data_hashes(session.workspace).items()
    assert "warehouse/point_lots/period=2017-YE/part-0.parquet" in data_hashes(session.workspace)


def test_open_starts_a_ledger_with_lots_or_holds_them_back(
    call: Command, pointbook: Command, workspace: Path, tmp_path: Path
) -> None:
    lots, bad = tmp_path / "lots.csv", tmp_path / "bad.csv"
    header = "lot_id,owner,kind,credited_on,expires_on,refundable,remaining\n"
    lots.write_text(f"{header}L1,white,payment,2017-05-31,2018-12-31,Y,1200\n")
    rows = "".join(f"L{n},nobody,payment,2017-05-31,2018-12-31,Y,1\n" for n in range(30))
    bad.write_text(header + rows)
    ledger = ("--month", "2018-01", "--workspace", workspace)
    held = call("open", *ledger, "--lots", bad)
    assert "opening_lots/bad.csv; read their rows in quarantine" in complaint(held, HELD_BACK)
    assert "owner:domain 30" in held.stdout
    ended = pointbook("open", *ledger, "--lots", lots)
    assert ended.returncode == DONE
    assert "2018-01 opens with 1,200 points in 1 lots of 1 owners" in ended.stdout
    manifest = run_command(options(workspace), "points 2018-01")
    assert (manifest["opens_from"], manifest["totals"]["opening"]) == ("2017-YE", 1_200)


def test_what_commands_make_is_the_owners_alone(session: Session) -> None:
    parts = [part for part in session.workspace.iterdir() if part.name != "landing"]
    made = [path for part in parts for path in (part, *part.rglob("*"))]
    assert len(made) > 100
    for path in made:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_run_names_what_it_skips(call: Command, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    land(workspace, "billing", bills())
    ended = call("run", "--from", "2016-11", "--to", "2017-02", "--workspace", workspace)
    assert ended.returncode == DONE
    assert "skipped pointbook tiers --year 2017: customers was never delivered" in ended.stdout
    assert "skipped pointbook grants --year 2017: the tier snapshot of 2017" in ended.stdout


def test_run_stops_at_the_first_flow_that_lacks_something(tmp_path: Path) -> None:
    land(tmp_path, "customers", customers())
    land(tmp_path, "billing", [row for row in bills() if row["billing_month"] != "2017-02"])
    with pytest.raises(NotReady, match=r"points 2017-02 needs billing of 2017-02,"):
        run_calendar(options(tmp_path), "2016-11", "2018-01")
    years = [path.name for path in (tmp_path / "warehouse").glob("*/membership_year=*")]
    assert years == ["membership_year=2017"] * 5


# The points ledger


def test_points_are_closed_in_order_and_swept_at_the_end_of_the_year(
    call: Command, workspace: Path
) -> None:
    for month in ("2017-11", "2017-12"):
        run_command(options(workspace), f"points {month} --allow-missing-months")
    told = complaint(call("points", "--month", "2018-01", "--workspace", workspace), NOT_READY)
    assert told == (
        "2018-01 opens from the closing of 2017-YE, which is not published; "
        "run `pointbook sweep --year 2017` first"
    )
    with pytest.raises(NotReady, match=r"run `pointbook points --month 2018-12` first"):
        run_command(options(workspace), "sweep 2018")
    before = data_hashes(workspace)
    for words, said in {
        ("sweep", "--year", "2017"): "Points swept by cause, 2017",
        ("grants", "--year", "2018"): "Points granted by tier",
    }.items():
        ended = call(*words, "--dry-run", "--workspace", workspace)
        assert ended.returncode == DONE, ended.stderr
        assert said in ended.stdout
        assert ended.stdout.endswith("dry run: nothing was published\n")
    assert data_hashes(workspace) == before


@pytest.mark.parametrize("begins", ["2017-11-01", "2017-11-02"])
def test_a_dry_run_under_another_folder_shows_the_values_that_it_took(
    call: Command, workspace: Path, tmp_path: Path, begins: str
) -> None:
    """Tiers of 2018 are assessed on 2017-11-01: what begins a day later isn't theirs."""
    day = date.fromisoformat(begins)
    fees = {"general": 0, "silver": 400_000, "gold": 600_000, "vip": 1_000_000}
    rows: list[dict[str, object]] = [
        {"tier": "white", "from_fee": 200_000, "valid_to": day},
        {"tier": "white", "from_fee": 250_000, "valid_from": day},
        *({"tier": tier, "from_fee": fee} for tier, fee in fees.items()),
    ]
    folder = replaced_policies({"tier_thresholds": rows}, tmp_path)
    words = ("tiers", "--year", "2018", "--dry-run", "--policies", folder)
    ended = call(*words, "--workspace", workspace)
    assert ended.returncode == DONE, ended.stderr
    if begins == "2017-11-01":
        told = "general 0; gold 600,000; silver 400,000; vip 1,000,000; white 250,000"
        assert f"tier_thresholds.yaml on 2017-11-01, other than shipped: {told}\n" in ended.stdout
    else:
        assert "all policy values that were read on 2017-11-01 are as shipped" in ended.stdout


def test_a_january_waits_for_its_grants(workspace: Path, tmp_path: Path) -> None:
    run_command(options(workspace), "points 2019-01")  # no bills of its window: nothing to wait for
    land_all(tmp_path / "fresh")
    stage(tmp_path / "fresh")
    with pytest.raises(NotReady, match=r"`pointbook tiers --year 2018` and `pointbook grants"):
        run_command(options(tmp_path / "fresh"), "points 2018-01")
    run_command(options(tmp_path / "fresh"), "tiers 2018")
    with pytest.raises(NotReady, match=r"needs the grants of 2018; run `pointbook grants"):
        run_command(options(tmp_path / "fresh"), "points 2018-01")


def test_points_need_customers_and_something_to_credit(tmp_path: Path) -> None:
    land(tmp_path, "customers", customers())
    stage(tmp_path)
    for command in ("points 2018-01", "notices 2018-01"):
        with pytest.raises(NotReady, match="none of billing, promotions, purchases was ever"):
            run_command(options(tmp_path), command)


# What is not ready, held back, or wrong


def test_tiers_wait_for_missing_months_unless_told_otherwise(
    pointbook: Command, prefect_api: str, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    land(workspace, "customers", customers())
    missing = ("2016-02", "2016-09")
    land(workspace, "billing", [row for row in bills() if row["billing_month"] not in missing])
    stage(workspace)
    arguments = ("tiers", "--year", 2017, "--workspace", workspace)
    told = complaint(pointbook(*arguments), NOT_READY)
    assert "tiers 2017 needs billing of 2016-02, 2016-09," in told
    assert "--allow-missing-months" in told
    assert not (workspace / "warehouse" / "tier_snapshot").exists()
    assert flow_runs(prefect_api, workspace) == [], "told before a run begins"
    ended = pointbook(*arguments, "--allow-missing-months", "--json")
    assert ended.returncode == DONE
    manifest = json.loads(ended.stdout)
    assert manifest["missing_months"] == list(missing)
    assert manifest["parameters"]["allow_missing_months"]


def test_grants_wait_for_their_tiers(call: Command, tmp_path: Path) -> None:
    ended = call("grants", "--year", 2017, "--workspace", tmp_path)
    assert "run `pointbook tiers --year 2017` first" in complaint(ended, NOT_READY)


def test_a_file_held_back_exits_3_and_is_named(pointbook: Command, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    land(workspace, "billing", [line(f"L{n}", "c", "2016-01", n, due_on="?") for n in range(21)])
    ended = pointbook("ingest", "--workspace", workspace, "--json")
    assert "held back for too many rejected rows: billing/rows.csv" in complaint(ended, HELD_BACK)
    (file,) = json.loads(ended.stdout)["files"]
    assert (file["status"], file["rows"]["quarantined"]) == ("held_back", 21)
    assert not (workspace / "staged").exists()
    (file,) = stage(workspace, max_reject_rate=1.0)["files"]
    assert (file["status"], file["rows"]["quarantined"]) == ("accepted", 21)


def test_a_won_unaccounted_for_exits_1_and_publishes_nothing(
    call: Command, pointbook: Command, workspace: Path
) -> None:
    path = workspace / "staged" / "billing_totals" / "billing_month=2017-03" / "part-0.parquet"
    totals = pq.ParquetFile(path).read()
    rows = totals.to_pylist()
    one = [int(row["charge_item"] == "base_fee") for row in rows]
    amounts = [row["collected_amount"] + more for row, more in zip(rows, one, strict=True)]
    tampered = pa.array(amounts, pa.int64())
    assert sum(one) == 1
    place = totals.schema.get_field_index("collected_amount")
    before = data_hashes(workspace)
    pq.write_table(totals.set_column(place, "collected_amount", tampered), path)
    damaged = complaint(call("tiers", "--year", "2018", "--workspace", workspace), FAILED)
    assert damaged.startswith(f"{path}: changed since 000001-ingest committed it")
    forge(path, workspace)
    ended = pointbook("tiers", "--year", "2018", "--workspace", workspace)
    told = complaint(ended, FAILED)
    assert "audit tier_snapshot__every_won_accounted_for found 1 rows" in told
    assert "nothing was published" in told
    after = data_hashes(workspace)
    assert {name for name in before.keys() | after if before.get(name) != after.get(name)} == {
        path.relative_to(workspace).as_posix()
    }
    manifest = json.loads((workspace / "runs" / "000007-tiers" / "manifest.json").read_text())
    assert manifest["status"] == "failed"
    assert manifest["error"] == told


def test_debug_shows_where_an_error_came_from(call: Command, tmp_path: Path) -> None:
    ended = call("status", "--workspace", tmp_path, "--policies", "/nowhere", "--debug")
    assert ended.returncode != DONE
    assert "Traceback" in ended.stderr
    assert "flows/calendar/status.py" in ended.stderr


def test_demo_refuses_a_folder_that_it_did_not_make(call: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("keep me")
    told = complaint(call("demo", "--workspace", mine), USAGE)
    assert f"{mine} is no demo workspace" in told
    assert [path.name for path in mine.iterdir()] == ["letter.txt"]


def test_demo_starts_afresh_in_its_own_folder(tmp_path: Path) -> None:
    own = tmp_path / "demo"
    prepare(own)
    landed = sorted(path.relative_to(own) for path in own.rglob("*"))
    (own / "staged").mkdir()
    (own / "staged" / "old.parquet").touch()
    (own / "notes.txt").touch()
    prepare(own)
    assert sorted(path.relative_to(own) for path in own.rglob("*")) == landed


# Status and catalog


States = Callable[..., dict[tuple[str, str], str]]


@pytest.fixture
def states(call: Command, workspace: Path) -> States:
    """The state of each published period, or why it is stale, as `status --json` tells it."""

    def told(*words: object) -> dict[tuple[str, str], str]:
        ended = call("status", "--json", "--workspace", workspace, *words)
        assert (ended.returncode, ended.stderr) == (DONE, "")
        return {
            (row["table"], row["period"]): row["why"] or row["state"]
            for row in json.loads(ended.stdout)["published"]
        }

    return told


OF_TIERS: Final = COMMANDS["tiers"].tables
CURRENT: Final = {
    (table, year): "current" for table in (*OF_TIERS, "point_grants") for year in ("2017", "2018")
}


def test_status_calls_what_a_corrected_bill_touches_stale(workspace: Path, states: States) -> None:
    assert states() == CURRENT
    land(workspace, "billing", [correction()], "correction.csv")
    stage(workspace)
    why = "changed: billing, billing_totals"
    stale = dict.fromkeys(((table, "2018") for table in OF_TIERS), why)
    assert states() == CURRENT | stale | {("point_grants", "2018"): "follows tiers 2018"}
    publish(workspace, [2018])
    assert states() == CURRENT


def test_status_calls_grants_stale_whose_tiers_changed(workspace: Path, states: States) -> None:
    land(workspace, "billing", [correction()], "correction.csv")
    stage(workspace)
    run_command(options(workspace), "tiers 2018")
    assert states() == CURRENT | {("point_grants", "2018"): "changed: tier_snapshot"}


def test_status_calls_nothing_stale_for_a_new_phone_number(workspace: Path, states: States) -> None:
    newer = {"contact": "010-1234-5678", "updated_at": "2021-01-01 00:00:00"}
    land(workspace, "customers", [customer("white", **newer)], "phone.csv")
    stage(workspace)
    assert states() == CURRENT


def test_status_calls_all_years_stale_for_a_customer_who_left(
    workspace: Path, states: States
) -> None:
    newer = {"terminated_on": "2016-05-05", "updated_at": "2021-01-01 00:00:00"}
    land(workspace, "customers", [customer("white", **newer)], "left.csv")
    stage(workspace)
    assert states() == dict.fromkeys(CURRENT, "changed: customers")


def test_status_calls_nothing_stale_for_a_customer_who_left_later(
    workspace: Path, states: States
) -> None:
    newer = {"terminated_on": "2020-05-05", "updated_at": "2021-01-01 00:00:00"}
    land(workspace, "customers", [customer("white", **newer)], "left.csv")
    stage(workspace)
    assert states() == CURRENT


def test_status_knows_a_policy_changed_in_force_from_one_changed_later(
    states: States, tmp_path: Path
) -> None:
    white = "from_fee: 200000\n    valid_from: 0001-01-01\n    valid_to: null\n    unit: KRW\n"
    now = white.replace("200000", "199999")
    later = white.replace("null", "2017-11-02")
    later += "    source: S0\n  - tier: white\n    "
    later += now.replace("0001-01-01", "2017-11-02")
    changed, unchanged = (
        changed_policies(tmp_path / name, "tier_thresholds", white, text)
        for name, text in (("now", now), ("later", later))
    )
    stale = {key: "changed: policies" for key in CURRENT if key[0] != "point_grants"}
    followed = {("point_grants", year): f"follows tiers {year}" for year in ("2017", "2018")}
    assert states("--policies", changed) == stale | followed
    assert states("--policies", unchanged) == CURRENT


def test_status_names_what_fell_due_and_is_missing(call: Command, tmp_path: Path) -> None:
    workspace = land_all(tmp_path / "workspace")
    stage(workspace)
    ended = call("status", "--workspace", workspace)
    assert ended.returncode == DONE
    assert "missing: pointbook tiers --year 2017 (due 2016-11-01)" in ended.stdout
    assert "missing: pointbook grants --year 2017 (due 2017-01-01)" in ended.stdout


def test_the_catalog_is_rebuilt_after_a_move(
    call: Command, workspace: Path, tmp_path: Path
) -> None:
    moved = workspace.rename(tmp_path / "moved")
    ended = call("catalog", POINTBOOK_WORKSPACE=str(moved))
    assert ended.returncode == DONE
    assert f"rebuilt {moved}/warehouse/catalog.duckdb" in ended.stdout
    query = "SELECT count(*) FROM tier_snapshot"
    script = (
        "import duckdb, sys; "
        f"print(duckdb.connect(sys.argv[1], read_only=True).execute({query!r}).fetchall())"
    )
    catalog = moved / "warehouse" / "catalog.duckdb"
    shown = subprocess.run(
        [sys.executable, "-c", script, str(catalog)],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "[(21,)]\n"


# Prefect


def found(api: str, kind: str) -> list[dict[str, Any]]:
    """Everything of a kind that Prefect's page would show."""
    request = urllib.request.Request(
        f"{api}/{kind}/filter",
        data=json.dumps({"limit": 200}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        rows: list[dict[str, Any]] = json.load(answer)
    return rows


def flow_runs(api: str, workspace: Path) -> list[dict[str, Any]]:
    """The flow runs in a workspace, latest last."""
    runs = [
        run
        for run in found(api, "flow_runs")
        if run["parameters"].get("workspace") == str(workspace)
    ]
    return sorted(runs, key=lambda run: str(run["start_time"]))


def test_a_run_its_tasks_and_artifacts_are_visible_in_prefect(
    session: Session, prefect_api: str
) -> None:
    runs = flow_runs(prefect_api, session.workspace)
    assert {run["state_type"] for run in runs} == {"COMPLETED"}
    assert len(runs) == 4
    ingest, tiers, grants, run = (run["id"] for run in runs)
    assert runs[1]["parameters"]["year"] == 2017
    assert list(runs[3]["parameters"])[:2] == ["first_month", "last_month"]
    assert [each["name"] for each in runs] == [
        *("ingest", "tiers 2017", "grants 2017", "run 2017-11 2018-01"),
    ]
    tasks = found(prefect_api, "task_runs")
    assert {
        name: {task["name"][:-4] for task in tasks if task["flow_run_id"] == flow_run}
        for name, flow_run in {"ingest": ingest, "tiers": tiers, "run": run}.items()
    } == {
        "ingest": {
            *("read billing/rows.csv", "merge billing"),
            *("read customers/rows.csv", "merge customers"),
        },
        "tiers": {"prepare", "write"},
        "run": {
            *("read billing/rows.csv", "read customers/rows.csv"),
            *("tiers 2018", "notices 2017-11", "points 2017-11", "notices 2017-12"),
            *("points 2017-12", "sweep 2017", "grants 2018", "notices 2018-01", "points 2018-01"),
        },
    }
    artifacts = {
        (artifact["flow_run_id"], artifact["key"]): json.loads(artifact["data"])
        for artifact in found(prefect_api, "artifacts")
        if artifact["key"]
    }
    files = artifacts[ingest, "ingest-files"]
    assert [(file["file"], file["accepted"]) for file in files] == [
        ("rows.csv", 576),
        ("rows.csv", 12),
    ]
    assert len(artifacts[tiers, "tiers-window"]) == 12
    assert {row["tier"] for row in artifacts[tiers, "tiers"]} == set(TIERS)
    assert {row["tier"]: row["points"] for row in artifacts[grants, "grants"]}["vip"] == 360_000
    assert {key for owner, key in artifacts if owner == run} == {
        *("calendar", "grants", "ingest-files", "notices"),
        *("points-answers", "points-movements", "sweep", "tiers", "tiers-window"),
    }
    assert len(artifacts[run, "calendar"]) == 9


def test_without_a_server_the_embedded_one_does(workspace: Path) -> None:
    ended = process("grants", "--year", "2018", "--workspace", workspace, "--quiet")
    assert (ended.returncode, ended.stdout, ended.stderr) == (DONE, "", "")
    assert (workspace / ".prefect").is_dir()


# Sample


def test_sample_writes_exports_and_says_what_is_in_them(call: Command, tmp_path: Path) -> None:
    out = tmp_path / "landing"
    words = ("sample", "--customers", "3", "--members", "2", "--seed", "1", "--out", str(out))
    ended = call(*words)
    assert ended.returncode == 0
    assert "billing" in ended.stdout
    assert (out / "truth.json").is_file()
    again = call(*words)
    assert again.returncode == 2
    assert "is not empty" in again.stderr
