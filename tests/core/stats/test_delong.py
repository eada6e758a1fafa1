"""DeLong's paired comparison."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from ghmlops.core.stats import delong


def scores(n: int, ties: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n + ties)
    signal = rng.normal(size=n)
    positive = rng.random(n) < 1 / (1 + np.exp(-signal))
    sides = [signal + 0.5 * rng.normal(size=n) for _ in range(2)]
    first, second = (np.round(s, 1) if ties else s for s in sides)
    return positive, first, second


def naive_error(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """DeLong's variance straight from its definition, in O(n^2)."""
    parts = []
    for s in (first, second):
        kernel = (s[positive][:, None] > s[~positive][None, :]) + 0.5 * (s[positive][:, None] == s[~positive][None, :])
        parts.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    by_positive, by_negative = parts[1][0] - parts[0][0], parts[1][1] - parts[0][1]
    return float(np.sqrt(by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)))


@pytest.mark.parametrize("ties", [0, 1])
def test_areas_agree_with_scikit_learn_and_errors_with_the_definition(ties: int) -> None:
    """To 1e-9, with and without ties."""
    positive, first, second = scores(400, ties)
    found = delong.compare(positive, first, second)
    assert roc_auc_score(positive, first) == pytest.approx(found.baseline, abs=1e-9)
    assert roc_auc_score(positive, second) == pytest.approx(found.candidate, abs=1e-9)
    assert naive_error(positive, first, second) == pytest.approx(found.error, abs=1e-9)


def test_midranks_agree_with_scipy() -> None:
    """Ties share their mean rank."""
    values = np.random.default_rng(1).integers(0, 20, 200).astype(np.float64)
    assert rankdata(values).tolist() == delong.midranks(values).tolist()


def test_row_influences_sum_to_nothing_and_square_to_the_error() -> None:
    """The influences are what clusters add up: centred within each class."""
    positive, first, second = scores(300, 1)
    found = delong.compare(positive, first, second)
    assert found.influence[positive].sum() == pytest.approx(0.0, abs=1e-12)
    assert found.influence[~positive].sum() == pytest.approx(0.0, abs=1e-12)
    assert found.error == pytest.approx(np.sqrt((found.influence**2).sum()), rel=0.02)


def test_equal_scores_differ_by_exactly_nothing() -> None:
    """An artifact against itself: no difference, no error."""
    positive, first, _ = scores(100, 1)
    found = delong.compare(positive, first, first)
    assert (found.baseline, 0.0) == (found.candidate, found.error)


def test_a_single_row_of_a_class_has_no_known_error() -> None:
    """One positive row gives an area and no spread."""
    positive = np.array([True, False, False])
    found = delong.compare(positive, np.array([0.9, 0.1, 0.2]), np.array([0.1, 0.5, 0.2]))
    assert np.isnan(found.error)


def test_binned_areas_and_components_are_those_of_tied_scores() -> None:
    """Scores rounded to bins: area and influences as of the rows; the bound is half of the pairs that are tied."""
    positive, first, _ = scores(400, 1)
    found, place = np.unique(first, return_inverse=True)
    yes, no = (np.bincount(place, weights=w).astype(np.float64) for w in (positive, ~positive))
    area = delong.binned(yes, no)
    rows = delong.compare(positive, np.zeros(400), first)
    assert area.value == pytest.approx(rows.candidate, abs=1e-12)
    got = np.where(positive, area.positive[place], area.negative[place])
    assert got == pytest.approx(rows.influence, abs=1e-12)
    tied = np.mean(first[positive][:, None] == first[~positive][None, :])
    assert area.bound == pytest.approx(tied / 2)
    assert len(found) == len(area.positive)
