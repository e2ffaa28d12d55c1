"""What the policies hold: every value with its dates and source, or where two folders differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from flows.console.errors import NotReady, WrongUsage
from flows.publishing.kept_policies import kept_policies
from flows.publishing.options import Options
from schemas.policy import POLICIES, Policy
from transforms.policies.policy import Policies, PolicyError

FORMAT: Final = "pointbook.policies.v1"
Row = dict[str, Any]


def policy_values(
    policies: Policies,
    *,
    on: date | None = None,
    before: Policies | None = None,
    run_id: str | None = None,
) -> dict[str, Any]:
    """The values in force on a day, or all with their dates; `before`: where they differ from its.

    `run_id`: the run that used the policies, where one was asked about.

    `values` has one object for each row and column of a policy, `changes` one for each span of days
    on which a value differs; the other of the two is none.
    """
    found: dict[str, Any] = {
        "format": FORMAT,
        "digest": policies.digest,
        "run_id": run_id,
        "changed_from": None if before is None else before.digest,
        "on": None if on is None else on.isoformat(),
        "values": None,
        "changes": None,
    }
    if before is None:
        return found | {"values": list(_values(policies, on))}
    return found | {"changes": list(_changes(before, policies, on))}


def folders(*directories: Path) -> list[Policies]:
    """The policies of folders; raises WrongUsage with every error of all of them at once."""
    found, errors = [], []
    for directory in directories:
        try:
            found.append(Policies.load(directory))
        except PolicyError as error:
            where = f"{directory}: " if len(directories) > 1 else ""
            errors += [f"{where}{line}" for line in error.errors]
    if errors:
        raise WrongUsage("\n".join(errors))
    return found


def policies_of_run(options: Options, run_id: str) -> Policies:
    """The policies that a run used, as the workspace keeps them by digest.

    A folder of today with the same digest is the same. Raises NotReady for a run that is not there,
    one that read no policies, or one whose policies were not kept.
    """
    manifest = options.place.manifest_of(run_id)
    digest = json.loads(manifest.read_bytes()).get("policies")
    if not isinstance(digest, str):
        raise NotReady(f"{manifest}: the run read no policies; name one that computed a table")
    if (kept := kept_policies(options.place, digest)) is not None:
        return kept
    with suppress(PolicyError):
        if (found := Policies.load(options.policies)).digest == digest:
            return found
    raise NotReady(
        f"{options.place.policies / digest}: the policies of {run_id} are not kept there, or no "
        "longer readable; `pointbook policies --policies DIR` shows a folder of your own"
    )


def _values(policies: Policies, on: date | None) -> Iterator[dict[str, Any]]:
    """One object for each row, of all or of those that hold on a day, and column of values."""
    for name, policy in POLICIES.items():
        for row in policies.rows(name) if on is None else policies.held(name, on):
            for column in policy.values:
                yield _about(policy, row, column) | {
                    "value": _plain(row[column]),
                    "unit": row["unit"],
                    "since": row["valid_from"].isoformat(),
                    "until": _plain(row["valid_to"]),
                    "source": row["source"],
                }


def _about(policy: Policy, row: Row, column: str) -> dict[str, Any]:
    """What a value is of: policy, what it is about, key and column."""
    key = {name: _plain(row[name]) for name in policy.key}
    return {"policy": policy.name, "about": policy.description, "key": key, "column": column}


def _changes(before: Policies, after: Policies, on: date | None) -> Iterator[dict[str, Any]]:
    """Where values differ: one object for each longest span of days with the same two values.

    `since` is the first day of the span, `until` the first after it; it ends as well where a source
    changes. With a day, only spans that it lies in. A value that is not in force is none, which is
    another thing than a value of null.
    """
    for name, policy in POLICIES.items():
        rows = {which: _by_key(policy, which.rows(name)) for which in (before, after)}
        for key in sorted({*rows[before], *rows[after]}, key=lambda key: list(map(str, key))):
            was, now = rows[before].get(key, []), rows[after].get(key, [])
            for column in policy.values:
                for since, until, old, new in _differences(was, now, column):
                    if on is None or (since <= on and (until is None or on < until)):
                        yield _about(policy, (old or new or {}), column) | {
                            "since": since.isoformat(),
                            "until": _plain(until),
                            "before": _told(old, column),
                            "after": _told(new, column),
                        }


def _by_key(policy: Policy, rows: Sequence[Row]) -> dict[tuple[object, ...], list[Row]]:
    found: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in policy.key), []).append(row)
    return found


def _differences(
    was: Sequence[Row], now: Sequence[Row], column: str
) -> list[tuple[date, date | None, Row | None, Row | None]]:
    """The spans on which a column has other values in the rows of a key: from, until, both rows."""
    bounds = {row[bound] for row in (*was, *now) for bound in ("valid_from", "valid_to")}
    days = sorted(day for day in bounds if day is not None)
    found: list[tuple[date, date | None, Row | None, Row | None]] = []
    for day, until in zip(days, [*days[1:], None], strict=True):
        old, new = _holding(was, day), _holding(now, day)
        both = _told(old, column), _told(new, column)
        if _value(both[0]) == _value(both[1]):
            continue
        since, last_until, *last = found[-1] if found else (day, None, None, None)
        if last_until == day and both == tuple(_told(row, column) for row in last):
            found[-1] = (since, until, old, new)
        else:
            found.append((day, until, old, new))
    return found


def _holding(rows: Sequence[Row], on: date) -> Row | None:
    """The row of a key that holds on a day, if any does."""
    holding = (
        row
        for row in rows
        if row["valid_from"] <= on and (row["valid_to"] is None or on < row["valid_to"])
    )
    return next(holding, None)


def _told(row: Row | None, column: str) -> dict[str, Any] | None:
    """A value with its source; none where no row holds."""
    return None if row is None else {"value": _plain(row[column]), "source": row["source"]}


def _value(told: dict[str, Any] | None) -> tuple[object, ...]:
    return () if told is None else (told["value"],)


def _plain(value: object) -> object:
    """As JSON has it: days as text, decimals as text, so that nothing is rounded."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
