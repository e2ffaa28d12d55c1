"""A small telecom to assess and grant over: customers and bills, landed and published.

2017 is assessed over one window, 2018 over the next. Every tier, the upgrade, a move up and down
between the years and every reason of `tier_exceptions` occur.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_commands

YEARS: Final = (2017, 2018)
FIRST: Final = "2015-11"
LAST: Final = "2017-10"

Row = dict[str, Any]


def months(first: str = FIRST, last: str = LAST) -> list[str]:
    """Every month from the first to the last, as YYYY-MM."""
    begin, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{n // 12}-{n % 12 + 1:02d}" for n in range(begin, end + 1)]


def customer(customer_id: str, **more: object) -> Row:
    """A customer as delivered; `terminated_on` makes it terminated."""
    return {
        "customer_id": customer_id,
        "joined_on": "2012-01-01",
        "status": "terminated" if more.get("terminated_on") else "active",
        "terminated_on": "",
        "contact": "",
        "updated_at": "2020-01-01 00:00:00",
    } | more


def line(line_id: str, customer_id: str, month: str, amount: int, **more: object) -> Row:
    """A fully collected billing line as delivered; it counts (mobile, base fee) unless told."""
    return {
        "billing_line_id": line_id,
        "customer_id": customer_id,
        "subscription_id": f"S-{customer_id}",
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": month,
        "billed_amount": amount,
        "collected_amount": amount,
        "due_on": f"{month}-25",
        "collected_on": f"{month}-20" if amount else "",
        "revision": 0,
    } | more


def customers() -> list[Row]:
    """The customers of the small telecom."""
    return [
        *(customer(name) for name in ("general", "white", "silver", "gold", "vip", "idle")),
        *(customer(name) for name in ("climber", "faller")),
        customer("loyal", joined_on="2010-11-01"),
        customer("left", terminated_on="2017-06-30"),
        customer("leaving", terminated_on="2017-12-15"),
        customer("late", joined_on="2017-11-02"),
    ]


def bills(first: str = FIRST) -> list[Row]:
    """Their bills from a month on: so much a month, in both windows unless told."""
    monthly = {
        "general": (1_000, 1_000),
        "white": (20_000, 20_000),
        "silver": (40_000, 40_000),
        "gold": (60_000, 60_000),
        "vip": (100_000, 100_000),
        "climber": (10_000, 90_000),
        "faller": (90_000, 10_000),
        "loyal": (60_000, 60_000),
        "left": (30_000, 30_000),
        "leaving": (50_000, 50_000),
        "late": (0, 5_000),
        "nobody": (7_000, 7_000),
    }
    rows = []
    for number, month in enumerate(months()):
        if month < first:
            continue
        for name, amounts in monthly.items():
            amount = amounts[number // 12]
            rows.append(line(f"{name}-base", name, month, amount))
            rows.append(
                line(f"{name}-net", name, month, 500, product="internet", charge_item="late_fee")
            )
    return rows


def correction() -> Row:
    """A bill corrected: `white` paid enough in the second window to become silver."""
    return line("white-base", "white", "2017-03", 240_000, revision=1)


def land(
    workspace: Path, export: str, rows: Iterable[Mapping[str, object]], name: str = "rows.csv"
) -> Path:
    """Drops a CSV file with the columns that any of the rows has; returns its path."""
    path = workspace / "landing" / export / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def land_all(workspace: Path) -> Path:
    """Lands the small telecom; returns the workspace."""
    land(workspace, "customers", customers())
    land(workspace, "billing", bills())
    return workspace


def options(workspace: Path, **more: Any) -> Options:
    """Settings for a small run."""
    settings: dict[str, Any] = {"workspace": workspace, "memory": "1GB", "threads": 1} | more
    return Options(**settings)


def stage(workspace: Path, **more: Any) -> dict[str, Any]:
    """Ingests what landed; returns the manifest."""
    return ingest(options(workspace, **more))


def publish(workspace: Path, years: Iterable[int] = YEARS, **more: Any) -> None:
    """Assesses and grants the years."""
    commands = (f"{command} {year}" for year in years for command in ("tiers", "grants"))
    run_commands(options(workspace, **more), commands)


def published(workspace: Path) -> Path:
    """The small telecom, landed, staged and published; returns the workspace."""
    land_all(workspace)
    stage(workspace)
    publish(workspace)
    return workspace


def data_hashes(workspace: Path) -> dict[str, str]:
    """The sha256 of every staged, quarantined and published file, by path.

    What a running command removes meanwhile is passed over.
    """
    hashes = {}
    for part in ("staged", "quarantine", "warehouse"):
        # `rglob` fails on a folder that goes away, where `walk` goes on
        for folder, _, names in os.walk(workspace / part):
            for path in (Path(folder, name) for name in names if name != "catalog.duckdb"):
                with suppress(FileNotFoundError):
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    hashes[path.relative_to(workspace).as_posix()] = digest
    return dict(sorted(hashes.items()))


def table_rows(workspace: Path, name: str, period: str | None = None) -> list[Row]:
    """A table's published rows, of one period or of all in their order."""
    partition = PUBLISHED[name].partition
    rows = []
    for path in sorted((workspace / "warehouse" / name).glob(f"{partition}={period or '*'}/*")):
        of = {partition: path.parent.name.partition("=")[2]}
        rows += [of | row for row in pq.ParquetFile(path).read().to_pylist()]
    return rows
