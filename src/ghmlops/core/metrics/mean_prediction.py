"""Mean prediction of a regression. In the unit of the label; any real number; any change counts as a regression.

Needs no label. Reported only in slices and windows, in which it reveals a shift before labels arrive. Compared by a
paired t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import LABEL_SPREAD_MARGIN
from ghmlops.core.paired.metric import Metric

MEAN_PREDICTION = Metric(
    id="mean-prediction",
    title="mean prediction",
    tasks=("regression",),
    direction=Direction.TARGET,
    unit="",
    margin=LABEL_SPREAD_MARGIN,
    margin_of="label-spread",
    row="{p}",
    compare=partial(compare_means, direction=Direction.TARGET),
    needs_label=False,
    overall=False,
    in_subgroups=True,
)
