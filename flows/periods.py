"""Months and periods as the ledgers write them: YYYY-MM, and YYYY-YE for the sweep (P12)."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

from flows.errors import NotReady, WrongUsage
from flows.run import Context

YEAR_END: Final = "YE"
_DECEMBER: Final = 12


def parse_day(text: str) -> date:
    """A day written YYYY-MM-DD; raises WrongUsage for anything else."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise WrongUsage(f"{text!r} is no day; write it as YYYY-MM-DD")


def parse_month(text: str) -> date:
    """The first day of a month written YYYY-MM; raises WrongUsage for anything else."""
    if re.fullmatch(r"\d{4}-\d{2}", text):
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError:
            pass
    raise WrongUsage(f"{text!r} is no month; write it as YYYY-MM")


def month_of(day: date) -> str:
    """The month of a day, as YYYY-MM."""
    return f"{day.year:04d}-{day.month:02d}"


def last_day(first_day: date) -> date:
    """The last day of the month that begins on a day."""
    return first_day.replace(day=calendar.monthrange(first_day.year, first_day.month)[1])


def month_before(month: str) -> str:
    """The month before, both as YYYY-MM."""
    return month_of(parse_month(month) - timedelta(days=1))


def month_after(month: str) -> str:
    """The month after, both as YYYY-MM."""
    return month_of(last_day(parse_month(month)) + timedelta(days=1))


def months_before(day: date, months: int) -> date:
    """The day so many months before one, the month's last where it has no such day."""
    count = day.year * 12 + day.month - 1 - months
    first = date(count // 12, count % 12 + 1, 1)
    return first.replace(day=min(day.day, last_day(first).day))


def year_end(year: int) -> str:
    """The period of a year's sweep."""
    return f"{year:04d}-{YEAR_END}"


def last_month(year: int) -> str:
    """December of a year, after which its sweep comes."""
    return f"{year:04d}-{_DECEMBER}"


def opening_period(context: Context, table: str, period: str, before: str, remedy: str) -> str:
    """The published period that one opens from; empty where the period starts the ledger (P12).

    `before` is the period before. A ledger starts with its first published period, or with this
    one where none is published. Raises NotReady, with the command that is the `remedy`, where the
    period before is not published.
    """
    published = context.files(table)
    if before in published:
        return before
    if not published or min(published) == period:
        return ""
    raise NotReady(
        f"{period} opens from the closing of {before}, which is not published; run `{remedy}` first"
    )
