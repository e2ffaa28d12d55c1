"""Accrual of a month and `elite` over a year beside bare DuckDB queries over the same files.

Run: .venv/bin/python -m tests.bench.miles [--members N] [--flights N] [--runs N] [--root DIR]
By default 2 M members and 20 M flights: all in one month for the accrual, and over the months of a
year for the status; the two workspaces are made once in --root.

The bare queries read the same flights and members, and a file with the distance of every route;
they give the same rows and columns in the same order, rates and marks written into them: no policy
tables, no distances to find, no audits, no hashes, nothing made durable. The accrual counted is all
that `miles` does for it, from lock to commit; the whole command is told besides.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import pyarrow.parquet as pq

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.write_audit import name_policies, run_context
from schemas.derive import schema_metadata, staged_schema
from schemas.exports import EXPORTS
from tests.bench.measure import Contender, compare, pointbook
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform
from transforms.policies.policy import Policies
from transforms.policies.reference import Reference

MONTH: Final = "2021-05"
YEAR: Final = 2022
_POLICIES: Final = Path(__file__).parent.parent.parent / "data" / "policies" / "as_announced"
_AIRPORTS: Final = (
    "NRT FUK KIX CTS OKA PEK PVG CAN TAO DLC HKG MFM TPE ULN BKK SGN HAN DAD MNL CEB SIN KUL CGK "
    "DPS DEL BOM KTM CMB TAS GUM HNL LAX SFO SEA JFK BOS ORD IAD ATL DFW YVR YYZ LHR CDG FRA AMS "
    "MXP FCO MAD PRG VIE ZRH IST SVO DXB SYD MEL BNE AKL CJU PUS"
)
_MEMBERS: Final = """
SELECT
    format('M{:09d}', number) AS member_id,
    CAST(DATE '2005-01-01' + CAST(number * 7919 % 6000 AS INTEGER) AS DATE) AS enrolled_on,
    TIMESTAMP '2021-12-31 00:00:00' AS updated_at,
    CAST(1 AS BIGINT) AS delivery
