"""The record of explains: who asked about whom and when, where the law wants one.

A file of JSON lines outside all that is published, its owner's alone. It is kept as long as
`retention.yaml` says; what is older goes with `pointbook retention --remove`.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

from flows.console.errors import RunFailed, WrongUsage
from flows.console.zone import KOREA
from flows.publishing.workspace import open_private

VARIABLE: Final = "POINTBOOK_EXPLAIN_LOG"
_LONGEST: Final = 100


@dataclass(frozen=True)
class OldLines:
    """The lines of the record that are from before a day: how many, how long, the first one's."""

    path: Path
    rows: int
    size: int
    since: date


def record(kind: str, given: Mapping[str, Any], asked_by: str | None) -> None:
    """Adds that somebody asks for an explanation, if there is to be a record.

    `given`: whom and what the question is about, as asked. `asked_by`: else the user of the system.
    Raises WrongUsage for a name that is none; RunFailed where the record can't be written: nothing
    is answered without it.
    """
    if asked_by is not None and not (asked_by.isprintable() and 0 < len(asked_by) <= _LONGEST):
        raise WrongUsage(f"--asked-by is a name of at most {_LONGEST} printable characters")
    path = _path()
    if path is None:
        return
    line = {
        "at": datetime.now(KOREA).isoformat(timespec="milliseconds"),
        "asked_by": asked_by or getpass.getuser(),
        "kind": kind,
        **{name: str(value) for name, value in given.items() if value is not None},
    }
    try:
        with _held(path) as file:
            file.write(f"{json.dumps(line, ensure_ascii=False)}\n".encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise RunFailed(
            f"{path}: {error.strerror}; nothing is explained without the record that {VARIABLE} "
            "asks for: mend this"
        ) from error


def old_lines(before: date) -> OldLines | None:
    """The lines that are from before a day, of the record that there is to be; none without any."""
    path = _path()
    if path is None or not path.exists():
        return None
    old = [line for line in path.read_bytes().splitlines(keepends=True) if _day(line) < before]
    if not old:
        return None
    return OldLines(path, len(old), sum(map(len, old)), min(map(_day, old)))


def forget(before: date) -> None:
    """Removes the lines that are from before a day; whoever writes meanwhile waits."""
    path = _path()
    if path is None or not path.exists():
        return
    with _held(path):
        lines = path.read_bytes().splitlines(keepends=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with open_private(temporary, "w") as file:
            file.write(b"".join(line for line in lines if _day(line) >= before))
            os.fsync(file.fileno())
        os.replace(temporary, path)


def _path() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser().absolute() if named else None


def _day(line: bytes) -> date:
    """The day of a line; one that is no line of the record stays."""
    try:
        return datetime.fromisoformat(json.loads(line)["at"]).astimezone(KOREA).date()
    except (ValueError, KeyError, TypeError):
        return date.max


@contextmanager
def _held(path: Path) -> Iterator[FileIO]:
    """The record, open to append to and held; anew where it was replaced while this waited."""
    while True:
        with open_private(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            own = os.fstat(file.fileno())
            if path.exists() and os.path.samestat(own, path.stat()):
                yield file
                return
