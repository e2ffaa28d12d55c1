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
