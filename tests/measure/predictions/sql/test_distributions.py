"""Scores and features are counted in the same bins on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace
from scipy import stats

from ghmlops.core.predictions.behaviour.drift import distances
from ghmlops.core.predictions.contract.checks import not_measured
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.sql.distributions import MAX_BINS, quartile_edges
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N, M = 1200, 4000


def test_features_are_counted_in_the_same_bins_on_both_sides(read: Read) -> None:
    """Every row is in a bin or missing: heavy tails, constants, NaN, infinities, integers, booleans, many texts."""
    rng = np.random.default_rng(9)
    tail = rng.standard_cauchy(N) * 1e6
    odd = rng.normal(size=N)
    odd[:3] = np.nan, np.inf, -np.inf
    more = {
        "tail": tail,
        "constant": np.full(N, 7.5),
        "odd": odd,
        "null": pa.array([None] * N, pa.float64()),
        "integer": rng.integers(-5, 5, N),
        "flag": rng.random(N) < 0.2,
        "words": [f"w{i}" for i in range(N)],
        "big": np.full(N, 1e300),
    }
    policy = replace(BINARY, features=tuple(more), search=3, minimum_rows=20)
    other = more | {"tail": tail * 2, "words": [f"w{i % 1100}" for i in range(N)]}
    result = read(rows(N, 1) | more, rows(N, 2) | other, policy)
    features = {d.column: d for d in result.features}
    assert set(features) == set(more)
    for d in features.values():
        assert (d.baseline.sum() + d.missing[0], d.candidate.sum() + d.missing[1]) == (N, N)
    assert (features["odd"].missing, features["null"].missing) == ((3, 3), (N, N))
    assert features["words"].values is not None
    assert "(others)" in features["words"].values
    for name in ("tail", "odd", "integer"):
        edges = features[name].edges
        assert edges is not None
        assert np.all(np.diff(edges) > 0)
        finite = np.asarray(more[name], dtype=float)
        finite = np.sort(finite[np.isfinite(finite)])
        below = np.searchsorted(finite, edges[1:-1], side="left")
        assert below == pytest.approx(np.cumsum(features[name].baseline)[:-1], abs=2)
    searched = {columns for columns in result.tables if len(columns) == 1}
    assert {(name,) for name in more if name != "words"} == searched
    assert any("words" in n.why for n in not_measured(result.facts, group=False, windows=False))
    assert len(result.tables["tail",].keys) == 4
    judged = judge_observations([result], policy)
    assert judged.details.drift


SHIFTS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "sentinel": lambda rng, k: np.where(np.arange(M) < 20, 1e12, rng.normal(50 + 10 * k, 10, M)),
    "two sentinels": lambda rng, k: np.select(
        [np.arange(M) < 20, np.arange(M) < 800], [-999.0, 1e18], rng.normal(50 + 10 * k, 10, M)
    ),
    "tiny": lambda rng, k: np.exp(rng.normal(-11.5, 0.5, M)) * (1 + 2 * k),
    "far from zero": lambda rng, k: 1e9 + rng.normal(k, 1, M),
    "two scales": lambda rng, k: np.where(
        np.arange(M) % 2, 1e-6 * rng.lognormal(k, 0.5, M), 1e6 + 1e-3 * rng.normal(k, 1, M)
    ),
    "negative": lambda rng, k: -np.exp(rng.normal(3 + k, 1, M)),
    "mostly zero": lambda rng, k: np.where(np.arange(M) % 5 < 3, 0.0, rng.exponential(1 + 2 * k, M)),
    "counts": lambda rng, k: rng.poisson(3 + 2 * k, M).astype(float),
}


def reference_psi(a: np.ndarray, b: np.ndarray) -> float:
    """Population stability index over the deciles of the baseline, computed from the values themselves."""
    edges = np.unique(np.quantile(a, np.arange(1, 10) / 10, method="lower"))
    bins = [np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) / len(x) for x in (a, b)]
    used = bins[0] + bins[1] > 0
    u, v = (np.maximum(side[used], 1e-4) for side in bins)
    return float(((u - v) * np.log(u / v)).sum())


@pytest.mark.parametrize("name", SHIFTS)
def test_drift_does_not_depend_on_the_scale_or_on_extreme_values(read: Read, name: str) -> None:
    """PSI is close to that of exact deciles, KS and Wasserstein to scipy's, and a shift by one deviation warns."""
    rng = np.random.default_rng(5)
    first, second = SHIFTS[name](rng, 0), SHIFTS[name](rng, 1)
    policy = replace(BINARY, features=("x",), search=0)
    result = read(rows(M, 1) | {"x": first}, rows(M, 1) | {"x": second}, policy)
    (distribution,) = result.features
    assert len(distribution.baseline) <= MAX_BINS + 10
    assert (distribution.baseline.sum(), distribution.candidate.sum()) == (M, M)
    measured = distances(distribution)
    reference = reference_psi(first, second)
    if name in (
        "counts",
        "mostly zero",
        "two sentinels",
    ):  # frequent values are separate bins, which deciles would join
        assert measured.psi is not None
        assert measured.psi >= reference - 0.05
    else:
        assert measured.psi == pytest.approx(reference, rel=0.05)
    assert measured.ks == pytest.approx(stats.ks_2samp(first, second).statistic, abs=0.002)
    ordinary = [x[(x < 1e11) & (x != -999)] for x in (first, second)]
    distance = stats.wasserstein_distance(*ordinary) / ordinary[0].std()
    bound = measured.wasserstein_bound if name == "two scales" else 0.02 * distance
    assert measured.wasserstein == pytest.approx(distance, abs=bound)
    judged = {f.id: f.outcome for f in judge_observations([result], policy).findings}
    assert judged["drift-psi"] == "warn"
    assert {s.value for s in distribution.sentinels} == {
        "sentinel": {1e12},
        "two sentinels": {-999.0, 1e18},
    }.get(name, set())
    assert ("drift-sentinel" in judged) == ("sentinel" in name)


