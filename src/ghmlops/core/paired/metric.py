"""What a metric is: a row's value, how sums become a comparison, and what a change may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Columns, Compared, Counts, Decided, Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric: one file and one line in the table of `ghmlops.core.metrics`.

    It says in one of several ways how two sides are compared: from sums of a row's value (`row`, or `decided` where the
    value follows from label and decision alone) or of several (`rows`), from counts of label and decisions, from the
    columns themselves, or from binned scores where there are too many rows for columns.
    """

    id: str
    title: str
    """As a sentence says it: "accuracy"."""
    tasks: tuple[str, ...]
    direction: Direction
    unit: str
    """`ratio` for shares (a change is shown in points), else what the number counts."""
    margin: float | None
    """Default; None: shown, and judged only where the policy gives a margin."""
    margin_of: Literal["absolute", "baseline", "label-spread"] = "absolute"
    """What a margin multiplies: 1, the baseline's value, or the standard deviation of the label."""
    row: str = ""
    """Value of one row and side in SQL that every engine reads: `{y}` label, `{s}` score, `{p}` decision or value,
    `{t}` probability of the true class and `{r}` its rank (multiclass), `{<id>}` the query's value (ranking)."""
    rows: tuple[str, ...] = ()
    """Several values of a row instead of `row`, with two more names: `{y0}` and `{p0}`, the mean of the label and that
    of the side's own prediction over all rows of the data set that are looked at (`labelled`), as literals."""
    decided: Decided | None = None
    """Value of one row and side from label and decision, instead of `row`."""
    labelled: bool = True
    """Needs the label."""
    paired_only: bool = False
    """A rate that only the pair has: the baseline's value is 0 and says nothing."""
    compare: Callable[[Cells, float], Compared] | None = None
    """From sums, at a tail."""
    compare_rows: Callable[[tuple[Cells, ...], float], Compared] | None = None
    """From the sums of each of `rows`, at a tail."""
    compare_counts: Callable[[Counts, float], Compared] | None = None
    """From counts of (label, baseline's decision, candidate's decision), at a tail."""
    compare_columns: Callable[[Columns, float], Compared] | None = None
    """From the columns of one cell, at a tail: for metrics that sums cannot give. Arrays of shape (1,)."""
    compare_grid: Callable[[Grid, float], Compared] | None = None
    """From binned scores, at a tail, where columns would be too large; `Compared.bound` says how far it may be off."""
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
