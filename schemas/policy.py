"""The policy files: one subject each, with the keys and values of its rows.

This file is the only place that knows a policy. A further one is declared here and written as
`<name>.yaml` in every policy folder; the typed relation (`policy_<name>` in SQL), the JSON schema
that checks the file and the checks across its rows all follow from the declaration.

`key` columns say what a row is about, the other columns what holds for it from `valid_from` up to,
not including, `valid_to`. A column that is `nullable` may hold null as a value ("none set").
`unit` is what the values are given in, `read_on` the day that tells which row holds; a file that
says another one is refused. A `pattern` is
the form of a text that no list could hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from string import ascii_uppercase
from typing import Final, cast

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
    integer,
    one_of,
)
from schemas.exports import (
    BENEFITS,
    CABINS,
    CHARGE_ITEMS,
    CREDIT_GRADES,
    MIXED_PAYMENT_CHANNELS,
    PLAN_CLASSES,
    PRODUCTS,
    PURCHASE_CHANNELS,
    REFUND_METHODS,
    SEASONS,
    TRIPS,
)
from schemas.tables import CHARTS, CREDIT_KINDS, ELITE_STATUSES, REGIONS, TIERS, ZONES

RETAINED: Final = [
    *("quarantine", "versions", "runs", "refund_applications", "customers", "explains"),
]
"""What is kept for a time: rejected rows, replaced files, manifests of runs of which nothing is
current, the personal hashes of two exports, and the record of who had what explained."""

DATED: Final[Mapping[str, pa.DataType]] = {
    "valid_from": DATE,
    "valid_to": DATE,
    "unit": TEXT,
    "source": TEXT,
}
"""The columns that every policy row has after its keys and values."""
_JSON_TYPES: Final[Mapping[pa.DataType, dict[str, object]]] = {
    TEXT: {"type": "string"},
    BOOL: {"type": "boolean"},
    INT64: {"type": "integer"},
    DATE: {"type": "string", "format": "date"},
}
_NOT_EMPTY: Final[Mapping[str, object]] = {"type": "string", "pattern": r"\S"}


@dataclass(frozen=True)
class Policy(Declared):
    """A policy as the rest of Pointbook reads it: its name is the file's stem, and in SQL the
    relation is `policy_<name>`; its columns are those of the key, then the values.
    """

    _: KW_ONLY
    unit: str
    """What the values are given in."""
    read_on: str
    """The day that tells which row holds."""
    key: list[str]
    """The columns that say what a row is about; none where the policy is one row a time."""
    scale: str | None = None
    """The value that starts at 0 and rises in the order of the key's domain."""
    complete: bool = False
    """Whether each value of the key's domain has a row as long as any has."""

    @property
    def values(self) -> list[str]:
        return [name for name in self.columns if name not in self.key]

    @property
    def days(self) -> list[tuple[str, str]]:
        """The columns of a month, each with that of its day, which give a day of every year."""
        pairs = ((name, f"{name.removesuffix('month')}day") for name in self.columns)
        return [
            (name, day) for name, day in pairs if name.endswith("month") and day in self.columns
        ]

    @property
    def arrow_schema(self) -> pa.Schema:
        """The relation: keys, values, valid_from, valid_to, unit, source."""
        return pa.schema({**{name: self.dtype(name) for name in self.columns}, **DATED})

    @property
    def json_schema(self) -> dict[str, object]:
        """The JSON schema of the policy's file, dates as text, decimals as numbers.

        Values may be null: in all of them null ends the key, in some of them it takes a
        nullable column, which a JSON schema can't say readably.
        """
        row = {
            **{name: self._json_type(name) for name in self.columns},
            "valid_from": _JSON_TYPES[DATE],
            "valid_to": {**_JSON_TYPES[DATE], "type": ["string", "null"]},
            "unit": {"const": self.unit},
            "source": _NOT_EMPTY,
        }
        top = {
            "policy": {"const": self.name},
            "title": _NOT_EMPTY,
            "rules": _list({"type": "string", "pattern": "^[A-Z][0-9]+$"}),
            "read_on": {"const": self.read_on},
            "note": _NOT_EMPTY,
            "values": _list(_object(row)),
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.description,
            **_object(top),
        }

    def _json_type(self, name: str) -> dict[str, object]:
        """The JSON schema of a column's value: type, domain, range; null, unless of the key."""
        column = self.columns[name]
        decimal = pa.types.is_decimal(column.dtype)
        json = {
            **({"type": "number"} if decimal else _JSON_TYPES[column.dtype]),
            **column.constraints,
        }
        if pattern := column.metadata.get("pattern"):
            json["pattern"] = pattern
        if name not in self.key:
            json["type"] = [json["type"], "null"]
            if "enum" in json:
                json["enum"] = [*cast("list[str]", json["enum"]), None]
        return json


