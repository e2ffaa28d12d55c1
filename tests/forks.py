"""Processes forked from a clean one that has everything imported: a hundred take seconds."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flows.cli import main

FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["flows.calendar.run_calendar", "flows.calendar.status", "tests.faults", "tests.forks"]
)


def command_line(
    words: list[str], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Runs `pointbook` with the words, in nothing but the environment.

    What it prints goes through files in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    process = FORKS.Process(target=_command_line, args=(words, dict(environment), folder))
    process.start()
    process.join()
    assert process.exitcode is not None
    out, err = ((folder / name).read_text(encoding="utf-8") for name in ("out", "err"))
    return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _command_line(words: list[str], environment: dict[str, str], folder: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for name, stream in (("out", 1), ("err", 2)):
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), stream)
    main(words)
