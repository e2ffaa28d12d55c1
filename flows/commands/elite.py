"""Elite: the status of every member for a status year (E1–E4)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from flows.commands.declaration import Command
from flows.commands.flights import mileage, name_flights
from flows.publishing.ledgers import month_of
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    WrittenTable,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine
from transforms.policies.airline import StatusYear, status_in_force, status_policies, status_year
from transforms.policies.policy import NotInForce, Policies
from transforms.policies.reference import shipped

TABLE: Final = "elite_status"


def assess_elite(
    options: Options, year: int, step: StepRunner = plainly, *, dry_run: bool = False
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
    return digests | {"policies": in_force.fingerprint, "reference": shipped().fingerprint}


def _assess(
    run: Run, engine: Engine, context: Context, found: StatusYear, inputs: Inputs
) -> tuple[WrittenTable, list[str]]:
    run_context(
        engine,
        first_day=found.flights_from,
        day_after=found.flights_to + timedelta(days=1),
        status_from=found.status_from,
        status_to=found.status_to,
        policies=status_policies(context.policies, found).used,
    )
    name_flights(engine, context, shipped(), inputs)
    tables = [mileage(TABLE)]
    (written,), claims = write_and_audit(run, engine, context.policies, tables, str(found.year))
    return written, claims


def _inputs(context: Context, year: str) -> Inputs:
    return elite_inputs(context, status_year(context.policies, int(year)))


def _due_on(policies: Policies, year: str) -> date:
    """The first day of a status year; where the scheme is not in force (E1), that of the year."""
    try:
        return status_year(policies, int(year)).status_from
    except NotInForce:
        return date(int(year), 1, 1)


def _not_in_force(context: Context, year: str) -> str | None:
    if status_in_force(context.policies, int(year)):
        return None
    return "the scheme is not in force (elite_year.yaml)"


def _was_flown(context: Context, year: str) -> bool:
    return (
        bool(context.files("members"))
        and _not_in_force(context, year) is None
        and bool(_inputs(context, year).files["flights"])
    )


COMMAND: Final = Command(
    "elite",
    "year",
    (TABLE,),
    run=lambda options, year: assess_elite(options, int(year)),
    inputs=_inputs,
    fingerprints=lambda context, year: elite_fingerprints(context, int(year)),
    require=lambda context, year: status_policies(
        context.policies, status_year(context.policies, int(year))
    ),
    due_on=_due_on,
    called_for=_was_flown,
    paced_by=("flights", "award_requests", "mixed_payments"),
    needs=("members", "flights"),
    passed_by=_not_in_force,
    artifacts=(("elite", "statuses", "Members by elite status"),),
)
