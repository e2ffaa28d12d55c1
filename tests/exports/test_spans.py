"""What staging keeps of rows that hold since a moment: older ones, spans, digests (R1, R2)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from flows.commands.dated import dated_files
from flows.console.errors import NotReady
from flows.publishing.run import Context
from tests.membership import land, options
from tests.points import customer
from tests.support import Row, ingest, staged

START = date(2016, 1, 1)


def row(name: str, joined: str, left: str = "", updated: str = "2020-01-01 00:00:00") -> Row:
    return customer(customer_id=name, joined_on=joined, terminated_on=left, updated_at=updated)


def delivered(workspace: Path, *deliveries: Sequence[Row]) -> Path:
    """A workspace that these customers were delivered to, one ingest each."""
    for number, rows in enumerate(deliveries):
        land(workspace, "customers", rows, f"{number}.csv")
        ingest(workspace, "customers")
    return workspace


def spans(workspace: Path) -> list[tuple[str, str]]:
    """By customer and joined_on: the first and the last day, an end left out."""
    return [
        (str(each["joined_on"]), str(each["terminated_on"] or ""))
        for each in staged(workspace, "customers_spans")
    ]


def since(workspace: Path, kind: str, until: datetime) -> tuple[int, int]:
    """What could matter up to a moment: how many facts, and their digest."""
    rows = [
        each
        for each in staged(workspace, "customers_since")
        if each["kind"] == kind and each["since"] <= until
    ]
    return sum(each["facts"] for each in rows), int(sum(each["digest"] for each in rows))


@pytest.mark.parametrize("apart", [True, False])
def test_who_comes_back_begins_another_span_however_it_is_delivered(
    tmp_path: Path, apart: bool
) -> None:
    rows = [
        row("A", "2009-01-01", updated="2016-01-01 00:00:00"),
        row("A", "2009-01-01", "2017-05-20", "2017-05-20 00:00:00"),
        row("A", "2017-07-01", updated="2017-07-01 10:00:00"),
    ]
    random.Random(1).shuffle(rows)
    delivered(tmp_path, *([[one] for one in rows] if apart else [rows]))
    assert spans(tmp_path) == [("2009-01-01", "2017-05-20"), ("2017-07-01", "")]
    (first, second) = staged(tmp_path, "customers_spans")
    assert (first["counts_from"], first["counts_until"]) == (None, date(2017, 7, 1))
    assert (second["counts_from"], second["counts_until"]) == (date(2017, 7, 1), None)
    older = staged(tmp_path, "customers_history")
    assert sorted(each["updated_at"] for each in older) == [
        datetime(2016, 1, 1),
        datetime(2017, 5, 20),
    ]


def test_another_joined_on_corrects_a_span_that_had_not_ended(tmp_path: Path) -> None:
    rows = [
        row("A", "2012-01-01", updated="2016-01-01 00:00:00"),
        row("A", "2010-11-01", updated="2016-02-01 00:00:00"),
        row("A", "2010-11-01", "2016-03-01", "2016-03-01 00:00:00"),
        row("A", "2016-02-29", updated="2016-04-01 00:00:00"),
    ]
    assert spans(delivered(tmp_path, rows)) == [("2016-02-29", "")]
    later = [row("A", "2016-02-29", "2016-05-01", "2016-05-01 00:00:00")]
    back = [row("A", "2016-05-01", updated="2016-06-01 00:00:00")]
    land(tmp_path, "customers", later + back, "later.csv")
    ingest(tmp_path, "customers")
    assert spans(tmp_path) == [("2016-02-29", "2016-05-01"), ("2016-05-01", "")]


def test_of_two_older_rows_of_one_moment_none_is_kept_and_one_twice_once(tmp_path: Path) -> None:
    now = row("A", "2010-01-01", updated="2017-01-01 00:00:00")
    older = row("A", "2011-01-01", updated="2016-01-01 00:00:00")
    twice = row("A", "2012-01-01", updated="2015-01-01 00:00:00")
    unlike = twice | {"joined_on": "2013-01-01"}
    delivered(tmp_path, [now], [older, older, twice, unlike], [older | {"joined_on": "2014-01-01"}])
    (kept,) = staged(tmp_path, "customers_history")
    assert kept["joined_on"] == date(2011, 1, 1)


def test_what_came_after_a_moment_does_not_matter_to_it(tmp_path: Path) -> None:
    noon = datetime(2016, 3, 31, 12)
    delivered(tmp_path, [row("A", "2010-01-01", updated="2016-01-01 00:00:00")])
    before = {kind: since(tmp_path, kind, noon) for kind in ("span", "record")}
    new = [
        row("B", "2016-04-01", updated="2016-04-01 00:00:00"),
        row("A", "2010-01-01", updated="2016-04-01 00:00:00"),
        row("A", "2010-01-01", "2016-04-01", updated="2016-04-01 00:00:01"),
    ]
    land(tmp_path, "customers", new, "new.csv")
    ingest(tmp_path, "customers")
    assert {kind: since(tmp_path, kind, noon) for kind in before} == before
    midnight = datetime(2016, 4, 1)
    assert since(tmp_path, "span", midnight)[0] == 3
    assert since(tmp_path, "record", midnight)[0] == 3
    assert since(tmp_path, "record", datetime(2016, 4, 1, 0, 0, 1))[0] == 4
    land(tmp_path, "customers", [row("A", "2010-01-01", updated="2016-03-01 00:00:00")], "late.csv")
    ingest(tmp_path, "customers")
    assert since(tmp_path, "record", noon) != before["record"]
    assert since(tmp_path, "span", noon) == before["span"]


def test_the_digests_are_the_same_however_rows_are_delivered(tmp_path: Path) -> None:
    chance = random.Random(7)
    rows = [some_row(chance, f"C{number % 9}", number) for number in range(60)]
    found = []
    for number in range(3):
        chance.shuffle(rows)
        cuts = sorted(chance.sample(range(1, 60), number * 3))
        parts = [rows[a:b] for a, b in pairwise([0, *cuts, 60])]
        workspace = delivered(tmp_path / str(number), *parts)
        found.append([staged(workspace, name) for name in ("customers_spans", "customers_since")])
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("seed", range(4))
def test_spans_are_those_of_the_rule(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rows = [some_row(chance, f"C{number % 12}", number) for number in range(90)]
    delivered(tmp_path, rows[:40], rows[40:])
    by_rule = {name: naive([r for r in rows if r["customer_id"] == name]) for name in names(rows)}
    found = staged(tmp_path, "customers_spans")
    for name, told in by_rule.items():
        own = [each for each in found if each["customer_id"] == name]
        for day in (START + timedelta(days=number) for number in range(-5, 130)):
            (counting,) = [
                each
                for each in own
                if (each["counts_from"] is None or each["counts_from"] <= day)
                and (each["counts_until"] is None or day < each["counts_until"])
            ]
            inside = [span for span in told if is_within(span, day)]
            span = (counting["joined_on"], counting["terminated_on"])
            assert is_within(span, day) == bool(inside)
            if len(inside) == 1:
                assert span == inside[0]


def test_what_an_older_version_did_not_keep_comes_with_the_next_ingest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("transforms.exports.merge.relations_of", lambda _export: [])
        delivered(tmp_path, [row("A", "2010-01-01")])
    assert not (tmp_path / "staged" / "customers_spans").exists()
    with pytest.raises(NotReady, match="run `pointbook ingest` first"):
        dated_files(Context.of(options(tmp_path)), "customers")
    ingest(tmp_path)
    assert spans(tmp_path) == [("2010-01-01", "")]
    assert dated_files(Context.of(options(tmp_path)), "customers")["customers_spans"]


def names(rows: Sequence[Row]) -> set[str]:
    return {each["customer_id"] for each in rows}


def some_row(chance: random.Random, name: str, number: int) -> Row:
    joined = START + timedelta(days=chance.randrange(60))
    left = joined + timedelta(days=chance.randrange(60))
    moment = datetime(2017, 1, 1) + timedelta(minutes=chance.randrange(1000), seconds=number % 60)
    return row(name, str(joined), chance.choice(["", str(left), str(left)]), str(moment))


def naive(rows: Sequence[Row]) -> list[tuple[date, date | None]]:
    """The spans of one customer by the text of R1."""
    found: list[tuple[date, date | None]] = []
    for each in sorted(rows, key=lambda one: one["updated_at"]):
        joined = date.fromisoformat(each["joined_on"])
        left = each["terminated_on"]
        span = (joined, date.fromisoformat(left) if left else None)
        if found and not (joined != found[-1][0] and found[-1][1] and found[-1][1] <= joined):
            found.pop()
        found.append(span)
    return found


def is_within(span: tuple[date, date | None], day: date) -> bool:
    return span[0] <= day and (span[1] is None or day < span[1])
