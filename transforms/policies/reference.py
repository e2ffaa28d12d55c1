"""Reference data: where airports are, and which distances between them are published (F2).

Airports come from the `airportsdata` package, whose version is pinned; published distances from
`data/reference/published_distances.csv`, a row for each pair of airports, in either direction.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import airportsdata
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from transforms.engine.plain import relation_of
from transforms.policies.policy import DATA, PolicyError

PUBLISHED_DISTANCES: Final = DATA / "reference" / "published_distances.csv"
_COLUMNS: Final = ["airport", "other_airport", "miles", "source"]
_DISTANCES: Final = pa.schema(
    [("airport", pa.string()), ("other_airport", pa.string()), ("miles", pa.int64())]
)


class Reference:
    """The reference data as relations."""

    def __init__(self, distances: Path = PUBLISHED_DISTANCES) -> None:
        self._distances = distances

    @property
    def airport_rows(self) -> pa.Table:
        """airport, country, latitude, longitude: every airport with an IATA code, by that code."""
        return _airport_rows()

    @cached_property
    def distance_rows(self) -> pa.Table:
        """airport, other_airport, miles: each published pair once.

        Raises PolicyError listing everything wrong with the file.
        """
        with self._distances.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
        name = self._distances.name
        if reader.fieldnames != _COLUMNS:
            raise PolicyError(f"{name}: the columns are not {', '.join(_COLUMNS)}; mend the header")
        errors = [f"{name}: row {line}: {what}" for line, what in self._problems(rows)]
        if errors:
            raise PolicyError(*errors)
        found = (
            {name: row[name] for name in _DISTANCES.names} | {"miles": int(row["miles"])}
            for row in rows
        )
        return relation_of(found, _DISTANCES)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the airports' version and the published distances, without sources."""
        with self._distances.open(encoding="utf-8", newline="") as file:
            distances = [row[: _COLUMNS.index("source")] for row in csv.reader(file)]
        content = f"{airportsdata.__version__}\n{distances}"
        return hashlib.sha256(content.encode()).hexdigest()

    def _problems(self, rows: list[dict[str, str]]) -> Iterator[tuple[int, str]]:
        """What is wrong with the published distances: row number, and what to do about it."""
        known = set(self.airport_rows["airport"].to_pylist())
        seen: set[frozenset[str]] = set()
        for number, row in enumerate(rows, 1):
            if None in row or None in row.values():
                yield number, f"not {len(_COLUMNS)} values; mend the row"
                continue
            pair = [row["airport"], row["other_airport"]]
            for code in pair:
                if code not in known:
                    yield number, f"{code!r} is no known airport; write its IATA code"
            if len(set(pair)) == 1:
                yield number, "twice the same airport; name two"
            if frozenset(pair) in seen:
                yield number, f"{'-'.join(pair)} is given twice, in either direction; keep one"
            seen.add(frozenset(pair))
            if not re.fullmatch(r"[1-9][0-9]{0,5}", row["miles"]):
                yield number, f"{row['miles']!r} is no distance; write whole miles above 0"
            if not row["source"].strip():
                yield number, "no source; name one"


@cache
def shipped() -> Reference:
    """The reference data that Pointbook comes with, read once."""
    return Reference()


@cache
def _airport_rows() -> pa.Table:
    """Airports with an IATA code, sorted by it: code, country, degrees of position."""
    # the package's own loader makes a dictionary of every field of every airfield first
    rows = pa_csv.read_csv(
        Path(airportsdata.__file__).with_name("airports.csv"),
        convert_options=pa_csv.ConvertOptions(
            include_columns=["iata", "country", "lat", "lon"],
            column_types={"iata": pa.string(), "country": pa.string()},
            null_values=[""],
            strings_can_be_null=True,
        ),
    ).rename_columns(["airport", "country", "latitude", "longitude"])
    return rows.filter(pc.is_valid(rows["airport"])).sort_by("airport").combine_chunks()
