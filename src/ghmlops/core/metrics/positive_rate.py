"""Positive rate: proportion of rows that are decided positive. Unit: ratio; range 0 to 1; any change is a regression.

Needs no label. Compared by McNemar's mid-p test and Tango's interval of paired proportions.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats, Ints
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.default_margins import RATE_SHIFT_MARGIN
from ghmlops.core.paired.metric import Metric


def is_positive(label: Ints, decision: Ints) -> Floats:
    """Return 1 if the decision is positive, else 0, shape (k,); the label is ignored."""
    del label
    return np.asarray(decision == 1, dtype=np.float64)


POSITIVE_RATE = Metric(
    id="positive-rate",
    title="positive rate",
    tasks=("binary",),
    direction=Direction.TARGET,
    unit="ratio",
    margin=RATE_SHIFT_MARGIN,
    decision_value=is_positive,
    needs_label=False,
    compare=partial(compare_proportions, direction=Direction.TARGET),
    in_subgroups=True,
)
