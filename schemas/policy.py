"""The policy files: one subject each, with the keys and values of its rows.

This file is the only place that knows a policy. A further one is declared here and written as
`<name>.yaml` in every policy folder; the typed relation (`policy_<name>` in SQL), the JSON schema
that checks the file and the checks across its rows all follow from the declaration.

`key` columns say what a row is about, the other columns what holds for it from `valid_from` up to,
not including, `valid_to`. A column that is `nullable` may hold null as a value ("none set").
`unit` is what the values are given in; a file that says another one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import pandas as pd
import pyarrow as pa
from pandera.pandas import Column, DataFrameSchema

from schemas.columns import BOOL, INT64, TEXT, at_least, between, column, one_of
from schemas.exports import CHARGE_ITEMS, PRODUCTS
from schemas.tables import TIERS

DATED: Final[Mapping[str, pa.DataType]] = {
    "valid_from": pa.date32(),
    "valid_to": pa.date32(),
    "unit": pa.string(),
    "source": pa.string(),
}
"""The columns that every policy row has after its keys and values."""


def _policy(
    name: str,
    description: str,
    *,
    unit: str,
    keys: Mapping[str, Column] | None = None,
    values: Mapping[str, Column],
    scale: str | None = None,
    complete: bool = False,
) -> DataFrameSchema:
    """`scale`: the value that starts at 0 and rises in the order of the key's domain.

    `complete`: the key has a row for each value of its domain as long as it has any.
    """
    return DataFrameSchema(
        {**(keys or {}), **values},
        name=name,
        description=description,
        metadata={"key": list(keys or {}), "unit": unit, "scale": scale, "complete": complete},
    )


def _tier(description: str) -> Column:
    return column(TEXT, description, checks=[one_of(TIERS)])


def _month(description: str) -> Column:
    return column(INT64, description, checks=[between(1, 12)])


def _day(description: str) -> Column:
    return column(INT64, description, checks=[between(1, 31)])


_TIER_ASSESSMENT = _policy(
    "tier_assessment",
    "When a membership year is assessed, and over which months of bills (T1)",
    unit="calendar",
    values={
        "month": _month("Month of the assessment"),
        "day": _day("Day of the assessment"),
        "years_before": column(
            INT64, "Years from the assessment to the membership year", checks=[between(0, 10)]
        ),
        "window_months": column(
            INT64, "Months of bills that are added up", checks=[between(1, 120)]
        ),
        "last_month_before": column(
            INT64,
            "Months from the window's last month to the month of the assessment",
            checks=[between(0, 120)],
        ),
    },
)

_TIER_COMPLETENESS = _policy(
    "tier_completeness",
    "Below which share of the window's median a month of bills is reported as low (T8)",
    unit="percent",
    values={
        "low_month_share": column(
            INT64, "Share of the median, in percent", checks=[between(0, 100)]
        ),
    },
)

_TIER_LINES = _policy(
    "tier_lines",
    "The billing lines that count for the tier; a pair without a row does not (T2)",
    unit="flag",
    keys={
        "product": column(TEXT, "Product of the line", checks=[one_of(list(PRODUCTS))]),
        "charge_item": column(
            TEXT, "What the line charges for", checks=[one_of(list(CHARGE_ITEMS))]
        ),
    },
    values={"counts": column(BOOL, "Whether the line counts")},
)

_TIER_THRESHOLDS = _policy(
    "tier_thresholds",
    "The annual fee from which a tier is reached by fee alone (T4)",
    unit="KRW",
    keys={"tier": _tier("Tier")},
    values={"from_fee": column(INT64, "Least annual fee of the tier", checks=[at_least(0)])},
    scale="from_fee",
)

_TIER_UPGRADE = _policy(
    "tier_upgrade",
    "The tenure with which a customer moves up from a tier (T5)",
    unit="years",
    keys={"from_tier": _tier("Tier by fee")},
    values={
        "to_tier": _tier("Tier that tenure lifts it to"),
        "tenure_years": column(INT64, "Full years that it takes", checks=[between(0, 200)]),
    },
)

_POINT_GRANT_AMOUNTS = _policy(
    "point_grant_amounts",
    "Points granted yearly by tier; 0 grants none (G1)",
    unit="points",
    keys={"tier": _tier("Tier of the membership year")},
    values={"points": column(INT64, "Points of the year", checks=[at_least(0)])},
    complete=True,
)

_POINT_GRANT_TERMS = _policy(
    "point_grant_terms",
    "What a yearly grant is: its kind, its first and last day in the membership year (G1, G2)",
    unit="calendar",
    values={
        "kind": column(TEXT, "Kind of the lot, and the first part of its lot_id"),
        "credit_month": _month("Month of the first day"),
        "credit_day": _day("First day that the points can be used"),
        "expiry_month": _month("Month of the last day"),
        "expiry_day": _day("Last day that the points can be used"),
        "refundable": column(BOOL, "Whether the points can be refunded"),
    },
)


@dataclass(frozen=True)
class Policy:
    """A policy as the rest of Pointbook reads it, over its pandera model."""

    model: DataFrameSchema

    @property
    def name(self) -> str:
        """The file's stem; in SQL the relation is `policy_<name>`."""
        return str(self.model.name)

    @property
    def description(self) -> str:
        return str(self.model.description)

    @property
    def unit(self) -> str:
        """What the values are given in."""
        return str(self._metadata["unit"])

    @property
    def key(self) -> list[str]:
        """The columns that say what a row is about; none where the policy is one row a time."""
        return cast("list[str]", self._metadata["key"])

    @property
    def columns(self) -> dict[str, Column]:
        """The key columns, then the value columns."""
        return cast("dict[str, Column]", self.model.columns)

    @property
    def values(self) -> list[str]:
        return [name for name in self.columns if name not in self.key]

    @property
    def scale(self) -> str | None:
        """The value that starts at 0 and rises in the order of the key's domain."""
        return cast("str | None", self._metadata["scale"])

    @property
    def complete(self) -> bool:
        """Whether each value of the key's domain has a row as long as any has."""
        return bool(self._metadata["complete"])

    def dtype(self, name: str) -> pa.DataType:
        return cast("pd.ArrowDtype", self.columns[name].dtype.type).pyarrow_dtype

    def domain(self, name: str) -> list[str] | None:
        """The values that a column may hold, in their order; none if it is open."""
        for check in self.columns[name].checks:
            if check.name == "domain":
                return cast("list[str]", list(check.statistics["allowed_values"]))
        return None

    @property
    def arrow_schema(self) -> pa.Schema:
        """The relation: keys, values, valid_from, valid_to, unit, source."""
        fields = [pa.field(name, self.dtype(name)) for name in self.columns]
        return pa.schema(fields + [pa.field(name, dtype) for name, dtype in DATED.items()])

    @property
    def json_schema(self) -> dict[str, object]:
        """The JSON schema of the policy's file, dates as text, decimals as numbers.

        Values may be null: in all of them null ends the key, in some of them it takes a
        nullable column, which a JSON schema can't say readably.
        """
        row = {
            **{name: self._json_type(name) for name in self.columns},
            "valid_from": {"type": "string", "format": "date"},
            "valid_to": {"type": ["string", "null"], "format": "date"},
            "unit": {"const": self.unit},
            "source": {"type": "string", "pattern": r"\S"},
        }
        top = {
            "policy": {"const": self.name},
            "title": {"type": "string", "pattern": r"\S"},
            "rules": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": "^[A-Z][0-9]+$"},
            },
            "note": {"type": "string", "pattern": r"\S"},
            "values": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": row,
                    "required": list(row),
                    "additionalProperties": False,
                },
            },
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.description,
            "type": "object",
            "properties": top,
            "required": list(top),
            "additionalProperties": False,
        }

    def _json_type(self, name: str) -> dict[str, object]:
        dtype = self.dtype(name)
        if pa.types.is_decimal(dtype):
            json: dict[str, object] = {"type": "number"}
        elif pa.types.is_date(dtype):
            json = {"type": "string", "format": "date"}
        else:
            json = {"type": _JSON_TYPES[dtype]}
        for check in self.columns[name].checks:
            limits = check.statistics
            if check.name == "domain":
                json["enum"] = list(limits["allowed_values"])
            if check.name == "range" and limits.get("min_value") is not None:
                json["minimum"] = limits["min_value"]
            if check.name == "range" and limits.get("max_value") is not None:
                json["maximum"] = limits["max_value"]
        if name not in self.key:
            json["type"] = [json["type"], "null"]
            if "enum" in json:
                json["enum"] = [*cast("list[str]", json["enum"]), None]
        return json

    @property
    def _metadata(self) -> dict[str, object]:
        return cast("dict[str, object]", self.model.metadata)


_JSON_TYPES: Final[Mapping[pa.DataType, str]] = {
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int64(): "integer",
}

POLICIES: Final[dict[str, Policy]] = {
    str(model.name): Policy(model)
    for model in (
        _TIER_ASSESSMENT,
        _TIER_COMPLETENESS,
        _TIER_LINES,
        _TIER_THRESHOLDS,
        _TIER_UPGRADE,
        _POINT_GRANT_AMOUNTS,
        _POINT_GRANT_TERMS,
    )
}
"""Every policy by name."""
