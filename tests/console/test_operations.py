"""What operators hand over to other systems: log lines, lineage, file modes, threads and memory."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from flows.calendar.demo import prepare
from flows.cli import app
from flows.console import logs
from flows.console.errors import NotReady
from flows.deliveries import intake
from flows.deliveries.landing import Deliveries
from flows.publishing import lineage
from flows.publishing.commit import State
from flows.publishing.workspace import Workspace, private
from tests.airline import land_airline
from tests.commands_in_tests import run_command
from tests.console.test_cli import environment, process
from tests.faults import NEW, OLD, publish, publish_with
from tests.forks import command_line
from tests.membership import options, published, stage
from tests.points import land_points
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.threads import beside, bound_threads, pool

Call = Callable[..., subprocess.CompletedProcess[str]]
Event = dict[str, Any]

# Log lines


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Runs the command line in a process of its own, without Prefect."""
    return lambda *words, **settings: command_line(
        [str(word) for word in words], environment(**settings), tmp_path / "printed"
    )


def lines(text: str) -> list[Event]:
    """Log lines, each of which is a JSON object with what every line has."""
    told = [json.loads(line) for line in text.splitlines()]
    for line in told:
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
        assert line["level"] in ("info", "warning", "error")
        assert {"event", "message"} <= line.keys()
    return told


@pytest.fixture
def as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines as JSON, in this test alone."""
    monkeypatch.setenv(logs.FORMAT_VARIABLE, "text")
    logs.use("json", "test")


def test_a_run_tells_its_steps_and_what_it_published(
    as_json: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace"
    land_points(workspace, {"promotions": [{}]})
    manifest = stage(workspace)
    told = lines(capsys.readouterr().err)
    assert [line["event"] for line in told if line["event"] != "progress"] == [
        "run.started",
        *("step.started", "step.finished") * 4,
        "run.committed",
    ]
    assert {(line["command"], line["run_id"]) for line in told} == {("ingest", "000001-ingest")}
    finished = [line for line in told if line["event"] == "step.finished"]
    assert [line["step"] for line in finished] == [
        *("read customers/rows.csv", "merge customers"),
        *("read promotions/rows.csv", "merge promotions"),
    ]
    assert all(line["seconds"] >= 0 for line in finished)
    committed = told[-1]
    assert committed["files"] == len(manifest["outputs"])
    assert committed["rows"] == sum(file["rows"] or 0 for file in manifest["outputs"])


def test_a_failed_run_and_its_command_say_so_in_json(call: Call, tmp_path: Path) -> None:
    (tmp_path / "workspace" / "staged" / "deliveries.json").mkdir(parents=True)
    words = ("sweep", "--year", "2016", "--dry-run", "--workspace", tmp_path / "workspace")
    ended = call(*words, "--log-format", "json")
    assert ended.returncode != 0
    told = lines(ended.stderr)
    assert [line["event"] for line in told] == ["run.started", "run.failed", "command.failed"]
    failed, last = told[-2:]
    assert (failed["level"], last["level"]) == ("error", "error")
    assert (last["command"], last["run_id"]) == ("sweep", "000001-sweep")
    assert last["exit_code"] == ended.returncode
    assert failed["message"] == last["message"]
    assert str(tmp_path) not in ended.stderr
    assert "staged/deliveries.json" in last["message"]


@pytest.mark.parametrize("flag", [("--log-format", "json"), ("--log-format=json",)])
def test_wrong_usage_is_one_line_of_json(call: Call, flag: tuple[str, ...]) -> None:
    ended = call("tiers", "--year", "soon", *flag)
    (line,) = lines(ended.stderr)
    assert (line["event"], line["command"], line["exit_code"]) == ("command.failed", "tiers", 2)
    assert "soon" in line["message"]
    assert ended.stdout == ""


def test_the_format_can_stand_in_the_environment_and_debug_adds_the_traceback(
    call: Call, tmp_path: Path
) -> None:
    words = ("status", "--workspace", tmp_path, "--policies", "/no\u2028where", "--debug")
    ended = call(*words, POINTBOOK_LOG_FORMAT="json")
    (line,) = lines(ended.stderr)
    assert "no such policy folder" in line["message"]
    assert "flows/calendar/status.py" in line["traceback"]
    assert call(*words[:-1], "--log-format", "text", POINTBOOK_LOG_FORMAT="json").stderr.startswith(
        "pointbook: "
    )
    assert "Invalid value" in call("status", "--log-format", "xml").stderr


def test_on_plain_text_events_show_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(tmp_path, OLD)
    assert capsys.readouterr().err == ""


# Lineage

BASE_FACET: Final = {
    "type": "object",
    "required": ["_producer", "_schemaURL"],
    "properties": {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {"type": "string", "pattern": r"^https://openlineage\.io/spec/.*#/\$defs/"},
    },
}
FACETS: Final = {"type": "object", "additionalProperties": BASE_FACET}
DATASETS: Final = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["namespace", "name"],
        "properties": {
            "namespace": {"type": "string"},
            "name": {"type": "string"},
            "facets": FACETS,
            "inputFacets": FACETS,
            "outputFacets": FACETS,
        },
    },
}
RUN_EVENT: Final = Draft202012Validator(
    {
        "type": "object",
        "required": ["eventTime", "producer", "schemaURL", "run", "job"],
        "properties": {
            "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
            "eventTime": {"type": "string", "format": "date-time"},
            "producer": {"type": "string", "format": "uri"},
            "schemaURL": {
                "const": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
            },
            "run": {
                "type": "object",
                "required": ["runId"],
                "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": FACETS},
            },
            "job": {
                "type": "object",
                "required": ["namespace", "name"],
                "properties": {"namespace": {"type": "string"}, "name": {"type": "string"}},
            },
            "inputs": DATASETS,
            "outputs": DATASETS,
        },
    },
    format_checker=FormatChecker(),
)
"""What OpenLineage 2-0-2 requires of a run event."""


@pytest.fixture
def lineage_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "lineage.jsonl"
    monkeypatch.setenv(lineage.FILE_VARIABLE, str(path))
    return path


def events(path: Path) -> list[Event]:
    """The events in the file, each of which is as the specification has it."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for event in found:
        RUN_EVENT.validate(event)
        UUID(event["run"]["runId"])
        datetime.fromisoformat(event["eventTime"])
    return found


