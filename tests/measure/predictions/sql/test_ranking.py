"""Multiclass, ranking and embedding tasks, from Parquet files to judged facts and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.contract.checks import not_measured
from ghmlops.core.predictions.judgement import judge_observations
from prediction_artifacts import outcomes_of_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.core.predictions.ruling import Comparison

    Read = Callable[..., Observation]


def by_id(result: Observation, policy: Regression) -> dict[str, Comparison]:
    return {c.metric.id: c for c in compare_overall(result, policy)}


def test_ties_are_ranked_by_ascending_relevance(read: Read) -> None:
    """If all scores are equal, the less relevant documents come first, which gives the lowest reciprocal rank."""
    first = artifacts.ranked(1)
    result = read(first, first | {"s": np.zeros(len(first["id"]))}, artifacts.RANKING)
    comparisons = by_id(result, artifacts.RANKING)
    worst = []
    for q in range(1, 40):
        relevance = sorted(first["y"][q * 12 : q * 12 + 12])
        rank = next(i for i, v in enumerate(relevance) if v > 0)
        worst.append(1 / (rank + 1))
    assert np.mean(worst) == pytest.approx(comparisons["mrr"].candidate, abs=1e-12)


def test_queries_without_a_relevant_document_are_not_measured(read: Read) -> None:
    """One query of 40 is listed as not measured and left out of NDCG; a row without a query is unusable."""
    first, second = artifacts.ranked(1), artifacts.ranked(2)
    second["q"] = [*second["q"][:-1], None]
    result = read(first, second, artifacts.RANKING)
    assert result.facts.pairs
    assert (
        result.facts.pairs.queries,
        result.facts.pairs.queries_without_relevant,
        result.facts.candidate.null_queries,
    ) == (
        40,
        1,
        1,
    )
    assert any(
        "1 of 40" in n.why and "relevant" in n.what for n in not_measured(result.facts, group=False, windows=False)
    )
    assert by_id(result, artifacts.RANKING)["ndcg"].n == 39
    assert outcomes_of_facts(result)["contract-unusable-prediction"] is Outcome.FAIL


def test_documents_of_different_queries_are_a_conflict(read: Read) -> None:
    """Documents whose query differs between the sides are counted; a query of another type is an error."""
    first, second = artifacts.ranked(1), artifacts.ranked(2)
    second["q"] = ["q39", *second["q"][1:]]
    result = read(first, second, artifacts.RANKING)
    assert result.facts.pairs
    assert result.facts.pairs.query_conflicts == 1
    assert outcomes_of_facts(result)["contract-query-changed"] is Outcome.WARN
    other = read(first, second | {"q": np.arange(len(second["id"]))}, artifacts.RANKING)
    assert {f.id for f in judge_observations([other], artifacts.RANKING).findings} == {"contract-key-type"}


def test_removed_queries_are_missing_from_their_slice_only(read: Read) -> None:
    """If all queries of a site are removed, only that slice is reported, and no slice with a null value."""
    policy = replace(artifacts.RANKING, slices=(("site",),))
    second = artifacts.ranked(2)
    indices = np.flatnonzero(np.array(second["site"]) == 0)
    incomplete = {k: [list(v)[i] for i in indices] for k, v in second.items()}
    judged = judge_observations([read(artifacts.ranked(1), incomplete, policy)], policy)
    missing = [f.slice for f in judged.findings if f.id == "slice-missing"]
    assert missing == [{"site": 1}]


def test_negative_relevance_is_an_odd_label(read: Read) -> None:
    """A negative relevance, which would give a negative gain, is counted as an odd label and fails."""
    first = artifacts.ranked(1)
    odd = first | {"y": [-1, *first["y"][1:]]}
    result = read(odd, odd | {"s": artifacts.ranked(2)["s"]}, artifacts.RANKING)
    assert (result.facts.baseline.odd_labels, outcomes_of_facts(result)["contract-label-values"]) == (1, Outcome.FAIL)


def reference_ndcg(gains: np.ndarray, scores: np.ndarray, k: int) -> float:
    """NDCG at `k` of one query from its definition; ties put the smaller gain first."""
    discount = 1 / np.log2(np.arange(2, k + 2))
    order = np.lexsort((gains, -scores))[:k]
    best = np.sort(gains)[::-1][:k]
    return float((gains[order] * discount[: len(order)]).sum() / (best * discount[: len(best)]).sum())


@pytest.mark.parametrize("gain", ["linear", "exponential"])
def test_ndcg_with_linear_or_exponential_gain(read: Read, gain: str) -> None:
    """NDCG equals the definition with gains y or 2^y - 1, averaged over the queries with a relevant document."""
    first, second = artifacts.ranked(1), artifacts.ranked(2)
    policy = replace(artifacts.RANKING, gain=gain)
    comparison = by_id(read(first, second, policy), policy)["ndcg"]
    for value, side in ((comparison.baseline, first), (comparison.candidate, second)):
        labels, scores = side["y"].reshape(-1, 12).astype(float), side["s"].reshape(-1, 12)
        gains = labels if gain == "linear" else 2**labels - 1
        expected = [reference_ndcg(g, s, 5) for g, s in zip(gains, scores, strict=True) if g.any()]
        assert value == pytest.approx(np.mean(expected), abs=1e-12)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_documents_without_a_label_are_irrelevant(read: Read, missing: float | None) -> None:
    """Two relevant documents of ten that fall below eight without a label: NDCG and MRR fall as if these had a 0."""
    n = 600
    relevant, noise = np.arange(n) % 10 < 2, np.random.default_rng(0).random(n) * 0.1
    rows = {"id": np.arange(n), "q": [f"q{i // 10}" for i in range(n)], "y": [1.0 if r else missing for r in relevant]}
    first, second = (rows | {"s": np.where(relevant, score, 0.5) + noise} for score in (0.9, 0.1))
    policy = replace(artifacts.RANKING, at=10)
    result = read(first, second, policy)
    comparisons = by_id(result, policy)
    gains, scores = relevant.reshape(-1, 10).astype(float), np.asarray(second["s"]).reshape(-1, 10)
    expected = np.mean([reference_ndcg(g, s, 10) for g, s in zip(gains, scores, strict=True)])
    assert comparisons["ndcg"].baseline == 1.0
    assert comparisons["ndcg"].candidate == pytest.approx(expected, abs=1e-12)
    assert comparisons["mrr"].candidate == pytest.approx(1 / 9, abs=1e-12)
    assert any("480 of 600" in n.why for n in not_measured(result.facts, group=False, windows=False))
    assert "contract-label-values" not in outcomes_of_facts(result)


def test_equal_probabilities_are_ranked_in_the_order_of_the_classes(read: Read) -> None:
    """Constant vectors are right for the first `top` classes only, and top-1 accuracy is the accuracy."""
    first = artifacts.classified(1)
    flat = first | {"v": [np.full(3, 1 / 3)] * len(first["id"])}
    for top in (1, 2):
        policy = replace(artifacts.MULTICLASS, top=top)
        comparisons = by_id(read(first, flat, policy), policy)
        share = np.mean([label in artifacts.CLASSES[:top] for label in first["y"]])
        assert comparisons["top-k-accuracy"].candidate == pytest.approx(share, abs=1e-12)
        if top == 1:
            assert comparisons["top-k-accuracy"].baseline == comparisons["accuracy"].baseline
            assert comparisons["top-k-accuracy"].candidate == comparisons["accuracy"].candidate
