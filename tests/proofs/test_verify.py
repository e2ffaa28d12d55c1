"""`verify` finds what is wrong with what was published, names it, and a rerun mends it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.calendar.status import workspace_status
from flows.commands.registry import COMMANDS
from flows.console.errors import NotReady, WrongUsage
from flows.proofs.prover import UNPUBLISHED
from flows.proofs.verify import verify
from flows.publishing.run import Context
from flows.publishing.write_audit import claims_of
from schemas.tables import PUBLISHED, RESTATEMENTS
from tests.commands_in_tests import run_command, run_commands
from tests.forks import command_line
from tests.membership import land, options, stage
from tests.points import PURCHASE, land_points
from tests.publishing.test_chain import unchain
from transforms.engine.duckdb import DuckDBEngine
from transforms.engine.engine import ROOT, load_transform

Row = dict[str, Any]
Change = Callable[[pa.Table], pa.Table]

MARCH: Final = "2016-03"
PROOFS: Final = sorted(path.stem for path in (ROOT / "proof").glob("*.sql"))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of points, with every kind of row in the first; a file with a refused row."""
    workspace = tmp_path_factory.mktemp("ledger") / "workspace"
    land_points(
        workspace,
        {
            "customers": [{}, {"customer_id": "B"}],
            "billing": [{"collected_amount": 50_000, "collected_on": "2016-03-20"}],
            "promotions": [{}, {"customer_id": "B"}, {"customer_id": "nobody"}],
            "purchases": [{}, {"customer_id": "B", "amount": 1}],
            "redemptions": [
                {},
                {"points": 10**9},
                {"used_at": "2016-04-10 12:00:00"},
                {"used_at": "2016-04-11 12:00:00", "points": 10**9},
            ],
            "refunds": [{"points": 500}],
        },
    )
    land(workspace, "purchases", [{"purchase_id": "bad"} | PURCHASE | {"amount": "x"}], "bad.csv")
    stage(workspace)
    run_commands(options(workspace), ["points 2016-03", "points 2016-04"])
    return workspace


@pytest.fixture
def copy(ledger: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(ledger, tmp_path / "workspace"))


def table_file(workspace: Path, table: str, period: str = MARCH) -> Path:
    partition = PUBLISHED[table].partition
    return workspace / "warehouse" / table / f"{partition}={period}" / "part-0.parquet"


def wrong(workspace: Path, table: str | None = None) -> str:
    """The one line that says what is wrong."""
    found = verify(options(workspace), table)["wrong"]
    assert found is not None
    assert "\n" not in found
    return str(found)


def holds(workspace: Path, table: str | None = None) -> dict[str, Any]:
    """What verify found, where nothing is wrong."""
    found = verify(options(workspace), table)
    assert found["wrong"] is None
    return found


def forge(path: Path, workspace: Path) -> None:
    """Makes commit records and manifests agree with a file's new bytes."""
    name = path.relative_to(workspace).as_posix()
    told = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "size": path.stat().st_size,
    }
    if path.suffix == ".parquet":
        told["rows"] = pq.read_metadata(path).num_rows
    for record in workspace.glob("commits/*.json"):
        content = json.loads(record.read_bytes())
        if any(entry["path"] == name for entry in content["files"]):
            for entry in content["files"]:
                if entry["path"] == name:
                    entry |= told
            record.write_text(json.dumps(content), encoding="utf-8")
            manifest = workspace / "runs" / record.stem / "manifest.json"
            if path != manifest:
                change_manifest(workspace, manifest, lambda found: _retell(found, name, told))
    unchain(workspace)


def _retell(manifest: Row, name: str, told: Row) -> None:
    for output in manifest["outputs"]:
        if output["path"] == name:
            output |= told


def change_manifest(workspace: Path, path: Path, change: Callable[[Row], object]) -> None:
    """Changes a manifest as if it had been so all along."""
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    forge(path, workspace)


def manifest_of(workspace: Path, command: str) -> Path:
    return next(iter(sorted(workspace.glob(f"runs/*-{command}/manifest.json"))))


def rewrite(workspace: Path, table: str, change: Change, period: str = MARCH) -> None:
    """Publishes other rows in place of a table's, with records that agree with them."""
    path = table_file(workspace, table, period)
    pq.write_table(change(pq.ParquetFile(path).read()), path)
    forge(path, workspace)


