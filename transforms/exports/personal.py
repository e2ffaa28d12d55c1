"""Keyed hashes for personal data: the values themselves are never staged, nor shown."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]

MASK: Final = b"***"
"""What stands for a personal value in quarantined raw text."""


class Pseudonyms:
    """HMAC-SHA-256 under one key; `key_id` tells keys apart without telling the key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.key_id = self._hash("pointbook key id")[:16]

    def of(self, values: pa.Array, normalisation: str) -> pa.Array:
        """The hash of each normalised value, in hex; null where nothing is left of it.

        `digits` keeps a contact's digits; `words` folds case and makes runs of blanks one.
        """
        encoded = pc.dictionary_encode(values)
        normalised = _NORMALISED[normalisation](encoded.dictionary)
        hashes = [self._hash(value) if value else None for value in normalised.to_pylist()]
        return pc.take(pa.array(hashes, pa.string()), encoded.indices)

    def _hash(self, value: str) -> str:
        return hmac.digest(self._key, value.encode(), "sha256").hex()


def may_be_personal(values: pa.Array, labels: Iterable[str] = ()) -> Mask:
    """Which cells of a column that holds nothing personal may hold it nevertheless.

    A row of too many and too few delimiters has a contact or an address where another column is.
    What is no word, id, number or date, nor one of the column's `labels`, may be one; so may what
    has a telephone's digits.
    """
    digits = pc.replace_substring_regex(values, r"\D+", "")
    numeric = pc.match_substring_regex(values, r"^[+(]?\d[-\d .()]*$")
    telephone = pc.and_(numeric, pc.match_substring_regex(digits, _TELEPHONE))
    telephone = pc.or_(telephone, pc.match_substring_regex(values, _LOCAL_TELEPHONE))
    harmless = pc.and_not(pc.match_substring_regex(values, _HARMLESS), telephone)
    labelled = pc.is_in(pc.utf8_normalize(values, form="NFC"), pa.array(labels, pa.string()))
    shown = pc.fill_null(pc.or_(harmless, labelled), True)
    return cast("Mask", ~shown.to_numpy(zero_copy_only=False))


_HARMLESS: Final = (
    r"^(?:[A-Za-z0-9_-]{0,40}|[+-]?[\d.,:/ TZ+-]{1,40}"
    r"|[-(+△−₩￦ ]*[\d,.]+[)\-원 ]*|\d{4}년 ?\d\d?월(?: ?\d\d?일)?[ \d:.오전후]*)$"
)
_TELEPHONE: Final = r"^(?:0|820?)(?:1[016-9]|2|[3-6]\d|70|50\d?|80)\d{6,8}$|^10\d{8}$"
_LOCAL_TELEPHONE: Final = r"^\d{3,4}[- ]\d{4}$"


def _digits(values: pa.Array) -> pa.Array:
    # full-width digits become those of ASCII
    return pc.replace_substring_regex(pc.utf8_normalize(values, form="NFKC"), r"\D+", "")


def _words(values: pa.Array) -> pa.Array:
    folded = pa.array([value.casefold() for value in values.to_pylist()], pa.string())
    return pc.replace_substring_regex(pc.utf8_normalize(folded, form="NFC"), r"[\s\pZ]+", " ")


_NORMALISED: Final = {"digits": _digits, "words": _words}
