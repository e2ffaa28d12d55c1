"""The report: what is published, in one page for everybody who asks, from one committed state.

It reads the small tables, never lots, entries or bills: tables with a row a customer or request
only of the last months, so that no size of workspace makes it slow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.answers.reading import PRESENT, Reader, Which
from flows.answers.report.blocks import (
    ORDERS,
    PAGES,
    RUNS_LISTED,
    TIES,
    Block,
    Row,
    blocks_of,
)
from flows.answers.report.html import made_page
from flows.answers.report.masks import margins_of, masked, without_rows
from flows.answers.report.scenarios import scenarios_of
from flows.answers.sheets import plain, read_whole, sources, stale_periods
from flows.answers.targets import require_target
from flows.calendar.plan import Finding, overview
from flows.commands.registry import COMMANDS
from flows.console import progress
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, ProofFailed, RunFailed, WrongUsage
from flows.publishing.catalog import last_used_policies, values_of_policies
from flows.publishing.ledgers import POINTS
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.workspace import private
from flows.publishing.write_audit import Inputs, name_inputs, run_context
from schemas.catalog import SHOWN
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.engine.engine import Engine
from transforms.engine.plain import relation_of
from transforms.policies.assessment import assessment

FORMAT: Final = "pointbook.report.v1"
_RECENT: Final = (
    *("redemption_results", "refund_results", "limit_results", "micropayment_results"),
    *("micropayment_usage", "award_results", "mixed_payment_results"),
    *("mileage_balances", "mileage_movements"),
)
"""Of these the last 13 months are read: the last month, and the same one of the year before."""
_LATEST_YEARS: Final = ("tier_snapshot", "tier_bands", "point_grants")
"""Of these the latest membership year and the one before are read."""
_OF_MONTHS: Final = ("point_liability", "mileage_balances", "micropayment_usage")
"""Each month that is closed has a file of one of these."""


def _schema(of: str) -> pa.Schema:
    return pa.schema([(name, each.dtype) for name, each in SHOWN[of].columns.items()])


RELATIONS: Final[Mapping[str, pa.Schema]] = {
    "runs": _schema("runs"),
    "policies": _schema("policies"),
    "staged_months": pa.schema({"export": pa.string(), "month": pa.string(), "rows": pa.int64()}),
    "delivered_files": pa.schema(
        {
            "delivery": pa.int64(),
            **dict.fromkeys(("export", "file", "status"), pa.string()),
            **dict.fromkeys(
                ("delivered", "accepted", "duplicate", "stale", "quarantined", "held_back"),
                pa.int64(),
            ),
        }
    ),
    "rejected_rows": pa.schema({"export": pa.string(), "reason": pa.string(), "rows": pa.int64()}),
    "restated_values": pa.schema(
        {
            **dict.fromkeys(("run_id", "table_name", "column_name", "direction"), pa.string()),
            "rows": pa.int64(),
            "difference": pa.int64(),
        }
    ),
}
"""What blocks read beside published tables: manifests, commit records and kept policies."""
FROM: Final[Mapping[str, str]] = {
    "runs": "the manifests of runs; in the catalog, runs.runs",
    "policies": "the policies that the latest run used; in the catalog, policies.policies",
    "staged_months": "the commit records' number of rows of each staged month",
    "delivered_files": "the files in the manifests of ingests",
    "rejected_rows": "the reasons in the manifests of ingests",
    "restated_values": "what the manifests of runs tell of restatements",
}
"""Where each of them comes from, as readers are told."""


@dataclass(frozen=True)
class Asked:
    """What a report is asked for.

    `to`: the last month, else the last that is published. `pages`: names, else all. `scenarios`:
    names. `least`: fewer people than this are not counted. `made_on`: the line that says when.
    """

    to: Period | None = None
    pages: Sequence[str] = ()
    scenarios: Sequence[str] = ()
    least: int = 1
    made_on: str = ""

    def checked(self) -> Asked:
        """Itself, with every page where none is named; raises WrongUsage for one that isn't, and
        for scenarios without their page.
        """
        for name in self.pages:
            if name not in PAGES:
                raise WrongUsage(f"no page is called {name}; the pages are {', '.join(PAGES)}")
        pages = [name for name in PAGES if not self.pages or name in self.pages]
        if self.scenarios and "scenarios" not in pages:
            raise WrongUsage("--scenarios stand on the page scenarios; name it in --pages as well")
        return Asked(self.to, pages, self.scenarios, self.least, self.made_on)


def report(
    options: Options, asked: Asked, out: Path | None = None, which: Which = PRESENT
) -> dict[str, Any]:
    """Writes the report as one HTML file; returns what it holds, and where it is.

    `out`: else `<workspace>/reports/<last month>.html`, with what is asked for behind where that
    is less than all. `which`: the state that it is of. Raises NotReady where nothing, or nothing
    of that month, is published; WrongUsage for a page, scenario or file that can't be; ProofFailed
    where two tables differ: the file is written all the same, and says so in red.
    """
    asked = asked.checked()
    if out is not None:
        require_target(options, out)
    with progress.working("writing the report", lambda: -1.0):
        found = read_whole(options, lambda reader: Report(reader, options, asked).made(), which)
        target = out or options.workspace / "reports" / _name_of(found)
        target = target.expanduser().absolute()
        found["bytes"] = write_page(target, made_page(found))
    if found["broken"]:
        first = found["broken"][0]
        raise ProofFailed(
            f"{first['tie']} of {first['period']} differ by {first['difference']:+,} (of "
            f"{len(found['broken'])} that do); {target} says so: `pointbook verify` says what "
            "mends it"
        )
    return found | {"out": str(target)}


def _name_of(found: Mapping[str, Any]) -> str:
    """The name of a report's file: one of some pages, or that tells less, replaces no whole one."""
    pages = [page["page"] for page in found["pages"]]
    parts = [found["to"], *([] if len(pages) == len(PAGES) else pages)]
    if found["least"] > 1:
        parts.append(f"least-{found['least']}")
    if "as_of" in found:
        parts.append(f"as-of-{found['as_of']['run_id']}")
    return f"{'-'.join(parts)}.html"


