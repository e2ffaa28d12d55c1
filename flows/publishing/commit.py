"""Publishing: the files of one command become current together, or not at all (Q2).

1. Every file is written to a temporary one, under `.aside` in its target's room (`warehouse`,
   `staged` …), and fsynced. There it is on the target's file system, and out of sight of readers
   of the table's folder: Polars reads hidden files too.
2. A pending record that names each file and its hash is written to `commits/` and fsynced: from
   here on the commit will be completed, even if the process is killed.
3. A published file that another one replaces is linked into `versions/` (Q4).
4. Each file is renamed into place; files that retention removes are unlinked.
5. The commit record is written, and `head`, which names it; versions beyond those to keep are
   removed, and then the pending record.

Each record holds the hash of all before it, and `head` that of all: whatever is lost, swapped or
changed among them is found when they are read, which every command begins with. Records that were
written before there was such a chain are bound by the first one after them.

`recover`, which every command runs first, completes a commit that has its pending record and
removes temporary files that no record names. Once the pending record is there, only forward is a
way out; so a commit that fails later is left for the next command to complete.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BufferedWriter
from pathlib import Path
from string import digits
from typing import Final, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from flows.console.errors import ProofFailed, RunFailed
from flows.publishing.workspace import Stamp, Workspace, open_private
from schemas.periods import Period

TEMPORARY: Final = ".aside"
"""The folder in a room for temporary files, which no commit names yet."""
KEPT: Final = 3
"""How many versions of a published file are kept, unless told."""
PENDING: Final = ".pending-"
"""What the name of an unfinished commit's record begins with."""
HEAD: Final = "head"
"""The file beside the commit records that names the latest one, with the hash of all."""
BACKUP: Final = "restore it from a backup"
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}
"""What a file system says that can't link."""


class Entry(BaseModel):
    """A file of a commit: where it belongs (relative to the workspace) and what it holds.

    `column_digests` are hashes of each column's bytes, by which a reader of some columns knows
    that nothing of them changed; `inputs` digests what the file was made from. `forgotten` are
    columns whose values retention took out: their digests are those of before, so that what was
    made from them stands. `gaps`: the exports and months that it was made without, as accepted.
    """

    path: str
    sha256: str
    size: int
    table: str | None = None
    period: str | None = None
    rows: int | None = None
    column_digests: dict[str, str] = {}
    inputs: dict[str, str] = {}
    forgotten: list[str] = []
    gaps: list[str] = []

    @cached_property
    def kept_by(self) -> Period:
        """Its period; raises NoPeriod where it is of no table that is kept by period."""
        return Period.parse(self.period or "")


class Tombstone(BaseModel):
    """A file that retention removed, and why: `subject` and `months` are the policy's term."""

    path: str
    sha256: str
    size: int
    rows: int | None
    subject: str
    months: int


class CommitRecord(BaseModel):
    """What one command published and removed, or (with `asides`) is about to.

    `asides`: the temporary files, by the path that each is to have. `versions`: where files that
    it replaces are to be kept, by their path; `surplus`: the versions that are then one too many.
    `follows`: the run of the commit before, with the hash of all records up to it; empty in the
    first one, none in one that was written before records were chained.
    """

    run_id: str
    command: str
    files: list[Entry]
    asides: dict[str, str] = {}
    versions: dict[str, str] = {}
    surplus: list[str] = []
    removed: list[Tombstone] = []
    follows: str | None = None


@dataclass(frozen=True)
class Replacement:
    """A file that a commit replaces by other bytes.

    `entry` is what was committed of it; `intact`: whether the file is still that, or was damaged
    or removed since.
    """

    target: Path
    temporary: Path
    entry: Entry
    intact: bool


