"""Parquet files that are written as their rows come, in groups of as many.

Every table is written here, whatever engine made its rows. To sort and write two million rows as of
tier_snapshot takes 3.3 to 4.3 CPU seconds, hashes with it; with DuckDB's own COPY, and the order
read again behind it, 3.0 to 4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.engine.errors import QueryError, RowsOutOfOrder
from transforms.engine.row_order import Order

ROW_GROUP: Final = 122_880
"""Rows of all groups but the last, whatever the tables were that they came in: a multiple of what
the engine takes at a time, and as many as it writes itself.
"""
_TABLE: Final[dict[str, Any]] = {"compression": "zstd", "compression_level": 1}
"""How tables are written: half the time of the defaults for 4 % more bytes."""
_DICTIONARY_BYTES: Final = 4096
"""Of a text column; one with more values soon goes without."""


def _has_few(kind: pa.DataType) -> bool:
    """Whether columns of this type may have few values; of numbers and moments they hardly do."""
    return bool(pa.types.is_string(kind) or pa.types.is_date(kind))


class RowGroups:
    """A Parquet file on its way; closes with its `with` block.

    `schema`: by default that of the first table. `metadata`: the file's, beside the schema's own.
    `form`: how to write, as ParquetWriter says it.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema | None = None,
        metadata: Mapping[str, str] | None = None,
        **form: Any,
    ) -> None:
        self._path = path
        self._schema = schema
        self._metadata = metadata
        self._form = form
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.Table] = []
        self._rows = 0
        self.rows = 0
        """How many have come so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None and self._schema is not None:
            self._write(self._rows)
        if self._writer is not None:
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Writes rows; those of a group that isn't full yet are held."""
        if self._schema is None:
            self._schema = table.schema
        self._held.append(table)
        self._rows += table.num_rows
        self.rows += table.num_rows
        if self._rows >= ROW_GROUP:
            self._write(self._rows // ROW_GROUP * ROW_GROUP)

    def _write(self, rows: int) -> None:
        """Writes so many of the rows that are held, in whole groups but for the last one."""
        if self._writer is None:
            assert self._schema is not None
            form = self._form
            if "use_dictionary" not in form:
                few = [field.name for field in self._schema if _has_few(field.type)]
                form = form | {
                    "use_dictionary": few,
                    "dictionary_pagesize_limit": _DICTIONARY_BYTES,
                }
            self._writer = pq.ParquetWriter(self._path, self._schema, **form)
            if self._metadata is not None:
                self._writer.add_key_value_metadata(self._metadata)
        if rows:
            held = pa.concat_tables(self._held)
            for begin in range(0, rows, ROW_GROUP):
                # in one piece, as a page ends where a piece does
                group = held.slice(begin, min(ROW_GROUP, rows - begin)).combine_chunks()
                self._writer.write_table(group, row_group_size=ROW_GROUP)
            self._held = [held.slice(rows)]
            self._rows -= rows


class TableFile(RowGroups):
    """A table's Parquet file on its way, with what its schema says; closes with its `with` block.

    `name`: what messages call it. `order`: the columns by which its rows are to ascend.
    """

    def __init__(self, path: Path, schema: pa.Schema, name: str, order: Sequence[str] = ()) -> None:
        super().__init__(path, schema, **_TABLE)
        self.schema = schema
        self._name = name
        self._order = Order(order) if order else None

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Writes rows; those of a group that isn't full yet are held.

        Raises QueryError where a value is not of its column's type, is null though its column is
        declared never to be; RowsOutOfOrder where a row does not come after the one before it.
        """
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        for field in self.schema:
            if not field.nullable and table[field.name].null_count:
                raise QueryError(
                    f"{self._name}: {field.name} is null in a row, and is declared never to be"
                )
        found = self._order.first_out_of(table) if self._order else None
        if found is not None:
            row = " ".join(f"{column}={value}" for column, value in found.items())
            raise RowsOutOfOrder(
                f"audit {self._name}__rows_in_order found a row twice or out of order ({row})"
            )
        try:
            super().write(table.cast(self.schema))
        except pa.ArrowInvalid as error:
            raise QueryError(f"{self._name}: {error}") from error
