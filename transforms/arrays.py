"""Arrays of NumPy as Arrow's, and the other way round.

Arrow's own conversions load pandas first, which takes a command longer than many of its queries.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Values = npt.NDArray[Any]


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
