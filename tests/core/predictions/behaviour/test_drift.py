"""Distances between the distributions of a column, counted in bins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from distribution_data import binned, categories
from ghmlops.core.paired.aggregates import Floats
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.core.predictions.behaviour.drift import distances, merge_bins
from ghmlops.core.predictions.constants import MIN_PSI_SHARE


@pytest.mark.parametrize("seed", range(4))
def test_values_on_the_edges_give_scipys_distances_exactly(seed: int) -> None:
    """With one integer per bin, Kolmogorov-Smirnov and Wasserstein are those of the values."""
    rng = np.random.default_rng(seed)
    first, second = rng.poisson(6, 3000).astype(float), rng.poisson(7, 2000).astype(float)
    result = distances(binned(first, second, np.arange(0.0, 40.0)))
    assert result.ks == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)
    expected = stats.wasserstein_distance(first, second) / first.std()
    assert result.wasserstein == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bins", [20, 200, 2000])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_binned_values_stay_within_the_stated_bounds(bins: int, shift: float) -> None:
    """Compared with scipy on the values themselves, with bins of unequal width."""
    rng = np.random.default_rng(bins)
    first, second = rng.normal(size=4000), rng.normal(shift, 1.1, 5000)
    both = np.concatenate([first, second])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, bins + 1)))
    result = distances(binned(first, second, edges))
    ks = stats.ks_2samp(first, second).statistic
    assert result.ks is not None
    assert result.ks - 1e-12 <= ks <= result.ks + result.ks_bound + 1e-12
    exact = stats.wasserstein_distance(first, second) / first.std()
    assert result.wasserstein == pytest.approx(exact, abs=result.wasserstein_bound)


def test_jensen_shannon_is_scipys_in_base_two() -> None:
    """On categories, some of them empty, and on the merged bins of numbers."""
    result = distances(categories([50, 30, 20, 0], [40, 0, 40, 20]))
    assert result.js == pytest.approx(jensenshannon([50, 30, 20, 0], [40, 0, 40, 20], base=2), abs=1e-12)
    assert (result.ks, result.wasserstein) == (None, None)
    rng = np.random.default_rng(0)
    numbers = binned(rng.random(1000), rng.random(1000) ** 2, np.linspace(0, 1, 257))
    assert distances(numbers).js == pytest.approx(jensenshannon(*merge_bins(numbers), base=2), abs=1e-12)


def test_psi_is_the_sum_over_tenths_of_the_baseline() -> None:
    """Ten bins of equal mass; the sum of (b - a) log(b / a)."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=20_000), rng.normal(0.5, 1, 20_000)
    result = binned(first, second, np.linspace(-6, 6, 4097))
    a, b = merge_bins(result)
    assert len(a) == 10
    assert a == pytest.approx(np.full(10, 2000), abs=20)
    a, b = a / 20_000, b / 20_000
    assert distances(result).psi == pytest.approx(float(np.sum((b - a) * np.log(b / a))))
    quantiles = np.quantile(first, np.linspace(0, 1, 11)[1:-1])
    shares = np.bincount(np.searchsorted(quantiles, second), minlength=10) / 20_000
    assert distances(result).psi == pytest.approx(float(np.sum((shares - 0.1) * np.log(shares / 0.1))), rel=0.03)


def test_an_empty_bin_makes_no_infinite_index() -> None:
    """The share of a value that vanished counts as 1e-4, or as half a row if that is more."""
    large = distances(categories([90_000, 10_000], [100_000, 0])).psi
    assert large == pytest.approx(
        0.1 * math.log(1 / 0.9) + (0.1 - MIN_PSI_SHARE) * math.log(0.1 / MIN_PSI_SHARE), rel=1e-9
    )
    small = distances(categories([90, 10], [100, 0])).psi
    assert small == pytest.approx(0.1 * math.log(1 / 0.9) + (0.1 - 0.005) * math.log(0.1 / 0.005), rel=1e-9)


def test_new_missing_values_are_drift() -> None:
    """Only the share of nulls moved: the PSI detects it, the distribution of the finite values did not move."""
    rng = np.random.default_rng(2)
    values = rng.random(10_000)
    result = distances(binned(values, values[:7000], np.linspace(0, 1, 101), missing=(0, 3000)))
    assert result.psi is not None
    assert result.psi > 1
    assert result.ks is not None
    assert result.ks < 0.02


@pytest.mark.parametrize(
    "distribution",
    [
        categories([], []),
        categories([5], [0]),
        Distribution(
            column="x",
            baseline=np.zeros(0, dtype=np.int64),
            candidate=np.zeros(0, dtype=np.int64),
            missing=(9, 9),
            edges=np.array([0.0]),
        ),
    ],
)
def test_an_undefined_distance_is_none(distribution: Distribution) -> None:
    """No rows of a side, or no finite value on either: no Wasserstein distance, and no division by zero."""
    result = distances(distribution)
    assert result.wasserstein is None
    assert result.psi in (None, 0.0)


def test_a_constant_baseline_has_no_wasserstein_distance() -> None:
    """Without a standard deviation it is undefined; the other distances detect the move."""
    result = distances(binned(np.full(500, 1.0), np.full(500, 2.0), np.arange(5.0)))
    assert (result.wasserstein, result.ks) == (None, 1.0)
    assert result.js == pytest.approx(1.0)


def test_p_values_of_no_drift_are_not_too_small() -> None:
    """Of 400 pairs of equal distributions at most 2.5 % have p below 0.01, for either law."""
    rng = np.random.default_rng(4)
    low = np.zeros(2)
    for _ in range(400):
        result = distances(binned(rng.normal(size=800), rng.normal(size=600), np.linspace(-7, 7, 513)))
        assert result.p is not None
        assert result.ks_p is not None
        low += result.p < 0.01, result.ks_p < 0.01
    assert np.all(low <= 10)


@pytest.mark.parametrize("name", ["counts", "mostly zero", "ten values"])
def test_p_values_of_no_drift_are_not_too_small_with_frequent_values(name: str) -> None:
    """Of 400 pairs of equal discrete distributions at most 2.5 % have p below 0.01: frequent values are own bins."""
    rng = np.random.default_rng(6)

    def draw() -> Floats:
        if name == "counts":
            return rng.poisson(3, 800).astype(float)
        zeros = rng.random(800) < 0.6
        values = np.where(zeros, 0, rng.integers(1, 90, 800)) if name == "mostly zero" else rng.integers(0, 10, 800)
        return np.asarray(values, np.float64)

    low = sum((distances(binned(draw(), draw(), np.arange(91.0))).p or 0.0) < 0.01 for _ in range(400))
    assert low <= 10


def test_a_move_between_a_frequent_value_and_a_rare_neighbour_is_not_hidden() -> None:
    """8 % of the rows that move from the smallest value to 0, which 60 % have, are in another bin than these."""
    first = np.r_[np.full(80, -1.0), np.zeros(600), np.full(320, 2.0)]
    second = np.r_[np.zeros(680), np.full(320, 2.0)]
    result = distances(binned(first, second, np.arange(-2.0, 4.0)))
    shares = np.array([0.08, 0.6, 0.32]), np.array([5e-4, 0.68, 0.32])
    assert result.psi == pytest.approx(np.sum((shares[0] - shares[1]) * np.log(shares[0] / shares[1])))
