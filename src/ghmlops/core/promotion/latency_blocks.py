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

from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.duet import Duet, compare_blocks
from ghmlops.core.latency.e_process import Stakes, log_increments, log_mixture
from ghmlops.core.promotion.constants import (
    LATENCY_FAIL_E,
    SMALL_BLOCK,
    SMALL_STAKE_MAX,
    SMALL_STAKE_MIN,
    SMALL_STAKES,
    SMALL_UNIT,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import LatencyMargin

    Floats = NDArray[np.float64]


_GRID = Stakes(
    lambdas=np.geomspace(SMALL_STAKE_MIN, SMALL_STAKE_MAX, SMALL_STAKES),
    weights=np.full(SMALL_STAKES, 1 / SMALL_STAKES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Completed requests of one arm in the order of their arrival.

    Attributes:
        at: Arrival in seconds since any fixed instant, ascending, shape (n,).
        response: Response time in seconds, shape (n,).
    """

    at: Floats
    response: Floats

    def after(self, count: int) -> Times:
        """Return the requests without the first `count`."""
        return Times(at=self.at[count:], response=self.response[count:])


class _Waiting:
    """Requests of one arm that wait for a block; sorted only when there are enough, because most looks bring few."""

    __slots__ = ("_parts", "count")

    def __init__(self) -> None:
        self._parts: list[Times] = []
        self.count = 0

    def add(self, times: Times) -> None:
        """Add requests."""
        if len(times.at):
            self._parts.append(times)
            self.count += len(times.at)

    def in_order(self) -> Times:
        """Return all requests in the order of their arrival."""
        if len(self._parts) > 1:
            at = np.concatenate([part.at for part in self._parts])
            order = np.argsort(at, kind="stable")  # a log is in the order in which requests ended
            response = np.concatenate([part.response for part in self._parts])
            self._parts = [Times(at=at[order], response=response[order])]
        return self._parts[0]

    def drop(self, count: int) -> None:
        """Remove the first requests in the order of their arrival."""
        self._parts = [self.in_order().after(count)]
        self.count -= count


class BlockPairs:
    """Collects requests of both arms and pairs them in blocks.

    A block ends when the slower of the two arms has received `size` requests since the last block. What is left is kept
    for the next requests.

    Args:
        size: Requests per arm and block.
    """

    __slots__ = ("_candidate", "_size", "_twin")

    def __init__(self, size: int) -> None:
        self._size, self._candidate, self._twin = size, _Waiting(), _Waiting()

    def add(self, candidate: Times, twin: Times) -> Iterator[tuple[Floats, Floats]]:
        """Add requests and yield the pairs of blocks (twin, candidate) that they complete, each of shape (size,)."""
        self._candidate.add(candidate)
        self._twin.add(twin)
        size = self._size
        while min(self._candidate.count, self._twin.count) >= size:
            ours, others = self._candidate.in_order(), self._twin.in_order()
            end = max(ours.at[size - 1], others.at[size - 1])
            first, second = (int(np.searchsorted(arm.at, end, side="right")) for arm in (ours, others))
            yield _thin(others.response[:second], size), _thin(ours.response[:first], size)
            self._candidate.drop(first)
            self._twin.drop(second)


def _thin(values: Floats, size: int) -> Floats:
    return values[np.linspace(0, len(values) - 1, size).round().astype(np.int64)]


class LatencyComparison:
    """The sequential comparison of response times over the rungs of a promotion.

    A failure counts from the first rung on; a pass is shown by the requests of one rung alone, because a candidate may
    be slow only under the load of a higher one.

    Args:
        margins: Margin and safe limit by quantile, as in the section `latency`.
    """

    __slots__ = ("_duet", "_large_blocks", "_log_small", "_margin", "_rung", "_small", "_small_blocks")

    def __init__(self, margins: Mapping[str, LatencyMargin]) -> None:
        self._duet, self._rung = Duet(margins, patient=True), Duet(margins)
        self._large_blocks, self._small_blocks = BlockPairs(BLOCK_SIZE), BlockPairs(SMALL_BLOCK)
        self._margin = math.log1p(margins["p50"].fail)
        self._small, self._log_small = np.zeros((1, len(_GRID.lambdas))), 0.0

    def start_rung(self, margins: Mapping[str, LatencyMargin]) -> None:
        """Begin a new rung; a started block of the last one is dropped, because its arms had other shares."""
        self._rung = Duet(margins)
        self._large_blocks, self._small_blocks = BlockPairs(BLOCK_SIZE), BlockPairs(SMALL_BLOCK)

    def feed(self, candidate: Times, twin: Times) -> None:
        """Add the requests of the next period of the rung."""
        for before, after in self._large_blocks.add(candidate, twin):
            statistics = compare_blocks(before, after)
            self._duet.feed(statistics)
            self._rung.feed(statistics)
        for before, after in self._small_blocks.add(candidate, twin):
            log_ratio = float(np.log(np.median(after)) - np.log(np.median(before)))
            self._small += log_increments(np.array([(log_ratio - self._margin) / SMALL_UNIT]), _GRID)
            self._log_small = max(self._log_small, float(log_mixture(self._small, _GRID)))

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
