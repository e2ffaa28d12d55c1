"""What an operator is told before anything waits: of settings, the workspace and the key."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import stat
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cyclopts import App

from flows.calendar.demo import KEY as DEMO_KEY
from flows.cli import app
from flows.commands.registry import COMMANDS
from flows.console.environment import set_up_process, temporary_folder
from flows.console.errors import WorkspaceHeld
from flows.console.failures import tell_failure
from flows.publishing.workspace import Workspace
from tests.commands_in_tests import run_command
from tests.console.test_cli import (
    DONE,
    FAILED,
    NOT_READY,
    POINTBOOK,
    USAGE,
    Command,
    complaint,
    environment,
    process,
)
from tests.console.test_cli import call as call
from tests.console.test_cli import workspace as workspace
from tests.membership import customers, land, land_all, options, stage

WITHOUT_ROOTS_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


# Help


def test_nothing_asked_for_prints_the_help(call: Command) -> None:
    ended = call()
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert "Usage: pointbook COMMAND" in ended.stdout
    assert "--install-completion" in ended.stdout


NAMES = [name for name in app if not name.startswith("-")]
GROUPED = [
    (group, name)
    for group in ("explain", "simulate")
    for name in app[group]
    if not name.startswith("-")
]


def _command(words: tuple[str, ...]) -> App:
    """The command, or the command of a group, of that name."""
    return functools.reduce(lambda group, name: group[name], words, app)


def test_every_command_has_an_example() -> None:
    assert set(COMMANDS) < set(NAMES)
    for words in [*((name,) for name in NAMES), *GROUPED]:
        example = f"Example: pointbook {' '.join(words)}"
        assert example in str(_command(words).help_epilogue), words


@pytest.mark.parametrize(
    "words", [*((name,) for name in NAMES if name != "explain"), *GROUPED], ids=" ".join
)
def test_every_flag_has_its_text(words: tuple[str, ...]) -> None:
    for argument in _command(words).assemble_argument_collection(parse_docstring=True):
        if argument.show:
            assert argument.parameter.help, (words, argument.name)


def test_completion_is_installed_for_a_shell(call: Command, tmp_path: Path) -> None:
    ended = call("--install-completion", "--shell", "bash", HOME=str(tmp_path))
    assert ended.returncode == DONE, ended.stderr
    assert [path for path in tmp_path.rglob("*pointbook*") if path.is_file()]


@pytest.mark.parametrize("year", ["22", "0022", "-2017"])
def test_a_year_has_four_digits(call: Command, year: str, tmp_path: Path) -> None:
    told = complaint(call("tiers", f"--year={year}", "--workspace", tmp_path), USAGE)
    assert f"{int(year)} is no year; write it as YYYY" in told


# The workspace


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["verify"],
        ["retention", "--on", "2022-03-01"],
        ["catalog"],
        ["restore", "--table", "tier_snapshot", "--period", "2017"],
        ["run", "--from", "2017-01", "--to", "2017-02", "--dry-run"],
        ["points", "--month", "2017-01", "--dry-run"],
    ],
    ids=lambda words: words[0],
)
def test_what_reads_a_workspace_that_is_not_there_exits_2(
    call: Command, words: list[str], tmp_path: Path
) -> None:
    mistyped = tmp_path / "wrokspace"
    told = complaint(call(*words, "--workspace", mistyped), USAGE)
    assert told.startswith(f"there is no workspace {mistyped}; name one with --workspace")
    assert not mistyped.exists()


def test_status_says_which_workspace_and_what_is_at_work_there(
    call: Command, workspace: Path
) -> None:
    assert call("status", "--workspace", workspace).stdout.startswith(f"Workspace {workspace}\n")
    with Workspace(workspace).lock("run"):
        ended = call("status", "--workspace", workspace)
        started = time.monotonic()
        refused = call("tiers", "--year", 2017, "--workspace", workspace)
    assert f"Workspace {workspace}, in which run (process {os.getpid()}) is at work" in ended.stdout
    assert f"{workspace} is held by run (process" in refused.stderr
    assert time.monotonic() - started < 8.0, "no Prefect is started for that"


def test_a_run_that_goes_on_is_no_run_that_did_not_end(call: Command, workspace: Path) -> None:
    line = {"backfill": 1, "at": "2026-01-01T00:00:00+09:00", "from": "2017-11", "to": "2018-01"}
    line |= {"force": False, "reason": None}
    (workspace / "runs" / "backfills.jsonl").write_text(json.dumps(line) + "\n")
    asked = "run --from 2017-11 --to 2018-01"
    assert f"{asked}: did not end" in call("status", "--workspace", workspace).stdout
    with Workspace(workspace).lock("run"):
        assert f"{asked}: goes on" in call("status", "--workspace", workspace).stdout


def readonly(folder: Path) -> Path:
    """The folder, without permission to write to anything in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    return folder


