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
from transforms.sample.columns import code_of, frame, labels_of
from transforms.sample.draws import (
    NEVER,
    Bools,
    Draws,
    Floats,
    Ints,
    Rows,
    choose,
    day,
    draw,
    first_day,
    numbered,
    optional,
    pick,
    scaled,
    settings,
    written_down,
)

_SET: Final = settings("telecom")
_POSITION: Final = {product: position for position, product in enumerate(PRODUCTS)}
_MOBILE, _INTERNET, _IPTV, _WIBRO = (
    _POSITION[product] for product in ("mobile", "internet", "iptv", "wibro")
)
_WIBRO_ENDS: Final = day("2018-12-31")


def _bill_lines() -> list[dict[str, str | None]]:
    """The lines that a monthly bill may have, from `tables/bill_lines.csv`.

    A line says how often it is there, and either its weight in the yearly fee or its range in
    won. A product that the table does not name has its base fee in every bill.
    """
    lines = written_down("tables/bill_lines.csv")
    further = set(PRODUCTS) - {str(line["product"]) for line in lines}
    fee: dict[str, str | None] = {"charge_item": "base_fee", "probability": "1", "weight": "0.1"}
    return lines + [fee | {"product": name} for name in PRODUCTS if name in further]


_LINES: Final = _bill_lines()
_LINE_PRODUCT: Final = np.array([_POSITION[str(line["product"])] for line in _LINES])
_LINE_ITEM: Final = np.array(
    [code_of("billing", "charge_item", str(line["charge_item"])) for line in _LINES]
)
_LINE_PROBABILITY, _LINE_WEIGHT, _LINE_LOW, _LINE_HIGH = (
    np.array([float(line.get(name) or 0) for line in _LINES])
    for name in ("probability", "weight", "lowest", "highest")
)
_MOST_LINES: Final = max(32, len(_LINES))
_MOST_PRODUCTS: Final = max(10, len(PRODUCTS))
"""By how much the numbers of a customer's lines and subscriptions are apart from the next one's."""

_TWICE, _BY_SOMEONE_ELSE = 1, 5
"""Manners in which a use of points is cancelled."""
_HALF_HOUR: Final = 1_800


@dataclass(frozen=True)
class People:
    """A slice of customers by number; days since 1970, `NEVER` for no termination.

    `annual_fee` is about what a customer pays in a year, in won; `holds` says by product, in
    declared order, whether the customer has it.
    """

    number: Ints
    joined: Ints
    terminated: Ints
    suspended: Bools
    annual_fee: Floats
    holds: Bools
    late_payer: Bools

    def served(self, first: int, last: int) -> Bools:
        """In service on at least one of the days."""
        return (self.joined <= last) & (self.terminated > first)


def customer_id(number: Ints) -> pa.Array:
    """Identifiers of customers by their number, from 0 on."""
    return numbered("C", number + 1, 7)


def subscription_id(number: Ints, product: Ints | int) -> pa.Array:
    """Identifiers of a customer's subscription of a product."""
    return numbered("S", (number + 1) * _MOST_PRODUCTS + product, 8)


def contact_of(number: Ints, form: Ints) -> pa.Array:
    """Fictional: no mobile number starts with 010-0."""
    dash = pick(["-", "", " "], form)
    high, low = (numbered("", part, 4) for part in divmod(number + 1, 10_000))
    return pc.binary_join_element_wise("010", dash, high, dash, low, "")


def address_of(number: Ints) -> pa.Array:
    """Fictional; some with what a delimiter or a quote would trip over."""
    rest = ["", ", 101동", ' "가"동', "\n2층", "; 3호 | 우측", ""]
    which = np.where(number % 10 < 6, number % 10, 0)
    return numbered("서울특별시 가상구 표본로 ", number + 1, 1, pick(rest, which))


