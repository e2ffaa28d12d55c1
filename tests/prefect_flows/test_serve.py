"""Schedules: which moment does what, and `pointbook serve` against a real Prefect server."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
import pytest

from flows.calendar.due import due_between
from flows.calendar.schedules import check_names, period_due, schedules
from flows.commands.registry import COMMANDS
from flows.console.errors import NotReady, RunFailed, WorkspaceHeld, WrongUsage
from flows.console.zone import KOREA, ZONE
from flows.prefect_flows.server import secret_of, start_server
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.workspace import Workspace
from schemas.periods import Period
from tests.console.test_cli import (
    POINTBOOK,
    USAGE,
    Command,
    changed_policies,
    complaint,
    environment,
    process,
)
from tests.console.test_cli import call as call
from tests.forks import FORKS
from tests.membership import correction, land, land_all, stage, table_rows
from transforms.policies.airline import status_in_force
from transforms.policies.policy import Policies, PolicyError

AS_HAPPENED: Final = SHIPPED.parent / "as_happened"
FIRST: Final = date(2026, 1, 1)
YEARS: Final = 4
SCHEDULED: Final = ["ingest", "run", *COMMANDS]
PATIENCE: Final = 120.0
ENDED: Final = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


# Dates


def test_every_command_that_falls_due_has_a_schedule_and_so_has_ingest() -> None:
    assert list(schedules(Policies.load(SHIPPED), FIRST)) == SCHEDULED


async def fired(crons: Sequence[str], first: date, last: date) -> list[datetime]:
    """When Prefect runs the cron expressions, from the first day to the last."""
    from prefect.server.schemas.schedules import CronSchedule

    start, end = (datetime(day.year, day.month, day.day, tzinfo=KOREA) for day in (first, last))
    found: list[datetime] = []
    for cron in crons:
        schedule = CronSchedule(cron=cron, timezone=ZONE)
        found += await schedule.get_dates(start=start, end=end + timedelta(days=1))
    return sorted(found)


@pytest.mark.parametrize("folder", [SHIPPED, AS_HAPPENED], ids=lambda folder: folder.name)
@pytest.mark.parametrize("command", COMMANDS)
def test_prefect_fires_on_the_days_of_the_calendar_with_their_periods(
    command: str, folder: Path
) -> None:
    policies = Policies.load(folder)
    schedule = schedules(policies, FIRST)[command]
    last = FIRST.replace(year=FIRST.year + YEARS, month=12, day=31)
    due = [
        item
        for item in due_between(policies, Period.month_of(FIRST).before, Period.month_of(last))
        if FIRST <= schedule.moment(item).date() <= last
        and item.name == command
        and (command != "elite" or status_in_force(policies, item.period))
    ]
    moments = asyncio.run(fired(schedule.crons(policies, FIRST), FIRST, last))
    assert moments == [schedule.moment(item) for item in due]
    assert len(moments) == (0 if command == "elite" and folder == AS_HAPPENED else len(due))
    periods = [period_due(policies, command, at.astimezone(UTC)).period for at in moments]
    assert periods == [item.period for item in due]


@pytest.mark.parametrize(
    ("command", "scheduled", "period"),
    [
        ("tiers", "2017-10-31T14:59:59", "2017"),
        ("tiers", "2017-10-31T15:00:00", "2018"),
        ("tiers", "2018-10-31T14:59:59", "2018"),
        ("grants", "2027-01-02T14:59:00", "2026"),
        ("grants", "2027-01-02T15:40:00", "2027"),
        ("elite", "2027-01-31T14:59:00", "2026"),
        ("elite", "2027-01-31T15:50:00", "2027"),
        ("notices", "2026-12-02T14:59:00", "2026-11"),
        ("notices", "2026-12-02T16:00:00", "2026-12"),
        ("points", "2026-12-01T14:59:00", "2026-10"),
        ("points", "2026-12-02T14:00:00", "2026-11"),
        ("points", "2027-01-02T15:00:00", "2026-12"),
        ("points", "2028-03-02T14:00:00", "2028-02"),
        ("miles", "2027-03-02T14:20:00", "2027-02"),
        ("sweep", "2027-01-01T14:40:00", "2025"),
        ("sweep", "2027-01-02T14:40:00", "2026"),
        ("sweep", "2027-01-02T15:00:00", "2026"),
    ],
)
def test_a_run_does_what_fell_due_last_in_korea_when_it_was_scheduled(
    command: str, scheduled: str, period: str
) -> None:
    at = datetime.fromisoformat(scheduled).replace(tzinfo=UTC)
    assert period_due(Policies.load(SHIPPED), command, at).period == Period.parse(period)


def test_days_after_move_the_run_but_not_its_period(tmp_path: Path) -> None:
    before = "  - command: points\n    days_after: 2"
    moved = changed_policies(tmp_path / "a", "schedules", before, before[:-1] + "4")
    with pytest.raises(PolicyError, match="notices would run before or with the points"):
        schedules(Policies.load(moved), FIRST)
    path = moved / "schedules.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("days_after: 2", "days_after: 4"))
    policies = Policies.load(moved)
    found = schedules(policies, FIRST)
    assert found["points"].crons(policies, FIRST) == ["0 23 4 * *"]
    assert found["notices"].crons(policies, FIRST) == ["0 1 5 * *"]
    assert found["sweep"].crons(policies, FIRST) == ["40 23 4 1 *"]
    at = datetime(2027, 1, 4, 23, 40, tzinfo=KOREA)
    assert period_due(policies, "sweep", at).period == Period(2026)
    assert period_due(policies, "points", at).period == Period(2026, 12)
    assert period_due(policies, "points", at - timedelta(days=1)).period == Period(2026, 11)


def test_commands_and_their_schedules_must_agree(tmp_path: Path) -> None:
    misspelt = ("command: sweep", "command: sweeep")
    policies = Policies.load(changed_policies(tmp_path / "p", "schedules", *misspelt))
    with pytest.raises(PolicyError, match="no command is called sweeep; mend its rows"):
        check_names(policies)
    late = datetime(2031, 1, 1, tzinfo=KOREA)
    with pytest.raises(PolicyError, match="no row for command sweep"):
        period_due(policies, "sweep", late)


def test_a_schedule_that_ends_is_refused(tmp_path: Path) -> None:
    row = "  - command: sweep\n    days_after: 2\n    hour: 23\n    minute: 40\n"
    row += "    valid_from: 0001-01-01\n    valid_to: "
    folder = changed_policies(tmp_path / "p", "schedules", f"{row}null", f"{row}2030-01-01")
    with pytest.raises(PolicyError, match=r"\(command sweep\): ends on 2030-01-01, and no row"):
        Policies.load(folder)


def test_a_day_that_the_policy_moves_has_a_cron_before_and_after(tmp_path: Path) -> None:
    until = "valid_to: 2027-06-01"
    folder = changed_policies(tmp_path / "p", "tier_assessment", "valid_to: null", until)
    path = folder / "tier_assessment.yaml"
    text = path.read_text(encoding="utf-8")
    row = text[text.index("  - month: 11") :]
    row = row.replace("month: 11\n", "month: 12\n", 1).replace("0001-01-01", "2027-06-01")
    path.write_text(text + row.replace(until, "valid_to: null"), encoding="utf-8")
    policies = Policies.load(folder)
    crons = schedules(policies, FIRST)["tiers"].crons(policies, FIRST)
    assert crons == ["30 0 1 11 *", "30 0 1 12 *"]


# The command line without a server


def test_a_dry_run_prints_deployments_and_next_runs_and_makes_nothing(
    call: Command, tmp_path: Path
) -> None:
    workspace = tmp_path / "a house"
    ended = call("serve", "--dry-run", "--json", "--workspace", workspace)
    manifest = json.loads(ended.stdout)
    assert manifest["timezone"] == "Asia/Seoul"
    found = {each["command"]: each for each in manifest["deployments"]}
    assert list(found) == SCHEDULED
    assert found["sweep"]["deployment"] == "sweep/sweep a house"
    assert found["sweep"]["crons"] == ["40 23 2 1 *"]
    for each in found["sweep"]["next"]:
        assert each["at"] == f"{int(each['period']) + 1}-01-02T23:40+09:00"
    assert len({each["at"] for each in found["ingest"]["next"]}) == 3
    table = call("serve", "--dry-run", "--workspace", workspace, "--policies", AS_HAPPENED)
    assert "none: not in force" in table.stdout
    assert not workspace.exists()


def test_a_schedule_against_the_calendar_exits_2(call: Command, tmp_path: Path) -> None:
    late, early = ("hour: 23\n    minute: 40", "hour: 23\n    minute: 20")
    folder = changed_policies(tmp_path / "p", "schedules", late, early)
    ended = call("serve", "--dry-run", "--policies", folder, "--workspace", tmp_path / "w")
    assert complaint(ended, USAGE).startswith(
        "schedules.yaml: sweep would run before or with the miles that it comes after"
    )


def test_a_server_that_does_not_answer_exits_4_and_a_taken_port_2(
    call: Command, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["serve", "--quiet", "--workspace", tmp_path, "--port", port]
        own = call(*words)
    assert f"port {port} is taken; choose another with --port" in complaint(own, USAGE)
    named = call(*words, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert "no Prefect server answers at http://127.0.0.1:9/api" in complaint(named, 4)


# Retries


def hold(root: Path, ready: Any, done: Any) -> None:
    with Workspace(root).lock("points"):
        ready.set()
        done.wait()


def test_what_passes_by_itself_is_tried_again_and_nothing_else(tmp_path: Path) -> None:
    from flows.prefect_flows.deployments import passes

    ready, done = FORKS.Event(), FORKS.Event()
    holder = FORKS.Process(target=hold, args=(tmp_path, ready, done))
    holder.start()
    ready.wait()
    with pytest.raises(WorkspaceHeld) as held, Workspace(tmp_path).lock("sweep", 0.0):
        pass
    done.set()
    holder.join()

    def caused(number: int) -> RunFailed:
        failure = RunFailed("it failed")
        failure.__cause__ = OSError(number, os.strerror(number))
        return failure

    assert passes(held.value)
    assert all(passes(caused(number)) for number in (errno.ENOSPC, errno.EIO, errno.ESTALE))
    assert not any(passes(caused(number)) for number in (errno.EACCES, errno.ENOENT, errno.EROFS))
    assert not any(passes(kind("no")) for kind in (NotReady, WrongUsage, RunFailed, KeyError))


_TRIES: Final = """
from prefect import flow
from flows.prefect_flows import deployments
from flows.console.errors import NotReady, WorkspaceHeld

