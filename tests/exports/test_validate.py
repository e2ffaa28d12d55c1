"""Differential test: on mutated data, ingest finds the rows and reasons that pandera's own
validation finds, read by a second, plain reader of every form."""

from __future__ import annotations

import io
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.exports import EXPORTS, MOST_MILES, Export
from tests.support import (
    Row,
    csv_bytes,
    pandera_failures,
    rendered,
    typed_frame,
    valid_rows,
)
from transforms.exports.containers import Container
from transforms.exports.personal import Pseudonyms
from transforms.exports.reading import Reader

ROWS = 600

MUTANTS: dict[str, list[str]] = {
    "any": ["", " ", "NULL", "-", "0", "-1", "x", "가", "\x00", "a" * 41, "\u3000", "1e3", 'a"b'],
    "identifier": ["a b", "../x", "=1+1", "A-1_z", "a" * 40, "Ａ", "a,b", "a\nb"],
    "code": ["icn", "IC", "ICNX", "ı", "K1", "1a", "kr w", "ＫＥ"],
    "text": ["tab\tin", "bell\x07", "e\u0301", "NA"],
    "integer": [
        "1,234",
        "12,34",
        "(5)",
        "₩7",
        "3원",
        "33.000",
        "△5",
        "11",
        "１",
        str(MOST_MILES + 1),
    ],
    "decimal": ["0", "0.001", "-0.01", "1,000.5", "99999999", "0.00", "5.", "1.10"],
    "month": [
        "1983-12",
        "1984-01",
        "201611",
        "2016/11",
        "2016년 3월",
        "2016-1",
        "2016-2-1",
        "2016-11-02",
    ],
    "date": [
        "2016-02-30",
        "20161103",
        "2099.01.01",
        "2016년 1월 2일",
        "2016-1-2",
        "2016.1.2 00:00:00",
    ],
    "timestamp": [
        "2016-11-03",
        "2099-01-01T10:00",
        "2016-11-03 24:00",
        "1999.1.1 9:08:07",
        "2016-11-03Z",
    ],
    "boolean": ["Y", "n", "예", "아니오", "TRUE", "yes", "f", "2"],
    "enumeration": ["fax", "기타", "MOBILE", "해지", "terminated", "VIP초이스", "mobile ", "정상"],
}


class Unreadable(Exception):
    """A text that has none of its form's spellings; carries the rule that it breaks."""


def plainly_read(text: str, form: str, labels: dict[str, str] | None) -> Any:
    """The value of a delivered text; none if it is missing."""
    text = unicodedata.normalize("NFC", text.strip(" \t\r\n\u3000\u00a0"))
    if not text:
        return None
    return READERS[form](text) if labels is None else _enumerated(text, labels)


def _whole(text: str) -> int:
    number = r"[₩￦]?(\d{1,3}(,\d{3})+|\d+)(\.0+)?원?"
    if not re.fullmatch(rf"[-△]?{number}|{number}-|\({number}\)", text, re.ASCII):
        raise Unreadable("type")
    if re.search(r"(?<![\d,])\d{1,3}\.000(?!\d)", text):
        raise Unreadable("type")
    value = int(re.sub(r"\.0+|[^\d]", "", text))
    value = -value if text[0] in "-△(" or text[-1] == "-" else value
    if not -(2**63) <= value < 2**63:
        raise Unreadable("range")
    return value


def _fraction(text: str) -> Decimal:
    if not re.fullmatch(r"-?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,2}0*)?", text, re.ASCII):
        raise Unreadable("type")
    value = Decimal(text.replace(",", ""))
    if abs(value) >= 10**7:
        raise Unreadable("range")
    return value.quantize(Decimal("0.01"))


def _first(text: str, patterns: Sequence[str]) -> tuple[int, ...]:
    for pattern in patterns:
        if found := re.fullmatch(pattern, text, re.ASCII):
            return tuple(int(part) for part in found.groups())
    raise Unreadable("type")


def _month(text: str) -> str:
    forms = [r"(\d{4})-(\d\d)", r"(\d{4})(\d\d)", r"(\d{4})\.(\d\d)", r"(\d{4})/(\d\d)"]
    try:
        first = _made(date, *_first(text, [*forms, r"(\d{4})년 ?(\d\d?)월"]), 1)
    except Unreadable:
        first = _day(text)
    if first.day != 1:
        raise Unreadable("type")
    return str(first)[:7]


def _day(text: str) -> Any:
    forms = [rf"(\d{{4}}){mark}(\d\d?){mark}(\d\d?)" for mark in ("-", r"\.", "/")]
    forms += [r"(\d{4})(\d\d)(\d\d)", r"(\d{4})년 ?(\d\d?)월 ?(\d\d?)일"]
    return _made(date, *_first(re.sub("[ T]00:00:00$", "", text), forms))


def _moment(text: str) -> Any:
    found = re.fullmatch(r"(.*?)(?:[ T](\d\d?):(\d\d)(?::(\d\d))?)?", text, re.ASCII | re.DOTALL)
    assert found is not None
    day = _day(found[1])
    clock = (int(part or 0) for part in found.groups()[1:])
    return _made(datetime, day.year, day.month, day.day, *clock)


