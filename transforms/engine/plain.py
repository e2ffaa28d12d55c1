"""Relations of plain values: a run's parameters, a policy's rows.

Arrow loads pandas the first time that it converts a Python value, which takes a command longer than
all its policies together. Its reader of JSON does without.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.json as pj

_EPOCH: Final = date(1970, 1, 1)


def relation_of(rows: Iterable[Mapping[str, object]], schema: pa.Schema) -> pa.Table:
    """Rows of text, numbers, days, moments, truth values and nulls as a table.

    A column that a row lacks is null in it; one that the schema lacks raises pyarrow.ArrowInvalid,
    as does a value of another type than its column's.
    """
    lines = "\n".join(json.dumps(row, default=_as_json) for row in rows)
    if not lines:
        # `schema.empty_table()` would load pandas
        return pa.Table.from_batches([], schema)
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    content = pa.BufferReader(lines.encode())
    block = pj.ReadOptions(use_threads=False, block_size=len(lines))
    return pj.read_json(content, read_options=block, parse_options=options)


def with_constant(rows: pa.Table, name: str, dtype: pa.DataType, value: object) -> pa.Table:
    """The rows with one more column, which has this value in all of them."""
    (one,) = relation_of([{name: value}], pa.schema([(name, dtype)]))[name]
    return rows.append_column(pa.field(name, dtype), pa.repeat(one, rows.num_rows))


def _as_json(value: object) -> str | int:
    """As the reader takes them: a day as its number since 1970, the others as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return (value - _EPOCH).days
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no plain value: {value!r}")
