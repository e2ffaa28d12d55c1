"""Sums that 64 bits can't hold: a command that fails for one names whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from flows.console.errors import RunFailed
from transforms.engine.duckdb import Engine, QueryError, load_transform

_NAMED: Final = 3


@dataclass(frozen=True)
class TooLarge:
    """How sums that are too large are found, named and corrected.

    `transform`: finds whose they are, two columns, name and sum. `what` is added up; `remedy`: what
    its owner is told to do. `unit`: what stands behind a sum, if anything.
    """

    transform: str
    what: str
    remedy: str
    unit: str = ""


@contextmanager
def naming_too_large_sums(engine: Engine, too_large: TooLarge) -> Iterator[None]:
    """Raises RunFailed with the first names and sums, where a statement fails as there are any."""
    try:
        yield
    except QueryError as error:
        found = engine.rows(load_transform(too_large.transform)).slice(0, _NAMED).to_pylist()
        if not found:
            raise
        sums = ", ".join(
            f"{name} ({total:,}{too_large.unit})" for name, total in map(dict.values, found)
        )
        raise RunFailed(
            f"{too_large.what} that 64 bits can't hold: {sums}; {too_large.remedy}; "
            "nothing was published"
        ) from error
