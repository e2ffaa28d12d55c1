"""What every command takes: where the workspace and the policies are, and how much to use."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, field_validator

from flows.console.errors import WrongUsage
from flows.console.zone import ZONE
from flows.publishing.commit import KEPT
from flows.publishing.sessions import SharedSession
from flows.publishing.workspace import Workspace
from schemas.periods import NoPeriod, Period, Span
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import Engine, memory_bytes
from transforms.engine.threads import bound_threads
from transforms.policies.policy import DATA

WORKSPACE_VARIABLE: Final = "POINTBOOK_WORKSPACE"
POLICIES: Final = DATA / "policies" / "as_announced"
WORKSPACE: Final = Path("data/workspace")
DEMO: Final = Path("data/demo")
"""Where the default workspaces lie in the current folder."""
END_OF_DAY: Final = time(23, 59, 59)
"""The moment that is meant by a day alone."""


def start_engine(scratch: Path, memory: str = "4GB", threads: int | None = None) -> Engine:
    """A session of the engine that there is; the only place that knows which."""
    return DuckDBEngine(scratch, memory, threads)


def asked_period(value: str | int, span: Span) -> Period:
    """The period that a user asked for, a year as a number; raises WrongUsage where it is none."""
    try:
        return Period.parse(f"{value:04d}" if isinstance(value, int) else value, span)
    except NoPeriod as error:
        raise WrongUsage(str(error)) from error


def asked_day(text: str) -> date:
    """The day of a text, YYYY-MM-DD; raises WrongUsage where it is none."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise WrongUsage(f"{text!r} is no day; write it as YYYY-MM-DD")


def asked_moment(text: str) -> datetime:
    """The moment of a text, a day's last second for a day; raises WrongUsage where it is none."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", text):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    if "T" not in text:
        return datetime.combine(asked_day(text), END_OF_DAY)
    raise WrongUsage(f"{text!r} is no moment; write it as YYYY-MM-DDTHH:MM:SS")


class Options(BaseModel):
    """The settings that all flows share; what each means is in `flows.console.settings.KEYS`.

    `threads` none: a thread a core. `on_failure` none: nobody is told.
    """

    model_config = ConfigDict(frozen=True, validate_default=True)

    workspace: Path = WORKSPACE
    policies: Path = POLICIES
    engine: Literal["duckdb"] = "duckdb"
    memory: str = "4GB"
    threads: int | None = None
    max_reject_rate: float = 0.05
    keep: int = KEPT
    prefect: bool = True
    on_failure: str | None = None
    timezone: str = ZONE
    _shared: SharedSession | None = None
    _place: Workspace | None = None

    @field_validator("workspace", "policies")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("memory")
    @classmethod
    def _is_amount(cls, text: str) -> str:
        memory_bytes(text)
        return text

    @field_validator("threads")
    @classmethod
    def _is_positive(cls, threads: int | None) -> int | None:
        if threads is not None and threads < 1:
            raise ValueError("at least 1 thread")
        return threads

    @field_validator("max_reject_rate")
    @classmethod
    def _is_share(cls, rate: float) -> float:
        if not 0 <= rate <= 1:
            raise ValueError("a share between 0 and 1")
        return rate

    @field_validator("keep")
    @classmethod
    def _is_number(cls, keep: int) -> int:
        if keep < 0:
            raise ValueError("0 or more versions")
        return keep

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"no time zone is called {name!r}; Asia/Seoul is one") from error
        return name

    def session(self, scratch: Path) -> AbstractContextManager[Engine]:
        """A session within these settings: the one that runs share, or one of its own."""
        return self.start_engine(scratch) if self._shared is None else self._shared.lend()

    @property
    def place(self) -> Workspace:
        """The workspace, which runs under these settings have in common."""
        if self._place is None or self._place.root != self.workspace:
            self._place = Workspace(self.workspace)
        return self._place

    @property
    def shared(self) -> SharedSession | None:
        """The session that a run under these settings shares with those before and after it."""
        return self._shared

    def sharing(self, session: SharedSession) -> Self:
        """These settings for runs that share the session; see `flows.publishing.run.in_turn`."""
        copy = self.model_copy()
        copy._shared = session
        return copy

    def start_engine(self, scratch: Path) -> Engine:
        """A session of its own within these settings."""
        bound_threads(self.threads)
        return start_engine(scratch, self.memory, self.threads)
