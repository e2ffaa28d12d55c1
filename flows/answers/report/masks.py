"""What is not told: counts of people too few (`<N`, and `≥N` for what would give them away), what
is summed over them, and the rows and values that an error names.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from flows.answers.report.blocks import BLOCKS, NOT_ASSESSED, Row
from schemas.tables import TIERS

ALL: Final = "all"
"""The margins of a matrix."""
_HIDDEN: Final = re.compile(r"[<≥]\d+")
_NAMED: Final = (
    re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}"),
    re.compile(r"""(?<!\w)'.*'(?!\w)|".*\""""),
    re.compile(r"""(?<!\w)['"].*|[(\[{].*"""),
    re.compile(r"(?<![/\w])\w+=[^;]*"),
    re.compile(r"\b[A-Za-z]+-?\d{4,}\w*|\b\d{9,}\b|\S+@\S+"),
)
"""What of an error may be somebody's: what is in brackets or quotes, open ones to the end, what
follows an equals sign up to the end of the clause (but in a path), and words that look like an id,
number or address.
"""
_ROUNDS: Final = 100
"""Bounds of counts are narrowed at most so often; after that a line hardly tells more."""
Cell = tuple[str, int]
"""A count of people: its block, or a matrix's axis, and which of its rows."""
Line = Mapping[Cell, int]
"""Counts that, each times its number, add up to what readers know."""
Margins = dict[str, dict[str, object]]


def is_hidden(value: object) -> bool:
    """Whether a value stands for a count that is not told."""
    return isinstance(value, str) and _HIDDEN.fullmatch(value) is not None


def masked(
    counted: Mapping[str, Sequence[Row]], least: int
) -> tuple[dict[str, list[Row]], dict[str, Margins]]:
    """The rows of blocks, and the margins of matrices, with fewer people than `least` as `<N`.

    Of counts that add up to what is shown elsewhere, in the same block or in another, as many more
    are hidden, as `≥N`, as it takes that no sum or difference of those shown is a hidden one. A row
    whose count is hidden tells no other number. `counted`: the rows by block, as they are.
    """
    found = {name: [dict(row) for row in rows] for name, rows in counted.items()}
    margins = {name: _margins(name, rows) for name, rows in found.items() if BLOCKS[name].margins}
    if least > 1:
        _hide(found, {axis: rows for of in margins.values() for axis, rows in of.items()}, least)
    return found, {name: _as_shown(of) for name, of in margins.items()}


def _hide(
    blocks: Mapping[str, Sequence[Row]], margins: Mapping[str, Sequence[Row]], least: int
) -> None:
    """Hides, in the rows of blocks and of margins by axis, what is not to be told."""
    tables = {**blocks, **margins}
    same = _same(tables)
    counts = {
        (name, n): int(row[column])
        for name, rows in tables.items()
        if (column := _people_of(name))
        for n, row in enumerate(rows)
        if isinstance(row[column], int) and (name, n) not in same
    }
    hidden = _hidden(counts, list(_lines(tables)), least)
    hidden |= {cell: hidden[other] for cell, other in same.items() if other in hidden}
    for (name, n), sign in hidden.items():
        row = tables[name][n]
        row |= dict.fromkeys(_measures(name, row) if name in blocks else ())
        row[_people_of(name)] = f"{sign}{least}"
    for name, rows in blocks.items():
        for column in BLOCKS[name].people[1:]:  # these add up to nothing that is shown
            for row in rows:
                if _is_small(row[column], least):
                    row[column] = f"<{least}"
    _hide_weights(blocks)


def _people_of(name: str) -> str:
    """The column that counts the people of a row; empty where none does."""
    if name not in BLOCKS:
        return "sum"
    return BLOCKS[name].people[0] if BLOCKS[name].people else ""


def _measures(name: str, row: Row) -> list[str]:
    """The columns of a row that tell a number of its people."""
    block = BLOCKS[name]
    others = {*block.transform.header["keys"].split(", "), *block.people, *block.known}
    return [
        column for column, value in row.items() if isinstance(value, int) and column not in others
    ]


def _hide_weights(found: Mapping[str, Sequence[Row]]) -> None:
    """Hides points by cause where a tier or move is hidden: they are customers by tier, times what
    a tier is granted; and the annual fees of all where these are too few.
    """
    of_tiers = ("tiers_by_year", "tier_migration", "tier_moves_by_cause")
    if any(is_hidden(row["customers"]) for name in of_tiers for row in found.get(name, ())):
        for row in found.get("tier_moves_by_cause", ()):
            row |= dict.fromkeys(_measures("tier_moves_by_cause", row))
    figures = {row["figure"]: row for row in found.get("report_figures", ())}
    for column in ("amount", "amount_before"):
        if is_hidden(figures.get("customers with a tier", {}).get(column)):
            figures["annual fees that tiers rest on"][column] = None


