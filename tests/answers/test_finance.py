"""`pointbook finance`: sheets that tie to the published tables, or nothing is written."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.answers import finance as flow
from flows.answers.sheets import rows_of
from flows.console.errors import NotReady, ProofFailed, RunFailed, WrongUsage
from flows.console.summary import print_summary
from flows.publishing.options import Options, start_engine
from flows.publishing.write_audit import run_context
from schemas.periods import Period
from schemas.policy import POLICIES
from schemas.sheets import SHEETS
from tests.commands_in_tests import open_ledger, run_calendar, run_command, run_commands
from tests.deliveries.test_opening import LOTS, lots_file
from tests.membership import options, stage
from tests.points import land_points
from tests.policy_folders import replaced_policies
from tests.questions import validator
from transforms.engine.plain import relation_of
from transforms.policies.policy import Policies
from transforms.sample import generate

Row = dict[str, Any]
Ids = set[str]

FIRST, LAST = "2021-11", "2022-02"
SEEDS = (11, 12)
EXPIRED = ["expired_validity", "expired_inactivity", "expired_policy_change"]


def settings(workspace: Path, **given: Any) -> Options:
    return Options(workspace=workspace, memory="1GB", threads=1, **given)


def pack_of(
    workspace: Path, first: str = FIRST, last: str = LAST, out: Path | None = None, **given: Any
) -> Row:
    least = given.pop("least", 1)
    span = Period.parse(first), Period.parse(last)
    found = flow.finance(settings(workspace, **given), *span, out, least)
    validator("finance.v1").validate(found)
    return found


def sheet(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def table(workspace: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(workspace / "warehouse" / name)


@pytest.fixture(scope="module", params=[*SEEDS, "sample"])
def workspace(
    request: pytest.FixtureRequest,
    last_months: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A workspace of four months with a year's end among them: of the sample, or of a seed."""
    if request.param == "sample":
        return last_months
    made = tmp_path_factory.mktemp("finance") / str(request.param)
    generate(made / "landing", customers=25, members=8, seed=request.param, first_month="2020-11")
    run_calendar(settings(made), FIRST, LAST, allow_missing_months=True)
    return made


