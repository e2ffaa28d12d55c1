"""Text from outside, file names and rows among it, as it may be printed."""

from __future__ import annotations


def shown(text: str, width: int | None = None) -> str:
    """The text fit for a terminal: nothing in it is obeyed or turns the line round."""
    begin = text if width is None else text[: width + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in begin)
    return safe if width is None or len(safe) <= width else safe[: width - 1] + "…"
