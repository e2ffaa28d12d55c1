"""Check: what ingest would make of files before anyone delivers them. Nothing is staged or kept."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.console.environment import temporary_folder
from flows.console.errors import HeldBack, WrongUsage
from flows.console.terminal import shown
from flows.deliveries.intake import FileReport, Intake
from flows.deliveries.landing import Deliveries, LandedFile, check_exports, within
from flows.deliveries.sources import Sources
from flows.publishing.options import Options
from schemas.derive import normalised_header
from schemas.exports import EXPORTS, Export
from transforms.exports.containers import Container, FileRefused, opened, survey
from transforms.exports.header import Header
from transforms.exports.personal import Pseudonyms
from transforms.exports.reading import likely_exports

EXAMPLES: Final = 3
"""How many rows are shown of each reason."""
_SHOWN_CHARACTERS: Final = 160
_ROWS_AT_ONCE: Final = 4096


def check_files(
    options: Options, paths: Sequence[Path], export: str | None = None
) -> dict[str, Any]:
    """What ingest would say of the files if they were one first delivery, all of them together.

    Of folders it is the files in them. `export` names the export of all; else a file's folder
    tells, else the source of the workspace that fits its name, else its header. Raises WrongUsage
    for an unknown export, for files that don't exist and for sources that can't be used; what else
    is wrong with a file is in the answer.
    """
    check_exports([export] if export else [])
    missing = [shown(str(path)) for path in paths if not os.path.exists(path)]
    if missing:
        raise WrongUsage(f"no such file: {', '.join(missing)}; check the name")
    if not paths:
        raise WrongUsage("--check looks at files; name at least one")
    sources = Sources.load(options.workspace)
    with temporary_folder() as scratch:
        # nothing personal outlives the check, so any key will do
        anyones = Pseudonyms(secrets.token_hex())
        intake = Intake(scratch, options, Deliveries(), anyones, sources)
        found = [each for path in paths for each in _files(path)]
        checked = [
            _read(intake, sources, number, path, given, export)
            for number, (path, given, is_delivery) in enumerate(found)
            if is_delivery
        ]
        for known in EXPORTS.values():
            own = [report for report in intake.accepted if report.file.export is known]
            if own:
                intake.merge(known, own, lambda merge: None)
        return {
            "command": "check",
            "max_reject_rate": options.max_reject_rate,
            "files": [_told(file, intake) for file in checked],
            "left_out": [shown(str(path)) for path, _, is_delivery in found if not is_delivery],
        }


def raise_if_refused(found: Mapping[str, Any]) -> None:
    """Raises HeldBack where ingest would reject a file whole or hold it back."""
    files = found["files"]
    rejected = [f"{f['file']}: {f['reason']}" for f in files if f["status"] == "rejected"]
    if rejected:
        raise HeldBack(f"would be rejected whole: {'; '.join(rejected)}")
    if held := [file["file"] for file in files if file["status"] == "held_back"]:
        raise HeldBack(
            f"would be held back for too many rejected rows: {', '.join(held)}; have them mended, "
            "or raise --max-reject-rate"
        )


@dataclass(frozen=True)
class _Checked:
    """A file with what told its export (option, folder or header); without a report, why not."""

    path: Path
    told_by: str | None = None
    report: FileReport | None = None
    refusal: str | None = None


def _files(path: Path) -> Iterator[tuple[Path, Path, bool]]:
    """A file, or those in a folder: each with the path that was given, and whether a delivery.

    A folder without files stands for itself.
    """
    if path.is_dir() and any(path.iterdir()):
        yield from ((file, path, is_delivery) for file, is_delivery in within(path))
    else:
        yield path, path, True


def _read(
    intake: Intake, sources: Sources, number: int, path: Path, given: Path, export: str | None
) -> _Checked:
    """Reads a file, which is the path that was `given`, or lies in it."""
    room = Path(os.path.realpath(path)).parent if path == given else given
    try:
        chosen, told_by = _export_of(path, given, room, export, sources)
    except FileRefused as refusal:
        return _Checked(path, refusal=str(refusal))
    return _Checked(path, told_by, intake.read(LandedFile(number, chosen, path, room)))


def _export_of(
    path: Path, given: Path, room: Path, export: str | None, sources: Sources
) -> tuple[Export, str]:
    """The export that a file is to be, and what told it: `option`, `folder`, `source`, `header`.

    The folder is the nearest of an export's name, up to that in which the path `given` lies.
    `room`: the folder that a link may not lead out of. Raises FileRefused where sources of several
    exports fit the file's name, or the header suits no export, or more than one.
    """
    if export:
        return EXPORTS[export], "option"
    folders = path.absolute().parents
    for folder in folders[: len(folders) - len(given.absolute().parents) + 1]:
        if folder.name in EXPORTS:
            return EXPORTS[folder.name], "folder"
    named = sources.exports_of(path.name)
    if len(named) > 1:
        names = " and ".join(named)
        raise FileRefused(f"sources of {names} fit its name; say with --export which it is to be")
    if named:
        return EXPORTS[named[0]], "source"
    with opened(path, room) as file:
        found = survey(file, Container.of(path))
        likely = likely_exports(file, found.container, found.encoding)
    if not likely:
        raise FileRefused("its header suits no export; say with --export which it is to be")
    if len(likely) > 1:
        names = " and ".join(each.name for each in likely)
        raise FileRefused(f"its header suits {names} alike; say which with --export")
    return likely[0], "header"


def _told(checked: _Checked, intake: Intake) -> dict[str, Any]:
    """What is known of a file, as the manifest of a check shows it."""
    report = checked.report
    if report is None:
        told: dict[str, Any] = {"export": None, "status": "rejected", "reason": checked.refusal}
        told |= {"container": None, "compression": None}
    else:
        told = report.as_manifest() | {"export_told_by": checked.told_by}
    told["file"] = shown(str(checked.path))
    if told["reason"] is not None:
        told["reason"] = shown(told["reason"])
    if report is not None and report.header is not None:
        told |= _columns(report.file.export, report.header)
        told["reasons"] = rejected_rows(report.reasons, intake.refused(report))
        rows = report.rows
        told["rejected_share"] = round(rows["quarantined"] / max(1, rows["delivered"]), 4)
    return told


def _columns(export: Export, header: Header) -> dict[str, Any]:
    """Which of the export's columns a header has, in which language, and what else it has."""
    korean = [
        normalised_header(header.names[index]) != normalised_header(name)
        for name, index in header.columns.items()
        if name in export.columns
    ]
    language = "Korean" if all(korean) else "mixed" if any(korean) else "English"
    if len(korean) < len(header.columns):
        language = "a source's"
    return {
        "header_language": language,
        "columns": {
            "found": [name for name in export.columns if name in header.parts],
            "missing_optional": [name for name in export.columns if name not in header.parts],
            "extra": [shown(name, _SHOWN_CHARACTERS) for name in header.extra],
        },
    }


def rejected_rows(counts: Counter[str], refused: Path) -> list[dict[str, Any]]:
    """The reasons of a file's rejected rows, the most frequent first, each with examples."""
    examples: dict[str, list[dict[str, Any]]] = {reason: [] for reason in counts}
    with pq.ParquetFile(refused) as parquet:
        for batch in parquet.iter_batches(_ROWS_AT_ONCE, columns=["line", "raw_text", "reasons"]):
            lists = batch.column("reasons")
            names, rows = lists.flatten(), pc.list_parent_indices(lists)
            for reason, found in examples.items():
                first = rows.filter(pc.equal(names, reason))[: EXAMPLES - len(found)]
                found += [
                    {"line": row["line"], "raw_text": shown(row["raw_text"], _SHOWN_CHARACTERS)}
                    for row in batch.select(["line", "raw_text"]).take(first).to_pylist()
                ]
            if all(len(examples[reason]) == min(EXAMPLES, n) for reason, n in counts.items()):
                break
    return [
        {"reason": reason, "rows": count, "examples": examples[reason]}
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
