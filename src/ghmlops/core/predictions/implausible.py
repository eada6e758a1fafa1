"""Findings on results that are too good to be plausible: such an improvement or level is usually leakage."""

from __future__ import annotations

import math

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions.constants import (
    MIN_IMPLAUSIBLE_ROWS,
    MIN_JUDGED_ROWS,
    NEAR_PERFECT,
    NEAR_PERFECT_METRICS,
    ORDINARY,
)
from ghmlops.core.predictions.findings import DOCS, describe_change, format_difference, sentence_case, stated_rows
from ghmlops.core.predictions.ruling import Comparison, evidence_number


def implausible_result(comparison: Comparison, dataset: str = "") -> Finding | None:
    """Return a warning about an improvement that is significant and too large to be plausible, or None.

    `implausible-jump`: the improvement exceeds `Metric.implausible_gain`. `implausible-level`: the candidate is nearly
    perfect and the baseline was not.
    """
    improved = math.isfinite(comparison.loss) and comparison.loss_high < 0
    if not improved or comparison.evidence_rows < MIN_JUDGED_ROWS:
        return None
    limit = _largest_plausible_improvement(comparison)
    if limit is not None and -comparison.loss > limit:
        excess = f"more than the {format_difference(comparison.metric, limit)} that are plausible"
        return _finding("implausible-jump", comparison, excess, dataset)
    if _is_nearly_perfect(comparison):
        return _finding(
            "implausible-level", comparison, f"at or above the implausible level of {NEAR_PERFECT}", dataset
        )
    return None


def _largest_plausible_improvement(comparison: Comparison) -> float | None:
    metric = comparison.metric
    if metric.implausible_gain is None:
        return None
    return metric.implausible_gain * (abs(comparison.baseline) if metric.margin_of == "baseline" else 1.0)


def _is_nearly_perfect(comparison: Comparison) -> bool:
    metric = comparison.metric
    return (
        metric.id in NEAR_PERFECT_METRICS
        and metric.direction is Direction.HIGHER
        and comparison.evidence_rows >= MIN_IMPLAUSIBLE_ROWS
        and comparison.baseline < ORDINARY
        and comparison.candidate >= NEAR_PERFECT
    )


def _finding(name: str, comparison: Comparison, excess: str, dataset: str) -> Finding:
    change = sentence_case(describe_change(comparison, "largest loss"))
    return Finding(
        id=name,
        metric=comparison.metric.id,
        outcome=Outcome.WARN,
        reason=f"{change}, {excess}; {stated_rows(comparison)}. Check for leakage of the label into the features.",
        docs=f"{DOCS}#behaviour",
        description="Is an improvement too good to be plausible?",
        dataset=dataset,
        unit=comparison.metric.unit,
        direction=comparison.metric.direction,
        baseline=evidence_number(comparison.baseline),
        candidate=evidence_number(comparison.candidate),
        change=Interval(
            estimate=evidence_number(comparison.change),
            low=evidence_number(comparison.low),
            high=evidence_number(comparison.high),
        ),
        method=comparison.method,
        n=comparison.n,
    )
