"""Policy folders for tests: the shipped one, with the rows of some policies replaced."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from flows.publishing.options import POLICIES as SHIPPED
from schemas.policy import POLICIES

Row = dict[str, Any]


def replaced_policies(
    replaced: Mapping[str, list[Row]], folder: Path, shipped: Path = SHIPPED
) -> Path:
    """The shipped policies, or a copy with these rows in place of some."""
    if not replaced:
        return shipped
    copied = Path(shutil.copytree(shipped, folder / "policies"))
    for name, rows in replaced.items():
        path = copied / f"{name}.yaml"
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)
        defaults = {
            "valid_from": "0001-01-01",
            "valid_to": None,
            "unit": POLICIES[name].unit,
            "source": "assumption: a test",
        }
        document["values"] = [defaults | _dates_as_text(row) for row in rows]
        path.write_text(
            yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True), encoding="utf-8"
        )
    return copied


def _dates_as_text(row: Row) -> Row:
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()
    }
