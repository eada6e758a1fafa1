"""The duet verdict: its e-process by exact enumeration, its decisions, its intervals, its error rates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core import duet
from ghmlops.core.duet import Duet, log_bets, log_mean_exp, log_ratios, planned_pairs, quantile, rejected_below
from ghmlops.core.policy import DEFAULT_LATENCY_MARGINS, QUANTILES, LatencyMargin

MARGINS = DEFAULT_LATENCY_MARGINS


def alike(d: float) -> dict[str, float]:
    return dict.fromkeys(QUANTILES, d)


def decide(logs: list[float], margins: dict[str, LatencyMargin] = MARGINS) -> tuple[str, int]:
    verdict = Duet(margins)
    for d in logs:
        if verdict.feed(alike(d)):
            break
    return verdict.decision, verdict.pairs


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=60), st.floats(0, 1))
def test_quantile_is_numpys_linear_one(values: list[float], q: float) -> None:
    """The quantile is type 7 of Hyndman and Fan, as NumPy's default."""
    assert float(np.quantile(values, q)) == pytest.approx(quantile(np.sort(np.array(values)), q), rel=1e-9, abs=1e-9)


def test_quantile_of_nothing_and_of_infinities() -> None:
    """No value has no quantile; failed requests (infinite) do not turn into NaN."""
    assert math.isnan(quantile(np.empty(0), 0.5))
    assert math.inf == quantile(np.array([1.0, math.inf, math.inf]), 0.9)


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=7))
def test_e_process_has_expectation_one_under_symmetric_signs(sizes: list[float]) -> None:
    """Averaged over all sign patterns of any sizes, each term is exactly 1: the claim that the verdict rests on."""
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=len(sizes))))
    sums = log_bets(signs * np.array(sizes)).sum(axis=1)
    assert np.ones(len(duet.LAMBDAS)) == pytest.approx(np.exp(sums).mean(axis=0))


@given(st.floats(-30, 30))
def test_bets_equal_their_definition(x: float) -> None:
    """lambda x - log cosh(lambda x), computed without overflow, equals the plain formula where that one is finite."""
    y = x * duet.LAMBDAS
    assert (y - np.log(np.cosh(y))) == pytest.approx(log_bets(np.array([x]))[0], abs=1e-9)


def test_bets_do_not_overflow() -> None:
    """A log ratio of 1e6 wins log 2 for every lambda, and loses without NaN the other way."""
    assert np.full(14, math.log(2)) == pytest.approx(log_bets(np.array([1e6]))[0])
    assert bool(np.isfinite(log_bets(np.array([-1e6]))).all())
    assert pytest.approx(float(log_mean_exp(np.full(14, 5000.0)))) == 5000.0


def test_lambdas_are_the_published_grid() -> None:
    """14 values, evenly spaced in their logarithm from 0.02 to 3."""
    assert np.geomspace(0.02, 3, 14) == pytest.approx(duet.LAMBDAS)


def test_fewest_pairs() -> None:
    """No run of fewer than 5 pairs can pass and none of fewer than 9 can fail, however clear; these many can."""
    assert decide([-50.0] * 20) == ("pass", 5)
    assert decide([50.0] * 20) == ("fail", 9)
    assert (duet.FEWEST_TO_PASS, duet.FEWEST_TO_FAIL) == (5, 9)


@pytest.mark.parametrize(
    ("d", "expected"),
    [(0.0, "pass"), (math.log(0.8), "pass"), (math.log(1.12), "fail"), (math.log(1.5), "fail")],
)
def test_clear_cases(d: float, expected: str) -> None:
    """No change and an improvement pass; 12 % and 50 % more fail."""
    assert expected == decide([d] * 144)[0]


def test_one_bad_quantile_fails_and_keeps_the_others() -> None:
    """A slower p99 alone fails the run; p50 is not called failed with it."""
    verdict = Duet(MARGINS)
    while not verdict.feed({"p50": 0.0, "p95": 0.0, "p99": math.log(1.6)}):
        pass
    assert verdict.decision == "fail"
    assert [verdict.ratio(name).failed for name in QUANTILES] == [False, False, True]
    assert verdict.ratio("p50").passed


def test_the_first_decision_stands() -> None:
    """What comes after the decision is logged and changes neither it nor the intervals."""
    verdict = Duet(MARGINS)
    while not verdict.feed(alike(0.0)):
        pass
    before = [verdict.ratio(name) for name in QUANTILES]
    pairs = verdict.pairs
    for _ in range(40):
        verdict.feed(alike(5.0))
    assert ("pass", pairs, pairs + 40) == (verdict.decision, verdict.decided_at, verdict.pairs)
    assert before == [verdict.ratio(name) for name in QUANTILES]


@given(st.lists(st.floats(-0.6, 0.6), min_size=1, max_size=60))
def test_intervals_agree_with_the_decisions(logs: list[float]) -> None:
    """Failed exactly where the whole interval lies beyond 1 + m0, passed exactly where it lies below 1 + m1."""
    verdict = Duet(MARGINS)
    for d in logs:
        verdict.feed(alike(d))
    for name in QUANTILES:
        found = verdict.ratio(name)
        assert found.low <= found.high
        assert (
            found.failed == (found.low > 1 + MARGINS[name].fail - 1e-5)
            or abs(found.low - 1 - MARGINS[name].fail) < 1e-4
        )
        assert (
            found.passed == (found.high < 1 + MARGINS[name].safe + 1e-5)
            or abs(found.high - 1 - MARGINS[name].safe) < 1e-4
        )


def test_interval_by_brute_force() -> None:
    """The lower end is the largest ratio that a fine grid of e-processes rejects."""
    logs = np.random.default_rng(1).normal(0.2, 0.05, 30)
    grid = np.arange(-0.3, 0.4, 0.0005)
    rejected = [m for m in grid if log_mean_exp(log_bets((logs - m) / 0.05).cumsum(axis=0)).max() >= math.log(300)]
    assert max(rejected) == pytest.approx(rejected_below(logs), abs=0.0006)


def test_too_few_pairs_bound_nothing() -> None:
    """Four pairs reject no ratio on either side."""
    verdict = Duet(MARGINS)
    for _ in range(4):
        verdict.feed(alike(0.1))
    assert (0.0, math.inf) == (verdict.ratio("p99").low, verdict.ratio("p99").high)


def test_false_alarms_with_noise_that_hangs_together() -> None:
    """Signs that are symmetric but sizes that come in heavy bursts: no more than 1 % of 400 runs of 72 pairs fail."""
    rng = np.random.default_rng(11)
    fails = 0
    for _ in range(400):
        size = 0.05 * np.exp(np.cumsum(rng.normal(0, 0.3, 72))).clip(0.01, 20)
        fails += decide(list(size * rng.choice([-1.0, 1.0], 72)))[0] == "fail"
    assert fails <= 4


def test_log_ratios_of_a_scaled_block() -> None:
    """A block that is 10 % slower throughout has log 1.1 at each quantile, and the reverse is its negative."""
    times = np.random.default_rng(2).lognormal(size=250)
    assert alike(math.log(1.1)) == pytest.approx(log_ratios(times, times * 1.1))
    assert alike(-math.log(1.1)) == pytest.approx(log_ratios(times * 1.1, times))


@pytest.mark.parametrize(("requests", "pairs"), [(0, 0), (249, 0), (250, 1), (6000, 24), (18_000, 72), (10**6, 72)])
def test_planned_pairs(requests: int, pairs: int) -> None:
    """A plan holds whole blocks of 250, at most 72."""
    assert pairs == planned_pairs(requests)
