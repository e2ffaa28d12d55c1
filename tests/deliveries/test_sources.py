"""Sources: what may stand in one, how everything wrong with it is told, which one a file takes."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import cast

import pytest

from flows.console.errors import WrongUsage
from flows.deliveries.sources import Sources
from schemas.exports import EXPORTS
from schemas.sources import COLUMN_KEYS, SOURCE_KEYS, Source, source_schema

WHOLE = """\
source: crm-billing
export: billing
files: ["INV_LINES_*.csv", "*.xlsx"]
encoding: cp949
delimiter: ","
quoting: rfc4180
header_line: 3
footer: "^(합계|Total)"
sheet: 청구내역
null_words: ["NULL", "-"]
numbers: "1,234.00"
short_rows: reject
int96: instant
columns:                                    # ours: theirs
  customer_id: CUST_NO
  billing_month: {from: INV_DT, as: month}  # a date in any form, its month
  product: {from: SVC_TYPE, values: {MOB: mobile, INT: 인터넷, NO: iptv, 01: wibro}}
  charge_item: {from: ITEM_CD, values_file: items.csv}
  billed_amount: {from: BILL_AMT, scale: 1000, sign: minus}
  due_on: {from: DUE_DT, format: "%d%b%y"}  # 03NOV16
  revision: {value: 0}
  subscription_id: {join: [CUST_NO, SVC_SEQ], with: "-"}
"""
LEAST = "source: {}\nexport: billing\nfiles: ['{}']\ncolumns: {{customer_id: CUST_NO}}\n"


def with_sources(workspace: Path, **texts: str | bytes) -> Path:
    """The workspace with these sources; a name with two underlines is that of another file."""
    folder = workspace / "sources"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        file = name.replace("__", ".") if "__" in name else f"{name.replace('_', '-')}.yaml"
        (folder / file).write_bytes(text.encode() if isinstance(text, str) else text)
    return workspace


def errors_of(workspace: Path) -> list[str]:
    with pytest.raises(WrongUsage) as caught:
        Sources.load(workspace)
    return str(caught.value).split("\n")


def only(workspace: Path) -> Source:
    (source,) = Sources.load(workspace)
    return source


def test_a_source_may_say_all_of_it(tmp_path: Path) -> None:
    codes = "ITEM_CD,항목\nB1,base_fee\nD1,국내통화료\n".replace("항목", "청구항목").encode("cp949")
    with_sources(tmp_path, crm_billing=WHOLE, items__csv=codes)

    source = only(tmp_path)

    assert (source.name, source.export, source.header_line) == ("crm-billing", "billing", 3)
    assert (source.encoding, source.delimiter, source.sheet) == ("cp949", ",", "청구내역")
    assert source.columns["product"].codes == {
        "MOB": "mobile",
        "INT": "인터넷",
        "NO": "iptv",
        "01": "wibro",
    }
    assert source.columns["charge_item"].codes == {"B1": "base_fee", "D1": "국내통화료"}
    assert source.columns["billed_amount"].factor == -1000
    assert source.columns["subscription_id"].parts == ("CUST_NO", "SVC_SEQ")
    assert set(source.texts) == {"crm-billing.yaml", "items.csv"}


def test_every_key_has_what_drafts_and_help_print() -> None:
    for key in (*SOURCE_KEYS, *COLUMN_KEYS):
        assert all((key.description, key.wanted, key.example))
    for export in EXPORTS.values():
        allowed = cast("dict[str, object]", source_schema(export)["properties"])
        assert set(allowed) == {key.name for key in SOURCE_KEYS}


def test_all_errors_of_all_sources_are_told_with_line_and_nearest_name(tmp_path: Path) -> None:
    with_sources(
        tmp_path,
        a="source: b\nexport: biling\nfles: ['*.csv']\nnumbers: 1,234\ncolumns: {x: y}\n",
        b="""\
source: b
export: billing
files: []
encoding: cp949
encoding: cp494
short_rows: fil
header_line: 201
footer: "("
columns:
  custmer_id: CUST_NO
  product: {from: A, values: {MOB: mobil, " X": mobile, X: iptv}}
  charge_item: {from: A, values_file: ../items.csv}
  due_on: {from: A, scale: 10}
  collected_on: {from: A, format: "%d%q"}
  billed_amount: {from: A, value: 3}
  collected_amount: {from: A, scale: 0}
  revision: {value: none}
  subscription_id:
  billing_month: {as: month}
