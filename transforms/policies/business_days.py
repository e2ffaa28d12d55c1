"""Business days: Monday to Friday less Korean public holidays, by the `holidays` package (P6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.engine.plain import relation_of

_COUNTRY: Final = "KR"
_PAY_DAYS: Final = pa.schema([("applied_on", pa.date32()), ("pay_on", pa.date32())])


def pay_days(business_days: Mapping[date, int]) -> pa.Table:
    """For each day, the business day that lies so many after it.

    The relation: `applied_on`, `pay_on`.
    """
    # it takes long to load, and few commands pay refunds
    import holidays

    days = list(business_days)
    years = range(min(days).year, max(days).year + 2)
    closed = holidays.country_holidays(_COUNTRY, years=years)
    # counted from the last business day up to and with the day of the application
    later = np.busday_offset(
        np.array(days, "datetime64[D]"),
        np.array(list(business_days.values())),
        roll="backward",
        holidays=np.array(sorted(closed), "datetime64[D]"),
    )
    rows = zip(days, later.tolist(), strict=True)
    return relation_of(({"applied_on": day, "pay_on": pay_on} for day, pay_on in rows), _PAY_DAYS)
