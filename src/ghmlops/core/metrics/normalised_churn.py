"""Normalised churn: proportion of rows whose text changed after normalisation. Unit: ratio; 0 to 1; lower is better.

The normalisation is that of the metric `normalised-match`. Needs no label. Exact binomial limits, as for churn.
"""

from __future__ import annotations

from ghmlops.core.metrics.label_set_churn import compare
from ghmlops.core.model import Direction
from ghmlops.core.paired.metric import Metric

NORMALISED_CHURN = Metric(
    id="normalised-churn",
    title="churn of the normalised answers",
    tasks=("text",),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    row="{normalised-change}",
    needs_label=False,
    paired_only=True,
    compare=compare,
)
