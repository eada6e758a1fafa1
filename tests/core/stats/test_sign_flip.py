"""The sign-flip test of cluster totals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ghmlops.core.stats import mcnemar, sign_flip


def p_of_cell(totals: list[float] | np.ndarray) -> float:
    values = np.asarray(totals, dtype=np.float64)
    return float(sign_flip.p_greater(np.zeros(len(values), dtype=np.int64), values, 1)[0])


def enumerate_patterns(values: np.ndarray) -> float:
    sums = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values)))) @ values
    observed = values.sum()
    equal = np.isclose(sums, observed, atol=1e-9)
    return float(np.mean((sums > observed) & ~equal) + 0.5 * np.mean(equal))


@pytest.mark.parametrize("count", [2, 5, 11, 12, 14, 16])
def test_it_agrees_with_all_sign_patterns(count: int) -> None:
    """Up to 12 clusters p is exact; from 13 on the saddlepoint approximation is within 0.01 of the enumerated p."""
    for seed in range(4):
        values = np.random.default_rng(seed).normal(0.6, 1.0, size=count)
        tolerance = 1e-12 if count <= sign_flip.MAX_EXACT_CLUSTERS else 0.01
        assert enumerate_patterns(values) == pytest.approx(p_of_cell(values), abs=tolerance)


def test_clusters_of_single_rows_give_mcnemars_test() -> None:
    """Clusters of one changed row each are discordant pairs: p agrees with mid-p to 5 %."""
    expected = float(mcnemar.p_greater(np.array([60.0]), np.array([30.0]))[0])
    assert expected == pytest.approx(p_of_cell([1.0] * 60 + [-1.0] * 30), rel=0.05)


def test_clusters_that_all_agree_have_half_the_probability_of_the_rarest_pattern() -> None:
    """The most extreme of 2^k patterns has probability 2^-k, of which mid-p counts half."""
    assert pytest.approx(p_of_cell(np.linspace(1, 2, 40)), rel=1e-9) == 0.5**41


def test_without_change_p_is_one_half_and_opposite_totals_give_the_complement() -> None:
    """Totals of 0, and no totals, give one half; p(-x) is 1 - p(x)."""
    values = np.random.default_rng(3).normal(0.2, 1.0, size=50)
    assert p_of_cell([0.0, 0.0]) == 0.5
    assert p_of_cell([]) == 0.5
    assert 1.0 - p_of_cell(values) == pytest.approx(p_of_cell(-values), abs=1e-12)


def test_cells_are_independent_of_each_other() -> None:
    """Several cells at once have the p-values that each has alone, whatever its scale."""
    rng = np.random.default_rng(5)
    parts = [rng.normal(0.3, 1.0, size=k) * scale for k, scale in ((30, 1.0), (8, 1e-9), (70, 1e9))]
    cell = np.repeat(np.arange(3), [len(p) for p in parts])
    together = sign_flip.p_greater(cell, np.concatenate(parts), 3)
    assert [p_of_cell(p) for p in parts] == pytest.approx(together.tolist(), rel=1e-9)
