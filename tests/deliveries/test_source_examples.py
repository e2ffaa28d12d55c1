"""The examples of `data/sources`: each stages the very bytes that its rows in our names do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from flows.publishing.workspace import Workspace
from schemas.exports import EXPORTS
from tests.support import ingest, staged_hashes
from transforms.policies.policy import DATA

FOLDER: Final = DATA / "sources"
EXAMPLES: Final = sorted(path.stem for path in FOLDER.glob("*/*.yaml"))
CANONICAL: Final = "canonical.csv"


def source(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name / f"{name}.yaml").read_text("utf-8"))
    return found


def delivery(name: str) -> Path:
    """The example's file as the other system writes it."""
    (path,) = (FOLDER / name).glob(source(name)["files"][0])
    return path


def land(workspace: Path, export: str, path: Path) -> None:
    folder = workspace / "landing" / export
    folder.mkdir(parents=True)
    shutil.copy(path, folder)


def with_source(workspace: Path, name: str) -> Path:
    """The workspace with the example's source and its code files."""
    place = Workspace(workspace)
    place.sources.mkdir(parents=True)
    for path in (FOLDER / name).iterdir():
        if path.name != CANONICAL and path != delivery(name):
            shutil.copy(path, place.sources)
    return workspace


def test_there_are_three() -> None:
    assert EXAMPLES == ["crm-billing", "departure-control", "oracle-billing"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_stages_the_bytes_of_its_rows_in_our_names(name: str, tmp_path: Path) -> None:
    export = source(name)["export"]
    mapped = with_source(tmp_path / "mapped", name)
    land(mapped, export, delivery(name))
    land(tmp_path / "canonical", export, FOLDER / name / CANONICAL)

    found = ingest(mapped)
    plain = ingest(tmp_path / "canonical")

    (file,) = found["files"]
    assert file["reasons"] == {}
    assert file["rows"]["accepted"] == plain["files"][0]["rows"]["accepted"] > 5
    hashes = [staged_hashes(workspace) for workspace in (mapped, tmp_path / "canonical")]
    assert hashes[0]
    assert hashes[0] == hashes[1]
    assert file["export"] in EXPORTS
