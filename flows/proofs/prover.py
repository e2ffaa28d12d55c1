"""What is claimed of published periods, proven again from what they were made from.

The claims are the audits that ran before publishing, over the published files, and those in
`transforms/proof`. A relation that has changed since a period was published says nothing about
it: what reads that is left out until the period is renewed (`pointbook status` names it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from flows.commands.dated import DATED
from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.commands.template import CODE, fingerprints
from flows.console.errors import PointbookError, ProofFailed
from flows.publishing.commit import Entry
from flows.publishing.ledgers import OPENED_BY, POINTS
from flows.publishing.run import Context
from flows.publishing.write_audit import (
    Inputs,
    breach_of,
    changed_inputs,
    claims_of,
    name_inputs,
    name_policies,
    name_table,
    run_context,
)
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED
from transforms.engine.engine import POLICY, Engine, Transform
from transforms.policies.policy import PolicyError

UNPUBLISHED: Final = frozenset({"mileage_lots_at_hand", "tier_scale"})
"""What a command works with and doesn't publish: audits that read it are not repeated."""
OVER_ALL_PERIODS: Final = frozenset({"redemption_results__no_more_than_taken"})
"""Audits that compare a period with all before it: proven once, of all periods together."""
_EARLIER: Final = {"earlier_results": "redemption_results", "earlier_entries": "point_entries"}
_OPENED_FROM: Final = {
    "opening_balances": ("point_balances", "opening_lots"),
    "opening_mileage_balances": ("mileage_balances", "opening_mileage_lots"),
}
"""The balances that a period's open from: of the periods of the lots that it opened from."""


@dataclass(frozen=True)
class Published:
    """One period of a command's tables, as it is current: its files, and what they were made from.

    `recorded`: the fingerprints that it was published with.
    """

    command: Command
    period: Period
    files: Mapping[str, Path]
    recorded: Mapping[str, str]

    @property
    def line(self) -> str:
        """The command line that publishes it."""
        return self.command.line(self.period)


def proven_periods(context: Context) -> list[Published]:
    """Every published period of every command, in the order of periods, then of commands."""
    found: dict[tuple[Period, str], dict[str, Path]] = {}
    for name in PUBLISHED:
        for path in context.files(name).values():
            by = publisher(context.state.entry(path))
            if by is not None:
                command, period = by
                found.setdefault((period, command.name), {})[name] = path
    order = list(COMMANDS)
    periods = sorted(found.items(), key=lambda item: (str(item[0][0]), order.index(item[0][1])))
    entry = context.state.entry
    return [
        Published(COMMANDS[name], period, files, entry(next(iter(files.values()))).inputs)
        for (period, name), files in periods
    ]


def publisher(entry: Entry) -> tuple[Command, Period] | None:
    """The command that publishes a table's file, and the period that it takes.

    There is no such command for what a ledger was opened with, and for restatements.
    """
    if OPENED_BY in entry.inputs or entry.table is None or entry.period is None:
        return None
    for command in COMMANDS.values():
        if entry.table in command.tables:
            period = command.period_of(entry.table, entry.kept_by)
            if period is not None:
                return command, period
    return None


def remedy(entry: Entry) -> str:
    """What makes a damaged file whole again."""
    by = publisher(entry)
    if by is None:
        return "restore it from a backup"
    command, period = by
    return f"run `{command.line(period)}` again"


def table_of(claim: Transform) -> str:
    """The table that an audit or proof is of."""
    return claim.title.partition("__")[0]


def reads_exports(claim: Transform) -> bool:
    """Whether it compares a table with what was delivered."""
    return not EXPORTS.keys().isdisjoint(claim.inputs)


