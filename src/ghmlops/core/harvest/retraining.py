"""Decides whether a decline of the model has become dearer than training it again.

The area under the ROC curve of each day is compared with the days after the last deployment. For each span of days
until the newest one, the mean decline at its lower confidence bound gives what the span has cost, and what the same
decline will cost until the cooldown is over; training pays if that exceeds its price. The bound, not the decline, has
to pay, so that noise does not start a training. What our own deployment
changed is part of the reference, and no reason.

Sources: Hanley and McNeil (1982), Radiology 143 (standard error of the area); Mahadevan and Mathioudakis (2023),
Cost-Effective Retraining of Machine Learning Models, arXiv 2310.04216 (cost as the criterion).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.harvest.daily import DayRow

REFERENCE_DAYS = 7
"""Days after a training that say how good the model is."""
MAX_SPAN = 28
"""Days of the longest span."""
STANDARD_ERRORS = 4.0
"""Standard errors between the decline and its lower bound; see `scripts/bench/harvest`, H6."""
MIN_LABELS = 10
"""Labels of each class from which the area of a day counts."""
POINT = 0.01
"""A point of the area under the ROC curve."""


class Prices(NamedTuple):
    """Price of a training, and of a point of the area under the ROC curve per day, in the same unit."""

    training: float
    point_per_day: float


class Decision(NamedTuple):
    """Whether training pays.

    Attributes:
        retrain: whether it does.
        reference: mean area of the days after the last training; `None` if they are too few.
        decline: lower bound of the mean decline of the best span.
        span: days of that span.
        saving: what the decline has cost and will cost until the cooldown is over, at its lower bound.
        days: number of days that count, those of the reference included.
        late: whether the log starts too late for a reference.
    """

    retrain: bool
    reference: float | None
    decline: float
    span: int
    saving: float
    days: int
    late: bool = False


def decide(days: Sequence[DayRow], prices: Prices, *, horizon: float, since: int = 0) -> Decision:
    """Return whether training the model again pays.

    Args:
        days: mature days in ascending order.
        prices: what training and a decline cost.
        horizon: days until the next training would be allowed.
        since: first whole day after the last training or deployment; earlier days belong to another model.
    """
    usable = [d for d in days if d.day >= since and min(d.positives, d.negatives) >= MIN_LABELS and d.auc is not None]
    # Later days may already have the decline: they are no reference.
    first = min((day.day for day in days if day.day >= since), default=since)
    if since and first > since + REFERENCE_DAYS:
        return Decision(False, None, 0.0, 0, 0.0, len(usable), late=True)
    reference, recent = usable[:REFERENCE_DAYS], usable[REFERENCE_DAYS:]
    if len(reference) < REFERENCE_DAYS:
        return Decision(False, None, 0.0, 0, 0.0, len(usable))
    areas = [_area(day) for day in reference]
    level = sum(areas) / len(areas)
    # The larger of sampling error and observed scatter: days differ for reasons that no sample size removes.
    scatter = sum((area - level) ** 2 for area in areas) / (len(areas) - 1)
    sampling = sum(_variance(level, day) for day in reference) / len(reference)
    excess = max(scatter - sampling, 0.0)
    level_variance = (excess + sampling) / len(reference)
    best = (0.0, 0.0, 0)
    total = variance = 0.0
    for span, day in enumerate(reversed(recent[-MAX_SPAN:]), 1):
        total += level - _area(day)
        variance += _variance(level, day) + excess
        error = math.sqrt(variance / span**2 + level_variance)
        lower = max(total / span - STANDARD_ERRORS * error, 0.0)
        saving = lower / POINT * prices.point_per_day * (span + horizon)
        best = max(best, (saving, lower, span))
    saving, decline, span = best
    return Decision(saving >= prices.training and saving > 0.0, level, decline, span, saving, len(usable))


def _area(day: DayRow) -> float:
    return 0.5 if day.auc is None else day.auc


def _variance(area: float, day: DayRow) -> float:
    """Return the variance of the area of a day (Hanley and McNeil)."""
    area = min(max(area, 0.01), 0.99)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    p, n = day.positives, day.negatives
    return (area * (1 - area) + (p - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (p * n)
