"""The airline as a whole: the newspaper's sentence, corrected flights, order, split, refusals."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import airportsdata
import pytest

from flows.calendar.status import workspace_status
from flows.commands.registry import COMMANDS
from flows.commands.template import fingerprints
from flows.console.errors import NotReady, WrongUsage
from flows.deliveries.ingest import ingest
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.run import Context
from schemas.periods import NoPeriod, Period
from schemas.policy import POLICIES
from tests.airline import AWARD, FLIGHT, MEMBER, PAYMENT, land_airline
from tests.commands_in_tests import run_calendar, run_command
from tests.console.test_cli import complaint
from tests.membership import data_hashes, land, options, table_rows
from tests.policy_folders import replaced_policies
from transforms.policies.policy import Policies, PolicyError
from transforms.policies.reference import Reference

AS_HAPPENED: Final = SHIPPED.parent / "as_happened"
REFORM: Final = {
    "accrual_rates",
    "award_chart",
    "elite_year",
    "mixed_payment_programme",
    "mixed_payment_share",
}
"""The policies that the postponement and the suspension changed."""
TELECOM_HISTORY: Final = {"micropayment_ceiling"}
"""Those of the telecom's that went otherwise than the seeds say."""

Row = dict[str, Any]


def staged(workspace: Path, case: Row, **more: Any) -> Options:
    """Lands and stages a case's rows; returns the settings of its runs."""
    land_airline(workspace, case)
    settings = options(workspace, **more)
    ingest(settings)
    return settings


# The newspaper's sentence


def test_the_five_routes_of_the_newspaper_in_both_charts(tmp_path: Path) -> None:
    """S4, seventh paragraph, in economy, off-peak and one way, on both sides of the reform.

    "보너스 항공권의 경우 일반석 인천~후쿠오카 노선은 평수기 편도 기준 1만5000마일이 필요했지만,
    변경 이후 1만 마일이면 가능하다. 또한 인천~상하이 노선은 1만5000마일에서 1만2500마일로 줄어든다.
    하와이는 미주 지역으로 분류되어 3만5000마일을 공제했지만, 3만2500마일로 낮아진다.
    반면 동남아시아 노선 중 상대적으로 먼 거리인 싱가포르의 경우 2만 마일에서 2만2500마일로,
    장거리 노선 중 하나인 파리의 경우 3만5000마일에서 4만 마일로 늘어난다."
    """
    sentence = {
        "후쿠오카 FUK": (15_000, 10_000),
        "상하이 PVG": (15_000, 12_500),
        "하와이 HNL": (35_000, 32_500),
        "싱가포르 SIN": (20_000, 22_500),
        "파리 CDG": (35_000, 40_000),
    }
    days = {"before": "2021-03-31 12:00:00", "after": "2021-04-01 12:00:00"}
    settings = staged(
        tmp_path,
        {
            "flights": [{"flight_date": "2021-03-01", "distance_miles": 1_000_000}],
            "awards": [
                {
                    "request_id": f"{destination.split()[1]}-{when}",
                    "destination": destination.split()[1],
                    "requested_at": requested_at,
                    "origin": "ICN",
                    "kind": "ticket",
                    "cabin": "economy",
                    "season": "off_peak",
                    "trip": "one_way",
                }
                for destination in sentence
                for when, requested_at in days.items()
            ],
        },
    )
    for month in ("2021-03", "2021-04"):
        run_command(settings, f"miles {month}")
    miles = {row["request_id"]: row["miles"] for row in table_rows(tmp_path, "award_results")}
    told = {
        destination: (miles[f"{code}-before"], miles[f"{code}-after"])
        for destination, code in ((name, name.split()[1]) for name in sentence)
    }
    assert told == sentence


# The policies


def test_the_history_as_it_went_is_a_complete_folder_and_tells_only_what_changed() -> None:
    Policies.load(AS_HAPPENED)
    differing = {
        name
        for name in POLICIES
        if (AS_HAPPENED / f"{name}.yaml").read_bytes() != (SHIPPED / f"{name}.yaml").read_bytes()
    }
    assert differing == REFORM | TELECOM_HISTORY


