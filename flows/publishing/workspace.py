"""The workspace: its folders, and the lock that lets one command at a time work in it."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Any, Final

from flows.console import logs
from flows.console.errors import WorkspaceHeld
from schemas.tables import Table

LOCK: Final = ".lock"
_WAIT_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
Stamp = tuple[str, int, int, int]
"""A file's path, with inode, time and size, which tell whether it is still the same."""
_held: Final[ContextVar[frozenset[Path]]] = ContextVar("_held", default=frozenset())
"""The workspaces that the caller holds for longer than one lock."""


_OTHERS: Final = 0o077
_masking = threading.Lock()
_masks: list[int] = []


@contextmanager
def private() -> Iterator[None]:
    """Files that are made in the block, by whatever library, are their owner's alone: 0600, 0700.

    The mask is the process's, so the first block sets it and the last to end puts it back.
    """
    with _masking:
        _masks.append(os.umask(_OTHERS))
    try:
        yield
    finally:
        with _masking:
            before = _masks.pop()
            if not _masks:
                os.umask(before)


def open_private(path: Path) -> FileIO:
    """A file of its owner's alone, made if there is none, to which each write is appended."""
    return FileIO(path, "a", opener=partial(os.open, mode=0o600))


class Workspace:
    """The folders of a workspace.

    `landing`: what operators drop, never changed. `staged`: accepted rows. `quarantine`: rejected
    rows. `warehouse`: published tables and their catalog. `versions`: published files that others
    have replaced. `commits`: a record for every command that published. `runs`: a manifest for
    every run. `rooms`: all of them that commands publish to. `scratch`: what a running command
    needs for itself; emptied by the next one. `known` is what was read of it and is not
    read again while it is the same: the commit records' state, and files' hashes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.landing = root / "landing"
        self.staged = root / "staged"
        self.quarantine = root / "quarantine"
        self.warehouse = root / "warehouse"
        self.versions = root / "versions"
        self.commits = root / "commits"
        self.runs = root / "runs"
        published = (self.staged, self.quarantine, self.warehouse, self.versions)
        self.rooms = (*published, self.runs, self.commits)
        self.scratch = root / "work"
        self.known: dict[str | Stamp, Any] = {}

    def versions_of(self, target: Path) -> Path:
        """The folder of a published file's versions, each named by the run that published it."""
        return self.versions / target.parent.relative_to(self.warehouse)

    @contextmanager
    def hold(self, command: str) -> Iterator[None]:
        """Holds the workspace as `lock` does, over all that the caller does there meanwhile."""
        with self.lock(command):
            token = _held.set(_held.get() | {self.root})
            try:
                yield
            finally:
                _held.reset(token)

    @contextmanager
    def lock(self, command: str, wait_seconds: float = _WAIT_SECONDS) -> Iterator[None]:
        """Holds the workspace for a command; the system frees it when the process ends.

        What the caller does within `hold` has it already. Raises WorkspaceHeld naming the holder
        where another process keeps it longer than that.
        """
        if self.root in _held.get():
            yield
            return
        with private():
            self.root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._acquire(descriptor, wait_seconds)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{command} (process {os.getpid()})".encode(), 0)
                yield
            finally:
                os.close(descriptor)

    def _acquire(self, descriptor: int, wait_seconds: float) -> None:
        """Locks the open lock file; raises WorkspaceHeld, naming who has it, after the wait."""
        deadline = time.monotonic() + wait_seconds
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another command"
            if wait_seconds and not told:
                logs.tell(f"waiting for {holder}")
                told = True
            if time.monotonic() >= deadline:
                raise WorkspaceHeld(
                    f"{self.root} is held by {holder}; run this again when it is done"
                ) from None
            time.sleep(_POLL_SECONDS)


def published_path(workspace: Workspace, table: Table, partition: str) -> Path:
    """Where a table's partition is published."""
    return workspace.warehouse / table.name / f"{table.partition}={partition}" / "part-0.parquet"
