"""Months of which nothing was delivered: most likely they are still to come (T8, P12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from flows.publishing.run import Context
from schemas.periods import Period

NOT_DELIVERED: Final = "{month}: closed although nothing was delivered of {gaps}"
"""What is told of a month that was closed without."""
_POLICY: Final = "delivery_gaps"


def months_delivered(context: Context, export: str) -> set[str]:
    """The months of which an export has rows."""
    files = context.files(export)
    return {month for month, path in files.items() if context.state.entry(path).rows}


def not_delivered(
    context: Context, month: Period, exports: Iterable[str], **others: set[str]
) -> dict[str, list[str]]:
    """Those of the exports that have no row of the month, and had some in each of those before.

    How many months before is policy. `others`: further months that rows of an export are of. By
    export with the month, as `Command.missing` has them.
    """
    (row,) = context.policies.in_force(_POLICY, month.last_day)
    before, earlier = set[str](), month
    for _ in range(cast("int", row["months_before"])):
        earlier = earlier.before
        before.add(str(earlier))
    found = {
        export: months_delivered(context, export) | others.get(export, set()) for export in exports
    }
    return {
        export: [str(month)]
        for export, months in found.items()
        if before <= months and str(month) not in months
    }
