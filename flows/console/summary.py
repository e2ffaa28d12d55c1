"""What a command prints when it is done: tables for people, or the manifest as JSON.

Tables are rows of the manifest, all made by `_rows`; what else there is to say are sentences.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Console
from rich.table import Table

from flows.console.grid import plan_lines, spans
from flows.console.parts import Shown, with_sentences
from flows.console.scenarios import (
    Lines,
    compared_lines,
    listed_lines,
    removed_lines,
    scenario_lines,
)
from flows.console.terminal import shown
from schemas.derive import unit
from schemas.tables import PUBLISHED

_FATES: Final = ("delivered", "accepted", "duplicate", "stale", "quarantined")
_WIDTH_IN_PIPES: Final = 120
_LISTED: Final = 10
_ABREAST: Final = 8
"""So many columns of a table stand beside each other; of one with more rows stand upright."""
_UPRIGHT: Final = 4
_ANSWERED: Final = 200
"""So many rows of an answer are printed."""
_REASONS_SHOWN: Final = 3
_VERDICTS: Final = {
    "accepted": "would be accepted",
    "held_back": "would be held back",
    "rejected": "would be rejected whole",
    "known": "has the same bytes as a file before it; nothing more would come of it",
}
_TOLD_OF_FILES: Final = (
    *("unlisted_values", "near_names", "undecodable_rows", "title_lines", "footer_lines"),
    *("source", "source_taken", "sheet", "other_sheets"),
)
_NAMES: Final = {"\t": "tab"}
_TOLD_BY: Final = {
    "option": "--export",
    "folder": "its folder",
    "source": "the source that fits its name",
    "header": "its header",
}

Manifest = Mapping[str, Any]
Items = Iterator[str | Table]
"""What is printed, one after another: sentences and tables."""


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
    for item in _items(kind, manifest, workspace, commands, console.width):
        console.print(item, soft_wrap=isinstance(item, str))


def _items(
    kind: str,
    manifest: Manifest,
    workspace: Path | None,
    commands: Mapping[str, Shown],
    width: int,
) -> Items:
    """All that is printed of a manifest; `width`: of the terminal, in characters."""
    if kind in commands:
        yield from _command(manifest, commands[kind])
    elif kind in ("run", "demo"):
        yield from _calendar(manifest, commands)
    elif kind == "plan":
        yield from plan_lines(manifest, width)
    else:
        yield from _OTHERS[kind](manifest)
    if manifest.get("report"):
        yield f"report: {manifest['report']}"
    if kind == "demo":
        yield from _where_to_look(workspace, manifest["key"])
    yield from _restated(manifest)


def _rows(title: str, rows: Sequence[Manifest]) -> Table:
    """Rows as a table: a column for each of their names, numbers to the right."""
    table = Table(title=title, title_justify="left")
    for name in rows[0] if rows else ():
        numbers = any(type(row[name]) is int for row in rows)
        justify: Literal["right", "left"] = "right" if numbers else "left"
        # what a source says is read to its end, and may hold long addresses
        overflow: Literal["fold", "ellipsis"] = "fold" if name == "source" else "ellipsis"
        table.add_column(name.replace("_", " "), justify=justify, overflow=overflow)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _cell(value: object) -> str:
    """A value as a table has it: yes and no, numbers with commas, nothing for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


# Commands that fall due, as they declare themselves


def _calendar(manifest: Manifest, commands: Mapping[str, Shown]) -> Items:
    """What a calendar's runs came to, by year, and what was skipped or is current."""
    yield from _ingest(manifest["ingest"])
    for title, years in _by_year(manifest["runs"], commands).items():
        yield _rows(title, [{"year": year, **numbers} for year, numbers in years.items()])
    for run in manifest["runs"]:
        yield from _sentences(run, commands[run["command"]], lists_only=True)
    for item in manifest["skipped"]:
        yield f"skipped {item['command']}: {item['reason']}"
    if manifest["current"]:
        yield f"current, not made again: {len(manifest['current']):,} periods"
    if any(file["status"] == "held_back" for file in manifest["ingest"]["files"]):
        yield "files were held back: nothing was run"
    elif not any(manifest[part] for part in ("runs", "current", "skipped")):
        yield f"nothing falls due from {manifest['from']} to {manifest['to']}"


