"""`pointbook sql` answers over the catalog, and reads and writes nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from flows.answers import sql
from flows.console.errors import NotReady, PointbookError, WrongUsage
from schemas.catalog import SHOWN
from schemas.exports import EXPORTS
from schemas.tables import PUBLISHED, STAGED_RELATIONS
from tests.commands_in_tests import run_command
from tests.console.test_cli import complaint, environment
from tests.forks import command_line
from tests.membership import land, line, options, stage, table_rows
from tests.publishing.test_corrections import published
from tests.questions import validator
from tests.support import KEY

Row = dict[str, Any]
Model = Callable[[Path], Iterable[tuple[Any, ...]]]

CUSTOMER = "C0000194"
READERS: Final = {
    *("agent", "airline", "analyst", "auditor", "finance", "operator", "product owner"),
}


def answer(workspace: Path, asked: str, *given: str) -> list[Row]:
    return sql.plain_answer(sql.ask(options(workspace), asked, given)["rows"])


def grouped(rows: Iterable[Row], by: str, *summed: str) -> Iterable[tuple[Any, ...]]:
    """By these columns how many rows there are, and what the others add up to."""
    names = by.split()
    counts: Counter[tuple[Any, ...]] = Counter()
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * len(summed))
    for row in rows:
        key = tuple(row[name] for name in names)
        counts[key] += 1
        for place, name in enumerate(summed):
            sums[key][place] += row[name]
    return [(*key, count, *sums[key]) for key, count in counts.items()]


def without_count(rows: Iterable[tuple[Any, ...]], place: int) -> list[tuple[Any, ...]]:
    return [(*row[:place], *row[place + 1 :]) for row in rows]


def plain(row: Iterable[Any]) -> tuple[Any, ...]:
    """Values as answers have them, years of partitions as numbers."""
    return tuple(int(v) if isinstance(v, str) and v.isdecimal() else sql.plain(v) for v in row)


def of(workspace: Path, table: str, **given: Any) -> list[Row]:
    """A table's rows with these values."""
    rows = table_rows(workspace, table)
    return [row for row in rows if all(row[name] == value for name, value in given.items())]


def staged(workspace: Path, export: str) -> list[Row]:
    files = sorted((workspace / "staged" / export).rglob("*.parquet"))
    return [
        row | dict([path.parent.name.split("=")])
        for path in files
        for row in pq.ParquetFile(path).read().to_pylist()
    ]


def last(workspace: Path, table: str) -> list[Row]:
    """The rows of a table's last period."""
    partition = PUBLISHED[table].partition
    rows = table_rows(workspace, table)
    latest = max(row[partition] for row in rows)
    return [row for row in rows if row[partition] == latest]


def picked(rows: Iterable[Row], names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names.split()) for row in rows]


def _requests(workspace: Path) -> list[tuple[Any, ...]]:
    asked = [
        *picked(
            of(workspace, "redemption_results", customer_id=CUSTOMER),
            "used_at redemption_id benefit points status reason",
        ),
        *picked(
            of(workspace, "refund_results", customer_id=CUSTOMER),
            "applied_at application_id method points status reason",
        ),
    ]
    kinds = ["redemption"] * len(of(workspace, "redemption_results", customer_id=CUSTOMER))
    kinds += ["refund"] * (len(asked) - len(kinds))
    return [(row[0], kind, *row[1:]) for row, kind in zip(asked, kinds, strict=True)]


def _unpaid(workspace: Path) -> list[tuple[Any, ...]]:
    rows = [
        row | {"unpaid": row["billed_amount"] - row["collected_amount"]}
        for row in staged(workspace, "billing")
        if row["customer_id"] == CUSTOMER and row["collected_amount"] < row["billed_amount"]
    ]
    summed = ("billed_amount", "collected_amount", "unpaid")
    return without_count(grouped(rows, "billing_month due_on", *summed), 2)


