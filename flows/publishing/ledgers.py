"""Ledgers: the tables whose every period opens from the one before, and where they begin (P12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flows.console.errors import NotReady, WrongUsage
from flows.publishing.commit import Entry
from flows.publishing.run import Context
from schemas.periods import Period

OPENED_BY: Final = "opening_file"
"""What a period is made from that opens a ledger: the hash of the file with an older system's lots.
"""


@dataclass(frozen=True)
class Ledger:
    """A ledger, closed month by month.

    `title`: what it is called. `lots`: the published table that a period hands on to the next.
    `command` closes a month. `swept`: whether a year ends with a sweep, so that January opens from
    the year's end (P9).
    """

    title: str
    lots: str
    command: str
    swept: bool = False

    def opening(self, context: Context, period: Period) -> Period | None:
        """The published period that one opens from; none where the period starts the ledger.

        A ledger starts with its first published period, or with this one where none is published.
        Raises NotReady, with the command that mends it, where the period before is not published;
        WrongUsage where the ledger starts with a later one.
        """
        before = self.before(period)
        published = context.files(self.lots)
        if self.before_start(context, period):
            raise WrongUsage(
                f"{period} lies before {self.first(context)}, with which the ledger "
                f"{self._begun(context)}; what is before it belongs in another workspace"
            )
        if str(before) in published:
            return before
        if not published or min(published) == str(period):
            return None
        raise NotReady(
            f"{period} opens from the closing of {before}, which is not published; run "
            f"`{self.remedy(before)}` first"
        )

    def before(self, period: Period) -> Period:
        """The period that one opens from, published or not."""
        if period.span == "year end":
            return period.december
        before = period.before
        return before.year_end if self.swept and before.year < period.year else before

    def remedy(self, period: Period) -> str:
        """The command line that closes a period."""
        if period.span == "year end":
            return f"pointbook sweep --year {period.whole_year}"
        return f"pointbook {self.command} --month {period}"

    def opened(self, context: Context) -> Period | None:
        """The period that it was opened as, before its first month; none where it began empty."""
        earliest = self._earliest(context)
        return earliest.kept_by if earliest and OPENED_BY in earliest.inputs else None

    def first(self, context: Context) -> Period | None:
        """The month that it starts with; none where it has not begun."""
        earliest, opened = self._earliest(context), self.opened(context)
        if earliest is None:
            return None
        return Period.month_of(opened.day_after) if opened else earliest.kept_by

    def _earliest(self, context: Context) -> Entry | None:
        """The lots of its first period; texts of periods are in the order of the periods."""
        files = context.files(self.lots)
        return context.state.entry(files[min(files)]) if files else None

    def has_begun(self, context: Context, period: Period) -> bool:
        """Whether its first period is this one, lies in it or before it."""
        first = self.first(context)
        return first is not None and first <= (period.year_end if period.span == "year" else period)

    def before_start(self, context: Context, period: Period) -> str | None:
        """Why a period is none of the ledger's, if that starts after it."""
        first = self.first(context)
        if first is None or self.has_begun(context, period):
            return None
        return f"its ledger {self._begun(context)} with {first}"

    def _begun(self, context: Context) -> str:
        return "started" if self.opened(context) is None else "was opened"


POINTS: Final = Ledger("points ledger", "point_lots", "points", swept=True)
MILES: Final = Ledger("mileage ledger", "mileage_lots", "miles")
LIMITS: Final = Ledger("limits", "micropayment_limits", "micropayments")
LEDGERS: Final = (POINTS, MILES, LIMITS)
