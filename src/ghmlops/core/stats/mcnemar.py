"""McNemar's test of paired binary outcomes, with the mid-p correction."""

from __future__ import annotations

import numpy as np

from ghmlops.core.stats import Floats, special


def p_greater(count: Floats, opposite: Floats) -> Floats:
    """Return the one-sided mid-p value against discordant pairs of one kind being more likely, shape (m,).

    Null hypothesis: a discordant pair is equally likely to be of either kind. Concordant pairs carry no information
    and are not counted; without discordant pairs the p-value is 0.5. The mid-p value is the mean of P(X >= count) and
    P(X > count): the exact conditional (binomial) p-value minus half the probability of the observed count.

    Source: Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91.

    Args:
        count: Number of discordant pairs of the kind suspected to be more frequent, shape (m,); effective numbers of
            weighted pairs may be fractional.
        opposite: Number of discordant pairs of the opposite kind, shape (m,).
    """
    at_least = np.where(count > 0, special.betainc(np.where(count > 0, count, 1.0), opposite + 1.0, 0.5), 1.0)
    beyond = np.where(opposite > 0, special.betainc(count + 1.0, np.where(opposite > 0, opposite, 1.0), 0.5), 0.0)
    return np.asarray((at_least + beyond) / 2.0, dtype=np.float64)
