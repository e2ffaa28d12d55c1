"""The forms that exports are delivered in, and the writing of them.

A `Form` is one file's: container, encoding, delimiter, header, and how numbers, months, dates,
times, booleans and labels look. Rendering is column by column; a line is one join.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from schemas.exports import EXPORTS
from transforms.sample.columns import UNKNOWN_LABEL, form_of, labels_of, published
from transforms.sample.draws import Draws, Ints, day, settings

UNDECODABLE: Final = "\x1a"
"""Stands for a byte that no encoding has, until the text is encoded."""

_LOW, _HIGH = "1900-01-01", "2100-01-01"
_SET: Final = settings("forms")
_NUMBERS: Final = ["1234", "1,234", "₩1,234", "1,234원", "(1,234)"]
_TYPED_NUMBERS: Final = "int64, decimal, float64 in turn"
_TIMES: Final = ["HH:MM:SS", "HH:MM", "date alone"]
_HEADERS: Final = ["english", "ENGLISH", " english ", "korean", " korean "]
_BLOCK: Final = 1 << 20
_ROW_GROUP: Final = 1 << 17
_FAST_FROM_ROWS: Final = 50_000


@dataclass(frozen=True)
class Form:
    """How one file is delivered."""

    container: str
    encoding: str
    delimiter: str
    newline: str
    header: str
    labels: str
    number: str
    month: str
    date: str
    time: str
    separator: str
    boolean: str
    missing: str
    codes: str
    quoting: str
    order: list[str]
    extra: list[str]
    level: int

    @property
    def parquet(self) -> bool:
        """Whether the columns are typed."""
        return self.container == ".parquet"

    def described(self) -> dict[str, object]:
        """The form as truth.json shows it; what does not matter to the container is left out."""
        shown = asdict(self)
        del shown["level"]
        if self.parquet:
            kept = ("container", "header", "labels", "number", "codes", "order", "extra")
            return {name: shown[name] for name in kept}
        return shown


def choose_form(draws: Draws, export: str, name: str, container: str, turn: int, rows: int) -> Form:
    """The form of a file: encodings and the like in turn, the rest by the seed and the name."""
    columns = list(EXPORTS[export].columns)
    parts = iter(draws.uniform(f"form/{export}/{name}", 0, 0, len(columns) + 32))

    def one(options: list[str]) -> str:
        return options[int(next(parts) * len(options))]

    order = sorted(columns, key=lambda _: float(next(parts))) if next(parts) < 0.5 else columns
    parquet = container == ".parquet"
    encodings = _SET["encodings"]
    encoding = "utf-8" if parquet else encodings[turn % len(encodings)]
    # a CP949 file is told from UTF-8 by its header: one in English with few Korean lines isn't
    header = one(_HEADERS[3:] if encoding == "cp949" else _HEADERS)
    number = _TYPED_NUMBERS if parquet else one(_NUMBERS)
    return Form(
        container=container,
        encoding=encoding,
        delimiter="" if parquet else one(_SET["delimiters"][container.split(".")[1]]),
        newline=one(["\n", "\r\n", "\n"]),
        header=header,
        labels=one(["english", "ENGLISH", "korean", "korean"]),
        number=number,
        month=one(list(_SET["months"])),
        date=one(list(_SET["dates"])),
        time=one(_TIMES),
        separator=one([" ", "T"]),
        boolean=one(list(_SET["booleans"])),
        missing=one(["", "", "  "]),
        codes=one(["ICN", "icn"]),
        quoting=one(["needed", "needed", "all"]) if rows < _FAST_FROM_ROWS else "needed",
        order=list(order),
        extra=_SET["extra_columns"][: int(next(parts) * 6) % 4],
        level=9 if rows < _FAST_FROM_ROWS else 1,
    )


def header_of(form: Form, export: str) -> list[str]:
    """The header's names as written, extra columns last."""
    declared = EXPORTS[export]
    if "korean" in form.header:
        names = [str(declared.columns[name].title) for name in form.order]
    elif form.header == "ENGLISH":
        names = [name.upper() for name in form.order]
    else:
        names = list(form.order)
    if form.header.startswith(" "):
        names = [f" {name} " for name in names]
    return names + form.extra


