"""The process in which calamine reads a workbook; it hands the rows on as Arrow.

calamine holds a whole sheet, and ends its process where memory doesn't suffice: a value in a
sheet's first cell and one in its last are enough for that. So it has a process of its own, of
bounded memory and time, and `workbook.py` talks to it: the sheets come first, then for each name
that is asked for that sheet's first rows, and for an empty name the rows of the latest sheet.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any, Final

import pyarrow as pa
from python_calamine import (
    CalamineSheet,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

_CELLS_AT_ONCE: Final = 1 << 19
_BYTES_AT_ONCE: Final = 1 << 26
_SHOWN_CHARACTERS: Final = 1_000
KINDS: Final = {"text": pa.string(), "number": pa.float64(), "moment": pa.timestamp("us")}
"""What cells hold, with Arrow's type for it. Truth values and times of day come as text."""
_KIND_OF: Final[dict[type, str]] = {
    int: "number",
    float: "number",
    date: "moment",
    datetime: "moment",
}


def main() -> None:
    """Serves the workbook that the arguments name, until the other end hangs up.

    They are: the connection's descriptor, the file's path, the first rows that are wanted, and
    the bounds in bytes and seconds.
    """
    descriptor, path, first_rows, memory, seconds = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()  # cells are in no cycles, and too many to look for some
    with Connection(int(descriptor)) as connection:
        try:
            _serve(connection, path, int(first_rows))
        except (EOFError, BrokenPipeError, KeyboardInterrupt):
            return
        except PasswordError:
            _say(connection, {"error": "encrypted"})
        except MemoryError:
            _say(connection, {"error": "memory"})
        except BaseException as error:
            # a panic of calamine's is no Exception, and one of its kind is a lack of memory
            said = " ".join(str(error).split())[:_SHOWN_CHARACTERS]
            _say(connection, {"error": "memory" if "MemError" in said else said})


def _serve(connection: Connection, path: str, first_rows: int) -> None:
    """Answers what the other end asks of the workbook, and ends with the rows of a sheet."""
    workbook = load_workbook(path)
    sheets = [
        {"name": sheet.name, "hidden": sheet.visible is not SheetVisibleEnum.Visible}
        for sheet in workbook.sheets_metadata
        if sheet.typ is SheetTypeEnum.WorkSheet
    ]
    _say(connection, {"sheets": sheets, "names": workbook.sheet_names})
    sheet = None
    while name := connection.recv_bytes().decode():
        sheet = None  # else there are two in memory
        sheet = workbook.get_sheet_by_name(name)
        first = list(islice(sheet.iter_rows(), first_rows))
        _say(
            connection,
            {
                "rows": sheet.end[0] + 1 if sheet.end else 0,
                "first_column": sheet.start[1] if sheet.start else 0,
                "first": [[_shown(value)[:_SHOWN_CHARACTERS] for value in row] for row in first],
            },
        )
    if sheet is not None:
        for batch in _batches(sheet):
            target = pa.BufferOutputStream()
            with pa.ipc.new_stream(target, batch.schema) as stream:
                stream.write_batch(batch)
            connection.send_bytes(target.getvalue())
    connection.send_bytes(b"")


def _say(connection: Connection, what: dict[str, Any]) -> None:
    connection.send_bytes(json.dumps(what).encode())


def _batches(sheet: CalamineSheet) -> Iterator[pa.RecordBatch]:
    """The sheet's rows from its very first on, in batches of bounded size."""
    rows = iter(sheet.iter_rows())
    width = sheet.end[1] - sheet.start[1] + 1 if sheet.start and sheet.end else 1
    while chunk := list(islice(rows, max(1, _CELLS_AT_ONCE // width))):
        columns = [_column(values) for values in zip(*chunk, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, [str(index) for index in range(width)])
        at_once = max(1, batch.num_rows * _BYTES_AT_ONCE // max(batch.nbytes, _BYTES_AT_ONCE))
        for start in range(0, batch.num_rows, at_once):
            yield batch.slice(start, at_once)


def _column(values: Sequence[Any]) -> pa.Array:
    """A column's cells: as the one kind that all of them are, else a struct of kinds.

    In a struct each cell has a value in the field of its kind alone. calamine gives empty text for
    empty cells.
    """
    types = set(map(type, values))
    kinds = {_KIND_OF.get(each, "text") for each in types}
    if len(kinds) == 1:
        return _array(values, types, *kinds)
    arrays = {}
    for kind in sorted(kinds):
        own = {each for each in types if _KIND_OF.get(each, "text") == kind}
        cells = [value if type(value) in own else None for value in values]
        if kind != "text" or any(cells):
            arrays[kind] = _array(cells, own, kind)
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    return pa.StructArray.from_arrays(list(arrays.values()), list(arrays))


def _array(values: Sequence[Any], types: set[type], kind: str) -> pa.Array:
    """Cells of one kind, which are of these types; none where others stand."""
    if types == {date}:
        return pa.array(values, pa.date32()).cast(KINDS[kind])
    if date in types:
        values = [
            datetime(value.year, value.month, value.day) if type(value) is date else value
            for value in values
        ]
    elif kind == "text" and types != {str}:
        values = [None if value is None else _shown(value) for value in values]
    elif int in types:
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, KINDS[kind])


def _shown(value: Any) -> str:
    """A cell as text: truth values as exports write them, days without the time."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


if __name__ == "__main__":
    main()
