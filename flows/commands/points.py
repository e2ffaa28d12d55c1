"""Points: a month of the points ledger, from credits to closing balances (P1-P7, P11, P12)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final, cast

import pyarrow as pa

from flows.commands.collected import collected_files, collected_months
from flows.commands.dated import Strangers, dated_files
from flows.commands.declaration import ALLOW_MISSING, Command, Dates, Fold, TooLarge
from flows.commands.gaps import NOT_DELIVERED, not_delivered
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.ledgers import POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, digest
from schemas.periods import Period
from transforms.policies.assessment import assessment, grant
from transforms.policies.business_days import pay_days
from transforms.policies.policy import Policies, PolicyError

OF_POINTS: Final = ("billing", "promotions", "purchases")
"""The exports that credits come from."""
_OF_MONTH: Final = (*OF_POINTS, "redemptions", "refund_applications")
"""The exports that a month is made from."""
CHANGES: Final = "point_policy_changes"
"""The policy of changes of policy (P7), which are known from their announcement on."""
TOO_MANY: Final = TooLarge("points_beyond_64_bits", "points", "correct what they are credited for")
BALANCES: Final = Part(
    "totals",
    "balance_totals",
    line="points of {customers:,} customers: {opening:,} opening + {credited:,} credited "
    "- {spent:,} spent + {restored:,} restored - {expired:,} expired = {closing:,} closing, "
    "{usable:,} of them usable",
    year_title="Points by year",
    by_year={
        "opening": "first",
        "credited": "sum",
        "spent": "sum",
        "restored": "sum",
        "expired": "sum",
        "closing": "last",
        "usable": "last",
    },
)


def known_changes(
    policies: Policies, effective_by: date, announced_by: date = date.min
) -> list[dict[str, object]]:
    """The changes of policy (P7) that took effect, or were announced, by a day.

    A change holds if its row is in force on the day on which it takes effect.
    """
    columns = ("kind", "announced_on", "effective_on", "expires_on")
    known = []
    for row in policies.rows(CHANGES):
        announced_on = cast("date | None", row["announced_on"])
        effective_on = cast("date | None", row["effective_on"])
        if effective_on is None or row not in policies.in_force(CHANGES, effective_on):
            continue
        if effective_on <= effective_by or (announced_on and announced_on <= announced_by):
            known.append({name: row[name] for name in columns})
    return known


def _inputs(context: Context, month: Period) -> Inputs:
    """The lots before the month, what is credited and asked for in it, and what that goes back to:
    earlier answers and entries.
    """
    bills, late = collected_files(context, month.first_day, month.last_day)
    entries = context.periods("point_entries")
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", POINTS.opening(context, month)),
            "billing": bills,
            "billing_late_collections": late,
            **{name: context.file_of(name, month) for name in _OF_MONTH if name != "billing"},
            "point_grants": context.file_of(
                "point_grants", month.whole_year if _grants_fall_in(context, month) else None
            ),
            "tier_snapshot": context.file_of("tier_snapshot", month.whole_year),
            **dated_files(context, "customers"),
            "earlier_results": _before(context.periods("redemption_results"), month, "month"),
            "earlier_entries": _before(entries, month, "month"),
            "earlier_extensions": _before(entries, month, "year end"),
        },
        {
            "opening_lots": "point_lots",
            "earlier_results": "redemption_results",
            "earlier_entries": "point_entries",
            "earlier_extensions": "point_entries",
        },
    )


def _before(files: Mapping[Period, Path], month: Period, span: str) -> dict[str, Path]:
    """The files of the periods of a span that lie before a month, by partition."""
    return {
        str(period): path
        for period, path in files.items()
        if period < month and period.span == span
    }


def _grants_fall_in(context: Context, month: Period) -> bool:
    """Whether the year's grants are credited in a month."""
    return Period.month_of(grant(context.policies, month.whole_year).granted_on) == month


def _pay_days(context: Context, month: Period) -> dict[str, pa.Table]:
    """The day on which a refund is paid, by the day of its application (P6)."""
    span = (month.day_after - month.first_day).days
    days = [month.first_day + timedelta(days=number) for number in range(span)]
    terms = {day: context.policies.in_force("point_refund_terms", day)[0] for day in days}
    return {
        "pay_days": pay_days({day: cast("int", row["business_days"]) for day, row in terms.items()})
    }


def _dates(_context: Context, month: Period) -> Dates:
    return {
        "month": str(month),
        "first_day": month.first_day,
        "last_day": month.last_day,
    }


def _on_its_days() -> list[str]:
    """The policies that count as they are on each day of the month."""
    return sorted({*COMMAND.dependencies.policies, "point_refund_terms"} - {CHANGES})


