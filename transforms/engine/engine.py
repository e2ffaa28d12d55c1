"""What a transform is, and what an engine must do with it.

A transform names its inputs; a flow says which files or small tables those are. Whatever runs the
SQL, the rows of a table are the same, in the same order, and so are the bytes of its file: every
table is written here, by `TableFile`, from batches that come sorted.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from itertools import dropwhile
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.derive import stored_schema
from schemas.exports import Export
from schemas.tables import Table
from transforms.engine.row_groups import TableFile
from transforms.engine.threads import each_beside

ROOT: Final = Path(str(resources.files("transforms")))
POLICY: Final = "policy_"
"""What the names of policies begin with, among the inputs."""

_HEADER_LINE: Final = re.compile(
    r"--\s*(purpose|grain|keys|inputs|policy|rules|apart|kept)\s*:\s*(.*)"
)
_INPUT: Final = re.compile(r"(\w+)\(([^)]*)\)")


_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True)
class Transform:
    """A .sql file under `transforms/`: its name, text and header (purpose, grain, keys, …)."""

    name: str
    path: Path
    sql: str
    header: dict[str, str]

    @property
    def title(self) -> str:
        """The name without its folder: that of the table, or of the claim that it makes."""
        return self.name.rpartition("/")[2]

    @cached_property
    def inputs(self) -> dict[str, list[str]]:
        """The columns that it reads of each input, as its header says."""
        return {
            relation: [column.strip() for column in columns.split(",")]
            for relation, columns in _INPUT.findall(self.header.get("inputs", ""))
        }

    @cached_property
    def body(self) -> str:
        """The SQL without its header."""
        lines = self.sql.splitlines()
        return "\n".join(dropwhile(lambda line: line.startswith("--"), lines))


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


class Engine(Protocol):
    """A session that runs transforms over named inputs; closes with its `with` block.

    `scratch` is a private folder for what doesn't fit in memory. Other threads than the one that
    started it may use it as well: their statements run beside its own. Whatever the engine can't
    run raises QueryError, with the transform's name and the first line of what the engine said;
    OutOfMemory, where less work at the same time might help.
    """

    scratch: Path

    # Naming what transforms read

    @abstractmethod
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
        may lack columns, which are null in its rows then.
        """

    @abstractmethod
    def tables(self, tables: Mapping[str, pa.Table]) -> None:
        """Names small tables as inputs, all at once; those that are named already stay."""

    @abstractmethod
    def view(self, name: str, transform: Transform) -> None:
        """Names a transform as an input for others, computed as often as they read it."""

    @abstractmethod
    def create(self, name: str, transform: Transform) -> None:
        """Keeps a transform's rows as an input for others."""

    @abstractmethod
    def file(self, name: str, transform: Transform) -> Path:
        """Keeps a transform's rows as an input for others, in a file in scratch; returns that.

        Files can be read with others as one scan.
        """

    @abstractmethod
    def compare(
        self,
        name: str,
        tables: Iterable[tuple[Table, Sequence[Path], Sequence[Path]]],
        alike: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """Keeps as an input where rows of tables differ between files before and files after.

        `alike`: by table the columns that are known to be the same, and need not be read. See
        `changed_cells` in schemas/derive.py for its columns.
        """

    @abstractmethod
    def roll_back(
        self,
        table: Table,
        columns: Collection[str],
        after: Path,
        period: str,
        restated: Sequence[Path],
        target: Path,
    ) -> int:
        """Writes a period's rows as they were before these restatements; returns how many.

        `columns`: those that the file had then. See `rolled_back` in schemas/derive.py.
        """

    @abstractmethod
    def records(
        self, name: str, export: Export, rows: Sequence[Path] | pa.Table, schema: pa.Schema
    ) -> None:
        """Names rows of an export, in files or in memory, as an input of staging.

        See `staged_records` in schemas/derive.py for its columns.
        """

    def table(self, name: str, data: pa.Table) -> None:
        """Names a small table (the run's context, say) as an input."""
        self.tables({name: data})

    def files(self, name: str, files: Sequence[Path]) -> None:
        """Names Parquet files as one input, with the columns of the first, which we made."""
        self.relation(name, files, pq.read_schema(files[0]), by_name=len(files) > 1)

    # Running transforms

    @abstractmethod
    def columns(self, name: str) -> list[str]:
        """The columns of an input."""

    @abstractmethod
    def rows_of(self, name: str, owner: str | None = None, owners: Sequence[str] = ()) -> pa.Table:
        """The rows of an input, or those whose column `owner` is one of these: of files that are
        sorted by it only the row groups that may hold them are read.
        """

    @abstractmethod
    def rows(self, transform: Transform) -> pa.Table:
        """A transform's rows, for summaries and the rows that break a claim."""

    @abstractmethod
    def has_rows(self, transform: Transform) -> bool:
        """Whether a transform has any row."""

    @abstractmethod
    def stream_schema(self, transform: Transform, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The schema's columns of a transform's rows, in its order, without holding them all."""

    @abstractmethod
    def streams(
        self, first: Transform, second: Transform, of: Iterable[str], by: str | None = None
    ) -> tuple[pa.RecordBatchReader, pa.RecordBatchReader]:
        """Two sorted transforms' rows as streams of batches; to be read side by side, in any turn.

        `of`: the inputs that they have a row of each from. `by`: the column of text that both, and
        the inputs, are sorted by first.
        """

    @abstractmethod
    def repeated_key(self, table: Table, files: Sequence[Path]) -> dict[str, object] | None:
        """The first key, with its partition, that several rows of a table's files have, if any."""

    def write(self, transform: Transform, table: Table, target: Path) -> int:
        """Writes a transform's rows as the table's Parquet, with its metadata; returns how many.

        Raises QueryError where rows are not as the table is declared: types, values that must be
        there, order, each key once.
        """
        file = TableFile(target, stored_schema(table), table.name, table.order)
        return self._write(transform, file)

    def write_schema(self, transform: Transform, schema: pa.Schema, target: Path) -> int:
        """Writes the schema's columns of a transform's rows as Parquet; returns how many."""
        return self._write(transform, TableFile(target, schema, transform.name))

    def _write(self, transform: Transform, file: TableFile) -> int:
        with file:
            each_beside(file.write, self.stream_schema(transform, file.schema))
        return file.rows

    # The session

    @abstractmethod
    def progress(self) -> float:
        """Share of the running statement that is done, 0 to 100, or below 0 if not known."""

    @abstractmethod
    def forget(self) -> None:
        """Forgets all inputs but policies, as if the session were new; `scratch` stays."""

    @abstractmethod
    def close(self) -> None:
        """Ends the session."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
