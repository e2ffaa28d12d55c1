"""The small relations that ingest keeps of billing by month: totals, collections, arrears."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.derive import data_dictionary, stored_schema, table_schema
from schemas.exports import EXPORTS
from schemas.tables import STAGED_RELATIONS, relations_of
from tests.support import Row, csv_of, ingest, staged, valid_rows, workspace_with

DUE = date(2017, 2, 25)
MONTH = "2017-01"


def line(name: str, collected: str | None = None, amount: int | None = None, **changed: Any) -> Row:
    """A billing line of 1,000 won; collected in full where a day and no amount is given."""
    if amount is None:
        amount = 0 if collected is None else changed.get("billed_amount", 1_000)
    return {
        "billing_line_id": name,
        "customer_id": "C1",
        "subscription_id": "S1",
        "product": "mobile",
        "charge_item": "base_fee",
        "billing_month": MONTH,
        "billed_amount": 1_000,
        "collected_amount": amount,
        "due_on": DUE,
        "collected_on": date.fromisoformat(collected) if collected else None,
        "revision": 0,
    } | changed


def kept(root: Path, relation: str, *deliveries: Sequence[Row]) -> list[Row]:
    """What the relation holds after the deliveries, one ingest each."""
    for number, rows in enumerate(deliveries):
        ingest(workspace_with(root, {f"billing/{number}.csv": csv_of("billing", rows)}))
    return staged(root, relation)


def collections(root: Path, *deliveries: Sequence[Row]) -> dict[tuple[str, str, str], list[int]]:
    """Lines and won by billing month, month of collection and charge item."""
    return {
        (row["billing_month"], row["collected_month"], row["charge_item"]): [
            row["lines"],
            row["collected_amount"],
        ]
        for row in kept(root, "billing_collections", *deliveries)
    }


def late(root: Path, *deliveries: Sequence[Row]) -> list[str]:
    """The ids of the late-collected lines, in their order."""
    rows = kept(root, "billing_late_collections", *deliveries)
    return [row["billing_line_id"] for row in rows]


def arrears(root: Path, *deliveries: Sequence[Row]) -> dict[str, tuple[date, date | None]]:
    """When each line was in arrears, from and until."""
    return {
        row["billing_line_id"]: (row["in_arrears_from"], row["in_arrears_until"])
        for row in kept(root, "billing_arrears", *deliveries)
    }


def test_collections_are_counted_by_month_of_collection_product_and_item(tmp_path: Path) -> None:
    rows = [
        line("a", "2017-02-01"),
        line("b", "2017-02-28", 400),
        line("c", "2017-03-01"),
        line("d", "2017-02-10", charge_item="late_fee"),
        line("e", "2017-02-10", billing_month="2016-12"),
        line("never"),
        line("nothing", "2017-02-10", 0),
    ]
    assert collections(tmp_path, rows) == {
        ("2016-12", "2017-02", "base_fee"): [1, 1_000],
        (MONTH, "2017-02", "base_fee"): [2, 1_400],
        (MONTH, "2017-02", "late_fee"): [1, 1_000],
        (MONTH, "2017-03", "base_fee"): [1, 1_000],
    }


def test_a_credit_line_is_collected_with_a_negative_amount(tmp_path: Path) -> None:
    rows = [
        line("a", "2017-02-01"),
        line("b", "2017-02-02"),
        line("credit", "2017-02-03", -300, billed_amount=-300),
        line("late-credit", "2017-03-03", -200, billed_amount=-500),
    ]
    assert collections(tmp_path, rows) == {
        (MONTH, "2017-02", "base_fee"): [3, 1_700],
        (MONTH, "2017-03", "base_fee"): [1, -200],
    }
    (row,) = staged(tmp_path, "billing_late_collections")
    assert (row["billing_line_id"], row["collected_amount"]) == ("late-credit", -200)


def test_late_collections_are_the_lines_outside_the_month_with_most_lines(tmp_path: Path) -> None:
    rows = [
        line("on-time-1", "2017-02-01"),
        line("on-time-2", "2017-02-28"),
        line("early", "2017-01-31"),
        line("late", "2017-03-01", 10, customer_id="C2"),
        line("later", "2018-03-01"),
        line("never"),
        line("nothing", "2017-03-10", 0),
    ]
    assert late(tmp_path, rows) == ["early", "late", "later"]
    (_, row, _) = staged(tmp_path, "billing_late_collections")
    assert row == {
        "billing_month": MONTH,
        "customer_id": "C2",
        "billing_line_id": "late",
        "product": "mobile",
        "charge_item": "base_fee",
        "collected_on": date(2017, 3, 1),
        "collected_month": "2017-03",
        "collected_amount": 10,
    }


def test_lines_make_a_month_the_main_one_not_won(tmp_path: Path) -> None:
    rows = [
        line("a", "2017-02-01", 1),
        line("b", "2017-02-02", 1, charge_item="late_fee"),
        line("c", "2017-03-01", billed_amount=1_000_000),
    ]
    assert late(tmp_path, rows) == ["c"]


def test_on_a_tie_the_earliest_month_is_the_main_one(tmp_path: Path) -> None:
    rows = [
        line("a", "2017-03-01"),
        line("b", "2017-03-02"),
        line("c", "2017-02-01"),
        line("d", "2017-02-02"),
        line("e", "2017-04-01"),
    ]
    assert late(tmp_path, rows) == ["a", "b", "e"]


def test_each_billing_month_has_a_main_month_of_its_own(tmp_path: Path) -> None:
    rows = [
        line("a", "2017-02-01"),
        line("b", "2017-02-02"),
        line("c", "2017-03-02"),
        line("a", "2017-03-01", billing_month="2017-02"),
        line("b", "2017-03-02", billing_month="2017-02"),
        line("c", "2017-02-20", billing_month="2017-02"),
    ]
    found = kept(tmp_path, "billing_late_collections", rows)
    assert [(row["billing_month"], row["collected_month"]) for row in found] == [
        (MONTH, "2017-03"),
        ("2017-02", "2017-02"),
    ]


def test_a_month_without_collections_has_none_late(tmp_path: Path) -> None:
    assert late(tmp_path, [line("a"), line("b")]) == []
    assert staged(tmp_path, "billing_collections") == []
    assert (tmp_path / f"staged/billing_late_collections/billing_month={MONTH}").is_dir()


@pytest.mark.parametrize(
    ("bill", "span"),
    [
        (line("paid before", "2017-02-24"), None),
        (line("paid on the due day", "2017-02-25"), None),
        (line("paid on the day after", "2017-02-26"), None),
        (line("paid two days after", "2017-02-27"), ("2017-02-26", "2017-02-27")),
        (line("paid a year after", "2018-02-25"), ("2017-02-26", "2018-02-25")),
        (line("never paid"), ("2017-02-26", None)),
        (line("paid in part on time", "2017-02-20", 999), ("2017-02-26", None)),
        (line("paid in part late", "2017-04-20", 1), ("2017-02-26", None)),
        (line("nothing paid, with a day", "2017-02-20", 0), ("2017-02-26", None)),
        (line("nothing billed", billed_amount=0), None),
        (line("a credit", billed_amount=-500), None),
        (line("a credit paid late", "2017-05-01", -500, billed_amount=-500), None),
        (line("due on a leap day", due_on=date(2016, 2, 29)), ("2016-03-01", None)),
        (line("due at the year's end", due_on=date(2016, 12, 31)), ("2017-01-01", None)),
    ],
    ids=lambda value: value["billing_line_id"] if isinstance(value, dict) else "",
)
def test_a_line_is_in_arrears_from_the_day_after_it_is_due_until_it_is_paid(
    tmp_path: Path, bill: Row, span: tuple[str, str | None] | None
) -> None:
    bill = bill | {"billing_line_id": "L"}
    expected = {}
    if span is not None:
        first, until = span
        last = date.fromisoformat(until) if until else None
        expected = {"L": (date.fromisoformat(first), last)}
    assert arrears(tmp_path, [bill]) == expected


def test_on_every_day_arrears_are_those_of_the_rule(tmp_path: Path) -> None:
    days = [DUE + timedelta(days=n) for n in range(-3, 5)]
    amounts = [(1_000, 1_000), (1_000, 600), (1_000, 0), (0, 0), (-500, -500), (-500, 0)]
    rows = [
        line(
            f"L{number}",
            billed_amount=billed,
            collected_amount=collected,
            due_on=due,
            collected_on=paid,
        )
        for number, (due, paid, (billed, collected)) in enumerate(
            (due, paid, amounts_)
            for due in days
            for paid in [None, *days]
            for amounts_ in amounts
            if paid is not None or amounts_[1] == 0
        )
    ]
    spans = arrears(tmp_path, rows)

    def by_rule(row: Row, day: date) -> bool:
        billed, collected = row["billed_amount"], row["collected_amount"]
        due_before = billed > 0 and row["due_on"] < day
        return due_before and bool(collected < billed or row["collected_on"] > day)

    def by_relation(row: Row, day: date) -> bool:
        if row["billing_line_id"] not in spans:
            return False
        first, until = spans[row["billing_line_id"]]
        return first <= day and (until is None or day < until)

    moments = [DUE + timedelta(days=n) for n in range(-5, 10)]
    for day in moments:
        assert [by_relation(row, day) for row in rows] == [by_rule(row, day) for row in rows]
    ever = {row["billing_line_id"] for row in rows for day in moments if by_rule(row, day)}
    assert set(spans) == ever


def test_a_revision_changes_the_relations_of_its_month(tmp_path: Path) -> None:
    first = [line("a", "2017-02-01"), line("b", "2017-02-02"), line("c")]
    paid_late = [line("c", "2017-03-05", revision=1)]
    other = [line("x", billing_month="2016-12"), line("c", "2017-02-20", revision=2)]
    assert collections(tmp_path, first) == {(MONTH, "2017-02", "base_fee"): [2, 2_000]}
    assert arrears(tmp_path) == {"c": (date(2017, 2, 26), None)}

    assert collections(tmp_path, first, paid_late) == {
        (MONTH, "2017-02", "base_fee"): [2, 2_000],
        (MONTH, "2017-03", "base_fee"): [1, 1_000],
    }
    assert late(tmp_path) == ["c"]
    assert arrears(tmp_path) == {"c": (date(2017, 2, 26), date(2017, 3, 5))}

    assert collections(tmp_path, first, paid_late, other) == {
        (MONTH, "2017-02", "base_fee"): [3, 3_000]
    }
    assert late(tmp_path) == []
    assert arrears(tmp_path) == {"x": (date(2017, 2, 26), None)}


def test_revisions_can_make_another_month_the_main_one(tmp_path: Path) -> None:
    first = [line("a", "2017-02-01"), line("b", "2017-02-02"), line("c", "2017-03-03")]
    second = [line("a", "2017-03-01", revision=1)]
    assert late(tmp_path, first) == ["c"]
    assert late(tmp_path, first, second) == ["b"]


def test_a_correction_of_one_month_leaves_the_others_alone(tmp_path: Path) -> None:
    first = [line("a", "2017-02-01"), line("a", billing_month="2016-12")]
    kept(tmp_path, "billing", first)
    files = {
        table.name: tmp_path / "staged" / table.name / "billing_month=2016-12/part-0.parquet"
        for table in relations_of(EXPORTS["billing"])
    }
    before = {name: file.stat().st_ino for name, file in files.items()}
    kept(tmp_path, "billing", first, [line("a", "2017-04-01", revision=1)])
    assert {name: file.stat().st_ino for name, file in files.items()} == before


def test_the_relations_are_sorted_and_unique_by_their_key_and_say_what_they_hold(
    tmp_path: Path,
) -> None:
    rows = [row | {"collected_on": row["due_on"]} for row in valid_rows(EXPORTS["billing"], 400)]
    kept(tmp_path, "billing", rows)
    for table in relations_of(EXPORTS["billing"]):
        files = sorted((tmp_path / "staged" / table.name).rglob("*.parquet"))
        assert len(files) == len({row["billing_month"] for row in rows})
        for file in files:
            data = pq.ParquetFile(file).read()
            assert [(field.name, field.type, field.metadata) for field in data.schema] == [
                (field.name, field.type, field.metadata) for field in stored_schema(table)
            ]
            keys = [tuple(row[name] for name in table.key) for row in data.to_pylist()]
            assert all(before < after for before, after in pairwise(keys))


def test_the_relations_keep_the_rules_that_are_declared_for_them(tmp_path: Path) -> None:
    rows = valid_rows(EXPORTS["billing"], 400)
    kept(tmp_path, "billing", rows)
    for table in relations_of(EXPORTS["billing"]):
        found = pa.Table.from_pylist(staged(tmp_path, table.name), table_schema(table))
        assert found.num_rows
        table.model.validate(found.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)


def test_what_is_collected_is_in_the_totals_as_well(tmp_path: Path) -> None:
    kept(tmp_path, "billing", valid_rows(EXPORTS["billing"], 400))
    sums: dict[str, Counter[tuple[str, str]]] = {}
    for relation in ("billing_totals", "billing_collections"):
        sums[relation] = Counter()
        for row in staged(tmp_path, relation):
            sums[relation][row["billing_month"], row["product"]] += row["collected_amount"]
    assert +sums["billing_totals"] == +sums["billing_collections"]


def test_the_dictionary_describes_them() -> None:
    text = data_dictionary()
    for name in STAGED_RELATIONS:
        assert f"### {name}\n" in text


def test_sums_beyond_64_bits_are_kept_exactly(tmp_path: Path) -> None:
    most = 2**63 - 1
    rows = [line(name, "2017-02-01", billed_amount=most) for name in ("a", "b", "c")]
    (total,) = kept(tmp_path, "billing_totals", rows)
    assert (total["lines"], total["billed_amount"], total["collected_amount"]) == (
        3,
        3 * most,
        3 * most,
    )
    (collected,) = staged(tmp_path, "billing_collections")
    assert collected["collected_amount"] == 3 * most
