"""Keyed hashes for personal data: the values themselves are never staged."""

from __future__ import annotations

import hmac
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

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


def _digits(values: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(values, r"\D+", "")


def _words(values: pa.Array) -> pa.Array:
    folded = pa.array([value.casefold() for value in values.to_pylist()], pa.string())
    return pc.replace_substring_regex(pc.utf8_normalize(folded, form="NFC"), r"[\s\pZ]+", " ")


_NORMALISED: Final = {"digits": _digits, "words": _words}
