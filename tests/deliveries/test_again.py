"""`ingest --again`: files are read anew under a source that was mended, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.console.errors import RunFailed, WrongUsage
from flows.deliveries import ingest as flow
from flows.proofs.verify import verify
from flows.publishing.options import Options
from tests.deliveries.test_mapped import COLUMNS, FILE, HEADER, ROW, source, text_of
from tests.deliveries.test_sources import with_sources
from tests.support import (
    ingest,
    quarantined,
    staged,
    staged_hashes,
    totals_tie,
    workspace_with,
)

ROWS = [ROW.format(n, n) for n in range(1, 4)]
IPTV = COLUMNS.replace("MOB: mobile", "MOB: iptv")


def again(workspace: Path, *names: str, **options: Any) -> dict[str, Any]:
    manifest = flow.ingest(Options(workspace=workspace, **options), again=names or (FILE,))
    assert totals_tie(manifest)
    return manifest


def proven(workspace: Path) -> bool:
    wrong = verify(Options(workspace=workspace))["wrong"]
    assert not wrong, wrong
    return True


def products(workspace: Path) -> dict[str, tuple[str, int]]:
    """Product and delivery of each staged line."""
    return {
        row["billing_line_id"]: (row["product"], row["delivery"])
        for row in staged(workspace, "billing")
    }


def test_what_the_source_reads_otherwise_is_replaced_and_kept(tmp_path: Path) -> None:
    rows = [*ROWS[:2], ROWS[2].replace("MOB", "INT"), ROW.format(4, 4).replace("MOB", "TV")]
    workspace_with(tmp_path, {FILE: text_of(HEADER, *rows).encode()})
    ingest(with_sources(tmp_path, crm=source()))
    assert len(quarantined(tmp_path, "billing")) == 1

    mended = source(IPTV.replace("INT: internet", "INT: internet, TV: iptv"))
    manifest = again(with_sources(tmp_path, crm=mended))

    (report,) = manifest["files"]
    assert report["again"] is True
    assert (report["rows"]["accepted"], report["rows"]["duplicate"]) == (3, 1)
    assert products(tmp_path) == {
        "B1": ("iptv", 2),
        "B2": ("iptv", 2),
        "B3": ("internet", 1),
        "B4": ("iptv", 2),
    }
    withdrawn = staged(tmp_path, "billing_withdrawn")
    assert [(row["billing_line_id"], row["product"]) for row in withdrawn] == [
        ("B1", "mobile"),
        ("B2", "mobile"),
    ]
    assert {(row["delivery"], row["replaced_by"]) for row in withdrawn} == {(1, 2)}
    assert staged(tmp_path, "billing_history") == []
    assert quarantined(tmp_path, "billing") == []
    assert proven(tmp_path)
    registry = json.loads((tmp_path / "staged" / "deliveries.json").read_bytes())
    (file,) = registry["files"].values()
    assert (file["delivery"], file["before"], file["source"]) == (2, [1], "crm")


def test_what_is_staged_after_it_is_as_if_it_had_been_read_so_at_once(tmp_path: Path) -> None:
    files = {FILE: text_of(HEADER, *ROWS).encode()}
    wrong = source(COLUMNS.replace("from: INV_DT", "from: PAY_DT").replace("LINE", "SVC_SEQ"))
    mended, once = tmp_path / "mended", tmp_path / "once"
    ingest(with_sources(workspace_with(mended, files), crm=wrong))
    ingest(with_sources(workspace_with(once, files), crm=source()))

    again(with_sources(mended, crm=source()))

    rows, others = (
        [{**row, "delivery": 0} for row in staged(workspace, "billing")]
        for workspace in (mended, once)
    )
    assert rows == others
    assert {row["billing_month"] for row in staged(mended, "billing_withdrawn")} == {"2016-12"}
    assert proven(mended)


def test_reading_it_anew_as_before_changes_nothing(tmp_path: Path) -> None:
    workspace_with(tmp_path, {FILE: text_of(HEADER, *ROWS).encode()})
    ingest(with_sources(tmp_path, crm=source()))
    before = staged_hashes(tmp_path)

    (report,) = again(tmp_path)["files"]

    assert report["rows"]["duplicate"] == 3
    assert staged_hashes(tmp_path) == before


def test_it_can_be_read_anew_again_and_again(tmp_path: Path) -> None:
    workspace_with(tmp_path, {FILE: text_of(HEADER, *ROWS).encode()})
    ingest(with_sources(tmp_path, crm=source()))
    for columns in (IPTV, COLUMNS, IPTV):
        again(with_sources(tmp_path, crm=source(columns)))

    assert set(products(tmp_path).values()) == {("iptv", 4)}
    assert len(staged(tmp_path, "billing_withdrawn")) == 9
    assert proven(tmp_path)


def test_what_another_file_delivered_stays(tmp_path: Path) -> None:
    later = COLUMNS.replace("{value: 0}", "REV").replace("source: crm", "source: later")
    one, two = (text_of(HEADER, row).encode() for row in ROWS[:2])
    corrected = text_of(f"{HEADER},REV", f"{ROWS[0].replace('MOB', 'INT')},1").encode()
    workspace_with(tmp_path, {FILE: one + two.split(b"\n", 1)[1], "billing/other.csv": two})
    with_sources(
        tmp_path, crm=source(files="INV*"), other=source(files="other*").replace("crm", "other")
    )
    ingest(tmp_path)
    workspace_with(tmp_path, {"billing/corrected.csv": corrected})
    with_sources(tmp_path, later=source(later, files="corr*").replace("crm", "later"))
    ingest(tmp_path)

    manifest = again(with_sources(tmp_path, crm=source(IPTV, files="INV*")))

    # B1 was corrected by another file since; B2 is what two files said alike
    (report,) = manifest["files"]
    assert (report["rows"]["stale"], report["rows"]["accepted"]) == (1, 1)
    assert products(tmp_path) == {"B1": ("internet", 2), "B2": ("iptv", 3)}
    assert proven(tmp_path)


def test_a_row_that_another_file_brought_in_the_same_delivery_is_not_overridden(
    tmp_path: Path,
) -> None:
    unmapped = COLUMNS.replace("MOB: mobile, ", "")
    files = {
        FILE: text_of(HEADER, ROWS[0], ROWS[1].replace("MOB", "INT")),
        "billing/other.csv": text_of(HEADER, ROWS[0]),
    }
    workspace_with(tmp_path, {name: text.encode() for name, text in files.items()})
    with_sources(tmp_path, crm=source(unmapped, files="INV*"))
    with_sources(tmp_path, other=source(files="other*").replace("crm", "other"))
    ingest(tmp_path)

    (report,) = again(with_sources(tmp_path, crm=source(IPTV, files="INV*")))["files"]

    assert report["reasons"] == {"key:conflict": 1}
    assert products(tmp_path) == {"B1": ("mobile", 1), "B2": ("internet", 1)}
    assert proven(tmp_path)


def test_a_customer_read_wrongly_never_was(tmp_path: Path) -> None:
    header = "customer_id,joined_on,ST,updated_at,terminated_on"
    rows = ["C1,2016-01-01,A,2016-11-01,", "C1,2016-01-01,S,2016-12-01,"]
    columns = "columns: {status: {from: ST, values: {A: suspended, S: active}}}\n"
    workspace_with(tmp_path, {"customers/a.csv": text_of(header, *rows).encode()})
    ingest(with_sources(tmp_path, crm=source(columns, export="customers")))

    mended = columns.replace("A: suspended, S: active", "A: active, S: suspended")
    with_sources(tmp_path, crm=source(mended, export="customers"))
    again(tmp_path, "customers/a.csv")

    (now,) = staged(tmp_path, "customers")
    (then,) = staged(tmp_path, "customers_history")
    assert (now["status"], then["status"]) == ("suspended", "active")
    assert len(staged(tmp_path, "customers_withdrawn")) == 2
    assert proven(tmp_path)


def test_a_reading_that_is_held_back_withdraws_nothing(tmp_path: Path) -> None:
    rows = [ROW.format(n, n) for n in range(30)]
    workspace_with(tmp_path, {FILE: text_of(HEADER, *rows).encode()})
    ingest(with_sources(tmp_path, crm=source()))
    before = staged_hashes(tmp_path)

    unmapped = source(COLUMNS.replace("MOB: mobile, ", ""))
    (report,) = again(with_sources(tmp_path, crm=unmapped))["files"]

    assert report["status"] == "held_back"
    assert staged_hashes(tmp_path) == before
    assert proven(tmp_path)


def test_what_is_not_in_landing_or_was_read_by_a_lost_source_is_told(tmp_path: Path) -> None:
    workspace_with(tmp_path, {FILE: text_of(HEADER, *ROWS).encode(), "notes.txt": b"x"})
    ingest(with_sources(tmp_path, crm=source()))

    for name in ("billing/INV_9.csv", "notes.txt", str(tmp_path / "sources" / "crm.yaml")):
        with pytest.raises(WrongUsage, match=r"is no file in .*/<export>/; put it there"):
            again(tmp_path, name)
    (kept,) = (tmp_path / "staged" / "sources").rglob("crm.yaml")
    kept.write_text("source: crm\n")
    with pytest.raises(RunFailed, match="can't be withdrawn, since the source that it was read by"):
        again(tmp_path)
