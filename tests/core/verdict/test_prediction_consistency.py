"""Prediction findings are ruled again from their numbers."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.verdict.prediction_consistency import _finding_contradictions


@pytest.mark.parametrize(
    ("baseline", "candidate", "outcome", "contradictions"),
    [
        (-6.0, -1.0, Outcome.PASS, 0),  # nearer to 0, although the value rose
        (6.0, 1.0, Outcome.PASS, 0),
        (-1.0, -6.0, Outcome.PASS, 1),  # farther from 0, although the value fell
        (1.0, 6.0, Outcome.PASS, 1),
        (-1.0, -6.0, Outcome.FAIL, 0),
    ],
)
def test_bias_is_a_distance(baseline: float, candidate: float, outcome: Outcome, contradictions: int) -> None:
    """The bias passes if its distance from 0 grew by less than the margin, in whichever direction the value moved."""
    change = candidate - baseline
    finding = Finding(
        id="regression-bias",
        metric="bias",
        outcome=outcome,
        reason="",
        docs="README.md",
        direction=Direction.LOWER,
        baseline=baseline,
        candidate=candidate,
        change=Interval(estimate=change, low=change - 0.1, high=change + 0.1),
        margin=0.5,
        n=5000,
    )
    assert len(list(_finding_contradictions(finding, None, None))) == contradictions
