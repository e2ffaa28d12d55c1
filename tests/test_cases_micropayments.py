"""The micropayment rules as cases: tests/cases/M*/*.yaml, from landed CSV to published tables.

A case is a sentence (`case`), its `source`, input rows and what to `expect`. Rows give the columns
that matter; the others have the defaults in `tests/micropayments.py`.

- `subscriptions`, `payments`, `requests`, `billing`: rows as delivered. Ids are numbered where not
  given (P1, L1, B1 …); subscription S of customer C is there unless subscriptions are given.
- `close`: the months that are closed, in that order; 2016-11 unless told.
- `policies`: the rows that replace those of a policy file. `folder`: another folder than the
  shipped one.
- `expect`: a table's rows over all months, all of them, by key, each with the columns that matter;
  or `not_ready`: what the message names when a command must wait for another.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.console.errors import NotReady
from flows.publishing.options import POLICIES as SHIPPED
from schemas.tables import PUBLISHED
from tests.membership import stage, table_rows
from tests.micropayments import MONTH, Row, close, land_micropayments
from tests.test_cases import collected, replaced_policies


@pytest.mark.parametrize("case", collected("M*"))
def test_case(case: Row, tmp_path: Path) -> None:
    assert case["source"]
    workspace = tmp_path / "workspace"
    land_micropayments(workspace, case)
    folder = SHIPPED.parent / case.get("folder", SHIPPED.name)
    policies = replaced_policies(case.get("policies", {}), tmp_path, folder)
    stage(workspace, policies=policies)
    expected = dict(case["expect"])
    months = case.get("close", [MONTH])
    if named := expected.pop("not_ready", None):
        with pytest.raises(NotReady) as caught:
            close(workspace, *months, policies=policies)
        assert [words for words in named if words not in str(caught.value)] == []
    else:
        close(workspace, *months, policies=policies)
    for name, wanted in expected.items():
        _assert_rows(workspace, name, wanted)


def _assert_rows(workspace: Path, name: str, wanted: list[Row]) -> None:
    (key,) = PUBLISHED[name].key
    rows = sorted(table_rows(workspace, name), key=lambda row: (row["month"], row[key]))
    assert [row[key] for row in rows] == [want[key] for want in wanted]
    for row, want in zip(rows, wanted, strict=True):
        assert {column: row[column] for column in want} == want