def _rejected(workspace: Path) -> list[tuple[Any, ...]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for export in EXPORTS:
        for path in (workspace / "quarantine" / export).glob("*.parquet"):
            for row in pq.ParquetFile(path).read().to_pylist():
                counts.update((export, row["file"], reason) for reason in row["reasons"])
    return [(*key, count) for key, count in counts.items()]


def _used(accepted: Sequence[Row]) -> list[tuple[Any, ...]]:
    back: Counter[str] = Counter()
    for row in accepted:
        back.update({row["cancels"]: row["points"]} if row["cancels"] else {})
    uses = [row | {"year": row["month"][:4]} for row in accepted if not row["cancels"]]
    return [
        (
            *key,
            len(rows),
            sum(row["points"] for row in rows),
            sum(back[row["redemption_id"]] for row in rows),
        )
        for key, rows in _by(uses, "year benefit partner").items()
    ]


def _runs(workspace: Path) -> list[tuple[Any, ...]]:
    manifests = [
        json.loads(path.read_bytes()) for path in (workspace / "runs").glob("*/manifest.json")
    ]
    found: dict[str, list[Row]] = defaultdict(list)
    for manifest in manifests:
        found[manifest["command"]].append(manifest)
    return [
        (
            command,
            len(runs),
            sum(run["status"] == "failed" for run in runs),
            Decimal(str(sum(run["seconds"] for run in runs))),
            Decimal(str(max(run["seconds"] for run in runs))),
        )
        for command, runs in found.items()
    ]


def _moves(workspace: Path) -> list[tuple[Any, ...]]:
    rows = [
        row | {"more": row["points_after"] - row["points_before"]}
        for row in of(workspace, "tier_moves")
    ]
    return without_count(grouped(rows, "membership_year why", "customers", "more"), 2)


def _elite(workspace: Path) -> list[tuple[Any, ...]]:
    rows = [
        row
        | {
            f"by_{what}": int(row[f"status_by_{what}"] == row["status"])
            for what in ("miles", "flights")
        }
        for row in of(workspace, "elite_status")
    ]
    return list(grouped(rows, "status_year status", "by_miles", "by_flights"))


def _miles(workspace: Path) -> list[tuple[Any, ...]]:
    members: dict[Any, set[str]] = defaultdict(set)
    miles: Counter[Any] = Counter()
    for row in last(workspace, "mileage_lots"):
        year = row["expires_on"] and row["expires_on"].year
        members[year].add(row["member_id"])
        miles[year] += row["remaining"]
    return [(year, len(members[year]), miles[year]) for year in members]


_FEES: Final = [
    f"{product}_fee" for product in ("mobile", "internet", "iptv", "wibro", "voip", "landline")
]
MODELS: Final[dict[str, Model]] = {
    "customer_tiers": lambda w: picked(
        of(w, "tier_snapshot", customer_id=CUSTOMER),
        "membership_year tier fee_tier annual_fee tenure_years missing_to_next",
    ),
    "customer_points": lambda w: picked(
        [row for row in last(w, "point_lots") if row["customer_id"] == CUSTOMER],
        "expires_on kind lot_id credited_on refundable remaining",
    ),
    "customer_requests": _requests,
    "customer_unpaid_bills": _unpaid,
    "tier_migration": lambda w: without_count(
        grouped(of(w, "tier_moves"), "membership_year tier_before tier", "customers"), 3
    ),
    "fees_by_product": lambda w: without_count(
        grouped(of(w, "tier_snapshot"), "membership_year", *_FEES, "annual_fee"), 1
    ),
    "points_roll_forward": lambda w: without_count(
        grouped(
            of(w, "point_balances"),
            "period",
            *("opening", "credited", "restored", "spent", "expired", "closing"),
        ),
        1,
    ),
    "points_lapsing": lambda w: without_count(
        grouped(
            [row | {"to": str(row["expires_on"])[:7]} for row in last(w, "point_liability")],
            "to kind",
            *("lots", "points"),
        ),
        2,
    ),
    "refunds_to_pay": lambda w: grouped(
        of(w, "refund_results", status="accepted"), "pay_on method", "points", "fee", "amount_krw"
    ),
    "points_lapsed_untold": lambda w: grouped(
        [row for row in of(w, "expiry_sweep") if row["untold"]], "year cause untold", "points"
    ),
    "points_granted": lambda w: grouped(of(w, "point_grants"), "membership_year tier", "points"),
    "why_tiers_moved": _moves,
    "points_used": lambda w: _used(of(w, "redemption_results", status="accepted")),
    "declined_payments": lambda w: grouped(
        of(w, "micropayment_results", status="declined"), "month reason", "amount"
    ),
    "rejected_rows": _rejected,
    "runs_by_command": _runs,
    "miles_lapsing": _miles,
    "elite_members": _elite,
    "restated_values": lambda w: [
        (*key, len({row["row_key"] for row in rows}), len(rows))
        for key, rows in _by(of(w, "restatements"), "run_id table_name").items()
    ],
    "assumed_values": lambda w: (),
}
"""What each question's answer is, told once more from the files."""


def _by(rows: Iterable[Row], names: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[name] for name in names.split())].append(row)
    return found


