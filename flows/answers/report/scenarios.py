"""The blocks of scenarios, as `pointbook simulate` keeps them, as tables of plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flows.answers.simulate.scenarios import FILE, FORMAT, NAME
from flows.console.errors import NotReady, WrongUsage
from flows.publishing.workspace import Workspace

BLOCKS: Final = (
    *("parameters", "tiers", "matrix", "winners_and_losers", "cost", "attribution", "limits"),
)
"""The blocks of a scenario, in the order in which they are shown."""
_BESIDE: Final = {"base", "sources", "stale", "provenance"}
"""What a scenario holds beside its blocks."""
_OF_SOMEBODY: Final = re.compile(
    r"(customer|member|subscription|lot|request|payment|redemption|application|activity)_id"
)
_MOST: Final = 200
_ALL: Final = "all"
Values = Mapping[str, Any]


def scenarios_of(workspace: Workspace, names: Sequence[str]) -> list[dict[str, Any]]:
    """The named scenarios, each with its tables; raises WrongUsage for a name that can't be one,
    NotReady for one that is not there or can't be read.
    """
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys(names):
        if not NAME.fullmatch(name):
            raise WrongUsage(
                f"--scenarios {name!r}: names of scenarios have letters, digits, - and _ alone"
            )
        file = workspace.scenarios / name / FILE
        try:
            told = json.loads(file.read_bytes())
        except FileNotFoundError as error:
            raise NotReady(
                f"{file}: there is no scenario {name}; `pointbook simulate list` names those there "
                "are"
            ) from error
        except ValueError as error:
            raise NotReady(f"{file}: not the JSON of a scenario; make it again") from error
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise NotReady(f"{file}: not of the format {FORMAT}; make the scenario again")
        _require_alike(name, told, found)
        found.append({"name": name, "told": told})
    return [
        {
            "name": each["name"],
            "tables": [
                _table("scenario", _of_what(each["told"])),
                *tables_of(each["told"], _blocks_in(each["told"])),
            ],
        }
        for each in found
    ]


def _require_alike(name: str, told: Values, others: Sequence[Values]) -> None:
    """Raises WrongUsage for a scenario of another year, reach or unit than that before it."""
    for other in others[-1:]:
        for what in ("year", "through", "to", "unit"):
            values = other["told"].get(what), told.get(what)
            if values[0] != values[1]:
                raise WrongUsage(
                    f"--scenarios: {other['name']} and {name} differ in {what}: {values[0]} and "
                    f"{values[1]}; make a report of each, or see `pointbook simulate compare`"
                )


def _of_what(told: Values) -> list[dict[str, Any]]:
    """What a scenario is of: its year, how far it goes, its unit, and the run it was made after."""
    base = told.get("base")
    found = {
        "year": told.get("year"),
        "through": told.get("through"),
        "to": told.get("to"),
        "amounts in": told.get("unit"),
        "made after run": base.get("commit") if isinstance(base, Mapping) else None,
    }
    # a year is a name: as text it has no comma
    return [{"what": what, "value": str(value)} for what, value in found.items() if value]


def _blocks_in(told: Values) -> list[str]:
    """The blocks that a scenario has: those that are known first, then any other."""
    held = [
        name
        for name, value in told.items()
        if isinstance(value, Mapping | list) and name not in _BESIDE
    ]
    return [*(name for name in BLOCKS if name in held), *(n for n in held if n not in BLOCKS)]


def tables_of(told: Values, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Tables of the named parts of a JSON object, whatever each holds: rows of a list, a row a name
    of an object, parts of their own for what lies below. Ids of anybody are left out.
    """
    for name in names:
        if name == "matrix" and told.get(name):
            yield _table(name, _with_margins(told))
        elif name in told:
            yield from _tables(name.replace("_", " "), told[name])


def _with_margins(told: Values) -> list[dict[str, Any]]:
    """The matrix of a scenario: a row a published tier, a column one in the scenario, and sums."""
    cells = [
        (_tier(row["published"]), _tier(row["scenario"]), row["count"]) for row in told["matrix"]
    ]
    known = [_tier(row["tier"]) for row in told.get("tiers") or ()]
    tiers = dict.fromkeys([*known, *(tier for cell in cells for tier in cell[:2])])
    lines = [tier for tier in tiers if any(before == tier for before, _, _ in cells)]
    columns = [tier for tier in tiers if any(now == tier for _, now, _ in cells)]
    return [
        {
            "published": line,
            **{
                column: sum(
                    n
                    for before, now, n in cells
                    if line in (before, _ALL) and column in (now, _ALL)
                )
                for column in [*columns, _ALL]
            },
        }
        for line in [*lines, _ALL]
    ]


def _tier(name: str | None) -> str:
    return name or "none"


def _tables(title: str, value: object) -> Iterator[dict[str, Any]]:
    """The tables of a value; nothing of an empty one."""
    if isinstance(value, Mapping):
        plain = {name: each for name, each in value.items() if _is_plain(each)}
        rows = [
            {"what": str(name).replace("_", " "), "value": each}
            for name, each in plain.items()
            if not _OF_SOMEBODY.fullmatch(str(name))
        ]
        if rows:
            yield _table(title, rows)
        for name, each in value.items():
            if name not in plain:
                yield from _tables(f"{title}: {str(name).replace('_', ' ')}", each)
    elif isinstance(value, list) and value:
        rows = [_row(each) for each in value]
        yield _table(title, rows)
    elif value is not None and not isinstance(value, list):
        yield _table(title, [{"what": title, "value": value}])


def _row(value: object) -> dict[str, Any]:
    """A row of a table: an object's plain values, and those of objects in it by both names."""
    if not isinstance(value, Mapping):
        return {"value": value if _is_plain(value) else json.dumps(value, ensure_ascii=False)}
    row: dict[str, Any] = {}
    for name, each in value.items():
        if _OF_SOMEBODY.fullmatch(str(name)):
            continue
        if isinstance(each, Mapping):
            row |= {f"{name} {inner}": of for inner, of in each.items() if _is_plain(of)}
        elif _is_plain(each):
            row[str(name)] = each
        else:
            row[str(name)] = ", ".join(map(str, each)) if all(map(_is_plain, each)) else ""
    return row


def _table(title: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A table with the columns that any of its rows has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    shown = [{name: row.get(name) for name in columns} for row in rows[:_MOST]]
    return {"title": title, "rows": shown, "rows_in_all": len(rows)}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))
