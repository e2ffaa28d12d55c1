"""What is stale and why, what a run would do about it, what it does, and what is recorded of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
import yaml

from flows.calendar.backfills import FILE, backfills
from flows.calendar.run_calendar import make_period
from flows.calendar.status import workspace_status
from flows.commands.registry import COMMANDS
from flows.console.errors import NotReady, WrongUsage
from flows.console.grid import plan_lines
from flows.console.summary import print_summary
from flows.publishing.commit import State
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.restore import restore
from flows.publishing.workspace import Workspace, published_path
from schemas.periods import Period
from schemas.tables import PUBLISHED
from tests.commands_in_tests import plan_manifest, run_calendar, run_command
from tests.forks import FORKS, command_line
from tests.membership import (
    Row,
    bills,
    customer,
    data_hashes,
    land,
    land_all,
    line,
    months,
    options,
    publish,
    stage,
)
from tests.policy_folders import replaced_policies

FIRST: Final = "2017-11"
LAST: Final = "2018-02"
ALL: Final = [
    *("tiers 2018", "notices 2017-11", "points 2017-11"),
    *("notices 2017-12", "points 2017-12", "sweep 2017"),
    *("grants 2018", "notices 2018-01", "points 2018-01"),
    *("notices 2018-02", "points 2018-02"),
]
"""What falls due from the first to the last month, in calendar order."""
OPEN: Final = [line("open", "general", month, 0) for month in months(FIRST, LAST)]
"""Bills of the months that are closed, of which nothing is billed."""
T = TypeVar("T")


def run(workspace: Path, first: str = FIRST, last: str = LAST, **more: Any) -> Row:
    """Runs the calendar; returns the manifest."""
    asked = {name: more.pop(name) for name in list(more) if name not in Options.model_fields}
    return run_calendar(options(workspace, **more), first, last, **asked)


def ran(manifest: Row) -> list[str]:
    """What a run made, in its order."""
    return [f"{each['command']} {each.get('month') or each['year']}" for each in manifest["runs"]]


def planned(workspace: Path, first: str = FIRST, last: str = LAST, **more: Any) -> dict[str, str]:
    """What a plan would do about each period of `ALL`, with the reason for what it leaves."""
    plan = plan_manifest(options(workspace), first, last, **more)
    return {
        f"{step['command']} {step['period']}": ": ".join(
            part for part in (step["action"], step["reason"]) if part
        )
        for step in plan["steps"]
        if f"{step['command']} {step['period']}" in ALL
    }


def stale(workspace: Path, **more: Any) -> dict[str, str]:
    """Why which periods are stale, as `status` has it; the tables of a period agree."""
    published = workspace_status(options(workspace, **more))["published"]
    rows = {(row["table"], row["period"]): row for row in published}
    found = {}
    for command in COMMANDS.values():
        periods = {Period.parse(row["period"]) for row in published}
        for period in sorted(each for each in periods if each.span == command.span):
            keys = [(table, str(command.partition(table, period))) for table in command.tables]
            if keys[0] in rows:
                (why,) = {rows[key]["why"] for key in keys}
                found[f"{command.name} {period}"] = why
    return {name: why for name, why in found.items() if why is not None}


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small telecom, staged, of which nothing is published."""
    workspace = land_all(tmp_path_factory.mktemp("staged") / "workspace")
    land(workspace, "billing", OPEN, "open.csv")
    stage(workspace)
    return workspace


