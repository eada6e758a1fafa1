"""Templates: `{{column}}` fields of bodies and paths, filled with the values of a payload row. Pure.

In a body a field becomes the JSON of its value, so `{"id": {{id}}}` holds a number and `{"name": {{name}}}` a string
with its quotes; inside a string of the template, `"user-{{id}}"`, it becomes the text of its value, escaped. In a path
it becomes the text, percent-encoded, `/` too. Values stay as the row spells them: `1.0` stays `1.0`.
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
_KNOWN = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """The place of a value: as JSON, as text inside a JSON string, or as part of a path."""

    name: str
    form: Literal["json", "string", "path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Fixed text and fields, in order."""

    parts: tuple[bytes | Field, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the columns that it needs."""
        return tuple(part.name for part in self.parts if isinstance(part, Field))


def body_template(text: str) -> Template:
    """Read the template of a body.

    Raises:
        PolicyError: a field without a name, or `{{` that no `}}` closes.
    """
    return _parse(text, in_path=False)


def path_template(text: str) -> Template:
    """Read a path, which may hold fields.

    Raises:
        PolicyError: as for a body.
    """
    return _parse(text, in_path=True)


def fill(template: Template, row: Row, where: str) -> bytes:
    """Return the template with the values of a row.

    Args:
        template: of a body or a path.
        row: column to the JSON of its value.
        where: file and row, for messages.

    Raises:
        DataError: the row has no such column, or a null where text is needed.
    """
    return b"".join(part if isinstance(part, bytes) else _value(part, row, where) for part in template.parts)


def _parse(text: str, *, in_path: bool) -> Template:
    kind = "path" if in_path else "template"
    parts: list[bytes | Field] = []
    quoted, end = False, 0
    for found in _FIELD.finditer(text):
        name = found[1].strip()
        if not name:
            raise PolicyError(f"a {kind} holds `{found[0]}`, a field without a name", hint="write `{{column}}`")
        fixed = _fixed(text[end : found.start()], kind)
        quoted ^= _QUOTE.findall(fixed).count('"') % 2 == 1
        parts += [fixed.encode(), Field(name=name, form="path" if in_path else "string" if quoted else "json")]
        end = found.end()
    parts.append(_fixed(text[end:], kind).encode())
    return Template(parts=tuple(part for part in parts if part))


def _fixed(text: str, kind: str) -> str:
    if "{{" in text:
        raise PolicyError(f"a {kind} holds `{{{{` that begins no field", hint="write `{{column}}`")
    return text


def _value(field: Field, row: Row, where: str) -> bytes:
    if field.name not in row:
        listed = nearest(field.name, list(row)[:_KNOWN])
        raise DataError(f"{where}: no column `{field.name}` for the field `{{{{{field.name}}}}}`", hint=listed)
    value = bytes(row[field.name])
    if field.form == "json":
        return value
    text = _text(value)
    if text is None:
        place = "a path" if field.form == "path" else "a string of the template"
        raise DataError(
            f"{where}: `{field.name}` is null, and its field is part of {place}", hint="leave the row out, or fill it"
        )
    return quote(text, safe="").encode() if field.form == "path" else msgspec.json.encode(text)[1:-1]


def _text(value: bytes) -> str | None:
    """Return the text of a JSON value: of a string its characters, else its JSON; of null none."""
    if value.startswith(b'"'):
        return msgspec.json.decode(value, type=str)
    return None if value == b"null" else value.decode()
