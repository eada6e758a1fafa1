"""Changes of proportions and means over independent rows and over clusters."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import ACCURACY
from ghmlops.core.model import Direction
from ghmlops.core.paired.aggregates import Cells, Floats, Squares
from ghmlops.core.paired.change import cluster_robust_error, compare_means, compare_proportions
from ghmlops.core.paired.pair_rates import CHANGED, compare_rate
from paired_rows import binary, compare, random_decisions


def test_without_a_changed_row_the_limit_is_that_of_the_clusters() -> None:
    """Accuracy without any change: the limit is that of as many rows as there are clusters, never a point."""
    label, first, _ = random_decisions(1000)
    rows = binary(label, first, first)
    comparison = compare(ACCURACY, replace(rows, group=np.repeat(np.arange(20), 50)))
    as_clusters = compare(ACCURACY, rows.select(np.arange(20)))
    assert comparison.loss_high[0] == pytest.approx(as_clusters.loss_high[0], rel=1e-9)
    assert compare(ACCURACY, rows).loss_high[0] < comparison.loss_high[0]


def test_a_single_cluster_has_no_standard_error() -> None:
    """One cluster has no degree of freedom and a NaN error; two have one."""
    influence = np.array([0.1, -0.2, 0.1])
    error, df = cluster_robust_error(influence, np.zeros(3, dtype=np.uint64))
    assert np.isnan(error)
    assert df == 0
    error, df = cluster_robust_error(influence, np.array([0, 0, 1], dtype=np.uint64))
    assert error == pytest.approx(0.2)
    assert df == 1


EXPERIMENTS, ROWS = 3000, 500
"""Simulated comparisons, and the rows of each."""


def weighted_cells(a: Floats, d: Floats, w: Floats) -> Cells:
    """Return the sums of weighted rows, one cell per experiment; arrays of shape (experiments, rows)."""
    terms = {"a": a, "d": d, "aa": a * a, "ad": a * d, "dd": d * d}

    def sums(factor: Floats) -> dict[str, Any]:
        return {name: (factor * term).sum(axis=1) for name, term in terms.items()}

    squares = Squares(n=(w * w).sum(axis=1), **sums(w * w))
    return Cells(n=np.full(len(a), float(a.shape[1])), **sums(w), weight=w.sum(axis=1), squares=squares)


@lru_cache
def draw(experiments: int, *, shift: float) -> dict[str, Floats]:
    """Draw a trait x, weights that grow with it, changes of a mean, and gained and lost decisions that depend on it."""
    rng = np.random.default_rng(experiments)
    shape = (experiments, ROWS)
    x = rng.normal(size=shape)
    w = np.exp(0.5 * x + 0.6 * rng.normal(size=shape))
    u = rng.random(shape)
    lost = np.clip(0.06 * (1 + shift * np.tanh(x)), 0.0, 1.0)
    d = np.where(u < 0.06, 1.0, np.where(u > 1 - lost, -1.0, 0.0))
    return {"w": w, "mean": shift * 0.2 * x + rng.standard_t(6, shape), "decision": d, "a": np.where(d < 0, 1.0, 0.0)}


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_intervals_of_weighted_rows_cover_the_truth(shift: float) -> None:
    """Limits at 1 % miss the weighted truth in about 1 % of the experiments each; equal sides are rarely a loss.

    Weights and changes both grow with a trait, so that the weighted truth is not that of the rows. An interval that
    ignores the weights would miss it.
    """
    large, sample = draw(4000, shift=shift), draw(EXPERIMENTS, shift=shift)
    comparisons = {
        "mean": compare_means(weighted_cells(sample["mean"], sample["mean"], sample["w"]), 0.01, Direction.LOWER),
        "decision": compare_proportions(
            weighted_cells(sample["a"], sample["decision"], sample["w"]), 0.01, Direction.HIGHER
        ),
    }
    for name, comparison in comparisons.items():
        truth = float((large["w"] * large[name]).sum() / large["w"].sum())
        assert np.mean(comparison.low > truth) < 0.018, name
        assert np.mean(comparison.high < truth) < 0.018, name
        unweighted = float(large[name].mean())
        if shift and name == "mean":
            assert np.mean(comparison.low > unweighted) > 0.05
        if shift == 0.0:
            assert np.mean(comparison.p < 0.01) < 0.016, name


def test_the_rate_of_weighted_rows_covers_the_truth() -> None:
    """Exact limits of effective counts miss the weighted rate in at most 1 % each, up to noise; without change too."""
    large, sample = draw(4000, shift=0.8), draw(EXPERIMENTS, shift=0.8)
    changed, zero = np.abs(sample["decision"]), np.zeros_like(sample["decision"])
    comparison = compare_rate(weighted_cells(zero, changed, sample["w"]), CHANGED, 0.01)
    truth = float((large["w"] * np.abs(large["decision"])).sum() / large["w"].sum())
    assert np.mean(comparison.low > truth) < 0.018
    assert np.mean(comparison.high < truth) < 0.018
    never = compare_rate(weighted_cells(zero, zero, sample["w"]), CHANGED, 0.01)
    effective = (sample["w"].sum(axis=1) ** 2) / (sample["w"] ** 2).sum(axis=1)
    assert never.high == pytest.approx(1 - 0.01 ** (1 / effective), rel=1e-6)


def test_light_changes_do_not_hide_that_heavy_rows_may_change() -> None:
    """Three rows outweigh 800 of which many changed: the interval is that of three rows without a change."""
    label, first, second = random_decisions(803)
    weight = np.full(803, 1e-9)
    heavy = np.flatnonzero(first == second)[:3]
    weight[heavy] = 1.0
    rows = replace(binary(label, first, second), weight=weight)
    comparison, three = compare(ACCURACY, rows), compare(ACCURACY, binary(label, first, second).select(heavy))
    assert comparison.low[0] == pytest.approx(three.low[0], abs=1e-6)
    assert comparison.high[0] == pytest.approx(three.high[0], abs=1e-6)
