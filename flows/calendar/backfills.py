"""The record of backfills: what every `run` was asked for and why, and what came of it.

`runs/backfills.jsonl` only grows, a line when a run begins and one when it ends, both with the
run's number; a run without its second line was killed, or is still going on. A line that a loss of
power cut short is left out, and harms none after it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flows.console.errors import PointbookError, RunFailed
from flows.console.zone import KOREA
from flows.publishing.commit import sync
from flows.publishing.workspace import Workspace, open_private

FILE: Final = "backfills.jsonl"
_INTERRUPTED: Final = 130


@dataclass
class Outcome:
    """What came of a backfill: the periods made, `command period` each, and the exit code."""

    ran: list[str] = field(default_factory=list)
    current: int = 0
    skipped: int = 0
    exit: int = 0


@contextmanager
def recorded(workspace: Workspace, asked: Mapping[str, Any]) -> Iterator[Outcome]:
    """Records a backfill: what was asked for when the block begins, the outcome when it ends.

    Raises RunFailed where the record can't be written.
    """
    number = _append(workspace, dict(asked))
    outcome = Outcome()
    try:
        yield outcome
    except BaseException as error:
        outcome.exit = error.exit_code if isinstance(error, PointbookError) else 1
        if isinstance(error, KeyboardInterrupt):
            outcome.exit = _INTERRUPTED
        with suppress(RunFailed):
            _append(workspace, vars(outcome) | {"error": str(error)}, number)
        raise
    _append(workspace, vars(outcome) | {"error": None}, number)


def backfills(workspace: Workspace) -> list[dict[str, Any]]:
    """Every recorded backfill, in order; `ended_at` and `exit` are none of one that did not end."""
    found: dict[int, dict[str, Any]] = {}
    with suppress(FileNotFoundError):
        for line in _lines((workspace.runs / FILE).read_bytes()):
            found.setdefault(line["backfill"], {"ended_at": None, "exit": None}).update(line)
    return list(found.values())


def _append(workspace: Workspace, content: dict[str, Any], number: int | None = None) -> int:
    """Adds a line, safe from a loss of power; returns its backfill's number, a new one if none.

    It holds the file alone, and never long: another command may have the workspace by now.
    """
    path = workspace.runs / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_private(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = path.read_bytes()
            when = "ended_at"
            if number is None:
                number = max((line["backfill"] for line in _lines(before)), default=0) + 1
                when = "at"
            now = datetime.now(KOREA).isoformat(timespec="milliseconds")
            line = json.dumps({"backfill": number, when: now} | content, ensure_ascii=False)
            text = f"{line}\n".encode()
            if before and not before.endswith(b"\n"):
                text = b"\n" + text
            if file.write(text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
        sync(path.parent)
    except OSError as error:
        raise RunFailed(
            f"{path}: {error.strerror}; the backfill could not be recorded: mend this, then run "
            "it again"
        ) from error
    return number


def _lines(content: bytes) -> Iterator[dict[str, Any]]:
    for text in content.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("backfill"), int):
            yield line
