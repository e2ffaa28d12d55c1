"""What the catalog shows beside the published tables: columns of views over other files.

Each is a schema of the catalog with a view. `staged` follows from exports and relations; these are
over quarantine, manifests and policies, and name what is shown of them, and nothing else.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from schemas.columns import (
    DATE,
    INT64,
    TEXT,
    TIMESTAMP,
    Declared,
    by_name,
    column,
    enumeration,
    integer,
)

_QUARANTINE: Final = Declared(
    "quarantine",
    "The rejected rows of an export's files: where they stand and why, not what they say",
    {
        "file": column(TEXT, "Name of the delivered file"),
        "sheet": column(TEXT, "Sheet of a workbook", nullable=True),
        "line": column(INT64, "Line of the file, or row of the sheet"),
        "reasons": column(pa.list_(pa.string()), "Every reason, as column:rule"),
    },
)
_RUNS: Final = Declared(
    "runs",
    "What each run did, from its manifest; one that failed published nothing",
    {
        "run_id": column(TEXT, "The run, as in the folder of its manifest"),
        "command": column(TEXT, "The command"),
        "status": enumeration("How it ended", ["done", "failed"]),
        "period": column(TEXT, "Month or year that it was run for", nullable=True),
        "started_at": column(TIMESTAMP, "When it began"),
        "finished_at": column(TIMESTAMP, "When it ended"),
        "seconds": column(pa.float64(), "How long it took", unit="seconds"),
        "files": integer("Files that it committed", unit="files"),
        "policies": column(
            TEXT, "Digest of the policies that it used; their texts are kept by it", nullable=True
        ),
        "deliveries_through": column(INT64, "The last delivery that it had seen", nullable=True),
        "delivery": column(INT64, "The delivery that it staged", nullable=True),
        "error": column(TEXT, "Why it failed", nullable=True),
    },
)
_POLICIES: Final = Declared(
    "policies",
    "Every value of the policies that were last used, with its dates and source",
    {
        "policy": column(TEXT, "The policy, as its file is called"),
        "key": column(TEXT, "What the value is for; empty where the policy has one row a time"),
        "column": column(TEXT, "What the value says"),
        "value": column(TEXT, "The value; missing: none set", nullable=True),
        "unit": column(TEXT, "What the values are given in"),
        "valid_from": column(DATE, "First day on which it holds"),
        "valid_to": column(DATE, "Day on which it no longer does; missing: open", nullable=True),
        "source": column(TEXT, "Where it comes from"),
    },
)

SHOWN: Final = by_name(globals(), Declared)
"""The views declared above, by the schema that they are in."""
