"""The telecom's customers and what they do: bills, points, micropayments.

Everything about a customer follows from the customer's number, so that any slice of customers
and any month can be made on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import PRODUCTS
from transforms.sample.draws import (
    NEVER,
    Bools,
    Draws,
    Floats,
    Ints,
    choose,
    code_of,
    codes_of,
    day,
    first_day,
    frame,
    numbered,
    optional,
    pick,
)

Rows = tuple[pa.Table, Ints]
"""Rows of an export, and the slot (the owner's number) of each, in rising order."""

_MOBILE, _INTERNET, _IPTV, _WIBRO, _VOIP, _LANDLINE = range(len(PRODUCTS))
_HOLDS: Final = [0.97, 0.45, 0.32, 0.04, 0.06, 0.14]
"""Share of customers with each product; IPTV only with internet."""
_WIBRO_ENDS: Final = day("2018-12-31")

_TIER_SHARES: Final = [0.25, 0.30, 0.22, 0.15, 0.08]
_TIER_FEES: Final = [
    (20_000, 200_000),
    (200_000, 400_000),
    (400_000, 600_000),
    (600_000, 1_000_000),
    (1_000_000, 2_200_000),
]
_SEASON: Final = [1.0, 0.97, 1.0, 0.98, 1.01, 1.0, 1.04, 1.05, 1.0, 1.01, 0.98, 1.03]


@dataclass(frozen=True)
class _Line:
    """A line that a monthly bill may have: how often, and its weight or its range in won."""

    product: int
    item: str
    probability: float
    weight: float = 0.0
    won: tuple[int, int] = (0, 0)


_LINES: Final = [
    _Line(_MOBILE, "base_fee", 1.0, 0.50),
    _Line(_MOBILE, "domestic_call", 0.85, 0.20),
    _Line(_MOBILE, "data_call", 0.60, 0.15),
    _Line(_INTERNET, "service_fee", 1.0, 0.25),
    _Line(_IPTV, "basic_service_fee", 1.0, 0.15),
    _Line(_WIBRO, "base_fee", 1.0, 0.20),
    _Line(_VOIP, "base_fee", 1.0, 0.08),
    _Line(_VOIP, "domestic_call", 0.50, 0.05),
    _Line(_LANDLINE, "base_fee", 1.0, 0.08),
    _Line(_LANDLINE, "domestic_call", 0.50, 0.05),
    _Line(_MOBILE, "device_instalment", 0.40, won=(10_000, 45_000)),
    _Line(_MOBILE, "value_added_service", 0.40, won=(1_000, 9_900)),
    _Line(_MOBILE, "micropayment", 0.15, won=(1_000, 60_000)),
    _Line(_MOBILE, "content", 0.12, won=(500, 15_000)),
    _Line(_MOBILE, "international_call", 0.05, won=(300, 50_000)),
    _Line(_IPTV, "equipment_rental", 0.70, won=(3_300, 3_310)),
    _Line(_INTERNET, "equipment_rental", 0.30, won=(1_100, 5_500)),
    _Line(_MOBILE, "late_fee", 0.04, won=(50, 3_000)),
    _Line(_MOBILE, "other", 0.02, won=(100, 20_000)),
    _Line(_MOBILE, "base_fee", 0.02, won=(-20_000, -500)),
]
_LINE_PRODUCT: Final = np.array([line.product for line in _LINES])
_LINE_ITEM: Final = np.array([code_of("billing", "charge_item", line.item) for line in _LINES])
_LINE_PROBABILITY: Final = np.array([line.probability for line in _LINES])
_LINE_WEIGHT: Final = np.array([line.weight for line in _LINES])
_LINE_LOW: Final = np.array([line.won[0] for line in _LINES])
_LINE_SPAN: Final = np.array([line.won[1] - line.won[0] for line in _LINES])

_PLANS: Final = [
    "표본 LTE 59",
    "표본 스마트, 무제한",
    '표본 "가족" 결합',
    "표본 순\n모두다",
    "표본 인터넷 100M",
    "표본 5G | 슈퍼; 플랜",
]
_PROMOTIONS: Final = ["WELCOME", "생일축하", "SUMMER, 2016", "COMEBACK"]
_PARTNERS: Final = ["cgv", "convenience_24", "pizza_sample", "서점, 표본", "bakery_sample"]
_DOUBLE_PARTNERS: Final = [
    "tous_les_jours",
    "dominos_pizza",
    "lotte_world",
    "cgv",
    "culture_show",
    "corner_shop",
]
_CHOICE_PARTNERS: Final = [
    "free_movie",
    "americano_short",
    "cgv_gold_class_half",
    "hyundai_mall_coupon",
    "baskin_double_junior",
    "cgv",
]
_MERCHANTS: Final = ["표본상점", "Sample Games, Inc.", '콘텐츠 "가상"', "구독서비스"]
_VALIDITY: Final = [7, 30, 89, 90, 91, 180, 365]
_HALF_HOUR: Final = 1_800
_LIMITS: Final = [
    *(0, 50_000, 100_000, 150_000, 150_001, 200_000, 300_000, 300_001),
    *(500_000, 999_999, 1_000_000, 1_000_001, 2_000_000),
]


@dataclass(frozen=True)
class People:
    """A slice of customers; days since 1970, `NEVER` for no termination."""

    number: Ints
    joined: Ints
    terminated: Ints
    suspended: Bools
    annual_fee: Floats
    holds: Bools
    late_payer: Bools

    @property
    def size(self) -> int:
        """How many customers the slice has."""
        return len(self.number)

    def served(self, first: int, last: int) -> Bools:
        """In service on at least one of the days."""
        return (self.joined <= last) & (self.terminated > first)


def customer_id(number: Ints) -> pa.Array:
    """Identifiers of customers by their number, from 0 on."""
    return numbered("C", number + 1, 7)


def subscription_id(number: Ints, product: Ints | int) -> pa.Array:
    """Identifiers of a customer's subscription of a product."""
    return numbered("S", (number + 1) * 10 + product, 8)


def contact_of(number: Ints, form: Ints) -> pa.Array:
    """Fictional: no mobile number starts with 010-0."""
    dash = pick(["-", "", " "], form)
    high = pc.ascii_lpad(pa.array((number + 1) // 10_000).cast(pa.string()), 4, "0")
    low = pc.ascii_lpad(pa.array((number + 1) % 10_000).cast(pa.string()), 4, "0")
    return pc.binary_join_element_wise("010", dash, high, dash, low, "")


def address_of(number: Ints) -> pa.Array:
    """Fictional; some with what a delimiter or a quote would trip over."""
    rest = ["", ", 101동", ' "가"동', "\n2층", "; 3호 | 우측", ""]
    return pc.binary_join_element_wise(
        "서울특별시 가상구 표본로 ",
        pa.array(number + 1).cast(pa.string()),
        pick(rest, np.where(number % 10 < 6, number % 10, 0)),
        "",
    )


class Telecom:
    """Makes the telecom's exports for `customers` customers over the given months."""

    def __init__(self, draws: Draws, customers: int, first_month: int, last_month: int) -> None:
        self._draws = draws
        self.customers = customers
        self._first = first_day(first_month)
        self._last = first_day(last_month + 1) - 1

    def people(self, start: int, stop: int) -> People:
        """The customers with these numbers."""
        count = stop - start

        def u(purpose: str) -> Floats:
            return self._draws.uniform(f"people/{purpose}", 0, start, count)

        early = day("1999-01-01") + u("joined") * (self._first - day("1999-01-01"))
        during = self._first + u("joined") * (self._last - self._first)
        joined = _snapped(np.where(u("joins") < 0.86, early, during), u("snap_joined"))
        stayed = 20 + u("left") * (self._last - self._first)
        left = _snapped(np.maximum(joined, self._first) + stayed, u("snap_left"))
        leaves = (u("leaves") < 0.22) & (left > joined) & (left <= self._last)
        tier = choose(_TIER_SHARES, u("tier"))
        low, high = np.array(_TIER_FEES, np.float64).T
        fee = (low[tier] + (high[tier] - low[tier]) * u("fee")) * np.where(u("big") < 0.003, 3, 1)
        holds = self._draws.uniform("people/holds", 0, start, count, 6) < np.array(_HOLDS)
        holds[:, _IPTV] = holds[:, _INTERNET] & (u("iptv") < _HOLDS[_IPTV] / _HOLDS[_INTERNET])
        holds[:, _MOBILE] |= ~holds.any(axis=1)
        return People(
            np.arange(start, stop),
            joined,
            np.where(leaves, left, NEVER).astype(np.int64),
            (u("suspended") < 0.03) & ~leaves,
            fee,
            holds,
            u("late_payer") < 0.08,
        )

    def customer_rows(self, month: int, start: int, stop: int) -> Rows:
        """One row for each customer of the slice."""
        people = self.people(start, stop)
        number = people.number
        left = people.terminated < NEVER
        u = self._draws.uniform("customers/form", 0, start, people.size, 4)
        updated = np.where(left, people.terminated, people.joined + 60)
        seconds = np.where(u[:, 0] < 0.3, 0, (u[:, 1] * 1_440).astype(np.int64) * 60)
        has_contact, has_address = u[:, 2] > 0.03, u[:, 3] > 0.04
        known = np.where(u[:, 2] < 0.6, 0, np.where(u[:, 2] < 0.8, 1, 2))
        missing = pa.scalar(None, pa.string())
        columns: dict[str, object] = {
            "customer_id": customer_id(number),
            "joined_on": people.joined,
            "status": np.where(left, 2, np.where(people.suspended, 1, 0)),
            "terminated_on": optional(people.terminated, left),
            "contact": pc.if_else(pa.array(has_contact), contact_of(number, known), missing),
            "address": pc.if_else(pa.array(has_address), address_of(number), missing),
            "updated_at": updated * 86_400 + seconds,
        }
        return frame("customers", people.size, columns), number

    def subscription_rows(self, month: int, start: int, stop: int) -> Rows:
        """The slice's subscriptions, one for each product held."""
        people = self.people(start, stop)
        row, product = np.nonzero(people.holds)
        u = self._draws.uniform("subscriptions", 0, start, people.size, 24)
        u = u.reshape(people.size, 6, 4)[row, product]
        opened = people.joined[row] + np.where(u[:, 0] < 0.7, 0, u[:, 0] * 200).astype(np.int64)
        closed = np.minimum(people.terminated[row], _closing(product))
        closed = np.where(u[:, 3] > 0.97, opened, closed)
        opened = np.minimum(opened, closed)
        grade = 1 + choose([0.1, 0.15, 0.17, 0.16, 0.14, 0.1, 0.08, 0.05, 0.03, 0.02], u[:, 1])
        plan = pick(_PLANS, (u[:, 2] * 997).astype(np.int64) % len(_PLANS))
        columns: dict[str, object] = {
            "subscription_id": subscription_id(people.number[row], product),
            "customer_id": customer_id(people.number[row]),
            "product": product,
            "plan": pc.if_else(pa.array(u[:, 3] > 0.1), plan, pa.scalar(None, pa.string())),
            "plan_class": choose([0.74, 0.12, 0.10, 0.04], u[:, 2]),
            "credit_grade": optional(grade, (product == _MOBILE) | (u[:, 3] < 0.3)),
            "opened_on": opened,
            "closed_on": optional(closed, closed < NEVER),
            "updated_at": np.where(closed < NEVER, closed, opened + 60) * 86_400
            + (u[:, 0] * 86_400).astype(np.int64),
        }
        return frame("subscriptions", len(row), columns), people.number[row]

    def billing_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's bills of the slice's customers, line by line."""
        people = self.people(start, stop)
        begins, ends = first_day(month), first_day(month + 1) - 1
        lines = len(_LINES)
        u = self._draws.uniform("billing/lines", month, start, people.size, lines)
        amounts = self._draws.uniform("billing/amounts", month, start, people.size, lines)
        whim = self._draws.uniform("billing/whims", month, start, people.size, 5)
        # a few are billed a month before they join or after they leave
        billed = people.served(begins, ends)
        billed |= (whim[:, 0] < 0.2) & people.served(begins - 31, ends)
        billed |= (whim[:, 0] < 0.02) & people.served(begins, ends + 31)
        holds = people.holds[:, _LINE_PRODUCT] & billed[:, None]
        if begins > _WIBRO_ENDS:
            holds[:, _LINE_PRODUCT == _WIBRO] = False
        row, line = np.nonzero(holds & (u < _LINE_PROBABILITY))
        usual = (people.holds[:, _LINE_PRODUCT] * (_LINE_WEIGHT * _LINE_PROBABILITY)).sum(axis=1)
        monthly = people.annual_fee / 12 / np.maximum(usual, 0.01) * _SEASON[month % 12]
        year = (month + 2) // 12
        drift = self._draws.uniform("billing/drift", year, start, people.size)
        monthly = monthly * (0.92 + 0.16 * drift)
        noise = amounts[row, line]
        weighed = monthly[row] * _LINE_WEIGHT[line] * (0.85 + 0.3 * noise)
        flat = _LINE_LOW[line] + _LINE_SPAN[line] * noise
        amount = np.where(_LINE_WEIGHT[line] > 0, weighed, flat).astype(np.int64) // 10 * 10
        due = np.full(len(row), first_day(month + 1) + 24)
        collected, collected_on, paid = _payment(
            amount, due, people.late_payer[row], whim[row, 1], whim[row, 2]
        )
        number = people.number[row]
        strange = pa.array(whim[row, 3] < 0.0015)
        owner = pc.if_else(strange, numbered("U", number + 1, 7), customer_id(number))
        columns: dict[str, object] = {
            "billing_line_id": numbered("B", number * 32 + line, 9),
            "customer_id": owner,
            "subscription_id": subscription_id(number, _LINE_PRODUCT[line]),
            "product": _LINE_PRODUCT[line],
            "charge_item": _LINE_ITEM[line],
            "billing_month": np.full(len(row), month),
            "billed_amount": amount,
            "collected_amount": collected,
            "due_on": due,
            "collected_on": optional(collected_on, paid),
            "revision": optional(np.zeros(len(row), np.int64), whim[row, 4] < 0.8),
        }
        return frame("billing", len(row), columns), number

    def _events(
        self, export: str, month: int, start: int, stop: int, chances: list[float], width: int
    ) -> tuple[People, Ints, Ints, Floats, Ints]:
        """Who does which of the things in the month: people, row, thing, draws, second."""
        people = self.people(start, stop)
        begins, ends = first_day(month), first_day(month + 1)
        size, things = people.size, len(chances)
        u = self._draws.uniform(export, month, start, size, things * (width + 2))
        u = u.reshape(size, things, width + 2)
        happens = (u[:, :, 0] < np.array(chances)) & people.served(begins - 3, ends + 3)[:, None]
        row, thing = np.nonzero(happens)
        drawn = u[row, thing]
        minutes = (drawn[:, 1] * (ends - begins) * 1_440).astype(np.int64)
        second = begins * 86_400 + minutes * 60
        return people, row, thing, drawn[:, 2:], second

    def promotion_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's promotional credits."""
        people, row, _, u, second = self._events("promotions", month, start, stop, [0.035], 4)
        number = people.number[row]
        days = second // 86_400
        validity = np.array(_VALIDITY)[(u[:, 0] * len(_VALIDITY)).astype(np.int64)]
        columns: dict[str, object] = {
            "promotion_credit_id": numbered("P", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 1]),
            "credited_on": days,
            "promotion_code": pick(_PROMOTIONS, (u[:, 2] * len(_PROMOTIONS)).astype(np.int64)),
            "points": 100 * (1 + (u[:, 3] ** 3 * 200).astype(np.int64)),
            "refundable": u[:, 1] < 0.5,
            "expires_on": optional(days + validity, u[:, 2] < 0.6),
        }
        return frame("promotions", len(row), columns), number

    def purchase_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's purchases."""
        people, row, _, u, second = self._events("purchases", month, start, stop, [0.04], 3)
        number = people.number[row]
        columns: dict[str, object] = {
            "purchase_id": numbered("Q", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 0]),
            "purchased_at": second,
            "channel": u[:, 1] < 0.4,
            "amount": 1 + (u[:, 2] ** 4 * 1_500_000).astype(np.int64),
        }
        return frame("purchases", len(row), columns), number

    def redemption_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's redemptions, and what cancels them, then or later."""
        chances = [0.06, 0.03, 0.04, 0.02, 0.025, 0.012]
        people, row, thing, u, second = self._events("redemptions", month, start, stop, chances, 4)
        number = people.number[row]
        benefit = np.array([0, 0, 1, 1, 2, 2])[thing]
        shops = [_PARTNERS, _DOUBLE_PARTNERS, _CHOICE_PARTNERS]
        lists = [pick(shop, (u[:, 0] * len(shop)).astype(np.int64)) for shop in shops]
        partner = pc.choose(pa.array(benefit), *lists)
        points = 100 * (1 + (u[:, 1] ** 2 * 150).astype(np.int64))
        points = np.where(u[:, 1] > 0.97, points * 100, points)
        points = np.where((benefit == 2) & (u[:, 2] < 0.5), 0, points)
        code = numbered("R", number * 10 + thing, 8, f"-{month}")
        # cancelled: in time, twice, before the use, by someone else, long after
        cancelled = np.flatnonzero(u[:, 3] < 0.16)
        manner = (u[cancelled, 3] / 0.16 * 10).astype(np.int64)
        again = cancelled[manner == 1]
        taken = np.concatenate([np.arange(len(row)), cancelled, again])
        which = np.concatenate(
            [np.zeros(len(row), np.int64), np.ones(len(cancelled), np.int64), again * 0 + 2]
        )
        delays = np.array([2, 5, 26, 47, -3, 9, 1, 24 * 40, 24 * 150, 12]) * 3_600
        delay = np.zeros(len(taken), np.int64)
        delay[len(row) : len(row) + len(cancelled)] = delays[manner]
        delay[len(row) + len(cancelled) :] = 7 * 3_600
        stranger = np.zeros(len(taken), np.bool_)
        stranger[len(row) : len(row) + len(cancelled)] = manner == 5
        when = second[taken] + delay
        when = np.where(when // 86_400 > self._last, second[taken], when)
        order = np.argsort(taken, kind="stable")
        taken, which, when, stranger = taken[order], which[order], when[order], stranger[order]
        at = pa.array(taken)
        cancels = pa.array(which > 0)
        who = np.where(stranger, (number[taken] + 1) % self.customers, number[taken])
        columns: dict[str, object] = {
            "redemption_id": pc.binary_join_element_wise(
                code.take(at), pick(["", "-C", "-D"], which), ""
            ),
            "customer_id": _some_unknown(who, u[taken, 2]),
            "used_at": when,
            "benefit": benefit[taken],
            "partner": partner.take(at),
            "points": np.where((which > 0) & (u[taken, 0] < 0.5), 0, points[taken]),
            "cancels": pc.if_else(cancels, code.take(at), pa.scalar(None, pa.string())),
        }
        return frame("redemptions", len(taken), columns), number[taken]

    def refund_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's refund applications."""
        export = "refund_applications"
        people, row, _, u, second = self._events(export, month, start, stop, [0.03], 4)
        number = people.number[row]
        contact = np.where(u[:, 0] < 0.1, number + 1, number)
        address = np.where(u[:, 0] > 0.9, number + 1, number)
        columns: dict[str, object] = {
            "application_id": numbered("F", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 1]),
            "applied_at": second,
            "points": 10 + (u[:, 2] ** 3 * 60_000).astype(np.int64),
            "method": choose([0.5, 0.3, 0.2], u[:, 3]),
            "channel": u[:, 1] < 0.6,
            "contact": contact_of(contact, (u[:, 2] * 3).astype(np.int64)),
            "address": address_of(address),
        }
        return frame(export, len(row), columns), number

    def micropayment_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's micropayments."""
        export = "micropayments"
        chances = [0.07, 0.04, 0.02, 0.02, 0.01]
        people, row, thing, u, second = self._events(export, month, start, stop, chances, 4)
        number = people.number[row]
        amount = 100 * (1 + (u[:, 0] ** 3 * 900).astype(np.int64))
        # halves and wholes of the limits, so that they are met exactly
        amount = np.where(u[:, 0] > 0.85, 50_000 * (1 + (u[:, 1] * 6).astype(np.int64)), amount)
        known = u[:, 2] > 0.01
        line = subscription_id(number, np.where(u[:, 2] > 0.97, _INTERNET, _MOBILE))
        columns: dict[str, object] = {
            "payment_id": numbered("M", number * 10 + thing, 8, f"-{month}"),
            "subscription_id": pc.if_else(pa.array(known), line, "S-UNKNOWN"),
            "requested_at": second,
            "merchant": pick(_MERCHANTS, (u[:, 1] * len(_MERCHANTS)).astype(np.int64)),
            "category": (u[:, 3] * len(codes_of(export, "category"))).astype(np.int64),
            "amount": amount,
            "platform_fee": optional((amount * 0.03).astype(np.int64), u[:, 3] < 0.5),
            "recurring": optional(u[:, 3] < 0.2, u[:, 2] < 0.8),
        }
        return frame(export, len(row), columns), number

    def limit_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's requests for another limit."""
        export = "limit_requests"
        people, row, _, u, second = self._events(export, month, start, stop, [0.03], 3)
        number = people.number[row]
        asked = np.array(_LIMITS)
        known = u[:, 0] > 0.03
        line = subscription_id(number, np.where(u[:, 0] > 0.95, _INTERNET, _MOBILE))
        columns: dict[str, object] = {
            "request_id": numbered("L", number, 7, f"-{month}"),
            "subscription_id": pc.if_else(pa.array(known), line, "S-UNKNOWN"),
            "requested_at": second // _HALF_HOUR * _HALF_HOUR,
            "requested_limit": asked[(u[:, 1] * len(asked)).astype(np.int64)],
        }
        return frame(export, len(row), columns), number


def _snapped(days: Floats, u: Floats) -> Ints:
    """The days, some moved to 1 November or 1 January of their year, where tiers are assessed."""
    whole = np.floor(days).astype(np.int64)
    year = whole.astype("datetime64[D]").astype("datetime64[Y]")
    january = year.astype("datetime64[D]").astype(np.int64)
    november = (year.astype("datetime64[M]") + 10).astype("datetime64[D]").astype(np.int64)
    return np.where(u < 0.02, january, np.where(u < 0.05, november, whole))


def _closing(product: Ints) -> Ints:
    return np.where(product == _WIBRO, _WIBRO_ENDS, NEVER)


def _payment(
    amount: Ints, due: Ints, late_payer: Bools, manner: Floats, delay: Floats
) -> tuple[Ints, Ints, Bools]:
    """What is collected of each line, when, and whether anything is.

    In time, late, in part or never; those who are often late are so far more often.
    """
    never = manner < np.where(late_payer, 0.06, 0.008)
    part = ~never & (manner < np.where(late_payer, 0.12, 0.014))
    late = ~never & (manner < np.where(late_payer, 0.45, 0.045))
    collected = np.where(never, 0, np.where(part, amount // 2 // 10 * 10, amount))
    after = (1 + delay * delay * 75).astype(np.int64)
    on = np.where(late, due + after, due - (delay * 12).astype(np.int64))
    credit = amount < 0
    collected = np.where(credit, amount, collected)
    on = np.where(credit, due, on)
    return collected, on, collected != 0


def _some_unknown(number: Ints, u: Floats) -> pa.Array:
    """Customers' identifiers, a few of them of nobody."""
    return pc.if_else(pa.array(u > 0.99), numbered("U", number + 1, 7), customer_id(number))
