"""The scenarios of a workspace: their folders, one of them beside others, which there are.

A scenario is `<workspace>/scenarios/<name>/`. It is finished once its `scenario.json` is there,
which is written last, in one step: a folder without one is of a simulation that goes on or was
killed, and the name can be taken anew.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from flows.answers.policy_settings import near
from flows.console.errors import NotReady, ProofFailed, RunFailed, WorkspaceHeld, WrongUsage
from flows.publishing.commit import State, sync
from flows.publishing.options import Options
from flows.publishing.workspace import Workspace, open_private, private

FORMAT: Final = "pointbook.simulate.v1"
COMPARED: Final = "pointbook.simulate-compare.v1"
LISTED: Final = "pointbook.simulate-list.v1"
REMOVED: Final = "pointbook.simulate-remove.v1"
FILE: Final = "scenario.json"
RESERVED: Final = ("compare", "list", "remove")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TEMPORARY: Final = ".scenario.json"
_NAMED: Final = 3
_SIDES: Final = ("published", "scenario")

Row = dict[str, Any]


def folder_of(workspace: Workspace, name: str) -> Path:
    """The folder of a scenario; raises WrongUsage where the name is none."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise WrongUsage(
            f"{name!r} is no name of a scenario; take up to 64 letters, digits, - and _, the first "
            f"a letter or digit, and none of {', '.join(RESERVED)}"
        )
    return workspace.scenarios / name


def set_cache(workspace: Workspace) -> None:
    """Keeps compiled code beside the scenarios; what the commands keep of it is taken over once."""
    cache, own = workspace.root / ".numba", workspace.scenarios / ".numba"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(own))
    if cache.is_dir() and not own.exists():
        with private(), suppress(OSError):
            shutil.copytree(cache, own)


@contextmanager
def taken(workspace: Workspace, name: str) -> Iterator[Path]:
    """The empty folder of a new scenario, which nobody else has while the block runs.

    What a simulation that was killed left in it is gone. It goes again where the block fails.
    Raises WrongUsage where there is such a scenario, WorkspaceHeld while another makes it.
    """
    folder = folder_of(workspace, name)
    with private(), _alone(folder):
        if (folder / FILE).exists():
            raise WrongUsage(
                f"there is a scenario {name}; take another name, or remove it first: "
                f"`pointbook simulate remove {name}`"
            )
        emptied(folder)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds a scenario's folder, which is made if there is none."""
    try:
        with Workspace(folder).lock("simulate", wait_seconds=0):
            yield
    except WorkspaceHeld as error:
        raise WorkspaceHeld(
            f"scenario {folder.name} is being made or removed; run this again when that is done"
        ) from error


def emptied(folder: Path) -> None:
    """Removes what a folder holds but the lock."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()


def finish(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes `scenario.json`, with which the scenario is there; all that it holds is safe then."""
    for path in folder.rglob("*"):
        sync(path)
    temporary = folder / _TEMPORARY
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    with open_private(temporary, "w") as file:
        file.write(text.encode())
    sync(temporary)
    temporary.replace(folder / FILE)
    sync(folder)


def scenario(workspace: Workspace, name: str) -> Row:
    """A finished scenario; raises NotReady, with the nearest names, where there is none."""
    path = folder_of(workspace, name) / FILE
    try:
        content: Row = json.loads(path.read_bytes())
    except FileNotFoundError:
        known = [each["name"] for each in _finished(workspace)]
        raise NotReady(
            f"{workspace.scenarios}: no scenario is called {name}{near(name, known)}; "
            "`pointbook simulate list` shows which there are"
        ) from None
    except ValueError as error:
        raise ProofFailed(
            f"{path}: not as it was written ({error}); run `pointbook simulate remove {name}`"
        ) from None
    return content


def _finished(workspace: Workspace) -> Iterator[Row]:
    """The finished scenarios, by name."""
    for path in sorted(workspace.scenarios.glob(f"*/{FILE}")):
        if NAME.fullmatch(path.parent.name):
            yield scenario(workspace, path.parent.name)


def listed(options: Options) -> Row:
    """Which scenarios there are, and whether what they were made from has changed since."""
    workspace = options.place
    state = State.of(workspace)
    return {
        "format": LISTED,
        "scenarios": [
            {
                **{name: each[name] for name in ("name", "year", "through", "to", "set")},
                "moved": each["moved"],
                "amount": each["amount"],
                "unit": each["unit"],
                "changed_since": changed_since(each, state, workspace),
            }
            for each in _finished(workspace)
        ],
    }


