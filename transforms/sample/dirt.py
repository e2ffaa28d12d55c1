"""Dirty rows: every kind of reason of every export, each made on purpose and so known.

A `Kind` says what to write into an otherwise good row, and which reason that must yield. The
kinds of single columns follow from the declarations in `schemas/exports.py`; those across
columns are listed here, for they need to know what breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.sample.draws import (
    Draws,
    Ints,
    code_of,
    day,
    first_day,
    frame,
    labels_of,
    month_number,
    numbered,
)
from transforms.sample.forms import UNDECODABLE, Spoilt

_UNREADABLE: Final = {
    "integer": ["1e3", "12,34", "12.50", "1_000", "infinity", "abc", "１２"],
    "decimal": ["abc", "1e3", "--1"],
    "month": ["2016-13", "November 2016", "2016", "16-11"],
    "date": ["2016-02-30", "03/11/2016", "2016-11", "yesterday", "20161131"],
    "timestamp": ["2016-11-03 24:00:00", "2016-02-30 10:00", "2016-11-03 10:61", "noon"],
    "boolean": ["maybe", "2", "O"],
}
"""By form: texts that can't be parsed."""

_BEYOND_64_BITS: Final = ["9223372036854775808", "-9,223,372,036,854,775,809"]

_MISFORMED: Final = {
    "identifier": ["a b", "../x", "x" * 41, "=1+1", "고객1", "a'b"],
    "text": ["bell\x07", "\x01"],
    "code": ["?", "??", "I?N"],
}
"""By form: texts that are read and break the pattern."""

_OUT_OF_RANGE: Final[dict[str, list[object]]] = {
    "billing.billing_month": [month_number("1983-12")],
    "billing.revision": [-1],
    "subscriptions.credit_grade": [0, 11, -3],
    "flights.revision": [-1, -2],
    "mixed_payments.krw_per_mile": [0, -150],
}
"""Values out of range where they aren't simply one below the declared bound."""


@dataclass(frozen=True)
class Kind:
    """One way to spoil a row.

    `values`: by column, variants of what to write, taken in turn. `texts`: the same as text, for
    what no type can hold. `needs`: columns that must stay as they are for the reason to hold.
    `row`: the whole row can't be read: short, long or undecodable.
    """

    reason: str
    values: Mapping[str, list[object]] = field(default_factory=dict)
    texts: Mapping[str, list[str]] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    row: str = ""

    @property
    def touches(self) -> frozenset[str]:
        """The columns that other kinds must leave alone."""
        return frozenset(self.values) | frozenset(self.texts) | self.needs

    @property
    def in_parquet(self) -> bool:
        """Whether typed columns can hold it."""
        return not self.texts and not self.row

    def goes_with(self, other: Kind) -> bool:
        """Whether one row can show both, and nothing else."""
        return not self.row and not other.row and not self.touches & other.touches


def _across(reason: str, values: Mapping[str, list[object]], *needs: str, row: str = "") -> Kind:
    return Kind(reason, values, needs=frozenset(needs), row=row)


_TERMINATED: Final = code_of("customers", "status", "terminated")

_ACROSS: Final[dict[str, list[Kind]]] = {
    "billing": [
        _across(
            "collected_amount:consistency",
            {"billed_amount": [30_000], "collected_amount": [30_001, -1, 9_000_000]},
            "collected_on",
        ),
        _across(
            "collected_amount:consistency",
            {"billed_amount": [-5_000], "collected_amount": [-5_001, 1]},
            "collected_on",
        ),
        _across(
            "collected_on:required", {"collected_on": [None]}, "collected_amount", "billed_amount"
        ),
    ],
    "customers": [
        _across(
            "joined_on:consistency",
            {"joined_on": [day("2030-01-01")]},
            *("updated_at", "status", "terminated_on"),
        ),
        _across("terminated_on:required", {"status": [_TERMINATED], "terminated_on": [None]}),
        _across(
            "terminated_on:consistency",
            {"status": [0, 1], "terminated_on": [day("2014-06-01")]},
            "joined_on",
        ),
        _across(
            "terminated_on:consistency",
            {"status": [_TERMINATED], "terminated_on": [day("2009-04-30")]},
            "joined_on",
        ),
    ],
    "subscriptions": [
        _across("credit_grade:required", {"credit_grade": [None]}, "product"),
        _across("closed_on:consistency", {"closed_on": [day("2009-04-30")]}, "opened_on"),
    ],
    "promotions": [
        _across("expires_on:consistency", {"expires_on": [day("2014-01-31")]}, "credited_on"),
    ],
    "redemptions": [
        _across("points:consistency", {"points": [0]}, "benefit", "cancels"),
    ],
    "flights": [
        _across("destination:consistency", {"origin": ["ICN"], "destination": ["ICN"]}),
    ],
    "award_requests": [
        _across("destination:consistency", {"origin": ["ICN"], "destination": ["ICN"]}),
    ],
}
"""Reasons across columns, in rows that the templates make good otherwise."""

