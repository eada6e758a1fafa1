"""Validates requests and responses with GitHub's published OpenAPI description.

The description (OpenAPI 3.0) is converted to JSON Schema in parts, when a request requires them: `nullable` becomes a
type, references become URNs that are resolved lazily, and request bodies accept no unknown fields.
"""

from __future__ import annotations

import functools
import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from referencing import Resource

VERSION = "23.0.2"
FETCH = (
    f"npm install --ignore-scripts --no-save --prefix <cache>/ghmlops/tools/octokit-openapi-{VERSION} "
    f"@octokit/openapi@{VERSION}   (scripts/test does it; <cache> is $XDG_CACHE_HOME or ~/.cache)"
)
UNDOCUMENTED = (401, 403, 404, 408, 422, 429, 500, 502, 503)
"""Statuses with which every endpoint may respond, although its entry does not list them."""
_DROPPED = ("discriminator", "example", "examples", "externalDocs", "xml", "description", "title", "deprecated")
_URN = "urn:github:"
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return (
        not value or not isinstance(value, str) or bool(urlsplit(value).scheme)
    )  # GitHub sends "" for a missing address


class Operation(NamedTuple):
    """The entry of the description for a request."""

    method: str
    template: str
    entry: dict[str, Any]
    path_values: dict[str, str]


def default_file() -> Path:
    """Return the path of the description: `GHMLOPS_OPENAPI`, or else in the cache that `scripts/test` fills."""
    path = os.environ.get("GHMLOPS_OPENAPI", "")
    if path:
        return Path(path)
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ghmlops" / "tools"
    package = folder / f"octokit-openapi-{VERSION}"
    installed = package / "node_modules" / "@octokit" / "openapi"
    root = installed if installed.is_dir() else package
    return root / "generated" / "api.github.com.json"