class State:
    """What is current in a workspace: the latest entry of every path, over all commits."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._root = workspace.root
        self._links = [""]
        self._chained = 0
        self._entries: dict[Path, Entry] = {}
        self._runs: dict[Path, str] = {}
        self._files: dict[str, dict[str, Path]] = {}

    @classmethod
    def of(cls, workspace: Workspace) -> State:
        """Reads the commit records, oldest first; those that it read before are not read again.

        Raises ProofFailed for the first that is lost, damaged or another than was committed.
        """
        while True:
            head, stamps = _head(workspace), _stamps(workspace)
            try:
                return cls._read(workspace, head, stamps)
            except (ProofFailed, FileNotFoundError):
                # a command may be committing meanwhile
                if (head, stamps) == (_head(workspace), _stamps(workspace)):
                    raise

    @classmethod
    def _read(cls, workspace: Workspace, head: str | None, stamps: list[Stamp]) -> State:
        """The state after these records, of which `head`, read before them, names one of the last.

        A first record may be there before the head is.
        """
        known, state = workspace.known.get(workspace.commits.name, ([], cls(workspace)))
        if stamps[: len(known)] != known:
            known, state = [], cls(workspace)
        if len(stamps) > len(known):
            state = state.copy()
            for stamp in stamps[len(known) :]:
                state._take(state._next(Path(stamp[0])))
        if (head is None and state._chained > 1) or head not in (None, *state._links[1:]):
            named = head and head.partition(" ")[0]
            what = f"it names {named}, which is lost or was changed" if named else "missing"
            raise ProofFailed(f"{workspace.commits / HEAD}: {what}; {BACKUP}")
        workspace.known[workspace.commits.name] = (stamps, state)
        return cast("State", state)

    def _next(self, path: Path) -> CommitRecord:
        """The record after those read so far; raises ProofFailed where it is not the next one."""
        content = path.read_bytes()
        record = _record(path, content)
        told, latest = record.follows, self.link
        before, last = ((link or "").partition(" ")[0] for link in (told, latest))
        if told is None and self._chained:
            raise ProofFailed(f"{path}: it does not say which commit it follows; {BACKUP}")
        if told is not None and before != last:
            lost = path.with_name(f"{before}.json")
            raise ProofFailed(f"{lost}: missing, though {record.run_id} follows it; {BACKUP}")
        if told is not None and told != latest:
            which = "it" if self._chained else "it, or one before it,"
            raise ProofFailed(
                f"{path.with_name(f'{last}.json')}: {which} was changed after {record.run_id} "
                f"followed it; {BACKUP}"
            )
        self._chained += told is not None
        self._links.append(_link_after(latest, record.run_id, content))
        return record

    @property
    def link(self) -> str:
        """The latest commit's run, with the hash of all records up to it; empty before any."""
        return self._links[-1]

    @property
    def latest(self) -> str:
        """The latest commit's run; empty before any."""
        return self.link.partition(" ")[0]

    def _take(self, record: CommitRecord) -> None:
        """Counts what a commit published and removed."""
        for entry in record.files:
            self._runs[self._add(entry)] = record.run_id
        for gone in record.removed:
            path = self._root / gone.path
            removed = self._entries.pop(path, None)
            if removed is not None and removed.table is not None:
                # files in quarantine have no period: all of them share one place
                files = self._files[removed.table]
                if files.get(removed.period or "") == path:
                    del files[removed.period or ""]

    def entry(self, path: Path) -> Entry:
        """The entry of a committed file."""
        return self._entries[path]

    def held(self, files: Iterable[Path], columns: Iterable[str]) -> set[str] | None:
        """The columns that any of the committed files holds; none where each holds all of these.

        A file that was written before a column was added to its table lacks it.
        """
        digests = [self.entry(file).column_digests for file in files]
        if all(column in of for of in digests for column in columns):
            return None
        return {column for of in digests for column in of}

    def run_of(self, path: Path) -> str:
        """The latest run that committed a file."""
        return self._runs[path]

    def made_after(self, path: Path, command: str, others: Iterable[Path]) -> bool:
        """Whether a run of the command itself, none that restored or thinned out what it made,
        committed a file later than these others were.
        """
        run_id = self.run_of(path)
        return run_id.partition("-")[2] == command and all(
            number_of(self.run_of(other)) < number_of(run_id) for other in others
        )

    def has(self, path: Path) -> bool:
        """Whether the path is committed."""
        return path in self._entries

    def require_whole(self, files: Iterable[Path]) -> None:
        """Raises ProofFailed for the first of the files that is not what was committed of it.

        A file that was looked at before and is untouched since is not read again.
        """
        hashes = self._workspace.known
        for path in files:
            stamp, found = None, None
            with suppress(FileNotFoundError):
                stamp = _stamp(str(path), path.stat())
                found = hashes[stamp] if stamp in hashes else sha256_of(path)
            if stamp and found:
                hashes[stamp] = found
            if found != self.entry(path).sha256:
                what = "changed" if found else "missing"
                raise ProofFailed(
                    f"{path}: {what} since {self.run_of(path)} committed it; nothing was "
                    "published: `pointbook verify` says what mends it"
                )

    @property
    def entries(self) -> dict[str, Entry]:
        """Every current entry, by path."""
        return {entry.path: entry for entry in self._entries.values()}

    def files(self, table: str) -> dict[str, Path]:
        """The committed files of a staged or published table, by period, in its order."""
        return dict(self._files.get(table, {}))

    def copy(self) -> State:
        """A state of its own, in which files can be foreseen."""
        copy = State(self._workspace)
        copy._links, copy._chained = list(self._links), self._chained
        copy._entries, copy._runs = dict(self._entries), dict(self._runs)
        copy._files = {table: dict(files) for table, files in self._files.items()}
        return copy

    @classmethod
    def after(cls, workspace: Workspace, records: Iterable[CommitRecord]) -> State:
        """What was current after these commits, the first ones of a workspace, oldest first."""
        state = cls(workspace)
        for record in records:
            state._take(record)
        return state

    def move(self, path: Path, to: Path) -> None:
        """Has a file read from another place than that of its entry: as of then its bytes are."""
        entry = self._entries[to] = self._entries.pop(path)
        self._runs[to] = self._runs.pop(path)
        files = self._files.get(entry.table or "", {})
        if files.get(entry.period or "") == path:
            files[entry.period or ""] = to

    def foresee(self, table: str, period: str, path: Path) -> None:
        """Counts a file as made anew: nobody knows yet what it holds."""
        name = path.relative_to(self._root).as_posix()
        self._add(Entry(path=name, sha256="", size=0, table=table, period=period))

    def overlay(self, path: Path, entry: Entry) -> None:
        """Counts a file, whatever folder it lies in, as the current one of its table's period."""
        self._add(entry, path)

    def leave_out(self, table: str, period: str) -> None:
        """Counts a table as having nothing of a period."""
        if (path := self._files.get(table, {}).pop(period, None)) is not None:
            del self._entries[path]

    def _add(self, entry: Entry, path: Path | None = None) -> Path:
        """Takes an entry, in its period's place if it is of a table; returns its file."""
        path, period = path or self._root / entry.path, entry.period or ""
        self._entries[path] = entry
        if entry.table is not None:
            files = self._files.setdefault(entry.table, {})
            in_place = period in files or not files or period > next(reversed(files))
            files[period] = path
            if not in_place:
                self._files[entry.table] = dict(sorted(files.items()))
        return path


