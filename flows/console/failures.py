"""Tells somebody that a run failed: `on_failure` of pointbook.toml, a command or a URL."""

from __future__ import annotations

import json
import shlex
import subprocess
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Final

from flows.console import logs
from flows.console.errors import PointbookError, line_of
from flows.console.zone import KOREA

_PATIENCE: Final = 30.0


def tell_failure(on_failure: str | None, workspace: Path, what: str, error: Exception) -> None:
    """Gives a command on its standard input, or posts to a URL, one JSON object about a failed run.

    `what`: the run, `points 2026-10`. Fails no run: what can't be told is warned of.
    """
    if not on_failure:
        return
    expected = isinstance(error, PointbookError)
    told = {
        "event": "run.failed",
        "time": datetime.now(KOREA).isoformat(timespec="seconds"),
        "workspace": str(workspace),
        "run": what,
        "error": str(error) if expected else line_of(error),
        "exit_code": error.exit_code if isinstance(error, PointbookError) else 1,
    }
    text = f"{json.dumps(told, ensure_ascii=False)}\n".encode()
    try:
        if on_failure.startswith(("http://", "https://")):
            _post(on_failure, text)
        else:
            subprocess.run(
                shlex.split(on_failure),
                input=text,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE,
                check=True,
            )
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        logs.warn(f"on_failure could not be told of it: {line_of(problem)}")


def _post(url: str, text: bytes) -> None:
    request = urllib.request.Request(url, text, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=_PATIENCE):
        pass
