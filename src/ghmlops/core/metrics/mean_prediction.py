"""Mean prediction of a regression, hunted in slices and windows: needs no label, a move either way is a change."""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the mean predictions by their paired differences."""
    return compare_means(cells, tail, Direction.TARGET)


MEAN_PREDICTION = Metric(
    id="mean-prediction",
    title="mean prediction",
    tasks=("regression",),
    direction=Direction.TARGET,
    unit="",
    margin=0.05,
    margin_of="label-spread",
    row="{p}",
    labelled=False,
    compare=compare,
    overall=False,
    hunted=True,
)
