"""`pointbook simulate`: the commands' own tables under other policies, apart from all else."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
import stat
import statistics
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq
import pytest

from flows.answers.policy_settings import changed_texts
from flows.answers.simulate import scenarios
from flows.answers.simulate import simulate as flow
from flows.answers.simulate.blocks import blocks
from flows.answers.simulate.chain import Through
from flows.answers.simulate.simulate import Question
from flows.calendar.status import workspace_status
from flows.commands import tiers
from flows.console.errors import NotReady, RunFailed, WorkspaceHeld, WrongUsage
from flows.console.summary import print_summary
from flows.proofs.retention import retain
from flows.proofs.verify import verify
from flows.publishing import write_audit
from flows.publishing.catalog import build_catalog
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.workspace import Workspace
from schemas.periods import Period
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_commands
from tests.faults import work_under
from tests.forks import command_line
from tests.membership import correction, land, options, publish, stage
from tests.proofs.test_retention import LATER
from tests.questions import validator
from transforms.policies.policy import Policies

Row = dict[str, Any]

AS_HAPPENED: Final = SHIPPED.with_name("as_happened")
NAME: Final = "what-if"
KILLED: Final = -9
WHITE: Final = "tier_thresholds.white=250000"
PEOPLE: Final = ("climber", "faller", "loyal", "leaving", "idle")
"""Customers of the small telecom whose names are not those of tiers."""


def question(*sets: str, year: int = 2018, through: Through = "grants", **more: Any) -> Question:
    last = more.pop("to", None)
    name = more.pop("name", NAME)
    return Question(name, Period(year), through, last and Period.parse(last), sets)


def scenario(workspace: Path, *sets: str, policies: Path = SHIPPED, **more: Any) -> Row:
    """A scenario of the small telecom, unless told; as its schema says."""
    found = flow.simulate(options(workspace, policies=policies), question(*sets, **more))
    validator("simulate.v1").validate(found)
    return found


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a folder, but those of scenarios."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "scenarios"
    }


def tables(folder: Path, among: dict[str, str] | None = None) -> dict[str, str]:
    """The sha256 of the tables of a warehouse, less those of restatements."""
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "warehouse").rglob("*.parquet"))
        if "restatements" not in path.parts
    }
    return found if among is None else {name: found[name] for name in among if name in found}


def own(workspace: Path, name: str = NAME) -> Path:
    return workspace / "scenarios" / name


def effect(found: Row) -> Row:
    """What becomes of all owners."""
    (row,) = [row for row in found["winners_and_losers"] if row["divided_by"] == "all"]
    return dict(row)


def cost(found: Row) -> dict[str, int]:
    return {row["measure"]: row["difference"] for row in found["cost"]}


@pytest.fixture
def copied(telecom: Path, tmp_path: Path) -> Path:
    """The small telecom, published, to do anything with."""
    return Path(shutil.copytree(telecom, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def sample(last_months: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's last months; scenarios are made in it, and nothing is published."""
    return Path(shutil.copytree(last_months, tmp_path_factory.mktemp("sample") / "workspace"))


# As the commands would publish it


@pytest.mark.parametrize("through", ["tiers", "grants", "points", "elite"])
def test_where_nothing_is_set_the_tables_are_the_published_bytes(
    sample: Path, through: Through
) -> None:
    found = scenario(sample, year=2022, through=through, name=f"nothing-{through}")
    made = tables(own(sample, f"nothing-{through}"))
    assert made == tables(sample, made)
    assert {Path(name).parts[1] for name in made} >= {
        "tiers": {"tier_snapshot", "tier_exceptions", "tier_moves", "tier_bands"},
        "grants": {"tier_snapshot", "point_grants"},
        "points": {"point_grants", "expiry_notices", "point_lots", "redemption_results"},
        "elite": {"elite_status", "mileage_lots", "award_results"},
    }[through]
    assert found["changes"] == found["parameters"] == found["left_out"] == []
    assert (found["moved"], found["amount"], found["attribution"]) == (0, 0, None)
    assert all(row["difference"] == 0 for row in found["cost"])
    assert found["to"] == ("2022-02" if through in ("points", "elite") else None)


