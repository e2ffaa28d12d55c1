"""Everything that follows from the declarations in schemas/: Arrow schemas, Parquet metadata,
DuckDB types and quoting, delivered header names and the data dictionary.

The only place besides `transforms/engine/duckdb.py` that writes SQL text, and only from quoted
identifiers and literals.
"""

from __future__ import annotations

import base64
import csv
import io
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

import pyarrow as pa

from schemas.catalog import SHOWN
from schemas.columns import DTYPES, Declared, DeclaredColumn
from schemas.exports import EXPORTS, Export, opening_lots
from schemas.tables import PUBLISHED, RESTATEMENTS, STAGED_RELATIONS, Table

DELIVERY: Final = "delivery"
"""The last column of every staged export."""
STAGED: Final = "staged"
SCHEMAS: Final = (STAGED, *SHOWN)
"""The schemas of the catalog beside the one that the published tables are in."""

_DUCKDB_TYPES: Final[Mapping[pa.DataType, str]] = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.date32(): "DATE",
    pa.timestamp("us"): "TIMESTAMP",
    pa.decimal128(9, 2): "DECIMAL(9,2)",
    pa.decimal128(38, 0): "DECIMAL(38,0)",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.float64(): "DOUBLE",
}
_TYPE_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()} | {
    pa.float64(): "double",
    pa.list_(pa.string()): "list of text",
}
_PACKAGE_TYPES: Final = {
    "text": "string",
    "bool": "boolean",
    "int64": "integer",
    "date": "date",
    "timestamp": "datetime",
    "decimal": "number",
}
"""The types of a Data Package by the published ones."""
_GLOBS: Final = str.maketrans({character: f"[{character}]" for character in "[*?"})
_CELLS: Final = ("type", "unit", "meaning", "rule")
"""The headers of the data dictionary that tables and exports have in common."""
_WRITTEN: Final[Mapping[str, str]] = {
    "identifier": "1 to 40 of A-Z a-z 0-9 _ -",
    "text": "any text without control characters",
    "code": "letters and digits, in any case",
    "integer": "1234, 1,234, ₩1,234, 1,234원, -1,234, (1,234), 1234.00",
    "decimal": "11.2, 11.20, 1,234.50",
    "month": "2016-11, 201611, 2016.11, 2016/11, 2016년 11월, or the month's first day",
    "date": "2016-11-03, 20161103, 2016.11.03, 2016/11/3, 2016년 11월 3일",
    "timestamp": "a date, then 14:22[:33] or 오후 2:22; 20161103142233; Korea's time, or an offset",
    "boolean": "true/false, 1/0, Y/N, yes/no, t/f, 예/아니오",
    "enumeration": "a code or its Korean label, in any case",
}
"""How a column of each form may be written in an export, in words."""
_EXAMPLES: Final[Mapping[str, str]] = {
    "integer": "33000",
    "decimal": "11.20",
    "month": "2016-11",
    "date": "2016-11-03",
    "timestamp": "2016-11-03 14:22:33",
    "boolean": "true",
}
"""A value of each form, for columns that are declared without one."""


def duckdb_type(dtype: pa.DataType) -> str:
    """The DuckDB type of a published type; `KeyError` for a type that is not published."""
    return _DUCKDB_TYPES[dtype]


def type_name(dtype: pa.DataType) -> str:
    """The published name of a type: text, bool, int64, date, timestamp, decimal."""
    return _TYPE_NAMES[dtype]


def quoted(identifier: str) -> str:
    """The identifier as SQL, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | int | bool | date | Decimal | Path | Sequence[str] | None) -> str:
    """The value as a SQL literal; a sequence becomes a list."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | Decimal():
            return str(value)
        case date():
            return f"{type(value).__name__.upper().replace('DATETIME', 'TIMESTAMP')} '{value}'"
        case str() | Path():
            return "'" + str(value).replace("'", "''") + "'"
        case _:
            return "[" + ", ".join(literal(item) for item in value) + "]"


def glob_escaped(path: Path) -> str:
    """The path as DuckDB's file readers take it: their glob characters stand for themselves."""
    return str(path).translate(_GLOBS)


