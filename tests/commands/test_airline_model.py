"""The mileage ledger against a slow and obvious model, over random months of random members."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.commands.registry import COMMANDS
from flows.commands.template import Work
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.write_audit import Inputs
from schemas.derive import staged_schema, stored_schema
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED
from tests.airline_model import Award, Flight, Lot, Month, Payment, close_month
from tests.policy_folders import replaced_policies

MILES: Final = COMMANDS["miles"]
MONTHS: Final = ("2021-03", "2021-04", "2021-12")
ROUTES: Final = (
    ("GMP", "CJU"),
    ("ICN", "HNL"),
    ("NRT", "ICN"),
    ("ICN", "SIN"),
    ("CDG", "ICN"),
    ("NRT", "SIN"),
    ("ICN", "QQQ"),
)
COLUMNS: Final = {
    "mileage_accruals": (
        "member_id",
        "activity_id",
        "distance",
        "distance_source",
        "distance_suspect",
        "miles",
        "half_flights",
        "reason",
    ),
    "mileage_entries": ("member_id", "lot_id", "source_id", "kind", "miles"),
    "mileage_lots": ("member_id", "lot_id", "credited_on", "expires_on", "credited", "remaining"),
    "mileage_balances": ("member_id", "opening", "credited", "spent", "expired", "closing"),
    "mileage_movements": (
        "credited_month",
        "expires_month",
        "movement",
        "lots",
        "members",
        "miles",
    ),
    "award_results": ("member_id", "request_id", "reason", "chart", "band", "miles"),
    "mixed_payment_results": (
        "member_id",
        "payment_id",
        "reason",
        "miles_value_krw",
        "cash_due",
    ),
}
"""What the model tells of each table, in the order of the rows' keys."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """A member's record and months; `enrolled_on` none: no record."""

    enrolled_on: date | None
    flights: tuple[Flight, ...]
    awards: tuple[Award, ...]
    payments: tuple[Payment, ...]


_DAYS: Final = st.sampled_from(
    [date(int(month[:4]), int(month[5:]), day) for month in MONTHS for day in (2, 28)]
    + [date(2021, 3, 31), date(2021, 12, 31)]
)
_TIMES: Final = st.builds(
    lambda day, seconds: datetime(day.year, day.month, day.day) + timedelta(seconds=seconds),
    _DAYS,
    st.sampled_from([0, 86_399]),
)
_FLIGHTS: Final = st.builds(
    lambda day, route, *others: Flight("", day, *route, *others),
    _DAYS,
    st.sampled_from(ROUTES),
    st.sampled_from("PDYKQZ"),
    st.sampled_from(["KE"] * 5 + ["DL"]),
    st.sampled_from(["revenue"] * 5 + ["award"]),
    st.sampled_from([True] * 5 + [False]),
    st.one_of(st.none(), st.integers(1, 12_000)),
)
_AWARDS: Final = st.builds(
    lambda at, kind, route, *others: Award("", at, kind, *route, *others),
    _TIMES,
    st.sampled_from(["ticket", "ticket", "upgrade"]),
    st.sampled_from(ROUTES),
    st.sampled_from(["economy", "economy", "prestige", "first"]),
    st.sampled_from(["off_peak", "peak"]),
    st.sampled_from(["one_way", "round_trip"]),
)
_PAYMENTS: Final = st.builds(
    lambda *values: Payment("", *values),
    _TIMES,
    st.sampled_from(["web", "mobile", "call_centre"]),
    st.sampled_from(["KRW"] * 5 + ["USD"]),
    st.sampled_from([100_000, 1_000_000]),
    st.integers(0, 100),
    st.integers(0, 100),
    st.sampled_from([499, 500, 501, 1_999, 2_000, 2_001, 9_000]),
    st.sampled_from([Decimal("10"), Decimal("10.01"), Decimal("0.01"), Decimal("9.99")]),
)
_MEMBERS: Final = st.builds(
    Member,
    st.sampled_from([date(2019, 1, 1)] * 4 + [date(2021, 3, 2), None]),
    st.lists(_FLIGHTS, max_size=6).map(tuple),
    st.lists(_AWARDS, max_size=3).map(tuple),
    st.lists(_PAYMENTS, max_size=3).map(tuple),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(_MEMBERS, min_size=1, max_size=40),
    st.sampled_from([None, None, 0, 1]),
    st.randoms(use_true_random=False),
)
def test_the_ledger_does_what_the_slow_model_does(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[Member],
    validity: int | None,
    shuffle: Any,
) -> None:
    members = {f"m{number:02d}": _named(number, member) for number, member in enumerate(drawn)}
    folder = tmp_path_factory.mktemp("model")
    opening: dict[str, list[Lot]] = {name: [] for name in members}
    ledger = _Ledger(folder, _policies(folder, validity), shuffle.shuffle)
    for month in MONTHS:
        expected = {
            name: _model(month, member, opening[name], validity) for name, member in members.items()
        }
        found = ledger.close(month, members)
        for table, rows in _told(expected, opening, month, validity).items():
            assert [tuple(row[name] for name in COLUMNS[table]) for row in found[table]] == rows
        opening = {name: result.lots for name, result in expected.items()}


def _named(number: int, member: Member) -> Member:
    """The member with ids of its own for everything; they sort otherwise than they were drawn."""

    def ids(letter: str, count: int) -> Iterator[str]:
        return (f"{letter}{number:02d}-{(n * 7 + number) % 10}" for n in range(count))

    flights = zip(ids("f", len(member.flights)), member.flights, strict=True)
    awards = zip(ids("a", len(member.awards)), member.awards, strict=True)
    payments = zip(ids("p", len(member.payments)), member.payments, strict=True)
    return Member(
        member.enrolled_on,
        tuple(replace(flight, activity_id=name) for name, flight in flights),
        tuple(replace(award, request_id=name) for name, award in awards),
        tuple(replace(payment, payment_id=name) for name, payment in payments),
    )


def _policies(folder: Path, validity: int | None) -> Path:
    if validity is None:
        return SHIPPED
    return replaced_policies({"mileage_validity": [{"years": validity}]}, folder)


def _within(month: str, day: date) -> bool:
    return f"{day:%Y-%m}" == month


def _model(month: str, member: Member, opening: Sequence[Lot], validity: int | None) -> Month:
    return close_month(
        month,
        member.enrolled_on,
        opening,
        [flight for flight in member.flights if _within(month, flight.flight_date)],
        [award for award in member.awards if _within(month, award.requested_at)],
        [payment for payment in member.payments if _within(month, payment.paid_at)],
        validity,
    )


# What the project makes of it


class _Ledger:
    """Closes months of rows in memory, through the transforms, the fold and the audits."""

    def __init__(self, folder: Path, policies: Path, shuffle: Callable[[list[Any]], None]) -> None:
        self._options = Options(
            workspace=folder / "workspace", policies=policies, memory="1GB", threads=1
        )
        self._shuffle = shuffle
        self._lots: pa.Table = _typed("mileage_lots", [])

    def close(self, month: str, members: dict[str, Member]) -> dict[str, list[Row]]:
        """The rows of each table; the lots are kept for the next month."""
        with Run(self._options, "miles", {}) as run:
            context = Context.of(self._options)
            with self._options.start_engine(run.scratch) as engine:
                period = Period.parse(month)
                work = Work(MILES, engine, context, period, Inputs({}), run.scratch, run)
                for name, rows in self._exports(month, members).items():
                    self._shuffle(rows)
                    schema = staged_schema(EXPORTS[name])
                    engine.table(name, pa.Table.from_pylist(rows, schema=schema))
                engine.table("opening_mileage_lots", self._lots)
                work.prepare()
                work.decide()
                work.write()
            tables = {
                name: pq.ParquetFile(
                    run.temporary(
                        run.workspace.warehouse / name / f"month={month}" / "part-0.parquet"
                    )
                ).read()
                for name in MILES.tables
            }
        self._lots = tables["mileage_lots"]
        return {name: table.to_pylist() for name, table in tables.items()}

    def _exports(self, month: str, members: dict[str, Member]) -> dict[str, list[Row]]:
        known = {name: who for name, who in members.items() if who.enrolled_on is not None}
        own: dict[str, list[Row]] = {
            "members": [
                {"member_id": name, "enrolled_on": who.enrolled_on} for name, who in known.items()
            ],
            "flights": [],
            "award_requests": [],
            "mixed_payments": [],
        }
        for name, who in members.items():
            for export, rows, day in (
                ("flights", who.flights, "flight_date"),
                ("award_requests", who.awards, "requested_at"),
                ("mixed_payments", who.payments, "paid_at"),
            ):
                own[export] += [
                    asdict(row) | {"member_id": name}
                    for row in rows
                    if _within(month, getattr(row, day))
                ]
        return own


def _typed(table: str, rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=stored_schema(PUBLISHED[table]))


# The same rows by the model


def _told(
    expected: dict[str, Month], opening: dict[str, list[Lot]], month: str, validity: int | None
) -> dict[str, list[Any]]:
    """The model's rows by table, as COLUMNS has them, in the published order."""
    return {
        "mileage_accruals": [
            (name, flight, *vars(found).values())
            for name, result in expected.items()
            for flight, found in sorted(result.accruals.items())
        ],
        "mileage_entries": sorted(
            (name, *entry) for name, result in expected.items() for entry in result.entries
        ),
        "mileage_lots": [
            (name, lot.lot_id, lot.credited_on, lot.expires_on, lot.credited, lot.remaining)
            for name, result in expected.items()
            for lot in sorted(result.lots, key=lambda lot: lot.lot_id)
        ],
        "mileage_balances": [
            (name, *_balance(result, opening[name]))
            for name, result in expected.items()
            if result.entries or opening[name]
        ],
        "mileage_movements": _movements(expected, opening, month, validity),
        "award_results": [
            (name, request, reason, *(found or (None, None, None)))
            for name, result in expected.items()
            for request, (reason, found) in sorted(result.awards.items())
        ],
        "mixed_payment_results": [
            (name, payment, *answer)
            for name, result in expected.items()
            for payment, answer in sorted(result.payments.items())
        ],
    }


