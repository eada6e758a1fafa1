"""Results of other load generators: the bounds that percentiles and failures give on the missed requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.latency.external_results import (
    ExternalResults,
    Misses,
    are_contradictory,
    bucket_points,
    error_misses,
    percentile,
    slower_bounds,
    time_misses,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def results_of(**more: Any) -> ExternalResults:
    """Return the results of a run of 1,000 timed requests without failures."""
    base: dict[str, Any] = {"tool": "k6", "timed": 1000, "timed_failures": True, "requests": 1000, "failed": (0, 0)}
    return ExternalResults(**(base | more))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0.99, 90)], (0, 10)),
        ([(0.99, 100)], (0, 10)),
        ([(0.99, 100.1)], (10, 1000)),
        ([(0.5, 10), (0.9, 120), (0.99, 200)], (100, 500)),
        ([(0.99, 90), (0.999, 99)], (0, 1)),
        ([(1.0, 100)], (0, 0)),
        ([(1.0, 101)], (1, 1000)),
        ([(0.99, 90), (1.0, 101)], (1, 10)),
        ([], (0, 1000)),
    ],
)
def test_percentiles_bound_the_slow_requests(points: list[tuple[float, float]], expected: tuple[int, int]) -> None:
    """A percentile within the limit of 100 ms gives an upper bound, one beyond it a lower bound, and nothing else."""
    results = results_of(points=tuple(percentile(q, time, 1000) for q, time in points))
    assert expected == slower_bounds(results, 100.0)


def test_a_rounded_percentile_gives_no_bound_near_the_limit() -> None:
    """If the limit lies within the rounding of a percentile, neither bound follows."""
    assert slower_bounds(results_of(points=(percentile(0.99, 95, 1000, high=105),)), 100.0) == (0, 1000)


def test_an_inexact_estimator_widens_both_bounds() -> None:
    """A slack of 0.3 % of the ranks moves 10 of 1,000 to 7 and 13."""
    assert slower_bounds(results_of(points=(percentile(0.99, 90, 1000, slack=0.003),)), 100.0) == (0, 13)
    assert slower_bounds(results_of(points=(percentile(0.99, 110, 1000, slack=0.003),)), 100.0) == (7, 1000)


RULES: dict[str, Callable[[Any, float], float]] = {
    "nearest rank": lambda values, q: values[max(0, int(np.ceil(q * len(values))) - 1)],
    "next rank": lambda values, q: values[min(len(values) - 1, int(q * len(values)))],
    "interpolation": lambda values, q: float(np.quantile(values, q)),
}


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 30), min_size=1, max_size=60), limit=st.integers(0, 30))
def test_the_truth_lies_within_the_bounds(rule: str, values: list[int], limit: int) -> None:
    """For any times and any of the usual quantile rules, the true count lies within the bounds."""
    ordered = np.sort(np.array(values, float))
    n = len(ordered)
    points = [percentile(q, float(RULES[rule](ordered, q)), n) for q in (0.5, 0.9, 0.95, 0.99, 1.0)]
    assert not are_contradictory(points)
    low, high = slower_bounds(results_of(timed=n, requests=n, points=tuple(points)), float(limit))
    assert low <= int((ordered > limit).sum()) <= high


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"failed": (0, 0)}, Misses(min_missed=10, max_missed=20, min_requests=1000, max_requests=1000)),
        ({"failed": (15, 15)}, Misses(min_missed=15, max_missed=35, min_requests=1000, max_requests=1000)),
        ({"failed": (5, 30)}, Misses(min_missed=10, max_missed=50, min_requests=1000, max_requests=1000)),
        ({"failed": (0, None)}, Misses(min_missed=10, max_missed=1000, min_requests=1000, max_requests=1000)),
        (
            {"failed": (15, 15), "timed_failures": False, "requests": 1015},
            Misses(min_missed=25, max_missed=35, min_requests=1015, max_requests=1015),
        ),
        (
            {"failed": (15, 20), "timed_failures": False, "requests": 1015},
            Misses(min_missed=25, max_missed=40, min_requests=1015, max_requests=1015),
        ),
        (
            {"failed": (150, 150), "requests": 1100},
            Misses(min_missed=50, max_missed=170, min_requests=1000, max_requests=1000),
        ),
        (
            {"failed": (15, 15), "requests": None},
            Misses(min_missed=15, max_missed=35, min_requests=1000, max_requests=1015),
        ),
        (
            {"failed": (0, None), "requests": None},
            Misses(min_missed=10, max_missed=1000, min_requests=1000, max_requests=1000),
        ),
    ],
)
def test_failed_requests_are_misses(more: dict[str, Any], expected: Misses) -> None:
    """Failures are misses however they are counted; if they may be slow requests too, the bounds allow for both.

    Of 1,000 times, 10 to 20 are beyond the limit of 100 ms.
    """
    points = (percentile(0.98, 90, 1000), percentile(0.99, 110, 1000))
    assert expected == time_misses(results_of(points=points, **more), 100.0)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"failed": (3, 3)}, Misses(min_missed=3, max_missed=3, min_requests=1000, max_requests=1000)),
        ({"failed": (3, 9)}, Misses(min_missed=3, max_missed=9, min_requests=1000, max_requests=1000)),
        ({"failed": (0, None)}, Misses(min_missed=0, max_missed=1000, min_requests=1000, max_requests=1000)),
        (
            {"failed": (3, 3), "requests": None},
            Misses(min_missed=3, max_missed=3, min_requests=1000, max_requests=1000),
        ),
    ],
)
def test_bounds_of_the_failures(more: dict[str, Any], expected: Misses) -> None:
    """If failures are not counted, all requests may have failed."""
    assert expected == error_misses(results_of(**more))


def test_a_histogram_is_judged_in_its_unit() -> None:
    """1,000 values of 2,000 us exceed 1 ms and are within 3 ms."""
    results = results_of(histogram=Histogram.of(np.full(1000, 2000)), unit_ns=1000)
    assert slower_bounds(results, 1.0) == (1000, 1000)
    assert slower_bounds(results, 3.0) == (0, 0)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], False),
        ([(0.5, 5), (0.99, 8), (1.0, 9)], False),
        ([(0.5, 5), (0.99, 5), (1.0, 5)], False),
        ([(0.99, 160), (1.0, 100)], True),
        ([(0.999, 160), (1.0, 100)], True),
        ([(0.5, 500), (0.99, 400)], True),
    ],
)
def test_contradictory_percentiles(points: list[tuple[float, float]], expected: bool) -> None:
    """A longer time that more requests exceed is a contradiction; equal times are not."""
    assert expected == are_contradictory([percentile(q, time, 1000) for q, time in points])


@settings(max_examples=200, deadline=None)
@given(
    times=st.lists(st.floats(0, 50), min_size=1, max_size=60),
    limit=st.floats(0, 60),
    width=st.sampled_from([0.5, 1.0, 7.0]),
)
def test_buckets_bound_the_true_number_of_slower_requests(times: list[float], limit: float, width: float) -> None:
    """Whatever the times within their buckets are, the number of those above any limit is within the bounds."""
    counts = np.bincount([int(time // width) for time in times])
    points = bucket_points((k * width, (k + 1) * width, int(n)) for k, n in enumerate(counts) if n)
    assert not are_contradictory(points)
    low, high = slower_bounds(results_of(timed=len(times), points=points), limit)
    assert low <= sum(time > limit for time in times) <= high
