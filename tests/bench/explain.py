"""`pointbook explain tier` from the shell beside one bare DuckDB query for the customer's lines.

Run: .venv/bin/python -m tests.bench.explain [--customers N] [--lines-a-month N] [--calls N]
By default a nation: 20 M customers and 60 M lines a month, the same in each of twelve months; the
workspace (some GB, assessed) is made once in --root, within minutes. Each call is a process of its
for another customer. With --beside a command computes in the same workspace meanwhile.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from flows.publishing.options import Options
from tests.bench.measure import Contender
from tests.bench.staged import YEAR, stage_nation
from tests.commands_in_tests import run_command

_BARE = """
import duckdb
connection = duckdb.connect()
connection.execute(
    "SELECT * FROM read_parquet('{root}/staged/billing/*/part-0.parquet') WHERE customer_id = ?",
    ["{customer}"],
).fetchall()
"""
_OURS = """
from flows.cli import main
main([
    "explain", "tier", "--customer", "{customer}", "--year", "{year}", "--workspace", "{root}",
])
"""
_COMPUTING = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
while True:
    run_command(Options(workspace=Path("{root}"), memory="4GB"), "tiers {year}", dry_run=True)
"""


def main() -> None:
    """Makes the workspace if need be, and times calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-explain")
    parser.add_argument("--customers", type=int, default=20_000_000)
    parser.add_argument("--lines-a-month", type=int, default=60_000_000)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--beside", action="store_true")
    arguments = parser.parse_args()
    root = arguments.root / f"{arguments.customers}-{arguments.lines_a_month}"
    if not (root / "commits").exists():
        stage_nation(root, customers=arguments.customers, lines_a_month=arguments.lines_a_month)
    if not (root / "warehouse" / "tier_snapshot").exists():
        run_command(Options(workspace=root), f"tiers {YEAR}")
    draw = random.Random(1)
    ours, bare = Contender("pointbook explain tier", ""), Contender("one bare DuckDB query", "")
    with ExitStack() as opened:
        if arguments.beside:
            code = _COMPUTING.format(root=root, year=YEAR)
            beside = subprocess.Popen([sys.executable, "-c", code])
            opened.callback(beside.wait)
            opened.callback(beside.kill)
        for _ in range(arguments.calls):
            customer = f"C{draw.randint(1, arguments.customers):08d}"
            for contender, code in ((bare, _BARE), (ours, _OURS)):
                contender.code = code.format(root=root, customer=customer, year=YEAR)
                contender.run(quiet=True)
    for contender in (bare, ours):
        seconds = sorted(contender.seconds)
        print(
            f"{contender.name}: median {statistics.median(seconds):.2f} s, "
            f"p95 {seconds[max(0, int(len(seconds) * 0.95) - 1)]:.2f} s, "
            f"{max(contender.peak_bytes) / 10**6:,.0f} MB, {len(seconds)} calls"
        )
    ratios = [own / floor for own, floor in zip(ours.seconds, bare.seconds, strict=True)]
    print(f"ratio: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
