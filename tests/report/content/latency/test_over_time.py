"""Response times and failures over the run: what is drawn, from the log and from the details."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ghmlops.core.details.over_time import ArmCounts, OverTime
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval
from ghmlops.report.content.latency.over_time import MAX_DRAWN, MIN_DRAWN, run_over_time


def lines(
    seconds: int, requests: int, *, first: int = 0, arms: tuple[str, ...] = ("baseline", "candidate")
) -> list[LogInterval]:
    """Return a log with as many requests per second, all of which take 2 ms (baseline) or 3 ms."""
    return [
        LogInterval(arm, float(second), 1.0, Histogram.of(np.full(requests, 2e6 if arm == "baseline" else 3e6)))
        for second in range(first, first + seconds)
        for arm in arms
    ]


def counts(width: int, size: int, *, start: int = 0, failed: int = 0) -> OverTime:
    """Return counts of the candidate: ten requests per interval."""
    arm = ArmCounts(requests=[10] * size, failed=[failed] * size)
    return OverTime(start_s=start, width_s=width, arms={"candidate": arm})


def test_quantiles_and_failures_share_their_intervals() -> None:
    """Intervals of the log are joined to those of the counts."""
    run = run_over_time(lines(40, 200, first=4), counts(2, 20, start=4, failed=1))
    assert run is not None
    assert (run.start_s, run.width_s) == (4, 2)
    assert run.failed == {"candidate": [1] * 20}
    assert run.requests == {"candidate": [10] * 20}
    assert run.quantiles["p99"]["candidate"] == pytest.approx([3.0] * 20, rel=1e-3)
    assert run.quantiles["p50"]["baseline"] == pytest.approx([2.0] * 20, rel=1e-3)


@pytest.mark.parametrize(
    ("seconds", "requests", "width"),
    [(60, 200, 1), (60, 20, 4), (60, 1, 4), (24, 1, 2), (500, 200, 8), (20_000, 1, 256), (15, 1, 1)],
)
def test_intervals_are_wide_enough_for_a_quantile_and_for_the_chart(seconds: int, requests: int, width: int) -> None:
    """A p99 needs 100 requests; a chart needs 12 intervals and can show 120."""
    run = run_over_time(lines(seconds, requests, arms=("candidate",)), None)
    assert run is not None
    assert run.width_s == width
    size = len(run.requests["candidate"])
    assert min(MIN_DRAWN, seconds) <= size <= MAX_DRAWN
    assert sum(run.requests["candidate"]) == seconds * requests


def test_a_quantile_needs_a_request_beyond_it() -> None:
    """With 40 requests per interval there is a p95 and no p99."""
    run = run_over_time(lines(15, 40), None)
    assert run is not None
    assert list(run.quantiles) == ["p50", "p95"]


@pytest.mark.parametrize(
    "bad",
    [
        msgspec.structs.replace(counts(2, 20), width_s=3),
        msgspec.structs.replace(counts(2, 20), arms={}),
        msgspec.structs.replace(counts(2, 20), arms={"<b>": ArmCounts(requests=[1], failed=[0])}),
        counts(2, 20, failed=99),
    ],
)
def test_impossible_counts_are_left_out(bad: OverTime) -> None:
    """The response times of the log are drawn without them."""
    run = run_over_time(lines(40, 200), bad)
    assert run is not None
    assert run.failed == {}
    assert run.quantiles


@pytest.mark.parametrize("start", [-1.0, 1e12])
def test_impossible_times_are_not_drawn(start: float) -> None:
    """A log outside of the times that a run can have is not drawn."""
    line = LogInterval("candidate", start, 1.0, Histogram.of(np.array([1e6])))
    assert run_over_time([*lines(3, 10), line], None) is None


def test_less_than_two_intervals_are_not_drawn() -> None:
    """One interval has no course over time; nothing has none either."""
    assert run_over_time(lines(1, 10), None) is None
    assert run_over_time([], None) is None


def test_failures_alone_are_drawn() -> None:
    """Without a log, the counts of the evidence are enough."""
    run = run_over_time([], counts(1, 30, failed=2))
    assert run is not None
    assert (run.quantiles, sum(run.failed["candidate"])) == ({}, 60)
