"""`pointbook report`: every number is what the catalog says, and nobody is named."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from flows.answers.finance import finance
from flows.answers.report import report as flow
from flows.answers.report.blocks import BLOCKS, PAGES
from flows.answers.report.html import PLACE, made_page, made_run_page, shown
from flows.answers.report.masks import masked, without_rows
from flows.answers.report.one_run import page_of, report_run
from flows.answers.report.scenarios import tables_of
from flows.answers.sheets import plain
from flows.console.errors import NotReady, ProofFailed, RunFailed, WrongUsage
from flows.publishing.options import POLICIES, Options
from schemas.exports import EXPORTS
from schemas.periods import Period
from tests.forks import command_line
from tests.questions import validator

Row = dict[str, Any]
MADE_ON: Final = "a day"
DONE, FAILED, USAGE, NOT_READY = 0, 1, 2, 4
A_SIGN: Final = "<img src=x onerror=alert(1)>"


def settings(workspace: Path, threads: int = 1) -> Options:
    return Options(workspace=workspace, memory="1GB", threads=threads)


def report_of(workspace: Path, out: Path, threads: int = 1, **asked: Any) -> Row:
    """The report's JSON, as its schema says; the page is at `out`."""
    asked = {"made_on": MADE_ON} | asked
    found = flow.report(settings(workspace, threads), flow.Asked(**asked), out)
    validator("report.v1").validate(found)
    return found


def block_of(found: Row, name: str) -> Row:
    (block,) = [each for page in found["pages"] for each in page["blocks"] if each["block"] == name]
    return dict(block)


def data_of(page: Path) -> Row:
    """What the page holds as JSON."""
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(r'id="pointbook-data">(.*?)</script>', text, re.DOTALL)
    data: Row = json.loads(found)
    return data


@pytest.fixture(scope="module")
def page(last_months: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the sample's last months."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    report_of(last_months, out)
    return out


@pytest.fixture(scope="module")
def data(page: Path) -> Row:
    return data_of(page)


# Every number is what the catalog says


@pytest.fixture(scope="module")
def catalog(last_months: Path, data: Row) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalog, asked as the end of the page says; what it has not, by other ways."""
    file = last_months / "warehouse" / "catalog.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET search_path = 'main,staged,runs,policies'")
        row = data["run_context"]
        days = {"last_day", "assessed_on"}
        values = ", ".join(
            f"{'DATE ' if name in days else ''}{value!r} AS {name}" for name, value in row.items()
        )
        connection.execute(f"CREATE TEMP TABLE run_context AS SELECT {values}")
        counts = " UNION ALL ".join(
            f"SELECT '{name}', strftime({each.month_of}, '%Y-%m'), count(*) FROM staged.{name} "
            "GROUP BY ALL"
            if each.metadata(each.month_of)["form"] != "month"
            else f"SELECT '{name}', {each.month_of}, count(*) FROM staged.{name} GROUP BY ALL"
            for name, each in EXPORTS.items()
            if each.month_of
        )
        connection.execute(f"CREATE TEMP TABLE staged_months(export, month, rows) AS {counts}")
        manifests = f"'{last_months}/runs/*-ingest/manifest.json'"
        connection.execute(
            "CREATE TEMP TABLE files AS SELECT delivery, unnest(files) AS f FROM "
            f"read_json({manifests}, columns = {{delivery: 'BIGINT', files: 'JSON[]'}})"
        )
        counted = ["delivered", "accepted", "duplicate", "stale", "quarantined", "held_back"]
        numbers = ", ".join(f"CAST(f->'rows'->>'{name}' AS BIGINT) AS {name}" for name in counted)
        connection.execute(
            "CREATE TEMP TABLE delivered_files AS SELECT delivery, f->>'export' AS export, "
            f"f->>'file' AS file, f->>'status' AS status, {numbers} FROM files"
        )
        rejected = " UNION ALL ".join(
            f"SELECT '{name}', unnest(reasons) AS reason FROM quarantine.{name}" for name in EXPORTS
        )
        connection.execute(
            "CREATE TEMP TABLE rejected_rows AS SELECT export, reason, count(*) AS rows "
            f"FROM ({rejected}) AS of_rows(export, reason) GROUP BY ALL"
        )
        connection.execute(
            "CREATE TEMP TABLE restated_values(run_id VARCHAR, table_name VARCHAR, column_name "
            "VARCHAR, direction VARCHAR, rows BIGINT, difference BIGINT)"
        )
        yield connection


@pytest.mark.parametrize("name", BLOCKS)
def test_every_number_is_what_its_query_gives_in_the_catalog(
    name: str, data: Row, catalog: duckdb.DuckDBPyConnection
) -> None:
    block = block_of(data, name)
    rows = catalog.sql(BLOCKS[name].transform.sql).to_arrow_table().to_pylist()
    assert block["rows_in_all"] == len(rows)
    expected = [{key: plain(value) for key, value in row.items()} for row in rows]
    found = [tuple(map(str, row.values())) for row in block["rows"]]
    assert set(found) <= {tuple(map(str, row.values())) for row in expected}
    if block["rows_in_all"] == len(block["rows"]):
        assert len(found) == len(expected)


def test_every_published_part_has_numbers(data: Row) -> None:
    empty = {name for name in BLOCKS if not block_of(data, name)["rows"]}
    # of one year of tiers nobody has moved yet, of a ledger of four months nothing lapsed, and
    # nothing failed or was restated
    assert empty == {
        *("tier_migration", "tier_moves_by_cause", "points_swept"),
        *("runs_before", "runs_failed", "values_restated"),
    }


class Cells(HTMLParser):
    """The cells of a page's tables, row by row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        self._inside = self._inside or tag in {"td", "th"}
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def test_what_the_json_holds_is_what_the_tables_show(page: Path, data: Row) -> None:
    rows = {tuple(row) for row in Cells(page.read_text(encoding="utf-8")).rows}
    for name, block in BLOCKS.items():
        if block.pivot or name in {"report_figures", "runs_failed"}:
            continue
        for row in block_of(data, name)["rows"]:
            assert tuple(shown(value, column) for column, value in row.items()) in rows, name
    for row in block_of(data, "report_figures")["rows"]:
        assert shown(row["amount"]) in page.read_text(encoding="utf-8")


def test_a_chart_stands_above_its_numbers_in_both_widths(page: Path, data: Row) -> None:
    text = page.read_text(encoding="utf-8")
    charted = [name for name in BLOCKS if BLOCKS[name].charted and block_of(data, name)["rows"]]
    assert len(charted) > 15
    for name in charted:
        title = BLOCKS[name].title
        _, figure = text.split(f'<figure role="group" aria-label="{title}">')
        drawn, after = figure.split("</figure>", 1)
        assert drawn.count("<svg") == 2, name
        assert drawn.count('role="graphics-symbol"') > 4, name
        spec = (PLACE / f"{name}.vl.json").read_text(encoding="utf-8")
        assert drawn.count('role-legend"') == (2 if '"color": {"field"' in spec else 0), name
        assert "The numbers" in after.split("<h3>")[0], name
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))


