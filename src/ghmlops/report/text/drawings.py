"""The contents of drawings of a prediction diff, which the HTML page alone has."""

from __future__ import annotations

from typing import NamedTuple


class ScoreCurves(NamedTuple):
    """Scores of a binary task by class, from which the curves of both sides are drawn."""

    dataset: str
    """Untrusted; empty if there is a single data set."""
    counts: dict[str, list[list[float]]]
    """By side: rows of the negative and of the positive class in bins of equal width over 0 to 1; none is empty."""


class ConfusionTables(NamedTuple):
    """Decisions of both sides by label."""

    dataset: str
    """Untrusted; empty if there is a single data set."""
    classes: list[str]
    """Untrusted."""
    rows: dict[str, list[list[float]]]
    """By side: number of rows by label and decision, in the order of `classes`."""


class SliceMap(NamedTuple):
    """Changes by slice and metric."""

    dataset: str
    """Untrusted; empty if there is a single data set."""
    metrics: list[str]
    """Untrusted."""
    slices: list[str]
    """Untrusted, the worst first."""
    losses: list[list[float | None]]
    """By slice and metric: the loss as a multiple of the margin, negative for a gain; None if there is none."""
    omitted: int
    """Slices that are not drawn."""


Drawing = ScoreCurves | ConfusionTables | SliceMap