def unit(column: DeclaredColumn) -> str | None:
    """What the column's values count, where it is declared."""
    declared = column.metadata.get("unit")
    return str(declared) if declared else None


def arrow_schema(
    columns: Mapping[str, DeclaredColumn], *, description: str, grain: str
) -> pa.Schema:
    """The columns as an Arrow schema: nullability, and as metadata descriptions and units."""
    fields = []
    for name, column in columns.items():
        counted = {"unit": declared} if (declared := unit(column)) else {}
        metadata = {"description": column.description, **counted}
        fields.append(pa.field(name, column.dtype, nullable=column.nullable, metadata=metadata))
    return pa.schema(fields, metadata={"description": description, "grain": grain})


def table_schema(table: Table) -> pa.Schema:
    """The table's columns in the published order, the partition column among them."""
    return arrow_schema(table.columns, description=table.description, grain=table.grain)


def stored_schema(table: Table) -> pa.Schema:
    """The columns that the table's files hold: all but the partition column."""
    return arrow_schema(table.stored_columns, description=table.description, grain=table.grain)


def staged_partition(export: Export) -> tuple[str, pa.DataType] | None:
    """The Hive partition column of a staged export: its own month column where it has one
    (`billing_month`), else `month`, of its date; none where the export is staged whole.
    """
    if export.month_of is None:
        return None
    own = export.metadata(export.month_of)["form"] == "month"
    return (export.month_of if own else "month"), pa.string()


def staged_schema(export: Export) -> pa.Schema:
    """The columns of a staged export's files: the export's, in order, without the partition
    column, and `delivery`.

    A personal column may be null even where the export requires it: nothing of the text may have
    been left to hash, and retention takes hashes out.
    """
    partition = staged_partition(export)
    columns = {n: c for n, c in export.columns.items() if partition is None or n != partition[0]}
    schema = arrow_schema(
        columns,
        description=export.description,
        grain=f"one current row per {', '.join(export.key)}",
    )
    fields = [f.with_nullable(True) if f.name in export.personal else f for f in schema]
    described = {"description": "Number of the ingest that brought the row"}
    delivery = pa.field(DELIVERY, pa.int64(), nullable=False, metadata=described)
    return pa.schema([*fields, delivery], metadata=schema.metadata)


def schema_metadata(schema: pa.Schema) -> dict[str, str]:
    """Parquet key-value metadata of a file with this schema.

    DuckDB writes no field metadata; `ARROW:schema`, an Arrow schema message in base64, is where
    Arrow readers look for it.
    """
    plain = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    message = base64.b64encode(schema.remove_metadata().serialize().to_pybytes())
    return {**plain, "ARROW:schema": message.decode("ascii")}


