"""Top-k accuracy: proportion of labelled rows whose true class is among the k most probable. Range 0 to 1.

Equal probabilities are ranked in the order of the classes, as the decision does: k = 1 is the accuracy of a decision by
the largest probability, and constant vectors are no better than chance. Unit: ratio; higher is better. Compared by
McNemar's mid-p test and Tango's interval of paired proportions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's k."""
    return Metric(
        id="top-k-accuracy",
        title=f"top-{policy.top} accuracy",
        tasks=("multiclass",),
        direction=Direction.HIGHER,
        unit="ratio",
        margin=None,
        row=f"CASE WHEN {{r}} <= {int(policy.top)} THEN 1.0 ELSE 0.0 END",
        compare=partial(compare_proportions, direction=Direction.HIGHER),
    )
