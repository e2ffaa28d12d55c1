"""Which staged bills hold what was collected in a span of days (P1, P9)."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from flows.publishing.options import start_engine
from flows.publishing.run import Context
from schemas.derive import table_schema
from schemas.periods import Period
from schemas.tables import STAGED_RELATIONS
from transforms.engine.engine import load_transform


def collected_files(
    context: Context, first: date, last: date
) -> tuple[dict[str, Path], dict[str, Path]]:
    """The bills to read whole, and those of which the late collections are enough, by month."""
    months = _months_of(context)
    begin, end = str(Period.month_of(first)), str(Period.month_of(last))
    within = [row for row in months if begin <= row["collected_month"] <= end]
    whole = {row["billing_month"] for row in within if row["is_main"]}
    partly = {row["billing_month"] for row in within} - whole
    bills, late = context.files("billing"), context.files("billing_late_collections")
    return (
        {month: path for month, path in bills.items() if month in whole},
        {month: path for month, path in late.items() if month in partly},
    )


def collected_months(context: Context) -> set[str]:
    """The months in which anything was collected: those that bills earn points in (P1)."""
    return {row["collected_month"] for row in _months_of(context)}


def _months_of(context: Context) -> list[dict[str, Any]]:
    files = context.files("billing_collections")
    context.prepare(files.values())
    stamps = tuple((path, context.state.entry(path).sha256) for path in files.values())
    return _collecting_months(stamps, context.workspace.scratch)


@lru_cache(maxsize=8)
def _collecting_months(files: tuple[tuple[Path, str], ...], scratch: Path) -> list[dict[str, Any]]:
    """The rows of `points/collecting_months` for these files, which their hashes tell apart."""
    table = STAGED_RELATIONS["billing_collections"]
    with start_engine(scratch) as engine:
        schema, partition = table_schema(table), table.partition
        engine.relation(table.name, [path for path, _ in files], schema, partition=partition)
        rows = engine.rows(load_transform("points/collecting_months"))
    return cast("list[dict[str, Any]]", rows.to_pylist())
