"""The finance pack: sheets that tie to the published tables, or nothing (B2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.answers.liability import liability_rows, no_won
from flows.answers.pack import Pack
from flows.answers.reading import PRESENT, Reader, Which
from flows.answers.sheets import name_all, plain_rows, read_whole, rows_of, sources, stale_periods
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, ProofFailed, WrongUsage
from flows.proofs.as_of import asked_then
from flows.publishing.ledgers import LIMITS, MILES, POINTS, Ledger
from flows.publishing.options import END_OF_DAY, Options
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, run_context
from schemas.periods import Period, months_between
from schemas.sheets import SHEETS
from transforms.engine.engine import load_transform
from transforms.engine.plain import relation_of
from transforms.policies.assessment import assessment

FORMAT: Final = "pointbook.finance.v1"
_HELPERS: Final = ("finance_lots", "finance_entries", "finance_movements", "lots_taken_over")
_IN_ORDER: Final = (
    *("roll_forward", "cohorts", "breakage", "settlement", "micropayment_bills", "collected"),
    "proof",
)
"""The sheets as they are made, liability apart: some read those before them."""
_OF_LEDGER: Final[Mapping[Ledger, Sequence[str]]] = {
    POINTS: (
        *("point_entries", "point_lots", "point_balances", "point_liability"),
        *("point_movements", "refund_results"),
    ),
    MILES: ("mileage_entries", "mileage_lots", "mileage_balances", "mileage_movements"),
    LIMITS: ("micropayment_bill_lines", "micropayment_results"),
}
"""What each ledger's periods are reported from."""
_MOVEMENTS: Final = {"point_movements": POINTS, "mileage_movements": MILES}
_COUNTED: Final = {POINTS: "points", MILES: "miles"}
_SUMMED: Final = (
    *("credited", "redeemed", "given_back", "refunded"),
    *("expired_validity", "expired_inactivity", "expired_policy_change"),
)

REPORTED_PERIODS: Final = pa.schema(
    {
        "ledger": pa.string(),
        "period": pa.string(),
        "opens_from": pa.string(),
        "last_day": pa.date32(),
        "ends_year": pa.bool_(),
    }
)
"""The periods of a ledger that are reported, each with the one that it opens from."""
WINDOWS: Final = pa.schema(
    {"membership_year": pa.int64(), "billing_month": pa.string(), "assessed_on": pa.date32()}
)
"""The months of bills that membership years rest on (T1)."""
PUBLISHED_FILES: Final = pa.schema(
    {name: pa.string() for name in ("table_name", "period", "run_id", "sha256", "stale")}
)
"""The files that sheets are compared with: who published each, and why it is stale if it is."""


def finance(
    options: Options,
    first: Period,
    last: Period,
    out: Path | None = None,
    least: int = 1,
    which: Which = PRESENT,
) -> dict[str, Any]:
    """Writes the sheets of a span of months to a folder; returns what finance.json holds.

    `out`: else `<workspace>/reports/finance-<first>-<last>`, of an earlier state with its run
    behind; a pack that is there is replaced. `least`: fewer people than this are not counted.
    `which`: the state that is asked about. Raises WrongUsage for a folder with anything
    else in it, or a span that ends before it begins; NotReady, with the command that closes it, for
    a period that is not published; ProofFailed for the first tie with a difference: nothing is
    written then.
    """
    if last < first:
        raise WrongUsage(f"--to {last} lies before --from {first}")
    name = f"finance-{first}-{last}"
    if which.as_of is not None:
        name += f"-as-of-{asked_then(options.place, which.as_of).run_id}"
    target = out or options.workspace / "reports" / name
    pack = Pack(target.expanduser().absolute())
    found, sheets = read_whole(
        options, lambda reader: _Report(reader, options, first, last, least).made(), which
    )
    pack.write(found, sheets)
    return found | {"out": str(pack.folder)}


