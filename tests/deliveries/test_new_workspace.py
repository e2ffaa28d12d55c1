"""`pointbook init`: what a new workspace holds, and that nothing that is there is touched."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from flows.console.errors import RunFailed, WrongUsage
from flows.console.settings import FILE, KEYS
from flows.deliveries.new_workspace import make_workspace, settings_file
from flows.publishing.options import Options
from schemas.exports import EXPORTS
from tests.console.test_cli import Command
from tests.console.test_cli import call as call
from tests.support import ingest


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file's bytes by its path in a folder; none for a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("korean", [False, True])
def test_a_new_workspace_has_a_folder_and_a_template_an_export(
    tmp_path: Path, korean: bool
) -> None:
    made = make_workspace(tmp_path / "new", korean=korean)

    found = contents(tmp_path / "new")
    assert {f"{tmp_path}/new"} | {f"{tmp_path}/new/{n}" for n in found} - {
        f"{tmp_path}/new/landing"
    } == set(made["made"])
    assert found["sources"] is None
    for name, export in EXPORTS.items():
        assert found[f"landing/{name}"] is None
        header = (found[f"templates/{name}.csv"] or b"").decode("utf-8-sig")
        names = [str(column.title) if korean else n for n, column in export.columns.items()]
        assert header == ",".join(names) + "\n"
    assert len(made["next"]) == 5
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert modes == {0o600, 0o700}


def test_templates_are_no_deliveries(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    assert ingest(tmp_path)["files"] == []


def test_made_again_it_changes_nothing_and_says_so(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    for folder in ("landing/billing", "mine"):
        (workspace / folder).mkdir(parents=True)
    (workspace / "mine" / "notes.txt").write_text("mine")
    (workspace / FILE).write_text("keep = 7\n")

    first = make_workspace(workspace)
    before = contents(workspace)
    second = make_workspace(workspace, korean=True)

    assert contents(workspace) == before
    assert before["mine/notes.txt"] == b"mine"
    assert before[FILE] == b"keep = 7\n"
    assert first["kept"] == [str(workspace), f"{workspace}/landing/billing", f"{workspace}/{FILE}"]
    assert second["made"] == []
    assert sorted(second["kept"]) == sorted(first["made"] + first["kept"])


def test_what_lies_in_the_way_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(WrongUsage, match="file is in the way, where a folder belongs; move it"):
        make_workspace(file)
    with pytest.raises(WrongUsage, match="can't be made below a file; name another folder"):
        make_workspace(file / "below")
    (tmp_path / "w" / FILE).mkdir(parents=True)
    with pytest.raises(WrongUsage, match="is in the way, where a file belongs"):
        make_workspace(tmp_path / "w")
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RunFailed, match="Permission denied; mend this, then run it again"):
        make_workspace(tmp_path / "w")


def test_every_setting_stands_commented_out_with_its_meaning() -> None:
    text = settings_file()
    assert tomllib.loads(text) == {}
    for name, setting in KEYS.items():
        assert f"# {setting.meaning}\n# {name} = " in text
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and " = " in line]
    values = tomllib.loads("\n".join(lines))
    assert list(values) == list(KEYS)
    Options(**values | {"policies": Path("policies")})
    defaults = {name: field.default for name, field in Options.model_fields.items()}
    shown = {name: value for name, value in values.items() if KEYS[name].example is None}
    assert shown == {name: defaults[name] for name in shown}


def test_the_command_prints_five_lines_of_what_comes_next(call: Command, tmp_path: Path) -> None:
    made = call("init", tmp_path / "w")
    assert made.returncode == 0
    assert made.stdout.startswith(f"{tmp_path}/w: made 30 folders and files\n  1. export ")
    assert made.stdout.count("\n") == 6
    again = call("init", "--workspace", tmp_path / "w")
    assert "all was there already; nothing was changed" in again.stdout
    elsewhere = call("init", "--json", POINTBOOK_WORKSPACE=str(tmp_path / "v"))
    assert json.loads(elsewhere.stdout)["workspace"] == f"{tmp_path}/v"
    told = call("status", "--workspace", tmp_path / "none").stderr
    assert "make it with `pointbook init`" in told
