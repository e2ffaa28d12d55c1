"""Sources: how the files of other systems are to be read, from YAML files of the workspace.

All sources are read and checked before a file is: what is wrong with any of them is told at once,
each error with its line and the nearest name that there is.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from flows.console.errors import WrongUsage
from schemas.derive import normalised_header
from schemas.exports import EXPORTS, Export
from schemas.sources import (
    COLUMN_KEYS,
    DELIMITERS,
    ENCODINGS,
    LAST_HEADER_LINE,
    MADE_BY,
    SOURCE_KEYS,
    Source,
    SourceColumn,
    source_schema,
)
from transforms.exports import forms
from transforms.exports.day_formats import check_format
from transforms.exports.encodings import NotRead as UnknownEncoding
from transforms.exports.encodings import encoding_of
from transforms.policies.documents import Document, NotRead, duplicate, read_as_written

FOLDER: Final = "sources"
_MOST_BYTES: Final = 1 << 22
"""Of a code file: more than any list of codes has."""
_WANTED: Final = {key.name: key.wanted for key in (*SOURCE_KEYS, *COLUMN_KEYS)}
_CODES: Final = ("values", "values_file")
_NUMBER: Final = ("scale", "sign")
_DAY: Final = ("as", "format")


@dataclass(frozen=True)
class Taken:
    """The source that a file is read by: the first by name of those that fit.

    `pattern` is that of its `files` which the file's name fits; `others` are sources that fit it
    as well.
    """

    source: Source
    pattern: str
    others: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why it was taken, in a line."""
        others = f"; {', '.join(self.others)} would fit too, and come later" if self.others else ""
        return f"{self.pattern} of its files fits{others}"


class Sources:
    """The sources of a workspace, by name."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._sources = sorted(sources, key=lambda source: source.name)

    def __iter__(self) -> Iterator[Source]:
        return iter(self._sources)

    @classmethod
    def load(cls, workspace: Path) -> Sources:
        """Those in the workspace's `sources` folder; none where there is no such folder.

        Raises WrongUsage with every error of every source.
        """
        folder = workspace / FOLDER
        errors: list[str] = []
        sources = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name.startswith(".") or path.suffix not in (".yaml", ".yml"):
                continue
            found, problems = read_source(path)
            errors += problems
            if found is not None:
                sources.append(found)
        if errors:
            raise WrongUsage("\n".join(errors))
        return cls(sources)

    def of(self, export: str, name: str) -> Taken | None:
        """The source that a file of the export is read by, by the file's name in its folder."""
        fitting = [
            (source, pattern)
            for source in self._sources
            if source.export == export and (pattern := _fits(source, name))
        ]
        if not fitting:
            return None
        (source, pattern), *others = fitting
        return Taken(source, pattern, tuple(other.name for other, _ in others))

    def exports_of(self, name: str) -> list[str]:
        """The exports of those sources that fit a file of this name."""
        fitting = [source.export for source in self._sources if _fits(source, name)]
        return list(dict.fromkeys(fitting))


def kept_source(staged: Path, sha256: str) -> Path:
    """The folder that keeps a source as it was when files were read by it: its text, its codes."""
    return staged / FOLDER / sha256


def _fits(source: Source, name: str) -> str | None:
    """The first pattern that a file's name fits, with its folders or without."""
    name = unicodedata.normalize("NFC", name)
    names = (name, PurePosixPath(name).name)
    for pattern in source.files:
        if any(fnmatchcase(each, unicodedata.normalize("NFC", pattern)) for each in names):
            return pattern
    return None


def read_source(path: Path) -> tuple[Source | None, list[str]]:
    """Reads a source; gives it, or none and all that is wrong with it, each with its line."""
    shown = f"{path.parent.name}/{path.name}"
    if path.suffix != ".yaml":
        return None, [f"{shown}: a source's name ends in .yaml; rename it"]
    try:
        document = read_as_written(path)
    except NotRead as why:
        return None, [f"{shown}: {why}"]
    except OSError as error:
        return None, [f"{shown}: can't be read: {error.strerror}; mend its permissions"]
    reading = _Reading(path, document)
    source = reading.source()
    errors = [f"{shown}:{line}: {what}" for line, what in sorted(reading.errors)]
    return (None, errors) if errors else (source, [])


