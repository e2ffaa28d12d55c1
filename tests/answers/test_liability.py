"""`pointbook liability --on`: the points outstanding at any moment, by when they lapse."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from flows.answers.liability import liability
from flows.answers.sheets import rows_of
from flows.console.errors import NotReady, WrongUsage
from flows.publishing.options import Options, start_engine
from flows.publishing.write_audit import run_context
from schemas.derive import table_schema
from schemas.policy import POLICIES
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from tests.questions import validator
from transforms.engine.plain import relation_of

Row = dict[str, Any]

PARTS = ("usable", "past", "left_refundable", "left_not_refundable")
LOT: Row = {
    "lot_id": "L",
    "customer_id": "A",
    "kind": "payment",
    "credited_on": date(2020, 5, 31),
    "expires_on": date(2021, 12, 31),
    "refundable": True,
    "credited": 100,
    "remaining": 100,
}


def told(workspace: Path, at: datetime, **given: Any) -> Row:
    found = liability(Options(workspace=workspace, memory="1GB", threads=1), at, **given)
    validator("liability.v1").validate(found)
    return found


def end_of(period: pd.Period) -> datetime:
    return datetime.combine(period.end_time.date(), datetime.max.time().replace(microsecond=0))


def table(workspace: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(workspace / "warehouse" / name)


# Over the sample


@pytest.mark.parametrize("month", ["2021-11", "2021-12", "2022-01", "2022-02"])
def test_at_the_end_of_a_period_it_is_what_the_lots_and_balances_say(
    month: str, last_months: Path
) -> None:
    """In the last second of December that is after the sweep."""
    period = f"{month[:4]}-YE" if month.endswith("12") else month
    found = told(last_months, end_of(pd.Period(month)))
    lots = table(last_months, "point_lots").query(f"period == '{period}'")
    by = [lots.expires_on.astype(str).str[:7], lots.kind]
    expected = lots.groupby(by, observed=True).remaining.sum()
    assert {(row["expires_month"], row["kind"]): row["points"] for row in found["rows"]} == dict(
        expected[expected != 0]
    )
    balances = table(last_months, "point_balances").query(f"period == '{period}'")
    assert found["points"] == balances.closing.sum()


def test_within_a_month_it_is_the_lots_before_and_the_entries_up_to_the_moment(
    last_months: Path,
) -> None:
    """Judged by pandas, lot by lot, at moments of entries and the second before each."""
    lots = table(last_months, "point_lots").query("period == '2022-01'")
    entries = table(last_months, "point_entries").query("period == '2022-02'")
    moments = entries.occurred_at[entries.kind == "redemption"].drop_duplicates().sort_values()
    for moment in moments.iloc[[0, len(moments) // 2, -1]]:
        for at in (moment - pd.Timedelta(seconds=1), moment):
            up_to = entries[entries.occurred_at <= at]
            expected = lots.remaining.sum() + up_to.points.sum()
            found = told(last_months, at.to_pydatetime())
            assert found["points"] == expected
            assert sum(found[part] for part in PARTS) == expected


def test_owners_who_left_are_those_whose_last_span_is_over(last_months: Path) -> None:
    lots = table(last_months, "point_lots").query("period == '2022-02'")
    (spans_file,) = (last_months / "staged" / "customers_spans").rglob("*.parquet")
    last = pd.read_parquet(spans_file).sort_values("joined_on").groupby("customer_id").tail(1)
    gone = set(last[last.terminated_on <= date(2022, 2, 28)].customer_id)
    of_leavers = lots[lots.customer_id.isin(gone)].remaining.sum()
    found = told(last_months, datetime(2022, 2, 28, 23, 59, 59))
    assert found["left_refundable"] + found["left_not_refundable"] == of_leavers > 0


def test_fewer_owners_than_asked_for_are_not_counted(last_months: Path) -> None:
    at = datetime(2022, 2, 28, 23, 59, 59)
    counted = {
        (r["expires_month"], r["kind"]): r["customers"] for r in told(last_months, at)["rows"]
    }
    least = sorted(counted.values())[len(counted) // 2]
    for row in told(last_months, at, least=least)["rows"]:
        owners = counted[row["expires_month"], row["kind"]]
        assert row["customers"] == (owners if owners >= least else f"<{least}")
        assert (row["lots"] is None) == (owners < least), "one lot has one owner"


def test_nothing_is_written(last_months: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in last_months.rglob("*")}
    told(last_months, datetime(2022, 2, 10, 12))
    assert {path: path.stat().st_mtime_ns for path in last_months.rglob("*")} == before


def test_a_month_that_is_not_closed_names_the_command(last_months: Path) -> None:
    with pytest.raises(NotReady, match="run `pointbook points --month 2022-03` first"):
        told(last_months, datetime(2022, 3, 1))


def test_before_the_ledger_there_is_nothing_to_tell(last_months: Path) -> None:
    with pytest.raises(WrongUsage, match="lies before 2021-11"):
        told(last_months, datetime(2021, 10, 31))


# Lot by lot


def judged(
    tmp_path: Path,
    lots: list[Row],
    entries: list[Row] = [],  # noqa: B006 (never changed)
    *,
    at: datetime = datetime(2021, 6, 15, 23, 59, 59),
    spans: list[Row] = [],  # noqa: B006
    changes: list[Row] = [],  # noqa: B006
    value: list[Row] = [],  # noqa: B006
) -> list[Row]:
    """The sheet over rows by hand; at a moment of June 2021 unless told."""
    from flows.answers.liability import moments
    from schemas.periods import Period

    dated = {"valid_from": date.min, "valid_to": None, "unit": "", "source": ""}
    relations: dict[str, tuple[list[Row], pa.Schema]] = {
        "opening_lots": (lots, table_schema(PUBLISHED["point_lots"])),
        "point_entries": (entries, table_schema(PUBLISHED["point_entries"])),
        "customers_spans": (spans, table_schema(STAGED_RELATIONS["customers_spans"])),
        **{
            f"policy_{name}": ([dated | row for row in rows], POLICIES[name].arrow_schema)
            for name, rows in (("point_policy_changes", changes), ("point_value", value))
        },
    }
    with start_engine(tmp_path) as engine:
        engine.tables(
            {name: relation_of(rows, _open(of)) for name, (rows, of) in relations.items()}
        )
        run_context(engine, **moments(at, Period(2021, 6)), least=1)
        return list(rows_of(engine, "liability").to_pylist())


def _open(schema: pa.Schema) -> pa.Schema:
    """The schema with columns that may be left out."""
    return pa.schema([field.with_nullable(True) for field in schema])


def standing(row: Row) -> str:
    """The one of the four that a lot's points stand in."""
    (part,) = [part for part in PARTS if row[part]]
    assert row[part] == row["points"]
    return part