def _is_small(value: object, least: int) -> bool:
    """Whether a count is to be hidden; nobody is nobody's secret."""
    return isinstance(value, int) and 0 < value < least


# Which counts are hidden


def _hidden(counts: Mapping[Cell, int], lines: Sequence[Line], least: int) -> dict[Cell, str]:
    """The counts that are hidden, with `<` for the small ones and `≥` for what would give these
    away. `lines`: what adds up to something known.
    """
    hidden = {cell: "<" for cell, count in counts.items() if _is_small(count, least)}
    helpless: set[Cell] = set()
    while told := sorted(_given_away(lines, counts, hidden, least) - helpless):
        others = [
            cell
            for line in _lines_through(told[0], lines, hidden)
            for cell in line
            if cell not in hidden and counts.get(cell, 0) > 0
        ]
        if others:
            hidden[min(others, key=lambda cell: (_tells(cell), counts[cell], cell))] = "≥"
        else:
            helpless.add(told[0])
    return hidden


def _tells(cell: Cell) -> int:
    """How much a count is missed: the sum of a matrix least, the customers of a tier most."""
    return {ALL: 0, "tiers_by_year": 2}.get(cell[0], 1)


def _lines_through(cell: Cell, lines: Sequence[Line], hidden: Mapping[Cell, str]) -> list[Line]:
    """The lines of a hidden count that show any other; if none does, those that hidden counts of
    these lead to, and so on.
    """
    reached, found = {cell}, list[Line]()
    while not any(other not in hidden for line in found for other in line):
        more = [line for line in lines if line not in found and reached & line.keys()]
        if not more:
            break
        found += more
        reached = {other for line in more for other in line if other in hidden}
    return found


def _given_away(
    lines: Sequence[Line], counts: Mapping[Cell, int], hidden: Mapping[Cell, str], least: int
) -> set[Cell]:
    """The small counts that follow from what is shown: those that the lines determine, and those
    that they leave one value of the few that `<N` stands for.
    """
    solved: dict[Cell, dict[Cell, Fraction]] = {}
    for line in lines:
        row = {cell: Fraction(times) for cell, times in line.items() if cell in hidden and times}
        for cell in [cell for cell in row if cell in solved]:
            row = _less(row, solved[cell], row[cell])
        if row:
            first = min(row)
            row = {cell: times / row[first] for cell, times in row.items()}
            solved = {
                cell: _less(other, row, other[first]) if first in other else other
                for cell, other in solved.items()
            } | {first: row}
    found = {cell for cell, row in solved.items() if len(row) == 1}
    if least > 1 + 1:  # else `<N` is 1 by itself
        bounds = _bounds(lines, counts, hidden, least)
        found |= {cell for cell, (low, high) in bounds.items() if low == high}
    return {cell for cell in found if hidden[cell] == "<"}


def _bounds(
    lines: Sequence[Line], counts: Mapping[Cell, int], hidden: Mapping[Cell, str], least: int
) -> dict[Cell, tuple[int, int]]:
    """The least and the most that each hidden count can be, by all lines that count it once."""
    most = sum(counts.values())
    bounds = {
        cell: (1, least - 1) if sign == "<" else (least, most) for cell, sign in hidden.items()
    }
    rows = [{cell: n for cell, n in line.items() if cell in hidden} for line in lines]
    rows = [row for row in rows if row and all(abs(n) == 1 for n in row.values())]
    for _ in range(_ROUNDS):
        before = dict(bounds)
        for row in rows:
            total = sum(n * counts[cell] for cell, n in row.items())
            spans = {cell: sorted(n * bound for bound in bounds[cell]) for cell, n in row.items()}
            lowest = sum(low for low, _ in spans.values())
            highest = sum(high for _, high in spans.values())
            for cell, n in row.items():
                low, high = spans[cell]
                least_of, most_of = sorted(
                    (n * (total - highest + high), n * (total - lowest + low))
                )
                bounds[cell] = max(bounds[cell][0], least_of), min(bounds[cell][1], most_of)
        if before == bounds:
            break
    return bounds


def _less(
    row: Mapping[Cell, Fraction], other: Mapping[Cell, Fraction], times: Fraction
) -> dict[Cell, Fraction]:
    """A row of an equation less another so many times."""
    result = {
        cell: row.get(cell, Fraction(0)) - times * other.get(cell, Fraction(0))
        for cell in row.keys() | other.keys()
    }
    return {cell: value for cell, value in result.items() if value}


# What adds up to what


def _lines(tables: Mapping[str, Sequence[Row]]) -> Iterator[Line]:
    """What readers know to add up: groups of rows, a matrix and its margins, and what several
    blocks count of the same customers.
    """
    for name, rows in tables.items():
        if name in BLOCKS and BLOCKS[name].add_up_by:
            groups: dict[tuple[Any, ...], dict[Cell, int]] = defaultdict(dict)
            for n, row in enumerate(rows):
                groups[tuple(row[column] for column in BLOCKS[name].add_up_by)][name, n] = 1
            yield from groups.values()
    yield from _lines_of_tiers(tables)
    yield from _lines_of_moves(tables)