def _command(manifest: Manifest, command: Shown) -> Items:
    """What a command made of a period: its parts as it declares them, and its sentences."""
    period = manifest[command.span]
    if manifest.get("starts_ledger"):
        yield f"{period} starts the {command.ledger}: nothing before it is counted"
    for part in command.parts:
        found = manifest[part.name]
        if part.line is not None:
            yield part.line.format_map(found)
        else:
            title = f"{part.title}, {period}"
            yield _rows(title, with_sentences(found)) if found else f"{title}: none"
    yield from _sentences(manifest, command)


def _sentences(manifest: Manifest, command: Shown, *, lists_only: bool = False) -> Items:
    """The sentences that a command declares about its manifest; of a calendar's runs those alone
    that list what to look into.
    """
    for part, sentence in command.told.items():
        value = manifest[part]
        if value and (isinstance(value, list) or not lists_only):
            yield sentence.format_map(_Told(manifest))


class _Told(dict[str, Any]):
    """A manifest's values as a sentence has them: a list with commas."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        return ", ".join(map(str, value)) if isinstance(value, list) else value


def _by_year(
    runs: Sequence[Manifest], commands: Mapping[str, Shown]
) -> dict[str, dict[str, dict[str, int]]]:
    """A calendar's numbers by table title, year and column, added up as the parts declare."""
    tables: dict[str, dict[str, dict[str, int]]] = {}
    for run in runs:
        command = commands[run["command"]]
        year = str(run[command.span])[: len("YYYY")]
        for part in command.parts:
            title = part.title if part.pivot is not None else part.year_title
            if title is None:
                continue
            counted = tables.setdefault(title, {}).setdefault(year, {})
            if part.pivot is not None:
                name, number = part.pivot
                counted |= dict.fromkeys(command.headings[part.name], 0)
                counted |= {row[name]: row[number] for row in run[part.name]}
            for name, how in part.by_year.items():
                value = run[part.name][name]
                before = counted.get(name, 0 if how == "sum" else value)
                counted[name] = {"first": before, "sum": before + value, "last": value}[how]
    return tables


# Every command's corrections


def _restated(manifest: Manifest) -> Items:
    """What changed of what was published before, in one run or in those of a calendar."""
    dry = "new" in manifest
    runs = [run for run in manifest.get("runs", [manifest]) if isinstance(run, Mapping)]

    def parts(name: str) -> list[Manifest]:
        return [row for run in runs for row in run.get(name, [])]

    changed, damaged = parts("restated"), parts("not_compared")
    if changed:
        title = "Would change of what is published" if dry else "Changed of what was published"
        yield _rows(title, changed)
    for row in parts("amounts"):
        who = _who(row)
        what = unit(PUBLISHED[row["table_name"]].columns[row["column_name"]]) or ""
        yield (
            f"{row['table_name']} {row['period']}: {row['gaining']:,} {who} gain "
            f"{row['gained']:,} {what}, {row['losing']:,} lose {row['lost']:,}"
        )
    yield from _moves(parts("levels"))
    for row in damaged:
        yield (
            f"{row['table_name']} {row['period']} was damaged or missing: what it held is neither "
            "compared nor kept"
        )
    if dry:
        if manifest["new"]:
            new = (f"{row['table_name']} {row['period']}" for row in manifest["new"])
            yield f"not published before: {', '.join(new)}"
        elif not changed and not damaged:
            yield "nothing that is published would change"
        if took := manifest.get("took"):
            yield from _took(took)
        yield "dry run: nothing was published"


def _took(took: Manifest) -> Items:
    """Which values of another policy folder a dry run took."""
    for name, rows in took["policies"].items():
        told = "; ".join(" ".join(map(_cell, row.values())) for row in rows)
        yield f"{name}.yaml on {took['on']}, other than shipped: {told}"
    if not took["policies"]:
        yield f"all policy values that were read on {took['on']} are as shipped"


