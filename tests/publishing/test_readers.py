"""Analysts read the warehouse without Pointbook: README's five queries in three engines."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from schemas.derive import stored_schema
from schemas.tables import PUBLISHED, TIERS
from tests.airline import MEMBER
from tests.commands_in_tests import run_command
from tests.membership import land, options, stage

QUERIES: Final = Path(__file__).parents[1] / "queries"
README: Final = Path(__file__).parents[2] / "README.md"

Rows = list[tuple[Any, ...]]


@pytest.fixture
def warehouse(telecom: Path) -> Path:
    return telecom / "warehouse"


def in_pandas(warehouse: Path, name: str) -> pd.DataFrame:
    """The table as pandas opens its folder, Arrow types kept."""
    return pd.read_parquet(warehouse / name, dtype_backend="pyarrow").astype(
        {"membership_year": "int64"}
    )


def in_polars(warehouse: Path, name: str) -> pl.DataFrame:
    """The table as Polars opens its folder."""
    return pl.read_parquet(warehouse / name, hive_partitioning=True)


def pandas_tiers_by_year(warehouse: Path) -> pd.DataFrame:
    groups = in_pandas(warehouse, "tier_snapshot").groupby(["membership_year", "tier"])
    return groups.agg(customers=("tier", "size"), upgraded=("upgraded", "sum")).reset_index()


def polars_tiers_by_year(warehouse: Path) -> pl.DataFrame:
    groups = in_polars(warehouse, "tier_snapshot").group_by("membership_year", "tier")
    return groups.agg(pl.len(), pl.col("upgraded").sum())


def pandas_migration(warehouse: Path) -> pd.DataFrame:
    tiers = in_pandas(warehouse, "tier_snapshot")[["membership_year", "customer_id", "tier"]]
    before, now = (tiers[tiers["membership_year"] == year] for year in (2017, 2018))
    both = before.merge(now, on="customer_id", suffixes=("_2017", "_2018"))
    return both.groupby(["tier_2017", "tier_2018"]).size().reset_index()


def polars_migration(warehouse: Path) -> pl.DataFrame:
    tiers = in_polars(warehouse, "tier_snapshot")
    before, now = (tiers.filter(pl.col("membership_year") == year) for year in (2017, 2018))
    both = before.join(now, on="customer_id", suffix="_2018")
    return both.group_by("tier", "tier_2018").len()


def pandas_exceptions(warehouse: Path) -> pd.DataFrame:
    groups = in_pandas(warehouse, "tier_exceptions").groupby(["membership_year", "reason"])
    totals = groups.agg(customers=("reason", "size"), lines=("lines", "sum"), won=("amount", "sum"))
    return totals.reset_index()


def polars_exceptions(warehouse: Path) -> pl.DataFrame:
    groups = in_polars(warehouse, "tier_exceptions").group_by("membership_year", "reason")
    return groups.agg(pl.len(), pl.col("lines").sum(), pl.col("amount").sum())


def pandas_points_by_tier(warehouse: Path) -> pd.DataFrame:
    groups = in_pandas(warehouse, "point_grants").groupby(["membership_year", "tier"])
    return groups.agg(customers=("tier", "size"), points=("points", "sum")).reset_index()


def polars_points_by_tier(warehouse: Path) -> pl.DataFrame:
    groups = in_polars(warehouse, "point_grants").group_by("membership_year", "tier")
    return groups.agg(pl.len(), pl.col("points").sum())


def pandas_won_per_point(warehouse: Path) -> pd.DataFrame:
    key = ["membership_year", "customer_id", "tier"]
    both = in_pandas(warehouse, "tier_snapshot").merge(in_pandas(warehouse, "point_grants"), on=key)
    sums = both.groupby(["membership_year", "tier"])[["annual_fee", "points"]].sum().reset_index()
    sums["won"] = sums["annual_fee"] // sums["points"]
    return sums[["membership_year", "tier", "won"]]


def polars_won_per_point(warehouse: Path) -> pl.DataFrame:
    key = ["membership_year", "customer_id", "tier"]
    both = in_polars(warehouse, "tier_snapshot").join(in_polars(warehouse, "point_grants"), on=key)
    groups = both.group_by("membership_year", "tier")
    return groups.agg(pl.col("annual_fee").sum() // pl.col("points").sum())


ELSEWHERE: Final[
    dict[str, tuple[Callable[[Path], pd.DataFrame], Callable[[Path], pl.DataFrame]]]
] = {
    "tiers_by_year": (pandas_tiers_by_year, polars_tiers_by_year),
    "migration": (pandas_migration, polars_migration),
    "exceptions": (pandas_exceptions, polars_exceptions),
    "points_by_tier": (pandas_points_by_tier, polars_points_by_tier),
    "won_per_point": (pandas_won_per_point, polars_won_per_point),
}


def test_every_query_has_its_equivalents() -> None:
    assert sorted(ELSEWHERE) == sorted(path.stem for path in QUERIES.glob("*.sql"))


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_a_query_gives_the_same_rows_in_duckdb_pandas_and_polars(
    warehouse: Path, name: str
) -> None:
    query = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(warehouse / "catalog.duckdb"), read_only=True) as connection:
        expected = connection.execute(query).fetchall()
    in_pandas, in_polars = ELSEWHERE[name]
    assert len(expected) > 3
    assert expected == sorted(expected, key=_tiers_in_order)
    in_pandas_rows = in_pandas(warehouse).itertuples(index=False, name=None)
    assert sorted(in_pandas_rows, key=_tiers_in_order) == expected
    assert sorted(in_polars(warehouse).rows(), key=_tiers_in_order) == expected


def _tiers_in_order(row: tuple[Any, ...]) -> list[Any]:
    """As the catalog sorts tiers; the files hold them as text."""
    return [TIERS.index(value) if value in TIERS else value for value in row]


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_readme_shows_the_query(name: str) -> None:
    query = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    assert f"```sql\n{query}```\n" in README.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def everything(last_months: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of the sample's last months, in which every table is published.

    A member who was delivered late restates the elite status.
    """
    workspace = tmp_path_factory.mktemp("everything") / "workspace"
    shutil.copytree(last_months, workspace)
    land(workspace, "members", [MEMBER], "one_more.csv")
    stage(workspace)
    run_command(options(workspace), "elite 2022")
    return workspace / "warehouse"


