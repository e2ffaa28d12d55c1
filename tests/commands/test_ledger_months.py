"""The published points ledger, month by month, against the slow model of tests/ledger_model.py."""

from __future__ import annotations

import random
import shutil
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from tests.commands_in_tests import run_commands
from tests.ledger_model import PARTNERS, Change, Ledger, Row
from tests.membership import data_hashes, land, line, table_rows
from tests.points import bills_of_tiers, customer
from tests.policy_folders import replaced_policies

START: Final = "2016-10"
CHANGES: Final = (
    Change("promotion", date(2016, 11, 1), date(2016, 11, 15), date(2016, 12, 31)),
    Change("purchase", date(2016, 12, 15), date(2017, 1, 10), date(2017, 2, 15)),
)
TIERS: Final = {"K00": "vip", "K01": "vip", "K02": "gold", "K03": "white", "K21": "vip"}
"""K21 stays one: no random bill, which may take money back, is hers."""
PEOPLE: Final = [f"K{number:02}" for number in range(24)]
GRANT_YEAR: Final = 2017


def people() -> list[Row]:
    """Customers with every kind of record: late, leaving, unreachable, without anything."""
    found = [customer(customer_id=name) for name in PEOPLE]
    found[4] |= {"joined_on": "2016-11-10"}
    found[5] |= {"terminated_on": "2016-12-15", "status": "terminated"}
    found[6] |= {"terminated_on": "2017-01-01", "status": "terminated"}
    found[7] |= {"contact": ""}
    found[8] |= {"contact": "", "address": ""}
    found[9] |= {"address": ""}
    found[10] |= {"contact": "없음"}
    return found


class Deliveries:
    """Random rows of a month, as delivered; ids are unique over all months."""

    def __init__(self, seed: int, prefix: str = "") -> None:
        self._chance = random.Random(seed)
        self._prefix = prefix
        self._count = 0
        self._redemptions: list[tuple[str, str]] = [("never", "K00")]

    def month(self, month: str, size: int) -> dict[str, list[Row]]:
        """So many rows, a good part of them redemptions and cancellations."""
        first = date.fromisoformat(f"{month}-01")
        rows: dict[str, list[Row]] = {name: [] for name in _EXPORTS}
        for _ in range(size):
            make = self._chance.choices(
                [self._bill, self._promotion, self._purchase, self._redemption, self._refund],
                [10, 8, 8, 60, 14],
            )[0]
            export, row = make(first)
            rows[export].append(row)
        self._chance.shuffle(rows["redemptions"])
        return rows

    def _name(self) -> str:
        # the last three do nothing, and are inactive
        return self._chance.choice([*PEOPLE[:-3]] * 3 + ["nobody"])

    def _id(self) -> str:
        self._count += 1
        return self._prefix + self._chance.choice(["a", "B", "_", "-"]) + str(self._count)

    def _moment(self, first: date) -> datetime:
        """Few moments, so that many fall together."""
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        day = self._chance.choice([first, last, first.replace(day=self._chance.randint(1, 28))])
        at = self._chance.choice([(0, 0, 0), (12, 0, 0), (23, 59, 59)])
        return datetime(day.year, day.month, day.day, *at)

    def _bill(self, first: date) -> tuple[str, Row]:
        item = self._chance.choice(["base_fee", "domestic_call", "late_fee"])
        month = self._chance.choice([first, first, first - timedelta(days=20)])
        amount = self._chance.choice([-9_000, 0, 190, 200, 35_990])
        row = line(self._id(), self._name(), f"{month:%Y-%m}", amount, charge_item=item)
        collected = self._moment(first).date() if amount else ""
        return "billing", row | {"collected_on": collected}

    def _promotion(self, first: date) -> tuple[str, Row]:
        day = self._moment(first).date()
        end = self._chance.choice(["", day, day + timedelta(days=20), date(2017, 12, 31)])
        return "promotions", {
            "promotion_credit_id": self._id(),
            "customer_id": self._chance.choice([self._name(), PEOPLE[-1], PEOPLE[-2]]),
            "credited_on": day,
            "promotion_code": "X",
            "points": self._chance.choice([1, 50, 400]),
            "refundable": self._chance.choice([True, False]),
            "expires_on": end,
        }

    def _purchase(self, first: date) -> tuple[str, Row]:
        return "purchases", {
            "purchase_id": self._id(),
            "customer_id": self._name(),
            "purchased_at": self._moment(first),
            "channel": self._chance.choice(["official_shop", "partner"]),
            "amount": self._chance.choice([99, 100, 20_000, 65_432]),
        }

    def _redemption(self, first: date) -> tuple[str, Row]:
        name, cancels = self._name(), ""
        if self._chance.random() < 0.3:
            cancels, owner = self._chance.choice(self._redemptions)
            name = self._chance.choice([owner, owner, owner, name])
        row: Row = {"redemption_id": self._id(), "customer_id": name, "cancels": cancels}
        self._redemptions.append((row["redemption_id"], name))
        benefit = self._chance.choice(["partner_discount", "double_discount", "vip_choice"])
        partners = [*sorted(PARTNERS.get(benefit, set())), "cafe"]
        return "redemptions", row | {
            "used_at": self._moment(first),
            "benefit": benefit,
            "partner": self._chance.choice(partners),
            "points": self._chance.choice([0, 1, 10, 60] if cancels else [1, 10, 60, 300]),
        }

    def _refund(self, first: date) -> tuple[str, Row]:
        return "refund_applications", {
            "application_id": self._id(),
            "customer_id": self._name(),
            "applied_at": self._moment(first),
            "points": self._chance.choice([1, 19, 20, 200]),
            "method": self._chance.choice(["cash", "bill_credit", "gift_card"]),
            "channel": "online",
            "contact": self._chance.choice(["01012345678", "01012345678", "02"]),
            "address": "서울시  종로구 1",
        }


