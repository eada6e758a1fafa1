"""The robust scale Qn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ghmlops.core.stats.robust_spread import qn


@pytest.mark.parametrize("m", [10, 11, 57])
def test_the_scale_is_the_order_statistic_of_its_definition(m: int) -> None:
    """The k-th smallest pairwise difference, k of the definition, times the constants of Rousseeuw and Croux."""
    values = np.random.default_rng(m).normal(size=m)
    half = m // 2 + 1
    differences = sorted(abs(a - b) for a, b in itertools.combinations(values, 2))
    correction = m / (m + 1.4) if m % 2 else m / (m + 3.8)
    assert qn(values) == pytest.approx(2.21914 * correction * differences[half * (half - 1) // 2 - 1])


@pytest.mark.parametrize("m", [4, 9, 10, 50, 3000])
def test_the_scale_of_normal_values_is_their_standard_deviation(m: int) -> None:
    """On average over samples of the standard deviation 3, within 3 %; beyond 2,000 values every other one counts."""
    rng = np.random.default_rng(1)
    samples = 2000 if m < 100 else 20
    assert np.mean([qn(rng.normal(5.0, 3.0, m)) for _ in range(samples)]) == pytest.approx(3.0, rel=0.04)


@pytest.mark.parametrize(("share", "largest"), [(0.2, 1.6), (0.3, 2.0), (0.5, 2.4)])
def test_a_cluster_of_other_values_hardly_changes_the_scale(share: float, largest: float) -> None:
    """A cluster at 50 with up to half of the values, whose standard deviation would be 20 to 25."""
    values = np.random.default_rng(2).normal(size=200)
    values[: int(200 * share)] += 50.0
    assert 1.0 < qn(values) < largest


def test_a_single_value_has_no_scale() -> None:
    """Fewer than two values give NaN, equal ones 0."""
    assert np.isnan(qn(np.array([1.0])))
    assert qn(np.ones(20)) == 0
