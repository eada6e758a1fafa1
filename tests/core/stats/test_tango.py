"""Tango's interval of a paired difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from ghmlops.core.stats import tango


def limits(n: float, gained: float, lost: float, tail: float = 0.025) -> tuple[float, float]:
    low, high = tango.interval(np.array([n]), np.array([gained]), np.array([lost]), tail)
    return float(low[0]), float(high[0])


def test_it_gives_the_interval_of_the_published_example() -> None:
    """Tango (1998): 44 pairs, 1 against 0 discordant: 95 % interval -0.060 to 0.118."""
    assert pytest.approx(limits(44, 1, 0), abs=1e-3) == (-0.060, 0.118)


def test_identical_answers_leave_an_interval_of_the_known_width() -> None:
    """Without discordant pairs the limits are z^2 / (n + z^2) either way, and never a point."""
    z = ndtri(0.99)
    expected = z * z / (1000 + z * z)
    assert (-expected, expected) == pytest.approx(limits(1000, 0, 0, 0.01), rel=1e-9)


def test_a_limit_of_zero_is_where_mcnemars_score_meets_the_level() -> None:
    """At no change the statistic is McNemar's (b - c) / sqrt(b + c), so test and interval agree."""
    gained, lost = 40.0, 20.0
    score = (gained - lost) / np.sqrt(gained + lost)
    low, _ = limits(500, gained, lost, tail=float(ndtr(-score)))
    assert low == pytest.approx(0.0, abs=1e-9)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_the_estimate_lies_inside_and_the_sides_are_mirrored(n: int, gained: int, lost: int) -> None:
    """The interval holds its estimate, stays within -1..1 and turns round when the sides are swapped."""
    total = n + gained + lost
    low, high = limits(total, gained, lost)
    swapped_low, swapped_high = limits(total, lost, gained)
    assert -1 <= low <= (gained - lost) / total <= high <= 1
    assert (low, high) == pytest.approx((-swapped_high, -swapped_low), abs=1e-9)
