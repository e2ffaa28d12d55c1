"""Pieces of work that wait for each other, several at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from graphlib import TopologicalSorter

from transforms.engine.scale import OnceMoreAlone


def side_by_side(
    works: Mapping[str, Callable[[], None]],
    waits_for: Mapping[str, Collection[str]],
    pool: Executor,
) -> None:
    """Does each piece of work after those that it waits for, as many at once as the pool takes.

    What runs out of memory beside others is done once more, by itself. Where some fail, all that
    doesn't wait for them is done all the same, and the error of the first of them, as they are
    listed, is raised: it doesn't depend on which was faster.
    """
    order = TopologicalSorter(waits_for)
    order.prepare()
    errors: dict[str, BaseException] = {}
    running: dict[Future[None], str] = {}
    once_more = OnceMoreAlone()
    with pool:
        while True:
            for name in order.get_ready():
                running[pool.submit(once_more.do, works[name])] = name
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                error = future.exception()
                if error is None:
                    order.done(name)
                else:
                    errors[name] = error
    for name in works:
        if name in errors:
            raise errors[name]