class Prover:
    """Proves claims of published periods, one after the other, in one session."""

    def __init__(self, engine: Engine, context: Context) -> None:
        self._engine = engine
        self._context = context
        self.periods = proven_periods(context)
        self._changed: dict[tuple[str, Period], frozenset[str]] = {}
        self._inputs: dict[tuple[str, Period], Inputs] = {}
        self.done = 0.0
        for command in COMMANDS.values():
            name_policies(engine, context.policies, self._claims(command))

    def stale(self) -> dict[str, list[str]]:
        """What has changed since a period was published, by the command line that renews it."""
        return {
            period.line: sorted(changed)
            for period in self.periods
            if (changed := self.changed(period))
        }

    def changed(self, period: Published) -> frozenset[str]:
        """The relations of which something that the period's rules read has changed since.

        `policies` among them means the values in force.
        """
        key = (period.command.name, period.period)
        if key not in self._changed:
            try:
                now = fingerprints(period.command, self._context, period.period)
            except (PointbookError, PolicyError):
                now = {}
            self._changed[key] = frozenset(changed_inputs(period.recorded, now))
        return self._changed[key]

    def prove(self, wanted: Callable[[Transform], bool]) -> int:
        """Proves the wanted claims, period by period; returns how many hold.

        Raises ProofFailed for the first that doesn't. `done` is the share of the periods that are
        done with.
        """
        proven = 0
        for number, period in enumerate(self.periods):
            self.done = number / len(self.periods)
            claims = [
                claim
                for claim in self._claims(period.command)
                if wanted(claim) and self._can_be_proven(claim, period)
            ]
            if claims:
                self._name(period, claims)
            for claim in claims:
                self._require(claim, period)
            proven += len(claims)
        return proven + self._prove_over_all_periods(wanted)

    def _require(self, claim: Transform, period: Published) -> None:
        """Raises ProofFailed where a claim does not hold, naming its table's file."""
        if breach := breach_of(self._engine, claim):
            raise ProofFailed(
                f"{period.files[table_of(claim)]}: {breach}; see transforms/{claim.name}.sql, and "
                f"run `{period.line}` again"
            )

    def _claims(self, command: Command) -> list[Transform]:
        tables = command.tables
        return [
            claim
            for claim in [*claims_of(tables), *claims_of(tables, "proof")]
            if UNPUBLISHED.isdisjoint(claim.inputs)
        ]

    def _can_be_proven(self, claim: Transform, period: Published) -> bool:
        """Whether all is there that a claim reads, and is what the period was made from."""
        changed = self.changed(period)
        # after a change of code what a claim reads may be of another version than the files
        if claim.title in OVER_ALL_PERIODS or CODE in changed:
            return False
        return all(self._is_at_hand(relation, period, changed) for relation in claim.inputs)

    def _is_at_hand(self, relation: str, period: Published, changed: frozenset[str]) -> bool:
        """Whether a relation is there, and is what the period was made from."""
        if relation == "run_context" or relation.startswith(POLICY):
            return "policies" not in changed
        told_of = DATED.get(relation, relation)
        if told_of in changed:
            return False
        if relation in _OPENED_FROM and relation not in period.files:
            table, lots = _OPENED_FROM[relation]
            return lots not in changed and bool(self._opening_balances(period, table, lots))
        if relation in period.files or told_of in period.recorded:
            return True
        # no fingerprint is taken of what only audits read: it follows from what the tables read
        return not changed and relation in self._made_from(period).files

    def _name(self, period: Published, claims: list[Transform]) -> None:
        """Names what the claims read: the period's own tables, and what they were made from."""
        relations = {relation for claim in claims for relation in claim.inputs}
        for table in relations & period.files.keys():
            self._name_table(table, [period.files[table]])
        for relation in relations & _OPENED_FROM.keys():
            table, lots = _OPENED_FROM[relation]
            files = self._opening_balances(period, table, lots)
            self._name_table(table, files, relation)
        inputs = self._made_from(period)
        rest = relations - period.files.keys()
        files_of = {name: files for name, files in inputs.files.items() if name in rest}
        name_inputs(self._engine, Inputs(files_of, inputs.tables), self._context.state)
        if "run_context" in relations:
            run_context(self._engine, **period.command.dates(self._context, period.period))

    def _name_table(self, table: str, files: Sequence[Path], relation: str | None = None) -> None:
        name_table(self._engine, PUBLISHED[table], files, self._context.state, relation)

    def _opening_balances(self, period: Published, table: str, lots: str) -> list[Path]:
        opened_from = self._made_from(period).files.get(lots, {})
        balances = self._context.files(table)
        return [balances[name] for name in opened_from if name in balances]

    def _made_from(self, period: Published) -> Inputs:
        key = (period.command.name, period.period)
        if key not in self._inputs:
            self._inputs[key] = period.command.inputs(self._context, period.period)
        return self._inputs[key]

    def _prove_over_all_periods(self, wanted: Callable[[Transform], bool]) -> int:
        """Proves claims over the periods before the first that rests on what has changed since."""
        ledger = (
            period
            for period in self.periods
            if period.command.ledger is POINTS and POINTS.lots in period.command.tables
        )
        whole = list(takewhile(lambda period: not self.changed(period), ledger))
        claims = [
            claim
            for claim in self._claims(COMMANDS[POINTS.command])
            if claim.title in OVER_ALL_PERIODS and wanted(claim) and whole
        ]
        for claim in claims:
            for relation in claim.inputs:
                files = [p.files[relation] for p in whole if relation in p.files]
                self._name_table(_EARLIER.get(relation, relation), files, relation)
            self._require(claim, next(p for p in whole if table_of(claim) in p.files))
        return len(claims)
