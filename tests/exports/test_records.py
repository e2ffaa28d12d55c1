"""Splitting delimited text: as Python's csv module where the text is well formed and can't be told
from stray quotes otherwise, and one line lost for one bad line where it is not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.exports.records import MAX_RECORD_BYTES, Splitter


class Split(NamedTuple):
    """A record: its first physical line, its fields (none if refused), its raw text."""

    line: int
    fields: list[str] | None
    raw: str


def split(
    text: bytes, width: int, delimiter: str = ",", chunks: Sequence[int] = ()
) -> tuple[list[Split], int]:
    """The records of a text that arrives in chunks of these sizes, and its blank lines."""
    splitter = Splitter(delimiter.encode(), width, 1)
    pieces = []
    for size in chunks:
        pieces.append(text[:size])
        text = text[size:]
    pieces.append(text)
    found: list[Split] = []
    for number, piece in enumerate(pieces):
        for records in splitter.feed(piece, final=number == len(pieces) - 1):
            kept = np.flatnonzero(~records.refused).astype(np.int64)
            columns = [records.field(index, kept).to_pylist() for index in range(width)]
            cells = zip(*columns, strict=True)
            raw = records.raw(np.arange(len(records))).to_pylist()
            for row, text_ in enumerate(raw):
                fields = None if records.refused[row] else list(next(cells))
                found.append(Split(int(records.line[row]), fields, text_.decode()))
    return found, splitter.blank_lines


def lines_and_fields(
    text: bytes, width: int, chunks: Sequence[int] = ()
) -> list[tuple[int, list[str] | None]]:
    return [(record.line, record.fields) for record in split(text, width, chunks=chunks)[0]]


CELLS = st.text(st.sampled_from('ab가 "\n\r,;|\t'), max_size=6)


class Table(NamedTuple):
    """Rows, the text that a supplier writes them as, and sizes of the chunks it comes in."""

    rows: list[list[str]]
    delimiter: str
    line_end: str
    quote_all: bool
    last_line_end: bool
    chunks: list[int]

    @property
    def records(self) -> list[str]:
        return [self.delimiter.join(map(self._cell, row)) for row in self.rows]

    @property
    def text(self) -> str:
        ended = self.line_end if self.last_line_end else ""
        return self.line_end.join(self.records) + ended if self.rows else ""

    def _cell(self, cell: str) -> str:
        if self.quote_all or {*cell} & {self.delimiter, '"', "\n", "\r"}:
            return '"' + cell.replace('"', '""') + '"'
        return cell


TABLES = st.integers(2, 4).flatmap(
    lambda width: st.builds(
        Table,
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8),
        st.sampled_from(",\t|;"),
        st.sampled_from(["\n", "\r\n"]),
        st.booleans(),
        st.booleans(),
        st.lists(st.integers(0, 7), max_size=40),
    )
)


def looks_like_rows(record: str, width: int, delimiter: str) -> bool:
    """Whether the lines of a record are rows by themselves: the first but for its open quote, its
    last, and most others."""
    quoted = r'[ \r]*"(?:[^"]|"")*"[ \r]*'
    field = rf'(?:{quoted}|(?![ \r]*")[^{re.escape(delimiter)}]*)'
    row = re.compile(re.escape(delimiter).join([field] * width))
    first = re.sub(rf"{quoted}(?=$|{re.escape(delimiter)})", "", record.split("\n")[0])
    if first.count(delimiter) != width - 1:
        return False
    further = [line for line in record.split("\n")[1:] if line.strip(" \t\r") or delimiter in line]
    fitting = [row.fullmatch(line) is not None for line in further]
    return bool(fitting) and fitting[-1] and 2 * sum(fitting) > len(fitting)


@settings(max_examples=400, deadline=None)
@given(TABLES)
def test_a_well_formed_table_is_split_as_the_csv_module_splits_it(table: Table) -> None:
    as_csv = csv.reader(io.StringIO(table.text, newline=""), delimiter=table.delimiter, strict=True)
    assert list(as_csv) == table.rows
    first_lines = accumulate((record.count("\n") + 1 for record in table.records), initial=1)

    width = len(table.rows[0]) if table.rows else 2
    found, blank_lines = split(table.text.encode(), width, table.delimiter, table.chunks)

    expected: list[Split] = []
    blanks = 0
    for row, record, line in zip(table.rows, table.records, first_lines, strict=False):
        if looks_like_rows(record, width, table.delimiter):
            for number, raw in enumerate(record.split("\n")):
                if raw.strip(" \t\r") or table.delimiter in raw:
                    expected.append(Split(line + number, None, raw.removesuffix("\r")))
                else:
                    blanks += 1
        else:
            expected.append(Split(line, [cell.strip(" \t\r\n") for cell in row], record))
    assert found == expected
    assert blank_lines == blanks


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from('ab"\n\r, '), max_size=60).map(str.encode),
    st.lists(st.integers(0, 9), max_size=20),
)
def test_however_a_text_is_malformed_no_chunking_changes_its_records(
    text: bytes, chunks: list[int]
) -> None:
    assert split(text, 2, chunks=chunks) == split(text, 2)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from('ab"\n, '), max_size=60))
def test_every_line_belongs_to_a_record_or_is_blank(text: str) -> None:
    found, blank_lines = split(text.encode(), 2)

    covered = sum(record.raw.count("\n") + 1 for record in found) + blank_lines
    assert covered == len(text.removesuffix("\n").split("\n")) if text else covered == 0


@pytest.mark.parametrize(
    "bad",
    [
        '"a,b',
        'a,"b',
        '"a"x,b',
        '"a",b"',
        '"a" "b",c',
        'a,"b"c',
        '"',
        'a,"',
        '"a""",b,"',
        "a",
        "a,b,c",
        "a,b,",
        "a,b,,,,",
        ",",
        ",,",
        '"a,b"',
        'a,b\x00,"',
    ],
)
@pytest.mark.parametrize("final_line_end", ["", "\n", "\r\n"])
def test_a_bad_line_costs_itself_and_nothing_else(bad: str, final_line_end: str) -> None:
    good = ["1,2", '"3","4"', "5,6"]
    text = "\n".join([good[0], bad, good[1], good[2]]) + final_line_end

    found, _ = split(text.encode(), 2)

    bad_fields = ["", ""] if bad == "," else ["a", 'b"'] if bad == '"a",b"' else None
    assert found == [
        Split(1, ["1", "2"], good[0]),
        Split(2, bad_fields, bad),
        Split(3, ["3", "4"], good[1]),
        Split(4, ["5", "6"], good[2]),
    ]


