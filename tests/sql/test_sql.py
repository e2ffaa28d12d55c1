"""Every transform keeps to its header, to the published schema and to portable SQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from flows.answers import finance
from flows.answers.explain.declaration import Asked
from flows.answers.report.report import RELATIONS as REPORTED
from flows.answers.simulate.blocks import LEVELS
from schemas.derive import duckdb_type
from schemas.exports import EXPORTS, opening_lots
from schemas.policy import POLICIES
from schemas.sheets import SHEETS
from schemas.tables import PUBLISHED, RESTATEMENTS, STAGED_RELATIONS, Table
from tests.sql.sql_lint import PLAIN_NUMBERS, Schema, lint
from transforms.engine.engine import ROOT, Transform, load_transform
from transforms.ledger.fold import FOR_THE_LOOP

HEADER = ["purpose", "grain", "keys", "inputs", "policy", "rules"]
APART, KEPT = "apart", "kept"
"""The column by which an audit's claim may be looked into range by range."""
TABLES = PUBLISHED | STAGED_RELATIONS
QUESTIONS = ROOT / "answers" / "queries"
"""What analysts ask: in DuckDB's SQL, over the catalog; `tests/answers/test_sql.py` asks them."""
NAMES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in ROOT.rglob("*.sql")
    if path.parent != QUESTIONS
)
PUBLISHING = [name for name in NAMES if name.split("/")[-1] in TABLES]
MERGING = [name for name in NAMES if name.startswith("staging/") and name not in PUBLISHING]
"""Ingest's own: they serve every export alike, and so pass on columns that they don't name."""
RULES = [name for name in NAMES if name not in MERGING]

RUN_CONTEXT = {
    "membership_year": "BIGINT",
    "assessed_on": "DATE",
    "window_from": "VARCHAR",
    "window_to": "VARCHAR",
    "policies": "VARCHAR",
    "granted_on": "DATE",
    "expires_on": "DATE",
    "first_day": "DATE",
    "day_after": "DATE",
    "last_second": "TIMESTAMP",
    "status_from": "DATE",
    "status_to": "DATE",
    "month": "VARCHAR",
    "last_day": "DATE",
    "collected_from": "DATE",
    "collected_to": "DATE",
    "active_from": "DATE",
    "active_until": "DATE",
    "spared_from": "DATE",
    "noticed_on": "DATE",
    "noticed_before": "DATE",
    "year": "BIGINT",
    "swept_on": "DATE",
    "swept_at": "TIMESTAMP",
    "ledger_from": "VARCHAR",
    "billing_month": "VARCHAR",
    "before": "TIMESTAMP",
    "on_day": "DATE",
    "usable_from": "DATE",
    "least": "BIGINT",
    "last_month": "VARCHAR",
    "last_period": "VARCHAR",
    "year_ago_period": "VARCHAR",
    "year_ago_month": "VARCHAR",
    "two_years_ago_period": "VARCHAR",
    "status_year": "BIGINT",
    "listed_from": "VARCHAR",
}
"""The one-row relation that carries a run's parameters; a run has those that it needs."""


def _final_select(sql: str) -> exp.Select:
    tree = parse_one(sql, read="duckdb")
    assert isinstance(tree, exp.Select)
    return tree


def _produced(name: str) -> dict[str, str]:
    """The columns of a transform's result, with the types of its explicit casts."""
    items = _final_select(load_transform(name).sql).expressions
    return {item.alias: item.this.to.sql(dialect="duckdb") for item in items}


def _sql_type(name: str) -> str:
    """The type as SQLGlot spells it (VARCHAR is TEXT to it)."""
    return exp.DataType.build(name, dialect="duckdb").sql(dialect="duckdb")


def _columns_of(table: Table) -> dict[str, str]:
    return {column: duckdb_type(table.dtype(column)) for column in table.columns}


