"""The JSON Schema of the section `synthetic`, where its notation differs from its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.policy.before_traffic.synthetic import BUILT_IN, TRENDS, VALUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]
WITHOUT = (
    *("payloads", "off", "batch", "connections", "absent", "invariant", "monotone", "rescaled", "ranges"),
    *("assertions", "tolerance"),
)
"""Fields of the type that the file writes in another way."""
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}


def with_relations(section: Schema, notations: Mapping[str, Schema]) -> Schema:
    """Return the schema of the section.

    Args:
        section: schema of the fields that are written as they are.
        notations: the notations `text`, `count`, `number` and `duration`.
    """
    text, count, number = (notations[name] for name in ("text", "count", "number"))
    texts = {"anyOf": [text, {"type": "array", "items": text}]}
    counts = {"anyOf": [count, {"type": "array", "items": count}]}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    rescale = _object({"factor": number, "rename": text, "set": _table(_SCALAR)}, "factor")
    batch = _object({"sizes": counts, "path": text, "instances": {"type": "string"}})
    plain = {"anyOf": [_object({}), {"enum": ["off", False]}]}
    relations: Schema = dict.fromkeys(BUILT_IN, plain) | {
        "batch": {"anyOf": [batch, {"enum": ["off", False]}]},
        "under-load": {"anyOf": [_object({"connections": count}), {"enum": ["off", False]}]},
        "absent": _object({"fields": _table(_SCALAR)}, "fields"),
        "invariant": _object({"fields": texts}, "fields"),
        "monotone": _object({"fields": _table({"enum": list(TRENDS)})}, "fields"),
        "rescaled": _object({"fields": _table(rescale)}, "fields"),
    }
    kinds: Schema = {"enum": list(VALUE_TYPES)}
    assertion = _object({"range": pair, "sum": number, "type": kinds, "latency": notations["duration"]})
    properties = section["properties"] | {
        "from": text,
        "relations": _object(relations),
        "ranges": _table(pair),
        "assert": _table(assertion),
        "tolerance": {"anyOf": [{"const": "auto"}, number]},
    }
    return {**section, "properties": properties}


def _object(properties: Schema, *required: str) -> Schema:
    body: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return body | ({"required": list(required)} if required else {})


def _table(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}
