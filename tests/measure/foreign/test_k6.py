"""Summaries of k6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import k6_summary, read_sample, read_text, unmeasured

if TYPE_CHECKING:
    from pathlib import Path


def test_percentiles_of_successes_and_failures() -> None:
    """Both summaries are read; failed checks may be failures; percentiles that k6 did not compute are absent."""
    script, export = read_sample("k6-handle-summary.json"), read_sample("k6-summary-export.json")
    assert (script.requests, script.timed, script.timed_failures, script.failed) == (400, 392, False, (8, 16))
    assert (export.requests, export.timed, export.failed) == (400, 392, (8, 16))
    assert pytest.approx(script.values["p99"]) == 3.16035575
    assert "p99" not in export.values
    assert export.values["max"] == 5.173791
    assert any("8 failed checks" in what for what in unmeasured(script))
    assert any("coordinated omission" in what for what in unmeasured(script))


def test_unknown_failures_and_dropped_iterations(tmp_path: Path) -> None:
    """A summary without `http_req_failed` leaves failures unknown; dropped iterations are listed as not measured."""
    assert read_text(tmp_path, k6_summary(http_req_failed=None)).failed == (0, None)
    dropped = read_text(tmp_path, k6_summary(dropped_iterations={"count": 7, "rate": 1.0}))
    assert "7 iterations" in unmeasured(dropped)
    assert (dropped.timed, dropped.timed_failures, dropped.failed) == (10, True, (1, 1))
    assert dropped.values["p99.9"] == 2.0
