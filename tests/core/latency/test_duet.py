"""The duet verdict: its statistics per pair of blocks, its decisions, its intervals and its error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.latency.constants import FAIL_E, MIN_PAIRS_TO_FAIL, MIN_PAIRS_TO_PASS, SATURATED
from ghmlops.core.latency.duet import (
    CHANGE,
    CHANGE_SD,
    LEVELS,
    PAIR_STATISTICS,
    SPREAD,
    WIDE,
    Duet,
    compare_blocks,
    planned_pairs,
    quantile,
)
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, QUANTILES, LatencyMargin

MARGINS = DEFAULT_LATENCY_MARGINS


def statistics_of(d: float, spread: float = 0.07, change: float | None = None, sd: float = 0.3) -> dict[str, float]:
    """Return the statistics of a pair of blocks whose quantiles all differ by the log ratio `d`.

    Args:
        d: Log ratio of each quantile.
        spread: Tail spread.
        change: Mean log ratio of the requests; by default `d`.
        sd: Standard deviation of the log ratios of the requests.
    """
    return {
        **dict.fromkeys((*QUANTILES, WIDE), d),
        SPREAD: spread,
        CHANGE: d if change is None else change,
        CHANGE_SD: sd,
        **dict.fromkeys(LEVELS.values(), -3.0),
    }


def decide(logs: list[float], margins: dict[str, LatencyMargin] = MARGINS) -> tuple[str, int]:
    verdict = Duet(margins)
    for d in logs:
        if verdict.feed(statistics_of(d)):
            break
    return verdict.decision, verdict.pairs


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=60), st.floats(0, 1))
def test_quantile_equals_numpy(values: list[float], q: float) -> None:
    """The quantile is type 7 of Hyndman and Fan, the default of NumPy."""
    assert float(np.quantile(values, q)) == pytest.approx(quantile(np.sort(np.array(values)), q), rel=1e-9, abs=1e-9)


def test_quantile_without_values_and_with_infinities() -> None:
    """Without values the quantile is NaN; infinite values (failed requests) do not turn into NaN."""
    assert math.isnan(quantile(np.empty(0), 0.5))
    assert math.inf == quantile(np.array([1.0, math.inf, math.inf]), 0.9)


def test_minimum_number_of_pairs() -> None:
    """A pass requires at least 5 pairs and a failure at least 9, however clear the difference is."""
    assert decide([-50.0] * 20) == ("pass", 5)
    assert decide([50.0] * 20) == ("fail", 9)
    assert (MIN_PAIRS_TO_PASS, MIN_PAIRS_TO_FAIL) == (5, 9)


@pytest.mark.parametrize(
    ("d", "expected"),
    [(0.0, "pass"), (math.log(0.8), "pass"), (math.log(1.12), "fail"), (math.log(1.5), "fail")],
)
def test_clear_cases(d: float, expected: str) -> None:
    """No change and an improvement pass; +12 % and +50 % fail."""
    assert expected == decide([d] * 144)[0]


def test_one_quantile_fails_alone() -> None:
    """A slower p99 alone fails the run; the other quantiles are not reported as failed."""
    verdict = Duet(MARGINS)
    while not verdict.feed({**statistics_of(math.log(1.6)), "p50": 0.0, "p95": 0.0}):
        pass
    assert verdict.decision == "fail"
    assert [verdict.ratio(name).failed for name in QUANTILES] == [False, False, True]
    assert verdict.ratio("p50").passed


def test_the_first_decision_is_final() -> None:
    """Pairs after the decision are recorded, but change neither the decision nor the intervals."""
    verdict = Duet(MARGINS)
    while not verdict.feed(statistics_of(0.0)):
        pass
    before = [verdict.ratio(name) for name in QUANTILES]
    pairs = verdict.pairs
    for _ in range(40):
        verdict.feed(statistics_of(5.0))
    assert ("pass", pairs, pairs + 40) == (verdict.decision, verdict.decided_at, verdict.pairs)
    assert before == [verdict.ratio(name) for name in QUANTILES]


@given(st.lists(st.tuples(st.floats(-0.6, 0.6), st.floats(0, 1)), min_size=1, max_size=60))
def test_intervals_agree_with_the_decisions(logs: list[tuple[float, float]]) -> None:
    """A quantile fails exactly if its interval lies above 1 + m0, and passes exactly if it lies below 1 + m1."""
    verdict = Duet(MARGINS)
    for d, spread in logs:
        verdict.feed(statistics_of(d, spread))
    for name in QUANTILES:
        ratio = verdict.ratio(name)
        assert ratio.low <= ratio.high
        assert (
            ratio.failed == (ratio.low > 1 + MARGINS[name].fail - 1e-5)
            or abs(ratio.low - 1 - MARGINS[name].fail) < 1e-4
        )
        assert (
            ratio.passed == (ratio.high < 1 + MARGINS[name].safe + 1e-5)
            or abs(ratio.high - 1 - MARGINS[name].safe) < 1e-4
        )


def test_too_few_pairs_give_no_bounds() -> None:
    """Four pairs reject no ratio in either direction."""
    verdict = Duet(MARGINS)
    for _ in range(4):
        verdict.feed(statistics_of(0.1))
    assert (0.0, math.inf) == (verdict.ratio("p99").low, verdict.ratio("p99").high)


def test_false_alarms_with_autocorrelated_noise() -> None:
    """With symmetric signs and bursts of large differences, at most 1 % of 400 runs of 72 pairs fail."""
    rng = np.random.default_rng(11)
    fails = 0
    for _ in range(400):
        size = 0.05 * np.exp(np.cumsum(rng.normal(0, 0.3, 72))).clip(0.01, 20)
        fails += decide(list(size * rng.choice([-1.0, 1.0], 72)))[0] == "fail"
    assert fails <= 4


def test_statistics_of_a_scaled_block() -> None:
    """A block that is 10 % slower throughout has the log ratio log 1.1 at each quantile."""
    times = np.random.default_rng(2).lognormal(size=250)
    statistics = compare_blocks(times, times * 1.1)
    expected = statistics_of(math.log(1.1), statistics[SPREAD], sd=0.0)
    levels = {name: math.log(float(times.mean()) * f) for name, f in zip(LEVELS.values(), (1, 1.1), strict=True)}
    assert {**expected, **levels} == pytest.approx(statistics, abs=1e-12)


def test_missing_statistics_are_an_error() -> None:
    """No default is assumed for a missing statistic."""
    with pytest.raises(KeyError, match=SPREAD):
        Duet(MARGINS).feed(dict.fromkeys((*QUANTILES, WIDE), 0.0))


@given(st.integers(0, 1000), st.integers(200, 250), st.floats(0.2, 5))
def test_statistics_are_antisymmetric_and_shift_with_scale(seed: int, n: int, factor: float) -> None:
    """Swapping the arms negates each d, a slower candidate shifts each d; the tail spread does not change.

    This makes the e-process of the p99 valid, and its interval consistent with it.
    """
    rng = np.random.default_rng(seed)
    first, second = rng.lognormal(size=n), rng.lognormal(size=n) + 0.2
    statistics, swapped, scaled = (
        compare_blocks(first, second),
        compare_blocks(second, first),
        compare_blocks(first, second * factor),
    )
    assert set(PAIR_STATISTICS) == set(statistics)
    for name in (*QUANTILES, WIDE):
        assert statistics[name] == pytest.approx(-swapped[name], abs=1e-9)
        assert statistics[name] + math.log(factor) == pytest.approx(scaled[name], abs=1e-9)
    assert [statistics[SPREAD]] * 2 == pytest.approx([swapped[SPREAD], scaled[SPREAD]], abs=1e-9)


def test_order_statistics_of_the_p99() -> None:
    """Of 250: the mean logarithms of the 2nd to 5th and 2nd to 7th slowest, and the excess of 8 over the 9th."""
    rng = np.random.default_rng(4)
    flat, times = np.ones(250), np.exp(np.arange(250.0) / 100)
    rng.shuffle(times)
    statistics = compare_blocks(flat, times)
    assert statistics["p99"] == pytest.approx((2.48 + 2.47 + 2.46 + 2.45) / 4)
    assert statistics[WIDE] == pytest.approx((2.48 + 2.47 + 2.46 + 2.45 + 2.44 + 2.43) / 6)
    assert statistics[SPREAD] == pytest.approx(0.045 / 2)  # the flat arm has none


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_statistics_of_degenerate_blocks_are_finite(n: int) -> None:
    """Very small blocks, zeros and infinities give finite statistics."""
    times = np.full(n, math.inf)
    times[0] = 0.0
    for statistics in (
        compare_blocks(times, np.ones(n)),
        compare_blocks(np.ones(n), times),
        compare_blocks(times, times),
    ):
        assert all(math.isfinite(value) for value in statistics.values())


def test_a_pair_is_weighted_by_its_tail_spread() -> None:
    """The same log ratios of the p99 decide sooner if the tail spread is small; with a large spread they do not."""
    pairs = {}
    for spread in (0.05, 0.12, 3.0):
        verdict = Duet(MARGINS)
        for _ in range(72):
            verdict.feed({**statistics_of(math.log(1.12), spread), "p50": 0.0, "p95": 0.0})
        pairs[spread] = verdict.ratio("p99").log_e_fail if spread == 3.0 else float(verdict.decided_at)
    assert pairs[0.05] < pairs[0.12] < 72
    assert pairs[3.0] < math.log(FAIL_E)


def test_the_wide_view_has_half_of_the_weight() -> None:
    """A p99 that is slower in one view only still fails, after more pairs."""
    undecided = {**MARGINS, "p50": LatencyMargin(fail=0.1, safe=0.1)}
    one, both = Duet(undecided), Duet(undecided)
    d = math.log(1.3)
    for verdict, wide in ((one, 0.0), (both, d)):
        for _ in range(72):
            verdict.feed({**statistics_of(d, 0.1), "p50": math.log(1.1), "p95": 0.0, WIDE: wide})
    assert (one.decision, both.decision) == ("fail", "fail")
    assert both.decided_at < one.decided_at < 2 * both.decided_at


def test_a_patient_pass_can_be_lost() -> None:
    """A pass in a quiet hour becomes a failure at the peak; the decision is that of all pairs so far."""
    verdict = Duet(MARGINS, patient=True)
    early = [verdict.feed(statistics_of(0.0)) for _ in range(20)]
    assert (early[:4], early[-10:]) == ([""] * 4, ["pass"] * 10)
    assert (verdict.decision, verdict.decided_at) == ("pass", 20)
    later = [verdict.feed(statistics_of(math.log(1.5))) for _ in range(60)]
    assert ({"pass", "", "fail"}, "fail") == (set(later), verdict.decision)
    decided_at = verdict.decided_at
    assert verdict.feed(statistics_of(-5.0)) == "fail"
    assert (decided_at, 81) == (verdict.decided_at, verdict.pairs)


def test_a_lost_patient_pass_is_undecided() -> None:
    """Between pass and fail there is no decision, and the upper end of the interval exceeds the safe limit."""
    verdict = Duet(MARGINS, patient=True)
    for _ in range(8):
        verdict.feed(statistics_of(0.0))
    assert verdict.ratio("p50").passed
    for _ in range(8):
        verdict.feed(statistics_of(math.log(1.14)))
    ratio = verdict.ratio("p50")
    assert (verdict.decision, verdict.decided_at, ratio.passed) == ("", 0, False)
    assert ratio.high > 1 + MARGINS["p50"].safe


def test_an_interval_is_never_inverted() -> None:
    """If the ratio falls during a run, every ratio is rejected; the interval is then a single point."""
    verdict = Duet(MARGINS, patient=True)
    for d in [-0.05] * 30 + [-0.8] * 30:
        verdict.feed(statistics_of(d))
    for name in QUANTILES:
        ratio = verdict.ratio(name)
        assert 0 < ratio.low <= ratio.high < 1


def test_a_patient_verdict_without_pairs_is_undecided() -> None:
    """Without a pair there is no pass."""
    verdict = Duet(MARGINS, patient=True)
    assert (verdict.decision, verdict.decided_at) == ("", 0)


@pytest.mark.parametrize(("requests", "pairs"), [(0, 0), (249, 0), (250, 1), (6000, 24), (18_000, 72), (10**6, 72)])
def test_planned_pairs(requests: int, pairs: int) -> None:
    """A plan consists of complete blocks of 250 requests, at most 72 pairs."""
    assert pairs == planned_pairs(requests)


def lasting(change: float, size: float, rng: np.random.Generator) -> list[tuple[str, float]]:
    """Return the decision and the lower end after each of 18 pairs whose noise outlasts them: a walk."""
    duet, states = Duet(MARGINS), []
    for step in np.cumsum(rng.standard_normal(18)) * size:
        duet.feed(statistics_of(change + float(step), sd=size))
        states.append((duet.decision, duet.ratio("p50").low))
    assert duet.persistence > SATURATED
    return states


def test_a_change_that_lasting_noise_cannot_explain_fails() -> None:
    """Four times slower in every block fails after 9 pairs or more, though a noise of 1 % lasts for many blocks."""
    for seed in range(20):
        states = lasting(math.log(4.0), 0.01, np.random.default_rng(seed))
        assert [decision for decision, _ in states][:8] == [""] * 8
        assert states[-1][0] == "fail"
        assert states[-1][1] > 1.0 + MARGINS["p50"].fail


def test_lasting_noise_of_the_size_of_the_change_is_no_failure() -> None:
    """A walk that is as large as the change, or larger, is no failure, with or without a change."""
    for seed in range(20):
        for change in (0.0, 0.1):
            assert lasting(change, 0.1, np.random.default_rng(seed))[-1][0] != "fail"
