"""What a metric is: a row's value, how sums become a comparison, and what a change may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ghmlops.core.model import Direction
from ghmlops.core.paired import Cells, Columns, Compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric: one file and one line in the table of `ghmlops.core.metrics`."""

    id: str
    title: str
    """As a sentence says it: "accuracy"."""
    task: Literal["binary", "regression"]
    direction: Direction
    unit: str
    """`ratio` for shares (a change is shown in points), else what the number counts."""
    margin: float | None
    """Default; None: shown, and judged only where the policy gives a margin."""
    margin_of: Literal["absolute", "baseline", "label-spread"] = "absolute"
    """What a margin multiplies: 1, the baseline's value, or the standard deviation of the label."""
    row: str = ""
    """Value of one row and side in SQL that every engine reads: `{y}` label, `{s}` score, `{p}` decision or value."""
    labelled: bool = True
    """Needs the label."""
    compare: Callable[[Cells, float], Compared] | None = None
    """From sums, at a tail."""
    compare_columns: Callable[[Columns, float], Compared] | None = None
    """From columns, at a tail: for metrics that sums cannot give."""
    overall: bool = True
    """Judged or shown over all rows."""
    hunted: bool = False
    """Looked at in slices and windows."""
    implausible: float | None = None
    """An improvement beyond this is suspicious (leakage): absolute, or a share of the baseline for losses."""

    def limit(self, baseline: float, spread: float, given: float | None) -> float | None:
        """Return the margin in the unit of the metric; `given` is the policy's, `spread` the label's deviation."""
        margin = self.margin if given is None else given
        if margin is None:
            return None
        return margin * {"absolute": 1.0, "baseline": abs(baseline), "label-spread": spread}[self.margin_of]

    def tail(self, alpha: float) -> float:
        """Return the probability beyond each limit, so that harm is called with at most `alpha`."""
        return alpha / 2 if self.direction is Direction.TARGET else alpha
