"""CP949 to UTF-8, compiled: Python's codec says what each byte pair means, a loop applies it.

The codec alone reads some 90 MB a second, which would take longer than all else in an ingest.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]

_LEADS: Final = range(0x81, 0xFF)
_TRAILS: Final = range(0x41, 0xFF)
_BAD_BYTE: Final = 0xDC00
"""A byte that means nothing becomes the lone surrogate U+DC00 + byte, as `surrogateescape` has."""


class Cp949Decoder:
    """Turns CP949 bytes that come in chunks into UTF-8; bad bytes become lone surrogates."""

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, chunk: bytes, *, final: bool = False) -> bytes:
        """The chunk as UTF-8, as far as its characters are whole."""
        data = self._rest + chunk
        if data.isascii():
            self._rest = b""
            return data
        out = np.empty(3 * len(data), np.uint8)
        read, written = _decode(np.frombuffer(data, np.uint8), _meanings(), final, out)
        self._rest = data[read:]
        return out[:written].tobytes()


@cache
def _meanings() -> npt.NDArray[np.uint16]:
    """The character of each byte pair, by lead and trail byte; 0 for those that have none."""
    meanings = np.zeros((256, 256), np.uint16)
    for lead in _LEADS:
        for trail in _TRAILS:
            try:
                meanings[lead, trail] = ord(bytes((lead, trail)).decode("cp949"))
            except (UnicodeDecodeError, TypeError):
                continue  # no character, or two: a bad lead byte before an ASCII letter
    return meanings


@njit(cache=True, nogil=True)
def _decode(
    data: Bytes, meanings: npt.NDArray[np.uint16], final: bool, out: Bytes
) -> tuple[int, int]:
    """Writes the UTF-8 of CP949 bytes to `out`; returns how many bytes it read and wrote.

    `meanings` are those of `_meanings`. `out` has room for three bytes of each. A lead byte at the
    very end is not read unless the text is `final`.
    """
    at = 0
    to = 0
    while at < data.size:
        lead = data[at]
        if lead < 0x80:
            out[to] = lead
            to += 1
            at += 1
            continue
        if at + 1 == data.size and not final:
            break
        meaning = 0
        if at + 1 < data.size:
            meaning = int(meanings[lead, data[at + 1]])
        at += 2
        if meaning == 0:
            meaning = _BAD_BYTE + lead
            at -= 1
        if meaning < 0x800:
            out[to] = 0xC0 | (meaning >> 6)
            to += 1
        else:
            out[to] = 0xE0 | (meaning >> 12)
            out[to + 1] = 0x80 | ((meaning >> 6) & 0x3F)
            to += 2
        out[to] = 0x80 | (meaning & 0x3F)
        to += 1
    return at, to
