"""Messages on stderr: lines of text, or one JSON object a line (`--log-format json`).

A JSON line has `time` (RFC 3339), `level`, `event`, `message`, and as far as they are known
`command` and `run_id`; some have more, `seconds` for example. Paths in the workspace are relative
to it. Messages hold names, counts and reasons, never rows that were delivered.

The standard library's logger `pointbook` keeps what is set here: its handler the format and the
run that lines belong to, its level whether anything but errors is shown.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pythonjsonlogger.json import JsonFormatter

from flows.console.terminal import shown
from flows.console.zone import KOREA

Format = Literal["text", "json"]

FORMAT_VARIABLE: Final = "POINTBOOK_LOG_FORMAT"
"""Where `--log-format` is handed on to the processes that a command starts."""
_LOGGER: Final = logging.getLogger("pointbook")
_PYTHON_WARNINGS: Final = logging.getLogger("py.warnings")


class _Stderr(logging.Handler):
    """Prints records on stderr as it is then: a progress bar makes room for what is printed."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._warnings: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints the record, but a warning once only."""
        if record.levelno == logging.WARNING:
            if record.getMessage() in self._warnings:
                return
            self._warnings.add(record.getMessage())
        print(self.format(record), file=sys.stderr)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"pointbook: {shown(record.getMessage())}"


class _Json(JsonFormatter):
    """Records as JSON in ASCII, on one line whatever is in them."""

    def __init__(self, command: str | None) -> None:
        super().__init__(
            ["asctime", "levelname", "event", "message"],
            rename_fields={"asctime": "time", "levelname": "level", "exc_info": "traceback"},
            static_fields={} if command is None else {"command": command},
        )
        self.command = self.static_fields
        self.folder = ""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created, KOREA).isoformat(timespec="milliseconds")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        level = log_data["level"].lower()
        event = log_data["event"] or ("warning" if level == "warning" else "message")
        told = log_data | {"level": level, "event": event}
        return {
            name: value.replace(self.folder, "") if isinstance(value, str) else value
            for name, value in told.items()
        }


def use(log_format: Format | None = None, command: str | None = None) -> None:
    """Writes messages in this format from now on, here and in processes started from here.

    None: the format of the command that started this process, or what the environment asks for.
    `command` is named in lines that belong to no run.
    """
    json = (log_format or os.environ.get(FORMAT_VARIABLE)) == "json"
    os.environ[FORMAT_VARIABLE] = "json" if json else "text"
    handler = _Stderr(_Json(command) if json else _Text())
    _LOGGER.handlers = [handler]
    _LOGGER.setLevel(logging.INFO)
    _PYTHON_WARNINGS.handlers = [handler] if json else []
    logging.captureWarnings(json)
    for logger in (_LOGGER, _PYTHON_WARNINGS):
        logger.propagate = not logger.handlers


def silence() -> None:
    """Shows nothing but errors from now on (`--quiet`)."""
    _LOGGER.setLevel(logging.ERROR)


def is_silent() -> bool:
    """Whether nothing but errors is shown."""
    return not _LOGGER.isEnabledFor(logging.INFO)


def as_json() -> bool:
    """Whether lines are JSON."""
    return _json() is not None


def name_run(root: Path, **names: str) -> None:
    """Names `command` and `run_id` in the following lines, or no run any more.

    `root`: the workspace, to which paths in them are relative.
    """
    if json := _json():
        json.folder = f"{root}{os.sep}"
        json.static_fields = json.command | names


def tell(message: str) -> None:
    """Shows a message at once."""
    _LOGGER.info(message)


def warn(message: str) -> None:
    """Shows, once a process, what the command goes on without."""
    _LOGGER.warning(message)


def event(name: str, message: str, **fields: object) -> None:
    """Tells a log collector what happened; on plain text it shows nothing."""
    if as_json():
        _LOGGER.info(message, extra={"event": name} | fields)


def error(name: str, message: str, *, traceback: bool = False, **fields: object) -> None:
    """Tells a log collector what went wrong; on plain text it shows nothing."""
    if as_json():
        _LOGGER.error(message, extra={"event": name} | fields, exc_info=traceback)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tells log collectors when a step begins and ends, and how many seconds it took."""
    event("step.started", name, step=name)
    started = time.monotonic()
    came_to = "failed"
    try:
        yield
        came_to = "finished"
    finally:
        seconds = round(time.monotonic() - started, 3)
        event(f"step.{came_to}", name, step=name, seconds=seconds)


def _json() -> _Json | None:
    """The formatter of JSON lines, if that is the format."""
    formatters = (handler.formatter for handler in _LOGGER.handlers)
    return next((one for one in formatters if isinstance(one, _Json)), None)
