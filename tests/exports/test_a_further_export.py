"""A further export is declared in schemas/ and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.columns import (
    BOOL,
    DECIMAL_9_2,
    IDENTIFIER_PATTERN,
    INT64,
    TEXT,
    TIMESTAMP,
    DeclaredColumn,
    DeclaredSchema,
    across,
    at_least,
    column,
    matches,
    one_of,
)
from schemas.exports import EXPORTS, Export
from tests.support import (
    KEY,
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


def _identifier(korean: str) -> DeclaredColumn:
    return column(
        TEXT,
        "an id",
        title=korean,
        checks=[matches(IDENTIFIER_PATTERN, "an id")],
        form="identifier",
    )


COUPONS = Export(
    DeclaredSchema(
        {
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
        name="coupons",
        title="쿠폰",
        description="One coupon of a customer",
        checks=[
            across("worth", "consistency", lambda f: (f["kind"] != "film") | (f["worth"] >= 7), "")
        ],
        metadata={
            "key": ["coupon_id"],
            "owner": "customer_id",
            "revision": "revision",
            "month_of": "issued_at",
            "totals": ["worth"],
        },
    )
)


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)
    monkeypatch.setitem(EXPORTS, "coupons", COUPONS)


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
