"""Which encoding a text is told to have, and what its rows hold then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ingest, of_file, quarantined, staged, workspace_with

HEADER = "payment_id,subscription_id,requested_at,merchant,category,amount"
FILE = "micropayments/a.csv"


def lines(merchants: list[bytes]) -> bytes:
    rows = [
        b"P%d,S1,2016-11-03 10:00,%s,shopping,1000" % (number, merchant)
        for number, merchant in enumerate(merchants)
    ]
    return b"\n".join([HEADER.encode(), *rows, b""])


def merchants(folder: Path, delivered: list[bytes]) -> tuple[str, list[str]]:
    """The encoding that was told, and the merchants that are staged, in their order."""
    manifest = ingest(workspace_with(folder, {FILE: lines(delivered)}))
    rows = sorted(staged(folder, "micropayments"), key=lambda row: int(row["payment_id"][1:]))
    return of_file(manifest, FILE)["encoding"], [row["merchant"] for row in rows]


@pytest.mark.parametrize(
    "names",
    [
        ["GS25", "김밥나라", "CU"],
        ["GS25", "홍천", "화천"],
        ["홍천", "체크", "김밥나라"],
        ["GS25"] * 300 + ["김밥나라"] * 3,
    ],
)
def test_korean_that_decodes_as_both_is_cp949(names: list[str], tmp_path: Path) -> None:
    assert merchants(tmp_path, [name.encode("cp949") for name in names]) == ("cp949", names)


@pytest.mark.parametrize(
    "names",
    [
        ["Café", "Müller", "GS25"],
        ["GS\u00a0\u00a025", "CU"],
        ["GS25", "🍕"],
        ["₩", "CU"],
        ["홍천", "Café"],
    ],
)
def test_what_is_written_in_utf8_stays_so(names: list[str], tmp_path: Path) -> None:
    assert merchants(tmp_path, [name.encode() for name in names]) == ("utf-8", names)


def test_syllables_of_eight_bytes_are_composed(tmp_path: Path) -> None:
    names = ["커피샾", "뷁다방", "똠얌", "ㅋㅋ", "힣가"]

    assert merchants(tmp_path, [name.encode("euc_kr") for name in names]) == ("cp949", names)


@pytest.mark.parametrize("emoji", [b"\xed\xa0\xbc\xed\xbd\x95", b"\xed\xa0\xbc", b"\xed\xb2\x80"])
def test_a_line_with_surrogates_costs_itself(emoji: bytes, tmp_path: Path) -> None:
    bad = "피자".encode() + emoji

    encoding, names = merchants(tmp_path, ["김밥".encode(), bad, "만두".encode()])

    assert (encoding, names) == ("utf-8", ["김밥", "만두"])
    (row,) = quarantined(tmp_path, "micropayments")
    assert (row["line"], row["reasons"]) == (3, ["row:format"])
    assert row["raw_text"].startswith("P1,S1,2016-11-03 10:00,피자\\")


def test_japanese_is_no_korean(tmp_path: Path) -> None:
    encoding, names = merchants(tmp_path, ["東京".encode("shift_jis"), b"GS25"])

    assert (encoding, names) == ("utf-8", ["GS25"])


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("header", [HEADER, "결제번호,회선번호,결제일시,가맹점,분류,금액"])
def test_utf16_without_a_mark_is_told_by_its_nul_bytes(
    header: str, order: str, tmp_path: Path
) -> None:
    names = ["가가가가가가가가", "GS25", "한식당"]
    text = lines([name.encode() for name in names]).decode().replace(HEADER, header)

    manifest = ingest(workspace_with(tmp_path, {FILE: text.encode(order)}))

    assert of_file(manifest, FILE)["encoding"] == order
    rows = sorted(staged(tmp_path, "micropayments"), key=lambda row: str(row["payment_id"]))
    assert [row["merchant"] for row in rows] == names


def test_a_few_nul_bytes_are_no_utf16(tmp_path: Path) -> None:
    names = ["GS25\0", "CU", *["김밥나라"] * 20]

    encoding, _ = merchants(tmp_path, [name.encode() for name in names])

    assert encoding == "utf-8"
