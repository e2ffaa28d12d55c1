"""Micropayments: a month of payments and limit requests, answered one by one (M1-M5, P12)."""

from __future__ import annotations

from typing import Final

from flows.commands.arrears import arrears_files
from flows.commands.dated import Strangers, dated_files
from flows.commands.declaration import ALLOW_MISSING, Command, Dates, Fold
from flows.commands.gaps import NOT_DELIVERED, not_delivered
from flows.console.parts import Part
from flows.publishing.ledgers import LIMITS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period

_OF_LIMITS: Final = ("micropayments", "limit_requests")


def _inputs(context: Context, month: Period) -> Inputs:
    """The month's exports, the subscriptions, the arrears that fall into it, and the limits before
    it.
    """
    return Inputs(
        {
            **{name: context.file_of(name, month) for name in _OF_LIMITS},
            **dated_files(context, "subscriptions"),
            "billing_arrears": arrears_files(context, month.first_day, month.last_day),
            "opening_limits": context.file_of(LIMITS.lots, LIMITS.opening(context, month)),
        },
        {"opening_limits": LIMITS.lots},
    )


def _dates(_context: Context, month: Period) -> Dates:
    return {
        "first_day": month.first_day,
        "last_day": month.last_day,
        "billing_month": str(month.after),
    }


def _policies(context: Context, month: Period) -> dict[str, str]:
    names = COMMAND.dependencies.policies
    return {
        "policies": context.policies.fingerprint_between(names, month.first_day, month.last_day)
    }


def _require(context: Context, month: Period) -> None:
    """Raises NotReady where the month before is not published, PolicyError where a policy
    is not in force on a day of the month.
    """
    LIMITS.opening(context, month)
    context.policies.require(COMMAND.dependencies.policies, month.first_day, month.last_day)


COMMAND: Final = Command(
    name="micropayments",
    place=60,
    span="month",
    help="Answer a month's micropayments and limit requests, and bill what is approved (M1-M5).",
    dry_run="Say which answers would change; publish nothing.",
    room="micropayments",
    flags=(ALLOW_MISSING,),
    tables=(
        "limit_results",
        "micropayment_results",
        "micropayment_usage",
        "micropayment_bill_lines",
        "micropayment_limits",
    ),
    inputs=_inputs,
    unions={"payments_and_changes": ("limit_changes", "micropayments")},
    fold=Fold(
        lots="limit_lots",
        events="limit_events",
        rows_of=("limit_accounts", "payments_and_changes"),
        hands_on={"lots": "folded_limits", "events": "folded_limit_events"},
        spending_order="oldest_credit",
    ),
    dates=_dates,
    policies=_policies,
    strangers=Strangers(
        "subscriptions", "unknown_subscription", ("micropayment_results", "limit_results")
    ),
    parts=(
        Part("payments", "payment_counts", "Answers to payments", key="micropayments-payments"),
        Part("requests", "limit_counts", "Answers to limit requests", key="micropayments-requests"),
        Part(
            "totals",
            "usage_totals",
            line="{subscriptions:,} subscriptions: {approved_total:,} won approved for the next "
            "bill; {usage_notices:,} told of heavy use",
            year_title="Micropayments by year",
            by_year={"payments": "sum", "approved_total": "sum", "usage_notices": "sum"},
        ),
    ),
    told={"gaps": NOT_DELIVERED},
    due_on=lambda _, month: month.last_day,
    needs=("subscriptions",),
    one_of=_OF_LIMITS,
    ledger=LIMITS,
    missing=lambda context, month: not_delivered(context, month, _OF_LIMITS),
    require=_require,
    paced_by=_OF_LIMITS,
)
