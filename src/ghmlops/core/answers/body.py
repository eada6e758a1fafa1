"""Parses the body of an answer strictly: what is not plain JSON is a kind that can be counted, never an exception."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

Json = Any
"""A JSON value: dict, list, str, int, float, bool, None, or a `Constant`."""
MAX_BYTES = 1024 * 1024
"""Default of the maximum size of a body in bytes; a longer one is not parsed."""
MAX_DEPTH = 64
"""Maximum depth of nesting, so that no tree is deeper than Python's recursion."""
_DEPTH_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_OPENING = (b"[", b"{")
_DECODER, _ENCODER = msgspec.json.Decoder(), msgspec.json.Encoder()


class BodyKind(StrEnum):
    """What the body of an answer is."""

    JSON = "json"
    EMPTY = "empty"
    NOT_JSON = "not-json"
    NOT_UTF8 = "not-utf8"
    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"


class Constant(StrEnum):
    """A number that JSON has no notation for, as a bare word of a body; it equals itself."""

    NAN = "NaN"
    INFINITY = "Infinity"
    NEGATIVE = "-Infinity"


DUPLICATE_KEY, BARE_CONSTANT = "duplicate-key", "bare-constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A parsed body.

    Attributes:
        kind: what the body is.
        value: the value, if it is JSON.
        flaws: what a strict parser would refuse, although the value is known: `duplicate-key` (the last value counts),
            `bare-constant` (NaN, Infinity, or a number that is too large for a float).
    """

    kind: BodyKind
    value: Json = None
    flaws: tuple[str, ...] = ()


def parse_body(data: bytes, max_bytes: int = MAX_BYTES) -> Body:
    """Parse a body; never raises.

    Args:
        data: the bytes of the body.
        max_bytes: size in bytes beyond which a body is `too-large`.
    """
    if len(data) > max_bytes:
        return Body(kind=BodyKind.TOO_LARGE)
    if not data.strip():
        return Body(kind=BodyKind.EMPTY)
    if _is_deep(data):
        return Body(kind=BodyKind.TOO_DEEP)
    try:
        value = _DECODER.decode(data)
        # Decoding keeps one of two equal keys, and every colon belongs to a key or to a text that is kept.
        if data.count(b":") == _ENCODER.encode(value).count(b":"):
            return Body(kind=BodyKind.JSON, value=value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError):
        pass  # The slow parser finds out what it is.
    return _parse_leniently(data)


def _parse_leniently(data: bytes) -> Body:
    """Parse with flaws, ten times as slowly as a strict parser."""
    flaws: set[str] = set()

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        value = dict(items)
        if len(value) != len(items):
            flaws.add(DUPLICATE_KEY)
        return value

    def constant(word: str) -> Constant:
        flaws.add(BARE_CONSTANT)
        return Constant(word)

    def number(text: str) -> float | Constant:
        value = float(text)
        return value if math.isfinite(value) else constant("-Infinity" if value < 0 else "Infinity")

    try:
        value = json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=constant, parse_float=number
        )
        _ENCODER.encode(value)  # Half of a surrogate pair is no character, and could not be written to evidence.
    except UnicodeError:
        return Body(kind=BodyKind.NOT_UTF8)
    except OverflowError:  # An integer beyond 64 bits, which Python can compare.
        pass
    except (ValueError, RecursionError):  # The first includes integers of more digits than Python converts.
        return Body(kind=BodyKind.NOT_JSON)
    return Body(kind=BodyKind.JSON, value=value, flaws=tuple(sorted(flaws)))


def _is_deep(data: bytes) -> bool:
    """Return whether the nesting is deeper than `MAX_DEPTH`; brackets inside strings do not count."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _DEPTH_TOKENS.finditer(data):
        token = match[0]
        if token in _OPENING:
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif len(token) == 1:
            depth -= 1
    return False
