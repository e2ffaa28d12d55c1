"""The dates of a membership year by the policy: assessment, window, grant (T1, G2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import cast

from transforms.policies.policy import Policies, PolicyError, Row


@dataclass(frozen=True)
class Assessment:
    """When a membership year is assessed (T1), and over which months of bills.

    `months`: the window's billing months as YYYY-MM, from the first to the last.
    """

    membership_year: int
    assessed_on: date
    months: tuple[str, ...]

    @property
    def window_from(self) -> str:
        return self.months[0]

    @property
    def window_to(self) -> str:
        return self.months[-1]


@dataclass(frozen=True)
class Grant:
    """First and last day of a membership year's points (G2)."""

    membership_year: int
    granted_on: date
    expires_on: date


def assessment(policies: Policies, membership_year: int) -> Assessment:
    """The assessment of a membership year by the `tier_assessment` row in force on its day.

    Raises PolicyError where none is, or where the policy's day does not exist in that year.
    """

    def assessed_on(row: Row) -> date:
        year = membership_year - _number(row, "years_before")
        return _day("tier_assessment", year, row, "month", "day")

    row = policies.dated_by(
        "tier_assessment", assessed_on, f"the assessment date of membership year {membership_year}"
    )
    day = assessed_on(row)
    last = day.year * 12 + day.month - 1 - _number(row, "last_month_before")
    first = last - _number(row, "window_months") + 1
    months = tuple(f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, last + 1))
    return Assessment(membership_year, day, months)


def grant(policies: Policies, membership_year: int) -> Grant:
    """The yearly grant by the `point_grant_terms` row in force on its first day.

    Raises PolicyError where none is, or where the policy's day does not exist in that year.
    """

    def granted_on(row: Row) -> date:
        return _day("point_grant_terms", membership_year, row, "credit_month", "credit_day")

    row = policies.dated_by(
        "point_grant_terms", granted_on, f"the credit day of membership year {membership_year}"
    )
    expires_on = _day("point_grant_terms", membership_year, row, "expiry_month", "expiry_day")
    return Grant(membership_year, granted_on(row), expires_on)


def _number(row: Row, name: str) -> int:
    return cast("int", row[name])


def _day(policy: str, year: int, row: Row, month: str, day: str) -> date:
    try:
        return date(year, _number(row, month), _number(row, day))
    except ValueError:
        raise PolicyError(
            f"{policy}.yaml: {month} {row[month]} and {day} {row[day]} are no day of {year}; "
            "give a day that every year has"
        ) from None
