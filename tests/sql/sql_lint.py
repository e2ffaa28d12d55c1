"""What a transform's SQL may not contain, told from its parsed tree.

Two concerns: it keeps to the subset that means the same on Spark through SQLGlot, and it holds
no business number and no clock. `lint` answers with one line per offence; the reasons are
measured, on DuckDB 2.0, Spark 4.3 and Sail 0.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sqlglot import exp, parse_one
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

Schema = Mapping[str, Mapping[str, str]]
"""The columns of each relation, with their DuckDB types."""

PLAIN_NUMBERS: Final = {
    "0": "nothing, or the start of a scale",
    "1": "one step, or that a row exists",
    "2": "a half: rounding half up in whole numbers, and the half angles of a great circle",
    "12": "months of a year",
    "100": "percent",
}
"""The numbers that SQL may hold, and why; every other one is policy."""

_WHOLE: Final = exp.DataType.INTEGER_TYPES
_FRACTION: Final = {*exp.DataType.FLOAT_TYPES, *exp.DataType.REAL_TYPES}
_ROUNDED: Final = (exp.Floor, exp.Ceil, exp.Round, exp.Trunc)
_MONDAYS: Final = "count days from a Monday, with DATE_DIFF and %"
_ONLY_IN_DUCKDB: Final = {
    "epoch_us",
    "list_sum",
    "list_aggregate",
    "date_sub",
    "datesub",
    "to_months",
    "to_years",
    "to_days",
}
_CLOCK_OR_CHANCE: Final = {
    "current_date",
    "current_time",
    "current_timestamp",
    "current_localtimestamp",
    "localtimestamp",
    "get_current_timestamp",
    "transaction_timestamp",
    "today",
    "now",
    "random",
    "rand",
    "uuid",
    "gen_random_uuid",
}


def lint(sql: str, schema: Schema | None) -> list[str]:
    """Every offence in a query over relations of that schema; none if it is fit.

    Without a schema what depends on types is not looked at.
    """
    tree = parse_one(sql, read="duckdb")
    found = [line for check in _CHECKS for line in check(tree)]
    if schema is not None and not found:
        found += _casts_of_fractions(tree, schema)
        found += _fractional_division(tree, schema)
    return list(dict.fromkeys(found))


def _told(node: exp.Expr, why: str) -> str:
    return f"{node.sql(dialect='duckdb')}: {why}"


def _function_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    return node.sql_name().lower() if isinstance(node, exp.Func) else ""


def _date_arithmetic(tree: exp.Expr) -> Iterator[str]:
    for diff in tree.find_all(exp.DateDiff):
        if diff.text("unit").upper() not in {"", "DAY"}:
            yield _told(diff, "DuckDB counts boundaries, Spark whole units; compare dates instead")
    for interval in tree.find_all(exp.Interval):
        if not isinstance(interval.this, exp.Literal):
            yield _told(interval, "Spark takes no interval of a column; use MAKE_DATE")
        elif isinstance(_outside_brackets(interval.parent), exp.Cast):
            continue
        else:
            yield _told(
                interval, "a date and an interval give a timestamp in DuckDB; CAST(… AS DATE)"
            )
    for truncated in tree.find_all(exp.TimestampTrunc, exp.DateTrunc):
        if not isinstance(truncated.parent, exp.Cast):
            yield _told(truncated, "a timestamp in DuckDB, a date in Spark; CAST(… AS DATE)")
    for weekday in tree.find_all(exp.DayOfWeek):
        yield _told(weekday, f"Sunday is 0 in DuckDB, 1 in Spark; {_MONDAYS}")
    for iso_weekday in tree.find_all(exp.DayOfWeekIso):
        yield _told(iso_weekday, f"SQLGlot makes another day of it for Spark; {_MONDAYS}")


def _outside_brackets(node: exp.Expr | None) -> exp.Expr | None:
    """What a sum of a date and an interval stands in."""
    while isinstance(node, exp.Paren | exp.Add | exp.Sub | exp.Mul):
        node = node.parent
    return node


def _clauses(tree: exp.Expr) -> Iterator[str]:
    for listed in tree.find_all(exp.ArrayAgg):
        if listed.find(exp.Order):
            yield _told(listed, "SQLGlot drops the ORDER BY; use STRING_AGG or order outside")
    for join in tree.find_all(exp.Join):
        if (join.args.get("method") or "").upper() == "ASOF":
            yield _told(join, "Spark has no ASOF JOIN; make half-open ranges by LEAD")
    for star in tree.find_all(exp.Star):
        for clause, word in (("replace", "REPLACE"), ("rename", "RENAME")):
            if star.args.get(clause):
                yield _told(star, f"Spark has no * {word}; list the columns")
    for union in tree.find_all(exp.SetOperation):
        if union.args.get("by_name"):
            yield f"UNION BY NAME: Spark has none; list the columns in one order ({union.key})"
    for group in tree.find_all(exp.Group):
        if group.args.get("all"):
            yield "GROUP BY ALL: not on every engine; list the columns"
    for select in tree.find_all(exp.Select):
        order = select.args.get("order")
        if order and any(item.this.sql().upper() == "ALL" for item in order.expressions):
            yield "ORDER BY ALL: not on every engine; list the columns"


def _functions(tree: exp.Expr) -> Iterator[str]:
    for call in tree.find_all(exp.Func):
        name = _function_name(call)
        if name == "hash":
            yield _told(call, "its values differ between engines and versions; use MD5")
        if name in _ONLY_IN_DUCKDB:
            yield _told(call, f"Spark has no {name.upper()} of this kind")
        if name in _CLOCK_OR_CHANCE or isinstance(
            call, exp.CurrentDate | exp.CurrentTimestamp | exp.CurrentTime | exp.Rand | exp.Uuid
        ):
            yield _told(call, "a run depends on its inputs alone; take the day from run_context")
    for call in tree.find_all(exp.Concat, exp.ConcatWs):
        yield _told(call, "skips nulls in DuckDB, is null in Spark; use || of what can't be null")
    for series in tree.find_all(exp.GenerateSeries):
        if series.args.get("is_end_exclusive"):
            yield _told(series, "Spark has no RANGE of this kind; use GENERATE_SERIES")
    for quantile in tree.find_all(exp.PercentileCont):
        yield _told(quantile, "Spark has no QUANTILE_CONT; use MEDIAN")


def _windows(tree: exp.Expr) -> Iterator[str]:
    for window in tree.find_all(exp.Window):
        # a policy has a few rows
        of_policy = all(found.table.startswith("policy_") for found in window.find_all(exp.Column))
        if not window.args.get("partition_by") and not of_policy:
            yield _told(window, "one task on Spark, whatever the rows; PARTITION BY whom it is of")


def _values_among_others(tree: exp.Expr) -> Iterator[str]:
    for found in tree.find_all(exp.In):
        if found.args.get("query") and not found.find_ancestor(exp.Where, exp.Having, exp.Join):
            yield _told(found, "no null as a value on Spark; LEFT JOIN and IS NOT NULL")


def _sums_beyond_64_bits(tree: exp.Expr) -> Iterator[str]:
    if not any(cast.to.this in _WHOLE for cast in tree.find_all(exp.TryCast)):
        return
    for sum_ in tree.find_all(exp.Sum):
        cast = sum_.this.unnest()
        if not (isinstance(cast, exp.Cast) and cast.to.this is exp.DataType.Type.DECIMAL):
            yield _told(sum_, "stays within 64 bits on Spark; SUM(CAST(… AS DECIMAL(38, 0)))")


def _lateral_aliases(tree: exp.Expr) -> Iterator[str]:
    for select in tree.find_all(exp.Select):
        aliases: set[str] = set()
        for item in select.expressions:
            yield from _reads_of_aliases(select, item, aliases)
            renamed = isinstance(item, exp.Alias) and item.this.name != item.alias
            if renamed or not isinstance(item.unalias(), exp.Column):
                aliases.add(item.alias)
        for reader in (select.args.get("where"), select.args.get("group")):
            yield from _reads_of_aliases(select, reader, aliases)


def _reads_of_aliases(
    select: exp.Select, reader: exp.Expr | None, aliases: set[str]
) -> Iterator[str]:
    for column in reader.find_all(exp.Column) if reader else []:
        own = column.find_ancestor(exp.Select) is select
        if own and not column.table and column.name in aliases:
            yield _told(
                column,
                "an alias of the same SELECT, which not every engine resolves; "
                "put it into a CTE, or qualify the column",
            )


def _numbers_and_dates(tree: exp.Expr) -> Iterator[str]:
    for literal in tree.find_all(exp.Literal):
        if literal.find_ancestor(exp.DataType) or literal.name in PLAIN_NUMBERS:
            continue
        if not literal.is_string or re.fullmatch(r"[-+]?\d+(\.\d+)?", literal.name):
            yield _told(literal, "a business number; it belongs in data/policies")
        elif re.match(r"\d{4}-\d\d", literal.name):
            yield _told(literal, "a business date; it belongs in data/policies or run_context")


_CHECKS: Final[tuple[Callable[[exp.Expr], Iterator[str]], ...]] = (
    _date_arithmetic,
    _clauses,
    _functions,
    _windows,
    _values_among_others,
    _sums_beyond_64_bits,
    _lateral_aliases,
    _numbers_and_dates,
)


def _typed(tree: exp.Expr, schema: Schema) -> exp.Expr:
    known: dict[str, object] = {table: dict(columns) for table, columns in schema.items()}
    qualified = qualify(tree.copy(), schema=known, dialect="duckdb", quote_identifiers=False)
    return annotate_types(qualified, schema=known, dialect="duckdb")


def _is_fraction(node: exp.Expr) -> bool:
    return isinstance(node, exp.Div | exp.Avg | exp.Median) or (
        node.type is not None and node.type.this in _FRACTION and not _is_whole(node)
    )


def _is_whole(node: exp.Expr) -> bool:
    """A decimal without places, which nothing rounds; but DuckDB's // of decimals is a DOUBLE."""
    kind = node.type
    assert kind is not None
    places = [str(size.this) for size in kind.expressions][1:]
    return places == ["0"] and node.find(exp.IntDiv) is None


def _casts_of_fractions(tree: exp.Expr, schema: Schema) -> Iterator[str]:
    for cast in _typed(tree, schema).find_all(exp.Cast):
        if cast.to.this in _WHOLE:
            inner = cast.this.unnest()
            if not isinstance(inner, _ROUNDED) and _is_fraction(inner):
                yield _told(cast, "DuckDB rounds, Spark cuts off; FLOOR or ROUND first")


def _fractional_division(tree: exp.Expr, schema: Schema) -> Iterator[str]:
    for node in _typed(tree, schema).find_all(exp.Div, exp.Avg):
        operands = [node.this, node.expression] if isinstance(node, exp.Div) else [node.this]
        if not any(isinstance(operand.unnest(), exp.Cast) for operand in operands):
            yield _told(node, "its type differs between engines; CAST what is divided, or use //")
