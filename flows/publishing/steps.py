"""The steps of a flow: run plainly, or as Prefect tasks that its page shows.

A flow's work is written once, against `StepRunner`. Prefect sees a step's name and that it ran,
never what it works on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from flows.console import logs

T = TypeVar("T")


class StepRunner(Protocol):
    """Runs a named piece of work and returns what it returns."""

    def __call__(self, name: str, work: Callable[[], T], /) -> T: ...


def plainly(name: str, work: Callable[[], T], /) -> T:
    """Runs the work without Prefect."""
    with logs.step(name):
        return work()


def as_task(name: str, work: Callable[[], T], /) -> T:
    """Runs the work as a task of the current Prefect flow."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    run = task(name=name, cache_policy=NO_CACHE, persist_result=False)(lambda: plainly(name, work))
    return run()
