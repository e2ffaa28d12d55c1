"""Ingest: from what landed to staged rows and quarantine. One run is one delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from flows.console.errors import HeldBack
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
    check_exports,
    delivered_key,
    landed_files,
    left_out,
    unknown_folders,
)
from flows.deliveries.sources import Sources, kept_source
from flows.publishing.commit import State
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.steps import StepRunner, plainly
from schemas.derive import staged_partition
from schemas.exports import EXPORTS, Export
from schemas.sources import Source
from schemas.tables import relations_of
from transforms.exports.merge import Merge, history_name

_REFUSED: Final = ("rejected", "held_back")
"""What becomes of files of which nothing is taken in."""
_NAMED: Final = 3
"""So many files are named in an error with their reasons."""


def ingest(
    options: Options, exports: Sequence[str] = (), step: StepRunner = plainly
) -> dict[str, Any]:
    """Stages what landed of the exports (of all, if none is named); returns the run's manifest.

    Raises WrongUsage for an unknown export or a missing key for personal data, NotReady for
    another key than the workspace's. Files that are rejected or held back are in the manifest.
    """
    check_exports(exports)
    parameters = {"exports": list(exports), "max_reject_rate": options.max_reject_rate}
    with Run(options, "ingest", parameters) as run:
        delivery = _Delivery(run, options, step)
        files = landed_files(run.workspace.landing, list(exports) or list(EXPORTS))
        delivery.take(files)
        delivery.note_refusals(set(exports or EXPORTS))
        return run.commit(
            {
                "delivery": delivery.number if delivery.intake.accepted else None,
                "files": [report.as_manifest() for report in delivery.intake.reports],
                "strangers": unknown_folders(run.workspace.landing),
                "left_out": left_out(run.workspace.landing, list(exports) or list(EXPORTS)),
            }
        )


class _Delivery:
    """One ingest on its way: takes files in, and hands what changes over for commit."""

    def __init__(self, run: Run, options: Options, step: StepRunner) -> None:
        self._run = run
        self._step = step
        self._staged = State.of(run.workspace)
        registry = run.workspace.staged / REGISTRY
        if self._staged.has(registry):
            self._staged.require_whole([registry])
        self._known = Deliveries.load(run.workspace.staged)
        self._filed: set[Path] = set()
        sources = Sources.load(options.workspace)
        self.intake = Intake(run.scratch, options, self._known, sources=sources)
        self.number = self._known.last + 1

    def take(self, files: Sequence[LandedFile]) -> None:
        """Reads the files, merges what they bring, and adds it all to the publication."""
        self.intake.pseudonyms = key_for(self._known, files)
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
                file_quarantine(self._run, self.intake, report, self._filed)
        for export in EXPORTS.values():
            if self._lacks_relations(export):
                self._step(f"complete {export.name}", partial(self._merge, export, []))
        if self.intake.accepted:
            self._register()

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
                self._run.replace(
                    written.file,
                    self._target(export, written.relation, written.partition),
                    table=written.relation,
                    period=written.partition or None,
                    rows=written.rows,
                )

        held = self._staged.files(export.name)
        history = self._staged.files(history_name(export))
        months = set[str]().union(*(report.months for report in reports))
        if export.month_of not in export.key:  # a row of any month may be replaced
            months.update(held)
        self._staged.require_whole(
            path for files in (held, history) for month, path in files.items() if month in months
        )
        self.intake.merge(export, reports, stage, held, history, self.number)

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
        for report in self.intake.accepted:
            assert report.sha256 is not None
            source = report.taken.source if report.taken else None
            delivered = DeliveredFile(
                export=report.file.export.name,
                name=report.file.name,
                delivery=self.number,
                source=source.name if source else None,
                source_sha256=source.sha256 if source else None,
            )
            files[delivered_key(delivered.export, report.sha256)] = delivered
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
        files = [file for file in before.files if file.export not in exports]
        for report in self.intake.reports:
            if report.status in _REFUSED:
                assert report.reason is not None
                about = {"export": report.file.export.name, "name": report.file.name}
                files.append(RefusedFile(**about, status=report.status, reason=report.reason))
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
    if not report.rows["quarantined"] or report.status not in ("accepted", "held_back"):
        return
    folder = run.workspace.quarantine / report.file.export.name
    target = folder / f"{report.sha256}.parquet"
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
            revision = EXPORTS[file["export"]].revision if file["export"] in EXPORTS else None
            remedy = (
                f"a corrected row needs a higher {revision}"
                if revision
                else "its rows have no revision, so what was delivered first stays"
            )
            parts.append(f"every row of {_titled(file)} is a conflict (key:conflict); {remedy}")
    if parts:
        raise HeldBack("; ".join(parts))


def _titled(file: Mapping[str, Any]) -> str:
    return f"{file['export']}/{file['file']}"
