"""The Prefect deployments of a workspace: the flows of the commands, run on their schedules.

A run takes its period from the time for which it was scheduled, unless its parameters name one.
One run goes at a time: the runner starts the next when one has ended, by their scheduled times, and
the workspace's lock holds off whatever else works there. Only what passes by itself is tried
again: a workspace that is held, and system errors such as a full disk. What waits for an export,
a month or a person fails at once, so that the runs after it, the daily ingest first of all, go on.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from inspect import getdoc, signature
from typing import Annotated, Any, Final, ParamSpec, TypeVar

from prefect import Flow, Task, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.runtime import flow_run
from prefect.schedules import Cron
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType
from pydantic import Field

from flows.calendar.schedules import INGEST, period_due, why_skipped
from flows.console.environment import set_up_process
from flows.console.errors import PointbookError, WorkspaceHeld, WrongUsage, line_of
from flows.console.zone import KOREA, ZONE
from flows.deliveries.ingest import raise_if_held_back
from flows.deliveries.landing import check_exports
from flows.prefect_flows import orchestration
from flows.prefect_flows.server import heard
from flows.publishing.options import Options
from flows.publishing.run import Context
from transforms.policies.policy import PolicyError

_DELAYS: Final = [60.0, 300.0, 900.0, 1800.0, 3600.0, 3600.0]
"""Seconds before each further try: a backfill that holds the workspace takes hours."""
_PASSING: Final = {
    *(errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ENOLCK, errno.ESTALE),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT),
}
"""System errors that pass, or that somebody mends without touching Pointbook."""
_A_DAY: Final = timedelta(days=1)
_FAILURE: Final = "failure"
_TAG: Final = "pointbook"

P = ParamSpec("P")
T = TypeVar("T")
Manifest = dict[str, Any]
Year = Annotated[int | None, Field(gt=date.min.year, lt=date.max.year)]
Month = Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}$")]
_HELP: Final = {
    "options": "Where the workspace and the policies are, and how much to use",
    "exports": "The exports to stage; empty for all",
    "year": "The year; empty for the one that fell due last at the scheduled time",
    "month": "The month, YYYY-MM; empty for the one that fell due last at the scheduled time",
    "allow_missing_months": "Assess although months of the window were never delivered",
}


def _deployed(function: Callable[P, T]) -> Flow[P, T]:
    """The flow that a deployment runs, with the help that Prefect's page shows by parameter."""
    names = [name for name in signature(function).parameters if name in _HELP]
    help_ = "".join(f"\n    {name}: {_HELP[name]}" for name in names)
    function.__doc__ = f"{getdoc(function)}\n\nArgs:{help_}\n"
    return flow(name=function.__name__, persist_result=False)(function)


@_deployed
def ingest(options: Options, exports: list[str] = []) -> State[Any]:  # noqa: B006
    """Stages what landed. A run that a later one has overtaken has nothing left to do."""

    def work() -> None:
        check_exports(exports)
        raise_if_held_back(orchestration.ingest_flow.fn(options, exports))

    if datetime.now(KOREA) - flow_run.scheduled_start_time >= _A_DAY:
        return _skipped("a later ingest takes what landed")
    return _told(INGEST, lambda: _tried(INGEST, work))


@_deployed
def tiers(options: Options, year: Year = None, allow_missing_months: bool = False) -> State[Any]:
    """Publishes the membership tier snapshot of a year (T1-T8)."""
    run = orchestration.tiers_flow.fn
    return _done("tiers", options, year, lambda y: run(options, int(y), allow_missing_months))


@_deployed
def grants(options: Options, year: Year = None) -> State[Any]:
    """Publishes the point grants of a membership year (G1, G2)."""
    run = orchestration.grants_flow.fn
    return _done("grants", options, year, lambda y: run(options, int(y)))


@_deployed
def elite(options: Options, year: Year = None) -> State[Any]:
    """Publishes the elite status of every member for a status year (E1-E4)."""
    run = orchestration.elite_flow.fn
    return _done("elite", options, year, lambda y: run(options, int(y)))


@_deployed
def notices(options: Options, month: Month = None) -> State[Any]:
    """Lists who is told on the first day of a month which points lapse when (P10)."""
    run = orchestration.notices_flow.fn
    return _done("notices", options, month, lambda m: run(options, m))


@_deployed
def points(options: Options, month: Month = None) -> State[Any]:
    """Closes a month of the points ledger (P1-P7, P11)."""
    run = orchestration.points_flow.fn
    return _done("points", options, month, lambda m: run(options, m))


@_deployed
def micropayments(options: Options, month: Month = None) -> State[Any]:
    """Answers a month's micropayments and limit requests (M1-M5)."""
    run = orchestration.micropayments_flow.fn
    return _done("micropayments", options, month, lambda m: run(options, m))


