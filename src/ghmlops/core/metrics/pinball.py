"""Pinball loss: the loss whose best constant answer is a quantile of the label, which the policy names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the mean losses by their paired differences."""
    return compare_means(cells, tail, Direction.LOWER)


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's quantile: below the label a unit costs that much, above it the rest to 1."""
    quantile = float(policy.quantile)
    below, above = f"{quantile!r} * ({{y}} - {{p}})", f"{1.0 - quantile!r} * ({{p}} - {{y}})"
    return Metric(
        id="pinball",
        title=f"pinball loss at {quantile:g}",
        tasks=("regression",),
        direction=Direction.LOWER,
        unit="",
        margin=0.01,
        margin_of="baseline",
        row=f"greatest({below}, {above})",
        compare=compare,
    )
