"""A distribution that can be added exactly and written down: an HdrHistogram with the sum and the largest value."""

from __future__ import annotations

import base64
import binascii
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms import hlog
from ghmlops.core.histograms.histogram import STANDARD, Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

NANOSECONDS = 1e9
THOUSANDTHS = 1e3


class Spread:
    """How whole numbers are spread. Adding two gives what all values together would have given, count for count.

    Attributes:
        histogram: the counts, 3 significant digits.
        total: exact sum of the values.
        largest: exact maximum; 0 without values.
    """

    __slots__ = ("histogram", "largest", "total")

    def __init__(self, histogram: Histogram, total: int, largest: int) -> None:
        self.histogram, self.total, self.largest = histogram, total, largest

    @classmethod
    def of(cls, values: NDArray[np.floating[Any]], scale: float = NANOSECONDS) -> Spread:
        """Sum up `values`, shape (n,), none of them NaN, in whole parts of `1 / scale`.

        Negative ones count as 0. No request lasts an hour (a policy's time-outs are shorter), which is the highest
        value; a send that the generator never came to may be later, and counts as an hour.
        """
        whole = np.rint(np.clip(values.astype(np.float64) * scale, 0, STANDARD.highest)).astype(np.int64)
        return cls(Histogram.of(whole), int(whole.sum()), int(whole.max()) if len(whole) else 0)

    @property
    def n(self) -> int:
        """Values counted."""
        return int(self.histogram.total)

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.histogram + other.histogram, self.total + other.total, max(self.largest, other.largest))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spread):
            return NotImplemented
        same = (self.total, self.largest) == (other.total, other.largest)
        return same and self.histogram == other.histogram

    __hash__ = None  # type: ignore[assignment]

    def quantile(self, q: float) -> float:
        """Return the quantile to 3 significant digits, never above the largest value; NaN without values."""
        return min(float(self.histogram.quantile(q)), float(self.largest)) if self.n else math.nan

    @property
    def mean(self) -> float:
        """Exact mean; NaN without values."""
        return self.total / self.n if self.n else math.nan


def as_json(value: object) -> dict[str, Any]:
    """Return a spread as a JSON object; the hook of `msgspec.to_builtins`.

    Raises:
        NotImplementedError: `value` is something else.
    """
    if not isinstance(value, Spread):
        raise NotImplementedError(f"{type(value)} cannot be written")
    packed = base64.b64encode(hlog.encode(value.histogram)).decode() if value.n else ""
    return {"n": value.n, "sum": str(value.total), "max": value.largest, "histogram": packed}


def from_json(kind: type, value: object) -> Spread:
    """Read a spread that `as_json` made, from a file that may be hostile; the hook of `msgspec.convert`.

    Raises:
        ValueError: it is not one, or its numbers contradict each other.
    """
    if kind is not Spread:
        raise NotImplementedError(f"{kind} cannot be read")
    if not isinstance(value, dict) or value.keys() != {"n", "sum", "max", "histogram"}:
        raise ValueError("expected a distribution with `n`, `sum`, `max` and `histogram`")
    n, text, largest, packed = value["n"], value["sum"], value["max"], value["histogram"]
    if not (type(n) is int and type(largest) is int and isinstance(text, str) and isinstance(packed, str)):
        raise ValueError("expected whole numbers and text in a distribution")
    if not (text.isascii() and text.isdigit() and len(text) < 30):
        raise ValueError("expected the sum of a distribution as a whole number")
    try:
        histogram = hlog.decode(base64.b64decode(packed, validate=True)) if packed else Histogram.empty()
    except (binascii.Error, DataError) as error:
        raise ValueError(f"a histogram cannot be read: {error}") from None
    total = int(text)
    if histogram.total != n or not _fits(histogram, largest) or not largest <= total <= largest * n:
        raise ValueError("the numbers of a distribution contradict each other")
    return Spread(histogram, total, largest)


def _fits(histogram: Histogram, largest: int) -> bool:
    if histogram.layout.resolution != STANDARD.resolution or not 0 <= largest <= STANDARD.highest:
        return False
    last = histogram.places[-1:].tolist() or STANDARD.places(np.zeros(1, np.int64)).tolist()
    return bool(STANDARD.places(np.array([largest], np.int64)).tolist() == last)
