"""Reading what is published from one committed state, beside commands that publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from flows.console.errors import NotReady, ProofFailed
from flows.publishing.commit import State, pending_files
from flows.publishing.options import Options
from flows.publishing.run import Context
from transforms.engine.errors import QueryError

_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.3

T = TypeVar("T")


@dataclass
class Reader:
    """A workspace at one committed state, and which of its files an answer was read from."""

    context: Context
    files: set[Path] = field(default_factory=set)

    def notes(self, files: Iterable[Path]) -> None:
        """Keeps that an answer reads these files."""
        self.files.update(files)

    def still_holds(self, now: State) -> bool:
        """Whether what was read is still what is committed, and no commit is under way with it."""
        then = self.context.state
        under_way = pending_files(self.context.workspace)
        return not any(
            path in under_way
            or not now.has(path)
            or now.entry(path).sha256 != then.entry(path).sha256
            for path in self.files
        )


def from_one_state(options: Options, answer: Callable[[Reader], T]) -> T:
    """What `answer` makes of one committed state (no lock is taken, nothing is written).

    It begins again where a command has committed what it read meanwhile. Raises NotReady where
    that happens time and again, and what `answer` raises where the state stayed the same.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        reader = Reader(Context.of(options))
        failure: Exception | None = None
        try:
            found = answer(reader)
        except (QueryError, OSError, ProofFailed) as error:
            failure = error
        if reader.still_holds(State.of(reader.context.workspace)):
            if failure is not None:
                raise failure
            return found
    held = reader.context.workspace.holder
    raise NotReady(
        f"{options.workspace}: what this reads is being published"
        f"{f' by {held}' if held else ' (a commit was cut short: `pointbook catalog` ends it)'}; "
        "run it again"
    )


def manifest_of_run(options: Options, run_id: str) -> Path:
    """The manifest of a run, which may have failed; raises NotReady where there is none."""
    runs = options.place.runs
    manifest = runs / Path(run_id).name / "manifest.json"
    if Path(run_id).name != run_id or not manifest.is_file():
        raise NotReady(f"{runs}: no run is called {run_id}; its folders are named as the runs are")
    return manifest
