"""Accuracy: share of labelled rows whose decision equals the label."""

from __future__ import annotations

from ghmlops.core.metric import Metric
from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Compared, compare_shares

ROW = "CASE WHEN {p} = {y} THEN 1.0 ELSE 0.0 END"


def compare(cells: Cells, tail: float) -> Compared:
    """Compare the shares of right decisions."""
    return compare_shares(cells, tail, Direction.HIGHER)


ACCURACY = Metric(
    id="accuracy",
    title="accuracy",
    task="binary",
    direction=Direction.HIGHER,
    unit="ratio",
    margin=0.005,
    row=ROW,
    compare=compare,
    hunted=True,
    implausible=0.10,
)
