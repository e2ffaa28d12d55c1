"""Serve: the schedules as Prefect's deployments, run until the process is told to stop."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from types import FrameType
from typing import Any, Final, NoReturn

from flows.calendar.schedules import schedules
from flows.console import logs
from flows.console.errors import RunFailed
from flows.console.zone import KOREA, ZONE
from flows.prefect_flows.server import API, heard, prefect_server
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
    today = now.astimezone(KOREA).date()
    chosen = _UNFIT.sub("-", name or options.workspace.name) or "pointbook"
    return {
        "command": "serve",
        "workspace": str(options.workspace),
        "name": chosen,
        "timezone": ZONE,
        "deployments": [
            {
                "deployment": f"{command}/{chosen}",
                "command": command,
                "crons": schedule.crons(policies, today),
                "next": [
                    {"at": at.isoformat(timespec="minutes"), "period": period and str(period)}
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
    logs.tell("starting Prefect")
    with prefect_server(port) as page:
        from flows.prefect_flows.deployments import serve_deployments

        def registered() -> None:
            where = f"{page}/deployments"
            logs.tell(f"serving {manifest['workspace']}; its page is {where}")

        crons = {each["command"]: each["crons"] for each in manifest["deployments"]}
        try:
            serve_deployments(options, manifest["name"], crons, registered)
        except (RuntimeError, ExceptionGroup) as error:
            raise RunFailed(
                f"Prefect's server at {page} went away; once it is back, start "
                f"`pointbook serve` again ({API} names it)"
            ) from error


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
