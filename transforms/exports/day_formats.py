"""Days and times in a form that a source gives, `%d%b%y` for 03NOV16, as all exports have them.

Directives are those of strptime. Names of months are English, in any case of letters; AM and PM may
be 오전 and 오후. As POSIX has it two digits of a year from 69 on are of the 20th century, others of
the 21st. A number may lack its leading zero where no other number stands beside it.
"""

from __future__ import annotations

import re
from calendar import month_abbr, month_name
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from transforms.exports.forms import UNREADABLE

_DIRECTIVE: Final = re.compile(r"%(.)")
_WIDTHS: Final[Mapping[str, tuple[str, str]]] = {
    "Y": ("year", r"\d{4}"),
    "y": ("short_year", r"\d{2}"),
    "m": ("month", r"\d{2}"),
    "d": ("day", r"\d{2}"),
    "H": ("hour", r"\d{2}"),
    "I": ("hour", r"\d{2}"),
    "M": ("minute", r"\d{2}"),
    "S": ("second", r"\d{2}"),
    "f": ("fraction", r"\d{1,9}"),
    "p": ("half", r"(?i:[AP]M|오전|오후)"),
    "b": ("name", f"(?i:{'|'.join(month_abbr[1:])})"),
    "B": ("name", f"(?i:{'|'.join(month_name[1:])})"),
}
"""What a directive stands for, and how it is written."""
_UNPADDED: Final = frozenset("mdHI")
_NUMERIC: Final = frozenset("YymdHIMSf")
_FIRST_OF_20TH: Final = 69


def check_format(written: str, form: str) -> str | None:
    """What is wrong with a format for a column of the form date, timestamp or month; else none."""
    directives = _DIRECTIVE.findall(written.replace("%%", ""))
    if written.replace("%%", "").count("%") != len(directives):
        return "a % with nothing behind it; write %% for the sign"
    if unknown := [each for each in directives if each not in _WIDTHS]:
        return f"%{unknown[0]} is not read; there are {', '.join(f'%{each}' for each in _WIDTHS)}"
    parts = [_WIDTHS[each][0] for each in directives]
    if twice := [part for part in parts if parts.count(part) > 1]:
        return f"it has the {twice[0]} twice; keep one"
    if "year" in parts and "short_year" in parts:
        return "it has %Y and %y; keep one"
    if ("I" in directives) != ("p" in directives):
        return "%I and %p go together; write %H for hours up to 23"
    needed = {"year": {"Y", "y"}, "month": {"m", "b", "B"}}
    if form != "month":
        needed["day"] = {"d"}
    lacking = [part for part, some in needed.items() if some.isdisjoint(directives)]
    return f"it lacks the {' and the '.join(lacking)}; add it" if lacking else None


def in_iso(text: pa.Array, written: str) -> pa.Array:
    """Texts in a format as `2016-11-03` or `2016-11-03 14:22:33.5`; null stays null.

    A text of another form becomes `UNREADABLE`; one that names no day of the calendar is told so
    where it is read.
    """
    pattern = _pattern(written)
    found = pc.extract_regex(text, pattern)
    names = [found.type.field(index).name for index in range(found.type.num_fields)]

    def part(name: str, otherwise: str) -> pa.Array:
        if name not in names:
            return pa.repeat(otherwise, len(text))
        return pc.utf8_lpad(pc.struct_field(found, name), 2, "0")

    year = part("year", "")
    if "short_year" in names:
        digits = pc.struct_field(found, "short_year")
        recent = pc.less(digits, f"{_FIRST_OF_20TH}")
        year = pc.binary_join_element_wise(pc.if_else(recent, "20", "19"), digits, "")
    month = part("month", "01")
    if "name" in names:
        short = pc.utf8_slice_codeunits(pc.utf8_lower(pc.struct_field(found, "name")), 0, 3)
        months = pa.array([name.lower() for name in month_abbr[1:]])
        numbers = pa.array([f"{number:02d}" for number in range(1, 13)])
        month = pc.take(numbers, pc.index_in(short, months))
    iso = pc.binary_join_element_wise(year, month, part("day", "01"), "-")
    if "hour" in names:
        half = part("half", "")
        time = pc.binary_join_element_wise(
            part("hour", "00"), part("minute", "00"), part("second", "00"), ":"
        )
        if "fraction" in names:
            time = pc.binary_join_element_wise(time, pc.struct_field(found, "fraction"), ".")
        # a blank before nothing would be no form of a time
        behind = pc.utf8_rtrim(pc.binary_join_element_wise(time, half, " "), " ")
        iso = pc.binary_join_element_wise(iso, behind, " ")
    read = pc.if_else(pc.is_null(iso), UNREADABLE, iso)
    return pc.if_else(pc.is_null(text), pa.scalar(None, pa.string()), read)


@lru_cache(maxsize=64)
def _pattern(written: str) -> str:
    """The format as a regular expression with a group for each directive."""
    pieces = re.findall(r"%.|[^%]+", written)
    pattern = ""
    for at, piece in enumerate(pieces):
        directive = piece[1:] if piece[0] == "%" and piece != "%%" else ""
        if not directive:
            pattern += re.escape("%" if piece == "%%" else piece)
            continue
        name, width = _WIDTHS[directive]
        beside = [*pieces[max(at - 1, 0) : at], *pieces[at + 1 : at + 2]]
        alone = not any(each[0] == "%" and each[1:] in _NUMERIC for each in beside)
        if directive in _UNPADDED and alone:
            width = r"\d{1,2}"
        pattern += f"(?P<{name}>{width})"
    return f"^{pattern}$"
