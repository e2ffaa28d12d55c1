"""Threads: the one bound, `--threads`, for everything that works on several things at once.

Arrow keeps the bound, as its own pools go by it; DuckDB is told when a session starts. The number
of threads changes no byte of any output.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

import pyarrow as pa

_CORES: Final = pa.cpu_count()
_READERS: Final = pa.io_thread_count()
_WAITING: Final = 2
"""Items that may wait for the work on those before them."""

P = ParamSpec("P")
T = TypeVar("T")


def bound_threads(threads: int | None) -> None:
    """Sets the bound for this process; none: a thread a core."""
    pa.set_cpu_count(threads or _CORES)
    pa.set_io_thread_count(min(threads or _READERS, _READERS))


def pool(at_most: int) -> Executor:
    """So many threads, as far as the bound allows; where it is one, the caller does the work."""
    threads = min(at_most, pa.cpu_count())
    return ThreadPoolExecutor(threads) if threads > 1 else _Caller()


def beside(threads: int = 1) -> Executor:
    """Threads that work beside the caller; where the bound is one, the caller itself."""
    return ThreadPoolExecutor(threads) if pa.cpu_count() > 1 else _Caller()


def each_beside(work: Callable[[T], object], items: Iterable[T]) -> None:
    """Does the work on each item, one after another, while the caller makes the next of them."""
    under_way: deque[Future[object]] = deque()
    with beside() as thread:
        for item in items:
            under_way.append(thread.submit(work, item))
            if len(under_way) > _WAITING:
                under_way.popleft().result()
        for future in under_way:
            future.result()


class _Caller(Executor):
    """Does at once what it is given."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done