def _list(items: Mapping[str, object]) -> dict[str, object]:
    return {"type": "array", "minItems": 1, "items": items}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    """The JSON schema of a mapping with all of these keys, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _policy(
    name: str,
    description: str,
    *,
    unit: str,
    read_on: str,
    keys: Mapping[str, DeclaredColumn] | None = None,
    values: Mapping[str, DeclaredColumn],
    scale: str | None = None,
    complete: bool = False,
) -> Policy:
    """A policy whose rows have these keys and values; see `Policy` for the other parameters."""
    keys = keys or {}
    return Policy(
        name,
        description,
        {**keys, **values},
        unit=unit,
        read_on=read_on,
        key=list(keys),
        scale=scale,
        complete=complete,
    )


def _month(description: str) -> DeclaredColumn:
    return integer(description, 1, 12)


def _day(description: str) -> DeclaredColumn:
    return integer(description, 1, 31)


def _share(description: str) -> DeclaredColumn:
    return integer(description, 0, 10_000)


def _written(description: str, pattern: str) -> DeclaredColumn:
    """Text of a form; the file's schema checks it."""
    return column(TEXT, description, pattern=pattern)


_ZONE: Final = enumeration("Whether the route is within the home country", ZONES)
_CABIN: Final = enumeration("Cabin", CABINS)
_SEASON: Final = enumeration("Season", SEASONS)

_TIER_ASSESSMENT = _policy(
    "tier_assessment",
    "When a membership year is assessed, and over which months of bills (T1)",
    unit="calendar",
    read_on="the assessment date that the row itself gives",
    values={
        "month": _month("Month of the assessment"),
        "day": _day("Day of the assessment"),
        "years_before": integer("Years from the assessment to the membership year", 0, 10),
        "window_months": integer("Months of bills that are added up", 1, 120),
        "last_month_before": integer(
            "Months from the window's last month to the month of the assessment", 0, 120
        ),
    },
)

_TIER_COMPLETENESS = _policy(
    "tier_completeness",
    "Which months of bills are reported as low, and how much may be uncollected unwarned (T8)",
    unit="percent",
    read_on="the assessment date, 1 November before the year",
    values={
        "low_month_share": integer("Share of the window's median below which one is", 0, 100),
        "uncollected_share": integer("Share of what the window billed that may be", 0, 100),
    },
)

_DELIVERY_GAPS = _policy(
    "delivery_gaps",
    "After how many months with rows a month without any counts as not delivered yet (P12)",
    unit="months",
    read_on="the last day of the month that is closed",
    values={"months_before": integer("Months in a row that had rows", 1, 120)},
)

_TIER_LINES = _policy(
    "tier_lines",
    "The billing lines that count for the tier; a pair without a row does not (T2)",
    unit="flag",
    read_on="the assessment date; for points of payments the last day of the month",
    keys={
        "product": enumeration("Product of the line", PRODUCTS),
        "charge_item": enumeration("What the line charges for", CHARGE_ITEMS),
    },
    values={"counts": column(BOOL, "Whether the line counts")},
)