def normalised_header(name: str) -> str:
    """A delivered column name as it is compared.

    Surrounding blanks, line breaks, invisible characters, case and Unicode form are ignored.
    """
    seen = (c for c in name if c not in "\r\n" and unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", "".join(seen)).strip().casefold()


def header_names(export: Export) -> dict[str, str]:
    """Canonical column by normalised header name; the English and the Korean name both count.

    Raises `ValueError` where two columns of the export share a name.
    """
    names: dict[str, str] = {}
    for column, declared in export.columns.items():
        for name in (column, str(declared.title)):
            if names.setdefault(normalised_header(name), column) != column:
                raise ValueError(f"{export.name}: two columns are called {name}")
    return names


def attach_statement(database: Path, name: str) -> str:
    """Attaches a new database file in a storage version that DuckDB 1.x can read as well."""
    return f"ATTACH {literal(database)} AS {quoted(name)} (STORAGE_VERSION 'v1.0.0')"


def schema_statements() -> list[str]:
    """The schemas of the catalog beside the one of published tables."""
    return [f"CREATE SCHEMA IF NOT EXISTS {quoted(name)}" for name in SCHEMAS]


def view_statements(
    table: Table, files: Sequence[Path], held: Collection[str] | None = None
) -> list[str]:
    """A view of the table over Parquet files with its comments; typed and empty without files.

    Columns that are declared as ordered are enumerations, which sort as declared: tiers, say.
    `held`: the columns that any of the files holds, where they don't all hold the same.
    """
    schema = table_schema(table)
    rows = parquet_rows(schema, files, table.partition or None, held=held)
    if ordered := [name for name in table.columns if table.columns[name].metadata.get("ordered")]:
        # as text the files' values would sort by their letters
        levels = {name: ", ".join(literal(v) for v in table.domain(name) or []) for name in ordered}
        casts = (f"CAST({quoted(n)} AS ENUM({of})) AS {quoted(n)}" for n, of in levels.items())
        rows = f"SELECT * REPLACE ({', '.join(casts)}) FROM ({rows})"
    in_schema = STAGED if table.export else None
    return _view(in_schema, table.name, f"{table.description}; {table.grain}", schema, rows)


def shown_schema(export: Export) -> pa.Schema:
    """The columns that are shown of a staged export: with its partition and delivery, no others."""
    schema, names = staged_schema(export), [*export.shown, DELIVERY]
    partition, kind = staged_partition(export) or (None, None)
    if partition is not None:
        own = export.columns.get(partition)
        told = own.description if own else f"Month of {export.month_of}, YYYY-MM"
        schema = schema.append(pa.field(partition, kind, metadata={"description": told}))
        names = list(dict.fromkeys([*export.shown, partition, DELIVERY]))
    return pa.schema([schema.field(name) for name in names])


def staged_view_statements(export: Export, files: Sequence[Path]) -> list[str]:
    """A view of a staged export in the schema `staged`: the columns that are shown of it."""
    schema = shown_schema(export)
    partition, _ = staged_partition(export) or (None, None)
    rows = parquet_rows(schema, files, partition)
    about = f"{export.description}; one current row per {', '.join(export.key)}"
    return _view(STAGED, export.name, about, schema, rows)


def quarantine_view_statements(
    export: str, files: Sequence[Path], held: Collection[str] | None = None
) -> list[str]:
    """A view of the rejected rows of an export in the schema `quarantine`, without their text.

    `held`: as for `view_statements`; files of before workbooks were read have no sheet.
    """
    shown = SHOWN["quarantine"]
    schema = arrow_schema(shown.columns, description=shown.description, grain="")
    rows = parquet_rows(schema, files, None, held=held)
    return _view("quarantine", export, shown.description, schema, rows)


def runs_view_statements(runs: Path | None) -> list[str]:
    """A view of the manifests in a folder of runs, in the schema `runs`; read when it is asked.

    `runs` none: there is no manifest yet, which DuckDB would not take for none.
    """
    shown = SHOWN["runs"]
    schema = arrow_schema(shown.columns, description=shown.description, grain="")
    if runs is None:
        return _view("runs", "runs", shown.description, schema, parquet_rows(schema, [], None))
    read = {
        "run_id": "VARCHAR",
        "command": "VARCHAR",
        "status": "VARCHAR",
        "parameters": "JSON",
        "started_at": "VARCHAR",
        "finished_at": "VARCHAR",
        "seconds": "DOUBLE",
        "outputs": "JSON",
        "policies": "VARCHAR",
        "deliveries_through": "BIGINT",
        "delivery": "BIGINT",
        "error": "VARCHAR",
    }
    columns = ", ".join(f"{quoted(name)}: {literal(kind)}" for name, kind in read.items())
    manifests = literal(f"{glob_escaped(runs)}/[0-9]*/manifest.json")
    told = {
        "period": "COALESCE(parameters->>'month', parameters->>'year', parameters->>'period')",
        # in Korean time as written, whatever the reader's zone
        "started_at": "CAST(substr(started_at, 1, 23) AS TIMESTAMP)",
        "finished_at": "CAST(substr(finished_at, 1, 23) AS TIMESTAMP)",
        "files": "CAST(COALESCE(json_array_length(outputs), 0) AS BIGINT)",
    }
    rows = ", ".join(f"{told.get(name, quoted(name))} AS {quoted(name)}" for name in shown.columns)
    source = f"read_json({manifests}, columns = {{{columns}}})"
    return _view("runs", "runs", shown.description, schema, f"SELECT {rows} FROM {source}")


def kept_as_table(in_schema: str, name: str) -> list[str]:
    """Turns a view of the catalog into a table of its rows."""
    view, kept = (f"{quoted(in_schema)}.{quoted(each)}" for each in (name, f"{name} kept"))
    return [
        f"CREATE TABLE {kept} AS FROM {view}",
        f"DROP VIEW {view}",
        f"ALTER TABLE {kept} RENAME TO {quoted(name)}",
    ]


def only_these_files(files: Sequence[Path]) -> list[str]:
    """From now on a session opens these files and no others, and can't be told to.

    It may write them all the same: whoever gives it SQL of others sees to it that this only reads.
    """
    return [
        f"SET allowed_paths = {literal([str(file) for file in files])}",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ]


def policies_view_statements(
    values: Iterable[Sequence[str | date | None]], digest: str | None
) -> list[str]:
    """A view of policy values in the schema `policies`, which holds them itself.

    `values`: rows of the columns that `SHOWN` declares; `digest`: that of the policies.
    """
    shown = SHOWN["policies"]
    schema = arrow_schema(shown.columns, description=shown.description, grain="")
    lines = [f"({', '.join(literal(value) for value in row)})" for row in values]
    rows = parquet_rows(schema, [], None)
    if lines:
        kinds = {field.name: duckdb_type(field.type) for field in schema}
        casts = ", ".join(
            f"CAST({quoted(n)} AS {kind}) AS {quoted(n)}" for n, kind in kinds.items()
        )
        names = ", ".join(quoted(name) for name in kinds)
        rows = f"SELECT {casts} FROM (VALUES {', '.join(lines)}) AS told({names})"
    about = f"{shown.description}; digest {digest}" if digest else shown.description
    return _view("policies", "policies", about, schema, rows)


def _view(in_schema: str | None, name: str, about: str, columns: pa.Schema, rows: str) -> list[str]:
    """A view, in a schema of its own where one is named, with comments on it and its columns."""
    view = quoted(name) if in_schema is None else f"{quoted(in_schema)}.{quoted(name)}"
    statements = [
        f"CREATE OR REPLACE VIEW {view} AS {rows}",
        f"COMMENT ON VIEW {view} IS {literal(about)}",
    ]
    for field in columns:
        told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
        counted = f" [{told['unit']}]" if "unit" in told else ""
        comment = literal(f"{told['description']}{counted}")
        statements.append(f"COMMENT ON COLUMN {view}.{quoted(field.name)} IS {comment}")
    return statements


def parquet_rows(
    schema: pa.Schema,
    files: Sequence[Path],
    partition: str | None,
    *,
    held: Collection[str] | None = None,
) -> str:
    """A SELECT of the schema's columns from Parquet files; without files, typed and empty.

    `held`: the columns that any of the files holds, where they don't all hold the same; what one
    lacks is null in its rows.
    `partition` is the column that stands in the name of the files' folder. It is read from there,
    since DuckDB's own Hive columns come from the whole path: below a folder `amount=3` they
    replace the files' column of that name, without a word.
    """
    kinds = {field.name: duckdb_type(field.type) for field in schema}
    if not files:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(n)}" for n, kind in kinds.items())
        return f"SELECT {columns} WHERE false"
    expressions = {
        name: quoted(name)
        if held is None or name in held
        else f"CAST(NULL AS {kind}) AS {quoted(name)}"
        for name, kind in kinds.items()
    }
    if partition is not None:
        folder = literal(f"/{partition}=([^/]*)/[^/]*$")
        value = f"regexp_extract(filename, {folder}, 1)"
        expressions[partition] = f"CAST({value} AS {kinds[partition]}) AS {quoted(partition)}"
    columns = ", ".join(expressions.values())
    paths = literal([glob_escaped(file) for file in files])
    hive = "hive_partitioning = false, filename = true"
    union = "" if held is None else ", union_by_name = true"
    return f"SELECT {columns} FROM read_parquet({paths}, {hive}{union})"


