"""Results of another load generator, and the bounds that they give on the number of requests that missed an objective.

For each objective, a file gives at least two bounds on how many requests missed it. If it contains every time or a
histogram, they (nearly) coincide. A percentile alone says less: if the q-quantile of n times is within the limit, at
most ceil((1 - q) n) of them exceed it; if it exceeds the limit, at least floor((1 - q) n) do. Both hold for the
nearest-rank rule and for interpolation between neighbours; an estimator that may be off by a share of the ranks widens
both. `external_findings` judges the objectives by these bounds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ghmlops.core.histograms.histogram import Histogram
    from ghmlops.core.model import NotMeasured

MAX_REQUESTS = 10**15
"""Number of requests up to which a file is accepted; larger numbers are damaged data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Bounds at one response time on the number of timed requests that took longer.

    Attributes:
        low: Lower end of the time in ms, which the tool may have rounded.
        high: Upper end of the time in ms.
        min_slower: Minimum number of requests that took longer than any limit below the time.
        max_slower: Maximum number of requests that took longer than the time.
    """

    low: float
    high: float
    min_slower: int
    max_slower: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What a file contains about one kind of time.

    Attributes:
        timed: Number of requests that the times cover.
        points: Bounds from percentiles and the maximum.
        values: Mean, percentiles and maximum in ms, as reported by the tool.
    """

    timed: int
    points: tuple[Point, ...]
    values: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much of the planned load the tool sent.

    Attributes:
        unit: What is counted: `requests` or `iterations`.
        planned: Number that was to be sent.
        unsent: Number that was not sent.
        cause: Why, or how this is known: a clause.
    """

    unit: str
    planned: int
    unsent: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Requests of the file that are no results of one complete request each.

    Attributes:
        count: Number of such requests.
        total: Number of requests of which they are a part.
        why: What they are: a clause such as "are hops of redirects".
    """

    count: int
    total: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalResults:
    """The content of a file about one run.

    Attributes:
        tool: Name of the tool in the table of `measure.foreign`.
        timed: Number of requests that the times cover.
        timed_failures: Whether failed requests are, or may be, among the timed ones.
        requests: Number of requests of the run; `None` if unknown.
        failed: Minimum and maximum number of failed requests; the maximum is `None` if unknown.
        points: Bounds from percentiles and the maximum.
        histogram: All times, if they are known.
        unit_ns: Unit of the histogram in nanoseconds.
        values: Mean, percentiles and maximum in ms, as reported by the tool.
        not_measured: What the file does not contain.
        unit: Unit of the times in an HdrHistogram file; otherwise empty.
        intervals: Number of intervals of an HdrHistogram log; otherwise `None`.
        first_token: Times to the first token, if the file contains them.
        load: How much of the planned load was sent; `None` if the file does not state it.
        doubts: Requests that are no results of one complete request each.
    """

    tool: str
    timed: int
    timed_failures: bool
    requests: int | None
    failed: tuple[int, int | None]
    points: tuple[Point, ...] = ()
    histogram: Histogram | None = None
    unit_ns: int = 1
    values: dict[str, float | None] = field(default_factory=dict)
    not_measured: tuple[NotMeasured, ...] = ()
    unit: str = ""
    intervals: int | None = None
    first_token: Times | None = None
    load: Load | None = None
    doubts: tuple[Doubt, ...] = ()


def percentile(q: float, low: float, n: int, *, high: float | None = None, slack: float = 0.0) -> Point:
    """Return the bounds that follow from the reported `q`-quantile of `n` times.

    Args:
        q: Probability in [0, 1]; 1 is the maximum, whose rank is exact.
        low: Reported time in ms, or the lower end of what the tool may have rounded.
        n: Number of times.
        high: Upper end of what the tool may have rounded, in ms.
        slack: Share of the ranks by which the estimator of the tool may be off.
    """
    top = low if high is None else high
    if q >= 1.0:
        return Point(low=low, high=top, min_slower=min(1, n), max_slower=0)
    beyond = round((1.0 - q) * n, 6)
    min_slower = max(0, math.floor(beyond - slack * n))
    return Point(low=low, high=top, min_slower=min_slower, max_slower=min(n, math.ceil(beyond + slack * n)))


def bucket_points(buckets: Iterable[tuple[float, float, int]]) -> tuple[Point, ...]:
    """Return the bounds that follow from a histogram of all times.

    Args:
        buckets: Lower end and upper end of each bucket in ms, and its number of times, in ascending order.
    """
    points, slower = [], 0
    for low, high, count in reversed(list(buckets)):
        points.append(Point(low=low, high=high, min_slower=slower + count, max_slower=slower))
        slower += count
    return tuple(reversed(points))


def are_contradictory(points: Sequence[Point]) -> bool:
    """Return whether no set of times has these points: more requests exceed a longer time than a shorter one."""
    ascending = sorted(points, key=lambda p: p.low)
    lows = [p.low for p in ascending]
    # Element i is the largest `min_slower` of the i longest times.
    beyond = [0]
    for point in reversed(ascending):
        beyond.append(max(beyond[-1], point.min_slower))
    return any(beyond[len(lows) - bisect_right(lows, p.high)] > p.max_slower for p in ascending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Bounds on the number of requests that missed an objective, and on the number of requests.

    Attributes:
        min_missed: Minimum number of requests that missed it.
        max_missed: Maximum number of requests that missed it.
        min_requests: Minimum number of requests.
        max_requests: Maximum number of requests.
    """

    min_missed: int
    max_missed: int
    min_requests: int
    max_requests: int


def slower_bounds(results: ExternalResults, limit_ms: float) -> tuple[int, int]:
    """Return the minimum and the maximum number of timed requests that took longer than `limit_ms`."""
    if results.histogram is not None:
        limit = limit_ms * 1e6 / results.unit_ns
        return results.histogram.count_above(limit), results.histogram.count_possibly_above(limit)
    low = max((p.min_slower for p in results.points if p.low > limit_ms), default=0)
    high = min((p.max_slower for p in results.points if p.high <= limit_ms), default=results.timed)
    return low, max(low, high)


def time_misses(results: ExternalResults, limit_ms: float) -> Misses:
    """Return the misses of "at most `limit_ms`"; a failed request misses it, whatever its time."""
    low, high = slower_bounds(results, limit_ms)
    min_failed, max_failed = results.failed
    if results.requests is None:
        # It is unknown whether failed requests are among the timed ones.
        min_requests, max_requests = results.timed, results.timed + (max_failed or 0)
    elif results.timed_failures:
        min_requests = max_requests = results.timed
        min_failed = max(0, min_failed - max(0, results.requests - results.timed))
    else:
        min_requests = max_requests = results.requests
    separate = results.requests is not None and not results.timed_failures
    min_missed = low + min_failed if separate else max(low, min_failed)
    min_missed = min(min_missed, max_requests)
    max_missed = max_requests if max_failed is None else min(max_requests, high + max_failed)
    return Misses(
        min_missed=min_missed,
        max_missed=max(max_missed, min_missed),
        min_requests=min_requests,
        max_requests=max_requests,
    )


def error_misses(results: ExternalResults) -> Misses:
    """Return the number of failed requests as misses of the objective on errors."""
    low, high = results.failed
    n = results.timed if results.requests is None else results.requests
    max_requests = max(n, low)
    return Misses(
        min_missed=low,
        max_missed=max_requests if high is None else max(low, min(max_requests, high)),
        min_requests=n,
        max_requests=max_requests,
    )
