"""`micropayments` beside a bare DuckDB script that answers with no regard to limits.

Run: .venv/bin/python -m tests.bench.micropayments [--payments N] [--lines N] [--runs N]
By default 20 M payments of 2 M subscriptions, and arrears of 60 M billing lines in 12 months; the
workspaces (some GB) are made once in --root. The bare script reads the same files, joins arrears,
sorts, and writes tables of the same rows and columns in the same order: every payment that is not
in arrears or out of service is approved, and so is every request. It has no policy tables, no
audits, no hashes, and makes nothing durable. `--months` compares month 76 with month 12 instead:
the same payments, but six times the bills, and the limits that were set since.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from datetime import date
from pathlib import Path

import duckdb

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from flows.publishing.run import Run
from schemas.derive import schema_metadata, staged_schema, stored_schema
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from tests.bench.measure import Contender, compare, pointbook

FIRST = Period(2015, 11)
"""The first month of bills, and of the limits."""

_SUBSCRIPTIONS = """
SELECT
    format('S{:09d}', number) AS subscription_id,
    format('C{:08d}', number * 7919 % $subscriptions) AS customer_id,
    'mobile' AS product,
    CAST(NULL AS VARCHAR) AS plan,
    CASE WHEN number % 20 = 0 THEN 'youth' WHEN number % 7 = 0 THEN 'senior' ELSE 'standard' END
        AS plan_class,
    CAST(number % 6 + 1 AS BIGINT) AS credit_grade,
    DATE '2010-01-01' AS opened_on,
    CASE WHEN number % 100 = 0 THEN $first_day + 14 END AS closed_on,
    TIMESTAMP '2016-01-01' AS updated_at,
    CAST(1 AS BIGINT) AS delivery
