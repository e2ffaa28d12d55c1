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
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from prefect import Flow, Task, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType, TaskRun
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.runtime import flow_run
from prefect.schedules import Cron
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType
from pydantic import Field

from flows.calendar.plan import overview
from flows.calendar.schedules import INGEST, RUN, period_due
from flows.commands.declaration import OF_RUN
from flows.commands.registry import COMMANDS
from flows.commands.signature import with_signature
from flows.console.environment import set_up_process
from flows.console.errors import PointbookError, WorkspaceHeld, WrongUsage, line_of
from flows.console.failures import tell_failure
from flows.console.zone import KOREA, ZONE
from flows.deliveries.ingest import raise_if_held_back
from flows.deliveries.landing import check_exports
from flows.prefect_flows import orchestration
from flows.prefect_flows.orchestration import title
from flows.prefect_flows.server import heard
from flows.publishing.options import Options, asked_period
from flows.publishing.run import Context
from schemas.periods import Period
from transforms.policies.policy import Policies, PolicyError

_DELAYS: Final = [60.0, 300.0, 900.0, 1800.0, 3600.0, 3600.0]
"""Seconds before each further try: a backfill that holds the workspace takes hours."""
_PASSING: Final = {
    *(errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ENOLCK, errno.ESTALE),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT),
    *(errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT),
}
"""System errors that pass, or that somebody mends without touching Pointbook."""
_A_DAY: Final = timedelta(days=1)
_NAMING_SECONDS: Final = 10.0
_FAILURE: Final = "failure"
_TAG: Final = "pointbook"

Year = Annotated[int | None, Field(gt=date.min.year, lt=date.max.year)]
Month = Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}$")]
_HELP: Final = {
    "exports": "The exports to stage; empty for all",
    "year": "The year; empty for the one that fell due last at the scheduled time",
    "month": "The month, YYYY-MM; empty for the one that fell due last at the scheduled time",
    "first_month": "The first month, YYYY-MM; empty for the first in which something is stale",
    "last_month": "The last month, YYYY-MM; empty for the last in which something is stale",
    "reason": "Why, for the record of backfills",
}
_TAKEN: Final[Mapping[str, Mapping[str, tuple[Any, Any]]]] = {
    INGEST: {"exports": (list[str], [])},
    RUN: {
        "first_month": (Month, None),
        "last_month": (Month, None),
        **{each.name: (bool, False) for each in OF_RUN},
        "reason": (str, ""),
    },
    **{
        command.name: {
            command.span: (Year if command.span == "year" else Month, None),
            **{each.name: (bool, False) for each in command.switches},
        }
        for command in COMMANDS.values()
    },
}
"""What a run of each deployment may be given: its period and its flags, and nothing else."""
_DOES: Final = {
    INGEST: "Stage what landed.",
    RUN: "Bring up to date what has become stale, or what falls due in a span of months, in order.",
    **{command.name: command.help for command in COMMANDS.values()},
}


