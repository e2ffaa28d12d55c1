"""A folder of sheets: CSV and Parquet each, and finance.json; written whole or not at all."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from flows.console.errors import RunFailed, WrongUsage
from flows.publishing.workspace import private
from schemas.sheets import SHEETS, Sheet
from transforms.engine.row_groups import TableFile

FINANCE: Final = "finance.json"
Row = Mapping[str, Any]


class Pack:
    """A folder that sheets are written to; its owner's alone."""

    def __init__(self, folder: Path) -> None:
        """Raises WrongUsage where the folder holds anything but a pack of before."""
        self.folder = folder
        if folder.exists() and not _may_be_replaced(folder):
            raise WrongUsage(f"--out {folder} holds something else; name a new folder")

    def write(self, told: Mapping[str, Any], sheets: Mapping[str, pa.Table]) -> None:
        """Writes everything beside the folder, then puts it in its place.

        `told`: finance.json, which has the rows of every sheet; `sheets`: these in their types.
        Raises RunFailed, and leaves what was there, where that can't be written.
        """
        try:
            with private():
                self.folder.parent.mkdir(parents=True, exist_ok=True)
                made = Path(tempfile.mkdtemp(prefix=".finance-", dir=self.folder.parent))
                try:
                    for each in told["sheets"]:
                        name = each["sheet"]
                        _write_sheet(made, SHEETS[name], sheets[name], each["rows"])
                    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
                    (made / FINANCE).write_text(text, encoding="utf-8")
                    self._replace(made)
                finally:
                    shutil.rmtree(made, ignore_errors=True)
        except OSError as error:
            raise RunFailed(
                f"{error.filename or self.folder}: {error.strerror}; nothing was written: mend "
                "this, or name another folder with --out"
            ) from error

    def _replace(self, made: Path) -> None:
        """Puts what was made in the folder's place; a pack of before goes once it is there."""
        before = made.with_name(f"{made.name}-before")
        if self.folder.exists():
            os.rename(self.folder, before)
        try:
            os.rename(made, self.folder)
        except OSError:
            if before.exists():
                os.rename(before, self.folder)
            raise
        shutil.rmtree(before, ignore_errors=True)


def _may_be_replaced(folder: Path) -> bool:
    """Whether a folder is empty, or a pack."""
    return folder.is_dir() and ((folder / FINANCE).is_file() or not any(folder.iterdir()))


def _write_sheet(folder: Path, sheet: Sheet, rows: pa.Table, told: Sequence[Row]) -> None:
    """Writes a sheet's rows as Parquet, and as CSV that opens in Excel: UTF-8 with its mark.

    The CSV says what finance.json does: `<N` of people too few to be told, who are null in Parquet.
    """
    with TableFile(folder / f"{sheet.name}.parquet", sheet.arrow_schema, sheet.name) as parquet:
        parquet.write(rows)
    with (folder / f"{sheet.name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(sheet.columns)
        writer.writerows(map(csv_cell, row.values()) for row in told)


def csv_cell(value: object) -> object:
    """A value as a cell of CSV."""
    return str(value).lower() if isinstance(value, bool) else value