def staged_records(export: Export, source: str, columns: Sequence[str]) -> str:
    """A SELECT of what staging reads of an export's rows, under one name for every export.

    `source`: a SELECT of the rows, with these columns. Beside them: `scope` and `record_key` (a
    row's identity), `key_hash` (a number, the same where the identity is the same),
    `record_revision`, `owner_id`, `partition_month`, `first_total` and `second_total` (control
    amounts, else 0) and `content`, the row's values as one.
    """
    month = "''"
    if export.month_of is not None:
        column = quoted(export.month_of)
        own_month = export.metadata(export.month_of)["form"] == "month"
        month = column if own_month else f"strftime({column}, '%Y-%m')"
    scope = month if export.month_of in export.key else "''"
    revision = quoted(export.revision) if export.revision else "0"
    if export.holds_since:
        revision = f"epoch_us({revision})"
    totals = [quoted(column) for column in export.totals] + ["0", "0"]
    content = ", ".join(f"{quoted(c)} := {quoted(c)}" for c in export.columns)
    others = [column for column in columns if column not in export.columns]
    named = ", ".join(quoted(c) for c in [*export.columns, *others])
    key = quoted(export.record_key)
    return (
        f"SELECT {scope} AS scope, {key} AS record_key, hash({scope}, {key}) AS key_hash, "
        f"{quoted(export.owner)} AS owner_id, CAST({revision} AS BIGINT) AS record_revision, "
        f"{month} AS partition_month, CAST({totals[0]} AS BIGINT) AS first_total, "
        f"CAST({totals[1]} AS BIGINT) AS second_total, struct_pack({content}) AS content, "
        f"{named} FROM ({source})"
    )


