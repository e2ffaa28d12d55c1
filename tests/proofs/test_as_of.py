"""What was known then: every earlier state comes back, whatever was corrected since (Q4)."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.console.errors import NotReady, ProofFailed, WrongUsage
from flows.deliveries import ingest as flow
from flows.proofs.as_of import Earlier, asked_then
from flows.proofs.retention import retain
from flows.proofs.rollback import Rollback
from flows.proofs.verify import verify
from flows.publishing.commit import commit_records
from flows.publishing.options import Options
from flows.publishing.restore import restore
from flows.publishing.run import Context
from schemas.exports import EXPORTS
from schemas.tables import PUBLISHED, RESTATEMENTS, STAGED_RELATIONS
from tests.airline import FLIGHT
from tests.commands_in_tests import run_command
from tests.deliveries.test_mapped import COLUMNS, FILE, HEADER, ROW, source, text_of
from tests.deliveries.test_sources import with_sources
from tests.membership import customer, land, line, options, stage
from tests.micropayments import land_micropayments
from tests.publishing.test_corrections import STEPS, published
from tests.support import ingest, workspace_with
from transforms.exports.merge import HISTORIES

READ: Final = {**PUBLISHED, **EXPORTS, **STAGED_RELATIONS, **HISTORIES}
CORRECTIONS: Final = ("bill", "bill", "late bill", "customer", "customer", "flight", "payment")


@dataclass
class Told:
    """A workspace after corrections, and what every committed file held after each commit."""

    workspace: Path
    then: dict[str, dict[tuple[str, str], bytes]] = field(default_factory=dict)

    def keep(self, run_id: str) -> None:
        """Keeps what is committed now under the run that has just committed."""
        state = Context.of(options(self.workspace)).state
        self.then[run_id] = {
            (name, period): path.read_bytes()
            for name in READ
            for period, path in state.files(name).items()
        }


def corrected(workspace: Path, seed: int, keep: int) -> Told:
    """Corrections of every kind in random order, each followed by some of the commands."""
    draw = random.Random(seed)
    told = Told(published(workspace))
    told.keep(sorted(record.run_id for record in commit_records(options(workspace).place))[-1])
    settings = options(workspace, keep=keep)
    for number, kind in enumerate(draw.sample(CORRECTIONS, len(CORRECTIONS)), 1):
        _deliver(workspace, kind, number, draw)
        told.keep(stage(workspace, keep=keep)["run_id"])
        needed = {"bill": "tiers 2018", "late bill": "points 2017-12"}.get(kind)
        for step in [step for step in STEPS if step == needed or draw.random() < 0.3]:
            told.keep(run_command(settings, step)["run_id"])
    return told


def _deliver(workspace: Path, kind: str, number: int, draw: random.Random) -> None:
    """A correction: a bill, one that is paid late, a customer, a payment or a flight."""
    file = f"correction-{number}.csv"
    match kind:
        case "bill":
            name = draw.choice(["white", "gold", "climber"])
            amount = draw.choice([1_000, 240_000, 700_000])
            row = line(f"{name}-base", name, "2017-10", amount, revision=number)
            land(workspace, "billing", [row], file)
        case "late bill":
            row = line("white-late", "white", "2017-12", 1_000 * number, revision=number)
            land(workspace, "billing", [row], file)
        case "customer":
            name = draw.choice(["idle", "late", "vip"])
            left = draw.choice(["", "2017-01-01", "2017-11-15"])
            since = f"20{20 + draw.choice([0, number])}-01-0{number} 00:00:00"
            row = customer(name, terminated_on=left, updated_at=since)
            land(workspace, "customers", [row], file)
        case "payment":
            land_micropayments(workspace, {"payments": [{"payment_id": f"N{number}"}]}, file)
        case _:
            flown = {"revision": number, "distance_miles": draw.choice([500, 9_000, 12_345])}
            land(workspace, "flights", [FLIGHT | flown | {"activity_id": "F1"}], file)


@pytest.fixture(scope="module", params=[(1, 0), (2, 2)], ids=["keep 0", "keep 2"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Told:
    seed, keep = request.param
    return corrected(tmp_path_factory.mktemp("told") / "workspace", seed, keep)


def at(settings: Options, when: str, opened: ExitStack) -> Earlier:
    """The context of then."""
    then = asked_then(settings.place, when)
    return Earlier.at(settings, then, Context.of(settings).policies, opened)


def as_known(told: Told, run_id: str, *, check: bool) -> Iterator[str]:
    """The files of then that come back otherwise than they were."""
    with ExitStack() as opened:
        context = at(options(told.workspace), run_id, opened)
        held = {
            (name, period): path
            for name in READ
            for period, path in context.files(name).items()
            if name != RESTATEMENTS
        }
        then = {at: of for at, of in told.then[run_id].items() if at[0] != RESTATEMENTS}
        assert held.keys() == then.keys()
        for place, path in held.items():
            context.prepare([path])
            if check:
                context.check([path])
            if path.read_bytes() != then[place]:
                yield " ".join(place)


def test_every_earlier_state_of_every_file_comes_back_byte_for_byte(told: Told) -> None:
    """The rows are the same and in their order, so the writer gives the very bytes."""
    assert len(told.then) > 20
    last = told.then[max(told.then)]
    changed = {
        place
        for of in told.then.values()
        for place, content in of.items()
        if last[place] != content
    }
    assert {name for name, _ in changed} >= {
        "tier_snapshot", "point_entries", "billing", "billing_history", "billing_totals",
        "customers", "customers_spans", "customers_history",
    }  # fmt: skip
    for run_id in told.then:
        assert not list(as_known(told, run_id, check=True)), run_id


def test_nothing_in_the_workspace_is_touched(told: Told) -> None:
    def times() -> dict[Path, int]:
        paths = told.workspace.rglob("*")
        return {path: path.stat().st_mtime_ns for path in paths if path.name != ".lock"}

    before = times()
    assert not list(as_known(told, min(told.then), check=False))
    assert times() == before


def test_only_what_is_read_is_made_again(told: Told) -> None:
    with ExitStack() as opened:
        context = at(options(told.workspace), min(told.then), opened)
        (path,) = context.file_of(
            "tier_snapshot", next(iter(context.periods("tier_snapshot")))
        ).values()
        context.prepare([path])
        moved = [
            each for name in READ for each in context.files(name).values() if not each.exists()
        ]
        assert len(moved) > 3


def test_rows_that_were_withdrawn_are_there_again_as_of_before(tmp_path: Path) -> None:
    """Files read anew: corrected by another file before, and read anew again and again."""
    rows = [ROW.format(n, n) for n in range(1, 4)]
    later = COLUMNS.replace("{value: 0}", "REV").replace("source: crm", "source: later")
    told = Told(tmp_path)
    workspace_with(tmp_path, {FILE: text_of(HEADER, *rows).encode()})
    with_sources(tmp_path, crm=source(files="INV*"))
    told.keep(ingest(tmp_path)["run_id"])
    corrected = text_of(f"{HEADER},REV", f"{rows[0].replace('MOB', 'INT')},1").encode()
    workspace_with(tmp_path, {"billing/corrected.csv": corrected})
    with_sources(tmp_path, later=source(later, files="corr*").replace("crm", "later"))
    told.keep(ingest(tmp_path)["run_id"])
    for columns in (COLUMNS.replace("MOB: mobile", "MOB: iptv"), COLUMNS):
        with_sources(tmp_path, crm=source(columns, files="INV*"))
        manifest = flow.ingest(Options(workspace=tmp_path), again=[FILE])
        told.keep(manifest["run_id"])
    states = [of[("billing", "2016-11")] for of in told.then.values()]
    assert len(set(states)) == 4
    for run_id in told.then:
        assert not list(as_known(told, run_id, check=True)), run_id


# Which state is meant


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One correction of a bill, followed by tiers, and restored."""
    workspace = tmp_path_factory.mktemp("history") / "workspace"
    told = Told(published(workspace))
    row = line("white-base", "white", "2017-10", 240_000, revision=1)
    land(workspace, "billing", [row], "corrected.csv")
    settings = options(workspace, keep=0)
    told.keep(stage(workspace)["run_id"])
    told.keep(run_command(settings, "tiers 2018")["run_id"])
    return told


