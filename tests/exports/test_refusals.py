"""What is told of rows and files that were not taken in: how to mend them, nothing personal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.calendar.backfills import backfills
from flows.calendar.status import workspace_status
from flows.console import summary
from flows.console.errors import HeldBack
from flows.deliveries.check import check_files
from flows.deliveries.ingest import raise_if_held_back
from flows.publishing.options import Options
from flows.publishing.workspace import Workspace
from schemas.exports import EXPORTS
from tests.commands_in_tests import run_calendar
from tests.support import (
    KEY,
    csv_of,
    ingest,
    of_file,
    parquet_bytes,
    quarantined,
    reasons_by_line,
    rendered,
    staged,
    valid_rows,
    workspace_with,
)
from transforms.exports.reading import Batch, Reader

PURCHASES = "purchase_id,customer_id,purchased_at,channel,amount"
GOOD = f"{PURCHASES}\nP1,C1,2016-11-03,partner,1000\n".encode()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)


def refused_in_status(workspace: Path) -> list[tuple[str, str]]:
    found = workspace_status(Options(workspace=workspace))["refused"]
    return [(f"{file['export']}/{file['name']}", file["status"]) for file in found]


class TestFiles:
    def test_an_error_that_nobody_foresaw_ends_one_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = Reader.batches

        def failing(reader: Reader) -> Iterator[Batch]:
            for batch in read(reader):
                if reader.name == "bad.csv":
                    raise ZeroDivisionError("010-1234-5678")
                yield batch

        monkeypatch.setattr(Reader, "batches", failing)
        files = {"purchases/bad.csv": GOOD.replace(b"P1", b"P2"), "purchases/good.csv": GOOD}
        workspace = workspace_with(tmp_path, files)

        manifest = ingest(workspace)

        reason = of_file(manifest, "purchases/bad.csv")["reason"]
        assert reason.startswith("an error that nobody foresaw: ZeroDivisionError in test_refusals")
        assert "010" not in reason
        assert [row["purchase_id"] for row in staged(workspace, "purchases")] == ["P1"]

    def test_a_full_disk_is_no_files_fault(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(reader: Reader) -> Iterator[Batch]:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Reader, "batches", full)

        with pytest.raises(Exception, match="No space left"):
            ingest(workspace_with(tmp_path, {"purchases/a.csv": GOOD}))

    def test_a_rejected_file_is_named_until_it_is_mended_or_gone(self, tmp_path: Path) -> None:
        bad = {"purchases/a.csv": b"no header\n", "purchases/b.csv": b"", "members/c.pdf": b"%PDF"}
        workspace = workspace_with(tmp_path, bad | {"purchases/good.csv": GOOD})

        with pytest.raises(HeldBack, match=r"rejected whole: purchases/a.csv: .*members/c.pdf: "):
            raise_if_held_back(ingest(workspace))
        assert sorted(name for name, _ in refused_in_status(workspace)) == [
            "members/c.pdf",
            "purchases/a.csv",
            "purchases/b.csv",
        ]

        workspace_with(workspace, {"purchases/a.csv": GOOD.replace(b"P1", b"P2")})
        (workspace / "landing/purchases/b.csv").unlink()
        raise_if_held_back(ingest(workspace, "purchases"))
        assert refused_in_status(workspace) == [("members/c.pdf", "rejected")]
        (workspace / "landing/members/c.pdf").unlink()
        assert refused_in_status(workspace) == []
        assert len(staged(workspace, "purchases")) == 2

    def test_a_run_goes_on_beside_a_rejected_file_and_ends_with_its_exit_code(
        self, tmp_path: Path
    ) -> None:
        files = {"purchases/good.csv": GOOD, "purchases/bad.csv": b"x\n"}
        workspace = workspace_with(tmp_path, files)

        manifest = run_calendar(Options(workspace=workspace), "2016-11", "2016-11")

        assert manifest["skipped"]
        assert [backfill["exit"] for backfill in backfills(Workspace(workspace))] == [3]
        with pytest.raises(HeldBack, match="rejected whole: purchases/bad"):
            raise_if_held_back(manifest["ingest"])

    def test_a_file_that_was_held_back_is_named(self, tmp_path: Path) -> None:
        rows = "".join(f"P{n},C1,2016-11-03,shop,1000\n" for n in range(30))
        content = f"{PURCHASES}\n{rows}".encode()
        workspace = workspace_with(tmp_path, {"purchases/a.csv": content})

        with pytest.raises(
            HeldBack, match=r"held back for too many rejected rows: purchases/a\.csv"
        ):
            raise_if_held_back(ingest(workspace))
        assert refused_in_status(workspace) == [("purchases/a.csv", "held_back")]

    def test_a_file_of_conflicts_alone_says_what_would_mend_it(self, tmp_path: Path) -> None:
        lines = csv_of("billing", valid_rows(EXPORTS["billing"], 2))
        workspace = workspace_with(tmp_path, {"billing/a.csv": lines})
        raise_if_held_back(ingest(workspace))
        rows = [row | {"billed_amount": 2**40} for row in valid_rows(EXPORTS["billing"], 2)]
        workspace_with(workspace, {"billing/b.csv": csv_of("billing", rows)})

        for _ in range(2):  # it was not delivered, so it is looked at again
            with pytest.raises(
                HeldBack, match=r"every row of billing/b.csv .*needs a higher revision"
            ):
                raise_if_held_back(ingest(workspace))
            assert refused_in_status(workspace) == [("billing/b.csv", "conflicts")]

        (workspace / "landing" / "billing" / "b.csv").unlink()
        raise_if_held_back(ingest(workspace))
        assert refused_in_status(workspace) == []

    def test_one_of_two_files_in_conflict_comes_in_without_the_other(self, tmp_path: Path) -> None:
        rows = [row | {"billed_amount": 2**40} for row in valid_rows(EXPORTS["billing"], 2)]
        files = {
            "billing/a.csv": csv_of("billing", valid_rows(EXPORTS["billing"], 2)),
            "billing/b.csv": csv_of("billing", rows),
        }
        workspace = workspace_with(tmp_path, files)
        with pytest.raises(HeldBack, match=r"every row of billing/a.csv .*every row of billing/b"):
            raise_if_held_back(ingest(workspace))

        (workspace / "landing" / "billing" / "b.csv").unlink()
        manifest = ingest(workspace)
        raise_if_held_back(manifest)
        assert manifest["files"][0]["rows"]["accepted"] == 2


class TestWhatIsPrinted:
    def printed(self, found: dict[str, Any], kind: str, capsys: pytest.CaptureFixture[str]) -> str:
        summary.print_summary(kind, found, None, {})
        return " ".join(capsys.readouterr().out.split())

    def test_a_value_in_no_list_is_told_with_those_allowed(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = "".join(f"Q{n},C1,2016-11-03,{'shop' if n else 'store'},1\n" for n in range(3))
        content = GOOD + rows.encode()
        workspace = workspace_with(tmp_path, {"purchases/a\x1b[2J.csv": content})

        for kind, found in (
            ("ingest", ingest(workspace)),
            ("check", check_files(Options(), list((workspace / "landing").rglob("*.csv")))),
        ):
            text = self.printed(found, kind, capsys)
            assert (
                "channel:domain: shop 2, store 1; allowed: official_shop 공식몰, partner 제휴사"
                in text
            )
            assert "\x1b" not in text
        assert "would be accepted without 3 rejected rows" in text

    def test_a_file_without_a_good_row_is_not_called_accepted(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "purchases.csv"
        path.write_bytes(GOOD.replace(b"partner", b"shop"))

        text = self.printed(check_files(Options(), [path]), "check", capsys)

        assert "would be delivered, but no row of it accepted" in text

    def test_a_column_near_a_missing_one_and_undecodable_rows_are_told(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        header = "payment_id,subscription_id,requested_at,merchant,category,amount,수수료(원)"
        rows = "".join(f"P{n},S1,2016-11-03,가게,shopping,1000,7\n" for n in range(3)).encode()
        content = f"제목\n{header}\n".encode() + rows + b"P9,S1,2016-11-03,\xff,shopping,1,7\n"
        workspace = workspace_with(tmp_path, {"micropayments/a.csv": content})

        text = self.printed(ingest(workspace), "ingest", capsys)

        assert "its column 수수료(원) is not read; if it is platform_fee, name it so" in text
        assert "1 rows don't decode as utf-8" in text
        assert "1 lines above its header are no rows" in text


PERSONAL = ("김가나", "010-3333-4444", "kim@example.kr", "0103333", "서울", "종로")


FORMS = ("csv", "parquet", "parquet of large text", "parquet of dictionaries")


class TestPersonal:
    def customer(self, **changes: str) -> dict[str, str]:
        (row,) = valid_rows(EXPORTS["customers"], 1)
        values = {"status": "active", "joined_on": "2010-01-02", "terminated_on": ""}
        personal = {"contact": "010-3333-4444", "address": "서울 종로구 1"}
        return rendered(EXPORTS["customers"], row) | values | personal | changes

    def delivered(self, folder: Path, rows: list[dict[str, str]], form: str) -> list[str]:
        """The raw texts in quarantine of a file with these rows."""
        names = list(rows[0])
        if form != "csv":
            table = pa.Table.from_pylist(rows)
            if form == "parquet of large text":
                table = table.cast(pa.schema([(name, pa.large_string()) for name in names]))
            if form == "parquet of dictionaries":
                columns = [column.dictionary_encode() for column in table.columns]
                table = pa.table(columns, names)
            content = parquet_bytes(table)
        else:
            lines = [names, *([row[name] for name in names] for row in rows)]
            content = "".join(",".join(line) + "\n" for line in lines).encode()
        file = f"customers/a.{form.split()[0]}"
        ingest(workspace_with(folder, {file: content}), max_reject_rate=1.0)
        return [row["raw_text"] for row in quarantined(folder, "customers")]

    @pytest.mark.parametrize("form", ["csv", "parquet"])
    def test_unknown_columns_are_masked(self, form: str, tmp_path: Path) -> None:
        extra = {"고객명": "김가나", "휴대폰": "010-3333-4444", "email": "kim@example.kr"}

        (text,) = self.delivered(tmp_path, [self.customer(joined_on="2010-13-02") | extra], form)

        assert not [value for value in PERSONAL if value in text]
        assert "2010-13-02" in text
        assert "active" in text

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize(
        "contact",
        [
            "010-3333-4444",
            "01033334444",
            "+82 10 3333 4444",
            "0103333-4444",
            "kim@example.kr",
            "3333-4444",
        ],
    )
    def test_a_shifted_row_shows_no_personal_value(
        self, contact: str, form: str, tmp_path: Path
    ) -> None:
        row = self.customer(contact=contact)
        names, values = list(row), list(row.values())
        shifted = [
            dict(zip(names, [*values[1:], ""], strict=True)),
            dict(zip(names, ["", *values[:-1]], strict=True)),
            dict(zip(names, values[3:] + values[:3], strict=True)),
            dict(zip(names, values[4:] + values[:4], strict=True)),
        ]

        texts = self.delivered(tmp_path, shifted, form)

        assert len(texts) == len(shifted)
        for text in texts:
            assert not [value for value in (*PERSONAL, contact) if value in text], text

    def test_values_of_a_shifted_row_are_in_no_list_of_values_told(self, tmp_path: Path) -> None:
        rows = [self.customer(status="김가나"), self.customer(status="gone")]
        text = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])
        manifest = ingest(workspace_with(tmp_path, {"customers/a.csv": text.encode()}))

        (file,) = manifest["files"]
        assert file["unlisted_values"]["status:domain"]["values"] == {"***": 1, "gone": 1}

    def test_a_contact_may_be_of_full_width_digits(self, tmp_path: Path) -> None:
        rows = [self.customer(customer_id="C1", contact="０１０－３３３３－４４４４"),
                self.customer(customer_id="C2")]  # fmt: skip
        text = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)])
        ingest(workspace_with(tmp_path, {"customers/a.csv": text.encode()}))

        contacts = {row["contact"] for row in staged(tmp_path, "customers")}
        assert len(contacts) == 1
        assert None not in contacts


@pytest.mark.parametrize("word", ["NULL", "null", "NaN", "nan", "None", "-", "\\N", "N/A", "#N/A"])
def test_a_word_for_null_is_no_id_and_no_number(word: str, tmp_path: Path) -> None:
    header = "redemption_id,customer_id,used_at,benefit,partner,points,cancels"
    rows = [
        f"R1,{word},2016-11-03,partner_discount,CAFE,500,",
        f"R2,C1,2016-11-03,partner_discount,CAFE,500,{word}",
        f"R3,C1,{word},partner_discount,{word},{word},",
        f"R4,C1,2016-11-03,partner_discount,{word},500,",
    ]
    workspace_with(tmp_path, {"redemptions/a.csv": "\n".join([header, *rows]).encode()})

    ingest(tmp_path)

    assert reasons_by_line(tmp_path, "redemptions") == {
        2: ["customer_id:format"],
        3: ["cancels:format"],
        4: ["points:type", "used_at:type"],
    }
    assert [row["partner"] for row in staged(tmp_path, "redemptions")] == [word]


def test_an_airport_may_be_called_nan_and_a_carrier_na(tmp_path: Path) -> None:
    (row,) = valid_rows(EXPORTS["award_requests"], 1)
    good = row | {"request_id": "R1", "origin": "NAN", "destination": "ICN"}
    bad = row | {"request_id": "R2", "origin": "NaN", "destination": "ICN"}
    workspace_with(tmp_path, {"award_requests/a.csv": csv_of("award_requests", [good, bad])})

    ingest(tmp_path)

    assert reasons_by_line(tmp_path, "award_requests") == {3: ["origin:format"]}
