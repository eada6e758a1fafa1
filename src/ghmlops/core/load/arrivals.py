"""Arrival models: the send times of an open-model load test, fixed before the first request is sent.

Schedules are pure functions of their arguments: the same model, rate, duration and seed give bit-identical times on
every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.load import rate_curve

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import Arrivals

    Times = NDArray[np.float64]
    Model = Callable[[Arrivals, float, np.random.Generator, Times | None], Times]

MIN_TRACE_SECONDS = 1.0
"""Seconds over which the mean rate of a shorter recording is taken, so that its warm-up is not a burst."""
_WRITE_ORDER_STREAM = 1_000
"""Random stream of the seed that is reserved for the write order."""


def constant(arrivals: Arrivals, seconds: float, _rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return times with equal gaps of 1 / rate seconds; the first request is sent at 0."""
    return np.arange(_expected_count(arrivals.rate, seconds), dtype=np.float64) / arrivals.rate


def poisson(arrivals: Arrivals, seconds: float, rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return a Poisson process conditioned on its count: `rate * seconds` sorted uniform times.

    The count is fixed at its expectation so that a plan contains the requests that its verdict needs. The gaps remain
    those of a Poisson process (Kingman, Poisson Processes, 1993, section 2.4).
    """
    return np.sort(rng.uniform(0.0, seconds, _expected_count(arrivals.rate, seconds)))


def shaped(arrivals: Arrivals, seconds: float, rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return the first `seconds` of an inhomogeneous Poisson process that follows the rate curve, given its count.

    The times of a process of rate 1 are mapped through the inverse of the cumulative rate (Cinlar, Introduction to
    Stochastic Processes, 1975, section 4.7; Lewis & Shedler, Naval Research Logistics Quarterly 26, 1979). Given their
    count, the former are sorted independent uniform values, as in `poisson`.
    """
    curve = rate_curve.truncate(arrivals.curve, seconds)
    total = float(_cumulative_counts(curve)[-1])
    return _times_at_counts(curve, np.sort(rng.uniform(0.0, total, _expected_count(total, 1.0))))


def replay(arrivals: Arrivals, seconds: float, _rng: np.random.Generator, trace: Times | None) -> Times:
    """Return the times of a recording relative to its first one, divided by `speed` and rounded to the microsecond.

    Times at or after `seconds` are left out; 0 replays the complete recording.
    """
    if trace is None or arrivals.trace is None:
        raise ValueError("a replay requires the times of its recording")
    times: Times = np.round((trace - trace[0]) / arrivals.trace.speed, 6)
    return times[times < seconds] if seconds else times


MODELS: dict[str, Model] = {
    "constant": constant,
    "poisson": poisson,
    "ramp": shaped,
    "steps": shaped,
    "spike": shaped,
    "diurnal": shaped,
    "replay": replay,
}
"""The arrival models by their name in the policy. To add one, write a function above and add a line here."""


def schedule(arrivals: Arrivals, seconds: float, seed: int, part: int = 0, trace: Times | None = None) -> Times:
    """Return the send times of one part of a run, in ascending order, in seconds from the start of the part.

    Args:
        arrivals: Arrival model of the policy with its rate (requests per second), curve or recording.
        seconds: Length of the part; a longer curve is truncated to it.
        seed: Seed of the run.
        part: Number of the part (warm-up, plan, extension); each uses a separate random stream of the seed.
        trace: Replay only: recorded times in seconds, ascending, shape (m,), m >= 1.

    Returns:
        Times in [0, seconds), float64, shape (n,).

    Raises:
        ValueError: The model is a replay and `trace` is missing.
    """
    return MODELS[arrivals.model](arrivals, seconds, np.random.default_rng([seed, part]), trace)


def demand_times(arrivals: Arrivals, seed: int, trace: Times | None = None) -> Times:
    """Return the send times of the judged part of a run, in seconds from its start.

    Args:
        arrivals: Arrival model of the policy.
        seed: Seed of the run.
        trace: Replay only: recorded times in seconds, ascending, shape (m,).
    """
    return schedule(arrivals, arrivals.duration, seed, part=1, trace=trace)


def warmup_times(arrivals: Arrivals, seed: int, trace: Times | None = None) -> Times:
    """Return the send times of the warm-up, in seconds from its start.

    Shaped demand is warmed up by a Poisson process at `first_rate`.

    Args:
        arrivals: Arrival model of the policy.
        seed: Seed of the run.
        trace: Replay only: recorded times in seconds, ascending, shape (m,).
    """
    if not arrivals.shaped:
        return schedule(arrivals, arrivals.warmup, seed, part=0)
    steady = msgspec.structs.replace(arrivals, model="poisson", rate=first_rate(arrivals, trace), curve=(), trace=None)
    return schedule(steady, arrivals.warmup, seed, part=0)


def first_rate(arrivals: Arrivals, trace: Times | None = None) -> float:
    """Return the arrival rate of the warm-up in requests per second.

    It is the first rate of a curve, its mean rate if the first one is 0, or the mean rate of a recording.
    """
    if arrivals.trace is not None:
        times = replay(arrivals, arrivals.duration, np.random.default_rng(0), trace)
        return len(times) / max(float(times[-1]), MIN_TRACE_SECONDS)
    return (arrivals.curve[0][1] or arrivals.rate) if arrivals.curve else arrivals.rate


def thin(times: Times, shard: int, shards: int) -> tuple[Times, NDArray[np.int64]]:
    """Return the part of a schedule that one of several generators sends: every `shards`-th request.

    Together the shards send each request of the schedule exactly once, at its scheduled time.

    Args:
        times: Times of the total schedule in seconds, shape (n,).
        shard: Number of the shard, 1 to `shards`.
        shards: Number of shards.

    Returns:
        The times of the shard's requests, and their indices in the total schedule.

    Raises:
        ValueError: `shard` is not between 1 and `shards`.
    """
    if not 1 <= shard <= shards:
        raise ValueError(f"no shard {shard} of {shards}")
    indices = np.arange(shard - 1, len(times), shards, dtype=np.int64)
    return times[indices], indices


def write_order(requests: int, seed: int) -> NDArray[np.uint8]:
    """Return the randomised write order of each pair of requests, shape (requests,).

    1 if the request to the second arm is written first, else 0.
    """
    return np.random.default_rng([seed, _WRITE_ORDER_STREAM]).integers(0, 2, requests, dtype=np.uint8)


def _expected_count(rate: float, seconds: float) -> int:
    return int(rate * seconds + 1e-9)


def _cumulative_counts(curve: rate_curve.Curve) -> Times:
    """Return the expected number of requests up to each point of the curve."""
    times, rates = np.array(curve).T
    return np.concatenate([[0.0], np.cumsum(np.diff(times) * (rates[1:] + rates[:-1]) / 2)])


def _times_at_counts(curve: rate_curve.Curve, counts: Times) -> Times:
    """Return the time in seconds at which the expected number of requests reaches each of `counts`."""
    times, rates = np.array(curve).T
    cumulative = _cumulative_counts(curve)
    # Taking the last point at or below skips segments without area (jumps, silence).
    segment = np.clip(np.searchsorted(cumulative, counts, side="right") - 1, 0, len(times) - 2)
    width, remainder = (times[segment + 1] - times[segment]), counts - cumulative[segment]
    # A silent last segment or a jump is only reached by rounding.
    slope = np.divide(rates[segment + 1] - rates[segment], width, out=np.zeros_like(width), where=width > 0)
    # Solves remainder = rate * dt + slope * dt**2 / 2 in the form that neither cancels nor divides by a slope of 0.
    root = rates[segment] + np.sqrt(np.maximum(rates[segment] ** 2 + 2 * slope * remainder, 0.0))
    dt = np.divide(2 * remainder, root, out=np.zeros_like(remainder), where=root > 0)
    result: Times = times[segment] + np.minimum(dt, width)
    return result
