"""What a command prints when it is done: tables for people, or the manifest as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from flows.terminal import shown
from schemas.tables import TIERS

_FATES: Final = ("delivered", "accepted", "duplicate", "stale", "quarantined")
_WIDTH_IN_PIPES: Final = 120
_VERDICTS: Final = {
    "accepted": "would be accepted",
    "held_back": "would be held back",
    "rejected": "would be rejected whole",
    "known": "has the same bytes as a file before it; nothing more would come of it",
}
_NAMES: Final = {"\t": "tab"}
_TOLD_BY: Final = {"option": "--export", "folder": "its folder", "header": "its header"}

Manifest = Mapping[str, Any]


def print_json(manifest: Manifest) -> None:
    """Prints the manifest as JSON on stdout."""
    print(json.dumps(manifest, ensure_ascii=False, indent=1, default=str))


def print_summary(kind: str, manifest: Manifest, workspace: Path | None) -> None:
    """Prints what a command did, for a person."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_WIDTH_IN_PIPES)
    _PRINTERS[kind](console, manifest, workspace)


def _calendar(console: Console, manifest: Manifest, workspace: Path | None) -> None:
    _ingest(console, manifest["ingest"], workspace)
    tiers = [run for run in manifest["runs"] if run["command"] == "tiers"]
    grants = [run for run in manifest["runs"] if run["command"] == "grants"]
    if tiers:
        console.print(_by_year("Customers by tier", tiers, "tiers", "customers"))
    for run in tiers:
        _window_warnings(console, run)
    if grants:
        console.print(_by_year("Points granted by tier", grants, "points", "points"))
    for item in manifest["skipped"]:
        console.print(f"skipped {item['command']}: {item['reason']}")
    if not manifest["runs"] and not manifest["skipped"]:
        console.print(f"nothing falls due from {manifest['from']} to {manifest['to']}")


def _demo(console: Console, manifest: Manifest, workspace: Path | None) -> None:
    _calendar(console, manifest, workspace)
    assert workspace is not None
    console.print(
        "\nWhere to look next\n"
        f"  tables      {workspace / 'warehouse'}\n"
        f"  catalog     {workspace / 'warehouse' / 'catalog.duckdb'} (any DuckDB from 1.5 on)\n"
        f"  dictionary  {workspace / 'warehouse' / 'dictionary.md'}\n"
        f"  quarantine  {workspace / 'quarantine'}\n"
        f"  manifests   {workspace / 'runs'}\n"
        f"  status      pointbook status --workspace {workspace}",
        soft_wrap=True,
    )


def _ingest(console: Console, manifest: Manifest, _: Path | None) -> None:
    files = manifest["files"]
    table = _table("Rows by export", "export", "files", *_FATES, "of the rejected, why")
    for export in dict.fromkeys(file["export"] for file in files):
        own = [file for file in files if file["export"] == export]
        rows = _added(file["rows"] for file in own)
        reasons = _added(file["reasons"] for file in own)
        table.add_row(
            export,
            str(len(own)),
            *(f"{rows[fate]:,}" for fate in _FATES),
            _most_frequent(reasons),
        )
    if files:
        console.print(table)
    else:
        console.print("nothing has landed: drop exports into landing/<export>/ of the workspace")
    for file in files:
        if file["status"] in ("rejected", "held_back"):
            word = file["status"].replace("_", " ")
            what = f"{file['export']}/{file['file']}: {file['reason']}"
            console.print(f"{word}: {shown(what)}")
    known = sum(file["status"] == "known" for file in files)
    if known:
        console.print(f"{known:,} files were delivered before; nothing of them changed")
    for name in manifest["strangers"]:
        console.print(f"left alone: landing/{shown(name)} is no export's folder")


def _check(console: Console, manifest: Manifest, _: Path | None) -> None:
    for file in manifest["files"]:
        for line in _about_checked(file):
            console.print(line)
        if file.get("reasons"):
            console.print(_examples(file["reasons"]))


def _about_checked(file: Manifest) -> Iterator[str]:
    verdict = _VERDICTS[file["status"]]
    yield f"{file['file']}: {verdict}{': ' if file['reason'] else ''}{file['reason'] or ''}"
    if file["export"]:
        yield f"  export     {file['export']} (told by {_TOLD_BY[file['export_told_by']]})"
    if file["container"]:
        delimiter = file.get("delimiter")
        parts = [
            file["container"],
            file["compression"],
            file.get("encoding"),
            delimiter and f"delimiter {_NAMES.get(delimiter, delimiter)}",
        ]
        yield f"  form       {', '.join(part for part in parts if part)}"
    if "columns" not in file:
        return
    columns = file["columns"]
    yield f"  header     {file['header_language']}, {len(columns['found'])} known columns"
    for what in ("missing_optional", "extra"):
        if columns[what]:
            yield f"             {what.replace('_', ' ')}: {', '.join(columns[what])}"
    rows = file["rows"]
    counts = {
        "delivered": rows["delivered"],
        "good": rows["accepted"] + rows["held_back"],
        "duplicate": rows["duplicate"],
        "stale": rows["stale"],
        "rejected": rows["quarantined"],
    }
    told = ", ".join(f"{count:,} {fate}" for fate, count in counts.items())
    yield f"  rows       {told} ({file['rejected_share']:.2%})"