@dataclass(frozen=True)
class Contents:
    """What a file holds: the sha256 of its bytes and of each column's, and its size in bytes."""

    sha256: str
    size: int
    column_digests: Mapping[str, str]

    @classmethod
    def of(cls, path: Path) -> Contents:
        """What is in a file, which is read for it, once."""
        chunks, names = _column_chunks(path)
        whole = hashlib.sha256()
        columns = {name: hashlib.sha256() for name in names}
        with path.open("rb") as file:
            for start, size, name in chunks:
                whole.update(file.read(start - file.tell()))
                chunk = file.read(size)
                whole.update(chunk)
                columns[name].update(chunk)
            hashlib.file_digest(file, lambda: whole)
            digests = {name: digest.hexdigest() for name, digest in columns.items()}
            return cls(whole.hexdigest(), file.tell(), digests)


class Publication:
    """The files that a command is about to publish.

    `keep`: how many versions of a replaced file to keep. `replacements`: the warehouse's files that
    the commit will replace by other bytes than committed.
    """

    def __init__(self, workspace: Workspace, run_id: str, command: str, keep: int = KEPT) -> None:
        self._workspace = workspace
        self._keep = keep
        self._state = State.of(workspace)
        self._record = CommitRecord(
            run_id=run_id, command=command, files=[], follows=self._state.link
        )
        self.replacements: list[Replacement] = []

    def temporary(self, target: Path) -> Path:
        """Where to write a file that is to become `target`."""
        room, *rest = target.relative_to(self._workspace.root).parts
        temporary = self._workspace.root.joinpath(room, TEMPORARY, *rest)
        temporary.parent.mkdir(parents=True, exist_ok=True)
        return temporary

    def replace(
        self,
        temporary: Path,
        target: Path,
        *,
        table: str | None = None,
        period: str | None = None,
        rows: int | None = None,
        inputs: Mapping[str, str] | None = None,
        forgotten: Iterable[str] = (),
        gaps: Iterable[str] = (),
        contents: Contents | None = None,
    ) -> Entry:
        """Takes a temporary file, which is to become `target`, into the commit; returns its entry.

        Of `forgotten` columns the digests stay what they were. `contents`: the file's, where they
        were looked at before. A file whose very bytes are published already stays untouched.
        """
        contents = contents or Contents.of(temporary)
        old = self._state.entry(target) if self._state.has(target) else None
        digests = dict(contents.column_digests)
        for column in forgotten:
            digests[column] = self._state.entry(target).column_digests[column]
        path = target.relative_to(self._workspace.root).as_posix()
        entry = Entry(
            path=path,
            sha256=contents.sha256,
            size=contents.size,
            table=table,
            period=period,
            rows=rows,
            column_digests=digests,
            inputs=dict(inputs or {}),
            # what retention took out stays out, also where rows come in later
            forgotten=sorted({*forgotten, *(old.forgotten if old else ())}),
            gaps=list(gaps),
        )
        self._record.files.append(entry)
        is_same = old is not None and old.sha256 == entry.sha256
        in_warehouse = target.is_relative_to(self._workspace.warehouse)
        intact = False
        if old is not None and (is_same or in_warehouse):
            intact = target.is_file() and sha256_of(target) == old.sha256
        if is_same and intact:
            temporary.unlink()
            return entry
        sync(temporary)
        self._record.asides[path] = temporary.relative_to(self._workspace.root).as_posix()
        if old is not None and in_warehouse and not is_same:
            self.replacements.append(Replacement(target, temporary, old, intact))
        return entry

    def remove(self, tombstone: Tombstone) -> None:
        """Takes the removal of a file into the commit."""
        self._record.removed.append(tombstone)

    @property
    def entries(self) -> list[Entry]:
        """What the commit will hold so far."""
        return list(self._record.files)

    @property
    def new_entries(self) -> list[Entry]:
        """Those of them whose files were never committed before."""
        root = self._workspace.root
        return [entry for entry in self._record.files if not self._state.has(root / entry.path)]

    def commit(self) -> None:
        """Makes the files current, all together.

        Raises RunFailed where the system stops it half-way; the next command then completes it.
        """
        if not self._record.files:
            return
        root = self._workspace.root
        pending = _pending_path(self._workspace, self._record.run_id)
        for path in self._record.asides:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        self._plan_versions()
        try:
            _sync_names(root, (root / path for path in self._record.asides.values()))
            write_durably(self._workspace, pending, self._record.model_dump_json(indent=1))
            _complete(self._workspace, pending)
        except OSError as error:
            if not self.decided:
                raise
            raise RunFailed(
                f"{error.filename2 or error.filename or pending}: {error.strerror or error}; what "
                f"{self._record.run_id} computed is safe: mend this, and the next command "
                "publishes it"
            ) from error
        _clear_temporary(self._workspace)

    def _plan_versions(self) -> None:
        """Names the versions that the commit is to keep of what it replaces, and to remove."""
        root = self._workspace.root
        for found in self.replacements:
            folder = self._workspace.versions_of(found.target)
            kept = set(folder.glob("[0-9]*.parquet"))
            if found.intact and self._keep:
                version = folder / f"{self._state.run_of(found.target)}.parquet"
                folder.mkdir(parents=True, exist_ok=True)
                path = found.target.relative_to(root).as_posix()
                self._record.versions[path] = version.relative_to(root).as_posix()
                kept.add(version)
            surplus = sorted(kept)[: max(0, len(kept) - self._keep)]
            self._record.surplus += [path.relative_to(root).as_posix() for path in surplus]

    @property
    def decided(self) -> bool:
        """Whether the commit stands: in place already, or left to the next command."""
        run_id = self._record.run_id
        paths = (_pending_path(self._workspace, run_id), _commit_path(self._workspace, run_id))
        return any(path.exists() for path in paths)

    def abandon(self) -> None:
        """Removes the temporary files; not for a commit that is decided."""
        _clear_temporary(self._workspace)


