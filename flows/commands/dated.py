"""What rows with dates of their own told up to a moment: their files, and digests (R1, R2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.console.errors import NotReady
from flows.publishing.run import Context
from flows.publishing.write_audit import digest
from schemas.exports import EXPORTS
from schemas.tables import RECORD, SPAN, STAGED_RELATIONS, relations_of
from transforms.engine.plain import relation_of
from transforms.exports.merge import history_name

_SINCE: Final = "_since"
_EXPORTS: Final = [e for e in EXPORTS.values() if f"{e.name}{_SINCE}" in STAGED_RELATIONS]
_READ: Final = {
    export.name: [
        export.name,
        history_name(export),
        *(table.name for table in relations_of(export) if not table.name.endswith(_SINCE)),
    ]
    for export in _EXPORTS
}
DATED: Final = {relation: export for export, relations in _READ.items() for relation in relations}
"""The exports whose rows count by moments, by each of the relations that are kept of them."""


@dataclass(frozen=True)
class Strangers:
    """Whom a period's tables name, for a reason, that no row of an export is of.

    A row of one of them makes the period stale, whatever it says.
    """

    export: str
    reason: str
    tables: tuple[str, ...]

    @property
    def title(self) -> str:
        """What their number is called in a fingerprint."""
        return f"unknown {self.export}"

    def count(self, context: Context, files: Iterable[Path]) -> str:
        """How many of those that the tables' files name are still unknown."""
        files, known = list(files), list(context.files(self.export).values())
        context.prepare([*files, *known])
        key = EXPORTS[self.export].record_key
        # by the time of writing: a file that is not committed yet has no digest to be told by
        named = frozenset[str]().union(
            *(_named(path, path.stat().st_mtime_ns, key, self.reason) for path in files)
        )
        found = (_known(path, context.state.entry(path).sha256, key, named) for path in known)
        return str(len(named) - sum(found))


def dated_files(context: Context, export: str) -> dict[str, dict[str, Path]]:
    """The files of an export's rows, of those that were replaced, and of what is kept of both.

    Raises NotReady where an older version staged the rows and nothing is kept of them yet.
    """
    if context.files(export) and not context.files(f"{export}{_SINCE}"):
        raise NotReady(f"{export} were staged by an older version; run `pointbook ingest` first")
    return {relation: context.files(relation) for relation in _READ[export]}


def told_until(context: Context, export: str, moment: datetime, read: Collection[str]) -> str:
    """A digest of what could matter up to a moment, as far as these relations tell it."""
    kinds = [SPAN, RECORD] if f"{export}_history" in read else [SPAN]
    found = {}
    files = context.files(f"{export}{_SINCE}").values()
    context.prepare(files)
    for path in files:
        sums = _sums(path, context.state.entry(path).sha256)
        for kind in kinds:
            moments, running = sums.get(kind, ([], []))
            place = bisect_right(moments, moment)
            found[kind] = running[place - 1] if place else None
    return digest(found)


@lru_cache(maxsize=100)
def _sums(path: Path, _sha256: str) -> dict[str, tuple[list[datetime], list[str]]]:
    """By kind its moments, and the sums up to each of them."""
    rows = pq.ParquetFile(path).read().to_pylist()
    found = {}
    for kind in (SPAN, RECORD):
        own = [row for row in rows if row["kind"] == kind]
        facts = accumulate(row["facts"] for row in own)
        sums = accumulate(row["digest"] for row in own)
        running = [f"{count}:{total}" for count, total in zip(facts, sums, strict=True)]
        found[kind] = ([row["since"] for row in own], running)
    return found


@lru_cache(maxsize=10_000)
def _named(path: Path, _written_ns: int, key: str, reason: str) -> frozenset[str]:
    rows = pq.ParquetFile(path).read([key, "reason"], use_threads=False)
    named = rows.filter(pc.is_in(rows["reason"], value_set=_listed(frozenset({reason}))))
    return frozenset(named[key].to_pylist())


def _known(path: Path, sha256: str, key: str, names: frozenset[str]) -> int:
    if not names:
        return 0
    known = pc.is_in(_keys(path, sha256, key), value_set=_listed(names))
    return int(pc.sum(known).as_py() or 0)


@lru_cache(maxsize=len(_EXPORTS))
def _keys(path: Path, _sha256: str, key: str) -> pa.ChunkedArray:
    """The keys of an export's rows, which each period that names unknown ones is compared with."""
    return pq.ParquetFile(path).read([key], use_threads=False)[key]


@lru_cache(maxsize=100)
def _listed(texts: frozenset[str]) -> pa.Array:
    """The texts as pyarrow takes them; it would load pandas to take them from Python."""
    rows = ({"text": text} for text in sorted(texts))
    return relation_of(rows, pa.schema([("text", pa.string())]))["text"].combine_chunks()
