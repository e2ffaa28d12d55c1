"""The Prefect flows, one per computing command: typed parameters, steps as tasks, artifacts.

Prefect is known here, in `steps.py` and in `deployments.py` alone, and settings are in place before
it is imported (`environment.py`), so that commands that compute nothing never load it. Prefect
keeps flow parameters: they are ids and paths, never rows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Final

from prefect import Flow, flow
from prefect.artifacts import create_table_artifact as _create_table_artifact

from flows.calendar.demo import run_demo
from flows.calendar.run_calendar import run_calendar
from flows.commands.elite import assess_elite
from flows.commands.grants import grant_points
from flows.commands.micropayments import close_micropayments
from flows.commands.miles import close_miles
from flows.commands.notices import send_notices
from flows.commands.points import close_points
from flows.commands.registry import COMMANDS
from flows.commands.sweep import sweep_points
from flows.commands.tiers import assess_tiers
from flows.console import logs
from flows.console.errors import RunFailed, line_of
from flows.deliveries.ingest import ingest
from flows.deliveries.opening import open_ledger
from flows.publishing.options import Options
from flows.publishing.steps import as_task

Manifest = dict[str, Any]

_server_lost: Final = ContextVar("_server_lost", default=False)
"""Whether Prefect's server went away during the run: nothing more is shown on its page then."""


def run_through(name: str, **parameters: object) -> Manifest:
    """Runs a flow of this module by its name; returns the manifest.

    What it came to stands, also where Prefect's server goes away meanwhile: that is warned of.
    Raises RunFailed where Prefect can't begin a run.
    """
    _server_lost.set(False)
    chosen: Flow[..., Manifest] = globals()[name]
    outcome: list[Manifest | Exception] = []
    work: Callable[..., Manifest] = chosen.fn

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
        _tell_lost(error)
        return found
    finally:
        chosen.fn = work


def create_table_artifact(*, key: str, table: list[dict[str, Any]], description: str) -> None:
    """Shows a table on Prefect's page; goes without it where the server is gone."""
    if _server_lost.get():
        return
    try:
        _create_table_artifact(key=key, table=table, description=description)
    except Exception as error:
        _tell_lost(error)


def _tell_lost(error: Exception) -> None:
    if not _server_lost.get():
        logs.warn(f"Prefect's server went away ({line_of(error)}); its page misses this run's end")
    _server_lost.set(True)


@flow(name="ingest", persist_result=False)
def ingest_flow(options: Options, exports: list[str]) -> Manifest:
    """Stages what landed; see `flows.deliveries.ingest.ingest`."""
    manifest = ingest(options, exports, as_task)
    _show_ingest(manifest)
    return manifest


@flow(name="tiers", persist_result=False)
def tiers_flow(options: Options, year: int, allow_missing_months: bool = False) -> Manifest:
    """Publishes a membership year's tier snapshot; see `flows.commands.tiers.assess_tiers`."""
    manifest = assess_tiers(options, year, allow_missing_months, as_task)
    _show(manifest)
    return manifest


@flow(name="grants", persist_result=False)
def grants_flow(options: Options, year: int, dry_run: bool = False) -> Manifest:
    """Publishes a membership year's point grants; see `flows.commands.grants.grant_points`."""
    manifest = grant_points(options, year, dry_run, as_task)
    _show(manifest)
    return manifest


@flow(name="points", persist_result=False)
def points_flow(options: Options, month: str) -> Manifest:
    """Publishes a month of the points ledger; see `flows.commands.points.close_points`."""
    manifest = close_points(options, month, as_task)
    _show(manifest)
    return manifest


@flow(name="micropayments", persist_result=False)
def micropayments_flow(options: Options, month: str) -> Manifest:
    """Publishes a month of micropayments; see `close_micropayments`."""
    manifest = close_micropayments(options, month, as_task)
    _show(manifest)
    return manifest


@flow(name="miles", persist_result=False)
def miles_flow(options: Options, month: str) -> Manifest:
    """Publishes a month of the mileage ledger; see `flows.commands.miles.close_miles`."""
    manifest = close_miles(options, month, as_task)
    _show(manifest)
    return manifest


@flow(name="elite", persist_result=False)
def elite_flow(options: Options, year: int) -> Manifest:
    """Publishes a status year's elite status; see `flows.commands.elite.assess_elite`."""
    manifest = assess_elite(options, year, as_task)
    _show(manifest)
    return manifest


@flow(name="notices", persist_result=False)
def notices_flow(options: Options, month: str) -> Manifest:
    """Publishes a month's expiry notices; see `flows.commands.notices.send_notices`."""
    manifest = send_notices(options, month, as_task)
    _show(manifest)
    return manifest


@flow(name="sweep", persist_result=False)
def sweep_flow(options: Options, year: int, dry_run: bool = False) -> Manifest:
    """Publishes a year's expiry sweep; see `flows.commands.sweep.sweep_points`."""
    manifest = sweep_points(options, year, dry_run, as_task)
    _show(manifest)
    return manifest


@flow(name="open", persist_result=False)
def open_flow(options: Options, month: str, lots: Path) -> Manifest:
    """Opens a ledger with an older system's lots; see `flows.deliveries.opening.open_ledger`."""
    manifest = open_ledger(options, month, lots, step=as_task)
    _show_ingest(manifest)
    create_table_artifact(
        key="opening",
        table=manifest["lots"],
        description=f"Lots that the ledger opens with, {_period(manifest)}",
    )
    return manifest


@flow(name="run", persist_result=False)
def run_flow(
    options: Options,
    first_month: str,
    last_month: str,
    force: bool = False,
    reason: str | None = None,
) -> Manifest:
    """Ingests, then runs what falls due; see `flows.calendar.run_calendar.run_calendar`."""
    manifest = run_calendar(options, first_month, last_month, as_task, force=force, reason=reason)
    _show_calendar(manifest)
    return manifest


@flow(name="demo", persist_result=False)
def demo_flow(options: Options) -> Manifest:
    """The whole calendar over the sample exports; see `flows.calendar.demo.run_demo`."""
    manifest = run_demo(options, as_task)
    _show_calendar(manifest)
    return manifest


def _show_calendar(manifest: Manifest) -> None:
    """Artifacts of the ingest, and of the last run of each command."""
    _show_ingest(manifest["ingest"])
    for run in {run["command"]: run for run in manifest["runs"]}.values():
        _show(run)
    create_table_artifact(
        key="calendar",
        table=[
            {"command": run["command"], "period": _period(run), "seconds": run["seconds"]}
            for run in manifest["runs"]
        ],
        description="What was run, in calendar order",
    )


def _show_ingest(manifest: Manifest) -> None:
    create_table_artifact(
        key="ingest-files",
        table=[
            {"export": file["export"], "file": file["file"], "status": file["status"]}
            | file["rows"]
            for file in manifest["files"]
        ],
        description="Files of the delivery: rows by what became of them",
    )


def _show(manifest: Manifest) -> None:
    for key, part, what in COMMANDS[manifest["command"]].artifacts:
        create_table_artifact(
            key=key, table=manifest[part], description=f"{what}, {_period(manifest)}"
        )


def _period(manifest: Manifest) -> str:
    return str(manifest.get("month") or manifest["year"])
