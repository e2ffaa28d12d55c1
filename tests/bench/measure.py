"""Times commands as whole processes, in turn, with the peak memory of each process tree."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil
from rich.console import Console
from rich.table import Table

_POLL_SECONDS = 0.05


@dataclass
class Contender:
    """A command to time: Python code that a fresh process runs."""

    name: str
    code: str
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    def run(self, *, quiet: bool = False) -> None:
        """Runs it once and keeps its wall time and the peak memory of its process tree."""
        started = time.monotonic()
        out = subprocess.DEVNULL if quiet else None
        process = subprocess.Popen([sys.executable, "-c", self.code], stdout=out)
        done = threading.Event()
        peaks: list[int] = []
        watcher = threading.Thread(target=_watch, args=(process.pid, done, peaks))
        watcher.start()
        status = process.wait()
        self.seconds.append(time.monotonic() - started)
        done.set()
        watcher.join()
        self.peak_bytes.append(max(peaks, default=0))
        if status:
            raise SystemExit(f"{self.name} ended with {status}")


def pointbook(name: str, code: str) -> Contender:
    """A contender that runs code of ours, in a process that is set up as the command line's."""
    begin = "from flows.console.environment import set_up_process\nset_up_process()\n"
    return Contender(name, f"{begin}{code}")


def compare(title: str, contenders: Sequence[Contender], runs: int = 5) -> None:
    """Runs the contenders in turn, after one uncounted round, and prints medians and ratios.

    A ratio is the median of the ratios to the first contender's run of the same round.
    """
    for contender in contenders:
        contender.run()
        contender.seconds.clear()
        contender.peak_bytes.clear()
    for _ in range(runs):
        for contender in contenders:
            contender.run()
    table = Table(title=title, title_justify="left")
    for heading in ("what", "median s", "min s", "max s", "ratio", "peak MB"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    floor = contenders[0].seconds
    for contender in contenders:
        ratios = [own / base for own, base in zip(contender.seconds, floor, strict=True)]
        table.add_row(
            contender.name,
            *(f"{f(contender.seconds):.1f}" for f in (statistics.median, min, max)),
            f"{statistics.median(ratios):.2f}",
            f"{max(contender.peak_bytes) / 1e6:,.0f}",
        )
    Console(width=110).print(table)


def _watch(pid: int, done: threading.Event, peaks: list[int]) -> None:
    try:
        root = psutil.Process(pid)
        while not done.wait(_POLL_SECONDS):
            tree = [root, *root.children(recursive=True)]
            peaks.append(sum(process.memory_info().rss for process in tree))
    except psutil.Error:
        return
