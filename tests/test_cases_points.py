"""The rules of the points ledger as cases: tests/cases/P*/*.yaml, from landed CSV to tables.

A case is a sentence (`case`), its `source`, input rows and what to `expect`. Rows give the columns
that matter; the others have the defaults of tests/points.py.

- `customers`, `billing`, `promotions`, `purchases`, `redemptions`, `refunds`: rows as delivered.
  Ids are numbered where not given (L1, P1, B1, R1, F1 …); customer A is there unless customers are
  given.
- `tiers`: the tiers of 2016, by customer; all bills of the window are delivered then.
- `run`: the commands, in order; `points 2016-03` unless told.
- `policies`: the rows that replace those of a policy file.
- `expect`: a table's rows, all of them, each with the columns that matter: over all its periods, or
  of one (`point_entries 2016-03`). `not_ready`: what the message of the last command names when it
  must wait for something.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from flows.console.errors import NotReady
from flows.deliveries.ingest import ingest
from flows.publishing.options import Options
from schemas.tables import PUBLISHED
from tests.commands_in_tests import run_commands
from tests.membership import land, table_rows
from tests.points import Row, bills_of_tiers, land_points
from tests.test_cases import collected, replaced_policies

TIER_YEAR: Final = 2016


@pytest.mark.parametrize("case", collected("P*"))
def test_case(case: Row, tmp_path: Path) -> None:
    assert case["source"]
    workspace = tmp_path / "workspace"
    land_points(workspace, case)
    if "tiers" in case:
        land(workspace, "billing", bills_of_tiers(case["tiers"], TIER_YEAR), "tiers.csv")
    options = Options(
        workspace=workspace,
        policies=replaced_policies(case.get("policies", {}), tmp_path),
        memory="1GB",
        threads=1,
    )
    assert ingest(options)["status"] == "done"
    steps, expected = case.get("run", ["points 2016-03"]), dict(case["expect"])
    if named := expected.pop("not_ready", None):
        run_commands(options, steps[:-1])
        with pytest.raises(NotReady) as caught:
            run_commands(options, steps[-1:])
        assert [words for words in named if words not in str(caught.value)] == []
    else:
        run_commands(options, steps)
    for name, wanted in expected.items():
        _assert_rows(workspace, name, wanted)


def _assert_rows(workspace: Path, name: str, wanted: list[Row]) -> None:
    """Checks that a table has these rows, in this order, and no others."""
    table, _, period = name.partition(" ")
    rows = table_rows(workspace, table, period or None)
    key = PUBLISHED[table].key
    given = [column for column in key if all(column in want for want in wanted)]
    assert [_part(row, given) for row in rows] == [_part(want, given) for want in wanted]
    assert [_part(row, want) for row, want in zip(rows, wanted, strict=True)] == wanted


def _part(row: Row, columns: Any) -> Row:
    return {name: row[name] for name in columns}