def _moves(levels: Sequence[Manifest]) -> Items:
    """Who moves between which levels, tiers for example, by table and period."""
    for name, period in dict.fromkeys((row["table_name"], row["period"]) for row in levels):
        moves = [row for row in levels if (row["table_name"], row["period"]) == (name, period)]
        who = _who(moves[0])
        yield _rows(
            f"Moves of {name} {period}",
            [
                {
                    f"{row['column_name']} before": row["value_before"] or "no row",
                    "after": row["value_after"] or "no row",
                    "direction": row["direction"],
                    who: row["moved"],
                }
                for row in moves
            ],
        )
        up, down = (
            sum(row["moved"] for row in moves if row["direction"] == direction)
            for direction in ("up", "down")
        )
        yield f"{name} {period}: {up:,} {who} move up, {down:,} down"


def _who(row: Manifest) -> str:
    """Whom a table's rows are about, customers for example."""
    return f"{PUBLISHED[row['table_name']].order[0].removesuffix('_id')}s"


# The other commands


def _where_to_look(workspace: Path | None, key: str) -> Items:
    """The files and folders of a workspace to see after the demo, and its key."""
    assert workspace is not None
    yield (
        "\nWhere to look next\n"
        f"  tables      {workspace / 'warehouse'}\n"
        f"  catalog     {workspace / 'warehouse' / 'catalog.duckdb'} (any DuckDB from 1.5 on)\n"
        f"  dictionary  {workspace / 'warehouse' / 'dictionary.md'}\n"
        f"  quarantine  {workspace / 'quarantine'}\n"
        f"  manifests   {workspace / 'runs'}\n"
        f"  status      pointbook status --workspace {workspace}\n"
        f'  key         POINTBOOK_PII_KEY="{key}", for further commands that ingest'
    )


def _init(manifest: Manifest) -> Items:
    """What was made, what was there, and what to do next."""
    made, kept = len(manifest["made"]), len(manifest["kept"])
    where = manifest["workspace"]
    if not made:
        yield f"{where}: all was there already; nothing was changed"
    elif kept:
        yield f"{where}: made {made:,} folders and files; {kept:,} were there and stay as they are"
    else:
        yield f"{where}: made {made:,} folders and files"
    for number, step in enumerate(manifest["next"], 1):
        yield f"  {number}. {step}"


def _exports(manifest: Manifest) -> Items:
    """The exports, a line each."""
    yield _rows(
        "Exports",
        [
            {
                "export": f"{each['export']} {each['title']}",
                "a_row_is": each["description"],
                "columns": len(each["columns"]),
                "required": sum(column["required"] for column in each["columns"]),
                "key": ", ".join(each["key"]),
                "revised_by": each["revision"],
            }
            for each in manifest["exports"]
        ],
    )
    yield "pointbook describe EXPORT shows its columns, rules, codes and an example row"


def _describe(manifest: Manifest) -> Items:
    """What each export must hold: its columns, how each form is written, and an example row."""
    for export in manifest["exports"]:
        table = Table(title=f"{export['export']} {export['title']}: {export['description']}")
        table.title_justify = "left"
        for title in ("column", "Korean name", "form", "meaning", "rule", "example"):
            table.add_column(title, overflow="fold")
        for column in export["columns"]:
            name = column["column"] + ("*" if column["required"] else "")
            counted = f"{column['form']}, {column['unit']}" if column["unit"] else column["form"]
            cells = (column["korean"], counted, column["meaning"], column["rule"])
            table.add_row(name, *cells, column["example"])
        yield table
        revised = f"; the highest {export['revision']} of a key is current"
        key = f"Key: {', '.join(export['key'])}{revised if export['revision'] else ''}"
        yield f"* required. {key}. Other columns are not read."
        yield from (f"  {rule.replace('`', '')}" for rule in export["rules"])
        yield "How it may be written:"
        yield from (f"  {form}: {how}" for form, how in export["written"].items())
        yield "A file of one row:"
        yield from (f"  {line}" for line in export["example"].splitlines())