FROM range(1, $members + 1) AS numbers(number)
ORDER BY member_id
"""
_FLIGHTS: Final = """
SELECT
    format('F{:010d}', number) AS activity_id,
    format('M{:09d}', (number - $begin) * $members // ($end - $begin) + 1) AS member_id,
    CAST(CAST($first AS DATE) + CAST(number * 31 % 28 AS INTEGER) AS DATE) AS flight_date,
    CASE WHEN number % 19 = 7 THEN 'DL' ELSE 'KE' END AS operating_carrier,
    format('KE{:03d}', number % 900) AS flight_number,
    'ICN' AS origin,
    $airports[number * 2654435761 % len($airports) + 1] AS destination,
    $classes[number * 40503 % len($classes) + 1] AS booking_class,
    CASE WHEN number % 23 = 3 THEN 'award' ELSE 'revenue' END AS ticket_type,
    number % 29 <> 11 AS flown,
    CASE WHEN number % 3 = 0 THEN CAST(400 + number * 7 % 9000 AS BIGINT) END AS distance_miles,
    CAST(0 AS BIGINT) AS revision,
    CAST(1 AS BIGINT) AS delivery
FROM range($begin, $end) AS numbers(number)
ORDER BY member_id, activity_id
"""
_RATES: Final = """(VALUES ('P', 300), ('F', 250), ('J', 200), ('C', 175), ('D', 150), ('I', 125),
        ('R', 125), ('Y', 100), ('B', 100), ('M', 100), ('S', 100), ('H', 100), ('E', 100),
        ('K', 75), ('L', 75), ('U', 75), ('G', 50), ('Q', 25), ('N', 25), ('T', 25)
    ) AS rates(booking_class, rate)"""
_BARE: Final = """
import duckdb
connection = duckdb.connect(config={{"memory_limit": "{memory}", "temp_directory": {temp!r}}})
connection.execute("SET enable_progress_bar = false")
connection.execute('''
COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
''')
"""
_BARE_ACCRUAL: Final = """
SELECT activity_id, member_id, flight_date, origin, destination, booking_class, distance,
    distance_source, distance_suspect, CASE WHEN reason IS NULL THEN rate END::BIGINT AS rate,
    CASE WHEN reason IS NULL THEN (distance * rate * 2 + 100) // 200 ELSE 0 END::BIGINT AS miles,
    CASE WHEN reason IS NULL THEN half_flights ELSE 0 END::BIGINT AS half_flights, reason
FROM (
    SELECT activity_id, member_id, flight_date, origin, destination, booking_class,
        coalesce(distance_miles, routes.miles) AS distance,
        CASE WHEN distance_miles IS NOT NULL THEN 'delivered' ELSE distance_source END
            AS distance_source,
        coalesce(distance_miles < least_plausible OR distance_miles > greatest_plausible, false)
            AS distance_suspect,
        rate, half_flights,
        CASE WHEN enrolled_on IS NULL THEN 'unknown_member'
            WHEN flight_date < enrolled_on THEN 'before_enrolment'
            WHEN NOT flown THEN 'not_flown' WHEN ticket_type = 'award' THEN 'award_ticket'
            WHEN operating_carrier <> 'KE' THEN 'partner_carrier'
            WHEN rate IS NULL THEN 'unlisted_class'
            WHEN routes.origin IS NULL THEN 'unknown_airport' END AS reason
    FROM read_parquet('{root}/staged/flights/*/part-0.parquet', hive_partitioning = false)
    LEFT JOIN read_parquet('{root}/staged/members/part-0.parquet') AS members USING (member_id)
    LEFT JOIN {rates} USING (booking_class)
    LEFT JOIN read_parquet('{root}/routes.parquet') AS routes USING (origin, destination)
)
ORDER BY member_id, activity_id
"""
_BARE_ELITE: Final = """
WITH totals AS (
    SELECT member_id,
        sum((coalesce(distance_miles, routes.miles) * rate * 2 + 100) // 200)::BIGINT AS miles,
        sum(half_flights)::BIGINT AS half_flights
    FROM read_parquet('{root}/staged/flights/*/part-0.parquet', hive_partitioning = false)
    JOIN read_parquet('{root}/staged/members/part-0.parquet') AS members USING (member_id)
    JOIN {rates} USING (booking_class)
    JOIN read_parquet('{root}/routes.parquet') AS routes USING (origin, destination)
    WHERE flight_date >= enrolled_on AND flown AND ticket_type = 'revenue'
        AND operating_carrier = 'KE'
    GROUP BY member_id
)
SELECT member_id, coalesce(miles, 0) AS qualifying_miles,
    coalesce(half_flights, 0) AS qualifying_half_flights,
    CASE WHEN miles >= 100000 THEN 'diamond' WHEN miles >= 70000 THEN 'platinum'
        WHEN miles >= 40000 THEN 'gold' WHEN miles >= 10000 THEN 'silver' ELSE 'none' END
        AS status_by_miles,
    CASE WHEN half_flights >= 140 THEN 'platinum' WHEN half_flights >= 80 THEN 'gold'
        WHEN half_flights >= 20 THEN 'silver' ELSE 'none' END AS status_by_flights,
    CASE WHEN miles >= 100000 THEN 'diamond' WHEN miles >= 70000 OR half_flights >= 140
        THEN 'platinum' WHEN miles >= 40000 OR half_flights >= 80 THEN 'gold'
        WHEN miles >= 10000 OR half_flights >= 20 THEN 'silver' ELSE 'none' END AS status,
    DATE '2022-02-01' AS valid_from, DATE '2023-01-31' AS valid_to, 'bare' AS policy
FROM read_parquet('{root}/staged/members/part-0.parquet') LEFT JOIN totals USING (member_id)
WHERE enrolled_on < DATE '2022-01-01'
ORDER BY member_id
"""
_ACCRUAL: Final = """
from dataclasses import replace
from pathlib import Path
from flows.commands.registry import COMMANDS
from flows.commands.template import perform
from flows.publishing.options import Options
from schemas.periods import Period
first_part = {{"tables": ("mileage_accruals",), "fold": None, "parts": ()}}
first_part |= {{"ledger": None, "strangers": None}}
accrual = replace(COMMANDS["miles"], **first_part)
options = Options(workspace=Path({root!r}), memory="{memory}")
perform(accrual, options, Period.parse("{month}"))
"""
_MILES: Final = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
run_command(Options(workspace=Path({root!r}), memory="{memory}"), "miles {month}")
"""
_ELITE: Final = """
from pathlib import Path
from flows.publishing.options import Options
from tests.commands_in_tests import run_command
run_command(Options(workspace=Path({root!r}), memory="{memory}"), "elite {year}")
"""


def main() -> None:
    """Makes the workspaces if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(tempfile.gettempdir()) / "bench-miles")
    parser.add_argument("--members", type=int, default=2_000_000)
    parser.add_argument("--flights", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--memory", default="4GB")
    arguments = parser.parse_args()
    size = f"{arguments.flights:,} flights of {arguments.members:,} members"
    month, year = (
        _workspace(arguments.root, span, arguments.members, arguments.flights)
        for span in ("month", "year")
    )
    compare(
        f"accrual of a month: {size}",
        [
            _bare(month, _BARE_ACCRUAL, arguments.memory),
            _ours("accrual", month, _ACCRUAL, arguments.memory),
            _ours("the whole of pointbook miles", month, _MILES, arguments.memory),
        ],
        arguments.runs,
    )
    compare(
        f"status year: {size}",
        [
            _bare(year, _BARE_ELITE, arguments.memory),
            _ours("pointbook elite", year, _ELITE, arguments.memory),
        ],
        arguments.runs,
    )


def _bare(root: Path, query: str, memory: str) -> Contender:
    code = _BARE.format(
        query=query.format(root=root, rates=_RATES),
        memory=memory,
        temp=str(root / "bare.tmp"),
        out=root / "bare.parquet",
    )
    return Contender("one bare DuckDB query", code)


def _ours(name: str, root: Path, code: str, memory: str) -> Contender:
    return pointbook(name, code.format(root=str(root), memory=memory, month=MONTH, year=YEAR))


def _workspace(folder: Path, span: str, members: int, flights: int) -> Path:
    """A workspace with all flights in one month, or over the twelve of 2021; made once."""
    root = folder / f"{span}-{members}-{flights}"
    months = [MONTH] if span == "month" else [f"2021-{number:02d}" for number in range(1, 13)]
    if not (root / "commits").exists():
        _stage(root, months, members, flights)
    return root


def _stage(root: Path, months: list[str], members: int, flights: int) -> None:
    with Run(Options(workspace=root), "bench", {}) as run, duckdb.connect() as connection:

        def write(sql: str, export: str, target: Path, period: str, **values: object) -> None:
            aside = run.temporary(target)
            schema = staged_schema(EXPORTS[export])
            connection.execute(
                f"COPY ({sql}) TO '{aside}' (FORMAT parquet, COMPRESSION zstd, KV_METADATA $kv)",
                values | {"kv": schema_metadata(schema)},
            )
            run.replace(aside, target, table=export, period=period)

        target = run.workspace.staged / "members" / "part-0.parquet"
        write(_MEMBERS, "members", target, "", members=members)
        for number, month in enumerate(months):
            target = run.workspace.staged / "flights" / f"month={month}" / "part-0.parquet"
            write(
                _FLIGHTS,
                "flights",
                target,
                month,
                first=f"{month}-01",
                begin=flights * number // len(months),
                end=flights * (number + 1) // len(months),
                members=members,
                airports=_AIRPORTS.split(),
                classes=list("PFJCDIRYBMSHEKLUGQNT" + "YBMHEKLQNT" * 4),
            )
        _write_routes(run, root)
        run.commit({})
    ingest(Options(workspace=root))  # brings what is kept of these rows beside them


def _write_routes(run: Run, root: Path) -> None:
    """The distance of every route, for the bare queries."""
    policies = Policies.load(_POLICIES)
    with DuckDBEngine(run.scratch) as engine:
        for name in ("flights", "award_requests"):
            files = sorted((root / "staged" / ".aside" / name).rglob("*.parquet"))
            files += sorted((root / "staged" / name).rglob("*.parquet"))
            engine.relation(name, files, staged_schema(EXPORTS[name]))
        run_context(engine, first_day=date(2021, 1, 1), day_after=date(2022, 1, 1))
        engine.table("airports", Reference().airport_rows)
        engine.table("published_distances", Reference().distance_rows)
        routes = load_transform("mileage/routes")
        name_policies(engine, policies, [routes])
        pq.write_table(engine.rows(routes), root / "routes.parquet")


if __name__ == "__main__":
    main()
