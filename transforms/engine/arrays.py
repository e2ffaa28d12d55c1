"""Arrays of NumPy as Arrow's, and the other way round.

Arrow's own conversions load pandas first, which takes a command longer than many of its queries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Values = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]


def array_of(values: Values) -> pa.Array:
    """Whole numbers, floats or truth values as an Arrow array; numbers aren't copied."""
    if values.dtype == np.bool_:
        return array_of(values.view(np.uint8)).cast(pa.bool_())
    content = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), values.size, [None, content])


def values_of(array: pa.Array | pa.ChunkedArray) -> Values:
    """Numbers or truth values without nulls, as NumPy has them; not to be written to."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_boolean(array.type):
        return values_of(array.cast(pa.uint8())).view(np.bool_)
    return np.from_dlpack(array)


def numbers_of(values: pa.ChunkedArray | pa.Array, missing: int) -> Numbers:
    """A copy, which may be written to, with a number for nulls."""
    numbers = values.cast(pa.int64())
    if numbers.null_count:
        numbers = pc.fill_null(numbers, array_of(np.array([missing], np.int64))[0])
    return np.array(values_of(numbers), np.int64)


def begins_of_runs(values: pa.Array) -> Values:
    """Whether each value is the first, or another than the one before it; none is null."""
    begins = np.ones(len(values), np.bool_)
    begins[1:] = values_of(pc.not_equal(values[1:], values[:-1]))
    return begins
