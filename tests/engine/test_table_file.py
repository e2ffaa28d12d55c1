"""A table is written as its rows come, and refused where they are not as it is declared."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.derive import stored_schema
from schemas.tables import PUBLISHED
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import Transform
from transforms.engine.errors import QueryError, RowsOutOfOrder
from transforms.engine.row_groups import TableFile
from transforms.engine.threads import each_beside

EXCEPTIONS = PUBLISHED["tier_exceptions"]


def rows_of(*customers: str | None) -> pa.Table:
    """Rows of these customers, in this order."""
    content: dict[str, list[Any]] = {
        "customer_id": list(customers),
        "reason": ["terminated"] * len(customers),
        "amount": [1] * len(customers),
        "lines": [1] * len(customers),
    }
    return pa.table(content)


def write(path: Path, *pieces: pa.Table) -> pa.Table:
    """What is read of a table that was written in these pieces."""
    schema = stored_schema(EXCEPTIONS)
    with TableFile(path, schema, EXCEPTIONS.name, EXCEPTIONS.order) as file:
        for piece in pieces:
            file.write(piece)
    return pq.read_table(path)


def test_pieces_become_one_table_of_the_declared_schema(tmp_path: Path) -> None:
    written = write(tmp_path / "whole.parquet", rows_of("ann"), rows_of(), rows_of("bob", "eve"))
    assert written.schema.equals(stored_schema(EXCEPTIONS), check_metadata=True)
    assert written["customer_id"].to_pylist() == ["ann", "bob", "eve"]


@pytest.mark.parametrize("pieces", [[["bob"], ["ann"]], [["ann"], ["ann"]], [["bob", "ann"]]])
def test_rows_out_of_order_or_twice_are_refused(tmp_path: Path, pieces: list[list[str]]) -> None:
    refused = r"tier_exceptions__rows_in_order found a row twice or out of order \(customer_id=ann"
    with pytest.raises(RowsOutOfOrder, match=refused):
        write(tmp_path / "refused.parquet", *(rows_of(*piece) for piece in pieces))


def test_a_value_that_must_be_there_is_missed_by_table_and_column(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="tier_exceptions: customer_id is null in a row"):
        write(tmp_path / "refused.parquet", rows_of("ann"), rows_of(None))


def test_an_engine_names_what_goes_wrong_after_the_first_rows(tmp_path: Path) -> None:
    sql = (
        "SELECT CASE WHEN number < 999999 THEN number ELSE error('late') END AS number "
        "FROM range(1000000) AS numbers(number)"
    )
    late = Transform("test/late", tmp_path / "late.sql", sql, {})
    with (
        DuckDBEngine(tmp_path, "500MB", 1) as engine,
        pytest.raises(QueryError, match=r"^test/late: Invalid Input Error: late"),
    ):
        engine.write_schema(late, pa.schema([("number", pa.int64())]), tmp_path / "late.parquet")


def test_items_are_worked_on_in_turn_beside_whoever_makes_them() -> None:
    done: list[int] = []
    threads: set[str] = set()

    def work(item: int) -> None:
        threads.add(threading.current_thread().name)
        done.append(item)

    each_beside(work, range(20))
    assert done == list(range(20))
    assert len(threads) == 1


def test_the_first_failure_is_raised() -> None:
    def work(item: int) -> None:
        if item >= 3:
            raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 3"):
        each_beside(work, range(20))
