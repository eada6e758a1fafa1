"""MAE: mean absolute error, mean of |prediction - label|. In the unit of the label; 0 or more; lower is better.

Compared by a paired t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_LOSS_REDUCTION, RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

MAE = Metric(
    id="mae",
    title="MAE",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=RELATIVE_LOSS_MARGIN,
    margin_of="baseline",
    row="abs({p} - {y})",
    compare=partial(compare_means, direction=Direction.LOWER),
    in_subgroups=True,
    implausible_gain=IMPLAUSIBLE_LOSS_REDUCTION,
)
