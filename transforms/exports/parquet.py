"""Opens a Parquet file and reads its rows, as many at once as memory holds.

Encodings of Parquet repeat a value at next to no cost: some kilobytes may stand for gigabytes. What
the footer says is bounded before anything is decoded. The longest text that a dictionary may repeat
is measured without repeating it, and says how many rows are decoded at once. Nested columns, which
no export has and of which one row may hold any number of values, are not read.

Of a footer only what pyarrow takes as it stands is asked: what is said of a single column chunk
ends the process where it is damaged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.exports.containers import FileRefused, check_expanded
from transforms.exports.records import MAX_RECORD_BYTES

_ROWS_AT_ONCE: Final = 1 << 17
_BYTES_AT_ONCE: Final = 1 << 26
_WIDTHS: Final = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "BYTE_ARRAY": 4}
"""Bytes that a value takes in memory at the least, by its physical type; others take 8 or more."""
_BY_SPARK: Final = frozenset(
    {b"org.apache.spark.version", b"org.apache.spark.sql.parquet.row.metadata"}
)
"""What the metadata of files that Spark wrote has one of."""


@contextmanager
def opened_parquet(file: FileIO) -> Iterator[pq.ParquetFile]:
    """The file as Parquet; any error while it is read, and what expands too far, refuses it."""
    file.seek(0)
    try:
        source = pa.PythonFile(file, mode="r")
        parquet = pq.ParquetFile(
            source, coerce_int96_timestamp_unit="us", page_checksum_verification=True
        )
        _check_footer(parquet, source.size())
        yield parquet
    except FileRefused:
        raise
    except Exception as error:
        # of a damaged file Arrow raises what it stumbles upon
        raise FileRefused(f"not a readable Parquet file: {_one_line(error)}") from error


def row_batches(
    parquet: pq.ParquetFile, file: FileIO, needed: Collection[str], int96: str | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows in batches; instants that Spark wrote as INT96 are marked as such.

    `int96`: what a source says that it is, `instant` or `local`.

    In the place of nested values stands their type. Raises FileRefused where the file expands too
    far, a text is too long, or a column that is `needed` holds INT96 of which nobody says whether
    it is an instant or local time.
    """
    instants = _instants(parquet, needed, int96)
    source = pa.PythonFile(file, mode="r")
    flat = [field.name for field in parquet.schema_arrow if not pa.types.is_nested(_plain(field))]
    for field in parquet.schema_arrow:
        if field.name in needed and field.name not in flat:
            raise FileRefused(f"its column {field.name} is {field.type}; deliver it as text")
    texts = pq.ParquetFile(
        source,
        read_dictionary=_texts(parquet, flat),
        arrow_extensions_enabled=False,
        buffer_size=1 << 16,
    )
    waiting: list[pa.RecordBatch] = []
    expanded = 0
    for group in range(parquet.metadata.num_row_groups):
        rows_at_once = _rows_at_once(texts, group, _texts(parquet, flat))
        for batch in parquet.iter_batches(rows_at_once, row_groups=[group], columns=flat):
            if batch.schema.names != flat:
                raise FileRefused("a nested column has the name of another; deliver it without it")
            expanded += batch.nbytes
            check_expanded(expanded, source.size())
            batch.validate(full=True)
            waiting.append(_as_delivered(batch, parquet.schema_arrow, instants))
            if (
                sum(each.num_rows for each in waiting) >= _ROWS_AT_ONCE
                or sum(each.nbytes for each in waiting) >= _BYTES_AT_ONCE
            ):
                yield _joined(waiting)
                waiting = []
    if waiting:
        yield _joined(waiting)


def _plain(field: pa.Field) -> pa.DataType:
    """The type of a column's values, without what extends it."""
    kind = field.type
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _as_delivered(
    batch: pa.RecordBatch, schema: pa.Schema, instants: Collection[str]
) -> pa.RecordBatch:
    """The batch with all columns of the file in their places."""
    columns = []
    read = iter(batch.columns)
    for field in schema:
        if pa.types.is_nested(_plain(field)):
            columns.append(pa.repeat(f"({field.type})", batch.num_rows))
        elif field.name in instants:
            columns.append(next(read).cast(pa.timestamp("us", "UTC")))
        else:
            columns.append(next(read))
    return pa.RecordBatch.from_arrays(columns, schema.names)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _check_footer(parquet: pq.ParquetFile, size: int) -> None:
    """Raises FileRefused where the footer tells of more than a file of this size may expand to."""
    leaves = (parquet.schema.column(i) for i in range(len(parquet.schema)))
    width = sum(max(_WIDTHS.get(leaf.physical_type, 8), leaf.length) for leaf in leaves)
    groups = range(parquet.metadata.num_row_groups)
    unpacked = sum(parquet.metadata.row_group(group).total_byte_size for group in groups)
    check_expanded(max(unpacked, width * parquet.metadata.num_rows), size)


def _instants(parquet: pq.ParquetFile, needed: Collection[str], int96: str | None) -> set[str]:
    """The columns that are INT96 and instants; Spark means these, others mean either.

    Raises FileRefused where neither Spark nor a source tells, and a column that is needed is one.
    """
    leaves = (parquet.schema.column(i) for i in range(len(parquet.schema)))
    names = {leaf.path for leaf in leaves if leaf.physical_type == "INT96"}
    if int96 is not None:
        return names if int96 == "instant" else set()
    if _BY_SPARK.isdisjoint(parquet.metadata.metadata or {}):
        for name in sorted(names.intersection(needed)):
            raise FileRefused(
                f"its column {name} is INT96, which is an instant or local time, and Spark, which "
                "means instants, did not write it; say which in a source (int96), or deliver it as "
                "text or as a timestamp"
            )
    return names


def _texts(parquet: pq.ParquetFile, flat: Collection[str]) -> list[str]:
    """The flat columns that a dictionary may stand for: of texts and bytes."""
    leaves = (parquet.schema.column(i) for i in range(len(parquet.schema)))
    return [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY" if leaf.path in flat]


def _rows_at_once(texts: pq.ParquetFile, group: int, names: Sequence[str]) -> int:
    """How many rows of a row group memory holds, however often the longest texts come.

    `texts`: the file with its texts as dictionaries. Raises FileRefused where a text is longer than
    a record of a text file may be.
    """
    longest = 0
    for name in names:
        try:
            first = next(texts.iter_batches(1, row_groups=[group], columns=[name]), None)
        except OSError as error:
            # Arrow makes no dictionary of these encodings; in one a text may repeat that before it
            if "DeltaLengthByteArray" not in str(error):
                if "DeltaByteArray" not in str(error):
                    raise
                longest += texts.metadata.row_group(group).total_byte_size
            continue
        column = first and first.column(0)
        if column is None or not pa.types.is_dictionary(column.type):
            continue
        length = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        if length > MAX_RECORD_BYTES:
            raise FileRefused(
                f"its column {name} holds a text of {length:,} bytes; {MAX_RECORD_BYTES:,} at most"
            )
        longest += length
    return max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(longest, 1)))


def _one_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
