"""One run of a command: lock, recovery, scratch, publication and manifest."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from flows.console import logs
from flows.console.errors import PointbookError, RunFailed, WrongUsage
from flows.console.zone import KOREA
from flows.publishing.catalog import build_catalog, catalog_is_behind
from flows.publishing.commit import (
    Entry,
    Publication,
    State,
    next_run_id,
    recover,
    write_durably,
)
from flows.publishing.lineage import Lineage, complete_later
from flows.publishing.options import Options
from flows.publishing.restatements import restate
from flows.publishing.sessions import SharedSession
from flows.publishing.workspace import Workspace, published_path
from schemas.periods import Period
from schemas.tables import PUBLISHED, RESTATEMENTS
from transforms.engine.engine import Engine
from transforms.engine.errors import QueryError
from transforms.policies.policy import Policies, PolicyError

_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True)
class Context:
    """What commands read before they compute: the workspace's state, and the policies."""

    workspace: Workspace
    state: State
    policies: Policies

    @classmethod
    def of(cls, options: Options) -> Context:
        """Reads both; raises WrongUsage listing everything wrong with the policies."""
        workspace = options.place
        try:
            policies = Policies.load(options.policies)
        except PolicyError as error:
            raise WrongUsage(str(error)) from error
        return cls(workspace, State.of(workspace), policies)

    def files(self, table: str) -> dict[str, Path]:
        """The committed files of a staged relation or published table, by period."""
        return self.state.files(table)

    def periods(self, table: str) -> dict[Period, Path]:
        """The committed files of a relation or table that is kept by period, by these."""
        return {self.state.entry(path).kept_by: path for path in self.files(table).values()}

    def prepare(self, files: Iterable[Path]) -> set[Path]:
        """Sees to it that committed files can be read, though they may be of an earlier state.

        Returns the current files that they are read from: these themselves, where they are current.
        """
        return set(files)

    def check(self, files: Iterable[Path]) -> None:
        """Raises ProofFailed where a file has other bytes than were committed."""
        self.state.require_whole(files)

    def has_whole(self, entry: Entry) -> bool:
        """Whether a committed file is there, and as long as it was."""
        try:
            return (self.workspace.root / entry.path).stat().st_size == entry.size
        except FileNotFoundError:
            return False

    def file_of(self, table: str, period: Period | None) -> dict[str, Path]:
        """The committed file of one period, by its partition; empty where there is none."""
        files = self.files(table)
        partition = str(period)
        return {partition: files[partition]} if partition in files else {}


