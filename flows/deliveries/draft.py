"""Drafts a source for a file that nobody has described: `pointbook source`.

What is matched, and what is left to fill in, stands in the source as comments as well. Run again it
keeps what was filled in, comments among it, and adds what is not there yet. Of what the file holds
only codes are written down, and only where there are few of them.
"""

from __future__ import annotations

import glob
import io
import os
import re
import shlex
import unicodedata
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from flows.console.errors import HeldBack, RunFailed, WrongUsage
from flows.console.terminal import shown
from flows.deliveries.landing import check_exports
from flows.deliveries.sources import read_source
from flows.publishing.workspace import Workspace, private
from schemas.exports import EXPORTS, Export
from transforms.drafts.contents import MOST_CODES, Content, code_of, known_words
from transforms.drafts.matching import Match, matches
from transforms.drafts.sampling import Sample, sample_of
from transforms.exports.containers import FileRefused
from transforms.exports.header import DELIMITERS, HEADER_LINES
from transforms.exports.personal import may_be_personal
from transforms.policies.documents import NotRead, read_as_written

_NAME: Final = re.compile(r"[\w][\w-]{0,79}")
_PLAIN: Final = re.compile(r"[A-Za-z가-힣_][A-Za-z0-9가-힣_]*")
"""What stands in YAML without quotes."""
_WORDS_OF_YAML: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def draft_source(
    workspace: Workspace, path: Path, export_name: str, name: str | None = None
) -> dict[str, Any]:
    """Writes a first draft of a source for a file, or adds to the one that there is.

    The manifest says of each column what was found, of each code what it may mean, and what is left
    to fill in. Raises WrongUsage for an unknown export, a file that is not there, a name that can't
    be one, and a source that can't be read or is another export's; HeldBack for a file that can't
    be read.
    """
    check_exports([export_name])
    export = EXPORTS[export_name]
    if not path.exists():
        raise WrongUsage(f"no such file: {shown(str(path))}; check the name")
    name = _name_of(path) if name is None else name
    if not _NAME.fullmatch(name):
        raise WrongUsage(f"{name!r} is no name for a source; use letters, digits, - and _")
    try:
        sample = sample_of(path)
    except FileRefused as refusal:
        raise HeldBack(f"{shown(str(path))}: {refusal}") from refusal
    file = workspace.sources / f"{name}.yaml"
    draft = _Draft(export, sample, matches(export, sample), *_loaded(file, export))
    draft.fill(name, path)
    written = draft.changed
    if written:
        _write(file, draft.text())
    _, left = read_source(file)
    return {
        "command": "source",
        "file": shown(str(path)),
        "export": export.name,
        "source": str(file),
        "written": written,
        "form": draft.form(),
        "columns": draft.columns,
        "codes": draft.codes,
        "not_read": [shown(title) for title in draft.unused()],
        "left": [line.partition("/")[2] for line in left],
        "next": _next_steps(workspace, path, export, file, bool(left)),
    }


def _name_of(path: Path) -> str:
    """A name for a source by that of a file, without endings, numbers and other characters."""
    stem = unicodedata.normalize("NFC", path.name.split(".")[0]).casefold()
    return re.sub(r"[\W\d_]+", "-", stem).strip("-") or "source"


