"""Distances between binned distributions, and their judgement."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from ghmlops.core.model import Outcome
from ghmlops.core.policy.regression import Drift
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.core.predictions.behaviour.drift import FLOOR, distances, joined
from ghmlops.core.predictions.behaviour.drift_findings import MOST_FINDINGS, judge_drift, shrink

LIMITS = Drift()


def binned(
    first: np.ndarray, second: np.ndarray, edges: np.ndarray, missing: tuple[int, int] = (0, 0), column: str = "x"
) -> Distribution:
    a, b = (np.histogram(side, edges)[0].astype(np.int64) for side in (first, second))
    return Distribution(column=column, baseline=a, candidate=b, missing=missing, edges=edges)


def kinds(first: list[int], second: list[int], missing: tuple[int, int] = (0, 0)) -> Distribution:
    return Distribution(
        column="device",
        baseline=np.array(first, dtype=np.int64),
        candidate=np.array(second, dtype=np.int64),
        missing=missing,
        values=[f"v{i}" for i in range(len(first))],
    )


@pytest.mark.parametrize("seed", range(4))
def test_values_on_the_edges_give_scipys_distances_exactly(seed: int) -> None:
    """Whole numbers, one a bin: Kolmogorov-Smirnov and Wasserstein are those of the values."""
    rng = np.random.default_rng(seed)
    first, second = rng.poisson(6, 3000).astype(float), rng.poisson(7, 2000).astype(float)
    found = distances(binned(first, second, np.arange(0.0, 40.0)))
    assert found.ks == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)
    expected = stats.wasserstein_distance(first, second) / first.std()
    assert found.wasserstein == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bins", [20, 200, 2000])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_binned_values_stay_within_the_stated_bounds(bins: int, shift: float) -> None:
    """Against scipy on the values themselves, with bins of unequal width."""
    rng = np.random.default_rng(bins)
    first, second = rng.normal(size=4000), rng.normal(shift, 1.1, 5000)
    both = np.concatenate([first, second])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, bins + 1)))
    found = distances(binned(first, second, edges))
    ks = stats.ks_2samp(first, second).statistic
    assert found.ks is not None
    assert found.ks - 1e-12 <= ks <= found.ks + found.ks_bound + 1e-12
    exact = stats.wasserstein_distance(first, second) / first.std()
    assert found.wasserstein == pytest.approx(exact, abs=found.wasserstein_bound)


def test_jensen_shannon_is_scipys_in_base_two() -> None:
    """On categories with empty ones, and on the joined bins of numbers."""
    found = distances(kinds([50, 30, 20, 0], [40, 0, 40, 20]))
    assert found.js == pytest.approx(jensenshannon([50, 30, 20, 0], [40, 0, 40, 20], base=2), abs=1e-12)
    assert (found.ks, found.wasserstein) == (None, None)
    rng = np.random.default_rng(0)
    numbers = binned(rng.random(1000), rng.random(1000) ** 2, np.linspace(0, 1, 257))
    assert distances(numbers).js == pytest.approx(jensenshannon(*joined(numbers), base=2), abs=1e-12)


def test_psi_is_its_sum_over_tenths_of_the_baseline() -> None:
    """Ten bins of equal mass; the sum of (b - a) log(b / a)."""
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=20_000), rng.normal(0.5, 1, 20_000)
    found = binned(first, second, np.linspace(-6, 6, 4097))
    a, b = joined(found)
    assert len(a) == 10
    assert a == pytest.approx(np.full(10, 2000), abs=20)
    a, b = a / 20_000, b / 20_000
    assert distances(found).psi == pytest.approx(float(np.sum((b - a) * np.log(b / a))))
    cuts = np.quantile(first, np.linspace(0, 1, 11)[1:-1])
    shares = np.bincount(np.searchsorted(cuts, second), minlength=10) / 20_000
    assert distances(found).psi == pytest.approx(float(np.sum((shares - 0.1) * np.log(shares / 0.1))), rel=0.03)


def test_an_empty_bin_costs_a_floor_and_not_infinity() -> None:
    """A value that vanished: its share counts as 1e-4, or half a row where that is more."""
    large = distances(kinds([90_000, 10_000], [100_000, 0])).psi
    assert large == pytest.approx(0.1 * math.log(1 / 0.9) + (0.1 - FLOOR) * math.log(0.1 / FLOOR), rel=1e-9)
    small = distances(kinds([90, 10], [100, 0])).psi
    assert small == pytest.approx(0.1 * math.log(1 / 0.9) + (0.1 - 0.005) * math.log(0.1 / 0.005), rel=1e-9)


def test_new_missing_values_are_drift() -> None:
    """Only the share of nulls moved: the PSI sees it, the shape of the finite values did not move."""
    rng = np.random.default_rng(2)
    values = rng.random(10_000)
    found = distances(binned(values, values[:7000], np.linspace(0, 1, 101), missing=(0, 3000)))
    assert found.psi is not None
    assert found.psi > 1
    assert found.ks is not None
    assert found.ks < 0.02


@pytest.mark.parametrize(
    "found",
    [
        kinds([], []),
        kinds([5], [0]),
        Distribution(
            column="x",
            baseline=np.zeros(0, dtype=np.int64),
            candidate=np.zeros(0, dtype=np.int64),
            missing=(9, 9),
            edges=np.array([0.0]),
        ),
    ],
)
def test_what_cannot_be_measured_is_none(found: Distribution) -> None:
    """No rows of a side, or no finite value on either: no Wasserstein distance, and nothing divided by zero."""
    known = distances(found)
    assert known.wasserstein is None
    assert known.psi in (None, 0.0)


def test_a_constant_baseline_has_no_unit_but_a_shape() -> None:
    """Without a deviation Wasserstein is unknown; the move is seen by the other three."""
    found = distances(binned(np.full(500, 1.0), np.full(500, 2.0), np.arange(5.0)))
    assert (found.wasserstein, found.ks) == (None, 1.0)
    assert found.js == pytest.approx(1.0)


def judged(columns: list[Distribution], limits: Drift = LIMITS, **more: Any) -> dict[str, Outcome]:
    findings, _ = judge_drift(columns, limits, more.get("minimum", 200))
    return {f.id: f.outcome for f in findings}


def test_a_column_that_moved_is_a_warning_with_its_numbers() -> None:
    """Beyond the limit and beyond noise; the table says it too."""
    (found, summary), (row,) = judge_drift([kinds([900, 100], [600, 400])], LIMITS, 200, "eu")
    assert (found.id, found.outcome, found.dataset) == ("drift-psi", Outcome.WARN, "eu")
    assert found.reason.startswith("The distribution of device moved: population stability index 0.5")
    assert (summary.id, summary.outcome) == ("drift-summary", Outcome.WARN)
    assert (row.dataset, row.column, row.outcome, row.ks) == ("eu", "device", Outcome.WARN, None)


def test_noise_alone_is_no_drift_however_large_the_index() -> None:
    """Two draws of 200 rows from 150 categories: the PSI is far beyond .2, and means nothing."""
    rng = np.random.default_rng(3)
    first, second = (np.bincount(rng.integers(0, 150, 200), minlength=150) for _ in range(2))
    column = kinds(first.tolist(), second.tolist())
    psi = distances(column).psi
    assert psi is not None
    assert psi > 0.5
    assert judged([column]) == {"drift-summary": Outcome.PASS}


def test_p_values_of_no_drift_are_not_too_small() -> None:
    """Of 400 pairs of equal distributions at most 2.5 % have p below .01, for either law."""
    rng = np.random.default_rng(4)
    low = np.zeros(2)
    for _ in range(400):
        found = distances(binned(rng.normal(size=800), rng.normal(size=600), np.linspace(-7, 7, 513)))
        assert found.p is not None
        assert found.ks_p is not None
        low += found.p < 0.01, found.ks_p < 0.01
    assert np.all(low <= 10)


def test_the_farthest_distance_names_the_finding() -> None:
    """Four times the Wasserstein limit against less than twice the PSI's; the other is told too."""
    rng = np.random.default_rng(5)
    column = binned(rng.normal(size=5000), rng.normal(0.6, 1, 5000), np.linspace(-8, 8, 1025))
    (found, _), _ = judge_drift([column], Drift(psi=0.2, wasserstein=0.15), 200)
    assert found.id == "drift-wasserstein"
    assert "also population stability index" in found.reason


