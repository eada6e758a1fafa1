"""Reports of vegeta."""

from __future__ import annotations

from foreign_results import read_sample, unmeasured
from ghmlops.core.latency.external_results import slower_bounds


def test_failures_by_status_and_estimated_percentiles() -> None:
    """Percentiles cover all requests, failed ones included, and are listed as estimates; the maximum is exact."""
    results = read_sample("vegeta-report.json")
    assert (results.requests, results.timed_failures, results.failed) == (200, True, (4, 4))
    assert {"mean": 0.350129, "p50": 0.312337, "p99": 2.396862, "max": 2.711434}.items() <= results.values.items()
    assert "exact percentiles" in unmeasured(results)
    assert slower_bounds(results, 3.0) == (0, 0)
