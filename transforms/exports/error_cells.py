"""What calamine doesn't tell of a workbook: which cells hold errors, and where its days begin.

calamine gives nothing, or 0, for a cell that holds an error (`#REF!`), as if it were empty. So the
file is looked through for them: an .xlsx for its marks, an .ods cell by cell if it has any mark,
an .xls record by record.
"""

from __future__ import annotations

import re
import struct
import zipfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, FileIO
from typing import IO, Final
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import olefile

from transforms.exports.containers import FileRefused

Places = npt.NDArray[np.int64]

_COLUMNS: Final = 1 << 14
"""No sheet has more; a cell's place is its row by this and its column, both from 0."""
_MOST: Final = 1 << 24
"""More errors than anyone delivers."""
_CHUNK_BYTES: Final = 1 << 20

_MARKS: Final = (b'"e"', b"'e'")
_ERROR_CELL: Final = re.compile(rb"""<(?:\w+:)?c\s(?:[^<>]*\s)?t\s*=\s*["']e["'][^<>]*>""")
_REFERENCE: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")

_MARK_OF_ODS: Final = b'value-type="error"'

_BOUNDARY, _END, _FORMULA, _DATE_MODE, _ENCRYPTED = 0x0809, 0x000A, 0x0006, 0x0022, 0x002F
_SHEET, _ERROR = 0x0085, 0x0205
"""Records of an .xls: begin and end of a stream, formula, calendar, password, sheet, error."""


@dataclass(frozen=True)
class ErrorCells:
    """The cells of a sheet that hold errors, by row and column from 0."""

    places: Places

    def in_rows(self, first: int, count: int) -> tuple[Places, Places]:
        """The rows, counted from `first`, and columns of those in so many rows."""
        low, high = np.searchsorted(self.places, (first * _COLUMNS, (first + count) * _COLUMNS))
        return np.divmod(self.places[low:high] - first * _COLUMNS, _COLUMNS)


class Inspected:
    """A workbook looked through; `since_1904`: its days are counted from 1904, not from 1900."""

    def __init__(self, file: FileIO, kind: str) -> None:
        """Looks at what is true of all sheets; raises FileRefused where it can't be read."""
        self._file = file
        self._kind = kind
        self.since_1904 = False
        self._parts: dict[str, str] = {}
        if kind == "xlsx":
            self._look_at_xlsx()
        elif kind == "xls":
            self._records = _stream_of_xls(file)
            self._starts: list[int] = []
            self._look_at_xls()

    def errors(self, name: str, index: int) -> ErrorCells:
        """The error cells of a sheet, by its name and its place among all sheets."""
        if self._kind == "xlsx":
            found = self._errors_of_xlsx(self._parts[name])
        elif self._kind == "xls":
            found = self._errors_of_xls(index)
        else:
            found = _errors_of_ods(self._file, name)
        places = array("q")
        for row, column in found:
            if len(places) == _MOST:
                raise FileRefused(f"more than {_MOST:,} cells of its sheet hold errors; mend them")
            places.append(row * _COLUMNS + column)
        return ErrorCells(np.sort(np.frombuffer(places, np.int64)))

    def _look_at_xlsx(self) -> None:
        """Finds the calendar, and the part of the file that holds each sheet."""
        with zipfile.ZipFile(self._file) as packed:
            book = ElementTree.fromstring(packed.read("xl/workbook.xml"))
            links = ElementTree.fromstring(packed.read("xl/_rels/workbook.xml.rels"))
        for properties in book.findall(".//{*}workbookPr"):
            self.since_1904 |= properties.get("date1904") in ("1", "true")
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for sheet in book.findall(".//{*}sheet"):
            (link,) = (value for key, value in sheet.items() if key.endswith("}id"))
            target = targets.get(link, "")
            self._parts[sheet.get("name", "")] = (
                target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
            )

    def _errors_of_xlsx(self, part: str) -> Iterator[tuple[int, int]]:
        """Row and column of each cell whose type is `e`; FileRefused where it doesn't say them."""
        with zipfile.ZipFile(self._file) as packed, packed.open(part) as sheet:
            for text in _chunks_of_tags(sheet):
                if not any(mark in text for mark in _MARKS):
                    continue
                for cell in _ERROR_CELL.finditer(text):
                    place = _REFERENCE.search(cell[0])
                    if place is None:
                        raise FileRefused(
                            "an error cell of it doesn't say where it stands; save it anew"
                        )
                    yield int(place[2]) - 1, _column(place[1].upper())

    def _look_at_xls(self) -> None:
        """Finds the calendar and where the sheets begin; raises FileRefused for a password."""
        for kind, body in _records(self._records, 0):
            if kind == _ENCRYPTED:
                raise FileRefused(ENCRYPTED)
            if kind == _DATE_MODE:
                self.since_1904 = body[:1] == b"\1"
            if kind == _SHEET:
                self._starts.append(int.from_bytes(body[:4], "little"))

    def _errors_of_xls(self, index: int) -> Iterator[tuple[int, int]]:
        for kind, body in _records(self._records, self._starts[index]):
            is_error = (kind == _ERROR and body[7:8] == b"\1") or (
                kind == _FORMULA and body[6:7] == b"\2" and body[12:14] == b"\xff\xff"
            )
            if is_error:
                yield struct.unpack_from("<HH", body)


