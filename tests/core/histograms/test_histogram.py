"""Histograms: counts equal to HdrHistogram's, exact addition, quantiles from the sum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.layout import STANDARD, Layout

VALUES = st.lists(st.one_of(st.integers(0, 5000), st.integers(0, STANDARD.highest)), max_size=60)


def histogram_of(values: list[int]) -> Histogram:
    """Return the histogram of `values`."""
    return Histogram.of(np.array(values, np.int64))


def oracle_of(values: list[int]) -> HdrHistogram:
    """Return the histogram of `values` by an independent implementation."""
    histogram = HdrHistogram(STANDARD.lowest, STANDARD.highest, STANDARD.digits)
    for value in values:
        assert histogram.record_value(value)
    return histogram


@settings(max_examples=12, deadline=None)
@given(VALUES)
def test_every_count_equals_hdrhistogram(values: list[int]) -> None:
    """The count of each bucket equals that of HdrHistogram."""
    expected = oracle_of(values)
    actual = histogram_of(values)
    assert list(expected.counts[:]) == actual.dense_counts.tolist()
    assert expected.total_count == actual.total


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES, VALUES)
def test_a_sum_is_the_histogram_of_all_values(first: list[int], second: list[int], third: list[int]) -> None:
    """Adding is lossless: the sum equals one histogram of all values, count for count, in any order."""
    expected = histogram_of(first + second + third)
    assert expected == histogram_of(first) + histogram_of(second) + histogram_of(third)
    assert expected == Histogram.summed([histogram_of(third), histogram_of(first), histogram_of(second)])


@settings(max_examples=12, deadline=None)
@given(VALUES.filter(bool), st.data())
def test_quantiles_equal_hdrhistogram(values: list[int], data: st.DataObject) -> None:
    """At every rank the quantile, and the extremes, equal those of HdrHistogram."""
    rank = data.draw(st.integers(1, len(values)))
    expected, actual = oracle_of(values), histogram_of(values)
    assert expected.get_value_at_percentile(100 * rank / len(values)) == actual.quantile(rank / len(values))
    assert expected.get_min_value() == actual.minimum
    assert max(values) <= actual.maximum <= max(values) * 1.001 + 1
    assert expected.get_mean_value() == pytest.approx(actual.mean, rel=1e-9)


@pytest.mark.parametrize(
    ("q", "rank"), [(0.0, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)]
)
def test_the_rank_of_a_quantile(q: float, rank: int) -> None:
    """The quantile is where the cumulative count reaches ceil(q * total), and 0.07 * 100 is 7."""
    assert rank == histogram_of(list(range(1, 101))).quantile(q)


def test_counts_above_a_limit_respect_the_resolution() -> None:
    """Values in the bucket of the limit are possibly above it, but not certainly."""
    histogram = histogram_of([1_000_000, 1_000_100, 2_000_000, 3_000_000])
    assert (histogram.count_above(1_000_050), histogram.count_possibly_above(1_000_050)) == (2, 4)
    assert (histogram.count_above(4e6), histogram.count_possibly_above(4e6)) == (0, 0)
    assert (histogram.count_above(0), histogram.count_possibly_above(0)) == (4, 4)


def test_the_empty_histogram_has_no_statistics() -> None:
    """Without values every statistic is NaN, and adding the empty histogram changes nothing."""
    empty = Histogram.empty()
    assert all(math.isnan(v) for v in (empty.quantile(0.5), empty.minimum, empty.maximum, empty.mean))
    assert (empty.total, empty.count_above(0)) == (0, 0)
    assert histogram_of([5]) == histogram_of([5]) + empty
    assert Histogram.empty() == Histogram.summed([]) == empty + empty


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, 3.6e12 + 1])
def test_values_outside_of_the_range_are_refused(value: float) -> None:
    """No value is dropped or clipped; the message states the range."""
    with pytest.raises(DataError, match="from 0 to 3600000000000"):
        Histogram.of(np.array([1.0, value]))


def test_histograms_that_cannot_be_added_exactly_are_refused() -> None:
    """A different resolution or a total beyond 2^63-1 is an error; a larger range is not."""
    with pytest.raises(DataError, match="resolution"):
        histogram_of([1]) + Histogram.with_layout(np.array([1]), Layout(digits=2))
    largest = Histogram(np.array([3]), np.array([2**63 - 1]))
    with pytest.raises(DataError, match=str(2**63 - 1)):
        largest + histogram_of([1])
    wide = Histogram.with_layout(np.array([1]), Layout(highest=2**50))
    assert histogram_of([1, 1]) == histogram_of([1]) + wide
    assert (histogram_of([1]) + wide).layout.highest == 2**50


def test_invalid_counts_are_refused() -> None:
    """A negative count, a bucket beyond the layout, or a total beyond 2^63-1 is an error."""
    for bucket, count in ((0, -1), (0, 0), (STANDARD.size, 1), (-1, 1)):
        with pytest.raises(DataError, match="range"):
            Histogram(np.array([bucket]), np.array([count]))
    with pytest.raises(DataError, match=str(2**63 - 1)):
        Histogram(np.array([0, 1]), np.array([2**62, 2**62]))
