"""How the generator holds an export's columns until they are written, and what is allowed in them.

All of it follows from the declarations in `schemas/exports.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import EXPORTS
from transforms.exports.forms import Read
from transforms.exports.validate import broken_rules
from transforms.sample.draws import Ints, day, month_number, month_text

_EPOCH: Final = datetime(1970, 1, 1)

LOGICAL: Final = {
    "identifier": pa.string(),
    "text": pa.string(),
    "code": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.int64(),
    "month": pa.int32(),
    "date": pa.int32(),
    "timestamp": pa.int64(),
    "boolean": pa.bool_(),
    "enumeration": pa.int8(),
}
"""How a form is held before it is written: hundredths for decimals, months since year 0, days
and seconds since 1970, the position in the list of labels (one past its end is no label)."""


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "integer": int,
    "decimal": lambda text: int(Decimal(text) * 100),
    "month": month_number,
    "date": day,
    "timestamp": lambda text: int((datetime.fromisoformat(text) - _EPOCH).total_seconds()),
    "boolean": lambda text: text.lower() == "true",
}
UNKNOWN_LABEL: Final = "unheard_of"
"""What stands one past the end of a list of labels."""


def form_of(export: str, column: str) -> str:
    """The column's declared form: a key of `LOGICAL`."""
    return str(EXPORTS[export].metadata(column)["form"])


def logical_schema(export: str) -> pa.Schema:
    """The columns of an export as the generator holds them."""
    return pa.schema([(name, LOGICAL[form_of(export, name)]) for name in EXPORTS[export].columns])


def logical(export: str, column: str, value: object) -> object:
    """A value in canonical form, as text or of its published type, as the generator holds it."""
    form, text = form_of(export, column), str(value)
    if form == "enumeration":
        return code_of(export, column, text)
    return _READ[form](text) if form in _READ else text


def labels_of(export: str, column: str) -> Mapping[str, str]:
    """Canonical code to Korean label of an enumeration, in declared order."""
    return cast("Mapping[str, str]", EXPORTS[export].metadata(column)["labels"])


def code_of(export: str, column: str, text: str) -> int:
    """The position of a canonical code in its enumeration."""
    return list(labels_of(export, column)).index(text)


def frame(export: str, rows: int, columns: Mapping[str, object]) -> pa.Table:
    """A table of the export from arrays and scalars; a column that is not given is null."""
    schema = logical_schema(export)
    arrays = []
    for field in schema:
        value = columns.get(field.name)
        if isinstance(value, np.ndarray):
            value = pa.array(value)
        if isinstance(value, pa.Array):
            arrays.append(value.cast(field.type))
        else:
            arrays.append(pa.repeat(pa.scalar(value, field.type), rows))
    return pa.Table.from_arrays(arrays, schema=schema)


def put(table: pa.Table, name: str, values: object) -> pa.Table:
    """The table with other values in a column: an array, or one scalar for all rows."""
    field = table.schema.field(name)
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        values = pa.repeat(pa.scalar(values, field.type), len(table))
    return table.set_column(table.schema.get_field_index(name), field, values)


def published(values: pa.Array, export: str, column: str) -> pa.Array:
    """The values in the type in which ingest publishes the column."""
    match form_of(export, column):
        case "decimal":
            scaled = pc.multiply(values.cast(pa.decimal128(19, 0)), Decimal("0.01"))
            return scaled.cast(EXPORTS[export].dtype(column))
        case "month":
            months = values.to_pylist()
            return pa.array([None if m is None else month_text(m) for m in months], pa.string())
        case "date":
            return values.cast(pa.date32())
        case "timestamp":
            return values.cast(pa.timestamp("s")).cast(pa.timestamp("us"))
        case "enumeration":
            return pa.array([*labels_of(export, column), UNKNOWN_LABEL]).take(values)
    return values


def reasons_of(
    export: str, table: pa.Table, unreadable: Mapping[str, Ints] | None = None
) -> list[set[str]]:
    """Every reason (`column:rule`) for which the declaration rejects each row of the table.

    `unreadable`: by column, the rows whose text can't be read; what is wrong with it is not said.
    """
    reasons: list[set[str]] = [set() for _ in range(len(table))]
    if not reasons:
        return reasons
    declared = EXPORTS[export]
    read = {}
    for name in declared.columns:
        values = published(table.column(name).combine_chunks(), export, name)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        default = declared.metadata(name).get("default")
        if default is not None:
            values = pc.fill_null(values, default)
        unread = np.isin(np.arange(len(table)), (unreadable or {}).get(name, []))
        values = pc.if_else(pa.array(unread), pa.scalar(None, values.type), values)
        read[name] = Read(values, missing & ~unread, {})
    for reason, mask in broken_rules(declared, read).items():
        for row in np.flatnonzero(mask):
            reasons[row].add(reason)
    return reasons
