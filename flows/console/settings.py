"""What would else be repeated on every command: `pointbook.toml` and POINTBOOK_… variables."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from flows.console.errors import WrongUsage

FILE: Final = "pointbook.toml"


class Setting(NamedTuple):
    """What a key of the file means; `example`: a value, where the default is none to be written."""

    meaning: str
    example: str | int | None = None


KEYS: Final[Mapping[str, Setting]] = {
    "policies": Setting(
        "a complete folder of policy files, relative to this one; else as_announced, as shipped",
        "policies",
    ),
    "memory": Setting("bound on the memory of the whole process"),
    "threads": Setting("threads to use; else one a core", 2),
    "keep": Setting("versions to keep of a published file that is replaced"),
    "max_reject_rate": Setting("share of a file's rows above which the file is held back"),
    "prefect": Setting("whether runs go through Prefect, whose page shows them"),
    "on_failure": Setting(
        "what is told of a failed run, as JSON: a command, on its standard input, or a URL",
        "mail -s pointbook operator@example.com",
    ),
    "timezone": Setting("the time zone in which `serve` tells times"),
}
"""Every key of the file; each is a variable POINTBOOK_… and, but for the last two, a flag as
well.
"""


def chosen(workspace: Path, flags: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings that were chosen, and by setting where: a flag, a variable or the file.

    A flag goes before a variable, and that before the file of the workspace; what none of them
    names is not in the answer. Raises WrongUsage for a file that can't be used, with all that is
    wrong in it.
    """
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for name, value in _in_file(workspace / FILE).items():
        values[name], places[name] = value, f"{workspace / FILE}: {name}"
    for name in KEYS:
        variable = f"POINTBOOK_{name.upper()}"
        if text := os.environ.get(variable):
            values[name], places[name] = text, variable
    for name, value in flags.items():
        if value is not None:
            values[name], places[name] = value, f"--{name.replace('_', '-')}"
    return values, places


def _in_file(path: Path) -> dict[str, Any]:
    """What the file of a workspace says; paths in it are relative to the workspace."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise WrongUsage(f"{path}: {why}; mend it, or remove it") from error
    if unknown := [name for name in found if name not in KEYS]:
        raise WrongUsage(f"{path}: {'; '.join(map(_unknown, unknown))}")
    if isinstance(found.get("policies"), str):
        found["policies"] = path.parent / Path(found["policies"]).expanduser()
    return found


def _unknown(name: str) -> str:
    near = get_close_matches(name, KEYS, 1, cutoff=0.0)
    return f"no key is called {name!r}; the nearest is {near[0]}, all are {', '.join(KEYS)}"
