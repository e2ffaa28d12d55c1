"""What is sorted by numbers comes out as Arrow sorts it by texts."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

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
