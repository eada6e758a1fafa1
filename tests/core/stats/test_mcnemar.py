"""McNemar's mid-p."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as reference  # type: ignore[import-untyped]

from ghmlops.core.stats import mcnemar


@pytest.mark.parametrize(("more", "fewer"), [(15, 7), (7, 15), (1, 0), (0, 1), (40, 40), (300, 200), (0, 12)])
def test_it_is_the_exact_tail_minus_half_of_what_was_seen(more: int, fewer: int) -> None:
    """The one-sided mid-p is P(X > k) + P(X = k) / 2 under a fair split."""
    expected = binom.sf(more, more + fewer, 0.5) + 0.5 * binom.pmf(more, more + fewer, 0.5)
    assert expected == pytest.approx(mcnemar.p_more(np.array([float(more)]), np.array([float(fewer)]))[0], rel=1e-9)


def test_it_agrees_with_statsmodels_up_to_the_half_point() -> None:
    """Twice the one-sided mid-p is the exact two-sided p-value minus the probability of what was seen."""
    exact = reference([[500, 31], [18, 200]], exact=True).pvalue
    found = 2 * mcnemar.p_more(np.array([31.0]), np.array([18.0]))[0]
    assert exact - binom.pmf(31, 49, 0.5) == pytest.approx(found, rel=1e-9)


def test_no_discordant_pair_says_nothing() -> None:
    """Without discordant pairs the p-value is one half."""
    assert mcnemar.p_more(np.array([0.0]), np.array([0.0])).tolist() == [0.5]


def test_the_far_tail_keeps_its_digits() -> None:
    """A thousand to none does not become 0 by cancellation."""
    assert pytest.approx(mcnemar.p_more(np.array([1000.0]), np.array([0.0]))[0], rel=1e-6) == 0.5**1001
