"""Other arms that fail alike explain the candidate's failed requests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ghmlops.core.promotion.shared_cause import log_excess


@pytest.mark.parametrize(("candidate_errors", "share", "at_least"), [(2, 0.01, 100.0), (4, 0.5, 5.0), (10, 0.5, 200.0)])
def test_errors_of_the_candidate_alone(candidate_errors: int, share: float, at_least: float) -> None:
    """Two errors in 1 % of the traffic, or ten in one half, and none elsewhere."""
    assert log_excess(candidate_errors=candidate_errors, other_errors=0, share=share) >= math.log(at_least)


def test_errors_in_proportion_to_the_traffic_show_nothing() -> None:
    """One of a hundred errors belongs to the arm with one of a hundred requests."""
    assert log_excess(candidate_errors=10, other_errors=990, share=0.01) < 0.0


def test_the_e_value_is_calibrated() -> None:
    """Under equal error rates its mean is 1: E[e] = sum of P(k) e(k) over k of 12 errors."""
    share, total = 0.3, 12
    terms = [
        math.comb(total, k)
        * share**k
        * (1 - share) ** (total - k)
        * math.exp(log_excess(candidate_errors=k, other_errors=total - k, share=share))
        for k in range(total + 1)
    ]
    assert np.sum(terms) == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, math.nan])
def test_one_arm_alone_cannot_be_compared(share: float) -> None:
    """Both arms need traffic."""
    with pytest.raises(ValueError, match="share"):
        log_excess(candidate_errors=1, other_errors=1, share=share)