@pytest.fixture
def copy(history: Told, tmp_path: Path) -> Path:
    return Path(shutil.copytree(history.workspace, tmp_path / "workspace"))


def runs(workspace: Path) -> list[str]:
    return [record.run_id for record in commit_records(options(workspace).place)]


def ended(workspace: Path, run_id: str) -> datetime:
    """The second in which a run ended, as its manifest has it."""
    manifest = json.loads((workspace / "runs" / run_id / "manifest.json").read_bytes())
    return datetime.fromisoformat(manifest["finished_at"]).replace(tzinfo=None, microsecond=0)


def set_ended(workspace: Path, run_id: str, at: str) -> None:
    path = workspace / "runs" / run_id / "manifest.json"
    manifest = json.loads(path.read_bytes()) | {"finished_at": at}
    path.write_text(json.dumps(manifest))


def test_a_delivery_is_the_last_state_before_the_next_one(history: Told) -> None:
    place = options(history.workspace).place
    ingests = [run for run in runs(history.workspace) if run.endswith("-ingest")]
    before = runs(history.workspace)[runs(history.workspace).index(ingests[1]) - 1]
    first, second = asked_then(place, "d1"), asked_then(place, "d2")
    assert (first.run_id, first.deliveries) == (before, 1)
    assert (second.run_id, second.deliveries) == (runs(history.workspace)[-1], 2)


