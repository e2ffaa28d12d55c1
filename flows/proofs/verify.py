"""Verify: proves that what is published is whole, and follows from what was delivered (Q2, Q3).

Everything is read, nothing is changed. The checks go from the outside in: each relies on those
before it, and the first thing that is wrong ends the proof.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.commands.template import CODE, code_of
from flows.console import progress
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, ProofFailed, WrongUsage
from flows.deliveries.landing import Deliveries, delivered_key
from flows.proofs.history import History
from flows.proofs.prover import Prover, publisher, reads_exports, remedy, table_of
from flows.proofs.rollback import Rollback
from flows.publishing.catalog import check_catalog
from flows.publishing.commit import BACKUP, Entry, sha256_of
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.workspace import Workspace
from flows.publishing.write_audit import breach_of, claims_of, name_table
from schemas.derive import staged_schema, stored_schema
from schemas.exports import EXPORTS, Export
from schemas.tables import PUBLISHED, STAGED_RELATIONS, Table
from transforms.engine.engine import Engine, Transform
from transforms.engine.errors import QueryError
from transforms.exports.merge import history_name, history_schema
from transforms.exports.reading import QUARANTINE_SCHEMA
from transforms.exports.table_rows import faults
from transforms.exports.withdrawal import withdrawn_name

_QUARANTINE: Final = "quarantine"
_SHEET: Final = "sheet"
_QUARANTINE_BEFORE_SHEETS: Final = QUARANTINE_SCHEMA.remove(
    QUARANTINE_SCHEMA.get_field_index(_SHEET)
)
"""Of files that were filed before workbooks were read."""
_FILED: Final = ("accepted", "held_back")
"""What becomes of files whose refused rows go to quarantine."""


def verify(options: Options, table: str | None = None) -> dict[str, Any]:
    """Checks everything published, or one table or export; `wrong` says what is, if anything.

    Holds the workspace meanwhile, so that nothing changes under it. Raises WrongUsage for an
    unknown table, NotReady where there is no workspace.
    """
    if table is not None and table not in {**PUBLISHED, **EXPORTS}:
        raise WrongUsage(
            f"no table is called {table!r}; the tables are {', '.join(PUBLISHED)}, and the exports "
            f"{', '.join(EXPORTS)}"
        )
    workspace = options.place
    if not workspace.root.is_dir():
        raise NotReady(f"{workspace.root} is no workspace yet; run `pointbook ingest` first")
    found: dict[str, Any] = {
        "command": "verify",
        "workspace": str(workspace.root),
        "table": table,
        "checks": [],
        "stale": {},
        "wrong": None,
    }
    with workspace.look("verify") as scratch:
        try:
            with options.start_engine(scratch) as engine:
                verification = _Verification(options, engine, table, found)
                for name, check in verification.checks():
                    with progress.working(f"verifying {name}", lambda: verification.done):
                        found["checks"].append({"check": name} | check())
        except ProofFailed as failure:
            found["wrong"] = str(failure)
        except QueryError as error:
            whole = "restore what it names from a backup"
            advice = whole if table is None else "run `pointbook verify` to find what is damaged"
            found["wrong"] = f"{error}; {advice}"
    return found


Check = Callable[[], dict[str, int]]
DeliveredFile = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A delivery's manifest, and what it says of one of its files."""


