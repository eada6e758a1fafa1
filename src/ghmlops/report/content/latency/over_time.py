"""Response times and failures over the time of a run, as numbers to draw.

Response times come from the histogram log, failures from the details of the evidence; both are untrusted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.report.text.drawings import RunOverTime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.details.over_time import OverTime
    from ghmlops.core.histograms.histogram import Histogram
    from ghmlops.core.histograms.hlog import LogInterval

ARMS = ("baseline", "candidate")
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
MAX_DRAWN = 120
"""Intervals that a chart can show apart."""
MIN_DRAWN, MIN_REQUESTS = 12, 100
"""Intervals are joined until each has the requests that a p99 needs, as long as `MIN_DRAWN` intervals remain."""
_MAX_SECOND = 2**31


def run_over_time(lines: Sequence[LogInterval], counts: OverTime | None) -> RunOverTime | None:
    """Return what is drawn over the time of a run; `None` if it has less than two intervals or impossible numbers.

    Args:
        lines: Lines of the histogram log in nanoseconds, with the names of the arms as tags.
        counts: Requests and failures over time; `None` if the evidence does not count them.
    """
    from ghmlops.core.latency.over_time.counts import is_possible

    if counts is not None and not (counts.arms.keys() <= set(ARMS) and is_possible(counts)):
        counts = None
    seconds = [math.floor(line.start_s) for line in lines]
    if any(not 0 <= second <= _MAX_SECOND for second in seconds):
        return None
    ends = [*seconds, *_span(counts)]
    if not ends or max(ends) == min(ends):
        return None
    first, last = min(ends), max(ends)
    per_arm = sum(line.histogram.total for line in lines) / max(1, len({line.tag for line in lines}))
    width = _width(first, last, counts.width_s if counts else 1, per_arm)
    start, size = first // width, last // width - first // width + 1
    cells: dict[str, list[list[Histogram]]] = {}
    for second, line in zip(seconds, lines, strict=True):
        cells.setdefault(line.tag, [[] for _ in range(size)])[second // width - start].append(line.histogram)
    sums = {arm: [_summed(parts) for parts in cells[arm]] for arm in ARMS if arm in cells}
    return RunOverTime(
        start_s=start * width,
        width_s=width,
        requests=_coarse(counts, "requests", start, width, size)
        or {arm: [histogram.total for histogram in histograms] for arm, histograms in sums.items()},
        quantiles=_quantiles(sums),
        failed=_coarse(counts, "failed", start, width, size),
    )


def _span(counts: OverTime | None) -> list[int]:
    """Return the first and the last second of the counts."""
    if counts is None:
        return []
    size = max(len(arm.requests) for arm in counts.arms.values())
    return [counts.start_s, counts.start_s + size * counts.width_s - 1]


def _width(first: int, last: int, min_width: int, requests: float) -> int:
    """Return seconds per interval: a power of two, as the widths of the counts are."""

    def intervals(width: int) -> int:
        return last // width - first // width + 1

    width = min_width
    while intervals(width) > MAX_DRAWN:
        width *= 2
    while requests < MIN_REQUESTS * intervals(width) and intervals(2 * width) >= MIN_DRAWN:
        width *= 2
    return width


def _summed(parts: Sequence[Histogram]) -> Histogram:
    from ghmlops.core.histograms.histogram import Histogram

    return Histogram.summed(parts)


def _quantiles(sums: Mapping[str, Sequence[Histogram]]) -> dict[str, dict[str, list[float | None]]]:
    """Return each quantile that one interval at least has."""
    values = {
        name: {arm: [_quantile(histogram, q) for histogram in histograms] for arm, histograms in sums.items()}
        for name, q in QUANTILES.items()
    }
    return {name: arms for name, arms in values.items() if any(v is not None for row in arms.values() for v in row)}


def _quantile(histogram: Histogram, q: float) -> float | None:
    """Return a quantile in milliseconds, if one request at least is beyond it."""
    if histogram.total * (1 - q) < 1 - 1e-9:
        return None
    return max(histogram.quantile(q), 1.0) / 1e6


def _coarse(counts: OverTime | None, column: str, start: int, width: int, size: int) -> dict[str, list[int]]:
    """Return a column of the counts in the intervals of the chart."""
    rows: dict[str, list[int]] = {}
    for arm, values in counts.arms.items() if counts else ():
        rows[arm] = [0] * size
        for index, value in enumerate(getattr(values, column)):
            rows[arm][(counts.start_s + index * counts.width_s) // width - start] += value  # type: ignore[union-attr]
    return rows
