"""Matches a file's columns with those of an export: by their names and by what they hold.

Every pair gets a score, and the assignment is the one of the highest sum: each column of theirs for
one of ours. What is unsure of a match is said with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.derive import header_names, normalised_header
from schemas.exports import Export
from transforms.drafts.contents import Content, Reading, reading_of
from transforms.drafts.names import Names, bracketed, meant_names, words_of
from transforms.drafts.sampling import Sample
from transforms.drafts.vocabulary import SCALES

BY_NAME: Final = 0.7
"""What of a score the name makes up; content the rest."""
_READABLE: Final = 0.5
"""A column of which fewer values can be read is none of that kind, whatever its name."""
_LEAST: Final = 0.36
"""A pair of a lower score is no match."""
_SURE: Final = 0.62
_CLOSE: Final = 0.08
"""Two candidates of scores as near as this may each be meant."""
_BY_CONTENT_ALONE: Final = 0.55
_UNIQUE: Final = 0.98
_NEARLY_ALL: Final = 0.98
_NUMBERING: Final = 0.5

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Which columns of theirs make one of ours, and how they are read.

    `parts` are places in the file's header, several to be joined with a dash. `how`: `name`
    (ours), `nearest name`, `content` or `join`. `doubts` say what is unsure, and why.
    """

    parts: tuple[int, ...]
    reading: Reading
    how: str
    scale: int = 1
    doubts: tuple[str, ...] = field(default=())


def matches(export: Export, sample: Sample) -> dict[str, Match]:
    """The columns of ours that the file has, in their order; what is missing has no match."""
    contents = [Content.of(column) for column in sample.columns]
    names = Names.of(sample.names)
    ours = list(export.columns)
    likeness = _likeness(export, names, sample)
    scales = [_scale(title) for title in sample.names]
    readings = [
        [reading_of(export, name, *pair) for pair in zip(contents, scales, strict=True)]
        for name in ours
    ]
    says = np.array(
        [
            [
                _says(export, name, found, content)
                for found, content in zip(row, contents, strict=True)
            ]
            for name, row in zip(ours, readings, strict=True)
        ]
    )
    readable = np.array([[reading.share >= _READABLE for reading in row] for row in readings])
    # what numbers lines or services within something else is no id by itself
    numbering = [
        _numbers(t) and c.uniqueness < _NUMBERING
        for t, c in zip(sample.names, contents, strict=True)
    ]
    readable[np.ix_([_is_foreign(export, name) for name in ours], numbering)] = False
    scores = np.where(readable, BY_NAME * likeness + (1 - BY_NAME) * says, 0.0)
    # one of two columns of the same name can't be named by a source
    repeated = [sample.names.count(name) > 1 or not name.strip() for name in sample.names]
    scores[:, repeated] = 0.0
    assigned = _assignment(scores)
    found: dict[str, Match] = {}
    for row, name in enumerate(ours):
        place = assigned[row]
        if place is None:
            continue
        exact = header_names(export).get(normalised_header(sample.names[place])) == name
        doubts = () if exact else _doubts(row, place, scores, likeness, assigned, sample)
        how = "name" if exact else "nearest name"
        found[name] = Match((place,), readings[row][place], how, doubts=doubts)
    _by_content(export, found, readings, says, repeated, sample)
    _joined(export, found, contents, likeness, sample)
    finished = {name: _finished(export, name, match, sample) for name, match in found.items()}
    return {name: finished[name] for name in ours if name in finished}


def _likeness(export: Export, names: Names, sample: Sample) -> Scores:
    """How near each name of theirs (second index) is to each of ours (first)."""
    known = header_names(export)
    return np.array(
        [
            [
                1.1
                if known.get(normalised_header(theirs)) == name
                else max(names.likeness(theirs, meant) for meant in meant_names(export, name))
                for theirs in sample.names
            ]
            for name in export.columns
        ]
    )


def _numbers(title: str) -> bool:
    """Whether a name says that its column numbers something."""
    return any("seq" in word.concepts for word in words_of(title))


