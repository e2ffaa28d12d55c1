"""What ingest does with what suppliers really deliver: every bad row costs one row, every bad file
one file, and the totals say so."""

from __future__ import annotations

import gzip
import hmac
import io
import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.console.errors import NotReady, RunFailed, WrongUsage
from schemas.exports import EXPORTS, MOST_MILES
from tests.support import (
    KEY,
    Row,
    csv_bytes,
    csv_of,
    ingest,
    of_file,
    parquet_bytes,
    parquet_of,
    quarantined,
    reasons_by_line,
    rendered,
    staged,
    staged_hashes,
    totals_tie,
    valid_rows,
    workspace_with,
)
from transforms.exports import containers, reading
from transforms.exports.merge import Merge
from transforms.exports.records import MAX_RECORD_BYTES

BILLING = EXPORTS["billing"]
HEADER = list(BILLING.columns)
LINE: dict[str, str] = {
    "billing_line_id": "L1",
    "customer_id": "C1",
    "subscription_id": "S1",
    "product": "mobile",
    "charge_item": "base_fee",
    "billing_month": "2016-11",
    "billed_amount": "1000",
    "collected_amount": "1000",
    "due_on": "2016-12-20",
    "collected_on": "2016-12-19",
    "revision": "",
}
GOOD_FILE = "billing/good.csv"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)


def line(number: int | str = 1, **changes: str) -> dict[str, str]:
    """A valid billing line, but for the changes."""
    return LINE | {"billing_line_id": f"L{number}"} | changes


def billing(*lines: dict[str, str], **form: Any) -> bytes:
    return csv_bytes(BILLING, lines, **form)


def raw(fields: dict[str, str]) -> str:
    return csv_bytes(BILLING, [fields]).decode().splitlines()[1]


def ids(workspace: Path, export: str = "billing") -> list[str]:
    return sorted(row[EXPORTS[export].key[-1]] for row in staged(workspace, export))


