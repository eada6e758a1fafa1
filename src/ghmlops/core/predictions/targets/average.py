"""The unweighted mean of a metric over the targets, with an interval that holds whatever the dependence between them.

Rows are the same for all targets, so the targets' changes depend on each other. The standard deviation of a mean is at
most the mean of the standard deviations (Minkowski's inequality), so the mean of the targets' confidence limits is a
limit of the mean at the same level or a safer one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.model import Direction
from ghmlops.core.predictions.ruling import Comparison
from ghmlops.core.stats import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.metric import Metric

METHOD = "mean over the targets, limits for any dependence"


def average_comparison(comparisons: Sequence[Comparison], metric: Metric, margin: float | None) -> Comparison:
    """Return the mean of the comparisons of one metric on all targets.

    Args:
        comparisons: One comparison per target; an undefined one makes the mean undefined.
        metric: The metric of the mean, from `target_average.average_of`.
        margin: Its margin in the policy, which replaces the default.
    """

    def mean(name: str) -> float:
        return math.fsum(getattr(c, name) for c in comparisons) / len(comparisons)

    baseline, loss, error = mean("baseline"), mean("loss"), mean("error")
    z = loss / error if error > 0 else math.copysign(math.inf, loss) if loss else 0.0
    # The normal tail of the largest standard error that the mean can have; a two-sided one for a move either way.
    p = float(special.ndtr(-z)) * (2.0 if metric.direction is Direction.TARGET else 1.0)
    return Comparison(
        metric=metric,
        n=min(c.n for c in comparisons),
        baseline=baseline,
        candidate=mean("candidate"),
        low=mean("low"),
        high=mean("high"),
        loss=loss,
        loss_low=mean("loss_low"),
        loss_high=mean("loss_high"),
        p=p if math.isfinite(loss) and not math.isnan(error) else math.nan,
        error=error,
        margin=metric.limit(baseline, 0.0, margin),
        method=METHOD,
        bound=mean("bound"),
        effective=min((c.effective for c in comparisons if c.effective is not None), default=None),
    )
