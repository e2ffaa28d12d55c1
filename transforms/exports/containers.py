"""Opens a landed file: container, compression and encoding, with caps against hostile files.

Whatever the container, delimited text leaves here as UTF-8 bytes in chunks. Bytes that the
file's encoding has no character for leave as lone surrogates, which are not valid UTF-8: the
records that hold them are refused later, one by one.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from transforms.engine.threads import beside
from transforms.exports.cp949 import Cp949Decoder
from transforms.exports.encodings import NotRead, encoding_of

CHUNK_BYTES: Final = 1 << 24
MAX_EXPANSION: Final = 250
"""More bytes out of one compressed byte than any export has: the file is a bomb."""
_FREE_EXPANSION_BYTES: Final = 1 << 26
"""Below this, the expansion isn't looked at: small files of equal rows compress well."""
MAX_EXPANDED_BYTES: Final = 1 << 38
"""More than any file has, however large the operator, once it is expanded: a bomb that grows too
slowly for `MAX_EXPANSION` still ends here, before scratch fills the disk."""

_TEXT_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
_COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}


class FileRefused(Exception):
    """A file that can't be read at all, or not as what it claims to be; says why in one line."""


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Container:
    """What a file's name says it is: `kind` text or parquet, and its compression."""

    kind: str
    compression: str | None

    @classmethod
    def of(cls, path: Path) -> Container:
        """The container that the endings of the file's name tell, in any case of letters.

        Raises FileRefused for a name of no accepted kind.
        """
        suffixes = [suffix.lower() for suffix in path.suffixes]
        last = suffixes[-1] if suffixes else ""
        if last == ".parquet":
            return cls("parquet", None)
        if last in _TEXT_SUFFIXES:
            return cls("text", None)
        if last in _COMPRESSIONS and len(suffixes) > 1 and suffixes[-2] in _TEXT_SUFFIXES:
            return cls("text", _COMPRESSIONS[last])
        if last == ".xlsx":
            raise FileRefused("an .xlsx workbook is not accepted; save the sheet as CSV UTF-8")
        raise FileRefused(
            f"unknown kind of file {last or 'without an ending'!r}; deliver .csv, .tsv or .txt "
            "(also .gz or .zst) or .parquet"
        )


@dataclass(frozen=True)
class Survey:
    """What a first pass over a file found. `encoding` is none for Parquet."""

    sha256: str
    size: int
    encoding: str | None


@contextmanager
def opened(path: Path, landing: Path) -> Iterator[io.FileIO]:
    """The file for reading; it must be a plain file in landing that nobody writes to meanwhile."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(landing)):
        raise FileRefused("a link that leads out of landing; deliver the file itself")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileRefused("not a plain file; deliver the file itself")
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileRefused(f"can't be opened: {error.strerror}") from error
    with io.FileIO(descriptor) as file:
        before = os.fstat(descriptor)
        refusal = None
        try:
            yield file
        except FileRefused as error:
            refusal = error
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise FileRefused("it changed while it was read; ingest again when it is complete")
        if refusal is not None:
            raise refusal


def survey(file: io.FileIO, container: Container) -> Survey:
    """Reads the file once for its hash and, of text, its encoding; then it is at its start again.

    Raises FileRefused where it can't be read or expands beyond reason.
    """
    encoding = None
    with _Hashing(file) as hashed:
        if container.kind == "text":
            try:
                encoding = encoding_of(_expanded(hashed, container))
            except NotRead as what:
                raise FileRefused(str(what)) from what
        while hashed.read(CHUNK_BYTES):
            pass
    size = file.tell()
    file.seek(0)
    return Survey(hashed.digest.hexdigest(), size, encoding)


def utf8_chunks(file: io.FileIO, container: Container, encoding: str) -> Iterator[bytes]:
    """The file's text as UTF-8 in chunks, without byte order mark."""
    raw = _expanded(file, container)
    if encoding in ("utf-8", "utf-8-sig"):
        first = next(raw, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from raw
        return
    if encoding == "cp949":
        cp949 = Cp949Decoder()
        for chunk in raw:
            yield cp949.decode(chunk)
        yield cp949.decode(b"", final=True)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors=_KEEP_BAD_BYTES)
    for chunk in raw:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def check_expanded(size: int, read: int) -> None:
    """Raises FileRefused where `read` bytes of a file have expanded to more than any may."""
    if size > max(_FREE_EXPANSION_BYTES, read * MAX_EXPANSION):
        raise FileRefused(
            f"expands to more than {MAX_EXPANSION} times its size; deliver it "
            "uncompressed if it is really an export"
        )
    if size > MAX_EXPANDED_BYTES:
        raise FileRefused(f"expands to more than {MAX_EXPANDED_BYTES:,} bytes; deliver it in parts")


def _expanded(file: _Reader, container: Container) -> Iterator[bytes]:
    """The file's bytes in chunks, decompressed, as long as they don't grow beyond reason."""
    produced = 0
    if container.compression is None:
        while chunk := file.read(CHUNK_BYTES):
            produced += len(chunk)
            check_expanded(produced, produced)
            yield chunk
        return
    counted = _Counting(file)
    try:
        with pa.CompressedInputStream(
            pa.PythonFile(counted, mode="r"), container.compression
        ) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                produced += len(chunk)
                check_expanded(produced, counted.consumed)
                yield chunk
    except OSError as error:
        raise FileRefused(f"damaged {container.compression} data: {error}") from error


class _Hashing:
    """Reads from a file and hashes all that is read, in a thread beside the reader's."""

    def __init__(self, file: _Reader) -> None:
        self._file = file
        self._hasher = beside()
        self._hashed: Future[None] | None = None
        self.digest = hashlib.sha256()

    def __enter__(self) -> _Hashing:
        return self

    def __exit__(self, *_: object) -> None:
        self._hasher.shutdown()

    def read(self, size: int, /) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise FileRefused(f"can't be read: {error.strerror}") from error
        if self._hashed is not None:
            self._hashed.result()
        self._hashed = self._hasher.submit(self.digest.update, data)
        return data


class _Counting:
    """Reads from a file and counts the bytes that were read; closing it leaves the file open."""

    closed = False

    def __init__(self, file: _Reader) -> None:
        self._file = file
        self.consumed = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.consumed += len(data)
        return data

    def close(self) -> None:
        pass


_KEEP_BAD_BYTES: Final = "pointbook-keep-bad-bytes"


def _keep_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    """Replaces each byte that doesn't decode by a lone surrogate, as `surrogateescape` does.

    `surrogateescape` itself refuses bytes below 0x80, which a damaged character of UTF-16 may have.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(_KEEP_BAD_BYTES, _keep_bad_bytes)
