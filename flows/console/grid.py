"""The plan of a run for a terminal: a grid of tables by months, and the reasons for its marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from flows.console.terminal import shown
from schemas.periods import Period, months_between

Manifest = Mapping[str, Any]

_MONTHS: Final = "JFMAMJJASOND"
_YEAR_END_LETTER: Final = "E"
_MEANINGS: Final = {
    "M": "missing, will run",
    "S": "stale, will run",
    "F": "current, will run all the same",
    ".": "current",
    "s": "stale, and not made again",
    "B": "blocked",
    "-": "skipped",
}
_NAMED_FILES: Final = 5
Cells = dict[str, dict[str, str]]


def plan_lines(plan: Manifest, width: int) -> Iterator[str]:
    """What `run --dry-run` prints of a plan, as wide as the terminal."""
    steps = plan["steps"]
    if not steps:
        yield f"nothing falls due from {plan['from']} to {plan['to']}"
    cells = _cells(steps)
    label = max((len(table) for table in cells), default=0) + 1
    years = sorted({column[:4] for row in cells.values() for column in row})
    at_once = max(1, (width - label) // (len(_columns("")) + 1))
    for begin in range(0, len(years), at_once):
        yield from _grid(cells, years[begin : begin + at_once], label)
        yield ""
    yield from _legend(cells)
    yield from _reasons(steps)
    yield from _landed(plan["landed"])
    count = Counter(step["action"] for step in steps)
    yield (
        f"{count['run']:,} periods will run, {count['keep']:,} stay, {count['blocked']:,} are "
        f"blocked, {count['skip']:,} are skipped; dry run: nothing was done"
    )


def spans(rows: Sequence[Manifest], *alike: str) -> Iterator[tuple[str, list[Manifest]]]:
    """Consecutive rows that are alike in these, each with their periods: `2016..2022`, or one."""
    for _, group in groupby(rows, key=lambda row: tuple(row[name] for name in alike)):
        found = list(group)
        first, last = found[0]["period"], found[-1]["period"]
        yield first if first == last else f"{first}..{last}", found


def _columns(year: str) -> list[str]:
    if not year:
        return [*_MONTHS, _YEAR_END_LETTER]
    whole = Period.parse(year)
    return [*map(str, months_between(whole.january, whole.december)), str(whole.year_end)]


def _cells(steps: Iterable[Manifest]) -> Cells:
    """The marks, by table and column; a table of years stands in the months that it falls due."""
    cells: Cells = {}
    for step in steps:
        for table in step["tables"]:
            period = table["period"]
            column = period if "-" in period else step["due"][:7]
            cells.setdefault(table["table"], {})[column] = _mark(step)
    return cells


def _mark(step: Manifest) -> str:
    if step["action"] == "run":
        return {"missing": "M", "stale": "S", "current": "F"}[step["state"]]
    if step["action"] == "keep":
        return "." if step["state"] == "current" else "s"
    return {"blocked": "B", "skip": "-"}[step["action"]]


def _grid(cells: Cells, years: Sequence[str], label: int) -> Iterator[str]:
    letters = _MONTHS + _YEAR_END_LETTER
    yield (" " * label + " ".join(year.ljust(len(letters)) for year in years)).rstrip()
    yield " " * label + " ".join(letters for _ in years)
    for table, marks in cells.items():
        row = " ".join(
            "".join(marks.get(column, " ") for column in _columns(year)) for year in years
        )
        yield (table.ljust(label) + row).rstrip()


def _legend(cells: Cells) -> Iterator[str]:
    used = {mark for row in cells.values() for mark in row.values()}
    meanings = [f"{mark} {what}" for mark, what in _MEANINGS.items() if mark in used]
    if meanings:
        yield f"{'; '.join(meanings)}; blank: not due; column {_YEAR_END_LETTER}: year end"


def _reasons(steps: Sequence[Manifest]) -> Iterator[str]:
    """Why periods are stale, blocked or skipped: those of one reason on one line."""
    lines: dict[str, list[str]] = {}
    for command in dict.fromkeys(step["command"] for step in steps):
        own = [step for step in steps if step["command"] == command]
        for periods, (first, *_) in spans(own, "state", "action", "why", "reason"):
            heading = _heading(first)
            if heading:
                lines.setdefault(heading, []).append(f"{command} {periods}")
    for heading, names in lines.items():
        yield f"{heading}: {', '.join(names)}"


def _heading(step: Manifest) -> str | None:
    if step["action"] == "blocked":
        return f"blocked by {step['reason']}"
    if step["action"] == "skip":
        return f"skipped, {step['reason']}"
    if step["state"] == "stale":
        return f"stale, {step['reason'] or step['why']}"
    return None


def _landed(files: Sequence[Manifest]) -> Iterator[str]:
    if files:
        names = ", ".join(
            shown(f"{file['export']}/{file['file']}") for file in files[:_NAMED_FILES]
        )
        more = f" and {len(files) - _NAMED_FILES:,} more" if len(files) > _NAMED_FILES else ""
        yield (
            f"not ingested yet: {names}{more}; the run ingests first, and what that makes stale "
            "is not foreseen here"
        )