""",
    )

    found = errors_of(tmp_path)

    for error in (
        "sources/a.yaml:1: b is not the file's name; write a",
        "sources/a.yaml:1: files is missing; add a list of names with * and ?",
        "sources/a.yaml:2: export: biling is not known; the nearest is billing; it is one of ",
        "sources/a.yaml:3: no key fles; the nearest is files; there are source, export, files, ",
        "sources/a.yaml:4: numbers: 1,234 is not known; the nearest is 1,234.00; ",
        "sources/b.yaml:3: files: what it says is not a list of names with * and ?",
        "sources/b.yaml:5: encoding is given twice; keep one",
        "sources/b.yaml:5: encoding: cp494 is not known; the nearest is cp949; ",
        "sources/b.yaml:6: short_rows: fil is not known; the nearest is fill; ",
        "sources/b.yaml:7: 201 is not a number from 1 to 200, or auto",
        "sources/b.yaml:8: ( is no regular expression (",
        "sources/b.yaml:10: no column custmer_id; the nearest is customer_id; there are ",
        "sources/b.yaml:11: product: mobil is no value of it; the nearest is mobile; ",
        "sources/b.yaml:11: product: the code X is given twice; keep one",
        "sources/b.yaml:12: charge_item: ../items.csv lies outside the folder of the sources; ",
        "sources/b.yaml:13: due_on: scale is no key of such a column; there are from, join, ",
        "sources/b.yaml:14: collected_on: %d%q: %q is not read; there are %Y, ",
        "sources/b.yaml:15: billed_amount: from and value of from, join and value; give one ",
        "sources/b.yaml:16: collected_amount: scale: 0 is not a number above 0, ",
        "sources/b.yaml:17: revision: none is no value of it",
        "sources/b.yaml:18: subscription_id: empty; name their column, or how it is made",
        "sources/b.yaml:19: billing_month: neither of from, join and value; give one of them",
    ):
        assert any(line.startswith(error) for line in found), f"{error}\n{found}"
    assert found == sorted(found, key=lambda line: [line[:14], int(line.split(":")[1])])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "source: a\nexport: &e billing\nfiles: [*e]\ncolumns: {}",
            "line 3: *e stands for what is written elsewhere; write it out",
        ),
        ("source: &a a\n", "line 1: &a is an anchor; remove it"),
        ("source: a\nexport: !!python/name:os.system x\n", "line 2: tag:yaml.org,2002:python"),
        ("source: !!binary aGk=\n", "line 1: tag:yaml.org,2002:binary is a tag; remove it"),
        ("source: a\n# " + "x" * 10_000_000, "10,000,012 bytes; 1,048,576 at most: move codes"),
        ("a: " + "[" * 500 + "]" * 500, "line 1: nested more than 20 deep; write it plainly"),
        ("source: [a\n", "not YAML (line 2: did not find expected"),
        (b"source: \xff\xfe", "not UTF-8; save the file as UTF-8"),
        ("- a\n", "1: not a mapping; begin it with source:"),
        ("", "1: not a mapping; begin it with source:"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str | bytes, why: str, tmp_path: Path) -> None:
    (error,) = errors_of(with_sources(tmp_path, a=text))

    assert error.startswith("sources/a.yaml:")
    assert why in error


def test_a_code_file_with_a_code_twice_is_refused_with_what_else_is_wrong(tmp_path: Path) -> None:
    text = LEAST.format("a", "*") + "  # a code file\n"
    text = text.replace("CUST_NO}", "C, charge_item: {from: I, values_file: i.csv}}")
    with_sources(tmp_path, a=text, i__csv="B1,base_fee\nB1,other\nB2\nB3,base_fees\n,other\n")

    assert errors_of(tmp_path) == [
        "sources/a.yaml:4: charge_item: an empty code; what is empty is missing: remove it",
        "sources/a.yaml:4: charge_item: base_fees is no value of it; the nearest is base_fee; it "
        f"is one of {', '.join(EXPORTS['billing'].codes['charge_item'])}",
        "sources/a.yaml:4: charge_item: row 3 of i.csv has 1 fields; write their code and ours",
        "sources/a.yaml:4: charge_item: the code B1 is given twice; keep one",
    ]


def test_personal_columns_are_named_and_nothing_else(tmp_path: Path) -> None:
    text = "source: a\nexport: customers\nfiles: ['*']\ncolumns:\n  contact: {value: 010-1}\n"
    with_sources(tmp_path, a=text + "  address: {from: A, values: {a: b}}\n")

    assert errors_of(tmp_path) == [
        "sources/a.yaml:5: contact: value is no key of such a column; there are from, join, with",
        "sources/a.yaml:6: address: values is no key of such a column; there are from, join, with",
    ]


def test_the_first_source_that_fits_is_taken_and_the_others_named(tmp_path: Path) -> None:
    with_sources(
        tmp_path,
        b=LEAST.format("b", "INV_*.csv"),
        a=LEAST.format("a", "*_LINES.csv"),
        c=LEAST.format("c", "가*.csv"),
        notes__txt="no source",
    )
    sources = Sources.load(tmp_path)

    found = {
        name: (taken.source.name, taken.why)
        for name in ("old/INV_LINES.csv", "INV_1.csv", unicodedata.normalize("NFD", "가나.csv"))
        if (taken := sources.of("billing", name))
    }

    assert list(found.values()) == [
        ("a", "*_LINES.csv of its files fits; b would fit too, and come later"),
        ("b", "INV_*.csv of its files fits"),
        ("c", "가*.csv of its files fits"),
    ]
    assert sources.of("billing", "inv_1.csv") is None
    assert sources.of("customers", "INV_1.csv") is None
    assert sources.exports_of("INV_1.csv") == ["billing"]


def test_no_folder_no_sources(tmp_path: Path) -> None:
    assert list(Sources.load(tmp_path)) == []
    assert errors_of(with_sources(tmp_path, a__yml="source: a")) == [
        "sources/a.yml: a source's name ends in .yaml; rename it"
    ]
