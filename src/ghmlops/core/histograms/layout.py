"""The log-linear bucket layout of HdrHistogram.

Buckets have the width of one unit for small values and double their width with each power of two, so that every value
keeps the same number of significant digits. The layout is that of HdrHistogram (Gil Tene, http://hdrhistogram.org), so
that its files can be read and written (`ghmlops.core.histograms.encoding`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MAX_COUNT = 2**63 - 1
"""Largest total count; the capacity of HdrHistogram's counters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boundaries of the buckets.

    Attributes:
        lowest: Smallest value that is distinguished from 0, in the unit of the histogram. The smallest bucket is as
            wide as the largest power of two that does not exceed it.
        highest: Largest value that can be recorded, at least twice `lowest`.
        digits: Number of significant decimal digits, 0 to 5.
    """

    lowest: int = 1
    highest: int = 3_600_000_000_000
    digits: int = 3

    def __post_init__(self) -> None:
        """Validate the layout by the rules of HdrHistogram.

        Raises:
            DataError: HdrHistogram does not allow the layout.
        """
        valid = 0 <= self.digits <= 5 and self.lowest >= 1 and 2 * self.lowest <= self.highest <= MAX_COUNT
        if not valid or self.unit + self.half > 61:
            raise DataError(
                f"histogram layout {self.lowest}..{self.highest} with {self.digits} significant digits is not possible",
                hint="HdrHistogram allows 0 to 5 digits and values from 1 to 2^63-1",
            )

    @property
    def unit(self) -> int:
        """Binary logarithm of the width of the smallest bucket."""
        return self.lowest.bit_length() - 1

    @property
    def half(self) -> int:
        """Binary logarithm of the number of buckets of equal width, above the first doubling."""
        return max(int(2 * 10**self.digits - 1).bit_length(), 1) - 1

    @property
    def size(self) -> int:
        """Number of buckets."""
        doublings = max(0, self.highest.bit_length() - (self.half + 1 + self.unit))
        return (doublings + 2) << self.half

    @property
    def resolution(self) -> tuple[int, int]:
        """The properties that two histograms must share to be added exactly; the highest value may differ."""
        return self.unit, self.digits

    def bucket_of(self, values: Counts) -> Counts:
        """Return the index of the bucket of each value; values are in 0..2^53."""
        floor = np.int64(((2 << self.half) - 1) << self.unit)
        _, length = np.frexp((values | floor).astype(np.float64))  # the exponent is the bit length
        doubling = length.astype(np.int64) - (self.unit + self.half + 1)
        bucket: Counts = (doubling << self.half) + (values >> (doubling + self.unit))
        return bucket

    def starts(self, buckets: Counts) -> NDArray[np.uint64]:
        """Return the lowest value of each bucket."""
        doubling, offset = self._split(buckets)
        return offset << (doubling + np.uint64(self.unit))

    def widths(self, buckets: Counts) -> NDArray[np.uint64]:
        """Return the width of each bucket."""
        doubling, _ = self._split(buckets)
        return np.uint64(1) << (doubling + np.uint64(self.unit))

    def _split(self, buckets: Counts) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        doubling = np.maximum((buckets >> self.half) - 1, 0)
        return doubling.astype(np.uint64), (buckets - (doubling << self.half)).astype(np.uint64)


STANDARD = Layout()
"""Nanoseconds up to one hour with three significant digits."""
