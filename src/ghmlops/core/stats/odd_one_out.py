"""The odd-one-out test of three answers to the same request: baseline, its twin and the candidate."""

from __future__ import annotations

import numpy as np
from scipy import special

from ghmlops.core.stats import Floats, Ints


def p_candidate(candidate: Ints, others: Ints) -> Floats:
    """Return the one-sided exact p-value against the candidate being the odd one more often, shape (m,).

    Null hypothesis: the three arms are exchangeable, so each is the odd one (the other two agree) with probability 1/3.
    Rows on which all agree, or all differ, carry no information and are not counted. Compared with the sign test of
    candidate against twin, rows on which the baseline is the odd one count as well.

    Source: the exact binomial form of the triangle test, ISO 4120 (2021); each row is one triangle.

    Args:
        candidate: Number of rows on which the candidate is the odd one, shape (m,).
        others: Number of rows on which the baseline or the twin is the odd one, shape (m,).
    """
    p = special.betainc(np.maximum(candidate, 1), others + 1.0, 1.0 / 3.0)
    return np.asarray(np.where(candidate > 0, p, 1.0), dtype=np.float64)
