"""Exact match: proportion of labelled rows whose text equals the label, character by character. Unit: ratio; 0 to 1.

Higher is better. Compared by McNemar's mid-p test and Tango's interval of paired proportions.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_proportions
from ghmlops.core.paired.metric import Metric

EXACT_MATCH = Metric(
    id="exact-match",
    title="exact match",
    tasks=("text",),
    direction=Direction.HIGHER,
    unit="ratio",
    margin=None,
    row="{exact}",
    compare=partial(compare_proportions, direction=Direction.HIGHER),
)
