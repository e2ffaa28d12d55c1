"""Pictures of a report for README: parts of its page in Chromium, wide and narrow, light and dark.

    python -m tests.bench.pictures data/demo/reports/2022-02.html

writes them to tests/bench/pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.browser import tab

FOLDER: Final = Path(__file__).with_name("pictures")
_PARTS: Final = (
    ("overview-light", 1280, False, "h1", 880),
    ("points-dark", 1280, True, "#points h2", 620),
    ("membership-phone-light", 390, False, "#membership h2", 860),
    ("deliveries-phone-dark", 390, True, "#deliveries h2", 860),
)
"""Each with the width, whether it is dark, where it begins, and its height, in pixels."""


def draw(page: Path) -> list[Path]:
    """Draws the parts of a report; returns the pictures' files."""
    FOLDER.mkdir(exist_ok=True)
    made = []
    with tab() as seen:
        for name, width, dark, start, height in _PARTS:
            seen.look(width, dark=dark)
            seen.open(page)
            top = seen.run(f"document.querySelector('{start}').getBoundingClientRect().top")
            made.append(FOLDER / f"{name}.png")
            made[-1].write_bytes(seen.picture(max(0, int(top) - 16), height))
    return made


if __name__ == "__main__":
    for picture in draw(Path(sys.argv[1]).absolute()):
        print(f"{picture} {picture.stat().st_size:,} bytes")
