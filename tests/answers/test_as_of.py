"""Answers as of then are those that were given then, whatever was delivered and published since."""

from __future__ import annotations

import csv
import io
import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from flows.answers.explain.asking import asked_of
from flows.answers.explain.explain import explain
from flows.answers.explain.registry import KINDS
from flows.answers.explain.text import lines_of
from flows.answers.finance import finance
from flows.answers.liability import liability
from flows.answers.reading import PRESENT, Which
from flows.answers.report.report import Asked, report
from flows.answers.tables import table
from flows.console.errors import NotReady, PointbookError, ProofFailed, RunFailed, WrongUsage
from flows.publishing.options import Options
from flows.publishing.run import Context
from schemas.exports import EXPORTS
from schemas.periods import Period
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from tests.commands_in_tests import run_command
from tests.console.test_cli import complaint, environment
from tests.forks import command_line
from tests.membership import land, options, stage, table_rows
from tests.questions import SCHEMAS, asked, validator
from tests.support import staged

Row = dict[str, Any]
D1: Final = Which("d1")
CUSTOMER: Final = "C0000194"
MONTH: Final = "2021-12"


@dataclass(frozen=True)
class Known:
    """A workspace that was corrected, and what it answered before."""

    workspace: Path
    answers: dict[str, Row]
    run_id: str


def _reported(settings: Options, which: Which) -> Row:
    """The report, but for how long its page is."""
    found = report(
        settings, Asked(made_on="then"), settings.workspace / "reports" / "x.html", which
    )
    return {name: value for name, value in found.items() if name != "bytes"}


def _questions(workspace: Path) -> dict[str, Callable[[Which], Row]]:
    """Questions of every kind of state: one row's, a moment's, a span's, a table's."""
    settings = options(workspace)

    def why(kind: str, **given: Any) -> Callable[[Which], Row]:
        return lambda which: explain(
            settings, KINDS[kind], asked_of(KINDS[kind], given), which=which
        )

    month = Period.parse(MONTH)
    redemption = max(
        row["redemption_id"] for row in table_rows(workspace, "redemption_results", MONTH)
    )
    (payment, *_) = table_rows(workspace, "micropayment_results", MONTH)
    (member, *_) = table_rows(workspace, "elite_status")
    return {
        "tier": why("tier", customer=CUSTOMER, year=2022),
        "points": why("points", customer=CUSTOMER, month=MONTH),
        "redemption": why("redemption", id=redemption, month=MONTH),
        "micropayment": why("micropayment", id=payment["payment_id"], month=MONTH),
        "elite": why("elite", member=member["member_id"], year=member["status_year"]),
        "liability": lambda which: liability(settings, datetime(2021, 12, 20, 12), which=which),
        "finance": lambda which: finance(settings, month, month, workspace / "x", which=which),
        "report": lambda which: _reported(settings, which),
        "snapshot": lambda which: table(settings, "tier_snapshot", "2022", limit=999, which=which),
        "bills": lambda which: table(settings, "billing", "2021-10", limit=9_999, which=which),
        "spans": lambda which: table(settings, "staged.customers_spans", limit=999, which=which),
    }