class _Report:
    """The sheets of a span of months, from one state."""

    def __init__(
        self, reader: Reader, options: Options, first: Period, last: Period, least: int
    ) -> None:
        self._reader = reader
        self._context: Context = reader.context
        self._options = options
        self._first, self._last, self._least = first, last, least

    def made(self) -> tuple[dict[str, Any], dict[str, pa.Table]]:
        """What finance.json holds, and the sheets; raises as `finance` says."""
        periods = {ledger: self._periods(ledger) for ledger in _OF_LEDGER}
        windows = self._windows()
        if not any(periods.values()) and not windows:
            raise NotReady(
                f"nothing is published from {self._first} to {self._last}; "
                f"run `pointbook run --from {self._first} --to {self._last}` first"
            )
        inputs = self._inputs(periods, windows)
        stale = stale_periods(self._context)
        sheets = self._sheets(periods, windows, inputs, stale)
        _require_ties(sheets["proof"], stale)
        return self._told(sheets, inputs, stale), sheets

    def _periods(self, ledger: Ledger) -> list[Period]:
        """The periods of a ledger in the span, none where it has not begun.

        Of micropayments the months before those of the span, whose bills they are on. Raises
        NotReady for one that is not published.
        """
        first, last = self._first, self._last
        if ledger is LIMITS:
            first, last = first.before, last.before
        months = months_between(first, last)
        ends = [month.year_end for month in months if ledger.swept and month == month.december]
        begun = ledger.first(self._context)
        found = [each for each in sorted([*months, *ends]) if begun is not None and begun <= each]
        for period in found:
            for table in _OF_LEDGER[ledger]:
                monthly_alone = table == "refund_results" and period.span != "month"
                if not monthly_alone and str(period) not in self._context.files(table):
                    raise NotReady(
                        f"{table} has no {period}; run `{ledger.remedy(period)}` first, which "
                        "closes it"
                    )
        return found

    def _windows(self) -> list[dict[str, Any]]:
        """The months of bills of each published membership year of the span's years."""
        years = (Period(year) for year in range(self._first.year, self._last.year + 1))
        return [
            {
                "membership_year": year.year,
                "billing_month": str(month),
                "assessed_on": window.assessed_on,
            }
            for year in years
            if self._context.file_of("tier_snapshot", year)
            for window in [assessment(self._context.policies, year)]
            for month in window.months
        ]

    def _inputs(
        self, periods: Mapping[Ledger, Sequence[Period]], windows: Sequence[Mapping[str, Any]]
    ) -> Inputs:
        """The files that the sheets are made from: movements from the ledgers' start on, lots from
        those that the first period opens with, all else of the span alone.
        """
        context = self._context
        files: dict[str, Mapping[str, Path]] = {}
        for ledger, names in _OF_LEDGER.items():
            of_span = {str(period) for period in periods[ledger]}
            for table in names:
                files[table] = {
                    name: path for name, path in context.files(table).items() if name in of_span
                }
        for table, ledger in _MOVEMENTS.items():
            until = str(max(periods[ledger], default=""))
            files[table] = {
                name: path for name, path in context.files(table).items() if name <= until
            }
        tables: dict[str, str] = {}
        for ledger in (POINTS, MILES):
            reported = periods[ledger]
            opened = ledger.opened(context)
            opening = ledger.opening(context, reported[0]) if reported else None
            files[ledger.lots] = {**context.file_of(ledger.lots, opening), **files[ledger.lots]}
            taken_over = f"taken_over_{ledger.lots}"
            files[taken_over] = context.file_of(ledger.lots, opened if reported else None)
            tables[taken_over] = ledger.lots
        for table, key in (
            ("billing_totals", "billing_month"),
            ("tier_snapshot", "membership_year"),
            ("tier_exceptions", "membership_year"),
        ):
            wanted = {str(row[key]) for row in windows}
            files[table] = {
                name: path for name, path in context.files(table).items() if name in wanted
            }
        files["restatements"] = context.files("restatements")
        return Inputs(files, tables)

    def _sheets(
        self,
        periods: Mapping[Ledger, Sequence[Period]],
        windows: Sequence[Mapping[str, Any]],
        inputs: Inputs,
        stale: Sequence[Mapping[str, Any]],
    ) -> dict[str, pa.Table]:
        """Every sheet's rows, in the order of their declaration."""
        made = {"liability": self._liability(periods[POINTS])}
        ends_year = self._last == self._last.december and bool(periods[POINTS])
        year_ago = Period(self._last.year - 1, self._last.part)
        with temporary_folder() as scratch, self._options.start_engine(scratch) as engine:
            name_all(self._reader, engine, inputs, [SHEETS[name] for name in _IN_ORDER])
            run_context(
                engine,
                last_day=self._last.last_day,
                last_month=str(self._last),
                last_period=str(self._last.year_end if ends_year else self._last),
                year_ago_period=str(year_ago.year_end if ends_year else year_ago),
                least=self._least,
            )
            engine.tables(
                {
                    "reported_periods": relation_of(self._reported(periods), REPORTED_PERIODS),
                    "windows": relation_of(windows, WINDOWS),
                    "published_files": relation_of(self._published(inputs, stale), PUBLISHED_FILES),
                    **made,
                }
            )
            for name in _HELPERS:
                engine.create(name, load_transform(f"answers/{name}"))
            for name in _IN_ORDER:
                made[name] = rows_of(engine, name)
                engine.table(name, made[name])
        return {name: made[name] for name in SHEETS}

    def _liability(self, periods: Sequence[Period]) -> pa.Table:
        """The liability at the end of the span; empty where there is no ledger of points."""
        if not periods:
            return SHEETS["liability"].arrow_schema.empty_table()
        at = datetime.combine(self._last.last_day, END_OF_DAY)
        return liability_rows(self._reader, self._options, at, self._least)

    def _reported(self, periods: Mapping[Ledger, Sequence[Period]]) -> Iterator[dict[str, Any]]:
        """The rows of `reported_periods`."""
        for ledger, counted in _COUNTED.items():
            for period in periods[ledger]:
                opening = ledger.opening(self._context, period)
                yield {
                    "ledger": counted,
                    "period": str(period),
                    "opens_from": None if opening is None else str(opening),
                    "last_day": period.last_day,
                    "ends_year": period.span == "year end",
                }

    def _published(
        self, inputs: Inputs, stale: Sequence[Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        """The rows of `published_files`."""
        why = {(each["table"], each["period"]): each["why"] for each in stale}
        for each in sources(self._context, _by_table(inputs)):
            yield {
                "table_name": each["table"],
                **{name: each[name] for name in ("period", "run_id", "sha256")},
                "stale": why.get((each["table"], each["period"])),
            }

    def _told(
        self,
        sheets: Mapping[str, pa.Table],
        inputs: Inputs,
        stale: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """What finance.json holds."""
        rows = {name: plain_rows(SHEETS[name], of, self._least) for name, of in sheets.items()}
        read = sources(self._context, _by_table(inputs))
        known = {(each["table"], each["period"]) for each in read}
        return {
            "format": FORMAT,
            "from": str(self._first),
            "to": str(self._last),
            "least": self._least,
            "policies": self._context.policies.digest,
            "ties": len(rows["proof"]),
            "totals": _totals(rows["roll_forward"]),
            "no_won_for": no_won(rows["roll_forward"]),
            "no_estimate_for": sorted(
                {
                    row["kind"]
                    for row in rows["breakage"]
                    if not row["closed"] and row["estimate"] is None
                }
            ),
            "stale": [each for each in stale if (each["table"], each["period"]) in known],
            "sheets": [
                {
                    "sheet": name,
                    "about": sheet.description,
                    "grain": sheet.grain,
                    "columns": [
                        {
                            "column": column,
                            "meaning": each.description,
                            "unit": each.metadata.get("unit"),
                        }
                        for column, each in sheet.columns.items()
                    ],
                    "rows": rows[name],
                }
                for name, sheet in SHEETS.items()
            ],
            "sources": read,
            **self._reader.told,
        }


def _by_table(inputs: Inputs) -> dict[str, list[Path]]:
    """The files of published tables that are read, by table; those of lots taken over are among
    the lots.
    """
    return {
        name: list(files.values())
        for name, files in inputs.files.items()
        if name not in inputs.tables and name != "billing_totals"
    }


def _totals(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The roll-forward of the whole span by ledger and kind: it opens as its first period does, and
    closes as its last.
    """
    first, last = ({of["ledger"]: of["period"] for of in turn} for turn in (rows[::-1], rows))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        ledger, kind = row["ledger"], row["kind"]
        start = {"ledger": ledger, "kind": kind} | dict.fromkeys(
            ("opening", *_SUMMED, "closing"), 0
        )
        total = found.setdefault((ledger, kind), start)
        for name in _SUMMED:
            total[name] += row[name]
        if row["period"] == first[ledger]:
            total["opening"] += row["opening"]
        if row["period"] == last[ledger]:
            total["closing"] += row["closing"]
    return sorted(found.values(), key=lambda total: (total["ledger"] != "points", total["kind"]))


def _require_ties(proof: pa.Table, stale: Sequence[Mapping[str, Any]]) -> None:
    """Raises ProofFailed for the first tie, by period, with a difference."""
    broken = [row for row in proof.to_pylist() if row["difference"]]
    if not broken:
        return
    row = min(broken, key=lambda row: row["period"])
    what = " ".join(filter(None, (row["kind"], row["amount"])))
    more = f", and {len(broken) - 1:,} ties more" if len(broken) > 1 else ""
    because = f"; it is stale: {row['stale']}" if row["stale"] else ""
    raise ProofFailed(
        f"{row['table_name']} {row['period']}: {what} is {row['published']:,} there and "
        f"{row['ours']:,} in what is reported, {row['difference']:+,} ({row['tie']}{more})"
        f"{because}; nothing was written: `pointbook verify` says what mends it"
    )
