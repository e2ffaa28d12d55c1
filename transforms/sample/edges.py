"""Hand-made customers and members who stand on the edges of the rules.

Their identifiers begin with C-EDGE- and M-EDGE-, and say which edge it is. Their rows stand in
`edge_rows/<export>.csv` in canonical form. Only the bills of the tiers' edges are many and alike:
`tables/edge_bills.csv` says what a customer's bills come to in each membership year.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.sample.columns import logical, logical_schema
from transforms.sample.draws import (
    first_day,
    month_text,
    written_down,
)

_FIRST_YEAR: Final = 2016
_LAST_MONTH: Final = 9
"""October, counted from 0: a membership year begins in November."""


def edge_rows(export: str, month: int) -> pa.Table:
    """The hand-made rows of an export in a month (0 where the export has no months)."""
    dated = EXPORTS[export].month_of
    rows: list[dict[str, object]] = [
        {name: logical(export, name, text) for name, text in row.items() if text is not None}
        for row in written_down(f"edge_rows/{export}.csv")
        if dated is None or str(row[dated]).startswith(month_text(month))
    ]
    if export == "billing":
        rows = [*_yearly_totals(month), *rows]
    return pa.Table.from_pylist(rows, logical_schema(export))


def _yearly_totals(month: int) -> Iterator[dict[str, object]]:
    """The month's line of every customer whose membership year comes to a total in won.

    Each month has a twelfth of it, October what is left over. Of several totals each membership
    year takes the next, from 2016 on and then again from the first.
    """
    year = (month + 2) // 12
    due = first_day(month + 1) + 24
    for bills in written_down("tables/edge_bills.csv"):
        totals = [int(total) for total in str(bills["yearly_totals"]).split()]
        total = totals[(year - _FIRST_YEAR) % len(totals)]
        part = total // 12
        billed = total - 11 * part if month % 12 == _LAST_MONTH else part
        yield {
            "billing_line_id": f"E-{bills['customer']}",
            "customer_id": f"C-EDGE-{bills['customer']}",
            "subscription_id": f"S-EDGE-{bills['customer']}",
            "product": logical("billing", "product", bills["product"]),
            "charge_item": logical("billing", "charge_item", bills["charge_item"]),
            "billing_month": month,
            "billed_amount": billed,
            "collected_amount": billed,
            "due_on": due,
            "collected_on": due if billed else None,
            "revision": 0,
        }
