"""SQL over the catalog: a question of one's own, or one of those that are kept with answers.

It is asked of a catalog built for it, of one committed state, by a session that reads the files of
the tables that it names and nothing else: no other file, no setting, no network, no writing. Of an
export with columns that are not shown, and of quarantine and manifests, it gets a copy of what the
catalog shows, since their files hold more.
"""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from flows.answers.pack import csv_cell
from flows.answers.reading import Reader, from_one_state
from flows.answers.sheets import plain as iso
from flows.console.environment import temporary_folder
from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.publishing.catalog import catalog_of
from flows.publishing.options import Options
from schemas.catalog import SHOWN
from schemas.derive import (
    DELIVERY,
    STAGED,
    kept_as_table,
    only_these_files,
    shown_schema,
    staged_partition,
)
from schemas.exports import EXPORTS, opening_lots
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.engine.engine import ROOT, memory_bytes

FORMAT: Final = "pointbook.sql.v1"
QUESTIONS: Final = ROOT / "answers" / "queries"
MOST_ROWS: Final = 1_000_000
MOST_BYTES: Final = 1 << 29
"""Of an answer; whoever needs more reads the files, which are plain Parquet."""
_ROWS_AT_ONCE: Final = 1 << 16
_HEADER: Final = re.compile(r"-- (question|for|tables|parameters): (.+)")
_A_PARAMETER: Final = re.compile(r"(\w+) \(([^)]*)\)")
_A_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_ANSWERED: Final = "nothing but SELECT, DESCRIBE and SUMMARIZE is"
_NOT_SHOWN: Final = (
    "the SQL reads a file, or what the catalog does not show; tables are named as in the catalog: "
    '`pointbook sql "SHOW ALL TABLES"`'
)
_READING_NODES: Final = {
    *("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"),
}
"""The parts of a syntax tree that only read, as DuckDB serializes them."""
_TABLE_FUNCTIONS: Final = {
    *("range", "generate_series", "unnest", "repeat_row"),
    *("duckdb_columns", "duckdb_schemas", "duckdb_tables", "duckdb_views", "pragma_table_info"),
}
"""Others read files, run SQL that is a text, or change how the session works."""
_SHARE: Final = 0.6
"""The session's part of --memory; the rest is Python's and Arrow's."""


@dataclass(frozen=True)
class Question:
    """A question that is kept as a file: what it answers, for whom, from which tables.

    `parameters`: those that its SQL takes, each with an example.
    """

    name: str
    sql: str

    @cached_property
    def header(self) -> dict[str, str]:
        """What its first lines say."""
        found = map(_HEADER.match, self.sql.splitlines())
        return {each[1]: each[2] for each in found if each}

    @property
    def parameters(self) -> dict[str, str]:
        return dict(_A_PARAMETER.findall(self.header.get("parameters", "")))


