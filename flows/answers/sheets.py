"""Sheets for finance: their rows, from the SQL of each, and rows as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import pyarrow as pa

from flows.answers.reading import PRESENT, Reader, Which, from_one_state
from flows.calendar.plan import Finding, overview, published_entries
from flows.console.errors import ProofFailed
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, name_inputs, name_policies
from schemas.sheets import SHEETS, Sheet
from transforms.engine.engine import Engine, Transform, load_transform
from transforms.engine.errors import QueryError

T = TypeVar("T")

ROOM: Final = "answers"
_IN_PART: Final = "other tables of its command are missing"


def read_whole(options: Options, answer: Callable[[Reader], T], which: Which = PRESENT) -> T:
    """What `answer` makes of one committed state; ProofFailed where a file of it can't be read."""
    try:
        return from_one_state(options, answer, which)
    except QueryError as error:
        raise ProofFailed(
            f"{error}; nothing was written: `pointbook verify` says what mends it"
        ) from error


def transforms_of(sheets: Iterable[Sheet]) -> list[Transform]:
    """The queries of sheets."""
    return [load_transform(f"{ROOM}/{sheet.name}") for sheet in sheets]


def name_all(reader: Reader, engine: Engine, inputs: Inputs, sheets: Iterable[Sheet]) -> None:
    """Names files and policies that sheets are made from, and keeps that they are read."""
    context = reader.context
    for files in inputs.files.values():
        reader.notes(files.values())
    name_inputs(engine, inputs, context.state)
    name_policies(engine, context.policies, transforms_of(sheets))


def rows_of(engine: Engine, name: str) -> pa.Table:
    """The rows of a sheet, in the types that it is declared with."""
    sheet = SHEETS[name]
    (transform,) = transforms_of([sheet])
    return engine.rows(transform).cast(sheet.arrow_schema)


def plain_rows(sheet: Sheet, rows: pa.Table, least: int) -> list[dict[str, Any]]:
    """A sheet's rows as JSON has them: days as text; of people too few to be told, `<least`."""
    return [
        {
            name: f"<{least}" if value is None and name in sheet.people else plain(value)
            for name, value in row.items()
        }
        for row in rows.to_pylist()
    ]


def plain(value: object) -> object:
    """A value as JSON has it."""
    return value.isoformat() if isinstance(value, date | datetime) else value


def sources(context: Context, files: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    """The published files of tables, each with the run that made it and its hash."""
    return [
        {
            "table": table,
            "period": context.state.entry(path).period,
            "run_id": context.state.run_of(path),
            "sha256": context.state.entry(path).sha256,
        }
        for table, paths in files.items()
        for path in paths
    ]


def stale_periods(
    context: Context, findings: Iterable[Finding] | None = None
) -> list[dict[str, Any]]:
    """The published periods that are stale, with the reason, by table; as `status` says.

    `findings`: what a look at all periods found, where there was one.
    """
    return [
        {"table": table, "period": str(partition), "why": finding.why or _IN_PART}
        for finding in (overview(context) if findings is None else findings)
        if finding.state != "current"
        for table, partition in finding.due.partitions.items()
        if table in published_entries(context, finding.due)
    ]
