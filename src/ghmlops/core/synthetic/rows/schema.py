"""Rows from a JSON Schema, or from the request body of an OpenAPI description.

The rows take the place of a payload file: they are profiled and varied like recorded ones. They are legal by the schema
and otherwise arbitrary, so that what a schema does not state, such as the range of a number without limits, is a guess.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ghmlops.core.synthetic.rows import alphabet
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ghmlops.core.synthetic.rows.fields import Json

ROWS = 200
"""Rows that are generated from a schema: enough for ranges, categories and the rate of nulls."""
_STREAM = 4
"""Key of the random stream of the rows."""
_MAX_DEPTH = 20
_MAX_TEXT = 40
"""Characters of a text beyond the least that the schema demands."""
_MAX_LIST = 10_000
"""Elements of a list; a vector of features is shorter."""
_LOW, _HIGH = 0.0, 100.0
"""Range of a number without limits."""


class SchemaError(ValueError):
    """A schema from which no rows can be generated; the message says where and why."""


def is_schema(document: Json) -> bool:
    """Return whether a JSON value is a JSON Schema or an OpenAPI description, and no payload."""
    return isinstance(document, dict) and (
        "openapi" in document
        or "$schema" in document
        or ("properties" in document and document.get("type") == "object")
    )


def body_schema(document: Mapping[str, Any], method: str, path: str) -> Mapping[str, Any]:
    """Return the schema of the JSON body of an endpoint; a JSON Schema is that of the body of every endpoint.

    Raises:
        SchemaError: The description has no such endpoint, or the endpoint no JSON body.
    """
    if "openapi" not in document:
        return document
    paths = document.get("paths")
    for template, operations in paths.items() if isinstance(paths, dict) else ():
        pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
        if not re.fullmatch(pattern, path) or not isinstance(operations, dict):
            continue
        operation = _resolved(document, operations.get(method.lower()))
        content = _resolved(document, operation.get("requestBody")).get("content")
        for media_type, media in content.items() if isinstance(content, dict) else ():
            if "json" in media_type and isinstance(media, dict):
                return _resolved(document, media.get("schema"))
    raise SchemaError(f"the description has no JSON body of {method} {path}")


def rows_of(document: Mapping[str, Any], schema: Mapping[str, Any], seed: int) -> list[Json]:
    """Return rows that a schema allows; the same for the same seed.

    Args:
        document: the document to which references are relative.
        schema: schema of one row.
        seed: seed of the run.

    Raises:
        SchemaError: The schema uses something that is not supported.
    """
    stream = Stream(seed, _STREAM)
    return [_value(document, schema, stream, "$", 0) for _ in range(ROWS)]


def _resolved(document: Mapping[str, Any], node: object) -> dict[str, Any]:
    """Return an object, with a reference within the document replaced by its target."""
    for _ in range(_MAX_DEPTH):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if reference is None:
            return node
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise SchemaError(f"the reference {str(reference)[:80]!r} leads to another document")
        node = document
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, dict) else None
    raise SchemaError("references lead in a circle")


def _value(document: Mapping[str, Any], node: object, stream: Stream, path: str, depth: int) -> Json:
    if depth > _MAX_DEPTH:
        raise SchemaError(f"{path[:80]}: nested deeper than {_MAX_DEPTH} levels")
    schema = _merged(document, _resolved(document, node))
    for name in ("anyOf", "oneOf"):
        choices = schema.get(name)
        if isinstance(choices, list) and choices:
            return _value(document, stream.choice(choices), stream, path, depth + 1)
    if schema.get("nullable") is True and stream.below(10) == 0:
        return None
    values = _named_values(schema)
    if values:
        return stream.choice(values)
    kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
    kind = stream.choice(kinds) if isinstance(kinds, list) and kinds else kinds
    if kind in _NESTED:
        return _NESTED[kind](document, schema, stream, path, depth)
    return _scalar(schema, kind, stream, path)


def _named_values(schema: Mapping[str, Any]) -> list[Json]:
    """Return the values that the schema itself names; empty if it names none."""
    for name in ("const", "example"):
        if name in schema:
            return [schema[name]]
    lists = (schema.get(name) for name in ("enum", "examples"))
    return next((values for values in lists if isinstance(values, list) and values), [])


def _merged(document: Mapping[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose `allOf` is merged into it."""
    parts = schema.get("allOf")
    if not isinstance(parts, list):
        return schema
    result: dict[str, Any] = {}
    for part in (*(_resolved(document, one) for one in parts), {k: v for k, v in schema.items() if k != "allOf"}):
        properties = {**result.get("properties", {}), **part.get("properties", {})}
        required = [*result.get("required", []), *part.get("required", [])]
        result |= part
        result |= ({"properties": properties} if properties else {}) | ({"required": required} if required else {})
    return result