class _Verification:
    """The checks, in their order, each of which returns what it counted."""

    def __init__(
        self, options: Options, engine: Engine, table: str | None, found: dict[str, Any]
    ) -> None:
        self._options = options
        self._engine = engine
        self._table = table
        self._found = found
        self._workspace = options.place
        self._prover: Prover | None = None

    @property
    def done(self) -> float:
        """The share of the running check that is done, below 0 where it is not known."""
        return self._prover.done or -1.0 if self._prover else -1.0

    def checks(self) -> Iterator[tuple[str, Check]]:
        """Their names and what does them; each may rely on those before it."""
        yield "commits", self._commits
        yield "hashes", self._hashes
        yield "schemas", self._schemas
        yield "keys and rows", self._rows
        yield "control totals", self._totals
        yield "conservation", self._conservation
        yield "lineage", self._lineage
        yield "earlier states", self._earlier_states
        if self._table is None:
            yield "catalog", self._catalog

    def _commits(self) -> dict[str, int]:
        """Records, run numbers and manifests agree, and with the files that are there."""
        self._history = history = History.of(self._workspace)
        history.check_numbers()
        history.check_outputs()
        self._context = Context.of(self._options)
        self._prover = Prover(self._engine, self._context)
        entries = self._context.state.entries
        self._entries = {path: e for path, e in entries.items() if self._is_wanted(e)}
        for path, entry in self._entries.items():
            if not (self._root / path).is_file():
                raise ProofFailed(
                    f"{self._root / path}: missing, though commit "
                    f"{history.publishers[path]} names it; {remedy(entry)}"
                )
        for unnamed in history.unnamed_files():
            raise ProofFailed(f"{unnamed}: no commit names this file; remove it")
        return {"commits": len(history.records), "files": len(self._entries)}

    def _hashes(self) -> dict[str, int]:
        """Every file has the size and the bytes that its commit names."""
        paths = [self._root / path for path in self._entries]
        with ThreadPoolExecutor(self._options.threads or os.cpu_count()) as pool:
            hashes = pool.map(sha256_of, paths)
            for path, entry, sha256 in zip(paths, self._entries.values(), hashes, strict=True):
                if sha256 != entry.sha256:
                    pool.shutdown(wait=False, cancel_futures=True)
                    what = "size" if path.stat().st_size != entry.size else "sha256"
                    run_id = self._history.publishers[entry.path]
                    raise ProofFailed(
                        f"{path}: {what} differs from commit {run_id}; {remedy(entry)}"
                    )
        if self._table is None:
            self._history.check_versions()
        return {"files": len(paths), "bytes": sum(e.size for e in self._entries.values())}

    def _schemas(self) -> dict[str, int]:
        """Every Parquet file has the declared columns, in order, with their meaning.

        One that older code published is only stale, whatever is declared by now.
        """
        entries = {p: entry for p, entry in self._entries.items() if p.endswith(".parquet")}
        for path, entry in entries.items():
            metadata = pq.read_metadata(self._root / path)
            expected = None if self._is_of_older_code(entry) else _declared_schema(entry)
            if entry.table == _QUARANTINE and _SHEET not in metadata.schema.names:
                expected = _QUARANTINE_BEFORE_SHEETS
            what = expected and _difference(metadata, expected)
            if entry.rows is not None and metadata.num_rows != entry.rows:
                what = f"it has {metadata.num_rows:,} rows, its commit says {entry.rows:,}"
            if what:
                raise ProofFailed(f"{self._root / path}: {what}; {remedy(entry)}")
        return {"files": len(entries)}

    def _rows(self) -> dict[str, int]:
        """Rows keep their table's checks and order, and keys are unique."""
        rows = 0
        for table in {**PUBLISHED, **STAGED_RELATIONS}.values():
            files = {
                period: path
                for period, path in self._files(table.name).items()
                if not self._is_of_older_code(self._context.state.entry(path))
            }
            for fault in faults(table, files):
                entry = self._context.state.entry(fault.path)
                raise ProofFailed(f"{fault.path}: {fault.what}; {remedy(entry)}")
            if files and set(table.order) != set(table.key):
                self._check_keys(table, files)
            rows += sum(self._context.state.entry(path).rows or 0 for path in files.values())
        return {"rows": rows}

    def _check_keys(self, table: Table, files: Mapping[str, Path]) -> None:
        """The order of rows says nothing of a key that whom they are about is no part of."""
        repeated = self._engine.repeated_key(table, list(files.values()))
        if repeated is not None:
            path = files[str(repeated.pop(table.partition))]
            entry = self._context.state.entry(path)
            key = ", ".join(f"{name}={value}" for name, value in repeated.items())
            raise ProofFailed(f"{path}: two rows have the key {key}; {remedy(entry)}")

    def _totals(self) -> dict[str, int]:
        """What was delivered is staged, replaced, or in quarantine, row for row."""
        deliveries = [
            manifest
            for manifest in self._history.manifests.values()
            if manifest.get("status") == "done" and "files" in manifest
        ]
        files = [(manifest, file) for manifest in deliveries for file in manifest["files"]]
        for manifest, file in files:
            _check_ties(self._workspace, manifest, file)
        self._check_registry(files)
        self._check_quarantine(files)
        for export in EXPORTS.values():
            if self._table in (None, export.name):
                self._check_staged(export, files)
        return {"deliveries": len(deliveries), "files": len(files)}

    def _conservation(self) -> dict[str, int]:
        """What opens, moves and closes adds up, per customer and in total, across periods."""
        for month in self._files("billing_totals"):
            self._check_billing_totals(month)
        assert self._prover is not None
        self._found["stale"] = self._prover.stale()
        return {"claims": self._prove(lambda claim: not reads_exports(claim))}

    def _lineage(self) -> dict[str, int]:
        """What was published was made from committed files, and answers what was delivered."""
        published = {path: e for path, e in self._entries.items() if e.table in PUBLISHED}
        inputs = self._history.check_inputs(published)
        return {"inputs": inputs, "claims": self._prove(reads_exports)}

    def _earlier_states(self) -> dict[str, int]:
        """Of each table the newest version that is kept comes of what is published since, with the
        restatements rolled back, byte for byte; by them come back those that are not kept (Q4).
        """
        proven = 0
        records = self._history.records
        newest = {
            path.relative_to(self._workspace.versions).parts[0]: path
            for path in sorted(self._history.versions, key=lambda path: path.name)
        }
        for table, version in sorted(newest.items()):
            if not self._is_of_table(table):
                continue
            commits = 1 + next(
                place for place, record in enumerate(records) if record.run_id == version.stem
            )
            with ExitStack() as opened:
                scratch = opened.enter_context(temporary_folder())
                of = (self._options, records, commits, 0, scratch, opened)
                proven += Rollback(*of, from_versions=False).proves(version)
        return {"tables": proven}

    def _catalog(self) -> dict[str, int]:
        """Views, dictionary and data package show what is committed, if anything is published.

        After a change of code they may be of the older one until something is published again.
        """
        published = [entry for entry in self._entries.values() if entry.table in PUBLISHED]
        if not published or any(map(self._is_of_older_code, published)):
            return {"catalog files": 0}
        return {"catalog files": check_catalog(self._workspace)}

    def _prove(self, wanted: Callable[[Transform], bool]) -> int:
        """Proves the wanted claims of what is looked at; returns how many hold."""
        assert self._prover is not None
        return self._prover.prove(lambda of: self._is_of_table(table_of(of)) and wanted(of))

    def _require(self, relation: str, where: Path) -> None:
        """Raises ProofFailed where a claim in `proof` about the relation does not hold."""
        for claim in claims_of([relation], "proof"):
            if breach := breach_of(self._engine, claim):
                raise ProofFailed(f"{where}: {breach}; {BACKUP}")

    def _check_registry(self, files: Sequence[DeliveredFile]) -> None:
        """Raises ProofFailed where the registry doesn't know a file that was accepted, or more."""
        path = self._workspace.staged / "deliveries.json"
        accepted = {
            delivered_key(file["export"], file["sha256"]): manifest["delivery"]
            for manifest, file in files
            if file["status"] == "accepted" and "delivery" in manifest
        }
        known = Deliveries.load(self._workspace.staged).files
        for key in sorted(accepted.keys() | known.keys()):
            if key not in known or accepted.get(key) != known[key].delivery:
                raise ProofFailed(
                    f"{path}: {key[:40]}… is not of the delivery that the manifests say; {BACKUP}"
                )

    def _check_quarantine(self, files: Sequence[DeliveredFile]) -> None:
        """Raises ProofFailed where quarantine doesn't hold the rows that a manifest says."""
        filed = {
            f"quarantine/{file['export']}/{file['sha256']}.parquet": file
            for _, file in files
            if file["status"] in _FILED
        }
        entries = self._context.state.entries
        for path, file in filed.items():
            if path in self._history.removed:
                continue
            rows = entries[path].rows if path in entries else 0
            if rows != file["rows"]["quarantined"]:
                raise ProofFailed(
                    f"{self._root / path}: {rows:,} rows, where the manifest of {file['file']} "
                    f"says {file['rows']['quarantined']:,}; {BACKUP}"
                )

    def _check_staged(self, export: Export, delivered: Sequence[DeliveredFile]) -> None:
        """Raises ProofFailed where an export's rows are not what its deliveries brought."""
        self._engine.table("delivered_rows", _delivered(export, delivered))
        for relation, name, schema in (
            ("current_rows", export.name, staged_schema(export)),
            ("replaced_rows", history_name(export), history_schema(export)),
        ):
            files = list(self._context.files(name).values())
            if name == history_name(export):
                files += self._context.files(withdrawn_name(export)).values()
            self._engine.records(relation, export, files, schema)
        self._require("current_rows", self._workspace.staged / export.name)

    def _check_billing_totals(self, month: str) -> None:
        path = self._context.files("billing_totals")[month]
        name_table(self._engine, STAGED_RELATIONS["billing_totals"], [path], self._context.state)
        bills = [self._context.files("billing")[month]]
        self._engine.relation("billing", bills, staged_schema(EXPORTS["billing"]))
        self._require("billing_totals", path)

    def _is_of_older_code(self, entry: Entry) -> bool:
        """Whether a published file is not what today's code would make: it is stale, not wrong.

        The recorded inputs of a period name its code. Where they don't, as in an opening, a file is
        of older code if columns were added to its table since.
        """
        table = PUBLISHED.get(entry.table or "")
        if table is None:
            return False
        by = publisher(entry)
        if by is not None and CODE in entry.inputs:
            return entry.inputs[CODE] != code_of(by[0])
        return entry.column_digests.keys() < table.stored_columns.keys()

    @property
    def _root(self) -> Path:
        return self._workspace.root

    def _files(self, name: str) -> dict[str, Path]:
        return self._context.files(name) if self._is_of_table(name) else {}

    def _is_of_table(self, name: str) -> bool:
        if self._table is None or name == self._table:
            return True
        relation = STAGED_RELATIONS.get(name)
        return relation is not None and relation.export == self._table

    def _is_wanted(self, entry: Entry) -> bool:
        """Whether a file is of the table, or of the export: its history and quarantine too."""
        if self._table is None or self._is_of_table(entry.table or ""):
            return True
        export = EXPORTS.get(self._table)
        return export is not None and (
            entry.table in (history_name(export), withdrawn_name(export))
            or entry.path.startswith(f"{_QUARANTINE}/{export.name}/")
        )


