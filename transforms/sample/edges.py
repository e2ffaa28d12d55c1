"""Hand-made customers and members who stand on the edges of the rules.

Their identifiers begin with C-EDGE- and M-EDGE-. A row is written as it would be delivered in
canonical form: dates as text, enumerations as codes, decimals in hundredths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.sample.draws import (
    code_of,
    day,
    first_day,
    frame,
    logical_schema,
    month_number,
    month_text,
)

Row = dict[str, object]

_EPOCH: Final = datetime(1970, 1, 1)
_TOTALS: Final = [
    total + step for total in (200_000, 400_000, 600_000, 1_000_000) for step in (-1, 0, 1)
]


@dataclass(frozen=True)
class _Customer:
    """An edge customer: `totals` are the collected counting totals of the membership years.

    They are taken in turn from 2016 on, the same one every year where there is one only.
    """

    name: str
    totals: list[int] = field(default_factory=list)
    joined: str = "2005-03-02"
    terminated: str | None = None
    status: str | None = None
    product: str = "mobile"
    item: str = "base_fee"

    @property
    def identifier(self) -> str:
        return f"C-EDGE-{self.name}"


def _around() -> list[_Customer]:
    """On each threshold and a won beside it, and through all of them year by year."""
    still = [_Customer(f"{total}", [total], joined="2014-03-01") for total in _TOTALS]
    moving = [
        _Customer(f"MOVES-{turn:02d}", _TOTALS[turn:] + _TOTALS[:turn], joined="2014-06-15")
        for turn in range(0, 12, 3)
    ]
    return still + moving


_TENURE: Final = [
    _Customer(f"GOLD-{name}-{assessed}", [total], joined=joined)
    for assessed in (2016, 2019)
    for name, joined, total in [
        ("5Y364D", f"{assessed - 6}-11-02", 600_000),
        ("6Y", f"{assessed - 6}-11-01", 600_000),
        ("6Y1D", f"{assessed - 6}-10-31", 600_000),
        ("6Y-TOP", f"{assessed - 6}-11-01", 999_999),
        ("6Y-SHORT", f"{assessed - 6}-11-01", 599_999),
    ]
] + [_Customer("GOLD-LEAP", [700_000], joined="2012-02-29")]

_COMING_AND_GOING: Final = [
    _Customer("JOINED-1031", [240_000], joined="2016-10-31"),
    _Customer("JOINED-1101", [240_000], joined="2016-11-01"),
    _Customer("JOINED-1102", [240_000], joined="2016-11-02"),
    _Customer("JOINED-0101", [480_000], joined="2017-01-01"),
    _Customer("LEFT-1031", [600_000], terminated="2016-10-31"),
    _Customer("LEFT-1101", [600_000], terminated="2016-11-01"),
    _Customer("LEFT-1102", [600_000], terminated="2016-11-02"),
    _Customer("LEFT-1231", [600_000], terminated="2016-12-31"),
    _Customer("LEFT-0101", [600_000], terminated="2017-01-01"),
    _Customer("LEFT-0102", [600_000], terminated="2017-01-02"),
    _Customer("SAME-DAY", [], joined="2017-05-05", terminated="2017-05-05"),
    _Customer("SUSPENDED", [1_200_000], status="suspended"),
]

_OTHERS: Final = [
    _Customer("NO-BILLS"),
    _Customer("VIP", [1_500_000]),
    _Customer("POINTS", [1_500_000]),
    _Customer("SWEPT"),
    _Customer("LOW", [-1_200]),
    _Customer("LATE-FEES-ONLY", [2_000_000], item="late_fee"),
    _Customer("INTERNATIONAL-ONLY", [2_000_000], item="international_call"),
    _Customer("MICROPAYMENTS-ONLY", [2_000_000], item="micropayment"),
    _Customer("INSTALMENTS-ONLY", [2_000_000], item="device_instalment"),
    _Customer("MOBILE-SERVICE-FEE", [2_000_000], item="service_fee"),
    _Customer("INTERNET-BASE-FEE", [2_000_000], product="internet"),
    _Customer("INTERNET", [400_000], product="internet", item="service_fee"),
    _Customer("IPTV", [200_000], product="iptv", item="basic_service_fee"),
    _Customer("WIBRO", [200_000], product="wibro"),
    _Customer("VOIP-CALLS", [200_000], product="voip", item="domestic_call"),
    _Customer("LANDLINE-CALLS", [200_000], product="landline", item="domestic_call"),
    _Customer("DATA", [200_000], item="data_call"),
]

CUSTOMERS: Final = [*_around(), *_TENURE, *_COMING_AND_GOING, *_OTHERS]


def _subscription(customer: _Customer) -> str:
    return f"S-EDGE-{customer.name}"


def _customer_rows() -> Iterable[Row]:
    for number, customer in enumerate(CUSTOMERS):
        left = customer.terminated is not None
        yield {
            "customer_id": customer.identifier,
            "joined_on": customer.joined,
            "status": customer.status or ("terminated" if left else "active"),
            "terminated_on": customer.terminated,
            "contact": f"010-0000-9{number:03d}",
            "address": f"서울특별시 가상구 모서리로 {number + 1}",
            "updated_at": f"{customer.terminated or customer.joined} 00:00:00",
        }
    yield {
        "customer_id": "C-EDGE-UNREACHABLE",
        "joined_on": "2010-01-01",
        "status": "active",
        "contact": "없음",
        "updated_at": "2010-01-01 09:00:00",
    }


def _subscription_rows() -> Iterable[Row]:
    for customer in CUSTOMERS:
        yield {
            "subscription_id": _subscription(customer),
            "customer_id": customer.identifier,
            "product": customer.product,
            "plan": "표본 요금제",
            "plan_class": "standard",
            "credit_grade": 1,
            "opened_on": customer.joined,
            "closed_on": customer.terminated,
            "updated_at": f"{customer.terminated or customer.joined} 00:00:00",
        }
    for plan in ("standard", "senior", "youth", "prepaid"):
        for grade in (1, 4, 5, 6, 7, 8, 9, 10):
            yield {
                "subscription_id": f"S-EDGE-{plan}-{grade}",
                "customer_id": "C-EDGE-NO-BILLS",
                "product": "mobile",
                "plan_class": plan,
                "credit_grade": grade,
                "opened_on": "2015-03-01",
                "closed_on": "2021-03-15" if grade == 4 else None,
                "updated_at": "2015-03-01 00:00:00",
            }


def _line(customer: _Customer, month: int, line: str, billed: int, **given: object) -> Row:
    due = first_day(month + 1) + 24
    return {
        "billing_line_id": f"E-{customer.name}{line}",
        "customer_id": customer.identifier,
        "subscription_id": _subscription(customer),
        "product": customer.product,
        "charge_item": customer.item,
        "billing_month": month,
        "billed_amount": billed,
        "collected_amount": billed,
        "due_on": due,
        "collected_on": due if billed else None,
        "revision": 0,
    } | given


def _billing_rows(month: int) -> Iterable[Row]:
    """The year's total in twelfths, the rest in its last month, October."""
    year = (month + 2) // 12
    last = month % 12 == 9
    for customer in CUSTOMERS:
        if not customer.totals:
            continue
        total = customer.totals[(year - 2016) % len(customer.totals)]
        part = total // 12
        yield _line(customer, month, "", total - 11 * part if last else part)
    by_name = {customer.name: customer for customer in CUSTOMERS}
    points = by_name["POINTS"]
    if month == month_number("2016-10"):
        # a payment that comes late, one in part, one never, one on the due day
        day_after = first_day(month + 1) + 25
        yield _line(points, month, "-LATE", 10_000, collected_on=day_after)
        yield _line(points, month, "-PART", 10_000, collected_amount=9_999)
        yield _line(points, month, "-NEVER", 10_000, collected_amount=0, collected_on=None)
        yield _line(points, month, "-CREDIT", -3_000)
        yield _line(points, month, "-ZERO", 0)
    if month == month_number("2015-06"):
        yield _line(by_name["VIP"], month, "-REVISED", 7_000, revision=2)


