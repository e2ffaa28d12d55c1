"""Corrections: what a rerun replaces is kept and restated, and can be brought back (Q4)."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.calendar.status import workspace_status
from flows.console.errors import NotReady, PointbookError, RunFailed, WrongUsage
from flows.publishing.restore import restore
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED, RESTATEMENTS
from tests.airline import FLIGHT, land_airline
from tests.commands_in_tests import run_command, run_commands
from tests.console.test_cli import complaint, environment
from tests.forks import command_line
from tests.membership import (
    bills,
    customer,
    customers,
    data_hashes,
    land,
    line,
    options,
    stage,
    table_rows,
)
from tests.micropayments import land_micropayments
from tests.sql.test_audits import engine
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform

__all__ = ["engine"]

Row = dict[str, Any]

SNAPSHOT: Final = "warehouse/tier_snapshot/membership_year=2018/part-0.parquet"
FIRST: Final = "000002-tiers"
"""The run that published it before the corrections."""
STEPS: Final = (
    "tiers 2018",
    "points 2017-12",
    "sweep 2017",
    "grants 2018",
    "notices 2018-01",
    "points 2018-01",
    "micropayments 2016-11",
    "miles 2021-05",
    "elite 2022",
)
NUMBERS: Final = ("restated", "amounts", "levels", "not_compared")
"""The parts of a manifest that say what changed."""


def published(workspace: Path) -> Path:
    """Everything published once, from bills, payments and flights."""
    land(workspace, "customers", customers())
    december = line("white-late", "white", "2017-12", 20_000)
    land(workspace, "billing", [*bills("2016-11"), december])
    land_micropayments(workspace, {"payments": [{"amount": 1_000}, {"amount": 2_000}]})
    flights = [{"flight_date": f"2021-05-{day}"} for day in (10, 11, 12)]
    land_airline(workspace, {"flights": flights, "awards": [{}], "payments": [{}]})
    stage(workspace)
    run_commands(options(workspace), STEPS)
    return workspace


def correct(workspace: Path) -> None:
    """Delivers and stages corrections: two bills, two customers, a payment and two flights."""
    paid = {"white-base": "2017-10", "white-late": "2017-12"}
    lines = [line(id_, "white", month, 240_000, revision=1) for id_, month in paid.items()]
    late = customer("late", joined_on="2017-01-01", updated_at="2021-01-01 00:00:00")
    left = customer("idle", terminated_on="2017-01-01", updated_at="2021-01-01 00:00:00")
    flown = {"revision": 1, "distance_miles": 9_000}
    land(workspace, "billing", lines, "corrected.csv")
    land(workspace, "customers", [late, left], "corrected.csv")
    land(
        workspace,
        "flights",
        [FLIGHT | flown | {"activity_id": id_} for id_ in ("F1", "F2")],
        "corrected.csv",
    )
    land_micropayments(workspace, {"payments": [{"payment_id": "P0"}]}, "corrected.csv")
    stage(workspace)


@dataclass(frozen=True)
class History:
    """A workspace before and after its corrections, and what each step's dry and real run said."""

    before: Path
    after: Path
    dry: dict[str, Row]
    real: dict[str, Row]
    touched_dry: list[str]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    before = published(tmp_path_factory.mktemp("history") / "before")
    after = Path(shutil.copytree(before, before.with_name("after")))
    correct(after)
    found = History(before, after, {}, {}, [])
    for name in STEPS:
        files = everything(after)
        found.dry[name] = run_command(options(after), name, dry_run=True)
        if everything(after) != files:
            found.touched_dry.append(name)
        found.real[name] = run_command(options(after), name)
    return found


@pytest.fixture
def workspace(history: History, tmp_path: Path) -> Path:
    """The workspace after its corrections, to change."""
    return Path(shutil.copytree(history.after, tmp_path / "workspace"))


