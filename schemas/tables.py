"""The published tables and the staged relations: grain, columns, keys and checks.

A published table is a folder of Hive partitions; its partition column is declared here with the
others but lives in the path alone. `key` columns are unique together with the partition.
Rows are sorted by whom they are about, then by the key.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Final

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
    by_name,
    column,
    consistent,
    enumeration,
    integer,
    matches,
)
from schemas.exports import (
    AWARD_KINDS,
    BENEFITS,
    CABINS,
    CHARGE_ITEMS,
    MILEAGE_LOT_KINDS,
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


@dataclass(frozen=True)
class Table(Declared):
    """A published or staged table as the rest of Pointbook reads it."""

    _: KW_ONLY
    grain: str
    partition: str
    """The column that stands in the path; empty for a staged relation that is kept whole."""
    key: list[str]
    """The columns that are unique within a partition."""
    export: str | None = None
    """The export that a staged relation is kept of; none for a published table."""
    internal: bool = False
    """Whether a staged relation is of use to Pointbook alone, and not shown in the catalog."""
    headline: str | None = None
    """The column by which people say who gains and who loses by a correction, if any."""

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
    def stored_columns(self) -> dict[str, DeclaredColumn]:
        """The columns that the files hold: all but the partition column."""
        return {n: c for n, c in self.columns.items() if n != self.partition}


_MEMBERSHIP_YEAR: Final = column(
    INT64,
    "Membership year that the tier is for; assessed on 1 November of the year before (T1)",
    unit="year",
)
_CUSTOMER_ID: Final = column(TEXT, "Customer, as in the customers export")


def _fee(product: str) -> DeclaredColumn:
    return column(
        INT64, f"Collected amount of the counting {product} lines of the window (T2, T3)", unit=_KRW
    )


def _tier(description: str, *, nullable: bool = False) -> DeclaredColumn:
    return enumeration(description, TIERS, nullable=nullable, ordered=True)


def _elite(description: str) -> DeclaredColumn:
    return enumeration(description, ELITE_STATUSES, ordered=True)


_TIER_SNAPSHOT = Table(
    "tier_snapshot",
    "Membership tier of every customer for a membership year, and how it came about",
    grain="one row per customer who had joined and not left on the assessment date (T6)",
    columns={
        "membership_year": _MEMBERSHIP_YEAR,
        "customer_id": _CUSTOMER_ID,
        "assessed_on": column(DATE, "Assessment date (T1)"),
        **{f"{product}_fee": _fee(product) for product in PRODUCTS},
        "annual_fee": column(
            INT64,
            "Collected amount of all counting lines of the window, over all products (T3)",
            unit=_KRW,
        ),
        "fee_tier": _tier("Tier by annual_fee alone (T4)"),
        "tenure_years": integer(
            "Full years since joined_on at the assessment date (T5)", unit="years"
        ),
        "upgraded": column(BOOL, "Whether tenure lifted the tier above fee_tier (T5)"),
        "tier": _tier("Tier of the membership year (T4, T5)"),
        "policy": column(TEXT, "The policies used, as name@valid_from, separated by blanks"),
        "missing_to_next": integer(
            "What annual_fee lacks of the next tier by fee; missing at the highest (T4)",
            1,
            nullable=True,
            unit=_KRW,
        ),
    },
    partition="membership_year",
    key=["customer_id"],
    headline="tier",
    checks=[
        consistent(
            "annual_fee",
            lambda f: f["annual_fee"] == sum(f[f"{product}_fee"] for product in PRODUCTS),
            "the sum of the product fees",
        ),
        consistent(
            "upgraded",
            lambda f: f["upgraded"] == (f["tier"] != f["fee_tier"]),
            "true exactly where tier differs from fee_tier",
        ),
    ],
)

_TIER_EXCEPTIONS = Table(
    "tier_exceptions",
    "Collected amounts of counting lines that no assessed customer owns (T7)",
    grain="one row per customer with counting lines in the window but no row in tier_snapshot",
    columns={
        "membership_year": _MEMBERSHIP_YEAR,
        "customer_id": column(TEXT, "Customer as on the billing lines"),
        "reason": enumeration(
            "Why the customer is not assessed (T7)",
            ["unknown_customer", "terminated", "not_joined"],
        ),
        "amount": column(INT64, "Collected amount of the customer's counting lines", unit=_KRW),
        "lines": integer("Number of those lines", 1, unit="lines"),
    },
    partition="membership_year",
    key=["customer_id"],
)

_TIER_MOVES = Table(
    "tier_moves",
    "How customers moved between the tiers of the year before and of this one, and why (T9)",
    grain="one row per tier before, tier, tier by fee, and why",
    columns={
        "membership_year": _MEMBERSHIP_YEAR,
        "tier_before": _tier("Tier of the year before; missing: none", nullable=True),
        "tier": _tier("Tier of the membership year; missing: not in its snapshot", nullable=True),
        "fee_tier": _tier("Tier by annual_fee alone (T4); missing as tier is", nullable=True),
        "why": enumeration(
            "What moved them: their fee's tier, up or down; tenure, where it was not that; came, "
            "left: assessed in one of both years alone; same: the tier is. Missing: the year "
            "before is not published",
            ["fee_up", "fee_down", "tenure", "came", "left", "same"],
            nullable=True,
        ),
        "customers": integer("Customers", 1, unit="customers"),
        "annual_fee": column(
            INT64, "Their annual_fee in this year's snapshot; 0 of those who left", unit=_KRW
        ),
        "points_before": integer(
            "Points that their tier before was granted, by the amounts of that year (G1)",
            unit="points",
        ),
        "points_after": integer(
            "Points that their tier is granted, by the amounts of this year (G1)", unit="points"
        ),
    },
    partition="membership_year",
    key=["tier_before", "tier", "fee_tier", "why"],
)

_TIER_BANDS = Table(
    "tier_bands",
    "How many customers pay how much and have stayed how long, by tier (T9)",
    grain="one row per band of annual fee, band of tenure and tier that any customer has",
    columns={
        "membership_year": _MEMBERSHIP_YEAR,
        "band_from": integer(
            "Least annual_fee of the band; fees below 0 are in the lowest, the highest has no end",
            unit=_KRW,
        ),
        "tenure_band": column(TEXT, "Full years of tenure, as tier_tenure_bands.yaml calls them"),
        "tier": _tier("Tier of the membership year"),
        "customers": integer("Customers", 1, unit="customers"),
        "annual_fee": column(INT64, "Their annual_fee", unit=_KRW),
    },
    partition="membership_year",
    key=["band_from", "tenure_band", "tier"],
)

_POINT_GRANTS = Table(
    "point_grants",
    "Yearly points granted by tier (G1, G2)",
    grain="one row per customer of the year's snapshot whose tier is granted points",
    columns={
        "membership_year": _MEMBERSHIP_YEAR,
        "customer_id": _CUSTOMER_ID,
        "tier": _tier("Tier of the membership year"),
        "points": integer("Granted points (G1)", 1, unit="points"),
        "lot_id": column(TEXT, "The lot: membership:<year>:<customer_id> (G2)"),
        "credited_on": column(DATE, "First day the points can be used (G2)"),
        "expires_on": column(DATE, "Last day the points can be used (G2)"),
    },
    partition="membership_year",
    key=["customer_id"],
    headline="points",
)

_PERIOD: Final = column(
    TEXT,
    "Month YYYY-MM, or YYYY-YE for the sweep at its end, which lies between December and "
    "January in text order (P12)",
    checks=[matches(r"\d{4}-(0[1-9]|1[0-2]|YE)", "YYYY-MM or YYYY-YE")],
)
_MONTH: Final = column(
    TEXT, "Month, YYYY-MM", checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")]
)
_CREDIT_KIND: Final = enumeration("Where the lot comes from (P1, G2)", CREDIT_KINDS)
_STATUS: Final = enumeration("Whether it is accepted", ["accepted", "rejected"])


def _reason(description: str, reasons: list[str]) -> DeclaredColumn:
    return enumeration(description, reasons, nullable=True)


_REASON_WHERE_REJECTED: Final = consistent(
    "reason",
    lambda f: f["reason"].isna() == (f["status"] == "accepted"),
    "a reason exactly where rejected",
)
_LOT_TERMS: Final = {
    "credited_on": column(DATE, "First day that the points can be used"),
    "expires_on": column(
        DATE, "Last day that the points can be used, after extension (P8) or change (P7)"
    ),
    "refundable": column(BOOL, "Whether the points can be refunded (P6)"),
    "credited": integer(
        "Points credited; of a lot of an older system what was left of it when it was opened",
        1,
        unit=_POINTS,
    ),
}
_SHORTENED_FROM: Final = column(
    DATE,
    "The last day before a policy change brought it forward; missing where none did (P7)",
    nullable=True,
)

_POINT_ENTRIES = Table(
    "point_entries",
    "Every movement of points, by the lot that it is of",
    grain="one row per lot and movement of the period (P1, P3, P5, P6, P8, P9)",
    columns={
        "period": _PERIOD,
        "customer_id": _CUSTOMER_ID,
        "lot_id": column(TEXT, "The lot"),
        "source_id": column(
            TEXT,
            "What moved the points: the redemption_id (the cancelling row's for a cancellation) or "
            "application_id; for credits, extensions and expiries the lot_id",
        ),
        "kind": enumeration(
            "What moved the points; for a credit where they come from",
            [*CREDIT_KINDS, "redemption", "cancellation", "refund", "extension", "expiry"],
        ),
        "occurred_at": column(TIMESTAMP, "When; credits at 00:00 of their day (P2)"),
        "points": column(
            INT64,
            "Points: above 0 into the lot, below 0 out of it, 0 for an extension",
            unit=_POINTS,
        ),
        "cause": enumeration(
            "Why the points expired; expiries only (P9)", EXPIRY_CAUSES, nullable=True
        ),
        "lot_kind": enumeration("Where the lot comes from", CREDIT_KINDS),
        **_LOT_TERMS,
        "shortened_from": _SHORTENED_FROM,
    },
    partition="period",
    key=["customer_id", "lot_id", "source_id", "kind"],
)

_POINT_LOTS = Table(
    "point_lots",
    "Lots with points left; a lot past expires_on stays until a sweep takes it",
    grain="one row per lot with points left at the end of the period (P3, P9)",
    columns={
        "period": _PERIOD,
        "lot_id": column(
            TEXT,
            "The lot: kind, month, year or delivered id, and customer (P1, G2); of a lot of an "
            "older system its id there",
        ),
        "customer_id": _CUSTOMER_ID,
        "kind": _CREDIT_KIND,
        **_LOT_TERMS,
        "remaining": integer("Points left", 1, unit=_POINTS),
        "shortened_from": _SHORTENED_FROM,
    },
    partition="period",
    key=["lot_id"],
    checks=[
        consistent(
            "remaining", lambda f: f["remaining"] <= f["credited"], "no more than was credited"
        )
    ],
)

_POINT_BALANCES = Table(
    "point_balances",
    "What each customer's points came to, and how (P11)",
    grain="one row per customer with a lot or an entry in the period (P11)",
    columns={
        "period": _PERIOD,
        "customer_id": _CUSTOMER_ID,
        "opening": integer("Points left in the lots at the end of the period before", unit=_POINTS),
        "credited": integer("Points credited (P1, G2)", unit=_POINTS),
        "spent": integer("Points that redemptions and refunds took (P3, P6)", unit=_POINTS),
        "restored": integer("Points that cancellations gave back (P5)", unit=_POINTS),
        "expired": integer("Points that expired (P9)", unit=_POINTS),
        "closing": integer("Points left in the lots at the end of the period", unit=_POINTS),
        "usable": integer("Of closing, what can still be used after the period", unit=_POINTS),
    },
    partition="period",
    key=["customer_id"],
    headline="closing",
    checks=[
        consistent(
            "closing",
            lambda f: (
                f["closing"]
                == f["opening"] + f["credited"] - f["spent"] + f["restored"] - f["expired"]
            ),
            "opening + credited - spent + restored - expired",
        )
    ],
)

_POINT_LIABILITY = Table(
    "point_liability",
    "Points outstanding, by when they lapse and where they come from",
    grain="one row per expiry date and kind of the lots left at the end of the period (P11)",
    columns={
        "period": _PERIOD,
        "expires_on": column(DATE, "Last day that the points can be used"),
        "kind": _CREDIT_KIND,
        "usable": column(BOOL, "Whether they can still be used after the period"),
        "customers": integer("Customers", 1, unit="customers"),
        "lots": integer("Lots", 1, unit="lots"),
        "points": integer("Points left", 1, unit=_POINTS),
    },
    partition="period",
    key=["expires_on", "kind"],
)

_CREDITED_MONTH: Final = column(
    TEXT,
    "Month in which the lots were credited, YYYY-MM",
    checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
)

_POINT_MOVEMENTS = Table(
    "point_movements",
    "What moved points in a period, added up: what was open by month of expiry, and these, lead to "
    "what is open",
    grain="one row per kind of lot, month of credit and of expiry, movement, cause, and whether "
    "the owner had left by the period's end (P11)",
    columns={
        "period": _PERIOD,
        "lot_kind": _CREDIT_KIND,
        "credited_month": _CREDITED_MONTH,
        "expires_month": column(
            TEXT,
            "Month of the last day that the points can be used, as it was when they moved, YYYY-MM",
            checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
        ),
        "movement": enumeration(
            "What moved them, as in point_entries; change: what a change of policy (P7) or an "
            "extension (P8) took out of one month of expiry, below 0, and brought to another, "
            "above 0",
            ["credit", "redemption", "cancellation", "refund", "extension", "expiry", "change"],
        ),
        "cause": enumeration(
            "Why the points expired; expiries only (P9)", EXPIRY_CAUSES, nullable=True
        ),
        "left": column(BOOL, "Whether the owner had left by the end of the period (R1)"),
        "lots": integer("Lots that were moved", 1, unit="lots"),
        "customers": integer("Their owners", 1, unit="customers"),
        "points": column(INT64, "Points: above 0 into the lots, below 0 out of them", unit=_POINTS),
    },
    partition="period",
    key=["lot_kind", "credited_month", "expires_month", "movement", "cause", "left"],
)

_POINT_EXCEPTIONS = Table(
    "point_exceptions",
    "Credits of nobody that is known: no lot is made (P1)",
    grain="one row per credit without a known customer (P1)",
    columns={
        "month": _MONTH,
        "source_id": column(TEXT, "The lot_id that it would have had"),
        "customer_id": column(TEXT, "Customer as delivered"),
        "kind": _CREDIT_KIND,
        "points": integer("Points not credited", 1, unit=_POINTS),
        "reason": enumeration("Why", ["unknown_customer"]),
    },
    partition="month",
    key=["source_id"],
)

_REDEMPTION_RESULTS = Table(
    "redemption_results",
    "The answer to every submitted redemption and cancellation",
    grain="one row per delivered redemption or cancellation of the month (P4, P5)",
    columns={
        "month": _MONTH,
        "redemption_id": column(TEXT, "The redemption, or the cancelling row"),
        "customer_id": _CUSTOMER_ID,
        "used_at": column(TIMESTAMP, "When the points were used"),
        "benefit": enumeration("Benefit", BENEFITS),
        "partner": column(TEXT, "Partner"),
        "points": integer(
            "Points asked for; of a cancellation those to come back, 0 for all that is left",
            unit=_POINTS,
        ),
        "cancels": column(
            TEXT, "The redemption that this row cancels, as far as its points say", nullable=True
        ),
        "status": _STATUS,
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
                "above_redeemed",
            ],
        ),
    },
    partition="month",
    key=["redemption_id"],
    checks=[_REASON_WHERE_REJECTED],
)

_REFUND_RESULTS = Table(
    "refund_results",
    "The answer to every refund application",
    grain="one row per delivered refund application of the month (P6)",
    columns={
        "month": _MONTH,
        "application_id": column(TEXT, "The application"),
        "customer_id": _CUSTOMER_ID,
        "applied_at": column(TIMESTAMP, "When it was applied for"),
        "points": integer("Points asked for", unit=_POINTS),
        "method": enumeration("How it is paid out", REFUND_METHODS),
        "fee": integer("Fee of the method; missing where rejected (P6)", nullable=True, unit=_KRW),
        "amount_krw": column(
            INT64,
            "Amount paid, points less fee; missing where rejected (P6)",
            nullable=True,
            unit=_KRW,
        ),
        "pay_on": column(DATE, "Day of payment; missing where rejected (P6)", nullable=True),
        "status": _STATUS,
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
    checks=[_REASON_WHERE_REJECTED],
)

_EXPIRY_NOTICES = Table(
    "expiry_notices",
    "Who is told on the first day of a month which points lapse when, and why (P10)",
    grain="one row per customer, expiry date and cause (P10)",
    columns={
        "month": _MONTH,
        "customer_id": _CUSTOMER_ID,
        "expires_on": column(DATE, "Last day that the points can be used"),
        "cause": enumeration("Why they will lapse (P9)", EXPIRY_CAUSES),
        "lead_months": integer(
            "Months ahead; missing for inactivity and policy changes", nullable=True, unit="months"
        ),
        "points": integer("Points that will lapse", 1, unit=_POINTS),
        "reachable": column(BOOL, "Whether a contact is on record"),
    },
    partition="month",
    key=["customer_id", "expires_on", "cause"],
)

_EXPIRY_SWEEP = Table(
    "expiry_sweep",
    "What the year-end sweep took, why, and whether its owner was told (P9)",
    grain="one row per lot that the sweep took (P9)",
    columns={
        "year": column(INT64, "Year at whose end it was swept", unit="year"),
        "lot_id": column(TEXT, "The lot"),
        "customer_id": _CUSTOMER_ID,
        "kind": _CREDIT_KIND,
        "points": integer("Points that expired", 1, unit=_POINTS),
        "expires_on": column(DATE, "Last day that the points could be used"),
        "cause": enumeration("Why they expired (P9)", EXPIRY_CAUSES),
        "noticed_month": column(
            TEXT, "Month of the latest notice of it; missing: never told (P10)", nullable=True
        ),
        "untold": enumeration(
            "Why its owner was never told; missing where told. left: had left by the last notice "
            "that could name it; credited_late: it came, or came back, after that; not_run: such "
            "notices were not told; ledger_start: they fell before the ledger's second month",
            ["left", "credited_late", "not_run", "ledger_start"],
            nullable=True,
        ),
    },
    partition="year",
    key=["lot_id"],
    checks=[
        consistent(
            "untold",
            lambda f: f["untold"].isna() == f["noticed_month"].notna(),
            "a reason exactly where there is no notice",
        )
    ],
)


# Micropayments

_SUBSCRIPTION_ID: Final = column(TEXT, "Subscription, as in the subscriptions export")


def _approval(refused: str) -> DeclaredColumn:
    return enumeration("Whether it is approved", ["approved", refused])


_REASON_UNLESS_APPROVED: Final = consistent(
    "reason",
    lambda f: f["reason"].isna() == (f["status"] == "approved"),
    "a reason exactly where not approved",
)


def _known_unless(name: str) -> DeclaredCheck:
    return consistent(
        name,
        lambda f: f[name].isna() == (f["reason"].fillna("") == "unknown_subscription"),
        "missing exactly where the subscription is unknown",
    )


_LIMIT_RESULTS = Table(
    "limit_results",
    "The answer to every request for another monthly limit",
    grain="one row per delivered limit request of the month (M2)",
    columns={
        "month": _MONTH,
        "request_id": column(TEXT, "The request"),
        "subscription_id": column(TEXT, "Subscription as delivered"),
        "requested_at": column(TIMESTAMP, "When it was made, and holds from where approved"),
        "requested_limit": integer("Limit asked for", unit=_KRW),
        "status": _approval("refused"),
        "reason": _reason(
            "The first reason that applies, where refused (M2)",
            ["unknown_subscription", "not_eligible", "arrears", "credit_grade", "above_maximum"],
        ),
        "limit_after": integer(
            "Limit in force after the request; missing for an unknown subscription",
            nullable=True,
            unit=_KRW,
        ),
    },
    partition="month",
    key=["request_id"],
    checks=[_REASON_UNLESS_APPROVED, _known_unless("limit_after")],
)

_MICROPAYMENT_RESULTS = Table(
    "micropayment_results",
    "The answer to every requested micropayment, with the limit and the month's total",
    grain="one row per delivered micropayment of the month (M3)",
    columns={
        "month": _MONTH,
        "payment_id": column(TEXT, "The payment"),
        "subscription_id": column(TEXT, "Subscription as delivered"),
        "customer_id": column(
            TEXT,
            "Customer who holds the subscription now; missing for an unknown subscription",
            nullable=True,
        ),
        "requested_at": column(TIMESTAMP, "When it was requested"),
        "merchant": column(TEXT, "Merchant"),
        "category": enumeration("What is bought", PAYMENT_CATEGORIES),
        "amount": integer("Price", 1, unit=_KRW),
        "platform_fee": integer("Platform fee on top; no part of the limit", unit=_KRW),
        "recurring": column(BOOL, "Whether it repeats by itself"),
        "status": _approval("declined"),
        "reason": _reason(
            "The first reason that applies, where declined (M3)",
            ["unknown_subscription", "not_in_service", "arrears", "over_limit"],
        ),
        "limit_in_force": integer(
            "Limit in force at that time; missing for an unknown subscription",
            nullable=True,
            unit=_KRW,
        ),
        "approved_total": integer(
            "Approved amounts of the month, this payment's included; missing for an unknown "
            "subscription",
            nullable=True,
            unit=_KRW,
        ),
    },
    partition="month",
    key=["payment_id"],
    checks=[
        _REASON_UNLESS_APPROVED,
        *(_known_unless(name) for name in ("customer_id", "limit_in_force", "approved_total")),
    ],
)

_MICROPAYMENT_USAGE = Table(
    "micropayment_usage",
    "What each subscription spent of its limit, and who is told of heavy use",
    grain="one row per mobile subscription with a payment delivered in the month (M5)",
    columns={
        "month": _MONTH,
        "subscription_id": _SUBSCRIPTION_ID,
        "customer_id": column(TEXT, "Customer who holds the subscription now"),
        "limit_in_force": integer("Limit in force at the month's end", unit=_KRW),
        "approved_total": integer("Approved amounts of the month", unit=_KRW),
        "payments": integer("Payments delivered, approved or not", 1, unit="payments"),
        "recurring_payments": integer("Those of them that repeat by themselves", unit="payments"),
        "usage_notice": column(BOOL, "Whether the customer is told of heavy use (M5)"),
    },
    partition="month",
    key=["subscription_id"],
    checks=[
        consistent(
            "recurring_payments",
            lambda f: f["recurring_payments"] <= f["payments"],
            "no more than payments",
        )
    ],
)

_MICROPAYMENT_BILL_LINES = Table(
    "micropayment_bill_lines",
    "The micropayment lines of the next month's bill",
    grain="one row per approved payment of the month (M5)",
    columns={
        "month": _MONTH,
        "payment_id": column(TEXT, "The payment"),
        "subscription_id": _SUBSCRIPTION_ID,
        "customer_id": column(TEXT, "Customer who is billed"),
        "billing_month": column(
            TEXT,
            "Month of the bill, the one after the payment's, YYYY-MM",
            checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
        ),
        "amount": integer("Price", 1, unit=_KRW),
        "platform_fee": integer("Platform fee, apart from the price", unit=_KRW),
    },
    partition="month",
    key=["payment_id"],
)

_MICROPAYMENT_LIMITS = Table(
    "micropayment_limits",
    "The limits that requests have set, as the next month opens with them",
    grain="one row per subscription with an approved request up to the end of the month (M2, P12)",
    columns={
        "month": _MONTH,
        "subscription_id": _SUBSCRIPTION_ID,
        "monthly_limit": integer("Limit of the latest approved request", unit=_KRW),
        "request_id": column(TEXT, "That request"),
        "requested_at": column(TIMESTAMP, "When it was made, and the limit began to hold"),
    },
    partition="month",
    key=["subscription_id"],
)


# The airline

_MEMBER_ID: Final = column(TEXT, "Member, as in the members export")


def _airport(description: str) -> DeclaredColumn:
    return column(TEXT, f"{description}, IATA code")


_MILEAGE_ACCRUALS = Table(
    "mileage_accruals",
    "What every flight earned, or why it earned nothing",
    grain="one row per current flight of the month (F1, F2, F3)",
    columns={
        "month": _MONTH,
        "activity_id": column(TEXT, "The flight segment"),
        "member_id": _MEMBER_ID,
        "flight_date": column(DATE, "Day of boarding"),
        "origin": _airport("Airport of departure"),
        "destination": _airport("Airport of arrival"),
        "booking_class": column(TEXT, "Booking class, one letter"),
        "distance": integer(
            "Distance that miles are earned for; missing where none can be had (F2)",
            1,
            nullable=True,
            unit=_MILES,
        ),
        "distance_source": enumeration(
            "Where the distance comes from (F2)",
            ["delivered", "published", "great_circle"],
            nullable=True,
        ),
        "distance_suspect": column(
            BOOL, "Whether the delivered distance is too far from the great circle (F2)"
        ),
        "rate": integer(
            "Share of the distance that the booking class earns; missing with a reason (F1)",
            nullable=True,
            unit="percent",
        ),
        "miles": integer("Miles earned; 0 with a reason (F1)", unit=_MILES),
        "half_flights": integer(
            "What it counts for the status: 2 international, 1 domestic, 0 not qualifying (E2)",
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
        consistent(
            "rate",
            lambda f: f["rate"].isna() == f["reason"].notna(),
            "missing exactly where there is a reason",
        )
    ],
)

_MILEAGE_ENTRIES = Table(
    "mileage_entries",
    "Every movement of miles, by the lot that it is of",
    grain="one row per lot and movement of the month (F4, W5, X2)",
    columns={
        "month": _MONTH,
        "member_id": _MEMBER_ID,
        "lot_id": column(TEXT, "The lot: flight:<activity_id> (F4)"),
        "source_id": column(
            TEXT,
            "What moved the miles: the request_id or payment_id; for flights and expiries the "
            "lot_id",
        ),
        "kind": enumeration("What moved the miles", ["flight", "award", "mixed_payment", "expiry"]),
        "occurred_at": column(
            TIMESTAMP, "When; flights at 00:00 of their day, expiries at the year's last second"
        ),
        "miles": column(INT64, "Miles: above 0 into the lot, below 0 out of it", unit=_MILES),
    },
    partition="month",
    key=["member_id", "lot_id", "source_id", "kind"],
)

_MILEAGE_LOTS = Table(
    "mileage_lots",
    "Lots with miles left",
    grain="one row per lot with miles left at the end of the month (F4, X2)",
    columns={
        "month": _MONTH,
        "lot_id": column(
            TEXT, "The lot: flight:<activity_id> (F4); of a lot of an older system its id there"
        ),
        "member_id": _MEMBER_ID,
        "credited_on": column(DATE, "Day of the flight, from which the miles can be used"),
        "expires_on": column(
            DATE, "Last day that the miles can be used; missing: they don't expire", nullable=True
        ),
        "credited": integer(
            "Miles credited; of a lot of an older system what was left of it when it was opened",
            1,
            unit=_MILES,
        ),
        "remaining": integer("Miles left", 1, unit=_MILES),
    },
    partition="month",
    key=["lot_id"],
    checks=[
        consistent(
            "remaining", lambda f: f["remaining"] <= f["credited"], "no more than was credited"
        )
    ],
)

_MILEAGE_BALANCES = Table(
    "mileage_balances",
    "What each member's miles came to, and how (P11)",
    grain="one row per member with a lot or an entry in the month (P11)",
    columns={
        "month": _MONTH,
        "member_id": _MEMBER_ID,
        "opening": integer("Miles left in the lots at the end of the month before", unit=_MILES),
        "credited": integer("Miles that flights earned (F4)", unit=_MILES),
        "spent": integer("Miles that awards and mixed payments took (X2)", unit=_MILES),
        "expired": integer("Miles that expired (F4)", unit=_MILES),
        "closing": integer("Miles left in the lots at the end of the month", unit=_MILES),
    },
    partition="month",
    key=["member_id"],
    headline="closing",
    checks=[
        consistent(
            "closing",
            lambda f: f["closing"] == f["opening"] + f["credited"] - f["spent"] - f["expired"],
            "opening + credited - spent - expired",
        )
    ],
)

_MILEAGE_MOVEMENTS = Table(
    "mileage_movements",
    "What moved miles in a month, added up: what was open by month of expiry, and these, lead to "
    "what is open",
    grain="one row per kind of lot, month of credit and of expiry, and movement (P11)",
    columns={
        "month": _MONTH,
        "lot_kind": enumeration("Where the lots come from (F4)", list(MILEAGE_LOT_KINDS)),
        "credited_month": _CREDITED_MONTH,
        "expires_month": column(
            TEXT,
            "Month of the last day that the miles can be used, YYYY-MM; missing: they don't expire "
            "(F4)",
            checks=[matches(r"\d{4}-(0[1-9]|1[0-2])", "YYYY-MM")],
            nullable=True,
        ),
        "movement": enumeration(
            "What moved them, as in mileage_entries", ["credit", "award", "mixed_payment", "expiry"]
        ),
        "lots": integer("Lots that were moved", 1, unit="lots"),
        "members": integer("Their owners", 1, unit="members"),
        "miles": column(INT64, "Miles: above 0 into the lots, below 0 out of them", unit=_MILES),
    },
    partition="month",
    key=["lot_kind", "credited_month", "expires_month", "movement"],
)

_AWARD_RESULTS = Table(
    "award_results",
    "The answer to every request for an award ticket or an upgrade",
    grain="one row per delivered award request of the month (W5)",
    columns={
        "month": _MONTH,
        "request_id": column(TEXT, "The request"),
        "member_id": _MEMBER_ID,
        "requested_at": column(TIMESTAMP, "When it was made"),
        "kind": enumeration("What is asked for", AWARD_KINDS),
        "origin": _airport("Airport of departure"),
        "destination": _airport("Airport of arrival"),
        "cabin": enumeration("Cabin; for an upgrade the cabin moved up to", CABINS),
        "season": enumeration("Season", SEASONS),
        "trip": enumeration("Trip", TRIPS),
        "chart": enumeration(
            "Chart in force on the day of the request; missing where no price was found (W1)",
            CHARTS,
            nullable=True,
        ),
        "band": column(
            TEXT,
            "Where the route stands in the chart: domestic, the region, or the least distance of "
            "the band in miles; missing where no price was found (W2, W3)",
            nullable=True,
        ),
        "miles": integer(
            "Price of the whole trip, also where the miles don't suffice; missing where no price "
            "was found (W2, W3, W4)",
            nullable=True,
            unit=_MILES,
        ),
        "status": _STATUS,
        "reason": _reason(
            "The first reason that applies, where rejected (W5)",
            ["unknown_member", "unknown_airport", "not_offered", "insufficient_miles"],
        ),
    },
    partition="month",
    key=["request_id"],
    checks=[_REASON_WHERE_REJECTED],
)

_MIXED_PAYMENT_RESULTS = Table(
    "mixed_payment_results",
    "The answer to every ticket payment in cash and miles",
    grain="one row per delivered mixed payment of the month (X1)",
    columns={
        "month": _MONTH,
        "payment_id": column(TEXT, "The payment"),
        "member_id": _MEMBER_ID,
        "paid_at": column(TIMESTAMP, "When it was paid"),
        "fare": integer("Fare without fuel surcharge and taxes", 1, unit="currency"),
        "miles": integer("Miles to deduct", 1, unit=_MILES),
        "krw_per_mile": column(
            DECIMAL_9_2, "Won that one mile is worth in this booking", unit="KRW per mile"
        ),
        "miles_value_krw": integer(
            "What the miles pay, rounded down; missing where rejected (X2)",
            nullable=True,
            unit=_KRW,
        ),
        "cash_due": integer(
            "Fare, fuel surcharge and taxes less miles_value_krw; missing where rejected (X2)",
            nullable=True,
            unit=_KRW,
        ),
        "status": _STATUS,
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
    checks=[_REASON_WHERE_REJECTED],
)

_ELITE_STATUS = Table(
    "elite_status",
    "Elite status of every member for a status year, and how it came about",
    grain="one row per member enrolled by the end of the flights' year (E4)",
    columns={
        "status_year": column(
            INT64, "Year in which the status begins; from the flights before it (E1)", unit="year"
        ),
        "member_id": _MEMBER_ID,
        "qualifying_miles": integer("Miles of the qualifying flights (E2)", unit=_MILES),
        "qualifying_half_flights": integer(
            "Qualifying flights: 2 each, 1 within the home country (E2)", unit="half flights"
        ),
        "status_by_miles": _elite("Status by qualifying_miles alone (E3)"),
        "status_by_flights": _elite("Status by qualifying_half_flights alone (E3)"),
        "status": _elite("The higher of both (E3)"),
        "valid_from": column(DATE, "First day of the status (E1)"),
        "valid_to": column(DATE, "Last day of the status (E1)"),
        "policy": column(TEXT, "The policies used, as name@valid_from, separated by blanks"),
        "missing_to_next": integer(
            "What qualifying_miles lack of the next status by miles; missing at the highest (E3)",
            1,
            nullable=True,
            unit=_MILES,
        ),
        "missing_half_flights_to_next": integer(
            "What qualifying_half_flights lack of the next status by flights; missing at the "
            "highest (E3)",
            1,
            nullable=True,
            unit="half flights",
        ),
    },
    partition="status_year",
    key=["member_id"],
    headline="status",
    checks=[consistent("valid_to", lambda f: f["valid_to"] > f["valid_from"], "after valid_from")],
)


# Corrections

_RESTATEMENTS = Table(
    "restatements",
    "What a command changed of what was published before it: the values that a rerun or a restored "
    "version replaced, as text. A row that came or went is told column by column, those of its key "
    "among them, with nothing before or nothing after",
    grain="one row per changed value of a table's row (Q4)",
    columns={
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
        consistent(
            "value_after",
            lambda f: f["value_before"] != f["value_after"],
            "another value than value_before",
        )
    ],
)

_BILLING_MONTH: Final = column(TEXT, "Month of the bill, YYYY-MM")
_PRODUCT: Final = enumeration("Product", PRODUCTS)
_CHARGE_ITEM: Final = enumeration("Charge item", CHARGE_ITEMS)
_COLLECTED_MONTH: Final = column(TEXT, "Month in which it was collected, YYYY-MM")
_BILLING_LINE_ID: Final = column(TEXT, "Line of the billing export, within its month")

_BILLING_TOTALS = Table(
    "billing_totals",
    "What the current billing lines of a month add up to; T7 and T8 read it",
    grain="one row per billing month, product and charge item",
    columns={
        "billing_month": _BILLING_MONTH,
        "product": _PRODUCT,
        "charge_item": _CHARGE_ITEM,
        "lines": integer("Current lines", 1, unit="lines"),
        "billed_amount": column(SUM, "Sum of the billed amounts", unit=_KRW),
        "collected_amount": column(SUM, "Sum of the collected amounts", unit=_KRW),
    },
    partition="billing_month",
    key=["product", "charge_item"],
    export="billing",
)

_BILLING_COLLECTIONS = Table(
    "billing_collections",
    "In which months the current billing lines of a month were collected; a close reads from it "
    "which billing months hold collections of its month (P1, P9)",
    grain="one row per billing month, month of collection, product and charge item",
    columns={
        "billing_month": _BILLING_MONTH,
        "collected_month": _COLLECTED_MONTH,
        "product": _PRODUCT,
        "charge_item": _CHARGE_ITEM,
        "lines": integer("Current lines with a collected amount other than 0", 1, unit="lines"),
        "collected_amount": column(SUM, "Sum of the collected amounts", unit=_KRW),
    },
    partition="billing_month",
    key=["collected_month", "product", "charge_item"],
    export="billing",
)

_BILLING_LATE_COLLECTIONS = Table(
    "billing_late_collections",
    "The current billing lines of a month that were collected in another month than most: its "
    "main month of collection is that with most lines, on a tie the earliest. A close reads the "
    "staged lines of the billing months whose main month is its own, and of the others these "
    "alone (P1, P9)",
    grain="one row per billing line collected outside the billing month's main month of collection",
    columns={
        "billing_month": _BILLING_MONTH,
        "customer_id": _CUSTOMER_ID,
        "billing_line_id": _BILLING_LINE_ID,
        "product": _PRODUCT,
        "charge_item": _CHARGE_ITEM,
        "collected_on": column(DATE, "Day the amount was collected"),
        "collected_month": _COLLECTED_MONTH,
        "collected_amount": column(INT64, "Collected amount, other than 0", unit=_KRW),
    },
    partition="billing_month",
    key=["collected_month", "customer_id", "billing_line_id"],
    export="billing",
)

_BILLING_ARREARS = Table(
    "billing_arrears",
    "When each current billing line of a month was in arrears (M4)",
    grain="one row per billing line that was in arrears on some day",
    columns={
        "billing_month": _BILLING_MONTH,
        "customer_id": _CUSTOMER_ID,
        "billing_line_id": _BILLING_LINE_ID,
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
        consistent(
            "in_arrears_until",
            lambda f: f["in_arrears_until"] > f["in_arrears_from"],
            "after in_arrears_from",
        )
    ],
)

WHOLE: Final = ""
"""The partition of a staged relation that is kept whole, as its export is."""

_CUSTOMERS_SPANS = Table(
    "customers_spans",
    "When each customer was a member: who comes back under the same id begins another span. On a "
    "day counts the span whose days it lies in, counts_from to before counts_until (R1)",
    grain="one row per customer and span of membership",
    columns={
        "customer_id": _CUSTOMER_ID,
        "joined_on": column(DATE, "First day of the span"),
        "terminated_on": column(
            DATE, "Day from which the span is over; missing while it goes on", nullable=True
        ),
        "counts_from": column(
            DATE, "First day on which it counts: joined_on; missing for the first", nullable=True
        ),
        "counts_until": column(
            DATE,
            "Day from which the next span counts; missing for the last",
            nullable=True,
        ),
    },
    partition=WHOLE,
    key=["customer_id", "joined_on"],
    export="customers",
)

SPAN: Final = "span"
"""What a row's own dates tell (R1)."""
RECORD: Final = "record"
"""What holds from a row's updated_at on (R2)."""