def _source(manifest: Manifest) -> Items:
    """What a draft matched, which codes it found, what is unsure, and what is left to fill in."""
    form = manifest["form"]
    parts = [form["container"], form["encoding"], form["sheet"] and f"sheet {form['sheet']}"]
    if form["delimiter"]:
        parts.append(f"delimiter {_NAMES.get(form['delimiter'], form['delimiter'])}")
    if form["header_line"] > 1:
        parts.append(f"header in line {form['header_line']}")
    if form["footers"]:
        parts.append("lines at the end that are no rows")
    first = "" if form["all_rows"] else "the first "
    told = ", ".join(part for part in parts if part)
    yield f"{manifest['file']}: {told}, {first}{form['rows']:,} rows looked at"
    for count, what in (
        (
            form["odd_last_lines"],
            "at the end have few fields; if they are none, name them in footer",
        ),
        (form["unsplit_rows"], "could not be split into the header's columns"),
    ):
        if count:
            yield f"  {count:,} rows {what}"
    yield _rows(
        f"{manifest['export']}: our columns, and theirs",
        [
            {
                "ours": column["column"] + "*" * column["required"],
                "theirs": shown(" + ".join(column["theirs"])),
                "by": column["how"],
                "read_as": column["read"],
                "unsure": "; ".join(column["doubts"]),
            }
            for column in manifest["columns"]
        ],
    )
    if manifest["codes"]:
        yield _rows("Codes", manifest["codes"])
    if manifest["not_read"]:
        yield f"Not read: {', '.join(manifest['not_read'])}"
    verb = "wrote" if manifest["written"] else "all was there already in"
    yield f"{verb} {manifest['source']}"
    if manifest["left"]:
        yield "Left to fill in:"
        yield from (f"  {line}" for line in manifest["left"])
    yield "Next:"
    yield from (f"  {number}. {step}" for number, step in enumerate(manifest["next"], 1))


def _ingest(manifest: Manifest) -> Items:
    """Rows by export, files that were refused, and folders in landing that are no export's."""
    files = manifest["files"]
    for file in files:
        yield from map(shown, _unmapped(file))
    yield from _files_by_export(files)
    if not files:
        yield "nothing has landed: drop exports into landing/<export>/ of the workspace"
    known = sum(file["status"] == "known" for file in files)
    if known:
        yield f"{known:,} files were delivered before; nothing of them changed"
    if manifest["left_out"]:
        yield f"left out, as no deliveries: {', '.join(map(shown, manifest['left_out']))}"
    for name in manifest["strangers"]:
        yield f"ignored: landing/{shown(name)} is no export's folder"


def _files_by_export(files: Sequence[Manifest]) -> Items:
    """Rows by export and what became of them, then the files that were rejected or held back."""
    rows = []
    for export in dict.fromkeys(file["export"] for file in files):
        counts: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        own = [file for file in files if file["export"] == export]
        for file in own:
            counts.update(file["rows"])
            reasons.update(file["reasons"])
        fates = {fate: counts[fate] for fate in _FATES}
        why = _most_frequent(reasons)
        rows.append({"export": export, "files": len(own), **fates, "of the rejected, why": why})
    if rows:
        yield _rows("Rows by export", rows)
    for file in files:
        yield from map(shown, _about_refusal(file))


def _unmapped(file: Manifest) -> Iterator[str]:
    """The codes that a file's source lists no meaning for: what an operator has to mend first."""
    for reason, found in file.get("unlisted_values", {}).items():
        if found.get("unmapped"):
            values = ", ".join(f"{value} {count:,}" for value, count in found["values"].items())
            allowed = f"; ours are {', '.join(found['allowed'])}" if found["allowed"] else ""
            yield (
                f"unmapped codes: {file['export']}/{file['file']}: {reason}: {values}; add them to "
                f"the source {file['source']}{allowed}"
            )


def _about_refusal(file: Manifest) -> Iterator[str]:
    """Why a file was refused, what is in no list of codes, and columns that are not read."""
    name = f"{file['export']}/{file['file']}"
    if file["status"] in ("rejected", "held_back"):
        yield f"{file['status'].replace('_', ' ')}: {name}: {file['reason']}"
    for reason, unlisted in file.get("unlisted_values", {}).items():
        if unlisted.get("unmapped"):
            continue
        values = ", ".join(f"{value} {count:,}" for value, count in unlisted["values"].items())
        yield f"{name}: {reason}: {values}; allowed: {', '.join(unlisted['allowed'])}"
    for delivered, column in file.get("near_names", {}).items():
        yield (
            f"warning: {name}: its column {delivered} is not read; if it is {column}, name it so"
        )
    if file.get("undecodable_rows"):
        yield f"{name}: {file['undecodable_rows']:,} rows don't decode as {file['encoding']}"
    if file.get("title_lines"):
        yield f"{name}: {file['title_lines']:,} lines above its header are no rows"
    if file.get("footer_lines"):
        yield f"{name}: {file['footer_lines']:,} lines below its rows are a footer"
    if file.get("other_sheets"):
        others = ", ".join(file["other_sheets"])
        yield f"{name}: of its sheets {file['sheet']} was read; not read: {others}"


