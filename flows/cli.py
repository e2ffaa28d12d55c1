"""The `pointbook` command: parse, call, print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number
from pydantic import ValidationError

from flows.answers.explain.asking import PARAMETERS, asked_of
from flows.answers.explain.declaration import Kind
from flows.answers.explain.registry import KINDS
from flows.answers.reading import Which
from flows.commands.declaration import Command
from flows.commands.registry import COMMANDS
from flows.commands.signature import REQUIRED, with_signature
from flows.console import interrupts, logs, progress
from flows.console.environment import set_library_settings, set_up_process
from flows.console.errors import NotReady, PointbookError, WrongUsage, line_of
from flows.console.failures import tell_failure
from flows.console.settings import KEYS, chosen
from flows.console.terminal import shown
from flows.publishing.options import (
    DEMO,
    WORKSPACE,
    WORKSPACE_VARIABLE,
    Options,
    asked_day,
    asked_moment,
    asked_period,
)
from transforms.policies.policy import Policies, PolicyError

DryRun = Annotated[bool, Parameter(negative="")]
WithReport = Annotated[bool, Parameter(negative="--no-report")]


def _of_four_digits(_kind: object, year: int) -> None:
    """Raises ValueError for a year of which a digit was left out."""
    if not 1000 <= year < date.max.year:
        raise ValueError(f"{year} is no year; write it as YYYY")


Year = Annotated[int, Parameter(validator=_of_four_digits)]
_UNEXPECTED: Final = 1
_USAGE: Final = 2


def _version() -> str:
    from importlib.metadata import version

    return version("pointbook")


app = App(
    name="pointbook",
    version=_version,
    help="Membership tiers and points from billing exports: exact, explained, repeatable.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)


app.register_install_completion_command(
    help="Install completion of commands and options for your shell.",
    help_epilogue="Example: pointbook --install-completion",
)


@Parameter(name="*", group="Options of all commands")
@dataclass(frozen=True)
class Common:
    """The options that every command takes."""

    workspace: Path | None = None
    "Folder of the workspace; else POINTBOOK_WORKSPACE, else data/workspace."
    policies: Path | None = None
    "A complete folder of policy files; else as_announced, as shipped."
    engine: str = "duckdb"
    "The engine that runs the SQL."
    memory: str | None = None
    "Bound on the memory of the whole process; else 4GB."
    threads: int | None = None
    "Threads to use; else one a core."
    max_reject_rate: float | None = None
    "Share of a file's rows above which the file is held back; else 0.05."
    keep: int | None = None
    "Versions to keep of a published file that is replaced; else 3."
    prefect: bool | None = None
    "Run under Prefect, whose page shows it; --no-prefect does the same without it."
    json: bool = False
    "Print the manifest instead of a summary."
    quiet: bool = False
    "Print nothing but errors."
    log_format: Literal["text", "json"] | None = None
    "Messages on stderr as text or, for log collectors, JSON; else POINTBOOK_LOG_FORMAT, else text."
    debug: bool = False
    "Print the traceback of an error."

    def settings(self, workspace: Path | None = None) -> Options:
        """The settings: a flag's, else a variable's, else pointbook.toml's, else as shipped.

        Raises WrongUsage for one that makes no sense.
        """
        if self.quiet:
            logs.silence()
        where = (self.workspace or workspace or _default_workspace()).expanduser()
        flags = {name: getattr(self, name) for name in KEYS if hasattr(self, name)}
        values, places = chosen(where, flags)
        try:
            return Options(workspace=where, engine=self.engine, **values)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            place = places.get(name, f"--{name}")
            raise WrongUsage(f"{place}: {first['msg'].removeprefix('Value error, ')}") from error

    def reading(self) -> Options:
        """The settings of a command that reads a workspace; raises WrongUsage where there is none.

        It needs no write permission, and changes nothing.
        """
        options = self.settings()
        if not options.workspace.is_dir():
            raise WrongUsage(
                f"there is no workspace {options.workspace}; name one with --workspace or "
                f"{WORKSPACE_VARIABLE}, or make it with `pointbook init`"
            )
        return options


_DEFAULTS: Final = Common()


@Parameter(name="*", group="Which state")
@dataclass(frozen=True)
class State:
    """The options of commands that read what is published: as of when, and how closely."""

    as_of: str | None = None
    "What was known then: after a run (its id), with a delivery as the last one (d12), or at a \
moment of Korea's time (YYYY-MM-DD, YYYY-MM-DDTHH:MM:SS); else now."
    check: Annotated[bool, Parameter(negative="")] = False
    "Look at the hash of every file that is read, too."

    def which(self, common: Common) -> Which:
        """As answers take it; raises WrongUsage where --policies would have two meanings."""
        if self.as_of is not None and common.policies is not None:
            raise WrongUsage(
                "--as-of and --policies exclude each other, as the policies of then are those "
                "that were used; give one of them"
            )
        return Which(self.as_of, self.check)


_PRESENT: Final = State()


def _default_workspace() -> Path:
    named = os.environ.get(WORKSPACE_VARIABLE)
    return Path(named) if named else WORKSPACE


@app.command(help_epilogue="Example: pointbook demo")
def demo(*, report: WithReport = True, common: Common = _DEFAULTS) -> None:
    """Run the whole calendar over the sample exports, in a fresh workspace data/demo.

    Parameters
    ----------
    report
        Write the report of it at the end; --no-report leaves it out.
    """
    options = common.settings(DEMO)
    from flows.calendar import demo as sample

    _check_policies(options)
    sample.prepare(options.workspace)
    manifest = _compute("demo", options)
    _print_calendar(manifest, common, "demo", options, report)


@app.command(help_epilogue="Example: pointbook init /srv/pointbook")
def init(
    folder: Path | None = None,
    /,
    *,
    korean: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _DEFAULTS,
) -> None:
    """Make a workspace: landing folders, an empty template an export, sources, pointbook.toml.

    What is there already stays as it is.

    Parameters
    ----------
    folder
        The folder; else the workspace that every command would take.
    korean
        Give the templates the Korean headers.
    """
    where = folder or common.workspace or _default_workspace()
    from flows.deliveries.new_workspace import make_workspace

    if common.quiet:
        logs.silence()
    _print(make_workspace(where, korean=korean), common, "init", None)


@app.command(help_epilogue="Example: pointbook describe billing, or pointbook describe --format md")
def describe(
    export: str | None = None,
    /,
    *,
    form: Annotated[Literal["table", "md", "json"], Parameter(name="--format")] = "table",
    common: Common = _DEFAULTS,
) -> None:
    """Show what an export must hold: columns, Korean names, rules, codes, key, an example row.

    It needs no workspace.

    Parameters
    ----------
    export
        The export; else all: as a table one line each, as Markdown or JSON all in full.
    form
        A table for the terminal, Markdown, or JSON, which --json gives as well.
    """
    from flows.deliveries.landing import check_exports
    from schemas.derive import description, exports_in_markdown
    from schemas.exports import EXPORTS

    check_exports([export] if export else [])
    chosen_exports = [EXPORTS[export]] if export else list(EXPORTS.values())
    if form == "md" and not common.json:
        print(exports_in_markdown(chosen_exports), end="")
        return
    manifest = {"command": "describe", "exports": list(map(description, chosen_exports))}
    as_json = replace(common, json=common.json or form == "json")
    _print(manifest, as_json, "describe" if export else "exports", None)


@app.command(help_epilogue="Example: pointbook source INV_LINES_201611.csv --export billing")
def source(
    file: Path, /, *, export: str, name: str | None = None, common: Common = _DEFAULTS
) -> None:
    """Draft how a file with names and codes of its own is to be read, as sources/NAME.yaml.

    Columns are matched by name, by nearest name and by what they hold, and codes by what others
    write for them; what is left to fill in is told. Run again it keeps what was filled in.

    Parameters
    ----------
    file
        A file as the other system writes it, wherever it lies; its first 100,000 rows are read.
    export
        The export that such files are to be.
    name
        The source's name; else one after the file's.
    """
    options = common.settings()
    from flows.deliveries.draft import draft_source

    _print(draft_source(options.place, file, export, name), common, "source", options)


@app.command(help_epilogue="Example: pointbook ingest, or pointbook ingest --check FILE")
def ingest(
    *exports_or_files: str,
    check: Annotated[bool, Parameter(negative="")] = False,
    again: Annotated[bool, Parameter(negative="")] = False,
    export: str | None = None,
    common: Common = _DEFAULTS,
) -> None:
    """Stage what landed: of the named exports, or of all. With --check, stage nothing.

    A file of another system is read as a source of the workspace says (sources/*.yaml).

    Parameters
    ----------
    exports_or_files
        The exports to stage; with --check the files to look at, or folders of them; with --again
        those to read anew.
    check
        Show what ingest would make of files, wherever they lie: rejected rows by reason with
        examples, duplicates and conflicts among the files. What is staged already is not looked
        at, and no workspace and no key for personal data is needed.
    again
        Read files in landing anew, after their source was mended: what they brought before is
        withdrawn, but for rows that come just so again.
    export
        With --check, the export that the files are to be; else the folder of a file tells, else
        a source that fits its name, else its header.
    """
    if check and again:
        raise WrongUsage("--check and --again exclude each other; give one of them")
    if check:
        _check_files(exports_or_files, export, common)
        return
    if export is not None:
        raise WrongUsage("--export goes with --check; ingest knows an export by its folder")
    options = common.settings()
    from flows.deliveries.landing import check_exports

    if again:
        if not exports_or_files:
            raise WrongUsage("--again reads files anew; name at least one")
        given = {"exports": [], "again": list(exports_or_files)}
    else:
        check_exports(exports_or_files)
        given = {"exports": list(exports_or_files)}
    manifest = _compute("ingest", options, **given)
    _print(manifest, common, "ingest", options)
    _raise_if_held_back(manifest)


def _function_of(command: Command) -> Callable[..., None]:
    """The command line function of a command: its period, its flags, and the options of all."""

    def make(*, common: Common = _DEFAULTS, dry_run: bool = False, **given: Any) -> None:
        """Makes a period under Prefect, or tells what a dry run finds; prints the manifest."""
        period = asked_period(given.pop(command.span), command.span)
        options = common.reading() if dry_run else common.settings()
        _check_policies(options)
        if dry_run:
            # without Prefect, as nothing is published
            set_library_settings(options.workspace)
            from flows.calendar.run_calendar import make_period

            manifest = make_period(command, options, period, dry_run=True, **given)
        else:
            manifest = _compute(command.name, options, **{command.span: period.value}, **given)
        _print(manifest, common, command.name, options)

    kind, text = (Year, "The year.") if command.span == "year" else (str, "The month, YYYY-MM.")
    text = command.which or text
    switch = {each.name: each.help for each in command.switches} | {"dry_run": command.dry_run}
    return with_signature(
        make,
        command.name,
        command.help,
        {
            command.span: (Annotated[kind, Parameter(help=text)], REQUIRED),
            **{
                name: (Annotated[bool, Parameter(negative="", help=help_)], False)
                for name, help_ in switch.items()
            },
            "common": (Common, _DEFAULTS),
        },
    )


for _command in COMMANDS.values():
    _period = "--year 2018" if _command.span == "year" else "--month 2018-03"
    app.command(
        _function_of(_command),
        name=_command.name,
        help_epilogue=f"Example: pointbook {_command.name} {_period}",
    )


@app.command(name="open", help_epilogue="Example: pointbook open --month 2018-01 --lots lots.csv")
def open_ledger(
    *, month: str, lots: Path, dry_run: DryRun = False, common: Common = _DEFAULTS
) -> None:
    """Start a ledger of points or miles with the lots that an older system hands over (P12).

    Parameters
    ----------
    month
        The ledger's first month, YYYY-MM: it opens with the lots.
    lots
        The lots, in any form that exports come in: lot_id, owner, kind (membership, payment,
        promotion, purchase for points; flight for miles), credited_on, expires_on, refundable,
        remaining.
    dry_run
        Say what would be opened and rejected, with examples; publish nothing.
    """
    options = common.settings()
    from flows.deliveries import opening

    first = asked_period(month, "month")
    opening.require_file(lots)
    _check_policies(options)
    if dry_run:
        set_library_settings(options.workspace)
        from flows.deliveries.check import raise_if_refused

        manifest = opening.open_ledger(options, first, lots, dry_run)
        _print(manifest, common, "open", options)
        raise_if_refused(manifest)
        return
    manifest = _compute("open", options, month=month, lots=lots)
    _print(manifest, common, "open", options)
    _raise_if_held_back(manifest)


@app.command(help_epilogue="Example: pointbook run --from 2018-01 --to 2018-03")
def run(
    *,
    first_month: Annotated[str, Parameter(name="--from")],
    last_month: Annotated[str, Parameter(name="--to")],
    dry_run: DryRun = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    allow_missing_months: Annotated[bool, Parameter(negative="")] = False,
    strict: Annotated[bool, Parameter(negative="")] = False,
    from_stale: Annotated[bool, Parameter(negative="")] = False,
    reason: str | None = None,
    report: WithReport = True,
    common: Common = _DEFAULTS,
) -> None:
    """Ingest, then make what falls due in a span of months and is missing or stale, in order.

    What is current stays, so that a run that was killed goes on where it stopped. What is stale
    before the first month and its months are made from is made again first.

    Parameters
    ----------
    first_month
        First month, YYYY-MM.
    last_month
        Last month, YYYY-MM.
    dry_run
        Show the plan: what is missing, stale and current, and what would be done; do nothing.
    force
        Make what is current again as well.
    allow_missing_months
        Go on although nothing was delivered of a month; it is kept on record.
    strict
        Do not go back before the first month; exit 4 where something stale lies there.
    from_stale
        Do not go back either, and make what falls due from what is stale.
    reason
        Why, for the record of backfills (runs/backfills.jsonl; `status` shows the last ones).
    report
        Write the report of what is published at the end; --no-report leaves it out.
    """
    options = common.reading() if dry_run else common.settings()
    from flows.calendar.due import due_between

    if strict and from_stale:
        raise WrongUsage("--strict and --from-stale exclude each other; give one of them")
    first, last = asked_period(first_month, "month"), asked_period(last_month, "month")
    due_between(_check_policies(options), first, last)
    flags = {"allow_missing_months": allow_missing_months, "strict": strict}
    flags |= {"force": force, "from_stale": from_stale}
    if dry_run:
        from flows.calendar.plan import Reach, plan_manifest

        _print(plan_manifest(options, Reach(first, last, **flags)), common, "plan", options)
        return
    months = {"first_month": first_month, "last_month": last_month}
    manifest = _compute("run", options, **months, reason=reason, **flags)
    _print_calendar(manifest, common, "run", options, report)


@app.command(help_epilogue="Example: pointbook serve --port 4200")
def serve(
    *,
    dry_run: DryRun = False,
    name: str | None = None,
    port: Annotated[int, Parameter(validator=Number(gte=1, lte=65535))] = 4200,
    common: Common = _DEFAULTS,
) -> None:
    """Register the schedules with Prefect and run what falls due, until stopped.

    The server is the one of PREFECT_API_URL, else one that is started here and ends with the
    command. Prefect's page shows runs, starts them, and takes another year or month for one.

    Parameters
    ----------
    dry_run
        Print the schedules and the next runs; register nothing.
    name
        Name of the deployments; else that of the workspace's folder.
    port
        Port of the page, where the server is started here.
    """
    options = common.settings()
    set_library_settings(options.workspace, logging_level="INFO")
    from datetime import datetime

    from flows.prefect_flows import serve as serving

    manifest = serving.plan(options, name, datetime.now().astimezone())
    _print(manifest, common, "serve", options)
    if not dry_run:
        serving.serve(options, manifest, port)


@app.command(
    help_epilogue="Example: pointbook restore --table tier_snapshot --period 2018 --dry-run"
)
def restore(
    *,
    table: str,
    period: str,
    version: str | None = None,
    dry_run: DryRun = False,
    common: Common = _DEFAULTS,
) -> None:
    """Bring back what a run replaced, with all that its command published together (Q4).

    Parameters
    ----------
    table
        A published table.
    period
        Its period, as in the name of its folder: a year, YYYY-MM or YYYY-YE.
    version
        The run that had published it; a dry run shows the version before by default.
    dry_run
        Say what would change; publish nothing.
    """
    options = common.reading()
    from flows.publishing.restore import restore as bring_back

    manifest = bring_back(options, table, period, version, dry_run=dry_run)
    _print(manifest, common, "restore", options)


@app.command(help_epilogue="Example: pointbook status --workspace data/workspace")
def status(*, common: Common = _DEFAULTS) -> None:
    """Show what is staged and published, what is missing, and what is stale."""
    from flows.calendar.status import workspace_status

    options = common.reading()
    _print(workspace_status(options), common, "status", options)


explain = App(
    name="explain",
    help="Say why a published row is as it is: the steps to it, what alone would have changed it.",
    help_epilogue="Example: pointbook explain tier --customer C0000194 --year 2018",
)
app.command(explain)


def _question_of(kind: Kind) -> Callable[..., None]:
    """The command line function of a kind of question."""

    def ask(
        *,
        common: Common = _DEFAULTS,
        state: State = _PRESENT,
        set_: list[str] | None = None,
        asked_by: str | None = None,
        lines: bool = False,
        lang: Literal["en", "ko"] = "en",
        **given: Any,
    ) -> None:
        """Answers, as text or as JSON; under other policies only what would be, beside it."""
        options = replace(common, policies=None).reading()
        from flows.answers.explain.explain import explain as answer
        from flows.answers.explain.text import lines_of
        from flows.answers.policy_settings import Supposed
        from flows.proofs.access_record import record

        which = Which(state.as_of, state.check)
        asked = asked_of(kind, given)
        record(kind.name, given | {"as_of": state.as_of}, asked_by)
        found = answer(options, kind, asked, Supposed(common.policies, tuple(set_ or ())), which)
        if common.json:
            _print(found, common, "explain", options)
        elif not common.quiet:
            for line in lines_of(found, kind, lang, in_full=lines):
                print(shown(line))

    parameters = {
        name: (Annotated[taken, Parameter(help=PARAMETERS[name].help)], default)
        for name, taken, default in (
            *((name, PARAMETERS[name].kind, REQUIRED) for name in kind.asks),
            *((name, PARAMETERS[name].kind | None, None) for name in kind.optional),
        )
    }
    asked_by_help = "Who asks, for the record that POINTBOOK_EXPLAIN_LOG names; else the user."
    set_help = (
        "What if a policy's value were another, for this one: POLICY.KEY[.COLUMN][@DATE]=VALUE, as "
        "often as there are; nothing of it is kept."
    )
    lines_help = "Every row of every step; else at most 40 lines."
    return with_signature(
        ask,
        kind.name,
        kind.help,
        {
            **parameters,
            "lines": (Annotated[bool, Parameter(negative="", help=lines_help)], False),
            "lang": (
                Annotated[Literal["en", "ko"], Parameter(help="The language: en or ko.")],
                "en",
            ),
            "set_": (
                Annotated[list[str] | None, Parameter(name="--set", negative="", help=set_help)],
                None,
            ),
            "asked_by": (Annotated[str | None, Parameter(help=asked_by_help)], None),
            "state": (State, _PRESENT),
            "common": (Common, _DEFAULTS),
        },
    )


for _kind in KINDS.values():
    explain.command(
        _question_of(_kind),
        name=_kind.name,
        help_epilogue=f"Example: pointbook explain {_kind.name} {_kind.example}",
    )


@app.command(help_epilogue="Example: pointbook verify --table point_balances")
def verify(*, table: str | None = None, common: Common = _DEFAULTS) -> None:
    """Prove that what is published is whole and follows from what was delivered; change nothing.

    Parameters
    ----------
    table
        One published table, or one export, instead of everything.
    """
    options = common.reading()
    from flows.console.errors import ProofFailed
    from flows.proofs.verify import verify as prove

    found = prove(options, table)
    _print(found, common, "verify", options)
    if found["wrong"]:
        raise ProofFailed(found["wrong"])


@app.command(help_epilogue="Example: pointbook retention --on 2022-03-01")
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
    on
        The day of reckoning, YYYY-MM-DD.
    dry_run
        Only list, as without --remove.
    remove
        Remove it, and leave a tombstone of every file in the manifest.
    """
    if dry_run and remove:
        raise WrongUsage("--dry-run and --remove exclude each other; give one of them")
    options = common.reading()
    from flows.proofs.retention import retain

    _print(retain(options, asked_day(on), remove), common, "retention", options)


@app.command(help_epilogue="Example: pointbook catalog")
def catalog(*, common: Common = _DEFAULTS) -> None:
    """Rebuild the catalog and the data dictionary of the warehouse."""
    from flows.publishing.catalog import build_catalog
    from flows.publishing.commit import recover
    from flows.publishing.run import tell_recovered
    from flows.publishing.workspace import Workspace

    options = common.reading()
    workspace = Workspace(options.workspace)
    with workspace.lock("catalog"):
        tell_recovered(workspace, recover(workspace))
        manifest = {"command": "catalog", "catalog": str(build_catalog(workspace))}
    _print(manifest, common, "catalog", options)


@app.command(
    name="policies",
    help_epilogue="Example: pointbook policies --on 2018-11-01, or pointbook policies "
    "--policies my_rules --changed-from data/policies/as_announced",
)
def show_policies(
    *,
    on: str | None = None,
    run_id: Annotated[str | None, Parameter(name="--run")] = None,
    changed_from: Path | None = None,
    common: Common = _DEFAULTS,
) -> None:
    """Show every value of the policies, with since, until and source; or where they differ.

    It needs no workspace, but for --run.

    Parameters
    ----------
    on
        A day, YYYY-MM-DD: only what is in force on it; else all values, with their dates.
    run_id
        Show the policies that a run used, instead of those of --policies.
    changed_from
        Another folder: show what differs from it.
    """
    if run_id is not None and common.policies is not None:
        raise WrongUsage("--run and --policies exclude each other; give one of them")
    options = common.settings() if run_id is None else common.reading()
    from flows.answers import policy_values as values

    day = None if on is None else asked_day(on)
    others = [] if changed_from is None else [changed_from.expanduser().absolute()]
    if run_id is None:
        policies, *before = values.folders(options.policies, *others)
    else:
        policies, before = values.policies_of_run(options, run_id), values.folders(*others)
    found = values.policy_values(
        policies, on=day, before=before[0] if before else None, run_id=run_id
    )
    _print(found, common, "policies", options)


@app.command(name="liability", help_epilogue="Example: pointbook liability --on 2021-06-15")
def show_liability(
    *,
    on: str,
    least: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    state: State = _PRESENT,
    common: Common = _DEFAULTS,
) -> None:
    """Show the points outstanding at a moment, by when they lapse: usable, past their day, of
    owners who left (B1).

    Parameters
    ----------
    on
        The moment: YYYY-MM-DD for a day's end, or YYYY-MM-DDTHH:MM:SS.
    least
        Print fewer owners than this as `<N`.
    """
    options = common.reading()
    from flows.answers.liability import liability

    found = liability(options, asked_moment(on), least, state.which(common))
    _print(found, common, "liability", options)


@app.command(name="finance", help_epilogue="Example: pointbook finance --from 2021-01 --to 2021-12")
def write_finance(
    *,
    first_month: Annotated[str, Parameter(name="--from")],
    last_month: Annotated[str, Parameter(name="--to")],
    out: Path | None = None,
    least: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    state: State = _PRESENT,
    common: Common = _DEFAULTS,
) -> None:
    """Write the sheets that finance closes its books with; all ties are 0, or nothing is (B2).

    Parameters
    ----------
    first_month
        First month, YYYY-MM.
    last_month
        Last month, YYYY-MM; of a December the sweep at the year's end belongs to it.
    out
        Folder to write to; else <workspace>/reports/finance-FROM-TO, with the run of --as-of
        behind. A pack there is replaced.
    least
        Count fewer people than this as `<N`.
    """
    options = common.reading()
    from flows.answers.finance import finance

    first, last = asked_period(first_month, "month"), asked_period(last_month, "month")
    found = finance(options, first, last, out, least, state.which(common))
    _print(found, common, "finance", options)


@app.command(
    name="table",
    help_epilogue="Example: pointbook table tier_snapshot --period 2018 --as-of d1 --out then.csv",
)
def show_table(
    name: str,
    /,
    *,
    period: str | None = None,
    out: Path | None = None,
    limit: Annotated[int, Parameter(validator=Number(gte=0))] = 20,
    state: State = _PRESENT,
    common: Common = _DEFAULTS,
) -> None:
    """Show a table's rows of a period, as they are now or were known then; or write them to a file.

    Parameters
    ----------
    name
        A published table, or a staged export or relation (staged.billing, or billing): of these
        what the catalog shows.
    period
        The year, month, year's end (2017-YE) or run that the table is kept by.
    out
        A file that gets all rows: CSV or Parquet, by its ending.
    limit
        How many rows to print.
    """
    options = common.reading()
    from flows.answers.tables import table

    which = Which(state.as_of, state.check)
    _print(table(options, name, period, out, limit, which), common, "table", options)


@app.command(
    name="sql",
    help_epilogue="Example: pointbook sql customer_tiers customer_id=C0000194, or pointbook sql "
    "'SELECT tier, count(*) FROM tier_snapshot GROUP BY tier'",
)
def answer_sql(
    asked: str | None = None,
    /,
    *values: str,
    as_csv: Annotated[bool, Parameter(name="--csv", negative="")] = False,
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    common: Common = _DEFAULTS,
) -> None:
    """Answer SQL over the catalog, or one of the questions that are kept. Nothing is written.

    It reads what the catalog shows, and no other file.

    Parameters
    ----------
    asked
        SQL, a file of it (NAME.sql), or the name of a question.
    values
        Values of its parameters, each as name=value: $name in the SQL.
    as_csv
        Print all rows as CSV.
    list_
        Show the questions that are kept, by reader.
    """
    from flows.answers import sql

    if list_:
        _print(sql.question_list(), common, "questions", None)
        return
    if asked is None:
        raise WrongUsage("give SQL, a file of it or a question's name; --list shows the questions")
    if as_csv and common.json:
        raise WrongUsage("--csv and --json exclude each other; give one of them")
    found = sql.ask(common.reading(), asked, values)
    if as_csv and not common.quiet:
        sql.print_csv(found["rows"])
        return
    rows = sql.plain_answer(found["rows"])
    _print(found | {"rows": rows}, common, "sql", None)


@app.command(name="report", help_epilogue="Example: pointbook report --pages overview,points")
def write_report(
    *,
    to: str | None = None,
    out: Path | None = None,
    pages: str | None = None,
    scenarios: str | None = None,
    run_id: Annotated[str | None, Parameter(name="--run")] = None,
    least: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    made_on: str | None = None,
    state: State = _PRESENT,
    common: Common = _DEFAULTS,
) -> None:
    """Write what is published as one HTML page for everybody, which opens without a network.

    Parameters
    ----------
    to
        Last month, YYYY-MM; else the last that is closed.
    out
        File to write to; else <workspace>/reports/MONTH.html.
    pages
        Pages by name, between commas; else all: overview, membership, points, breakage,
        micropayments, airline, deliveries, runs, policies, scenarios.
    scenarios
        Scenarios by name, between commas, to show side by side.
    run_id
        The page of this run alone, as runs/RUN/report.html.
    least
        Count fewer people than this as `<N`, and as `≥N` what would give them away; not for
        scenarios.
    made_on
        The text of the line that says when it was made, so that it can be made again to the byte.
    """
    options = common.reading()
    from flows.answers.report.report import Asked, report

    when = made_on or _now()
    if run_id is not None:
        if to or pages or scenarios or least > 1 or state != _PRESENT:
            raise WrongUsage(
                "--run shows one run; give it without --to, --pages, --scenarios, --least, --as-of "
                "and --check"
            )
        from flows.answers.report.one_run import report_run

        _print(report_run(options, run_id, out, when), common, "report", options)
        return
    month = None if to is None else asked_period(to, "month")
    asked = Asked(month, _listed(pages), _listed(scenarios), least, when)
    _print(report(options, asked, out, state.which(common)), common, "report", options)


simulation = App(
    name="simulate",
    help="Say what would be published under other policies: made by the commands themselves, in a "
    "folder of its own, with nothing that is published touched.",
    help_epilogue="Example: pointbook simulate dearer-white --year 2022 "
    "--set tier_thresholds.white=250000",
)
app.command(simulation)


@simulation.default
def simulate(
    name: str,
    /,
    *,
    year: Year,
    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    through: Literal["tiers", "grants", "points", "elite"] = "grants",
    last_month: Annotated[str | None, Parameter(name="--to")] = None,
    common: Common = _DEFAULTS,
) -> None:
    """Say what would be published under other policies: made by the commands themselves, in a
    folder of its own, with nothing that is published touched.

    Parameters
    ----------
    name
        What to call it: letters, digits, - and _.
    year
        The membership year, or with --through elite the status year.
    set_
        A value to change in the folder of --policies, as often as there are:
        POLICY.KEY[.COLUMN][@DATE]=VALUE. Without a date it holds where the rule looks, with one
        from that day on. tier_thresholds.white=250000, tier_upgrade.gold.tenure_years=8.
    through
        How far the calendar is followed: tiers; then grants; then points, month by month; or miles
        and elite status.
    last_month
        With points or elite, the last month to close, YYYY-MM; else the year's last closed one.
    """
    options = common.reading()
    from flows.answers.simulate.simulate import Question
    from flows.answers.simulate.simulate import simulate as make

    last = None if last_month is None else asked_period(last_month, "month")
    question = Question(name, asked_period(year, "year"), through, last, tuple(set_ or ()))
    _print(make(options, question), common, "simulate", options)


@simulation.command(
    name="compare", help_epilogue="Example: pointbook simulate compare dearer-white longer-tenure"
)
def compare_scenarios(
    *names: str,
    anyway: Annotated[bool, Parameter(negative="")] = False,
    common: Common = _DEFAULTS,
) -> None:
    """Show scenarios side by side, one column each.

    Parameters
    ----------
    names
        Two scenarios or more.
    anyway
        Also those of different years or reach, or made from files that differ by now.
    """
    options = common.reading()
    from flows.answers.simulate.scenarios import compared

    _print(compared(options, names, anyway=anyway), common, "compare", options)


@simulation.command(name="list", help_epilogue="Example: pointbook simulate list")
def list_scenarios(*, common: Common = _DEFAULTS) -> None:
    """List the scenarios, and what of that which they were made from has changed since."""
    options = common.reading()
    from flows.answers.simulate.scenarios import listed

    _print(listed(options), common, "scenarios", options)


@simulation.command(name="remove", help_epilogue="Example: pointbook simulate remove dearer-white")
def remove_scenario(name: str, /, *, common: Common = _DEFAULTS) -> None:
    """Remove a scenario, or what is left of one that was killed.

    Parameters
    ----------
    name
        The scenario.
    """
    options = common.reading()
    from flows.answers.simulate.scenarios import removed

    _print(removed(options, name), common, "removed", options)


@app.command(
    help_epilogue="Example: pointbook sample --customers 1000 --members 100 --seed 1 --out landing"
)
def sample(
    *, customers: int, members: int, seed: int, out: Path, common: Common = _DEFAULTS
) -> None:
    """Write synthetic files of every export, with every form, error and edge case.

    Parameters
    ----------
    customers
        Number of telecom customers.
    members
        Number of members of the mileage programme.
    seed
        The same seed gives the same files.
    out
        An empty or new folder.
    """
    threads = common.settings().threads
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

        truth = generate(
            out,
            customers=customers,
            members=members,
            seed=seed,
            progress=report,
            threads=threads,
        )
    _print({"command": "sample", "out": str(out)} | truth, common, "sample", None)


def _listed(text: str | None) -> list[str]:
    """The names of a text, between commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _now() -> str:
    """This minute in Korea, as reports say when they were made."""
    from flows.console.zone import KOREA

    return datetime.now(KOREA).strftime("%Y-%m-%d %H:%M KST")


def _check_files(files: Sequence[str], export: str | None, common: Common) -> None:
    options = common.settings()
    from flows.deliveries.check import check_files, raise_if_refused

    found = check_files(options, [Path(file) for file in files], export)
    _print(found, common, "check", options)
    raise_if_refused(found)


def _check_policies(options: Options) -> Policies:
    """The policies, if they are sound: told before Prefect takes its seconds to start."""
    from flows.calendar.schedules import check_names
    from flows.publishing.run import Context

    policies = Context.of(options).policies
    check_names(policies)
    return policies


def _compute(name: str, options: Options, **given: Any) -> dict[str, Any]:
    """Does what a command does: looks for what would stop it, then runs it under Prefect, or not.

    Tells `on_failure` of one that fails, also before it begins.
    """
    from flows.calendar.preflight import look_ahead

    set_library_settings(options.workspace)
    try:
        look_ahead(name, options, given)
        if not options.prefect:
            from flows.calendar.work import work

            return work(name, options, **given)
        from flows.prefect_flows import server

        starting = progress.working("starting Prefect", lambda: -1.0)
        with starting, server.available(options.workspace):
            from flows.prefect_flows import orchestration
        return orchestration.run_through(name, options, **given)
    except Exception as error:
        periods = (given.get(each) for each in ("year", "month", "first_month", "last_month"))
        what = " ".join([name, *(str(period) for period in periods if period)])
        if not interrupts.asked():
            tell_failure(options.on_failure, options.workspace, what, error)
        raise


def _print(manifest: dict[str, Any], common: Common, kind: str, options: Options | None) -> None:
    from flows.console import summary

    if common.json:
        summary.print_json(manifest)
    elif not common.quiet:
        commands = {name: command.shown for name, command in COMMANDS.items()}
        summary.print_summary(kind, manifest, options.workspace if options else None, commands)


def _print_calendar(
    manifest: dict[str, Any], common: Common, kind: str, options: Options, with_report: bool
) -> None:
    """Prints what a run over the calendar did, with the report of it where that is wanted.

    Raises what kept the report from being written, or held a file back, once that is printed; where
    nothing is published there is nothing to report.
    """
    failure: PointbookError | None = None
    manifest["report"] = None
    if with_report:
        from flows.answers.report.report import Asked, report

        try:
            manifest["report"] = report(options, Asked(made_on=_now()))["out"]
        except NotReady:
            pass
        except PointbookError as error:
            failure = error
    _print(manifest, common, kind, options)
    if failure is not None:
        raise failure
    _raise_if_held_back(manifest["ingest"])


def _raise_if_held_back(manifest: dict[str, Any]) -> None:
    from flows.deliveries.ingest import raise_if_held_back

    raise_if_held_back(manifest)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs a command and ends the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    debug = "--debug" in words
    set_up_process(_log_format(words), words[0] if words else None)
    try:
        app(words, exit_on_error=False, print_error=False)
    except BaseException as error:
        if interrupts.asked() or isinstance(error, KeyboardInterrupt):
            # at once: libraries would wait for work that nobody wants any more
            interrupts.leave(_complain(interrupts.MESSAGE, interrupts.EXIT_CODE))
        _end(error, debug)


def _end(error: BaseException, debug: bool) -> None:
    """Ends the process as an error asks for: with its line and exit code, or its traceback."""
    if isinstance(error, BrokenPipeError):
        # whoever read the output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if isinstance(error, CycloptsError):
        sys.exit(_complain(" ".join(str(error).split()), _USAGE))
    if not isinstance(error, Exception) or (debug and not logs.as_json()):
        raise error
    if isinstance(error, PointbookError):
        sys.exit(_complain(str(error), error.exit_code, debug))
    if isinstance(error, PolicyError):
        sys.exit(_complain(str(error), _USAGE, debug))
    what = line_of(error)
    sys.exit(_complain(f"{what}; run it again with --debug for where", _UNEXPECTED, debug))


def _log_format(words: Sequence[str]) -> logs.Format:
    """The format that the words ask for, known before they are parsed: that may fail."""
    chosen = os.environ.get(logs.FORMAT_VARIABLE)
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == "--log-format":
            chosen = value or following
    return "json" if chosen == "json" else "text"


def _complain(message: str, exit_code: int, debug: bool = False) -> int:
    if logs.as_json():
        logs.error("command.failed", message, traceback=debug, exit_code=exit_code)
        return exit_code
    lines = "\n".join(shown(line) for line in message.split("\n"))
    print(f"pointbook: {lines}", file=sys.stderr)
    return exit_code
