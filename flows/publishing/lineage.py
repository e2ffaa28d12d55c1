"""OpenLineage: every run as START, then COMPLETE or FAIL, appended as JSON lines to a file.

`POINTBOOK_OPENLINEAGE` names the file, `OPENLINEAGE_NAMESPACE` the namespace of jobs and datasets.
A job is a command; a dataset is a folder of the workspace (`landing/billing`, `staged/billing`,
`warehouse/tier_snapshot`). Its version is a digest of the files that the run read or wrote of it,
which its `pointbook_files` facet lists. Lineage never fails a run: what can't be written is warned
of, once a process.

Events follow https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq

from flows.console import logs
from flows.console.zone import KOREA

FILE_VARIABLE: Final = "POINTBOOK_OPENLINEAGE"
NAMESPACE_VARIABLE: Final = "OPENLINEAGE_NAMESPACE"
_NAMESPACE: Final = "pointbook"
_SPEC: Final = "https://openlineage.io/spec"
_CORE: Final = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs"
_FACETS: Final = f"{_SPEC}/facets"
_RUNS: Final = uuid5(NAMESPACE_URL, "urn:pointbook:runs")
_PRIVATE: Final = 0o600

_warned = False


@dataclass(frozen=True)
class File:
    """A file that a run read or wrote: its path in the workspace, hash, bytes and rows."""

    path: str
    sha256: str
    size: int | None = None
    rows: int | None = None

    @property
    def dataset(self) -> str:
        """The dataset that it belongs to: room and table."""
        return "/".join(PurePosixPath(self.path).parts[:2])


@dataclass(frozen=True)
class Lineage:
    """The events of one run. `started` makes its id, with the run's own, unique for good."""

    root: Path
    command: str
    run_id: str
    started: datetime
    parameters: Mapping[str, object] = field(default_factory=dict)

    def start(self) -> None:
        """The run has begun."""
        self._emit("START", self.started)

    def complete(self, manifest: Mapping[str, Any]) -> None:
        """The run is done, and the outputs that its manifest lists are current."""
        if not _target():
            return
        try:
            self._complete(manifest)
        except Exception as error:  # the run is published by now, and done
            _warn(f"{type(error).__name__}: {error}")

    def fail(self, message: str) -> None:
        """The run failed, and nothing of it is current."""
        error = {"message": message, "programmingLanguage": "Python"}
        self._emit("FAIL", errorMessage=_facet("1-0-0/ErrorMessageRunFacet", error))

    def _complete(self, manifest: Mapping[str, Any]) -> None:
        written = [
            File(entry["path"], entry["sha256"], entry["size"], entry["rows"])
            for entry in manifest["outputs"]
            if entry["path"].endswith(".parquet")
        ]
        self._emit(
            "COMPLETE",
            inputs=[self._dataset(*of) for of in _by_dataset(_inputs(manifest))],
            outputs=[self._output(*of) for of in _by_dataset(written)],
        )

    def _emit(
        self,
        kind: str,
        when: datetime | None = None,
        *,
        inputs: Sequence[object] = (),
        outputs: Sequence[object] = (),
        **facets: object,
    ) -> None:
        target = _target()
        if not target:
            return
        engine = {"name": "Pointbook", "version": version("pointbook")}
        own = {"run_id": self.run_id, "parameters": dict(self.parameters)}
        begun = self.started.isoformat(timespec="milliseconds")
        event = {
            "eventType": kind,
            "eventTime": (when or datetime.now(KOREA)).isoformat(timespec="milliseconds"),
            "run": {
                "runId": str(uuid5(_RUNS, f"{_namespace()} {self.run_id} {begun}")),
                "facets": {
                    "processing_engine": _facet("1-1-0/ProcessingEngineRunFacet", engine),
                    "pointbook_run": _own_facet("RunFacet", own),
                    **facets,
                },
            },
            "job": {"namespace": _namespace(), "name": f"pointbook.{self.command}"},
            "inputs": list(inputs),
            "outputs": list(outputs),
            "producer": _producer(),
            "schemaURL": f"{_CORE}/RunEvent",
        }
        _append(Path(target), json.dumps(event, default=str))

    def _dataset(self, name: str, files: Sequence[File]) -> dict[str, Any]:
        listed = [{"path": file.path, "sha256": file.sha256} for file in files]
        digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
        facets = {
            "version": _facet("1-0-0/DatasetVersionDatasetFacet", {"datasetVersion": digest}),
            "pointbook_files": _own_facet("DatasetFacet", {"files": listed}),
        }
        if fields := _fields(self.root / files[0].path):
            facets["schema"] = _facet("1-0-0/SchemaDatasetFacet", {"fields": fields})
        return {"namespace": _namespace(), "name": name, "facets": facets}

    def _output(self, name: str, files: Sequence[File]) -> dict[str, Any]:
        counts = {
            "rowCount": sum(file.rows or 0 for file in files),
            "size": sum(file.size or 0 for file in files),
        }
        statistics = _facet("1-0-1/OutputStatisticsOutputDatasetFacet", counts, room=_SPEC)
        return self._dataset(name, files) | {"outputFacets": {"outputStatistics": statistics}}


