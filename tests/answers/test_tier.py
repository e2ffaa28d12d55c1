"""Why a customer has a tier: every way to it, and what would have changed it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.console.errors import NotReady, ProofFailed, WrongUsage
from tests.commands_in_tests import run_commands
from tests.membership import Row, customer, land, line, months, options, stage, table_rows
from tests.questions import asked, change, step, steps

YEAR = 2017
WINDOW = months("2015-11", "2016-10")
CONTACT, ADDRESS = "010-7777-1234", "marked address 7"


def _customers() -> list[Row]:
    marked = {"contact": CONTACT, "address": ADDRESS}
    return [
        *(customer(name, **marked) for name in ("none", "low", "middle", "high", "unpaid")),
        customer("lifted", joined_on="2010-11-01"),
        customer("young", joined_on="2010-11-02"),
        customer("leap", joined_on="2012-02-29"),
        customer("credit", **marked),
        customer("left", terminated_on="2016-06-30"),
        customer("gone", terminated_on="2016-06-30"),
        customer("later", joined_on="2016-11-02"),
    ]


def _bills() -> list[Row]:
    """Bills of one window; `unpaid` owes two counting lines and one that does not count."""
    first, last = WINDOW[0], WINDOW[-1]
    return [
        *(line(f"month-{month}", "low", month, 10_000) for month in WINDOW),
        line("middle", "middle", first, 400_000),
        line("high", "high", first, 1_000_000),
        line("lifted", "lifted", first, 600_000),
        line("young", "young", first, 999_999),
        line("leap", "leap", first, 600_000),
        line("credit", "credit", last, -5_000),
        line("left", "left", first, 30_000),
        line("later", "later", first, 3_000),
        line("nobody", "nobody", first, 7_000),
        line("paid", "unpaid", first, 597_370),
        line("owed-1", "unpaid", first, 20_000, collected_amount=10_000),
        line("owed-2", "unpaid", last, 17_760, collected_amount=0, collected_on=""),
        line("late", "unpaid", last, 90_000, collected_amount=0, charge_item="late_fee"),
    ]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A window's bills, assessed; to read or copy only."""
    folder = tmp_path_factory.mktemp("tier") / "workspace"
    land(folder, "customers", _customers())
    land(folder, "billing", _bills())
    stage(folder)
    run_commands(options(folder), [f"tiers {YEAR}"])
    return folder


def _copy(workspace: Path, to: Path) -> Path:
    return Path(shutil.copytree(workspace, to / "workspace"))


def _rerun(workspace: Path, export: str, rows: Iterable[Row]) -> Row:
    """Delivers corrections and assesses anew; returns the snapshot by customer."""
    land(workspace, export, rows, name="corrected.csv")
    stage(workspace)
    run_commands(options(workspace), [f"tiers {YEAR}"])
    return {row["customer_id"]: row for row in table_rows(workspace, "tier_snapshot")}


def test_every_assessed_customer_is_answered_as_published(workspace: Path) -> None:
    rows = table_rows(workspace, "tier_snapshot")
    assert {row["tier"] for row in rows} == {"general", "white", "silver", "gold", "vip"} - {
        "white"
    }
    for row in rows:
        answer = asked(workspace, "tier", customer=row["customer_id"], year=YEAR)
        told = answer["answer"]
        names = ("tier", "fee_tier", "annual_fee", "tenure_years", "upgraded")
        assert {name: told[name] for name in names} == {name: row[name] for name in names}
        assert answer["checked"]
        assert not answer["stale"]
        fees = step(answer, "tier_fees")
        lines = [each for each in steps(answer, "tier_lines") if each["passed"]]
        assert fees["outcome"] == row["annual_fee"]
        assert fees["outcome"] == sum(each["inputs"]["collected_amount"] for each in lines)
        assert fees["inputs"]["counting_lines"] == len(lines)
        items = steps(answer, "tier_items")
        assert fees["inputs"]["lines"] == sum(each["inputs"]["lines"] for each in items)


@pytest.mark.parametrize(
    ("who", "reason", "amount"),
    [
        ("nobody", "unknown_customer", 7_000),
        ("left", "terminated", 30_000),
        ("gone", "terminated", 0),
        ("later", "not_joined", 3_000),
    ],
)
def test_every_reason_not_to_be_assessed_is_told(
    workspace: Path, who: str, reason: str, amount: int
) -> None:
    answer = asked(workspace, "tier", customer=who, year=YEAR)["answer"]
    assert (answer["tier"], answer["reason"], answer["annual_fee"]) == (None, reason, amount)


