"""Miles: a month of the mileage ledger, from flights to closing balances (F, W, X, P11, P12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from flows.commands.declaration import Command
from flows.commands.flights import mileage, name_flights
from flows.publishing.ledgers import (
    before_opening,
    begun,
    last_day,
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
    name_policies,
    publish_table,
    run_context,
    write_and_audit,
)
from transforms.engine.engine import Engine
from transforms.policies.airline import InForce, close_policies
from transforms.policies.policy import Policies
from transforms.policies.reference import Reference, shipped

ACCRUALS: Final = "mileage_accruals"
LEDGER: Final = (
    "mileage_entries",
    "mileage_lots",
    "mileage_balances",
    "award_results",
    "mixed_payment_results",
)
TABLES: Final = (ACCRUALS, *LEDGER)
_REQUESTS: Final = (
    "award_prices",
    "priced_awards",
    "judged_mixed_payments",
    "mileage_requests",
    "mileage_accounts",
)
_INTERMEDIATE: Final = (
    "routes",
    "rated_flights",
    "flight_miles",
    *_REQUESTS,
    "mileage_credits",
    "mileage_lots_at_hand",
    "mileage_ledger_lots",
    "mileage_events",
    "mileage_lots_after_requests",
)
_OPENING: Final = "opening_mileage_lots"
_FOLDED: Final = (_OPENING, "flights", "award_requests", "mixed_payments")
"""What lots and requests come from, a row for each."""
_OF_LOT: Final = ("lot_id", "member_id")
_OF_EVENT: Final = ("source_id", "kind", "occurred_at")


def close_miles(
    options: Options, month: str, step: StepRunner = plainly, *, dry_run: bool = False
) -> dict[str, Any]:
    """Publishes a month (YYYY-MM) of the mileage ledger; returns the manifest.

    `dry_run`: publishes nothing, and tells who would gain and lose. Raises NotReady where the month
    before is not published (P12); RunFailed where an audit finds a mile unaccounted for (P11).
    """
    with Run.of(options, "miles", {"month": month}) as run:
        context = Context.of(options)
        opening = mileage_opening(context, month)
        close = Close(run, context, month, shipped())
        inputs = mileage_inputs(context, month)
        with options.start_engine(run.scratch) as engine:
            step("accrue", lambda: close.accrue(engine, inputs))
            step("decide", lambda: close.decide(engine))
            step("close", lambda: close.settle(engine))
            content = close.counts(engine)
        close.publish(mileage_fingerprints(context, month))
        return run.commit(
            {
                "month": month,
                "opens_from": opening or None,
                "starts_ledger": not opening,
                "policies": context.policies.digest,
                **content,
                "inputs": inputs.as_manifest(context.state),
                "audits": close.claims,
            },
            dry_run=dry_run,
        )


def mileage_opening(context: Context, month: str) -> str:
    """The month that one opens from; empty where it starts the ledger.

    Raises NotReady where that month is not published.
    """
    before = month_before(month)
    return opening_period(
        context, "mileage_lots", month, before, f"pointbook miles --month {before}"
    )


def mileage_inputs(context: Context, month: str) -> Inputs:
    """The files that a month's close reads: its exports, the members, and the lots before it."""
    return Inputs(
        {
            **{
                name: context.file_of(name, month)
                for name in ("flights", "award_requests", "mixed_payments")
            },
            "members": context.files("members"),
            _OPENING: context.file_of("mileage_lots", mileage_opening(context, month)),
        },
        {_OPENING: "mileage_lots"},
    )


def mileage_fingerprints(context: Context, month: str) -> dict[str, str]:
    """What a month's close is made from: digests of what its rules read."""
    transforms = [mileage(name) for name in (*_INTERMEDIATE, *TABLES)]
    found = mileage_inputs(context, month).fingerprints(context.state, transforms)
    in_force = _in_force(context.policies, month)
    return found | {"policies": in_force.fingerprint, "reference": shipped().fingerprint}