FROM range(0, $subscriptions) AS numbers(number)
ORDER BY subscription_id
"""
_PAYMENTS = """
SELECT
    format('P{:010d}', number * 2654435761 % ($payments * 4)) AS payment_id,
    format('S{:09d}', number // 10) AS subscription_id,
    CAST($first_day AS TIMESTAMP) + to_seconds(number * 48271 % (28 * 86400)) AS requested_at,
    'merchant ' || number * 37 % 300 AS merchant,
    ['content', 'shopping', 'gift_card', 'subscription'][number % 4 + 1] AS category,
    CAST(number * 7717 % 20000 + 100 AS BIGINT) AS amount,
    CAST(number % 5 * 100 AS BIGINT) AS platform_fee,
    number % 9 = 0 AS recurring,
    CAST(1 AS BIGINT) AS delivery
FROM range(0, $payments) AS numbers(number)
ORDER BY subscription_id, payment_id
"""
_REQUESTS = """
SELECT
    format('L{:09d}', number) AS request_id,
    format('S{:09d}', number * 97 % $subscriptions) AS subscription_id,
    CAST($first_day AS TIMESTAMP) + to_seconds(number * 1301 % (28 * 86400)) AS requested_at,
    CAST(number % 10 * 100000 AS BIGINT) AS requested_limit,
    CAST(1 AS BIGINT) AS delivery
FROM range(0, $subscriptions // 100) AS numbers(number)
ORDER BY subscription_id, request_id
"""
_ARREARS = """
-- of 20 lines one was late: of five of those, four were collected within a month of it
SELECT
    format('C{:08d}', (number * 104729 + $month * 31) % $subscriptions) AS customer_id,
    format('B{:010d}', number) AS billing_line_id,
    $due_on + 1 AS in_arrears_from,
    CASE WHEN number % 5 > 0 THEN $due_on + 2 + CAST(number % 30 AS INTEGER) END AS in_arrears_until
FROM range(0, $lines // 20) AS numbers(number)
ORDER BY customer_id, billing_line_id
"""
_LIMITS = """
SELECT
    format('S{:09d}', number) AS subscription_id,
    CAST(number % 10 * 100000 AS BIGINT) AS monthly_limit,
    format('L{:09d}', number) AS request_id,
    TIMESTAMP '2015-11-05' AS requested_at
FROM range(0, $subscriptions) AS numbers(number)
WHERE number % 100 < $months // 2
ORDER BY subscription_id
"""
_BARE = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": {temp!r}}})
connection.execute("SET enable_progress_bar = false")
for sql in ('''
COPY (
    WITH subscriptions AS (
        SELECT * FROM read_parquet('{root}/staged/subscriptions/part-0.parquet')
    ),
    arrears AS (
        SELECT customer_id, in_arrears_from, in_arrears_until
        FROM read_parquet('{root}/staged/billing_arrears/*/part-0.parquet')
        WHERE in_arrears_from < DATE '{first_day}' + INTERVAL 1 MONTH
            AND (in_arrears_until IS NULL OR in_arrears_until > DATE '{first_day}')
    ),
    payments AS (
        SELECT payments.*, subscriptions.customer_id, opened_on, closed_on,
            EXISTS (
                SELECT 1 FROM arrears
                WHERE arrears.customer_id = subscriptions.customer_id
                    AND in_arrears_from <= requested_at::DATE
                    AND (in_arrears_until IS NULL OR requested_at::DATE < in_arrears_until)
            ) AS in_arrears
        FROM read_parquet('{root}/staged/micropayments/month={month}/part-0.parquet') AS payments
        LEFT JOIN subscriptions USING (subscription_id)
    ),
    judged AS (
        SELECT *, CASE WHEN customer_id IS NULL THEN 'unknown_subscription'
            WHEN requested_at::DATE < opened_on OR requested_at::DATE >= closed_on
                THEN 'not_in_service'
            WHEN in_arrears THEN 'arrears' END AS reason
        FROM payments
    )
    SELECT payment_id, subscription_id, customer_id, requested_at, merchant, category, amount,
        platform_fee, recurring,
        CASE WHEN reason IS NULL THEN 'approved' ELSE 'declined' END AS status, reason,
        300000::BIGINT AS limit_in_force, amount AS approved_total
    FROM judged ORDER BY customer_id, payment_id
) TO '{out}.results' (FORMAT parquet, COMPRESSION zstd)
''', '''
COPY (
    SELECT payment_id, subscription_id, customer_id, '2017-01' AS billing_month, amount,
        platform_fee
    FROM read_parquet('{out}.results') WHERE status = 'approved' ORDER BY customer_id, payment_id
) TO '{out}.lines' (FORMAT parquet, COMPRESSION zstd)
''', '''
COPY (
    SELECT subscription_id, customer_id, 300000::BIGINT AS limit_in_force,
        sum(CASE WHEN status = 'approved' THEN amount ELSE 0 END)::BIGINT AS approved_total,
        count(*) AS payments, count(*) FILTER (recurring) AS recurring_payments,
        false AS usage_notice
    FROM read_parquet('{out}.results') WHERE customer_id IS NOT NULL
    GROUP BY subscription_id, customer_id ORDER BY customer_id, subscription_id
) TO '{out}.usage' (FORMAT parquet, COMPRESSION zstd)
''', '''
COPY (
    SELECT request_id, subscription_id, requested_at, requested_limit, 'approved' AS status,
        NULL::VARCHAR AS reason, requested_limit AS limit_after
    FROM read_parquet('{root}/staged/limit_requests/month={month}/part-0.parquet')
    ORDER BY subscription_id, request_id
) TO '{out}.requests' (FORMAT parquet, COMPRESSION zstd)
''', '''
COPY (
    SELECT subscription_id, monthly_limit, request_id, requested_at
    FROM read_parquet('{root}/warehouse/micropayment_limits/month={before}/part-0.parquet')
    ORDER BY subscription_id
) TO '{out}.limits' (FORMAT parquet, COMPRESSION zstd)
'''):
    connection.execute(sql)
"""
_OURS = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
run_command(Options(workspace=Path({root!r}), memory="{memory}"), "micropayments {month}")
"""


def stage(root: Path, *, payments: int, lines: int, months: int) -> None:
    """Stages the last of so many months, with the arrears of all and the limits before it."""
    month = _months(months)[-1]
    subscriptions = payments // 10
    values: dict[str, int | date] = {
        "payments": payments,
        "subscriptions": subscriptions,
        "first_day": month.first_day,
        "months": months,
    }
    with Run(Options(workspace=root), "bench", {}) as run, duckdb.connect() as connection:

        def write(sql: str, target: Path, schema: object, table: str, period: object) -> None:
            target /= "part-0.parquet"
            aside = run.temporary(target)
            used = {name: values[name] for name in re.findall(r"\$(\w+)", sql)}
            (rows,) = connection.execute(
                f"COPY ({sql}) TO '{aside}' (FORMAT parquet, COMPRESSION zstd, KV_METADATA $kv)",
                used | {"kv": schema_metadata(schema)},
            ).fetchall()
            run.replace(aside, target, table=table, period=str(period), rows=rows[0])

        for name, sql in (
            ("subscriptions", _SUBSCRIPTIONS),
            ("micropayments", _PAYMENTS),
            ("limit_requests", _REQUESTS),
        ):
            period = "" if name == "subscriptions" else month
            folder = run.workspace.staged / name / (f"month={month}" if period else "")
            write(sql, folder, staged_schema(EXPORTS[name]), name, period)
        arrears = STAGED_RELATIONS["billing_arrears"]
        for number, billing_month in enumerate(_months(months)):
            values |= {
                "month": number,
                "due_on": billing_month.first_day.replace(day=25),
                "lines": lines // 12,
            }
            folder = run.workspace.staged / arrears.name / f"billing_month={billing_month}"
            write(_ARREARS, folder, stored_schema(arrears), arrears.name, billing_month)
        limits = PUBLISHED["micropayment_limits"]
        before = month.before
        folder = run.workspace.warehouse / limits.name / f"month={before}"
        write(_LIMITS, folder, stored_schema(limits), limits.name, before)
        run.commit({})
    ingest(Options(workspace=root))  # brings what is kept of these rows beside them


def _months(count: int) -> list[Period]:
    found = [FIRST]
    while len(found) < count:
        found.append(found[-1].after)
    return found


def main() -> None:
    """Makes the workspaces if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-micro")
    parser.add_argument("--payments", type=int, default=20_000_000)
    parser.add_argument("--lines", type=int, default=60_000_000, help="in any twelve months")
    parser.add_argument("--months", action="store_true", help="compare month 76 with month 12")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", default="4GB")
    arguments = parser.parse_args()
    contenders = []
    for months in (12, 76) if arguments.months else (12,):
        root = arguments.root / f"{arguments.payments}-{arguments.lines}-{months}"
        if not (root / "commits").exists():
            stage(root, payments=arguments.payments, lines=arguments.lines, months=months)
        month = _months(months)[-1]
        filled = {
            "root": str(root),
            "memory": arguments.memory,
            "temp": str(root / "bare.tmp"),
            "out": str(root / "bare"),
            "month": month,
            "before": month.before,
            "first_day": month.first_day.isoformat(),
        }
        if not arguments.months:
            contenders.append(Contender("a bare DuckDB script", _BARE.format(**filled)))
        contenders.append(
            pointbook(f"pointbook micropayments, month {months}", _OURS.format(**filled))
        )
    compare(
        f"micropayments: {arguments.payments:,} payments, arrears of {arguments.lines:,} billing "
        "lines in twelve months",
        contenders,
        arguments.runs,
    )


if __name__ == "__main__":
    main()
