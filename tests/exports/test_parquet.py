"""Parquet files as other systems write them, and as an attacker would."""

from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support import ingest, of_file, quarantined, reasons_by_line, staged, workspace_with
from transforms.exports import parquet

GOOD_FILE = "purchases/good.csv"
GOOD = b"purchase_id,customer_id,purchased_at,channel,amount\nG1,C1,2016-11-03 10:00,partner,1000\n"
NAME = "purchases/a.parquet"
SPARK = {"org.apache.spark.version": "3.5.1"}


def purchases(count: int = 3, **columns: Any) -> pa.Table:
    """Purchases P1, P2 … of which the second has a bad customer; further columns replace or add."""
    own = {
        "purchase_id": [f"P{n + 1}" for n in range(count)],
        "customer_id": ["bad one" if n == 1 else "C1" for n in range(count)],
        "purchased_at": [datetime(2016, 11, 3, 10)] * count,
        "channel": ["partner"] * count,
        "amount": [1000] * count,
    }
    return pa.table(own | columns)


def written(table: pa.Table, metadata: Any = None, **how: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), target, **{"compression": "zstd"} | how)
    return target.getvalue()


def delivered(tmp_path: Path, content: bytes) -> dict[str, Any]:
    """What the manifest says of the file, which lies beside a good one that is always taken."""
    manifest = ingest(workspace_with(tmp_path, {NAME: content, GOOD_FILE: GOOD}))
    assert of_file(manifest, GOOD_FILE)["rows"]["accepted"] == 1
    return of_file(manifest, NAME)


