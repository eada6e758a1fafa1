"""Onset of a regression: the segment of consecutive windows in which a metric is worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.stats import epidemic_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.predictions.ruling import Comparison
    from ghmlops.core.predictions.subgroup import Subgroup


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """The windows in which a metric is worse, in one data set."""

    dataset: str
    metric: str
    """Title of the metric."""
    since: str
    """Start of the first window of the regression."""
    until: str | None
    """Start of the last window of the regression; None if it is ongoing."""
    in_every_window: bool = False
    """The regression begins with the first tested window and is ongoing."""

    @property
    def when(self) -> str:
        """Adverbial: `since 2025-03-01`, `from 2025-03-01 to 2025-03-04`, `in 2025-03-01` or `in every window`."""
        if self.until is None:
            return "in every window" if self.in_every_window else f"since {self.since}"
        return f"in {self.since}" if self.since == self.until else f"from {self.since} to {self.until}"

    @property
    def sentence(self) -> str:
        """Clause for a summary: `accuracy of data set eu is worse since 2025-03-01`."""
        return f"{self.metric}{f' of data set {self.dataset}' if self.dataset else ''} is worse {self.when}"


def find_onset(subgroups: Sequence[Subgroup], worst: Subgroup) -> Onset | None:
    """Return the windows in which the metric of `worst` is worse in its data set; None if no segment supports it.

    They are the segment that one constant loss explains best (`stats.epidemic_change`), so that a noisy window before
    the change, or a good one after it, does not count. The smallest loss that counts is the margin.

    Args:
        subgroups: Windows of any metric and data set; entries that are no windows are ignored.
        worst: The window with the worst result.
    """
    comparison = worst.comparison
    metric = comparison.metric
    series = [
        s
        for s in subgroups
        if s.window is not None and s.dataset == worst.dataset and s.comparison.metric.id == metric.id
    ]
    series.sort(key=lambda subgroup: subgroup.window or "")
    if metric.direction is Direction.TARGET:
        # A move in the direction of the worst window counts as the loss, one in the opposite direction does not.
        loss = np.array([s.comparison.change for s in series]) * np.sign(comparison.change)
    else:
        loss = np.array([s.comparison.loss for s in series])
    errors = np.array([smoothed_error(s.comparison) for s in series])
    segment = epidemic_change.most_likely_segment(loss, errors, comparison.margin or 0.0)
    if segment is None:
        return None
    return Onset(
        dataset=worst.dataset,
        metric=metric.title,
        since=series[segment.first].label,
        until=None if segment.ongoing else series[segment.last].label,
        in_every_window=segment.ongoing and segment.first == 0,
    )


def smoothed_error(comparison: Comparison) -> float:
    """Return the standard error of the change; for ratios at least that of one discordant pair.

    A subgroup without any discordant pair would otherwise have an error of 0 and outweigh all others.
    """
    rows = comparison.evidence_rows
    floor = 1.0 / rows if comparison.metric.unit == "ratio" and rows > 0 else 0.0
    return max(comparison.error, floor)
