"""Points: a month of the points ledger, from credits to closing balances (P1-P7, P11, P12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from flows.commands.collected import collected_files
from flows.commands.declaration import Command
from flows.console.errors import NotReady, RunFailed
from flows.publishing.ledgers import (
    YEAR_END,
    before_opening,
    begun,
    last_day,
    month_before,
    month_of,
    opening_period,
    parse_month,
    year_end,
)
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    Inputs,
    TablesInBatches,
    WrittenTable,
    digest,
    name_inputs,
    name_policies,
    name_table,
    publish_table,
    run_context,
    write_and_audit,
)
from schemas.derive import staged_schema
from schemas.exports import EXPORTS
from schemas.tables import PUBLISHED
from transforms.engine.engine import Engine, Transform, load_transform
from transforms.policies.assessment import assessment, grant
from transforms.policies.business_days import pay_days
from transforms.policies.policy import Policies, PolicyError

if TYPE_CHECKING:
    from transforms.ledger.fold import Folded

OF_POINTS: Final = ("billing", "promotions", "purchases")
"""The exports that credits come from."""
TABLES: Final = (
    "point_entries",
    "point_lots",
    "point_balances",
    "point_liability",
    "point_exceptions",
    "redemption_results",
    "refund_results",
)
POLICIES: Final = (
    "point_benefit_partners",
    "point_benefits",
    "point_credit_terms",
    "point_grant_terms",
    "point_payment_credits",
    "point_purchase_credits",
    "point_refund_fees",
    "point_refund_terms",
    "tier_lines",
)
"""What a month's rules read on its days; changes of policy beside them (`known_changes`)."""
_CHANGES: Final = "point_policy_changes"
AS_OF_THEN: Final = {"customers": ("contact", "address")}
"""What counts as it stands when a period is closed: a refund was due to whoever had the number
then, so a new one makes no period stale.
"""
_INTERMEDIATE: Final = (
    "collections",
    "point_credits",
    "point_requests",
    "sought_redemptions",
    "earlier_redemptions",
    "cancelled_takings",
    "tickets",
    "restorable_lots",
    "earlier_takings",
    "restored_lots",
    "lots_at_hand",
    "ledger_events",
    "ledger_lots",
    "month_lots",
    "month_entries",
    "month_redemptions",
    "month_balances",
)
_FOLDED: Final = ("lots_to_move", "redemptions", "refund_applications")
"""What lots and requests come from, a row for each."""
_REQUESTS: Final = ("redemptions", "refund_applications")
_TOGETHER: Final = {"all_requests": _REQUESTS, "lots_to_move": ("opening_lots",)}
"""What SQL reads as one, with rows that the close itself makes."""
_ALIASES: Final = {
    "opening_lots": "point_lots",
    "earlier_results": "redemption_results",
    "earlier_entries": "point_entries",
    "earlier_extensions": "point_entries",
}
_OF_LOT: Final = (
    "customer_id",
    "lot_id",
    "kind",
    "credited_on",
    "expires_on",
    "refundable",
    "credited",
    "shortened_from",
    "changes_on",
    "changed_expires_on",
)
_OF_EVENT: Final = ("event_id", "occurred_at", "on_day", "action")


