"""Finds the header of a delivered file: its line, its delimiter, and where the columns lie.

A text file's header is looked for in its first lines, under each delimiter. Where there is none,
the refusal says what stands there instead. The header's names may come again further down, as
where files were joined: rows behind a header in another order are not read as if they had this one.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from schemas.derive import header_names, normalised_header
from schemas.exports import EXPORTS, Export
from schemas.sources import Source
from transforms.exports.containers import FileRefused
from transforms.exports.records import MAX_FIELDS, MAX_RECORD_BYTES, Records
from transforms.exports.utf8 import bad_spans

DELIMITERS: Final = (",", "\t", "|", ";")
HEADER_LINES: Final = 20
"""The header is one of a file's first lines; what stands above it are titles."""
_MARKS: Final = ("\ufeff".encode(), "\ufeff".encode().decode("latin-1").encode())
"""Byte order marks that a text may still begin with: a second one, and one encoded twice."""
_NAMED_DELIMITER: Final = re.compile(rb'^"?sep=([\t!#-~])"?\s*$', re.IGNORECASE)
_DATED: Final = frozenset({"month", "date", "timestamp"})
_SHOWN_CHARACTERS: Final = 40
_SHORT_NAME: Final = 4
_NEAR: Final = 0.8
_NEAR_OF_SHORT: Final = 0.66
"""How much alike a name is to be, by `difflib`: of three letters one may differ."""


