"""The definition of a metric: the value of a row, how sums become a comparison, and which change is acceptable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Columns, Counts, DecisionValue, Grid, MetricComparison


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric: one file and one line in the table of `ghmlops.core.metrics`.

    It defines in exactly one way how two sides are compared: from sums of a row's value (`row`, or `decision_value` if
    the value follows from label and decision alone) or of several values (`rows`), from counts of label and decisions,
    or from the columns themselves. Binned scores may stand in for columns if there are too many rows.
    """

    id: str
    """Identifier in policies and evidence, in kebab-case: "log-loss"."""
    title: str
    """Name within a sentence: "log loss"."""
    tasks: tuple[str, ...]
    """The tasks of which it is a metric: binary, multiclass, regression, ranking, embedding."""
    direction: Direction
    unit: str
    """`ratio` for a proportion (changes are shown in percentage points), a unit such as `nats`, or empty."""
    margin: float | None
    """Largest acceptable loss by default, as a multiple of `margin_of`; None: reported, judged only if the policy sets
    a margin."""
    margin_of: Literal["absolute", "baseline", "label-spread"] = "absolute"
    """What a margin multiplies: 1, the baseline's value, or the standard deviation of the label."""
    row: str = ""
    """Value of one row and side in SQL that every engine understands, as a template: `{y}` label, `{s}` score, `{p}`
    decision or value, `{t}` probability of the true class and `{r}` its rank (multiclass), `{<id>}` the query's value
    (ranking)."""
    rows: tuple[str, ...] = ()
    """Several values of a row instead of `row`, with two more names: `{y0}` and `{p0}`, the mean of the label and that
    of the side's own prediction over all rows of the data set that count (`needs_label`), as literals."""
    decision_value: DecisionValue | None = None
    """Value of one row and side from label and decision, instead of `row`."""
    needs_label: bool = True
    """Rows without a label are left out."""
    paired_only: bool = False
    """A rate that exists for the pair only: the baseline's value is 0 and carries no information."""
    compare: Callable[[Cells, float], MetricComparison] | None = None
    """Compares sums, with a tail probability."""
    compare_rows: Callable[[tuple[Cells, ...], float], MetricComparison] | None = None
    """Compares the sums of each of `rows`, with a tail probability."""
    compare_counts: Callable[[Counts, float], MetricComparison] | None = None
    """Compares counts of (label, baseline's decision, candidate's decision), with a tail probability."""
    compare_columns: Callable[[Columns, float], MetricComparison] | None = None
    """Compares the columns of one cell, with a tail probability, if sums do not suffice. Arrays of shape (1,)."""
    compare_grid: Callable[[Grid, float], MetricComparison] | None = None
    """Compares binned scores, with a tail probability, if columns would be too large; `MetricComparison.bound` is the
    largest error of the change."""
    overall: bool = True
    """Compared over all rows."""
    target: float | None = None
    """Ideal value, if the loss is the growth of the distance from it (bias: 0, calibration slope: 1)."""
    in_subgroups: bool = False
    """Tested for regressions in slices and windows."""
    implausible_gain: float | None = None
    """Improvement beyond which leakage of labels is suspected: absolute, or a fraction of the baseline's value if
    `margin_of` is `baseline`."""

    def limit(self, baseline: float, label_spread: float, policy_margin: float | None) -> float | None:
        """Return the largest acceptable loss in the unit of the metric; None if the metric is only reported.

        Args:
            baseline: The baseline's value.
            label_spread: Standard deviation of the label.
            policy_margin: The margin of the policy, which replaces the default; None if it sets none.
        """
        margin = self.margin if policy_margin is None else policy_margin
        if margin is None:
            return None
        return margin * {"absolute": 1.0, "baseline": abs(baseline), "label-spread": label_spread}[self.margin_of]

    def tail(self, alpha: float) -> float:
        """Return the probability beyond each limit such that false alarms have at most the probability `alpha`."""
        return alpha / 2 if self.direction is Direction.TARGET else alpha
