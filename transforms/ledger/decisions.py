"""What the fold decides: the actions and verdicts that events have, as words and as numbers."""

from __future__ import annotations

from typing import Final

ACTIONS: Final = (
    "spend",
    "spend_refundable",
    "cancel",
    "earlier",
    "earlier_rejected",
    "earlier_cancelled",
    "set_limit",
    "standard_limit",
)
SPEND, SPEND_REFUNDABLE, CANCEL, *OTHERS = range(len(ACTIONS))
EARLIER, EARLIER_REJECTED, EARLIER_CANCELLED, SET_LIMIT, STANDARD_LIMIT = OTHERS

VERDICTS: Final = (
    "accepted",
    "refused",
    "over_quota",
    "insufficient",
    "unknown_event",
    "not_accepted",
    "already_cancelled",
    "above_taken",
)
"""What came of an event; `refused`: for the reason in its `refusal`."""
ACCEPTED, REFUSED, OVER_QUOTA, INSUFFICIENT, *OF_CANCELLATIONS = range(len(VERDICTS))
UNKNOWN_EVENT, NOT_ACCEPTED, ALREADY, ABOVE_TAKEN = OF_CANCELLATIONS

NEVER: Final = (1 << 31) - 1
"""A day since 1970 that comes after all others."""
NONE: Final = -1
"""No position, ticket or tag."""
POSITION_BITS: Final = 32
POSITION: Final = (1 << POSITION_BITS) - 1
"""How many of the lowest bits of a heap's key hold the lot's position, and their mask."""