def _most_frequent(reasons: Counter[str]) -> str:
    """The most frequent reasons with their rows, and how many others there are."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{reason} {count:,}" for reason, count in ranked[:_REASONS_SHOWN]]
    if len(ranked) > _REASONS_SHOWN:
        parts.append(f"{len(ranked) - _REASONS_SHOWN} more")
    return ", ".join(parts)


def _check(manifest: Manifest) -> Items:
    for file in manifest["files"]:
        yield from _about_checked(file)
        told = {"status": None, **{name: file.get(name) or {} for name in _TOLD_OF_FILES}}
        yield from map(shown, _unmapped(file | told))
        yield from map(shown, _about_refusal(file | told))
        if file.get("reasons"):
            yield _examples(file["reasons"])
    if manifest["left_out"]:
        yield f"left out, as no deliveries: {', '.join(map(shown, manifest['left_out']))}"


def _about_checked(file: Manifest) -> Iterator[str]:
    """What ingest would make of a file: verdict, export, form, header and rows."""
    verdict = _VERDICTS[file["status"]]
    if file["status"] == "accepted" and file["rows"]["quarantined"]:
        rows = file["rows"]
        none = rows["quarantined"] == rows["delivered"]
        verdict = (
            "would be delivered, but no row of it accepted"
            if none
            else f"would be accepted without {rows['quarantined']:,} rejected rows"
        )
    yield f"{file['file']}: {verdict}{': ' if file['reason'] else ''}{file['reason'] or ''}"
    if file["export"]:
        yield f"  export     {file['export']} (told by {_TOLD_BY[file['export_told_by']]})"
    if file.get("source"):
        yield f"  source     {file['source']} ({file['source_taken']})"
    if file["container"]:
        delimiter = file.get("delimiter")
        parts = [
            file["container"],
            file["compression"],
            file.get("unlike_its_name") and "unlike its name",
            file.get("encoding"),
            delimiter and f"delimiter {_NAMES.get(delimiter, delimiter)}",
            file.get("sheet") and f"sheet {file['sheet']}",
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
    """Rejected rows by reason with examples; the raw text gets what is left of the width."""
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


def _open(manifest: Manifest) -> Items:
    """The file of lots, examples of rejected rows, and what the ledger opens with."""
    yield from _files_by_export(manifest["files"])
    if manifest.get("rejected"):
        yield _examples(manifest["rejected"])
    month, ledger, totals = manifest["month"], manifest["ledger"], manifest["totals"]
    if ledger is None:
        return
    lots = [row | {"last_month": row["last_month"] or "never"} for row in manifest["lots"]]
    yield _rows(f"Lots of {ledger} that {month} opens with", lots)
    amounts = manifest["files"][0]["amounts"]["remaining"]
    yield (
        f"{month} opens with {totals['remaining']:,} {ledger} in {totals['lots']:,} lots of "
        f"{totals['owners']:,} owners, {totals['usable']:,} of them usable; of the file's "
        f"{amounts['delivered']:,}, {amounts['quarantined']:,} stood in rejected rows and "
        f"{amounts['duplicate']:,} in duplicates"
    )


def _status(manifest: Manifest) -> Items:
    """What was refused, what is staged and published, what is missing, and the last backfills."""
    holder = manifest["held_by"]
    at_work = f", in which {shown(holder)} is at work" if holder else ""
    yield f"Workspace {shown(manifest['workspace'])}{at_work}"
    for file in manifest["refused"]:
        what = f"{file['export']}/{file['name']}: {file['reason']}"
        yield (
            f"{file['status'].replace('_', ' ')}: {shown(what)}; deliver it mended, or take it out "
            "of landing"
        )
    yield _rows("Staged", manifest["staged"])
    rows = [
        {
            "table": found[0]["table"],
            "period": periods,
            "rows": sum(row["rows"] for row in found),
            "state": found[0]["state"],
            "why": found[0]["why"],
        }
        for periods, found in spans(_periods_of_tables(manifest), "table", "state", "why")
    ]
    yield _rows("Published", rows)
    missing = manifest["missing"]
    for item in missing[:_LISTED]:
        yield f"missing: {item['command']} (due {item['due']}): run it, or pointbook run"
    if len(missing) > _LISTED:
        yield (
            f"missing: {len(missing) - _LISTED:,} more; for all of them: pointbook run "
            f"--from {missing[0]['due'][:7]} --to {missing[-1]['due'][:7]}"
        )
    *before, last = manifest["backfills"] or [None]
    yield from map(_backfill_line, before)
    if last:
        yield _backfill_line(last, goes_on=(holder or "").startswith("run "))


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


def _backfill_line(backfill: Manifest, goes_on: bool = False) -> str:
    """A backfill in one line: what was asked for and what came of it; `goes_on`: if nothing yet."""
    asked = f"run --from {backfill['from']} --to {backfill['to']}"
    asked += " --force" if backfill["force"] else ""
    asked += f" ({shown(backfill['reason'])})" if backfill["reason"] else ""
    came = "goes on" if goes_on else "did not end"
    if backfill["exit"] is not None:
        made, current = len(backfill["ran"]), backfill["current"]
        came = f"made {made:,} periods, {current:,} were current, exit {backfill['exit']}"
    return f"backfill {backfill['backfill']} of {backfill['at'][:10]}: {asked}: {came}"


def _serve(manifest: Manifest) -> Items:
    """The deployments with their cron expressions and next runs."""
    yield _rows(
        f"Deployments, with their next runs in {manifest['timezone']}",
        [
            {
                "deployment": each["deployment"],
                f"cron, in {manifest['schedules']}": "\n".join(each["crons"])
                or "none: not in force",
                "next runs": ", ".join(
                    f"{run['at'][:16].replace('T', ' ')} ({run['period'] or 'daily'})"
                    for run in each["next"]
                ),
            }
            for each in manifest["deployments"]
        ],
    )


def _restore(manifest: Manifest) -> Items:
    would = "would be" if manifest["status"] == "dry_run" else "are"
    tables = ", ".join(f"{row['table_name']} {row['period']}" for row in manifest["tables"])
    yield f"as {manifest['version']} left them {would} {tables}"


def _verify(manifest: Manifest) -> Items:
    """What each check counted, and the periods of which it can say nothing."""
    for check in manifest["checks"]:
        counts = (f"{count:,} {name}" for name, count in check.items() if name != "check")
        yield f"{check['check']}: {', '.join(counts)}"
    stale = manifest["stale"]
    if stale:
        yield (
            f"{len(stale):,} periods are stale: what changed since says nothing about them, until "
            "these renew them"
        )
    for line, changed in stale.items():
        yield f"  {line} (changed: {', '.join(changed)})"
    if not manifest["wrong"]:
        yield f"nothing is wrong with {manifest['table'] or 'what is published'}"


def _retention(manifest: Manifest) -> Items:
    """What is kept longer than its term, by subject, and whether it was removed."""
    columns = ("subject", "months", "files", "bytes", "rows", "oldest")
    subjects = [{name: row[name] for name in columns} for row in manifest["subjects"]]
    yield _rows(f"Kept longer than its term on {manifest['on']}", subjects)
    if not any(row["files"] for row in subjects):
        yield "nothing is kept longer than its term"
    elif manifest["removed"]:
        yield f"removed; the tombstones are in runs/{manifest['run_id']}/manifest.json"
    else:
        yield "nothing was removed; --remove does"


def _catalog(manifest: Manifest) -> Items:
    yield f"rebuilt {manifest['catalog']}"


def _sample(manifest: Manifest) -> Items:
    rows = [
        {"export": export, **{fate: totals[fate] for fate in _FATES}}
        for export, totals in manifest["exports"].items()
    ]
    yield _rows("Sample", rows)
    yield f"written to {manifest['out']}, with truth.json"


def _policies(manifest: Manifest) -> Items:
    """The policies' values, or where two folders differ: a table for each policy."""
    differ = manifest["changes"] is not None
    found = manifest["changes" if differ else "values"]
    for name, group in groupby(found, key=lambda row: row["policy"]):
        rows = list(group)
        yield f"\n{name}: {rows[0]['about']}"
        yield from _changed_values(rows) if differ else _values_of_policy(rows)
    if not found:
        what = "no value differs" if differ else "no value is in force"
        yield f"{what} on {manifest['on']}" if manifest["on"] else what
    if differ and not found and manifest["digest"] != manifest["changed_from"]:
        yield "the folders differ in units, titles, notes or sources alone"


