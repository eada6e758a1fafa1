"""Rules on the change of one metric over all rows: pass, fail or undecided, from its interval and its margin."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from ghmlops.core.model import Outcome, finite
from ghmlops.core.predictions.constants import ALPHA, EVIDENCE_DIGITS, MIN_JUDGED_ROWS

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import MetricComparison
    from ghmlops.core.paired.metric import Metric


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of both sides over one set of paired rows, with its margin. Numbers are NaN if they are undefined."""

    metric: Metric
    n: int
    """Number of paired rows (queries for ranking metrics)."""
    baseline: float
    candidate: float
    low: float
    """Lower confidence limit of candidate - baseline, one-sided at `metric.tail(ALPHA)`."""
    high: float
    """Upper confidence limit of candidate - baseline, at the same level."""
    loss: float
    """The change with its sign turned so that positive is worse."""
    loss_low: float
    loss_high: float
    p: float
    """One-sided p-value of the null hypothesis that the candidate is not worse."""
    error: float
    """Standard error of the change."""
    margin: float | None
    """Largest tolerated loss, in the unit of the change; None: the metric is reported and not judged."""
    method: str
    bound: float = 0.0
    """Largest error of the change that comes from counting scores in bins."""
    weight: float | None = None
    """Sum of the weights of the rows; None if rows are not weighted."""
    effective: float | None = None
    """Effective number of rows (Kish); None if rows are not weighted."""

    @property
    def mass(self) -> float:
        """Sum of the weights of the rows: their number if they are not weighted."""
        return float(self.n) if self.weight is None else self.weight

    @property
    def evidence_rows(self) -> float:
        """Number of rows that the comparison rests on: the effective one if they are weighted."""
        return float(self.n) if self.effective is None else self.effective

    @property
    def change(self) -> float:
        """Difference candidate - baseline."""
        return self.candidate - self.baseline

    @property
    def paired_only(self) -> bool:
        """True for a rate that is defined for the pair alone (churn, flips): the baseline's value has no meaning."""
        return self.metric.paired_only


class Basis(StrEnum):
    """The rule by which an outcome was reached."""

    UNDEFINED = "undefined"
    """The metric or its interval is undefined on these rows."""
    TOO_FEW_ROWS = "too-few-rows"
    """There are fewer than `MIN_JUDGED_ROWS` rows."""
    INTERVAL_BEYOND = "interval-beyond-margin"
    """The whole interval of the loss exceeds the margin."""
    ESTIMATE_BEYOND = "estimate-beyond-margin"
    """The loss is significant, and its estimate exceeds the margin."""
    INSIDE = "inside-margin"
    """The upper limit of the loss is inside the margin."""
    SIGNIFICANT = "significant-loss"
    """The loss is significant, but the interval contains the margin."""
    OPEN = "open"
    """No loss is significant, and the interval contains the margin."""


class Ruling(NamedTuple):
    """An outcome and the rule by which it was reached."""

    outcome: Outcome
    basis: Basis


def comparison_at(
    result: MetricComparison, index: int, metric: Metric, *, spread: float, margins: dict[str, float]
) -> Comparison:
    """Return the comparison of one cell of `result`.

    Args:
        result: Result of the metric for m cells, arrays of shape (m,).
        index: Index of the cell.
        metric: The metric of the result.
        spread: Standard deviation of the label, the unit of some margins.
        margins: The policy's margins by metric id; they replace the metric's default.
    """
    baseline = float(result.baseline[index])
    return Comparison(
        metric=metric,
        n=int(result.n[index]),
        baseline=baseline,
        candidate=float(result.candidate[index]),
        low=float(result.low[index]),
        high=float(result.high[index]),
        loss=float(result.loss[index]),
        loss_low=float(result.loss_low[index]),
        loss_high=float(result.loss_high[index]),
        p=float(result.p[index]),
        error=float(result.error[index]),
        margin=metric.limit(baseline, spread, margins.get(metric.id)),
        method=result.method,
        bound=result.bound,
        weight=None if result.weight is None else float(result.weight[index]),
        effective=None if result.effective is None else float(result.effective[index]),
    )


def rule(comparison: Comparison, undecided: Literal["inconclusive", "warn"] = "inconclusive") -> Ruling:
    """Rule on one metric over all rows.

    Fail: the whole interval of the loss exceeds the margin, or the loss is significant and its estimate exceeds it.
    Pass: the upper confidence limit of the loss is inside the margin. Otherwise the outcome is `undecided`.

    Raises:
        ValueError: The comparison has no margin (a bug: such a metric is reported, not judged).
    """
    loss, margin = comparison.loss, comparison.margin
    if margin is None:
        raise ValueError(f"{comparison.metric.id} has no margin")
    if not all(math.isfinite(v) for v in (loss, comparison.loss_low, comparison.loss_high)):
        return Ruling(Outcome.INCONCLUSIVE, Basis.UNDEFINED)
    if not comparison.evidence_rows >= MIN_JUDGED_ROWS:
        return Ruling(Outcome.INCONCLUSIVE, Basis.TOO_FEW_ROWS)
    if comparison.loss_low > margin:
        return Ruling(Outcome.FAIL, Basis.INTERVAL_BEYOND)
    # A rate of the pair is never below 0, so its sign is no evidence: only its margin is tested.
    significant = (
        comparison.loss_low > 0 and (comparison.p < ALPHA or math.isnan(comparison.p)) and not comparison.paired_only
    )
    if significant and loss > margin:
        return Ruling(Outcome.FAIL, Basis.ESTIMATE_BEYOND)
    if comparison.loss_high <= margin:
        return Ruling(Outcome.PASS, Basis.INSIDE)
    return Ruling(Outcome(undecided), Basis.SIGNIFICANT if significant else Basis.OPEN)


def rows_to_decide(comparison: Comparison) -> float:
    """Return the number of rows after which the interval would be inside the margin; infinite if the estimate is not.

    The interval shrinks with the square root of the number of rows.
    """
    room = (comparison.margin or 0.0) - comparison.loss
    if room <= 0 or comparison.loss_high <= comparison.loss:
        return math.inf
    return comparison.n * ((comparison.loss_high - comparison.loss) / room) ** 2


def evidence_number(number: float | None) -> float | None:
    """Return a number for evidence: finite or None, `EVIDENCE_DIGITS` significant digits, never a negative zero."""
    value = finite(number)
    return None if value is None else float(f"{value:.{EVIDENCE_DIGITS}g}") + 0.0