def _relations() -> Schema:
    """Every relation that a transform may name as an input."""
    known: dict[str, dict[str, str]] = {
        "run_context": RUN_CONTEXT,
        "window_months": {"billing_month": "VARCHAR"},
        "tiers_before": _columns_of(TABLES["tier_snapshot"]),
        "notice_months": {"month": "VARCHAR"},
        "tier_scale": {"tier": "VARCHAR"}
        | dict.fromkeys(("place", "points_before", "points_after"), "BIGINT"),
        "counting_fees": _produced("membership/counting_fees"),
        "opened_lots": _produced("opening/opened_mileage_lots"),
        "changed_cells": dict.fromkeys(
            ("period", "change", *TABLES[RESTATEMENTS].stored_columns), "VARCHAR"
        ),
        "headlines": {"table_name": "VARCHAR", "column_name": "VARCHAR", "is_amount": "BOOLEAN"},
    }
    known |= _airline_relations()
    known |= _points_relations()
    known |= _micropayment_relations()
    known |= _proof_relations()
    delivered = EXPORTS | {"delivered_lots": opening_lots()}
    for name, export in delivered.items():
        known[name] = {column: duckdb_type(export.dtype(column)) for column in export.columns}
        known[f"{name}_history"] = known[name]
    for name, table in TABLES.items():
        known[name] = _columns_of(table)
    for name, policy in POLICIES.items():
        known[f"policy_{name}"] = {
            field.name: duckdb_type(field.type) for field in policy.arrow_schema
        }
    known |= _finance_relations()
    known |= {name: {f.name: duckdb_type(f.type) for f in of} for name, of in REPORTED.items()}
    return known | _answer_relations(known)


def _finance_relations() -> dict[str, dict[str, str]]:
    """What finance's sheets read beside published tables and each other."""
    given = {
        "reported_periods": finance.REPORTED_PERIODS,
        "windows": finance.WINDOWS,
        "published_files": finance.PUBLISHED_FILES,
    }
    return {
        **{name: {f.name: duckdb_type(f.type) for f in of} for name, of in given.items()},
        **{
            f"taken_over_{name}": _columns_of(TABLES[name])
            for name in ("point_lots", "mileage_lots")
        },
    }


def _answer_relations(known: Schema) -> dict[str, dict[str, str]]:
    """What answers read: what was asked, what is published, any relation of a period made again."""
    asked = {field.name: duckdb_type(field.type) for field in Asked.SCHEMA}
    staged = {name: {"delivery": "BIGINT"} for name in EXPORTS}
    staged |= {
        f"{name}_history": {"delivery": "BIGINT", "replaced_by": "BIGINT"} for name in EXPORTS
    }
    return {
        "asked": asked,
        **{
            f"{side}_{name}": _columns_of(table)
            for side in ("published", "scenario")
            for name, table in PUBLISHED.items()
        },
        "scenario_levels": {f.name: duckdb_type(f.type) for f in LEVELS},
        "scenario_owners": _produced("answers/scenario/scenario_customers"),
        **{f"staged_{name}": dict(known[name]) for name in EXPORTS},
        **{
            f"replayed_{name}": {
                **columns,
                **staged.get(name, {}),
                "replayed_period": "VARCHAR",
            }
            for name, columns in known.items()
        },
        **{
            name.rpartition("/")[2]: _produced(name)
            for name in NAMES
            if name.startswith("answers/")
        },
    }


def _proof_relations() -> dict[str, dict[str, str]]:
    """What `verify` compares with each other, beside published tables and exports."""
    totals = {"first_total": "BIGINT", "second_total": "BIGINT"}
    staged = {"delivery": "BIGINT"} | totals
    return {
        "current_rows": staged,
        "replaced_rows": staged | {"replaced_by": "BIGINT"},
        "delivered_rows": {"delivery": "BIGINT", "accepted": "BIGINT"}
        | dict.fromkeys(totals, "DECIMAL(38,0)"),
        "opening_balances": _columns_of(TABLES["point_balances"]),
        "opening_mileage_balances": _columns_of(TABLES["mileage_balances"]),
    }


