"""Tiers: the membership tier snapshot of a year, on its assessment date (T1–T8)."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import pyarrow as pa

from flows.commands.declaration import Command
from flows.console.errors import NotReady, RunFailed
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    name_inputs,
    name_policies,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine, load_transform
from transforms.engine.errors import QueryError
from transforms.engine.plain import relation_of
from transforms.policies.assessment import Assessment, assessment
from transforms.policies.policy import Policies

TABLES: Final = ("tier_snapshot", "tier_exceptions")
POLICIES: Final = (
    "tier_assessment",
    "tier_lines",
    "tier_thresholds",
    "tier_upgrade",
)
_FEES: Final = "membership/counting_fees"
_NAMED: Final = 3
_OVER: Final = "membership/fees_beyond_64_bits"
_MONTHS: Final = "membership/window_months"
_OF_WINDOW: Final = pa.schema([("billing_month", pa.string())])


def assess_tiers(
    options: Options,
    year: int,
    allow_missing_months: bool = False,
    step: StepRunner = plainly,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Publishes `tier_snapshot` and `tier_exceptions` of a membership year; returns the manifest.

    `dry_run`: publishes nothing, and tells who would move. Raises NotReady naming the months of
    the window that were never delivered (T8), unless `allow_missing_months`; RunFailed where an
    audit finds a won unaccounted for (T7).
    """
    parameters = {"year": year, "allow_missing_months": allow_missing_months}
    with Run.of(options, "tiers", parameters) as run:
        context = Context.of(options)
        window = assessment(context.policies, year)
        inputs = tier_inputs(context, window)
        with options.start_engine(run.scratch) as engine:
            name_inputs(engine, inputs, context.state)
            _name_window(engine, context.policies, window)
            months = step("check the window", lambda: _months(engine, context.policies))
            missing = missing_months(context, window)
            if not allow_missing_months:
                _require_window(context, year)
            written, claims = step("assess", lambda: _assess(run, engine, context.policies, window))
            tiers = _counted(engine, "membership/tier_counts", "annual_fee")
            exceptions = _counted(engine, "membership/exception_counts", "amount")
        fingerprints = tier_fingerprints(context, year)
        for table in written:
            publish_table(run, table, fingerprints)
        return run.commit(
            {
                "year": year,
                "assessed_on": window.assessed_on.isoformat(),
                "policies": context.policies.digest,
                "months": months,
                "missing_months": missing,
                "low_months": [row["billing_month"] for row in months if row["low"]],
                "tiers": tiers,
                "exceptions": exceptions,
                "collected": {
                    "eligible": sum(month["collected_amount"] for month in months),
                    "assessed": sum(row["annual_fee"] for row in tiers),
                    "excepted": sum(row["amount"] for row in exceptions),
                },
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            },
            dry_run=dry_run,
        )


def missing_months(context: Context, window: Assessment) -> list[str]:
    """The months of the window of which no bill was ever delivered."""
    files = context.files("billing")
    return [
        month
        for month in window.months
        if month not in files or not context.state.entry(files[month]).rows
    ]


def tier_inputs(context: Context, window: Assessment) -> Inputs:
    """The staged files that a year's snapshot reads: its window's months, and the customers."""
    return Inputs(
        {
            "billing": _within(context.files("billing"), window),
            "billing_totals": _within(context.files("billing_totals"), window),
            "customers": context.files("customers"),
        }
    )


def tier_fingerprints(context: Context, year: int) -> dict[str, str]:
    """What a year's snapshot is made from: digests of what its rules read."""
    window = assessment(context.policies, year)
    transforms = [load_transform(f"membership/{table}") for table in TABLES]
    transforms += [load_transform(_FEES), load_transform(_MONTHS)]
    found = tier_inputs(context, window).fingerprints(context.state, transforms)
    return found | {"policies": context.policies.fingerprint(POLICIES, window.assessed_on)}


def _require_window(context: Context, year: int) -> None:
    missing = missing_months(context, assessment(context.policies, year))
    if missing:
        raise NotReady(
            f"tiers {year} needs billing of {', '.join(missing)}, which was never "
            "delivered; ingest it, or accept the gap with --allow-missing-months"
        )


def _within(files: dict[str, Any], window: Assessment) -> dict[str, Any]:
    return {month: files[month] for month in window.months if month in files}


def _name_window(engine: Engine, policies: Policies, window: Assessment) -> None:
    run_context(
        engine,
        membership_year=window.membership_year,
        assessed_on=window.assessed_on,
        window_from=window.window_from,
        window_to=window.window_to,
        policies=policies.used(POLICIES, window.assessed_on),
    )
    months = ({"billing_month": month} for month in window.months)
    engine.table("window_months", relation_of(months, _OF_WINDOW))


def _name_who_paid_too_much(engine: Engine, error: QueryError) -> NoReturn:
    """Raises RunFailed naming customers whose sum no published column can hold, else the error."""
    over = engine.rows(load_transform(_OVER)).slice(0, _NAMED).to_pylist()
    if not over:
        raise error
    named = ", ".join(f"{row['customer_id']} ({row['annual_fee']:,} won)" for row in over)
    raise RunFailed(
        f"collected amounts that 64 bits can't hold: {named}; correct their bills; "
        "nothing was published"
    ) from error


def _months(engine: Engine, policies: Policies) -> list[dict[str, Any]]:
    months = load_transform(_MONTHS)
    name_policies(engine, policies, [months])
    return _counted(engine, _MONTHS, "billed_amount", "collected_amount")


def _counted(engine: Engine, transform: str, *sums: str) -> list[dict[str, Any]]:
    """A transform's few rows, the sums of won in them as plain numbers."""
    rows = engine.rows(load_transform(transform)).to_pylist()
    return [row | {name: int(row[name]) for name in sums} for row in rows]


def _assess(
    run: Run, engine: Engine, policies: Policies, window: Assessment
) -> tuple[list[Any], list[str]]:
    fees = load_transform(_FEES)
    tables = [load_transform(f"membership/{table}") for table in TABLES]
    name_policies(engine, policies, [fees])
    try:
        engine.create("counting_fees", fees)
    except QueryError as error:
        _name_who_paid_too_much(engine, error)
    return write_and_audit(run, engine, policies, tables, str(window.membership_year))


def _window_is_there(context: Context, year: str) -> bool:
    window = assessment(context.policies, int(year))
    return bool(context.files("customers")) and set(window.months) <= set(context.files("billing"))


COMMAND: Final = Command(
    "tiers",
    "year",
    TABLES,
    run=lambda options, year: assess_tiers(options, int(year)),
    inputs=lambda context, year: tier_inputs(context, assessment(context.policies, int(year))),
    fingerprints=lambda context, year: tier_fingerprints(context, int(year)),
    require=lambda context, year: _require_window(context, int(year)),
    due_on=lambda policies, year: assessment(policies, int(year)).assessed_on,
    called_for=_window_is_there,
    paced_by=("billing",),
    needs=("billing", "customers"),
    artifacts=(
        ("tiers", "tiers", "Customers by tier"),
        ("tiers-window", "months", "Billing months that the tiers are assessed over"),
    ),
)
