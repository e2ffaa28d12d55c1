"""Workbooks: which sheet is read, what its cells mean, and what can't be had of them."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.console import summary
from flows.deliveries.check import check_files
from flows.publishing.options import Options
from schemas.exports import EXPORTS
from tests.support import (
    KEY,
    ingest,
    of_file,
    quarantined,
    reasons_by_line,
    staged,
    staged_hashes,
    totals_tie,
    valid_rows,
    workspace_with,
)
from tests.workbooks import Cells, book, ods, saved, sheet_of, xls, xlsx

HEADER = ["purchase_id", "customer_id", "purchased_at", "channel", "amount"]
AT = datetime(2016, 11, 3, 10, 30)
GOOD = ["P1", "C1", AT, "partner", 1000]
NAME = "purchases/a.xlsx"
WRITERS: dict[str, Callable[..., bytes]] = {"xlsx": xlsx, "xls": xls, "ods": ods}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)


def delivered(folder: Path, content: bytes, name: str = NAME, **options: Any) -> dict[str, Any]:
    """What the manifest says of the file."""
    manifest = ingest(workspace_with(folder, {name: content}), **options)
    assert totals_tie(manifest)
    return of_file(manifest, name)


def refused(folder: Path, content: bytes, name: str = NAME, **options: Any) -> str:
    """Why the file is rejected whole, in one line."""
    report = delivered(folder, content, name, **options)
    assert report["status"] == "rejected"
    assert "\n" not in report["reason"]
    return str(report["reason"])


def purchases(*rows: Sequence[Any], header: Sequence[Any] = HEADER) -> Cells:
    return [header, *rows]


def row_with(number: int = 2, **values: Any) -> list[Any]:
    return list({**dict(zip(HEADER, [f"P{number}", *GOOD[1:]], strict=True)), **values}.values())


class TestCells:
    @pytest.mark.parametrize("kind", WRITERS)
    def test_typed_cells_are_read_as_what_they_are(self, kind: str, tmp_path: Path) -> None:
        rows = [
            GOOD,
            ["P2", 12, datetime(2016, 11, 3, 23, 59, 59), "제휴사", "1,234원"],
            ["P3", "C3", "2016-11-03 09:00", "partner", 5000.0],
        ]

        delivered(tmp_path, WRITERS[kind](purchases(*rows)), f"purchases/a.{kind}")

        found = {row["purchase_id"]: row for row in staged(tmp_path, "purchases")}
        assert {name: row["amount"] for name, row in found.items()} == {
            "P1": 1000,
            "P2": 1234,
            "P3": 5000,
        }
        assert found["P2"]["customer_id"] == "12"
        assert [found[name]["purchased_at"] for name in ("P1", "P2", "P3")] == [
            AT,
            datetime(2016, 11, 3, 23, 59, 59),
            datetime(2016, 11, 3, 9),
        ]

    @pytest.mark.parametrize("kind", WRITERS)
    def test_an_error_cell_is_a_reject_though_its_column_may_be_empty(
        self, kind: str, tmp_path: Path
    ) -> None:
        header = ["payment_id", "subscription_id", "requested_at", "merchant", "category", "amount"]
        rows = [
            [f"P{n}", "S1", AT, "GS25", "shopping", amount, fee]
            for n, (amount, fee) in enumerate([(1, 0), (1000, "#REF!"), (3, None), ("#NUM!", 1)], 1)
        ]
        content = WRITERS[kind]([[*header, "platform_fee"], *rows])

        delivered(tmp_path, content, f"micropayments/a.{kind}")

        found = reasons_by_line(tmp_path, "micropayments")
        assert found == {3: ["platform_fee:type"], 5: ["amount:type"]}
        assert [row["payment_id"] for row in staged(tmp_path, "micropayments")] == ["P1", "P3"]
        (bad, _) = quarantined(tmp_path, "micropayments")
        assert bad["sheet"] == "청구내역"
        assert json.loads(bad["raw_text"]) == {
            "payment_id": "P2",
            "subscription_id": "S1",
            "requested_at": "2016-11-03 10:30:00",
            "merchant": "GS25",
            "category": "shopping",
            "amount": "1000",
            "platform_fee": "(error)",
        }

    @pytest.mark.parametrize(
        ("column", "value", "reasons"),
        [
            ("amount", 0.5, ["amount:type"]),
            ("amount", 2.0**53 + 2, ["amount:type"]),
            ("amount", True, ["amount:type"]),
            ("amount", AT, ["amount:type"]),
            ("amount", "33.000", ["amount:type"]),
            ("amount", "#REF! as text", ["amount:type"]),
            ("customer_id", 1.5, ["customer_id:format"]),
            ("customer_id", 123456789012345678, ["customer_id:type"]),
            ("customer_id", date(2016, 11, 3), ["customer_id:type"]),
            ("customer_id", "  ", ["customer_id:required"]),
            ("purchased_at", time(10, 5), ["purchased_at:type"]),
            ("purchased_at", datetime(1900, 2, 28), ["purchased_at:type"]),
            ("purchased_at", 60, ["purchased_at:type"]),
            ("purchased_at", 0, ["purchased_at:type"]),
            ("purchased_at", 161103, ["purchased_at:type"]),
            ("purchased_at", "42677", ["purchased_at:type"]),
            ("amount", "=SUM(A1:A1)", ["amount:required"]),
        ],
    )
    def test_what_a_cell_can_not_say_is_a_reject(
        self, column: str, value: Any, reasons: list[str], tmp_path: Path
    ) -> None:
        """The last: a formula whose value nobody has computed."""
        delivered(tmp_path, xlsx(purchases(GOOD, row_with(**{column: value}))))

        assert reasons_by_line(tmp_path, "purchases") == {3: reasons}
        assert [row["purchase_id"] for row in staged(tmp_path, "purchases")] == ["P1"]

    @pytest.mark.parametrize("kind", ["xlsx", "xls"])
    @pytest.mark.parametrize(
        ("since_1904", "number"), [(False, 42677.4375), (True, 42677.4375 - 1462)]
    )
    def test_days_may_be_the_numbers_that_excel_counts(
        self, kind: str, since_1904: bool, number: float, tmp_path: Path
    ) -> None:
        rows = [row_with(1, purchased_at=number), row_with(2, purchased_at=20161103103000), GOOD]
        rows[2] = row_with(3)
        content = WRITERS[kind](purchases(*rows), since_1904=since_1904)

        delivered(tmp_path, content, f"purchases/a.{kind}")

        assert [row["purchased_at"] for row in staged(tmp_path, "purchases")] == [AT] * 3

    def test_months_and_days_as_numbers(self, tmp_path: Path) -> None:
        export = EXPORTS["billing"]
        row = valid_rows(export, 1)[0] | {"collected_amount": 0, "collected_on": None}
        forms: list[tuple[object, object]] = [
            (201611, 20161225),
            (42675, 42729),
            (date(2016, 11, 1), "2016.12.25"),
        ]
        rows = [
            row | {"billing_line_id": f"B{n}", "billing_month": month, "due_on": day}
            for n, (month, day) in enumerate(forms)
        ]

        delivered(tmp_path, xlsx(sheet_of(export, rows)), "billing/a.xlsx")

        found = staged(tmp_path, "billing")
        assert {(row["billing_month"], row["due_on"]) for row in found} == {
            ("2016-11", date(2016, 12, 25))
        }
        assert len(found) == 3

    def test_the_last_value_of_a_formula_counts(self, tmp_path: Path) -> None:
        content = xlsx(purchases(row_with(1, amount="=500+500")))
        packed = zipfile.ZipFile(io.BytesIO(content))
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as changed:
            for member in packed.namelist():
                text = packed.read(member)
                changed.writestr(member, re.sub(rb"</f><v\s*/?>(</v>)?", b"</f><v>1000</v>", text))

        delivered(tmp_path, target.getvalue())

        assert [row["amount"] for row in staged(tmp_path, "purchases")] == [1000]

    def test_personal_data_is_masked_wherever_it_stands(self, tmp_path: Path) -> None:
        export = EXPORTS["refund_applications"]
        row = valid_rows(export, 1)[0] | {"points": -1, "contact": 1012345678, "memo": "x"}
        cells = [
            [*line, extra]
            for line, extra in zip(
                sheet_of(export, [row | {"application_id": 1012345678}]),
                ("memo", "서울시 1"),
                strict=True,
            )
        ]

        delivered(tmp_path, xlsx([cells[1], *cells]), "refund_applications/a.xlsx")

        above, bad = quarantined(tmp_path, "refund_applications")
        assert (above["line"], above["raw_text"], above["reasons"]) == (1, "***", ["row:format"])
        assert "1012345678" not in bad["raw_text"]
        assert "서울" not in bad["raw_text"]
        assert json.loads(bad["raw_text"])["points"] == "-1"


class TestSheets:
    def test_the_first_that_fits_is_read_visible_ones_before_hidden(self, tmp_path: Path) -> None:
        made = book(
            {
                "숨김": purchases(row_with(1)),
                "표지": [["보고서"], [None, "2016"]],
                "구매": purchases(row_with(2)),
                "구매 2": purchases(row_with(3)),
            }
        )
        made["숨김"].sheet_state = "hidden"

        report = delivered(tmp_path, saved(made))

        assert (report["sheet"], report["other_sheets"]) == ("구매", ["표지", "구매 2", "숨김"])
        assert [row["purchase_id"] for row in staged(tmp_path, "purchases")] == ["P2"]

    def test_one_that_is_hidden_is_read_where_no_other_fits(self, tmp_path: Path) -> None:
        made = book({"숨김": purchases(GOOD), "표지": [["보고서"]]})
        made["숨김"].sheet_state = "veryHidden"

        assert delivered(tmp_path, saved(made))["sheet"] == "숨김"

    def test_titles_blank_rows_and_columns_are_passed_over(self, tmp_path: Path) -> None:
        made = book({"a": []})
        sheet = made["a"]
        sheet["C2"] = "2016년 11월 구매 내역"
        sheet.merge_cells("C2:G2")
        filled: Cells = [HEADER, GOOD, [" "], row_with(2), row_with(3, amount=-1)]
        for number, cells in enumerate(filled):
            for column, value in enumerate(cells):
                sheet.cell(4 + number, 3 + column, value)

        report = delivered(tmp_path, saved(made))

        assert (report["title_lines"], report["blank_lines"]) == (1, 3)
        assert report["rows"]["delivered"] == 3
        assert reasons_by_line(tmp_path, "purchases") == {8: ["amount:range"]}

    def test_a_row_above_the_header_is_not_lost(self, tmp_path: Path) -> None:
        delivered(tmp_path, xlsx([GOOD, HEADER, row_with(2)]))

        assert reasons_by_line(tmp_path, "purchases") == {1: ["row:format"]}
        assert len(staged(tmp_path, "purchases")) == 1

    def test_rows_behind_a_header_in_another_order_are_refused(self, tmp_path: Path) -> None:
        other: list[Any] = ["customer_id", "purchase_id", *HEADER[3:], HEADER[2]]
        rows: list[list[Any]] = [
            GOOD,
            HEADER,
            row_with(2),
            other,
            ["P3", "C1", "partner", 1, AT],
            HEADER,
            row_with(4),
        ]

        delivered(tmp_path, xlsx(purchases(*rows)))

        assert [row["purchase_id"] for row in staged(tmp_path, "purchases")] == ["P1", "P2", "P4"]
        found = reasons_by_line(tmp_path, "purchases")
        assert {line: found[line] for line in (5, 6)} == {5: ["row:format"], 6: ["row:format"]}

    def test_conflicting_rows_are_told_with_their_sheet(self, tmp_path: Path) -> None:
        delivered(tmp_path, xlsx(purchases(GOOD, row_with(1, amount=7), row_with(2))))

        found = quarantined(tmp_path, "purchases")
        assert [(row["line"], row["sheet"], row["reasons"]) for row in found] == [
            (2, "청구내역", ["key:conflict"]),
            (3, "청구내역", ["key:conflict"]),
        ]

    def test_check_tells_export_and_sheet_by_the_header(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "a.xlsx"
        path.write_bytes(saved(book({"표지": [["보고서"]], "구매": purchases(GOOD)})))

        found = check_files(Options(), [path])

        assert (found["files"][0]["export"], found["files"][0]["sheet"]) == ("purchases", "구매")
        summary.print_summary("check", found, None, {})
        printed = capsys.readouterr().out
        assert "xlsx, sheet 구매" in printed
        assert "of its sheets 구매 was read; not read: 표지" in printed

    def test_the_number_of_rows_at_once_does_not_matter(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [row_with(n, amount=n if n % 3 else f"{n:,}") for n in range(1, 300)]
        delivered(tmp_path / "a", xlsx(purchases(*rows)))
        _small_pieces(monkeypatch)
        delivered(tmp_path / "b", xlsx(purchases(*rows)))

        assert staged_hashes(tmp_path / "a") == staged_hashes(tmp_path / "b")


def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the other process hand on ten rows at once."""
    monkeypatch.setattr(
        "transforms.exports.workbook._PROGRAM",
        [
            "-P",
            "-c",
            "from transforms.exports import sheet_rows; sheet_rows._CELLS_AT_ONCE = 50;"
            "sheet_rows.main()",
        ],
    )


