"""What flights earn by: reference data, which the mileage months and the status years share."""

from __future__ import annotations

import pyarrow as pa

from flows.publishing.run import Context
from schemas.periods import Period
from transforms.policies.reference import shipped

OF_MILES = ("flights", "award_requests", "mixed_payments")
"""The exports of the mileage programme's months."""


def airports_and_distances(_context: Context, _period: Period) -> dict[str, pa.Table]:
    """Where airports are, and the published distances between them (F2)."""
    reference = shipped()
    return {"airports": reference.airport_rows, "published_distances": reference.distance_rows}