def with_column(name: str, change: Callable[[pa.ChunkedArray], Any]) -> Change:
    """Other values in a column."""

    def changed(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index(name)
        field = rows.schema.field(name).with_nullable(True)
        return rows.set_column(place, field, change(rows[name]).cast(field.type))

    return changed


def test_nothing_is_wrong_with_what_was_published(ledger: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in ledger.rglob("*") if path.is_file()}
    found = holds(ledger)
    assert [check["check"] for check in found["checks"]] == [
        "commits",
        "hashes",
        "schemas",
        "keys and rows",
        "control totals",
        "conservation",
        "lineage",
        "earlier states",
        "catalog",
    ]
    counts = {name: n for check in found["checks"] for name, n in check.items() if name != "check"}
    # nothing was replaced, so no version is kept of any table
    assert counts.pop("tables") == 0
    assert all(counts.values())
    assert found["stale"] == {}
    after = {path: path.stat().st_mtime_ns for path in ledger.rglob("*") if path.is_file()}
    assert {
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    } <= {ledger / ".lock"}


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        pytest.param(flipped, "sha256 differs from commit 000002-points", id="a bit"),
        pytest.param(cut, "size differs from commit 000002-points", id="cut"),
        pytest.param(Path.unlink, "missing, though commit 000002-points names it", id="gone"),
    ],
)
def test_a_damaged_file_is_named_and_the_command_that_is_named_repairs_it(
    copy: Path, damage: Callable[[Path], None], what: str
) -> None:
    path = table_file(copy, "point_lots")
    whole = path.read_bytes()
    damage(path)
    found = wrong(copy)
    assert found == f"{path}: {what}; run `pointbook points --month 2016-03` again"
    assert wrong(copy, "point_lots") == found
    holds(copy, "point_exceptions")
    run_command(options(copy), f"points {MARCH}")
    assert path.read_bytes() == whole
    holds(copy)


def test_a_table_is_not_proven_by_another_that_is_damaged(copy: Path) -> None:
    table_file(copy, "point_lots").write_bytes(b"PAR1 no Parquet")
    assert wrong(copy, "point_balances").endswith("run `pointbook verify` to find what is damaged")


def test_a_damaged_staged_or_quarantined_file_comes_from_a_backup(copy: Path) -> None:
    for path in (
        copy / "staged" / "customers" / "part-0.parquet",
        *copy.glob("quarantine/purchases/*.parquet"),
    ):
        whole = path.read_bytes()
        flipped(path)
        export = path.parent.name
        assert wrong(copy, export).startswith(f"{path}: sha256 differs from commit 000001-ingest")
        assert wrong(copy, export).endswith("restore it from a backup")
        path.write_bytes(whole)
    holds(copy)


def test_a_file_that_no_commit_names_is_found(copy: Path) -> None:
    stray = table_file(copy, "point_lots", "2019-01")
    stray.parent.mkdir()
    shutil.copy(table_file(copy, "point_lots"), stray)
    assert wrong(copy) == f"{stray}: no commit names this file; remove it"


def test_a_version_is_a_file_that_its_run_published(copy: Path) -> None:
    path = table_file(copy, "point_lots")
    version = copy / "versions" / "point_lots" / "period=2016-03" / "000002-points.parquet"
    version.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, version)
    holds(copy)
    flipped(version)
    assert wrong(copy).startswith(f"{version}: not what run 000002-points published")


def test_commit_records_are_read_strictly(copy: Path) -> None:
    unchain(copy)
    record = copy / "commits" / "000002-points.json"
    content = record.read_bytes()
    record.write_bytes(content[:100])
    assert wrong(copy).startswith(f"{record}: not a commit record")
    record.unlink()
    assert wrong(copy).startswith(f"{record}: missing, though the run's manifest is there")
    shutil.rmtree(copy / "runs" / "000002-points")
    assert "run 000002 left no trace" in wrong(copy)
    record.with_name("000009-points.json").write_bytes(content)
    assert "it is the record of 000002-points" in wrong(copy)
    record.with_name("000009-points.json").unlink()
    record.with_name(".pending-000004-points.json").write_bytes(content)
    assert "run `pointbook catalog`, which completes it" in wrong(copy)