def _movements(
    expected: dict[str, Month], opening: dict[str, list[Lot]], month: str, validity: int | None
) -> list[tuple[Any, ...]]:
    """The entries added up by when their lots came and lapse; a new lot is of the month."""
    new = (month, "~" if validity is None else f"{int(month[:4]) + validity}-12")
    terms = {
        lot.lot_id: (
            f"{lot.credited_on:%Y-%m}",
            f"{lot.expires_on:%Y-%m}" if lot.expires_on else "~",
        )
        for lots in opening.values()
        for lot in lots
    }
    found: dict[tuple[str, ...], list[tuple[str, str, int]]] = {}
    for name, result in expected.items():
        for lot_id, _, kind, miles in result.entries:
            movement = "credit" if kind == "flight" else kind
            key = (*terms.get(lot_id, new), movement)
            found.setdefault(key, []).append((lot_id, name, miles))
    return [
        (
            credited,
            None if expires == "~" else expires,
            movement,
            len({lot_id for lot_id, _, _ in rows}),
            len({name for _, name, _ in rows}),
            sum(miles for _, _, miles in rows),
        )
        for (credited, expires, movement), rows in sorted(found.items())
    ]


def _balance(result: Month, opening: Sequence[Lot]) -> tuple[int, ...]:
    def moved(*kinds: str) -> int:
        return sum(miles for _, _, kind, miles in result.entries if kind in kinds)

    return (
        sum(lot.remaining for lot in opening),
        moved("flight"),
        -moved("award", "mixed_payment"),
        -moved("expiry"),
        sum(lot.remaining for lot in result.lots),
    )