class Names:
    """What a file's header may call an export's columns: their own names, or those of a source.

    A column that the source makes is read from the names that it gives; one that it doesn't, from
    its own name, unless the source reads that for another column.
    """

    def __init__(self, export: Export, source: Source | None = None) -> None:
        """`known`: by a name as it is compared what it stands for, a column or `=` and a name of
        the source's; `needed`: what of these a header must have.
        """
        self.export = export
        self.source = source
        self.made = source.columns if source else {}
        self.theirs = {
            normalised_header(part): part for column in self.made.values() for part in column.parts
        }
        own = {
            name: column for name, column in header_names(export).items() if column not in self.made
        }
        self.known = {**own, **{name: f"={name}" for name in self.theirs}}
        self.needed = {name for name in export.required if name not in self.made}
        self.needed.update(f"={name}" for name in self.theirs)

    def parts(self, columns: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        """The indexes of what each of our columns is made from, by what is where in a header."""
        found: dict[str, tuple[int, ...]] = {}
        for name in self.export.columns:
            if name in self.made:
                labels = [f"={normalised_header(part)}" for part in self.made[name].parts]
                found[name] = tuple(columns[label] for label in labels)
            elif name in columns:
                found[name] = (columns[name],)
        return found

    def told(self, label: str) -> str:
        """What is known, as a message names it."""
        if not label.startswith("="):
            return label
        assert self.source is not None
        return f"{self.theirs[label[1:]]}, which the source {self.source.name} reads,"


@dataclass(frozen=True)
class Header:
    """Where the export's columns lie in a file: index by name, among the `names` delivered.

    `columns`: by what a name stands for (see `Names`); `parts`: what each column is made from.
    `near`: names that no column has, with the column that they are near to and that is missing.
    """

    columns: Mapping[str, int]
    names: Sequence[str]
    parts: Mapping[str, tuple[int, ...]]
    delimiter: bytes | None = None
    near: Mapping[str, str] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many columns the file has."""
        return len(self.names)

    @property
    def extra(self) -> list[str]:
        """The names of those that the export doesn't know."""
        known = set(self.columns.values())
        return [name for index, name in enumerate(self.names) if index not in known]


@dataclass(frozen=True)
class Beginning:
    """A text file as far as its header: `rest` are the bytes behind it, which begin with `line`.

    `titles` counts the lines above it that are neither blank nor rows; `rows_above` are those that
    have all that a row must have, with their line numbers.
    """

    header: Header
    rest: bytes
    line: int
    blank_lines: int
    titles: int
    rows_above: Sequence[tuple[int, bytes]]


@dataclass(frozen=True)
class _Candidate:
    """A record at the beginning of a file: its first line (from 0), fields, lines and bytes."""

    place: int
    names: list[str]
    lines: int
    size: int
    delimiter: str
    known: int


def beginning(export: Export, chunks: Iterator[bytes], source: Source | None = None) -> Beginning:
    """Finds the header in a text's first lines; takes no more chunks than it needs.

    A `source` says what it calls the columns, and perhaps its line and delimiter.

    Raises FileRefused where there is none, where it names a column twice, or lacks a required one.
    """
    named = Names(export, source)
    most = max(HEADER_LINES, (source and source.header_line) or 0)
    text = _first_bytes(chunks, most)
    lines = _lines(text, most)
    if not any(line.strip() for line in lines):
        raise FileRefused("empty: not even a header; deliver it again")
    found = _best(named, text, lines)
    if found is None:
        raise FileRefused(_why_none(named, text, [line for line in lines if line.strip()]))
    header = header_of(named, found.names, found.delimiter.encode(), found.place + 1)
    start = sum(len(line) for line in lines[: found.place])
    above = [place for place in range(found.place) if lines[place].strip()]
    rows = [place for place in above if _is_row(named, header, lines[place])]
    return Beginning(
        header,
        text[start + found.size :],
        found.place + found.lines + 1,
        found.place - len(above),
        len(above) - len(rows),
        [(place + 1, lines[place].rstrip(b"\r\n")) for place in rows],
    )


def header_of(
    named: Names, names: Sequence[str], delimiter: bytes | None = None, line: int | None = None
) -> Header:
    """Finds the export's columns among the delivered names; `line`: where in the text they stand.

    Raises FileRefused where one is named twice or a required one is missing, or there are too many.
    """
    if len(names) > MAX_FIELDS:
        raise FileRefused(f"its header names {len(names):,} columns; {MAX_FIELDS:,} at most")
    export, known = named.export, named.known
    columns: dict[str, int] = {}
    for index, delivered in enumerate(names):
        name = known.get(normalised_header(delivered))
        if name is None:
            continue
        if name in columns:
            raise FileRefused(f"names the column {named.told(name)} twice; deliver it once")
        columns[name] = index
    _require_theirs(named, names, columns, line)
    missing = [name for name in export.columns if name not in columns and name not in named.made]
    unknown = [name for name in names if normalised_header(name) not in known]
    near = _near(export, unknown, missing)
    lacking = [name for name in missing if name in export.required]
    if lacking:
        where = "" if line is None else f"; its header is in line {line}"
        hints = [f"{_shown(name)} is near {close}" for name, close in near.items()]
        where += f", where {' and '.join(hints)}" if hints else ""
        by_source = f", or in the source {named.source.name}" if named.source else ""
        raise FileRefused(
            f"lacks the required column {', '.join(lacking)} of {export.name}{where}; name it so, "
            f"or as in Korean ({', '.join(str(export.columns[name].title) for name in lacking)})"
            f"{by_source}"
        )
    return Header(columns, names, named.parts(columns), delimiter, near)


def _require_theirs(
    named: Names, names: Sequence[str], columns: Mapping[str, int], line: int | None
) -> None:
    """Raises FileRefused where a header lacks a name that its source gives, with the nearest."""
    for name, theirs in named.theirs.items():
        if f"={name}" in columns:
            continue
        assert named.source is not None
        delivered = {normalised_header(each): each for each in names}
        near = difflib.get_close_matches(name, delivered, 1, cutoff=0.0)
        nearest = f", where {_shown(delivered[near[0]])} is the nearest" if near else ""
        where = "" if line is None else f"; its header is in line {line}{nearest}"
        ours = [column for column, made in named.made.items() if theirs in made.parts]
        raise FileRefused(
            f"lacks the column {theirs} from which the source {named.source.name} reads "
            f"{' and '.join(ours)}{where}; name it as the file does in "
            f"sources/{named.source.name}.yaml"
        )


def columns_at_the_top(export: Export, text: bytes) -> int | None:
    """How many of the export's columns a text's header names; none where required ones lack."""
    named = Names(export)
    text = _first_bytes(iter([text]))
    found = _best(named, text, _lines(text))
    return found.known if found and _is_whole(named, found.names) else None


class RepeatedHeaders:
    """Refuses the rows behind a header that comes again in another order, piece by piece.

    A header in the first one's order ends that.
    """

    def __init__(self, export: Export, header: Header, source: Source | None = None) -> None:
        named = Names(export, source)
        self._known = named.known
        self._quoted = _is_quoted(named)
        self.header = header
        self._own = [normalised_header(name) for name in header.names]
        self._other_order = False
        dated = [
            name
            for name in export.required
            if export.metadata(name)["form"] in _DATED and len(header.parts.get(name, ())) == 1
        ]
        self.dated = header.parts[dated[0]][0] if dated else None
        names = [name for d in dated[:1] for name in (d, str(export.columns[d].title))]
        names += [header.names[self.dated].strip()] if self.dated is not None else []
        names += [unicodedata.normalize("NFD", name) for name in names]
        self.pattern = "|".join(map(re.escape, names))

    def refuse(self, records: Records) -> None:
        """Marks as refused the rows of the file's next piece that another order's header heads."""
        self.mark(records.refused, self._headers(records))

    def mark(self, refused: npt.NDArray[np.bool_], headers: Iterable[tuple[int, bool]]) -> None:
        """Marks the rows of the next piece behind its `headers` in another order than the first's.

        `headers`: the rows that are some, and whether in the first one's order.
        """
        begin = 0
        for row, same in headers:
            if self._other_order:
                refused[begin:row] = True
            self._other_order = not same
            if not same:
                refused[row] = True
            begin = row + 1
        if self._other_order:
            refused[begin:] = True

    def _headers(self, records: Records) -> Iterator[tuple[int, bool]]:
        """The rows that are headers, and whether in the file's order.

        A date begins with no letter: only rows with one in its place, and unsplit ones, are read,
        and of these those alone that hold its column's name.
        """
        if self.dated is None or not len(records):
            return
        index = self.dated
        start, end = records.field_start[index], records.field_end[index]
        split = ~records.refused
        first = records.text[np.where(split & (end > start), start, 0)]
        letter = ((first | 0x20) >= ord("a")) & ((first | 0x20) <= ord("z"))
        letter |= first >= 0xE1  # Hangul, composed and decomposed, in UTF-8
        likely = np.flatnonzero(~split | ((end > start) & letter)).astype(np.int64)
        if not likely.size:
            return
        named = pc.match_substring_regex(records.raw(likely), self.pattern, ignore_case=True)
        for row in likely[named.to_numpy(zero_copy_only=False)].tolist():
            same = self.in_order(self._names(records, row))
            if same is not None:
                yield row, same

    def in_order(self, names: Sequence[str]) -> bool | None:
        """Whether names are a header in the first one's order; none where they are no header."""
        columns = {
            self._known[name]: place for place, name in enumerate(names) if name in self._known
        }
        if 2 * len(columns) <= len(self.header.columns):
            return None
        width = self.header.width
        same = columns == self.header.columns if len(names) == width else False
        # joined without a line break: behind the last row's fields stands the header
        return same or (len(names) > width and names[1 - width :] == self._own[1:])

    def _names(self, records: Records, row: int) -> list[str]:
        """The fields of a row as names of columns; none where it holds other bytes than UTF-8."""
        place = np.array([row])
        if bad_spans(records.text, records.start[place], records.end[place]).any():
            return []
        (raw,) = records.raw(place).to_pylist()
        assert self.header.delimiter is not None
        found = _record(raw, self.header.delimiter.decode("latin-1"), quoted=self._quoted)
        return [normalised_header(name) for name in found[0]] if found else []


def _first_bytes(chunks: Iterator[bytes], most: int = HEADER_LINES) -> bytes:
    """The text's first chunks, enough of them for the header; without byte order marks.

    `most`: the header's line at the latest.
    """
    text = b""
    while text.count(b"\n") <= 2 * most and len(text) <= MAX_RECORD_BYTES:
        chunk = next(chunks, None)
        if chunk is None:
            break
        text += chunk
    while text.startswith(_MARKS):
        text = text.removeprefix(_MARKS[0]).removeprefix(_MARKS[1])
    return text


def _lines(text: bytes, most: int = HEADER_LINES) -> list[bytes]:
    """The first physical lines, with their ends."""
    lines = list(islice(io.BytesIO(text), most))
    if lines and len(lines[0]) > MAX_RECORD_BYTES:
        raise FileRefused("no header: the first line is too long for one")
    return lines


def _best(named: Names, text: bytes, lines: Sequence[bytes]) -> _Candidate | None:
    """The first record that names all that is needed, else the one of most known names.

    Of a record's delimiters that which gives most known names counts, but where the first line
    names one (`sep=;`) that alone. What a source says of line and delimiter holds.
    """
    known, source = named.known, named.source
    best: _Candidate | None = None
    delimiters: Sequence[str] = DELIMITERS
    start = 0
    for place, line in enumerate(lines):
        if source and source.header_line and place + 1 != source.header_line:
            start += len(line)
            continue
        says = _NAMED_DELIMITER.match(line)
        if says and not any(above.strip() for above in lines[:place]):
            delimiters = (says[1].decode(),)
        if source and source.delimiter:
            delimiters = (source.delimiter,)
        for delimiter in delimiters:
            record = text[start : start + MAX_RECORD_BYTES]
            if (found := _record(record, delimiter, quoted=_is_quoted(named))) is None:
                continue
            names, size = found
            count = len({known[name] for name in map(normalised_header, names) if name in known})
            if count > (best.known if best else 0):
                broken = text.count(b"\n", start, start + size)
                best = _Candidate(place, names, max(1, broken), size, delimiter, count)
        if best is not None and _is_whole(named, best.names):
            break
        start += len(line)
    return best


def _is_whole(named: Names, names: Sequence[str]) -> bool:
    known = named.known
    return {known.get(normalised_header(name)) for name in names}.issuperset(named.needed)


def _is_quoted(named: Names) -> bool:
    """Whether fields may stand in quotes."""
    return named.source is None or named.source.quoted


def _record(text: bytes, delimiter: str, *, quoted: bool = True) -> tuple[list[str], int] | None:
    """The fields of the text's first record and its length; none where it is no sound UTF-8."""
    lines = io.BytesIO(text)
    try:
        fields = next(
            csv.reader(
                (line.decode() for line in lines),
                delimiter=delimiter,
                quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
                skipinitialspace=True,
                strict=True,
            )
        )
    except (csv.Error, UnicodeDecodeError, StopIteration, TypeError):
        return None
    return fields, lines.tell()


def _is_row(named: Names, header: Header, line: bytes) -> bool:
    """Whether a line above the header has its width, and a value wherever one is required."""
    assert header.delimiter is not None
    found = _record(line, header.delimiter.decode("latin-1"), quoted=_is_quoted(named))
    if found is None or len(found[0]) != header.width:
        return False
    needed = {index for name in named.export.required for index in header.parts[name]}
    return all(found[0][index].strip() for index in needed)


def _near(export: Export, unknown: Sequence[str], missing: Sequence[str]) -> dict[str, str]:
    """Delivered names that no column has, with the missing column whose name they are near."""
    names = {
        _core(name): column
        for column in missing
        for name in (column, str(export.columns[column].title))
    }
    near = {}
    for delivered in unknown:
        core = _core(delivered)
        cutoff = _NEAR_OF_SHORT if len(core) <= _SHORT_NAME else _NEAR
        if core and (close := difflib.get_close_matches(core, names, 1, cutoff)):
            near[delivered] = names[close[0]]
    return near


def _core(name: str) -> str:
    """A column's name without what stands in brackets, blanks, dashes and underlines."""
    return re.sub(r"[(\[（].*?[)\]）]|[\s\W_]", "", normalised_header(name))


def _why_none(named: Names, text: bytes, lines: Sequence[bytes]) -> str:
    """What stands in the place of a header, and what to do; tells no value of a row."""
    export, source, known = named.export, named.source, named.known
    first = lines[0]
    what = None
    for opening, name in {
        b"<": "HTML or XML",
        b"{": "JSON",
        b"[": "JSON",
        b"\x1b$": "ISO-2022",
    }.items():
        if first.lstrip().startswith(opening):
            what = f"it is {name}; deliver delimited text"
    if b"\x00" in first:
        what = "it holds NUL bytes, so it is no text; deliver delimited text in UTF-8"
    try:
        first.decode()
    except UnicodeDecodeError:
        return "its header is neither UTF-8 nor CP949, and names no known column; deliver UTF-8"
    for number, line in enumerate(lines, 1):
        fields = line.decode("utf-8", "replace").replace('"', "").strip()
        if any(
            sum(normalised_header(name) in known for name in fields.split(delimiter)) > 1
            for delimiter in DELIMITERS
        ):
            what = what or (
                f"the names in its line {number} stand in one pair of quotes, or in quotes that "
                "are not closed; quote each name by itself"
            )
    others = [
        name
        for name, other in EXPORTS.items()
        if other is not export and columns_at_the_top(other, text) is not None
    ]
    if others:
        what = what or f"its header is that of {others[0]}; deliver it there"
    if what is None:
        counts = {mark: first.decode().count(mark) for mark in DELIMITERS}
        fields_ = max(counts.values()) + 1
        like = " and looks like a row" if fields_ > 1 and re.search(rb"\d", first) else ""
        what = (
            f"the first has {fields_:,} field{'s' * (fields_ > 1)}{like}; put a header above the "
            f"rows with {', '.join(export.required)} (or in Korean)"
        )
        if source:
            what = (
                f"the source {source.name} reads {', '.join(named.theirs.values())}; mend its "
                "names, header_line or delimiter, or its files if this is none of them"
            )
    return f"names no known column of {export.name} in its first lines: {what}"


def _shown(name: str) -> str:
    return repr(" ".join(name.split())[:_SHOWN_CHARACTERS])
