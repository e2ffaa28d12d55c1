"""The workspace: its folders, and the lock that lets one command at a time work in it."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import FileIO
from pathlib import Path
from typing import Any, Final, Literal

from flows.console import logs
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, RunFailed, WorkspaceHeld
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


def open_private(path: Path, mode: Literal["a", "a+", "w", "r"] = "a") -> FileIO:
    """A file of its owner's alone, made if there is none: to append to, to write anew, to read.

    Raises OSError for a symbolic link: what it leads to may lie outside the workspace, and stays
    as it is.
    """
    return FileIO(
        path, mode, opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600)
    )


def read_private(path: Path) -> bytes:
    """What a file holds that is its owner's alone.

    Raises FileNotFoundError where there is none, RunFailed where others could read or change it.
    """
    with open_private(path, "r") as file:
        about = os.fstat(file.fileno())
        if about.st_uid != os.getuid() or about.st_mode & _OTHERS:
            raise RunFailed(f"{path} is not its owner's alone; remove it, and it is made anew")
        return file.read()


class Workspace:
    """The folders of a workspace.

    `landing`: what operators drop, never changed. `sources`: how other systems' files are to be
    read. `staged`: accepted rows. `quarantine`: rejected
    rows. `warehouse`: published tables and their catalog. `versions`: published files that others
    have replaced. `commits`: a record for every command that published. `runs`: a manifest for
    every run. `policies`: the policy texts that runs used, by digest. `rooms`: all of them that
    commands publish to. `scenarios`: simulations, of which no other command knows. `scratch`: what
    a running command needs for itself; emptied by the next one. `known` is what was read of it and
    is not read again while it is the same: the commit records' state, and files' hashes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.landing = root / "landing"
        self.sources = root / "sources"
        self.staged = root / "staged"
        self.quarantine = root / "quarantine"
        self.warehouse = root / "warehouse"
        self.versions = root / "versions"
        self.commits = root / "commits"
        self.runs = root / "runs"
        self.policies = root / "policies"
        published = (self.staged, self.quarantine, self.warehouse, self.versions)
        self.rooms = (*published, self.policies, self.runs, self.commits)
        self.scenarios = root / "scenarios"
        self.scratch = root / "work"
        self.known: dict[str | Stamp, Any] = {}

    def apart(self, folder: Path, scratch: Path) -> Workspace:
        """The same workspace to read from, with a warehouse of its own in a folder to write to.

        `scratch`: in the place of this one's, which belongs to the command that holds the lock.
        """
        other = Workspace(self.root)
        other.warehouse, other.scratch, other.known = folder / "warehouse", scratch, self.known
        return other

    def manifest_of(self, run_id: str) -> Path:
        """The manifest of a run, which may have failed; raises NotReady where there is none."""
        manifest = self.runs / Path(run_id).name / "manifest.json"
        if Path(run_id).name != run_id or not manifest.is_file():
            raise NotReady(
                f"{self.runs}: no run is called {run_id}; its folders are named as the runs are"
            )
        return manifest

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
        with private(), self._lock_file() as file:
            self._acquire(file.fileno(), wait_seconds)
            file.truncate(0)
            file.write(f"{command} (process {os.getpid()})".encode())
            yield

    @contextmanager
    def look(self, command: str) -> Iterator[Path]:
        """Holds the workspace for a command that changes nothing; gives it a folder to work in.

        Who may not write to the workspace reads beside whoever does, and works in a temporary one.
        """
        if not os.access(self.root, os.W_OK):
            with temporary_folder() as folder:
                yield folder
            return
        with self.lock(command):
            self.scratch.mkdir(parents=True, exist_ok=True)
            try:
                yield self.scratch
            finally:
                shutil.rmtree(self.scratch, ignore_errors=True)

    @property
    def holder(self) -> str | None:
        """The command that works in the workspace now, if one does."""
        with suppress(OSError), open_private(self.root / LOCK, "r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().decode(errors="replace")
        return None

    def _lock_file(self) -> FileIO:
        """The open lock file; raises RunFailed where this user can't write to the workspace."""
        path = self.root / LOCK
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return open_private(path, "a+")
        except OSError as error:
            raise RunFailed(
                f"{path}: {error.strerror}; commands write to the workspace: mend this, then run "
                "it again"
            ) from error

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
