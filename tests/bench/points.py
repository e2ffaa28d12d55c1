"""`points` beside a bare DuckDB script that reads, sorts and writes as much, with no rules.

Run: .venv/bin/python -m tests.bench.points [--customers N] [--runs N] [--what …]
By default a month of 1 M customers with 5 M events: 1 M bills, 0.5 M promotions and purchases each,
2.9 M redemptions (of which 5 % cancellations), 0.1 M refund applications, over the lots that the
month before left. `--what`: `month` that; `scale` a tenth of it, then all; `empty` a month without
events over open lots, beside copying them; `months` the 76th month of a ledger beside the 12th.
The bare script writes the same tables with the same columns in the same order; each redemption
takes from one lot that it never looks at.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

import duckdb

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from flows.publishing.run import Run
from schemas.derive import schema_metadata, staged_schema, stored_schema
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import STAGED_RELATIONS
from tests.bench.measure import Contender, compare, pointbook
from tests.commands_in_tests import run_command
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform

_CUSTOMERS = """
SELECT format('C{:08d}', number) AS customer_id, DATE '2010-01-01' AS joined_on,
    'active' AS status, CAST(NULL AS DATE) AS terminated_on,
    md5(CAST(number AS VARCHAR)) AS contact,
    CAST(NULL AS VARCHAR) AS address, TIMESTAMP '2015-01-01 00:00:00' AS updated_at,
    CAST(1 AS BIGINT) AS delivery
FROM range(0, $customers) AS numbers(number)
ORDER BY customer_id
"""
_BILLING = """
SELECT format('B{:010d}', number) AS billing_line_id, format('C{:08d}', number) AS customer_id,
    format('S{:08d}', number) AS subscription_id, 'mobile' AS product, 'base_fee' AS charge_item,
    CAST(20000 + number * 7919 % 90000 AS BIGINT) AS billed_amount,
    CAST(20000 + number * 7919 % 90000 AS BIGINT) AS collected_amount,
    CAST($first AS DATE) + 24 AS due_on, CAST($first AS DATE) + 20 AS collected_on,
    CAST(0 AS BIGINT) AS revision, CAST(1 AS BIGINT) AS delivery
FROM range(0, $customers) AS numbers(number)
ORDER BY customer_id, billing_line_id
"""
_PROMOTIONS = """
SELECT format('P{:010d}-{}', number, $month) AS promotion_credit_id,
    format('C{:08d}', number * 2654435761 % $customers) AS customer_id,
    CAST($first AS DATE) + CAST(number * 31 % 28 AS INTEGER) AS credited_on,
    'CODE' AS promotion_code,
    CAST(100 + number * 37 % 3000 AS BIGINT) AS points, number % 3 = 0 AS refundable,
    CASE WHEN number % 2 = 0 THEN CAST($first AS DATE) + CAST(40 + number % 200 AS INTEGER) END
        AS expires_on, CAST(1 AS BIGINT) AS delivery
