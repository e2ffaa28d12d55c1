"""`pointbook policies`: every value with its dates and source, and where two folders differ."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.answers.policy_values import folders, policies_of_run, policy_values
from flows.console.errors import NotReady, WrongUsage
from flows.console.summary import print_summary
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from schemas.policy import POLICIES
from tests.policy_folders import replaced_policies
from tests.questions import validator
from transforms.policies.policy import Policies

AS_HAPPENED = SHIPPED.with_name("as_happened")
TIERS = {"general": 0, "white": 200_000, "silver": 400_000, "gold": 600_000, "vip": 1_000_000}


def values(found: dict[str, Any], policy: str) -> list[dict[str, Any]]:
    return [row for row in found["values"] if row["policy"] == policy]


def thresholds(white: list[dict[str, Any]], folder: Path) -> Policies:
    """The shipped policies with these rows of white among the tiers' thresholds."""
    others = [{"tier": tier, "from_fee": fee} for tier, fee in TIERS.items() if tier != "white"]
    rows = [*others, *({"tier": "white"} | row for row in white)]
    return Policies.load(replaced_policies({"tier_thresholds": rows}, folder))


def test_both_forms_are_as_their_schema_says() -> None:
    announced, happened = folders(SHIPPED, AS_HAPPENED)
    for found in (
        policy_values(announced),
        policy_values(announced, on=date(2018, 11, 1)),
        policy_values(happened, before=announced),
    ):
        validator("policies.v1").validate(found)


def test_every_value_of_every_row_is_told_with_its_dates_unit_and_source() -> None:
    policies = Policies.load(SHIPPED)
    found = policy_values(policies)["values"]
    counted = sum(len(policies.rows(name)) * len(POLICIES[name].values) for name in POLICIES)
    assert len(found) == counted
    assert {row["policy"] for row in found} == set(POLICIES)
    assert all(row["source"] and row["unit"] for row in found)


def test_a_day_tells_what_is_in_force_on_it_alone(tmp_path: Path) -> None:
    white = [
        {"from_fee": 200_000, "valid_to": "2018-11-01"},
        {"from_fee": 250_000, "valid_from": "2018-11-01"},
    ]
    policies = thresholds(white, tmp_path)
    held = {
        day: [
            row["value"]
            for row in values(policy_values(policies, on=day), "tier_thresholds")
            if row["key"] == {"tier": "white"}
        ]
        for day in (date(2018, 10, 31), date(2018, 11, 1))
    }
    assert held == {date(2018, 10, 31): [200_000], date(2018, 11, 1): [250_000]}


def test_a_change_is_a_span_of_days_with_both_values_and_sources(tmp_path: Path) -> None:
    white = [
        {"from_fee": 200_000, "valid_to": "2018-11-01"},
        {"from_fee": 250_000, "valid_from": "2018-11-01", "valid_to": "2020-11-01"},
        {"from_fee": 200_000, "valid_from": "2020-11-01"},
    ]
    before = Policies.load(SHIPPED)
    found = policy_values(thresholds(white, tmp_path), before=before)["changes"]
    (told,) = [row for row in before.rows("tier_thresholds") if row["tier"] == "white"]
    assert found == [
        {
            "policy": "tier_thresholds",
            "about": POLICIES["tier_thresholds"].description,
            "key": {"tier": "white"},
            "column": "from_fee",
            "since": "2018-11-01",
            "until": "2020-11-01",
            "before": {"value": 200_000, "source": told["source"]},
            "after": {"value": 250_000, "source": "assumption: a test"},
        }
    ]


def test_a_change_on_a_day_is_one_whose_span_it_lies_in(tmp_path: Path) -> None:
    white = [
        {"from_fee": 200_000, "valid_to": "2018-11-01"},
        {"from_fee": 250_000, "valid_from": "2018-11-01"},
    ]
    after, before = thresholds(white, tmp_path), Policies.load(SHIPPED)
    counts = [
        len(policy_values(after, on=day, before=before)["changes"])
        for day in (date(2018, 10, 31), date(2018, 11, 1))
    ]
    assert counts == [0, 1]


