"""The ramp of `rate: auto` on simulated queues whose capacity is known."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.planning.knee import Step, knee_of, next_rate, rate_of, step_of, step_times


def queue(scheduled: np.ndarray, mean: float, servers: int, rng: np.random.Generator) -> Answers:
    """Return the results of a first-come, first-served queue with exponential service times."""
    free, done = [0.0] * servers, np.empty(len(scheduled))
    for index, arrival in enumerate(scheduled):
        done[index] = max(arrival, heapq.heappop(free)) + rng.exponential(mean)
        heapq.heappush(free, done[index])
    n = len(scheduled)
    kind, status = np.zeros(n, np.uint8), np.full(n, 200, np.uint16)
    return Answers(scheduled=scheduled, sent=scheduled, first=done, done=done, status=status, kind=kind)


def ramp(means: tuple[float, ...], servers: int, seed: int, duration: float = 60.0) -> list[Step]:
    """Send a complete ramp to one arm per mean service time."""
    rng, steps = np.random.default_rng(seed), list[Step]()
    while (rate := next_rate(steps, duration)) is not None:
        times = step_times(rate, steps, rng)
        steps.append(step_of(rate, [queue(times, mean, servers, rng) for mean in means]))
    return steps


@pytest.mark.parametrize(("mean", "servers"), [(0.02, 1), (0.01, 1), (0.1, 4), (0.5, 4), (2.0, 8)])
def test_the_rate_is_about_half_of_the_capacity(mean: float, servers: int) -> None:
    """Of 20 seeds the median of the rate is 0.35 to 0.6 of the capacity, and no rate is above 0.7."""
    shares = [rate_of(ramp((mean, mean), servers, seed), 60.0) * mean / servers for seed in range(20)]
    assert 0.35 <= float(np.median(shares)) <= 0.6
    assert 0.2 <= min(shares) <= max(shares) <= 0.7


def test_the_slower_arm_counts() -> None:
    """A candidate with half of the capacity halves the rate."""
    slow = np.median([knee_of(ramp((0.01, 0.02), 1, seed)) for seed in range(10)])
    assert 40 <= float(slow) <= 60


def test_a_fast_service_ends_the_ramp() -> None:
    """The ramp ends where half of the rate gives the longest plan: 300/s for 60 s, which is the rate."""
    steps = ramp((1e-4,), 1, 1)
    assert (steps[-1].rate, rate_of(steps, 60.0)) == (640.0, 300.0)
    assert [step.rate for step in steps[:3]] == [5.0, 5.0, 10.0]


def test_failures_saturate() -> None:
    """Requests that fail from a rate on end the ramp there; the knee is the last rate without failures."""
    steps = [Step(rate=r, completed=r, median=0.01, last_median=0.01, failed=0.0) for r in (5.0, 5.0, 10.0)]
    steps.append(Step(rate=20.0, completed=8.0, median=0.01, last_median=0.01, failed=0.5))
    assert next_rate(steps, 60.0) == 20.0
    steps.append(steps[-1])
    assert next_rate(steps, 60.0) is None
    assert (knee_of(steps), rate_of(steps, 60.0)) == (10.0, 5.0)


def test_one_saturated_step_is_repeated() -> None:
    """After a pause of the machine the ramp goes on."""
    steps = [Step(rate=r, completed=r, median=0.01, last_median=0.01, failed=0.0) for r in (5.0, 5.0, 10.0)]
    paused = Step(rate=20.0, completed=8.0, median=0.01, last_median=0.01, failed=0.0)
    fine = Step(rate=20.0, completed=20.0, median=0.01, last_median=0.01, failed=0.0)
    assert next_rate([*steps, paused], 60.0) == 20.0
    assert next_rate([*steps, paused, fine], 60.0) == 40.0


def test_without_any_response_the_numbers_are_finite() -> None:
    """If every request fails from the start, only further failures would end the ramp."""
    times = np.arange(20.0)
    broken = Answers(
        scheduled=times,
        sent=times,
        first=times,
        done=times,
        status=np.zeros(20, np.uint16),
        kind=np.full(20, Kind.REFUSED, np.uint8),
    )
    steps = [step_of(5.0, [broken]), step_of(5.0, [broken])]
    assert steps[-1].failed == 1.0
    assert next_rate(steps, 60.0) == 10.0
