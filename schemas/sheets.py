"""The sheets that finance is given: columns, grain and key of each, declared once.

A sheet is one query, `transforms/answers/<name>.sql`, over published tables. CSV, Parquet and JSON
hold the same rows; none holds an id of a customer, a lot or a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Final

import pyarrow as pa

from schemas.columns import INT64, TEXT, Declared, DeclaredColumn, by_name, column, enumeration
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
        "lots": column(INT64, "Lots", unit="lots"),
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

SHEETS: Final[Mapping[str, Sheet]] = by_name(globals(), Sheet)
"""Every sheet declared above, by name."""
