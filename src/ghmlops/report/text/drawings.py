"""The contents of drawings of a prediction diff, which the HTML page alone has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ghmlops.report.text.numbers import Scale


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


class RunOverTime(NamedTuple):
    """Response times and failures of a latency run in consecutive intervals of equal width.

    Arms are named `baseline` and `candidate`; one that was not measured is absent.
    """

    start_s: int
    """Start of the first interval, in seconds from the start of the schedule."""
    width_s: int
    """Seconds per interval."""
    requests: dict[str, list[int]]
    """Requests per interval by arm; successful ones only if `failed` is empty."""
    quantiles: dict[str, dict[str, list[float | None]]]
    """Quantile by name (trusted), arm and interval in milliseconds; None if too few requests succeeded."""
    failed: dict[str, list[int]]
    """Failed requests per interval by arm; empty if the evidence does not count them."""


class Trend(NamedTuple):
    """The change of one metric against its baseline over the last decisions, drawn in the comment."""

    metric: str
    """Untrusted."""
    dataset: str
    """Untrusted; empty if there is a single data set."""
    scale: Scale
    """Format of the values."""
    points: list[tuple[str, float]]
    """SHA of each commit and the change that was measured on it, oldest first; the last is this report's."""
    limits: list[float]
    """Changes that are allowed at most, by the policy of this report."""


Drawing = ScoreCurves | ConfusionTables | SliceMap
