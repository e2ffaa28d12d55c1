"""Plain values become relations, and NumPy's arrays Arrow's, without pandas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.policy import POLICIES
from transforms.engine.arrays import array_of, values_of
from transforms.engine.plain import relation_of
from transforms.policies.policy import Policies

SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("number", pa.int64()),
        ("share", pa.float64()),
        ("won", pa.decimal128(18, 2)),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us")),
        ("holds", pa.bool_()),
    ]
)
_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            "number": st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "won": st.none() | st.decimals(-(10**15), 10**15, places=2),
            "day": st.none() | st.dates(),
            # what Arrow reads of a year is four digits
            "moment": st.none() | st.datetimes(datetime(1000, 1, 1)),
            "holds": st.none() | st.booleans(),
        }
    ),
    max_size=8,
)
POLICY_FOLDER = Path(__file__).parents[2] / "data" / "policies" / "as_announced"


# Arrow loads pandas at the first of the others
@settings(deadline=None)
@given(_ROWS)
def test_a_relation_holds_the_rows_it_is_made_of(rows: list[Mapping[str, object]]) -> None:
    assert relation_of(rows, SCHEMA).equals(pa.Table.from_pylist(rows, SCHEMA))


def test_a_column_that_a_row_lacks_is_null_in_it() -> None:
    schema = pa.schema([("number", pa.int64()), ("text", pa.string())])
    found = relation_of([{"number": 1}, {"text": 'a\n"b\\'}], schema)
    assert found.to_pylist() == [{"number": 1, "text": None}, {"number": None, "text": 'a\n"b\\'}]


@pytest.mark.parametrize("row", [{"amount": 1}, {"number": "one"}, {"number": 1.5}])
def test_what_the_schema_does_not_have_is_no_relation(row: Mapping[str, object]) -> None:
    with pytest.raises(pa.ArrowInvalid):
        relation_of([row], pa.schema([("number", pa.int64())]))


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError, match="no plain value"):
        relation_of([{"number": {1}}], pa.schema([("number", pa.int64())]))


def test_policies_are_the_relations_that_arrow_makes_of_their_rows() -> None:
    policies = Policies.load(POLICY_FOLDER)
    for name, policy in POLICIES.items():
        rows = [dict(row) for row in policies.rows(name)]
        assert policies.relation(name).equals(pa.Table.from_pylist(rows, policy.arrow_schema))


@pytest.mark.parametrize(
    "values",
    [
        np.array([], np.int64),
        np.arange(10)[::3],
        np.array([1, -1], np.int32),
        np.array([0.5, -0.5]),
        np.array([True, False, True]),
    ],
)
def test_an_array_comes_back_as_it_was(values: np.ndarray) -> None:
    array = array_of(values)
    assert array.to_pylist() == values.tolist()
    for again in (array, pa.chunked_array([array[:1], array[1:]], array.type)):
        assert values_of(again).tolist() == values.tolist()
    assert values_of(array[1:]).tolist() == values[1:].tolist()


def test_a_computing_command_does_without_pandas(tmp_path: Path) -> None:
    code = """
import sys
from datetime import date
from flows.publishing.write_audit import run_context
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.arrays import numbers_of
from transforms.ledger.fold import ACTIONS, _codes, _words
from transforms.engine.row_groups import TableFile
from transforms.policies.reference import shipped
from transforms.policies.business_days import pay_days
import pyarrow as pa
with DuckDBEngine(sys.argv[1]) as engine:
    run_context(engine, month="2017-03", first_day=date(2017, 3, 1), number=1)
    days = pay_days({date(2017, 3, 1): 3})
    for relation in (shipped().airport_rows, shipped().distance_rows, days):
        engine.table("one", relation)
with TableFile(f"{sys.argv[1]}/days.parquet", days.schema, "days", ["applied_on"]) as file:
    for batch in days.to_batches():
        file.write(batch)
_codes(pa.chunked_array([_words(ACTIONS)]))
numbers_of(pa.chunked_array([pa.nulls(2, pa.int64())]), -1)
sys.exit("pandas" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
