"""The same deliveries give the same bytes (Q1), and what may not matter to a tier doesn't."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.publishing.options import POLICIES as SHIPPED
from schemas.derive import staged_schema, stored_schema
from schemas.exports import CHARGE_ITEMS, EXPORTS, PRODUCTS
from schemas.periods import Period
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from tests.membership import (
    Row,
    bills,
    correction,
    customers,
    data_hashes,
    land,
    land_all,
    line,
    months,
    publish,
    published,
    stage,
)
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform
from transforms.policies.assessment import assessment
from transforms.policies.policy import Policies

POLICIES: Final = Policies.load(SHIPPED)
WINDOW: Final = assessment(POLICIES, Period(2017))
SPANS: Final = stored_schema(STAGED_RELATIONS["customers_spans"])
TIERS: Final = ["general", "white", "silver", "gold", "vip"]


@pytest.fixture
def expected(telecom: Path) -> Path:
    """The small telecom, published; to read or copy only."""
    return telecom


def data_of(workspace: Path) -> dict[str, str]:
    """The data that files hold; the registry and quarantine also name the files that landed."""
    return {
        path: digest
        for path, digest in data_hashes(workspace).items()
        if path.startswith("warehouse/") or path.endswith("part-0.parquet")
    }


def test_two_workspaces_get_the_same_bytes(expected: Path, tmp_path: Path) -> None:
    other = published(tmp_path / "another place")
    assert data_hashes(other) == data_hashes(expected)
    assert len(data_hashes(other)) > 50


def test_four_threads_write_the_bytes_of_one(expected: Path, tmp_path: Path) -> None:
    stage(land_all(tmp_path), threads=4)
    publish(tmp_path, threads=4)
    assert data_hashes(tmp_path) == data_hashes(expected)


def test_the_order_of_rows_does_not_matter(expected: Path, tmp_path: Path) -> None:
    shuffled = random.Random(5)
    for export, rows in (("billing", bills()), ("customers", customers())):
        land(tmp_path, export, shuffled.sample(rows, len(rows)))
    stage(tmp_path)
    publish(tmp_path)
    assert data_of(tmp_path) == data_of(expected)


def test_the_split_into_files_does_not_matter(expected: Path, tmp_path: Path) -> None:
    for export, rows in (("billing", bills()), ("customers", customers())):
        for part in range(3):
            land(tmp_path, export, rows[part::3], f"{9 - part}.csv")
    stage(tmp_path)
    publish(tmp_path)
    assert data_of(tmp_path) == data_of(expected)


def test_a_delivery_that_repeats_what_is_known_changes_no_data(
    expected: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(expected, tmp_path / "workspace"))
    land(workspace, "billing", reversed(bills()), "again.csv")
    manifest = stage(workspace)
    assert [file["rows"]["accepted"] for file in manifest["files"]] == [0, 0, 0]
    publish(workspace)
    assert data_of(workspace) == data_of(expected)


def inodes(workspace: Path) -> dict[str, tuple[int, int]]:
    """When and as what every data file was last written."""
    found = {path: (workspace / path).stat() for path in data_of(workspace)}
    return {
        path: (stat.st_mtime_ns, stat.st_ino)
        for path, stat in found.items()
        if path.endswith(".parquet")
    }


def test_a_rerun_touches_no_file(expected: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(expected, tmp_path / "workspace"))
    before = inodes(workspace)
    stage(workspace)
    publish(workspace)
    assert inodes(workspace) == before


def test_a_correction_touches_the_files_of_its_month_and_year_alone(
    expected: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(expected, tmp_path / "workspace"))
    before = inodes(workspace)
    land(workspace, "billing", [correction()], "correction.csv")
    stage(workspace)
    publish(workspace)
    after = inodes(workspace)
    changed = {path for path in after if after[path] != before.get(path)}
    restated = {path for path in changed if path.startswith("warehouse/restatements/")}
    assert len(restated) == 2
    assert changed - restated == {
        "staged/billing/billing_month=2017-03/part-0.parquet",
        "staged/billing_collections/billing_month=2017-03/part-0.parquet",
        "staged/billing_history/billing_month=2017-03/part-0.parquet",
        "staged/billing_totals/billing_month=2017-03/part-0.parquet",
        *(
            f"warehouse/{table}/membership_year=2018/part-0.parquet"
            for table in ("tier_snapshot", "tier_moves", "tier_bands")
        ),
        "warehouse/point_grants/membership_year=2018/part-0.parquet",
    }


def test_many_row_groups_are_the_same_with_any_number_of_threads(tmp_path: Path) -> None:
    transform = load_transform("membership/tier_exceptions")
    count = 400_000
    order = random.Random(3).sample(range(count), count)
    fees = pa.table(
        {
            "customer_id": [f"C{number}" for number in order],
            "annual_fee": pa.array(order, pa.int64()),
            "lines": pa.array([1] * count, pa.int64()),
        }
    )
    nobody = SPANS.empty_table()
    written = []
    for threads in (1, 2, 4):
        with DuckDBEngine(tmp_path / "scratch", "1GB", threads) as engine:
            engine.table("counting_fees", fees)
            engine.table("customers_spans", nobody)
            engine.table("run_context", pa.table({"assessed_on": [WINDOW.assessed_on]}))
            target = tmp_path / f"{threads}.parquet"
            assert engine.write(transform, PUBLISHED["tier_exceptions"], target) == count
        written.append(target.read_bytes())
    assert pq.ParquetFile(target).num_row_groups > 1
    assert written[0] == written[1] == written[2]


# Properties of the assessment: over random bills, run as the SQL that tiers runs


class Assessor:
    """Assesses bills with the transforms of `tiers`, without staging or publishing."""

    def __init__(self, engine: DuckDBEngine) -> None:
        self._engine = engine
        self._fees = load_transform("membership/counting_fees")
        self._snapshot = load_transform("membership/tier_snapshot")
        for name in ("tier_lines", "tier_thresholds", "tier_upgrade"):
            engine.table(f"policy_{name}", POLICIES.relation(name))
        context = {
            "assessed_on": [WINDOW.assessed_on],
            "window_from": [str(WINDOW.months[0])],
            "window_to": [str(WINDOW.months[-1])],
            "policies": [""],
        }
        engine.table("run_context", pa.table(context))

    def __call__(self, people: list[str], billed: list[Row]) -> dict[str, Row]:
        """The snapshot's rows by customer."""
        schema = staged_schema(EXPORTS["billing"]).append(pa.field("billing_month", pa.string()))
        columns = ("customer_id", "product", "charge_item", "billing_month", "collected_amount")
        wanted = pa.schema([schema.field(name) for name in columns])
        self._engine.table("billing", pa.Table.from_pylist(billed, wanted))
        known = [{"customer_id": name, "joined_on": date(2013, 5, 5)} for name in people]
        self._engine.table("customers_spans", pa.Table.from_pylist(known, SPANS))
        self._engine.create("counting_fees", self._fees)
        return {row["customer_id"]: row for row in self._engine.rows(self._snapshot).to_pylist()}


