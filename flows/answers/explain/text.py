"""An answer as text, in English or Korean: made from its JSON and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from string import Formatter
from typing import Any, Final, Literal

from flows.answers.explain.declaration import Kind, Sentence, Sentences, Step
from flows.answers.explain.labels import KOREAN

Language = Literal["en", "ko"]
Row = Mapping[str, Any]

MOST_LINES: Final = 40
_MARGIN: Final = 7
_SOURCE: Final = 60
_LISTED: Final = 3
_WORDS: Final[Mapping[str, Sentence]] = {
    "nearest": Sentence("change", "변경"),
    "history": Sentence("history", "이력"),
    "from": Sentence("from", "출처"),
    "none": Sentence("none", "없음"),
    "more": Sentence("… {number:,} more; --lines shows all", "… {number:,}건 더 있음 (--lines)"),
    "stale": Sentence(
        "stale: {what} changed since it was published; the steps are of what it would be now",
        "갱신 필요: 공표 뒤 {what} 변경됨; 아래 단계는 현재 기준",
    ),
    "current": Sentence(
        "stale: {what} changed since it was published, and the answer is the same",
        "갱신 필요: 공표 뒤 {what} 변경됨; 결과는 같음",
    ),
    "now": Sentence("now: {answer}", "현재 기준: {answer}"),
    "hypothetical": Sentence(
        "hypothetical, under other policies: {answer}", "가정(다른 정책 적용): {answer}"
    ),
    "restated": Sentence(
        "{column} was restated by {run_id}: {before} → {after}",
        "{column} 정정({run_id}): {before} → {after}",
    ),
    "replaced": Sentence(
        "delivery {delivery} replaced {rows:,} rows of {export}",
        "{delivery}차 전달에서 {export} {rows:,}건 교체",
    ),
    "provenance": Sentence(
        "{table} {period}, run {run_id}, policies {policies}{deliveries}, {checked}{as_of}",
        "{table} {period}, 실행 {run_id}, 정책 {policies}{deliveries}, {checked}{as_of}",
    ),
    "as_of": Sentence(", as of {asked} (run {run_id})", ", {asked} 기준(실행 {run_id})"),
    "deliveries": Sentence(", deliveries through {number}", ", {number}차 전달까지"),
    "checked": Sentence("checked", "검증됨"),
    "unchecked": Sentence("stale", "갱신 필요"),
    "gives": Sentence("gives", "결과"),
}


def lines_of(answer: Row, kind: Kind, language: Language, *, in_full: bool = False) -> list[str]:
    """What is printed: answer, steps, nearest change, history, provenance.

    At most 40 lines, unless `in_full`: then every row of every step.
    """
    most = None if in_full else MOST_LINES
    for shorter in range(_MARGIN):
        lines = list(_lines(answer, kind, _Speaker(language), in_full, shorter))
        if most is None or len(lines) <= most:
            return lines
    return [*lines[: MOST_LINES - 1], lines[-1]]


class _Speaker(Formatter):
    """Sentences with their places filled in, in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def say(self, sentence: Sentence, row: Row) -> str:
        """The sentence about a row."""
        return self.vformat(getattr(sentence, self._language), (), _Missing(row))

    def word(self, name: str, **row: object) -> str:
        """One of the words that all answers share."""
        return self.say(_WORDS[name], row)

    def format_field(self, value: Any, spec: str) -> str:
        if value is None:
            return "–"
        if isinstance(value, str):
            known = KOREAN.get(value, value) if self._language == "ko" else value
            return format(known, spec.replace(",", ""))
        if isinstance(value, bool):
            return str(value).lower()
        return str(format(value, spec))


class _Missing(dict[str, Any]):
    """A row, in which what it has not is none."""

    def __missing__(self, key: str) -> None:
        return None