def _is_foreign(export: Export, name: str) -> bool:
    """Whether a column holds ids of something else than the row."""
    return export.columns[name].metadata["form"] == "identifier" and name != export.record_key


def _scale(title: str) -> int:
    """What a column of this name counts its amounts in: 1, or what stands in brackets."""
    units = [unit.replace(" ", "").casefold() for unit in bracketed(title)]
    return next((SCALES[unit] for unit in units if unit in SCALES), 1)


def _says(export: Export, name: str, reading: Reading, content: Content) -> float:
    """How much a column's content says for it; a key has another value in each row."""
    if name == export.record_key and export.columns[name].metadata["form"] == "identifier":
        return reading.share * content.uniqueness**2
    if name == export.owner and content.rows > 10 and content.uniqueness >= _UNIQUE:
        return reading.says * 0.7
    return reading.says


def _assignment(scores: Scores) -> list[int | None]:
    """The column of theirs for each of ours by which the scores' sum is highest, and each in it is
    enough for a match.

    The Hungarian method, by shortest augmenting paths over potentials (Jonker and Volgenant): ours
    are taken in one after another, each with a place of its own where nothing is matched.
    """
    rows, columns = scores.shape
    enough = np.where(scores >= _LEAST, scores, -1.0)
    costs = np.hstack([-enough, np.where(np.eye(rows, dtype=bool), -_LEAST + 1e-6, 2.0)])
    row_potential, column_potential = np.zeros(rows + 1), np.zeros(columns + rows + 1)
    # whose each column is (0: nobody's), rows and columns counted from 1
    taken_by = np.zeros(columns + rows + 1, dtype=int)
    for row in range(1, rows + 1):
        taken_by[0] = row
        at = 0
        least = np.full(columns + rows + 1, np.inf)
        came_from = np.zeros(columns + rows + 1, dtype=int)
        used = np.zeros(columns + rows + 1, dtype=bool)
        while taken_by[at]:
            used[at] = True
            current = taken_by[at]
            reduced = costs[current - 1] - row_potential[current] - column_potential[1:]
            nearer = ~used[1:] & (reduced < least[1:])
            least[1:][nearer] = reduced[nearer]
            came_from[1:][nearer] = at
            following = int(np.argmin(np.where(used, np.inf, least)[1:])) + 1
            step = least[following]
            row_potential[taken_by[used]] += step
            column_potential[used] -= step
            least[~used] -= step
            at = following
        while at:
            taken_by[at] = taken_by[came_from[at]]
            at = came_from[at]
    found: list[int | None] = [None] * rows
    for place in range(1, columns + 1):
        if taken_by[place]:
            found[taken_by[place] - 1] = place - 1
    return found


def _doubts(
    row: int,
    place: int,
    scores: Scores,
    likeness: Scores,
    assigned: Sequence[int | None],
    sample: Sample,
) -> tuple[str, ...]:
    """What is unsure of a match by the nearest name."""
    doubts = []
    if scores[row, place] < _SURE:
        doubts.append(f"the name is only near ({min(likeness[row, place], 1):.0%})")
    others = [
        other
        for other in np.argsort(-scores[row]).tolist()
        if other != place
        and other not in assigned
        and scores[row, other] >= max(_LEAST, scores[row, place] - _CLOSE)
    ]
    if others:
        doubts.append(f"it may also be {sample.names[others[0]]}")
    return tuple(doubts)


def _by_content(
    export: Export,
    found: dict[str, Match],
    readings: Sequence[Sequence[Reading]],
    says: Scores,
    repeated: Sequence[bool],
    sample: Sample,
) -> None:
    """Adds what is required and has no name near: the only column left that holds such values."""
    for row, name in enumerate(export.columns):
        if name in found or name not in export.required:
            continue
        taken = {place for match in found.values() for place in match.parts}
        fitting = [
            place
            for place, reading in enumerate(readings[row])
            if place not in taken
            and not repeated[place]
            and reading.share >= _NEARLY_ALL
            and says[row, place] >= _BY_CONTENT_ALONE
        ]
        best = sorted(fitting, key=lambda place: -says[row, place])
        if not best or (len(best) > 1 and says[row, best[1]] > says[row, best[0]] - _CLOSE):
            continue
        doubt = "no name is near; it is the only column left that holds such values"
        found[name] = Match((best[0],), readings[row][best[0]], "content", doubts=(doubt,))