def close_points(
    options: Options, month: str, step: StepRunner = plainly, *, dry_run: bool = False
) -> dict[str, Any]:
    """Publishes a month (YYYY-MM) of the points ledger; returns the manifest.

    `dry_run`: publishes nothing, and tells who would gain and lose. Raises NotReady where the month
    before, or the year's grants, are not published; RunFailed where an audit finds a point
    unaccounted for (P11).
    """
    parse_month(month)
    with Run.of(options, "points", {"month": month}) as run:
        context = Context.of(options)
        opening = _require(context, month)
        if reason := _forgotten(context, month):
            raise RunFailed(reason)
        with options.start_engine(run.scratch) as engine:
            inputs = point_inputs(context, month)
            name_inputs(engine, inputs, context.state)
            close = _Close(run, engine, context, month, inputs)
            step("prepare requests", close.prepare)
            step("decide", close.decide)
            written, claims = step("close", close.write)
            movements = engine.rows(load_transform("points/entry_counts")).to_pylist()
            answers = engine.rows(load_transform("points/answer_counts")).to_pylist()
            totals = engine.rows(load_transform("points/balance_totals")).to_pylist()[0]
        fingerprints = point_fingerprints(context, month)
        for table in written:
            publish_table(run, table, fingerprints)
        return run.commit(
            {
                "month": month,
                "opens_from": opening or None,
                "starts_ledger": not opening,
                "policies": context.policies.digest,
                "movements": movements,
                "answers": answers,
                "totals": totals,
                "inputs": inputs.as_manifest(context.state),
                "audits": claims,
            },
            dry_run=dry_run,
        )


def points_opening(context: Context, month: str) -> str:
    """The period that a month opens from; empty where it starts the ledger.

    Raises NotReady where that period is not published.
    """
    before = month_before(month)
    remedy = f"pointbook points --month {before}"
    if before[:4] != month[:4]:
        before = year_end(int(before[:4]))
        remedy = f"pointbook sweep --year {before[:4]}"
    return opening_period(context, "point_lots", month, before, remedy)


def point_inputs(context: Context, month: str) -> Inputs:
    """The files that a month's close reads."""
    first = parse_month(month)
    last = last_day(first)
    opening = points_opening(context, month)
    bills, late = collected_files(context, first, last)
    entries = context.files("point_entries")
    granted = grant(context.policies, first.year).granted_on
    return Inputs(
        {
            "opening_lots": context.file_of("point_lots", opening),
            "billing": bills,
            "billing_late_collections": late,
            **{
                name: context.file_of(name, month)
                for name in ("promotions", "purchases", "redemptions", "refund_applications")
            },
            "point_grants": context.file_of(
                "point_grants", str(first.year) if first <= granted <= last else ""
            ),
            "tier_snapshot": context.file_of("tier_snapshot", str(first.year)),
            "customers": context.files("customers"),
            "earlier_results": _before(context.files("redemption_results"), month),
            "earlier_entries": _before(entries, month, year_ends=False),
            "earlier_extensions": _before(entries, month, year_ends=True),
        },
        _ALIASES,
        _TOGETHER,
    )


def point_fingerprints(context: Context, month: str) -> dict[str, str]:
    """What a month's close is made from: digests of what its rules read."""
    transforms = [load_transform(f"points/{name}") for name in (*_INTERMEDIATE, *TABLES)]
    found = point_inputs(context, month).fingerprints(context.state, transforms, AS_OF_THEN)
    first = parse_month(month)
    last = last_day(first)
    return found | {
        "policies": context.policies.fingerprint_between(POLICIES, first, last),
        _CHANGES: digest(known_changes(context.policies, effective_by=last)),
    }


def known_changes(
    policies: Policies, effective_by: date, announced_by: date = date.min
) -> list[dict[str, object]]:
    """The changes of policy (P7) that took effect, or were announced, by a day.

    A change holds if its row is in force on the day on which it takes effect.
    """
    columns = ("kind", "announced_on", "effective_on", "expires_on")
    known = []
    for row in policies.rows(_CHANGES):
        announced_on = cast("date | None", row["announced_on"])
        effective_on = cast("date | None", row["effective_on"])
        if effective_on is None or row not in policies.in_force(_CHANGES, effective_on):
            continue
        if effective_on <= effective_by or (announced_on and announced_on <= announced_by):
            known.append({name: row[name] for name in columns})
    return known