_TIER_THRESHOLDS = _policy(
    "tier_thresholds",
    "The annual fee from which a tier is reached by fee alone (T4)",
    unit="KRW",
    read_on="the assessment date, 1 November before the year",
    keys={"tier": enumeration("Tier", TIERS)},
    values={"from_fee": integer("Least annual fee of the tier")},
    scale="from_fee",
)

_TIER_UPGRADE = _policy(
    "tier_upgrade",
    "The tenure with which a customer moves up from a tier (T5)",
    unit="years",
    read_on="the assessment date, 1 November before the year",
    keys={"from_tier": enumeration("Tier by fee", TIERS)},
    values={
        "to_tier": enumeration("Tier that tenure lifts it to", TIERS),
        "tenure_years": integer("Full years that it takes", 0, 200),
    },
)

_TIER_FEE_BANDS = _policy(
    "tier_fee_bands",
    "The bands of annual fee that customers are counted by (T9)",
    unit="KRW",
    read_on="the assessment date, 1 November before the year",
    values={
        "width": integer("Width of a band, from 0 on", 1),
        "greatest": integer("Where the last band begins, which has no end"),
    },
)

_TIER_TENURE_BANDS = _policy(
    "tier_tenure_bands",
    "The bands of tenure that customers are counted by (T9)",
    unit="years",
    read_on="the assessment date, 1 November before the year",
    keys={"from_years": integer("Full years from which it is; it reaches up to the next one")},
    values={"band": column(TEXT, "What the band is called")},
)

_POINT_GRANT_AMOUNTS = _policy(
    "point_grant_amounts",
    "Points granted yearly by tier; 0 grants none (G1)",
    unit="points",
    read_on="the credit day of the yearly grant, 1 January",
    keys={"tier": enumeration("Tier of the membership year", TIERS)},
    values={"points": integer("Points of the year")},
    complete=True,
)

_POINT_GRANT_TERMS = _policy(
    "point_grant_terms",
    "What a yearly grant is: its kind, its first and last day in the membership year (G1, G2)",
    unit="calendar",
    read_on="the credit day that the row itself gives",
    values={
        "kind": column(TEXT, "Kind of the lot, and the first part of its lot_id"),
        "credit_month": _month("Month of the first day"),
        "credit_day": _day("First day that the points can be used"),
        "expiry_month": _month("Month of the last day"),
        "expiry_day": _day("Last day that the points can be used"),
        "refundable": column(BOOL, "Whether the points can be refunded"),
    },
)

_POINT_PAYMENT_CREDITS = _policy(
    "point_payment_credits",
    "Points for collected bills: so many for an amount, rounded down (P1)",
    unit="points per KRW",
    read_on="the last day of the month, which is the day of the credit",
    values={
        "points": integer("Points for per_amount"),
        "per_amount": integer("Collected amount that they are for", 1),
    },
)

_POINT_PURCHASE_CREDITS = _policy(
    "point_purchase_credits",
    "Points for a purchase: so many for an amount, rounded down (P1)",
    unit="points per KRW",
    read_on="the day of the purchase",
    keys={"channel": enumeration("Where it was bought", PURCHASE_CHANNELS)},
    values={
        "points": integer("Points for per_amount"),
        "per_amount": integer("Price that they are for", 1),
    },
    complete=True,
)

_POINT_CREDIT_TERMS = _policy(
    "point_credit_terms",
    "When a credit lapses, and whether it can be refunded (P1)",
    unit="calendar",
    read_on="the day of the credit",
    keys={"kind": enumeration("Kind of the credit", ["payment", "promotion", "purchase"])},
    values={
        "years_after": integer("Years from the credit to the year of the last day", 0, 100),
        "expiry_month": _month("Month of the last day"),
        "expiry_day": _day("Last day that the points can be used"),
        "refundable": column(
            BOOL, "Whether the points can be refunded; null: as delivered", nullable=True
        ),
    },
    complete=True,
)