def _joined(
    export: Export,
    found: dict[str, Match],
    contents: Sequence[Content],
    likeness: Scores,
    sample: Sample,
) -> None:
    """Makes ids out of two columns: a key that one alone does not make unique, and a subscription
    that is numbered within its customer.
    """
    ours = list(export.columns)
    taken = {place for match in found.values() for place in match.parts}
    numbered = [
        place
        for place, name in enumerate(sample.names)
        if place not in taken and _numbers(name) and contents[place].filled >= _NEARLY_ALL
    ]
    key = export.record_key
    own = found.get(key)
    if own is not None and len(own.parts) == 1:
        (place,) = own.parts
        if contents[place].uniqueness < _UNIQUE and contents[place].rows > 1:
            _join_key(export, found, place, numbered, contents, likeness[ours.index(key)], sample)
    for name in export.required:
        if name in found or export.columns[name].metadata["form"] != "identifier":
            continue
        base = next((found[o] for o in ("customer_id", "member_id") if o in found), None)
        if base is None or name == key:
            continue
        taken = {place for match in found.values() for place in match.parts if len(match.parts) > 1}
        within = [p for p in numbered if p not in taken and not _counts_lines(sample.names[p])]
        if within and len(base.parts) == 1:
            doubt = f"there is no such id; {sample.names[within[0]]} may number them"
            found[name] = Match((*base.parts, within[0]), Reading(1.0), "join", doubts=(doubt,))


def _counts_lines(name: str) -> bool:
    return any("line" in word.concepts for word in words_of(name))


def _join_key(
    export: Export,
    found: dict[str, Match],
    place: int,
    numbered: Sequence[int],
    contents: Sequence[Content],
    likeness: Scores,
    sample: Sample,
) -> None:
    """Joins a key's column with one that makes it unique; says so where none does."""
    match = found[export.record_key]
    pairs = [(place, other) for other in numbered]
    if _numbers(sample.names[place]):
        # the column that was found numbers lines: of which document?
        taken = {p for m in found.values() for p in m.parts}
        pairs = [
            (other, place)
            for other in np.argsort(-likeness).tolist()
            if other not in taken and contents[other].filled >= _NEARLY_ALL
        ]
    for pair in pairs:
        values = pc.binary_join_element_wise(*(_whole(sample, part) for part in pair), "-")
        if pc.count_distinct(values).as_py() >= _UNIQUE * len(values):
            doubt = f"{sample.names[place]} alone comes several times; joined they are unique"
            found[export.record_key] = Match(pair, match.reading, "join", doubts=(doubt,))
            return
    unless = " unless its rows are revised" if export.revision else ""
    doubt = f"its values come several times, and identify a row no more{unless}"
    found[export.record_key] = Match(
        match.parts, match.reading, match.how, doubts=(*match.doubts, doubt)
    )


def _whole(sample: Sample, place: int) -> pa.Array:
    column = sample.columns[place]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _finished(export: Export, name: str, match: Match, sample: Sample) -> Match:
    """The match with what its unit in brackets says, and with what can't be read told."""
    doubts = list(match.doubts)
    scale = 1
    if export.columns[name].metadata.get("unit"):
        scale = _scale(sample.names[match.parts[0]])
        if scale > 1:
            doubts.append(f"its name says that it counts {scale:,}")
    reading = match.reading
    if reading.minus:
        doubts.append("nearly all of its numbers are negative")
    if reading.share < _NEARLY_ALL and match.how != "join":
        doubts.append(f"{1 - reading.share:.1%} of its values can't be read, or are missing")
    if reading.format is not None and _is_ambiguous(reading.format):
        doubts.append(f"read as {reading.format}: days and months may be the other way round")
    return Match(match.parts, reading, match.how, scale, tuple(doubts))


def _is_ambiguous(written: str) -> bool:
    return "%b" not in written and "%B" not in written and not written.startswith(("%Y", "%y"))
