"""A ledger that opens with the lots of an older system: the file, the months after, refusals."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from flows.calendar.status import workspace_status
from flows.console.errors import NotReady, PointbookError, RunFailed, WrongUsage
from flows.deliveries.ingest import held_back, ingest
from flows.proofs.verify import verify
from flows.publishing.options import Options
from schemas.derive import table_schema
from schemas.exports import POINT_LOT_KINDS, opening_lots
from schemas.tables import PUBLISHED
from tests.airline import land_airline
from tests.commands.test_ledger_months import (
    FEW_MONTHS,
    commands,
    deliveries,
    landed,
    workspace_of,
)
from tests.commands_in_tests import open_ledger, run_calendar, run_command, run_commands
from tests.forks import command_line
from tests.membership import data_hashes, land, line, options, stage, table_rows
from tests.points import land_points
from tests.support import csv_bytes, parquet_bytes, quarantined, typed_frame
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform

Row = dict[str, Any]

LOT: Final[Row] = {
    "lot_id": "L1",
    "owner": "A",
    "kind": "promotion",
    "credited_on": "2016-10-20",
    "expires_on": "2016-12-31",
    "refundable": "true",
    "remaining": 500,
}
MILES: Final[Row] = {
    "lot_id": "M1",
    "owner": "M",
    "kind": "flight",
    "credited_on": "2020-05-05",
    "expires_on": "",
    "refundable": "",
    "remaining": 3_000,
}
LOTS: Final[list[Row]] = [
    LOT,
    LOT
    | {"lot_id": "L2", "kind": "payment", "credited_on": "2016-03-31", "expires_on": "2017-12-31"}
    | {"remaining": 1_000},
    LOT
    | {"lot_id": "L3", "kind": "membership", "credited_on": "2016-01-01"}
    | {"refundable": "false", "remaining": 300},
    LOT
    | {"lot_id": "L4", "owner": "B", "kind": "purchase", "credited_on": "2016-02-01"}
    | {"expires_on": "2017-12-31", "remaining": 700},
    LOT
    | {"lot_id": "L5", "owner": "C", "credited_on": "2016-09-30", "expires_on": "2016-10-31"}
    | {"remaining": 50},
]
"""A has lots that lapse soon and late; B does nothing; C's has lapsed and waits for the sweep."""
FIRST: Final = "2016-11"


def lots_file(folder: Path, rows: Iterable[Mapping[str, object]], name: str = "lots.csv") -> Path:
    """The rows as an older system hands them over."""
    form = opening_lots()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv_bytes(form, [{n: str(row[n]) for n in form.columns} for row in rows]))
    return path


def telecom(workspace: Path) -> Options:
    """Three customers, staged."""
    land_points(workspace, {"customers": [{"customer_id": name} for name in "ABC"]})
    stage(workspace)
    return options(workspace)


def airline(workspace: Path, **rows: list[Row]) -> Options:
    """A member M, and rows as in the airline's cases, staged."""
    land_airline(workspace, rows)
    stage(workspace)
    return options(workspace)


def patient(settings: Options, rate: float = 1) -> Options:
    """Settings under which bad rows hold no file back."""
    return settings.model_copy(update={"max_reject_rate": rate})


def only(rows: list[Row], *columns: str) -> list[tuple[Any, ...]]:
    """Some columns of the rows."""
    return [tuple(row[name] for name in columns) for row in rows]


