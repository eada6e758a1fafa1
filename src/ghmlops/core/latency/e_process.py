"""E-processes on paired differences whose sign is a fair coin under no change, whatever their sizes. Pure.

For a variable x that is symmetric given all that came before, and every lambda,

    exp(sum_k (lambda * x_k - log cosh(lambda * x_k)))

has an expectation of at most 1 at any stopping time (an e-process): it seldom grows large by chance, and it may be
looked at after every step. So has every mean of such processes with fixed weights. By Ville's inequality the
probability that it ever reaches E is at most 1/E. x may be divided by anything that does not change when the two arms
are swapped, and any odd function of it may take its place (here: it is cut off at both ends alike).

Sources: de la Peña (1999) for sums of symmetric variables; Ramdas, Grünwald, Vovk, Shafer (2023), "Game-theoretic
statistics and safe anytime-valid inference", for e-processes, mixtures and confidence sequences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_WIDEST = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """How an e-process bets: a weighted mean over several lambda."""

    lambdas: Floats
    weights: Floats
    """Of the lambdas; they sum to 1."""
    most: float = math.inf
    """x counts as this much at most, either way: one wild block cannot lose what ten have won."""


GRID = Stakes(lambdas=np.geomspace(0.02, 3.0, 14), weights=np.full(14, 1 / 14))
"""For x of unknown spread: 14 values, alike."""
TAIL = Stakes(lambdas=np.array([0.5, 1.0, 2.5]), weights=np.array([0.7, 0.2, 0.1]), most=2.0)
"""For x in units of its own spread: a change that can be found at all within some 72 pairs has a mean of about 0.5 or
more there."""


def log_bets(x: Floats, stakes: Stakes) -> Floats:
    """Return lambda * x - log cosh(lambda * x) for every lambda of `stakes`, which become a new last axis.

    log cosh y is computed as |y| + log1p(exp(-2 |y|)) - log 2, which does not overflow.
    """
    y = np.clip(x, -stakes.most, stakes.most)[..., np.newaxis] * stakes.lambdas
    size = np.abs(y)
    return np.asarray(y - size - np.log1p(np.exp(-2.0 * size)) + math.log(2.0))


def log_mix(sums: Floats, stakes: Stakes) -> Floats:
    """Return the logarithm of the mean of exp(sums), weighted over lambda and even over the views.

    Args:
        sums: of `log_bets`, shape (..., views, lambdas).
        stakes: the same ones.
    """
    top = sums.max(axis=(-2, -1))
    parts = np.exp(sums - top[..., np.newaxis, np.newaxis]) * stakes.weights
    return np.asarray(top + np.log(parts.sum(axis=(-2, -1)) / sums.shape[-2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The differences of all pairs so far.

    Attributes:
        d: log ratios, shape (pairs, views): several estimates of the same quantity.
        unit: of each pair, by which its d are divided, shape (pairs,); above 0.
        stakes: how to bet on them.
    """

    d: Floats
    unit: Floats
    stakes: Stakes


def rejected_below(record: Record, reach: float, *, ever: bool = True) -> float:
    """Return the highest log ratio that the e-process against "no larger than this" rejects.

    Args:
        record: the pairs.
        reach: value of the e-process that rejects.
        ever: it is enough to have been rejected after any of the pairs; else only after the last one counts.

    Returns:
        -inf where none is rejected. The process falls as the limit rises, so bisection finds it.
    """
    wanted = math.log(reach)

    def rejected(limit: float) -> bool:
        x = (record.d - limit) / record.unit[:, np.newaxis]
        sums = log_bets(x, record.stakes)
        sums = sums.cumsum(axis=0) if ever else sums.sum(axis=0, keepdims=True)
        return bool(log_mix(sums, record.stakes).max() >= wanted)

    low, high = -_WIDEST, _WIDEST
    if not rejected(low):
        return -math.inf
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low
