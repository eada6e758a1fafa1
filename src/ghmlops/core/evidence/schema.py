"""JSON Schemas of the evidence and verdict files, generated from the types; `schemas/*.json` are the shipped copies."""

from __future__ import annotations

from typing import Any

import msgspec

from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, VERDICT_SCHEMA, Evidence, Verdict

SCHEMAS: dict[str, tuple[type, str]] = {
    "evidence-v1.json": (Evidence, EVIDENCE_SCHEMA),
    "verdict-v1.json": (Verdict, VERDICT_SCHEMA),
}


def json_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one of `SCHEMAS`.

    Raises:
        KeyError: There is no schema of that name.
    """
    kind, tag = SCHEMAS[name]
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    root = components[kind.__name__]
    rest = {title: body for title, body in components.items() if title != kind.__name__}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "title": tag, "$defs": rest}
