"""Random draws that depend on nothing but the seed, their purpose, the month and the position.

Each purpose and month has a PCG64 stream of its own, and position n of it is reached by
advancing the stream, so that neither the size of a slice nor the order of work changes a value.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import yaml

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Rows = tuple[pa.Table, Ints]
"""Rows of an export, and the number of each one's owner, in rising order."""

_EPOCH_MONTH: Final = 1970 * 12
NEVER: Final = 10**6
"""A day after every other one: no termination, no closing."""


@dataclass(frozen=True)
class Draws:
    """Uniform draws in [0, 1) by purpose, month (0: none) and position."""

    seed: int

    def uniform(self, purpose: str, month: int, start: int, count: int, width: int = 1) -> Floats:
        """`count` draws from position `start` on; with a width, so many for each position."""
        stream = np.random.PCG64([self.seed, zlib.crc32(purpose.encode()), month])
        stream.advance(start * width)
        values = np.random.Generator(stream).random(count * width)
        return values if width == 1 else values.reshape(count, width)

    def events(
        self, export: str, month: int, start: int, chances: Floats, width: int
    ) -> tuple[Ints, Ints, Floats, Ints]:
        """What happens in a month to the owners from number `start` on.

        `chances`: for each owner (row) and event (column) the probability that it happens.
        Returns for each event that happens the row of its owner, its column, `width` more draws,
        and when it happens: a whole minute of the month, in seconds since 1970.
        """
        size, things = chances.shape
        u = self.uniform(export, month, start, size, things * (width + 2))
        u = u.reshape(size, things, width + 2)
        row, thing = np.nonzero(u[:, :, 0] < chances)
        drawn = u[row, thing]
        begins, ends = first_day(month), first_day(month + 1)
        minutes = (drawn[:, 1] * (ends - begins) * 1_440).astype(np.int64)
        return row, thing, drawn[:, 2:], begins * 86_400 + minutes * 60


def month_number(text: str) -> int:
    """`2016-11` as months since year 0."""
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def month_text(month: int) -> str:
    """The month as YYYY-MM."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def first_day(month: int) -> int:
    """The month's first day, in days since 1970."""
    return int(np.datetime64(month - _EPOCH_MONTH, "M").astype("datetime64[D]").astype(np.int64))


def day(text: str) -> int:
    """`2016-11-03` in days since 1970."""
    return int(np.datetime64(text, "D").astype(np.int64))


def choose(shares: list[float], uniform: Floats) -> Ints:
    """Which of the shares (they add up to 1) each draw falls into."""
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int64)


def scaled(uniform: Floats, count: int) -> Ints:
    """Each draw as a number from 0 to below `count`, all equally often."""
    return (uniform * count).astype(np.int64)


def numbered(prefix: str, numbers: Ints, width: int, *more: pa.Array | str) -> pa.Array:
    """Identifiers: prefix, zero-padded number, then what follows."""
    digits = pc.ascii_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, *more, "")


def pick(texts: Sequence[str], positions: Ints) -> pa.Array:
    """The text at each position of a short list."""
    return pa.array(texts, pa.string()).take(pa.array(positions))


def draw(texts: Sequence[str], uniform: Floats) -> pa.Array:
    """The text of a short list that each draw falls on, all equally often."""
    return pick(texts, scaled(uniform, len(texts)))


def optional(values: npt.NDArray[np.generic] | pa.Array, present: Bools) -> pa.Array:
    """The values, null where not present."""
    if isinstance(values, pa.Array):
        return pc.if_else(pa.array(present), values, pa.scalar(None, values.type))
    return pa.array(values, mask=~present)


@cache
def written_down(path: str) -> list[dict[str, str | None]]:
    """The rows of a CSV file in this room, all values as text and none where empty.

    There are no rows where there is no file.
    """
    file = files("transforms.sample") / path
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [{k: v or None for k, v in row.items()} for row in csv.DictReader(lines)]


def settings(name: str) -> Mapping[str, Any]:
    """What a YAML file of `tables/` holds."""
    text = (files("transforms.sample") / f"tables/{name}.yaml").read_text(encoding="utf-8")
    return cast("Mapping[str, Any]", yaml.safe_load(text))
