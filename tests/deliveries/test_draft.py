"""`pointbook source`: how much of a draft is right, what it says of the rest, and what it keeps."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from flows.console.errors import HeldBack, WrongUsage
from flows.deliveries.draft import draft_source
from flows.deliveries.sources import Sources
from flows.publishing.workspace import Workspace
from schemas.exports import EXPORTS
from tests.console.test_cli import USAGE, Command
from tests.console.test_cli import call as call
from tests.foreign_extracts import (
    FIVE,
    ROWS,
    TEN,
    Extract,
    departure_control,
    inv_lines,
    korean_crm,
)
from tests.foreign_extracts import report as sales_report
from tests.support import ingest, of_file, workspace_with

RIGHT: Final = 0.9
"""Of the required columns a draft gets right, at the least."""

EXTRACTS: Final = {make.__name__: make() for make in (*FIVE, *TEN)}


def drafted(root: Path, extract: Extract, **more: str) -> dict[str, Any]:
    """Drafts a source for an extract; gives the manifest."""
    path = root / extract.name
    path.write_bytes(extract.content)
    return draft_source(Workspace(root), path, extract.export, **more)


def source_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The drafted source as YAML has it."""
    found: dict[str, Any] = yaml.safe_load(Path(manifest["source"]).read_text(encoding="utf-8"))
    return found


def as_entry(said: Any) -> dict[str, Any] | None:
    """What a source says of a column, codes left out."""
    if not isinstance(said, dict):
        return None if said is None else {"from": said}
    return {key: value for key, value in said.items() if key != "values"}


