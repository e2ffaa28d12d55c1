"""The key under which personal data is hashed: asked for when there is some that is new."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from flows.console.errors import NotReady, WrongUsage
from flows.deliveries.landing import Deliveries, LandedFile, not_delivered
from transforms.exports.personal import Pseudonyms

KEY_VARIABLE: Final = "POINTBOOK_PII_KEY"
SHORTEST: Final = 16
"""Characters that a key has at least: a shorter one can be found by trying."""


def key_for(known: Deliveries, files: Sequence[LandedFile]) -> Pseudonyms | None:
    """The workspace's key, if the files bring personal data; none is asked for where none is new.

    Raises WrongUsage without a key or for a short one, NotReady for another one than the
    workspace's.
    """
    personal = [file for file in files if file.export.personal]
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        if not_delivered(known, personal):
            raise WrongUsage(
                f"personal data has landed and {KEY_VARIABLE} is not set; set it to the key under "
                "which contacts and addresses are hashed (`openssl rand -hex 16` makes one; keep "
                "it)"
            )
        return None
    if not personal:
        return None
    if len(key) < SHORTEST:
        raise WrongUsage(
            f"{KEY_VARIABLE} has {len(key)} characters, and a key {SHORTEST} at least; "
            "`openssl rand -hex 16` makes one"
        )
    pseudonyms = Pseudonyms(key)
    if known.key_id not in (None, pseudonyms.key_id):
        raise NotReady(
            f"{KEY_VARIABLE} is not the key of this workspace (key id {known.key_id}); "
            "set that key, or start another workspace"
        )
    return pseudonyms
