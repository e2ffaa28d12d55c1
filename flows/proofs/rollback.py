"""Roll back: the files of an earlier state, which others have replaced since.

A published file's bytes are a version that is kept, else they are made from the next one after it
that is there, by rolling the restatements between them back (Q4). Staged rows say which delivery
brought them, and replaced ones which delivery did: from both follow the rows of then (D2).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.console import progress
from flows.console.errors import NotReady, ProofFailed
from flows.proofs.history import MANIFEST
from flows.publishing.commit import BACKUP, CommitRecord, Entry, State, sha256_of
from flows.publishing.options import Options, start_engine
from flows.publishing.workspace import published_path
from schemas.derive import staged_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import PUBLISHED, RESTATEMENTS, STAGED_RELATIONS
from transforms.engine.engine import Engine, load_transform
from transforms.engine.errors import QueryError
from transforms.exports.merge import HISTORIES, history_name, history_schema, write_relations
from transforms.exports.staged_files import coded_rows, write_staged
from transforms.exports.withdrawal import withdrawn_name

_INSTEAD: Final = "nothing else is shown instead"


class NotCompared(NotReady):
    """What a run replaced was damaged, or may have been: nobody knows what was in it."""


@dataclass(frozen=True)
class _Commit:
    """What a run committed of a file; `place`: of its record among all."""

    place: int
    run_id: str
    entry: Entry


class Rollback:
    """Makes files of the state after the first `commits` of the records again.

    `deliveries`: how many had come by then. `scratch`: a private folder for what is made; `opened`
    ends with the use of it.
    """

    def __init__(
        self,
        options: Options,
        records: Sequence[CommitRecord],
        commits: int,
        deliveries: int,
        scratch: Path,
        opened: ExitStack,
        *,
        from_versions: bool = True,
    ) -> None:
        """`from_versions`: whether versions are read that are kept, or only proven."""
        self._options = options
        self._workspace = options.place
        self._root = options.place.root
        self._records = records
        self._commits = commits
        self._deliveries = deliveries
        self._scratch = scratch
        self._opened = opened
        self._from_versions = from_versions
        self.present = State.after(options.place, records)
        self.state = State.after(options.place, records[:commits])
        self._moved: dict[Path, Path] = {}
        self._read_from: dict[Path, set[Path]] = {}
        self._versions: dict[Path, Entry] = {}
        for path, entry in [(self._root / name, each) for name, each in self.state.entries.items()]:
            if entry.table is not None and not self._is_current(path, entry):
                to = self._version_of(path, entry) or self._made_at(entry.path)
                self.state.move(path, to)
                self._moved[to] = path

    def make(self, path: Path) -> set[Path]:
        """Makes a file of then, unless it is there; returns the current files that it is made from.

        Raises NotReady, naming the run, where nobody knows any more what was in it.
        """
        place = self._moved.get(path)
        if place is None:
            return {path}
        if path in self._versions:
            return {place}
        if path not in self._read_from:
            path.parent.mkdir(parents=True, exist_ok=True)
            entry = self.state.entry(path)
            relation = STAGED_RELATIONS.get(entry.table or "")
            if relation is not None:
                self._keep_relations(EXPORTS[str(relation.export)], entry)
            else:
                self._make(place, entry, path)
        return self._read_from[path]

    def check(self, paths: Iterable[Path]) -> None:
        """Raises where files of then, or those that they were made from, have other bytes.

        ProofFailed for one that is there and was changed; NotReady, naming the run, for one that is
        made again and has not the bytes that were committed.
        """
        for path in paths:
            if path in self._versions:
                self.state.require_whole([path])
                continue
            self.present.require_whole(sorted(self.make(path)))
            entry, run_id = self.state.entry(path), self.state.run_of(path)
            if path in self._moved and sha256_of(path) != entry.sha256:
                raise NotReady(
                    f"{entry.path} of {run_id}, made again from what is kept, has other bytes: "
                    "another version of Pointbook wrote it, or what it is made from was changed; "
                    "without --check its rows are shown"
                )

    def proves(self, version: Path) -> bool:
        """Whether a version, kept of a file of then, has the rows that it has rolled back.

        False where it can't be rolled back: a later run found the file damaged, or its manifest is
        gone. Raises ProofFailed where it has other rows.
        """
        place = self._workspace.warehouse / version.parent.relative_to(self._workspace.versions)
        path = {old: new for new, old in self._moved.items()}.get(place / "part-0.parquet")
        if path is None:
            return False  # what was replaced by it has come back since
        try:
            self.make(path)
        except NotCompared:
            return False
        except NotReady as error:
            raise ProofFailed(f"{version}: {error}; {BACKUP}") from error
        own, kept = (pq.ParquetFile(file).read() for file in (path, version))
        for name in (name for name in kept.column_names if name in own.column_names):
            if own[name] != kept[name]:
                raise ProofFailed(
                    f"{version}: rolled back from what replaced it {name} has other values, so the "
                    f"restatements since are not what changed; {BACKUP}"
                )
        return True

    def _made_at(self, name: str) -> Path:
        return self._scratch / "then" / name

    def _is_current(self, path: Path, entry: Entry) -> bool:
        return self.present.has(path) and self.present.entry(path).sha256 == entry.sha256

    @cached_property
    def _commits_of(self) -> dict[str, list[_Commit]]:
        """What was committed of every published file, oldest first, by its path."""
        found: dict[str, list[_Commit]] = {}
        for place, record in enumerate(self._records):
            for entry in record.files:
                if entry.table in PUBLISHED:
                    found.setdefault(entry.path, []).append(_Commit(place, record.run_id, entry))
        return found

    def _version_of(self, path: Path, entry: Entry) -> Path | None:
        """The version that is kept of a published file with these bytes, if one is."""
        for one in self._commits_of.get(entry.path, ()) if self._from_versions else ():
            if one.entry.sha256 == entry.sha256:
                version = self._workspace.versions_of(path) / f"{one.run_id}.parquet"
                if version.is_file():
                    self._versions[version] = entry
                    return version
        return None

    @cached_property
    def _engine(self) -> Engine:
        engine = start_engine(self._scratch, self._options.memory, self._options.threads)
        return self._opened.enter_context(engine)

    def _make(self, place: Path, entry: Entry, target: Path) -> None:
        """Makes a file of then again; `place` is where it was committed."""
        what = " ".join(filter(None, ("making", entry.table, entry.period, "as it was")))
        with progress.working(what, lambda: self._engine.progress() / 100):
            try:
                if entry.table in PUBLISHED:
                    rows = self._roll_back(place, entry, target)
                else:
                    rows = self._stage(entry, target)
            except QueryError as error:
                raise self._lost(entry, str(error)) from error
        self._require_rows(entry, rows)

    def _require_rows(self, entry: Entry, rows: int) -> None:
        if rows != entry.rows:
            raise self._lost(entry, f"{rows:,} rows come of what is kept, it had {entry.rows:,}")

    def _lost(self, entry: Entry, why: str) -> NotReady:
        """That a file of then can't be had, with its latest run of then."""
        paths = (path for path in self.state.files(entry.table or "").values())
        path = next(path for path in paths if self.state.entry(path) is entry)
        return NotReady(f"{entry.path} of {self.state.run_of(path)}: {why}; {_INSTEAD}")

    # Published rows

    def _roll_back(self, place: Path, entry: Entry, target: Path) -> int:
        """Rolls a published file back from the next one after it whose bytes are there."""
        before, steps, base = entry, [], None
        for one in self._commits_of[entry.path]:
            if one.place < self._commits:
                continue
            if one.entry.sha256 != before.sha256:
                steps.append(one)
            before = one.entry
            base = place if self._is_current(place, before) else self._version_of(place, before)
            if base is not None:
                break
        if base is None:
            raise self._lost(entry, "what replaced it is gone")
        restated = [file for one in steps if (file := self._restated_by(one)) is not None]
        columns, period = entry.column_digests, entry.period or ""
        table = PUBLISHED[entry.table or ""]
        self._read_from[target] = {place, *restated}
        return self._engine.roll_back(table, columns, base, period, restated, target)

    def _restated_by(self, one: _Commit) -> Path | None:
        """The restatements of a run that replaced a file; none where it restated nothing.

        Raises NotReady where they are gone, or the run did not compare the file.
        """
        entry, run_id = one.entry, one.run_id
        about = f"{entry.table} {entry.period}"
        path = published_path(self._workspace, PUBLISHED[RESTATEMENTS], run_id)
        told = self.present.has(path)
        if told and not path.is_file():
            raise NotReady(f"{path}: missing, so {about} can't be rolled back; {_INSTEAD}")
        manifest = self._manifest(run_id)
        if manifest is None and not (told and _tells_of(path, entry)):
            raise NotCompared(
                f"{self._workspace.runs / run_id}: its manifest is gone, so nobody knows whether "
                f"{about}, which it replaced, was compared; {_INSTEAD}"
            )
        left = {"table_name": entry.table, "period": entry.period}
        if manifest is not None and left in manifest.get("not_compared", []):
            raise NotCompared(
                f"{run_id} found {about} damaged and replaced it, so nobody knows what was "
                f"in it; {_INSTEAD}"
            )
        return path if told else None

    def _manifest(self, run_id: str) -> Mapping[str, Any] | None:
        try:
            found = json.loads((self._workspace.runs / run_id / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    # Staged rows

    def _stage(self, entry: Entry, target: Path) -> int:
        """Makes an export's rows of a partition, or those that had been replaced."""
        name, engine = entry.table or "", self._engine
        export = EXPORTS.get(name) or HISTORIES.get(name)
        if export is None:
            raise self._lost(entry, "it is not kept as it was")
        self._read_from[target] = self._name_rows(export, entry.period or "")
        if name == export.name:
            transform, schema = load_transform("staging/current_then"), staged_schema(export)
            rows = engine.stream_schema(transform, schema)
            return write_staged(target, export, (coded_rows(export, batch) for batch in rows))
        transform, schema = load_transform("staging/replaced_then"), history_schema(export)
        count = engine.write_schema(transform, schema, target)
        if count != entry.rows:
            self._name_delivery(with_withdrawn=True)
            count = engine.write_schema(transform, schema, target)
        return count

    def _name_delivery(self, *, with_withdrawn: bool) -> None:
        """Names the last delivery of then, and whether withdrawn rows had been replaced by then."""
        of = {"delivery": [self._deliveries], "with_withdrawn": [with_withdrawn]}
        self._engine.table("run_context", pa.table(of))

    def _name_rows(self, export: Export, partition: str) -> set[Path]:
        """Names a partition's rows, current, replaced and withdrawn ones; returns their files.

        With a row that was withdrawn all are to be compared that may have its key.
        """
        engine = self._engine
        self._name_delivery(with_withdrawn=False)
        read: set[Path] = set()
        known: list[Path] = []
        of_export = {
            "current_now": (export.name, staged_schema(export)),
            "replaced_now": (history_name(export), history_schema(export)),
            "withdrawn_now": (withdrawn_name(export), history_schema(export)),
        }
        for relation, (name, schema) in of_export.items():
            files = self.present.files(name)
            own = [files[partition]] if partition in files else []
            engine.records(relation, export, own, schema)
            read.update(own)
            in_month = export.month_of is None or export.month_of in export.key
            known += own if in_month else files.values()
        if partition not in self.present.files(withdrawn_name(export)):
            known = []
        engine.records("known", export, known, staged_schema(export))
        return {*read, *known}

    def _keep_relations(self, export: Export, entry: Entry) -> None:
        """Makes the relations that were kept of a partition, from its rows of then."""
        partition = entry.period or ""
        files = {
            name: [path for path in [self.state.files(name).get(partition)] if path is not None]
            for name in (export.name, history_name(export))
        }
        read = {each for of in files.values() for path in of for each in self.make(path)}

        def target(name: str) -> Path:
            """Where a relation is read from, or where it goes that is not asked for."""
            held = self.state.files(name).get(partition)
            if held is not None and held in self._moved:
                held.parent.mkdir(parents=True, exist_ok=True)
                return held
            folder = self._made_at("not asked for")
            folder.mkdir(parents=True, exist_ok=True)
            return folder / f"{name}.parquet"

        try:
            (current,), history = files[export.name], files[history_name(export)]
            for _name, path, rows in write_relations(
                self._engine, export, current, history, target
            ):
                if path in self._moved:
                    self._require_rows(self.state.entry(path), rows)
                    self._read_from[path] = read
        except QueryError as error:
            raise self._lost(entry, str(error)) from error


def _tells_of(path: Path, entry: Entry) -> bool:
    """Whether restatements tell of a table's period."""
    partition = PUBLISHED[entry.table or ""].partition
    for batch in pq.ParquetFile(path).iter_batches(columns=["table_name", "row_key"]):
        for row in batch.to_pylist():
            of_table = row["table_name"] == entry.table
            if of_table and str(json.loads(row["row_key"])[partition]) == entry.period:
                return True
    return False