def _values_of_policy(values: Sequence[Manifest]) -> Items:
    """A policy's rows with all their values; a source that all of them share stands below."""
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for value in values:
        row = rows.setdefault((*value["key"].values(), value["since"]), {**value["key"]})
        row[value["column"]] = value["value"]
        row |= {name: row.pop(name, value[name]) for name in ("since", "until", "source")}
    sources = {row["source"] for row in rows.values()}
    if len(sources) == 1:
        rows = {key: {k: v for k, v in row.items() if k != "source"} for key, row in rows.items()}
    yield _rows("", list(rows.values()))
    units = dict.fromkeys(value["unit"] for value in values)
    yield f"unit: {', '.join(units)}{f'; source: {sources.pop()}' if len(sources) == 1 else ''}"


def _changed_values(changes: Sequence[Manifest]) -> Items:
    """Each value that differs, before and after, and the sources of those after."""
    rows = []
    for change in changes:
        sides = {side: change[side] for side in ("before", "after")}
        told = {
            side: "not in force" if of is None else _cell(of["value"]) or "null"
            for side, of in sides.items()
        }
        rows.append(
            {
                **change["key"],
                "value": change["column"],
                **told,
                **{name: change[name] for name in ("since", "until")},
                "source": (change["after"] or {}).get("source"),
            }
        )
    yield _rows("", rows)


