"""Which rows end a group of a staged file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit


@njit(cache=True, nogil=True)
def ending(
    text: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32], mask: int
) -> npt.NDArray[np.bool_]:
    """Which keys' hash (FNV-1a, folded) has the bits of the mask zero."""
    ending = np.zeros(offsets.size - 1, np.bool_)
    for row in range(ending.size):
        digest = np.uint64(0xCBF29CE484222325)
        for at in range(offsets[row], offsets[row + 1]):
            digest = (digest ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
        ending[row] = ((digest ^ (digest >> np.uint64(32))) & np.uint64(mask)) == 0
    return ending
