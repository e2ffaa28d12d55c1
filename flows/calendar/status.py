"""Status: what is staged and published, what is missing, what is stale and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from flows.calendar.backfills import backfills
from flows.calendar.plan import Finding, overview, published_entries
from flows.commands.registry import COMMANDS
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
    missing = [finding for finding in findings if finding.state == "missing"]
    return {
        "command": "status",
        "workspace": str(options.workspace),
        "staged": list(_staged(context)),
        "published": _by_table(
            chain(_opened(context), *(_rows_of(context, each) for each in findings))
        ),
        "missing": [_missing_of(context, finding) for finding in missing],
        "backfills": backfills(context.workspace)[-_LAST_BACKFILLS:],
    }


def _by_table(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the order of the commands' tables, then of their periods."""
    tables = dict.fromkeys(table for command in COMMANDS.values() for table in command.tables)
    places = {table: place for place, table in enumerate(tables)}
    return sorted(rows, key=lambda row: (places[row["table"]], row["period"]))


def _staged(context: Context) -> Iterator[dict[str, Any]]:
    """Each export's staged partitions and rows, its first and its last month."""
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
    """What a period has published, by table, with its state and why it is stale."""
    entries = published_entries(context, finding.due)
    command, period = finding.due.command, finding.due.period
    for table in command.tables:
        if table in entries:
            yield {
                "table": table,
                "period": str(command.partition(table, period)),
                "rows": entries[table].rows,
                "state": "stale" if finding.state == "missing" else finding.state,
                "why": finding.why,
            }


def _missing_of(context: Context, finding: Finding) -> dict[str, Any]:
    """A period that is due and lacks tables: the command that makes it, its day, the tables."""
    due = finding.due
    entries = published_entries(context, due)
    return {
        "command": due.line,
        "due": due.on.isoformat(),
        "tables": [
            {"table": table, "period": str(due.command.partition(table, due.period))}
            for table in due.command.tables
            if table not in entries
        ],
    }
