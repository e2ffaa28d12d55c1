"""Every kind of question, by its name."""

from __future__ import annotations

from typing import Final

from flows.answers.explain import of_airline, of_membership, of_micropayments, of_points
from flows.answers.explain.declaration import Kind

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for room in (of_membership, of_points, of_micropayments, of_airline)
    for kind in room.KINDS
}
