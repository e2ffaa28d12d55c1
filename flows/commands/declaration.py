"""A computing command as it declares itself: what runs it, what it publishes, needs and reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from flows.console.errors import NotReady
from flows.deliveries.landing import Deliveries
from flows.publishing.ledgers import YEAR_END
from flows.publishing.options import Options
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from transforms.policies.policy import Policies


def _its_period(table: str, period: str) -> str:
    return period


def _always_ready(context: Context, period: str) -> None:
    return None


@dataclass(frozen=True)
class Command:
    """A command that falls due regularly, for a period: YYYY, or YYYY-MM.

    `span`: what its period is. `tables`: what it publishes, the first one's files tell which
    periods are; `partition` names a table's partition of a period. `run` does it. `require` raises
    NotReady, or PolicyError, where it could not be done yet; else `inputs` are the files that it
    reads, and `fingerprints` digests of what its rules read. `due_on`: the day on which a period
    falls due.

    It needs all of the exports in `needs`, and one of those in `one_of`, if there are any;
    `passed_by` says why a period is not to be done, if it is not. `called_for`: whether what was
    delivered and begun calls for a period up to the last delivered month of `paced_by`.
    `artifacts`: the parts of its manifest that Prefect's page shows: key, part, description.
    """

    name: str
    span: Literal["year", "month"]
    tables: tuple[str, ...]
    run: Callable[[Options, str], dict[str, Any]]
    inputs: Callable[[Context, str], Inputs]
    fingerprints: Callable[[Context, str], dict[str, str]]
    require: Callable[[Context, str], object]
    due_on: Callable[[Policies, str], date]
    called_for: Callable[[Context, str], bool]
    paced_by: tuple[str, ...]
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    passed_by: Callable[[Context, str], str | None] = _always_ready
    partition: Callable[[str, str], str] = _its_period
    artifacts: tuple[tuple[str, str, str], ...] = ()

    def line(self, period: str) -> str:
        """The command line that does a period."""
        return f"pointbook {self.name} --{self.span} {period}"

    def published(self, context: Context) -> list[str]:
        """The periods that it has published, in their order."""
        return [period for period in context.files(self.tables[0]) if not period.endswith(YEAR_END)]

    def not_delivered(self, context: Context) -> str | None:
        """What it needs and was never delivered to the workspace, as a sentence, if anything."""

        def ever(export: str) -> bool:
            staged = context.workspace.staged
            return bool(context.files(export)) or Deliveries.load(staged).ever(export)

        absent = [name for name in self.needs if not ever(name)]
        if absent:
            return f"{' and '.join(absent)} was never delivered"
        if self.one_of and not any(ever(name) for name in self.one_of):
            return f"none of {', '.join(self.one_of)} was ever delivered"
        return None

    def require_delivered(self, context: Context) -> None:
        """Raises NotReady where exports that it needs were never delivered."""
        reason = self.not_delivered(context)
        if reason:
            raise NotReady(f"{self.name}: {reason}; land it, then run `pointbook ingest`")