def test_sources_name_the_files_with_their_runs_and_hashes(data: Row, last_months: Path) -> None:
    named = {each["table"] for each in data["sources"]}
    assert {"tier_moves", "point_movements", "micropayment_results"} <= named
    # never lots, entries or lines of bills
    assert not {name for name in named if name.endswith(("_lots", "_entries", "_lines"))}
    package = json.loads((last_months / "warehouse" / "datapackage.json").read_bytes())
    hashes = {
        each["hash"] if isinstance(each, dict) else each
        for resource in package["resources"]
        for each in [resource.get("hash"), *resource.get("files", [])]
    }
    committed = json.dumps(package)
    assert hashes
    for each in data["sources"]:
        if each["table"] != "billing_totals":
            assert each["sha256"] in committed


def test_it_says_of_points_what_the_finance_pack_says(
    last_months: Path, data: Row, tmp_path: Path
) -> None:
    pack = finance(
        settings(last_months), Period(2021, 11), Period(2022, 2), tmp_path / "pack", least=1
    )
    sheets = {each["sheet"]: pd.DataFrame(each["rows"]) for each in pack["sheets"]}
    of_points = sheets["roll_forward"].query("ledger == 'points'")
    sums = of_points.groupby("period").sum(numeric_only=True)
    for row in block_of(data, "points_by_period")["rows"]:
        expected = sums.loc[row["period"]]
        assert row["opening"] == expected.opening
        assert row["credited"] == expected.credited
        assert row["used"] == expected.redeemed
        assert row["given_back"] == expected.given_back
        assert row["expired"] == expected[[n for n in sums if str(n).startswith("expired")]].sum()
        assert row["closing"] == expected.closing
    outstanding = sheets["liability"].groupby(["expires_month", "kind"]).points.sum()
    for row in block_of(data, "points_outstanding")["rows"]:
        assert row["points"] == outstanding[row["expires_month"], row["kind"]]
    of_years = sheets["cohorts"].query("ledger == 'points'")
    years = of_years.groupby([of_years.credited_month.str[:4], "kind"])
    for row in block_of(data, "cohorts_by_year")["rows"]:
        cohort = years.get_group((str(row["credited_year"]), row["kind"]))
        assert row["credited"] == cohort.credited.sum()
        assert row["used"] == cohort.used.sum()
        assert row["expired"] == cohort.expired.sum()


def asked_of(block: str, **tables: list[Row]) -> list[Row]:
    """What a block's query gives of tables with these rows."""
    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.register(name, pa.Table.from_pylist(rows))
        found: list[Row] = connection.sql(BLOCKS[block].transform.sql).to_arrow_table().to_pylist()
    return found


OF_BANDS: Final[Row] = {"policy": "tier_fee_bands", "column": "width", "value": "10000"}
IN_FORCE: Final = OF_BANDS | {"valid_from": date(2015, 1, 1), "valid_to": date(9999, 1, 1)}
ASKED: Final = [{"membership_year": 2022, "assessed_on": date(2021, 11, 1)}]


def test_who_has_the_next_tier_already_misses_it_not_nearly() -> None:
    people = [
        {"membership_year": 2022, "tier": tier, "fee_tier": "gold", "missing_to_next": missing}
        for tier, missing in (("gold", 10_000), ("gold", 10_001), ("vip", 5_000))
    ]
    (row,) = asked_of("near_misses", tier_snapshot=people, policies=[IN_FORCE], run_context=ASKED)
    assert (row["customers"], row["lacking_together"]) == (1, 10_000)


def test_a_band_ends_where_its_width_says() -> None:
    bands = [
        {"membership_year": 2022, "band_from": 20_000, "tier": "white"}
        | {"customers": 2, "annual_fee": 51_000}
    ]
    for policies, until in (([IN_FORCE], 30_000), ([IN_FORCE | {"policy": "other"}], None)):
        found = asked_of("fees_by_band", tier_bands=bands, policies=policies, run_context=ASKED)
        assert [(row["band_to"], row["customers"]) for row in found] == [(until, 2)]


