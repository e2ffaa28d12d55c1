"""What the report shows: its pages, for whom each is, and the blocks on them.

A block is one query, `transforms/answers/report/<name>.sql`, shown as a table, and as the chart of
that name in `page/` where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas.tables import ELITE_STATUSES, TIERS
from transforms.engine.engine import Transform, load_transform

Row = dict[str, Any]

NOT_ASSESSED: Final = "not assessed"
"""The edge of the migration matrix: in one of both years alone."""
RUNS_LISTED: Final = 400
"""Runs that are listed one by one."""
ORDERS: Final[Mapping[str, Sequence[str]]] = {
    "tier": [*TIERS, NOT_ASSESSED],
    "tier_before": [*TIERS, NOT_ASSESSED],
    "fee_tier": TIERS,
    "elite": ELITE_STATUSES,
    "figure": [
        *("customers with a tier", "annual fees that tiers rest on", "points outstanding"),
        *("points used less given back in 12 months", "micropayments approved in the month"),
        "miles outstanding",
    ],
    "step": [
        *("opening", "membership", "payment", "promotion", "purchase", "given back"),
        *("used", "refunded", "expired", "closing"),
    ],
}
"""How the values of a column are ordered, where not by their letters."""
UNITS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("annual_fee", "collected", "billed", "approved", "limits_in_force"), "won"),
    **dict.fromkeys(
        ("requested_limit", "band_from", "band_to", "from_fee", "lacking_at_most"), "won"
    ),
    **dict.fromkeys(("lacking_together",), "won"),
    **dict.fromkeys(("points_before", "points_after", "points_more"), "points"),
    **dict.fromkeys(("median_seconds", "longest_seconds", "seconds_together"), "s"),
}
"""What columns are counted in whose names don't say it, wherever they stand."""


@dataclass(frozen=True)
class Block:
    """A table of the report, from its query.

    `about`: what it is, in a sentence; `told`: what its rows say, in one. `charted`: whether there
    is a chart of it. `people`: the columns that count people, first all of a row; the rows that are
    alike in `add_up_by` add up to what is shown elsewhere; `known`: columns that, as keys do, tell
    of nobody. `pivot`: the columns that give rows, columns and
    cells, where it is shown so, `margins`: with their sums. `ordered`: what `ORDERS` orders columns
    by, where that is not their name. `units`: what its columns are counted in. `most`: rows that
    are shown of a table that is not drawn; of a longer one the number and the query are told.
    """

    name: str
    title: str
    about: str
    charted: bool = False
    people: tuple[str, ...] = ()
    add_up_by: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    pivot: tuple[str, str, str] | None = None
    margins: bool = False
    ordered: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    most: int = 200
    told: Callable[[Sequence[Row]], str] | None = None

    @property
    def transform(self) -> Transform:
        """Its query."""
        return load_transform(f"answers/report/{self.name}")


@dataclass(frozen=True)
class Page:
    """A page of the report: its name, as in `--pages`, and for whom it is."""

    name: str
    reader: str
    blocks: Sequence[Block] = ()

    @property
    def title(self) -> str:
        """As its heading says."""
        return self.name.capitalize()


