"""Retention: what is kept longer than the policy's terms, and its removal when asked.

What is removed leaves a tombstone in the commit record and the manifest: path, hash, size, rows
and the term. Personal hashes are taken out of their staged rows, which stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.proofs import access_record
from flows.proofs.history import MANIFEST, History
from flows.publishing.commit import Tombstone, sha256_of
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from schemas.derive import staged_schema
from schemas.exports import EXPORTS, Export
from schemas.periods import months_before
from schemas.policy import RETAINED
from transforms.exports.merge import history_name, history_schema
from transforms.exports.staged_files import coded_rows, write_staged
from transforms.exports.withdrawal import withdrawn_name

_LEFT_ON: Final = "terminated_on"
_POLICIES: Final = "policies/"
_BATCH: Final = 1 << 20

Mask = Callable[[pa.RecordBatch], pa.Array]


@dataclass(frozen=True)
class _Term:
    """How long a subject is kept: what is from before the day is too old."""

    subject: str
    months: int
    before: date


@dataclass(frozen=True)
class _Old:
    """A file that is kept too long, or, with `forget`, some rows' personal hashes in it."""

    path: Path
    since: date
    rows: int | None
    forget: Mask | None = None
    size: int | None = None
    """Of old lines in it; none where it is the whole file."""

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size if self.size is None else self.size


def retain(options: Options, on: date, remove: bool = False) -> dict[str, Any]:
    """Lists what is older than the policy's terms on a day, by subject; removes it if told to."""
    if not remove:
        context = Context.of(options)
        return {"command": "retention"} | _listed(on, _Retention(context, on).found())
    with Run(options, "retention", {"on": on.isoformat()}) as run:
        retention = _Retention(Context.of(options), on)
        found = retention.found()
        content = _listed(on, found) | {"removed": True}
        if not any(found.values()):
            return run.commit(content, dry_run=True)
        content |= {"tombstones": [], "forgotten": []}
        for term, item in ((term, item) for term, old in found.items() for item in old):
            if item.size is not None:
                access_record.forget(term.before)
            elif item.forget is not None:
                content["forgotten"].append(retention.forget(run, item))
            else:
                tombstone = retention.tombstone(term, item)
                run.remove(tombstone)
                content["tombstones"].append(tombstone.model_dump())
        return run.commit(content)


def _listed(on: date, found: Mapping[_Term, list[_Old]]) -> dict[str, Any]:
    """The files and rows by subject, as the manifest shows them."""
    subjects = [
        {
            "subject": term.subject,
            "months": term.months,
            "before": term.before.isoformat(),
            "files": len(old),
            "bytes": sum(item.bytes for item in old),
            "rows": sum(item.rows or 0 for item in old),
            "oldest": min((item.since.isoformat() for item in old), default=None),
        }
        for term, old in found.items()
    ]
    return {"on": on.isoformat(), "removed": False, "subjects": subjects}


