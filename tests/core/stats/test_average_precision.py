"""Average precision from counts at each score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score  # type: ignore[import-untyped]

from ghmlops.core.stats.average_precision import average_precision, binning_bound


def counts_by_score(label: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, index = np.unique(scores, return_inverse=True)
    return np.bincount(index, weights=label), np.bincount(index, weights=1 - label)


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_values_agree_with_scikit_learn_and_influences_with_finite_differences(digits: int) -> None:
    """Values to 1e-9; an influence is the derivative of the value along the number of rows, and influences sum to 0."""
    rng = np.random.default_rng(digits)
    scores = np.round(rng.random(3000), digits)
    label = (rng.random(3000) < 0.3 * scores) * 1.0
    positive, negative = counts_by_score(label, scores)
    estimate = average_precision(positive, negative)
    assert average_precision_score(label, scores) == pytest.approx(estimate.value, abs=1e-9)
    assert positive @ estimate.positive + negative @ estimate.negative == pytest.approx(0.0, abs=1e-12)
    step = 1e-6
    for k in (0, len(positive) // 2, len(positive) - 1):
        extra = np.eye(len(positive))[k] * step
        by_positive = (average_precision(positive + extra, negative).value - estimate.value) / step
        by_negative = (average_precision(positive, negative + extra).value - estimate.value) / step
        assert by_positive == pytest.approx(estimate.positive[k], abs=1e-6)
        assert by_negative == pytest.approx(estimate.negative[k], abs=1e-6)


@pytest.mark.parametrize("bins", [5, 40])
def test_the_value_is_within_the_bound_for_any_order_within_the_bins(bins: int) -> None:
    """Random, best and worst orders of the rows of each bin stay within the bound; the extremes reach it."""
    rng = np.random.default_rng(bins)
    positive, negative = rng.integers(0, 9, bins).astype(float), rng.integers(0, 30, bins).astype(float)
    value, bound = average_precision(positive, negative).value, binning_bound(positive, negative)
    label = np.concatenate([np.r_[np.ones(int(a)), np.zeros(int(b))] for a, b in zip(positive, negative, strict=True)])
    bin_of = np.repeat(np.arange(bins), (positive + negative).astype(int))
    orders = [rng.random(len(label)) for _ in range(20)] + [label, 1 - label]
    errors = [abs(average_precision_score(label, bin_of + 0.5 * x) - value) for x in orders]
    assert max(errors) <= bound + 1e-12
    assert max(errors) == pytest.approx(bound)
