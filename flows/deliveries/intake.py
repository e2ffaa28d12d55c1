"""Intake: reads files into scratch and finds what would become of every row.

`ingest` stages what comes of it, `check` only tells.
"""

from __future__ import annotations

import errno
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.console import progress
from flows.console.errors import PointbookError, RunFailed
from flows.console.terminal import shown
from flows.deliveries.landing import Deliveries, LandedFile
from flows.deliveries.sources import Sources, Taken
from flows.publishing.options import Options
from schemas.exports import Export
from transforms.engine.engine import Engine, load_transform, memory_bytes
from transforms.engine.threads import bound_threads
from transforms.exports.containers import Container, FileRefused, opened, survey
from transforms.exports.header import Header
from transforms.exports.merge import WHOLE, Merge, Outcome, arrivals_schema
from transforms.exports.personal import Pseudonyms
from transforms.exports.reading import (
    CONFLICT,
    MAX_WORKERS,
    PIECE_BYTES,
    QUARANTINE_SCHEMA,
    Batch,
    Reader,
)
from transforms.exports.workbook import Sheet

FATES: Final = ("delivered", "accepted", "duplicate", "stale", "quarantined", "held_back")
"""What the rows of a file are counted by; the first is the sum of the others."""
_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
"""Errors in writing to scratch, which end the run."""
FEW_REJECTS: Final = 20
"""Up to so many rejected rows no file is held back, whatever their share."""
MOST_MONTHS: Final = 600
"""A file's rows may spread over so many months; each has a file of its own open meanwhile."""
_VALUES_TOLD: Final = 10
"""So many values of a column that no list has are told of, the most frequent ones."""
_CHARACTERS_TOLD: Final = 160
_GROUP_BYTES: Final = 1 << 28
"""Months merge together up to this size, so that small months don't cost a merge each."""

_NO_FILES: Final[Mapping[str, Path]] = {}

T = TypeVar("T")


