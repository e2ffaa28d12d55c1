"""What a command is: the declaration from which all that knows it follows.

Command line function, Prefect flow and deployment, schedule, plan, status, printed summary, and
what `verify` proves are made from it; `template.py` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from flows.console.errors import NotReady
from flows.console.parts import Part, Shown
from flows.deliveries.landing import Deliveries
from flows.publishing.ledgers import Ledger
from flows.publishing.run import Context
from flows.publishing.write_audit import Inputs
from schemas.periods import Period
from schemas.tables import PUBLISHED
from transforms.engine.dependencies import Dependencies
from transforms.engine.engine import Transform, load_transform
from transforms.policies.policy import Policies

if TYPE_CHECKING:
    from flows.commands.dated import Strangers
    from transforms.ledger.fold import SpendingOrder

Dates = Mapping[str, date | datetime | str | int]
"""The columns of `run_context`: what a run's SQL, and the proofs of its tables, are dated by."""


@dataclass(frozen=True)
class Flag:
    """A switch of a command beside its period, off unless given; `help` is its text."""

    name: str
    help: str


ALLOW_MISSING: Final = Flag(
    "allow_missing_months", "Go on although nothing was delivered of a month; it is kept on record."
)
FROM_STALE: Final = Flag("from_stale", "Publish although what it is made from is stale.")
OF_RUN: Final = (
    Flag("force", "Make what is current again as well."),
    ALLOW_MISSING,
    Flag("strict", "Do not go back before the first month; exit 4 where what is stale lies there."),
    Flag("from_stale", "Do not go back either, and make what falls due from what is stale."),
)
"""The flags of `run`."""


@dataclass(frozen=True)
class Fold:
    """The requests of a period that are decided one after another (`transforms/ledger/fold.py`).

    `lots` and `events`: the relations that it reads, `takings`: that of what earlier events took.
    `rows_of`: the relations that lots and events have a row of each from, by which their number is
    known. `hands_on`: the names of the lots, events and movements that come of it. `account`: the
    column of text by which lots and events are sorted; none where they number accounts in the
    column `account`. The other settings are those of `fold`.
    """

    lots: str
    events: str
    rows_of: tuple[str, ...]
    hands_on: Mapping[Literal["lots", "events", "movements"], str]
    spending_order: SpendingOrder
    takings: str | None = None
    account: str | None = None
    of_lot: tuple[str, ...] = ()
    of_event: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The relations that it is made from."""
        return (self.lots, self.events, *([self.takings] if self.takings else []))


@dataclass(frozen=True)
class TooLarge:
    """Sums that 64 bits can't hold: the query that names whose they are, and what to say of them.

    The query's rows are an id and its sum. `what` is summed, in `unit`; `remedy` mends it.
    """

    sql: str
    what: str
    remedy: str
    unit: str = ""


@cache
def _fold_code() -> list[str]:
    """The text of the modules that decide requests one after another."""
    room = files("transforms.ledger")
    modules = sorted(each.name for each in room.iterdir() if each.name.endswith(".py"))
    return [room.joinpath(name).read_text(encoding="utf-8") for name in modules]


def _its_period(_table: str, period: Period) -> Period:
    return period


def last_moment(_context: Context, period: Period) -> datetime:
    """The end of a period's last day."""
    return datetime.combine(period.last_day, time.max)


def _never(*_: object) -> None:
    return None


def _always(*_: object) -> bool:
    return True


