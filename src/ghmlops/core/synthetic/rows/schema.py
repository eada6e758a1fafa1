"""Rows from a JSON Schema, or from the request body of an OpenAPI description.

The rows take the place of a payload file: they are profiled and varied like recorded ones. They are legal by the schema
and otherwise arbitrary, so that what a schema does not state, such as the range of a number without limits, is a guess.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ghmlops.core.synthetic.rows.fields import as_float
from ghmlops.core.synthetic.rows.scalars import SchemaError, count, number, text
from ghmlops.core.synthetic.rows.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.core.synthetic.rows.fields import Json

ROWS = 200
"""Rows that are generated from a schema: enough for ranges, categories and the rate of nulls."""
MAX_WORK = 700_000
"""Values of all rows together, parts of their schemas included: references can multiply them on every level."""
_CHARACTERS = 4
"""Characters of a text that are as much work as a value."""
_STREAM = 4
"""Key of the random stream of the rows."""
_MAX_DEPTH = 20
_MAX_LIST = 10_000
"""Elements of a list; a vector of features is shorter."""


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
    maker = _Maker(document, Stream(seed, _STREAM))
    return [maker.value(schema, "$", 0) for _ in range(ROWS)]


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


class _Maker:
    """Makes values that a schema allows.

    Args:
        document: the document to which references are relative.
        stream: random numbers.
    """

    def __init__(self, document: Mapping[str, Any], stream: Stream) -> None:
        self._document, self._stream, self._work = document, stream, 0

    def value(self, node: object, path: str, depth: int) -> Json:
        """Return a value.

        Raises:
            SchemaError: The schema uses something that is not supported, or too much of it.
        """
        self._spend(1)
        if depth > _MAX_DEPTH:
            raise SchemaError(f"{path[:80]}: nested deeper than {_MAX_DEPTH} levels")
        schema = self._merged(_resolved(self._document, node))
        for name in ("anyOf", "oneOf"):
            choices = schema.get(name)
            if isinstance(choices, list) and choices:
                return self.value(self._stream.choice(choices), path, depth + 1)
        if schema.get("nullable") is True and self._stream.below(10) == 0:
            return None
        values = _named_values(schema)
        if values:
            return self._checked(self._stream.choice(values), path)
        kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
        kind = self._stream.choice(kinds) if isinstance(kinds, list) and kinds else kinds
        if kind == "object":
            return self._object(schema, path, depth)
        return self._list(schema, path, depth) if kind == "array" else self._scalar(schema, kind, path)

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > MAX_WORK:
            raise SchemaError(f"{ROWS} rows have more than {MAX_WORK:,} values")

    def _checked(self, value: Json, path: str) -> Json:
        """Return a value that the schema itself names, if every client can read its numbers."""
        for inner in _leaves(value):
            self._spend(1)
            if isinstance(inner, int | float) and not math.isfinite(as_float(inner)):
                raise SchemaError(f"{path[:80]}: it names a number that is not finite")
        return value

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema whose `allOf` is merged into it."""
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        self._spend(len(parts))
        result: dict[str, Any] = {}
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (*(_resolved(self._document, one) for one in parts), rest):
            properties = {**result.get("properties", {}), **part.get("properties", {})}
            required = [*result.get("required", []), *part.get("required", [])]
            result |= part
            result |= ({"properties": properties} if properties else {}) | ({"required": required} if required else {})
        return result

    def _object(self, schema: Mapping[str, Any], path: str, depth: int) -> Json:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise SchemaError(f"{path[:80]}: `properties` is no object, or `required` no list")
        self._spend(len(properties))
        return {
            name: self.value(inner, f"{path}.{name}", depth + 1)
            for name, inner in properties.items()
            if name in required or self._stream.below(4)
        }

    def _list(self, schema: Mapping[str, Any], path: str, depth: int) -> Json:
        fixed = schema.get("prefixItems")
        if isinstance(fixed, list):
            return [self.value(one, f"{path}[]", depth + 1) for one in fixed]
        least = count(schema, "minItems", 1)
        # A batch has one row here; the relations about batches join several.
        length = least if least > 1 or "items" not in schema else 1
        length = min(length, count(schema, "maxItems", length))
        if length > _MAX_LIST:
            raise SchemaError(f"{path[:80]}: a list of more than {_MAX_LIST:,} elements")
        return [self.value(schema.get("items", {}), f"{path}[]", depth + 1) for _ in range(length)]

    def _scalar(self, schema: Mapping[str, Any], kind: object, path: str) -> Json:
        if kind in ("integer", "number"):
            return number(schema, self._stream, path, whole=kind == "integer")
        if kind == "boolean":
            return self._stream.below(2) == 1
        if kind == "null":
            return None
        if kind == "string":
            result = text(schema, self._stream, path)
            self._spend(len(result) // _CHARACTERS)
            return result
        raise SchemaError(f"{path[:80]}: a value without a type that is known ({str(kind)[:40]})")


def _named_values(schema: Mapping[str, Any]) -> list[Json]:
    """Return the values that the schema itself names; empty if it names none."""
    for name in ("const", "example"):
        if name in schema:
            return [schema[name]]
    lists = (schema.get(name) for name in ("enum", "examples"))
    return next((values for values in lists if isinstance(values, list) and values), [])


def _leaves(value: Json) -> Iterator[Json]:
    stack = [value]
    while stack:
        node = stack.pop()
        yield node
        stack += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
