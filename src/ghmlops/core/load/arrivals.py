"""Arrival models: the policy's `arrivals` to the times at which requests are sent, fixed before the first one is.

Pure and seeded: the same model, rate, duration and seed give the same schedule, to the last bit, on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.load import rate_curve as demand

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import Arrivals

    Times = NDArray[np.float64]
    Model = Callable[[Arrivals, float, np.random.Generator, Times | None], Times]

SHORTEST_TRACE = 1.0
"""Seconds over which the mean rate of a shorter recording is taken, so that its warm-up is no burst."""


def constant(arrivals: Arrivals, seconds: float, _rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return equal gaps of `1 / rate`, the first request at 0."""
    return np.arange(_expected(arrivals.rate, seconds), dtype=np.float64) / arrivals.rate


def poisson(arrivals: Arrivals, seconds: float, rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return a Poisson process given its count: `rate * seconds` independent uniform times, sorted.

    The count is fixed at its expectation so that a plan holds the requests that its verdict needs; gaps stay those of a
    Poisson process (Kingman, Poisson Processes, 1993, section 2.4).
    """
    return np.sort(rng.uniform(0.0, seconds, _expected(arrivals.rate, seconds)))


def shaped(arrivals: Arrivals, seconds: float, rng: np.random.Generator, _trace: Times | None) -> Times:
    """Return the first `seconds` of a Poisson process whose rate follows the curve, given its count.

    The times of a process of rate 1 go through the inverse of the curve's cumulative rate (Cinlar, Introduction to
    Stochastic Processes, 1975, section 4.7; Lewis & Shedler, Naval Research Logistics Quarterly 26, 1979). Given their
    count, the former are independent uniform values, sorted, as in `poisson`.
    """
    curve = demand.cut(arrivals.curve, seconds)
    total = float(_cumulative(curve)[-1])
    return _inverse(curve, np.sort(rng.uniform(0.0, total, _expected(total, 1.0))))


def replay(arrivals: Arrivals, seconds: float, _rng: np.random.Generator, trace: Times | None) -> Times:
    """Return the recorded times from their first one, `speed` times as fast, to the microsecond.

    The gaps are those of the recording. Times at or after `seconds` are left out; 0 keeps all.
    """
    if trace is None or arrivals.trace is None:
        raise ValueError("a replay needs the times of its recording")
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
"""The arrival models by their name in the policy. A new one is a function above and a line here."""


def schedule(arrivals: Arrivals, seconds: float, seed: int, part: int = 0, trace: Times | None = None) -> Times:
    """Return the send times of one part of a run, ascending, in seconds from its beginning.

    Args:
        arrivals: the policy's arrival model with its rate (requests a second), its curve or its recording.
        seconds: length of this part; of a curve its first `seconds`.
        seed: seed of the run.
        part: which part (warm-up, plan, extension); each has its own stream of the seed.
        trace: of a replay the recorded times in seconds, ascending, shape (m,), m >= 1.

    Returns:
        float64 of shape (n,), each in [0, seconds).

    Raises:
        ValueError: a replay without `trace` (a bug: the caller has read it).
    """
    return MODELS[arrivals.model](arrivals, seconds, np.random.default_rng([seed, part]), trace)


def demand_times(arrivals: Arrivals, seed: int, trace: Times | None = None) -> Times:
    """Return the send times of the judged part of a run, from 0: the whole demand, once."""
    return schedule(arrivals, arrivals.duration, seed, part=1, trace=trace)


def warmup_times(arrivals: Arrivals, seed: int, trace: Times | None = None) -> Times:
    """Return the send times of the warm-up, from 0.

    Of shaped demand the warm-up is a Poisson process at the rate with which the demand begins: the curve's first rate,
    its mean where that is 0, the mean rate of a recording.
    """
    if not arrivals.shaped:
        return schedule(arrivals, arrivals.warmup, seed, part=0)
    steady = msgspec.structs.replace(arrivals, model="poisson", rate=first_rate(arrivals, trace), curve=(), trace=None)
    return schedule(steady, arrivals.warmup, seed, part=0)


def first_rate(arrivals: Arrivals, trace: Times | None = None) -> float:
    """Return the rate a second of the warm-up."""
    if arrivals.trace is not None:
        times = replay(arrivals, arrivals.duration, np.random.default_rng(0), trace)
        return len(times) / max(float(times[-1]), SHORTEST_TRACE)
    return (arrivals.curve[0][1] or arrivals.rate) if arrivals.curve else arrivals.rate


def thin(times: Times, shard: int, shards: int) -> tuple[Times, NDArray[np.int64]]:
    """Return the part of a schedule that one of several generators sends: every `shards`-th request.

    Together the shards send each request of the schedule once, at its own time.

    Args:
        times: of the whole schedule, shape (n,).
        shard: from 1 to `shards`.
        shards: how many there are.

    Returns:
        the times, and their places in the whole schedule.

    Raises:
        ValueError: there is no such shard.
    """
    if not 1 <= shard <= shards:
        raise ValueError(f"no shard {shard} of {shards}")
    places = np.arange(shard - 1, len(times), shards, dtype=np.int64)
    return times[places], places


def coins(count: int, seed: int) -> NDArray[np.uint8]:
    """Return the seeded coin of each of `count` pairs of requests: 1 where the second arm is written first, else 0."""
    return np.random.default_rng([seed, 1_000]).integers(0, 2, count, dtype=np.uint8)


def _expected(rate: float, seconds: float) -> int:
    return int(rate * seconds + 1e-9)


def _cumulative(curve: demand.Curve) -> Times:
    """Return the expected requests up to each point of the curve."""
    times, rates = np.array(curve).T
    return np.concatenate([[0.0], np.cumsum(np.diff(times) * (rates[1:] + rates[:-1]) / 2)])


def _inverse(curve: demand.Curve, counts: Times) -> Times:
    """Return the time up to which each of `counts` requests is expected."""
    times, rates = np.array(curve).T
    sums = _cumulative(curve)
    # The last point at or below: lines without area (jumps, silence) are passed over.
    line = np.clip(np.searchsorted(sums, counts, side="right") - 1, 0, len(times) - 2)
    width, left = (times[line + 1] - times[line]), counts - sums[line]
    # A silent line at the end of the curve, or a jump, is reached by rounding only.
    slope = np.divide(rates[line + 1] - rates[line], width, out=np.zeros_like(width), where=width > 0)
    # left = rate * dt + slope * dt**2 / 2, solved so that nothing cancels and a flat line divides by no 0
    root = rates[line] + np.sqrt(np.maximum(rates[line] ** 2 + 2 * slope * left, 0.0))
    dt = np.divide(2 * left, root, out=np.zeros_like(left), where=root > 0)
    found: Times = times[line] + np.minimum(dt, width)
    return found
