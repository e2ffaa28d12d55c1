"""An answer is of one committed state, and takes no lock."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path

import pytest

from flows.answers.reading import Reader, from_one_state
from flows.console.errors import NotReady
from flows.publishing.commit import PENDING
from schemas.exports import EXPORTS
from tests.commands_in_tests import run_command
from tests.membership import correction, land, options, stage
from tests.questions import asked
from transforms.engine.engine import ROOT, load_transform

QUERIES = sorted(path.stem for path in (ROOT / "answers").glob("*.sql"))


def _snapshot(reader: Reader) -> Path:
    (path,) = (
        file for year, file in reader.context.files("tier_snapshot").items() if year == "2018"
    )
    reader.notes([path])
    return path


def _correct(workspace: Path, revision: int) -> None:
    row = correction() | {"revision": revision, "billed_amount": 240_000 + revision}
    land(workspace, "billing", [row | {"collected_amount": 240_000}], name=f"{revision}.csv")
    stage(workspace)
    run_command(options(workspace), "tiers 2018")


def test_an_answer_begins_again_where_what_it_read_was_published_anew(
    telecom: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    seen = []

    def answer(reader: Reader) -> str:
        path = _snapshot(reader)
        seen.append(reader.context.state.entry(path).sha256)
        if len(seen) == 1:
            _correct(workspace, 1)
        return seen[-1]

    found = from_one_state(options(workspace), answer)
    assert len(seen) == 2
    assert found == seen[1] != seen[0]


def test_it_gives_up_where_that_goes_on(telecom: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    pending = workspace / "commits" / f"{PENDING}000099-tiers.json"
    (record,) = [
        path
        for path in (workspace / "commits").glob("*-tiers.json")
        if "membership_year=2018" in path.read_text()
    ]
    shutil.copy(record, pending)
    calls = []

    def answer(reader: Reader) -> None:
        calls.append(_snapshot(reader))

    with pytest.raises(NotReady, match="run it again"):
        from_one_state(options(workspace), answer)
    assert len(calls) == 3


def test_an_error_of_a_state_that_stayed_is_the_answers_own(telecom: Path) -> None:
    def answer(_reader: Reader) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        from_one_state(options(telecom), answer)


def test_it_writes_nothing_and_needs_no_permission_to(telecom: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    for folder in [workspace, *workspace.rglob("*")]:
        folder.chmod(stat.S_IREAD | (stat.S_IEXEC if folder.is_dir() else 0))
    try:
        assert asked(workspace, "tier", customer="white", year=2018)["checked"]
        assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before
    finally:
        for folder in [workspace, *workspace.rglob("*")]:
            folder.chmod(stat.S_IRWXU)


def test_it_does_not_wait_for_a_command_that_works(telecom: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(telecom, tmp_path / "workspace"))
    with options(workspace).place.lock("points"):
        assert asked(workspace, "tier", customer="white", year=2018)["checked"]


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_selects_what_is_personal(name: str) -> None:
    personal = {column for export in EXPORTS.values() for column in export.personal}
    query = load_transform(f"answers/{name}")
    assert not personal & set(re.findall(r"\w+", query.body))
    assert not personal & {column for columns in query.inputs.values() for column in columns}
