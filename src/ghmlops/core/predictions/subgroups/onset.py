"""Since when a metric is worse: the stretch of windows in which its loss stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.stats import epidemic_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.predictions.place import Place
    from ghmlops.core.predictions.ruling import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """In which windows the worst metric is worse."""

    dataset: str
    metric: str
    """Its title."""
    since: str
    """Start of the first bad window."""
    until: str | None
    """Start of the last bad window; None where the loss still stands."""
    whole: bool = False
    """Was it so from the first window that was looked at, and still is?"""

    @property
    def when(self) -> str:
        """For a sentence: `since 2025-03-01`, `from 2025-03-01 to 2025-03-04`, `in 2025-03-01`, `in every window`."""
        if self.until is None:
            return "in every window" if self.whole else f"since {self.since}"
        return f"in {self.since}" if self.since == self.until else f"from {self.since} to {self.until}"


def onset(places: Sequence[Place], worst: Place) -> Onset | None:
    """Say in which windows the metric of `worst` is worse in its data set; None where no stretch speaks for it.

    The windows of one steady loss that tells the series best (`stats.epidemic_change`), so that a noisy window before the
    change, or a good one after it, does not count.
    """
    metric = worst.found.metric
    own = [p for p in places if p.window is not None and p.dataset == worst.dataset and p.found.metric.id == metric.id]
    own.sort(key=lambda place: place.window or "")
    if metric.direction is Direction.TARGET:
        loss = np.array([p.found.change for p in own]) * np.sign(worst.found.change)
    else:
        loss = np.array([p.found.loss for p in own])
    errors = np.array([smoothed_error(p.found) for p in own])
    found = epidemic_change.most_likely_segment(loss, errors, worst.found.margin or 0.0)
    if found is None:
        return None
    return Onset(
        dataset=worst.dataset,
        metric=metric.title,
        since=own[found.first].label,
        until=None if found.ongoing else own[found.last].label,
        whole=found.ongoing and found.first == 0,
    )


def smoothed_error(found: Comparison) -> float:
    """Return the standard error; for shares never below that of one discordant pair, which places without any have."""
    floor = 1.0 / found.n if found.metric.unit == "ratio" and found.n else 0.0
    return max(found.error, floor)