FROM range(0, $customers // 2) AS numbers(number)
ORDER BY customer_id, promotion_credit_id
"""
_PURCHASES = """
SELECT format('Q{:010d}-{}', number, $month) AS purchase_id,
    format('C{:08d}', number * 1597334677 % $customers) AS customer_id,
    CAST($first AS TIMESTAMP) + to_seconds(number * 7919 % 2400000) AS purchased_at,
    CASE WHEN number % 3 = 0 THEN 'partner' ELSE 'official_shop' END AS channel,
    CAST(1000 + number * 31 % 200000 AS BIGINT) AS amount, CAST(1 AS BIGINT) AS delivery
FROM range(0, $customers // 2) AS numbers(number)
ORDER BY customer_id, purchase_id
"""
_REDEMPTIONS = """
WITH used AS (
    SELECT number, number * 2246822519 % $customers AS owner, number % 20 = 19 AS cancels
    FROM range(0, $customers * 29 // 10) AS numbers(number)
)
SELECT format('R{:010d}-{}', number, $month) AS redemption_id,
    format('C{:08d}', CASE WHEN cancels THEN (number - 7) * 2246822519 % $customers ELSE owner END)
        AS customer_id,
    CAST($first AS TIMESTAMP) + to_seconds(number * 7919 % 2400000) AS used_at,
    CASE WHEN number % 4 = 0 THEN 'double_discount' ELSE 'partner_discount' END AS benefit,
    'cgv' AS partner, CAST(10 + number * 13 % 400 AS BIGINT) AS points,
    CASE WHEN cancels
        THEN format('R{:010d}-{}', number - 7, CASE WHEN number % 40 = 19 THEN $month
            ELSE $before END) END AS cancels,
    CAST(1 AS BIGINT) AS delivery
FROM used
ORDER BY customer_id, redemption_id
"""
_REFUNDS = """
SELECT format('A{:010d}-{}', number, $month) AS application_id,
    format('C{:08d}', number * 3266489917 % $customers) AS customer_id,
    CAST($first AS TIMESTAMP) + to_seconds(number * 7919 % 2400000) AS applied_at,
    CAST(50 + number * 13 % 500 AS BIGINT) AS points, 'cash' AS method, 'online' AS channel,
    md5(CAST(number * 3266489917 % $customers AS VARCHAR)) AS contact,
    CAST(NULL AS VARCHAR) AS address, CAST(1 AS BIGINT) AS delivery
FROM range(0, $customers // 10) AS numbers(number)
ORDER BY customer_id, application_id
"""
_EVENTS = {
    "promotions": _PROMOTIONS,
    "purchases": _PURCHASES,
    "redemptions": _REDEMPTIONS,
    "refund_applications": _REFUNDS,
}

_BARE = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": {temp!r}}})
connection.execute("SET enable_progress_bar = false")
def read(path):
    return "read_parquet('{root}/" + path + "', hive_partitioning = false)"
month = "month={month}/*.parquet"
customers = read("staged/customers/*.parquet")
lots = read("warehouse/point_lots/period={before}/*.parquet")
bills = read("staged/billing/billing_month={month}/*.parquet")
promotions, purchases, redemptions, refunds = (
    read("staged/" + name + "/" + month)
    for name in ("promotions", "purchases", "redemptions", "refund_applications")
)
connection.execute(f'''CREATE TEMP TABLE credits AS
SELECT 'payment:{month}:' || customer_id AS lot_id, customer_id, 'payment' AS kind,
    DATE '{last}' AS credited_on, DATE '2018-12-31' AS expires_on, true AS refundable,
    sum(collected_amount)::BIGINT * 5 // 1000 AS points FROM {{bills}} GROUP BY customer_id
UNION ALL SELECT 'promotion:' || promotion_credit_id, customer_id, 'promotion', credited_on,
    coalesce(expires_on, DATE '2017-12-31'), refundable, points FROM {{promotions}}
UNION ALL SELECT 'purchase:' || purchase_id, customer_id, 'purchase', purchased_at::DATE,
    DATE '2018-12-31', true, amount // 100 FROM {{purchases}}''')
connection.execute(f'''CREATE TEMP VIEW entries AS
SELECT customer_id, lot_id, lot_id AS source_id, kind,
    credited_on::TIMESTAMP AS occurred_at, points,
    CAST(NULL AS VARCHAR) AS cause, kind AS lot_kind, credited_on, expires_on, refundable,
    points AS credited, CAST(NULL AS DATE) AS shortened_from FROM credits
UNION ALL SELECT customer_id, 'payment:{before}:' || customer_id, redemption_id, 'redemption',
    used_at, -points, NULL, 'payment', used_at::DATE, DATE '2018-12-31', true, points, NULL
    FROM {{redemptions}} AS asked JOIN {{customers}} AS known USING (customer_id)
UNION ALL SELECT customer_id, 'payment:{before}:' || customer_id, application_id, 'refund',
    applied_at, -points, NULL, 'payment', applied_at::DATE, DATE '2018-12-31', true, points, NULL
    FROM {{refunds}} AS asked JOIN {{customers}} AS known USING (customer_id)''')
connection.execute(f'''CREATE TEMP VIEW lots_left AS
SELECT lot_id, customer_id, kind, credited_on, expires_on, refundable, credited, remaining,
    shortened_from FROM {{lots}}
UNION ALL SELECT lot_id, customer_id, kind, credited_on, expires_on, refundable, points, points,
    NULL FROM credits''')
def write(name, sql):
    target = "'{out}/" + name + ".parquet'"
    connection.execute(f"COPY ({{sql}}) TO {{target}} (FORMAT parquet, COMPRESSION zstd)")
write("point_entries", "SELECT * FROM entries ORDER BY customer_id, lot_id, source_id, kind")
write("point_lots", "SELECT * FROM lots_left ORDER BY customer_id, lot_id")
write("point_balances", '''SELECT customer_id, sum(opening)::BIGINT AS opening,
    sum(credited)::BIGINT AS credited, sum(spent)::BIGINT AS spent, 0::BIGINT AS restored,
    0::BIGINT AS expired, sum(closing)::BIGINT AS closing, sum(closing)::BIGINT AS usable
FROM (SELECT customer_id, 0 AS opening, sum(CASE WHEN points > 0 THEN points END) AS credited,
        sum(CASE WHEN points < 0 THEN -points END) AS spent, 0 AS closing FROM entries GROUP BY 1
    UNION ALL SELECT customer_id, sum(remaining), 0, 0, 0 FROM ''' + lots + ''' GROUP BY 1
    UNION ALL SELECT customer_id, 0, 0, 0, sum(remaining) FROM lots_left GROUP BY 1)
GROUP BY customer_id ORDER BY customer_id''')
write("point_liability", '''SELECT expires_on, kind, true AS usable,
    count(DISTINCT customer_id) AS customers, count(*) AS lots, sum(remaining)::BIGINT AS points
FROM lots_left GROUP BY ALL ORDER BY expires_on, kind''')
write("redemption_results", f'''SELECT redemption_id, customer_id, used_at, benefit, partner,
    points, cancels, 'accepted' AS status, CAST(NULL AS VARCHAR) AS reason FROM {{redemptions}}
ORDER BY customer_id, redemption_id''')
write("refund_results", f'''SELECT application_id, customer_id, applied_at, points, method,
    0::BIGINT AS fee, points AS amount_krw, applied_at::DATE AS pay_on, 'accepted' AS status,
    CAST(NULL AS VARCHAR) AS reason FROM {{refunds}} ORDER BY customer_id, application_id''')
"""
_COPY = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": {temp!r}}})
connection.execute("SET enable_progress_bar = false")
connection.execute('''COPY (SELECT * FROM read_parquet(
    '{root}/warehouse/point_lots/period={before}/*.parquet', hive_partitioning = false))
TO '{out}/lots.parquet' (FORMAT parquet, COMPRESSION zstd)''')
"""
_CLOSE = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
options = Options(workspace=Path({root!r}), memory="{memory}")
run_command(options, "points {month} --allow-missing-months")
"""


def stage(root: Path, customers: int, months: Iterable[str], *, events: bool = True) -> None:
    """Stages the customers and what happens in the months, as one commit."""
    with (
        Run(Options(workspace=root), "bench", {}) as run,
        duckdb.connect() as connection,
        DuckDBEngine(run.scratch) as engine,
    ):

        def write(export: str, sql: str, partition: str, period: str, **values: object) -> None:
            target = run.workspace.staged / export / partition / "part-0.parquet"
            aside = run.temporary(target)
            copied = connection.execute(
                f"COPY ({sql}) TO '{aside}' (FORMAT parquet, COMPRESSION zstd, KV_METADATA $kv)",
                {name: value for name, value in values.items() if f"${name}" in sql}
                | {"kv": schema_metadata(staged_schema(EXPORTS[export]))},
            ).fetchall()
            if export == "billing":
                engine.relation(export, [aside], staged_schema(EXPORTS[export]))
                relate(period, partition)
            run.replace(aside, target, table=export, period=period, rows=copied[0][0])

        def relate(period: str, partition: str) -> None:
            for name in ("billing_collections", "billing_late_collections"):
                table = STAGED_RELATIONS[name]
                target = run.workspace.staged / name / partition / "part-0.parquet"
                aside = run.temporary(target)
                engine.write(load_transform(f"staging/{name}"), table, aside)
                engine.relation(name, [aside], stored_schema(table))
                run.replace(aside, target, table=name, period=period)

        if not (root / "staged" / "customers").exists():
            write("customers", _CUSTOMERS, "", "", customers=customers)
        for month in months:
            values = {
                "customers": customers,
                "first": f"{month}-01",
                "month": month,
                "before": str(Period.parse(month).before),
            }
            if events:
                # with a whole year of bills, January would ask for tiers and grants first
                if not month.endswith("-06"):
                    write("billing", _BILLING, f"billing_month={month}", month, **values)
                for export, sql in _EVENTS.items():
                    write(export, sql, f"month={month}", month, **values)
        run.commit({})
    ingest(Options(workspace=root))  # brings what is kept of these rows beside them


def prepared(root: Path, customers: int, months: list[str]) -> Path:
    """A workspace with these months staged and all but the last closed; made once."""
    place = root / f"{customers}-{months[0]}-{len(months)}"
    if not (place / "commits").exists():
        stage(place, customers, months)
        for month in months[:-1]:
            close(place, month)
    return place


def close(place: Path, month: str) -> None:
    """Closes a month; after December the year as well."""
    run_command(Options(workspace=place), f"points {month} --allow-missing-months")
    if month.endswith("-12"):
        run_command(Options(workspace=place), f"sweep {month[:4]}")


def contenders(place: Path, month: str, memory: str) -> dict[str, Contender]:
    """The bare scripts and `points` for a month, over the lots that the one before left."""
    out = place / "bare"
    out.mkdir(exist_ok=True)
    filled = {
        "root": str(place),
        "memory": memory,
        "temp": str(out / "tmp"),
        "out": str(out),
        "month": month,
        "before": str(Period.parse(month).before),
        "last": f"{month}-28",
    }
    return {
        "bare": Contender("a bare script, no rules", _BARE.format(**filled)),
        "copy": Contender("copying the open lots", _COPY.format(**filled)),
        "points": pointbook(f"pointbook points {month}", _CLOSE.format(**filled)),
    }


def months_from(first: str, count: int) -> list[str]:
    """So many months, from the first on."""
    begin = int(first[:4]) * 12 + int(first[5:]) - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(begin, begin + count)]


def main() -> None:
    """Makes the workspaces if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-points")
    parser.add_argument("--what", choices=["month", "scale", "empty", "months"], default="month")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", default="4GB")
    arguments = parser.parse_args()
    customers, memory, runs = arguments.customers, arguments.memory, arguments.runs
    two = months_from("2017-02", 2)
    if arguments.what == "month":
        place = prepared(arguments.root, customers, two)
        found = contenders(place, two[-1], memory)
        title = f"points: {customers:,} customers, {customers * 5:,} events"
        compare(title, [found["bare"], found["points"]], runs)
    elif arguments.what == "scale":
        small = prepared(arguments.root, customers // 10, two)
        large = prepared(arguments.root, customers, two)
        both = [contenders(place, two[-1], memory)["points"] for place in (small, large)]
        compare(f"points: ten times the events, up to {customers * 5:,}", both, runs)
    elif arguments.what == "empty":
        place = prepared(arguments.root, customers, two)
        close(place, two[-1])
        found = contenders(place, str(Period.parse(two[-1]).after), memory)
        compare("points: a month without events", [found["copy"], found["points"]], runs)
    else:
        place = prepared(arguments.root, customers, months_from("2010-11", 77))
        twelfth, last = "2011-10", "2017-02"
        both = [contenders(place, month, memory)["points"] for month in (twelfth, last)]
        compare(f"points: month 12 and month 76, {customers * 5:,} events each", both, runs)


if __name__ == "__main__":
    main()
