"""Average precision from counts."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score  # type: ignore[import-untyped]

from ghmlops.core.stats.average_precision import average_precision, bin_error


def counted(label: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, place = np.unique(scores, return_inverse=True)
    return np.bincount(place, weights=label), np.bincount(place, weights=1 - label)


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_values_agree_with_scikit_learn_and_influences_with_one_more_row(digits: int) -> None:
    """To 1e-9; what a row adds is what duplicating it changes, to second order, and all rows together add 0."""
    rng = np.random.default_rng(digits)
    scores = np.round(rng.random(3000), digits)
    label = (rng.random(3000) < 0.3 * scores) * 1.0
    yes, no = counted(label, scores)
    found = average_precision(yes, no)
    assert average_precision_score(label, scores) == pytest.approx(found.value, abs=1e-9)
    assert yes @ found.positive + no @ found.negative == pytest.approx(0.0, abs=1e-12)
    step = 1e-6
    for k in (0, len(yes) // 2, len(yes) - 1):
        more = np.eye(len(yes))[k] * step
        assert (average_precision(yes + more, no).value - found.value) / step == pytest.approx(
            found.positive[k], abs=1e-6
        )
        assert (average_precision(yes, no + more).value - found.value) / step == pytest.approx(
            found.negative[k], abs=1e-6
        )


@pytest.mark.parametrize("bins", [5, 40])
def test_whatever_the_order_in_a_bin_the_value_is_within_the_bound(bins: int) -> None:
    """Random, best and worst orders of the rows of each bin; the extremes reach the bound."""
    rng = np.random.default_rng(bins)
    yes, no = rng.integers(0, 9, bins).astype(float), rng.integers(0, 30, bins).astype(float)
    value, bound = average_precision(yes, no).value, bin_error(yes, no)
    label = np.concatenate([np.r_[np.ones(int(a)), np.zeros(int(b))] for a, b in zip(yes, no, strict=True)])
    place = np.repeat(np.arange(bins), (yes + no).astype(int))
    inside = [rng.random(len(label)) for _ in range(20)] + [label, 1 - label]
    off = [abs(average_precision_score(label, place + 0.5 * x) - value) for x in inside]
    assert max(off) <= bound + 1e-12
    assert max(off) == pytest.approx(bound)