class Telecom:
    """Makes the telecom's exports for `customers` customers over the given months.

    Each `…_rows` method takes a month (months since year 0; customers and subscriptions ignore
    it) and a slice of customers by their numbers, from `start` to before `stop`.
    """

    def __init__(self, draws: Draws, customers: int, first_month: int, last_month: int) -> None:
        self._draws = draws
        self._customers = customers
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
        tier = choose(_SET["tier_shares"], u("tier"))
        low, high = (np.array(_SET["tier_fees"])[tier + end] for end in (0, 1))
        fee = (low + (high - low) * u("fee")) * np.where(u("big") < 0.003, 3, 1)
        shares = [_SET["holds"].get(product, _SET["further"]) for product in PRODUCTS]
        holds = self._draws.uniform("people/holds", 0, start, count, len(shares)) < shares
        with_internet = shares[_IPTV] / shares[_INTERNET]
        holds[:, _IPTV] = holds[:, _INTERNET] & (u("iptv") < with_internet)
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
        u = self._draws.uniform("customers/form", 0, start, len(number), 4)
        updated = np.where(left, people.terminated, people.joined + 60)
        seconds = np.where(u[:, 0] < 0.3, 0, scaled(u[:, 1], 1_440) * 60)
        written = np.where(u[:, 2] < 0.6, 0, np.where(u[:, 2] < 0.8, 1, 2))
        columns: dict[str, object] = {
            "customer_id": customer_id(number),
            "joined_on": people.joined,
            "status": np.where(left, 2, np.where(people.suspended, 1, 0)),
            "terminated_on": optional(people.terminated, left),
            "contact": optional(contact_of(number, written), u[:, 2] > 0.03),
            "address": optional(address_of(number), u[:, 3] > 0.04),
            "updated_at": updated * 86_400 + seconds,
        }
        return frame("customers", len(number), columns), number

    def subscription_rows(self, month: int, start: int, stop: int) -> Rows:
        """The slice's subscriptions, one for each product held."""
        people = self.people(start, stop)
        row, product = np.nonzero(people.holds)
        number = people.number[row]
        size, products = people.holds.shape
        u = self._draws.uniform("subscriptions", 0, start, size, products * 4)
        u = u.reshape(size, products, 4)[row, product]
        opened = people.joined[row] + np.where(u[:, 0] < 0.7, 0, scaled(u[:, 0], 200))
        last_day = np.where(product == _WIBRO, _WIBRO_ENDS, NEVER)
        closed = np.minimum(people.terminated[row], last_day)
        closed = np.where(u[:, 3] > 0.97, opened, closed)
        opened = np.minimum(opened, closed)
        grade = 1 + choose(_SET["credit_grade_shares"], u[:, 1])
        plan = scaled(u[:, 2], 997) % len(_SET["plans"])
        updated = np.where(closed < NEVER, closed, opened + 60)
        columns: dict[str, object] = {
            "subscription_id": subscription_id(number, product),
            "customer_id": customer_id(number),
            "product": product,
            "plan": optional(pick(_SET["plans"], plan), u[:, 3] > 0.1),
            "plan_class": choose([0.74, 0.12, 0.10, 0.04], u[:, 2]),
            "credit_grade": optional(grade, (product == _MOBILE) | (u[:, 3] < 0.3)),
            "opened_on": opened,
            "closed_on": optional(closed, closed < NEVER),
            "updated_at": updated * 86_400 + scaled(u[:, 0], 86_400),
        }
        return frame("subscriptions", len(row), columns), number

    def billing_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's bills of the slice's customers, line by line."""
        people = self.people(start, stop)
        size = len(people.number)
        u = self._draws.uniform("billing/lines", month, start, size, len(_LINES))
        whim = self._draws.uniform("billing/whims", month, start, size, 5)
        holds = people.holds[:, _LINE_PRODUCT] & self._billed(people, month, whim[:, 0])[:, None]
        if first_day(month) > _WIBRO_ENDS:
            holds[:, _LINE_PRODUCT == _WIBRO] = False
        row, line = np.nonzero(holds & (u < _LINE_PROBABILITY))
        amount = self._amounts(people, month, row, line)
        due = np.full(len(row), first_day(month + 1) + 24)
        collected, collected_on, paid = _payment(
            amount, due, people.late_payer[row], whim[row, 1], whim[row, 2]
        )
        number = people.number[row]
        strange = pa.array(whim[row, 3] < 0.0015)
        columns: dict[str, object] = {
            "billing_line_id": numbered("B", number * _MOST_LINES + line, 9),
            "customer_id": pc.if_else(strange, _unknown(number), customer_id(number)),
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

    def _billed(self, people: People, month: int, whim: Floats) -> Bools:
        """Who has a bill in the month: a few also before they join or after they leave."""
        begins, ends = first_day(month), first_day(month + 1) - 1
        return (
            people.served(begins, ends)
            | (whim < 0.2) & people.served(begins - 31, ends)
            | (whim < 0.02) & people.served(begins, ends + 31)
        )

    def _amounts(self, people: People, month: int, row: Ints, line: Ints) -> Ints:
        """The billed won of each line: the row of its customer in the slice, and which line.

        What a customer pays in a month follows the yearly fee, the season and a drift of the
        year; it is shared out among the lines that have a weight.
        """
        start, size = int(people.number[0]), len(people.number)
        amounts = self._draws.uniform("billing/amounts", month, start, size, len(_LINES))
        drift = self._draws.uniform("billing/drift", (month + 2) // 12, start, size)
        usual = (people.holds[:, _LINE_PRODUCT] * (_LINE_WEIGHT * _LINE_PROBABILITY)).sum(axis=1)
        monthly = people.annual_fee / 12 / np.maximum(usual, 0.01) * _SET["season"][month % 12]
        monthly = monthly * (0.92 + 0.16 * drift)
        noise = amounts[row, line]
        weighed = monthly[row] * _LINE_WEIGHT[line] * (0.85 + 0.3 * noise)
        flat = _LINE_LOW[line] + (_LINE_HIGH - _LINE_LOW)[line] * noise
        won: Ints = np.where(_LINE_WEIGHT[line] > 0, weighed, flat).astype(np.int64)
        return won // 10 * 10

    def _events(
        self, export: str, month: int, start: int, stop: int, chances: list[float], width: int
    ) -> tuple[Ints, Ints, Floats, Ints]:
        """What customers do in a month: number, which of the things, draws, second since 1970.

        A few do it up to three days before they join or after they leave.
        """
        people = self.people(start, stop)
        served = people.served(first_day(month) - 3, first_day(month + 1) + 3)
        likely = np.array(chances) * served[:, None]
        row, thing, u, second = self._draws.events(export, month, start, likely, width)
        return people.number[row], thing, u, second

    def promotion_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's promotional credits."""
        number, _, u, second = self._events("promotions", month, start, stop, [0.035], 4)
        days = second // 86_400
        options = np.array(_SET["days_of_validity"])
        validity = options[scaled(u[:, 0], len(options))]
        columns: dict[str, object] = {
            "promotion_credit_id": numbered("P", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 1]),
            "credited_on": days,
            "promotion_code": draw(_SET["promotions"], u[:, 2]),
            "points": 100 * (1 + scaled(u[:, 3] ** 3, 200)),
            "refundable": u[:, 1] < 0.5,
            "expires_on": optional(days + validity, u[:, 2] < 0.6),
        }
        return frame("promotions", len(number), columns), number

    def purchase_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's purchases."""
        number, _, u, second = self._events("purchases", month, start, stop, [0.04], 3)
        columns: dict[str, object] = {
            "purchase_id": numbered("Q", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 0]),
            "purchased_at": second,
            "channel": u[:, 1] < 0.4,
            "amount": 1 + scaled(u[:, 2] ** 4, 1_500_000),
        }
        return frame("purchases", len(number), columns), number

    def redemption_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's redemptions, and what cancels them, then or later.

        Some are cancelled in time, some twice, before the use, by someone else, or long after.
        """
        chances = [0.06, 0.03, 0.04, 0.02, 0.025, 0.012]
        number, thing, u, second = self._events("redemptions", month, start, stop, chances, 4)
        benefit = thing // 2
        lists = [draw(partners, u[:, 0]) for partners in _SET["partners"]]
        partner = pc.choose(pa.array(benefit), *lists)
        points = 100 * (1 + scaled(u[:, 1] ** 2, 150))
        points = np.where(u[:, 1] > 0.97, points * 100, points)
        points = np.where((benefit == 2) & (u[:, 2] < 0.5), 0, points)
        code = numbered("R", number * 10 + thing, 8, f"-{month}")
        cancelled = np.flatnonzero(u[:, 3] < 0.16)
        delays = np.array(_SET["cancelled_after"])
        manner = scaled(u[cancelled, 3] / 0.16, len(delays))
        again = cancelled[manner == _TWICE]
        uses = np.arange(len(number))
        none = np.zeros(len(uses), np.int64)
        # each use, then what cancels it, then what cancels it once more
        row = np.concatenate([uses, cancelled, again])
        which = np.repeat([0, 1, 2], [len(uses), len(cancelled), len(again)])
        after = np.concatenate([none, delays[manner], again * 0 + 7]) * 3_600
        stranger = np.concatenate([none, manner == _BY_SOMEONE_ELSE, again * 0])
        when = second[row] + after
        when = np.where(when // 86_400 > self._last, second[row], when)
        order = np.argsort(row, kind="stable")
        row, which, when, stranger = row[order], which[order], when[order], stranger[order]
        at = pa.array(row)
        who = np.where(stranger, (number[row] + 1) % self._customers, number[row])
        columns: dict[str, object] = {
            "redemption_id": pc.binary_join_element_wise(
                code.take(at), pick(["", "-C", "-D"], which), ""
            ),
            "customer_id": _some_unknown(who, u[row, 2]),
            "used_at": when,
            "benefit": benefit[row],
            "partner": partner.take(at),
            "points": np.where((which > 0) & (u[row, 0] < 0.5), 0, points[row]),
            "cancels": optional(code.take(at), which > 0),
        }
        return frame("redemptions", len(row), columns), number[row]

    def refund_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's refund applications; one in ten gives another's contact or address."""
        export = "refund_applications"
        number, _, u, second = self._events(export, month, start, stop, [0.03], 4)
        columns: dict[str, object] = {
            "application_id": numbered("F", number, 7, f"-{month}"),
            "customer_id": _some_unknown(number, u[:, 1]),
            "applied_at": second,
            "points": 10 + scaled(u[:, 2] ** 3, 60_000),
            "method": choose([0.5, 0.3, 0.2], u[:, 3]),
            "channel": u[:, 1] < 0.6,
            "contact": contact_of(number + (u[:, 0] < 0.1), scaled(u[:, 2], 3)),
            "address": address_of(number + (u[:, 0] > 0.9)),
        }
        return frame(export, len(number), columns), number

    def micropayment_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's micropayments."""
        export = "micropayments"
        chances = [0.07, 0.04, 0.02, 0.02, 0.01]
        number, thing, u, second = self._events(export, month, start, stop, chances, 4)
        amount = 100 * (1 + scaled(u[:, 0] ** 3, 900))
        # halves and wholes of the limits, so that they are met exactly
        amount = np.where(u[:, 0] > 0.85, 50_000 * (1 + scaled(u[:, 1], 6)), amount)
        columns: dict[str, object] = {
            "payment_id": numbered("M", number * 10 + thing, 8, f"-{month}"),
            "subscription_id": _line_of(number, u[:, 2], 0.01, 0.97),
            "requested_at": second,
            "merchant": draw(_SET["merchants"], u[:, 1]),
            "category": scaled(u[:, 3], len(labels_of(export, "category"))),
            "amount": amount,
            "platform_fee": optional((amount * 0.03).astype(np.int64), u[:, 3] < 0.5),
            "recurring": optional(u[:, 3] < 0.2, u[:, 2] < 0.8),
        }
        return frame(export, len(number), columns), number

    def limit_rows(self, month: int, start: int, stop: int) -> Rows:
        """The month's requests for another limit."""
        export = "limit_requests"
        number, _, u, second = self._events(export, month, start, stop, [0.03], 3)
        limits = np.array(_SET["limits"])
        columns: dict[str, object] = {
            "request_id": numbered("L", number, 7, f"-{month}"),
            "subscription_id": _line_of(number, u[:, 0], 0.03, 0.95),
            "requested_at": second // _HALF_HOUR * _HALF_HOUR,
            "requested_limit": limits[scaled(u[:, 1], len(limits))],
        }
        return frame(export, len(number), columns), number