def repeated_keys(table: Table, files: Sequence[Path]) -> str:
    """A SELECT of the keys, with the partition, that several rows of the files have."""
    identity = [table.partition, *table.key]
    columns = ", ".join(quoted(name) for name in identity)
    schema = table_schema(table)
    rows = parquet_rows(pa.schema([schema.field(n) for n in identity]), files, table.partition)
    return (
        f"SELECT {columns} FROM ({rows}) GROUP BY {columns} HAVING count(*) > 1 ORDER BY {columns}"
    )


def changed_cells(
    table: Table, before: Sequence[Path], after: Sequence[Path], held: Sequence[Collection[str]]
) -> str:
    """A SELECT of the values in which a table's rows differ between files before and after.

    One row per row and column that differ, all as text: `table_name`, `period` (the partition),
    `row_key` (the key with the partition, as JSON), `change` (of the row: added, removed, changed),
    `column_name`, `value_before`, `value_after`. Of a row that only one side has, its key's columns
    differ as well. `held`: the columns that any file before holds, and any after, as they may have
    been written when the table had fewer; any other is null.
    """
    identity = [table.partition, *table.key]
    schema = table_schema(table)
    key = {name: f"COALESCE(old.{quoted(name)}, new.{quoted(name)})" for name in identity}
    joined = " AND ".join(
        f"old.{quoted(name)} "
        f"{'IS NOT DISTINCT FROM' if table.columns[name].nullable else '='} new.{quoted(name)}"
        for name in identity
    )
    differs = " OR ".join(
        f"old.{quoted(name)} IS DISTINCT FROM new.{quoted(name)}" for name in table.stored_columns
    )
    cells = ", ".join(
        f"struct_pack(column_name := {literal(name)}, "
        f"value_before := CAST(old.{quoted(name)} AS VARCHAR), "
        f"value_after := CAST(new.{quoted(name)} AS VARCHAR))"
        for name in table.stored_columns
    )
    row_key = ", ".join(f"{quoted(name)} := {value}" for name, value in key.items())
    partition = quoted(table.partition)
    return (
        f"SELECT {literal(table.name)} AS table_name, period, row_key, change, cell.column_name, "
        "cell.value_before, cell.value_after FROM ("
        f"SELECT CAST({key[table.partition]} AS VARCHAR) AS period, "
        f"CAST(to_json(struct_pack({row_key})) AS VARCHAR) AS row_key, "
        f"CASE WHEN old.{partition} IS NULL THEN 'added' "
        f"WHEN new.{partition} IS NULL THEN 'removed' ELSE 'changed' END AS change, "
        f"unnest([{cells}]) AS cell "
        f"FROM ({parquet_rows(schema, before, table.partition, held=held[0])}) AS old "
        f"FULL JOIN ({parquet_rows(schema, after, table.partition, held=held[1])}) AS new "
        f"ON {joined} WHERE {differs}) "
        "WHERE cell.value_before IS DISTINCT FROM cell.value_after"
    )