@pytest.fixture(scope="module")
def folder(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack of a workspace."""
    out = tmp_path_factory.mktemp("packs") / "pack"
    pack_of(workspace, out=out)
    return out


# Sums are those of another reckoning


def test_the_roll_forward_is_what_entries_and_lots_add_up_to(workspace: Path, folder: Path) -> None:
    entries, lots = table(workspace, "point_entries"), table(workspace, "point_lots")
    found = sheet(folder, "roll_forward").query("ledger == 'points'")
    assert set(found.period) == {"2021-11", "2021-12", "2021-YE", "2022-01", "2022-02"}
    before = dict(zip(sorted(set(found.period))[1:], sorted(set(found.period)), strict=False))
    for row in found.to_dict("records"):
        of_kind = entries[(entries.period == row["period"]) & (entries.lot_kind == row["kind"])]
        moved = of_kind.groupby("kind", observed=True).points.sum().to_dict()
        expired = of_kind[of_kind.kind == "expiry"].groupby("cause", observed=True).points.sum()
        left = lots[lots.kind == row["kind"]].groupby("period", observed=True).remaining.sum()
        assert row["opening"] == left.get(before.get(row["period"]), 0)
        assert row["credited"] == moved.get(row["kind"], 0)
        assert row["redeemed"] == -moved.get("redemption", 0)
        assert row["given_back"] == moved.get("cancellation", 0)
        assert row["refunded"] == -moved.get("refund", 0)
        for column in EXPIRED:
            assert row[column] == -expired.get(column.removeprefix("expired_"), 0)
        assert row["closing"] == left.get(row["period"], 0)
        assert row["difference"] == 0


def test_the_roll_forward_of_miles_is_as_well(workspace: Path, folder: Path) -> None:
    entries, lots = table(workspace, "mileage_entries"), table(workspace, "mileage_lots")
    found = sheet(folder, "roll_forward").query("ledger == 'miles'").set_index("period")
    assert len(found) > 2
    left: float = 0
    for month, row in found.iterrows():
        moved = entries[entries.month == month].groupby("kind", observed=True).miles.sum().to_dict()
        assert row.opening == left
        assert row.credited == moved.get("flight", 0)
        assert row.redeemed == -moved.get("award", 0) - moved.get("mixed_payment", 0)
        left = lots[lots.month == month].remaining.sum()
        assert row.closing == left
        assert row.closing == row.opening + row.credited - row.redeemed - row.expired_validity


def test_extended_points_are_those_of_the_extension_entries(workspace: Path, folder: Path) -> None:
    entries, lots = table(workspace, "point_entries"), table(workspace, "point_lots")
    extended = entries[entries.kind == "extension"].merge(lots, on=["period", "lot_id"])
    found = sheet(folder, "roll_forward")
    assert found.extended.sum() == extended.remaining.sum()
    assert set(found[found.extended > 0].period) <= {"2021-YE"}


def test_cohorts_are_entries_by_the_month_of_their_lots(workspace: Path, folder: Path) -> None:
    entries, lots = table(workspace, "point_entries"), table(workspace, "point_lots")
    month = entries.credited_on.astype(str).str[:7]
    column = entries.kind.astype(str).map(
        {"redemption": "used", "cancellation": "used", "refund": "refunded", "expiry": "expired"}
    )
    column = column.where(entries.kind != "extension", "none").fillna("credited")
    sign = column.map({"credited": 1, "none": 0}).fillna(-1).astype(int)
    expected = (entries.points * sign).groupby([month, entries.lot_kind.astype(str), column]).sum()
    found = sheet(folder, "cohorts").query("ledger == 'points'")
    for name in ("credited", "used", "refunded", "expired"):
        sums = found.groupby(["credited_month", "kind"])[name].sum()
        for row in sums.reset_index().to_dict("records"):
            assert row[name] == expected.get((row["credited_month"], row["kind"], name), 0)
    last = found.sort_values("period").groupby(["credited_month", "kind"]).tail(1)
    closing = lots[lots.period == LAST]
    by = [closing.credited_on.astype(str).str[:7], closing.kind.astype(str)]
    left = closing.groupby(by).remaining.sum()
    opened = last.set_index(["credited_month", "kind"]).open
    assert opened[opened != 0].to_dict() == left.to_dict()


def test_ages_are_months_from_the_credit_a_years_end_being_of_december(folder: Path) -> None:
    for row in sheet(folder, "cohorts").to_dict("records"):
        of = pd.Period(row["period"].replace("YE", "12"), "M")
        assert row["age_months"] == (of - pd.Period(row["credited_month"], "M")).n >= 0


def test_breakage_is_cohorts_by_year(folder: Path) -> None:
    cohorts = sheet(folder, "cohorts").query("ledger == 'points'")
    year = cohorts.credited_month.str[:4].astype(int)
    columns = ["credited", "used", "refunded", "expired"]
    expected = cohorts.groupby([cohorts.kind, year])[columns].sum()
    found = sheet(folder, "breakage").set_index(["kind", "credited_year"])
    assert found[columns].to_dict() == expected.to_dict()
    assert (found.open == found.credited - found.used - found.refunded - found.expired).all()
    assert found.estimate.isna().all(), "the shipped policy gives no method"


def test_settlement_is_the_accepted_refunds_by_day_and_method(
    workspace: Path, folder: Path
) -> None:
    refunds = table(workspace, "refund_results").query("status == 'accepted'")
    found = sheet(folder, "settlement")
    assert found.points.sum() == refunds.points.sum()
    assert (found.points == found.fee_krw + found.amount_krw).all()
    for row in found.to_dict("records"):
        those = refunds[(refunds.pay_on == row["pay_on"]) & (refunds.method == row["method"])]
        assert row["amount_krw"] == those.amount_krw.sum()
        assert row["customers"] == those.customer_id.nunique()


def test_micropayments_are_on_the_bill_of_the_month_after(workspace: Path, folder: Path) -> None:
    results = table(workspace, "micropayment_results").query("status == 'approved'")
    found = sheet(folder, "micropayment_bills").set_index("billing_month")
    expected = {}
    for month, those in results.groupby("month", observed=True):
        bill = str(pd.Period(str(month), "M") + 1)
        if FIRST <= bill <= LAST:
            expected[bill] = (len(those), those.amount.sum(), those.platform_fee.sum())
    assert {month: tuple(row) for month, row in found.iterrows()} == expected


def test_collected_is_what_the_counting_bills_of_the_window_brought(
    workspace: Path, folder: Path
) -> None:
    counting = {
        (row["product"], row["charge_item"])
        for row in Policies.load(settings(workspace).policies).rows("tier_lines")
        if row["counts"]
    }
    found = sheet(folder, "collected").set_index("membership_year")
    assert list(found.index) == [2022]
    months = [str(each) for each in pd.period_range("2020-11", "2021-10", freq="M")]
    total = 0
    for month in months:
        for path in (workspace / "staged" / "billing" / f"billing_month={month}").glob("*.parquet"):
            rows = pd.read_parquet(path)
            counts = [
                pair in counting for pair in zip(rows["product"], rows.charge_item, strict=True)
            ]
            total += int(rows.collected_amount[counts].sum())
    row = found.loc[2022]
    assert row.counting_krw == total == row.assessed_krw + row.excepted_krw


# Ties


def test_every_tie_is_zero_and_names_the_run_and_file_that_it_is_with(
    workspace: Path, folder: Path
) -> None:
    proof = sheet(folder, "proof")
    assert (proof.difference == 0).all()
    assert set(proof.tie) == {
        *("balances", "breakage", "cohorts", "collected", "entries", "liability"),
        *("liability sheet", "lots", "micropayment bills", "next opening"),
        *({"refunds", "settlement"} if len(sheet(folder, "settlement")) else set()),
    }
    for row in proof.drop_duplicates("sha256").to_dict("records"):
        (path,) = (workspace / "warehouse" / row["table_name"]).glob(f"*={row['period']}/*.parquet")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
        manifest = json.loads((workspace / "runs" / row["run_id"] / "manifest.json").read_text())
        assert any(each["sha256"] == row["sha256"] for each in manifest["outputs"])


@pytest.fixture
def copied(last_months: Path, tmp_path: Path) -> Path:
    """The sample's last months, to be damaged: its published files are the copy's own."""
    made = tmp_path / "workspace"
    shutil.copytree(last_months, made)
    return made


def flip(
    workspace: Path, name: str, partition: str, change: Callable[[pa.Table], pa.Table]
) -> None:
    """Changes a published file, which stays as readable as it was."""
    (path,) = (workspace / "warehouse" / name).glob(f"*={partition}/*.parquet")
    rows = pq.read_table(path, partitioning=None)
    changed = change(rows)
    assert changed.schema == rows.schema
    assert changed != rows
    pq.write_table(changed, path)


def one_more(column: str, **where: str) -> Callable[[pa.Table], pa.Table]:
    """A table with one added to the first value of a column in a row that is so."""

    def change(rows: pa.Table) -> pa.Table:
        at = _first(rows, column, where)
        values = rows[column].to_pylist()
        values[at] += 1
        return _with(rows, column, values)

    return change


def another(column: str, value: str, **where: str) -> Callable[[pa.Table], pa.Table]:
    """A table with another value in the first row that is so."""

    def change(rows: pa.Table) -> pa.Table:
        values = rows[column].to_pylist()
        values[_first(rows, column, where)] = value
        return _with(rows, column, values)

    return change


def _first(rows: pa.Table, column: str, where: dict[str, str]) -> int:
    fits = pc.is_valid(rows[column])
    for name, value in where.items():
        fits = pc.and_(fits, pc.equal(rows[name], value))
    return int(fits.to_pylist().index(True))


def _with(rows: pa.Table, column: str, values: list[object]) -> pa.Table:
    place = rows.schema.get_field_index(column)
    field = rows.schema.field(place)
    return rows.set_column(place, field, pa.array(values, field.type))


@pytest.mark.parametrize(
    ("name", "partition", "change", "told"),
    [
        (
            "point_entries",
            "2022-01",
            one_more("points", kind="redemption"),
            "point_entries 2022-01",
        ),
        ("point_entries", "2021-YE", one_more("points", kind="extension"), "2021-YE"),
        ("point_entries", "2022-01", another("kind", "refund", kind="redemption"), "2022-01"),
        (
            "point_entries",
            "2022-01",
            another("lot_kind", "purchase", lot_kind="payment"),
            "payment",
        ),
        ("point_lots", "2022-01", one_more("remaining"), "2022-01"),
        ("point_balances", "2021-12", one_more("spent"), "point_balances 2021-12: spent"),
        ("point_liability", "2021-11", one_more("points"), "point_liability 2021-11"),
        ("point_movements", "2021-12", one_more("points", movement="credit"), "2021-12"),
        ("mileage_entries", "2022-02", one_more("miles", kind="flight"), "mileage_entries 2022-02"),
        ("mileage_balances", "2022-02", one_more("opening"), "mileage_balances 2022-02: opening"),
        ("refund_results", "2021-11", one_more("points", status="accepted"), "refund_results"),
        (
            "micropayment_results",
            "2021-12",
            one_more("platform_fee", status="approved"),
            "micropayment_results 2021-12: platform_fee_krw",
        ),
        ("tier_snapshot", "2022", one_more("annual_fee"), "tier_snapshot 2022: counting_krw"),
    ],
)
def test_a_value_that_was_changed_is_named_and_nothing_is_written(
    name: str,
    partition: str,
    change: Callable[[pa.Table], pa.Table],
    told: str,
    copied: Path,
) -> None:
    """The first tie with a difference is told: with table, period and amount."""
    if name == "refund_results":
        accepted = table(copied, name).query("status == 'accepted'").month
        partition = str(sorted(accepted)[0])
    flip(copied, name, partition, change)
    with pytest.raises(ProofFailed) as caught:
        pack_of(copied)
    assert told in str(caught.value)
    assert "nothing was written" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (copied / "reports").exists()


def test_the_amount_of_the_difference_is_told(copied: Path) -> None:
    flip(copied, "point_entries", "2022-01", one_more("points", kind="redemption"))
    with pytest.raises(ProofFailed, match=r"redemption is .* -1 \(entries\)"):
        pack_of(copied)


def test_a_file_that_cant_be_read_is_named_and_nothing_is_written(copied: Path) -> None:
    (path,) = (copied / "warehouse" / "point_entries" / "period=2022-01").glob("*.parquet")
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    with pytest.raises(ProofFailed, match="nothing was written: `pointbook verify` says"):
        pack_of(copied)
    assert not (copied / "reports").exists()


def test_what_is_stale_is_named_in_the_proof(last_months: Path, tmp_path: Path) -> None:
    """Under other thresholds the year's tiers are stale; what they collected ties all the same."""
    fees = {"general": 0, "white": 1, "silver": 400_000, "gold": 600_000, "vip": 1_000_000}
    rows = [{"tier": tier, "from_fee": fee} for tier, fee in fees.items()]
    policies = replaced_policies({"tier_thresholds": rows}, tmp_path)
    found = pack_of(last_months, out=tmp_path / "pack", policies=policies)
    assert {each["table"] for each in found["stale"]} >= {"tier_snapshot"}
    proof = sheet(tmp_path / "pack", "proof")
    (collected,) = proof[proof.tie == "collected"].to_dict("records")
    assert "tier_thresholds" in collected["stale"] or "policies" in collected["stale"]


# What is written


def test_csv_and_parquet_hold_the_same_rows_and_so_does_the_json(folder: Path) -> None:
    told = json.loads((folder / "finance.json").read_text(encoding="utf-8"))
    assert [each["sheet"] for each in told["sheets"]] == list(SHEETS)
    for each in told["sheets"]:
        name = each["sheet"]
        content = (folder / f"{name}.csv").read_bytes()
        assert content.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its mark"
        csv = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        rows = pq.read_table(folder / f"{name}.parquet")
        assert rows.schema.equals(SHEETS[name].arrow_schema)
        texts = [
            {column: _text(value) for column, value in row.items()} for row in rows.to_pylist()
        ]
        assert csv.to_dict("records") == texts
        assert [{c: _text(v) for c, v in row.items()} for row in each["rows"]] == texts
        assert list(csv.columns) == [column["column"] for column in each["columns"]]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def test_no_sheet_holds_an_id(workspace: Path, folder: Path) -> None:
    """Of customers, lots, requests, subscriptions and members, whatever table names them."""
    cells: Ids = set()
    for path in folder.iterdir():
        cells.update(path.read_bytes().decode("utf-8", "ignore").replace(",", '"').split('"'))
    named = set(_ids(workspace))
    assert len(named) > 100
    assert not cells & named


def _ids(workspace: Path) -> Iterator[str]:
    for path in (workspace / "warehouse").rglob("*.parquet"):
        rows = pq.read_table(path, partitioning=None)
        for name in rows.column_names:
            if name.endswith("_id") and name != "run_id":
                yield from (str(value) for value in rows[name].to_pylist() if value)


def test_it_is_its_owners_alone_and_the_same_again(last_months: Path, tmp_path: Path) -> None:
    hashes = []
    out = tmp_path / "made" / "pack"
    for _ in range(2):
        pack_of(last_months, out=out)
        assert out.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
        assert [path.name for path in out.parent.iterdir()] == ["pack"]
        hashes.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in out.iterdir()})
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 2 * len(SHEETS) + 1


