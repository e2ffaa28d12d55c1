"""The catalog opens from anywhere, says what everything means, and shows what is committed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq
import pytest

from flows.console.errors import RunFailed
from flows.publishing.catalog import build_catalog
from flows.publishing.commit import State
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.run import Run
from flows.publishing.workspace import Workspace
from schemas.columns import TEXT, column
from schemas.derive import SCHEMAS, data_dictionary, duckdb_type, staged_view_statements, unit
from schemas.exports import EXPORTS
from schemas.policy import POLICIES
from schemas.tables import ELITE_STATUSES, PUBLISHED, TIERS, Table
from tests.faults import OLD, TABLE, publish, target
from transforms.policies.policy import Policies

STORAGE_VERSION_OFFSET: Final = 12
DUCKDB_1_0_STORAGE: Final = 64
PUBLISHED_VIEWS: Final = "NOT internal AND schema_name = 'main'"
AMOUNTS: Final = f"SELECT membership_year, amount FROM {TABLE.name} ORDER BY ALL"


@pytest.fixture(params=["plain", "it's [a] *dir?", "membership_year=1999/amount=3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace in which OLD is published, in folders of awkward names."""
    root = tmp_path / str(request.param) / "workspace"
    publish(root, OLD, TABLE.name)
    return root


def query(root: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the catalog answers."""
    with duckdb.connect(root / "warehouse" / "catalog.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_the_catalog_answers_from_another_folder(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert query(root, AMOUNTS) == [(int(year), amount) for year, amount in OLD.items()]


def test_the_script_answers_in_the_warehouses_folder_wherever_that_was_moved(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = root.rename(tmp_path / "moved")
    monkeypatch.chdir(moved / "warehouse")
    with duckdb.connect() as connection:
        connection.execute(Path("catalog.sql").read_text(encoding="utf-8"))
        found = connection.execute(AMOUNTS).fetchall()
    assert found == [(int(year), amount) for year, amount in OLD.items()]


def test_a_catalog_rebuilt_after_a_move_answers_again(root: Path, tmp_path: Path) -> None:
    moved = root.rename(tmp_path / "moved")
    with pytest.raises(duckdb.IOException):
        query(moved, AMOUNTS)
    build_catalog(Workspace(moved))
    assert len(query(moved, AMOUNTS)) == len(OLD)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_table_is_there_in_its_published_types_with_or_without_rows(
    root: Path, name: str
) -> None:
    table = PUBLISHED[name]
    columns = query(root, f"DESCRIBE {name}")
    assert [(c[0], c[1]) for c in columns] == [
        (column, _shown_as(table, column)) for column in table.columns
    ]
    count = len(OLD) if table is TABLE else 0
    assert query(root, f"SELECT count(*) FROM {name}") == [(count,)]


def _shown_as(table: Table, column: str) -> str:
    """The type of a view's column: tiers and statuses sort in their order, not by their letters."""
    if table.domain(column) in (TIERS, ELITE_STATUSES):
        return f"ENUM({str(table.domain(column))[1:-1]})"
    return duckdb_type(table.dtype(column))


def test_views_and_columns_carry_their_meaning(root: Path) -> None:
    views = query(root, f"SELECT view_name, comment FROM duckdb_views() WHERE {PUBLISHED_VIEWS}")
    assert dict(views) == {t.name: f"{t.description}; {t.grain}" for t in PUBLISHED.values()}
    columns = query(
        root,
        f"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {PUBLISHED_VIEWS}",
    )
    for table_name, column_name, comment in columns:
        declared = PUBLISHED[table_name].columns[column_name]
        counted = f" [{unit(declared)}]" if unit(declared) else ""
        assert comment == f"{declared.description}{counted}"


def test_a_year_opens_that_years_file_alone(root: Path) -> None:
    plan = query(root, f"EXPLAIN SELECT amount FROM {TABLE.name} WHERE membership_year = 2016")
    assert f"1/{len(OLD)}" in plan[0][1]


def test_a_file_that_was_never_committed_is_not_shown(root: Path) -> None:
    stray = target(root, "2019")
    stray.parent.mkdir()
    stray.write_bytes(target(root, "2016").read_bytes())
    build_catalog(Workspace(root))
    assert len(query(root, AMOUNTS)) == len(OLD)


def test_the_catalog_is_in_the_storage_format_that_duckdb_1_reads(root: Path) -> None:
    header = (root / "warehouse" / "catalog.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    version = int.from_bytes(header[STORAGE_VERSION_OFFSET:], "little")
    assert version == DUCKDB_1_0_STORAGE


def test_the_dictionary_lies_beside_it(root: Path) -> None:
    text = (root / "warehouse" / "dictionary.md").read_text(encoding="utf-8")
    assert text == data_dictionary()


def test_nothing_is_left_of_building_it(root: Path) -> None:
    names = {path.name for path in (root / "warehouse").iterdir()}
    assert names == {
        TABLE.name,
        "catalog.duckdb",
        "catalog.sql",
        "datapackage.json",
        "dictionary.md",
    }


def test_a_reader_keeps_its_catalog_while_another_is_built(root: Path) -> None:
    code = (
        "import sys, duckdb\n"
        "with duckdb.connect(sys.argv[1], read_only=True) as connection:\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.readline()\n"
        f"    print(len(connection.execute({AMOUNTS!r}).fetchall()))\n"
    )
    catalog = root / "warehouse" / "catalog.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", code, catalog],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        build_catalog(Workspace(root))
        out, _ = reader.communicate("go on\n", timeout=60)
    assert out == f"{len(OLD)}\n"


def test_a_catalog_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    publish(tmp_path, OLD, TABLE.name)
    catalog = tmp_path / "warehouse" / "catalog.duckdb"
    catalog.unlink()
    catalog.mkdir()
    with pytest.raises(RunFailed, match=r"was not rebuilt: .*; mend this, then run `pointbook cat"):
        build_catalog(Workspace(tmp_path))
    assert State.of(Workspace(tmp_path)).files(TABLE.name)


# What is shown beside the published tables


def answers(sample: Path, sql: str) -> list[tuple[Any, ...]]:
    """What the catalog of a sample answers, and its script alike."""
    script = (sample / "warehouse" / "catalog.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection, contextlib.chdir(sample / "warehouse"):
        connection.execute(script)
        found = connection.execute(sql).fetchall()
    assert found == query(sample, sql)
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_staged_rows_are_shown_without_what_is_personal(last_months: Path, name: str) -> None:
    export = EXPORTS[name]
    columns = [row[0] for row in answers(last_months, f"DESCRIBE staged.{name}")]
    assert export.personal == [c for c in export.columns if c in {"contact", "address"}]
    assert columns[: len(export.shown)] == [c for c in export.columns if c not in export.personal]
    assert columns[len(export.shown) :] in (["month", "delivery"], ["delivery"])
    files = State.of(Workspace(last_months)).files(name).values()
    rows = sum(pq.read_metadata(path).num_rows for path in files)
    assert answers(last_months, f"SELECT count(*) FROM staged.{name}") == [(rows,)]


def test_a_column_that_does_not_say_that_it_is_shown_is_hidden() -> None:
    billing = EXPORTS["billing"]
    added = replace(billing, columns={**billing.columns, "nickname": column(TEXT, "A new one")})
    assert "nickname" not in " ".join(staged_view_statements(added, [Path("x.parquet")]))


def test_no_view_holds_a_contact_an_address_or_a_rejected_text(last_months: Path) -> None:
    state = State.of(Workspace(last_months))
    personal = set()
    for name in ("customers", "refund_applications"):
        for path in state.files(name).values():
            rows = pq.ParquetFile(path).read(EXPORTS[name].personal)
            personal |= {value for found in rows.columns for value in found.to_pylist()} - {None}
    rejected = set()
    for path in (last_months / "quarantine").rglob("*.parquet"):
        rejected |= set(pq.ParquetFile(path).read(["raw_text"])["raw_text"].to_pylist())
    assert len(personal) > 100
    assert len(rejected) > 100
    views = query(
        last_months,
        "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal",
    )
    assert {schema for schema, _ in views} == {"main", *SCHEMAS}
    for schema, view in views:
        rows = query(last_months, f'FROM "{schema}"."{view}"')
        shown = {value for row in rows for value in row if isinstance(value, str)}
        assert not shown & (personal | rejected), (schema, view)


def test_what_was_rejected_is_shown_with_its_reasons(last_months: Path) -> None:
    found = answers(last_months, "SELECT file, line, reasons FROM quarantine.billing")
    files = [pq.ParquetFile(path).read() for path in (last_months / "quarantine/billing").iterdir()]
    kept = [row for file in files for row in file.to_pylist()]
    assert sorted(found) == sorted((row["file"], row["line"], row["reasons"]) for row in kept)
    assert found


def test_every_run_is_shown_failed_ones_too(last_months: Path) -> None:
    columns = "run_id, command, status, period, seconds, files, policies, deliveries_through"
    found = answers(last_months, f"SELECT {columns} FROM runs.runs ORDER BY run_id")
    manifests = [
        json.loads(path.read_bytes())
        for path in sorted((last_months / "runs").glob("[0-9]*/manifest.json"))
    ]
    assert found == [
        (
            run["run_id"],
            run["command"],
            run["status"],
            next((str(run[name]) for name in ("month", "year") if name in run), None),
            run["seconds"],
            len(run["outputs"]),
            run.get("policies"),
            run.get("deliveries_through"),
        )
        for run in manifests
    ]


def test_without_a_run_there_is_none_to_show(tmp_path: Path) -> None:
    build_catalog(Workspace(tmp_path))
    assert query(tmp_path, "SELECT count(*) FROM runs.runs") == [(0,)]


def test_a_failed_run_is_shown_with_its_error(root: Path) -> None:
    with pytest.raises(RunFailed), Run(Options(workspace=root), "points", {"month": "2016-03"}):
        raise RunFailed("no reason")
    error = query(root, "SELECT status, period, files, error FROM runs.runs ORDER BY run_id")[-1]
    assert error == ("failed", "2016-03", 0, "no reason")


def test_every_policy_value_is_shown_with_its_dates_and_source(last_months: Path) -> None:
    shipped = Policies.load(SHIPPED)
    found = answers(
        last_months,
        'SELECT policy, "key", "column", value, unit, valid_from, valid_to, source '
        "FROM policies.policies",
    )
    assert len(found) == sum(
        len(shipped.rows(name)) * len(policy.values) for name, policy in POLICIES.items()
    )
    (gold,) = [row for row in found if row[:2] == ("tier_thresholds", "tier=gold")]
    assert gold[2:7] == ("from_fee", "600000", "KRW", date(1, 1, 1), None)
    assert gold[7].startswith("S0, second section (tier criteria): 60만원 이상")
    comment = "SELECT comment FROM duckdb_views() WHERE schema_name = 'policies'"
    assert shipped.digest in query(last_months, comment)[0][0]


def test_tiers_and_statuses_sort_from_the_lowest_to_the_highest(last_months: Path) -> None:
    tiers = answers(last_months, "SELECT DISTINCT tier FROM tier_snapshot ORDER BY tier")
    assert [tier for (tier,) in tiers] == TIERS
    statuses = answers(last_months, "SELECT DISTINCT status FROM elite_status ORDER BY status")
    reached = [status for (status,) in statuses]
    assert reached == [status for status in ELITE_STATUSES if status in reached]
    assert len(reached) > 2
    best = answers(last_months, "SELECT max(tier) FROM tier_snapshot WHERE tier <> 'vip'")
    assert best == [("gold",)]
