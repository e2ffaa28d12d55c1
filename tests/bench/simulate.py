"""`pointbook simulate --through tiers` beside `pointbook tiers`, which it makes again.

Run: .venv/bin/python -m tests.bench.simulate [--customers N] [--lines-a-month N] [--runs N]
Once with another threshold, so that fees are taken as published, and once with other lines that
count, so that they are added up anew. Three lines a customer and month by default, as a nation has.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from flows.publishing.options import Options
from tests.bench.measure import compare, pointbook
from tests.bench.staged import YEAR, stage_nation
from tests.commands_in_tests import run_command

_TIERS = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
run_command(Options(workspace=Path({root!r})), "tiers {year}")
"""
_SIMULATE = """
from pathlib import Path
import shutil
from flows.answers.simulate.simulate import Question, simulate
from flows.publishing.options import Options
from schemas.periods import Period
simulate(
    Options(workspace=Path({root!r})),
    Question("bench", Period({year}), "tiers", None, ({setting!r},)),
)
shutil.rmtree(Path({root!r}) / "scenarios")
"""
_SETTINGS = {
    "fees as published": "tier_thresholds.white=250000",
    "fees added up": "tier_lines.mobile.data_call=false",
}


def main() -> None:
    """Makes the workspace if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-simulate")
    parser.add_argument("--customers", type=int, default=5_000_000)
    parser.add_argument("--lines-a-month", type=int, default=15_000_000)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    root = arguments.root / f"{arguments.customers}-{arguments.lines_a_month}"
    if not (root / "commits").exists():
        stage_nation(root, customers=arguments.customers, lines_a_month=arguments.lines_a_month)
    if not (root / "warehouse" / "tier_snapshot").exists():
        run_command(Options(workspace=root), f"tiers {YEAR}")
    compare(
        f"simulate: {arguments.lines_a_month * 12:,} lines of {arguments.customers:,} customers",
        [
            pointbook("pointbook tiers", _TIERS.format(root=str(root), year=YEAR)),
            *(
                pointbook(
                    f"simulate, {name}",
                    _SIMULATE.format(root=str(root), year=YEAR, setting=setting),
                )
                for name, setting in _SETTINGS.items()
            ),
        ],
        arguments.runs,
    )


if __name__ == "__main__":
    main()