def test_by_default_it_lies_among_the_workspaces_reports(copied: Path) -> None:
    found = pack_of(copied, "2022-01", "2022-01")
    assert Path(found["out"]) == copied / "reports" / "finance-2022-01-2022-01"
    assert (copied / "reports").stat().st_mode & 0o777 == 0o700


def test_a_folder_with_anything_else_in_it_stays(last_months: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(WrongUsage, match="holds something else"):
        pack_of(last_months, out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_cant_be_written_leaves_nothing(last_months: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RunFailed, match="name another folder with --out"):
        pack_of(last_months, out=tmp_path / "file" / "pack")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_fewer_people_than_asked_for_are_not_counted(last_months: Path, tmp_path: Path) -> None:
    pack_of(last_months, out=tmp_path / "all")
    pack_of(last_months, out=tmp_path / "few", least=5)
    for name in ("settlement", "liability"):
        every, few = (sheet(tmp_path / each, name).customers for each in ("all", "few"))
        assert few.isna().any()
        assert few.dropna().tolist() == every[every >= 5].tolist()
        csv = pd.read_csv(tmp_path / "few" / f"{name}.csv", dtype=str).customers
        assert (csv[few.isna()] == "<5").all()


def test_a_period_that_is_not_closed_names_the_command(last_months: Path, tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="point_entries has no 2022-03; run `pointbook points --mon"):
        pack_of(last_months, last="2022-03", out=tmp_path / "pack")
    with pytest.raises(NotReady, match="nothing is published from 2019-01 to 2019-02"):
        pack_of(last_months, "2019-01", "2019-02", out=tmp_path / "pack")
    with pytest.raises(WrongUsage, match="lies before"):
        pack_of(last_months, "2022-02", "2022-01", out=tmp_path / "pack")
    assert not list(tmp_path.iterdir())


def test_the_text_is_made_from_the_json(
    last_months: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = pack_of(last_months, out=tmp_path / "pack")
    print_summary("finance", found, None, {})
    printed = " ".join(capsys.readouterr().out.split())
    for total in found["totals"]:
        assert f"{total['closing']:,}" in printed
    assert f"{found['ties']:,} ties, all of them 0" in printed
    assert "no won for" in printed
    assert "no breakage is estimated of" in printed


# Breakage, by hand


def cohort(year: int, credited: int, used: int = 0, expired: int = 0, **given: Any) -> list[Row]:
    """What became of a cohort: credited in May, used in August, expired at the end of next year."""
    row = {
        "ledger": "points",
        "credited_month": f"{year}-05",
        "kind": "payment",
        "expires_month": f"{year + 1}-12",
        "taken_over": 0,
        **dict.fromkeys(("credited", "used", "refunded", "expired"), 0),
    }
    return [
        row | {"period": f"{year}-05", "credited": credited} | given,
        row | {"period": f"{year}-08", "used": used},
        row | {"period": f"{year + 1}-YE", "expired": expired},
    ]


def estimated(
    tmp_path: Path,
    rows: list[Row],
    *,
    last: Period,
    method: str | None = "proportional",
    least: int = 3,
    most: int = 5,
    floor: int | None = None,
    value: list[Row] = [],  # noqa: B006 (never changed)
) -> dict[int, Row]:
    """The sheet's rows by year, under a method."""
    dated: Row = {"valid_from": date.min, "valid_to": None, "unit": "", "source": ""}
    policy: Row = {"kind": "payment", "method": method, "floor": floor}
    policy |= {"least_cohorts": least, "most_cohorts": most}
    schema = pa.schema([field.with_nullable(True) for field in SHEETS["cohorts"].arrow_schema])
    last_period = str(last.year_end if last == last.december else last)
    until = [row for row in rows if row["period"] <= last_period]
    with start_engine(tmp_path) as engine:
        engine.tables(
            {
                "cohorts": relation_of(until, schema),
                "policy_breakage_method": relation_of(
                    [policy | dated], POLICIES["breakage_method"].arrow_schema
                ),
                "policy_point_value": relation_of(
                    [dated | row for row in value], POLICIES["point_value"].arrow_schema
                ),
            }
        )
        run_context(
            engine,
            last_day=last.last_day,
            last_period=last_period,
            year_ago_period=last_period.replace(str(last.year), str(last.year - 1)),
        )
        found = rows_of(engine, "breakage").to_pylist()
    return {row["credited_year"]: row for row in found}


THREE = [
    *cohort(2014, 1000, 600, 400),
    *cohort(2015, 1000, 500, 500),
    *cohort(2016, 2000, 900, 1100),
]
"""Rates of 40 %, 50 % and 55 %: 2,000 of 4,000 together."""
DECEMBER = Period(2017, 12)


def test_the_rate_is_that_of_the_latest_closed_cohorts_together(tmp_path: Path) -> None:
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER)
    assert [rows[year]["observed_bp"] for year in (2014, 2015, 2016)] == [4000, 5000, 5500]
    assert (rows[2017]["rate_bp"], rows[2017]["cohorts"]) == (5000, 3)
    assert (rows[2017]["lowest_bp"], rows[2017]["highest_bp"]) == (4000, 5500)
    two = estimated(tmp_path, THREE, last=DECEMBER, least=2, most=2)
    assert two[2016]["rate_bp"] == 5333


def test_too_few_cohorts_give_no_rate_and_no_estimate(tmp_path: Path) -> None:
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER, least=4)
    open_ = rows[2017]
    assert [open_[name] for name in ("rate_bp", "cohorts", "estimate", "earned")] == [None] * 4


def test_a_cohort_is_closed_when_its_last_month_is_over_and_nothing_is_open(tmp_path: Path) -> None:
    before = estimated(tmp_path, THREE, last=Period(2017, 11))
    assert (before[2015]["closed"], before[2016]["closed"]) == (True, False)
    used_up = estimated(tmp_path, cohort(2017, 100, 100), last=DECEMBER)
    assert used_up[2017]["closed"] is False, "what is used up early is no measure of the others"


def test_proportional_breakage_is_earned_as_the_rest_is_used(tmp_path: Path) -> None:
    """Half of 300 is expected to lapse; of the other 150 three fifths are used."""
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER)
    assert (rows[2017]["estimate"], rows[2017]["earned"]) == (150, 90)
    most_used = estimated(tmp_path, [*THREE, *cohort(2017, 300, 250)], last=DECEMBER)
    assert most_used[2017]["estimate"] == 50, "no more than is open"


