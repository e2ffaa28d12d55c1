"""The engine that DuckDB is: see `Engine` for what its methods do.

No SQL is put together here but DDL (views over files, COPY), from quoted identifiers and literals.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.derive import (
    changed_cells,
    glob_escaped,
    literal,
    parquet_rows,
    quoted,
    repeated_keys,
    rolled_back,
    staged_partition,
    staged_records,
    stored_schema,
)
from schemas.exports import Export
from schemas.tables import Table
from transforms.engine import scale
from transforms.engine.engine import POLICY, Engine, Transform, memory_bytes
from transforms.engine.errors import OutOfMemory, QueryError
from transforms.engine.row_groups import TableFile
from transforms.engine.threads import beside

_ROWS_AT_ONCE: Final = 1 << 17
_ENGINE_SHARE: Final = 0.6
"""DuckDB's part of `--memory`; the rest is Python's, Prefect's and the allocator's slack."""

_NOT_OF_USE: Final = "partitioned_execution,statistics_propagation"
"""Optimizers. The first splits what is sorted or grouped by ranges of a column, and reads all rows
for each of them again where a filter comes from a CTE: five times the work of an audit over 40 M
rows. The second marks a column as never null where no row of the file has a null, so
that files of one relation get different schemas.
"""

_PASSING: Final = "FORMAT parquet, COMPRESSION lz4_raw, DICTIONARY_SIZE_LIMIT 4096"
"""For a file that is read once and not kept. A column of more values than the limit in a row group
gets no dictionary: the files are the same, and that is known after fewer of them.
"""


def _failure(name: str, error: duckdb.Error | pa.ArrowException | OSError) -> QueryError:
    """The error as one of the transform, or relation, of that name.

    Of what goes wrong after the first batch Arrow hands on the text alone.
    """
    kind = OutOfMemory if str(error).startswith("Out of Memory Error") else QueryError
    return kind(f"{name}: {str(error).splitlines()[0]}")


def _columns_of(files: Iterable[Path]) -> set[str]:
    """The columns that any of the files holds."""
    return {column for file in files for column in pq.read_schema(file).names}


class DuckDBEngine(Engine):
    """A DuckDB session with its inputs.

    `memory` bounds the whole process, so DuckDB gets a share of it. `threads` none: one a core.
    """

    def __init__(self, scratch: Path, memory: str = "4GB", threads: int | None = None) -> None:
        self.scratch = scratch
        self._memory = int(memory_bytes(memory) * _ENGINE_SHARE)
        self._connection = duckdb.connect(
            config={
                "memory_limit": f"{self._memory}B",
                "temp_directory": str(scratch),
                "python_enable_replacements": False,
                "autoinstall_known_extensions": False,
                **({} if threads is None else {"threads": threads}),
            }
        )
        self._views: dict[str, str] = {}
        self._files: dict[str, list[Path]] = {}
        self._tables: dict[str, pa.Table] = {}
        self._kept: set[str] = set()
        self._maker = threading.get_ident()
        self._of_thread = threading.local()
        self._sessions: list[duckdb.DuckDBPyConnection] = []
        self._connection.execute("SET enable_progress_bar = true")
        self._connection.execute("SET enable_progress_bar_print = false")
        self._connection.execute(f"SET disabled_optimizers = {literal(_NOT_OF_USE)}")

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        self._connection.close()
        # a traceback may keep this object alive, and DuckDB would complain
        del self._connection, self._sessions, self._of_thread

    def forget(self) -> None:
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        self._of_thread = threading.local()
        gone = [name for name in self._tables if not name.startswith(POLICY)]
        self._connection.begin()
        for name in self._views:
            self._run(name, f"DROP VIEW {quoted(name)}")
        for name in [*self._kept, *gone]:
            self._run(name, f"DROP TABLE {quoted(name)}")
        self._connection.commit()
        self._views.clear()
        self._files.clear()
        self._kept.clear()
        for name in gone:
            del self._tables[name]

    def relation(
        self,
        name: str,
        files: Sequence[Path],
        schema: pa.Schema,
        *,
        partition: str | None = None,
        by_name: bool = False,
    ) -> None:
        # one scan, not a UNION ALL: a sort of that can't be spilled, and runs out of memory
        held = _columns_of(files) if by_name else None
        self._view(name, parquet_rows(schema, files, partition, held=held))
        self._files[name] = list(files)

    def records(
        self, name: str, export: Export, rows: Sequence[Path] | pa.Table, schema: pa.Schema
    ) -> None:
        partition, _ = staged_partition(export) or (None, None)
        in_path = partition is not None and partition == export.month_of
        if in_path and partition not in schema.names:
            schema = schema.append(pa.field(partition, pa.string()))
        else:
            partition = None
        if isinstance(rows, pa.Table):
            self._connection.register(f"{name} in memory", rows)
            source = f"SELECT * FROM {quoted(f'{name} in memory')}"
        else:
            source = parquet_rows(schema, rows, partition)
        self._view(name, staged_records(export, source, schema.names))

    def tables(self, tables: Mapping[str, pa.Table]) -> None:
        new = {name: data for name, data in tables.items() if self._tables.get(name) != data}
        if not new:
            return
        session = self._session
        session.begin()
        for name, data in new.items():
            session.register("_incoming", data)
            self._run(name, f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT * FROM _incoming")
            session.unregister("_incoming")
        session.commit()
        self._tables |= new

    def create(self, name: str, transform: Transform) -> None:
        self._kept.add(name)
        self._run(transform.name, f"CREATE OR REPLACE TABLE {quoted(name)} AS {transform.sql}")

    def view(self, name: str, transform: Transform) -> None:
        self._view(name, transform.sql)

    def file(self, name: str, transform: Transform) -> Path:
        file = self.scratch / f"{name}.parquet"
        self._copy(transform, file)
        self.files(name, [file])
        return file

    def compare(
        self,
        name: str,
        tables: Iterable[tuple[Table, Sequence[Path], Sequence[Path]]],
        alike: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._kept.add(name)
        begin = f"CREATE OR REPLACE TABLE {quoted(name)} AS"
        for table, before, after in tables:
            same = (alike or {}).get(table.name, ())
            held = [_columns_of(files).difference(same) for files in (before, after)]
            self._run(table.name, f"{begin} {changed_cells(table, before, after, held)}")
            begin = f"INSERT INTO {quoted(name)}"

    def roll_back(
        self,
        table: Table,
        columns: Collection[str],
        after: Path,
        period: str,
        restated: Sequence[Path],
        target: Path,
    ) -> int:
        sql = rolled_back(table, columns, after, _columns_of([after]), period, restated)
        kept = [field for field in stored_schema(table) if field.name in columns]
        schema = pa.schema(kept, metadata=stored_schema(table).metadata)
        file = TableFile(target, schema, table.name, table.order)
        return self._write(Transform(f"{table.name} as of then", target, sql, {}), file)

    def repeated_key(self, table: Table, files: Sequence[Path]) -> dict[str, object] | None:
        found = self._run(table.name, f"{repeated_keys(table, files)} LIMIT 1").fetchone()
        columns = [table.partition, *table.key]
        return None if found is None else dict(zip(columns, found, strict=True))

    def _count(self, names: Iterable[str]) -> int:
        """How many rows inputs have, all of them together."""
        return sum(
            self._run(name, f"SELECT count(*) FROM {quoted(name)}").fetchall()[0][0]
            for name in names
        )

    def streams(
        self, first: Transform, second: Transform, of: Iterable[str], by: str | None = None
    ) -> tuple[pa.RecordBatchReader, pa.RecordBatchReader]:
        """As long as both fit in memory they are made ready side by side, as a sort ends on one
        core; else range after range of `by` is sorted, or what is sorted goes through a file.
        """
        rows = self._count(of)
        if scale.sorts_fit(rows, self._memory):
            with beside() as thread:
                ahead = thread.submit(self._stream, first.name, first.sql)
                behind = self._stream(second.name, second.sql)
                return ahead.result(), behind
        if by is not None:
            ranges = scale.ranges_to_sort(self._files_of(of), by, rows, self._memory)
            if len(ranges) > 1:
                return self._ranges(first, ranges), self._ranges(second, ranges)
        return self._through_file(first), self._through_file(second)

    def _stream(self, name: str, sql: str) -> pa.RecordBatchReader:
        try:
            return self._connection.cursor().sql(sql).to_arrow_reader(_ROWS_AT_ONCE)
        except duckdb.Error as error:
            raise _failure(name, error) from error

    def _through_file(self, transform: Transform) -> pa.RecordBatchReader:
        file = self.scratch / f"{Path(transform.name).name}.parquet"
        self._copy(transform, file)
        return self._stream(transform.name, f"FROM read_parquet({literal(glob_escaped(file))})")

    def _ranges(self, transform: Transform, ranges: Sequence[str]) -> pa.RecordBatchReader:
        """A sorted transform's rows, range by range: one is sorted when those before are read."""
        readers = (
            self._stream(transform.name, f"FROM ({transform.sql}) WHERE {condition}")
            for condition in ranges
        )
        first = next(readers)
        return pa.RecordBatchReader.from_batches(
            first.schema, (batch for reader in chain([first], readers) for batch in reader)
        )

    def _copy(self, transform: Transform, target: Path) -> None:
        self._run(transform.name, f"COPY ({transform.sql}) TO {literal(target)} ({_PASSING})")

    def stream_schema(self, transform: Transform, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        columns = ", ".join(quoted(name) for name in schema.names)
        try:
            relation = self._session.sql(f"SELECT {columns} FROM ({transform.sql})")
            yield from relation.to_arrow_reader(_ROWS_AT_ONCE)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _failure(transform.name, error) from error

    def columns(self, name: str) -> list[str]:
        try:
            return list(self._session.table(quoted(name)).columns)
        except duckdb.Error as error:
            raise _failure(name, error) from error

    def rows_of(self, name: str, owner: str | None = None, owners: Sequence[str] = ()) -> pa.Table:
        try:
            found = self._session.table(quoted(name))
            if owner is not None:
                column = duckdb.ColumnExpression(owner)
                first, *others = map(duckdb.ConstantExpression, owners)
                # unlike a list, one value is looked up in the row groups' statistics
                found = found.filter(column.isin(first, *others) if others else column == first)
            return found.to_arrow_table()
        except duckdb.Error as error:
            raise _failure(name, error) from error

    def rows(self, transform: Transform) -> pa.Table:
        try:
            return self._session.sql(transform.sql).to_arrow_table()
        except duckdb.Error as error:
            raise _failure(transform.name, error) from error

    def has_rows(self, transform: Transform) -> bool:
        """Planned once, where `rows` plans twice, and without columns that only show what is wrong.
        One whose header names a column `apart` is true of all rows where it is true of the rows of
        each of its values: where they are many, it is looked into range by range, in memory.
        """
        sql = f"SELECT count(*) > 0 FROM ({transform.sql})"
        ranges = [""]
        if by := transform.header.get("apart"):
            files = self._files_of(transform.inputs)
            ranges = scale.ranges_to_look_into(files, by, self._memory)
        try:
            with self._session.cursor() as session:
                for condition in ranges:
                    for name in transform.inputs if condition else ():
                        if name in self._files:
                            session.execute(
                                f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS "
                                f"FROM ({self._views[name]}) WHERE {condition}"
                            )
                    if session.execute(sql).fetchall()[0][0]:
                        return True
        except duckdb.Error as error:
            raise _failure(transform.name, error) from error
        return False

    def _files_of(self, names: Iterable[str]) -> list[Path]:
        return [file for name in names for file in self._files.get(name, ())]

    def progress(self) -> float:
        return self._connection.query_progress()

    @property
    def _session(self) -> duckdb.DuckDBPyConnection:
        """The thread's own connection to the one database."""
        if threading.get_ident() == self._maker:
            return self._connection
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = self._connection.cursor()
            self._sessions.append(self._of_thread.session)
        session: duckdb.DuckDBPyConnection = self._of_thread.session
        return session

    def _view(self, name: str, sql: str) -> None:
        if self._views.get(name) != sql:
            self._run(name, f"CREATE OR REPLACE VIEW {quoted(name)} AS {sql}")
            self._views[name] = sql

    def _run(self, name: str, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._session.execute(sql)
        except duckdb.Error as error:
            raise _failure(name, error) from error
