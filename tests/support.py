"""What tests of ingest share: rows made from an export's declaration, files, and what came of them.

Rows are plain dictionaries of typed values, as `schemas/exports.py` declares them; `rendered`
writes them in the canonical forms, so that a test changes only what it is about.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.errors import SchemaErrors

from flows.deliveries import ingest as flow
from flows.publishing.options import Options
from schemas.exports import EXPORTS, Export
from transforms.exports.validate import as_frame, as_series

KEY = "a key for the tests"
"""For POINTBOOK_PII_KEY."""

Row = dict[str, Any]

_FIRST_DAY = date(2016, 11, 1)


def workspace_with(root: Path, files: Mapping[str, bytes]) -> Path:
    """The workspace `root` with these files in landing, by `<export>/<file name>`."""
    for name, content in files.items():
        path = root / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def ingest(workspace: Path, *exports: str, **options: Any) -> dict[str, Any]:
    """Ingests what landed; returns the manifest."""
    return flow.ingest(Options(workspace=workspace, **options), exports)


def of_file(manifest: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a manifest says about `<export>/<file name>`."""
    (found,) = [f for f in manifest["files"] if f"{f['export']}/{f['file']}" == name]
    return dict(found)


def staged(workspace: Path, export: str) -> list[Row]:
    """The staged rows of an export or relation, partition column included, by partition."""
    return [
        row | dict(part.split("=") for part in path.parent.parts[-1:] if "=" in part)
        for path in sorted((workspace / "staged" / export).rglob("*.parquet"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]


def staged_hashes(workspace: Path) -> dict[str, str]:
    """The sha256 of every staged Parquet file, by its path."""
    folder = workspace / "staged"
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def quarantined(workspace: Path, export: str) -> list[Row]:
    """The quarantined rows of an export, by file and line."""
    rows = [
        row
        for path in sorted((workspace / "quarantine" / export).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    return sorted(rows, key=lambda row: (row["file"], row["line"]))


def reasons_by_line(workspace: Path, export: str) -> dict[int, list[str]]:
    """The reasons of the quarantined rows of an export's only file, by line."""
    return {row["line"]: sorted(row["reasons"]) for row in quarantined(workspace, export)}


def totals_tie(manifest: Mapping[str, Any]) -> bool:
    """Whether each file's rows and amounts add up to what was delivered."""
    return all(
        counts["delivered"] == sum(count for fate, count in counts.items() if fate != "delivered")
        for file in manifest["files"]
        for counts in (file["rows"], *file["amounts"].values())
    )


def valid_rows(export: Export, count: int, seed: int = 0) -> list[Row]:
    """Rows that keep every rule of the export's declaration, each with a key of its own."""
    rows: list[Row] = []
    random_ = random.Random(seed)
    choices = {name: _choices(export, name) for name in export.columns}
    while len(rows) < count:
        drawn = [_drawn(export, choices, len(rows) + i, random_) for i in range(2 * count)]
        broken = {case[1] for case in pandera_failures(export, typed_frame(export, drawn))}
        rows += [row for i, row in enumerate(drawn) if i not in broken]
        rows = list({tuple(row[name] for name in export.key): row for row in rows}.values())
    return rows[:count]


def typed_frame(export: Export, rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as the frame that the export's pandera model describes."""
    columns = {
        name: pa.array([row[name] for row in rows], export.dtype(name)) for name in export.columns
    }
    return as_frame(pa.table(columns))


def pandera_failures(export: Export, frame: pd.DataFrame) -> set[tuple[str, int]]:
    """The reasons (`column:rule`) that pandera's own validation gives, with the row of each."""
    try:
        export.model.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found = set()
        for case in errors.failure_cases.to_dict("records"):
            if case["check"] == "not_nullable":
                reason = f"{case['column']}:required"
            elif case["schema_context"] == "Column":
                check = export.model.columns[case["column"]].checks[int(case["check_number"])]
                reason = f"{case['column']}:{check.name}"
            else:
                reason = str(export.model.checks[int(case["check_number"])].name)
            found.add((reason, int(case["index"])))
        return found
    return set()


def rendered(export: Export, row: Row) -> dict[str, str]:
    """The row's values in their canonical forms; empty for a missing one."""
    return {name: _text(row[name]) for name in export.columns}


def csv_bytes(
    export: Export,
    rows: Iterable[Mapping[str, str]],
    *,
    delimiter: str = ",",
    columns: Sequence[str] | None = None,
    korean: bool = False,
    line_end: str = "\n",
    encoding: str = "utf-8",
) -> bytes:
    """The rendered rows as a delimited file with a header."""
    columns = columns or list(export.columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    writer.writerow([export.columns[c].title if korean else c for c in columns])
    writer.writerows([row[c] for c in columns] for row in rows)
    return text.getvalue().encode(encoding)


def csv_of(export: str, rows: Iterable[Row], **form: Any) -> bytes:
    """The typed rows as a delimited file with a header."""
    declared = EXPORTS[export]
    return csv_bytes(declared, [rendered(declared, row) for row in rows], **form)


def parquet_of(export: str, rows: Sequence[Row]) -> bytes:
    """The typed rows as a Parquet file."""
    declared = EXPORTS[export]
    columns = {
        name: pa.array([row[name] for row in rows], declared.dtype(name))
        for name in declared.columns
    }
    return parquet_bytes(pa.table(columns))


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file."""
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


def _drawn(
    export: Export, choices: Mapping[str, list[Any]], number: int, random_: random.Random
) -> Row:
    row: Row = {}
    for name, column in export.columns.items():
        if name in export.key and export.metadata(name)["form"] == "identifier":
            row[name] = f"{name[:2]}-{number}"
        elif column.nullable and random_.random() < 0.3:
            row[name] = export.metadata(name).get("default")
        else:
            row[name] = random_.choice(choices[name])
    return row


def _choices(export: Export, name: str) -> list[Any]:
    """Values for a column that keep its own checks."""
    metadata = export.metadata(name)
    labels = metadata.get("labels")
    days = [_FIRST_DAY + timedelta(days=n) for n in range(0, 60, 7)]
    choices: dict[str, Sequence[Any]] = {
        "identifier": [f"{name[:2]}_{n}" for n in range(9)],
        "code": ["ICN", "NRT", "LAX", "KRW", "KE", "OZ", "Y", "C"],
        "text": ["가나 다", "plain", "a,b", 'said "so"', "two\nlines"],
        "integer": [0, 1, 7, 1_000, 1_234_567, -500],
        "decimal": [Decimal("0.01"), Decimal("12.50"), Decimal("1234567.00")],
        "month": ["2016-11", "2016-12", "2017-01"],
        "date": days,
        "timestamp": [datetime(d.year, d.month, d.day, 7, 8, d.day) for d in days],
        "boolean": [True, False],
        "enumeration": list(labels) if isinstance(labels, dict) else [],
    }
    values = choices[str(metadata["form"])]
    if metadata.get("personal") == "digits" and name in export.required:
        values = ["010-1234-5678", "(02) 345 6789", "０１０ 1111 2222"]
    series = as_series(pa.array(values, export.dtype(name)))
    kept = pd.Series(True, index=series.index)
    for check in export.model.columns[name].checks:
        kept &= check(series).check_output.astype(bool)
    return [value for value, keep in zip(values, kept, strict=True) if keep]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