def _n(value: object) -> str:
    """A number, or `<N` where it counts too few to be told."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _sum(rows: Sequence[Row], name: str) -> int:
    return sum(row[name] for row in rows if isinstance(row[name], int))


def _is_whole(rows: Sequence[Row], name: str) -> bool:
    """Whether no number of a column is too small to be told."""
    return all(isinstance(row[name], int) for row in rows)


def _percent(part: int, whole: int) -> str:
    return f"{part * 1000 // whole / 10:.1f}%" if whole else "none"


def _tiers(rows: Sequence[Row]) -> str:
    last = [row for row in rows if row["membership_year"] == rows[-1]["membership_year"]]
    if not _is_whole(last, "customers") or not _is_whole(last, "lifted_by_tenure"):
        return ""
    vip = _sum([row for row in last if row["tier"] == TIERS[-1]], "customers")
    total, lifted = _sum(last, "customers"), _sum(last, "lifted_by_tenure")
    return (
        f"{_n(total)} customers have a tier in {last[0]['membership_year']}; "
        f"{_percent(vip, total)} are {TIERS[-1]}, {_n(lifted)} were lifted by tenure."
    )


def _migration(rows: Sequence[Row]) -> str:
    """How many moved up, down, came and left; nothing where any are too few to be told."""
    if not _is_whole(rows, "customers"):
        return ""
    place = {tier: n for n, tier in enumerate(TIERS)}
    moved = {"up": 0, "down": 0, "same": 0, "came": 0, "left": 0}
    for row in rows:
        before, now = place.get(row["tier_before"]), place.get(row["tier"])
        if before is None or now is None:
            which = "came" if before is None else "left"
        else:
            which = "same" if before == now else "up" if now > before else "down"
        moved[which] += row["customers"]
    return (
        f"{_n(moved['up'])} moved up, {_n(moved['down'])} down, {_n(moved['same'])} stayed; "
        f"{_n(moved['came'])} came, {_n(moved['left'])} left."
    )


def _year_of_points(rows: Sequence[Row]) -> str:
    steps = {row["step"]: row["points"] for row in rows}
    return (
        f"From {_n(steps.get('opening', 0))} to {_n(steps.get('closing', 0))} points; "
        f"{_n(-steps.get('used', 0))} were used, {_n(steps.get('given back', 0))} given back, "
        f"{_n(-steps.get('expired', 0))} lapsed."
    )


def _outstanding(rows: Sequence[Row]) -> str:
    total, past = _sum(rows, "points"), _sum(rows, "past_their_day")
    return f"{_n(total)} points are outstanding, {_n(past)} of them past their day until the sweep."


def _swept(rows: Sequence[Row]) -> str:
    last = [row for row in rows if row["year"] == rows[0]["year"]]
    untold = _sum([row for row in last if row["untold"] != "told"], "points")
    total = _sum(last, "points")
    return (
        f"The sweep of {last[0]['year']} took {_n(total)} points; of {_percent(untold, total)} the "
        "owner was never told."
    )


def _declined(rows: Sequence[Row]) -> str:
    first, total = rows[0], _sum(rows, "payments")
    return (
        f"{_n(total)} payments were declined, {_percent(first['payments'], total)} of them for "
        f"{first['reason'].replace('_', ' ')}."
    )


def _rejected(rows: Sequence[Row]) -> str:
    first = rows[0]
    return (
        f"{_n(_sum(rows, 'requests'))} requests were rejected; the most common reason is "
        f"{first['reason'].replace('_', ' ')}, {_n(first['requests'])} times."
    )


def _miles(rows: Sequence[Row]) -> str:
    last = rows[-1]
    return f"{_n(last['closing'])} miles are outstanding at the end of {last['month']}."


def _files(rows: Sequence[Row]) -> str:
    delivered, rejected = _sum(rows, "delivered"), _sum(rows, "rejected")
    return (
        f"{_n(delivered)} rows were delivered in {_n(_sum(rows, 'files'))} files; "
        f"{_n(rejected)} were rejected ({_percent(rejected, delivered)})."
    )


def _runs(rows: Sequence[Row]) -> str:
    return f"{_n(_sum(rows, 'runs'))} runs, {_n(_sum(rows, 'failed'))} of them failed."


def _collected(rows: Sequence[Row]) -> str:
    billed, collected = _sum(rows, "billed"), _sum(rows, "collected")
    return f"Of {_n(billed)} won billed {_percent(billed - collected, billed)} were not collected."


def _ties(rows: Sequence[Row]) -> str:
    broken = [row for row in rows if row["difference"]]
    if not broken:
        return f"{_n(len(rows))} comparisons, all of them 0."
    first = broken[0]
    return (
        f"{_n(len(broken))} of {_n(len(rows))} comparisons differ, the most {first['tie']} of "
        f"{first['period']}: by {first['difference']:+,}."
    )


FIGURES: Final = Block(
    "report_figures",
    "Where the programme stands",
    "Six figures, each beside that of a year before.",
    people=("amount", "amount_before"),
)
TIES: Final = Block(
    "report_ties",
    "Ties",
    "What two published tables both say, compared with each other.",
    told=_ties,
)
THRESHOLDS: Final = Block(
    "fee_thresholds",
    "Where tiers begin",
    "The annual fee from which on each tier was given, on the day of the latest assessment (T4).",
)
_OF_CUSTOMERS: Final = ("customers",)

PAGES: Final[Mapping[str, Page]] = {
    page.name: page
    for page in (
        Page("overview", "everybody", (FIGURES, TIES)),
        Page(
            "membership",
            "product owners",
            (
                Block(
                    "tiers_by_year",
                    "Customers by tier",
                    "Assessed on 1 November of the year before (T1 to T6).",
                    charted=True,
                    people=("customers", "lifted_by_tenure"),
                    add_up_by=("membership_year",),
                    told=_tiers,
                ),
                Block(
                    "tier_migration",
                    "From tier to tier",
                    "Rows: the tier of the year before. Columns: that of the latest year. Bold: "
                    "stayed; ▲ up, ▼ down, + came, − left.",
                    people=_OF_CUSTOMERS,
                    pivot=("tier_before", "tier", "customers"),
                    margins=True,
                    told=_migration,
                ),
                Block(
                    "tier_moves_by_cause",
                    "Why they moved",
                    "Fee up or down, tenure, came, left, or the same tier (T9), with the points "
                    "that both tiers are granted.",
                    people=_OF_CUSTOMERS,
                    add_up_by=("membership_year",),
                ),
                Block(
                    "fees_by_band",
                    "How much customers pay",
                    "Customers of the latest year by annual fee, in bands; a line stands where a "
                    "tier begins.",
                    charted=True,
                    people=_OF_CUSTOMERS,
                    pivot=("band_from", "tier", "customers"),
                ),
                THRESHOLDS,
                Block(
                    "near_misses",
                    "Near misses",
                    "Customers whose tier is that of their fee, which lacks at most a band's width "
                    "of the next.",
                    people=_OF_CUSTOMERS,
                    known=("lacking_at_most",),
                ),
                Block(
                    "not_assessed",
                    "Paid for by nobody with a tier",
                    "Collected on counting lines of customers who have no tier, and why (T7).",
                    people=_OF_CUSTOMERS,
                    add_up_by=("membership_year",),
                ),
            ),
        ),
        Page(
            "points",
            "finance and product owners",
            (
                Block(
                    "points_in_a_year",
                    "Twelve months of points, from opening to closing",
                    "By what moved them.",
                    charted=True,
                    told=_year_of_points,
                ),
                Block(
                    "points_by_period",
                    "Points outstanding, month by month",
                    "What each period opened with, what moved, and what was left; YYYY-YE is the "
                    "sweep at the year's end (P12).",
                    charted=True,
                    units=dict.fromkeys(
                        (
                            *("opening", "credited", "used", "given_back", "refunded"),
                            *("expired", "closing"),
                        ),
                        "points",
                    ),
                ),
                Block(
                    "points_outstanding",
                    "When points lapse",
                    "What is left at the end of the last period, by month of expiry and kind.",
                    charted=True,
                    units={"usable": "points", "past_their_day": "points"},
                    told=_outstanding,
                ),
                Block(
                    "points_by_benefit",
                    "What points are used for",
                    "Accepted redemptions of the last 12 months, before cancellations.",
                    charted=True,
                ),
                Block(
                    "points_rejected",
                    "Why requests for points are rejected",
                    "Redemptions, cancellations and refunds of the last 12 months (P4 to P6).",
                    charted=True,
                    told=_rejected,
                ),
            ),
        ),
        Page(
            "breakage",
            "finance",
            (
                Block(
                    "cohorts_by_year",
                    "What became of the points of a year",
                    "Credits by calendar year: used less what was given back, refunded, expired, "
                    "open. What is estimated to lapse is in the finance pack (B4).",
                    charted=True,
                    units=dict.fromkeys(
                        ("credited", "used", "refunded", "expired", "left_open"), "points"
                    ),
                ),
                Block(
                    "cohorts_by_age",
                    "How points age",
                    "Of what was credited, the share that is neither used nor lapsed so many "
                    "months later; of each age only the cohorts that have reached it.",
                    charted=True,
                    pivot=("age_months", "kind", "left_bp"),
                ),
                Block(
                    "points_swept",
                    "What lapsed, and who was never told",
                    "What each year's sweep took by cause (P9), and where its owner was never told "
                    "(P10), why.",
                    charted=True,
                    units={"points": "points"},
                    told=_swept,
                ),
            ),
        ),
        Page(
            "micropayments",
            "risk",
            (
                Block(
                    "payments_by_month",
                    "Payments, approved and declined",
                    "Of the last 13 months (M3).",
                    charted=True,
                    units={"amount": "won"},
                ),
                Block(
                    "payments_declined",
                    "Why payments are declined",
                    "Of the last 13 months; arrears are unpaid bills (M4).",
                    charted=True,
                    units={"amount": "won"},
                    told=_declined,
                ),
                Block(
                    "payment_usage",
                    "Use and usage notices",
                    "Subscriptions with a payment, what was approved, the limits in force at the "
                    "month's end, and who is told of heavy use (M5).",
                    people=("subscriptions", "usage_notices"),
                ),
                Block(
                    "limits_asked",
                    "Limits asked for, and set",
                    "Requests of the last 13 months by the limit that they ask for (M2).",
                ),
            ),
        ),
        Page(
            "airline",
            "the airline",
            (
                Block(
                    "miles_by_month",
                    "Miles, from opening to closing",
                    "Of the last 13 months.",
                    charted=True,
                    units=dict.fromkeys(
                        ("opening", "flown", "awards", "mixed_payments", "expired", "closing"),
                        "miles",
                    ),
                    told=_miles,
                ),
                Block(
                    "mile_requests",
                    "Awards and mixed payments, by answer",
                    "Of the last 13 months (W5, X1).",
                    charted=True,
                ),
                Block(
                    "elite_by_year",
                    "Members by elite status",
                    "And what alone gave it to them: miles, or flights; else both (E3).",
                    charted=True,
                    people=("members", "by_miles_alone", "by_flights_alone"),
                    add_up_by=("status_year",),
                    ordered={"status": "elite"},
                    units={"qualifying_miles": "miles"},
                ),
            ),
        ),
        Page(
            "deliveries",
            "operators and suppliers",
            (
                Block(
                    "arrivals",
                    "Rows that arrived, by export and month",
                    "Beside the export's usual month, its median. A pale cell is a thin month, a "
                    "hole is a month that never came.",
                    charted=True,
                    pivot=("month", "export", "rows"),
                ),
                Block(
                    "files_delivered",
                    "What became of delivered rows",
                    "Duplicate: the same row had come before; late: a newer one had; held back: "
                    "the file had too many bad rows.",
                    told=_files,
                ),
                Block(
                    "rows_rejected",
                    "Why rows were rejected",
                    "A row may have several reasons.",
                    charted=True,
                ),
                Block(
                    "files_with_rejects",
                    "Files with rejected rows",
                    "The worst first.",
                ),
                Block(
                    "not_collected",
                    "Share of bills not collected",
                    "By month of the bill; a month whose bills are not due yet stands high.",
                    charted=True,
                    told=_collected,
                ),
            ),
        ),
        Page(
            "runs",
            "operators",
            (
                Block(
                    "runs_by_command",
                    "Runs by command",
                    "How many, and how long they took.",
                    told=_runs,
                ),
                Block(
                    "runs_listed",
                    "The latest runs",
                    "Seconds of each; those before are told a month together below.",
                    charted=True,
                    units={"seconds": "s"},
                ),
                Block("runs_before", "Runs before them", "By month and command."),
                Block(
                    "runs_failed",
                    "Runs that failed",
                    "The line that each ended with; rows that it named are not shown here.",
                ),
                Block(
                    "values_restated",
                    "What runs restated",
                    "Of tables that people read an amount or a level from: how many rows gained "
                    "and lost, and how much together (Q4).",
                    people=("rows",),
                ),
            ),
        ),
        Page(
            "policies",
            "auditors",
            (
                Block(
                    "values_in_force",
                    "Values in force",
                    "Of the policies that the latest run used, on the last day.",
                    most=1000,
                ),
                Block("values_changed", "Changes by date", "Each value that follows another."),
                Block("policy_sources", "Where values come from", "S0 to S4 are in RULES.md."),
                Block("policies_used", "Policies by run", "The versions, by their digest."),
            ),
        ),
        Page("scenarios", "product owners"),
    )
}
"""The pages, by name, in their order."""


BLOCKS: Final[Mapping[str, Block]] = {
    block.name: block for page in PAGES.values() for block in page.blocks
}
"""Every block, by name."""


def blocks_of(pages: Sequence[str]) -> list[Block]:
    """The blocks of pages; the ties always, as nothing is shown that was not compared."""
    names = [TIES.name, *(block.name for page in pages for block in PAGES[page].blocks)]
    return [BLOCKS[name] for name in dict.fromkeys(names)]
