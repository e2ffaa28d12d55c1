"""Months, years and years' ends, by which tables are partitioned and commands fall due (P12)."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, Literal

Span = Literal["month", "year", "year end"]

_WHOLE_YEAR: Final = 0
_MONTHS: Final = 12
_YEAR_END: Final = 13
_YEAR_END_MARK: Final = "YE"
_WRITTEN: Final = re.compile(r"(\d{4})(?:-(\d{2}|YE))?")
_FORMS: Final = {"month": "YYYY-MM", "year": "YYYY", "year end": "YYYY-YE"}


class NoPeriod(ValueError):
    """A text that is not a period of the span that is asked for."""


@dataclass(frozen=True, order=True)
class Period:
    """A month (YYYY-MM), a year (YYYY) or the end of a year (YYYY-YE), as its partition is named.

    Periods are in the order of their texts: a year before its months, its end after December.
    `part`: 0 of a whole year, 1 to 12 of a month, 13 of a year's end.
    """

    year: int
    part: int = _WHOLE_YEAR

    @classmethod
    def parse(cls, text: str, span: Span | None = None) -> Period:
        """The period of a text, of any span or of the given one; raises NoPeriod.

        The years 1 and 9999 are none, as the years before and after are reckoned with.
        """
        period = _parsed(text)
        if period is None or span not in (None, period.span):
            kind = span or "period"
            form = _FORMS[span] if span else ", ".join(_FORMS.values())
            raise NoPeriod(f"{text!r} is no {kind}; write it as {form}")
        return period

    @classmethod
    def month_of(cls, day: date) -> Period:
        """The month that a day lies in."""
        return cls(day.year, day.month)

    @property
    def span(self) -> Span:
        """What kind of period it is."""
        if self.part == _WHOLE_YEAR:
            return "year"
        return "year end" if self.part == _YEAR_END else "month"

    def __str__(self) -> str:
        if self.part == _WHOLE_YEAR:
            return f"{self.year:04d}"
        part = _YEAR_END_MARK if self.part == _YEAR_END else f"{self.part:02d}"
        return f"{self.year:04d}-{part}"

    @property
    def value(self) -> int | str:
        """As manifests show it: a year as a number, others as text."""
        return self.year if self.span == "year" else str(self)

    @property
    def first_day(self) -> date:
        """Its first day; a year's end is the year's last day."""
        if self.part == _YEAR_END:
            return self.last_day
        return date(self.year, self.part or 1, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        month = min(self.part or _MONTHS, _MONTHS)
        return date(self.year, month, calendar.monthrange(self.year, month)[1])

    @property
    def day_after(self) -> date:
        """The day after its last one."""
        return self.last_day + timedelta(days=1)

    @property
    def before(self) -> Period:
        """The period of the same span before it."""
        if self.span != "month":
            return Period(self.year - 1, self.part)
        return self.month_of(self.first_day - timedelta(days=1))

    @property
    def after(self) -> Period:
        """The period of the same span after it."""
        if self.span != "month":
            return Period(self.year + 1, self.part)
        return self.month_of(self.day_after)

    @property
    def whole_year(self) -> Period:
        """The year that it lies in."""
        return Period(self.year)

    @property
    def january(self) -> Period:
        """The first month of its year."""
        return Period(self.year, 1)

    @property
    def december(self) -> Period:
        """The last month of its year."""
        return Period(self.year, _MONTHS)

    @property
    def year_end(self) -> Period:
        """The end of its year, the period of the sweep (P9)."""
        return Period(self.year, _YEAR_END)


@lru_cache(maxsize=1 << 14)
def _parsed(text: str) -> Period | None:
    """The period of a text, if it is one; a status asks for the same few thousands of times."""
    found = _WRITTEN.fullmatch(text)
    if found is None or not date.min.year < int(found[1]) < date.max.year:
        return None
    part = _YEAR_END if found[2] == _YEAR_END_MARK else int(found[2] or _WHOLE_YEAR)
    period = Period(int(found[1]), part)
    # a part of 00, or 13 and more, is written otherwise
    return period if part <= _YEAR_END and str(period) == text else None


def months_between(first: Period, last: Period) -> list[Period]:
    """Every month from the first to the last one."""
    months = []
    while first <= last:
        months.append(first)
        first = first.after
    return months


def months_before(day: date, months: int) -> date:
    """The day so many months before one, the month's last where it has no such day."""
    count = day.year * _MONTHS + day.month - 1 - months
    month = Period(count // _MONTHS, count % _MONTHS + 1)
    return month.first_day.replace(day=min(day.day, month.last_day.day))
