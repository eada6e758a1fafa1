"""Results too good to be true: an improvement, or a level, that is leakage until it is explained."""

from __future__ import annotations

import math

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.predictions import ruling as judge
from ghmlops.core.predictions.ruling import Comparison, tidy

DOCS = f"{judge.DOCS}#behaviour"
NEARLY_PERFECT = frozenset({"auc", "average-precision", "mcc", "r2", "ndcg", "map", "mrr"})
"""Metrics that 1 is the best of, and that real data all but never reach."""
PERFECT, ORDINARY, ROWS = 0.999, 0.99, 1_000
"""A level of `PERFECT` or more on at least `ROWS` rows is not believed where the baseline was below `ORDINARY`."""


def implausible(found: Comparison, dataset: str = "") -> Finding | None:
    """Return the finding on an improvement that is shown and too good to believe, else None.

    `implausible-jump`: beyond `Metric.implausible`. `implausible-level`: suddenly nearly perfect.
    """
    if not math.isfinite(found.loss) or found.n < judge.MINIMUM or not found.loss_high < 0:
        return None
    if _jumped(found):
        return _finding(
            found, "implausible-jump", "an improvement this large is leakage until it is explained", dataset
        )
    if _perfect(found):
        said = f"{judge.value(found.metric, PERFECT)} or more is leakage until it is explained"
        return _finding(found, "implausible-level", said, dataset)
    return None


def _jumped(found: Comparison) -> bool:
    metric = found.metric
    if metric.implausible is None:
        return False
    return -found.loss > metric.implausible * (abs(found.baseline) if metric.margin_of == "baseline" else 1.0)


def _perfect(found: Comparison) -> bool:
    known = found.metric.id in NEARLY_PERFECT and found.metric.direction is Direction.HIGHER
    return known and found.n >= ROWS and found.baseline < ORDINARY and found.candidate >= PERFECT


def _finding(found: Comparison, name: str, clause: str, dataset: str) -> Finding:
    return Finding(
        id=name,
        metric=found.metric.id,
        outcome=Outcome.WARN,
        reason=f"{judge.sentence(found)}: {clause}.",
        docs=DOCS,
        description="Is an improvement too good to be true?",
        dataset=dataset,
        unit=found.metric.unit,
        direction=found.metric.direction,
        baseline=tidy(found.baseline),
        candidate=tidy(found.candidate),
        change=Interval(estimate=tidy(found.change), low=tidy(found.low), high=tidy(found.high)),
        method=found.method,
        n=found.n,
    )
