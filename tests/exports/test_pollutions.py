"""Of a few hundred of the ways in which delimited files break: no row is read wrong, none is lost.

All of them, some 15,000, are judged by `python -m tests.bench.pollutions`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pollutions import Pollution, judged, pollutions

ALL = list(pollutions())
OF_CELLS = [pollution for pollution in ALL if pollution.row is not None]
OF_FILES = [pollution for pollution in ALL if pollution.row is None]
PARTS = 8


def is_true(pollution: Pollution, folder: Path) -> None:
    verdict = judged(pollution, folder)
    assert verdict.wrong == [], pollution.name
    assert verdict.lost == [], pollution.name
    if verdict.refused is None and pollution.row:
        assert len(verdict.rejected) <= 1, (pollution.name, verdict.rejected)


@pytest.mark.parametrize("part", range(PARTS))
def test_one_broken_cell_makes_no_row_wrong_and_loses_none(part: int, tmp_path: Path) -> None:
    for pollution in OF_CELLS[part * 7 :: PARTS * 47]:
        is_true(pollution, tmp_path)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_broken_file_makes_no_row_wrong_and_loses_none(part: int, tmp_path: Path) -> None:
    for pollution in OF_FILES[part::PARTS]:
        is_true(pollution, tmp_path)
