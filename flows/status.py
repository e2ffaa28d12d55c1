"""Status: what is staged and published, what is missing, what is stale and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from flows import grants, tiers
from flows.due import due_between
from flows.options import Options
from flows.run import Context
from schemas.exports import EXPORTS
from transforms.assessment import assessment

_FINGERPRINTS: Final[Mapping[str, Callable[[Context, int], dict[str, str]]]] = {
    "tiers": tiers.tier_fingerprints,
    "grants": grants.grant_fingerprints,
}
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "tiers": tiers.TABLES,
    "grants": (grants.TABLE,),
}


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
        periods = context.files(tables[0])
        for period in sorted(periods):
            now = _FINGERPRINTS[command](context, int(period))
            for table in tables:
                entry = context.state.entry(context.files(table)[period])
                changed = sorted(
                    name
                    for name in now.keys() | entry.inputs.keys()
                    if now.get(name) != entry.inputs.get(name)
                )
                yield {
                    "table": table,
                    "period": period,
                    "rows": entry.rows,
                    "state": "stale" if changed else "current",
                    "why": f"changed: {', '.join(changed)}" if changed else None,
                }


def _missing(context: Context) -> Iterator[dict[str, Any]]:
    """What fell due within the delivered months of billing, could be done, and is not."""
    months = sorted(context.files("billing"))
    if not months or not context.files("customers"):
        return
    first, last = (date.fromisoformat(f"{month}-01") for month in (months[0], months[-1]))
    assessable = set(context.files("tier_snapshot"))
    for item in due_between(context.policies, first, last):
        if item.command == "tiers":
            window = assessment(context.policies, item.period).months
            if set(window) <= set(months):
                assessable.add(str(item.period))
        table = _TABLES[item.command][0]
        if str(item.period) in assessable and str(item.period) not in context.files(table):
            yield {"command": item.line, "due": item.on.isoformat()}
