"""The Prefect flows, one per computing command: typed parameters, steps as tasks, artifacts.

Settings are in place before Prefect is imported (`console/environment.py`), and commands that
compute nothing never load it. Prefect keeps flow parameters: they are ids and paths, never rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, TypeVar

from prefect import Flow, flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.calendar.work import work
from flows.commands.declaration import OF_RUN
from flows.commands.registry import COMMANDS
from flows.commands.signature import REQUIRED, with_signature
from flows.console import logs
from flows.console.errors import RunFailed, line_of
from flows.console.parts import with_sentences
from flows.console.terminal import shown
from flows.publishing.options import Options
from flows.publishing.steps import plainly

Manifest = dict[str, Any]
Work = Callable[..., Manifest]
T = TypeVar("T")

_server_lost: Final = ContextVar("_server_lost", default=False)
"""Whether Prefect's server went away during the run: nothing more is shown on its page then."""


def run_through(name: str, options: Options, **given: Any) -> Manifest:
    """Runs a command as a flow; returns the manifest.

    What it came to stands, also where Prefect's server goes away meanwhile: that is warned of.
    Raises RunFailed where Prefect can't begin a run.
    """
    _server_lost.set(False)
    outcome: list[Manifest | Exception] = []

    def run(*, workspace: str, **given: Any) -> Manifest:
        try:
            manifest = make(name, options, given)
        except Exception as error:
            outcome.append(error)
            raise
        outcome.append(manifest)
        return manifest

    try:
        chosen: Work = _flow_of(name, run)
        return chosen(**given, workspace=str(options.workspace))
    except Exception as error:
        if not outcome:
            raise RunFailed(
                f"Prefect could not begin the run: {line_of(error)}; look after its server, or "
                "run this again with --no-prefect"
            ) from error
        found = outcome[-1]
        if isinstance(found, Exception):
            raise found from (None if found is error else error)
        _warn_of_lost_server(error)
        return found


def as_task(name: str, done: Callable[[], T], /) -> T:
    """Runs a step's work as a task of the current Prefect flow, which sees its name alone."""
    run = task(name=name, cache_policy=NO_CACHE, persist_result=False)(lambda: plainly(name, done))
    return run()


def make(name: str, options: Options, given: Mapping[str, Any]) -> Manifest:
    """Does what a command does, its steps as tasks, and shows its artifacts.

    `given`: the command's own options; see `flows.calendar.work`.
    """
    manifest = work(name, options, as_task, **given)
    _show(_tables_of(name, manifest))
    return manifest


_MONTHS: Final = {"first_month": (str, REQUIRED), "last_month": (str, REQUIRED)}
PARAMETERS: Final[Mapping[str, Mapping[str, tuple[Any, Any]]]] = {
    "ingest": {"exports": (list[str], REQUIRED), "again": (list[str], [])},
    "open": {"month": (str, REQUIRED), "lots": (Path, REQUIRED)},
    "run": {
        **_MONTHS,
        **{each.name: (bool, False) for each in OF_RUN},
        "reason": (str | None, None),
    },
    "demo": {},
    **{
        command.name: {
            command.span: (int if command.span == "year" else str, REQUIRED),
            **{each.name: (bool, False) for each in command.switches},
        }
        for command in COMMANDS.values()
    },
}
"""What each command takes besides the settings: annotation and default, by name."""


def title(name: str, given: Mapping[str, Any]) -> str:
    """What a run is called on Prefect's page: the command and its periods, `points 2026-10`."""
    periods = (given.get(each) for each in ("year", "month", "first_month", "last_month"))
    return " ".join([name, *(str(period) for period in periods if period)])


def _flow_of(name: str, run: Work) -> Flow[..., Manifest]:
    """The flow of a command: its period and its flags, and the workspace for the page to show."""
    doc = COMMANDS[name].help if name in COMMANDS else f"See `pointbook {name} --help`."
    parameters = {**PARAMETERS[name], "workspace": (str, REQUIRED)}
    named = title(name, {each: f"{{{each}}}" for each in parameters})
    made = with_signature(run, name, doc, parameters)
    return flow(name=name, flow_run_name=named, persist_result=False)(made)


PageTable = tuple[str, str, list[dict[str, Any]]]
"""An artifact: its key, its description and the rows of its table."""


def _tables_of(name: str, manifest: Manifest) -> list[PageTable]:
    """The tables of a run that the page shows: of a command the parts that declare a key."""
    if name in ("run", "demo"):
        return _tables_of_calendar(manifest)
    if name == "ingest":
        return [_files_of(manifest)]
    if name == "open":
        about = f"Lots that the ledger opens with, {manifest['month']}"
        return [_files_of(manifest), ("opening", about, manifest["lots"])]
    command = COMMANDS[name]
    return [
        (part.key, f"{part.title}, {manifest[command.span]}", with_sentences(manifest[part.name]))
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
        *(shown for run in last for shown in _tables_of(run["command"], run)),
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