def _snapped(days: Floats, u: Floats) -> Ints:
    """The days, some moved to 1 November or 1 January of their year, where tiers are assessed."""
    whole = np.floor(days).astype(np.int64)
    year = whole.astype("datetime64[D]").astype("datetime64[Y]")
    january = year.astype("datetime64[D]").astype(np.int64)
    november = (year.astype("datetime64[M]") + 10).astype("datetime64[D]").astype(np.int64)
    return np.where(u < 0.02, january, np.where(u < 0.05, november, whole))


def _payment(
    amount: Ints, due: Ints, late_payer: Bools, manner: Floats, delay: Floats
) -> tuple[Ints, Ints, Bools]:
    """What is collected of each line, when, and whether anything is.

    In time, late, in part or never; those who are often late are so far more often. Amounts are
    in won, days since 1970; `manner` and `delay` are draws.
    """
    never = manner < np.where(late_payer, 0.06, 0.008)
    part = ~never & (manner < np.where(late_payer, 0.12, 0.014))
    late = ~never & (manner < np.where(late_payer, 0.45, 0.045))
    collected = np.where(never, 0, np.where(part, amount // 2 // 10 * 10, amount))
    after = (1 + delay * delay * 75).astype(np.int64)
    on = np.where(late, due + after, due - scaled(delay, 12))
    credit = amount < 0
    collected = np.where(credit, amount, collected)
    on = np.where(credit, due, on)
    return collected, on, collected != 0


def _unknown(number: Ints) -> pa.Array:
    """Identifiers that no customer has."""
    return numbered("U", number + 1, 7)


def _some_unknown(number: Ints, u: Floats) -> pa.Array:
    """Customers' identifiers, a few of them of nobody."""
    return pc.if_else(pa.array(u > 0.99), _unknown(number), customer_id(number))


def _line_of(number: Ints, u: Floats, unknown: float, internet: float) -> pa.Array:
    """Customers' subscriptions by draw: below `unknown` nobody's, above `internet` that one.

    All others are mobile.
    """
    product = np.where(u > internet, _INTERNET, _MOBILE)
    return pc.if_else(pa.array(u > unknown), subscription_id(number, product), "S-UNKNOWN")
