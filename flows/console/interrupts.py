"""Ctrl-C: a command ends within two seconds, whatever library is at work when it is asked to.

Libraries turn the interruption into errors of their own, or wait for work that nobody wants any
more. Ending the process at any moment leaves nothing half done (Q2).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Final, NoReturn

MESSAGE: Final = "interrupted; nothing half done is left, run it again"
EXIT_CODE: Final = 130
_PATIENCE: Final = 1.5
_asked: Final = threading.Event()


def watch(*, at_once: bool = False) -> None:
    """Answers Ctrl-C from now on; `at_once` where there is nothing yet to put away.

    A process that was started to ignore it, in the background say, goes on doing so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _end if at_once else _interrupt)


def asked() -> bool:
    """Whether Ctrl-C was pressed: any error after that is its doing."""
    return _asked.is_set()


def leave(code: int) -> NoReturn:
    """Ends the process at once, with what it printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    if not _asked.is_set():
        _asked.set()
        timer = threading.Timer(_PATIENCE, _end)
        timer.daemon = True
        timer.start()
    raise KeyboardInterrupt


def _end(*_: object) -> NoReturn:
    print(f"pointbook: {MESSAGE}", file=sys.stderr)
    leave(EXIT_CODE)