def changed_since(content: Row, state: State, workspace: Workspace) -> list[str]:
    """What a scenario was made from that is not as it was, by relation and period."""
    entries = state.entries
    return [
        " ".join(filter(None, (file["table"], file["period"])))
        for file in content["base"]["files"]
        if file["path"] not in entries or entries[file["path"]].sha256 != file["sha256"]
    ]


def removed(options: Options, name: str) -> Row:
    """Removes a scenario, or what is left of one that was killed.

    Raises NotReady where there is none, RunFailed where it can't be removed.
    """
    folder = folder_of(options.place, name)
    if not folder.is_dir():
        scenario(options.place, name)
    try:
        with _alone(folder):
            # first: what is left if this is killed is no scenario any more
            (folder / FILE).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except OSError as error:
        raise RunFailed(f"{error.filename or folder}: {error.strerror}; mend this") from error
    with suppress(OSError):
        options.place.scenarios.rmdir()  # where it was the last
    return {"format": REMOVED, "name": name}


def compared(options: Options, names: Sequence[str], *, anyway: bool = False) -> Row:
    """Scenarios side by side: what they set, and each number as published and in each of them.

    Raises WrongUsage where they are of other years or reach, or were made from other files, unless
    `anyway`.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise WrongUsage("name two scenarios or more, each once")
    found = [scenario(options.place, name) for name in names]
    if len({each["unit"] for each in found}) > 1:
        raise WrongUsage("scenarios of points and of miles have nothing to compare")
    differences = list(_differences(found))
    if differences and not anyway:
        raise WrongUsage(
            f"{differences[0]}; make them anew from one state, or compare them --anyway"
        )
    state, alike = State.of(options.place), not differences
    return {
        "format": COMPARED,
        "names": list(names),
        "scenarios": [
            {
                **{name: each[name] for name in ("name", "year", "through", "to", "set")},
                "changed_since": changed_since(each, state, options.place),
            }
            for each in found
        ],
        "differ": differences,
        "unit": found[0]["unit"],
        "parameters": _beside(
            found, "parameters", ("policy", "key", "column", "since"), ("before", "after"), True
        ),
        "tiers": _beside(found, "tiers", ("tier",), _SIDES, alike),
        "winners_and_losers": _effects(found),
        "cost": _beside(found, "cost", ("measure",), _SIDES, alike),
        "liability": _beside(found, "liability", ("expires_month",), _SIDES, alike),
    }


def _differences(found: Sequence[Row]) -> Iterator[str]:
    """Why scenarios can't be compared: other years, another reach, or other files."""
    first = found[0]
    for other in found[1:]:
        for what in ("year", "through", "to"):
            if first[what] != other[what]:
                yield (
                    f"{first['name']} and {other['name']} differ in {what}: {first[what]} and "
                    f"{other[what]}"
                )
        files = {file["path"]: file["sha256"] for file in first["base"]["files"]}
        changed = [
            " ".join(filter(None, (file["table"], file["period"])))
            for file in other["base"]["files"]
            if files.get(file["path"], file["sha256"]) != file["sha256"]
        ]
        if changed:
            more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
            yield (
                f"{first['name']} and {other['name']} were made from another "
                f"{', '.join(changed[:_NAMED])}{more}"
            )


def _beside(
    found: Sequence[Row], block: str, key: Sequence[str], sides: tuple[str, str], alike: bool
) -> list[Row]:
    """The rows of a block of all scenarios: key, what is published, and the value in each.

    `sides`: the columns of both. `alike`: a row that a scenario lacks is there as published.
    """
    published, scenario = sides
    rows: dict[str, Row] = {}
    for number, each in enumerate(found):
        for row in each[block] or ():
            about = {name: row[name] for name in key}
            before = row[published]
            values = [before if alike else None] * len(found)
            place = json.dumps(about, ensure_ascii=False)
            told = rows.setdefault(place, {**about, "published": before, "values": values})
            told["values"][number] = row[scenario]
    return list(rows.values())


def _effects(found: Sequence[Row]) -> list[Row]:
    """Who moves, gains and loses in all, a row for each number."""
    totals: list[Row] = [
        next((row for row in each["winners_and_losers"] if row["divided_by"] == "all"), {})
        for each in found
    ]
    names = [name for name in totals[0] if name not in ("divided_by", "part")]
    return [{"what": name, "values": [each.get(name) for each in totals]} for name in names]
