"""Every request of generated samples, and every member, is answered as published."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.commands_in_tests import run_commands
from tests.membership import options, stage, table_rows
from tests.questions import asked
from transforms.sample import generate

Row = dict[str, Any]
MONTHS = ("2021-10", "2021-11")
KINDS = {
    "micropayment": ("micropayment_results", "payment_id"),
    "limit": ("limit_results", "request_id"),
    "award": ("award_results", "request_id"),
    "mixed-payment": ("mixed_payment_results", "payment_id"),
    "flight": ("mileage_accruals", "activity_id"),
}
SUBJECTS = 6


@pytest.fixture(scope="module", params=[7, 11])
def workspace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample of its own, two months of it closed; to read only."""
    folder = tmp_path_factory.mktemp("sample")
    generate(
        folder / "exports",
        customers=30,
        members=15,
        seed=request.param,
        first_month="2021-01",
        last_month="2021-12",
        threads=1,
    )
    (folder / "workspace").mkdir()
    (folder / "exports").rename(folder / "workspace" / "landing")
    (folder / "workspace" / "landing" / "truth.json").unlink()
    stage(folder / "workspace", max_reject_rate=1.0)
    months = [f"{name} {month}" for month in MONTHS for name in ("micropayments", "miles")]
    run_commands(options(folder / "workspace"), [*months, "elite 2022"])
    return folder / "workspace"


def _as_published(told: Row, row: Row) -> bool:
    """Whether an answer tells what is published, days and moments as texts."""
    return all(
        str(told[name]).removesuffix(".00") == str(row[name]).removesuffix(".00")
        for name in row.keys() & told.keys()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_is_answered_as_published(workspace: Path, kind: str) -> None:
    table, key = KINDS[kind]
    rows = table_rows(workspace, table)
    assert rows
    for row in random.Random(kind).sample(rows, min(len(rows), 2 * SUBJECTS)):
        answer = asked(workspace, kind, id=row[key], month=row["month"])
        assert answer["checked"], row
        assert _as_published(answer["answer"], row), row
        failed = [each for each in answer["steps"] if each.get("passed") is False]
        assert len(failed) == (row["reason"] is not None), row
        assert _hashes(workspace).isdisjoint(_texts(answer))


@pytest.mark.parametrize(
    ("kind", "table"), [("elite", "elite_status"), ("miles", "mileage_balances")]
)
def test_every_member_is_answered_as_published(workspace: Path, kind: str, table: str) -> None:
    rows = table_rows(workspace, table)
    for row in random.Random(kind).sample(rows, min(len(rows), SUBJECTS)):
        period: Row = {"year": 2022} if kind == "elite" else {"month": row["month"]}
        answer = asked(workspace, kind, member=row["member_id"], **period)
        assert answer["checked"], row
        assert _as_published(answer["answer"], row), row


def _hashes(workspace: Path) -> set[str]:
    """What is staged of contacts and addresses."""
    return {
        value
        for path in (workspace / "staged" / "customers").rglob("*.parquet")
        for row in pq.ParquetFile(path).read(["contact", "address"]).to_pylist()
        for value in row.values()
        if value
    }


def _texts(of: object) -> set[str]:
    """Every text in an answer."""
    if isinstance(of, dict):
        return set().union(*map(_texts, of.values())) if of else set()
    if isinstance(of, list):
        return set().union(*map(_texts, of)) if of else set()
    return {str(of)}
