"""Micropayments against a slow, obvious model; same bytes whatever the delivery; their audits."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.commands.arrears import arrears_files
from flows.commands.registry import COMMANDS
from flows.commands.template import Work, fingerprints
from flows.console.errors import NotReady, RunFailed
from flows.publishing.ledgers import LIMITS
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.write_audit import Inputs
from schemas.derive import staged_schema, table_schema
from schemas.exports import EXPORTS, PRODUCTS
from schemas.periods import Period
from schemas.policy import POLICIES
from schemas.tables import PUBLISHED
from tests import membership
from tests.commands_in_tests import run_command
from tests.membership import data_hashes, land, options, stage, table_rows
from tests.micropayments import (
    BILL,
    SUBSCRIPTION,
    Row,
    close,
    land_micropayments,
)
from tests.sql.test_audits import Breaches, Sound, audits_of_room, each_breach, offences
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import load_transform
from transforms.exports.merge import history_schema
from transforms.ledger import fold as ledger
from transforms.ledger.fold import FoldedFiles, SpendingOrder, fold
from transforms.policies.policy import Policies

MONTHS: Final = ("2016-11", "2016-12", "2017-01")
RULES: Final = Policies.load(SHIPPED)
MICROPAYMENTS: Final = COMMANDS["micropayments"]

# The model: the rules as they are written, one event at a time

_GRADES: Final = {
    **dict.fromkeys(range(1, 5), 300_000),
    **dict.fromkeys(range(5, 7), 200_000),
    **dict.fromkeys(range(7, 9), 100_000),
    **dict.fromkeys(range(9, 11), 0),
}


def _standard_limit(line: Row) -> int:
    whole = _GRADES[line["credit_grade"]]
    return {"prepaid": 0, "youth": whole // 2}.get(line["plan_class"], whole)


@dataclass
class Model:
    """The months of some subscriptions, answered one event after another (M1–M5)."""

    subscriptions: list[Row]
    bills: list[Row]
    own_limits: dict[str, Row] = field(default_factory=dict)

    def month(self, payments: list[Row], requests: list[Row]) -> dict[str, list[Row]]:
        """The tables of the next month."""
        self._spent: dict[str, int] = {}
        events = [(row["requested_at"], 0, row["request_id"], row) for row in requests]
        events += [(row["requested_at"], 1, row["payment_id"], row) for row in payments]
        answers: tuple[list[Row], list[Row]] = ([], [])
        for _, kind, _, row in sorted(events, key=lambda event: event[:3]):
            answers[kind].append(self._pay(row) if kind else self._ask(row))
        limit_results, results = answers
        return {
            "limit_results": limit_results,
            "micropayment_results": results,
            "micropayment_usage": self._usage(results),
            "micropayment_bill_lines": [
                {name: row[name] for name in ("payment_id", "customer_id", "amount")}
                for row in results
                if row["status"] == "approved"
            ],
            "micropayment_limits": list(self.own_limits.values()),
        }

    def _line(self, row: Row) -> Row | None:
        for line in self.subscriptions:
            same = line["subscription_id"] == row["subscription_id"]
            if same and line["product"] == "mobile":
                return line
        return None

    def _limit(self, line: Row) -> int:
        own = self.own_limits.get(line["subscription_id"])
        return cast("int", own["monthly_limit"]) if own else _standard_limit(line)

    def _in_arrears(self, line: Row, day: date) -> bool:
        return any(
            bill["due_on"] < day
            and bill["billed_amount"] > 0
            and (bill["collected_amount"] < bill["billed_amount"] or bill["collected_on"] > day)
            for bill in self.bills
            if bill["customer_id"] == line["customer_id"]
        )

    def _ask(self, row: Row) -> Row:
        line, asked = self._line(row), row["requested_limit"]
        told = {"request_id": row["request_id"], "limit_after": None}
        if line is None:
            return told | {"status": "refused", "reason": "unknown_subscription"}
        above = asked > _standard_limit(line)
        reason = None
        if asked > self._limit(line):
            if line["plan_class"] == "prepaid" or (line["plan_class"] == "youth" and above):
                reason = "not_eligible"
            elif self._in_arrears(line, row["requested_at"].date()):
                reason = "arrears"
            elif above and line["credit_grade"] >= 5:
                reason = "credit_grade"
            elif asked > 1_000_000:
                reason = "above_maximum"
        if reason is None:
            self.own_limits[line["subscription_id"]] = {
                "subscription_id": line["subscription_id"],
                "monthly_limit": asked,
                "request_id": row["request_id"],
            }
        status = "approved" if reason is None else "refused"
        return told | {"status": status, "reason": reason, "limit_after": self._limit(line)}

    def _pay(self, row: Row) -> Row:
        line, day = self._line(row), row["requested_at"].date()
        told = {
            name: row[name] for name in ("payment_id", "subscription_id", "amount", "recurring")
        }
        if line is None:
            unknown = dict.fromkeys(("customer_id", "limit_in_force", "approved_total"))
            return told | unknown | {"status": "declined", "reason": "unknown_subscription"}
        spent = self._spent.get(row["subscription_id"], 0)
        reason = None
        if day < line["opened_on"] or (line["closed_on"] and day >= line["closed_on"]):
            reason = "not_in_service"
        elif self._in_arrears(line, day):
            reason = "arrears"
        elif spent + row["amount"] > self._limit(line):
            reason = "over_limit"
        else:
            spent += row["amount"]
        self._spent[row["subscription_id"]] = spent
        return told | {
            "customer_id": line["customer_id"],
            "limit_in_force": self._limit(line),
            "approved_total": spent,
            "status": "declined" if reason else "approved",
            "reason": reason,
        }

    def _usage(self, results: list[Row]) -> list[Row]:
        rows = []
        for line in self.subscriptions:
            own = [
                row
                for row in results
                if row["subscription_id"] == line["subscription_id"] and row["customer_id"]
            ]
            if own:
                spent, limit = self._spent[line["subscription_id"]], self._limit(line)
                rows.append(
                    {
                        "subscription_id": line["subscription_id"],
                        "limit_in_force": limit,
                        "approved_total": spent,
                        "payments": len(own),
                        "recurring_payments": sum(row["recurring"] for row in own),
                        "usage_notice": spent > 0 and spent * 10 >= limit * 8,
                    }
                )
        return rows


# The same months through SQL and the fold, without staging or publishing


class Closer:
    """Closes months of given rows with the transforms of `micropayments`."""

    def __init__(self, engine: DuckDBEngine, scratch: Path) -> None:
        self._engine = engine
        self._run = cast("Run", SimpleNamespace(scratch=scratch))
        scratch.mkdir(exist_ok=True)
        self._context = Context.of(options(scratch / "workspace"))

    def month(self, month: str, rows: dict[str, list[Row]], opening: list[Row]) -> dict[str, Any]:
        """The tables of a month; `opening`: the limits of the month before."""
        engine = self._engine
        for name in ("subscriptions", "limit_requests", "billing"):
            schema = staged_schema(EXPORTS[name])
            engine.table(name, pa.Table.from_pylist(rows[name], schema))
        history = history_schema(EXPORTS["subscriptions"])
        engine.table("subscriptions_history", history.empty_table())
        engine.create("billing_arrears", load_transform("staging/billing_arrears"))
        limits = table_schema(PUBLISHED[LIMITS.lots])
        engine.table("opening_limits", pa.Table.from_pylist(opening, limits))
        payments = self._run.scratch / f"month={month}" / "payments.parquet"
        payments.parent.mkdir(exist_ok=True)
        schema = staged_schema(EXPORTS["micropayments"])
        delivered = [row | {"delivery": 1} for row in rows["micropayments"]]
        pq.write_table(pa.Table.from_pylist(delivered, schema), payments)
        inputs = Inputs({"micropayments": {month: payments}})
        run = self._run
        work = Work(
            MICROPAYMENTS, engine, self._context, Period.parse(month), inputs, run.scratch, run
        )
        work.prepare()
        work.decide()
        found = {}
        for name in MICROPAYMENTS.tables:
            engine.create(name, load_transform(f"micropayments/{name}"))
            found[name] = engine.rows(load_transform(f"micropayments/{name}")).to_pylist()
        for audit in audits_of_room("micropayments"):
            assert engine.rows(load_transform(f"audits/{audit}")).to_pylist() == [], audit
        return found


@pytest.fixture(scope="module")
def closer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closer]:
    folder = tmp_path_factory.mktemp("closer")
    with DuckDBEngine(folder, "1GB", 1) as engine:
        for name in POLICIES:
            engine.table(f"policy_{name}", RULES.relation(name))
        yield Closer(engine, folder / "scratch")


def assert_as_modelled(closer: Closer, lines: list[Row], bills: list[Row], asked: Row) -> None:
    """`asked`: payments and requests by month; months follow each other."""
    model, opening = Model(lines, bills), list[Row]()
    for month in MONTHS:
        payments, requests = asked["payments"][month], asked["requests"][month]
        rows = {
            "subscriptions": lines,
            "billing": bills,
            "micropayments": payments,
            "limit_requests": requests,
        }
        found, wanted = closer.month(month, rows, opening), model.month(payments, requests)
        for name in MICROPAYMENTS.tables:
            (key,) = PUBLISHED[name].key
            by_key = {row[key]: row for row in found[name]}
            assert sorted(by_key) == sorted(row[key] for row in wanted[name]), name
            for want in wanted[name]:
                assert {column: by_key[want[key]][column] for column in want} == want
        opening = found[LIMITS.lots]


def _drawn(random_: random.Random, lines: int, events: int) -> tuple[list[Row], list[Row], Row]:
    """Subscriptions of a few customers, their bills, and what they ask for in three months."""
    customers = max(2, lines // 2)
    days = [date(2016, 10, 25) + timedelta(days=n) for n in range(100)]
    subscriptions: list[Row] = [
        {
            "subscription_id": f"S{n}",
            "customer_id": f"C{random_.randrange(customers)}",
            "product": random_.choice(["mobile"] * 9 + ["internet"]),
            "plan_class": random_.choice(["standard", "standard", "senior", "youth", "prepaid"]),
            "credit_grade": random_.choice([1, 1, 1, 4, 5, 6, 7, 9]),
            "opened_on": random_.choice([date(2015, 1, 1)] * 5 + days),
            "closed_on": None,
        }
        for n in range(lines)
    ]
    for line in subscriptions:
        if random_.random() < 0.1:
            line["closed_on"] = max(line["opened_on"], random_.choice(days))
    bills = []
    for n in range(lines // 2):
        due, billed = random_.choice(days), random_.choice([10, 10, 10, 0, -10])
        collected = random_.choice([0, billed, billed, billed // 2])
        paid = due + timedelta(days=random_.randrange(-3, 20)) if collected else None
        bills.append(
            {
                "billing_line_id": f"B{n}",
                "customer_id": f"C{random_.randrange(customers)}",
                "billed_amount": billed,
                "collected_amount": collected,
                "due_on": due,
                "collected_on": paid,
            }
        )
    asked: Row = {"payments": {}, "requests": {}}
    for month in MONTHS:
        period = Period.parse(month)
        # few moments, so that many events fall on the same second
        moments = [
            datetime(period.year, period.part, random_.randrange(1, period.last_day.day + 1), hour)
            for hour in (0, 0, 7, 23)
            for _ in range(3)
        ]
        asked["payments"][month] = [
            {
                "payment_id": f"{random_.choice('abAB')}{month}-{n}",
                "subscription_id": f"S{random_.randrange(lines + 1)}",
                "requested_at": random_.choice(moments),
                "merchant": "shop",
                "category": "content",
                "amount": random_.choice([1, 20_000, 50_000, 100_000, 150_000, 300_000]),
                "platform_fee": random_.choice([0, 7]),
                "recurring": random_.random() < 0.3,
            }
            for n in range(events)
        ]
        asked["requests"][month] = [
            {
                "request_id": f"{random_.choice('abAB')}{month}-{n}",
                "subscription_id": f"S{random_.randrange(lines + 1)}",
                "requested_at": random_.choice(moments),
                "requested_limit": random_.choice(
                    [0, 50_000, 100_000, 150_000, 150_001, 200_000, 300_000, 1_000_000, 1_000_001]
                ),
            }
            for n in range(events // 4)
        ]
    return subscriptions, bills, asked


@settings(max_examples=25, deadline=None, derandomize=True)
@given(random_=st.randoms(use_true_random=False), events=st.integers(0, 24))
def test_a_few_subscriptions_are_answered_as_the_model_does(
    closer: Closer, random_: random.Random, events: int
) -> None:
    assert_as_modelled(closer, *_drawn(random_, 3, events))


def test_many_subscriptions_are_answered_as_the_model_does(closer: Closer) -> None:
    assert_as_modelled(closer, *_drawn(random.Random(6), 400, 4_000))


# What the fold knows of limits


_LOT: Final = pa.schema(
    {
        "account": pa.int64(),
        "credited_on": pa.date32(),
        "expires_on": pa.date32(),
        "changes_on": pa.date32(),
        "changed_expires_on": pa.date32(),
        "refundable": pa.bool_(),
        "remaining": pa.int64(),
        "tag": pa.int64(),
    }
)
_EVENT: Final = pa.schema(
    {
        "account": pa.int64(),
        "on_day": pa.date32(),
        "action": pa.string(),
        "amount": pa.int64(),
        "refusal": pa.string(),
    }
)


def _folded(scratch: Path, order: SpendingOrder, limit: int | None, *events: Any) -> list[Any]:
    """What came of an account's events, as verdict, usable and spent."""
    day = date(2016, 11, 1)
    lot = {"account": 0, "credited_on": day, "refundable": False, "remaining": limit}
    rows = [
        {"account": 0, "on_day": day, "action": action, "amount": amount}
        | {"refusal": refusal[0] if refusal else None}
        for action, amount, *refusal in events
    ]
    found = fold(
        pa.Table.from_pylist([lot] if limit is not None else [], _LOT).to_reader(),
        pa.Table.from_pylist(rows, _EVENT).to_reader(),
        scratch,
        spending_order=order,
    )
    return [tuple(row.values())[-3:] for row in pq.read_table(found.events).to_pylist()]


