"""Ingest: from what landed to staged rows and quarantine. One run is one delivery."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows import progress
from flows.errors import NotReady, WrongUsage
from flows.landing import (
    REGISTRY,
    DeliveredFile,
    Deliveries,
    LandedFile,
    landed_files,
    strangers,
)
from flows.options import Options
from flows.publish import State
from flows.run import Run
from flows.steps import Step, plainly
from schemas.derive import staged_partition
from schemas.exports import EXPORTS, Export
from transforms.engine import Engine, load_transform
from transforms.exports.containers import Container, FileRefused, opened, survey
from transforms.exports.merge import (
    WHOLE,
    Merge,
    Outcome,
    arrivals_schema,
    history_name,
)
from transforms.exports.personal import Pseudonyms
from transforms.exports.reading import QUARANTINE_SCHEMA, Batch, Reader

KEY_VARIABLE: Final = "POINTBOOK_PII_KEY"
_GROUP_BYTES: Final = 1 << 28
"""Months merge together up to this size, so that small months don't cost a merge each."""
FEW_REJECTS: Final = 20
"""Up to so many rejected rows no file is held back, whatever their share."""


def ingest(options: Options, exports: Sequence[str] = (), step: Step = plainly) -> dict[str, Any]:
    """Stages what landed of the exports (of all, if none is named); returns the run's manifest.

    Raises WrongUsage for an unknown export or a missing key for personal data, NotReady for
    another key than the workspace's. Files that are rejected or held back are in the manifest.
    """
    check_exports(exports)
    parameters = {"exports": list(exports), "max_reject_rate": options.max_reject_rate}
    with Run(options.workspace, "ingest", parameters) as run:
        delivery = _Delivery(run, options, step)
        files = landed_files(run.workspace.landing, list(exports) or list(EXPORTS))
        delivery.take(files)
        return run.commit(
            {
                "delivery": delivery.number if delivery.accepted_files else None,
                "files": [report.as_manifest() for report in delivery.reports],
                "strangers": strangers(run.workspace.landing),
            }
        )

T = TypeVar("T")


def check_exports(names: Sequence[str]) -> None:
    """Raises WrongUsage where a name is no export's."""
    unknown = [name for name in names if name not in EXPORTS]
    if unknown:
        raise WrongUsage(
            f"no export is called {', '.join(unknown)}; the exports are {', '.join(EXPORTS)}"
        )


@dataclass
class FileReport:
    """What became of one landed file; counts are of rows, amounts of won."""

    file: LandedFile
    status: str = "accepted"
    reason: str | None = None
    sha256: str | None = None
    size: int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    extra_columns: int = 0
    blank_lines: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    amounts: dict[str, Counter[str]] = field(default_factory=dict)
    months: set[str] = field(default_factory=set)

    def add(self, batch: Batch) -> None:
        """Counts a batch; its accepted rows may still turn out duplicate, stale or conflicting."""
        self.rows["delivered"] += batch.rows
        self.rows["accepted"] += batch.accepted.num_rows
        self.rows["quarantined"] += batch.quarantined.num_rows
        self.reasons.update(batch.reasons)
        for name, total in batch.totals.items():
            amounts = self.amounts.setdefault(name, Counter())
            amounts["delivered"] += total
            amounts["quarantined"] += batch.refused_totals[name]
            amounts["accepted"] += total - batch.refused_totals[name]

    def move(self, outcome: Outcome) -> None:
        """Takes rows from accepted to what the merge found them to be."""
        if outcome.outcome == "accepted":
            return
        fate = "quarantined" if outcome.outcome == "conflict" else outcome.outcome
        if outcome.outcome == "conflict":
            self.reasons["key:conflict"] += outcome.rows
        self.rows[fate] += outcome.rows
        self.rows["accepted"] -= outcome.rows
        for amounts, total in zip(self.amounts.values(), outcome.totals, strict=False):
            amounts[fate] += total
            amounts["accepted"] -= total

    def too_many_rejects(self, rate: float) -> bool:
        """Whether the file is held back; called before conflicts are known."""
        rejected = self.rows["quarantined"]
        return rejected > FEW_REJECTS and rejected > rate * self.rows["delivered"]

    def as_manifest(self) -> dict[str, Any]:
        """The report as the manifest shows it."""
        fates = ("delivered", "accepted", "duplicate", "stale", "quarantined")
        return {
            "export": self.file.export.name,
            "file": self.file.name,
            "status": self.status,
            "reason": self.reason,
            "sha256": self.sha256,
            "bytes": self.size,
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "extra_columns": self.extra_columns,
            "blank_lines": self.blank_lines,
            "rows": {fate: self.rows[fate] for fate in fates},
            "reasons": dict(sorted(self.reasons.items())),
            "amounts": {
                name: {fate: amounts[fate] for fate in fates}
                for name, amounts in self.amounts.items()
            },
        }


