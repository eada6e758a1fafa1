"""Log loss: mean negative logarithm of the probability of the true class. Unit: nats; 0 or more; lower is better.

Probabilities are clipped as in scikit-learn's `log_loss`. Source: Good (1952), Rational decisions, JRSS B 14, 107-114.
Compared by a paired t test.
"""

from __future__ import annotations

from functools import partial

from ghmlops.core.model import Direction
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.default_margins import IMPLAUSIBLE_LOSS_REDUCTION, RELATIVE_LOSS_MARGIN
from ghmlops.core.paired.metric import Metric

LOSS_PROBABILITY_FLOOR = 2.0**-52
"""Probabilities are clipped to [2^-52, 1 - 2^-52], the resolution of a double, so that a certain and wrong prediction
costs 36 nats instead of infinity."""
_FLOOR = f"CAST({LOSS_PROBABILITY_FLOOR!r} AS DOUBLE)"
_CEILING = f"CAST({1.0 - LOSS_PROBABILITY_FLOOR!r} AS DOUBLE)"
ROW = f"-ln(CASE WHEN {{t}} < {_FLOOR} THEN {_FLOOR} WHEN {{t}} > {_CEILING} THEN {_CEILING} ELSE {{t}} END)"
"""Value of a row in SQL; null if the probability is null. `least` and `greatest` would ignore nulls and are slower."""

LOG_LOSS = Metric(
    id="log-loss",
    title="log loss",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="nats",
    margin=RELATIVE_LOSS_MARGIN,
    margin_of="baseline",
    row=ROW,
    compare=partial(compare_means, direction=Direction.LOWER),
    in_subgroups=True,
    implausible_gain=IMPLAUSIBLE_LOSS_REDUCTION,
)