@cache
def _date_texts(pattern: str) -> pa.Array:
    days = np.arange(_LOW, _HIGH, dtype="datetime64[D]").tolist()
    write = _SET["dates"][pattern].format
    return pa.array([write(on.year, on.month, on.day) for on in days])


@cache
def _month_texts(pattern: str) -> pa.Array:
    write = _SET["months"][pattern].format
    return pa.array([write(month // 12, month % 12 + 1) for month in range(2100 * 12)])


@cache
def _time_texts(pattern: str, separator: str) -> pa.Array:
    def text(second: int) -> str:
        if pattern == "date alone" and second == 0:
            return ""
        clock = f"{separator}{second // 3600:02d}:{second // 60 % 60:02d}"
        return clock if pattern == "HH:MM" and second % 60 == 0 else f"{clock}:{second % 60:02d}"

    return pa.array([text(second) for second in range(86_400)])


def _dates(values: pa.Array, pattern: str) -> pa.Array:
    return _date_texts(pattern).take(pc.subtract(values, day(_LOW)))


def _timestamps(values: pa.Array, form: Form) -> pa.Array:
    days = pc.divide(values, 86_400)
    seconds = pc.subtract(values, pc.multiply(days, 86_400))
    clock = _time_texts(form.time, form.separator).take(seconds)
    return pc.binary_join_element_wise(_dates(days, form.date), clock, "")


def _grouped(values: pa.Array) -> pa.Array:
    """Amounts not below 0 with their thousands grouped."""
    backwards = pc.ascii_reverse(values.cast(pa.string()))
    grouped = pc.replace_substring_regex(backwards, r"(\d{3})", r"\1,")
    return pc.ascii_ltrim(pc.ascii_reverse(grouped), ",")


def _integers(values: pa.Array, form: Form, money: bool) -> pa.Array:
    """Integers as the form writes them; the sign of won stands with money above or at 0 only."""
    if form.number == "1234":
        return values.cast(pa.string())
    # CP949 has the full-width won sign only
    sign = "￦" if form.encoding == "cp949" else "₩"
    won = {"₩1,234": (sign, ""), "1,234원": ("", "원")} if money else {}
    above = won.get(form.number, ("", ""))
    below = ("(", ")") if form.number == "(1,234)" else ("-", "")
    amounts = _grouped(pc.abs(values))
    texts = [
        pc.binary_join_element_wise(before, amounts, after, "") for before, after in (below, above)
    ]
    return pc.if_else(pc.less(values, 0), *texts)


def _decimals(values: pa.Array, export: str, column: str) -> pa.Array:
    """Decimals with their places; a whole number below 0 is delivered without."""
    texts = published(values, export, column).cast(pa.string())
    short = pc.replace_substring_regex(texts, r"\.00$", "")
    return pc.if_else(pc.less(values, 0), short, texts)


def _labels(values: pa.Array, export: str, column: str, form: Form) -> pa.Array:
    labels = labels_of(export, column)
    texts = list(labels.values()) if form.labels == "korean" else list(labels)
    if form.labels == "ENGLISH":
        texts = [text.upper() for text in texts]
    return pa.array([*texts, "미정" if form.labels == "korean" else UNKNOWN_LABEL]).take(values)


def _column(table: pa.Table, export: str, column: str, form: Form) -> pa.Array:
    """A column as delivered text; null where missing."""
    values = table.column(column).combine_chunks()
    match form_of(export, column):
        case "integer":
            money = EXPORTS[export].metadata(column).get("unit") == "KRW"
            return _integers(values, form, money)
        case "decimal":
            return _decimals(values, export, column)
        case "month":
            return _month_texts(form.month).take(values)
        case "date":
            return _dates(values, form.date)
        case "timestamp":
            return _timestamps(values, form)
        case "boolean":
            return pa.array(_SET["booleans"][form.boolean]).take(values.cast(pa.int8()))
        case "enumeration":
            return _labels(values, export, column, form)
        case "code" if form.codes == "icn":
            return pc.ascii_lower(values)
    return values


def _quoted(texts: pa.Array, form: Form) -> pa.Array:
    """The texts in quotes, where the form asks for them or the text can't do without."""
    special = pc.match_substring_regex(texts, f'[\\r\\n"\\{form.delimiter}]')
    if form.quoting == "all":
        special = pc.true_unless_null(texts)
    if not pc.any(special).as_py():
        return texts
    doubled = pc.replace_substring(texts.filter(special), '"', '""')
    return pc.replace_with_mask(texts, special, pc.binary_join_element_wise('"', doubled, '"', ""))


def _may_need_quotes(export: str, column: str, form: Form) -> bool:
    shape = form_of(export, column)
    grouped = shape == "integer" and form.delimiter == "," and form.number != "1234"
    return shape == "text" or grouped or form.quoting == "all"


@dataclass(frozen=True)
class Spoilt:
    """What is wrong with the text of some rows of a table.

    `texts`: by column, row positions and what is written there instead. `whole`: the positions of
    rows that are short or long, with too few and too many fields, and of those that are
    undecodable, which no encoding can read; these are among `texts`. All positions rise.
    """

    texts: Mapping[str, tuple[Ints, list[str]]] = field(default_factory=dict)
    whole: Mapping[str, Ints] = field(default_factory=dict)

    def moved(self, to: Ints) -> Spoilt:
        """The same where row n of the table has become row `to[n]` of another."""
        texts = {name: (to[rows], values) for name, (rows, values) in self.texts.items()}
        return Spoilt(texts, {what: to[rows] for what, rows in self.whole.items()})


def _replaced(texts: pa.Array, rows: Ints, values: pa.Array) -> pa.Array:
    mask = np.zeros(len(texts), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(texts, pa.array(mask), values)


def lines(table: pa.Table, export: str, form: Form, spoilt: Spoilt) -> pa.Array:
    """The table as delivered lines, their line ends included."""
    columns = []
    for name in form.order:
        texts = _column(table, export, name, form)
        if _may_need_quotes(export, name, form):
            texts = _quoted(texts, form)
        if name in spoilt.texts:
            rows, values = spoilt.texts[name]
            texts = _replaced(texts, rows, _quoted(pa.array(values, pa.string()), form))
        if texts.null_count:
            texts = pc.fill_null(texts, form.missing)
        columns.append(texts)
    columns += [pa.repeat(f"x{number}", len(table)) for number in range(len(form.extra))]
    *head, last = columns
    ended = pc.binary_join_element_wise(last, form.newline, "")
    whole = pc.binary_join_element_wise(*head, ended, form.delimiter)
    for what, cells in [("long", [*columns, "one", "too many"]), ("short", columns[:-2])]:
        at = spoilt.whole.get(what)
        if at is not None and len(at):
            cells = [c if isinstance(c, str) else c.take(pa.array(at)) for c in cells]
            text = pc.binary_join_element_wise(*cells, form.delimiter)
            whole = _replaced(whole, at, pc.binary_join_element_wise(text, form.newline, ""))
    return whole


def typed(table: pa.Table, export: str, form: Form) -> pa.Table:
    """The table with Parquet's own types, under the form's header."""
    arrays = []
    numbers = cycle([pa.int64(), pa.decimal128(19, 0), pa.float64()])
    for name in form.order:
        values = table.column(name).combine_chunks()
        match form_of(export, name):
            case "integer":
                arrays.append(values.cast(next(numbers)))
            case "code" | "enumeration":
                arrays.append(_column(table, export, name, form))
            case _:
                arrays.append(published(values, export, name))
    arrays += [pa.repeat(f"x{number}", len(table)) for number in range(len(form.extra))]
    return pa.Table.from_arrays(arrays, names=header_of(form, export))


class Writer:
    """Writes one file; what is written does not depend on the sizes of the pieces."""

    def __init__(self, path: Path, export: str, form: Form) -> None:
        self._path = path
        self._export = export
        self._form = form
        self._pending: list[pa.Table] = []
        self._buffer = bytearray()
        self._next_line = 1
        self._parquet: pq.ParquetWriter | None = None
        self._compress: Callable[[bytes], bytes] = bytes
        self._finish: Callable[[], bytes] = bytes

    def __enter__(self) -> Self:
        """Opens the file and writes the header, unless it is Parquet, which waits for rows."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._form.parquet:
            return self
        self._file = self._path.open("wb")
        if self._form.container.endswith(".gz"):
            # zlib's own gzip header carries neither time nor name
            gzip = zlib.compressobj(self._form.level, zlib.DEFLATED, 31)
            self._compress, self._finish = gzip.compress, gzip.flush
        elif self._form.container.endswith(".zst"):
            codec = pa.Codec("zstd", compression_level=3)
            self._compress = lambda block: codec.compress(block, asbytes=True)
        bom = {"utf-8-sig": b"\xef\xbb\xbf", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
        self._buffer += bom.get(self._form.encoding, b"")
        header = self._form.delimiter.join(header_of(self._form, self._export))
        self._put((header + self._form.newline).encode())
        self._next_line = 2
        return self

    def write(self, table: pa.Table, spoilt: Spoilt) -> Ints:
        """Writes the rows; returns each row's line, for Parquet its number from 1 on."""
        if self._form.parquet:
            numbers = np.arange(len(table)) + self._next_line
            self._next_line += len(table)
            self._pending.append(typed(table, self._export, self._form))
            self._put_row_groups(last=False)
            return numbers
        rendered = lines(table, self._export, self._form, spoilt)
        ends = np.cumsum(pc.count_substring(rendered, "\n"))
        starts = self._next_line + np.concatenate([[0], ends[:-1]])
        self._next_line += int(ends[-1])
        offsets = np.frombuffer(rendered.buffers()[1], np.int32)
        low, high = offsets[rendered.offset], offsets[rendered.offset + len(rendered)]
        self._put(memoryview(rendered.buffers()[2])[low:high])
        return starts.astype(np.int64)

    def _put(self, text: bytes | memoryview) -> None:
        encoding = self._form.encoding
        if encoding.startswith("utf-8"):
            self._buffer += text
        else:
            self._buffer += str(text, "utf-8").encode(encoding)
        full = len(self._buffer) - len(self._buffer) % _BLOCK
        for start in range(0, full, _BLOCK):
            self._block(bytes(self._buffer[start : start + _BLOCK]))
        del self._buffer[:full]

    def _block(self, block: bytes) -> None:
        if not self._form.encoding.startswith("utf-16"):
            block = block.replace(UNDECODABLE.encode(), b"\xff")
        self._file.write(self._compress(block))

    def _put_row_groups(self, last: bool) -> None:
        """Writes the waiting rows by whole row groups, the last time also what is left over."""
        waiting = sum(len(table) for table in self._pending)
        if not last and waiting < _ROW_GROUP:
            return
        table = pa.concat_tables(self._pending).combine_chunks()
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(
                self._path, table.schema, compression="zstd", store_schema=False
            )
        while len(table) >= _ROW_GROUP or (last and len(table)):
            self._parquet.write_table(table.slice(0, _ROW_GROUP))
            table = table.slice(_ROW_GROUP)
        self._pending = [table]

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Closes the file, and before, if nothing has failed, writes what is left over."""
        if self._form.parquet:
            if kind is None:
                self._put_row_groups(last=True)
            if self._parquet is not None:
                self._parquet.close()
            return
        if kind is None:
            self._block(bytes(self._buffer))
            self._file.write(self._finish())
        self._file.close()
