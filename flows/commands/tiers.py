"""Tiers: the membership tier snapshot of a year, on its assessment date (T1–T9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa

from flows.commands.dated import Strangers, dated_files
from flows.commands.declaration import ALLOW_MISSING, Command, Dates, TooLarge
from flows.commands.gaps import months_delivered
from flows.console.errors import NotReady
from flows.console.parts import Part
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs, digest
from schemas.periods import Period
from schemas.tables import TIERS
from transforms.engine.dependencies import Dependencies, policies_of
from transforms.engine.plain import relation_of
from transforms.policies.assessment import Assessment, assessment, grant
from transforms.policies.policy import NotInForce, Policies

_DATED_BY: Final = "tier_assessment"
_BEFORE: Final = "tiers_before"
_SNAPSHOT: Final = Dependencies("membership", ("tier_snapshot",))
_SCALE: Final = pa.schema(
    [
        ("tier", pa.string()),
        ("place", pa.int64()),
        ("points_before", pa.int64()),
        ("points_after", pa.int64()),
    ]
)
_MONTHS: Final = pa.schema([("billing_month", pa.string())])


def _window(context: Context, year: Period) -> Assessment:
    """When a membership year is assessed, and over which months of bills (T1)."""
    return assessment(context.policies, year)


def _inputs(context: Context, year: Period) -> Inputs:
    """The bills of the window's months, the customers, and the snapshot of the year before."""
    window = _window(context, year)

    def within(files: Mapping[str, Path]) -> dict[str, Path]:
        return {str(month): files[str(month)] for month in window.months if str(month) in files}

    return Inputs(
        {
            "billing": within(context.files("billing")),
            "billing_totals": within(context.files("billing_totals")),
            **dated_files(context, "customers"),
            _BEFORE: context.file_of("tier_snapshot", year.before),
        },
        {_BEFORE: "tier_snapshot"},
    )


def _given(context: Context, year: Period) -> dict[str, pa.Table]:
    months = ({"billing_month": str(month)} for month in _window(context, year).months)
    return {
        "window_months": relation_of(months, _MONTHS),
        "tier_scale": relation_of(_tier_scale(context.policies, year), _SCALE),
    }


def _tier_scale(policies: Policies, year: Period) -> list[dict[str, Any]]:
    """The tiers from the lowest on, with what each was granted the year before, and is now (G1)."""
    before, after = (points_by_tier(policies, of) for of in (year.before, year))
    return [
        {
            "tier": tier,
            "place": place,
            "points_before": before.get(tier, 0),
            "points_after": after.get(tier, 0),
        }
        for place, tier in enumerate(TIERS)
    ]


def points_by_tier(policies: Policies, year: Period) -> dict[str, int]:
    """The points of a membership year by tier; none where the policies grant none that year."""
    try:
        rows = policies.in_force("point_grant_amounts", grant(policies, year).granted_on)
    except NotInForce:
        return {}
    return {str(row["tier"]): cast("int", row["points"]) for row in rows}


def _dates(context: Context, year: Period) -> Dates:
    window = _window(context, year)
    return {
        "membership_year": year.year,
        "assessed_on": window.assessed_on,
        "window_from": str(window.months[0]),
        "window_to": str(window.months[-1]),
        "policies": context.policies.used((*_SNAPSHOT.policies, _DATED_BY), window.assessed_on),
    }


def _policies_read() -> tuple[str, ...]:
    return (*COMMAND.dependencies.policies, _DATED_BY)


def _policies(context: Context, year: Period) -> dict[str, str]:
    on = _window(context, year).assessed_on
    return {
        "policies": context.policies.fingerprint(_policies_read(), on),
        "point_grant_amounts": digest(_tier_scale(context.policies, year)),
    }


def _missing(context: Context, year: Period) -> dict[str, list[str]]:
    """The months of the window of which no bill was ever delivered (T8)."""
    delivered = months_delivered(context, "billing")
    months = [str(month) for month in _window(context, year).months]
    missing = [month for month in months if month not in delivered]
    return {"billing": missing} if missing else {}


def _require(context: Context, year: Period) -> dict[str, Any]:
    """The day of the assessment; raises PolicyError where no policy gives one."""
    return {"assessed_on": _window(context, year).assessed_on.isoformat()}


