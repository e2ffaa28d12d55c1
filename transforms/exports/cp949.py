"""CP949 to UTF-8, compiled: Python's codec says what each byte pair means, a loop applies it.

Syllables that EUC-KR has no pair for come as eight bytes, a filler and the three letters (KS X
1001, annex 3): they are composed.

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
_LETTERS: Final = 0xA4
"""The lead byte of Hangul letters, of which the filler begins a syllable of eight bytes."""
_FILLER: Final = 0xD4
_OF_EIGHT: Final = 8
_FIRST_SYLLABLE: Final = 0xAC00
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
        read, written = _decode(np.frombuffer(data, np.uint8), meanings(), _places(), final, out)
        self._rest = data[read:]
        return out[:written].tobytes()


@cache
def meanings() -> npt.NDArray[np.uint16]:
    """The character of each byte pair, by lead and trail byte; 0 for those that have none."""
    table = np.zeros((256, 256), np.uint16)
    for lead in _LEADS:
        for trail in _TRAILS:
            try:
                table[lead, trail] = ord(bytes((lead, trail)).decode("cp949"))
            except (UnicodeDecodeError, TypeError):
                continue  # no character, or two: a bad lead byte before an ASCII letter
    return table


@cache
def _places() -> npt.NDArray[np.int8]:
    """Of each trail byte of a letter its place among initials, vowels and finals; -1 for none."""
    initials, vowels = (
        "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ",
        "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ",
    )
    finals = "ㅤㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
    places = np.full((3, 256), -1, np.int8)
    for part, letters in enumerate((initials, vowels, finals)):
        for place, letter in enumerate(letters):
            places[part, letter.encode("cp949")[1]] = place
    return places


@njit(cache=True, nogil=True)
def _composed(data: Bytes, at: int, places: npt.NDArray[np.int8]) -> int:
    """The syllable of the eight bytes from a filler on; 0 where they are none."""
    if at + _OF_EIGHT > data.size:
        return 0
    syllable = 0
    for part, count in enumerate((19, 21, 28)):
        lead, trail = data[at + 2 * part + 2], data[at + 2 * part + 3]
        if lead != _LETTERS or places[part, trail] < 0:
            return 0
        syllable = syllable * count + int(places[part, trail])
    return _FIRST_SYLLABLE + syllable


@njit(cache=True, nogil=True)
def _decode(
    data: Bytes,
    meanings: npt.NDArray[np.uint16],
    places: npt.NDArray[np.int8],
    final: bool,
    out: Bytes,
) -> tuple[int, int]:
    """Writes the UTF-8 of CP949 bytes to `out`; returns how many bytes it read and wrote.

    `meanings` and `places` are those of the functions of these names. `out` has room for three
    bytes of each. A character that the end cuts is not read unless the text is `final`.
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
            if lead == _LETTERS and data[at + 1] == _FILLER:
                if at + _OF_EIGHT > data.size and not final:
                    break
                syllable = _composed(data, at, places)
                if syllable:
                    meaning = syllable
                    at += _OF_EIGHT - 2
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
