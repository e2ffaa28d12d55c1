"""How near a delivered column's name is to what it may mean: by words, abbreviations and letters.

A name is taken apart into words (`CUST_NO`, `custNo`, `CUSTNO`, `고객번호`), and each word means
one or more concepts of `vocabulary.py`. Two names are as near as the concepts that they
share.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from schemas.exports import Export
from transforms.drafts.vocabulary import NAMES, WEAK, WORDS

_BRACKETS: Final = re.compile(r"[(\[（〔{]([^)\]）〕}]*)[)\]）〕}]")
_RUNS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[가-힣]+")
_HANGUL: Final = re.compile("[가-힣]")
_WEIGHT_OF_WEAK: Final = 0.45
_WEIGHT_OF_COMMON: Final = 0.35
"""Of a word that most names of a file have, as a table's prefix."""
_NEARLY: Final = 0.8
"""What a word counts that is only near to one that is known."""
_MISSPELT: Final = 0.82
_SHORTEST_PART: Final = 2
_SHORTEST_ABBREVIATION: Final = 3


def _meanings() -> dict[str, frozenset[str]]:
    """The concepts of each known word."""
    found: dict[str, set[str]] = {}
    for concept, words in WORDS.items():
        for word in words.split():
            found.setdefault(word, set()).add(concept)
    return {word: frozenset(concepts) for word, concepts in found.items()}


_MEANINGS: Final = _meanings()


@dataclass(frozen=True)
class Word:
    """A word of a name: its concepts (itself, where it is not known), and how sure they are."""

    text: str
    concepts: frozenset[str]
    sure: float = 1.0

    @property
    def weight(self) -> float:
        """How much it says of what a column holds."""
        return _WEIGHT_OF_WEAK if self.concepts <= WEAK else 1.0


def bracketed(name: str) -> list[str]:
    """What stands in brackets in a name: mostly a unit."""
    return [" ".join(found.split()) for found in _BRACKETS.findall(name)]


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[Word, ...]:
    """The words of a name, without numbers and what stands in brackets."""
    plain = _BRACKETS.sub(" ", unicodedata.normalize("NFKC", name))
    return tuple(word for run in _RUNS.findall(plain) for word in _words_of_run(run.lower()))


def _words_of_run(run: str) -> Iterable[Word]:
    """A run of letters as words: as it is known, else taken apart, else what it is near to."""
    if run in _MEANINGS:
        return [Word(run, _MEANINGS[run])]
    parts = _parts(run)
    if parts:
        return [Word(part, _MEANINGS.get(part, frozenset({part}))) for part in parts]
    near = _near(run)
    return [near or Word(run, frozenset({run}))]


def _parts(run: str) -> list[str]:
    """The known words that a run is put together from, as few as do it; none where none do.

    Korean may have other syllables between them, which are a word of their own.
    """
    korean = bool(_HANGUL.search(run))
    # the cheapest way to take apart each beginning of the run: its cost and its words
    best: list[tuple[float, list[str]] | None] = [(0.0, [])] + [None] * len(run)
    for end in range(1, len(run) + 1):
        for begin in range(end):
            before = best[begin]
            part = run[begin:end]
            if before is None:
                continue
            if part in _MEANINGS and (korean or len(part) >= _SHORTEST_PART):
                cost = before[0] + 1 + 0.5 * (len(part) == 1)
            elif korean and part not in _MEANINGS:
                cost = before[0] + 2 * len(part)
            else:
                continue
            found = best[end]
            if found is None or cost < found[0]:
                best[end] = cost, [*before[1], part]
    whole = best[len(run)]
    return whole[1] if whole else []


def _near(run: str) -> Word | None:
    """The known word that a run is a misspelling or an abbreviation of, if it is of one."""
    if close := difflib.get_close_matches(run, _MEANINGS, 1, _MISSPELT):
        return Word(run, _MEANINGS[close[0]], _NEARLY)
    if len(run) < _SHORTEST_ABBREVIATION or _HANGUL.search(run):
        return None
    longer = [word for word in _MEANINGS if len(word) > len(run) and _abbreviates(run, word)]
    if not longer:
        return None
    return Word(run, frozenset().union(*(_MEANINGS[word] for word in longer)), _NEARLY**2)


def _abbreviates(short: str, word: str) -> bool:
    """Whether the letters of `short` come in this order in the word, the first at its beginning."""
    letters = iter(word)
    return short[0] == word[0] and all(letter in letters for letter in short)


@dataclass(frozen=True)
class Names:
    """The names of one file; words that most of them have say less."""

    common: Mapping[str, int]
    count: int

    @classmethod
    def of(cls, names: Sequence[str]) -> Names:
        """The words of a file's names, counted."""
        words = Counter(text for name in names for text in {word.text for word in words_of(name)})
        return cls(words, len(names))

    def likeness(self, name: str, meant: str) -> float:
        """How near a name of the file is to a name that is meant: 0 to 1."""
        theirs, ours = words_of(name), list(words_of(meant))
        weight = {word: word.weight * self._rarity(word) for word in theirs}
        whole = sum(weight.values()) + sum(word.weight for word in ours)
        shared = 0.0
        for word in theirs:
            match = next((other for other in ours if word.concepts & other.concepts), None)
            if match is not None:
                ours.remove(match)
                shared += (weight[word] + match.weight) * word.sure * match.sure
        return shared / whole if whole else 0.0

    def _rarity(self, word: Word) -> float:
        often = self.count > 3 and self.common.get(word.text, 0) > self.count / 2
        return _WEIGHT_OF_COMMON if often and not word.concepts <= WEAK else 1.0


def meant_names(export: Export, column: str) -> list[str]:
    """What a column of ours may be called: its own names first."""
    others = [*NAMES.get(f"{export.name}.{column}", ()), *NAMES.get(column, ())]
    return [column, str(export.columns[column].title), *others]
