"""What lies in landing, and what of it was delivered before."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from flows.console.errors import WrongUsage
from flows.console.terminal import shown
from flows.publishing.commit import sha256_of
from flows.publishing.workspace import Workspace
from schemas.exports import EXPORTS, Export

REGISTRY: Final = "deliveries.json"
"""In the staged folder: the files that were delivered, by export and the hash of their bytes."""


REFUSALS: Final = "refused.json"
"""In the quarantine folder: the files in landing of which nothing was taken in."""
_NO_DELIVERY: Final = re.compile(
    r"\..*|~\$.*|_(success|temporary|metadata|common_metadata|committed_.*|started_.*)"
    r"|thumbs\.db|desktop\.ini|.*\.(crc|md5|sha1|sha256|done|ok|filepart|part|crdownload|tmp)",
    re.IGNORECASE,
)
"""Names of what lies beside deliveries: hidden files, marks, checksums, uploads under way."""
_UNDER_WAY: Final = "_temporary"
"""In a folder whose files Spark or Hive is still writing."""


class DeliveredFile(BaseModel):
    """A file whose rows are staged: its export, its name then, and the delivery it came with.

    `source`, `source_sha256`: the source it was read by, and the digest under which that one's text
    is kept. `before`: the deliveries with which the same bytes came before they were read anew.
    """

    export: str
    name: str
    delivery: int
    source: str | None = None
    source_sha256: str | None = None
    before: list[int] = []


def delivered_key(export: str, sha256: str) -> str:
    """What a delivered file is known by: one file may bring rows to several exports."""
    return f"{export}/{sha256}"


class RefusedFile(BaseModel):
    """A file of which the last ingest of its export took in nothing, and why: it was rejected or
    held back, or each of its rows is a conflict.
    """

    export: str
    name: str
    status: str
    reason: str


class Refusals(BaseModel):
    """What lay in landing and was not delivered."""

    files: list[RefusedFile] = []

    @classmethod
    def load(cls, quarantine: Path) -> Refusals:
        """Those of a workspace; none before the first one."""
        try:
            return cls.model_validate_json((quarantine / REFUSALS).read_bytes())
        except FileNotFoundError:
            return cls()


class Deliveries(BaseModel):
    """Every file delivered so far, by `delivered_key`; `key_id` tells which personal-data key."""

    last: int = 0
    key_id: str | None = None
    files: dict[str, DeliveredFile] = {}

    @classmethod
    def load(cls, staged: Path) -> Deliveries:
        """The registry of a workspace; an empty one before the first delivery."""
        try:
            return cls.model_validate_json((staged / REGISTRY).read_bytes())
        except FileNotFoundError:
            return cls()

    def has(self, export: str, sha256: str) -> bool:
        """Whether these bytes were delivered to the export."""
        return delivered_key(export, sha256) in self.files

    def ever(self, export: str) -> bool:
        """Whether a file of the export was delivered to this workspace."""
        return any(file.export == export for file in self.files.values())


@dataclass(frozen=True)
class LandedFile:
    """A delivered file; `number` orders those of one ingest, `room` is the folder it lies in.

    A link may not lead out of the room.
    """

    number: int
    export: Export
    path: Path
    room: Path

    @property
    def name(self) -> str:
        """Its name in its export's folder, with the folder of a part; bytes that are not UTF-8 are
        shown as \\x..
        """
        folder = self.room / self.export.name
        within = self.path.is_relative_to(folder)
        return _shown(self.path.relative_to(folder) if within else Path(self.path.name))

    @property
    def title(self) -> str:
        """Export and name, fit to be printed."""
        return f"{self.export.name}/{shown(self.name)}"


def check_exports(names: Sequence[str]) -> None:
    """Raises WrongUsage where a name is no export's."""
    unknown = [name for name in names if name not in EXPORTS]
    if unknown:
        raise WrongUsage(
            f"no export is called {', '.join(unknown)}; the exports are {', '.join(EXPORTS)}"
        )


def landed_files(landing: Path, exports: Sequence[str]) -> list[LandedFile]:
    """Every delivery in the exports' folders, and in folders of part files, by export and name."""
    paths = [
        (EXPORTS[export], path)
        for export in exports
        for path, is_delivery in within(landing / export)
        if is_delivery
    ]
    return [LandedFile(n, export, path, landing) for n, (export, path) in enumerate(paths)]


def left_out(landing: Path, exports: Sequence[str]) -> list[str]:
    """What lies in the exports' folders and is no delivery, as export/name."""
    return [
        _shown(path.relative_to(landing))
        for export in exports
        for path, is_delivery in within(landing / export)
        if not is_delivery
    ]


def within(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The files in a folder and in those within it, by name, and whether each is a delivery.

    A folder without files stands for itself, and so does one that is still being written.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _NO_DELIVERY.fullmatch(path.name):
            yield path, False
        elif path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
            yield path, True
        elif (path / _UNDER_WAY).exists():
            yield path, False
        else:
            yield from within(path)


def new_files(workspace: Workspace) -> list[LandedFile]:
    """What landed and was not accepted yet; files that can't be read are among it."""
    known = Deliveries.load(workspace.staged)
    return not_delivered(known, landed_files(workspace.landing, list(EXPORTS)))


def not_delivered(known: Deliveries, files: Sequence[LandedFile]) -> list[LandedFile]:
    """Those of the files whose bytes were not accepted yet."""
    return [file for file in files if not known.has(file.export.name, _sha256(file))]


def refused_files(workspace: Workspace) -> list[RefusedFile]:
    """What the last ingest refused and still lies in landing."""
    refused = Refusals.load(workspace.quarantine).files
    landed = {(f.export.name, f.name) for f in landed_files(workspace.landing, list(EXPORTS))}
    return [file for file in refused if (file.export, file.name) in landed]


def _sha256(file: LandedFile) -> str:
    try:
        return sha256_of(file.path) if file.path.is_file() else ""
    except OSError:
        return ""


def named_files(landing: Path, names: Sequence[str]) -> list[LandedFile]:
    """The landed files of these paths, each from the current folder or from landing on.

    Of a folder it is the files in it. Raises WrongUsage for what is no delivery in landing.
    """
    landed = landed_files(landing, list(EXPORTS))
    found: dict[int, LandedFile] = {}
    for name in names:
        path = Path(name) if os.path.lexists(name) else landing / name
        real = Path(os.path.abspath(path))
        own = [each for each in landed if Path(os.path.abspath(each.path)).is_relative_to(real)]
        if not own or not real.is_relative_to(os.path.abspath(landing)):
            raise WrongUsage(
                f"{shown(name)} is no file in {shown(str(landing))}/<export>/; put it there, and "
                "ingest it"
            )
        found |= {each.number: each for each in own}
    return [found[number] for number in sorted(found)]


def anew(
    known: Deliveries, files: Sequence[LandedFile]
) -> tuple[Deliveries, dict[str, DeliveredFile]]:
    """The registry as if the files were not delivered, and what it says of them, by their keys."""
    keys = {delivered_key(file.export.name, _sha256(file)) for file in files}
    before = {key: known.files[key] for key in sorted(keys & known.files.keys())}
    others = {key: file for key, file in known.files.items() if key not in before}
    return known.model_copy(update={"files": others}), before


def unknown_folders(landing: Path) -> list[str]:
    """Names in landing that are no export's folder."""
    if not landing.is_dir():
        return []
    return sorted(
        _shown(Path(path.name))
        for path in landing.iterdir()
        if not path.name.startswith(".") and not (path.name in EXPORTS and path.is_dir())
    )


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
