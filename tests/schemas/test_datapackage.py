"""`datapackage.json` describes every published table by the rules of Data Package v2."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft7Validator

from flows.publishing.catalog import catalog_is_behind
from flows.publishing.workspace import Workspace
from schemas.tables import PUBLISHED, RESTATEMENTS
from tests.faults import NEW, OLD, TABLE, publish, target

Package = dict[str, Any]

PROFILE: Final = {
    "type": "object",
    "required": ["$schema", "resources"],
    "properties": {
        "$schema": {"const": "https://datapackage.org/profiles/2.0/datapackage.json"},
        "name": {"type": "string", "pattern": "^[-a-z0-9._/]+$"},
        "resources": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "type", "schema"],
                "oneOf": [{"required": ["path"]}, {"required": ["data"]}],
                "not": {"anyOf": [{"required": ["profile"]}, {"required": ["hash"]}]},
                "properties": {
                    "$schema": {"const": "https://datapackage.org/profiles/2.0/dataresource.json"},
                    "name": {"type": "string", "pattern": "^[-a-z0-9._/]+$"},
                    "type": {"const": "table"},
                    "path": {
                        "type": "array",
                        "minItems": 1,
                        "uniqueItems": True,
                        "items": {"type": "string", "pattern": r"^(?=^[^./~])(^((?!\.{2}).)*$).*$"},
                    },
                    "data": {"const": []},
                    "schema": {
                        "type": "object",
                        "required": ["fields"],
                        "oneOf": [{"required": ["primaryKey"]}, {"required": ["uniqueKeys"]}],
                        "properties": {
                            "primaryKey": {"type": "array", "items": {"type": "string"}},
                            "uniqueKeys": {
                                "type": "array",
                                "items": {"type": "array", "items": {"type": "string"}},
                            },
                            "fields": {
                                "type": "array",
                                "minItems": 1,
                                "items": {"$ref": "#/definitions/field"},
                            },
                        },
                    },
                },
            },
        },
    },
    "definitions": {
        "field": {
            "type": "object",
            "required": ["name", "type", "description"],
            "properties": {
                "type": {
                    "enum": ["string", "boolean", "integer", "date", "datetime", "number"],
                },
                "constraints": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "required": {"type": "boolean"},
                        "enum": {"type": "array", "minItems": 1, "uniqueItems": True},
                        "minimum": {"type": "integer"},
                        "maximum": {"type": "integer"},
                    },
                },
            },
        },
    },
}
"""The standard's structure, as far as it bears on what we write, from its text."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace in which one table is published."""
    publish(tmp_path, OLD, TABLE.name)
    return tmp_path


def package_of(root: Path) -> Package:
    content = (root / "warehouse" / "datapackage.json").read_text(encoding="utf-8")
    package: Package = json.loads(content)
    return package


def resource(root: Path, table: str) -> Package:
    (found,) = [r for r in package_of(root)["resources"] if r["name"] == table]
    return dict(found)


def test_it_keeps_to_the_standards_structure_and_covers_all_tables(root: Path) -> None:
    package = package_of(root)
    Draft7Validator(PROFILE).validate(package)
    assert [resource["name"] for resource in package["resources"]] == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_key_is_of_fields_and_fields_are_the_columns(root: Path, name: str) -> None:
    table, schema = PUBLISHED[name], resource(root, name)["schema"]
    names = [field["name"] for field in schema["fields"]]
    assert names == [*table.stored_columns, table.partition]
    key = [table.partition, *table.key]
    required = {name for name in names if not table.columns[name].nullable}
    # in the standard no field of a primary key may be empty
    found = schema["primaryKey"] if required.issuperset(key) else schema["uniqueKeys"][0]
    assert found == key
    for field in schema["fields"]:
        column = table.columns[field["name"]]
        assert field["constraints"]["required"] is not column.nullable
        assert field["description"].startswith(str(column.description))


def test_rules_of_a_column_are_constraints_where_the_standard_has_them(root: Path) -> None:
    fields = {field["name"]: field for field in resource(root, TABLE.name)["schema"]["fields"]}
    assert fields["reason"]["constraints"] == {
        "required": True,
        "enum": ["unknown_customer", "terminated", "not_joined"],
    }
    assert fields["lines"]["constraints"] == {"required": True, "minimum": 1}
    assert fields["amount"]["pointbook:unit"] == "KRW"


def test_every_committed_file_is_there_with_its_hash_size_and_rows(root: Path) -> None:
    found = resource(root, TABLE.name)
    files = found["pointbook:files"]
    assert [file["path"] for file in files] == found["path"]
    assert {root / "warehouse" / file["path"] for file in files} == {target(root, y) for y in OLD}
    for file in files:
        content = (root / "warehouse" / file["path"]).read_bytes()
        assert file["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert file["bytes"] == len(content)
        assert file["rows"] == pq.read_metadata(root / "warehouse" / file["path"]).num_rows


def test_a_table_that_is_not_published_has_no_rows(root: Path) -> None:
    found = resource(root, "point_lots")
    assert found["data"] == []
    assert "path" not in found


def test_a_reader_of_hive_layout_sees_the_fields_in_their_order(root: Path) -> None:
    found = ds.dataset(root / "warehouse" / TABLE.name, partitioning="hive").schema.names
    assert found == [field["name"] for field in resource(root, TABLE.name)["schema"]["fields"]]


def test_it_follows_what_is_published_and_tells_no_time(root: Path, tmp_path: Path) -> None:
    before = (root / "warehouse" / "datapackage.json").read_bytes()
    publish(root, OLD, TABLE.name)
    assert (root / "warehouse" / "datapackage.json").read_bytes() == before
    publish(root, NEW, TABLE.name)
    assert len(resource(root, TABLE.name)["path"]) == len(NEW)
    other = tmp_path / "other"
    publish(other, NEW, TABLE.name)
    assert _but_restatements(other) == _but_restatements(root)


def _but_restatements(root: Path) -> list[dict[str, Any]]:
    """What the package tells of what is published, and not of what it replaced."""
    return [row for row in package_of(root)["resources"] if row["name"] != RESTATEMENTS]


def test_a_package_with_hashes_of_before_is_behind(root: Path) -> None:
    path = root / "warehouse" / "datapackage.json"
    behind = path.read_bytes()
    publish(root, {"2016": 999}, TABLE.name)
    assert not catalog_is_behind(Workspace(root))
    path.write_bytes(behind)
    assert catalog_is_behind(Workspace(root))