def edited(folder: Path, file: str, before: str, after: str) -> Path:
    """The shipped policies with a text of a file in place of another, as one edits them by hand."""
    copy = Path(shutil.copytree(SHIPPED, folder / "policies"))
    text = (copy / f"{file}.yaml").read_text(encoding="utf-8")
    assert text.count(before) == 1
    (copy / f"{file}.yaml").write_text(text.replace(before, after), encoding="utf-8")
    return copy


_MEMBERSHIP: Final = ("tiers 2022", "grants 2022")
_POINTS: Final = (
    *_MEMBERSHIP,
    *("notices 2022-01", "points 2022-01", "notices 2022-02", "points 2022-02"),
)
_WHITE: Final = "tier: white\n    from_fee: 200000\n    valid_from: 0001-01-01\n    valid_to: null"
_EDITS: Final[dict[str, tuple[Through, tuple[str, ...], tuple[str, str, str]]]] = {
    WHITE: ("grants", _MEMBERSHIP, ("tier_thresholds", "200000", "250000")),
    "tier_thresholds.white@2021-11-01=250000": (
        "grants",
        _MEMBERSHIP,
        (
            "tier_thresholds",
            _WHITE,
            _WHITE.replace("null", "2021-11-01")
            + "\n    unit: KRW\n    source: mine\n  - "
            + _WHITE.replace("200000", "250000").replace("0001-01-01", "2021-11-01"),
        ),
    ),
    "tier_upgrade.gold.tenure_years=8": (
        "tiers",
        _MEMBERSHIP[:1],
        ("tier_upgrade", "tenure_years: 6", "tenure_years: 8"),
    ),
    "tier_lines.mobile.base_fee=false": (
        "grants",
        _MEMBERSHIP,
        (
            "tier_lines",
            "product: mobile\n    charge_item: base_fee\n    counts: true",
            "product: mobile\n    charge_item: base_fee\n    counts: false",
        ),
    ),
    "tier_assessment.window_months=6": (
        "tiers",
        _MEMBERSHIP[:1],
        ("tier_assessment", "window_months: 12", "window_months: 6"),
    ),
    "point_grant_amounts.vip=100000": (
        "points",
        _POINTS,
        ("point_grant_amounts", "points: 120000", "points: 100000"),
    ),
    "point_payment_credits.per_amount=500": (
        "points",
        _POINTS,
        ("point_payment_credits", "per_amount: 1000", "per_amount: 500"),
    ),
    "elite_miles.silver=5000": (
        "elite",
        ("miles 2022-01", "miles 2022-02", "elite 2022"),
        ("elite_miles", "from_miles: 10000\n", "from_miles: 5000\n"),
    ),
    "mixed_payment_share=10": (
        "elite",
        ("miles 2021-11", "miles 2021-12", "miles 2022-01", "miles 2022-02"),
        ("mixed_payment_share", "greatest: 20", "greatest: 10"),
    ),
}


@pytest.mark.parametrize("text", _EDITS)
def test_a_setting_is_as_the_file_edited_by_hand_and_the_commands_run_in_a_copy(
    sample: Path, last_months: Path, tmp_path: Path, text: str
) -> None:
    through, commands, (file, before, after) = _EDITS[text]
    by_hand = edited(tmp_path, file, before, after)
    name = re.sub(r"\W", "-", text)
    scenario(sample, text, year=2022, through=through, name=name)
    copy = Path(shutil.copytree(last_months, tmp_path / "copy"))
    run_commands(options(copy, policies=by_hand), commands)
    made = tables(own(sample, name))
    assert made == tables(copy, made)
    assert made != tables(sample, made), "the setting changes something"