def right(extract: Extract, source: dict[str, Any]) -> list[str]:
    """The columns of which a source says what it has to."""
    return [
        column
        for column, wanted in extract.truth.items()
        if as_entry(source["columns"].get(column)) == as_entry(wanted)
    ]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The drafts of all extracts."""
    return {
        name: source_of(drafted(tmp_path_factory.mktemp("draft"), extract))
        for name, extract in EXTRACTS.items()
    }


@pytest.mark.parametrize("some", [FIVE, TEN])
def test_nine_of_ten_required_columns_are_right(
    some: tuple[Any, ...], sources: dict[str, dict[str, Any]]
) -> None:
    shares = {}
    required = found = 0
    for name in (make.__name__ for make in some):
        extract = EXTRACTS[name]
        wanted = set(EXPORTS[extract.export].required)
        got = wanted & set(right(extract, sources[name]))
        shares[name] = f"{len(got)}/{len(wanted)}"
        required += len(wanted)
        found += len(got)
    assert found >= RIGHT * required, shares


@pytest.mark.parametrize("name", EXTRACTS)
def test_nothing_is_made_of_a_column_that_means_something_else(
    name: str, sources: dict[str, dict[str, Any]]
) -> None:
    columns = sources[name]["columns"]
    made_up = [c for c in columns if columns[c] is not None and c not in EXTRACTS[name].truth]
    assert not made_up


def test_codes_are_listed_with_counts_and_what_they_may_mean(tmp_path: Path) -> None:
    content = inv_lines().content.replace(b",BASE,", b",Q7,").replace(b",VAS,", b",VALU,")
    manifest = drafted(tmp_path, Extract("INV_LINES.csv", "billing", content, {}))

    codes = {(c["column"], c["code"]): (c["ours"], c["how"]) for c in manifest["codes"]}
    assert codes["product", "MOB"] == ("mobile", "known")
    assert codes["product", "IPTV"] == ("iptv", "same")
    assert codes["charge_item", "VALU"] == ("value_added_service", "near")
    assert codes["charge_item", "Q7"] == (None, "unknown")
    rows = list(csv.DictReader(content.decode().splitlines()))
    often = sum(row["ITEM_CD"] == "Q7" for row in rows)
    text = Path(manifest["source"]).read_text(encoding="utf-8")
    assert f'      "Q7": # {often} rows; which of ours?\n' in text
    assert "; a guess\n" in text
    (left,) = manifest["left"]
    assert left.endswith("charge_item: of the code Q7 it does not say which of ours it is")
    with pytest.raises(WrongUsage, match="of the code Q7"):
        Sources.load(tmp_path)


def test_what_was_filled_in_stays_and_the_next_file_adds_to_it(tmp_path: Path) -> None:
    content = inv_lines().content.replace(b",BASE,", b",Q7,")
    first = drafted(tmp_path, Extract("INV_LINES_201611.csv", "billing", content, {}))
    path = Path(first["source"])
    before = path.read_text(encoding="utf-8")
    assert (
        drafted(tmp_path, Extract("INV_LINES_201611.csv", "billing", content, {}))["written"]
        is False
    )
    assert path.read_text(encoding="utf-8") == before
    filled = before.replace('"Q7": #', '"Q7": other # ask Kim;').replace(
        "subscription_id: SVC_NO", "subscription_id: {join: [CUST_NO, SVC_NO], with: _}  # mine"
    )
    path.write_text(filled, encoding="utf-8")

    later = content.replace(b",Q7,", b",Q8,")
    again = drafted(tmp_path, Extract("INV_LINES_201612.csv", "billing", later, {}))

    assert again["source"] == str(path)
    added = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line not in filled.splitlines()
    ]
    assert len(added) == 1
    assert added[0].startswith('      "Q8": # ')
    kept = {column["column"]: column["how"] for column in again["columns"]}
    assert kept["subscription_id"] == "kept"


def test_a_file_of_another_name_is_added_to_the_files(tmp_path: Path) -> None:
    extract = inv_lines()
    first = drafted(tmp_path, extract, name="crm")
    assert source_of(first)["files"] == ["INV_LINES_*.csv"]
    second = drafted(tmp_path, Extract("other[1].csv", "billing", extract.content, {}), name="crm")
    assert source_of(second)["files"] == ["INV_LINES_*.csv", "other[[]1].csv"]
    (source,) = Sources.load(tmp_path)
    assert source.name == "crm"


def test_codes_that_look_like_numbers_are_kept_as_they_are_written(tmp_path: Path) -> None:
    content = inv_lines().content.replace(b",MOB,", b",01,").replace(b",INT,", b",NO,")
    path = Path(drafted(tmp_path, Extract("a.csv", "billing", content, {}))["source"])
    text = path.read_text(encoding="utf-8")
    filled = re.sub(r'"01": #.*', "01: mobile", re.sub(r'"NO": #.*', "NO: internet", text))
    path.write_text(filled, encoding="utf-8")
    manifest = drafted(tmp_path, Extract("a.csv", "billing", content, {}))
    assert not manifest["written"]
    assert manifest["left"] == []
    codes = {
        code["code"]: code["ours"] for code in manifest["codes"] if code["column"] == "product"
    }
    assert (codes["01"], codes["NO"]) == ("mobile", "internet")


def test_a_header_alone_without_a_line_end_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(HeldBack, match="it has no rows below its header"):
        drafted(tmp_path, Extract("a.csv", "billing", b"CUST_NO,BILL_AMT", {}))


def test_titles_and_totals_are_told_and_no_rows(tmp_path: Path) -> None:
    manifest = drafted(tmp_path, sales_report())
    assert manifest["form"]["header_line"] == 4
    assert manifest["form"]["rows"] == 300
    assert source_of(manifest)["footer"] == r'^["\s,]*(?:Total|\(?[\d,]+ rows?)'


def test_nothing_personal_is_written(tmp_path: Path) -> None:
    extract = korean_crm()
    manifest = drafted(tmp_path, extract)
    text = Path(manifest["source"]).read_text(encoding="utf-8") + str(manifest)
    for line in extract.content.decode("cp949").splitlines()[1:]:
        number, who, _, _, _, phone, *_ = line.split("|")
        assert number not in text
        assert phone not in text
        assert who not in text


def test_names_under_the_header_of_a_code_are_not_shown(tmp_path: Path) -> None:
    rows = [["고객번호", "상태", "가입일", "갱신일시"]]
    rows += [[f"C{n}", who, "2016-11-03", "2016-11-04"] for n, who in enumerate(["홍길동"] * 9)]
    content = "\n".join(map(",".join, rows)).encode()
    manifest = drafted(tmp_path, Extract("names.csv", "customers", content, {}))
    text = Path(manifest["source"]).read_text(encoding="utf-8")
    assert "홍길동" not in text + str(manifest)
    assert "1 more, not shown" in text


def test_what_is_unsure_is_said(tmp_path: Path) -> None:
    content = b"MBR_NO,JOIN_DT,UPD_DT\n" + b"".join(
        f"M{n},{n % 12 + 1:02d}/{n % 12 + 1:02d}/2016,2016-11-03 10:00\n".encode()
        for n in range(40)
    )
    manifest = drafted(tmp_path, Extract("m.csv", "members", content, {}))
    doubts = {column["column"]: column["doubts"] for column in manifest["columns"]}
    assert doubts["enrolled_on"] == ["read as %d/%m/%Y: days and months may be the other way round"]
    text = Path(manifest["source"]).read_text(encoding="utf-8")
    assert "# unsure: read as %d/%m/%Y: days and months may be the other way round" in text


def test_a_required_column_that_is_not_there_is_left_to_fill_in(tmp_path: Path) -> None:
    content = b"MBR_NO,JOIN_DT\nM1,2016-11-03\nM2,2016-11-04\n"
    manifest = drafted(tmp_path, Extract("m.csv", "members", content, {}))
    assert source_of(manifest)["columns"]["updated_at"] is None
    (left,) = manifest["left"]
    assert "updated_at: empty; name their column, or how it is made" in left


def test_parquet_is_looked_at_by_its_values(tmp_path: Path) -> None:
    days = pa.array([17_000 + n for n in range(30)], pa.int32()).cast(pa.date32())
    table = pa.table({"MBR_NO": [f"M{n}" for n in range(30)], "ENROLL_DT": days})
    table = table.append_column("MOD_TS", days.cast(pa.timestamp("us")))
    pq.write_table(table, tmp_path / "m.parquet")
    manifest = draft_source(Workspace(tmp_path), tmp_path / "m.parquet", "members")
    assert source_of(manifest)["columns"] == {
        "member_id": "MBR_NO",
        "enrolled_on": "ENROLL_DT",
        "updated_at": "MOD_TS",
    }


def test_what_can_not_be_drafted_is_told_in_a_line(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    file = tmp_path / "x.csv"
    with pytest.raises(WrongUsage, match=r"no such file: .*x\.csv; check the name"):
        draft_source(place, file, "billing")
    with pytest.raises(WrongUsage, match="no export is called bills; the exports are billing"):
        draft_source(place, file, "bills")
    file.write_bytes(b"")
    with pytest.raises(HeldBack, match="empty: not even a header"):
        draft_source(place, file, "billing")
    file.write_bytes(b"1,2,3\n4,5,6\n")
    with pytest.raises(HeldBack, match="no header in its first 2 lines"):
        draft_source(place, file, "billing")
    file.write_bytes(b"A,B,C\n")
    with pytest.raises(HeldBack, match="it has no rows below its header"):
        draft_source(place, file, "billing")
    file.write_bytes(departure_control().content)
    with pytest.raises(WrongUsage, match="is no name for a source; use letters, digits, - and _"):
        draft_source(place, file, "flights", "../x")
    draft_source(place, file, "flights", "dcs")
    with pytest.raises(WrongUsage, match=r"dcs\.yaml is a source of flights; give another --name"):
        draft_source(place, file, "members", "dcs")
    (tmp_path / "sources" / "dcs.yaml").write_text("a: [b")
    with pytest.raises(WrongUsage, match=r"dcs\.yaml: .*; mend it, or give --name"):
        draft_source(place, file, "flights", "dcs")


def test_the_command_prints_what_it_found_and_what_is_left(call: Command, tmp_path: Path) -> None:
    path = tmp_path / "INV_LINES_201611.csv"
    path.write_bytes(inv_lines().content)
    words = ("source", path, "--export", "billing", "--workspace", tmp_path)
    done = call(*words)
    assert done.returncode == 0, done.stderr
    for said in ("INVOICE_LINE_ID", "as month", "Not read: REG_ID", "pointbook ingest --check"):
        assert said in done.stdout
    assert "Left to fill in" not in done.stdout
    assert call(*words, "--json").stdout.startswith('{\n "command": "source"')
    assert call("source", path, "--export", "bills").returncode == USAGE


def filled_in(path: Path) -> None:
    """Fills in a source's unknown codes: any of ours will do."""
    domain = {column: codes[0] for e in EXPORTS.values() for column, codes in e.codes.items()}
    column, lines = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        named = re.match(r"  (\w+):", line)
        column = named[1] if named else column
        empty = re.match(r'(      "[^"]+":) #', line)
        lines.append(f"{empty[1]} {domain.get(column, 'true')}" if empty else line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("name", EXTRACTS)
def test_a_draft_with_its_codes_filled_in_stages_every_row(name: str, tmp_path: Path) -> None:
    extract = EXTRACTS[name]
    path = Path(drafted(tmp_path, extract)["source"])
    filled_in(path)
    workspace_with(tmp_path, {f"{extract.export}/{extract.name}": extract.content})
    found = of_file(ingest(tmp_path), f"{extract.export}/{extract.name}")
    assert found["source"] == path.stem
    assert found["rows"]["accepted"] == found["rows"]["delivered"] == ROWS, found["reasons"]