@pytest.mark.parametrize(
    ("expires_on", "at", "expected"),
    [
        (date(2021, 6, 15), datetime(2021, 6, 15, 23, 59, 58), "usable"),
        (date(2021, 6, 15), datetime(2021, 6, 15, 23, 59, 59), "past"),
        (date(2021, 6, 16), datetime(2021, 6, 15, 23, 59, 59), "usable"),
        (date(2021, 6, 14), datetime(2021, 6, 15, 0, 0, 0), "past"),
    ],
)
def test_a_lot_can_be_used_through_the_end_of_its_last_day(
    expires_on: date, at: datetime, expected: str, tmp_path: Path
) -> None:
    (row,) = judged(tmp_path, [LOT | {"expires_on": expires_on}], at=at)
    assert standing(row) == expected


@pytest.mark.parametrize(
    ("lot", "terminated_on", "expected"),
    [
        ({}, date(2021, 6, 15), "left_refundable"),
        ({}, date(2021, 6, 16), "usable"),
        ({}, None, "usable"),
        ({"refundable": False}, date(2021, 6, 15), "left_not_refundable"),
        ({"expires_on": date(2021, 5, 1)}, date(2021, 6, 15), "left_not_refundable"),
    ],
)
def test_points_of_owners_who_left_stand_apart(
    lot: Row, terminated_on: date | None, expected: str, tmp_path: Path
) -> None:
    span = {"customer_id": "A", "joined_on": date(2015, 1, 1), "terminated_on": terminated_on}
    (row,) = judged(tmp_path, [LOT | lot], spans=[span])
    assert standing(row) == expected