# A points ledger by hand


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Opened with November 2016, and run to the end of the year from September on.

    A redeems 400 in November (300 of L3, 100 of L1) and is refunded 1,200 (400 of L1, 800 of L2);
    in December the redemption is cancelled.
    """
    folder = tmp_path_factory.mktemp("opened")
    workspace = folder / "workspace"
    land_points(
        workspace,
        {
            "customers": [{"customer_id": name} for name in "ABC"],
            "redemptions": [
                {"used_at": "2016-11-10 12:00:00", "points": 400},
                {"used_at": "2016-11-11 12:00:00", "points": 51, "customer_id": "C"},
                {"used_at": "2016-12-05 12:00:00", "points": 0, "cancels": "R1"},
                {"used_at": "2016-12-06 12:00:00", "points": 0, "cancels": "of-the-older-system"},
            ],
            "refunds": [
                {"applied_at": "2016-11-20 12:00:00", "points": 1_401},
                {"applied_at": "2016-11-20 12:00:01", "points": 1_200},
            ],
        },
    )
    months = ("2016-09", "2016-10", "2016-11", "2016-12")
    land(workspace, "billing", [line(f"L-{month}", "A", month, 0) for month in months])
    settings = options(workspace)
    ingest(settings)
    opening = open_ledger(settings, FIRST, lots_file(folder, LOTS))
    assert (opening["ledger"], opening["period"]) == ("points", "2016-10")
    assert opening["totals"] == {"lots": 5, "owners": 3, "remaining": 2_550, "usable": 2_500}
    manifest = run_calendar(settings, "2016-09", "2016-10")
    skipped = {item["command"]: item["reason"] for item in manifest["skipped"]}
    for month in ("2016-09", "2016-10"):
        for command in ("notices", "points"):
            reason = skipped[f"pointbook {command} --month {month}"]
            assert reason == f"its ledger was opened with {FIRST}"
    assert manifest["runs"] == []
    run_commands(settings, ["notices 2016-11", "points 2016-11"])
    done = run_calendar(settings, "2016-12", "2016-12")["runs"]
    assert [found["command"] for found in done] == ["notices", "points", "sweep"]
    return settings


def test_the_first_month_opens_with_the_lots(opened: Options) -> None:
    assert only(
        table_rows(opened.workspace, "point_lots", "2016-10"), "lot_id", "credited", "remaining"
    ) == [
        ("L1", 500, 500),
        ("L2", 1_000, 1_000),
        ("L3", 300, 300),
        ("L4", 700, 700),
        ("L5", 50, 50),
    ]
    columns = ("customer_id", "opening", "spent", "closing", "usable")
    assert only(table_rows(opened.workspace, "point_balances", FIRST), *columns) == [
        ("A", 1_800, 1_600, 200, 200),
        ("B", 700, 0, 700, 700),
        ("C", 50, 0, 50, 0),
    ]


def test_opened_lots_are_spent_refunded_and_given_back_by_the_rules(opened: Options) -> None:
    entries = table_rows(opened.workspace, "point_entries")
    assert [
        (row["period"], row["lot_id"], row["source_id"], row["points"])
        for row in entries
        if not row["period"].endswith("YE")
    ] == [
        ("2016-11", "L1", "F2", -400),
        ("2016-11", "L1", "R1", -100),
        ("2016-11", "L2", "F2", -800),
        ("2016-11", "L3", "R1", -300),
        ("2016-12", "L1", "R3", 100),
        ("2016-12", "L3", "R3", 300),
    ]
    answers = table_rows(opened.workspace, "redemption_results")
    assert only(answers, "redemption_id", "reason") == [
        ("R1", None),
        ("R2", "insufficient_points"),
        ("R3", None),
        ("R4", "unknown_redemption"),
    ]
    (refused, _) = table_rows(opened.workspace, "refund_results")
    assert refused["reason"] == "insufficient_refundable_points"


def test_opened_lots_expire_and_are_extended_and_their_owners_told(opened: Options) -> None:
    swept = table_rows(opened.workspace, "expiry_sweep")
    assert only(swept, "lot_id", "points", "cause", "noticed_month", "untold") == [
        ("L3", 300, "validity", "2016-11", None),
        ("L4", 700, "inactivity", "2016-12", None),
        ("L5", 50, "validity", None, "ledger_start"),
    ]
    left = table_rows(opened.workspace, "point_lots", "2016-YE")
    assert only(left, "lot_id", "remaining", "expires_on") == [
        ("L1", 100, date(2017, 3, 31)),
        ("L2", 200, date(2017, 12, 31)),
    ]
    notices = table_rows(opened.workspace, "expiry_notices", FIRST)
    assert sorted(only(notices, "customer_id", "cause", "lead_months", "points")) == [
        # what A did in the older system is not known here
        ("A", "inactivity", None, 1_000),
        ("A", "validity", 1, 800),
        ("B", "inactivity", None, 700),
    ]


def test_status_knows_where_an_opened_ledger_starts(opened: Options) -> None:
    found = workspace_status(opened)
    assert {row["state"] for row in found["published"]} == {"current"}
    opening = [row for row in found["published"] if row["period"] == "2016-10"]
    assert only(opening, "table", "rows") == [("point_lots", 5)]
    assert not [row for row in found["missing"] if "tiers" not in row["command"]]


def test_an_opened_ledger_can_be_proven(opened: Options) -> None:
    assert verify(opened)["wrong"] is None


@pytest.mark.parametrize("step", ["points 2016-10", "points 2016-09", "notices 2016-10"])
def test_what_lies_before_the_opening_is_refused(opened: Options, step: str) -> None:
    before = data_hashes(opened.workspace)
    with pytest.raises(WrongUsage, match="lies before 2016-11, with which the ledger was opened"):
        run_command(opened, step)
    with pytest.raises(WrongUsage, match="2015-YE lies before"):
        run_command(opened, "sweep 2015")
    assert data_hashes(opened.workspace) == before


def test_a_ledger_that_has_begun_is_not_opened_again(opened: Options, tmp_path: Path) -> None:
    lots = lots_file(tmp_path, LOTS)
    for month in (FIRST, "2016-12"):
        with pytest.raises(WrongUsage, match="has begun: 2016-11 is closed"):
            open_ledger(opened, month, lots)


# The same as without a cut-over


def _as_lots(workspace: Path, period: str) -> list[Row]:
    """What a period leaves, as an older system would hand it over: ids have no colon."""
    return [
        {
            **{name: row[name] for name in ("kind", "credited_on", "expires_on", "remaining")},
            "lot_id": row["lot_id"].replace(":", "_"),
            "owner": row["customer_id"],
            "refundable": str(row["refundable"]).lower(),
        }
        for row in table_rows(workspace, "point_lots", period)
    ]


def _without_cancellations_of_before(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    own = {row["redemption_id"] for row in rows["redemptions"]}
    kept = [row for row in rows["redemptions"] if row["cancels"] in own | {""}]
    return rows | {"redemptions": kept}


@pytest.fixture(scope="module")
def from_scratch(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Three random months of a ledger that began empty, with policy changes, grants and a sweep."""
    settings = workspace_of(tmp_path_factory.mktemp("scratch"), threads=1)
    for month, rows in deliveries(4).items():
        landed(settings.workspace, _without_cancellations_of_before(rows), f"{month}.csv")
    assert ingest(settings)["status"] == "done"
    for month in FEW_MONTHS:
        run_commands(settings, commands(month))
    return settings