@pytest.mark.parametrize("day", [date(2021, 4, 1), date(2023, 4, 1), date(2030, 1, 1)])
def test_as_it_happened_nothing_of_the_reform_came_into_force(day: date) -> None:
    announced, happened = Policies.load(SHIPPED), Policies.load(AS_HAPPENED)
    before = date(2021, 3, 31)

    def values(policies: Policies, on: date) -> dict[str, object]:
        rows = policies.in_force("accrual_rates", on)
        return {str(row["booking_class"]): row["rate"] for row in rows}

    assert values(happened, day) == values(announced, before)
    assert values(happened, day) != values(announced, day)
    assert happened.in_force("award_chart", day)[0]["chart"] == "region"
    with pytest.raises(PolicyError):
        happened.in_force("elite_year", day)


def test_every_value_of_the_airline_has_a_source_that_can_be_followed() -> None:
    for folder in (SHIPPED, AS_HAPPENED):
        policies = Policies.load(folder)
        for name in [*sorted(REFORM), "region_awards", "distance_awards", "award_regions"]:
            for row in policies.relation(name).to_pylist():
                source = str(row["source"])
                assert any(mark in source for mark in ("S4, ", "https://", "assumption: ")), source


# Corrected flights


def _made_of(settings: Options, command: str, period: str) -> dict[str, str]:
    """The fingerprints of what a command's period would be made from now."""
    return fingerprints(COMMANDS[command], Context.of(settings), Period.parse(period))


def test_a_corrected_flight_changes_its_month_the_months_after_and_its_status_year_alone(
    tmp_path: Path,
) -> None:
    case = {
        "members": [{"member_id": "M"}, {"member_id": "N"}],
        "flights": [
            {"activity_id": "moved", "flight_date": "2020-11-30", "distance_miles": 9_000},
            {"activity_id": "other", "member_id": "N", "flight_date": "2020-11-20"},
            {"activity_id": "next", "flight_date": "2020-12-20", "distance_miles": 2_000},
            {"activity_id": "year", "flight_date": "2021-02-20", "distance_miles": 9_000},
        ],
        "awards": [{"request_id": "spends", "requested_at": "2021-02-25 12:00:00"}],
    }
    settings = staged(tmp_path, case)
    months = ["2020-11", "2020-12", "2021-01", "2021-02"]
    for month in months:
        run_command(settings, f"miles {month}")
    run_command(settings, "elite 2022")
    before = data_hashes(tmp_path)
    digests = {month: _made_of(settings, "miles", month) for month in months}
    year = _made_of(settings, "elite", "2022")

    corrected = FLIGHT | {
        "activity_id": "moved",
        "flight_date": "2020-12-01",
        "distance_miles": 8_000,
        "revision": 1,
    }
    land(tmp_path, "flights", [corrected], "correction.csv")
    ingest(settings)
    now = {month: _made_of(settings, "miles", month) for month in months}
    assert [month for month in months if now[month]["flights"] != digests[month]["flights"]] == [
        "2020-11",
        "2020-12",
    ]
    assert _made_of(settings, "elite", "2022") == year

    for month in months:
        run_command(settings, f"miles {month}")
    run_command(settings, "elite 2022")
    accruals = table_rows(tmp_path, "mileage_accruals")
    assert [(row["month"], row["activity_id"], row["distance"]) for row in accruals] == [
        ("2020-11", "other", 999),
        ("2020-12", "moved", 8_000),
        ("2020-12", "next", 2_000),
        ("2021-02", "year", 9_000),
    ]
    after = data_hashes(tmp_path)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    published = {path for path in changed if path.startswith("warehouse/")}
    restated = {path for path in published if path.startswith("warehouse/restatements/")}
    assert len(restated) == len(months)
    assert sorted(path for path in published - restated if path.endswith(".parquet")) == sorted(
        f"warehouse/{table}/month={month}/part-0.parquet"
        for table, changing in {
            "mileage_accruals": ["2020-11", "2020-12"],
            "mileage_entries": ["2020-11", "2020-12", "2021-02"],
            "mileage_lots": months,
            "mileage_balances": months,
            "mileage_movements": ["2020-11", "2020-12", "2021-02"],
        }.items()
        for month in changing
    )
    entries = [row for row in table_rows(tmp_path, "mileage_entries") if row["miles"] < 0]
    assert [(row["lot_id"], row["miles"]) for row in entries] == [
        ("flight:moved", -8_000),
        ("flight:next", -2_000),
        ("flight:year", -5_000),
    ]


