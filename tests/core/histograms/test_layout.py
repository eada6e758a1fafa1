"""The bucket layout: sizes and boundaries equal to those of HdrHistogram."""

from __future__ import annotations

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.layout import Layout

LAYOUTS = [
    (1, 2, 1),
    (1, 2047, 3),
    (1, 2048, 3),
    (1, 4096, 3),
    (1000, 3_600_000_000_000, 2),
    (1024, 10**9, 4),
    (1, 2**62, 5),
    (1, 2**63 - 1, 3),
    (7, 10**6, 1),
]


@pytest.mark.parametrize(("lowest", "highest", "digits"), LAYOUTS)
def test_the_number_of_buckets_is_that_of_hdrhistogram(lowest: int, highest: int, digits: int) -> None:
    """Any layout has as many buckets as in HdrHistogram."""
    expected = HdrHistogram(lowest, highest, digits).counts_len
    assert expected == Layout(lowest=lowest, highest=highest, digits=digits).size


@pytest.mark.parametrize(("lowest", "highest", "digits"), LAYOUTS)
def test_values_fall_into_the_buckets_of_hdrhistogram(lowest: int, highest: int, digits: int) -> None:
    """In any layout each value is counted in the same bucket as in HdrHistogram."""
    layout = Layout(lowest=lowest, highest=highest, digits=digits)
    values = [v for v in (0, 1, 2, 3, 999, 1000, 1001, 2**20 - 1, 2**20, 10**9, 2**52) if v <= highest]
    oracle = HdrHistogram(lowest, highest, digits)
    for value in values:
        assert oracle.record_value(value)
    assert list(oracle.counts[:]) == Histogram.with_layout(np.array(values), layout).dense_counts.tolist()


@pytest.mark.parametrize(
    ("lowest", "highest", "digits"),
    [(0, 100, 3), (1, 1, 3), (1, 2**63, 3), (1, 100, 6), (1, 100, -1), (2**60, 2**62, 5)],
)
def test_invalid_layouts_are_refused(lowest: int, highest: int, digits: int) -> None:
    """A layout that HdrHistogram refuses is refused; the message names the layout."""
    with pytest.raises(DataError, match=rf"{lowest}\.\.{highest} with {digits}"):
        Layout(lowest=lowest, highest=highest, digits=digits)