@pytest.mark.parametrize("order", ["earliest_expiry", "oldest_credit"])
def test_a_limit_is_a_lot_that_can_be_set_anew(tmp_path: Path, order: SpendingOrder) -> None:
    assert _folded(
        tmp_path,
        order,
        100,
        ("spend", 60),
        ("set_limit", 50),
        ("spend", 1),
        ("set_limit", 50, "no"),
        ("set_limit", 51, "no"),
        ("set_limit", 60),
        ("spend", 1),
        ("set_limit", 70),
        ("spend", 10),
        ("set_limit", 0),
        ("set_limit", 80),
        ("spend", 10),
    ) == [
        ("accepted", 40, 60),
        ("accepted", -10, 60),
        ("insufficient", -10, 60),
        ("accepted", -10, 60),
        ("refused", -10, 60),
        ("accepted", 0, 60),
        ("insufficient", 0, 60),
        ("accepted", 10, 60),
        ("accepted", 0, 70),
        ("accepted", -70, 70),
        ("accepted", 10, 70),
        ("accepted", 0, 80),
    ]


def test_a_standard_limit_gives_way_to_one_that_was_set(tmp_path: Path) -> None:
    assert _folded(
        tmp_path,
        "oldest_credit",
        0,
        ("standard_limit", 30),
        ("set_limit", 40, "no"),
        ("standard_limit", 20),
        ("set_limit", 25),
        ("standard_limit", 90),
        ("spend", 26),
    ) == [
        ("accepted", 30, 0),
        ("refused", 30, 0),
        ("accepted", 20, 0),
        ("accepted", 25, 0),
        ("accepted", 25, 0),
        ("insufficient", 25, 0),
    ]


