"""What a command prints when it is done: tables for people, or the manifest as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from flows.console.grid import plan_lines, spans
from flows.console.parts import Shown
from flows.console.terminal import shown
from schemas.derive import unit
from schemas.tables import PUBLISHED

_FATES: Final = ("delivered", "accepted", "duplicate", "stale", "quarantined")
_WIDTH_IN_PIPES: Final = 120
_LISTED: Final = 10
_VERDICTS: Final = {
    "accepted": "would be accepted",
    "held_back": "would be held back",
    "rejected": "would be rejected whole",
    "known": "has the same bytes as a file before it; nothing more would come of it",
}
_TEXT_COLUMNS: Final = {
    "of the rejected, why",
    "period",
    "after",
    "",
    "state",
    "status",
    "reason",
    "why",
    "lapse in",
    "first",
    "last",
    "cron",
    "next runs",
}
_NAMES: Final = {"\t": "tab"}
_TOLD_BY: Final = {"option": "--export", "folder": "its folder", "header": "its header"}

Manifest = Mapping[str, Any]


def print_json(manifest: Manifest) -> None:
    """Prints the manifest as JSON on stdout."""
    print(json.dumps(manifest, ensure_ascii=False, indent=1, default=str))


def print_summary(
    kind: str, manifest: Manifest, workspace: Path | None, commands: Mapping[str, Shown]
) -> None:
    """Prints what a command did, for a person.

    `commands`: what is shown of the runs of those that fall due.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_WIDTH_IN_PIPES)
    if kind in commands:
        _command(console, manifest, commands[kind])
    elif kind in ("run", "demo"):
        _calendar(console, manifest, commands)
    if kind in _PRINTERS:
        _PRINTERS[kind](console, manifest, workspace)
    _restated(console, manifest)


def _calendar(console: Console, manifest: Manifest, commands: Mapping[str, Shown]) -> None:
    """What a calendar's runs came to, by year, and what was skipped or is current."""
    _ingest(console, manifest["ingest"], None)
    for title, table in _by_year(manifest["runs"], commands).items():
        console.print(_yearly_table(title, table))
    for run in manifest["runs"]:
        _sentences(console, run, commands[run["command"]], lists_only=True)
    for item in manifest["skipped"]:
        console.print(f"skipped {item['command']}: {item['reason']}")
    if manifest["current"]:
        console.print(f"current, not made again: {len(manifest['current']):,} periods")
    if any(file["status"] == "held_back" for file in manifest["ingest"]["files"]):
        console.print("files were held back: nothing was run")
    elif not any(manifest[part] for part in ("runs", "current", "skipped")):
        console.print(f"nothing falls due from {manifest['from']} to {manifest['to']}")


def _command(console: Console, manifest: Manifest, command: Shown) -> None:
    """What a command made of a period: its parts as it declares them, and its sentences."""
    period = manifest[command.span]
    if manifest.get("starts_ledger"):
        console.print(f"{period} starts the {command.ledger}: nothing before it is counted")
    for part in command.parts:
        found = manifest[part.name]
        if part.line is not None:
            console.print(part.line.format_map(found), soft_wrap=True)
        elif found:
            console.print(_rows(f"{part.title}, {period}", found))
        else:
            console.print(f"{part.title}, {period}: none")
    _sentences(console, manifest, command)


def _sentences(
    console: Console, manifest: Manifest, command: Shown, *, lists_only: bool = False
) -> None:
    """The sentences that a command declares about its manifest; of a calendar's runs those alone
    that list what to look into.
    """
    for part, sentence in command.told.items():
        value = manifest[part]
        if value and (isinstance(value, list) or not lists_only):
            console.print(sentence.format_map(_Told(manifest)), soft_wrap=True)


class _Told(dict[str, Any]):
    """A manifest's values as a sentence has them: a list with commas."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return ", ".join(map(str, value)) if isinstance(value, list) else value


def _rows(title: str, rows: Sequence[Manifest]) -> Table:
    """Rows as a table: a column for each of their names."""
    texts = [
        name
        for name in rows[0]
        if all(row[name] is None or isinstance(row[name], str | bool) for row in rows)
    ]
    table = Table(title=title, title_justify="left")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name in texts else "right")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


Years = dict[str, dict[str, int]]
"""The numbers of a table of years, by year and column."""


def _by_year(runs: Sequence[Manifest], commands: Mapping[str, Shown]) -> dict[str, Years]:
    """The tables of a calendar's years by their titles, added up as the parts declare."""
    tables: dict[str, Years] = {}
    for run in runs:
        command = commands[run["command"]]
        year = str(run[command.span])[: len("YYYY")]
        for part in command.parts:
            if part.pivot is not None:
                name, number = part.pivot
                counted = tables.setdefault(part.title, {}).setdefault(year, {})
                counted |= dict.fromkeys(command.headings[part.name], 0)
                counted |= {row[name]: row[number] for row in run[part.name]}
            elif part.year_title is not None:
                counted = tables.setdefault(part.year_title, {}).setdefault(year, {})
                for name, how in part.by_year.items():
                    value = run[part.name][name]
                    if how == "sum":
                        value += counted.get(name, 0)
                    elif how == "first":
                        value = counted.get(name, value)
                    counted[name] = value
    return tables


