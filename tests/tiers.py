"""Tiers to assess: customers and a window of bills as delivered, with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.membership import land, months

Row = dict[str, Any]

WINDOW: Final = ("2015-11", "2016-10")
BYSTANDER: Final = "bystander"
"""Is billed in every month that counts as delivered, for nothing that counts."""


def land_tiers(workspace: Path, case: Mapping[str, Any]) -> None:
    """Drops the `customers` and `billing` of a case as CSV files.

    All months from the first to the last of `delivered` (the window of 2017 unless told) have
    bills, but for those that are `missing`.
    """
    customers = [_customer(row) for row in case.get("customers", [])]
    for export, rows in (("customers", customers), ("billing", _billing(case))):
        if rows:
            land(workspace, export, rows)


def _customer(row: Row) -> Row:
    gone = row.get("terminated_on")
    return {
        "joined_on": "2015-01-01",
        "status": "terminated" if gone else "active",
        "updated_at": "2020-01-01 00:00:00",
    } | row


def _billing(case: Mapping[str, Any]) -> list[Row]:
    first, last = case.get("delivered", WINDOW)
    delivered = [month for month in months(first, last) if month not in case.get("missing", [])]
    bystander = {"customer_id": BYSTANDER, "charge_item": "other", "collected_amount": 0}
    rows = [bystander | {"billing_month": month} for month in delivered] + case.get("billing", [])
    return [_billing_line(number, row) for number, row in enumerate(rows)]


def _billing_line(number: int, row: Row) -> Row:
    month, collected = row.get("billing_month", WINDOW[1]), row["collected_amount"]
    due_on = row.get("due_on", f"{month}-25")
    return {
        "billing_line_id": f"L{number}",
        "subscription_id": f"S-{row['customer_id']}"[:40],
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": month,
        "billed_amount": collected,
        "due_on": due_on,
        "collected_on": due_on if collected else "",
    } | row
