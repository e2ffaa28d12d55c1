"""What is printed of scenarios: their blocks as tables, each a title with rows, and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Row = Mapping[str, Any]
Lines = Iterator[str | tuple[str, list[dict[str, Any]]]]
"""A sentence, or a table: its title and rows."""

_MOST: Final = 10
_NONE: Final = "not assessed"
_DIVIDED: Final = {"all": "all", "level": "published", "tenure": "years", "fee": "fee from"}
"""By what owners are divided, as it is printed."""
_MEASURES: Final = {"by_tier": "given by tier"}


def scenario_lines(found: Row) -> Lines:
    """What a scenario changes, block by block."""
    unit = found["unit"]
    until = f" to {found['to']}" if found["to"] else ""
    yield f"{found['name']}: {found['year']} through {found['through']}{until}"
    if found["parameters"]:
        # first those that anything rests on
        rows = sorted(found["parameters"], key=lambda row: not row["reached"])
        yield from _table("Changed values", [_parameter(row) for row in rows])
    else:
        yield "no value is changed"
    levels = [{"tier": row["tier"] or _NONE, **_sides(row)} for row in found["tiers"]]
    who, levels_are = ("Members", "status") if unit == "miles" else ("Customers", "tier")
    yield (
        f"{who} by {levels_are}",
        [
            {levels_are: row["tier"], **{k: v for k, v in row.items() if k != "tier"}}
            for row in levels
            if row["published"] or row["scenario"]
        ],
    )
    yield f"{who}, from the published {levels_are} to that of the scenario", _matrix(found)
    yield from _effects(found["winners_and_losers"], unit)
    yield (
        f"Cost in {unit}",
        [
            {"what": _MEASURES.get(row["measure"], row["measure"]), **_sides(row)}
            for row in found["cost"]
        ],
    )
    if found["liability"] is not None:
        yield from _due(found["liability"], unit)
    if found["attribution"] is not None:
        yield from _attribution(found["attribution"], unit)
    for sentence in found["limits"]:
        yield f"- {sentence}"
    yield f"its tables, policies and every changed value: scenarios/{found['name']}"


def compared_lines(found: Row) -> Lines:
    """Scenarios side by side."""
    names, unit = found["names"], found["unit"]
    for sentence in found["differ"]:
        yield f"not of one kind: {sentence}"
    yield from _changed_since(found["scenarios"])
    values = [
        {
            "policy": row["policy"],
            "what": _what(row),
            **{
                name: _value(value) or "not in force" for name, value in _beside(row, names).items()
            },
        }
        for row in found["parameters"]
    ]
    yield from _table("Changed values", values)
    yield (
        "By tier or status",
        [{"tier": row["tier"] or _NONE, **_beside(row, names)} for row in found["tiers"]],
    )
    yield (
        f"Winners and losers, in {unit}",
        [
            {"what": row["what"].replace("_", " "), **dict(zip(names, row["values"], strict=True))}
            for row in found["winners_and_losers"]
        ],
    )
    yield (
        f"Cost in {unit}",
        [
            {"what": _MEASURES.get(row["measure"], row["measure"]), **_beside(row, names)}
            for row in found["cost"]
        ],
    )
    if found["liability"]:
        due = [
            {"lapses": row["expires_month"], **_beside(row, names)} for row in found["liability"]
        ]
        yield from _table(f"{unit.capitalize()} left, by when they lapse", due)


def listed_lines(found: Row) -> Lines:
    """Which scenarios there are."""
    rows = [
        {
            "name": row["name"],
            "year": str(row["year"]),
            "through": row["through"] if row["to"] is None else f"{row['through']} to {row['to']}",
            "set": " ".join(row["set"]),
            "moved": row["moved"],
            "total": row["amount"],
            "unit": row["unit"],
            "base": "changed since" if row["changed_since"] else "as it was",
        }
        for row in found["scenarios"]
    ]
    if not rows:
        yield "there are no scenarios; `pointbook simulate NAME --year Y --set …` makes one"
        return
    yield "Scenarios", rows
    yield from _changed_since(found["scenarios"])


def removed_lines(found: Row) -> Lines:
    """That a scenario is gone."""
    yield f"removed the scenario {found['name']}"


def _changed_since(scenarios: Sequence[Row]) -> Iterator[str]:
    """What scenarios were made from and is another by now."""
    for row in scenarios:
        if changed := row["changed_since"]:
            named, more = changed[:3], len(changed) - 3
            rest = f" and {more:,} more" if more > 0 else ""
            yield f"{row['name']}: changed since it was made: {', '.join(named)}{rest}"


def _table(title: str, rows: list[dict[str, Any]]) -> Lines:
    """The first rows of a table, and how many more there are."""
    if rows:
        yield title, rows[:_MOST]
    if len(rows) > _MOST:
        yield f"… {len(rows) - _MOST:,} more; --json has all"


def _sides(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("published", "scenario", "difference")}


def _beside(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {"published": row["published"], **dict(zip(names, row["values"], strict=True))}


def _what(row: Row) -> str:
    """What a value is of: its key and column."""
    return " ".join([*map(str, row["key"].values()), row["column"]])


def _value(told: Row | None) -> str:
    """A value of a policy; none where no row is in force."""
    if told is None:
        return ""
    value = told["value"]
    return f"{value:,}" if type(value) is int else "null" if value is None else str(value)


def _parameter(row: Row) -> dict[str, Any]:
    sides = {side: _value(row[side]) or "not in force" for side in ("before", "after")}
    about = {"policy": row["policy"], "what": _what(row), **sides}
    return {**about, "from": row["since"], "until": row["until"], "rule": ", ".join(row["rules"])}


def _matrix(found: Row) -> list[dict[str, Any]]:
    """A row for each published level, a column for each of the scenario, and the margins."""
    levels = [row["tier"] for row in found["tiers"]]
    counts = {(row["published"], row["scenario"]): row["count"] for row in found["matrix"]}
    from_, to = (
        [level for level in levels if any(pair[side] == level for pair in counts)]
        for side in (0, 1)
    )
    rows = []
    for before in from_:
        cells = {after or _NONE: counts.get((before, after), 0) for after in to}
        rows.append({"published": before or _NONE, **cells, "all": sum(cells.values())})
    names = [name for name in (rows[0] if rows else ()) if name != "published"]
    return [*rows, {"published": "all", **{n: sum(row[n] for row in rows) for n in names}}]


def _is_told(row: Row) -> bool:
    """Whether anybody of a part of the owners moves, gains or loses; all of them are told."""
    effects = ("up", "down", "came", "gone", "gain", "lose")
    return row["divided_by"] == "all" or any(row[name] for name in effects)


def _effects(rows: Sequence[Row], unit: str) -> Lines:
    """Who moves, gains and loses: all, by tier and tenure, and by fee."""
    told = [row for row in rows if _is_told(row)]
    moves = [name for name in ("up", "down", "came", "gone") if any(row[name] for row in told)]
    about = f"in {unit}; mean and median of those who gain or lose"
    by = {name: [_effect(r, moves) for r in told if r["divided_by"] == name] for name in _DIVIDED}
    yield f"Winners and losers, {about}", [*by["all"], *by["level"], *by["tenure"]]
    yield from _table(f"Winners and losers by fee, {about}", by["fee"])


def _effect(row: Row, moves: Sequence[str]) -> dict[str, Any]:
    """What becomes of a part of the owners."""
    part = row["part"] or ("" if row["divided_by"] == "all" else _NONE)
    if row["divided_by"] == "fee" and row["part"]:
        part = f"{int(part):,}"
    numbers = ("gain", "lose", "keep", "gained", "lost", "mean", "median")
    return {
        "who": f"{_DIVIDED[row['divided_by']]} {part}".strip(),
        **{name: row[name] for name in (*moves, *numbers, "largest_gain", "largest_loss")},
    }


def _due(rows: Sequence[Row], unit: str) -> Lines:
    """What is left at the end, by when it lapses, as far as it differs."""
    differ = [
        {"lapses": row["expires_month"] or "never", **_sides(row)}
        for row in rows
        if row["difference"]
    ]
    title = f"{unit.capitalize()} left at the end, by when they lapse"
    if not differ:
        yield f"{title}: as published"
    yield from _table(title, differ)


def _attribution(found: Row, unit: str) -> Lines:
    """What each change brings alone and after those before it; what is left is of both together."""

    def cells(told: Row | None, which: str) -> dict[str, Any]:
        names = {f"moved {which}": "moved", f"{unit} {which}": "amount"}
        return {name: "–" if told is None else told[of] for name, of in names.items()}

    rows = [
        {
            "change": each["change"],
            **cells(each["alone"], "alone"),
            **cells(each["added"], "added"),
        }
        for each in found["changes"]
    ]
    yield "What each change brings: alone, and added to those above it", rows
    together, interaction = found["together"], found["interaction"]
    told = f"together {together['moved']:,} moved, {together['amount']:+,} {unit}"
    if interaction is None:
        yield f"{told}; a change that makes no sound policies alone has no interaction"
    else:
        moved, amount = interaction["moved"], interaction["amount"]
        yield f"{told}; interaction {moved:+,} moved, {amount:+,} {unit}"