def _folded(events: dict[str, str]) -> dict[str, str]:
    """What the fold hands on of events."""
    kept = {name: kind for name, kind in events.items() if name not in FOR_THE_LOOP}
    return kept | {"verdict": "VARCHAR", "usable": "BIGINT", "spent": "BIGINT"}


def _micropayment_relations() -> dict[str, dict[str, str]]:
    """What the micropayment transforms hand on to each other, and the limits carried over."""
    known = {
        name.rpartition("/")[2]: _produced(name)
        for name in NAMES
        if name.startswith("micropayments/") and name not in PUBLISHING
    }
    return known | {
        "opening_limits": _columns_of(TABLES["micropayment_limits"]),
        "payments_and_changes": known["limit_changes"],
        "folded_limits": known["limit_lots"],
        "folded_limit_events": _folded(known["limit_events"]),
    }


def _airline_relations() -> dict[str, dict[str, str]]:
    """What the airline's transforms hand on to each other, and its reference data."""
    known = {
        name.rpartition("/")[2]: _produced(name)
        for name in NAMES
        if name.startswith("mileage/") and name not in PUBLISHING
    }
    lots, events = known["mileage_ledger_lots"], known["mileage_events"]
    return known | {
        "airports": {
            "airport": "VARCHAR",
            "country": "VARCHAR",
            "latitude": "DOUBLE",
            "longitude": "DOUBLE",
        },
        "published_distances": {
            "airport": "VARCHAR",
            "other_airport": "VARCHAR",
            "miles": "BIGINT",
        },
        "opening_mileage_lots": _columns_of(TABLES["mileage_lots"]),
        "folded_mileage_lots": lots,
        "folded_mileage_events": _folded(events),
        "mileage_takings": {
            **{name: lots[name] for name in ("lot_id", "member_id")},
            **{name: events[name] for name in ("source_id", "kind", "occurred_at")},
            "points": "BIGINT",
        },
    }


def _points_relations() -> dict[str, dict[str, str]]:
    """What the points transforms hand on to each other, and tables under another name."""
    known = {
        name.rpartition("/")[2]: _produced(name)
        for name in NAMES
        if name.startswith("points/") and name not in PUBLISHING
    }
    lots, events = known["ledger_lots"], known["ledger_events"]
    aliases = {
        "opening_lots": "point_lots",
        "earlier_results": "redemption_results",
        "earlier_entries": "point_entries",
        "earlier_extensions": "point_entries",
    }
    movements = {
        **{name: lots[name] for name in lots.keys() - {"remaining", "tag", "comes"}},
        **{name: events[name] for name in ("event_id", "occurred_at", "on_day", "action", "cause")},
        "points": "BIGINT",
    }
    # the sweep and an opening hand on what a month does
    handed_on = {name: lots[name] for name in lots.keys() - {"tag", "comes"}}
    assert known["swept_lots"] == _produced("opening/opened_point_lots") == handed_on
    assert known["swept_movements"] == movements
    requests = {
        column: duckdb_type(EXPORTS[name].dtype(column))
        for name in ("redemptions", "refund_applications")
        for column in EXPORTS[name].columns
    }
    return known | {
        "pay_days": {"applied_on": "DATE", "pay_on": "DATE"},
        "all_requests": requests | {"action": "VARCHAR"},
        "lots_to_move": _columns_of(TABLES["point_lots"]) | {"known": "BOOLEAN"},
        "lots_in_order": handed_on,
        "events_in_order": _folded(events),
        "movements_in_order": movements,
        **{alias: _columns_of(TABLES[table]) for alias, table in aliases.items()},
    }


RELATIONS = _relations()


