"""Grants: the yearly points of a membership year, on its credit day (G1, G2)."""

from __future__ import annotations

from typing import Any, Final

from flows.commands import tiers
from flows.commands.declaration import Command
from flows.console.errors import NotReady
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    WrittenTable,
    name_inputs,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine, load_transform
from transforms.policies.assessment import Grant, grant
from transforms.policies.policy import Policies

TABLE: Final = "point_grants"
POLICIES: Final = ("point_grant_amounts", "point_grant_terms")


def grant_points(
    options: Options, year: int, dry_run: bool = False, step: StepRunner = plainly
) -> dict[str, Any]:
    """Publishes `point_grants` of a membership year; returns the manifest.

    `dry_run`: publishes nothing, and tells what it would grant. Raises NotReady where the year's
    tier snapshot is not published.
    """
    with Run.of(options, "grants", {"year": year, "dry_run": dry_run}) as run:
        context = Context.of(options)
        terms = grant(context.policies, year)
        _require_snapshot(context, year)
        inputs = grant_inputs(context, year)
        with options.start_engine(run.scratch) as engine:
            name_inputs(engine, inputs, context.state)
            written, claims = step("grant", lambda: _grant(run, engine, context.policies, terms))
            points = engine.rows(load_transform("membership/grant_counts")).to_pylist()
        content = {
            "year": year,
            "granted_on": terms.granted_on.isoformat(),
            "policies": context.policies.digest,
            "points": points,
            "inputs": inputs.as_manifest(context.state),
            "audits": claims,
        }
        publish_table(run, written, grant_fingerprints(context, year))
        return run.commit(content, dry_run=dry_run)


def grant_inputs(context: Context, year: int) -> Inputs:
    """The files that a year's grants read: its tier snapshot, and the customers."""
    return Inputs(
        {
            "tier_snapshot": context.file_of("tier_snapshot", str(year)),
            "customers": context.files("customers"),
        }
    )


def grant_fingerprints(context: Context, year: int) -> dict[str, str]:
    """What a year's grants are made from: digests of what their rules read."""
    terms = grant(context.policies, year)
    transform = load_transform(f"membership/{TABLE}")
    found = grant_inputs(context, year).fingerprints(context.state, [transform])
    return found | {"policies": context.policies.fingerprint(POLICIES, terms.granted_on)}


def _require_snapshot(context: Context, year: int) -> None:
    if str(year) not in context.files("tier_snapshot"):
        raise NotReady(
            f"grants {year} needs the tier snapshot of {year}; "
            f"run `pointbook tiers --year {year}` first"
        )


def _grant(
    run: Run, engine: Engine, policies: Policies, terms: Grant
) -> tuple[WrittenTable, list[str]]:
    run_context(
        engine,
        membership_year=terms.membership_year,
        granted_on=terms.granted_on,
        expires_on=terms.expires_on,
        policies=policies.used(POLICIES, terms.granted_on),
    )
    tables = [load_transform(f"membership/{TABLE}")]
    (written,), claims = write_and_audit(run, engine, policies, tables, str(terms.membership_year))
    return written, claims


def _without_snapshot(context: Context, year: str) -> str | None:
    if year in context.files("tier_snapshot"):
        return None
    return f"the tier snapshot of {year} is not published"


COMMAND: Final = Command(
    "grants",
    "year",
    (TABLE,),
    run=lambda options, year: grant_points(options, int(year)),
    inputs=lambda context, year: grant_inputs(context, int(year)),
    fingerprints=lambda context, year: grant_fingerprints(context, int(year)),
    require=lambda context, year: _require_snapshot(context, int(year)),
    due_on=lambda policies, year: grant(policies, int(year)).granted_on,
    called_for=lambda context, year: (
        year in context.files("tier_snapshot") or tiers.COMMAND.called_for(context, year)
    ),
    paced_by=("billing",),
    passed_by=_without_snapshot,
    artifacts=(("grants", "points", "Points granted by tier"),),
)
