"""Makes the payload of a request from the fields that the policy names, and refuses what may not leave the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.harvest.privacy import OWN, find_identifiers, find_in_value

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

UNNAMED = "unnamed object"
UNREADABLE = "no JSON"
"""Kind of what the engine takes for JSON and the standard (RFC 8259) does not: NaN, infinity, 1e999."""
DEEP = "deep nesting"
MAX_DEPTH = 32
"""Levels of lists and objects in a field."""


class Payload(NamedTuple):
    """A body as JSON text with the identifiers of others in it by field, or the field and the kind of what forbids it.

    Attributes:
        body: JSON text.
        field: field that forbids the body.
        problem: kind of what forbids it.
        mentions: field and identifier of other requests that occur in the body.
    """

    body: str = ""
    field: str = ""
    problem: str = ""
    mentions: Sequence[tuple[str, str]] = ()


def make_payload(
    names: Sequence[str], texts: Sequence[str | None], identifiers: frozenset[str], others: Collection[str] = ()
) -> Payload:
    """Return the body with the named fields only, at their paths.

    Args:
        names: paths of the fields; those with `.*` may be objects.
        texts: JSON of each field, `None` if the request does not have it.
        identifiers: identifier and client of the request, which may not occur in it.
        others: identifiers of other requests and their clients.
    """
    body: dict[str, object] = {}
    mentions: list[tuple[str, str]] = []
    for name, text in zip(names, texts, strict=True):
        if text is None:
            continue
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            return Payload(field=name, problem=DEEP if isinstance(error, RecursionError) else UNREADABLE)
        if problem := _problem(name, value, identifiers):
            return Payload(field=name, problem=problem)
        mentions += [(name, other) for other in find_identifiers(value, others)]
        *parents, last = name.removesuffix(".*").split(".")
        target = body
        for parent in parents:
            inner = target.setdefault(parent, {})
            assert isinstance(inner, dict)  # noqa: S101  (the policy forbids a field below another one)
            target = inner
        target[last] = value
    return Payload(body=msgspec.json.encode(body).decode(), mentions=mentions)


def _problem(name: str, value: object, identifiers: frozenset[str]) -> str:
    """Return the kind of what forbids the value of a field; empty if nothing does."""
    if _is_deeper(value, MAX_DEPTH):
        return DEEP
    if not name.endswith(".*") and _has_object(value):
        return UNNAMED
    return next(find_in_value(value, identifiers), "") or (OWN if _contains(value, identifiers) else "")


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_is_deeper(item, levels - 1) for item in inner))


def _contains(value: object, identifiers: frozenset[str]) -> bool:
    """Return whether an identifier is anywhere in the value, inside a longer word too, in capitals or not."""
    text = msgspec.json.encode(value).decode().casefold()
    return any(msgspec.json.encode(own).decode()[1:-1].casefold() in text for own in identifiers)


def _has_object(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_has_object(item) for item in value))