@dataclass
class FileReport:
    """What became of one landed file; counts are of rows, amounts of won."""

    file: LandedFile
    status: str = "accepted"
    reason: str | None = None
    container: Container | None = None
    sha256: str | None = None
    size: int | None = None
    encoding: str | None = None
    header: Header | None = None
    sheet: Sheet | None = None
    taken: Taken | None = None
    again: bool = False
    blank_lines: int = 0
    titles: int = 0
    footers: int = 0
    undecodable: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unlisted: dict[str, Counter[str]] = field(default_factory=dict)
    amounts: dict[str, Counter[str]] = field(default_factory=dict)
    months: set[str] = field(default_factory=set)

    def add(self, batch: Batch) -> None:
        """Counts a batch; its accepted rows may still turn out duplicate, stale or conflicting."""
        self.rows["delivered"] += batch.rows
        self.rows["accepted"] += batch.accepted.num_rows
        self.rows["quarantined"] += batch.quarantined.num_rows
        self.undecodable += batch.undecodable
        self.reasons.update(batch.reasons)
        for reason, values in batch.unlisted.items():
            self.unlisted.setdefault(reason, Counter()).update(values)
        for name, total in batch.totals.items():
            amounts = self.amounts.setdefault(name, Counter())
            amounts["delivered"] += total
            amounts["quarantined"] += batch.refused_totals[name]
            amounts["accepted"] += total - batch.refused_totals[name]

    def move(self, outcome: Outcome) -> None:
        """Takes rows from accepted to what the merge found them to be."""
        fate = outcome.outcome
        if fate == "accepted":
            return
        if fate == "conflict":
            fate = "quarantined"
            self.reasons[CONFLICT] += outcome.rows
        self.rows[fate] += outcome.rows
        self.rows["accepted"] -= outcome.rows
        for amounts, total in zip(self.amounts.values(), outcome.totals, strict=False):
            amounts[fate] += total
            amounts["accepted"] -= total

    def hold_back(self, reason: str) -> None:
        """Takes back what was accepted of the file."""
        self.status, self.reason = "held_back", reason
        for counts in (self.rows, *self.amounts.values()):
            counts["held_back"] += counts.pop("accepted")

    @property
    def conflicts_only(self) -> bool:
        """Whether each of its rows has the key of another row and other content."""
        return 0 < self.rows["delivered"] == self.reasons[CONFLICT]

    def as_manifest(self) -> dict[str, Any]:
        """The report as the manifest shows it."""
        delimiter = self.header and self.header.delimiter
        return {
            "export": self.file.export.name,
            "file": self.file.name,
            "status": self.status,
            "reason": self.reason,
            "conflicts_only": self.conflicts_only,
            "again": self.again,
            "source": self.taken and self.taken.source.name,
            "source_sha256": self.taken and self.taken.source.sha256,
            "source_taken": self.taken and self.taken.why,
            "sha256": self.sha256,
            "bytes": self.size,
            "container": self.container and (self.container.kind or None),
            "compression": self.container and self.container.compression,
            "unlike_its_name": self.container and self.container.unlike,
            "encoding": self.encoding,
            "delimiter": delimiter and delimiter.decode(),
            "sheet": self.sheet and _told(self.sheet.name),
            "other_sheets": [_told(name) for name in self.sheet.others] if self.sheet else [],
            "undecodable_rows": self.undecodable,
            "extra_columns": len(self.header.extra) if self.header else 0,
            "extra_names": [_told(name) for name in self.header.extra] if self.header else [],
            "near_names": {
                _told(name): column
                for name, column in (self.header.near.items() if self.header else ())
            },
            "blank_lines": self.blank_lines,
            "title_lines": self.titles,
            "footer_lines": self.footers,
            "rows": {fate: self.rows[fate] for fate in FATES},
            "reasons": dict(sorted(self.reasons.items())),
            "unlisted_values": {
                reason: {
                    "values": {_told(value): n for value, n in _most_frequent(values)},
                    "allowed": _allowed(self.file.export, reason.partition(":")[0]),
                    "unmapped": self._is_mapped(reason.partition(":")[0]),
                }
                for reason, values in sorted(self.unlisted.items())
            },
            "amounts": {
                name: {fate: amounts[fate] for fate in FATES}
                for name, amounts in self.amounts.items()
            },
        }

    def _is_mapped(self, column: str) -> bool:
        """Whether the file's source lists the codes of a column."""
        made = self.taken and self.taken.source.columns.get(column)
        return bool(made and made.codes)


