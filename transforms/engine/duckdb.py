"""Runs a named .sql file over named inputs, in DuckDB.

A transform names its inputs; a flow says which files or small tables those are. No SQL is put
together here but DDL (views over files, COPY with metadata), from quoted identifiers and literals.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.columns import TIMESTAMP
from schemas.derive import (
    changed_cells,
    glob_escaped,
    literal,
    parquet_metadata,
    parquet_rows,
    quoted,
    repeated_keys,
    schema_metadata,
    staged_partition,
    stored_schema,
)
from schemas.exports import Export
from schemas.tables import Table
from transforms.engine.ranges import bounds
from transforms.engine.row_groups import RowGroups
from transforms.engine.threads import beside

ROOT: Final = Path(str(resources.files("transforms")))
_HEADER_LINE: Final = re.compile(r"--\s*(purpose|grain|keys|inputs|policy|rules|apart)\s*:\s*(.*)")
_INPUT: Final = re.compile(r"(\w+)\(([^)]*)\)")
_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_ROWS_AT_ONCE: Final = 1 << 17
_ENGINE_SHARE: Final = 0.6
"""DuckDB's part of `--memory`; the rest is Python's, Prefect's and the allocator's slack."""

_STREAMED_ROWS: Final = 1 << 16
_SORTED_ROW_BYTES: Final = 180
"""What a sort holds of a lot or event, as measured."""
_HELD_BY_SORTS: Final = 2
"""Two sorts that are read from at once run out of memory from four to five times it on."""
_RANGES_OF_MEMORY: Final = 2
"""Of rows that fill the memory once: with one, what else is at work takes a tenth longer."""
_JOINED_BYTES: Final = 12
"""What joins and groups hold at most of a byte of files, as measured."""

_NOT_OF_USE: Final = "partitioned_execution"
"""It splits what is sorted or grouped by ranges of a column, and reads all rows for each of them
again where a filter comes from a CTE: five times the work of an audit over 40 M rows.
"""

POLICY: Final = "policy_"
"""What the names of policies begin with, among the inputs."""

_PARQUET: Final = (
    "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 4096"
)
"""Half the time of the defaults for 4 % more bytes. A column of more values than the limit in a
row group gets no dictionary: the files are the same, and that is known after fewer of them."""

_WRITTEN: Final = {"compression": "zstd", "compression_level": 1}
"""The same for what is written as its rows come."""

_PASSING: Final = "FORMAT parquet, COMPRESSION lz4_raw, DICTIONARY_SIZE_LIMIT 4096"
"""For a file that is read once and not kept."""


@dataclass(frozen=True)
class Transform:
    """A .sql file under `transforms/`: its name, text and header (purpose, grain, keys, …)."""

    name: str
    path: Path
    sql: str
    header: dict[str, str]

    @cached_property
    def inputs(self) -> dict[str, list[str]]:
        """The columns that it reads of each input, as its header says."""
        return {
            relation: [column.strip() for column in columns.split(",")]
            for relation, columns in _INPUT.findall(self.header.get("inputs", ""))
        }


@cache
def load_transform(name: str) -> Transform:
    """The transform of that name, e.g. `membership/tier_snapshot`."""
    path = ROOT / f"{name}.sql"
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    entry = ""
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        if found := _HEADER_LINE.match(line):
            entry = found[1]
            header[entry] = found[2].strip()
        elif entry:
            header[entry] = f"{header[entry]} {line.removeprefix('--').strip()}".strip()
    return Transform(name, path, text.strip().removesuffix(";"), header)


def memory_bytes(text: str) -> int:
    """`4GB`, `500MB` … as bytes; raises ValueError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(KB|MB|GB|TB)", text.strip().upper())
    if found is None:
        raise ValueError(f"not an amount of memory: {text!r}; write it like 4GB or 500MB")
    return int(float(found[1]) * _UNITS[found[2]])


class QueryError(Exception):
    """A transform that DuckDB could not run: names the transform and what the engine said."""

    @classmethod
    def of(cls, name: str, error: Exception) -> QueryError:
        kind = OutOfMemory if isinstance(error, duckdb.OutOfMemoryException) else cls
        return kind(f"{name}: {str(error).splitlines()[0]}")


