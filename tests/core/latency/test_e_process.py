"""E-processes: their expectation by exact enumeration, their mixture, and the bound that they reject."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.latency.e_process import (
    GRID,
    QUANTILE_TO_FAIL,
    QUANTILE_TO_PASS,
    TAIL_TO_FAIL,
    TAIL_TO_PASS,
    PairedDifferences,
    Stakes,
    highest_rejected,
    log_increments,
    log_mixture,
)


@pytest.mark.parametrize("stakes", [QUANTILE_TO_FAIL, QUANTILE_TO_PASS, GRID, TAIL_TO_FAIL, TAIL_TO_PASS])
@given(sizes=st.lists(st.floats(0.001, 30), min_size=1, max_size=7))
def test_e_process_has_expectation_one_under_symmetric_signs(stakes: Stakes, sizes: list[float]) -> None:
    """Averaged over all sign patterns of any sizes, each term is exactly 1: the assumption of the verdict."""
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=len(sizes))))
    sums = log_increments(signs * np.array(sizes), stakes).sum(axis=1)
    assert np.ones(len(stakes.lambdas)) == pytest.approx(np.exp(sums).mean(axis=0))


@given(st.floats(-30, 30))
def test_increments_equal_their_definition(x: float) -> None:
    """The increments equal lambda x - log cosh(lambda x) wherever the direct formula is finite."""
    y = x * GRID.lambdas
    assert (y - np.log(np.cosh(y))) == pytest.approx(log_increments(np.array([x]), GRID)[0], abs=1e-9)


def test_increments_do_not_overflow() -> None:
    """x = 1e6 gives log 2 for every lambda, and x = -1e6 a finite loss."""
    assert np.full(14, math.log(2)) == pytest.approx(log_increments(np.array([1e6]), GRID)[0])
    assert bool(np.isfinite(log_increments(np.array([-1e6]), GRID)).all())
    assert pytest.approx(float(log_mixture(np.full((1, 14), 5000.0), GRID))) == 5000.0


def test_extreme_values_are_clipped_in_the_tail() -> None:
    """In the tail mixture x is clipped to 2 in either direction."""
    for stakes in (TAIL_TO_FAIL, TAIL_TO_PASS):
        clipped = log_increments(np.array([2.0, -2.0]), stakes)
        assert clipped == pytest.approx(log_increments(np.array([50.0, -1e9]), stakes))


def test_the_mixture_is_a_mean() -> None:
    """The mixture is the mean of e-values, weighted over lambda and equally over the views, hence an e-value."""
    sums = np.log(np.array([[9.0, 1.0, 2.0, 3.0], [9.0, 4.0, 5.0, 6.0]]))
    expected = (0.7 + 0.4 + 0.3 + 2.8 + 1.0 + 0.6) / 2
    assert expected == pytest.approx(math.exp(float(log_mixture(sums, TAIL_TO_FAIL))))
    mixtures = (QUANTILE_TO_FAIL, QUANTILE_TO_PASS, TAIL_TO_FAIL, TAIL_TO_PASS)
    assert [float(stakes.weights.sum()) for stakes in mixtures] == pytest.approx([1.0] * 4)


def test_a_stake_without_weight_does_not_count() -> None:
    """A sum whose stake has no weight changes nothing, however large it is."""
    assert float(log_mixture(np.array([[5000.0, 1.0, 2.0, 5000.0]]), QUANTILE_TO_PASS)) == pytest.approx(
        math.log(0.85 * math.e + 0.15 * math.e**2)
    )


def test_failure_and_pass_share_their_stakes() -> None:
    """Both mixtures of a quantile have the same stakes, so that their sums have one shape."""
    assert QUANTILE_TO_FAIL.lambdas.tolist() == QUANTILE_TO_PASS.lambdas.tolist()
    assert TAIL_TO_FAIL.lambdas.tolist() == TAIL_TO_PASS.lambdas.tolist()
    assert QUANTILE_TO_FAIL.clip == QUANTILE_TO_PASS.clip == 4.0


def test_dilution_divides_the_evidence_of_each_pair() -> None:
    """Dilution lowers the bound; of two factors only that of the pair at which the process rejects matters."""
    d = np.full((40, 1), 0.2)
    plain = PairedDifferences(d=d, unit=np.full(40, 0.05), stakes=GRID)
    halves = PairedDifferences(d=d, unit=plain.unit, stakes=GRID, dilution=np.full(40, 4.0))
    late = PairedDifferences(d=d, unit=plain.unit, stakes=GRID, dilution=np.r_[np.full(39, 1.0), 100.0])
    assert highest_rejected(halves, 300) < highest_rejected(plain, 300)
    assert highest_rejected(halves, 300) == pytest.approx(highest_rejected(plain, 300.0**4), abs=1e-5)
    assert highest_rejected(late, 300) == pytest.approx(highest_rejected(plain, 300), abs=0.01)
    assert highest_rejected(late, 300, at_any_time=False) < highest_rejected(plain, 300) - 0.01


def test_the_bound_equals_a_grid_search() -> None:
    """The bound is the largest log ratio that a fine grid of e-processes rejects, at any time or at the end."""
    rng = np.random.default_rng(1)
    logs = np.concatenate([rng.normal(0.25, 0.05, 30), rng.normal(0.1, 0.05, 15)])
    differences = PairedDifferences(d=logs[:, np.newaxis], unit=np.full(45, 0.05), stakes=GRID)
    grid = np.arange(-0.3, 0.4, 0.0005)
    e = [log_mixture(log_increments((differences.d - m) / 0.05, GRID).cumsum(axis=0), GRID) for m in grid]
    for at_any_time, reached in ((True, [x.max() for x in e]), (False, [x[-1] for x in e])):
        rejected = [m for m, x in zip(grid, reached, strict=True) if x >= math.log(300)]
        assert max(rejected) == pytest.approx(highest_rejected(differences, 300, at_any_time=at_any_time), abs=0.0006)
    assert highest_rejected(differences, 300, at_any_time=False) < highest_rejected(differences, 300)
