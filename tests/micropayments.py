"""Micropayments to answer: what lands, with defaults, and what was published of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.commands_in_tests import run_command
from tests.membership import land, options

Row = dict[str, Any]

MONTH: Final = "2016-11"
SUBSCRIPTION: Final[Row] = {
    "subscription_id": "S",
    "customer_id": "C",
    "product": "mobile",
    "plan_class": "standard",
    "credit_grade": 1,
    "opened_on": "2015-01-01",
    "closed_on": "",
    "updated_at": "2015-01-01 00:00:00",
}
PAYMENT: Final[Row] = {
    "subscription_id": "S",
    "requested_at": "2016-11-10 12:00:00",
    "merchant": "shop",
    "category": "shopping",
    "amount": 1_000,
    "platform_fee": 0,
    "recurring": "false",
}
REQUEST: Final[Row] = {"subscription_id": "S", "requested_at": "2016-11-10 12:00:00"}
BILL: Final[Row] = {
    "customer_id": "C",
    "subscription_id": "S",
    "product": "mobile",
    "charge_item": "base_fee",
    "billing_month": "2016-09",
    "billed_amount": 10_000,
    "collected_amount": 0,
    "due_on": "2016-10-25",
    "collected_on": "",
    "revision": 0,
}
_EXPORTS: Final = {
    "subscriptions": ("subscriptions", "subscription_id", "S", SUBSCRIPTION),
    "payments": ("micropayments", "payment_id", "P", PAYMENT),
    "requests": ("limit_requests", "request_id", "L", REQUEST),
    "billing": ("billing", "billing_line_id", "B", BILL),
}


def land_micropayments(
    workspace: Path, parts: Mapping[str, Iterable[Row]], file: str = "rows.csv"
) -> None:
    """Drops rows as CSV files, by `subscriptions`, `payments`, `requests` and `billing`.

    Ids are numbered where not given (P1, L1, B1); the subscription S of the customer C is there
    unless subscriptions are given.
    """
    for part, (export, key, letter, defaults) in _EXPORTS.items():
        given = parts.get(part, [{}] if part == "subscriptions" else [])
        rows = [
            {key: letter if part == "subscriptions" else f"{letter}{number}"} | defaults | row
            for number, row in enumerate(given, 1)
        ]
        if rows:
            land(workspace, export, rows, file)


def close(workspace: Path, *months: str, **more: Any) -> list[Row]:
    """Closes months in this order; returns the manifests."""
    return [run_command(options(workspace, **more), f"micropayments {month}") for month in months]