def rolled_back(
    table: Table,
    columns: Collection[str],
    after: Path,
    held: Collection[str],
    period: str,
    restated: Sequence[Path],
) -> str:
    """A SELECT of a period's rows as they were before these restatements, in the table's order.

    `columns`: those that its file had then; `after`: its file after all of them, with the columns
    `held`; `restated`: the files of the restatements. Of each value the earliest one says what it
    was; a row of whose key a restatement tells came or went. The opposite of `changed_cells`.
    """
    schema = table_schema(table)
    kept = pa.schema([schema.field(name) for name in table.stored_columns if name in columns])
    kinds = {field.name: duckdb_type(schema.field(field.name).type) for field in kept}
    source = table_schema(PUBLISHED[RESTATEMENTS])
    cells = parquet_rows(source, restated, PUBLISHED[RESTATEMENTS].partition)
    in_row = {name: f"json_extract_string(row_key, {literal(f'$.{name}')})" for name in table.key}
    keys = ", ".join(literal(name) for name in table.key)
    of_rows = ", ".join(
        [
            *(f"{value} AS {quoted(f'{name} of row')}" for name, value in in_row.items()),
            *(
                f"max(CASE WHEN column_name = {literal(name)} THEN value_before END) "
                f"AS {quoted(name)}, "
                f"bool_or(column_name = {literal(name)}) AS {quoted(f'{name} told')}"
                for name in kinds
            ),
            f"bool_or(column_name IN ({keys}) AND value_before IS NULL) AS came",
        ]
    )
    values = ", ".join(
        f"CASE WHEN told.{quoted(f'{name} told')} THEN CAST(told.{quoted(name)} AS {kind}) "
        f"ELSE after.{quoted(name)} END AS {quoted(name)}"
        for name, kind in kinds.items()
    )
    joined = " AND ".join(
        f"after.{quoted(name)} "
        f"{'IS NOT DISTINCT FROM' if table.columns[name].nullable else '='} "
        f"CAST(told.{quoted(f'{name} of row')} AS {kinds[name]})"
        for name in table.key
    )
    order = ", ".join(quoted(name) for name in table.order)
    of_period = f"json_extract_string(row_key, {literal(f'$.{table.partition}')})"
    return (
        f"WITH cells AS (SELECT row_key, column_name, value_before FROM ({cells}) "
        f"WHERE table_name = {literal(table.name)} AND {of_period} = {literal(period)} "
        "QUALIFY row_number() OVER (PARTITION BY row_key, column_name "
        "ORDER BY CAST(split_part(run_id, '-', 1) AS BIGINT)) = 1), "
        f"told AS (SELECT {of_rows} FROM cells GROUP BY row_key) "
        f"SELECT {values} FROM ({parquet_rows(kept, [after], None, held=held)}) AS after "
        f"FULL JOIN told ON {joined} WHERE told.came IS NOT TRUE ORDER BY {order}"
    )


def data_dictionary() -> str:
    """Every table and export in Markdown: grain, keys, columns, types, units and rules."""
    chapters = {
        "Published tables": map(_table_section, PUBLISHED.values()),
        "Staged relations": map(_table_section, STAGED_RELATIONS.values()),
        "Exports": map(_export_section, EXPORTS.values()),
        "Further schemas of the catalog": [_STAGED_SECTION, *map(_shown_section, SHOWN.values())],
        "Opening lots": [_export_section(opening_lots())],
    }
    parts = [
        "# Data dictionary",
        "Generated from `schemas/`. Timestamps are Korea Standard Time.",
        *(part for title, found in chapters.items() for part in (f"## {title}", *found)),
    ]
    return "\n\n".join(parts) + "\n"