@pytest.fixture(scope="module")
def closed(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of the calendar's months, and the tiers of 2017 before them."""
    workspace = tmp_path_factory.mktemp("closed") / "workspace"
    shutil.copytree(staged, workspace)
    publish(workspace, [2017])
    assert ran(run(workspace, reason="the first months")) == ALL
    return workspace


@pytest.fixture
def workspace(closed: Path, tmp_path: Path) -> Path:
    """The closed months, to change."""
    return Path(shutil.copytree(closed, tmp_path / "workspace"))


# What is stale and why


def test_a_new_phone_number_makes_nothing_stale(workspace: Path) -> None:
    newer = {"contact": "010-1234-5678", "updated_at": "2021-01-01 00:00:00"}
    land(workspace, "customers", [customer("white", **newer)], "phone.csv")
    stage(workspace)
    assert stale(workspace) == {}
    assert ran(run(workspace)) == []


def test_a_row_makes_stale_what_it_could_matter_to_and_nothing_before(workspace: Path) -> None:
    """One who joins, one who leaves, one who changes a number: from their day on (R1, R2)."""
    rows = [
        customer("new", joined_on="2017-12-10", updated_at="2021-01-01 00:00:00"),
        customer("gold", terminated_on="2018-02-01", updated_at="2021-01-01 00:00:00"),
    ]
    land(workspace, "customers", rows, "later.csv")
    stage(workspace)
    # who joined before the new year is assessed: she has no points, and no tier
    of_new = {"points 2017-12", "sweep 2017", "grants 2018", "notices 2018-01"}
    assert stale(workspace).keys() == of_new | set(ALL[-3:])
    assert set(ran(run(workspace))) == of_new | set(ALL[-3:])
    first = customer("white", updated_at="2012-01-01 00:00:00")
    land(workspace, "customers", [first], "first.csv")
    run(workspace)
    number = {"contact": "010-1234-5678", "updated_at": "2018-01-31 23:59:59"}
    land(workspace, "customers", [customer("white", **number)], "number.csv")
    stage(workspace)
    assert stale(workspace).keys() == set(ALL[-3:])


def test_whoever_was_named_and_unknown_makes_stale_what_named_them(workspace: Path) -> None:
    bill = line("nobody-base", "nobody", "2017-03", 9_000, revision=1, collected_on="2017-12-20")
    land(workspace, "billing", [bill], "correction.csv")
    run(workspace)
    table, month = "point_exceptions", Period(2017, 12)
    file = published_path(Workspace(workspace), PUBLISHED[table], str(month))
    version = State.of(Workspace(workspace)).run_of(file)
    land(workspace, "customers", [customer("other", joined_on="2018-03-01")], "other.csv")
    stage(workspace)
    assert stale(workspace) == {}
    land(workspace, "customers", [customer("nobody", joined_on="2018-03-01")], "nobody.csv")
    stage(workspace)
    own = {name: why for name, why in stale(workspace).items() if why.startswith("changed")}
    named = ("tiers 2017", "tiers 2018", "points 2017-12")
    assert own == dict.fromkeys(named, "changed: unknown customers")
    publish(workspace, [2017])
    run(workspace)
    assert stale(workspace) == {}
    # what is restored is younger than the delivery, and older is what it names
    restore(options(workspace), table, str(month), version)
    assert stale(workspace)[f"points {month}"] == "changed: unknown customers"


def test_what_follows_a_stale_period_that_is_blocked_is_stale(
    workspace: Path, tmp_path: Path
) -> None:
    """The terms of refunds begin with 2018: the months before can't be made again."""
    terms = {"least_points": None, "greatest_points": None, "unit_points": None, "business_days": 3}
    rows: list[Row] = [terms | {"valid_from": date(2018, 1, 1)}]
    policies = replaced_policies({"point_refund_terms": rows}, tmp_path)
    found = stale(workspace, policies=policies)
    assert found["points 2017-12"].startswith("point_refund_terms")
    assert found["sweep 2017"] == "follows points 2017-11, points 2017-12"
    assert found["notices 2017-12"] == "follows points 2017-11"
    asked = options(workspace, policies=policies)
    steps = plan_manifest(asked, FIRST, LAST)["steps"]
    reasons = {f"{step['command']} {step['period']}": step["reason"] for step in steps}
    assert reasons["points 2017-11"].startswith("point_refund_terms")
    assert reasons["sweep 2017"] == "points 2017-11, where the run stops"


LATE: Final = line("late-base", "late", "2017-03", 240_000, revision=1, collected_on="2017-12-20")
"""A bill of the tier year 2018, corrected: it was collected in December."""
OF_ACTIVITY: Final = ["notices 2017-11", "notices 2017-12", "sweep 2017"]
"""What reads the year's bills to tell who is active (P9, P10)."""
OF_BILL: Final = ["tiers 2018", *OF_ACTIVITY, "points 2017-12", *ALL[6:]]


def test_a_corrected_bill_makes_its_tier_year_its_collecting_month_and_what_follows_stale(
    workspace: Path,
) -> None:
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    followed = "follows tiers 2018, points 2017-12, sweep 2017"
    assert stale(workspace) == {
        "tiers 2018": "changed: billing, billing_totals",
        "points 2017-12": "changed: billing_late_collections",
        **dict.fromkeys(OF_ACTIVITY, "changed: billing"),
        "grants 2018": "follows tiers 2018",
        "notices 2018-01": "follows sweep 2017",
        **dict.fromkeys(ALL[-3:], followed),
    }


def test_a_policy_value_makes_the_months_in_which_it_is_in_force_stale(
    workspace: Path, tmp_path: Path
) -> None:
    """Also where another is in force at the month's end."""
    shipped = {"channel": "official_shop", "points": 10, "per_amount": 1000}
    rows: list[Row] = [
        shipped | {"valid_to": date(2018, 1, 10)},
        shipped | {"points": 20, "valid_from": date(2018, 1, 10), "valid_to": date(2018, 1, 20)},
        shipped | {"valid_from": date(2018, 1, 20)},
        shipped | {"channel": "partner", "points": 5},
    ]
    policies = replaced_policies({"point_purchase_credits": rows}, tmp_path)
    assert stale(workspace, policies=policies) == {
        "points 2018-01": "changed: policies",
        "notices 2018-02": "follows points 2018-01",
        "points 2018-02": "changed: policies",
    }


def test_a_change_of_policy_makes_stale_from_its_announcement_and_from_its_effect(
    workspace: Path, tmp_path: Path
) -> None:
    rows: list[Row] = [
        {"kind": kind, "announced_on": None, "effective_on": None, "expires_on": None}
        for kind in ("membership", "payment", "promotion", "purchase")
    ]
    rows[2] |= {
        "announced_on": date(2017, 12, 20),
        "effective_on": date(2018, 2, 10),
        "expires_on": date(2018, 6, 30),
    }
    policies = replaced_policies({"point_policy_changes": rows}, tmp_path)
    found = stale(workspace, policies=policies)
    assert found == {
        "notices 2018-01": "changed: point_policy_changes",
        "notices 2018-02": "changed: point_policy_changes",
        "points 2018-02": "changed: point_policy_changes",
    }


def test_a_year_end_policy_makes_its_notices_and_sweep_stale(
    workspace: Path, tmp_path: Path
) -> None:
    """The notices of a year read what is in force at its end."""
    path = SHIPPED / "point_sweep.yaml"
    row = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)["values"][0]
    values = {name: int(value) for name, value in row.items() if value.isdigit()}
    rows: list[Row] = [
        values | {"valid_to": date(2018, 6, 1)},
        values | {"active_from_month": 2, "valid_from": date(2018, 6, 1)},
    ]
    policies = replaced_policies({"point_sweep": rows}, tmp_path)
    assert stale(workspace, policies=policies) == {
        "notices 2018-01": "changed: point_sweep",
        "notices 2018-02": "changed: point_sweep",
    }