def by_name(datasets: list[Event]) -> Mapping[str, Event]:
    return {dataset["name"]: dataset for dataset in datasets}


def version_of(dataset: Event) -> str:
    return str(dataset["facets"]["version"]["datasetVersion"])


def test_lineage_leads_from_landed_files_to_published_tables(
    lineage_file: Path, tmp_path: Path
) -> None:
    workspace = published(tmp_path / "workspace")
    with pytest.raises(NotReady):
        run_command(options(workspace), "grants 2030")
    found = events(lineage_file)
    assert [(event["eventType"], event["job"]["name"]) for event in found] == [
        (kind, f"pointbook.{command}")
        for command in ("ingest", "tiers", "grants", "tiers", "grants")
        for kind in ("START", "COMPLETE")
    ] + [("START", "pointbook.grants"), ("FAIL", "pointbook.grants")]
    ids = [event["run"]["runId"] for event in found]
    assert ids[::2] == ids[1::2]
    assert len(set(ids)) == 6
    completed = [event for event in found if event["eventType"] == "COMPLETE"]
    ingested, assessed, granted, assessed_next, _ = completed
    assert by_name(ingested["inputs"]).keys() == {"landing/billing", "landing/customers"}
    snapshot = by_name(assessed["outputs"])["warehouse/tier_snapshot"]
    read = by_name(granted["inputs"])["warehouse/tier_snapshot"]
    following = by_name(assessed_next["outputs"])["warehouse/tier_snapshot"]
    assert version_of(snapshot) == version_of(read) != version_of(following)
    statistics = snapshot["outputFacets"]["outputStatistics"]
    path = workspace / "warehouse/tier_snapshot/membership_year=2017/part-0.parquet"
    assert (statistics["rowCount"], statistics["size"]) == (11, path.stat().st_size)
    fields = {field["name"]: field for field in snapshot["facets"]["schema"]["fields"]}
    assert fields["customer_id"]["type"] == "string"
    assert fields["annual_fee"]["description"]
    assert "membership_year" in fields
    (file,) = snapshot["facets"]["pointbook_files"]["files"]
    entry = State.of(Workspace(workspace)).entry(path)
    assert file == {"path": entry.path, "sha256": entry.sha256}
    error = found[-1]["run"]["facets"]["errorMessage"]
    assert "needs the tier snapshot of 2030" in error["message"]
    assert error["programmingLanguage"] == "Python"
    assert str(tmp_path) not in lineage_file.read_text(encoding="utf-8")
    assert stat.S_IMODE(lineage_file.stat().st_mode) == 0o600