@pytest.fixture(scope="module")
def assess(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assessor]:
    with DuckDBEngine(tmp_path_factory.mktemp("scratch"), "1GB", 1) as engine:
        yield Assessor(engine)


COUNTING: Final = [
    *(("mobile", item) for item in ("base_fee", "domestic_call", "data_call")),
    ("internet", "service_fee"),
    ("iptv", "basic_service_fee"),
    ("wibro", "base_fee"),
    *(
        (product, item)
        for product in ("voip", "landline")
        for item in ("base_fee", "domestic_call")
    ),
]
"""T2, written down again."""
OTHERS: Final = sorted(
    {(product, item) for product in PRODUCTS for item in CHARGE_ITEMS} - set(COUNTING)
)
PEOPLE: Final = ["ann", "bob", "eve"]

AMOUNTS = st.integers(-50_000, 1_200_000)
MONTHS = st.sampled_from(months("2015-11", "2016-10"))


def lines_of(
    people: list[str], pairs: list[tuple[str, str]], amounts: st.SearchStrategy[int] = AMOUNTS
) -> st.SearchStrategy[list[Row]]:
    return st.lists(
        st.builds(
            lambda name, pair, month, amount: {
                "customer_id": name,
                "product": pair[0],
                "charge_item": pair[1],
                "billing_month": month,
                "collected_amount": amount,
            },
            st.sampled_from(people),
            st.sampled_from(pairs),
            MONTHS,
            amounts,
        ),
        max_size=12,
    )


