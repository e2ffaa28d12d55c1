"""Demo: the tracked sample, from landing to published tables, in a workspace of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Final

from flows.console.errors import WrongUsage
from flows.publishing.options import Options
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.workspace import LOCK, Workspace, open_private, private
from schemas.exports import EXPORTS
from schemas.periods import Period
from transforms.policies.policy import DATA

SAMPLE: Final = DATA / "sample"
FIRST_MONTH: Final = Period(2015, 11)
LAST_MONTH: Final = Period(2022, 2)
_MARK: Final = ".pointbook-demo"
KEY: Final = "the demo's key is no secret"
"""The key of its personal data, which its summary shows."""


def prepare(workspace: Path) -> None:
    """Empties the demo's workspace and lands in it what the sample has of the declared exports.

    Raises WrongUsage for a folder that an earlier demo did not make, RunFailed while another
    command holds it.
    """
    mark = workspace / _MARK
    if workspace.exists() and not mark.exists():
        raise WrongUsage(
            f"{workspace} is no demo workspace; move it away or name another with --workspace"
        )
    with private():
        workspace.mkdir(parents=True, exist_ok=True)
        open_private(mark).close()
    with Workspace(workspace).lock("demo"):
        for path in workspace.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (_MARK, LOCK):
                path.unlink()
        for export in EXPORTS:
            if not (SAMPLE / export).is_dir():
                continue
            landing = workspace / "landing" / export
            landing.mkdir(parents=True)
            for file in (SAMPLE / export).iterdir():
                shutil.copyfile(file, landing / file.name)


def run_demo(options: Options, step: StepRunner = plainly) -> dict[str, Any]:
    """Runs the whole calendar over the sample; returns that manifest, and the key."""
    # compiled code makes its cache in the workspace as soon as it is imported
    from flows.calendar.plan import Reach
    from flows.calendar.run_calendar import run_calendar
    from flows.deliveries.key import KEY_VARIABLE

    os.environ[KEY_VARIABLE] = KEY
    manifest = run_calendar(options, Reach(FIRST_MONTH, LAST_MONTH), step, reason="demo")
    return manifest | {"key": KEY}
