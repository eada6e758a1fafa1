"""McNemar's mid-p test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as reference  # type: ignore[import-untyped]

from ghmlops.core.stats import mcnemar


@pytest.mark.parametrize(("count", "opposite"), [(15, 7), (7, 15), (1, 0), (0, 1), (40, 40), (300, 200), (0, 12)])
def test_it_is_the_exact_tail_minus_half_the_observed_probability(count: int, opposite: int) -> None:
    """The one-sided mid-p value is P(X > k) + P(X = k) / 2 for X ~ Binomial(n, 1/2)."""
    n = count + opposite
    expected = binom.sf(count, n, 0.5) + 0.5 * binom.pmf(count, n, 0.5)
    p = mcnemar.p_greater(np.array([float(count)]), np.array([float(opposite)]))[0]
    assert expected == pytest.approx(p, rel=1e-9)


def test_it_agrees_with_statsmodels_up_to_the_mid_p_correction() -> None:
    """Twice the one-sided mid-p value is the exact two-sided p-value minus the probability of the observed count."""
    exact = reference([[500, 31], [18, 200]], exact=True).pvalue
    mid_p = 2 * mcnemar.p_greater(np.array([31.0]), np.array([18.0]))[0]
    assert exact - binom.pmf(31, 49, 0.5) == pytest.approx(mid_p, rel=1e-9)


def test_without_discordant_pairs_p_is_one_half() -> None:
    """No discordant pair carries no information."""
    assert mcnemar.p_greater(np.array([0.0]), np.array([0.0])).tolist() == [0.5]


def test_the_far_tail_does_not_underflow_by_cancellation() -> None:
    """A thousand discordant pairs of one kind and none of the other: 0.5^1001 to 1e-6."""
    assert pytest.approx(mcnemar.p_greater(np.array([1000.0]), np.array([0.0]))[0], rel=1e-6) == 0.5**1001