def _promotion_rows() -> Iterable[Row]:
    granted = [
        ("POINTS", "2015-01-10", 10_000, True, None),
        ("POINTS", "2015-12-31", 777, True, "2015-12-31"),
        ("POINTS", "2016-10-02", 500, False, "2016-12-31"),
        ("POINTS", "2016-10-03", 500, False, "2016-12-31"),
        ("SWEPT", "2016-09-30", 900, False, "2018-12-31"),
        ("SWEPT", "2016-10-01", 901, False, "2018-12-31"),
        ("SWEPT", "2016-10-02", 902, False, None),
        ("SWEPT", "2016-10-03", 903, False, None),
        ("VIP", "2017-03-01", 5_000, True, "2017-03-01"),
        ("LEFT-1231", "2016-12-01", 300, False, None),
        ("NOBODY", "2016-05-05", 300, False, None),
    ]
    for number, (name, credited, points, refundable, expires) in enumerate(granted):
        yield {
            "promotion_credit_id": f"E-{number:03d}",
            "customer_id": f"C-EDGE-{name}",
            "credited_on": credited,
            "promotion_code": "EDGE",
            "points": points,
            "refundable": refundable,
            "expires_on": expires,
        }


def _purchase_rows() -> Iterable[Row]:
    bought = [
        ("POINTS", "2015-03-03 10:00:00", "official_shop", 99),
        ("POINTS", "2015-03-03 10:00:00", "official_shop", 100),
        ("POINTS", "2015-03-04 10:00:00", "partner", 199),
        ("POINTS", "2015-03-04 23:59:59", "partner", 200),
        ("SWEPT", "2015-12-31 23:59:59", "partner", 1),
        ("NOBODY", "2016-03-04 00:00:00", "partner", 10_000),
    ]
    for number, (name, at, channel, amount) in enumerate(bought):
        yield {
            "purchase_id": f"E-{number:03d}",
            "customer_id": f"C-EDGE-{name}",
            "purchased_at": at,
            "channel": channel,
            "amount": amount,
        }


