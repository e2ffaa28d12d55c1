"""Thrift's compact protocol, as far as a Parquet footer needs it: read to lists, written back.

No library that writes Parquet gives access to a footer's offsets; see `grouped.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_TRUE: Final = 1
_FALSE: Final = 2
_BYTE: Final = 3
_WHOLE: Final = (4, 5, 6)
_DOUBLE: Final = 7
_BINARY: Final = 8
_LISTS: Final = (9, 10)
STRUCT: Final = 12
"""The wire type of a struct."""
_LONG_LIST: Final = 15


@dataclass
class Field:
    """A field of a struct: its number, wire type and value.

    Whole numbers are ints, structs are `Struct`, lists are (type of the items, items), the rest
    bytes.
    """

    number: int
    kind: int
    value: Any


Struct = list[Field]


def value_of(struct: Struct, number: int) -> Any:
    """The value of a struct's field, none if it is not there."""
    return next((field.value for field in struct if field.number == number), None)


def read_struct(data: bytes) -> Struct:
    """The struct that the bytes begin with."""
    return _Reader(data).struct()


def write_struct(struct: Struct) -> bytes:
    """The struct's bytes."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> Struct:
        fields: Struct = []
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._whole()
            kind = head & 0x0F
            fields.append(Field(number, kind, self._value(kind)))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in _WHOLE:
            return self._whole()
        if kind == STRUCT:
            return self.struct()
        if kind in _LISTS:
            head = self._byte()
            size = head >> 4 if head >> 4 < _LONG_LIST else self._unsigned()
            # a flag in a list is a byte of its own
            of = head & 0x0F
            read = self._byte if of in (_TRUE, _FALSE) else lambda: self._value(of)
            return of, [read() for _ in range(size)]
        if kind == _BYTE:
            return self._taken(1)
        if kind == _DOUBLE:
            return self._taken(8)
        if kind == _BINARY:
            return self._taken(self._unsigned())
        raise ValueError(f"a footer with a thrift type {kind}")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _taken(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def _unsigned(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def _whole(self) -> int:
        number = self._unsigned()
        return (number >> 1) ^ -(number & 1)


def _write_struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for field in struct:
        kind = field.kind
        if kind in (_TRUE, _FALSE):
            kind = _TRUE if field.value else _FALSE
        if 0 < field.number - before <= 15:
            out.append((field.number - before) << 4 | kind)
        else:
            out.append(kind)
            _write_whole(out, field.number)
        before = field.number
        if kind not in (_TRUE, _FALSE):
            _write_value(out, kind, field.value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in _WHOLE:
        _write_whole(out, value)
    elif kind == STRUCT:
        _write_struct(out, value)
    elif kind in _LISTS:
        of, items = value
        short = len(items) < _LONG_LIST
        out.append((len(items) if short else _LONG_LIST) << 4 | of)
        if not short:
            _write_unsigned(out, len(items))
        for item in items:
            if of in (_TRUE, _FALSE):
                out.append(item)
            else:
                _write_value(out, of, item)
    else:
        if kind == _BINARY:
            _write_unsigned(out, len(value))
        out += value


def _write_whole(out: bytearray, number: int) -> None:
    _write_unsigned(out, number << 1 if number >= 0 else (-number << 1) - 1)


def _write_unsigned(out: bytearray, number: int) -> None:
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
