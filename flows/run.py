"""One run of a command: lock, recovery, scratch, publication and manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from flows.catalog import build_catalog, catalog_is_behind
from flows.errors import PointbookError, RunFailed, WrongUsage
from flows.options import Options
from flows.publish import Publication, State, Tombstone, next_run_id, recover, write_durably
from flows.workspace import Workspace
from schemas.tables import PUBLISHED
from transforms.engine import QueryError
from transforms.policy import Policies, PolicyError

_KOREA: Final = ZoneInfo("Asia/Seoul")
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
        workspace = Workspace(options.workspace)
        try:
            policies = Policies.load(options.policies)
        except PolicyError as error:
            raise WrongUsage(str(error)) from error
        return cls(workspace, State.of(workspace), policies)

    def files(self, table: str) -> dict[str, Path]:
        """The committed files of a staged relation or published table, by period."""
        return self.state.files(table)

    def file_of(self, table: str, period: str) -> dict[str, Path]:
        """The committed file of one period, by that period; empty where there is none."""
        files = self.files(table)
        return {period: files[period]} if period in files else {}


class Run:
    """A command's run, from lock to manifest; used as a `with` block.

    What is taken into it with `replace` becomes current with `commit`, or not at all. A run that
    fails leaves a manifest with the error, and nothing else.
    """

    def __init__(self, root: Path, command: str, parameters: Mapping[str, Any]) -> None:
        self.workspace = Workspace(root)
        self._command = command
        self._parameters = dict(parameters)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._held.enter_context(self.workspace.lock(self._command))
            if recover(self.workspace):
                build_catalog(self.workspace)
            self.scratch.mkdir(parents=True)
            self.run_id = next_run_id(self.workspace, self._command)
            (self.workspace.runs / self.run_id).mkdir(parents=True)
            self._publication = Publication(self.workspace, self.run_id, self._command)
            self._started = datetime.now(_KOREA)
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
        try:
            if error is not None:
                failure = _as_failure(error)
                if not self._publication.decided:
                    self._publication.abandon()
                    self._leave_failed_manifest(failure)
                if failure is not error:
                    raise failure from error
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self._held.close()

    @property
    def scratch(self) -> Path:
        """A private folder for this run."""
        return self.workspace.scratch

    def aside(self, target: Path) -> Path:
        """Where to write a file that is to become `target`."""
        return self._publication.aside(target)

    def replace(
        self,
        aside: Path,
        target: Path,
        *,
        table: str | None = None,
        period: str | None = None,
        rows: int | None = None,
        inputs: Mapping[str, str] | None = None,
        forgotten: Iterable[str] = (),
    ) -> None:
        """Takes a file written aside into the run's commit."""
        self._publication.replace(
            aside,
            target,
            table=table,
            period=period,
            rows=rows,
            inputs=inputs,
            forgotten=forgotten,
        )

    def remove(self, tombstone: Tombstone) -> None:
        """Takes the removal of a file into the run's commit."""
        self._publication.remove(tombstone)

    def commit(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Makes everything current, with a manifest of this content; returns the manifest."""
        entries = self._publication.entries
        manifest = self._manifest("done") | dict(content)
        manifest["outputs"] = [
            entry.model_dump(include={"path", "sha256", "size", "table", "period", "rows"})
            for entry in entries
        ]
        target = self.workspace.runs / self.run_id / _MANIFEST
        aside = self.aside(target)
        aside.write_text(_json(manifest), encoding="utf-8")
        self.replace(aside, target)
        self._publication.commit()
        if not _catalog_waits:
            published = any(entry.table in PUBLISHED for entry in entries)
            if published or catalog_is_behind(self.workspace):
                build_catalog(self.workspace)
        return manifest

    def dry(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Publishes nothing; returns what the manifest would have said."""
        self._publication.abandon()
        shutil.rmtree(self.workspace.runs / self.run_id, ignore_errors=True)
        return self._manifest("dry_run") | dict(content) | {"outputs": []}

    def _manifest(self, status: str) -> dict[str, Any]:
        finished = datetime.now(_KOREA)
        return {
            "run_id": self.run_id,
            "command": self._command,
            "status": status,
            "parameters": self._parameters,
            "started_at": self._started.isoformat(timespec="milliseconds"),
            "finished_at": finished.isoformat(timespec="milliseconds"),
            "seconds": round((finished - self._started).total_seconds(), 3),
            "version": version("pointbook"),
        }

    def _leave_failed_manifest(self, failure: BaseException) -> None:
        manifest = self._manifest("failed") | {"error": str(failure)}
        target = self.workspace.runs / self.run_id / _MANIFEST
        # the failure itself, a full disk say, is what the operator is to read
        with suppress(OSError):
            write_durably(self.workspace, target, _json(manifest))


_catalog_waits = False


@contextmanager
def one_catalog(workspace: Workspace) -> Iterator[None]:
    """Builds the catalog once, after all runs of the block instead of after each."""
    global _catalog_waits
    _catalog_waits = True
    try:
        yield
    finally:
        _catalog_waits = False
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
        where = f"{error.filename}: " if error.filename else ""
        return RunFailed(f"{where}{error.strerror or error}; nothing was published")
    return error


def _json(manifest: Mapping[str, Any]) -> str:
    return json.dumps(manifest, ensure_ascii=False, indent=1, default=str) + "\n"
