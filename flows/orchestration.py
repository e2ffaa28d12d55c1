"""The Prefect flows, one per computing command: typed parameters, steps as tasks, artifacts.

Prefect is known here and in `steps.py` alone, and settings are in place before it is imported
(`environment.py`), so that commands that compute nothing never load it. Prefect keeps flow
parameters: they are ids and paths, never rows.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import create_table_artifact

from flows.calendar import run_calendar
from flows.demo import run_demo
from flows.grants import grant_points
from flows.ingest import ingest
from flows.options import Options
from flows.steps import as_task
from flows.tiers import assess_tiers

Manifest = dict[str, Any]


@flow(name="ingest", persist_result=False)
def ingest_flow(options: Options, exports: list[str]) -> Manifest:
    """Stages what landed; see `flows.ingest.ingest`."""
    manifest = ingest(options, exports, as_task)
    _show_ingest(manifest)
    return manifest


@flow(name="tiers", persist_result=False)
def tiers_flow(options: Options, year: int, allow_missing_months: bool = False) -> Manifest:
    """Publishes a membership year's tier snapshot; see `flows.tiers.assess_tiers`."""
    manifest = assess_tiers(options, year, allow_missing_months, as_task)
    _show(manifest)
    return manifest


@flow(name="grants", persist_result=False)
def grants_flow(options: Options, year: int) -> Manifest:
    """Publishes a membership year's point grants; see `flows.grants.grant_points`."""
    manifest = grant_points(options, year, as_task)
    _show(manifest)
    return manifest


@flow(name="run", persist_result=False)
def run_flow(options: Options, first_month: str, last_month: str) -> Manifest:
    """Ingests, then runs what falls due; see `flows.calendar.run_calendar`."""
    manifest = run_calendar(options, first_month, last_month, as_task)
    _show_calendar(manifest)
    return manifest


@flow(name="demo", persist_result=False)
def demo_flow(options: Options) -> Manifest:
    """The whole calendar over the sample exports; see `flows.demo.run_demo`."""
    manifest = run_demo(options, as_task)
    _show_calendar(manifest)
    return manifest


def _show_calendar(manifest: Manifest) -> None:
    _show_ingest(manifest["ingest"])
    for run in manifest["runs"]:
        _show(run)


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
    year = manifest["year"]
    if manifest["command"] == "tiers":
        create_table_artifact(
            key="tiers", table=manifest["tiers"], description=f"Customers by tier, {year}"
        )
        create_table_artifact(
            key="tiers-window",
            table=manifest["months"],
            description=f"Billing months that the tiers of {year} are assessed over",
        )
    else:
        create_table_artifact(
            key="grants", table=manifest["points"], description=f"Points granted by tier, {year}"
        )
