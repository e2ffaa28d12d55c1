"""Status: what is staged and published, what is missing, what is stale and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from flows.calendar.backfills import backfills
from flows.calendar.due import Due
from flows.calendar.plan import Finding, overview, published_entries
from flows.commands.registry import COMMANDS
from flows.deliveries.landing import refused_files
from flows.publishing.ledgers import LEDGERS
from flows.publishing.options import Options
from flows.publishing.run import Context
from schemas.exports import EXPORTS

_LAST_BACKFILLS: Final = 5


def workspace_status(options: Options) -> dict[str, Any]:
    """The state of a workspace, read from its commit records; reads no data.

    A published period is stale where what its rules read has changed since: columns of its
    inputs, or policy values in force; or where it follows a period that is stale or missing.
    """
    context = Context.of(options)
    findings = list(overview(context))
    tables = list(dict.fromkeys(name for command in COMMANDS.values() for name in command.tables))
    rows = chain(_opened(context), *(_rows_of(context, each) for each in findings))
    return {
        "command": "status",
        "workspace": str(options.workspace),
        "held_by": context.workspace.holder,
        "refused": [file.model_dump() for file in refused_files(context.workspace)],
        "staged": list(_staged(context)),
        "published": sorted(rows, key=lambda row: (tables.index(row["table"]), row["period"])),
        "missing": [_missing_of(context, each.due) for each in findings if each.state == "missing"],
        "backfills": backfills(context.workspace)[-_LAST_BACKFILLS:],
    }


def _staged(context: Context) -> Iterator[dict[str, Any]]:
    """Each export's staged partitions and rows, its first and its last month."""
    for export in EXPORTS:
        if files := context.files(export):
            months = [month for month in files if month]
            yield {
                "export": export,
                "partitions": len(files),
                "rows": sum(context.state.entry(path).rows or 0 for path in files.values()),
                "first": min(months, default=None),
                "last": max(months, default=None),
            }


def _opened(context: Context) -> Iterator[dict[str, Any]]:
    """The lots that ledgers were opened with; the file they are of lies outside the workspace."""
    for ledger in LEDGERS:
        opened = ledger.opened(context)
        if opened is not None:
            (path,) = context.file_of(ledger.lots, opened).values()
            yield {
                "table": ledger.lots,
                "period": str(opened),
                "rows": context.state.entry(path).rows,
                "state": "current",
                "why": None,
            }


def _rows_of(context: Context, finding: Finding) -> Iterator[dict[str, Any]]:
    """The published tables of a period; they count as stale where others of it are missing."""
    entries = published_entries(context, finding.due)
    for table, partition in finding.due.partitions.items():
        if table in entries:
            yield {
                "table": table,
                "period": str(partition),
                "rows": entries[table].rows,
                "state": "stale" if finding.state == "missing" else finding.state,
                "why": finding.why,
            }


def _missing_of(context: Context, due: Due) -> dict[str, Any]:
    """The tables of a period that are missing, with the command line that makes them."""
    entries = published_entries(context, due)
    return {
        "command": due.line,
        "due": due.on.isoformat(),
        "tables": [
            {"table": table, "period": str(partition)}
            for table, partition in due.partitions.items()
            if table not in entries
        ],
    }
