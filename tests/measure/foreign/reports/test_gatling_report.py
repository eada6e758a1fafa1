"""Statistics of Gatling's report, written by hand from its documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from foreign_results import read_text, unmeasured
from ghmlops.core.errors import DataError
from ghmlops.core.latency.external_results import slower_bounds

if TYPE_CHECKING:
    from pathlib import Path


def statistics(total: int = 100, ok: int = 98, ko: int = 2) -> dict[str, Any]:
    """Return `global_stats.json`."""
    times = {"total": 950, "ok": 950, "ko": 10}
    stats = {"name": "All Requests", "numberOfRequests": {"total": total, "ok": ok, "ko": ko}}
    return stats | {
        "minResponseTime": times,
        "maxResponseTime": times,
        "meanResponseTime": times,
        "percentiles4": times,
    }


@pytest.mark.parametrize("content", [statistics(), {"type": "GROUP", "stats": statistics(), "contents": {}}])
def test_percentiles_of_unknown_rank_are_not_used(tmp_path: Path, content: dict[str, Any]) -> None:
    """Counts, mean and maximum are read; `percentiles4` does not state which percentile it is."""
    results = read_text(tmp_path, json.dumps(content))
    assert (results.tool, results.requests, results.failed) == ("gatling-report", 100, (2, 2))
    assert results.values == {"mean": 950.0, "max": 950.0}
    assert "percentiles" in unmeasured(results)
    assert [slower_bounds(results, limit) for limit in (948, 950, 952)] == [(1, 100), (0, 100), (0, 0)]


def test_counts_that_do_not_add_up(tmp_path: Path) -> None:
    """OK and KO are all requests."""
    for content in (statistics(ok=5), statistics(0, 0, 0)):
        with pytest.raises(DataError, match="OK"):
            read_text(tmp_path, json.dumps(content))
