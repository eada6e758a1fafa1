"""A comparison and its margin to a ruling, and the ruling to a finding with its reason in one sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from ghmlops.core.model import Direction, Finding, Interval, Outcome, finite

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Compared
    from ghmlops.core.paired.metric import Metric

ALPHA = 0.01
"""Chance of calling harm where there is none, one-sided; also of passing a loss that is as large as the margin."""
MINIMUM = 30
"""Below this many rows nothing is judged: the intervals lean on averages."""
DIGITS = 10
"""Significant digits in evidence. More would differ between two runs, because sums are added in parallel."""
DOCS = "actions/regression/README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one metric says about one place, with its margin. NaN where it is undefined."""

    metric: Metric
    n: int
    baseline: float
    candidate: float
    low: float
    """Limits of candidate - baseline, each one-sided at `metric.tail(ALPHA)`."""
    high: float
    loss: float
    """The change turned so that positive is harm."""
    loss_low: float
    loss_high: float
    p: float
    error: float
    margin: float | None
    method: str
    bound: float = 0.0
    """Largest error of the change that comes from counting in bins."""

    @property
    def change(self) -> float:
        """candidate - baseline."""
        return self.candidate - self.baseline

    @property
    def paired_only(self) -> bool:
        """True for a rate that only the pair has: the baseline's value says nothing."""
        return self.metric.paired_only


class Ruling(NamedTuple):
    """An outcome and the clause that says why."""

    outcome: Outcome
    clause: str


def comparison_at(
    compared: Compared, place: int, metric: Metric, *, spread: float, margins: dict[str, float]
) -> Comparison:
    """Take one place out of `compared`; `spread` is the label's standard deviation, `margins` are the policy's."""
    baseline = float(compared.baseline[place])
    return Comparison(
        metric=metric,
        n=int(compared.n[place]),
        baseline=baseline,
        candidate=float(compared.candidate[place]),
        low=float(compared.low[place]),
        high=float(compared.high[place]),
        loss=float(compared.loss[place]),
        loss_low=float(compared.loss_low[place]),
        loss_high=float(compared.loss_high[place]),
        p=float(compared.p[place]),
        error=float(compared.error[place]),
        margin=metric.limit(baseline, spread, margins.get(metric.id)),
        method=compared.method,
        bound=compared.bound,
    )


def rule(found: Comparison, undecided: Literal["inconclusive", "warn"] = "inconclusive") -> Ruling:
    """Rule over all rows.

    fail: the loss is beyond its margin at one-sided `ALPHA`. pass: its limit is inside the margin. Else undecided.

    Raises:
        ValueError: the comparison has no margin (a bug: it is shown, not judged).
    """
    if found.margin is None:
        raise ValueError(f"{found.metric.id} has no margin")
    limit = f"the margin of {amount(found.metric, found.margin)}"
    if not all(math.isfinite(v) for v in (found.loss, found.loss_low, found.loss_high)):
        return Ruling(Outcome.INCONCLUSIVE, "it is undefined on these rows")
    if found.n < MINIMUM:
        return Ruling(Outcome.INCONCLUSIVE, f"fewer than {MINIMUM} rows decide nothing")
    if found.loss_low > found.margin:
        return Ruling(Outcome.FAIL, f"the whole interval lies beyond {limit}")
    shown = found.loss_low > 0 and (found.p < ALPHA or math.isnan(found.p)) and not found.paired_only
    if shown and found.loss > found.margin:
        return Ruling(Outcome.FAIL, f"the interval excludes no change and the estimate exceeds {limit}")
    if found.loss_high <= found.margin:
        return Ruling(Outcome.PASS, f"the limit of the loss is inside {limit}")
    seen = "a loss is shown, and " if shown else ""
    return Ruling(Outcome(undecided), f"{seen}the interval reaches across {limit}{_rows_needed(found)}")