def test_a_damaged_or_lost_file_is_stale_and_a_run_mends_it(workspace: Path, closed: Path) -> None:
    lots = workspace / "warehouse" / "point_lots" / "period=2018-01" / "part-0.parquet"
    os.truncate(lots, 100)
    (workspace / "warehouse" / "point_grants" / "membership_year=2018" / "part-0.parquet").unlink()
    found = stale(workspace)
    assert found["points 2018-01"] == "gone or damaged: point_lots"
    assert found["grants 2018"] == "gone or damaged: point_grants"
    assert "points 2017-12" not in found
    assert ran(run(workspace)) == ["grants 2018", "points 2018-01"]
    assert data_hashes(workspace) == data_hashes(closed)


def test_grants_that_came_late_make_the_month_that_credits_them_stale(tmp_path: Path) -> None:
    land(tmp_path, "customers", [customer("white")])
    window = [row for row in bills() if row["billing_month"] >= "2016-11"]
    early = [row for row in window if row["billing_month"] != "2017-05"]
    land(tmp_path, "billing", early)
    land(tmp_path, "billing", [line("next", "white", "2018-01", 1_000)], "next.csv")
    stage(tmp_path)
    run_command(options(tmp_path), "points 2018-01")
    assert stale(tmp_path) == {}
    land(tmp_path, "billing", [row for row in window if row not in early], "late.csv")
    stage(tmp_path)
    status = workspace_status(options(tmp_path))
    missing = [item["command"] for item in status["missing"]]
    assert missing == [
        "pointbook tiers --year 2018",
        "pointbook grants --year 2018",
        "pointbook notices --month 2018-01",
    ]
    assert stale(tmp_path) == {"points 2018-01": "follows tiers 2018, grants 2018"}


