"""Reads a column that a source makes: from their names, codes, numbers and days to ours.

Their text becomes the text that a canonical file would hold, distinct value by distinct value, and
is then read as any other. What has no such text is marked so that its rule is broken: a code that
is not in the source's list is kept as delivered, to be told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.exports import Export
from schemas.sources import Source, SourceColumn
from transforms.exports import day_formats, forms
from transforms.exports.typed import as_text, holds_days, holds_numbers, month_of, read_typed

_NUMBERS: Final = frozenset({"integer", "decimal"})
_TYPED_NUMBERS: Final = "1,234.00"
"""How the text of a typed number is to be read, however the source's texts are."""


def read_text(
    export: Export,
    name: str,
    source: Source,
    texts: Sequence[pa.Array],
    rows: int,
    *,
    trimmed: bool = True,
    backslash_is_won: bool = False,
) -> forms.Read:
    """A column of ours from the texts of theirs that the source makes it from, in so many rows.

    The other parameters are those of `forms.read`.
    """
    metadata, dtype = export.metadata(name), export.dtype(name)
    form = str(metadata["form"])
    column = source.columns.get(name) or SourceColumn((name,))
    if column.constant is not None:
        return forms.read(_repeated(column.constant, rows, form), form, dtype, metadata)
    if len(texts) > 1 or source.null_words:
        texts = [_without(source.null_words, forms.without_blanks(text, trimmed)) for text in texts]
    text = texts[0]
    if len(texts) > 1:
        text = pc.binary_join_element_wise(*texts, column.between)
    if column.codes is not None:
        return _read_coded(forms.without_blanks(text, trimmed), column.codes, export, name)
    if form in _NUMBERS and (column.factor is not None or source.numbers is not None):
        style, factor = source.numbers, column.factor
        if form == "integer" and (scaled := forms.scaled_digits(text, style, factor)) is not None:
            return forms.Read(scaled, np.zeros(rows, np.bool_), {})
        text = _of_distinct(
            forms.without_blanks(text, trimmed),
            lambda distinct: forms.plain_numbers(
                distinct, style, factor, backslash_is_won=backslash_is_won
            ),
        )
    elif column.format is not None or column.as_month:
        text = _of_distinct(
            forms.without_blanks(text, trimmed), lambda distinct: _days(distinct, column)
        )
    return forms.read(
        text, form, dtype, metadata, trimmed=trimmed, backslash_is_won=backslash_is_won
    )


def read_columns(
    export: Export, name: str, source: Source, columns: Sequence[pa.Array], rows: int
) -> forms.Read:
    """A column of ours from typed columns of a Parquet file, as `read_text` has it.

    A typed number needs no style, a typed day no format. Raises FileRefused where a column's type
    can't hold what is read from it.
    """
    metadata, dtype = export.metadata(name), export.dtype(name)
    form = str(metadata["form"])
    made = source.columns.get(name) or SourceColumn((name,))
    if len(columns) == 1 and made.codes is None:
        (column,) = columns
        if form in forms.DAY_FORMS and holds_days(column):
            return (
                month_of(column)
                if made.as_month
                else read_typed(name, column, form, dtype, metadata)
            )
        if holds_numbers(column):
            source = replace(source, numbers=_TYPED_NUMBERS)
            if made.factor is None:
                return read_typed(name, column, form, dtype, metadata)
    texts = [as_text(name, column, form) for column in columns]
    return read_text(export, name, source, texts, rows, trimmed=False)


def _repeated(text: str, rows: int, form: str) -> pa.Array:
    """A constant as a column."""
    if form in forms.WHOLE_TEXTS:
        return pa.repeat(text, rows)
    places = pa.array(np.zeros(rows, np.int32))
    return pa.DictionaryArray.from_arrays(places, pa.array([text], pa.string()))


def _without(words: Sequence[str], text: pa.Array) -> pa.Array:
    """The text without the cells that hold one of the words."""
    if not words:
        return text
    found = pc.is_in(text, value_set=pa.array(words, pa.string()))
    if not pc.any(found).as_py():
        return text
    return pc.if_else(found, pa.scalar(None, pa.string()), text)


def _read_coded(text: pa.Array, codes: Mapping[str, str], export: Export, name: str) -> forms.Read:
    """Their codes as ours; a code that the source doesn't list breaks the column's domain."""
    metadata = export.metadata(name)
    form = str(metadata["form"])
    encoded = pc.dictionary_encode(text)
    places = pc.index_in(encoded.dictionary, value_set=pa.array(list(codes), pa.string()))
    ours = pc.take(pa.array(list(codes.values()), pa.string()), places)
    meant: pa.Array = pa.DictionaryArray.from_arrays(encoded.indices, ours)
    if form in forms.WHOLE_TEXTS:
        meant = meant.dictionary_decode()
    read = forms.read(meant, form, export.dtype(name), metadata)
    unlisted = pc.and_(pc.is_null(places), pc.is_valid(encoded.dictionary))
    if not pc.any(unlisted).as_py():
        return read
    marked = pc.fill_null(pc.take(unlisted, encoded.indices), False)
    mask = cast("forms.Mask", marked.to_numpy(zero_copy_only=False))
    broken = {**read.broken, "domain": mask}
    return forms.Read(read.values, read.missing & ~mask, broken, delivered=encoded)


def _of_distinct(text: pa.Array, change: forms.Change) -> pa.Array:
    """The text with each distinct value changed, as a dictionary."""
    encoded = pc.dictionary_encode(text)
    return pa.DictionaryArray.from_arrays(encoded.indices, change(encoded.dictionary))


def _days(text: pa.Array, column: SourceColumn) -> pa.Array:
    """Days in the column's format as all exports have them, or their months."""
    if column.format is not None:
        text = day_formats.in_iso(text, column.format)
    return forms.months_of(text) if column.as_month else text