_POINT_BENEFITS = _policy(
    "point_benefits",
    "Who may use a benefit, where, and how often (P4)",
    unit="terms",
    read_on="the day of use",
    keys={"benefit": enumeration("Benefit", BENEFITS)},
    values={
        "listed_partners": column(
            BOOL, "Whether only the partners in point_benefit_partners take it"
        ),
        "required_tier": enumeration("Tier that it takes; null: any or none", TIERS, nullable=True),
        "monthly_limit": integer(
            "Accepted redemptions a calendar month; null: any number", nullable=True
        ),
    },
    complete=True,
)

_POINT_BENEFIT_PARTNERS = _policy(
    "point_benefit_partners",
    "The partners that take a benefit (P4)",
    unit="flag",
    read_on="the day of use",
    keys={"benefit": enumeration("Benefit", BENEFITS), "partner": column(TEXT, "Partner code")},
    values={"partnered": column(BOOL, "Whether the partner takes it")},
)

_POINT_REFUND_TERMS = _policy(
    "point_refund_terms",
    "When a refund is paid, and how many points it may be for (P6)",
    unit="business days, points",
    read_on="the day of the application",
    values={
        "business_days": integer("Business days from the application to the payment", 0, 365),
        "least_points": integer("Least points of a refund; null: none", 1, nullable=True),
        "greatest_points": integer("Greatest points of a refund; null: none", 1, nullable=True),
        "unit_points": integer("Points are multiples of this; null: any", 1, nullable=True),
    },
)

_POINT_REFUND_FEES = _policy(
    "point_refund_fees",
    "The fee of a refund: so much for a number of points, rounded down (P6)",
    unit="KRW per points",
    read_on="the day of the application",
    keys={"method": enumeration("How it is paid out", REFUND_METHODS)},
    values={
        "fee": integer("Fee for per_points"),
        "per_points": integer("Points that it is for", 1),
    },
    complete=True,
)

_POINT_POLICY_CHANGES = _policy(
    "point_policy_changes",
    "A change by which lots credited before it lapse earlier; nulls: none (P7)",
    unit="calendar",
    read_on="the effective_on that the row itself gives",
    keys={"kind": enumeration("Kind of the lots", CREDIT_KINDS)},
    values={
        "announced_on": column(DATE, "First day that customers can be told", nullable=True),
        "effective_on": column(
            DATE, "Day from which lots credited before it lapse earlier", nullable=True
        ),
        "expires_on": column(DATE, "Last day of these lots, unless it is earlier", nullable=True),
    },
)

_POINT_EXTENSION = _policy(
    "point_extension",
    "Which lots the sweep extends, being too new to have been used, and to when (P8)",
    unit="calendar",
    read_on="the day of the sweep, 31 December",
    values={
        "usable_days": integer("Days from credit to expiry below which it is extended"),
        "years_after": integer("Years from the sweep to the year of the new last day", 0, 100),
        "expiry_month": _month("Month of the new last day"),
        "expiry_day": _day("New last day"),
    },
)

_POINT_SWEEP = _policy(
    "point_sweep",
    "Who counts as inactive at the year's end, and what is spared (P9)",
    unit="calendar",
    read_on="the day of the sweep, 31 December",
    values={
        "active_from_month": _month("Month of the first day on which an activity counts"),
        "active_from_day": _day("First day of the year on which an activity counts"),
        "spared_from_month": _month("Month of the first day of credits that are spared"),
        "spared_from_day": _day("Lots credited from this day on are not taken for inactivity"),
    },
)

_POINT_NOTICE_LEADS = _policy(
    "point_notice_leads",
    "How many months ahead customers are told of points that lapse (P10)",
    unit="flag",
    read_on="the first day of the month, on which notices are told",
    keys={"lead_months": integer("Months from the notice to the month of expiry", 0, 120)},
    values={"told": column(BOOL, "Whether customers are told then")},
)

_POINT_INACTIVITY_NOTICES = _policy(
    "point_inactivity_notices",
    "In which months customers are told that inactivity will cost them points (P10)",
    unit="flag",
    read_on="the first day of the month, on which notices are told",
    keys={"month": _month("Month on whose first day they are told")},
    values={"told": column(BOOL, "Whether customers are told then")},
)