def without_rights(*words: object) -> subprocess.CompletedProcess[str]:
    """Runs the command with no more rights than the files' owner has, also where that is root."""
    prefix = WITHOUT_ROOTS_RIGHTS if os.geteuid() == 0 else []
    command = [*prefix, POINTBOOK, *map(str, words)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=180)


def test_readers_need_no_permission_to_write(workspace: Path) -> None:
    readonly(workspace)
    for words in (["status"], ["verify", "--quiet"]):
        ended = without_rights(*words, "--workspace", workspace)
        assert (ended.returncode, ended.stderr) == (DONE, ""), words
    plan = ["run", "--from", "2017-01", "--to", "2017-02", "--dry-run"]
    assert without_rights(*plan, "--workspace", workspace).returncode == DONE


def test_a_folder_that_cant_be_written_to_is_told_before_prefect_starts(workspace: Path) -> None:
    (workspace / ".lock").unlink()
    started = time.monotonic()
    ended = without_rights("tiers", "--year", 2017, "--workspace", readonly(workspace))
    assert complaint(ended, FAILED).startswith(f"{workspace / '.lock'}: Permission denied; ")
    assert time.monotonic() - started < 10.0


def test_a_full_disk_is_told_before_prefect_starts(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("mounting takes root")
    mounted = f"mount -t tmpfs -o size=4m tmpfs {tmp_path} && exec {POINTBOOK} ingest --workspace"
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{mounted} {tmp_path}"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert complaint(ended, FAILED).startswith(f"{tmp_path}: No space left on device; a run needs")


@pytest.mark.parametrize("name", [".lock", "runs/backfills.jsonl", ".prefect/auth"])
def test_a_link_in_the_workspace_empties_nothing(call: Command, name: str, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("not to be lost")
    workspace = land_all(tmp_path / "workspace")
    stage(workspace)
    link = workspace / name
    link.unlink(missing_ok=True)
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(precious)
    words = ["run", "--from", "2016-11", "--to", "2016-11", "--workspace", workspace]
    prefect = ["--prefect" if name == ".prefect/auth" else "--no-prefect"]
    told = complaint(call(*words, *prefect), FAILED)
    assert "symbolic link" in told
    assert name in told
    assert precious.read_text() == "not to be lost"


# The key


def test_a_key_is_asked_for_at_once_where_personal_data_is_new_and_only_there(
    call: Command, tmp_path: Path
) -> None:
    land(tmp_path, "customers", customers())
    words = ("ingest", "--workspace", tmp_path)
    started = time.monotonic()
    assert "POINTBOOK_PII_KEY is not set" in complaint(call(*words, POINTBOOK_PII_KEY=""), USAGE)
    short = complaint(call(*words, POINTBOOK_PII_KEY="fifteen letters"), USAGE)
    assert short.startswith("POINTBOOK_PII_KEY has 15 characters, and a key 16 at least; ")
    assert time.monotonic() - started < 15.0
    assert not (tmp_path / "staged").exists()
    assert call(*words, "--no-prefect", POINTBOOK_PII_KEY="sixteen letters.").returncode == DONE
    again = call(*words, "--no-prefect", POINTBOOK_PII_KEY="")
    assert (again.returncode, again.stderr) == (DONE, ""), "nothing new has landed"
    land(tmp_path, "customers", customers()[:3], "more.csv")
    assert "is not set" in complaint(call(*words, POINTBOOK_PII_KEY=""), USAGE)


def test_the_demo_shows_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    from flows.console.summary import print_summary

    ingested: dict[str, Any] = {"files": [], "strangers": [], "left_out": []}
    manifest = {"from": "2015-11", "to": "2022-02", "ingest": ingested, "key": DEMO_KEY}
    manifest |= {"runs": [], "current": [], "skipped": []}
    print_summary("demo", manifest, Path("demo"), {})
    assert f'POINTBOOK_PII_KEY="{DEMO_KEY}"' in capsys.readouterr().out


# Settings


def test_a_workspaces_file_says_what_would_be_repeated(call: Command, workspace: Path) -> None:
    file = workspace / "pointbook.toml"
    words = ("tiers", "--year", 2017, "--workspace", workspace, "--json")

    def complained(text: str, *more: object, **settings: str) -> str:
        file.write_text(text)
        return complaint(call(*words, *more, **settings), USAGE)

    assert f"{file}: memory: not an amount of memory" in complained('memory = "lots"')
    told = complained('memory = "lots"', POINTBOOK_MEMORY="more")
    assert told.startswith("POINTBOOK_MEMORY: not an amount of memory")
    told = complained('memory = "lots"', "--memory", "most", POINTBOOK_MEMORY="more")
    assert told.startswith("--memory: not an amount of memory")
    told = complained("thread = 1\nmax_reject_rte = 1")
    assert "no key is called 'thread'; the nearest is threads" in told
    assert "no key is called 'max_reject_rte'; the nearest is max_reject_rate" in told
    assert "no time zone is called 'Seoul'" in complained('timezone = "Seoul"')
    assert "mend it" in complained("threads = ")
    assert str(workspace / "rules") in complained('policies = "rules"')
    file.write_text('prefect = false\nthreads = 1\nmemory = "1GB"\n')
    assert call(*words).returncode == DONE
    assert not (workspace / ".prefect").exists()


def test_no_prefect_calls_the_same_functions_without_it(call: Command, workspace: Path) -> None:
    words = ("grants", "--year", 2018, "--workspace", workspace, "--json", "--no-prefect")
    ended = call(*words)
    assert (ended.returncode, ended.stderr) == (DONE, "")
    assert json.loads(ended.stdout)["command"] == "grants"
    assert not (workspace / ".prefect").exists()


# Failures


def test_what_is_not_there_yet_is_told_before_prefect_starts(
    call: Command, workspace: Path
) -> None:
    told = workspace / "told"
    (workspace / "pointbook.toml").write_text(f'on_failure = "tee -a {told}"\n')
    complaint(call("grants", "--year", 2030, "--workspace", workspace), NOT_READY)
    assert not (workspace / ".prefect").exists()
    (line,) = told.read_text(encoding="utf-8").splitlines()
    failure = json.loads(line)
    assert (failure["event"], failure["run"], failure["exit_code"]) == (
        *("run.failed", "grants 2030"),
        NOT_READY,
    )
    assert failure["workspace"] == str(workspace)


def test_a_url_is_told_of_a_failure_as_well() -> None:
    told: list[Any] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.handle_request).start()
        held = WorkspaceHeld("it is held")
        tell_failure(f"http://127.0.0.1:{server.server_port}", Path("ws"), "points 2026-10", held)
    assert [(one["run"], one["error"], one["exit_code"]) for one in told] == [
        ("points 2026-10", "it is held", 1)
    ]


def test_who_cant_be_told_of_a_failure_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    tell_failure("/nowhere/at-all", Path("ws"), "points 2026-10", ValueError("no"))
    assert "on_failure could not be told of it" in capsys.readouterr().err


def test_a_failure_under_prefect_prints_one_line(workspace: Path) -> None:
    """The database's library used to list what Prefect keeps of an error."""
    for month in ("2017-11", "2017-12"):
        run_command(options(workspace), f"points {month} --allow-missing-months")
    for file in (workspace / "staged" / "billing_collections").rglob("*.parquet"):
        content = bytearray(file.read_bytes())
        content[4:-2000] = b"x" * len(content[4:-2000])
        file.write_bytes(content)
    ended = process("points", "--month", "2017-11", "--workspace", workspace)
    complaint(ended, FAILED)


# Interrupted


@pytest.mark.parametrize("after", [0.3, 1.5, 5.0, 9.0])
def test_ctrl_c_ends_it_at_once_with_nothing_half_done(after: float, tmp_path: Path) -> None:
    workspace = land_all(tmp_path / "workspace")
    words = ["run", "--from", "2016-11", "--to", "2019-12", "--workspace", str(workspace)]
    under_way = subprocess.Popen(
        [POINTBOOK, *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(after)
    os.killpg(under_way.pid, signal.SIGINT)
    started = time.monotonic()
    _, told = under_way.communicate(timeout=60)
    assert time.monotonic() - started < 4.0
    assert under_way.returncode == 130
    assert told.splitlines()[-1] == (
        "pointbook: interrupted; nothing half done is left, run it again"
    )
    assert not [line for line in told.splitlines()[:-1] if not line.endswith(" …")]


# Temporary files


def test_a_killed_processs_temporary_folder_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = tmp_path / f"pointbook-{ended.pid}-abc"
    others = tmp_path / "pointbook-notes"
    for folder in (left, others):
        folder.mkdir()
        (folder / "file").touch()
    with temporary_folder() as mine:
        set_up_process("text")
        assert re.fullmatch(rf"pointbook-{os.getpid()}-\w+", mine.name)
        assert sorted(tmp_path.iterdir()) == sorted([mine, others])
    assert list(tmp_path.iterdir()) == [others]
