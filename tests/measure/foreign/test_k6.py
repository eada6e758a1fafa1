"""Summaries of k6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from foreign_results import k6_summary, read_sample, read_text, unmeasured
from ghmlops.core.latency.external_findings import findings
from ghmlops.core.model import Outcome
from ghmlops.core.policy.objectives import Objectives

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
    """A summary without `http_req_failed` leaves failures unknown; dropped iterations are unsent load."""
    assert read_text(tmp_path, k6_summary(http_req_failed=None)).failed == (0, None)
    dropped = read_text(tmp_path, k6_summary(dropped_iterations={"count": 7, "rate": 1.0}))
    assert dropped.load is not None
    assert (dropped.load.unit, dropped.load.planned, dropped.load.unsent) == ("iterations", 7, 7)
    assert (dropped.timed, dropped.timed_failures, dropped.failed) == (10, True, (1, 1))
    assert dropped.values["p99.9"] == 2.0


def test_the_new_machine_readable_summary() -> None:
    """`--new-machine-readable-summary` of k6 1.8.1: the same metrics in lists."""
    results = read_sample("k6-new-summary.json")
    assert (results.tool, results.requests, results.timed, results.failed) == ("k6", 400, 392, (8, 8))
    assert pytest.approx(results.values["p95"]) == 0.47735995
    assert results.values["max"] == 3.733083
    assert "p99" not in results.values


@pytest.mark.parametrize(
    ("name", "planned", "unsent"), [("k6-summary-dropped.json", 401, 351), ("k6-new-summary-dropped.json", 400, 350)]
)
def test_a_run_that_dropped_87_percent_is_an_error(name: str, planned: int, unsent: int) -> None:
    """k6 sent 50 of 400 iterations, each within the objective."""
    results = read_sample(name)
    assert results.load is not None
    assert (results.requests, results.load.planned, results.load.unsent) == (50, planned, unsent)
    outcomes = {f.id: f.outcome for f in findings(Objectives(quantiles={"p50": 1.0}), results)}
    assert outcomes == {"objective-p50": Outcome.INCONCLUSIVE, "guard-lateness": Outcome.ERROR}


def test_redirects(tmp_path: Path) -> None:
    """Hops are a doubt if the script counts them by status; with more requests than iterations they are unknown."""
    (doubt,) = read_text(tmp_path, k6_summary(**{"http_reqs{status:302}": {"count": 4}})).doubts
    assert (doubt.count, doubt.total) == (4, 10)
    assert "redirects" in unmeasured(read_text(tmp_path, k6_summary(iterations={"count": 5})))
    assert "redirects" not in unmeasured(read_text(tmp_path, k6_summary(iterations={"count": 10})))
