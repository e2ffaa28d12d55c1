"""The sample generator and the tracked sample."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemas.exports import EXPORTS
from transforms.sample import generate
from transforms.sample.dirt import kinds_of

ROOT = Path(__file__).parents[2]
TRACKED = ROOT / "data" / "sample"
MOST_BYTES = 3_000_000
OUTCOMES = ("accepted", "duplicate", "stale", "quarantined")
SMALL = {"customers": 40, "members": 15, "seed": 3, "first_month": "2021-01"}


def _content(path: Path) -> bytes:
    """What the file holds.

    Compressed files are compared by it: zlib and zstd differ between builds of Python and Arrow
    in the bytes that they compress the same content to. All other files are compared as they are.
    """
    raw = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(raw)
    if path.suffix == ".zst":
        with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
            content: bytes = stream.read()
        return content
    return raw


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "arguments.json"
    }


def _differing(one: Path, other: Path) -> list[str]:
    left, right = _contents(one), _contents(other)
    return [name for name in sorted(left.keys() | right) if left.get(name) != right.get(name)]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((TRACKED / "truth.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    generate(folder, **SMALL, threads=1)  # type: ignore[arg-type]
    return folder


def test_the_tracked_sample_is_what_the_generator_makes_of_the_recorded_arguments(
    tmp_path: Path,
) -> None:
    arguments = json.loads((TRACKED / "arguments.json").read_text(encoding="utf-8"))
    generate(tmp_path, **arguments)
    assert _differing(TRACKED, tmp_path) == []


def test_the_tracked_sample_is_small() -> None:
    assert sum(path.stat().st_size for path in TRACKED.rglob("*")) <= MOST_BYTES


def test_the_tracked_sample_has_all_exports_and_all_containers(truth: dict[str, Any]) -> None:
    assert {file["export"] for file in truth["files"]} == set(EXPORTS)
    containers = {file["form"]["container"] for file in truth["files"]}
    plain, zipped = {".csv", ".tsv", ".txt"}, {".csv.gz", ".tsv.gz", ".txt.gz"}
    assert containers >= plain | zipped | {".csv.zst", ".parquet"}


@pytest.mark.parametrize(
    ("property_", "variants"),
    [
        ("encoding", 5),
        ("delimiter", 4),
        ("newline", 2),
        ("header", 5),
        ("labels", 3),
        ("number", 6),
        ("month", 5),
        ("date", 5),
        ("time", 3),
        ("separator", 2),
        ("boolean", 5),
        ("missing", 2),
        ("codes", 2),
        ("quoting", 2),
    ],
)
def test_every_variant_of_a_form_occurs(
    truth: dict[str, Any], property_: str, variants: int
) -> None:
    seen = {file["form"][property_] for file in truth["files"] if property_ in file["form"]}
    assert len(seen) == variants


@pytest.mark.parametrize("export", list(EXPORTS))
def test_every_kind_of_reason_of_an_export_occurs(truth: dict[str, Any], export: str) -> None:
    wanted = {kind.reason for kind in kinds_of(export)} | {"key:conflict"}
    assert wanted - truth["exports"][export]["reasons"].keys() == set()


@pytest.mark.parametrize("export", list(EXPORTS))
def test_every_outcome_of_an_export_occurs(truth: dict[str, Any], export: str) -> None:
    possible = set(OUTCOMES) if EXPORTS[export].revision else set(OUTCOMES) - {"stale"}
    assert {name for name in OUTCOMES if truth["exports"][export][name]} == possible


def test_no_file_is_dirty_enough_to_be_held_back(truth: dict[str, Any]) -> None:
    dirty = Counter(
        (row["export"], row["file"]) for row in truth["dirty"] if row["reasons"] != ["key:conflict"]
    )
    rows = {(file["export"], file["file"]): file["delivered"] for file in truth["files"]}
    assert [name for name, count in dirty.items() if count >= 0.04 * rows[name]] == []


def test_the_totals_of_the_truth_tie(truth: dict[str, Any]) -> None:
    for part in [*truth["files"], *truth["exports"].values()]:
        amounts = [part[name] for name in ("billed_amount", "collected_amount") if name in part]
        for counts in [part, *amounts]:
            assert counts["delivered"] == sum(counts[name] for name in OUTCOMES)
    for export, total in truth["exports"].items():
        files = [file for file in truth["files"] if file["export"] == export]
        for name in ("delivered", *OUTCOMES):
            assert total[name] == sum(file[name] for file in files)
        listed = [row for row in truth["dirty"] if row["export"] == export]
        assert total["quarantined"] == len(listed)
        assert total["reasons"] == Counter(why for row in listed for why in row["reasons"])


def test_two_runs_make_the_same_bytes(small: Path, tmp_path: Path) -> None:
    generate(tmp_path, **SMALL)  # type: ignore[arg-type]
    names = [path.relative_to(small) for path in small.rglob("*") if path.is_file()]
    assert [n for n in names if (small / n).read_bytes() != (tmp_path / n).read_bytes()] == []


def test_the_size_of_the_slices_changes_nothing(small: Path, tmp_path: Path) -> None:
    generate(tmp_path, **SMALL, chunk=16)  # type: ignore[arg-type]
    assert _differing(small, tmp_path) == []


def test_another_seed_makes_other_rows(small: Path, tmp_path: Path) -> None:
    generate(tmp_path, **(SMALL | {"seed": 4}))  # type: ignore[arg-type]
    assert len(_differing(small, tmp_path)) > len(EXPORTS)


def test_progress_counts_up_to_its_total(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    generate(
        tmp_path,
        customers=3,
        members=3,
        seed=1,
        first_month="2016-11",
        last_month="2016-12",
        progress=lambda export, done, total: told.append((export, done, total)),
    )
    assert [done for _, done, _ in told] == list(range(1, told[-1][2] + 1))


def test_a_sample_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one each"):
        generate(tmp_path, customers=0, members=1, seed=1)


WITH_A_SEVENTH_PRODUCT = """
import sys, types
from pathlib import Path

declared = types.ModuleType("schemas.exports")
sys.modules["schemas.exports"] = declared
source = Path("schemas/exports.py").read_text(encoding="utf-8")
known = '"landline": "집전화",'
assert known in source
exec(source.replace(known, known + '"satellite": "위성",'), vars(declared))

from transforms.sample import generate

generate(
    Path(sys.argv[1]), customers=60, members=1, seed=1, first_month="2022-01", threads=1
)
"""
"""Generates a sample under a declaration with one more product, which takes a new process."""


def test_a_seventh_product_is_subscribed_to_and_billed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITH_A_SEVENTH_PRODUCT, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    naming = set()
    for file in truth["files"]:
        if "encoding" in file["form"]:
            content = _content(tmp_path / file["export"] / file["file"])
            text = content.decode(file["form"]["encoding"], errors="replace").lower()
            naming |= {file["export"]} if "satellite" in text or "위성" in text else set()
    assert naming == {"subscriptions", "billing"}