_WITH: Final[dict[str, dict[str, list[object]]]] = {
    "billing.collected_on:type": {"collected_amount": [0]},
    "subscriptions.credit_grade:type": {"product": [code_of("subscriptions", "product", "iptv")]},
}
"""What else to write so that an unreadable value isn't also a missing one."""


def kinds_of(export: str) -> list[Kind]:
    """Every kind of the export, rows that can't be split first."""
    declared = EXPORTS[export]
    kinds = [Kind("row:format", row="short"), Kind("row:format", row="long")]
    for position, name in enumerate(declared.columns):
        form = str(declared.metadata(name)["form"])
        if name in declared.required:
            kinds.append(Kind(f"{name}:required", {name: [None]}))
        if form in _UNREADABLE:
            also = _WITH.get(f"{export}.{name}:type", {})
            kinds.append(Kind(f"{name}:type", also, {name: _UNREADABLE[form]}))
        if form in _MISFORMED:
            # turned by column, so that no two columns of a row go wrong alike
            turn = position % len(_MISFORMED[form])
            turned = _MISFORMED[form][turn:] + _MISFORMED[form][:turn]
            kinds.append(Kind(f"{name}:format", {name: [*turned]}))
        if form == "enumeration":
            unknown: list[object] = [len(labels_of(export, name))]
            kinds.append(Kind(f"{name}:domain", {name: unknown}))
        bounds = [check for check in declared.columns[name].checks if check.name == "range"]
        for check in bounds:
            bad = _OUT_OF_RANGE.get(f"{export}.{name}")
            kinds.append(Kind(f"{name}:range", {name: bad or _below(check.statistics)}))
        if form == "integer" and not bounds:
            kinds.append(Kind(f"{name}:range", texts={name: _BEYOND_64_BITS}))
    return kinds + _ACROSS.get(export, [])


def _below(statistics: Mapping[str, object] | None) -> list[object]:
    bound = (statistics or {})["min_value"]
    assert isinstance(bound, int)
    return [bound - 1]


Bundle = tuple[Kind, ...]
"""What one dirty row shows."""


