"""Accuracy: proportion of labelled rows whose decision equals the label. Unit: ratio; range 0 to 1; higher is better.

Compared by McNemar's mid-p test and Tango's interval of paired proportions.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Floats, Ints
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_GAIN, PROPORTION_MARGIN
from ghmlops.core.paired.metric import Metric


def is_correct(label: Ints, decision: Ints) -> Floats:
    """Return 1 if the decision equals the label, else 0, shape (k,)."""
    return np.asarray(label == decision, dtype=np.float64)


ACCURACY = Metric(
    id="accuracy",
    title="accuracy",
    tasks=("binary", "multiclass"),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=PROPORTION_MARGIN,
    decision_value=is_correct,
    compare=partial(compare_proportions, direction=Direction.HIGHER),
    in_subgroups=True,
    implausible_gain=IMPLAUSIBLE_GAIN,
)
