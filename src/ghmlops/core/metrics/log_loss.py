"""Log loss: mean negative logarithm of the probability given to the true class, in nats.

Probabilities are clipped to [2^-52, 1 - 2^-52], as scikit-learn does for double precision, so that a certain and wrong
answer costs 36 nats and not infinity.
"""

from __future__ import annotations

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Compared
from ghmlops.core.paired.change import compare_means
from ghmlops.core.paired.metric import Metric

CLIP = 2.0**-52
LEAST, MOST = f"CAST({CLIP!r} AS DOUBLE)", f"CAST({1.0 - CLIP!r} AS DOUBLE)"
ROW = f"-ln(CASE WHEN {{t}} < {LEAST} THEN {LEAST} WHEN {{t}} > {MOST} THEN {MOST} ELSE {{t}} END)"
"""Null where the probability is: `least` and `greatest` pass over nulls, and take longer."""


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the mean losses by their paired differences."""
    return compare_means(cells, tail, Direction.LOWER)


LOG_LOSS = Metric(
    id="log-loss",
    title="log loss",
    tasks=("binary", "multiclass"),
    direction=Direction.LOWER,
    unit="nats",
    margin=0.01,
    margin_of="baseline",
    row=ROW,
    compare=compare,
    hunted=True,
    implausible=0.5,
)