def test_an_address_is_a_source_whole() -> None:
    told = {
        "https://a.example/x: as it was": "https://a.example/x",
        "https://a.example/x; bounds: https://b.example": "https://a.example/x",
        "assumption: between the bands": "assumption",
        "S4, third paragraph: so; bounds: https://b.example": "S4",
    }
    found = asked_of("policy_sources", policies=[{"policy": "p", "source": each} for each in told])
    assert {row["source"]: row["values"] for row in found} == dict(Counter(told.values()))


def test_points_used_are_net_on_the_first_page_and_both_are_told_on_theirs(data: Row) -> None:
    figures = {row["figure"]: row["amount"] for row in block_of(data, "report_figures")["rows"]}
    block = block_of(data, "points_in_a_year")
    steps = {row["step"]: row["points"] for row in block["rows"]}
    net = figures["points used less given back in 12 months"]
    assert net == -steps["used"] - steps.get("given back", 0)
    assert (
        f"{-steps['used']:,} were used, {steps.get('given back', 0):,} given back" in block["told"]
    )


# A tie that does not tie


def changed(path: Path, column: str) -> None:
    """One more of a column's first row."""
    table = pq.ParquetFile(path).read()
    values = table[column].to_pylist()
    place = table.schema.get_field_index(column)
    values[0] += 1
    field = table.schema.field(column)
    pq.write_table(table.set_column(place, field, pa.array(values, field.type)), path)