class Intake:
    """The files of one delivery on their way: read one by one, then merged export by export.

    `known` says which files were delivered before, `scratch` is a folder for what is read;
    `sources` tell how files of other systems are read.
    `pseudonyms`, which personal data needs, may be set until the first file is read.
    """

    def __init__(
        self,
        scratch: Path,
        options: Options,
        known: Deliveries,
        pseudonyms: Pseudonyms | None = None,
        sources: Sources | None = None,
    ) -> None:
        """Begins without files; from here on Arrow uses as many threads as the options say."""
        bound_threads(options.threads)
        self._scratch = scratch
        self._options = options
        self._known = known
        self.pseudonyms = pseudonyms
        self._sources = sources or Sources()
        self.reports: list[FileReport] = []

    @property
    def accepted(self) -> list[FileReport]:
        """The files read so far that are neither known, rejected nor held back."""
        return [report for report in self.reports if report.status == "accepted"]

    def read(self, file: LandedFile) -> FileReport:
        """Reads a file into scratch: its accepted rows by partition, its refused rows."""
        report = self._read(file)
        # conflicts, which the merge finds, do not count
        rejected, delivered = report.rows["quarantined"], report.rows["delivered"]
        rate = self._options.max_reject_rate
        if report.status == "accepted" and rejected > max(FEW_REJECTS, rate * delivered):
            reason = f"{rejected:,} of {delivered:,} rows rejected, more than {rate:.1%}"
            report.hold_back(reason)
        self.reports.append(report)
        return report

    def merge(
        self,
        export: Export,
        reports: Sequence[FileReport],
        take: Callable[[Merge], object],
        held: Mapping[str, Path] = _NO_FILES,
        history: Mapping[str, Path] = _NO_FILES,
        delivery: int = 0,
        changed: Collection[str] = (),
    ) -> None:
        """Merges the files' rows with those held, group by group of partitions that share keys.

        `held`, `history`: what is staged, and what was replaced, by partition; `changed` are
        partitions of which rows were withdrawn. `take` gets each group's merge. Afterwards the
        reports tell duplicate, stale and conflicting rows from accepted ones, and `refused` files
        hold the conflicting ones too.
        """
        arrivals = self.arrivals(reports, changed)
        by_number = {report.file.number: report for report in reports}
        conflicts: list[pa.Table] = []
        groups = _groups(export, arrivals, held)
        done = 0
        with (
            self._options.session(self._scratch) as engine,
            progress.working(f"merging {export.name}", lambda: done / len(groups)),
        ):
            for group in groups:
                files = (_only(arrivals, group), _only(held, group), _only(history, group))
                merge = Merge(engine, export, *files, delivery, changed)
                for outcome in merge.outcomes():
                    by_number[outcome.file].move(outcome)
                conflicts.append(merge.conflicts())
                take(merge)
                done += 1
            if conflicts:
                self._add_conflicts(engine, by_number, pa.concat_tables(conflicts))

    def arrivals(
        self, reports: Sequence[FileReport], months: Collection[str] = ()
    ) -> dict[str, list[Path]]:
        """The files in scratch of the accepted rows, by partition; those `months` among them."""
        return {
            month: [self._arrivals(r, month) for r in reports if month in r.months]
            for month in sorted(set(months).union(*(report.months for report in reports)))
        }

    def refused(self, report: FileReport) -> Path:
        """The file in scratch of a read file's quarantined rows."""
        return self._scratch / "refused" / f"{report.file.number}.parquet"

    @property
    def _readers(self) -> int:
        """How many pieces of a file are read at once; one more waits to be written."""
        affordable = memory_bytes(self._options.memory) // PIECE_BYTES - 1
        return max(1, min(int(pa.cpu_count()), MAX_WORKERS, affordable))

    @property
    def _workbook_bytes(self) -> int:
        """What calamine may take of memory; the rest is for the pieces read meanwhile."""
        return memory_bytes(self._options.memory) * 3 // 4

    def _read(self, file: LandedFile) -> FileReport:
        """Reads a file into scratch; its status is accepted, known, or rejected with a reason."""
        taken = self._sources.of(file.export.name, file.name)
        source = taken.source if taken else None
        report = FileReport(file, container=Container.of(file.path), taken=taken)
        try:
            with opened(file.path, file.room) as handle, _ending_the_file():
                found = survey(handle, Container.of(file.path), source.encoding if source else None)
                container = report.container = found.container
                report.sha256, report.size = found.sha256, found.size
                report.encoding = found.encoding
                if self._is_known(report):
                    report.status = "known"
                    return report
                of = (file.export, file.name, handle, container, found.encoding)
                bytes_ = self._workbook_bytes
                reader = Reader(*of, self.pseudonyms, self._readers, source, memory=bytes_)
                with progress.working(f"reading {file.title}", lambda: reader.share):
                    self._write_batches(report, reader.batches())
                report.header, report.sheet = reader.header, reader.found
                report.blank_lines, report.titles = reader.blank_lines, reader.titles
                report.footers = reader.footers
        except FileRefused as refusal:
            survives = (report.container, report.sha256, report.size, report.encoding)
            return FileReport(file, "rejected", str(refusal), *survives, taken=taken)
        return report

    def _is_known(self, report: FileReport) -> bool:
        assert report.sha256 is not None
        return self._known.has(report.file.export.name, report.sha256) or any(
            other.sha256 == report.sha256 and other.file.export is report.file.export
            for other in self.accepted
        )

    def _write_batches(self, report: FileReport, batches: Iterator[Batch]) -> None:
        """Writes accepted rows to a file for each partition, rejected ones to one of their own.

        Raises FileRefused where the rows are of more than MOST_MONTHS months.
        """
        export = report.file.export
        schema = arrivals_schema(export)
        writers: dict[str, pa.ipc.RecordBatchFileWriter] = {}
        refused = self.refused(report)
        refused.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(refused, QUARANTINE_SCHEMA, compression="zstd") as quarantine:
            try:
                for batch in batches:
                    report.add(batch)
                    if batch.quarantined.num_rows:
                        quarantine.write_table(batch.quarantined)
                    for partition, rows in _by_partition(export, batch.accepted):
                        if partition not in writers:
                            if len(writers) == MOST_MONTHS:
                                raise FileRefused(
                                    f"its rows spread over more than {MOST_MONTHS} months; "
                                    "deliver it in parts"
                                )
                            path = self._arrivals(report, partition)
                            path.parent.mkdir(parents=True, exist_ok=True)
                            writers[partition] = pa.ipc.new_file(str(path), schema)
                        numbers = pa.repeat(pa.scalar(report.file.number, pa.int64()), len(rows))
                        writers[partition].write_table(
                            rows.append_column("source_file", numbers)
                            .select(schema.names)
                            .combine_chunks()
                        )
            finally:
                for writer in writers.values():
                    writer.close()
        report.months = set(writers)

    def _add_conflicts(
        self, engine: Engine, reports: Mapping[int, FileReport], conflicts: pa.Table
    ) -> None:
        """Adds the conflicting rows, read once more, to what their files have in quarantine."""
        for number, report in reports.items():
            own = conflicts.filter(pc.equal(conflicts["source_file"], number))
            if not own.num_rows:
                continue
            wanted = np.sort(own["source_row"].to_numpy())
            refused = self.refused(report)
            conflicting = refused.with_suffix(".conflicts")
            try:
                self._write_conflicts(report, wanted, conflicting)
            except FileRefused as refusal:
                raise RunFailed(
                    f"{report.file.export.name}/{report.file.name}: {refusal}; nothing was "
                    "published, run ingest again"
                ) from refusal
            engine.relation("refused", [refused], QUARANTINE_SCHEMA)
            engine.relation("conflicting", [conflicting], QUARANTINE_SCHEMA)
            merged = refused.with_suffix(".merged")
            engine.write_schema(load_transform("staging/quarantine"), QUARANTINE_SCHEMA, merged)
            merged.replace(refused)

    def _write_conflicts(
        self, report: FileReport, wanted: npt.NDArray[np.int64], target: Path
    ) -> None:
        """Reads a file again for its conflicting rows, with their raw text, into `target`.

        `wanted`: their row numbers in the file, ascending. Raises FileRefused where the file's
        bytes are not those that were read before.
        """
        file = report.file
        with opened(file.path, file.room) as handle:
            source = report.taken.source if report.taken else None
            found = survey(handle, Container.of(file.path), source.encoding if source else None)
            if found.sha256 != report.sha256:
                raise FileRefused("it changed after it was read")
            of = (file.export, file.name, handle, found.container, report.encoding)
            reader = Reader(*of, self.pseudonyms, source=source, memory=self._workbook_bytes)
            with pq.ParquetWriter(target, QUARANTINE_SCHEMA) as writer:
                for rows in reader.conflicting(wanted):
                    writer.write_table(rows)

    def _arrivals(self, report: FileReport, partition: str) -> Path:
        folder = self._scratch / "arrivals" / report.file.export.name / (partition or "whole")
        return folder / f"{report.file.number}.arrow"


@contextmanager
def _ending_the_file() -> Iterator[None]:
    """Whatever is wrong with a file ends that file: an error that nobody foresaw refuses it.

    It is named by its kind and place alone, since its text may hold what the file does. A full
    disk is no fault of the file's.
    """
    try:
        yield
    except (FileRefused, PointbookError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        raise FileRefused(
            f"an error that nobody foresaw: {type(error).__name__} in {where}; report it, and "
            "deliver the file in another form"
        ) from error


def _told(text: str) -> str:
    """A name or value out of a file, fit to be printed and no longer than a line."""
    return shown(text, _CHARACTERS_TOLD)


def _most_frequent(values: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent values, those of one frequency by name."""
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))[:_VALUES_TOLD]


def _allowed(export: Export, column: str) -> list[str]:
    """A column's codes, each with its Korean label; none where it may hold anything."""
    labels = export.metadata(column).get("labels", {})
    return [f"{code} {label}" for code, label in cast("Mapping[str, str]", labels).items()]


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