def _redemption_rows() -> Iterable[Row]:
    partner, double, choice = "partner_discount", "double_discount", "vip_choice"
    used = [
        ("01", "POINTS", "2015-02-01 12:00:00", partner, "corner_shop", 9_999, None),
        ("02", "POINTS", "2015-02-01 12:00:00", partner, "corner_shop", 10_000_000, None),
        ("03", "POINTS", "2015-02-02 12:00:00", partner, "corner_shop", 0, "E-01"),
        ("04", "POINTS", "2015-02-03 12:00:00", partner, "corner_shop", 0, "E-01"),
        ("05", "POINTS", "2015-02-03 12:00:00", partner, "corner_shop", 0, "E-03"),
        ("06", "POINTS", "2015-02-03 12:00:00", partner, "corner_shop", 0, "E-02"),
        ("07", "VIP", "2015-02-04 12:00:00", partner, "corner_shop", 0, "E-01"),
        ("08", "POINTS", "2015-03-01 00:00:00", double, "cgv", 100, None),
        ("09", "POINTS", "2015-03-31 23:59:59", double, "lotte_world", 100, None),
        ("10", "POINTS", "2015-04-01 00:00:00", double, "lotte_world", 100, None),
        ("11", "POINTS", "2015-04-02 00:00:00", double, "corner_shop", 100, None),
        ("12", "POINTS", "2015-04-03 00:00:00", double, "cgv", 0, "E-10"),
        ("13", "POINTS", "2015-04-04 00:00:00", double, "cgv", 100, None),
        ("14", "POINTS", "2015-05-01 00:00:00", choice, "free_movie", 0, None),
        ("15", "VIP", "2017-01-01 00:00:00", choice, "free_movie", 0, None),
        ("16", "VIP", "2017-01-31 23:59:59", choice, "americano_short", 0, None),
        ("17", "VIP", "2017-02-01 00:00:00", choice, "cgv", 0, None),
        ("18", "VIP", "2017-02-02 00:00:00", choice, "baskin_double_junior", 120_000, None),
        ("19", "VIP", "2017-12-31 23:59:59", choice, "hyundai_mall_coupon", 1, None),
        ("20", "600000", "2017-02-02 00:00:00", choice, "free_movie", 0, None),
        ("21", "NOBODY", "2017-02-02 00:00:00", partner, "corner_shop", 100, None),
        ("22", "JOINED-0101", "2016-12-31 23:59:59", partner, "corner_shop", 100, None),
        ("23", "JOINED-0101", "2017-01-01 00:00:00", partner, "corner_shop", 100, None),
        ("24", "LEFT-0102", "2017-01-01 23:59:59", partner, "corner_shop", 100, None),
        ("25", "LEFT-0102", "2017-01-02 00:00:00", partner, "corner_shop", 100, None),
        ("26", "POINTS", "2017-06-01 12:00:00", partner, "corner_shop", 0, "E-99"),
        ("27", "POINTS", "2018-06-01 12:00:00", double, "cgv", 0, "E-13"),
    ]
    for number, name, at, benefit, shop, points, cancels in used:
        yield {
            "redemption_id": f"E-{number}",
            "customer_id": f"C-EDGE-{name}",
            "used_at": at,
            "benefit": benefit,
            "partner": shop,
            "points": points,
            "cancels": cancels,
        }