def _rows_needed(found: Comparison) -> str:
    """Say how many rows would decide where the estimate is inside the margin: the interval shrinks by their root."""
    room = (found.margin or 0.0) - found.loss
    if room <= 0 or found.loss_high <= found.loss:
        return ""
    needed = found.n * ((found.loss_high - found.loss) / room) ** 2
    if needed > 1e10:
        return ""
    digits = max(math.floor(math.log10(needed)) - 1, 0)
    return f"; about {math.ceil(needed / 10**digits) * 10**digits:,} such rows would decide"


def finding(found: Comparison, ruling: Ruling, *, where: str = "", dataset: str = "") -> Finding:
    """Write a ruling over all rows down; `where` opens the sentence."""
    return Finding(
        id=f"regression-{found.metric.id}",
        metric=found.metric.id,
        outcome=ruling.outcome,
        reason=f"{where}{sentence(found)}: {ruling.clause}.",
        docs=f"{DOCS}#the-verdict",
        description=DESCRIPTIONS[found.metric.direction].format(found.metric.title),
        dataset=dataset,
        unit=found.metric.unit,
        direction=found.metric.direction,
        baseline=None if found.paired_only else tidy(found.baseline),
        candidate=tidy(found.candidate),
        change=Interval(estimate=tidy(found.change), low=tidy(found.low), high=tidy(found.high)),
        method=found.method,
        margin=tidy(found.margin),
        n=found.n,
    )


DESCRIPTIONS = {
    Direction.HIGHER: "Is the candidate's {} lower than the baseline's, on the same rows?",
    Direction.LOWER: "Is the candidate's {} higher than the baseline's, on the same rows?",
    Direction.TARGET: "Did the {} move, on the same rows?",
}


def sentence(found: Comparison) -> str:
    """Say what happened in numbers: "accuracy fell by 1.20 points, from 81.20 % to 80.00 % (98 % interval ...)"."""
    metric = found.metric
    rows = f"on {found.n:,} rows"
    if not math.isfinite(found.candidate) or not math.isfinite(found.baseline):
        return f"{metric.title} could not be computed {rows}"
    level = f"{100 * (1 - 2 * metric.tail(ALPHA)):.0f} % interval"
    low, high = amount(metric, found.low, bare=True), amount(metric, found.high)
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        low = high = "unknown"
    if found.paired_only:
        return (
            f"{metric.title}: {value(metric, found.candidate)} "
            f"({level} {value(metric, found.low)} to {value(metric, found.high)}), {rows}"
        )
    values = f"{value(metric, found.baseline)} to {value(metric, found.candidate)}"
    if found.change == 0:
        moved = f"{metric.title} did not move from {value(metric, found.baseline)}"
    else:
        verb = "rose" if found.change > 0 else "fell"
        moved = f"{metric.title} {verb} by {amount(metric, abs(found.change))}, from {values}"
    return f"{moved} ({level} of the change {low} to {high}), {rows}"


def amount(metric: Metric, number: float, *, bare: bool = False) -> str:
    """Write a difference in the metric's unit: shares in points."""
    if metric.unit == "ratio":
        shown = f"{100 * number:.2f}" if abs(number) >= 0.001 or number == 0 else f"{100 * number:.2g}"
        return shown if bare else f"{shown} points"
    shown = f"{number:.4g}"
    return shown if bare or not metric.unit else f"{shown} {metric.unit}"


def value(metric: Metric, number: float) -> str:
    """Write a value in the metric's unit: shares in percent."""
    return (
        f"{100 * number:.2f} %" if metric.unit == "ratio" else f"{number:.4f}" if abs(number) < 10 else f"{number:.6g}"
    )


def tidy(number: float | None) -> float | None:
    """Return a number for evidence: finite or `None`, `DIGITS` significant digits, never a negative zero."""
    known = finite(number)
    return None if known is None else float(f"{known:.{DIGITS}g}") + 0.0