NONE_OF: Final = {"restated_values", "points_lapsed_untold"}
"""Questions about what the sample's last months have nothing of."""


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace with a corrected bill."""
    workspace = published(tmp_path_factory.mktemp("corrected") / "workspace")
    row = line("white-base", "white", "2017-10", 240_000, revision=1)
    land(workspace, "billing", [row], "corrected.csv")
    stage(workspace)
    run_command(options(workspace), "tiers 2018")
    return workspace


def test_a_question_about_corrections_is_answered(corrected: Path) -> None:
    rows = [plain(row.values()) for row in answer(corrected, "restated_values")]
    assert rows
    expected = [plain(row) for row in MODELS["restated_values"](corrected)]
    assert sorted(rows, key=repr) == sorted(expected, key=repr)


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"assumed_values", "runs_by_command"}))
def test_a_question_is_answered_by_what_is_published(
    last_months: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = sql.questions()[name]
    found = 0
    for customer in _customers(last_months) if question.parameters else [CUSTOMER]:
        monkeypatch.setattr(f"{__name__}.CUSTOMER", customer)
        given = [f"{key}={customer}" for key in question.parameters]
        rows = [plain(row.values()) for row in answer(last_months, name, *given)]
        expected = [plain(row) for row in MODELS[name](last_months)]
        assert sorted(rows, key=repr) == sorted(expected, key=repr)
        found += len(rows)
    assert found or name in NONE_OF


def _customers(workspace: Path) -> list[str]:
    """The sample's, one who asked for something, and one who did not pay in full."""
    unpaid = (row for row in staged(workspace, "billing") if not row["collected_amount"])
    redeemed = of(workspace, "redemption_results")
    return [CUSTOMER, redeemed[0]["customer_id"], next(unpaid)["customer_id"]]


def test_runs_are_added_up_by_command(last_months: Path) -> None:
    found = {row["command"]: row for row in answer(last_months, "runs_by_command")}
    for command, runs, failed, seconds, longest in _runs(last_months):
        row = found.pop(command)
        assert (row["runs"], row["failed"]) == (runs, failed)
        assert abs(Decimal(row["seconds"]) - seconds) < 1
        assert abs(Decimal(row["longest"]) - longest) < Decimal("0.06")
    assert not found


def test_assumed_values_are_those_whose_source_says_so(last_months: Path) -> None:
    rows = answer(last_months, "assumed_values")
    assert all(row["source"].startswith("assumption") for row in rows)
    assert {("retention", "subject=quarantine", "months", "12")} <= {
        (row["policy"], row["key"], row["column"], row["value"]) for row in rows
    }


def test_twenty_questions_are_kept_for_every_reader() -> None:
    found = sql.questions()
    assert len(found) == 20
    assert found.keys() == MODELS.keys()
    assert {each.header["for"] for each in found.values()} == READERS
    validator("questions.v1").validate(sql.question_list())


@pytest.mark.parametrize("name", sorted(sql.questions()))
def test_a_question_says_what_it_reads_and_takes(name: str) -> None:
    question = sql.questions()[name]
    assert question.header["question"].endswith("?")
    known = {*PUBLISHED, *(f"staged.{each}" for each in (*EXPORTS, *STAGED_RELATIONS))}
    known |= {f"quarantine.{export}" for export in EXPORTS} | {f"{each}.{each}" for each in SHOWN}
    told = set(question.header["tables"].split(", "))
    assert told <= known
    body = question.sql.split("\n", 3)[3]
    assert {
        each
        for each in known
        if f"FROM {each}\n" in body or f"FROM {each} " in body or f"FROM {each})" in body
    } == told
    assert {f"${key}" in question.sql for key in question.parameters} <= {True}


# What it refuses