def _refund_rows() -> Iterable[Row]:
    numbers = {customer.name: number for number, customer in enumerate(CUSTOMERS)}
    at = numbers["POINTS"]
    contact, address = f"010-0000-9{at:03d}", f"서울특별시 가상구 모서리로 {at + 1}"
    asked = [
        ("POINTS", "2015-02-05 09:00:00", 101, "cash", contact, address),
        ("POINTS", "2015-02-06 09:00:00", 119, "gift_card", contact.replace("-", ""), address),
        ("POINTS", "2015-02-17 09:00:00", 100, "bill_credit", contact, address + " "),
        ("POINTS", "2015-02-18 09:00:00", 100, "cash", "010-0000-0000", address),
        ("POINTS", "2015-02-19 09:00:00", 100, "cash", contact, "부산광역시 가상구 표본로 1"),
        ("POINTS", "2015-02-20 09:00:00", 9_000_000, "cash", contact, address),
        ("UNREACHABLE", "2015-02-20 09:00:00", 100, "cash", contact, address),
        ("NOBODY", "2015-02-20 09:00:00", 100, "cash", contact, address),
    ]
    for number, (name, when, points, method, phone, home) in enumerate(asked):
        yield {
            "application_id": f"E-{number:03d}",
            "customer_id": f"C-EDGE-{name}",
            "applied_at": when,
            "points": points,
            "method": method,
            "channel": "call_centre" if number % 2 else "online",
            "contact": phone,
            "address": home,
        }


