"""Answer churn: proportion of rows whose text changed at all. Unit: ratio; range 0 to 1; lower is better.

Needs no label. Exact binomial limits, as for churn.
"""

from __future__ import annotations

from ghmlops.core.metrics.label_set_churn import compare
from ghmlops.core.model import Direction
from ghmlops.core.paired.metric import Metric

ANSWER_CHURN = Metric(
    id="answer-churn",
    title="churn of the answers",
    tasks=("text",),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    row="{changed}",
    needs_label=False,
    paired_only=True,
    compare=compare,
)
