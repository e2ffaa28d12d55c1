"""Pieces of work that wait for each other, several at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from graphlib import TopologicalSorter

from transforms.engine.duckdb import OutOfMemory


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
    once_more: list[str] = []
    alone: set[str] = set()
    with pool:
        while order.is_active():
            for name in order.get_ready():
                running[pool.submit(works[name])] = name
            if not running and once_more:
                name = once_more.pop(0)
                alone.add(name)
                running[pool.submit(works[name])] = name
            if not running:
                break
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                error = future.exception()
                if error is None:
                    order.done(name)
                elif isinstance(error, OutOfMemory) and name not in alone:
                    once_more.append(name)
                else:
                    errors[name] = error
    for name in works:
        if name in errors:
            raise errors[name]
