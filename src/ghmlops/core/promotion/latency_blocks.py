"""Response times of the candidate against its twin: routed requests, thinned to blocks of equal size and equal time.

Two arms with different numbers of requests give p99s with different biases (the p99 of 250 requests is lower than that
of 24,750), so that a real slow-down would pass. Every pair of blocks therefore has the same number of requests per arm
from the same interval of time; of the arm with more requests, evenly spaced ones are taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import BLOCK_SIZE, QUANTILE_UNIT
from ghmlops.core.latency.duet import Duet, compare_blocks
from ghmlops.core.latency.e_process import GRID, log_increments, log_mixture
from ghmlops.core.promotion.constants import LATENCY_FAIL_E, SMALL_BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import LatencyMargin

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Completed requests of one arm in the order of their arrival.

    Attributes:
        at: Arrival in seconds since any fixed instant, ascending, shape (n,).
        response: Response time in seconds, shape (n,).
    """

    at: Floats
    response: Floats


def pair_blocks(candidate: Times, twin: Times, size: int) -> Iterator[tuple[Floats, Floats]]:
    """Yield pairs of blocks (twin, candidate) of response times, each of shape (size,).

    A block ends when the slower of the two arms has received `size` requests since the last block. What is left at the
    end is not yielded.

    Args:
        candidate: Requests of the candidate.
        twin: Requests of the twin.
        size: Requests per arm and block.
    """
    first, second = 0, 0
    while first + size <= len(candidate.at) and second + size <= len(twin.at):
        end = max(candidate.at[first + size - 1], twin.at[second + size - 1])
        after_first = int(np.searchsorted(candidate.at, end, side="right"))
        after_second = int(np.searchsorted(twin.at, end, side="right"))
        yield _thin(twin.response[second:after_second], size), _thin(candidate.response[first:after_first], size)
        first, second = after_first, after_second


def _thin(values: Floats, size: int) -> Floats:
    return values[np.linspace(0, len(values) - 1, size).round().astype(np.int64)]


class LatencyComparison:
    """The sequential comparison of response times over the rungs of a promotion.

    A failure counts from the first rung on; a pass is shown by the requests of one rung alone, because a candidate may
    be slow only under the load of a higher one.

    Args:
        margins: Margin and safe limit by quantile, as in the section `latency`.
    """

    __slots__ = ("_duet", "_log_small", "_margin", "_rung", "_small")

    def __init__(self, margins: Mapping[str, LatencyMargin]) -> None:
        self._duet, self._rung = Duet(margins, patient=True), Duet(margins)
        self._margin = math.log1p(margins["p50"].fail)
        self._small, self._log_small = np.zeros((1, len(GRID.lambdas))), 0.0

    def start_rung(self, margins: Mapping[str, LatencyMargin]) -> None:
        """Begin a new rung."""
        self._rung = Duet(margins)

    def feed(self, candidate: Times, twin: Times) -> None:
        """Add the requests of a period; a started block is not carried over into the next period."""
        for before, after in pair_blocks(candidate, twin, BLOCK_SIZE):
            statistics = compare_blocks(before, after)
            self._duet.feed(statistics)
            self._rung.feed(statistics)
        for before, after in pair_blocks(candidate, twin, SMALL_BLOCK):
            log_ratio = float(np.log(np.median(after)) - np.log(np.median(before)))
            self._small += log_increments(np.array([(log_ratio - self._margin) / QUANTILE_UNIT]), GRID)
            self._log_small = max(self._log_small, float(log_mixture(self._small, GRID)))

    @property
    def failed(self) -> bool:
        """Whether the candidate is shown to be slower than the twin by more than a margin."""
        return self._duet.decision == "fail" or self._log_small >= math.log(LATENCY_FAIL_E)

    @property
    def passed(self) -> bool:
        """Whether the requests of this rung show that the candidate is not slower than allowed."""
        return self._rung.decision == "pass"

    @property
    def pairs(self) -> int:
        """Pairs of large blocks in this rung."""
        return self._rung.pairs
