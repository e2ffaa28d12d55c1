"""Log lines: what commands tell on stderr, as one JSON object a line (`--log-format json`).

Each line has `time` (RFC 3339), `level`, `event`, `message`, and as far as they are known `command`
and `run_id`; some have more, `seconds` say. Paths in the workspace are relative to it. Names,
counts and reasons are told, never rows that were delivered.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

from flows.console.terminal import shown
from flows.console.zone import KOREA

Format = Literal["text", "json"]

FORMAT_VARIABLE: Final = "POINTBOOK_LOG_FORMAT"
"""Where `--log-format` is handed on to the processes that a command starts."""
_LOGGER: Final = logging.getLogger("pointbook")
_FIELDS: Final = "pointbook_fields"

T = TypeVar("T")

_command: dict[str, str] = {}
_run: dict[str, str] = {}
_root = ""
_handler: logging.Handler | None = None


class _JsonLines(logging.Handler):
    """A record as one line of JSON, in ASCII: nothing in it can break the line."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, KOREA)
        told = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": "warning" if record.name == "py.warnings" else "message",
            "message": record.getMessage(),
            **_command,
            **_run,
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            told["traceback"] = logging.Formatter().formatException(record.exc_info)
        inside = f"{_root}{os.sep}"
        return json.dumps(
            {
                name: value.replace(inside, "") if _root and isinstance(value, str) else value
                for name, value in told.items()
            }
        )


def use(log_format: Format, command: str | None = None) -> None:
    """Writes log lines in this format from now on, here and in processes started from here.

    `command` is named in lines that belong to no run.
    """
    global _handler
    os.environ[FORMAT_VARIABLE] = log_format
    if command is not None:
        _command["command"] = command
    loggers = (_LOGGER, logging.getLogger("py.warnings"))
    for logger in loggers:
        if _handler is not None:
            logger.removeHandler(_handler)
        logger.propagate = log_format != "json"
    logging.captureWarnings(log_format == "json")
    _handler = None
    if log_format == "json":
        _handler = _JsonLines()
        for logger in loggers:
            logger.addHandler(_handler)


def as_json() -> bool:
    """Whether lines are JSON; else what is told is printed as plain text, and events not at all."""
    return _handler is not None


def only_errors() -> None:
    """Leaves out everything but errors from now on (`--quiet`)."""
    _LOGGER.setLevel(logging.ERROR)


def name_run(root: Path, command: str, run_id: str) -> None:
    """Names the run that is under way in the following lines."""
    global _root
    _root = str(root)
    _run.update(command=command, run_id=run_id)


def leave() -> None:
    """Names no run any more."""
    _run.clear()


def event(name: str, message: str, **fields: object) -> None:
    """Tells a log collector what happened; on plain text it shows nothing."""
    if as_json():
        _LOGGER.info(message, extra={_FIELDS: {"event": name} | fields})


def error(name: str, message: str, *, traceback: bool = False, **fields: object) -> None:
    """Tells a log collector what went wrong; on plain text it shows nothing."""
    if as_json():
        _LOGGER.error(message, extra={_FIELDS: {"event": name} | fields}, exc_info=traceback)


def warn(message: str) -> None:
    """Tells of something that the command goes on without."""
    if as_json():
        _LOGGER.warning(message, extra={_FIELDS: {"event": "warning"}})
    elif _LOGGER.isEnabledFor(logging.WARNING):
        print(f"pointbook: {shown(message)}", file=sys.stderr)


def timed(step: str, work: Callable[[], T]) -> Callable[[], T]:
    """The work of a step, telling when it begins and ends and how many seconds it took."""

    def telling() -> T:
        event("step.started", step, step=step)
        started = time.monotonic()
        try:
            result = work()
        except BaseException:
            event("step.failed", step, step=step, seconds=_since(started))
            raise
        event("step.finished", step, step=step, seconds=_since(started))
        return result

    return telling


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


_LOGGER.setLevel(logging.INFO)
if os.environ.get(FORMAT_VARIABLE) == "json":
    use("json")