def _examples(reasons: Sequence[Manifest]) -> Table:
    table = Table(title="Rejected rows by reason, with the first of each", title_justify="left")
    table.expand = True
    table.add_column("reason", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("raw text", no_wrap=True, overflow="ellipsis", ratio=1)
    for found in reasons:
        labels = [found["reason"], f"{found['rows']:,}"]
        for example in found["examples"]:
            table.add_row(*labels, f"{example['line']:,}", example["raw_text"])
            labels = ["", ""]
    return table


def _tiers(console: Console, manifest: Manifest, _: Path | None) -> None:
    window = _table(
        f"Billing months that the tiers of {manifest['year']} are assessed over",
        "month",
        "lines",
        "counting",
        "billed",
        "collected",
        "not collected",
    )
    for month in manifest["months"]:
        window.add_row(
            month["billing_month"],
            *(f"{month[name]:,}" for name in ("lines", "counting_lines")),
            *(f"{month[name]:,}" for name in ("billed_amount", "collected_amount")),
            f"{month['uncollected_percent']} %",
        )
    console.print(window)
    _window_warnings(console, manifest)
    console.print(_by_year("Customers by tier", [manifest], "tiers", "customers"))
    for row in manifest["exceptions"]:
        console.print(
            f"not assessed, {row['reason']}: {row['lines']:,} lines of {row['customers']:,} "
            f"customers, {row['amount']:,} won"
        )


def _window_warnings(console: Console, manifest: Manifest) -> None:
    year = manifest["year"]
    if manifest["missing_months"]:
        console.print(f"tiers {year}: never delivered: {', '.join(manifest['missing_months'])}")
    if manifest["low_months"]:
        console.print(
            f"tiers {year}: far below the window's median: {', '.join(manifest['low_months'])}"
        )


def _grants(console: Console, manifest: Manifest, _: Path | None) -> None:
    console.print(_by_year("Points granted by tier", [manifest], "points", "points"))


def _status(console: Console, manifest: Manifest, _: Path | None) -> None:
    staged = _table("Staged", "export", "partitions", "rows", "first", "last")
    for row in manifest["staged"]:
        staged.add_row(
            row["export"],
            f"{row['partitions']:,}",
            f"{row['rows']:,}",
            row["first"] or "",
            row["last"] or "",
        )
    console.print(staged)
    published = _table("Published", "table", "period", "rows", "state", "why")
    for row in manifest["published"]:
        published.add_row(
            row["table"], row["period"], f"{row['rows']:,}", row["state"], row["why"] or ""
        )
    console.print(published)
    for item in manifest["missing"]:
        console.print(f"missing: {item['command']} (due {item['due']}): run it, or pointbook run")


def _catalog(console: Console, manifest: Manifest, _: Path | None) -> None:
    console.print(f"rebuilt {manifest['catalog']}", soft_wrap=True)


def _sample(console: Console, manifest: Manifest, _: Path | None) -> None:
    table = _table("Sample", "export", *_FATES)
    for export, totals in manifest["exports"].items():
        table.add_row(export, *(f"{totals[fate]:,}" for fate in _FATES))
    console.print(table)
    console.print(f"written to {manifest['out']}, with truth.json", soft_wrap=True)


_PRINTERS: Final[Mapping[str, Callable[[Console, Manifest, Path | None], None]]] = {
    "demo": _demo,
    "run": _calendar,
    "ingest": _ingest,
    "check": _check,
    "tiers": _tiers,
    "grants": _grants,
    "status": _status,
    "catalog": _catalog,
    "sample": _sample,
}


def _by_year(title: str, runs: Sequence[Manifest], part: str, column: str) -> Table:
    table = _table(title, "year", *reversed(TIERS), "all")
    for run in runs:
        counts = {row["tier"]: row[column] for row in run[part]}
        table.add_row(
            str(run["year"]),
            *(f"{counts.get(tier, 0):,}" for tier in reversed(TIERS)),
            f"{sum(counts.values()):,}",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        text = name in ("of the rejected, why", "period", "state", "why", "first", "last")
        table.add_column(name, justify="left" if text else "right")
    return table


def _added(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _most_frequent(reasons: Counter[str], shown: int = 3) -> str:
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{reason} {count:,}" for reason, count in ranked[:shown]]
    if len(ranked) > shown:
        parts.append(f"{len(ranked) - shown} more")
    return ", ".join(parts)
