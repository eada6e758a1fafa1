"""Assertions of the policy on one value of an answer: its type, its range, its sum; and on the time of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.answers.body import Constant
from ghmlops.core.synthetic.rows.fields import as_float

if TYPE_CHECKING:
    from ghmlops.core.policy.before_traffic.synthetic import Assertion
    from ghmlops.core.synthetic.rows.fields import Json

SUM_TOLERANCE = 1e-6
"""Largest deviation of a sum, absolute and relative: the rounding of float32 probabilities."""


def broken_assertion(assertion: Assertion, value: Json) -> str:
    """Return how a value breaks an assertion, without the value; empty if the assertion holds."""
    if assertion.type is not None and _type(value) != assertion.type:
        return f"is not of type {assertion.type}"
    numbers = value if isinstance(value, list) else [value]
    if (assertion.range or assertion.sum is not None) and not all(map(_is_number, numbers)):
        return "is no number"
    if assertion.range:
        low, high = assertion.range
        if not all(low <= number <= high for number in numbers):
            return f"is not within [{low:g}, {high:g}]"
    if assertion.sum is not None:
        total = sum(map(as_float, numbers))
        # Two infinite numbers may have no sum (NaN), which is near nothing.
        if not abs(total - assertion.sum) <= SUM_TOLERANCE * max(1.0, abs(assertion.sum)):
            return f"does not sum to {assertion.sum:g}"
    return ""


def late_answer(assertion: Assertion, seconds: float) -> str:
    """Return how the service time of an answer breaks an assertion; empty if it does not."""
    late = assertion.latency is not None and seconds > assertion.latency
    return f"took longer than {assertion.latency:g} s" if late else ""


def _type(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Constant) or value is None:
        return "null"
    return {str: "text", int: "number", float: "number", list: "list", dict: "object"}[type(value)]


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
