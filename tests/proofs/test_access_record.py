"""The record of explains: who asked about whom and when, and how long that is kept."""

from __future__ import annotations

import json
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.console.errors import RunFailed, WrongUsage
from flows.console.zone import KOREA
from flows.proofs import access_record
from flows.proofs.retention import retain
from schemas.periods import months_before
from tests.console.test_cli import complaint, environment
from tests.forks import command_line
from tests.membership import options


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "asked.jsonl"
    monkeypatch.setenv(access_record.VARIABLE, str(path))
    return path


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def test_who_asked_about_whom_is_on_record_before_the_answer(telecom: Path, tmp_path: Path) -> None:
    log = tmp_path / "asked.jsonl"

    def call(*more: str) -> Any:
        words = ["explain", "tier", "--year", "2018", "--workspace", str(telecom), *more]
        env = environment() | {access_record.VARIABLE: str(log)}
        return command_line(words, env, tmp_path / "printed")

    began = datetime.now(KOREA)
    assert call("--customer", "white", "--asked-by", "상담원 7").returncode == 0
    assert "has it" in complaint(call("--customer", "stranger", "--as-of", "d1"), 4)
    first, second = lines(log)
    assert began <= datetime.fromisoformat(first.pop("at")) <= datetime.now(KOREA)
    assert first == {"asked_by": "상담원 7", "kind": "tier", "customer": "white", "year": "2018"}
    assert (second["customer"], second["as_of"]) == ("stranger", "d1")
    assert second["asked_by"]
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "--asked-by is a name" in complaint(call("--customer", "white", "--asked-by", "a\nb"), 2)
    log.unlink()
    log.mkdir()
    told = complaint(call("--customer", "white"), 1)
    assert "nothing is explained without the record" in told


def test_without_the_variable_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(access_record.VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    access_record.record("tier", {"customer": "c"}, "me")
    assert not list(tmp_path.iterdir())
    assert access_record.old_lines(date.max) is None


def test_a_link_is_not_followed(log: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_text("kept")
    log.symlink_to(tmp_path / "other")
    with pytest.raises(RunFailed, match="nothing is explained without"):
        access_record.record("tier", {}, "me")
    assert (tmp_path / "other").read_text() == "kept"


@pytest.mark.parametrize("name", ["", "x" * 101, "a\x1b[2J"])
def test_a_name_is_printable(log: Path, name: str) -> None:
    with pytest.raises(WrongUsage, match="--asked-by is a name"):
        access_record.record("tier", {}, name)
    assert not log.exists()


def test_lines_are_kept_as_long_as_the_policy_says(
    log: Path, telecom: Path, tmp_path: Path
) -> None:

    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    today = datetime.now(KOREA).date()
    old = {"at": f"{months_before(today, 25)}T00:00:00+09:00", "asked_by": "a", "kind": "tier"}
    log.write_text(json.dumps(old) + "\nnot a line of it\n")
    access_record.record("tier", {"customer": "c"}, "me")

    def listed(remove: bool) -> dict[str, Any]:
        found = retain(options(workspace), today, remove)
        (of,) = [each for each in found["subjects"] if each["subject"] == "explains"]
        return dict(of)

    told = listed(False)
    assert (told["rows"], told["months"]) == (1, 24)
    assert told["bytes"] == len(json.dumps(old)) + 1
    assert len(log.read_text().splitlines()) == 3
    assert listed(True) == told
    kept = log.read_text().splitlines()
    assert kept[0] == "not a line of it"
    assert json.loads(kept[1])["customer"] == "c"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert listed(True)["rows"] == 0


def test_no_line_is_lost_where_others_are_removed_meanwhile(log: Path) -> None:
    """Whoever writes waits for whoever removes, and writes to the file that is there then."""
    with ThreadPoolExecutor(8) as pool:
        writing = [
            pool.submit(access_record.record, "tier", {"customer": str(n)}, "me")
            for n in range(100)
        ]
        for _ in range(20):
            access_record.forget(date(2001, 1, 1))
        for each in writing:
            each.result()
    assert {line["customer"] for line in lines(log)} == {str(n) for n in range(100)}