class Spec:
    """The description, loaded once."""

    def __init__(self, file: Path) -> None:
        self.document: dict[str, Any] = json.loads(file.read_bytes())
        self._templates: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
        for template in self.document["paths"]:
            segments = tuple(template.strip("/").split("/"))
            self._templates.setdefault(_index_key(segments), []).append((template, segments))
        self._registry: Registry[Any] = Registry(retrieve=functools.cache(self._retrieve))  # type: ignore[call-arg]
        self._validators: dict[tuple[str, str, str], Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the entry for a request, preferring literal segments to parameters; `None` for an unknown endpoint."""
        parts = tuple(path.strip("/").split("/"))
        best: Operation | None = None
        literal = -1
        candidates = {_index_key(parts), (parts[0], "")}
        for template, segments in (t for key in candidates for t in self._templates.get(key, [])):
            values = _match(segments, parts)
            entry = self.document["paths"][template].get(method.lower())
            if values is not None and entry is not None and len(segments) - len(values) > literal:
                best = Operation(method.lower(), template, entry, values)
                literal = len(segments) - len(values)
        return best

    def request_problems(self, operation: Operation, query: dict[str, str], body: object) -> list[str]:
        """Return the problems of a request; empty if it is valid.

        `body` is the parsed JSON, or `None` without a body.
        """
        parameters = {p["name"]: p for p in map(self._resolve, operation.entry.get("parameters", []))}
        problems = [
            f"query parameter `{name}` is not known" for name in query if parameters.get(name, {}).get("in") != "query"
        ]
        for name, value in {**query, **operation.path_values}.items():
            if name in parameters:
                schema = _convert(parameters[name].get("schema", {}))
                problems += self._problems(schema, _typed(value, schema), f"parameter `{name}`")
        return problems + self._body_problems(operation, body)

    def _body_problems(self, operation: Operation, body: object) -> list[str]:
        declared = operation.entry.get("requestBody")
        if declared is None:
            return [] if body in (None, {}) else ["a body, but none is described"]
        if body is None:
            return ["the body is missing"] if declared.get("required") else []
        schema = _closed(_convert(declared["content"]["application/json"]["schema"]))
        return self._problems(schema, body, "body", (operation.method, operation.template, "body"))

    def response_problems(self, operation: Operation, status: int, body: object) -> list[str]:
        """Return the problems of a response; empty if it is valid."""
        description = operation.entry["responses"].get(str(status))
        if description is None:
            if status not in UNDOCUMENTED:
                return [f"status {status} is not described"]
            return self._problems({"$ref": _URN + "basic-error"}, body, f"response {status}")
        content = self._resolve(description).get("content", {})
        if "application/json" not in content:
            return [] if body is None else [f"response {status} has a body, but none is described"]
        schema = _convert(content["application/json"].get("schema", {}))
        return self._problems(schema, body, f"response {status}", (operation.method, operation.template, str(status)))

    def _problems(
        self, schema: dict[str, Any], value: object, location: str, key: tuple[str, str, str] | None = None
    ) -> list[str]:
        validator = self._validators.get(key) if key else None
        if validator is None:
            validator = Draft202012Validator(schema, registry=self._registry, format_checker=_FORMATS)
            if key:
                self._validators[key] = validator
        error = best_match(validator.iter_errors(value))
        return [f"{location}{error.json_path[1:]}: {error.message[:300]}"] if error else []

    def _retrieve(self, uri: str) -> Resource[Any]:
        schema = self.document["components"]["schemas"][uri.removeprefix(_URN)]
        return DRAFT202012.create_resource(_convert(schema))

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node


def _index_key(segments: tuple[str, ...]) -> tuple[str, str]:
    """Return the first segment and, of addresses below a repository, the fourth one."""
    fourth = segments[3] if len(segments) > 3 else ""
    return segments[0], "" if fourth.startswith("{") else fourth


def _match(segments: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    if len(segments) != len(parts):
        # A branch, reference or path may contain slashes: the last parameter matches the rest.
        if len(parts) < len(segments) or segments[-1] not in ("{ref}", "{branch}", "{path}"):
            return None
        parts = (*parts[: len(segments) - 1], "/".join(parts[len(segments) - 1 :]))
    values = {}
    for segment, part in zip(segments, parts, strict=True):
        if segment.startswith("{") and segment.endswith("}"):
            values[segment[1:-1]] = unquote(part)
        elif segment != part:
            return None
    return values


def _typed(value: str, schema: dict[str, Any]) -> object:
    types = schema.get("type", "string")
    if "integer" in types and value.lstrip("-").isdigit():
        return int(value)
    if "boolean" in types and value in ("true", "false"):
        return value == "true"
    return value


def _convert(node: Any) -> Any:
    """Convert an OpenAPI 3.0 schema to JSON Schema 2020-12."""
    if isinstance(node, list):
        return [_convert(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return {"$ref": _URN + node["$ref"].rsplit("/", 1)[1]}
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            result[key] = {name: _convert(schema) for name, schema in value.items()}
        elif key in ("enum", "default", "required"):
            result[key] = value
        elif key not in (*_DROPPED, "nullable") and not key.startswith("x-"):
            result[key] = _convert(value)
    return _or_null(result) if node.get("nullable") is True else result


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema and not {"allOf", "anyOf", "oneOf"} & set(schema):
        wider = {**schema, "type": [schema["type"], "null"]}
        return {**wider, "enum": [*schema["enum"], None]} if "enum" in schema else wider
    return {"anyOf": [{"type": "null"}, schema]}


def _closed(node: Any, *, inside: bool = False) -> Any:
    """Reject unknown properties of every object that lists its properties and does not allow others."""
    if not isinstance(node, dict):
        return node
    result = dict(node)
    lists = "properties" in node
    for key in ("allOf", "anyOf", "oneOf"):
        if key in node:
            result[key] = [_closed(branch, inside=lists or inside) for branch in node[key]]
    if lists:
        result["properties"] = {name: _closed(schema) for name, schema in node["properties"].items()}
        if "additionalProperties" not in node and not inside:
            result["unevaluatedProperties"] = False
    if "items" in node:
        result["items"] = _closed(node["items"])
    return result
