"""Arrival schedules: reproducible, sorted, with the counts and gaps of their model."""

from __future__ import annotations

import typing
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ghmlops.core.load import rate_curve
from ghmlops.core.load.arrivals import MODELS, demand_times, first_rate, schedule, thin, warmup_times, write_order
from ghmlops.core.policy.latency import Arrivals, Trace

CURVES = {
    "ramp": rate_curve.ramp(40.0, 0.0, 500.0),
    "steps": rate_curve.steps(40.0, (100.0, 0.0, 400.0, 50.0)),
    "spike": rate_curve.spike(40.0, 50.0, 800.0, 10.0, 4.0),
    "diurnal": rate_curve.diurnal(40.0, 10.0, 490.0, 20.0),
}


def shaped(model: str, **fields: typing.Any) -> Arrivals:
    curve = CURVES[model]
    arrivals = Arrivals(
        model=typing.cast("typing.Any", model), rate=rate_curve.mean_rate(curve), duration=curve[-1][0], curve=curve
    )
    return msgspec.structs.replace(arrivals, **fields)


def replayed(speed: float = 1.0, duration: float = 0.0) -> Arrivals:
    return Arrivals(model="replay", rate=0.0, duration=duration, trace=Trace(file="access.log", speed=speed))


@pytest.mark.parametrize("model", ["constant", "poisson"])
@settings(deadline=None)
@given(rate=st.floats(0.5, 2000), seconds=st.floats(0.1, 20), seed=st.integers(0, 2**32))
def test_schedules_of_steady_models(model: str, rate: float, seconds: float, seed: int) -> None:
    """A schedule is float64, sorted, within [0, seconds), has rate * seconds requests, and repeats with its seed."""
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
def test_schedules_of_any_curve(
    points: list[tuple[float, float]], first: float, jumps: list[float], share: float, seed: int
) -> None:
    """For any curve with jumps and silence, truncated anywhere: sorted, in range, as many requests as its area."""
    curve, now = [(0.0, first)], 0.0
    for index, (gap, rate) in enumerate(points):
        now += gap
        curve.append((now, rate))
        if index < len(jumps):
            curve.append((now, jumps[index]))
    seconds = now * share
    arrivals = Arrivals(model="ramp", duration=now, curve=tuple(curve))
    part = rate_curve.truncate(arrivals.curve, seconds)
    area = rate_curve.mean_rate(part) * part[-1][0]
    times = schedule(arrivals, seconds, seed)
    assert abs(len(times) - area) <= 1 + 1e-6
    assert bool(np.isfinite(times).all())
    assert bool((np.diff(times) >= 0).all())
    assert bool(((times >= 0) & (times <= part[-1][0] + 1e-9)).all())
    assert times.tobytes() == schedule(arrivals, seconds, seed).tobytes()


@pytest.mark.parametrize("model", sorted(CURVES))
def test_counts_follow_the_curve(model: str) -> None:
    """The counts of 20 equal intervals follow the area under the curve, by a chi-square test."""
    times = demand_times(shaped(model), seed=7)
    edges = np.linspace(0.0, 40.0, 21)
    areas = [
        rate_curve.mean_rate(rate_curve.truncate(CURVES[model], e)) * min(e, 40.0)
        - (s and rate_curve.mean_rate(rate_curve.truncate(CURVES[model], s)) * s)
        for s, e in pairwise(edges.tolist())
    ]
    counts = np.histogram(times, edges)[0]
    assert round(sum(areas)) == len(times)
    active = np.array(areas) > 1e-6
    assert counts[~active].sum() == 0
    expected = np.array(areas)[active]
    assert stats.chisquare(counts[active], expected * counts.sum() / expected.sum()).pvalue > 0.01


@pytest.mark.parametrize(("start", "stop", "rate"), [(0.0, 10.0, 100.0), (20.0, 30.0, 400.0), (30.0, 40.0, 50.0)])
def test_gaps_of_a_step_are_exponential(start: float, stop: float, rate: float) -> None:
    """Within one step the gaps are exponential with the rate of the step, by a Kolmogorov-Smirnov test."""
    times = demand_times(shaped("steps"), seed=3)
    inside = times[(times >= start) & (times < stop)]
    assert stats.kstest(np.diff(inside), "expon", args=(0, 1 / rate)).pvalue > 0.01


def test_a_ramp_inverts_its_cumulative_rate_exactly() -> None:
    """The squared times of a ramp from 0 are uniform, as the exact inverse of the cumulative rate implies."""
    times = demand_times(shaped("ramp"), seed=5)
    assert len(times) == 10_000
    assert stats.kstest((times / 40.0) ** 2, "uniform").pvalue > 0.01


def test_silence_has_no_requests_and_jumps_are_sharp() -> None:
    """A step of rate 0 has no requests; a spike starts and ends exactly at its times."""
    steps = demand_times(shaped("steps"), seed=2)
    assert int(((steps > 10.0) & (steps < 20.0)).sum()) == 0
    spike = demand_times(shaped("spike"), seed=2)
    inside = int(((spike >= 10.0) & (spike < 14.0)).sum())
    assert abs(inside - 3200) < 5 * np.sqrt(3200)
    assert len(spike) == 3200 + 36 * 50


def test_a_shorter_schedule_follows_the_start_of_the_curve() -> None:
    """For fewer seconds, the schedule follows the truncated curve and has as many requests as its area."""
    times = schedule(shaped("ramp"), 20.0, seed=1)
    assert len(times) == 2500
    assert float(times[-1]) <= 20.0
    assert rate_curve.truncate(CURVES["ramp"], 20.0) == ((0.0, 0.0), (20.0, 250.0))
    assert CURVES["ramp"] == rate_curve.truncate(CURVES["ramp"], 99.0)


