"""A points ledger to test on: rows as delivered, with defaults, and the flows in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.membership import land, line, months

Row = dict[str, Any]

CONTACT: Final = "010-1234-5678"
ADDRESS: Final = "서울시 종로구 1"

CUSTOMER: Final[Row] = {
    "customer_id": "A",
    "joined_on": "2015-01-01",
    "status": "active",
    "terminated_on": "",
    "contact": CONTACT,
    "address": ADDRESS,
    "updated_at": "2020-01-01 00:00:00",
}
PROMOTION: Final[Row] = {
    "customer_id": "A",
    "credited_on": "2016-03-01",
    "promotion_code": "SPRING",
    "points": 1000,
    "refundable": "true",
    "expires_on": "",
}
PURCHASE: Final[Row] = {
    "customer_id": "A",
    "purchased_at": "2016-03-05 10:00:00",
    "channel": "official_shop",
    "amount": 100_000,
}
REDEMPTION: Final[Row] = {
    "customer_id": "A",
    "used_at": "2016-03-10 12:00:00",
    "benefit": "partner_discount",
    "partner": "cafe",
    "points": 100,
    "cancels": "",
}
REFUND: Final[Row] = {
    "customer_id": "A",
    "applied_at": "2016-03-10 12:00:00",
    "points": 100,
    "method": "cash",
    "channel": "online",
    "contact": CONTACT,
    "address": ADDRESS,
}
_EXPORTS: Final = {
    "promotions": ("promotions", "promotion_credit_id", "P", PROMOTION),
    "purchases": ("purchases", "purchase_id", "B", PURCHASE),
    "redemptions": ("redemptions", "redemption_id", "R", REDEMPTION),
    "refunds": ("refund_applications", "application_id", "F", REFUND),
}
_FEES: Final = {"vip": 1_000_000, "gold": 600_000, "silver": 400_000, "white": 200_000}


def customer(**given: object) -> Row:
    """A customer as delivered; `terminated_on` makes it terminated."""
    status = "terminated" if given.get("terminated_on") else "active"
    return CUSTOMER | {"status": status} | given


def bill(number: int, given: Mapping[str, Any]) -> Row:
    """A billing line as delivered, of customer A and March 2016 unless told."""
    row: Row = {"customer_id": "A", "billing_month": "2016-03", "collected_amount": 0} | dict(given)
    month, amount = row["billing_month"], row["collected_amount"]
    return line(f"L{number}", row["customer_id"], month, amount) | row


def bills_of_tiers(tiers: Mapping[str, str], year: int) -> list[Row]:
    """Bills of the whole window of a membership year that make the customers' tiers."""
    window = months(f"{year - 2}-11", f"{year - 1}-10")
    fees: list[Row] = [
        {"customer_id": name, "billing_month": window[-1], "collected_amount": _FEES[tier]}
        for name, tier in tiers.items()
    ]
    others: list[Row] = [{"customer_id": "bystander", "billing_month": month} for month in window]
    return [
        bill(number, row) | {"billing_line_id": f"T{number}"}
        for number, row in enumerate(fees + others)
    ]


def land_points(workspace: Path, rows: Mapping[str, Iterable[Mapping[str, object]]]) -> None:
    """Drops rows as CSV files. Ids are numbered where not given (P1, B1, R1, F1, L1 …)."""
    land(workspace, "customers", [customer(**row) for row in rows.get("customers", [{}])])
    bills = [bill(number, row) for number, row in enumerate(rows.get("billing", []), 1)]
    if bills:
        land(workspace, "billing", bills)
    for part, (export, key, letter, defaults) in _EXPORTS.items():
        delivered = [
            {key: f"{letter}{number}"} | defaults | dict(row)
            for number, row in enumerate(rows.get(part, []), 1)
        ]
        if delivered:
            land(workspace, export, delivered)
