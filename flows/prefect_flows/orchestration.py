"""The Prefect flows, one per computing command: typed parameters, steps as tasks, artifacts.

Settings are in place before Prefect is imported (`console/environment.py`), and commands that
compute nothing never load it. Prefect keeps flow parameters: they are ids and paths, never rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

from prefect import Flow, flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.calendar.demo import run_demo
from flows.calendar.plan import Reach
from flows.calendar.run_calendar import make_period, run_calendar
from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.commands.signature import REQUIRED, with_signature
from flows.console import logs
from flows.console.errors import RunFailed, line_of
from flows.console.terminal import shown
from flows.deliveries.ingest import ingest
from flows.deliveries.opening import open_ledger
from flows.publishing.options import Options, asked_period
from flows.publishing.steps import plainly

Manifest = dict[str, Any]
Work = Callable[..., Manifest]
T = TypeVar("T")

_server_lost: Final = ContextVar("_server_lost", default=False)
"""Whether Prefect's server went away during the run: nothing more is shown on its page then."""


def run_through(name: str, **parameters: object) -> Manifest:
    """Runs a command's flow; returns the manifest.

    What it came to stands, also where Prefect's server goes away meanwhile: that is warned of.
    Raises RunFailed where Prefect can't begin a run.
    """
    _server_lost.set(False)
    chosen = FLOWS[name]
    outcome: list[Manifest | Exception] = []
    work: Work = chosen.fn

    @wraps(work)
    def keeping(*given: object, **named: object) -> Manifest:
        try:
            manifest = work(*given, **named)
        except Exception as error:
            outcome.append(error)
            raise
        outcome.append(manifest)
        return manifest

    chosen.fn = keeping
    try:
        return chosen(**parameters)
    except Exception as error:
        if not outcome:
            raise RunFailed(
                f"Prefect could not begin the run: {line_of(error)}; look after its server, or "
                "unset PREFECT_API_URL to do with the embedded one, and run this again"
            ) from error
        found = outcome[-1]
        if isinstance(found, Exception):
            raise found from (None if found is error else error)
        _warn_of_lost_server(error)
        return found
    finally:
        chosen.fn = work


def as_task(name: str, work: Callable[[], T], /) -> T:
    """Runs a step's work as a task of the current Prefect flow, which sees its name alone."""
    run = task(name=name, cache_policy=NO_CACHE, persist_result=False)(lambda: plainly(name, work))
    return run()


def make(command: Command, options: Options, given: Mapping[str, Any]) -> Manifest:
    """Makes a period of a command, its steps as tasks, and shows its artifacts.

    `given`: the period under the name of its span, a year or the text of a month, and flags.
    """
    flags = dict(given)
    period = asked_period(flags.pop(command.span), command.span)
    manifest = make_period(command, options, period, as_task, **flags)
    _show(_tables_of(manifest))
    return manifest


def _flow_of(command: Command) -> Flow[..., Manifest]:
    """The flow of a command: its settings, its period and its flags."""

    def run(*, options: Options, **given: Any) -> Manifest:
        return make(command, options, given)

    parameters: dict[str, tuple[Any, Any]] = {
        "options": (Options, REQUIRED),
        command.span: (int if command.span == "year" else str, REQUIRED),
        **{each.name: (bool, False) for each in command.switches},
    }
    return flow(name=command.name, persist_result=False)(
        with_signature(run, command.name, command.help, parameters)
    )


@flow(name="ingest", persist_result=False)
def ingest_flow(options: Options, exports: list[str]) -> Manifest:
    """Stages what landed; see `flows.deliveries.ingest`."""
    manifest = ingest(options, exports, as_task)
    _show([_files_of(manifest)])
    return manifest


@flow(name="open", persist_result=False)
def open_flow(options: Options, month: str, lots: Path) -> Manifest:
    """Opens a ledger with an older system's lots; see `flows.deliveries.opening`."""
    manifest = open_ledger(options, asked_period(month, "month"), lots, step=as_task)
    lots_of = (f"Lots that the ledger opens with, {month}", manifest["lots"])
    _show([_files_of(manifest), ("opening", *lots_of)])
    return manifest


@flow(name="run", persist_result=False)
def run_flow(
    options: Options,
    first_month: str,
    last_month: str,
    force: bool = False,
    reason: str | None = None,
    allow_missing_months: bool = False,
    strict: bool = False,
    from_stale: bool = False,
) -> Manifest:
    """Ingests, then runs what falls due; see `flows.calendar.run_calendar`."""
    first, last = asked_period(first_month, "month"), asked_period(last_month, "month")
    reach = Reach(first, last, force, allow_missing_months, strict, from_stale)
    manifest = run_calendar(options, reach, as_task, reason=reason)
    _show(_tables_of_calendar(manifest))
    return manifest


@flow(name="demo", persist_result=False)
def demo_flow(options: Options) -> Manifest:
    """The whole calendar over the sample exports; see `flows.calendar.demo`."""
    manifest = run_demo(options, as_task)
    _show(_tables_of_calendar(manifest))
    return manifest


_FLOWS: Final[list[Flow[..., Manifest]]] = [ingest_flow, open_flow, run_flow, demo_flow]
FLOWS: Final[Mapping[str, Flow[..., Manifest]]] = {
    each.name: each for each in (*_FLOWS, *map(_flow_of, COMMANDS.values()))
}
"""Every flow by the name of its command."""

PageTable = tuple[str, str, list[dict[str, Any]]]
"""An artifact: its key, its description and the rows of its table."""


def _tables_of(manifest: Manifest) -> list[PageTable]:
    """The tables of a command's run that the page shows: the parts that declare a key."""
    command = COMMANDS[manifest["command"]]
    return [
        (part.key, f"{part.title}, {manifest[command.span]}", manifest[part.name])
        for part in command.parts
        if part.key is not None
    ]


def _tables_of_calendar(manifest: Manifest) -> list[PageTable]:
    """Those of the ingest, of the last run of each command, and of what was run."""
    last = {run["command"]: run for run in manifest["runs"]}.values()
    runs = [
        {
            "command": run["command"],
            "period": str(run[COMMANDS[run["command"]].span]),
            "seconds": run["seconds"],
        }
        for run in manifest["runs"]
    ]
    return [
        _files_of(manifest["ingest"]),
        *(shown for run in last for shown in _tables_of(run)),
        ("calendar", "What was run, in calendar order", runs),
    ]


def _files_of(manifest: Manifest) -> PageTable:
    """The files of a delivery."""
    rows = [
        {name: shown(file[name]) for name in ("export", "file", "status")} | file["rows"]
        for file in manifest["files"]
    ]
    return "ingest-files", "Files of the delivery: rows by what became of them", rows


def _show(tables: list[PageTable]) -> None:
    """Shows tables on Prefect's page; goes without them where the server is gone."""
    if _server_lost.get():
        return
    try:
        for key, description, rows in tables:
            create_table_artifact(key=key, table=rows, description=description)
    except Exception as error:
        _warn_of_lost_server(error)


def _warn_of_lost_server(error: Exception) -> None:
    if not _server_lost.get():
        logs.warn(f"Prefect's server went away ({line_of(error)}); its page misses this run's end")
    _server_lost.set(True)
