"""Pollutions of a billing export, after Pollock's (Vitagliano et al., VLDB 2023): what breaks in
delimited files, one thing at a time, and whether what is read of each is true.

A row is silently wrong where what was accepted is none of the rows that were written, but for
columns that a warning says are not read, and lost where it was neither accepted nor stands in
quarantine. A file that is refused whole says so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from schemas.exports import EXPORTS
from tests.support import rendered, valid_rows
from transforms.exports.containers import Container, FileRefused, opened, survey
from transforms.exports.reading import Reader

BILLING: Final = EXPORTS["billing"]
ROWS: Final = 83
HEADER: Final = list(BILLING.columns)
_OTHER_DELIMITERS: Final = (";", "\t", "|", " ", "")
Quoting = Literal[0, 1]
"""csv's QUOTE_MINIMAL and QUOTE_ALL."""
_KEY: Final = "billing_line_id"


def _written() -> list[dict[str, Any]]:
    """The rows, each with an id that no other text holds."""
    rows = valid_rows(BILLING, ROWS, seed=16)
    return [row | {_KEY: f"L{number:03}X"} for number, row in enumerate(rows)]


WRITTEN: Final = _written()
IDS: Final = [row[_KEY] for row in WRITTEN]


@dataclass(frozen=True)
class Pollution:
    """A polluted file; `row`: the one that was touched, 0 for the header, none for all."""

    name: str
    content: bytes
    row: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What reading a polluted file came to: ids of rows, or why the file was refused."""

    refused: str | None
    wrong: list[Any]
    lost: list[str]
    rejected: list[str]


def judged(pollution: Pollution, folder: Path) -> Verdict:
    """Reads the file, in the folder, and compares with what was written."""
    path = folder / "polluted.csv"
    path.write_bytes(pollution.content)
    container = Container.of(path)
    accepted: list[dict[str, Any]] = []
    told: list[str] = []
    try:
        with opened(path, folder) as file:
            found = survey(file, container)
            reader = Reader(BILLING, path.name, file, container, found.encoding, None, workers=1)
            for batch in reader.batches():
                accepted += batch.accepted.select(HEADER).to_pylist()
                told += batch.quarantined["raw_text"].to_pylist()
            warned = set(reader.header.near.values())
    except FileRefused as refusal:
        return Verdict(str(refusal), [], [], [])
    text = "\n".join(told)
    known = [{name: value for name, value in row.items() if name not in warned} for row in WRITTEN]
    whole = {row[_KEY] for row in accepted}
    missing = [key for key in IDS if key not in whole]
    return Verdict(
        None,
        [row for row in accepted if {n: row[n] for n in HEADER if n not in warned} not in known],
        [key for key in missing if key not in text],
        missing,
    )


def pollutions() -> Iterator[Pollution]:
    """Every pollution: of each cell of header and rows, then of the file."""
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        yield from _of_cells(quoting)
    yield from _of_files()


def _lines(quoting: Quoting = csv.QUOTE_MINIMAL, **form: Any) -> list[str]:
    """Header and rows as lines without ends; each third row writes its amounts with commas."""
    return [_line(cells, quoting, **form) for cells in _cells()]


def _cells() -> list[list[str]]:
    rows = [list(rendered(BILLING, row).values()) for row in WRITTEN]
    place = HEADER.index("billed_amount")
    for cells in rows[::3]:
        cells[place] = f"{int(cells[place]):,}"
    return [HEADER, *rows]


def _line(cells: Sequence[str], quoting: Quoting, **form: Any) -> str:
    target = io.StringIO()
    csv.writer(target, quoting=quoting, lineterminator="", **form).writerow(cells)
    return target.getvalue()


def _file(lines: Sequence[str], line_end: str = "\n") -> bytes:
    return (line_end.join(lines) + line_end).encode()


def _of_cells(quoting: Quoting) -> Iterator[Pollution]:
    """A delimiter more or less, a quote more at either end, another delimiter, at each cell."""
    lines = _lines(quoting)
    style = {csv.QUOTE_MINIMAL: "plain", csv.QUOTE_ALL: "quoted"}[quoting]
    for row, cells in enumerate(_cells()):
        written = [_line([cell], quoting) if cell else "" for cell in cells]
        if quoting == csv.QUOTE_ALL:
            written = [cell or '""' for cell in written]
        for column, cell in enumerate(written):
            before, after = written[:column], written[column + 1 :]
            changed = {
                "a delimiter more": ",".join([*before, "", cell, *after]),
                "a quote more before": ",".join([*before, f'"{cell}', *after]),
                "a quote more behind": ",".join([*before, f'{cell}"', *after]),
            }
            if after:
                for delimiter in _OTHER_DELIMITERS:
                    joined = [*before, f"{cell}{delimiter}{after[0]}", *after[1:]]
                    name = f"{delimiter!r} as delimiter" if delimiter else "a delimiter less"
                    changed[name] = ",".join(joined)
            for name, line in changed.items():
                polluted = [*lines[:row], line, *lines[row + 1 :]]
                yield Pollution(f"{style}: {name}, {row}:{column}", _file(polluted), row)


def _of_files() -> Iterator[Pollution]:
    """Delimiters, quotes, escapes, line ends, titles, footers, further tables and headers."""
    lines = _lines()
    header, *rows = lines
    quoted = _lines(csv.QUOTE_ALL)
    for delimiter in ";\t|:, ":
        yield Pollution(f"delimiter {delimiter!r}", _file(_lines(delimiter=delimiter)))
        sep = [f"sep={delimiter}", *_lines(delimiter=delimiter)]
        yield Pollution(f"sep={delimiter!r}", _file(sep))
    for mark in ("'", "`", "“"):
        yield Pollution(f"quoted with {mark}", _file([q.replace('"', mark) for q in quoted]))
    escaped = [line.replace(",", "\\,") if n % 9 == 3 else line for n, line in enumerate(lines)]
    yield Pollution("escaped delimiters", _file(escaped))
    escapes = {"backslash": '\\"', "nothing": '"', "apostrophe": "'\""}
    for name, escape in escapes.items():
        for inner in ("", "\n", f"\n{rows[5]}\n"):
            cells = [*_cells()[4]]
            cells[2] = f"say {escape}hi{escape}{inner} end"
            line = ",".join(f'"{cell}"' for cell in cells)
            at = [*quoted[:4], line, *quoted[5:]]
            yield Pollution(f"quotes escaped by {name}, {inner!r} inside", _file(at), 4)
    for end in ("\r\n", "\r", "\n\r", "\r\r\n", "\n\n"):
        yield Pollution(f"line end {end!r}", _file(lines, end))
        yield Pollution(f"quoted, line end {end!r}", _file(quoted, end))
        mixed = [line + (end if n % 5 == 3 else "\n") for n, line in enumerate(lines)]
        yield Pollution(f"some line ends {end!r}", "".join(mixed).encode())
    yield Pollution("no line end at the end", _file(lines)[:-1])
    titles = ["Billing of 2016", "made,on,2016-12-01", "", '"all', ",".join(["x"] * 11), rows[0]]
    for count in range(1, len(titles) + 1):
        yield Pollution(f"{count} lines above", _file([*titles[:count], *lines]))
        yield Pollution(f"{count} lines below", _file([*lines, *titles[:count]]))
        between = [*lines[:40], *titles[:count], *lines[40:]]
        yield Pollution(f"{count} lines between", _file(between))
    yield Pollution("30 lines above", _file(["title"] * 30 + lines))
    yield Pollution("no header", _file(rows))
    yield Pollution("header twice", _file([header, *lines]))
    yield Pollution("header in the middle", _file([*rows[:10], header, *rows[10:]]))
    yield Pollution("header at the end", _file([*rows, header]))
    for other in _further_headers():
        for blank in ([], [""]):
            for end in ("\n", "\r\n"):
                joined = [*lines[:60], *blank, *other, *blank, *lines[60:]]
                yield Pollution("further table", _file(joined, end))
    for less in range(len(HEADER)):
        short = ",".join(name for place, name in enumerate(HEADER) if place != less)
        yield Pollution(f"header without {HEADER[less]}", _file([short, *rows]))
        swapped = [*HEADER]
        swapped[less] = "memo" if HEADER[less] in BILLING.required else f"{HEADER[less]}s"
        yield Pollution(f"header with another name, {less}", _file([",".join(swapped), *rows]))
    two = [header.replace("_", "\n"), *rows]
    yield Pollution("header over lines", _file(two))
    for pair in ((3, 70), (10, 11), (0, 82)):
        for column in range(len(HEADER)):
            stray = [*_cells()]
            first, last = [*stray[pair[0] + 1]], [*stray[pair[1] + 1]]
            if "," in first[6] + last[6]:
                first[6], last[6] = first[6].replace(",", ""), last[6].replace(",", "")
            first[column], last[column] = f'"{first[column]}', f'{last[column]}"'
            at = [*lines]
            at[pair[0] + 1], at[pair[1] + 1] = ",".join(first), ",".join(last)
            yield Pollution(f"stray quotes in rows {pair}, {column}", _file(at))
    text = _file(lines)
    yield Pollution("two byte order marks", b"\xef\xbb\xbf" * 2 + text)
    yield Pollution("UTF-16", text.decode().encode("utf-16"))
    yield Pollution("UTF-16 without a mark", text.decode().encode("utf-16-le"))
    yield Pollution("NULs at the end", text + bytes(100))
    yield Pollution("cut in a row", text[:-25])
    yield Pollution("a delimiter at each end", _file([f"{line}," for line in lines]))
    yield Pollution("a delimiter at each row's end", _file([header, *(f"{r}," for r in rows)]))
    yield Pollution("each line in quotes", _file([_line([line], csv.QUOTE_ALL) for line in lines]))


def _further_headers() -> Iterator[list[str]]:
    """Tables to be joined in: headers in another order, of other names, of another width."""
    rows = [list(rendered(BILLING, row).values()) for row in valid_rows(BILLING, 4, seed=3)]
    for row, number in zip(rows, range(900, 904), strict=True):
        row[0] = f"L{number}X"
    for order in ([1, 0, *range(2, 11)], [*range(6), 7, 6, *range(8, 11)], [*range(10)]):
        names = ",".join(HEADER[place] for place in order)
        yield [names, *(",".join(row[place] for place in order) for row in rows)]
    yield ["a,b,c", "1,2,3"]
    yield [",".join(f"column{n}" for n in range(11)), ",".join(map(str, range(11)))]
