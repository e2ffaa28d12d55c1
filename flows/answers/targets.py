"""Where an answer may be written: never over what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flows.console.errors import WrongUsage
from flows.publishing.options import Options

_REPORTS: Final = "reports"


def require_target(options: Options, out: Path, *also: Path) -> None:
    """Raises WrongUsage for a folder, and for a file in the workspace but not in its reports.

    `also`: files of the workspace that may be written all the same.
    """
    place, root = out.expanduser().resolve(), options.workspace.resolve()
    if place.is_dir():
        raise WrongUsage(f"--out {out} is a folder; name a file in it")
    allowed = place.is_relative_to(root / _REPORTS) or place in [each.resolve() for each in also]
    if place.is_relative_to(root) and not allowed:
        raise WrongUsage(
            f"--out {out} lies in the workspace, where what is published is; name a file in "
            f"{root / _REPORTS}, or elsewhere"
        )
