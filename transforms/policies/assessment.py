"""The dates of a membership year by the policy: assessment, window, grant (T1, G2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.periods import Period, months_before, months_between
from transforms.policies.policy import Policies, PolicyError, Row, day_of_year


@dataclass(frozen=True)
class Assessment:
    """When a membership year is assessed, and the months whose bills count, in order (T1)."""

    assessed_on: date
    months: tuple[Period, ...]


@dataclass(frozen=True)
class Grant:
    """First and last day of a membership year's points (G2)."""

    granted_on: date
    expires_on: date


def assessment(policies: Policies, year: Period) -> Assessment:
    """The assessment of a membership year by the `tier_assessment` row in force on its day.

    Raises PolicyError where none is, where the policy's day does not exist in that year, or where
    its months lie before year 1.
    """

    def assessed_on(row: Row) -> date:
        return day_of_year(year.year - row["years_before"], row)

    row = policies.dated_by(
        "tier_assessment", assessed_on, f"the assessment date of membership year {year.year}"
    )
    day = assessed_on(row)
    try:
        last = months_before(day, row["last_month_before"])
        first = months_before(last, row["window_months"] - 1)
    except ValueError:
        raise PolicyError(
            f"tier_assessment.yaml: the window of membership year {year.year} begins before "
            "year 1; give a later year, or fewer window_months"
        ) from None
    months = months_between(Period.month_of(first), Period.month_of(last))
    return Assessment(day, tuple(months))


def grant(policies: Policies, year: Period) -> Grant:
    """The yearly grant by the `point_grant_terms` row in force on its first day.

    Raises PolicyError where none is, or where the policy's day does not exist in that year.
    """

    def granted_on(row: Row) -> date:
        return day_of_year(year.year, row, "credit_month", "credit_day")

    row = policies.dated_by(
        "point_grant_terms", granted_on, f"the credit day of membership year {year.year}"
    )
    expires_on = day_of_year(year.year, row, "expiry_month", "expiry_day")
    return Grant(granted_on(row), expires_on)
