"""Where the rows of every declared export come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from schemas.exports import EXPORTS
from transforms.sample.airline import Airline, member_id
from transforms.sample.dirt import GoodRows, Kind, good_rows, kinds_of
from transforms.sample.draws import Draws, Ints, Rows
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

    @property
    def monthly(self) -> bool:
        """Whether the export's rows have months."""
        return EXPORTS[self.export].month_of is not None


def sources(draws: Draws, customers: int, members: int, first: int, last: int) -> list[Source]:
    """The sources of all declared exports, over the months from `first` to `last`.

    Raises ValueError where nothing can be drawn that a further export's declaration allows.
    """
    telecom = Telecom(draws, customers, first, last)
    airline = Airline(draws, first, last)
    stories = {
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
        owners = members if declared.owner == "member_id" else customers
        kinds = kinds_of(export)
        if export in stories:
            found.append(Source(export, owners, *stories[export], _good_rows_of(export), kinds))
        else:
            maker = Further(draws, export, first, last)
            rate = RATE if declared.month_of else 1.0
            kinds = kinds + maker.kinds
            given = (maker.rows, rate, maker.altered, maker.good_rows, kinds)
            found.append(Source(export, owners, *given, judged=True))
    return found


def _good_rows_of(export: str) -> GoodRows:
    """Makes the export's good rows, of which none breaks a rule by itself."""
    identify = member_id if EXPORTS[export].owner == "member_id" else customer_id

    def good(keys: pa.Array, numbers: Ints, months: Ints, breaking: Ints) -> pa.Table:
        return good_rows(export, keys, identify(numbers), months)

    return good