def _extension(kind: pa.DataType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


_UUIDS = pa.array([UUID(int=n).bytes for n in range(3)], pa.binary(16))
EXOTIC: dict[str, pa.Array] = {
    "uuid": _extension(pa.uuid(), _UUIDS),
    "uuids": pa.FixedSizeListArray.from_arrays(_extension(pa.uuid(), _UUIDS), 1),
    "in a struct": pa.StructArray.from_arrays([_extension(pa.uuid(), _UUIDS)], ["a"]),
    "tensor": pa.FixedShapeTensorArray.from_storage(
        pa.fixed_shape_tensor(pa.int32(), [2]), pa.array([[1, 2]] * 3, pa.list_(pa.int32(), 2))
    ),
    "list": pa.array([["x"], None, []]),
    "views": pa.array([["x"], None, []], pa.list_view(pa.string_view())),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    "bytes": pa.array([b"\xff", b"\x00", None]),
    "json": _extension(pa.json_(), pa.array(['{"a": 1}', "null", None])),
    "bool8": _extension(pa.bool8(), pa.array([1, 0, None], pa.int8())),
    "opaque": _extension(pa.opaque(pa.binary(), "x", "y"), pa.array([b"\xff", None, b""])),
    "far": pa.array([2**62, -(2**62), 0], pa.timestamp("us")),
    "zone": pa.array([2**62, 0, None], pa.timestamp("ns", "Asia/Seoul")),
    "time": pa.array([1, 2, None], pa.time64("ns")),
    "span": pa.array([1, 2, None], pa.duration("us")),
    "decimal": pa.array([1, 2, None], pa.decimal256(70, 20)),
    "half": pa.array([1.5, float("nan"), float("inf")], pa.float16()),
    "codes": pa.array(["a", "b", None]).dictionary_encode(),
    "nothing": pa.nulls(3),
}


@pytest.mark.parametrize("name", EXOTIC)
def test_a_rejected_row_is_told_whatever_lies_in_further_columns(name: str, tmp_path: Path) -> None:
    report = delivered(tmp_path, written(purchases(note=EXOTIC[name])))

    assert report["rows"] | {"accepted": 2, "quarantined": 1} == report["rows"], report["reason"]
    (row,) = quarantined(tmp_path, "purchases")
    told = json.loads(row["raw_text"])
    assert (row["line"], row["reasons"]) == (2, ["customer_id:format"])
    assert (told["purchase_id"], told["customer_id"]) == ("P2", "bad one")
    assert "note" in told


def test_what_int96_means_is_said_by_spark_alone(tmp_path: Path) -> None:
    instants = pa.array(
        [datetime(2016, 10, 31, 15, 30), datetime(9999, 12, 31)], pa.timestamp("us")
    )
    table = purchases(2, purchased_at=instants, customer_id=["C1", "C2"])
    how = {"use_deprecated_int96_timestamps": True}

    report = delivered(tmp_path / "spark", written(table, SPARK, **how))
    assert report["rows"]["accepted"] == 2
    at = {
        row["purchase_id"]: row["purchased_at"] for row in staged(tmp_path / "spark", "purchases")
    }
    assert at["P1"] == datetime(2016, 11, 1, 0, 30)
    assert at["P2"] == datetime(9999, 12, 31, 9)

    report = delivered(tmp_path / "other", written(table, **how))
    assert report["status"] == "rejected"
    assert report["reason"].startswith("its column purchased_at is INT96, which is an instant or")

    text = ["2016-11-03 10:00"] * 2
    noted = purchases(2, customer_id=["C1", "C2"], purchased_at=text, note=instants)
    report = delivered(tmp_path / "not needed", written(noted, **how))
    assert report["rows"]["accepted"] == 2


MEGABYTE = "x" * 900_000
BOMBS: dict[str, bytes] = {
    "a long text in a dictionary": written(purchases(2000, note=[MEGABYTE] * 2000)),
    "in a needed column": written(purchases(2000, customer_id=[MEGABYTE] * 2000)),
    "front coded": written(
        purchases(2000, note=[MEGABYTE] * 2000),
        use_dictionary=False,
        column_encoding={"note": "DELTA_BYTE_ARRAY"},
    ),
    "of an extension": written(
        purchases(2000, note=_extension(pa.json_(), pa.array([f'"{MEGABYTE}"'] * 2000)))
    ),
    "equal rows": written(
        pa.table({name: [value] for name, value in purchases(1).to_pylist()[0].items()}).take(
            pa.array([0]).take(pa.array([0] * 3_000_000))
        ),
        compression="zstd",
    ),
    "equal bytes": written(purchases(1, note=["x" * (1 << 27)]), compression="zstd"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded_and_the_others_go_on(
    name: str, tmp_path: Path
) -> None:
    before = pa.total_allocated_bytes()
    peak = pa.default_memory_pool().max_memory()

    report = delivered(tmp_path, BOMBS[name])

    assert report["status"] == "rejected"
    assert report["reason"].startswith("expands to more than 250 times its size"), report["reason"]
    assert pa.default_memory_pool().max_memory() <= max(peak, before + (1 << 29))


@pytest.mark.parametrize("note", [[MEGABYTE] * 1000, {"a": MEGABYTE}, [0] * 10_000_000])
def test_what_nested_columns_hold_is_not_read(note: Any, tmp_path: Path) -> None:
    report = delivered(tmp_path, written(purchases(2, note=[note] * 2)))

    assert report["rows"]["accepted"] == 1 or report["reason"].startswith("expands to more than")
    for row in quarantined(tmp_path, "purchases"):
        assert len(row["raw_text"]) < 1000


def test_a_text_longer_than_a_record_may_be_is_refused_where_rows_may_repeat_it(
    tmp_path: Path,
) -> None:
    content = written(purchases(3, note=["x" * (3 << 20)] * 3), compression="none")

    report = delivered(tmp_path, content)

    assert report["reason"] == "its column note holds a text of 3,145,728 bytes; 1,048,576 at most"


@pytest.mark.parametrize("how", [{}, {"use_dictionary": False}, {"row_group_size": 7}])
def test_rows_are_numbered_alike_however_many_are_read_at_once(
    how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"a name of some length {n}" for n in range(100)]
    content = written(purchases(100, note=names, more=[[name] for name in names]), **how)
    found = []
    for rows, size in ((1 << 17, 1 << 26), (10, 1 << 26), (1 << 17, 100), (1 << 17, 1)):
        monkeypatch.setattr(parquet, "_ROWS_AT_ONCE", rows)
        monkeypatch.setattr(parquet, "_BYTES_AT_ONCE", size)
        workspace = tmp_path / f"{rows}-{size}"
        assert delivered(workspace, content)["rows"]["accepted"] == 99
        found.append((staged(workspace, "purchases"), reasons_by_line(workspace, "purchases")))
    assert all(each == found[0] for each in found)
    assert found[0][1] == {2: ["customer_id:format"]}
