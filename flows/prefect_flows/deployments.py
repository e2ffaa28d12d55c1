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
from typing import Annotated, Any, Final

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

from flows.calendar.schedules import INGEST, period_due
from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.commands.signature import REQUIRED, with_signature
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

Year = Annotated[int | None, Field(gt=date.min.year, lt=date.max.year)]
Month = Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}$")]
_HELP: Final = {
    "options": "Where the workspace and the policies are, and how much to use",
    "exports": "The exports to stage; empty for all",
    "year": "The year; empty for the one that fell due last at the scheduled time",
    "month": "The month, YYYY-MM; empty for the one that fell due last at the scheduled time",
}


def _with_help(doc: str, help_: Mapping[str, str]) -> str:
    """A docstring with the help that Prefect's page shows by parameter."""
    return f"{doc}\n\nArgs:" + "".join(f"\n    {name}: {text}" for name, text in help_.items())


def _ingest(*, options: Options, exports: list[str]) -> State[Any]:
    """Stages what landed. A run that a later one has overtaken has nothing left to do."""

    def work() -> None:
        check_exports(exports)
        raise_if_held_back(orchestration.ingest_flow.fn(options, exports))

    if datetime.now(KOREA) - flow_run.scheduled_start_time >= _A_DAY:
        return _skipped("a later ingest takes what landed")
    return _told(INGEST, lambda: _tried(INGEST, work))


def _deployed(
    function: Callable[..., State[Any]], name: str, doc: str, parameters: dict[str, Any]
) -> Flow[..., Any]:
    """The flow that a deployment runs, in this module under its name, where Prefect looks for it.

    `parameters`: by name the annotation, the default and the help.
    """
    kinds = {"options": (Options, REQUIRED)}
    kinds |= {each: (kind, default) for each, (kind, default, _) in parameters.items()}
    texts = {"options": _HELP["options"]} | {
        each: text for each, (_, _, text) in parameters.items()
    }
    made = with_signature(function, name, _with_help(doc, texts), kinds)
    deployed = flow(name=name, persist_result=False)(made)
    globals()[name] = deployed
    return deployed


def _deployed_command(command: Command) -> Flow[..., Any]:
    """The flow of a command's deployment: a given period, or the one that its schedule names."""

    def run(*, options: Options, **given: Any) -> State[Any]:
        asked = given.pop(command.span)
        return _done(command, options, asked, given)

    span = Year if command.span == "year" else Month
    return _deployed(
        run,
        command.name,
        command.help,
        {
            command.span: (span, None, _HELP[command.span]),
            **{each.name: (bool, False, each.help) for each in command.flags},
        },
    )


_FLOWS: Final[Mapping[str, Flow[..., Any]]] = {
    INGEST: _deployed(
        _ingest,
        INGEST,
        str(_ingest.__doc__),
        {"exports": (list[str], [], _HELP["exports"])},
    ),
    **{command.name: _deployed_command(command) for command in COMMANDS.values()},
}
"""What each deployment runs, by the name of its command."""


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
    command: Command, options: Options, asked: int | str | None, flags: Mapping[str, Any]
) -> State[Any]:
    """The end of a run for a period: the given one, or what falls due at the scheduled time."""

    def run() -> State[Any]:
        """Makes the period, unless it is skipped; says which one it was."""
        period = asked
        if not period:
            context = Context.of(options)
            due = period_due(context.policies, command.name, flow_run.scheduled_start_time)
            reason = command.why_idle(context, due.period)
            if reason:
                return _skipped(f"{due.title}: {reason}")
            period = due.period.value
        given = {command.span: period, **flags}
        return _tried(
            f"{command.name} {period}", lambda: orchestration.make(command, options, given)
        )

    return _told(command.name, run)


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