def test_a_commit_that_the_next_command_completes_has_its_event(
    lineage_file: Path, tmp_path: Path
) -> None:
    """A run that was killed between its record and its renames began, and is complete later."""
    for at in range(20, 60, 2):
        workspace = tmp_path / str(at)
        publish(workspace, OLD)
        publish_with("kill", at, workspace)
        if list(workspace.glob("commits/.pending-*")):
            break
    lineage_file.unlink()
    publish(workspace, NEW)
    kinds = [
        (event["eventType"], event["run"]["facets"]["pointbook_run"]["run_id"])
        for event in events(lineage_file)
    ]
    assert kinds == [
        ("COMPLETE", "000002-tiers"),
        ("START", "000003-tiers"),
        ("COMPLETE", "000003-tiers"),
    ]


def test_lineage_that_cant_be_written_is_warned_of_once_and_fails_no_run(
    lineage_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lineage_file.mkdir()
    publish(tmp_path / "workspace", OLD)
    publish(tmp_path / "workspace", NEW)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"pointbook: POINTBOOK_OPENLINEAGE={lineage_file}: Is a directory;")


# File modes


def too_open(folder: Path) -> dict[str, str]:
    """What is not its owner's alone."""
    wanted = {True: 0o700, False: 0o600}
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    return {str(path): oct(mode) for path, mode in modes.items() if mode != wanted[path.is_dir()]}


