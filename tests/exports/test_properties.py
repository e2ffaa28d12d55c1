"""What must not matter does not: one delivery stages the same bytes in whatever order, split,
container, encoding, delimiter, column order, header language and spelling it comes."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.exports import EXPORTS, Export
from tests.support import (
    KEY,
    Row,
    csv_bytes,
    ingest,
    of_file,
    parquet_bytes,
    parquet_of,
    reasons_by_line,
    rendered,
    staged,
    staged_hashes,
    totals_tie,
    valid_rows,
    workspace_with,
)
from tests.workbooks import ods, sheet_of, xls, xlsx
from transforms.exports.cp949 import Cp949Decoder
from transforms.exports.utf8 import bad_spans

ROWS = 150
Files = dict[str, bytes]
Variant = Callable[[Export, list[Row]], Files]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTBOOK_PII_KEY", KEY)


@pytest.fixture(scope="module")
def delivered() -> dict[str, list[Row]]:
    """The rows of one delivery, by export."""
    return {name: valid_rows(export, ROWS, seed=4) for name, export in EXPORTS.items()}


@pytest.fixture(scope="module")
def as_staged(
    delivered: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The hashes of what is staged of them when they come as plain CSV."""
    files = {f"{name}/a.csv": _written(EXPORTS[name], rows) for name, rows in delivered.items()}
    workspace = workspace_with(tmp_path_factory.mktemp("plain"), files)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("POINTBOOK_PII_KEY", KEY)
        ingest(workspace)
    return staged_hashes(workspace)


def _written(export: Export, rows: Sequence[Row], **form: object) -> bytes:
    texts = [rendered(export, row) for row in rows]
    return csv_bytes(export, texts, **form)  # type: ignore[arg-type]


def _shuffled(export: Export, rows: list[Row]) -> Files:
    return {"a.csv": _written(export, random.Random(1).sample(rows, len(rows)))}


def _split(export: Export, rows: list[Row]) -> Files:
    return {f"{n}.csv": _written(export, rows[n::4]) for n in (2, 0, 3, 1)}


def _overlapping(export: Export, rows: list[Row]) -> Files:
    return {"a.csv": _written(export, rows[:90]), "b.csv": _written(export, rows[60:])}


def _gzipped(export: Export, rows: list[Row]) -> Files:
    return {"a.CSV.gz": gzip.compress(_written(export, rows))}


def _zstd(export: Export, rows: list[Row]) -> Files:
    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, "zstd") as stream:
        stream.write(_written(export, rows))
    return {"a.txt.zst": target.getvalue().to_pybytes()}


def _in(encoding: str, mark: str = "") -> Variant:
    def variant(export: Export, rows: list[Row]) -> Files:
        text = _written(export, rows, korean=True).decode()
        return {"a.csv": (mark + text).encode(encoding)}

    return variant


def _delimited(delimiter: str, name: str = "a.csv") -> Variant:
    return lambda export, rows: {name: _written(export, rows, delimiter=delimiter, line_end="\r\n")}


def _columns_reversed(export: Export, rows: list[Row]) -> Files:
    return {"a.csv": _written(export, rows, columns=list(export.columns)[::-1])}


def _extra_columns(export: Export, rows: list[Row]) -> Files:
    texts = [rendered(export, row) | {"memo": "m", "비고": ""} for row in rows]
    columns = ["memo", *export.columns, "비고"]
    header = ",".join(columns).encode() + b"\n"
    body = csv_bytes(export, texts, columns=list(export.columns)).split(b"\n", 1)[1]
    rewritten = io.BytesIO()
    rewritten.write(header)
    for record in _records(body):
        rewritten.write(b"m," + record + b",\n")
    return {"a.csv": rewritten.getvalue()}


def _records(body: bytes) -> Iterator[bytes]:
    """The records of a well-formed body, with line breaks inside quotes kept."""
    record = b""
    for line in body.splitlines():
        record += line
        if record.count(b'"') % 2 == 0:
            yield record
            record = b""
        else:
            record += b"\n"


def _header_spelt_otherwise(export: Export, rows: list[Row]) -> Files:
    header, body = _written(export, rows).split(b"\n", 1)
    names = [f' "{name.upper()} "' for name in header.decode().split(",")]
    return {"a.csv": ",".join(names).encode() + b"\n" + body}


def _parquet(export: Export, rows: list[Row]) -> Files:
    return {"a.parquet": parquet_of(export.name, rows)}


def _parquet_of_text(export: Export, rows: list[Row]) -> Files:
    texts = [rendered(export, row) for row in rows]
    return {"a.parquet": parquet_bytes(pa.Table.from_pylist(texts))}