def _object(document: Mapping[str, Any], schema: Mapping[str, Any], stream: Stream, path: str, depth: int) -> Json:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise SchemaError(f"{path[:80]}: `properties` is no object, or `required` no list")
    return {
        name: _value(document, inner, stream, f"{path}.{name}", depth + 1)
        for name, inner in properties.items()
        if name in required or stream.below(4)
    }


def _list(document: Mapping[str, Any], schema: Mapping[str, Any], stream: Stream, path: str, depth: int) -> Json:
    fixed = schema.get("prefixItems")
    if isinstance(fixed, list):
        return [_value(document, one, stream, f"{path}[]", depth + 1) for one in fixed]
    least = _count(schema, "minItems", 1)
    # A batch has one row here; the relations about batches join several.
    length = least if least > 1 or "items" not in schema else 1
    length = min(length, _count(schema, "maxItems", length))
    if length > _MAX_LIST:
        raise SchemaError(f"{path[:80]}: a list of at least {length:,} elements")
    return [_value(document, schema.get("items", {}), stream, f"{path}[]", depth + 1) for _ in range(length)]


_NESTED: Mapping[object, Callable[[Mapping[str, Any], Mapping[str, Any], Stream, str, int], Json]] = {
    "object": _object,
    "array": _list,
}


def _count(schema: Mapping[str, Any], name: str, usual: int) -> int:
    value = schema.get(name, usual)
    return value if isinstance(value, int) and value >= 0 else usual


def _scalar(schema: Mapping[str, Any], kind: object, stream: Stream, path: str) -> Json:
    if kind in ("integer", "number"):
        return _number(schema, stream, path, whole=kind == "integer")
    if kind == "boolean":
        return stream.below(2) == 1
    if kind == "null":
        return None
    if kind == "string":
        return _text(schema, stream, path)
    raise SchemaError(f"{path[:80]}: a value without a type that is known ({str(kind)[:40]})")


def _number(schema: Mapping[str, Any], stream: Stream, path: str, *, whole: bool) -> Json:
    def limit(name: str, exclusive: str, sign: int) -> float | None:
        value, strict = schema.get(name), schema.get(exclusive)
        step = 1.0 if whole else 1e-6
        if strict is True and isinstance(value, int | float):  # OpenAPI 3.0
            return value + sign * step
        if isinstance(strict, int | float) and not isinstance(strict, bool):
            return strict + sign * step
        return float(value) if isinstance(value, int | float) else None

    low, high = limit("minimum", "exclusiveMinimum", 1), limit("maximum", "exclusiveMaximum", -1)
    low = (_LOW if high is None else high - (_HIGH - _LOW)) if low is None else low
    high = low + (_HIGH - _LOW) if high is None else high
    if high < low:
        raise SchemaError(f"{path[:80]}: no number is at least {low:g} and at most {high:g}")
    if whole:
        return int(low) + stream.below(int(high) - int(low) + 1)
    return round(low + stream.unit() * (high - low), 6)


def _text(schema: Mapping[str, Any], stream: Stream, path: str) -> str:
    form = schema.get("format")
    day = f"2024-{1 + stream.below(12):02}-{1 + stream.below(28):02}"
    if form == "date-time":
        return f"{day}T{stream.below(24):02}:{stream.below(60):02}:00Z"
    if form == "date":
        return day
    if form == "uuid":
        return alphabet.like("00000000-0000-4000-8000-000000000000", stream)
    if form == "email":
        return f"{alphabet.word(stream, 8)}@example.invalid"
    if "pattern" in schema:
        raise SchemaError(
            f"{path[:80]}: texts of a `pattern` are not generated; give the field `examples` or an `enum`"
        )
    least = _count(schema, "minLength", 1)
    most = _count(schema, "maxLength", least + _MAX_TEXT)
    return alphabet.word(stream, least + stream.below(max(1, min(most, least + _MAX_TEXT) - least + 1)))
