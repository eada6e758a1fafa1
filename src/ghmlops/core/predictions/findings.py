"""Findings on the change of one metric, and the sentences that give their reasons.

A reason has the form "subject, verb, numbers, limit; rows": "Log loss rose from 0.37 to 0.56 nats (+0.19, at least
+0.16 with 99 % confidence), more than the 0.0185 allowed; 1,106 rows."
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions.constants import ALPHA, MAX_STATED_ROWS, MIN_JUDGED_ROWS
from ghmlops.core.predictions.ruling import Basis, Comparison, Ruling, evidence_number, rows_to_decide

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric

DOCS = "actions/regression/README.md"
"""The document that explains every finding of the command `regression`."""
DESCRIPTIONS = {
    Direction.HIGHER: "Is the candidate's {} lower than the baseline's, on the same rows?",
    Direction.LOWER: "Is the candidate's {} higher than the baseline's, on the same rows?",
    Direction.TARGET: "Does the candidate's {} differ from the baseline's, on the same rows?",
}
Bound = Literal["smallest loss", "largest loss", "interval"]
"""Which confidence limit of a change a sentence states."""


def metric_finding(comparison: Comparison, outcome: Outcome, reason: str, *, dataset: str = "") -> Finding:
    """Return the finding on one metric over all rows of a data set."""
    metric = comparison.metric
    return Finding(
        id=f"regression-{metric.id}",
        metric=metric.id,
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#the-verdict",
        description=DESCRIPTIONS[metric.direction].format(metric.title),
        dataset=dataset,
        unit=metric.unit,
        direction=metric.direction,
        baseline=None if comparison.paired_only else evidence_number(comparison.baseline),
        candidate=evidence_number(comparison.candidate),
        change=Interval(
            estimate=evidence_number(comparison.change),
            low=evidence_number(comparison.low),
            high=evidence_number(comparison.high),
        ),
        loss=distance_interval(comparison),
        method=comparison.method,
        margin=evidence_number(comparison.margin),
        n=comparison.n,
    )


def distance_interval(comparison: Comparison) -> Interval | None:
    """Return the growth of the distance from the ideal value; None for a metric whose loss is its change."""
    if comparison.metric.target is None:
        return None
    return Interval(
        estimate=evidence_number(comparison.loss),
        low=evidence_number(comparison.loss_low),
        high=evidence_number(comparison.loss_high),
    )


def stated_rows(comparison: Comparison) -> str:
    """Return the number of rows as text; of weighted rows also the effective number."""
    if comparison.effective is None:
        return f"{comparison.n:,} rows"
    return f"{comparison.n:,} weighted rows (effectively {comparison.effective:,.0f})"


def ruling_reason(comparison: Comparison, ruling: Ruling) -> str:
    """Return the sentence that explains a ruling: what changed, by how much, against which limit, on how many rows."""
    limit, rows = allowed(comparison), stated_rows(comparison)
    basis = ruling.basis
    if basis is Basis.UNDEFINED:
        return f"{sentence_case(comparison.metric.title)} or its interval is undefined on these {rows}."
    if basis is Basis.TOO_FEW_ROWS:
        change = describe_change(comparison, "interval")
        text = f"{change}; {rows} are too few, a verdict needs at least {MIN_JUDGED_ROWS}"
    elif basis is Basis.INTERVAL_BEYOND:
        text = f"{describe_change(comparison, 'smallest loss')}, more than the {limit} allowed; {rows}"
    elif basis is Basis.ESTIMATE_BEYOND:
        text = f"{describe_change(comparison, 'smallest loss')}: the estimate is more than the {limit} allowed; {rows}"
    elif basis is Basis.INSIDE:
        conclusion = f"within the {limit} allowed" if comparison.loss_high > 0 else f"no loss (allowed: {limit})"
        text = f"{describe_change(comparison, 'largest loss')}, {conclusion}; {rows}"
    else:
        loss = "the loss is significant, but " if basis is Basis.SIGNIFICANT else ""
        change = describe_change(comparison, "interval")
        text = f"{change}: {loss}the interval contains the limit of {limit}; {rows}{_needed(comparison)}"
    return f"{sentence_case(text)}."


def _needed(comparison: Comparison) -> str:
    needed = rows_to_decide(comparison)
    if needed > MAX_STATED_ROWS:
        return ""
    digits = max(math.floor(math.log10(needed)) - 1, 0)
    return f", about {math.ceil(needed / 10**digits) * 10**digits:,} such rows would decide"


def describe_change(comparison: Comparison, bound: Bound) -> str:
    """Return a clause such as "accuracy fell from 81.2 to 80.0 % (-1.2 points, at least -0.9 with 99 % confidence)"."""
    metric = comparison.metric
    if not math.isfinite(comparison.candidate) or not math.isfinite(comparison.baseline):
        return f"{metric.title} is undefined"
    scale = _scale(comparison)
    candidate = scale.value(comparison.candidate)
    bounds = _confidence(comparison, bound, scale)
    if comparison.paired_only:
        return f"{metric.title} is {candidate}{scale.unit} ({bounds})"
    if comparison.change == 0:
        return f"{metric.title} is unchanged at {candidate}{scale.unit} ({bounds})"
    verb = "rose" if comparison.change > 0 else "fell"
    change = f"{scale.difference(comparison.change)}{scale.change_unit}"
    if not _follows_change(comparison):
        side = "farther from" if comparison.loss > 0 else "closer to"
        change += f", {scale.value(abs(comparison.loss))} {side} its target"
    baseline = scale.value(comparison.baseline)
    return f"{metric.title} {verb} from {baseline} to {candidate}{scale.unit} ({change}, {bounds})"


def _confidence(comparison: Comparison, bound: Bound, scale: _Scale) -> str:
    """Return the stated confidence limit with its level: one-sided, or the interval with both tails."""
    tail = comparison.metric.tail(ALPHA)
    write = scale.value if comparison.paired_only else scale.difference
    if bound == "interval":
        return (
            f"between {write(comparison.low)} and {write(comparison.high)} with {100 * (1 - 2 * tail):g} % confidence"
        )
    loss = comparison.loss_low if bound == "smallest loss" else comparison.loss_high
    word = "at least" if bound == "smallest loss" or loss < 0 else "at worst"
    if comparison.paired_only:
        limit = write(loss)
    elif not _follows_change(comparison):
        limit = f"{write(loss)} of distance"
    elif comparison.metric.direction is not Direction.TARGET:
        limit = write(-loss if comparison.metric.direction is Direction.HIGHER else loss)
    elif bound == "smallest loss":
        limit = write(math.copysign(loss, comparison.change))
    else:
        limit = f"{scale.value(loss)} either way"
    return f"{word} {limit} with {100 * (1 - tail):g} % confidence"


def _follows_change(comparison: Comparison) -> bool:
    """True if the loss is the change up to its sign; False if it is a distance from a target that was crossed."""
    return math.isclose(abs(comparison.loss), abs(comparison.change), rel_tol=1e-6, abs_tol=1e-12)


_MAX_FIXED = 1e12
_MAX_DECIMALS = 9
"""Sizes beyond which a sentence writes numbers in scientific notation."""


class _Scale(NamedTuple):
    """How the numbers of one comparison are written: ratios in percent, differences of ratios in percentage points."""

    factor: float
    decimals: int
    unit: str
    change_unit: str

    def value(self, number: float) -> str:
        return self._write(number, "")

    def difference(self, number: float) -> str:
        return self._write(number, "+")

    def _write(self, number: float, sign: str) -> str:
        scaled = number * self.factor
        if not math.isfinite(scaled):
            return "unknown"
        if abs(scaled) >= _MAX_FIXED or self.decimals > _MAX_DECIMALS:
            return f"{scaled:{sign}.4g}"
        return f"{scaled:{sign}z,.{self.decimals}f}"


def _scale(comparison: Comparison) -> _Scale:
    """Choose the decimals: two significant digits of the change, and enough to distinguish it from the margin."""
    metric = comparison.metric
    factor = 100.0 if metric.unit == "ratio" else 1.0
    limits = [abs(v) for v in (comparison.loss_low, comparison.loss_high) if math.isfinite(v)]
    size = abs(comparison.change) or max(limits, default=0.0) or abs(comparison.baseline) or 1.0
    size = min(size, _MAX_FIXED)
    decimals = 1 - math.floor(math.log10(size * factor))
    if comparison.margin is not None and 0 < abs(comparison.loss - comparison.margin) < size:
        gap = -math.floor(math.log10(abs(comparison.loss - comparison.margin) * factor))
        decimals = max(decimals, min(gap, decimals + 2))
    unit = " %" if metric.unit == "ratio" else f" {metric.unit}" if metric.unit else ""
    return _Scale(factor, max(decimals, 0), unit, " points" if metric.unit == "ratio" else "")


def allowed(comparison: Comparison) -> str:
    """Return the margin as text, in the unit of the change: "0.5 points", or "0.0185" next to a change in nats."""
    margin = comparison.margin or 0.0
    return format_points(margin) if comparison.metric.unit == "ratio" else _significant(margin)


def format_difference(metric: Metric, number: float) -> str:
    """Return a difference with its unit and three significant digits; ratios in percentage points."""
    if metric.unit == "ratio":
        return format_points(number)
    return f"{_significant(number)} {metric.unit}".rstrip()


def format_points(ratio: float) -> str:
    """Return a difference of ratios in percentage points: "0.5 points"."""
    text = _significant(100 * ratio)
    return f"{text} point" if text == "1" else f"{text} points"


def _significant(number: float) -> str:
    return f"{number:,.0f}" if 1000 <= abs(number) < _MAX_FIXED else f"{number:.3g}"


def sentence_case(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
