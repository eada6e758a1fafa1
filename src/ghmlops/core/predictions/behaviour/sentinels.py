"""Sentinel values: extreme numbers that recur exactly because they stand for something else, such as "unknown"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.predictions.behaviour.distribution import Sentinel
from ghmlops.core.predictions.constants import (
    CENTRAL_SHARE,
    MAX_SENTINELS,
    MIN_SENTINEL_ROWS,
    SENTINEL_DISTANCE,
    SENTINEL_GAP,
)

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints


def find_sentinels(low: Floats, high: Floats, counts: tuple[Ints, Ints]) -> list[Sentinel]:
    """Return the sentinel values of a numeric column, outermost first, at most `MAX_SENTINELS` at each end.

    The outermost value of an end is one if it occurs exactly in at least `MIN_SENTINEL_ROWS` rows, and lies far outside
    the central range of all other rows and far from the next value. A column whose central range is a single value has
    no scale, and so no sentinels.

    Args:
        low: Smallest value of each bin, ascending, shape (b,).
        high: Largest value of each bin, shape (b,).
        counts: Number of rows of both sides per bin, shape (b,) each.
    """
    rows, sentinels = counts[0] + counts[1], list[Sentinel]()
    first, last = 0, len(rows) - 1
    for is_upper in (True, False):
        for _ in range(MAX_SENTINELS):
            if first >= last:
                break
            index = last if is_upper else first
            remaining = slice(first, last) if is_upper else slice(first + 1, last + 1)
            if not _is_sentinel(float(low[index]), float(high[index]), int(rows[index])) or not _is_far(
                float(low[index]), (low[remaining], high[remaining], rows[remaining])
            ):
                break
            value = Sentinel(value=float(low[index]), baseline=int(counts[0][index]), candidate=int(counts[1][index]))
            sentinels.append(value)
            first, last = (first, last - 1) if is_upper else (first + 1, last)
    return sentinels


def _is_sentinel(low: float, high: float, rows: int) -> bool:
    return low == high and rows >= MIN_SENTINEL_ROWS


def _is_far(value: float, others: tuple[Floats, Floats, Ints]) -> bool:
    """Return whether a value lies far outside the central range of the other rows, and far from the nearest of them."""
    low, high, rows = others
    mass = np.cumsum(rows) / max(int(rows.sum()), 1)
    tail = (1.0 - CENTRAL_SHARE) / 2
    bottom = float(low[int(np.searchsorted(mass, tail))])
    top = float(high[min(int(np.searchsorted(mass, 1.0 - tail)), len(rows) - 1)])
    width = top - bottom
    outside = value - top if value > top else bottom - value
    gap = value - float(high[-1]) if value > top else float(low[0]) - value
    return 0 < width < SENTINEL_DISTANCE * width < outside and gap > SENTINEL_GAP * outside
