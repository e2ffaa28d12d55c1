"""Where a header is found, what is told where none is, and what a header further down ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import ingest, of_file, quarantined, reasons_by_line, staged, workspace_with

HEADER = "purchase_id,customer_id,purchased_at,channel,amount"
KOREAN = "구매번호,고객번호,구매일시,채널,금액"
ROWS = [f"P{n},C{n},2016-11-03 10:00,partner,{n}000" for n in range(1, 5)]
FILE = "purchases/a.csv"


def delivered(folder: Path, text: str | bytes, file: str = FILE) -> dict[str, Any]:
    """What became of a file of this text."""
    content = text.encode() if isinstance(text, str) else text
    return of_file(ingest(workspace_with(folder, {file: content})), file)


def text_of(*lines: str, end: str = "\n") -> str:
    return end.join(lines) + end


def ids(folder: Path) -> list[str]:
    return sorted(row["purchase_id"] for row in staged(folder, "purchases"))


@pytest.mark.parametrize(
    "first",
    [
        *(
            f"{mark}{name}"
            for mark in ("\ufeff", "\ufeff\ufeff", "ï»¿")
            for name in ("수수료", '"수수료"')
        ),
        "\u200b수수료",
        "수수\u2060료",
        "\u00a0수수료 ",
    ],
)
def test_invisible_characters_hide_no_column(first: str, tmp_path: Path) -> None:
    header = f"{first},payment_id,subscription_id,requested_at,merchant,category,amount"
    rows = [f"{fee},P{fee},S1,2016-11-03,CU,shopping,1000" for fee in (7, 8)]

    report = delivered(tmp_path, text_of(header, *rows), "micropayments/a.csv")

    assert report["extra_names"] == []
    assert sorted(row["platform_fee"] for row in staged(tmp_path, "micropayments")) == [7, 8]


@pytest.mark.parametrize("header", [HEADER, KOREAN, HEADER.upper(), HEADER.replace(",", "\u200b,")])
@pytest.mark.parametrize(
    "above",
    [
        (),
        ("Purchases", "", "made on: 2016-12-01"),
        ("a title, with commas,", '"and a stray quote'),
        ("금액,표", "", ""),
        tuple(f"title {n}" for n in range(19)),
    ],
)
def test_the_header_is_found_below_titles(
    header: str, above: Sequence[str], tmp_path: Path
) -> None:
    bad = ROWS[0].replace("partner", "shop")

    report = delivered(tmp_path, text_of(*above, header, *ROWS[1:], bad))

    assert ids(tmp_path) == ["P2", "P3", "P4"]
    assert report["title_lines"] == sum(bool(line) for line in above)
    assert reasons_by_line(tmp_path, "purchases") == {len(above) + 5: ["channel:domain"]}
    assert report["blank_lines"] == sum(not line for line in above)


def test_a_header_below_the_twentieth_line_is_none(tmp_path: Path) -> None:
    report = delivered(tmp_path, text_of(*["title"] * 20, HEADER, *ROWS))

    assert report["status"] == "rejected"
    assert "names no known column of purchases" in report["reason"]


def test_rows_above_the_header_are_rejects(tmp_path: Path) -> None:
    report = delivered(tmp_path, text_of("a title", *ROWS[:2], HEADER, *ROWS[2:]))

    assert ids(tmp_path) == ["P3", "P4"]
    assert reasons_by_line(tmp_path, "purchases") == {2: ["row:format"], 3: ["row:format"]}
    assert [row["raw_text"] for row in quarantined(tmp_path, "purchases")] == ROWS[:2]
    assert (report["rows"]["delivered"], report["title_lines"]) == (4, 1)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_first_line_names_the_delimiter(line: str, end: str, tmp_path: Path) -> None:
    lines = [line.replace(",", ";") for line in (HEADER, *ROWS)]

    report = delivered(tmp_path, text_of(line, *lines, end=end))

    assert report["delimiter"] == ";"
    assert ids(tmp_path) == ["P1", "P2", "P3", "P4"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_a_name_may_stand_on_several_lines(end: str, tmp_path: Path) -> None:
    header = HEADER.replace("amount", f'"amo{end}unt","비고{end}(메모)"')
    rows = [f"{row},x" for row in ROWS]

    report = delivered(tmp_path, text_of(header, *rows, "bad", end=end))

    assert ids(tmp_path) == ["P1", "P2", "P3", "P4"]
    assert report["extra_columns"] == 1
    (line,) = reasons_by_line(tmp_path, "purchases")
    assert line == 1 + header.count("\r" if end == "\r" else "\n") + len(rows) + 1


def test_a_file_may_end_its_lines_with_carriage_returns_alone(tmp_path: Path) -> None:
    delivered(tmp_path, text_of(HEADER, ROWS[0], '"P2","C2","2016-11-03","partner","7"', end="\r"))

    assert ids(tmp_path) == ["P1", "P2"]


@pytest.mark.parametrize("name", ["수 수료", "수수료(원)", "수수로", "platform_fees", '수수료"'])
def test_a_column_whose_name_is_near_a_missing_one_is_warned_of(name: str, tmp_path: Path) -> None:
    header = f"payment_id,subscription_id,requested_at,merchant,category,amount,{name}"
    row = "P1,S1,2016-11-03,CU,shopping,1000,7"

    report = delivered(tmp_path, text_of(header, row), "micropayments/a.csv")

    assert report["near_names"] == {name: "platform_fee"}
    assert report["extra_names"] == [name]


def test_a_column_of_another_name_is_not_warned_of(tmp_path: Path) -> None:
    report = delivered(tmp_path, text_of(f"{HEADER},비고,store", *(f"{row},,x" for row in ROWS)))

    assert (report["near_names"], report["extra_names"]) == ({}, ["비고", "store"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (text_of(*ROWS), "looks like a row; put a header above the rows with purchase_id"),
        ("<html><body>\n", "it is HTML or XML"),
        ('[{"purchase_id": "P1"}]\n', "it is JSON"),
        (text_of(*(f'"{line}"' for line in (HEADER, *ROWS))), "stand in one pair of quotes"),
        (text_of(f'"{HEADER}', *ROWS), "quotes that are not closed"),
        (
            text_of("enrolled_on,updated_at,member_id", "2016-01-01,2016-01-01,M1"),
            "its header is that of members",
        ),
        (
            text_of("title", HEADER.replace("customer_id", "custmer_id"), *ROWS),
            "lacks the required column customer_id of purchases; its header is in line 2, where "
            "'custmer_id' is near customer_id",
        ),
        (text_of(HEADER, *ROWS).encode("utf-32"), "it is UTF-32"),
    ],
)
def test_what_stands_instead_of_a_header_is_told(
    text: str | bytes, said: str, tmp_path: Path
) -> None:
    report = delivered(tmp_path, text)

    assert report["status"] == "rejected"
    assert said in report["reason"]
    assert "P1,C1" not in report["reason"]


SWAPPED = "customer_id,purchase_id,purchased_at,channel,amount"
WIDER = "purchase_id,customer_id,memo,purchased_at,channel,amount"


@pytest.mark.parametrize("again", [SWAPPED, WIDER, f"\ufeff{SWAPPED}", SWAPPED.upper(),
                                   "고객번호,구매번호,구매일시,채널,금액"])  # fmt: skip
def test_rows_behind_a_header_in_another_order_are_rejected(again: str, tmp_path: Path) -> None:
    report = delivered(tmp_path, text_of(HEADER, *ROWS[:2], again, *ROWS[2:]))

    assert ids(tmp_path) == ["P1", "P2"]
    assert reasons_by_line(tmp_path, "purchases") == {n: ["row:format"] for n in (4, 5, 6)}
    assert report["rows"]["delivered"] == 5


@pytest.mark.parametrize("again", [HEADER, f"\ufeff{HEADER}", KOREAN])
def test_a_header_in_the_files_order_costs_itself(again: str, tmp_path: Path) -> None:
    delivered(tmp_path, text_of(HEADER, *ROWS[:2], again, *ROWS[2:]))

    assert ids(tmp_path) == ["P1", "P2", "P3", "P4"]
    assert list(reasons_by_line(tmp_path, "purchases")) == [4]


def test_the_files_order_comes_back_with_its_header(tmp_path: Path) -> None:
    delivered(tmp_path, text_of(HEADER, ROWS[0], SWAPPED, ROWS[1], HEADER, *ROWS[2:]))

    assert ids(tmp_path) == ["P1", "P3", "P4"]


def test_a_header_joined_to_the_row_before_it_costs_that_row(tmp_path: Path) -> None:
    delivered(tmp_path, text_of(HEADER, ROWS[0], ROWS[1] + HEADER, *ROWS[2:]))

    assert ids(tmp_path) == ["P1", "P3", "P4"]
    assert reasons_by_line(tmp_path, "purchases") == {3: ["row:format"]}
