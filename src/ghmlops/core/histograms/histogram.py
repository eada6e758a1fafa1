"""Counts of response times in HdrHistogram's log-linear buckets; merged exactly, by adding whole numbers. Pure.

A bucket is as wide as one unit for small values and doubles in width with each power of two, so that every value keeps
the same number of significant digits. The layout is that of HdrHistogram (Gil Tene, http://hdrhistogram.org), so that
its files can be read and written (`ghmlops.core.histograms.hlog`). Percentiles are never averaged: histograms are
added, and the percentile is taken from the sum.

Only buckets that hold something are kept. Values outside of the range are refused, never dropped or moved inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MOST_COUNT = 2**63 - 1
"""Largest total: what HdrHistogram's counters hold."""
_EXACT_FLOAT = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the buckets begin and end.

    Attributes:
        lowest: smallest value that is told from 0, in the histogram's unit; a power of two at most it is the width of
            the smallest bucket.
        highest: largest value that is to fit, at least twice `lowest`.
        digits: significant decimal digits that are kept, 0 to 5.
    """

    lowest: int = 1
    highest: int = 3_600_000_000_000
    digits: int = 3

    def __post_init__(self) -> None:
        """Refuse what HdrHistogram refuses.

        Raises:
            DataError: the layout is not possible.
        """
        possible = 0 <= self.digits <= 5 and self.lowest >= 1 and 2 * self.lowest <= self.highest <= MOST_COUNT
        if not possible or self.unit + self.half > 61:
            raise DataError(
                f"histogram layout {self.lowest}..{self.highest} with {self.digits} significant digits is not possible",
                hint="HdrHistogram allows 0 to 5 digits and values from 1 to 2^63-1",
            )

    @property
    def unit(self) -> int:
        """Width of the smallest bucket, as a power of two."""
        return self.lowest.bit_length() - 1

    @property
    def half(self) -> int:
        """How many buckets share one width above the first doubling, as a power of two."""
        return max(int(2 * 10**self.digits - 1).bit_length(), 1) - 1

    @property
    def size(self) -> int:
        """Number of buckets."""
        doublings = max(0, self.highest.bit_length() - (self.half + 1 + self.unit))
        return (doublings + 2) << self.half

    @property
    def resolution(self) -> tuple[int, int]:
        """What two histograms must share to be added exactly; the highest value may differ."""
        return self.unit, self.digits

    def places(self, values: Counts) -> Counts:
        """Return the bucket of each value; values are 0..2^53."""
        floor = np.int64(((2 << self.half) - 1) << self.unit)
        _, length = np.frexp((values | floor).astype(np.float64))  # the exponent is the bit length
        doubling = length.astype(np.int64) - (self.unit + self.half + 1)
        place: Counts = (doubling << self.half) + (values >> (doubling + self.unit))
        return place

    def begins(self, places: Counts) -> NDArray[np.uint64]:
        """Return the lowest value of each bucket."""
        doubling, within = self._split(places)
        return within << (doubling + np.uint64(self.unit))

    def widths(self, places: Counts) -> NDArray[np.uint64]:
        """Return the width of each bucket."""
        doubling, _ = self._split(places)
        return np.uint64(1) << (doubling + np.uint64(self.unit))

    def _split(self, places: Counts) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        doubling = np.maximum((places >> self.half) - 1, 0)
        return doubling.astype(np.uint64), (places - (doubling << self.half)).astype(np.uint64)


STANDARD = Layout()
"""Nanoseconds up to one hour with three significant digits."""


class Histogram:
    """How many values fell into each bucket. Never changed after it is made.

    Attributes:
        layout: where the buckets begin and end.
        places: buckets that hold something, ascending, shape (k,).
        held: how many values each of them holds, at least 1, shape (k,).
        total: how many values there are.
    """

    __slots__ = ("held", "layout", "places", "total")

    def __init__(self, places: Counts, held: Counts, layout: Layout = STANDARD) -> None:
        """Take ascending buckets and their counts as they are.

        Raises:
            DataError: a bucket or count is out of range, or the total would be.
        """
        if len(held) and (int(held.min()) < 1 or int(places[0]) < 0 or int(places[-1]) >= layout.size):
            raise DataError("a histogram's counts are negative or out of its range", hint="is the file damaged?")
        self.layout, self.places, self.held = layout, places, held
        near = float(held.sum(dtype=np.float64))
        self.total = int(held.sum()) if near < _EXACT_FLOAT else sum(int(count) for count in held)
        if self.total > MOST_COUNT:
            raise DataError(f"a histogram's total is larger than {MOST_COUNT}", hint="is the file damaged?")

    @classmethod
    def of(cls, values_ns: NDArray[np.int64] | NDArray[np.float64]) -> Histogram:
        """Count values in nanoseconds, shape (n,); fractions are rounded to whole nanoseconds.

        Raises:
            DataError: a value is negative, not a number, or longer than one hour.
        """
        return cls.counted(values_ns)

    @classmethod
    def counted(cls, values: NDArray[np.int64] | NDArray[np.float64], layout: Layout = STANDARD) -> Histogram:
        """Count values in the unit of `layout`, as `of`.

        Raises:
            DataError: a value is negative, not a number, or larger than `layout.highest` or 2^53.
        """
        most = min(layout.highest, _EXACT_FLOAT)
        if len(values) and not (bool((values >= 0).all()) and bool((values <= most).all())):
            raise DataError(
                f"a histogram takes values from 0 to {most}; there is one outside of it, or that is not a number",
                hint="response times are kept in nanoseconds, up to one hour",
            )
        whole = np.rint(values).astype(np.int64)
        places, held = np.unique(layout.places(whole), return_counts=True)
        return cls(places.astype(np.int64), held.astype(np.int64), layout)

    @classmethod
    def empty(cls) -> Histogram:
        """Return the histogram of no value."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    @classmethod
    def summed(cls, histograms: Iterable[Histogram]) -> Histogram:
        """Return the histogram of all values together; of none, the empty one.

        Raises:
            DataError: they differ in resolution, or the total is too large.
        """
        parts = list(histograms)
        if not parts:
            return cls.empty()
        if len({part.layout.resolution for part in parts}) > 1:
            raise DataError(
                "histograms of different resolution cannot be added exactly",
                hint="record all of them with the same lowest value and the same number of digits",
            )
        if sum(part.total for part in parts) > MOST_COUNT:
            raise DataError(f"the total of the histograms is larger than {MOST_COUNT}", hint="is a file damaged?")
        widest = max((part.layout for part in parts), key=lambda layout: layout.highest)
        places = np.concatenate([part.places for part in parts])
        if not len(places):
            return cls(places, places, widest)
        order = np.argsort(places, kind="stable")
        every, first = np.unique(places[order], return_index=True)
        held = np.add.reduceat(np.concatenate([part.held for part in parts])[order], first)
        return cls(every, held, widest)

    def __add__(self, other: Histogram) -> Histogram:
        """Return the histogram of both together; see `summed`."""
        return Histogram.summed((self, other))

    def __eq__(self, other: object) -> bool:
        """Return whether the resolution and every count are equal."""
        if not isinstance(other, Histogram):
            return NotImplemented
        same = self.layout.resolution == other.layout.resolution and np.array_equal(self.places, other.places)
        return bool(same and np.array_equal(self.held, other.held))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return its size and range, for failing tests."""
        return f"Histogram(total={self.total}, minimum={self.minimum:g}, maximum={self.maximum:g})"

    @property
    def counts(self) -> Counts:
        """All counts, the zeros included, shape (layout.size,)."""
        found = np.zeros(self.layout.size, np.int64)
        found[self.places] = self.held
        return found

    @property
    def minimum(self) -> float:
        """Lowest value of the first bucket that holds something; NaN where there is none."""
        return float(self.layout.begins(self.places[:1])[0]) if self.total else math.nan

    @property
    def maximum(self) -> float:
        """Highest value of the last bucket that holds something; NaN where there is none."""
        return self._end(len(self.places) - 1) if self.total else math.nan

    @property
    def mean(self) -> float:
        """Mean with each value taken as the middle of its bucket, as HdrHistogram does; NaN where there is none."""
        if not self.total:
            return math.nan
        middles = self.layout.begins(self.places) + (self.layout.widths(self.places) >> np.uint64(1))
        return float((middles.astype(np.float64) * self.held).sum() / self.total)

    def quantile(self, q: float) -> float:
        """Return the quantile by HdrHistogram's rule.

        It is the highest value of the bucket in which the cumulative count reaches ceil(q * total), at least 1: at
        least the share `q` of the values is not larger. The product is taken from the next float below `q`, so that
        0.07 * 100 is 7. NaN where there is no value.
        """
        if not self.total:
            return math.nan
        rank = max(1, min(self.total, math.ceil(math.nextafter(q, 0.0) * self.total)))
        return self._end(int(np.searchsorted(np.cumsum(self.held), rank)))

    def count_above(self, value: float) -> int:
        """Return how many values are surely larger: those in buckets that begin above `value`.

        Values in the bucket of `value` itself are not counted; with three digits it is at most 0.1 % of it wide.
        """
        return int(self.held[self.layout.begins(self.places) > value].sum())

    def count_possibly_above(self, value: float) -> int:
        """Return how many values may be larger: those in buckets that end above `value`."""
        ends = self.layout.begins(self.places) + (self.layout.widths(self.places) - np.uint64(1))
        return int(self.held[ends > value].sum())

    def _end(self, at: int) -> float:
        place = self.places[at : at + 1]
        return float(self.layout.begins(place)[0] + self.layout.widths(place)[0] - np.uint64(1))
