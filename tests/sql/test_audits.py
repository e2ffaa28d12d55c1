"""Every audit is silent on sound tables and returns the rows that break its claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pytest

from schemas.derive import staged_schema, table_schema
from schemas.exports import EXPORTS
from schemas.policy import POLICIES
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import ROOT, load_transform
from transforms.policies.policy import Policies

SHIPPED: Final = ROOT.parent / "data" / "policies" / "as_announced"


def audits_of_room(room: str) -> list[str]:
    """The audits of the tables whose transforms lie in a folder of `transforms/`."""
    tables = {path.stem for path in (ROOT / room).glob("*.sql")}
    audits = sorted(path.stem for path in (ROOT / "audits").glob("*.sql"))
    return [audit for audit in audits if audit.partition("__")[0] in tables]


AUDITS: Final = audits_of_room("membership")
CONTEXT: Final = pa.table(
    {
        "membership_year": pa.array([2017], pa.int64()),
        "assessed_on": [date(2016, 11, 1)],
        "window_from": ["2015-11"],
        "window_to": ["2016-10"],
        "granted_on": [date(2017, 1, 1)],
        "expires_on": [date(2017, 12, 31)],
    }
)

TIER_SCALE: Final = pa.table(
    {"tier": ["general", "white", "silver", "gold", "vip"], "place": [0, 1, 2, 3, 4]}
)
ALIASES: Final = {
    "tiers_before": "tier_snapshot",
    "opening_mileage_lots": "mileage_lots",
    "mileage_lots_at_hand": "mileage_lots",
    "opening_lots": "point_lots",
    "earlier_results": "redemption_results",
    "earlier_entries": "point_entries",
    "opening_limits": "micropayment_limits",
}
"""Tables that a transform knows by another name."""

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Breaches = dict[str, list[tuple[str, Rows]]]
"""By audit: what is wrong, and tables in which it is."""


@dataclass(frozen=True)
class Sound:
    """Sound tables, made anew by `tables`, and what breaks them."""

    tables: Callable[[], Rows]

    def broken(self, table: str, row: int, **changes: object) -> Rows:
        """The tables with other values in a row."""
        rows = self.tables()
        rows[table][row] |= changes
        return rows

    def doubled(self, table: str) -> Rows:
        """The tables with a row twice in one of them."""
        rows = self.tables()
        rows[table].append(rows[table][0])
        return rows

    def without(self, table: str, row: int) -> Rows:
        """The tables without a row."""
        rows = self.tables()
        del rows[table][row]
        return rows


def each_breach(breaches: Breaches) -> list[Any]:
    """Every breach as a parameter: the audit, and the tables."""
    return [
        pytest.param(audit, rows, id=f"{audit}: {what}")
        for audit, several in breaches.items()
        for what, rows in several
    ]


NEXT_FEES: Final = {"general": 200_000, "white": 400_000, "silver": 600_000, "gold": 1_000_000}


def assessed(customer: str, fee: int, fee_tier: str, years: int, tier: str) -> Row:
    return {
        "membership_year": 2017,
        "customer_id": customer,
        "assessed_on": date(2016, 11, 1),
        "mobile_fee": fee,
        "internet_fee": 0,
        "iptv_fee": 0,
        "wibro_fee": 0,
        "voip_fee": 0,
        "landline_fee": 0,
        "annual_fee": fee,
        "fee_tier": fee_tier,
        "tenure_years": years,
        "upgraded": tier != fee_tier,
        "tier": tier,
        "policy": "",
        "missing_to_next": NEXT_FEES[fee_tier] - fee,
    }


def moved(before: str | None, tier: str | None, fee_tier: str | None, why: str, **more: int) -> Row:
    return {
        "membership_year": 2017,
        "tier_before": before,
        "tier": tier,
        "fee_tier": fee_tier,
        "why": why,
        "customers": 1,
        "points_before": 0,
        "points_after": 0,
    } | more


def banded(band_from: int, tenure_band: str, tier: str, annual_fee: int) -> Row:
    return {
        "membership_year": 2017,
        "band_from": band_from,
        "tenure_band": tenure_band,
        "tier": tier,
        "customers": 1,
        "annual_fee": annual_fee,
    }


def granted(customer: str, tier: str, points: int) -> Row:
    return {
        "membership_year": 2017,
        "customer_id": customer,
        "tier": tier,
        "points": points,
        "lot_id": f"membership:2017:{customer}",
        "credited_on": date(2017, 1, 1),
        "expires_on": date(2017, 12, 31),
    }


def sound() -> Rows:
    """Five customers, an exception, and bills that add up."""
    return {
        "tier_snapshot": [
            assessed("credited", -5, "general", 9, "general"),
            assessed("gold", 999_999, "gold", 5, "gold"),
            assessed("left", 200_000, "white", 6, "white"),
            assessed("lifted", 600_000, "gold", 6, "vip"),
            assessed("white", 399_999, "white", 6, "white"),
        ],
        "tiers_before": [
            assessed("credited", 0, "general", 8, "general"),
            assessed("gold", 400_000, "silver", 4, "silver"),
            assessed("gone", 200_000, "white", 4, "white"),
            assessed("lifted", 600_000, "gold", 5, "gold"),
        ],
        "tier_moves": [
            moved("general", "general", "general", "same", annual_fee=-5),
            moved("gold", "vip", "gold", "tenure", annual_fee=600_000),
            moved("silver", "gold", "gold", "fee_up", annual_fee=999_999),
            moved("white", None, None, "left", annual_fee=0, points_before=50_000),
            moved(None, "white", "white", "came", annual_fee=599_999, customers=2),
        ],
        "tier_bands": [
            banded(0, "7-9", "general", -5),
            banded(200_000, "6", "white", 200_000),
            banded(390_000, "6", "white", 399_999),
            banded(600_000, "6", "vip", 600_000),
            banded(990_000, "0-5", "gold", 999_999),
        ],
        "tier_exceptions": [
            {
                "membership_year": 2017,
                "customer_id": "nobody",
                "reason": "unknown_customer",
                "amount": 7,
                "lines": 1,
            }
        ],
        "point_grants": [
            granted("gold", "gold", 100_000),
            granted("lifted", "vip", 120_000),
            granted("white", "white", 50_000),
        ],
        "billing_totals": [
            total("2016-10", "base_fee", 2_200_000),
            total("2015-11", "data_call", 0),
            total("2015-12", "domestic_call", 0),
            total("2016-10", "late_fee", 1),
            total("2015-10", "base_fee", 1),
            total("2016-11", "base_fee", 1),
        ],
        "customers_spans": [
            customer("credited"),
            customer("gold"),
            customer("left", date(2017, 1, 1)),
            customer("lifted"),
            customer("white", date(2017, 1, 2)),
        ],
    }


def total(month: str, charge_item: str, amount: int) -> Row:
    return {
        "billing_month": month,
        "product": "mobile",
        "charge_item": charge_item,
        "lines": 1,
        "billed_amount": amount,
        "collected_amount": amount,
    }


def customer(name: str, terminated_on: date | None = None) -> Row:
    return {"customer_id": name, "joined_on": date(2010, 1, 1), "terminated_on": terminated_on}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path_factory.mktemp("scratch"), memory="500MB") as started:
        started.table("run_context", CONTEXT)
        started.table("tier_scale", TIER_SCALE)
        policies = Policies.load(SHIPPED)
        for name in POLICIES:
            started.table(f"policy_{name}", policies.relation(name))
        yield started


def tables_of(rows: Rows) -> dict[str, pa.Table]:
    """The rows as what an audit reads, by the names that it knows."""
    schemas = {name: table_schema(table) for name, table in (PUBLISHED | STAGED_RELATIONS).items()}
    schemas |= {name: staged_schema(export) for name, export in EXPORTS.items()}
    schemas |= {alias: schemas[table] for alias, table in ALIASES.items()}
    return {
        name: pa.Table.from_pylist(content, schema=schemas[name]) for name, content in rows.items()
    }


def offences(engine: DuckDBEngine, audit: str, rows: Rows) -> list[Row]:
    engine.tables(tables_of(rows))
    found: list[Row] = engine.rows(load_transform(f"audits/{audit}")).to_pylist()
    return found


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_silent_on_sound_tables(engine: DuckDBEngine, audit: str) -> None:
    assert offences(engine, audit, sound()) == []


SOUND: Final = Sound(sound)
broken, doubled, without = SOUND.broken, SOUND.doubled, SOUND.without


def left_before_the_grant() -> Rows:
    rows = sound()
    rows["point_grants"].append(granted("left", "white", 50_000))
    return rows


BREACHES: Final[Breaches] = {
    "tier_snapshot__tiers_follow_policy": [
        ("below the tier", broken("tier_snapshot", 4, annual_fee=199_999, mobile_fee=199_999)),
        ("at the next tier", broken("tier_snapshot", 4, annual_fee=400_000, mobile_fee=400_000)),
        ("an unknown tier", broken("tier_snapshot", 4, fee_tier="platinum", tier="platinum")),
        ("no tier", broken("tier_snapshot", 4, tier=None)),
        ("lifted without the years", broken("tier_snapshot", 3, tenure_years=5)),
        ("the years, but not lifted", broken("tier_snapshot", 1, tenure_years=6)),
        ("lifted from another tier", broken("tier_snapshot", 4, tier="vip", upgraded=True)),
        ("lifted, but not marked so", broken("tier_snapshot", 3, upgraded=False)),
        ("fees that don't add up", broken("tier_snapshot", 4, iptv_fee=1)),
        ("a won more to the next", broken("tier_snapshot", 0, missing_to_next=200_006)),
        ("nothing to the next", broken("tier_snapshot", 1, missing_to_next=None)),
    ],
    "tier_snapshot__every_won_accounted_for": [
        ("a won too much", broken("tier_snapshot", 4, annual_fee=400_000)),
        ("a won too little", broken("tier_exceptions", 0, amount=6)),
        ("a customer lost", without("tier_snapshot", 4)),
        ("no exceptions", without("tier_exceptions", 0)),
        ("no bills", {**sound(), "billing_totals": []}),
    ],
    "tier_moves__every_customer_counted": [
        ("a customer too many", broken("tier_moves", 4, customers=3)),
        ("a won too much", broken("tier_moves", 1, annual_fee=600_001)),
        ("one who left forgotten", without("tier_moves", 3)),
        ("won of one who left", broken("tier_moves", 3, annual_fee=1)),
        ("one of before forgotten", broken("tier_moves", 0, tier_before=None)),
    ],
    "tier_moves__reasons_fit_the_tiers": [
        ("the same, but not told so", broken("tier_moves", 0, why="fee_up")),
        ("up, told as down", broken("tier_moves", 2, why="fee_down")),
        ("moved, told as the same", broken("tier_moves", 1, why="same")),
        ("left, told as come", broken("tier_moves", 3, why="came")),
        ("come, told as left", broken("tier_moves", 4, why="left")),
        ("no reason", broken("tier_moves", 4, why=None)),
        ("a tier by fee of nobody", broken("tier_moves", 3, fee_tier="white")),
        ("points of no tier", broken("tier_moves", 3, points_after=1)),
        ("points of no tier before", broken("tier_moves", 4, points_before=1)),
    ],
    "tier_bands__every_customer_counted": [
        ("a customer too many", broken("tier_bands", 0, customers=2)),
        ("a won too little", broken("tier_bands", 3, annual_fee=599_999)),
        ("a band lost", without("tier_bands", 4)),
    ],
    "tier_exceptions__customers_not_assessed": [
        ("in both tables", broken("tier_exceptions", 0, customer_id="gold"))
    ],
    "point_grants__points_follow_tier": [
        ("another tier", broken("point_grants", 0, tier="vip", points=120_000)),
        ("other points", broken("point_grants", 0, points=100_001)),
        ("not in the snapshot", broken("point_grants", 0, customer_id="nobody")),
        ("no tier", broken("point_grants", 0, tier=None)),
    ],
    "point_grants__none_terminated": [("left on the day", left_before_the_grant())],
    "point_grants__none_missing": [("a grant lost", without("point_grants", 2))],
    "point_grants__lots_well_formed": [
        ("another year", broken("point_grants", 0, lot_id="membership:2016:gold")),
        ("another customer", broken("point_grants", 0, lot_id="membership:2017:golda")),
        ("no name", broken("point_grants", 0, lot_id=None)),
        ("a day late", broken("point_grants", 0, credited_on=date(2017, 1, 2))),
        ("no end", broken("point_grants", 0, expires_on=None)),
    ],
}


@pytest.mark.parametrize(("audit", "rows"), each_breach(BREACHES))
def test_an_audit_returns_the_one_offending_row(
    engine: DuckDBEngine, audit: str, rows: Rows
) -> None:
    assert len(offences(engine, audit, rows)) == 1


def test_every_audit_has_been_seen_to_fail() -> None:
    assert sorted(BREACHES) == AUDITS
