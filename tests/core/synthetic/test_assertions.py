"""Assertions on a value: type, range, sum."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.answers.body import Constant
from ghmlops.core.policy.before_traffic.synthetic import Assertion
from ghmlops.core.synthetic.assertions import broken_assertion, late_answer


@pytest.mark.parametrize(
    ("assertion", "value", "holds"),
    [
        (Assertion(range=(0, 1)), 0, True),
        (Assertion(range=(0, 1)), 1.0001, False),
        (Assertion(range=(0, 1)), [0, 0.5], True),
        (Assertion(range=(0, 1)), Constant.NAN, False),
        (Assertion(range=(0, 1)), None, False),
        (Assertion(range=(0, 1)), True, False),
        (Assertion(sum=1.0), [0.1] * 10, True),
        (Assertion(sum=1.0), [0.5, 0.51], False),
        (Assertion(sum=1.0), "1", False),
        (Assertion(range=(0, 1)), 10**400, False),
        (Assertion(range=(0, 1)), [0.5, -(10**400)], False),
        (Assertion(sum=1.0), 10**400, False),
        (Assertion(sum=1.0), [0.5, 10**400], False),
        (Assertion(sum=1.0), [10**400, 0.5, -(10**400), 0.5], False),
        (Assertion(sum=1.0), [1e308, 1e308], False),
        (Assertion(type="number"), 10**400, True),
        (Assertion(type="text"), "x", True),
        (Assertion(type="text"), None, False),
        (Assertion(type="number"), 1.5, True),
        (Assertion(type="boolean"), True, True),
        (Assertion(type="object"), [], False),
    ],
)
def test_assertion(assertion: Assertion, value: Any, holds: bool) -> None:
    """A bare NaN, null and a boolean are no numbers."""
    assert (broken_assertion(assertion, value) == "") is holds


@pytest.mark.parametrize(("latency", "seconds", "late"), [(None, 9.0, False), (0.5, 0.5, False), (0.5, 0.51, True)])
def test_an_answer_may_have_a_longest_service_time(latency: float | None, seconds: float, late: bool) -> None:
    """The reason has the limit and no measured time, so that a repeated violation reads alike."""
    reason = late_answer(Assertion(latency=latency), seconds)
    assert bool(reason) is late
    assert "0.51" not in reason
