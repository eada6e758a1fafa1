"""Draws a sample of requests: the smallest random keys over all requests, and more of each rare slice.

Every request has a random key that follows from its identifier and the seed, so that the sample depends neither on
the order of the log nor on the number of threads. Each objective (all requests; each value of each slice column)
takes the requests with the smallest keys. A request is in the sample if any objective takes it, and the inclusion
probability is the largest threshold of its objectives; sums that are weighted by its inverse are unbiased.

Source: Cohen (2015), Multi-Objective Weighted Sampling, HotWeb 2015; Ting (2017), Adaptive Threshold Sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

KEYS = 2.0**64
"""Number of different keys."""
UNLIMITED = 2**64 - 1
"""Limit of a pool that contains all requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The requests from which the sample is drawn, and how far the pool reaches.

    Attributes:
        keys: key of each request, shape (n,).
        codes: index of the value of each slice column, -1 without a value, shape (columns, n).
        limit: all requests with a smaller key are in the pool.
        slice_limits: for each slice column and value: all requests of the value with a smaller key are in the pool.
    """

    keys: Keys
    codes: NDArray[np.int64]
    limit: int
    slice_limits: Sequence[Sequence[int]]


class Sample(NamedTuple):
    """Indices of the pool in the order of the keys, and the inclusion probability of each."""

    indices: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def draw(pool: Pool, *, rows: int, rare: int) -> Sample:
    """Return the sample.

    Args:
        pool: requests that may be in the sample.
        rows: number of requests over all slices.
        rare: number of requests of each slice value, if there are as many.
    """
    thresholds = np.full(len(pool.keys), _threshold(pool.keys, pool.limit, rows), np.uint64)
    for codes, limits in zip(pool.codes, pool.slice_limits, strict=True):
        for code, limit in enumerate(limits):
            members = codes == code
            threshold = _threshold(pool.keys[members], max(limit, pool.limit), rare)
            thresholds[members] = np.maximum(thresholds[members], np.uint64(threshold))
    unlimited = thresholds == UNLIMITED
    members = np.flatnonzero((pool.keys < thresholds) | unlimited)
    order = members[np.argsort(pool.keys[members], kind="stable")]
    probabilities = np.where(unlimited[order], 1.0, thresholds[order].astype(np.float64) / KEYS)
    return Sample(order.astype(np.int64), probabilities)


def _threshold(keys: Keys, limit: int, count: int) -> int:
    """Return the key that follows the `count` smallest, or the limit of the pool if there is none below it."""
    below = keys if limit == UNLIMITED else keys[keys < limit]
    return int(np.partition(below, count)[count]) if len(below) > count else limit