@pytest.mark.parametrize(("month", "period"), [("2016-12", "2016-11"), ("2017-01", "2016-YE")])
def test_a_month_after_a_cut_over_is_as_without_one(
    from_scratch: Options, month: str, period: str, tmp_path: Path
) -> None:
    settings = workspace_of(tmp_path, threads=1)
    rows = _without_cancellations_of_before(deliveries(4)[month])
    landed(settings.workspace, rows, f"{month}.csv")
    assert ingest(settings)["status"] == "done"
    lots = _as_lots(from_scratch.workspace, period)
    assert len({row["kind"] for row in lots}) > 1
    manifest = open_ledger(settings, month, lots_file(tmp_path, lots))
    assert manifest["period"] == period
    assert manifest["totals"]["remaining"] == sum(row["remaining"] for row in lots)
    run_commands(
        settings, [step for step in commands(month) if not step.startswith(("sweep", "notices"))]
    )

    for table in (
        "point_balances",
        "point_liability",
        "point_movements",
        "redemption_results",
        "refund_results",
    ):
        found = table_rows(settings.workspace, table, month)
        assert found
        assert found == table_rows(from_scratch.workspace, table, month)
    opened = {row["lot_id"]: row["remaining"] for row in lots}
    for table in ("point_entries", "point_lots"):
        rows_after = table_rows(settings.workspace, table, month)
        wanted = [
            row | _opened_terms(row, opened)
            for row in table_rows(from_scratch.workspace, table, month)
        ]
        assert sorted(map(_moved, rows_after)) == sorted(map(_moved, wanted))
        assert any(row["lot_id"] in opened for row in rows_after)


