"""Status: what is staged and published, what is missing, what is stale and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from flows import elite, grants, micropayments, miles, notices, points, sweep, tiers
from flows.due import LEDGERS, due_between
from flows.options import Options
from flows.periods import YEAR_END, first_period, opened_period
from flows.run import Context
from schemas.exports import EXPORTS
from transforms.airline import status_in_force, status_year
from transforms.assessment import assessment

_FINGERPRINTS: Final[Mapping[str, Callable[[Context, str], dict[str, str]]]] = {
    "tiers": lambda context, year: tiers.tier_fingerprints(context, int(year)),
    "grants": lambda context, year: grants.grant_fingerprints(context, int(year)),
    "notices": notices.notice_fingerprints,
    "points": points.point_fingerprints,
    "micropayments": micropayments.micropayment_fingerprints,
    "miles": miles.mileage_fingerprints,
    "elite": lambda context, year: elite.elite_fingerprints(context, int(year)),
    "sweep": lambda context, period: sweep.sweep_fingerprints(context, int(period[:4])),
}
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "tiers": tiers.TABLES,
    "grants": (grants.TABLE,),
    "notices": (notices.TABLE,),
    "points": points.TABLES,
    "micropayments": micropayments.TABLES,
    "miles": miles.TABLES,
    "elite": (elite.TABLE,),
    "sweep": sweep.TABLES,
}
"""What each command publishes; the first table tells which periods are."""
_SHARED: Final = set(points.TABLES) & set(sweep.TABLES)
"""Published by both: months by the one, year ends by the other."""


def workspace_status(options: Options) -> dict[str, Any]:
    """The state of a workspace, read from its commit records; reads no data.

    A published period is stale where what its rules read has changed since: columns of its
    inputs, or policy values in force.
    """
    context = Context.of(options)
    return {
        "command": "status",
        "workspace": str(options.workspace),
        "staged": list(_staged(context)),
        "published": list(_published(context)),
        "missing": list(_missing(context)),
    }


def _staged(context: Context) -> Iterator[dict[str, Any]]:
    for export in EXPORTS:
        files = context.files(export)
        if files:
            months = sorted(month for month in files if month)
            yield {
                "export": export,
                "partitions": len(files),
                "rows": sum(context.state.entry(path).rows or 0 for path in files.values()),
                "first": months[0] if months else None,
                "last": months[-1] if months else None,
            }


def _published(context: Context) -> Iterator[dict[str, Any]]:
    for command, tables in _TABLES.items():
        opened = {table: opened_period(context, table) for table in tables}
        found = {
            (_span(period), table): (period, path)
            for table in tables
            for period, path in context.files(table).items()
            if table not in _SHARED or (command == "sweep") == period.endswith(YEAR_END)
            if period != opened[table]
        }
        spans = dict.fromkeys(sorted(span for span, _ in found))
        for span in spans:
            now = _FINGERPRINTS[command](context, span)
            for table in tables:
                if (span, table) in found:
                    period, path = found[span, table]
                    yield _state_of(context, table, period, path, now)
    yield from _opened(context)


def _opened(context: Context) -> Iterator[dict[str, Any]]:
    """The lots that ledgers were opened with; the file they are of lies outside the workspace."""
    for table in dict.fromkeys(LEDGERS.values()):
        period = opened_period(context, table)
        if period is not None:
            path = context.files(table)[period]
            yield _state_of(context, table, period, path, context.state.entry(path).inputs)


def _span(period: str) -> str:
    """The year or month that a period is of: YYYY of YYYY-YE."""
    return period.removesuffix(f"-{YEAR_END}")


def _state_of(
    context: Context, table: str, period: str, path: Path, now: Mapping[str, str]
) -> dict[str, Any]:
    entry = context.state.entry(path)
    changed = sorted(
        name for name in now.keys() | entry.inputs.keys() if now.get(name) != entry.inputs.get(name)
    )
    return {
        "table": table,
        "period": period,
        "rows": entry.rows,
        "state": "stale" if changed else "current",
        "why": f"changed: {', '.join(changed)}" if changed else None,
    }


def _missing(context: Context) -> Iterator[dict[str, Any]]:
    yield from _telecom_missing(context)
    yield from _airline_missing(context)


def _airline_missing(context: Context) -> Iterator[dict[str, Any]]:
    """What fell due within the delivered months of flights and requests, and is not published."""
    exports = ("flights", "award_requests", "mixed_payments")
    months = sorted({month for name in exports for month in context.files(name)})
    if not months or not context.files("members"):
        return
    first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
    start = first_period(context, LEDGERS["miles"])
    for item in due_between(context.policies, first, last):
        due = item.name == "miles" and bool(start) and start <= item.period
        if item.name == "elite" and status_in_force(context.policies, int(item.period)):
            found = status_year(context.policies, int(item.period))
            due = bool(elite.elite_inputs(context, found).files["flights"])
        if due and item.period not in context.files(_TABLES[item.name][0]):
            yield {"command": item.line, "due": item.on.isoformat()}


def _telecom_missing(context: Context) -> Iterator[dict[str, Any]]:
    """What fell due within the delivered months of billing, could be done, and is not.

    A ledger that was never begun misses nothing.
    """
    months = sorted(context.files("billing"))
    if not months or not context.files("customers"):
        return
    first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
    assessable = set(context.files("tier_snapshot"))
    for item in due_between(context.policies, first, last):
        if item.name in ("miles", "elite"):
            continue
        if item.name == "tiers":
            window = assessment(context.policies, int(item.period)).months
            if set(window) <= set(months):
                assessable.add(item.period)
        if item.name in ("tiers", "grants"):
            due = item.period in assessable
        else:
            start = first_period(context, LEDGERS[item.name])
            due = bool(start) and start[: len(item.period)] <= item.period
        if due and item.period not in context.files(_TABLES[item.name][0]):
            yield {"command": item.line, "due": item.on.isoformat()}
