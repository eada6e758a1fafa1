"""Requests per second that a number of replicas carries, from one or several measured capacities.

X(R) = lambda R / (1 + sigma (R - 1) + kappa R (R - 1)): the Universal Scalability Law on replicas, fitted to R / X by
non-negative least squares, which is linear in 1/lambda, sigma/lambda and kappa/lambda. Source: N. J. Gunther, Guerrilla
Capacity Planning (2007), chapters 4 to 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

from ghmlops.core.scale.constants import ALIGNED, MIN_GAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANY = 10**9
"""Replicas beyond which no peak is looked for."""


class Measured(NamedTuple):
    """A measured capacity: requests per second of a number of replicas at the low end of the interval."""

    replicas: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Capacity as a function of replicas.

    Attributes:
        rate: requests per second of one replica, lambda.
        sigma: contention between replicas.
        kappa: coherency, which makes the capacity fall beyond the peak.
        counts: numbers of replicas at which the capacity was measured, ascending.
    """

    rate: float
    sigma: float = 0.0
    kappa: float = 0.0
    counts: tuple[int, ...] = (1,)

    def capacity(self, replicas: int) -> float:
        """Return the requests per second of a number of replicas."""
        if replicas < 1:
            return 0.0
        return self.rate * replicas / (1.0 + self.sigma * (replicas - 1) + self.kappa * replicas * (replicas - 1))

    def gain(self, replicas: int) -> float:
        """Return what the last of a number of replicas adds, as a share of what one alone carries; negative beyond the
        number with the highest capacity."""

        def slowdown(count: int) -> float:
            return 1.0 + self.sigma * (count - 1) + self.kappa * count * (count - 1)

        # X(R) - X(R - 1), without the difference of two numbers that are nearly equal.
        rest = 1.0 - self.sigma - self.kappa * replicas * (replicas - 1)
        return rest / (slowdown(replicas) * slowdown(replicas - 1)) if replicas > 1 else 1.0

    @property
    def peak(self) -> int | None:
        """Number of replicas beyond which each further one adds less than `MIN_GAIN`, or nothing; `None` if there is
        none. Within the numbers that were measured, everything that adds capacity counts."""
        if self.gain(_MANY) >= MIN_GAIN:
            return None
        measured = max(self.counts)

        def helps(count: int) -> bool:
            return self.gain(count) >= (ALIGNED if count <= measured else MIN_GAIN)

        # The gain falls with each replica, so that the last one that helps is found by halving.
        low, high = 1, 2
        while helps(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if helps(middle) else (low, middle)
        return low

    def replicas_for(self, demand: float, headroom: float, largest: int) -> int | None:
        """Return the least number of replicas that carry a demand with headroom; `None` if no number up to the peak and
        `largest` does.

        Args:
            demand: requests per second.
            headroom: share of the capacity that stays unused.
            largest: largest number of replicas that is looked at.
        """
        if demand <= 0.0:
            return 0
        most = largest if self.peak is None else min(largest, self.peak)
        needed = demand / (1.0 - headroom)
        if not most or self.capacity(most) < needed * (1.0 - ALIGNED):
            return None
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.capacity(middle) >= needed * (1.0 - ALIGNED) else (middle, high)
        return high


def fit(measured: Sequence[Measured]) -> Curve:
    """Return the curve through measured capacities; of one count of replicas the lowest capacity counts.

    One count gives a line, two give contention, three and more coherency as well. The curve is lowered until it exceeds
    no measurement.

    Args:
        measured: at least one; counts and rates are positive.
    """
    lowest: dict[int, float] = {}
    for replicas, rate in measured:
        lowest[replicas] = min(rate, lowest.get(replicas, math.inf))
    counts = sorted(lowest)
    n = np.array(counts, np.float64)
    x = np.array([lowest[count] for count in counts], np.float64)
    columns = np.stack([np.ones_like(n), n - 1.0, n * (n - 1.0)], axis=1)[:, : min(3, len(counts))]
    # Dividing each row by R / X makes the errors relative.
    solution, _ = optimize.nnls(columns / (n / x)[:, None], np.ones_like(n))
    base = float(solution[0])
    if base <= 0.0:  # more than proportional growth: a line through the lowest capacity per replica
        return Curve(rate=float((x / n).min()), counts=tuple(counts))
    rest = [float(value) / base for value in solution[1:]]
    sigma, kappa = (*rest, 0.0, 0.0)[:2]
    curve = Curve(rate=1.0 / base, sigma=sigma, kappa=kappa, counts=tuple(counts))
    excess = min(1.0, *(lowest[count] / curve.capacity(count) for count in counts))
    return Curve(rate=curve.rate * excess, sigma=sigma, kappa=kappa, counts=tuple(counts))
