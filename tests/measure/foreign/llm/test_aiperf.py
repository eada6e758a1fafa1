"""Results of AIPerf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_llm import aiperf_result
from foreign_results import read_text
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def test_counts_and_times(tmp_path: Path) -> None:
    """Failures are counted separately; times are those of successful requests, in the unit that the file states."""
    results = read_text(tmp_path, aiperf_result())
    assert (results.tool, results.requests, results.timed, results.failed) == ("aiperf", 1000, 990, (10, 10))
    assert (results.values["p99"], results.values["mean"], results.doubts) == (900.0, 500.0, ())
    assert results.first_token is not None
    assert results.first_token.values == {"mean": 40.0, "p50": 35.0, "p99": 90.0, "max": 120.0}
    seconds = read_text(tmp_path, aiperf_result(request_latency={"unit": "s", "avg": 0.5, "p99": 0.9}))
    assert seconds.values == {"mean": 500.0, "p99": 900.0}
    assert read_text(tmp_path, aiperf_result(time_to_first_token=None, error_request_count=None)).first_token is None


def test_a_cancelled_run_is_a_doubt(tmp_path: Path) -> None:
    """All of its requests."""
    (doubt,) = read_text(tmp_path, aiperf_result(was_cancelled=True)).doubts
    assert (doubt.count, doubt.total) == (1000, 1000)


def test_bad_files(tmp_path: Path) -> None:
    """An unknown unit, a fraction of a request, a missing count, truncated JSON."""
    for damage in (
        aiperf_result(request_latency={"unit": "fortnights", "p99": 1}),
        aiperf_result(request_latency={"unit": "ms", "p99": "fast"}),
        aiperf_result(request_count={"avg": 0.5}),
        aiperf_result(request_count={"avg": -1}),
        aiperf_result(request_count={}),
        aiperf_result()[:-3],
    ):
        with pytest.raises(DataError):
            read_text(tmp_path, damage)