def test_a_flight_that_a_correction_moves_out_of_the_year_leaves_the_status(tmp_path: Path) -> None:
    settings = staged(
        tmp_path,
        {"flights": [{"activity_id": "f", "flight_date": "2021-12-31", "distance_miles": 10_000}]},
    )
    run_command(settings, "elite 2022")
    (row,) = table_rows(tmp_path, "elite_status")
    assert (row["qualifying_miles"], row["status"]) == (10_000, "silver")
    moved = FLIGHT | {"activity_id": "f", "flight_date": "2022-01-01", "revision": 1}
    land(tmp_path, "flights", [moved], "correction.csv")
    ingest(settings)
    run_command(settings, "elite 2022")
    run_command(settings, "elite 2023")
    rows = {row["status_year"]: row for row in table_rows(tmp_path, "elite_status")}
    assert (rows["2022"]["qualifying_half_flights"], rows["2022"]["status"]) == (0, "none")
    assert rows["2023"]["qualifying_half_flights"] == 2


def test_the_elite_year_counts_flights_of_months_that_are_not_published(tmp_path: Path) -> None:
    settings = staged(tmp_path, {"flights": [{"distance_miles": 10_000}]})
    assert run_command(settings, "elite 2022")["statuses"][0]["status"] == "silver"
    assert table_rows(tmp_path, "mileage_accruals") == []


# Months


def test_a_month_before_the_start_and_one_after_a_gap_are_refused(tmp_path: Path) -> None:
    settings = staged(tmp_path, {"flights": [{}]})
    assert run_command(settings, "miles 2021-05")["starts_ledger"]
    with pytest.raises(WrongUsage, match="2021-04 lies before 2021-05, with which the ledger"):
        run_command(settings, "miles 2021-04")
    with pytest.raises(NotReady, match="pointbook miles --month 2021-06"):
        run_command(settings, "miles 2021-07")
    with pytest.raises(NoPeriod, match="no month"):
        run_command(settings, "miles 2021-13")
    manifest = run_command(settings, "miles 2021-06")
    assert (manifest["opens_from"], manifest["starts_ledger"]) == ("2021-05", False)
    assert run_command(settings, "miles 2021-05")["starts_ledger"]


def test_a_month_without_rows_is_published_empty_and_typed(tmp_path: Path) -> None:
    settings = staged(tmp_path, {"flights": [{}]})
    manifest = run_command(settings, "miles 2030-01")
    assert manifest["totals"] == dict.fromkeys(
        ("members", "opening", "credited", "spent", "expired", "closing"), 0
    )
    for table in ("mileage_accruals", "mileage_entries", "mileage_lots", "mixed_payment_results"):
        assert table_rows(tmp_path, table) == []
        assert (tmp_path / "warehouse" / table / "month=2030-01" / "part-0.parquet").is_file()


# What does not matter


def many(seed: int, members: int = 40) -> Mapping[str, list[Row]]:
    """Flights and requests of some months, by export, in the order of their ids."""
    draw = random.Random(seed)
    names = [f"m{number:02d}" for number in range(members)]
    flights = [
        FLIGHT
        | {
            "activity_id": f"f{number:04d}",
            "member_id": draw.choice([*names, "nobody"]),
            "flight_date": f"2021-0{draw.choice([3, 4])}-{draw.randint(1, 28):02d}",
            "destination": draw.choice(["NRT", "HNL", "CJU", "QQQ", "SIN"]),
            "booking_class": draw.choice("PFJCDIRYKGQZ"),
            "ticket_type": draw.choice(["revenue"] * 9 + ["award"]),
            "distance_miles": draw.choice(["", "", draw.randint(100, 9_000)]),
        }
        for number in range(600)
    ]
    awards = [
        AWARD
        | {
            "request_id": f"a{number:03d}",
            "member_id": draw.choice([*names, "nobody"]),
            "requested_at": f"2021-0{draw.choice([3, 4])}-{draw.randint(1, 28):02d} 12:00:00",
            "destination": draw.choice(["FUK", "HNL", "CJU", "QQQ"]),
            "cabin": draw.choice(["economy", "prestige", "first"]),
            "kind": draw.choice(["ticket", "ticket", "upgrade"]),
        }
        for number in range(120)
    ]
    payments = [
        PAYMENT
        | {
            "payment_id": f"p{number:03d}",
            "member_id": draw.choice(names),
            "paid_at": f"2021-0{draw.choice([3, 4])}-{draw.randint(1, 28):02d} 12:00:00",
            "miles": draw.choice([499, 500, 2_000, 9_000]),
            "krw_per_mile": draw.choice(["9.99", "10", "0.01"]),
        }
        for number in range(120)
    ]
    return {
        "members": [MEMBER | {"member_id": name} for name in names],
        "flights": flights,
        "award_requests": awards,
        "mixed_payments": payments,
    }


