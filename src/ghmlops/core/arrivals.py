"""Arrival models: the policy's `arrivals` to the times at which requests are sent, fixed before the first one is.

Pure and seeded: the same model, rate, duration and seed give the same schedule, to the last bit, on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ghmlops.core.policy import Arrivals

    Times = NDArray[np.float64]
    Model = Callable[[Arrivals, float, np.random.Generator], Times]


def constant(arrivals: Arrivals, seconds: float, _rng: np.random.Generator) -> Times:
    """Return equal gaps of `1 / rate`, the first request at 0."""
    return np.arange(_expected(arrivals.rate, seconds), dtype=np.float64) / arrivals.rate


def poisson(arrivals: Arrivals, seconds: float, rng: np.random.Generator) -> Times:
    """Return a Poisson process given its count: `rate * seconds` independent uniform times, sorted.

    The count is fixed at its expectation so that a plan holds the requests that its verdict needs; gaps stay those of a
    Poisson process (Kingman, Poisson Processes, 1993, section 2.4).
    """
    return np.sort(rng.uniform(0.0, seconds, _expected(arrivals.rate, seconds)))


MODELS: dict[str, Model] = {
    "constant": constant,
    "poisson": poisson,
}
"""The arrival models by their name in the policy. A new one is a function above and a line here."""


def schedule(arrivals: Arrivals, seconds: float, seed: int, part: int = 0) -> Times:
    """Return the send times of one part of a run, ascending, in seconds from its beginning.

    Args:
        arrivals: the policy's arrival model with its rate (requests a second).
        seconds: length of this part.
        seed: seed of the run.
        part: which part (warm-up, plan, extension); each has its own stream of the seed.

    Returns:
        float64 of shape (n,), each in [0, seconds).
    """
    return MODELS[arrivals.model](arrivals, seconds, np.random.default_rng([seed, part]))


def coins(count: int, seed: int) -> NDArray[np.uint8]:
    """Return the seeded coin of each of `count` pairs of requests: 1 where the second arm is written first, else 0."""
    return np.random.default_rng([seed, 1_000]).integers(0, 2, count, dtype=np.uint8)


def _expected(rate: float, seconds: float) -> int:
    return int(rate * seconds + 1e-9)
