"""Liability: the points outstanding at any moment of the ledger (B1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from flows.answers.reading import PRESENT, Reader, Which
from flows.answers.sheets import name_all, plain_rows, read_whole, rows_of, sources, stale_periods
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady
from flows.publishing.ledgers import POINTS
from flows.publishing.options import END_OF_DAY, Options
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, run_context
from schemas.periods import Period
from schemas.sheets import SHEETS

FORMAT: Final = "pointbook.liability.v1"
_SHEET: Final = SHEETS["liability"]
_SUMMED: Final = [
    name for name, each in _SHEET.columns.items() if each.metadata.get("unit") == "points"
]


def liability(
    options: Options, at: datetime, least: int = 1, which: Which = PRESENT
) -> dict[str, Any]:
    """The points outstanding at a moment, its second included, by month of expiry and kind.

    The last second of a day is the day's end: what lapses with it is past then, and on 31 December
    the sweep has been (P9). `least`: fewer owners than this are not counted. `which`: the state
    that is asked about. Raises NotReady, with
    the command that closes it, where the period that the moment lies in is not published;
    WrongUsage before the ledger's start.
    """
    return read_whole(options, lambda reader: _at(reader, options, at, least), which)


def liability_rows(reader: Reader, options: Options, at: datetime, least: int) -> pa.Table:
    """The sheet at a moment, from one state; see `liability`."""
    return _rows(reader, options, at, least, _inputs(reader.context, _period_of(at)))


def _rows(reader: Reader, options: Options, at: datetime, least: int, inputs: Inputs) -> pa.Table:
    with temporary_folder() as scratch, options.start_engine(scratch) as engine:
        name_all(reader, engine, inputs, [_SHEET])
        run_context(engine, **moments(at, _period_of(at)), least=least)
        return rows_of(engine, _SHEET.name)


def _at(reader: Reader, options: Options, at: datetime, least: int) -> dict[str, Any]:
    """What `liability` gives, from one state."""
    context, period = reader.context, _period_of(at)
    inputs = _inputs(context, period)
    rows = plain_rows(_SHEET, _rows(reader, options, at, least, inputs), least)
    read = {name: list(files.values()) for name, files in inputs.files.items()}
    tables = {"point_lots": read["opening_lots"], "point_entries": read["point_entries"]}
    found = sources(context, tables)
    periods = {(file["table"], file["period"]) for file in found}
    return {
        "format": FORMAT,
        "on": at.isoformat(),
        "period": str(period),
        "least": least,
        **{name: sum(row[name] for row in rows) for name in _SUMMED},
        "no_won_for": no_won(rows),
        "rows": rows,
        "policies": context.policies.digest,
        "sources": found,
        "stale": [
            each for each in stale_periods(context) if (each["table"], each["period"]) in periods
        ],
        **reader.told,
    }


def moments(at: datetime, period: Period) -> dict[str, Any]:
    """The days and moments by which the sheet judges lots, for a moment of a period."""
    before = at + timedelta(seconds=1)
    first_day = period.first_day if period.span == "month" else period.day_after
    return {
        "before": before,
        "on_day": at.date(),
        "usable_from": before.date(),
        # changes of policy before it are in the lots that the period opens with
        "first_day": first_day,
    }


def no_won(rows: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The uses for which point_value says no won, by kind."""
    missing = {row["kind"]: row["no_won_for"] for row in rows if row["no_won_for"]}
    return {kind: missing[kind].split(", ") for kind in sorted(missing)}


def _period_of(at: datetime) -> Period:
    """The period of a moment: a month, or in its last second the year's end."""
    month = Period.month_of(at.date())
    ends_year = month == month.december and at.date() == month.last_day
    return month.year_end if ends_year and at.time() == END_OF_DAY else month


def _inputs(context: Context, period: Period) -> Inputs:
    """The lots that a period opens with and its entries; raises NotReady where it isn't closed."""
    opening = POINTS.opening(context, period)
    entries = context.file_of("point_entries", period)
    if not entries:
        raise NotReady(
            f"point_entries has no {period}; run `{POINTS.remedy(period)}` first, which closes it"
        )
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", opening),
            "point_entries": entries,
            "customers_spans": context.files("customers_spans"),
        },
        {"opening_lots": "point_lots"},
    )
