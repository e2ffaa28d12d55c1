"""Serve: the schedules as Prefect's deployments, run until the process is told to stop."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from types import FrameType
from typing import Any, Final, NoReturn
from zoneinfo import ZoneInfo

from flows.calendar.schedules import schedules
from flows.console import logs
from flows.console.errors import RunFailed
from flows.console.zone import KOREA, ZONE
from flows.prefect_flows.server import API, HOME, SECRET, find_server, heard, start_server
from flows.publishing.options import Options
from flows.publishing.run import Context

_SHOWN: Final = 3
_UNFIT: Final = re.compile(r"[/%&<>]")


def plan(options: Options, name: str | None, now: datetime) -> dict[str, Any]:
    """What `serve` would register: each command's deployment, cron expressions and next runs.

    `name`: of the deployments; else that of the workspace's folder. Raises WrongUsage or
    PolicyError where the policies make no sense.
    """
    policies = Context.of(options).policies
    today, zone = now.astimezone(KOREA).date(), ZoneInfo(options.timezone)
    chosen = _UNFIT.sub("-", name or options.workspace.name) or "pointbook"
    return {
        "command": "serve",
        "workspace": str(options.workspace),
        "name": chosen,
        "timezone": options.timezone,
        "schedules": ZONE,
        "deployments": [
            {
                "deployment": f"{command}/{command} {chosen}",
                "command": command,
                "crons": schedule.crons(policies, today),
                "next": [
                    {
                        "at": at.astimezone(zone).isoformat(timespec="minutes"),
                        "period": period and str(period),
                    }
                    for at, period in schedule.upcoming(policies, now, _SHOWN)
                ],
            }
            for command, schedule in schedules(policies, today).items()
        ],
    }


def serve(options: Options, manifest: dict[str, Any], port: int) -> None:
    """Registers what `plan` says and runs it, until SIGINT or SIGTERM; then ends cleanly.

    Raises NotReady or WrongUsage where there is no server to register with, RunFailed where it
    goes away.
    """
    options.workspace.mkdir(parents=True, exist_ok=True)
    with _interruptible(), suppress(KeyboardInterrupt):
        _serve(options, manifest, port)
    logs.tell("stopped serving; what falls due meanwhile is done when it is back")


def _serve(options: Options, manifest: dict[str, Any], port: int) -> None:
    """Serves the deployments of a manifest until stopped; RunFailed where the server goes away."""
    workspace = options.workspace
    named = bool(os.environ.get(API))
    server = find_server(workspace) if named else start_server(workspace, port)
    logs.tell("starting Prefect")
    assert server is not None
    try:
        from flows.prefect_flows.deployments import serve_deployments

        server.wait()

        def registered() -> None:
            asks = "" if named else f", which asks for what is in {workspace / HOME / SECRET}"
            logs.tell(f"serving {workspace}; its page is {server.page}/deployments{asks}")

        crons = {each["command"]: each["crons"] for each in manifest["deployments"]}
        serve_deployments(options, manifest["name"], crons, registered)
    except (RuntimeError, ExceptionGroup) as error:
        raise RunFailed(
            f"Prefect's server at {server.page} went away; once it is back, start "
            f"`pointbook serve` again ({API} names it)"
        ) from error
    finally:
        server.stop()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets every signal that asks to stop interrupt the block, as Ctrl-C does."""
    before = {number: signal.signal(number, _interrupt) for number in heard()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
