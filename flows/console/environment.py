"""What libraries read from the environment when they are imported; set by the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

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


def set_library_settings(workspace: Path, logging_level: str = "CRITICAL") -> None:
    """Keeps Prefect quiet, and its database and compiled code in the workspace.

    `logging_level`: of what flow runs log. What the user has set stays.
    """
    for name, value in {**_SETTINGS, "PREFECT_LOGGING_LEVEL": logging_level}.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_HOME", str(workspace / ".prefect"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(workspace / ".numba"))
