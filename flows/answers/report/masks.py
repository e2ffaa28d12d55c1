"""What is not told: counts of people too few (`<N`, and `≥N` for what would give them away), and
the rows that an error names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from flows.answers.report.blocks import Block, Row

ALL: Final = "all"
"""The margins of a matrix."""
_ROWS_OF_ERROR: Final = re.compile(r"\([^()]*=[^()]*\)|\b\w+=\S+")


def masked(rows: Sequence[Row], block: Block, least: int) -> list[Row]:
    """The rows with counts of fewer people than `least` as `<N`.

    Where one alone is hidden of counts that add up to a total, which is shown elsewhere, the
    smallest of the others is hidden as well, as `≥N`: it would be the total less the rest.
    """
    found = [dict(row) for row in rows]
    if least <= 1:
        return found
    if block.margins and block.pivot:
        _hide_in_matrix(found, block.pivot, least)
        return found
    for name in block.people:
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in found:
            groups[tuple(row[column] for column in block.add_up_by)].append(row)
        for group in groups.values():
            _hide(group, name, least)
    return found


def _hide(rows: Sequence[Row], name: str, least: int) -> None:
    """Hides the small counts of rows that add up to a total, and another where that is needed."""
    small = [row for row in rows if _is_small(row[name], least)]
    for row in small:
        row[name] = f"<{least}"
    if len(small) == 1:
        _hide_smallest(rows, name, least)


def _is_small(value: object, least: int) -> bool:
    """Whether a count is to be hidden; nobody is nobody's secret."""
    return isinstance(value, int) and 0 < value < least


def _hide_smallest(rows: Iterable[Row], name: str, least: int) -> bool:
    """Hides the smallest count that is shown; whether there was one."""
    others = [row for row in rows if isinstance(row[name], int) and row[name] > 0]
    if others:
        min(others, key=lambda row: row[name])[name] = f"≥{least}"
    return bool(others)


def _hide_in_matrix(cells: Sequence[Row], matrix: tuple[str, str, str], least: int) -> None:
    """Hides cells so that no row or column, of which the margins are shown, lacks one alone."""
    of_row, of_column, name = matrix
    for cell in cells:
        if _is_small(cell[name], least):
            cell[name] = f"<{least}"
    lines: dict[tuple[str, object], list[Row]] = defaultdict(list)
    for cell in cells:
        for axis in (of_row, of_column):
            lines[axis, cell[axis]].append(cell)
    again = True
    while again:
        again = False
        for line in lines.values():
            hidden = [cell for cell in line if isinstance(cell[name], str)]
            if len(hidden) == 1:
                again = _hide_smallest(line, name, least) or again


def margins_of(
    counted: Sequence[Row], shown: Sequence[Row], block: Block, least: int
) -> dict[str, dict[str, object]]:
    """The sums of a matrix's rows and columns, by their value, and of all, as `ALL`.

    `counted`: the cells as they are; `shown`: as they are shown. A sum of which one cell alone is
    hidden would give it away, and is hidden as well.
    """
    assert block.pivot
    *axes, name = block.pivot
    found: dict[str, dict[str, object]] = {}
    for axis in axes:
        sums = [
            {
                "line": line,
                "sum": sum(cell[name] for cell in counted if cell[axis] == line),
                "hidden": sum(isinstance(cell[name], str) for cell in shown if cell[axis] == line),
            }
            for line in dict.fromkeys(cell[axis] for cell in counted)
        ]
        if least > 1:
            _hide(sums, "sum", least)
            for each in sums:
                if each["hidden"] == 1 and isinstance(each["sum"], int):
                    each["sum"] = f"≥{least}"
        total = sum(cell[name] for cell in counted)
        found[axis] = {each["line"]: each["sum"] for each in sums}
        found[axis][ALL] = f"<{least}" if _is_small(total, least) else total
    return found


def without_rows(line: str) -> str:
    """The line of a failed run without rows and values that it names: they may be somebody's."""
    return _ROWS_OF_ERROR.sub("(…)", line)
