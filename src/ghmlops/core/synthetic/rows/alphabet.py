"""Texts from fixed alphabets, and values of private fields that are no real ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.rows.profile import Kind

if TYPE_CHECKING:
    from ghmlops.core.synthetic.rows.fields import Json
    from ghmlops.core.synthetic.rows.profile import Field
    from ghmlops.core.synthetic.rows.stream import Stream

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
ACCENTED = "\u00e9\u00fc\u00f1\u00e5\u00f4"
"""Letters with a composed and a decomposed form; the first is e with an acute accent."""
UNSEEN = "ghmlops-unseen-category"
"""A category that no model was trained on."""
_TRIES = 20
_YEARS = 28
"""The calendar repeats after so many years, as long as no century intervenes."""


def word(stream: Stream, length: int) -> str:
    """Return random lower-case letters."""
    return "".join(stream.choice(LETTERS) for _ in range(length))


def like(text: str, stream: Stream) -> str:
    """Return a text with the shape of another: letters for letters, digits for digits, everything else unchanged."""
    return "".join(_like(character, stream) for character in text)


def _like(character: str, stream: Stream) -> str:
    if character.isdigit():
        return stream.choice(DIGITS)
    if character.isalpha():
        letter = stream.choice(LETTERS)
        return letter.upper() if character.isupper() else letter
    return character


def private_value(field: Field, value: Json, real: frozenset[Json], stream: Stream) -> Json:
    """Return a value of a private field that occurs in no real row; null if there is no such value.

    Args:
        field: profile of the field.
        value: the value of the resampled row, whose shape is kept; it is not part of the result.
        real: all values of the field in the payload file.
        stream: random numbers.
    """
    if value is None or field.kind in (Kind.BOOLEAN, Kind.OTHER):
        return None
    for attempt in range(_TRIES):
        new = _candidate(field, value, stream, attempt)
        if new not in real:
            return new
    return None


def _candidate(field: Field, value: Json, stream: Stream, attempt: int) -> Json:
    if field.kind is Kind.INSTANT:
        return f"{2000 + stream.below(_YEARS):04d}-{1 + stream.below(12):02d}-{1 + stream.below(28):02d}{value[10:]}"
    if isinstance(value, str):
        # A short text has few variants, so that later attempts are longer.
        return like(value, stream) if attempt < _TRIES // 2 else like(value, stream) + word(stream, attempt)
    if field.kind is Kind.INTEGER:
        low, high = int(field.low), int(field.high)
        return low + stream.below(max(2, high - low + 1 + attempt))
    span = min(field.high - field.low, sys.float_info.max)
    return round(field.low + stream.unit() * (span or 1.0), min(6, field.decimals + 2))
