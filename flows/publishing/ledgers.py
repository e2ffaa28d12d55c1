"""Months and periods as the ledgers write them: YYYY-MM, and YYYY-YE for the sweep (P12)."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

from flows.console.errors import NotReady, WrongUsage
from flows.publishing.run import Context

YEAR_END: Final = "YE"
OPENED_BY: Final = "opening_file"
"""What a period is made from that opens a ledger: the hash of the file with an older system's lots.
"""
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
            first = date.fromisoformat(f"{text}-01")
        except ValueError:
            pass
        else:
            # the years before and after it are reckoned with
            if date.min.year < first.year < date.max.year:
                return first
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


LEDGERS: Final = ("point_lots", "mileage_lots")
"""The tables of ledgers that can be opened with lots of an older system."""


def opened_period(context: Context, table: str) -> str | None:
    """The period that a ledger was opened as, before its first month; none where it began empty."""
    files = context.files(table)
    first = min(files, default=None)
    if first is None or OPENED_BY not in context.state.entry(files[first]).inputs:
        return None
    return first


def first_period(context: Context, table: str) -> str:
    """The period that a ledger starts with; empty where it has not begun."""
    opened = opened_period(context, table)
    if opened is None:
        return min(context.files(table), default="")
    if opened.endswith(YEAR_END):
        return f"{int(opened[:4]) + 1:04d}-01"
    return month_after(opened)


def begun(context: Context, table: str, period: str) -> bool:
    """Whether a ledger is begun by a period: its first one is that, or before it."""
    start = first_period(context, table)
    return bool(start) and start[: len(period)] <= period


def before_opening(context: Context, table: str, period: str) -> str | None:
    """Why a period is the older system's, if a ledger was opened after it."""
    if opened_period(context, table) is None or begun(context, table, period):
        return None
    return f"its ledger was opened with {first_period(context, table)}"


def opening_period(context: Context, table: str, period: str, before: str, remedy: str) -> str:
    """The published period that one opens from; empty where the period starts the ledger (P12).

    `before` is the period before. A ledger starts with its first published period, or with this
    one where none is published. Raises NotReady, with the command that is the `remedy`, where the
    period before is not published; WrongUsage where the ledger was opened with a later one.
    """
    published = context.files(table)
    opened = opened_period(context, table)
    if opened is not None and period <= opened:
        raise WrongUsage(
            f"{period} lies before {first_period(context, table)}, with which the ledger was "
            "opened; it starts there"
        )
    if before in published:
        return before
    if not published or min(published) == period:
        return ""
    raise NotReady(
        f"{period} opens from the closing of {before}, which is not published; run `{remedy}` first"
    )