def test_remote_breakage_is_earned_when_it_lapses(tmp_path: Path) -> None:
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER, method="remote")
    assert (rows[2017]["estimate"], rows[2017]["earned"]) == (0, 0)


def test_without_a_method_rates_are_observed_and_nothing_is_estimated(tmp_path: Path) -> None:
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER, method=None)
    assert rows[2017]["rate_bp"] == 5000
    assert (rows[2017]["estimate"], rows[2017]["earned"]) == (None, None)


@pytest.mark.parametrize(("floor", "estimate"), [(50, 150), (51, 0)])
def test_a_rate_below_the_floor_counts_as_none(floor: int, estimate: int, tmp_path: Path) -> None:
    rows = estimated(tmp_path, [*THREE, *cohort(2017, 300, 90)], last=DECEMBER, floor=floor)
    assert rows[2017]["estimate"] == estimate


def test_lots_of_an_older_system_are_no_measure(tmp_path: Path) -> None:
    """What was used of them before they were taken over nobody knows."""
    over = cohort(2013, 0, 0, 1000, taken_over=1000)
    rows = estimated(tmp_path, [*over, *THREE], last=DECEMBER)
    assert rows[2013]["credited"] == rows[2013]["expired"] == 1000
    assert (rows[2016]["cohorts"], rows[2016]["rate_bp"]) == (3, 5000)