def write_page(target: Path, text: str) -> int:
    """Writes a page beside its place and puts it there, its owner's alone; returns its bytes."""
    content = text.encode()
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with private():
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            temporary.write_bytes(content)
            temporary.replace(target)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise RunFailed(
            f"{error.filename or target}: {error.strerror}; nothing was written: mend this, or "
            "name another file with --out"
        ) from error
    return len(content)


class Report:
    """What a report holds, of one state."""

    def __init__(self, reader: Reader, options: Options, asked: Asked) -> None:
        self._reader = reader
        self._context: Context = reader.context
        self._options = options
        self._asked = asked
        self._to = asked.to or max(self._months())
        self._manifests = list(_manifests(reader))
        self._policies = last_used_policies(self._context.workspace, self._context.state)

    def made(self) -> dict[str, Any]:
        """The report as JSON has it; raises NotReady where the month is not published."""
        self._require_published()
        blocks = blocks_of(self._asked.pages)
        given = self._given()
        inputs = self._inputs(blocks)
        rows = self._rows(blocks, given, inputs)
        findings = list(overview(self._context))
        stale = stale_periods(self._context, findings)
        scenarios = (
            scenarios_of(self._options.place, self._asked.scenarios)
            if "scenarios" in self._asked.pages
            else []
        )
        shown = {
            block.name: self._shown(block, rows[block.name])
            | {"published": _is_published(block, inputs)}
            for block in blocks
        }
        return {
            "format": FORMAT,
            "workspace": self._options.workspace.name,
            "to": str(self._to),
            "least": self._asked.least,
            "made_on": self._asked.made_on,
            "policies": self._policies or self._context.policies.digest,
            "policies_shipped": self._context.policies.digest,
            "last_run": max((each["run_id"] for each in self._manifests), default=None),
            "run_count": len(self._manifests),
            "run_context": {name: plain(value) for name, value in given.items()},
            "ties": len(rows[TIES.name]),
            "broken": [row for row in rows[TIES.name] if row["difference"]],
            "stale": stale,
            "missing": _missing(findings),
            "pages": [
                {
                    "page": name,
                    "title": PAGES[name].title,
                    "reader": PAGES[name].reader,
                    "blocks": [shown[block.name] for block in PAGES[name].blocks],
                }
                for name in self._asked.pages
            ],
            "scenarios": scenarios,
            "sources": sources(
                self._context, {name: list(of.values()) for name, of in inputs.files.items()}
            ),
            **self._reader.told,
        }

    def _months(self) -> list[Period]:
        """The months that a ledger has closed, else those in which years fell due; where there are
        none, for pages that read nothing published, those that are staged. Raises NotReady where
        there are none at all.
        """
        context = self._context
        closed = _months_of(context, _OF_MONTHS)
        if closed:
            return closed
        months = [
            Period.month_of(command.due_on(context.policies, period))
            for command in COMMANDS.values()
            if command.span == "year"
            for period in context.periods(command.tables[0])
            if period.span == "year"
        ]
        read = {
            name
            for page in self._asked.pages
            for block in PAGES[page].blocks
            for name in block.transform.inputs
        }
        if not months and not read & PUBLISHED.keys():
            months = _months_of(context, [name for name, each in EXPORTS.items() if each.month_of])
        if not months:
            raise NotReady(
                f"{self._options.workspace}: nothing is published; run `pointbook run --from "
                "YYYY-MM --to YYYY-MM` first"
            )
        return months

    def _require_published(self) -> None:
        """Raises NotReady for a month after the last that is published, or before the first."""
        months = self._months()
        first, last = min(months), max(months)
        if not first <= self._to <= last:
            raise NotReady(
                f"{self._to} is not published: months from {first} to {last} are; run "
                f"`pointbook run --from {self._to} --to {self._to}` first"
            )

    def _given(self) -> dict[str, Any]:
        """The row of `run_context`: the periods that the blocks are of."""
        to, year_ago = self._to, _year_before(self._to)
        year = self._last_year("tiers")
        listed = sorted(each["run_id"] for each in self._manifests)[-RUNS_LISTED:]
        return {
            "last_month": str(to),
            "last_day": to.last_day,
            "last_period": str(self._ends_with(to)),
            "year_ago_month": str(year_ago),
            "year_ago_period": str(self._ends_with(year_ago)),
            "two_years_ago_period": str(self._ends_with(_year_before(year_ago))),
            "membership_year": year.year,
            "assessed_on": assessment(self._context.policies, year).assessed_on,
            "status_year": self._last_year("elite").year,
            "listed_from": listed[0] if listed else "",
        }

    def _ends_with(self, month: Period) -> Period:
        """A month, or the year's end after it where that is published."""
        ends_year = month == month.december
        swept = ends_year and self._context.file_of(POINTS.lots, month.year_end)
        return month.year_end if swept else month

    def _last_year(self, command: str) -> Period:
        """The last published year of a command that fell due by the last month."""
        declared = COMMANDS[command]
        years = [
            period
            for period in self._context.periods(declared.tables[0])
            if Period.month_of(declared.due_on(self._context.policies, period)) <= self._to
        ]
        return max(years, default=self._to.whole_year)

    def _inputs(self, blocks: Sequence[Block]) -> Inputs:
        """The files of the tables that blocks read, none of a later period than is reported."""
        given = self._given()
        names = {name for block in blocks for name in block.transform.inputs} - {"run_context"}
        return Inputs(
            {
                name: {
                    period: path
                    for period, path in self._context.files(name).items()
                    if self._is_read(name, period, given)
                }
                for name in sorted(names & (PUBLISHED.keys() | STAGED_RELATIONS.keys()))
            }
        )

    def _is_read(self, table: str, period: str, given: Mapping[str, Any]) -> bool:
        """Whether a period of a table is part of the report."""
        first, last = "", str(given["last_period"])
        if table == "point_balances":
            first = last
        if table == "elite_status":
            last = str(given["status_year"])
        if table == "expiry_sweep":
            period = f"{period}-YE"
        declared = PUBLISHED.get(table)
        if declared is not None and declared.partition == "membership_year":
            last = str(given["membership_year"])
            first = str(given["membership_year"] - 1) if table in _LATEST_YEARS else ""
        if table in _RECENT:
            first, last = given["year_ago_month"], given["last_month"]
        return first <= period <= last

    def _rows(
        self, blocks: Sequence[Block], given: Mapping[str, Any], inputs: Inputs
    ) -> dict[str, list[Row]]:
        """The rows of every block, as its query gives them, in the order in which they are shown.

        Notes the files as read.
        """
        for files in inputs.files.values():
            self._reader.notes(files.values())
        with temporary_folder() as scratch, self._options.start_engine(scratch) as engine:
            name_inputs(engine, inputs, self._context.state)
            run_context(engine, **given)
            self._name_others(engine)
            return {
                block.name: _ordered(block, engine.rows(block.transform).to_pylist())
                for block in blocks
            }

    def _name_others(self, engine: Engine) -> None:
        """Names what blocks read beside published tables."""
        kept = self._context.workspace.policies
        values = values_of_policies(kept / self._policies) if self._policies else ()
        names = RELATIONS["policies"].names
        rows: dict[str, Sequence[Row]] = {
            "runs": [_run(each) for each in self._manifests],
            "policies": [dict(zip(names, value, strict=True)) for value in values],
            "staged_months": list(_staged_months(self._context)),
            "delivered_files": [_delivered(each, file) for each, file in _files(self._manifests)],
            "rejected_rows": [
                {"export": file["export"], "reason": reason, "rows": count}
                for _, file in _files(self._manifests)
                for reason, count in (file.get("reasons") or {}).items()
            ],
            "restated_values": [row for each in self._manifests for row in _restated(each)],
        }
        engine.tables({name: relation_of(rows[name], RELATIONS[name]) for name in RELATIONS})

    def _shown(self, block: Block, rows: Sequence[Row]) -> dict[str, Any]:
        """A block as JSON has it: its first rows, people too few to be told hidden."""
        counted = [{name: plain(value) for name, value in row.items()} for row in rows]
        for row in counted:
            if row.get("error"):
                row["error"] = without_rows(str(row["error"]))
        found = masked(counted, block, self._asked.least)
        return {
            "block": block.name,
            "told": block.told(found) if found and block.told else "",
            "tables": [name for name in block.transform.inputs if name != "run_context"],
            "rows_in_all": len(found),
            "rows": found if block.pivot or block.charted else found[: block.most],
            "margins": (
                margins_of(counted, found, block, self._asked.least) if block.margins else None
            ),
        }