def test_how_far_a_fee_lies_from_the_thresholds(workspace: Path) -> None:
    found = step(asked(workspace, "tier", customer="unpaid", year=YEAR), "tier_by_fee")
    assert found["outcome"] == "gold"
    found = step(asked(workspace, "tier", customer="middle", year=YEAR), "tier_by_fee")
    assert (found["outcome"], found["over"]) == ("silver", 0)
    assert found["next"] == {"tier": "gold", "value": 600_000, "short": 200_000}
    assert found["policy"]["file"] == "tier_thresholds"
    assert found["policy"]["key"] == {"tier": "silver"}
    assert found["policy"]["value"] == 400_000
    assert "S0" in found["policy"]["source"]
    assert "next" not in step(asked(workspace, "tier", customer="high", year=YEAR), "tier_by_fee")


def test_when_tenure_is_reached(workspace: Path) -> None:
    lifted = step(asked(workspace, "tier", customer="lifted", year=YEAR), "tier_by_tenure")
    assert (lifted["said"], lifted["passed"], lifted["outcome"]) == ("lifted", True, "vip")
    young = asked(workspace, "tier", customer="young", year=YEAR)
    assert step(young, "tier_by_tenure")["inputs"]["reached_on"] == "2016-11-02"
    assert change(young, "tenure")["days"] == 1
    assert change(young, "tenure")["gives"] == {"tier": "vip"}
    leap = asked(workspace, "tier", customer="leap", year=YEAR)
    assert step(leap, "tier_by_tenure")["inputs"]["reached_on"] == "2018-02-28"
    other = step(asked(workspace, "tier", customer="middle", year=YEAR), "tier_by_tenure")
    assert other["said"] == "other_tier"


def test_what_is_collected_later_gives_what_was_promised(workspace: Path, tmp_path: Path) -> None:
    """Both lines count; the one that is owed and does not count is none of it."""
    before = asked(workspace, "tier", customer="unpaid", year=YEAR)
    assert before["answer"]["tier"] == "gold"
    assert [row["change"] for row in before["nearest"]] == ["more", "less", "tenure"]
    policies = _with_threshold(tmp_path, 610_000)
    copy = _copy(workspace, tmp_path)
    run_commands(options(copy, policies=policies), [f"tiers {YEAR}"])
    answer = asked(copy, "tier", customer="unpaid", year=YEAR, policies=policies)
    assert answer["hypothetical"]["answer"]["tier"] == "silver"
    promised = change(answer, "collect")
    assert promised["lines"] == ["owed-1", "owed-2"]
    assert promised["amount"] == 27_760
    assert promised["gives"] == {"tier": "gold", "fee_tier": "gold"}
    paid = [
        line("owed-1", "unpaid", WINDOW[0], 20_000, revision=1),
        line("owed-2", "unpaid", WINDOW[-1], 17_760, revision=1),
    ]
    land(copy, "billing", paid, name="paid.csv")
    stage(copy)
    run_commands(options(copy, policies=policies), [f"tiers {YEAR}"])
    rows = {row["customer_id"]: row for row in table_rows(copy, "tier_snapshot")}
    assert rows["unpaid"]["tier"] == "gold"


