"""Workbooks for tests, as rows of cells by sheet."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import Any

import openpyxl
import xlwt
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook import Workbook

from schemas.exports import Export
from tests.support import Row

Cells = Sequence[Sequence[Any]]
_DAY = "yyyy-mm-dd"
_TIME = "yyyy-mm-dd hh:mm:ss"


def book(sheets: Mapping[str, Cells], *, since_1904: bool = False) -> Workbook:
    """An .xlsx workbook that may still be changed."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    if since_1904:
        made.epoch = CALENDAR_MAC_1904
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return made


def saved(made: Workbook) -> bytes:
    """The bytes of an .xlsx workbook."""
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def xlsx(rows: Cells, name: str = "청구내역", **form: Any) -> bytes:
    """An .xlsx workbook of one sheet."""
    return saved(book({name: rows}, **form))


def xls(rows: Cells, name: str = "청구내역", *, since_1904: bool = False) -> bytes:
    """An .xls workbook of one sheet; a text such as `#REF!` becomes an error."""
    made = xlwt.Workbook(encoding="utf-8")
    made.dates_1904 = since_1904
    sheet = made.add_sheet(name)
    day, time = xlwt.easyxf(num_format_str=_DAY), xlwt.easyxf(num_format_str=_TIME)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, str) and value.startswith("#"):
                sheet.row(number).set_cell_error(column, value)
            elif isinstance(value, date):
                sheet.write(number, column, value, time if isinstance(value, datetime) else day)
            else:
                sheet.write(number, column, value)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


_NAMES_OF_ODS = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
    for prefix in ("office", "table", "text")
)
_CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
_MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"


def ods(rows: Cells, name: str = "청구내역") -> bytes:
    """An .ods workbook of one sheet, as LibreOffice writes it; `#REF!` becomes an error."""
    body = "".join(
        f"<table:table-row>{''.join(map(_cell_of_ods, row))}</table:table-row>" for row in rows
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMES_OF_ODS} {_CALC}>'
        f'<office:body><office:spreadsheet><table:table table:name="{name}">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        "<manifest:manifest xmlns:manifest="
        '"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{_MIMETYPE}"/></manifest:manifest>'
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("mimetype", _MIMETYPE)
        packed.writestr("META-INF/manifest.xml", manifest)
        packed.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _cell_of_ods(value: Any) -> str:
    """A cell with its value as attribute, its text beside it."""
    kind: Mapping[str, object]
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        kind = {"value-type": "boolean", "boolean-value": str(value).lower()}
    elif isinstance(value, int | float):
        kind = {"value-type": "float", "value": value}
    elif isinstance(value, date):
        kind = {"value-type": "date", "date-value": value.isoformat()}
    elif value.startswith("#"):
        cell = 'office:value-type="string" office:string-value="" calcext:value-type="error"'
        return f"<table:table-cell {cell}><text:p>{value}</text:p></table:table-cell>"
    else:
        paragraphs = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
        cell = 'office:value-type="string"'
        return f"<table:table-cell {cell}>{paragraphs}</table:table-cell>"
    cell = " ".join(f'office:{name}="{text}"' for name, text in kind.items())
    return f"<table:table-cell {cell}><text:p>shown</text:p></table:table-cell>"


def sheet_of(export: Export, rows: Sequence[Row], *, korean: bool = False) -> Cells:
    """An export's rows as cells with a header above; decimals as floats."""
    names = [column.title if korean else name for name, column in export.columns.items()]
    own = (str, int, date, type(None))
    cells = [[row[name] for name in export.columns] for row in rows]
    return [names, *([v if isinstance(v, own) else float(v) for v in line] for line in cells)]