def test_constant_gaps_are_equal() -> None:
    """At 4 requests per second the gaps are 0.25 s, and the first request is sent at 0."""
    assert schedule(Arrivals(model="constant", rate=4.0), 1.0, seed=1).tolist() == [0.0, 0.25, 0.5, 0.75]


def test_poisson_gaps_are_exponential() -> None:
    """The gaps of a Poisson schedule are exponential with its rate, by a Kolmogorov-Smirnov test."""
    times = schedule(Arrivals(model="poisson", rate=200.0), 100.0, seed=3)
    assert stats.kstest(np.diff(times), "expon", args=(0, 1 / 200.0)).pvalue > 0.01


def test_a_replay_keeps_the_recorded_gaps() -> None:
    """Times are relative to the first one, divided by the speed, rounded to microseconds, and ignore the seed."""
    trace = np.array([5.0, 5.0, 5.25, 9.0, 9.000001])
    assert demand_times(replayed(), 1, trace).tolist() == [0.0, 0.0, 0.25, 4.0, 4.000001]
    assert demand_times(replayed(speed=2.0), 2, trace).tolist() == [0.0, 0.0, 0.125, 2.0, 2.0]
    assert demand_times(replayed(speed=0.5, duration=8.0), 1, trace).tolist() == [0.0, 0.0, 0.5]
    with pytest.raises(ValueError, match="replay"):
        demand_times(replayed(), 1)


def test_warm_up_rate_of_shaped_demand() -> None:
    """The warm-up is Poisson at the first rate of a curve, its mean if that is 0, or the mean rate of a recording."""
    assert first_rate(shaped("spike")) == 50.0
    assert first_rate(shaped("ramp")) == 250.0
    assert len(warmup_times(shaped("spike", warmup=5.0), seed=1)) == 250
    trace = np.linspace(0.0, 10.0, 101)
    assert first_rate(replayed(), trace) == 10.1
    assert first_rate(replayed(speed=2.0), trace) == 20.2
    assert len(warmup_times(replayed(speed=2.0), 1, trace)) == 101
    gaps = np.diff(warmup_times(shaped("spike", warmup=20.0), seed=4))
    assert stats.kstest(gaps, "expon", args=(0, 1 / 50.0)).pvalue > 0.01


def test_the_warm_up_of_a_short_recording_is_not_a_burst() -> None:
    """The mean rate of a recording shorter than one second is taken over one second."""
    assert first_rate(replayed(), np.array([0.0, 0.0, 1e-6])) == 3.0


@pytest.mark.parametrize("model", ["constant", "poisson"])
def test_judged_part_and_warm_up_of_steady_models(model: str) -> None:
    """The judged requests are part 1 of the schedule, the warm-up is part 0."""
    arrivals = Arrivals(model=typing.cast("typing.Any", model), rate=20.0, duration=3.0, warmup=1.0)
    assert np.array_equal(demand_times(arrivals, 9), schedule(arrivals, 3.0, 9, part=1))
    assert np.array_equal(warmup_times(arrivals, 9), schedule(arrivals, 1.0, 9, part=0))


@settings(deadline=None)
@given(n=st.integers(0, 300), shards=st.integers(1, 40))
def test_shards_together_are_the_schedule(n: int, shards: int) -> None:
    """For any number of requests and shards, each request is sent by exactly one shard, at its scheduled time."""
    times = np.sort(np.random.default_rng(n).uniform(0.0, 10.0, n))
    parts = [thin(times, k, shards) for k in range(1, shards + 1)]
    total = np.concatenate([indices for _, indices in parts])
    assert list(range(n)) == sorted(total.tolist())
    for k, (part, indices) in enumerate(parts):
        assert np.array_equal(part, times[indices])
        assert bool((indices % shards == k).all())


@pytest.mark.parametrize(("shard", "shards"), [(0, 4), (5, 4), (1, 0)])
def test_shards_outside_of_the_range_are_refused(shard: int, shards: int) -> None:
    """Shards are numbered from 1 to the number of shards."""
    with pytest.raises(ValueError, match=f"{shard} of {shards}"):
        thin(np.zeros(3), shard, shards)


def test_seeds_and_parts_differ() -> None:
    """A different seed gives a different schedule, and so does another part (warm-up, plan, extension)."""
    for arrivals in (Arrivals(rate=50.0), shaped("diurnal")):
        first = schedule(arrivals, 2.0, seed=1)
        assert not np.array_equal(first, schedule(arrivals, 2.0, seed=2))
        assert not np.array_equal(first, schedule(arrivals, 2.0, seed=1, part=1))


def test_the_table_contains_the_models_of_the_policy() -> None:
    """The table contains every model of the policy type, and no other."""
    allowed = typing.get_args(typing.get_type_hints(Arrivals)["model"])
    assert sorted(allowed) == sorted(MODELS)


def test_the_write_order_is_seeded_and_fair() -> None:
    """The same seed gives the same write order; each arm is first in about half of 10,000 pairs."""
    first = write_order(10_000, seed=1)
    assert np.array_equal(first, write_order(10_000, seed=1))
    assert not np.array_equal(first, write_order(10_000, seed=2))
    assert stats.binomtest(int(first.sum()), 10_000).pvalue > 0.001