class TestRows:
    """One bad row costs one row."""

    BAD: tuple[tuple[dict[str, str], list[str]], ...] = (
        *(
            ({"billed_amount": text}, ["billed_amount:type"])
            for text in ["1e3", "1_000", "12,34", "12.50", "infinity", "１０００", "=1+1", "\x00"]
        ),
        *(
            ({"due_on": text}, ["due_on:type"])
            for text in ["2016-02-30", "24:00:00", "2016-13-01", "20161", "tomorrow"]
        ),
        *(
            ({"customer_id": text}, ["customer_id:format"])
            for text in [
                "a b", "a'b", 'a"b', "../../etc", "1; DROP TABLE billing", "=cmd|' /C calc'!A0",
                "@SUM(A1)", "고객", "Ａ１", "a\u200bb", "a\u0301", "\ufeffC1", "C1\x00", "x" * 41,
                "a,b", "a\nb", "С1",
            ]
        ),
        *(
            ({column: ""}, [f"{column}:required"])
            for column in BILLING.required
            if column != "collected_amount"
        ),
        ({"collected_amount": " "}, ["collected_amount:required"]),
        ({"collected_on": ""}, ["collected_on:required"]),
        ({"collected_on": "NULL"}, ["collected_on:type"]),
        ({"product": "fax"}, ["product:domain"]),
        ({"billing_month": "1983-12"}, ["billing_month:range"]),
        ({"revision": "-1"}, ["revision:range"]),
        ({"billed_amount": "9223372036854775808"}, ["billed_amount:range"]),
        ({"collected_amount": "1001"}, ["collected_amount:consistency"]),
        ({"billed_amount": "-5", "collected_amount": "-6"}, ["collected_amount:consistency"]),
        (
            {"product": "fax", "due_on": "soon", "billed_amount": "1", "customer_id": "a b"},
            ["collected_amount:consistency", "customer_id:format", "due_on:type", "product:domain"],
        ),
    )  # fmt: skip

    def test_each_bad_row_is_quarantined_with_its_reasons_and_the_others_are_staged(
        self, tmp_path: Path
    ) -> None:
        lines = [line(0)]
        expected: dict[int, list[str]] = {}
        physical = 3
        for number, (changes, reasons) in enumerate(self.BAD, 1):
            lines += [line(f"bad{number}", **changes), line(number)]
            if "billing_line_id" in changes:
                lines[-2] = line(**changes)
            expected[physical] = reasons
            physical += 2 + sum(text.count("\n") for text in changes.values())
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(*lines)})

        manifest = ingest(workspace, max_reject_rate=1.0)

        assert reasons_by_line(workspace, "billing") == expected
        assert ids(workspace) == sorted(f"L{n}" for n in range(len(self.BAD) + 1))
        report = of_file(manifest, GOOD_FILE)
        assert report["rows"]["delivered"] == len(lines)
        assert report["rows"]["quarantined"] == len(self.BAD)
        assert totals_tie(manifest)
        kept = {row["line"]: row["raw_text"] for row in quarantined(workspace, "billing")}
        assert kept[3] == raw(lines[1])

    @pytest.mark.parametrize(
        "bad",
        [
            raw(LINE).rsplit(",", 1)[0],
            raw(LINE) + ",",
            raw(LINE) + ",,,,",
            raw(LINE) + ",x",
            '"' + raw(LINE),
            raw(LINE).replace("C1", '"C1'),
            raw(LINE).replace("C1", '"C1"x'),
            "not a bill at all",
            "x" * 10_000_000,
            raw(LINE).replace("C1", "C1\udcff"),
        ],
        ids=lambda bad: bad[:60].encode("ascii", "replace").decode(),
    )
    def test_a_row_that_cannot_be_split_costs_its_line(self, bad: str, tmp_path: Path) -> None:
        before, after = ([raw(line(f"{n}{i}")) for i in range(3)] for n in "ab")
        text = "\n".join([",".join(HEADER), *before, bad, *after])
        workspace = workspace_with(tmp_path, {GOOD_FILE: text.encode(errors="surrogateescape")})

        manifest = ingest(workspace)

        assert reasons_by_line(workspace, "billing") == {5: ["row:format"]}
        assert ids(workspace) == ["La0", "La1", "La2", "Lb0", "Lb1", "Lb2"]
        assert of_file(manifest, GOOD_FILE)["rows"]["delivered"] == 7
        (row,) = quarantined(workspace, "billing")
        assert row["raw_text"] == bad.replace("\udcff", "\\xff")
        assert totals_tie(manifest)

    @pytest.mark.parametrize("export", ["customers", "promotions"])
    def test_a_line_longer_than_what_is_read_at_once_costs_itself_and_leaks_nothing(
        self, export: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(containers, "CHUNK_BYTES", 1 << 20)
        text = csv_of(export, valid_rows(EXPORTS[export], 4)).replace(b"two\nlines", b"plain")
        header, *rows = text.splitlines(keepends=True)
        bad = b"X," + b"010-1234-5678 " * 250_000
        content = header + b"".join(rows[:2]) + bad + b"\n" + b"".join(rows[2:])
        workspace = workspace_with(tmp_path, {f"{export}/a.csv": content})

        report = of_file(ingest(workspace), f"{export}/a.csv")

        (row,) = quarantined(workspace, export)
        assert (row["line"], row["reasons"]) == (4, ["row:format"])
        if EXPORTS[export].personal:
            assert row["raw_text"] == "***"
        else:
            # no more of it is kept than a record may have
            assert len(row["raw_text"]) == MAX_RECORD_BYTES
            assert bad.startswith(row["raw_text"].encode())
        assert (report["rows"]["delivered"], report["rows"]["accepted"]) == (5, 4)

    def test_an_unterminated_quote_never_loses_the_good_rows_behind_it(
        self, tmp_path: Path
    ) -> None:
        text = billing(*[line(n) for n in range(500)]).decode().replace("L250,", '"L250,')
        workspace = workspace_with(tmp_path, {GOOD_FILE: text.encode()})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert report["rows"]["delivered"] == 500
        assert report["rows"]["accepted"] == 499
        assert reasons_by_line(workspace, "billing") == {252: ["row:format"]}

    def test_blank_lines_are_no_rows_and_do_not_shift_line_numbers(self, tmp_path: Path) -> None:
        text = billing(line(1), line(2, product="fax"), line(3)).decode()
        text = "\n \n" + text.replace("\nL", "\n\t \n\r\nL") + "\n\n"
        workspace = workspace_with(tmp_path, {GOOD_FILE: text.encode()})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert reasons_by_line(workspace, "billing") == {9: ["product:domain"]}
        assert report["rows"]["delivered"] == 3
        assert report["blank_lines"] == 10

    def test_amounts_of_quarantined_rows_count_where_they_could_be_read(
        self, tmp_path: Path
    ) -> None:
        content = billing(
            line(1, billed_amount="5,000", collected_amount="(0)"),
            line(2, product="fax", billed_amount="70", collected_amount="60"),
            line(3, billed_amount="n/a", collected_amount="9"),
            line(4, billed_amount="-300", collected_amount="-300"),
        )
        manifest = ingest(workspace_with(tmp_path, {GOOD_FILE: content}))

        amounts = of_file(manifest, GOOD_FILE)["amounts"]
        assert amounts["billed_amount"]["delivered"] == 5_000 + 70 - 300
        assert amounts["billed_amount"]["quarantined"] == 70
        assert amounts["collected_amount"]["delivered"] == 60 + 9 - 300
        assert amounts["collected_amount"]["accepted"] == -300
        assert totals_tie(manifest)

    def test_a_flight_whose_miles_no_number_holds_costs_its_row(self, tmp_path: Path) -> None:
        first, second = valid_rows(EXPORTS["flights"], 2)
        most, beyond = ({"distance_miles": MOST_MILES + more} for more in (0, 1))
        content = csv_of("flights", [first | most, second | beyond])
        workspace = workspace_with(tmp_path, {"flights/a.csv": content})
        ingest(workspace)
        found = [reasons for _, reasons in sorted(reasons_by_line(workspace, "flights").items())]
        assert "distance_miles:range" in found[-1], found
        assert not any("distance_miles:range" in reasons for reasons in found[:-1]), found

    def test_sums_beyond_64_bits_still_tie(self, tmp_path: Path) -> None:
        most = str(2**63 - 1)
        content = billing(
            *(line(n, billed_amount=most, collected_amount=most, product="x") for n in range(5))
        )
        manifest = ingest(workspace_with(tmp_path, {GOOD_FILE: content}))

        amounts = of_file(manifest, GOOD_FILE)["amounts"]["billed_amount"]
        assert amounts["quarantined"] == amounts["delivered"] == 5 * (2**63 - 1)

    def test_unicode_in_text_is_composed_and_its_control_characters_refused(
        self, tmp_path: Path
    ) -> None:
        (row,) = valid_rows(EXPORTS["promotions"], 1)
        codes = ["\u1100\u1161", "zero\u200bwidth", "e\u0301", "tab\there", "bell\x07", "nul\x00"]
        rows = [
            row | {"promotion_credit_id": f"P{n}", "promotion_code": code}
            for n, code in enumerate(codes)
        ]
        workspace = workspace_with(tmp_path, {"promotions/p.csv": csv_of("promotions", rows)})

        ingest(workspace)

        found = {
            r["promotion_credit_id"]: r["promotion_code"] for r in staged(workspace, "promotions")
        }
        assert found == {"P0": "가", "P1": "zero\u200bwidth", "P2": "é", "P3": "tab\there"}
        assert reasons_by_line(workspace, "promotions") == {
            6: ["promotion_code:format"],
            7: ["promotion_code:format"],
        }

    def test_lookalikes_of_ascii_letters_are_no_codes(self, tmp_path: Path) -> None:
        (row,) = valid_rows(EXPORTS["award_requests"], 1)
        row |= {"origin": "ıcn", "destination": "nrt"}
        workspace = workspace_with(
            tmp_path, {"award_requests/a.csv": csv_of("award_requests", [row])}
        )

        ingest(workspace)

        assert reasons_by_line(workspace, "award_requests") == {2: ["origin:format"]}

    @pytest.mark.parametrize(
        ("encoding", "bad"),
        [
            ("utf-8", b"\xc7\xd1"),
            ("utf-8-sig", b"\xff"),
            ("cp949", b"\xc9\x20"),
            ("cp949", b"\xff"),
            ("utf-16", b"\x00\xd8"),
            ("utf-16-be", b"\xdc\x00"),
        ],
    )
    def test_a_line_that_is_not_in_the_files_encoding_costs_itself(
        self, encoding: str, bad: bytes, tmp_path: Path
    ) -> None:
        lines = [line(n, product="모바일") for n in range(300)]
        content = billing(*lines, korean=True, encoding=encoding)
        if encoding == "utf-16-be":
            content = "\ufeff".encode(encoding) + content
        spoilt = "L150,C".encode(
            {"utf-16": "utf-16-le", "utf-8-sig": "utf-8"}.get(encoding, encoding)
        )
        assert content.count(spoilt) == 1
        workspace = workspace_with(tmp_path, {GOOD_FILE: content.replace(spoilt, spoilt + bad)})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert report["status"] == "accepted"
        assert reasons_by_line(workspace, "billing") == {152: ["row:format"]}
        assert report["rows"]["accepted"] == 299
        assert "\\x" in quarantined(workspace, "billing")[0]["raw_text"]

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_where_a_byte_order_mark_decides_many_bad_lines_hold_the_file_back(
        self, encoding: str, tmp_path: Path
    ) -> None:
        content = billing(*[line(n) for n in range(100)], encoding=encoding)
        mark = b"," if encoding == "utf-8-sig" else ",".encode("utf-16-le")
        bad = b"\xff" if encoding == "utf-8-sig" else b"\x00\xd8"
        head, tail = content[:500], content[500:]
        workspace = workspace_with(tmp_path, {GOOD_FILE: head + tail.replace(mark, mark + bad)})

        assert of_file(ingest(workspace), GOOD_FILE)["status"] == "held_back"

    def test_a_file_in_no_known_encoding_is_rejected(self, tmp_path: Path) -> None:
        content = billing(*[line(n) for n in range(100)]).replace(b",S1", b",\xff\xff1")
        workspace = workspace_with(tmp_path, {GOOD_FILE: content})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert report["status"] == "rejected"
        assert "neither UTF-8 nor CP949" in report["reason"]
        assert staged(workspace, "billing") == []
        assert not any(report["rows"].values())


def _gzip_bomb() -> bytes:
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb") as file:
        file.write(billing(LINE))
        for _ in range(100):
            file.write(b"\n" * 1_000_000)
    return target.getvalue()


def _encrypted() -> bytes:
    content = bytearray(parquet_of("billing", valid_rows(BILLING, 3)))
    content[:4] = content[-4:] = b"PARE"
    return bytes(content)


def _parquet(**changes: pa.Array) -> bytes:
    table = pq.read_table(io.BytesIO(parquet_of("billing", valid_rows(BILLING, 3))))
    for name, column in changes.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return parquet_bytes(table)


_ZSTD_OF_A_LARGE_WINDOW = bytes.fromhex("28b52ffd 00 90 010000".replace(" ", ""))
"""A frame whose header asks for 2^28 bytes of window, and an empty last block."""


class TestFiles:
    """One bad file costs one file."""

    FILES: tuple[tuple[str, bytes, str], ...] = (
        ("a.pdf", b"%PDF", "unknown kind of file '.pdf'"),
        ("noending", b"", "unknown kind of file"),
        ("a.csv.zip", b"PK\x03\x04", "a zip archive; deliver the files that are in it"),
        ("b.xlsx", b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "a damaged workbook"),
        ("b.csv", b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "a damaged workbook"),
        ("b.ods", b"PK\x03\x04 application/vnd.oasis.opendocument.spreadsheet", "damaged workbook"),
        ("b.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "not a readable workbook"),
        ("c.csv", b"BZh91AY&SY", "bzip2 data; deliver it as .gz or .zst"),
        ("twice.csv.gz", gzip.compress(gzip.compress(billing(LINE))), "not text within gzip"),
        ("parquet.csv.gz", gzip.compress(_parquet()), "not text within gzip"),
        ("newline.csv.gz", gzip.compress(billing(LINE)) + b"\n", "damaged gzip data"),
        ("garbage.csv.gz", gzip.compress(billing(LINE)) + b"garbage", "damaged gzip data"),
        ("crc.csv.gz", gzip.compress(billing(LINE))[:-8] + bytes(8), "damaged gzip data"),
        ("window.csv.zst", _ZSTD_OF_A_LARGE_WINDOW, "window is larger than 2^27 bytes; compress"),
        ("empty.csv", b"", "empty"),
        ("bom.csv", b"\xef\xbb\xbf", "empty"),
        ("blanks.csv", b"\n \n\r\n", "empty"),
        ("noise.csv", random.Random(0).randbytes(5_000), "header"),
        ("binary.csv", b"\x89PNG\r\n\x1a\n" + bytes(1000), "no known column"),
        ("prose.csv", b"Dear colleagues,\nplease find attached\n", "no known column"),
        ("html.csv", b"<!DOCTYPE html><html></html>", "no known column"),
        ("missing.csv", billing(LINE, columns=HEADER[1:]), "lacks the required column"),
        ("wide.csv", ",".join(HEADER + ["x"] * 2_000).encode(), "2,011 columns"),
        ("longheader.csv", b"x" * 3_000_000, "too long"),
        (
            "misspelt.csv",
            billing(LINE).replace(b"due_on", b"due_onn"),
            "lacks the required column due_on",
        ),
        (
            "doubled.csv",
            billing(LINE, columns=[*HEADER, "due_on"]),
            "names the column due_on twice",
        ),
        (
            "doubled_korean.csv",
            billing(LINE, columns=[*HEADER, "due_on"]).replace(b"due_on\n", "납기일\n".encode()),
            "names the column due_on twice",
        ),
        (
            "doubled_case.csv",
            billing(LINE, columns=[*HEADER, "due_on"]).replace(b"due_on\n", b" DUE_ON \n"),
            "names the column due_on twice",
        ),
        ("stray.csv", b'"' + billing(LINE), "no known column"),
        ("stray2.csv", billing(LINE).replace(b"due_on", b'due_on"'), "required column due_on"),
        ("truncated.csv.gz", gzip.compress(billing(LINE) * 200)[:-30], "damaged gzip"),
        ("notgzip.csv.gz", billing(LINE), "damaged gzip"),
        ("emptygzip.csv.gz", b"", "empty"),
        ("notzstd.csv.zst", billing(LINE), "damaged zstd"),
        ("bomb.csv.gz", _gzip_bomb(), "expands to more than"),
        ("corrupt.parquet", b"PAR1" + bytes(100) + b"PAR1", "not a readable Parquet file"),
        ("csv.parquet", billing(LINE), "not a readable Parquet file"),
        ("empty.parquet", b"", "not a readable Parquet file"),
        ("truncated.parquet", _parquet()[:-100], "not a readable Parquet file"),
        ("encrypted.parquet", _encrypted(), "not a readable Parquet file"),
        (
            "badtext.parquet",
            _parquet(
                customer_id=pa.Array.from_buffers(
                    pa.string(), 3, pa.array([b"\xff"] * 3, pa.binary()).buffers()
                )
            ),
            "not a readable Parquet file",
        ),
        ("bool.parquet", _parquet(billed_amount=pa.array([True] * 3)), "billed_amount is bool"),
        ("list.parquet", _parquet(customer_id=pa.array([["C1"]] * 3)), "customer_id is list"),
        (
            "span.parquet",
            _parquet(customer_id=pa.array([0] * 3, pa.duration("s"))),
            "customer_id is duration[s], which can't hold ids; deliver it as text",
        ),
        (
            "time.parquet",
            _parquet(due_on=pa.array([0] * 3, pa.time32("s"))),
            "due_on is time32[ms]",
        ),
        (
            "missing.parquet",
            parquet_bytes(pa.table({"customer_id": ["C1"]})),
            "lacks the required column",
        ),
    )  # fmt: skip

    def test_each_unreadable_file_is_rejected_with_its_reason_and_the_others_go_on(
        self, tmp_path: Path
    ) -> None:
        files = {f"billing/{name}": content for name, content, _ in self.FILES}
        workspace = workspace_with(tmp_path, files | {GOOD_FILE: billing(line(1), line(2))})

        manifest = ingest(workspace)

        for name, _, reason in self.FILES:
            report = of_file(manifest, f"billing/{name}")
            assert report["status"] == "rejected", report
            assert reason in report["reason"], report
            assert "\n" not in report["reason"]
            assert not any(report["rows"].values())
        assert of_file(manifest, GOOD_FILE)["status"] == "accepted"
        assert ids(workspace) == ["L1", "L2"]
        assert quarantined(workspace, "billing") == []

    @pytest.mark.parametrize(
        ("name", "form"), [("a.csv", "gzip"), ("a.gz", "gzip"), ("a.txt", "zstd"), ("a", "zstd"),
                           ("a.csv.zst", "gzip"), ("a.dat", "parquet"), ("a.csv", "parquet")],
    )  # fmt: skip
    def test_a_file_is_read_as_what_its_first_bytes_say(
        self, name: str, form: str, tmp_path: Path
    ) -> None:
        text = billing(line(1), line(2, product="x"))
        table = pa.table({column: [fields[column] for fields in (line(1), line(2, product="x"))]
                          for column in HEADER})  # fmt: skip
        content = {
            "gzip": gzip.compress(text),
            "zstd": pa.compress(text, codec="zstd", asbytes=True),
            "parquet": parquet_bytes(table),
        }[form]
        workspace = workspace_with(tmp_path, {f"billing/{name}": content})

        report = of_file(ingest(workspace), f"billing/{name}")

        assert (report["status"], report["unlike_its_name"]) == ("accepted", form)
        assert ids(workspace) == ["L1"]

    @pytest.mark.parametrize("padding", [0, 1, 512, 1 << 21])
    def test_zeros_behind_and_between_members_of_gzip_are_padding(
        self, padding: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(containers, "CHUNK_BYTES", 100)
        monkeypatch.setattr(containers, "_PACKED_BYTES", 64)
        text = billing(line(1), line(2))
        parts = [gzip.compress(part) + bytes(padding) for part in (text[:99], b"", text[99:])]
        workspace = workspace_with(tmp_path, {"billing/a.csv.gz": b"".join(parts)})

        report = of_file(ingest(workspace), "billing/a.csv.gz")

        assert (report["status"], report["unlike_its_name"]) == ("accepted", None)
        assert ids(workspace) == ["L1", "L2"]

    def test_a_folder_of_part_files_is_read_and_what_lies_beside_them_named(
        self, tmp_path: Path
    ) -> None:
        text = billing(line(3))
        table = pa.table({column: [line(1)[column]] for column in HEADER})
        files = {
            "billing/2016-11.parquet/part-00000-aa.snappy.parquet": parquet_bytes(table),
            "billing/2016-11.parquet/.part-00000-aa.snappy.parquet.crc": b"crc",
            "billing/2016-11.parquet/_SUCCESS": b"",
            "billing/hive/billing_month=2016-11/000000_0": billing(line(2)),
            "billing/spark/part-00000": text,
            "billing/spark/part-00001": billing(line(4, product="x")),
            "billing/under way/_temporary/0/part-00000.csv": billing(line("no")),
            "billing/under way/part-00001.csv": billing(line("no")),
            "billing/~$good.csv": b"",
            "billing/Thumbs.db": b"\0",
            "billing/good.csv.filepart": billing(line("no")),
            "billing/good.csv.md5": b"0",
            "billing/.hidden.csv": billing(line("no")),
        }
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace)

        assert ids(workspace) == ["L1", "L2", "L3"]
        assert {file["file"]: file["status"] for file in manifest["files"]} == {
            "2016-11.parquet/part-00000-aa.snappy.parquet": "accepted",
            "hive/billing_month=2016-11/000000_0": "accepted",
            "spark/part-00000": "accepted",
            "spark/part-00001": "accepted",
        }
        assert [row["file"] for row in quarantined(workspace, "billing")] == ["spark/part-00001"]
        assert manifest["left_out"] == [
            "billing/.hidden.csv",
            "billing/2016-11.parquet/.part-00000-aa.snappy.parquet.crc",
            "billing/2016-11.parquet/_SUCCESS",
            "billing/Thumbs.db",
            "billing/good.csv.filepart",
            "billing/good.csv.md5",
            "billing/under way",
            "billing/~$good.csv",
        ]

    @pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst", "a.parquet"])
    def test_a_file_that_expands_beyond_the_cap_is_rejected_whole(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = valid_rows(BILLING, 400)
        text = csv_of("billing", rows)
        zstd = pa.compress(text, codec="zstd", asbytes=True)
        content = {".csv": text, ".gz": gzip.compress(text), ".zst": zstd}.get(
            Path(name).suffix, parquet_of("billing", rows)
        )
        monkeypatch.setattr(containers, "MAX_EXPANDED_BYTES", 20_000)
        files = {f"billing/{name}": content, GOOD_FILE: billing(line(1))}
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace)

        report = of_file(manifest, f"billing/{name}")
        assert report["status"] == "rejected"
        assert report["reason"] == "expands to more than 20,000 bytes; deliver it in parts"
        assert ids(workspace) == ["L1"]
        assert quarantined(workspace, "billing") == []

    @pytest.mark.parametrize(
        "name",
        ["[ab]*.csv", "what?.csv", "it's.csv", "two words .csv", "청구 11월.csv", "a;b|c.CSV",
         "%s{0}$HOME.csv", "-rf.csv", "new\nline.csv", "\u1100\u1161.csv", "x" * 240 + ".csv",
         "dots...csv", '"quoted".csv', "\\back\\slash.csv"],
    )  # fmt: skip
    def test_a_file_may_have_any_name(self, name: str, tmp_path: Path) -> None:
        workspace = workspace_with(
            tmp_path / "[work] space's*",
            {f"billing/{name}": billing(line(1), line(1, product="x"))},
        )

        report = of_file(ingest(workspace), f"billing/{name}")

        assert report["status"] == "accepted"
        assert ids(workspace) == ["L1"]
        assert [row["file"] for row in quarantined(workspace, "billing")] == [name]

    def test_a_file_name_that_is_no_utf8_is_shown_escaped(self, tmp_path: Path) -> None:
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(line(1))})
        name = os.fsdecode("청구.csv".encode("cp949"))
        (workspace / "landing" / "billing" / name).write_bytes(
            billing(line(2), line(3, product="x"))
        )

        manifest = ingest(workspace)

        assert ids(workspace) == ["L1", "L2"]
        names = {file["file"] for file in manifest["files"]}
        assert names == {"good.csv", "û\\xb1\\xb8.csv"}

    def test_what_is_no_plain_file_of_landing_is_refused_without_waiting(
        self, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside.csv"
        outside.write_bytes(billing(line("out")))
        workspace = workspace_with(tmp_path / "w", {GOOD_FILE: billing(line(1))})
        folder = workspace / "landing" / "billing"
        (folder / "folder.csv").mkdir()
        (folder / "subfolder").mkdir()
        os.mkfifo(folder / "fifo.csv")
        (folder / "link.csv").symlink_to(outside)
        (folder / "loop.csv").symlink_to(folder / "loop.csv")
        (folder / "dangling.csv").symlink_to(folder / "nothing.csv")
        (folder / "inside.csv").symlink_to(folder / "good.csv")
        (folder / "device.csv").symlink_to("/dev/zero")
        server = socket.socket(socket.AF_UNIX)
        here = os.open(folder, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/socket.csv")

        manifest = ingest(workspace)

        server.close()
        os.close(here)
        reports = {file["file"]: file for file in manifest["files"]}
        for name, reason in {
            "folder.csv": "not a plain file",
            "subfolder": "not a plain file",
            "fifo.csv": "not a plain file",
            "link.csv": "out of landing",
            "device.csv": "out of landing",
            "socket.csv": "not a plain file",
            "loop.csv": "can't be opened",
            "dangling.csv": "can't be opened",
        }.items():
            assert reports[name]["status"] == "rejected"
            assert reason in reports[name]["reason"]
        assert reports["inside.csv"]["status"] == "known"
        assert ids(workspace) == ["L1"]

    def test_an_exports_folder_must_not_lead_out_of_landing(self, tmp_path: Path) -> None:
        outside = workspace_with(tmp_path / "other", {GOOD_FILE: billing(line(1))})
        workspace = workspace_with(tmp_path / "w", {"members/x.csv": b""})
        (workspace / "landing" / "billing").symlink_to(outside / "landing" / "billing")

        assert "out of landing" in of_file(ingest(workspace), GOOD_FILE)["reason"]

    def test_landing_itself_may_be_a_link(self, tmp_path: Path) -> None:
        outside = workspace_with(tmp_path / "other", {GOOD_FILE: billing(line(1))})
        (tmp_path / "w").mkdir()
        (tmp_path / "w" / "landing").symlink_to(outside / "landing")

        assert of_file(ingest(tmp_path / "w"), GOOD_FILE)["status"] == "accepted"

    def test_an_unreadable_file_is_rejected(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = {"billing/secret.csv": billing(line(1)), GOOD_FILE: billing(line(2))}
        workspace = workspace_with(tmp_path, files)
        (workspace / "landing/billing/secret.csv").chmod(0)
        if os.geteuid() == 0:  # whom permissions don't stop
            monkeypatch.setattr(containers, "os", _Denying("secret.csv"))

        manifest = ingest(workspace)

        assert "Permission denied" in of_file(manifest, "billing/secret.csv")["reason"]
        assert ids(workspace) == ["L2"]

    @pytest.mark.parametrize("when", ["survey", "parse"])
    def test_a_file_that_grows_while_it_is_read_is_rejected_and_taken_when_complete(
        self, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = {"billing/a.csv": billing(line(1)), GOOD_FILE: billing(line(2))}
        workspace = workspace_with(tmp_path, files)
        path = workspace / "landing/billing/a.csv"

        def growing(read: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
            def grown(*arguments: Any) -> Iterator[Any]:
                yield from read(*arguments)
                if path.read_bytes() == files["billing/a.csv"]:
                    path.write_bytes(billing(line(1), line(3)))

            return grown

        if when == "survey":
            monkeypatch.setattr(containers, "_expanded", growing(containers._expanded))
        else:
            monkeypatch.setattr(reading, "utf8_chunks", growing(containers.utf8_chunks))
        manifest = ingest(workspace)
        monkeypatch.undo()
        monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)

        report = of_file(manifest, "billing/a.csv")
        assert report["status"] == "rejected"
        assert "changed while it was read" in report["reason"]
        assert ids(workspace) == ["L2"]
        ingest(workspace)
        assert ids(workspace) == ["L1", "L2", "L3"]

    def test_a_file_that_changes_before_its_conflicts_are_read_again_fails_the_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        conflicting = billing(line(1), line(1, billed_amount="2000"))
        workspace = workspace_with(tmp_path, {GOOD_FILE: conflicting})
        find = Merge.conflicts

        def changed_meanwhile(merge: Merge) -> pa.Table:
            workspace_with(workspace, {GOOD_FILE: conflicting.replace(b"2000", b"3000")})
            return find(merge)

        monkeypatch.setattr(Merge, "conflicts", changed_meanwhile)

        with pytest.raises(RunFailed, match=r"billing/good.csv: it changed after it was read"):
            ingest(workspace)
        assert not (workspace / "staged").exists() or staged(workspace, "billing") == []

    @pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
    def test_a_file_on_a_failing_disk_is_rejected(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = workspace_with(tmp_path, {f"billing/{name}": billing(line(1))})

        class Failing(io.FileIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        monkeypatch.setattr(io, "FileIO", Failing)

        report = of_file(ingest(workspace), f"billing/{name}")

        assert report["status"] == "rejected"
        assert "Input/output error" in report["reason"]

    def test_a_file_of_more_months_than_any_export_has_is_rejected(self, tmp_path: Path) -> None:
        months = [f"{year}-{month:02}" for year in range(2000, 2100) for month in range(1, 13)]
        content = billing(*[line(n, billing_month=month) for n, month in enumerate(months)])
        files = {"billing/months.csv": content, GOOD_FILE: billing(line(1))}

        manifest = ingest(workspace_with(tmp_path, files))

        assert "more than 600 months" in of_file(manifest, "billing/months.csv")["reason"]
        assert of_file(manifest, GOOD_FILE)["status"] == "accepted"

    def test_a_small_file_may_compress_as_well_as_it_likes(self, tmp_path: Path) -> None:
        content = gzip.compress(billing(LINE) + b"\n" * 10_000_000)
        workspace = workspace_with(tmp_path, {"billing/a.csv.gz": content})

        assert of_file(ingest(workspace), "billing/a.csv.gz")["status"] == "accepted"

    def test_a_gzip_file_of_several_members_is_one_file(self, tmp_path: Path) -> None:
        text = billing(*[line(n) for n in range(10)])
        content = gzip.compress(text[:1]) + gzip.compress(text[1:200]) + gzip.compress(text[200:])
        workspace = workspace_with(tmp_path, {"billing/a.csv.gz": content})

        ingest(workspace)

        assert len(ids(workspace)) == 10

    @pytest.mark.parametrize("content", [billing(), parquet_of("billing", [])])
    def test_a_file_without_rows_is_accepted_and_brings_nothing(
        self, content: bytes, tmp_path: Path
    ) -> None:
        name = "billing/none.csv" if content.startswith(b"b") else "billing/none.parquet"
        workspace = workspace_with(tmp_path, {name: content})

        report = of_file(ingest(workspace), name)

        assert report["status"] == "accepted"
        assert not any(report["rows"].values())
        assert of_file(ingest(workspace), name)["status"] == "known"

    def test_a_file_with_nothing_but_bad_rows_is_accepted_if_they_are_few(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(line(1, product="x"))})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert (report["status"], report["rows"]["quarantined"]) == ("accepted", 1)

    def test_columns_may_be_swapped_and_the_wrong_way_round_shows_in_the_rows(
        self, tmp_path: Path
    ) -> None:
        swapped = [HEADER[1], HEADER[0], *HEADER[2:]]
        mislabelled = billing(line(2)).replace(b"product,charge_item", b"charge_item,product")
        files = {"billing/a.csv": billing(line(1), columns=swapped), "billing/b.csv": mislabelled}
        workspace = workspace_with(tmp_path, files)

        ingest(workspace)

        assert ids(workspace) == ["L1"]
        assert reasons_by_line(workspace, "billing") == {
            2: ["charge_item:domain", "product:domain"]
        }

    def test_extra_columns_are_ignored_and_counted(self, tmp_path: Path) -> None:
        text = billing(line(1)).decode().replace("\n", ",x,,한글\n").replace(",x,", ",memo,", 1)
        workspace = workspace_with(tmp_path, {GOOD_FILE: text.encode()})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert (report["status"], report["extra_columns"]) == ("accepted", 3)

    def test_bad_rows_of_parquet_are_quarantined_as_json_under_their_row_number(
        self, tmp_path: Path
    ) -> None:
        good = valid_rows(BILLING, 4, seed=1)
        table = pq.read_table(io.BytesIO(parquet_of("billing", good)))
        amounts = pa.array([1.0, float("nan"), 2.5, float("inf")])
        table = table.set_column(6, "billed_amount", amounts)
        table = table.append_column("note", pa.array([b"\x00", None, b"", b""], pa.binary()))
        table = table.append_column("note", pa.array([1.5, float("nan"), 0.0, 0.0]))
        workspace = workspace_with(tmp_path, {"billing/a.parquet": parquet_bytes(table)})

        report = of_file(ingest(workspace), "billing/a.parquet")

        assert report["extra_columns"] == 2
        found = {row["line"]: row for row in quarantined(workspace, "billing")}
        assert "billed_amount:required" in found[2]["reasons"]
        assert "billed_amount:type" in found[3]["reasons"]
        assert "billed_amount:type" in found[4]["reasons"]
        as_json = json.loads(found[2]["raw_text"], parse_constant=_no_constant)
        assert as_json["billing_line_id"] == good[1]["billing_line_id"]

    def test_days_that_no_calendar_has_cost_their_row(self, tmp_path: Path) -> None:
        table = pq.read_table(io.BytesIO(parquet_of("billing", valid_rows(BILLING, 3))))
        days = pa.array([17_000, 2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32())
        table = table.set_column(8, "due_on", days)
        workspace = workspace_with(tmp_path, {"billing/a.parquet": parquet_bytes(table)})

        ingest(workspace)

        assert reasons_by_line(workspace, "billing") == {2: ["due_on:type"], 3: ["due_on:type"]}

    def test_however_a_parquet_file_is_damaged_the_others_go_on(self, tmp_path: Path) -> None:
        whole = parquet_of("billing", valid_rows(BILLING, 50))
        random_ = random.Random(7)
        files = {GOOD_FILE: billing(line(1))}
        for number in range(150):
            damaged = bytearray(whole)
            for _ in range(random_.choice([1, 4, 64])):
                damaged[random_.randrange(len(damaged))] = random_.randrange(256)
            files[f"billing/d{number}.parquet"] = bytes(damaged)
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace, max_reject_rate=0.0)

        assert "L1" in ids(workspace)
        assert {file["status"] for file in manifest["files"]} >= {"accepted", "rejected"}
        assert totals_tie(manifest)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


class _Denying:
    """The os module for somebody who may not open a file of that name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Path, flags: int) -> int:
        if path.name == self._name:
            raise PermissionError(13, "Permission denied", str(path))
        return os.open(path, flags)


class TestHeldBack:
    """A file with too many rejects is held back whole, and looked at again."""

    FILE = billing(*[line(n, **({"product": "x"} if n < 30 else {})) for n in range(100)])

    def test_nothing_of_it_is_accepted_and_its_rejects_are_there_for_reading(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(
            tmp_path, {"billing/a.csv": self.FILE, GOOD_FILE: billing(line("g"))}
        )

        manifest = ingest(workspace)

        report = of_file(manifest, "billing/a.csv")
        assert report["status"] == "held_back"
        assert "30 of 100 rows" in report["reason"]
        assert report["rows"]["accepted"] == 0
        assert report["rows"]["quarantined"] == 30
        assert totals_tie(manifest)
        assert ids(workspace) == ["Lg"]
        assert len(quarantined(workspace, "billing")) == 30
        assert of_file(ingest(workspace), "billing/a.csv")["status"] == "held_back"

    def test_a_later_run_with_a_higher_rate_takes_it(self, tmp_path: Path) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": self.FILE})
        ingest(workspace)

        report = of_file(ingest(workspace, max_reject_rate=0.3), "billing/a.csv")

        assert (report["status"], report["rows"]["accepted"]) == ("accepted", 70)
        assert len(ids(workspace)) == 70
        assert len(quarantined(workspace, "billing")) == 30
        assert of_file(ingest(workspace), "billing/a.csv")["status"] == "known"

    @pytest.mark.parametrize(
        ("bad", "rows", "rate", "status"),
        [
            (20, 20, 0.05, "accepted"),
            (21, 21, 0.05, "held_back"),
            (21, 420, 0.05, "accepted"),
            (21, 419, 0.05, "held_back"),
            (21, 420, 0.0, "held_back"),
            (21, 21, 1.0, "accepted"),
        ],
    )
    def test_it_takes_more_than_the_rate_and_more_than_twenty(
        self, bad: int, rows: int, rate: float, status: str, tmp_path: Path
    ) -> None:
        lines = [line(n, **({"product": "x"} if n < bad else {})) for n in range(rows)]
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(*lines)})

        assert of_file(ingest(workspace, max_reject_rate=rate), GOOD_FILE)["status"] == status

    def test_conflicts_do_not_count_toward_the_rate(self, tmp_path: Path) -> None:
        lines = [line(n, billed_amount=str(a)) for n in range(50) for a in (1000, 2000)]
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(*lines)})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert report["status"] == "accepted"
        assert report["reasons"] == {"key:conflict": 100}

    def test_two_names_for_one_held_back_file_are_both_held_back(self, tmp_path: Path) -> None:
        workspace = workspace_with(
            tmp_path, {"billing/a.csv": self.FILE, "billing/b.csv": self.FILE}
        )

        manifest = ingest(workspace)

        assert [file["status"] for file in manifest["files"]] == ["held_back"] * 2
        assert {row["file"] for row in quarantined(workspace, "billing")} == {"a.csv"}
        assert len({output["path"] for output in manifest["outputs"]}) == len(manifest["outputs"])


class TestDeliveries:
    """What becomes of a row depends on its key, its revision and its content."""

    def test_the_same_bytes_delivered_again_change_nothing(self, tmp_path: Path) -> None:
        content = billing(line(1), line(2), line(3, product="x"), line(4), line(4, revision="1"))
        workspace = workspace_with(tmp_path, {GOOD_FILE: content})
        first = ingest(workspace)
        before = {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for folder in ("staged", "quarantine")
            for path in (workspace / folder).rglob("*")
            if path.is_file()
        }
        workspace_with(workspace, {"billing/again.csv": content})

        manifest = ingest(workspace)

        assert first["delivery"] == 1
        assert manifest["delivery"] is None
        assert [file["status"] for file in manifest["files"]] == ["known", "known"]
        assert {
            path: (path.stat().st_mtime_ns, path.read_bytes())
            for folder in ("staged", "quarantine")
            for path in (workspace / folder).rglob("*")
            if path.is_file()
        } == before

    def test_the_same_bytes_under_two_names_of_one_delivery_count_once(
        self, tmp_path: Path
    ) -> None:
        content = billing(line(1), line(2, product="x"), line(3), line(3, billed_amount="2000"))
        files = {"billing/a.csv": content, "billing/b.csv": content}
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace)

        assert of_file(manifest, "billing/a.csv")["rows"]["accepted"] == 1
        assert of_file(manifest, "billing/b.csv")["status"] == "known"
        assert len(quarantined(workspace, "billing")) == 3
        assert len({output["path"] for output in manifest["outputs"]}) == len(manifest["outputs"])

    def test_the_same_bytes_in_two_exports_are_two_deliveries(self, tmp_path: Path) -> None:
        shared = {
            "request_id": "R1",
            "subscription_id": "S1",
            "requested_at": "2016-11-03",
            "requested_limit": "100",
            "purchase_id": "P1",
            "customer_id": "C1",
            "purchased_at": "2016-11-03",
            "channel": "partner",
            "amount": "5",
        }
        content = ("\n".join([",".join(shared), ",".join(shared.values())])).encode()
        files = {"limit_requests/a.csv": content, "purchases/a.csv": content}
        workspace = workspace_with(tmp_path, files)

        assert [file["status"] for file in ingest(workspace)["files"]] == ["accepted"] * 2
        assert [file["status"] for file in ingest(workspace)["files"]] == ["known"] * 2

    def test_equal_rows_are_kept_once(self, tmp_path: Path) -> None:
        one, other = billing(line(1), line(1)), billing(line(1), line(2), korean=True)
        workspace = workspace_with(tmp_path, {"billing/a.csv": one, "billing/b.csv": other})

        manifest = ingest(workspace)

        assert ids(workspace) == ["L1", "L2"]
        assert of_file(manifest, "billing/a.csv")["rows"]["duplicate"] == 1
        assert of_file(manifest, "billing/b.csv")["rows"]["duplicate"] == 1
        assert totals_tie(manifest)

    def test_an_equal_row_of_a_later_delivery_is_a_duplicate_and_leaves_the_files_alone(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1), line(2))})
        ingest(workspace)
        before = staged_hashes(workspace)
        workspace_with(workspace, {"billing/b.csv": billing(line(2), line(1), delimiter=";")})

        manifest = ingest(workspace)

        assert of_file(manifest, "billing/b.csv")["rows"]["duplicate"] == 2
        assert staged_hashes(workspace) == before

    def test_missing_optional_values_are_equal_content(self, tmp_path: Path) -> None:
        unpaid = {"collected_amount": "0", "collected_on": ""}
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1, **unpaid))})
        ingest(workspace)
        workspace_with(workspace, {"billing/b.csv": billing(line(1, **unpaid, revision="0"))})

        assert of_file(ingest(workspace), "billing/b.csv")["rows"]["duplicate"] == 1

    def test_conflicting_rows_of_one_delivery_are_all_rejected_whatever_their_files(
        self, tmp_path: Path
    ) -> None:
        files = {
            "billing/a.csv": billing(line(1), line(2)),
            "billing/b.csv": billing(line(3), line(1), line(1, billed_amount="2000")),
        }
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace)

        assert ids(workspace) == ["L2", "L3"]
        found = [(r["file"], r["line"], r["reasons"]) for r in quarantined(workspace, "billing")]
        assert found == [
            ("a.csv", 2, ["key:conflict"]),
            ("b.csv", 3, ["key:conflict"]),
            ("b.csv", 4, ["key:conflict"]),
        ]
        amounts = of_file(manifest, "billing/b.csv")["amounts"]["billed_amount"]
        assert amounts["quarantined"] == 3000
        assert totals_tie(manifest)

    def test_a_row_held_from_an_earlier_delivery_stays_against_other_content(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1), line(2))})
        ingest(workspace)
        before = staged_hashes(workspace)
        later = billing(line(1, billed_amount="2000"), line(1), line(1, billed_amount="3000"))
        workspace_with(workspace, {"billing/b.csv": later})

        rows = of_file(ingest(workspace), "billing/b.csv")["rows"]

        assert (rows["quarantined"], rows["duplicate"], rows["accepted"]) == (2, 1, 0)
        assert staged_hashes(workspace) == before
        assert reasons_by_line(workspace, "billing") == {2: ["key:conflict"], 4: ["key:conflict"]}

    def test_a_conflicting_row_keeps_its_place_and_text_among_the_refused(
        self, tmp_path: Path
    ) -> None:
        lines = [
            line(1, billed_amount="1,000"),
            line(2, product="x"),
            line(1, billed_amount="9000"),
        ]
        parquet = parquet_bytes(pa.Table.from_pylist(lines))
        workspace = workspace_with(
            tmp_path, {"billing/a.csv": billing(*lines), "billing/b.parquet": parquet}
        )

        ingest(workspace)

        found = quarantined(workspace, "billing")
        assert [(row["file"], row["line"]) for row in found] == [
            ("a.csv", 2), ("a.csv", 3), ("a.csv", 4),
            ("b.parquet", 1), ("b.parquet", 2), ("b.parquet", 3),
        ]  # fmt: skip
        assert found[0]["raw_text"] == raw(lines[0])
        assert json.loads(found[5]["raw_text"]) == lines[2]

    def test_the_highest_revision_is_current_and_lower_ones_are_stale(self, tmp_path: Path) -> None:
        lines = [line(1, revision=str(r), billed_amount=f"{5 - r}000") for r in (1, 3, 0, 2)]
        workspace = workspace_with(tmp_path, {GOOD_FILE: billing(*lines)})

        report = of_file(ingest(workspace), GOOD_FILE)

        assert [(r["revision"], r["billed_amount"]) for r in staged(workspace, "billing")] == [
            (3, 2000)
        ]
        assert report["rows"]["stale"] == 3
        assert report["amounts"]["billed_amount"]["stale"] == 12_000
        assert staged(workspace, "billing_history") == []

    def test_a_correction_replaces_the_held_row_which_moves_to_history(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1), line(2))})
        ingest(workspace)
        for delivery, revision in ((2, "1"), (3, "5")):
            changed = line(1, revision=revision, billed_amount=f"{delivery}000")
            workspace_with(workspace, {f"billing/{delivery}.csv": billing(changed)})
            ingest(workspace)

        current = {r["billing_line_id"]: r for r in staged(workspace, "billing")}
        assert (current["L1"]["billed_amount"], current["L1"]["delivery"]) == (3000, 3)
        assert (current["L2"]["billed_amount"], current["L2"]["delivery"]) == (1000, 1)
        history = staged(workspace, "billing_history")
        assert [(r["billed_amount"], r["delivery"], r["replaced_by"]) for r in history] == [
            (1000, 1, 2),
            (2000, 2, 3),
        ]

    def test_a_row_below_the_held_revision_is_stale_even_if_equal_to_a_replaced_one(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1, revision="2"))})
        ingest(workspace)
        workspace_with(workspace, {"billing/b.csv": billing(line(1, revision="1"), line(1))})

        rows = of_file(ingest(workspace), "billing/b.csv")["rows"]

        assert (rows["stale"], rows["accepted"]) == (2, 0)

    def test_a_rejected_row_of_a_higher_revision_makes_no_row_stale(self, tmp_path: Path) -> None:
        content = billing(line(1), line(1, revision="1", product="x"))
        workspace = workspace_with(tmp_path, {GOOD_FILE: content})

        rows = of_file(ingest(workspace), GOOD_FILE)["rows"]

        assert (rows["accepted"], rows["stale"], rows["quarantined"]) == (1, 0, 1)

    def test_a_row_below_a_conflicting_pair_is_stale_and_the_held_row_stays(
        self, tmp_path: Path
    ) -> None:
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(line(1))})
        ingest(workspace)
        pair = [line(1, revision="2", billed_amount=amount) for amount in ("2000", "3000")]
        later = billing(*pair, line(1, revision="1", billed_amount="4000"))
        workspace_with(workspace, {"billing/b.csv": later})

        rows = of_file(ingest(workspace), "billing/b.csv")["rows"]

        assert (rows["quarantined"], rows["stale"], rows["accepted"]) == (2, 1, 0)
        assert [row["revision"] for row in staged(workspace, "billing")] == [0]

    def test_one_line_number_in_two_months_is_two_lines(self, tmp_path: Path) -> None:
        content = billing(line(1), line(1, billing_month="2016-12", billed_amount="2000"))
        workspace = workspace_with(tmp_path, {GOOD_FILE: content})

        assert of_file(ingest(workspace), GOOD_FILE)["rows"]["accepted"] == 2

    def test_a_correction_touches_its_month_only(self, tmp_path: Path) -> None:
        months = [line(1, billing_month=f"2016-{month:02}") for month in range(1, 13)]
        workspace = workspace_with(tmp_path, {"billing/a.csv": billing(*months)})
        ingest(workspace)
        before = staged_hashes(workspace)
        correction = line(1, billing_month="2016-05", revision="1")
        workspace_with(workspace, {"billing/b.csv": billing(correction)})

        ingest(workspace)

        after = staged_hashes(workspace)
        changed = {name for name in after if after[name] != before.get(name)}
        assert changed == {
            "billing/billing_month=2016-05/part-0.parquet",
            "billing_history/billing_month=2016-05/part-0.parquet",
        }

    def test_a_row_that_moves_to_another_month_leaves_its_old_one(self, tmp_path: Path) -> None:
        (flight,) = valid_rows(EXPORTS["flights"], 1)
        flight |= {"flight_date": date(2016, 11, 30), "revision": 0}
        workspace = workspace_with(tmp_path, {"flights/a.csv": csv_of("flights", [flight])})
        ingest(workspace)
        moved = flight | {"flight_date": date(2016, 12, 1), "revision": 1}
        workspace_with(workspace, {"flights/b.csv": csv_of("flights", [moved])})

        ingest(workspace)

        assert [r["flight_date"] for r in staged(workspace, "flights")] == [date(2016, 12, 1)]
        assert [r["flight_date"] for r in staged(workspace, "flights_history")] == [
            date(2016, 11, 30)
        ]

    def test_without_revisions_other_content_in_another_month_is_a_conflict(
        self, tmp_path: Path
    ) -> None:
        (row,) = valid_rows(EXPORTS["promotions"], 1)
        row |= {"expires_on": None, "credited_on": date(2016, 11, 1)}
        workspace = workspace_with(tmp_path, {"promotions/a.csv": csv_of("promotions", [row])})
        ingest(workspace)
        other = row | {"credited_on": date(2016, 12, 1)}
        workspace_with(workspace, {"promotions/b.csv": csv_of("promotions", [other])})

        ingest(workspace)

        assert [r["credited_on"] for r in staged(workspace, "promotions")] == [date(2016, 11, 1)]
        assert reasons_by_line(workspace, "promotions") == {2: ["key:conflict"]}

    def test_the_latest_update_of_a_customer_is_current(self, tmp_path: Path) -> None:
        (customer,) = valid_rows(EXPORTS["members"], 1)
        member = rendered(EXPORTS["members"], customer)
        updates = ["2016-11-03 10:00:01", "2016-11-03 10:00", "2016-11-02", "2016.11.03T10:00:01"]
        rows = [member | {"updated_at": update} for update in updates]
        content = csv_bytes(EXPORTS["members"], rows)

        report = of_file(
            ingest(workspace_with(tmp_path, {"members/a.csv": content})), "members/a.csv"
        )

        rows_ = report["rows"]
        assert (rows_["accepted"], rows_["stale"], rows_["duplicate"]) == (1, 2, 1)

    def test_the_order_of_files_and_rows_of_a_delivery_does_not_matter(
        self, tmp_path: Path
    ) -> None:
        random_ = random.Random(5)
        lines = [
            line(random_.randrange(8), revision=str(random_.randrange(3)), billed_amount=amount)
            for amount in ["1000", "1000", "2000"] * 20
        ]
        outcomes = []
        for trial in range(3):
            random_.shuffle(lines)
            cut = random_.randrange(len(lines))
            files = {"billing/a.csv": billing(*lines[:cut]), "billing/b.csv": billing(*lines[cut:])}
            workspace = workspace_with(tmp_path / str(trial), files)
            manifest = ingest(workspace)
            counts = {
                fate: sum(file["rows"][fate] for file in manifest["files"])
                for fate in manifest["files"][0]["rows"]
            }
            outcomes.append((counts, staged_hashes(workspace)))
            assert totals_tie(manifest)

        assert outcomes[0] == outcomes[1] == outcomes[2]


CONTACTS = ["010-1234-5678", "010 9876 5432", "+82 10 5555 0000"]
ADDRESSES = ["서울시  종로구 1가", "SEOUL Jongno-gu", "부산시 \u1112\u1162운대구"]


def _customers(count: int = 3) -> list[dict[str, str]]:
    customers = EXPORTS["customers"]
    return [
        rendered(customers, row) | {"contact": CONTACTS[n % 3], "address": ADDRESSES[n % 3]}
        for n, row in enumerate(valid_rows(customers, count))
    ]


def _customers_file(rows: list[dict[str, str]], **form: Any) -> bytes:
    return csv_bytes(EXPORTS["customers"], rows, **form)


def _traces(workspace: Path, values: list[str]) -> list[tuple[str, str]]:
    """Where outside landing a value stands in clear: in a file's bytes, or in a Parquet cell."""
    found = []
    for path in sorted(p for p in workspace.rglob("*") if p.is_file()):
        if (workspace / "landing") in path.parents:
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += repr(pq.read_table(path, partitioning=None).to_pydict()).encode()
        found += [(path.name, value) for value in values if value.encode() in content]
    return found


class TestPersonalData:
    """Contacts and addresses are kept as keyed hashes only."""

    PLAIN = ("1234-5678", "12345678", "9876 5432", "98765432", "55550000", "종로구", "Jongno",
             "jongno", "운대구")  # fmt: skip

    def test_they_are_staged_as_the_hmac_of_the_normalised_value(self, tmp_path: Path) -> None:
        rows = _customers()
        workspace = workspace_with(tmp_path, {"customers/a.csv": _customers_file(rows)})

        ingest(workspace)

        def hashed(value: str) -> str:
            return hmac.new(KEY.encode(), value.encode(), "sha256").hexdigest()

        found = {
            r["customer_id"]: (r["contact"], r["address"]) for r in staged(workspace, "customers")
        }
        assert [found[row["customer_id"]] for row in rows] == [
            (hashed("01012345678"), hashed("서울시 종로구 1가")),
            (hashed("01098765432"), hashed("seoul jongno-gu")),
            (hashed("821055550000"), hashed("부산시 해운대구")),
        ]

    def test_equal_values_in_other_spelling_have_equal_hashes(self, tmp_path: Path) -> None:
        (first, second, third) = _customers()
        first |= {"contact": "010-1234-5678", "address": "Seoul Jongno"}
        second |= {"contact": "(010) 1234 5678", "address": "SEOUL \u3000 jongno "}
        third |= {"contact": " ", "address": ""}
        content = _customers_file([first, second, third])
        workspace = workspace_with(tmp_path, {"customers/a.csv": content})

        ingest(workspace)

        found = {
            r["customer_id"]: (r["contact"], r["address"]) for r in staged(workspace, "customers")
        }
        assert found[first["customer_id"]] == found[second["customer_id"]]
        assert found[third["customer_id"]] == (None, None)

    @pytest.mark.parametrize("form", ["csv", "korean", "parquet", "cp949"])
    def test_no_plain_value_is_left_anywhere_outside_landing(
        self, form: str, tmp_path: Path
    ) -> None:
        rows = _customers(40)
        for number in range(0, 12, 3):
            rows[number + 3]["status"] = "gone"
        rows.append(rows[0] | {"joined_on": "2016-01-01"})
        if form == "parquet":
            name, content = "customers/a.parquet", parquet_bytes(pa.Table.from_pylist(rows))
        else:
            name = "customers/a.csv"
            content = _customers_file(
                rows, korean=form != "csv", encoding="cp949" if form == "cp949" else "utf-8"
            ) if form != "cp949" else _customers_file(
                [{k: v.replace("\u1112\u1162", "해") for k, v in row.items()} for row in rows],
                korean=True, encoding="cp949",
            )  # fmt: skip
            lines = content.splitlines(keepends=True)
            content += lines[5].replace(b",", b",,", 1) + b'"' + lines[6]
            content += lines[7].rsplit(b",", 1)[0] + b"\n"
            content += lines[8].replace(b"1", b"1\xff")
        workspace = workspace_with(tmp_path, {name: content})

        manifest = ingest(workspace, max_reject_rate=1.0)

        rejected = quarantined(workspace, "customers")
        assert of_file(manifest, name)["status"] == "accepted"
        assert len(rejected) == (6 if form == "parquet" else 10)
        assert all("***" in row["raw_text"] for row in rejected)
        unsplit = [row["raw_text"] for row in rejected if row["reasons"] == ["row:format"]]
        assert unsplit == ["***"] * (0 if form == "parquet" else 4)
        assert _traces(workspace, list(self.PLAIN)) == []

    def test_only_personal_columns_of_a_refused_row_are_masked(self, tmp_path: Path) -> None:
        rows = _customers(2)
        rows[0] |= {"status": "gone", "contact": 'a "quoted", one', "address": ""}
        workspace = workspace_with(tmp_path, {"customers/a.csv": _customers_file(rows)})

        ingest(workspace)

        (row,) = quarantined(workspace, "customers")
        expected = rows[0] | {"contact": "MASK", "address": "***"}
        text = _customers_file([expected]).decode().splitlines()[1]
        assert row["raw_text"] == text.replace("MASK", '"***"')

    def test_held_back_files_are_masked_too(self, tmp_path: Path) -> None:
        rows = [row | {"status": "gone"} for row in _customers(30)]
        workspace = workspace_with(tmp_path, {"customers/a.csv": _customers_file(rows)})

        assert of_file(ingest(workspace), "customers/a.csv")["status"] == "held_back"
        assert _traces(workspace, list(self.PLAIN)) == []

    def test_without_a_key_nothing_is_ingested(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files = {"customers/a.csv": _customers_file(_customers()), GOOD_FILE: billing(line(1))}
        workspace = workspace_with(tmp_path, files)
        for value in (None, ""):
            if value is None:
                monkeypatch.delenv("POINTBOOK_PII_KEY")
            else:
                monkeypatch.setenv("POINTBOOK_PII_KEY", value)
            with pytest.raises(WrongUsage, match="POINTBOOK_PII_KEY is not set"):
                ingest(workspace)
        assert staged(workspace, "billing") == []
        ingest(workspace, "billing")
        assert ids(workspace) == ["L1"]

    def test_another_key_than_the_workspaces_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workspace = workspace_with(tmp_path, {"customers/a.csv": _customers_file(_customers())})
        ingest(workspace)
        workspace_with(workspace, {GOOD_FILE: billing(line(1))})
        ingest(workspace, "billing")
        monkeypatch.setenv("POINTBOOK_PII_KEY", "another key of tests")

        with pytest.raises(NotReady, match="not the key of this workspace"):
            ingest(workspace)
        assert _traces(workspace, [KEY]) == []


def test_an_unknown_export_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no export is called bills"):
        ingest(tmp_path, "bills")


def test_what_lies_beside_the_exports_folders_is_reported(tmp_path: Path) -> None:
    files = {"bills/a.csv": b"", "readme.txt": b"", GOOD_FILE: billing(line(1))}
    workspace = workspace_with(tmp_path, files)
    (workspace / "landing" / "members").write_bytes(b"")

    assert ingest(workspace)["strangers"] == ["bills", "members", "readme.txt"]


@pytest.mark.parametrize("export", EXPORTS)
def test_every_export_stages_its_valid_rows_as_they_are(export: str, tmp_path: Path) -> None:
    rows = valid_rows(EXPORTS[export], 60, seed=3)
    workspace = workspace_with(tmp_path, {f"{export}/a.csv": csv_of(export, rows)})

    report = of_file(ingest(workspace), f"{export}/a.csv")

    assert report["rows"]["accepted"] == len(rows)
    personal = set(EXPORTS[export].personal)
    assert sorted(map(_plain(personal), staged(workspace, export)), key=str) == sorted(
        map(_plain(personal), rows), key=str
    )


def _plain(personal: set[str]) -> Callable[[Row], Row]:
    left_out = personal | {"delivery", "month"}
    return lambda row: {k: v for k, v in sorted(row.items()) if k not in left_out}
