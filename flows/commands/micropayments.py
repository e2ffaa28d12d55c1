"""Micropayments: a month of payments and limit requests, answered one by one (M1-M5, P12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.commands.arrears import arrears_files
from flows.commands.declaration import Command
from flows.publishing.ledgers import (
    begun,
    last_day,
    month_after,
    month_before,
    opening_period,
    parse_month,
)
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    WrittenTable,
    name_inputs,
    name_policies,
    publish_table,
    run_context,
    write_and_audit,
)
from schemas.derive import DELIVERY, staged_schema
from schemas.exports import EXPORTS
from transforms.engine.engine import Engine, Transform, load_transform
from transforms.policies.policy import Policies

TABLES: Final = (
    "limit_results",
    "micropayment_results",
    "micropayment_usage",
    "micropayment_bill_lines",
    "micropayment_limits",
)
POLICIES: Final = (
    "micropayment_ceiling",
    "micropayment_grade_limits",
    "micropayment_plan_classes",
    "micropayment_raise_grades",
    "micropayment_usage_notice",
)
CARRIED: Final = "micropayment_limits"
"""The table that a month opens from: the limits that requests have set."""
_INTERMEDIATE: Final = (
    "arrears_days",
    "standard_limits",
    "limit_accounts",
    "judged_limit_requests",
    "limit_changes",
    "limit_lots",
    "limit_events",
)
_OPENING: Final = "opening_limits"
_FOLDED: Final = ("limit_accounts", "payments_and_changes")
"""What limits and requests come from, a row for each."""
_CHANGES: Final = pa.schema(
    [
        *(field for field in staged_schema(EXPORTS["micropayments"]) if field.name != DELIVERY),
        pa.field("action", pa.string()),
        pa.field("refusal", pa.string()),
    ]
)
"""What changes limits, in the shape of payments, so that both are read together."""


def close_micropayments(
    options: Options, month: str, step: StepRunner = plainly, *, dry_run: bool = False
) -> dict[str, Any]:
    """Publishes a month (YYYY-MM) of micropayments; returns the manifest.

    `dry_run`: publishes nothing, and tells what would change. Raises NotReady where the month
    before is not published (P12); RunFailed where an audit finds a payment or a won unaccounted
    for.
    """
    parse_month(month)
    with Run.of(options, "micropayments", {"month": month}) as run:
        context = Context.of(options)
        opening = _require(context, month)
        inputs = micropayment_inputs(context, month)
        with options.start_engine(run.scratch) as engine:
            name_inputs(engine, inputs, context.state)
            payments = list(inputs.files["micropayments"].values())
            close = Close(run, engine, context.policies, month, payments)
            step("judge", close.judge)
            step("decide", close.decide)
            written, claims = step("close", close.write)
            answers = engine.rows(_micropayments("payment_counts")).to_pylist()
            requests = engine.rows(_micropayments("limit_counts")).to_pylist()
            totals = engine.rows(_micropayments("usage_totals")).to_pylist()[0]
        fingerprints = micropayment_fingerprints(context, month)
        for table in written:
            publish_table(run, table, fingerprints)
        return run.commit(
            {
                "month": month,
                "opens_from": opening or None,
                "starts_ledger": not opening,
                "policies": context.policies.digest,
                "payments": answers,
                "requests": requests,
                "totals": totals,
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            },
            dry_run=dry_run,
        )


def limits_opening(context: Context, month: str) -> str:
    """The month that one opens from; empty where it starts the limits.

    Raises NotReady where that month is not published.
    """
    before = month_before(month)
    return opening_period(
        context, CARRIED, month, before, f"pointbook micropayments --month {before}"
    )


def micropayment_inputs(context: Context, month: str) -> Inputs:
    """The files that a month's close reads: its exports, the subscriptions, the arrears that fall
    into it, and the limits before it.
    """
    first = parse_month(month)
    return Inputs(
        {
            **{name: context.file_of(name, month) for name in ("micropayments", "limit_requests")},
            "subscriptions": context.files("subscriptions"),
            "billing_arrears": arrears_files(context, first, last_day(first)),
            _OPENING: context.file_of(CARRIED, limits_opening(context, month)),
        },
        {_OPENING: CARRIED},
    )


def micropayment_fingerprints(context: Context, month: str) -> dict[str, str]:
    """What a month's close is made from: digests of what its rules read."""
    first = parse_month(month)
    transforms = [_micropayments(name) for name in (*_INTERMEDIATE, *TABLES)]
    found = micropayment_inputs(context, month).fingerprints(context.state, transforms)
    policies = context.policies.fingerprint_between(POLICIES, first, last_day(first))
    return found | {"policies": policies}


