"""The published tables and the staged relations: grain, columns, keys and checks.

A published table is a folder of Hive partitions; its partition column is declared here with the
others but lives in the path alone. `key` columns are unique together with the partition.
Rows are sorted by whom they are about, then by the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

from schemas.columns import (
    BOOL,
    DATE,
    DECIMAL_9_2,
    INT64,
    SUM,
    TEXT,
    TIMESTAMP,
    Declared,
    DeclaredCheck,
    DeclaredColumn,
    DeclaredSchema,
    across,
    at_least,
    column,
    matches,
    one_of,
)
from schemas.exports import (
    AWARD_KINDS,
    BENEFITS,
    CABINS,
    CHARGE_ITEMS,
    PAYMENT_CATEGORIES,
    POINT_LOT_KINDS,
    PRODUCTS,
    REFUND_METHODS,
    SEASONS,
    TRIPS,
    Export,
)

TIERS: Final = ["general", "white", "silver", "gold", "vip"]
CREDIT_KINDS: Final = list(POINT_LOT_KINDS)
"""Where points come from (G2, P1)."""
EXPIRY_CAUSES: Final = ["validity", "inactivity", "policy_change"]
"""Why points lapse (P9)."""
ZONES: Final = ["domestic", "international"]
"""What a route is: within the home country, or not."""
CHARTS: Final = ["region", "distance"]
"""What awards are priced by (W1)."""
REGIONS: Final = [
    "domestic",
    "northeast_asia",
    "southeast_asia",
    "southwest_asia",
    "americas_europe_oceania",
]
"""The regions of the region chart (W2)."""
ELITE_STATUSES: Final = ["none", "silver", "gold", "platinum", "diamond"]
"""From the lowest to the highest (E3)."""
_KRW = "KRW"
_POINTS = "points"
_MILES = "miles"
_ABOUT: Final = ("customer_id", "subscription_id", "member_id")


def _table(
    name: str,
    description: str,
    grain: str,
    columns: Mapping[str, DeclaredColumn],
    *,
    partition: str,
    key: list[str],
    checks: list[DeclaredCheck] | None = None,
    export: str | None = None,
    headline: str | None = None,
) -> DeclaredSchema:
    """`export` is the one that a staged relation is kept of; none for a published table.

    `headline`: the column by which people say who gains and who loses by a correction.
    """
    return DeclaredSchema(
        dict(columns),
        name=name,
        description=description,
        checks=checks or [],
        metadata={
            "grain": grain,
            "partition": partition,
            "key": key,
            "export": export,
            "headline": headline,
        },
    )


def _membership_year() -> DeclaredColumn:
    return column(
        INT64,
        "Membership year that the tier is for; assessed on 1 November of the year before (T1)",
        unit="year",
    )


def _customer_id() -> DeclaredColumn:
    return column(TEXT, "Customer, as in the customers export")


def _fee(product: str) -> DeclaredColumn:
    return column(
        INT64, f"Collected amount of the counting {product} lines of the window (T2, T3)", unit=_KRW
    )


def _tier(description: str) -> DeclaredColumn:
    return column(TEXT, description, checks=[one_of(TIERS)])


_TIER_SNAPSHOT = _table(
    "tier_snapshot",
    "Membership tier of every customer for a membership year, and how it came about",
    "one row per customer who had joined and not left on the assessment date (T6)",
    {
        "membership_year": _membership_year(),
        "customer_id": _customer_id(),
        "assessed_on": column(DATE, "Assessment date (T1)"),
        **{f"{product}_fee": _fee(product) for product in PRODUCTS},
        "annual_fee": column(
            INT64,
            "Collected amount of all counting lines of the window, over all products (T3)",
            unit=_KRW,
        ),
        "fee_tier": _tier("Tier by annual_fee alone (T4)"),
        "tenure_years": column(
            INT64,
            "Full years since joined_on at the assessment date (T5)",
            checks=[at_least(0)],
            unit="years",
        ),
        "upgraded": column(BOOL, "Whether tenure lifted the tier above fee_tier (T5)"),
        "tier": _tier("Tier of the membership year (T4, T5)"),
        "policy": column(TEXT, "The policies used, as name@valid_from, separated by blanks"),
    },
    partition="membership_year",
    key=["customer_id"],
    headline="tier",
    checks=[
        across(
            "annual_fee",
            "consistency",
            lambda f: f["annual_fee"] == sum(f[f"{product}_fee"] for product in PRODUCTS),
            "the sum of the product fees",
        ),
        across(
            "upgraded",
            "consistency",
            lambda f: f["upgraded"] == (f["tier"] != f["fee_tier"]),
            "true exactly where tier differs from fee_tier",
        ),
    ],
)

_TIER_EXCEPTIONS = _table(
    "tier_exceptions",
    "Collected amounts of counting lines that no assessed customer owns (T7)",
    "one row per customer with counting lines in the window but no row in tier_snapshot",
    {
        "membership_year": _membership_year(),
        "customer_id": column(TEXT, "Customer as on the billing lines"),
        "reason": column(
            TEXT,
            "Why the customer is not assessed (T7)",
            checks=[one_of(["unknown_customer", "terminated", "not_joined"])],
        ),
        "amount": column(INT64, "Collected amount of the customer's counting lines", unit=_KRW),
        "lines": column(INT64, "Number of those lines", checks=[at_least(1)], unit="lines"),
    },
    partition="membership_year",
    key=["customer_id"],
)

_POINT_GRANTS = _table(
    "point_grants",
    "Yearly points granted by tier (G1, G2)",
    "one row per customer of the year's snapshot whose tier is granted points",
    {
        "membership_year": _membership_year(),
        "customer_id": _customer_id(),
        "tier": _tier("Tier of the membership year"),
        "points": column(INT64, "Granted points (G1)", checks=[at_least(1)], unit="points"),
        "lot_id": column(TEXT, "The lot: membership:<year>:<customer_id> (G2)"),
        "credited_on": column(DATE, "First day the points can be used (G2)"),
        "expires_on": column(DATE, "Last day the points can be used (G2)"),
    },
    partition="membership_year",
    key=["customer_id"],
    headline="points",
)


def _period() -> DeclaredColumn:
    return column(
        TEXT,
        "Month YYYY-MM, or YYYY-YE for the sweep at its end, which lies between December and "
        "January in text order (P12)",
        checks=[matches(r"\d{4}-(0[1-9]|1[0-2]|YE)", "YYYY-MM or YYYY-YE")],
    )


def _month() -> DeclaredColumn:
    return column(
        TEXT,
        "Month, YYYY-MM",
        checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
    )


def _amount_of_points(description: str) -> DeclaredColumn:
    return column(INT64, description, checks=[at_least(0)], unit=_POINTS)


def _credit_kind() -> DeclaredColumn:
    return column(TEXT, "Where the lot comes from (P1, G2)", checks=[one_of(CREDIT_KINDS)])


def _expiry_cause(description: str, *, nullable: bool = False) -> DeclaredColumn:
    return column(TEXT, description, checks=[one_of(EXPIRY_CAUSES)], nullable=nullable)


def _status() -> DeclaredColumn:
    return column(TEXT, "Whether it is accepted", checks=[one_of(["accepted", "rejected"])])


def _reason(description: str, reasons: list[str]) -> DeclaredColumn:
    return column(TEXT, description, checks=[one_of(reasons)], nullable=True)


def _reason_where_rejected() -> DeclaredCheck:
    return across(
        "reason",
        "consistency",
        lambda f: f["reason"].isna() == (f["status"] == "accepted"),
        "a reason exactly where rejected",
    )


def _lot_terms() -> dict[str, DeclaredColumn]:
    """What a lot of points was credited on: days, whether it can be refunded, points."""
    return {
        "credited_on": column(DATE, "First day that the points can be used"),
        "expires_on": column(
            DATE, "Last day that the points can be used, after extension (P8) or change (P7)"
        ),
        "refundable": column(BOOL, "Whether the points can be refunded (P6)"),
        "credited": column(
            INT64,
            "Points credited; of a lot of an older system what was left of it when it was opened",
            checks=[at_least(1)],
            unit=_POINTS,
        ),
    }


def _shortened_from() -> DeclaredColumn:
    return column(
        DATE,
        "The last day before a policy change brought it forward; missing where none did (P7)",
        nullable=True,
    )


_POINT_ENTRIES = _table(
    "point_entries",
    "Every movement of points, by the lot that it is of",
    "one row per lot and movement of the period (P1, P3, P5, P6, P8, P9)",
    {
        "period": _period(),
        "customer_id": _customer_id(),
        "lot_id": column(TEXT, "The lot"),
        "source_id": column(
            TEXT,
            "What moved the points: the redemption_id (the cancelling row's for a cancellation) or "
            "application_id; for credits, extensions and expiries the lot_id",
        ),
        "kind": column(
            TEXT,
            "What moved the points; for a credit where they come from",
            checks=[
                one_of(
                    [*CREDIT_KINDS, "redemption", "cancellation", "refund", "extension", "expiry"]
                )
            ],
        ),
        "occurred_at": column(TIMESTAMP, "When; credits at 00:00 of their day (P2)"),
        "points": column(
            INT64,
            "Points: above 0 into the lot, below 0 out of it, 0 for an extension",
            unit=_POINTS,
        ),
        "cause": _expiry_cause("Why the points expired; expiries only (P9)", nullable=True),
        "lot_kind": column(TEXT, "Where the lot comes from", checks=[one_of(CREDIT_KINDS)]),
        **_lot_terms(),
        "shortened_from": _shortened_from(),
    },
    partition="period",
    key=["customer_id", "lot_id", "source_id", "kind"],
)

_POINT_LOTS = _table(
    "point_lots",
    "Lots with points left; a lot past expires_on stays until a sweep takes it",
    "one row per lot with points left at the end of the period (P3, P9)",
    {
        "period": _period(),
        "lot_id": column(
            TEXT,
            "The lot: kind, month, year or delivered id, and customer (P1, G2); of a lot of an "
            "older system its id there",
        ),
        "customer_id": _customer_id(),
        "kind": _credit_kind(),
        **_lot_terms(),
        "remaining": column(INT64, "Points left", checks=[at_least(1)], unit=_POINTS),
        "shortened_from": _shortened_from(),
    },
    partition="period",
    key=["lot_id"],
    checks=[
        across(
            "remaining",
            "consistency",
            lambda f: f["remaining"] <= f["credited"],
            "no more than was credited",
        ),
    ],
)

_POINT_BALANCES = _table(
    "point_balances",
    "What each customer's points came to, and how (P11)",
    "one row per customer with a lot or an entry in the period (P11)",
    {
        "period": _period(),
        "customer_id": _customer_id(),
        "opening": _amount_of_points("Points left in the lots at the end of the period before"),
        "credited": _amount_of_points("Points credited (P1, G2)"),
        "spent": _amount_of_points("Points that redemptions and refunds took (P3, P6)"),
        "restored": _amount_of_points("Points that cancellations gave back (P5)"),
        "expired": _amount_of_points("Points that expired (P9)"),
        "closing": _amount_of_points("Points left in the lots at the end of the period"),
        "usable": _amount_of_points("Of closing, what can still be used after the period"),
    },
    partition="period",
    key=["customer_id"],
    headline="closing",
    checks=[
        across(
            "closing",
            "consistency",
            lambda f: (
                f["closing"]
                == f["opening"] + f["credited"] - f["spent"] + f["restored"] - f["expired"]
            ),
            "opening + credited - spent + restored - expired",
        ),
    ],
)

_POINT_LIABILITY = _table(
    "point_liability",
    "Points outstanding, by when they lapse and where they come from",
    "one row per expiry date and kind of the lots left at the end of the period (P11)",
    {
        "period": _period(),
        "expires_on": column(DATE, "Last day that the points can be used"),
        "kind": _credit_kind(),
        "usable": column(BOOL, "Whether they can still be used after the period"),
        "customers": column(INT64, "Customers", checks=[at_least(1)], unit="customers"),
        "lots": column(INT64, "Lots", checks=[at_least(1)], unit="lots"),
        "points": column(INT64, "Points left", checks=[at_least(1)], unit=_POINTS),
    },
    partition="period",
    key=["expires_on", "kind"],
)

_POINT_EXCEPTIONS = _table(
    "point_exceptions",
    "Credits of nobody that is known: no lot is made (P1)",
    "one row per credit without a known customer (P1)",
    {
        "month": _month(),
        "source_id": column(TEXT, "The lot_id that it would have had"),
        "customer_id": column(TEXT, "Customer as delivered"),
        "kind": _credit_kind(),
        "points": column(INT64, "Points not credited", checks=[at_least(1)], unit=_POINTS),
        "reason": column(TEXT, "Why", checks=[one_of(["unknown_customer"])]),
    },
    partition="month",
    key=["source_id"],
)

_REDEMPTION_RESULTS = _table(
    "redemption_results",
    "The answer to every submitted redemption and cancellation",
    "one row per delivered redemption or cancellation of the month (P4, P5)",
    {
        "month": _month(),
        "redemption_id": column(TEXT, "The redemption, or the cancelling row"),
        "customer_id": _customer_id(),
        "used_at": column(TIMESTAMP, "When the points were used"),
        "benefit": column(TEXT, "Benefit", checks=[one_of(list(BENEFITS))]),
        "partner": column(TEXT, "Partner"),
        "points": _amount_of_points("Points asked for; of a cancellation, as delivered"),
        "cancels": column(
            TEXT, "The redemption that this row cancels, in full; else missing", nullable=True
        ),
        "status": _status(),
        "reason": _reason(
            "The first reason that applies, where rejected (P4, P5)",
            [
                "unknown_customer",
                "not_a_member",
                "unknown_partner",
                "tier_required",
                "monthly_limit",
                "insufficient_points",
                "unknown_redemption",
                "not_accepted",
                "already_cancelled",
            ],
        ),
    },
    partition="month",
    key=["redemption_id"],
    checks=[_reason_where_rejected()],
)

_REFUND_RESULTS = _table(
    "refund_results",
    "The answer to every refund application",
    "one row per delivered refund application of the month (P6)",
    {
        "month": _month(),
        "application_id": column(TEXT, "The application"),
        "customer_id": _customer_id(),
        "applied_at": column(TIMESTAMP, "When it was applied for"),
        "points": _amount_of_points("Points asked for"),
        "method": column(TEXT, "How it is paid out", checks=[one_of(list(REFUND_METHODS))]),
        "fee": column(
            INT64,
            "Fee of the method; missing where rejected (P6)",
            checks=[at_least(0)],
            nullable=True,
            unit=_KRW,
        ),
        "amount_krw": column(
            INT64,
            "Amount paid, points less fee; missing where rejected (P6)",
            nullable=True,
            unit=_KRW,
        ),
        "pay_on": column(DATE, "Day of payment; missing where rejected (P6)", nullable=True),
        "status": _status(),
        "reason": _reason(
            "The first reason that applies, where rejected (P6)",
            [
                "unknown_customer",
                "identity_mismatch",
                "below_minimum",
                "above_maximum",
                "not_in_units",
                "insufficient_refundable_points",
            ],
        ),
    },
    partition="month",
    key=["application_id"],
    checks=[_reason_where_rejected()],
)

_EXPIRY_NOTICES = _table(
    "expiry_notices",
    "Who is told on the first day of a month which points lapse when, and why (P10)",
    "one row per customer, expiry date and cause (P10)",
    {
        "month": _month(),
        "customer_id": _customer_id(),
        "expires_on": column(DATE, "Last day that the points can be used"),
        "cause": _expiry_cause("Why they will lapse (P9)"),
        "lead_months": column(
            INT64,
            "Months ahead; missing for inactivity and policy changes",
            checks=[at_least(0)],
            nullable=True,
            unit="months",
        ),
        "points": column(INT64, "Points that will lapse", checks=[at_least(1)], unit=_POINTS),
        "reachable": column(BOOL, "Whether a contact is on record"),
    },
    partition="month",
    key=["customer_id", "expires_on", "cause"],
)

_EXPIRY_SWEEP = _table(
    "expiry_sweep",
    "What the year-end sweep took, why, and whether its owner was told (P9)",
    "one row per lot that the sweep took (P9)",
    {
        "year": column(INT64, "Year at whose end it was swept", unit="year"),
        "lot_id": column(TEXT, "The lot"),
        "customer_id": _customer_id(),
        "kind": _credit_kind(),
        "points": column(INT64, "Points that expired", checks=[at_least(1)], unit=_POINTS),
        "expires_on": column(DATE, "Last day that the points could be used"),
        "cause": _expiry_cause("Why they expired (P9)"),
        "noticed_month": column(
            TEXT, "Month of the latest notice of it; missing: never told (P10)", nullable=True
        ),
    },
    partition="year",
    key=["lot_id"],
)


# Micropayments


def _subscription_id() -> DeclaredColumn:
    return column(TEXT, "Subscription, as in the subscriptions export")


def _won(description: str, *, nullable: bool = False, least: int = 0) -> DeclaredColumn:
    return column(INT64, description, checks=[at_least(least)], nullable=nullable, unit=_KRW)


def _approval(refused: str) -> DeclaredColumn:
    return column(TEXT, "Whether it is approved", checks=[one_of(["approved", refused])])


def _reason_unless_approved() -> DeclaredCheck:
    return across(
        "reason",
        "consistency",
        lambda f: f["reason"].isna() == (f["status"] == "approved"),
        "a reason exactly where not approved",
    )


def _known_unless(name: str) -> DeclaredCheck:
    return across(
        name,
        "consistency",
        lambda f: f[name].isna() == (f["reason"].fillna("") == "unknown_subscription"),
        "missing exactly where the subscription is unknown",
    )


_LIMIT_RESULTS = _table(
    "limit_results",
    "The answer to every request for another monthly limit",
    "one row per delivered limit request of the month (M2)",
    {
        "month": _month(),
        "request_id": column(TEXT, "The request"),
        "subscription_id": column(TEXT, "Subscription as delivered"),
        "requested_at": column(TIMESTAMP, "When it was made, and holds from where approved"),
        "requested_limit": _won("Limit asked for"),
        "status": _approval("refused"),
        "reason": _reason(
            "The first reason that applies, where refused (M2)",
            ["unknown_subscription", "not_eligible", "arrears", "credit_grade", "above_maximum"],
        ),
        "limit_after": _won(
            "Limit in force after the request; missing for an unknown subscription", nullable=True
        ),
    },
    partition="month",
    key=["request_id"],
    checks=[_reason_unless_approved(), _known_unless("limit_after")],
)

_MICROPAYMENT_RESULTS = _table(
    "micropayment_results",
    "The answer to every requested micropayment, with the limit and the month's total",
    "one row per delivered micropayment of the month (M3)",
    {
        "month": _month(),
        "payment_id": column(TEXT, "The payment"),
        "subscription_id": column(TEXT, "Subscription as delivered"),
        "customer_id": column(
            TEXT,
            "Customer who holds the subscription now; missing for an unknown subscription",
            nullable=True,
        ),
        "requested_at": column(TIMESTAMP, "When it was requested"),
        "merchant": column(TEXT, "Merchant"),
        "category": column(TEXT, "What is bought", checks=[one_of(list(PAYMENT_CATEGORIES))]),
        "amount": _won("Price", least=1),
        "platform_fee": _won("Platform fee on top; no part of the limit"),
        "recurring": column(BOOL, "Whether it repeats by itself"),
        "status": _approval("declined"),
        "reason": _reason(
            "The first reason that applies, where declined (M3)",
            ["unknown_subscription", "not_in_service", "arrears", "over_limit"],
        ),
        "limit_in_force": _won(
            "Limit in force at that time; missing for an unknown subscription", nullable=True
        ),
        "approved_total": _won(
            "Approved amounts of the month, this payment's included; missing for an unknown "
            "subscription",
            nullable=True,
        ),
    },
    partition="month",
    key=["payment_id"],
    checks=[
        _reason_unless_approved(),
        *(_known_unless(name) for name in ("customer_id", "limit_in_force", "approved_total")),
    ],
)

_MICROPAYMENT_USAGE = _table(
    "micropayment_usage",
    "What each subscription spent of its limit, and who is told of heavy use",
    "one row per mobile subscription with a payment delivered in the month (M5)",
    {
        "month": _month(),
        "subscription_id": _subscription_id(),
        "customer_id": column(TEXT, "Customer who holds the subscription now"),
        "limit_in_force": _won("Limit in force at the month's end"),
        "approved_total": _won("Approved amounts of the month"),
        "payments": column(
            INT64, "Payments delivered, approved or not", checks=[at_least(1)], unit="payments"
        ),
        "recurring_payments": column(
            INT64, "Those of them that repeat by themselves", checks=[at_least(0)], unit="payments"
        ),
        "usage_notice": column(BOOL, "Whether the customer is told of heavy use (M5)"),
    },
    partition="month",
    key=["subscription_id"],
    checks=[
        across(
            "recurring_payments",
            "consistency",
            lambda f: f["recurring_payments"] <= f["payments"],
            "no more than payments",
        ),
    ],
)

_MICROPAYMENT_BILL_LINES = _table(
    "micropayment_bill_lines",
    "The micropayment lines of the next month's bill",
    "one row per approved payment of the month (M5)",
    {
        "month": _month(),
        "payment_id": column(TEXT, "The payment"),
        "subscription_id": _subscription_id(),
        "customer_id": column(TEXT, "Customer who is billed"),
        "billing_month": column(
            TEXT,
            "Month of the bill, the one after the payment's, YYYY-MM",
            checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
        ),
        "amount": _won("Price", least=1),
        "platform_fee": _won("Platform fee, apart from the price"),
    },
    partition="month",
    key=["payment_id"],
)

_MICROPAYMENT_LIMITS = _table(
    "micropayment_limits",
    "The limits that requests have set, as the next month opens with them",
    "one row per subscription with an approved request up to the end of the month (M2, P12)",
    {
        "month": _month(),
        "subscription_id": _subscription_id(),
        "monthly_limit": _won("Limit of the latest approved request"),
        "request_id": column(TEXT, "That request"),
        "requested_at": column(TIMESTAMP, "When it was made, and the limit began to hold"),
    },
    partition="month",
    key=["subscription_id"],
)


# The airline


def _member_id() -> DeclaredColumn:
    return column(TEXT, "Member, as in the members export")


def _amount_of_miles(description: str, *, nullable: bool = False, least: int = 0) -> DeclaredColumn:
    return column(INT64, description, checks=[at_least(least)], nullable=nullable, unit=_MILES)


def _airport(description: str) -> DeclaredColumn:
    return column(TEXT, f"{description}, IATA code")


def _elite_status(description: str) -> DeclaredColumn:
    return column(TEXT, description, checks=[one_of(ELITE_STATUSES)])


_MILEAGE_ACCRUALS = _table(
    "mileage_accruals",
    "What every flight earned, or why it earned nothing",
    "one row per current flight of the month (F1, F2, F3)",
    {
        "month": _month(),
        "activity_id": column(TEXT, "The flight segment"),
        "member_id": _member_id(),
        "flight_date": column(DATE, "Day of boarding"),
        "origin": _airport("Airport of departure"),
        "destination": _airport("Airport of arrival"),
        "booking_class": column(TEXT, "Booking class, one letter"),
        "distance": _amount_of_miles(
            "Distance that miles are earned for; missing where none can be had (F2)",
            nullable=True,
            least=1,
        ),
        "distance_source": column(
            TEXT,
            "Where the distance comes from (F2)",
            checks=[one_of(["delivered", "published", "great_circle"])],
            nullable=True,
        ),
        "distance_suspect": column(
            BOOL, "Whether the delivered distance is too far from the great circle (F2)"
        ),
        "rate": column(
            INT64,
            "Share of the distance that the booking class earns; missing with a reason (F1)",
            checks=[at_least(0)],
            nullable=True,
            unit="percent",
        ),
        "miles": _amount_of_miles("Miles earned; 0 with a reason (F1)"),
        "half_flights": column(
            INT64,
            "What it counts for the status: 2 international, 1 domestic, 0 not qualifying (E2)",
            checks=[at_least(0)],
            unit="half flights",
        ),
        "reason": _reason(
            "The first reason that applies, where it earns nothing (F3)",
            [
                "unknown_member",
                "before_enrolment",
                "not_flown",
                "award_ticket",
                "partner_carrier",
                "unlisted_class",
                "unknown_airport",
            ],
        ),
    },
    partition="month",
    key=["activity_id"],
    checks=[
        across(
            "rate",
            "consistency",
            lambda f: f["rate"].isna() == f["reason"].notna(),
            "missing exactly where there is a reason",
        ),
    ],
)

_MILEAGE_ENTRIES = _table(
    "mileage_entries",
    "Every movement of miles, by the lot that it is of",
    "one row per lot and movement of the month (F4, W5, X2)",
    {
        "month": _month(),
        "member_id": _member_id(),
        "lot_id": column(TEXT, "The lot: flight:<activity_id> (F4)"),
        "source_id": column(
            TEXT,
            "What moved the miles: the request_id or payment_id; for flights and expiries the "
            "lot_id",
        ),
        "kind": column(
            TEXT,
            "What moved the miles",
            checks=[one_of(["flight", "award", "mixed_payment", "expiry"])],
        ),
        "occurred_at": column(
            TIMESTAMP, "When; flights at 00:00 of their day, expiries at the year's last second"
        ),
        "miles": column(INT64, "Miles: above 0 into the lot, below 0 out of it", unit=_MILES),
    },
    partition="month",
    key=["member_id", "lot_id", "source_id", "kind"],
)

_MILEAGE_LOTS = _table(
    "mileage_lots",
    "Lots with miles left",
    "one row per lot with miles left at the end of the month (F4, X2)",
    {
        "month": _month(),
        "lot_id": column(
            TEXT, "The lot: flight:<activity_id> (F4); of a lot of an older system its id there"
        ),
        "member_id": _member_id(),
        "credited_on": column(DATE, "Day of the flight, from which the miles can be used"),
        "expires_on": column(
            DATE, "Last day that the miles can be used; missing: they don't expire", nullable=True
        ),
        "credited": _amount_of_miles(
            "Miles credited; of a lot of an older system what was left of it when it was opened",
            least=1,
        ),
        "remaining": _amount_of_miles("Miles left", least=1),
    },
    partition="month",
    key=["lot_id"],
    checks=[
        across(
            "remaining",
            "consistency",
            lambda f: f["remaining"] <= f["credited"],
            "no more than was credited",
        ),
    ],
)

_MILEAGE_BALANCES = _table(
    "mileage_balances",
    "What each member's miles came to, and how (P11)",
    "one row per member with a lot or an entry in the month (P11)",
    {
        "month": _month(),
        "member_id": _member_id(),
        "opening": _amount_of_miles("Miles left in the lots at the end of the month before"),
        "credited": _amount_of_miles("Miles that flights earned (F4)"),
        "spent": _amount_of_miles("Miles that awards and mixed payments took (X2)"),
        "expired": _amount_of_miles("Miles that expired (F4)"),
        "closing": _amount_of_miles("Miles left in the lots at the end of the month"),
    },
    partition="month",
    key=["member_id"],
    headline="closing",
    checks=[
        across(
            "closing",
            "consistency",
            lambda f: f["closing"] == f["opening"] + f["credited"] - f["spent"] - f["expired"],
            "opening + credited - spent - expired",
        ),
    ],
)

_AWARD_RESULTS = _table(
    "award_results",
    "The answer to every request for an award ticket or an upgrade",
    "one row per delivered award request of the month (W5)",
    {
        "month": _month(),
        "request_id": column(TEXT, "The request"),
        "member_id": _member_id(),
        "requested_at": column(TIMESTAMP, "When it was made"),
        "kind": column(TEXT, "What is asked for", checks=[one_of(list(AWARD_KINDS))]),
        "origin": _airport("Airport of departure"),
        "destination": _airport("Airport of arrival"),
        "cabin": column(
            TEXT, "Cabin; for an upgrade the cabin moved up to", checks=[one_of(list(CABINS))]
        ),
        "season": column(TEXT, "Season", checks=[one_of(list(SEASONS))]),
        "trip": column(TEXT, "Trip", checks=[one_of(list(TRIPS))]),
        "chart": column(
            TEXT,
            "Chart in force on the day of the request; missing where no price was found (W1)",
            checks=[one_of(CHARTS)],
            nullable=True,
        ),
        "band": column(
            TEXT,
            "Where the route stands in the chart: domestic, the region, or the least distance of "
            "the band in miles; missing where no price was found (W2, W3)",
            nullable=True,
        ),
        "miles": _amount_of_miles(
            "Price of the whole trip, also where the miles don't suffice; missing where no price "
            "was found (W2, W3, W4)",
            nullable=True,
        ),
        "status": _status(),
        "reason": _reason(
            "The first reason that applies, where rejected (W5)",
            ["unknown_member", "unknown_airport", "not_offered", "insufficient_miles"],
        ),
    },
    partition="month",
    key=["request_id"],
    checks=[_reason_where_rejected()],
)

_MIXED_PAYMENT_RESULTS = _table(
    "mixed_payment_results",
    "The answer to every ticket payment in cash and miles",
    "one row per delivered mixed payment of the month (X1)",
    {
        "month": _month(),
        "payment_id": column(TEXT, "The payment"),
        "member_id": _member_id(),
        "paid_at": column(TIMESTAMP, "When it was paid"),
        "fare": column(
            INT64, "Fare without fuel surcharge and taxes", checks=[at_least(1)], unit="currency"
        ),
        "miles": _amount_of_miles("Miles to deduct", least=1),
        "krw_per_mile": column(
            DECIMAL_9_2, "Won that one mile is worth in this booking", unit="KRW per mile"
        ),
        "miles_value_krw": column(
            INT64,
            "What the miles pay, rounded down; missing where rejected (X2)",
            checks=[at_least(0)],
            nullable=True,
            unit=_KRW,
        ),
        "cash_due": column(
            INT64,
            "Fare, fuel surcharge and taxes less miles_value_krw; missing where rejected (X2)",
            checks=[at_least(0)],
            nullable=True,
            unit=_KRW,
        ),
        "status": _status(),
        "reason": _reason(
            "The first reason that applies, where rejected (X1)",
            [
                "unknown_member",
                "outside_programme",
                "channel",
                "currency",
                "below_minimum",
                "above_share",
                "insufficient_miles",
            ],
        ),
    },
    partition="month",
    key=["payment_id"],
    checks=[_reason_where_rejected()],
)

_ELITE_STATUS = _table(
    "elite_status",
    "Elite status of every member for a status year, and how it came about",
    "one row per member enrolled by the end of the flights' year (E4)",
    {
        "status_year": column(
            INT64, "Year in which the status begins; from the flights before it (E1)", unit="year"
        ),
        "member_id": _member_id(),
        "qualifying_miles": _amount_of_miles("Miles of the qualifying flights (E2)"),
        "qualifying_half_flights": column(
            INT64,
            "Qualifying flights: 2 each, 1 within the home country (E2)",
            checks=[at_least(0)],
            unit="half flights",
        ),
        "status_by_miles": _elite_status("Status by qualifying_miles alone (E3)"),
        "status_by_flights": _elite_status("Status by qualifying_half_flights alone (E3)"),
        "status": _elite_status("The higher of both (E3)"),
        "valid_from": column(DATE, "First day of the status (E1)"),
        "valid_to": column(DATE, "Last day of the status (E1)"),
        "policy": column(TEXT, "The policies used, as name@valid_from, separated by blanks"),
    },
    partition="status_year",
    key=["member_id"],
    headline="status",
    checks=[
        across(
            "valid_to",
            "consistency",
            lambda f: f["valid_to"] > f["valid_from"],
            "after valid_from",
        ),
    ],
)


# Corrections

_RESTATEMENTS = _table(
    "restatements",
    "What a command changed of what was published before it: the values that a rerun or a restored "
    "version replaced, as text. A row that came or went is told column by column, those of its key "
    "among them, with nothing before or nothing after",
    "one row per changed value of a table's row (Q4)",
    {
        "run_id": column(TEXT, "The run that changed it, as in the folder of its manifest"),
        "table_name": column(TEXT, "The table"),
        "row_key": column(
            TEXT, "The row: the table's partition column and key columns with their values, as JSON"
        ),
        "column_name": column(TEXT, "The column"),
        "value_before": column(
            TEXT, "Value before; missing: there was none, or no such row", nullable=True
        ),
        "value_after": column(
            TEXT, "Value after; missing: there is none, or no such row any more", nullable=True
        ),
    },
    partition="run_id",
    key=["table_name", "row_key", "column_name"],
    checks=[
        across(
            "value_after",
            "consistency",
            lambda f: f["value_before"] != f["value_after"],
            "another value than value_before",
        ),
    ],
)


def _billing_month() -> DeclaredColumn:
    return column(TEXT, "Month of the bill, YYYY-MM")


def _product() -> DeclaredColumn:
    return column(TEXT, "Product", checks=[one_of(list(PRODUCTS))])


def _charge_item() -> DeclaredColumn:
    return column(TEXT, "Charge item", checks=[one_of(list(CHARGE_ITEMS))])


def _collected_month() -> DeclaredColumn:
    return column(TEXT, "Month in which it was collected, YYYY-MM")


def _billing_line_id() -> DeclaredColumn:
    return column(TEXT, "Line of the billing export, within its month")


_BILLING_TOTALS = _table(
    "billing_totals",
    "What the current billing lines of a month add up to; T7 and T8 read it",
    "one row per billing month, product and charge item",
    {
        "billing_month": _billing_month(),
        "product": _product(),
        "charge_item": _charge_item(),
        "lines": column(INT64, "Current lines", checks=[at_least(1)], unit="lines"),
        "billed_amount": column(SUM, "Sum of the billed amounts", unit=_KRW),
        "collected_amount": column(SUM, "Sum of the collected amounts", unit=_KRW),
    },
    partition="billing_month",
    key=["product", "charge_item"],
    export="billing",
)

_BILLING_COLLECTIONS = _table(
    "billing_collections",
    "In which months the current billing lines of a month were collected; a close reads from it "
    "which billing months hold collections of its month (P1, P9)",
    "one row per billing month, month of collection, product and charge item",
    {
        "billing_month": _billing_month(),
        "collected_month": _collected_month(),
        "product": _product(),
        "charge_item": _charge_item(),
        "lines": column(
            INT64,
            "Current lines with a collected amount other than 0",
            checks=[at_least(1)],
            unit="lines",
        ),
        "collected_amount": column(SUM, "Sum of the collected amounts", unit=_KRW),
    },
    partition="billing_month",
    key=["collected_month", "product", "charge_item"],
    export="billing",
)

_BILLING_LATE_COLLECTIONS = _table(
    "billing_late_collections",
    "The current billing lines of a month that were collected in another month than most: its "
    "main month of collection is that with most lines, on a tie the earliest. A close reads the "
    "staged lines of the billing months whose main month is its own, and of the others these "
    "alone (P1, P9)",
    "one row per billing line collected outside the billing month's main month of collection",
    {
        "billing_month": _billing_month(),
        "customer_id": _customer_id(),
        "billing_line_id": _billing_line_id(),
        "product": _product(),
        "charge_item": _charge_item(),
        "collected_on": column(DATE, "Day the amount was collected"),
        "collected_month": _collected_month(),
        "collected_amount": column(INT64, "Collected amount, other than 0", unit=_KRW),
    },
    partition="billing_month",
    key=["collected_month", "customer_id", "billing_line_id"],
    export="billing",
)

_BILLING_ARREARS = _table(
    "billing_arrears",
    "When each current billing line of a month was in arrears (M4)",
    "one row per billing line that was in arrears on some day",
    {
        "billing_month": _billing_month(),
        "customer_id": _customer_id(),
        "billing_line_id": _billing_line_id(),
        "in_arrears_from": column(DATE, "First day in arrears, the one after due_on"),
        "in_arrears_until": column(
            DATE,
            "First day no longer in arrears, that of collection; missing while not fully collected",
            nullable=True,
        ),
    },
    partition="billing_month",
    key=["customer_id", "billing_line_id"],
    export="billing",
    checks=[
        across(
            "in_arrears_until",
            "consistency",
            lambda f: f["in_arrears_until"] > f["in_arrears_from"],
            "after in_arrears_from",
        ),
    ],
)


@dataclass(frozen=True)
class Table(Declared):
    """A published or staged table as the rest of Pointbook reads it."""

    @property
    def grain(self) -> str:
        return str(self.schema.metadata["grain"])

    @property
    def export(self) -> str | None:
        """The export that a staged relation is kept of; none for a published table."""
        return cast("str | None", self.schema.metadata["export"])

    @property
    def partition(self) -> str:
        return str(self.schema.metadata["partition"])

    @property
    def key(self) -> list[str]:
        """The columns that are unique within a partition."""
        return cast("list[str]", self.schema.metadata["key"])

    @property
    def order(self) -> list[str]:
        """The columns that a partition's rows are sorted by: whom they are about, then the key.

        Those of a staged relation are sorted by its key alone.
        """
        if self.export:
            return self.key
        about = next((name for name in _ABOUT if name in self.columns), None)
        return [*([about] if about else []), *(name for name in self.key if name != about)]

    @property
    def headline(self) -> str | None:
        """The column by which people say who gains and who loses by a correction, if any."""
        return cast("str | None", self.schema.metadata["headline"])

    @property
    def stored_columns(self) -> dict[str, DeclaredColumn]:
        """The columns that the files hold: all but the partition column."""
        return {n: c for n, c in self.columns.items() if n != self.partition}

    @cached_property
    def declared(self) -> str:
        """What the files are declared to hold, in one text: tables that differ in it have files
        that differ.
        """
        columns = [
            (name, each.dtype, each.nullable, each.description, each.metadata.get("unit"))
            for name, each in self.columns.items()
        ]
        return f"{self.description}; {self.grain}; {columns}"


def _by_name(*schemas: DeclaredSchema) -> dict[str, Table]:
    return {schema.name: Table(schema) for schema in schemas}


PUBLISHED: Final = _by_name(
    _TIER_SNAPSHOT,
    _TIER_EXCEPTIONS,
    _POINT_GRANTS,
    _POINT_ENTRIES,
    _POINT_LOTS,
    _POINT_BALANCES,
    _POINT_LIABILITY,
    _POINT_EXCEPTIONS,
    _REDEMPTION_RESULTS,
    _REFUND_RESULTS,
    _EXPIRY_NOTICES,
    _EXPIRY_SWEEP,
    _LIMIT_RESULTS,
    _MICROPAYMENT_RESULTS,
    _MICROPAYMENT_USAGE,
    _MICROPAYMENT_BILL_LINES,
    _MICROPAYMENT_LIMITS,
    _MILEAGE_ACCRUALS,
    _MILEAGE_ENTRIES,
    _MILEAGE_LOTS,
    _MILEAGE_BALANCES,
    _AWARD_RESULTS,
    _MIXED_PAYMENT_RESULTS,
    _ELITE_STATUS,
    _RESTATEMENTS,
)
"""The tables of the warehouse by name."""
RESTATEMENTS: Final = "restatements"
"""The table of what changed in all others."""

STAGED_RELATIONS: Final = _by_name(
    _BILLING_TOTALS, _BILLING_COLLECTIONS, _BILLING_LATE_COLLECTIONS, _BILLING_ARREARS
)
"""The small relations that ingest keeps beside the staged exports, by name.

One may read those before it, of the same partition.
"""


def relations_of(export: Export) -> list[Table]:
    """The staged relations that are kept of an export, a partition for each of its own."""
    return [table for table in STAGED_RELATIONS.values() if table.export == export.name]
