"""`tiers` beside the same assessment as one bare DuckDB query over the same files.

Run: .venv/bin/python -m tests.bench.tiers [--customers N] [--lines-a-month N] [--runs N]
By default 5 M customers and 120 M lines; the workspace (some GB) is made once in --root.
The bare query reads the same lines and customers and writes the snapshot's rows in its order:
no policy tables, no exceptions, no audits, no hashes, nothing made durable.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.bench.measure import Contender, compare, pointbook
from tests.bench.staged import YEAR, stage

_BARE = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": {temp!r}}})
connection.execute("SET enable_progress_bar = false")
connection.execute('''
COPY (
    WITH fees AS (
        SELECT customer_id,
            sum(collected_amount) FILTER (product = 'mobile') AS mobile_fee,
            sum(collected_amount) FILTER (product = 'internet') AS internet_fee,
            sum(collected_amount) FILTER (product = 'iptv') AS iptv_fee,
            sum(collected_amount) FILTER (product = 'wibro') AS wibro_fee,
            sum(collected_amount) FILTER (product = 'voip') AS voip_fee,
            sum(collected_amount) FILTER (product = 'landline') AS landline_fee,
            sum(collected_amount) AS annual_fee
        FROM read_parquet('{root}/staged/billing/*/part-0.parquet', hive_partitioning = false)
        WHERE (product IN ('mobile', 'voip', 'landline')
                AND charge_item IN ('base_fee', 'domestic_call'))
            OR (product = 'mobile' AND charge_item = 'data_call')
            OR (product = 'internet' AND charge_item = 'service_fee')
            OR (product = 'iptv' AND charge_item = 'basic_service_fee')
            OR (product = 'wibro' AND charge_item = 'base_fee')
        GROUP BY customer_id
    )
    SELECT customer_id, DATE '2017-11-01' AS assessed_on,
        coalesce(mobile_fee, 0)::BIGINT AS mobile_fee,
        coalesce(internet_fee, 0)::BIGINT AS internet_fee,
        coalesce(iptv_fee, 0)::BIGINT AS iptv_fee, coalesce(wibro_fee, 0)::BIGINT AS wibro_fee,
        coalesce(voip_fee, 0)::BIGINT AS voip_fee,
        coalesce(landline_fee, 0)::BIGINT AS landline_fee,
        coalesce(annual_fee, 0)::BIGINT AS annual_fee,
        CASE WHEN annual_fee >= 1000000 THEN 'vip' WHEN annual_fee >= 600000 THEN 'gold'
            WHEN annual_fee >= 400000 THEN 'silver' WHEN annual_fee >= 200000 THEN 'white'
            ELSE 'general' END AS fee_tier,
        (2017 - year(joined_on)
            - CASE WHEN month(joined_on) * 100 + day(joined_on) > 1101 THEN 1 ELSE 0 END)::BIGINT
            AS tenure_years,
        fee_tier = 'gold' AND tenure_years >= 6 AS upgraded,
        CASE WHEN upgraded THEN 'vip' ELSE fee_tier END AS tier,
        'bare' AS policy
    FROM read_parquet('{root}/staged/customers/part-0.parquet') AS customers
    LEFT JOIN fees USING (customer_id)
    WHERE joined_on <= DATE '2017-11-01'
        AND (terminated_on IS NULL OR terminated_on > DATE '2017-11-01')
    ORDER BY customer_id
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
''')
"""
_OURS = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
run_command(Options(workspace=Path({root!r}), memory="{memory}"), "tiers {year}")
"""

_PREFECT = """
from pathlib import Path
from flows.console.environment import set_library_settings
set_library_settings(Path({root!r}))
from prefect import flow
flow(lambda: None, name="nothing")()
"""


def main() -> None:
    """Makes the workspace if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-tiers")
    parser.add_argument("--customers", type=int, default=5_000_000)
    parser.add_argument("--lines-a-month", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", default="4GB")
    arguments = parser.parse_args()
    root = arguments.root / f"{arguments.customers}-{arguments.lines_a_month}"
    if not (root / "commits").exists():
        stage(root, customers=arguments.customers, lines_a_month=arguments.lines_a_month)
    filled = {
        "root": str(root),
        "memory": arguments.memory,
        "temp": str(root / "bare.tmp"),
        "out": str(root / "bare.parquet"),
        "year": YEAR,
    }
    compare(
        f"tiers: {arguments.lines_a_month * 12:,} lines of {arguments.customers:,} customers",
        [
            Contender("one bare DuckDB query", _BARE.format(**filled)),
            pointbook("pointbook tiers", _OURS.format(**filled)),
        ],
        arguments.runs,
    )
    compare(
        "Prefect's start, embedded server and all, which every command has besides",
        [Contender("a flow that does nothing", _PREFECT.format(**filled))],
        arguments.runs,
    )


if __name__ == "__main__":
    main()