def test_without_a_lot_no_limit_can_be_set(tmp_path: Path) -> None:
    events = [("set_limit", 0, "no"), ("spend", 1, "no")]
    found = _folded(tmp_path, "oldest_credit", None, *events)
    assert found == [("refused", 0, 0), ("refused", 0, 0)]


# The same bytes, whatever the delivery


def _landed_rows() -> dict[str, list[Row]]:
    subscriptions, bills, asked = _drawn(random.Random(3), 40, 150)
    return {
        "subscriptions": [
            SUBSCRIPTION | line | {"closed_on": line["closed_on"] or ""} for line in subscriptions
        ],
        "billing": [
            BILL
            | bill
            | {"collected_on": bill["collected_on"] or "", "billing_month": f"2016-0{n % 9 + 1}"}
            for n, bill in enumerate(bills)
        ],
        "micropayments": [row for month in MONTHS for row in asked["payments"][month]],
        "limit_requests": [row for month in MONTHS for row in asked["requests"][month]],
    }


def _published(workspace: Path) -> dict[str, str]:
    return {
        path: digest
        for path, digest in data_hashes(workspace).items()
        if path.startswith("warehouse/") and path.endswith(".parquet")
    }


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three months delivered in one go, and closed."""
    workspace = tmp_path_factory.mktemp("expected") / "workspace"
    for export, rows in _landed_rows().items():
        land(workspace, export, rows)
    stage(workspace)
    close(workspace, *MONTHS)
    return workspace


def test_the_order_of_rows_the_split_and_the_threads_do_not_matter(
    expected: Path, tmp_path: Path
) -> None:
    shuffled = random.Random(5)
    for export, rows in _landed_rows().items():
        mixed = shuffled.sample(rows, len(rows))
        for part in range(3):
            land(tmp_path, export, mixed[part::3], f"{9 - part}.csv")
    stage(tmp_path, threads=4)
    close(tmp_path, *MONTHS, threads=4)
    assert _published(tmp_path) == _published(expected)
    assert len(_published(tmp_path)) == len(MONTHS) * len(MICROPAYMENTS.tables)


def test_months_delivered_and_closed_one_by_one_give_the_same_bytes(
    expected: Path, tmp_path: Path
) -> None:
    for month in MONTHS:
        for export, rows in _landed_rows().items():
            if export in {"micropayments", "limit_requests"}:
                rows = [row for row in rows if f"{row['requested_at']:%Y-%m}" == month]
            land(tmp_path, export, rows, f"{month}.csv")
        stage(tmp_path)
        close(tmp_path, month)
    assert _published(tmp_path) == _published(expected)


def test_a_rerun_changes_no_byte(expected: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(expected, tmp_path / "workspace"))
    before = {path: (workspace / path).stat().st_mtime_ns for path in _published(workspace)}
    close(workspace, *MONTHS)
    assert {path: (workspace / path).stat().st_mtime_ns for path in before} == before


def test_the_manifest_counts_answers_and_names_where_it_opens(expected: Path) -> None:
    (manifest,) = close(expected, "2016-12")
    assert (manifest["opens_from"], manifest["starts_ledger"]) == ("2016-11", False)
    rows = table_rows(expected, "micropayment_results")
    of_month = [row for row in rows if row["month"] == "2016-12"]
    counted = {(row["status"], row["reason"]): row["payments"] for row in manifest["payments"]}
    assert sum(counted.values()) == len(of_month) == 150
    assert counted["approved", None] == sum(row["status"] == "approved" for row in of_month)
    assert sum(row["requests"] for row in manifest["requests"]) == 37
    assert manifest["totals"]["approved_total"] == sum(
        row["amount"] for row in of_month if row["status"] == "approved"
    )
    in_order = [f"{table}__rows_in_order" for table in MICROPAYMENTS.tables]
    assert sorted(manifest["audits"]) == sorted([*audits_of_room("micropayments"), *in_order])
    without = [name for name, files in manifest["inputs"].items() if not files]
    assert without == ["subscriptions_history"]  # nothing was replaced


# What a close reads, and what changes it


def _made_of(settings: Options, month: str = "2016-11") -> dict[str, str]:
    """The fingerprints of what a month would be made from now."""
    return fingerprints(MICROPAYMENTS, Context.of(settings), Period.parse(month))


def test_a_month_waits_for_the_month_before_and_names_the_command(tmp_path: Path) -> None:
    land_micropayments(tmp_path, {"payments": [{}]})
    stage(tmp_path)
    close(tmp_path, "2016-11")
    with pytest.raises(NotReady, match="run `pointbook micropayments --month 2016-12` first"):
        close(tmp_path, "2017-01")
    assert not (tmp_path / "warehouse" / LIMITS.lots / "month=2017-01").exists()


def test_a_revision_that_clears_arrears_changes_the_answer_of_the_next_close(
    tmp_path: Path,
) -> None:
    land_micropayments(tmp_path, {"payments": [{}], "billing": [{}]})
    stage(tmp_path)
    close(tmp_path, "2016-11")
    (before,) = table_rows(tmp_path, "micropayment_results")
    assert before["reason"] == "arrears"
    made_of = _made_of(options(tmp_path))
    land(
        tmp_path,
        "billing",
        [
            {"billing_line_id": "B1"}
            | BILL
            | {"collected_amount": 10_000, "collected_on": "2016-10-25", "revision": 1}
        ],
        "revision.csv",
    )
    stage(tmp_path)
    changed = _made_of(options(tmp_path))
    assert [name for name in changed if changed[name] != made_of[name]] == ["billing_arrears"]
    close(tmp_path, "2016-11")
    (after,) = table_rows(tmp_path, "micropayment_results")
    assert (after["status"], after["approved_total"]) == ("approved", 1_000)


def test_only_the_arrears_that_fall_into_the_month_are_read(tmp_path: Path) -> None:
    bills = [
        # settled long ago; settled on the first; open; to come; within the month
        ("2016-01", "2016-02-25", "2016-03-25"),
        ("2016-08", "2016-09-25", "2016-11-01"),
        ("1999-01", "1999-02-25", ""),
        ("2016-11", "2016-12-25", ""),
        ("2016-10", "2016-11-25", "2016-12-20"),
        ("2016-09", "2016-10-25", "2016-11-02"),
    ]
    land_micropayments(
        tmp_path,
        {
            "payments": [{}],
            "billing": [
                {
                    "billing_month": month,
                    "due_on": due,
                    "collected_on": paid,
                    "collected_amount": 10_000 if paid else 0,
                }
                for month, due, paid in bills
            ],
        },
    )
    stage(tmp_path)
    context = Context.of(options(tmp_path))
    found = arrears_files(context, date(2016, 11, 1), date(2016, 11, 30))
    assert list(found) == ["1999-01", "2016-09", "2016-10"]
    before = _made_of(options(tmp_path))
    land_micropayments(
        tmp_path, {"billing": [{"billing_month": "2017-01", "due_on": "2017-02-25"}]}, "later.csv"
    )
    stage(tmp_path)
    assert _made_of(options(tmp_path)) == before


def test_a_policy_that_changes_later_leaves_the_month_as_it_is(tmp_path: Path) -> None:
    copied = Path(shutil.copytree(SHIPPED, tmp_path / "policies"))
    path = copied / "micropayment_ceiling.yaml"
    text = path.read_text(encoding="utf-8")
    end = "    valid_to: null\n    unit: KRW\n"
    later = (
        "  - greatest_limit: 5\n    valid_from: {0}\n" + end + '    source: "assumption: a test"\n'
    )

    def fingerprint(day: str | None) -> str:
        content = text
        if day:
            content = text.replace(end, end.replace("null", day)) + later.format(day)
        path.write_text(content, encoding="utf-8")
        return _made_of(options(tmp_path / "workspace", policies=copied))["policies"]

    assert fingerprint("2016-12-01") == fingerprint(None)
    assert len({fingerprint(day) for day in (None, "2016-11-01", "2016-11-02", "2016-11-30")}) == 4


def test_micropayments_never_count_toward_a_tier_whatever_the_export_calls_the_line(
    tmp_path: Path,
) -> None:
    customers = [membership.customer("white"), membership.customer("payer")]
    months = membership.months("2015-11", "2016-10")
    lines = [membership.line("base", "white", month, 20_000) for month in months]
    for product, korean in PRODUCTS.items():
        for number, (kind, item) in enumerate(
            [
                (product, "micropayment"),
                (korean, "소액결제"),
                (product.upper(), " MicroPayment "),
            ]
        ):
            lines.append(
                membership.line(
                    f"{product}-{number}",
                    "payer",
                    "2016-05",
                    1_000_000,
                    product=kind,
                    charge_item=item,
                )
            )
    land(tmp_path, "customers", customers)
    land(tmp_path, "billing", lines)
    staged = stage(tmp_path)
    assert [file["rows"]["quarantined"] for file in staged["files"]] == [0, 0]
    run_command(options(tmp_path), "tiers 2017")
    path = tmp_path / "warehouse" / "tier_snapshot"
    (found,) = (pq.read_table(file) for file in path.rglob("*.parquet"))
    fees = {row["customer_id"]: (row["annual_fee"], row["tier"]) for row in found.to_pylist()}
    assert fees == {"payer": (0, "general"), "white": (240_000, "white")}


# Audits


AUDITS: Final = audits_of_room("micropayments")


def _sound() -> dict[str, list[Row]]:
    """A subscription that lowered its limit and spent, one that was refused, an unknown one."""
    at = datetime(2016, 11, 10, 12)
    first = {"requested_at": at, "merchant": "shop", "category": "content", "platform_fee": 5}

    def paid(
        name: str, line: str | None, amount: int, reason: str | None, limit: int, total: int
    ) -> Row:
        return first | {
            "payment_id": name,
            "subscription_id": line or "nobody",
            "customer_id": "c" if line else None,
            "amount": amount,
            "recurring": name == "p1",
            "status": "declined" if reason else "approved",
            "reason": reason,
            "limit_in_force": limit if line else None,
            "approved_total": total if line else None,
        }

    results = [
        paid("p1", "a", 80_000, None, 100_000, 80_000),
        paid("p2", "a", 20_001, "over_limit", 100_000, 80_000),
        paid("p3", "b", 300_000, None, 300_000, 300_000),
        paid("p4", "b", 1, "arrears", 300_000, 300_000),
        paid("p5", None, 1, "unknown_subscription", 0, 0),
    ]

    def asked(name: str, line: str, limit: int, reason: str | None, after: int | None) -> Row:
        return {
            "request_id": name,
            "subscription_id": line,
            "requested_at": at,
            "requested_limit": limit,
            "status": "refused" if reason else "approved",
            "reason": reason,
            "limit_after": after,
        }

    requests = [
        asked("l1", "a", 90_000, None, 90_000),
        asked("l2", "a", 100_000, None, 100_000),
        asked("l3", "b", 300_001, "arrears", 300_000),
        asked("l4", "nobody", 1, "unknown_subscription", None),
    ]

    def limit(line: str, won: int, request: str) -> Row:
        return {
            "subscription_id": line,
            "monthly_limit": won,
            "request_id": request,
            "requested_at": at,
        }

    def used(line: str, won: int, total: int, recurring: int) -> Row:
        return {
            "subscription_id": line,
            "customer_id": "c",
            "limit_in_force": won,
            "approved_total": total,
            "payments": 2,
            "recurring_payments": recurring,
            "usage_notice": True,
        }

    return {
        "micropayments": [dict(row) for row in results],
        "micropayment_results": results,
        "limit_requests": [dict(row) for row in requests],
        "limit_results": requests,
        "micropayment_usage": [used("a", 100_000, 80_000, 1), used("b", 300_000, 300_000, 0)],
        "micropayment_bill_lines": [
            {
                "payment_id": row["payment_id"],
                "subscription_id": row["subscription_id"],
                "customer_id": "c",
                "billing_month": "2016-12",
                "amount": row["amount"],
                "platform_fee": 5,
            }
            for row in results
            if row["status"] == "approved"
        ],
        "opening_limits": [
            limit("a", 500_000, "k1") | {"requested_at": datetime(2016, 10, 1)},
            limit("z", 400_000, "k2") | {"requested_at": datetime(2016, 10, 1)},
        ],
        "micropayment_limits": [
            limit("a", 100_000, "l2"),
            limit("z", 400_000, "k2") | {"requested_at": datetime(2016, 10, 1)},
        ],
    }


@pytest.fixture(scope="module")
def auditor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path_factory.mktemp("audits"), "500MB", 1) as engine:
        for name in POLICIES:
            engine.table(f"policy_{name}", RULES.relation(name))
        context = {"last_day": [date(2016, 11, 30)], "billing_month": ["2016-12"]}
        engine.table("run_context", pa.table(context))
        yield engine


@pytest.mark.parametrize("audit", AUDITS)
def test_an_audit_is_silent_on_sound_tables(auditor: DuckDBEngine, audit: str) -> None:
    assert offences(auditor, audit, _sound()) == []


_SOUND: Final = Sound(_sound)
_broken, _doubled, _without = _SOUND.broken, _SOUND.doubled, _SOUND.without
_RESULTS: Final = "micropayment_results"
_USAGE: Final = "micropayment_usage"
_LINES: Final = "micropayment_bill_lines"
_LIMITS: Final = "micropayment_limits"
BREACHES: Final[Breaches] = {
    "limit_results__every_request_answered": [
        ("one lost", _without("limit_results", 1)),
        ("one of nobody", _without("limit_requests", 1)),
    ],
    "limit_results__approved_take_effect": [
        ("another limit after it", _broken("limit_results", 1, limit_after=99_999)),
        ("approved with a reason", _broken("limit_results", 1, reason="arrears")),
        ("refused without one", _broken("limit_results", 2, reason=None)),
        ("refused at the limit", _broken("limit_results", 2, requested_limit=300_000)),
        ("refused, and no limit", _broken("limit_results", 2, limit_after=None)),
        ("unknown, and a limit", _broken("limit_results", 3, limit_after=0)),
    ],
    "micropayment_results__every_payment_answered": [
        ("one lost", _without(_RESULTS, 4)),
        ("one of nobody", _without("micropayments", 4)),
        ("one twice", _doubled(_RESULTS)),
        ("another price", _broken(_RESULTS, 1, amount=20_000)),
        ("another fee", _broken(_RESULTS, 1, platform_fee=6)),
    ],
    "micropayment_results__within_the_limit": [
        ("approved above the limit", _broken(_RESULTS, 0, limit_in_force=79_999)),
        ("approved without adding", _broken(_RESULTS, 2, approved_total=299_999)),
        ("approved with a reason", _broken(_RESULTS, 0, reason="over_limit")),
        ("approved without a limit", _broken(_RESULTS, 0, limit_in_force=None)),
        ("declined though it fits", _broken(_RESULTS, 1, amount=20_000)),
        ("declined without a reason", _broken(_RESULTS, 3, reason=None)),
    ],
    "micropayment_usage__adds_up": [
        ("another total", _broken(_USAGE, 0, approved_total=80_001)),
        ("another last total", _broken(_RESULTS, 1, approved_total=80_001)),
        ("a payment too many", _broken(_USAGE, 0, payments=3)),
        ("a recurring one too many", _broken(_USAGE, 0, recurring_payments=2)),
        ("one lost", _without(_USAGE, 1)),
        ("another approved", _broken(_RESULTS, 1, status="approved")),
    ],
    "micropayment_usage__notices_follow_policy": [
        ("not told", _broken(_USAGE, 0, usage_notice=False)),
        ("told without reason", _broken(_USAGE, 0, approved_total=79_999)),
        ("told of nothing", _broken(_USAGE, 0, approved_total=0, limit_in_force=0)),
    ],
    "micropayment_bill_lines__approved_payments_exactly": [
        ("one lost", _without(_LINES, 1)),
        ("one twice", _doubled(_LINES)),
        ("another price", _broken(_LINES, 0, amount=80_001)),
        ("another fee", _broken(_LINES, 0, platform_fee=0)),
        ("another month", _broken(_LINES, 0, billing_month="2016-11")),
        ("one declined", _broken(_RESULTS, 0, status="declined")),
    ],
    "micropayment_limits__latest_approved": [
        ("another limit", _broken(_LIMITS, 0, monthly_limit=90_000)),
        ("an earlier request", _broken(_LIMITS, 0, request_id="l1")),
        ("another time", _broken(_LIMITS, 0, requested_at=datetime(2016, 11, 10))),
        ("one lost", _without(_LIMITS, 1)),
        ("one of nobody", _without("opening_limits", 1)),
        ("a refused one", _broken("limit_results", 2, status="approved")),
    ],
}


@pytest.mark.parametrize(("audit", "rows"), each_breach(BREACHES))
def test_an_audit_returns_the_one_offending_row(
    auditor: DuckDBEngine, audit: str, rows: dict[str, list[Row]]
) -> None:
    assert len(offences(auditor, audit, rows)) == 1


def test_every_audit_has_been_seen_to_fail() -> None:
    assert sorted(BREACHES) == AUDITS


def test_a_close_with_a_broken_claim_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_micropayments(tmp_path, {"payments": [{}]})
    stage(tmp_path)
    monkeypatch.setattr(ledger, "fold", _miscounting)
    with pytest.raises(RunFailed, match="micropayment_usage__adds_up"):
        close(tmp_path, "2016-11")
    assert not list((tmp_path / "warehouse").rglob("*.parquet"))


def _miscounting(*streams: Any, **settings: Any) -> FoldedFiles:
    found = fold(*streams, **settings)
    events = pq.read_table(found.events)
    more = pc.add(events["spent"], 1)
    miscounted = events.set_column(events.schema.get_field_index("spent"), "spent", more)
    pq.write_table(miscounted, found.events)
    return found
