"""Decides whether a decline of the model has become dearer than training it again.

Each span of days until the newest one is compared with all days before it since the last training or deployment. A span
counts if its decline is proven, so that noise starts no training whatever the prices are. What it has cost, and what
the same decline will cost until the cooldown is over, then follows from the decline itself, less one standard error:
a decline that exists and is small is dear in the end. What our own deployment changed is part of both sides, and no
reason.

Sources: Hanley and McNeil (1982), Radiology 143 (standard error of the area); Mahadevan and Mathioudakis (2023),
Cost-Effective Retraining of Machine Learning Models, arXiv 2310.04216 (cost as the criterion).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.harvest.daily import DayRow

REFERENCE_DAYS = 7
"""Least days after a training that say how good the model is."""
MAX_SPAN = 60
"""Days of the longest span."""
PROOF_ERRORS = 4.0
"""Standard errors beyond which a decline is proven; see `scripts/bench/harvest`, H6."""
COST_ERRORS = 1.0
"""Standard errors that a proven decline is reduced by before it is priced; see `scripts/bench/harvest`, H6."""
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
        reference: mean area of the days before the dearest span; `None` if they are too few.
        decline: mean decline of that span, less `COST_ERRORS`; 0 if none is proven.
        span: days of that span.
        saving: what this decline has cost and will cost until the cooldown is over.
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
    if len(usable) < REFERENCE_DAYS:
        return Decision(False, None, 0.0, 0, 0.0, len(usable))
    best = _Span(0.0, 0.0, 0, sum(map(_area, usable)) / len(usable))
    for span in _proven_spans(usable):
        saving = span.decline / POINT * prices.point_per_day * (span.days + horizon)
        best = max(best, span._replace(saving=saving))
    pays = best.saving >= prices.training and best.saving > 0.0
    return Decision(pays, best.level, best.decline, best.days, best.saving, len(usable))


class _Span(NamedTuple):
    """The newest days, and the level before them."""

    saving: float
    decline: float
    days: int
    level: float


def _proven_spans(days: Sequence[DayRow]) -> Iterator[_Span]:
    """Yield the spans whose decline is proven, shortest first; their saving is not known yet."""
    areas = [_area(day) for day in days]
    total, squares = sum(areas), sum(area**2 for area in areas)
    sampling = sum(_variance(area, day) for area, day in zip(areas, days, strict=True))
    recent = recent_sampling = 0.0
    for span in range(1, min(MAX_SPAN, len(days) - REFERENCE_DAYS) + 1):
        area, before = areas[-span], len(days) - span
        total, squares, recent = total - area, squares - area**2, recent + area
        variance = _variance(area, days[-span])
        sampling, recent_sampling = sampling - variance, recent_sampling + variance
        level = total / before
        # The larger of sampling error and observed scatter: days differ for reasons that no sample size removes.
        scatter = max(squares - before * level**2, 0.0) / (before - 1)
        excess = max(scatter - sampling / before, 0.0)
        error = math.sqrt((recent_sampling / span + excess) / span + (sampling / before + excess) / before)
        decline = level - recent / span
        if decline > PROOF_ERRORS * error:
            yield _Span(0.0, decline - COST_ERRORS * error, span, level)


def _area(day: DayRow) -> float:
    return 0.5 if day.auc is None else day.auc


def _variance(area: float, day: DayRow) -> float:
    """Return the variance of the area of a day (Hanley and McNeil)."""
    area = min(max(area, 0.01), 0.99)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    p, n = day.positives, day.negatives
    return (area * (1 - area) + (p - 1) * (q1 - area**2) + (n - 1) * (q2 - area**2)) / (p * n)
