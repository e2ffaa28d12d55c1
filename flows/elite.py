"""Elite: the status of every member for a status year (E1–E4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flows.flights import mileage, name_flights
from flows.options import Options
from flows.periods import month_of
from flows.run import Context, Run
from flows.steps import Step, plainly
from flows.tables import (
    Inputs,
    Written,
    audit,
    audits_of,
    name_policies,
    publish_table,
    run_context,
    write_table,
)
from transforms.airline import StatusYear, status_in_force, status_policies, status_year
from transforms.engine import Engine
from transforms.reference import Reference

TABLE: Final = "elite_status"


def assess_elite(
    options: Options, year: int, step: Step = plainly, *, dry_run: bool = False
) -> dict[str, Any]:
    """Publishes `elite_status` of a status year; returns the manifest.

    It reads the staged flights themselves, whatever months of miles are published (E2). `dry_run`:
    publishes nothing, and tells who would move.
    """
    with Run.of(options, "elite", {"year": year}) as run:
        context = Context.of(options)
        found = status_year(context.policies, year)
        inputs = elite_inputs(context, found)
        with options.start_engine(run.scratch) as engine:
            written, claims = step("assess", lambda: _assess(run, engine, context, found, inputs))
            statuses = engine.rows(mileage("elite_counts")).to_pylist()
        publish_table(run, written, elite_fingerprints(context, year))
        return run.commit(
            {
                "year": year,
                "valid_from": found.status_from.isoformat(),
                "valid_to": found.status_to.isoformat(),
                "flights_from": found.flights_from.isoformat(),
                "flights_to": found.flights_to.isoformat(),
                "policies": context.policies.digest,
                "statuses": statuses,
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            },
            dry_run=dry_run,
        )


def elite_inputs(context: Context, found: StatusYear) -> Inputs:
    """The staged files that a status year reads: its year's flights, and the members."""
    first, last = month_of(found.flights_from), month_of(found.flights_to)
    flights = {
        month: path for month, path in context.files("flights").items() if first <= month <= last
    }
    return Inputs({"flights": flights, "award_requests": {}, "members": context.files("members")})


def elite_fingerprints(context: Context, year: int) -> dict[str, str]:
    """What a status year is made from: digests of what its rules read.

    Of a year in which the scheme is not in force nothing follows.
    """
    if not status_in_force(context.policies, year):
        return {}
    found = status_year(context.policies, year)
    transforms = [mileage(name) for name in ("routes", "rated_flights", TABLE)]
    digests = elite_inputs(context, found).fingerprints(context.state, transforms)
    in_force = status_policies(context.policies, found)
    return digests | {"policies": in_force.fingerprint, "reference": Reference().fingerprint}


def _assess(
    run: Run, engine: Engine, context: Context, found: StatusYear, inputs: Inputs
) -> tuple[Written, list[str]]:
    run_context(
        engine,
        first_day=found.flights_from,
        day_after=found.flights_to + timedelta(days=1),
        status_from=found.status_from,
        status_to=found.status_to,
        policies=status_policies(context.policies, found).used,
    )
    name_flights(engine, context.policies, Reference(), inputs)
    audits = audits_of([TABLE])
    name_policies(engine, context.policies, [mileage(TABLE), *audits])
    written = write_table(run, engine, mileage(TABLE), str(found.year))
    return written, audit(engine, audits)