def test_the_policy_folder_of_a_scenario_is_complete_and_can_be_decided_upon(
    copied: Path, tmp_path: Path
) -> None:
    found = scenario(copied, WHITE, "tier_upgrade.gold.tenure_years=5")
    folder = own(copied) / "policies"
    policies = Policies.load(folder)
    assert found["policies"] == policies.digest
    rows = [row for row in policies.rows("tier_thresholds") if row["tier"] == "white"]
    assert [(row["from_fee"], row["source"]) for row in rows] == [(250_000, f"scenario {NAME}")]
    copy = Path(shutil.copytree(copied, tmp_path / "copy"))
    run_commands(options(copy, policies=folder), ["tiers 2018", "grants 2018"])
    made = tables(own(copied))
    assert made == tables(copy, made)


def test_fees_are_taken_as_published_and_come_to_the_same_as_from_bills(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = scenario(copied, WHITE, name="cheap")
    monkeypatch.setattr(tiers, "adds_up_as", lambda *_: False)
    whole = scenario(copied, WHITE, name="whole")
    read = [{file["table"] for file in each["base"]["files"]} for each in (cheap, whole)]
    assert "billing" not in read[0]
    assert "billing" in read[1]
    assert tables(own(copied, "cheap")) == tables(own(copied, "whole"))


def test_bills_are_added_up_anew_where_other_lines_count(copied: Path) -> None:
    found = scenario(copied, "tier_lines.mobile.base_fee=false", through="tiers")
    assert "billing" in {file["table"] for file in found["base"]["files"]}
    assert [row["tier"] for row in found["tiers"] if row["scenario"]] == ["general"]


# Numbers that tie

_TWO: Final = (WHITE, "point_grant_amounts.vip=100000")
_THREE: Final = ("tier_upgrade.gold.tenure_years=8", *_TWO)


@pytest.mark.parametrize("through", ["tiers", "grants", "points"])
@pytest.mark.parametrize("sets", [_TWO, _THREE])
def test_every_block_ties_with_the_tables_and_with_the_others(
    sample: Path, through: Through, sets: tuple[str, ...]
) -> None:
    name = f"ties-{through}-{len(sets)}"
    found = scenario(sample, *sets, year=2022, through=through, name=name)
    for root, side in ((sample, "published"), (own(sample, name), "scenario")):
        snapshot = root / "warehouse" / "tier_snapshot" / "membership_year=2022" / "part-0.parquet"
        held = pq.ParquetFile(snapshot).read(["tier"])["tier"].to_pylist()
        for row in found["tiers"]:
            margin = sum(pair["count"] for pair in found["matrix"] if pair[side] == row["tier"])
            assert row[side] == margin == held.count(row["tier"])
    everyone = effect(found)
    measure = {"tiers": "by_tier", "grants": "granted", "points": "credit"}[through]
    assert everyone["gained"] + everyone["lost"] == everyone["total"] == cost(found)[measure]
    assert found["amount"] == everyone["total"]
    assert found["moved"] == everyone["up"] + everyone["down"] + everyone["came"] + everyone["gone"]
    for part in ("level", "tenure", "fee"):
        rows = [row for row in found["winners_and_losers"] if row["divided_by"] == part]
        for number in ("up", "down", "gain", "lose", "keep", "gained", "lost", "total"):
            assert sum(row[number] for row in rows) == everyone[number]
    attribution = found["attribution"]
    for number in ("moved", "amount"):
        alone = sum(each["alone"][number] for each in attribution["changes"])
        added = sum(each["added"][number] for each in attribution["changes"])
        assert alone + attribution["interaction"][number] == found[number] == added
        assert attribution["together"][number] == found[number]
    assert [each["change"] for each in attribution["changes"]] == [f"--set {s}" for s in sets]


def test_what_a_change_brings_alone_is_what_a_scenario_of_it_alone_says(sample: Path) -> None:
    together = scenario(sample, *_THREE, year=2022, name="together")
    for number, text in enumerate(_THREE):
        alone = scenario(sample, text, year=2022, name=f"alone-{number}")
        told = together["attribution"]["changes"][number]["alone"]
        assert told == {"moved": alone["moved"], "amount": alone["amount"]}
        stacked = scenario(sample, *_THREE[: number + 1], year=2022, name=f"stacked-{number}")
        added = [each["added"] for each in together["attribution"]["changes"][: number + 1]]
        assert sum(each["amount"] for each in added) == stacked["amount"]


@pytest.mark.parametrize("sets", [_TWO, _THREE, ("point_grant_amounts.gold=100001", WHITE)])
def test_mean_median_and_largest_changes_are_those_of_the_customers(
    sample: Path, sets: tuple[str, ...]
) -> None:
    name = "changes-" + re.sub(r"\W", "-", sets[0])
    found = effect(scenario(sample, *sets, year=2022, name=name))
    granted: list[dict[str, int]] = []
    for root in (sample, own(sample, name)):
        file = root / "warehouse" / "point_grants" / "membership_year=2022" / "part-0.parquet"
        rows = pq.ParquetFile(file).read(["customer_id", "points"]).to_pylist()
        granted.append({row["customer_id"]: row["points"] for row in rows})
    before, after = granted
    changes = [after.get(owner, 0) - before.get(owner, 0) for owner in {*before, *after}]
    changed = [change for change in changes if change]
    assert (found["gain"], found["lose"]) == (
        sum(change > 0 for change in changes),
        sum(change < 0 for change in changes),
    )
    assert found["mean"] == sum(changed) // len(changed)
    assert found["median"] == math.floor(statistics.median(changed))
    assert found["largest_gain"] == max((c for c in changed if c > 0), default=None)
    assert found["largest_loss"] == min((c for c in changed if c < 0), default=None)


def test_the_sample_comes_to_what_was_reckoned_by_hand(sample: Path) -> None:
    """30 white customers pay 200,000 to 250,000 won, 65 are vip, 6 of these with 6 or 7 years."""
    sets = (WHITE, "tier_upgrade.gold.tenure_years=8", "point_grant_amounts.vip=100000")
    found = scenario(sample, *sets, year=2022, through="tiers", name="by-hand")
    alone = [each["alone"] for each in found["attribution"]["changes"]]
    assert [each["amount"] for each in alone] == [-1_500_000, -120_000, -1_300_000]
    assert [each["moved"] for each in alone] == [30, 6, 0]
    assert found["amount"] == -2_800_000
    assert found["attribution"]["interaction"] == {"moved": 0, "amount": 120_000}
    # one of the 30 leaves before the day on which points are credited
    granted = scenario(sample, WHITE, year=2022, name="granted")
    assert cost(granted) == {"by_tier": -1_500_000, "granted": -1_450_000}


def test_a_change_that_makes_no_sound_policies_alone_has_no_part(copied: Path) -> None:
    found = scenario(copied, "tier_thresholds.silver=590000", "tier_thresholds.white=450000")
    first, second = found["attribution"]["changes"]
    assert first["alone"] is not None
    assert second["alone"] is None
    assert second["added"] is not None
    assert found["attribution"]["interaction"] is None


def test_another_folder_is_the_first_change(copied: Path, tmp_path: Path) -> None:
    folder = edited(tmp_path, "tier_thresholds", "200000", "250000")
    found = scenario(copied, "tier_upgrade.gold.tenure_years=8", policies=folder)
    assert [each["change"] for each in found["attribution"]["changes"]] == [
        "--policies",
        "--set tier_upgrade.gold.tenure_years=8",
    ]
    alone = scenario(copied, policies=folder, name="folder")
    assert alone["attribution"] is None
    told = found["attribution"]["changes"][0]["alone"]
    assert told == {"moved": alone["moved"], "amount": alone["amount"]}


def test_every_changed_value_is_told_with_its_rule_and_whether_anything_rests_on_it(
    copied: Path,
) -> None:
    found = scenario(copied, WHITE, "accrual_rates.Y=50", through="tiers")
    white, rate = sorted(found["parameters"], key=lambda row: row["policy"], reverse=True)[:2]
    assert (white["policy"], white["key"], white["column"]) == (
        "tier_thresholds",
        {"tier": "white"},
        "from_fee",
    )
    assert (white["before"]["value"], white["after"]["value"]) == (200_000, 250_000)
    assert (white["rules"], white["reached"], rate["reached"]) == (["T4"], True, False)
    assert any(
        limit.startswith("accrual_rates is changed, and nothing") for limit in found["limits"]
    )


def test_as_announced_against_as_happened_is_one_command(sample: Path) -> None:
    found = scenario(sample, year=2022, through="elite", policies=AS_HAPPENED, name="as-happened")
    assert found["unit"] == "miles"
    assert {pair["scenario"] for pair in found["matrix"]} == {None}
    left = {(each["command"], each["period"]) for each in found["left_out"]}
    assert left == {("elite", "2022")}
    assert found["moved"] == sum(row["published"] for row in found["tiers"]) > 0
    assert not (own(sample, "as-happened") / "warehouse" / "elite_status").exists()
    assert effect(found)["total"] == cost(found)["credit"] != 0
    removed = [row for row in found["changes"] if row["table_name"] == "elite_status"]
    assert [(row["rows_removed"], row["rows_added"]) for row in removed] == [(found["moved"], 0)]


# What is set


def test_everything_wrong_with_settings_is_told_at_once_with_the_nearest_names(
    copied: Path,
) -> None:
    wrong = {
        "tier_treshold.white=1": "did you mean tier_thresholds",
        "tier_thresholds.wite=1": "did you mean white?",
        "tier_upgrade.gold=8": "tier_upgrade has to_tier, tenure_years; name one of them",
        "tier_upgrade.gold.tenure=8": "did you mean tenure_years?",
        "nothing": "write it as POLICY.KEY[.COLUMN][@DATE]=VALUE",
        "tier_thresholds.vip@tomorrow=1": "'tomorrow' is no day",
        "tier_thresholds.vip=": "give a value after =",
        "tier_thresholds.gold=much": 'from_fee: "much" is not of the type integer',
        "point_grant_amounts.vip=-1": "-1 is too low",
        "micropayment_ceiling@0001-01-01=0.5": "0.5",
    }
    with pytest.raises(WrongUsage) as error:
        scenario(copied, *wrong)
    told = str(error.value)
    for text, why in wrong.items():
        assert why in told, text
    assert not (copied / "scenarios").exists()


def test_policies_that_an_older_pointbook_used_can_be_set() -> None:
    """They lack what was not there yet, which is nothing that a setting is to blame for."""
    texts = dict(Policies.load(SHIPPED).texts)
    del texts["retention"]
    found = changed_texts(
        Policies.of(texts), ["tier_thresholds.white=250000"], lambda _: (date.min, date.max), "test"
    )
    assert found.keys() == texts.keys()
    assert b"250000" in found["tier_thresholds"]
    with pytest.raises(WrongUsage) as error:
        changed_texts(
            Policies.of(texts),
            ["tier_thresholds.white=much"],
            lambda _: (date.min, date.max),
            "test",
        )
    assert "retention" not in str(error.value)


def test_a_setting_holds_where_the_rule_looks_and_one_with_a_day_from_that_day_on(
    copied: Path,
) -> None:
    """Membership year 2018 is assessed on 2017-11-01."""
    scenario(copied, "tier_thresholds.white@2017-11-02=250000", "tier_thresholds.white=300000")
    policies = Policies.load(own(copied) / "policies")
    rows = [row for row in policies.rows("tier_thresholds") if row["tier"] == "white"]
    assert [(row["from_fee"], str(row["valid_from"])) for row in rows] == [
        (300_000, "0001-01-01"),
        (250_000, "2017-11-02"),
    ]


@pytest.mark.parametrize(
    "name", ["../up", "/tmp/x", "a/b", "", ".", ".x", "-x", "compare", "list", "x" * 65, "가"]
)
def test_no_path_comes_of_a_name(copied: Path, name: str) -> None:
    before = hashes(copied)
    given = options(copied)
    for call in (
        partial(flow.simulate, given, question(name=name)),
        partial(scenarios.removed, given, name),
        partial(scenarios.compared, given, [name, "other"]),
    ):
        with pytest.raises(WrongUsage, match="is no name of a scenario"):
            call()
    assert hashes(copied) == before
    assert not (copied / "scenarios").exists()


# Apart from what is published


def test_nothing_of_the_base_is_changed_whatever_becomes_of_a_scenario(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(copied)
    scenario(copied, *_THREE)
    with pytest.raises(WrongUsage):
        scenario(copied, "tier_thresholds.white=1000000", name="unsound")
    with pytest.raises(NotReady):
        scenario(copied, year=2020, name="missing")
    monkeypatch.setattr(write_audit, "breach_of", lambda *_: "tier_snapshot found 1 rows")
    with pytest.raises(RunFailed, match="audit tier_snapshot found"):
        scenario(copied, WHITE, name="failing")
    assert hashes(copied) == before
    assert [path.name for path in (copied / "scenarios").iterdir()] == [NAME]
    scenarios.removed(options(copied), NAME)
    assert not (copied / "scenarios").exists()


def test_a_scenario_that_is_killed_is_none_and_its_name_is_free(copied: Path) -> None:
    before = hashes(copied)
    work = partial(flow.simulate, options(copied), question(*_TWO))
    code, at, kills = KILLED, 1, 0
    while code == KILLED:
        code, error = work_under("kill", at, work)
        assert error == ""
        assert hashes(copied) == before
        if code == KILLED:
            kills += 1
            assert scenarios.listed(options(copied))["scenarios"] == []
            at = at + 1 + at // 2
    assert (code, kills > 5) == (0, True)
    (row,) = scenarios.listed(options(copied))["scenarios"]
    assert row["changed_since"] == []
    shutil.rmtree(copied / "scenarios")
    again = flow.simulate(options(copied), question(*_TWO))
    assert again["amount"] == row["amount"]


def test_a_scenario_has_all_its_files_and_they_are_its_owners_alone(copied: Path) -> None:
    found = scenario(copied, WHITE)
    folder = own(copied)
    assert json.loads((folder / "scenario.json").read_bytes()) == found
    assert {path.name for path in folder.iterdir()} == {
        *("scenario.json", "policies", "warehouse", "changes", ".lock"),
    }
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    changes = pq.ParquetFile(folder / "changes" / f"run_id={NAME}" / "part-0.parquet").read()
    assert changes.column_names == list(PUBLISHED["restatements"].stored_columns)
    moved = [
        (row["value_before"], row["value_after"])
        for row in changes.to_pylist()
        if (row["table_name"], row["column_name"]) == ("tier_snapshot", "tier")
    ]
    assert len(moved) == found["moved"]
    with duckdb.connect(str(folder / "warehouse" / "catalog.duckdb"), read_only=True) as catalog:
        counted = dict(
            catalog.execute("SELECT tier, count(*) FROM tier_snapshot GROUP BY 1").fetchall()
        )
        (cells,) = catalog.execute("SELECT count(*) FROM restatements").fetchall()[0]
    assert counted == {row["tier"]: row["scenario"] for row in found["tiers"] if row["scenario"]}
    assert cells == changes.num_rows


def test_no_other_command_knows_of_scenarios(copied: Path) -> None:
    def seen() -> list[Any]:
        build_catalog(Workspace(copied))
        texts = [
            (copied / "warehouse" / name).read_bytes()
            for name in ("catalog.sql", "datapackage.json")
        ]
        proof = verify(options(copied))
        proof.pop("seconds", None)
        kept = retain(options(copied), LATER, remove=False)
        return [texts, proof, kept, workspace_status(options(copied))]

    before = seen()
    scenario(copied, *_TWO)
    assert seen() == before
    publish(copied)
    assert scenarios.scenario(Workspace(copied), NAME)["name"] == NAME


def test_it_takes_no_lock_of_the_base_and_its_name_is_made_by_one_alone(copied: Path) -> None:
    with Workspace(copied).lock("points"):
        scenario(copied, WHITE)
    folder = own(copied, "busy")
    with Workspace(folder).lock("simulate"), pytest.raises(WorkspaceHeld, match="scenario busy"):
        scenario(copied, WHITE, name="busy")
    with pytest.raises(WrongUsage, match=f"there is a scenario {NAME}"):
        scenario(copied, WHITE)


def corrected(workspace: Path, years: tuple[int, ...] = (2018,)) -> None:
    """A correction delivered, and the years assessed anew."""
    land(workspace, "billing", [correction()], "correction.csv")
    stage(workspace)
    publish(workspace, years)


def test_it_begins_again_where_a_command_replaces_what_it_read(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def meanwhile(*given: Any) -> Row:
        nonlocal calls
        calls += 1
        if calls == 1:
            corrected(copied)
        return blocks(*given)

    monkeypatch.setattr("flows.answers.simulate.simulate.blocks", meanwhile)
    found = scenario(copied, WHITE)
    assert calls == 2
    (row,) = scenarios.listed(options(copied))["scenarios"]
    assert row["changed_since"] == []
    assert found == scenario(copied, WHITE, name=NAME + "-2") | {
        "name": NAME,
        "policies": found["policies"],
        "parameters": found["parameters"],
    }


def test_what_it_begins_with_is_published_and_current(copied: Path) -> None:
    with pytest.raises(NotReady, match=r"tiers 2019 is not published; run `pointbook tiers --year"):
        scenario(copied, WHITE, year=2019)
    land(copied, "billing", [correction()], "correction.csv")
    stage(copied)
    with pytest.raises(NotReady, match=r"tiers 2018 is stale \(changed: billing"):
        scenario(copied, WHITE)
    with pytest.raises(WrongUsage, match="--to goes with --through points or elite"):
        scenario(copied, WHITE, to="2018-01")
    assert scenario(copied, WHITE, year=2017)["year"] == 2017


def test_months_are_closed_up_to_the_last_that_is_asked_for(sample: Path) -> None:
    text = "point_payment_credits.per_amount=500"
    found = scenario(sample, text, year=2022, through="points", to="2022-01", name="one-month")
    assert {each["period"] for each in found["made"] if each["command"] == "points"} == {"2022-01"}
    assert sum(row["difference"] for row in found["liability"]) == cost(found)["closing"]
    with pytest.raises(NotReady, match=r"2022-03.*is not published"):
        scenario(sample, text, year=2022, through="points", to="2022-03", name="too-far")
    with pytest.raises(WrongUsage, match="lies before 2022-01"):
        scenario(sample, text, year=2022, through="points", to="2021-12", name="too-early")


# Several of them


def test_scenarios_stand_side_by_side(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = scenario(copied, WHITE, name="dearer")
    second = scenario(copied, "tier_upgrade.gold.tenure_years=5", name="sooner")
    found = scenarios.compared(options(copied), ["dearer", "sooner"])
    validator("simulate-compare.v1").validate(found)
    for row, one, other in zip(found["tiers"], first["tiers"], second["tiers"], strict=True):
        assert (row["published"], row["values"]) == (
            one["published"],
            [one["scenario"], other["scenario"]],
        )
    total = [row["values"] for row in found["winners_and_losers"] if row["what"] == "total"]
    assert total == [[first["amount"], second["amount"]]]
    told = [row["value"] for row in found["parameters"][0]["values"]]
    assert told == [250_000, 200_000]
    print_summary("compare", found, copied, {})
    printed = capsys.readouterr().out
    assert "dearer" in printed
    assert "sooner" in printed


def test_what_was_made_from_another_base_is_said_and_not_compared(copied: Path) -> None:
    given = options(copied)
    scenario(copied, WHITE, name="before")
    corrected(copied)
    scenario(copied, WHITE, name="after")
    listed = scenarios.listed(given)
    validator("simulate-list.v1").validate(listed)
    changed = {row["name"]: row["changed_since"] for row in listed["scenarios"]}
    assert changed["after"] == []
    assert "tier_snapshot 2018" in changed["before"]
    with pytest.raises(WrongUsage, match=r"were made from another .*--anyway"):
        scenarios.compared(given, ["before", "after"])
    found = scenarios.compared(given, ["before", "after"], anyway=True)
    assert found["differ"]
    scenario(copied, WHITE, year=2017, name="earlier")
    with pytest.raises(WrongUsage, match="differ in year: 2018 and 2017"):
        scenarios.compared(given, ["after", "earlier"])
    with pytest.raises(NotReady, match=r"no scenario is called afterr; did you mean after"):
        scenarios.compared(given, ["after", "afterr"])
    with pytest.raises(WrongUsage, match="two scenarios or more"):
        scenarios.compared(given, ["after", "after"])


def test_what_is_removed_is_gone_and_others_stay(copied: Path) -> None:
    scenario(copied, WHITE, name="one")
    scenario(copied, WHITE, name="two")
    validator("simulate-remove.v1").validate(scenarios.removed(options(copied), "one"))
    assert [path.name for path in (copied / "scenarios").iterdir()] == ["two"]
    with pytest.raises(NotReady, match="no scenario is called one"):
        scenarios.removed(options(copied), "one")


def test_nobody_is_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scenario(copied, *_THREE)
    print_summary("simulate", found, copied, {})
    told = capsys.readouterr().out + json.dumps(found)
    assert not [name for name in PEOPLE if name in told]


@pytest.mark.parametrize("through", ["tiers", "grants", "points", "elite"])
def test_it_is_printed_with_every_block(
    sample: Path, through: Through, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = _TWO if through != "elite" else ("accrual_rates.Y=50", "elite_miles.silver=5000")
    found = scenario(sample, *sets, year=2022, through=through, name=f"printed-{through}")
    print_summary("simulate", found, sample, {})
    printed = capsys.readouterr().out
    for title in ("Changed values", "to that of the scenario", "Winners and losers", "Cost in"):
        assert title in printed
    assert ("left at the end" in printed) == (through in ("points", "elite"))
    assert "interaction" in printed
    assert f"{found['amount']:,}" in printed


# The command


def test_the_command_prints_text_or_json_and_its_errors_have_exit_codes(
    copied: Path, tmp_path: Path
) -> None:
    environment = {"POINTBOOK_WORKSPACE": str(copied), "COLUMNS": "120"}

    def call(*words: str) -> tuple[int, str, str]:
        ended = command_line(["simulate", *words], environment, tmp_path / "printed")
        # what takes longer than two seconds says so
        told = [line for line in ended.stderr.splitlines() if not line.startswith("simulating ")]
        return ended.returncode, ended.stdout, "\n".join(told)

    make = ("dearer", "--year", "2018", "--set", WHITE, "--set", _THREE[0])
    code, out, err = call(*make)
    assert (code, err) == (0, "")
    assert f"--set {_THREE[0]}" in out
    code, out, err = call("other", *make[1:], "--through", "tiers", "--json")
    assert (code, err) == (0, "")
    validator("simulate.v1").validate(json.loads(out))
    answers: tuple[tuple[tuple[str, ...], str], ...] = (
        (("list",), "simulate-list"),
        (("compare", "dearer", "other", "--anyway"), "simulate-compare"),
        (("remove", "other"), "simulate-remove"),
    )
    for words, kind in answers:
        if kind != "simulate-remove":
            code, out, err = call(*words)
            assert (code, err) == (0, "")
            assert "dearer" in out
        code, out, err = call(*words, "--json")
        assert (code, err) == (0, "")
        validator(f"{kind}.v1").validate(json.loads(out))
    wrong: tuple[tuple[tuple[str, ...], int, str], ...] = (
        (make, 2, "there is a scenario dearer"),
        (("../x", *make[1:]), 2, "is no name of a scenario"),
        (("new", "--year", "2018", "--through", "all"), 2, "--through"),
        (("new", "--year", "2018", "--set", "a.b=1"), 2, "no policy is called a"),
        (("new", "--year", "2018", "--to", "2018-1"), 2, "'2018-1' is no month"),
        (("new", "--year", "2019"), 4, "tiers 2019 is not published"),
        (("compare", "dearer"), 2, "two scenarios or more"),
        (("remove", "nobody"), 4, "no scenario is called nobody"),
    )
    for asked, expected, told in wrong:
        code, out, err = call(*asked)
        assert (code, out) == (expected, ""), asked
        assert told in err
        assert len(err.splitlines()) == 1
    assert [path.name for path in (copied / "scenarios").iterdir()] == ["dearer"]
