"""Makes the payload of a request from the fields that the policy names, and refuses what may not leave the logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.harvest.privacy import OWN, find_in_value

if TYPE_CHECKING:
    from collections.abc import Sequence

UNNAMED = "unnamed object"


class Payload(NamedTuple):
    """A body as JSON text, or the field and the kind of what forbids it."""

    body: str = ""
    field: str = ""
    problem: str = ""


def make_payload(names: Sequence[str], texts: Sequence[str | None], identifiers: frozenset[str]) -> Payload:
    """Return the body with the named fields only, at their paths.

    Args:
        names: paths of the fields; those with `.*` may be objects.
        texts: JSON of each field, `None` if the request does not have it.
        identifiers: identifier and client of the request, which may not occur in it.
    """
    body: dict[str, object] = {}
    for name, text in zip(names, texts, strict=True):
        if text is None:
            continue
        value = msgspec.json.decode(text)
        if not name.endswith(".*") and _has_object(value):
            return Payload(field=name, problem=UNNAMED)
        if (problem := next(find_in_value(value, identifiers), None)) is not None:
            return Payload(field=name, problem=problem)
        if _contains(value, identifiers):
            return Payload(field=name, problem=OWN)
        *parents, last = name.removesuffix(".*").split(".")
        target = body
        for parent in parents:
            inner = target.setdefault(parent, {})
            assert isinstance(inner, dict)  # noqa: S101  (the policy forbids a field below another one)
            target = inner
        target[last] = value
    return Payload(body=msgspec.json.encode(body).decode())


def _contains(value: object, identifiers: frozenset[str]) -> bool:
    """Return whether an identifier is anywhere in the value, inside a longer word too, in capitals or not."""
    text = msgspec.json.encode(value).decode().casefold()
    return any(msgspec.json.encode(own).decode()[1:-1].casefold() in text for own in identifiers)


def _has_object(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_has_object(item) for item in value))
