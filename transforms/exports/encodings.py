"""Tells the encoding of a text: by its byte order mark, else by what decodes, and as what.

UTF-8, where the header and nearly all lines decode, else CP949, which reading proves. Where UTF-8
gives no Hangul at all and CP949 nothing else, it is CP949: short Korean words may decode as both.
UTF-16 without a mark is told by its NUL bytes, UTF-32 is told here, but not read.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from transforms.exports import utf8
from transforms.exports.cp949 import meanings

Bytes = npt.NDArray[np.uint8]

_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TWICE: Final = "\ufeff".encode().decode("latin-1").encode()
"""A byte order mark that was taken for three letters and encoded once more: surely UTF-8."""
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_BAD_LINES_IN: Final = 100
"""One line in so many may fail to decode."""
_LONGEST_LINE: Final = 1 << 24
_SEEN: Final = 1 << 12
"""So many first bytes tell UTF-16, in which every character of ASCII has a NUL byte."""
_NULS_IN: Final = 16
"""One byte in so many is NUL at the least: delimiters and digits are ASCII, whatever the words."""
_FEWER: Final = 8
"""So much fewer NULs stand at the other bytes: of characters such as 가, U+AC00."""
_LINE_FEED: Final = 0x0A
_HANGUL_OF_UTF8: Final = 0
_WORDS_OF_CP949: Final = 1
_OTHERS_OF_CP949: Final = 2
_COMMON_LEAD: Final = 0xB0
_COMMON_TRAIL: Final = 0xA1
"""Of KS X 1001's syllables, which Korean is written with; others are likely another encoding."""


class NotRead(ValueError):
    """An encoding that is told but not read; says which, and what to do."""


def may_fail(bad_lines: int, lines: int) -> bool:
    """Whether a file in which so many lines don't decode is still in that encoding."""
    return bad_lines <= max(1, lines // _BAD_LINES_IN)


def encoding_of(chunks: Iterator[bytes]) -> str:
    """The encoding of a text in chunks, by the rules above; raises NotRead for another one."""
    lines = bad_lines = 0
    rest = b""
    header_decodes: bool | None = None
    found = np.zeros(3, np.int64)
    for number, chunk in enumerate(chunks):
        if number == 0:
            for mark, encoding in _BYTE_ORDER_MARKS:
                if chunk.startswith(mark) and not chunk.startswith(_UTF32):
                    return encoding
            if wide := _wide(chunk[:_SEEN]):
                return wide
            if chunk.startswith(_TWICE):
                return "utf-8"
        lines += int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == _LINE_FEED))
        text = rest + chunk
        cut = text.rfind(b"\n") + 1
        text, rest = text[:cut], text[cut:]
        if header_decodes is None and (body := text.lstrip()):
            header_decodes = utf8.is_utf8(body.partition(b"\n")[0])
            if not header_decodes:
                return "cp949"
        bad_lines += utf8.bad_lines(text)
        _look_for_hangul(text, found)
        if len(rest) > _LONGEST_LINE:
            bad_lines += utf8.bad_lines(rest)
            rest = b""
    if rest:
        lines += 1
        bad = utf8.bad_lines(rest)
        bad_lines += bad
        _look_for_hangul(rest, found)
        if header_decodes is None:
            header_decodes = not bad
    if found[_WORDS_OF_CP949] and not found[_HANGUL_OF_UTF8] and not found[_OTHERS_OF_CP949]:
        return "cp949"
    return "utf-8" if header_decodes and may_fail(bad_lines, lines) else "cp949"


def _wide(text: bytes) -> str | None:
    """UTF-16 without a mark, by a text's first bytes, if it is that; raises NotRead for UTF-32."""
    if text.startswith(_UTF32):
        raise NotRead("it is UTF-32; save it as UTF-8")
    for first, encoding in enumerate(("utf-16-be", "utf-16-le")):
        nul, other = text[first::2].count(0), text[1 - first :: 2].count(0)
        if nul > len(text) // _NULS_IN and other * _FEWER <= nul:
            return encoding
    return None


def _look_for_hangul(text: bytes, found: npt.NDArray[np.int64]) -> None:
    """Adds to `found`; once UTF-8 has given Hangul the question is answered."""
    if not found[_HANGUL_OF_UTF8] and not text.isascii():
        _count_hangul(np.frombuffer(text, np.uint8), meanings(), found)


@njit(cache=True, nogil=True)
def _count_hangul(
    text: Bytes, meanings: npt.NDArray[np.uint16], found: npt.NDArray[np.int64]
) -> None:
    """Counts Hangul in UTF-8, words of Hangul in CP949, and what else CP949 gives, or gives not.

    A word has two syllables at least: `é` and a blank of UTF-8 would be one of CP949.
    """
    at = 0
    syllables = 0
    while at < text.size:
        lead = text[at]
        if lead < 0x80:
            syllables = 0
            at += 1
            continue
        following = text[at + 1] if at + 1 < text.size else 0
        if 0xEA <= lead <= 0xED and 0x80 <= following <= 0xBF and at + 2 < text.size:
            code = (lead & 0x0F) << 12 | (following & 0x3F) << 6 | (text[at + 2] & 0x3F)
            if 0xAC00 <= code <= 0xD7A3 and 0x80 <= text[at + 2] <= 0xBF:
                found[_HANGUL_OF_UTF8] += 1
        meaning = meanings[lead, following]
        if 0xAC00 <= meaning <= 0xD7A3 and lead >= _COMMON_LEAD and following >= _COMMON_TRAIL:
            syllables += 1
            found[_WORDS_OF_CP949] += syllables == 2
        elif not 0x2000 <= meaning <= 0x33FF:
            found[_OTHERS_OF_CP949] += 1
        at += 2