def close_all(workspace: Path, files: Iterable[tuple[str, str, list[Row]]], **more: Any) -> None:
    for export, name, rows in files:
        land(workspace, export, rows, name)
    settings = options(workspace, **more)
    ingest(settings)
    for month in ("2021-03", "2021-04"):
        run_command(settings, f"miles {month}")
    run_command(settings, "elite 2022")


def warehouse(workspace: Path) -> dict[str, str]:
    return {
        path: digest
        for path, digest in data_hashes(workspace).items()
        if path.startswith("warehouse/") and path.endswith(".parquet")
    }


def test_order_split_threads_and_reruns_change_no_byte(tmp_path: Path) -> None:
    exports = many(seed=5)
    plain, mixed = tmp_path / "plain", tmp_path / "mixed"
    close_all(plain, [(name, "rows.csv", rows) for name, rows in exports.items()])
    draw = random.Random(6)
    split = []
    for name, rows in exports.items():
        shuffled = draw.sample(rows, len(rows))
        cut = len(rows) // 3
        split += [(name, "z.csv", shuffled[:cut]), (name, "a.csv", shuffled[cut:])]
    close_all(mixed, split, threads=2)
    assert warehouse(plain)
    assert warehouse(mixed) == warehouse(plain)
    settings = options(plain)
    for month in ("2021-03", "2021-04"):
        run_command(settings, f"miles {month}")
    assert warehouse(plain) == warehouse(mixed)


def test_members_do_not_affect_each_other(tmp_path: Path) -> None:
    exports = many(seed=8)
    whole, part = tmp_path / "whole", tmp_path / "part"
    close_all(whole, [(name, "rows.csv", rows) for name, rows in exports.items()])
    kept = {f"m{number:02d}" for number in range(0, 40, 2)}
    close_all(
        part,
        [
            (name, "rows.csv", [row for row in rows if row["member_id"] in kept])
            for name, rows in exports.items()
        ],
    )
    for table in ("mileage_entries", "mileage_balances", "award_results", "elite_status"):
        expected = [row for row in table_rows(whole, table) if row["member_id"] in kept]
        assert table_rows(part, table) == expected


# Reference data


def test_the_published_distances_are_sound() -> None:
    rows = Reference().distance_rows.to_pylist()
    assert {(row["airport"], row["other_airport"]): row["miles"] for row in rows} == {
        ("GMP", "PUS"): 215,
        ("ICN", "PUS"): 215,
        ("GMP", "CJU"): 276,
        ("ICN", "CJU"): 276,
        ("ICN", "HNL"): 4_560,
        ("ICN", "JFK"): 6_865,
        ("ICN", "LHR"): 5_646,
        ("ICN", "GUM"): 2_003,
    }


def test_airports_are_those_of_the_package() -> None:
    loaded = airportsdata.load("IATA")
    assert Reference().airport_rows.to_pylist() == [
        {
            "airport": code,
            "country": place["country"],
            "latitude": place["lat"],
            "longitude": place["lon"],
        }
        for code, place in sorted(loaded.items())
    ]


def test_everything_wrong_with_the_published_distances_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "published_distances.csv"
    path.write_text(
        "airport,other_airport,miles,source\n"
        "ICN,HNL,4560,somewhere\n"
        "HNL,ICN,4561,somewhere\n"
        "ICN,QQQ,10,somewhere\n"
        "ICN,ICN,10,somewhere\n"
        "ICN,NRT,0.5,somewhere\n"
        "ICN,FUK,350, \n"
        "ICN,FUK\n",
        encoding="utf-8",
    )
    with pytest.raises(PolicyError) as caught:
        _ = Reference(path).distance_rows
    assert caught.value.errors == [
        "published_distances.csv: row 2: HNL-ICN is given twice, in either direction; keep one",
        "published_distances.csv: row 3: 'QQQ' is no known airport; write its IATA code",
        "published_distances.csv: row 4: twice the same airport; name two",
        "published_distances.csv: row 5: '0.5' is no distance; write whole miles above 0",
        "published_distances.csv: row 6: no source; name one",
        "published_distances.csv: row 7: not 4 values; mend the row",
    ]


