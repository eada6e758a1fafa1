"""NDCG@k: normalised discounted cumulative gain of a ranking. No unit; range 0 to 1; higher is better.

The discounted gain of the first k documents of a query divided by that of the ideal order, averaged over queries. The
gain is the label, as in scikit-learn's `ndcg_score` (Jarvelin and Kekalainen 2002, ACM Transactions on Information
Systems 20, 422-446), or 2^label - 1 (`gain: exponential`), as in LightGBM and XGBoost (Burges et al. 2005, ICML); it is
discounted by log2(rank + 1). Compared by a paired t test over queries.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_GAIN, RANKING_MARGIN
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's k."""
    return Metric(
        id="ndcg",
        title=f"NDCG@{policy.at}",
        tasks=("ranking",),
        direction=Direction.HIGHER,
        unit="",
        margin=RANKING_MARGIN,
        row="{ndcg}",
        compare=partial(compare_means, direction=Direction.HIGHER),
        in_subgroups=True,
        implausible_gain=IMPLAUSIBLE_GAIN,
    )