def test_status_shows_periods_of_one_state_on_one_line(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    shown = {name: command.shown for name, command in COMMANDS.items()}
    print_summary("status", workspace_status(options(workspace)), workspace, shown)
    printed = capsys.readouterr().out.replace("│", " ").splitlines()
    lines = [" ".join(line.split()) for line in printed]
    lots = [line.split(" ", 3) for line in lines if line.startswith("point_lots")]
    assert [(periods, rest) for _, periods, _, rest in lots] == [
        ("2017-11", "current"),
        ("2017-12", "stale changed: billing_late_collections"),
        ("2017-YE", "stale changed: billing"),
        ("2018-01..2018-02", "stale follows tiers 2018, points 2017-12, sweep 2017"),
    ]
    assert any(
        line.endswith(
            "run --from 2017-11 --to 2018-02 (the first months): made 11 periods, 0 were current, "
            "exit 0"
        )
        for line in lines
    )


# What a run would do


def test_a_dry_run_shows_the_grid_and_does_nothing(staged: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    land(workspace, "billing", [LATE], "correction.csv")
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    words = ["run", "--from", FIRST, "--to", LAST, "--dry-run", "--workspace", str(workspace)]
    ended = command_line(words, os.environ, tmp_path / "printed")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before
    shown = ended.stdout.splitlines()
    assert shown[:2] == [
        "                        2017          2018",
        "                        JFMAMJJASONDE JFMAMJJASONDE",
    ]
    rows = {line[:24].strip(): line[24:] for line in shown}
    assert rows["tier_snapshot"] == "          M"
    assert rows["expiry_notices"] == "          MM  MM"
    assert rows["point_lots"] == "          MMM MM"
    assert rows["expiry_sweep"] == "           M"
    assert rows["mileage_lots"] == "          --  --"
    assert any("not ingested yet: billing/correction.csv; the run" in line for line in shown)
    assert shown[-1].startswith("11 periods will run, 0 stay, 0 are blocked")


def test_a_plan_is_what_the_run_then_does(workspace: Path) -> None:
    """But for what comes out the same, which only the run finds out."""
    assert set(planned(workspace).values()) == {"keep"}
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    plan = planned(workspace)
    assert {name for name in ALL if plan[name] == "run"} == set(OF_BILL)
    manifest = run(workspace)
    assert set(ran(manifest)) == set(OF_BILL) - {"grants 2018"}
    assert manifest["current"] == ["points 2017-11", "grants 2018"]
    assert stale(workspace) == {}


def test_what_cant_be_done_stops_the_run_and_blocks_the_rest(tmp_path: Path) -> None:
    land(tmp_path, "customers", [customer("white")])
    land(
        tmp_path,
        "billing",
        [row for row in [*bills("2016-11"), *OPEN] if row["billing_month"] != "2017-05"],
    )
    stage(tmp_path)
    plan = planned(tmp_path)
    assert plan["tiers 2018"].startswith("blocked: tiers 2018 needs billing of 2017-05")
    assert plan["points 2017-11"] == "blocked: tiers 2018, where the run stops"
    assert plan["grants 2018"] == "skip: the tier snapshot of 2018 is not published"
    with pytest.raises(NotReady, match=r"needs billing of 2017-05"):
        run(tmp_path)
    (recorded,) = backfills(Workspace(tmp_path))
    assert (recorded["ran"], recorded["exit"]) == ([], NotReady.exit_code)
    assert "needs billing of 2017-05" in recorded["error"]
    lines = list(plan_lines(plan_manifest(options(tmp_path), FIRST, LAST), 80))
    assert any(line.startswith("blocked by tiers 2018, where the run stops: ") for line in lines)


def test_a_run_goes_back_to_what_is_stale_and_its_months_are_made_from(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    plan = planned(workspace, "2018-02", "2018-02")
    assert plan == dict.fromkeys((name for name in OF_BILL if name != "notices 2018-01"), "run")
    manifest = run(workspace, "2018-02", "2018-02")
    assert manifest["back_to"] == "tiers 2018"
    assert "going back to tiers 2018, which is stale (changed: billing" in capsys.readouterr().err
    assert set(ran(manifest)) == plan.keys() - {"grants 2018"}
    assert stale(workspace) == {"notices 2018-01": "changed: opening_lots"}


def test_a_run_that_is_not_to_go_back_stops_or_says_what_it_is_made_from(workspace: Path) -> None:
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    before = data_hashes(workspace)
    told = r"tiers 2018, which 2018-02 and later .* run `pointbook run --from 2017-11 --to 2018-02`"
    with pytest.raises(NotReady, match=told):
        run(workspace, "2018-02", "2018-02", strict=True)
    with pytest.raises(NotReady, match=told):
        planned(workspace, "2018-02", "2018-02", strict=True)
    assert data_hashes(workspace) == before
    manifest = run(workspace, "2018-02", "2018-02", from_stale=True, force=True)
    assert ran(manifest) == ALL[-2:]
    assert manifest["from_stale"] is True
    assert manifest["runs"][-1]["from_stale"][:2] == ["tiers 2018", "notices 2017-11"]
    assert run(workspace, strict=True)["back_to"] is None


def test_no_command_publishes_from_a_stale_period_unless_it_is_told_to(workspace: Path) -> None:
    land(workspace, "billing", [LATE], "correction.csv")
    stage(workspace)
    told = {
        "grants 2018": "tiers 2018",
        "points 2018-01": "tiers 2018",
        "points 2018-02": "tiers 2018",
        "notices 2018-01": "notices 2017-11",
        "sweep 2017": "notices 2017-11",
    }
    before = data_hashes(workspace)
    for name, first in told.items():
        month = {"sweep 2017": "2017-12", "grants 2018": "2018-01"}.get(name, name[-7:])
        line = f"run `pointbook run --from 2017-11 --to {month}`, or accept it with --from-stale"
        with pytest.raises(NotReady) as raised:
            by_hand(workspace, name)
        assert str(raised.value).startswith(f"{name} is made from {first}, which is stale (chan")
        assert str(raised.value).endswith(line)
    assert data_hashes(workspace) == before
    assert by_hand(workspace, "points 2018-02", from_stale=True)["from_stale"][0] == "tiers 2018"
    assert "from_stale" not in by_hand(workspace, "tiers 2018")
    assert by_hand(workspace, "grants 2018")["from_stale"] == []


def by_hand(workspace: Path, name: str, **flags: Any) -> Row:
    """A single command, as the command line and a schedule run it."""
    command, period = name.split()
    of = COMMANDS[command]
    return make_period(of, options(workspace), Period.parse(period, of.span), **flags)


def test_a_command_refuses_what_follows_a_stale_period_that_is_blocked(
    workspace: Path, tmp_path: Path
) -> None:
    """The tiers of 2018 can't be assessed again: no threshold is in force on their day any more."""
    path = SHIPPED / "tier_thresholds.yaml"
    kept = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)["values"]
    rows: list[Row] = [
        {"tier": row["tier"], "from_fee": int(row["from_fee"]), "valid_to": date(2017, 10, 1)}
        for row in kept
    ]
    policies = replaced_policies({"tier_thresholds": rows}, tmp_path)
    found = stale(workspace, policies=policies)
    assert "no policy in force" in found["tiers 2018"]
    assert found["grants 2018"] == "follows tiers 2018"
    assert found["points 2018-01"] == "follows tiers 2018"
    with pytest.raises(NotReady, match="grants 2018 is made from tiers 2018, which is stale"):
        make_period(
            COMMANDS["grants"], options(workspace, policies=policies), Period.parse("2018", "year")
        )


# What was not delivered


def without_may() -> list[Row]:
    """A window of bills that lacks a month."""
    return [row for row in bills("2016-11") if row["billing_month"] != "2017-05"]


def test_a_gap_that_was_accepted_holds_until_its_month_comes(tmp_path: Path) -> None:
    land(tmp_path, "customers", [customer("white")])
    land(tmp_path, "billing", [*without_may(), *OPEN])
    stage(tmp_path)
    manifest = run(tmp_path, allow_missing_months=True)
    assert manifest["allow_missing_months"] is True
    assert ran(manifest)[0] == "tiers 2018"
    assert manifest["runs"][0]["missing_months"] == ["2017-05"]
    assert stale(tmp_path) == {}
    assert run(tmp_path, force=True)["runs"][0]["gaps"] == ["billing 2017-05"]
    restored = restore(options(tmp_path), "tier_snapshot", "2018", manifest["runs"][0]["run_id"])
    assert restored["tables"]
    assert set(planned(tmp_path).values()) == {"keep"}
    land(
        tmp_path, "billing", [row for row in bills() if row["billing_month"] == "2017-05"], "b.csv"
    )
    stage(tmp_path)
    assert stale(tmp_path)["tiers 2018"] == "changed: billing, billing_totals"
    assert run(tmp_path)["runs"][0]["gaps"] == []


def test_a_month_that_nothing_came_of_is_closed_only_when_told_to(tmp_path: Path) -> None:
    """An export that had rows in each of the three months before is still to come."""
    land(tmp_path, "customers", [customer("white")])
    land(tmp_path, "billing", bills("2017-07"))
    stage(tmp_path)
    by_hand(tmp_path, "points 2017-10")
    with pytest.raises(NotReady, match="points 2017-11 needs billing of 2017-11, which was never"):
        by_hand(tmp_path, "points 2017-11")
    made = by_hand(tmp_path, "points 2017-11", allow_missing_months=True)
    assert made["gaps"] == ["billing 2017-11"]
    assert stale(tmp_path) == {}
    assert by_hand(tmp_path, "points 2017-11")["gaps"] == ["billing 2017-11"]
    # with only two of the three months before, the export may have ended
    assert by_hand(tmp_path, "points 2017-12")["gaps"] == []


def test_a_ledger_starts_with_its_first_month_whatever_was_delivered_before_it(
    tmp_path: Path,
) -> None:
    land(tmp_path, "customers", [customer("white"), customer("gold")])
    land(tmp_path, "billing", bills())
    stage(tmp_path)
    by_hand(tmp_path, "points 2017-02")
    for name in ("points 2016-11", "notices 2017-01", "sweep 2016"):
        with pytest.raises(WrongUsage) as raised:
            by_hand(tmp_path, name)
        assert "lies before 2017-02, with which the ledger started" in str(raised.value)
        assert "pointbook points" not in str(raised.value)
    manifest = run(tmp_path, "2016-11", "2017-03")
    made = ["tiers 2017", "grants 2017", "notices 2017-02", "points 2017-02", *OF_MARCH]
    assert ran(manifest) == made  # February reads the tiers
    assert {item["reason"] for item in manifest["skipped"] if "points" in item["command"]} == {
        "its ledger started with 2017-02"
    }
    missing = workspace_status(options(tmp_path))["missing"]
    assert not [item for item in missing if item["command"][-7:] < "2017-02"]


OF_MARCH: Final = ["notices 2017-03", "points 2017-03"]


@pytest.mark.parametrize(("paid", "told"), [(5, []), (8, []), (7, [30])])
def test_a_window_that_is_hardly_collected_is_told(
    tmp_path: Path, paid: int, told: list[int]
) -> None:
    """Of ten thousand won a month so many thousand are paid; above 20 % open is warned of."""
    rows = bills("2016-11")
    land(tmp_path, "customers", [customer("white")])
    part = {"billed_amount": 10_000, "collected_amount": paid * 1_000}
    land(tmp_path, "billing", [row | part for row in rows if row["customer_id"] == "white"])
    stage(tmp_path)
    found = by_hand(tmp_path, "tiers 2018")
    assert found["uncollected_percent"] == ([50] if paid == 5 else told)


def test_a_window_of_which_nothing_is_collected_is_not_assessed(tmp_path: Path) -> None:
    land(tmp_path, "customers", [customer("white")])
    none = {"collected_amount": 0, "collected_on": ""}
    land(tmp_path, "billing", [row | none for row in bills("2016-11")])
    stage(tmp_path)
    with pytest.raises(NotReady, match="won billed from 2016-11 to 2017-10 nothing is collected"):
        by_hand(tmp_path, "tiers 2018")
    assert not (tmp_path / "warehouse" / "tier_snapshot").exists()


# What a run does


def test_a_period_that_comes_out_the_same_makes_none_after_it_run(workspace: Path) -> None:
    """A bill of nobody's is an exception of the tiers, and nobody's activity."""
    bill = line("nobody-base", "nobody", "2017-03", 9_000, revision=1)
    land(workspace, "billing", [bill], "correction.csv")
    stage(workspace)
    plan = planned(workspace)
    assert [name for name in ALL if plan[name] == "run"] == [ALL[0], ALL[1], ALL[3], *ALL[5:]]
    manifest = run(workspace)
    assert ran(manifest) == ["tiers 2018", "notices 2017-11", "notices 2017-12", "sweep 2017"]
    assert set(manifest["current"]) == set(ALL) - set(ran(manifest))


def test_a_forced_run_makes_everything_again_with_the_same_bytes(
    workspace: Path, closed: Path
) -> None:
    assert set(planned(workspace, "2018-02", "2018-02", force=True).values()) == {"run"}
    manifest = run(workspace, "2018-02", "2018-02", force=True)
    assert (ran(manifest), manifest["current"]) == (ALL[-2:], [])
    assert data_hashes(workspace) == data_hashes(closed)


def test_a_killed_run_goes_on_where_it_stopped(staged: Path, closed: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(staged, tmp_path / "workspace"))
    publish(workspace, [2017])
    process = FORKS.Process(target=_run_and_die, args=(workspace, "points 2017-12"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    manifest = run(workspace, reason="it was killed")
    assert manifest["current"] == ALL[:4]
    assert ran(manifest) == ALL[4:]
    assert data_hashes(workspace) == data_hashes(closed)
    killed, mended = backfills(Workspace(workspace))
    assert (killed["exit"], killed["ended_at"], killed["reason"]) == (None, None, "a test")
    assert (mended["exit"], mended["ran"], mended["current"]) == (0, ALL[4:], 4)


def _run_and_die(workspace: Path, name: str) -> None:
    run(workspace, step=partial(_die_at, name), reason="a test")


def _die_at(name: str, step: str, work: Callable[[], T]) -> T:
    if step == name:
        os.kill(os.getpid(), signal.SIGKILL)
    return work()


# The record of backfills


def test_the_record_only_grows_and_survives_half_a_line(workspace: Path) -> None:
    path = workspace / "runs" / FILE
    first = path.read_bytes()
    assert [sorted(json.loads(text)) for text in first.splitlines()] == [
        ["at", "backfill", "force", "from", "reason", "to"],
        ["backfill", "current", "ended_at", "error", "exit", "ran", "skipped"],
    ]
    path.write_bytes(first + b'{"backfill": 2, "at": "20')
    run(workspace, "2018-02", "2018-02", reason="a \u202eletter\n")
    assert path.read_bytes().startswith(first)
    one, two = backfills(Workspace(workspace))
    assert (one["backfill"], one["reason"], one["ran"]) == (1, "the first months", ALL)
    assert (two["backfill"], two["from"], two["reason"]) == (2, "2018-02", "a \u202eletter\n")
    assert (two["exit"], two["ran"], two["current"]) == (0, [], 2)
