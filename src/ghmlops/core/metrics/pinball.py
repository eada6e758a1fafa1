"""Pinball loss of predictions of a quantile q. In the unit of the label; 0 or more; lower is better.

The mean of q * (label - prediction) for predictions below the label and of (1 - q) * (prediction - label) for those
above: under-prediction is weighted by q, over-prediction by 1 - q. It is minimal for the true quantile (Koenker and
Bassett 1978, Econometrica 46, 33-50). Compared by a paired t test.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's quantile."""
    quantile = float(policy.quantile)
    under, over = f"{quantile!r} * ({{y}} - {{p}})", f"{1.0 - quantile!r} * ({{p}} - {{y}})"
    return Metric(
        id="pinball",
        title=f"pinball loss at {quantile:g}",
        tasks=("regression",),
        direction=Direction.LOWER,
        unit="",
        margin=RELATIVE_LOSS_MARGIN,
        margin_of="baseline",
        row=f"greatest({under}, {over})",
        compare=partial(compare_means, direction=Direction.LOWER),
    )
