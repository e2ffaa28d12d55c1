"""As of: what Pointbook knew once an earlier commit was made, from the commit records.

`asked_then` finds the commit; `Earlier` is the state after it, whose files are those that are
current still, the versions kept of others, and else made again (`rollback.py`), when they are read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, WrongUsage
from flows.console.zone import KOREA
from flows.deliveries.landing import REGISTRY
from flows.proofs.history import MANIFEST
from flows.proofs.rollback import Rollback
from flows.publishing.commit import CommitRecord, Entry, State, commit_records
from flows.publishing.options import Options, asked_moment
from flows.publishing.run import Context
from flows.publishing.workspace import Workspace
from schemas.tables import PUBLISHED
from transforms.policies.policy import Policies

_A_DELIVERY: Final = re.compile(r"d(\d{1,9})")
_A_RUN: Final = re.compile(r"\d{6,}-\w+")
_FORMS: Final = "a run id, a delivery (d12), a day or a moment (YYYY-MM-DDTHH:MM:SS)"


@dataclass(frozen=True)
class Then:
    """An earlier state: the one after the first `commits` of the records.

    `asked`: as it was asked for. `run_id`: the last of these commits. `deliveries`: how many
    deliveries had come, which is the last one's number.
    """

    asked: str
    records: Sequence[CommitRecord]
    commits: int

    @property
    def run_id(self) -> str:
        return self.records[self.commits - 1].run_id

    @property
    def latest(self) -> str:
        """The last commit that there is."""
        return self.records[-1].run_id

    @property
    def deliveries(self) -> int:
        return len(_delivered(self.records[: self.commits]))

    @property
    def told(self) -> dict[str, str | int]:
        """As answers have it."""
        return {
            "asked": self.asked,
            "run_id": self.run_id,
            "deliveries_through": self.deliveries,
        }


def asked_then(workspace: Workspace, when: str) -> Then:
    """The state that is asked for: that after a run, that with a delivery as the last one, or that
    at a moment of Korea's time, a day's end for a day.

    Raises WrongUsage for a text that is none of these; NotReady for a run that committed nothing,
    a delivery that never came, a moment before the first commit, or one of which nobody knows any
    more between which commits it lies.
    """
    State.of(workspace)  # raises where the records are not as they were committed
    records = tuple(commit_records(workspace))
    if not records:
        raise NotReady(f"{workspace.root}: nothing was committed yet; run `pointbook ingest` first")
    if found := _A_DELIVERY.fullmatch(when):
        commits = _with_delivery(records, int(found[1]))
    elif _A_RUN.fullmatch(when):
        commits = _after_run(records, when)
    else:
        commits = _at_moment(workspace, records, when)
    return Then(when, records, commits)


def _with_delivery(records: Sequence[CommitRecord], number: int) -> int:
    """How many commits there were before the delivery after this one."""
    delivered = _delivered(records)
    if not 1 <= number <= len(delivered):
        raise NotReady(f"delivery {number} never came; the last one is {len(delivered)}")
    return delivered[number] if number < len(delivered) else len(records)


def _after_run(records: Sequence[CommitRecord], run_id: str) -> int:
    for place, record in enumerate(records):
        if record.run_id == run_id:
            return place + 1
    raise NotReady(
        f"no run {run_id} committed anything; the last one that did is {records[-1].run_id}"
    )


def _at_moment(workspace: Workspace, records: Sequence[CommitRecord], when: str) -> int:
    """How many commits there were at a moment, its second included."""
    if not when[:4].isdecimal():
        raise WrongUsage(f"--as-of {when}: it is none of {_FORMS}; give one of these")
    at = asked_moment(when)
    ended = [_ended(workspace, record.run_id) for record in records]
    later = [place for place, moment in enumerate(ended) if moment is not None and moment > at]
    commits = later[0] if later else len(records)
    known = [place for place in range(commits) if ended[place] is not None]
    if not known or known[-1] + 1 < commits:
        unknown = records[known[-1] + 1 if known else 0].run_id
        if commits:
            raise NotReady(
                f"{workspace.runs / unknown}: its manifest is gone, so nobody knows whether it "
                f"ended before {at}; name a run or a delivery instead"
            )
        raise NotReady(
            f"nothing was committed by {at}; the first run, {records[0].run_id}, ended at "
            f"{ended[0]}"
        )
    return commits


def _ended(workspace: Workspace, run_id: str) -> datetime | None:
    """The second in which a run ended, in Korea's time; none where its manifest is gone."""
    with suppress(OSError, ValueError, KeyError):
        manifest = json.loads((workspace.runs / run_id / MANIFEST).read_bytes())
        ended = datetime.fromisoformat(manifest["finished_at"]).astimezone(KOREA)
        return ended.replace(tzinfo=None, microsecond=0)
    return None


def _delivered(records: Sequence[CommitRecord]) -> list[int]:
    """The places of the commits that brought a delivery: each writes the registry anew."""
    registry = f"staged/{REGISTRY}"
    return [
        place
        for place, record in enumerate(records)
        if any(entry.path == registry for entry in record.files)
    ]


def last_decided(workspace: Workspace, then: Then) -> str | None:
    """The latest run of then that decided by policies; none where none did yet.

    Raises NotReady, naming it, where the manifest is gone of a run that may have.
    """
    for record in reversed(then.records[: then.commits]):
        if any(entry.table in PUBLISHED for entry in record.files):
            try:
                manifest = json.loads((workspace.runs / record.run_id / MANIFEST).read_bytes())
            except (OSError, ValueError):
                raise NotReady(
                    f"{workspace.runs / record.run_id}: its manifest is gone, so nobody knows by "
                    "which policies it decided; name another moment with --as-of"
                ) from None
            if manifest.get("policies"):
                return record.run_id
    return None


@dataclass(frozen=True)
class Earlier(Context):
    """The context of an earlier state.

    Its files are read from where they are, or made again in a temporary folder when they are first
    read; `prepare` says so.
    """

    then: Then
    rollback: Rollback

    @classmethod
    def at(cls, options: Options, then: Then, policies: Policies, opened: ExitStack) -> Earlier:
        """The context of then; what is made for it is gone when `opened` ends."""
        scratch = opened.enter_context(temporary_folder())
        of = (options, then.records, then.commits, then.deliveries, scratch, opened)
        rollback = Rollback(*of)
        return cls(options.place, rollback.state, policies, then, rollback)

    def prepare(self, files: Iterable[Path]) -> set[Path]:
        """As `Context` says. Raises NotReady, naming the run, where a file can't be had."""
        return set().union(*map(self.rollback.make, files))

    def check(self, files: Iterable[Path]) -> None:
        """As `Context` says; NotReady for one that is made again and has other bytes."""
        self.rollback.check(files)

    def has_whole(self, entry: Entry) -> bool:
        """What is made again is whole; what is current still may have been damaged."""
        path = self.workspace.root / entry.path
        return not self.state.has(path) or super().has_whole(entry)
