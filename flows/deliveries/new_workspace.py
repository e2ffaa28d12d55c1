"""Makes a workspace for somebody to begin with: folders, empty templates and a file of settings."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from flows.console.errors import RunFailed, WrongUsage
from flows.console.settings import FILE, KEYS
from flows.deliveries.key import KEY_VARIABLE
from flows.publishing.options import WORKSPACE_VARIABLE, Options
from flows.publishing.workspace import Workspace, private
from schemas.derive import empty_file
from schemas.exports import EXPORTS

TEMPLATES: Final = "templates"
"""The folder of empty templates: in landing, a file of a header alone would be a delivery."""


def make_workspace(root: Path, *, korean: bool = False) -> dict[str, Any]:
    """Makes what of a workspace is not there yet; what is there stays as it is, whoever made it.

    `korean`: the templates have the Korean headers. The manifest lists what was made and what was
    there. Raises WrongUsage where something that is no folder lies in the way, RunFailed where the
    system refuses.
    """
    root = root.expanduser().absolute()
    place = Workspace(root)
    # the byte order mark tells spreadsheets that it is UTF-8
    templates = {
        root / TEMPLATES / f"{name}.csv": f"\ufeff{empty_file(export, korean=korean)}"
        for name, export in EXPORTS.items()
    }
    texts: Mapping[Path, str] = {root / FILE: settings_file(), **templates}
    folders = [root, *(place.landing / name for name in EXPORTS), place.sources, root / TEMPLATES]
    made: list[str] = []
    kept: list[str] = []
    with private():
        for path in folders:
            (made if _make(path) else kept).append(str(path))
        for path, text in texts.items():
            (made if _make(path, text) else kept).append(str(path))
    return {
        "command": "init",
        "workspace": str(root),
        "made": made,
        "kept": kept,
        "next": _next_steps(root),
    }


def settings_file() -> str:
    """A pointbook.toml in which every setting stands with its meaning, commented out."""
    lines = [
        "# What would else be repeated on every command. A flag goes before a variable",
        "# (POINTBOOK_MEMORY …), and that before this file. Take out the # of what you set.",
    ]
    for name, setting in KEYS.items():
        default = Options.model_fields[name].default
        value = default if setting.example is None else setting.example
        lines += ["", f"# {setting.meaning}", f"# {name} = {json.dumps(value)}"]
    return "\n".join(lines) + "\n"


def _make(path: Path, text: str | None = None) -> bool:
    """Makes a folder, or a file with this text; whether there was none.

    Raises WrongUsage where something else lies in the way, RunFailed where the system refuses.
    """
    try:
        if text is None:
            path.mkdir(parents=True)
        else:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        if path.is_dir() == (text is None):
            return False
        wanted = "a folder" if text is None else "a file"
        raise WrongUsage(
            f"{path} is in the way, where {wanted} belongs; move it, or name another folder"
        ) from error
    except NotADirectoryError as error:
        raise WrongUsage(f"{path} can't be made below a file; name another folder") from error
    except OSError as error:
        raise RunFailed(f"{path}: {error.strerror}; mend this, then run it again") from error
    return True


def _next_steps(root: Path) -> list[str]:
    """What to do in a new workspace, in five lines."""
    where = shlex.quote(str(root))
    landing = shlex.quote(str(root / "landing" / "billing"))
    key = "" if os.environ.get(KEY_VARIABLE) else f" {KEY_VARIABLE}=$(openssl rand -hex 16)"
    keep = "  # and keep it: contacts are hashed under it" if key else ""
    return [
        f"export {WORKSPACE_VARIABLE}={where}{key}{keep}",
        "pointbook describe billing: what an export must hold; templates/ has empty ones to fill",
        "pointbook source FILE --export billing: drafts how a file with names of its own is read",
        f"cp FILE {landing}, then pointbook ingest --check FILE --export billing shows what comes",
        "pointbook ingest, then pointbook run --from 2016-11 --to 2017-01 makes what falls due",
    ]
