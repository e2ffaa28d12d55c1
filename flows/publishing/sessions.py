"""Database sessions: one for each run, or one for many runs in turn.

To start a session takes as long as ten small queries, and to name policies again as long as
another five; the calendar has hundreds of runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import Engine


class _Shared:
    """A session that is kept from one run to the next, without anything that a run named."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], Engine] | None = None

    @contextmanager
    def lend(self, scratch: Path, memory: str, threads: int | None) -> Iterator[Engine]:
        """The session, for a run with these settings; where it fails, the next gets a new one.

        While it is lent it is not here, so that a run within a run gets a session of its own.
        """
        settings = (scratch, memory, threads)
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] != settings:
            kept[1].close()
            kept = None
        engine = DuckDBEngine(scratch, memory, threads) if kept is None else kept[1]
        try:
            yield engine
            engine.forget()
        except BaseException:
            engine.close()
            raise
        self.close()
        self._kept = (settings, engine)

    def close(self) -> None:
        """Ends the session that is kept, if any."""
        if self._kept is not None:
            self._kept[1].close()
        self._kept = None


_shared: Final[list[_Shared]] = []


def session(
    scratch: Path, memory: str = "4GB", threads: int | None = None
) -> AbstractContextManager[Engine]:
    """A session with these settings: the shared one within `one_session`, else its own."""
    if _shared:
        return _shared[-1].lend(scratch, memory, threads)
    return DuckDBEngine(scratch, memory, threads)


@contextmanager
def one_session() -> Iterator[None]:
    """Runs of the block have one session, each after the other."""
    _shared.append(_Shared())
    try:
        yield
    finally:
        _shared.pop().close()