def _micropayment_rows() -> Iterable[Row]:
    paid = [
        ("standard-1", "2016-03-01 00:00:00", 300_000),
        ("standard-1", "2016-03-31 23:59:59", 1),
        ("standard-1", "2016-04-01 00:00:00", 300_001),
        ("standard-1", "2016-05-01 00:00:00", 240_000),
        ("standard-4", "2016-05-01 00:00:00", 239_999),
        ("standard-4", "2021-03-14 23:59:59", 1_000),
        ("standard-4", "2021-03-15 00:00:00", 1_000),
        ("standard-4", "2015-02-28 23:59:59", 1_000),
        ("standard-5", "2016-05-01 00:00:00", 200_000),
        ("standard-5", "2016-05-01 00:00:00", 1),
        ("standard-7", "2016-05-02 00:00:00", 100_000),
        ("standard-9", "2016-05-02 00:00:00", 1),
        ("youth-1", "2016-05-02 00:00:00", 150_000),
        ("youth-1", "2016-05-02 00:00:01", 1),
        ("prepaid-1", "2016-05-02 00:00:01", 1),
        ("POINTS", "2016-11-25 23:59:59", 1_000),
        ("POINTS", "2016-11-26 00:00:00", 1_000),
        ("INTERNET", "2016-11-26 00:00:00", 1_000),
        ("NOBODY", "2016-11-26 00:00:00", 1_000),
    ]
    for number, (name, at, amount) in enumerate(paid):
        yield {
            "payment_id": f"E-{number:03d}",
            "subscription_id": f"S-EDGE-{name}",
            "requested_at": at,
            "merchant": "표본상점",
            "category": "shopping",
            "amount": amount,
            "platform_fee": amount // 10,
            "recurring": False,
        }


def _limit_rows() -> Iterable[Row]:
    asked = [
        ("standard-1", "2016-06-01 00:00:00", 1_000_000),
        ("standard-1", "2016-07-01 00:00:00", 1_000_001),
        ("standard-1", "2016-08-01 00:00:00", 0),
        ("standard-1", "2016-09-01 00:00:00", 300_000),
        ("standard-4", "2016-06-01 00:00:00", 300_001),
        ("standard-5", "2016-06-01 00:00:00", 200_001),
        ("standard-5", "2016-06-02 00:00:00", 200_000),
        ("youth-1", "2016-06-01 00:00:00", 150_000),
        ("youth-1", "2016-06-02 00:00:00", 150_001),
        ("prepaid-1", "2016-06-02 00:00:00", 10_000),
        ("POINTS", "2016-12-01 00:00:00", 400_000),
        ("INTERNET", "2016-12-01 00:00:00", 400_000),
        ("NOBODY", "2016-12-01 00:00:00", 400_000),
    ]
    for number, (name, at, limit) in enumerate(asked):
        yield {
            "request_id": f"E-{number:03d}",
            "subscription_id": f"S-EDGE-{name}",
            "requested_at": at,
            "requested_limit": limit,
        }


_MEMBERS: Final = {
    "9999-MILES": [("ICN", "LAX", "Y", 9_999)],
    "10000-MILES": [("ICN", "LAX", "Y", 5_000)] * 2,
    "39999-MILES": [
        ("ICN", "CDG", "J", 10_000),
        ("ICN", "CDG", "J", 9_999),
        ("ICN", "PVG", "Y", 1),
    ],
    "40000-MILES": [("ICN", "CDG", "J", 10_000)] * 2,
    "70000-MILES": [("ICN", "CDG", "C", 10_000)] * 4,
    "100000-MILES": [("ICN", "CDG", "C", 10_000)] * 5 + [("ICN", "CDG", "F", 5_000)],
    "99999-MILES": [("ICN", "CDG", "C", 10_000)] * 5 + [("ICN", "SIN", "Y", 12_499)],
    "9-AND-A-HALF-FLIGHTS": [("ICN", "PVG", "Q", 510)] * 9 + [("GMP", "CJU", "Q", 276)],
    "10-FLIGHTS": [("ICN", "FUK", "N", 345)] * 9 + [("GMP", "CJU", "T", 276)] * 2,
    "40-FLIGHTS": [("ICN", "PVG", "Q", 510)] * 40,
    "70-FLIGHTS": [("ICN", "FUK", "Q", 345)] * 69 + [("GMP", "PUS", "Q", 215)] * 2,
}
"""Elite status from the flights of 2021: origin, destination, class, miles."""