def test_a_run_is_the_state_right_after_it(history: Told) -> None:
    for number, run_id in enumerate(runs(history.workspace), 1):
        then = asked_then(options(history.workspace).place, run_id)
        assert (then.run_id, then.commits) == (run_id, number)


def test_a_moment_lies_between_two_commits(copy: Path) -> None:
    """In Korea's time, whatever zone a manifest was written in; its second is included."""
    first, second, *_, last = runs(copy)
    for number, run_id in enumerate(runs(copy)):
        set_ended(copy, run_id, f"2026-01-0{1 + number // 6}T{10 + number % 6}:00:00.400+09:00")
    place = options(copy).place
    assert asked_then(place, "2026-01-01T10:00:00").run_id == first
    assert asked_then(place, "2026-01-01T10:59:59").run_id == first
    assert asked_then(place, "2026-01-01T11:00:00").run_id == second
    assert asked_then(place, "2026-01-01").run_id == runs(copy)[5]
    assert asked_then(place, "2031-01-01").run_id == last
    set_ended(copy, second, "2026-01-01T02:00:00+00:00")
    assert asked_then(place, "2026-01-01T10:59:59").run_id == first
    assert asked_then(place, "2026-01-01T11:00:00").run_id == second
    with pytest.raises(NotReady, match=rf"nothing was committed by 2026-01-01 09:59:59; .*{first}"):
        asked_then(place, "2026-01-01T09:59:59")


def test_a_moment_that_a_lost_manifest_makes_unclear_is_refused(copy: Path) -> None:
    _, second, third, *_ = runs(copy)
    for number, run_id in enumerate(runs(copy)):
        set_ended(copy, run_id, f"2026-01-{10 + number}T10:00:00+09:00")
    shutil.rmtree(copy / "runs" / second)
    place = options(copy).place
    assert asked_then(place, "2026-01-12T10:00:00").run_id == third
    for moment in ("2026-01-10T10:00:00", "2026-01-11T12:00:00"):
        with pytest.raises(NotReady, match=rf"{second}: its manifest is gone, so nobody knows"):
            asked_then(place, moment)


