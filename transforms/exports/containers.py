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
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

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
_PACKED_BYTES: Final = 1 << 20
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS

_TEXT_SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt"})
_COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_WORKBOOK_SUFFIXES: Final = {".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".ods": "ods"}
WORKBOOKS: Final = frozenset(_WORKBOOK_SUFFIXES.values())
"""The kinds of container that hold sheets of cells."""


class FileRefused(Exception):
    """A file that can't be read at all, or not as what it claims to be; says why in one line."""


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Container:
    """What a file is: `kind` text, parquet, xlsx, xls or ods (empty: unknown), and its compression.

    `ending`: that of its name. `unlike`: what it was found to be where its name says otherwise.
    """

    kind: str
    compression: str | None
    ending: str = ""
    unlike: str | None = None

    @classmethod
    def of(cls, path: Path) -> Container:
        """The container that the endings of the file's name tell, in any case of letters."""
        suffixes = [suffix.lower() for suffix in path.suffixes]
        last = suffixes[-1] if suffixes else ""
        if last == ".parquet":
            return cls("parquet", None, last)
        if last in _WORKBOOK_SUFFIXES:
            return cls(_WORKBOOK_SUFFIXES[last], None, last)
        if last in _TEXT_SUFFIXES or (not last and _A_PART.fullmatch(path.name)):
            return cls("text", None, last)
        if last in _COMPRESSIONS and len(suffixes) > 1 and suffixes[-2] in _TEXT_SUFFIXES:
            return cls("text", _COMPRESSIONS[last], last)
        return cls("", None, last)

    def told_by(self, first: bytes, file: io.FileIO) -> Container:
        """The container that the file's first bytes tell, of a zip its directory, else its name.

        Raises FileRefused for what none of them tells, and for what is not accepted.
        """
        found = _by_first_bytes(first)
        if found == _ZIP:
            found = _workbook_in(file), None
        if found is None:
            if self.kind in WORKBOOKS:
                found = "text", None
                if first.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"<"):
                    raise FileRefused(
                        f"HTML or XML under the name of an {self.ending} workbook; open it, and "
                        "save it as .xlsx or as CSV UTF-8"
                    )
            elif self.kind:
                return self
            else:
                raise FileRefused(
                    f"unknown kind of file {self.ending or 'without an ending'!r}; deliver .csv, "
                    ".tsv or .txt (also .gz or .zst), .parquet, .xlsx, .xls or .ods"
                )
        kind, compression = found
        if (kind, compression) == (self.kind, self.compression):
            return self
        return Container(kind, compression, self.ending, unlike=compression or kind)


_A_PART: Final = re.compile(r"part-.*|\d{6}_\d+")
"""Files without an ending that Spark and Hive write."""
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"
_ZIP: Final = ("zip", None)
_MIMETYPE_OF_ODS: Final = b"application/vnd.oasis.opendocument.spreadsheet"
_OTHERS: Final = (
    (b"BZh", "bzip2 data; deliver it as .gz or .zst"),
    (b"\xfd7zXZ\0", "xz data; deliver it as .gz or .zst"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; deliver the files that are in it"),
)
_SNIFFED_BYTES: Final = 1 << 12


def _by_first_bytes(first: bytes) -> tuple[str, str | None] | None:
    """Kind and compression of what begins so; none for what may be text.

    Raises FileRefused for archives and compressions that are not accepted.
    """
    if first.startswith(b"PAR1"):
        return "parquet", None
    if first.startswith(b"\x1f\x8b"):
        return "text", "gzip"
    if first.startswith(b"\x28\xb5\x2f\xfd") or (
        first[1:4] == _ZSTD_SKIPPABLE and first[0] & 0xF0 == 0x50
    ):
        return "text", "zstd"
    if first.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "xls", None
    if first.startswith((b"PK\3\4", b"PK\5\6")):
        return _ZIP
    for mark, what in _OTHERS:
        if first.startswith(mark):
            raise FileRefused(what)
    return None


def _workbook_in(file: io.FileIO) -> str:
    """The kind of workbook that a zip archive is; what its directory says is bounded.

    Raises FileRefused where it is none, is damaged, or tells of more than a file of this size may
    expand to.
    """
    try:
        with zipfile.ZipFile(file) as packed:
            members = {member.filename: member.file_size for member in packed.infolist()}
            mimetype = b""
            if members.get("mimetype") == len(_MIMETYPE_OF_ODS):
                mimetype = packed.read("mimetype")
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, zlib.error) as error:
        raise FileRefused(
            "a damaged workbook, to be delivered again, or a zip archive; deliver the files that "
            "are in it"
        ) from error
    finally:
        file.seek(0)
    if "xl/workbook.bin" in members:
        raise FileRefused("an .xlsb workbook; save it as .xlsx")
    if "xl/workbook.xml" not in members and mimetype != _MIMETYPE_OF_ODS:
        raise FileRefused("a zip archive; deliver the files that are in it")
    check_expanded(sum(members.values()), file.seek(0, io.SEEK_END))
    file.seek(0)
    return "ods" if mimetype else "xlsx"


