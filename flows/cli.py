"""The `pointbook` command: parse, call, print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from pydantic import ValidationError

from flows import progress
from flows.environment import settle
from flows.errors import HeldBack, PointbookError, WrongUsage
from flows.options import DEMO, POLICIES, WORKSPACE, Options
from flows.terminal import shown
from transforms.policy import Policies, PolicyError

WORKSPACE_VARIABLE: Final = "POINTBOOK_WORKSPACE"
DryRun = Annotated[bool, Parameter(negative="")]
Year = Annotated[int, Parameter(validator=Number(gt=date.min.year, lt=date.max.year))]
_PRIVATE: Final = 0o077
_UNEXPECTED: Final = 1
_USAGE: Final = 2
_INTERRUPTED: Final = 130

app = App(
    name="pointbook",
    help="Membership tiers and points from billing exports: exact, explained, repeatable.",
    version_flags=["--version"],
)


@Parameter(name="*", group="Options of all commands")
@dataclass(frozen=True)
class Common:
    """The options that every command takes."""

    workspace: Path | None = None
    "Folder of the workspace; else POINTBOOK_WORKSPACE, else data/workspace."
    policies: Path = POLICIES
    "A complete folder of policy files."
    engine: str = "duckdb"
    "The engine that runs the SQL."
    memory: str = "4GB"
    "Bound on the memory of the whole process."
    threads: int | None = None
    "Threads to use; by default one a core."
    max_reject_rate: float = 0.05
    "Share of a file's rows above which the file is held back."
    json: bool = False
    "Print the manifest instead of a summary."
    quiet: bool = False
    "Print nothing but errors."
    debug: bool = False
    "Print the traceback of an error."

    def options(self, workspace: Path | None = None) -> Options:
        """The settings of a run, also for libraries that read theirs when imported.

        Raises WrongUsage for one that makes no sense.
        """
        options = self.settings(workspace)
        settle(options.workspace)
        return options

    def settings(self, workspace: Path | None = None) -> Options:
        """The settings alone, for what leaves the workspace alone.

        Raises WrongUsage for one that makes no sense.
        """
        chosen = self.workspace or workspace or _default_workspace()
        try:
            return Options(
                workspace=chosen,
                policies=self.policies,
                engine=self.engine,  # type: ignore[arg-type]
                memory=self.memory,
                threads=self.threads,
                max_reject_rate=self.max_reject_rate,
            )
        except ValidationError as error:
            first = error.errors()[0]
            flag = str(first["loc"][0]).replace("_", "-")
            raise WrongUsage(f"--{flag}: {first['msg'].removeprefix('Value error, ')}") from error


_DEFAULTS: Final = Common()


def _default_workspace() -> Path:
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Path(named) if named else WORKSPACE


@app.command
def demo(*, common: Common = _DEFAULTS) -> None:
    """Run the whole calendar over the sample exports, in a fresh workspace data/demo."""
    options = common.options(DEMO)
    from flows import demo as sample

    _check_policies(options)
    sample.prepare(options.workspace)
    manifest = _under_prefect("demo_flow", options, common)
    _print(manifest, common, "demo", options)


@app.command
def ingest(
    *exports_or_files: str,
    check: Annotated[bool, Parameter(negative="")] = False,
    export: str | None = None,
    common: Common = _DEFAULTS,
) -> None:
    """Stage what landed: of the named exports, or of all. With --check, stage nothing.

    Parameters
    ----------
    exports_or_files
        The exports to stage; with --check the files to look at.
    check
        Show what ingest would make of files, wherever they lie: rejected rows by reason with
        examples, duplicates and conflicts among the files. What is staged already is not looked
        at, and no workspace and no key for personal data is needed.
    export
        With --check, the export that the files are to be; else the folder of a file tells, else
        its header.
    """
    if check:
        _check_files(exports_or_files, export, common)
        return
    if export is not None:
        raise WrongUsage("--export goes with --check; ingest knows an export by its folder")
    options = common.options()
    from flows.landing import check_exports

    check_exports(exports_or_files)
    manifest = _under_prefect("ingest_flow", options, common, exports=list(exports_or_files))
    _print(manifest, common, "ingest", options)
    _raise_if_held_back(manifest)


@app.command
def tiers(
    *,
    year: Year,
    allow_missing_months: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _DEFAULTS,
) -> None:
    """Publish the membership tier snapshot of a year (T1-T8).

    Parameters
    ----------
    year: The membership year.
    allow_missing_months: Assess although months of the window were never delivered.
    """
    options = common.options()
    _check_policies(options)
    manifest = _under_prefect(
        "tiers_flow", options, common, year=year, allow_missing_months=allow_missing_months
    )
    _print(manifest, common, "tiers", options)


@app.command
def grants(*, year: Year, dry_run: DryRun = False, common: Common = _DEFAULTS) -> None:
    """Publish the point grants of a membership year (G1, G2).

    Parameters
    ----------
    year: The membership year.
    dry_run: Say how many customers and points it would be, by tier; publish nothing.
    """
    options = common.options()
    _check_policies(options)
    if dry_run:
        from flows.grants import grant_points

        manifest = grant_points(options, year, dry_run)
    else:
        manifest = _under_prefect("grants_flow", options, common, year=year)
    _print(manifest, common, "grants", options)


@app.command
def points(*, month: str, common: Common = _DEFAULTS) -> None:
    """Close a month of the points ledger: credits, redemptions, refunds, balances (P1-P7, P11).

    Parameters
    ----------
    month: The month, YYYY-MM.
    """
    _close_month("points", month, common)


@app.command
def micropayments(*, month: str, common: Common = _DEFAULTS) -> None:
    """Answer a month's micropayments and limit requests, and bill what is approved (M1-M5).

    Parameters
    ----------
    month: The month, YYYY-MM.
    """
    _close_month("micropayments", month, common)


@app.command
def miles(*, month: str, common: Common = _DEFAULTS) -> None:
    """Close a month of the mileage ledger: flights, awards, mixed payments (F, W, X, P11).

    Parameters
    ----------
    month: The month, YYYY-MM.
    """
    _close_month("miles", month, common)


@app.command
def elite(*, year: Year, common: Common = _DEFAULTS) -> None:
    """Publish the elite status of every member for a status year (E1-E4).

    Parameters
    ----------
    year: The status year, named after the year in which it begins.
    """
    options = common.options()
    _check_policies(options)
    manifest = _under_prefect("elite_flow", options, common, year=year)
    _print(manifest, common, "elite", options)


@app.command
def notices(*, month: str, common: Common = _DEFAULTS) -> None:
    """List who is told on the first day of a month which points lapse when (P10).

    Parameters
    ----------
    month: The month, YYYY-MM.
    """
    _close_month("notices", month, common)


@app.command
def sweep(*, year: Year, dry_run: DryRun = False, common: Common = _DEFAULTS) -> None:
    """Expire points at the end of a year, after its December is closed (P8, P9).

    Parameters
    ----------
    year: The year.
    dry_run: Say what it would take, by cause, and how much nobody was told of; publish nothing.
    """
    options = common.options()
    _check_policies(options)
    if dry_run:
        from flows.sweep import sweep_points

        manifest = sweep_points(options, year, dry_run)
    else:
        manifest = _under_prefect("sweep_flow", options, common, year=year)
    _print(manifest, common, "sweep", options)


@app.command
def run(
    *,
    first_month: Annotated[str, Parameter(name="--from")],
    last_month: Annotated[str, Parameter(name="--to")],
    common: Common = _DEFAULTS,
) -> None:
    """Ingest, then run every flow that falls due in a span of months, in calendar order.

    Parameters
    ----------
    first_month: First month, YYYY-MM.
    last_month: Last month, YYYY-MM.
    """
    options = common.options()
    from flows.due import due_between
    from flows.periods import parse_month

    due_between(_check_policies(options), parse_month(first_month), parse_month(last_month))
    manifest = _under_prefect(
        "run_flow", options, common, first_month=first_month, last_month=last_month
    )
    _print(manifest, common, "run", options)
    _raise_if_held_back(manifest["ingest"])


@app.command
def status(*, common: Common = _DEFAULTS) -> None:
    """Show what is staged and published, what is missing, and what is stale."""
    from flows.status import workspace_status

    options = common.options()
    _print(workspace_status(options), common, "status", options)


@app.command
def verify(*, table: str | None = None, common: Common = _DEFAULTS) -> None:
    """Prove that what is published is whole and follows from what was delivered; change nothing.

    Parameters
    ----------
    table: One published table, or one export, instead of everything.
    """
    options = common.options()
    if common.quiet:
        progress.silence()
    from flows.errors import ProofFailed
    from flows.verify import verify as prove

    found = prove(options, table)
    _print(found, common, "verify", options)
    if found["wrong"]:
        raise ProofFailed(found["wrong"])


@app.command
def retention(
    *,
    on: str,
    dry_run: DryRun = False,
    remove: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _DEFAULTS,
) -> None:
    """List what is kept longer than the policy's terms; with --remove, remove it.

    Parameters
    ----------
    on: The day of reckoning, YYYY-MM-DD.
    dry_run: Only list, as without --remove.
    remove: Remove it, and leave a tombstone of every file in the manifest.
    """
    if dry_run and remove:
        raise WrongUsage("--dry-run and --remove exclude each other; give one of them")
    options = common.options()
    from flows.periods import parse_day
    from flows.retention import retain

    _print(retain(options, parse_day(on), remove), common, "retention", options)


@app.command
def catalog(*, common: Common = _DEFAULTS) -> None:
    """Rebuild the catalog and the data dictionary of the warehouse."""
    from flows.catalog import build_catalog
    from flows.publish import recover
    from flows.workspace import Workspace

    options = common.options()
    workspace = Workspace(options.workspace)
    with workspace.lock("catalog"):
        recover(workspace)
        manifest = {"command": "catalog", "catalog": str(build_catalog(workspace))}
    _print(manifest, common, "catalog", options)


@app.command
def sample(
    *, customers: int, members: int, seed: int, out: Path, common: Common = _DEFAULTS
) -> None:
    """Write synthetic exports of all thirteen kinds, with every form, error and edge case.

    Parameters
    ----------
    customers: Number of telecom customers.
    members: Number of members of the mileage programme.
    seed: The same seed gives the same files.
    out: An empty or new folder.
    """
    from transforms.sample import generate

    if out.exists() and any(out.iterdir()):
        raise WrongUsage(f"--out {out} is not empty; name a new folder")
    if customers < 1 or members < 1:
        raise WrongUsage("--customers and --members are 1 or more")
    done = 0.0
    with progress.working("writing the sample", lambda: done):

        def report(_: str, step: int, steps: int) -> None:
            nonlocal done
            done = step / max(1, steps)

        truth = generate(out, customers=customers, members=members, seed=seed, progress=report)
    _print({"command": "sample", "out": str(out)} | truth, common, "sample", None)


def _close_month(command: str, month: str, common: Common) -> None:
    """Runs the flow of a command that does a month's work."""
    options = common.options()
    from flows.periods import parse_month

    parse_month(month)
    _check_policies(options)
    manifest = _under_prefect(f"{command}_flow", options, common, month=month)
    _print(manifest, common, command, options)


