"""The report as one HTML file: its tables and charts, readable without scripts and network.

A chart is a Vega-Lite file, `page/<block>.vl.json`, drawn in two widths, of which the page's
style shows one. What the page shows stands in it once more as JSON.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from flows.answers.report.blocks import BLOCKS, NOT_ASSESSED, ORDERS, PAGES, UNITS, Block
from flows.answers.report.masks import ALL, is_hidden

PLACE: Final = files("flows.answers.report") / "page"
_WIDTHS: Final = {"wide": 860, "narrow": 300}
"""Pixels of a chart in each of its two forms."""
_TEXTS: Final = {"why", "reason", "benefit", "status", "untold", "cause", "request", "kind", "step"}
"""Columns of codes that are shown as words."""
_PLAIN: Final = {"year", "membership_year", "status_year", "credited_year", "delivery"}
"""Columns of numbers that are names."""
Row = Mapping[str, Any]


def made_page(found: Mapping[str, Any]) -> str:
    """The report's page."""
    return _rendered("report.html.j2", found)


def made_run_page(found: Mapping[str, Any]) -> str:
    """The page of one run."""
    return _rendered("run.html.j2", found)


def _rendered(template: str, found: Mapping[str, Any]) -> str:
    """A template with what it shows, its style, its script and the script's hash."""
    script = (PLACE / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            found=found,
            script=Markup(script),
            style=Markup((PLACE / "report.css").read_text(encoding="utf-8")),
            script_hash=f"sha256-{digest}",
            data=_as_json({name: value for name, value in found.items() if name != "made_on"}),
        )
    )


def _as_json(found: Mapping[str, Any]) -> Markup:
    """JSON that can stand in a script element: nothing in it ends that, or begins a comment."""
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


@cache
def _environment() -> Environment:
    """The templates: every value is escaped, and one that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(str(PLACE)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "headed": headed,
        "is_number": is_number,
        "numeric": numeric,
        "literal": _literal,
    }
    environment.globals |= {
        "blocks": BLOCKS,
        "pages": PAGES,
        "chart": chart,
        "pivoted": pivoted,
        "kind_of_move": kind_of_move,
        "plain_numbers": _PLAIN,
        "difference": difference,
        "hides": hides,
        "counted_in": counted_in,
    }
    return environment


# Values


def shown(value: object, column: str = "") -> str:
    """A value as people read it: thousands by commas, codes as words, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        if column.endswith("_bp"):
            return f"{value // 100:,}.{value % 100 // 10}%"
        return str(value) if column in _PLAIN else f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, date | datetime):
        return value.isoformat()
    text = str(value)
    if column in {"started_at", "finished_at"}:
        return text[:16].replace("T", " ")
    return text.replace("_", " ") if column in _TEXTS else text


def counted_in(row: Row, column: str) -> str:
    """The column that says how a value is shown: of a row that names it, that name."""
    named = str(row.get("what", "")).replace(" ", "_")
    return named if column == "value" and named in _PLAIN else column


def headed(column: str, block: Block | None = None) -> str:
    """The heading of a column, with what it is counted in."""
    if column.endswith("_bp"):
        return f"{column.removesuffix('_bp').replace('_', ' ')}, %"
    unit = (block.units if block else {}).get(column) or UNITS.get(column)
    words = column.replace("_", " ")
    return f"{words}, {unit}" if unit and unit not in words else words


def is_number(value: object) -> bool:
    """Whether a value stands to the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def numeric(rows: Sequence[Row], column: str) -> bool:
    """Whether a column of a table holds numbers."""
    return any(is_number(row[column]) for row in rows)


def _literal(value: object) -> str:
    """A value of `run_context` as SQL has it."""
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("'", "''")
    is_day = re.fullmatch(r"\d{4}-\d\d-\d\d", text)
    return f"DATE '{text}'" if is_day else f"'{text}'"


def difference(now: object, before: object) -> str:
    """How a figure differs from that of a year before, in words."""
    if not isinstance(now, int) or not isinstance(before, int):
        return ""
    more = now - before
    share = f" ({Decimal(more) * 100 / before:+.1f}%)" if before > 0 else ""
    return f"{more:+,}{share}".replace("-", "−")


# Tables with values of a column as columns


def pivoted(shown_block: Mapping[str, Any]) -> dict[str, Any]:
    """The columns and lines of a block whose cells are of two columns' values, with its margins."""
    pivot = BLOCKS[shown_block["block"]].pivot
    assert pivot
    of_line, of_column, name = pivot
    rows = shown_block["rows"]
    margins = shown_block["margins"]
    columns, lines = _in_order(rows, of_column), _in_order(rows, of_line)
    cells = {(row[of_line], row[of_column]): row[name] for row in rows}
    return {
        "of_line": of_line,
        "of_column": of_column,
        "name": name,
        "columns": columns,
        "lines": [(line, [cells.get((line, column)) for column in columns]) for line in lines],
        "of_lines": margins[of_line] if margins else None,
        "of_columns": margins[of_column] if margins else None,
        "all": ALL,
    }


def _in_order(rows: Sequence[Row], name: str) -> list[Any]:
    """The values of a column: ordered tiers as these, else by value."""
    values = list(dict.fromkeys(row[name] for row in rows))
    if name in ORDERS:
        return sorted(values, key=list(ORDERS[name]).index)
    return sorted(values)


def kind_of_move(before: str, now: str) -> str:
    """Which way a cell of the migration matrix moves: up, down, came, left or same."""
    if NOT_ASSESSED in (before, now):
        return "came" if before == NOT_ASSESSED else "left"
    order = list(ORDERS["tier"])
    if before == now:
        return "same"
    return "up" if order.index(now) > order.index(before) else "down"


# Charts


def hides(rows: Sequence[Row]) -> bool:
    """Whether any count of a table is not told: a chart without it would show nobody there."""
    return any(is_hidden(value) for row in rows for value in row.values())


@cache
def _spec(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PLACE / f"{name}.vl.json").read_text(encoding="utf-8"))
    return found


def chart(name: str, width: str, rows: Sequence[Row], more: Sequence[Row] = ()) -> Markup:
    """A block's chart as SVG, wide or narrow; `more`: the rows of a second table that it draws."""
    # takes a second to start, and most commands need none
    import vl_convert

    theme = _spec("theme")
    spec = {
        **_spec(name),
        **theme[width],
        "datasets": {"rows": list(rows), "more": list(more)},
        "config": {**theme["config"], **theme[width]["config"]},
        "width": _WIDTHS[width],
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version=theme["version"], allowed_base_urls=[])
    return Markup(_own_ids(_shorter(svg), f"{name}-{width}"))


def _shorter(svg: str) -> str:
    """The drawing to a hundredth of a pixel, its marks with their labels alone: a third less."""
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
    svg = re.sub(r"rgb\((\d+), (\d+), (\d+)\)", _hexadecimal, svg)
    return re.sub(r'(role="graphics-symbol") aria-roledescription="[^"]*"', r"\1", svg)


def _hexadecimal(colour: re.Match[str]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour.groups())


def _own_ids(svg: str, prefix: str) -> str:
    """The drawing with ids that no other of the page has."""
    numbers: dict[str, str] = {}

    def own(name: str) -> str:
        return numbers.setdefault(name, f"{prefix}-{len(numbers)}")

    svg = re.sub(r'\bid="([^"]*)"', lambda found: f'id="{own(found[1])}"', svg)
    return re.sub(r"url\(#([^)]*)\)", lambda found: f"url(#{own(found[1])})", svg)
