"""Recall@k: proportion of a query's relevant documents among its first k, mean over queries. Range 0 to 1.

No unit; higher is better. Source: Manning, Raghavan and Schuetze (2008), Introduction to Information Retrieval,
chapter 8. Compared by a paired t test over queries.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's k."""
    return Metric(
        id="recall-at-k",
        title=f"recall@{policy.at}",
        tasks=("ranking",),
        direction=Direction.HIGHER,
        unit="",
        margin=None,
        row="{recall-at-k}",
        compare=partial(compare_means, direction=Direction.HIGHER),
    )