def _calls_for(context: Context, year: Period) -> bool:
    months = {str(month) for month in _window(context, year).months}
    return bool(context.files("customers")) and months <= set(context.files("billing"))


def _besides(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Months that are far below the median, a window that is hardly collected (T8), and what became
    of every collected won (T7).

    Raises NotReady where nothing at all of what was billed is collected: all would be general.
    """
    window = counts["window"]
    if window["billed_in_all"] and not window["collected_in_all"]:
        months = [month["billing_month"] for month in counts["months"]]
        raise NotReady(
            f"tiers: of {window['billed_in_all']:,} won billed from {months[0]} to {months[-1]} "
            "nothing is collected; ingest the bills as they were collected, then run this again"
        )
    uncollected = [window["uncollected_percent"]] if window["much_uncollected"] else []
    sums = {
        "eligible": sum(month["collected_amount"] for month in counts["months"]),
        "assessed": sum(row["annual_fee"] for row in counts["tiers"]),
        "excepted": sum(row["amount"] for row in counts["exceptions"]),
    }
    low = [row["billing_month"] for row in counts["months"] if row["low"]]
    return {"low_months": low, "uncollected_percent": uncollected, "collected": sums}


COMMAND: Final = Command(
    name="tiers",
    place=10,
    span="year",
    help="Publish the membership tier snapshot of a year (T1-T9).",
    which="The membership year.",
    dry_run="Say who would move between tiers; publish nothing.",
    flags=(ALLOW_MISSING,),
    room="membership",
    tables=("tier_snapshot", "tier_exceptions", "tier_moves", "tier_bands"),
    inputs=_inputs,
    given=_given,
    dates=_dates,
    policies=_policies,
    asks_until=lambda context, year: datetime.combine(_window(context, year).assessed_on, time()),
    strangers=Strangers("customers", "unknown_customer", ("tier_exceptions",)),
    too_large=TooLarge(
        "fees_beyond_64_bits", "collected amounts", "correct their bills", unit=" won"
    ),
    parts=(
        Part(
            "months",
            "window_months",
            "Billing months that the tiers are assessed over",
            key="tiers-window",
        ),
        Part(
            "tiers",
            "tier_counts",
            "Customers by tier",
            key="tiers",
            pivot=("tier", "customers"),
        ),
        Part("exceptions", "exception_counts", "Bills that nobody who is assessed owns"),
        Part(
            "window",
            "window_collected",
            line="{collected_amount:,} won collected of {billed_amount:,} that the window billed",
        ),
    ),
    besides=_besides,
    told={
        "missing_months": "tiers {year}: never delivered: {missing_months}",
        "low_months": "tiers {year}: far below the window's median: {low_months}",
        "uncollected_percent": "tiers {year}: {uncollected_percent} % of what the window billed is "
        "not collected; customers who pay later are assessed too low",
    },
    due_on=lambda policies, year: assessment(policies, year).assessed_on,
    needs=("billing", "customers"),
    missing=_missing,
    require=_require,
    calls_for=_calls_for,
    paced_by=("billing",),
)


def _published(context: Context, year: Period) -> Inputs:
    """What a snapshot is assessed from where its fees are those that are published of the year."""
    found = _inputs(context, year)
    files = {name: of for name, of in found.files.items() if name != "billing"}
    tables = {f"published_{name}": name for name in ("tier_snapshot", "tier_exceptions")}
    published = {name: context.file_of(table, year) for name, table in tables.items()}
    return Inputs({**files, **published}, {**found.tables, **tables})


OF_PUBLISHED_FEES: Final = replace(
    COMMAND, inputs=_published, stands_for={"counting_fees": "published_fees"}
)
"""The same without the bills: a nation's are minutes to add up, and their sums are published."""


def adds_up_as(policies: Policies, others: Policies, year: Period) -> bool:
    """Whether two policies make the same fees of the same bills: window, and lines that count."""
    windows = [assessment(each, year) for each in (policies, others)]
    if windows[0] != windows[1]:
        return False
    names = policies_of([COMMAND.dependencies.transforms["counting_fees"]])
    on = windows[0].assessed_on
    return policies.fingerprint(names, on) == others.fingerprint(names, on)