def _member_rows() -> Iterable[Row]:
    for name in (*_MEMBERS, "RATES", "AWARDS"):
        yield {
            "member_id": f"M-EDGE-{name}",
            "enrolled_on": "2015-01-01",
            "updated_at": "2015-01-01 00:00:00",
        }
    for number, enrolled in enumerate(("2021-12-31", "2022-01-01", "2016-02-29")):
        yield {
            "member_id": f"M-EDGE-ENROLLED-{number}",
            "enrolled_on": enrolled,
            "updated_at": f"{enrolled} 12:00:00",
        }


def _flight(
    number: str, member: str, date: str, path: str, class_: str, miles: int | None, **given: object
) -> Row:
    origin, destination = path.split("-")
    return {
        "activity_id": f"E-{number}",
        "member_id": f"M-EDGE-{member}",
        "flight_date": date,
        "operating_carrier": "KE",
        "flight_number": "KE001",
        "origin": origin,
        "destination": destination,
        "booking_class": class_,
        "ticket_type": "revenue",
        "flown": True,
        "distance_miles": miles,
        "revision": 0,
    } | given


def _flight_rows() -> Iterable[Row]:
    for name, flights in _MEMBERS.items():
        for number, (origin, destination, class_, miles) in enumerate(flights):
            date = f"2021-{4 + number % 9:02d}-{1 + number // 9:02d}"
            path = f"{origin}-{destination}"
            yield _flight(f"{name}-{number}", name, date, path, class_, miles)
    for class_ in "PFJCDIRYBMSHEKLUGQNTX":
        for date in ("2021-03-31", "2021-04-01"):
            yield _flight(f"{class_}-{date}", "RATES", date, "ICN-SIN", class_, None)
    on = "2020-05-05"
    yield _flight("HALF", "RATES", on, "ICN-FUK", "G", 345 + 1)
    for path in ("ICN-FUK", "ICN-PVG", "ICN-HNL", "ICN-SIN", "ICN-CDG", "CJU-GMP", "PUS-ICN"):
        yield _flight(f"{path}", "RATES", on, path, "Y", None)
    yield _flight("SUSPECT", "RATES", on, "ICN-FUK", "Y", 400)
    yield _flight("NOT-FLOWN", "RATES", on, "ICN-FUK", "Y", 345, flown=False)
    yield _flight("AWARD", "RATES", on, "ICN-FUK", "Y", 345, ticket_type="award")
    yield _flight("PARTNER", "RATES", on, "ICN-FUK", "Y", 345, operating_carrier="OZ")
    yield _flight("NOWHERE", "RATES", on, "ICN-ZZZ", "Y", 345)
    yield _flight("NOBODY", "NOBODY", on, "ICN-FUK", "Y", 345)
    yield _flight("EVE", "RATES", "2014-12-31", "ICN-FUK", "Y", 345)
    yield _flight("DAY", "RATES", "2015-01-01", "ICN-FUK", "Y", 345)
    yield _flight("REVISED", "RATES", on, "ICN-HNL", "Y", 4_560, revision=3)
    for number in range(6):
        yield _flight(f"EARN-{number}", "AWARDS", f"2016-0{number + 1}-10", "ICN-CDG", "F", 5_580)


def _award_rows() -> Iterable[Row]:
    paths = ["ICN-FUK", "ICN-PVG", "ICN-HNL", "ICN-SIN", "ICN-CDG", "GMP-CJU", "NRT-LAX"]
    asked = [
        (path, at, "ticket", "economy", "off_peak", "one_way")
        for path in paths
        for at in ("2021-03-31 23:59:59", "2021-04-01 00:00:00")
    ]
    later = "2021-05-01 10:00:00"
    asked += [
        ("ICN-DEL", "2017-05-01 10:00:00", "ticket", "economy", "peak", "round_trip"),
        ("ICN-FUK", later, "upgrade", "prestige", "off_peak", "one_way"),
        ("ICN-FUK", later, "upgrade", "first", "peak", "round_trip"),
        ("ICN-FUK", later, "upgrade", "economy", "off_peak", "one_way"),
        ("GMP-CJU", later, "ticket", "first", "off_peak", "one_way"),
        ("ICN-ZZZ", later, "ticket", "economy", "off_peak", "one_way"),
        ("ICN-GRU", later, "ticket", "first", "peak", "round_trip"),
    ]
    for number, (path, at, kind, cabin, season, trip) in enumerate(asked):
        origin, destination = path.split("-")
        yield {
            "request_id": f"E-{number:03d}",
            "member_id": "M-EDGE-AWARDS",
            "requested_at": at,
            "kind": kind,
            "origin": origin,
            "destination": destination,
            "cabin": cabin,
            "season": season,
            "trip": trip,
        }