def _made(kind: Callable[..., Any], *parts: int) -> Any:
    try:
        return kind(*parts)
    except ValueError as error:
        raise Unreadable("type") from error


def _truth(text: str) -> bool:
    truths = {"true": True, "1": True, "y": True, "예": True, "yes": True}
    truths |= {"false": False, "0": False, "n": False, "아니오": False, "f": False}
    if text.lower() not in truths:
        raise Unreadable("type")
    return truths[text.lower()]


def _enumerated(text: str, labels: dict[str, str]) -> str:
    codes = {name.lower(): code for code, label in labels.items() for name in (code, label)}
    return codes.get(text.lower(), text)


READERS: dict[str, Callable[[str], Any]] = {
    "identifier": str,
    "text": str,
    "code": lambda text: text.upper() if text.isascii() else text,
    "integer": _whole,
    "decimal": _fraction,
    "month": _month,
    "date": _day,
    "timestamp": _moment,
    "boolean": _truth,
}


def expected_reasons(export: Export, rows: Sequence[dict[str, str]]) -> dict[int, set[str]]:
    """What is wrong with each row: what can't be read, and what pandera says of the rest."""
    reasons: dict[int, set[str]] = defaultdict(set)
    unreadable: set[tuple[str, int]] = set()
    typed: list[Row] = []
    for number, row in enumerate(rows):
        typed.append({})
        for name in export.columns:
            metadata = export.metadata(name)
            labels = metadata.get("labels")
            assert labels is None or isinstance(labels, dict)
            try:
                value = plainly_read(row[name], str(metadata["form"]), labels)
                typed[-1][name] = metadata.get("default") if value is None else value
            except Unreadable as broken:
                typed[-1][name] = None
                reasons[number].add(f"{name}:{broken}")
                unreadable.add((name, number))
    for reason, number in pandera_failures(export, typed_frame(export, typed)):
        column, rule = reason.split(":")
        if rule != "required" or (column, number) not in unreadable:
            reasons[number].add(reason)
    return dict(reasons)


def found_reasons(export: Export, content: bytes, folder: Path) -> dict[int, set[str]]:
    """What ingest finds wrong with each row of a file without line breaks in its fields."""
    path = folder / "file.csv"
    path.write_bytes(content)
    with io.FileIO(path) as file:
        reader = Reader(
            export, path.name, file, Container("text", None), "utf-8", Pseudonyms("key")
        )
        batches = list(reader.batches())
    lines = {}
    for batch in batches:
        for row in batch.quarantined.to_pylist():
            assert len(row["reasons"]) == len(set(row["reasons"]))
            lines[row["line"]] = set(row["reasons"])
        assert batch.rows == batch.accepted.num_rows + batch.quarantined.num_rows
    return lines


def mutated(export: Export, rows: list[dict[str, str]], random_: random.Random) -> None:
    """Changes a few cells of most rows: to a mutant, or to what another row or column has."""
    names = list(export.columns)
    for row in rows:
        for _ in range(random_.choice([0, 1, 1, 1, 2, 3])):
            name = random_.choice(names)
            kind = random_.random()
            if kind < 0.7:
                form = str(export.metadata(name)["form"])
                row[name] = random_.choice(MUTANTS[form] + MUTANTS["any"])
            elif kind < 0.9:
                row[name] = random_.choice(rows)[name]
            else:
                row[name] = row[random_.choice(names)]


@pytest.mark.parametrize("export", EXPORTS.values(), ids=list(EXPORTS))
def test_rows_and_reasons_are_those_that_pandera_finds(export: Export, tmp_path: Path) -> None:
    random_ = random.Random(export.name)
    rows = [rendered(export, row) for row in valid_rows(export, ROWS)]
    mutated(export, rows, random_)
    lines = []
    physical = 2
    for row in rows:
        lines.append(physical)
        physical += 1 + sum(cell.count("\n") for cell in row.values())

    found = found_reasons(export, csv_bytes(export, rows), tmp_path)

    expected = {lines[row]: reasons for row, reasons in expected_reasons(export, rows).items()}
    assert found == expected
    declared = {f"{name}:required" for name in export.required}
    declared |= {str(check.name) for check in export.model.checks}
    for name, column in export.columns.items():
        declared |= {f"{name}:{check.name}" for check in column.checks}
    assert declared - set().union(*expected.values()) == set()


@pytest.mark.parametrize("export", EXPORTS.values(), ids=list(EXPORTS))
def test_a_row_of_missing_cells_has_every_reason_of_a_missing_cell(
    export: Export, tmp_path: Path
) -> None:
    empty = dict.fromkeys(export.columns, "")

    found = found_reasons(export, csv_bytes(export, [empty]), tmp_path)

    assert found == {2: {f"{name}:required" for name in export.required}}


@pytest.mark.parametrize("export", EXPORTS.values(), ids=list(EXPORTS))
def test_valid_rows_have_no_reasons(export: Export, tmp_path: Path) -> None:
    rows = [rendered(export, row) for row in valid_rows(export, ROWS, seed=9)]

    assert found_reasons(export, csv_bytes(export, rows), tmp_path) == {}