def complete_later(root: Path, manifest: Mapping[str, Any]) -> None:
    """The run of a manifest was cut short, and what it published is current by now."""
    started = datetime.fromisoformat(manifest["started_at"])
    Lineage(
        root, manifest["command"], manifest["run_id"], started, manifest["parameters"]
    ).complete(manifest)


def _inputs(manifest: Mapping[str, Any]) -> list[File]:
    """What a manifest says that its run read: an ingest landed files, the others staged tables."""
    landed = [
        File(f"landing/{file['export']}/{file['file']}", file["sha256"])
        for file in manifest.get("files", [])
        if file["sha256"] is not None
    ]
    tables = manifest.get("inputs", {}).values()
    return landed + [File(file["path"], file["sha256"]) for files in tables for file in files]


def _by_dataset(files: Iterable[File]) -> list[tuple[str, list[File]]]:
    found: dict[str, dict[str, File]] = {}
    for file in files:
        found.setdefault(file.dataset, {})[file.path] = file
    return [(name, sorted(of.values(), key=lambda file: file.path)) for name, of in found.items()]


def _fields(path: Path) -> list[dict[str, str]]:
    """The columns of a Parquet file, its partition column last; none of any other file."""
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return []
    parts = [part.partition("=")[0] for part in path.parts[:-1] if "=" in part]
    columns = [(column.name, str(column.type), column.metadata) for column in schema]
    columns += [(name, "string", None) for name in parts[-1:] if name not in schema.names]
    return [
        {"name": name, "type": kind}
        | ({"description": about[b"description"].decode()} if about else {})
        for name, kind, about in columns
    ]


def _facet(name: str, content: Mapping[str, object], room: str = _FACETS) -> dict[str, object]:
    kind = name.partition("/")[2]
    address = f"{room}/{name}.json#/$defs/{kind}"
    return {"_producer": _producer(), "_schemaURL": address, **content}


def _own_facet(kind: str, content: Mapping[str, object]) -> dict[str, object]:
    return {"_producer": _producer(), "_schemaURL": f"{_CORE}/{kind}", **content}


def _producer() -> str:
    return f"urn:pointbook:{version('pointbook')}"


def _namespace() -> str:
    return os.environ.get(NAMESPACE_VARIABLE) or _NAMESPACE


def _target() -> str | None:
    return os.environ.get(FILE_VARIABLE) or None


def _append(target: Path, line: str) -> None:
    """One write a line, so that commands on several workspaces can share the file."""
    data = f"{line}\n".encode()
    try:
        descriptor = os.open(
            target, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE
        )
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError("the line was cut short; the disk may be full")
        finally:
            os.close(descriptor)
    except OSError as error:
        _warn(str(error.strerror or error))


def _warn(why: str) -> None:
    global _warned
    if not _warned:
        logs.warn(f"{FILE_VARIABLE}={_target()}: {why}; runs go on without their lineage")
    _warned = True