_POINT_VALUE = _policy(
    "point_value",
    "What points are worth in won: so much for a number of points, by kind and use (B3)",
    unit="KRW per points",
    read_on="the last day of the period that is reported",
    keys={
        "kind": enumeration("Kind of the lot", CREDIT_KINDS),
        "use": enumeration("What the points are used for", ["redemption", "refund"]),
    },
    values={
        "won": integer("Won for per_points; null: nobody has said yet", nullable=True),
        "per_points": integer("Points that they are for", 1),
    },
)

_BREAKAGE_METHOD = _policy(
    "breakage_method",
    "How points that will lapse are estimated, and from how many closed cohorts (B4)",
    unit="method, cohorts, percent",
    read_on="the last day of the span that is reported",
    keys={"kind": enumeration("Kind of the lots", CREDIT_KINDS)},
    values={
        "method": enumeration(
            "proportional: with the use of the others; remote: when they lapse; null: no estimate",
            ["proportional", "remote"],
            nullable=True,
        ),
        "least_cohorts": integer("Closed cohorts below which nothing is estimated", 1, 100),
        "most_cohorts": integer("The latest closed cohorts that a rate is taken from", 1, 100),
        "floor": integer(
            "Rate, in percent, below which no breakage is expected; null: none set",
            0,
            100,
            nullable=True,
        ),
    },
    complete=True,
)


# Micropayments

_MICROPAYMENT_GRADE_LIMITS = _policy(
    "micropayment_grade_limits",
    "The standard monthly limit of micropayments by credit grade (M1)",
    unit="KRW",
    read_on="the day of the payment or of the limit request",
    keys={
        "credit_grade": column(
            INT64, "Credit grade, 1 (best) to 10", checks=[one_of(CREDIT_GRADES, "1 to 10")]
        )
    },
    values={"monthly_limit": integer("Limit of a calendar month")},
    complete=True,
)

_MICROPAYMENT_PLAN_CLASSES = _policy(
    "micropayment_plan_classes",
    "What a plan class has of the standard limit, and what it may ask for (M1, M2)",
    unit="percent",
    read_on="the day of the payment or of the limit request",
    keys={"plan_class": enumeration("Class of the plan", PLAN_CLASSES)},
    values={
        "share": integer("Share of the grade's limit", 0, 1000),
        "may_ask": enumeration(
            "What limits may be asked for: any, none above the standard one, or nothing",
            ["any", "standard", "nothing"],
        ),
    },
    complete=True,
)

_MICROPAYMENT_RAISE_GRADES = _policy(
    "micropayment_raise_grades",
    "The credit grade from which no raise above the standard limit is granted (M2)",
    unit="credit grade",
    read_on="the day of the limit request",
    values={"refused_from_grade": integer("Best grade whose raise is refused; 11: none is", 1, 11)},
)

_MICROPAYMENT_CEILING = _policy(
    "micropayment_ceiling",
    "The greatest monthly limit of micropayments that can be granted (M2)",
    unit="KRW",
    read_on="the day of the limit request",
    values={"greatest_limit": integer("Greatest limit granted")},
)

_MICROPAYMENT_USAGE_NOTICE = _policy(
    "micropayment_usage_notice",
    "From which share of the limit a customer is told of heavy use (M5)",
    unit="percent",
    read_on="the last day of the month",
    values={"from_share": integer("Share of the limit", 0, 10_000)},
)


# The airline

_ACCRUAL_RATES = _policy(
    "accrual_rates",
    "Share of the distance that a booking class earns; a class without a row earns nothing (F1)",
    unit="percent",
    read_on="the day of the flight",
    keys={"booking_class": enumeration("Booking class", ascii_uppercase)},
    values={"rate": _share("Miles earned for a hundred miles flown")},
)

_MILEAGE_CARRIERS = _policy(
    "mileage_carriers",
    "Operating carriers whose flights earn miles, and count for the status (F3, E2)",
    unit="flag",
    read_on="the day of the flight",
    keys={"carrier": _written("Operating carrier", "^[A-Z0-9]{2}$")},
    values={
        "earns": column(BOOL, "Whether its flights earn miles"),
        "qualifies": column(BOOL, "Whether those that earn count for the status"),
    },
)

