"""What the template owes every command: the first error, and a fingerprint of all its code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from flows.commands.registry import COMMANDS
from flows.commands.template import Work, code_of
from flows.console.errors import WrongUsage
from flows.publishing.options import POLICIES, asked_period, start_engine
from schemas.periods import Period
from tests.commands_in_tests import run_command
from tests.membership import land_all, options, stage
from transforms.engine.engine import load_transform
from transforms.engine.errors import OutOfMemory, QueryError
from transforms.policies.assessment import assessment
from transforms.policies.policy import Policies, PolicyError

FOLDED = [name for name, command in COMMANDS.items() if command.fold is not None]
UNKNOWN: Any = None


@pytest.mark.parametrize("error", [QueryError("first"), OutOfMemory("first")])
@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if command.too_large is not None]
)
def test_an_error_before_anything_is_made_is_the_one_that_is_shown(
    error: QueryError, name: str, tmp_path: Path
) -> None:
    """The sums that may be too large are asked for, and what they are made of is not there."""
    with start_engine(tmp_path) as engine:
        work = Work(COMMANDS[name], engine, UNKNOWN, Period(2016, 11), UNKNOWN, tmp_path, UNKNOWN)
        work.raise_if_too_large(error)


def test_the_code_of_the_fold_is_of_the_commands_that_fold() -> None:
    loop = Path(__file__).parents[2] / "transforms" / "ledger" / "loop.py"
    text = loop.read_text(encoding="utf-8")
    assert sorted(FOLDED) == ["micropayments", "miles", "points"]
    assert [name for name, command in COMMANDS.items() if text in command.code] == FOLDED


def test_the_order_of_spending_and_the_narrowing_query_are_code() -> None:
    points = COMMANDS["points"]
    assert points.fold is not None
    other = replace(points, fold=replace(points.fold, spending_order="oldest_credit"))
    assert code_of(other) != code_of(points)
    assert load_transform("points/cancelled_months").body in points.code


def test_the_order_of_a_headers_inputs_is_not_code() -> None:
    points = COMMANDS["points"]
    reversed_tables = replace(points, tables=points.tables[::-1])
    assert reversed_tables.dependencies.in_order != points.dependencies.in_order
    assert reversed_tables.dependencies.sql == points.dependencies.sql


def test_only_a_ledgers_own_command_starts_it(tmp_path: Path) -> None:
    land_all(tmp_path)
    stage(tmp_path)
    notices = run_command(options(tmp_path), "notices 2016-11")
    assert notices["opens_from"] is None
    assert "starts_ledger" not in notices


def test_a_manifest_names_flags_that_were_not_given(tmp_path: Path) -> None:
    land_all(tmp_path)
    stage(tmp_path)
    manifest = run_command(options(tmp_path), "tiers 2017")
    assert manifest["parameters"]["allow_missing_months"] is False


@pytest.mark.parametrize(("value", "span"), [("2015-13", "month"), (1, "year"), ("17", "year")])
def test_what_is_no_period_is_wrong_usage(value: str | int, span: str) -> None:
    with pytest.raises(WrongUsage, match="write it as"):
        asked_period(value, cast("Any", span))


def test_a_year_before_1000_is_one() -> None:
    assert asked_period(999, "year") == Period(999)


def test_a_window_before_the_first_year_is_an_error_of_the_policy() -> None:
    with pytest.raises(PolicyError, match="the window of membership year 2 begins before year 1"):
        assessment(Policies.load(POLICIES), Period(2))