def _parquet_as_pandas_writes_it(export: Export, rows: list[Row]) -> Files:
    """Nullable whole numbers as floats, days and times as nanoseconds, text as dictionaries."""
    table = pq.read_table(io.BytesIO(parquet_of(export.name, rows)))
    for position, field in enumerate(table.schema):
        column = table.column(position)
        if pa.types.is_int64(field.type):
            column = column.cast(pa.float64())
        elif pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            column = column.cast(pa.timestamp("ns"))
        elif pa.types.is_string(field.type):
            column = column.dictionary_encode()
        table = table.set_column(position, field.name, column)
    return {"a.parquet": parquet_bytes(table)}


def _workbook(write: Callable[..., bytes], name: str) -> Variant:
    return lambda export, rows: {name: write(sheet_of(export, rows, korean=True))}


def _other_spellings(export: Export, rows: list[Row]) -> Files:
    """Every value in another of its forms, at random."""
    random_ = random.Random(2)
    texts = []
    for row in rows:
        text = rendered(export, row)
        for name in export.columns:
            spellings = _spellings(export, name, row[name])
            text[name] = random_.choice([text[name], *spellings])
        texts.append(text)
    return {"a.csv": csv_bytes(export, texts)}


def _spellings(export: Export, name: str, value: object) -> list[str]:
    metadata = export.metadata(name)
    labels = metadata.get("labels")
    if value is None or (value == metadata.get("default") and value is not True):
        return ["", "  "] if export.columns[name].nullable else []
    if isinstance(labels, dict):
        return [str(labels[value]), str(value).upper(), f" {labels[value]}\u3000"]
    if metadata["form"] == "month":
        year, month = str(value).split("-")
        return [f"{year}{month}", f"{year}.{month}", f"{year}/{month}", f"{year}년 {int(month)}월"]
    if metadata["form"] == "code":
        return [str(value).lower()]
    if isinstance(value, bool):
        return ["Y", "1", "예", "TRUE"] if value else ["n", "0", "아니오", "False"]
    if isinstance(value, int):
        negative = [f"({-value:,})"] if value < 0 else []
        return [f"{value:,}", f"{value:,}원", f"{value}.00", *negative]
    if isinstance(value, datetime):
        day = f"{value.year}년 {value.month}월 {value.day}일"
        return [f"{value:%Y-%m-%dT%H:%M:%S}", f"{value:%Y%m%d %H:%M:%S}", f"{day} {value:%H:%M:%S}"]
    if isinstance(value, date):
        day = f"{value.year}년 {value.month}월 {value.day}일"
        return [f"{value:%Y%m%d}", f"{value:%Y.%m.%d}", f"{value:%Y/%m/%d}", day]
    return [f" {value} "] if metadata["form"] in ("identifier", "text", "decimal") else []


VARIANTS: Mapping[str, Variant] = {
    "shuffled": _shuffled,
    "split into four files": _split,
    "split into overlapping files": _overlapping,
    "gzip": _gzipped,
    "zstd": _zstd,
    "UTF-8 with a byte order mark": _in("utf-8", "\ufeff"),
    "CP949": _in("cp949"),
    "UTF-16 little endian": _in("utf-16-le", "\ufeff"),
    "UTF-16 big endian": _in("utf-16-be", "\ufeff"),
    "tabs": _delimited("\t", "a.tsv"),
    "bars": _delimited("|", "a.txt"),
    "semicolons": _delimited(";"),
    "columns reversed": _columns_reversed,
    "extra columns": _extra_columns,
    "header spelt otherwise": _header_spelt_otherwise,
    "Parquet": _parquet,
    "Parquet of text": _parquet_of_text,
    "Parquet as pandas writes it": _parquet_as_pandas_writes_it,
    "workbook": _workbook(xlsx, "a.xlsx"),
    "old workbook": _workbook(xls, "a.xls"),
    "open workbook": _workbook(ods, "a.ods"),
    "values in other spellings": _other_spellings,
}
OF_EVERY_EXPORT = frozenset(
    {"CP949", "workbook", "Parquet", "Parquet as pandas writes it", "values in other spellings"}
)
"""Variants in which the export's own columns matter; for the others a few exports will do."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_how_a_delivery_is_written_does_not_change_the_staged_bytes(
    variant: str, delivered: dict[str, list[Row]], as_staged: dict[str, str], tmp_path: Path
) -> None:
    varied: Files = {}
    names = tuple(EXPORTS) if variant in OF_EVERY_EXPORT else ("billing", "customers", "flights")
    for name in names:
        written = VARIANTS[variant](EXPORTS[name], delivered[name])
        varied |= {f"{name}/{n}": content for n, content in written.items()}
    workspace = workspace_with(tmp_path, varied)

    manifest = ingest(workspace)

    assert [f for f in manifest["files"] if f["status"] != "accepted" or f["reasons"]] == []
    expected = {path: sha256 for path, sha256 in as_staged.items() if path.startswith(names)}
    assert staged_hashes(workspace) == expected
    assert totals_tie(manifest)


def test_the_number_of_threads_does_not_change_the_staged_bytes(tmp_path: Path) -> None:
    files = {"billing/a.csv": _written(EXPORTS["billing"], valid_rows(EXPORTS["billing"], ROWS))}
    for threads in (1, 4):
        ingest(workspace_with(tmp_path / str(threads), files), threads=threads)

    assert staged_hashes(tmp_path / "1") == staged_hashes(tmp_path / "4")


def test_chunks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read in chunks; where they end must not show, whatever the encoding."""
    export = EXPORTS["promotions"]
    rows = valid_rows(export, ROWS)
    text = _written(export, rows, korean=True).decode()
    expected = None
    for encoding in ("utf-8", "cp949", "utf-16"):
        workspace = workspace_with(tmp_path / encoding, {"promotions/a.csv": text.encode(encoding)})
        monkeypatch.setattr("transforms.exports.containers.CHUNK_BYTES", 997)

        report = of_file(ingest(workspace), "promotions/a.csv")

        monkeypatch.undo()
        assert report["status"] == "accepted"
        assert report["encoding"] == encoding
        expected = expected or staged_hashes(workspace)
        assert staged_hashes(workspace) == expected