_HOME_COUNTRY = _policy(
    "home_country",
    "The country whose airports make a route domestic (F3, W1, E2)",
    unit="country",
    read_on="the day of the flight, or of the award request",
    values={"country": _written("ISO 3166 code of the country", "^[A-Z]{2}$")},
)

_GREAT_CIRCLE = _policy(
    "great_circle",
    "The sphere and the mile of a great-circle distance (F2)",
    unit="millimetres",
    read_on="the day of the flight, or of the award request",
    values={
        "earth_radius": integer("Radius of the sphere", 1),
        "statute_mile": integer("One mile", 1),
    },
)

_DISTANCE_TOLERANCE = _policy(
    "distance_tolerance",
    "How far a delivered distance may be from the great circle before it is suspect (F2)",
    unit="percent",
    read_on="the day of the flight",
    values={"beyond": _share("Suspect beyond this share of the great circle")},
)

_QUALIFYING_FLIGHTS = _policy(
    "qualifying_flights",
    "What a flight counts for the status, in half flights (E2)",
    unit="half flights",
    read_on="the day of the flight",
    keys={"zone": _ZONE},
    values={"half_flights": integer("Half flights", 0, 100)},
    complete=True,
)

_MILEAGE_VALIDITY = _policy(
    "mileage_validity",
    "After how many years miles expire, at the end of that year; null: they don't (F4)",
    unit="years",
    read_on="the day of the flight",
    values={"years": integer("Years from the flight; null: none set", 0, 1000, nullable=True)},
)

_AWARD_CHART = _policy(
    "award_chart",
    "Which award chart is in force (W1)",
    unit="chart",
    read_on="the day of the request",
    values={"chart": enumeration("What awards are priced by", CHARTS)},
)

_AWARD_TRIPS = _policy(
    "award_trips",
    "How often the price of a one-way trip is paid (W1)",
    unit="one-way trips",
    read_on="the day of the request",
    keys={"trip": enumeration("Trip", TRIPS)},
    values={"legs": integer("One-way trips in it", 1, 100)},
    complete=True,
)

_AWARD_UPGRADES = _policy(
    "award_upgrades",
    "The cabin that an upgrade starts from; to a cabin without a row none is offered (W4)",
    unit="cabin",
    read_on="the day of the request",
    keys={"cabin": enumeration("Cabin moved up to", CABINS)},
    values={"from_cabin": enumeration("Cabin below it", CABINS)},
)

_AWARD_REGIONS = _policy(
    "award_regions",
    "The region of the award chart that a place belongs to; an airport goes before a country (W2)",
    unit="region",
    read_on="the day of the request",
    keys={
        "place": _written(
            "An airport (three letters), a country (two letters), or * for every other",
            r"^([A-Z]{2,3}|\*)$",
        )
    },
    values={"region": enumeration("Region of the place", REGIONS)},
)

_REGION_AWARDS = _policy(
    "region_awards",
    "Price of an award by region, one way; what has no row is not offered (W2)",
    unit="miles",
    read_on="the day of the request",
    keys={"region": enumeration("Region", REGIONS), "cabin": _CABIN, "season": _SEASON},
    values={"miles": integer("Price one way")},
)

_DISTANCE_AWARDS = _policy(
    "distance_awards",
    "Price of an economy award by distance, off-peak and one way (W3)",
    unit="miles",
    read_on="the day of the request",
    keys={
        "zone": _ZONE,
        "from_miles": integer("Least distance of the band; it reaches up to the next one"),
    },
    values={"miles": integer("Price one way")},
)

_DISTANCE_AWARD_CABINS = _policy(
    "distance_award_cabins",
    "Price of a cabin as a share of economy's; what has no row is not offered (W3)",
    unit="percent",
    read_on="the day of the request",
    keys={"zone": _ZONE, "cabin": _CABIN},
    values={"share": _share("Share of economy's price")},
)

