"""Status: what is staged and published, what is missing, what is stale and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.command import Command
from flows.commands import COMMANDS
from flows.due import due_between
from flows.options import Options
from flows.periods import month_of, parse_month
from flows.run import Context
from schemas.exports import EXPORTS


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
    for command in COMMANDS.values():
        for period in command.published(context):
            now = command.fingerprints(context, period)
            for table in command.tables:
                partition = command.partition(table, period)
                path = context.files(table).get(partition)
                if path is not None:
                    yield _state_of(context, table, partition, path, now)


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
    """What fell due within the delivered months, could be done, and is not.

    A ledger that was never begun misses nothing.
    """
    paced = {name: _delivered(context, command) for name, command in COMMANDS.items()}
    months = sorted(month for span in paced.values() for month in span)
    if not months:
        return
    for item in due_between(context.policies, parse_month(months[0]), parse_month(months[-1])):
        span = paced[item.name]
        within = span and span[0] <= month_of(item.on) <= span[-1]
        if (
            within
            and item.command.called_for(context, item.period)
            and item.period not in item.command.published(context)
        ):
            yield {"command": item.line, "due": item.on.isoformat()}


def _delivered(context: Context, command: Command) -> list[str]:
    """The delivered months that say from when to when a command could be done."""
    return sorted({month for name in command.paced_by for month in context.files(name) if month})
