"""Arrival schedules: seeded, sorted, as many and as far apart as the model says."""

from __future__ import annotations

import typing
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.load import rate_curve as demand
from ghmlops.core.load.arrivals import MODELS, coins, demand_times, first_rate, schedule, thin, warmup_times
from ghmlops.core.policy.latency import Arrivals, Trace

CURVES = {
    "ramp": demand.ramp(40.0, 0.0, 500.0),
    "steps": demand.steps(40.0, (100.0, 0.0, 400.0, 50.0)),
    "spike": demand.spike(40.0, 50.0, 800.0, 10.0, 4.0),
    "diurnal": demand.diurnal(40.0, 10.0, 490.0, 20.0),
}


def shaped(model: str, **fields: typing.Any) -> Arrivals:
    curve = CURVES[model]
    made = Arrivals(
        model=typing.cast("typing.Any", model), rate=demand.mean_rate(curve), duration=curve[-1][0], curve=curve
    )
    return msgspec.structs.replace(made, **fields)


def replayed(speed: float = 1.0, duration: float = 0.0) -> Arrivals:
    return Arrivals(model="replay", rate=0.0, duration=duration, trace=Trace(file="access.log", speed=speed))


@pytest.mark.parametrize("model", ["constant", "poisson"])
@settings(deadline=None)
@given(rate=st.floats(0.5, 2000), seconds=st.floats(0.1, 20), seed=st.integers(0, 2**32))
def test_steady_models_keep_the_contract(model: str, rate: float, seconds: float, seed: int) -> None:
    """A schedule is float64, sorted, within [0, seconds), holds rate * seconds requests, and repeats with its seed."""
    arrivals = Arrivals(model=typing.cast("typing.Any", model), rate=rate)
    times = schedule(arrivals, seconds, seed)
    assert np.float64 == times.dtype
    assert int(rate * seconds + 1e-9) == len(times)
    assert bool((np.diff(times) >= 0).all())
    assert bool(((times >= 0) & (times < seconds + 1e-6)).all())
    assert np.array_equal(times, schedule(arrivals, seconds, seed))


@settings(deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0.001, 10), st.one_of(st.just(0.0), st.floats(0.01, 2000))), min_size=1),
    first=st.floats(0, 2000),
    jumps=st.lists(st.floats(0, 2000), max_size=5),
    share=st.floats(0.01, 1.5),
    seed=st.integers(0, 2**32),
)
def test_any_curve_keeps_the_contract(
    points: list[tuple[float, float]], first: float, jumps: list[float], share: float, seed: int
) -> None:
    """Any curve, with jumps and silences, cut anywhere: sorted, inside its seconds, as many requests as its area."""
    curve, now = [(0.0, first)], 0.0
    for place, (gap, rate) in enumerate(points):
        now += gap
        curve.append((now, rate))
        if place < len(jumps):
            curve.append((now, jumps[place]))
    seconds = now * share
    arrivals = Arrivals(model="ramp", duration=now, curve=tuple(curve))
    part = demand.cut(arrivals.curve, seconds)
    area = demand.mean_rate(part) * part[-1][0]
    times = schedule(arrivals, seconds, seed)
    assert abs(len(times) - area) <= 1 + 1e-6
    assert bool(np.isfinite(times).all())
    assert bool((np.diff(times) >= 0).all())
    assert bool(((times >= 0) & (times <= part[-1][0] + 1e-9)).all())
    assert times.tobytes() == schedule(arrivals, seconds, seed).tobytes()


@pytest.mark.parametrize("model", sorted(CURVES))
def test_counts_follow_the_curve(model: str) -> None:
    """In each of 20 equal pieces the count is the curve's area: a chi-square test does not see a difference."""
    times = demand_times(shaped(model), seed=7)
    edges = np.linspace(0.0, 40.0, 21)
    areas = [
        demand.mean_rate(demand.cut(CURVES[model], e)) * min(e, 40.0)
        - (s and demand.mean_rate(demand.cut(CURVES[model], s)) * s)
        for s, e in pairwise(edges.tolist())
    ]
    seen = np.histogram(times, edges)[0]
    assert round(sum(areas)) == len(times)
    loud = np.array(areas) > 1e-6
    assert seen[~loud].sum() == 0
    expected = np.array(areas)[loud]
    assert stats.chisquare(seen[loud], expected * seen.sum() / expected.sum()).pvalue > 0.01


@pytest.mark.parametrize(("start", "stop", "rate"), [(0.0, 10.0, 100.0), (20.0, 30.0, 400.0), (30.0, 40.0, 50.0)])
def test_gaps_of_a_step_are_exponential(start: float, stop: float, rate: float) -> None:
    """Within one step the gaps pass a Kolmogorov-Smirnov test against the exponential law of the step's rate."""
    times = demand_times(shaped("steps"), seed=3)
    inside = times[(times >= start) & (times < stop)]
    assert stats.kstest(np.diff(inside), "expon", args=(0, 1 / rate)).pvalue > 0.01


def test_a_ramp_is_the_exact_inverse() -> None:
    """Times of a ramp from 0 have squares that are uniform, as the exact inverse of its cumulative rate gives."""
    times = demand_times(shaped("ramp"), seed=5)
    assert len(times) == 10_000
    assert stats.kstest((times / 40.0) ** 2, "uniform").pvalue > 0.01


def test_silence_is_silent_and_jumps_are_sharp() -> None:
    """No request falls into a step of rate 0; a spike starts and ends on its second."""
    steps = demand_times(shaped("steps"), seed=2)
    assert int(((steps > 10.0) & (steps < 20.0)).sum()) == 0
    spike = demand_times(shaped("spike"), seed=2)
    inside = int(((spike >= 10.0) & (spike < 14.0)).sum())
    assert abs(inside - 3200) < 5 * np.sqrt(3200)
    assert len(spike) == 3200 + 36 * 50