def recover(workspace: Workspace) -> list[str]:
    """Completes an unfinished commit, and removes what dead commands left behind.

    Returns the ids of the runs whose commits it completed.
    """
    unfinished = sorted(workspace.commits.glob(f"{PENDING}*.json"))
    for pending in unfinished:
        _complete(workspace, pending)
    _clear_temporary(workspace)
    if workspace.scratch.exists():
        shutil.rmtree(workspace.scratch)
    return [path.stem.removeprefix(PENDING) for path in unfinished]


def pending_files(workspace: Workspace) -> set[Path]:
    """The files that commits under way, or cut short, are replacing: they may be old or new."""
    found: set[Path] = set()
    for pending in workspace.commits.glob(f"{PENDING}*.json"):
        with suppress(FileNotFoundError):
            record = _parsed(pending, pending.read_bytes())
            found.update(workspace.root / entry.path for entry in record.files)
    return found


def _clear_temporary(workspace: Workspace) -> None:
    for room in workspace.rooms:
        shutil.rmtree(room / TEMPORARY, ignore_errors=True)


def _pending_path(workspace: Workspace, run_id: str) -> Path:
    return workspace.commits / f"{PENDING}{run_id}.json"


def _commit_path(workspace: Workspace, run_id: str) -> Path:
    return workspace.commits / f"{run_id}.json"


