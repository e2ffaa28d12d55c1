"""A workspace of any size, staged without ingest: a year of billing lines and their customers."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from flows.publishing.run import Run
from schemas.derive import schema_metadata, staged_schema
from schemas.exports import EXPORTS
from schemas.tables import STAGED_RELATIONS
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform

_CUSTOMERS = """
SELECT
    format('C{:08d}', number) AS customer_id,
    CAST(DATE '2005-01-01' + CAST(number * 7919 % 4300 AS INTEGER) AS DATE) AS joined_on,
    CASE WHEN number % 50 = 0 THEN 'terminated' ELSE 'active' END AS status,
    CASE WHEN number % 50 = 0
        THEN CAST(DATE '2016-11-15' + CAST(number % 300 AS INTEGER) AS DATE) END AS terminated_on,
    CAST(NULL AS VARCHAR) AS contact,
    CAST(NULL AS VARCHAR) AS address,
    TIMESTAMP '2017-11-01 00:00:00' AS updated_at,
    CAST(1 AS BIGINT) AS delivery
FROM range(1, $customers + 1) AS numbers(number)
ORDER BY customer_id
"""
_LINES = """
SELECT
    format('B{:010d}', number) AS billing_line_id,
    format('C{:08d}', number // $each + 1) AS customer_id,
    format('S{:09d}', number // $each * 2 + number % 2) AS subscription_id,
    CASE WHEN number % 7 = 5 THEN 'internet' WHEN number % 11 = 3 THEN 'iptv'
        WHEN number % 97 = 1 THEN 'voip' ELSE 'mobile' END AS product,
    CASE WHEN number % 13 = 0 THEN 'device_instalment' WHEN number % 7 = 5 THEN 'service_fee'
        WHEN number % 11 = 3 THEN 'basic_service_fee' WHEN number % 97 = 1 THEN 'base_fee'
        WHEN number % 5 = 0 THEN 'data_call' WHEN number % 5 = 1 THEN 'micropayment'
        ELSE 'base_fee' END AS charge_item,
    amount AS billed_amount,
    amount AS collected_amount,
    DATE '2017-01-25' AS due_on,
    DATE '2017-01-20' AS collected_on,
    CAST(0 AS BIGINT) AS revision,
    CAST(1 AS BIGINT) AS delivery
FROM (
    SELECT number, CAST((number * 2654435761 + $month * 97) % 70000 AS BIGINT) AS amount
    FROM range(0, $lines) AS numbers(number)
)
ORDER BY customer_id, billing_line_id
"""
MONTHS = [f"2016-{month:02d}" for month in (11, 12)] + [f"2017-{m:02d}" for m in range(1, 11)]
YEAR = 2018
"""The membership year that is assessed over `MONTHS`."""


def stage_nation(root: Path, *, customers: int, lines_a_month: int) -> None:
    """Stages the customers, and twelve months with one month's lines and totals in each.

    Made in minutes, for whoever reads of many lines a few: the relations of billing that tiers do
    not read are left out.
    """
    options = Options(workspace=root)
    with Run(options, "bench", {}) as run, duckdb.connect() as connection:
        target = run.workspace.staged / "customers" / "part-0.parquet"
        aside = run.temporary(target)
        _copy(connection, _CUSTOMERS, "customers", aside, customers=customers)
        run.replace(aside, target, table="customers", period="", rows=customers)
        run.commit({})
    ingest(options)  # brings what is kept of the customers beside them
    totals = STAGED_RELATIONS["billing_totals"]
    # numbers rise with the customers, so the lines come sorted
    lines = _LINES.removesuffix("ORDER BY customer_id, billing_line_id\n")
    each = max(1, lines_a_month // customers)
    with Run(options, "bench", {}) as run, duckdb.connect() as connection:
        month = run.workspace.root / "month.parquet"
        _copy(connection, lines, "billing", month, lines=lines_a_month, each=each, month=0)
        sums = run.workspace.root / "totals.parquet"
        with DuckDBEngine(run.scratch) as engine:
            engine.relation("billing", [month], staged_schema(EXPORTS["billing"]))
            engine.write(load_transform("staging/billing_totals"), totals, sums)
        for name in MONTHS:
            for table, rows, made in (("billing", lines_a_month, month), (totals.name, None, sums)):
                target = run.workspace.staged / table / f"billing_month={name}" / "part-0.parquet"
                aside = run.temporary(target)
                shutil.copyfile(made, aside)
                run.replace(aside, target, table=table, period=name, rows=rows)
        run.commit({})
        month.unlink()
        sums.unlink()


def _copy(
    connection: duckdb.DuckDBPyConnection, sql: str, export: str, target: Path, **values: int
) -> None:
    """Writes a query's rows as an export's staged file."""
    connection.execute(
        f"COPY ({sql}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, KV_METADATA $kv)",
        values | {"kv": schema_metadata(staged_schema(EXPORTS[export]))},
    )


def stage(root: Path, *, customers: int, lines_a_month: int) -> None:
    """Stages the customers, twelve months of lines and their totals, as one commit."""
    with Run(Options(workspace=root), "bench", {}) as run, duckdb.connect() as connection:

        def write(sql: str, export: str, target: Path, period: str, **values: int) -> Path:
            aside = run.temporary(target)
            _copy(connection, sql, export, aside, **values)
            return aside

        target = run.workspace.staged / "customers" / "part-0.parquet"
        aside = write(_CUSTOMERS, "customers", target, "", customers=customers)
        run.replace(aside, target, table="customers", period="", rows=customers)
        totals = STAGED_RELATIONS["billing_totals"]
        with DuckDBEngine(run.scratch) as engine:
            for number, month in enumerate(MONTHS):
                folder = run.workspace.staged / "billing" / f"billing_month={month}"
                target = folder / "part-0.parquet"
                aside = write(
                    _LINES,
                    "billing",
                    target,
                    month,
                    lines=lines_a_month,
                    each=max(1, lines_a_month // customers),
                    month=number,
                )
                engine.relation("billing", [aside], staged_schema(EXPORTS["billing"]))
                run.replace(aside, target, table="billing", period=month, rows=lines_a_month)
                target = run.workspace.staged / totals.name / f"billing_month={month}"
                target /= "part-0.parquet"
                sums = run.temporary(target)
                engine.write(load_transform("staging/billing_totals"), totals, sums)
                run.replace(sums, target, table=totals.name, period=month)
        run.commit({})
    ingest(Options(workspace=root))  # brings what is kept of these rows beside them