def _declared_inputs(transform: Transform) -> dict[str, set[str]]:
    inputs = transform.header["inputs"]
    found = re.findall(r"(\w+)\(([^()]*)\)", inputs)
    told = ", ".join(f"{name}({columns})" for name, columns in found)
    assert told == inputs, "write inputs as relation(column, column), relation(…)"
    return {name: {column.strip() for column in columns.split(",")} for name, columns in found}


def _columns_read(sql: str) -> dict[str, set[str]]:
    """The columns that a query reads of each input, whichever CTE reads them."""
    schema: dict[str, object] = {name: dict(columns) for name, columns in RELATIONS.items()}
    tree = qualify(
        parse_one(sql, read="duckdb"), schema=schema, dialect="duckdb", quote_identifiers=False
    )
    read: dict[str, set[str]] = {}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table):
                read.setdefault(source.name, set())
        for column in scope.columns:
            table = scope.sources.get(column.table)
            if isinstance(table, exp.Table):
                read[table.name].add(column.name)
    return read


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_says_what_it_is_for(name: str) -> None:
    header = load_transform(name).header
    assert [entry for entry in header if entry not in (APART, KEPT)] == HEADER
    assert header.get(KEPT, "table") in ("table", "file")
    assert all(header.values())


@pytest.mark.parametrize("name", RULES)
def test_a_transform_names_the_rules_that_it_carries_out(name: str) -> None:
    header = load_transform(name).header
    assert re.fullmatch(r"[A-Z]\d+(, [A-Z]\d+)*", header["rules"])


@pytest.mark.parametrize("name", RULES)
def test_the_header_declares_exactly_the_inputs_and_columns_that_the_query_reads(name: str) -> None:
    transform = load_transform(name)
    assert _declared_inputs(transform) == _columns_read(transform.sql)


@pytest.mark.parametrize("name", RULES)
def test_the_header_names_the_policies_that_the_query_joins(name: str) -> None:
    transform = load_transform(name)
    joined = [
        relation.removeprefix("policy_")
        for relation in _declared_inputs(transform)
        if relation.startswith("policy_")
    ]
    assert transform.header["policy"] == (", ".join(joined) or "none")


@pytest.mark.parametrize("name", RULES)
def test_every_published_column_has_an_explicit_cast_and_a_name(name: str) -> None:
    for item in _final_select(load_transform(name).sql).expressions:
        assert isinstance(item, exp.Alias), item.sql()
        assert isinstance(item.this, exp.Cast), item.sql()


@pytest.mark.parametrize("name", PUBLISHING)
def test_a_table_has_the_columns_types_key_and_grain_of_its_schema(name: str) -> None:
    transform, table = load_transform(name), TABLES[name.split("/")[-1]]
    assert list(_produced(name).items()) == [
        (column, _sql_type(duckdb_type(table.dtype(column)))) for column in table.stored_columns
    ]
    assert transform.header["keys"] == ", ".join(table.key)
    assert transform.header["grain"] == _without_rules(table)


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_has_the_columns_types_key_and_grain_that_it_is_declared_with(name: str) -> None:
    transform, sheet = load_transform(f"answers/{name}"), SHEETS[name]
    assert list(_produced(transform.name).items()) == [
        (column, _sql_type(duckdb_type(sheet.dtype(column)))) for column in sheet.columns
    ]
    assert transform.header["keys"] == ", ".join(sheet.key)
    assert transform.header["grain"] == sheet.grain
    assert _ordered_by(_final_select(transform.sql)) == sheet.key


def _without_rules(table: Table) -> str:
    return re.sub(r" \([A-Z]\d+(, [A-Z]\d+)*\)", "", table.grain)