@dataclass
class _Close:
    """The close of a month on its way, step by step."""

    run: Run
    engine: Engine
    context: Context
    month: str
    inputs: Inputs
    ready: Sequence[WrittenTable] = ()

    def prepare(self) -> None:
        """Names the month's credits and requests."""
        engine, first = self.engine, parse_month(self.month)
        run_context(engine, month=self.month, first_day=first, last_day=last_day(first))
        engine.table("pay_days", _pay_days(self.context.policies, first))
        self._name_policies([_points(name) for name in (*_INTERMEDIATE, *TABLES)])
        engine.view("collections", _points("collections"))
        credited = engine.file("point_credits", _points("point_credits"))
        engine.create("sought_redemptions", _points("sought_redemptions"))
        earlier = engine.file("earlier_redemptions", _points("earlier_redemptions"))
        self._read_no_other_entries()
        for name in ("cancelled_takings", "tickets", "restorable_lots"):
            engine.create(name, _points(name))
        self._name_requests(earlier)
        self._name_lots(credited, engine.file("restored_lots", _points("restored_lots")))

    def decide(self) -> None:
        """Takes the requests one by one, and names what came of them."""
        # commands that only look do not wait for it to load
        from transforms.ledger.fold import fold

        engine = self.engine
        # before the streams, which hold what they have sorted
        earlier_takings = engine.rows(_points("earlier_takings"))
        with (
            self._in_batches("folded_lots", ["point_lots"], lots_in_order="month_lots") as lots,
            self._in_batches(
                "folded_events",
                ["redemption_results", "refund_results"],
                redemptions_in_order="month_redemptions",
            ) as answers,
            self._in_batches(
                "movements", ["point_entries"], entries_in_order="month_entries"
            ) as entries,
            self._in_batches(
                "folded_accounts", ["point_balances"], balances_in_order="month_balances"
            ) as balances,
        ):
            fold(
                *engine.streams(
                    _points("ledger_lots"), _points("ledger_events"), _FOLDED, by="customer_id"
                ),
                (
                    lambda folded: lots.write(folded.lots),
                    lambda folded: answers.write(folded.events),
                    lambda folded: entries.write(folded.movements),
                    lambda folded: balances.write(self._turnover(folded)),
                ),
                spending_order="earliest_expiry",
                of_lot=_OF_LOT,
                of_event=_OF_EVENT,
                earlier_takings=earlier_takings,
                account="customer_id",
                emptied=False,
            )
        parts = (lots, answers, entries, balances)
        self.ready = [table for part in parts for table in part.written]

    def write(self) -> tuple[list[WrittenTable], list[str]]:
        """Writes the other tables aside and audits all of them."""
        return write_and_audit(
            self.run,
            self.engine,
            self.context.policies,
            [_points(table) for table in TABLES],
            self.month,
            ready=self.ready,
        )

    def _turnover(self, folded: Folded) -> pa.Table:
        from transforms.ledger.turnover import TooMuch, turnover

        try:
            return turnover(folded, "customer_id", last_day(parse_month(self.month)))
        except TooMuch as error:
            raise RunFailed(
                f"points that 64 bits can't hold: {error}; correct what they are credited for; "
                "nothing was published"
            ) from error

    def _in_batches(self, relation: str, tables: Sequence[str], **between: str) -> TablesInBatches:
        return TablesInBatches(
            self.run,
            self.engine,
            relation,
            [_points(table) for table in tables],
            self.month,
            {name: _points(way) for name, way in between.items()},
        )

    def _name_requests(self, earlier: Path) -> None:
        """Names the requests of both exports, and the earlier redemptions that they name."""
        files = [path for name in _REQUESTS for path in self.inputs.files[name].values()]
        schemas = [staged_schema(EXPORTS[name]) for name in _REQUESTS]
        schema = pa.unify_schemas([*schemas, pq.read_schema(earlier)])
        self.engine.relation("all_requests", [*files, earlier], schema, by_name=True)
        self.engine.view("point_requests", _points("point_requests"))

    def _name_lots(self, credited: Path, restored: Path) -> None:
        """Names the lots of all origins."""
        opening = self.inputs.files["opening_lots"].values()
        self.engine.files("lots_to_move", [credited, restored, *opening])
        self.engine.view("lots_at_hand", _points("lots_at_hand"))

    def _read_no_other_entries(self) -> None:
        """Narrows the earlier entries to the months of the redemptions that are cancelled."""
        found = self.engine.rows(_points("cancelled_months"))
        entries = self.context.files("point_entries")
        files = [entries[month] for month in found["month"].to_pylist()]
        name_table(
            self.engine,
            PUBLISHED["point_entries"],
            files,
            self.context.state,
            "earlier_entries",
        )

    def _name_policies(self, transforms: Sequence[Transform]) -> None:
        name_policies(self.engine, self.context.policies, transforms)


