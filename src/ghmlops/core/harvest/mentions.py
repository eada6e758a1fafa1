"""Judges identifiers of requests that occur in the bodies of other requests: references, or ordinary values.

A client may send any text as the identifier of its request. If many bodies have that text, it is an ordinary value, as
`mobile`, and the request that has it as its identifier is quarantined; one request must not take a slice out of the
sample. Otherwise it is a reference, and the bodies that have it are quarantined.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.harvest.privacy import OWN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

ORDINARY = "value that is an identifier elsewhere"
MIN_BODIES = 10
"""Bodies from which a word is an ordinary value."""
MIN_SHARE = 0.001
"""Share of the bodies from which a word is an ordinary value."""


class Mention(NamedTuple):
    """An identifier of a request in a field of another one, which is given by its number."""

    identifier: str
    row: int
    field: str


def is_word(identifier: str) -> bool:
    """Return whether an identifier has no digit, as the words of a language and hardly any generated one."""
    return not any(character.isdigit() for character in identifier)


def mention_problems(
    mentions: Iterable[Mention], owners: Mapping[str, Sequence[int]], words: Collection[str], bodies: int
) -> dict[int, tuple[str, str]]:
    """Return the requests that may not be written, each with the field and the kind of what forbids it.

    Args:
        mentions: identifiers in the bodies of other requests.
        owners: numbers of the requests that have an identifier.
        words: identifiers that may be ordinary values.
        bodies: number of bodies.
    """
    places = defaultdict[str, list[Mention]](list)
    for mention in mentions:
        places[mention.identifier].append(mention)
    result: dict[int, tuple[str, str]] = {}
    for identifier, hits in places.items():
        if identifier in words and len({m.row for m in hits}) >= max(MIN_BODIES, MIN_SHARE * bodies):
            result |= dict.fromkeys(owners[identifier], (hits[0].field, ORDINARY))
        else:
            result |= {mention.row: (mention.field, OWN) for mention in hits}
    return result
