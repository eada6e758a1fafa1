"""The contract value by value: predictions, labels, times, slices, queries and vectors."""

from __future__ import annotations

import pytest

from contract_facts import facts, finding, outcomes
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract.facts import Facts


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (facts(candidate={"nan_scores": 1}), {"unusable-prediction": Outcome.FAIL}),
        (facts({"nan_scores": 1}), {"unusable-prediction": Outcome.WARN}),
        (
            facts(candidate={"outside_scores": 9, "low_score": -3.0, "high_score": 4.0}),
            {"score-range": Outcome.FAIL},
        ),
        (facts(candidate={"stale_predictions": 9}), {"stale-prediction": Outcome.WARN}),
        (facts(candidate={"odd_labels": 1}), {"label-values": Outcome.FAIL}),
        (facts(label_conflicts=10), {"label-changed": Outcome.WARN}),
        (facts(label_conflicts=11), {"label-changed": Outcome.FAIL}),
        (facts(time_conflicts=1), {"time-changed": Outcome.WARN}),
        (facts(slice_conflicts={"device": 500, "os": 0}), {"slice-changed": Outcome.FAIL}),
        (facts(labelled=0), {"labels-missing": Outcome.INCONCLUSIVE}),
        (facts(candidate={"broken_vectors": 2}, task="multiclass"), {"unusable-prediction": Outcome.FAIL}),
        (facts(candidate={"null_queries": 2}, task="ranking"), {"unusable-prediction": Outcome.FAIL}),
        (facts(candidate={"ragged_vectors": 2}, task="multiclass"), {"ragged-vector": Outcome.FAIL}),
        (facts({"ragged_vectors": 2}, task="multiclass"), {"ragged-vector": Outcome.WARN}),
        (facts(candidate={"unnormalised_vectors": 2}, task="multiclass"), {"unnormalised-vector": Outcome.FAIL}),
        (facts(candidate={"outside_scores": 2}, task="multiclass"), {"score-range": Outcome.FAIL}),
        (facts(candidate={"zero_vectors": 2}, task="embedding"), {"zero-vector": Outcome.FAIL}),
        (facts(unlike_lengths=1, task="embedding"), {"vector-length": Outcome.FAIL}),
        (facts(labelled=0, task="embedding"), {}),
        (facts(query_conflicts=10, task="ranking"), {"query-changed": Outcome.WARN}),
        (
            facts(query_conflicts=11, task="ranking"),
            {"query-changed": Outcome.FAIL, "left-out": Outcome.INCONCLUSIVE},
        ),
    ],
)
def test_each_fault_of_values_has_its_own_finding(counted: Facts, expected: dict[str, Outcome]) -> None:
    """Up to 1 % of contradicting rows warns, more fails; faults of the candidate fail, those of the baseline warn."""
    assert {"rows": Outcome.PASS} | expected == outcomes(counted)


def test_a_majority_of_stale_decisions_is_a_different_order_of_classes() -> None:
    """The probable cause is named if more than half of the decisions contradict the scores, and only then."""
    many = finding(facts(candidate={"stale_predictions": 501}, task="multiclass"), "stale-prediction")
    assert "501 of 1,000 (50 %)" in many.reason
    assert "`classes`" in many.reason
    few = finding(facts(candidate={"stale_predictions": 5}, task="multiclass"), "stale-prediction")
    assert "`classes`" not in few.reason
    swapped = finding(facts(candidate={"stale_predictions": 1000}), "stale-prediction")
    assert "other class" in swapped.reason


def test_each_task_has_its_own_terms() -> None:
    """The vectors of a classifier may be logits, not log-odds; the labels of a ranking are relevances, not classes."""
    vectors = finding(facts(candidate={"outside_scores": 3}, task="multiclass"), "score-range")
    assert "3 of 1,000 (0.3 %)" in vectors.reason
    assert "logits" in vectors.reason
    assert "log-odds" in finding(facts(candidate={"outside_scores": 3}), "score-range").reason
    relevance = finding(facts(candidate={"odd_labels": 3}, task="ranking"), "label-values")
    assert "0 or more" in relevance.reason
