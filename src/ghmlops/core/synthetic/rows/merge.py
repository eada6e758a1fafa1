"""Merges JSON Schemas that must all hold: `allOf`, and what stands beside `anyOf`, `oneOf` or a reference."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from ghmlops.core.synthetic.rows.scalars import SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.synthetic.rows.fields import Json

EXAMPLES = ("example", "examples")
_ANNOTATIONS = frozenset(
    ("title", "description", "default", "deprecated", "readOnly", "writeOnly", "nullable", "discriminator", "xml",
     "externalDocs", "$defs", "definitions", "$schema", "$id", "$comment", "components", *EXAMPLES)
)  # fmt: skip
"""Keys that say nothing about which values are legal; `nullable` is merged by the caller."""


class ConflictError(SchemaError):
    """Two schemas that no value meets together."""


def merged(one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a schema for what both schemas allow.

    An example of one of them is none of both, unless the other one says nothing about the value.

    Args:
        one: a schema without `allOf`, `anyOf`, `oneOf` and `$ref`.
        other: another one; of two annotations, its one counts.
        path: where the value is, for messages.

    Raises:
        ConflictError: No value meets both.
        SchemaError: A keyword has a value of another type.
    """
    result = dict(one) if _says_nothing(other) else _without_examples(one)
    for key, value in (other if _says_nothing(one) else _without_examples(other)).items():
        merge = _MERGES.get(key)
        if key not in result or merge is None or result[key] == value:
            result[key] = value
        else:
            result[key] = merge(result[key], value, f"{path[:80]}: `{key}`")
    return result


def _says_nothing(schema: Mapping[str, Any]) -> bool:
    return schema.keys() <= _ANNOTATIONS


def _without_examples(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in EXAMPLES}


def _properties(one: Json, other: Json, where: str) -> Json:
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise SchemaError(f"{where} is no object")
    both = {name: _both(one[name], other[name], where) for name in one if name in other}
    return {**one, **other, **both}


def _both(one: Json, other: Json, _where: str) -> Json:
    return one if one == other else {"allOf": [one, other]}


def _required(one: Json, other: Json, where: str) -> Json:
    if not isinstance(one, list) or not isinstance(other, list):
        raise SchemaError(f"{where} is no list")
    return list(dict.fromkeys([*one, *other]))


def _values(one: Json, other: Json, where: str) -> Json:
    if not isinstance(one, list) or not isinstance(other, list):
        raise SchemaError(f"{where} is no list")
    legal = {json.dumps(value, sort_keys=True) for value in other}
    both = [value for value in one if json.dumps(value, sort_keys=True) in legal]
    if not both:
        raise ConflictError(f"{where} has no value in common")
    return both


def _types(one: Json, other: Json, where: str) -> Json:
    left, right = (value if isinstance(value, list) else [value] for value in (one, other))
    both = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    both += [kind for kind in right if kind == "integer" and "number" in left and kind not in both]
    if not both:
        raise ConflictError(f"{where} has no type in common")
    return both if len(both) > 1 else both[0]


def _constant(_one: Json, _other: Json, where: str) -> Json:
    raise ConflictError(f"{where} has two values")


def _multiple(one: Json, other: Json, where: str) -> Json:
    if not all(type(value) is int and value > 0 for value in (one, other)):
        raise SchemaError(f"{where} has two values, and not both are positive integers")
    return math.lcm(one, other)


def _tighter(choose: Callable[[Json, Json], Json]) -> Callable[[Json, Json, str], Json]:
    """Make a function that chooses one of two limits; a switch of OpenAPI 3.0 is on if it is on in one schema."""

    def merge(one: Json, other: Json, where: str) -> Json:
        if isinstance(one, bool) and isinstance(other, bool):
            return one or other
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other)):
            raise SchemaError(f"{where} is no number")
        return choose(one, other)

    return merge


_MERGES: Mapping[str, Callable[[Json, Json, str], Json]] = {
    "properties": _properties,
    "items": _both,
    "required": _required,
    "enum": _values,
    "type": _types,
    "const": _constant,
    "multipleOf": _multiple,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems"), _tighter(max)),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems"), _tighter(min)),
}