def test_too_few_rows_are_shown_and_not_judged() -> None:
    """A side with 100 rows has no outcome; where no column has enough the summary warns instead of passing."""
    findings, (row,) = judge_drift([kinds([900, 100], [50, 50])], LIMITS, 200)
    assert [(f.id, f.outcome) for f in findings] == [("drift-summary", Outcome.WARN)]
    assert row.outcome is None
    assert row.psi is not None
    assert row.psi > 0.2
    assert judge_drift([], LIMITS, 200) == ([], [])


def test_without_limits_drift_is_only_shown() -> None:
    """The summary says so."""
    findings, _ = judge_drift([kinds([900, 100], [100, 900])], Drift(psi=None), 200)
    assert [f.outcome for f in findings] == [Outcome.PASS]
    assert "gives no limit" in findings[0].reason


def test_a_thousand_drifting_columns_stay_few_findings() -> None:
    """Bounded, the farthest first, the rest counted."""
    columns = [
        Distribution(
            column=f"c{i}",
            baseline=np.array([5000, 5000]),
            candidate=np.array([8000 + i, 2000 - i]),
            missing=(0, 0),
            values=["a", "b"],
        )
        for i in range(1000)
    ]
    findings, rows = judge_drift(columns, LIMITS, 200)
    assert (len(findings), len(rows)) == (MOST_FINDINGS + 1, 200)
    assert "c999" in findings[0].reason
    assert "1,000 moved beyond a limit" in findings[-1].reason


def test_shrinking_loses_no_row_and_keeps_the_middle_readable() -> None:
    """A far outlier takes one bin, not the picture."""
    rng = np.random.default_rng(6)
    first, second = np.r_[rng.normal(size=10_000), 900.0], rng.normal(size=9_000)
    found = shrink(binned(first, second, np.r_[np.linspace(-6, 6, 2001), 1000.0]), dataset="eu")
    edges, before, after = (np.array(values) for values in (found.edges, found.baseline, found.candidate))
    assert (before.sum(), after.sum()) == (10_001, 9_000)
    assert 30 <= len(before) <= 40
    assert len(edges) == len(before) + 1
    assert np.all(np.diff(edges) > 0)
    assert before.max() < 0.2 * before.sum()
    assert (found.dataset, found.column, found.missing) == ("eu", "x", (0, 0))


def test_shrinking_categories_sums_up_the_rare_ones() -> None:
    """Thirty-nine values and all others."""
    found = shrink(kinds(list(range(100, 0, -1)), [1] * 100))
    assert (len(found.values), found.values[-1], found.candidate[-1]) == (40, "all others", 61)
    few = shrink(kinds([3, 2], [1, 0]))
    assert (few.values, few.baseline, few.candidate) == (("v0", "v1"), (3, 2), (1, 0))
