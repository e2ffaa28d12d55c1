"""Random draws that depend on nothing but the seed, their purpose, the month and the position.

Each purpose and month has a PCG64 stream of its own, and position n of it is reached by
advancing the stream, so that neither the size of a slice nor the order of work changes a value.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import EXPORTS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_EPOCH: Final = date(1970, 1, 1)
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
    return (date.fromisoformat(text) - _EPOCH).days


def choose(shares: list[float], uniform: Floats) -> Ints:
    """Which of the shares (they add up to 1) each draw falls into."""
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int64)


def numbered(prefix: str, numbers: Ints, width: int, *more: pa.Array | str) -> pa.Array:
    """Identifiers: prefix, zero-padded number, then what follows."""
    digits = pc.ascii_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, *more, "")


def pick(texts: list[str], positions: Ints) -> pa.Array:
    """The text at each position of a short list."""
    return pa.array(texts, pa.string()).take(pa.array(positions))


def optional(values: npt.NDArray[np.generic], present: Bools) -> pa.Array:
    """The values, null where not present."""
    return pa.array(values, mask=~present)


LOGICAL: Final = {
    "identifier": pa.string(),
    "text": pa.string(),
    "code": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.int64(),
    "month": pa.int32(),
    "date": pa.int32(),
    "timestamp": pa.int64(),
    "boolean": pa.bool_(),
    "enumeration": pa.int8(),
}
"""How a form is held before it is written: hundredths for decimals, months since year 0, days
and seconds since 1970, the position in the list of labels (one past its end is no label)."""


def logical_schema(export: str) -> pa.Schema:
    """The columns of an export as the generator holds them."""
    declared = EXPORTS[export]
    return pa.schema(
        [(name, LOGICAL[str(declared.metadata(name)["form"])]) for name in declared.columns]
    )


def codes_of(export: str, column: str) -> list[str]:
    """The canonical codes of an enumeration, in declared order."""
    return list(labels_of(export, column))


def labels_of(export: str, column: str) -> dict[str, str]:
    """Canonical code to Korean label of an enumeration."""
    labels = EXPORTS[export].metadata(column)["labels"]
    assert isinstance(labels, dict)
    return labels


def frame(export: str, rows: int, columns: dict[str, object]) -> pa.Table:
    """A table of the export from arrays and scalars; a column that is not given is null."""
    arrays = []
    for field in logical_schema(export):
        value = columns.get(field.name)
        if isinstance(value, pa.ChunkedArray):
            value = value.combine_chunks()
        if isinstance(value, np.ndarray):
            value = pa.array(value)
        if isinstance(value, pa.Array):
            arrays.append(value.cast(field.type))
        else:
            arrays.append(pa.repeat(pa.scalar(value, field.type), rows))
    return pa.Table.from_arrays(arrays, schema=logical_schema(export))


def code_of(export: str, column: str, text: str) -> int:
    """The position of a canonical code in its enumeration."""
    return codes_of(export, column).index(text)
