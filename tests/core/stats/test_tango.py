"""Tango's interval of a difference of paired proportions."""

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


def test_it_agrees_with_the_published_example() -> None:
    """Tango (1998): 44 pairs, of which 1 and 0 discordant, have the 95 % interval -0.060 to 0.118."""
    assert pytest.approx(limits(44, 1, 0), abs=1e-3) == (-0.060, 0.118)


def test_without_discordant_pairs_the_interval_has_its_closed_form() -> None:
    """The limits are -z^2 / (n + z^2) and z^2 / (n + z^2), never a point."""
    z = ndtri(0.99)
    expected = z * z / (1000 + z * z)
    assert (-expected, expected) == pytest.approx(limits(1000, 0, 0, 0.01), rel=1e-9)


def test_the_lower_limit_is_0_at_the_level_of_mcnemars_score_test() -> None:
    """At a difference of 0 the statistic is McNemar's (b - c) / sqrt(b + c), so test and interval agree."""
    gained, lost = 40.0, 20.0
    score = (gained - lost) / np.sqrt(gained + lost)
    low, _ = limits(500, gained, lost, tail=float(ndtr(-score)))
    assert low == pytest.approx(0.0, abs=1e-9)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_the_interval_contains_the_estimate_and_is_symmetric(n: int, gained: int, lost: int) -> None:
    """The interval contains its estimate, stays within -1 to 1 and is mirrored if the sides are exchanged."""
    total = n + gained + lost
    low, high = limits(total, gained, lost)
    swapped_low, swapped_high = limits(total, lost, gained)
    assert -1 <= low <= (gained - lost) / total <= high <= 1
    assert (low, high) == pytest.approx((-swapped_high, -swapped_low), abs=1e-9)
