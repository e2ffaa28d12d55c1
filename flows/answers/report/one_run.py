"""The page of one run, for operators: what it was given, did, restated and committed, from its
manifest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from flows.answers.report.blocks import ORDERS
from flows.answers.report.html import made_run_page
from flows.answers.report.masks import without_rows
from flows.answers.report.report import write_page
from flows.answers.report.scenarios import tables_of
from flows.answers.targets import require_target
from flows.publishing.commit import State
from flows.publishing.options import Options

FORMAT: Final = "pointbook.report_run.v1"
_FACTS: Final = (
    *("run_id", "command", "status", "started_at", "finished_at", "seconds", "version"),
    *("policies", "deliveries_through", "delivery"),
)
_PARTS: Final = (
    *("parameters", "window", "months", "tiers", "exceptions", "collected", "points"),
    *("movements", "answers", "totals", "notices", "swept", "payments", "requests", "flights"),
    *("statuses", "restated", "amounts", "levels", "not_compared", "from_stale", "gaps", "audits"),
)
"""What is shown of a manifest: counts and sums, nothing that names anybody."""
_ORDERED: Final = (("tiers", "tier", ORDERS["tier"]), ("statuses", "status", ORDERS["elite"]))
"""Parts whose rows have an order of their own: the column, and its values."""
_OF_FILES: Final = ("export", "file", "status", "reason")


def report_run(options: Options, run_id: str, out: Path | None, made_on: str) -> dict[str, Any]:
    """Writes a run's page; returns what it holds, and where it is.

    `out`: else `runs/<run_id>/report.html`. Raises NotReady for a run that is not there,
    WrongUsage for a file that can't be meant.
    """
    manifest = options.place.manifest_of(run_id)
    usual = manifest.with_name("report.html")
    target = (out or usual).expanduser().absolute()
    require_target(options, target, usual)
    found = page_of(json.loads(manifest.read_bytes()), made_on)
    state = State.of(options.place)
    found["sha256"] = state.entry(manifest).sha256 if state.has(manifest) else None
    size = write_page(target, made_run_page(found))
    return found | {"bytes": size, "out": str(target)}


def page_of(manifest: Mapping[str, Any], made_on: str) -> dict[str, Any]:
    """What the page of a run shows of its manifest."""
    return {
        "format": FORMAT,
        "run_id": manifest["run_id"],
        "made_on": made_on,
        "facts": {name: manifest[name] for name in _FACTS if manifest.get(name) is not None},
        "error": without_rows(manifest["error"]) if manifest.get("error") else None,
        "tables": [*tables_of(_in_order(manifest), _PARTS), *_files(manifest)],
    }


def _in_order(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with tiers and statuses from the lowest up, and its audits called so."""
    found = dict(manifest)
    for part, column, order in _ORDERED:
        if found.get(part):
            places = {value: n for n, value in enumerate(order)}
            found[part] = sorted(found[part], key=lambda row: places.get(row[column], len(places)))
    found["audits"] = [{"audit": name} for name in manifest.get("audits") or ()]
    return found


def _files(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Tables of the files that a run took in, read and committed."""
    files = [
        {name: file.get(name) for name in _OF_FILES} | (file.get("rows") or {})
        for file in manifest.get("files") or ()
    ]
    read = [
        {"relation": name, "files": len(of)} for name, of in (manifest.get("inputs") or {}).items()
    ]
    committed = [
        {name: each.get(name) for name in ("path", "table", "period", "rows", "sha256")}
        for each in manifest.get("outputs") or ()
    ]
    for title, rows in (
        ("files delivered", files),
        ("files read, by relation", read),
        ("files committed", committed),
    ):
        if rows:
            yield from tables_of({title: rows}, [title])