def example_row(export: Export) -> dict[str, str]:
    """A row of the export as it may be delivered; what may be missing, and has no example and no
    default, is empty.
    """
    return {name: _example(name, column) for name, column in export.columns.items()}


def _example(name: str, column: DeclaredColumn) -> str:
    """A value of a column: the declared one, its default, or one of its form."""
    declared, default = column.metadata.get("example"), column.metadata.get("default")
    labels = column.metadata.get("labels")
    form = str(column.metadata["form"])
    if declared is not None:
        return str(declared)
    if default is not None:
        return str(default).lower()
    if column.nullable:
        return ""
    if form == "identifier":
        initials = "".join(word[0] for word in name.removesuffix("_id").split("_"))
        return f"{initials.upper()}-1001"
    return next(iter(labels)) if isinstance(labels, dict) else _EXAMPLES.get(form, "")


def description(export: Export) -> dict[str, object]:
    """What an export must hold, as plain values: columns, rules, codes, key and an example row.

    `written` says how a column of each form that it has may be written.
    """
    example = example_row(export)
    forms = dict.fromkeys(str(column.metadata["form"]) for column in export.columns.values())
    return {
        "export": export.name,
        "title": export.title,
        "description": export.description,
        "key": export.key,
        "revision": export.revision,
        "columns": [
            {
                "column": name,
                "korean": column.title,
                "required": not column.nullable,
                "form": column.metadata["form"],
                "unit": unit(column),
                "meaning": column.description,
                "rule": _rules(column),
                "codes": column.metadata.get("labels"),
                "default": column.metadata.get("default"),
                "personal": bool(column.metadata.get("personal")),
                "example": example[name],
            }
            for name, column in export.columns.items()
        ],
        "rules": _rules_across(export),
        "written": {form: _WRITTEN[form] for form in forms},
        "example": _as_csv([example.keys(), example.values()]),
    }


def exports_in_markdown(exports: Sequence[Export]) -> str:
    """What exports must hold, in Markdown: each as in the data dictionary, and an example row."""
    sections = [part for export in exports for part in (_export_section(export), _sample(export))]
    return "\n\n".join(sections) + "\n"


def _sample(export: Export) -> str:
    """How the export's columns may be written, and a file of one row, in Markdown."""
    told = description(export)
    written = told["written"]
    assert isinstance(written, dict)
    forms = "\n".join(f"- {form}: {how}" for form, how in written.items())
    return f"{forms}\n\n```csv\n{told['example']}```"


