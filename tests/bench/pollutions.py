"""Every pollution of a billing export, and what reading it comes to.

Run: .venv/bin/python -m tests.bench.pollutions [--each N]
By default all, some minutes; with --each every N-th. Ends with 1 where a row is silently wrong or
lost.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pollutions import judged, pollutions


def main() -> int:
    """Judges the pollutions, prints what is wrong or lost, then the counts; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=1)
    each = parser.parse_args().each
    counts: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        for pollution in islice(pollutions(), 0, None, each):
            verdict = judged(pollution, Path(folder))
            counts["files"] += 1
            counts["files refused whole"] += verdict.refused is not None
            counts["rows rejected"] += len(verdict.rejected)
            counts["rows silently wrong"] += len(verdict.wrong)
            counts["rows lost"] += len(verdict.lost)
            if pollution.row and verdict.refused is None:
                others = max(0, len(verdict.rejected) - 1)
                counts["other rows rejected than the broken one"] += others
            if verdict.wrong or verdict.lost:
                print(f"{pollution.name}: wrong {verdict.wrong[:2]}, lost {verdict.lost[:5]}")
    print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return 1 if counts["rows silently wrong"] or counts["rows lost"] else 0


if __name__ == "__main__":
    sys.exit(main())
