"""How long the noise of one arm lasts, measured in requests, and by how much that dilutes the evidence of a pair.

The paired verdict assumes that, given the past, the sign of each pair of blocks is symmetric. A queue near saturation
violates this: it needs longer than a block to empty, so that one arm is slow by chance for many blocks in a row. Then
successive blocks are not separate observations.

The persistence compares two estimates of the noise of d, the log ratio of two requests with the same payload: the
variance of its block means between neighbouring blocks (half of the mean squared successive difference; von Neumann,
1941), and the variance within a block divided by the number of requests. If requests are independent given the noise
that both arms share, their ratio is 1; if the noise of an arm lasts for tau requests, it is about tau. A regression
changes neither, since it shifts all means alike, and a queue that only the candidate builds up changes the ratio for
as long as it builds up. Swapping the arms does not change the ratio.

E-values are divided, as logarithms, by a factor >= 1 that grows with the persistence. This can only make decisions
rarer, so every guarantee of the e-processes remains.

Noise that lasts gives many blocks the same sign only if it is as large as what is to be shown. The persistence is a
ratio of two variances, and says nothing about their size: a candidate that is four times slower in every block may
have a noise of 1 % that lasts. So the factor for a failure falls with the square of the ratio of the noise between
blocks to the smallest excess of a block (`outweigh`).
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    HARMLESS_CHANGE,
    HARMLESS_WINDOW,
    LARGE_STEP,
    LASTING_TO_FAIL,
    LASTING_TO_PASS,
    OUTWEIGHED,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CHI_SQUARE_MEDIAN = 0.4549
"""Median of the chi-square distribution with one degree of freedom, whose mean is 1."""
_FLOOR = BLOCK_SIZE * HARMLESS_CHANGE**2 / LASTING_TO_FAIL
"""Variance within a block that is added, so that block means that differ by `HARMLESS_CHANGE` dilute nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dilution:
    """Factors >= 1 by which the logarithms of e-values are divided.

    Attributes:
        fail: Factor for a failure.
        passing: Factor for a pass.
    """

    fail: float = 1.0
    passing: float = 1.0


class Persistence:
    """The persistence over the pairs so far. Pairs of several shards with the same block number form one window."""

    __slots__ = ("_last", "_newest", "_pairs", "_steps", "_variances", "_window")

    def __init__(self) -> None:
        self._pairs = 0
        self._window: int | None = None
        self._newest: list[float] = []
        self._last: float | None = None
        self._steps: list[float] = []
        self._variances: list[float] = []

    def add(self, mean: float, sd: float, window: int) -> None:
        """Add a pair of blocks.

        Args:
            mean: Mean log ratio of the requests of the pair.
            sd: Standard deviation of these log ratios.
            window: Number of the block in its shard; equal numbers in a row belong together.
        """
        if window != self._window:
            self._close_window()
            self._window, self._newest = window, []
        self._newest.append(mean)
        self._pairs += 1
        insort(self._variances, sd * sd)

    def _close_window(self) -> None:
        if not self._newest:
            return
        mean = sum(self._newest) / len(self._newest)
        if self._last is not None:
            insort(self._steps, (mean - self._last) ** 2 / 2)
        self._last = mean

    @property
    def _windows(self) -> int:
        return len(self._steps) + (self._last is not None) + bool(self._newest)

    @property
    def shards(self) -> float:
        """Mean number of pairs per window; 1 without shards."""
        return self._pairs / self._windows if self._windows else 1.0

    @property
    def requests(self) -> float:
        """Number of requests that the noise of one arm lasts; 0 with fewer than two windows."""
        steps = list(self._steps)
        if self._newest and self._last is not None:
            insort(steps, (sum(self._newest) / len(self._newest) - self._last) ** 2 / 2)
        if not steps:
            return 0.0
        # A single pause of one arm is one large step; a queue near saturation makes all steps large.
        large = LARGE_STEP * _median(steps) / _CHI_SQUARE_MEDIAN
        between = float(np.minimum(steps, large).mean())
        return BLOCK_SIZE * self.shards * between / (_median(self._variances) + _FLOOR)

    @property
    def dilution(self) -> Dilution:
        """The factors that follow from the persistence."""
        requests, shards = self.requests, self.shards
        # Shards observe the same window, so that their pairs share what lasts longer than a few requests.
        in_window = requests / (1 + max(requests - 1, 0.0) / shards) / HARMLESS_WINDOW
        return Dilution(
            fail=max(1.0, in_window, requests / (LASTING_TO_FAIL * shards)),
            passing=max(1.0, in_window, requests / (LASTING_TO_PASS * shards)),
        )


def _median(ascending: Sequence[float]) -> float:
    middle = len(ascending) // 2
    return ascending[middle] if len(ascending) % 2 else (ascending[middle - 1] + ascending[middle]) / 2


def noise_between_blocks(d: Floats) -> Floats:
    """Return the noise between blocks after each pair: the root of half of the mean squared successive difference.

    Args:
        d: Log ratios of the pairs in their order, shape (pairs,), pairs >= 1.

    Returns:
        Shape (pairs,); infinite for the first pair.
    """
    squares = np.cumsum(np.diff(d) ** 2 / 2) / np.arange(1, len(d))
    return np.concatenate([[np.inf], np.sqrt(squares)])


def outweigh(factors: Floats, d: Floats, log_ratio: float) -> Floats:
    """Return the factors of dilution against "the log ratio is at most `log_ratio`" after each pair, all >= 1.

    Args:
        factors: Factors that follow from the persistence after each pair, shape (pairs,).
        d: Log ratios of the pairs, shape (pairs,).
        log_ratio: The log ratio in question.
    """
    excess = np.minimum.accumulate(d) - log_ratio
    noise = noise_between_blocks(d)
    share = np.ones_like(d)
    np.divide(OUTWEIGHED * noise, excess, out=share, where=excess > OUTWEIGHED * noise)
    return np.maximum(1.0, factors * share**2)
