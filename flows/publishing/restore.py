"""Restore: an earlier version of what a command published becomes current again (Q4)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.publishing.commit import CommitRecord, Entry, State, commit_records, sha256_of
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.workspace import Workspace
from schemas.tables import PUBLISHED, RESTATEMENTS

_TABLES: Final = [name for name in PUBLISHED if name != RESTATEMENTS]


def restore(
    options: Options,
    table: str,
    period: str,
    version: str | None = None,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Publishes a table's period as an earlier run left it; returns the manifest.

    `version` is that run's id. What the same run published with it becomes current with it (Q2),
    and what is replaced is restated and kept in turn; where it is current already, nothing changes.
    `dry_run`: publishes nothing, and tells what would change, by default of the version before.

    Raises WrongUsage for an unknown table, and where no version is named: a command that was cut
    short is given again, and "the one before" would be another one then. NotReady naming what
    there is where the period is not published or the version not kept, RunFailed where a kept file
    is damaged.
    """
    if table not in _TABLES:
        raise WrongUsage(f"no table is called {table}; the tables are {', '.join(_TABLES)}")
    parameters = {"table": table, "period": period, "version": version}
    with Run(options, "restore", parameters) as run:
        records = {record.run_id: record for record in commit_records(run.workspace)}
        versions = _Versions(run.workspace, State.of(run.workspace), records)
        chosen = versions.choose(table, period, version)
        if version is None and not dry_run:
            raise WrongUsage(
                f"name the version of {table} {period} with --version; the one before is {chosen}"
            )
        entries = [e for e in versions.records[chosen].files if e.table in _TABLES]
        for entry in entries:
            target = run.workspace.root / entry.path
            temporary = run.temporary(target)
            shutil.copyfile(versions.file_of(entry, chosen), temporary)
            if sha256_of(temporary) != entry.sha256:
                raise RunFailed(
                    f"{versions.file_of(entry, chosen)} is not what {chosen} published of "
                    f"{entry.table} {entry.period}; nothing was restored: choose another version "
                    f"with --version, or run the command again"
                )
            about = entry.model_dump(include={"table", "period", "rows", "inputs", "gaps"})
            run.replace(temporary, target, **about)
        tables = [{"table_name": entry.table, "period": entry.period} for entry in entries]
        content = {"table": table, "period": period, "version": chosen, "tables": tables}
        return run.commit(content, dry_run=dry_run)


@dataclass(frozen=True)
class _Versions:
    """What is current, and what is kept of what was."""

    workspace: Workspace
    state: State
    records: dict[str, CommitRecord]

    def choose(self, table: str, period: str, version: str | None) -> str:
        """The run whose version is to be current: the one named, else the one before."""
        files = self.state.files(table)
        if period not in files:
            known = ", ".join(files) or "none"
            raise NotReady(f"{table} {period} is not published; its published periods: {known}")
        current = self.state.entry(files[period])
        kept = self.kept(files[period])
        if version is None:
            earlier = [name for name, entry in kept.items() if entry.sha256 != current.sha256]
            if not earlier:
                raise NotReady(
                    f"no version of {table} {period} is kept but the one that is published"
                )
            return earlier[-1]
        if version not in kept:
            known = ", ".join(kept) or "none"
            raise NotReady(f"no version {version} of {table} {period} is kept; kept are: {known}")
        return version

    def kept(self, target: Path) -> dict[str, Entry]:
        """The entries of a published file's versions that are kept or current, by their run."""
        folder = self.workspace.versions_of(target)
        runs = {path.stem for path in folder.glob("[0-9]*.parquet")}
        current = self.state.entry(target)
        return {
            run_id: entry
            for run_id, record in self.records.items()
            for entry in record.files
            if entry.path == current.path and (run_id in runs or entry.sha256 == current.sha256)
        }

    def file_of(self, entry: Entry, run_id: str) -> Path:
        """Where the bytes of an entry are: in place still, or kept."""
        target = self.workspace.root / entry.path
        if self.state.entry(target).sha256 == entry.sha256:
            return target
        for kept_by, kept in self.kept(target).items():
            if kept.sha256 == entry.sha256:
                return self.workspace.versions_of(target) / f"{kept_by}.parquet"
        raise NotReady(
            f"{entry.table} {entry.period} of {run_id}, which belongs to that version, is no "
            "longer kept; choose a later one with --version"
        )
