"""Every form of every type that exports come in, and its near misses."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.exports import EXPORTS
from transforms.exports.forms import Read, read
from transforms.exports.typed import read_typed

INTEGERS = {
    "1234": 1234,
    "1,234": 1234,
    "₩1,234": 1234,
    "￦1,234": 1234,
    "₩1234": 1234,
    "1,234원": 1234,
    "1234원": 1234,
    "-1,234": -1234,
    "(1,234)": -1234,
    "(1234)": -1234,
    "-1234": -1234,
    "1,234,567": 1234567,
    "12,345": 12345,
    "0": 0,
    "-0": 0,
    "007": 7,
    "12.0": 12,
    "1,234.000": 1234,
    "  12 ": 12,
    "\u300012\u00a0": 12,
    "9223372036854775807": 2**63 - 1,
    "-9223372036854775808": -(2**63),
    "(9,223,372,036,854,775,808)": -(2**63),
    "+1,234": 1234,
    "1,234-": -1234,
    "1234-": -1234,
    "₩1,234-": -1234,
    "1,234원-": -1234,
    "△1,234": -1234,
    "\u22121,234": -1234,
    "-₩1,234": -1234,
    "₩-1,234": -1234,
    "△₩1,234": -1234,
    "(₩1,234)": -1234,
    "₩(1,234)": -1234,
    "(1,234)원": -1234,
    "(1,234원)": -1234,
    "₩ 1,234": 1234,
    "￦\u00a01,234": 1234,
    "1,234 원": 1234,
    "(0)": 0,
    "33.0": 33,
    "33.00": 33,
    "33.0000": 33,
    "33.0000000000": 33,
    "1234.000": 1234,
    "₩33.00": 33,
    "1,234,567.000": 1234567,
}
NOT_INTEGERS = [
    "1e3", "1_000", "12,34", "1,2345", ",123", "1,,234", "1,234,", "1234,567", "12.50", "12.",
    ".0", "12.0.0", "12.01", "infinity", "inf", "nan", "NULL", "NA", "-", "--1", "+-1", "(-1)",
    "-(1)", "(1", "1)", "()", "₩", "원", "1 234", "１２３", "٣", "1\u200b", "0x10", "1\x00", "$1",
    "1.234,00", "₩₩1", "1원원", "1\n2", "1,234 ,567", "33.000", "-1.000", "1.000-", "(5.000)",
    "₩33.000", "33.000원", "0.000", "1.234", "-1-", "+1-", "(1-)", "(1)-", "△-1", "△(1)", "▲1",
    "－1", "- 1", "1 -", "₩  1", "1  원", "₩-₩1", "₩(1)원", "\\1,234", "'-75", "1원정", "KRW1",
    "123D", "0E-10",
]  # fmt: skip
BEYOND_64_BITS = ["9223372036854775808", "-9223372036854775809", "1" * 37, "9" * 38, "9" * 400]

DAYS = {
    "2016-11-03": date(2016, 11, 3),
    "20161103": date(2016, 11, 3),
    "2016.11.03": date(2016, 11, 3),
    "2016/11/03": date(2016, 11, 3),
    "2016년 11월 3일": date(2016, 11, 3),
    "2016년 11월 03일": date(2016, 11, 3),
    "2016년 1월 3일": date(2016, 1, 3),
    "2016-02-29": date(2016, 2, 29),
    "2000-02-29": date(2000, 2, 29),
    "0001-01-01": date(1, 1, 1),
    "9999-12-31": date(9999, 12, 31),
    "1969-12-31": date(1969, 12, 31),
    " 2016-11-03 ": date(2016, 11, 3),
    "2016-11-3": date(2016, 11, 3),
    "2016-1-03": date(2016, 1, 3),
    "2016/1/3": date(2016, 1, 3),
    "2016.1.3": date(2016, 1, 3),
    "2016.11.03.": date(2016, 11, 3),
    "2016. 11. 3.": date(2016, 11, 3),
    "2016. 11. 3": date(2016, 11, 3),
    "2016년11월3일": date(2016, 11, 3),
    "2016-11-03(목)": date(2016, 11, 3),
    "2016. 11. 3. (목요일)": date(2016, 11, 3),
    "2016년 11월 3일 (목)": date(2016, 11, 3),
}
DAYS_BY_THEIR_BEGINNING = {
    "2016-11-03 00:00:00": date(2016, 11, 3),
    "2016-11-03T00:00:00": date(2016, 11, 3),
    "2016-11-03 00:00": date(2016, 11, 3),
    "2016-11-03 00:00:00.000": date(2016, 11, 3),
    "2016-2-29 0:00:00": date(2016, 2, 29),
    "2016-11-03 오전 12:00:00": date(2016, 11, 3),
    "20161103000000": date(2016, 11, 3),
    "2016-11-03T00:00:00+09:00": date(2016, 11, 3),
    "2016-11-02T15:00:00Z": date(2016, 11, 3),
}
NOT_DAYS = [
    "2016-02-30", "2015-02-29", "1900-02-29", "2016-13-01", "2016-00-10", "2016-04-31",
    "2016-11-00", "2016-11-32", "0000-01-01", "2016113", "2016-11.03", "2016/11-03", "16.12.15",
    "2016-11-03 00:00:01", "2016-11-03T00:00:00Z", "2016-11-03(x)", "2016-11-03(목", "2016--11-03",
    "2016-11-03.", "2016/11/03일", "2016년 11-3", "15-DEC-16", "12/15/2016", "42719", "0000-00-00",
    "2016年 12月 15日", "2016-11-03 (목) (목)", "20161103 00", "2016-011-03",
    "16-11-03", "03/11/2016", "2016-11", "201611030", "2016 11 03", "２０１６-11-03",
    "2016-11-03T", "2016-11-03 10:00", "2016년 11월", "2016년 13월 1일", "11월 3일", "today", "0",
    "2016-11-03-", "-2016-11-03", "2016-1१-03",
]  # fmt: skip

MONTHS = {
    "2016-11": "2016-11",
    "201611": "2016-11",
    "2016.11": "2016-11",
    "2016/11": "2016-11",
    "2016년 11월": "2016-11",
    "2016년 3월": "2016-03",
    "2016년 03월": "2016-03",
    "1984-01": "1984-01",
    "2016년11월": "2016-11",
    "2016-11-01": "2016-11",
    "20161101": "2016-11",
    "2016. 11. 1.": "2016-11",
    "2016년 11월 1일": "2016-11",
    "2016-11-01 00:00:00": "2016-11",
    "0001-01": "0001-01",
}
NOT_MONTHS = [
    "2016-13", "2016-00", "2016-1", "16-11", "2016", "20161", "2016 11", "2016-11-03", "2016_11",
    "0000-01", "11/2016", "2016년", "2016년 0월", "2016년 13월", "Nov 2016", "２０１６-11",
    "2016-11-02", "2016-11-01 10:00", "2016-11월", "16년 11월", "201611.0", "42675", "2016M11",
    "2016.1",
]  # fmt: skip

TIMESTAMPS = {
    **{f"{text} 07:08:09": datetime(d.year, d.month, d.day, 7, 8, 9) for text, d in DAYS.items()},
    **{f"{text}T07:08": datetime(d.year, d.month, d.day, 7, 8) for text, d in DAYS.items()},
    **{
        text: datetime(d.year, d.month, d.day)
        for text, d in (DAYS | DAYS_BY_THEIR_BEGINNING).items()
    },
    "2016-11-03 23:59:59": datetime(2016, 11, 3, 23, 59, 59),
    "20161103142233": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 9:05": datetime(2016, 11, 3, 9, 5),
    "2016-11-03 오후 2:22:33": datetime(2016, 11, 3, 14, 22, 33),
    "2016. 11. 3. 오후 2:22:33": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 오전 12:00:01": datetime(2016, 11, 3, 0, 0, 1),
    "2016-11-03 오후 12:30": datetime(2016, 11, 3, 12, 30),
    "2016-11-03 오전 0:30": datetime(2016, 11, 3, 0, 30),
    "2016-11-03 2:22 오후": datetime(2016, 11, 3, 14, 22),
    "2016-11-03 02:22:33 PM": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 12:00am": datetime(2016, 11, 3),
    "2016-11-03 AM 2:22": datetime(2016, 11, 3, 2, 22),
    "2016-11-03(목) 14:22": datetime(2016, 11, 3, 14, 22),
    "2016-11-03 14:22:33.0": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 14:22:33.123456": datetime(2016, 11, 3, 14, 22, 33, 123456),
    "2016-11-03 14:22:33.1234569": datetime(2016, 11, 3, 14, 22, 33, 123456),
    "2016-11-03 14:22:33.5": datetime(2016, 11, 3, 14, 22, 33, 500_000),
    "2016-11-03T10:00Z": datetime(2016, 11, 3, 19, 0),
    "2016-11-03T14:22:33+09:00": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 05:22:33+00": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03 14:22:33 +0900": datetime(2016, 11, 3, 14, 22, 33),
    "2016-11-03T00:52:33.25-04:30": datetime(2016, 11, 3, 14, 22, 33, 250_000),
    "2016-10-31T15:30:00Z": datetime(2016, 11, 1, 0, 30),
    "1987-07-01T02:00:00Z": datetime(1987, 7, 1, 12, 0),
}
TIMESTAMPS = {text: at for text, at in TIMESTAMPS.items() if "  " not in text and " T" not in text}
NOT_TIMESTAMPS = [
    "2016-11-03 24:00:00", "2016-11-03 23:60", "2016-11-03 23:59:60", "2016-02-30 10:00",
    "2016-11-03 10", "2016-11-03 10:0", "2016-11-03  10:00", "2016-11-0310:00", "10:00",
    "2016-11-03t10:00", "2016-11-03_10:00", "1478131200", "2016-11-03 -1:00", "2016-02-30 9:00",
    "2016-11-03\n10:00", "2016-11", "2016-11-03 오후 13:00", "2016-11-03 오전 9:00 AM",
    "2016-11-03 9:00 오", "2016-11-03 10:00:00.", "2016-11-03 10:00.5", "2016-11-03Z",
    "2016-11-03T10:00z", "2016-11-03T10:00+9", "2016-11-03T10:00+09:60", "2016-11-03T10:00+25:00",
    "9999-12-31T23:00:00Z", "0001-01-01T00:00+10:00", "201611031422", "20161103 142233",
    "20161103240000", "20160230101010", "03-NOV-16 02.22.33.000000 PM", "42677.5990046296",
    "2016-11-03-14.22.33.123456", "２０１６-11-03 10:00", "2016-11-03 1٢:00", "2016110314223٣",
]  # fmt: skip

BOOLEANS = {
    **dict.fromkeys(
        ["true", "TRUE", "1", "Y", "y", "예", " 예 ", "\u110b\u1168", "네", "t", "T", "Yes"], True
    ),
    **dict.fromkeys(["false", "FALSE", "0", "N", "n", "아니오", "아니요", "f", "F", "NO"], False),
}
NOT_BOOLEANS = ["tr", "넵", "2", "-1", "01", "on", "off", "true!", "NULL", "Ｙ", "O", "X", "t f"]

DECIMALS = {
    "12.5": Decimal("12.50"),
    "12.50": Decimal("12.50"),
    "12": Decimal("12.00"),
    "0.01": Decimal("0.01"),
    "1,234.5": Decimal("1234.50"),
    "12.500": Decimal("12.50"),
    "9999999.99": Decimal("9999999.99"),
    "-1.5": Decimal("-1.50"),
}
NOT_DECIMALS = ["12.345", "1e3", "12.", ".5", "12,34", "1.2.3", "nan", "inf", "1 2", "１.５", "-"]

CODES = {"icn": "ICN", " Ke ": "KE", "KRW": "KRW", "y": "Y"}

READABLE: list[tuple[str, dict[str, Any]]] = [
    ("integer", dict(INTEGERS)),
    ("date", DAYS | DAYS_BY_THEIR_BEGINNING),
    ("month", dict(MONTHS)),
    ("timestamp", dict(TIMESTAMPS)),
    ("boolean", dict(BOOLEANS)),
    ("decimal", dict(DECIMALS)),
    ("code", dict(CODES)),
]
UNREADABLE = [
    ("integer", "type", NOT_INTEGERS),
    ("integer", "range", BEYOND_64_BITS),
    ("date", "type", NOT_DAYS),
    ("month", "type", NOT_MONTHS),
    ("timestamp", "type", NOT_TIMESTAMPS),
    ("boolean", "type", NOT_BOOLEANS),
    ("decimal", "type", NOT_DECIMALS),
    ("decimal", "range", ["10000000", "-12345678.00"]),
]
TYPES = {
    "integer": pa.int64(),
    "date": pa.date32(),
    "month": pa.string(),
    "timestamp": pa.timestamp("us"),
    "boolean": pa.bool_(),
    "decimal": pa.decimal128(9, 2),
    "code": pa.string(),
    "text": pa.string(),
    "identifier": pa.string(),
}
BLANKS = ["", " ", "\t", " \r\n ", "\u3000", "\u00a0 ", "\u2003"]


LABELS = {"base_fee": "기본료", "iptv": "IPTV"}


def _read(texts: list[str], form: str, **metadata: object) -> Read:
    dtype = TYPES.get(form, pa.string())
    return read(pa.array(texts, pa.string()), form, dtype, {"labels": LABELS, **metadata})


@pytest.mark.parametrize(("form", "values"), READABLE, ids=lambda v: v if type(v) is str else "")
def test_every_listed_form_is_read_as_its_value(form: str, values: dict[str, Any]) -> None:
    found = _read(list(values), form)

    assert dict(zip(values, found.values.to_pylist(), strict=True)) == values
    assert not any(mask.any() for mask in found.broken.values())
    assert not found.missing.any()


@pytest.mark.parametrize(("form", "values"), READABLE, ids=lambda v: v if type(v) is str else "")
def test_a_form_is_read_the_same_alone_and_among_others(form: str, values: dict[str, Any]) -> None:
    for text, value in values.items():
        assert _read([text], form).values.to_pylist() == [value], text


@given(st.text("0179-+,.x() ₩", max_size=22) | st.integers().map(str))
def test_a_number_is_read_the_same_among_plain_digits_and_among_other_numbers(text: str) -> None:
    plain, among_others = _read([text, "1"], "integer"), _read([text, "1", "1,000"], "integer")
    assert plain.values.to_pylist() == among_others.values.to_pylist()[:2]
    assert plain.missing.tolist() == among_others.missing.tolist()[:2]
    assert {rule: mask.tolist() for rule, mask in plain.broken.items()} == {
        rule: mask.tolist()[:2] for rule, mask in among_others.broken.items()
    }


@pytest.mark.parametrize(("form", "rule", "texts"), UNREADABLE)
def test_a_near_miss_is_refused_by_its_rule(form: str, rule: str, texts: list[str]) -> None:
    found = _read(texts, form)

    passed = [t for t, m in zip(texts, found.broken[rule].tolist(), strict=True) if not m]
    assert passed == []
    assert found.values.null_count == len(texts)
    assert not found.missing.any()
    assert not any(mask.any() for other, mask in found.broken.items() if other != rule)


@pytest.mark.parametrize("form", TYPES)
def test_blanks_only_are_missing_and_words_for_nothing_are_not(form: str) -> None:
    assert _read(BLANKS, form).missing.all()
    assert not _read(["NULL", "NA", "-"], form).missing.any()


@pytest.mark.parametrize("form", TYPES)
def test_no_cells_are_read_as_no_values(form: str) -> None:
    assert _value_type(_read([], form)) == TYPES[form]
    assert len(_read([], form).values) == 0


def test_a_backslash_is_a_won_sign_in_cp949_alone() -> None:
    texts = pa.array(["\\1,234", "-\\5", " \\ 7 ", "\\8원", "9\\"])

    won = read(texts, "integer", pa.int64(), {}, backslash_is_won=True)
    assert won.values.to_pylist() == [1234, -5, 7, 8, None]
    assert read(texts, "integer", pa.int64(), {}).broken["type"].all()
    plain = read(pa.array(["a\\b"]), "text", pa.string(), {}, backslash_is_won=True)
    assert plain.values.to_pylist() == ["a\\b"]


def test_a_default_stands_for_a_missing_cell_and_not_for_an_unreadable_one() -> None:
    found = _read(["", "5", "five"], "integer", default=0)

    assert found.values.to_pylist() == [0, 5, None]
    assert found.missing.tolist() == [True, False, False]
    assert found.broken["type"].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("delivered", "read_as"),
    [
        ("  name ", "name"),
        ("\u3000이름\u00a0", "이름"),
        ("\u110b\u1175\u1105\u1173\u11b7", "이름"),
        ("e\u0301", "é"),
        ("NULL", "NULL"),
        ("zero\u200bwidth", "zero\u200bwidth"),
        ("in  side", "in  side"),
    ],
)
def test_text_is_trimmed_and_composed(delivered: str, read_as: str) -> None:
    assert _read([delivered], "text").values.to_pylist() == [read_as]


@pytest.mark.parametrize("control", ["\x00", "\x0b", "\x0c", "\x1c", "\x1f", "\x7f"])
def test_a_control_character_is_no_blank_whatever_else_the_column_holds(control: str) -> None:
    text = f"{control}A-1{control}"

    assert _read([text], "identifier").values.to_pylist() == [text]
    assert _read([text, "가"], "identifier").values.to_pylist() == [text, "가"]


@pytest.mark.parametrize("lookalike", ["ıcn", "ſel", "ＩＣＮ", "ßß"])
def test_a_letter_that_only_becomes_ascii_in_upper_case_is_no_code(lookalike: str) -> None:
    (value,) = _read([lookalike], "code").values.to_pylist()

    assert not value.isascii()


@pytest.mark.parametrize(
    ("delivered", "read_as"),
    [
        ("base_fee", "base_fee"),
        ("BASE_FEE", "base_fee"),
        ("기본료", "base_fee"),
        (" 기본료\u3000", "base_fee"),
        ("\u1100\u1175\u1107\u1169\u11ab\u1105\u116d", "base_fee"),
        ("기본 료", "기본 료"),
        ("base fee", "base fee"),
        ("basefee", "basefee"),
    ],
)
def test_an_enumeration_is_its_code_or_its_korean_label(delivered: str, read_as: str) -> None:
    found = _read([delivered], "enumeration")

    assert found.values.to_pylist() == [read_as]


@pytest.mark.parametrize("export", EXPORTS)
def test_every_label_of_an_export_is_read_as_its_code_in_any_case(export: str) -> None:
    for name in EXPORTS[export].columns:
        labels = EXPORTS[export].metadata(name).get("labels")
        if not isinstance(labels, dict):
            continue
        for code, label in labels.items():
            spellings = [code, code.upper(), code.title(), label, label.lower(), label.upper()]
            found = _read(spellings, "enumeration", labels=labels)
            assert found.values.to_pylist() == [code] * len(spellings)


TYPED: list[tuple[str, pa.Array, list[Any]]] = [
    ("integer", pa.array([1, -2, None], pa.int8()), [1, -2, None]),
    ("integer", pa.array([1, 2**63 - 1], pa.uint64()), [1, 2**63 - 1]),
    ("integer", pa.array([-(2**63), 2**63 - 1], pa.int64()), [-(2**63), 2**63 - 1]),
    ("integer", pa.array([1.0, -0.0, 1e15, None]), [1, 0, 10**15, None]),
    ("integer", pa.array([2.0**53, 2.0**60, -(2.0**63)]), [2**53, 2**60, -(2**63)]),
    ("integer", pa.array([float("nan"), 3.0]), [None, 3]),
    ("integer", pa.array([1.0, 2048.0], pa.float32()), [1, 2048]),
    ("integer", pa.array([Decimal("12.00"), None]), [12, None]),
    ("integer", pa.array([Decimal("9223372036854775807")]), [2**63 - 1]),
    ("integer", pa.array(["1,234원", None]), [1234, None]),
    ("integer", pa.array([None, None]), [None, None]),
    ("integer", pa.array(["7", "7"]).dictionary_encode(), [7, 7]),
    ("decimal", pa.array([12.5, 12.0, None]), [Decimal("12.50"), Decimal("12.00"), None]),
    ("decimal", pa.array([12], pa.int32()), [Decimal("12.00")]),
    ("decimal", pa.array([Decimal("1.230")]), [Decimal("1.23")]),
    ("date", pa.array([date(2016, 11, 3), None]), [date(2016, 11, 3), None]),
    ("date", pa.array([date(2016, 11, 3)], pa.date64()), [date(2016, 11, 3)]),
    ("date", pa.array([datetime(2016, 11, 3)], pa.timestamp("ns")), [date(2016, 11, 3)]),
    ("date", pa.array([20161103], pa.int32()), [date(2016, 11, 3)]),
    ("month", pa.array([date(2016, 11, 1)]), ["2016-11"]),
    ("month", pa.array([datetime(2016, 11, 1)], pa.timestamp("ms")), ["2016-11"]),
    ("month", pa.array([201611], pa.int64()), ["2016-11"]),
    ("timestamp", pa.array([date(2016, 11, 3), None]), [datetime(2016, 11, 3), None]),
    *(
        ("timestamp", pa.array([datetime(2016, 11, 3, 7, 8, 9), None], pa.timestamp(unit)), at)
        for unit in ("s", "ms", "us", "ns")
        for at in [[datetime(2016, 11, 3, 7, 8, 9), None]]
    ),
    *(
        ("timestamp", pa.array([datetime(2016, 11, 3, 7, 8, 9, 500_000)], pa.timestamp(unit)), at)
        for unit in ("ms", "us", "ns")
        for at in [[datetime(2016, 11, 3, 7, 8, 9, 500_000)]]
    ),
    ("boolean", pa.array([True, False, None]), [True, False, None]),
    ("boolean", pa.array([1, 0], pa.int8()), [True, False]),
    ("identifier", pa.array([17, None], pa.int64()), ["17", None]),
    ("identifier", pa.array(["A-1", " "], pa.large_string()), ["A-1", None]),
    ("text", pa.array(["가"], pa.string_view()), ["가"]),
    *(
        ("integer", pa.array([Decimal(0), Decimal(33000), Decimal(-5), None], kind), value)
        for kind in (
            *(pa.decimal128(38, scale) for scale in (0, 3, 7, 10, 18, 30)),
            *(pa.decimal128(18, 7), pa.decimal256(76, 20), pa.decimal64(18, 3)),
            pa.decimal32(9, 2),
        )
        for value in [[0, 33000, -5, None]]
    ),
    ("identifier", pa.array([Decimal(10001), None], pa.decimal128(38, 10)), ["10001", None]),
    ("identifier", pa.array([10001.0, float("nan")]), ["10001", None]),
    ("month", pa.array([Decimal(201611)], pa.decimal128(38, 10)), ["2016-11"]),
    ("date", pa.array([Decimal(20161103)], pa.decimal128(38, 10)), [date(2016, 11, 3)]),
    ("date", pa.array([20161103.0]), [date(2016, 11, 3)]),
    ("timestamp", pa.array([20161103142233]), [datetime(2016, 11, 3, 14, 22, 33)]),
    ("decimal", pa.array([Decimal("0.01")], pa.decimal128(38, 10)), [Decimal("0.01")]),
    ("decimal", pa.array([Decimal("12.5")], pa.decimal128(38, 18)), [Decimal("12.50")]),
    ("boolean", pa.array([Decimal(1), Decimal(0)], pa.decimal128(38, 10)), [True, False]),
    ("integer", pa.array([1.0, 2048.0], pa.float16()), [1, 2048]),
    (
        "timestamp",
        pa.array([datetime(2016, 10, 31, 15, 30), None], pa.timestamp("us", "UTC")),
        [datetime(2016, 11, 1, 0, 30), None],
    ),
    *(
        ("timestamp", pa.array([1478150553], pa.int64()).cast(pa.timestamp(unit, zone)), at)
        for zone in ("UTC", "Asia/Seoul", "America/New_York", "+02:00")
        for unit, at in [("s", [datetime(2016, 11, 3, 14, 22, 33)])]
    ),
    (
        "date",
        pa.array([datetime(2016, 11, 2, 15)], pa.timestamp("ms", "UTC")),
        [date(2016, 11, 3)],
    ),
    ("month", pa.array([datetime(2016, 10, 31, 15)], pa.timestamp("ns", "UTC")), ["2016-11"]),
    ("identifier", pa.array([b"A-1", None], pa.binary()), ["A-1", None]),
    ("identifier", pa.array([b"AAA"], pa.binary(3)), ["AAA"]),
    ("identifier", pa.array([b"A-1"], pa.large_binary()).dictionary_encode(), ["A-1"]),
    ("text", pa.array(["가".encode()], pa.binary_view()), ["가"]),
    ("integer", pa.array([b"1,234"]), [1234]),
    (
        "identifier",
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"\0" * 15 + b"\1"], pa.binary(16))),
        ["00000000-0000-0000-0000-000000000001"],
    ),
    ("boolean", pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8())), [True]),
]
TYPED_BROKEN: list[tuple[str, pa.Array, str]] = [
    ("integer", pa.array([12.5]), "type"),
    ("integer", pa.array([float("inf"), float("-inf")]), "type"),
    ("integer", pa.array([Decimal("12.50")]), "type"),
    ("integer", pa.array([2**63], pa.uint64()), "range"),
    ("integer", pa.array([Decimal(10) ** 30]), "range"),
    ("integer", pa.array([2.0**63, 1e30, 1e300, -1e300]), "range"),
    ("integer", pa.array([Decimal("0.5")], pa.decimal128(38, 10)), "type"),
    ("integer", pa.array([Decimal("1e-18")], pa.decimal128(38, 18)), "type"),
    ("date", pa.array([datetime(2016, 11, 3)], pa.timestamp("us", "UTC")), "type"),
    ("identifier", pa.array([b"\xff"]), "type"),
    ("integer", pa.array([b"\xff", b"x"]), "type"),
    ("timestamp", pa.array([2**62], pa.int64()).cast(pa.timestamp("us", "UTC")), "type"),
    ("timestamp", pa.array([1478167200000]), "type"),
    ("date", pa.array([datetime(2016, 11, 3, 1)], pa.timestamp("us")), "type"),
    ("month", pa.array([date(2016, 11, 3)]), "type"),
    ("decimal", pa.array([12.345]), "type"),
    ("date", pa.array([3_000_000, -800_000], pa.int32()).cast(pa.date32()), "type"),
    ("date", pa.array([2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32()), "type"),
    ("timestamp", pa.array([2**62, -(2**62)], pa.int64()).cast(pa.timestamp("us")), "type"),
    ("timestamp", pa.array([2**62, -(2**62)], pa.int64()).cast(pa.timestamp("s")), "type"),
    ("timestamp", pa.array([1], pa.int64()).cast(pa.timestamp("ns")), "type"),
    ("month", pa.array([3_000_000], pa.int32()).cast(pa.date32()), "type"),
]


def _typed(column: pa.Array, form: str) -> Read:
    return read_typed("column", column, form, TYPES[form], {})


@pytest.mark.parametrize(("form", "column", "values"), TYPED)
def test_a_typed_column_is_read_as_its_values(
    form: str, column: pa.Array, values: list[Any]
) -> None:
    found = _typed(column, form)

    assert _value_type(found) == TYPES[form]
    assert found.values.to_pylist() == values
    assert found.missing.tolist() == [value is None for value in values]
    assert not any(mask.any() for mask in found.broken.values())


@pytest.mark.parametrize(("form", "column", "rule"), TYPED_BROKEN)
def test_a_typed_value_that_does_not_fit_is_refused(form: str, column: pa.Array, rule: str) -> None:
    found = _typed(column, form)

    assert {name for name, mask in found.broken.items() if mask.any()} == {rule}
    assert found.broken[rule].all()
    assert pc.all(pc.is_null(found.values)).as_py()


def _value_type(found: Read) -> pa.DataType:
    kind = found.values.type
    return kind.value_type if pa.types.is_dictionary(kind) else kind
