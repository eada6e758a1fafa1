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


AGE: dict[str, Any] = {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer", "minimum": 0}}}
NODE: dict[str, Any] = {
    "type": "object",
    "required": ["value", "children", "next"],
    "properties": {
        "value": {"type": "integer"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "left": {"$ref": "#/$defs/node"},
        "right": {"allOf": [{"$ref": "#/$defs/node"}]},
    },
}
NAMES = {name: {"type": "string"} for name in "abc"}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"allOf": [AGE, {"type": "object", "required": ["b"]}]}, {"properties": {"b": {"type": "null"}}}]},
        {"allOf": [{"$ref": "#/$defs/outer"}], "required": ["c"], "properties": {"c": {"type": "boolean"}},
         "$defs": {"outer": {"allOf": [{"$ref": "#/$defs/inner"}]}, "inner": AGE}},
        {"allOf": [AGE, {"properties": {"age": {"type": "integer", "maximum": 3}}}, {"type": "object"}]},
        {"allOf": [{"type": "number", "minimum": 5}, {"type": "integer", "minimum": 0}, {"maximum": 7}]},
        {"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]},
        {"allOf": [{"type": "object", "example": {}}, AGE]},
        {"allOf": [{"type": ["object", "null"]}, AGE]},
        {**AGE, "anyOf": [{"required": ["b"]}, {"required": ["c"]}],
         "properties": {**AGE["properties"], "b": {"type": "string"}, "c": {"type": "string"}}},
        {**AGE, "anyOf": [{"properties": {"b": {"type": "null"}}, "required": ["b"]},
                          {"properties": {"age": {"maximum": 9}}}]},
        {"type": "object", "properties": NAMES, "oneOf": [{"required": [name]} for name in "abc"]},
        {"type": "object", "required": ["a"], "anyOf": [{"properties": NAMES}, {"type": "null"}]},
        {"anyOf": [AGE, {"type": "object"}], "oneOf": [AGE, {"type": "string"}]},
        {"$ref": "#/$defs/age", "required": ["b"], "properties": {"b": {"type": "boolean"}}, "$defs": {"age": AGE}},
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#/$defs/node"}}, "$defs": {"node": NODE}},
        {"type": "array", "items": {"$ref": "#/x"}, "x": {"type": "array", "items": {"$ref": "#/x"}}},
        {"type": "array"},
        {"type": "array", "maxItems": 0, "items": {"type": "integer"}},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
        {"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1.5},
    ],
)  # fmt: skip
def test_composed_and_recursive_schemas(schema: dict[str, Any]) -> None:
    """Reference: the package `jsonschema`; everything that stands side by side holds together, and recursion ends."""
    rows = rows_of(schema, schema, 1)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for row in rows for error in validator.iter_errors(row)] == []


def test_composition_leaves_choices() -> None:
    """Each choice occurs, and optional fields of what stands beside it, too; recursive fields are there once."""
    schema: dict[str, Any] = {
        **AGE,
        "anyOf": [{"required": ["b"]}, {"required": ["c"]}],
        "properties": {**NAMES, **AGE["properties"]},
    }
    rows = rows_of(schema, schema, 1)
    assert {("b" in row, "c" in row) for row in rows} == {(True, True), (True, False), (False, True)}
    assert len({"a" in row for row in rows}) == 2
    recursive = {"$defs": {"node": NODE}, "anyOf": [{"$ref": "#/$defs/node"}, {"type": "integer"}]}
    rows = rows_of(recursive, recursive, 1)
    assert {type(row) for row in rows} == {dict, int}
    inner = {"type": "array", "items": {"$ref": "#/$defs/node"}, "$defs": {"node": NODE}}
    assert all(len(row) == 1 for row in rows_of(inner, inner, 1))


def test_the_literal_path_is_meant() -> None:
    """Whatever the order of the description, a literal segment goes before a variable one."""
    document = openapi({"type": "string"}, "/models/{name}")
    document["paths"] |= openapi({"type": "boolean"}, "/models/best")["paths"]
    document["paths"] |= openapi({"type": "null"}, "/{kind}/best")["paths"]
    assert body_schema(document, "POST", "/models/best") == {"type": "boolean"}
    assert body_schema(document, "POST", "/models/a") == {"type": "string"}
    assert body_schema(document, "POST", "/rules/best") == {"type": "null"}


def test_null_of_openapi_3_0_in_composed_schemas() -> None:
    """`nullable` beside a reference makes it null in some rows; within one of two parts it does not."""
    word = {"type": "string"}
    beside = openapi({"nullable": True, "allOf": [word]})
    within = openapi({"allOf": [{**word, "nullable": True}, {**word, "minLength": 2}]})
    choice = openapi({"oneOf": [{**word, "nullable": True}, {"type": "integer"}]})
    for document, types in ((beside, {str, type(None)}), (within, {str}), (choice, {str, int, type(None)})):
        rows = rows_of(document, body_schema(document, "POST", "/models/a/predict"), 1)
        assert {type(row) for row in rows} == types


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
        ({"$ref": "#/x", "x": {"type": "array", "minItems": 1, "items": {"$ref": "#/x"}}}, "deeper"),
        ({"$ref": "#/x", "x": {"allOf": [{"$ref": "#/x"}]}}, "circle"),
        ({"anyOf": [{"$ref": "#"}]}, "circle"),
        ({"type": "array", "minItems": 3, "maxItems": 2, "items": {"type": "null"}}, "elements"),
        ({"type": "object", "anyOf": [{"type": "string"}, {"type": "null"}]}, "type"),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [3]}]}, "enum"),
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
