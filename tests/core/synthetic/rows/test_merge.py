"""Schemas that must all hold are one schema, or no value meets them."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.synthetic.rows.merge import ConflictError, merged
from ghmlops.core.synthetic.rows.scalars import SchemaError


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"minimum": 1}, {"minimum": 2}, {"minimum": 2}),
        ({"maxLength": 1}, {"maxLength": 2}, {"maxLength": 1}),
        ({"exclusiveMinimum": True}, {"exclusiveMinimum": False}, {"exclusiveMinimum": True}),
        ({"type": "number"}, {"type": "integer"}, {"type": "integer"}),
        ({"type": ["integer", "null"]}, {"type": ["number", "string", "null"]}, {"type": ["integer", "null"]}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"enum": [1, "a", None]}, {"enum": [None, 1]}, {"enum": [1, None]}),
        ({"multipleOf": 4}, {"multipleOf": 6}, {"multipleOf": 12}),
        (
            {"properties": {"a": {"type": "null"}}},
            {"properties": {"b": {}}},
            {"properties": {"a": {"type": "null"}, "b": {}}},
        ),
        (
            {"properties": {"a": {"minimum": 1}}},
            {"properties": {"a": {"maximum": 2}}},
            {"properties": {"a": {"allOf": [{"minimum": 1}, {"maximum": 2}]}}},
        ),
        ({"const": 1}, {"const": 1}, {"const": 1}),
        ({"type": "string", "example": "a"}, {"title": "t"}, {"type": "string", "example": "a", "title": "t"}),
        ({"type": "string", "example": "a"}, {"minLength": 5}, {"type": "string", "minLength": 5}),
        ({}, {"type": "string", "examples": ["a"]}, {"type": "string", "examples": ["a"]}),
    ],
)
def test_both_hold(one: dict[str, Any], other: dict[str, Any], both: dict[str, Any]) -> None:
    """The tighter limit, the common types and values; an example of one part is none of both."""
    assert merged(one, other, "$") == both


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "string"}, {"type": "object"}),
        ({"enum": [1]}, {"enum": [2]}),
        ({"const": 1}, {"const": 2}),
    ],
)
def test_no_value_meets_both(one: dict[str, Any], other: dict[str, Any]) -> None:
    """The place is named."""
    with pytest.raises(ConflictError, match=r"^\$\.x: "):
        merged(one, other, "$.x")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"properties": 1}, {"properties": {}}),
        ({"required": "a"}, {"required": []}),
        ({"enum": {}}, {"enum": []}),
        ({"minimum": "1"}, {"minimum": 2}),
        ({"multipleOf": 0.5}, {"multipleOf": 2}),
    ],
)
def test_keywords_of_another_type(one: dict[str, Any], other: dict[str, Any]) -> None:
    """An untrusted schema is named, not guessed."""
    with pytest.raises(SchemaError, match=r"^\$\.x: "):
        merged(one, other, "$.x")