REFUSED: Final = {
    "COPY (SELECT 1) TO '/tmp/pointbook-x.csv'": "COPY is not answered",
    "CREATE TABLE x AS SELECT 1": "CREATE is not answered",
    "DELETE FROM tier_snapshot": "DELETE is not answered",
    "ATTACH '/tmp/pointbook-x.duckdb'": "ATTACH is not answered",
    "SET enable_external_access = true": "SET is not answered",
    "INSTALL httpfs": "is not answered",
    "PRAGMA database_list": "PRAGMA is not answered",
    "SELECT 1; SELECT 2": "one statement is answered at a time; this is 2",
    "": "one statement is answered at a time; this is 0",
    "SELECT": "Parser Error: ",
    "SELECT nothing FROM tier_snapshot": 'Binder Error: Referenced column "nothing" not found',
    "FROM read_text('/etc/passwd')": "reads a file, or what the catalog does not show",
    "FROM '/etc/passwd.csv'": "reads a file, or what the catalog does not show",
    "EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1": "EXPLAIN is not answered",
    "WITH x AS (DELETE FROM tier_bands RETURNING *) FROM x": "DELETE is not answered",
    "SELECT (FROM (WITH x AS (INSERT INTO y SELECT 1 RETURNING *) FROM x))": "INSERT is not",
    "FROM query('WITH x AS (COPY (SELECT 1) TO ''y'') FROM x')": "reads a file, or what",
    "FROM json_execute_serialized_sql('{}')": "reads a file, or what",
    "FROM read_parquet('tier_bands.parquet')": "reads a file, or what",
    "FROM glob('/*')": "reads a file, or what the catalog does not show",
    "FROM query('FROM read_text(''/etc/passwd'')')": "reads a file, or what",
    "SELECT contact FROM staged.customers": 'Referenced column "contact" not found',
    "SELECT raw FROM quarantine.customers": 'Referenced column "raw" not found',
    "SELECT getenv('POINTBOOK_PII_KEY')": "getenv",
    "customer_tier": "no question is called customer_tier; the nearest is customer_tiers",
    "customer_tiers": "add it as in `customer_id=C0000194`",
    "nowhere.sql": "nowhere.sql: No such file or directory",
}


@pytest.mark.parametrize("asked", REFUSED)
def test_what_is_no_question_about_the_catalog_is_refused_in_one_line(
    last_months: Path, asked: str
) -> None:
    with pytest.raises(WrongUsage) as found:
        answer(last_months, asked)
    assert REFUSED[asked] in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("mentioned", ["", ", staged.customers, quarantine.customers, runs.runs"])
def test_no_file_is_read_but_those_of_the_tables_that_are_named(
    last_months: Path, mentioned: str
) -> None:
    """Least of all those that hold hashes of contacts and the text of rejected rows."""
    files = [
        path
        for room in ("staged", "quarantine", "landing", "commits", "runs", "warehouse")
        for path in sorted((last_months / room).rglob("*"))
        if path.is_file()
    ]
    one_of_each = {path.relative_to(last_months).parts[:2]: path for path in files}
    # what is shown whole may be read as a file, too: nothing more is in it
    whole = {
        *(("warehouse", name) for name in PUBLISHED),
        *(("staged", name) for name, table in STAGED_RELATIONS.items() if not table.internal),
        *(
            ("staged", name)
            for name in EXPORTS
            if {*EXPORTS[name].columns} == {*EXPORTS[name].shown}
        ),
    }
    hidden = {place: path for place, path in one_of_each.items() if place not in whole}
    never = {("staged", "customers"), ("staged", "customers_history"), ("quarantine", "billing")}
    assert never <= hidden.keys()
    one_a_room = {place[0]: place for place in sorted(hidden)}
    for path in (hidden[place] for place in sorted(never | {*one_a_room.values()})):
        where = str(path).replace("'", "''")
        with pytest.raises(WrongUsage, match="reads a file"):
            answer(last_months, f"SELECT 1 FROM read_blob('{where}'){mentioned} LIMIT 1")


def test_no_file_of_a_table_that_is_named_is_written(last_months: Path) -> None:
    """DuckDB may write what it may read, and takes COPY as a table of WITH."""
    file = next((last_months / "warehouse" / "tier_bands").rglob("*.parquet"))
    before = file.read_bytes()
    copy = f"COPY (SELECT 1 AS one) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)"
    for asked in (
        f"WITH x AS ({copy}) SELECT count(*) FROM x, tier_bands",
        f"SELECT * FROM tier_bands WHERE (SELECT 1 FROM (WITH x AS ({copy}) FROM x)) = 1",
        f"EXPLAIN ANALYZE {copy}",
    ):
        with pytest.raises(WrongUsage, match="is not answered"):
            answer(last_months, asked)
        assert file.read_bytes() == before


