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
from flows.console.terminal import shown
from schemas.derive import unit
from schemas.tables import ELITE_STATUSES, PUBLISHED, TIERS

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
_POINTS_MOVED: Final = ("credited", "spent", "restored", "expired")
_POINTS_LEFT: Final = ("closing", "usable")
_MILES_MOVED: Final = ("credited", "spent", "expired")
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
    _restated(console, manifest)


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
    closes = [run for run in manifest["runs"] if run["command"] in ("points", "sweep")]
    if closes:
        console.print(_ledger_by_year("Points by year", closes, _POINTS_MOVED, _POINTS_LEFT))
    answered = [run for run in manifest["runs"] if run["command"] == "micropayments"]
    if answered:
        console.print(_payments_by_year(answered))
    flown = [run for run in manifest["runs"] if run["command"] == "miles"]
    if flown:
        console.print(_ledger_by_year("Miles by year", flown, _MILES_MOVED, ("closing",)))
    elites = [run for run in manifest["runs"] if run["command"] == "elite"]
    if elites:
        console.print(_members_by_status(elites))
    for item in manifest["skipped"]:
        console.print(f"skipped {item['command']}: {item['reason']}")
    if manifest["current"]:
        console.print(f"current, and left as they are: {len(manifest['current']):,} periods")
    if any(file["status"] == "held_back" for file in manifest["ingest"]["files"]):
        console.print("files were held back: nothing was run")
    elif not any(manifest[part] for part in ("runs", "current", "skipped")):
        console.print(f"nothing falls due from {manifest['from']} to {manifest['to']}")


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
    console.print(_by_year("Customers granted points", [manifest], "points", "customers"))


def _ledger_by_year(
    title: str, closes: Sequence[Manifest], moved: Sequence[str], at_the_end: Sequence[str]
) -> Table:
    """A ledger's control totals by year, from the closes of its periods."""
    table = _table(title, "year", "opening", *moved, *at_the_end)
    for year, totals in _totals_by_year(closes).items():
        table.add_row(
            year,
            f"{totals[0]['opening']:,}",
            *(f"{sum(each[column] for each in totals):,}" for column in moved),
            *(f"{totals[-1][column]:,}" for column in at_the_end),
        )
    return table


def _totals_by_year(closes: Sequence[Manifest]) -> dict[str, list[Manifest]]:
    years: dict[str, list[Manifest]] = {}
    for close in closes:
        years.setdefault(str(close.get("month") or close["year"])[:4], []).append(close["totals"])
    return years


def _points(console: Console, manifest: Manifest, _: Path | None) -> None:
    month = manifest["month"]
    if manifest["starts_ledger"]:
        console.print(f"{month} starts the points ledger: nothing before it is counted")
    answers = _table(f"Answers of {month}", "request", "status", "reason", "requests", "points")
    for row in manifest["answers"]:
        answers.add_row(
            row["request"],
            row["status"],
            row["reason"] or "",
            f"{row['requests']:,}",
            f"{row['points']:,}",
        )
    if manifest["answers"]:
        console.print(answers)
    _movements(console, manifest, month)


def _movements(console: Console, manifest: Manifest, period: str) -> None:
    movements = _table(f"Points moved in {period}", "by", "entries", "points")
    for row in manifest["movements"]:
        movements.add_row(row["kind"], f"{row['entries']:,}", f"{row['points']:,}")
    if manifest["movements"]:
        console.print(movements)
    totals = manifest["totals"]
    console.print(
        f"points of {totals['customers']:,} customers: {totals['opening']:,} opening "
        f"+ {totals['credited']:,} credited - {totals['spent']:,} spent "
        f"+ {totals['restored']:,} restored - {totals['expired']:,} expired "
        f"= {totals['closing']:,} closing, {totals['usable']:,} of them usable",
        soft_wrap=True,
    )


def _payments_by_year(closes: Sequence[Manifest]) -> Table:
    """What subscriptions spent by year, from the closes of its months."""
    columns = ("payments", "approved_total", "usage_notices")
    table = _table("Micropayments by year", "year", "payments", "approved won", "usage notices")
    for year, totals in _totals_by_year(closes).items():
        table.add_row(year, *(f"{sum(each[column] for each in totals):,}" for column in columns))
    return table


