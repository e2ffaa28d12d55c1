"""A process that publishes, and dies or fails at the k-th thing that it does to the disk.

Started by forkserver from `tests/publishing/test_publish.py`, without Prefect.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.console.errors import PointbookError
from flows.publishing.options import Options
from flows.publishing.run import Run
from schemas.derive import stored_schema
from schemas.tables import PUBLISHED
from tests.forks import FORKS

TABLE: Final = PUBLISHED["tier_exceptions"]
UNLISTED: Final = "unlisted"
OLD: Final = {"2016": 100, "2017": 200, "2018": 300}
NEW: Final = {"2016": 101, "2017": 200, "2018": 301, "2019": 401}
"""Amounts by membership year, as the first and as the second run publish them."""

_PROBED: Final = ("replace", "rename", "link", "fsync", "unlink", "mkdir", "rmdir")
_GROWS: Final = ("fsync", "mkdir", "write")


def target(root: Path, year: str) -> Path:
    """Where the table's partition of a year is published."""
    return root / "warehouse" / TABLE.name / f"{TABLE.partition}={year}" / "part-0.parquet"


def publish(root: Path, amounts: Mapping[str, int], name: str = UNLISTED) -> dict[str, Any]:
    """Publishes a partition a year, all in one run, and returns the manifest.

    As `tier_exceptions` it appears in the catalog; under another name none is built.
    """
    with Run(Options(workspace=root), "tiers", {}) as run:
        for year, amount in amounts.items():
            rows = [{"customer_id": "c1", "reason": "not_joined", "amount": amount, "lines": 1}]
            path = target(root, year)
            aside = run.temporary(path)
            pq.write_table(pa.Table.from_pylist(rows, stored_schema(TABLE)), aside)
            run.replace(aside, path, table=name, period=year, rows=1)
        return run.commit({})


class Fault:
    """What happens at the k-th change of the disk.

    kill: death. broken: one error. full: no room from then on. none: nothing.
    """

    def __init__(self, kind: str, at: int) -> None:
        self._kind = kind
        self._at = at
        self.changes = 0

    def meet(self, change: str, path: object, half: Callable[[], None] | None = None) -> None:
        """Called before each change; `half` does half of it."""
        full = self._kind == "full"
        if full and change not in _GROWS:
            return
        self.changes += 1
        if self.changes < self._at or (self.changes > self._at and not full):
            return
        if self._kind == "none":
            return
        if half is not None:
            half()
        if self._kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        code = errno.ENOSPC if self._kind == "full" else errno.EIO
        raise OSError(code, os.strerror(code), str(path))

    def arm(self) -> None:
        """Puts itself before everything that changes the disk, in this process for good."""
        for name in _PROBED:
            setattr(os, name, self._before(name, getattr(os, name)))
        write_text, write_bytes, write_table = Path.write_text, Path.write_bytes, pq.write_table

        def writing_text(path: Path, text: str, **options: Any) -> int:
            self.meet("write", path, lambda: _ignore(write_text(path, text[: len(text) // 2])))
            return write_text(path, text, **options)

        def writing_bytes(path: Path, content: bytes) -> int:
            half = content[: len(content) // 2]
            self.meet("write", path, lambda: _ignore(write_bytes(path, half)))
            return write_bytes(path, content)

        def writing_table(table: pa.Table, path: Path) -> None:
            self.meet("write", path, lambda: _ignore(write_bytes(path, b"PAR1 half of it")))
            write_table(table, path)

        setattr(Path, "write_text", writing_text)  # noqa: B010
        setattr(Path, "write_bytes", writing_bytes)  # noqa: B010
        setattr(pq, "write_table", writing_table)  # noqa: B010

    def _before(self, name: str, change: Callable[..., None]) -> Callable[..., None]:
        def changing(path: object, *rest: Any, **options: Any) -> None:
            self.meet(name, path)
            if name != "fsync":  # a process that dies takes no written page with it
                change(path, *rest, **options)

        return changing


class _Images(Fault):
    """Copies the workspace at every change of the disk, before it or with half of it done."""

    def __init__(self, root: Path, folder: Path) -> None:
        super().__init__("none", 1)
        self._root = root
        self._folder = folder
        self._copying = False

    def meet(self, change: str, path: object, half: Callable[[], None] | None = None) -> None:
        if self._copying:
            return
        self._copying = True
        if half is not None:
            half()
        image = self._folder / f"{self.changes:04d}"
        shutil.copytree(self._root, image, copy_function=_kept)
        self.changes += 1
        self._copying = False


def _kept(source: str, target: str) -> None:
    """What is in place is replaced, never written to, so that a link keeps it."""
    in_place = not {".aside", "work"} & set(Path(source).parts)
    if in_place and source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


def _ignore(_: int) -> None:
    """Half of a write returns what nobody wants."""


def publish_with(kind: str, at: int, root: Path) -> tuple[int, str]:
    """Publishes NEW in another process under a fault; returns its exit code and its error."""
    return work_under(kind, at, partial(publish, root, NEW))


def work_under(kind: str, at: int, work: Callable[[], object]) -> tuple[int, str]:
    """Does the work in another process under a fault; returns its exit code and its error.

    The exit code is 0 where it came through without meeting the fault, 3 where it came through
    although it met it, and 4 where it ended with an error of ours.
    """
    return _ended(_work_under, kind, at, work)


def _ended(target: Callable[..., None], *arguments: object) -> tuple[int, str]:
    """Runs the target in another process; returns its exit code and the error that it sent."""
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=target, args=(*arguments, writer))
    process.start()
    writer.close()
    process.join()
    try:
        error = str(reader.recv())
    except EOFError:
        error = ""
    return process.exitcode or 0, error


def _work_under(kind: str, at: int, work: Callable[[], object], error: Connection) -> None:
    fault = Fault(kind, at)
    fault.arm()
    try:
        work()
    except PointbookError as failure:
        error.send(str(failure))
        os._exit(4)
    os._exit(3 if fault.changes >= at else 0)


def work_within(file_size: int, work: Callable[[], object]) -> tuple[int, str]:
    """Does the work where no file may grow beyond a size, whoever writes it."""
    return _ended(_work_within, file_size, work)


def _work_within(file_size: int, work: Callable[[], object], error: Connection) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, resource.RLIM_INFINITY))
    _work_under("none", 1, work, error)


def images_of(work: Callable[[], object], root: Path, folder: Path) -> list[Path]:
    """Does the work in another process; returns the workspace as a kill at each change leaves it.

    One process in place of hundreds: what is on the disk outlives a process that is killed.
    """
    assert _ended(_work_imaged, work, root, folder) == (0, "")
    return sorted(folder.iterdir())


def _work_imaged(work: Callable[[], object], root: Path, folder: Path, _: Connection) -> None:
    _Images(root, folder).arm()
    work()


def hold_the_lock(root: Path) -> tuple[Any, Connection]:
    """A process that holds the workspace's lock until it is killed; returns it when it has it."""
    reader, writer = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_hold, args=(root, writer), daemon=True)
    process.start()
    assert reader.recv()
    return process, reader


def _hold(root: Path, ready: Connection) -> None:
    with Run(Options(workspace=root), "ingest", {}):
        ready.send(True)
        signal.pause()