def _liability(manifest: Manifest) -> Items:
    """The points outstanding, by month of expiry and kind, and what they come to."""
    on = manifest["on"].replace("T", " ")
    said = ("no_won_for", "usable_krw", "left_refundable_krw")
    rows = [{k: v for k, v in row.items() if k not in said} for row in manifest["rows"]]
    yield _rows(f"Points outstanding on {on}, by when they lapse", rows)
    left = manifest["left_refundable"] + manifest["left_not_refundable"]
    yield (
        f"{manifest['points']:,} points: {manifest['usable']:,} usable, {manifest['past']:,} past "
        f"their day, {left:,} of owners who left ({manifest['left_refundable']:,} of them "
        "refundable)"
    )
    yield from _no_won(manifest["no_won_for"])
    yield from _stale(manifest["stale"])
    yield from _as_of(manifest)


def _finance(manifest: Manifest) -> Items:
    """The roll-forward of the whole span, what is written where, and what the sheets can't say."""
    span = f"{manifest['from']} to {manifest['to']}"
    for ledger, group in groupby(manifest["totals"], key=lambda row: row["ledger"]):
        rows = [{k: v for k, v in row.items() if k != "ledger"} for row in group]
        moved = [name for name in rows[0] if any(row[name] for row in rows)]
        yield _rows(f"{ledger}, {span}", [{name: row[name] for name in moved} for row in rows])
    sheets = [{"sheet": each["sheet"], "rows": len(each["rows"])} for each in manifest["sheets"]]
    yield _rows("Sheets, as CSV and Parquet", sheets)
    yield from _no_won(manifest["no_won_for"])
    if manifest["no_estimate_for"]:
        kinds = ", ".join(manifest["no_estimate_for"])
        yield f"no breakage is estimated of {kinds}: breakage_method.yaml gives no method"
    yield from _stale(manifest["stale"])
    yield from _as_of(manifest)
    yield f"{manifest['ties']:,} ties, all of them 0; written to {manifest['out']}"