class _Delivery:
    """One ingest on its way: reads files into scratch, merges exports, hands over for commit."""

    def __init__(self, run: Run, options: Options, step: Step) -> None:
        self._run = run
        self._options = options
        self._step = step
        self._known = Deliveries.load(run.workspace.staged)
        self._staged = State.of(run.workspace)
        self._pseudonyms: Pseudonyms | None = None
        self.number = self._known.last + 1
        self.reports: list[FileReport] = []

    @property
    def accepted_files(self) -> list[FileReport]:
        return [report for report in self.reports if report.status == "accepted"]

    def take(self, files: Sequence[LandedFile]) -> None:
        """Reads the files, merges what they bring, and adds it all to the publication."""
        if any(file.export.personal for file in files):
            self._pseudonyms = self._the_workspaces_key()
        for export in {file.export.name: file.export for file in files}.values():
            own = [file for file in files if file.export is export]
            reports = [
                self._step(f"read {export.name}/{file.name}", partial(self._read, file))
                for file in own
            ]
            self.reports += reports
            accepted = [report for report in reports if report.status == "accepted"]
            if accepted:
                self._step(f"merge {export.name}", partial(self._merge, export, accepted))
            for report in reports:
                self._file_quarantine(report)
        if self.accepted_files:
            self._register()

    def _the_workspaces_key(self) -> Pseudonyms:
        key = os.environ.get(KEY_VARIABLE)
        if not key:
            raise WrongUsage(
                f"personal data has landed and {KEY_VARIABLE} is not set; set it to the key "
                "under which contacts and addresses are hashed"
            )
        pseudonyms = Pseudonyms(key)
        if self._known.key_id not in (None, pseudonyms.key_id):
            raise NotReady(
                f"{KEY_VARIABLE} is not the key of this workspace (key id {self._known.key_id}); "
                "set that key, or start another workspace"
            )
        return pseudonyms

    def _read(self, file: LandedFile) -> FileReport:
        """Reads a file into scratch: its accepted rows by partition, its refused rows."""
        report = FileReport(file)
        try:
            container = Container.of(file.path)
            with opened(file.path, self._run.workspace.landing) as handle:
                found = survey(handle, container)
                report.sha256, report.size = found.sha256, found.size
                report.encoding = found.encoding
                if self._is_known(report):
                    report.status = "known"
                    return report
                reader = Reader(
                    file.export, file.name, handle, container, found.encoding, self._pseudonyms
                )
                share = lambda: handle.tell() / max(1, found.size)  # noqa: E731
                with progress.working(f"reading {file.export.name}/{file.name}", share):
                    self._write_batches(report, reader.batches())
                report.extra_columns = reader.header.extra
                report.blank_lines = reader.blank_lines
                delimiter = reader.header.delimiter
                report.delimiter = delimiter.decode() if delimiter else None
        except FileRefused as refusal:
            report.status, report.reason = "rejected", str(refusal)
            return report
        if report.too_many_rejects(self._options.max_reject_rate):
            report.status = "held_back"
            report.reason = (
                f"{report.rows['quarantined']:,} of {report.rows['delivered']:,} rows rejected, "
                f"more than {self._options.max_reject_rate:.1%}"
            )
        return report

    def _is_known(self, report: FileReport) -> bool:
        assert report.sha256 is not None
        earlier = self._known.files.get(report.sha256)
        now = (other for other in self.accepted_files if other.sha256 == report.sha256)
        same_export = earlier is not None and earlier.export == report.file.export.name
        return same_export or any(other.file.export is report.file.export for other in now)

    def _write_batches(self, report: FileReport, batches: Iterator[Batch]) -> None:
        export = report.file.export
        schema = arrivals_schema(export)
        writers: dict[str, pq.ParquetWriter] = {}
        refused = self._refused_path(report)
        refused.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(refused, QUARANTINE_SCHEMA, compression="zstd") as quarantine:
            try:
                for batch in batches:
                    report.add(batch)
                    if batch.quarantined.num_rows:
                        quarantine.write_table(batch.quarantined)
                    for partition, rows in _by_partition(export, batch.accepted):
                        if partition not in writers:
                            path = self._arrivals_path(report, partition)
                            path.parent.mkdir(parents=True, exist_ok=True)
                            writers[partition] = pq.ParquetWriter(path, schema, compression="lz4")
                        numbers = pa.repeat(pa.scalar(report.file.number, pa.int64()), len(rows))
                        writers[partition].write_table(
                            rows.append_column("source_file", numbers).select(schema.names)
                        )
            finally:
                for writer in writers.values():
                    writer.close()
        report.months = set(writers)

    def _merge(self, export: Export, reports: Sequence[FileReport]) -> None:
        """Merges the files' rows into the staged partitions, group by group of related keys."""
        held = self._staged.files(export.name)
        history = self._staged.files(history_name(export))
        arrivals = {
            month: [self._arrivals_path(r, month) for r in reports if month in r.months]
            for month in sorted(set().union(*(report.months for report in reports)))
        }
        by_number = {report.file.number: report for report in reports}
        conflicts: list[pa.Table] = []
        groups = _groups(export, arrivals, held)
        done = 0
        with (
            self._options.start_engine(self._run.scratch) as engine,
            progress.working(f"merging {export.name}", lambda: done / len(groups)),
        ):
            for group in groups:
                merge = Merge(
                    engine,
                    export,
                    _only(arrivals, group),
                    _only(held, group),
                    _only(history, group),
                    self.number,
                )
                for outcome in merge.outcomes():
                    by_number[outcome.file].move(outcome)
                conflicts.append(merge.conflicts())
                for partition in merge.changed_partitions():
                    self._replace_partition(export, merge, partition)
                done += 1
            self._quarantine_conflicts(engine, by_number, pa.concat_tables(conflicts))

    def _replace_partition(self, export: Export, merge: Merge, partition: str) -> None:
        def aside(relation: str, partition: str) -> Path:
            return self._run.aside(self._target(export, relation, partition))

        for written in merge.write(partition, aside):
            self._run.replace(
                written.file,
                self._target(export, written.relation, partition),
                table=written.relation,
                period=partition or None,
                rows=written.rows,
            )

    def _target(self, export: Export, relation: str, partition: str) -> Path:
        folder = self._run.workspace.staged / relation
        column = staged_partition(export)
        if column is not None:
            folder /= f"{column[0]}={partition}"
        return folder / "part-0.parquet"

    def _quarantine_conflicts(
        self, engine: Engine, reports: Mapping[int, FileReport], conflicts: pa.Table
    ) -> None:
        """Adds the conflicting rows, read once more, to what their files have in quarantine."""
        for number, report in reports.items():
            own = conflicts.filter(pc.equal(conflicts["source_file"], number))
            if not own.num_rows:
                continue
            wanted = np.sort(own["source_row"].to_numpy())
            refused = self._refused_path(report)
            conflicting = refused.with_suffix(".conflicts")
            file = report.file
            with opened(file.path, self._run.workspace.landing) as handle:
                reader = Reader(
                    file.export,
                    file.name,
                    handle,
                    Container.of(file.path),
                    report.encoding,
                    self._pseudonyms,
                )
                with pq.ParquetWriter(conflicting, QUARANTINE_SCHEMA) as writer:
                    for rows in reader.conflicting(wanted):
                        writer.write_table(rows)
            engine.relation("refused", [refused], QUARANTINE_SCHEMA)
            engine.relation("conflicting", [conflicting], QUARANTINE_SCHEMA)
            merged = refused.with_suffix(".merged")
            engine.write_schema(load_transform("staging/quarantine"), QUARANTINE_SCHEMA, merged)
            merged.replace(refused)

    def _file_quarantine(self, report: FileReport) -> None:
        """Publishes what a file has in quarantine, under the hash of its bytes."""
        if not report.rows["quarantined"] or report.status not in ("accepted", "held_back"):
            return
        folder = self._run.workspace.quarantine / report.file.export.name
        target = folder / f"{report.sha256}.parquet"
        aside = self._run.aside(target)
        self._refused_path(report).replace(aside)
        self._run.replace(
            aside, target, table="quarantine", period=None, rows=report.rows["quarantined"]
        )

    def _register(self) -> None:
        files = dict(self._known.files)
        for report in self.accepted_files:
            assert report.sha256 is not None
            files[report.sha256] = DeliveredFile(
                export=report.file.export.name, name=report.file.name, delivery=self.number
            )
        key_id = self._pseudonyms.key_id if self._pseudonyms else self._known.key_id
        registry = Deliveries(last=self.number, key_id=key_id, files=files)
        target = self._run.workspace.staged / REGISTRY
        aside = self._run.aside(target)
        aside.write_text(registry.model_dump_json(indent=1), encoding="utf-8")
        self._run.replace(aside, target, table=None, period=None, rows=None)

    def _arrivals_path(self, report: FileReport, partition: str) -> Path:
        folder = self._run.scratch / "arrivals" / report.file.export.name / (partition or "whole")
        return folder / f"{report.file.number}.parquet"

    def _refused_path(self, report: FileReport) -> Path:
        return self._run.scratch / "refused" / f"{report.file.number}.parquet"