def _since(export: str, what: str) -> Table:
    """The relation by which a period knows whether a row that could matter to it is another."""
    return Table(
        f"{export}_since",
        f"What the rows of {export} tell, added up by the moment from which it could matter: a "
        "period is stale where what could matter up to its end has changed",
        grain="one row per kind and moment",
        columns={
            "kind": enumeration(f"{SPAN}: {what} (R1); {RECORD}: the row (R2)", [SPAN, RECORD]),
            "since": column(
                TIMESTAMP, "From when on; within a day 00:00:01, for any time of it after midnight"
            ),
            "facts": integer("How many", 1),
            "digest": column(SUM, "The sum of their digests, 64 bits each"),
        },
        partition=WHOLE,
        key=["kind", "since"],
        export=export,
        internal=True,
    )


_CUSTOMERS_SINCE = _since("customers", "a span's first day, and the day from which it is over")
_SUBSCRIPTIONS_SINCE = _since("subscriptions", "opened_on, closed_on")
_MEMBERS_SINCE = _since("members", "enrolled_on")

_DECLARED: Final = by_name(globals(), Table)
PUBLISHED: Final = {name: table for name, table in _DECLARED.items() if not table.export}
"""The tables of the warehouse, as declared above, by name."""
RESTATEMENTS: Final = "restatements"
"""The table of what changed in all others."""

STAGED_RELATIONS: Final = {name: table for name, table in _DECLARED.items() if table.export}
"""The small relations that ingest keeps beside the staged exports, by name.

One may read those before it, of the same partition.
"""


def relations_of(export: Export) -> list[Table]:
    """The staged relations that are kept of an export, a partition for each of its own."""
    return [table for table in STAGED_RELATIONS.values() if table.export == export.name]