def _opened_terms(row: Row, opened: Mapping[str, int]) -> Row:
    """What an opened lot has otherwise: its id, and what was left for what was credited."""
    lot_id = row["lot_id"].replace(":", "_")
    return {"lot_id": lot_id, "credited": opened[lot_id]} if lot_id in opened else {}


def _moved(row: Row) -> list[str]:
    return [f"{name}={value}" for name, value in row.items() if name != "shortened_from"]


# Miles


def test_miles_open_with_lots_and_are_spent_oldest_first(tmp_path: Path) -> None:
    settings = airline(
        tmp_path / "workspace",
        flights=[{"flight_date": "2021-05-02", "distance_miles": 1_000, "booking_class": "Y"}],
        payments=[{"miles": 3_500}],
    )
    rows = [
        MILES,
        MILES | {"lot_id": "M2", "credited_on": "2019-01-01", "remaining": 700},
        MILES | {"lot_id": "M3", "credited_on": "2021-04-30", "expires_on": "2021-12-31"},
    ]
    manifest = open_ledger(settings, "2021-05", lots_file(tmp_path, rows))
    assert (manifest["ledger"], manifest["period"]) == ("miles", "2021-04")
    assert only(manifest["lots"], "kind", "last_month", "lots", "remaining") == [
        ("flight", "2021-12", 1, 3_000),
        ("flight", None, 2, 3_700),
    ]
    with pytest.raises(WrongUsage, match="2021-04 lies before 2021-05"):
        run_command(settings, "miles 2021-04")
    closed = run_command(settings, "miles 2021-05")
    assert (closed["opens_from"], closed["starts_ledger"]) == ("2021-04", False)
    assert closed["totals"]["opening"] == 6_700
    assert closed["totals"]["spent"] == 3_500
    left = table_rows(settings.workspace, "mileage_lots", "2021-05")
    assert only(left, "lot_id", "remaining") == [("M1", 200), ("M3", 3_000), ("flight:F1", 1_000)]


def test_january_of_miles_opens_from_december(tmp_path: Path) -> None:
    settings = airline(tmp_path / "workspace")
    manifest = open_ledger(settings, "2022-01", lots_file(tmp_path, [MILES]))
    assert manifest["period"] == "2021-12"
    (row,) = workspace_status(settings)["published"]
    assert (row["table"], row["period"], row["state"]) == ("mileage_lots", "2021-12", "current")
    assert run_command(settings, "miles 2022-01")["totals"]["opening"] == 3_000


# The file


BAD: Final[dict[str, tuple[Row, set[str]]]] = {
    "an id with a colon, as Pointbook makes them": (
        {"lot_id": "membership:2016:A"},
        {"lot_id:format"},
    ),
    "an owner who was never delivered": ({"owner": "Z"}, {"owner:domain"}),
    "no owner": ({"owner": ""}, {"owner:required"}),
    "a kind that nobody knows": ({"kind": "bonus"}, {"kind:domain"}),
    "no kind": ({"kind": "", "expires_on": ""}, {"kind:required"}),
    "credited in the first month": ({"credited_on": "2016-11-01"}, {"credited_on:range"}),
    "lapsed before it was credited": ({"expires_on": "2016-10-19"}, {"expires_on:consistency"}),
    "swept a year ago": (
        {"credited_on": "2015-12-01", "expires_on": "2015-12-31"},
        {"expires_on:range"},
    ),
    "points that never lapse": ({"expires_on": ""}, {"expires_on:required"}),
    "points nobody knows whether to refund": ({"refundable": ""}, {"refundable:required"}),
    "nothing left": ({"remaining": 0}, {"remaining:range"}),
    "less than nothing": ({"remaining": -5, "owner": "Z"}, {"remaining:range", "owner:domain"}),
    "beyond 64 bits": ({"remaining": 2**63}, {"remaining:range"}),
    "half a point": ({"remaining": "1.5"}, {"remaining:type"}),
    "a day that is none": ({"expires_on": "2016-02-30"}, {"expires_on:type"}),
}