@pytest.mark.parametrize(
    ("when", "error", "told"),
    [
        ("d0", NotReady, "delivery 0 never came; the last one is 2"),
        ("d3", NotReady, "delivery 3 never came; the last one is 2"),
        ("000999-tiers", NotReady, "no run 000999-tiers committed anything; the last one that did"),
        ("yesterday", WrongUsage, "yesterday: it is none of a run id, a delivery"),
        ("../../x", WrongUsage, "it is none of a run id, a delivery"),
        ("2018-13-01", WrongUsage, "'2018-13-01' is no day"),
        ("2018-01-01T25:00:00", WrongUsage, "is no moment"),
    ],
)
def test_what_is_no_earlier_state_is_refused(
    history: Told, when: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        asked_then(options(history.workspace).place, when)


# Where it can't be had


def rolled_back(workspace: Path, when: str = "d1", *, check: bool = False) -> list[dict[str, Any]]:
    """The rows of tier_snapshot 2018 of then."""
    with ExitStack() as opened:
        context = at(options(workspace), when, opened)
        path = context.files("tier_snapshot")["2018"]
        context.prepare([path])
        if check:
            context.check([path])
        rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
        return rows


def test_a_run_whose_manifest_is_gone_is_named_where_it_may_not_have_compared(copy: Path) -> None:
    """It restated the snapshot, which tells that it compared it; of the bands it could not know."""
    correction = runs(copy)[-1]
    shutil.rmtree(copy / "runs" / correction)
    assert {row["tier"] for row in rolled_back(copy) if row["customer_id"] == "white"} == {"white"}
    (restated,) = (copy / "warehouse" / RESTATEMENTS).rglob(f"run_id={correction}/*.parquet")
    rows = pq.ParquetFile(restated).read()
    others = rows.filter(pa.compute.not_equal(rows["table_name"], "tier_snapshot"))
    pq.write_table(others, restated)
    with pytest.raises(
        NotReady, match=rf"{correction}: its manifest is gone, .*tier_snapshot 2018"
    ):
        rolled_back(copy)


def test_a_run_that_found_a_file_damaged_is_named(copy: Path) -> None:
    """Before it nothing is known of the file; after it everything is."""
    row = line("white-base", "white", "2017-10", 300_000, revision=2)
    land(copy, "billing", [row], "second.csv")
    stage(copy)
    (copy / "warehouse/tier_snapshot/membership_year=2018/part-0.parquet").write_bytes(b"damaged")
    found = run_command(options(copy, keep=0), "tiers 2018")["run_id"]
    for when in ("d1", "d2"):
        with pytest.raises(NotReady, match=rf"{found} found tier_snapshot 2018 damaged and repl"):
            rolled_back(copy, when)
    assert rolled_back(copy, found)


def test_a_version_on_the_way_spares_what_was_not_compared(copy: Path) -> None:
    """Rolled back from the next one that is there, not from the present one."""
    expected = rolled_back(copy)
    for revision, amount, damage in ((2, 300_000, False), (3, 20_000, False), (4, 10_000, True)):
        row = line("white-base", "white", "2017-10", amount, revision=revision)
        land(copy, "billing", [row], f"{revision}.csv")
        stage(copy)
        path = copy / "warehouse/tier_snapshot/membership_year=2018/part-0.parquet"
        if damage:
            path.write_bytes(b"damaged")
        run_command(options(copy, keep=1), "tiers 2018")
    assert rolled_back(copy) == expected


def test_lost_restatements_are_named(copy: Path) -> None:
    correction = runs(copy)[-1]
    (restated,) = (copy / "warehouse" / RESTATEMENTS).rglob(f"run_id={correction}/*.parquet")
    restated.unlink()
    with pytest.raises(NotReady, match=rf"run_id={correction}/part-0.parquet: missing, so tier_sn"):
        rolled_back(copy)


def test_restatements_that_do_not_give_what_was_committed_are_refused(copy: Path) -> None:
    """A row too few is seen at once; another value by its hash, which --check looks at."""
    row = line("new-base", "new", "2017-10", 300_000)
    land(copy, "billing", [row], "new.csv")
    land(copy, "customers", [customer("new", joined_on="2016-01-01")], "new.csv")
    stage(copy)
    run = run_command(options(copy, keep=0), "tiers 2018")["run_id"]
    (restated,) = (copy / "warehouse" / RESTATEMENTS).rglob(f"run_id={run}/*.parquet")
    rows = pq.ParquetFile(restated).read()
    of_key = pa.compute.and_(
        pa.compute.equal(rows["column_name"], "customer_id"),
        pa.compute.equal(rows["table_name"], "tier_snapshot"),
    )
    pq.write_table(rows.filter(pa.compute.invert(of_key)), restated)
    with pytest.raises(NotReady, match=r"tier_snapshot/.*: .* nothing else is shown instead"):
        rolled_back(copy, "d2")
    kept = rows.to_pylist()
    for row in kept:
        if row["value_before"] == "240000":
            row["value_before"] = "240001"
    pq.write_table(pa.Table.from_pylist(kept, rows.schema), restated)
    with pytest.raises(ProofFailed, match="changed since"):
        rolled_back(copy, "d2", check=True)


def test_what_is_read_in_place_is_hashed_only_when_told_to(copy: Path) -> None:
    path = copy / "warehouse/tier_snapshot/membership_year=2018/part-0.parquet"
    rows = pq.ParquetFile(path).read()
    pq.write_table(rows.slice(0, 3), path)
    assert len(rolled_back(copy, "d2")) == 3
    with pytest.raises(ProofFailed, match="changed since"):
        rolled_back(copy, "d2", check=True)


def test_a_version_is_read_as_it_is_and_hashed_when_told_to(copy: Path) -> None:
    expected = rolled_back(copy, "d2")
    row = line("white-base", "white", "2017-10", 300_000, revision=2)
    land(copy, "billing", [row], "second.csv")
    stage(copy)
    run_command(options(copy, keep=1), "tiers 2018")
    assert rolled_back(copy, "d2", check=True) == expected
    (version,) = (copy / "versions" / "tier_snapshot").rglob("*.parquet")
    pq.write_table(pq.ParquetFile(version).read().slice(0, 3), version)
    with pytest.raises(ProofFailed, match="changed since"):
        rolled_back(copy, "d2", check=True)


def test_a_version_that_is_restored_and_replaced_again_is_told_by_each_moment(copy: Path) -> None:
    first, second = rolled_back(copy, "d1"), rolled_back(copy, "d2")
    settings = options(copy, keep=3)
    row = line("white-base", "white", "2017-10", 300_000, revision=2)
    land(copy, "billing", [row], "second.csv")
    stage(copy)
    third = run_command(settings, "tiers 2018")["run_id"]
    again = restore(settings, "tier_snapshot", "2018", runs(copy)[-3])["run_id"]
    shutil.rmtree(copy / "versions")
    assert rolled_back(copy, "d1") == first
    assert rolled_back(copy, "d2") == rolled_back(copy, again) == second
    assert rolled_back(copy, third) not in (first, second)


def test_retention_never_removes_what_it_rests_on(copy: Path) -> None:
    expected = rolled_back(copy)
    found = retain(options(copy), (datetime.now() + timedelta(days=36_000)).date(), True)
    assert found["tombstones"]
    assert rolled_back(copy) == expected


def test_verify_proves_a_roll_back_of_every_table_that_has_a_version(copy: Path) -> None:
    row = line("white-base", "white", "2017-10", 700_000, revision=2)
    land(copy, "billing", [row], "second.csv")
    stage(copy)
    run_command(options(copy, keep=1), "tiers 2018")
    found = verify(options(copy))
    assert found["wrong"] is None
    (check,) = [each for each in found["checks"] if each["check"] == "earlier states"]
    kept = sorted(copy.glob("versions/*/*/*.parquet"))
    assert check["tables"] == len(kept) > 1
    (version,) = (path for path in kept if path.parts[-3] == "tier_snapshot")
    (restated,) = (copy / "warehouse" / RESTATEMENTS).rglob(f"run_id={runs(copy)[-1]}/*.parquet")
    rows = pq.ParquetFile(restated).read().to_pylist()
    for each in rows:
        if each["value_before"] == "460000":
            each["value_before"] = "460001"
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(restated)), restated)
    records = tuple(commit_records(options(copy).place))
    commits = 1 + runs(copy).index(version.stem)
    with ExitStack() as opened:
        of = (options(copy), records, commits, 0, copy / "scratch", opened)
        with pytest.raises(ProofFailed, match=r"rolled back from what replaced it .* other values"):
            Rollback(*of, from_versions=False).proves(version)
