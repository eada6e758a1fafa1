"""The sequential test on the signs of a metric."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ghmlops.core.model import Direction
from ghmlops.core.promotion.constants import METRIC_FAIL_E, METRIC_PASS_E
from ghmlops.core.promotion.metrics.signs import SignProcess, beyond_limit, beyond_margin


def e_value(signs: str) -> float:
    """Return the e-value of a row of `+` and `-`."""
    process = SignProcess()
    for sign in signs:
        process.feed(positive=sign == "+")
    return process.e_value


def test_it_is_a_martingale() -> None:
    """With a chance of one half, the mean e-value over all rows of ten signs is one: computed, not simulated."""
    values = [e_value("".join(signs)) for signs in itertools.product("+-", repeat=10)]
    assert sum(values) / len(values) == pytest.approx(1.0)


def test_values_that_decide() -> None:
    """The numbers that the constants state: 11 values beyond the margin fail one metric, six within it pass."""
    assert e_value("+" * 10) < METRIC_FAIL_E <= e_value("+" * 11)
    assert e_value("+" * 5) < METRIC_PASS_E <= e_value("+" * 6)
    assert e_value("") == 1.0
    assert e_value("-" * 1000) < 1.0
    assert math.isfinite(e_value("+" * 5000))


def test_false_alarms_are_rare() -> None:
    """Signs with a chance of one half, looked at after each of 300: at most 1 in 500 rows reaches the limit."""
    random = np.random.default_rng(5)
    signs = random.random((4000, 300)) < 0.5
    alarms = 0
    for row in signs[:2000]:
        process = SignProcess()
        for sign in row:
            process.feed(positive=bool(sign))
            if process.e_value >= METRIC_FAIL_E:
                alarms += 1
                break
    assert alarms <= 2000 * 0.002 + 3 * math.sqrt(2000 * 0.002)


@pytest.mark.parametrize(
    ("candidate", "reference", "margin", "direction", "beyond"),
    [
        (0.99, 1.0, 0.01, Direction.HIGHER, False),
        (0.98, 1.0, 0.01, Direction.HIGHER, True),
        (2.0, 1.0, 0.01, Direction.HIGHER, False),
        (1.01, 1.0, 0.01, Direction.LOWER, False),
        (1.02, 1.0, 0.01, Direction.LOWER, True),
        (-1.02, -1.0, 0.01, Direction.HIGHER, True),
        (-1.005, -1.0, 0.01, Direction.HIGHER, False),
        (0.0, 0.0, 0.01, Direction.LOWER, False),
        (0.1, 0.0, 0.01, Direction.LOWER, True),
    ],
)
def test_margin(candidate: float, reference: float, margin: float, direction: Direction, *, beyond: bool) -> None:
    """Relative to the size of the reference, in both directions, and with negative values."""
    assert beyond_margin(candidate, reference, margin, direction) is beyond


def test_limit() -> None:
    """The limit itself is allowed."""
    assert not beyond_limit(1.0, 1.0, Direction.HIGHER)
    assert beyond_limit(0.9, 1.0, Direction.HIGHER)
    assert beyond_limit(1.1, 1.0, Direction.LOWER)
