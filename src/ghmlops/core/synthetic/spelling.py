"""Writes a JSON value in a spelling: order of keys, spelling of numbers, an additional key."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from ghmlops.core.synthetic.ask import Numbers, Spelling

if TYPE_CHECKING:
    from ghmlops.core.synthetic.rows.fields import Json

EXTRA_VALUE = "ghmlops"
"""Value of the additional key."""
PLAIN = Spelling()


def encode(value: Json, spelling: Spelling = PLAIN) -> bytes:
    """Return the JSON text of a value; the same bytes with every version of Python."""
    if spelling.extra and isinstance(value, dict):
        value = {**value, spelling.extra: EXTRA_VALUE}
    if spelling.numbers is Numbers.PLAIN and not spelling.reverse_keys:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return _text(value, spelling).encode()


def respelled(body: bytes, spelling: Spelling) -> bytes:
    """Return a JSON body in another spelling; a body that is not JSON stays as it is."""
    if spelling == PLAIN:
        return body
    try:
        return encode(json.loads(body), spelling)
    except (ValueError, RecursionError):
        return body


def _text(value: Json, spelling: Spelling) -> str:
    if isinstance(value, dict):
        items = list(value.items())
        ordered = reversed(items) if spelling.reverse_keys else items
        return "{" + ",".join(f"{_string(key)}:{_text(inner, spelling)}" for key, inner in ordered) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(inner, spelling) for inner in value) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, spelling.numbers)
    return _string(value)


def _string(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _number(value: float, spelling: Numbers) -> str:
    """Return another spelling of exactly the same number."""
    plain = json.dumps(value, allow_nan=False)
    if spelling is Numbers.PLAIN or "e" in plain:
        return plain
    if spelling is Numbers.DECIMAL:
        return f"{plain}0" if "." in plain else f"{plain}.0"
    sign, digits, exponent = Decimal(plain).as_tuple()
    return f"{'-' if sign else ''}{''.join(map(str, digits))}e{exponent}"
