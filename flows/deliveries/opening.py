"""Opening: a ledger of points or miles starts with the lots of an older system (P12).

The lots become what is left at the end of the period before the ledger's first month, so that the
month opens from them as from any other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from flows.console.errors import NotReady, RunFailed, WrongUsage
from flows.console.terminal import shown
from flows.deliveries.check import rejected_rows
from flows.deliveries.ingest import file_quarantine
from flows.deliveries.intake import FileReport, Intake
from flows.deliveries.landing import Deliveries, LandedFile
from flows.publishing.ledgers import MILES, OPENED_BY, POINTS, Ledger
from flows.publishing.options import Options
from flows.publishing.run import Context, Run
from flows.publishing.steps import StepRunner, plainly
from flows.publishing.write_audit import (
    WrittenTable,
    audit,
    publish_table,
    run_context,
    write_and_audit,
)
from schemas.derive import staged_schema, stored_schema
from schemas.exports import EXPORTS, OWNERS, opening_lots
from schemas.periods import Period
from schemas.tables import PUBLISHED
from transforms.engine.engine import Transform, load_transform
from transforms.exports.merge import WHOLE
from transforms.exports.validate import as_series

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Openable:
    """A ledger that can be opened: whose lots it has, and how they become its table.

    `room`: the folder of its SQL. `handed_on`: the relation that the table's transform reads, and
    what makes it of the lots.
    """

    ledger: Ledger
    owners: str
    room: str
    handed_on: tuple[str, str]


_LEDGERS: Final = (
    Openable(POINTS, "customers", "points", ("lots_in_order", "opened_point_lots")),
    Openable(MILES, "members", "mileage", ("mileage_lots_after_requests", "opened_mileage_lots")),
)
_CLAIM: Final = "within_their_credit"
"""What is audited of the lots themselves; they have no entries yet."""


def open_ledger(
    options: Options, month: Period, lots: Path, dry_run: bool = False, step: StepRunner = plainly
) -> dict[str, Any]:
    """Opens the ledger of points or of miles, as the lots are, with a month.

    Returns the manifest; the file's status in it says whether it was held back. `dry_run`:
    publishes nothing, and shows examples of what would be rejected. Raises WrongUsage where there
    is no such file or the ledger has begun, RunFailed where the file is refused as a whole,
    NotReady where those who may own lots were never delivered.
    """
    require_file(lots)
    parameters = {"month": str(month), "lots": shown(lots.name), "dry_run": dry_run}
    parameters["max_reject_rate"] = options.max_reject_rate
    with Run(options, "open", parameters) as run:
        context = Context.of(options)
        opening = _Opening(run, options, context, month.first_day)
        report = step("read", lambda: opening.read(lots))
        content: dict[str, Any] = {"month": str(month), "ledger": None, "period": None}
        content |= {"lots": [], "totals": None, "audits": []}
        if report.status == "accepted":
            content |= step("open", lambda: opening.open(month, report))
        content |= opening.told(report, examples=dry_run)
        opening.publish(report)
        return run.commit(content, dry_run=dry_run)


def require_file(lots: Path) -> None:
    """Raises WrongUsage where nothing is at the path."""
    if not os.path.lexists(lots):
        raise WrongUsage(f"no such file: {shown(str(lots))}; check the name")


class _Opening:
    """An opening on its way: reads the file, then writes the lots of the ledger that it is of."""

    def __init__(self, run: Run, options: Options, context: Context, first: date) -> None:
        self._run = run
        self._context = context
        self._rate = options.max_reject_rate
        self._first = first
        self._owners = _known_owners(context)
        self._export = opening_lots(first, self._owners)
        self._intake = Intake(run.scratch, options, Deliveries())
        self._written: WrittenTable | None = None

    def read(self, lots: Path) -> FileReport:
        """Reads the file; raises RunFailed where it is no good as a whole."""
        room = Path(os.path.realpath(lots)).parent
        report = self._intake.read(LandedFile(0, self._export, lots, room))
        if report.status == "rejected":
            raise RunFailed(f"{_name(report)}: {report.reason}; nothing was published")
        if report.status == "accepted" and report.rows["accepted"]:
            self._hold_back_if_lots_lack(report)
        return report

    def _hold_back_if_lots_lack(self, report: FileReport) -> None:
        """Holds a file back for its rejected rows, or for what they held, however few they are.

        A delivery's rows come again, a ledger's lots don't.
        """
        for what, counts in {"rows": report.rows, **report.amounts}.items():
            rejected, delivered = counts["quarantined"], counts["delivered"]
            if rejected > self._rate * delivered:
                reason = (
                    f"{what}: {rejected:,} of {delivered:,} rejected, more than {self._rate:.1%}"
                )
                report.hold_back(reason)
                return

    def open(self, month: Period, report: FileReport) -> dict[str, Any]:
        """Writes the lots to a temporary file and audits them; returns what the manifest tells.

        Nothing of a file that conflicting lots hold back.
        """
        delivered = self._merged(report)
        self._hold_back_if_lots_lack(report)
        if report.status == "held_back":
            return {}
        with self._run.engine() as engine:
            engine.relation("delivered_lots", [delivered], staged_schema(self._export))
            run_context(engine, first_day=self._first, day_after=self._first)
            counts = engine.rows(_sql("lot_counts")).to_pylist()
            openable = _openable({row["kind"] for row in counts}, report)
            ledger = openable.ledger
            if openable.owners not in self._owners:
                raise NotReady(
                    f"open: {openable.owners}, who own the lots, were never delivered; land them, "
                    "then run `pointbook ingest`"
                )
            self._require_not_begun(ledger, month)
            period = str(ledger.before(month))
            relation, transform = openable.handed_on
            engine.view(relation, _sql(transform))
            lots = load_transform(f"{openable.room}/{ledger.lots}")
            sound = load_transform(f"audits/{ledger.lots}__{_CLAIM}")
            (self._written,), claims = write_and_audit(
                self._run, engine, self._context.policies, [lots], period, [sound]
            )
            opened = stored_schema(PUBLISHED[ledger.lots])
            engine.relation("opened_lots", [self._written.temporary], opened)
            audit(engine, _sql("every_lot_opened"))
            totals = engine.rows(_sql("lot_totals")).to_pylist()[0]
        if totals["remaining"] != report.amounts["remaining"]["accepted"]:
            raise RunFailed(
                f"{_name(report)}: {report.amounts['remaining']['accepted']:,} accepted, "
                f"{totals['remaining']:,} opened; nothing was published"
            )
        audits = [*claims, "every_lot_opened"]
        content = {"ledger": ledger.command, "period": period, "lots": counts}
        return content | {"totals": totals, "audits": audits}

    def told(self, report: FileReport, examples: bool) -> dict[str, Any]:
        """The file as the manifest shows it, and examples of rejected rows where asked for."""
        opened_by = [{"path": report.file.name, "sha256": report.sha256}]
        told = {"inputs": {OPENED_BY: opened_by}, "files": [report.as_manifest()]}
        if examples:
            told["rejected"] = rejected_rows(report.reasons, self._intake.refused(report))
        return told

    def publish(self, report: FileReport) -> None:
        """Takes lots and quarantine into the run's commit."""
        file_quarantine(self._run, self._intake, report, set())
        if self._written is not None:
            assert report.sha256 is not None
            publish_table(self._run, self._written, {OPENED_BY: report.sha256})

    def _merged(self, report: FileReport) -> Path:
        """The file's good rows, each once; raises RunFailed where there is none."""
        target = self._run.scratch / "delivered_lots.parquet"
        whole = lambda merge: merge.write(WHOLE, lambda relation, partition: target)  # noqa: E731
        self._intake.merge(self._export, [report], whole)
        if not report.rows["accepted"]:
            reasons = ", ".join(f"{name} {n:,}" for name, n in sorted(report.reasons.items()))
            raise RunFailed(
                f"{_name(report)}: no lot in it is accepted ({reasons or 'it has no rows'}); mend "
                "it, then open the ledger again"
            )
        return target

    def _require_not_begun(self, ledger: Ledger, month: Period) -> None:
        """Raises WrongUsage where a month is closed, or the ledger starts with another one."""
        begun = ledger.first(self._context)
        if begun is None:
            return
        closed = set(self._context.files(ledger.lots)) - {str(ledger.opened(self._context))}
        if closed:
            raise WrongUsage(
                f"the ledger of {ledger.command} has begun: {min(closed)} is closed; open it in "
                "another workspace"
            )
        if begun != month:
            raise WrongUsage(
                f"the ledger of {ledger.command} was opened with {begun}; open it with that month "
                "again, or in another workspace"
            )


def _known_owners(context: Context) -> dict[str, pd.Series[str]]:
    """The ids of those who may own lots, by export; raises NotReady where none was delivered."""
    owners = {name: list(context.files(name).values()) for name in OWNERS}
    if not any(owners.values()):
        raise NotReady(
            "open: none of customers, members was ever delivered, and lots are theirs; land them, "
            "then run `pointbook ingest`"
        )
    ids = {}
    for name, files in owners.items():
        context.state.require_whole(files)
        if files:
            tables = [pq.ParquetFile(file).read(EXPORTS[name].key) for file in files]
            ids[name] = as_series(pa.concat_tables(tables)[0])
    return ids


def _openable(kinds: set[str], report: FileReport) -> Openable:
    """The ledger that lots of these kinds are of; raises RunFailed where they are of two."""
    found = [ledger for ledger in _LEDGERS if kinds & set(OWNERS[ledger.owners])]
    if len(found) > 1:
        raise RunFailed(
            f"{_name(report)}: lots of points and of miles ({', '.join(sorted(kinds))}); open "
            "each ledger with a file of its own"
        )
    return found[0]


def _sql(name: str) -> Transform:
    return load_transform(f"opening/{name}")


def _name(report: FileReport) -> str:
    return shown(report.file.name)
