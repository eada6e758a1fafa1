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

from ghmlops.core.scale.constants import ALIGNED

if TYPE_CHECKING:
    from collections.abc import Sequence


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

    @property
    def peak(self) -> int | None:
        """Number of replicas beyond which more of them carry no more; `None` if there is none."""
        if self.kappa <= 0.0:
            # Contention alone makes the capacity approach lambda / sigma: from above, if that is less than lambda.
            return 1 if self.sigma >= 1.0 - ALIGNED else None
        middle = math.sqrt(max(0.0, 1.0 - self.sigma) / self.kappa)
        return max((max(1, math.floor(middle)), max(1, math.ceil(middle))), key=self.capacity)

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