def test_what_was_expected_a_year_ago_stands_beside_what_came(tmp_path: Path) -> None:
    """At the end of 2018 the cohort of 2017 is closed: 120 of its 210 lapsed, 150 were expected."""
    rows = [*THREE, *cohort(2017, 300, 180, 120)]
    rows[-2]["period"] = "2018-03"
    found = estimated(tmp_path, rows, last=Period(2018, 12))
    told = found[2017]
    assert told["closed"]
    assert (told["year_ago_estimate"], told["year_ago_came"]) == (150, 120)
    assert told["year_ago_difference"] == 30
    assert found[2015]["year_ago_came"] is None, "it was closed then"


def test_an_estimate_has_a_value_in_won_where_policy_gives_one(tmp_path: Path) -> None:
    value = [{"kind": "payment", "use": "redemption", "won": 7, "per_points": 10}]
    rows = [*THREE, *cohort(2017, 300, 90)]
    found = estimated(tmp_path, rows, last=DECEMBER, value=value)[2017]
    assert (found["estimate_krw"], found["no_won_for"]) == (105, None)
    assert estimated(tmp_path, rows, last=DECEMBER)[2017]["no_won_for"] == "redemption"


# Ledgers by hand


def test_lots_of_an_older_system_are_taken_over_by_the_first_opening(tmp_path: Path) -> None:
    # what was credited before the ledger is none of it
    before = {"promotions": [{"credited_on": "2016-03-01"}]}
    land_points(tmp_path / "w", {"customers": [{"customer_id": name} for name in "ABC"]} | before)
    stage(tmp_path / "w")
    opened = options(tmp_path / "w")
    open_ledger(opened, "2016-11", lots_file(tmp_path, LOTS))
    run_commands(opened, ["points 2016-11", "points 2016-12", "sweep 2016"])
    pack_of(tmp_path / "w", "2016-11", "2016-12", tmp_path / "pack")
    rolled = sheet(tmp_path / "pack", "roll_forward")
    first = rolled[rolled.period == "2016-11"].set_index("kind")
    assert first.opening.to_dict() == {
        "membership": 300,
        "payment": 1000,
        "promotion": 550,
        "purchase": 700,
    }
    assert not rolled.credited.any()
    cohorts = sheet(tmp_path / "pack", "cohorts")
    taken = cohorts[cohorts.taken_over != 0].set_index(["credited_month", "kind"])
    assert set(taken.period) == {"2016-10"}
    assert taken.taken_over.to_dict() == {
        ("2016-01", "membership"): 300,
        ("2016-02", "purchase"): 700,
        ("2016-03", "payment"): 1000,
        ("2016-09", "promotion"): 50,
        ("2016-10", "promotion"): 500,
    }
    assert taken.age_months.to_dict()["2016-02", "purchase"] == 8
    breakage = sheet(tmp_path / "pack", "breakage")
    assert breakage.credited.sum() == 2550
    assert breakage.rate_bp.isna().all()


def test_what_a_correction_added_stands_beside_what_was_reported_first(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    land_points(workspace, {"promotions": [{"points": 1000}, {"points": 500}]})
    stage(workspace)
    run_command(options(workspace), "points 2016-03")
    pack_of(workspace, "2016-03", "2016-03", tmp_path / "first")
    assert sheet(tmp_path / "first", "roll_forward").restated.tolist() == [0]
    land_points(workspace, {"redemptions": [{"points": 300}]})
    stage(workspace)
    stale = pack_of(workspace, "2016-03", "2016-03", tmp_path / "stale")
    assert "point_lots" in {each["table"] for each in stale["stale"]}
    run_command(options(workspace), "points 2016-03")
    pack_of(workspace, "2016-03", "2016-03", tmp_path / "then")
    (row,) = sheet(tmp_path / "then", "roll_forward").to_dict("records")
    assert (row["closing"], row["redeemed"], row["restated"]) == (1200, 300, -300)