_EXPORTS: Final = {
    "billing": "billing",
    "promotions": "promotions",
    "purchases": "purchases",
    "redemptions": "redemptions",
    "refund_applications": "refunds",
}
"""The exports and what the model calls them."""


def told(ledger: Ledger, rows: dict[str, list[Row]]) -> None:
    """Tells the model what was delivered."""
    for export, name in _EXPORTS.items():
        getattr(ledger, name).extend(_typed(row) for row in rows.get(export, []))


def _typed(row: Row) -> Row:
    """A delivered row as the model reads it: nothing is None, days are dates."""
    found = {name: None if value == "" else value for name, value in row.items()}
    for name, value in found.items():
        if name.endswith("_on") and isinstance(value, str):
            found[name] = date.fromisoformat(value)
    return found


def landed(workspace: Path, rows: dict[str, list[Row]], file: str) -> None:
    for export, delivered in rows.items():
        if delivered:
            land(workspace, export, delivered, file)


def a_ledger() -> Ledger:
    rows = [_typed(row) for row in people()]
    for row in rows:
        row |= {name: row[name] or "" for name in ("contact", "address")}
    return Ledger(CHANGES, {row["customer_id"]: row for row in rows})


def policies(folder: Path) -> Path:
    """The shipped policies, with the changes."""
    rows = [vars(change) for change in CHANGES]
    return replaced_policies({"point_policy_changes": rows}, folder)


def month_after(month: str) -> str:
    return f"{date.fromisoformat(f'{month}-01') + timedelta(days=31):%Y-%m}"


def commands(month: str) -> list[str]:
    """What falls due in a month of the ledger, in calendar order."""
    found = [f"notices {month}", f"points {month} --allow-missing-months"]
    if month == f"{GRANT_YEAR}-01":
        found[:0] = [f"tiers {GRANT_YEAR}", f"grants {GRANT_YEAR}"]
    if month.endswith("-12"):
        found.append(f"sweep {month[:4]}")
    return found