def _micropayments(console: Console, manifest: Manifest, _: Path | None) -> None:
    month = manifest["month"]
    if manifest["starts_ledger"]:
        console.print(f"{month} starts the limits: no request before it is counted")
    for what in ("payments", "requests"):
        table = _table(f"Answers to {what} of {month}", "status", "reason", what)
        for row in manifest[what]:
            table.add_row(row["status"], row["reason"] or "", f"{row[what]:,}")
        console.print(table if manifest[what] else f"no {what} in {month}")
    totals = manifest["totals"]
    console.print(
        f"{totals['subscriptions']:,} subscriptions: {totals['approved_total']:,} won approved for "
        f"the next bill; {totals['usage_notices']:,} told of heavy use",
        soft_wrap=True,
    )


def _miles(console: Console, manifest: Manifest, _: Path | None) -> None:
    month = manifest["month"]
    if manifest["starts_ledger"]:
        console.print(f"{month} starts the mileage ledger: nothing before it is counted")
    flights = _table(f"Flights of {month}", "reason", "flights", "suspect distances", "miles")
    for row in manifest["flights"]:
        counts = (row["flights"], row["suspect_distances"], row["miles"])
        flights.add_row(row["reason"] or "earned", *(f"{count:,}" for count in counts))
    if manifest["flights"]:
        console.print(flights)
    answers = _table(f"Answers of {month}", "request", "reason", "requests", "miles")
    for row in manifest["requests"]:
        answers.add_row(
            row["request"],
            row["reason"] or "accepted",
            f"{row['requests']:,}",
            f"{row['miles']:,}",
        )
    if manifest["requests"]:
        console.print(answers)
    totals = manifest["totals"]
    console.print(
        f"miles of {totals['members']:,} members: {totals['opening']:,} opening "
        f"+ {totals['credited']:,} credited - {totals['spent']:,} spent "
        f"- {totals['expired']:,} expired = {totals['closing']:,} closing",
        soft_wrap=True,
    )


def _members_by_status(runs: Sequence[Manifest]) -> Table:
    table = _table("Members by elite status", "status year", *ELITE_STATUSES)
    for run in runs:
        members = {row["status"]: row["members"] for row in run["statuses"]}
        table.add_row(
            str(run["year"]), *(f"{members.get(status, 0):,}" for status in ELITE_STATUSES)
        )
    return table


def _elite(console: Console, manifest: Manifest, _: Path | None) -> None:
    console.print(_members_by_status([manifest]))
    console.print(
        f"from the flights of {manifest['flights_from']} to {manifest['flights_to']}; valid from "
        f"{manifest['valid_from']} to {manifest['valid_to']}"
    )


def _notices(console: Console, manifest: Manifest, _: Path | None) -> None:
    month = manifest["month"]
    if not manifest["opens_from"]:
        console.print(f"{month} starts the points ledger: nobody is told of anything yet")
    table = _table(f"Notices of {month}", "cause", "months ahead", "reached", "customers", "points")
    for row in manifest["notices"]:
        lead = row["lead_months"]
        table.add_row(
            row["cause"],
            "" if lead is None else str(lead),
            "yes" if row["reachable"] else "no",
            f"{row['customers']:,}",
            f"{row['points']:,}",
        )
    console.print(table if manifest["notices"] else f"no notices in {month}")


def _sweep(console: Console, manifest: Manifest, _: Path | None) -> None:
    year = manifest["year"]
    would = "would expire" if manifest["status"] == "dry_run" else "expired"
    table = _table(
        f"Points that {would} at the end of {year}",
        "cause",
        "lots",
        "customers",
        "points",
        "customers never told",
        "points never told",
    )
    for row in manifest["swept"]:
        told = ("customers_never_told", "points_never_told")
        columns = ("lots", "customers", "points", *told)
        table.add_row(row["cause"], *(f"{row[column]:,}" for column in columns))
    console.print(table if manifest["swept"] else f"nothing {would} at the end of {year}")
    _movements(console, manifest, f"the sweep of {year}")


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
    "run": _calendar,
    "plan": _plan,
    "ingest": _ingest,
    "check": _check,
    "tiers": _tiers,
    "grants": _grants,
    "points": _points,
    "micropayments": _micropayments,
    "miles": _miles,
    "elite": _elite,
    "notices": _notices,
    "sweep": _sweep,
    "open": _open,
    "restore": _restore,
    "status": _status,
    "serve": _serve,
    "verify": _verify,
    "retention": _retention,
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