def questions() -> dict[str, Question]:
    """The questions that are kept, by name."""
    return {
        path.stem: Question(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(QUESTIONS.glob("*.sql"))
    }


def question_list() -> dict[str, Any]:
    """The questions that are kept, as JSON has them, by reader."""
    found = [
        {
            "name": each.name,
            "for": each.header["for"],
            "question": each.header["question"],
            "tables": each.header["tables"].split(", "),
            "parameters": each.parameters,
        }
        for each in questions().values()
    ]
    return {"format": "pointbook.questions.v1", "questions": sorted(found, key=_by_reader)}


def _by_reader(question: Mapping[str, Any]) -> tuple[str, str]:
    return question["for"], question["name"]


def ask(options: Options, asked: str, given: Sequence[str] = ()) -> dict[str, Any]:
    """The answer to SQL, or to a question that is kept, by its name; or that is in a file.

    `given`: values of its parameters, each as `name=value`; `rows` are an Arrow table. Raises
    WrongUsage for SQL that is wrong, that does anything but read, or that reads what the catalog
    does not show; NotReady where the answer is too long.
    """
    sql, expected = _sql_of(asked)
    values = _values(given, expected, sql)
    _require_reading(sql)

    def answer(reader: Reader) -> dict[str, Any]:
        rows = _answered(reader, options, sql, values)
        return {
            "format": FORMAT,
            "sql": sql.strip(),
            "columns": [{"column": field.name, "type": str(field.type)} for field in rows.schema],
            "rows": rows,
        }

    return from_one_state(options, answer)


def print_csv(rows: pa.Table) -> None:
    """Prints rows as CSV, with a header."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.column_names)
    for batch in rows.to_batches(_ROWS_AT_ONCE):
        writer.writerows(map(csv_cell, row.values()) for row in batch.to_pylist())


def plain_answer(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    return [{name: plain(value) for name, value in row.items()} for row in rows.to_pylist()]


def plain(value: object) -> object:
    """A value as JSON has it; decimals and what else JSON has not as text."""
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return int(value) if whole else format(value, "f")
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float):
        return value
    return str(iso(value))


def _sql_of(asked: str) -> tuple[str, dict[str, str]]:
    """The SQL that is asked, with the parameters that it takes, as far as they are known."""
    text = asked.strip()
    if _A_NAME.fullmatch(text):
        known = questions()
        if text in known:
            return known[text].sql, known[text].parameters
        near = get_close_matches(text, known, 1)
        nearest = f"the nearest is {near[0]}" if near else "`pointbook sql --list` shows them"
        raise WrongUsage(f"no question is called {text}; {nearest}")
    if text.endswith(".sql") and not text.startswith("--") and "\n" not in text:
        path = Path(text).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise WrongUsage(f"{path}: {why}; name a file of SQL, or give the SQL itself") from None
    return text, Question("", text).parameters


def _values(given: Sequence[str], expected: Mapping[str, str], sql: str) -> dict[str, str]:
    """The values of parameters; raises WrongUsage for one that is missing or not asked for."""
    values = {}
    for each in given:
        name, is_given, value = each.partition("=")
        asked = re.fullmatch(r"\w+", name) and re.search(rf"\${name}\b", sql)
        if not (is_given and asked):
            takes = dict.fromkeys([*expected, *re.findall(r"\$([A-Za-z_]\w*)", sql)])
            known = ", ".join(f"{name}=…" for name in takes) or "none"
            raise WrongUsage(f"{each!r} gives no parameter of the SQL; it takes {known}")
        values[name] = value
    missing = [name for name in expected if name not in values]
    if missing:
        example = " ".join(f"{name}={expected[name]}" for name in missing)
        raise WrongUsage(f"the question asks for more; add it as in `{example}`")
    return values


def _require_reading(sql: str) -> None:
    """Raises WrongUsage for several statements, and for one that does not only read."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise WrongUsage(_line(error)) from None
    if len(statements) != 1:
        raise WrongUsage(f"one statement is answered at a time; this is {len(statements)}")
    (statement,) = statements
    if statement.type is not duckdb.StatementType.SELECT:
        raise WrongUsage(f"{statement.type.name} is not answered: {_ANSWERED}")
    # a SELECT may have others within it: COPY, INSERT and DELETE are tables to WITH
    with duckdb.connect() as session:
        (tree,) = session.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0]
    for part in _parts(json.loads(tree)):
        kind = str(part.get("type"))
        if kind.endswith("_NODE") and kind not in _READING_NODES:
            raise WrongUsage(f"{kind.split('_')[0]} is not answered: {_ANSWERED}")
        if kind == "TABLE_FUNCTION" and part["function"]["function_name"] not in _TABLE_FUNCTIONS:
            raise WrongUsage(_NOT_SHOWN)