@pytest.mark.parametrize(
    ("file", "column", "tie"),
    [
        ("point_liability/period=2021-12", "points", "point_movements, point_liability"),
        ("tier_bands/membership_year=2022", "customers", "tier_bands, tier_snapshot"),
        ("micropayment_usage/month=2022-01", "approved_total", "micropayment_usage"),
        ("mileage_movements/month=2022-02", "miles", "mileage_movements"),
    ],
)
def test_a_tie_that_differs_makes_the_page_red_and_exits_1(
    file: str, column: str, tie: str, last_months: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    changed(workspace / "warehouse" / file / "part-0.parquet", column)
    out = tmp_path / "red.html"
    with pytest.raises(ProofFailed, match=re.escape(tie) + r".* differ by [+-]1 .*red\.html says"):
        report_of(workspace, out, pages=["overview"])
    text = out.read_text(encoding="utf-8")
    assert 'class="state bad" role="alert"' in text
    assert tie in text
    assert data_of(out)["broken"]


# Same state, same bytes


def test_the_same_state_gives_the_same_bytes_whatever_the_threads(
    last_months: Path, page: Path, tmp_path: Path
) -> None:
    report_of(last_months, tmp_path / "again.html", threads=2)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Seoul"])
def test_charts_are_the_same_wherever_the_machine_stands(
    zone: str, page: Path, last_months: Path, tmp_path: Path
) -> None:
    ended = command_line(
        ["report", "--made-on", MADE_ON, "--out", str(tmp_path / "x.html")],
        {"POINTBOOK_WORKSPACE": str(last_months), "TZ": zone},
        tmp_path / "printed",
    )
    assert ended.returncode == DONE, ended.stderr
    assert (tmp_path / "x.html").read_bytes() == page.read_bytes()


def test_one_line_alone_says_when_it_was_made(last_months: Path, tmp_path: Path) -> None:
    pages = []
    for day in ("2022-03-01 09:00 KST", "2022-03-02 09:00 KST"):
        report_of(last_months, tmp_path / "one.html", made_on=day, pages=["points"])
        pages.append((tmp_path / "one.html").read_text(encoding="utf-8").splitlines())
    differing = [(a, b) for a, b in zip(*pages, strict=True) if a != b]
    assert [line for line, _ in differing] == ['<p class="mute">Made on 2022-03-01 09:00 KST</p>']


def test_an_earlier_month_is_reported_as_it_was(last_months: Path, tmp_path: Path) -> None:
    found = report_of(last_months, tmp_path / "earlier.html", to=Period(2021, 12))
    assert found["to"] == "2021-12"
    assert found["run_context"]["last_period"] == "2021-YE"
    periods = {row["period"] for row in block_of(found, "points_by_period")["rows"]}
    assert max(periods) == "2021-YE"
    assert not found["broken"]
    assert all(each["period"] <= "2022" for each in found["sources"])


def test_it_names_the_policies_that_runs_used(
    last_months: Path, data: Row, page: Path, tmp_path: Path
) -> None:
    (used,) = block_of(data, "policies_used")["rows"]
    assert data["policies"] == data["policies_shipped"] == used["policies"]
    assert "a run would now use" not in page.read_text(encoding="utf-8")
    policies = Path(shutil.copytree(POLICIES, tmp_path / "policies"))
    for file in policies.rglob("tier_fee_bands.yaml"):
        file.write_text(file.read_text(encoding="utf-8").replace("10000", "20000"))
    options = Options(workspace=last_months, policies=policies, memory="1GB", threads=1)
    found = flow.report(options, flow.Asked(pages=["policies"]), tmp_path / "x.html")
    assert found["policies"] == used["policies"] != found["policies_shipped"]
    now = f"policies {used['policies'][:12]} (a run would now use {found['policies_shipped'][:12]})"
    assert now in (tmp_path / "x.html").read_text(encoding="utf-8")


# Nobody is named


def test_no_id_contact_or_hash_of_anybody_is_in_the_page(page: Path, last_months: Path) -> None:
    text = page.read_text(encoding="utf-8")
    words = set(re.split(r"[^\w:.-]+", text))
    names = {
        *("customer_id", "member_id", "subscription_id", "lot_id", "redemption_id", "payment_id"),
        *("application_id", "request_id", "activity_id", "billing_line_id", "contact", "address"),
    }
    found: set[str] = set()
    looked = 0
    for file in (
        *last_months.glob("staged/**/*.parquet"),
        *last_months.glob("warehouse/**/*.parquet"),
    ):
        schema = pq.read_schema(file)
        for name in names & set(schema.names):
            values = pc.unique(pq.ParquetFile(file).read([name])[name]).to_pylist()
            looked += len(values)
            found |= words & {str(value) for value in values if value}
    assert looked > 1000
    assert not found


def test_counts_of_few_people_are_not_told(last_months: Path, tmp_path: Path) -> None:
    found = report_of(last_months, tmp_path / "least.html", least=20, pages=["membership"])
    assert any(row["customers"] == "<20" for row in block_of(found, "tiers_by_year")["rows"])
    for name in ("tiers_by_year", "fees_by_band", "near_misses", "not_assessed"):
        keys = {*BLOCKS[name].transform.header["keys"].split(", "), "lacking_at_most"}
        for row in block_of(found, name)["rows"]:
            if isinstance(row["customers"], str):
                told = [row[column] for column in row if column not in keys]
                assert not [value for value in told if isinstance(value, int) and value >= 20]
    text = (tmp_path / "least.html").read_text(encoding="utf-8")
    assert "&lt;20" in text
    assert "There is no chart, as counts of fewer than 20 people are not told." in text
    for name in ("tiers_by_year", "fees_by_band"):
        assert f'<figure role="group" aria-label="{BLOCKS[name].title}">' not in text


Moves = list[tuple[str, str, str, int]]
MOVES: Final[Moves] = [
    *(("general", "general", "same", 50), ("general", "white", "fee_up", 7)),
    *(("white", "white", "same", 60), ("white", "general", "fee_down", 9)),
    *(("silver", "silver", "same", 40), ("silver", "white", "fee_down", 6)),
    *(("gold", "silver", "fee_down", 8), ("gold", "gold", "same", 3)),
    *(("vip", "vip", "same", 65), ("gold", "vip", "tenure", 5)),
    *(("not assessed", "general", "came", 12), ("vip", "not assessed", "left", 6)),
]
"""Customers by tier before, tier, and why: 3 of them alone are gold."""
FEW_LEFT: Final[Moves] = [
    *(("general", "general", "same", 50), ("white", "white", "same", 60)),
    *(("silver", "silver", "same", 40), ("gold", "gold", "same", 30), ("vip", "vip", "same", 20)),
    *(("not assessed", "general", "came", 12), ("vip", "not assessed", "left", 2)),
]
"""The same, where 2 alone left, which the totals of both years and of the matrix would tell."""


def tables_of_moves(moves: Moves) -> dict[str, list[Row]]:
    """What the blocks of membership count of customers who moved so."""
    of_tier: dict[tuple[int, str], int] = Counter()
    of_cause: dict[str, int] = Counter()
    for before, tier, why, count in moves:
        of_tier[2021, before] += count
        of_tier[2022, tier] += count
        of_cause[why] += count
    tiers = [
        {
            "membership_year": year,
            "tier": tier,
            "customers": n,
            "lifted_by_tenure": 0,
            "annual_fee": 9,
        }
        for (year, tier), n in of_tier.items()
        if tier != "not assessed"
    ]
    now = [row for row in tiers if row["membership_year"] == 2022]
    bands = [
        {"band_from": place * 9 + band, "tier": row["tier"], "customers": n, "annual_fee": 9}
        for place, row in enumerate(now)
        for band, n in enumerate((int(str(row["customers"])) - 1, 1))
    ]
    weights = dict.fromkeys(("annual_fee", "points_before", "points_after", "points_more"), 7)
    return {
        "tiers_by_year": tiers,
        "tier_migration": [
            {"tier_before": before, "tier": tier, "customers": n} for before, tier, _, n in moves
        ],
        "tier_moves_by_cause": [
            {"membership_year": 2022, "why": why, "customers": n, **weights}
            for why, n in of_cause.items()
        ],
        "fees_by_band": bands,
    }


def solved(found: Row, margins: Row, totals: Mapping[int, int], least: int) -> list[object]:
    """Small counts that follow from what is shown, each bounded by all sums that it is part of."""
    bounds: dict[Any, tuple[int, int]] = {}
    sums: list[tuple[Any, list[Any]]] = []

    def note(key: Any, value: object) -> Any:
        low, high = (value, value) if isinstance(value, int) else (1, least - 1)
        if isinstance(value, str) and value.startswith("≥"):
            low, high = least, 1000
        assert isinstance(low, int)
        assert isinstance(high, int)
        before = bounds.get(key, (low, high))
        bounds[key] = max(low, before[0]), min(high, before[1])
        return key

    tiers = {
        (row["membership_year"], row["tier"]): note(
            (row["membership_year"], row["tier"]), row["customers"]
        )
        for row in found["tiers_by_year"]
    }
    for year, total in totals.items():
        parts = [key for key in tiers if key[0] == year]
        sums.append((note(year, total), parts))
    cells = {
        (row["tier_before"], row["tier"]): note(
            ("cell", row["tier_before"], row["tier"]), row["customers"]
        )
        for row in found["tier_migration"]
    }
    causes = {
        row["why"]: note(("why", row["why"]), row["customers"])
        for row in found["tier_moves_by_cause"]
    }
    everybody = note("all", margins["tier"]["all"])
    sums += [(everybody, list(cells.values())), (everybody, list(causes.values()))]
    for place, (axis, year) in enumerate((("tier_before", 2021), ("tier", 2022))):
        lines = []
        for line, value in margins[axis].items():
            if line != "all":
                key = tiers.get((year, line), (axis, line))
                lines.append(note(key, value))
                sums.append((key, [cell for of, cell in cells.items() if of[place] == line]))
        sums.append((everybody, lines))
    for (_, tier), key in [each for each in tiers.items() if each[0][0] == 2022]:
        bands = [
            note(("band", tier, row["band_from"]), row["customers"])
            for row in found["fees_by_band"]
            if row["tier"] == tier
        ]
        sums.append((key, bands))
    for why, of in (("came", 0), ("left", 1)):
        sums.append((causes[why], [c for k, c in cells.items() if k[of] == "not assessed"]))
    sums.append((causes["same"], [cell for key, cell in cells.items() if key[0] == key[1]]))
    for _ in range(100):
        for total, parts in sums:
            low = sum(bounds[part][0] for part in parts)
            high = sum(bounds[part][1] for part in parts)
            bounds[total] = max(bounds[total][0], low), min(bounds[total][1], high)
            for part in parts:
                rest_low, rest_high = low - bounds[part][0], high - bounds[part][1]
                bounds[part] = (
                    max(bounds[part][0], bounds[total][0] - rest_high),
                    min(bounds[part][1], bounds[total][1] - rest_low),
                )
                low = rest_low + bounds[part][0]
                high = rest_high + bounds[part][1]
    assert all(low <= high for low, high in bounds.values())
    return [key for key, (low, high) in bounds.items() if low == high < least]


@pytest.mark.parametrize("moves", [MOVES, FEW_LEFT])
@pytest.mark.parametrize("least", [5, 10])
def test_no_hidden_count_follows_from_what_is_shown(moves: Moves, least: int) -> None:
    counted = tables_of_moves(moves)
    totals = {
        year: sum(
            row["customers"] for row in counted["tiers_by_year"] if row["membership_year"] == year
        )
        for year in (2021, 2022)
    }
    found, margins = masked(counted, least)
    assert solved(found, margins["tier_migration"], totals, least) == []
    shown_as_is, whole = masked(counted, 1)
    assert shown_as_is == counted
    assert len(solved(shown_as_is, whole["tier_migration"], totals, least)) > 2
    for rows in found.values():
        for row in rows:
            hidden = isinstance(row["customers"], str)
            assert not hidden or row.get("annual_fee") is None
    points = [row["points_after"] for row in found["tier_moves_by_cause"]]
    assert points == [None] * len(points)


def test_as_few_others_are_hidden_as_it_takes() -> None:
    rows = [
        {
            "membership_year": 2022,
            "tier": tier,
            "customers": n,
            "lifted_by_tenure": 0,
            "annual_fee": n,
        }
        for tier, n in (("general", 62), ("white", 70), ("silver", 40), ("gold", 3), ("vip", 65))
    ]
    found, _ = masked({"tiers_by_year": rows}, 5)
    # two: what is granted to all tiers of a year is a second sum of them
    assert [row["customers"] for row in found["tiers_by_year"]] == ["≥5", 70, "≥5", "<5", 65]
    assert [row["annual_fee"] for row in found["tiers_by_year"]] == [None, 70, None, None, 65]
    years = [
        {"status_year": 2022, "status": s, "members": n}
        for s, n in zip("abc", (5, 9, 1), strict=True)
    ]
    years = [row | {"by_miles_alone": 0, "by_flights_alone": 0} for row in years]
    found, _ = masked({"elite_by_year": years}, 5)
    # 1 and ≥5 are the least that can be: the third is hidden as well
    assert [row["members"] for row in found["elite_by_year"]] == ["≥5", "≥5", "<5"]


def test_scenarios_are_refused_where_few_people_are_not_told(
    last_months: Path, tmp_path: Path
) -> None:
    with pytest.raises(WrongUsage, match="--least is not for scenarios"):
        report_of(last_months, tmp_path / "x.html", least=5, scenarios=["dear"])
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    "error",
    [
        "Could not convert string 'C0000194' to INT64",
        "a row is wrong: {'customer_id': 'C0000194', 'at': [1, 2]}; mend it",
        "a row is wrong: name=foo C0000194 bar (baz) qux; mend it",
        "a row is wrong (name=foo (C0000194) qux); mend it",
        'a row is wrong: "C0000194',
        "a row is wrong: (of C0000194",
        "customer C0000194 is unknown",
        "Could not convert string 'O'foo baz' or C0000194' to INT64",
        "of 01012345678 or foo@baz.example",
        "lot promotion:P-00001 of C0000194 is unknown",
    ],
)
def test_no_value_that_an_error_names_is_shown(error: str) -> None:
    told = without_rows(error)
    for value in ("C0000194", "P-00001", "foo", "baz", "qux", "01012345678"):
        assert value not in told
    assert told.split("…")[0] in error
    assert not error.endswith("; mend it") or told.endswith("; mend it")