def partition_type(name: str) -> pa.DataType:
    """The type of a table's partition column."""
    return PUBLISHED[name].dtype(PUBLISHED[name].partition)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_data_set_of_pyarrow_opens_the_table_with_its_declared_types(
    everything: Path, name: str
) -> None:
    table, kind = PUBLISHED[name], partition_type(name)
    hive = ds.partitioning(pa.schema([(table.partition, kind)]), flavor="hive")
    found = ds.dataset(everything / name, partitioning=hive)
    expected = [(field.name, field.type) for field in stored_schema(table)]
    assert [(field.name, field.type) for field in found.schema] == [
        *expected,
        (table.partition, kind),
    ]
    periods = found.to_table().column(table.partition).to_pylist()
    folders = {path.parent.name for path in (everything / name).rglob("*.parquet")}
    assert {f"{table.partition}={period}" for period in periods} <= folders
    assert len(ds.dataset(everything / name, partitioning="hive").to_table()) == len(periods)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_partition_says_what_may_be_null_as_it_is_declared(
    everything: Path, name: str
) -> None:
    declared = {name: column.nullable for name, column in PUBLISHED[name].stored_columns.items()}
    for path in (everything / name).rglob("*.parquet"):
        found = {field.name: field.nullable for field in pq.read_schema(path)}
        assert found == declared, path


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_partition_column_is_in_the_path_alone(everything: Path, name: str) -> None:
    table = PUBLISHED[name]
    paths = list((everything / name).rglob("*.parquet"))
    assert paths
    for path in paths:
        assert table.partition not in pq.read_schema(path).names


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_all_readers_see_the_same_rows_in_the_same_order(everything: Path, name: str) -> None:
    columns = list(PUBLISHED[name].columns)
    with duckdb.connect(str(everything / "catalog.duckdb"), read_only=True) as connection:
        rows = connection.execute(f"FROM {name}").fetchall()
    assert in_polars(everything, name).select(columns).rows() == rows
    frame = pd.read_parquet(everything / name, dtype_backend="pyarrow")[columns]
    partition = PUBLISHED[name].partition
    found = pa.Table.from_pandas(frame, preserve_index=False)
    periods = found[partition].cast(pa.string()).cast(partition_type(name))
    found = found.set_column(columns.index(partition), partition, periods)
    assert list(zip(*(found[column].to_pylist() for column in columns), strict=True)) == rows