@_deployed
def miles(options: Options, month: Month = None) -> State[Any]:
    """Closes a month of the mileage ledger (F, W, X, P11)."""
    run = orchestration.miles_flow.fn
    return _done("miles", options, month, lambda m: run(options, m))


@_deployed
def sweep(options: Options, year: Year = None) -> State[Any]:
    """Expires points at the end of a year, after its December is closed (P8, P9)."""
    run = orchestration.sweep_flow.fn
    return _done("sweep", options, year, lambda y: run(options, int(y)))


_FLOWS: Final[Mapping[str, Flow[..., Any]]] = {
    each.name: each
    for each in (ingest, tiers, grants, elite, notices, points, micropayments, miles, sweep)
}


def serve_deployments(
    options: Options,
    name: str,
    crons: Mapping[str, Iterable[str]],
    registered: Callable[[], None],
) -> None:
    """Registers a deployment for each command, and runs them until the process is told to stop.

    `crons`: the cron expressions of each command, in Asia/Seoul; a command with none runs when
    Prefect's page says. `registered` is called once they are. What was scheduled while nothing
    served it is done late. Raises WrongUsage where another workspace is served under the name.
    """
    _check_name(options, name)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(options, name, crons, registered))


class _Runner(Runner):
    """A runner that leaves SIGTERM to the loop, which ends it in order."""

    def handle_sigterm(self, *_args: Any, **_settings: Any) -> None:
        pass


async def _run(
    options: Options,
    name: str,
    crons: Mapping[str, Iterable[str]],
    registered: Callable[[], None],
) -> None:
    """Registers, then runs what is due, one at a time, until a signal asks to stop."""
    runner = _Runner(limit=1, pause_on_shutdown=False)
    for command, found in crons.items():
        deployment = await _FLOWS[command].ato_deployment(
            name=name,
            schedules=[Cron(cron, timezone=ZONE) for cron in found],
            parameters={"options": options.model_dump(mode="json")},
            tags=[_TAG],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        await runner.aadd_deployment(deployment)
    registered()
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        if runner.started:
            stopping.append(loop.create_task(runner.astop()))
        elif not stopping:
            this.cancel()

    for number in heard():
        loop.add_signal_handler(number, stop)
    await runner.start()
    await asyncio.gather(*stopping)


def _check_name(options: Options, name: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(f"{INGEST}/{name}")
        except ObjectNotFound:
            return
    workspace = known.parameters.get("options", {}).get("workspace")
    if workspace != str(options.workspace):
        raise WrongUsage(f"{workspace} is served under the name {name}; give another --name")


def _done(
    command: str, options: Options, period: int | str | None, work: Callable[[str], Manifest]
) -> State[Any]:
    """The end of a run for a period: the given one, or what falls due at the scheduled time."""

    def run() -> State[Any]:
        wanted = str(period or "")
        if not wanted:
            context = Context.of(options)
            due = period_due(context.policies, command, flow_run.scheduled_start_time)
            reason = why_skipped(due, context)
            if reason:
                return _skipped(f"{command} {due.period}: {reason}")
            wanted = due.period
        return _tried(f"{command} {wanted}", lambda: work(wanted))

    return _told(command, run)


def _told(command: str, run: Callable[[], State[Any]]) -> State[Any]:
    """The end of a run; a failed one with the operator's line, in its state and an artifact.

    Prefect starts a process for each run, without the command line.
    """
    set_up_process()
    try:
        return run()
    except Exception as error:
        expected = isinstance(error, PointbookError | PolicyError)
        line = str(error) if expected else line_of(error)
        create_markdown_artifact(
            key=f"{command}-{_FAILURE}",
            markdown=f"**{command} failed**: {line}",
            description=f"Why the last {command} that failed did",
        )
        if not expected:
            raise
        return Failed(message=line)


def _tried(what: str, work: Callable[[], object]) -> State[Any]:
    """Does the work as a task, again where that can help."""
    tried = task(
        name=what,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=len(_DELAYS),
        retry_delay_seconds=_DELAYS,
        retry_condition_fn=_retry_can_help,
    )(work)
    tried()
    return Completed(message=f"{what}: done")


def _retry_can_help(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    return passes(state.data)


def passes(error: object) -> bool:
    """Whether what stopped a run passes without anything being done about it in Pointbook."""
    cause = error.__cause__ if isinstance(error, PointbookError) else error
    return isinstance(error, WorkspaceHeld) or (
        isinstance(cause, OSError) and cause.errno in _PASSING
    )


def _skipped(reason: str) -> State[Any]:
    return Completed(name="Skipped", message=reason)