def _groups(
    export: Export, arrivals: Mapping[str, Sequence[Path]], held: Mapping[str, Path]
) -> list[list[str]]:
    """The partitions that merge together: all of them, or months as far as keys stay within one."""
    if export.month_of not in export.key:
        return [sorted({*arrivals, *held})]
    groups: list[list[str]] = []
    room = 0
    for month, files in arrivals.items():
        files = [*files, held[month]] if month in held else files
        size = sum(file.stat().st_size for file in files)
        if size > room:
            groups.append([])
            room = _GROUP_BYTES
        groups[-1].append(month)
        room -= size
    return groups


def _only(files: Mapping[str, T], group: Sequence[str]) -> dict[str, T]:
    return {name: files[name] for name in group if name in files}


def _by_partition(export: Export, rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows split by the partition that they are staged in."""
    if not rows.num_rows:
        return
    if export.month_of is None:
        yield WHOLE, rows
        return
    months = rows[export.month_of]
    if not pa.types.is_string(months.type):
        months = pc.strftime(months, format="%Y-%m")
    present = pc.unique(months).to_pylist()
    for month in present:
        yield month, rows if len(present) == 1 else rows.filter(pc.equal(months, month))


def held_back(manifest: Mapping[str, Any]) -> list[str]:
    """The files that an ingest held back, as export/file."""
    return [
        f"{file['export']}/{file['file']}"
        for file in manifest["files"]
        if file["status"] == "held_back"
    ]