class _Retention:
    """What of a workspace is too old on a day."""

    def __init__(self, context: Context, on: date) -> None:
        self._context = context
        self._on = on
        self._root = context.workspace.root
        self._history = History.of(context.workspace)
        rows = context.policies.in_force("retention", on)
        self._months = {str(row["subject"]): cast("int", row["months"]) for row in rows}

    def found(self) -> dict[_Term, list[_Old]]:
        """By term, in the order of the policy's subjects."""
        terms = (_Term(name, self._months[name], self._before(name)) for name in RETAINED)
        return {
            term: sorted(getattr(self, f"_{term.subject}")(term.before), key=lambda old: old.path)
            for term in terms
        }

    def _before(self, subject: str) -> date:
        return months_before(self._on, self._months[subject])

    def tombstone(self, term: _Term, old: _Old) -> Tombstone:
        """What stays of a file that is removed."""
        return Tombstone(
            path=old.path.relative_to(self._root).as_posix(),
            sha256=sha256_of(old.path),
            size=old.path.stat().st_size,
            rows=old.rows,
            subject=term.subject,
            months=term.months,
        )

    def forget(self, run: Run, old: _Old) -> dict[str, Any]:
        """Writes a staged file anew without the personal hashes of its old rows."""
        self._context.state.require_whole([old.path])
        entry = self._context.state.entry(old.path)
        export = next(e for e in EXPORTS.values() if entry.table in _relations(e))
        temporary = run.temporary(old.path)
        if entry.table == export.name:
            rows = _without_hashes(export, old, staged_schema(export))
            write_staged(temporary, export, (coded_rows(export, batch) for batch in rows))
        else:
            schema = history_schema(export)
            with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
                for batch in _without_hashes(export, old, schema):
                    writer.write_batch(batch)
        about = entry.model_dump(include={"table", "period", "rows"})
        run.replace(temporary, old.path, forgotten=export.personal, **about)
        return {"path": entry.path, "rows": old.rows, "columns": export.personal}

    def _quarantine(self, before: date) -> Iterator[_Old]:
        for path, entry in self._context.state.entries.items():
            ended = self._ended(self._history.publishers[path])
            if path.startswith("quarantine/") and ended and ended < before:
                yield _Old(self._root / path, ended, entry.rows)

    def _versions(self, before: date) -> Iterator[_Old]:
        """A version is named after the run that made it."""
        for path in self._history.versions:
            ended = self._ended(path.stem)
            if ended and ended < before:
                yield _Old(path, ended, pq.read_metadata(path).num_rows)

    def _runs(self, before: date) -> Iterator[_Old]:
        """Manifests that prove nothing of what there is: of failed runs, and superseded ones; and
        the policy texts that no manifest names any more.
        """
        gone = dict(self._superseded(before))
        for run_id, since in gone.items():
            yield _Old(self._context.workspace.runs / run_id / MANIFEST, since, None)
        named = {
            manifest.get("policies")
            for run_id, manifest in self._history.manifests.items()
            if run_id not in gone
        }
        for path, run_id in self._history.publishers.items():
            kept = self._context.workspace.root / path
            if path.startswith(_POLICIES) and kept.parent.name not in named:
                # without a manifest the run is older than these are kept
                ended = self._ended(run_id)
                if ended is None or ended < before:
                    yield _Old(kept, ended or before, None)

    def _superseded(self, before: date) -> Iterator[tuple[str, date]]:
        """The runs that prove nothing of what there is and ended before a day, with that day."""
        old = {item.path for item in self._versions(self._before("versions"))}
        needed = {path.stem for path in self._history.versions if path not in old} | {
            run_id
            for path, run_id in self._history.publishers.items()
            if not path.startswith(("runs/", _POLICIES))
        }
        for run_id, manifest in self._history.manifests.items():
            ended = self._ended(run_id)
            delivered = any(file["rows"]["delivered"] for file in manifest.get("files", []))
            kept = run_id in needed or delivered or manifest["command"] == "retention"
            if not kept and ended and ended < before:
                yield run_id, ended

    def _explains(self, before: date) -> Iterator[_Old]:
        """Lines of the record of explains that `POINTBOOK_EXPLAIN_LOG` names."""
        if old := access_record.old_lines(before):
            yield _Old(old.path, old.since, old.rows, size=old.size)

    def _refund_applications(self, before: date) -> Iterator[_Old]:
        export = EXPORTS["refund_applications"]
        for path in self._files(export):
            ended = self._context.state.entry(path).kept_by.last_day
            if ended >= before:
                continue
            held = pq.read_table(path, columns=export.personal, partitioning=None)
            rows = pc.sum(_any_held(held, export.personal)).as_py()
            if rows:
                yield _Old(path, ended, rows, lambda batch: pa.repeat(True, batch.num_rows))

    def _customers(self, before: date) -> Iterator[_Old]:
        """Those who left, and what was replaced of them; what is null already is not counted.

        Their refunds are compared with what is forgotten here, so it goes after these (P6).
        """
        export = EXPORTS["customers"]
        before = min(before, self._before("refund_applications")).replace(day=1)
        gone: dict[str, date] = {}
        for path in self._context.files(export.name).values():
            rows = pq.read_table(path, columns=["customer_id", _LEFT_ON], partitioning=None)
            left = rows.filter(pc.less(rows[_LEFT_ON], before))
            gone |= dict(zip(*(left[name].to_pylist() for name in left.column_names), strict=True))
        names = pa.array(list(gone), pa.string())
        for path in self._files(export):
            columns = ["customer_id", *export.personal]
            rows = pq.read_table(path, columns=columns, partitioning=None)
            held = rows.filter(_any_held(rows, export.personal))
            ids = held.filter(pc.is_in(held["customer_id"], names))["customer_id"].to_pylist()
            if ids:
                since = min(gone[name] for name in ids)
                forget = lambda batch: pc.is_in(batch["customer_id"], names)  # noqa: E731
                yield _Old(path, since, len(ids), forget)

    def _files(self, export: Export) -> list[Path]:
        """The export's staged files and those of its replaced and withdrawn rows."""
        return [path for name in _relations(export) for path in self._context.files(name).values()]

    def _ended(self, run_id: str) -> date | None:
        """The day on which a run ended; none for one that was killed."""
        ended = self._history.manifests.get(run_id, {}).get("finished_at")
        return datetime.fromisoformat(ended).date() if ended else None


def _relations(export: Export) -> list[str]:
    """The staged relations that hold the export's rows: current, replaced and withdrawn ones."""
    return [export.name, history_name(export), withdrawn_name(export)]


def _any_held(rows: pa.Table, columns: Iterable[str]) -> pa.Array:
    return reduce(pc.or_, (pc.is_valid(rows[name]) for name in columns))


def _without_hashes(export: Export, old: _Old, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The file's rows in their order, the personal columns of old ones null."""
    assert old.forget is not None
    with pq.ParquetFile(old.path) as file:
        for batch in file.iter_batches(_BATCH):
            mask = old.forget(batch)
            columns = [
                pc.if_else(mask, pa.scalar(None, field.type), batch[field.name])
                if field.name in export.personal
                else batch[field.name]
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)