def test_columns_and_their_meaning_are_as_declared(copy: Path) -> None:
    rewrite(copy, "point_lots", lambda rows: rows.select(rows.column_names[::-1]))
    assert "its columns are shortened_from" in wrong(copy)
    run_command(options(copy).model_copy(update={"keep": 0}), f"points {MARCH}")
    rewrite(copy, "point_lots", lambda rows: rows.replace_schema_metadata({}))
    assert "its description or grain is not as declared" in wrong(copy)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(
            lambda rows: pa.concat_tables([rows, rows.slice(rows.num_rows - 1)]),
            "two rows have the same customer_id, lot_id",
            id="twice",
        ),
        pytest.param(
            lambda rows: rows.take(list(range(rows.num_rows))[::-1]),
            "its rows are not in the order of customer_id, lot_id",
            id="turned",
        ),
        pytest.param(
            with_column("remaining", lambda values: pc.add(values, 10**9)),
            "remaining of a row is not no more than was credited",
            id="too much",
        ),
        pytest.param(
            with_column("kind", lambda values: pc.if_else(True, "gift", values)),
            "kind of a row is not one of membership, payment, promotion, purchase",
            id="of no kind",
        ),
        pytest.param(
            with_column("credited", lambda values: pa.nulls(len(values), pa.int64())),
            "credited is missing in a row",
            id="missing",
        ),
    ],
)
def test_rows_keep_their_order_key_and_checks(copy: Path, change: Change, what: str) -> None:
    rewrite(copy, "point_lots", change)
    assert wrong(copy).startswith(f"{table_file(copy, 'point_lots')}: {what}")


def test_a_key_under_two_owners_is_found(copy: Path) -> None:
    rewrite(
        copy, "point_lots", with_column("lot_id", lambda values: pa.array(["same"] * len(values)))
    )
    rewrite(copy, "point_lots", lambda rows: rows.take([0, rows.num_rows - 1]))
    assert "two rows have the key lot_id=same" in wrong(copy)


def _file_of(manifest: Row, export: str) -> Row:
    return next(dict_ for dict_ in manifest["files"] if dict_["export"] == export)


def one_more(*fates: str) -> Callable[[Row], None]:
    def change(manifest: Row) -> None:
        rows = _file_of(manifest, "promotions")["rows"]
        for fate in fates:
            rows[fate] += 1

    return change


def another_registry(manifest: Row) -> None:
    manifest["delivery"] += 1


def fewer_in_quarantine(manifest: Row) -> None:
    (file,) = (file for file in manifest["files"] if file["file"] == "bad.csv")
    file["rows"]["quarantined"] += 1
    file["rows"]["delivered"] += 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(one_more("delivered"), "are 4 delivered and 3 accounted for", id="lost"),
        pytest.param(
            one_more("delivered", "accepted"),
            "current_rows__equal_the_deliveries found 1 rows (delivery=1 accepted=4 staged=3",
            id="not staged",
        ),
        pytest.param(another_registry, "deliveries.json: ", id="registry"),
        pytest.param(fewer_in_quarantine, "1 rows, where the manifest of bad.csv says 2", id="bad"),
    ],
)
def test_deliveries_tie_to_what_is_staged_and_quarantined(
    copy: Path, change: Callable[[Row], None], what: str
) -> None:
    change_manifest(copy, manifest_of(copy, "ingest"), change)
    assert what in wrong(copy)


def test_what_a_correction_replaced_is_accounted_for(copy: Path) -> None:
    land(
        copy,
        "customers",
        [
            {
                "customer_id": "A",
                "joined_on": "2015-01-02",
                "status": "active",
                "terminated_on": "",
                "contact": "",
                "address": "",
                "updated_at": "2021-01-01 00:00:00",
            }
        ],
        "again.csv",
    )
    stage(copy)
    holds(copy)
    history = copy / "staged" / "customers_history" / "part-0.parquet"
    pq.write_table(pq.ParquetFile(history).read().slice(1), history)
    forge(history, copy)
    assert "current_rows__equal_the_deliveries" in wrong(copy)


def test_balances_that_open_otherwise_than_they_closed_are_found(copy: Path) -> None:
    more = lambda values: pc.add(values, pa.array([1, -1]))  # noqa: E731
    april = "2016-04"
    for column in ("opening", "closing", "usable"):
        rewrite(copy, "point_balances", with_column(column, more), april)
    found = wrong(copy)
    assert found.startswith(f"{table_file(copy, 'point_balances', april)}: ")
    assert "point_balances__open_as_closed found 2 rows" in found
    assert "run `pointbook points --month 2016-04` again" in found


def test_inputs_that_were_never_committed_are_found(copy: Path) -> None:
    def change(manifest: Row) -> None:
        manifest["inputs"]["promotions"][0]["sha256"] = "0" * 64

    path = manifest_of(copy, "points")
    change_manifest(copy, path, change)
    assert f"{path}: its input promotions is staged/promotions/month=2016-03" in wrong(copy)


