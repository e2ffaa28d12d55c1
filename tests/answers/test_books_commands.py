"""`pointbook policies`, `liability` and `finance` as commands: what they print, and exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.publishing.options import POLICIES as SHIPPED
from tests.forks import command_line
from tests.questions import validator

Call = Callable[..., Any]
DONE, FAILED, USAGE, NOT_READY = 0, 1, 2, 4


@pytest.fixture
def call(last_months: Path, tmp_path: Path) -> Call:
    """Runs a command over the sample's last months, without Prefect."""
    environment = {"POINTBOOK_WORKSPACE": str(last_months), "COLUMNS": "100"}
    return lambda *words: command_line([*map(str, words)], environment, tmp_path / "printed")


def test_policies_need_no_workspace(tmp_path: Path) -> None:
    environment = {"POINTBOOK_WORKSPACE": str(tmp_path / "nowhere")}
    ended = command_line(["policies", "--json"], environment, tmp_path / "printed")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    validator("policies.v1").validate(json.loads(ended.stdout))
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["policies", "--on", "2018-11-01"], "policies"),
        (["policies", "--changed-from", str(SHIPPED.with_name("as_happened"))], "policies"),
        (["liability", "--on", "2022-01-15T12:00:00", "--least", "5"], "liability"),
        (["finance", "--from", "2022-01", "--to", "2022-02"], "finance"),
    ],
)
def test_json_is_as_its_schema_says_and_text_is_printed_without_it(
    words: list[str], kind: str, call: Call, tmp_path: Path
) -> None:
    if kind == "finance":
        words = [*words, "--out", str(tmp_path / "pack")]
    ended = call(*words, "--json")
    assert (ended.returncode, ended.stderr) == (DONE, "")
    validator(f"{kind}.v1").validate(json.loads(ended.stdout))
    text = call(*words)
    assert text.returncode == DONE
    assert len(text.stdout.splitlines()) > 5
    if kind == "finance":
        written = json.loads((tmp_path / "pack" / "finance.json").read_text(encoding="utf-8"))
        validator("finance.v1").validate(written)
        assert "out" not in written


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["policies", "--on", "today"], USAGE, "'today' is no day; write it as YYYY-MM-DD"),
        (["policies", "--policies", "/nowhere"], USAGE, "/nowhere: no such policy folder"),
        (["policies", "--run", "1", "--policies", "x"], USAGE, "--run and --policies exclude"),
        (["policies", "--run", "000999-tiers"], NOT_READY, "no run is called 000999-tiers"),
        (["liability"], USAGE, "--on"),
        (["liability", "--on", "2022-01-15T12:00"], USAGE, "is no moment"),
        (["liability", "--on", "2022-01-15T25:00:00"], USAGE, "is no moment"),
        (["liability", "--on", "2022-01-15", "--least", "0"], USAGE, "--least"),
        (["liability", "--on", "2022-03-01"], NOT_READY, "`pointbook points --month 2022-03`"),
        (["liability", "--on", "2019-01-01"], USAGE, "lies before 2021-11"),
        (["finance", "--from", "2022-1", "--to", "2022-02"], USAGE, "'2022-1' is no month"),
        (["finance", "--from", "2022-02", "--to", "2022-01"], USAGE, "lies before --from"),
        (["finance", "--from", "2022-02", "--to", "2022-03"], NOT_READY, "--month 2022-03"),
    ],
)
def test_what_cant_be_answered_is_one_line_and_an_exit_code(
    words: list[str], code: int, told: str, call: Call
) -> None:
    ended = call(*words)
    assert ended.returncode == code, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert told in line
    assert ended.stdout == ""
