"""What falls due when, by the policy's dates, and what a flow needs to be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flows.errors import WrongUsage
from flows.landing import Deliveries
from transforms.assessment import assessment, grant
from transforms.policy import Policies


@dataclass(frozen=True, order=True)
class Due:
    """A command that falls due on a day, for a period (a year)."""

    on: date
    place: int
    command: str
    period: int

    @property
    def line(self) -> str:
        """The command line that does it."""
        return f"pointbook {self.command} --year {self.period}"


def parse_month(text: str) -> date:
    """The first day of a month written YYYY-MM; raises WrongUsage for anything else."""
    if re.fullmatch(r"\d{4}-\d{2}", text):
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError:
            pass
    raise WrongUsage(f"{text!r} is no month; write it as YYYY-MM")


def due_between(policies: Policies, first: date, last: date) -> list[Due]:
    """Everything that falls due from the first to the last month, in calendar order."""
    if first > last:
        raise WrongUsage(f"--from {first:%Y-%m} lies after --to {last:%Y-%m}; swap them")
    months = (first.year, first.month), (last.year, last.month)
    return sorted(
        due
        for due in _yearly(policies, range(first.year - 1, last.year + 3))
        if months[0] <= (due.on.year, due.on.month) <= months[1]
    )


def _yearly(policies: Policies, years: range) -> Iterator[Due]:
    for year in years:
        yield Due(assessment(policies, year).assessed_on, 0, "tiers", year)
        yield Due(grant(policies, year).granted_on, 1, "grants", year)


def not_delivered(command: str, deliveries: Deliveries) -> list[str]:
    """The exports that a command needs and that were never delivered to the workspace."""
    return [name for name in _NEEDS.get(command, ()) if not deliveries.ever(name)]


_NEEDS = {"tiers": ("billing", "customers")}