def _bomb(content: bytes, member: str, size: int) -> bytes:
    """The workbook with a part that expands to so many bytes."""
    packed = zipfile.ZipFile(io.BytesIO(content))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed:
        for name in packed.namelist():
            if name != member:
                changed.writestr(name, packed.read(name))
        with changed.open(member, "w", force_zip64=True) as part:
            for _ in range(size >> 20):
                part.write(bytes(1 << 20))
    return target.getvalue()


def _one_far_away() -> bytes:
    made = book({"a": purchases(GOOD)})
    made["a"]["XFD1048576"] = 1
    return saved(made)


def _zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return target.getvalue()


def _full(made: bytes, first: int, rows: int) -> bytes:
    """The workbook with so many rows of members, from a row number on."""
    packed = zipfile.ZipFile(io.BytesIO(made))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as changed:
        for name in packed.namelist():
            content = packed.read(name).decode()
            if name == TestRefusals.SHEET:
                more = "".join(
                    f'<row r="{n}"><c r="A{n}" t="str"><v>M{n}</v></c>'
                    f'<c r="B{n}" t="str"><v>2016-11-03</v></c>'
                    f'<c r="C{n}" t="str"><v>2016-11-03 10:30</v></c></row>'
                    for n in range(first, first + rows)
                )
                content = content.replace("</sheetData>", f"{more}</sheetData>")
            changed.writestr(name, content)
    return target.getvalue()


