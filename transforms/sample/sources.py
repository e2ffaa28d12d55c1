"""Where the rows of every declared export come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from schemas.exports import EXPORTS
from transforms.sample.airline import Airline, member_id
from transforms.sample.dirt import GoodRows, Kind, good_rows, kinds_of
from transforms.sample.draws import Draws, Rows
from transforms.sample.further import RATE, Further
from transforms.sample.telecom import Telecom, customer_id


@dataclass(frozen=True)
class Source:
    """Where an export's rows come from.

    `rows` makes those of a month and a slice of owners; `rate` is about how many an owner has (in
    a month). `good` makes rows to spoil, in the ways of `kinds`. `altered` is the column in which
    rows of one key differ when they conflict. Where rows are `judged`, the declaration is asked
    what is wrong with them; otherwise it is known.
    """

    export: str
    owners: int
    rows: Callable[[int, int, int], Rows]
    rate: float
    altered: str
    good: GoodRows
    kinds: list[Kind]
    judged: bool = False


def sources(draws: Draws, customers: int, members: int, first: int, last: int) -> list[Source]:
    """The sources of all declared exports, over the months from `first` to `last`.

    Raises ValueError where nothing can be drawn that a further export's declaration allows.
    """
    telecom = Telecom(draws, customers, first, last)
    airline = Airline(draws, first, last)
    known = {
        "billing": (telecom.billing_rows, 4.3, "due_on"),
        "customers": (telecom.customer_rows, 1.0, "joined_on"),
        "subscriptions": (telecom.subscription_rows, 1.8, "opened_on"),
        "promotions": (telecom.promotion_rows, 0.027, "points"),
        "purchases": (telecom.purchase_rows, 0.031, "amount"),
        "redemptions": (telecom.redemption_rows, 0.165, "used_at"),
        "refund_applications": (telecom.refund_rows, 0.023, "points"),
        "micropayments": (telecom.micropayment_rows, 0.125, "amount"),
        "limit_requests": (telecom.limit_rows, 0.023, "requested_limit"),
        "members": (airline.member_rows, 1.0, "enrolled_on"),
        "flights": (airline.flight_rows, 0.36, "flight_number"),
        "award_requests": (airline.award_rows, 0.055, "requested_at"),
        "mixed_payments": (airline.mixed_rows, 0.07, "taxes"),
    }
    found = []
    for export, declared in EXPORTS.items():
        of_members = declared.owner == "member_id"
        owners, identify = (members, member_id) if of_members else (customers, customer_id)
        kinds = kinds_of(export)
        if export in known:
            good = partial(good_rows, export, identify)
            found.append(Source(export, owners, *known[export], good, kinds))
        else:
            maker = Further(draws, export, first, last)
            rate = RATE if declared.month_of else 1.0
            kinds = kinds + maker.kinds
            given = (maker.rows, rate, maker.altered, maker.good_rows, kinds)
            found.append(Source(export, owners, *given, judged=True))
    return found
