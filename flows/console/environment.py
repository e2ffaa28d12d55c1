"""What holds for the whole process; set by the command line, and by runs of deployments."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

import pyarrow as pa

from flows.console import logs

_PRIVATE: Final = 0o077
_TEMPORARY: Final = "pointbook-"
_OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""Imports make many objects that stay, and each collection would look through them."""
_SETTINGS: Final = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    # of each request, with 2, 4 and 8 seconds between: a server that is gone costs no minutes
    "PREFECT_CLIENT_MAX_RETRIES": "3",
}


def set_up_process(log_format: logs.Format | None = None, command: str | None = None) -> None:
    """Makes new files their owner's alone, and messages as `flows.console.logs.use` says.

    Arrow takes memory from the system, as NumPy and DuckDB do, so that each can use what another
    gave back. Temporary folders of processes that were killed are removed.
    """
    os.umask(_PRIVATE)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    pa.set_memory_pool(pa.system_memory_pool())
    logs.use(log_format, command)
    _remove_what_killed_processes_left()


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the block alone; one of a process that was killed goes at the next start."""
    with TemporaryDirectory(prefix=f"{_TEMPORARY}{os.getpid()}-") as folder:
        yield Path(folder)


def _runs(process: int) -> bool:
    """Whether a process still runs, be it another user's."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _remove_what_killed_processes_left() -> None:
    for folder in Path(gettempdir()).glob(f"{_TEMPORARY}*-*"):
        process = folder.name.removeprefix(_TEMPORARY).split("-")[0]
        if process.isdecimal() and not _runs(int(process)) and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)


def set_library_settings(workspace: Path, logging_level: str = "CRITICAL") -> None:
    """Keeps Prefect quiet, and its database and compiled code in the workspace.

    Libraries read this when they are imported, so it comes before.
    `logging_level`: of what flow runs log. What the user has set stays.
    """
    for name, value in {**_SETTINGS, "PREFECT_LOGGING_LEVEL": logging_level}.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(workspace / ".prefect"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(workspace / ".numba"))