@pytest.mark.parametrize("name", PUBLISHING)
def test_a_table_is_written_in_the_order_of_its_key(name: str) -> None:
    final = _final_select(load_transform(name).sql)
    table = TABLES[name.split("/")[-1]]
    key = table.key if table.export else table.order
    if "order" not in final.args:
        joins = [join.this.name for join in final.args.get("joins", [])]
        source = final.args["from_"].this.name
        if source in HANDED_ON_IN_ORDER:
            assert not joins
            for handed_on in map(load_transform, HANDED_ON_IN_ORDER[source]):
                order = _ordered_by(_final_select(handed_on.sql))
                # each lot is in it once
                assert order == key[: len(order)]
                assert handed_on.header["keys"] == order[-1] == "lot_id"
            return
        # what is one value for all rows may come in behind the sort
        assert (source, joins) == ("in_order", ["run_context"])
        final = next(cte.this for cte in final.ctes if cte.alias == "in_order")
    assert _ordered_by(final) == key


def _ordered_by(select: exp.Select) -> list[str]:
    ordered = (
        item.sql(dialect="duckdb", normalize=True) for item in select.args["order"].expressions
    )
    # a column that is called as a word of SQL is quoted
    return [text.replace('"', "") for text in ordered]


HANDED_ON_IN_ORDER = {
    "lots_in_order": ["points/swept_lots", "opening/opened_point_lots"],
    "events_in_order": [],
    "movements_in_order": ["points/swept_movements"],
}
"""Relations that stand in the order of the table that is made of them, and what they are, where it
is not the fold that made them.
"""


def test_every_table_has_one_transform_of_its_name() -> None:
    assert sorted(name.split("/")[-1] for name in PUBLISHING) == sorted(TABLES)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("audits/")])
def test_an_audit_is_named_after_the_table_and_its_claim_and_reads_that_table(name: str) -> None:
    table, claim = name.removeprefix("audits/").split("__")
    assert table in PUBLISHED
    assert claim
    assert table in _declared_inputs(load_transform(name))


@pytest.mark.parametrize("name", NAMES)
def test_only_an_audit_of_relations_with_the_column_is_looked_into_apart(name: str) -> None:
    transform = load_transform(name)
    if APART in transform.header:
        assert name.startswith("audits/")
        assert all(transform.header[APART] in RELATIONS[relation] for relation in transform.inputs)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("proof/")])
def test_a_proof_is_named_after_what_it_is_of_and_its_claim_and_reads_that(name: str) -> None:
    relation, claim = name.removeprefix("proof/").split("__")
    assert relation in TABLES or relation in _proof_relations()
    assert claim
    assert relation in _declared_inputs(load_transform(name))


_NUMBERED = "the fold takes dense numbers, and only of those who ask for something in the month"


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_is_portable_and_holds_no_business_number(name: str) -> None:
    schema = RELATIONS if name in RULES else None
    offences = lint(load_transform(name).sql, schema)
    part, _ = KNOWN_OFFENCES.get(name, (None, None))
    assert [offence for offence in offences if not part or part not in offence] == []
    assert not part or offences, "it is mended: take it out of the known offences"


KNOWN_OFFENCES = {
    "points/ledger_events": ("EPOCH_US", "the seam of an engine says UNIX_MICROS for it"),
    "micropayments/limit_accounts": ("PARTITION BY", _NUMBERED),
    "mileage/mileage_accounts": ("PARTITION BY", _NUMBERED),
    "points/tickets": ("PARTITION BY", _NUMBERED),
    "points/restorable_lots": ("PARTITION BY", _NUMBERED),
    "staging/contested": ("PARTITION BY", "staging stays in DuckDB, whatever runs the rules"),
}
"""What is not portable yet: a part of the offence, and why it stands."""


@pytest.mark.parametrize("name", NAMES)
def test_every_transform_can_be_said_in_spark_sql(name: str) -> None:
    said = sqlglot.transpile(
        load_transform(name).sql,
        read="duckdb",
        write="spark",
        unsupported_level=sqlglot.ErrorLevel.RAISE,
    )
    assert len(said) == 1