def _check_files(files: Sequence[str], export: str | None, common: Common) -> None:
    options = common.settings()
    if common.quiet:
        progress.silence()
    from flows.check import check_files, raise_if_refused

    found = check_files(options, [Path(file) for file in files], export)
    _print(found, common, "check", options)
    raise_if_refused(found)


def _check_policies(options: Options) -> Policies:
    """The policies, if they are sound: told before Prefect takes its seconds to start."""
    from flows.run import Context

    return Context.of(options).policies


def _under_prefect(
    name: str, options: Options, common: Common, **parameters: object
) -> dict[str, Any]:
    if common.quiet:
        progress.silence()
    options.workspace.mkdir(parents=True, exist_ok=True)
    with progress.working("starting Prefect", lambda: -1.0):
        from flows import orchestration
    flow: Callable[..., dict[str, Any]] = getattr(orchestration, name)
    return flow(options=options, **parameters)


def _print(manifest: dict[str, Any], common: Common, kind: str, options: Options | None) -> None:
    from flows import summary

    if common.json:
        summary.print_json(manifest)
    elif not common.quiet:
        summary.print_summary(kind, manifest, options.workspace if options else None)


def _raise_if_held_back(manifest: dict[str, Any]) -> None:
    from flows.ingest import held_back

    files = held_back(manifest)
    if files:
        raise HeldBack(
            f"held back for too many rejected rows: {', '.join(files)}; read their rows in "
            "quarantine, then deliver them mended or raise --max-reject-rate"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs a command and ends the process with its exit code."""
    os.umask(_PRIVATE)
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        app(words, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        sys.exit(_complain(" ".join(str(error).split()), _USAGE))
    except PointbookError as error:
        if debug:
            raise
        sys.exit(_complain(str(error), error.exit_code))
    except PolicyError as error:
        if debug:
            raise
        sys.exit(_complain(str(error), _USAGE))
    except BrokenPipeError:
        # whoever read the output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.exit(_complain("interrupted; nothing half done is left, run it again", _INTERRUPTED))
    except Exception as error:
        if debug:
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        sys.exit(_complain(f"{what}; run it again with --debug for where", _UNEXPECTED))


def _complain(message: str, exit_code: int) -> int:
    lines = "\n".join(shown(line) for line in message.split("\n"))
    print(f"pointbook: {lines}", file=sys.stderr)
    return exit_code
