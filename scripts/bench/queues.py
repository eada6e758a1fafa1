"""Simulated response times of two arms that are queues, for the benchmark of the latency verdict. Pure and seeded.

Both arms receive the same requests at the same times (Poisson arrivals, conditioned on their count). Each arm is a
queue with one or more servers, first come, first served. The service times are

- independent: exponential (coefficient of variation 1), drawn for each arm by itself, so that both arms are M/M/c
  queues that share nothing except the arrivals;
- shared: those of noise.py, in which the payload and the machine are common to both arms, and a residual and a short
  level belong to one arm. The utilisation is the mean one; while the machine is slow it is higher.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.noise import Noise, arms
from ghmlops.core.latency.constants import BLOCK_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEAN = 0.010
"""Mean service time of the baseline in seconds."""
WARMUP_BLOCKS = 4
"""Blocks before the judged ones, which fill the queues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Parameters of two queues.

    Attributes:
        utilisation: Arrival rate times the baseline's mean service time per server.
        servers: Servers per arm.
        service: Kind of the service times.
        factor: Service times of the candidate as a multiple of the baseline's.
        noise: Strengths of the shared noise.
    """

    utilisation: float
    servers: int = 1
    service: Literal["independent", "shared"] = "independent"
    factor: float = 1.0
    noise: Noise = field(default_factory=Noise)

    @property
    def rate(self) -> float:
        """Arrival rate in requests per second."""
        return self.utilisation * self.servers / MEAN


def response_times(arrivals: Floats, service: Floats, servers: int) -> Floats:
    """Return the response times of a first-come, first-served queue, shape (n,), in seconds.

    Args:
        arrivals: Times of arrival, ascending, shape (n,).
        service: Service times, shape (n,).
        servers: Number of servers.
    """
    if servers == 1:
        # Lindley's recursion: the wait is the walk of service minus gap, reflected at 0.
        walk = np.concatenate([[0.0], np.cumsum(service[:-1] - np.diff(arrivals))])
        return np.asarray(walk - np.minimum.accumulate(walk) + service)
    free, done = [0.0] * servers, np.empty(len(arrivals))
    for index, (arrival, time) in enumerate(zip(arrivals.tolist(), service.tolist(), strict=True)):
        done[index] = end = max(arrival, free[0]) + time
        heapq.heapreplace(free, end)
    return done - arrivals


def paired_response_times(queues: Queues, pairs: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the response times of baseline and candidate, each of shape (pairs * BLOCK_SIZE,), without the warm-up."""
    warmup, blocks = WARMUP_BLOCKS * BLOCK_SIZE, pairs + WARMUP_BLOCKS
    n = blocks * BLOCK_SIZE
    arrivals = np.sort(rng.uniform(0.0, n / queues.rate, n))
    if queues.service == "independent":
        service = [rng.exponential(MEAN, n), rng.exponential(MEAN, n)]
    else:
        service = [arm.service for arm in arms(blocks, "duet", queues.noise, rng)]
        scale = MEAN / mean_service(queues.noise)
        service = [times * scale for times in service]
    first, second = service[0], service[1] * queues.factor
    baseline, candidate = (response_times(arrivals, times, queues.servers)[warmup:] for times in (first, second))
    return baseline, candidate


def mean_service(noise: Noise) -> float:
    """Return the mean service time of `noise` in seconds, in the long run."""
    key = repr(noise)
    if key not in _MEANS:
        rng = np.random.default_rng(77)
        _MEANS[key] = float(np.mean([arms(200, "duet", noise, rng)[0].service.mean() for _ in range(60)]))
    return _MEANS[key]


_MEANS: dict[str, float] = {}
