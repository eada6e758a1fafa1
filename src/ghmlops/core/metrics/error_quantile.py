"""A quantile of the absolute error, which the policy names: how bad the bad answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import Direction
from ghmlops.core.paired.influence import Side, compare_pair, pair_of_columns, undefined
from ghmlops.core.paired.metric import Metric
from ghmlops.core.stats import quantile

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Columns, Compared, Floats
    from ghmlops.core.policy.regression import Regression


def bind(policy: Regression) -> Metric:
    """Return the metric at the policy's quantile."""
    level = float(policy.error_quantile)

    def compare(columns: Columns, tail: float) -> Compared:
        facts = len(columns.label) if columns.group is None else len(np.unique(columns.group))
        errors = (np.abs(values - columns.label) for values in (columns.baseline, columns.candidate))
        first, second = (_side(one, level, facts) for one in errors)
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


def _side(errors: Floats, level: float, facts: int) -> Side:
    return undefined(errors.shape) if facts < 2 else Side(*quantile.influence(errors, level, facts))
