"""The odd-one-out test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from ghmlops.core.stats.odd_one_out import p_candidate


@pytest.mark.parametrize(("candidate", "others"), [(0, 0), (0, 9), (1, 0), (7, 0), (20, 22), (300, 500), (5000, 9000)])
def test_it_is_the_binomial_tail_at_one_third(candidate: int, others: int) -> None:
    """The p-value is P(X >= k) for X ~ Binomial(n, 1/3)."""
    expected = binom.sf(candidate - 1, candidate + others, 1 / 3)
    assert p_candidate(np.array([candidate]), np.array([others]))[0] == pytest.approx(expected, rel=1e-9)
