"""The duet verdict: its e-process by exact enumeration, its decisions, its intervals, its error rates."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.latency import duet
from ghmlops.core.latency.duet import SPREAD, TOLD, WIDE, Duet, compare, planned_pairs, quantile
from ghmlops.core.latency.e_process import GRID, TAIL, Record, Stakes, log_bets, log_mix, rejected_below
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS, QUANTILES, LatencyMargin

MARGINS = DEFAULT_LATENCY_MARGINS


def alike(d: float, spread: float = 0.07) -> dict[str, float]:
    """Tell of a pair whose quantiles all differ by d."""
    return {**dict.fromkeys((*QUANTILES, WIDE), d), SPREAD: spread}


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


@pytest.mark.parametrize("stakes", [GRID, TAIL])
@given(sizes=st.lists(st.floats(0.001, 30), min_size=1, max_size=7))
def test_e_process_has_expectation_one_under_symmetric_signs(stakes: Stakes, sizes: list[float]) -> None:
    """Averaged over all sign patterns of any sizes, each term is exactly 1: the claim that the verdict rests on."""
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=len(sizes))))
    sums = log_bets(signs * np.array(sizes), stakes).sum(axis=1)
    assert np.ones(len(stakes.lambdas)) == pytest.approx(np.exp(sums).mean(axis=0))


@given(st.floats(-30, 30))
def test_bets_equal_their_definition(x: float) -> None:
    """lambda x - log cosh(lambda x), computed without overflow, equals the plain formula where that one is finite."""
    y = x * GRID.lambdas
    assert (y - np.log(np.cosh(y))) == pytest.approx(log_bets(np.array([x]), GRID)[0], abs=1e-9)


def test_bets_do_not_overflow() -> None:
    """A log ratio of 1e6 wins log 2 for every lambda, and loses without NaN the other way."""
    assert np.full(14, math.log(2)) == pytest.approx(log_bets(np.array([1e6]), GRID)[0])
    assert bool(np.isfinite(log_bets(np.array([-1e6]), GRID)).all())
    assert pytest.approx(float(log_mix(np.full((1, 14), 5000.0), GRID))) == 5000.0


def test_one_wild_block_is_cut_off() -> None:
    """In the tail x counts as 2 at most, either way."""
    assert log_bets(np.array([2.0, -2.0]), TAIL) == pytest.approx(log_bets(np.array([50.0, -1e9]), TAIL))


def test_the_mixture_is_a_mean() -> None:
    """Weights over lambda and even weights over the views: the mean of e-values, hence one itself."""
    sums = np.log(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    expected = (0.7 + 0.4 + 0.3 + 2.8 + 1.0 + 0.6) / 2
    assert expected == pytest.approx(math.exp(float(log_mix(sums, TAIL))))
    assert pytest.approx([float(GRID.weights.sum()), float(TAIL.weights.sum())]) == [1.0, 1.0]


def test_lambdas_are_the_published_grid() -> None:
    """14 values, evenly spaced in their logarithm from 0.02 to 3."""
    assert np.geomspace(0.02, 3, 14) == pytest.approx(GRID.lambdas)


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
    while not verdict.feed({**alike(math.log(1.6)), "p50": 0.0, "p95": 0.0}):
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


@given(st.lists(st.tuples(st.floats(-0.6, 0.6), st.floats(0, 1)), min_size=1, max_size=60))
def test_intervals_agree_with_the_decisions(logs: list[tuple[float, float]]) -> None:
    """Failed exactly where the whole interval lies beyond 1 + m0, passed exactly where it lies below 1 + m1."""
    verdict = Duet(MARGINS)
    for d, spread in logs:
        verdict.feed(alike(d, spread))
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
    """The lower end is the largest ratio that a fine grid of e-processes rejects, at any time or at the end."""
    rng = np.random.default_rng(1)
    logs = np.concatenate([rng.normal(0.25, 0.05, 30), rng.normal(0.1, 0.05, 15)])
    record = Record(d=logs[:, np.newaxis], unit=np.full(45, 0.05), stakes=GRID)
    grid = np.arange(-0.3, 0.4, 0.0005)
    e = [log_mix(log_bets((record.d - m) / 0.05, GRID).cumsum(axis=0), GRID) for m in grid]
    for ever, reached in ((True, [x.max() for x in e]), (False, [x[-1] for x in e])):
        rejected = [m for m, x in zip(grid, reached, strict=True) if x >= math.log(300)]
        assert max(rejected) == pytest.approx(rejected_below(record, 300, ever=ever), abs=0.0006)
    assert rejected_below(record, 300, ever=False) < rejected_below(record, 300)


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


def test_a_scaled_block() -> None:
    """A block that is 10 % slower throughout has log 1.1 at each quantile."""
    times = np.random.default_rng(2).lognormal(size=250)
    told = compare(times, times * 1.1)
    assert alike(math.log(1.1), told[SPREAD]) == pytest.approx(told)


def test_a_pair_that_tells_too_little_is_a_bug() -> None:
    """Nothing is assumed for what is missing."""
    with pytest.raises(KeyError, match=SPREAD):
        Duet(MARGINS).feed(dict.fromkeys((*QUANTILES, WIDE), 0.0))


@given(st.integers(0, 1000), st.integers(200, 250), st.floats(0.2, 5))
def test_what_a_pair_tells_is_odd_and_shifts_with_scale(seed: int, n: int, factor: float) -> None:
    """Swapped arms: each d changes its sign, the spread stays. A slower candidate: each d shifts, the spread stays.

    This is what makes the bets on the p99 fair, and its interval consistent with them.
    """
    rng = np.random.default_rng(seed)
    first, second = rng.lognormal(size=n), rng.lognormal(size=n) + 0.2
    told, swapped, scaled = compare(first, second), compare(second, first), compare(first, second * factor)
    assert set(TOLD) == set(told)
    for name in (*QUANTILES, WIDE):
        assert told[name] == pytest.approx(-swapped[name], abs=1e-9)
        assert told[name] + math.log(factor) == pytest.approx(scaled[name], abs=1e-9)
    assert [told[SPREAD]] * 2 == pytest.approx([swapped[SPREAD], scaled[SPREAD]], abs=1e-9)


def test_order_statistics_of_the_p99() -> None:
    """Of 250: the mean logarithm of the 2nd to 5th slowest, of the 2nd to 7th, and the slowest 8 over the 9th."""
    rng = np.random.default_rng(4)
    flat, times = np.ones(250), np.exp(np.arange(250.0) / 100)
    rng.shuffle(times)
    told = compare(flat, times)
    assert told["p99"] == pytest.approx((2.48 + 2.47 + 2.46 + 2.45) / 4)
    assert told[WIDE] == pytest.approx((2.48 + 2.47 + 2.46 + 2.45 + 2.44 + 2.43) / 6)
    assert told[SPREAD] == pytest.approx(0.045 / 2)  # the flat arm has none


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_odd_blocks_still_tell_numbers(n: int) -> None:
    """Tiny blocks, zeros and infinities give finite numbers."""
    times = np.full(n, math.inf)
    times[0] = 0.0
    for told in (compare(times, np.ones(n)), compare(np.ones(n), times), compare(times, times)):
        assert all(math.isfinite(value) for value in told.values())


def test_a_pair_weighs_by_its_tails() -> None:
    """The same differences of the p99 decide sooner where the tails are tight; wide tails decide nothing."""
    pairs = {}
    for spread in (0.05, 0.12, 3.0):
        verdict = Duet(MARGINS)
        for _ in range(72):
            verdict.feed({"p50": 0.0, "p95": 0.0, "p99": math.log(1.12), WIDE: math.log(1.12), SPREAD: spread})
        pairs[spread] = verdict.ratio("p99").log_e_fail if spread == 3.0 else float(verdict.decided_at)
    assert pairs[0.05] < pairs[0.12] < 72
    assert pairs[3.0] < math.log(duet.PASS_AT)


def test_the_wide_view_counts_for_half() -> None:
    """A p99 that is shown by one view only still fails, a little later."""
    undecided = {**MARGINS, "p50": LatencyMargin(fail=0.1, safe=0.1)}
    one, both = Duet(undecided), Duet(undecided)
    d = math.log(1.3)
    for verdict, wide in ((one, 0.0), (both, d)):
        for _ in range(72):
            verdict.feed({"p50": math.log(1.1), "p95": 0.0, "p99": d, WIDE: wide, SPREAD: 0.1})
    assert (one.decision, both.decision) == ("fail", "fail")
    assert both.decided_at < one.decided_at < 2 * both.decided_at


def test_a_patient_pass_can_be_lost() -> None:
    """What passed in a quiet hour fails at the peak; at each pair the decision is what holds now."""
    verdict = Duet(MARGINS, patient=True)
    seen = [verdict.feed(alike(0.0)) for _ in range(20)]
    assert (seen[:4], seen[-10:]) == ([""] * 4, ["pass"] * 10)
    assert (verdict.final, verdict.decided_at) == (False, 20)
    later = [verdict.feed(alike(math.log(1.5))) for _ in range(60)]
    assert ({"pass", "", "fail"}, "fail", True) == (set(later), verdict.decision, verdict.final)
    at = verdict.decided_at
    assert verdict.feed(alike(-5.0)) == "fail"
    assert (at, 81) == (verdict.decided_at, verdict.pairs)


def test_a_patient_pass_that_is_lost_leaves_nothing_decided() -> None:
    """Between pass and fail there is no decision, no pair of decision, and the upper ends say so."""
    verdict = Duet(MARGINS, patient=True)
    for _ in range(8):
        verdict.feed(alike(0.0))
    assert verdict.ratio("p50").passed
    for _ in range(8):
        verdict.feed(alike(math.log(1.14)))
    found = verdict.ratio("p50")
    assert (verdict.decision, verdict.decided_at, found.passed) == ("", 0, False)
    assert found.high > 1 + MARGINS["p50"].safe


def test_an_interval_is_never_inside_out() -> None:
    """A ratio that falls on the way leaves nothing unrejected; the interval then is a point, not a negative one."""
    verdict = Duet(MARGINS, patient=True)
    for d in [-0.05] * 30 + [-0.8] * 30:
        verdict.feed(alike(d))
    for name in QUANTILES:
        found = verdict.ratio(name)
        assert 0 < found.low <= found.high < 1


def test_an_untold_patient_verdict_is_undecided() -> None:
    """No pair, no pass."""
    verdict = Duet(MARGINS, patient=True)
    assert (verdict.decision, verdict.decided_at, verdict.final) == ("", 0, False)


@pytest.mark.parametrize(("requests", "pairs"), [(0, 0), (249, 0), (250, 1), (6000, 24), (18_000, 72), (10**6, 72)])
def test_planned_pairs(requests: int, pairs: int) -> None:
    """A plan holds whole blocks of 250, at most 72."""
    assert pairs == planned_pairs(requests)
