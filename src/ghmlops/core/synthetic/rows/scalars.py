"""Numbers and texts that a JSON Schema allows."""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from ghmlops.core.synthetic.rows import alphabet
from ghmlops.core.synthetic.rows.fields import as_float

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.synthetic.rows.fields import Json
    from ghmlops.core.synthetic.rows.stream import Stream

MAX_LENGTH = 10_000
"""Characters of the shortest text that a schema may demand."""
_MORE = 40
"""Characters of a text beyond the least that the schema demands."""
_LOW, _SPAN = 0.0, 100.0
"""Least number without limits, and the width of a range with at most one limit."""


class SchemaError(ValueError):
    """A schema from which no rows can be generated; the message says where and why."""


class _Limit(NamedTuple):
    """A limit of a range, and whether it is itself outside."""

    value: float
    strict: bool


def count(schema: Mapping[str, Any], name: str, usual: int) -> int:
    """Return the number at a key of a schema; `usual` if there is none."""
    value = schema.get(name, usual)
    return value if isinstance(value, int) and value >= 0 else usual


def number(schema: Mapping[str, Any], stream: Stream, path: str, *, whole: bool) -> Json:
    """Return a number within the limits of a schema.

    Args:
        schema: schema of the number.
        stream: random numbers.
        path: where the number is, for messages.
        whole: whether it is an integer.

    Raises:
        SchemaError: A limit is not finite, or no number is within the limits.
    """
    low = _tightest(schema, path, ("minimum", "exclusiveMinimum"), 1)
    high = _tightest(schema, path, ("maximum", "exclusiveMaximum"), -1)
    step = _step(schema, path, whole=whole)
    if step is not None:
        value = _multiple(step, low, high, stream)
        result = None if value is None else int(value) if whole else as_float(value)
    else:
        result = _fraction(low, high, stream)
    if result is None or math.isinf(result):
        ends = f"{_described(low, 'least')}{' and ' if low and high else ''}{_described(high, 'most')}"
        raise SchemaError(f"{path[:80]}: no number is {ends or 'a multiple of `multipleOf`'}")
    return result


def _described(limit: _Limit | None, word: str) -> str:
    if limit is None:
        return ""
    if limit.strict:
        return f"{'more' if word == 'least' else 'less'} than {as_float(limit.value):g}"
    return f"at {word} {as_float(limit.value):g}"


def _finite(value: object, name: str, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(as_float(value)):
        raise SchemaError(f"{path[:80]}: `{name}` is no finite number")
    return value


def _tightest(schema: Mapping[str, Any], path: str, names: tuple[str, str], sign: int) -> _Limit | None:
    """Return the limit in one direction; in OpenAPI 3.0 the exclusive one is a switch."""
    usual, exclusive = names
    value, strict = schema.get(usual), schema.get(exclusive)
    limits = [] if value is None else [_Limit(_finite(value, usual, path), strict is True)]
    if strict is not None and not isinstance(strict, bool):
        limits.append(_Limit(_finite(strict, exclusive, path), True))
    return max(limits, key=lambda limit: (sign * limit.value, limit.strict), default=None)


def _step(schema: Mapping[str, Any], path: str, *, whole: bool) -> Fraction | None:
    """Return the number whose multiples are legal; `None` if all numbers are."""
    multiple_of = schema.get("multipleOf")
    if multiple_of is None:
        return Fraction(1) if whole else None
    value = Fraction(str(_finite(multiple_of, "multipleOf", path)))
    if value <= 0:
        raise SchemaError(f"{path[:80]}: `multipleOf` is not positive")
    # An integer is a multiple of p/q if it is one of p.
    return Fraction(value.numerator) if whole else value


def _multiple(step: Fraction, low: _Limit | None, high: _Limit | None, stream: Stream) -> Fraction | None:
    """Return a multiple of the step within the limits; `None` if there is none. The arithmetic is exact."""
    first = last = None
    if low is not None:
        quotient = Fraction(low.value) / step
        first = math.floor(quotient) + 1 if low.strict else math.ceil(quotient)
    if high is not None:
        quotient = Fraction(high.value) / step
        last = math.ceil(quotient) - 1 if high.strict else math.floor(quotient)
    width = max(1, math.floor(Fraction(_SPAN) / step))
    if first is None:
        first = 0 if last is None else last - width
    if last is None:
        last = first + width
    return (first + stream.below(last - first + 1)) * step if first <= last else None


def _fraction(low: _Limit | None, high: _Limit | None, stream: Stream) -> float | None:
    """Return a number within the limits, with at most six decimals if such a one is legal; `None` if there is none."""
    if low is not None:
        least = float(low.value)
        most = least + _SPAN if high is None else float(high.value)
    else:
        most = _LOW + _SPAN if high is None else float(high.value)
        least = most - _SPAN

    def legal(value: float) -> bool:
        above = low is None or value > low.value or (value == low.value and not low.strict)
        below = high is None or value < high.value or (value == high.value and not high.strict)
        return above and below and math.isfinite(value)

    share = stream.unit()
    drawn = least + share * (most - least)
    if not math.isfinite(drawn):  # The width of the range is beyond every float.
        drawn = least * (1 - share) + most * share
    ends = math.nextafter(least, sys.float_info.max), math.nextafter(most, -sys.float_info.max), least, most
    return next((value for value in (round(drawn, 6), drawn, *ends) if legal(value)), None)


def text(schema: Mapping[str, Any], stream: Stream, path: str) -> str:
    """Return a text of the length and format of a schema.

    Raises:
        SchemaError: The schema demands a pattern, or no text has its length.
    """
    form = schema.get("format")
    day = f"2024-{1 + stream.below(12):02}-{1 + stream.below(28):02}"
    if form == "date-time":
        return f"{day}T{stream.below(24):02}:{stream.below(60):02}:00Z"
    if form == "date":
        return day
    if form == "uuid":
        return alphabet.like("00000000-0000-4000-8000-000000000000", stream)
    if form == "email":
        return f"{alphabet.word(stream, 8)}@example.invalid"
    if "pattern" in schema:
        raise SchemaError(
            f"{path[:80]}: texts of a `pattern` are not generated; give the field `examples` or an `enum`"
        )
    most = count(schema, "maxLength", sys.maxsize)
    least = count(schema, "minLength", min(1, most))
    if least > MAX_LENGTH:
        raise SchemaError(f"{path[:80]}: a text of more than {MAX_LENGTH:,} characters")
    if least > most:
        raise SchemaError(f"{path[:80]}: no text has at least {least:,} and at most {most:,} characters")
    return alphabet.word(stream, least + stream.below(min(most - least, _MORE) + 1))