@dataclass
class Close:
    """The close of a month on its way, step by step."""

    run: Run
    context: Context
    month: str
    reference: Reference

    def __post_init__(self) -> None:
        self.claims: list[str] = []
        self._written: list[WrittenTable] = []
        _in_force(self.context.policies, self.month)

    def accrue(self, engine: Engine, inputs: Inputs) -> None:
        """Writes aside and audits what every flight earned (F1–F3)."""
        first = parse_month(self.month)
        after = last_day(first) + timedelta(days=1)
        run_context(
            engine,
            first_day=first,
            day_after=after,
            last_second=datetime.combine(after, time()) - timedelta(seconds=1),
        )
        name_flights(engine, self.context, self.reference, inputs)
        self._write(engine, (ACCRUALS,))

    def decide(self, engine: Engine) -> None:
        """Takes awards and mixed payments one by one, and names what came of them (W5, X1, X2)."""
        # commands that only look do not wait for it to load
        from transforms.ledger.fold import FoldedFiles, fold

        transforms = [mileage(name) for name in _INTERMEDIATE]
        name_policies(engine, self.context.policies, transforms)
        for name in _REQUESTS:
            engine.create(name, mileage(name))
        engine.view("mileage_credits", mileage("mileage_credits"))
        engine.view("mileage_lots_at_hand", mileage("mileage_lots_at_hand"))
        folded = FoldedFiles(self.run.scratch)
        with folded as sinks:
            fold(
                *engine.streams(mileage("mileage_ledger_lots"), mileage("mileage_events"), _FOLDED),
                sinks,
                spending_order="oldest_credit",
                of_lot=_OF_LOT,
                of_event=_OF_EVENT,
            )
        engine.files("folded_mileage_lots", [folded.lots])
        engine.files("folded_mileage_events", [folded.events])
        engine.files("mileage_takings", [folded.movements])
        engine.view("mileage_lots_after_requests", mileage("mileage_lots_after_requests"))

    def settle(self, engine: Engine) -> None:
        """Writes aside and audits entries, lots, balances and answers."""
        self._write(engine, LEDGER)

    def counts(self, engine: Engine) -> dict[str, Any]:
        """The month in numbers, for the manifest."""
        return {
            "flights": engine.rows(mileage("accrual_counts")).to_pylist(),
            "requests": engine.rows(mileage("request_counts")).to_pylist(),
            "totals": engine.rows(mileage("mileage_totals")).to_pylist()[0],
        }

    def publish(self, fingerprints: dict[str, str]) -> None:
        """Takes what was written into the run's commit."""
        for table in self._written:
            publish_table(self.run, table, fingerprints)

    def _write(self, engine: Engine, tables: Sequence[str]) -> None:
        transforms = [mileage(table) for table in tables]
        policies = self.context.policies
        written, claims = write_and_audit(self.run, engine, policies, transforms, self.month)
        self._written += written
        self.claims += claims


def _in_force(policies: Policies, month: str) -> InForce:
    first = parse_month(month)
    return close_policies(policies, first, last_day(first))


def _require(context: Context, month: str) -> None:
    mileage_opening(context, month)
    _in_force(context.policies, month)


_OF_MILES: Final = ("flights", "award_requests", "mixed_payments")
COMMAND: Final = Command(
    "miles",
    "month",
    TABLES,
    run=close_miles,
    inputs=mileage_inputs,
    fingerprints=mileage_fingerprints,
    require=_require,
    due_on=lambda _, month: last_day(parse_month(month)),
    called_for=lambda context, month: begun(context, "mileage_lots", month),
    passed_by=lambda context, month: before_opening(context, "mileage_lots", month),
    paced_by=_OF_MILES,
    needs=("members",),
    one_of=_OF_MILES,
    artifacts=(
        ("miles-flights", "flights", "Flights by why they earned nothing"),
        ("miles-requests", "requests", "Answers to award requests and mixed payments"),
    ),
)
