"""Tables of the policy and of evidence, for the reference pages: from their types and JSON Schemas."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import typing
from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.adoption.explanations import heading_anchor
from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.core.evidence.schema import json_schema
from ghmlops.core.policy.document import Policy
from ghmlops.core.policy.section import Section
from ghmlops.core.policyfile import schema as notations
from ghmlops.core.policyfile.schema import policy_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Return the lines of a Markdown table."""
    cells = [columns, tuple("---" for _ in columns), *rows]
    return ["", *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells), ""]


def one_line(text: str) -> str:
    """Return text for a cell of a table; outside of code, `<` is no markup."""
    parts = " ".join(text.split()).split("`")
    return "`".join(part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(parts))


_NOTATIONS = {
    json.dumps(body, sort_keys=True): text
    for text, body in (
        ("text", notations.TEXT),
        ("duration", notations.DURATION),
        ("rate", notations.RATE),
        ("ratio", notations.RATIO),
        ("number", notations.NUMBER),
        ("whole number", notations.COUNT),
        ("size", notations.SIZE),
        ("`true`, `false`", notations.BOOLEAN),
    )
}
"""What a value looks like, by its JSON Schema."""
_EVIDENCE_TYPES: dict[str, type[msgspec.Struct]] = {"evidence-v1.json": Evidence, "verdict-v1.json": Verdict}
_KEYS = {"changed": "changed-rows"}
"""Fields whose key has another name."""


def policy_page() -> str:
    """Return the page with every key of the policy."""
    schema = policy_schema()
    types = _section_types(Policy)
    lines = [
        "# Policy",
        "",
        "Generated from the JSON Schema of the policy and from the types of its sections. The file is",
        "`.github/ghmlops.yml`; an unknown key is an error. Where a list is possible, a single value is a list of one.",
    ]
    top = schema["properties"]
    lines += ["", "## The file", *_keys(top, schema.get("required", []), Policy)]
    for name, body in top.items():
        lines += _policy_section(name, body, types)
    return "\n".join(lines)


def _policy_section(path: str, body: dict[str, Any], types: dict[str, type[Section]]) -> list[str]:
    """Return the heading and the keys of a section, then those of the sections in it."""
    lines: list[str] = []
    for suffix, section in _objects(body):
        properties = section["properties"]
        kind = types.get(path)
        lines += ["", f"## {path}{suffix}", "", _doc(kind), *_keys(properties, section.get("required", []), kind)]
        for name, value in properties.items():
            lines += _policy_section(f"{path}.{name}", value, types)
    return lines