def _policies(context: Context, month: Period) -> dict[str, str]:
    policies = context.policies
    return {
        "policies": policies.fingerprint_between(_on_its_days(), month.first_day, month.last_day),
        CHANGES: digest(known_changes(policies, effective_by=month.last_day)),
    }


def _require(context: Context, month: Period) -> None:
    """Raises NotReady where the closing before, or the grants that the month begins with, are not
    published; PolicyError where a policy is not in force.
    """
    COMMAND.require_delivered(context)
    POINTS.opening(context, month)
    _require_grants(context, month)
    context.policies.require((*_on_its_days(), CHANGES), month.first_day, month.last_day)
    _require_single_changes(context.policies)


def _require_grants(context: Context, month: Period) -> None:
    """Raises NotReady where the month's grants are still to come: they are its first credits."""
    year = month.whole_year
    if not _grants_fall_in(context, month) or str(year) in context.files("point_grants"):
        return
    grants = f"`pointbook grants --year {year}`"
    if str(year) in context.files("tier_snapshot"):
        raise NotReady(f"points {month} needs the grants of {year}; run {grants} first")
    window = {str(needed) for needed in assessment(context.policies, year).months}
    if context.files("customers") and window <= set(context.files("billing")):
        raise NotReady(
            f"points {month} needs the grants of {year}, whose bills are delivered; run "
            f"`pointbook tiers --year {year}` and {grants} first"
        )


def _require_single_changes(policies: Policies) -> None:
    """Raises PolicyError where two changes of a kind take effect in one month (P7)."""
    seen: set[tuple[str, Period]] = set()
    for row in policies.rows(CHANGES):
        if row["effective_on"] is None:
            continue
        kind, month = str(row["kind"]), Period.month_of(cast("date", row["effective_on"]))
        if (kind, month) in seen:
            raise PolicyError(
                f"point_policy_changes.yaml: two changes of {kind} lots take effect in "
                f"{month}; make them one"
            )
        seen.add((kind, month))


def _forgotten(context: Context, month: Period) -> str | None:
    """Why a month can't be closed again: retention took out what refunds are compared by (P6)."""
    files = context.file_of("refund_applications", month).values()
    if not any(context.state.entry(path).forgotten for path in files):
        return None
    return (
        f"points {month} can't be closed again: retention removed the hashes that its refunds are "
        "compared by; what is published stands"
    )


COMMAND: Final = Command(
    name="points",
    place=50,
    span="month",
    help="Close a month of the points ledger: credits, redemptions, refunds, balances "
    "(P1-P7, P11).",
    dry_run="Say who would gain and lose how many points; publish nothing.",
    room="points",
    flags=(ALLOW_MISSING,),
    tables=(
        "point_entries",
        "point_lots",
        "point_balances",
        "point_liability",
        "point_movements",
        "point_exceptions",
        "redemption_results",
        "refund_results",
    ),
    inputs=_inputs,
    given=_pay_days,
    unions={
        "all_requests": ("redemptions", "refund_applications", "earlier_redemptions"),
        "lots_to_move": ("point_credits", "restored_lots", "opening_lots"),
    },
    narrow={"earlier_entries": "cancelled_months"},
    fold=Fold(
        lots="ledger_lots",
        events="ledger_events",
        takings="earlier_takings",
        rows_of=("lots_to_move", "redemptions", "refund_applications"),
        hands_on={
            "lots": "lots_in_order",
            "events": "events_in_order",
            "movements": "movements_in_order",
        },
        account="customer_id",
        spending_order="earliest_expiry",
        of_lot=(
            "customer_id",
            "lot_id",
            "kind",
            "credited_on",
            "expires_on",
            "refundable",
            "credited",
            "shortened_from",
            "changes_on",
            "changed_expires_on",
        ),
        of_event=("event_id", "occurred_at", "on_day", "action", "cause"),
    ),
    dates=_dates,
    policies=_policies,
    strangers=Strangers(
        "customers",
        "unknown_customer",
        ("point_exceptions", "redemption_results", "refund_results"),
    ),
    too_large=TOO_MANY,
    parts=(
        Part("movements", "entry_counts", "Points by what moved them", key="points-movements"),
        Part(
            "answers",
            "answer_counts",
            "Answers to redemptions and refund applications",
            key="points-answers",
        ),
        BALANCES,
    ),
    told={"gaps": NOT_DELIVERED},
    due_on=lambda _, month: month.last_day,
    needs=("customers",),
    one_of=OF_POINTS,
    ledger=POINTS,
    # bills earn points in the month in which they are collected, which may be a later one
    missing=lambda context, month: not_delivered(
        context, month, _OF_MONTH, billing=collected_months(context)
    ),
    require=_require,
    lost=_forgotten,
    paced_by=OF_POINTS,
)
