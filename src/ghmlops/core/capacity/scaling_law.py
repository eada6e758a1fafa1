"""The Universal Scalability Law, fitted on concurrency. It advises; the probes decide.

X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)) for N concurrent requests in the service: lambda is the
throughput of a single request, sigma the share of the work that is serialised (contention), kappa the cost of keeping
shared data consistent (coherency), which makes throughput fall beyond a peak. Source: N. J. Gunther, Guerrilla Capacity
Planning (2007), chapters 4 to 6. N is the mean number of requests in flight by Little's law, measured throughput x mean
response time; it is never the arrival rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

from ghmlops.core.capacity.constants import COVERAGE, MAX_KAPPA, MAX_SIGMA, MIN_LEVELS, RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STREAM = 3_000
"""Random stream of the seed that is reserved for the bootstrap."""
_PARAMETERS = 3


class Bounds(NamedTuple):
    """An estimate and its 95 % bootstrap interval; a bound is `None` if the resamples have no such value."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One fit.

    Attributes:
        rate: lambda: throughput of a single request at a time, per second.
        sigma: Contention.
        kappa: Coherency.
    """

    rate: float
    sigma: float
    kappa: float

    def throughput(self, n: Floats) -> Floats:
        """Return the throughput X(N) per second."""
        return self.rate * n / (1 + self.sigma * (n - 1) + self.kappa * n * (n - 1))

    @property
    def peak(self) -> float | None:
        """Concurrency of the highest throughput; `None` without coherency, when throughput approaches a limit."""
        return math.sqrt((1 - self.sigma) / self.kappa) if self.kappa > 0 else None

    @property
    def max_throughput(self) -> float | None:
        """Highest throughput per second; `None` if it is unlimited."""
        if self.peak is not None:
            return float(self.throughput(np.array(max(self.peak, 1.0))))
        return self.rate / self.sigma if self.sigma > 0 else None

    def response(self, rate: float) -> float | None:
        """Return the mean response time in seconds at a throughput: R = N / X with the smaller N of X(N) = `rate`.

        `None` beyond the peak, where no N gives that throughput.
        """
        # kappa N^2 + (sigma - kappa - lambda / rate) N + (1 - sigma) = 0
        b, c = self.sigma - self.kappa - self.rate / rate, 1 - self.sigma
        root = b * b - 4 * self.kappa * c
        if b >= 0 or root < 0:
            return None
        return 2 * c / (-b + math.sqrt(root)) / rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The law of a service with bootstrap intervals.

    Attributes:
        law: The fit.
        resampled: Fits of the bootstrap resamples.
        residual: Root mean square of the log residuals, approximately a relative error.
        levels: Number of levels of load.
    """

    law: Law
    resampled: tuple[Law, ...]
    residual: float
    levels: int

    def bounds(self, name: str) -> Bounds:
        """Return `rate`, `sigma`, `kappa`, `peak` or `max_throughput` with its interval."""
        return _bounds(getattr(self.law, name), [getattr(law, name) for law in self.resampled])

    def response(self, rate: float) -> Bounds:
        """Return the mean response time in seconds at `rate` with its interval; no high end if resamples peak
        before."""
        return _bounds(self.law.response(rate), [law.response(rate) for law in self.resampled])


def _bounds(estimate: float | None, values: Sequence[float | None]) -> Bounds:
    """Return the percentiles of the resamples; those without a value count as infinite."""
    if estimate is None:
        return Bounds(None, None, None)
    ascending = np.sort([math.inf if value is None else value for value in values])
    tail = (1 - COVERAGE) / 2
    last = len(ascending) - 1
    low, high = ascending[math.floor(tail * last)], ascending[math.ceil((1 - tail) * last)]
    return Bounds(estimate, *(float(value) if math.isfinite(value) else None for value in (low, high)))


def fit(concurrency: Floats, throughput: Floats, seed: int, resamples: int = RESAMPLES) -> Fit:
    """Fit the law by least squares on the logarithm of the throughput, which weights all levels equally.

    Args:
        concurrency: Mean number of requests in flight N of each level, > 0, shape (m,).
        throughput: Responses per second of each level, > 0, shape (m,).
        seed: Seed of the bootstrap, which resamples the residuals, scaled up for the three fitted parameters.
        resamples: Number of bootstrap resamples.

    Raises:
        ValueError: There are fewer than `MIN_LEVELS` levels, or a level is not a positive number.
    """
    if len(concurrency) < MIN_LEVELS or not np.all(np.isfinite(concurrency) & (concurrency > 0)):
        raise ValueError("the law requires at least six levels of positive concurrency")
    if not np.all(np.isfinite(throughput) & (throughput > 0)):
        raise ValueError("the law requires positive throughput")
    observed = np.log(throughput)
    law = _fit(concurrency, observed, _first_guess(concurrency, throughput))
    fitted = np.log(law.throughput(concurrency))
    residuals = observed - fitted
    freedom = len(observed) - _PARAMETERS
    scaled = (residuals - residuals.mean()) * math.sqrt(len(observed) / freedom)
    rng = np.random.default_rng([seed, _STREAM])
    resampled = [_fit(concurrency, fitted + rng.choice(scaled, len(scaled)), law) for _ in range(resamples)]
    residual = math.sqrt(float(residuals @ residuals) / freedom)
    return Fit(law=law, resampled=tuple(resampled), residual=residual, levels=len(observed))


def _first_guess(n: Floats, x: Floats) -> Law:
    """Return the law of the lightest level, with the contention that limits it to the highest throughput."""
    lightest = int(np.argmin(n))
    rate = float(x[lightest] / n[lightest])
    sigma = float(np.clip(rate / max(float(x.max()), 1e-12) / max(float(n.max()), 2.0), 0.01, 0.9))
    return Law(rate=rate * (1 - sigma), sigma=sigma, kappa=1e-4)


def _fit(n: Floats, observed: Floats, start: Law) -> Law:
    scale = math.log(start.rate)

    def residuals(p: Floats) -> Floats:
        weight = 1 + p[1] * (n - 1) + p[2] * n * (n - 1)
        return np.asarray(p[0] + scale + np.log(n) - np.log(np.maximum(weight, 1e-12)) - observed, dtype=np.float64)

    first = [0.0, min(max(start.sigma, 1e-6), 0.99), min(max(start.kappa, 1e-9), 0.99)]
    solution = optimize.least_squares(
        residuals, first, bounds=([-20.0, 0.0, 0.0], [20.0, MAX_SIGMA, MAX_KAPPA]), x_scale=(1.0, 0.1, 0.001)
    )
    return Law(rate=math.exp(float(solution.x[0]) + scale), sigma=float(solution.x[1]), kappa=float(solution.x[2]))
