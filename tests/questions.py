"""Questions asked in tests: the answer, checked against its JSON Schema, and as text."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from flows.answers.explain.asking import asked_of
from flows.answers.explain.explain import explain
from flows.answers.explain.registry import KINDS
from flows.answers.explain.text import MOST_LINES, lines_of
from flows.answers.policy_settings import Supposed
from flows.publishing.options import Options

Row = dict[str, Any]
SCHEMAS = Path(__file__).parents[1] / "schemas" / "answers"


@cache
def validator(name: str) -> Draft202012Validator:
    """The JSON Schema of an answer's format, as `explain.v1`."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def asked(
    workspace: Path,
    kind: str,
    *,
    policies: Path | None = None,
    settings: tuple[str, ...] = (),
    **given: Any,
) -> Row:
    """The answer to `pointbook explain KIND`; it is as its schema says, and its text has a page."""
    options = Options(workspace=workspace, memory="1GB", threads=1)
    answer = explain(
        options, KINDS[kind], asked_of(KINDS[kind], given), Supposed(policies, settings)
    )
    validator("explain.v1").validate(answer)
    for language in ("en", "ko"):
        lines = lines_of(answer, KINDS[kind], language)
        assert 0 < len(lines) <= MOST_LINES
        assert not any("–" in line for line in lines[:1]), "a place of the sentence has no value"
    return answer


def step(answer: Row, name: str) -> Row:
    """The one row of a step."""
    (found,) = steps(answer, name)
    return found


def steps(answer: Row, name: str) -> list[Row]:
    """The rows of a step."""
    return [row for row in answer["steps"] if row["step"] == name]


def change(answer: Row, name: str) -> Row:
    """The nearest change of that name."""
    (found,) = [row for row in answer["nearest"] if row["change"] == name]
    return dict(found)