def _report(manifest: Manifest) -> Items:
    """What the report says of itself, and where it is."""
    if "ties" in manifest:
        pages = ", ".join(page["page"] for page in manifest["pages"])
        yield f"pages: {pages}; through {manifest['to']}"
        yield from _stale(manifest["stale"])
        yield f"{manifest['ties']:,} comparisons of published tables, all of them 0"
        yield from _as_of(manifest)
    yield f"written to {manifest['out']} ({manifest['bytes'] / 1_000_000:.1f} MB)"


def _table(manifest: Manifest) -> Items:
    """A period's first rows, and where all of them are."""
    first = list(map(_with_years, manifest["first_rows"]))
    if len(manifest["columns"]) > _ABREAST:
        first = first[:_UPRIGHT]
    rows, shown_ = manifest["rows"], len(first)
    title = " ".join(filter(None, (manifest["table"], manifest["period"])))
    if len(manifest["columns"]) > _ABREAST:
        first = [
            {"column": each["column"]}
            | {f"row {number}": row[each["column"]] for number, row in enumerate(first, 1)}
            for each in manifest["columns"]
        ]
    yield _rows(title, first)
    if "out" in manifest:
        yield f"{rows:,} rows, written to {manifest['out']}"
    else:
        more = "" if rows == shown_ else f", of which {shown_:,} are shown; --out FILE gets all"
        yield f"{rows:,} rows{more}"
    yield from _as_of(manifest)


def _with_years(row: Manifest) -> Manifest:
    """A row whose years are no numbers with commas."""
    return {name: str(v) if name.endswith("year") and v else v for name, v in row.items()}


def _sql(manifest: Manifest) -> Items:
    """An answer's first rows, and how many there are."""
    rows = manifest["rows"]
    if rows:
        yield _rows("", list(map(_with_years, rows[:_ANSWERED])))
    shown_ = min(len(rows), _ANSWERED)
    more = f", of which {shown_:,} are shown; --csv prints all" if len(rows) > shown_ else ""
    yield f"{len(rows):,} rows{more}"


def _questions(manifest: Manifest) -> Items:
    """The questions that are kept, by reader, with how they are asked."""
    for reader, group in groupby(manifest["questions"], key=lambda each: each["for"]):
        yield _rows(
            reader,
            [
                {
                    "ask": " ".join(
                        [each["name"], *(f"{k}={v}" for k, v in each["parameters"].items())]
                    ),
                    "question": each["question"],
                }
                for each in group
            ],
        )


def _as_of(manifest: Manifest) -> Items:
    """Of which earlier state it is, if it is of one."""
    if then := manifest.get("as_of"):
        run_id, deliveries = then["run_id"], then["deliveries_through"]
        yield f"as of {then['asked']}: after run {run_id}, deliveries through {deliveries}"


def _no_won(missing: Mapping[str, Sequence[str]]) -> Items:
    """For which kinds and uses nobody has said what a point is worth."""
    if missing:
        told = "; ".join(f"{kind}: {', '.join(uses)}" for kind, uses in missing.items())
        yield f"no won for {told}: point_value.yaml says none"


def _stale(periods: Sequence[Manifest]) -> Items:
    """What is told although it is stale."""
    for each in periods:
        yield f"stale: {each['table']} {each['period']}: {each['why']}"


def _of_scenario(lines: Callable[[Manifest], Lines]) -> Callable[[Manifest], Items]:
    """What is printed of scenarios: tables are made of the titles and rows."""
    return lambda manifest: (
        each if isinstance(each, str) else _rows(*each) for each in lines(manifest)
    )


_OTHERS: Final[Mapping[str, Callable[[Manifest], Items]]] = {
    "init": _init,
    "exports": _exports,
    "describe": _describe,
    "source": _source,
    "ingest": _ingest,
    "check": _check,
    "open": _open,
    "restore": _restore,
    "status": _status,
    "serve": _serve,
    "verify": _verify,
    "retention": _retention,
    "catalog": _catalog,
    "policies": _policies,
    "liability": _liability,
    "finance": _finance,
    "report": _report,
    "table": _table,
    "sql": _sql,
    "questions": _questions,
    "sample": _sample,
    "simulate": _of_scenario(scenario_lines),
    "compare": _of_scenario(compared_lines),
    "scenarios": _of_scenario(listed_lines),
    "removed": _of_scenario(removed_lines),
}