def next_run_id(workspace: Workspace, command: str) -> str:
    """The next run's id: a number that counts the workspace's runs, and the command."""
    earlier = [*_numbered(workspace.runs), *_numbered(workspace.commits)]
    last = max((number_of(found.name) for found in earlier), default=0)
    return f"{last + 1:06d}-{command}"


def number_of(run_id: str) -> int:
    """The number that a run's id begins with."""
    return int(run_id.partition("-")[0])


def _complete(workspace: Workspace, pending: Path) -> None:
    """Does what a pending record says and is not done yet; the commit record then replaces it.

    Raises RunFailed where a file of the commit is neither in place nor a temporary one.
    """
    record = _parsed(pending, pending.read_bytes())
    hashes = {entry.path: entry.sha256 for entry in record.files}
    _keep_versions(workspace, record)
    for path, temporary in record.asides.items():
        source, target = workspace.root / temporary, workspace.root / path
        if source.exists():
            os.replace(source, target)
        elif not target.exists() or sha256_of(target) != hashes[path]:
            raise RunFailed(
                f"{target} is missing from the unfinished run {record.run_id}; remove {pending} "
                f"and run `pointbook {record.command}` again"
            )
    _sync_names(workspace.root, (workspace.root / path for path in record.asides))
    for gone in record.removed:
        removed = workspace.root / gone.path
        removed.unlink(missing_ok=True)
        with suppress(OSError):  # the folder, where the file was the last in it
            removed.parent.rmdir()
    done = record.model_copy(update={"asides": {}, "versions": {}, "surplus": []})
    content = done.model_dump_json(indent=1).encode()
    write_durably(workspace, _commit_path(workspace, record.run_id), content)
    if done.follows is not None:
        link = _link_after(done.follows, done.run_id, content)
        write_durably(workspace, workspace.commits / HEAD, link)
    for path in record.surplus:
        (workspace.root / path).unlink(missing_ok=True)
    pending.unlink()
    sync(workspace.commits)


def _keep_versions(workspace: Workspace, record: CommitRecord) -> None:
    """Keeps what is not replaced yet: before that, so that it is never without a name."""
    root = workspace.root
    for path, version in record.versions.items():
        target, kept = root / path, root / version
        if (root / record.asides[path]).exists() and target.exists() and not kept.exists():
            _link(workspace, target, kept)
    _sync_names(root, (root / version for version in record.versions.values()))


