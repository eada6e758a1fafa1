"""E-processes on paired differences that are sign-symmetric under the null hypothesis, whatever their sizes.

For a variable x that is symmetric given the past, and every stake lambda,

    exp(sum_k (lambda * x_k - log cosh(lambda * x_k)))

has an expectation of at most 1 at any stopping time (an e-process): it rarely becomes large by chance, and may be
inspected after every step. The same holds for every weighted mean of such processes with fixed weights. By Ville's
inequality the probability that it ever reaches E is at most 1/E. The variable x may be divided by any quantity that
does not change when the two arms are swapped, and may be replaced by any odd function of it (here: clipping).

Sources: de la Peña (1999) for sums of symmetric variables; Ramdas, Grünwald, Vovk, Shafer (2023), "Game-theoretic
statistics and safe anytime-valid inference", for e-processes, mixtures and confidence sequences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import (
    GRID_MAX,
    GRID_MIN,
    GRID_SIZE,
    MAX_LOG_RATIO,
    QUANTILE_CLIP,
    QUANTILE_LAMBDAS,
    QUANTILE_WEIGHTS_TO_FAIL,
    QUANTILE_WEIGHTS_TO_PASS,
    TAIL_CLIP,
    TAIL_LAMBDAS,
    TAIL_WEIGHTS_TO_FAIL,
    TAIL_WEIGHTS_TO_PASS,
)
from ghmlops.core.latency.saturation.persistence import outweigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_PRECISION = 1e-6
"""Width of the bracket at which the bisection of a bound ends, as a log ratio."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """The mixture of an e-process.

    Attributes:
        lambdas: Stakes, shape (m,).
        weights: Weights of the stakes, which sum to 1, shape (m,).
        clip: x is clipped to this absolute value.
    """

    lambdas: Floats
    weights: Floats
    clip: float = math.inf


QUANTILE_TO_FAIL, QUANTILE_TO_PASS = (
    Stakes(lambdas=np.array(QUANTILE_LAMBDAS), weights=np.array(weights), clip=QUANTILE_CLIP)
    for weights in (QUANTILE_WEIGHTS_TO_FAIL, QUANTILE_WEIGHTS_TO_PASS)
)
"""Mixtures for x in units of the noise of its pair, for a failure and for a pass."""
GRID = Stakes(lambdas=np.geomspace(GRID_MIN, GRID_MAX, GRID_SIZE), weights=np.full(GRID_SIZE, 1 / GRID_SIZE))
"""Mixture for x of unknown spread."""
TAIL_TO_FAIL, TAIL_TO_PASS = (
    Stakes(lambdas=np.array(TAIL_LAMBDAS), weights=np.array(weights), clip=TAIL_CLIP)
    for weights in (TAIL_WEIGHTS_TO_FAIL, TAIL_WEIGHTS_TO_PASS)
)
"""Mixtures for x in units of the spread of its pair, for a failure and for a pass."""


def log_increments(x: Floats, stakes: Stakes) -> Floats:
    """Return lambda * x - log cosh(lambda * x) for every stake lambda, as a new last axis.

    log cosh y is computed as |y| + log1p(exp(-2 |y|)) - log 2, which does not overflow.
    """
    y = np.clip(x, -stakes.clip, stakes.clip)[..., np.newaxis] * stakes.lambdas
    size = np.abs(y)
    return np.asarray(y - size - np.log1p(np.exp(-2.0 * size)) + math.log(2.0))


def log_mixture(sums: Floats, stakes: Stakes) -> Floats:
    """Return the logarithm of the mean of exp(sums), weighted over the stakes and equally over the views, shape (...).

    Args:
        sums: Sums of `log_increments`, shape (..., views, lambdas).
        stakes: The mixture with which they were computed.
    """
    # A stake without weight must not be the largest one, or the others would underflow.
    sums = np.where(stakes.weights > 0, sums, -np.inf)
    top = sums.max(axis=(-2, -1))
    parts = np.exp(sums - top[..., np.newaxis, np.newaxis]) * stakes.weights
    return np.asarray(top + np.log(parts.sum(axis=(-2, -1)) / sums.shape[-2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifferences:
    """The differences of all pairs so far.

    Attributes:
        d: Log ratios, shape (pairs, views); each view is an estimate of the same quantity.
        unit: Unit of each pair, > 0, by which its d are divided, shape (pairs,).
        stakes: Mixture of the e-process.
        dilution: Factor >= 1 by which the logarithm of the e-process is divided after each pair, shape (pairs,); `None`
            if it is 1.
        outweighs: Whether a difference that is much larger than its noise is diluted less (`persistence.outweigh`).
    """

    d: Floats
    unit: Floats
    stakes: Stakes
    dilution: Floats | None = None
    outweighs: bool = False

    def divisors(self, log_ratio: float) -> Floats:
        """Return what divides the logarithm of the e-process against "the log ratio is at most `log_ratio`" after each
        pair, shape (pairs,)."""
        factors = np.ones(len(self.d)) if self.dilution is None else self.dilution
        return outweigh(factors, self.d.mean(axis=1), log_ratio) if self.outweighs else factors


def highest_rejected(differences: PairedDifferences, threshold: float, *, at_any_time: bool = True) -> float:
    """Return the highest log ratio m for which the e-process against "the log ratio is at most m" rejects.

    Args:
        differences: The pairs.
        threshold: Value of the e-process at which it rejects.
        at_any_time: Whether a rejection after any of the pairs counts; otherwise only one after the last pair does.

    Returns:
        -inf if no log ratio is rejected. The process falls as m rises, so bisection finds the bound.
    """
    log_threshold = math.log(threshold)

    def is_rejected(log_ratio: float) -> bool:
        x = (differences.d - log_ratio) / differences.unit[:, np.newaxis]
        sums = log_increments(x, differences.stakes)
        sums = sums.cumsum(axis=0) if at_any_time else sums.sum(axis=0, keepdims=True)
        log_e = log_mixture(sums, differences.stakes) / differences.divisors(log_ratio)[-len(sums) :]
        return bool(log_e.max() >= log_threshold)

    low, high = -MAX_LOG_RATIO, MAX_LOG_RATIO
    if not is_rejected(low):
        return -math.inf
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if is_rejected(middle) else (low, middle)
    return low
