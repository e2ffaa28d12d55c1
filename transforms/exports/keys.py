"""Compiled loops over texts: their hash, which rows end a group, and keys as numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def hashed(text: npt.NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    """The hash (FNV-1a, folded) of a span of the text; staged files depend on it."""
    digest = np.uint64(0xCBF29CE484222325)
    for at in range(begin, end):
        digest = (digest ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
    return digest ^ (digest >> np.uint64(32))


@njit(cache=True, nogil=True)
def pack(
    texts: npt.NDArray[np.uint8],
    places: npt.NDArray[np.int64],
    widths: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.uint64],
) -> None:
    """Makes a number of the low bits of each text's bytes in some places."""
    one = np.uint64(1)
    for row in range(numbers.size):
        number = np.uint64(0)
        for step in range(places.size):
            width = np.uint64(widths[step])
            low = np.uint64(texts[row, places[step]]) & ((one << width) - one)
            number = number << width | low
        numbers[row] = number