REFUSED = {
    "years by boundaries": ("SELECT date_diff('year', joined_on, due_on) FROM t", "boundaries"),
    "months by boundaries": ("SELECT datediff('month', joined_on, due_on) FROM t", "boundaries"),
    "a quotient cast to a whole number": (
        "SELECT CAST(CAST(fee AS DOUBLE) / lines AS BIGINT) FROM t",
        "FLOOR or ROUND",
    ),
    "a decimal cast to a whole number": ("SELECT CAST(rate AS BIGINT) FROM t", "FLOOR or ROUND"),
    "an average cast to a whole number": (
        "SELECT CAST(AVG(CAST(fee AS DOUBLE)) AS BIGINT) FROM t",
        "FLOOR or ROUND",
    ),
    "an ordered list": ("SELECT list(fee ORDER BY due_on) FROM t", "drops the ORDER BY"),
    "an ordered array": ("SELECT array_agg(fee ORDER BY due_on) FROM t", "drops the ORDER BY"),
    "the day of the week": ("SELECT dayofweek(due_on) FROM t", "from a Monday"),
    "the day of the week from Monday": ("SELECT isodow(due_on) FROM t", "from a Monday"),
    "microseconds": ("SELECT epoch_us(due_on) FROM t", "EPOCH_US"),
    "rows numbered all together": (
        "SELECT ROW_NUMBER() OVER (ORDER BY name) FROM t",
        "PARTITION BY",
    ),
    "a value among others": ("SELECT name IN (SELECT u.name FROM u) FROM t", "LEFT JOIN"),
    "a sum that may be too much": (
        "SELECT name FROM t GROUP BY name HAVING TRY_CAST(SUM(fee) AS BIGINT) IS NULL",
        "DECIMAL(38, 0)",
    ),
    "a bare division": ("SELECT fee / lines FROM t", "type differs"),
    "a bare average of decimals": ("SELECT AVG(rate) FROM t", "type differs"),
    "an asof join": ("SELECT t.fee FROM t ASOF JOIN u ON t.due_on >= u.due_on", "ASOF"),
    "a star with replacements": ("SELECT * REPLACE (0 AS fee) FROM t", "REPLACE"),
    "a star with renames": ("SELECT * RENAME (fee AS cost) FROM t", "RENAME"),
    "a union by name": ("SELECT fee FROM t UNION ALL BY NAME SELECT fee FROM u", "BY NAME"),
    "a range in the select": ("SELECT range(0, 12)", "RANGE"),
    "a range as a table": ("SELECT r.n FROM range(0, 12) AS r(n)", "RANGE"),
    "group by all": ("SELECT fee, COUNT(*) FROM t GROUP BY ALL", "GROUP BY ALL"),
    "order by all": ("SELECT fee FROM t ORDER BY ALL", "ORDER BY ALL"),
    "a hash": ("SELECT hash(name) FROM t", "MD5"),
    "an alias used beside its definition": (
        "SELECT fee + 1 AS more, more + 1 AS most FROM t",
        "alias of the same SELECT",
    ),
    "an alias used in the filter": (
        "SELECT fee + 1 AS more FROM t WHERE more > 0",
        "alias of the same SELECT",
    ),
    "concat": ("SELECT concat(name, name) FROM t", "skips nulls"),
    "concat with a separator": ("SELECT concat_ws(':', name, name) FROM t", "skips nulls"),
    "a date plus an interval": ("SELECT due_on + INTERVAL 1 MONTH FROM t", "AS DATE"),
    "an interval of a column": (
        "SELECT CAST(due_on + INTERVAL (lines) MONTH AS DATE) FROM t",
        "interval of a column",
    ),
    "a truncated date": ("SELECT date_trunc('month', due_on) FROM t", "AS DATE"),
    "whole years by DuckDB's own function": (
        "SELECT date_sub('year', joined_on, due_on) FROM t",
        "DATE_SUB",
    ),
    "the sum of a list": ("SELECT list_sum(list(fee)) FROM t", "LIST_SUM"),
    "a continuous quantile": ("SELECT quantile_cont(fee, 0) FROM t", "MEDIAN"),
    "today": ("SELECT today()", "run_context"),
    "the current date": ("SELECT fee FROM t WHERE due_on < current_date", "run_context"),
    "now": ("SELECT now()", "run_context"),
    "the current timestamp": ("SELECT current_timestamp", "run_context"),
    "the local time": ("SELECT current_localtimestamp()", "run_context"),
    "chance": ("SELECT random()", "run_context"),
    "a new id": ("SELECT uuid()", "run_context"),
    "a threshold": ("SELECT fee FROM t WHERE fee >= 200000", "business number"),
    "a threshold as text": ("SELECT fee FROM t WHERE fee >= '200000'", "business number"),
    "a number of years": (
        "SELECT CAST(joined_on + INTERVAL 6 YEAR AS DATE) FROM t",
        "business number",
    ),
    "a date": ("SELECT fee FROM t WHERE due_on >= DATE '2021-04-01'", "business date"),
    "a month": ("SELECT fee FROM t WHERE month >= '2015-11'", "business date"),
}