@dataclass
class Close:
    """The close of a month on its way, step by step."""

    run: Run
    engine: Engine
    policies: Policies
    month: str
    payments: Sequence[Path]

    def judge(self) -> None:
        """Finds what speaks against each payment and request, but for the limit (M2-M4)."""
        engine, first = self.engine, parse_month(self.month)
        run_context(
            engine,
            first_day=first,
            last_day=last_day(first),
            billing_month=month_after(self.month),
        )
        self._name_policies([_micropayments(name) for name in (*_INTERMEDIATE, *TABLES)])
        engine.view("standard_limits", _micropayments("standard_limits"))
        engine.view("arrears_days", _micropayments("arrears_days"))
        engine.create("limit_accounts", _micropayments("limit_accounts"))
        engine.view("judged_limit_requests", _micropayments("judged_limit_requests"))
        changes = self.run.scratch / "limit_changes.parquet"
        engine.write_schema(_micropayments("limit_changes"), _CHANGES, changes)
        engine.files("payments_and_changes", [changes, *self.payments])

    def decide(self) -> None:
        """Takes requests and payments one by one, and names what came of them."""
        # commands that only look do not wait for it to load
        from transforms.ledger.fold import FoldedFiles, fold

        folded = FoldedFiles(self.run.scratch)
        with folded as sinks:
            fold(
                *self.engine.streams(
                    _micropayments("limit_lots"), _micropayments("limit_events"), _FOLDED
                ),
                sinks,
                spending_order="oldest_credit",
                of_lot=(),
                of_event=(),
                balances=True,
            )
        self.engine.files("folded_limits", [folded.lots])
        self.engine.files("folded_limit_events", [folded.events])

    def write(self) -> tuple[list[WrittenTable], list[str]]:
        """Writes the tables aside and audits them."""
        tables = [_micropayments(table) for table in TABLES]
        return write_and_audit(self.run, self.engine, self.policies, tables, self.month)

    def _name_policies(self, transforms: Sequence[Transform]) -> None:
        name_policies(self.engine, self.policies, transforms)


def _micropayments(name: str) -> Transform:
    return load_transform(f"micropayments/{name}")


def _require(context: Context, month: str) -> str:
    """The month that one opens from, as `limits_opening` says; its policies are in force."""
    first = parse_month(month)
    opening = limits_opening(context, month)
    context.policies.require(POLICIES, first, last_day(first))
    return opening


_OF_LIMITS: Final = ("micropayments", "limit_requests")
COMMAND: Final = Command(
    "micropayments",
    "month",
    TABLES,
    run=close_micropayments,
    inputs=micropayment_inputs,
    fingerprints=micropayment_fingerprints,
    require=_require,
    due_on=lambda _, month: last_day(parse_month(month)),
    called_for=lambda context, month: begun(context, CARRIED, month),
    paced_by=_OF_LIMITS,
    needs=("subscriptions",),
    one_of=_OF_LIMITS,
    artifacts=(
        ("micropayments-payments", "payments", "Answers to payments"),
        ("micropayments-requests", "requests", "Answers to limit requests"),
    ),
)
