"""Every command that falls due: each module of this package that declares one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import flows.commands
from flows.commands.declaration import Command


def _declared() -> Iterator[Command]:
    for module in iter_modules(flows.commands.__path__, f"{flows.commands.__name__}."):
        command = getattr(import_module(module.name), "COMMAND", None)
        if isinstance(command, Command):
            yield command


COMMANDS: Final[Mapping[str, Command]] = {
    command.name: command
    for command in sorted(_declared(), key=lambda command: (command.place, command.name))
}
"""By name, in the order in which they fall due on one day."""
