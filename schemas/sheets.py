"""The sheets that finance is given: columns, grain and key of each, declared once.

A sheet is one query, `transforms/answers/<name>.sql`, over published tables. CSV, Parquet and JSON
hold the same rows; none holds an id of a customer, a lot or a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

import pyarrow as pa

from schemas.columns import (
    BOOL,
    DATE,
    INT64,
    TEXT,
    Declared,
    DeclaredColumn,
    by_name,
    column,
    enumeration,
)
from schemas.exports import REFUND_METHODS
from schemas.tables import CREDIT_KINDS

_POINTS: Final = "points"
_KRW: Final = "KRW"
_MONTH_FORM: Final = "YYYY-MM"


@dataclass(frozen=True)
class Sheet(Declared):
    """A sheet: what a row is, and the columns that tell one from another."""

    _: KW_ONLY
    grain: str
    key: list[str]

    @property
    def arrow_schema(self) -> pa.Schema:
        """Its columns, each with what it means."""
        return pa.schema(
            [
                pa.field(name, each.dtype, each.nullable, {"description": each.description})
                for name, each in self.columns.items()
            ]
        )

    @property
    def people(self) -> list[str]:
        """The columns that count people: null where they are too few to be told."""
        return [name for name, each in self.columns.items() if each.metadata.get("people")]


def _points(description: str) -> DeclaredColumn:
    return column(INT64, description, unit=_POINTS)


def _won(description: str) -> DeclaredColumn:
    return column(
        INT64, f"{description}; null where point_value says none", nullable=True, unit=_KRW
    )


def _people(description: str) -> DeclaredColumn:
    return column(
        INT64, f"{description}; null: fewer than --least", nullable=True, unit="people", people=True
    )


_KIND: Final = enumeration("Kind of the lots (P1, G2)", CREDIT_KINDS)
_NO_WON: Final = column(
    TEXT, "Uses for which point_value says no won: their columns are null", nullable=True
)

_LIABILITY = Sheet(
    "liability",
    "Points outstanding at a moment, by when they lapse",
    grain="one row per month of expiry and kind of lots with points left",
    columns={
        "expires_month": column(TEXT, f"Month of the last day, {_MONTH_FORM}"),
        "kind": _KIND,
        "customers": _people("Owners"),
        "lots": column(
            INT64,
            "Lots; null where their owners are too few to be told",
            nullable=True,
            unit="lots",
        ),
        "points": _points("Points left: usable + past + left_refundable + left_not_refundable"),
        "usable": _points("Points that their owners can still use"),
        "past": _points("Points past their last day, which the next sweep takes (P9)"),
        "left_refundable": _points(
            "Points of owners who left, who can't use them (P4) but have them refunded (P6)"
        ),
        "left_not_refundable": _points(
            "Other points of owners who left, which the next sweep takes once they are past"
        ),
        "usable_krw": _won("usable at the value of a redemption (B3)"),
        "left_refundable_krw": _won("left_refundable at the value of a refund (B3)"),
        "no_won_for": _NO_WON,
    },
    key=["expires_month", "kind"],
)

_LEDGER: Final = enumeration("What is counted: points or miles", ["points", "miles"])
_PERIOD: Final = column(TEXT, f"{_MONTH_FORM}, or YYYY-YE for the sweep at a year's end (P12)")
_ANY_KIND: Final = column(TEXT, "Kind of the lots; flight for miles (P1, G2, F4)")


def _count(description: str) -> DeclaredColumn:
    return column(INT64, description, unit="points or miles")


def _krw(description: str) -> DeclaredColumn:
    return column(INT64, description, unit=_KRW)


def _rate(description: str) -> DeclaredColumn:
    return column(INT64, description, nullable=True, unit="basis points")


_ROLL_FORWARD = Sheet(
    "roll_forward",
    "Points and miles from opening to closing",
    grain="one row per ledger, period and kind of lots that had any",
    columns={
        "ledger": _LEDGER,
        "period": _PERIOD,
        "kind": _ANY_KIND,
        "opening": _count("What the lots held at the end of the period before"),
        "credited": _count("Credited (P1, G2, F4)"),
        "redeemed": _count("Taken by redemptions (P3); miles by awards and mixed payments (X2)"),
        "given_back": _count("Given back by cancellations (P5)"),
        "refunded": _count("Paid out by refunds (P6)"),
        "expired_validity": _count("Expired at the end of their validity (P9, F4)"),
        "expired_inactivity": _count("Expired for inactivity (P9)"),
        "expired_policy_change": _count("Expired by a change of policy (P7, P9)"),
        "closing": _count("What the lots held at the end of the period"),
        "difference": _count("opening and what moved, less closing: 0"),
        "extended": _count("Of closing, what the sweep gave a later last day (P8)"),
        "shortened": _count("Of closing, what a change of policy gave an earlier last day (P7)"),
        "restated": _count("What corrections added to closing since it was first published (Q4)"),
        "redeemed_krw": _won("redeemed at the value of a redemption (B3)"),
        "refunded_krw": _won("refunded at the value of a refund, before fees (B3)"),
        "no_won_for": _NO_WON,
    },
    key=["ledger", "period", "kind"],
)

_COHORTS = Sheet(
    "cohorts",
    "What became of what was credited in a month, by age",
    grain="one row per ledger, month of credit, kind of lots and period in which any of them moved",
    columns={
        "ledger": _LEDGER,
        "credited_month": column(TEXT, f"Month of the credit, {_MONTH_FORM}"),
        "kind": _ANY_KIND,
        "period": _PERIOD,
        "age_months": column(INT64, "Months from the credit to the period", unit="months"),
        "expires_month": column(
            TEXT,
            f"Latest month of expiry of what moved, {_MONTH_FORM}; null: none (F4)",
            nullable=True,
        ),
        "taken_over": _count("Taken over from an older system (P12)"),
        "credited": _count("Credited"),
        "used": _count("Redeemed, less what was given back"),
        "refunded": _count("Refunded"),
        "expired": _count("Expired"),
        "open": _count("Left at the end of the period"),
    },
    key=["ledger", "credited_month", "kind", "period"],
)

_BREAKAGE = Sheet(
    "breakage",
    "What lapsed of what was credited in a year, and what is expected to (B4)",
    grain="one row per kind of lots and calendar year of credit",
    columns={
        "kind": _KIND,
        "credited_year": column(INT64, "Year of the credit", unit="year"),
        "credited": _points("Credited, or taken over from an older system"),
        "used": _points("Redeemed, less what was given back"),
        "refunded": _points("Refunded"),
        "expired": _points("Expired"),
        "open": _points("Left"),
        "closed": column(BOOL, "Whether the last of it has lapsed or been used"),
        "observed_bp": _rate("expired / credited of a closed cohort"),
        "cohorts": column(
            INT64,
            "Closed cohorts that the kind's rate is of; null: fewer than least_cohorts",
            nullable=True,
            unit="cohorts",
        ),
        "rate_bp": _rate("The kind's rate: that of these cohorts together"),
        "lowest_bp": _rate("The lowest of their rates"),
        "highest_bp": _rate("The highest of their rates"),
        "method": column(
            TEXT, "Method of breakage_method; null: none given, nothing estimated", nullable=True
        ),
        "estimate": column(
            INT64,
            "Of open, what is expected to lapse; null where closed or not estimated",
            nullable=True,
            unit=_POINTS,
        ),
        "earned": column(
            INT64,
            "Breakage earned so far by the method; null where closed or not estimated",
            nullable=True,
            unit=_POINTS,
        ),
        "estimate_krw": _won("estimate at the value of a redemption (B3)"),
        "year_ago_estimate": column(
            INT64,
            "Of what was open a year ago, what was expected to lapse; where it is closed by now",
            nullable=True,
            unit=_POINTS,
        ),
        "year_ago_came": column(
            INT64, "What lapsed of it since; where it is closed by now", nullable=True, unit=_POINTS
        ),
        "year_ago_difference": column(
            INT64, "year_ago_estimate less year_ago_came", nullable=True, unit=_POINTS
        ),
        "no_won_for": _NO_WON,
    },
    key=["kind", "credited_year"],
)

_SETTLEMENT = Sheet(
    "settlement",
    "What accepted refunds pay out, by day of payment",
    grain="one row per day of payment and method",
    columns={
        "pay_on": column(DATE, "Day of payment (P6)"),
        "method": enumeration("How it is paid out", REFUND_METHODS),
        "customers": _people("Customers who are paid"),
        "points": _points("Points refunded: fee_krw + amount_krw"),
        "fee_krw": _krw("Fees kept"),
        "amount_krw": _krw("Paid out"),
    },
    key=["pay_on", "method"],
)

_MICROPAYMENT_BILLS = Sheet(
    "micropayment_bills",
    "The micropayments on each month's bill",
    grain="one row per month of the bill",
    columns={
        "billing_month": column(TEXT, f"Month of the bill, {_MONTH_FORM}"),
        "lines": column(INT64, "Lines: the approved payments of the month before", unit="lines"),
        "amount_krw": _krw("Their prices"),
        "platform_fee_krw": _krw("Their platform fees"),
    },
    key=["billing_month"],
)

_COLLECTED = Sheet(
    "collected",
    "What was collected on the counting lines of a membership year (T7)",
    grain="one row per membership year that is published",
    columns={
        "membership_year": column(INT64, "Membership year", unit="year"),
        "counting_krw": _krw("Collected on counting lines of the window (T1, T2)"),
        "assessed_krw": _krw("Annual fees of who is assessed (T3)"),
        "excepted_krw": _krw("Of who is not (T7)"),
        "difference": _krw("counting_krw less the two: 0"),
    },
    key=["membership_year"],
)

_PROOF = Sheet(
    "proof",
    "Every tie of the sheets with the published tables and with each other (B2)",
    grain="one row per tie, table, period, kind of lots and amount",
    columns={
        "tie": column(TEXT, "What is compared"),
        "table_name": column(TEXT, "The published table that it is compared with"),
        "period": column(TEXT, "Its period"),
        "kind": column(TEXT, "Kind of the lots; null: all together", nullable=True),
        "amount": column(TEXT, "The amount"),
        "ours": column(INT64, "What the sheet says"),
        "published": column(INT64, "What the table says"),
        "difference": column(INT64, "ours less published: 0"),
        "run_id": column(TEXT, "Run that published the table's period", nullable=True),
        "sha256": column(TEXT, "Hash of its file", nullable=True),
        "stale": column(TEXT, "Why the period is stale; null: it is current", nullable=True),
    },
    key=["tie", "table_name", "period", "kind", "amount"],
)

SHEETS: Final[Mapping[str, Sheet]] = by_name(globals(), Sheet)
"""Every sheet declared above, by name."""
