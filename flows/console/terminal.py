"""File names, rows and other text from outside, made fit to be printed."""

from __future__ import annotations


def shown(text: str, width: int | None = None) -> str:
    """The text with control characters and marks of writing direction escaped, cut at `width`."""
    begin = text if width is None else text[: width + 1]
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in begin)
    return safe if width is None or len(safe) <= width else safe[: width - 1] + "…"