def _declared_schema(entry: Entry) -> pa.Schema | None:
    """What a file is to look like; none for a table that is not declared."""
    if entry.table == _QUARANTINE:
        return QUARANTINE_SCHEMA
    table = PUBLISHED.get(entry.table or "") or STAGED_RELATIONS.get(entry.table or "")
    if table is not None:
        return stored_schema(table)
    for export in EXPORTS.values():
        if entry.table == export.name:
            return staged_schema(export)
        if entry.table in (history_name(export), withdrawn_name(export)):
            return history_schema(export)
    return None


def _difference(metadata: pq.FileMetaData, expected: pa.Schema) -> str | None:
    """In what a file's schema is not as declared, if anything."""
    found = metadata.schema.to_arrow_schema()
    if found.names != expected.names:
        return f"its columns are {', '.join(found.names)}, not {', '.join(expected.names)}"
    for field in expected:
        own = found.field(field.name)
        if own.type != field.type:
            return f"{field.name} is {own.type}, not {field.type}"
        if _meaning(own.metadata) != _meaning(field.metadata):
            return f"{field.name} is not described as declared"
    if _meaning(metadata.metadata) != _meaning(expected.metadata):
        return "its description or grain is not as declared"
    return None


def _meaning(metadata: Mapping[bytes, bytes] | None) -> dict[bytes, bytes]:
    return {k: v for k, v in (metadata or {}).items() if k in (b"description", b"grain", b"unit")}


