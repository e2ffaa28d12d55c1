"""What a question may be given on the command line, and how that is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flows.answers.explain.declaration import Asked, Kind
from flows.console.errors import WrongUsage
from flows.publishing.options import asked_day, asked_period
from schemas.columns import IDENTIFIER_PATTERN

_LOT: Final = re.compile(r"[A-Za-z0-9_:-]{1,120}")


@dataclass(frozen=True)
class Given:
    """A parameter of a question: its type on the command line, and its help."""

    kind: Any
    help: str


PARAMETERS: Final[Mapping[str, Given]] = {
    "customer": Given(str, "The customer's id."),
    "member": Given(str, "The member's id."),
    "id": Given(str, "The id of the request, payment or flight."),
    "lot": Given(str, "The lot's id, as in point_lots."),
    "year": Given(int, "The year."),
    "month": Given(str, "The month, YYYY-MM."),
    "on": Given(str, "The day, YYYY-MM-DD."),
}
"""The parameters, by their names in `Asked`."""


def asked_of(kind: Kind, given: Mapping[str, Any]) -> Asked:
    """What was asked; raises WrongUsage for what is no id, year, month or day."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in ("year", "month"):
            found[name] = asked_period(value, name)  # type: ignore[arg-type]
        elif name == "on":
            found[name] = asked_day(value)
        else:
            pattern = _LOT if name == "lot" else re.compile(IDENTIFIER_PATTERN)
            if not pattern.fullmatch(value):
                raise WrongUsage(f"--{name} is no id: letters, digits, _ and - are; give one")
            found[name] = value
    return Asked(**found)
