"""The cluster sign-flip test."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ghmlops.core.stats import mcnemar, sign_flip


def one(totals: list[float] | np.ndarray) -> float:
    values = np.asarray(totals, dtype=np.float64)
    return float(sign_flip.p_above(np.zeros(len(values), dtype=np.int64), values, 1)[0])


def enumerated(values: np.ndarray) -> float:
    sums = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values)))) @ values
    seen = values.sum()
    close = np.isclose(sums, seen, atol=1e-9)
    return float(np.mean((sums > seen) & ~close) + 0.5 * np.mean(close))


@pytest.mark.parametrize("count", [2, 5, 11, 12, 14, 16])
def test_it_agrees_with_all_sign_patterns(count: int) -> None:
    """Few clusters are exact; from 13 on the saddlepoint stays within a few percent of the enumerated p."""
    for seed in range(4):
        values = np.random.default_rng(seed).normal(0.6, 1.0, size=count)
        tolerance = 1e-12 if count <= sign_flip.EXACT_CLUSTERS else 0.01
        assert enumerated(values) == pytest.approx(one(values), abs=tolerance)


def test_single_rows_as_clusters_give_mcnemars_test() -> None:
    """Clusters of one row each, changed by one answer, are discordant pairs."""
    expected = float(mcnemar.p_more(np.array([60.0]), np.array([30.0]))[0])
    assert expected == pytest.approx(one([1.0] * 60 + [-1.0] * 30), rel=0.05)


def test_all_clusters_one_way_is_half_of_the_rarest_pattern() -> None:
    """The most extreme pattern has probability 2^-k, of which mid-p counts half."""
    assert pytest.approx(one(np.linspace(1, 2, 40)), rel=1e-9) == 0.5**41


def test_no_change_says_nothing_and_a_fall_is_the_mirror_image() -> None:
    """Zero totals give one half; the opposite totals give the complement."""
    values = np.random.default_rng(3).normal(0.2, 1.0, size=50)
    assert one([0.0, 0.0]) == 0.5
    assert one([]) == 0.5
    assert 1.0 - one(values) == pytest.approx(one(-values), abs=1e-12)


def test_cells_do_not_touch_each_other() -> None:
    """Many cells at once give what each gives alone, whatever its scale."""
    rng = np.random.default_rng(5)
    parts = [rng.normal(0.3, 1.0, size=k) * scale for k, scale in ((30, 1.0), (8, 1e-9), (70, 1e9))]
    cell = np.repeat(np.arange(3), [len(p) for p in parts])
    together = sign_flip.p_above(cell, np.concatenate(parts), 3)
    assert [one(p) for p in parts] == pytest.approx(together.tolist(), rel=1e-9)
