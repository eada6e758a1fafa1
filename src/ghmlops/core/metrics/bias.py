"""Bias: mean of prediction minus label. In the unit of the label; any real number; the ideal value is 0.

The loss is the growth of its absolute value: positive if the candidate is farther from 0 than the baseline.
"""

from __future__ import annotations

from msgspec.structs import replace

from ghmlops.core.metrics import TARGETS
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, MetricComparison
from ghmlops.core.paired.change import method_name, moments
from ghmlops.core.paired.default_margins import LABEL_SPREAD_MARGIN
from ghmlops.core.paired.distance_to_target import compare_distances
from ghmlops.core.paired.metric import Metric

TARGET = TARGETS["bias"]
"""The ideal value."""


def compare(cells: Cells, tail: float) -> MetricComparison:
    """Compare the distances of two biases from 0."""
    comparison = compare_distances((cells.n, cells.baseline, cells.change), moments(cells), tail, TARGET)
    return replace(comparison, method=method_name(comparison.method, clustered=cells.groups is not None))


BIAS = Metric(
    id="bias",
    title="bias",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=LABEL_SPREAD_MARGIN,
    margin_of="label-spread",
    row="{p} - {y}",
    compare=compare,
    target=TARGET,
    in_subgroups=True,
)
