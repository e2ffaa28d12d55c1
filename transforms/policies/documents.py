"""Reads YAML files that people write: safely, with duplicate keys and lines told.

An alias stands for what is written elsewhere, and a few lines of aliases of aliases are gigabytes:
they are refused before anything is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

_MOST_BYTES: Final = 1 << 20
"""More than any source has: of many codes a file of their own."""
_DEEPEST: Final = 20


class NotRead(Exception):
    """A file that is no YAML, or none that is read; says where, what and what to do."""


@dataclass
class Document:
    """What a file holds, every scalar as the text that is written.

    `duplicates`: keys that are given twice, with their lines.
    """

    content: Any
    duplicates: list[tuple[int, str]]
    _lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def line(self, path: Sequence[str | int]) -> int:
        """The line, from 1, of what lies at a path of keys and indexes, or of what holds it."""
        place = tuple(path)
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)


class _Loader(yaml.CSafeLoader):
    """YAML with dates as text, exact decimals, and duplicate keys collected as errors."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.duplicates: list[tuple[int, str]] = []


class _Literal(_Loader):
    """The same with every scalar as the text that is written."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (the library's own name and type)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            loader.duplicates.append((key_node.start_mark.line + 1, str(key)))
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _exact(loader: _Loader, node: yaml.ScalarNode) -> object:
    text = _as_written(loader, node)
    try:
        return Decimal(text.replace("_", ""))
    except ArithmeticError:
        return text


class _Dumper(yaml.CSafeDumper):
    """YAML as people write it: keys in their order, decimals as they are."""


_Dumper.add_representer(
    Decimal, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", str(value))
)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _exact)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)


def read_document(content: bytes) -> tuple[Any, list[str]]:
    """What a file of these bytes holds, and its duplicate keys; NotRead where it can't be read."""
    text = _text(content)
    with _ReadingYaml():
        _refuse_aliases(text)
        loader = _Loader(text)
        document = loader.get_single_data()
    return document, [duplicate(*found) for found in loader.duplicates]


def written(document: Any) -> bytes:
    """The bytes of a file that holds this, as `read_document` reads it."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def read_as_written(path: Path) -> Document:
    """A file with every scalar as text, and the lines of what it holds.

    Raises NotRead where it can't be read, is too large, or has aliases, anchors or tags.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise NotRead(
            f"{size:,} bytes; {_MOST_BYTES:,} at most: move codes to a file of their own "
            "(values_file)"
        )
    text = _text(path.read_bytes())
    with _ReadingYaml():
        _refuse_aliases(text)
        _refuse_tags(text)
        loader = _Literal(text)
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
    document = Document(content, loader.duplicates)
    if node is not None:
        document._lines.update(_lines(node, ()))
    return document


def duplicate(line: int, key: str) -> str:
    """What is told of a key that is given twice."""
    return f"line {line}: {key} is given twice; keep one"


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotRead("not UTF-8; save the file as UTF-8") from None


class _ReadingYaml:
    """Raises NotRead, with the line, for whatever the library stumbles upon in the block."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, yaml.YAMLError | TypeError | ValueError | RecursionError):
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}: " if mark else ""
            what = " ".join(str(getattr(error, "problem", None) or error).split())
            raise NotRead(f"not YAML ({where}{what}); mend the file") from None


def _refuse_aliases(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.CSafeLoader) if "*" in text else ():
        if isinstance(event, yaml.AliasEvent) and event.start_mark:
            raise NotRead(
                f"line {event.start_mark.line + 1}: *{event.anchor} stands for what is written "
                "elsewhere; write it out"
            )


def _refuse_tags(text: str) -> None:
    """Raises NotRead for anchors and tags, and for what is nested beyond reason."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise NotRead(f"line {line}: &{event.anchor} is an anchor; remove it")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag:
            raise NotRead(f"line {line}: {event.tag} is a tag; remove it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise NotRead(f"line {line}: nested more than {_DEEPEST} deep; write it plainly")


def _lines(
    node: yaml.Node, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """The line of each value, of a mapping that of its key, by the path to it."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
            yield from _lines(value, (*path, index))
