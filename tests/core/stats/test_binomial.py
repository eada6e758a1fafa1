"""Exact binomial bounds and tests against SciPy and against their definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.stats import binomial

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts=COUNTS, level=st.sampled_from([0.9, 0.99]))
def test_bounds_are_clopper_pearson(counts: tuple[int, int], level: float) -> None:
    """One-sided bounds at level L are the limits of SciPy's exact two-sided interval at level 2 L - 1."""
    count, n = counts
    exact = stats.binomtest(count, n).proportion_ci(confidence_level=2 * level - 1, method="exact")
    assert (exact.low, exact.high) == pytest.approx(
        (binomial.lower_bound(count, n, level), binomial.upper_bound(count, n, level)), abs=1e-9
    )


def test_without_trials_the_bounds_are_0_and_1() -> None:
    """No trial carries no information."""
    assert (binomial.lower_bound(0, 0, 0.99), binomial.upper_bound(0, 0, 0.99)) == (0.0, 1.0)


@given(first=st.integers(0, 2000), second=st.integers(0, 2000))
def test_the_even_split_agrees_with_scipys_two_sided_test(first: int, second: int) -> None:
    """The p-value is that of the exact two-sided binomial test at one half; without trials it is 1."""
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert expected == pytest.approx(binomial.p_even_split(first, second), abs=1e-12)


@pytest.mark.parametrize(("baseline", "candidate", "expected"), [(0, 0, 1.0), (0, 9, 2**-9), (3, 0, 1.0), (1, 1, 0.75)])
def test_mcnemar_counts_discordant_pairs_in_one_direction(baseline: int, candidate: int, expected: float) -> None:
    """The one-sided p-value is P(X >= candidate) if each discordant pair falls either way with probability 1/2."""
    assert expected == pytest.approx(binomial.mcnemar_exact_p(baseline, candidate))


@given(baseline=st.integers(0, 40), candidate=st.integers(0, 40))
def test_mcnemar_is_exact(baseline: int, candidate: int) -> None:
    """It equals the proportion of all 2^n sign patterns with at least as many failures of the candidate."""
    n = baseline + candidate
    expected = Fraction(sum(math.comb(n, k) for k in range(candidate, n + 1)), 2**n)
    assert float(expected) == pytest.approx(binomial.mcnemar_exact_p(baseline, candidate), rel=1e-9)


@pytest.mark.parametrize("n", [1, 8, 9, 30, 400])
def test_mcnemar_keeps_its_level(n: int) -> None:
    """Of all patterns of n pairs, at most 1 in 300 has a p-value below 1/300; with 8 pairs or fewer none has."""
    false_alarms = sum(math.comb(n, k) for k in range(n + 1) if binomial.mcnemar_exact_p(n - k, k) < 1 / 300)
    assert false_alarms * 300 <= 2**n
    assert (false_alarms > 0) == (n > 8)


@pytest.mark.parametrize("excess", [0.0, 0.004, 0.02])
def test_excess_bound_covers_the_truth(excess: float) -> None:
    """The 99 % bound of a paired excess of failures is below the truth in at most 10 of 400 samples."""
    import numpy as np

    rng = np.random.default_rng(5)
    n, shared = 1500, 0.01
    misses = 0
    for _ in range(400):
        discordant = rng.multinomial(n, [shared / 2, shared / 2 + excess, 1 - shared - excess])
        misses += binomial.paired_excess_bound(int(discordant[0]), int(discordant[1]), n, 0.99) < excess
    assert misses <= 10


def test_the_excess_bound_without_failures_depends_on_the_number_of_pairs() -> None:
    """No failure in 1,500 pairs bounds the excess at 0.353 %; without pairs the bound is 1."""
    assert binomial.paired_excess_bound(0, 0, 0, 0.99) == 1.0
    assert binomial.paired_excess_bound(0, 0, 1500, 0.99) == pytest.approx(0.00353, abs=1e-5)


@pytest.mark.parametrize(("candidate", "others"), [(0, 0), (0, 9), (1, 0), (7, 0), (20, 22), (300, 500), (5000, 9000)])
def test_the_odd_one_out_test_is_the_binomial_tail_at_one_third(candidate: int, others: int) -> None:
    """The p-value is P(X >= k) for X ~ Binomial(n, 1/3)."""
    expected = stats.binom.sf(candidate - 1, candidate + others, 1 / 3)
    assert binomial.odd_one_out_p(candidate, others) == pytest.approx(expected, rel=1e-9)
