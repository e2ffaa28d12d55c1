"""The same rows through any source, and in canonical form, stage the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.exports import EXPORTS, Export
from tests.deliveries.test_sources import with_sources
from tests.support import (
    Row,
    csv_of,
    ingest,
    of_file,
    parquet_bytes,
    rendered,
    staged_hashes,
    valid_rows,
    workspace_with,
)

DAYS = ["%d%b%y", "%m/%d/%Y", "%Y년 %m월 %d일", "%B %d, %Y"]
Cells = dict[str, str]


def _grouped(number: int, between: str, point: str) -> str:
    return f"{number:,}".replace(",", between) + f"{point}00"


class Drawn:
    """A source for an export's rows, drawn at random, and their cells as it expects them."""

    def __init__(self, export: Export, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self.columns: dict[str, Any] = {}
        self.top: dict[str, Any] = {}
        self._write: dict[str, Callable[[Row, Cells], Cells]] = {}
        style = draw(st.sampled_from([None, "1,234.00", "1.234,00"]))
        if style is not None:
            self.top["numbers"] = style
        self._null = draw(st.sampled_from(["", "(null)"]))
        if self._null:
            self.top["null_words"] = [self._null]
        for name in export.columns:
            self._column(export, name, style)

    def _column(self, export: Export, name: str, style: str | None) -> None:
        """Draws how a column is made, and what makes its cells."""
        metadata = export.metadata(name)
        form, their = str(metadata["form"]), f"T_{name}".upper()
        drawn = self._draw(st.booleans())
        own = lambda row, cells: {their: cells[name]}  # noqa: E731
        self.columns[name], self._write[name] = their, own
        if form == "enumeration":
            codes = {f"{n:02d}": code for n, code in enumerate(export.codes[name], 1)}
            ours = {code: their for their, code in codes.items()}
            if drawn:
                self.columns[name] = {"from": their, "values": codes}
                self._write[name] = lambda row, cells: {their: ours.get(cells[name], "")}
        elif form == "integer":
            self._number(name, their, style, scaled=drawn)
        elif form in ("date", "timestamp") and drawn:
            written = self._draw(st.sampled_from(DAYS))
            written += " %H:%M:%S.%f" if form == "timestamp" else ""
            self.columns[name] = {"from": their, "format": written}
            self._write[name] = lambda row, cells: {their: _day(row[name], written)}
        elif form == "month":
            self.columns[name] = {"from": their, "as": "month"}
            self._write[name] = lambda row, cells: {their: f"{cells[name]}-17"}
        elif form == "identifier" and drawn and name in export.required:
            self.columns[name] = {"join": [f"{their}1", f"{their}2"], "with": "_"}
            self._write[name] = lambda row, cells: dict(
                zip((f"{their}1", f"{their}2"), cells[name].split("_", 1), strict=True)
            )

    def _number(self, name: str, their: str, style: str | None, *, scaled: bool) -> None:
        """Whole numbers in the source's style, of another sign, or as thousandths of thousands."""
        sign = self._draw(st.sampled_from([1, -1]))
        self.columns[name] = {"from": their} | ({"sign": "minus"} if sign < 0 else {})
        between, point = {"1.234,00": (".", ","), None: (",", ".")}.get(style, (",", "."))

        def written(row: Row, cells: Cells) -> Cells:
            if row[name] is None:
                return {their: ""}
            number = sign * row[name]
            if scaled and style is not None:
                whole, rest = divmod(abs(number), 1000)
                text = f"{'-' if number < 0 else ''}{whole}{point}{rest:03d}"
                return {their: text}
            return {their: _grouped(number, between, point) if style else str(number)}

        if scaled and style is not None:
            self.columns[name]["scale"] = 1000
        self._write[name] = written

    def cells(self, row: Row, cells: Cells) -> Cells:
        """A row in their names and forms."""
        found: Cells = {}
        for write in self._write.values():
            found |= {name: text or self._null for name, text in write(row, cells).items()}
        return found

    def text(self, export: str) -> str:
        """The source's YAML."""
        top = {"source": "crm", "export": export, "files": ["*"], **self.top}
        return yaml.safe_dump({**top, "columns": self.columns}, allow_unicode=True)


def _day(value: date | datetime | None, written: str) -> str:
    return "" if value is None else value.strftime(written)


def _delivered(rows: list[Cells]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["billing", "customers", "promotions", "flights"])
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_rows_through_any_source_stage_the_bytes_of_canonical_ones(
    name: str, kind: str, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    export = EXPORTS[name]
    rows = valid_rows(export, 12, seed=data.draw(st.integers(0, 99)))
    for row in rows:  # ids in two parts
        for column in export.required:
            if export.metadata(column)["form"] == "identifier":
                row[column] = f"{row[column]}_{len(str(row[column]))}"
    drawn = Drawn(export, data.draw)
    cells = [drawn.cells(row, rendered(export, row)) for row in rows]
    content = _delivered(cells) if kind == "csv" else parquet_bytes(pa.Table.from_pylist(cells))
    ours, theirs = (tmp_path_factory.mktemp(where) for where in ("ours", "theirs"))

    canonical = ingest(workspace_with(ours, {f"{name}/a.csv": csv_of(name, rows)}))
    with_sources(workspace_with(theirs, {f"{name}/a.{kind}": content}), crm=drawn.text(name))
    mapped = ingest(theirs)

    report = of_file(mapped, f"{name}/a.{kind}")
    assert report["reasons"] == {}, (report, drawn.text(name))
    assert report["rows"] == canonical["files"][0]["rows"]
    assert report["amounts"] == canonical["files"][0]["amounts"]
    assert staged_hashes(theirs) == staged_hashes(ours)


def test_what_hypothesis_draws_is_a_source_of_every_kind() -> None:
    """Every key of a column but constants and code files, which have tests of their own."""
    seen: set[str] = set()

    @settings(max_examples=30, deadline=None, database=None)
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        drawn = Drawn(EXPORTS["billing"], data.draw)
        seen.update(
            key for made in drawn.columns.values() if isinstance(made, dict) for key in made
        )

    draw()
    assert seen == {"from", "values", "sign", "scale", "format", "as", "join", "with"}