def _loaded(file: Path, export: Export) -> tuple[CommentedMap, dict[str, Any]]:
    """What a source holds already: with its comments, and every scalar as it is written.

    Nothing where there is none. Raises WrongUsage where it can't be read, or is another export's.
    """
    if not file.exists():
        return CommentedMap(), {}
    try:
        written = read_as_written(file).content  # refuses what is too large, or expands
        found = _yaml().load(file.read_text(encoding="utf-8"))
    except (NotRead, YAMLError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise WrongUsage(f"{file}: {why}; mend it, or give --name") from error
    except OSError as error:
        raise RunFailed(f"{file}: {error.strerror}; mend this, then run it again") from error
    if not isinstance(found, CommentedMap) or not isinstance(written, dict):
        raise WrongUsage(f"{file} is no source; move it, or give --name")
    if found.get("export", export.name) != export.name:
        raise WrongUsage(f"{file} is a source of {found['export']}; give another --name")
    return found, written


def _yaml() -> YAML:
    """Reads and writes YAML with its comments, and nothing folded."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 16
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


class _Draft:
    """A source as it is filled in; `changed`: whether it differs from what was there.

    `columns` and `codes` are what the manifest says of them.
    """

    def __init__(
        self,
        export: Export,
        sample: Sample,
        found: dict[str, Match],
        content: CommentedMap,
        written: dict[str, Any],
    ) -> None:
        """`content`: what the source holds, `written`: the same with every scalar as text."""
        self._export = export
        self._sample = sample
        self._found = found
        self._content = content
        self._written = written
        self.changed = False
        self.columns: list[dict[str, Any]] = []
        self.codes: list[dict[str, Any]] = []

    def text(self) -> str:
        stream = io.StringIO()
        _yaml().dump(self._content, stream)
        return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"

    def fill(self, name: str, path: Path) -> None:
        """Adds all that is not there yet."""
        if not self._content:
            self._content.yaml_set_start_comment(
                f"A draft by `pointbook source`, after {shown(path.name)}. Fill in what is empty:"
                "\nrun it again, and what is filled in stays. Columns are ours: theirs."
            )
        self._set("source", name)
        self._set("export", self._export.name)
        self._add_pattern(path.name)
        for key, value in self._form_keys().items():
            self._set(key, value)
        columns = self._content.get("columns")
        if not isinstance(columns, CommentedMap):
            columns = self._content["columns"] = CommentedMap()
            self.changed = True
        for column in self._export.columns:
            self._fill_column(columns, column)

    def form(self) -> dict[str, Any]:
        """How the file is written, as the manifest says it."""
        sample = self._sample
        return {
            "container": sample.container.kind,
            "encoding": sample.encoding,
            "delimiter": sample.delimiter,
            "sheet": sample.sheet,
            "header_line": sample.header_line,
            "title_lines": sample.titles,
            "footers": list(sample.footers),
            "odd_last_lines": sample.odd_end,
            "rows": sample.rows,
            "all_rows": sample.whole,
            "short_rows": sample.short_rows,
            "unsplit_rows": sample.unsplit,
        }

    def unused(self) -> list[str]:
        """The columns of theirs that nothing is made of."""
        used = {title for column in self.columns for title in column["theirs"]}
        return [title for title in self._sample.names if title not in used]

    def _set(self, key: str, value: Any) -> None:
        if self._content.get(key) in (None, ""):
            self._content[key] = value
            self.changed = True

    def _add_pattern(self, name: str) -> None:
        """Adds a pattern that the file's name fits, digits open, where none does."""
        files = self._content.get("files")
        if not isinstance(files, list):
            files = CommentedSeq()
            files.fa.set_flow_style()
            self._content["files"] = files
        plain = unicodedata.normalize("NFC", name)
        if not any(_fits(plain, str(pattern)) for pattern in files):
            pattern = re.sub(r"\d{2,}", "*", glob.escape(plain))
            files.append(DoubleQuotedScalarString(pattern))
            self.changed = True

    def _form_keys(self) -> dict[str, Any]:
        """The keys by which the file has to be read; what is detected by itself has none."""
        sample = self._sample
        keys: dict[str, Any] = {}
        if sample.delimiter is not None and sample.delimiter not in DELIMITERS:
            keys["delimiter"] = DoubleQuotedScalarString(sample.delimiter)
        if not sample.quoted:
            keys["quoting"] = "none"
        if sample.header_line > HEADER_LINES:
            keys["header_line"] = sample.header_line
        if sample.footers:
            gap = re.escape(sample.delimiter or "")
            begin = rf'^["\s{gap}]*(?:' + "|".join(sample.footers) + ")"
            keys["footer"] = DoubleQuotedScalarString(begin)
        if sample.sheet is not None:
            keys["sheet"] = DoubleQuotedScalarString(sample.sheet)
        words = [
            word
            for column, match in self._found.items()
            if self._export.columns[column].metadata["form"] != "text"
            for word in self._null_words(match)
        ]
        if words:
            listed = CommentedSeq(map(DoubleQuotedScalarString, dict.fromkeys(words)))
            listed.fa.set_flow_style()
            keys["null_words"] = listed
        styles = [m.reading.numbers for m in self._found.values() if m.reading.numbers]
        if styles:
            keys["numbers"] = DoubleQuotedScalarString(styles[0])
        if sample.fills_short_rows:
            keys["short_rows"] = "fill"
        return keys

    def _null_words(self, match: Match) -> tuple[str, ...]:
        if len(match.parts) != 1:
            return ()
        return Content.of(self._sample.columns[match.parts[0]]).null_words

    def _fill_column(self, columns: CommentedMap, column: str) -> None:
        """Fills in a column, unless that was done; notes what was found."""
        match = self._found.get(column)
        filled = columns.get(column) not in (None, "")
        required = column in self._export.required
        note: str | None = None
        if not filled and match is not None:
            columns[column] = self._entry(match)
            note = "; ".join(match.doubts) and f"unsure: {'; '.join(match.doubts)}"
            self.changed = True
        elif not filled and required and column not in columns:
            columns[column] = None
            note = "not found: name their column, or how it is made"
            self.changed = True
        said = columns.get(column)
        theirs = _parts(said)
        if note:
            _note(columns, column, note)
        if said not in (None, ""):
            self._fill_codes(columns, column, theirs)
        how = "kept" if filled else match.how if match is not None else "not found"
        doubts = list(match.doubts) if match is not None and not filled else []
        self.columns.append(
            {
                "column": column,
                "required": required,
                "theirs": theirs,
                "how": how,
                "doubts": doubts,
                "read": _told(columns.get(column)),
            }
        )

    def _entry(self, match: Match) -> Any:
        """What a source says of a matched column."""
        titles = [_scalar(self._sample.names[part]) for part in match.parts]
        entry = CommentedMap()
        entry.fa.set_flow_style()
        if len(titles) > 1:
            joined = CommentedSeq(titles)
            joined.fa.set_flow_style()
            entry["join"], entry["with"] = joined, DoubleQuotedScalarString("-")
            return entry
        entry["from"] = titles[0]
        if match.scale > 1:
            entry["scale"] = match.scale
        if match.reading.minus:
            entry["sign"] = "minus"
        if match.reading.as_month:
            entry["as"] = "month"
        if match.reading.format is not None:
            entry["format"] = DoubleQuotedScalarString(match.reading.format)
        return entry if len(entry) > 1 else titles[0]

    def _fill_codes(self, columns: CommentedMap, column: str, theirs: list[str]) -> None:
        """Lists the codes of an enumeration with ours, where any of them is not ours already."""
        said = columns[column]
        form = self._export.columns[column].metadata["form"]
        one = len(theirs) == 1 and theirs[0] in self._sample.names
        if form not in ("enumeration", "boolean") or not one:
            return
        if isinstance(said, dict) and "values_file" in said:
            return
        content = Content.of(self._sample.columns[list(self._sample.names).index(theirs[0])])
        found = [
            (theirs_, int(count), code_of(self._export, column, theirs_))
            for theirs_, count in zip(content.values.to_pylist(), content.counts, strict=True)
        ]
        known = said.get("values") if isinstance(said, dict) else None
        if not isinstance(known, dict) and all(m and m[1] == "same" for _, _, m in found):
            return
        if content.distinct > MOST_CODES:
            note = f"{content.distinct:,} distinct values: too many for codes; is it this column?"
            _note(columns, column, note)
            return
        if not isinstance(said, dict):
            said = columns[column] = CommentedMap({"from": said})
            self.changed = True
        said.fa.set_block_style()
        values = said.get("values")
        if not isinstance(values, CommentedMap):
            values = said["values"] = CommentedMap()
            self.changed = True
        hidden = self._hidden(column, content)
        for (code, count, meant), hide in zip(found, hidden, strict=True):
            if not hide:
                self._fill_code(values, column, code, count, meant)
        if any(hidden):
            _note(said, "values", f"{sum(hidden)} more, not shown")

    def _fill_code(
        self,
        values: CommentedMap,
        column: str,
        code: str,
        count: int,
        meant: tuple[str, str] | None,
    ) -> None:
        """Adds a code that is not among those filled in; notes what is said of it."""
        there = self._filled_codes(column)
        filled = bool(there.get(code))
        ours, how = meant or (None, "unknown")
        if code not in there:
            rows = f"{count:,} row{'s' * (count != 1)}"
            note = {
                "unknown": f"{rows}; which of ours?",
                "near": f"{rows}; a guess",
                "known": f"{rows}; as others write it",
            }
            key = DoubleQuotedScalarString(code)
            values[key] = ours
            _note(values, key, note.get(how, rows))
            self.changed = True
        told = there.get(code, ours)
        self.codes.append(
            {
                "column": column,
                "code": shown(code),
                "rows": count,
                "ours": told or None,
                "how": "kept" if filled else how,
            }
        )

    def _filled_codes(self, column: str) -> dict[str, str]:
        """The codes that the source had before, with ours, as they are written: `01` is a code."""
        columns = self._written.get("columns")
        said = columns.get(column) if isinstance(columns, dict) else None
        values = said.get("values") if isinstance(said, dict) else None
        return values if isinstance(values, dict) else {}

    def _hidden(self, column: str, content: Content) -> list[bool]:
        """Which of a column's values may be personal, in an export with personal data."""
        if not self._export.personal:
            return [False] * len(content.values)
        known = [*known_words(self._export, column)]
        text = pa.array(content.values, pa.string())
        return [bool(hide) for hide in may_be_personal(text, known)]


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, unicodedata.normalize("NFC", pattern))


