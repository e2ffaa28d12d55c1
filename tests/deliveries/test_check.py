"""`pointbook ingest --check`: what an operator does with a new supplier's file."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.console import summary
from flows.console.errors import HeldBack, WrongUsage
from flows.console.terminal import shown
from flows.deliveries.check import check_files, raise_if_refused
from flows.publishing.options import Options
from schemas.exports import EXPORTS
from tests.support import (
    Row,
    csv_bytes,
    csv_of,
    ingest,
    of_file,
    parquet_bytes,
    parquet_of,
    rendered,
    valid_rows,
    workspace_with,
)

POINTBOOK = str(Path(sys.executable).with_name("pointbook"))


@pytest.fixture(autouse=True)
def _without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POINTBOOK_PII_KEY")


def dropped(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """The files in a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def check(paths: Sequence[Path], export: str | None = None, **options: Any) -> list[dict[str, Any]]:
    """What a check says of the files."""
    found = check_files(Options(**options), paths, export)
    json.dumps(found)
    return list(found["files"])


def printed(found: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What a check prints for people."""
    summary.print_summary("check", found, None, {})
    return capsys.readouterr().out


def with_bad(export: str, count: int, bad: int, **broken: str) -> list[dict[str, str]]:
    """Rendered rows of which the last ones have the broken cells."""
    declared = EXPORTS[export]
    rows = [rendered(declared, row) for row in valid_rows(declared, count)]
    return [*rows[: count - bad], *(row | broken for row in rows[count - bad :])]


def billing(bad: int = 0, count: int = 100, **form: Any) -> bytes:
    """A billing file with some bad amounts."""
    return csv_bytes(EXPORTS["billing"], with_bad("billing", count, bad, due_on="soon"), **form)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("korean", [False, True], ids=["English", "Korean"])
def test_the_header_tells_the_export(tmp_path: Path, export: str, korean: bool) -> None:
    content = csv_of(export, valid_rows(EXPORTS[export], 3), korean=korean)
    (file,) = check(dropped(tmp_path, {"new.csv": content}))
    assert (file["export"], file["export_told_by"]) == (export, "header")
    assert file["header_language"] == ("Korean" if korean else "English")
    assert file["columns"] == {
        "found": list(EXPORTS[export].columns),
        "missing_optional": [],
        "extra": [],
    }
    assert (file["status"], file["rows"]["accepted"]) == ("accepted", 3)


def test_the_required_columns_alone_tell_the_export(tmp_path: Path) -> None:
    billing_ = EXPORTS["billing"]
    rows = [rendered(billing_, row) for row in valid_rows(billing_, 3)]
    content = csv_bytes(billing_, rows, columns=billing_.required)
    (file,) = check(dropped(tmp_path, {"new.csv": content}))
    assert file["export"] == "billing"
    assert file["columns"]["missing_optional"] == ["collected_on", "revision"]


def test_parquet_columns_tell_the_export(tmp_path: Path) -> None:
    rows = valid_rows(EXPORTS["flights"], 5)
    (file,) = check(dropped(tmp_path, {"new.parquet": parquet_of("flights", rows)}))
    assert (file["export"], file["container"], file["encoding"]) == ("flights", "parquet", None)
    assert file["status"] == "accepted"


def test_the_folder_tells_before_the_header_and_the_option_before_both(tmp_path: Path) -> None:
    content = csv_of("members", valid_rows(EXPORTS["members"], 3))
    (path,) = dropped(tmp_path, {"flights/new.csv": content})
    (file,) = check([path])
    assert (file["export"], file["export_told_by"]) == ("flights", "folder")
    assert (file["status"], "lacks the required column" in file["reason"]) == ("rejected", True)
    (file,) = check([path], "members")
    assert (file["export"], file["export_told_by"]) == ("members", "option")
    assert file["status"] == "accepted"


def test_a_header_of_no_export_is_refused_and_the_line_says_what_to_do(tmp_path: Path) -> None:
    paths = dropped(tmp_path, {"a.csv": b"one,two\n1,2\n", "b.csv": billing()})
    first, second = check(paths)
    assert (first["status"], first["export"]) == ("rejected", None)
    assert "--export" in first["reason"]
    assert second["status"] == "accepted"


def test_a_header_that_suits_two_exports_alike_is_refused(tmp_path: Path) -> None:
    names = [
        *EXPORTS["purchases"].columns,
        *(name for name in EXPORTS["members"].columns if name != "customer_id"),
        "extra_1",
    ]
    known = {name: len(EXPORTS[name].columns) for name in ("purchases", "members")}
    assert known["purchases"] > known["members"]
    content = (",".join(names) + "\n").encode()
    (file,) = check(dropped(tmp_path, {"both.csv": content}))
    assert file["export"] == "purchases"

    names = [*EXPORTS["micropayments"].columns, *EXPORTS["refund_applications"].columns]
    content = (",".join(dict.fromkeys(names)) + "\n").encode()
    (file,) = check(dropped(tmp_path, {"tie.csv": content}))
    assert file["export"] is None
    assert "refund_applications and micropayments alike; say which with --export" in file["reason"]


def test_form_and_columns_are_told(tmp_path: Path) -> None:
    text = billing(korean=True, delimiter=";", encoding="cp949").decode("cp949")
    lines = text.splitlines()
    lines = [f"{line};{'비고' if number == 0 else 'x'}" for number, line in enumerate(lines)]
    lines[0] = lines[0].replace("청구금액", "Billed_Amount")
    content = gzip.compress("\r\n".join(lines).encode("cp949"))
    (file,) = check(dropped(tmp_path, {"new.TXT.gz": content}))
    assert (file["container"], file["compression"]) == ("text", "gzip")
    assert (file["encoding"], file["delimiter"]) == ("cp949", ";")
    assert file["header_language"] == "mixed"
    assert file["columns"]["extra"] == ["비고"]


def test_reasons_come_with_counts_and_first_examples(tmp_path: Path) -> None:
    rows = with_bad("billing", 60, 5, due_on="soon")
    rows[-1]["customer_id"] = "no good"
    content = csv_bytes(EXPORTS["billing"], rows)
    (file,) = check(dropped(tmp_path, {"new.csv": content}))
    assert file["rows"] == {
        "delivered": 60,
        "accepted": 55,
        "duplicate": 0,
        "stale": 0,
        "quarantined": 5,
        "held_back": 0,
    }
    assert file["rejected_share"] == pytest.approx(5 / 60, abs=1e-4)
    lines = content.decode().splitlines()
    by_reason = {found["reason"]: found for found in file["reasons"]}
    assert [found["rows"] for found in file["reasons"]] == [5, 1]
    assert by_reason["due_on:type"]["examples"] == [
        {"line": number, "raw_text": lines[number - 1]} for number in (57, 58, 59)
    ]
    assert [e["line"] for e in by_reason["customer_id:format"]["examples"]] == [61]


def test_a_rare_reason_behind_thousands_of_others_has_its_example(tmp_path: Path) -> None:
    rows = with_bad("billing", 9_000, 9_000, due_on="soon")
    rows[-1]["customer_id"] = "no good"
    (file,) = check(dropped(tmp_path, {"new.csv": csv_bytes(EXPORTS["billing"], rows)}))
    (rare,) = [found for found in file["reasons"] if found["reason"] == "customer_id:format"]
    assert [example["line"] for example in rare["examples"]] == [9_001]


def test_a_file_is_held_back_as_ingest_would(tmp_path: Path) -> None:
    paths = dropped(tmp_path, {"billing/few.csv": billing(20), "billing/many.csv": billing(21)})
    few, many = check(paths)
    assert (few["status"], many["status"]) == ("accepted", "held_back")
    assert "more than 5.0%" in many["reason"]
    assert many["rows"]["held_back"] == 79
    assert len(many["reasons"][0]["examples"]) == 3
    assert [file["status"] for file in check(paths, max_reject_rate=0.5)] == ["accepted"] * 2


def test_duplicates_and_conflicts_among_the_files_are_told(tmp_path: Path) -> None:
    rows = valid_rows(EXPORTS["members"], 10)
    other = rows[0] | {"enrolled_on": rows[0]["enrolled_on"].replace(year=2001)}
    paths = dropped(
        tmp_path,
        {
            "a.csv": csv_of("members", rows),
            "b.parquet": parquet_of("members", [other, rows[1]]),
            "same.csv": csv_of("members", rows),
        },
    )
    first, second, same = check(paths)
    assert (first["rows"]["accepted"], first["rows"]["quarantined"]) == (9, 1)
    assert (second["rows"]["duplicate"], second["rows"]["quarantined"]) == (1, 1)
    (conflict,) = first["reasons"]
    assert (conflict["reason"], conflict["examples"][0]["line"]) == ("key:conflict", 2)
    assert (same["status"], same["rows"]["delivered"]) == ("known", 0)


def test_personal_data_is_compared_without_a_key_and_masked(tmp_path: Path) -> None:
    row: Row = valid_rows(EXPORTS["refund_applications"], 1)[0] | {"contact": "010-1234-5678"}
    rows = [row, row | {"contact": "010 1234 5678"}, row | {"address": "elsewhere"}]
    bad = row | {"points": -1, "application_id": "bad", "contact": "010-9999-9999"}
    content = csv_of("refund_applications", [*rows, bad])
    (file,) = check(dropped(tmp_path, {"new.csv": content}))
    assert {found["reason"]: found["rows"] for found in file["reasons"]} == {
        "key:conflict": 3,
        "points:range": 1,
    }
    assert "1234" not in json.dumps(file)
    assert "9999" not in json.dumps(file)
    assert "***" in file["reasons"][0]["examples"][0]["raw_text"]


def test_a_check_says_what_ingest_then_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = valid_rows(EXPORTS["billing"], 40)
    files = {
        "billing/a.csv": csv_of("billing", [*rows, rows[0] | {"revision": 9}]),
        "billing/b.csv": csv_of("billing", [rows[1], rows[2] | {"customer_id": "another"}]),
        "billing/c.csv": billing(30),
        "billing/d.csv": b"not an export\n",
        "customers/e.csv": csv_bytes(
            EXPORTS["customers"], with_bad("customers", 20, 3, joined_on="x")
        ),
    }
    told = check(dropped(tmp_path / "mail", files))
    monkeypatch.setenv("POINTBOOK_PII_KEY", "some key of tests")
    manifest = ingest(workspace_with(tmp_path / "workspace", files))
    for name, file in zip(files, told, strict=True):
        done = of_file(manifest, name)
        same = ("status", "reason", "sha256", "encoding", "delimiter", "rows", "amounts")
        assert {key: file[key] for key in same} == {key: done[key] for key in same}
        counts = {found["reason"]: found["rows"] for found in file["reasons"]}
        assert counts == done["reasons"]


@pytest.mark.parametrize("name", ["new.xlsx", "new", "folder.csv", "pipe.csv", "empty.csv"])
def test_what_can_not_be_read_would_be_rejected(tmp_path: Path, name: str) -> None:
    path = tmp_path / "billing" / name
    path.parent.mkdir()
    if name == "folder.csv":
        path.mkdir()
    elif name == "pipe.csv":
        os.mkfifo(path)
    else:
        path.write_bytes(b"")
    for export in (None, "members"):
        (file,) = check([path], export)
        assert file["status"] == "rejected"
        assert file["reason"]
    (path.parent.parent / "elsewhere").mkdir()
    path = path.rename(path.parent.parent / "elsewhere" / name)
    (file,) = check([path])
    assert (file["status"], file["export"]) == ("rejected", None)


def test_a_folder_of_part_files_is_checked_and_what_is_left_out_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {f"billing/out.csv/part-{n}": billing() for n in range(2)}
    litter = {"billing/out.csv/_SUCCESS": b"", "billing/out.csv/.part-0.crc": b"x"}
    dropped(tmp_path, parts | litter)

    found = check_files(Options(), [tmp_path / "billing/out.csv"])

    assert [file["export"] for file in found["files"]] == ["billing", "billing"]
    assert [file["status"] for file in found["files"]] == ["accepted", "known"]
    assert [Path(name).name for name in found["left_out"]] == [".part-0.crc", "_SUCCESS"]
    assert "left out, as no deliveries" in printed(found, capsys)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (path,) = dropped(tmp_path, {"store/blob": billing()})
    link = tmp_path / "new.csv"
    link.symlink_to(path)
    assert check([link])[0]["status"] == "accepted"


def test_missing_files_are_wrong_usage_and_so_is_no_file(tmp_path: Path) -> None:
    (path,) = dropped(tmp_path, {"a.csv": billing()})
    with pytest.raises(WrongUsage, match=r"no such file: .*gone\.csv"):
        check([path, tmp_path / "gone.csv"])
    with pytest.raises(WrongUsage, match="name at least one"):
        check([])
    with pytest.raises(WrongUsage, match="no export is called bills"):
        check([path], "bills")


def test_a_whole_file_refused_counts_more_than_one_held_back(tmp_path: Path) -> None:
    good, held, bad = dropped(
        tmp_path, {"good.csv": billing(), "held.csv": billing(60), "bad.csv": b"x\n"}
    )
    options = Options()
    raise_if_refused(check_files(options, [good]))
    with pytest.raises(HeldBack, match=r"held\.csv.*--max-reject-rate"):
        raise_if_refused(check_files(options, [good, held]))
    with pytest.raises(HeldBack, match=r"rejected whole: .*bad\.csv: its header suits no export"):
        raise_if_refused(check_files(options, [good, held, bad]))


def test_nothing_in_a_file_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[2J\x07\x9b31m\u202egnp\b"
    rows = with_bad("billing", 30, 2, customer_id=f"[bold]{evil}", due_on=":boom:")
    content = csv_bytes(EXPORTS["billing"], rows)
    head, _, rest = content.partition(b"\n")
    body = b"".join(line + b",\n" for line in rest.splitlines())
    name = "[red]\x1b[2J\udcff:boom:\n.csv"
    paths = dropped(tmp_path, {name: head + f",no{evil}te\n".encode() + body})
    found = check_files(Options(), paths)
    for text in (printed(found, capsys), json.dumps(found, ensure_ascii=False)):
        assert not {char for char in text if not char.isprintable() and char not in "\n "}
        assert "[bold]" in text
        assert ":boom:" in text
        text.encode("utf-8")
    summary.print_json(found)


def test_a_long_row_is_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = with_bad("billing", 30, 1, customer_id="x" * 100_000)
    paths = dropped(tmp_path, {"new.csv": csv_bytes(EXPORTS["billing"], rows)})
    found = check_files(Options(), paths)
    assert len(found["files"][0]["reasons"][0]["examples"][0]["raw_text"]) == 160
    assert max(map(len, printed(found, capsys).splitlines())) <= 120


@pytest.mark.parametrize(
    ("text", "width", "safe"),
    [
        ("plain 가나", None, "plain 가나"),
        ("a\x1b\tb\n", None, r"a\x1b\tb\n"),
        ("\x00" * 9, 8, "\\x00\\x0…"),
        ("abcdef", 5, "abcd…"),
        ("abcde", 5, "abcde"),
    ],
)
def test_text_is_shown_safely(text: str, width: int | None, safe: str) -> None:
    assert shown(text, width) == safe


def test_the_check_prints_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = dropped(
        tmp_path,
        {
            "new.tsv": billing(2, delimiter="\t"),
            "same.tsv": billing(2, delimiter="\t"),
            "worse.csv": b"",
        },
    )
    text = printed(check_files(Options(), paths), capsys)
    for words in (
        "new.tsv: would be accepted",
        "billing (told by its header)",
        "text, utf-8, delimiter tab",
        "English, 11 known columns",
        "100 delivered, 98 good, 0 duplicate, 0 stale, 2 rejected (2.00%)",
        "due_on:type",
        "same.tsv: has the same bytes as a file before it",
        "worse.csv: would be rejected whole: empty",
    ):
        assert words in " ".join(text.split()) or words in text, words


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The installed command, in a folder of its own, without a key and without a workspace."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "POINTBOOK_"))
    }
    return subprocess.run(
        [POINTBOOK, "ingest", "--check", *map(str, words)],
        cwd=folder,
        env=kept | {"POINTBOOK_WORKSPACE": str(folder / "workspace")},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_the_command_leaves_nothing_behind_and_prints_json(tmp_path: Path) -> None:
    customers = csv_of("customers", valid_rows(EXPORTS["customers"], 5))
    dropped(tmp_path, {"customers.csv": customers, "bills.csv": billing(30)})
    done = run(tmp_path, "customers.csv", "bills.csv", "--json")
    assert done.returncode == 3
    *progress, error = done.stderr.splitlines()
    assert error.startswith("pointbook: would be held back")
    assert all(line.endswith(" …") for line in progress)
    statuses = {file["file"]: file["status"] for file in json.loads(done.stdout)["files"]}
    assert statuses == {"customers.csv": "accepted", "bills.csv": "held_back"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bills.csv", "customers.csv"]


def test_the_command_can_be_quiet_and_be_told_the_export(tmp_path: Path) -> None:
    table = pa.table({"member_id": ["M1"], "enrolled_on": ["2016-01-01"], "extra": [1]})
    dropped(tmp_path, {"m.parquet": parquet_bytes(table)})
    done = run(tmp_path, "m.parquet", "--export", "members", "--quiet")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "pointbook: would be rejected whole: m.parquet: lacks the required column updated_at of "
        "members; name it so, or as in Korean (갱신일시)\n"
    )
