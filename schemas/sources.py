"""Source files: how one system's files are to be read as an export.

A source is `<workspace>/sources/<name>.yaml`. This file is the only place that knows what it may
hold: keys, what may stand behind them and what they mean. The JSON schema that checks a file,
drafts and help follow from it. Whatever a source says is read as text, as it is written: `01` and
`NO` are codes like others.

`Source` is a source that was read and found sound, as the reader of files takes it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from schemas.exports import EXPORTS, Export

ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "utf-8",
    "cp949": "cp949",
    "euc-kr": "cp949",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
"""How a text may be encoded: as a source names it, and as Python does."""
DELIMITERS: Final[Mapping[str, str]] = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
"""Delimiters by name; any other is written as itself."""
LAST_HEADER_LINE: Final = 200
"""A source may say that the header stands as far down."""

_NUMBERS: Final = frozenset({"integer", "decimal"})
_DAYS: Final = frozenset({"date", "timestamp", "month"})
_JOINED: Final = frozenset({"identifier", "text", "code", "enumeration", *_DAYS})
_TEXT: Final[Mapping[str, object]] = {"type": "string", "pattern": r"\S"}
_TEXTS: Final[Mapping[str, object]] = {"type": "array", "minItems": 1, "items": _TEXT}


@dataclass(frozen=True)
class SourceKey:
    """A key of a source file: what it means, what stands behind it, and an example in YAML.

    `json` is the JSON schema of its value, `wanted` says in words what that takes. `forms`: of a
    column's key, the forms of the columns that may have it; none: all of them.
    """

    name: str
    description: str
    example: str
    json: Mapping[str, object]
    wanted: str
    required: bool = False
    forms: Collection[str] | None = None

    @property
    def words(self) -> list[str]:
        """The words that may stand behind it, where there are only some."""
        listed = self.json.get("enum")
        return list(listed) if isinstance(listed, list) else []


def _words(
    name: str, description: str, *words: str, forms: Collection[str] | None = None
) -> SourceKey:
    """A key behind which one of these words stands, the first as the example."""
    json = {"type": "string", "enum": list(words)}
    example = f'"{words[0]}"' if "," in words[0] else words[0]
    return SourceKey(name, description, example, json, f"one of {', '.join(words)}", forms=forms)


SOURCE_KEYS: Final = (
    SourceKey(
        "source",
        "The source's name, which is the file's",
        "crm-billing",
        _TEXT,
        "the file's name without .yaml",
        required=True,
    ),
    SourceKey(
        "export",
        "The export that the files are read as",
        "billing",
        {"type": "string", "enum": list(EXPORTS)},
        f"one of {', '.join(EXPORTS)}",
        required=True,
    ),
    SourceKey(
        "files",
        "Names of files in landing/<export>/, with * and ?; of sources that fit a file the first "
        "by name is taken",
        '["INV_LINES_*.csv", "*.xlsx"]',
        _TEXTS,
        "a list of names with * and ?",
        required=True,
    ),
    _words("encoding", "How the text is encoded; else it is told by the bytes", *ENCODINGS),
    SourceKey(
        "delimiter",
        "What stands between fields: one character, or its name; else it is told by the header",
        '","',
        {"type": "string", "pattern": rf"^(?:[!#-/:-@\[-`{{-~\t]|{'|'.join(DELIMITERS)})$"},
        f"one character that is no letter, digit, blank or quote, or {', '.join(DELIMITERS)}",
    ),
    _words(
        "quoting",
        "rfc4180: a quoted field may hold delimiters and line breaks; none: a quote is a character",
        *("rfc4180", "none"),
    ),
    SourceKey(
        "header_line",
        "The line of the header, counted from 1; auto, as without this: looked for in the first 20",
        "3",
        {"type": "string", "pattern": r"^(?:auto|[1-9]\d{0,2})$"},
        f"a number from 1 to {LAST_HEADER_LINE}, or auto",
    ),
    SourceKey(
        "footer",
        "A regular expression (RE2) for lines at the end that are no rows; 20 lines at most",
        '"^(합계|Total)"',
        _TEXT,
        "a regular expression",
    ),
    SourceKey(
        "sheet",
        "The sheet of a workbook; else the first whose header fits",
        "청구내역",
        _TEXT,
        "a sheet's name",
    ),
    SourceKey(
        "null_words",
        "Words that stand for nothing, in every column and exactly so",
        '["NULL", "-"]',
        _TEXTS,
        "a list of words",
    ),
    _words(
        "numbers",
        "How numbers are written: what stands between thousands, and before decimals",
        *("1,234.00", "1.234,00"),
    ),
    _words(
        "short_rows",
        "Rows of fewer fields than the header: rejected, or filled with missing values",
        *("reject", "fill"),
    ),
    _words(
        "int96",
        "What a timestamp of the Parquet type INT96 is: an instant, or local time",
        *("instant", "local"),
    ),
    SourceKey(
        "columns",
        "Our columns, each with the name of theirs or with how it is made; a column that is not "
        "named here is read from a column of the file that has its name",
        "{customer_id: CUST_NO}",
        {"type": "object", "minProperties": 1},
        "our columns with theirs",
        required=True,
    ),
)
"""The keys of a source, in the order in which a draft has them."""

COLUMN_KEYS: Final = (
    SourceKey("from", "Their column", "SVC_TYPE", _TEXT, "a column's name"),
    SourceKey(
        "join",
        "Their columns, whose values are joined; where one is missing, so is the joined value",
        "[CUST_NO, SVC_SEQ]",
        {"type": "array", "minItems": 2, "items": _TEXT},
        "a list of two or more names of columns",
        forms=_JOINED,
    ),
    SourceKey(
        "with",
        "What stands between joined values; nothing by default",
        '"-"',
        {"type": "string"},
        "a text",
        forms=_JOINED,
    ),
    SourceKey(
        "value",
        "A constant, in any form that the column takes",
        "0",
        _TEXT,
        "a value",
    ),
    SourceKey(
        "values",
        "Their codes, each with ours; a code that is not among them is a reject",
        "{MOB: mobile, INT: internet}",
        {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
        "their codes with ours",
    ),
    SourceKey(
        "values_file",
        "A CSV file beside the source with their codes and ours in two columns",
        "items.csv",
        _TEXT,
        "the name of a CSV file beside the source",
    ),
    SourceKey(
        "scale",
        "What their numbers are multiplied by, exactly: 1000 where they are thousands of won",
        "1000",
        {"type": "string", "pattern": r"^(?!0*(?:\.0*)?$)\d{1,9}(?:\.\d{1,9})?$"},
        "a number above 0, of nine digits before and behind the point at most",
        forms=_NUMBERS,
    ),
    _words("sign", "minus: their numbers have the other sign", *("minus", "plus"), forms=_NUMBERS),
    _words("as", "month: the month of a date in any form", "month", forms=frozenset({"month"})),
    SourceKey(
        "format",
        "How their days are written: %Y %y %m %d %b %B %H %I %M %S %f %p; %y is 1969 to 2068, "
        "names of months are English, in any case of letters",
        '"%d%b%y"',
        {"type": "string", "pattern": "%"},
        "a form such as %d%b%y",
        forms=_DAYS,
    ),
)
"""The keys of a column in a source; of `from`, `join` and `value` it has one."""
MADE_BY: Final = ("from", "join", "value")
"""Where a column's values come from."""


