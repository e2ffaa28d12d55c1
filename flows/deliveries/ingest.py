"""Ingest: from what landed to staged rows and quarantine. One run is one delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from flows.console.errors import HeldBack, RunFailed
from flows.deliveries.intake import FileReport, Intake
from flows.deliveries.key import key_for
from flows.deliveries.landing import (
    REFUSALS,
    REGISTRY,
    DeliveredFile,
    Deliveries,
    LandedFile,
    Refusals,
    RefusedFile,
    anew,
    check_exports,
    delivered_key,
    landed_files,
    left_out,
    named_files,
    unknown_folders,
)
from flows.deliveries.sources import Sources, kept_source, read_source
from flows.publishing.commit import State
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.steps import StepRunner, plainly
from schemas.derive import staged_partition
from schemas.exports import EXPORTS, Export
from schemas.sources import Source
from schemas.tables import relations_of
from transforms.exports.merge import Merge, StagedFile, Target, history_name
from transforms.exports.withdrawal import Withdrawal, Withdrawals, withdrawn_name

_REFUSED: Final = ("rejected", "held_back")
"""What becomes of files of which nothing is taken in."""
_NAMED: Final = 3
"""So many files are named in an error with their reasons."""


def ingest(
    options: Options,
    exports: Sequence[str] = (),
    step: StepRunner = plainly,
    again: Sequence[str] = (),
) -> dict[str, Any]:
    """Stages what landed of the exports (of all, if none is named); returns the run's manifest.

    `again`: paths of files in landing that are read anew, and nothing else: what their earlier
    readings brought is withdrawn, but for what they bring just so again.

    Raises WrongUsage for an unknown export or a missing key for personal data, NotReady for
    another key than the workspace's. Files that are rejected or held back are in the manifest.
    """
    check_exports(exports)
    parameters: dict[str, Any] = {"exports": list(exports)}
    parameters |= {"again": list(again)} if again else {}
    parameters["max_reject_rate"] = options.max_reject_rate
    with Run(options, "ingest", parameters) as run:
        landing = run.workspace.landing
        if again:
            files = named_files(landing, again)
        else:
            files = landed_files(landing, list(exports) or list(EXPORTS))
        delivery = _Delivery(run, options, step, files if again else ())
        delivery.take(files)
        delivery.note_refusals(set() if again else set(exports or EXPORTS))
        return run.commit(
            {
                "delivery": delivery.number if delivery.delivered else None,
                "files": [report.as_manifest() for report in delivery.intake.reports],
                "strangers": unknown_folders(run.workspace.landing),
                "left_out": left_out(run.workspace.landing, list(exports) or list(EXPORTS)),
            }
        )


class _Delivery:
    """One ingest on its way: takes files in, and hands what changes over for commit."""

    def __init__(
        self, run: Run, options: Options, step: StepRunner, again: Sequence[LandedFile] = ()
    ) -> None:
        """`again`: the files that are read anew."""
        self._run = run
        self._options = options
        self._step = step
        self._staged = State.of(run.workspace)
        registry = run.workspace.staged / REGISTRY
        if self._staged.has(registry):
            self._staged.require_whole([registry])
        self._known = Deliveries.load(run.workspace.staged)
        self._filed: set[Path] = set()
        sources = Sources.load(options.workspace)
        self._unread, self._before = anew(self._known, again)
        self.intake = Intake(run.scratch, options, self._unread, sources=sources)
        self.number = self._known.last + 1

    def take(self, files: Sequence[LandedFile]) -> None:
        """Reads the files, merges what they bring, and adds it all to the publication."""
        self.intake.pseudonyms = key_for(self._unread, files)
        for export in {file.export.name: file.export for file in files}.values():
            reports = [
                self._step(f"read {file.title}", partial(self.intake.read, file))
                for file in files
                if file.export is export
            ]
            accepted = [report for report in reports if report.status == "accepted"]
            if accepted:
                self._step(f"merge {export.name}", partial(self._merge, export, accepted))
            for report in reports:
                report.again = self._read_before(report)
                file_quarantine(self._run, self.intake, report, self._filed)
        for export in EXPORTS.values():
            if self._lacks_relations(export):
                self._step(f"complete {export.name}", partial(self._merge, export, []))
        if self.delivered:
            self._register()

    @property
    def delivered(self) -> list[FileReport]:
        """The files that count as delivered: of which a row was taken in, or none was a conflict.

        What holds conflicts alone is looked at again next time, as what is held back is: what it
        stood against may be gone by then.
        """
        return [each for each in self.intake.accepted if each.again or not each.conflicts_only]

    def _merge(self, export: Export, reports: Sequence[FileReport]) -> None:
        """Merges the files' rows; what changes is taken into the run's commit.

        Without files: what is kept of the rows that are staged.
        """

        def temporary(relation: str, partition: str) -> Path:
            return self._run.temporary(self._target(export, relation, partition))

        def stage(merge: Merge) -> None:
            """Writes what a merge changes, or what is kept of the rows where none came."""
            changed = (
                written
                for partition in merge.changed_partitions()
                for written in merge.write(partition, temporary)
            )
            for written in changed if reports else merge.renew_relations(temporary):
                self._take_over(export, written)

        held = dict(self._staged.files(export.name))
        history = dict(self._staged.files(history_name(export)))
        months = set[str]().union(*(report.months for report in reports))
        if export.month_of not in export.key:  # a row of any month may be replaced
            months.update(held)
        self._staged.require_whole(
            path for files in (held, history) for month, path in files.items() if month in months
        )
        withdrawals = self._withdraw(export, reports, held, history, temporary)
        changed = [each.partition for each in withdrawals]
        self.intake.merge(export, reports, stage, held, history, self.number, changed)

    def _take_over(self, export: Export, written: StagedFile) -> None:
        """Takes a file that becomes a staged relation's into the run's commit."""
        self._run.replace(
            written.file,
            self._target(export, written.relation, written.partition),
            table=written.relation,
            period=written.partition or None,
            rows=written.rows,
        )

    def _withdraw(
        self,
        export: Export,
        reports: Sequence[FileReport],
        held: dict[str, Path],
        history: dict[str, Path],
        temporary: Target,
    ) -> list[Withdrawal]:
        """Takes what earlier readings of the files brought out of `held` and `history`.

        What that was is told by reading the files once more as they were read then.
        """
        read_before = [report for report in reports if self._read_before(report)]
        if not read_before:
            return []
        earlier: dict[str, list[Path]] = {}
        deliveries: dict[int, list[int]] = {}
        for report in read_before:
            known = self._before[self._key(report)]
            deliveries[report.file.number] = [*known.before, known.delivery]
            read = partial(self._as_before, report.file, known)
            for month, files in self._step(f"read {report.file.title} as before", read).items():
                earlier.setdefault(month, []).extend(files)
        gone = self._staged.files(withdrawn_name(export))
        self._staged.require_whole(
            files[month] for files in (held, history, gone) for month in earlier if month in files
        )
        found = []
        with self._run.engine() as engine:
            arrivals = self.intake.arrivals(reports)
            scratch = self._run.scratch / "withdrawn"
            of = (engine, export, earlier, arrivals, deliveries, self.number, scratch)
            withdrawals = Withdrawals(*of)
            for month in sorted(earlier):
                staged = (held.get(month), history.get(month), gone.get(month))
                if (withdrawal := withdrawals.of(month, *staged, temporary)) is None:
                    continue
                found.append(withdrawal)
                self._take_over(export, withdrawal.written)
                for of_month, left in ((held, withdrawal.held), (history, withdrawal.history)):
                    if left is not None:
                        of_month[month] = left
        return found

    def _as_before(self, file: LandedFile, known: DeliveredFile) -> dict[str, list[Path]]:
        """What the file's last reading accepted, by partition: it is read so once more.

        Raises RunFailed where it is no longer read so.
        """
        sources = Sources()
        if known.source is not None and known.source_sha256 is not None:
            folder = kept_source(self._run.workspace.staged, known.source_sha256)
            source, errors = read_source(folder / f"{known.source}.yaml")
            if source is None:
                raise RunFailed(
                    f"{file.title}: what it brought can't be withdrawn, since the source that it "
                    f"was read by is no longer read: {errors[0]}; nothing was published"
                )
            sources = Sources([replace(source, files=("*",))])
        scratch = self._run.scratch / "earlier"
        intake = Intake(scratch, self._options, Deliveries(), self.intake.pseudonyms, sources)
        report = intake.read(file)
        if report.status == "rejected":
            raise RunFailed(
                f"{file.title}: what it brought can't be withdrawn, since it is no longer read as "
                f"it was then: {report.reason}; nothing was published"
            )
        return intake.arrivals([report])

    def _read_before(self, report: FileReport) -> bool:
        """Whether the file was delivered before, and is read anew."""
        return self._key(report) in self._before

    @staticmethod
    def _key(report: FileReport) -> str:
        return delivered_key(report.file.export.name, report.sha256 or "")

    def _lacks_relations(self, export: Export) -> bool:
        """Whether its rows were staged by a version that kept less of them, and not now."""
        lacking = any(not self._staged.files(table.name) for table in relations_of(export))
        merged = any(report.file.export is export for report in self.intake.accepted)
        return bool(self._staged.files(export.name)) and lacking and not merged

    def _target(self, export: Export, relation: str, partition: str) -> Path:
        folder = self._run.workspace.staged / relation
        column = staged_partition(export)
        if column is not None:
            folder /= f"{column[0]}={partition}"
        return folder / "part-0.parquet"

    def _register(self) -> None:
        """Takes the registry of delivered files, with those accepted now, into the commit."""
        files = dict(self._known.files)
        for report in self.delivered:
            assert report.sha256 is not None
            source = report.taken.source if report.taken else None
            delivered = DeliveredFile(
                export=report.file.export.name,
                name=report.file.name,
                delivery=self.number,
                source=source.name if source else None,
                source_sha256=source.sha256 if source else None,
            )
            if (known := self._before.get(self._key(report))) is not None:
                delivered.before = [*known.before, known.delivery]
            files[self._key(report)] = delivered
            if source is not None:
                self._keep_texts(source)
        pseudonyms = self.intake.pseudonyms
        key_id = pseudonyms.key_id if pseudonyms else self._known.key_id
        registry = Deliveries(last=self.number, key_id=key_id, files=files)
        self._write(registry, self._run.workspace.staged / REGISTRY)

    def _keep_texts(self, source: Source) -> None:
        """Keeps the text of a source, and of its code files, by their digest."""
        for name, text in source.texts.items():
            target = kept_source(self._run.workspace.staged, source.sha256) / name
            if target in self._filed or self._staged.has(target):
                continue
            self._filed.add(target)
            temporary = self._run.temporary(target)
            temporary.write_bytes(text)
            self._run.replace(temporary, target)

    def note_refusals(self, exports: Collection[str]) -> None:
        """Takes what was refused into the commit, where that changes what `status` names.

        `exports`: those whose files were looked at, of which nothing else is refused any more.
        """
        before = Refusals.load(self._run.workspace.quarantine)
        looked_at = {(r.file.export.name, r.file.name) for r in self.intake.reports}
        files = [
            file
            for file in before.files
            if file.export not in exports and (file.export, file.name) not in looked_at
        ]
        for report in self.intake.reports:
            about = {"export": report.file.export.name, "name": report.file.name}
            if report.status in _REFUSED:
                assert report.reason is not None
                files.append(RefusedFile(**about, status=report.status, reason=report.reason))
            elif report.conflicts_only:
                reason = f"every row {_of_conflicts(report.file.export)}"
                files.append(RefusedFile(**about, status="conflicts", reason=reason))
        refusals = Refusals(files=files)
        if refusals != before:
            self._write(refusals, self._run.workspace.quarantine / REFUSALS)

    def _write(self, content: BaseModel, target: Path) -> None:
        temporary = self._run.temporary(target)
        temporary.write_text(content.model_dump_json(indent=1), encoding="utf-8")
        self._run.replace(temporary, target)


def file_quarantine(run: Run, intake: Intake, report: FileReport, filed: set[Path]) -> None:
    """Publishes what a file has in quarantine, under the hash of its bytes.

    `filed` holds what the run has filed so far: the same bytes may have landed twice.
    """
    if report.status not in ("accepted", "held_back"):
        return
    folder = run.workspace.quarantine / report.file.export.name
    target = folder / f"{report.sha256}.parquet"
    if not report.rows["quarantined"] and not (report.again and target.exists()):
        return
    if target in filed:
        return
    filed.add(target)
    temporary = run.temporary(target)
    intake.refused(report).replace(temporary)
    run.replace(temporary, target, table="quarantine", rows=report.rows["quarantined"])


def held_back(manifest: Mapping[str, Any]) -> list[str]:
    """The files that an ingest held back, as export/file."""
    return [_titled(file) for file in manifest["files"] if file["status"] == "held_back"]


def raise_if_held_back(manifest: Mapping[str, Any]) -> None:
    """Raises HeldBack naming the files of which an ingest took in nothing, with what mends them.

    Those are the files held back, those rejected whole, and those in which each row is a conflict.
    """
    parts = []
    if files := held_back(manifest):
        parts.append(
            f"held back for too many rejected rows: {', '.join(files)}; read their rows in "
            "quarantine, then deliver them mended or raise --max-reject-rate"
        )
    rejected = [file for file in manifest["files"] if file["status"] == "rejected"]
    if rejected:
        named = [f"{_titled(file)}: {file['reason']}" for file in rejected[:_NAMED]]
        more = f"; {len(rejected) - _NAMED} more" if len(rejected) > _NAMED else ""
        parts.append(
            f"rejected whole: {'; '.join(named)}{more}; deliver them mended, or take them out of "
            "landing"
        )
    for file in manifest["files"]:
        if file["conflicts_only"]:
            what = _of_conflicts(EXPORTS[file["export"]])
            parts.append(f"every row of {_titled(file)} {what}")
    if parts:
        raise HeldBack("; ".join(parts))


def _of_conflicts(export: Export) -> str:
    """What every row of a file of conflicts alone is, and what would mend it."""
    remedy = (
        f"a corrected row needs a higher {export.revision}"
        if export.revision
        else "its rows have no revision, so what was delivered first stays"
    )
    return f"is a conflict (key:conflict); {remedy}"


def _titled(file: Mapping[str, Any]) -> str:
    return f"{file['export']}/{file['file']}"
