"""A further export is declared in schemas/ and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.calendar import demo
from schemas.columns import (
    BOOL,
    DATE,
    DECIMAL_9_2,
    IDENTIFIER_PATTERN,
    INT64,
    TEXT,
    TIMESTAMP,
    DeclaredColumn,
    across,
    at_least,
    between,
    column,
    matches,
    one_of,
)
from schemas.exports import EXPORTS, Export
from tests.support import (
    KEY,
    Row,
    csv_of,
    ingest,
    of_file,
    parquet_of,
    quarantined,
    staged,
    totals_tie,
    valid_rows,
    workspace_with,
)
from transforms.sample import generate
from transforms.sample.dirt import kinds_of


def _identifier(korean: str) -> DeclaredColumn:
    return column(
        TEXT,
        "an id",
        title=korean,
        checks=[matches(IDENTIFIER_PATTERN, "an id")],
        form="identifier",
    )


COUPONS = Export(
    "coupons",
    "One coupon of a customer",
    title="쿠폰",
    columns={
        "coupon_id": _identifier("쿠폰번호"),
        "customer_id": _identifier("고객번호"),
        "issued_at": column(TIMESTAMP, "issued", title="발행일시", form="timestamp"),
        "kind": column(
            TEXT,
            "what it is for",
            title="종류",
            checks=[one_of(["film", "coffee"])],
            form="enumeration",
            labels={"film": "영화", "coffee": "커피"},
        ),
        "worth": column(
            INT64, "won", title="금액", checks=[at_least(1)], form="integer", unit="KRW"
        ),
        "share": column(DECIMAL_9_2, "share", title="비율", nullable=True, form="decimal"),
        "used": column(
            BOOL, "used", title="사용여부", nullable=True, form="boolean", default=False
        ),
        "phone": column(
            TEXT, "contact", title="전화", nullable=True, form="text", personal="digits"
        ),
        "revision": column(
            INT64, "revision", title="차수", nullable=True, form="integer", default=0
        ),
    },
    checks=[
        across("worth", "consistency", lambda f: (f["kind"] != "film") | (f["worth"] >= 7), "")
    ],
    key=["coupon_id"],
    owner="customer_id",
    revision="revision",
    month_of="issued_at",
    totals=["worth"],
)


CARDS = Export(
    "cards",
    "One card of a member",
    title="카드",
    columns={
        "card_number": _identifier("카드번호"),
        "member_id": _identifier("회원번호"),
        "design": column(
            TEXT,
            "a code with a pattern of its own",
            title="디자인",
            checks=[matches(r"[A-Z]{2}[0-9]{3}", "two letters and three digits")],
            form="code",
        ),
        "issued_on": column(DATE, "issued", title="발급일", form="date"),
        "valid_until": column(DATE, "expiry", title="유효일", nullable=True, form="date"),
        "year": column(
            INT64, "within bounds", title="연도", checks=[between(2010, 2030)], form="integer"
        ),
        "colour": column(
            TEXT,
            "a text with a domain",
            title="색상",
            checks=[one_of(["파랑", "빨강"])],
            form="text",
        ),
    },
    checks=[
        across("valid_until", "consistency", lambda f: f["valid_until"] >= f["issued_on"], "later")
    ],
    key=["card_number"],
    owner="member_id",
    revision=None,
    month_of=None,
    totals=[],
)


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)
    monkeypatch.setitem(EXPORTS, "coupons", COUPONS)
    monkeypatch.setitem(EXPORTS, "cards", CARDS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with the further exports."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EXPORTS, "coupons", COUPONS)
        patch.setitem(EXPORTS, "cards", CARDS)
        generate(folder, customers=120, members=300, seed=2, first_month="2021-01")
    return folder


def test_it_is_ingested_like_the_others(tmp_path: Path) -> None:
    rows = valid_rows(COUPONS, 50)
    rows.append(rows[0] | {"coupon_id": "bad", "kind": "film", "worth": 1, "phone": "010-77"})
    rows.append(rows[1])
    rows.append(rows[2] | {"revision": 10**9, "worth": 5_000_000})
    files = {
        "coupons/a.csv": csv_of("coupons", rows[:30], korean=True, encoding="cp949"),
        "coupons/b.parquet": parquet_of("coupons", rows[30:]),
    }
    workspace = workspace_with(tmp_path, files)

    manifest = ingest(workspace)

    found = {row["coupon_id"]: row for row in staged(workspace, "coupons")}
    assert set(found) == {row["coupon_id"] for row in rows} - {"bad"}
    assert found[rows[2]["coupon_id"]]["worth"] == 5_000_000
    assert all(row["month"] == f"{row['issued_at']:%Y-%m}" for row in found.values())
    (rejected,) = quarantined(workspace, "coupons")
    assert (rejected["file"], rejected["line"]) == ("b.parquet", 21)
    assert rejected["reasons"] == ["worth:consistency"]
    assert "010-77" not in rejected["raw_text"]
    later = of_file(manifest, "coupons/b.parquet")
    assert later["rows"]["duplicate"] == 1
    assert of_file(manifest, "coupons/a.csv")["rows"]["stale"] == 1
    assert later["amounts"]["worth"]["quarantined"] == 1
    assert totals_tie(manifest)


def test_a_correction_of_it_moves_the_replaced_row_to_history(tmp_path: Path) -> None:
    (row,) = valid_rows(COUPONS, 1)
    workspace = workspace_with(tmp_path, {"coupons/a.csv": csv_of("coupons", [row])})
    ingest(workspace)
    workspace_with(workspace, {"coupons/b.csv": csv_of("coupons", [row | {"revision": 10**9}])})

    ingest(workspace)

    assert [r["revision"] for r in staged(workspace, "coupons")] == [10**9]
    assert [r["replaced_by"] for r in staged(workspace, "coupons_history")] == [2]


@pytest.mark.parametrize("export", ["coupons", "cards"])
def test_the_sample_has_rows_of_it_and_ingest_makes_of_them_what_the_truth_says(
    sample: Path, tmp_path: Path, export: str
) -> None:
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    files = [file for file in truth["files"] if file["export"] == export]
    assert files
    landed = {f"{export}/{f['file']}": (sample / export / f["file"]).read_bytes() for f in files}
    workspace = workspace_with(tmp_path, landed)

    manifest = ingest(workspace)

    for file in files:
        found = of_file(manifest, f"{export}/{file['file']}")
        assert found["rows"].items() >= _outcomes(file).items()
        for name in EXPORTS[export].totals:
            assert found["amounts"][name].items() >= _outcomes(file[name]).items()
    rejected = {(row["file"], row["line"]): row for row in quarantined(workspace, export)}
    wanted = {(row["file"], row["line"]): row for row in truth["dirty"] if row["export"] == export}
    assert {at: sorted(row["reasons"]) for at, row in rejected.items()} == {
        at: sorted(row["reasons"]) for at, row in wanted.items()
    }


@pytest.mark.parametrize("export", ["coupons", "cards"])
def test_the_sample_shows_of_it_what_it_shows_of_the_others(sample: Path, export: str) -> None:
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    shown = truth["exports"][export]
    outcomes = {name for name, count in _outcomes(shown).items() if count}
    across = {str(check.name) for check in EXPORTS[export].checks}
    assert outcomes == set(_outcomes(shown)) - (set() if EXPORTS[export].revision else {"stale"})
    assert shown["reasons"].keys() >= {kind.reason for kind in kinds_of(export)} | across
    assert "key:conflict" in shown["reasons"]
    assert (
        len({file["form"]["encoding"] for file in truth["files"] if "encoding" in file["form"]}) > 1
    )


def test_an_export_that_nothing_can_be_drawn_for_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    never = across("worth", "consistency", lambda f: f["worth"] < 0, "below 0")
    hopeless = replace(COUPONS, name="hopeless", checks=[never])
    monkeypatch.setitem(EXPORTS, "hopeless", hopeless)
    with pytest.raises(ValueError, match="no row of hopeless"):
        generate(tmp_path, customers=3, members=3, seed=1, first_month="2022-01")


def test_the_demo_lands_it_if_the_sample_has_it(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.prepare(tmp_path / "tracked")
    assert not (tmp_path / "tracked" / "landing" / "coupons").exists()
    assert (tmp_path / "tracked" / "landing" / "billing").exists()

    monkeypatch.setattr(demo, "SAMPLE", sample)
    demo.prepare(tmp_path / "with")
    landed = tmp_path / "with" / "landing" / "coupons"
    assert {file.name for file in landed.iterdir()} == {
        file.name for file in (sample / "coupons").iterdir()
    }


def _outcomes(counts: Row) -> dict[str, Any]:
    """The counts by outcome, without what else stands beside them."""
    return {
        name: counts[name]
        for name in ("delivered", "accepted", "duplicate", "stale", "quarantined")
    }