def test_what_is_not_in_force_is_another_thing_than_null() -> None:
    """as_happened has no elite year for the first status years at all."""
    announced, happened = folders(SHIPPED, AS_HAPPENED)
    found = policy_values(happened, before=announced)["changes"]
    (first, *_) = [row for row in found if row["policy"] == "elite_year"]
    assert first["before"]["value"] == 2
    assert first["after"] is None


def test_the_same_folder_differs_in_nothing() -> None:
    policies = Policies.load(SHIPPED)
    assert policy_values(policies, before=policies)["changes"] == []


def test_the_errors_of_both_folders_are_told_at_once(tmp_path: Path) -> None:
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        for file in SHIPPED.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
    (tmp_path / "one" / "tier_lines.yaml").unlink()
    (tmp_path / "other" / "tier_upgrade.yaml").unlink()
    with pytest.raises(WrongUsage) as caught:
        folders(tmp_path / "one", tmp_path / "other")
    lines = str(caught.value).splitlines()
    assert [line.split(": missing")[0] for line in lines] == [
        f"{tmp_path / 'one'}: tier_lines.yaml",
        f"{tmp_path / 'other'}: tier_upgrade.yaml",
    ]


@pytest.fixture
def ran(telecom: Path, tmp_path: Path) -> tuple[Path, str, str]:
    """A workspace of its own, the run of its tiers, and the digest of the policies it used."""
    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    run = max((workspace / "runs").glob("*-tiers"))
    return workspace, run.name, json.loads((run / "manifest.json").read_text())["policies"]


def test_what_a_run_used_is_shown_as_the_workspace_keeps_it(
    ran: tuple[Path, str, str], tmp_path: Path
) -> None:
    """Today's folder is another one by now."""
    workspace, run_id, digest = ran
    if not (kept := workspace / "policies" / digest).exists():
        shutil.copytree(SHIPPED, kept)
    today = replaced_policies(
        {
            "tier_thresholds": [
                {"tier": t, "from_fee": f + (t == "white")} for t, f in TIERS.items()
            ]
        },
        tmp_path,
    )
    used = policies_of_run(Options(workspace=workspace, policies=today), run_id)
    assert used.digest == digest
    (white,) = policy_values(Policies.load(today), before=used)["changes"]
    assert (white["before"]["value"], white["after"]["value"]) == (200_000, 200_001)


def test_policies_that_are_not_kept_exit_4_unless_todays_are_the_same(
    ran: tuple[Path, str, str], tmp_path: Path
) -> None:
    workspace, run_id, digest = ran
    shutil.rmtree(workspace / "policies", ignore_errors=True)
    assert policies_of_run(Options(workspace=workspace), run_id).digest == digest
    with pytest.raises(NotReady, match=f"the policies of {run_id} are not kept there"):
        policies_of_run(Options(workspace=workspace, policies=AS_HAPPENED), run_id)
    with pytest.raises(NotReady, match="no run is called 000999-tiers"):
        policies_of_run(Options(workspace=workspace), "000999-tiers")
    (ingest, *_) = sorted((workspace / "runs").glob("*-ingest"))
    with pytest.raises(NotReady, match="the run read no policies"):
        policies_of_run(Options(workspace=workspace), ingest.name)


def test_no_line_is_wider_than_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables keep to 100 columns; a sentence is wrapped by the terminal."""
    monkeypatch.setattr("flows.console.summary._WIDTH_IN_PIPES", 100)
    announced, happened = folders(SHIPPED, AS_HAPPENED)
    address = "http://www.etnews.com/news/article.html?id=20190530000352"
    assert any(address in row["source"] for row in happened.rows("micropayment_ceiling"))
    for found in (policy_values(happened), policy_values(happened, before=announced)):
        print_summary("policies", found, None, {})
        printed = capsys.readouterr().out.splitlines()
        tables = [line for line in printed if line[:1] in "┏┃┡│└"]
        assert len(tables) > 20
        assert all(len(line) <= 100 for line in tables)
        # a source is folded, and so read to its end
        folded = "".join(
            line[line[:-1].rindex("│") + 1 : -1].strip() for line in tables if "│" in line[1:-1]
        )
        assert address in folded
