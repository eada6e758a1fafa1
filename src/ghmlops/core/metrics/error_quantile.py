"""Quantile of the absolute error at the policy's level. In the unit of the label; 0 or more; lower is better.

Describes the largest errors, which a mean hides. Compared by the influence of each row on both quantiles (Hall and
Sheather 1988).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.influence import SideEstimate, compare_pair, pair_of_columns, undefined_side
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import quantile

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Columns, Floats, MetricComparison
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's quantile."""
    level = float(policy.error_quantile)

    def compare(columns: Columns, tail: float) -> MetricComparison:
        independent = len(columns.label) if columns.group is None else len(np.unique(columns.group))
        errors = (np.abs(values - columns.label) for values in (columns.baseline, columns.candidate))
        first, second = (_side(side_errors, level, independent) for side_errors in errors)
        pair = pair_of_columns(columns, first, second, "paired quantile influence")
        return compare_pair(pair, Direction.LOWER, tail)

    return Metric(
        id="error-quantile",
        title=f"{level:g} quantile of the absolute error",
        tasks=("regression",),
        direction=Direction.LOWER,
        unit="",
        margin=None,
        margin_of="baseline",
        compare_columns=compare,
    )


def _side(errors: Floats, level: float, independent: int) -> SideEstimate:
    if independent < 2:
        return undefined_side(errors.shape)
    return SideEstimate(*quantile.influence(errors, level, independent))
