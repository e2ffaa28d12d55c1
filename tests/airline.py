"""An airline to test on: members, flights, awards and mixed payments as delivered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.membership import land

Row = dict[str, Any]

MEMBER: Final[Row] = {
    "member_id": "M",
    "enrolled_on": "2019-01-01",
    "updated_at": "2020-01-01 00:00:00",
}
FLIGHT: Final[Row] = {
    "member_id": "M",
    "flight_date": "2021-05-10",
    "operating_carrier": "KE",
    "flight_number": "KE001",
    "origin": "ICN",
    "destination": "CSX",
    "booking_class": "Y",
    "ticket_type": "revenue",
    "flown": "true",
    "distance_miles": "",
    "revision": 0,
}
AWARD: Final[Row] = {
    "member_id": "M",
    "requested_at": "2021-05-20 12:00:00",
    "kind": "ticket",
    "origin": "ICN",
    "destination": "FUK",
    "cabin": "economy",
    "season": "off_peak",
    "trip": "one_way",
}
PAYMENT: Final[Row] = {
    "member_id": "M",
    "paid_at": "2021-05-20 12:00:00",
    "channel": "web",
    "currency": "KRW",
    "fare": 1_000_000,
    "fuel_surcharge": 0,
    "taxes": 0,
    "miles": 500,
    "krw_per_mile": 10,
}
_EXPORTS: Final = {
    "flights": ("flights", "activity_id", "F", FLIGHT),
    "awards": ("award_requests", "request_id", "A", AWARD),
    "payments": ("mixed_payments", "payment_id", "P", PAYMENT),
}


def land_airline(workspace: Path, rows: Mapping[str, Iterable[Row]]) -> None:
    """Drops rows as CSV files, by `members`, `flights`, `awards` and `payments`.

    Ids are numbered where not given (F1, A1, P1 …); member M is there unless members are given.
    """
    members = rows.get("members", [{}])
    land(workspace, "members", [MEMBER | row for row in members])
    for part, (export, key, letter, defaults) in _EXPORTS.items():
        delivered = [
            {key: f"{letter}{number}"} | defaults | row
            for number, row in enumerate(rows.get(part, []), 1)
        ]
        if delivered:
            land(workspace, export, delivered)
