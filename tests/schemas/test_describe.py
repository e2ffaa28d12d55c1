"""`pointbook describe`: what an export must hold, all of it derived from its declaration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.derive import description, exports_in_markdown
from schemas.exports import EXPORTS
from tests.console.test_cli import USAGE, Command
from tests.console.test_cli import call as call
from tests.support import ingest, of_file, workspace_with


@pytest.mark.parametrize("name", EXPORTS)
def test_the_example_row_of_an_export_is_accepted(name: str, tmp_path: Path) -> None:
    example = str(description(EXPORTS[name])["example"])
    workspace = workspace_with(tmp_path, {f"{name}/example.csv": example.encode()})
    found = of_file(ingest(workspace), f"{name}/example.csv")
    assert found["rows"]["accepted"] == 1, found["reasons"]


@pytest.mark.parametrize("name", EXPORTS)
def test_every_column_stands_with_its_names_rules_and_codes(name: str) -> None:
    export = EXPORTS[name]
    told = description(export)
    text = exports_in_markdown([export])
    columns = {column["column"]: column for column in told["columns"]}  # type: ignore[attr-defined]
    assert list(columns) == list(export.columns)
    for column, declared in export.columns.items():
        assert columns[column]["korean"] == declared.title
        assert columns[column]["required"] == (column in export.required)
        assert columns[column]["codes"] == declared.metadata.get("labels")
        mark = r" \* |" if column in export.required else " |"
        assert f"| `{column}`{mark}" in text
    assert len(told["rules"]) == len(export.checks)  # type: ignore[arg-type]
    assert all(rule in text for rule in told["rules"])  # type: ignore[attr-defined]


def test_the_command_needs_no_workspace(call: Command, tmp_path: Path) -> None:
    elsewhere = {"POINTBOOK_WORKSPACE": str(tmp_path / "none")}
    table = call("describe", "billing", **elsewhere)
    assert table.returncode == 0
    for said in ("청구항목번호", "mobile 모바일 · internet", "Key: billing_month, billing_line_id"):
        assert said in table.stdout
    everything = call("describe", **elsewhere).stdout
    assert all(f"│ {name} " in everything for name in EXPORTS)
    page = call("describe", "--format", "md", **elsewhere).stdout
    assert page == exports_in_markdown(list(EXPORTS.values()))
    for flags in (("--format", "json"), ("--json",)):
        found = json.loads(call("describe", "members", *flags, **elsewhere).stdout)
        assert [each["export"] for each in found["exports"]] == ["members"]
    assert not (tmp_path / "none").exists()


def test_an_unknown_export_is_told_with_those_there_are(call: Command) -> None:
    told = call("describe", "bills")
    assert told.returncode == USAGE
    assert "no export is called bills; the exports are billing, customers" in told.stderr
