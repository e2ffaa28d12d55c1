"""What the commit records and manifests say, read strictly: a proof passes over nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from flows.console.errors import ProofFailed
from flows.publishing.commit import (
    BACKUP,
    PENDING,
    TEMPORARY,
    CommitRecord,
    Entry,
    State,
    commit_records,
    number_of,
    sha256_of,
)
from flows.publishing.workspace import Workspace

MANIFEST: Final = "manifest.json"
_DATA: Final = ("staged/", "quarantine/", "warehouse/")


@dataclass(frozen=True)
class History:
    """The commits of a workspace, oldest first."""

    workspace: Workspace
    records: tuple[CommitRecord, ...]

    @classmethod
    def of(cls, workspace: Workspace) -> History:
        """Raises ProofFailed for a record that is unfinished, damaged, or not the next."""
        for path in sorted(workspace.commits.glob(f"{PENDING}*.json")):
            raise ProofFailed(
                f"{path}: an unfinished commit; run `pointbook catalog`, which completes it"
            )
        State.of(workspace)
        return cls(workspace, tuple(commit_records(workspace)))

    @cached_property
    def publishers(self) -> dict[str, str]:
        """The run that committed every path that is current."""
        found: dict[str, str] = {}
        for record in self.records:
            found |= {entry.path: record.run_id for entry in record.files}
            for gone in record.removed:
                found.pop(gone.path, None)
        return found

    @cached_property
    def removed(self) -> set[str]:
        """The paths that retention removed."""
        return {gone.path for record in self.records for gone in record.removed}

    @cached_property
    def committed(self) -> dict[tuple[str, str], int]:
        """The number of the first commit of every path with its hash."""
        found: dict[tuple[str, str], int] = {}
        for record in self.records:
            for entry in record.files:
                found.setdefault((entry.path, entry.sha256), number_of(record.run_id))
        return found

    @cached_property
    def manifests(self) -> dict[str, Mapping[str, Any]]:
        """Every run's manifest; a run that was killed has none."""
        found = {}
        for path in sorted(self.workspace.runs.glob(f"[0-9]*/{MANIFEST}")):
            try:
                found[path.parent.name] = json.loads(path.read_bytes())
            except ValueError:
                raise ProofFailed(f"{path}: not JSON; {BACKUP}") from None
        return found

    def check_numbers(self) -> None:
        """Raises ProofFailed where run numbers repeat or leave a gap, or a run has no commit."""
        folders = {path.name for path in self.workspace.runs.glob("[0-9]*")}
        manifests = {path.split("/")[1] for path in self.removed if path.startswith("runs/")}
        run_ids = folders | manifests | {record.run_id for record in self.records}
        by_number: dict[int, str] = {}
        for run_id in sorted(run_ids):
            other = by_number.setdefault(number_of(run_id), run_id)
            if other != run_id:
                raise ProofFailed(f"runs {other} and {run_id} have the same number; {BACKUP}")
        for number in sorted({*range(1, max(by_number, default=0))} - by_number.keys()):
            raise ProofFailed(
                f"{self.workspace.runs}: run {number:06d} left no trace, neither a folder nor a "
                f"commit record; {BACKUP}"
            )
        committed = {record.run_id for record in self.records}
        for run_id, manifest in self.manifests.items():
            if manifest.get("status") == "done" and run_id not in committed:
                path = self.workspace.commits / f"{run_id}.json"
                raise ProofFailed(f"{path}: missing, though the run's manifest is there; {BACKUP}")

    def check_outputs(self) -> None:
        """Raises ProofFailed where a manifest's outputs are not the files of its commit."""
        for record in self.records:
            manifest = self.manifests.get(record.run_id)
            if manifest is None:
                continue
            path = self._manifest_path(record.run_id)
            told = {(file["path"], file["sha256"], file["size"]) for file in manifest["outputs"]}
            own = path.relative_to(self.workspace.root).as_posix()
            held = {(e.path, e.sha256, e.size) for e in record.files if e.path != own}
            for other, *_ in sorted(told ^ held):
                raise ProofFailed(
                    f"{path}: {other} is not the same in commit {record.run_id}; {BACKUP}"
                )

    @property
    def versions(self) -> list[Path]:
        """The files kept of what was replaced, each named after the run that published it."""
        return sorted(self.workspace.versions.rglob("[0-9]*.parquet"))

    def check_versions(self) -> None:
        """Raises ProofFailed where a version is not a file that its run published."""
        published = {(record.run_id, e.sha256) for record in self.records for e in record.files}
        for path in self.versions:
            if (path.stem, sha256_of(path)) not in published:
                raise ProofFailed(f"{path}: not what run {path.stem} published; {BACKUP}")

    def check_inputs(self, entries: Mapping[str, Entry]) -> int:
        """How many inputs of what is current were committed before it, hash for hash.

        Raises ProofFailed for the first that was not.
        """
        found = 0
        for run_id in sorted({self.publishers[path] for path in entries}):
            for relation, files in self.manifests.get(run_id, {}).get("inputs", {}).items():
                for file in files:
                    if not file["path"].startswith(_DATA):
                        continue
                    before = self.committed.get((file["path"], file["sha256"]))
                    if before is None or before >= number_of(run_id):
                        raise ProofFailed(
                            f"{self._manifest_path(run_id)}: its input {relation} is "
                            f"{file['path']} with sha256 {file['sha256'][:12]}…, which no earlier "
                            f"commit holds; {BACKUP}"
                        )
                    found += 1
        return found

    def unnamed_files(self) -> Iterator[Path]:
        """The Parquet files in the workspace, and the policy texts, that no commit names."""
        root = self.workspace.root
        found = [path for room in _DATA for path in sorted((root / room).rglob("*.parquet"))]
        found += sorted(path for path in self.workspace.policies.rglob("*") if path.is_file())
        for path in found:
            inside = path.relative_to(root)
            if TEMPORARY not in inside.parts and inside.as_posix() not in self.publishers:
                yield path

    def _manifest_path(self, run_id: str) -> Path:
        return self.workspace.runs / run_id / MANIFEST
