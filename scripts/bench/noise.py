"""Simulated response times of two arms on a noisy machine, for the benchmark of the latency verdict.

The service time of a request is 10 ms times log-normal terms: the cost of the payload, equal in both arms, and an
independent residual per arm. Common to both arms: a slow AR(1) level, phases of a noisy neighbour, and pauses of the
machine. Independent per arm: a faster AR(1) level, and pauses (garbage collection). Requests arrive at 200/s.
The strengths were chosen on one seed so that the variance of a block's exceedances is a similar multiple of the
binomial variance as in recorded traces (81 to 144 times at p50, 8 to 24 times at p99): here about 70 and 40 times, a
more difficult tail.
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
    residual: float = 0.22
    level: float = 0.33
    level_scale: float = 10.0
    arm_level: float = 0.02
    arm_scale: float = 0.5
    neighbour: float = 0.4
    neighbour_on: float = 5.0
    neighbour_off: float = 20.0
    pause_every: float = 10.0
    pause: float = 0.10
    arm_pause_every: float = 40.0
    arm_pause: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Requests of one arm in order; arrays of shape (n,), times in seconds."""

    service: Floats
    wait: Floats
    """Time until the end of a pause."""
    cost: Floats
    """Logarithm of the service time without the level of the machine."""

    @property
    def times(self) -> Floats:
        """Response times in seconds, shape (n,)."""
        return self.service + self.wait


def autoregressive(n: int, deviation: float, scale: float, rng: np.random.Generator) -> Floats:
    """Return a stationary AR(1) path with the given standard deviation and time scale in seconds."""
    persistence = math.exp(-1.0 / (scale * RATE))
    steps = rng.standard_normal(n) * deviation * math.sqrt(1 - persistence * persistence)
    steps[0] = rng.standard_normal() * deviation
    return np.asarray(lfilter([1.0], [1.0, -persistence], steps))


def phases(n: int, noise: Noise, rng: np.random.Generator) -> Floats:
    """Return 1 while the noisy neighbour is active, otherwise 0, shape (n,); durations are exponential."""
    parts, filled, on = [], 0, rng.random() < noise.neighbour_on / (noise.neighbour_on + noise.neighbour_off)
    while filled < n:
        duration = 1 + int(rng.exponential(noise.neighbour_on if on else noise.neighbour_off) * RATE)
        parts.append(np.full(duration, float(on)))
        filled, on = filled + duration, not on
    return np.concatenate(parts)[:n]


def pauses(n: int, every: float, length: float, rng: np.random.Generator) -> Floats:
    """Return the seconds that each request waits for the end of a pause, shape (n,)."""
    at = np.arange(n) / RATE
    wait = np.zeros(n)
    for start in rng.uniform(0, n / RATE, rng.poisson(n / RATE / every)):
        left = start + rng.exponential(length) - at
        np.maximum(wait, np.where(at >= start, left, 0.0), out=wait)
    return wait


def positions(pairs: int, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the position of each arm's requests in the common time line, shape (2, pairs * BLOCK_SIZE).

    A duet sends both simultaneously. Interleaved arms alternate block by block; the first arm is random per pair. Back
    to back, the baseline is sent completely before the candidate.
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
    """Return equal baseline and candidate with `pairs` blocks of `BLOCK_SIZE` requests each."""
    n, at = pairs * BLOCK_SIZE, positions(pairs, design, rng)
    total = int(at.max()) + 1
    common = autoregressive(total, noise.level, noise.level_scale, rng) + noise.neighbour * phases(total, noise, rng)
    payload = noise.payload * rng.standard_normal(n)
    common_pauses = pauses(total, noise.pause_every, noise.pause, rng)

    def arm(indices: NDArray[np.int64]) -> Arm:
        arm_noise = autoregressive(total, noise.arm_level, noise.arm_scale, rng)
        cost = payload + noise.residual * rng.standard_normal(n)
        wait = np.maximum(common_pauses, pauses(total, noise.arm_pause_every, noise.arm_pause, rng))
        return Arm(service=BASE * np.exp((common + arm_noise)[indices] + cost), wait=wait[indices], cost=cost)

    return arm(at[0]), arm(at[1])


def overdispersion(noise: Noise, rng: np.random.Generator) -> tuple[float, float]:
    """Return the variance of a block's exceedances of p50 and p99 as a multiple of the binomial variance."""
    times = arms(400, "duet", noise, rng)[0].times
    blocks = times.reshape(-1, BLOCK_SIZE)
    middle, tail = (
        float(np.var((blocks > np.quantile(times, q)).sum(axis=1)) / (BLOCK_SIZE * q * (1 - q))) for q in (0.5, 0.99)
    )
    return middle, tail
