"""Statistics of Locust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foreign_results import LOCUST_HEADER, read_sample, read_text, unmeasured
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path


def test_rounded_percentiles_give_wider_bounds() -> None:
    """A percentile of 3 ms lies between 2.5 and 3.5 ms; the maximum is exact; failures are counted."""
    results = read_sample("locust_stats.csv")
    assert (results.requests, results.failed, results.timed_failures) == (1830, (36, 36), True)
    assert (results.values["p50"], results.values["max"]) == (3.0, 40.13141900031769)
    assert slower_bounds(results, 41.0) == (0, 0)
    # 3.2 ms is within the rounding of the median: only p75, at 4 ms (3.5 to 4.5 ms), is certainly slower.
    assert slower_bounds(results, 3.2) == (457, 1830)


def test_several_endpoints_and_unknown_percentiles(tmp_path: Path) -> None:
    """Rows of endpoints are listed as pooled; a percentile of `N/A` is absent."""
    rows = "GET,/a,5,0,1,2,1,2,2\nGET,/b,5,0,1,2,1,2,2\n,Aggregated,10,0,1,2,1,N/A,2\n"
    results = read_text(tmp_path, LOCUST_HEADER + rows)
    assert "response times by endpoint" in unmeasured(results)
    assert "p99" not in results.values