_DISTANCE_AWARD_SEASONS = _policy(
    "distance_award_seasons",
    "Price of a season as a share of off-peak's (W3)",
    unit="percent",
    read_on="the day of the request",
    keys={"season": _SEASON},
    values={"share": _share("Share of off-peak's price")},
    complete=True,
)

_MIXED_PAYMENT_PROGRAMME = _policy(
    "mixed_payment_programme",
    "When tickets can be paid in cash and miles (X1)",
    unit="flag",
    read_on="the day of the payment",
    values={"open": column(BOOL, "Whether they can")},
)

_MIXED_PAYMENT_CHANNELS = _policy(
    "mixed_payment_channels",
    "Where tickets can be paid in cash and miles; a channel without a row takes none (X1)",
    unit="flag",
    read_on="the day of the payment",
    keys={"channel": enumeration("Channel", MIXED_PAYMENT_CHANNELS)},
    values={"accepted": column(BOOL, "Whether it takes them")},
)

_MIXED_PAYMENT_CURRENCIES = _policy(
    "mixed_payment_currencies",
    "The currencies of tickets that can be paid in cash and miles (X1)",
    unit="flag",
    read_on="the day of the payment",
    keys={"currency": _written("ISO 4217 code of the currency", "^[A-Z]{3}$")},
    values={"accepted": column(BOOL, "Whether it is taken")},
)

_MIXED_PAYMENT_MINIMUM = _policy(
    "mixed_payment_minimum",
    "The least miles of a mixed payment (X1)",
    unit="miles",
    read_on="the day of the payment",
    values={"least_miles": integer("Least miles")},
)

_MIXED_PAYMENT_SHARE = _policy(
    "mixed_payment_share",
    "The greatest share of the fare that miles can pay (X1)",
    unit="percent",
    read_on="the day of the payment",
    values={"greatest": _share("Greatest share of the fare")},
)

_ELITE_YEAR = _policy(
    "elite_year",
    "When a status year begins, and which year's flights it rests on (E1)",
    unit="calendar",
    read_on="the first day of the status year that the row itself gives",
    values={
        "month": _month("Month in which the status year begins"),
        "day": _day("Day on which it begins"),
        "years_before": integer("Years from the flights to the status year", 0, 10),
    },
)

_ELITE_MILES = _policy(
    "elite_miles",
    "The qualifying miles from which a status is reached (E3)",
    unit="miles",
    read_on="the first day of the status year",
    keys={"status": enumeration("Status", ELITE_STATUSES)},
    values={"from_miles": integer("Least qualifying miles of the status")},
    scale="from_miles",
    complete=True,
)

_ELITE_FLIGHTS = _policy(
    "elite_flights",
    "The qualifying flights from which a status is reached, in half flights (E3)",
    unit="half flights",
    read_on="the first day of the status year",
    keys={"status": enumeration("Status", ELITE_STATUSES)},
    values={"from_half_flights": integer("Least qualifying half flights of the status")},
    scale="from_half_flights",
)


# Operations

_SCHEDULES = _policy(
    "schedules",
    "When a command is run that falls due, and daily the ingest",
    unit="time of Asia/Seoul",
    read_on="the day on which the schedules are registered",
    keys={"command": column(TEXT, "A command that falls due, or ingest")},
    values={
        "days_after": integer("Days from the day on which it falls due to its run", 0, 27),
        "hour": integer("Hour of its run", 0, 23),
        "minute": integer("Minute of its run", 0, 59),
    },
)

_RETENTION = _policy(
    "retention",
    "After how many months `pointbook retention` removes what is no longer needed (Q3)",
    unit="months",
    read_on="the day of reckoning, that of the command or its --on",
    keys={"subject": enumeration("What is removed", RETAINED)},
    values={"months": integer("Months that it is kept", 1, 1200)},
    complete=True,
)


POLICIES: Final = by_name(globals(), Policy)
"""Every policy declared above, by name."""