def _with_threshold(tmp_path: Path, gold: int) -> Path:
    """A policy folder in which gold begins elsewhere."""
    from flows.publishing.options import POLICIES

    folder = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    file = folder / "tier_thresholds.yaml"
    text = file.read_text(encoding="utf-8")
    assert "from_fee: 600000" in text
    file.write_text(text.replace("from_fee: 600000", f"from_fee: {gold}"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("who", ["low", "middle", "high", "none", "credit", "unpaid", "lifted"])
@pytest.mark.parametrize("name", ["more", "less"])
def test_won_more_or_less_give_what_was_promised(
    workspace: Path, tmp_path: Path, who: str, name: str
) -> None:
    """The correction is delivered and assessed; one won nearer gives nothing."""
    answer = asked(workspace, "tier", customer=who, year=YEAR)
    promised = [row for row in answer["nearest"] if row["change"] == name]
    assert bool(promised) == (
        answer["answer"]["fee_tier"] != ("vip" if name == "more" else "general")
    )
    if not promised:
        return
    copy = _copy(workspace, tmp_path)
    sign = 1 if name == "more" else -1
    amount = promised[0]["amount"]
    nearly = line("difference", who, WINDOW[3], sign * (amount - 1))
    rows = _rerun(copy, "billing", [nearly] if amount > 1 else [])
    assert rows[who]["fee_tier"] == answer["answer"]["fee_tier"]
    whole = line("difference", who, WINDOW[3], sign * amount, revision=1)
    rows = _rerun(copy, "billing", [whole])
    gives = promised[0]["gives"]
    assert {key: rows[who][key] for key in gives} == gives


def test_a_longer_tenure_gives_what_was_promised(workspace: Path, tmp_path: Path) -> None:
    promised = change(asked(workspace, "tier", customer="young", year=YEAR), "tenure")
    copy = _copy(workspace, tmp_path)
    corrected = customer("young", joined_on="2010-11-01", updated_at="2021-01-01 00:00:00")
    assert _rerun(copy, "customers", [corrected])["young"]["tier"] == promised["gives"]["tier"]


def test_a_correction_is_stale_first_and_history_then(workspace: Path, tmp_path: Path) -> None:
    copy = _copy(workspace, tmp_path)
    land(copy, "billing", [line("middle", "middle", WINDOW[0], 600_000, revision=1)], "new.csv")
    stage(copy)
    stale = asked(copy, "tier", customer="middle", year=YEAR)
    assert stale["answer"]["tier"] == "silver"
    assert (stale["checked"], stale["now"]["tier"]) == (False, "gold")
    assert "billing" in stale["stale"]
    other = asked(copy, "tier", customer="low", year=YEAR)
    assert other["checked"], "what changed is not the customer's"
    run_commands(options(copy), [f"tiers {YEAR}"])
    answer = asked(copy, "tier", customer="middle", year=YEAR)
    assert answer["checked"]
    restated = {row["column"]: row for row in answer["history"] if row["what"] == "restated"}
    assert (restated["tier"]["before"], restated["tier"]["after"]) == ("silver", "gold")
    assert restated["tier"]["run_id"] == answer["provenance"]["run_id"]
    replaced = [row for row in answer["history"] if row["what"] == "replaced"]
    assert replaced == [{"what": "replaced", "export": "billing", "delivery": 2, "rows": 1}]


def test_other_policies_are_tried_and_nothing_is_kept(workspace: Path, tmp_path: Path) -> None:
    policies = _with_threshold(tmp_path, 400_001)
    answer = asked(workspace, "tier", customer="unpaid", year=YEAR, policies=policies)
    assert answer["checked"]
    assert answer["answer"]["tier"] == answer["hypothetical"]["answer"]["tier"] == "gold"
    assert step(answer, "tier_by_fee")["policy"]["value"] == 400_001
    assert asked(workspace, "tier", customer="unpaid", year=YEAR)["steps"] != answer["steps"]


def test_a_value_that_is_set_is_as_in_a_folder_that_has_it(workspace: Path, tmp_path: Path) -> None:
    policies = _with_threshold(tmp_path, 590_001)
    in_folder = asked(workspace, "tier", customer="unpaid", year=YEAR, policies=policies)
    value = ("tier_thresholds.gold=590001",)
    answer = asked(workspace, "tier", customer="unpaid", year=YEAR, settings=value)
    assert answer["hypothetical"] == in_folder["hypothetical"]
    assert [row["inputs"] for row in answer["steps"]] == [
        row["inputs"] for row in in_folder["steps"]
    ]
    assert asked(workspace, "tier", customer="unpaid", year=YEAR)["steps"] != answer["steps"]
    for wrong, told in (
        ("tier_threshold.gold=1", "did you mean tier_thresholds"),
        ("tier_thresholds.golden=1", "did you mean gold"),
        ("tier_thresholds.gold@2099-01-01=none", "tier_thresholds"),
    ):
        with pytest.raises(WrongUsage, match=told):
            asked(workspace, "tier", customer="unpaid", year=YEAR, settings=(wrong,))


def test_a_published_row_that_its_rules_do_not_give_is_no_answer(
    workspace: Path, tmp_path: Path
) -> None:
    copy = _copy(workspace, tmp_path)
    (path,) = (copy / "warehouse" / "tier_snapshot" / f"membership_year={YEAR}").iterdir()
    table = pq.ParquetFile(path).read()
    middle = pc.equal(table["customer_id"], "middle")
    tier = pc.if_else(middle, pa.scalar("vip"), table["tier"])
    at = table.schema.get_field_index("tier")
    pq.write_table(table.set_column(at, table.schema.field(at), tier), path)
    with pytest.raises(ProofFailed, match=r"tier_snapshot 2017 middle: tier is published as vip"):
        asked(copy, "tier", customer="middle", year=YEAR)
    assert asked(copy, "tier", customer="low", year=YEAR)["checked"]


def test_what_is_not_there_is_said_with_what_makes_it(workspace: Path) -> None:
    with pytest.raises(NotReady, match="pointbook tiers --year 2018"):
        asked(workspace, "tier", customer="low", year=2018)
    with pytest.raises(NotReady, match="no committed file of billing, customers has it"):
        asked(workspace, "tier", customer="whoever", year=YEAR)


def test_nothing_personal_is_told(workspace: Path) -> None:
    for who in ("none", "low", "unpaid"):
        told = str(asked(workspace, "tier", customer=who, year=YEAR))
        hashes = table_rows_of_customers(workspace, who)
        for secret in (CONTACT, "01077771234", ADDRESS, *hashes):
            assert secret not in told


def table_rows_of_customers(workspace: Path, who: str) -> list[str]:
    """The hashes that are staged of a customer."""
    rows = [
        row
        for path in (workspace / "staged" / "customers").rglob("*.parquet")
        for row in pq.ParquetFile(path).read().to_pylist()
        if row["customer_id"] == who
    ]
    found = [row[name] for row in rows for name in ("contact", "address") if row[name]]
    assert found
    return found