def test_an_error_that_names_nobody_is_shown_as_it_is() -> None:
    for error in (
        "2022-03 is not published; run `pointbook run --from 2022-03 --to 2022-03` first",
        "/w/point_lots/period=2022-01/part-0.parquet: No space left on device; make room",
        "a customer's lots don't fit its owner's; 1024MB; 20220101",
    ):
        assert without_rows(error) == error
    assert (
        without_rows("run 000009-points failed; see x.sql") == "run 000009-points failed; see x.sql"
    )


def test_rows_that_an_error_names_are_not_shown() -> None:
    error = (
        "audit point_lots__x found 2 rows (lot_id=promotion:P-1 customer_id=C0001; lot_id=L2 "
        "customer_id=C0002); nothing was published; see transforms/audits/point_lots__x.sql"
    )
    manifest = {
        "run_id": "000009-points",
        "command": "points",
        "status": "failed",
        "error": error,
        "parameters": {"month": "2022-01"},
        "customer_id": "C0003",
    }
    found = page_of(manifest, MADE_ON)
    text = made_run_page({**found, "sha256": None})
    assert "found 2 rows …; nothing was published" in text
    for somebody in ("C0001", "C0002", "C0003", "P-1"):
        assert somebody not in text


# Text is shown as text


def with_signs(value: Any) -> Any:
    """The value with HTML for every text in it, but for the names of blocks and pages."""
    if isinstance(value, Mapping):
        kept = {"block", "page", "tables"}
        return {key: each if key in kept else with_signs(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_signs(each) for each in value]
    return A_SIGN if isinstance(value, str) else value


def test_names_with_html_in_them_are_shown_as_text(data: Row) -> None:
    found = data | {"workspace": A_SIGN, "made_on": A_SIGN, "to": A_SIGN, "last_run": A_SIGN}
    blocks = [
        {**each, "rows": with_signs(each["rows"]), "told": A_SIGN}
        if not BLOCKS[each["block"]].pivot
        else each
        for page in data["pages"]
        for each in page["blocks"]
    ]
    found["pages"] = [
        {
            **page,
            "blocks": [
                each for each in blocks if BLOCKS[each["block"]] in PAGES[page["page"]].blocks
            ],
        }
        for page in data["pages"]
    ]
    found["stale"] = [{"table": A_SIGN, "period": A_SIGN, "why": A_SIGN}]
    scenario = {A_SIGN: [{A_SIGN: A_SIGN}]}
    found["scenarios"] = [{"name": A_SIGN, "tables": list(tables_of(scenario, [A_SIGN]))}]
    text = made_page(found)
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") > 100
    assert "</script>" not in re.sub(r"</script>\n", "", text.split("pointbook-data")[1])
    embedded = re.findall(r'id="pointbook-data">(.*?)</script>', text, re.DOTALL)[0]
    assert json.loads(embedded)["workspace"] == A_SIGN


def test_the_page_allows_no_address_and_no_script_but_its_own(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src &#39;sha256-" in policy or "script-src 'sha256-" in policy
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", text.split("<main")[0]))
    assert not addresses
    linked = re.findall(r"\b(?:src|href)=\"([^\"]*)\"", text)
    assert all(each.startswith("#") for each in linked)
    assert not re.findall(r"url\((?!#)", text)


# Scenarios


def write_scenario(workspace: Path, name: str, told: Row) -> None:
    folder = workspace / "scenarios" / name
    folder.mkdir(parents=True)
    (folder / "scenario.json").write_text(json.dumps(told))


SCENARIO: Final[Row] = {
    "format": "pointbook.simulate.v1",
    "parameters": [{"policy": "tier_thresholds", "key": {"tier": "white"}, "before": 200000}],
    "tiers": [{"tier": "white", "published": 70, "scenario": 40, "difference": -30}],
    "cost": {"points": {"granted": -1500000}, "customer_id": "C0001"},
    "attribution": None,
    "limits": ["no behaviour changes"],
    "further": [{"what": "of a later version"}],
    "base": {"digest": "of no use here", "commit": "000009-grants"},
    "year": 2022,
    "through": "grants",
    "unit": "points",
    "matrix": [
        {"published": "white", "scenario": "white", "count": 41},
        {"published": "white", "scenario": None, "count": 31},
        {"published": "gold", "scenario": "white", "count": 11},
    ],
}


def test_scenarios_are_shown_by_their_blocks(last_months: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    write_scenario(workspace, "dear", SCENARIO)
    out = tmp_path / "scenarios.html"
    report_of(workspace, out, pages=["scenarios"], scenarios=["dear"])
    text = out.read_text(encoding="utf-8")
    for said in (
        "dear: parameters",
        "-1,500,000",
        "no behaviour changes",
        "key tier",
        "of a later version",
    ):
        assert said in text
    assert "C0001" not in text
    assert "of no use here" not in text
    rows = Cells(text).rows
    for row in (
        *(["year", "2022"], ["through", "grants"], ["amounts in", "points"]),
        *(["made after run", "000009-grants"], ["published", "white", "none", "all"]),
        *(["white", "41", "31", "72"], ["gold", "11", "0", "11"], ["all", "52", "31", "83"]),
    ):
        assert row in rows
    report_of(workspace, out, pages=["scenarios"])
    assert "pointbook simulate cheaper-white" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("differs", [{"year": 2021}, {"through": "tiers"}, {"unit": "miles"}])
def test_scenarios_of_other_years_or_reach_do_not_stand_side_by_side(
    differs: Row, last_months: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    write_scenario(workspace, "dear", SCENARIO)
    write_scenario(workspace, "other", SCENARIO | differs)
    (what,) = differs
    with pytest.raises(WrongUsage, match=f"dear and other differ in {what}: {SCENARIO[what]} and"):
        report_of(workspace, tmp_path / "x.html", scenarios=["dear", "other"])


@pytest.mark.parametrize(
    ("names", "raised", "told"),
    [
        (["../../etc"], WrongUsage, "have letters, digits, - and _ alone"),
        (["gone"], NotReady, "there is no scenario gone; `pointbook simulate list`"),
        (["other"], NotReady, "not of the format pointbook.simulate.v1"),
    ],
)
def test_a_scenario_that_cant_be_shown_is_named(
    names: list[str], raised: type[Exception], told: str, last_months: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    write_scenario(workspace, "other", {"format": "pointbook.explain.v1"})
    with pytest.raises(raised, match=re.escape(told)):
        report_of(workspace, tmp_path / "x.html", pages=["scenarios"], scenarios=names)


# Where it is written, and what is refused


@pytest.fixture
def call(last_months: Path, tmp_path: Path) -> Callable[..., Any]:
    """Runs the command over the sample's last months, forked."""
    environment = {"POINTBOOK_WORKSPACE": str(last_months), "COLUMNS": "100"}
    return lambda *words: command_line([*map(str, words)], environment, tmp_path / "printed")


def test_it_lies_in_reports_named_by_its_month_its_owners_alone(
    last_months: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    found = flow.report(settings(workspace), flow.Asked(pages=["overview"]))
    target = workspace / "reports" / "2022-02-overview.html"
    assert found["out"] == str(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    (tmp_path / "file").touch()
    with pytest.raises(RunFailed, match="nothing was written: mend this, or name another file"):
        flow.report(settings(workspace), flow.Asked(pages=["overview"]), tmp_path / "file" / "x")
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_a_report_of_less_replaces_no_whole_one(last_months: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    asked = flow.Asked(pages=["policies", "overview"], least=5)
    found = flow.report(settings(workspace), asked)
    assert Path(found["out"]).name == "2022-02-overview-policies-least-5.html"


def test_it_is_never_written_over_what_is_published(last_months: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    options, asked = settings(workspace), flow.Asked(pages=["overview"])
    file = min((workspace / "warehouse" / "tier_snapshot").rglob("*.parquet"))
    (link := tmp_path / "link").symlink_to(workspace, target_is_directory=True)
    run = workspace / "runs" / "000001-ingest"
    held = {path: path.read_bytes() for path in (file, run / "manifest.json")}
    lies = "lies in the workspace, where what is published is; name a file in"
    for out in (file, link / file.relative_to(workspace), run / "report.html"):
        with pytest.raises(WrongUsage, match=lies):
            flow.report(options, asked, out)
    for out in (file, run / "manifest.json", workspace / "runs" / "000002-tiers" / "report.html"):
        with pytest.raises(WrongUsage, match=lies):
            report_run(options, "000001-ingest", out, MADE_ON)
    with pytest.raises(WrongUsage, match=re.escape(f"--out {tmp_path} is a folder")):
        flow.report(options, asked, tmp_path)
    assert {path: path.read_bytes() for path in held} == held
    report_run(options, "000001-ingest", run / "report.html", MADE_ON)
    flow.report(options, asked, workspace / "reports" / "board.html")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--pages", "overview,dragons"], USAGE, "no page is called dragons; the pages are over"),
        (["--to", "2022-3"], USAGE, "'2022-3' is no month"),
        (["--to", "2022-03"], NOT_READY, "2022-03 is not published: months from 2021-11 to"),
        (["--to", "2019-01"], NOT_READY, "2019-01 is not published"),
        (["--run", "000999-tiers"], NOT_READY, "no run is called 000999-tiers"),
        (["--run", "../landing"], NOT_READY, "no run is called ../landing"),
        (["--run", "000001-ingest", "--pages", "runs"], USAGE, "--run shows one run"),
        (["--least", "0"], USAGE, "--least"),
        (["--scenarios", "gone"], NOT_READY, "there is no scenario gone"),
        (["--pages", "overview", "--scenarios", "../x"], USAGE, "stand on the page scenarios"),
    ],
)
def test_what_cant_be_reported_is_one_line_and_an_exit_code(
    words: list[str], code: int, told: str, call: Callable[..., Any], tmp_path: Path
) -> None:
    ended = call("report", *words, "--out", tmp_path / "x.html")
    assert ended.returncode == code, ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if not line.endswith(" …")]
    assert told in line
    assert ended.stdout == ""
    assert not (tmp_path / "x.html").exists()


def test_nothing_published_is_said_with_the_command_that_publishes(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"nothing is published; run `pointbook run --from"):
        report_of(tmp_path / "empty", tmp_path / "x.html")


def test_the_command_prints_where_it_is_or_its_json(
    call: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("report", "--pages", "overview", "--out", tmp_path / "x.html", "--made-on", "a day")
    assert f"written to {tmp_path / 'x.html'}" in call(*words).stdout
    validator("report.v1").validate(json.loads(call(*words, "--json").stdout))


def test_of_what_is_delivered_alone_the_pages_of_deliveries_are_made(
    last_months: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(last_months / "landing", workspace / "landing")
    ended = command_line(
        ["ingest", "--workspace", str(workspace)],
        {"POINTBOOK_PII_KEY": "a key for the tests"},
        tmp_path / "printed",
    )
    assert (workspace / "staged").is_dir(), ended.stderr
    found = report_of(workspace, tmp_path / "x.html", pages=["deliveries", "runs"])
    assert found["to"] == max(row["month"] for row in block_of(found, "arrivals")["rows"])
    with pytest.raises(NotReady, match=r"months from \d{4}-\d\d to \d{4}-\d\d are"):
        report_of(workspace, tmp_path / "x.html", pages=["runs"], to=Period(2001, 1))
    with pytest.raises(NotReady, match="nothing is published"):
        report_of(workspace, tmp_path / "x.html", pages=["deliveries", "points"])


def test_what_is_not_published_is_not_said_to_be_none(telecom: Path, tmp_path: Path) -> None:
    found = report_of(telecom, tmp_path / "tiers.html", pages=["membership", "points", "runs"])
    text = (tmp_path / "tiers.html").read_text(encoding="utf-8")

    def said(name: str) -> str:
        return text.split(f"<h3>{BLOCKS[name].title}</h3>")[1].split("<details>")[0]

    assert not block_of(found, "points_rejected")["published"]
    assert "<p>Nothing of it is published.</p>" in said("points_rejected")
    assert block_of(found, "tier_migration")["published"]
    assert "<p>None.</p>" in said("runs_failed")


def test_a_years_tiers_alone_are_reported(telecom: Path, tmp_path: Path) -> None:
    found = report_of(telecom, tmp_path / "tiers.html")
    text = (tmp_path / "tiers.html").read_text(encoding="utf-8")
    rejected = text.split(f"<h3>{BLOCKS['points_rejected'].title}</h3>")[1].split("<h3>")[0]
    assert "<p>Nothing of it is published.</p>" in rejected
    assert "<p>None.</p>" not in rejected
    assert found["to"] == "2018-01"
    assert block_of(found, "tiers_by_year")["rows"]
    assert not found["broken"]


def test_the_page_of_a_run_is_its_manifest(last_months: Path, tmp_path: Path) -> None:
    (folder,) = [path for path in (last_months / "runs").iterdir() if path.name.endswith("-tiers")]
    out = tmp_path / "run.html"
    found = report_run(settings(last_months), folder.name, out, MADE_ON)
    validator("report_run.v1").validate(found)
    validator("report_run.v1").validate(data_of(out))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    titles = {each["title"]: each["rows"] for each in found["tables"]}
    order = ["general", "white", "silver", "gold", "vip"]
    assert titles["tiers"] == sorted(manifest["tiers"], key=lambda row: order.index(row["tier"]))
    assert titles["audits"] == [{"audit": name} for name in manifest["audits"]]
    rows = Cells(out.read_text(encoding="utf-8")).rows
    assert ["year", str(manifest["year"])] in rows
    moment = manifest["finished_at"][:16].replace("T", " ")
    assert f"<dt>finished at</dt><dd>{moment}</dd>" in out.read_text(encoding="utf-8")
    assert len(titles["files committed"]) == len(manifest["outputs"])
    assert f"<h1>Run {folder.name}</h1>" in out.read_text(encoding="utf-8")


def test_run_writes_the_report_unless_told_not_to(last_months: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    months = ("--from", "2022-02", "--to", "2022-02", "--workspace", str(workspace), "--no-prefect")
    environment = {"POINTBOOK_PII_KEY": "a key for the tests", "COLUMNS": "200"}
    target = workspace / "reports" / "2022-02.html"
    left_out = command_line(["run", *months, "--no-report"], environment, tmp_path / "printed")
    assert (left_out.returncode, target.exists()) == (DONE, False)
    assert "report:" not in left_out.stdout
    ended = command_line(["run", *months], environment, tmp_path / "printed")
    assert ended.returncode == DONE, ended.stderr
    assert f"report: {target}" in ended.stdout
    assert target.is_file()


# Bounded


def test_every_value_in_force_is_shown(data: Row) -> None:
    values = block_of(data, "values_in_force")
    assert len(values["rows"]) == values["rows_in_all"] > 200
    assert "tier_thresholds" in {row["policy"] for row in values["rows"]}


def test_a_chart_is_drawn_from_all_rows(
    last_months: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"export": "billing", "file": "x.csv", "status": "accepted"}
    reasons = {"reasons": {f"c{n}:domain": 1 for n in range(300)}}
    monkeypatch.setattr(flow, "_files", lambda _: [({"delivery": 1}, told | reasons)])
    out = tmp_path / "rejected.html"
    found = report_of(last_months, out, pages=["deliveries"])
    block = block_of(found, "rows_rejected")
    assert len(block["rows"]) == block["rows_in_all"] == 300
    drawn = out.read_text(encoding="utf-8").split(f'aria-label="{BLOCKS["rows_rejected"].title}"')
    assert drawn[1].split("</figure>")[0].count("rows by reason: 300; export: billing") == 2


def test_runs_before_the_last_400_are_told_a_month_together(
    last_months: Path, tmp_path: Path
) -> None:
    workspace = Path(shutil.copytree(last_months, tmp_path / "workspace"))
    for number in range(900_000, 900_450):
        folder = workspace / "runs" / f"{number}-tiers"
        folder.mkdir()
        moment = "2022-03-01T00:00:00.000+09:00"
        told = {"run_id": folder.name, "command": "tiers", "status": "failed", "seconds": 1.5}
        told |= {"started_at": moment, "finished_at": moment, "error": "it broke"}
        (folder / "manifest.json").write_text(json.dumps(told))
    found = report_of(workspace, tmp_path / "runs.html", pages=["runs"])
    assert len(block_of(found, "runs_listed")["rows"]) == 400
    before = block_of(found, "runs_before")["rows"]
    assert sum(row["runs"] for row in before) == found["run_count"] - 400
    failed = block_of(found, "runs_failed")
    assert (len(failed["rows"]), failed["rows_in_all"]) == (200, 450)
    assert "200 of 450 rows" in (tmp_path / "runs.html").read_text(encoding="utf-8")
    assert (tmp_path / "runs.html").stat().st_size < 3_000_000


def test_it_is_small(page: Path) -> None:
    assert page.stat().st_size < 3_000_000