def everything(workspace: Path) -> dict[str, int]:
    """When each file and folder was last changed, but for the lock."""
    return {
        path.relative_to(workspace).as_posix(): path.stat().st_mtime_ns
        for path in workspace.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def versions(workspace: Path, table: str = "tier_snapshot") -> dict[str, bytes]:
    """The kept versions of a table by run, of all periods."""
    kept = sorted((workspace / "versions" / table).rglob("*.parquet"))
    return {path.stem: path.read_bytes() for path in kept}


def cells(workspace: Path, table_name: str) -> dict[tuple[str, str], str]:
    """The published values of a table as text, by row and column."""
    table = PUBLISHED[table_name]
    kind = table.dtype(table.partition)
    found = {}
    for row in table_rows(workspace, table_name):
        row[table.partition] = pa.scalar(row[table.partition]).cast(kind).as_py()
        key = {name: plain(row[name]) for name in (table.partition, *table.key)}
        row_key = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
        for name in table.stored_columns:
            if row[name] is not None:
                value = plain(row[name])
                found[row_key, name] = (
                    str(value).lower() if value is True or value is False else str(value)
                )
    return found


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    return str(value) if isinstance(value, date) else value


def restatements(workspace: Path, run_id: str | None = None) -> set[tuple[str | None, ...]]:
    """The published restatements of a run, or of all."""
    rows = table_rows(workspace, RESTATEMENTS, run_id)
    return {tuple(row[name] for name in PUBLISHED[RESTATEMENTS].stored_columns) for row in rows}


# What is restated


def test_every_changed_value_is_restated_and_no_other(history: History) -> None:
    expected = set()
    for name in PUBLISHED.keys() - {RESTATEMENTS}:
        old, new = cells(history.before, name), cells(history.after, name)
        expected |= {
            (name, *cell, old.get(cell), new.get(cell))
            for cell in old.keys() | new.keys()
            if old.get(cell) != new.get(cell)
        }
    assert restatements(history.after) == expected
    assert len({row[0] for row in expected}) > 10


def test_a_corrected_bill_restates_exactly_its_fees_and_the_tier(history: History) -> None:
    found = restatements(history.after, history.real["tiers 2018"]["run_id"])
    white = '{"membership_year":2018,"customer_id":"white"}'
    assert {row[2:] for row in found if row[1] == white} == {
        ("annual_fee", "240000", "460000"),
        ("mobile_fee", "240000", "460000"),
        ("fee_tier", "white", "silver"),
        ("tier", "white", "silver"),
        ("missing_to_next", "160000", "140000"),
    }


def test_a_row_that_came_or_went_is_restated_with_its_key(history: History) -> None:
    found = restatements(history.after, history.real["tiers 2018"]["run_id"])
    late, idle = (
        '{"membership_year":2018,"customer_id":"' + name + '"}' for name in ("late", "idle")
    )
    assert ("tier_snapshot", late, "customer_id", None, "late") in found
    assert ("tier_exceptions", late, "customer_id", "late", None) in found
    assert ("tier_snapshot", idle, "tier", "general", None) in found
    assert ("tier_snapshot", idle, "customer_id", "idle", None) in found


def test_the_manifest_counts_rows_and_says_who_gains_and_loses(history: History) -> None:
    tiers = history.real["tiers 2018"]
    assert [
        (
            row["table_name"],
            row["period"],
            row["rows_added"],
            row["rows_removed"],
            row["rows_changed"],
        )
        for row in tiers["restated"]
    ] == [
        ("tier_bands", "2018", 2, 2, 0),
        ("tier_exceptions", "2018", 0, 1, 0),
        ("tier_moves", "2018", 0, 1, 2),
        ("tier_snapshot", "2018", 1, 1, 1),
    ]
    assert {
        (row["value_before"], row["value_after"], row["direction"]): row["moved"]
        for row in tiers["levels"]
    } == {
        ("white", "silver", "up"): 1,
        ("general", None, "out"): 1,
        (None, "general", "in"): 1,
    }
    (granted,) = history.real["grants 2018"]["amounts"]
    assert (granted["gaining"], granted["gained"], granted["losing"]) == (1, 20_000, 0)
    (paid,) = history.real["points 2017-12"]["amounts"]
    assert (paid["table_name"], paid["gaining"], paid["gained"]) == ("point_balances", 1, 1_100)
    (status,) = history.real["elite 2022"]["levels"]
    assert (status["value_before"], status["value_after"]) == ("none", "silver")
    (miles,) = history.real["miles 2021-05"]["amounts"]
    assert (miles["gaining"], miles["losing"]) == (1, 0)


def test_a_dry_run_touches_nothing_and_tells_what_the_run_then_restates(history: History) -> None:
    assert history.touched_dry == []
    for name, dry in history.dry.items():
        assert (dry["status"], dry["outputs"], dry["new"]) == ("dry_run", [], [])
        assert {part: dry.get(part) for part in NUMBERS} == {
            part: history.real[name].get(part) for part in NUMBERS
        }
    assert {name for name, dry in history.dry.items() if dry.get("restated")} >= {
        "tiers 2018",
        "grants 2018",
        "points 2017-12",
        "points 2018-01",
        "sweep 2017",
        "micropayments 2016-11",
        "miles 2021-05",
        "elite 2022",
    }


def test_a_dry_run_of_a_new_period_names_it(history: History, workspace: Path) -> None:
    dry = run_command(options(workspace), "points 2018-02", dry_run=True)
    assert {row["period"] for row in dry["new"]} == {"2018-02"}
    assert "restated" not in dry
    assert not list((workspace / "warehouse").rglob("period=2018-02"))


def test_the_first_publication_and_one_of_the_same_bytes_restate_and_keep_nothing(
    history: History, workspace: Path
) -> None:
    assert table_rows(history.before, RESTATEMENTS) == []
    assert not (history.before / "versions").exists()
    kept, told = versions(workspace), restatements(workspace)
    manifest = run_command(options(workspace), "tiers 2018")
    assert "restated" not in manifest
    assert (versions(workspace), restatements(workspace)) == (kept, told)


def test_periods_that_no_correction_is_about_stay_as_they_were(workspace: Path) -> None:
    before = data_hashes(workspace)
    land(
        workspace, "billing", [line("white-late", "white", "2017-12", 241_000, revision=2)], "d.csv"
    )
    stage(workspace)
    run_command(options(workspace), "grants 2018")
    run_command(options(workspace), "points 2017-12")
    changed = {
        path for path, digest in data_hashes(workspace).items() if before.get(path) != digest
    }
    assert {path.split("/")[2] for path in changed if path.startswith("warehouse/point_")} == {
        "period=2017-12"
    }
    assert not any(name in path for path in changed for name in ("tier_", "mileage", "elite"))


def test_a_damaged_file_is_replaced_but_neither_compared_nor_kept(workspace: Path) -> None:
    land(
        workspace, "billing", [line("white-base", "white", "2017-10", 300_000, revision=2)], "d.csv"
    )
    stage(workspace)
    (workspace / SNAPSHOT).write_bytes(b"damaged")
    kept = versions(workspace)
    manifest = run_command(options(workspace), "tiers 2018")
    assert manifest["not_compared"] == [{"table_name": "tier_snapshot", "period": "2018"}]
    assert [row["table_name"] for row in manifest["restated"]] == ["tier_bands", "tier_moves"]
    assert versions(workspace) == kept
    assert pq.read_table(workspace / SNAPSHOT, partitioning=None).num_rows == 10


def test_an_earlier_release_may_have_published_fewer_columns(tmp_path: Path) -> None:
    table = PUBLISHED["tier_exceptions"]
    row = {"customer_id": "c", "reason": "not_joined", "amount": 1, "lines": 2}
    files = []
    for folder, columns in (("old", ["customer_id", "reason", "amount"]), ("new", list(row))):
        file = tmp_path / folder / "membership_year=2018" / "part-0.parquet"
        file.parent.mkdir(parents=True)
        rows = pa.Table.from_pylist([row], stored_schema(table)).select(columns)
        pq.write_table(rows, file)
        files.append(file)
    with DuckDBEngine(tmp_path, "500MB", 1) as comparing:
        comparing.compare("changed_cells", [(table, files[:1], files[1:])])
        found = comparing.rows(load_transform(f"corrections/{RESTATEMENTS}")).to_pylist()
    assert [(r["column_name"], r["value_before"], r["value_after"]) for r in found] == [
        ("lines", None, "2")
    ]


# What is kept


def test_what_a_run_replaces_is_kept_under_the_run_that_had_published_it(history: History) -> None:
    old = data_hashes(history.before)
    first = json.loads((history.before / f"runs/{FIRST}/manifest.json").read_text())
    assert first["year"] == 2018
    assert versions(history.after) == {FIRST: (history.before / SNAPSHOT).read_bytes()}
    replaced = [
        output["path"]
        for manifest in history.real.values()
        for output in manifest["outputs"]
        if output["path"] in old and old[output["path"]] != output["sha256"]
    ]
    kept = list((history.after / "versions").rglob("*.parquet"))
    assert len(kept) == len(replaced) > 20
    kept_bytes = {path.read_bytes() for path in kept}
    assert all((history.before / path).read_bytes() in kept_bytes for path in replaced)


@pytest.mark.parametrize("keep", [0, 2])
def test_keep_says_how_many_versions_stay(history: History, workspace: Path, keep: int) -> None:
    runs = [history.real["tiers 2018"]["run_id"]]
    for revision, amount in ((2, 300_000), (3, 20_000)):
        rows = [line("white-base", "white", "2017-10", amount, revision=revision)]
        land(workspace, "billing", rows, f"r{revision}.csv")
        stage(workspace)
        runs.append(run_command(options(workspace, keep=keep), "tiers 2018")["run_id"])
    assert list(versions(workspace)) == runs[:-1][:keep]


# What is brought back


def test_the_version_before_comes_back_and_is_restated_and_kept_in_turn(
    history: History, workspace: Path
) -> None:
    old, new = ((root / SNAPSHOT).read_bytes() for root in (history.before, workspace))
    dry = restore(options(workspace), "tier_snapshot", "2018", dry_run=True)
    assert (workspace / SNAPSHOT).read_bytes() == new
    with pytest.raises(WrongUsage, match=f"with --version; the one before is {FIRST}"):
        restore(options(workspace), "tier_snapshot", "2018")
    manifest = restore(options(workspace), "tier_snapshot", "2018", FIRST)
    assert (workspace / SNAPSHOT).read_bytes() == old
    assert dry["version"] == manifest["version"] == FIRST
    assert {part: dry[part] for part in NUMBERS} == {part: manifest[part] for part in NUMBERS}
    told = restatements(workspace, history.real["tiers 2018"]["run_id"])
    assert restatements(workspace, manifest["run_id"]) == {
        (*row[:3], row[4], row[3]) for row in told
    }
    assert new in versions(workspace).values()
    second = history.real["tiers 2018"]["run_id"]
    again = restore(options(workspace), "tier_snapshot", "2018", second)
    assert (workspace / SNAPSHOT).read_bytes() == new
    assert again["version"] == second


@pytest.mark.parametrize("keep", [3, 0])
def test_a_restore_that_is_repeated_changes_nothing_more(workspace: Path, keep: int) -> None:
    """Also where the version that it brought back is not kept any more beside the file."""
    settings = options(workspace, keep=keep)
    restore(settings, "tier_snapshot", "2018", FIRST)
    before = data_hashes(workspace)
    again = restore(settings, "tier_snapshot", "2018", FIRST)
    assert "restated" not in again
    assert data_hashes(workspace) == before


def test_the_tables_of_a_run_come_back_together_and_are_stale(
    history: History, workspace: Path
) -> None:
    manifest = restore(options(workspace), "tier_exceptions", "2018", FIRST)
    tables = ["tier_snapshot", "tier_exceptions", "tier_moves", "tier_bands"]
    assert [row["table_name"] for row in manifest["tables"]] == tables
    for name in tables:
        assert cells(workspace, name) == cells(history.before, name)
    states = {
        (row["table"], row["period"]): row["state"]
        for row in workspace_status(options(workspace))["published"]
    }
    assert states["tier_snapshot", "2018"] == states["point_grants", "2018"] == "stale"
    assert states["elite_status", "2022"] == "current"


@pytest.mark.parametrize(
    ("table", "period", "version", "error", "told"),
    [
        ("tiers", "2018", None, WrongUsage, "no table is called tiers; the tables are tier_"),
        (RESTATEMENTS, "x", None, WrongUsage, "no table is called restatements"),
        ("tier_snapshot", "2030", None, NotReady, "its published periods: 2018"),
        ("tier_snapshot", "2018", "000009-tiers", NotReady, f"kept are: {FIRST}"),
        ("refund_results", "2017-12", None, NotReady, "no version of refund_results 2017-12 is"),
    ],
)
def test_what_cannot_be_brought_back_is_named_with_what_there_is(
    history: History,
    table: str,
    period: str,
    version: str | None,
    error: type[PointbookError],
    told: str,
) -> None:
    with pytest.raises(error, match=told):
        restore(options(history.after), table, period, version, dry_run=True)


def test_a_damaged_version_and_one_that_lost_a_table_are_refused(workspace: Path) -> None:
    before = data_hashes(workspace)
    kept = workspace / f"versions/tier_exceptions/membership_year=2018/{FIRST}.parquet"
    kept.write_bytes(b"damaged")
    with pytest.raises(RunFailed, match=rf"is not what {FIRST} published of tier_exceptions"):
        restore(options(workspace), "tier_snapshot", "2018", FIRST)
    kept.unlink()
    with pytest.raises(NotReady, match=rf"tier_exceptions 2018 of {FIRST}, .* no longer kept"):
        restore(options(workspace), "tier_snapshot", "2018", FIRST)
    assert data_hashes(workspace) == before


def test_the_command_line_brings_back_and_tells(workspace: Path, tmp_path: Path) -> None:
    def call(*words: str) -> Any:
        named = ["--workspace", str(workspace)]
        return command_line([*words, *named], environment(), tmp_path / "printed")

    restored = ("restore", "--table", "tier_snapshot", "--period", "2018")
    ended = call(*restored, "--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert "tier_snapshot 2018: 0 customers move up, 1 down" in ended.stdout
    assert ended.stdout.endswith("dry run: nothing was published\n")
    assert call(*restored, "--version", FIRST).returncode == 0
    for command, told in {
        "tiers": "tier_snapshot 2018: 1 customers move up, 0 down",
        "grants": "point_grants 2018: 0 customers gain 0 points, 1 lose 20,000",
    }.items():
        stale = ("--from-stale",) if command == "grants" else ()
        ended = call(command, "--year", "2018", "--dry-run", *stale)
        assert told in ended.stdout, ended.stderr
    assert "kept are: " in complaint(call(*restored, "--version", "7"), 4)
    assert "no table is called x" in complaint(call("restore", "--table", "x", "--period", "y"), 2)