def _nothing_besides(*_: object) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Command:
    """A command that falls due regularly, for a period.

    What it is called and does:
    `place`: among the commands that fall due on one day, the lower first. `span`: what its period
    is; `which`: a sentence on it, where that is not plain. `help`: a sentence; `dry_run`: what a
    dry run says. `room`: the folder of its SQL. `tables`: what it publishes; the first one's files
    tell which periods are published. `partition`: a table's partition of a period, where that is
    another one. `parts`: what its manifest counts;
    `besides`: what follows from these. `told`: sentences that are printed where a part of the
    manifest, by which they are keyed, is not empty.

    What it is made from:
    `inputs`: the files that a period reads. `given`: small relations made from policies or
    reference data. `unions`: relations that are several others read as one. `stands_for`: relations
    that are another one under this name. `fold`: what it decides one after another. `narrow`: by an
    input the query whose rows name, in their only column, the partitions that are read of it.
    `dates`: the period's `run_context`. `policies`: digests of the policy values that a period
    rests on. `asks_until`: the last moment that its rules ask about; what rows with dates of their
    own tell of later ones is none of its business (R1, R2). `strangers`: whom its tables name that
    nobody knows. `too_large`: whose sums don't fit 64 bits.

    When it can run:
    `due_on`: the day on which a period falls due. `needs`: exports of which all, `one_of`: of which
    one must have been delivered. `missing`: by export the months without rows that a period needs
    some of; they can be accepted, with the flag `allow_missing_months`. `ledger`: the one that a
    period opens from; `feeds`: one that it credits. `require` raises NotReady, WrongUsage or
    PolicyError where a period could not be made yet, and returns what its manifest says of it
    besides. `skipped`: why a period is not to be made, if it is not. `lost`:
    why it can't be made again, whatever is done. `calls_for`: whether what was delivered calls for
    a period up to the last delivered month of `paced_by`; by default, a ledger that has begun does.
    `in_force`: whether the policies have a period at all. `idle`: why a scheduled run has nothing
    to do, where that is not why a period is skipped.
    """

    name: str
    place: int
    span: Literal["month", "year"]
    help: str
    room: str
    tables: tuple[str, ...]
    inputs: Callable[[Context, Period], Inputs]
    dates: Callable[[Context, Period], Dates]
    policies: Callable[[Context, Period], Mapping[str, str]]
    due_on: Callable[[Policies, Period], date]
    paced_by: tuple[str, ...]
    dry_run: str = "Say what would change; publish nothing."
    which: str = ""
    flags: tuple[Flag, ...] = ()
    partition: Callable[[str, Period], Period] = _its_period
    parts: tuple[Part, ...] = ()
    besides: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _nothing_besides
    told: Mapping[str, str] = field(default_factory=dict)
    given: Callable[[Context, Period], Mapping[str, pa.Table]] = _nothing_besides
    unions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stands_for: Mapping[str, str] = field(default_factory=dict)
    fold: Fold | None = None
    narrow: Mapping[str, str] = field(default_factory=dict)
    asks_until: Callable[[Context, Period], datetime] = last_moment
    strangers: Strangers | None = None
    too_large: TooLarge | None = None
    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    ledger: Ledger | None = None
    feeds: Ledger | None = None
    missing: Callable[[Context, Period], Mapping[str, Sequence[str]]] = _nothing_besides
    require: Callable[[Context, Period], Mapping[str, Any] | None] = _never
    skipped: Callable[[Context, Period], str | None] = _never
    lost: Callable[[Context, Period], str | None] = _never
    calls_for: Callable[[Context, Period], bool] | None = None
    in_force: Callable[[Policies, Period], bool] = _always
    idle: Callable[[Context, Period], str | None] | None = None

    @cached_property
    def dependencies(self) -> Dependencies:
        """Its tables and what lies between them and its inputs, as the SQL's headers say."""
        made_of: dict[str, Sequence[str]] = {name: [of] for name, of in self.stands_for.items()}
        if self.fold is not None:
            made_of |= dict.fromkeys(self.fold.hands_on.values(), self.fold.reads)
        return Dependencies(self.room, self.tables, {**self.unions, **made_of})

    @cached_property
    def counting(self) -> tuple[Transform, ...]:
        """The queries of its parts."""
        return tuple(load_transform(f"{self.room}/{part.sql}") for part in self.parts)

    @cached_property
    def code(self) -> list[str]:
        """What else than data decides its rows, as texts: a change of it makes periods stale.

        The SQL between inputs and tables, how its relations are put together, and the fold's code.
        """
        narrow = [load_transform(f"{self.room}/{sql}").body for sql in self.narrow.values()]
        declared = [sorted(self.unions.items()), sorted(self.stands_for.items()), self.fold]
        of_fold = [] if self.fold is None else _fold_code()
        return [self.dependencies.sql, *narrow, *map(repr, declared), *of_fold]

    @cached_property
    def columns_read(self) -> dict[str, set[str]]:
        """The columns of each input that a change of makes a period stale."""
        return self.dependencies.columns_read(self.counting)

    @property
    def switches(self) -> tuple[Flag, ...]:
        """Its flags, with the one by which it is made from what is stale, if it can be."""
        return (*self.flags, FROM_STALE) if self.ledger or self.feeds else self.flags

    @property
    def shown(self) -> Shown:
        """What is shown of its runs."""
        headings = {
            part.name: list(reversed(PUBLISHED[self.tables[0]].domain(part.pivot[0]) or []))
            for part in self.parts
            if part.pivot is not None
        }
        ledger = None if self.ledger is None else self.ledger.title
        return Shown(self.span, self.parts, self.told, ledger, headings)

    def ready(
        self, context: Context, period: Period, allow_missing_months: bool = False
    ) -> dict[str, Any]:
        """What `require` returns, and what was not delivered and is accepted, now or before.

        Raises as `require` does, and NotReady naming the months that were never delivered.
        """
        required = self.require(context, period) or {}
        missing = self.missing(context, period)
        gaps = [f"{export} {month}" for export, months in missing.items() for month in months]
        table, partition = self.tables[0], self.partition(self.tables[0], period)
        accepted = {
            gap
            for path in context.file_of(table, partition).values()
            for gap in context.state.entry(path).gaps
        }
        if not allow_missing_months and not accepted.issuperset(gaps):
            needed = " and ".join(f"{export} of {', '.join(of)}" for export, of in missing.items())
            raise NotReady(
                f"{self.name} {period} needs {needed}, which was never delivered; ingest it, or "
                "accept the gap with --allow-missing-months"
            )
        months = sorted({month for of in missing.values() for month in of})
        found = {"missing_months": months, "gaps": gaps} if ALLOW_MISSING in self.flags else {}
        return {**required, **found}

    def line(self, period: Period) -> str:
        """The command line that makes a period."""
        return f"pointbook {self.name} --{self.span} {period}"

    def opening(self, context: Context, period: Period) -> Period | None:
        """The period of its ledger that one opens from; none where it starts the ledger."""
        assert self.ledger is not None
        return self.ledger.opening(context, self.partition(self.ledger.lots, period))

    def called_for(self, context: Context, period: Period) -> bool:
        """Whether what was delivered and begun calls for a period."""
        if self.calls_for is not None:
            return self.calls_for(context, period)
        return self.ledger is not None and self.ledger.has_begun(context, period)

    def why_skipped(self, context: Context, period: Period) -> str | None:
        """Why a period is not to be made, if it is not; whatever was delivered."""
        return (
            self.skipped(context, period)
            or (self.ledger and self.ledger.before_start(context, period))
            or self.lost(context, period)
        )

    def why_idle(self, context: Context, period: Period) -> str | None:
        """Why a scheduled run has nothing to do, if so."""
        if self.idle is not None:
            return self.idle(context, period)
        return self.not_delivered(context) or self.why_skipped(context, period)

    def published(self, context: Context) -> list[Period]:
        """The periods that it has published, in their order."""
        table = self.tables[0]
        found = (self.period_of(table, partition) for partition in context.periods(table))
        return [period for period in found if period is not None]

    def period_of(self, table: str, partition: Period) -> Period | None:
        """The period of which a table has this partition; none if it is another command's."""
        candidates = (partition, partition.whole_year) if self.span == "year" else (partition,)
        for period in candidates:
            if period.span == self.span and self.partition(table, period) == partition:
                return period
        return None

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
