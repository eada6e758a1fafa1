"""Templates of request bodies and paths: `{{column}}` fields are replaced by the values of a payload row.

In a body, a field is replaced by the JSON of its value, so `{"id": {{id}}}` contains a number and
`{"name": {{name}}}` a quoted string. Inside a string of the template, as in `"user-{{id}}"`, it is replaced by the
escaped text of its value. In a path, it is replaced by the percent-encoded text, including `/`. Values keep the
spelling of the row: `1.0` stays `1.0`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from ghmlops.core.errors import DataError, PolicyError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, bytes | msgspec.Raw]

_FIELD = re.compile(r"\{\{([^{}]*)\}\}")
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_MAX_SUGGESTIONS = 30
"""Number of columns that are searched for the nearest name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A placeholder for a value: as JSON, as text inside a JSON string, or as part of a path."""

    name: str
    form: Literal["json", "string", "path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A parsed template: fixed text and fields, in order."""

    parts: tuple[bytes | Field, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the columns that the template requires."""
        return tuple(part.name for part in self.parts if isinstance(part, Field))


def body_template(text: str) -> Template:
    """Parse the template of a body.

    Raises:
        PolicyError: A field has no name, or a `{{` is not closed by `}}`.
    """
    return _parse(text, in_path=False)


def path_template(text: str) -> Template:
    """Parse a path, which may contain fields.

    Raises:
        PolicyError: As `body_template`.
    """
    return _parse(text, in_path=True)


def fill(template: Template, row: Row, location: str) -> bytes:
    """Return the template with its fields replaced by the values of a row.

    Args:
        template: Template of a body or a path.
        row: JSON of each value by column name.
        location: File and row number, for messages.

    Raises:
        DataError: The row lacks a column, or has a null where text is required.
    """
    return b"".join(part if isinstance(part, bytes) else _value(part, row, location) for part in template.parts)


def _parse(text: str, *, in_path: bool) -> Template:
    kind = "path" if in_path else "template"
    parts: list[bytes | Field] = []
    in_string, end = False, 0
    for match in _FIELD.finditer(text):
        name = match[1].strip()
        if not name:
            raise PolicyError(f"a {kind} contains `{match[0]}`, a field without a name", hint="write `{{column}}`")
        fixed = _fixed_text(text[end : match.start()], kind)
        in_string ^= _QUOTE.findall(fixed).count('"') % 2 == 1
        parts += [fixed.encode(), Field(name=name, form="path" if in_path else "string" if in_string else "json")]
        end = match.end()
    parts.append(_fixed_text(text[end:], kind).encode())
    return Template(parts=tuple(part for part in parts if part))


def _fixed_text(text: str, kind: str) -> str:
    if "{{" in text:
        raise PolicyError(f"a {kind} contains a `{{{{` that does not start a field", hint="write `{{column}}`")
    return text


def _value(field: Field, row: Row, location: str) -> bytes:
    if field.name not in row:
        hint = nearest(field.name, list(row)[:_MAX_SUGGESTIONS])
        raise DataError(f"{location}: no column `{field.name}` for the field `{{{{{field.name}}}}}`", hint=hint)
    value = bytes(row[field.name])
    if field.form == "json":
        return value
    text = _text(value)
    if text is None:
        context = "a path" if field.form == "path" else "a string of the template"
        raise DataError(
            f"{location}: `{field.name}` is null, and its field is part of {context}",
            hint="remove the row, or fill in the value",
        )
    return quote(text, safe="").encode() if field.form == "path" else msgspec.json.encode(text)[1:-1]


def _text(value: bytes) -> str | None:
    """Return the text of a JSON value: the characters of a string, `None` for null, otherwise the JSON itself."""
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return None if value == b"null" else value.decode()
