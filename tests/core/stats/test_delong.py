"""DeLong's paired comparison of two areas under the ROC curve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from ghmlops.core.stats import delong


def random_scores(n: int, ties: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n + ties)
    signal = rng.normal(size=n)
    positive = rng.random(n) < 1 / (1 + np.exp(-signal))
    sides = [signal + 0.5 * rng.normal(size=n) for _ in range(2)]
    first, second = (np.round(s, 1) if ties else s for s in sides)
    return positive, first, second


def naive_error(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Return DeLong's standard error straight from its definition, in O(n^2)."""
    parts = []
    for s in (first, second):
        kernel = (s[positive][:, None] > s[~positive][None, :]) + 0.5 * (s[positive][:, None] == s[~positive][None, :])
        parts.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    by_positive, by_negative = parts[1][0] - parts[0][0], parts[1][1] - parts[0][1]
    return float(np.sqrt(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)))


@pytest.mark.parametrize("ties", [0, 1])
def test_areas_agree_with_scikit_learn_and_errors_with_the_definition(ties: int) -> None:
    """Areas and the standard error agree to 1e-9, with and without ties."""
    positive, first, second = random_scores(400, ties)
    areas = delong.compare(positive, first, second)
    assert roc_auc_score(positive, first) == pytest.approx(areas.baseline, abs=1e-9)
    assert roc_auc_score(positive, second) == pytest.approx(areas.candidate, abs=1e-9)
    assert naive_error(positive, first, second) == pytest.approx(areas.error, abs=1e-9)


def test_midranks_agree_with_scipy() -> None:
    """Tied values share the mean of their ranks."""
    values = np.random.default_rng(1).integers(0, 20, 200).astype(np.float64)
    assert rankdata(values).tolist() == delong.midranks(values).tolist()


def test_influences_sum_to_0_and_their_squares_to_the_variance() -> None:
    """The influences of the rows are centred within each class."""
    positive, first, second = random_scores(300, 1)
    areas = delong.compare(positive, first, second)
    assert areas.influence[positive].sum() == pytest.approx(0.0, abs=1e-12)
    assert areas.influence[~positive].sum() == pytest.approx(0.0, abs=1e-12)
    assert areas.error == pytest.approx(np.sqrt((areas.influence**2).sum()), rel=0.02)


def test_equal_scores_have_no_difference_and_no_error() -> None:
    """An artifact against itself: the areas are equal and the standard error is 0, exactly."""
    positive, first, _ = random_scores(100, 1)
    areas = delong.compare(positive, first, first)
    assert (areas.baseline, 0.0) == (areas.candidate, areas.error)


def test_the_error_is_undefined_with_a_single_row_in_a_class() -> None:
    """One positive row gives areas, and a standard error of NaN."""
    positive = np.array([True, False, False])
    areas = delong.compare(positive, np.array([0.9, 0.1, 0.2]), np.array([0.1, 0.5, 0.2]))
    assert np.isnan(areas.error)


def test_binned_areas_and_influences_are_those_of_tied_scores() -> None:
    """Area and influences are those of rows with rounded scores; the bound is half the proportion of tied pairs."""
    positive, first, _ = random_scores(400, 1)
    distinct, index = np.unique(first, return_inverse=True)
    positives, negatives = (np.bincount(index, weights=w).astype(np.float64) for w in (positive, ~positive))
    area = delong.binned_area(positives, negatives)
    rows = delong.compare(positive, np.zeros(400), first)
    assert area.value == pytest.approx(rows.candidate, abs=1e-12)
    influence = np.where(positive, area.positive[index], area.negative[index])
    assert influence == pytest.approx(rows.influence, abs=1e-12)
    tied = np.mean(first[positive][:, None] == first[~positive][None, :])
    assert area.bound == pytest.approx(tied / 2)
    assert len(distinct) == len(area.positive)
