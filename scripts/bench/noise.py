"""Response times of two arms on a noisy machine, for the bench of the latency verdict.

The model, in words. A request's service time is 10 ms times log-normal terms: the payload's own cost (the same on both
arms) and a rest of each arm. On both arms alike: a slow AR(1) level, phases of a noisy neighbour, pauses of the
machine. On each arm alone: a faster AR(1) level, and pauses of its own (garbage collection). Requests come at 200/s.
The strengths were set on one seed so that a block's exceedances vary about as much more than binomial as those of
recorded traces (81 to 144 times at p50, 8 to 24 times at p99): here about 70 and 40 times, a harder tail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.signal import lfilter

from ghmlops.core.latency.constants import BLOCK_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RATE = 200.0
BASE = 0.010
Design = Literal["duet", "interleaved", "back to back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Strengths (standard deviations of logarithms) and time scales (seconds) of the model."""

    payload: float = 0.28
    rest: float = 0.22
    level: float = 0.33
    level_scale: float = 10.0
    own_level: float = 0.02
    own_scale: float = 0.5
    neighbour: float = 0.4
    neighbour_on: float = 5.0
    neighbour_off: float = 20.0
    pause_every: float = 10.0
    pause: float = 0.10
    own_pause_every: float = 40.0
    own_pause: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm's requests, in order; seconds, shape (n,)."""

    service: Floats
    wait: Floats
    """For the end of a pause."""
    cost: Floats
    """Logarithm of the service time without the machine's level: what this request costs by itself."""

    @property
    def times(self) -> Floats:
        """Response times."""
        return self.service + self.wait


def autoregressive(n: int, deviation: float, scale: float, rng: np.random.Generator) -> Floats:
    """Return a stationary AR(1) path with the given standard deviation and time scale in seconds."""
    keep = math.exp(-1.0 / (scale * RATE))
    steps = rng.standard_normal(n) * deviation * math.sqrt(1 - keep * keep)
    steps[0] = rng.standard_normal() * deviation
    return np.asarray(lfilter([1.0], [1.0, -keep], steps))


def phases(n: int, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return 1 while the noisy neighbour works, else 0: exponential stays."""
    parts, filled, on = [], 0, rng.random() < noise.neighbour_on / (noise.neighbour_on + noise.neighbour_off)
    while filled < n:
        stay = 1 + int(rng.exponential(noise.neighbour_on if on else noise.neighbour_off) * RATE)
        parts.append(np.full(stay, float(on)))
        filled, on = filled + stay, not on
    return np.concatenate(parts)[:n]


def pauses(n: int, every: float, length: float, rng: np.random.Generator) -> Floats:
    """Return the seconds that each request waits for the end of a pause."""
    at = np.arange(n) / RATE
    wait = np.zeros(n)
    for start in rng.uniform(0, n / RATE, rng.poisson(n / RATE / every)):
        left = start + rng.exponential(length) - at
        np.maximum(wait, np.where(at >= start, left, 0.0), out=wait)
    return wait


def places(pairs: int, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return when each arm's requests are sent, as places in the common time line, shape (2, pairs * BLOCK_SIZE).

    A duet sends both at once. Interleaved arms take turns block by block; which arm goes first is random per
    pair. Back to back, all of the baseline comes first.
    """
    n = pairs * BLOCK_SIZE
    if design == "duet":
        return np.tile(np.arange(n), (2, 1))
    if design == "back to back":
        return np.arange(2 * n).reshape(2, n)
    first = rng.integers(0, 2, pairs)
    turns = 2 * np.arange(pairs) + np.stack([first, 1 - first])
    return (turns[..., np.newaxis] * BLOCK_SIZE + np.arange(BLOCK_SIZE)).reshape(2, n)


def arms(pairs: int, design: Design, noise: Noise, rng: np.random.Generator) -> tuple[Arm, Arm]:
    """Return baseline and candidate, which do the same work, with `pairs` blocks of `BLOCK_SIZE` requests each."""
    n, at = pairs * BLOCK_SIZE, places(pairs, design, rng)
    line = int(at.max()) + 1
    common = autoregressive(line, noise.level, noise.level_scale, rng) + noise.neighbour * phases(line, noise, rng)
    payload = noise.payload * rng.standard_normal(n)
    stopped = pauses(line, noise.pause_every, noise.pause, rng)

    def arm(mine: NDArray[np.int64]) -> Arm:
        own = autoregressive(line, noise.own_level, noise.own_scale, rng)
        cost = payload + noise.rest * rng.standard_normal(n)
        wait = np.maximum(stopped, pauses(line, noise.own_pause_every, noise.own_pause, rng))
        return Arm(service=BASE * np.exp((common + own)[mine] + cost), wait=wait[mine], cost=cost)

    return arm(at[0]), arm(at[1])


def overdispersion(noise: Noise, rng: np.random.Generator) -> tuple[float, float]:
    """Return how many times the variance of a block's exceedances of p50 and p99 is that of a binomial."""
    times = arms(400, "duet", noise, rng)[0].times
    blocks = times.reshape(-1, BLOCK_SIZE)
    middle, tail = (
        float(np.var((blocks > np.quantile(times, q)).sum(axis=1)) / (BLOCK_SIZE * q * (1 - q))) for q in (0.5, 0.99)
    )
    return middle, tail
