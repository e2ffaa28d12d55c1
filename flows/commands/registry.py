"""Every computing command that falls due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flows.commands import elite, grants, micropayments, miles, notices, points, sweep, tiers
from flows.commands.declaration import Command

COMMANDS: Final[Mapping[str, Command]] = {
    command.name: command
    for command in (
        tiers.COMMAND,
        grants.COMMAND,
        elite.COMMAND,
        notices.COMMAND,
        points.COMMAND,
        micropayments.COMMAND,
        miles.COMMAND,
        sweep.COMMAND,
    )
}
"""By name, in the order in which they fall due on one day."""
