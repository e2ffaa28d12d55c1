"""Reading what is published from one committed state, beside commands that publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from flows.answers.policy_values import policies_of_run
from flows.console.errors import NotReady, ProofFailed
from flows.proofs.as_of import Earlier, Then, asked_then, last_decided
from flows.publishing.commit import State, pending_files
from flows.publishing.options import Options
from flows.publishing.run import Context
from transforms.engine.errors import QueryError

_ATTEMPTS: Final = 3
_PAUSE_SECONDS: Final = 0.3

T = TypeVar("T")


@dataclass(frozen=True)
class Which:
    """Which state an answer is of: the present one, or that `as_of` asks for (`asked_then`).

    `check`: whether the hashes of what is read are looked at.
    """

    as_of: str | None = None
    check: bool = False


PRESENT: Final = Which()
"""The present state, as it is found."""


@dataclass
class Reader:
    """A workspace at one committed state, and which of its current files an answer was read from.

    `present`: what is committed now; the context may be of then.
    """

    context: Context
    present: State
    check: bool = False
    files: set[Path] = field(default_factory=set)

    @property
    def then(self) -> Then | None:
        """The earlier state that is read; none for the present one."""
        return self.context.then if isinstance(self.context, Earlier) else None

    @property
    def told(self) -> dict[str, Any]:
        """What an answer says of the state that it is of: nothing of the present one."""
        return {} if self.then is None else {"as_of": self.then.told}

    def notes(self, files: Iterable[Path]) -> None:
        """Keeps that an answer reads these files, and sees to it that they can be read.

        Raises NotReady, naming the run, where one of then can't be had; ProofFailed where hashes
        are looked at and one is another.
        """
        files = list(files)
        self.files.update(self.context.prepare(files))
        if self.check:
            self.context.check(files)

    def still_holds(self, now: State, *, failed: bool = False) -> bool:
        """Whether what was read is still what is committed, and no commit is under way with it.

        An earlier state that could not be had may have been cut short by any commit.
        """
        if failed and self.then is not None and self.then.latest != now.latest:
            return False
        under_way = pending_files(self.context.workspace)
        return not any(
            path in under_way
            or not now.has(path)
            or now.entry(path).sha256 != self.present.entry(path).sha256
            for path in self.files
        )


def from_one_state(
    options: Options, answer: Callable[[Reader], T], which: Which = PRESENT, *, decides: bool = True
) -> T:
    """What `answer` makes of one committed state (no lock is taken, nothing is written).

    `which`: that of now, or an earlier one, with the policies that its latest run used; `decides`:
    whether the answer needs these. It begins again where a command has committed what it read
    meanwhile. Raises NotReady where that happens time and again, or where the earlier state can't
    be had, and what `answer` raises where the state stayed the same.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        with ExitStack() as opened:
            reader = _reader(options, which, decides, opened)
            failure: Exception | None = None
            try:
                found = answer(reader)
            except (QueryError, OSError, ProofFailed) as error:
                failure = error
            except NotReady as error:
                if reader.then is None:
                    raise
                failure = _not_ready_then(error, reader.then)
            now = State.of(options.place)
            if reader.still_holds(now, failed=failure is not None):
                if failure is not None:
                    raise failure
                return found
    held = options.place.holder
    raise NotReady(
        f"{options.workspace}: what this reads is being published"
        f"{f' by {held}' if held else ' (a commit was cut short: `pointbook catalog` ends it)'}; "
        "run it again"
    )


def _not_ready_then(error: NotReady, then: Then) -> NotReady:
    """What was not there then; what would publish it now is no remedy for then."""
    text, remedy, _ = str(error).partition("; run `")
    return NotReady(f"{text} as of {then.asked} (run {then.run_id})") if remedy else error


def _reader(options: Options, which: Which, decides: bool, opened: ExitStack) -> Reader:
    """A reader of the state that is asked for."""
    if which.as_of is None:
        context = Context.of(options)
        return Reader(context, context.state, which.check)
    then = asked_then(options.place, which.as_of)
    run_id = last_decided(options.place, then) if decides else None
    policies = policies_of_run(options, run_id) if run_id else Context.of(options).policies
    earlier = Earlier.at(options, then, policies, opened)
    return Reader(earlier, earlier.rollback.present, which.check)