class Run:
    """A command's run, from lock to manifest; used as a `with` block.

    What is taken into it with `replace` and `remove`, as `Publication` has them, becomes current
    with `commit`, or not at all. A run that fails leaves a manifest with the error, and nothing
    else.
    """

    def __init__(self, options: Options, command: str, parameters: Mapping[str, Any]) -> None:
        self.workspace = options.place
        self._options = options
        self._command = command
        self._parameters = dict(parameters)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Locks the workspace, completes commits that were cut short, and begins the run."""
        try:
            self._held.enter_context(self.workspace.lock(self._command))
            if recovered := recover(self.workspace):
                build_catalog(self.workspace)
                tell_recovered(self.workspace, recovered)
            self.scratch.mkdir(parents=True)
            self.run_id = next_run_id(self.workspace, self._command)
            (self.workspace.runs / self.run_id).mkdir(parents=True)
            self._publication = Publication(
                self.workspace, self.run_id, self._command, self._options.keep
            )
            self.temporary = self._publication.temporary
            self.replace = self._publication.replace
            self.remove = self._publication.remove
            self._started = datetime.now(KOREA)
            self._started_at = time.monotonic()
            self._lineage = Lineage(
                self.workspace.root, self._command, self.run_id, self._started, self._parameters
            )
            logs.name_run(self.workspace.root, command=self._command, run_id=self.run_id)
            logs.event("run.started", f"{self._command} begins", parameters=self._parameters)
            self._lineage.emit("START")
        except BaseException as error:
            self._held.close()
            failure = _as_failure(error)
            if failure is error:
                raise
            raise failure from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the run; one that failed before its commit leaves its manifest, with the error."""
        try:
            if error is not None:
                failure = _as_failure(error)
                if not self._publication.decided:
                    self._publication.abandon()
                    self._leave_failed_manifest(failure)
                    self._lineage.emit("FAIL", failure=str(failure))
                logs.error("run.failed", str(failure), parameters=self._parameters)
                if failure is not error:
                    raise failure from error
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self._held.close()
            if error is None:
                logs.name_run(self.workspace.root)

    @property
    def scratch(self) -> Path:
        """A private folder for this run."""
        return self.workspace.scratch

    def engine(self) -> AbstractContextManager[Engine]:
        """A database session within the run's settings: shared with other runs, or its own."""
        return self._options.session(self.scratch)

    def commit(self, content: Mapping[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Makes everything current, with a manifest of this content; returns the manifest.

        What it replaces by other bytes is restated (Q4). `dry_run`: publishes nothing, and returns
        what the manifest would have said.
        """
        content = {**content, **self._restate()}
        if dry_run:
            return self._dry(content)
        entries = self._publication.entries
        manifest = self._manifest("done") | content
        manifest["outputs"] = [
            entry.model_dump(include={"path", "sha256", "size", "table", "period", "rows"})
            for entry in entries
        ]
        target = self.workspace.runs / self.run_id / _MANIFEST
        temporary = self.temporary(target)
        temporary.write_text(_json(manifest), encoding="utf-8")
        self.replace(temporary, target)
        self._publication.commit()
        logs.event(
            "run.committed",
            f"{len(entries)} files are current",
            files=len(entries),
            rows=sum(entry.rows or 0 for entry in entries),
            seconds=manifest["seconds"],
        )
        self._lineage.emit("COMPLETE", manifest)
        if self._options.shared is None:
            published = any(entry.table in PUBLISHED for entry in entries)
            if published or catalog_is_behind(self.workspace):
                build_catalog(self.workspace)
        return manifest

    def _restate(self) -> dict[str, Any]:
        """Adds what changed in published files to the commit; returns its counts (Q4)."""
        replaced = [one for one in self._publication.replacements if one.entry.table in PUBLISHED]
        if not replaced:
            return {}
        table = PUBLISHED[RESTATEMENTS]
        target = published_path(self.workspace, table, self.run_id)
        temporary = self.temporary(target)
        with self.engine() as engine:
            found, rows = restate(engine, replaced, temporary)
        if rows:
            self.replace(temporary, target, table=table.name, period=self.run_id, rows=rows)
        return found

    def _dry(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Drops what the run wrote; returns the manifest, with the periods that are new."""
        new = [
            {"table_name": entry.table, "period": entry.period}
            for entry in self._publication.new_entries
            if entry.table in PUBLISHED and entry.table != RESTATEMENTS
        ]
        self._publication.abandon()
        shutil.rmtree(self.workspace.runs / self.run_id, ignore_errors=True)
        manifest = self._manifest("dry_run") | dict(content) | {"new": new, "outputs": []}
        self._lineage.emit("COMPLETE", manifest)
        logs.event("run.dry", "nothing was published", seconds=manifest["seconds"])
        return manifest

    def _manifest(self, status: str) -> dict[str, Any]:
        """What every manifest begins with; `status`: done, dry_run or failed."""
        return {
            "run_id": self.run_id,
            "command": self._command,
            "status": status,
            "parameters": self._parameters,
            "started_at": self._started.isoformat(timespec="milliseconds"),
            "finished_at": datetime.now(KOREA).isoformat(timespec="milliseconds"),
            # clocks are put right while a run goes on, so they don't tell how long it took
            "seconds": round(time.monotonic() - self._started_at, 3),
            "version": version("pointbook"),
        }

    def _leave_failed_manifest(self, failure: BaseException) -> None:
        manifest = self._manifest("failed") | {"error": str(failure)}
        target = self.workspace.runs / self.run_id / _MANIFEST
        # the failure itself, a full disk say, is what the operator is to read
        with suppress(OSError):
            write_durably(self.workspace, target, _json(manifest))


def tell_recovered(workspace: Workspace, run_ids: Sequence[str]) -> None:
    """Tells log and lineage of runs whose commits were completed after they were cut short."""
    for run_id in run_ids:
        logs.event("run.recovered", f"{run_id}, which was cut short, is current")
        with suppress(OSError, ValueError):
            path = workspace.runs / run_id / _MANIFEST
            complete_later(workspace.root, json.loads(path.read_bytes()))


@contextmanager
def in_turn(options: Options) -> Iterator[Options]:
    """Settings for runs that follow one another in a workspace.

    They share one database session, and the catalog is built once, after the last of them.
    """
    workspace = options.place
    try:
        with closing(SharedSession(lambda: options.start_engine(workspace.scratch))) as session:
            yield options.sharing(session)
    finally:
        with workspace.lock("catalog"):
            if catalog_is_behind(workspace):
                build_catalog(workspace)


def _as_failure(error: BaseException) -> BaseException:
    """The error as the operator is to read it."""
    if isinstance(error, PointbookError):
        return error
    if isinstance(error, PolicyError):
        return WrongUsage(str(error))
    if isinstance(error, QueryError):
        return RunFailed(f"{error}; nothing was published")
    if isinstance(error, OSError):
        path = error.filename2 or error.filename
        return RunFailed(
            f"{f'{path}: ' if path else ''}{error.strerror or error}; nothing was published"
        )
    return error


def _json(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=1, default=str) + "\n"