def refused(text: str, width: int = 2, delimiter: str = ",") -> list[str]:
    return [r.raw for r in split(text.encode(), width, delimiter)[0] if r.fields is None]


def kept(text: str, width: int = 2, delimiter: str = ",") -> list[str]:
    return [r.raw for r in split(text.encode(), width, delimiter)[0] if r.fields is not None]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("between", [0, 1, 200])
@pytest.mark.parametrize("last_closes", ['3",3', '3,3"'])
def test_of_rows_between_two_stray_quotes_none_is_swallowed(
    delimiter: str, between: int, last_closes: str
) -> None:
    doubtful = ['1,"1', *(f"2,{n}" for n in range(between)), last_closes]
    lines = [line.replace(",", delimiter) for line in ["0,0", *doubtful, "4,4"]]

    text = "\n".join(lines)

    assert refused(text, delimiter=delimiter) == lines[1:-1]
    assert kept(text, delimiter=delimiter) == [lines[0], lines[-1]]


def test_a_broken_row_and_blank_lines_between_stray_quotes_swallow_no_other() -> None:
    text = '1,"1\n2,2\n\nbroken\n3,3\n4",4\n5,5'

    assert refused(text) == ['1,"1', "2,2", "broken", "3,3", '4",4']
    assert kept(text) == ["5,5"]


def test_a_text_of_several_lines_stays_one_field() -> None:
    assert lines_and_fields(b'1,"two\nlines"\n3,4\n', 2) == [
        (1, ["1", "two\nlines"]),
        (3, ["3", "4"]),
    ]
    text = b'1,"list:\n2,not a row\nend",x\n3,4,5\n'
    assert lines_and_fields(text, 3) == [(1, ["1", "list:\n2,not a row\nend", "x"]),
                                         (4, ["3", "4", "5"])]  # fmt: skip


@pytest.mark.parametrize("more", ["", ",x,y"], ids=["a field less", "a field more"])
def test_a_soundly_quoted_record_of_another_width_is_refused_whole(more: str) -> None:
    record = f'1,1,"shop:\n9,9,9,9\nclosed"{more}'

    text = f"0,0,0,0\n{record}\n2,2,2,2\n"

    assert refused(text, 4) == [record]
    assert kept(text, 4) == ["0,0,0,0", "2,2,2,2"]


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ('"1","say \\"hi\\"', 'end","x"'),
        ('1,"say "hi"', 'end",x'),
        ('1,"say "hi" and', 'more "words" end",x'),
    ],
)
@pytest.mark.parametrize("inner", [["9,9,9"], ["9,9,9", "no row", "8,8,8"]])
def test_no_row_is_made_up_out_of_a_text_with_quotes_that_are_not_doubled(
    begins: str, ends: str, inner: list[str]
) -> None:
    record = [begins, *inner, ends]
    text = "\n".join(["0,0,0", *record, "2,2,2"])

    assert refused(text, 3) == record
    assert kept(text, 3) == ["0,0,0", "2,2,2"]
    for cut in range(0, len(text), 3):
        assert split(text.encode(), 3, chunks=[cut]) == split(text.encode(), 3)


