"""Sequential test of one metric: whether the candidate is worse than the margin allows, from values of both arms.

Every interval gives one pair of values, and the pair one sign: whether the candidate is beyond the margin. If its
values exceed the margin in at most half of the intervals, given the past, then for every q > 1/2 the product of 2q
(beyond) and 2(1-q) (within) is an e-process, and so is a mean over several q (Ville, 1939): the probability that it
ever reaches E is at most 1/E, whatever the distribution of the values, and whenever one looks. The mirrored process
shows that the candidate is within the margin.
"""

from __future__ import annotations

import math

from ghmlops.core.model import Direction
from ghmlops.core.promotion.constants import METRIC_CHANCES


class SignProcess:
    """The e-process on signs for the hypothesis that at most half of them are positive.

    Attributes:
        positive: Positive signs so far.
        signs: Signs so far.
    """

    __slots__ = ("positive", "signs")

    def __init__(self) -> None:
        self.positive = self.signs = 0

    def feed(self, *, positive: bool) -> None:
        """Add one sign."""
        self.signs += 1
        self.positive += positive

    @property
    def e_value(self) -> float:
        """The e-value; it is a function of the counts."""
        negative = self.signs - self.positive
        logs = [self.positive * math.log(2.0 * q) + negative * math.log(2.0 * (1.0 - q)) for q in METRIC_CHANCES]
        top = max(logs)
        return min(math.exp(min(top, 700.0)) * sum(math.exp(log - top) for log in logs) / len(logs), 1e300)


def beyond_margin(candidate: float, reference: float, margin: float, direction: Direction) -> bool:
    """Return whether the candidate's value is worse than the reference by more than the margin.

    Args:
        candidate: Value of the candidate.
        reference: Value of the twin or the pool.
        margin: Change for the worse that is allowed, relative to the size of the reference.
        direction: Direction in which the metric improves; HIGHER or LOWER.
    """
    allowance = margin * abs(reference)
    if direction is Direction.HIGHER:
        return candidate < reference - allowance
    return candidate > reference + allowance


def beyond_limit(value: float, limit: float, direction: Direction) -> bool:
    """Return whether a value is worse than the limit."""
    return value < limit if direction is Direction.HIGHER else value > limit