def _parts(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree, wherever in it."""
    if isinstance(tree, dict):
        yield tree
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for each in inner:
        yield from _parts(each)


def _answered(
    reader: Reader,
    options: Options,
    sql: str,
    values: Mapping[str, str],
) -> pa.Table:
    """The rows of an answer."""
    context = reader.context
    read, copied = _named(sql)
    files = {path for name in {*read, *copied} for path in context.files(name).values()}
    reader.notes(files)
    allowed = [path for name in read for path in context.files(name).values()]
    memory = int(memory_bytes(options.memory) * _SHARE)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory}B",
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        **({} if options.threads is None else {"threads": options.threads}),
    }
    with temporary_folder() as scratch, catalog_of(context.workspace, context.state) as catalog:
        config["temp_directory"] = str(scratch)
        with duckdb.connect(str(catalog), config=config) as session:
            try:
                for view in _views_to_copy(copied):
                    for line in kept_as_table(*view):
                        session.execute(line)
                for line in only_these_files(sorted(allowed)):
                    session.execute(line)
            except duckdb.Error as error:
                raise RunFailed(f"{_line(error)}; `pointbook verify` says what mends it") from error
            return _rows(session, sql, values)


def _rows(session: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, str]) -> pa.Table:
    """The rows of SQL; raises NotReady where they are too many, WrongUsage for an error."""
    try:
        relation = session.sql(sql, params=dict(values) or None)
        reader = relation.to_arrow_reader(_ROWS_AT_ONCE)
        batches: list[pa.RecordBatch] = []
        rows, held = 0, 0
        for batch in reader:
            batches.append(batch)
            rows += batch.num_rows
            held += batch.nbytes
            if rows > MOST_ROWS or held > MOST_BYTES:
                raise _too_long()
        found = pa.Table.from_batches(batches, reader.schema)
        return found.rename_columns(_told_apart(found.column_names))
    except duckdb.PermissionException:
        raise WrongUsage(_NOT_SHOWN) from None
    except (duckdb.Error, pa.ArrowException) as error:
        raise WrongUsage(_line(error)) from None
    except OSError:  # a batch that is longer than Arrow's columns can be
        raise _too_long() from None


def _too_long() -> NotReady:
    return NotReady(
        f"the answer has more than {MOST_ROWS:,} rows, or than {MOST_BYTES >> 20:,} MB; add LIMIT, "
        "add it up, or read the Parquet files themselves"
    )


def _named(sql: str) -> tuple[list[str], list[str]]:
    """The relations whose names occur in SQL: those that are read from their files, and those of
    which a copy of what is shown is read.

    A name that occurs as something else costs a copy, and shows nothing more.
    """
    words = set(re.findall(r"\w+", sql.lower()))
    shown = [name for name, table in STAGED_RELATIONS.items() if not table.internal]
    whole = [name for name, export in EXPORTS.items() if _is_shown_whole(name)]
    in_part = [name for name in EXPORTS if name not in whole]
    read = [name for name in (*PUBLISHED, *shown, *whole) if name in words]
    return read, [name for name in (*in_part, *_QUARANTINED, *_ALONE) if name in words]


_QUARANTINED: Final = (*EXPORTS, opening_lots().name)
_ALONE: Final = tuple(name for name in SHOWN if name != "quarantine")


def _is_shown_whole(name: str) -> bool:
    """Whether all columns of a staged export are shown."""
    export = EXPORTS[name]
    partition, _ = staged_partition(export) or (None, None)
    return {*export.columns} <= {*shown_schema(export).names, partition, DELIVERY}


def _views_to_copy(names: Iterable[str]) -> list[tuple[str, str]]:
    """The views of those relations whose files hold more than they show, by schema."""
    named = set(names)
    return [
        *((STAGED, name) for name in EXPORTS if name in named and not _is_shown_whole(name)),
        *(("quarantine", name) for name in _QUARANTINED if name in named),
        *((name, name) for name in _ALONE if name in named),
    ]


def _told_apart(names: Sequence[str]) -> list[str]:
    """Names of columns, of which several may be the same, with a number behind where they are."""
    found: list[str] = []
    for name in names:
        places = (name, *(f"{name}_{number}" for number in range(1, len(names) + 1)))
        found.append(next(place for place in places if place not in found))
    return found


def _line(error: Exception) -> str:
    """What an engine says of SQL, in one line; it shows the place below it."""
    return " ".join(str(error).split("\n\n")[0].split()) or type(error).__name__
