"""Rows from a JSON Schema or an OpenAPI description are legal by it, and the same for the same seed."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from ghmlops.core.synthetic.rows.scalars import SchemaError
from ghmlops.core.synthetic.rows.schema import body_schema, is_schema, rows_of

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["age", "plan", "joined", "address", "scores"],
    "properties": {
        "age": {"type": "integer", "minimum": 18, "exclusiveMaximum": 20},
        "income": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "plan": {"enum": ["basic", "pro"]},
        "joined": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "minLength": 3, "maxLength": 5},
        "address": {"$ref": "#/$defs/address"},
        "scores": {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1}, "minItems": 4},
        "kind": {"anyOf": [{"const": 1}, {"type": "boolean"}]},
        "both": {"allOf": [{"type": "object", "properties": {"a": {"type": "null"}}}, {"required": ["a"]}]},
    },
    "$defs": {"address": {"type": "object", "required": ["zip"], "properties": {"zip": {"type": "integer"}}}},
}


def test_rows_fit_their_schema() -> None:
    """Reference: the package `jsonschema`; every optional field is there in some rows and absent in others."""
    rows = rows_of(SCHEMA, SCHEMA, 1)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert [error.message for row in rows for error in validator.iter_errors(row)] == []
    assert rows == rows_of(SCHEMA, SCHEMA, 1) != rows_of(SCHEMA, SCHEMA, 2)
    for name in ("income", "note", "kind", "both"):
        assert len({name in row for row in rows}) == 2
    assert {row["age"] for row in rows} == {18, 19}
    assert {type(row.get("income")) for row in rows} == {float, type(None)}


def multiplying(levels: int, *, through: str) -> dict[str, Any]:
    """Return a schema whose levels each refer eight times to the next one."""
    result: dict[str, Any] = {"$ref": "#/$defs/l0", "$defs": {f"l{levels}": {"type": "boolean"}}}
    for level in range(levels):
        following = {"$ref": f"#/$defs/l{level + 1}"}
        names = [f"p{index}" for index in range(8)]
        result["$defs"][f"l{level}"] = {
            "properties": {"type": "object", "required": names, "properties": dict.fromkeys(names, following)},
            "prefixItems": {"type": "array", "prefixItems": [following] * 8},
        }[through]
    return result


def openapi(schema: Any, path: str = "/models/{name}/predict") -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"openapi": "3.0.3", "paths": {path: {"post": {"requestBody": {"content": content}}}}}


def test_the_body_of_an_endpoint_is_found_by_its_path() -> None:
    """Names in braces match any segment; `nullable` of OpenAPI 3.0 is null in some rows."""
    document = openapi({"type": "object", "required": ["x"], "properties": {"x": {"type": "string", "nullable": True}}})
    assert is_schema(document)
    rows = rows_of(document, body_schema(document, "POST", "/models/a/predict"), 1)
    assert {type(row["x"]) for row in rows} == {str, type(None)}
    with pytest.raises(SchemaError, match="GET /models/a"):
        body_schema(document, "GET", "/models/a/predict")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "other.json"}, "another document"),
        ({"$ref": "#"}, "circle"),
        ({"type": "string", "pattern": "[A-Z]+"}, "pattern"),
        ({"type": "number", "minimum": 2, "maximum": 1}, "no number"),
        ({"type": "number", "minimum": float("nan")}, "minimum"),
        ({"type": "integer", "maximum": float("inf")}, "maximum"),
        ({"enum": [10**320]}, "finite"),
        ({"const": {"a": [float("nan")]}}, "finite"),
        ({"type": "string", "minLength": 100_000}, "characters"),
        ({"type": []}, "type"),
        ({"type": {}}, "type"),
        ({"type": "array", "minItems": 10**9, "items": {}}, "elements"),
        ({}, "type"),
        ({"type": "file"}, "file"),
        ({"type": "object", "properties": {"a": {"$ref": "#/properties/b"}}, "required": 1}, "required"),
        ({"type": "array", "items": {"$ref": "#/x"}, "x": {"type": "array", "items": {"$ref": "#/x"}}}, "deeper"),
    ],
)
def test_what_is_not_supported_is_named(schema: dict[str, Any], message: str) -> None:
    """A schema is untrusted: no endless walk, no guess, one message."""
    with pytest.raises(SchemaError, match=message):
        rows_of(schema, schema, 1)


LONG = {"type": "string", "minLength": 9_999}


@pytest.mark.parametrize(
    "schema",
    [
        multiplying(15, through="properties"),
        multiplying(15, through="prefixItems"),
        {"type": "object", "required": list("abcdefghi"), "properties": dict.fromkeys("abcdefghi", LONG)},
        {"type": "array", "minItems": 9_999, "items": {"const": [0] * 9_999}},
    ],
)
def test_a_small_schema_of_many_values_ends(schema: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """References multiply values on every level, long texts and lists by the rows: the work has a limit."""
    monkeypatch.setattr("ghmlops.core.synthetic.rows.schema.MAX_WORK", 50_000)
    with pytest.raises(SchemaError, match="values"):
        rows_of(schema, schema, 1)


@pytest.mark.parametrize("document", [[], 1, {"type": "object"}, {"instances": []}, None])
def test_payloads_are_no_schemas(document: Any) -> None:
    """A file of one JSON value stays a payload."""
    assert not is_schema(document)
