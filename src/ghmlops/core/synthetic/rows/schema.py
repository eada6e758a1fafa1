"""Rows from a JSON Schema, or from the request body of an OpenAPI description.

The rows take the place of a payload file: they are profiled and varied like recorded ones. They are legal by the schema
and otherwise arbitrary, so that what a schema does not state, such as the range of a number without limits, is a guess.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from ghmlops.core.synthetic.rows.fields import as_float
from ghmlops.core.synthetic.rows.merge import ConflictError, merged
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
_COMBINING = ("$ref", "allOf", "anyOf", "oneOf")
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
    templates = paths if isinstance(paths, dict) else {}
    for template in sorted(templates, key=_variables):
        operations = templates[template]
        pattern = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in template.split("/"))
        if not re.fullmatch(pattern, path) or not isinstance(operations, dict):
            continue
        operation = _resolved(document, operations.get(method.lower()))
        content = _resolved(document, operation.get("requestBody")).get("content")
        for media_type, media in content.items() if isinstance(content, dict) else ():
            if "json" in media_type and isinstance(media, dict):
                return _resolved(document, media.get("schema"))
    raise SchemaError(f"the description has no JSON body of {method} {path}")


def _variables(template: str) -> list[bool]:
    """Return which segments of a path are variable: of two paths that match, the one with the literal is meant."""
    return [part.startswith("{") for part in template.split("/")]


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
    return [maker.value(schema, "$", 0, frozenset()) for _ in range(ROWS)]


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
        node = _target(document, reference)
    raise SchemaError("references lead in a circle")


def _target(document: Mapping[str, Any], reference: str) -> object:
    node: object = document
    for step in reference[1:].split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        node = node.get(key) if isinstance(node, dict) else None
    return node


class _Maker:
    """Makes values that a schema allows.

    Args:
        document: the document to which references are relative.
        stream: random numbers.
    """

    def __init__(self, document: Mapping[str, Any], stream: Stream) -> None:
        self._document, self._stream, self._work = document, stream, 0

    def value(self, node: object, path: str, depth: int, refs: frozenset[str]) -> Json:
        """Return a value.

        Args:
            node: its schema.
            path: where it is.
            depth: objects and lists around it.
            refs: references that led here; a schema that refers to one of them is recursive.

        Raises:
            SchemaError: The schema uses something that is not supported, or too much of it.
        """
        if depth > _MAX_DEPTH:
            raise SchemaError(f"{path[:80]}: nested deeper than {_MAX_DEPTH} levels")
        schema, refs = self._flat(node, path, refs, 0)
        kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
        if kinds == "null" or (schema.get("nullable") is True and self._stream.below(10) == 0):
            return None
        values = _named_values(schema)
        if values:
            return self._checked(self._stream.choice(values), path)
        kind = self._stream.choice(kinds) if isinstance(kinds, list) and kinds else kinds
        if kind == "object":
            return self._object(schema, path, depth, refs)
        return self._list(schema, path, depth, refs) if kind == "array" else self._scalar(schema, kind, path)

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

    def _flat(self, node: object, path: str, refs: frozenset[str], depth: int) -> tuple[dict[str, Any], frozenset[str]]:
        """Return a schema without references, `allOf`, `anyOf` and `oneOf`, and the references that led to it."""
        self._spend(1)
        if depth > _MAX_DEPTH:
            raise SchemaError(f"{path[:80]}: references lead in a circle")
        if not isinstance(node, dict):
            return {}, refs
        parts = node.get("allOf")
        inner = list(parts) if isinstance(parts, list) else []
        reference = node.get("$ref")
        if reference is not None:
            if not isinstance(reference, str) or not reference.startswith("#"):
                raise SchemaError(f"the reference {str(reference)[:80]!r} leads to another document")
            inner.insert(0, _target(self._document, reference))
            refs |= {reference}
        result: dict[str, Any] = {}
        nullable = []
        for one in inner:
            part, refs = self._flat(one, path, refs, depth + 1)
            nullable += [part.get("nullable") is True] if "type" in part else []
            result = merged(result, part, path)
            self._spend(_size(part))
        result["nullable"] = bool(nullable) and all(nullable) and "type" not in node
        result = merged(result, {key: value for key, value in node.items() if key not in _COMBINING}, path)
        for name in ("anyOf", "oneOf"):
            choices = node.get(name)
            if isinstance(choices, list) and choices:
                result, refs = self._choose(choices, result, (path, refs, depth), exclusive=name == "oneOf")
        return result, refs

    def _choose(
        self, choices: list[Json], rest: dict[str, Any], place: tuple[str, frozenset[str], int], *, exclusive: bool
    ) -> tuple[dict[str, Any], frozenset[str]]:
        """Return what one of several schemas allows together with what stands beside them.

        One that does not lead back to where it came from is preferred, so that recursion ends.
        """
        path, refs, depth = place
        self._spend(len(choices) + _size(rest))
        first = self._stream.below(len(choices))
        order = sorted((*choices[first:], *choices[:first]), key=lambda choice: _recurs(choice, refs))
        conflict = None
        for choice in order:
            try:
                part, more = self._flat(choice, path, refs, depth + 1)
                result = merged(rest, part, path)
            except ConflictError as error:
                conflict = conflict or error
                continue
            result["nullable"] = rest.get("nullable") is True or part.get("nullable") is True
            return self._only(result, choices) if exclusive else result, more
        raise conflict or SchemaError(f"{path[:80]}: there is nothing to choose")

    def _only(self, schema: dict[str, Any], choices: list[Json]) -> dict[str, Any]:
        """Return a schema without the optional properties that would make another choice of `oneOf` hold, too."""
        others = [_resolved(self._document, choice).get("required") for choice in choices]
        names = {name for required in others if isinstance(required, list) for name in required}
        needed, properties = schema.get("required", []), schema.get("properties")
        if not isinstance(properties, dict) or not isinstance(needed, list):
            return schema
        names -= set(needed)
        return {**schema, "properties": {name: inner for name, inner in properties.items() if name not in names}}

    def _object(self, schema: Mapping[str, Any], path: str, depth: int, refs: frozenset[str]) -> Json:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise SchemaError(f"{path[:80]}: `properties` is no object, or `required` no list")
        self._spend(len(properties) // 8)  # Properties that are left out are little work.
        needed = set(required)
        return {
            name: self.value(inner, f"{path}.{name}", depth + 1, refs)
            for name, inner in properties.items()
            if name in needed or (self._stream.below(4) and not _recurs(inner, refs))
        }

    def _list(self, schema: Mapping[str, Any], path: str, depth: int, refs: frozenset[str]) -> Json:
        fixed, items = schema.get("prefixItems"), schema.get("items")
        if isinstance(fixed, list):
            return [self.value(one, f"{path}[]", depth + 1, refs) for one in fixed]
        least = count(schema, "minItems", 0)
        most = count(schema, "maxItems", max(least, 1))
        if least > most:
            raise SchemaError(f"{path[:80]}: no list has at least {least:,} and at most {most:,} elements")
        if least > _MAX_LIST:
            raise SchemaError(f"{path[:80]}: a list of more than {_MAX_LIST:,} elements")
        # A batch has one row here; the relations about batches join several.
        length = least if items is None or _recurs(items, refs) else min(max(least, 1), most)
        return [self.value(items, f"{path}[]", depth + 1, refs) for _ in range(length)]

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


def _recurs(node: Json, refs: frozenset[str]) -> bool:
    """Return whether a schema refers to one that led to it."""
    if not isinstance(node, dict):
        return False
    reference = node.get("$ref")
    if isinstance(reference, str) and reference in refs:
        return True
    parts = node.get("allOf")
    return isinstance(parts, list) and any(_recurs(part, refs) for part in parts)


def _size(schema: Mapping[str, Any]) -> int:
    """Return the work of merging a schema."""
    return sum(len(value) for value in schema.values() if isinstance(value, dict | list))


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