def test_a_part_of_a_curve_is_its_beginning() -> None:
    """Asked for fewer seconds, a curve gives its first ones, as many requests as their area."""
    times = schedule(shaped("ramp"), 20.0, seed=1)
    assert len(times) == 2500
    assert float(times[-1]) <= 20.0
    assert demand.cut(CURVES["ramp"], 20.0) == ((0.0, 0.0), (20.0, 250.0))
    assert CURVES["ramp"] == demand.cut(CURVES["ramp"], 99.0)


def test_constant_gaps_are_equal() -> None:
    """At 4/s a request is sent every quarter of a second, the first at once."""
    assert schedule(Arrivals(model="constant", rate=4.0), 1.0, seed=1).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_poisson_gaps_are_exponential() -> None:
    """The gaps of a Poisson schedule pass a Kolmogorov-Smirnov test against the exponential law of their rate."""
    times = schedule(Arrivals(model="poisson", rate=200.0), 100.0, seed=3)
    assert stats.kstest(np.diff(times), "expon", args=(0, 1 / 200.0)).pvalue > 0.01


def test_replay_keeps_the_gaps() -> None:
    """A recording is sent from its first time on, gaps divided by the speed, to the microsecond, whatever the seed."""
    trace = np.array([5.0, 5.0, 5.25, 9.0, 9.000001])
    assert demand_times(replayed(), 1, trace).tolist() == [0.0, 0.0, 0.25, 4.0, 4.000001]
    assert demand_times(replayed(speed=2.0), 2, trace).tolist() == [0.0, 0.0, 0.125, 2.0, 2.0]
    assert demand_times(replayed(speed=0.5, duration=8.0), 1, trace).tolist() == [0.0, 0.0, 0.5]
    with pytest.raises(ValueError, match="needs the times"):
        demand_times(replayed(), 1)


def test_warm_up_of_shaped_demand() -> None:
    """It is a Poisson process at the curve's first rate, at its mean where that is 0, at a recording's mean rate."""
    assert first_rate(shaped("spike")) == 50.0
    assert first_rate(shaped("ramp")) == 250.0
    assert len(warmup_times(shaped("spike", warmup=5.0), seed=1)) == 250
    trace = np.linspace(0.0, 10.0, 101)
    assert first_rate(replayed(), trace) == 10.1
    assert first_rate(replayed(speed=2.0), trace) == 20.2
    assert len(warmup_times(replayed(speed=2.0), 1, trace)) == 101
    gaps = np.diff(warmup_times(shaped("spike", warmup=20.0), seed=4))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50.0)).pvalue > 0.01


def test_a_short_recording_makes_no_burst_of_a_warm_up() -> None:
    """The mean rate of less than a second is taken over a second."""
    assert first_rate(replayed(), np.array([0.0, 0.0, 1e-6])) == 3.0


@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_judged_part_and_warm_up_of_steady_models(model: str) -> None:
    """They are parts 1 and 0 of the schedule."""
    arrivals = Arrivals(model=typing.cast("typing.Any", model), rate=20.0, duration=3.0, warmup=1.0)
    assert np.array_equal(demand_times(arrivals, 9), schedule(arrivals, 3.0, 9, part=1))
    assert np.array_equal(warmup_times(arrivals, 9), schedule(arrivals, 1.0, 9, part=0))


@settings(deadline=None)
@given(n=st.integers(0, 300), shards=st.integers(1, 40))
def test_shards_together_are_the_schedule(n: int, shards: int) -> None:
    """For any count of requests and shards: no request twice, none lost, each at its own time."""
    times = np.sort(np.random.default_rng(n).uniform(0.0, 10.0, n))
    parts = [thin(times, k, shards) for k in range(1, shards + 1)]
    places = np.concatenate([found for _, found in parts])
    assert list(range(n)) == sorted(places.tolist())
    for k, (part, found) in enumerate(parts):
        assert np.array_equal(part, times[found])
        assert bool((found % shards == k).all())


@pytest.mark.parametrize(("shard", "shards"), [(0, 4), (5, 4), (1, 0)])
def test_no_such_shard(shard: int, shards: int) -> None:
    """Shards count from 1 to their number."""
    with pytest.raises(ValueError, match="no shard"):
        thin(np.zeros(3), shard, shards)


def test_seeds_and_parts_differ() -> None:
    """Another seed is another schedule, and so is another part (warm-up, plan, extension) of the same run."""
    for arrivals in (Arrivals(rate=50.0), shaped("diurnal")):
        first = schedule(arrivals, 2.0, seed=1)
        assert not np.array_equal(first, schedule(arrivals, 2.0, seed=2))
        assert not np.array_equal(first, schedule(arrivals, 2.0, seed=1, part=1))


def test_the_table_and_the_policy_know_the_same_models() -> None:
    """Every model of the policy's type is in the table, and no other."""
    allowed = typing.get_args(typing.get_type_hints(Arrivals)["model"])
    assert sorted(allowed) == sorted(MODELS)


def test_coins_are_seeded_and_fair() -> None:
    """The same seed gives the same coins; of 10,000 about half fall either way."""
    first = coins(10_000, seed=1)
    assert np.array_equal(first, coins(10_000, seed=1))
    assert not np.array_equal(first, coins(10_000, seed=2))
    assert stats.binomtest(int(first.sum()), 10_000).pvalue > 0.001