def _as_csv(rows: Iterable[Iterable[str]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def empty_file(export: Export, *, korean: bool) -> str:
    """A CSV file of the export's header alone, in English or in Korean."""
    columns = export.columns.items()
    return _as_csv([[str(column.title) if korean else name for name, column in columns]])


PackagedFile = Mapping[str, str | int | None]
"""A file of a data package: its `path`, `hash`, `bytes` and `rows`."""


def data_package(files: Mapping[str, Sequence[PackagedFile]]) -> dict[str, object]:
    """The published tables as a Data Package (v2) descriptor.

    `files` gives a table's files, in the order of their partitions, with paths relative to the
    descriptor. A hash in the standard is for one file, and a table has one a partition; so they
    stand in `pointbook:files`.
    """
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "pointbook-warehouse",
        "title": "Published tables of Pointbook",
        "description": "Parquet in Hive layout. Timestamps are Korea Standard Time.",
        "resources": [
            _resource(table, list(files.get(table.name, []))) for table in PUBLISHED.values()
        ],
    }


def _resource(table: Table, files: list[PackagedFile]) -> dict[str, object]:
    """A table; one that is not published yet has no rows, and no path."""
    form: dict[str, object] = {"data": []}
    if files:
        form = {
            "path": [file["path"] for file in files],
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
        }
    in_order = [*table.stored_columns, table.partition]
    return {
        "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
        "name": table.name,
        "type": "table",
        "description": f"{table.description}; {table.grain}",
        **form,
        "schema": {
            "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
            "fields": [_package_field(table, name) for name in in_order],
            **_package_key(table),
        },
        "pointbook:partition": table.partition,
        "pointbook:files": files,
    }


def _package_key(table: Table) -> dict[str, object]:
    """Its key, which in the standard is a primary one where no column of it can be empty."""
    key = [table.partition, *table.key]
    if any(table.columns[name].nullable for name in key):
        return {"uniqueKeys": [key]}
    return {"primaryKey": key}


def _package_field(table: Table, name: str) -> dict[str, object]:
    """A column; the partition's stands last, where readers of Hive layout add it."""
    column = table.columns[name]
    in_path = " (in the path alone, not in the files)" if name == table.partition else ""
    counted = unit(column)
    return {
        "name": name,
        "type": _PACKAGE_TYPES[type_name(column.dtype)],
        "description": f"{column.description}{in_path}",
        # what of the column's rules the standard can say; the dictionary has all of them
        "constraints": {"required": not column.nullable, **column.constraints},
        **({"pointbook:unit": counted} if counted else {}),
    }


def _table_section(table: Table) -> str:
    """What the data dictionary says of a table, in Markdown."""
    key = ", ".join(f"`{name}`" for name in (table.partition, *table.key) if name)
    where = f"Partition: `{table.partition}`" if table.partition else "Kept whole"
    lead = f"{table.description}. Grain: {table.grain}. {where}. Key: {key}."
    rows = [[f"`{name}`", *_cells(column)] for name, column in table.columns.items()]
    return _section(table, table.name, lead, [["column", *_CELLS], *rows])


_STAGED_SECTION: Final = (
    "### staged\n\nA view per export and per staged relation above, over the current rows: all "
    "columns but personal ones, and `delivery`, the number of the ingest that brought the row."
)


def _shown_section(shown: Declared) -> str:
    """What the data dictionary says of a further schema's view, in Markdown."""
    where = "A view per export" if shown.name == "quarantine" else f"View: `{shown.name}`"
    rows = [[f"`{name}`", *_cells(column)] for name, column in shown.columns.items()]
    lead = f"{shown.description}. {where}."
    return _section(shown, shown.name, lead, [["column", *_CELLS], *rows])


def _export_section(export: Export) -> str:
    """What the data dictionary says of an export, in Markdown."""
    key = ", ".join(f"`{name}`" for name in export.key)
    partition = staged_partition(export)
    where = f"by `{partition[0]}`" if partition else "whole"
    staged = f" Staged {where}." if export.name in EXPORTS else ""
    current = f" The highest `{export.revision}` is current." if export.revision else ""
    lead = f"{export.description}. Key: {key}.{current}{staged} \\* = required."
    rows = [
        [f"`{name}`" + ("" if column.nullable else " \\*"), str(column.title), *_cells(column)]
        for name, column in export.columns.items()
    ]
    title = f"{export.name} ({export.title})"
    return _section(export, title, lead, [["column", "Korean name", *_CELLS], *rows])


def _cells(column: DeclaredColumn) -> list[str]:
    """What a row of the dictionary says of a column, under the headers `_CELLS`."""
    return [type_name(column.dtype), unit(column) or "", column.description, _rules(column)]


def _section(of: Declared, title: str, lead: str, rows: list[list[str]]) -> str:
    """A section in Markdown: a table, whose first row is its header, and the rules across it."""
    rows.insert(1, ["---"] * len(rows[0]))
    table = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
    across = [f"- {rule}" for rule in _rules_across(of)]
    parts = [[f"### {title}"], [lead], table, across]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _rules_across(of: Declared) -> list[str]:
    """The rules across columns, in Markdown, each blamed on one of them."""
    return [f"`{check.name.partition(':')[0]}` is {check.title}" for check in of.checks]


def _rules(column: DeclaredColumn) -> str:
    """What a column may hold: its codes with their labels, or its checks; its default."""
    labels = column.metadata.get("labels")
    default = column.metadata.get("default")
    titles = [check.title for check in column.checks]
    if isinstance(labels, dict):
        titles = [" · ".join(f"{code} {korean}" for code, korean in labels.items())]
    if default is not None:
        titles.append(f"default {str(default).lower()}")
    if column.metadata.get("personal"):
        titles.append("personal: kept as a keyed hash")
    return "; ".join(titles)