class OutOfMemory(QueryError):
    """A transform that DuckDB had no memory for beside what else was going on."""


class Batches:
    """An input that comes in batches, for transforms of which each row is made of one of its rows.

    `between`: transforms of it, by the name that others read them by. For one thread at a time.
    """

    def __init__(
        self, session: duckdb.DuckDBPyConnection, name: str, between: Mapping[str, Transform]
    ) -> None:
        self._session = session
        self._name = name
        self._between = dict(between)

    def rows(self, batch: pa.Table, transform: Transform) -> pa.Table:
        """What the transform makes of a batch."""
        try:
            self._session.register(self._name, batch)
            while self._between:
                name, way = self._between.popitem()
                self._session.execute(f"CREATE TEMP VIEW {quoted(name)} AS {way.sql}")
            return self._session.sql(transform.sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError.of(transform.name, error) from error


class TableFile(RowGroups):
    """A table's Parquet file on its way, with the table's metadata; closes with its `with` block.

    Raises QueryError where a value is not of its column's type.
    """

    def __init__(self, table: Table, path: Path) -> None:
        self.table = table
        self._own = stored_schema(table)
        super().__init__(path, self._own, **_WRITTEN)

    def write(self, table: pa.Table) -> None:
        """Writes rows; those of a group that isn't full yet are held."""
        try:
            super().write(table.cast(self._own))
        except pa.ArrowInvalid as error:
            raise QueryError(f"{self.table.name}: {error}") from error


def _conditions(column: str, parts: Sequence[str]) -> list[str]:
    """Each of a column's ranges between the parts, as a condition; none for the whole."""
    name = quoted(column)
    lows = [f"{name} >= {literal(part)}" for part in parts]
    highs = [f"{name} < {literal(part)}" for part in parts]
    return [
        " AND ".join(filter(None, range_)) for range_ in zip(["", *lows], [*highs, ""], strict=True)
    ]


class Engine:
    """A DuckDB session with its inputs; closes with its `with` block.

    `scratch` is a private folder for what doesn't fit in memory. `memory` bounds the whole
    process, so DuckDB gets a share of it. Other threads than the one that made it may use it as
    well: their statements run beside its own.
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the session."""
        for session in self._sessions:
            session.close()
        self._connection.close()
        # a traceback may keep this object alive, and DuckDB would complain
        del self._connection, self._sessions, self._of_thread

    def forget(self) -> None:
        """Forgets all inputs but policies, as if the session were new; `scratch` stays."""
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
        """Names Parquet files of a schema as an input; with no files it is an empty relation.

        `partition` is the column of the schema that stands in the files' paths. `by_name`: a file
        may lack columns, which are null in its rows then. Read together files are one scan: the
        engine can't spill a sort of a UNION ALL, and runs out of memory.
        """
        held = None
        if by_name:
            held = {column for file in files for column in pq.read_schema(file).names}
        self._view(name, parquet_rows(schema, files, partition, held=held))
        self._files[name] = list(files)

    def records(
        self, name: str, export: Export, rows: Sequence[Path] | pa.Table, schema: pa.Schema
    ) -> None:
        """Names rows of an export, in Parquet files or in memory, as an input of staging.

        Beside the schema's columns these read, under one name for every export, `scope` and
        `record_key` (a row's identity), `key_hash` (a number, the same where the identity is the
        same), `record_revision`, `owner_id`, `partition_month`, `first_total` and `second_total`
        (control amounts, else 0) and `content`, the row's values as one.
        """
        partition, _ = staged_partition(export) or (None, None)
        own_month = partition is not None and partition == export.month_of
        in_path = own_month and partition not in schema.names
        if in_path:
            schema = schema.append(pa.field(partition, pa.string()))
        month = "''"
        if export.month_of is not None:
            column = quoted(export.month_of)
            month = column if own_month else f"strftime({column}, '%Y-%m')"
        scope = month if export.month_of in export.key else "''"
        revision = quoted(export.revision) if export.revision else "0"
        if export.revision and export.dtype(export.revision) == TIMESTAMP:
            revision = f"epoch_us({revision})"
        totals = [quoted(column) for column in export.totals] + ["0", "0"]
        content = ", ".join(f"{quoted(c)} := {quoted(c)}" for c in export.columns)
        others = [column for column in schema.names if column not in export.columns]
        if isinstance(rows, pa.Table):
            self._connection.register(f"{name} in memory", rows)
            source = f"SELECT * FROM {quoted(f'{name} in memory')}"
        else:
            source = parquet_rows(schema, rows, partition if in_path else None)
        columns = ", ".join(quoted(c) for c in [*export.columns, *others])
        self._view(
            name,
            f"SELECT {scope} AS scope, {quoted(export.record_key)} AS record_key, "
            f"hash({scope}, {quoted(export.record_key)}) AS key_hash, "
            f"{quoted(export.owner)} AS owner_id, CAST({revision} AS BIGINT) AS record_revision, "
            f"{month} AS partition_month, CAST({totals[0]} AS BIGINT) AS first_total, "
            f"CAST({totals[1]} AS BIGINT) AS second_total, struct_pack({content}) AS content, "
            f"{columns} FROM ({source})",
        )

    def table(self, name: str, data: pa.Table) -> None:
        """Names a small table (policy values, the run's context) as an input."""
        self.tables({name: data})

    def tables(self, tables: Mapping[str, pa.Table]) -> None:
        """Names small tables as inputs, all at once; those that are named already stay."""
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
        """Keeps a transform's rows as an input for others."""
        self._kept.add(name)
        self._run(transform.name, f"CREATE OR REPLACE TABLE {quoted(name)} AS {transform.sql}")

    def view(self, name: str, transform: Transform) -> None:
        """Names a transform as an input for others, computed as often as they read it."""
        self._view(name, transform.sql)

    def files(self, name: str, files: Sequence[Path]) -> None:
        """Names Parquet files as one input, with the columns of the first, which we made."""
        self.relation(name, files, pq.read_schema(files[0]), by_name=len(files) > 1)

    def file(self, name: str, transform: Transform) -> Path:
        """Keeps a transform's rows as an input for others, in a file in scratch; returns that.

        Files can be read with others as one scan.
        """
        file = self.scratch / f"{name}.parquet"
        self._copy(transform.sql, file, {}, transform.name, _PASSING)
        self.files(name, [file])
        return file

    def compare(
        self, name: str, tables: Iterable[tuple[Table, Sequence[Path], Sequence[Path]]]
    ) -> None:
        """Keeps as an input where rows of tables differ between files before and files after.

        See `changed_cells` for its columns.
        """
        self._kept.add(name)
        begin = f"CREATE OR REPLACE TABLE {quoted(name)} AS"
        for table, before, after in tables:
            held = {column for file in before for column in pq.read_schema(file).names}
            self._run(table.name, f"{begin} {changed_cells(table, before, after, held)}")
            begin = f"INSERT INTO {quoted(name)}"

    def repeated_key(self, table: Table, files: Sequence[Path]) -> dict[str, object] | None:
        """The first key, with its partition, that several rows of a table's files have, if any."""
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
        """Two sorted transforms' rows as streams of batches; to be read side by side, in any turn.

        `of`: the inputs that they have a row of each from. `by`: the column of text that both, and
        the inputs, are sorted by first. As long as a sort is read from it holds memory that it
        can't give back. So where these rows are many times what fits, range after range of `by` is
        sorted; without it, or where the inputs' files don't tell of any, each transform's rows go
        through a file. Else both are made ready side by side, as a sort ends on one core.
        """
        held = self._count(of) * _SORTED_ROW_BYTES
        if held <= self._memory * _HELD_BY_SORTS:
            with beside() as thread:
                ahead = thread.submit(self._stream, first.name, first.sql)
                behind = self._stream(second.name, second.sql)
                return ahead.result(), behind
        if by is not None:
            ranges = self._parted(self._files_of(of), by, held)
            if len(ranges) > 1:
                return self._ranges(first, ranges), self._ranges(second, ranges)
        return self._through_file(first), self._through_file(second)

    def _stream(self, name: str, sql: str) -> pa.RecordBatchReader:
        try:
            return self._connection.cursor().sql(sql).to_arrow_reader(_ROWS_AT_ONCE)
        except duckdb.Error as error:
            raise QueryError.of(name, error) from error

    def _through_file(self, transform: Transform) -> pa.RecordBatchReader:
        file = self.scratch / f"{Path(transform.name).name}.parquet"
        self._copy(transform.sql, file, {}, transform.name, _PASSING)
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

    def batches(self, name: str, between: Mapping[str, Transform]) -> Batches:
        """Names an input that comes in batches, and what transforms read it through."""
        session = self._connection.cursor()
        self._sessions.append(session)
        return Batches(session, name, between)

    def write(self, transform: Transform, table: Table, target: Path) -> int:
        """Writes a transform's rows as the table's Parquet, with its metadata; returns the rows."""
        return self._copy(transform.sql, target, parquet_metadata(table), transform.name)

    def write_schema(self, transform: Transform, schema: pa.Schema, target: Path) -> int:
        """Writes the schema's columns of a transform's rows as Parquet; returns the rows."""
        columns = ", ".join(quoted(name) for name in schema.names)
        return self._copy(
            f"SELECT {columns} FROM ({transform.sql})",
            target,
            schema_metadata(schema),
            transform.name,
        )

    def _copy(
        self, sql: str, target: Path, metadata: dict[str, str], name: str, form: str = _PARQUET
    ) -> int:
        pairs = ", ".join(f"{quoted(k)}: {literal(v)}" for k, v in metadata.items())
        found = self._run(
            name, f"COPY ({sql}) TO {literal(str(target))} ({form}, KV_METADATA {{{pairs}}})"
        ).fetchall()
        return int(found[0][0])

    def stream_schema(self, transform: Transform, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The schema's columns of a transform's rows, in its order, without holding them all."""
        columns = ", ".join(quoted(name) for name in schema.names)
        try:
            relation = self._connection.sql(f"SELECT {columns} FROM ({transform.sql})")
            yield from relation.to_arrow_reader(_STREAMED_ROWS)
        except (duckdb.Error, pa.ArrowException) as error:
            raise QueryError.of(transform.name, error) from error

    def rows(self, transform: Transform) -> pa.Table:
        """A transform's rows, for summaries and the rows that break a claim."""
        try:
            return self._session.sql(transform.sql).to_arrow_table()
        except duckdb.Error as error:
            raise QueryError.of(transform.name, error) from error

    def has_rows(self, transform: Transform) -> bool:
        """Whether a transform has any row.

        Planned once, where `rows` plans twice, and without columns that only show what is wrong.
        One whose header names a column `apart` is true of all rows where it is true of the rows of
        each of its values: where they are many, it is looked into range by range, in memory.
        """
        sql = f"SELECT count(*) > 0 FROM ({transform.sql})"
        try:
            with self._session.cursor() as session:
                for condition in self._apart(transform):
                    for name in transform.inputs if condition else ():
                        if name in self._files:
                            session.execute(
                                f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS "
                                f"FROM ({self._views[name]}) WHERE {condition}"
                            )
                    if session.execute(sql).fetchall()[0][0]:
                        return True
        except duckdb.Error as error:
            raise QueryError.of(transform.name, error) from error
        return False

    def _apart(self, transform: Transform) -> list[str]:
        """The ranges of its rows that a transform is to be looked into, as conditions."""
        by = transform.header.get("apart", "")
        files = self._files_of(transform.inputs) if by else []
        held = sum(file.stat().st_size for file in files) * _JOINED_BYTES
        return self._parted(files, by, held) if held > self._memory else _conditions(by, [])

    def _files_of(self, names: Iterable[str]) -> list[Path]:
        return [file for name in names for file in self._files.get(name, ())]

    def _parted(self, files: Iterable[Path], column: str, held: int) -> list[str]:
        """Conditions that part rows which hold so many bytes into ranges for the memory."""
        ranges = held * _RANGES_OF_MEMORY // self._memory + 1
        return _conditions(column, bounds(files, column, ranges))

    def progress(self) -> float:
        """Share of the running statement that is done, 0 to 100, or below 0 if not known."""
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
            raise QueryError.of(name, error) from error