def _lines(
    answer: Row, kind: Kind, speaker: _Speaker, in_full: bool, shorter: int
) -> Iterator[str]:
    """All lines; `shorter`: by how many rows of each step fewer are printed."""
    subject = answer["subject"]
    yield _said(kind.sentences, {**subject, **answer["answer"]}, speaker)
    if answer["stale"]:
        word = "current" if answer["checked"] else "stale"
        yield speaker.word(word, what=", ".join(answer["stale"]))
    if "now" in answer:
        now = _said(kind.sentences, {**subject, **answer["now"]}, speaker)
        yield speaker.word("now", answer=now)
    if "hypothetical" in answer:
        then = _said(kind.sentences, {**subject, **answer["hypothetical"]["answer"]}, speaker)
        yield speaker.word("hypothetical", answer=then)
    steps = {step.sql: step for step in kind.steps}
    for name, rows in groupby(answer["steps"], key=lambda row: row["step"]):
        yield from _step(steps[name], list(rows), speaker, in_full, shorter)
    changes = {change.name: change for change in kind.changes}
    yield from _part(
        speaker.word("nearest"),
        [_change(changes[row["change"]].sentences, row, speaker) for row in answer["nearest"]],
        speaker,
    )
    history = [speaker.word(row["what"], **row) for row in answer["history"]]
    if not in_full and len(history) > _LISTED:
        more = speaker.word("more", number=len(history) - _LISTED)
        history = [*history[:_LISTED], more]
    yield from _part(speaker.word("history"), history, speaker)
    yield from _part(speaker.word("from"), [_provenance(answer, speaker)], speaker)


def _part(name: str, lines: Sequence[str], speaker: _Speaker) -> Iterator[str]:
    for number, line in enumerate(lines or [speaker.word("none")]):
        yield f"{_padded('' if number else name, _MARGIN + 1)}{line}"


def _padded(text: str, width: int) -> str:
    """A text with blanks up to a width, in which a Korean letter takes two."""
    taken = sum(2 if "가" <= letter <= "힣" else 1 for letter in text)
    return text + " " * max(1, width - taken)


def _step(
    step: Step, rows: Sequence[Row], speaker: _Speaker, in_full: bool, shorter: int
) -> Iterator[str]:
    """The lines of one step's rows; of a detail no more than it says, unless `in_full`."""
    shown = rows
    if step.detail and not in_full:
        shown = rows[: max(0, step.most - shorter)] if step.most else []
    for row in shown:
        margin = "" if step.detail else row["rule"]
        told = _said(step.sentences, _flat(row), speaker)
        reason = _policy(row["policy"]) if "policy" in row else ""
        yield f"{_padded(margin, _MARGIN + 1)}{'  ' if step.detail else ''}{told}{reason}"
    if len(shown) < len(rows) and step.most:
        more = speaker.word("more", number=len(rows) - len(shown))
        yield f"{_padded('', _MARGIN + 1)}  {more}"


def _flat(row: Row) -> dict[str, Any]:
    """A step's row with all that it holds on one level."""
    following = {f"next_{name}": value for name, value in row.get("next", {}).items()}
    return {**row, **row["inputs"], **following}


def _said(sentences: Sentences, row: Row, speaker: _Speaker) -> str:
    return speaker.say(sentences[row.get("said") or ""], row)


def _policy(policy: Row) -> str:
    """Where a policy value comes from, behind its sentence."""
    source = policy["source"]
    cut = source if len(source) <= _SOURCE else f"{source[: _SOURCE - 1]}…"
    return f"   [{policy['file']}@{policy['valid_from']} · {cut}]"


def _change(sentences: Sentences, row: Row, speaker: _Speaker) -> str:
    """What a change is, and what it gives."""
    gives = ", ".join(
        f"{name} {speaker.format_field(value, ',' if type(value) is int else '')}"
        for name, value in row["gives"].items()
        if value is not None
    )
    told = _said(sentences, {**row, "lines": len(row.get("lines", ()))}, speaker)
    return f"{told}: {gives}"


def _provenance(answer: Row, speaker: _Speaker) -> str:
    """Where the answer stands, and whether its rules give it."""
    found = answer["provenance"]
    through = found["deliveries_through"]
    return speaker.word(
        "provenance",
        **{
            **found,
            "policies": found["policies"][:8],
            "deliveries": "" if through is None else speaker.word("deliveries", number=through),
            "checked": speaker.word("checked" if answer["checked"] else "unchecked"),
            "as_of": speaker.word("as_of", **answer["as_of"]) if "as_of" in answer else "",
        },
    )