def _yearly_table(title: str, years: Years) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("year")
    for name in next(iter(years.values())):
        table.add_column(name.replace("_", " "), justify="right")
    for year, numbers in years.items():
        table.add_row(year, *(f"{number:,}" for number in numbers.values()))
    return table


def _restated(console: Console, manifest: Manifest) -> None:
    """What changed of what was published before, in one run or in those of a calendar."""
    dry = "new" in manifest
    runs = [run for run in manifest.get("runs", [manifest]) if isinstance(run, Mapping)]
    changed = _parts(runs, "restated")
    if changed:
        title = "Would change of what is published" if dry else "Changed of what was published"
        table = _table(title, "table", "period", "rows added", "rows removed", "rows changed")
        for row in changed:
            counts = (row["rows_added"], row["rows_removed"], row["rows_changed"])
            table.add_row(row["table_name"], row["period"], *(f"{count:,}" for count in counts))
        console.print(table)
    for row in _parts(runs, "amounts"):
        console.print(
            f"{row['table_name']} {row['period']}: {row['gaining']:,} {_who(row)} gain "
            f"{row['gained']:,} {_counted(row)}, {row['losing']:,} lose {row['lost']:,}",
            soft_wrap=True,
        )
    _moves(console, _parts(runs, "levels"))
    damaged = _parts(runs, "not_compared")
    for row in damaged:
        console.print(
            f"{row['table_name']} {row['period']} was damaged or missing: what it held is neither "
            "compared nor kept",
            soft_wrap=True,
        )
    if dry:
        if manifest["new"]:
            new = (f"{row['table_name']} {row['period']}" for row in manifest["new"])
            console.print(f"not published before: {', '.join(new)}", soft_wrap=True)
        elif not changed and not damaged:
            console.print("nothing that is published would change")
        console.print("dry run: nothing was published")


def _moves(console: Console, levels: Sequence[Manifest]) -> None:
    for name, period in dict.fromkeys((row["table_name"], row["period"]) for row in levels):
        moves = [row for row in levels if (row["table_name"], row["period"]) == (name, period)]
        column = moves[0]["column_name"]
        table = _table(f"Moves of {name} {period}", f"{column} before", "after", "", _who(moves[0]))
        for row in moves:
            ends = (row["value_before"] or "no row", row["value_after"] or "no row")
            table.add_row(*ends, row["direction"], f"{row['moved']:,}")
        console.print(table)
        up, down = (
            sum(row["moved"] for row in moves if row["direction"] == direction)
            for direction in ("up", "down")
        )
        console.print(f"{name} {period}: {up:,} {_who(moves[0])} move up, {down:,} down")


def _parts(runs: Sequence[Manifest], part: str) -> list[Manifest]:
    return [row for run in runs for row in run.get(part, [])]


def _who(row: Manifest) -> str:
    """Whom a table's rows are about: customers, say."""
    return f"{PUBLISHED[row['table_name']].order[0].removesuffix('_id')}s"


def _counted(row: Manifest) -> str:
    """What a restated amount counts: points, say."""
    return unit(PUBLISHED[row["table_name"]].columns[row["column_name"]]) or ""


def _demo(console: Console, _: Manifest, workspace: Path | None) -> None:
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
    _files_by_export(console, files)
    if not files:
        console.print("nothing has landed: drop exports into landing/<export>/ of the workspace")
    known = sum(file["status"] == "known" for file in files)
    if known:
        console.print(f"{known:,} files were delivered before; nothing of them changed")
    for name in manifest["strangers"]:
        console.print(f"left alone: landing/{shown(name)} is no export's folder")


def _files_by_export(console: Console, files: Sequence[Manifest]) -> None:
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
    for file in files:
        if file["status"] in ("rejected", "held_back"):
            word = file["status"].replace("_", " ")
            what = f"{file['export']}/{file['file']}: {file['reason']}"
            console.print(f"{word}: {shown(what)}")


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


def _open(console: Console, manifest: Manifest, _: Path | None) -> None:
    _files_by_export(console, manifest["files"])
    if manifest.get("rejected"):
        console.print(_examples(manifest["rejected"]))
    if manifest["ledger"] is not None:
        _opened_lots(console, manifest)