@pytest.mark.parametrize("construct", REFUSED)
def test_the_lint_refuses(construct: str) -> None:
    sql, reason = REFUSED[construct]
    columns = {
        "fee": "BIGINT",
        "lines": "BIGINT",
        "rate": "DECIMAL(9,2)",
        "joined_on": "DATE",
        "due_on": "DATE",
        "name": "VARCHAR",
        "month": "VARCHAR",
    }
    offences = lint(sql, {"t": columns, "u": columns})
    assert any(reason in offence for offence in offences), offences


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(due_on + INTERVAL 1 MONTH AS DATE) FROM t",
        "SELECT CAST(FLOOR(CAST(fee AS DOUBLE) / lines) AS BIGINT) FROM t",
        "SELECT fee * 100 // lines FROM t",
        "SELECT date_diff('day', joined_on, due_on) FROM t",
        "SELECT date_diff('day', joined_on, due_on) % 12 FROM t",
        "SELECT ROW_NUMBER() OVER (PARTITION BY name ORDER BY due_on) FROM t",
        "SELECT fee FROM t WHERE name IN (SELECT u.name FROM u)",
        "SELECT name FROM t GROUP BY name "
        "HAVING TRY_CAST(SUM(CAST(fee AS DECIMAL(38, 0))) AS BIGINT) IS NULL",
        "SELECT name || ':' || name FROM t",
        "SELECT CAST(SUM(fee) AS BIGINT) AS fee FROM t GROUP BY name ORDER BY fee",
        "SELECT t.fee + 1 AS fee FROM t WHERE t.fee > 0",
        "SELECT CAST(rate AS DECIMAL(18,4)) FROM t",
    ],
)
def test_the_lint_lets_portable_sql_pass(sql: str) -> None:
    columns = {
        "fee": "BIGINT",
        "lines": "BIGINT",
        "rate": "DECIMAL(9,2)",
        "joined_on": "DATE",
        "due_on": "DATE",
        "name": "VARCHAR",
    }
    assert lint(sql, {"t": columns}) == []


def test_every_number_that_sql_may_hold_has_a_reason() -> None:
    assert all(PLAIN_NUMBERS.values())


def test_no_python_file_glues_sql() -> None:
    glued = re.compile(r'f"[^"]*\b(SELECT|INSERT|COPY|CREATE)\b[^"]*\{')
    allowed = {ROOT / "engine" / "duckdb.py", ROOT.parent / "schemas" / "derive.py"}
    offenders = [
        path.relative_to(ROOT.parent).as_posix()
        for folder in ("flows", "transforms", "schemas")
        for path in sorted((ROOT.parent / folder).rglob("*.py"))
        if path not in allowed and glued.search(Path(path).read_text(encoding="utf-8"))
    ]
    assert offenders == []
