"""One database session for runs that follow one another.

To start a session takes as long as ten small queries, and to name policies again as long as
another five; the calendar has hundreds of runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from transforms.engine.engine import Engine


class SharedSession:
    """A session that is kept from one run to the next; `start` starts it when it is needed."""

    def __init__(self, start: Callable[[], Engine]) -> None:
        self._start = start
        self._idle: Engine | None = None

    @contextmanager
    def lend(self) -> Iterator[Engine]:
        """The session for one run, in which only policies are named yet.

        A run that fails ends it, and the next gets a new one; so does a run that begins while
        another has it.
        """
        engine = self._start() if self._idle is None else self._idle
        self._idle = None
        try:
            yield engine
            engine.forget()
        except BaseException:
            engine.close()
            raise
        self.close()
        self._idle = engine

    def close(self) -> None:
        """Ends the session that no run has at the moment."""
        if self._idle is not None:
            self._idle.close()
        self._idle = None
