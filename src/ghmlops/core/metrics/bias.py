"""Bias: mean of prediction minus label. Harm is to be farther from 0 than the baseline is."""

from __future__ import annotations

from dataclasses import replace

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import moments
from ghmlops.core.paired.distance_to_target import compare_distances
from ghmlops.core.paired.metric import Metric


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the sizes of two biases."""
    found = compare_distances((cells.n, cells.baseline, cells.change), moments(cells), tail, 0.0)
    return replace(found, method=found.method + (", summed in clusters" if cells.groups is not None else ""))


BIAS = Metric(
    id="bias",
    title="bias",
    tasks=("regression",),
    direction=Direction.LOWER,
    unit="",
    margin=0.05,
    margin_of="label-spread",
    row="{p} - {y}",
    compare=compare,
    hunted=True,
)