class _Reading:
    """One source on its way from what is written to what is meant; `errors` with their lines."""

    def __init__(self, path: Path, document: Document) -> None:
        self._path = path
        self._document = document
        self.errors = [
            (line, duplicate(line, key).partition(": ")[2]) for line, key in document.duplicates
        ]
        self._faulty: set[tuple[str | int, ...]] = set()
        self._texts = {path.name: path.read_bytes()}

    def source(self) -> Source | None:
        """The source, where nothing is wrong with it."""
        content = self._document.content
        if not isinstance(content, dict):
            self._fault((), "not a mapping; begin it with source:, export:, files: and columns:")
            return None
        export = EXPORTS.get(str(content.get("export")))
        # of an unknown export every column would be unknown as well
        schema = source_schema(export or EXPORTS["billing"])
        for error in Draft202012Validator(schema).iter_errors(content):
            self._explain(error, known=export is not None)
        sound = {key: said for key, said in content.items() if (key,) not in self._faulty}
        name = unicodedata.normalize("NFC", str(sound.get("source", self._path.stem)))
        if name != unicodedata.normalize("NFC", self._path.stem):
            self._fault(["source"], f"{name} is not the file's name; write {self._path.stem}")
        line = sound.get("header_line", "auto")
        if line != "auto" and int(line) > LAST_HEADER_LINE:
            self._fault(["header_line"], f"{line} is not {_WANTED['header_line']}")
        if (footer := sound.get("footer")) and (why := _no_pattern(footer)):
            self._fault(["footer"], f"{footer} is no regular expression ({why}); mend it")
        columns = {
            column: self._column(export, column, said)
            for column, said in sound.get("columns", {}).items()
            if export is not None and ("columns", column) not in self._faulty
        }
        if self.errors or export is None:
            return None
        return self._sound(name, export, content, columns)

    def _sound(
        self,
        name: str,
        export: Export,
        content: Mapping[str, Any],
        columns: Mapping[str, SourceColumn],
    ) -> Source:
        """The source of a content with which nothing is wrong."""
        line, delimiter = content.get("header_line", "auto"), content.get("delimiter")
        digest = hashlib.sha256()
        for text_name, text in sorted(self._texts.items()):
            digest.update(f"{text_name}\0{len(text)}\0".encode() + text)
        return Source(
            name=name,
            export=export.name,
            files=tuple(content["files"]),
            columns=columns,
            sha256=digest.hexdigest(),
            texts=self._texts,
            encoding=ENCODINGS.get(content.get("encoding", "")),
            delimiter=DELIMITERS.get(delimiter, delimiter) if delimiter else None,
            quoted=content.get("quoting") != "none",
            header_line=None if line == "auto" else int(line),
            footer=content.get("footer"),
            sheet=content.get("sheet"),
            null_words=tuple(forms.as_cell(word) for word in content.get("null_words", ())),
            numbers=content.get("numbers"),
            fills_short_rows=content.get("short_rows") == "fill",
            int96=content.get("int96"),
        )

    def _column(self, export: Export, column: str, said: str | Mapping[str, Any]) -> SourceColumn:
        """A column of ours, as the source has it."""
        if isinstance(said, str):
            return SourceColumn(parts=(said,))
        where = ["columns", column]
        made_by = [key for key in MADE_BY if key in said]
        if len(made_by) != 1:
            given = " and ".join(made_by) or "neither"
            self._fault(where, f"{column}: {given} of from, join and value; give one of them")
        if "with" in said and "join" not in said:
            self._fault([*where, "with"], f"{column}: with goes with join; remove it")
        changes = [key for key in (*_CODES, *_NUMBER, *_DAY) if key in said]
        if "value" in said and changes:
            self._fault(where, f"{column}: a constant takes no {changes[0]}; write what is meant")
        kinds = [kind for kind in (_CODES, _NUMBER, _DAY) if any(key in said for key in kind)]
        if len(kinds) > 1 or all(key in said for key in _CODES):
            self._fault(where, f"{column}: {' and '.join(changes)} exclude each other; give one")
        if "value" in said:
            self._require_readable(export, column, [*where, "value"], [said["value"]])
        if "format" in said and (
            why := check_format(said["format"], str(export.metadata(column)["form"]))
        ):
            self._fault([*where, "format"], f"{column}: {said['format']}: {why}")
        scale = Decimal(said.get("scale", 1)) * (-1 if said.get("sign") == "minus" else 1)
        return SourceColumn(
            parts=tuple(said.get("join", [said["from"]] if "from" in said else [])),
            between=said.get("with", ""),
            constant=said.get("value"),
            codes=self._codes(export, column, said),
            factor=None if scale == 1 else scale,
            as_month="as" in said,
            format=said.get("format"),
        )

    def _codes(
        self, export: Export, column: str, said: Mapping[str, Any]
    ) -> Mapping[str, str] | None:
        """Their codes with ours, of the source itself or of its code file."""
        if "values" in said:
            where = ["columns", column, "values"]
            given = [([*where, code], code, ours) for code, ours in said["values"].items()]
        elif "values_file" in said:
            where = ["columns", column, "values_file"]
            given = [(where, *pair) for pair in self._code_file(export, column, where, said)]
        else:
            return None
        codes: dict[str, str] = {}
        for place, code, ours in given:
            cell = forms.as_cell(code)
            if not cell:
                self._fault(place, f"{column}: an empty code; what is empty is missing: remove it")
            elif cell in codes:
                self._fault(place, f"{column}: the code {cell} is given twice; keep one")
            codes[cell] = ours
            self._require_readable(export, column, place, [ours])
        return codes

    def _code_file(
        self, export: Export, column: str, where: Sequence[str], said: Mapping[str, Any]
    ) -> list[tuple[str, str]]:
        """The rows of a code file, but for a header that names the column."""
        name = said["values_file"]
        path = self._path.parent / name
        beside = Path(name).name == name
        inside = beside and path.resolve().is_relative_to(self._path.parent.resolve())
        if not inside or not path.is_file():
            why = "is not there" if inside else "lies outside the folder of the sources"
            self._fault(where, f"{column}: {name} {why}; put it beside the source")
            return []
        if path.stat().st_size > _MOST_BYTES:
            self._fault(where, f"{column}: {name} is larger than {_MOST_BYTES:,} bytes; shorten it")
            return []
        raw = self._texts[name] = path.read_bytes()
        try:
            rows = list(csv.reader(io.StringIO(_decoded(raw), newline=""), strict=True))
        except (csv.Error, UnicodeError, UnknownEncoding) as error:
            self._fault(where, f"{column}: {name} can't be read ({error}); save it as CSV UTF-8")
            return []
        own = {normalised_header(title) for title in (column, str(export.columns[column].title))}
        found = []
        for number, row in enumerate(rows, 1):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != 2:
                self._fault(
                    where,
                    f"{column}: row {number} of {name} has {len(row)} fields; write their code "
                    "and ours",
                )
            elif number > 1 or normalised_header(row[1]) not in own:
                found.append((row[0], row[1]))
        return found

    def _require_readable(
        self, export: Export, column: str, where: Sequence[str], values: Sequence[str]
    ) -> None:
        """Notes the values that the column can't hold, each with the nearest that it can."""
        metadata = export.metadata(column)
        cells = pa.array(values, pa.string())
        read = forms.read(cells, str(metadata["form"]), export.dtype(column), metadata)
        domain = export.domain(column)
        for row, value in enumerate(values):
            meant = read.values[row].as_py()
            wrong = read.missing[row] or any(mask[row] for mask in read.broken.values())
            if wrong or (domain is not None and meant not in domain):
                listed = f"; it is one of {', '.join(domain)}" if domain else ""
                near = _nearest(value, domain) if domain else ""
                self._fault(where, f"{column}: {value} is no value of it{near}{listed}")

    def _explain(self, error: ValidationError, *, known: bool) -> None:
        """Notes an error of the schema, with the nearest name; `known`: whether its export is."""
        path = list(error.absolute_path)
        if error.validator != "additionalProperties" or path != ["columns"]:
            self._faulty.add(tuple(path[: 2 if path[:1] == ["columns"] else 1]))
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        instance: Any = error.instance
        column = f"{path[1]}: " if len(path) > 1 and path[0] == "columns" else ""
        if not known and path[:1] == ["columns"]:
            return
        match error.validator:
            case "additionalProperties":
                schema: Any = error.schema
                allowed = list(schema["properties"])
                for name in (name for name in instance if name not in allowed):
                    self._faulty.add((*path, name))
                    listed = f"; there are {', '.join(allowed)}"
                    what = f"no {'column' if path == ['columns'] else 'key'} {name}"
                    what += _nearest(str(name), allowed)
                    if column and name in _WANTED:
                        what = f"{name} is no key of such a column"
                    self._fault([*path, name], f"{column}{what}{listed}")
            case "required":
                lacking: Any = error.validator_value
                for name in (name for name in lacking if name not in instance):
                    if not any(found.startswith(f"{name} is missing") for _, found in self.errors):
                        self._fault(path, f"{name} is missing; add {_WANTED[name]}")
            case "enum":
                words: Any = error.validator_value
                self._fault(
                    path,
                    f"{column}{key}: {instance} is not known{_nearest(str(instance), words)}; "
                    f"it is one of {', '.join(words)}",
                )
            case _ if path[2:3] == ["values"] and instance == "":
                self._fault(path, f"{column}of the code {key} it does not say which of ours it is")
            case _ if column and len(path) == 2:
                self._fault(path, f"{column}empty; name their column, or how it is made")
            case _:
                told = instance if isinstance(instance, str) and instance else "what it says"
                self._fault(path, f"{column}{key}: {told} is not {_WANTED.get(key, 'a text')}")

    def _fault(self, path: Sequence[str | int], what: str) -> None:
        self.errors.append((self._document.line(path), " ".join(what.split())))


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name.casefold(), known, 1, cutoff=0.0)
    return f"; the nearest is {near[0]}" if near else ""


def _no_pattern(pattern: str) -> str | None:
    """What is wrong with a regular expression; none if it is one."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def _decoded(raw: bytes) -> str:
    return raw.decode(encoding_of(iter([raw]))).removeprefix("\ufeff")