def _check_ties(workspace: Workspace, manifest: Mapping[str, Any], file: Mapping[str, Any]) -> None:
    """Raises ProofFailed where a file's rows or won don't add up to what was delivered."""
    for what, counts in {"rows": file["rows"], **file["amounts"]}.items():
        fates = sum(count for fate, count in counts.items() if fate != "delivered")
        if counts["delivered"] != fates:
            raise ProofFailed(
                f"{workspace.runs / manifest['run_id']}: {what} of {file['export']}/{file['file']} "
                f"are {counts['delivered']:,} delivered and {fates:,} accounted for; {BACKUP}"
            )


def _delivered(export: Export, files: Sequence[DeliveredFile]) -> pa.Table:
    """What each delivery's manifest says was accepted of an export: rows, and won of its totals."""
    places = ("first_total", "second_total")
    sums: dict[int, Counter[str]] = {}
    for manifest, file in files:
        if file["export"] == export.name and file["rows"]["accepted"]:
            counts = sums.setdefault(manifest["delivery"], Counter())
            counts["accepted"] += file["rows"]["accepted"]
            for place, name in zip(places, export.totals, strict=False):
                counts[place] += file["amounts"][name]["accepted"]
    return pa.table(
        {
            "delivery": pa.array(sums, pa.int64()),
            "accepted": pa.array([of["accepted"] for of in sums.values()], pa.int64()),
            **{
                place: pa.array([of[place] for of in sums.values()], pa.decimal128(38, 0))
                for place in places
            },
        }
    )