def test_an_answer_of_few_rows_may_be_too_long(last_months: Path) -> None:
    with pytest.raises(NotReady, match="or than 512 MB; add LIMIT"):
        answer(last_months, "SELECT repeat('x', 1000000) FROM range(900000)")


def test_what_is_shown_of_what_is_personal_is_shown(last_months: Path) -> None:
    rows = answer(last_months, "FROM staged.customers LIMIT 1")
    assert {*rows[0]} == {*EXPORTS["customers"].shown, "delivery"}
    rows = answer(last_months, "FROM quarantine.billing LIMIT 1")
    assert {*rows[0]} == {"file", "sheet", "line", "reasons"}


def test_every_view_of_the_catalog_can_be_read(last_months: Path) -> None:
    views = answer(
        last_months, "SELECT schema, name FROM (SHOW ALL TABLES) WHERE database = 'catalog'"
    )
    assert len(views) > 60
    every = (f"(SELECT count(*) FROM {view['schema']}.{view['name']})" for view in views)
    (counts,) = answer(last_months, f"SELECT {', '.join(every)}")
    assert len(counts) == len(views)
    assert sum(counts.values()) > 100_000


def test_columns_of_one_name_are_told_apart_and_values_are_plain(last_months: Path) -> None:
    row = "1 AS a, 2 AS a, 1.50 AS d, DATE '2020-01-01' AS day, [1, 2] AS l, 'inf'::DOUBLE AS f"
    assert answer(last_months, f"SELECT {row}, NULL AS n, true AS b") == [
        {"a": 1, "a_1": 2, "d": "1.50", "day": "2020-01-01", "l": [1, 2], "f": "inf"}
        | {"n": None, "b": True}
    ]


def test_an_answer_that_is_too_long_is_refused(
    last_months: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "MOST_ROWS", 1_000)
    with pytest.raises(NotReady, match="more than 1,000 rows, or than 512 MB; add LIMIT"):
        answer(last_months, "FROM range(100000)")


def test_parameters_are_bound_never_put_into_the_text(last_months: Path) -> None:
    sly = "customer_id=x' OR 'a' = 'a"
    assert answer(last_months, "customer_tiers", sly) == []
    for wrong in ("customer_id", "year=2017", "=x"):
        with pytest.raises(WrongUsage, match="gives no parameter of the SQL"):
            answer(last_months, "customer_tiers", wrong)
    assert answer(last_months, "SELECT $a || $b AS said", "a=1", "b=2") == [{"said": "12"}]


def test_a_workspace_that_was_moved_needs_no_new_catalog(last_months: Path, tmp_path: Path) -> None:
    """Nor one that has none: its own is made for each answer."""
    moved = tmp_path / "moved"
    moved.symlink_to(last_months)
    found = answer(moved, "SELECT count(*) AS n FROM tier_snapshot")
    assert found == [{"n": len(of(last_months, "tier_snapshot"))}]


def test_the_command_line_prints_answers_as_text_json_and_csv(
    last_months: Path, tmp_path: Path
) -> None:
    def call(*words: str) -> Any:
        return command_line(
            ["sql", *words], environment() | {"POINTBOOK_PII_KEY": KEY}, tmp_path / "printed"
        )

    where = ("--workspace", str(last_months))
    asked = "SELECT tier, count(*) AS customers FROM tier_snapshot GROUP BY tier ORDER BY tier"
    counts = Counter(row["tier"] for row in of(last_months, "tier_snapshot"))
    found = json.loads(call(asked, *where, "--json").stdout)
    validator("sql.v1").validate(found)
    assert {row["tier"]: row["customers"] for row in found["rows"]} == counts
    rows = list(csv.reader(io.StringIO(call(asked, *where, "--csv").stdout)))
    assert rows[0] == ["tier", "customers"]
    assert {row[0]: int(row[1]) for row in rows[1:]} == counts
    assert "5 rows" in call(asked, *where).stdout
    (tmp_path / "mine.sql").write_text(asked)
    assert "5 rows" in call(str(tmp_path / "mine.sql"), *where).stdout
    listed = call("--list").stdout
    assert "customer_tiers customer_id=C0000194" in listed
    assert all(name in listed for name in sql.questions())
    assert "nothing but SELECT" in complaint(call("DROP TABLE tier_snapshot", *where), 2)
    assert "--list shows the questions" in complaint(call(), 2)
    assert "exclude each other" in complaint(call(asked, *where, "--csv", "--json"), 2)
    assert issubclass(WrongUsage, PointbookError)