ENCRYPTED: Final = "an encrypted workbook; save it without a password"


def _column(letters: bytes) -> int:
    """`A` is 0, `AB` 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _chunks_of_tags(part: IO[bytes]) -> Iterator[bytes]:
    """The XML in chunks that end before a tag."""
    rest = b""
    while chunk := part.read(_CHUNK_BYTES):
        text = rest + chunk
        cut = max(text.rfind(b"<"), 0)
        rest = text[cut:]
        yield text[:cut]
        if len(rest) > _CHUNK_BYTES:
            raise FileRefused(f"a tag of its sheet is longer than {_CHUNK_BYTES:,} bytes")
    yield rest


def _errors_of_ods(file: FileIO, name: str) -> Iterator[tuple[int, int]]:
    """Those of a sheet; rows and cells that stand for several repeat their error."""
    with zipfile.ZipFile(file) as packed:
        with packed.open("content.xml") as content:
            if not any(_MARK_OF_ODS in text for text in _chunks_of_tags(content)):
                return
        with packed.open("content.xml") as content:
            table, row, column = "", 0, 0
            errors: list[range] = []
            for event, element in ElementTree.iterparse(content, ("start", "end")):
                tag = element.tag.rpartition("}")[2]
                if event == "start":
                    if tag == "table":
                        table, row = _attribute(element, "name"), 0
                    continue
                if tag in ("table-cell", "covered-table-cell"):
                    count = int(_attribute(element, "number-columns-repeated") or 1)
                    if element.get(_CALC_TYPE) == "error":
                        errors.append(range(column, min(column + count, _COLUMNS)))
                    column += count
                elif tag == "table-row":
                    count = int(_attribute(element, "number-rows-repeated") or 1)
                    if table == name:
                        for place in range(row, row + count if errors else row):
                            yield from ((place, at) for cells in errors for at in cells)
                    row, column, errors = row + count, 0, []
                    element.clear()


_CALC_TYPE: Final = (
    "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"
)


def _attribute(element: ElementTree.Element, name: str) -> str:
    return element.get(f"{{urn:oasis:names:tc:opendocument:xmlns:table:1.0}}{name}", "")


def _stream_of_xls(file: FileIO) -> bytes:
    """The records of an .xls; raises FileRefused where the container is no workbook."""
    file.seek(0)
    content = file.read()
    assert content is not None
    with olefile.OleFileIO(BytesIO(content)) as container:
        if container.exists("EncryptedPackage"):
            raise FileRefused(ENCRYPTED)
        for name in ("Workbook", "Book"):
            if container.exists(name):
                return bytes(container.openstream(name).read())
    raise FileRefused("no workbook, though in a container such as .xls has; save it as .xlsx")


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The records from a position to the end of what begins there, each its kind and content."""
    depth = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        depth += (kind == _BOUNDARY) - (kind == _END)
        if depth <= 0:
            return
        yield kind, stream[at + 4 : at + 4 + size]
        at += 4 + size