class TestCp949:
    """CP949 as Python's codec has it: every valid pair is read, every other one refused."""

    LEADS = range(0x80, 0x100)
    TRAILS = (*range(0x20, 0x22), *range(0x23, 0x2C), *range(0x2D, 0x100))

    def _file(self, texts: Sequence[bytes]) -> bytes:
        rows = [
            f"P{n},C1,2016-11-03,".encode() + b"<" + text + b">,1,true,\n"
            for n, text in enumerate(texts)
        ]
        names = EXPORTS["promotions"].columns.values()
        header = ",".join(str(column.title) for column in names).encode("cp949")
        return header + b"\n" + b"".join(rows)

    def test_every_valid_sequence_is_read_right(self, tmp_path: Path) -> None:
        valid = {}
        for lead in self.LEADS:
            for trail in self.TRAILS:
                text = bytes((lead, trail))
                try:
                    valid[text] = text.decode("cp949")
                except UnicodeDecodeError:
                    continue
        workspace = workspace_with(tmp_path, {"promotions/a.csv": self._file(list(valid))})

        report = of_file(ingest(workspace), "promotions/a.csv")

        assert report["encoding"] == "cp949"
        assert report["rows"]["accepted"] == len(valid)
        found = {int(r["promotion_credit_id"][1:]): r for r in staged(workspace, "promotions")}
        read = [found[number]["promotion_code"] for number in range(len(valid))]
        assert read == [normalize("NFC", f"<{text}>") for text in valid.values()]

    def test_every_sequence_is_decoded_as_the_codec_has_it_or_is_no_utf8(self) -> None:
        pairs = [bytes((lead, trail)) for lead in self.LEADS for trail in range(256)]
        pairs = [pair for pair in pairs if b"\n" not in pair]
        whole = b"\n".join(pairs)
        decoder = Cp949Decoder()
        # 7 bytes at a time cut every kind of pair in two
        parts = [decoder.decode(whole[at : at + 7]) for at in range(0, len(whole), 7)]
        lines = b"".join([*parts, decoder.decode(b"", final=True)]).split(b"\n")

        ends = np.cumsum([len(line) + 1 for line in lines], dtype=np.int32) - 1
        starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int32)
        refused = bad_spans(np.frombuffer(b"\n".join(lines), np.uint8), starts, ends)
        read = [None if bad else line for bad, line in zip(refused, lines, strict=True)]
        assert read == [_by_the_codec(pair) for pair in pairs]
        assert None in read

    def test_a_row_of_an_invalid_sequence_is_refused(self, tmp_path: Path) -> None:
        invalid = []
        for lead in self.LEADS:
            for trail in self.TRAILS:
                try:
                    bytes((lead, trail)).decode("cp949")
                except UnicodeDecodeError:
                    invalid.append(bytes((lead, trail)))
        good = ["가".encode("cp949")] * (100 * len(invalid[::20]))
        workspace = workspace_with(
            tmp_path, {"promotions/a.csv": self._file([*invalid[::20], *good])}
        )

        report = of_file(ingest(workspace), "promotions/a.csv")

        assert report["encoding"] == "cp949"
        assert reasons_by_line(workspace, "promotions") == {
            line: ["row:format"] for line in range(2, len(invalid[::20]) + 2)
        }
        assert report["rows"]["accepted"] == len(good)


def _by_the_codec(text: bytes) -> bytes | None:
    try:
        return text.decode("cp949").encode()
    except UnicodeDecodeError:
        return None