def test_a_broken_quote_costs_no_row_before_another_broken_line() -> None:
    rows = ["7,7,7", "8,8,8"]
    text = "\n".join(['1,"1"x,1', *rows, '"2" "y",2,2', *rows, "3,3", *rows, '4,"4,4'])

    assert refused(text, 3) == ['1,"1"x,1', '"2" "y",2,2', "3,3", '4,"4,4']


def test_an_unterminated_quote_at_the_end_of_the_file_loses_no_line_behind_it() -> None:
    lines = [f"{n},x" for n in range(50_000)]
    text = '"0,x\n' + "\n".join(lines)

    found, _ = split(text.encode(), 2, chunks=[1 << 16] * 4)

    assert found[0] == Split(1, None, '"0,x')
    assert [record.fields for record in found[1:]] == [line.split(",") for line in lines]
    assert [record.line for record in found] == list(range(1, 50_002))


def test_a_quoted_field_may_hold_a_megabyte_of_lines() -> None:
    field = "line\n" * (MAX_RECORD_BYTES // 5 - 10)

    found = lines_and_fields(f'1,"{field}"\n2,x\n'.encode(), 2, chunks=[70_000] * 5)

    assert found == [(1, ["1", field.strip()]), (field.count("\n") + 2, ["2", "x"])]


def test_blank_lines_are_counted_and_are_no_records() -> None:
    found, blank_lines = split(b"\n1,2\n\n \t \r\n3,4\n\n", 2)

    assert [(record.line, record.fields) for record in found] == [(2, ["1", "2"]), (5, ["3", "4"])]
    assert blank_lines == 4


def test_a_line_of_delimiters_is_a_record_even_when_they_are_tabs() -> None:
    found, blank_lines = split(b"\t\n \n1\t2\n", 2, "\t")

    assert [record.fields for record in found] == [["", ""], ["1", "2"]]
    assert blank_lines == 1


def test_nul_bytes_are_characters_like_others() -> None:
    assert lines_and_fields(b'\x00,a\x00b\n"\x00",2\n', 2) == [
        (1, ["\x00", "a\x00b"]),
        (2, ["\x00", "2"]),
    ]


@pytest.mark.parametrize("chunks", [[], [1 << 20] * 12, [4_000_000] * 3], ids=str)
@pytest.mark.parametrize("long_line", [b"x" * 10_000_000, b'1,"' + b"y" * 10_000_000 + b'"'])
@pytest.mark.parametrize("last", [False, True])
def test_a_line_of_ten_megabytes_costs_itself_and_nothing_else(
    chunks: list[int], long_line: bytes, last: bool
) -> None:
    text = b"1,2\n" + long_line + (b"" if last else b"\n3,4\n")

    found, _ = split(text, 2, chunks=chunks)

    assert [(record.line, record.fields) for record in found] == [
        (1, ["1", "2"]),
        (2, None),
        *([] if last else [(3, ["3", "4"])]),
    ]
    assert long_line.decode().startswith(found[1].raw)


def test_a_record_may_be_as_long_as_the_limit_and_no_longer() -> None:
    fits = b"1," + b"x" * (MAX_RECORD_BYTES - 2)

    found = lines_and_fields(fits + b"\n" + fits + b"x\n3,4\n", 2)

    assert [(line, fields is not None) for line, fields in found] == [
        (1, True),
        (2, False),
        (3, True),
    ]


@pytest.mark.parametrize(
    "line",
    ['a,"b', '"', 'x","', '"a""', '""",', '"" ', 'a""b,"', '",",",'],
)
def test_five_megabytes_of_astray_quotes_are_split_in_linear_time(line: str) -> None:
    text = (line + "\n").encode() * (5_000_000 // (len(line) + 1))

    splitter = Splitter(b",", 11, 1)
    lines = 0
    for records in splitter.feed(text, final=True):
        line_feeds = np.concatenate([[0], np.cumsum(records.text == ord("\n"))])
        lines += len(records) + int((line_feeds[records.end] - line_feeds[records.start]).sum())

    assert lines + splitter.blank_lines == text.count(b"\n")