def bundles_of(kinds: list[Kind], rows: int) -> list[Bundle]:
    """Bundles that show every kind within so many rows: one by one where there is room.

    Where there is room to spare, pairs follow, so that rows with two reasons occur as well.
    """
    if rows >= len(kinds):
        pairs = [
            (kind, other)
            for kind, other in zip(kinds, kinds[len(kinds) // 2 :], strict=False)
            if kind.goes_with(other)
        ]
        return [*((kind,) for kind in kinds), *pairs]
    packed: list[list[Kind]] = [[] for _ in range(rows)]
    for kind in sorted(kinds, key=lambda k: (-len(k.touches), k.reason)):
        fitting = [row for row in packed if all(kind.goes_with(other) for other in row)]
        if fitting and (not kind.row or not fitting[0]):
            min(fitting, key=len).append(kind)
        else:
            packed.append([kind])
    return [tuple(row) for row in packed if row]


@dataclass(frozen=True)
class Plan:
    """The dirty rows of one file, in the order of their positions.

    `month`, `slot`: after whose row of which month they stand. `bundle`: what each shows.
    """

    serial: int
    month: Ints
    slot: Ints
    bundle: list[Bundle]

    def between(self, month: int, start: int, stop: int) -> Ints:
        """The rows that stand in this slice."""
        inside = (self.month == month) & (self.slot >= start) & (self.slot < stop)
        return np.flatnonzero(inside)


def plan_dirt(
    draws: Draws, name: str, serial: int, months: list[int], owners: range, bundle: list[Bundle]
) -> Plan:
    """Places the bundles over the file, evenly at random."""
    position = np.sort(draws.uniform(f"dirt/{name}", 0, 0, len(bundle))) * len(months)
    which = position.astype(np.int64)
    slot = owners.start + ((position - which) * len(owners)).astype(np.int64)
    return Plan(serial, np.array(months, np.int64)[which], slot, bundle)


_DAY: Final = "the 15th of the month"
_MONTH: Final = "the month"
_KEY: Final = "its own identifier"
_OWNER: Final = "the identifier of a known owner"

_TEMPLATES: Final[dict[str, dict[str, object]]] = {
    "billing": {
        "billing_line_id": _KEY,
        "customer_id": _OWNER,
        "subscription_id": "S-DIRTY",
        "product": 0,
        "charge_item": 0,
        "billing_month": _MONTH,
        "billed_amount": 30_000,
        "collected_amount": 30_000,
        "due_on": _DAY,
        "collected_on": _DAY,
        "revision": 0,
    },
    "customers": {
        "customer_id": _KEY,
        "joined_on": day("2009-05-01"),
        "status": 0,
        "contact": "010-0000-0000",
        "address": "서울특별시 가상구 표본로 0",
        "updated_at": day("2014-05-01") * 86_400,
    },
    "subscriptions": {
        "subscription_id": _KEY,
        "customer_id": _OWNER,
        "product": code_of("subscriptions", "product", "mobile"),
        "plan": "표본 요금제",
        "plan_class": 0,
        "credit_grade": 5,
        "opened_on": day("2009-05-01"),
        "updated_at": day("2014-05-01") * 86_400,
    },
    "promotions": {
        "promotion_credit_id": _KEY,
        "customer_id": _OWNER,
        "credited_on": _DAY,
        "promotion_code": "WELCOME",
        "points": 1_000,
        "refundable": True,
    },
    "purchases": {
        "purchase_id": _KEY,
        "customer_id": _OWNER,
        "purchased_at": _DAY,
        "channel": 0,
        "amount": 10_000,
    },
    "redemptions": {
        "redemption_id": _KEY,
        "customer_id": _OWNER,
        "used_at": _DAY,
        "benefit": code_of("redemptions", "benefit", "partner_discount"),
        "partner": "cgv",
        "points": 1_000,
    },
    "refund_applications": {
        "application_id": _KEY,
        "customer_id": _OWNER,
        "applied_at": _DAY,
        "points": 1_000,
        "method": 0,
        "channel": 0,
        "contact": "010-0000-0000",
        "address": "서울특별시 가상구 표본로 0",
    },
    "micropayments": {
        "payment_id": _KEY,
        "subscription_id": "S-DIRTY",
        "requested_at": _DAY,
        "merchant": "표본상점",
        "category": 0,
        "amount": 5_000,
        "platform_fee": 0,
        "recurring": False,
    },
    "limit_requests": {
        "request_id": _KEY,
        "subscription_id": "S-DIRTY",
        "requested_at": _DAY,
        "requested_limit": 300_000,
    },
    "members": {
        "member_id": _KEY,
        "enrolled_on": day("2009-05-01"),
        "updated_at": day("2014-05-01") * 86_400,
    },
    "flights": {
        "activity_id": _KEY,
        "member_id": _OWNER,
        "flight_date": _DAY,
        "operating_carrier": "KE",
        "flight_number": "KE001",
        "origin": "ICN",
        "destination": "NRT",
        "booking_class": "Y",
        "ticket_type": 0,
        "flown": True,
        "distance_miles": 758,
        "revision": 0,
    },
    "award_requests": {
        "request_id": _KEY,
        "member_id": _OWNER,
        "requested_at": _DAY,
        "kind": 0,
        "origin": "ICN",
        "destination": "NRT",
        "cabin": 0,
        "season": 0,
        "trip": 0,
    },
    "mixed_payments": {
        "payment_id": _KEY,
        "member_id": _OWNER,
        "paid_at": _DAY,
        "channel": 0,
        "currency": "KRW",
        "fare": 500_000,
        "fuel_surcharge": 20_000,
        "taxes": 28_000,
        "miles": 1_000,
        "krw_per_mile": 1_550,
    },
}
"""A good row of each export, for the kinds to spoil."""


def _template(export: str, keys: pa.Array, owners: pa.Array, months: Ints) -> pa.Table:
    fifteenth = np.array([first_day(month or 2014 * 12) + 14 for month in months.tolist()])
    columns: dict[str, object] = {}
    for name, value in _TEMPLATES[export].items():
        form = EXPORTS[export].metadata(name)["form"]
        if value is _KEY:
            columns[name] = keys
        elif value is _OWNER:
            columns[name] = owners
        elif value is _MONTH:
            columns[name] = months
        elif value is _DAY:
            columns[name] = fifteenth * 86_400 if form == "timestamp" else fifteenth
        else:
            columns[name] = value
    return frame(export, len(months), columns)


@dataclass(frozen=True)
class DirtyRows:
    """Dirty rows of a slice: their table, what is wrong with its text, and each one's reasons."""

    table: pa.Table
    spoilt: Spoilt
    reasons: list[list[str]]


def dirty_rows(
    export: str, plan: Plan, rows: Ints, identify: Callable[[Ints], pa.Array]
) -> DirtyRows:
    """Makes these rows of the plan; `identify` gives the identifiers of owners by their slots."""
    keys = numbered(f"X{plan.serial:03d}-", rows, 6)
    table = _template(export, keys, identify(plan.slot[rows]), plan.month[rows])
    bundles = [plan.bundle[row] for row in rows.tolist()]
    used = {id(kind): kind for bundle in bundles for kind in bundle}
    texts: dict[str, tuple[list[int], list[str]]] = {}
    whole: dict[str, list[int]] = {"short": [], "long": [], "undecodable": []}
    for kind in used.values():
        at = np.array([n for n, bundle in enumerate(bundles) if kind in bundle], np.int64)
        for name, variants in kind.values.items():
            written = pa.array(
                [variants[rows[n] % len(variants)] for n in at], table.schema.field(name).type
            )
            table = _with_column(table, name, at, written)
        for name, options in kind.texts.items():
            positions, values = texts.setdefault(name, ([], []))
            positions += at.tolist()
            values += [options[rows[n] % len(options)] for n in at]
        if kind.row:
            whole[kind.row] += at.tolist()
    if whole["undecodable"]:
        first = EXPORTS[export].key[-1]
        positions, values = texts.setdefault(first, ([], []))
        positions += whole["undecodable"]
        values += [f"bad{UNDECODABLE}byte" for _ in whole["undecodable"]]
    spoilt = Spoilt(
        {name: (np.array(at, np.int64), values) for name, (at, values) in texts.items()},
        np.array(whole["short"], np.int64),
        np.array(whole["long"], np.int64),
        np.array(whole["undecodable"], np.int64),
    )
    order = {f"{name}": n for n, name in enumerate(["row", *EXPORTS[export].columns])}
    reasons = [
        sorted({k.reason for k in bundle}, key=lambda r: (order[r.split(":")[0]], r))
        for bundle in bundles
    ]
    return DirtyRows(table, spoilt, reasons)


def _with_column(table: pa.Table, name: str, at: Ints, written: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    choice = np.arange(len(table))
    choice[at] = len(table) + np.arange(len(at))
    column = table.column(position).combine_chunks()
    both = pa.concat_arrays([column, written]).take(pa.array(choice))
    return table.set_column(position, table.schema.field(name), both)


UNDECODABLE_ROW: Final = Kind("row:format", row="undecodable")
