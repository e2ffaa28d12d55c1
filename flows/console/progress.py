"""Progress of long work, on stderr: nothing for the first two seconds, then a bar."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from flows.console import logs
from flows.console.terminal import shown

QUIET_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.2
_LOG_SECONDS: Final = 30.0
_within: Final = ContextVar("_within", default=False)
"""Whether the caller is in a block that shows its progress."""


@contextmanager
def working(what: str, share_done: Callable[[], float]) -> Iterator[None]:
    """Shows a bar while the block runs; `share_done` says how far it is, 0 to 1, below 0 unknown.

    The bar appears only where stderr is a terminal and the block takes longer than two seconds;
    elsewhere one line says what is going on, and log lines as JSON repeat it every half minute.
    Work within such a block shows nothing of its own.
    """
    if logs.is_silent() or _within.get():
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(what, share_done, done), daemon=True)
    thread.start()
    outside = _within.set(True)
    try:
        yield
    finally:
        _within.reset(outside)
        done.set()
        thread.join()


def _show(what: str, share_done: Callable[[], float], done: threading.Event) -> None:
    """Shows the progress of a block from another thread, until it is `done`."""
    if done.wait(QUIET_SECONDS):
        return
    if logs.as_json():
        _log(what, share_done, done)
        return
    # most commands are done before there is anything to show
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    what = shown(what)
    if not console.is_terminal:
        console.print(f"{what} …")
        return
    started = time.monotonic() - QUIET_SECONDS
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(what, total=None)
        progress.tasks[0].start_time = started
        while not done.wait(_POLL_SECONDS):
            share = share_done()
            if share >= 0:
                progress.update(bar, total=1.0, completed=share)


def _log(what: str, share_done: Callable[[], float], done: threading.Event) -> None:
    """Writes an event every half minute until the block is `done`."""
    while True:
        share = share_done()
        logs.event("progress", what, share=round(share, 3) if share >= 0 else None)
        if done.wait(_LOG_SECONDS):
            return
