"""Prediction findings are ruled again from their numbers."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from evidence_folders import predictions
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.core.verdict.prediction_consistency import _finding_contradictions, prediction_contradictions


def bias(baseline: float, candidate: float, outcome: Outcome, loss: Interval | None) -> Finding:
    change = candidate - baseline
    return Finding(
        id="regression-bias",
        metric="bias",
        outcome=outcome,
        reason="",
        docs="README.md",
        direction=Direction.LOWER,
        baseline=baseline,
        candidate=candidate,
        change=Interval(estimate=change, low=change - 0.1, high=change + 0.1),
        loss=loss,
        margin=0.5,
        n=5000,
    )


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
    grown = abs(candidate) - abs(baseline)
    finding = bias(baseline, candidate, outcome, Interval(estimate=grown, low=grown - 0.1, high=grown + 0.1))
    assert len(list(_finding_contradictions(finding, None, None))) == contradictions


@pytest.mark.parametrize(
    "loss",
    [
        None,
        Interval(estimate=-5.0),
        Interval(estimate=-4.0, low=-5.0, high=-3.0),  # not what -6 and -1 give
        Interval(estimate=-5.0, low=-4.0, high=-3.0),  # outside of its own interval
        Interval(estimate=-5.0, low=-5.5, high=0.6),  # the limit of the distance is beyond the margin
    ],
)
def test_a_pass_needs_the_interval_of_the_distance(loss: Interval | None) -> None:
    """A pass on the bias without its distance, or with one that does not belong to its values, is a contradiction."""
    assert list(_finding_contradictions(bias(-6.0, -1.0, Outcome.PASS, loss), None, None))


def test_a_pass_on_the_contract_alone_contradicts_itself() -> None:
    """Evidence without a finding on the predictions passes for no reason; the same evidence with them is consistent."""
    honest = predictions()
    assert list(prediction_contradictions(honest, None)) == []
    findings = [finding for finding in honest.findings if finding.id.startswith("contract-")]
    details = msgspec.to_builtins(honest.details) | {"metrics": []}
    alone = replace(honest, findings=findings, details=msgspec.convert(details, type(honest.details)))
    assert list(prediction_contradictions(alone, None))