def test_a_row_without_an_answer_is_found(copy: Path) -> None:
    another = with_column(
        "redemption_id", lambda values: pc.if_else(pc.equal(values, "R4"), "R9", values)
    )
    rewrite(copy, "redemption_results", another, "2016-04")
    found = wrong(copy, "redemption_results")
    assert "redemption_results__each_as_delivered found 2 rows" in found


def test_what_changed_after_a_close_leaves_it_stale_and_not_wrong(copy: Path) -> None:
    land(copy, "purchases", [{"purchase_id": "late"} | PURCHASE], "late.csv")
    stage(copy)
    found = holds(copy)
    assert found["stale"] == {"pointbook points --month 2016-03": ["purchases"]}
    stale = [row for row in workspace_status(options(copy))["published"] if row["state"] == "stale"]
    assert {row["period"] for row in stale} == {MARCH, "2016-04"}
    run_command(options(copy), "points 2016-03")
    assert list(holds(copy)["stale"]) == ["pointbook points --month 2016-04"]
    run_command(options(copy), "points 2016-04")
    assert holds(copy)["stale"] == {}


def test_an_unknown_table_and_a_missing_workspace_are_refused(ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no table is called 'nope'"):
        verify(options(ledger), "nope")
    with pytest.raises(NotReady, match="is no workspace yet"):
        verify(options(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()


def _complaints(printed: str) -> list[str]:
    """The lines on stderr but for those that tell of work longer than two seconds."""
    return [line for line in printed.splitlines() if not line.endswith("…")]


def test_the_command_prints_counts_then_what_is_wrong_and_exits_1(
    copy: Path, tmp_path: Path
) -> None:
    words = ["verify", "--workspace", str(copy)]
    done = command_line(words, {"POINTBOOK_PII_KEY": "a key for the tests"}, tmp_path / "done")
    assert (done.returncode, _complaints(done.stderr)) == (0, [])
    assert "nothing is wrong with what is published" in done.stdout
    flipped(table_file(copy, "point_lots"))
    failed = command_line(words, {}, tmp_path / "failed")
    assert failed.returncode == 1
    assert "commits: 3 commits" in failed.stdout
    (complaint,) = _complaints(failed.stderr)
    assert "sha256 differs" in complaint
    as_json = command_line([*words, "--json"], {}, tmp_path / "json")
    assert "sha256 differs" in json.loads(as_json.stdout)["wrong"]


def test_every_claim_is_proven_of_the_sample(
    last_months: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven: set[str] = set()
    has_rows = DuckDBEngine.has_rows

    def counting(engine: DuckDBEngine, transform: Any) -> bool:
        proven.add(transform.name)
        return has_rows(engine, transform)

    monkeypatch.setattr(DuckDBEngine, "has_rows", counting)
    assert holds(last_months)["stale"] == {}
    claims = {
        *(claim.name for claim in claims_of(PUBLISHED) if UNPUBLISHED.isdisjoint(claim.inputs)),
        *(f"proof/{name}" for name in PROOFS),
    }
    assert claims <= proven


def test_what_each_command_publishes_is_known(last_months: Path) -> None:
    published = {table for command in COMMANDS.values() for table in command.tables}
    assert published == PUBLISHED.keys() - {RESTATEMENTS}
    context = Context.of(options(last_months))
    assert all(context.files(table) for table in published)


DAY: Final = datetime(2016, 3, 5)
LOT: Final = {"lot_id": "promotion:P", "customer_id": "A"}
PURCHASED: Final = {"lot_id": "purchase:B", "customer_id": "A"}
GRANT: Final = {"lot_id": "membership:2016:A", "customer_id": "A", "points": 9}
TOTALS: Final = {"delivery": 1, "first_total": 5, "second_total": 0}
BILLED: Final = {"product": "mobile", "charge_item": "base_fee"}
AMOUNTS: Final = {"billed_amount": 7, "collected_amount": 5}
NOTHING: Final = {"credited": 0, "spent": 0, "restored": 0, "expired": 0}
CLAIMS: Final[Mapping[str, tuple[dict[str, list[Row]], str, Row]]] = {
    "current_rows__equal_the_deliveries": (
        {
            "delivered_rows": [TOTALS | {"accepted": 2, "first_total": 10}],
            "current_rows": [TOTALS],
            "replaced_rows": [
                TOTALS | {"replaced_by": 2},
                TOTALS | {"replaced_by": 1},
            ],
        },
        "current_rows",
        {"first_total": 6},
    ),
    "billing_totals__equal_the_lines": (
        {"billing": [BILLED | AMOUNTS], "billing_totals": [BILLED | AMOUNTS | {"lines": 1}]},
        "billing_totals",
        {"collected_amount": 6},
    ),
    "point_balances__open_as_closed": (
        {
            "point_balances": [{"customer_id": "A", "opening": 3}],
            "opening_balances": [{"customer_id": "A", "closing": 3}],
        },
        "opening_balances",
        {"customer_id": "B"},
    ),
    "mileage_balances__open_as_closed": (
        {
            "mileage_balances": [{"member_id": "A", "opening": 3}],
            "opening_mileage_balances": [{"member_id": "A", "closing": 3}],
        },
        "mileage_balances",
        {"opening": 4},
    ),
    "point_balances__equal_the_entries": (
        {
            "point_balances": [{"customer_id": "A"} | NOTHING | {"spent": 3}],
            "point_entries": [{"customer_id": "A", "kind": "refund", "points": -3}],
        },
        "point_entries",
        {"kind": "expiry"},
    ),
    "mileage_balances__equal_the_entries": (
        {
            "mileage_balances": [{"member_id": "A"} | NOTHING | {"credited": 3}],
            "mileage_entries": [{"member_id": "A", "kind": "flight", "miles": 3}],
        },
        "mileage_entries",
        {"miles": 4},
    ),
    "point_entries__every_grant_credited": (
        {
            "point_entries": [GRANT | {"kind": "membership"}],
            "point_grants": [GRANT | {"credited_on": DAY.date()}],
            "point_exceptions": [{"source_id": "another"}],
            "run_context": [{"first_day": DAY.date(), "last_day": DAY.date()}],
        },
        "point_entries",
        {"points": 8},
    ),
    "point_entries__every_promotion_credited": (
        {
            "point_entries": [LOT | {"kind": "promotion", "points": 5}],
            "point_exceptions": [
                {"source_id": "x", "customer_id": "A", "kind": "purchase", "points": 1}
            ],
            "promotions": [{"promotion_credit_id": "P", "customer_id": "A", "points": 5}],
        },
        "promotions",
        {"customer_id": "B"},
    ),
    "point_entries__every_purchase_credited": (
        {
            "point_entries": [PURCHASED | {"kind": "purchase", "points": 50}],
            "point_exceptions": [
                {"source_id": "x", "customer_id": "A", "kind": "promotion", "points": 1}
            ],
            "purchases": [
                {"purchase_id": "B", "customer_id": "A", "purchased_at": DAY, "channel": "c"}
                | {"amount": 5_099}
            ],
            "policy_point_purchase_credits": [
                {"channel": "c", "points": 1, "per_amount": 100}
                | {"valid_from": DAY.date(), "valid_to": datetime(2020, 1, 1).date()}
            ],
        },
        "point_entries",
        {"points": 51},
    ),
    "mileage_entries__every_flight_credited": (
        {
            "mileage_entries": [
                {"lot_id": "flight:F", "member_id": "A", "kind": "flight", "miles": 5}
            ],
            "mileage_accruals": [{"activity_id": "F", "member_id": "A", "miles": 5}],
        },
        "mileage_accruals",
        {"miles": 6},
    ),
}
ANSWERS: Final = {
    "redemption_results": ("redemptions", "redemption_id", "customer_id"),
    "award_results": ("award_requests", "request_id", "member_id"),
    "mixed_payment_results": ("mixed_payments", "payment_id", "member_id"),
    "mileage_accruals": ("flights", "activity_id", "member_id"),
    "micropayment_results": ("micropayments", "payment_id", "subscription_id"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path_factory.mktemp("scratch"), memory="500MB", threads=1) as started:
        yield started


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_is_silent_on_sound_tables_and_returns_what_breaks_it(
    engine: DuckDBEngine, name: str
) -> None:
    table = name.partition("__")[0]
    if name.endswith("__each_as_delivered"):
        delivered, key, owner = ANSWERS[table]
        row = {key: "1", owner: "A"}
        tables, broken, change = {table: [row], delivered: [row]}, table, {owner: "B"}
    else:
        tables, broken, change = CLAIMS[name]
    proof = load_transform(f"proof/{name}")
    assert set(tables) == set(proof.inputs)
    for relation, rows in tables.items():
        engine.table(relation, pa.Table.from_pylist(rows))
    assert engine.rows(proof).num_rows == 0
    engine.table(broken, pa.Table.from_pylist([row | change for row in tables[broken]]))
    assert engine.rows(proof).num_rows > 0
