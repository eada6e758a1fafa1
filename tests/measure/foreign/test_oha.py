"""Results of oha."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from foreign_results import SAMPLES, read_sample, read_text, unmeasured

if TYPE_CHECKING:
    from pathlib import Path


def test_failures_are_counted_from_the_statuses(tmp_path: Path) -> None:
    """oha's success rate of 1.0 does not hide eight answers of status 500; aborted requests may have failed."""
    body = json.loads((SAMPLES / "oha.json").read_text())
    assert body["summary"]["successRate"] == 1.0
    assert (read_sample("oha.json").requests, read_sample("oha.json").failed) == (400, (8, 8))
    assert pytest.approx(read_sample("oha.json").values["p99"]) == 4.169304
    body["errorDistribution"] = {"aborted due to deadline": 5, "connection refused": 3}
    results = read_text(tmp_path, json.dumps(body))
    assert (results.requests, results.timed, results.failed) == (408, 400, (11, 16))
    assert "5 requests" in unmeasured(results)
    assert [(doubt.count, doubt.total) for doubt in results.doubts] == [(5, 408)]


def test_a_run_without_answers(tmp_path: Path) -> None:
    """If every connection was refused there are no times, and every request failed."""
    body = {
        "summary": {"slowest": None, "average": None},
        "latencyPercentiles": {"p50": None, "p99": None},
        "statusCodeDistribution": {},
        "errorDistribution": {"connection refused": 9},
    }
    results = read_text(tmp_path, json.dumps(body))
    assert (results.requests, results.timed, results.failed) == (9, 0, (9, 9))
    assert (results.points, results.values) == ((), {})