def _months_of(context: Context, names: Iterable[str]) -> list[Period]:
    """The months of which a file of any of these relations is committed."""
    return [period for name in names for period in context.periods(name) if period.span == "month"]


def _is_published(block: Block, inputs: Inputs) -> bool:
    """Whether there is a file of any of the tables that a block reads, if it reads any."""
    read = [inputs.files[name] for name in block.transform.inputs if name in inputs.files]
    return not read or any(read)


def _year_before(month: Period) -> Period:
    return Period(month.year - 1, month.part)


def _ordered(block: Block, rows: list[Row]) -> list[Row]:
    """The rows in the order of their key, its columns as `ORDERS` says; else as the query says."""
    keys = block.transform.header["keys"].split(", ")
    orders = {
        name: {value: n for n, value in enumerate(ORDERS[block.ordered.get(name, name)])}
        for name in keys
        if block.ordered.get(name, name) in ORDERS
    }
    if not orders:
        return rows

    def place(row: Row) -> list[Any]:
        return [
            orders[name].get(row[name], len(orders[name])) if name in orders else row[name]
            for name in keys
        ]

    return sorted(rows, key=place)


def _missing(findings: Sequence[Finding]) -> list[Row]:
    """What is missing, with the command that makes it."""
    return [
        {"period": finding.due.title, "run": finding.due.line}
        for finding in findings
        if finding.state == "missing"
    ]


