"""Histograms: HdrHistogram's buckets, exact addition, quantiles from the sum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import STANDARD, Histogram, Layout

VALUES = st.lists(st.one_of(st.integers(0, 5000), st.integers(0, STANDARD.highest)), max_size=60)


def of(values: list[int]) -> Histogram:
    """Count `values`."""
    return Histogram.of(np.array(values, np.int64))


def oracle(values: list[int], layout: Layout = STANDARD) -> HdrHistogram:
    """Count `values` with another implementation."""
    found = HdrHistogram(layout.lowest, layout.highest, layout.digits)
    for value in values:
        assert found.record_value(value)
    return found


@settings(max_examples=12, deadline=None)
@given(VALUES)
def test_every_count_is_that_of_hdrhistogram(values: list[int]) -> None:
    """Claim: the buckets are HdrHistogram's, one by one."""
    expected = oracle(values)
    actual = of(values)
    assert list(expected.counts[:]) == actual.counts.tolist()
    assert expected.total_count == actual.total


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES, VALUES)
def test_a_sum_is_the_histogram_of_all_values(first: list[int], second: list[int], third: list[int]) -> None:
    """Claim: merging shards loses nothing: it equals one histogram of everything, count for count, in any order."""
    expected = of(first + second + third)
    assert expected == of(first) + of(second) + of(third)
    assert expected == Histogram.summed([of(third), of(first), of(second)])


@settings(max_examples=12, deadline=None)
@given(VALUES.filter(bool), st.data())
def test_quantiles_are_hdrhistograms(values: list[int], data: st.DataObject) -> None:
    """Claim: at every rank the quantile, and the ends, are those of another implementation."""
    rank = data.draw(st.integers(1, len(values)))
    expected, actual = oracle(values), of(values)
    assert expected.get_value_at_percentile(100 * rank / len(values)) == actual.quantile(rank / len(values))
    assert expected.get_min_value() == actual.minimum
    assert max(values) <= actual.maximum <= max(values) * 1.001 + 1
    assert expected.get_mean_value() == pytest.approx(actual.mean, rel=1e-9)


@pytest.mark.parametrize(
    ("q", "rank"), [(0.0, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)]
)
def test_the_rank_of_a_quantile(q: float, rank: int) -> None:
    """Claim: the quantile is where the cumulative count reaches ceil(q * total), and 0.07 * 100 is 7."""
    assert rank == of(list(range(1, 101))).quantile(q)


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
def test_other_layouts_have_as_many_buckets(lowest: int, highest: int, digits: int) -> None:
    """Claim: the number of buckets of any layout is HdrHistogram's."""
    expected = HdrHistogram(lowest, highest, digits).counts_len
    assert expected == Layout(lowest=lowest, highest=highest, digits=digits).size


@pytest.mark.parametrize(("lowest", "highest", "digits"), LAYOUTS)
def test_other_layouts_count_alike(lowest: int, highest: int, digits: int) -> None:
    """Claim: values fall into the same buckets in any layout."""
    layout = Layout(lowest=lowest, highest=highest, digits=digits)
    values = [v for v in (0, 1, 2, 3, 999, 1000, 1001, 2**20 - 1, 2**20, 10**9, 2**52) if v <= highest]
    assert list(oracle(values, layout).counts[:]) == Histogram.counted(np.array(values), layout).counts.tolist()


def test_counts_above_a_limit_know_their_resolution() -> None:
    """Claim: values in the bucket of the limit are possibly above it, but not surely."""
    found = of([1_000_000, 1_000_100, 2_000_000, 3_000_000])
    assert (found.count_above(1_000_050), found.count_possibly_above(1_000_050)) == (2, 4)
    assert (found.count_above(4e6), found.count_possibly_above(4e6)) == (0, 0)
    assert (found.count_above(0), found.count_possibly_above(0)) == (4, 4)


def test_the_empty_histogram_says_nothing() -> None:
    """Claim: without a value every figure is NaN, and adding nothing changes nothing."""
    empty = Histogram.empty()
    assert all(math.isnan(v) for v in (empty.quantile(0.5), empty.minimum, empty.maximum, empty.mean))
    assert (empty.total, empty.count_above(0)) == (0, 0)
    assert of([5]) == of([5]) + empty
    assert Histogram.empty() == Histogram.summed([]) == empty + empty


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, 3.6e12 + 1])
def test_values_outside_of_the_range_are_refused(value: float) -> None:
    """Claim: nothing is dropped or moved into the range."""
    with pytest.raises(DataError, match="takes values from 0 to 3600000000000"):
        Histogram.of(np.array([1.0, value]))


@pytest.mark.parametrize(
    ("lowest", "highest", "digits"),
    [(0, 100, 3), (1, 1, 3), (1, 2**63, 3), (1, 100, 6), (1, 100, -1), (2**60, 2**62, 5)],
)
def test_impossible_layouts_are_refused(lowest: int, highest: int, digits: int) -> None:
    """Claim: a layout that HdrHistogram refuses is refused."""
    with pytest.raises(DataError, match="is not possible"):
        Layout(lowest=lowest, highest=highest, digits=digits)


def test_what_cannot_be_added_exactly_is_refused() -> None:
    """Claim: another resolution or a total beyond 2^63-1 is an error, a larger range is not."""
    with pytest.raises(DataError, match="different resolution"):
        of([1]) + Histogram.counted(np.array([1]), Layout(digits=2))
    most = Histogram(np.array([3]), np.array([2**63 - 1]))
    with pytest.raises(DataError, match="total"):
        most + of([1])
    wide = Histogram.counted(np.array([1]), Layout(highest=2**50))
    assert of([1, 1]) == of([1]) + wide
    assert (of([1]) + wide).layout.highest == 2**50


def test_bad_counts_are_refused() -> None:
    """Claim: a negative count or a bucket beyond the layout is an error."""
    for place, count in ((0, -1), (0, 0), (STANDARD.size, 1), (-1, 1)):
        with pytest.raises(DataError, match="out of its range"):
            Histogram(np.array([place]), np.array([count]))
    with pytest.raises(DataError, match="total"):
        Histogram(np.array([0, 1]), np.array([2**62, 2**62]))