@pytest.mark.parametrize("scale", [1.0, 1e-5, 1e-9])
def test_scores_of_rare_events_drift_as_deciles_show(read: Read, scale: float) -> None:
    """Scores that tripled have the population stability index of exact deciles, whatever their size."""
    rng = np.random.default_rng(6)
    first = np.minimum(np.exp(rng.normal(-2, 0.5, M)), 1 / 3) * scale
    result = read(rows(M, 1) | {"s": first}, rows(M, 1) | {"s": 3 * first})
    assert distances(result.scores[0]).psi == pytest.approx(reference_psi(first, 3 * first), rel=0.05)


def test_discrete_values_are_their_own_bins(read: Read) -> None:
    """A column of few values is counted exactly: each lower edge is a value."""
    rng = np.random.default_rng(7)
    column = rng.choice([-3.0, 0.0, 0.5, 2.0, 1e9], M, p=[0.1, 0.5, 0.2, 0.1, 0.1])
    policy = replace(BINARY, features=("x",), search=0)
    (distribution,) = read(rows(M, 1) | {"x": column}, rows(M, 2) | {"x": column[::-1]}, policy).features
    values, counts = np.unique(column, return_counts=True)
    assert distribution.edges is not None
    assert list(distribution.edges[:-1]) == list(values)
    assert list(distribution.baseline) == list(counts) == list(distribution.candidate)


@pytest.mark.parametrize("name", SHIFTS)
def test_the_slice_search_has_bins_of_about_equal_size(read: Read, name: str) -> None:
    """Four slices, each a quarter within 3 %; heavy ties make fewer, and none is empty."""
    first = SHIFTS[name](np.random.default_rng(8), 0)
    policy = replace(BINARY, features=("x",), search=3, minimum_rows=20)
    result = read(rows(M, 1) | {"x": first}, rows(M, 1) | {"x": first}, policy)
    edges = quartile_edges(result.features[0])
    shares = np.diff(np.r_[0, [np.mean(first < edge) for edge in edges], 1])
    assert len(result.tables["x",].keys) == len(edges) + 1
    assert shares.min() > 0
    if name not in ("mostly zero", "counts"):
        assert shares == pytest.approx(np.full(4, 0.25), abs=0.03)