def _mixed_rows() -> Iterable[Row]:
    paid: list[tuple[str, str, str, int, int, int]] = [
        ("2020-10-31 23:59:59", "web", "KRW", 500_000, 1_000, 1_000),
        ("2020-11-01 00:00:00", "web", "KRW", 500_000, 1_000, 1_000),
        ("2020-11-02 00:00:00", "mobile", "KRW", 500_000, 499, 1_000),
        ("2020-11-02 00:00:00", "mobile", "KRW", 500_000, 500, 1_000),
        ("2020-11-03 00:00:00", "web", "KRW", 500_000, 10_000, 1_000),
        ("2020-11-03 00:00:00", "web", "KRW", 500_000, 10_001, 1_000),
        ("2020-11-04 00:00:00", "call_centre", "KRW", 500_000, 1_000, 1_000),
        ("2020-11-04 00:00:00", "travel_agency", "KRW", 500_000, 1_000, 1_000),
        ("2020-11-04 00:00:00", "web", "USD", 500, 1_000, 1),
        ("2020-11-05 00:00:00", "web", "KRW", 200_000, 3_333, 1_001),
        ("2020-11-06 00:00:00", "web", "KRW", 900_000_000, 9_000_000, 1_999),
    ]
    for number, (at, channel, currency, fare, miles, rate) in enumerate(paid):
        yield {
            "payment_id": f"E-{number:03d}",
            "member_id": "M-EDGE-AWARDS",
            "paid_at": at,
            "channel": channel,
            "currency": currency,
            "fare": fare,
            "fuel_surcharge": 20_000,
            "taxes": 28_000,
            "miles": miles,
            "krw_per_mile": rate,
        }


def _held(export: str, rows: list[Row]) -> pa.Table:
    """The rows in the generator's own types."""
    columns: dict[str, object] = {}
    for schema in logical_schema(export):
        form = EXPORTS[export].metadata(schema.name)["form"]
        values = [row.get(schema.name) for row in rows]
        held = [_value(export, schema.name, str(form), value) for value in values]
        columns[schema.name] = pa.array(held, schema.type)
    return frame(export, len(rows), columns)


def _value(export: str, column: str, form: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    match form:
        case "date":
            return day(value)
        case "timestamp":
            return int((datetime.fromisoformat(value) - _EPOCH).total_seconds())
        case "enumeration":
            return code_of(export, column, value)
    return value


_ENTITIES: Final = {
    "customers": _customer_rows,
    "subscriptions": _subscription_rows,
    "members": _member_rows,
}
_EVENTS: Final = {
    "promotions": _promotion_rows,
    "purchases": _purchase_rows,
    "redemptions": _redemption_rows,
    "refund_applications": _refund_rows,
    "micropayments": _micropayment_rows,
    "limit_requests": _limit_rows,
    "flights": _flight_rows,
    "award_requests": _award_rows,
    "mixed_payments": _mixed_rows,
}


def edge_rows(export: str, month: int) -> pa.Table:
    """The hand-made rows of an export and month (0 where the export has no months)."""
    if export in _ENTITIES:
        return _held(export, list(_ENTITIES[export]()))
    if export == "billing":
        return _held(export, list(_billing_rows(month)))
    dated = str(EXPORTS[export].month_of)
    rows = [row for row in _EVENTS[export]() if str(row[dated]).startswith(month_text(month))]
    return _held(export, rows)