@pytest.fixture(scope="module")
def known(last_months: Path, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Bills of the tier's window and of the month, customers and flights are corrected."""
    workspace = tmp_path_factory.mktemp("known") / "workspace"
    shutil.copytree(last_months, workspace)
    before = {name: ask(PRESENT) for name, ask in _questions(workspace).items()}
    run_id = Context.of(options(workspace)).state.latest
    for month in ("2021-10", "2021-12"):
        rows = [row for row in staged(workspace, "billing") if row["billing_month"] == month]
        rows = [row for row in rows if row["customer_id"] == CUSTOMER][:4]
        assert rows
        more = {"billed_amount": 300_000, "collected_amount": 300_000}
        paid = [row | more | {"revision": row["revision"] + 1} for row in rows]
        days = {"due_on": f"{month}-25", "collected_on": f"{month}-20"}
        told = [{name: (row | days)[name] for name in EXPORTS["billing"].columns} for row in paid]
        land(workspace, "billing", told, f"corrected-{month}.csv")
    flight = dict(max(staged(workspace, "flights"), key=lambda row: row["activity_id"]))
    flight |= {"revision": (flight["revision"] or 0) + 1, "distance_miles": 9_999}
    told = [{name: flight[name] for name in EXPORTS["flights"].columns}]
    land(workspace, "flights", told, "corrected.csv")
    stage(workspace)
    settings = options(workspace, keep=0)
    for command in ("tiers 2022", "points 2021-12", "micropayments 2021-12", "elite 2022"):
        run_command(settings, command)
    return Known(workspace, before, run_id)


def now(known: Known, which: Which = PRESENT) -> dict[str, Row]:
    """The answers of now; finance and the report have none, as the sweep was not made again."""
    questions = _questions(known.workspace)
    questions.pop("report")
    with pytest.raises(ProofFailed, match="it is stale"):
        questions.pop("finance")(which)
    return {name: ask(which) for name, ask in questions.items()}


def test_every_answer_is_the_one_of_then(known: Known) -> None:
    for name, ask in _questions(known.workspace).items():
        found = ask(D1)
        state = found.pop("as_of")
        assert state == {"asked": "d1", "run_id": known.run_id, "deliveries_through": 1}
        assert found == known.answers[name], name


def test_the_corrections_changed_what_is_answered_now(known: Known) -> None:
    """Without that the claim above would say little."""
    answers = now(known)
    changed = {name for name, of in answers.items() if of != known.answers[name]}
    assert changed >= {"tier", "points", "liability", "snapshot", "bills"}
    assert answers["tier"]["steps"] != known.answers["tier"]["steps"]


def test_answers_of_then_are_as_their_schemas_say_and_text_says_of_when(known: Known) -> None:
    questions = _questions(known.workspace)
    found = questions["tier"](D1)
    validator("explain.v1").validate(found)
    validator("liability.v1").validate(questions["liability"](D1))
    validator("finance.v1").validate(questions["finance"](D1))
    validator("table.v1").validate(questions["bills"](D1))
    reported = questions["report"](D1)
    validator("report.v1").validate(reported | {"bytes": 1})
    page = (known.workspace / "reports" / "x.html").read_text(encoding="utf-8")
    assert f"As of d1: after run {known.run_id}, deliveries through 1" in page
    for language in ("en", "ko"):
        assert "d1" in lines_of(found, KINDS["tier"], language)[-1]
        assert known.run_id in lines_of(found, KINDS["tier"], language)[-1]


def test_hashes_of_all_that_is_read_hold(known: Known) -> None:
    """What is made again has the very bytes of then."""
    for name, ask in _questions(known.workspace).items():
        found = ask(Which("d1", check=True))
        assert found["as_of"]["run_id"] == known.run_id, name
    assert now(known, Which(check=True)) == now(known)


def test_nothing_is_published_before_it_was(known: Known) -> None:
    with pytest.raises(NotReady, match="tier_snapshot of 2022 is not published"):
        _questions(known.workspace)["tier"](Which("000001-ingest"))
    with pytest.raises(NotReady, match=r"tier_snapshot has no 2022 as of 000001-ingest; it has no"):
        _questions(known.workspace)["snapshot"](Which("000001-ingest"))


def test_a_run_whose_manifest_is_gone_is_named_where_its_policies_are_asked_for(
    known: Known, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(known.workspace, tmp_path / "workspace"))
    shutil.rmtree(copy / "runs" / known.run_id)
    for name in ("tier", "liability"):
        with pytest.raises(NotReady, match=rf"{known.run_id}: its manifest is gone, so nobody kno"):
            _questions(copy)[name](D1)
    assert _questions(copy)["snapshot"](D1)["first_rows"]
    digest = json.loads((known.workspace / "runs" / known.run_id / "manifest.json").read_bytes())[
        "policies"
    ]
    copy = Path(shutil.copytree(known.workspace, tmp_path / "other"))
    shutil.rmtree(copy / "policies" / digest)
    settings = options(copy, policies=_other_policies(tmp_path))
    kind = KINDS["tier"]
    with pytest.raises(NotReady, match=rf"the policies of {known.run_id} are not kept"):
        explain(settings, kind, asked_of(kind, {"customer": CUSTOMER, "year": 2022}), which=D1)


def _other_policies(folder: Path) -> Path:
    from flows.publishing.options import POLICIES

    others = Path(shutil.copytree(POLICIES, folder / "policies"))
    path = others / "retention.yaml"
    path.write_text(path.read_text().replace("months: 12", "months: 13"))
    return others


def test_the_policies_of_then_are_those_that_were_used(known: Known, tmp_path: Path) -> None:
    """Whatever policies a command would take now."""
    settings = options(known.workspace, policies=_other_policies(tmp_path))
    found = liability(settings, datetime(2021, 12, 20, 12), which=D1)
    assert found["policies"] == known.answers["liability"]["policies"]
    assert liability(settings, datetime(2021, 12, 20, 12))["policies"] != found["policies"]


# Tables


@pytest.mark.parametrize("name", sorted({*EXPORTS, *PUBLISHED}))
def test_a_table_shows_its_rows_and_nothing_personal(known: Known, name: str) -> None:
    state = Context.of(options(known.workspace)).state
    personal = {column for export in EXPORTS.values() for column in export.personal}
    for period in list(state.files(name))[-2:]:
        found = table(options(known.workspace), name, period or None, limit=10**6)
        validator("table.v1").validate(found)
        assert (
            len(found["first_rows"]) == found["rows"] == state.entry(state.files(name)[period]).rows
        )
        columns = [each["column"] for each in found["columns"]]
        assert all([*row] == columns for row in found["first_rows"])
        assert not personal & set(columns)
        if name in EXPORTS:
            hidden = set(EXPORTS[name].columns) - set(EXPORTS[name].shown)
            assert not hidden & set(columns) - {"billing_month"}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_written_whole_to_a_file_of_its_owners_alone(
    known: Known, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / "new" / f"then.{ending}"
    found = table(options(known.workspace), "tier_snapshot", "2022", out, limit=999, which=D1)
    assert found["out"] == str(out)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    if ending == "parquet":
        rows = pq.read_table(out)
        told = [
            {k: str(v) if k == "assessed_on" else v for k, v in r.items()} for r in rows.to_pylist()
        ]
        assert told == found["first_rows"]
        assert pq.read_schema(out).field("annual_fee").metadata[b"unit"] == b"KRW"
    else:
        text = out.read_text(encoding="utf-8-sig")
        read = list(csv.DictReader(io.StringIO(text)))
        assert read == [
            {name: _cell(value) for name, value in row.items()} for row in found["first_rows"]
        ]


def _cell(value: object) -> str:
    """A value as CSV has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_a_file_that_cannot_be_written_leaves_what_was_there(known: Known, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    (folder / "then.csv").write_text("before")
    blocked = folder / "then.csv" / "x.csv"
    with pytest.raises(RunFailed, match="nothing was written"):
        table(options(known.workspace), "tier_snapshot", "2022", blocked)
    assert (folder / "then.csv").read_text() == "before"


def _cases(workspace: Path) -> dict[str, tuple[dict[str, Any], str]]:
    return {
        "unknown": ({"name": "tiers", "period": "2022"}, "no table is called 'tiers'; the tables"),
        "internal": ({"name": "customers_since"}, "no table is called 'customers_since'"),
        "history": ({"name": "billing_history", "period": "2021-10"}, "no table is called"),
        "path": ({"name": "../landing"}, "no table is called '../landing'"),
        "no period": ({"name": "tier_snapshot"}, "kept by membership_year; name one"),
        "whole": ({"name": "customers", "period": "2021-10"}, "kept whole; leave out --period"),
        "ending": (
            {"name": "customers", "out": workspace / "x.xlsx"},
            "its ending says how it is written",
        ),
        "inside": (
            {"name": "customers", "out": workspace / "warehouse" / "x.csv"},
            "lies in the workspace",
        ),
        "folder": ({"name": "customers", "out": workspace.parent / "a.csv"}, "is a folder"),
    }


@pytest.mark.parametrize("case", sorted(_cases(Path())))
def test_what_makes_no_sense_is_refused(known: Known, case: str) -> None:
    (known.workspace.parent / "a.csv").mkdir(exist_ok=True)
    given, told = _cases(known.workspace)[case]
    with pytest.raises(WrongUsage, match=told):
        table(options(known.workspace), **given)


def test_a_period_that_is_not_there_is_told_with_those_that_are(known: Known) -> None:
    with pytest.raises(NotReady, match=r"tier_snapshot has no 2031 as of d1; it has 2022"):
        table(options(known.workspace), "tier_snapshot", "2031", which=D1)
    with pytest.raises(NotReady, match=r"billing has no \.\./x; it has 2014-11 to 2022-02"):
        table(options(known.workspace), "billing", "../x")


def test_the_command_line_takes_when(known: Known, tmp_path: Path) -> None:
    def call(*words: str) -> Any:
        named = ["--workspace", str(known.workspace)]
        return command_line([*words, *named], environment(), tmp_path / "printed")

    why = ("explain", "tier", "--customer", CUSTOMER, "--year", "2022")
    found = json.loads(call(*why, "--as-of", known.run_id, "--json").stdout)
    assert found.pop("as_of")["asked"] == known.run_id
    assert found == known.answers["tier"]
    told = call("liability", "--on", "2021-12-20T12:00:00", "--as-of", "d1", "--check").stdout
    assert f"as of d1: after run {known.run_id}, deliveries through 1" in told
    out = tmp_path / "then.csv"
    printed = call("table", "tier_snapshot", "--period", "2022", "--as-of", "d1", "--out", str(out))
    assert f"rows, written to {out}" in printed.stdout
    assert len(out.read_text().splitlines()) == known.answers["snapshot"]["rows"] + 1
    pack = call("finance", "--from", MONTH, "--to", MONTH, "--as-of", "d1").stdout
    assert f"finance-{MONTH}-{MONTH}-as-of-{known.run_id}" in pack
    assert "never came; the last one is 2" in complaint(call(*why, "--as-of", "d9"), 4)
    assert "it is none of a run id" in complaint(call(*why, "--as-of", "then"), 2)
    policies = ("--policies", str(Path("data/policies/as_announced").absolute()))
    assert "exclude each other" in complaint(
        call("liability", "--on", "2021-12-20", "--as-of", "d1", *policies), 2
    )
    assert (SCHEMAS / "table.v1.json").is_file()
    assert asked(known.workspace, "tier", customer=CUSTOMER, year=2022)
    assert STAGED_RELATIONS
    assert issubclass(NotReady, PointbookError)
