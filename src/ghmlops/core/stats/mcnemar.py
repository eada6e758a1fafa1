"""McNemar's test on paired yes/no answers, as mid-p."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def p_more(more: Floats, fewer: Floats) -> Floats:
    """Return the one-sided mid-p that `more` outnumbers `fewer` by chance alone.

    Args:
        more: discordant pairs of the suspected kind, shape (m,).
        fewer: discordant pairs of the other kind, shape (m,).

    Without discordant pairs the result is 0.5. Pairs that agree say nothing and are not counted.

    Source: Fagerland, Lydersen, Laake (2013): the exact conditional (binomial) test minus half the probability of what
    was seen, which is the mean of P(X >= k) and P(X > k).
    """
    at_least = np.where(more > 0, special.betainc(np.maximum(more, 1.0), fewer + 1.0, 0.5), 1.0)
    beyond = np.where(fewer > 0, special.betainc(more + 1.0, np.maximum(fewer, 1.0), 0.5), 0.0)
    return np.asarray((at_least + beyond) / 2.0, dtype=np.float64)