def _points(name: str) -> Transform:
    return load_transform(f"points/{name}")


def _pay_days(policies: Policies, first: date) -> pa.Table:
    span = (last_day(first) - first).days + 1
    days = [first + timedelta(days=number) for number in range(span)]
    terms = {day: policies.in_force("point_refund_terms", day)[0] for day in days}
    return pay_days({day: cast("int", row["business_days"]) for day, row in terms.items()})


def _before(
    files: Mapping[str, Path], month: str, *, year_ends: bool | None = None
) -> dict[str, Path]:
    return {
        period: path
        for period, path in files.items()
        if period < month and year_ends in (None, period.endswith(YEAR_END))
    }


def _require_single_changes(policies: Policies) -> None:
    """Raises PolicyError where two changes of a kind take effect in one month (P7)."""
    seen: set[tuple[str, str]] = set()
    for row in policies.rows(_CHANGES):
        if row["effective_on"] is None:
            continue
        change = (str(row["kind"]), month_of(cast("date", row["effective_on"])))
        if change in seen:
            raise PolicyError(
                f"point_policy_changes.yaml: two changes of {change[0]} lots take effect in "
                f"{change[1]}; make them one"
            )
        seen.add(change)


def _forgotten(context: Context, month: str) -> str | None:
    """Why a month can't be closed again: retention took out what refunds are compared by (P6)."""
    files = context.file_of("refund_applications", month).values()
    if not any(context.state.entry(path).forgotten for path in files):
        return None
    return (
        f"points {month} can't be closed again: retention removed the hashes that its refunds are "
        "compared by; what is published stands"
    )


def _require_grants(context: Context, first: date) -> None:
    """Raises NotReady where the month's grants are still to come: they are its first credits."""
    year = first.year
    granted_on = grant(context.policies, year).granted_on
    if not first <= granted_on <= last_day(first) or str(year) in context.files("point_grants"):
        return
    grants = f"`pointbook grants --year {year}`"
    if str(year) in context.files("tier_snapshot"):
        raise NotReady(f"points {first:%Y-%m} needs the grants of {year}; run {grants} first")
    window = assessment(context.policies, year).months
    if context.files("customers") and set(window) <= set(context.files("billing")):
        raise NotReady(
            f"points {first:%Y-%m} needs the grants of {year}, whose bills are delivered; run "
            f"`pointbook tiers --year {year}` and {grants} first"
        )


def _require(context: Context, month: str) -> str:
    """The period that a month opens from, as `points_opening` says; all that it needs is there."""
    first = parse_month(month)
    COMMAND.require_delivered(context)
    opening = points_opening(context, month)
    _require_grants(context, first)
    context.policies.require((*POLICIES, _CHANGES), first, last_day(first))
    _require_single_changes(context.policies)
    return opening


COMMAND: Final = Command(
    "points",
    "month",
    TABLES,
    run=close_points,
    inputs=point_inputs,
    fingerprints=point_fingerprints,
    require=_require,
    due_on=lambda _, month: last_day(parse_month(month)),
    called_for=lambda context, month: begun(context, "point_lots", month),
    passed_by=lambda context, month: (
        before_opening(context, "point_lots", month) or _forgotten(context, month)
    ),
    paced_by=OF_POINTS,
    needs=("customers",),
    one_of=OF_POINTS,
    artifacts=(
        ("points-movements", "movements", "Points by what moved them"),
        ("points-answers", "answers", "Answers to redemptions and refund applications"),
    ),
)
