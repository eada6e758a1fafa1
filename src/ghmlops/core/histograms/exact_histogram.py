"""A histogram with an exact sum and maximum, which can be added exactly and stored as JSON."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms import encoding
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.layout import STANDARD

if TYPE_CHECKING:
    from numpy.typing import NDArray

NANOSECONDS = 1e9
"""Nanoseconds per second: the scale of times."""
THOUSANDTHS = 1e3
"""Thousandths per unit: the scale of rates."""


class Distribution:
    """Distribution of non-negative integers. The sum of two is the distribution of all values, count for count.

    Attributes:
        histogram: Counts with three significant digits.
        total: Exact sum of the values.
        maximum: Exact maximum; 0 without values.
    """

    __slots__ = ("histogram", "maximum", "total")

    def __init__(self, histogram: Histogram, total: int, maximum: int) -> None:
        self.histogram, self.total, self.maximum = histogram, total, maximum

    @classmethod
    def of(cls, values: NDArray[np.floating[Any]], scale: float = NANOSECONDS) -> Distribution:
        """Return the distribution of `values`, shape (n,), without NaN, in integer multiples of `1 / scale`.

        Negative values count as 0. Values above one hour (in nanoseconds), the highest value, count as one hour: no
        request lasts that long (the policy's timeouts are shorter), but a send that the generator never reached may
        be later.
        """
        integers = np.rint(np.clip(values.astype(np.float64) * scale, 0, STANDARD.highest)).astype(np.int64)
        return cls(Histogram.of(integers), int(integers.sum()), int(integers.max()) if len(integers) else 0)

    @property
    def n(self) -> int:
        """Number of values."""
        return int(self.histogram.total)

    def __add__(self, other: Distribution) -> Distribution:
        return Distribution(
            self.histogram + other.histogram, self.total + other.total, max(self.maximum, other.maximum)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Distribution):
            return NotImplemented
        same = (self.total, self.maximum) == (other.total, other.maximum)
        return same and self.histogram == other.histogram

    __hash__ = None  # type: ignore[assignment]

    def quantile(self, q: float) -> float:
        """Return the `q`-quantile with three significant digits, at most the maximum; NaN without values."""
        return min(float(self.histogram.quantile(q)), float(self.maximum)) if self.n else math.nan

    @property
    def mean(self) -> float:
        """Exact mean; NaN without values."""
        return self.total / self.n if self.n else math.nan


def as_json(value: object) -> dict[str, Any]:
    """Return a distribution as a JSON object; the encoding hook of `msgspec.to_builtins`.

    Raises:
        NotImplementedError: `value` is not a distribution.
    """
    if not isinstance(value, Distribution):
        raise NotImplementedError(f"{type(value)} cannot be written")
    encoded = base64.b64encode(encoding.encode(value.histogram)).decode() if value.n else ""
    return {"n": value.n, "sum": str(value.total), "max": value.maximum, "histogram": encoded}


def from_json(kind: type, value: object) -> Distribution:
    """Read a distribution written by `as_json` from an untrusted file; the decoding hook of `msgspec.convert`.

    Raises:
        NotImplementedError: `kind` is not `Distribution`.
        ValueError: The value is not a distribution, or its numbers contradict each other.
    """
    if kind is not Distribution:
        raise NotImplementedError(f"{kind} cannot be read")
    if not isinstance(value, dict) or value.keys() != {"n", "sum", "max", "histogram"}:
        raise ValueError("expected a distribution with `n`, `sum`, `max` and `histogram`")
    n, text, maximum, encoded = value["n"], value["sum"], value["max"], value["histogram"]
    if not (type(n) is int and type(maximum) is int and isinstance(text, str) and isinstance(encoded, str)):
        raise ValueError("expected integers and text in a distribution")
    if not (text.isascii() and text.isdigit() and len(text) < 30):
        raise ValueError("expected the sum of a distribution as an integer")
    try:
        histogram = encoding.decode(base64.b64decode(encoded, validate=True)) if encoded else Histogram.empty()
    except (binascii.Error, DataError) as error:
        raise ValueError(f"a histogram cannot be read: {error}") from None
    total = int(text)
    if histogram.total != n or not _is_maximum(histogram, maximum) or not maximum <= total <= maximum * n:
        raise ValueError("the numbers of a distribution contradict each other")
    return Distribution(histogram, total, maximum)


def _is_maximum(histogram: Histogram, value: int) -> bool:
    """Return whether `value` lies in the last non-empty bucket of a histogram of the standard resolution."""
    if histogram.layout.resolution != STANDARD.resolution or not 0 <= value <= STANDARD.highest:
        return False
    last = histogram.buckets[-1:].tolist() or STANDARD.bucket_of(np.zeros(1, np.int64)).tolist()
    return bool(STANDARD.bucket_of(np.array([value], np.int64)).tolist() == last)