def _opened_lots(console: Console, manifest: Manifest) -> None:
    month, ledger, totals = manifest["month"], manifest["ledger"], manifest["totals"]
    table = _table(
        f"Lots of {ledger} that {month} opens with", "kind", "lapse in", "lots", "owners", ledger
    )
    for row in manifest["lots"]:
        counts = (row[name] for name in ("lots", "owners", "remaining"))
        table.add_row(row["kind"], row["last_month"] or "never", *(f"{n:,}" for n in counts))
    console.print(table)
    amounts = manifest["files"][0]["amounts"]["remaining"]
    console.print(
        f"{month} opens with {totals['remaining']:,} {ledger} in {totals['lots']:,} lots of "
        f"{totals['owners']:,} owners, {totals['usable']:,} of them usable; of the file's "
        f"{amounts['delivered']:,}, {amounts['quarantined']:,} stood in rejected rows and "
        f"{amounts['duplicate']:,} in duplicates",
        soft_wrap=True,
    )


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
    for periods, rows in spans(_periods_of_tables(manifest), "table", "state", "why"):
        first = rows[0]
        counted = f"{sum(row['rows'] for row in rows):,}"
        published.add_row(first["table"], periods, counted, first["state"], first["why"] or "")
    console.print(published)
    missing = manifest["missing"]
    for item in missing[:_LISTED]:
        console.print(f"missing: {item['command']} (due {item['due']}): run it, or pointbook run")
    if len(missing) > _LISTED:
        console.print(
            f"missing: {len(missing) - _LISTED:,} more; for all of them: pointbook run "
            f"--from {missing[0]['due'][:7]} --to {missing[-1]['due'][:7]}"
        )
    for backfill in manifest["backfills"]:
        console.print(_backfill_line(backfill), soft_wrap=True)


def _periods_of_tables(manifest: Manifest) -> list[Manifest]:
    """Published and missing periods by table, in their order."""
    missing = [
        table | {"rows": 0, "state": "missing", "why": None}
        for item in manifest["missing"]
        for table in item["tables"]
    ]
    rows = [*manifest["published"], *missing]
    places = {table: place for place, table in enumerate(dict.fromkeys(r["table"] for r in rows))}
    return sorted(rows, key=lambda row: (places[row["table"]], row["period"]))


def _backfill_line(backfill: Manifest) -> str:
    asked = f"run --from {backfill['from']} --to {backfill['to']}"
    asked += " --force" if backfill["force"] else ""
    asked += f" ({shown(backfill['reason'])})" if backfill["reason"] else ""
    came = "did not end"
    if backfill["exit"] is not None:
        made, current = len(backfill["ran"]), backfill["current"]
        came = f"made {made:,} periods, {current:,} were current, exit {backfill['exit']}"
    return f"backfill {backfill['backfill']} of {backfill['at'][:10]}: {asked}: {came}"


def _plan(console: Console, manifest: Manifest, _: Path | None) -> None:
    for line in plan_lines(manifest, console.width):
        console.print(line, soft_wrap=True)


def _serve(console: Console, manifest: Manifest, _: Path | None) -> None:
    zone = manifest["timezone"]
    table = _table(f"Deployments, in {zone}", "deployment", "cron", "next runs")
    for each in manifest["deployments"]:
        runs = [f"{run['at'][:16]} ({run['period'] or 'all'})" for run in each["next"]]
        table.add_row(
            each["deployment"],
            "\n".join(each["crons"]) or "none: not in force",
            ", ".join(run.replace("T", " ") for run in runs),
        )
    console.print(table)


def _restore(console: Console, manifest: Manifest, _: Path | None) -> None:
    would = "would be" if manifest["status"] == "dry_run" else "are"
    tables = ", ".join(f"{row['table_name']} {row['period']}" for row in manifest["tables"])
    console.print(f"as {manifest['version']} left them {would} {tables}", soft_wrap=True)


def _verify(console: Console, manifest: Manifest, _: Path | None) -> None:
    for check in manifest["checks"]:
        counts = (f"{count:,} {name}" for name, count in check.items() if name != "check")
        console.print(f"{check['check']}: {', '.join(counts)}")
    stale = manifest["stale"]
    if stale:
        console.print(
            f"{len(stale):,} periods are stale: what changed since says nothing about them, until "
            "these renew them"
        )
    for line, changed in stale.items():
        console.print(f"  {line} (changed: {', '.join(changed)})", soft_wrap=True)
    if not manifest["wrong"]:
        console.print(f"nothing is wrong with {manifest['table'] or 'what is published'}")


def _retention(console: Console, manifest: Manifest, _: Path | None) -> None:
    title = f"Kept longer than its term on {manifest['on']}"
    table = _table(title, "subject", "months", "files", "bytes", "rows", "oldest")
    for row in manifest["subjects"]:
        counts = (f"{row[name]:,}" for name in ("months", "files", "bytes", "rows"))
        table.add_row(row["subject"], *counts, row["oldest"] or "")
    console.print(table)
    if not any(row["files"] for row in manifest["subjects"]):
        console.print("nothing is kept longer than its term")
    elif manifest["removed"]:
        console.print(f"removed; the tombstones are in runs/{manifest['run_id']}/manifest.json")
    else:
        console.print("nothing was removed; --remove does")


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
    "plan": _plan,
    "ingest": _ingest,
    "check": _check,
    "open": _open,
    "restore": _restore,
    "status": _status,
    "serve": _serve,
    "verify": _verify,
    "retention": _retention,
    "catalog": _catalog,
    "sample": _sample,
}


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in others:
        text = name in _TEXT_COLUMNS
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
