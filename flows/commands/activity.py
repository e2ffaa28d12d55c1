"""Who is active in a year, up to a day: what the year-end sweep and its notices ask for (P9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, cast

from flows.commands.collected import collected_files
from flows.publishing.run import Context
from schemas.periods import Period
from transforms.policies.policy import Policies, day_of_year

_POLICY: Final = "point_sweep"


@dataclass(frozen=True)
class YearEnd:
    """The dates of a year's sweep by the policy (P9).

    `swept_on`: its day; `active_from`: the first day on which an activity counts; `spared_from`:
    lots credited from this day on are not taken for inactivity.
    """

    swept_on: date
    active_from: date
    spared_from: date

    @classmethod
    def of(cls, policies: Policies, year: Period) -> YearEnd:
        """By the `point_sweep` row in force on the year's last day; raises PolicyError if none."""
        row = cast("dict[str, int]", policies.in_force(_POLICY, year.last_day)[0])
        return cls(
            year.last_day,
            day_of_year(year.year, row, "active_from_month", "active_from_day"),
            day_of_year(year.year, row, "spared_from_month", "spared_from_day"),
        )


def activity_files(
    context: Context, year_end: YearEnd, until: date
) -> dict[str, Mapping[str, Path]]:
    """The files, by relation, that tell who was active in a year up to, not including, a day."""
    begin = year_end.active_from
    bills: dict[str, Path] = {}
    late: dict[str, Path] = {}
    if begin < until:
        bills, late = collected_files(context, begin, until - timedelta(days=1))
    files: dict[str, Mapping[str, Path]] = {"billing": bills, "billing_late_collections": late}
    first, end = str(Period.month_of(begin)), until.isoformat()
    for name in ("purchases", "redemption_results", "refund_results"):
        files[name] = {
            period: path
            for period, path in context.files(name).items()
            if first <= period and f"{period}-01" < end
        }
    return files
