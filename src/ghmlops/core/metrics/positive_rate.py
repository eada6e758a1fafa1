"""Positive rate: share of rows that are called positive. Needs no label; a move either way is a change of behaviour."""

from __future__ import annotations

from ghmlops.core.metric import Metric
from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Compared, compare_shares

ROW = "CASE WHEN {p} = 1 THEN 1.0 ELSE 0.0 END"


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the shares of positive decisions."""
    return compare_shares(cells, tail, Direction.TARGET)


POSITIVE_RATE = Metric(
    id="positive-rate",
    title="positive rate",
    task="binary",
    direction=Direction.TARGET,
    unit="ratio",
    margin=0.01,
    row=ROW,
    labelled=False,
    compare=compare,
    hunted=True,
)