def _link(workspace: Workspace, target: Path, version: Path) -> None:
    """Gives a file a second name; a copy where the file system has no such thing."""
    try:
        os.link(target, version)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary = workspace.versions / TEMPORARY / version.name
        temporary.parent.mkdir(exist_ok=True)
        shutil.copyfile(target, temporary)
        sync(temporary)
        os.replace(temporary, version)


def commit_records(workspace: Workspace) -> Iterator[CommitRecord]:
    """What every command published, oldest first."""
    paths = (Path(stamp[0]) for stamp in _stamps(workspace))
    return (_record(path, path.read_bytes()) for path in paths)


def _stamps(workspace: Workspace) -> list[Stamp]:
    """The commit records' files, oldest first."""
    found = [of for of in _numbered(workspace.commits) if of.name.endswith(".json")]
    return sorted(_stamp(of.path, of.stat()) for of in found)


def _stamp(path: str, stat: os.stat_result) -> Stamp:
    return path, stat.st_ino, stat.st_mtime_ns, stat.st_size


def _numbered(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What a folder holds under a run's number, in no order; nothing where there is no folder.

    A run of years asks for it a thousand times: hence no `glob`, which makes a `Path` of each.
    """
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from (found for found in entries if found.name[0] in digits)


def _record(path: Path, content: bytes) -> CommitRecord:
    """A finished commit's record; raises ProofFailed where the file holds none."""
    record = _parsed(path, content)
    if record.run_id != path.stem or record.asides:
        raise ProofFailed(f"{path}: it is the record of {record.run_id}; {BACKUP}")
    return record


def _parsed(path: Path, content: bytes) -> CommitRecord:
    try:
        return CommitRecord.model_validate_json(content)
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise ProofFailed(f"{path}: not a commit record ({reason}); {BACKUP}") from None


def _link_after(latest: str, run_id: str, content: bytes) -> str:
    """What binds a record of this content to all before it: its run, and the hash of all."""
    return f"{run_id} {hashlib.sha256(latest.encode() + content).hexdigest()}"


def _head(workspace: Workspace) -> str | None:
    with suppress(FileNotFoundError):
        return (workspace.commits / HEAD).read_text(encoding="ascii", errors="replace")
    return None


def write_durably(workspace: Workspace, path: Path, content: str | bytes) -> None:
    """Replaces a file in one step, safe from a loss of power."""
    room = workspace.root / path.relative_to(workspace.root).parts[0]
    temporary = room / TEMPORARY / path.name
    for folder in (temporary.parent, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    with BufferedWriter(open_private(temporary, "w")) as file:
        file.write(content.encode() if isinstance(content, str) else content)
    sync(temporary)
    os.replace(temporary, path)
    sync(path.parent)
    with suppress(OSError):
        temporary.parent.rmdir()


def _sync_names(root: Path, paths: Iterable[Path]) -> None:
    """Makes the paths' names last, and those of the folders that they are in, up to the root."""
    parents = {path.parent for path in paths}
    folders = {folder for parent in parents for folder in (parent, *parent.parents)}
    for folder in sorted(folder for folder in folders if folder.is_relative_to(root)):
        sync(folder)


def sync(path: Path) -> None:
    """Makes a file's content, or the names in a folder, safe from a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _column_chunks(path: Path) -> tuple[list[tuple[int, int, str]], list[str]]:
    """Where a column's bytes of a row group begin, how many they are, and the column's name.

    In the order in which they lie in the file; with the names of all columns. Nothing of a file
    that is not Parquet.
    """
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowInvalid:
        return [], []
    names = [metadata.schema.column(i).path.split(".")[0] for i in range(metadata.num_columns)]
    chunks = []
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for index, name in enumerate(names):
            chunk = group.column(index)
            pages = (chunk.dictionary_page_offset, chunk.data_page_offset)
            start = min(page for page in pages if page is not None)
            chunks.append((start, chunk.total_compressed_size, name))
    return sorted(chunks), names
