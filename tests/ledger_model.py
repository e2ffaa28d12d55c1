"""The points ledger once more: P1 to P12 as slow, obvious Python over rows as delivered.

`Ledger` is told what was delivered, and closes month by month; `close`, `notices` and `sweep`
return the rows that the published tables are to have, by table, in their order. Numbers are those
of RULES.md, written down again.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import holidays

Row = dict[str, Any]
Tables = dict[str, list[Row]]

COUNTING: Final = {
    ("mobile", "base_fee"),
    ("mobile", "domestic_call"),
    ("mobile", "data_call"),
    ("internet", "service_fee"),
    ("iptv", "basic_service_fee"),
    ("wibro", "base_fee"),
    ("voip", "base_fee"),
    ("voip", "domestic_call"),
    ("landline", "base_fee"),
    ("landline", "domestic_call"),
}
PARTNERS: Final = {
    "double_discount": {"tous_les_jours", "dominos_pizza", "lotte_world", "cgv", "culture_show"},
    "vip_choice": {
        "free_movie",
        "americano_short",
        "cgv_gold_class_half",
        "hyundai_mall_coupon",
        "baskin_double_junior",
    },
}
PER_MILLE: Final = {"official_shop": 10, "partner": 5}
FEE_PERCENT: Final = {"cash": 0, "bill_credit": 0, "gift_card": 5}
LEADS: Final = (3, 1, 0)
CREDITS: Final = ("membership", "payment", "promotion", "purchase")


@dataclass(frozen=True)
class Change:
    """A policy change (P7)."""

    kind: str
    announced_on: date
    effective_on: date
    expires_on: date


@dataclass
class Lot:
    lot_id: str
    customer_id: str
    kind: str
    credited_on: date
    expires_on: date
    refundable: bool
    credited: int
    remaining: int
    shortened_from: date | None = None

    def usable(self, on: date) -> bool:
        return self.credited_on <= on <= self.expires_on

    @property
    def changed(self) -> bool:
        return self.shortened_from is not None and self.expires_on < self.shortened_from

    def terms(self) -> Row:
        return {
            "credited_on": self.credited_on,
            "expires_on": self.expires_on,
            "refundable": self.refundable,
            "credited": self.credited,
        }


@dataclass
class Redemption:
    """An accepted or rejected redemption; `taken`: lots and points."""

    row: Row
    reason: str | None
    taken: list[tuple[Lot, int]]
    given_back: int = 0
    cancelled: bool = False


@dataclass
class Ledger:
    """Delivered rows, with typed values, and the lots as the last close left them."""

    changes: Sequence[Change] = ()
    customers: dict[str, Row] = field(default_factory=dict)
    billing: list[Row] = field(default_factory=list)
    promotions: list[Row] = field(default_factory=list)
    purchases: list[Row] = field(default_factory=list)
    redemptions: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    grants: list[Row] = field(default_factory=list)
    vips: set[tuple[int, str]] = field(default_factory=set)

    lots: dict[str, Lot] = field(default_factory=dict)
    past: dict[str, Redemption] = field(default_factory=dict)
    active: set[tuple[str, date]] = field(default_factory=set)
    told: list[Row] = field(default_factory=list)
    last_notices: date | None = None
    entries: list[Row] = field(default_factory=list)
    moved: dict[tuple[str, str], int] = field(default_factory=dict)
    """By lot and month of expiry what a change of its last day took there, or brought there."""
    closed: list[str] = field(default_factory=list)
    begun: bool = False

    # A month

    def close(self, month: str) -> Tables:
        opening = self._held()
        self.closed.append(month)
        self.entries, self.moved, self.begun = [], {}, True
        new_lots, exceptions = self._credits(month)
        answers: list[Row] = []
        refunds: list[Row] = []
        for _, rank, _, thing in sorted(self._events(month, new_lots), key=lambda event: event[:3]):
            if rank == -1:
                self._change(thing)
            elif rank == 0:
                self.lots[thing.lot_id] = thing
                at = datetime.combine(thing.credited_on, time())
                self._enter(thing, thing.lot_id, thing.kind, at, thing.credited)
            elif rank == 1:
                answers.append(self._redeem(thing))
            elif rank == 2:
                answers.append(self._cancel(thing))
            else:
                refunds.append(self._refund(thing))
        return self._closing(opening, _last_day(month)) | {
            "point_exceptions": _sorted(exceptions, "customer_id", "source_id"),
            "redemption_results": _sorted(answers, "customer_id", "redemption_id"),
            "refund_results": _sorted(refunds, "customer_id", "application_id"),
        }

    def _events(
        self, month: str, new_lots: Iterable[Lot]
    ) -> Iterable[tuple[datetime, int, bytes, Any]]:
        """Time, rank at the same time, id; the last is what it is about (P2)."""
        for change in self.changes:
            if _month(change.effective_on) == month:
                yield datetime.combine(change.effective_on, time()), -1, b"", change
        for lot in new_lots:
            yield datetime.combine(lot.credited_on, time()), 0, lot.lot_id.encode(), lot
        for row in self.redemptions:
            if _month(row["used_at"]) == month:
                rank = 2 if row["cancels"] else 1
                yield row["used_at"], rank, row["redemption_id"].encode(), row
        for row in self.refunds:
            if _month(row["applied_at"]) == month:
                yield row["applied_at"], 3, row["application_id"].encode(), row

    def _credits(self, month: str) -> tuple[list[Lot], list[Row]]:
        """P1, G2: lots, and what goes to nobody."""
        found: list[Lot] = []
        last = _last_day(month)
        collected: dict[str, int] = defaultdict(int)
        for row in self.billing:
            counts = (row["product"], row["charge_item"]) in COUNTING
            if counts and row["collected_on"] and _month(row["collected_on"]) == month:
                collected[row["customer_id"]] += row["collected_amount"]
        for name, amount in collected.items():
            points = amount * 5 // 1000
            lot_id = f"payment:{month}:{name}"
            found.append(Lot(lot_id, name, "payment", last, _next_year(last), True, points, points))
        for row in self.promotions:
            day, points = row["credited_on"], row["points"]
            if _month(day) == month:
                lot_id = f"promotion:{row['promotion_credit_id']}"
                end = row["expires_on"] or date(day.year, 12, 31)
                name = row["customer_id"]
                found.append(
                    Lot(lot_id, name, "promotion", day, end, row["refundable"], points, points)
                )
        for row in self.purchases:
            day = row["purchased_at"].date()
            points = row["amount"] * PER_MILLE[row["channel"]] // 1000
            if _month(day) == month:
                lot_id, name = f"purchase:{row['purchase_id']}", row["customer_id"]
                found.append(
                    Lot(lot_id, name, "purchase", day, _next_year(day), True, points, points)
                )
        for row in self.grants:
            if _month(row["credited_on"]) == month:
                found.append(
                    Lot(
                        row["lot_id"],
                        row["customer_id"],
                        "membership",
                        row["credited_on"],
                        row["expires_on"],
                        False,
                        row["points"],
                        row["points"],
                    )
                )
        found = [lot for lot in found if lot.credited > 0]
        known = [lot for lot in found if lot.customer_id in self.customers]
        exceptions = [
            {
                "source_id": lot.lot_id,
                "customer_id": lot.customer_id,
                "kind": lot.kind,
                "points": lot.credited,
                "reason": "unknown_customer",
            }
            for lot in found
            if lot.customer_id not in self.customers
        ]
        return known, exceptions

    def _change(self, change: Change) -> None:
        for lot in self.lots.values():
            older = lot.kind == change.kind and lot.credited_on < change.effective_on
            if older and change.expires_on < lot.expires_on:
                lot.shortened_from = lot.shortened_from or lot.expires_on
                self._move(lot, change.expires_on)

    def _move(self, lot: Lot, expires_on: date) -> None:
        """Gives a lot another last day."""
        for day, points in ((lot.expires_on, -lot.remaining), (expires_on, lot.remaining)):
            place = lot.lot_id, _month(day)
            self.moved[place] = self.moved.get(place, 0) + points
        lot.expires_on = expires_on

    def _redeem(self, row: Row) -> Row:
        reason = self._against_redemption(row)
        taken: list[tuple[Lot, int]] = []
        if reason is None:
            day, name = row["used_at"].date(), row["customer_id"]
            taken = self._take(name, day, row["points"], lambda lot: True)
            if sum(points for _, points in taken) < row["points"]:
                reason, taken = "insufficient_points", []
        if reason is None:
            self.active.add((row["customer_id"], row["used_at"].date()))
            for lot, points in taken:
                lot.remaining -= points
                self._enter(lot, row["redemption_id"], "redemption", row["used_at"], -points)
        self.past[row["redemption_id"]] = Redemption(row, reason, taken)
        return _answer(row, reason)

    def _against_redemption(self, row: Row) -> str | None:
        """P4, but for the points."""
        known, day = self.customers.get(row["customer_id"]), row["used_at"].date()
        if known is None:
            return "unknown_customer"
        if day < known["joined_on"] or (known["terminated_on"] and day >= known["terminated_on"]):
            return "not_a_member"
        benefit = row["benefit"]
        if benefit in PARTNERS and row["partner"] not in PARTNERS[benefit]:
            return "unknown_partner"
        if benefit == "vip_choice" and (day.year, row["customer_id"]) not in self.vips:
            return "tier_required"
        if benefit in PARTNERS and any(
            earlier.reason is None
            and not earlier.cancelled
            and earlier.row["benefit"] == benefit
            and earlier.row["customer_id"] == row["customer_id"]
            and _month(earlier.row["used_at"]) == _month(day)
            for earlier in self.past.values()
        ):
            return "monthly_limit"
        return None

    def _take(self, name: str, day: date, wanted: int, fit: Any) -> list[tuple[Lot, int]]:
        """P3: what each lot would give, as far as they go."""
        lots = [lot for lot in self.lots.values() if lot.customer_id == name and lot.usable(day)]
        taken = []
        for lot in sorted(lots, key=lambda x: (x.expires_on, x.credited_on, x.lot_id.encode())):
            points = min(wanted, lot.remaining)
            if fit(lot) and points:
                taken.append((lot, points))
                wanted -= points
        return taken

    def _cancel(self, row: Row) -> Row:
        """P5."""
        target = self.past.get(row["cancels"])
        if target is None or target.row["customer_id"] != row["customer_id"]:
            return _answer(row, "unknown_redemption")
        if target.reason is not None:
            return _answer(row, "not_accepted")
        if target.cancelled:
            return _answer(row, "already_cancelled")
        left = target.row["points"] - target.given_back
        if row["points"] > left:
            return _answer(row, "above_redeemed")
        wanted = row["points"] or left
        target.cancelled = wanted == left
        for lot, points in _last_first(target.taken, target.given_back, wanted):
            lot.remaining += points
            self._enter(lot, row["redemption_id"], "cancellation", row["used_at"], points)
        target.given_back += wanted
        return _answer(row, None)

    def _refund(self, row: Row) -> Row:
        """P6."""
        answer = {k: v for k, v in row.items() if k not in ("contact", "address", "channel")}
        answer |= {"fee": None, "amount_krw": None, "pay_on": None, "status": "rejected"}
        known, day = self.customers.get(row["customer_id"]), row["applied_at"].date()
        if known is None:
            return answer | {"reason": "unknown_customer"}
        if not _same_person(known, row):
            return answer | {"reason": "identity_mismatch"}
        taken = self._take(row["customer_id"], day, row["points"], lambda lot: lot.refundable)
        if sum(points for _, points in taken) < row["points"]:
            return answer | {"reason": "insufficient_refundable_points"}
        for lot, points in taken:
            lot.remaining -= points
            self._enter(lot, row["application_id"], "refund", row["applied_at"], -points)
        self.active.add((row["customer_id"], day))
        fee = row["points"] * FEE_PERCENT[row["method"]] // 100
        return answer | {
            "fee": fee,
            "amount_krw": row["points"] - fee,
            "pay_on": _business_day_after(day, 3),
            "status": "accepted",
            "reason": None,
        }

    # Notices

    def notices(self, month: str) -> Tables:
        """P10."""
        day = date.fromisoformat(f"{month}-01")
        rows: dict[tuple[str, date, str], Row] = {}
        for lot in self.lots.values():
            known = self.customers[lot.customer_id]
            gone = known["terminated_on"] and known["terminated_on"] <= day
            if lot.remaining == 0 or gone or not self.begun:
                continue
            end, usable_until, news = self._foreseen(lot, day)
            if usable_until < day:
                continue
            cause = "policy_change" if end < lot.expires_on or lot.changed else "validity"
            ahead = (end.year - day.year) * 12 + end.month - day.month
            if ahead in LEADS or news:
                lead = ahead if cause == "validity" else None
                _tell(rows, known, end, cause, lead, lot.remaining)
            if (
                day.month >= 10
                and known["joined_on"] < date(day.year, 1, 1)
                and not self._is_active(lot.customer_id, date(day.year, 1, 1), day)
                and lot.credited_on < date(day.year, 10, 1)
                and end > date(day.year, 12, 31)
            ):
                _tell(rows, known, date(day.year, 12, 31), "inactivity", None, lot.remaining)
        self.last_notices = day if self.begun else None
        found = _sorted(rows.values(), "customer_id", "expires_on", "cause")
        self.told += [row | {"month": month} for row in found]
        return {"expiry_notices": found}

    def _foreseen(self, lot: Lot, day: date) -> tuple[date, date, bool]:
        """The last day by all changes known, by those in effect, and whether that is news."""
        end = usable_until = lot.expires_on
        for change in self.changes:
            coming = change.effective_on >= day
            known = change.announced_on <= day or change.effective_on <= day
            older = lot.kind == change.kind and lot.credited_on < change.effective_on
            if coming and known and older:
                end = min(end, change.expires_on)
                if change.effective_on == day:
                    usable_until = min(usable_until, change.expires_on)
        news = any(
            change.kind == lot.kind
            and lot.credited_on < change.effective_on
            and change.expires_on == end
            and (end < lot.expires_on or lot.shortened_from is not None)
            and change.announced_on <= day
            and (self.last_notices is None or change.announced_on > self.last_notices)
            for change in self.changes
        )
        return end, usable_until, news

    def _is_active(self, name: str, first: date, until: date) -> bool:
        """P9: some activity from a day up to, not including, another."""
        days = [day for who, day in self.active if who == name]
        days += [row["purchased_at"].date() for row in self.purchases if row["customer_id"] == name]
        days += [
            row["collected_on"]
            for row in self.billing
            if row["customer_id"] == name and row["collected_amount"] != 0
        ]
        return any(first <= day < until for day in days)

    # The year's end

    def sweep(self, year: int) -> Tables:
        """P8, P9."""
        opening, last = self._held(), date(year, 12, 31)
        self.entries, self.moved = [], {}
        swept = []
        for lot in list(self.lots.values()):
            known = self.customers[lot.customer_id]
            if lot.remaining == 0:
                continue
            at = datetime.combine(last, time(23, 59, 59))
            left = known["terminated_on"] and known["terminated_on"] <= last
            too_new = (lot.expires_on - lot.credited_on).days < 90
            if lot.expires_on == last and too_new and not left:
                self._move(lot, date(year + 1, 3, 31))
                self._enter(lot, lot.lot_id, "extension", at, 0)
                continue
            cause = None
            if lot.expires_on <= last:
                cause = "policy_change" if lot.changed else "validity"
            elif (
                known["joined_on"] < date(year, 1, 1)
                and lot.credited_on < date(year, 10, 1)
                and not self._is_active(lot.customer_id, date(year, 1, 1), date(year + 1, 1, 1))
            ):
                cause = "inactivity"
            if cause:
                swept.append(self._swept(lot, cause, year))
                self._enter(lot, lot.lot_id, "expiry", at, -lot.remaining, cause)
                lot.remaining = 0
        return self._closing(opening, last) | {
            "expiry_sweep": _sorted(swept, "customer_id", "lot_id")
        }

    def _swept(self, lot: Lot, cause: str, year: int) -> Row:
        end = date(year, 12, 31) if cause == "inactivity" else lot.expires_on
        told = [
            row["month"]
            for row in self.told
            if (row["customer_id"], row["expires_on"], row["cause"])
            == (lot.customer_id, end, cause)
        ]
        return {
            "lot_id": lot.lot_id,
            "customer_id": lot.customer_id,
            "kind": lot.kind,
            "points": lot.remaining,
            "expires_on": lot.expires_on,
            "cause": cause,
            "noticed_month": max(told, default=None),
            "untold": None if told else self._why_untold(lot, cause, year),
        }

    def _why_untold(self, lot: Lot, cause: str, year: int) -> str:
        """What kept the notices from naming a lot; all of them were told."""
        days = [date(year, month, 1) for month in (10, 11, 12)]
        if cause != "inactivity":
            end = lot.expires_on.year * 12 + lot.expires_on.month - 1
            days = [date((end - lead) // 12, (end - lead) % 12 + 1, 1) for lead in LEADS]
        if cause == "policy_change":
            known = min(
                change.announced_on
                for change in self.changes
                if (change.kind, change.expires_on) == (lot.kind, lot.expires_on)
            )
            news = known if known.day == 1 else (known + timedelta(days=31)).replace(day=1)
            days = [day for day in (*days, news) if day >= known]
        gone, last = self.customers[lot.customer_id]["terminated_on"] or date.max, max(days)
        first = min(self.closed)
        if any(lot.credited_on < day < gone and _month(day) > first for day in days):
            return "credited_late"  # it was used up then, and came back
        if gone <= last:
            return "left"
        return "credited_late" if lot.credited_on >= last else "ledger_start"

    # What every period has

    def _held(self) -> dict[str, int]:
        held: dict[str, int] = defaultdict(int)
        for lot in self.lots.values():
            held[lot.customer_id] += lot.remaining
        return {name: points for name, points in held.items() if points}

    def _enter(
        self, lot: Lot, source: str, kind: str, at: datetime, points: int, cause: str | None = None
    ) -> None:
        self.entries.append(
            {
                "customer_id": lot.customer_id,
                "lot_id": lot.lot_id,
                "source_id": source,
                "kind": kind,
                "occurred_at": at,
                "points": points,
                "cause": cause,
                "lot_kind": lot.kind,
                **lot.terms(),
                "shortened_from": lot.shortened_from,
            }
        )

    def _closing(self, opening: dict[str, int], last: date) -> Tables:
        left = [lot for lot in self.lots.values() if lot.remaining]
        names = {*opening, *(row["customer_id"] for row in self.entries)}
        balances = []
        for name in names:
            own = [row for row in self.entries if row["customer_id"] == name]
            held = [lot for lot in left if lot.customer_id == name]
            balances.append(
                {
                    "customer_id": name,
                    "opening": opening.get(name, 0),
                    "credited": _moved(own, CREDITS),
                    "spent": -_moved(own, ("redemption", "refund")),
                    "restored": _moved(own, ("cancellation",)),
                    "expired": -_moved(own, ("expiry",)),
                    "closing": sum(lot.remaining for lot in held),
                    "usable": sum(lot.remaining for lot in held if lot.expires_on > last),
                }
            )
        liability = []
        for end, kind in sorted({(lot.expires_on, lot.kind) for lot in left}):
            held = [lot for lot in left if (lot.expires_on, lot.kind) == (end, kind)]
            liability.append(
                {
                    "expires_on": end,
                    "kind": kind,
                    "usable": end > last,
                    "customers": len({lot.customer_id for lot in held}),
                    "lots": len(held),
                    "points": sum(lot.remaining for lot in held),
                }
            )
        lots = [
            {
                "lot_id": lot.lot_id,
                "customer_id": lot.customer_id,
                "kind": lot.kind,
                **lot.terms(),
                "remaining": lot.remaining,
                "shortened_from": lot.shortened_from,
            }
            for lot in left
        ]
        return {
            "point_entries": _sorted(self.entries, "customer_id", "lot_id", "source_id", "kind"),
            "point_lots": _sorted(lots, "customer_id", "lot_id"),
            "point_balances": _sorted(balances, "customer_id"),
            "point_liability": liability,
            "point_movements": self._movements(last),
        }

    def _movements(self, last: date) -> list[Row]:
        """The entries, and what changes of last days moved, added up."""
        found: dict[tuple[str | bool, ...], list[tuple[str, str, int]]] = defaultdict(list)

        def add(row: Row, expires_month: str, movement: str, cause: str, points: int) -> None:
            left = self.customers[row["customer_id"]]["terminated_on"]
            gone = left is not None and left <= last
            key = (
                row["lot_kind"],
                _month(row["credited_on"]),
                expires_month,
                movement,
                cause,
                gone,
            )
            found[key].append((row["lot_id"], row["customer_id"], points))

        for row in self.entries:
            movement = "credit" if row["kind"] in CREDITS else row["kind"]
            add(row, _month(row["expires_on"]), movement, row["cause"] or "~", row["points"])
        for (lot_id, month), points in self.moved.items():
            if points:
                lot = self.lots[lot_id]
                add(vars(lot) | {"lot_kind": lot.kind}, month, "change", "~", points)
        columns = ("lot_kind", "credited_month", "expires_month", "movement", "cause", "left")
        return [
            dict(zip(columns, key, strict=True))
            | {
                "cause": None if key[4] == "~" else key[4],
                "lots": len({lot for lot, _, _ in rows}),
                "customers": len({customer for _, customer, _ in rows}),
                "points": sum(points for _, _, points in rows),
            }
            for key, rows in sorted(found.items())
        ]


def _last_first(taken: list[tuple[Lot, int]], before: int, wanted: int) -> list[tuple[Lot, int]]:
    """P5: the points that come back to each lot, one point after another, after so many before."""
    points = [lot for lot, count in reversed(taken) for _ in range(count)]
    back = points[before : before + wanted]
    return [(lot, back.count(lot)) for lot, _ in reversed(taken) if lot in back]


def _answer(row: Row, reason: str | None) -> Row:
    return row | {"status": "rejected" if reason else "accepted", "reason": reason}


def _moved(entries: Iterable[Row], kinds: Sequence[str]) -> int:
    return sum(row["points"] for row in entries if row["kind"] in kinds)


def _tell(
    rows: dict[tuple[str, date, str], Row],
    known: Row,
    end: date,
    cause: str,
    lead: int | None,
    points: int,
) -> None:
    row = rows.setdefault(
        (known["customer_id"], end, cause),
        {
            "customer_id": known["customer_id"],
            "expires_on": end,
            "cause": cause,
            "lead_months": lead,
            "points": 0,
            "reachable": bool(_digits(known["contact"])),
        },
    )
    row["points"] += points


def _same_person(known: Row, applied: Row) -> bool:
    contact, address = _digits(known["contact"]), _plain(known["address"])
    if not contact and not address:
        return False
    if contact and contact != _digits(applied["contact"]):
        return False
    return not address or address == _plain(applied["address"])


def _digits(contact: str) -> str:
    return "".join(letter for letter in contact if letter.isdigit())


def _plain(address: str) -> str:
    return " ".join(unicodedata.normalize("NFC", address).casefold().split())


def _business_day_after(day: date, days: int) -> date:
    closed = holidays.country_holidays("KR", years=[day.year, day.year + 1])
    while days:
        day += timedelta(days=1)
        if day.weekday() < 5 and day not in closed:
            days -= 1
    return day


def _next_year(day: date) -> date:
    return date(day.year + 1, 12, 31)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _last_day(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _sorted(rows: Iterable[Row], *columns: str) -> list[Row]:
    """By the columns, text by its bytes."""
    return sorted(
        rows,
        key=lambda row: [
            value.encode() if isinstance(value := row[name], str) else value for name in columns
        ],
    )
