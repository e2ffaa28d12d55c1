"""What is sorted and read by numbers comes out as Arrow has it by texts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.exports.records import Records, Splitter
from transforms.exports.text_order import sorted_by

ID_KINDS = st.sampled_from(
    [
        st.integers(0, 10**6).map("C{:08d}".format),
        st.text("AB\x00z", min_size=3, max_size=3),
        st.text("AB가z", max_size=12),
        st.text("0123456789", min_size=30, max_size=30),
    ]
)
tables = st.tuples(ID_KINDS, ID_KINDS, st.integers(0, 200)).flatmap(
    lambda kinds: st.tuples(
        *(st.lists(kind, min_size=kinds[2], max_size=kinds[2]) for kind in kinds[:2])
    )
)


@settings(deadline=None)
@given(tables, st.integers(0, 3))
def test_rows_are_in_the_order_of_arrows_sort(
    columns: tuple[list[str], list[str]], skipped: int
) -> None:
    first, second = columns
    rows = pa.table(
        {
            "owner": pa.array(first, pa.string()),
            "key": pa.array(second, pa.string()),
            "row": pa.array(range(len(first)), pa.int64()),
        }
    ).slice(skipped)
    keys = [("owner", "ascending"), ("key", "ascending")]
    wanted = rows.take(pc.sort_indices(rows, sort_keys=[*keys, ("row", "ascending")]))
    assert sorted_by(rows, ["owner", "key"]).to_pydict() == wanted.to_pydict()


def records_of(cells: list[str]) -> Records:
    text = "".join(f"x,{cell}\n" for cell in cells).encode()
    (records,) = Splitter(b",", 2, 1).feed(text, final=True)
    return records


def every_row(records: Records) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(len(records), dtype=np.int64)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["0", "12", " 7 ", '"8"', "-3", "-0", "007"], [0, 12, 7, 8, -3, 0, 7]),
        (["9" * 18, "-" + "9" * 18], [10**18 - 1, 1 - 10**18]),
        (["9" * 19], None),
        (["1", ""], None),
        (["1", "-"], None),
        (["1", "1.0"], None),
        (["1", '"1,000"'], None),
        (["1", "1e3"], None),
        (["1", "１"], None),
    ],
)
def test_a_field_of_plain_digits_is_numbers_and_no_other(
    cells: list[str], numbers: list[int] | None
) -> None:
    records = records_of(cells)
    found = records.whole_numbers(1, every_row(records))
    assert (None if found is None else found.to_pylist()) == numbers


@pytest.mark.parametrize("distinct", [1, 3, 4096, 4097])
def test_a_field_of_few_values_is_coded_as_arrow_does(distinct: int) -> None:
    records = records_of([f"v{number * 7 % distinct}" for number in range(9000)])
    rows = every_row(records)
    text = records.field(1, rows)
    coded = records.coded_field(1, rows)
    assert pa.types.is_dictionary(coded.type) is (distinct <= 4096)
    assert coded.cast(pa.string()).equals(text)
    if distinct <= 4096:
        assert coded.dictionary.equals(pc.dictionary_encode(text).dictionary)
