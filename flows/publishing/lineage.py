"""OpenLineage: every run as START, then COMPLETE or FAIL, appended as JSON lines to a file.

`POINTBOOK_OPENLINEAGE` names the file, `OPENLINEAGE_NAMESPACE` the namespace of jobs and datasets.
A job is a command; a dataset is a folder of the workspace (`landing/billing`, `staged/billing`,
`warehouse/tier_snapshot`). Its version is a digest of the files that the run read or wrote of it,
which its `pointbook_files` facet lists. Lineage never fails a run: what can't be written is warned
of, once a process.

The library makes the events, and is imported when there are any, as that takes time. Its own file
transport would mix the lines of commands that share the file, and not keep the file private.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import version
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq

from flows.console import logs
from flows.console.zone import KOREA

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

FILE_VARIABLE: Final = "POINTBOOK_OPENLINEAGE"
NAMESPACE_VARIABLE: Final = "OPENLINEAGE_NAMESPACE"
_NAMESPACE: Final = "pointbook"
_RUNS: Final = uuid5(NAMESPACE_URL, "urn:pointbook:runs")

File = Mapping[str, Any]
"""A file as manifests list it: its path in the workspace, sha256, and if written size and rows."""


@dataclass(frozen=True)
class Lineage:
    """The events of one run. `started` makes its id, with the run's own, unique for good."""

    root: Path
    command: str
    run_id: str
    started: datetime
    parameters: Mapping[str, object]

    def emit(
        self, kind: str, manifest: Mapping[str, Any] | None = None, failure: str | None = None
    ) -> None:
        """Appends an event, if lineage is wanted; where that fails it warns, and the run goes on.

        START: the run has begun. COMPLETE: it is done, and the outputs that its manifest lists are
        current. FAIL: it failed with this message, and nothing of it is current.
        """
        target = os.environ.get(FILE_VARIABLE)
        if not target:
            return
        try:
            from openlineage.client.serde import Serde

            _append(Path(target), Serde.to_json(self._event(kind, manifest or {}, failure)))
        except Exception as error:
            why = isinstance(error, OSError) and error.strerror
            why = why or f"{type(error).__name__}: {error}"
            logs.warn(f"{FILE_VARIABLE}={target}: {why}; runs go on without their lineage")

    def _event(self, kind: str, manifest: Mapping[str, Any], failure: str | None) -> RunEvent:
        """An event, with the datasets that the manifest names, and the message of a failure."""
        from openlineage.client import event_v2, facet_v2

        release = version("pointbook")
        namespace = os.environ.get(NAMESPACE_VARIABLE) or _NAMESPACE
        event_v2.set_producer(f"urn:pointbook:{release}")
        parameters = json.loads(json.dumps(dict(self.parameters), default=str))
        of_engine = facet_v2.processing_engine_run.ProcessingEngineRunFacet(release, "Pointbook")
        own = facet_v2.RunFacet().with_additional_properties(
            run_id=self.run_id, parameters=parameters
        )
        facets: dict[str, Any] = {"processing_engine": of_engine, "pointbook_run": own}
        if failure is not None:
            error = facet_v2.error_message_run.ErrorMessageRunFacet(failure, "Python")
            facets["errorMessage"] = error
        begun = self.started.isoformat(timespec="milliseconds")
        now = datetime.now(KOREA).isoformat(timespec="milliseconds")
        run_id = uuid5(_RUNS, f"{namespace} {self.run_id} {begun}")
        return event_v2.RunEvent(
            eventType=event_v2.RunState(kind),
            eventTime=begun if kind == "START" else now,
            run=event_v2.Run(str(run_id), facets),
            job=event_v2.Job(namespace, f"pointbook.{self.command}"),
            inputs=[
                event_v2.InputDataset(namespace, name, facets=self._facets(files))
                for name, files in _by_dataset(_read(manifest))
            ],
            outputs=[
                event_v2.OutputDataset(namespace, name, _size(files), facets=self._facets(files))
                for name, files in _by_dataset(_written(manifest))
            ],
        )

    def _facets(self, files: list[File]) -> dict[str, Any]:
        """What an event says of a dataset: its version, columns and the files of this run."""
        from openlineage.client import facet_v2

        listed = [{"path": file["path"], "sha256": file["sha256"]} for file in files]
        digest = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
        facets = {
            "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(digest),
            "pointbook_files": facet_v2.DatasetFacet().with_additional_properties(files=listed),
        }
        if columns := _columns(self.root / files[0]["path"]):
            described = facet_v2.schema_dataset.SchemaDatasetFacetFields
            fields = [described(*column) for column in columns]
            facets["schema"] = facet_v2.schema_dataset.SchemaDatasetFacet(fields)
        return facets


def complete_later(root: Path, manifest: Mapping[str, Any]) -> None:
    """The run of a manifest was cut short, and what it published is current by now."""
    started = datetime.fromisoformat(manifest["started_at"])
    run = (manifest["command"], manifest["run_id"], started, manifest["parameters"])
    Lineage(root, *run).emit("COMPLETE", manifest)


def _read(manifest: Mapping[str, Any]) -> Iterator[File]:
    """What a manifest says that its run read: an ingest landed files, the others staged tables."""
    for file in manifest.get("files", []):
        if file["sha256"] is not None:
            yield file | {"path": f"landing/{file['export']}/{file['file']}"}
    for files in manifest.get("inputs", {}).values():
        yield from files


def _written(manifest: Mapping[str, Any]) -> Iterator[File]:
    """The Parquet files that a manifest lists as its run's outputs."""
    return (file for file in manifest.get("outputs", []) if file["path"].endswith(".parquet"))


def _by_dataset(files: Iterable[File]) -> list[tuple[str, list[File]]]:
    """Each dataset, by the first two folders, with its files sorted by path, each file once."""
    found: dict[str, dict[str, File]] = {}
    for file in files:
        name = "/".join(PurePosixPath(file["path"]).parts[:2])
        found.setdefault(name, {})[file["path"]] = file
    return [(name, [of[path] for path in sorted(of)]) for name, of in found.items()]


def _size(files: list[File]) -> dict[str, Any]:
    """The facet of how many rows and bytes a run wrote."""
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    rows, size = (sum(file[what] or 0 for file in files) for what in ("rows", "size"))
    return {"outputStatistics": statistics.OutputStatisticsOutputDatasetFacet(rows, size)}


def _columns(path: Path) -> list[tuple[str, str, str | None]]:
    """Name, type and description of a Parquet file's columns, its partition column last."""
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return []  # no Parquet file
    parts = [part.partition("=")[0] for part in path.parts[:-1] if "=" in part]
    about = [(column, (column.metadata or {}).get(b"description")) for column in schema]
    columns = [(each.name, str(each.type), text and text.decode()) for each, text in about]
    return columns + [(name, "string", None) for name in parts[-1:] if name not in schema.names]


def _append(target: Path, line: str) -> None:
    """Appends the line in one write, so that commands on several workspaces can share the file."""
    data = f"{line}\n".encode()
    with FileIO(target, "a", opener=partial(os.open, mode=0o600)) as file:
        if file.write(data) < len(data):
            raise OSError("the line was cut short; the disk may be full")
