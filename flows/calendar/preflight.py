"""What would stop a command is looked at before Prefect takes its seconds to start."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flows.calendar.run_calendar import stale_inputs
from flows.commands.declaration import FROM_STALE, Command
from flows.commands.registry import COMMANDS
from flows.console.errors import RunFailed
from flows.deliveries.key import key_for
from flows.deliveries.landing import Deliveries, anew, landed_files, named_files
from flows.deliveries.sources import Sources
from flows.publishing.options import Options, asked_period
from flows.publishing.run import Context
from flows.publishing.workspace import Workspace, private
from schemas.exports import EXPORTS

_ROOM: Final = 32 * 2**20
"""Bytes that a run needs at least, for its manifest, its records and what Prefect writes."""

_PATIENCE: Final = 1.0
"""Seconds in which another command may end."""


def look_ahead(name: str, options: Options, given: Mapping[str, Any]) -> None:
    """Raises what the command would end with, as far as it can be known before it begins.

    Whether the workspace can be written to, has room and is free; whether its sources are sound,
    and there is a key for the personal data that has newly landed; whether what the period needs
    is there.
    """
    workspace = Workspace(options.workspace)
    with workspace.lock(name, wait_seconds=_PATIENCE):
        _require_room(workspace)
    if name in ("ingest", "run"):
        Sources.load(workspace.root)
        known = Deliveries.load(workspace.staged)
        if again := given.get("again"):
            files = named_files(workspace.landing, again)
            known, _ = anew(known, files)
        else:
            files = landed_files(workspace.landing, given.get("exports") or list(EXPORTS))
        key_for(known, files)
    if name in COMMANDS:
        flags = dict(given)
        _require_inputs(COMMANDS[name], options, flags.pop(COMMANDS[name].span), flags)


def _require_room(workspace: Workspace) -> None:
    """Raises RunFailed where the disk, or that of temporary files, is full."""
    for folder in (workspace.root, Path(tempfile.gettempdir())):
        try:
            with private(), tempfile.TemporaryFile(dir=folder) as file:
                os.posix_fallocate(file.fileno(), 0, _ROOM)
        except OSError as error:
            raise RunFailed(
                f"{folder}: {error.strerror}; a run needs {_ROOM >> 20} MB at least: make room, "
                "then run it again"
            ) from error


def _require_inputs(
    command: Command, options: Options, period: str | int, flags: Mapping[str, Any]
) -> None:
    """Raises NotReady, WrongUsage or PolicyError where the period can't be made yet."""
    context = Context.of(options)
    asked = asked_period(period, command.span)
    given = dict(flags)
    from_stale = given.pop(FROM_STALE.name, False)
    command.ready(context, asked, **given)
    stale_inputs(command, asked, from_stale, context)
    if reason := command.lost(context, asked):
        raise RunFailed(reason)