def _parts(said: Any) -> list[str]:
    """The columns of theirs that an entry of a source names."""
    if isinstance(said, dict):
        said = said.get("join", said.get("from"))
    if isinstance(said, list):
        return [str(part) for part in said]
    return [] if said in (None, "") else [str(said)]


def _told(said: Any) -> str | None:
    """How an entry of a source says that a column is read, in a line; codes are told elsewhere."""
    if not isinstance(said, dict):
        return None
    return ", ".join(
        f"{key} {value}" for key, value in said.items() if key not in ("from", "join", "values")
    )


def _note(mapping: CommentedMap, key: str, text: str) -> None:
    """Puts a comment behind a key, in its line."""
    mapping.yaml_add_eol_comment(shown(text), key, column=0)


def _scalar(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.casefold() not in _WORDS_OF_YAML
    return text if plain else DoubleQuotedScalarString(text)


def _write(file: Path, text: str) -> None:
    """Writes a source in place of the one before; raises RunFailed where the system refuses."""
    try:
        with private():
            file.parent.mkdir(parents=True, exist_ok=True)
            beside = file.with_name(f".{file.name}.new")
            beside.write_text(text, encoding="utf-8")
            os.replace(beside, file)
    except OSError as error:
        raise RunFailed(f"{file}: {error.strerror}; mend this, then run it again") from error


def _next_steps(
    workspace: Workspace, path: Path, export: Export, source: Path, unfinished: bool
) -> list[str]:
    """What to do with a draft."""
    file, landing = (shlex.quote(str(p)) for p in (path, workspace.landing / export.name))
    make = "" if (workspace.landing / export.name).is_dir() else f"mkdir -p {landing} && "
    fill = [f"fill in what is left in {shlex.quote(str(source))}"] if unfinished else []
    return [
        *fill,
        f"pointbook ingest --check {file} --export {export.name}",
        f"{make}cp {file} {landing}/ && pointbook ingest",
    ]
