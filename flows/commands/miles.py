"""Miles: a month of the mileage ledger, from flights to closing balances (F, W, X, P11, P12)."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final

from flows.commands.dated import Strangers, dated_files
from flows.commands.declaration import ALLOW_MISSING, Command, Dates, Fold, TooLarge
from flows.commands.flights import OF_MILES, airports_and_distances
from flows.commands.gaps import NOT_DELIVERED, not_delivered
from flows.console.parts import Part
from flows.publishing.ledgers import MILES
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period
from transforms.policies.airline import InForce, close_policies
from transforms.policies.reference import shipped

_OPENING: Final = "opening_mileage_lots"


def _in_force(context: Context, month: Period) -> InForce:
    """The policies that the month rests on; raises PolicyError where one is not in force."""
    names = COMMAND.dependencies.policies
    return close_policies(context.policies, names, month.first_day, month.last_day)


def _inputs(context: Context, month: Period) -> Inputs:
    """The month's exports, the members, and the lots before it."""
    return Inputs(
        {
            **{name: context.file_of(name, month) for name in OF_MILES},
            **dated_files(context, "members"),
            _OPENING: context.file_of(MILES.lots, MILES.opening(context, month)),
        },
        {_OPENING: MILES.lots},
    )


def _dates(_context: Context, month: Period) -> Dates:
    return {
        "first_day": month.first_day,
        "day_after": month.day_after,
        "last_second": datetime.combine(month.day_after, time()) - timedelta(seconds=1),
    }


def _policies(context: Context, month: Period) -> dict[str, str]:
    return {
        "policies": _in_force(context, month).fingerprint,
        "reference": shipped().fingerprint,
    }


def _require(context: Context, month: Period) -> None:
    """Raises NotReady where the month before is not published, PolicyError as `_in_force`."""
    MILES.opening(context, month)
    _in_force(context, month)


COMMAND: Final = Command(
    name="miles",
    place=70,
    span="month",
    help="Close a month of the mileage ledger: flights, awards, mixed payments (F, W, X, P11).",
    dry_run="Say who would gain and lose how many miles; publish nothing.",
    room="mileage",
    flags=(ALLOW_MISSING,),
    tables=(
        "mileage_accruals",
        "mileage_entries",
        "mileage_lots",
        "mileage_balances",
        "mileage_movements",
        "award_results",
        "mixed_payment_results",
    ),
    inputs=_inputs,
    given=airports_and_distances,
    fold=Fold(
        lots="mileage_ledger_lots",
        events="mileage_events",
        rows_of=(_OPENING, *OF_MILES),
        hands_on={
            "lots": "folded_mileage_lots",
            "events": "folded_mileage_events",
            "movements": "mileage_takings",
        },
        spending_order="oldest_credit",
        of_lot=("lot_id", "member_id"),
        of_event=("source_id", "kind", "occurred_at"),
    ),
    dates=_dates,
    policies=_policies,
    strangers=Strangers(
        "members", "unknown_member", ("mileage_accruals", "award_results", "mixed_payment_results")
    ),
    too_large=TooLarge("miles_beyond_64_bits", "miles", "correct their lots"),
    parts=(
        Part(
            "flights", "accrual_counts", "Flights by why they earned nothing", key="miles-flights"
        ),
        Part(
            "requests",
            "request_counts",
            "Answers to award requests and mixed payments",
            key="miles-requests",
        ),
        Part(
            "totals",
            "mileage_totals",
            line="miles of {members:,} members: {opening:,} opening + {credited:,} credited "
            "- {spent:,} spent - {expired:,} expired = {closing:,} closing",
            year_title="Miles by year",
            by_year={
                "opening": "first",
                "credited": "sum",
                "spent": "sum",
                "expired": "sum",
                "closing": "last",
            },
        ),
    ),
    told={"gaps": NOT_DELIVERED},
    due_on=lambda _, month: month.last_day,
    needs=("members",),
    one_of=OF_MILES,
    ledger=MILES,
    missing=lambda context, month: not_delivered(context, month, OF_MILES),
    require=_require,
    paced_by=OF_MILES,
)
