"""Tables stand in their order with each key once, and pieces of work wait for each other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.console.errors import RunFailed
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.side_by_side import side_by_side
from flows.publishing.write_audit import write_and_audit
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import Transform
from transforms.engine.errors import OutOfMemory, QueryError
from transforms.engine.row_order import Order
from transforms.policies.policy import Policies

COLUMNS = ["customer_id", "lot_id", "number"]
Row = tuple[str | None, str | None, int | None]
_texts = st.none() | st.sampled_from(["", "a", "a\x00", "aa", "z", "~", "\x80", "é", "가", "𝄞"])
_rows = st.lists(st.tuples(_texts, _texts, st.none() | st.integers(-2, 2)), max_size=12)


def _place(row: Row) -> tuple[Any, ...]:
    """The row's place: text by bytes, nulls last."""
    return tuple(
        (value is None, value.encode() if isinstance(value, str) else value or 0) for value in row
    )


def _table(rows: list[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    kinds = [pa.string(), pa.string(), pa.int64()]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    return pa.table(dict(zip(COLUMNS, arrays, strict=True)))


@pytest.mark.parametrize("at_once", [1, 2, 1000])
@given(_rows, st.booleans())
def test_the_first_row_that_does_not_come_after_the_one_before_is_found(
    at_once: int, rows: list[Row], ordered: bool
) -> None:
    if ordered:
        rows = sorted(rows, key=_place)
    expected = next(
        (after for before, after in pairwise(rows) if _place(before) >= _place(after)),
        None,
    )
    order = Order(COLUMNS)
    batches = (_table(rows[begin : begin + at_once]) for begin in range(0, len(rows), at_once))
    found = next(filter(None, map(order.first_out_of, batches)), None)
    assert (None if found is None else tuple(found.values())) == expected


@pytest.mark.parametrize("customers", [["ann", "ann"], ["bob", "ann"]])
def test_a_table_with_a_row_twice_or_out_of_order_is_not_published(
    tmp_path: Path, customers: list[str]
) -> None:
    rows = " UNION ALL ".join(
        f"SELECT '{customer}' AS customer_id, 'unknown_customer' AS reason, 1::BIGINT AS amount, "
        f"1::BIGINT AS lines, {place} AS place"
        for place, customer in enumerate(customers)
    )
    sql = f"SELECT customer_id, reason, amount, lines FROM ({rows}) ORDER BY place"
    broken = Transform("membership/tier_exceptions", Path(__file__), sql, {})
    options = Options(workspace=tmp_path)
    with (
        pytest.raises(RunFailed, match=r"tier_exceptions__rows_in_order .*customer_id=ann"),
        Run(Options(workspace=tmp_path), "tiers", {}) as run,
        options.start_engine(run.scratch) as engine,
    ):
        write_and_audit(run, engine, Policies.load(options.policies), [broken], "2017")
    assert not list((tmp_path / "warehouse").rglob("*.parquet"))


def test_a_piece_of_work_comes_after_those_that_it_waits_for() -> None:
    done: list[str] = []
    waits_for = {"last": {"left", "right"}, "left": {"first"}, "right": {"first"}, "first": set()}
    side_by_side(
        {name: partial(done.append, name) for name in waits_for}, waits_for, ThreadPoolExecutor(2)
    )
    assert done[0] == "first"
    assert done[-1] == "last"
    assert sorted(done) == sorted(waits_for)


def test_what_does_not_wait_goes_on_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=30)

    def meet() -> None:
        both.wait()

    side_by_side({"left": meet, "right": meet}, {"left": (), "right": ()}, ThreadPoolExecutor(2))


def test_the_error_of_the_first_as_listed_is_raised_and_what_waits_for_it_is_left_out() -> None:
    done: list[str] = []
    failed = threading.Event()

    def slow() -> None:
        failed.wait(30)
        raise RunFailed("listed first")

    def fast() -> None:
        failed.set()
        raise RunFailed("failed first")

    works = {
        "slow": slow,
        "fast": fast,
        "waiting": lambda: done.append("waiting"),
        "free": lambda: done.append("free"),
    }
    waits_for: dict[str, tuple[str, ...]] = {
        "slow": (), "fast": (), "waiting": ("fast",), "free": ()
    }  # fmt: skip
    with pytest.raises(RunFailed, match="listed first"):
        side_by_side(works, waits_for, ThreadPoolExecutor(2))
    assert done == ["free"]


def test_what_runs_out_of_memory_beside_others_is_done_again_by_itself() -> None:
    running: list[str] = []
    tries: list[tuple[str, int]] = []
    both = threading.Barrier(2, timeout=30)

    def hungry(name: str) -> None:
        running.append(name)
        try:
            tries.append((name, len(running)))
            if [tried for tried, _ in tries].count(name) == 1:
                both.wait()
                raise OutOfMemory(f"{name}: no memory")
        finally:
            running.remove(name)

    works = {name: partial(hungry, name) for name in ("left", "right")}
    works["after"] = partial(tries.append, ("after", 0))
    waits_for = {"left": set[str](), "right": set[str](), "after": {"left"}}
    side_by_side(works, waits_for, ThreadPoolExecutor(2))
    again = tries[2:]
    assert {name for name, _ in again} == {"left", "right", "after"}
    assert all(beside == 1 for name, beside in again if name != "after")


def test_what_runs_out_of_memory_by_itself_fails() -> None:
    tries: list[str] = []

    def greedy() -> None:
        tries.append("greedy")
        raise OutOfMemory("greedy: no memory")

    with pytest.raises(OutOfMemory, match="greedy: no memory"):
        side_by_side({"greedy": greedy}, {"greedy": ()}, ThreadPoolExecutor(2))
    assert len(tries) == 2


def test_a_statement_without_memory_is_told_from_other_failures(tmp_path: Path) -> None:
    def transform(sql: str) -> Transform:
        return Transform("test/transform", tmp_path / "transform.sql", sql, {})

    with DuckDBEngine(tmp_path, "20MB", 1) as engine:
        numbers = "SELECT list(number) AS all_numbers FROM range(100000000) AS numbers(number)"
        with pytest.raises(OutOfMemory, match=r"^test/transform: Out of Memory"):
            engine.rows(transform(numbers))
        with pytest.raises(QueryError) as failure:
            engine.rows(transform("SELECT * FROM nothing"))
        assert not isinstance(failure.value, OutOfMemory)