def _manifests(reader: Reader) -> Iterator[dict[str, Any]]:
    """The manifests of runs that are committed, and of those that failed, oldest first; of an
    earlier state none of a later run.
    """
    context, then = reader.context, reader.then
    for path in sorted(context.workspace.runs.glob("[0-9]*/manifest.json")):
        if then is not None and path.parent.name > then.run_id:
            return
        manifest = json.loads(path.read_bytes())
        if context.state.has(path) or manifest.get("status") == "failed":
            yield manifest


def _run(manifest: Mapping[str, Any]) -> Row:
    """A row of `runs`, as the catalog's view has it."""
    parameters = manifest.get("parameters") or {}
    period = next(
        (parameters[name] for name in ("month", "year", "period") if parameters.get(name)), None
    )
    return {name: manifest.get(name) for name in RELATIONS["runs"].names} | {
        "period": None if period is None else str(period),
        "files": len(manifest.get("outputs") or ()),
        **{
            name: datetime.fromisoformat(str(manifest[name])[:23])
            for name in ("started_at", "finished_at")
        },
    }


def _staged_months(context: Context) -> Iterator[Row]:
    """How many rows are staged of each month of the exports that are kept by month."""
    for export in EXPORTS:
        for month, path in context.files(export).items():
            if month:
                rows = context.state.entry(path).rows or 0
                yield {"export": export, "month": month, "rows": rows}


def _files(manifests: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Row, Row]]:
    """The delivered files of ingests, each with the manifest that tells of it."""
    for manifest in manifests:
        if manifest["command"] == "ingest" and manifest["status"] == "done":
            for file in manifest.get("files") or ():
                yield dict(manifest), dict(file)


def _delivered(manifest: Mapping[str, Any], file: Mapping[str, Any]) -> Row:
    """A row of `delivered_files`."""
    rows = file.get("rows") or {}
    counted = ("delivered", "accepted", "duplicate", "stale", "quarantined", "held_back")
    return {
        "delivery": manifest.get("delivery"),
        **{name: file.get(name) for name in ("export", "file", "status")},
        **{name: rows.get(name, 0) for name in counted},
    }


def _restated(manifest: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of `restated_values` of a run: who gained and lost an amount, who moved a level."""
    told: list[tuple[Mapping[str, Any], str, int, int | None]] = []
    for row in manifest.get("amounts") or ():
        told.append((row, "gains", row["gaining"], row["gained"]))
        told.append((row, "loses", row["losing"], -row["lost"]))
    told += [(row, row["direction"], row["moved"], None) for row in manifest.get("levels") or ()]
    for row, direction, rows, difference in told:
        if rows:
            yield {
                "run_id": manifest["run_id"],
                "table_name": row["table_name"],
                "column_name": row["column_name"],
                "direction": direction,
                "rows": rows,
                "difference": difference,
            }
