"""Counts of response times in HdrHistogram's buckets, merged exactly by adding integers.

Percentiles are never averaged: histograms are added, and the percentile is taken from the sum. Only non-empty buckets
are stored. Values outside of the range are refused; they are never dropped or clipped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.layout import MAX_COUNT, STANDARD, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

_EXACT_FLOAT = 2**53
"""Largest integer up to which float64 represents every integer exactly."""


class Histogram:
    """Number of values per bucket. Immutable by convention.

    Attributes:
        layout: Boundaries of the buckets.
        buckets: Indices of the non-empty buckets, ascending, shape (k,).
        counts: Number of values in each of them, at least 1, shape (k,).
        total: Number of values.
    """

    __slots__ = ("buckets", "counts", "layout", "total")

    def __init__(self, buckets: Counts, counts: Counts, layout: Layout = STANDARD) -> None:
        """Create a histogram from ascending bucket indices and their counts, without copying them.

        Raises:
            DataError: A bucket, a count or the total count is out of range.
        """
        if len(counts) and (int(counts.min()) < 1 or int(buckets[0]) < 0 or int(buckets[-1]) >= layout.size):
            raise DataError("a histogram's counts are negative or out of its range", hint="is the file damaged?")
        self.layout, self.buckets, self.counts = layout, buckets, counts
        approximate = float(counts.sum(dtype=np.float64))
        self.total = int(counts.sum()) if approximate < _EXACT_FLOAT else sum(int(count) for count in counts)
        if self.total > MAX_COUNT:
            raise DataError(f"a histogram's total is larger than {MAX_COUNT}", hint="is the file damaged?")

    @classmethod
    def of(cls, values_ns: NDArray[np.int64] | NDArray[np.float64]) -> Histogram:
        """Return the histogram of values in nanoseconds, shape (n,), rounded to integers.

        Raises:
            DataError: A value is negative, not a number, or longer than one hour.
        """
        return cls.with_layout(values_ns, STANDARD)

    @classmethod
    def with_layout(cls, values: NDArray[np.int64] | NDArray[np.float64], layout: Layout) -> Histogram:
        """Return the histogram of values in the unit of `layout`, shape (n,), rounded to integers.

        Raises:
            DataError: A value is negative, not a number, or larger than `layout.highest` or 2^53.
        """
        highest = min(layout.highest, _EXACT_FLOAT)
        if len(values) and not (bool((values >= 0).all()) and bool((values <= highest).all())):
            raise DataError(
                f"a histogram accepts values from 0 to {highest}; a value is out of this range or not a number",
                hint="response times are recorded in nanoseconds, up to one hour",
            )
        integers = np.rint(values).astype(np.int64)
        buckets, counts = np.unique(layout.bucket_of(integers), return_counts=True)
        return cls(buckets.astype(np.int64), counts.astype(np.int64), layout)

    @classmethod
    def empty(cls) -> Histogram:
        """Return a histogram without values."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def summed(cls, histograms: Iterable[Histogram]) -> Histogram:
        """Return the histogram of all values together; the empty histogram if `histograms` is empty.

        Raises:
            DataError: The histograms differ in resolution, or the total is too large.
        """
        parts = list(histograms)
        if not parts:
            return cls.empty()
        if len({part.layout.resolution for part in parts}) > 1:
            raise DataError(
                "histograms of different resolution cannot be added exactly",
                hint="record all of them with the same lowest value and the same number of digits",
            )
        if sum(part.total for part in parts) > MAX_COUNT:
            raise DataError(f"the total of the histograms is larger than {MAX_COUNT}", hint="is a file damaged?")
        layout = max((part.layout for part in parts), key=lambda layout: layout.highest)
        buckets = np.concatenate([part.buckets for part in parts])
        if not len(buckets):
            return cls(buckets, buckets, layout)
        order = np.argsort(buckets, kind="stable")
        unique, first = np.unique(buckets[order], return_index=True)
        counts = np.add.reduceat(np.concatenate([part.counts for part in parts])[order], first)
        return cls(unique, counts, layout)

    def __add__(self, other: Histogram) -> Histogram:
        """Return the histogram of the values of both; see `summed`."""
        return Histogram.summed((self, other))

    def __eq__(self, other: object) -> bool:
        """Return whether the resolution and every count are equal."""
        if not isinstance(other, Histogram):
            return NotImplemented
        same = self.layout.resolution == other.layout.resolution and np.array_equal(self.buckets, other.buckets)
        return bool(same and np.array_equal(self.counts, other.counts))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return its total count and range."""
        return f"Histogram(total={self.total}, minimum={self.minimum:g}, maximum={self.maximum:g})"

    @property
    def dense_counts(self) -> Counts:
        """Counts of all buckets including the empty ones, shape (layout.size,)."""
        counts = np.zeros(self.layout.size, np.int64)
        counts[self.buckets] = self.counts
        return counts

    @property
    def minimum(self) -> float:
        """Lowest value of the first non-empty bucket; NaN without values."""
        return float(self.layout.starts(self.buckets[:1])[0]) if self.total else math.nan

    @property
    def maximum(self) -> float:
        """Highest value of the last non-empty bucket; NaN without values."""
        return self._end(len(self.buckets) - 1) if self.total else math.nan

    @property
    def mean(self) -> float:
        """Mean with each value at the middle of its bucket, as in HdrHistogram; NaN without values."""
        if not self.total:
            return math.nan
        middles = self.layout.starts(self.buckets) + (self.layout.widths(self.buckets) >> np.uint64(1))
        return float((middles.astype(np.float64) * self.counts).sum() / self.total)

    def quantile(self, q: float) -> float:
        """Return the `q`-quantile by HdrHistogram's rule; NaN without values.

        It is the highest value of the bucket in which the cumulative count reaches ceil(q * total), at least 1: at
        least a share `q` of the values does not exceed it. The product uses the next float below `q`, so that
        0.07 * 100 is 7.
        """
        if not self.total:
            return math.nan
        rank = max(1, min(self.total, math.ceil(math.nextafter(q, 0.0) * self.total)))
        return self._end(int(np.searchsorted(np.cumsum(self.counts), rank)))

    def count_above(self, value: float) -> int:
        """Return the number of values that are certainly larger: those in buckets that start above `value`.

        Values in the bucket of `value` itself are not counted; with three digits it is at most 0.1 % of it wide.
        """
        return int(self.counts[self.layout.starts(self.buckets) > value].sum())

    def count_possibly_above(self, value: float) -> int:
        """Return the number of values that may be larger: those in buckets that end above `value`."""
        ends = self.layout.starts(self.buckets) + (self.layout.widths(self.buckets) - np.uint64(1))
        return int(self.counts[ends > value].sum())

    def _end(self, index: int) -> float:
        bucket = self.buckets[index : index + 1]
        return float(self.layout.starts(bucket)[0] + self.layout.widths(bucket)[0] - np.uint64(1))
