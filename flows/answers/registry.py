"""Every kind of question, by its name."""

from __future__ import annotations

from typing import Final

from flows.answers import of_membership, of_points
from flows.answers.declaration import Kind

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind for kind in (*of_membership.KINDS, *of_points.KINDS)
}