def test_bad_rows_go_to_quarantine_with_every_reason(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    good = [LOT | {"lot_id": f"G{number}"} for number in range(3)]
    bad = [LOT | {"lot_id": f"B{n}"} | row for n, (row, _) in enumerate(BAD.values())]
    twice = [LOT | {"lot_id": "X"}, LOT | {"lot_id": "X", "remaining": 1}, good[0]]
    lots = lots_file(tmp_path, [*good, *bad, *twice])

    manifest = open_ledger(patient(settings), FIRST, lots)

    found = quarantined(settings.workspace, "opening_lots")
    wanted = [{*reasons} for _, reasons in BAD.values()] + [{"key:conflict"}] * 2
    assert [set(row["reasons"]) for row in found] == wanted
    assert [row["line"] for row in found] == list(range(5, 5 + len(wanted)))
    (file,) = manifest["files"]
    assert (file["rows"]["accepted"], file["rows"]["duplicate"]) == (3, 1)
    assert file["rows"]["quarantined"] == len(wanted)
    assert file["amounts"]["remaining"]["accepted"] == manifest["totals"]["remaining"] == 1_500
    opened = table_rows(settings.workspace, "point_lots")
    assert only(opened, "lot_id") == [("G0",), ("G1",), ("G2",)]


def test_bad_miles_go_to_quarantine(tmp_path: Path) -> None:
    settings = airline(tmp_path / "workspace")
    bad = [{"refundable": "true"}, {"owner": "Z"}, {"expires_on": "2020-12-31"}]
    rows = [MILES, *(MILES | {"lot_id": f"B{n}"} | row for n, row in enumerate(bad))]
    open_ledger(patient(settings), "2021-05", lots_file(tmp_path, rows))
    assert [row["reasons"] for row in quarantined(settings.workspace, "opening_lots")] == [
        ["refundable:consistency"],
        ["owner:domain"],
        ["expires_on:range"],
    ]


def _typed(rows: list[Row]) -> list[Row]:
    return [
        row
        | {name: date.fromisoformat(row[name]) for name in ("credited_on", "expires_on")}
        | {"refundable": row["refundable"] == "true"}
        for row in rows
    ]


FORMS: Final[dict[str, Callable[[list[dict[str, str]]], bytes]]] = {
    "shuffled.csv": lambda rows: csv_bytes(
        opening_lots(), random.Random(1).sample(rows, len(rows))
    ),
    "korean.tsv.gz": lambda rows: gzip.compress(
        csv_bytes(opening_lots(), rows, delimiter="\t", korean=True, encoding="cp949")
    ),
    "labels.csv": lambda rows: csv_bytes(
        opening_lots(),
        [
            row
            | {"kind": POINT_LOT_KINDS[row["kind"]], "remaining": f"{int(row['remaining']):,}원"}
            | {"refundable": "예" if row["refundable"] == "true" else "아니오"}
            | {"credited_on": row["credited_on"].replace("-", ".")}
            for row in rows
        ],
    ),
    "typed.parquet": lambda _: parquet_bytes(_arrow(typed_frame(opening_lots(), _typed(LOTS)))),
}


def _arrow(frame: Any) -> Any:
    return pa.Table.from_pandas(frame, preserve_index=False)


def test_every_form_and_order_of_the_file_gives_the_same_bytes(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    open_ledger(settings, FIRST, lots_file(tmp_path, LOTS))
    wanted = data_hashes(settings.workspace)
    written = [{name: str(value) for name, value in row.items()} for row in LOTS]
    for name, form in FORMS.items():
        path = tmp_path / name
        path.write_bytes(form(written))
        assert open_ledger(settings, FIRST, path)["files"][0]["rows"]["accepted"] == len(LOTS), name
        assert data_hashes(settings.workspace) == wanted, name


def test_too_many_bad_rows_hold_the_file_back(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    rows = [LOT | {"lot_id": f"{n}", "owner": "Z" if n % 2 else "A"} for n in range(50)]
    lots = lots_file(tmp_path, rows)
    manifest = open_ledger(settings, FIRST, lots)
    assert held_back(manifest) == ["opening_lots/lots.csv"]
    assert (manifest["ledger"], manifest["lots"]) == (None, [])
    assert len(quarantined(settings.workspace, "opening_lots")) == 25
    assert not (settings.workspace / "warehouse" / "point_lots").exists()
    assert open_ledger(patient(settings, 0.5), FIRST, lots)["totals"]["lots"] == 25


@pytest.mark.parametrize(
    ("bad", "good", "why"),
    [
        (3, 30, "rows: 3 of 33 rejected, more than 5.0%"),
        (1, 30, "remaining: 1,000,000 of 1,003,000 rejected, more than 5.0%"),
    ],
)
def test_few_bad_rows_that_hold_much_hold_the_file_back(
    tmp_path: Path, bad: int, good: int, why: str
) -> None:
    """A delivery's few bad rows come again; what a ledger does not open with is gone."""
    settings = telecom(tmp_path / "workspace")
    rows = [
        *(LOT | {"lot_id": f"g{n}", "remaining": 100} for n in range(good)),
        *(LOT | {"lot_id": f"b{n}", "owner": "Z", "remaining": 10**6} for n in range(bad)),
    ]
    manifest = open_ledger(settings, FIRST, lots_file(tmp_path, rows))
    assert held_back(manifest) == ["opening_lots/lots.csv"]
    assert manifest["files"][0]["reason"] == why
    assert manifest["lots"] == []
    assert not (settings.workspace / "warehouse" / "point_lots").exists()


def test_lots_that_conflict_hold_the_file_back(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    rows = [LOT, *(LOT | {"lot_id": "X", "remaining": n} for n in (1, 2, 3))]
    manifest = open_ledger(settings, FIRST, lots_file(tmp_path, rows))
    assert held_back(manifest) == ["opening_lots/lots.csv"]
    assert (manifest["ledger"], manifest["lots"]) == (None, [])
    assert len(quarantined(settings.workspace, "opening_lots")) == 3


# Again, and refused


def test_a_mended_file_replaces_the_opening_until_a_month_is_closed(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    first = lots_file(tmp_path, LOTS)
    open_ledger(settings, FIRST, first)
    once = data_hashes(settings.workspace)
    open_ledger(settings, FIRST, first)
    assert data_hashes(settings.workspace) == once
    with pytest.raises(WrongUsage, match="was opened with 2016-11"):
        open_ledger(settings, "2016-12", first)
    open_ledger(settings, FIRST, lots_file(tmp_path, LOTS[1:], "mended.csv"))
    assert only(table_rows(settings.workspace, "point_lots"), "lot_id") == [
        ("L2",),
        ("L3",),
        ("L4",),
        ("L5",),
    ]


def test_both_ledgers_open_in_one_workspace(tmp_path: Path) -> None:
    telecom(tmp_path / "workspace")
    settings = airline(tmp_path / "workspace")
    open_ledger(settings, FIRST, lots_file(tmp_path, LOTS))
    miles = lots_file(tmp_path, [MILES | {"credited_on": "2016-01-01"}])
    assert open_ledger(settings, "2016-12", miles)["ledger"] == "miles"
    mixed = lots_file(tmp_path, [*LOTS, MILES | {"credited_on": "2016-01-01"}], "mixed.csv")
    with pytest.raises(RunFailed, match="lots of points and of miles"):
        open_ledger(settings, FIRST, mixed)


def _header_only(folder: Path) -> Path:
    return lots_file(folder, [])


def _all_bad(folder: Path) -> Path:
    return lots_file(folder, [LOT | {"remaining": 0}])


def _no_lots(folder: Path) -> Path:
    (folder / "lots.csv").write_text("customer_id,points\nA,5\n")
    return folder / "lots.csv"


def _of_miles(folder: Path) -> Path:
    return lots_file(folder, [MILES | {"credited_on": "2016-01-01"}])


@pytest.mark.parametrize(
    ("lots", "refusal", "words"),
    [
        (_header_only, RunFailed, "no lot in it is accepted (it has no rows)"),
        (_all_bad, RunFailed, "no lot in it is accepted (remaining:range 1)"),
        (_no_lots, RunFailed, "lots.csv: "),
        (_of_miles, NotReady, "members, who own the lots, were never delivered"),
        (lambda folder: folder, RunFailed, "nothing was published"),
        (lambda folder: folder / "lots.csv", WrongUsage, "no such file"),
    ],
)
def test_what_can_not_open_a_ledger_is_refused_and_leaves_nothing(
    lots: Callable[[Path], Path], refusal: type[PointbookError], words: str, tmp_path: Path
) -> None:
    settings = telecom(tmp_path / "workspace")
    before = data_hashes(settings.workspace)
    folder = tmp_path / "handed-over"
    folder.mkdir()
    with pytest.raises(refusal) as caught:
        open_ledger(settings, FIRST, lots(folder))
    assert words in str(caught.value)
    assert data_hashes(settings.workspace) == before


def test_nobody_owns_lots_before_owners_are_delivered(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="none of customers, members was ever delivered"):
        open_ledger(options(tmp_path / "workspace"), FIRST, lots_file(tmp_path, LOTS))


def test_a_dry_run_tells_and_publishes_nothing(tmp_path: Path) -> None:
    settings = telecom(tmp_path / "workspace")
    before = data_hashes(settings.workspace)

    def dry(rows: list[Row], *words: str) -> Any:
        lots = str(lots_file(tmp_path, rows))
        line = ["open", "--month", FIRST, "--lots", lots, "--dry-run", *words]
        line += ["--workspace", str(settings.workspace), "--threads", "1"]
        return command_line(line, {"COLUMNS": "160"}, tmp_path / "printed")

    told = dry([*LOTS, LOT | {"lot_id": "B", "owner": "Z"}], "--max-reject-rate", "0.2")
    assert told.returncode == 0
    for words in ("owner:domain", "B,Z,promotion", "dry run: nothing was published"):
        assert words in told.stdout
    opened = "2016-11 opens with 2,550 points in 5 lots of 3 owners, 2,500 of them usable"
    assert opened in told.stdout
    bad = [LOT | {"lot_id": f"{n}", "owner": "Z"} for n in range(30)]
    held = dry(bad, "--quiet")
    assert held.returncode == 3
    assert "pointbook: would be held back for too many rejected rows" in held.stderr
    assert data_hashes(settings.workspace) == before


@pytest.mark.parametrize(
    "change",
    [
        {"remaining": 1},
        {"lot_id": "other"},
        {"expires_on": None},
        {"credited_on": date(2016, 1, 1)},
    ],
)
def test_the_audit_finds_every_lot_that_is_not_as_delivered(tmp_path: Path, change: Row) -> None:
    lot = {
        "lot_id": "L1",
        "credited_on": date(2016, 10, 20),
        "expires_on": date(2016, 12, 31),
        "remaining": 500,
    }
    schema = pa.schema([table_schema(PUBLISHED["point_lots"]).field(name) for name in lot])
    with DuckDBEngine(tmp_path, memory="500MB", threads=1) as engine:
        engine.table("delivered_lots", pa.Table.from_pylist([lot], schema))
        claim = load_transform("opening/every_lot_opened")
        for rows, sound in (([lot], True), ([lot | change], False), ([], False)):
            engine.table("opened_lots", pa.Table.from_pylist(rows, schema))
            assert (engine.rows(claim).num_rows == 0) is sound