def _objects(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the sections that a value may be, with what is added to its path."""
    if "properties" in body:
        yield "", body
    elif isinstance(body.get("additionalProperties"), dict):
        yield from ((f".NAME{suffix}", section) for suffix, section in _objects(body["additionalProperties"]))
    elif "items" in body:
        yield from ((f"[]{suffix}", section) for suffix, section in _objects(body["items"]))
    else:
        seen: list[dict[str, Any]] = []
        for option in body.get("anyOf", []):
            for suffix, section in _objects(option):
                if section not in seen:
                    seen.append(section)
                    yield suffix, section


def _section_types(kind: type[Section], path: str = "") -> dict[str, type[Section]]:
    """Return the type of every section by its path in the file."""
    types: dict[str, type[Section]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        for inner in _inner_types(hint):
            key = f"{path}.{_KEYS.get(name, name).replace('_', '-')}".lstrip(".")
            types[key] = inner
            types |= {k: v for k, v in _section_types(inner, key).items() if k not in types}
    return types


def _inner_types(hint: object) -> Iterator[type[Section]]:
    if isinstance(hint, type) and issubclass(hint, Section):
        yield hint
    for part in typing.get_args(hint):
        yield from _inner_types(part)


def _doc(kind: type | None) -> str:
    return one_line(inspect.getdoc(kind) or "") if kind else ""


def _keys(properties: dict[str, Any], required: list[str], kind: type[Section] | None) -> list[str]:
    docs = _field_docs(kind) if kind else {}
    fields = {f.name: f for f in msgspec.structs.fields(kind)} if kind else {}
    fields_of = {_KEYS.get(name, name).replace("_", "-"): field for name, field in fields.items()}
    rows = []
    for name, body in properties.items():
        field = fields_of.get(name)
        default = "**required**" if name in required else _default(field)
        value = _values(body)
        if field and value == "duration" and isinstance(field.default, int | float) and default:
            default = _duration(field.default)
        doc = docs.get(field.name if field else name, "")
        if not doc and value == "section" and kind:
            doc = next((_doc(inner) for inner in _inner_types(typing.get_type_hints(kind).get(name, None))), "")
        rows.append((f"`{name}`", value, default, one_line(doc)))
    return table(("key", "value", "default", "what it is"), rows)


def _duration(seconds: float) -> str:
    """Return a duration as the policy writes it."""
    units = ((86400, "d"), (3600, "h"), (60, "m"))
    size, unit = next(((size, unit) for size, unit in units if seconds and seconds % size == 0), (1, "s"))
    return f"`{seconds / size:g}{unit}`"


def _default(field: object) -> str:
    value = getattr(field, "default", msgspec.NODEFAULT)
    if value is msgspec.NODEFAULT or value in (None, "", ()) or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _values(body: dict[str, Any]) -> str:  # noqa: PLR0911  (one return per kind of schema)
    """Return what a value looks like, in one or two words."""
    if text := _NOTATIONS.get(json.dumps(body, sort_keys=True)):
        return text
    if "enum" in body:
        words = [str(value).lower() if isinstance(value, bool) else value for value in body["enum"]]
        return ", ".join(dict.fromkeys(f"`{word}`" for word in words))
    if "properties" in body:
        return "section"
    if "additionalProperties" in body:
        return "table"
    if "items" in body:
        return "list"
    if "anyOf" in body:
        kinds = dict.fromkeys(_values(option) for option in body["anyOf"])
        kinds.pop("", None)
        return " or ".join(kinds)
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}.get(
        body.get("type") if isinstance(body.get("type"), str) else "", ""
    )


def _field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return the docstring below each field of a class and of its bases."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, msgspec.Struct) or not base.__module__.startswith("ghmlops."):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        if not isinstance(definition, ast.ClassDef):
            raise TypeError(f"{base} is no class")
        for field, doc in zip(definition.body, definition.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(doc, ast.Expr):
                docs[field.target.id] = str(ast.literal_eval(doc.value))
    return docs


def evidence_page() -> str:
    """Return the page with every field of evidence and verdict."""
    lines = [
        "# Evidence and verdict",
        "",
        "Generated from the JSON Schemas that the package ships (`ghmlops/schemas`). Numbers are finite or `null`.",
    ]
    for name in ("evidence-v1.json", "verdict-v1.json"):
        schema = json_schema(name)
        file = "verdict.json" if name.startswith("verdict") else "COMMAND[-LEG].json"
        root = _EVIDENCE_TYPES[name]
        kinds = {kind.__name__: kind for kind in _struct_types(root)}
        lines += ["", f"## {file}", "", one_line(schema.get("description", "")), *_fields(schema, root)]
        for kind, body in schema["$defs"].items():
            if name.startswith("verdict") and kind in json_schema("evidence-v1.json")["$defs"]:
                continue
            lines += ["", f"### {kind}", "", one_line(body.get("description", ""))]
            if "enum" in body:
                lines += ["", ", ".join(f"`{value}`" for value in body["enum"]), ""]
            lines += _fields(body, kinds.get(kind)) if body.get("properties") else []
    return "\n".join(lines)


def _struct_types(kind: type[msgspec.Struct]) -> set[type[msgspec.Struct]]:
    """Return the types that a file of evidence consists of."""
    kinds: set[type[msgspec.Struct]] = {kind}
    pending: list[Any] = list(typing.get_type_hints(kind).values())
    while pending:
        hint = pending.pop()
        pending += typing.get_args(hint)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint not in kinds:
            kinds.add(hint)
            pending += typing.get_type_hints(hint).values()
    return kinds


def _fields(body: dict[str, Any], kind: type[msgspec.Struct] | None) -> list[str]:
    docs = _field_docs(kind) if kind else {}
    rows = [
        (f"`{field}`", _type(value), "yes" if field in body.get("required", []) else "", one_line(docs.get(field, "")))
        for field, value in body["properties"].items()
    ]
    return table(("field", "type", "required", "what it is"), rows)


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        kind = value["$ref"].rpartition("/")[2]
        return f"[{kind}](#{heading_anchor(kind)})"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_type(option) for option in value["anyOf"]))
    if "enum" in value:
        return ", ".join(f"`{option}`" for option in value["enum"])
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}" if isinstance(value.get("items"), dict) else "list"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"table of {_type(inner)}" if isinstance(inner, dict) else "object"
    return str(value.get("type", "any"))