class TestSize:
    def test_a_sheet_may_have_all_the_rows_that_excel_has(self, tmp_path: Path) -> None:
        made = xlsx([["member_id", "enrolled_on", "updated_at"]])
        report = delivered(tmp_path, _full(made, 2, 1_048_575), "members/a.xlsx", memory="2GB")

        assert report["rows"]["accepted"] == 1_048_575
        (path,) = (tmp_path / "staged" / "members").glob("*.parquet")
        assert max(pq.read_table(path)["member_id"].to_pylist(), key=len) == "M1000000"


class TestRefusals:
    SHEET = "xl/worksheets/sheet1.xml"

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (
                lambda: xlsx([["보고서"]]),
                "no sheet of it has a header of purchases in its first 20",
            ),
            (
                lambda: xlsx(sheet_of(EXPORTS["members"], valid_rows(EXPORTS["members"], 1))),
                "the sheets '청구내역'; its header is that of members; deliver it there",
            ),
            (
                lambda: xlsx(purchases(header=[*HEADER[:4], "금액(원"])),
                "its sheet '청구내역' lacks the required column amount of purchases; its header is "
                "in line 1",
            ),
            (
                lambda: xlsx(purchases(GOOD, header=[*HEADER, "금액"])),
                "names the column amount twice",
            ),
            (lambda: xlsx([]), "no sheet of it has a header"),
            (lambda: xlsx(purchases(GOOD))[:3000], "a damaged workbook"),
            (lambda: xls(purchases(GOOD))[:3000], "not a readable workbook"),
            (lambda: ods(purchases(GOOD))[:-40], "a damaged workbook"),
            (lambda: _bomb(xlsx(purchases(GOOD)), TestRefusals.SHEET, 1 << 28), "expands to more"),
            (_one_far_away, "GB of memory to read, for its cells, or one far from the others"),
            (lambda: _zipped(a=b"x"), "a zip archive; deliver the files that are in it"),
            (lambda: _zipped(**{"xl/workbook.bin": b""}), "an .xlsb workbook; save it as .xlsx"),
            (lambda: _zipped(**{"xl/workbook.xml": b""}), "not a readable workbook"),
            (lambda: b"<html><table><tr><td>purchase_id</td>", "HTML or XML under the name of an"),
            (
                lambda: b'\xef\xbb\xbf\n<?xml version="1.0"?><Workbook>',
                "HTML or XML under the name",
            ),
            (lambda: b"", "empty"),
        ],
    )
    def test_what_can_not_be_read_is_refused_with_what_to_do(
        self, make: Callable[[], bytes], said: str, tmp_path: Path
    ) -> None:
        assert said in refused(tmp_path, make())

    def test_an_encrypted_workbook(self, tmp_path: Path) -> None:
        """Of an .xlsx, which then is in the container of an .xls, and of an .xls."""
        name = "EncryptedPackage".encode("utf-16-le")
        entry = "Workbook".encode("utf-16-le").ljust(64, b"\0") + b"\x12\0"
        content = xls(purchases(GOOD)).replace(entry, name.ljust(64, b"\0") + b"\x22\0")
        said = "an encrypted workbook; save it without a password"

        assert refused(tmp_path, content) == said
        plain = xls(purchases(GOOD))
        password = plain.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20  # behind the BOF
        locked = plain[:password] + b"\x2f\x00" + plain[password + 2 :]
        assert refused(tmp_path / "xls", locked, "purchases/a.xls") == said

    def test_a_sheet_that_was_asked_for_is_read_or_named(self, tmp_path: Path) -> None:
        from transforms.exports.containers import Container, FileRefused, opened, survey
        from transforms.exports.reading import Reader

        path = tmp_path / "a.xlsx"
        path.write_bytes(saved(book({"a": purchases(GOOD), "b": purchases(row_with(2), GOOD)})))
        of = (EXPORTS["purchases"], path.name)
        with opened(path, tmp_path) as file:
            container = survey(file, Container.of(path)).container
            reader = Reader(*of, file, container, None, None, sheet="b")
            assert sum(batch.rows for batch in reader.batches()) == 2
            with pytest.raises(FileRefused, match="has no sheet 'c'; it has the sheets 'a', 'b'"):
                list(Reader(*of, file, container, None, None, sheet="c").batches())

    def test_less_memory_than_it_needs_says_so(self, tmp_path: Path) -> None:
        rows = [row_with(n) for n in range(3000)]
        content = xlsx(purchases(*rows))

        assert "raise --memory" in refused(tmp_path, content, memory="300MB")

    def test_a_large_xls_is_not_read_into_memory(self, tmp_path: Path) -> None:
        path = tmp_path / "landing" / "purchases" / "a.xls"
        path.parent.mkdir(parents=True)
        path.write_bytes(xls(purchases(GOOD)))
        with path.open("r+b") as file:
            file.truncate(1 << 30)  # without taking room on the disk

        manifest = ingest(tmp_path, memory="1GB")

        assert "raise --memory" in of_file(manifest, "purchases/a.xls")["reason"]

    def test_a_formula_that_never_had_a_value_is_missing(self, tmp_path: Path) -> None:
        delivered(tmp_path, xlsx(purchases(row_with(1, amount="=500+500"))))

        (reasons,) = reasons_by_line(tmp_path, "purchases").values()
        assert reasons == ["amount:required"]

    def test_rows_and_cells_that_an_ods_says_once_for_several(self, tmp_path: Path) -> None:
        content = ods(purchases(row_with(1, channel="#REF!")))
        packed = zipfile.ZipFile(io.BytesIO(content))
        text = packed.read("content.xml").decode()
        head, last = text.rsplit("<table:table-row>", 1)
        last = f'<table:table-row table:number-rows-repeated="3">{last}'
        blank = '<table:table-row table:number-rows-repeated="2"><table:table-cell/>'
        parts = {name: packed.read(name) for name in packed.namelist()}
        parts["content.xml"] = f"{head}{blank}</table:table-row>{last}".encode()

        delivered(tmp_path, _zipped(**parts), "purchases/a.ods")

        assert reasons_by_line(tmp_path, "purchases") == {
            line: ["channel:type"] for line in (4, 5, 6)
        }


class TestNames:
    @pytest.mark.parametrize("name", ["a.csv", "a.xls", "part-0", "a.parquet", "a.bin"])
    def test_a_workbook_under_another_name_is_read(self, name: str, tmp_path: Path) -> None:
        report = delivered(tmp_path, xlsx(purchases(GOOD)), f"purchases/{name}")

        assert (report["status"], report["unlike_its_name"]) == ("accepted", "xlsx")

    @pytest.mark.parametrize("name", ["a.xls", "a.xlsx", "a.ods"])
    def test_text_under_the_name_of_a_workbook_is_read(self, name: str, tmp_path: Path) -> None:
        text = "\t".join(HEADER) + "\nP1\tC1\t2016-11-03\tpartner\t1\n"

        report = delivered(tmp_path, text.encode("cp949"), f"purchases/{name}")

        assert (report["status"], report["unlike_its_name"]) == ("accepted", "text")