def source_schema(export: Export) -> dict[str, object]:
    """The JSON schema of a source of the export, all scalars as text."""
    columns = {
        name: {**_keys(_keys_of(export, name)), "type": ["string", "object"], "pattern": r"\S"}
        for name in export.columns
    }
    top = {key.name: key.json for key in SOURCE_KEYS}
    top["columns"] = {**top["columns"], **_object(columns)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A source of {export.name}",
        **_object(top),
        "required": [key.name for key in SOURCE_KEYS if key.required],
    }


def _keys_of(export: Export, column: str) -> list[SourceKey]:
    """The keys that a column may have: by its form, and of personal data its name alone."""
    form = export.metadata(column)["form"]
    keys = [key for key in COLUMN_KEYS if key.forms is None or form in key.forms]
    if column in export.personal:
        keys = [key for key in keys if key.name in ("from", "join", "with")]
    return keys


def _keys(keys: Sequence[SourceKey]) -> dict[str, object]:
    return _object({key.name: key.json for key in keys})


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


@dataclass(frozen=True)
class SourceColumn:
    """Where a column of ours comes from.

    `parts`: the names of theirs, several to be joined by `between`; none for a constant. `codes`:
    theirs with ours. `factor`: what a number is multiplied by, the sign in it. `format`: how a day
    is written; `as_month`: the month of a day is taken.
    """

    parts: tuple[str, ...] = ()
    between: str = ""
    constant: str | None = None
    codes: Mapping[str, str] | None = None
    factor: Decimal | None = None
    as_month: bool = False
    format: str | None = None


@dataclass(frozen=True)
class Source:
    """How files of one system are read as an export; what is none is detected.

    `columns`: those of ours that it makes, by name. `texts`: the bytes of the source and of its
    code files by name, of which `sha256` is the digest. Equal where these are.
    """

    name: str
    export: str
    files: tuple[str, ...]
    columns: Mapping[str, SourceColumn] = field(compare=False)
    sha256: str
    texts: Mapping[str, bytes] = field(compare=False, repr=False)
    encoding: str | None = None
    delimiter: str | None = None
    quoted: bool = True
    header_line: int | None = None
    footer: str | None = None
    sheet: str | None = None
    null_words: tuple[str, ...] = ()
    numbers: str | None = None
    fills_short_rows: bool = False
    int96: str | None = None