@pytest.fixture
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_what_flows_make_is_the_owners_alone_whatever_the_callers_mask(
    open_to_all: None, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir(mode=0o700)
    land_points(workspace, {"promotions": [{}, {"customer_id": "nobody", "points": "?"}]})
    stage(workspace)
    run_command(options(workspace), "points 2016-03")
    with pytest.raises(NotReady):
        run_command(options(workspace), "grants 2030")
    shutil.rmtree(workspace / "landing")  # which operators made
    made = {path.relative_to(workspace).parts[0] for path in workspace.rglob("*")}
    assert made == {".lock", "commits", "policies", "quarantine", "runs", "staged", "warehouse"}
    assert too_open(workspace) == {}
    assert os.umask(0) == 0


def test_a_demos_workspace_and_what_it_lands_are_the_owners_alone(
    open_to_all: None, tmp_path: Path
) -> None:
    prepare(tmp_path / "demo")
    assert too_open(tmp_path / "demo") == {}


def test_a_command_line_under_an_open_mask_makes_private_files(
    open_to_all: None, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir(mode=0o700)
    assert process("catalog", "--workspace", workspace).returncode == 0
    assert (workspace / "warehouse" / "catalog.duckdb").is_file()
    assert too_open(workspace) == {}


def test_the_mask_is_put_back_by_the_last_of_several_that_overlap(open_to_all: None) -> None:
    entered, leave = threading.Event(), threading.Event()

    def overlap() -> None:
        with private():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=overlap)
    with private():
        thread.start()
        entered.wait()
    assert os.umask(0o077) == 0o077
    leave.set()
    thread.join()
    assert os.umask(0) == 0


# Threads and memory


@pytest.fixture
def threads_started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The threads that Python starts in the test; DuckDB and Arrow keep their own."""
    started: list[str] = []
    start = threading.Thread.start

    def starting(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starting)
    yield started
    bound_threads(None)


def test_one_thread_means_that_no_step_starts_another(
    threads_started: list[str], tmp_path: Path
) -> None:
    logs.silence()  # a progress bar has a thread, which does no work
    workspace = tmp_path / "workspace"
    land_airline(workspace, {"flights": [{}], "awards": [{}], "payments": [{}]})
    assert stage(workspace, threads=1)["files"]
    run_command(options(workspace, threads=1), "miles 2021-05")
    assert threads_started == []
    assert (pa.cpu_count(), pa.io_thread_count()) == (1, 1)
    with options(workspace, threads=1).start_engine(tmp_path) as engine:
        assert isinstance(engine, DuckDBEngine)
        assert engine._connection.sql("SELECT current_setting('threads')").fetchall() == [(1,)]


def test_a_sample_is_made_with_the_threads_that_were_asked_for(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["sample", "--customers", "1", "--members", "1", "--seed", "1"]
    words += ["--out", str(tmp_path / "out"), "--quiet", "--threads"]
    asked: list[Event] = []

    def generating(_: Path, **given: Any) -> Event:
        asked.append(given)
        return {"exports": {}, "files": [], "dirty": []}

    monkeypatch.setattr("transforms.sample.generate", generating)
    app([*words, "3"], exit_on_error=False, result_action="return_value")
    assert asked[0]["threads"] == 3
    assert "at least 1 thread" in call(*words, "0").stderr


def test_the_bound_is_one_for_all_pools_and_goes_with_the_settings(tmp_path: Path) -> None:
    bound_threads(None)
    cores = pa.cpu_count()
    try:
        bound_threads(3)
        with pool(8) as eight, pool(2) as two, beside() as one:
            workers = [executor._max_workers for executor in (eight, two, one)]  # type: ignore[attr-defined]
        assert workers == [3, 2, 1]
        with options(tmp_path, threads=2).start_engine(tmp_path):
            assert pa.cpu_count() == 2
        with options(tmp_path, threads=None).start_engine(tmp_path):
            assert pa.cpu_count() == cores
    finally:
        bound_threads(None)


def test_a_pool_of_the_caller_hands_on_errors_as_threads_do() -> None:
    bound_threads(1)
    try:
        with pool(4) as caller:
            assert not isinstance(caller, ThreadPoolExecutor)
            failed = caller.submit(int, "no number")
            assert caller.submit(int, "7").result() == 7
        with pytest.raises(ValueError, match="no number"):
            failed.result()
    finally:
        bound_threads(None)


@pytest.mark.parametrize(("memory", "readers"), [("100MB", 1), ("300MB", 2), ("4GB", 3)])
def test_memory_bounds_the_engine_and_how_much_of_a_file_is_read_at_once(
    tmp_path: Path, memory: str, readers: int
) -> None:
    settings = options(tmp_path, memory=memory, threads=3)
    assert intake.Intake(tmp_path, settings, Deliveries())._readers == readers
    with settings.start_engine(tmp_path) as engine:
        assert isinstance(engine, DuckDBEngine)
        ((limit,),) = engine._connection.sql("SELECT current_setting('memory_limit')").fetchall()
    bound_threads(None)
    megabytes = {"100MB": "57.2 MiB", "300MB": "171.6 MiB", "4GB": "2.2 GiB"}
    assert limit == megabytes[memory]
