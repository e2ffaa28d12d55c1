"""What follows from the declarations: Arrow schemas, Parquet metadata, quoting, dictionary."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from schemas.columns import DTYPES, TEXT, column
from schemas.derive import (
    DELIVERY,
    data_dictionary,
    duckdb_type,
    glob_escaped,
    header_names,
    literal,
    normalised_header,
    quoted,
    staged_partition,
    staged_schema,
    stored_schema,
    table_schema,
    unit,
)
from schemas.exports import EXPORTS, Export, opening_lots
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.engine.row_groups import TableFile

TABLES = PUBLISHED | STAGED_RELATIONS


@pytest.mark.parametrize("name", TABLES)
def test_a_tables_schema_has_its_columns_with_description_and_unit(name: str) -> None:
    table = TABLES[name]
    schema = table_schema(table)
    assert schema.names == list(table.columns)
    for field in schema:
        declared = table.columns[field.name]
        expected = {b"description": str(declared.description).encode()}
        if counted := unit(declared):
            expected[b"unit"] = counted.encode()
        assert field.metadata == expected
        assert field.type == table.dtype(field.name)
    assert schema.metadata[b"grain"].decode() == table.grain


@pytest.mark.parametrize("name", TABLES)
def test_files_hold_all_columns_but_the_partition_column(name: str) -> None:
    table = TABLES[name]
    apart = {table.partition} if table.partition else set()
    assert set(table_schema(table).names) - set(stored_schema(table).names) == apart


@pytest.mark.parametrize("name", TABLES)
def test_readers_find_what_is_declared_in_what_is_written(name: str, tmp_path: Path) -> None:
    table = TABLES[name]
    schema = stored_schema(table)
    file = tmp_path / "part-0.parquet"
    with TableFile(file, schema, name):
        pass
    for found in (pq.read_schema(file), ds.dataset(file).schema):
        assert found.equals(schema)
        for field in schema:
            described = dict(found.field(field.name).metadata)
            described.pop(b"PARQUET:field_id", None)
            assert described == field.metadata
    stored = pq.read_metadata(file).metadata
    assert stored[b"description"].decode() == table.description
    assert stored[b"grain"].decode() == table.grain


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=list(DTYPES))
def test_every_published_type_is_the_same_type_in_duckdb(dtype: pa.DataType) -> None:
    with duckdb.connect() as connection:
        cast = f"SELECT CAST(NULL AS {duckdb_type(dtype)}) AS value"
        found: pa.Table = connection.sql(cast).to_arrow_table()
    assert found.schema.field("value").type == dtype


def test_billing_is_staged_by_its_own_month_which_its_files_leave_out() -> None:
    assert staged_partition(EXPORTS["billing"]) == ("billing_month", pa.string())
    assert "billing_month" not in staged_schema(EXPORTS["billing"]).names


def test_an_export_with_a_date_is_staged_by_month_and_keeps_the_date() -> None:
    assert staged_partition(EXPORTS["flights"]) == ("month", pa.string())
    assert staged_schema(EXPORTS["flights"]).names == [*EXPORTS["flights"].columns, DELIVERY]


def test_an_export_without_a_month_is_staged_whole() -> None:
    assert staged_partition(EXPORTS["customers"]) is None
    assert staged_schema(EXPORTS["customers"]).names == [*EXPORTS["customers"].columns, DELIVERY]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_column_is_known_by_its_english_and_its_korean_name(name: str) -> None:
    export = EXPORTS[name]
    names = header_names(export)
    for canonical, declared in export.columns.items():
        assert names[normalised_header(f"  {canonical.upper()} ")] == canonical
        decomposed = unicodedata.normalize("NFD", str(declared.title))
        assert names[normalised_header(decomposed)] == canonical


def test_two_columns_of_one_name_are_refused() -> None:
    columns = {n: column(TEXT, "A column", title="번호") for n in ("first", "second")}
    twins = Export("twins", "Two columns", columns, key=["first"], owner="first")
    with pytest.raises(ValueError, match="twins: two columns are called 번호"):
        header_names(twins)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -7,
        Decimal("11.20"),
        date(2016, 2, 29),
        datetime(2016, 2, 29, 23, 59, 59),
        "it's; DROP TABLE x -- \n\\ ''",
        ["a'b", "c"],
    ],
)
def test_a_literal_is_the_value_that_it_was_made_from(value: bool | int | str | None) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {literal(value)}").fetchall() == [(value,)]


def test_a_quoted_identifier_is_a_name_whatever_it_holds() -> None:
    name = 'a"b; DROP TABLE x --'
    with duckdb.connect() as connection:
        found: pa.Table = connection.sql(f"SELECT 1 AS {quoted(name)}").to_arrow_table()
    assert found.column_names == [name]


def test_an_escaped_path_reads_that_file_alone(tmp_path: Path) -> None:
    wanted = tmp_path / "export[1]*?.parquet"
    for number, path in enumerate([wanted, tmp_path / "export1ab.parquet"]):
        pq.write_table(pa.table({"number": [number]}), path)
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM read_parquet({literal(glob_escaped(wanted))})")
        assert found.fetchall() == [(0,)]


def test_the_dictionary_describes_every_column_of_every_table_and_export() -> None:
    text = data_dictionary()
    sections = dict(part.split("\n", 1) for part in text.split("\n### ")[1:])
    for table in TABLES.values():
        section = sections[table.name]
        assert table.grain in section
        for name, declared in table.columns.items():
            row = next(line for line in section.splitlines() if line.startswith(f"| `{name}`"))
            assert str(declared.description) in row
    for export in [*EXPORTS.values(), opening_lots()]:
        section = sections[f"{export.name} ({export.title})"]
        for name, declared in export.columns.items():
            row = next(line for line in section.splitlines() if line.startswith(f"| `{name}`"))
            assert f"| {declared.title} |" in row
            assert ("\\*" in row) == (not declared.nullable)