def test_who_came_back_has_not_left(tmp_path: Path) -> None:
    left = {
        "customer_id": "A",
        "joined_on": date(2015, 1, 1),
        "terminated_on": date(2020, 1, 1),
        "counts_until": date(2021, 1, 1),
    }
    back = {"customer_id": "A", "joined_on": date(2021, 1, 1), "counts_from": date(2021, 1, 1)}
    (row,) = judged(tmp_path, [LOT], spans=[left, back])
    assert standing(row) == "usable"


@pytest.mark.parametrize(
    ("effective_on", "month"), [(date(2021, 6, 15), "2021-09"), (date(2021, 6, 16), "2021-12")]
)
def test_a_change_of_policy_counts_from_its_day_on(
    effective_on: date, month: str, tmp_path: Path
) -> None:
    """P7, within the month that is asked about."""
    change = {"kind": "payment", "effective_on": effective_on, "expires_on": date(2021, 9, 30)}
    (row,) = judged(tmp_path, [LOT], changes=[change])
    assert row["expires_month"] == month


def test_a_change_of_policy_of_before_is_in_the_lots_already(tmp_path: Path) -> None:
    """A lot that was extended afterwards is not shortened again."""
    change = {"kind": "payment", "effective_on": date(2020, 7, 1), "expires_on": date(2020, 12, 31)}
    (row,) = judged(tmp_path, [LOT], changes=[change])
    assert row["expires_month"] == "2021-12"


def test_an_entry_makes_uses_up_and_extends_a_lot(tmp_path: Path) -> None:
    entry = {
        **{name: LOT[name] for name in ("lot_id", "customer_id", "credited_on", "refundable")},
        "lot_kind": "payment",
        "occurred_at": datetime(2021, 6, 10, 9),
        "expires_on": LOT["expires_on"],
    }
    made = entry | {"lot_id": "N", "points": 7}
    used = entry | {"points": -100}
    assert judged(tmp_path, [LOT], [used]) == []
    (row,) = judged(tmp_path, [], [made])
    assert (row["points"], row["lots"], row["customers"]) == (7, 1, 1)
    extended = entry | {"points": 0, "expires_on": date(2022, 3, 31)}
    (row,) = judged(tmp_path, [LOT], [extended])
    assert (row["expires_month"], row["points"]) == ("2022-03", 100)
    later = used | {"occurred_at": datetime(2021, 6, 16)}
    (row,) = judged(tmp_path, [LOT], [later])
    assert row["points"] == 100


def test_won_is_what_policy_says_rounded_down_and_null_where_it_says_nothing(
    tmp_path: Path,
) -> None:
    """B3: seven won for ten points."""
    value: list[Row] = [
        {"kind": "payment", "use": "redemption", "won": 7, "per_points": 10},
        {"kind": "payment", "use": "refund", "won": None, "per_points": 1},
    ]
    (row,) = judged(tmp_path, [LOT | {"remaining": 99}], value=value)
    assert (row["usable_krw"], row["left_refundable_krw"]) == (69, None)
    assert row["no_won_for"] == "refund"
    (row,) = judged(tmp_path, [LOT])
    assert (row["usable_krw"], row["no_won_for"]) == (None, "redemption, refund")