@dataclass(frozen=True)
class Survey:
    """What a first pass over a file found. `encoding` is that of text, else none."""

    container: Container

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


def survey(file: io.FileIO, container: Container, encoding: str | None = None) -> Survey:
    """Reads the file once: what it is, its hash and, of text, its encoding; then it is rewound.

    A text's `encoding` that a source names is not looked for.

    Raises FileRefused where it can't be read, is nothing that is accepted, or expands too far.
    """
    container = container.told_by(_first_bytes(file), file)
    encoding = encoding if container.kind == "text" else None
    with _Hashing(file) as hashed:
        if container.kind == "text" and encoding is None:
            try:
                encoding = encoding_of(_expanded(hashed, container))
            except NotRead as what:
                raise FileRefused(str(what)) from what
        while hashed.read(CHUNK_BYTES):
            pass
    size = file.tell()
    file.seek(0)
    return Survey(container, hashed.digest.hexdigest(), size, encoding)


def _first_bytes(file: io.FileIO) -> bytes:
    try:
        first = file.read(_SNIFFED_BYTES) or b""
    except OSError as error:
        raise FileRefused(f"can't be read: {error.strerror}") from error
    file.seek(0)
    return first


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
        with _unpacking(counted, container.compression) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                if not produced and _by_first_bytes(chunk) is not None:
                    raise FileRefused(
                        f"not text within {container.compression}; deliver it unpacked"
                    )
                produced += len(chunk)
                check_expanded(produced, counted.consumed)
                yield chunk
    except (OSError, zlib.error) as error:
        if "too much memory" in str(error):
            raise FileRefused(
                "its zstd window is larger than 2^27 bytes; compress it without --long"
            ) from error
        raise FileRefused(f"damaged {container.compression} data: {error}") from error


def _unpacking(file: _Counting, compression: str) -> AbstractContextManager[_Reader]:
    if compression == "gzip":
        return nullcontext(_Gunzip(file))
    return pa.CompressedInputStream(  # type: ignore[no-any-return]
        pa.PythonFile(file, mode="r"), compression
    )


class _Gunzip:
    """Reads gzip data, member by member; zeros behind one are padding, as tapes have it."""

    def __init__(self, file: _Reader) -> None:
        self._file = file
        self._packed = b""
        self._member: Any = None
        self._members = 0

    def read(self, size: int, /) -> bytes:
        """So many bytes, or what is left; raises zlib.error and OSError where they are damaged."""
        parts: list[bytes] = []
        wanted = size
        while wanted and (self._packed or self._fill()):
            if self._member is None:
                self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
                if not self._packed:
                    continue
                self._member = zlib.decompressobj(_GZIP_OR_ZLIB)
            parts.append(self._member.decompress(self._packed, wanted))
            wanted -= len(parts[-1])
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed = self._member.unused_data
                self._member = None
                self._members += 1
        if wanted and self._member is not None:
            raise OSError("it ends in the middle; deliver it again")
        return b"".join(parts)

    def _fill(self) -> bool:
        self._packed = self._file.read(_PACKED_BYTES)
        return bool(self._packed)


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
