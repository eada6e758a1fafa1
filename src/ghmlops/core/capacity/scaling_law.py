"""The Universal Scalability Law, fitted on concurrency: it advises, the probes decide. Pure and seeded.

X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)) for N requests in the service at once: lambda is the throughput
of one, sigma the share of the work that waits for its turn (contention), kappa the cost of keeping each other informed
(coherency), which makes throughput fall beyond a peak. Source: N. J. Gunther, Guerrilla Capacity Planning (2007),
chapter 4-6. N is the mean in-flight by Little's law, measured throughput x mean response time; never the arrival rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST = 6
"""Distinct levels of load that a fit of three parameters needs."""
RESAMPLES = 300
COVERAGE = 0.95
_MOST_SIGMA, _MOST_KAPPA = 0.999, 1.0
_STREAM = 3_000


class Bounds(NamedTuple):
    """An estimate and its bootstrap interval (95 %); a bound is `None` where the resamples have no such value."""

    estimate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One fit."""

    rate: float
    """lambda: throughput of one request at a time, a second."""
    sigma: float
    kappa: float

    def throughput(self, n: Floats) -> Floats:
        """Return X(N) a second."""
        return self.rate * n / (1 + self.sigma * (n - 1) + self.kappa * n * (n - 1))

    @property
    def peak(self) -> float | None:
        """Concurrency of the highest throughput; `None` without coherency cost: it grows towards its limit for ever."""
        return math.sqrt((1 - self.sigma) / self.kappa) if self.kappa > 0 else None

    @property
    def most(self) -> float | None:
        """Highest throughput a second; `None` where there is no limit."""
        if self.peak is not None:
            return float(self.throughput(np.array(max(self.peak, 1.0))))
        return self.rate / self.sigma if self.sigma > 0 else None

    def response(self, rate: float) -> float | None:
        """Return the mean response time in seconds at a throughput: R = N / X with the smaller N of X(N) = `rate`.

        `None` beyond the law's peak, where no N gives that throughput.
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
        residual: root mean square of the log residuals, about a relative error.
        levels: points it was fitted to.
    """

    law: Law
    resampled: tuple[Law, ...]
    residual: float
    levels: int

    def bounds(self, name: str) -> Bounds:
        """Return `rate`, `sigma`, `kappa`, `peak` or `most` with its interval."""
        return _bounds(getattr(self.law, name), [getattr(law, name) for law in self.resampled])

    def response(self, rate: float) -> Bounds:
        """Return the mean response time in seconds at `rate` with its interval; no high end where resamples peak."""
        return _bounds(self.law.response(rate), [law.response(rate) for law in self.resampled])


def _bounds(estimate: float | None, values: Sequence[float | None]) -> Bounds:
    """Return percentiles of the resamples; those without a value count as infinite."""
    if estimate is None:
        return Bounds(None, None, None)
    known = np.sort([math.inf if value is None else value for value in values])
    tail = (1 - COVERAGE) / 2
    low, high = known[math.floor(tail * (len(known) - 1))], known[math.ceil((1 - tail) * (len(known) - 1))]
    return Bounds(estimate, *(float(value) if math.isfinite(value) else None for value in (low, high)))


def fit(concurrency: Floats, throughput: Floats, seed: int, resamples: int = RESAMPLES) -> Fit:
    """Fit the law by least squares on the logarithm of throughput, which weighs every level alike.

    Args:
        concurrency: mean in-flight N of each level, above 0, shape (m,).
        throughput: answers a second of each level, above 0, shape (m,).
        seed: of the bootstrap, which resamples the residuals, scaled up for the three fitted parameters.
        resamples: of the bootstrap.

    Raises:
        ValueError: fewer than `LEAST` levels, or a level that is not a positive number (a bug: the caller has checked).
    """
    if len(concurrency) < LEAST or not np.all(np.isfinite(concurrency) & (concurrency > 0)):
        raise ValueError("the law needs at least six levels of positive concurrency")
    if not np.all(np.isfinite(throughput) & (throughput > 0)):
        raise ValueError("the law needs positive throughput")
    observed = np.log(throughput)
    law = _fit(concurrency, observed, _first_guess(concurrency, throughput))
    fitted = np.log(law.throughput(concurrency))
    residuals = observed - fitted
    freedom = len(observed) - 3
    scaled = (residuals - residuals.mean()) * math.sqrt(len(observed) / freedom)
    rng = np.random.default_rng([seed, _STREAM])
    again = [_fit(concurrency, fitted + rng.choice(scaled, len(scaled)), law) for _ in range(resamples)]
    residual = math.sqrt(float(residuals @ residuals) / freedom)
    return Fit(law=law, resampled=tuple(again), residual=residual, levels=len(observed))


def _first_guess(n: Floats, x: Floats) -> Law:
    """Return the law of the lightest level without contention, bent to the highest throughput seen."""
    lightest = int(np.argmin(n))
    rate = float(x[lightest] / n[lightest])
    sigma = float(np.clip(rate / max(float(x.max()), 1e-12) / max(float(n.max()), 2.0), 0.01, 0.9))
    return Law(rate=rate * (1 - sigma), sigma=sigma, kappa=1e-4)


def _fit(n: Floats, observed: Floats, start: Law) -> Law:
    scale = math.log(start.rate)

    def misses(p: Floats) -> Floats:
        weight = 1 + p[1] * (n - 1) + p[2] * n * (n - 1)
        return np.asarray(p[0] + scale + np.log(n) - np.log(np.maximum(weight, 1e-12)) - observed, dtype=np.float64)

    first = [0.0, min(max(start.sigma, 1e-6), 0.99), min(max(start.kappa, 1e-9), 0.99)]
    found = optimize.least_squares(
        misses, first, bounds=([-20.0, 0.0, 0.0], [20.0, _MOST_SIGMA, _MOST_KAPPA]), x_scale=(1.0, 0.1, 0.001)
    )
    return Law(rate=math.exp(float(found.x[0]) + scale), sigma=float(found.x[1]), kappa=float(found.x[2]))
