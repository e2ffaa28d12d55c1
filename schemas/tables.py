"""The published tables and the staged relations: grain, columns, keys and checks.

A published table is a folder of Hive partitions; its partition column is declared here with the
others but lives in the path alone. `key` columns are unique together with the partition.
Rows are sorted by the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from schemas.columns import BOOL, DATE, INT64, TEXT, across, at_least, column, one_of
from schemas.exports import CHARGE_ITEMS, PRODUCTS, Export

TIERS: Final = ["general", "white", "silver", "gold", "vip"]
_KRW = "KRW"


def _table(
    name: str,
    description: str,
    grain: str,
    columns: Mapping[str, Column],
    *,
    partition: str,
    key: list[str],
    checks: list[Check] | None = None,
    export: str | None = None,
) -> DataFrameSchema:
    """`export` is the one that a staged relation is kept of; none for a published table."""
    return DataFrameSchema(
        dict(columns),
        name=name,
        description=description,
        checks=checks or [],
        metadata={"grain": grain, "partition": partition, "key": key, "export": export},
    )


def _membership_year() -> Column:
    return column(
        INT64,
        "Membership year that the tier is for; assessed on 1 November of the year before (T1)",
        unit="year",
    )


def _customer_id() -> Column:
    return column(TEXT, "Customer, as in the customers export")


def _fee(product: str) -> Column:
    return column(
        INT64, f"Collected amount of the counting {product} lines of the window (T2, T3)", unit=_KRW
    )


def _tier(description: str) -> Column:
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
)


def _billing_month() -> Column:
    return column(TEXT, "Month of the bill, YYYY-MM")


def _product() -> Column:
    return column(TEXT, "Product", checks=[one_of(list(PRODUCTS))])


def _charge_item() -> Column:
    return column(TEXT, "Charge item", checks=[one_of(list(CHARGE_ITEMS))])


def _collected_month() -> Column:
    return column(TEXT, "Month in which it was collected, YYYY-MM")


def _billing_line_id() -> Column:
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
        "billed_amount": column(INT64, "Sum of the billed amounts", unit=_KRW),
        "collected_amount": column(INT64, "Sum of the collected amounts", unit=_KRW),
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
        "collected_amount": column(INT64, "Sum of the collected amounts", unit=_KRW),
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
class Table:
    """A published or staged table as the rest of Pointbook reads it, over its pandera model."""

    model: DataFrameSchema

    @property
    def name(self) -> str:
        return str(self.model.name)

    @property
    def description(self) -> str:
        return str(self.model.description)

    @property
    def grain(self) -> str:
        return str(self._metadata["grain"])

    @property
    def export(self) -> str | None:
        """The export that a staged relation is kept of; none for a published table."""
        return cast("str | None", self._metadata["export"])

    @property
    def partition(self) -> str:
        return str(self._metadata["partition"])

    @property
    def key(self) -> list[str]:
        """The columns that are unique within a partition; rows are sorted by them."""
        return cast("list[str]", self._metadata["key"])

    @property
    def columns(self) -> dict[str, Column]:
        """The columns in the published order, the partition column among them."""
        return cast("dict[str, Column]", self.model.columns)

    @property
    def stored_columns(self) -> dict[str, Column]:
        """The columns that the files hold: all but the partition column."""
        return {n: c for n, c in self.columns.items() if n != self.partition}

    def dtype(self, name: str) -> pd.ArrowDtype:
        return cast("pd.ArrowDtype", self.columns[name].dtype.type)

    @property
    def _metadata(self) -> dict[str, object]:
        return cast("dict[str, object]", self.model.metadata)


def _by_name(*models: DataFrameSchema) -> dict[str, Table]:
    return {str(model.name): Table(model) for model in models}


PUBLISHED: Final = _by_name(_TIER_SNAPSHOT, _TIER_EXCEPTIONS, _POINT_GRANTS)
"""The tables of the warehouse by name."""

STAGED_RELATIONS: Final = _by_name(
    _BILLING_TOTALS, _BILLING_COLLECTIONS, _BILLING_LATE_COLLECTIONS, _BILLING_ARREARS
)
"""The small relations that ingest keeps beside the staged exports, by name.

One may read those before it, of the same partition.
"""


def relations_of(export: Export) -> list[Table]:
    """The staged relations that are kept of an export, a partition for each of its own."""
    return [table for table in STAGED_RELATIONS.values() if table.export == export.name]
