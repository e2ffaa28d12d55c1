"""Files read by a source: what becomes of their names, codes, numbers, days, lines and rows."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.console.errors import WrongUsage
from flows.console.summary import print_summary
from flows.deliveries.check import check_files
from flows.publishing.options import Options
from tests.deliveries.test_sources import with_sources
from tests.support import (
    ingest,
    of_file,
    parquet_bytes,
    quarantined,
    reasons_by_line,
    staged,
    staged_hashes,
    totals_tie,
    workspace_with,
)

FILE = "billing/INV_1.csv"
COLUMNS = """\
columns:
  billing_line_id: LINE
  customer_id: CUST_NO
  subscription_id: {join: [CUST_NO, SVC_SEQ], with: "-"}
  product: {from: SVC_TYPE, values: {MOB: mobile, INT: internet}}
  charge_item: {from: ITEM_CD, values: {B1: base_fee, D1: 국내통화료}}
  billing_month: {from: INV_DT, as: month}
  billed_amount: {from: BILL_AMT, scale: 1000, sign: minus}
  collected_amount: {from: PAID, scale: 1000}
  due_on: {from: DUE_DT, format: "%d%b%y"}
  collected_on: PAY_DT
  revision: {value: 0}
"""
HEADER = "LINE,CUST_NO,SVC_SEQ,SVC_TYPE,ITEM_CD,INV_DT,BILL_AMT,PAID,DUE_DT,PAY_DT"
ROW = "B{},C1,{},MOB,B1,2016-11-03,-12.5,12.5,25Dec16,2016-12-20"


def source(columns: str = COLUMNS, *lines: str, export: str = "billing", files: str = "*") -> str:
    """A source named crm of these columns, with further lines."""
    top = f"source: crm\nexport: {export}\nfiles: ['{files}']\n"
    return top + "".join(f"{line}\n" for line in lines) + columns


def delivered(
    folder: Path, text: str | bytes, crm: str, file: str = FILE, **options: Any
) -> dict[str, Any]:
    """What became of a file read by the source."""
    content = text.encode() if isinstance(text, str) else text
    manifest = ingest(with_sources(workspace_with(folder, {file: content}), crm=crm), **options)
    assert totals_tie(manifest)
    return of_file(manifest, file)


def text_of(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_a_row_in_other_names_is_staged_as_ours(tmp_path: Path) -> None:
    row = ROW.format(1, 7)

    report = delivered(tmp_path, text_of(HEADER, row), source())

    (found,) = staged(tmp_path, "billing")
    assert found["subscription_id"] == "C1-7"
    assert (found["product"], found["charge_item"]) == ("mobile", "base_fee")
    assert (found["billed_amount"], found["collected_amount"]) == (12_500, 12_500)
    assert (found["billing_month"], str(found["due_on"])) == ("2016-11", "2016-12-25")
    assert report["source"] == "crm"
    assert report["source_taken"] == "* of its files fits"
    assert report["extra_names"] == []


def test_an_unmapped_code_is_a_reject_that_names_it_as_delivered(tmp_path: Path) -> None:
    rows = [ROW.format(n, n) for n in range(30)]
    rows += [ROW.format(40, 1).replace("MOB", code) for code in ("TV", "TV", "mobile")]

    report = delivered(tmp_path, text_of(HEADER, *rows), source(), max_reject_rate=0.5)

    assert report["unlisted_values"]["product:domain"]["values"] == {"TV": 2, "mobile": 1}
    assert report["unlisted_values"]["product:domain"]["unmapped"] is True
    assert set(map(tuple, reasons_by_line(tmp_path, "billing").values())) == {("product:domain",)}
    assert [row["raw_text"] for row in quarantined(tmp_path, "billing")] == rows[30:]


def test_fractions_of_a_won_missing_parts_and_unreadable_days_are_rejects(tmp_path: Path) -> None:
    good = ROW.format(1, 1)
    rows = [
        good.replace("-12.5,12.5", "-12.0005,12"),
        good.replace(",1,MOB", ", ,MOB"),
        good.replace("25Dec16", "2016-12-25"),
        good.replace("25Dec16", "31Feb16"),
        good.replace("2016-11-03", "2016-11"),
        good.replace("-12.5,12.5", "-1.250,1.25"),
    ]

    delivered(tmp_path, text_of(HEADER, *rows), source())

    assert reasons_by_line(tmp_path, "billing") == {
        2: ["billed_amount:type"],
        3: ["subscription_id:required"],
        4: ["due_on:type"],
        5: ["due_on:type"],
        6: ["billing_month:type"],
        7: ["billed_amount:type"],
    }


@pytest.mark.parametrize(
    ("style", "text", "won"),
    [
        ("1,234.00", "33.000", 33),
        ("1,234.00", '"1,234.00"', 1234),
        ("1,234.00", '"₩(1,234)"', -1234),
        ("1.234,00", "33.000", 33_000),
        ("1.234,00", '"1.234,00"', 1234),
        ("1.234,00", '"1,5"', None),
        ("1,234.00", "1.5", None),
        ("1,234.00", "5.", None),
        ("1,234.00", ".5", None),
        ("1,234.00", "5.00", 5),
        ("1.234,00", '"1,234.00"', None),
        ("1,234.00", "9" * 30, None),
    ],
)
def test_numbers_are_read_in_the_style_that_the_source_names(
    style: str, text: str, won: int | None, tmp_path: Path
) -> None:
    row = f"P1,C1,2016-11-03,partner,{text}"
    header = "purchase_id,customer_id,purchased_at,channel,AMT"
    crm = source("columns: {amount: AMT}\n", f'numbers: "{style}"', export="purchases")

    delivered(tmp_path, text_of(header, row), crm, "purchases/a.csv")

    rejected = [row["reasons"] for row in quarantined(tmp_path, "purchases")]
    found = [row["amount"] for row in staged(tmp_path, "purchases")]
    assert found == ([won] if won and won > 0 else [])
    assert rejected == ([] if found else [[f"amount:{'range' if won or '9' in text else 'type'}"]])


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (HEADER.replace("ITEM_CD", "ITM_CD"), "where 'ITM_CD' is the nearest; name it as the file"),
        (f"{HEADER},CUST_NO", "names the column CUST_NO, which the source crm reads, twice"),
        ("a,b,c", "the source crm reads LINE, CUST_NO, SVC_SEQ, "),
    ],
)
def test_a_source_that_the_header_does_not_bear_out_rejects_the_file(
    header: str, why: str, tmp_path: Path
) -> None:
    report = delivered(tmp_path, text_of(header, ROW.format(1, 1)), source())

    assert report["status"] == "rejected"
    assert why in report["reason"]


def test_a_required_column_that_no_name_gives_rejects_the_file(tmp_path: Path) -> None:
    report = delivered(
        tmp_path, text_of(HEADER, ROW.format(1, 1)), source(COLUMNS.replace("  due_on", "  #"))
    )

    assert report["status"] == "rejected"
    assert "lacks the required column due_on of billing" in report["reason"]


def test_a_column_that_the_source_does_not_name_is_read_by_its_own_name(tmp_path: Path) -> None:
    columns = COLUMNS.replace("  collected_on: PAY_DT\n", "")

    delivered(
        tmp_path, text_of(HEADER.replace("PAY_DT", "수납일"), ROW.format(1, 1)), source(columns)
    )

    (found,) = staged(tmp_path, "billing")
    assert str(found["collected_on"]) == "2016-12-20"


def test_titles_footers_short_rows_quotes_and_null_words(tmp_path: Path) -> None:
    crm = source(
        COLUMNS,
        *("header_line: 25", "delimiter: '^'", "quoting: none", "short_rows: fill"),
        *("null_words: [NULL]", 'footer: "^(합계|Total)"'),
    )
    rows = [
        ROW.format('"1', 1),
        ROW.format(2, 2).replace("-12.5,12.5", "-1,0").replace(",2016-12-20", ""),
        ROW.format(3, 3).replace("-12.5,12.5", "-1,0").replace("2016-12-20", "NULL"),
        ROW.format(4, 4).replace("C1", "NULL"),
    ]
    lines = ["title"] * 24 + [HEADER, *rows, "Total,3", "", "합계"]

    report = delivered(tmp_path, text_of(*lines).replace(",", "^"), crm)

    assert (report["title_lines"], report["footer_lines"], report["delimiter"]) == (24, 2, "^")
    assert sorted(row["billing_line_id"] for row in staged(tmp_path, "billing")) == ["B2", "B3"]
    assert reasons_by_line(tmp_path, "billing") == {
        26: ["billing_line_id:format"],
        29: ["customer_id:required", "subscription_id:required"],
    }


def test_a_footer_ends_where_a_row_stands(tmp_path: Path) -> None:
    lines = [HEADER, ROW.format(1, 1), "Total,1", ROW.format(2, 2), "Total,2", "Total,3"]

    report = delivered(tmp_path, text_of(*lines), source(COLUMNS, "footer: ^Total"))

    assert report["footer_lines"] == 2
    assert reasons_by_line(tmp_path, "billing") == {3: ["row:format"]}


@pytest.mark.parametrize("encoding", ["utf-16-le", "cp949", "utf-8"])
def test_a_source_names_the_encoding(encoding: str, tmp_path: Path) -> None:
    columns = COLUMNS.replace("MOB:", "모바:")
    text = text_of(HEADER, ROW.format(1, 1).replace("MOB", "모바"))

    report = delivered(
        tmp_path,
        text.encode(encoding),
        source(columns, f"encoding: {encoding.replace('utf-16-le', 'utf-16le')}"),
    )

    assert report["encoding"] == encoding
    assert len(staged(tmp_path, "billing")) == 1


def test_typed_columns_are_read_by_a_source_like_text(tmp_path: Path) -> None:
    table = pa.table(
        {
            "LINE": [1, 2, 3],
            "CUST_NO": ["C1", "C1", None],
            "SVC_SEQ": pa.array([7.0, 8.0, 9.0]),
            "SVC_TYPE": pa.array(["MOB", "TV", "INT"]).dictionary_encode(),
            "ITEM_CD": pa.array([b"B1", b"D1", b"B1"]),
            "INV_DT": pa.array([1480000000] * 3, pa.timestamp("s", "UTC")),
            "BILL_AMT": pa.array([Decimal("-1.250"), Decimal("-2.000"), Decimal("-3.000")]),
            "PAID": [1.25, 2.0, 3.0],
            "DUE_DT": pa.array(["25DEC16"] * 3),
            "PAY_DT": pa.array([17_000] * 3, pa.int32()).cast(pa.date32()),
        }
    )

    delivered(tmp_path, parquet_bytes(table), source(), "billing/INV.parquet")

    (found,) = staged(tmp_path, "billing")
    assert (found["billing_line_id"], found["subscription_id"]) == ("1", "C1-7")
    assert (found["billed_amount"], found["billing_month"]) == (1250, "2016-11")
    assert reasons_by_line(tmp_path, "billing") == {
        2: ["product:domain"],
        3: ["customer_id:required", "subscription_id:required"],
    }


def test_what_personal_data_is_read_from_is_masked(tmp_path: Path) -> None:
    crm = source(
        "columns: {customer_id: NO, contact: {join: [AREA, TEL]}, status: {from: ST, "
        "values: {정 상: active}}}\n",
        export="customers",
    )
    header = "NO,AREA,TEL,ST,joined_on,updated_at,note"
    rows = ["C1,010,12345678,정 상,2016-01-01,2016-11-01,n", "C2,02,345,XX,2016-01-01,no,010-1-1"]

    delivered(tmp_path, text_of(header, *rows), crm, "customers/a.csv")

    (found,) = staged(tmp_path, "customers")
    assert (found["status"], len(found["contact"])) == ("active", 64)
    (refused,) = quarantined(tmp_path, "customers")
    assert refused["raw_text"] == "C2,***,***,XX,2016-01-01,no,***"


def test_a_source_is_kept_with_the_delivery_and_a_change_makes_nothing_stale(
    tmp_path: Path,
) -> None:
    crm = source(
        COLUMNS.replace(
            "{from: ITEM_CD, values: {B1: base_fee, D1: 국내통화료}}",
            "{from: ITEM_CD, values_file: i.csv}",
        )
    )
    with_sources(tmp_path, i__csv="B1,base_fee\n")
    delivered(tmp_path, text_of(HEADER, ROW.format(1, 1)), crm)
    before = staged_hashes(tmp_path)

    with_sources(tmp_path, i__csv="B1,other\n")
    second = workspace_with(
        tmp_path, {"billing/INV_2.csv": text_of(HEADER, ROW.format(2, 2)).encode()}
    )
    manifest = ingest(second)

    first, other = manifest["files"]
    assert (first["status"], other["status"]) == ("known", "accepted")
    assert before.items() - staged_hashes(tmp_path).items()  # the month has a further line
    assert [row["charge_item"] for row in staged(tmp_path, "billing")] == ["base_fee", "other"]
    registry = json.loads((tmp_path / "staged" / "deliveries.json").read_bytes())
    kept = {file["name"]: file["source_sha256"] for file in registry["files"].values()}
    texts = {
        name: (tmp_path / "staged" / "sources" / digest / "i.csv").read_text()
        for name, digest in kept.items()
    }
    assert texts == {"INV_1.csv": "B1,base_fee\n", "INV_2.csv": "B1,other\n"}
    folder = tmp_path / "staged" / "sources" / kept["INV_1.csv"]
    assert (folder / "crm.yaml").read_text() == crm
    assert other["source_sha256"] == kept["INV_2.csv"]


def test_two_sources_for_one_file_are_both_named(tmp_path: Path) -> None:
    other = source(files="INV*").replace("source: crm", "source: later")
    with_sources(tmp_path, later=other)

    report = delivered(tmp_path, text_of(HEADER, ROW.format(1, 1)), source())

    assert report["source"] == "crm"
    assert report["source_taken"] == "* of its files fits; later would fit too, and come later"


def test_a_broken_source_ends_the_command_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"sources/crm\.yaml:1: files is missing"):
        delivered(tmp_path, text_of(HEADER, ROW.format(1, 1)), source().replace("files", "# "))

    assert not (tmp_path / "staged").exists()


def test_check_names_the_source_that_it_took_and_lists_unmapped_codes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_sources(tmp_path / "workspace", crm=source(files="INV*"))
    file = tmp_path / "INV_1.csv"
    file.write_text(text_of(HEADER, ROW.format(1, 1), ROW.format(2, 2).replace("MOB", "TV")))

    found = check_files(Options(workspace=tmp_path / "workspace"), [file])

    (report,) = found["files"]
    assert (report["export"], report["export_told_by"]) == ("billing", "source")
    assert (report["source"], report["status"]) == ("crm", "accepted")
    print_summary("check", found, None, {})
    printed = capsys.readouterr().out
    assert "export     billing (told by the source that fits its name)" in printed
    assert "source     crm (INV* of its files fits)" in printed
    assert "product:domain: TV 1; add them to the source crm; ours are mobile 모바일, " in printed


def test_the_summary_of_an_ingest_begins_with_unmapped_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = text_of(HEADER, ROW.format(1, 1), ROW.format(2, 2).replace("MOB", "TV"))
    manifest = ingest(with_sources(workspace_with(tmp_path, {FILE: text.encode()}), crm=source()))

    print_summary("ingest", manifest, None, {})

    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("unmapped codes: billing/INV_1.csv: product:domain: TV 1; add them to ")