def deployed_flow(name: str, options: Options) -> Flow[..., Any]:
    """The flow that a deployment runs; the settings are the ones it is registered with."""

    options = Options.model_validate(options.model_dump())

    def run(**given: Any) -> State[Any]:
        return run_deployed(name, options, given)

    def named() -> str:
        try:
            return title(name, _with_period(name, options, flow_run.parameters))
        except Exception:  # the run itself says what is wrong
            return name

    flags = OF_RUN if name == RUN else COMMANDS[name].switches if name in COMMANDS else ()
    helped = _HELP | {flag.name: flag.help for flag in flags}
    lines = (f"\n    {each}: {helped[each]}" for each in _TAKEN[name])
    made = with_signature(run, name, f"{_DOES[name]}\n\nArgs:{''.join(lines)}", _TAKEN[name])
    return flow(name=name, flow_run_name=named, persist_result=False)(made)


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
    """Registers, then runs what is due, one at a time, until a signal asks to stop.

    The runner keeps the flows that it was given: what the server has of a deployment, its
    entrypoint or steps to pull code for example, is never run.
    """
    runner = _Runner(limit=1, pause_on_shutdown=False)
    deployed: dict[UUID, str] = {}
    for command, found in crons.items():
        made = await runner.aadd_flow(
            deployed_flow(command, options),
            name=f"{command} {name}",
            schedules=[Cron(cron, timezone=ZONE) for cron in found],
            description=_described(command, options, found),
            tags=[_TAG],
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        deployed[made] = command
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
    naming = loop.create_task(_name_what_is_to_come(options, deployed))
    await runner.start()
    naming.cancel()
    await asyncio.gather(*stopping)


def _described(command: str, options: Options, crons: Iterable[str]) -> str:
    """What a deployment does, when, which the page tells without a zone, and where."""
    when = " or ".join(f"`{cron}`" for cron in crons)
    scheduled = f"\n\nScheduled in {ZONE}: {when}" if when else ""
    return f"{_DOES[command]}{scheduled}\n\nWorkspace: `{options.workspace}`"


async def _name_what_is_to_come(options: Options, deployed: Mapping[UUID, str]) -> None:
    """Names scheduled runs by their periods, for the page: Prefect draws names for them."""
    scheduled = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    of_ours = FlowRunFilterDeploymentId(any_=list(deployed))
    wanted = FlowRunFilter(state=scheduled, deployment_id=of_ours)
    named: set[UUID] = set()
    policies = Context.of(options).policies
    async with get_client() as client:
        while True:
            with suppress(Exception):  # the next round names what this one could not
                for run in await client.read_flow_runs(flow_run_filter=wanted):
                    if run.id in named or run.deployment_id is None:
                        continue
                    name, at = deployed[run.deployment_id], run.expected_start_time
                    given = _dated(name, policies, run.parameters, at)
                    await client.update_flow_run(run.id, name=title(name, given))
                    named.add(run.id)
            await asyncio.sleep(_NAMING_SECONDS)


def _check_name(options: Options, name: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            known = client.read_deployment_by_name(f"{INGEST}/{INGEST} {name}")
        except ObjectNotFound:
            return
    workspace = (known.description or "").rpartition("Workspace: ")[2].strip("`")
    if workspace != str(options.workspace):
        raise WrongUsage(f"{workspace} is served under the name {name}; give another --name")


def run_deployed(name: str, options: Options, given: Mapping[str, Any]) -> State[Any]:
    """A run of a deployment, in the process that Prefect starts for it; returns how it ended.

    One that names no period makes what fell due last at the time for which it was scheduled. A
    failed one has the operator's line, in its state and an artifact.
    """
    set_up_process()
    for logger in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(logger).addFilter(_in_one_line)
    try:
        given = _with_period(name, options, given)
        if reason := _idle(name, options, given):
            return Completed(name="Skipped", message=reason)
        return _tried(title(name, given), lambda: _work(name, options, given))
    except Exception as error:
        expected = isinstance(error, PointbookError | PolicyError)
        line = str(error) if expected else line_of(error)
        create_markdown_artifact(
            key=f"{name}-{_FAILURE}",
            markdown=f"**{name} failed**: {line}",
            description=f"Why the last {name} that failed did",
        )
        tell_failure(options.on_failure, options.workspace, title(name, given), error)
        return Failed(message=line)


def _in_one_line(record: logging.LogRecord) -> bool:
    """Takes the traceback out of what the page shows of an error that says all by itself."""
    if record.exc_info and isinstance(record.exc_info[1], PointbookError | PolicyError):
        record.exc_info = record.exc_text = None
    return True


def _with_period(name: str, options: Options, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a run was given, with the period that fell due at its scheduled time if it has none.

    Of `run` it is the months in which something is stale, if there are any.
    """
    context = Context.of(options)
    if name != RUN:
        return _dated(name, context.policies, given, flow_run.scheduled_start_time)
    found = {each.due: each for each in overview(context) if each.state == "stale"}
    stale = [
        due.on
        for due, each in found.items()
        # what follows one that is missing waits for somebody to make that
        if not each.skipped and (each.changed or each.damaged or found.keys() & each.follows)
    ]
    months = [str(Period.month_of(on)) for on in (min(stale), max(stale))] if stale else []
    named = zip(("first_month", "last_month"), months, strict=False)
    return dict(given) | {each: given.get(each) or month for each, month in named}


def _dated(
    name: str, policies: Policies, given: Mapping[str, Any], at: datetime | None
) -> dict[str, Any]:
    """What a run was given, with the period that fell due at a time if it has none."""
    command = COMMANDS.get(name)
    if command is None or given.get(command.span) or at is None:
        return dict(given)
    return {**given, command.span: period_due(policies, name, at).period.value}


def _idle(name: str, options: Options, given: Mapping[str, Any]) -> str | None:
    """Why a scheduled run has nothing to do, if it has nothing.

    What an operator asks for is done or refused.
    """
    if name == INGEST:
        late = datetime.now(KOREA) - flow_run.scheduled_start_time >= _A_DAY
        return "a later ingest takes what landed" if late else None
    if name == RUN:
        return None if given.get("first_month") and given.get("last_month") else "nothing is stale"
    command = COMMANDS[name]
    if flow_run.parameters.get(command.span):
        return None
    period = asked_period(given[command.span], command.span)
    reason = command.why_idle(Context.of(options), period)
    return reason and f"{name} {period}: {reason}"


def _work(name: str, options: Options, given: Mapping[str, Any]) -> None:
    """Does what a run is to do; raises HeldBack where files were held back."""
    if name == INGEST:
        check_exports(given["exports"])
    if name == RUN:
        given = {**given, "reason": given["reason"] or None}
    manifest = orchestration.make(name, options, given)
    if name in (INGEST, RUN):
        raise_if_held_back(manifest.get("ingest", manifest))


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
