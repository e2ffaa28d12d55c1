"""Tiers to assess: customers and a window of bills as delivered, with defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.membership import land, months, stage

Row = dict[str, Any]

WINDOW: Final = ("2015-11", "2016-10")
_BYSTANDER_BILL: Final[Row] = {
    "customer_id": "bystander",
    "charge_item": "other",
    "collected_amount": 0,
}
"""Someone is billed in every month that counts as delivered, for nothing that counts."""


def delivered_months(case: Mapping[str, Any]) -> tuple[str, ...]:
    """The months that have bills whatever the case: from the first to the last of `delivered` (the
    window of 2017 unless told), but for those that are `missing`.
    """
    first, last = case.get("delivered", WINDOW)
    return tuple(month for month in months(first, last) if month not in case.get("missing", []))


def stage_bystander(workspace: Path, delivered: Iterable[str]) -> Path:
    """Stages the bystander's bills of these months; returns the workspace."""
    bills = [
        _billing_line(f"B{number}", _BYSTANDER_BILL | {"billing_month": month})
        for number, month in enumerate(delivered)
    ]
    land(workspace, "billing", bills, "bystander.csv")
    stage(workspace)
    return workspace


def land_tiers(workspace: Path, case: Mapping[str, Any]) -> None:
    """Drops the `customers` and `billing` of a case as CSV files."""
    customers = [_customer(row) for row in case.get("customers", [])]
    billing = [_billing_line(f"L{n}", row) for n, row in enumerate(case.get("billing", []))]
    for export, rows in (("customers", customers), ("billing", billing)):
        if rows:
            land(workspace, export, rows)


def _customer(row: Row) -> Row:
    gone = row.get("terminated_on")
    return {
        "joined_on": "2015-01-01",
        "status": "terminated" if gone else "active",
        "updated_at": "2020-01-01 00:00:00",
    } | row


def _billing_line(line_id: str, row: Row) -> Row:
    month, collected = row.get("billing_month", WINDOW[1]), row["collected_amount"]
    due_on = row.get("due_on", f"{month}-25")
    return {
        "billing_line_id": line_id,
        "subscription_id": f"S-{row['customer_id']}"[:40],
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": month,
        "billed_amount": collected,
        "due_on": due_on,
        "collected_on": due_on if collected else "",
    } | row