def _lines_of_tiers(tables: Mapping[str, Sequence[Row]]) -> Iterator[Line]:
    """Of customers by tier: the points granted to all tiers of a year are a second sum of them,
    and the bands of a tier, the nearest misses in its last, are its customers.
    """
    tiers = tables.get("tiers_by_year", ())
    years: dict[object, dict[Cell, int]] = defaultdict(dict)
    for n, row in enumerate(tiers):
        years[row["membership_year"]]["tiers_by_year", n] = TIERS.index(row["tier"])
    yield from years.values()
    latest = max((row["membership_year"] for row in tiers), default=None)
    bands = tables.get("fees_by_band", ())
    for n, row in enumerate(tiers):
        of_tier = [each for each, band in enumerate(bands) if band["tier"] == row["tier"]]
        if row["membership_year"] == latest and of_tier:
            yield {("tiers_by_year", n): -1} | {("fees_by_band", each): 1 for each in of_tier}
    for n, row in enumerate(tables.get("near_misses", ())):
        of_tier = [each for each, band in enumerate(bands) if band["tier"] == row["fee_tier"]]
        if of_tier:
            last = max(of_tier, key=lambda each: bands[each]["band_from"])
            yield {("near_misses", n): -1, ("fees_by_band", last): 1}


def _lines_of_moves(tables: Mapping[str, Sequence[Row]]) -> Iterator[Line]:
    """Of the migration matrix: its rows and columns add up to its margins, these to all; what came,
    left, stayed or moved adds up to its causes.
    """
    cells, same = tables.get("tier_migration", ()), _same(tables)
    for axis in ("tier_before", "tier") if cells else ():
        names = [(axis, n) for n in range(len(tables[axis]))]
        yield {(ALL, 0): -1} | {same.get(name, name): 1 for name in names}
        for name, margin in zip(names, tables[axis], strict=True):
            of_line = [n for n, cell in enumerate(cells) if cell[axis] == margin["line"]]
            yield {same.get(name, name): -1} | {("tier_migration", n): 1 for n in of_line}
    moves: dict[str, dict[Cell, int]] = defaultdict(dict)
    for n, cell in enumerate(cells):
        moves[_kind(cell["tier_before"], cell["tier"])]["tier_migration", n] = 1
    causes = tables.get("tier_moves_by_cause", ()) if cells else ()
    latest = max((row["membership_year"] for row in causes), default=None)
    for n, row in enumerate(causes):
        if row["membership_year"] == latest:
            kind = row["why"] if row["why"] in {"came", "left", "same"} else "moved"
            moves[kind]["tier_moves_by_cause", n] = -1
    yield from moves.values()


def _same(tables: Mapping[str, Sequence[Row]]) -> dict[Cell, Cell]:
    """The margins of the migration matrix that are the customers of a tier in one of both years."""
    tiers = tables.get("tiers_by_year", ())
    latest = max((row["membership_year"] for row in tiers), default=0)
    rows = {(row["membership_year"], row["tier"]): n for n, row in enumerate(tiers)}
    return {
        (axis, n): ("tiers_by_year", rows[year, margin["line"]])
        for axis, year in (("tier_before", latest - 1), ("tier", latest))
        for n, margin in enumerate(tables.get(axis, ()))
        if (year, margin["line"]) in rows
    }


def _kind(before: str, now: str) -> str:
    """Which causes a cell of the matrix is of: came, left, same, or any of those of a move."""
    if NOT_ASSESSED in (before, now):
        return "came" if before == NOT_ASSESSED else "left"
    return "same" if before == now else "moved"


# Margins


def _margins(name: str, cells: Sequence[Row]) -> dict[str, list[Row]]:
    """The sums of a matrix's rows and columns, by axis, each with the value that it is of; and of
    all.
    """
    pivot = BLOCKS[name].pivot
    assert pivot
    *axes, counted = pivot
    sums = {
        axis: [
            {"line": line, "sum": sum(cell[counted] for cell in cells if cell[axis] == line)}
            for line in dict.fromkeys(cell[axis] for cell in cells)
        ]
        for axis in axes
    }
    return sums | {ALL: [{"line": ALL, "sum": sum(cell[counted] for cell in cells)}]}


def _as_shown(margins: Mapping[str, Sequence[Row]]) -> Margins:
    """The sums by axis and value, and that of all as `ALL`."""
    return {
        axis: {row["line"]: row["sum"] for row in [*rows, *margins[ALL]]}
        for axis, rows in margins.items()
        if axis != ALL
    }


def without_rows(line: str) -> str:
    """The line of a failed run without rows and values that it names: they may be somebody's."""
    for named in _NAMED:
        before = ""
        while before != line:
            before, line = line, named.sub("…", line)
    return line