property_test: Callable[..., Any] = settings(max_examples=25, deadline=None, derandomize=True)


@property_test
@given(eligible=lines_of(PEOPLE, COUNTING), ineligible=lines_of(PEOPLE, OTHERS))
def test_a_charge_that_does_not_count_never_changes_a_row(
    assess: Assessor, eligible: list[Row], ineligible: list[Row]
) -> None:
    assert assess(PEOPLE, eligible + ineligible) == assess(PEOPLE, eligible)


@property_test
@given(
    bills=lines_of(PEOPLE, COUNTING),
    month=st.sampled_from(["2015-10", "2016-11"]),
    amount=st.integers(1, 2_000_000),
)
def test_a_bill_of_a_month_outside_the_window_never_changes_a_row(
    assess: Assessor, bills: list[Row], month: str, amount: int
) -> None:
    outside = line("x", "ann", month, amount)
    assert assess(PEOPLE, [*bills, outside]) == assess(PEOPLE, bills)


@property_test
@given(
    bills=lines_of(PEOPLE, COUNTING),
    more=lines_of(["ann"], COUNTING, st.integers(1, 500_000)),
)
def test_more_fee_never_lowers_a_tier(assess: Assessor, bills: list[Row], more: list[Row]) -> None:
    before, after = (assess(PEOPLE, rows)["ann"] for rows in (bills, bills + more))
    assert TIERS.index(after["tier"]) >= TIERS.index(before["tier"])
    assert TIERS.index(after["fee_tier"]) >= TIERS.index(before["fee_tier"])


@property_test
@given(own=lines_of(PEOPLE, COUNTING + OTHERS), others=lines_of(["zoe", "yan"], COUNTING))
def test_other_customers_never_change_a_row(
    assess: Assessor, own: list[Row], others: list[Row]
) -> None:
    alone = assess(PEOPLE, own)
    together = assess([*PEOPLE, "yan", "zoe"], own + others)
    assert {name: together[name] for name in PEOPLE} == alone


@property_test
@given(bills=lines_of(PEOPLE, COUNTING), seed=st.randoms(use_true_random=False))
def test_the_order_of_lines_never_changes_a_row(
    assess: Assessor, bills: list[Row], seed: random.Random
) -> None:
    assert assess(PEOPLE, seed.sample(bills, len(bills))) == assess(PEOPLE, bills)


@property_test
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=9), cut=st.integers(0, 9))
def test_a_fee_is_the_same_however_it_is_split_into_lines(
    assess: Assessor, amounts: list[int], cut: int
) -> None:
    whole = [line("x", "ann", "2016-01", sum(amounts))]
    split = [
        line("x", "ann", "2016-02" if number < cut else "2016-03", amount)
        for number, amount in enumerate(amounts)
    ]
    assert assess(["ann"], split) == assess(["ann"], whole)


def test_a_won_below_a_threshold_is_the_tier_below(assess: Assessor) -> None:
    thresholds = {
        row["tier"]: cast("int", row["from_fee"])
        for row in POLICIES.in_force("tier_thresholds", WINDOW.assessed_on)
    }
    for below, tier in itertools.pairwise(TIERS):
        for fee, wanted in (
            (thresholds[tier] - 1, below),
            (thresholds[tier], tier),
            (thresholds[tier] + 1, tier),
        ):
            assert assess(["ann"], [line("x", "ann", "2016-10", fee)])["ann"]["tier"] == wanted
