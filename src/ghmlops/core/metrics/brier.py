"""Brier score: mean squared difference of score and label (0 or 1). No unit; range 0 to 1; lower is better.

Source: Brier (1950), Monthly Weather Review 78, 1-3. Compared by a paired t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_LOSS_REDUCTION, RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

BRIER = Metric(
    id="brier",
    title="Brier score",
    tasks=("binary",),
    direction=Direction.LOWER,
    unit="",
    margin=RELATIVE_LOSS_MARGIN,
    margin_of="baseline",
    row="({s} - {y}) * ({s} - {y})",
    compare=partial(compare_means, direction=Direction.LOWER),
    implausible_gain=IMPLAUSIBLE_LOSS_REDUCTION,
)
