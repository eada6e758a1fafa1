"""Label-set churn: proportion of rows with a changed decision on any label. Unit: ratio; range 0 to 1; lower is better.

Needs no label. Exact binomial limits, as for churn.
"""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.metric import Metric
from ghmlops.core.paired.pair_rates import compare_rate


def compare(cells: Cells, tail: float) -> MetricComparison:
    """Return the proportion of rows with a change, from sums of 0 for the baseline and 0 or 1 for the candidate."""
    return compare_rate(cells, (0.0, 1.0), tail)


LABEL_SET_CHURN = Metric(
    id="label-set-churn",
    title="churn of the label sets",
    tasks=("label-sets",),
    direction=Direction.LOWER,
    unit="ratio",
    margin=None,
    row="{changed}",
    needs_label=False,
    paired_only=True,
    compare=compare,
)