def test_another_published_distance_makes_the_months_stale(tmp_path: Path) -> None:
    path = tmp_path / "published_distances.csv"
    path.write_text("airport,other_airport,miles,source\nICN,NRT,790,a test\n", encoding="utf-8")
    assert Reference(path).fingerprint != Reference().fingerprint
    assert Reference().fingerprint == Reference().fingerprint


def test_a_place_or_carrier_of_another_form_is_refused(tmp_path: Path) -> None:
    rows = [{"place": "jp", "region": "northeast_asia"}]
    folder = replaced_policies({"award_regions": rows}, tmp_path)
    with pytest.raises(PolicyError, match=r"award_regions.yaml: row 1 \(place jp\): place: 'jp'"):
        Policies.load(folder)


# The calendar and the command line


def _pilot(workspace: Path) -> None:
    land_airline(
        workspace,
        {
            "flights": [
                {"flight_date": "2021-12-20", "distance_miles": 12_000},
                {"flight_date": "2022-01-20", "distance_miles": 1_000},
            ],
            "awards": [{"requested_at": "2022-02-10 12:00:00"}],
        },
    )


def _done(manifest: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [(run["command"], run.get("month") or run["year"]) for run in manifest["runs"]]


def test_a_run_takes_the_airline_in_calendar_order_and_equals_single_closes(tmp_path: Path) -> None:
    together, single = tmp_path / "together", tmp_path / "single"
    _pilot(together)
    manifest = run_calendar(options(together), "2021-12", "2022-02")
    assert _done(manifest) == [
        ("miles", "2021-12"),
        ("miles", "2022-01"),
        ("elite", 2022),
        ("miles", "2022-02"),
    ]
    skipped = {item["command"] for item in manifest["skipped"]}
    assert not [line for line in skipped if "miles" in line or "elite" in line]
    _pilot(single)
    ingest(options(single))
    for month in ("2021-12", "2022-01", "2022-02"):
        run_command(options(single), f"miles {month}")
    run_command(options(single), "elite 2022")
    assert warehouse(single) == warehouse(together)
    status = workspace_status(options(together))
    assert status["missing"] == []
    assert {row["state"] for row in status["published"]} == {"current"}


def test_a_run_names_the_years_in_which_the_elite_scheme_is_not_in_force(tmp_path: Path) -> None:
    _pilot(tmp_path)
    manifest = run_calendar(options(tmp_path, policies=AS_HAPPENED), "2021-12", "2022-02")
    assert ("elite", 2022) not in _done(manifest)
    assert {
        "command": "pointbook elite --year 2022",
        "reason": "the scheme is not in force (elite_year.yaml)",
    } in manifest["skipped"]


def test_what_the_airline_needs_was_never_delivered(tmp_path: Path) -> None:
    land(tmp_path, "members", [MEMBER])
    manifest = run_calendar(options(tmp_path), "2022-02", "2022-02")
    assert manifest["runs"] == []
    reasons = {item["command"]: item["reason"] for item in manifest["skipped"]}
    assert reasons["pointbook elite --year 2022"] == "flights was never delivered"
    assert reasons["pointbook miles --month 2022-02"] == (
        "none of flights, award_requests, mixed_payments was ever delivered"
    )


def test_the_commands_say_what_they_did_or_what_they_need(tmp_path: Path) -> None:
    _pilot(tmp_path)
    ingest(options(tmp_path))

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("pointbook"), *words, "--workspace", tmp_path],
            env=os.environ | {"POINTBOOK_PREFECT": "false"},
            capture_output=True,
            text=True,
            timeout=180,
        )

    first = call("miles", "--month", "2021-12")
    assert first.returncode == 0, first.stderr
    assert "2021-12 starts the mileage ledger" in first.stdout
    assert "0 opening + 12,000 credited - 0 spent - 0 expired = 12,000 closing" in first.stdout
    gap = call("miles", "--month", "2022-02")
    assert "run `pointbook miles --month 2022-01` first" in complaint(gap, 4)
    status = call("elite", "--year", "2022")
    assert status.returncode == 0, status.stderr
    assert "from the flights of 2021-01-01 to 2021-12-31" in status.stdout
    early = call("elite", "--year", "2021")
    assert "elite_year.yaml" in complaint(early, 2)
