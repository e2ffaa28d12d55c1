"""The rules as cases: tests/cases/<rule>/*.yaml, each run from landed CSV to published tables.

A case is a sentence (`case`), its `source`, rows as delivered, the commands to `run` and what to
`expect`. Rows give the columns that matter; the others have the defaults of the module that lands
them: tests/tiers.py for T and G, points.py for P, micropayments.py for M, airline.py for the rest.

- `customers`, `billing`, `flights` …: rows as delivered, by export, under the names that the module
  lands them by. Ids are numbered where not given (L1, P1, F1 …), and there is a customer,
  subscription or member where none is given and the rule needs one.
- of R: the rows of P, and `subscriptions`, `payments`, `requests` as of M.
- `delivered`, `missing` (T, G): first and last month that has bills whatever the case, and those of
  these months without; the rows of the case are a second delivery, then.
- `tiers` (P): the tiers of 2016 by customer; all bills of the window are delivered then.
- `policies`: the rows that replace those of a policy file. `folder`: another policy folder than the
  default.
- `run`: the commands in order, as `points 2016-03` or `tiers 2017 --allow-missing-months`; those of
  `DEFAULTS` unless told.
- `expect`: by table its rows, all of them, each with the columns that matter (of `policy` the named
  words): over all its periods, or of one (`point_entries 2016-03`); other names are
  entries of the last command's manifest. `not_ready`, `wrong_usage`: what the message names with
  which the last command refuses.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from flows.console.errors import NotReady, PointbookError, WrongUsage
from flows.deliveries.ingest import ingest
from flows.publishing.options import POLICIES as SHIPPED
from flows.publishing.options import Options
from flows.publishing.run import in_turn
from schemas.tables import PUBLISHED
from tests.airline import land_airline
from tests.commands_in_tests import run_command
from tests.membership import land, options, table_rows
from tests.micropayments import land_micropayments
from tests.points import bills_of_tiers, land_points
from tests.policy_folders import replaced_policies
from tests.tiers import delivered_months, land_tiers, stage_bystander

Row = dict[str, Any]

CASES: Final = Path(__file__).parent / "cases"
TIER_YEAR: Final = 2016
REFUSALS: Final[Mapping[str, type[PointbookError]]] = {
    "not_ready": NotReady,
    "wrong_usage": WrongUsage,
}


def land_ledger(workspace: Path, case: Row) -> None:
    """Drops the rows of a case of the points ledger, and bills that make its tiers."""
    land_points(workspace, case)
    if "tiers" in case:
        land(workspace, "billing", bills_of_tiers(case["tiers"], TIER_YEAR), "tiers.csv")


def land_records(workspace: Path, case: Row) -> None:
    """Drops the rows of a case of which row counts when: of the ledger, and of subscriptions."""
    land_ledger(workspace, case)
    if "subscriptions" in case:
        parts = ("subscriptions", "payments", "requests")
        land_micropayments(workspace, {part: case[part] for part in parts if part in case})


DEFAULTS: Final[Mapping[str, tuple[Callable[[Path, Row], None], tuple[str, ...]]]] = {
    "R": (land_records, ("points 2016-03",)),
    "T": (land_tiers, ("tiers 2017",)),
    "G": (land_tiers, ("tiers 2017", "grants 2017")),
    "P": (land_ledger, ("points 2016-03",)),
    "M": (land_micropayments, ("micropayments 2016-11",)),
    "F": (land_airline, ("miles 2021-05",)),
    "W": (land_airline, ("miles 2021-05",)),
    "X": (land_airline, ("miles 2021-05",)),
    "E": (land_airline, ("elite 2022",)),
}
"""What lands a case's rows, and the commands that it runs, by the letter of its rule."""
BILLED: Final = "TG"
"""The letters of the rules whose cases have bills of every month."""


def collected() -> list[Any]:
    """The cases as parameters: rule, case, and whether it is the first of its letter."""
    found: list[Any] = []
    letters: set[str] = set()
    for path in sorted(CASES.glob("*/*.yaml")):
        document = yaml.load(path.read_bytes(), yaml.CSafeLoader)
        rule = document["rule"]
        assert rule == path.parent.name
        found += [
            pytest.param(
                rule, case, rule[0] not in letters and number == 0, id=f"{rule}: {case['case']}"
            )
            for number, case in enumerate(document["cases"])
        ]
        letters.add(rule[0])
    return found


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...]], Path]:
    """Workspaces in which a bystander's bills of months are staged; to copy only.

    To stage a year takes half of a case's time, and most cases have the same.
    """

    @cache
    def of(months: tuple[str, ...]) -> Path:
        return stage_bystander(tmp_path_factory.mktemp("delivered") / "workspace", months)

    return of


@pytest.mark.parametrize(("rule", "case", "first"), collected())
def test_case(
    rule: str,
    case: Row,
    first: bool,
    delivered: Callable[[tuple[str, ...]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert case["source"]
    if not first:
        # the catalog shows what is published, takes a third of a case's time, and decides nothing
        monkeypatch.setattr("flows.publishing.run.build_catalog", lambda _workspace: None)
    workspace = tmp_path / "workspace"
    if rule[0] in BILLED:
        shutil.copytree(delivered(delivered_months(case)), workspace)
    lands, commands = DEFAULTS[rule[0]]
    lands(workspace, case)
    shipped = SHIPPED.parent / case.get("folder", SHIPPED.name)
    policies = replaced_policies(case.get("policies", {}), tmp_path, shipped)
    expected = dict(case["expect"])
    with in_turn(options(workspace, policies=policies)) as settings:
        ingest(settings)
        manifest = ran(settings, case.get("run", commands), expected)
    for name, wanted in expected.items():
        if name.split()[0] in PUBLISHED:
            assert_rows(workspace, name, wanted)
        else:
            assert manifest[name] == wanted, name


def ran(settings: Options, commands: Sequence[str], expected: Row) -> Row:
    """Runs the commands; returns the last one's manifest.

    The last one has to refuse where a refusal is expected, which is taken from `expected`: the
    manifest is empty then.
    """
    for command in commands[:-1]:
        run_command(settings, command)
    for name, refusal in REFUSALS.items():
        if named := expected.pop(name, None):
            with pytest.raises(refusal) as caught:
                run_command(settings, commands[-1])
            assert [words for words in named if words not in str(caught.value)] == []
            assert commands[:-1] or not list(settings.workspace.glob("warehouse/*/*/*.parquet"))
            return {}
    return run_command(settings, commands[-1])


def assert_rows(workspace: Path, name: str, wanted: list[Row]) -> None:
    """Checks that a table, or one period of it, has these rows and no others.

    Rows that leave out columns of the key have to be in the table's order.
    """
    table, _, period = name.partition(" ")
    key = [PUBLISHED[table].partition, *PUBLISHED[table].key]
    given = [column for column in key if all(column in want for want in wanted)]

    def place(row: Row) -> list[str]:
        return [str(row[column]) for column in given]

    rows = sorted(table_rows(workspace, table, period or None), key=place)
    wanted = sorted(wanted, key=place)
    assert [_part(row, given) for row in rows] == [_part(want, given) for want in wanted]
    for row, want in zip(rows, wanted, strict=True):
        if "policy" in want:
            assert set(want["policy"].split()) <= set(row["policy"].split())
            row["policy"] = want["policy"]
        assert _part(row, want) == want


def _part(row: Row, columns: Iterable[str]) -> Row:
    return {name: row[name] for name in columns}
