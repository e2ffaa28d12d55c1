"""Finds the rows that break an export's declaration, with every reason (`column:rule`).

The pandera checks of `schemas/exports.py` are the authority: each is called once for a batch and
answers with a mask. Only what pandera can't see is added: cells that could not be read as their
type, and columns that a row doesn't have.

pandas and pandera are imported when rows are validated: most commands load this and do none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.columns import pandas_type
from schemas.exports import Export
from transforms.exports.forms import Read

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import Check

Mask = npt.NDArray[np.bool_]


def broken_rules(export: Export, columns: Mapping[str, Read]) -> dict[str, Mask]:
    """Which rows break which rule: a mask for every reason that applies to some row."""
    frame = as_frame(pa.table({name: read.values for name, read in columns.items()}))
    model = export.model
    broken: dict[str, Mask] = {}
    for name, read in columns.items():
        if name in export.required and read.missing.any():
            broken[f"{name}:required"] = read.missing
        for rule, mask in read.broken.items():
            broken[f"{name}:{rule}"] = mask
        for check in model.columns[name].checks:
            _add(broken, f"{name}:{check.name}", _cell_failures(check, read.values, frame[name]))
    for check in model.checks:
        column, rule = str(check.name).split(":")
        failed = failures(check, frame)
        if rule == "required":
            failed &= columns[column].missing
        _add(broken, str(check.name), failed)
    return broken


def reasons(broken: Mapping[str, Mask], rows: npt.NDArray[np.int64]) -> pa.Array:
    """The reasons of the given rows, as a list of text for each."""
    names = pa.array(list(broken), pa.string())
    table = np.stack([mask[rows] for mask in broken.values()], axis=1)
    offsets = np.zeros(rows.size + 1, np.int32)
    np.cumsum(table.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(np.nonzero(table)[1])))


def _add(broken: dict[str, Mask], reason: str, failures: Mask) -> None:
    if failures.any():
        broken[reason] = broken[reason] | failures if reason in broken else failures


def _cell_failures(check: Check, values: pa.Array, column: pd.Series[Any]) -> Mask:
    """The cells that fail a column's check, which judges each by itself: so each value once."""
    if not pa.types.is_dictionary(values.type):
        return failures(check, column)
    distinct = as_series(values.dictionary)
    failing = pa.array(failures(check, distinct))
    failed = pc.fill_null(pc.take(failing, values.indices), False)
    return cast("Mask", failed.to_numpy(zero_copy_only=False))


def as_frame(rows: pa.Table) -> pd.DataFrame:
    """The rows as pandera judges them: in pandas, with Arrow's types."""
    return cast("pd.DataFrame", rows.to_pandas(types_mapper=pandas_type))


def as_series(values: pa.Array) -> pd.Series[Any]:
    """The values as pandera judges them: in pandas, with Arrow's type."""
    import pandas as pd

    return pd.Series(values, dtype=pandas_type(values.type))


def failures(check: Check, data: pd.Series[Any] | pd.DataFrame) -> Mask:
    """The rows that fail one declared check; pandera leaves missing cells out of its answer."""
    passed = cast("pd.Series[bool]", check(data).check_output)
    failures = np.zeros(len(data), np.bool_)
    if not passed.all():
        failures[passed.index.to_numpy()] = ~passed.to_numpy(dtype=bool, na_value=True)
    return failures