class LedgerMachine(RuleBasedStateMachine):
    """Months of random events, closed in order; every table is that of the model."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.workspace = self.folder / "workspace"
        self.options = Options(
            workspace=self.workspace, policies=policies(self.folder), memory="1GB", threads=2
        )
        self.deliveries, self.ledger, self.month = Deliveries(seed), a_ledger(), START
        self.published: list[str] = []
        land(self.workspace, "customers", people())
        fees = bills_of_tiers(TIERS, GRANT_YEAR)
        land(self.workspace, "billing", fees, "tiers.csv")
        told(self.ledger, {"billing": fees})

    @rule(size=st.sampled_from([0, 60, 700, 1500]))
    def close_a_month(self, size: int) -> None:
        rows, month = self.deliveries.month(self.month, size), self.month
        landed(self.workspace, rows, f"{month}.csv")
        told(self.ledger, rows)
        assert ingest(self.options)["status"] == "done"
        run_commands(self.options, commands(month))
        if month == f"{GRANT_YEAR}-01":
            self._tell_tiers()
        self._compare(month, self.ledger.notices(month))
        self._compare(month, self.ledger.close(month))
        self.published.append(month)
        if month.endswith("-12"):
            self._compare_sweep(int(month[:4]))
        self.month = month_after(month)

    def _compare_sweep(self, year: int) -> None:
        tables = self.ledger.sweep(year)
        self._compare(str(year), {"expiry_sweep": tables.pop("expiry_sweep")})
        self._compare(f"{year}-YE", tables)
        self.published.append(f"{year}-YE")

    def _tell_tiers(self) -> None:
        self.ledger.grants = table_rows(self.workspace, "point_grants")
        snapshot = table_rows(self.workspace, "tier_snapshot")
        vips = {row["customer_id"] for row in snapshot if row["tier"] == "vip"}
        self.ledger.vips = {(GRANT_YEAR, name) for name in vips}
        assert vips

    def _compare(self, period: str, tables: dict[str, list[Row]]) -> None:
        for name, wanted in tables.items():
            rows = [dict(list(row.items())[1:]) for row in table_rows(self.workspace, name, period)]
            assert rows == wanted, (name, period)

    @invariant()
    def points_are_conserved(self) -> None:
        closing = 0
        for period in getattr(self, "published", []):
            balances = table_rows(self.workspace, "point_balances", period)
            entries = table_rows(self.workspace, "point_entries", period)
            lots = table_rows(self.workspace, "point_lots", period)
            assert sum(row["opening"] for row in balances) == closing
            closing += sum(row["points"] for row in entries)
            assert sum(row["closing"] for row in balances) == closing
            assert sum(row["remaining"] for row in lots) == closing
            assert all(0 < row["remaining"] <= row["credited"] for row in lots)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


LedgerMachine.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=6,
    deadline=None,
    derandomize=True,
    # a smaller example takes minutes to find, and the seed and sizes say it all
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestLedger = LedgerMachine.TestCase


# What may not matter

FEW_MONTHS: Final = ("2016-11", "2016-12", "2017-01")


def deliveries(seed: int) -> dict[str, dict[str, list[Row]]]:
    """The rows of a few months."""
    made = Deliveries(seed)
    return {month: made.month(month, 400) for month in FEW_MONTHS}


def workspace_of(folder: Path, **more: Any) -> Options:
    """An empty ledger: customers, and the bills of the tiers."""
    workspace = folder / "workspace"
    land(workspace, "customers", people())
    land(workspace, "billing", bills_of_tiers(TIERS, GRANT_YEAR), "tiers.csv")
    return Options(workspace=workspace, policies=policies(folder), memory="1GB", **more)


def warehouse(options: Options) -> dict[str, str]:
    hashes = data_hashes(options.workspace)
    return {path: digest for path, digest in hashes.items() if path.endswith("part-0.parquet")}


def close_all(options: Options) -> None:
    for month in FEW_MONTHS:
        run_commands(options, commands(month))


@pytest.fixture(scope="module")
def month_by_month(tmp_path_factory: pytest.TempPathFactory) -> Options:
    """Delivered and closed a month at a time."""
    options = workspace_of(tmp_path_factory.mktemp("months"), threads=1)
    for month, rows in deliveries(1).items():
        landed(options.workspace, rows, f"{month}.csv")
        assert ingest(options)["status"] == "done"
        run_commands(options, commands(month))
    return options


def test_all_at_once_in_any_order_and_split_on_four_threads_gives_the_same_bytes(
    month_by_month: Options, tmp_path: Path
) -> None:
    options = workspace_of(tmp_path, threads=4)
    chance = random.Random(2)
    for month, exports in deliveries(1).items():
        for export, rows in exports.items():
            shuffled = chance.sample(rows, len(rows))
            for part in range(2):
                land(options.workspace, export, shuffled[part::2], f"{9 - part}-{month}.csv")
    assert ingest(options)["status"] == "done"
    close_all(options)
    of_points = {path for path in warehouse(options) if path.startswith("warehouse/")}
    assert len(of_points) > 30
    found, wanted = warehouse(options), warehouse(month_by_month)
    assert {path: found[path] for path in of_points} == {path: wanted[path] for path in of_points}


def test_closing_again_changes_nothing(month_by_month: Options) -> None:
    before = warehouse(month_by_month)
    close_all(month_by_month)
    assert warehouse(month_by_month) == before


def test_other_customers_never_change_a_row(month_by_month: Options, tmp_path: Path) -> None:
    options = workspace_of(tmp_path, threads=2)
    others = [customer(customer_id=f"other-{row['customer_id']}") for row in people()]
    land(options.workspace, "customers", others, "others.csv")
    strangers = Deliveries(3, "other-")
    for month, rows in deliveries(1).items():
        landed(options.workspace, rows, f"{month}.csv")
        landed(options.workspace, _of_others(strangers.month(month, 400)), f"{month}-others.csv")
    assert ingest(options)["status"] == "done"
    close_all(options)
    for table in OF_CUSTOMERS:
        own = [row for row in table_rows(options.workspace, table) if not _is_other(row)]
        assert own == table_rows(month_by_month.workspace, table)


OF_CUSTOMERS: Final = (
    "point_entries",
    "point_lots",
    "point_balances",
    "point_exceptions",
    "redemption_results",
    "refund_results",
    "expiry_notices",
    "expiry_sweep",
)


def _of_others(exports: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return {
        export: [row | {"customer_id": f"other-{row['customer_id']}"} for row in rows]
        for export, rows in exports.items()
    }


def _is_other(row: Row) -> bool:
    return str(row["customer_id"]).startswith("other-")