deployments._DELAYS[:] = [0.0] * 3
tries = []

def work(error):
    tries.append(error)
    if tries.count(error) < 3 or error is NotReady:
        raise error("not now")

@flow
def twice():
    deployments._tried("held", lambda: work(WorkspaceHeld))
    deployments._tried("absent", lambda: work(NotReady))

try:
    twice()
except NotReady:
    print(tries.count(WorkspaceHeld), tries.count(NotReady))
"""


def test_a_task_is_tried_again_only_where_that_can_help(prefect_api: str, tmp_path: Path) -> None:
    settings = environment(PREFECT_API_URL=prefect_api, PREFECT_LOGGING_LEVEL="CRITICAL")
    ended = subprocess.run(
        [POINTBOOK.replace("pointbook", "python"), "-c", _TRIES],
        env=settings | {"PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ended.stdout == "3 1\n", ended.stderr


# Served


Json = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """Prefect's API, as its page calls it."""

    url: str
    secret: str | None = None

    def __call__(self, path: str, body: Json | None = None, method: str | None = None) -> Any:
        headers = {"content-type": "application/json"}
        if self.secret:
            headers["Authorization"] = f"Basic {b64encode(self.secret.encode()).decode()}"
        if self.secret and body is not None:
            token = self("/csrf-token?client=tests")["token"]
            headers |= {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "tests"}
        request = urllib.request.Request(
            self.url + quote(path, safe="/?=&"),
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
            method=method,
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read() or "null")
            except urllib.error.HTTPError as error:
                # a busy database; Prefect's own client asks again too
                if error.code != 503 or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def run(self, deployment: str, at: str | None = None, **parameters: object) -> str:
        """Starts a run, scheduled for a moment (now if none is given); returns its id."""
        command, name = deployment.split("/")
        found = self(f"/deployments/name/{command}/{command} {name}")
        state: Json = {"type": "SCHEDULED"}
        if at:
            state["state_details"] = {"scheduled_time": at}
        body = {"state": state, "parameters": parameters}
        return str(self(f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def ended(self, run: str) -> Json:
        """The run, once it has ended."""
        found: Json = {}

        def has_ended() -> bool:
            found.update(self(f"/flow_runs/{run}"))
            return found["state"]["type"] in ENDED

        wait_until(has_ended)
        return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.2)


@dataclass(frozen=True)
class Served:
    """A `pointbook serve` under way: the process, its workspace, the API, and what it prints."""

    process: subprocess.Popen[bytes]
    workspace: Path
    api: Api
    log: Path

    @property
    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        return "its page is" in self.log.read_text(encoding="utf-8")

    def stop(self) -> int:
        """Asks it to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


def serve(workspace: Path, api: str, log: Path, *words: str, **settings: str) -> Served:
    """Starts `pointbook serve`."""
    with log.open("wb") as target:
        process = subprocess.Popen(
            [POINTBOOK, "serve", "--workspace", str(workspace), *words],
            env=environment(PREFECT_RUNNER_POLL_FREQUENCY="1", **settings),
            stdout=target,
            stderr=target,
        )
    return Served(process, workspace, Api(api), log)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The small telecom, staged, served by a server of its own."""
    folder = tmp_path_factory.mktemp("served")
    workspace = land_all(folder / "telecom")
    stage(workspace)
    told = folder / "told"
    (workspace / "pointbook.toml").write_text(f'on_failure = "tee -a {told}"\n')
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    found = serve(workspace, f"http://127.0.0.1:{port}/api", folder / "log", "--port", port)
    wait_until(lambda: found.is_up)
    secret = (workspace / ".prefect" / "auth").read_text(encoding="utf-8")
    yield replace(found, api=Api(found.api.url, secret))
    found.stop()


def test_deployments_have_their_schedules_and_no_secret(served: Served) -> None:
    crons = {}
    for command in SCHEDULED:
        deployment = served.api(f"/deployments/name/{command}/{command} telecom")
        (schedule,) = deployment["schedules"]
        assert schedule["active"]
        assert schedule["schedule"]["timezone"] == "Asia/Seoul"
        crons[command] = schedule["schedule"]["cron"]
        assert deployment["parameters"] == {}
        assert str(served.workspace) in deployment["description"]
        taken = list(deployment["parameter_openapi_schema"]["properties"])
        first = {"ingest": "exports", "run": "first_month"}
        assert taken[0] == (first[command] if command in first else COMMANDS[command].span)
        assert "Scheduled in Asia/Seoul: `" in deployment["description"]
        assert not {"options", "workspace", "policies"} & set(taken)
        assert os.environ["POINTBOOK_PII_KEY"] not in json.dumps(deployment)
        if command in COMMANDS:
            span = COMMANDS[command].span
            described = deployment["parameter_openapi_schema"]["properties"][span]["description"]
            assert "scheduled time" in described
    assert crons["tiers"] == "30 0 1 11 *"
    assert crons["points"] == "0 23 2 * *"
    assert crons["ingest"] == "30 22 * * *"


def test_prefect_schedules_their_runs(served: Served) -> None:
    deployment = served.api("/deployments/name/ingest/ingest telecom")["id"]
    wanted = {"deployments": {"id": {"any_": [deployment]}}}

    def scheduled() -> list[Json]:
        found: list[Json] = served.api("/flow_runs/filter", wanted)
        return [run for run in found if run["auto_scheduled"]]

    wait_until(lambda: bool(scheduled()))
    for run in scheduled():
        assert run["expected_start_time"].endswith("13:30:00Z")
    points = served.api("/deployments/name/points/points telecom")["id"]
    wanted["deployments"]["id"]["any_"] = [points]

    def to_come() -> dict[str, str]:
        return {run["name"]: run["expected_start_time"] for run in scheduled()}

    wait_until(lambda: bool(to_come()) and all(name.startswith("points 2") for name in to_come()))
    for name, at in to_come().items():
        month = Period.month_of(datetime.fromisoformat(at).astimezone(KOREA).date()).before
        assert name == f"points {month}"


def test_what_has_become_stale_is_brought_up_to_date(served: Served) -> None:
    api = served.api
    assert api.ended(api.run("tiers/telecom", year=2018))["state"]["type"] == "COMPLETED"
    land(served.workspace, "billing", [correction()], "correction.csv")
    assert api.ended(api.run("ingest/telecom"))["state"]["type"] == "COMPLETED"
    made = api.ended(api.run("run/telecom", allow_missing_months=True))
    assert made["name"].startswith("run 2017-11 20")
    assert made["state"]["message"] == f"{made['name']}: done"
    current = api.ended(api.run("run/telecom"))
    assert (current["name"], current["state"]["message"]) == ("run", "nothing is stale")


def test_runs_take_their_period_from_a_parameter_or_the_scheduled_time(served: Served) -> None:
    api = served.api
    runs = {
        "late": api.run("ingest/telecom", "2020-01-01T13:30:00Z"),
        "scheduled": api.run("tiers/telecom", "2016-10-31T15:30:00Z"),
        "absent": api.run("elite/telecom", "2023-01-31T15:50:00Z"),
        "named": api.run("tiers/telecom", year=2018),
        "missing": api.run("tiers/telecom", "2019-10-31T15:30:00Z"),
    }
    found = {name: api.ended(run) for name, run in runs.items()}
    states = {name: (run["state"]["name"], run["state"]["message"]) for name, run in found.items()}
    missing = states.pop("missing")
    assert states == {
        "late": ("Skipped", "a later ingest takes what landed"),
        "scheduled": ("Completed", "tiers 2017: done"),
        "absent": ("Skipped", "elite 2023: members and flights was never delivered"),
        "named": ("Completed", "tiers 2018: done"),
    }
    for year in ("2017", "2018"):
        assert table_rows(served.workspace, "tier_snapshot", year)
    spans = sorted((run["start_time"], run["end_time"]) for run in found.values())
    for (_, ended), (began, _) in pairwise(spans):
        assert ended <= began, "one run at a time"
    assert missing[0] == "Failed"
    assert missing[1].startswith("tiers 2020 needs billing of 2018-11, 2018-12")
    only = {"flow_runs": {"id": {"any_": [runs["missing"]]}}}
    (artifact,) = api("/artifacts/filter", only)
    assert (artifact["key"], artifact["type"]) == ("tiers-failure", "markdown")
    assert missing[1] in artifact["data"]
    tried = [task for task in api("/task_runs/filter", only) if task["name"].startswith("tiers")]
    assert [task["run_count"] for task in tried] == [1]
    assert {name: run["name"] for name, run in found.items()} == {
        "late": "ingest",
        "scheduled": "tiers 2017",
        "absent": "elite 2023",
        "named": "tiers 2018",
        "missing": "tiers 2020",
    }
    wait_until(
        lambda: bool(api("/logs/filter", {"logs": {"flow_run_id": only["flow_runs"]["id"]}}))
    )
    logged = api("/logs/filter", {"logs": {"flow_run_id": only["flow_runs"]["id"]}})
    assert not [each["message"] for each in logged if "Traceback" in each["message"]]
    (told,) = (served.log.parent / "told").read_text(encoding="utf-8").splitlines()
    failure = json.loads(told)
    assert (failure["event"], failure["run"], failure["exit_code"]) == (
        "run.failed",
        "tiers 2020",
        4,
    )
    assert failure["error"] == missing[1]


def test_what_the_server_has_of_a_deployment_is_never_run(served: Served, tmp_path: Path) -> None:
    """Who has the secret can give a run its period and its flags, and no path and no command."""
    api = served.api
    owned, evil = tmp_path / "owned", tmp_path / "evil.py"
    evil.write_text(
        f"open({str(owned)!r}, 'w')\nfrom flows.prefect_flows.deployments import flow\n"
    )
    deployment = api("/deployments/name/tiers/tiers telecom")["id"]
    steps = [{"prefect.deployments.steps.run_shell_script": {"script": f"touch {owned}"}}]
    changed = {"pull_steps": steps, "entrypoint": f"{evil}:flow", "path": str(tmp_path)}
    api(f"/deployments/{deployment}", changed, "PATCH")
    assert api(f"/deployments/{deployment}")["pull_steps"] == steps
    ended = api.ended(api.run("tiers/telecom", year=2018))
    assert ended["state"]["message"] == "tiers 2018: done"
    options = {"workspace": str(tmp_path / "elsewhere")}
    ended = api.ended(api.run("tiers/telecom", year=2018, options=options))
    assert ended["state"]["type"] in ("FAILED", "CRASHED")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evil.py"]


def test_the_page_runs_a_span_of_months(served: Served) -> None:
    run = served.api.run("run/telecom", first_month="2016-11", last_month="2017-01")
    ended = served.api.ended(run)
    assert ended["name"] == "run 2016-11 2017-01"
    assert ended["state"]["message"] == "run 2016-11 2017-01: done"
    assert table_rows(served.workspace, "point_grants", "2017")


def test_a_served_workspaces_server_is_found_by_its_commands(served: Served) -> None:
    words = ["tiers", "--year", "2017", "--quiet", "--workspace", served.workspace]
    ended = process(*words)
    assert (ended.returncode, ended.stderr) == (0, "")
    shown = served.api("/flow_runs/filter", {"flow_runs": {"name": {"any_": ["tiers 2017"]}}})
    assert None in {run["deployment_id"] for run in shown}
    again = serve(served.workspace, served.api.url, served.log.parent / "again", "--port", "1")
    assert again.process.wait(PATIENCE) == USAGE


# Attacked


def without_the_secret(url: str, path: str, method: str, **headers: str) -> int:
    """The status that anybody gets."""
    body = None if method in ("GET", "DELETE") else b"{}"
    named = {"content-type": "application/json", **headers}
    request = urllib.request.Request(url + path, body, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of an embedded server."""
    workspace = tmp_path_factory.mktemp("embedded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", os.environ.copy())
        os.environ["PREFECT_HOME"] = str(workspace / ".prefect")
        server = start_server(workspace)
        server.wait()
    yield server.api
    server.stop()


@pytest.mark.parametrize("kind", ["served", "embedded"])
def test_no_route_answers_without_the_secret(
    kind: str, request: pytest.FixtureRequest, embedded: str
) -> None:
    url = embedded if kind == "embedded" else request.getfixturevalue("served").api.url
    root = url.removesuffix("/api")
    with urllib.request.urlopen(f"{root}/openapi.json", timeout=60) as answer:
        paths = json.load(answer)["paths"]
    routes = [(path, method.upper()) for path, methods in paths.items() for method in methods]
    assert len([method for _, method in routes if method != "GET"]) > 100
    some = "00000000-0000-0000-0000-000000000000"
    for path, method in routes:
        path = re.sub(r"{[^}]*}", some, path)
        free = method == "GET" and path in ("/health", "/ready")
        status = without_the_secret(url, path, method)
        assert status == (200 if free else 401), (method, path)
        wrong = b64encode(b"pointbook:a guess").decode()
        if not free:
            assert without_the_secret(url, path, method, authorization=f"Basic {wrong}") == 401


@pytest.mark.parametrize("kind", ["served", "embedded"])
def test_another_origin_is_refused(
    kind: str, request: pytest.FixtureRequest, embedded: str
) -> None:
    url = embedded if kind == "embedded" else request.getfixturevalue("served").api.url
    for origin in ("https://example.com", "http://127.0.0.1:1", "null"):
        assert without_the_secret(url, "/health", "GET", origin=origin) == 403
        assert without_the_secret(url, "/deployments/filter", "POST", origin=origin) == 403
        asking = {"origin": origin, "access-control-request-method": "POST"}
        assert without_the_secret(url, "/deployments/filter", "OPTIONS", **asking) == 403
    own = url.removesuffix("/api")
    assert without_the_secret(url, "/health", "GET", origin=own) == 200


def test_the_secret_alone_changes_nothing_without_a_csrf_token(served: Served) -> None:
    assert served.api.secret is not None
    credentials = b64encode(served.api.secret.encode()).decode()
    named = {"authorization": f"Basic {credentials}"}
    assert without_the_secret(served.api.url, "/deployments/filter", "POST", **named) == 403


def test_it_listens_on_the_loopback_address_alone(served: Served) -> None:
    port = int(served.api.url.removesuffix("/api").rpartition(":")[2])
    here = {
        each.laddr.ip
        for each in psutil.net_connections("tcp")
        if each.laddr.port == port and each.status == psutil.CONN_LISTEN
    }
    assert here == {"127.0.0.1"}


def test_the_secret_is_made_once_and_its_owners_alone(tmp_path: Path) -> None:
    first = secret_of(tmp_path)
    path = tmp_path / ".prefect" / "auth"
    assert (secret_of(tmp_path), path.read_text(encoding="utf-8")) == (first, first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first) > 40
    path.chmod(0o644)
    with pytest.raises(RunFailed, match="is not its owner's alone"):
        secret_of(tmp_path)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("another's")
    with pytest.raises(OSError, match="symbolic links"):
        secret_of(tmp_path)


def test_a_name_is_served_for_one_workspace(served: Served, tmp_path: Path) -> None:
    named = {"PREFECT_API_URL": served.api.url, "PREFECT_API_AUTH_STRING": str(served.api.secret)}
    other = serve(tmp_path / "telecom", served.api.url, tmp_path / "log", **named)
    assert other.process.wait(PATIENCE) == USAGE
    told = f"{served.workspace} is served under the name telecom; give another --name"
    assert told in other.log.read_text(encoding="utf-8")


def test_its_page_is_there_and_a_signal_ends_all_cleanly(served: Served) -> None:
    page = served.api.url.removesuffix("/api")
    with urllib.request.urlopen(f"{page}/ui-settings", timeout=60) as answer:
        asked = json.load(answer)
    assert (asked["api_url"], asked["auth"], asked["csrf_enabled"]) == ("/api", "BASIC", True)
    shown = urllib.request.Request(f"{page}/deployments", headers={"accept": "text/html"})
    with urllib.request.urlopen(shown, timeout=60) as answer:
        assert b"<title>Prefect" in answer.read()
    assert served.stop() == 0
    log = served.log.read_text(encoding="utf-8")
    assert log.endswith("stopped serving; what falls due meanwhile is done when it is back\n")
    assert "asks for what is in" in log
    with pytest.raises(OSError, match="refused"):
        served.api("/health")
