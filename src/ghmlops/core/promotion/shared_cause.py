"""Whether the other arms' failed requests explain those of the candidate: a fault of it, or of the environment.

Given that a request failed, and that all arms fail equally often, it belongs to the candidate with a probability that
is the candidate's share of the traffic. If a request of the candidate fails r times as often in odds, the probability
is r s / (r s + 1 - s). The likelihood ratio of the failed requests is averaged over several r > 1, which gives an
e-value against "the candidate fails as often as the other arm, or less".
"""

from __future__ import annotations

import math

import numpy as np

from ghmlops.core.promotion.constants import ODDS_RATIOS


def log_excess(*, candidate_errors: int, other_errors: int, share: float) -> float:
    """Return the logarithm of the e-value against equal error rates of the candidate and another arm.

    Args:
        candidate_errors: Failed requests of the candidate.
        other_errors: Failed requests of the other arm in the same time.
        share: Share of the candidate in the traffic of the two arms, 0 < share < 1.

    Returns:
        Positive if the candidate fails more often.

    Raises:
        ValueError: The share is outside its range: without traffic of both arms nothing can be compared.
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"both arms need a share of the traffic, got {share} for the candidate")
    ratios = np.array(ODDS_RATIOS)
    norm = np.log(ratios * share + 1.0 - share)
    logs = candidate_errors * (np.log(ratios) - norm) - other_errors * norm
    top = float(logs.max())
    return top + math.log(float(np.exp(logs - top).mean()))
