"""Every reason that a table can hold is said in words, with the figures of what is counted."""

from __future__ import annotations

from flows.console.parts import with_sentences
from schemas.reasons import MEANINGS
from schemas.tables import PUBLISHED

_NOT_OF_A_TABLE_YET = {"left", "credited_late", "not_run", "ledger_start"}


def _reasons() -> set[str]:
    found = set()
    for table in PUBLISHED.values():
        for name in ("reason", "untold"):
            if name in table.columns:
                found |= set(table.domain(name) or [])
    return found


def test_every_reason_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert _reasons() <= MEANINGS.keys()
    assert MEANINGS.keys() - _reasons() <= _NOT_OF_A_TABLE_YET


def test_a_meaning_is_said_in_both_languages() -> None:
    for code, meaning in MEANINGS.items():
        assert meaning.en[0].islower(), code
        assert any("가" <= letter <= "힣" for letter in meaning.ko), code


def test_a_rejected_answer_is_a_sentence_with_its_figures() -> None:
    rows: list[dict[str, object]] = [
        {"request": "redemption", "status": "accepted", "reason": None, "requests": 3, "points": 5},
        {
            "request": "mixed_payment",
            "status": "rejected",
            "reason": "insufficient_miles",
            "requests": 1_480,
            "miles": 3_210_000,
        },
        {"reason": "unknown_customer", "customers": 2, "lines": 7, "amount": 12_340},
        {"status": "declined", "reason": "over_limit", "payments": 4},
    ]
    assert [row["reason"] for row in with_sentences(rows)] == [
        None,
        "more miles asked for than could be used just before: 1,480 requests, 3,210,000 miles "
        "(insufficient_miles)",
        "a customer whom no file has: 2 customers, 7 lines, 12,340 won (unknown_customer)",
        "the month's limit then in force would be exceeded: 4 payments (over_limit)",
    ]
    assert "request" in with_sentences(rows)[0], "all other columns stay"
